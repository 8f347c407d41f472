//! The embedded fonts: from text to glyphs and widths, and from a paragraph to lines. Latin, Greek and Cyrillic need no more
//! shaping than one glyph per composed character; everything that the fonts lack is drawn as a replacement character and still
//! copies as itself.

use std::collections::HashMap;
use std::sync::OnceLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use unicode_normalization::UnicodeNormalization;

static REGULAR: &[u8] = include_bytes!("../../assets/NotoSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/NotoSans-Bold.ttf");
static MONO: &[u8] = include_bytes!("../../assets/NotoSansMono-Regular.ttf");

/// Drawn for what a font lacks. Each of the embedded fonts has it.
const REPLACEMENT: char = '\u{fffd}';

/// One of the embedded fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
    Mono,
}

/// A font ready to draw and to measure. Distances are in units of the font size.
pub(super) struct Loaded {
    pub font: Font,
    glyphs: HashMap<char, (u32, f32)>,
    replacement: (u32, f32),
}

impl Face {
    /// The font, read once per process.
    pub fn loaded(self) -> &'static Loaded {
        static FONTS: OnceLock<[Loaded; 3]> = OnceLock::new();
        let fonts = FONTS.get_or_init(|| [REGULAR, BOLD, MONO].map(load));
        match self {
            Face::Regular => &fonts[0],
            Face::Bold => &fonts[1],
            Face::Mono => &fonts[2],
        }
    }

    /// Width in points of `text` at `size` points. The text must be [`clean`].
    pub fn width(self, text: &str, size: f32) -> f32 {
        let loaded = self.loaded();
        text.chars().map(|c| loaded.glyph(c).1).sum::<f32>() * size
    }

    /// The glyphs of `text`, which must be [`clean`].
    pub fn shape(self, text: &str) -> Vec<KrillaGlyph> {
        let loaded = self.loaded();
        text.char_indices()
            .map(|(start, c)| {
                let (glyph, advance) = loaded.glyph(c);
                KrillaGlyph::new(GlyphId::new(glyph), advance, 0.0, 0.0, 0.0, start..start + c.len_utf8(), None)
            })
            .collect()
    }
}

impl Loaded {
    fn glyph(&self, c: char) -> (u32, f32) {
        self.glyphs.get(&c).copied().unwrap_or(self.replacement)
    }
}

fn load(data: &'static [u8]) -> Loaded {
    // The fonts are part of the program; a test reads each of them.
    let font = Font::new(data.into(), 0).expect("an embedded font is readable");
    let reference = FontRef::new(data).expect("an embedded font is readable");
    let metrics = reference.glyph_metrics(Size::unscaled(), LocationRef::default());
    let units = font.units_per_em();
    let glyphs: HashMap<char, (u32, f32)> = reference
        .charmap()
        .mappings()
        .filter_map(|(code, glyph)| {
            let advance = metrics.advance_width(glyph)? / units;
            Some((char::from_u32(code)?, (glyph.to_u32(), advance)))
        })
        .collect();
    let replacement = glyphs.get(&REPLACEMENT).copied().unwrap_or((0, 0.6));
    Loaded { font, glyphs, replacement }
}

/// Makes text fit to be drawn: composed (NFC), any white space as one space, line ends kept as `\n`, and without control
/// characters or the characters that change the direction or hide text, by which what is read could differ from what is there.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for c in text.nfc() {
        match c {
            '\n' => cleaned.push('\n'),
            '\u{a0}' | '\u{202f}' => cleaned.push('\u{a0}'),
            c if c.is_whitespace() => {
                if !cleaned.ends_with([' ', '\n']) {
                    cleaned.push(' ');
                }
            }
            c if c.is_control() => cleaned.push(REPLACEMENT),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

/// Breaks a [`clean`] text into lines no wider than `width` points: at spaces, after `-`, `/`, `,`, `;`, `@`, `_`, `&`, `=` where
/// a word is too long, and inside the word where nothing else helps. Every line has at least one character, so any width ends.
pub(super) fn wrap(text: &str, face: Face, size: f32, width: f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0.0;
        let space = face.width(" ", size);
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            let needed = face.width(word, size);
            let gap = if line.is_empty() { 0.0 } else { space };
            if used + gap + needed <= width {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
                used += gap + needed;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            (line, used) = break_word(word, face, size, width, &mut lines);
        }
        lines.push(line);
    }
    lines
}

