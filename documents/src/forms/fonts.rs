//! Which font shows a text: the one that the field names where it has every character, else a standard font of that kind, else those of
//! the text engine, which are embedded. What no font has is refused: a value is never shown with boxes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};
use skrifa::{FontRef, MetadataProvider};

use super::encoding::{Encoding, glyph_character};
use super::number::N;
use super::standard::Standard;
use super::{Reason, unpacked};
use crate::pdf;
use crate::text::subset::Subsets;
use crate::text::{self, Reach};

/// Bytes of all font programs, unpacked, that are asked which characters they have.
const MAX_PROGRAM_BYTES: usize = 16 * 1024 * 1024;
/// Fonts of a document that are read; further ones are replaced by ours.
const MAX_FONTS: usize = 500;
/// Items of a `Differences` array, and bytes of a `CharSet`.
const MAX_DIFFERENCES: usize = 1024;
const MAX_CHARSET_BYTES: usize = 64 * 1024;

/// The name of a simple font among an appearance's resources.
const FONT: &str = "F1";

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Characters whose codes mean the same in Symbol (ISO 32000-2 annex D.5).
const SAME_IN_SYMBOL: &str = " !#%&()+,./0123456789:;<=>?[]_{|}";

/// What is drawn in a line, from left to right.
#[derive(Debug)]
pub(super) enum Shown<'t> {
    /// The characters that a simple font has codes for.
    Codes(&'t Simple, String),
    Glyphs(text::Line),
}

/// A font that shows one text.
#[derive(Clone)]
pub(super) enum Font {
    /// A simple font of the document's, or a standard one.
    Simple(Arc<Simple>),
    /// Those of the text engine, as many as the text needs.
    Ours,
}

/// One byte is one character.
#[derive(Debug)]
pub(super) struct Simple {
    /// The font's dictionary, or a reference to it.
    resource: Object,
    codes: Arc<Codes>,
    reach: Reach,
}

/// The code of each character, with its width in thousandths of the font size.
#[derive(Debug)]
struct Codes {
    /// Of the characters up to U+00FF, at their numbers: most values consist of nothing else.
    latin: Vec<Option<(u8, f32)>>,
    others: HashMap<char, (u8, f32)>,
}

impl Codes {
    fn of(codes: HashMap<char, (u8, f32)>) -> Arc<Self> {
        let mut latin = vec![None; 256];
        let mut others = HashMap::new();
        for (character, code) in codes {
            match latin.get_mut(character as usize) {
                Some(place) => *place = Some(code),
                None => drop(others.insert(character, code)),
            }
        }
        Arc::new(Self { latin, others })
    }

    fn get(&self, character: char) -> Option<(u8, f32)> {
        match self.latin.get(character as usize) {
            Some(code) => *code,
            None => self.others.get(&character).copied(),
        }
    }
}

impl Simple {
    fn code(&self, character: char) -> Option<(u8, f32)> {
        shown_as(character, |c| self.codes.get(c))
    }

    /// Advance width of a character in thousandths of the font size.
    pub(super) fn width(&self, character: char) -> f32 {
        self.code(character).map_or(0.0, |(_, width)| width)
    }

    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    fn covers(&self, text: &str) -> bool {
        covers(&self.codes, text)
    }
}

/// Whether a text can be shown with one code for each character.
fn covers(codes: &Codes, text: &str) -> bool {
    let has = |c: char| text::is_ignorable(c) || (!is_joined(c) && shown_as(c, |c| codes.get(c)).is_some());
    text.chars().all(has)
}

/// Whether the shape of a letter may depend on its neighbours (Arabic, scripts of India and the like).
fn is_joined(character: char) -> bool {
    matches!(character, '\u{600}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1700}'..='\u{1cff}' | '\u{a800}'..='\u{abff}')
}

