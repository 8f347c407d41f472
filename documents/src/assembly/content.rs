//! What has to stand behind a page's content so that something can be painted on top of it as if nothing had been painted before.

use crate::pdf::{Error, damaged};
use crate::reader::lexer::{is_regular, is_white};

/// Saved graphics states that a page leaves behind. Viewers allow a few dozen.
const MAX_OPEN: usize = 4_096;

/// How a page's content ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ending {
    /// Operators that end what the content leaves open: text, marked content, a path, saved states.
    pub(super) closes: Vec<u8>,
    /// Where an operator stands that restores a state which was never saved. Viewers pass over it, but behind a `q` that
    /// stands before the content, they would not.
    pub(super) excess: Vec<usize>,
}

/// Reads a page's content once.
///
/// # Errors
/// `Damaged` where it leaves more states open than any page does.
pub(super) fn ending(content: &[u8]) -> Result<Ending, Error> {
    let mut scanner = Scanner { content, at: 0 };
    let (mut saved, mut marked) = (0_usize, 0_usize);
    let (mut in_text, mut in_path) = (false, false);
    let mut excess = Vec::new();
    while let Some((start, operator)) = scanner.operator() {
        match operator {
            b"q" => saved += 1,
            b"Q" if saved == 0 => excess.push(start),
            b"Q" => saved -= 1,
            b"BT" => in_text = true,
            b"ET" => in_text = false,
            b"BMC" | b"BDC" => marked += 1,
            b"EMC" => marked = marked.saturating_sub(1),
            b"m" | b"l" | b"c" | b"v" | b"y" | b"h" | b"re" => in_path = true,
            b"S" | b"s" | b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" | b"n" => in_path = false,
            b"BI" => scanner.skip_image(),
            _ => {}
        }
    }
    if saved > MAX_OPEN || marked > MAX_OPEN {
        return Err(damaged("a page's content leaves too much open"));
    }
    let mut closes = Vec::new();
    if in_path {
        closes.extend_from_slice(b"n ");
    }
    if in_text {
        closes.extend_from_slice(b"ET ");
    }
    closes.extend_from_slice(&b"EMC ".repeat(marked));
    closes.extend_from_slice(&b"Q ".repeat(saved));
    Ok(Ending { closes, excess })
}

struct Scanner<'a> {
    content: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.content.get(self.at).copied()
    }

    /// The next word that is an operator, and where it stands.
    fn operator(&mut self) -> Option<(usize, &'a [u8])> {
        loop {
            match self.peek()? {
                b'%' => self.skip_while(|byte| byte != b'\n' && byte != b'\r'),
                b'(' => self.skip_string(),
                b'<' if self.content.get(self.at + 1) != Some(&b'<') => self.skip_while(|byte| byte != b'>'),
                b'/' => {
                    self.at += 1;
                    self.skip_while(is_regular);
                }
                byte if is_regular(byte) => {
                    let start = self.at;
                    self.skip_while(is_regular);
                    let word = &self.content[start..self.at];
                    if word[0].is_ascii_alphabetic() || matches!(word[0], b'\'' | b'"') {
                        return Some((start, word));
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn skip_while(&mut self, goes_on: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&goes_on) {
            self.at += 1;
        }
    }

    fn skip_string(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'(' => open += 1,
                b')' => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return;
            }
        }
    }

    /// The data of an inline image, behind its `BI` (ISO 32000-2 8.9.7): up to an `EI` that stands alone and before text.
    fn skip_image(&mut self) {
        while let Some((_, word)) = self.operator() {
            if word == b"ID" {
                break;
            }
        }
        let data = self.at;
        let rest = self.content.get(data..).unwrap_or_default();
        for found in memchr::memmem::find_iter(rest, b"EI") {
            let before = found.checked_sub(1).and_then(|at| rest.get(at)).copied().is_some_and(is_white);
            let behind = rest.get(found + 2..).unwrap_or_default();
            let is_text = |byte: &u8| is_white(*byte) && *byte != 0 || (b' '..=b'~').contains(byte);
            if before && behind.first().copied().is_none_or(is_white) && behind.iter().take(12).all(is_text) {
                self.at = data + found + 2;
                return;
            }
        }
        self.at = self.content.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closes(content: &str) -> String {
        String::from_utf8(ending(content.as_bytes()).unwrap().closes).unwrap()
    }

    #[test]
    fn what_a_page_leaves_open_is_closed() {
        assert_eq!(closes("q 1 0 0 1 0 0 cm BT (a) Tj ET Q"), "");
        assert_eq!(closes("q q /A gs Q"), "Q ");
        assert_eq!(closes("/OC /A BDC q BT (x"), "ET EMC Q ");
        assert_eq!(closes("0 0 m 5 5 l"), "n ");
        assert_eq!(closes("0 0 5 5 re W n"), "");
    }

    #[test]
    fn words_in_strings_names_comments_and_images_are_no_operators() {
        assert_eq!(closes("(q \\( q) Tj <71> /q gs % q\n[(q)] TJ <</A/q>>"), "");
        assert_eq!(closes("BI /W 1 /H 1 ID \x01 q q EI\x02 q \nEI Q q"), "Q ");
        assert_eq!(closes("BI /W 1 ID no end q"), "");
        assert_eq!(closes("12q"), "");
    }

    #[test]
    fn a_restore_without_a_save_is_found() {
        let ending = ending(b"Q q Q Q q").unwrap();
        assert_eq!((ending.excess, ending.closes), (vec![0, 6], b"Q ".to_vec()));
    }

    #[test]
    fn a_page_that_saves_without_end_is_damage() {
        assert!(matches!(ending(&b"q ".repeat(10_000)), Err(Error::Damaged(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_to_an_end(content in proptest::collection::vec(0u8..=255, 0..400)) {
            let _ = ending(&content);
        }
    }
}
