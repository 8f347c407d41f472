//! What a visible signature looks like: a few lines of text in the rectangle of the field, as large as fits.
//!
//! The text is drawn with an embedded subset of DejaVu Sans, so it looks the same everywhere and keeps the accents of every
//! European language. Characters that the font lacks (CJK, Indic scripts) are drawn as a box: the signature dictionary's
//! `/Name` always has the whole name.

use lopdf::{Object, ObjectId, dictionary};

use crate::embedded::{Error, Face, Subset, Typeface, compressed};

/// Drawn for a character that the font does not have: U+25A1, a white square.
const MISSING: char = '\u{25a1}';

/// Lines of one appearance, and characters of one line, that are drawn.
const MAX_LINES: usize = 12;
const MAX_LINE_CHARS: usize = 300;
/// Font sizes that are tried, in half points.
const LARGEST_HALF_POINTS: u32 = 24;
const SMALLEST_HALF_POINTS: u32 = 6;
/// Words are broken rather than that a text gets smaller than this, in half points.
const SMALLEST_UNBROKEN_HALF_POINTS: u32 = 9;
const LINE_HEIGHT: f32 = 1.25;
/// From the edge to the text, in points.
const PADDING: f32 = 2.5;

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

/// Draws `lines` and returns the form XObject for `/AP /N` together with the font's objects it refers to.
///
/// # Errors
/// Where the embedded font cannot be cut down, which no input brings about.
pub(crate) fn draw(
    place: Place,
    lines: &[String],
    mut new_id: impl FnMut() -> ObjectId,
) -> Result<(Object, Vec<(ObjectId, Object)>), Error> {
    let face = Typeface::DejaVuSans.face();
    let (width, height) = place.upright();
    let layout = Layout::fit(face, lines, width - 2.0 * PADDING, height - 2.0 * PADDING);
    let mut subset = Subset::new(face);
    let content = layout.content(face, &mut subset, width, height);
    let font = new_id();
    let objects = subset.objects(font, &mut new_id)?;
    let matrix: Vec<Object> = match place.rotation {
        90 => [0, 1, -1, 0, 0, 0],
        180 => [-1, 0, 0, -1, 0, 0],
        270 => [0, -1, 1, 0, 0, 0],
        _ => [1, 0, 0, 1, 0, 0],
    }
    .map(Object::Integer)
    .to_vec();
    let dictionary = dictionary! {
        "Type" => "XObject",
        "Subtype" => "Form",
        "FormType" => 1,
        "BBox" => vec![0.into(), 0.into(), Object::Real(width), Object::Real(height)],
        "Matrix" => matrix,
        "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
    };
    Ok((Object::Stream(compressed(dictionary, content)), objects))
}

/// The glyph of a character, or of what is drawn for a missing one.
fn glyph(face: &Face, character: char) -> u16 {
    face.glyph(character).or_else(|| face.glyph(MISSING)).unwrap_or_default()
}

/// Width of a text at size 1.
fn width_of(face: &Face, text: &str) -> f32 {
    text.chars().map(|character| face.advance(glyph(face, character))).sum::<f32>() / 1000.0
}

/// Lines as they fit, and their font size in points.
struct Layout {
    lines: Vec<String>,
    size: f32,
}

impl Layout {
    /// The largest size at which the lines, wrapped at spaces, fit. Where none fits: the smallest, and the rest is clipped.
    fn fit(face: &Face, lines: &[String], width: f32, height: f32) -> Self {
        let lines: Vec<String> = lines.iter().take(MAX_LINES).map(|line| printable(line)).collect();
        let unbroken = (SMALLEST_UNBROKEN_HALF_POINTS..=LARGEST_HALF_POINTS).rev().map(|half_points| (half_points, false));
        let broken = (SMALLEST_HALF_POINTS..=LARGEST_HALF_POINTS).rev().map(|half_points| (half_points, true));
        for (half_points, break_words) in unbroken.chain(broken) {
            let size = half_points as f32 / 2.0;
            let wrapped = lines.iter().map(|line| wrap(face, line, width / size, break_words));
            let Some(wrapped) = wrapped.collect::<Option<Vec<_>>>() else { continue };
            let wrapped: Vec<String> = wrapped.into_iter().flatten().collect();
            if wrapped.len() as f32 * size * LINE_HEIGHT <= height {
                return Self { lines: wrapped, size };
            }
        }
        Self { lines, size: SMALLEST_HALF_POINTS as f32 / 2.0 }
    }