/// What a font has for a character, or for the one that looks the same.
fn shown_as<T>(character: char, find: impl Fn(char) -> Option<T>) -> Option<T> {
    let twin = match character {
        '\u{a0}' => Some(' '),
        '\u{2010}' | '\u{2011}' => Some('-'),
        _ => None,
    };
    find(character).or_else(|| twin.and_then(&find))
}

/// The fonts of one document's new appearances.
pub(super) struct Fonts<'a> {
    document: &'a Document,
    /// `Font` of the form's default resources.
    resources: Option<&'a Dictionary>,
    known: Arc<Known>,
    named: Known,
    standard: HashMap<Standard, (Arc<Simple>, ObjectId)>,
    subsets: Subsets,
    /// Bytes of font programs that may still be unpacked.
    program_bytes: usize,
}

/// The fonts that names among a form's resources lead to. Reading them is the dear part of drawing: who draws into one form again and
/// again does it once.
pub(super) type Known = HashMap<Vec<u8>, Option<Arc<Named>>>;

/// What a name among the resources leads to.
#[derive(Debug)]
pub(super) struct Named {
    /// `BaseFont`.
    base: Vec<u8>,
    /// The standard font that stands in for it, where it is not embedded.
    standard: Option<Standard>,
    simple: Option<Arc<Simple>>,
}

impl Named {
    /// Whether the font itself, or the standard one that stands in for it, certainly shows a character.
    pub(super) fn has(&self, character: char) -> bool {
        let mut buffer = [0; 4];
        let text: &str = character.encode_utf8(&mut buffer);
        let own = self.simple.as_ref().is_some_and(|simple| simple.covers(text));
        own || self.standard.is_some_and(|standard| covers(&standard_codes(standard), text))
    }
}

/// What stands in for a font that the form's resources do not have.
pub(super) fn stand_in(name: &[u8]) -> Named {
    Named { base: name.to_vec(), standard: Some(Standard::named(name).unwrap_or(Standard::HELVETICA)), simple: None }
}

