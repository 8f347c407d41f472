//! What a visible signature looks like: a few lines of text in the rectangle of the field, as large as fits.
//!
//! The text is drawn with an embedded subset of DejaVu Sans, so it looks the same everywhere and keeps the accents of every
//! European language. Characters that the font lacks (CJK, Indic scripts) are drawn as a box: the signature dictionary's
//! `/Name` always has the whole name.

use std::collections::BTreeMap;

use lopdf::{Dictionary, Object, ObjectId, Stream, StringFormat, dictionary};
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};
use subsetter::GlyphRemapper;

static FONT: &[u8] = include_bytes!("../assets/DejaVuSans.ttf");
const FONT_NAME: &str = "DejaVuSans";
/// Drawn for a character that the font does not have: U+25A1, a white square.
const MISSING: char = '\u{25a1}';

/// Lines of one appearance, and characters of one line, that are drawn.
const MAX_LINES: usize = 12;
const MAX_LINE_CHARS: usize = 300;
/// Font sizes that are tried, in half points.
const LARGEST_HALF_POINTS: u32 = 24;
const SMALLEST_HALF_POINTS: u32 = 6;
/// Below this size, in half points, words may be broken.
const BREAK_WORDS_UNDER: u32 = 12;
const LINE_HEIGHT: f32 = 1.25;
/// From the edge to the text, in points.
const PADDING: f32 = 2.5;

/// The objects of an appearance. Their references are numbered by the caller.
#[derive(Debug, thiserror::Error)]
#[error("the signature's appearance cannot be made: {0}")]
pub struct Error(&'static str);

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
/// Where the embedded font cannot be read or cut down, which no input brings about.
pub(crate) fn draw(
    place: Place,
    lines: &[String],
    mut new_id: impl FnMut() -> ObjectId,
) -> Result<(Object, Vec<(ObjectId, Object)>), Error> {
    let face = Face::new()?;
    let (width, height) = place.upright();
    let layout = Layout::fit(&face, lines, width - 2.0 * PADDING, height - 2.0 * PADDING);
    let mut glyphs = Glyphs::default();
    let content = layout.content(&face, &mut glyphs, width, height);
    let (font, objects) = glyphs.font_objects(&face, &mut new_id)?;
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

fn compressed(dictionary: Dictionary, content: Vec<u8>) -> Stream {
    let mut stream = Stream::new(dictionary, content);
    // What cannot be compressed is as good uncompressed.
    let _ = stream.compress();
    stream
}

/// The embedded font and its measures.
struct Face<'a> {
    font: FontRef<'a>,
    metrics: GlyphMetrics<'a>,
    units_per_em: f32,
}

impl Face<'_> {
    fn new() -> Result<Self, Error> {
        let font = FontRef::from_index(FONT, 0).map_err(|_| Error("the embedded font cannot be read"))?;
        let metrics = font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let units_per_em = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        Ok(Self { font, metrics, units_per_em })
    }

    fn glyph(&self, character: char) -> u16 {
        let map = self.font.charmap();
        let found = map.map(character).or_else(|| map.map(MISSING)).unwrap_or_default();
        // A TrueType font has at most 65535 glyphs.
        found.to_u32() as u16
    }

    /// Advance width in thousandths of the font size.
    fn advance(&self, glyph: u16) -> f32 {
        self.metrics.advance_width(u32::from(glyph).into()).unwrap_or(0.0) * 1000.0 / self.units_per_em
    }

    /// Width of a text at size 1.
    fn width(&self, text: &str) -> f32 {
        text.chars().map(|character| self.advance(self.glyph(character))).sum::<f32>() / 1000.0
    }
}

/// Lines as they fit, and their font size in points.
struct Layout {
    lines: Vec<String>,
    size: f32,
}

