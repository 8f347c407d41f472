//! A stranger's PDF as it is worked on: plain, whole, and free of what a filled document must not carry along.
//!
//! What a reader expects to keep is kept: pages, links and notes, bookmarks, named destinations, page labels, the structure,
//! metadata, output intents, optional content, embedded files, how the viewer shows the pages. What is left out, and why:
//!
//! | left out | why |
//! | --- | --- |
//! | `XFA`, `NeedsRendering` | some viewers show it instead of the pages |
//! | scripts and actions that run by themselves: `OpenAction` that is no destination, `AA` of the document, its pages and annotations that come into view, the name tree `JavaScript` | they may change what is shown; what a person starts (links, buttons, the checks and formats of a field) stays |
//! | `Perms`, `Legal`, `DSS`, `Extensions`, `Requirements` | they speak of the file as it was: usage rights, signatures |
//! | `PieceInfo`, thumbnails, `SpiderInfo`, article threads, templates of pages | private, out of date once a form is filled, or not shown |
//! | objects that nothing reaches, object streams | the file is written anew |

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::{actions, catalog, pages, sweep};
use crate::pdf::{self, Error, ambiguous};
use crate::{fields, reader};

/// Reads a PDF with the project's strict reader and puts it in order. An encrypted one is decrypted, if it opens without a password.
///
/// Afterwards: object numbers have no gaps; every page is an object of its own that inherits nothing and whose `Resources`
/// are an object of their own; `Annots` are lists of references to dictionaries; the form, if there is one, is an object
/// of its own, and every widget of the pages belongs to a field of its tree, where it can be told; what is referred to exists.
/// `NeedAppearances` is still there for who draws the values; no assembled file has it.
///
/// # Errors
/// [`Error`], as for a file that is to be sealed: damaged, to be read in different ways, with a password.
pub(crate) fn open(bytes: &[u8]) -> Result<Document, Error> {
    let file = reader::open(bytes)?;
    file.reached().map_err(ambiguous)?;
    let was_encrypted = file.encryption.is_some();
    let mut document = file.document;
    pdf::guarded(|| put_in_order(&mut document, was_encrypted))??;
    Ok(document)
}

fn put_in_order(document: &mut Document, was_encrypted: bool) -> Result<(), Error> {
    if was_encrypted {
        drop_crypt_filters(document);
    }
    keep_of_trailer(document);
    catalog::clean(document)?;
    pages::rebuild(document)?;
    pages::clean_annotations(document)?;
    clean_form(document)?;
    actions::settle_fields(document);
    catalog::settle_destinations(document)?;
    sweep::sweep(document)
}

/// The streams are plain now; a filter that says that one was not encrypted would mean nothing (ISO 32000-2 7.4.10).
fn drop_crypt_filters(document: &mut Document) {
    let is_crypt = |name: &Object| name.as_name().is_ok_and(|name| name == b"Crypt");
    for stream in document.objects.values_mut().filter_map(|object| object.as_stream_mut().ok()) {
        match stream.dict.get_mut(b"Filter") {
            Ok(Object::Name(name)) if name == b"Crypt" => {
                stream.dict.remove(b"Filter");
                stream.dict.remove(b"DecodeParms");
            }
            Ok(Object::Array(filters)) => {
                let Some(at) = filters.iter().position(is_crypt) else { continue };
                filters.remove(at);
                if let Ok(Object::Array(parameters)) = stream.dict.get_mut(b"DecodeParms")
                    && at < parameters.len()
                {
                    parameters.remove(at);
                }
            }
            _ => {}
        }
    }
}

fn keep_of_trailer(document: &mut Document) {
    let mut trailer = Dictionary::new();
    for key in [b"Root".as_slice(), b"Info"] {
        if let Ok(value @ Object::Reference(_)) = document.trailer.get(key) {
            trailer.set(key, value.clone());
        }
    }
    let is_dictionary = |id: &Object| id.as_reference().is_ok_and(|id| pdf::dict_at(document, id).is_some());
    if !trailer.get(b"Info").is_ok_and(is_dictionary) {
        trailer.remove(b"Info");
    }
    document.trailer = trailer;
}

/// What is kept of the form. `NeedAppearances` is for who draws the values.
const OF_FORM: [&[u8]; 7] = [b"Fields", b"DR", b"DA", b"Q", b"CO", b"SigFlags", b"NeedAppearances"];

fn clean_form(document: &mut Document) -> Result<(), Error> {
    let (root, catalog) = pdf::catalog(document)?;
    let form = pdf::dict_entry(document, catalog, b"AcroForm");
    let had_form = form.is_some();
    let mut form: Dictionary = form.cloned().unwrap_or_default();
    let entries = form.iter().filter(|(key, _)| OF_FORM.contains(&key.as_slice()));
    form = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
    let listed = pdf::array_entry(document, &form, b"Fields").map(Vec::as_slice).unwrap_or_default();
    let mut roots: Vec<ObjectId> = listed.iter().filter_map(|field| field.as_reference().ok()).collect();
    settle_tree(document, &mut roots)?;
    adopt(document, &mut roots)?;
    if roots.is_empty() && !had_form {
        return Ok(());
    }
    hand_down(document, &mut form, &roots);
    form.set("Fields", roots.into_iter().map(Object::from).collect::<Vec<_>>());
    let id = document.add_object(form);
    if let Some(catalog) = document.objects.get_mut(&root).and_then(|catalog| catalog.as_dict_mut().ok()) {
        catalog.set("AcroForm", id);
    }
    Ok(())
}