impl<'a> Fonts<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self::with(document, Arc::default())
    }

    /// The same, where some fonts of the document are known already.
    pub(super) fn with(document: &'a Document, known: Arc<Known>) -> Self {
        let form = pdf::catalog(document).ok().and_then(|(_, catalog)| pdf::dict_entry(document, catalog, b"AcroForm"));
        let resources = form
            .and_then(|form| pdf::dict_entry(document, form, b"DR"))
            .and_then(|resources| pdf::dict_entry(document, resources, b"Font"));
        let (named, standard, subsets) = (HashMap::new(), HashMap::new(), Subsets::default());
        Self { document, resources, known, named, standard, subsets, program_bytes: MAX_PROGRAM_BYTES }
    }

    /// What a text says in the font that a field names: in ZapfDingbats, viewers draw its signs for ordinary characters.
    ///
    /// # Errors
    /// [`Reason::SymbolFont`] for letters and other characters for which Symbol has different ones.
    pub(super) fn said(&mut self, name: &[u8], text: &str) -> Result<String, Reason> {
        let named = self.named(name);
        match named.as_ref().map_or(name, |named| &named.base) {
            b"ZapfDingbats" | b"ZaDb" => Ok(text.chars().map(dingbat).collect()),
            b"Symbol" | b"Symb" if !text.chars().all(|c| c == '\n' || SAME_IN_SYMBOL.contains(c)) => Err(Reason::SymbolFont),
            _ => Ok(text.to_owned()),
        }
    }

    /// The font for a text in a field that names `name`.
    ///
    /// # Errors
    /// [`Reason::NoGlyph`] with the first character that no font has.
    pub(super) fn choose(&mut self, name: &[u8], text: &str, new_id: &mut dyn FnMut() -> ObjectId) -> Result<Font, Reason> {
        let named = self.named(name);
        let own = named.as_ref().and_then(|named| named.simple.clone());
        if let Some(own) = own.filter(|own| own.covers(text)) {
            return Ok(Font::Simple(own));
        }
        let standard = match &named {
            Some(named) => named.standard,
            None => stand_in(name).standard,
        };
        if let Some(standard) = standard.filter(|standard| covers(&standard_codes(*standard), text)) {
            return Ok(Font::Simple(self.standard(standard, new_id)));
        }
        match text::missing(text).first() {
            Some(missing) => Err(Reason::NoGlyph(*missing)),
            None => Ok(Font::Ours),
        }
    }

    /// The operators that show a line from the current place, in a font size in points. The fonts that they name are added to `resources`, the
    /// `Font` entry of the appearance's resources.
    pub(super) fn show(
        &mut self,
        shown: &Shown<'_>,
        size: f32,
        resources: &mut Dictionary,
        new_id: &mut dyn FnMut() -> ObjectId,
    ) -> String {
        match shown {
            Shown::Codes(font, text) => {
                resources.set(FONT, font.resource.clone());
                let mut operators = format!("/{FONT} {} Tf <", N(size));
                for (code, _) in text.chars().filter_map(|character| font.code(character)) {
                    operators.extend([code >> 4, code & 15].map(|digit| char::from(HEX[usize::from(digit)])));
                }
                operators + "> Tj"
            }
            Shown::Glyphs(line) => self.subsets.show(line, size, resources, new_id),
        }
    }

    /// The objects of the fonts that were used and are not the document's own.
    ///
    /// # Errors
    /// Where a font that was found cannot be cut down.
    pub(super) fn finish(self, new_id: &mut dyn FnMut() -> ObjectId) -> Result<Vec<(ObjectId, Object)>, text::Error> {
        let mut objects: Vec<(ObjectId, Object)> =
            self.standard.iter().map(|(standard, (_, id))| (*id, standard_dictionary(*standard).into())).collect();
        objects.sort_by_key(|(id, _)| *id);
        objects.extend(self.subsets.objects(new_id)?);
        Ok(objects)
    }

    fn standard(&mut self, standard: Standard, new_id: &mut dyn FnMut() -> ObjectId) -> Arc<Simple> {
        let (simple, _) = self.standard.entry(standard).or_insert_with(|| {
            let id = new_id();
            (Arc::new(Simple { resource: id.into(), codes: standard_codes(standard), reach: standard.reach() }), id)
        });
        simple.clone()
    }

    /// The font that a name among the form's resources leads to.
    pub(super) fn named(&mut self, name: &[u8]) -> Option<Arc<Named>> {
        if let Some(known) = self.known.get(name).or_else(|| self.named.get(name)) {
            return known.clone();
        }
        let found = self.resources.and_then(|fonts| {
            let dictionary = pdf::dict_entry(self.document, fonts, name)?;
            Some((fonts.get(name).ok()?, dictionary))
        });
        let named = found.map(|(resource, dictionary)| {
            let may_read = self.named.len() < MAX_FONTS;
            let simple = may_read.then(|| self.simple(resource, dictionary)).flatten().map(Arc::new);
            let base =
                pdf::entry(self.document, dictionary, b"BaseFont").and_then(|base| base.as_name().ok()).unwrap_or_default();
            let standard = standard(self.document, dictionary).filter(|_| !is_embedded(self.document, dictionary));
            Arc::new(Named { base: base.to_vec(), standard, simple })
        });
        self.named.insert(name.to_vec(), named.clone());
        named
    }

    /// The fonts that were asked for.
    pub(super) fn into_known(self) -> Known {
        self.named
    }

    /// A font of the document's, with the codes that certainly show their character. `None`: no simple font, or nothing is certain.
    fn simple(&mut self, resource: &Object, font: &Dictionary) -> Option<Simple> {
        let kind = pdf::entry(self.document, font, b"Subtype")?.as_name().ok()?;
        if !matches!(kind, b"Type1" | b"TrueType" | b"MMType1") {
            return None;
        }
        let standard = standard(self.document, font);
        let characters = self.characters(font, standard.is_some())?;
        let widths = Widths::of(self.document, font);
        let built_in = standard.filter(|_| widths.is_none() && !is_embedded(self.document, font));
        if widths.is_none() && built_in.is_none() {
            return None;
        }
        let width = |code: u8| match (&widths, built_in) {
            (Some(widths), _) => widths.get(code),
            (None, standard) => standard?.width(characters[usize::from(code)]?),
        };
        let mut codes = codes(|code| characters[usize::from(code)], width);
        let present = self.present(font)?;
        codes.retain(|character, _| present.has(*character));
        let reach = standard.map_or_else(|| reach(self.document, font), Standard::reach);
        Some(Simple { resource: resource.clone(), codes: Codes::of(codes), reach })
    }

    /// What each code means. `None` where only the font program knows.
    fn characters(&self, font: &Dictionary, standard: bool) -> Option<Vec<Option<char>>> {
        let encoding = pdf::entry(self.document, font, b"Encoding");
        let base = match encoding {
            Some(Object::Name(name)) => Some(Encoding::named(name)?),
            Some(Object::Dictionary(encoding)) => pdf::entry(self.document, encoding, b"BaseEncoding")
                .and_then(|base| base.as_name().ok())
                .and_then(Encoding::named),
            _ => None,
        };
        let embedded = is_embedded(self.document, font);
        // A font without an encoding has one of its own: that of the standard fonts is known (ISO 32000-2 table 112).
        let implicit = (standard && !embedded).then_some(Encoding::Standard);
        let base = base.or(implicit);
        let mut characters: Vec<Option<char>> = (0..=255).map(|code| base.and_then(|base| base.character(code))).collect();
        let differences = encoding
            .and_then(|encoding| encoding.as_dict().ok())
            .and_then(|encoding| pdf::array_entry(self.document, encoding, b"Differences"));
        if base.is_none() && differences.is_none() {
            return None;
        }
        let mut code = 0_usize;
        for item in differences.into_iter().flatten().take(MAX_DIFFERENCES) {
            match pdf::resolve(self.document, item) {
                Object::Integer(start) => code = usize::try_from(*start).unwrap_or(usize::MAX),
                Object::Name(name) => {
                    if let Some(character) = characters.get_mut(code) {
                        *character = glyph_character(name);
                    }
                    code = code.saturating_add(1);
                }
                _ => {}
            }
        }
        Some(characters)
    }

    /// Which characters the font's program has. `None`: nobody knows.
    fn present(&mut self, font: &Dictionary) -> Option<Present> {
        let Some(descriptor) = pdf::dict_entry(self.document, font, b"FontDescriptor") else { return Some(Present::All) };
        let name = pdf::entry(self.document, font, b"BaseFont").and_then(|name| name.as_name().ok()).unwrap_or_default();
        let is_subset = name.get(6) == Some(&b'+');
        if let Some(Object::Stream(program)) = pdf::entry(self.document, descriptor, b"FontFile2") {
            let unpacked = unpacked(program, self.program_bytes);
            // What is too large or damaged has cost as much as it may.
            self.program_bytes -= unpacked.as_ref().map_or(self.program_bytes / 4, Vec::len);
            let bytes = unpacked?;
            let face = FontRef::from_index(&bytes, 0).ok()?;
            let mapped: HashSet<char> =
                face.charmap().mappings().take(usize::from(u16::MAX)).filter_map(|(c, _)| char::from_u32(c)).collect();
            return if mapped.is_empty() { (!is_subset).then_some(Present::All) } else { Some(Present::Only(mapped)) };
        }
        if !is_embedded(self.document, font) || !is_subset {
            return Some(Present::All);
        }
        // A subset in another format: its descriptor may list the glyphs.
        let names =
            pdf::entry(self.document, descriptor, b"CharSet")?.as_str().ok().filter(|names| names.len() <= MAX_CHARSET_BYTES)?;
        Some(Present::Only(names.split(|byte| *byte == b'/').filter_map(glyph_character).collect()))
    }
}

