//! The page tree and the annotations of a stranger's file, put in order.

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};

use crate::pdf::{self, Error, MAX_PAGES, damaged};

/// Depth of a page tree.
const MAX_PAGE_DEPTH: usize = 64;
/// Kids of one node of the page tree as it is written.
const KIDS_PER_NODE: usize = 64;
/// Values of pages that stand in the tree more than once and are copied.
const MAX_COPIED_VALUES: usize = 200_000;
/// Streams of contents, and annotations, of all pages: a list that pages share counts for each of them, as each gets its own.
const MAX_CONTENTS: usize = 100_000;
const MAX_ANNOTATIONS: usize = 100_000;
/// What a page has that is kept (ISO 32000-2 table 31). Beads, private data, thumbnails and scripts are not.
const OF_PAGE: [&[u8]; 22] = [
    b"Type",
    b"Resources",
    b"MediaBox",
    b"CropBox",
    b"BleedBox",
    b"TrimBox",
    b"ArtBox",
    b"BoxColorInfo",
    b"Contents",
    b"Rotate",
    b"Group",
    b"Annots",
    b"Metadata",
    b"StructParents",
    b"Tabs",
    b"UserUnit",
    b"VP",
    b"Dur",
    b"Trans",
    b"OutputIntents",
    b"AF",
    b"SeparationInfo",
];
/// Letter: what viewers take where a page has no size.
const DEFAULT_BOX: [i64; 4] = [0, 0, 612, 792];

/// What a page takes from the nodes above it.
#[derive(Clone, Default)]
struct Inherited {
    resources: Option<ObjectId>,
    media_box: Option<Object>,
    crop_box: Option<Object>,
    rotate: Option<i64>,
}

/// Makes each page an object of its own that inherits nothing, under a page tree that is written anew.
///
/// # Errors
/// `Damaged` for a tree with cycles, a tree that is too deep or too large, and one without pages.
pub(super) fn rebuild(document: &mut Document) -> Result<(), Error> {
    let (root_id, catalog) = pdf::catalog(document)?;
    let root = catalog.get(b"Pages").and_then(Object::as_reference).map_err(|_| damaged("it has no page tree"))?;
    let mut pages = Vec::new();
    let mut seen = HashSet::new();
    let mut used = HashSet::new();
    let mut copied = 0;
    let mut contents = 0;
    let mut stack = vec![(root, Inherited::default(), 0)];
    while let Some((id, above, depth)) = stack.pop() {
        let Some(node) = pdf::dict_at(document, id) else { continue };
        let kids = pdf::array_entry(document, node, b"Kids").map(|kids| kids.iter().rev().cloned().collect::<Vec<_>>());
        let Some(kids) = kids else {
            let mut id = id;
            if !used.insert(id) {
                copied += values(node, MAX_COPIED_VALUES - copied);
                if copied >= MAX_COPIED_VALUES {
                    return Err(damaged("its page tree has the same pages again and again"));
                }
                id = document.add_object(node.clone());
            }
            let page = page(document, id, &above, &mut contents)?;
            document.objects.insert(id, page.into());
            pages.push(id);
            if pages.len() > MAX_PAGES {
                return Err(damaged(format!("it has more than {MAX_PAGES} pages")));
            }
            continue;
        };
        if !seen.insert(id) {
            return Err(damaged("its page tree has a cycle"));
        }
        if depth > MAX_PAGE_DEPTH {
            return Err(damaged("its page tree is too deep"));
        }
        let inherited = inherit(document, id, above);
        for kid in kids {
            let kid = match kid {
                Object::Reference(kid) => kid,
                page @ Object::Dictionary(_) => document.add_object(page),
                _ => continue,
            };
            stack.push((kid, inherited.clone(), depth + 1));
        }
        if stack.len() > 2 * MAX_PAGES {
            return Err(damaged(format!("it has more than {MAX_PAGES} pages")));
        }
    }
    if pages.is_empty() {
        return Err(damaged("it has no pages"));
    }
    let tree = tree(document, pages);
    if let Some(catalog) = document.objects.get_mut(&root_id).and_then(|catalog| catalog.as_dict_mut().ok()) {
        catalog.set("Pages", tree);
    }
    Ok(())
}

fn inherit(document: &mut Document, node: ObjectId, above: Inherited) -> Inherited {
    let resources = resources_of(document, node);
    let Some(node) = pdf::dict_at(document, node) else { return above };
    Inherited {
        resources: resources.or(above.resources),
        media_box: rectangle(document, node, b"MediaBox").or(above.media_box),
        crop_box: rectangle(document, node, b"CropBox").or(above.crop_box),
        rotate: pdf::entry(document, node, b"Rotate").and_then(|angle| angle.as_i64().ok()).or(above.rotate),
    }
}

