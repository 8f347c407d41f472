//! Objects as bytes spell them (ISO 32000-2 7.3), read strictly: what two viewers could read in two ways is unreadable here.

use std::ops::Range;

use lopdf::{Dictionary, Object, StringFormat};

use super::budget::{Budget, Exhausted, MAX_DEPTH};

/// Digits of a number; longer ones are no numbers in any real file.
const MAX_NUMBER_BYTES: usize = 128;

/// Why an object is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The bytes are no object, or not the same object for all readers.
    Unreadable(&'static str),
    /// A limit of the whole file was reached.
    Exhausted(Exhausted),
}

impl From<Exhausted> for Trouble {
    fn from(exhausted: Exhausted) -> Self {
        Self::Exhausted(exhausted)
    }
}

const fn unreadable<T>(what: &'static str) -> Result<T, Trouble> {
    Err(Trouble::Unreadable(what))
}

/// White space (ISO 32000-2 table 1).
pub(crate) fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

pub(crate) fn is_regular(byte: u8) -> bool {
    !is_white(byte) && !is_delimiter(byte)
}

/// An entry of a dictionary: its key without the slash, and where its value stands.
pub(crate) type Entry = (Vec<u8>, Range<usize>);

/// Reads values from `bytes`, starting at `position`.
pub(crate) struct Lexer<'a, 'b> {
    pub(crate) bytes: &'a [u8],
    pub(crate) position: usize,
    budget: &'b mut Budget,
    /// The first key that a dictionary had twice with different values: readers take one or the other.
    pub(crate) repeated_key: Option<Vec<u8>>,
}

impl<'a, 'b> Lexer<'a, 'b> {
    pub(crate) fn new(bytes: &'a [u8], position: usize, budget: &'b mut Budget) -> Self {
        Self { bytes, position: position.min(bytes.len()), budget, repeated_key: None }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    /// Pays for everything read since `start`.
    pub(crate) fn pay(&mut self, start: usize) -> Result<(), Exhausted> {
        self.budget.read(self.position.saturating_sub(start))
    }

    pub(crate) fn white(&mut self) {
        while self.peek().is_some_and(is_white) {
            self.position += 1;
        }
    }

    /// White space and comments.
    pub(crate) fn blank(&mut self) {
        loop {
            self.white();
            if self.peek() != Some(b'%') {
                return;
            }
            while self.peek().is_some_and(|byte| byte != b'\n' && byte != b'\r') {
                self.position += 1;
            }
        }
    }

    /// `expected`, and nothing that would make it a longer word.
    pub(crate) fn keyword(&mut self, expected: &[u8]) -> bool {
        let ends = |byte: Option<&u8>| byte.is_none_or(|byte| !is_regular(*byte));
        let found = self.rest().starts_with(expected) && ends(self.rest().get(expected.len()));
        if found {
            self.position += expected.len();
        }
        found
    }

    /// A run of regular characters.
    pub(crate) fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    /// An unsigned number: digits alone, at most ten.
    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        let start = self.position;
        let word = self.word();
        let number = digits(word);
        if number.is_none() {
            self.position = start;
        }
        number
    }

