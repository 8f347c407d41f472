//! Walks over object graphs: what can be reached, what the pages and the appearances draw with, whether two objects say the
//! same. All are bounded, whatever the file says.

use std::collections::{BTreeMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use crate::pdf;

/// Nesting of direct objects that is followed.
const MAX_DEPTH: usize = 64;
/// Objects that are compared before two values count as different.
const MAX_COMPARED: usize = 100_000;
/// Ways back from what is drawn to the rest of the document, which are not taken.
const NOT_DRAWN: [&[u8]; 4] = [b"Parent", b"P", b"Annots", b"StructParent"];
/// Fields above a field that are asked for a default appearance.
const MAX_ABOVE: usize = 32;

/// The objects that can be reached from `starts`, not going through the keys in `not_through` nor the objects in `closed`.
pub(super) fn reachable(
    document: &Document,
    starts: Vec<&Object>,
    not_through: &[&[u8]],
    closed: &[ObjectId],
) -> HashSet<ObjectId> {
    let mut found = HashSet::new();
    let mut open: Vec<ObjectId> = Vec::new();
    for start in starts {
        collect(start, not_through, 0, &mut |id| open.push(id));
    }
    while let Some(id) = open.pop() {
        if !closed.contains(&id)
            && found.insert(id)
            && let Some(object) = document.objects.get(&id)
        {
            collect(object, not_through, 0, &mut |id| {
                if !found.contains(&id) {
                    open.push(id);
                }
            });
        }
    }
    found
}

pub(super) fn references_in<'a>(objects: impl Iterator<Item = &'a Object>) -> HashSet<ObjectId> {
    let mut found = HashSet::new();
    for object in objects {
        collect(object, &[], 0, &mut |id| {
            found.insert(id);
        });
    }
    found
}

/// Calls `found` for each reference in an object. The parser bounds the nesting; so does this.
fn collect(object: &Object, not_through: &[&[u8]], depth: usize, found: &mut dyn FnMut(ObjectId)) {
    if depth > MAX_DEPTH {
        return;
    }
    let dictionary = match object {
        Object::Reference(id) => return found(*id),
        Object::Array(items) => return items.iter().for_each(|item| collect(item, not_through, depth + 1, found)),
        Object::Dictionary(dictionary) => dictionary,
        Object::Stream(stream) => &stream.dict,
        _ => return,
    };
    for (key, value) in dictionary.iter() {
        if !not_through.contains(&key.as_slice()) {
            collect(value, not_through, depth + 1, found);
        }
    }
}

/// Everything that pages and page tree nodes draw with: contents and resources.
pub(super) fn page_content(document: &Document) -> Result<HashSet<ObjectId>, pdf::Error> {
    let mut nodes: BTreeMap<ObjectId, &Dictionary> = BTreeMap::new();
    for page in pdf::pages(document)? {
        let mut next = Some(page);
        while let Some(id) = next.filter(|id| !nodes.contains_key(id)) {
            let Some(node) = pdf::dict_at(document, id) else { break };
            nodes.insert(id, node);
            next = node.get(b"Parent").and_then(Object::as_reference).ok();
        }
    }
    let drawn = nodes.values().flat_map(|node| [b"Contents".as_slice(), b"Resources"].map(|key| node.get(key).ok()));
    Ok(reachable(document, drawn.flatten().collect(), &NOT_DRAWN, &[]))
}

/// Everything that the appearance streams `appearances` draw with, the streams themselves left out unless another draws them.
pub(super) fn appearance_content(document: &Document, appearances: &[ObjectId]) -> HashSet<ObjectId> {
    let streams = appearances.iter().filter_map(|id| document.objects.get(id)?.as_stream().ok());
    let resources = streams.filter_map(|stream| stream.dict.get(b"Resources").ok());
    reachable(document, resources.collect(), &NOT_DRAWN, &[])
}

/// The appearance streams of a widget or annotation: of each kind, and for each state (ISO 32000-2 12.5.5).
pub(super) fn appearances(document: &Document, annotation: &Dictionary) -> Vec<ObjectId> {
    let mut found = Vec::new();
    let kinds = pdf::dict_entry(document, annotation, b"AP").into_iter().flat_map(Dictionary::iter);
    for (_, appearance) in kinds {
        found.extend(appearance.as_reference().ok());
        let states = pdf::resolve(document, appearance).as_dict().into_iter().flat_map(Dictionary::iter);
        found.extend(states.filter_map(|(_, state)| state.as_reference().ok()));
    }
    found
}

/// Whether two values say the same, wherever their parts are stored. One reference in both is the same: a change of what it
/// leads to is judged by itself.
pub(super) fn same((left_document, left): (&Document, &Object), (right_document, right): (&Document, &Object)) -> bool {
    let mut open = vec![(left, right, 0)];
    let mut seen: HashSet<(ObjectId, ObjectId)> = HashSet::new();
    let mut compared = 0;
    while let Some((left, right, depth)) = open.pop() {
        compared += 1;
        if compared > MAX_COMPARED || depth > MAX_DEPTH {
            return false;
        }
        match (left.as_reference(), right.as_reference()) {
            (Ok(left), Ok(right)) if left == right || !seen.insert((left, right)) => continue,
            _ => {}
        }
        let (left, right) = (pdf::resolve(left_document, left), pdf::resolve(right_document, right));
        let dictionaries = match (left, right) {
            (Object::Array(left), Object::Array(right)) if left.len() == right.len() => {
                open.extend(left.iter().zip(right).map(|(left, right)| (left, right, depth + 1)));
                continue;
            }
            (Object::Dictionary(left), Object::Dictionary(right)) => (left, right),
            (Object::Stream(left), Object::Stream(right)) if left.content == right.content => (&left.dict, &right.dict),
            (left, right) if left == right => continue,
            _ => return false,
        };
        let (left, right) = dictionaries;
        if left.len() != right.len() {
            return false;
        }
        for (key, value) in left.iter() {
            let Ok(other) = right.get(key) else { return false };
            open.push((value, other, depth + 1));
        }
    }
    true
}

/// An entry of a field's dictionary, or of one above it.
pub(super) fn inherited<'a>(document: &'a Document, id: ObjectId, key: &[u8]) -> Option<&'a Object> {
    let mut dictionary = pdf::dict_at(document, id)?;
    for _ in 0..MAX_ABOVE {
        if let Some(value) = pdf::entry(document, dictionary, key) {
            return Some(value);
        }
        dictionary = pdf::dict_entry(document, dictionary, b"Parent")?;
    }
    None
}