/// Makes the fields a tree: each stands in it once, and names the one above it. What stands there again, and what is no field (parts
/// of the page tree, in files seen), is left out.
fn settle_tree(document: &mut Document, roots: &mut Vec<ObjectId>) -> Result<(), Error> {
    let mut seen = HashSet::new();
    roots.retain(|root| is_field(document, *root) && seen.insert(*root));
    let mut open: Vec<(ObjectId, Option<ObjectId>)> = roots.iter().map(|root| (*root, None)).collect();
    while let Some((id, parent)) = open.pop() {
        let Some(field) = pdf::dict_at(document, id) else { continue };
        let kids = pdf::array_entry(document, field, b"Kids").map(|kids| {
            let kids = kids.iter().filter_map(|kid| kid.as_reference().ok());
            kids.filter(|kid| is_field(document, *kid) && seen.insert(*kid)).collect::<Vec<_>>()
        });
        if seen.len() > fields::MAX_FIELDS {
            return Err(pdf::damaged(format!("its form has more than {} fields", fields::MAX_FIELDS)));
        }
        let Some(field) = document.objects.get_mut(&id).and_then(|field| field.as_dict_mut().ok()) else { continue };
        match parent {
            Some(parent) => field.set("Parent", parent),
            None => drop(field.remove(b"Parent")),
        }
        match kids {
            Some(kids) if kids.is_empty() => drop(field.remove(b"Kids")),
            Some(kids) => {
                open.extend(kids.iter().map(|kid| (*kid, Some(id))));
                field.set("Kids", kids.into_iter().map(Object::from).collect::<Vec<_>>());
            }
            None => {}
        }
        // Of its own, as the standard wants it (ISO 32000-2 table 235): it can be written with other names then.
        if let Ok(Object::Dictionary(lock)) = field.get(b"Lock") {
            let lock = lock.clone();
            let lock = document.add_object(lock);
            pages::set(document, id, "Lock", lock.into());
        }
    }
    Ok(())
}

fn is_field(document: &Document, id: ObjectId) -> bool {
    const OTHERS: [&[u8]; 3] = [b"Page", b"Pages", b"Catalog"];
    pdf::dict_at(document, id).is_some_and(|field| !OTHERS.iter().any(|kind| field.has_type(kind)))
}

/// Adds fields to the tree whose widgets stand on pages and which it lacks, as programs do that show such forms as forms.
fn adopt(document: &mut Document, roots: &mut Vec<ObjectId>) -> Result<(), Error> {
    let before = roots.len();
    let mut in_tree = HashSet::new();
    roots.iter().try_for_each(|root| mark(document, *root, &mut in_tree))?;
    for page in pdf::pages(document)? {
        let Some(page) = pdf::dict_at(document, page) else { continue };
        for widget in pdf::array_entry(document, page, b"Annots").into_iter().flatten() {
            let Ok(widget) = widget.as_reference() else { continue };
            if in_tree.contains(&widget) || !pdf::dict_at(document, widget).is_some_and(|found| pdf::is_widget(document, found)) {
                continue;
            }
            let root = root_of(document, widget).filter(|root| !in_tree.contains(root) && is_field(document, *root));
            if let Some(root) = root {
                mark(document, root, &mut in_tree)?;
                roots.push(root);
            }
        }
    }
    if roots.len() > before { settle_tree(document, roots) } else { Ok(()) }
}

fn mark(document: &Document, root: ObjectId, seen: &mut HashSet<ObjectId>) -> Result<(), Error> {
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if seen.len() > fields::MAX_FIELDS {
            return Err(pdf::damaged(format!("its form has more than {} fields", fields::MAX_FIELDS)));
        }
        let kids = pdf::dict_at(document, id).and_then(|field| pdf::array_entry(document, field, b"Kids"));
        let kids = kids.into_iter().flatten().filter_map(|kid| kid.as_reference().ok());
        // No more than are looked at before the form counts as hostile.
        open.extend(kids.take(fields::MAX_FIELDS + 1));
    }
    Ok(())
}

/// The field at the top of a widget, if it has a type and a name on the way.
fn root_of(document: &Document, widget: ObjectId) -> Option<ObjectId> {
    let (mut id, mut has_type, mut has_name) = (widget, false, false);
    for _ in 0..=fields::MAX_DEPTH {
        let field = pdf::dict_at(document, id)?;
        has_type |= pdf::entry(document, field, b"FT").is_some();
        has_name |= pdf::entry(document, field, b"T").is_some();
        match field.get(b"Parent").and_then(Object::as_reference) {
            Ok(parent) if pdf::dict_at(document, parent).is_some() => id = parent,
            _ => return (has_type && has_name).then_some(id),
        }
    }
    None
}

/// Bytes of a default appearance that is written into each field; a longer one is an object that they share.
const MAX_COPIED_APPEARANCE: usize = 128;

fn is_long(value: &Object) -> bool {
    value.as_str().is_ok_and(|text| text.len() > MAX_COPIED_APPEARANCE)
}

/// What the form says for all of its fields is said by the fields themselves, so that forms can be put together.
fn hand_down(document: &mut Document, form: &mut Dictionary, roots: &[ObjectId]) {
    for key in [b"DA".as_slice(), b"Q"] {
        let value = match pdf::entry(document, form, key).cloned() {
            Some(long @ Object::String(..)) if is_long(&long) => Object::Reference(document.add_object(long)),
            Some(value @ (Object::String(..) | Object::Integer(_))) => value,
            _ => {
                form.remove(key);
                continue;
            }
        };
        form.set(key, value.clone());
        for root in roots {
            let Some(field) = document.objects.get_mut(root).and_then(|field| field.as_dict_mut().ok()) else { continue };
            let is_signature = field.get(b"FT").and_then(Object::as_name).is_ok_and(|kind| kind == b"Sig");
            if !is_signature && !field.has(key) {
                field.set(key, value.clone());
            }
        }
    }
}
