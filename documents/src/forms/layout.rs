//! Where the letters of a value go: one line, wrapped lines, or one letter per cell of a comb. Nothing is cut: what does not fit at
//! the field's size is made smaller, down to a bound.

use std::ops::Range;

use super::Reason;
use super::fonts::{Font, Shown, Simple};
use crate::text::{self, Break, Look, Paragraph, Reach, Typeface};

/// Drawn for what no font has, which is refused before.
const REPLACEMENT: char = '?';

/// The smallest size that a text is drawn in, in points: it can still be read when enlarged.
const MIN_SIZE: f32 = 2.0;
/// The largest size that is chosen for several lines, in points, as other viewers have it.
const MAX_CHOSEN_SIZE: f32 = 12.0;
/// How much smaller each try is.
const STEP: f32 = 0.94;
/// Lines of one field.
const MAX_LINES: usize = 2_000;
/// Cells of a comb.
pub(super) const MAX_CELLS: i64 = 1_000;

/// `Q` (ISO 32000-2 table 231).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alignment {
    Left,
    Centre,
    Right,
}

impl Alignment {
    pub(super) fn of(quadding: Option<i64>) -> Self {
        match quadding {
            Some(1) => Self::Centre,
            Some(2) => Self::Right,
            _ => Self::Left,
        }
    }

    /// How much of the room that is left goes before the text.
    fn share(self) -> f32 {
        match self {
            Self::Left => 0.0,
            Self::Centre => 0.5,
            Self::Right => 1.0,
        }
    }
}

/// The room for a text. The origin is the lower left corner of the upright field; everything is in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Room {
    pub(super) width: f32,
    pub(super) height: f32,
    /// From the edge to where text may be at all: the border.
    pub(super) border: f32,
    /// From the edge to where text should be.
    pub(super) padding: f32,
}

impl Room {
    /// Where the border leaves no room it counts as none.
    pub(super) fn new(width: f32, height: f32, inset: f32) -> Self {
        let thin = width.min(height) / 4.0;
        let border = inset.min(thin);
        Self { width, height, border, padding: (border.max(1.0) * 2.0).min(thin) }
    }

    pub(super) fn text_width(self) -> f32 {
        self.width - 2.0 * self.padding
    }

    fn inner_height(self) -> f32 {
        self.height - 2.0 * self.border
    }

    pub(super) fn text_height(self) -> f32 {
        self.height - 2.0 * self.padding
    }
}

/// A text in its place.
#[derive(Debug)]
pub(super) struct Laid<'t> {
    /// Of the font, in points.
    pub(super) size: f32,
    pub(super) lines: Vec<Line<'t>>,
}

/// What starts in one place.
#[derive(Debug)]
pub(super) struct Line<'t> {
    pub(super) x: f32,
    pub(super) baseline: f32,
    pub(super) shown: Shown<'t>,
}

/// A text without line ends in a font.
enum Set<'t> {
    Codes(&'t Simple, &'t str),
    Glyphs(Paragraph<'t>, &'t str),
}

impl<'t> Set<'t> {
    fn of(font: &'t Font, text: &'t str) -> Self {
        match font {
            Font::Simple(simple) => Self::Codes(simple, text),
            Font::Ours => Self::Glyphs(Paragraph::new(text, Look::Sans, REPLACEMENT), text),
        }
    }

    fn text(&self) -> &'t str {
        let (Self::Codes(_, text) | Self::Glyphs(_, text)) = self;
        text
    }

    /// In thousandths of the font size.
    fn width(&self) -> f32 {
        match self {
            Self::Codes(font, text) => text.chars().map(|character| font.width(character)).sum(),
            Self::Glyphs(paragraph, _) => paragraph.width(),
        }
    }

    fn reach(&self) -> Reach {
        match self {
            Self::Codes(font, _) => font.reach(),
            Self::Glyphs(paragraph, _) => paragraph.reach().unwrap_or_else(|| Typeface::NotoSans.face().reach()),
        }
    }

    /// What is drawn of a part that is one line, and its width in thousandths of the font size.
    fn shown(&self, part: Range<usize>) -> (Shown<'t>, f32) {
        match self {
            Self::Codes(font, text) => {
                let rtl = text::is_right_to_left(text);
                let shown = text::visual(&text[part], rtl);
                let width = shown.chars().map(|character| font.width(character)).sum();
                (Shown::Codes(font, shown), width)
            }
            Self::Glyphs(paragraph, _) => {
                let line = paragraph.line(part);
                let width = line.width;
                (Shown::Glyphs(line), width)
            }
        }
    }
}

