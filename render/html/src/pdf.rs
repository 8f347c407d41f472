//! A last look at what an engine made: how many pages there are, whether text has a font at all, and, for screen readers, that what is
//! only decoration is marked as such.

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, ObjectId};

use crate::limits::PAGES;
use crate::{Failure, Kind, Pdf, Profile};

pub(crate) fn looked_at(bytes: Vec<u8>, has_text: bool, profile: Profile) -> Result<Pdf, Failure> {
    let mut document = Document::load_mem(&bytes).map_err(|_| invalid())?;
    let pages: Vec<ObjectId> = document.page_iter().collect();
    if pages.len() > PAGES {
        return Err(Failure::new(Kind::Limits, format!("the document has {} pages, the maximum is {PAGES}", pages.len())));
    }
    if has_text && !document.objects.values().filter_map(dictionary).any(|d| d.has_type(b"Font")) {
        return Err(Failure::new(
            Kind::Engine,
            "none of the document's text is shown: look for display, colour and size in its styles",
        ));
    }
    if profile != Profile::PdfUa1 {
        return Ok(Pdf { bytes, pages: pages.len() });
    }
    for page in &pages {
        mark_decoration(&mut document, *page).ok_or_else(invalid)?;
    }
    let mut marked = Vec::new();
    document.save_to(&mut marked).map_err(|_| invalid())?;
    Ok(Pdf { bytes: marked, pages: pages.len() })
}

fn invalid() -> Failure {
    Failure::new(Kind::Engine, "the engine made no valid PDF")
}

fn dictionary(object: &Object) -> Option<&Dictionary> {
    object.as_dict().ok()
}

/// Puts what a page draws outside of its tagged content (borders, backgrounds, running headers) into `/Artifact`: PDF/UA wants each thing
/// either tagged or so marked (ISO 14289-1, 7.1), and fulgur leaves it bare.
fn mark_decoration(document: &mut Document, page: ObjectId) -> Option<()> {
    let content = Content::decode(&document.get_page_content(page)).ok()?;
    let marked = Content { operations: with_artifacts(content.operations) }.encode().ok()?;
    document.change_page_content(page, marked).ok()
}

/// Runs of operations outside of marked content, each within one text object or outside of any, as marks may not cross their ends.
fn with_artifacts(operations: Vec<Operation>) -> Vec<Operation> {
    let mut result = Vec::with_capacity(operations.len());
    let mut run: Vec<Operation> = Vec::new();
    let mut depth = 0_usize;
    for operation in operations {
        let name = operation.operator.clone();
        let begins = matches!(name.as_str(), "BMC" | "BDC");
        if depth > 0 || begins || name == "EMC" || matches!(name.as_str(), "BT" | "ET") {
            close(&mut run, &mut result);
            depth = if begins { depth + 1 } else { depth - usize::from(name == "EMC" && depth > 0) };
            result.push(operation);
        } else {
            run.push(operation);
        }
    }
    close(&mut run, &mut result);
    result
}

fn close(run: &mut Vec<Operation>, result: &mut Vec<Operation>) {
    let paints = ["f", "F", "f*", "S", "s", "B", "B*", "b", "b*", "sh", "Do", "Tj", "TJ", "'", "\"", "BI"];
    let is_painted = run.iter().any(|operation| paints.contains(&operation.operator.as_str()));
    if is_painted {
        result.push(Operation::new("BMC", vec![Object::Name(b"Artifact".to_vec())]));
    }
    result.append(run);
    if is_painted {
        result.push(Operation::new("EMC", vec![]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(operators: &str) -> String {
        let operations = operators.split(' ').map(|name| Operation::new(name, vec![])).collect();
        with_artifacts(operations).into_iter().map(|o| o.operator).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_drawn_outside_of_tags_is_an_artifact() {
        for (content, expected) in [
            ("q re f Q", "BMC q re f Q EMC"),
            ("q BDC BT Tj ET EMC Q", "q BDC BT Tj ET EMC Q"),
            ("re f BDC BT Tj ET EMC S", "BMC re f EMC BDC BT Tj ET EMC BMC S EMC"),
            ("BT Tf Tj ET", "BT BMC Tf Tj EMC ET"),
            ("BT BDC Tj EMC Tj ET", "BT BDC Tj EMC BMC Tj EMC ET"),
            ("BDC BDC f EMC f EMC f", "BDC BDC f EMC f EMC BMC f EMC"),
            ("EMC f", "EMC BMC f EMC"),
        ] {
            assert_eq!(marked(content), expected, "{content}");
        }
    }
}
