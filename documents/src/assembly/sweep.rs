//! Objects that nothing reaches go; the others are numbered from 1 without gaps.

use std::collections::{BTreeMap, HashMap};

use lopdf::{Dictionary, Document, Object, ObjectId};

use crate::pdf::Error;

/// References to references that are followed.
const MAX_INDIRECTIONS: usize = 16;

/// Keeps what the trailer reaches. What is referred to and does not exist is null, which a dictionary leaves out.
pub(super) fn sweep(document: &mut Document) -> Result<(), Error> {
    let mut order: Vec<ObjectId> = Vec::new();
    let mut numbers: HashMap<ObjectId, u32> = HashMap::new();
    let mut reached = Vec::new();
    let trailer = Object::Dictionary(std::mem::take(&mut document.trailer));
    crate::reader::references(&trailer, &mut reached);
    let mut next = 0;
    loop {
        for id in reached.drain(..) {
            let Some(id) = target(document, id) else { continue };
            numbers.entry(id).or_insert_with(|| {
                order.push(id);
                order.len() as u32
            });
        }
        let Some(id) = order.get(next) else { break };
        next += 1;
        if let Some(object) = document.objects.get(id) {
            crate::reader::references(object, &mut reached);
        }
    }
    let new_number = |document: &Document, id: ObjectId| numbers.get(&target(document, id)?).map(|number| (*number, 0));
    let mut targets: HashMap<ObjectId, Option<ObjectId>> = HashMap::new();
    let mut all = Vec::new();
    crate::reader::references(&trailer, &mut all);
    order.iter().filter_map(|id| document.objects.get(id)).for_each(|object| crate::reader::references(object, &mut all));
    for id in all {
        targets.entry(id).or_insert_with(|| new_number(document, id));
    }
    let mut objects = BTreeMap::new();
    for (index, id) in order.iter().enumerate() {
        let Some(mut object) = document.objects.remove(id) else { continue };
        renumber(&mut object, &targets);
        objects.insert((index as u32 + 1, 0), object);
    }
    let mut trailer = trailer;
    renumber(&mut trailer, &targets);
    document.trailer = trailer.as_dict().cloned().unwrap_or_default();
    document.max_id = order.len() as u32;
    document.objects = objects;
    Ok(())
}

/// The object that a reference leads to in the end, if it exists and is not null.
fn target(document: &Document, mut id: ObjectId) -> Option<ObjectId> {
    for _ in 0..MAX_INDIRECTIONS {
        match document.objects.get(&id)? {
            Object::Reference(further) => id = *further,
            Object::Null => return None,
            _ => return Some(id),
        }
    }
    None
}

/// Without recursion: how deep objects lie within each other is for the file to say.
fn renumber(object: &mut Object, targets: &HashMap<ObjectId, Option<ObjectId>>) {
    let mut open = vec![object];
    while let Some(object) = open.pop() {
        match object {
            Object::Reference(id) => match targets.get(id).copied().flatten() {
                Some(new) => *id = new,
                None => *object = Object::Null,
            },
            Object::Array(items) => open.extend(items),
            Object::Dictionary(dictionary) => open.extend(without_missing(dictionary, targets)),
            Object::Stream(stream) => open.extend(without_missing(&mut stream.dict, targets)),
            _ => {}
        }
    }
}

fn without_missing<'a>(
    dictionary: &'a mut Dictionary,
    targets: &HashMap<ObjectId, Option<ObjectId>>,
) -> impl Iterator<Item = &'a mut Object> {
    let is_missing = |value: &Object| match value {
        Object::Null => true,
        Object::Reference(id) => targets.get(id).copied().flatten().is_none(),
        _ => false,
    };
    if dictionary.iter().any(|(_, value)| is_missing(value)) {
        let kept = dictionary.iter().filter(|(_, value)| !is_missing(value));
        *dictionary = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    }
    dictionary.iter_mut().map(|(_, value)| value)
}