/// The object that holds the resources of a page or of a node above it: made one of its own if it is none yet.
fn resources_of(document: &mut Document, node: ObjectId) -> Option<ObjectId> {
    let dictionary = pdf::dict_at(document, node)?;
    match dictionary.get(b"Resources").ok()? {
        Object::Reference(id) => pdf::dict_at(document, *id).map(|_| *id),
        Object::Dictionary(resources) => {
            let resources = resources.clone();
            let id = document.add_object(resources);
            let node = document.objects.get_mut(&node).and_then(|node| node.as_dict_mut().ok())?;
            node.set("Resources", id);
            Some(id)
        }
        _ => None,
    }
}

fn rectangle(document: &Document, node: &Dictionary, key: &[u8]) -> Option<Object> {
    let corners = pdf::array_entry(document, node, key)?;
    let corners: Vec<Object> = corners.iter().map(|corner| pdf::resolve(document, corner).clone()).take(5).collect();
    let is_rectangle = corners.len() == 4 && corners.iter().all(|corner| corner.as_float().is_ok());
    is_rectangle.then_some(Object::Array(corners))
}

fn page(document: &mut Document, id: ObjectId, above: &Inherited, contents: &mut usize) -> Result<Dictionary, Error> {
    let resources = resources_of(document, id).or(above.resources);
    let resources = resources.unwrap_or_else(|| document.add_object(Dictionary::new()));
    let Some(own) = pdf::dict_at(document, id) else { return Err(damaged("a page is missing")) };
    let kept = own.iter().filter(|(key, _)| OF_PAGE.contains(&key.as_slice()));
    let mut page: Dictionary = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    page.set("Type", "Page");
    page.set("Resources", resources);
    let media_box = rectangle(document, own, b"MediaBox").or_else(|| above.media_box.clone());
    page.set("MediaBox", media_box.unwrap_or_else(|| DEFAULT_BOX.map(Object::Integer).to_vec().into()));
    match rectangle(document, own, b"CropBox").or_else(|| above.crop_box.clone()) {
        Some(crop_box) => page.set("CropBox", crop_box),
        None => drop(page.remove(b"CropBox")),
    }
    let rotate = pdf::entry(document, own, b"Rotate").and_then(|angle| angle.as_i64().ok()).or(above.rotate);
    // Other angles are none for viewers (ISO 32000-2 table 31).
    match rotate.map(|angle| angle.rem_euclid(360)).filter(|angle| *angle != 0 && angle % 90 == 0) {
        Some(angle) => page.set("Rotate", angle),
        None => drop(page.remove(b"Rotate")),
    }
    let streams = contents_of(document, own);
    *contents += streams.len();
    if *contents > MAX_CONTENTS {
        return Err(damaged("its pages have too many streams of content"));
    }
    match streams.len() {
        0 => drop(page.remove(b"Contents")),
        1 => page.set("Contents", streams[0]),
        _ => page.set("Contents", streams.into_iter().map(Object::from).collect::<Vec<_>>()),
    }
    Ok(page)
}

/// The streams of a page's content; what is none is left out, as viewers do.
fn contents_of(document: &Document, page: &Dictionary) -> Vec<ObjectId> {
    let is_stream = |id: &ObjectId| document.objects.get(id).is_some_and(|object| object.as_stream().is_ok());
    let stream = |object: &Object| object.as_reference().ok().map(|id| last(document, id)).filter(is_stream);
    let Ok(contents) = page.get(b"Contents") else { return Vec::new() };
    match pdf::resolve(document, contents) {
        Object::Array(items) => items.iter().filter_map(stream).take(MAX_CONTENTS + 1).collect(),
        _ => stream(contents).into_iter().collect(),
    }
}

/// The object that a reference leads to in the end.
fn last(document: &Document, mut id: ObjectId) -> ObjectId {
    for _ in 0..16 {
        match document.objects.get(&id) {
            Some(Object::Reference(further)) => id = *further,
            _ => break,
        }
    }
    id
}

/// The number of values in a dictionary, or `limit` where there are as many.
fn values(dictionary: &Dictionary, limit: usize) -> usize {
    let mut found = 0;
    let mut open: Vec<&Object> = dictionary.iter().map(|(_, value)| value).collect();
    while let Some(value) = open.pop() {
        found += 1;
        if found >= limit {
            return limit;
        }
        match value {
            Object::Array(items) => open.extend(items.iter().take(limit)),
            Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value).take(limit)),
            _ => {}
        }
    }
    found
}

/// The tree above the pages: one node, or several levels where there are many pages.
fn tree(document: &mut Document, pages: Vec<ObjectId>) -> ObjectId {
    let mut level: Vec<(ObjectId, usize)> = pages.into_iter().map(|page| (page, 1)).collect();
    loop {
        let mut nodes = Vec::new();
        for kids in level.chunks(KIDS_PER_NODE) {
            let count: usize = kids.iter().map(|(_, count)| count).sum();
            let list: Vec<Object> = kids.iter().map(|(kid, _)| Object::from(*kid)).collect();
            let node = document.add_object(dictionary! { "Type" => "Pages", "Kids" => list, "Count" => count as i64 });
            for (kid, _) in kids {
                if let Some(kid) = document.objects.get_mut(kid).and_then(|kid| kid.as_dict_mut().ok()) {
                    kid.set("Parent", node);
                }
            }
            nodes.push((node, count));
        }
        match nodes[..] {
            [(root, _)] => return root,
            _ => level = nodes,
        }
    }
}