/// What a character of ZapfDingbats looks like, as a character of Unicode. Captions of check boxes are written in it.
pub(super) fn dingbat(style: char) -> char {
    match style {
        '%' => '\u{260e}',
        '*' => '\u{261b}',
        '+' => '\u{261e}',
        'H' => '\u{2605}',
        'l' => '\u{25cf}',
        'n' => '\u{25a0}',
        's' => '\u{25b2}',
        't' => '\u{25bc}',
        'u' => '\u{25c6}',
        'w' => '\u{25d7}',
        '!'..='~' => char::from_u32(u32::from(style) + 0x26e0).unwrap_or(style),
        other => other,
    }
}

enum Present {
    All,
    Only(HashSet<char>),
}

impl Present {
    fn has(&self, character: char) -> bool {
        match self {
            Self::All => true,
            Self::Only(characters) => character == ' ' || characters.contains(&character),
        }
    }
}

/// The first code of each character, with its width. A code without a width shows nothing.
fn codes(character: impl Fn(u8) -> Option<char>, width: impl Fn(u8) -> Option<f32>) -> HashMap<char, (u8, f32)> {
    let mut codes = HashMap::new();
    for code in 0..=255 {
        if let (Some(character), Some(width)) = (character(code), width(code).filter(|width| *width > 0.0)) {
            codes.entry(character).or_insert((code, width));
        }
    }
    codes
}

