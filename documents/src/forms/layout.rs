//! Where the characters of a value go: one line, wrapped lines, or one character per cell of a comb. Nothing is cut: what does not fit at
//! the field's size is made smaller, down to a bound.

use unicode_bidi::{BidiInfo, Level};

use super::Reason;
use super::fonts::Font;

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
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Laid {
    /// Of the font, in points.
    pub(super) size: f32,
    pub(super) lines: Vec<Line>,
}

/// A run of characters from left to right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) x: f32,
    pub(super) baseline: f32,
    pub(super) text: String,
}

/// How far a text reaches above and below its baseline, in thousandths of its size: capitals with accents are taller.
fn extent(font: &Font, text: &str) -> (f32, f32) {
    let reach = font.reach();
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
pub(super) fn single(font: &Font, text: &str, room: Room, wish: f32, alignment: Alignment) -> Result<Laid, Reason> {
    let text = text.trim_end_matches(' ');
    let wide = font.text_width(text) / 1000.0;
    let (above, below) = extent(font, text);
    let reach = font.reach();
    let highest = room.inner_height() * 1000.0 / (above + below);
    let widest = if wide > 0.0 { room.text_width() / wide } else { f32::MAX };
    let comfortable = (room.text_height() * 1000.0 / reach.line).max(MIN_SIZE);
    let wish = if wish > 0.0 { wish } else { comfortable.min(widest).max(MIN_SIZE) };
    let size = size(wish, highest.min(widest))?;
    let centred = (room.height - reach.capitals * size / 1000.0) / 2.0;
    let lowest = room.border + below * size / 1000.0;
    let top = room.height - room.border - above * size / 1000.0;
    let baseline = centred.max(lowest).min(top.max(lowest));
    let x = room.padding + (room.text_width() - wide * size).max(0.0) * alignment.share();
    Ok(Laid { size, lines: vec![Line { x, baseline, text: visual(text, None) }] })
}

/// Lines that are wrapped at spaces, from the top. A wish of 0 is the largest size up to 12 points at which all fit.
///
/// # Errors
/// [`Reason::DoesNotFit`].
pub(super) fn wrapped(font: &Font, text: &str, room: Room, wish: f32, alignment: Alignment) -> Result<Laid, Reason> {
    let (above, below) = extent(font, text);
    let reach = font.reach();
    let least_lines = text.split('\n').count();
    let wide = font.text_width(text) / 1000.0;
    let start = if wish > 0.0 { wish } else { MAX_CHOSEN_SIZE };
    let mut size = start;
    while size >= MIN_SIZE.min(start) {
        let high = |lines: usize| ((lines as f32 - 1.0) * reach.line + above + below) * size / 1000.0;
        let at_least = least_lines.max((wide * size / room.text_width()) as usize);
        if at_least <= MAX_LINES && high(at_least) <= room.inner_height() {
            let lines = paragraphs(font, text, room.text_width() * 1000.0 / size);
            if let Some(lines) = lines.filter(|lines| lines.len() <= MAX_LINES && high(lines.len()) <= room.inner_height()) {
                return Ok(stacked(font, &lines, room, size, alignment, above));
            }
        }
        size *= STEP;
    }
    Err(Reason::DoesNotFit)
}

/// A wrapped line and the direction of its paragraph.
struct Wrapped<'a> {
    text: &'a str,
    level: Option<Level>,
}

fn stacked(font: &Font, lines: &[Wrapped<'_>], room: Room, size: f32, alignment: Alignment, above: f32) -> Laid {
    let reach = font.reach();
    let step = reach.line * size / 1000.0;
    let all = step * lines.len() as f32;
    let used = step * (lines.len() as f32 - 1.0) + (above + reach.below) * size / 1000.0;
    let first = if all <= room.text_height() {
        room.height - room.padding - reach.above * size / 1000.0
    } else {
        room.height - room.border - (room.inner_height() - used) / 2.0 - above * size / 1000.0
    };
    let place = |(index, line): (usize, &Wrapped<'_>)| {
        let text = line.text.trim_end_matches(' ');
        let free = room.text_width() - font.text_width(text) * size / 1000.0;
        let x = room.padding + free.max(0.0) * alignment.share();
        Line { x, baseline: first - step * index as f32, text: visual(text, line.level) }
    };
    Laid { size, lines: lines.iter().enumerate().map(place).filter(|line| !line.text.is_empty()).collect() }
}

/// All lines of a text, none wider than `limit` thousandths of the font size. `None`: a character is wider than that, or there are too many.
fn paragraphs<'a>(font: &Font, text: &'a str, limit: f32) -> Option<Vec<Wrapped<'a>>> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let level = is_ordered_from_the_right(paragraph)
            .then(|| BidiInfo::new(paragraph, None).paragraphs.first().map(|paragraph| paragraph.level))
            .flatten();
        for text in wrap(font, paragraph, limit)? {
            lines.push(Wrapped { text, level });
        }
        if lines.len() > MAX_LINES {
            return None;
        }
    }
    Some(lines)
}

