//! What a visible signature looks like: a few lines of text in the rectangle of the field, as large as fits and reads well; for a signature
//! by hand its ink, and the lines beside or below it where there is room for both.
//!
//! The text engine draws them, with embedded fonts, so they look the same everywhere. A letter that no font has is drawn as a box, of
//! which the caller tells ([`crate::text::missing`]): the signature dictionary's `/Name` always has the whole name.

use lopdf::{Dictionary, Object, ObjectId, Stream, dictionary};

use crate::forms::Picture;
use crate::handwriting::{Area, Strokes};
use crate::text::subset::{Subsets, compressed};
use crate::text::{Break, Error, Line, Look, Paragraph, is_hidden};

/// Drawn for a letter that no font has: U+25A1, a white square.
const MISSING: char = '\u{25a1}';
/// Between lines that stand side by side.
const SEPARATOR: &str = "  \u{b7}  ";

/// Lines of one appearance, and characters of one line, that are drawn.
const MAX_LINES: usize = 12;
const MAX_LINE_CHARS: usize = 300;
/// Rows that lines are wrapped into.
const MAX_ROWS: usize = 40;
/// The largest size in points: in a box of usual size, and in any; between them it is a share of the box.
const LARGEST: f32 = 12.0;
const LARGEST_OF_ALL: f32 = 200.0;
const SHARE_OF_HEIGHT: f32 = 1.0 / 8.0;
const SHARE_OF_WIDTH: f32 = 1.0 / 24.0;
/// The smallest size in points that is read at a glance: before text gets smaller, the last lines are left out.
const READABLE: f32 = 6.0;
/// Words are broken rather than that a text gets smaller than this, in points.
const SMALLEST_UNBROKEN: f32 = 4.5;
/// The smallest size in points. What does not fit then is cut.
const SMALLEST: f32 = 2.0;
/// How much smaller each try is.
const STEP: f32 = 0.95;
/// Another arrangement is taken if its text is larger by this factor; text with broken words counts as if it were this share of its size.
const WORTH_IT: f32 = 1.3;
const BROKEN: f32 = 0.4;
/// The height of a row, as a share of the font's size; more for scripts that need it.
const LINE_HEIGHT: f32 = 1.25;
/// From the edge to the text, in points; less in a small box and more in a huge one, as a share of its shorter side.
const PADDING: f32 = 2.5;
const PADDING_SHARES: [f32; 2] = [0.015, 0.08];
/// What the lines may take of a box that has something written by hand in it: of its height, below that; of its width, beside it.
const SHARES_OF_LINES: [f32; 10] = [0.12, 0.16, 0.2, 0.25, 0.3, 0.36, 0.43, 0.5, 0.6, 0.7];
/// The least that is left of what is written by hand, along a side, for the sake of the lines; else they are left out.
const LEAST_LEFT: f32 = 0.55;
/// Beside something written by hand, text of this share of the largest size is as good as any.
const GOOD_ENOUGH: f32 = 0.65;
/// Where what is written by hand would be smaller than this along its longer side, in points, it is turned if it is larger then by this factor.
const SMALL: f32 = 30.0;
const WORTH_TURNING: f32 = 2.0;
/// The name of a picture among the resources.
const PICTURE: &str = "Im";

/// The place for an appearance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    /// Of the field's rectangle on the unrotated page, in points.
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// How far the text has to be turned counterclockwise to be upright on the page as displayed: 0, 90, 180 or 270.
    pub(crate) rotation: i64,
}

impl Place {
    /// Width and height as a reader sees them.
    fn upright(self) -> (f32, f32) {
        if self.rotation % 180 == 0 { (self.width, self.height) } else { (self.height, self.width) }
    }
}

/// What somebody wrote by hand, as it is drawn.
pub(crate) enum Written<'a> {
    Ink(Strokes<'a>),
    /// With its image XObject.
    Picture(&'a Picture, ObjectId),
}

impl Written<'_> {
    /// Width and height, in some unit.
    fn size(&self) -> (f32, f32) {
        match self {
            Self::Ink(strokes) => strokes.size(),
            Self::Picture(picture, _) => picture.size(),
        }
    }

    /// The operators that draw it in the middle of an area, and the resources that they need.
    fn content(&self, area: Area) -> (String, Dictionary) {
        match self {
            Self::Ink(strokes) => (strokes.content(area), Dictionary::new()),
            Self::Picture(picture, id) => {
                let Area { left, bottom, width, height } = area.fitted(picture.size());
                let matrix = picture.placed([left, bottom, width, height]).map(|number| format!("{number:.3}"));
                let content = format!("q {} cm /{PICTURE} Do Q\n", matrix.join(" "));
                (content, dictionary! { PICTURE => *id })
            }
        }
    }
}