/// `Widths` of a simple font.
struct Widths {
    first: i64,
    widths: Vec<f32>,
}

impl Widths {
    fn of(document: &Document, font: &Dictionary) -> Option<Self> {
        let widths = pdf::array_entry(document, font, b"Widths")?;
        let first = pdf::entry(document, font, b"FirstChar").and_then(|first| first.as_i64().ok()).unwrap_or(0);
        // Wider than ten times its size is no character.
        let width = |item: &Object| pdf::number(document, item).filter(|width| (0.0..=10_000.0).contains(width)).unwrap_or(0.0);
        Some(Self { first, widths: widths.iter().take(256).map(width).collect() })
    }

    fn get(&self, code: u8) -> Option<f32> {
        let index = i64::from(code).checked_sub(self.first)?;
        self.widths.get(usize::try_from(index).ok()?).copied()
    }
}

/// The codes of a standard font in WinAnsiEncoding, made once per process.
fn standard_codes(standard: Standard) -> Arc<Codes> {
    static KNOWN: OnceLock<Mutex<HashMap<Standard, Arc<Codes>>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let made = known.entry(standard).or_insert_with(|| {
        let character = |code: u8| Encoding::WinAnsi.character(code);
        Codes::of(codes(character, |code| standard.width(character(code)?)))
    });
    made.clone()
}

fn standard(document: &Document, font: &Dictionary) -> Option<Standard> {
    Standard::named(pdf::entry(document, font, b"BaseFont")?.as_name().ok()?)
}

fn standard_dictionary(standard: Standard) -> Dictionary {
    dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => standard.base_font(), "Encoding" => "WinAnsiEncoding",
    }
}

fn is_embedded(document: &Document, font: &Dictionary) -> bool {
    let descriptor = pdf::dict_entry(document, font, b"FontDescriptor");
    descriptor.is_some_and(|descriptor| [&b"FontFile"[..], b"FontFile2", b"FontFile3"].iter().any(|key| descriptor.has(key)))
}