    /// One value: any object but a stream.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Object, Trouble> {
        if depth > MAX_DEPTH {
            return unreadable("it is nested too deeply");
        }
        self.budget.value()?;
        self.blank();
        let Some(byte) = self.peek() else { return unreadable("it ends too early") };
        match byte {
            b'/' => self.name().map(Object::Name),
            b'(' => self.literal_string(),
            b'[' => self.array(depth),
            b'<' if self.rest().starts_with(b"<<") => self.dictionary(depth).map(Object::Dictionary),
            b'<' => self.hexadecimal_string(),
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.number_or_reference(),
            _ => self.constant(),
        }
    }

    fn constant(&mut self) -> Result<Object, Trouble> {
        match self.word() {
            b"true" => Ok(Object::Boolean(true)),
            b"false" => Ok(Object::Boolean(false)),
            b"null" => Ok(Object::Null),
            _ => unreadable("it holds a word that is no value"),
        }
    }

    /// A name with its `#xx` resolved. A `#` without two digits stands for itself, as in PDF 1.1 and in all viewers.
    pub(crate) fn name(&mut self) -> Result<Vec<u8>, Trouble> {
        if self.peek() != Some(b'/') {
            return unreadable("a dictionary's key is no name");
        }
        self.position += 1;
        let raw = self.word();
        if !raw.contains(&b'#') {
            return Ok(raw.to_vec());
        }
        let mut name = Vec::with_capacity(raw.len());
        let mut index = 0;
        while index < raw.len() {
            let escaped = match raw[index..] {
                [b'#', high, low, ..] => hexadecimal(high).zip(hexadecimal(low)).map(|(high, low)| high * 16 + low),
                _ => None,
            };
            name.push(escaped.unwrap_or(raw[index]));
            index += if escaped.is_some() { 3 } else { 1 };
        }
        Ok(name)
    }

    fn array(&mut self, depth: usize) -> Result<Object, Trouble> {
        self.position += 1;
        let mut items = Vec::new();
        loop {
            self.blank();
            if self.peek() == Some(b']') {
                self.position += 1;
                return Ok(Object::Array(items));
            }
            items.push(self.value(depth + 1)?);
        }
    }

    /// A dictionary, at its `<<`.
    pub(crate) fn dictionary(&mut self, depth: usize) -> Result<Dictionary, Trouble> {
        self.position += 2;
        let mut dictionary = Dictionary::new();
        loop {
            self.blank();
            if self.rest().starts_with(b">>") {
                self.position += 2;
                return Ok(dictionary);
            }
            let key = self.name()?;
            let value = self.value(depth + 1)?;
            match dictionary.get(&key) {
                Ok(first) if *first != value => {
                    self.repeated_key.get_or_insert(key);
                }
                _ => dictionary.set(key, value),
            }
        }
    }

    /// The entries of a dictionary at `<<`, in their order, each with the place of its value.
    pub(crate) fn entries(&mut self) -> Result<Vec<Entry>, Trouble> {
        self.position += 2;
        let mut entries = Vec::new();
        loop {
            self.blank();
            if self.rest().starts_with(b">>") {
                self.position += 2;
                return Ok(entries);
            }
            let key = self.name()?;
            self.blank();
            let start = self.position;
            self.value(1)?;
            entries.push((key, start..self.position));
        }
    }

    fn number_or_reference(&mut self) -> Result<Object, Trouble> {
        let first = self.word();
        let after = self.position;
        if let Some(number) = digits(first) {
            if let Some(reference) = self.reference(number) {
                return Ok(reference);
            }
            self.position = after;
        }
        // "59endobj": an integer that is a whole object, as the length of a stream mostly is.
        if let Some(integer) = first.strip_suffix(b"endobj")
            && let Some(number) = digits(integer)
        {
            self.position = after - b"endobj".len();
            return Ok(Object::Integer(number as i64));
        }
        number(first)
    }

    /// The rest of `N G R`.
    fn reference(&mut self, number: u64) -> Option<Object> {
        self.blank();
        let generation = u16::try_from(self.unsigned()?).ok()?;
        self.blank();
        if !self.keyword(b"R") {
            return None;
        }
        Some(Object::Reference((u32::try_from(number).ok()?, generation)))
    }

    fn literal_string(&mut self) -> Result<Object, Trouble> {
        self.position += 1;
        let mut text = Vec::new();
        let mut open = 1usize;
        loop {
            let Some(byte) = self.peek() else { return unreadable("a string does not end") };
            self.position += 1;
            match byte {
                b'\\' => self.escape(&mut text),
                b'(' => {
                    open += 1;
                    text.push(byte);
                }
                b')' if open == 1 => return Ok(Object::String(text, StringFormat::Literal)),
                b')' => {
                    open -= 1;
                    text.push(byte);
                }
                // Any end of a line is read as a line feed (ISO 32000-2 7.3.4.2).
                b'\r' => {
                    if self.peek() == Some(b'\n') {
                        self.position += 1;
                    }
                    text.push(b'\n');
                }
                _ => text.push(byte),
            }
        }
    }

    /// What follows a backslash (ISO 32000-2 table 3).
    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.position += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\n' => {}
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.position += 1;
                }
            }
            b'0'..=b'7' => {
                let mut code = u16::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    code = code * 8 + u16::from(digit - b'0');
                    self.position += 1;
                }
                // A high-order overflow is ignored.
                text.push((code & 0xff) as u8);
            }
            other => text.push(other),
        }
    }

    fn hexadecimal_string(&mut self) -> Result<Object, Trouble> {
        self.position += 1;
        let mut text = Vec::new();
        let mut high = None;
        loop {
            let Some(byte) = self.peek() else { return unreadable("a string does not end") };
            self.position += 1;
            match byte {
                b'>' => {
                    text.extend(high.map(|high: u8| high * 16));
                    return Ok(Object::String(text, StringFormat::Hexadecimal));
                }
                byte if is_white(byte) => {}
                byte => {
                    let Some(digit) = hexadecimal(byte) else { return unreadable("a hexadecimal string holds other characters") };
                    match high.take() {
                        Some(high) => text.push(high * 16 + digit),
                        None => high = Some(digit),
                    }
                }
            }
        }
    }
}