/// Draws `lines`, and what was written by hand, and returns the form XObject for `/AP /N` together with the fonts' objects it refers to.
///
/// # Errors
/// Where a font that was found cannot be cut down.
pub(crate) fn draw(
    place: Place,
    lines: &[String],
    written: Option<&Written<'_>>,
    mut new_id: impl FnMut() -> ObjectId,
) -> Result<(Stream, Vec<(ObjectId, Object)>), Error> {
    let (width, height) = place.upright();
    let arranged = Arranged::of(lines, written.map(Written::size), width, height);
    let mut content = frame(width, height);
    if arranged.is_turned {
        content += &format!("0 1 -1 0 {width:.2} 0 cm\n");
    }
    let mut resources = Dictionary::new();
    if let Some((written, area)) = written.zip(arranged.written) {
        let (operators, pictures) = written.content(area);
        content += &operators;
        if !pictures.is_empty() {
            resources.set("XObject", pictures);
        }
    }
    let mut subsets = Subsets::default();
    let mut fonts = Dictionary::new();
    if let Some((layout, area)) = &arranged.lines {
        content += &layout.content(*area, |line, size| subsets.show(line, size, &mut fonts, &mut new_id));
    }
    content += "Q\n";
    let objects = subsets.objects(&mut new_id)?;
    resources.set("Font", fonts);
    let matrix: Vec<Object> = match place.rotation {
        90 => [0, 1, -1, 0, 0, 0],
        180 => [-1, 0, 0, -1, 0, 0],
        270 => [0, -1, 1, 0, 0, 0],
        _ => [1, 0, 0, 1, 0, 0],
    }
    .map(Object::Integer)
    .to_vec();
    let dictionary = dictionary! {
        "BBox" => vec![0.into(), 0.into(), Object::Real(width), Object::Real(height)],
        "Matrix" => matrix,
        "Resources" => resources,
    };
    Ok((form(dictionary, content.into_bytes()), objects))
}

/// A form XObject that draws nothing, for a field without extent.
pub(crate) fn nothing() -> Stream {
    form(dictionary! { "BBox" => vec![Object::Integer(0); 4], "Resources" => Dictionary::new() }, Vec::new())
}

fn form(mut dictionary: Dictionary, content: Vec<u8>) -> Stream {
    dictionary.set("Type", "XObject");
    dictionary.set("Subtype", "Form");
    dictionary.set("FormType", 1);
    compressed(dictionary, content)
}

/// Clips to the box, and draws a thin frame. What is drawn after it ends with `Q`.
fn frame(width: f32, height: f32) -> String {
    let (inner_width, inner_height) = ((width - 1.0).max(0.0), (height - 1.0).max(0.0));
    let clip = format!("q 0 0 {width:.2} {height:.2} re W n\n");
    clip + &format!("0.55 G 0.5 w 0.5 0.5 {inner_width:.2} {inner_height:.2} re S\n")
}

/// From the edge of a box to what is in it, in points.
fn padding(width: f32, height: f32) -> f32 {
    let [least, most] = PADDING_SHARES.map(|share| share * width.min(height).max(0.0));
    PADDING.clamp(least, most)
}

/// Where in a box the lines go, and what was written by hand: never over one another.
#[derive(Debug, Default)]
struct Arranged {
    written: Option<Area>,
    lines: Option<(Layout, Area)>,
    /// Both are read from below to above: the areas are those of a box that lies on its side.
    is_turned: bool,
}

