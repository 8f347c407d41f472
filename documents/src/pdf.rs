//! Loading PDFs that anybody may have made: bounded, and never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};

/// The largest PDF that is read, in bytes. The server's own limit for uploads is lower.
pub const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;

/// The most that all object streams of one file may decompress to, in bytes.
const MAX_OBJECT_STREAM_BYTES: usize = 1024 * 1024 * 1024;
/// The most that one object stream or cross-reference stream may decompress to, in bytes.
const MAX_STREAM_BYTES: usize = 32 * 1024 * 1024;
/// What each of them may decompress to in any case, in bytes.
const MIN_STREAM_BYTES: usize = 1024 * 1024;
/// References to references that are followed before an object counts as missing.
const MAX_INDIRECTIONS: usize = 16;

/// Why a file cannot be read as a PDF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the file is not a PDF")]
    NotPdf,
    #[error("the PDF is encrypted")]
    Encrypted,
    #[error("the PDF is damaged: {0}")]
    Damaged(String),
}

pub(crate) fn damaged(what: impl Into<String>) -> Error {
    Error::Damaged(what.into())
}

/// Loads a PDF leniently, as viewers do; what had to be repaired shows in [`Document::xref_recovery`].
///
/// # Errors
/// [`Error`], also for whatever makes the parser panic.
pub(crate) fn load(bytes: &[u8]) -> Result<Document, Error> {
    // ISO 32000-1 annex H.3.4.1: viewers look for the header in the first 1024 bytes.
    if find(&bytes[..bytes.len().min(1024)], b"%PDF-").is_none() {
        return Err(Error::NotPdf);
    }
    if bytes.len() > MAX_FILE_BYTES {
        return Err(damaged(format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    let options = LoadOptions { max_decompressed_size: Some(stream_limit(bytes)), ..LoadOptions::default() };
    let loaded = guarded(|| Document::load_mem_with_options(bytes, options))?;
    let document = loaded.map_err(|error| match error {
        lopdf::Error::Decryption(_) | lopdf::Error::InvalidPassword | lopdf::Error::UnsupportedSecurityHandler(_) => {
            Error::Encrypted
        }
        other => damaged(other.to_string()),
    })?;
    // A file with an empty user password is decrypted while it is loaded; it is encrypted all the same.
    if document.is_encrypted() || document.was_encrypted() || document.trailer.has(b"Encrypt") {
        return Err(Error::Encrypted);
    }
    Ok(document)
}

/// Runs parser code that may panic on hostile input. What it leaves behind is dropped, so nothing half-made is seen.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| damaged("its structure cannot be read"))
}

/// How much one stream may decompress to: less, the more object streams there are, so that the sum stays bounded.
fn stream_limit(bytes: &[u8]) -> usize {
    let streams = bytes.windows(7).filter(|window| window == b"/ObjStm").count();
    (MAX_OBJECT_STREAM_BYTES / streams.max(1)).clamp(MIN_STREAM_BYTES, MAX_STREAM_BYTES)
}

/// The first place of `needle` in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Follows references; what leads nowhere is `Null`, as ISO 32000-1 7.3.10 has it.
pub(crate) fn resolve<'a>(document: &'a Document, object: &'a Object) -> &'a Object {
    let mut current = object;
    for _ in 0..MAX_INDIRECTIONS {
        match current {
            Object::Reference(id) => match document.objects.get(id) {
                Some(next) => current = next,
                None => return &Object::Null,
            },
            other => return other,
        }
    }
    &Object::Null
}

/// A dictionary's entry, with references followed; `Null` counts as missing.
pub(crate) fn entry<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let found = resolve(document, dictionary.get(key).ok()?);
    (!matches!(found, Object::Null)).then_some(found)
}

pub(crate) fn dict_entry<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
    entry(document, dictionary, key)?.as_dict().ok()
}

pub(crate) fn array_entry<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Vec<Object>> {
    entry(document, dictionary, key)?.as_array().ok()
}

