//! What people's applications send as a text inside JSON: pictures in base64, and JSON documents.
//!
//! Nothing here decodes an image: the signature decides what a file is, and the file is only kept. Errors quote nothing of what was sent.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::IgnoredAny;

/// Signature of a PNG file (ISO/IEC 15948, 5.2).
pub const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Levels of objects and arrays that a JSON document may have.
const MAX_DEPTH: usize = 64;

/// Standard alphabet (RFC 4648, section 4). Missing padding and stray trailing bits are tolerated (note placeholder-values).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a PNG picture that came in base64; `max` bounds the text as it was sent, in bytes (note size-units).
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn png(text: &str, max: usize) -> Result<Vec<u8>, String> {
    let bytes = decode(text, max)?;
    if bytes.starts_with(PNG_SIGNATURE) { Ok(bytes) } else { Err("not a PNG picture".into()) }
}

/// The bytes of any picture that came in base64; what they are is not looked at. `max` as in [`png`].
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn decode(text: &str, max: usize) -> Result<Vec<u8>, String> {
    if text.len() > max {
        return Err(format!("expected at most {max} bytes of base64; a smaller or more compressed picture is needed"));
    }
    BASE64.decode(text).map_err(|_| "not base64 (RFC 4648, section 4) without line breaks".to_owned())
}

/// Checks that a text is a JSON document of at most `max` bytes and [`MAX_DEPTH`] levels.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn check_json(text: &str, max: usize) -> Result<(), String> {
    if text.len() > max {
        return Err(format!("expected at most {max} bytes of JSON"));
    }
    // It keeps nothing and needs no stack, however deep the text is.
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| "not a valid JSON document".to_owned())?;
    if depth(text) > MAX_DEPTH { Err(format!("expected at most {MAX_DEPTH} levels of objects and arrays")) } else { Ok(()) }
}

/// Levels of objects and arrays in valid JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const MAX: usize = 1000;

    #[test]
    fn the_signature_decides_what_is_a_png() {
        let whole = [PNG_SIGNATURE, b"\0\0\0\x0dIHDR and whatever follows"].concat();
        assert_eq!(png(&STANDARD.encode(&whole), MAX), Ok(whole));
        for other in [&b"\xff\xd8\xff\xe0"[..], b"%PDF-1.7", b"\x89PNG\r\n\x1a", b""] {
            assert_eq!(png(&STANDARD.encode(other), MAX), Err("not a PNG picture".into()), "{other:?}");
        }
    }

    /// Note placeholder-values.
    #[test]
    fn missing_padding_and_stray_trailing_bits_are_tolerated() {
        let bytes = [PNG_SIGNATURE, b"12"].concat();
        let padded = STANDARD.encode(&bytes);
        let plain = padded.trim_end_matches('=');
        assert_eq!((padded.len() - plain.len(), &plain[plain.len() - 1..]), (2, "g"));
        // "g" is 32, of which the last four bits are left over; "v" is 47 and differs in these only.
        let stray = format!("{}v", &plain[..plain.len() - 1]);
        for text in [&padded, plain, &stray, &format!("{stray}==")] {
            assert_eq!(png(text, MAX).as_ref(), Ok(&bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_base64_is_refused_and_not_quoted() {
        let good = STANDARD.encode(PNG_SIGNATURE);
        for text in ["secret!", "aGk", &format!("{good}\n"), &format!("data:image/png;base64,{good}"), "a", "-_-_"] {
            let told = png(text, MAX).unwrap_err();
            assert!(told.starts_with("not ") && !told.contains("secret"), "{text}: {told}");
        }
    }

    #[test]
    fn the_size_is_that_of_the_text_as_it_was_sent() {
        let text = STANDARD.encode([PNG_SIGNATURE, &[0; 32]].concat());
        assert!(png(&text, text.len()).is_ok());
        assert!(png(&text, text.len() - 1).unwrap_err().starts_with("expected at most"));
    }

    #[test]
    fn a_document_is_valid_json_within_its_bounds() {
        for good in ["{}", "[]", "\"text\"", "1e999", "null", r#"{"a":[1,{"b":"]}\\\"["}]}"#] {
            assert_eq!(check_json(good, MAX), Ok(()), "{good}");
        }
        for wrong in ["", "string", "{\"a\":", "{} {}", "{'a':1}", "\"\u{0}\""] {
            assert_eq!(check_json(wrong, MAX), Err("not a valid JSON document".into()), "{wrong:?}");
        }
        assert!(check_json("[1]", 2).is_err());
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(check_json(&nested(MAX_DEPTH), MAX), Ok(()));
        assert!(check_json(&nested(MAX_DEPTH + 1), MAX).unwrap_err().contains("levels"));
        assert!(check_json(&nested(100_000), 1 << 20).is_err(), "it needs no stack");
        assert_eq!(depth(r#"["[[[\"[[", {"{": 1}]"#), 2);
    }
}
