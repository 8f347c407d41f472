//! From text to the glyphs of lines. Everything that no font has is drawn as a replacement character and still copies as itself.

use unicode_normalization::UnicodeNormalization;

use super::Error;
use super::style::{CONTENT_BOTTOM, CONTENT_TOP, MAX_PAGES, Style};
use crate::text::{Break, Line, Paragraph, is_hidden};

/// Drawn for what no font has.
const REPLACEMENT: char = '\u{fffd}';

/// Lines of one text: more do not fit on all pages, as small as the smallest are.
const MAX_LINES: usize = MAX_PAGES * (CONTENT_BOTTOM - CONTENT_TOP) as usize / 8;

/// A line of text, or a part of one, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// What it says, in the order in which it is read.
    pub text: String,
    pub line: Line,
}

impl Piece {
    /// A [`clean`] text on one line.
    pub fn of(text: &str, style: Style) -> Self {
        Self { text: text.to_owned(), line: paragraph(text, style).line(0..text.len()) }
    }
}

fn paragraph(text: &str, style: Style) -> Paragraph<'_> {
    Paragraph::new(text, style.look, REPLACEMENT)
}

impl Style {
    /// Width of a [`clean`] text on one line, in points.
    pub fn width(&self, text: &str) -> f32 {
        paragraph(text, *self).width() * self.size / 1000.0
    }
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
            c if is_hidden(c) => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

/// Breaks a [`clean`] text into lines no wider than `width` points. Every line has at least one letter, so any width ends.
///
/// # Errors
/// [`Error::TooLong`] for more lines than fit on all pages.
pub(super) fn wrap(text: &str, style: Style, width: f32) -> Result<Vec<Piece>, Error> {
    let mut pieces = Vec::new();
    for text in text.split('\n').map(|text| text.trim_matches(' ')) {
        let paragraph = paragraph(text, style);
        let lines = paragraph.lines(width * 1000.0 / style.size, Break::Always, MAX_LINES).ok_or(Error::TooLong)?;
        pieces.extend(lines.into_iter().map(|line| {
            let line = paragraph.trimmed(line);
            Piece { text: text[line.clone()].to_owned(), line: paragraph.line(line) }
        }));
        if pieces.len() > MAX_LINES {
            return Err(Error::TooLong);
        }
    }
    Ok(pieces)
}

/// Cuts a [`clean`] text with an ellipsis so that it fits into `width` points. Only for what stands in full elsewhere.
pub(super) fn shorten(text: &str, style: Style, width: f32) -> Piece {
    let whole = paragraph(text, style);
    let room = width * 1000.0 / style.size;
    if whole.width() <= room {
        return Piece::of(text, style);
    }
    let kept = whole.prefix(room - paragraph("…", style).width());
    Piece::of(&format!("{}…", text[..kept].trim_end()), style)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Typeface;

    const BODY: Style = Style::BODY;

    fn lines(text: &str, points: f32) -> Vec<String> {
        wrap(text, BODY, points).unwrap().into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn the_fonts_cover_the_six_languages_and_greek_and_cyrillic() {
        let needed = "áéíóúüñçÁÉÍÓÚÜÑÇàèòïÀÈÒÏ·ŀĿâêôãõßäöÄÖÜẞ¿¡«»„“”‚‘’–—…€ºª°№ΑαΩωάΈЖжЇїЁёŁłŠšĐđŐőȘșİığ\u{fffd}";
        for typeface in [Typeface::NotoSans, Typeface::NotoSansBold] {
            for c in needed.chars() {
                assert!(typeface.face().glyph(c).is_some(), "{typeface:?} lacks {c}");
            }
        }
        assert!(('!'..='~').all(|c| Typeface::NotoSansMono.face().glyph(c).is_some()));
    }

    #[test]
    fn what_no_font_has_gets_a_visible_replacement_and_copies_as_itself() {
        let piece = Piece::of("\u{10fffd}a", BODY);
        let replaced = &piece.line.runs[0];
        assert_eq!((replaced.text.as_str(), replaced.glyphs.len()), ("\u{10fffd}", 1));
        assert_eq!(Some(replaced.glyphs[0].id), replaced.face.glyph(REPLACEMENT));
        assert!(replaced.glyphs[0].advance > 0.0);
    }

    #[test]
    fn decomposed_letters_are_composed_and_what_turns_the_direction_is_dropped() {
        assert_eq!(clean("Jose\u{301} \t Pen\u{303}a"), "José Peña");
        assert_eq!(clean("a\u{202e}b\u{200b}c\u{0}d\r\ne"), "abc\u{fffd}d \ne");
    }

    #[test]
    fn text_breaks_at_spaces_then_at_marks_then_anywhere() {
        let points = |text: &str| BODY.width(text) + 0.01;
        assert_eq!(lines("one two three", points("one two ")), ["one two", "three"]);
        assert_eq!(lines("first-second", points("first-sec")), ["first-", "second"]);
        assert_eq!(lines("aaaaaaaa", points("aaa")), ["aaa", "aaa", "aa"]);
        assert_eq!(lines("a\n\nb", 50.0), ["a", "", "b"]);
    }

    #[test]
    fn a_text_that_is_too_wide_ends_with_an_ellipsis() {
        assert_eq!(shorten("Ana", BODY, 100.0).text, "Ana");
        let short = shorten(&"Ana Pons ".repeat(20), BODY, 100.0);
        assert!(short.text.starts_with("Ana Pons Ana") && short.text.ends_with('…'));
        assert!(short.line.width * BODY.size / 1000.0 <= 100.0);
        assert_eq!(shorten("Ana", BODY, 0.0).text, "…");
    }

    #[test]
    fn joined_letters_that_are_wider_alone_stay_within_a_width_of_two() {
        for piece in wrap("iشم", BODY, 12.0).unwrap() {
            assert!(piece.line.width * BODY.size / 1000.0 <= 12.01 || piece.text.chars().count() == 1, "{}", piece.text);
        }
    }

    proptest! {
        #[test]
        fn lines_keep_all_text_and_stay_within_the_width(text in "[a-zñ山مشש /-]{0,80}", points in 12.0f32..200.0) {
            let text = clean(&text);
            let pieces = wrap(&text, BODY, points).unwrap();
            let kept: String = pieces.iter().flat_map(|piece| piece.text.chars()).filter(|c| *c != ' ').collect();
            let given: String = text.chars().filter(|c| *c != ' ').collect();
            prop_assert_eq!(kept, given);
            for piece in &pieces {
                prop_assert!(piece.line.width * BODY.size / 1000.0 <= points + 0.01 || piece.text.chars().count() == 1);
            }
        }
    }
}
