//! What in a document is more than pages: it runs, plays, opens programs or carries other files.
//!
//! Nothing of it is run here, and nothing of it is refused: a signer should know of it, and so should a court. Whether a viewer runs it
//! depends on the viewer. Links to addresses and to other documents (`URI`, `GoToR`) and forms that are sent (`SubmitForm`,
//! `ImportData`) are not told: they do nothing before a person follows them, and viewers show where they lead.

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId};
use serde::{Deserialize, Serialize};

use crate::pdf;

/// The active content of a document, as far as its catalog leads to it. What only an earlier revision leads to is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveContent {
    /// JavaScript (ISO 32000-2, 12.6.4.17): actions wherever they hang (the document's name tree, on opening, on pages, fields,
    /// annotations and outlines, after other actions), scripts of renditions and of 3D artwork, and links that begin with `javascript:`.
    #[serde(default)]
    pub javascript: u32,
    /// Actions that start a program or open a file (12.6.4.6).
    #[serde(default)]
    pub launch_actions: u32,
    /// Files within the file (7.11.4): of the name tree, of annotations, of a portfolio, and associated files.
    #[serde(default)]
    pub embedded_files: u32,
    /// Annotations and actions that play sound, video, 3D artwork or rich media (clause 13).
    #[serde(default)]
    pub multimedia: u32,
    /// The form is described by XFA as well, which some viewers show instead of the pages (12.7.8 of ISO 32000-1).
    #[serde(default)]
    pub xfa: bool,
}

