//! Reading the signed evidence back out of a certificate.

use lopdf::{Dictionary, Document, LoadOptions, Object};

use super::Error;

/// Name of the attachment that holds the signed evidence.
pub const ATTACHMENT_NAME: &str = "evidence.json";

/// Most bytes that an attachment may have, in [`render`](super::render) and in [`extract`] alike: 16 MiB.
pub const MAX_ATTACHMENT_BYTES: usize = 16 << 20;

/// Most nodes of the name tree that are looked at. What we write has one.
const MAX_NODES: usize = 256;
/// Most names of one node that are looked at.
const MAX_NAMES: usize = 4096;

/// Finds the attachment [`ATTACHMENT_NAME`] in a PDF and gives its bytes; `None` when the PDF has no such attachment. The bytes are
/// whatever the file holds: nothing is verified here.
///
/// # Errors
/// [`Error::Unreadable`] when the file is not a PDF, is encrypted, or the attachment is damaged or over [`MAX_ATTACHMENT_BYTES`].
pub fn extract(pdf: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let unreadable = |error: lopdf::Error| Error::Unreadable(error.to_string());
    let options = LoadOptions { max_decompressed_size: Some(4 * MAX_ATTACHMENT_BYTES), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(pdf, options).map_err(unreadable)?;
    if document.is_encrypted() {
        return Err(Error::Unreadable("it is encrypted".to_owned()));
    }
    let Some(specification) = find_specification(&document).map_err(unreadable)? else {
        return Ok(None);
    };
    let stream = specification
        .get(b"EF")
        .and_then(|files| document.dereference(files))
        .and_then(|(_, files)| files.as_dict())
        .and_then(|files| files.get(b"F").or_else(|_| files.get(b"UF")))
        .and_then(|file| document.dereference(file))
        .and_then(|(_, file)| file.as_stream())
        .map_err(unreadable)?;
    let content = stream.get_plain_content_with_limit(MAX_ATTACHMENT_BYTES).map_err(unreadable)?;
    if content.len() > MAX_ATTACHMENT_BYTES {
        return Err(Error::Unreadable("the attachment is too large".to_owned()));
    }
    Ok(Some(content))
}

/// Walks the tree `/Root /Names /EmbeddedFiles` (ISO 32000-1, 7.9.6 and 7.11.4) for the file specification of the evidence.
fn find_specification(document: &Document) -> Result<Option<&Dictionary>, lopdf::Error> {
    let Some(names) = child(document, document.catalog()?, b"Names")? else {
        return Ok(None);
    };
    let Some(root) = child(document, names, b"EmbeddedFiles")? else {
        return Ok(None);
    };
    // A stack with a bound, as a tree from outside may be deep or have cycles.
    let mut pending = vec![root];
    for _ in 0..MAX_NODES {
        let Some(node) = pending.pop() else {
            return Ok(None);
        };
        if let Some(found) = find_in_node(document, node)? {
            return Ok(Some(found));
        }
        if let Ok(kids) = node.get_deref(b"Kids", document).and_then(Object::as_array) {
            let kids = kids.iter().take(MAX_NODES).filter_map(|kid| document.dereference(kid).ok()?.1.as_dict().ok());
            pending.extend(kids);
            pending.truncate(MAX_NODES);
        }
    }
    Err(lopdf::Error::Unimplemented("a tree of attachments this large"))
}

fn child<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> Result<Option<&'a Dictionary>, lopdf::Error> {
    if !parent.has(key) {
        return Ok(None);
    }
    parent.get_deref(key, document)?.as_dict().map(Some)
}

fn find_in_node<'a>(document: &'a Document, node: &'a Dictionary) -> Result<Option<&'a Dictionary>, lopdf::Error> {
    let Ok(names) = node.get_deref(b"Names", document).and_then(Object::as_array) else {
        return Ok(None);
    };
    for pair in names.chunks_exact(2).take(MAX_NAMES) {
        let (_, specification) = document.dereference(&pair[1])?;
        let Ok(specification) = specification.as_dict() else { continue };
        let is_named = |object: &Object| lopdf::decode_text_string(object).is_ok_and(|name| name == ATTACHMENT_NAME);
        let file_name = specification.get_deref(b"UF", document).or_else(|_| specification.get_deref(b"F", document));
        if is_named(&pair[0]) || file_name.is_ok_and(is_named) {
            return Ok(Some(specification));
        }
    }
    Ok(None)
}
