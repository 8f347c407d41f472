//! Reading the signed evidence back out of a certificate.

use lopdf::{Dictionary, Document, Object};

use super::Error;
use crate::pdf;

/// Name of the attachment that holds the signed evidence.
pub const ATTACHMENT_NAME: &str = "evidence.json";

/// Most bytes that an attachment may have, in [`render`](super::render) and in [`extract`] alike: 16 MiB.
pub const MAX_ATTACHMENT_BYTES: usize = 16 << 20;

/// Most nodes of the name tree that are looked at. What we write has one.
const MAX_NODES: usize = 256;
/// Most names of one node that are looked at.
const MAX_NAMES: usize = 4096;

/// Finds the attachment [`ATTACHMENT_NAME`] in a PDF and gives its bytes; `None` when the PDF has no such attachment. The bytes
/// are whatever the file holds: nothing is verified here.
///
/// # Errors
/// [`Error::Unreadable`] when the file is not a PDF, is encrypted, or the attachment is damaged or over [`MAX_ATTACHMENT_BYTES`].
pub fn extract(pdf: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    // The parser may panic on hostile files.
    pdf::guarded(|| read_attachment(pdf)).unwrap_or_else(|error| Err(Error::Unreadable(error.to_string())))
}

fn read_attachment(pdf: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let document = crate::reader::load(pdf).map_err(|error| Error::Unreadable(error.to_string()))?;
    let Some(specification) = find_specification(&document)? else {
        return Ok(None);
    };
    let stream = pdf::dict_entry(&document, specification, b"EF")
        .and_then(|files| pdf::entry(&document, files, b"F").or_else(|| pdf::entry(&document, files, b"UF")))
        .and_then(|file| file.as_stream().ok())
        .ok_or_else(|| Error::Unreadable("the attachment has no content".to_owned()))?;
    let content = stream.get_plain_content_with_limit(MAX_ATTACHMENT_BYTES);
    let content = content.map_err(|error| Error::Unreadable(format!("the attachment is damaged: {error}")))?;
    if content.len() > MAX_ATTACHMENT_BYTES {
        return Err(Error::Unreadable("the attachment is too large".to_owned()));
    }
    Ok(Some(content))
}

/// Walks the tree `/Root /Names /EmbeddedFiles` (ISO 32000-1, 7.9.6 and 7.11.4) for the file specification of the evidence.
fn find_specification(document: &Document) -> Result<Option<&Dictionary>, Error> {
    let (_, catalog) = pdf::catalog(document).map_err(|error| Error::Unreadable(error.to_string()))?;
    let names = pdf::dict_entry(document, catalog, b"Names");
    let Some(root) = names.and_then(|names| pdf::dict_entry(document, names, b"EmbeddedFiles")) else {
        return Ok(None);
    };
    // A stack with a bound, as a tree from outside may be deep or have cycles.
    let mut pending = vec![root];
    for _ in 0..MAX_NODES {
        let Some(node) = pending.pop() else {
            return Ok(None);
        };
        if let Some(found) = find_in_node(document, node) {
            return Ok(Some(found));
        }
        let kids = pdf::array_entry(document, node, b"Kids").into_iter().flatten();
        pending.extend(kids.take(MAX_NODES).filter_map(|kid| pdf::resolve(document, kid).as_dict().ok()));
        pending.truncate(MAX_NODES);
    }
    Err(Error::Unreadable("its tree of attachments is too large".to_owned()))
}

fn find_in_node<'a>(document: &'a Document, node: &'a Dictionary) -> Option<&'a Dictionary> {
    let is_named = |object: &Object| pdf::text(object).is_some_and(|name| name == ATTACHMENT_NAME);
    let names = pdf::array_entry(document, node, b"Names")?;
    for pair in names.chunks_exact(2).take(MAX_NAMES) {
        let Ok(specification) = pdf::resolve(document, &pair[1]).as_dict() else { continue };
        let file_name = pdf::entry(document, specification, b"UF").or_else(|| pdf::entry(document, specification, b"F"));
        if is_named(pdf::resolve(document, &pair[0])) || file_name.is_some_and(is_named) {
            return Some(specification);
        }
    }
    None
}