/// Puts all full lines of a word into `lines` and gives back what is left of it with its width.
fn break_word(word: &str, face: Face, size: f32, width: f32, lines: &mut Vec<String>) -> (String, f32) {
    let loaded = face.loaded();
    let mut start = 0;
    let mut used = 0.0;
    // After the last mark at which this line may break: where that is, and the width up to there.
    let mut soft: Option<(usize, f32)> = None;
    for (here, c) in word.char_indices() {
        let advance = loaded.glyph(c).1 * size;
        // Twice at most: what follows a mark may be too long with this character as well.
        while used + advance > width && here > start {
            let (end, width_to_end) = soft.take().unwrap_or((here, used));
            lines.push(word[start..end].to_owned());
            start = end;
            used -= width_to_end;
        }
        used += advance;
        if matches!(c, '-' | '/' | ',' | ';' | '@' | '_' | '&' | '=') {
            soft = Some((here + c.len_utf8(), used));
        }
    }
    (word[start..].to_owned(), used)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_fonts_cover_the_six_languages_and_greek_and_cyrillic() {
        let needed = "áéíóúüñçÁÉÍÓÚÜÑÇàèòïÀÈÒÏ·ŀĿâêôãõßäöÄÖÜẞ¿¡«»„“”‚‘’–—…€ºª°№ΑαΩωάΈЖжЇїЁёŁłŠšĐđŐőȘșİığ";
        for face in [Face::Regular, Face::Bold] {
            for c in needed.chars() {
                assert!(face.loaded().glyphs.contains_key(&c), "{face:?} lacks {c}");
            }
            assert!(face.loaded().glyphs.contains_key(&REPLACEMENT));
        }
        assert!(('!'..='~').all(|c| Face::Mono.loaded().glyphs.contains_key(&c)));
        assert!(Face::Mono.loaded().glyphs.contains_key(&REPLACEMENT));
    }

    #[test]
    fn what_a_font_lacks_gets_a_visible_replacement() {
        let replacement = Face::Regular.loaded().replacement;
        assert!(replacement.0 != 0 && replacement.1 > 0.0);
        let glyphs = Face::Regular.shape("山a");
        assert_eq!(glyphs[0].glyph_id.to_u32(), replacement.0);
        assert_eq!(glyphs[0].text_range, 0..3);
        assert_ne!(glyphs[1].glyph_id.to_u32(), replacement.0);
    }

    #[test]
    fn decomposed_letters_are_composed_and_direction_marks_dropped() {
        assert_eq!(clean("Jose\u{301} \t Pen\u{303}a"), "José Peña");
        assert_eq!(clean("a\u{202e}b\u{200b}c\u{0}d\r\ne"), "abc\u{fffd}d \ne");
    }

    #[test]
    fn text_breaks_at_spaces_then_at_marks_then_anywhere() {
        let width = |text: &str| Face::Regular.width(text, 10.0);
        assert_eq!(wrap("one two three", Face::Regular, 10.0, width("one two ")), ["one two", "three"]);
        assert_eq!(wrap("first-second", Face::Regular, 10.0, width("first-sec")), ["first-", "second"]);
        assert_eq!(wrap("aaaaaaaa", Face::Regular, 10.0, width("aaa")), ["aaa", "aaa", "aa"]);
        assert_eq!(wrap("a\n\nb", Face::Regular, 10.0, 50.0), ["a", "", "b"]);
    }

    proptest! {
        #[test]
        fn lines_keep_all_text_and_stay_within_the_width(text in "[a-zñ山 /-]{0,80}", width in 12.0f32..200.0) {
            let text = clean(&text);
            let lines = wrap(&text, Face::Regular, 9.0, width);
            let kept: String = lines.concat().chars().filter(|c| *c != ' ').collect();
            let given: String = text.chars().filter(|c| *c != ' ').collect();
            prop_assert_eq!(kept, given);
            for line in &lines {
                prop_assert!(Face::Regular.width(line, 9.0) <= width + 0.01 || line.chars().count() == 1);
            }
        }
    }
}
