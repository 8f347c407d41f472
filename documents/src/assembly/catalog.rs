//! What the catalog of a stranger's file leads to, put in order: which entries are kept, and destinations in the open.

use std::collections::{BTreeMap, HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use crate::pdf::{self, Error, damaged};

/// Entries that are kept (ISO 32000-2 table 29); [`super::open`] says why the others are not.
const OF_CATALOG: [&[u8]; 20] = [
    b"Type",
    b"Pages",
    b"PageLabels",
    b"Names",
    b"Dests",
    b"ViewerPreferences",
    b"PageLayout",
    b"PageMode",
    b"Outlines",
    b"OpenAction",
    b"URI",
    b"AcroForm",
    b"Metadata",
    b"StructTreeRoot",
    b"MarkInfo",
    b"Lang",
    b"OutputIntents",
    b"OCProperties",
    b"Collection",
    b"AF",
];
/// Nodes of a name or number tree, and bookmarks, that are looked at.
const MAX_NODES: usize = 200_000;
/// Named destinations.
pub(super) const MAX_NAMES: usize = 200_000;

pub(super) fn clean(document: &mut Document) -> Result<(), Error> {
    let (root, catalog) = pdf::catalog(document)?;
    let kept = catalog.iter().filter(|(key, _)| OF_CATALOG.contains(&key.as_slice()));
    let mut kept: Dictionary = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    kept.set("Type", "Catalog");
    if !pdf::entry(document, &kept, b"OpenAction").is_some_and(|action| is_destination(document, action)) {
        kept.remove(b"OpenAction");
    }
    if let Some(names) = pdf::dict_entry(document, &kept, b"Names") {
        let trees = [b"Dests".as_slice(), b"EmbeddedFiles"];
        let names = names.iter().filter(|(key, _)| trees.contains(&key.as_slice()));
        let names: Dictionary = names.map(|(key, value)| (key.clone(), value.clone())).collect();
        kept.set("Names", names);
    }
    document.objects.insert(root, kept.into());
    Ok(())
}

/// A place in this document, or an action that goes to one and does nothing after it.
fn is_destination(document: &Document, action: &Object) -> bool {
    match action {
        Object::Array(_) | Object::Name(_) | Object::String(..) => true,
        Object::Dictionary(action) => {
            let kind = pdf::entry(document, action, b"S").and_then(|kind| kind.as_name().ok());
            kind == Some(b"GoTo") && !action.has(b"Next")
        }
        _ => false,
    }
}

/// The pairs of a name tree (ISO 32000-2 7.9.6) in its order, the first where a name occurs twice; or of a number tree (`Nums`).
///
/// # Errors
/// `Damaged` for a tree with cycles or one that is too large.
pub(super) fn tree_pairs<'a>(
    document: &'a Document,
    root: &'a Dictionary,
    leaf: &[u8],
) -> Result<Vec<(&'a Object, &'a Object)>, Error> {
    let mut pairs = Vec::new();
    let mut seen: HashSet<*const Dictionary> = HashSet::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        if !seen.insert(std::ptr::from_ref(node)) || seen.len() > MAX_NODES {
            return Err(damaged("a tree of names or numbers has a cycle or is too large"));
        }
        if let Some(items) = pdf::array_entry(document, node, leaf) {
            pairs.extend(items.chunks_exact(2).map(|pair| (pdf::resolve(document, &pair[0]), &pair[1])));
        }
        if let Some(kids) = pdf::array_entry(document, node, b"Kids") {
            let kids = kids.iter().rev().take(MAX_NODES + 1);
            open.extend(kids.filter_map(|kid| pdf::resolve(document, kid).as_dict().ok()));
        }
        if pairs.len() > MAX_NAMES || open.len() > MAX_NODES {
            return Err(damaged("a tree of names or numbers is too large"));
        }
    }
    Ok(pairs)
}

