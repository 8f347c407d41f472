//! Objects as bytes (ISO 32000-2 7.3), with references left to the one who knows the numbers.

use std::io::Write;

use lopdf::{Dictionary, Object, ObjectId, Stream, StringFormat};

use crate::pdf::{Error, damaged};
use crate::reader::budget::MAX_DEPTH;

/// Where bytes go, and what is done where a number stands that is not known yet.
pub(super) trait Ink {
    fn out(&mut self) -> &mut Vec<u8>;
    /// Writes `12 0 R`, or `null` where the object does not exist.
    fn reference(&mut self, id: ObjectId);
    /// Writes a key into the structure's parent tree, which is another one in a file of several parts.
    fn structure_key(&mut self, key: u32);
}

/// Keys that lead into the parent tree of the structure (ISO 32000-2 14.7.5.4).
const STRUCTURE_KEYS: [&[u8]; 2] = [b"StructParent", b"StructParents"];

/// Writes the value of an indirect object. Of a stream, the dictionary: see [`stream_dictionary`].
///
/// # Errors
/// `Damaged` where arrays and dictionaries lie deeper within one another than the reader allows.
pub(super) fn object(ink: &mut impl Ink, object: &Object) -> Result<(), Error> {
    match object {
        Object::Dictionary(dictionary) => {
            ink.out().extend_from_slice(b"<<");
            entries(ink, dictionary, |_| true)?;
            ink.out().extend_from_slice(b">>");
            Ok(())
        }
        Object::Stream(stream) => stream_dictionary(ink, stream),
        other => value(ink, other, 0),
    }
}

/// Writes a stream's dictionary, with the length that its content has.
///
/// # Errors
/// As [`object`].
pub(super) fn stream_dictionary(ink: &mut impl Ink, stream: &Stream) -> Result<(), Error> {
    ink.out().extend_from_slice(b"<<");
    entries(ink, &stream.dict, |key| key != b"Length")?;
    ink.out().extend_from_slice(b"/Length ");
    number(ink.out(), stream.content.len() as u64);
    ink.out().extend_from_slice(b">>");
    Ok(())
}

/// Writes the entries of an indirect object's dictionary that are wanted, without the brackets around them.
///
/// # Errors
/// As [`object`].
pub(super) fn entries(ink: &mut impl Ink, dictionary: &Dictionary, wanted: impl Fn(&[u8]) -> bool) -> Result<(), Error> {
    for (key, item) in dictionary.iter().filter(|(key, _)| wanted(key)) {
        let structure_key = match item {
            Object::Integer(key) => u32::try_from(*key).ok(),
            _ => None,
        };
        name(ink.out(), key);
        ink.out().push(b' ');
        match structure_key {
            Some(number) if STRUCTURE_KEYS.contains(&key.as_slice()) => ink.structure_key(number),
            _ => value(ink, item, 1)?,
        }
    }
    Ok(())
}

pub(super) fn value(ink: &mut impl Ink, object: &Object, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH + 8 {
        return Err(damaged("its objects lie too deep within one another"));
    }
    match object {
        // A stream is an object of its own; within another one nobody could read it.
        Object::Null | Object::Stream(_) => ink.out().extend_from_slice(b"null"),
        Object::Boolean(true) => ink.out().extend_from_slice(b"true"),
        Object::Boolean(false) => ink.out().extend_from_slice(b"false"),
        Object::Integer(value) => {
            if *value < 0 {
                ink.out().push(b'-');
            }
            number(ink.out(), value.unsigned_abs());
        }
        Object::Real(value) => real(ink.out(), *value),
        Object::Name(value) => name(ink.out(), value),
        Object::String(value, StringFormat::Literal) => literal(ink.out(), value),
        Object::String(value, StringFormat::Hexadecimal) => hexadecimal(ink.out(), value),
        Object::Reference(id) => ink.reference(*id),
        Object::Array(items) => {
            ink.out().push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    ink.out().push(b' ');
                }
                value(ink, item, depth + 1)?;
            }
            ink.out().push(b']');
        }
        Object::Dictionary(dictionary) => {
            ink.out().extend_from_slice(b"<<");
            for (key, item) in dictionary.iter() {
                name(ink.out(), key);
                ink.out().push(b' ');
                value(ink, item, depth + 1)?;
            }
            ink.out().extend_from_slice(b">>");
        }
    }
    Ok(())
}

