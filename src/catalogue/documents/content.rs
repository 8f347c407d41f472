//! Whether bytes are what their extension says, and their archive hash.

use data_encoding::HEXLOWER;
use documents::active::ActiveContent;
use documents::seal::{self, Sealed};
use md5::{Digest, Md5};
use serde::de::IgnoredAny;

use super::document::Extension;
use crate::pictures::PNG_SIGNATURE;

const JPEG_START: &[u8] = b"\xff\xd8\xff";

/// Checks that bytes are of the declared extension, and tells the active content of a PDF. Takes time in proportion to the bytes: keep it
/// off the I/O threads.
pub(super) fn check(extension: Extension, bytes: &[u8]) -> Result<Option<Pdf>, String> {
    if bytes.is_empty() {
        return Err("the content is empty".into());
    }
    match extension {
        Extension::Pdf => check_pdf(bytes).map(Some),
        Extension::Png => check_that(is_png(bytes), "not a PNG image"),
        Extension::Jpeg | Extension::Jpg => check_that(is_jpeg(bytes), "not a JPEG image"),
        Extension::Json => check_that(serde_json::from_slice::<IgnoredAny>(bytes).is_ok(), "not valid JSON"),
        Extension::Html | Extension::Hbs => check_that(is_text(bytes), "not UTF-8 text"),
    }
}

fn check_that(holds: bool, otherwise: &str) -> Result<Option<Pdf>, String> {
    if holds { Ok(None) } else { Err(otherwise.to_owned()) }
}

/// What is known of a PDF that can be signed.
#[derive(Debug)]
pub(super) struct Pdf {
    pub(super) active_content: ActiveContent,
    /// What its seal will be like, without a key.
    pub(super) rehearsal: Sealed,
}

/// A PDF must be one that can be signed later: encrypted and damaged ones, and those that a seal would change, are refused here, not in the
/// middle of a process.
fn check_pdf(bytes: &[u8]) -> Result<Pdf, String> {
    let facts = documents::inspect::inspect(bytes).map_err(|error| error.with_advice())?;
    let rehearsal = seal::rehearse(bytes).map_err(|error| match error {
        seal::Error::Document(error) => error.with_advice(),
        other => other.to_string(),
    })?;
    Ok(Pdf { active_content: facts.active_content, rehearsal })
}

/// Signature and the header chunk, which must be the first (ISO/IEC 15948, 5.2 and 5.6).
pub(in crate::catalogue) fn is_png(bytes: &[u8]) -> bool {
    bytes.strip_prefix(PNG_SIGNATURE).and_then(|rest| rest.get(4..8)).is_some_and(|kind| kind == b"IHDR")
}

/// The first two markers.
pub(in crate::catalogue) fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(JPEG_START)
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

/// MD5 in hex (x-notes archive-hash).
pub(super) fn archive_hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Md5::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_must_be_of_their_extension() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0";
        let cases: [(Extension, &[u8], bool); 14] = [
            (Extension::Png, png, true),
            (Extension::Png, b"\x89PNG\r\n\x1a\n", false),
            (Extension::Jpeg, png, false),
            (Extension::Jpeg, b"\xff\xd8\xff\xe0rest", true),
            (Extension::Jpg, b"\xff\xd8\xff\xdbrest", true),
            (Extension::Json, b"{\"a\":[1,2]}", true),
            (Extension::Json, b"{\"a\":", false),
            (Extension::Html, b"<p>a\xc3\xb1o</p>", true),
            (Extension::Html, b"<p>a\xf1o</p>", false),
            (Extension::Hbs, b"{{name}}\0", false),
            (Extension::Hbs, b"", false),
            (Extension::Pdf, b"", false),
            (Extension::Pdf, b"<html></html>", false),
            (Extension::Pdf, b"%PDF-1.7\nand then nothing", false),
        ];
        for (extension, bytes, expected) in cases {
            assert_eq!(check(extension, bytes).is_ok(), expected, "{extension} {bytes:?}");
        }
    }

    #[test]
    fn the_archive_hash_is_md5_in_hex() {
        assert_eq!(archive_hash(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(archive_hash(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
