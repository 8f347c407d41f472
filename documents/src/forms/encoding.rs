//! The encodings of simple fonts (ISO 32000-2 9.6.5): from codes and the names of glyphs to characters.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::standard::GLYPHS;

/// The predefined encodings of simple fonts (ISO 32000-2 annex D.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Standard,
    WinAnsi,
    MacRoman,
}

impl Encoding {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"StandardEncoding" => Some(Self::Standard),
            b"WinAnsiEncoding" => Some(Self::WinAnsi),
            b"MacRomanEncoding" => Some(Self::MacRoman),
            _ => None,
        }
    }

    /// What a code means.
    pub(super) fn character(self, code: u8) -> Option<char> {
        match (self, code) {
            (_, 0..0x20 | 0x7f) => None,
            (Self::Standard, b'\'') => Some('\u{2019}'),
            (Self::Standard, b'`') => Some('\u{2018}'),
            (_, 0x20..0x7f) => Some(char::from(code)),
            (Self::Standard, _) => STANDARD.iter().find(|(found, _)| *found == code).map(|(_, character)| *character),
            (Self::MacRoman, _) => MAC_ROMAN.chars().nth(usize::from(code) - 0x80).filter(|c| *c != NONE),
            (Self::WinAnsi, 0x80..0xa0) => WIN_ANSI.chars().nth(usize::from(code) - 0x80).filter(|c| *c != NONE),
            // A no-break space and a hyphen that are drawn like the ordinary ones.
            (Self::WinAnsi, _) => Some(char::from(code)).filter(|c| *c != '\u{ad}'),
        }
    }
}

/// The character of a glyph's name in a `Differences` array: a Latin one by name, any by `uni` or `u` and its number.
pub(super) fn glyph_character(name: &[u8]) -> Option<char> {
    let name = std::str::from_utf8(name).ok()?;
    static NAMES: OnceLock<HashMap<&'static str, char>> = OnceLock::new();
    let names = NAMES.get_or_init(|| GLYPHS.iter().map(|(character, name, _)| (*name, *character)).collect());
    if let Some(character) = names.get(name) {
        return Some(*character);
    }
    let digits = match name.strip_prefix("uni") {
        Some(digits) if digits.len() == 4 => digits,
        _ => name.strip_prefix('u').filter(|digits| (4..=6).contains(&digits.len()))?,
    };
    let digits = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)))?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// No character has this code.
const NONE: char = '\u{fffd}';

/// Codes from 0x80 of WinAnsiEncoding; those above 0x9f are as in Latin-1.
static WIN_ANSI: &str = "€�‚ƒ„…†‡ˆ‰Š‹Œ�Ž��‘’“”•–—˜™š›œ�žŸ";

/// Codes from 0x80 of MacRomanEncoding, which leaves out the mathematical signs of the system's own encoding.
static MAC_ROMAN: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨�ÆØ�±��¥µ�����ªº�æø¿¡¬�ƒ��«»…\u{a0}ÀÃÕŒœ–—“”‘’÷�ÿŸ⁄¤‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ�ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";

/// Codes from 0x80 of StandardEncoding.
static STANDARD: [(u8, char); 54] = [
    (0xa1, '\u{a1}'),
    (0xa2, '\u{a2}'),
    (0xa3, '\u{a3}'),
    (0xa4, '\u{2044}'),
    (0xa5, '\u{a5}'),
    (0xa6, '\u{192}'),
    (0xa7, '\u{a7}'),
    (0xa8, '\u{a4}'),
    (0xa9, '\u{27}'),
    (0xaa, '\u{201c}'),
    (0xab, '\u{ab}'),
    (0xac, '\u{2039}'),
    (0xad, '\u{203a}'),
    (0xae, '\u{fb01}'),
    (0xaf, '\u{fb02}'),
    (0xb1, '\u{2013}'),
    (0xb2, '\u{2020}'),
    (0xb3, '\u{2021}'),
    (0xb4, '\u{b7}'),
    (0xb6, '\u{b6}'),
    (0xb7, '\u{2022}'),
    (0xb8, '\u{201a}'),
    (0xb9, '\u{201e}'),
    (0xba, '\u{201d}'),
    (0xbb, '\u{bb}'),
    (0xbc, '\u{2026}'),
    (0xbd, '\u{2030}'),
    (0xbf, '\u{bf}'),
    (0xc1, '\u{60}'),
    (0xc2, '\u{b4}'),
    (0xc3, '\u{2c6}'),
    (0xc4, '\u{2dc}'),
    (0xc5, '\u{af}'),
    (0xc6, '\u{2d8}'),
    (0xc7, '\u{2d9}'),
    (0xc8, '\u{a8}'),
    (0xca, '\u{2da}'),
    (0xcb, '\u{b8}'),
    (0xcd, '\u{2dd}'),
    (0xce, '\u{2db}'),
    (0xcf, '\u{2c7}'),
    (0xd0, '\u{2014}'),
    (0xe1, '\u{c6}'),
    (0xe3, '\u{aa}'),
    (0xe8, '\u{141}'),
    (0xe9, '\u{d8}'),
    (0xea, '\u{152}'),
    (0xeb, '\u{ba}'),
    (0xf1, '\u{e6}'),
    (0xf5, '\u{131}'),
    (0xf8, '\u{142}'),
    (0xf9, '\u{f8}'),
    (0xfa, '\u{153}'),
    (0xfb, '\u{df}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_differ_where_the_standard_says() {
        let at = |encoding: Encoding, code| encoding.character(code);
        assert_eq!(at(Encoding::WinAnsi, 0x80), Some('€'));
        assert_eq!(at(Encoding::WinAnsi, 0xe9), Some('é'));
        assert_eq!(at(Encoding::WinAnsi, 0x81), None);
        assert_eq!(at(Encoding::Standard, 0x27), Some('’'));
        assert_eq!(at(Encoding::Standard, 0xe9), Some('Ø'));
        assert_eq!(at(Encoding::Standard, 0x80), None);
        assert_eq!(at(Encoding::MacRoman, 0x8e), Some('é'));
        assert_eq!(at(Encoding::MacRoman, 0xdb), Some('¤'));
        assert_eq!(at(Encoding::MacRoman, 0xff), Some('ˇ'));
    }

    #[test]
    fn glyph_names_lead_to_characters() {
        let cases = [("Euro", Some('€')), ("eacute", Some('é')), ("uni0416", Some('Ж')), ("u1F600", Some('😀')), ("g12", None)];
        for (name, expected) in cases {
            assert_eq!(glyph_character(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(glyph_character(b"uniD800"), None);
        assert_eq!(glyph_character(b"u+1234"), None);
    }
}