/// Makes the annotations of each page a list of references to dictionaries, each of them once.
///
/// A widget names the first page that lists it, and what is drawn for an annotation is a form XObject.
///
/// # Errors
/// `Damaged` for more than [`MAX_ANNOTATIONS`].
pub(super) fn clean_annotations(document: &mut Document) -> Result<(), Error> {
    let mut total = 0;
    let mut first_page: HashMap<ObjectId, ObjectId> = HashMap::new();
    for page in pdf::pages(document)? {
        let Some(dictionary) = pdf::dict_at(document, page) else { continue };
        let Some(annotations) = pdf::array_entry(document, dictionary, b"Annots") else {
            remove(document, page, b"Annots");
            continue;
        };
        total += annotations.len();
        if total > MAX_ANNOTATIONS {
            return Err(damaged(format!("it has more than {MAX_ANNOTATIONS} annotations")));
        }
        let mut once = HashSet::new();
        let mut list = Vec::with_capacity(annotations.len());
        for annotation in annotations.clone() {
            let id = match annotation {
                Object::Reference(id) => last(document, id),
                Object::Dictionary(inline) => document.add_object(inline),
                _ => continue,
            };
            if pdf::dict_at(document, id).is_some() && once.insert(id) {
                first_page.entry(id).or_insert(page);
                list.push(Object::from(id));
            }
        }
        match list.is_empty() {
            true => remove(document, page, b"Annots"),
            false => set(document, page, "Annots", list.into()),
        }
    }
    let mut seen = HashSet::new();
    for (annotation, page) in first_page {
        clean_annotation(document, annotation, page, &mut seen);
    }
    Ok(())
}

/// `seen` are dictionaries of looks that were put in order for another one.
fn clean_annotation(document: &mut Document, annotation: ObjectId, page: ObjectId, seen: &mut HashSet<ObjectId>) {
    let Some(found) = pdf::dict_at(document, annotation) else { return };
    let is_widget = pdf::is_widget(document, found);
    let actions = pdf::dict_entry(document, found, b"AA");
    // They run when a page is opened or shown; the others wait for a person.
    let by_themselves = |key: &[u8]| matches!(key, b"PO" | b"PC" | b"PV" | b"PI");
    let actions = actions.filter(|actions| actions.iter().any(|(key, _)| by_themselves(key)));
    let waiting = actions.map(|actions| -> Dictionary {
        actions.iter().filter(|(key, _)| !by_themselves(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
    });
    let looks = looks_of(document, found, seen);
    match waiting {
        Some(waiting) if waiting.is_empty() => remove(document, annotation, b"AA"),
        Some(waiting) => set(document, annotation, "AA", waiting.into()),
        None => {}
    }
    if is_widget {
        set(document, annotation, "P", page.into());
    }
    // Both may be missing in what viewers draw for an annotation, but not in what a page's content draws.
    for look in looks {
        if let Some(stream) = document.objects.get_mut(&look).and_then(|look| look.as_stream_mut().ok()) {
            stream.dict.set("Type", "XObject");
            stream.dict.set("Subtype", "Form");
        }
    }
}

/// The streams of an annotation's normal appearance, unless it shares them with another that was `seen`.
fn looks_of(document: &Document, annotation: &Dictionary, seen: &mut HashSet<ObjectId>) -> Vec<ObjectId> {
    let Some(looks) = pdf::dict_entry(document, annotation, b"AP") else { return Vec::new() };
    let Ok(normal) = looks.get(b"N") else { return Vec::new() };
    let mut shared = [annotation.get(b"AP").ok(), Some(normal)].into_iter().flatten().filter_map(|look| look.as_reference().ok());
    if !shared.all(|look| seen.insert(look)) {
        return Vec::new();
    }
    let stream = |object: &Object| object.as_reference().ok().map(|id| last(document, id));
    match pdf::resolve(document, normal) {
        Object::Dictionary(states) => states.iter().filter_map(|(_, state)| stream(state)).collect(),
        Object::Stream(_) => stream(normal).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Sets an entry of an object that is a dictionary.
pub(super) fn set(document: &mut Document, id: ObjectId, key: &str, value: Object) {
    if let Some(dictionary) = document.objects.get_mut(&id).and_then(|object| object.as_dict_mut().ok()) {
        dictionary.set(key, value);
    }
}

fn remove(document: &mut Document, id: ObjectId, key: &[u8]) {
    if let Some(dictionary) = document.objects.get_mut(&id).and_then(|object| object.as_dict_mut().ok()) {
        dictionary.remove(key);
    }
}