/// An indirect dictionary.
pub(crate) fn dict_at(document: &Document, id: ObjectId) -> Option<&Dictionary> {
    document.objects.get(&id)?.as_dict().ok()
}

pub(crate) fn catalog(document: &Document) -> Result<(ObjectId, &Dictionary), Error> {
    let missing = || damaged("it has no catalog");
    let id = document.trailer.get(b"Root").and_then(Object::as_reference).map_err(|_| missing())?;
    Ok((id, dict_at(document, id).ok_or_else(missing)?))
}

/// The text of a text string, in any of PDF's encodings.
pub(crate) fn text(object: &Object) -> Option<String> {
    lopdf::decode_text_string(object).ok()
}

/// A number, integer or real.
pub(crate) fn number(document: &Document, object: &Object) -> Option<f32> {
    resolve(document, object).as_float().ok().filter(|value| value.is_finite())
}

/// Pages that are counted before a page tree counts as hostile.
pub const MAX_PAGES: usize = 100_000;
/// Depth of a page tree.
const MAX_PAGE_DEPTH: usize = 64;

/// All pages in order: each node is visited once, so cycles end, and depth and number are bounded.
pub(crate) fn pages(document: &Document) -> Result<Vec<ObjectId>, Error> {
    let (_, catalog) = catalog(document)?;
    let root = catalog.get(b"Pages").and_then(Object::as_reference).map_err(|_| damaged("it has no page tree"))?;
    let mut pages = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut stack = vec![(root, 0)];
    while let Some((id, depth)) = stack.pop() {
        if !seen.insert(id) {
            return Err(damaged("its page tree has a cycle"));
        }
        if depth > MAX_PAGE_DEPTH {
            return Err(damaged("its page tree is too deep"));
        }
        let Some(node) = dict_at(document, id) else { continue };
        match array_entry(document, node, b"Kids") {
            Some(kids) => {
                let children = kids.iter().rev().filter_map(|kid| kid.as_reference().ok());
                stack.extend(children.map(|kid| (kid, depth + 1)));
            }
            None => pages.push(id),
        }
        if pages.len() > MAX_PAGES || stack.len() > 2 * MAX_PAGES {
            return Err(damaged(format!("it has more than {MAX_PAGES} pages")));
        }
    }
    if pages.is_empty() { Err(damaged("it has no pages")) } else { Ok(pages) }
}

/// The page's rotation for display: 0, 90, 180 or 270 degrees clockwise, inherited where the page has none.
pub(crate) fn page_rotation(document: &Document, page: ObjectId) -> i64 {
    let mut node = dict_at(document, page);
    for _ in 0..MAX_PAGE_DEPTH {
        let Some(dictionary) = node else { break };
        if let Some(rotation) = entry(document, dictionary, b"Rotate").and_then(|r| r.as_i64().ok()) {
            return if rotation % 90 == 0 { rotation.rem_euclid(360) } else { 0 };
        }
        node = dict_entry(document, dictionary, b"Parent");
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_pdf_is_said_to_be_none() {
        assert_eq!(load(b"").err(), Some(Error::NotPdf));
        assert_eq!(load(b"PK\x03\x04 a text file in a zip").err(), Some(Error::NotPdf));
    }

    #[test]
    fn a_panic_of_the_parser_is_damage() {
        let result: Result<(), Error> = guarded(|| panic!("hostile"));
        assert!(matches!(result, Err(Error::Damaged(_))));
    }

    #[test]
    fn more_object_streams_may_each_unpack_to_less() {
        assert_eq!(stream_limit(b"%PDF-1.7"), MAX_STREAM_BYTES);
        assert_eq!(stream_limit(&b"/ObjStm".repeat(128)), 8 * 1024 * 1024);
        assert_eq!(stream_limit(&b"/ObjStm".repeat(5000)), MIN_STREAM_BYTES);
    }
}