impl ActiveContent {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Tells a document's active content. Each object is looked at once, in time and memory in proportion to their number.
pub(crate) fn active_content(document: &Document) -> ActiveContent {
    let mut found = ActiveContent::default();
    let Ok((root, catalog)) = pdf::catalog(document) else { return found };
    let form = pdf::dict_entry(document, catalog, b"AcroForm");
    found.xfa = form.is_some_and(|form| pdf::entry(document, form, b"XFA").is_some());
    // A list instead of recursion: how deep objects lie within each other is for the file to say.
    let mut seen: HashSet<ObjectId> = HashSet::from([root]);
    let mut left: Vec<&Object> = document.objects.get(&root).into_iter().collect();
    while let Some(object) = left.pop() {
        match object {
            Object::Reference(id) if seen.insert(*id) => left.extend(document.objects.get(id)),
            Object::Array(items) => left.extend(items.iter().filter(|item| may_lead_on(item))),
            Object::Dictionary(dictionary) | Object::Stream(lopdf::Stream { dict: dictionary, .. }) => {
                count(document, dictionary, &mut found);
                left.extend(dictionary.iter().map(|(_, value)| value).filter(|value| may_lead_on(value)));
            }
            _ => {}
        }
    }
    found
}

fn may_lead_on(object: &Object) -> bool {
    matches!(object, Object::Reference(_) | Object::Array(_) | Object::Dictionary(_) | Object::Stream(_))
}

/// Counts what one dictionary is. It is told by its own members, not by what led to it: viewers find actions in more places than the
/// standard names.
fn count(document: &Document, dictionary: &Dictionary, found: &mut ActiveContent) {
    let has = |key: &[u8]| pdf::entry(document, dictionary, key).is_some();
    let add = |counter: &mut u32| *counter = counter.saturating_add(1);
    let kind = name(document, dictionary, b"Type");
    // An element of the structure has a type of its own under the same key, which may be any name.
    let action = if kind == Some(b"StructElem") { None } else { name(document, dictionary, b"S") };
    match action {
        Some(b"JavaScript") => add(&mut found.javascript),
        Some(b"Launch") => add(&mut found.launch_actions),
        Some(b"URI") if is_script(document, dictionary) => add(&mut found.javascript),
        Some(b"Sound" | b"Movie" | b"RichMediaExecute" | b"GoTo3DView") => add(&mut found.multimedia),
        Some(b"Rendition") => {
            add(&mut found.multimedia);
            if has(b"JS") {
                add(&mut found.javascript);
            }
        }
        _ => {}
    }
    if let Some(b"RichMedia" | b"Screen" | b"Movie" | b"Sound" | b"3D") = name(document, dictionary, b"Subtype")
        && (has(b"Rect") || kind == Some(b"Annot"))
    {
        add(&mut found.multimedia);
    }
    if has(b"OnInstantiate") {
        add(&mut found.javascript);
    }
    if pdf::dict_entry(document, dictionary, b"EF").is_some_and(|files| !files.is_empty()) {
        add(&mut found.embedded_files);
    }
}

fn name<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a [u8]> {
    pdf::entry(document, dictionary, key)?.as_name().ok()
}

/// Whether a link is a script in the form of an address, which viewers within browsers may run.
fn is_script(document: &Document, action: &Dictionary) -> bool {
    const SCHEME: &[u8] = b"javascript:";
    let Some(Object::String(address, _)) = pdf::entry(document, action, b"URI") else { return false };
    // As browsers read an address (WHATWG URL, 4.4): line ends and tabs within it do not count.
    let letters = address.trim_ascii_start().iter().filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n'));
    letters.take(SCHEME.len()).map(u8::to_ascii_lowercase).eq(SCHEME.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixtures, inspect};
    use lopdf::{StringFormat, dictionary};

    fn document() -> Document {
        crate::reader::load(&fixtures::contract(&["A"])).unwrap()
    }

    fn script() -> Dictionary {
        dictionary! { "S" => "JavaScript", "JS" => lopdf::text_string("app.alert(1)") }
    }

    /// What is told of the contract with one more member of its catalog, page, field or of another object of it.
    fn told(at: &str, key: &str, value: impl Into<Object>) -> ActiveContent {
        let mut document = document();
        let (root, _) = pdf::catalog(&document).unwrap();
        let page = *pdf::pages(&document).unwrap().first().unwrap();
        let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
        let field =
            pdf::array_entry(&document, pdf::dict_at(&document, form).unwrap(), b"Fields").unwrap()[0].as_reference().unwrap();
        let id = match at {
            "catalog" => root,
            "page" => page,
            "form" => form,
            _ => field,
        };
        document.objects.get_mut(&id).unwrap().as_dict_mut().unwrap().set(key, value.into());
        active_content(&document)
    }

    fn uri(address: &[u8]) -> ActiveContent {
        told("field", "A", dictionary! { "S" => "URI", "URI" => Object::String(address.to_vec(), StringFormat::Literal) })
    }

    #[test]
    fn a_document_of_pages_and_fields_has_none() {
        assert!(active_content(&document()).is_empty());
        assert!(inspect::inspect(&fixtures::contract(&["A"])).unwrap().active_content.is_empty());
    }

    #[test]
    fn javascript_is_told_wherever_it_hangs() {
        let once = ActiveContent { javascript: 1, ..ActiveContent::default() };
        let names = dictionary! { "JavaScript" => dictionary! { "Kids" => vec![Object::from(dictionary! { "Names" => vec![lopdf::text_string("a"), script().into()] })] } };
        assert_eq!(told("catalog", "Names", names), once);
        assert_eq!(told("catalog", "OpenAction", script()), once);
        assert_eq!(told("catalog", "AA", dictionary! { "WC" => script() }), once);
        assert_eq!(told("page", "AA", dictionary! { "O" => script() }), once);
        assert_eq!(told("field", "AA", dictionary! { "K" => script() }), once);
        assert_eq!(told("field", "A", script()), once);
        assert_eq!(told("catalog", "Outlines", dictionary! { "First" => dictionary! { "A" => script() } }), once);
        let chained =
            dictionary! { "S" => "GoTo", "Next" => vec![Object::from(dictionary! { "S" => "Named", "Next" => script() })] };
        assert_eq!(told("catalog", "OpenAction", chained), once);
        let rendition = dictionary! { "S" => "Rendition", "JS" => lopdf::text_string("x") };
        assert_eq!(told("field", "A", rendition), ActiveContent { multimedia: 1, ..once });
        for address in [&b"javascript:alert(1)"[..], b"  JavaScript:x", b"java\r\nscript:x"] {
            assert_eq!(uri(address), once, "{}", address.escape_ascii());
        }
    }

    #[test]
    fn an_action_of_indirect_parts_is_told_once() {
        let mut document = document();
        let kind = document.add_object(Object::Name(b"JavaScript".to_vec()));
        let action = document.add_object(dictionary! { "S" => kind, "JS" => lopdf::text_string("x") });
        document.catalog_mut().unwrap().set("OpenAction", action);
        document.catalog_mut().unwrap().set("AA", dictionary! { "WC" => action, "WS" => action });
        assert_eq!(active_content(&document).javascript, 1);
    }

    #[test]
    fn launch_actions_files_multimedia_and_xfa_are_told() {
        let none = ActiveContent::default();
        assert_eq!(told("field", "A", dictionary! { "S" => "Launch", "F" => lopdf::text_string("calc.exe") }).launch_actions, 1);
        let file = || dictionary! { "Type" => "Filespec", "EF" => dictionary! { "F" => (9_999, 0) } };
        let names = dictionary! { "EmbeddedFiles" => dictionary! { "Names" => vec![lopdf::text_string("a"), file().into(), lopdf::text_string("b"), file().into()] } };
        assert_eq!(told("catalog", "Names", names), ActiveContent { embedded_files: 2, ..none });
        assert_eq!(told("catalog", "AF", vec![Object::from(file())]).embedded_files, 1);
        let attachment = dictionary! { "Subtype" => "FileAttachment", "FS" => file() };
        assert_eq!(told("page", "Annots", vec![Object::from(attachment)]).embedded_files, 1);
        for subtype in ["RichMedia", "Screen", "Movie", "Sound", "3D"] {
            let annotation = dictionary! { "Type" => "Annot", "Subtype" => subtype };
            assert_eq!(
                told("page", "Annots", vec![Object::from(annotation)]),
                ActiveContent { multimedia: 1, ..none },
                "{subtype}"
            );
        }
        assert_eq!(told("form", "XFA", vec![lopdf::text_string("template")]), ActiveContent { xfa: true, ..none });
        assert_eq!(told("form", "XFA", Object::Null), none);
    }

    #[test]
    fn links_forms_that_are_sent_and_structure_are_not_told() {
        for kind in ["GoTo", "GoToR", "SubmitForm", "ImportData", "ResetForm", "Named", "Hide"] {
            assert!(told("field", "A", dictionary! { "S" => kind }).is_empty(), "{kind}");
        }
        assert!(uri(b"https://example.org/javascript:").is_empty());
        assert!(
            told("catalog", "StructTreeRoot", dictionary! { "K" => dictionary! { "Type" => "StructElem", "S" => "Launch" } })
                .is_empty()
        );
        assert!(told("field", "FS", dictionary! { "Type" => "Filespec", "F" => lopdf::text_string("elsewhere.pdf") }).is_empty());
        // Nothing leads to it.
        let mut document = document();
        document.add_object(script());
        assert!(active_content(&document).is_empty());
    }

    #[test]
    fn cycles_and_depth_end() {
        let mut deep = Object::from(script());
        for _ in 0..100_000 {
            deep = Object::Array(vec![deep]);
        }
        let mut document = document();
        let id = document.new_object_id();
        document.objects.insert(id, dictionary! { "Next" => id, "S" => "Launch", "Other" => vec![Object::from(id)] }.into());
        document.catalog_mut().unwrap().set("OpenAction", id);
        document.catalog_mut().unwrap().set("PieceInfo", deep);
        assert_eq!(active_content(&document), ActiveContent { javascript: 1, launch_actions: 1, ..ActiveContent::default() });
        // What drops it is not what is tested.
        std::mem::forget(document);
    }
}
