//! The signature dictionary as its bytes have it. A parser picks one of two equal keys and forgets where a value stood;
//! attacks on signatures live on both, so here the bytes themselves are read.

use std::ops::Range;

/// Nesting of values that is followed.
const MAX_DEPTH: usize = 32;
/// Entries of one dictionary.
const MAX_ENTRIES: usize = 256;

/// One entry: its key without the slash, and where its value stands in the file.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Vec<u8>,
    pub(super) value: Range<usize>,
}

/// The entries of the dictionary object that starts at `offset` with `N G obj <<`, in their order, repeated keys included.
/// `None` where there is no such dictionary.
pub(super) fn dictionary(bytes: &[u8], offset: usize) -> Option<Vec<Entry>> {
    let mut scanner = Scanner { bytes, position: offset };
    for _ in 0..2 {
        scanner.blank();
        scanner.regular().filter(|token| token.iter().all(u8::is_ascii_digit))?;
    }
    scanner.blank();
    if scanner.regular()? != b"obj" {
        return None;
    }
    scanner.blank();
    scanner.literal(b"<<")?;
    let mut entries = Vec::new();
    loop {
        scanner.blank();
        if scanner.literal(b">>").is_some() {
            return Some(entries);
        }
        if entries.len() == MAX_ENTRIES {
            return None;
        }
        let key = scanner.name()?;
        scanner.blank();
        let start = scanner.position;
        scanner.value(0)?;
        entries.push(Entry { key, value: start..scanner.position });
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn literal(&mut self, expected: &[u8]) -> Option<()> {
        let found = self.bytes.get(self.position..)?.starts_with(expected);
        found.then(|| self.position += expected.len())
    }

    /// White space and comments.
    fn blank(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                0 | 9 | 10 | 12 | 13 | 32 => self.position += 1,
                b'%' => {
                    while self.peek().is_some_and(|byte| byte != b'\n' && byte != b'\r') {
                        self.position += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// A run of regular characters (ISO 32000-1 7.2.2).
    fn regular(&mut self) -> Option<&'a [u8]> {
        let start = self.position;
        while self.peek().is_some_and(|byte| !is_delimiter(byte)) {
            self.position += 1;
        }
        (self.position > start).then(|| &self.bytes[start..self.position])
    }

    /// A name, with its `#xx` escapes resolved.
    fn name(&mut self) -> Option<Vec<u8>> {
        self.literal(b"/")?;
        let raw = self.regular().unwrap_or_default();
        let mut name = Vec::with_capacity(raw.len());
        let mut index = 0;
        while index < raw.len() {
            let digits = raw.get(index + 1..index + 3).and_then(|digits| std::str::from_utf8(digits).ok());
            let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| raw[index] == b'#');
            name.push(escaped.unwrap_or(raw[index]));
            index += if escaped.is_some() { 3 } else { 1 };
        }
        Some(name)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'/' => self.name().map(|_| ()),
            b'(' => self.string(),
            b'[' => {
                self.position += 1;
                self.until(b"]", depth)
            }
            b'<' if self.literal(b"<<").is_some() => self.until(b">>", depth),
            b'<' => {
                let length = self.bytes[self.position..].iter().position(|byte| *byte == b'>')?;
                self.position += length + 1;
                Some(())
            }
            _ => self.plain(),
        }
    }

    fn until(&mut self, end: &[u8], depth: usize) -> Option<()> {
        loop {
            self.blank();
            if self.literal(end).is_some() {
                return Some(());
            }
            self.value(depth + 1)?;
        }
    }

    /// A number, a keyword, or a reference (`N G R`).
    fn plain(&mut self) -> Option<()> {
        let first = self.regular()?;
        let after_first = self.position;
        if first.iter().all(u8::is_ascii_digit) {
            self.blank();
            let generation = self.regular().is_some_and(|token| token.iter().all(u8::is_ascii_digit));
            self.blank();
            if generation && self.regular() == Some(b"R") {
                return Some(());
            }
            self.position = after_first;
        }
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let mut open = 0usize;
        loop {
            match self.peek()? {
                b'\\' => self.position += 1,
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            self.position += 1;
            if open == 0 {
                return Some(());
            }
        }
    }
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32 | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_seen_even_when_escaped() {
        let bytes = b"7 0 obj <</Contents <00>/Con#74ents<11>/V 5 0 R/A[1 2(\\)])]/B<</C/D>> >>";
        let entries = dictionary(bytes, 0).unwrap();
        let keys: Vec<_> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.key).into_owned()).collect();
        assert_eq!(keys, ["Contents", "Contents", "V", "A", "B"]);
        assert_eq!(&bytes[entries[0].value.clone()], b"<00>");
        assert_eq!(&bytes[entries[2].value.clone()], b"5 0 R");
        assert_eq!(&bytes[entries[3].value.clone()], b"[1 2(\\)])]");
    }

    #[test]
    fn what_is_no_dictionary_is_none() {
        for bytes in [&b""[..], b"7 0 obj [", b"7 0 obj << /A", b"<< >>", b"7 0 obj <</A (((", b"7 0 obj <</A>>"] {
            assert_eq!(dictionary(bytes, 0), None, "{}", String::from_utf8_lossy(bytes));
        }
        let deep = format!("7 0 obj <</A {}", "[".repeat(100_000));
        assert_eq!(dictionary(deep.as_bytes(), 0), None);
    }
}