/// Replaces the names of destinations, where links and bookmarks use them, by the destinations themselves, so that names may
/// change when documents are put together. The names stay, in one list in the order that a name tree has.
///
/// # Errors
/// As [`tree_pairs`].
pub(super) fn settle_destinations(document: &mut Document) -> Result<(), Error> {
    let (root, catalog) = pdf::catalog(document)?;
    let mut named: BTreeMap<Vec<u8>, Object> = BTreeMap::new();
    let names = pdf::dict_entry(document, catalog, b"Names");
    if let Some(tree) = names.and_then(|names| pdf::dict_entry(document, names, b"Dests")) {
        for (name, destination) in tree_pairs(document, tree, b"Names")? {
            if let Object::String(name, _) = name {
                named.entry(name.clone()).or_insert_with(|| destination.clone());
            }
        }
    }
    for (name, destination) in pdf::dict_entry(document, catalog, b"Dests").into_iter().flat_map(Dictionary::iter).take(MAX_NAMES)
    {
        named.entry(name.clone()).or_insert_with(|| destination.clone());
    }
    let mut places: HashMap<Vec<u8>, ObjectId> = HashMap::new();
    let mut list = Vec::new();
    for (name, destination) in named {
        let array = match pdf::resolve(document, &destination) {
            Object::Array(array) => Some(array),
            Object::Dictionary(dictionary) => pdf::array_entry(document, dictionary, b"D"),
            _ => None,
        };
        // A page, how it is fitted, and at most four numbers: nothing that costs much to copy.
        let is_flat = |item: &Object| !matches!(item, Object::Array(_) | Object::Dictionary(_) | Object::Stream(_));
        let Some(array) = array.filter(|array| array.len() <= 8 && array.iter().all(is_flat)) else { continue };
        let array = array.clone();
        let id = document.add_object(array);
        list.push(Object::string_literal(name.clone()));
        list.push(id.into());
        places.insert(name, id);
    }
    let mut names = pdf::catalog(document)
        .ok()
        .and_then(|(_, catalog)| pdf::dict_entry(document, catalog, b"Names"))
        .cloned()
        .unwrap_or_default();
    names.remove(b"Dests");
    if !list.is_empty() {
        let tree: Dictionary = [("Names", Object::Array(list))].into_iter().collect();
        names.set("Dests", tree);
    }
    if let Some(catalog) = document.objects.get_mut(&root).and_then(|catalog| catalog.as_dict_mut().ok()) {
        catalog.remove(b"Dests");
        match names.is_empty() {
            true => drop(catalog.remove(b"Names")),
            false => catalog.set("Names", names),
        }
    }
    let numbers: Vec<ObjectId> = document.objects.keys().copied().collect();
    for id in numbers {
        let Some(Object::Dictionary(dictionary)) = document.objects.get_mut(&id) else { continue };
        replace_names(dictionary, &places);
    }
    Ok(())
}

/// Replaces names of destinations in a bookmark, a link or an action.
fn replace_names(dictionary: &mut Dictionary, places: &HashMap<Vec<u8>, ObjectId>) {
    let place = |name: &Object| match name {
        Object::String(name, _) | Object::Name(name) => places.get(name).copied(),
        _ => None,
    };
    let replace = |dictionary: &mut Dictionary, key: &[u8]| {
        let found = dictionary.get(key).ok().and_then(place);
        if let (Some(found), Ok(value)) = (found, dictionary.get_mut(key)) {
            *value = found.into();
        }
    };
    let goes = |action: &Dictionary| action.get(b"S").and_then(Object::as_name).is_ok_and(|kind| kind == b"GoTo");
    replace(dictionary, b"Dest");
    if goes(dictionary) {
        replace(dictionary, b"D");
    }
    for key in [b"A".as_slice(), b"OpenAction"] {
        if let Ok(Object::Dictionary(action)) = dictionary.get_mut(key)
            && goes(action)
        {
            replace(action, b"D");
        }
    }
    if dictionary.get(b"Type").and_then(Object::as_name).is_ok_and(|kind| kind == b"Catalog") {
        replace(dictionary, b"OpenAction");
    }
}