/// The measures of a font that is none of the standard ones, as its descriptor has them where they make sense.
fn reach(document: &Document, font: &Dictionary) -> Reach {
    let usual = Standard::HELVETICA.reach();
    let Some(descriptor) = pdf::dict_entry(document, font, b"FontDescriptor") else { return usual };
    let number = |key: &[u8]| pdf::entry(document, descriptor, key).and_then(|value| pdf::number(document, value)).map(f32::abs);
    let within =
        |value: Option<f32>, low: f32, high: f32, usual: f32| value.filter(|value| (low..=high).contains(value)).unwrap_or(usual);
    let above = within(number(b"Ascent"), 600.0, 1_300.0, usual.above);
    let below = within(number(b"Descent"), 100.0, 500.0, usual.below);
    let capitals = within(number(b"CapHeight"), 400.0, above, usual.capitals.min(above));
    Reach { capitals, above, below, line: (above + below).max(1_050.0) }
}

#[cfg(test)]
mod tests {
    use lopdf::Stream;

    use super::*;

    fn document(fonts: Dictionary) -> Document {
        let mut document = Document::with_version("1.7");
        let form = dictionary! { "DR" => dictionary! { "Font" => fonts } };
        let catalog = document.add_object(dictionary! { "AcroForm" => form });
        document.trailer.set("Root", catalog);
        document
    }

    fn chosen(document: &Document, name: &str, text: &str) -> Result<String, Reason> {
        let mut next = 1000;
        let mut new_id = || {
            next += 1;
            (next, 0)
        };
        let mut fonts = Fonts::new(document);
        let font = fonts.choose(name.as_bytes(), text, &mut new_id)?;
        Ok(match &font {
            Font::Ours => "ours".to_owned(),
            Font::Simple(simple) => match &simple.resource {
                Object::Reference(id) => {
                    let added = fonts.finish(&mut new_id).unwrap();
                    let (_, added) = added.into_iter().find(|(found, _)| found == id).unwrap();
                    format!(
                        "standard {}",
                        String::from_utf8_lossy(added.as_dict().unwrap().get(b"BaseFont").unwrap().as_name().unwrap())
                    )
                }
                _ => "own".to_owned(),
            },
        })
    }

