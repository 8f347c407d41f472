//! Buttons that reset or send fields (ISO 32000-2 12.7.6): they name the fields by reference, so that they go on meaning these when the
//! fields get other names.

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use crate::{fields, pdf};

/// Replaces the names of fields in such actions by the fields themselves. A name that no field has stays.
pub(super) fn settle_fields(document: &mut Document) {
    // Lists of names that are objects of their own.
    let mut lists: HashSet<ObjectId> = HashSet::new();
    let mut has_actions = false;
    for object in document.objects.values() {
        let mut open = vec![object];
        while let Some(object) = open.pop() {
            if let Some(Ok(listed)) = object.as_dict().ok().filter(|action| is_meant(action)).map(|action| action.get(b"Fields"))
            {
                has_actions = true;
                lists.extend(listed.as_reference().ok());
            }
            match object {
                Object::Array(items) => open.extend(items),
                Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value)),
                _ => {}
            }
        }
    }
    if !has_actions {
        return;
    }
    let places = named(document);
    for (id, object) in &mut document.objects {
        if lists.contains(id) {
            refer(object, &places);
        }
        let mut open = vec![object];
        while let Some(object) = open.pop() {
            match object {
                Object::Array(items) => open.extend(items),
                Object::Dictionary(dictionary) => {
                    if is_meant(dictionary)
                        && let Ok(listed) = dictionary.get_mut(b"Fields")
                    {
                        refer(listed, &places);
                    }
                    open.extend(dictionary.iter_mut().map(|(_, value)| value));
                }
                _ => {}
            }
        }
    }
}

fn is_meant(action: &Dictionary) -> bool {
    action.get(b"S").and_then(Object::as_name).is_ok_and(|kind| matches!(kind, b"ResetForm" | b"SubmitForm"))
}

fn refer(listed: &mut Object, places: &HashMap<String, ObjectId>) {
    for item in listed.as_array_mut().into_iter().flatten() {
        if let Some(place) = pdf::text(item).and_then(|name| places.get(&name)) {
            *item = (*place).into();
        }
    }
}

/// The fields of a form by their full names, also those above others; of several with one name, the first.
fn named(document: &Document) -> HashMap<String, ObjectId> {
    let form = pdf::catalog(document).ok().and_then(|(_, catalog)| pdf::dict_entry(document, catalog, b"AcroForm"));
    let roots = form.and_then(|form| pdf::array_entry(document, form, b"Fields"));
    let ids = |items: &[Object]| items.iter().rev().filter_map(|item| item.as_reference().ok()).collect::<Vec<_>>();
    let roots = ids(roots.map(Vec::as_slice).unwrap_or_default()).into_iter();
    let mut open: Vec<(ObjectId, String, usize)> = roots.map(|root| (root, String::new(), 0)).collect();
    let (mut places, mut seen) = (HashMap::new(), 0);
    while let Some((id, above, depth)) = open.pop() {
        let Some(field) = pdf::dict_at(document, id) else { continue };
        seen += 1;
        // Forms beyond these bounds are refused when they are compiled.
        if seen > fields::MAX_FIELDS || depth > fields::MAX_DEPTH {
            break;
        }
        let Some(own) = pdf::entry(document, field, b"T").and_then(pdf::text) else { continue };
        let name = if above.is_empty() { own } else { format!("{above}.{own}") };
        if name.len() > fields::MAX_NAME_BYTES {
            break;
        }
        let kids = ids(pdf::array_entry(document, field, b"Kids").map(Vec::as_slice).unwrap_or_default());
        open.extend(kids.into_iter().map(|kid| (kid, name.clone(), depth + 1)));
        places.entry(name).or_insert(id);
    }
    places
}
