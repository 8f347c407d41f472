//! The fonts that a file uses, cut down to the glyphs used: the operators that show lines of text, and the objects of the fonts.
//!
//! Copied text is the text: a glyph says what it means (`ToUnicode`, ISO 32000-2 9.10.3); where a letter takes several glyphs, or a glyph means
//! different things in different places, the letter's place says it (`ActualText`, 14.9.4).

use std::collections::BTreeMap;
use std::fmt::Write;

use lopdf::{Dictionary, Object, ObjectId, Stream, StringFormat, dictionary};
use subsetter::GlyphRemapper;

use super::face::{Face, Outlines};
use super::paragraph::{Glyph, Line, Run};

/// A font cannot be cut down to a subset: its file is damaged. No input brings it about for the program's own fonts.
#[derive(Debug, thiserror::Error)]
#[error("the font {0} cannot be cut down; remove it from the folders of fonts or replace it")]
pub struct Error(String);

/// What a glyph means that is a part of a letter which another glyph stands for: a zero-width space.
const NOTHING: &str = "\u{200b}";

/// The fonts of one file, or of one change of a file.
#[derive(Default)]
pub(crate) struct Subsets {
    fonts: Vec<(ObjectId, Subset)>,
}

impl Subsets {
    /// The operators that show a line from the current place, in a font size in points. The fonts are added to `fonts`, the `Font` entry of
    /// the resources.
    pub(crate) fn show(
        &mut self,
        line: &Line,
        size: f32,
        fonts: &mut Dictionary,
        new_id: &mut dyn FnMut() -> ObjectId,
    ) -> String {
        let mut operators = String::new();
        for run in &line.runs {
            let number = self.number(run.face, new_id);
            let (id, subset) = &mut self.fonts[number];
            let name = format!("T{number}");
            if !operators.is_empty() {
                operators.push(' ');
            }
            let _ = write!(operators, "/{name} {size:.3} Tf ");
            fonts.set(name, *id);
            subset.show(run, size, &mut operators);
        }
        operators
    }

    /// The objects of all fonts.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn objects(self, new_id: &mut dyn FnMut() -> ObjectId) -> Result<Vec<(ObjectId, Object)>, Error> {
        let mut objects = Vec::new();
        for (id, subset) in self.fonts {
            objects.extend(subset.objects(id, new_id)?);
        }
        Ok(objects)
    }

    fn number(&mut self, face: &'static Face, new_id: &mut dyn FnMut() -> ObjectId) -> usize {
        self.fonts.iter().position(|(_, subset)| subset.face == face).unwrap_or_else(|| {
            self.fonts.push((new_id(), Subset::new(face)));
            self.fonts.len() - 1
        })
    }
}

/// The glyphs of a font that are used.
struct Subset {
    face: &'static Face,
    remapper: GlyphRemapper,
    /// By their numbers in the subset.
    used: BTreeMap<u16, Used>,
}

struct Used {
    /// What it means when the text is copied.
    text: Option<String>,
    /// In thousandths of the font size.
    width: f32,
}

impl Subset {
    fn new(face: &'static Face) -> Self {
        Self { face, remapper: GlyphRemapper::new(), used: BTreeMap::new() }
    }

    /// The two-byte code of a glyph.
    fn code(&mut self, glyph: u16) -> u16 {
        let code = self.remapper.remap(glyph);
        let face = self.face;
        self.used.entry(code).or_insert_with(|| Used { text: None, width: face.advance(glyph).round() });
        code
    }

    /// Says what a glyph means, if nothing else was said before.
    fn means(&mut self, glyph: u16, text: &str) -> bool {
        let code = self.code(glyph);
        let said = self.used.get_mut(&code).map(|used| used.text.get_or_insert_with(|| text.to_owned()));
        said.is_some_and(|said| said == text)
    }

    fn show(&mut self, run: &Run, size: f32, operators: &mut String) {
        let mut array = Array::default();
        for cluster in run.glyphs.chunk_by(|a, b| a.cluster == b.cluster) {
            let text = &run.text[cluster[0].cluster.clone()];
            let is_told = self.is_told_by_glyphs(cluster, text, run.is_rtl);
            if !is_told {
                array.end(operators);
                let utf16: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
                let _ = write!(operators, "/Span <</ActualText <FEFF{utf16}>>> BDC ");
            }
            for glyph in cluster {
                self.place(glyph, size, &mut array, operators);
            }
            if !is_told {
                array.end(operators);
                operators.push_str("EMC ");
            }
        }
        array.end(operators);
        if array.rise != 0.0 {
            operators.push_str("0 Ts");
        }
        operators.truncate(operators.trim_end().len());
    }