/// How far a text reaches above and below its baseline, in thousandths of its size: capitals with accents are taller.
fn extent(reach: Reach, text: &str) -> (f32, f32) {
    let above = if text.is_ascii() { (reach.capitals + 30.0).min(reach.above) } else { reach.above };
    (above, reach.below)
}

/// The size that is wished for, cut to what is possible.
fn size(wish: f32, possible: f32) -> Result<f32, Reason> {
    let size = wish.min(possible);
    if size.is_finite() && size >= MIN_SIZE.min(wish) { Ok(size) } else { Err(Reason::DoesNotFit) }
}

/// One line, centred from top to bottom. A wish of 0 is the largest size that fits.
///
/// # Errors
/// [`Reason::DoesNotFit`].
pub(super) fn single<'t>(font: &'t Font, text: &'t str, room: Room, wish: f32, alignment: Alignment) -> Result<Laid<'t>, Reason> {
    let text = text.trim_end_matches(' ');
    let set = Set::of(font, text);
    let (shown, width) = set.shown(0..text.len());
    let wide = width / 1000.0;
    let widest = if wide > 0.0 { room.text_width() / wide } else { f32::MAX };
    let (size, baseline) = row(set.reach(), text, room, wish, widest)?;
    let x = room.padding + (room.text_width() - wide * size).max(0.0) * alignment.share();
    Ok(Laid { size, lines: vec![Line { x, baseline, shown }] })
}

/// Size and baseline of one line that may be as large as `widest`.
fn row(reach: Reach, text: &str, room: Room, wish: f32, widest: f32) -> Result<(f32, f32), Reason> {
    let (above, below) = extent(reach, text);
    let highest = room.inner_height() * 1000.0 / (above + below);
    let comfortable = (room.text_height() * 1000.0 / reach.line).max(MIN_SIZE);
    let wish = if wish > 0.0 { wish } else { comfortable.min(widest).max(MIN_SIZE) };
    let size = size(wish, highest.min(widest))?;
    let centred = (room.height - reach.capitals * size / 1000.0) / 2.0;
    let lowest = room.border + below * size / 1000.0;
    let top = room.height - room.border - above * size / 1000.0;
    Ok((size, centred.max(lowest).min(top.max(lowest))))
}

/// Lines that are wrapped where the text may be broken, from the top. A wish of 0 is the largest size up to 12 points at which all fit.
///
/// # Errors
/// [`Reason::DoesNotFit`].
pub(super) fn wrapped<'t>(
    font: &'t Font,
    text: &'t str,
    room: Room,
    wish: f32,
    alignment: Alignment,
) -> Result<Laid<'t>, Reason> {
    let sets: Vec<Measured<'t>> = text.split('\n').take(MAX_LINES + 1).map(|text| Measured::of(Set::of(font, text))).collect();
    let reach = sets.iter().map(|measured| measured.set.reach()).reduce(Reach::with).ok_or(Reason::DoesNotFit)?;
    let (above, below) = extent(reach, text);
    let wide: f32 = sets.iter().map(|measured| measured.set.width()).sum::<f32>() / 1000.0;
    let start = if wish > 0.0 { wish } else { MAX_CHOSEN_SIZE };
    let mut size = start;
    while size >= MIN_SIZE.min(start) {
        let high = |lines: usize| ((lines as f32 - 1.0) * reach.line + above + below) * size / 1000.0;
        let at_least = sets.len().max((wide * size / room.text_width()) as usize);
        if at_least <= MAX_LINES && high(at_least) <= room.inner_height() {
            let lines = paragraphs(&sets, room.text_width() * 1000.0 / size);
            if let Some(lines) = lines.filter(|lines| high(lines.len()) <= room.inner_height()) {
                return Ok(stacked(lines, reach, room, size, alignment, above));
            }
        }
        size *= STEP;
    }
    Err(Reason::DoesNotFit)
}

/// A text of which is known where it breaks.
struct Measured<'t> {
    set: Set<'t>,
    /// Of a text in a simple font.
    codes: text::Measured,
}

impl<'t> Measured<'t> {
    fn of(set: Set<'t>) -> Self {
        let codes = match &set {
            Set::Codes(font, text) => {
                text::Measured::of(text, text.char_indices().map(|(start, character)| (start, font.width(character))))
            }
            Set::Glyphs(..) => text::Measured::default(),
        };
        Self { set, codes }
    }