    /// The content stream: clipped to the box, a thin frame, the lines centred vertically.
    fn content(&self, face: &Face, subset: &mut Subset, width: f32, height: f32) -> Vec<u8> {
        let mut content = format!("q 0 0 {width:.2} {height:.2} re W n\n");
        let (inner_width, inner_height) = ((width - 1.0).max(0.0), (height - 1.0).max(0.0));
        content += &format!("0.55 G 0.5 w 0.5 0.5 {inner_width:.2} {inner_height:.2} re S\n");
        content += &format!("BT 0.1 g /F1 {:.1} Tf\n", self.size);
        let step = self.size * LINE_HEIGHT;
        let top = height - (height - step * self.lines.len() as f32).max(2.0 * PADDING) / 2.0;
        for (index, line) in self.lines.iter().enumerate() {
            // The baseline: four fifths of a line stand above it.
            let baseline = top - step * index as f32 - self.size;
            let shown: String = in_visual_order(line).map(|c| subset.use_glyph(glyph(face, c), c)).collect();
            content += &format!("1 0 0 1 {PADDING:.2} {baseline:.2} Tm <{shown}> Tj\n");
        }
        content += "ET Q\n";
        content.into_bytes()
    }
}

/// One line without what cannot be drawn: control characters and marks of direction.
fn printable(line: &str) -> String {
    let direction =
        |c: &char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    line.chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !direction(c))
        .take(MAX_LINE_CHARS)
        .collect()
}

/// Breaks a line at spaces, and within words if it may. `None`: a word is wider than the line.
fn wrap(face: &Face, line: &str, width: f32, break_words: bool) -> Option<Vec<String>> {
    let mut lines = vec![String::new()];
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let current = &lines[lines.len() - 1];
        let joined = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
        if width_of(face, &joined) <= width {
            *lines.last_mut()? = joined;
        } else if width_of(face, word) <= width {
            lines.push(word.to_owned());
        } else if break_words {
            lines.push(String::new());
            for character in word.chars() {
                let last = lines.last_mut()?;
                last.push(character);
                if width_of(face, last) > width && last.chars().count() > 1 {
                    last.pop();
                    lines.push(character.to_string());
                }
            }
        } else {
            return None;
        }
    }
    lines.retain(|line| !line.is_empty());
    Some(lines)
}

/// Characters from left to right as they are drawn: runs of a right-to-left script are turned around.
///
/// This is no full bidirectional algorithm (Unicode UAX #9): it serves a name and a date.
fn in_visual_order(line: &str) -> impl Iterator<Item = char> {
    let mut characters: Vec<char> = line.chars().collect();
    let mut start = 0;
    while start < characters.len() {
        if !is_right_to_left(characters[start]) {
            start += 1;
            continue;
        }
        let is_within = |c: &char| is_right_to_left(*c) || *c == ' ' || *c == '-';
        let run = characters[start..].iter().take_while(|c| is_within(c)).count();
        let trailing = characters[start..start + run].iter().rev().take_while(|c| !is_right_to_left(**c)).count();
        characters[start..start + run - trailing].reverse();
        start += run;
    }
    characters.into_iter()
}

fn is_right_to_left(character: char) -> bool {
    matches!(character, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(lines: &[&str], width: f32, height: f32) -> Layout {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Layout::fit(Typeface::DejaVuSans.face(), &lines, width, height)
    }

    #[test]
    fn text_shrinks_until_it_fits() {
        let face = Typeface::DejaVuSans.face();
        let large = fitted(&["Ana Pons"], 200.0, 50.0);
        let small = fitted(&["Maria Assumpció Güell i Ferrándiz de la Vega", "2026-11-21 10:00 UTC"], 90.0, 20.0);
        assert_eq!(large.size, 12.0);
        assert!(small.size < 6.0);
        for layout in [large, small] {
            assert!(layout.lines.iter().all(|line| width_of(face, line) * layout.size <= 200.0));
        }
    }

    #[test]
    fn a_word_wider_than_the_box_is_broken_not_lost() {
        let layout = fitted(&["Donaudampfschifffahrtsgesellschaftskapitänswitwe"], 40.0, 60.0);
        assert_eq!(layout.lines.concat(), "Donaudampfschifffahrtsgesellschaftskapitänswitwe");
        assert!(layout.lines.len() > 1);
    }

    #[test]
    fn a_tiny_or_inverted_box_is_survived() {
        for (width, height) in [(0.0, 0.0), (1.0, 1.0), (-5.0, 3.0), (3.0, 2000.0)] {
            fitted(&["Ana Pons", ""], width, height);
        }
    }

    #[test]
    fn names_in_any_script_are_drawn() {
        let mut next = 10;
        let lines = ["Ελένη", "Юлия", "דוד לוי", "محمد", "李小龙", "हरि", "a\u{0301}\u{202e}\u{7}"].map(str::to_owned);
        let place = Place { width: 150.0, height: 80.0, rotation: 90 };
        let new_id = || {
            next += 1;
            (next, 0)
        };
        let (form, objects) = draw(place, &lines, new_id).unwrap();
        assert_eq!(objects.len(), 5);
        let form = form.as_stream().unwrap();
        assert_eq!(form.dict.get(b"BBox").unwrap().as_array().unwrap()[2], Object::Real(80.0));
    }

    #[test]
    fn right_to_left_runs_are_turned_around() {
        let shown: String = in_visual_order("a דוד לוי 1").collect();
        assert_eq!(shown, "a יול דוד 1");
    }
}