    /// Whether the glyphs of a cluster, one after the other, say what it means.
    ///
    /// What each glyph says is the same wherever it is: some readers know nothing else.
    fn is_told_by_glyphs(&mut self, cluster: &[Glyph], text: &str, is_rtl: bool) -> bool {
        let face = self.face;
        let is_plain = |(glyph, character): (&Glyph, char)| face.glyph(character) == Some(glyph.id);
        let mut characters: Vec<char> = text.chars().collect();
        if is_rtl {
            characters.reverse();
        }
        if characters.len() == cluster.len() && cluster.iter().zip(characters.iter().copied()).all(is_plain) {
            // Each glyph says what it means, also after one that cannot.
            // Readers put letters in order by their places: a mark that is moved to its letter may come behind the next one. From right to left
            // they turn what is said of several letters together.
            let is_moved = cluster.len() > 1 && cluster.iter().any(|glyph| glyph.right != 0.0 || glyph.up != 0.0);
            let mut is_told = is_rtl || !is_moved;
            for (glyph, character) in cluster.iter().zip(characters) {
                is_told &= self.means(glyph.id, character.encode_utf8(&mut [0; 4]));
            }
            return is_told;
        }
        let own: Vec<Option<char>> = cluster.iter().map(|glyph| face.meaning(glyph.id)).collect();
        // What no glyph says by itself is said by the first one that has no meaning of its own.
        let rest: String = text.chars().filter(|character| !own.contains(&Some(*character))).collect();
        let mut rest = if rest.is_empty() { NOTHING } else { &rest };
        let mut is_told = true;
        for (glyph, own) in cluster.iter().zip(own) {
            is_told &= match own {
                Some(character) => self.means(glyph.id, character.encode_utf8(&mut [0; 4])) && text.chars().eq([character]),
                None => self.means(glyph.id, std::mem::replace(&mut rest, NOTHING)),
            };
        }
        is_told && cluster.len() == 1
    }

    fn place(&mut self, glyph: &Glyph, size: f32, array: &mut Array, operators: &mut String) {
        let code = self.code(glyph.id);
        if glyph.up != array.rise {
            array.end(operators);
            let _ = write!(operators, "{:.3} Ts ", glyph.up * size / 1000.0);
            array.rise = glyph.up;
        }
        array.shift(glyph.right);
        array.code(code);
        let width = self.used.get(&code).map_or(0.0, |used| used.width);
        array.shift(glyph.advance - width - glyph.right);
    }

    /// A composite font (ISO 32000-2 9.7) with the subset, its widths and its Unicode values. `font` becomes its object's number.
    fn objects(&self, font: ObjectId, new_id: &mut dyn FnMut() -> ObjectId) -> Result<Vec<(ObjectId, Object)>, Error> {
        let error = || Error(self.face.name.clone());
        let subset = subsetter::subset(self.face.data, self.face.index, &self.remapper).map_err(|_| error())?;
        let (descendant, descriptor, file, unicode) = (new_id(), new_id(), new_id(), new_id());
        let name = Object::Name(format!("{}+{}", self.tag(), self.face.name).into_bytes());
        let widths = self.used.iter().flat_map(|(code, used)| {
            [Object::Integer(i64::from(*code)), Object::Array(vec![Object::Integer(used.width as i64)])]
        });
        let mut cid_font = dictionary! {
            "Type" => "Font", "Subtype" => "CIDFontType2", "BaseFont" => name.clone(), "CIDToGIDMap" => "Identity",
            "CIDSystemInfo" => dictionary! { "Registry" => ascii("Adobe"), "Ordering" => ascii("Identity"), "Supplement" => 0 },
            "FontDescriptor" => descriptor, "DW" => 600, "W" => widths.collect::<Vec<_>>(),
        };
        let (key, program) = match self.face.outlines {
            Outlines::TrueType => {
                let length = subset.len() as i64;
                ("FontFile2", compressed(dictionary! { "Length1" => length }, subset))
            }
            Outlines::Cff => {
                cid_font.set("Subtype", "CIDFontType0");
                cid_font.remove(b"CIDToGIDMap");
                let cff = cff_table(&subset).ok_or_else(error)?.to_vec();
                ("FontFile3", compressed(dictionary! { "Subtype" => "CIDFontType0C" }, cff))
            }
        };
        let mut described = self.descriptor(name.clone());
        described.set(key, file);
        Ok(vec![
            (
                font,
                Object::Dictionary(dictionary! {
                    "Type" => "Font", "Subtype" => "Type0", "BaseFont" => name, "Encoding" => "Identity-H",
                    "DescendantFonts" => vec![descendant.into()], "ToUnicode" => unicode,
                }),
            ),
            (descendant, Object::Dictionary(cid_font)),
            (descriptor, Object::Dictionary(described)),
            (file, Object::Stream(program)),
            (unicode, Object::Stream(compressed(Dictionary::new(), self.unicode_map().into_bytes()))),
        ])
    }