    fn lines(&self, limit: f32) -> Option<Vec<Range<usize>>> {
        match &self.set {
            Set::Codes(..) => self.codes.lines(limit, Break::Anywhere, MAX_LINES),
            Set::Glyphs(paragraph, _) => paragraph.lines(limit, Break::Anywhere, MAX_LINES),
        }
    }
}

/// A line of one of the texts.
type Part<'m, 't> = (&'m Set<'t>, Range<usize>);

/// All lines, none wider than `limit` thousandths of the font size. `None`: a letter is wider than that, or there are too many.
fn paragraphs<'m, 't>(sets: &'m [Measured<'t>], limit: f32) -> Option<Vec<Part<'m, 't>>> {
    let mut lines = Vec::new();
    for measured in sets {
        lines.extend(measured.lines(limit)?.into_iter().map(|line| (&measured.set, line)));
        if lines.len() > MAX_LINES {
            return None;
        }
    }
    Some(lines)
}

fn stacked<'t>(lines: Vec<Part<'_, 't>>, reach: Reach, room: Room, size: f32, alignment: Alignment, above: f32) -> Laid<'t> {
    let step = reach.line * size / 1000.0;
    let all = step * lines.len() as f32;
    let used = step * (lines.len() as f32 - 1.0) + (above + reach.below) * size / 1000.0;
    let first = if all <= room.text_height() {
        room.height - room.padding - reach.above * size / 1000.0
    } else {
        room.height - room.border - (room.inner_height() - used) / 2.0 - above * size / 1000.0
    };
    let place = |(index, (set, line)): (usize, Part<'_, 't>)| {
        let text = set.text()[line.clone()].trim_end_matches(' ');
        if text.is_empty() {
            return None;
        }
        let (shown, width) = set.shown(line.start..line.start + text.len());
        let free = room.text_width() - width * size / 1000.0;
        let x = room.padding + free.max(0.0) * alignment.share();
        Some(Line { x, baseline: first - step * index as f32, shown })
    };
    Laid { size, lines: lines.into_iter().enumerate().filter_map(place).collect() }
}

