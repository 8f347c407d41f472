//! A last look at what an engine made: how many pages there are, and whether text has a font at all.

use lopdf::{Dictionary, Document, Object};

use crate::limits::PAGES;
use crate::{Failure, Kind, Pdf};

pub(crate) fn looked_at(bytes: Vec<u8>, has_text: bool) -> Result<Pdf, Failure> {
    let unreadable = |_| Failure::new(Kind::Engine, "the engine made no valid PDF");
    let document = Document::load_mem(&bytes).map_err(unreadable)?;
    let pages = document.page_iter().count();
    if pages > PAGES {
        return Err(Failure::new(Kind::Limits, format!("the document has {pages} pages, the maximum is {PAGES}")));
    }
    if has_text && !document.objects.values().filter_map(dictionary).any(|d| d.has_type(b"Font")) {
        return Err(Failure::new(
            Kind::Engine,
            "none of the document's text is shown: look for display, colour and size in its styles",
        ));
    }
    Ok(Pdf { bytes, pages })
}

fn dictionary(object: &Object) -> Option<&Dictionary> {
    object.as_dict().ok()
}
