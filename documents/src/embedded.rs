//! Fonts of our own that are embedded as subsets: what glyphs and measures they have, and the PDF objects of a subset.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use lopdf::{Dictionary, Object, ObjectId, Stream, StringFormat, dictionary};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::{BoundingBox, GlyphMetrics};
use skrifa::{FontRef, MetadataProvider};
use subsetter::GlyphRemapper;

static DEJAVU_SANS: &[u8] = include_bytes!("../assets/DejaVuSans.ttf");
static NOTO_SANS: &[u8] = include_bytes!("../assets/NotoSans-Regular.ttf");

/// The embedded font cannot be cut down to a subset, which no input brings about.
#[derive(Debug, thiserror::Error)]
#[error("the embedded font cannot be cut down")]
pub struct Error;

/// One of our fonts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Typeface {
    /// Latin, Greek and Cyrillic; about as wide as Helvetica.
    NotoSans,
    /// The same, Hebrew, Arabic, and signs of many kinds; wider.
    DejaVuSans,
}

/// A font and its measures.
pub(crate) struct Face {
    name: &'static str,
    data: &'static [u8],
    font: FontRef<'static>,
    characters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    units_per_em: f32,
}

impl Typeface {
    /// The font, read once per process.
    pub(crate) fn face(self) -> &'static Face {
        static FACES: OnceLock<[Face; 2]> = OnceLock::new();
        let faces = FACES.get_or_init(|| [Face::read("NotoSans", NOTO_SANS), Face::read("DejaVuSans", DEJAVU_SANS)]);
        match self {
            Self::NotoSans => &faces[0],
            Self::DejaVuSans => &faces[1],
        }
    }
}

impl Face {
    fn read(name: &'static str, data: &'static [u8]) -> Self {
        // The fonts are part of the program; a test reads each of them.
        let font = FontRef::from_index(data, 0).expect("an embedded font is readable");
        let metrics = font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let units_per_em = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        Self { name, data, characters: font.charmap(), metrics, units_per_em, font }
    }

    /// The glyph of a character, if the font has one.
    pub(crate) fn glyph(&self, character: char) -> Option<u16> {
        let found = self.characters.map(character)?.to_u32();
        // A TrueType font has at most 65,535 glyphs; the first is drawn for what is missing.
        u16::try_from(found).ok().filter(|glyph| *glyph != 0)
    }

    /// Advance width in thousandths of the font size.
    pub(crate) fn advance(&self, glyph: u16) -> f32 {
        self.thousandths(self.metrics.advance_width(u32::from(glyph).into()).unwrap_or(0.0))
    }

    /// The box around a glyph's outline, in thousandths of the font size: left, bottom, right, top.
    pub(crate) fn outline(&self, glyph: u16) -> Option<[f32; 4]> {
        let bounds = self.metrics.bounds(u32::from(glyph).into())?;
        Some([bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|value| self.thousandths(value)))
    }

    fn thousandths(&self, units: f32) -> f32 {
        units * 1000.0 / self.units_per_em
    }
}

/// The glyphs of a font that one or more appearances use.
pub(crate) struct Subset {
    face: &'static Face,
    remapper: GlyphRemapper,
    /// Number in the subset -> character and width in thousandths.
    used: BTreeMap<u16, (char, f32)>,
}

impl Subset {
    pub(crate) fn new(face: &'static Face) -> Self {
        Self { face, remapper: GlyphRemapper::new(), used: BTreeMap::new() }
    }

    /// The two-byte code of a glyph, in hexadecimal. `character` is what it means when the text is copied.
    pub(crate) fn use_glyph(&mut self, glyph: u16, character: char) -> String {
        let code = self.remapper.remap(glyph);
        let width = self.face.advance(glyph);
        self.used.entry(code).or_insert((character, width));
        format!("{code:04X}")
    }