/// One letter, with its marks, per cell.
///
/// # Errors
/// [`Reason::LongerThanComb`], [`Reason::DoesNotFit`].
pub(super) fn comb<'t>(
    font: &'t Font,
    text: &str,
    room: Room,
    wish: f32,
    alignment: Alignment,
    cells: i64,
) -> Result<Laid<'t>, Reason> {
    let ordered = text::visual(text, None);
    let letters: Vec<&str> = text::clusters(&ordered).take(MAX_CELLS as usize + 1).collect();
    let count = letters.len() as i64;
    if count > cells || cells > MAX_CELLS {
        return Err(Reason::LongerThanComb);
    }
    let cell = room.width / cells as f32;
    let set = |letter: &&str| match font {
        Font::Simple(simple) => {
            let width = letter.chars().map(|character| simple.width(character)).sum();
            (Shown::Codes(simple, (*letter).to_owned()), width)
        }
        Font::Ours => {
            let line = Paragraph::new(letter, Look::Sans, REPLACEMENT).line(0..letter.len());
            let width = line.width;
            (Shown::Glyphs(line), width)
        }
    };
    let shown: Vec<(Shown<'t>, f32)> = letters.iter().map(set).collect();
    let widest = shown.iter().map(|(_, width)| *width).fold(0.0, f32::max) / 1000.0;
    let most = if widest > 0.0 { cell / widest } else { f32::MAX };
    let reach = Set::of(font, text).reach();
    let line = Room { padding: 0.0, ..room };
    let comfortable = (room.text_height() * 1000.0 / reach.line).max(MIN_SIZE);
    let wish = if wish > 0.0 { wish } else { comfortable };
    let (size, baseline) = row(reach, text, line, wish, most)?;
    let before = match alignment {
        Alignment::Left => 0,
        Alignment::Centre => (cells - count) / 2,
        Alignment::Right => cells - count,
    };
    let place = |(index, (shown, width)): (usize, (Shown<'t>, f32))| {
        let left = cell * (before as f32 + index as f32);
        Line { x: left + (cell - width * size / 1000.0) / 2.0, baseline, shown }
    };
    let lines = shown.into_iter().enumerate().filter(|(index, _)| letters[*index] != " ").map(place).collect();
    Ok(Laid { size, lines })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FONT: Font = Font::Ours;

    fn text_width(text: &str) -> f32 {
        Set::of(&FONT, text).width()
    }

    /// What a line says; of a text from left to right.
    fn said(line: &Line<'_>) -> String {
        match &line.shown {
            Shown::Codes(_, text) => text.clone(),
            Shown::Glyphs(line) => line.runs.iter().map(|run| run.text.as_str()).collect(),
        }
    }

    fn room(width: f32, height: f32) -> Room {
        Room::new(width, height, 1.0)
    }

    #[test]
    fn a_line_has_its_size_where_it_fits_and_is_smaller_where_not() {
        let laid = single(&FONT, "Ana Pons", room(200.0, 20.0), 12.0, Alignment::Left).unwrap();
        assert_eq!((laid.size, laid.lines[0].x), (12.0, 2.0));
        let tight = single(&FONT, "Ana Pons i Ferrer", room(60.0, 20.0), 12.0, Alignment::Left).unwrap();
        assert!(tight.size < 12.0 && text_width("Ana Pons i Ferrer") * tight.size / 1000.0 <= 56.01);
        let low = single(&FONT, "Ana", room(200.0, 8.0), 12.0, Alignment::Left).unwrap();
        assert!((5.0..8.0).contains(&low.size));
        assert_eq!(single(&FONT, &"x".repeat(500), room(60.0, 20.0), 12.0, Alignment::Left).err(), Some(Reason::DoesNotFit));
    }

    #[test]
    fn alignment_moves_a_line_by_what_is_left() {
        let x = |alignment| single(&FONT, "Ana", room(100.0, 20.0), 10.0, alignment).unwrap().lines[0].x;
        let free = 96.0 - text_width("Ana") / 100.0;
        assert_eq!(x(Alignment::of(None)), 2.0);
        assert!((x(Alignment::of(Some(1))) - 2.0 - free / 2.0).abs() < 0.01);
        assert!((x(Alignment::of(Some(2))) - 2.0 - free).abs() < 0.01);
        assert_eq!(Alignment::of(Some(i64::MIN)), Alignment::Left);
    }

    #[test]
    fn lines_break_at_spaces_and_keep_those_within() {
        let laid = wrapped(&FONT, "one  two three\n\n  four", room(60.0, 200.0), 10.0, Alignment::Left).unwrap();
        let texts: Vec<String> = laid.lines.iter().map(said).collect();
        assert_eq!(texts, ["one  two", "three", "  four"]);
        let step = laid.lines[0].baseline - laid.lines[1].baseline;
        assert!((laid.lines[1].baseline - laid.lines[2].baseline - 2.0 * step).abs() < 0.01);
    }

    #[test]
    fn a_comb_has_one_character_per_cell() {
        let laid = comb(&FONT, "A1 b", room(100.0, 20.0), 10.0, Alignment::Right, 10).unwrap();
        let cells: Vec<i64> = laid.lines.iter().map(|line| (line.x / 10.0) as i64).collect();
        assert_eq!(cells, [6, 7, 9]);
        assert_eq!(comb(&FONT, "12345", room(100.0, 20.0), 10.0, Alignment::Left, 4).err(), Some(Reason::LongerThanComb));
        assert_eq!(comb(&FONT, "1", room(100.0, 20.0), 10.0, Alignment::Left, 1 << 31).err(), Some(Reason::LongerThanComb));
        assert!(comb(&FONT, "WW", room(10.0, 20.0), 12.0, Alignment::Left, 2).unwrap().size < 6.0);
    }

    proptest! {
        #[test]
        fn what_is_laid_out_is_whole_and_within_the_room(
            text in "[a-zA-Zñé ]{0,60}(\n[a-z ]{0,20})?", width in 1.0_f32..400.0, height in 1.0_f32..200.0, wish in 0.0_f32..40.0,
            quadding in 0..3_i64, inset in 0.0_f32..8.0,
        ) {
            let room = Room::new(width, height, inset);
            if let Ok(laid) = wrapped(&FONT, &text, room, wish, Alignment::of(Some(quadding))) {
                let kept: String = laid.lines.iter().flat_map(|line| said(line).chars().collect::<Vec<_>>()).filter(|c| *c != ' ').collect();
                let given: String = text.chars().filter(|c| !matches!(c, ' ' | '\n')).collect();
                prop_assert_eq!(kept, given);
                for line in &laid.lines {
                    let right = line.x + text_width(&said(line)) * laid.size / 1000.0;
                    prop_assert!(line.x >= 0.0 && right <= width + 0.1);
                    prop_assert!(line.baseline >= 0.0 && line.baseline <= height);
                }
            }
        }
    }
}