fn wrap<'a>(font: &Font, paragraph: &'a str, limit: f32) -> Option<Vec<&'a str>> {
    let mut lines = Vec::new();
    let (mut start, mut used) = (0, 0.0);
    // After the last space: where that is, and the width up to there.
    let mut space: Option<(usize, f32)> = None;
    for (here, character) in paragraph.char_indices() {
        let width = font.width(character);
        // Spaces at the end of a line take no room. Twice at most: what follows a space may be too long as well.
        while character != ' ' && used + width > limit {
            if here == start {
                return None;
            }
            let (end, width_to_end) = space.take().unwrap_or((here, used));
            lines.push(&paragraph[start..end]);
            start = end;
            used -= width_to_end;
        }
        used += width;
        if character == ' ' {
            space = Some((here + 1, used));
        }
    }
    lines.push(&paragraph[start..]);
    Some(lines)
}

/// One character per cell.
///
/// # Errors
/// [`Reason::LongerThanComb`], [`Reason::DoesNotFit`].
pub(super) fn comb(font: &Font, text: &str, room: Room, wish: f32, alignment: Alignment, cells: i64) -> Result<Laid, Reason> {
    let shown = visual(text, None);
    let count = shown.chars().count() as i64;
    if count > cells || cells > MAX_CELLS {
        return Err(Reason::LongerThanComb);
    }
    let cell = room.width / cells as f32;
    let widest = shown.chars().map(|c| font.width(c)).fold(0.0, f32::max) / 1000.0;
    let most = if widest > 0.0 { cell / widest } else { f32::MAX };
    let comfortable = (room.text_height() * 1000.0 / font.reach().line).max(MIN_SIZE);
    let row = Room { padding: 0.0, ..room };
    // One character stands for the height of all.
    let tall = if text.is_ascii() { "A" } else { "É" };
    let wish = if wish > 0.0 { wish } else { comfortable };
    let measured = single(font, tall, Room { width: f32::MAX, ..row }, wish.min(most), Alignment::Left)?;
    let size = size(wish, measured.size)?;
    let baseline = measured.lines.first().map_or(0.0, |line| line.baseline);
    let before = match alignment {
        Alignment::Left => 0,
        Alignment::Centre => (cells - count) / 2,
        Alignment::Right => cells - count,
    };
    let place = |(index, character): (usize, char)| {
        let left = cell * (before as f32 + index as f32);
        Line { x: left + (cell - font.width(character) * size / 1000.0) / 2.0, baseline, text: character.to_string() }
    };
    let lines = shown.chars().enumerate().filter(|(_, character)| *character != ' ').map(place).collect();
    Ok(Laid { size, lines })
}

/// Whether the order of a text may differ from left to right.
fn is_ordered_from_the_right(text: &str) -> bool {
    text.chars().any(
        |c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}'),
    )
}

/// The characters of a line from left to right (Unicode UAX #9), brackets mirrored. `level` is the direction of the paragraph.
fn visual(text: &str, level: Option<Level>) -> String {
    if !is_ordered_from_the_right(text) {
        return text.to_owned();
    }
    let info = BidiInfo::new(text, level);
    let Some(paragraph) = info.paragraphs.first() else { return text.to_owned() };
    let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
    let mut shown = String::with_capacity(text.len());
    for run in runs {
        let piece = &text[run.clone()];
        if levels[run.start].is_rtl() {
            shown.extend(clusters(piece).rev().flat_map(|cluster| cluster.chars().map(mirrored)));
        } else {
            shown.push_str(piece);
        }
    }
    shown
}

/// Letters with the marks that follow them.
fn clusters(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let starts: Vec<usize> = text.char_indices().filter(|(_, c)| !is_mark(*c)).map(|(start, _)| start).collect();
    let first = starts.first().copied().unwrap_or(0);
    let ends = starts.iter().skip(1).copied().chain([text.len()]).collect::<Vec<_>>();
    let mut pieces: Vec<&str> = starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect();
    if first > 0 || pieces.is_empty() {
        pieces.insert(0, &text[..if starts.is_empty() { text.len() } else { first }]);
    }
    pieces.into_iter()
}

fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
}

