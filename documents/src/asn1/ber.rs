//! BER (X.690 8) rewritten as DER: lengths in their shortest form, none of them indefinite, strings in one piece.
//!
//! NSS, Acrobat and others write PKCS #12 files and CMS signatures in BER, and the `der` crate reads DER only. What is DER
//! already stays as it is, byte by byte, so certificates and signed attributes keep what was signed. Sets are not sorted and
//! the values inside of elements are not touched: who needs more of DER (RFC 5652 5.4) asks for it.
//!
//! The input is a stranger's: depth, elements and size are bounded, and each byte is moved no more often than it is deep.

use super::OCTET_STRING;

/// The deepest nesting that is read. Certificates inside of time stamps inside of signatures reach about 25.
const MAX_DEPTH: usize = 64;

/// The maximum of elements. The largest real inputs hold revocation lists with some hundred thousand entries.
const MAX_ELEMENTS: usize = 2_000_000;

/// The maximum of the input and of the output, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

const CONSTRUCTED: u8 = 0x20;
const CLASS: u8 = 0xc0;
const NUMBER: u8 = 0x1f;
const BIT_STRING: u8 = 0x03;

/// Why an input is not BER that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("it ends too early")]
    Truncated,
    #[error("it is not ASN.1 in BER or DER")]
    Malformed,
    #[error("it is nested too deeply")]
    TooDeep,
    #[error("it is too large")]
    TooLarge,
}

/// The first element of an input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) der: Vec<u8>,
    /// How many bytes of the input it took.
    pub(crate) used: usize,
}

/// Reads the first element of `input`, whatever follows it.
///
/// # Errors
/// [`Error`].
pub(crate) fn first_element(input: &[u8]) -> Result<Element, Error> {
    if input.len() > MAX_BYTES {
        return Err(Error::TooLarge);
    }
    let mut transcoder = Transcoder { input, at: 0, elements: 0, out: Vec::with_capacity(input.len()) };
    transcoder.element(input.len(), 0)?;
    Ok(Element { used: transcoder.at, der: transcoder.out })
}

/// Reads `input`, which is one element and nothing else but zeros and white space after it.
///
/// # Errors
/// [`Error`].
pub(crate) fn to_der(input: &[u8]) -> Result<Vec<u8>, Error> {
    let element = first_element(input)?;
    let padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    if input[element.used..].iter().all(padding) { Ok(element.der) } else { Err(Error::Malformed) }
}

struct Header {
    tag: u8,
    /// `None`: indefinite, the content ends with two zeros.
    length: Option<usize>,
}

impl Header {
    fn is_constructed(&self) -> bool {
        self.tag & CONSTRUCTED != 0
    }

    /// A string in pieces, which DER forbids (X.690 10.2).
    fn is_string_in_pieces(&self) -> bool {
        let string = matches!(self.tag & NUMBER, BIT_STRING | OCTET_STRING | 0x0c | 0x12..=0x1c | 0x1e);
        self.is_constructed() && self.tag & CLASS == 0 && string
    }
}

struct Transcoder<'a> {
    input: &'a [u8],
    at: usize,
    elements: usize,
    out: Vec<u8>,
}