    /// A composite font (ISO 32000-2 9.7) with the subset, its widths and its Unicode values. `font` becomes its object's number.
    ///
    /// # Errors
    /// [`Error`], which no input brings about.
    pub(crate) fn objects(&self, font: ObjectId, new_id: &mut dyn FnMut() -> ObjectId) -> Result<Vec<(ObjectId, Object)>, Error> {
        let subset = subsetter::subset(self.face.data, 0, &self.remapper).map_err(|_| Error)?;
        let (descendant, descriptor, file, unicode) = (new_id(), new_id(), new_id(), new_id());
        let name = Object::Name(format!("{}+{}", self.tag(), self.face.name).into_bytes());
        let widths = self.used.iter().flat_map(|(code, (_, width))| {
            [Object::Integer(i64::from(*code)), Object::Array(vec![Object::Integer(width.round() as i64)])]
        });
        let length = subset.len() as i64;
        Ok(vec![
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
            (descriptor, Object::Dictionary(self.descriptor(name, file))),
            (file, Object::Stream(compressed(dictionary! { "Length1" => length }, subset))),
            (unicode, Object::Stream(compressed(Dictionary::new(), self.unicode_map().into_bytes()))),
        ])
    }

    fn descriptor(&self, name: Object, file: ObjectId) -> Dictionary {
        let metrics = self.face.font.metrics(Size::unscaled(), LocationRef::default());
        let scaled = |value: f32| Object::Integer(self.face.thousandths(value).round() as i64);
        let around = |b: BoundingBox| [b.x_min, b.y_min, b.x_max, b.y_max];
        let bounds = metrics.bounds.map_or([0.0, -200.0, 1000.0, 900.0], around);
        dictionary! {
            "Type" => "FontDescriptor", "FontName" => name, "Flags" => 4, "ItalicAngle" => 0,
            "FontBBox" => bounds.map(scaled).to_vec(), "Ascent" => scaled(metrics.ascent),
            "Descent" => scaled(metrics.descent), "CapHeight" => scaled(metrics.cap_height.unwrap_or(metrics.ascent)),
            "StemV" => 80, "FontFile2" => file,
        }
    }

    /// Six capitals that differ from subset to subset (ISO 32000-2 9.9.2) and depend on nothing but the characters.
    fn tag(&self) -> String {
        let characters: String = self.used.values().map(|(character, _)| character).collect();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, characters.as_bytes());
        digest.as_ref().iter().take(6).map(|byte| char::from(b'A' + byte % 26)).collect()
    }

    /// The CMap by which text can be searched and copied (ISO 32000-2 9.10.3).
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

/// A stream, compressed where it gets smaller.
pub(crate) fn compressed(dictionary: Dictionary, content: Vec<u8>) -> Stream {
    let mut stream = Stream::new(dictionary, content);
    // What cannot be compressed is as good uncompressed.
    let _ = stream.compress();
    stream
}

fn ascii(text: &str) -> Object {
    Object::String(text.as_bytes().to_vec(), StringFormat::Literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accents_of_the_languages_served_have_glyphs() {
        for typeface in [Typeface::NotoSans, Typeface::DejaVuSans] {
            for character in "áéíóúüñ¿¡çàèòïŀÀÇäöüßÄÖÜẞ·ºª€ΩЖŁ".chars() {
                assert!(typeface.face().glyph(character).is_some(), "{typeface:?} {character}");
            }
            assert_eq!(typeface.face().glyph('山'), None);
        }
    }

    #[test]
    fn a_subset_has_what_was_used_and_says_what_it_means() {
        let face = Typeface::DejaVuSans.face();
        let mut subset = Subset::new(face);
        for character in "Ελένη".chars() {
            subset.use_glyph(face.glyph(character).unwrap(), character);
        }
        let mut next = 10;
        let mut new_id = || {
            next += 1;
            (next, 0)
        };
        let objects = subset.objects((7, 0), &mut new_id).unwrap();
        assert_eq!(objects.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [7, 11, 12, 13, 14]);
        let map = subset.unicode_map();
        assert!(map.contains("5 beginbfchar") && map.contains("<0395>") && map.contains("<03AD>"));
    }
}