impl Arranged {
    /// `written` is the size of what was written by hand, in some unit.
    fn of(lines: &[String], written: Option<(f32, f32)>, width: f32, height: f32) -> Self {
        let whole = Area { left: 0.0, bottom: 0.0, width, height };
        let Some(written) = written else {
            return Self { lines: Some((Layout::of(lines, width, height), whole)), ..Self::default() };
        };
        let turned = Area { width: height, height: width, ..whole };
        let (upright, lying) = (whole.scale(written), turned.scale(written));
        let is_small = upright * written.0.max(written.1) < SMALL;
        let is_turned = is_small && lying > WORTH_TURNING * upright;
        Self { is_turned, ..Self::both(lines, written, if is_turned { turned } else { whole }) }
    }

    /// The lines and what was written by hand in one box.
    fn both(lines: &[String], written: (f32, f32), whole: Area) -> Self {
        let Area { width, height, .. } = whole;
        let padding = padding(width, height);
        let padded = |area: Area| Area {
            left: area.left + padding,
            bottom: area.bottom + padding,
            width: (area.width - 2.0 * padding).max(0.0),
            height: (area.height - 2.0 * padding).max(0.0),
        };
        let alone = padded(whole).scale(written);
        let wanted = GOOD_ENOUGH * largest(width, height);
        let mut best = Self { written: Some(padded(whole)), ..Self::default() };
        let mut best_worth = 0.0;
        for (share, is_beside) in SHARES_OF_LINES.into_iter().flat_map(|share| [(share, false), (share, true)]) {
            let (text, rest) = if is_beside { whole.split_right(share) } else { whole.split_below(share) };
            let rest = padded(rest);
            let left = rest.scale(written) / alone;
            // No text makes up for what is written by hand being smaller than in the best so far.
            if !(left >= LEAST_LEFT && left > best_worth) {
                continue;
            }
            let layout = Layout::of(lines, text.width, text.height);
            let worth = left * (layout.worth / wanted).min(1.0).sqrt() * layout.told();
            if layout.worth >= READABLE && worth > best_worth {
                best_worth = worth;
                best = Self { written: Some(rest), lines: Some((layout, text)), is_turned: false };
            }
        }
        best
    }
}

/// Rows of text and how they stand in a box.
#[derive(Debug, Default)]
struct Layout {
    rows: Vec<Line>,
    /// Of the font, in points.
    size: f32,
    /// How well it reads, as a size in points.
    worth: f32,
    /// From one baseline to the next, and from the top of a row to its baseline, as shares of the size.
    step: f32,
    ascent: f32,
    /// From the edge to the text, in points.
    padding: f32,
    /// Read from below to above.
    is_turned: bool,
    /// Lines that are shown, and that were given.
    shown: (usize, usize),
}

impl Layout {
    /// All lines below one another if that is readable; else side by side, else the first ones alone, or turned, whatever reads best.
    fn of(lines: &[String], width: f32, height: f32) -> Self {
        let lines: Vec<String> = lines.iter().take(MAX_LINES).map(|line| printable(line)).collect();
        let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        let padding = padding(width, height);
        let (inner_width, inner_height) = (width - 2.0 * padding, height - 2.0 * padding);
        let mut best = Self::default();
        for count in (1..=lines.len()).rev() {
            let stacked: Vec<String> = lines[..count].iter().map(|line| (*line).to_owned()).collect();
            let side_by_side = vec![lines[..count].join(SEPARATOR)];
            for (texts, is_turned) in [(&stacked, false), (&side_by_side, false), (&stacked, true), (&side_by_side, true)] {
                let (width, height) = if is_turned { (inner_height, inner_width) } else { (inner_width, inner_height) };
                if let Some(fitted) = Self::fit(texts, width, height).filter(|fitted| fitted.worth > best.worth * WORTH_IT) {
                    best = Self { padding, is_turned, shown: (count, lines.len()), ..fitted };
                }
            }
            if best.worth >= READABLE.min(largest(inner_width, inner_height)) {
                break;
            }
        }
        if best.rows.is_empty() { Self::cut(&lines, inner_width, padding) } else { best }
    }