impl Transcoder<'_> {
    /// Copies the element that begins here and ends at `end` at the latest.
    fn element(&mut self, end: usize, depth: usize) -> Result<(), Error> {
        let header = self.header(end, depth)?;
        let start = self.out.len();
        let tag = if header.is_string_in_pieces() {
            let mut unused_bits = 0;
            self.pieces(&header, end, depth, &mut unused_bits)?;
            if header.tag & NUMBER == BIT_STRING {
                self.out.insert(start, unused_bits);
            }
            header.tag & !CONSTRUCTED
        } else if header.is_constructed() {
            self.children(&header, end, |this, end| this.element(end, depth + 1))?;
            header.tag
        } else {
            let content = self.content(&header, end)?;
            self.out.extend_from_slice(&self.input[content]);
            header.tag
        };
        let length = self.out.len() - start;
        self.out.splice(start..start, super::header(tag, length));
        if self.out.len() > MAX_BYTES { Err(Error::TooLarge) } else { Ok(()) }
    }

    /// Calls `child` for each element inside of one whose header was just read.
    fn children(
        &mut self,
        header: &Header,
        end: usize,
        mut child: impl FnMut(&mut Self, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some(length) = header.length {
            let end = self.at.checked_add(length).filter(|own| *own <= end).ok_or(Error::Truncated)?;
            while self.at < end {
                child(self, end)?;
            }
            return Ok(());
        }
        while !self.input[self.at..end].starts_with(&[0, 0]) {
            child(self, end)?;
        }
        self.at += 2;
        Ok(())
    }

    /// Appends the content of all pieces of a string, which may be in pieces themselves. A bit string begins with the number of
    /// bits that its last byte leaves unused; only its last piece may leave any (X.690 8.6.4).
    fn pieces(&mut self, header: &Header, end: usize, depth: usize, unused_bits: &mut u8) -> Result<(), Error> {
        let string = header.tag & NUMBER;
        self.children(header, end, |this, end| {
            let piece = this.header(end, depth + 1)?;
            // The pieces of strings of characters are octet strings (X.690 8.23.6); some write the string's own type.
            let fits = piece.tag & !CONSTRUCTED == string || (piece.tag & !CONSTRUCTED == OCTET_STRING && string != BIT_STRING);
            if !fits || *unused_bits != 0 {
                return Err(Error::Malformed);
            }
            if piece.is_constructed() {
                return this.pieces(&piece, end, depth + 1, unused_bits);
            }
            let content = &this.input[this.content(&piece, end)?];
            let content = match (string, content) {
                (BIT_STRING, [unused @ 0..8, bits @ ..]) if *unused == 0 || !bits.is_empty() => {
                    *unused_bits = *unused;
                    bits
                }
                (BIT_STRING, _) => return Err(Error::Malformed),
                (_, content) => content,
            };
            this.out.extend_from_slice(content);
            Ok(())
        })
    }

    /// The place of a primitive element's content; moves behind it.
    fn content(&mut self, header: &Header, end: usize) -> Result<std::ops::Range<usize>, Error> {
        let length = header.length.ok_or(Error::Malformed)?;
        let start = self.at;
        self.at = start.checked_add(length).filter(|own| *own <= end).ok_or(Error::Truncated)?;
        Ok(start..self.at)
    }

    fn header(&mut self, end: usize, depth: usize) -> Result<Header, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(Error::TooLarge);
        }
        let tag = self.byte(end)?;
        // Zero only ends an indefinite length; numbers above 30 take more bytes, and nothing that is read here has them.
        if tag == 0 || tag & NUMBER == NUMBER {
            return Err(Error::Malformed);
        }
        let length = match self.byte(end)? {
            short @ ..0x80 => Some(usize::from(short)),
            0x80 if tag & CONSTRUCTED != 0 => None,
            0x80 | 0xff => return Err(Error::Malformed),
            long => {
                let mut length = 0usize;
                for _ in 0..long & 0x7f {
                    let byte = usize::from(self.byte(end)?);
                    length = length.checked_mul(256).ok_or(Error::TooLarge)? | byte;
                }
                Some(length)
            }
        };
        Ok(Header { tag, length })
    }

    fn byte(&mut self, end: usize) -> Result<u8, Error> {
        let byte = self.input[..end].get(self.at).copied().ok_or(Error::Truncated)?;
        self.at += 1;
        Ok(byte)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::{CONTEXT_0, SEQUENCE, tlv};
    use super::*;

    /// DER written again as BER: every structure of indefinite length, every octet string in pieces, other lengths too long.
    pub(crate) fn to_ber(der: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for element in super::super::elements(der).unwrap() {
            let tag = super::super::tag(&element);
            let value = element.value();
            match tag {
                OCTET_STRING => {
                    out.extend([OCTET_STRING | CONSTRUCTED, 0x80]);
                    let (first, second) = value.split_at(value.len() / 2);
                    out.extend(tlv(OCTET_STRING, &[first]));
                    out.extend(tlv(OCTET_STRING | CONSTRUCTED, &[&tlv(OCTET_STRING, &[second])]));
                    out.extend([0, 0]);
                }
                _ if tag & CONSTRUCTED != 0 => {
                    out.extend([tag, 0x80]);
                    out.extend(to_ber(value));
                    out.extend([0, 0]);
                }
                _ => {
                    out.extend([tag, 0x84]);
                    out.extend((value.len() as u32).to_be_bytes());
                    out.extend(value);
                }
            }
        }
        out
    }

    #[test]
    fn der_stays_as_it_is() {
        let inner = tlv(OCTET_STRING, &[&[1; 200]]);
        let der = tlv(SEQUENCE, &[&inner, &tlv(CONTEXT_0, &[&inner]), &[3, 2, 4, 0xf0], &[5, 0]]);
        assert_eq!(to_der(&der).unwrap(), der);
    }

    #[test]
    fn every_form_of_ber_becomes_the_same_der() {
        let inner = tlv(OCTET_STRING, &[&[7; 200]]);
        let der = tlv(SEQUENCE, &[&inner, &tlv(CONTEXT_0, &[&inner, &[2, 1, 5]]), &tlv(OCTET_STRING, &[])]);
        let ber = to_ber(&der);
        assert_ne!(ber, der);
        assert_eq!(to_der(&ber).unwrap(), der);
        let padded = [ber.as_slice(), &[0; 9]].concat();
        assert_eq!(first_element(&padded).unwrap(), Element { der: der.clone(), used: ber.len() });
        assert_eq!(to_der(&padded).unwrap(), der);
        assert_eq!(to_der(&[ber.as_slice(), b"x"].concat()), Err(Error::Malformed));
        assert_eq!(to_der(&[0x2c, 0x80, 4, 1, b'a', 0x0c, 1, b'b', 0, 0]).unwrap(), [0x0c, 2, b'a', b'b']);
    }

    #[test]
    fn bit_strings_are_joined_and_only_the_last_piece_leaves_bits() {
        let pieces = [0x23, 0x80, 3, 2, 0, 0xaa, 3, 2, 4, 0xb0, 0, 0];
        assert_eq!(to_der(&pieces).unwrap(), [3, 3, 4, 0xaa, 0xb0]);
        assert_eq!(to_der(&[0x23, 8, 3, 2, 4, 0xa0, 3, 2, 0, 0xb0]), Err(Error::Malformed));
        assert_eq!(to_der(&[0x23, 2, 3, 0]), Err(Error::Malformed));
        assert_eq!(to_der(&[0x23, 0]).unwrap(), [3, 1, 0]);
    }

    #[test]
    fn rubbish_is_refused_by_its_kind() {
        let cases: [(&[u8], Error); 12] = [
            (&[], Error::Truncated),
            (&[0x30], Error::Truncated),
            (&[0x30, 0x80], Error::Truncated),
            (&[0x30, 0x80, 5, 0, 0], Error::Malformed),
            (&[0x30, 5, 4, 9, 1, 1, 1], Error::Truncated),
            (&[0x04, 0x80, 0, 0], Error::Malformed),
            (&[0x30, 0xff], Error::Malformed),
            (&[0x30, 2, 0, 0], Error::Malformed),
            (&[0x3f, 0x81, 1, 0], Error::Malformed),
            (&[0x24, 3, 0x0c, 1, b'a'], Error::Malformed),
            (&[0x23, 3, 4, 1, 0], Error::Malformed),
            (&[0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0], Error::TooLarge),
        ];
        for (input, error) in cases {
            assert_eq!(to_der(input), Err(error), "{input:x?}");
        }
    }

    #[test]
    fn depth_and_elements_are_bounded() {
        let nested = |tag: u8| [tag, 0x80].repeat(200_000);
        assert_eq!(to_der(&nested(0x30)), Err(Error::TooDeep));
        assert_eq!(to_der(&nested(0x24)), Err(Error::TooDeep));
        let many = tlv(SEQUENCE, &[&[5, 0].repeat(MAX_ELEMENTS)]);
        assert_eq!(to_der(&many), Err(Error::TooLarge));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic_and_the_result_is_stable(input in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            if let Ok(element) = first_element(&input) {
                proptest::prop_assert!(element.used <= input.len());
                proptest::prop_assert_eq!(to_der(&element.der), Ok(element.der.clone()));
            }
        }
    }
}
