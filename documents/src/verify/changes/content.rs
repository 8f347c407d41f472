//! The operations of a content stream (ISO 32000-2 7.8.2), read with bounds: only as much of the syntax as tells what an
//! appearance draws.

/// Operands of one operation that are kept. More than these make the content unreadable.
const MAX_OPERANDS: usize = 65_536;

/// An operand. Arrays are laid open: their items stand among the others.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Number(f64),
    Name(Vec<u8>),
    String(Vec<u8>),
    /// A Boolean, null, or a part of a dictionary's or an array's frame.
    Other,
}

/// An operator with its operands.
#[derive(Debug, PartialEq)]
pub(super) struct Operation<'a> {
    pub(super) operator: &'a [u8],
    pub(super) operands: Vec<Operand>,
}

impl Operation<'_> {
    /// The operands, if all are numbers and there are `N` of them.
    pub(super) fn numbers<const N: usize>(&self) -> Option<[f64; N]> {
        let number = |operand: &Operand| if let Operand::Number(number) = operand { Some(*number) } else { None };
        self.operands.iter().map(number).collect::<Option<Vec<_>>>()?.try_into().ok()
    }
}

/// Reads operations one after the other. An error ends it: what follows cannot be told.
pub(super) struct Operations<'a> {
    bytes: &'a [u8],
    position: usize,
    failed: bool,
}

/// The content is not one that this reader understands.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable;

impl<'a> Operations<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, failed: false }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

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

    fn regular(&mut self) -> &'a [u8] {
        let start = self.position;
        while self.peek().is_some_and(|byte| !b"\0\t\n\x0c\r ()<>[]{}/%".contains(&byte)) {
            self.position += 1;
        }
        &self.bytes[start..self.position]
    }

    fn operation(&mut self) -> Result<Option<Operation<'a>>, Unreadable> {
        let mut operands = Vec::new();
        loop {
            self.blank();
            if operands.len() > MAX_OPERANDS {
                return Err(Unreadable);
            }
            let Some(byte) = self.peek() else {
                return if operands.is_empty() { Ok(None) } else { Err(Unreadable) };
            };
            match byte {
                b'/' => {
                    self.position += 1;
                    operands.push(Operand::Name(unescaped(self.regular())));
                }
                b'(' => operands.push(Operand::String(self.literal_string()?)),
                b'<' if self.bytes.get(self.position + 1) != Some(&b'<') => operands.push(Operand::String(self.hex_string()?)),
                b'<' | b'>' | b'[' | b']' | b'{' | b'}' => {
                    self.position += 1;
                    // Frames of arrays say nothing here.
                    if !matches!(byte, b'[' | b']') {
                        operands.push(Operand::Other);
                    }
                }
                b')' => return Err(Unreadable),
                _ => {
                    let token = self.regular();
                    let text = std::str::from_utf8(token).map_err(|_| Unreadable)?;
                    let plain = token.iter().all(|byte| byte.is_ascii_digit() || b"+-.".contains(byte));
                    match (text, plain) {
                        ("true" | "false" | "null", _) => operands.push(Operand::Other),
                        // Readers differ about "1-2" and the like: what they draw cannot be told.
                        (_, true) => operands.push(Operand::Number(text.parse().map_err(|_| Unreadable)?)),
                        // The data of an inline image follow.
                        ("BI", _) => return Err(Unreadable),
                        _ => return Ok(Some(Operation { operator: token, operands })),
                    }
                }
            }
        }
    }

    fn literal_string(&mut self) -> Result<Vec<u8>, Unreadable> {
        let (mut open, mut string) = (0usize, Vec::new());
        loop {
            let byte = self.peek().ok_or(Unreadable)?;
            self.position += 1;
            match byte {
                b'(' if open == 0 => open = 1,
                b'(' => {
                    open += 1;
                    string.push(byte);
                }
                b')' if open == 1 => return Ok(string),
                b')' => {
                    open -= 1;
                    string.push(byte);
                }
                b'\\' => self.escape(&mut string)?,
                _ => string.push(byte),
            }
        }
    }

    fn escape(&mut self, string: &mut Vec<u8>) -> Result<(), Unreadable> {
        let byte = self.peek().ok_or(Unreadable)?;
        self.position += 1;
        match byte {
            b'n' => string.push(b'\n'),
            b'r' => string.push(b'\r'),
            b't' => string.push(b'\t'),
            b'b' => string.push(8),
            b'f' => string.push(12),
            b'\n' => {}
            b'\r' if self.peek() == Some(b'\n') => self.position += 1,
            b'\r' => {}
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit) = self.peek().filter(|digit| (b'0'..=b'7').contains(digit)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                    self.position += 1;
                }
                // High-order overflow is ignored (ISO 32000-2 7.3.4.2).
                string.push(value as u8);
            }
            other => string.push(other),
        }
        Ok(())
    }

    fn hex_string(&mut self) -> Result<Vec<u8>, Unreadable> {
        let rest = &self.bytes[self.position + 1..];
        let length = rest.iter().position(|byte| *byte == b'>').ok_or(Unreadable)?;
        self.position += length + 2;
        let digits = rest[..length].iter().filter(|byte| !byte.is_ascii_whitespace());
        let digits: Vec<u8> =
            digits.map(|byte| char::from(*byte).to_digit(16).map(|d| d as u8)).collect::<Option<_>>().ok_or(Unreadable)?;
        Ok(digits.chunks(2).map(|pair| pair[0] * 16 + pair.get(1).copied().unwrap_or(0)).collect())
    }
}

fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(raw.len());
    let mut index = 0;
    while index < raw.len() {
        let digit = |at: usize| raw.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (raw[index], digit(index + 1), digit(index + 2)) {
            (b'#', Some(high), Some(low)) => {
                name.push((high * 16 + low) as u8);
                index += 3;
            }
            (byte, ..) => {
                name.push(byte);
                index += 1;
            }
        }
    }
    name
}

impl<'a> Iterator for Operations<'a> {
    type Item = Result<Operation<'a>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.operation().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<Vec<Operation<'_>>, Unreadable> {
        Operations::of(content).collect()
    }

    #[test]
    fn operands_of_every_kind_are_read() {
        let found = read(b"q /F#31 12 Tf % a comment\n[(a\\(\\051\\n(b)) -1.5 <4a4>] TJ BT").unwrap();
        let operators: Vec<_> = found.iter().map(|operation| operation.operator).collect();
        assert_eq!(operators, [&b"q"[..], b"Tf", b"TJ", b"BT"]);
        assert_eq!(found[1].operands, [Operand::Name(b"F1".to_vec()), Operand::Number(12.0)]);
        let expected = [Operand::String(b"a()\n(b)".to_vec()), Operand::Number(-1.5), Operand::String(vec![0x4a, 0x40])];
        assert_eq!(found[2].operands, expected);
    }

    #[test]
    fn what_readers_may_read_in_different_ways_is_unreadable() {
        for content in [&b"(open"[..], b"<4a", b"1-2 w", b"1 2", b") Tj", b"BI /W 1 ID x EI", b"\xff w", b"<zz> Tj"] {
            assert_eq!(read(content), Err(Unreadable), "{}", String::from_utf8_lossy(content));
        }
        assert_eq!(read(&b"[".repeat(1_000_000)).map(|found| found.len()), Ok(0));
        assert_eq!(read(&b"1 ".repeat(1_000_000)), Err(Unreadable));
    }
}
