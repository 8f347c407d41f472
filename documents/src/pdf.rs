//! Looking things up in a file that anybody may have made, with bounds and without a panic; why a file is refused.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Dictionary, Document, Object, ObjectId};

/// References to references that are followed before an object counts as missing.
const MAX_INDIRECTIONS: usize = 16;

/// Why a file cannot be read as a PDF, or not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the file is not a PDF")]
    NotPdf,
    /// It opens with a password only.
    #[error("the PDF needs a password to be opened")]
    Encrypted,
    /// Not the standard security handler (ISO 32000-2 7.6.4), or one that its permissions close.
    #[error("the PDF is encrypted in a way that is not supported")]
    UnknownEncryption,
    /// What every reader has to find in it is not there.
    #[error("the PDF is damaged: {0}")]
    Damaged(String),
    /// Readers would show different documents.
    #[error("the PDF can be read in different ways: {0}")]
    Ambiguous(String),
    /// It is whole, but something in it forbids what was asked.
    #[error("the PDF cannot be signed: {0}")]
    Forbidden(String),
}

impl Error {
    /// What is wrong, and what the one who uploads the file can do about it.
    pub fn with_advice(&self) -> String {
        match self {
            Self::NotPdf | Self::Forbidden(_) => self.to_string(),
            Self::Encrypted | Self::UnknownEncryption => format!("{self}; save it without encryption and upload that file"),
            Self::Damaged(_) | Self::Ambiguous(_) => {
                format!("{self}; open it in a PDF program, save it again under a new name and upload that file")
            }
        }
    }
}

pub(crate) fn damaged(what: impl Into<String>) -> Error {
    Error::Damaged(what.into())
}

pub(crate) fn ambiguous(what: impl Into<String>) -> Error {
    Error::Ambiguous(what.into())
}

/// Runs parser code that may panic on hostile input. What it leaves behind is dropped, so nothing half-made is seen.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| damaged("its structure cannot be read"))
}

/// The first place of `needle` in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
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

/// An annotation's `Rect`: left, bottom, right, top, in the page's default user space, in points.
pub(crate) fn rectangle(document: &Document, annotation: &Dictionary) -> Option<[f32; 4]> {
    let corners = array_entry(document, annotation, b"Rect")?;
    let corners: Vec<f32> = corners.iter().filter_map(|corner| number(document, corner)).collect();
    let [x1, y1, x2, y2] = corners[..] else { return None };
    Some([x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)])
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

/// Whether an annotation is a widget: the part of a form's field that is shown. A field without a subtype counts as one.
pub(crate) fn is_widget(document: &Document, annotation: &Dictionary) -> bool {
    let subtype = entry(document, annotation, b"Subtype").and_then(|subtype| subtype.as_name().ok());
    subtype == Some(b"Widget") || annotation.has(b"FT")
}

/// Annotations of all pages that are looked at.
const MAX_ANNOTATIONS: usize = 500_000;

/// The pages (by their index, from 0, ascending) that list each annotation which is an object of its own.
///
/// # Errors
/// `Damaged` for hostile page trees and lists of annotations.
pub(crate) fn annotation_pages(document: &Document) -> Result<HashMap<ObjectId, Vec<usize>>, Error> {
    let mut pages_of: HashMap<ObjectId, Vec<usize>> = HashMap::new();
    let mut annotations = 0;
    for (index, page) in pages(document)?.into_iter().enumerate() {
        let page = dict_at(document, page);
        for annotation in page.and_then(|page| array_entry(document, page, b"Annots")).into_iter().flatten() {
            annotations += 1;
            if annotations > MAX_ANNOTATIONS {
                return Err(damaged(format!("it has more than {MAX_ANNOTATIONS} annotations")));
            }
            if let Object::Reference(id) = annotation {
                let on = pages_of.entry(*id).or_default();
                if on.last() != Some(&index) {
                    on.push(index);
                }
            }
        }
    }
    Ok(pages_of)
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
    fn a_panic_of_the_parser_is_damage() {
        let result: Result<(), Error> = guarded(|| panic!("hostile"));
        assert!(matches!(result, Err(Error::Damaged(_))));
    }
}