fn hexadecimal(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// At most ten digits and nothing else.
fn digits(word: &[u8]) -> Option<u64> {
    let fits = !word.is_empty() && word.len() <= 10 && word.iter().all(u8::is_ascii_digit);
    fits.then(|| word.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// A number as ISO 32000-2 7.3.3 spells it. Viewers read `--5`, `1.2.3`, `5-3` and `1e3` each in their own way.
fn number(word: &[u8]) -> Result<Object, Trouble> {
    const NO_NUMBER: &str = "it holds a number that is not spelled as one";
    let unsigned = word.strip_prefix(b"+").or_else(|| word.strip_prefix(b"-")).unwrap_or(word);
    let points = unsigned.iter().filter(|byte| **byte == b'.').count();
    let plain = unsigned.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if !plain || points > 1 || unsigned.len() == points || word.len() > MAX_NUMBER_BYTES {
        return unreadable(NO_NUMBER);
    }
    let Ok(text) = std::str::from_utf8(word) else { return unreadable(NO_NUMBER) };
    if points == 0
        && let Ok(integer) = text.parse()
    {
        return Ok(Object::Integer(integer));
    }
    // An integer beyond all bounds is read as a real number, as viewers do (ISO 32000-2 annex C).
    match text.parse::<f32>() {
        Ok(real) => Ok(Object::Real(real.clamp(f32::MIN, f32::MAX))),
        Err(_) => unreadable(NO_NUMBER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Object, Trouble> {
        let mut budget = Budget::new(text.len());
        Lexer::new(text, 0, &mut budget).value(0)
    }

    #[test]
    fn values_are_read_as_the_standard_spells_them() {
        let name = |text: &[u8]| Object::Name(text.to_vec());
        let literal = |text: &[u8]| Object::String(text.to_vec(), StringFormat::Literal);
        let cases: [(&[u8], Object); 19] = [
            (b"true", Object::Boolean(true)),
            (b"null ", Object::Null),
            (b"12", 12.into()),
            (b"+7", 7.into()),
            (b"-0", 0.into()),
            (b"-.002", Object::Real(-0.002)),
            (b"4.", Object::Real(4.0)),
            (b"4294966272", 4_294_966_272_i64.into()),
            (b"7 0 R", Object::Reference((7, 0))),
            (b"7 % a comment\n 0 R", Object::Reference((7, 0))),
            (b"/A#42c", name(b"ABc")),
            (b"/A#4", name(b"A#4")),
            (b"/", name(b"")),
            (b"(a(b)\\)\\101\\7z\\\nc\r\nd)", literal(b"a(b))A\x07zc\nd")),
            (b"<4 1 4>", Object::String(b"A@".to_vec(), StringFormat::Hexadecimal)),
            (b"[1 2 R 3 0 R]", Object::Null),
            (b"[1 2 3 0 R]", vec![1.into(), 2.into(), Object::Reference((3, 0))].into()),
            (b"<</A 1/B[/C]>>", Object::Dictionary(lopdf::dictionary! { "A" => 1, "B" => vec![name(b"C")] })),
            (b"99999999999999999999999", Object::Real(1e23)),
        ];
        for (text, expected) in cases {
            let found = read(text);
            if text.starts_with(b"[1 2 R") {
                assert!(found.is_ok_and(|value| value.as_array().is_ok_and(|items| items.len() == 2)));
            } else {
                assert_eq!(found, Ok(expected), "{}", String::from_utf8_lossy(text));
            }
        }
    }

    #[test]
    fn what_viewers_read_differently_is_unreadable() {
        let cases: [&[u8]; 19] = [
            b"--5", b"1.2.3", b"5-3", b"1e3", b".", b"-", b"+-1", b"0x10", b"12abc", b"nul", b"R", b"(open", b"<41", b"<4g>",
            b"[1 2", b"<</A 1", b"<<1 2>>", b"<</A>>", b"",
        ];
        for text in cases {
            assert!(matches!(read(text), Err(Trouble::Unreadable(_))), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn deep_nesting_ends_at_its_bound() {
        for open in ["[", "<</A"] {
            let text = open.repeat(200_000);
            assert_eq!(read(text.as_bytes()), Err(Trouble::Unreadable("it is nested too deeply")));
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_told_unless_both_agree() {
        let repeated = |text: &[u8]| {
            let mut budget = Budget::new(text.len());
            let mut lexer = Lexer::new(text, 0, &mut budget);
            lexer.value(0).unwrap();
            lexer.repeated_key
        };
        assert_eq!(repeated(b"<</A 1/B<</C 1/#43 2>>>>"), Some(b"C".to_vec()));
        assert_eq!(repeated(b"<</A 1/A 1>>"), None);
    }

    #[test]
    fn entries_have_their_places() {
        let text = b"<</Contents <00>/V 5 0 R/A[1 2(\\))]/A 7>>";
        let mut budget = Budget::new(text.len());
        let entries = Lexer::new(text, 0, &mut budget).entries().unwrap();
        let shown: Vec<_> = entries.iter().map(|(key, place)| (key.as_slice(), &text[place.clone()])).collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"Contents", b"<00>"), (b"V", b"5 0 R"), (b"A", b"[1 2(\\))]"), (b"A", b"7")];
        assert_eq!(shown, expected);
    }
}
