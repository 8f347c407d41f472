//! The values of fields as text: any of PDF's encodings of text strings, choices and what they are called, and text made fit to draw.

use lopdf::{Document, Object};
use unicode_normalization::UnicodeNormalization;

use super::{Reason, unpacked};
use crate::pdf;
use crate::text::is_hidden;

/// Bytes of one value, unpacked.
const MAX_VALUE_BYTES: usize = 1024 * 1024;
/// Choices of one field.
pub(crate) const MAX_OPTIONS: usize = 10_000;

/// The text of a string, or of a stream that stands for one (ISO 32000-2 7.9.3).
///
/// # Errors
/// [`Reason::Unreadable`] for what is no text, [`Reason::TooLong`] beyond a bound.
pub(super) fn text(document: &Document, value: &Object) -> Result<String, Reason> {
    match pdf::resolve(document, value) {
        Object::Null => Ok(String::new()),
        Object::String(bytes, _) if bytes.len() > MAX_VALUE_BYTES => Err(Reason::TooLong),
        Object::String(bytes, _) => decoded(bytes).ok_or(Reason::Unreadable),
        Object::Stream(stream) => {
            let bytes = unpacked(stream, MAX_VALUE_BYTES).ok_or(Reason::Unreadable)?;
            decoded(&bytes).ok_or(Reason::Unreadable)
        }
        _ => Err(Reason::Unreadable),
    }
}

/// A text string (ISO 32000-2 7.9.2.2). `None`: it has a code that means nothing, so nobody knows what it says.
pub(super) fn decoded(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
        // An odd byte at the end is no code unit.
        String::from_utf16(&units).ok().filter(|_| bytes.len().is_multiple_of(2))
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // Not in the standard, but written by some programs and read by all viewers.
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => bytes.iter().map(|byte| pdf_doc(*byte)).collect(),
    }
}

/// PDFDocEncoding (ISO 32000-2 annex D.3).
fn pdf_doc(byte: u8) -> Option<char> {
    const ACCENTS: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    const SIGNS: &str = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž";
    match byte {
        0x18..=0x1f => Some(ACCENTS[usize::from(byte - 0x18)]),
        0x80..=0x9e => SIGNS.chars().nth(usize::from(byte - 0x80)),
        0xa0 => Some('€'),
        0x7f | 0x9f | 0xad => None,
        _ => Some(char::from(byte)),
    }
}

/// A text as it is drawn: composed (NFC), line ends as `\n`, other white space as a space, and without what has no shape of its own:
/// control characters, language tags, what else is hidden (see [`is_hidden`]).
///
/// Where a field has one line, line ends are spaces too.
pub(super) fn drawable(text: &str, lines: bool) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut drawable = String::with_capacity(text.len());
    let mut characters = text.nfc().peekable();
    while let Some(character) = characters.next() {
        match character {
            // A language tag: from escape to escape (ISO 32000-2 7.9.2.2.1).
            '\u{1b}' => while characters.next().is_some_and(|c| c != '\u{1b}') {},
            '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                if character == '\r' {
                    characters.next_if_eq(&'\n');
                }
                drawable.push(if lines { '\n' } else { ' ' });
            }
            '\u{a0}' | '\u{202f}' => drawable.push('\u{a0}'),
            c if c.is_whitespace() => drawable.push(' '),
            c if c.is_control() || is_hidden(c) => {}
            c => drawable.push(c),
        }
    }
    drawable
}

/// One of the options of a choice field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// What the value is when it is chosen.
    pub(super) export: String,
    /// What is shown.
    pub(super) display: String,
}

/// The options of `Opt`: texts, or pairs of an export value and what is shown.
///
/// # Errors
/// [`Reason::TooManyOptions`], [`Reason::Unreadable`].
pub(super) fn choices(document: &Document, options: Option<&Object>) -> Result<Vec<Choice>, Reason> {
    let Some(options) = options else { return Ok(Vec::new()) };
    let options = pdf::resolve(document, options).as_array().map_err(|_| Reason::Unreadable)?;
    if options.len() > MAX_OPTIONS {
        return Err(Reason::TooManyOptions);
    }
    let choice = |option: &Object| match pdf::resolve(document, option) {
        Object::Array(pair) => {
            let [export, display, ..] = pair.as_slice() else { return Err(Reason::Unreadable) };
            Ok(Choice { export: text(document, export)?, display: text(document, display)? })
        }
        single => text(document, single).map(|text| Choice { export: text.clone(), display: text }),
    };
    options.iter().map(choice).collect()
}