    /// The largest size at which the texts, wrapped, fit.
    fn fit(texts: &[String], width: f32, height: f32) -> Option<Self> {
        let paragraphs: Vec<Paragraph<'_>> = texts.iter().map(|text| Paragraph::new(text, Look::Sans, MISSING)).collect();
        let reach = paragraphs.iter().filter_map(Paragraph::reach).reduce(crate::text::Reach::with)?;
        let step = ((reach.above + reach.below) / 1000.0).max(LINE_HEIGHT);
        // What a row has more than its letters need stands above them.
        let ascent = step - reach.below / 1000.0;
        let sizes = || std::iter::successors(Some(largest(width, height)), |size| Some(size * STEP));
        let unbroken = sizes().take_while(|size| *size >= SMALLEST_UNBROKEN).map(|size| (size, Break::Words));
        let broken = sizes().take_while(|size| *size >= SMALLEST).map(|size| (size, Break::Anywhere));
        for (size, words) in unbroken.chain(broken) {
            let most = ((height / (size * step)) as usize).min(MAX_ROWS);
            if most < paragraphs.len() {
                continue;
            }
            let wrapped = paragraphs.iter().map(|paragraph| paragraph.lines(width * 1000.0 / size, words, most + 1));
            let Some(wrapped) = wrapped.collect::<Option<Vec<_>>>() else { continue };
            if wrapped.iter().map(Vec::len).sum::<usize>() <= most {
                let rows = paragraphs.iter().zip(wrapped).flat_map(|(paragraph, lines)| {
                    lines.into_iter().map(|line| paragraph.line(paragraph.trimmed(line))).collect::<Vec<_>>()
                });
                let worth = if words == Break::Words { size } else { BROKEN * size };
                return Some(Self { rows: rows.collect(), size, worth, step, ascent, ..Self::default() });
            }
        }
        None
    }

    /// What fits of the first line, at the smallest size.
    fn cut(lines: &[&str], width: f32, padding: f32) -> Self {
        let Some(paragraph) = lines.first().map(|line| Paragraph::new(line, Look::Sans, MISSING)) else { return Self::default() };
        let first = paragraph.lines((width * 1000.0 / SMALLEST).max(0.0), Break::Anywhere, usize::MAX);
        let first = first.and_then(|lines| lines.into_iter().next());
        let rows: Vec<Line> = first.map(|part| paragraph.line(paragraph.trimmed(part))).into_iter().collect();
        let shown = (rows.len().min(1), lines.len());
        Self { rows, size: SMALLEST, step: LINE_HEIGHT, ascent: 1.0, padding, shown, ..Self::default() }
    }

    /// How much of what was to be told is told, from 0.5 for almost nothing to 1.
    fn told(&self) -> f32 {
        let (shown, given) = self.shown;
        0.5 + 0.5 * shown as f32 / given.max(1) as f32
    }

    /// The operators that show the rows in the middle of an area, from top to bottom. `show` gives those of a row.
    fn content(&self, area: Area, mut show: impl FnMut(&Line, f32) -> String) -> String {
        let Area { left, bottom, width, height } = area;
        let (turn, height) = match self.is_turned {
            true => (format!("0 1 -1 0 {:.2} {bottom:.2} cm ", left + width), width),
            false if (left, bottom) == (0.0, 0.0) => (String::new(), height),
            false => (format!("1 0 0 1 {left:.2} {bottom:.2} cm "), height),
        };
        let mut content = format!("{turn}BT 0.1 g\n");
        let step = self.size * self.step;
        let top = height - (height - step * self.rows.len() as f32).max(2.0 * self.padding) / 2.0;
        for (index, row) in self.rows.iter().enumerate() {
            let baseline = top - step * index as f32 - self.size * self.ascent;
            content += &format!("1 0 0 1 {:.2} {baseline:.2} Tm {}\n", self.padding, show(row, self.size));
        }
        content + "ET\n"
    }
}

/// The largest size of text in a box, in points.
fn largest(width: f32, height: f32) -> f32 {
    (height * SHARE_OF_HEIGHT).min(width * SHARE_OF_WIDTH).clamp(LARGEST, LARGEST_OF_ALL)
}