impl Layout {
    /// The largest size at which the lines, wrapped at spaces, fit. Where none fits: the smallest, and the rest is clipped.
    fn fit(face: &Face<'_>, lines: &[String], width: f32, height: f32) -> Self {
        let lines: Vec<String> = lines.iter().take(MAX_LINES).map(|line| printable(line)).collect();
        for half_points in (SMALLEST_HALF_POINTS..=LARGEST_HALF_POINTS).rev() {
            let size = half_points as f32 / 2.0;
            let break_words = half_points < BREAK_WORDS_UNDER;
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
    fn content(&self, face: &Face<'_>, glyphs: &mut Glyphs, width: f32, height: f32) -> Vec<u8> {
        let mut content = format!("q 0 0 {width:.2} {height:.2} re W n\n");
        let (inner_width, inner_height) = ((width - 1.0).max(0.0), (height - 1.0).max(0.0));
        content += &format!("0.55 G 0.5 w 0.5 0.5 {inner_width:.2} {inner_height:.2} re S\n");
        content += &format!("BT 0.1 g /F1 {:.1} Tf\n", self.size);
        let step = self.size * LINE_HEIGHT;
        let top = height - (height - step * self.lines.len() as f32).max(2.0 * PADDING) / 2.0;
        for (index, line) in self.lines.iter().enumerate() {
            // The baseline: four fifths of a line stand above it.
            let baseline = top - step * index as f32 - self.size;
            let shown: String = in_visual_order(line).map(|c| glyphs.use_character(face, c)).collect();
            content += &format!("1 0 0 1 {PADDING:.2} {baseline:.2} Tm <{shown}> Tj\n");
        }
        content += "ET Q\n";
        content.into_bytes()
    }
}

/// One line without what cannot be drawn: control characters and marks of direction.
fn printable(line: &str) -> String {
    let direction = |c: &char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    line.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control() && !direction(c)).take(MAX_LINE_CHARS).collect()
}

/// Breaks a line at spaces, and within words if it may. `None`: a word is wider than the line.
fn wrap(face: &Face<'_>, line: &str, width: f32, break_words: bool) -> Option<Vec<String>> {
    let mut lines = vec![String::new()];
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let current = &lines[lines.len() - 1];
        let joined = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
        if face.width(&joined) <= width {
            *lines.last_mut()? = joined;
        } else if face.width(word) <= width {
            lines.push(word.to_owned());
        } else if break_words {
            lines.push(String::new());
            for character in word.chars() {
                let last = lines.last_mut()?;
                last.push(character);
                if face.width(last) > width && last.chars().count() > 1 {
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

/// The glyphs that one appearance uses.
#[derive(Default)]
struct Glyphs {
    remapper: GlyphRemapper,
    /// Number in the subset -> character and width in thousandths.
    used: BTreeMap<u16, (char, f32)>,
}

impl Glyphs {
    /// The two-byte code of a character, in hexadecimal.
    fn use_character(&mut self, face: &Face<'_>, character: char) -> String {
        let glyph = face.glyph(character);
        let code = self.remapper.remap(glyph);
        self.used.entry(code).or_insert((character, face.advance(glyph)));
        format!("{code:04X}")
    }

    /// A composite font (ISO 32000-1 9.7) with the subset, its widths and its Unicode values.
    fn font_objects(
        &self,
        face: &Face<'_>,
        new_id: &mut impl FnMut() -> ObjectId,
    ) -> Result<(ObjectId, Vec<(ObjectId, Object)>), Error> {
        let subset = subsetter::subset(FONT, 0, &self.remapper).map_err(|_| Error("the embedded font cannot be cut down"))?;
        let (font, descendant, descriptor, file, unicode) = (new_id(), new_id(), new_id(), new_id(), new_id());
        let name = Object::Name(format!("{}+{FONT_NAME}", self.tag()).into_bytes());
        let metrics = face.font.metrics(Size::unscaled(), LocationRef::default());
        let scaled = |value: f32| Object::Integer((value * 1000.0 / face.units_per_em).round() as i64);
        let bounds = metrics.bounds.map_or([0.0, -200.0, 1000.0, 900.0], |b| [b.x_min, b.y_min, b.x_max, b.y_max]);
        let widths = self.used.iter().flat_map(|(code, (_, width))| {
            [Object::Integer(i64::from(*code)), Object::Array(vec![Object::Integer(width.round() as i64)])]
        });
        let length = subset.len() as i64;
        let objects = vec![
            (
                font,
                Object::Dictionary(dictionary! {
                    "Type" => "Font", "Subtype" => "Type0", "BaseFont" => name.clone(), "Encoding" => "Identity-H",
                    "DescendantFonts" => vec![descendant.into()], "ToUnicode" => unicode,
                }),
            ),
            (
                descendant,
                Object::Dictionary(dictionary! {
                    "Type" => "Font", "Subtype" => "CIDFontType2", "BaseFont" => name.clone(), "CIDToGIDMap" => "Identity",
                    "CIDSystemInfo" => dictionary! {
                        "Registry" => ascii("Adobe"), "Ordering" => ascii("Identity"), "Supplement" => 0,
                    },
                    "FontDescriptor" => descriptor, "DW" => 600, "W" => widths.collect::<Vec<_>>(),
                }),
            ),
            (
                descriptor,
                Object::Dictionary(dictionary! {
                    "Type" => "FontDescriptor", "FontName" => name, "Flags" => 4, "ItalicAngle" => 0,
                    "FontBBox" => bounds.map(scaled).to_vec(), "Ascent" => scaled(metrics.ascent),
                    "Descent" => scaled(metrics.descent), "CapHeight" => scaled(metrics.cap_height.unwrap_or(metrics.ascent)),
                    "StemV" => 80, "FontFile2" => file,
                }),
            ),
            (file, Object::Stream(compressed(dictionary! { "Length1" => length }, subset))),
            (unicode, Object::Stream(compressed(Dictionary::new(), self.unicode_map().into_bytes()))),
        ];
        Ok((font, objects))
    }

    /// Six capitals that differ from subset to subset (ISO 32000-1 9.6.4) and depend on nothing but the characters.
    fn tag(&self) -> String {
        let characters: String = self.used.values().map(|(character, _)| character).collect();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, characters.as_bytes());
        digest.as_ref().iter().take(6).map(|byte| char::from(b'A' + byte % 26)).collect()
    }

    /// The CMap by which text can be searched and copied (ISO 32000-1 9.10.3).
    fn unicode_map(&self) -> String {
        let mut map = String::from(
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) \
             /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n\
             1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
        );
        let entries: Vec<_> = self.used.iter().collect();
        // A CMap block holds at most 100 entries.
        for block in entries.chunks(100) {
            map += &format!("{} beginbfchar\n", block.len());
            for (code, (character, _)) in block {
                let utf16: String = character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("{unit:04X}")).collect();
                map += &format!("<{code:04X}> <{utf16}>\n");
            }
            map += "endbfchar\n";
        }
        map + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    }
}

fn ascii(text: &str) -> Object {
    Object::String(text.as_bytes().to_vec(), StringFormat::Literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(lines: &[&str], width: f32, height: f32) -> Layout {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Layout::fit(&Face::new().unwrap(), &lines, width, height)
    }

    #[test]
    fn the_accents_of_the_languages_served_have_glyphs() {
        let face = Face::new().unwrap();
        for character in "áéíóúüñ¿¡çàèòïŀÀÇäöüßÄÖÜẞ·ºª€".chars() {
            assert_ne!(face.glyph(character), face.glyph(MISSING), "{character}");
            assert_ne!(face.glyph(character), 0, "{character}");
        }
    }

    #[test]
    fn text_shrinks_until_it_fits() {
        let face = Face::new().unwrap();
        let large = fitted(&["Ana Pons"], 200.0, 50.0);
        let small = fitted(&["Maria Assumpció Güell i Ferrándiz de la Vega", "2026-11-21 10:00 UTC"], 90.0, 20.0);
        assert_eq!(large.size, 12.0);
        assert!(small.size < 6.0);
        for layout in [large, small] {
            assert!(layout.lines.iter().all(|line| face.width(line) * layout.size <= 200.0));
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