/// The chosen values: none, one or, in a list, more.
///
/// # Errors
/// As [`text`] and [`choices`].
pub(super) fn chosen(document: &Document, value: Option<&Object>) -> Result<Vec<String>, Reason> {
    match value.map(|value| pdf::resolve(document, value)) {
        None | Some(Object::Null) => Ok(Vec::new()),
        Some(Object::Array(values)) if values.len() > MAX_OPTIONS => Err(Reason::TooManyOptions),
        Some(Object::Array(values)) => values.iter().map(|value| text(document, value)).collect(),
        Some(single) => Ok(vec![text(document, single)?]),
    }
}

#[cfg(test)]
mod tests {
    use lopdf::{Dictionary, Stream, StringFormat};
    use proptest::prelude::*;

    use super::*;

    fn of_bytes(bytes: &[u8]) -> Option<String> {
        decoded(bytes)
    }

    #[test]
    fn every_encoding_of_text_strings_is_read() {
        assert_eq!(of_bytes(b"1.250 \xa0 \x80 \x1f \xe9").as_deref(), Some("1.250 € • ˜ é"));
        assert_eq!(of_bytes(b"\xfe\xff\x20\xac\xd8\x3d\xde\x00").as_deref(), Some("€😀"));
        assert_eq!(of_bytes(b"\xff\xfe\xac\x20").as_deref(), Some("€"));
        assert_eq!(of_bytes(b"\xef\xbb\xbf\xe2\x82\xac").as_deref(), Some("€"));
        assert_eq!(of_bytes(b"a\r\nb\tc").as_deref(), Some("a\r\nb\tc"));
    }

    #[test]
    fn a_code_without_a_meaning_makes_the_text_unreadable() {
        for bytes in [&b"a\x9f"[..], b"\xad", b"\xfe\xff\xd8\x00", b"\xfe\xff\x00\x41\x00", b"\xef\xbb\xbf\xff"] {
            assert_eq!(of_bytes(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_stream_may_hold_the_text() {
        let document = Document::new();
        let mut stream = Stream::new(Dictionary::new(), vec![b'x'; 5000]);
        assert_eq!(text(&document, &Object::Stream(stream.clone())).unwrap().len(), 5000);
        stream.compress().unwrap();
        assert!(stream.dict.has(b"Filter"));
        assert_eq!(text(&document, &Object::Stream(stream)).unwrap().len(), 5000);
        assert_eq!(text(&document, &Object::Integer(5)), Err(Reason::Unreadable));
    }

    #[test]
    fn drawn_text_has_one_kind_of_line_end_and_nothing_without_a_shape() {
        assert_eq!(drawable("a\r\nb\rc\nd\u{2028}e", true), "a\nb\nc\nd\ne");
        assert_eq!(drawable("a\r\nb\tc\u{7}\u{202e}\u{feff}", false), "a b c");
        assert_eq!(
            drawable("می\u{200c}خواهم\u{200f}", false),
            "می\u{200c}خواهم\u{200f}",
            "joining and direction depend on these"
        );
        assert_eq!(drawable("\u{1b}en\u{1b}Jose\u{301}", false), "José");
        assert_eq!(drawable("a\u{1b}", false), "a");
    }

    #[test]
    fn options_are_texts_or_pairs() {
        let string = |text: &str| Object::String(text.into(), StringFormat::Literal);
        let options = Object::Array(vec![string("a"), Object::Array(vec![string("b"), string("B")])]);
        let found = choices(&Document::new(), Some(&options)).unwrap();
        let choice = |export: &str, display: &str| Choice { export: export.into(), display: display.into() };
        assert_eq!(found, [choice("a", "a"), choice("b", "B")]);
        let many = Object::Array(vec![string("a"); MAX_OPTIONS + 1]);
        assert_eq!(choices(&Document::new(), Some(&many)), Err(Reason::TooManyOptions));
        assert_eq!(choices(&Document::new(), Some(&Object::Array(vec![1.into()]))), Err(Reason::Unreadable));
    }

    proptest! {
        #[test]
        fn text_survives_its_encoding(text in "\\PC{0,40}") {
            let mut utf16 = vec![0xfe, 0xff];
            utf16.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
            prop_assert_eq!(decoded(&utf16), Some(text));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60), lines in any::<bool>()) {
            if let Some(text) = decoded(&bytes) {
                let drawable = drawable(&text, lines);
                prop_assert!(drawable.chars().all(|c| !c.is_control() || (lines && c == '\n')));
            }
        }
    }
}
