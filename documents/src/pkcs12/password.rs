//! The bytes that a password may have been when a key file was made.
//!
//! The standards name one encoding for each way of deriving keys; programs differ for what is not ASCII. So the standard's
//! encoding comes first and those of known programs after it, a handful in all. No type here can be printed.

use unicode_normalization::UnicodeNormalization;

/// A password in the encodings that are tried, each list without repetition, the standard's encoding first.
pub(super) struct Passwords {
    /// For the key derivation of PKCS #12 itself: a BMPString with two zeros at its end (RFC 7292 B.1).
    pub(super) wide: Vec<Vec<u8>>,
    /// For PBKDF2 and scrypt: UTF-8 (RFC 8018 3).
    pub(super) plain: Vec<Vec<u8>>,
}

impl Passwords {
    pub(super) fn of(password: &str) -> Self {
        // Keyboards of one system give "ñ" as one character, those of another as two.
        let composed: String = password.nfc().collect();
        let decomposed: String = password.nfd().collect();
        let spellings = [password, composed.as_str(), decomposed.as_str()];
        // Beyond the basic plane OpenSSL and NSS write surrogate pairs.
        let mut wide: Vec<Vec<u8>> = spellings.iter().map(|text| zero_ended(text.encode_utf16())).collect();
        // OpenSSL before 1.1 took each byte of UTF-8 for a character.
        wide.push(zero_ended(password.bytes().map(u16::from)));
        let mut plain: Vec<Vec<u8>> = spellings.iter().map(|text| text.as_bytes().to_vec()).collect();
        if let Some(latin1) = password.chars().map(|c| u8::try_from(c).ok()).collect() {
            // What a terminal in Latin-1 passed on.
            plain.push(latin1);
        }
        // NSS wrote the BMPString also for PBKDF2.
        plain.push(zero_ended(password.encode_utf16()));
        if password.is_empty() {
            // An absent password is no character at all, an empty one is the zeros at the end.
            wide.push(Vec::new());
        }
        Self { wide: distinct(wide), plain: distinct(plain) }
    }
}

fn zero_ended(units: impl Iterator<Item = u16>) -> Vec<u8> {
    units.chain([0]).flat_map(u16::to_be_bytes).collect()
}

fn distinct(list: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut kept: Vec<Vec<u8>> = Vec::with_capacity(list.len());
    for bytes in list {
        if !kept.contains(&bytes) {
            kept.push(bytes);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ascii_password_has_one_encoding_for_each_way() {
        let passwords = Passwords::of("ab");
        assert_eq!(passwords.wide, [[0, b'a', 0, b'b', 0, 0]]);
        assert_eq!(passwords.plain, [&b"ab"[..], &[0, b'a', 0, b'b', 0, 0]]);
    }

    #[test]
    fn beyond_the_basic_plane_there_are_surrogates() {
        let passwords = Passwords::of("\u{1f511}");
        assert_eq!(passwords.wide[0], [0xd8, 0x3d, 0xdd, 0x11, 0, 0]);
        assert_eq!(passwords.plain[0], [0xf0, 0x9f, 0x94, 0x91]);
    }

    #[test]
    fn an_empty_password_may_be_absent_and_all_others_are_few() {
        assert_eq!(Passwords::of("").wide, [&[0, 0][..], &[]]);
        let odd = Passwords::of("ñ\u{1f511}e\u{301}");
        assert_eq!((odd.wide.len(), odd.plain.len()), (4, 4));
        assert!(Passwords::of("ñ").plain.contains(&vec![0xf1]));
    }
}