/// One line without what cannot be drawn.
fn printable(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_hidden(*c))
        .take(MAX_LINE_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(lines: &[&str], width: f32, height: f32) -> Layout {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Layout::of(&lines, width, height)
    }

    fn texts(layout: &Layout) -> Vec<String> {
        layout.rows.iter().map(|row| row.runs.iter().map(|run| run.text.as_str()).collect()).collect()
    }

    /// Every row is within the box.
    fn assert_within(layout: &Layout, width: f32, height: f32) {
        let (width, height) = if layout.is_turned { (height, width) } else { (width, height) };
        let widest = layout.rows.iter().map(|row| row.width * layout.size / 1000.0).fold(0.0, f32::max);
        assert!(widest <= width - 2.0 * layout.padding + 0.1, "{widest} in {width}");
        assert!(layout.rows.len() as f32 * layout.size * layout.step <= height + 0.1, "{layout:?}");
    }

    const NAME: &str = "Maria Assumpció Güell i Ferrándiz de la Vega";
    const TIME: &str = "2026-11-21 10:00:00 UTC";

    #[test]
    fn text_shrinks_until_it_fits() {
        let large = fitted(&["Ana Pons", TIME], 200.0, 50.0);
        assert_eq!((large.size, texts(&large)), (12.0, vec!["Ana Pons".to_owned(), TIME.to_owned()]));
        let small = fitted(&[NAME, TIME], 90.0, 30.0);
        assert!(small.size < 9.0);
        assert_within(&large, 200.0, 50.0);
        assert_within(&small, 90.0, 30.0);
    }

    #[test]
    fn in_a_flat_box_lines_stand_side_by_side() {
        let flat = fitted(&[NAME, TIME], 510.0, 12.0);
        assert_eq!(texts(&flat), [format!("{NAME}{SEPARATOR}{TIME}")]);
        assert!(flat.size >= 7.0, "{}", flat.size);
        assert_within(&flat, 510.0, 12.0);
    }

    #[test]
    fn where_all_lines_would_be_unreadable_the_first_ones_are_shown() {
        let small = fitted(&["Ana Pons", TIME], 60.0, 10.0);
        assert_eq!(texts(&small), ["Ana Pons"]);
        assert!(small.size >= READABLE);
        assert_within(&small, 60.0, 10.0);
    }

    #[test]
    fn in_a_huge_box_the_text_is_as_large_as_suits_it() {
        let huge = fitted(&[NAME, TIME], 8000.0, 3000.0);
        assert_eq!(huge.size, LARGEST_OF_ALL);
        assert_within(&huge, 8000.0, 3000.0);
        let half_a_page = fitted(&["Ana Pons", TIME], 500.0, 400.0);
        assert!((15.0..30.0).contains(&half_a_page.size), "{}", half_a_page.size);
        assert_within(&half_a_page, 500.0, 400.0);
    }

    #[test]
    fn in_a_tall_and_narrow_box_the_text_is_turned() {
        let tall = fitted(&["Ana Pons Ferrer", TIME], 14.0, 300.0);
        assert!(tall.is_turned && tall.size >= READABLE, "{tall:?}");
        assert_within(&tall, 14.0, 300.0);
        assert!(!fitted(&["Ana Pons", TIME], 90.0, 120.0).is_turned);
    }

    #[test]
    fn a_word_wider_than_the_box_is_broken_not_lost() {
        let word = "Donaudampfschifffahrtsgesellschaftskapitänswitwe";
        let layout = fitted(&[word], 40.0, 60.0);
        assert_eq!(texts(&layout).concat(), word);
        assert!(layout.rows.len() > 1);
    }

    #[test]
    fn a_tiny_or_inverted_box_is_survived() {
        for (width, height) in [(0.0, 0.0), (1.0, 1.0), (-5.0, 3.0), (3.0, 2000.0), (2000.0, 3.0), (4.0, 4.0)] {
            let layout = fitted(&["Ana Pons", ""], width, height);
            assert!(layout.rows.len() <= 1 || layout.size >= SMALLEST, "{width} x {height}");
            assert!(fitted(&[], width, height).rows.is_empty());
        }
    }

    /// The areas of what is written by hand and of the lines.
    fn arranged(lines: &[&str], written: (f32, f32), width: f32, height: f32) -> (Area, Option<(Layout, Area)>) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let Arranged { written, lines, is_turned } = Arranged::of(&lines, Some(written), width, height);
        assert!(!is_turned || width.min(height) < SMALL, "only where there is no room");
        (written.unwrap(), lines)
    }

    #[test]
    fn lines_and_ink_share_a_box_and_never_lie_over_one_another() {
        let sizes = [(200.0, 50.0), (90.0, 30.0), (510.0, 14.0), (14.0, 300.0), (8000.0, 3000.0), (400.0, 400.0), (60.0, 10.0)];
        for (width, height) in sizes {
            for written in [(400.0, 120.0), (100.0, 100.0), (90.0, 400.0), (1.0, 1_000.0), (1_000.0, 1.0)] {
                let (ink, lines) = arranged(&[NAME, TIME], written, width, height);
                let is_turned = ink.left + ink.width > width || ink.bottom + ink.height > height;
                let (width, height) = if is_turned { (height, width) } else { (width, height) };
                assert!(ink.left >= 0.0 && ink.bottom >= 0.0, "{ink:?}");
                assert!(ink.left + ink.width <= width && ink.bottom + ink.height <= height, "{ink:?} in {width} x {height}");
                let Some((layout, text)) = lines else { continue };
                assert_within(&layout, text.width, text.height);
                assert!(text.left + text.width <= width + 0.01 && text.bottom + text.height <= height + 0.01);
                let apart = text.left >= ink.left + ink.width || text.bottom + text.height <= ink.bottom;
                assert!(apart, "{text:?} over {ink:?} in {width} x {height}");
                assert!(layout.worth >= READABLE);
            }
        }
    }

    #[test]
    fn in_a_field_of_usual_size_name_and_time_are_told_beside_large_ink() {
        for (width, height) in [(200.0, 50.0), (150.0, 60.0), (240.0, 80.0), (180.0, 40.0)] {
            let (ink, lines) = arranged(&["Ana Pons Ferrer", TIME], (400.0, 120.0), width, height);
            let (layout, _) = lines.expect("there is room");
            assert_eq!(layout.shown, (2, 2), "{width} x {height}");
            let alone = Area { left: 0.0, bottom: 0.0, width, height }.scale((400.0, 120.0));
            assert!(ink.scale((400.0, 120.0)) >= 0.5 * alone, "{width} x {height}");
        }
    }

    #[test]
    fn in_a_tall_and_narrow_field_the_ink_is_turned_as_the_text_is() {
        let lines = ["Ana Pons Ferrer".to_owned(), TIME.to_owned()];
        let narrow = Arranged::of(&lines, Some((400.0, 120.0)), 16.0, 220.0);
        assert!(narrow.is_turned);
        assert!(narrow.written.unwrap().scale((400.0, 120.0)) * 400.0 > 2.5 * 16.0);
        let place = Place { width: 16.0, height: 220.0, rotation: 0 };
        let ink = crate::fixtures::handwriting(1).ink.clone().unwrap();
        let mut next = 10;
        let written = Written::Ink(Strokes::of(&ink).unwrap());
        let drawn = draw(place, &lines, Some(&written), || {
            next += 1;
            (next, 0)
        });
        let content = drawn.unwrap().0.get_plain_content_with_limit(1 << 20).unwrap();
        assert!(String::from_utf8_lossy(&content).contains("S\n0 1 -1 0 16.00 0 cm\n"), "turned into the box");
        assert!(!Arranged::of(&lines, Some((400.0, 120.0)), 60.0, 200.0).is_turned);
    }

    #[test]
    fn in_a_tiny_field_the_ink_stands_alone() {
        for (width, height) in [(30.0, 12.0), (10.0, 10.0), (1.0, 1.0)] {
            let (ink, lines) = arranged(&[NAME, TIME], (400.0, 120.0), width, height);
            assert!(lines.is_none());
            assert!(ink.width > 0.8 * width, "{ink:?}");
        }
    }

    #[test]
    fn names_in_any_script_are_drawn() {
        let mut next = 10;
        let lines = ["Ελένη", "Юлия", "דוד לוי", "محمد", "李小龙", "हरि", "a\u{0301}\u{202e}\u{7}"].map(str::to_owned);
        let place = Place { width: 150.0, height: 180.0, rotation: 90 };
        let new_id = || {
            next += 1;
            (next, 0)
        };
        let (form, objects) = draw(place, &lines, None, new_id).unwrap();
        assert!(objects.len() >= 10 && objects.len().is_multiple_of(5), "five objects of each font");
        assert_eq!(form.dict.get(b"BBox").unwrap().as_array().unwrap()[2], Object::Real(180.0));
    }
}