    fn descriptor(&self, name: Object) -> Dictionary {
        let metrics = &self.face.metrics;
        let scaled = |value: f32| Object::Integer(self.face.thousandths(value).round() as i64);
        let bounds = self.face.bounds().map(|value| Object::Integer(value.round() as i64));
        dictionary! {
            "Type" => "FontDescriptor", "FontName" => name, "Flags" => 4, "ItalicAngle" => 0, "FontBBox" => bounds.to_vec(),
            "Ascent" => scaled(metrics.ascent), "Descent" => scaled(metrics.descent),
            "CapHeight" => scaled(metrics.cap_height.unwrap_or(metrics.ascent)), "StemV" => 80,
        }
    }

    /// Six capitals that differ from subset to subset (ISO 32000-2 9.9.2) and depend on nothing but the glyphs.
    fn tag(&self) -> String {
        let glyphs: Vec<u8> = self.remapper.remapped_gids().flat_map(u16::to_be_bytes).collect();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &glyphs);
        digest.as_ref().iter().take(6).map(|byte| char::from(b'A' + byte % 26)).collect()
    }

    /// The CMap by which text can be searched and copied (ISO 32000-2 9.10.3).
    fn unicode_map(&self) -> String {
        let mut map = String::from(
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) \
             /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n\
             1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
        );
        let entries: Vec<(u16, &String)> =
            self.used.iter().filter_map(|(code, used)| Some((*code, used.text.as_ref()?))).collect();
        // A CMap block holds at most 100 entries.
        for block in entries.chunks(100) {
            let _ = writeln!(map, "{} beginbfchar", block.len());
            for (code, text) in block {
                let utf16: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
                let _ = writeln!(map, "<{code:04X}> <{utf16}>");
            }
            map += "endbfchar\n";
        }
        map + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    }
}

/// The operand of a `TJ` that is being written.
#[derive(Default)]
struct Array {
    items: String,
    /// Whether a string of codes is open.
    is_open: bool,
    /// How far the next glyph is to be moved to the right, in thousandths of the font size.
    pending: f32,
    /// How far glyphs are raised, in thousandths of the font size.
    rise: f32,
}

impl Array {
    fn shift(&mut self, by: f32) {
        self.pending += by;
    }

    fn code(&mut self, code: u16) {
        self.settle();
        if !self.is_open {
            self.items.push('<');
            self.is_open = true;
        }
        let _ = write!(self.items, "{code:04X}");
    }

    /// Writes the move, where it is more than rounding.
    fn settle(&mut self) {
        if self.pending.abs() < 0.75 {
            return;
        }
        self.close();
        let _ = write!(self.items, "{:.1}", -self.pending);
        self.pending = 0.0;
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.items.push('>');
        }
    }

    fn end(&mut self, operators: &mut String) {
        self.settle();
        self.close();
        if !self.items.is_empty() {
            let is_plain = self.items.matches(['<', '-', '.']).count() == 1;
            let (open, close, operator) = if is_plain { ("", "", "Tj") } else { ("[", "]", "TJ") };
            let _ = write!(operators, "{open}{}{close} {operator} ", self.items);
            self.items.clear();
        }
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        debug_assert!(self.items.is_empty(), "an operand was not written");
    }
}

/// The table with the outlines of a font that was cut down.
fn cff_table(font: &[u8]) -> Option<&[u8]> {
    let font = skrifa::FontRef::new(font).ok()?;
    font.table_data(harfrust::Tag::new(b"CFF ")).map(|table| table.as_bytes())
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