/// A whole number in decimal digits.
pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A real number with all its digits and never an exponent, which PDF does not have. What is no number is written as 0.
fn real(out: &mut Vec<u8>, value: f32) {
    let value = if value.is_finite() { value } else { 0.0 };
    // Writing to memory does not fail.
    let _ = write!(out, "{value}");
    if value.fract() == 0.0 {
        out.extend_from_slice(b".0");
    }
}

/// A number of a content stream, with at most five digits behind the point.
pub(super) fn fixed(out: &mut Vec<u8>, value: f64) {
    const UNIT: f64 = 100_000.0;
    let scaled = (value * UNIT).round();
    // Beyond this, digits behind the point mean nothing.
    if scaled.abs() >= 9e15 {
        let _ = write!(out, "{value}");
        return;
    }
    if scaled < 0.0 {
        out.push(b'-');
    }
    let scaled = scaled.abs() as u64;
    number(out, scaled / UNIT as u64);
    let mut fraction = scaled % UNIT as u64;
    if fraction > 0 {
        let mut digits = [b'0'; 5];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
        let significant = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        out.push(b'.');
        out.extend_from_slice(&digits[..significant]);
    }
}

pub(super) fn name(out: &mut Vec<u8>, name: &[u8]) {
    out.push(b'/');
    for &byte in name {
        let is_plain = byte.is_ascii_graphic() && !b"()<>[]{}/%#".contains(&byte);
        if is_plain {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'#', HEXADECIMAL[usize::from(byte >> 4)], HEXADECIMAL[usize::from(byte & 15)]]);
        }
    }
}

const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";

pub(super) fn literal(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'(');
    for &byte in text {
        match byte {
            b'(' | b')' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            // As they stand, readers would take them for one line feed.
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => out.push(byte),
        }
    }
    out.push(b')');
}

fn hexadecimal(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'<');
    for &byte in text {
        out.extend_from_slice(&[HEXADECIMAL[usize::from(byte >> 4)], HEXADECIMAL[usize::from(byte & 15)]]);
    }
    out.push(b'>');
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain(Vec<u8>);

    impl Ink for Plain {
        fn out(&mut self) -> &mut Vec<u8> {
            &mut self.0
        }
        fn reference(&mut self, id: ObjectId) {
            self.0.extend_from_slice(format!("{} {} R", id.0, id.1).as_bytes());
        }
        fn structure_key(&mut self, key: u32) {
            number(&mut self.0, u64::from(key));
        }
    }

    fn spelled(value: &Object) -> Vec<u8> {
        let mut ink = Plain(Vec::new());
        object(&mut ink, value).unwrap();
        ink.0
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back_the_same(
            name in proptest::collection::vec(1u8..=255, 0..12),
            text in proptest::collection::vec(0u8..=255, 0..40),
            integer in i64::from(i32::MIN)..i64::from(i32::MAX),
            real in -1e6f32..1e6,
        ) {
            let value = Object::Array(vec![
                Object::Name(name),
                Object::String(text.clone(), StringFormat::Literal),
                Object::String(text, StringFormat::Hexadecimal),
                integer.into(),
                Object::Real(real),
                Object::Reference((7, 0)),
                lopdf::dictionary! { "A" => Object::Null, "B" => true, "C" => vec![false.into()] }.into(),
            ]);
            let bytes = spelled(&value);
            let mut budget = crate::reader::budget::Budget::new(bytes.len());
            let mut lexer = crate::reader::lexer::Lexer::new(&bytes, 0, &mut budget);
            proptest::prop_assert_eq!(lexer.value(0).unwrap(), value);
        }

        #[test]
        fn numbers_of_content_are_right_to_five_digits(value in -20_000f64..20_000.0) {
            let mut out = Vec::new();
            fixed(&mut out, value);
            let read: f64 = std::str::from_utf8(&out).unwrap().parse().unwrap();
            proptest::prop_assert!((read - value).abs() <= 0.000_005_1);
        }
    }

    #[test]
    fn what_is_nested_deeper_than_the_reader_allows_is_refused() {
        let mut deep = Object::Null;
        for _ in 0..200 {
            deep = vec![deep].into();
        }
        assert!(matches!(object(&mut Plain(Vec::new()), &deep), Err(Error::Damaged(_))));
    }

    #[test]
    fn numbers_are_short() {
        for (value, expected) in
            [(1.0, "1"), (0.5, "0.5"), (-12.25, "-12.25"), (0.00001, "0.00001"), (0.0, "0"), (1e20, "100000000000000000000")]
        {
            let mut out = Vec::new();
            fixed(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