    fn font(base: &str) -> Dictionary {
        dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => base }
    }

    #[test]
    fn the_fields_font_shows_what_it_has_and_a_standard_font_of_its_kind_the_rest() {
        let document = document(dictionary! { "F1" => font("Times-Bold") });
        assert_eq!(chosen(&document, "F1", "1.250,00 EUR").as_deref(), Ok("own"));
        assert_eq!(chosen(&document, "F1", "1.250,00 €").as_deref(), Ok("standard Times-Bold"));
        assert_eq!(chosen(&document, "F1", "Łódź").as_deref(), Ok("ours"));
        assert_eq!(chosen(&document, "F1", "דוד").as_deref(), Ok("ours"));
        assert_eq!(chosen(&document, "CoBo", "a").as_deref(), Ok("standard Courier-Bold"));
        assert_eq!(chosen(&document, "none", "a").as_deref(), Ok("standard Helvetica"));
    }

    #[test]
    fn what_no_font_has_is_refused_with_the_character() {
        let document = document(dictionary! {});
        for (text, missing) in [("ab\u{e001}", '\u{e001}'), ("\u{10fffd} é", '\u{10fffd}')] {
            assert_eq!(chosen(&document, "Helv", text), Err(Reason::NoGlyph(missing)), "{text}");
        }
        assert_eq!(chosen(&document, "Helv", "a محمد Łódź").as_deref(), Ok("ours"));
    }

    #[test]
    fn differences_count_and_codes_without_a_width_do_not() {
        let encoding = dictionary! { "Differences" => vec![65.into(), "Euro".into(), "eacute".into(), "g77".into()] };
        let mut own = font("Whatever");
        own.set("Encoding", encoding);
        own.set("FirstChar", 65);
        own.set("Widths", vec![500.into(), 0.into(), 500.into()]);
        let document = document(dictionary! { "F1" => own });
        assert_eq!(chosen(&document, "F1", "€").as_deref(), Ok("own"));
        assert_eq!(chosen(&document, "F1", "é").as_deref(), Ok("ours"));
        assert_eq!(chosen(&document, "F1", "A").as_deref(), Ok("ours"));
    }

    #[test]
    fn fonts_that_are_not_simple_or_not_known_are_not_used() {
        let composite =
            dictionary! { "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "Some-H", "Encoding" => "Identity-H" };
        let mut odd = font("Other");
        odd.set("Encoding", "WinAnsiEncoding");
        let document = document(dictionary! { "C" => composite, "Z" => font("ZapfDingbats"), "O" => odd });
        for name in ["C", "Z", "O"] {
            assert_eq!(chosen(&document, name, "4").as_deref(), Ok("ours"), "{name}");
        }
    }

    #[test]
    fn text_in_a_font_of_signs_says_what_viewers_show() {
        let document = document(dictionary! { "Z" => font("ZapfDingbats"), "S" => font("Symbol"), "H" => font("Helvetica") });
        let mut fonts = Fonts::new(&document);
        assert_eq!(fonts.said(b"Z", "4 l"), Ok("✔ ●".to_owned()));
        assert_eq!(fonts.said(b"ZaDb", "8"), Ok("✘".to_owned()));
        assert_eq!(fonts.said(b"S", "12.5"), Ok("12.5".to_owned()));
        assert_eq!(fonts.said(b"S", "abc"), Err(Reason::SymbolFont));
        assert_eq!(fonts.said(b"H", "4l"), Ok("4l".to_owned()));
    }

    #[test]
    fn an_embedded_subset_is_used_for_the_characters_that_it_has() {
        let mut document = document(dictionary! {});
        let mono = include_bytes!("../../assets/NotoSansMono-Regular.ttf").to_vec();
        let file = document.add_object(Stream::new(Dictionary::new(), mono));
        let listed = document.add_object(Stream::new(Dictionary::new(), b"%!PS".to_vec()));
        let own = |file: &str, id: ObjectId| {
            let mut descriptor = dictionary! { "CharSet" => Object::string_literal("/A/B/space") };
            descriptor.set(file, id);
            dictionary! {
                "Subtype" => "TrueType", "BaseFont" => "ABCDEF+Some", "Encoding" => "WinAnsiEncoding", "FirstChar" => 0,
                "Widths" => vec![Object::Integer(600); 256], "FontDescriptor" => descriptor,
            }
        };
        let fonts =
            dictionary! { "T" => own("FontFile2", file), "L" => own("FontFile", listed), "X" => own("FontFile2", listed) };
        let form = dictionary! { "DR" => dictionary! { "Font" => fonts } };
        document.catalog_mut().unwrap().set("AcroForm", form);
        assert_eq!(chosen(&document, "T", "abc").as_deref(), Ok("own"));
        assert_eq!(chosen(&document, "T", "Œ").as_deref(), Ok("ours"));
        assert_eq!(chosen(&document, "L", "A B").as_deref(), Ok("own"));
        assert_eq!(chosen(&document, "L", "AC").as_deref(), Ok("ours"));
        assert_eq!(chosen(&document, "X", "A").as_deref(), Ok("ours"));
    }

    #[test]
    fn a_font_that_refers_to_itself_is_survived() {
        let mut document = document(dictionary! {});
        let id = document.new_object_id();
        let mut cyclic = font("Helvetica");
        for key in ["Encoding", "FontDescriptor", "Widths", "FirstChar"] {
            cyclic.set(key, id);
        }
        document.objects.insert(id, Object::Reference(id));
        document
            .catalog_mut()
            .unwrap()
            .set("AcroForm", dictionary! { "DR" => dictionary! { "Font" => dictionary! { "F" => cyclic, "G" => id } } });
        assert_eq!(chosen(&document, "F", "abc").as_deref(), Ok("own"));
        assert_eq!(chosen(&document, "G", "abc").as_deref(), Ok("standard Helvetica"));
    }
}