fn mirrored(character: char) -> char {
    const PAIRS: [(char, char); 6] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»'), ('‹', '›')];
    for (open, close) in PAIRS {
        if character == open {
            return close;
        }
        if character == close {
            return open;
        }
    }
    character
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::embedded::Typeface;

    const FONT: Font = Font::Ours(Typeface::NotoSans);

    fn room(width: f32, height: f32) -> Room {
        Room::new(width, height, 1.0)
    }

    #[test]
    fn a_line_has_its_size_where_it_fits_and_is_smaller_where_not() {
        let laid = single(&FONT, "Ana Pons", room(200.0, 20.0), 12.0, Alignment::Left).unwrap();
        assert_eq!((laid.size, laid.lines[0].x), (12.0, 2.0));
        let tight = single(&FONT, "Ana Pons i Ferrer", room(60.0, 20.0), 12.0, Alignment::Left).unwrap();
        assert!(tight.size < 12.0 && FONT.text_width("Ana Pons i Ferrer") * tight.size / 1000.0 <= 56.01);
        let low = single(&FONT, "Ana", room(200.0, 8.0), 12.0, Alignment::Left).unwrap();
        assert!((5.0..8.0).contains(&low.size));
        assert_eq!(single(&FONT, &"x".repeat(500), room(60.0, 20.0), 12.0, Alignment::Left), Err(Reason::DoesNotFit));
    }

    #[test]
    fn alignment_moves_a_line_by_what_is_left() {
        let x = |alignment| single(&FONT, "Ana", room(100.0, 20.0), 10.0, alignment).unwrap().lines[0].x;
        let free = 96.0 - FONT.text_width("Ana") / 100.0;
        assert_eq!(x(Alignment::of(None)), 2.0);
        assert!((x(Alignment::of(Some(1))) - 2.0 - free / 2.0).abs() < 0.01);
        assert!((x(Alignment::of(Some(2))) - 2.0 - free).abs() < 0.01);
        assert_eq!(Alignment::of(Some(i64::MIN)), Alignment::Left);
    }

    #[test]
    fn lines_break_at_spaces_and_keep_those_within() {
        let laid = wrapped(&FONT, "one  two three\n\n  four", room(60.0, 200.0), 10.0, Alignment::Left).unwrap();
        let texts: Vec<&str> = laid.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one  two", "three", "  four"]);
        let step = laid.lines[0].baseline - laid.lines[1].baseline;
        assert!((laid.lines[1].baseline - laid.lines[2].baseline - 2.0 * step).abs() < 0.01);
    }

    #[test]
    fn a_comb_has_one_character_per_cell() {
        let laid = comb(&FONT, "A1 b", room(100.0, 20.0), 10.0, Alignment::Right, 10).unwrap();
        let cells: Vec<i64> = laid.lines.iter().map(|line| (line.x / 10.0) as i64).collect();
        assert_eq!(cells, [6, 7, 9]);
        assert_eq!(comb(&FONT, "12345", room(100.0, 20.0), 10.0, Alignment::Left, 4), Err(Reason::LongerThanComb));
        assert_eq!(comb(&FONT, "1", room(100.0, 20.0), 10.0, Alignment::Left, 1 << 31), Err(Reason::LongerThanComb));
        assert!(comb(&FONT, "WW", room(10.0, 20.0), 12.0, Alignment::Left, 2).unwrap().size < 6.0);
    }

    #[test]
    fn text_from_right_to_left_is_turned_with_its_brackets_and_numbers_are_not() {
        assert_eq!(visual("a דוד לוי 12", None), "a 12 יול דוד");
        assert_eq!(visual("דוד (12)", None), "(12) דוד");
        assert_eq!(visual("שָ", None), "שָ");
        assert_eq!(visual("plain (text)", None), "plain (text)");
    }

    proptest! {
        #[test]
        fn what_is_laid_out_is_whole_and_within_the_room(
            text in "[a-zA-Zñé ]{0,60}(\n[a-z ]{0,20})?", width in 1.0_f32..400.0, height in 1.0_f32..200.0, wish in 0.0_f32..40.0,
            quadding in 0..3_i64, inset in 0.0_f32..8.0,
        ) {
            let room = Room::new(width, height, inset);
            if let Ok(laid) = wrapped(&FONT, &text, room, wish, Alignment::of(Some(quadding))) {
                let kept: String = laid.lines.iter().flat_map(|line| line.text.chars()).filter(|c| *c != ' ').collect();
                let given: String = text.chars().filter(|c| !matches!(c, ' ' | '\n')).collect();
                prop_assert_eq!(kept, given);
                for line in &laid.lines {
                    let right = line.x + FONT.text_width(&line.text) * laid.size / 1000.0;
                    prop_assert!(line.x >= 0.0 && right <= width + 0.1);
                    prop_assert!(line.baseline >= 0.0 && line.baseline <= height);
                }
            }
        }

        #[test]
        fn every_character_survives_the_reordering(text in "[אבגדu-z0-9 ()\u{5b8}]{0,24}") {
            let sorted = |text: &str| {
                let mut characters: Vec<char> = text.chars().map(|c| if c == ')' { '(' } else { c }).collect();
                characters.sort_unstable();
                characters
            };
            prop_assert_eq!(sorted(&visual(&text, None)), sorted(&text));
        }
    }
}
