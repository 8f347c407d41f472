//! What there is once in a file, put together from all parts: the catalog and what it leads to.
//!
//! | of the result | from |
//! | --- | --- |
//! | pages, bookmarks, optional content, structure, form | all parts, in their order |
//! | named destinations, embedded files | all parts; a name that an earlier part has gets `_2` and so on |
//! | page labels | all parts; a part without labels has its pages' numbers, if another part has labels |
//! | "is tagged" (`MarkInfo`) | said if all parts say so |
//! | everything else (language, metadata, output intents, how the viewer opens it) | the first part |
//!
//! Of the logical structure (ISO 32000-2 14.7) the elements stay as they are; the keys of the parent tree of each part are moved behind those of
//! the parts before it. Of two parts that map the same role or class differently, the first counts. Identifiers of elements are no longer
//! listed (`IDTree`): two parts may use the same.

use std::collections::{BTreeSet, HashSet};

use super::code::Piece;
use super::form;
use super::link::{Global, Linker};
use super::spell;
use super::structure::Structure;
use super::whole::{Bookmarks, OptionalContent, Whole};

/// Writes the catalog of the result. Answers the fields that were renamed.
pub(super) fn put_catalog(linker: &mut Linker<'_>, flatten: bool) -> Result<super::Renamed, super::Error> {
    let first = linker.parts[0].compiled;
    let mut bytes = Vec::new();
    if linker.parts.len() == 1 {
        linker.copy(0, first.whole.alone, &mut bytes);
    } else {
        linker.copy(0, first.whole.first, &mut bytes);
        put_pages(linker, &mut bytes);
        put_names(linker, &mut bytes);
        put_labels(linker, &mut bytes);
        put_bookmarks(linker, &mut bytes);
        put_optional_content(linker, &mut bytes);
        put_structure(linker, &mut bytes);
        if linker.parts.iter().all(|part| part.compiled.whole.is_marked) {
            bytes.extend_from_slice(b"/MarkInfo<</Marked true>>");
        }
    }
    let (form, renamed) = form::put(linker, flatten)?;
    if let Some(form) = form {
        bytes.extend_from_slice(b"/AcroForm ");
        linker.refer(&mut bytes, form);
    }
    bytes.extend_from_slice(b">>");
    linker.replace(linker.global(0, first.root), bytes);
    Ok(renamed)
}

fn put_pages(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) {
    let mut root = b"<</Type/Pages/Kids[".to_vec();
    let mut count = 0;
    for part in 0..linker.parts.len() {
        let compiled = linker.parts[part].compiled;
        count += compiled.pages.len();
        linker.refer(&mut root, linker.global(part, compiled.whole.pages.0));
        root.push(b' ');
    }
    root.extend_from_slice(b"]/Count ");
    spell::number(&mut root, count as u64);
    root.extend_from_slice(b">>");
    let root = linker.make(root);
    for part in 0..linker.parts.len() {
        let (index, head) = linker.parts[part].compiled.whole.pages;
        let mut node = Vec::new();
        linker.copy(part, head, &mut node);
        node.extend_from_slice(b"/Parent ");
        linker.refer(&mut node, root);
        node.extend_from_slice(b">>");
        linker.replace(linker.global(part, index), node);
    }
    bytes.extend_from_slice(b"/Pages ");
    linker.refer(bytes, root);
}

fn put_names(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) {
    let mut names = Vec::new();
    for (key, of) in [
        ("/Dests", (|whole| &whole.destinations) as fn(&Whole) -> &Vec<(Vec<u8>, Piece)>),
        ("/EmbeddedFiles", |whole| &whole.files),
    ] {
        let all = linker.parts.iter().map(|part| of(&part.compiled.whole));
        let mut taken: BTreeSet<Vec<u8>> = all.flatten().map(|(name, _)| name.clone()).collect();
        if taken.is_empty() {
            continue;
        }
        let mut used = BTreeSet::new();
        let mut list = Vec::new();
        for part in 0..linker.parts.len() {
            for (name, value) in of(&linker.parts[part].compiled.whole) {
                let name = if used.insert(name.clone()) { name.clone() } else { free_name(name, &mut taken) };
                list.push((name, part, *value));
            }
        }
        list.sort_by(|a, b| a.0.cmp(&b.0));
        names.extend_from_slice(key.as_bytes());
        names.extend_from_slice(b"<</Names[");
        for (name, part, value) in list {
            spell::literal(&mut names, &name);
            linker.copy(part, value, &mut names);
            names.push(b' ');
        }
        names.extend_from_slice(b"]>>");
    }
    if !names.is_empty() {
        bytes.extend_from_slice(b"/Names<<");
        bytes.extend_from_slice(&names);
        bytes.extend_from_slice(b">>");
    }
}

/// The name with the lowest number behind it that makes it free; it is taken then.
fn free_name(name: &[u8], taken: &mut BTreeSet<Vec<u8>>) -> Vec<u8> {
    let is_wide = name.starts_with(&[0xFE, 0xFF]);
    let numbered = |number: usize| {
        let end = format!("_{number}").into_bytes();
        let end = if is_wide { end.into_iter().flat_map(|byte| [0, byte]).collect() } else { end };
        [name, &end].concat()
    };
    // One of these is free, because there are more of them than names.
    let free = (2..=taken.len() + 2).map(numbered).find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

fn put_labels(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) {
    if linker.parts.iter().all(|part| part.compiled.whole.labels.is_empty()) {
        return;
    }
    bytes.extend_from_slice(b"/PageLabels<</Nums[");
    let mut before = 0;
    for part in 0..linker.parts.len() {
        let compiled = linker.parts[part].compiled;
        let labels = &compiled.whole.labels;
        if labels.first().is_none_or(|(page, _)| *page > 0) {
            spell::number(bytes, before);
            bytes.extend_from_slice(b"<</S/D>>");
        }
        for (page, label) in labels.iter().filter(|(page, _)| (*page as usize) < compiled.pages.len()) {
            spell::number(bytes, before + u64::from(*page));
            bytes.push(b' ');
            linker.copy(part, *label, bytes);
            bytes.push(b' ');
        }
        before += compiled.pages.len() as u64;
    }
    bytes.extend_from_slice(b"]>>");
}

fn put_bookmarks(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) {
    let with: Vec<(usize, &Bookmarks)> = linker
        .parts
        .iter()
        .enumerate()
        .filter_map(|(part, found)| Some((part, found.compiled.whole.bookmarks.as_ref()?)))
        .collect();
    let (Some((first_part, first)), Some((last_part, last))) = (with.first(), with.last()) else { return };
    let (first, last) = (linker.global(*first_part, first.first.0), linker.global(*last_part, last.last.0));
    let root = linker.make(Vec::new());
    let ends = |linker: &Linker<'_>, at: Option<usize>, end: fn(&Bookmarks) -> u32| -> Option<Global> {
        let (part, bookmarks) = with.get(at?)?;
        Some(linker.global(*part, end(bookmarks)))
    };
    for (at, (part, bookmarks)) in with.iter().enumerate() {
        linker.redirect(linker.global(*part, bookmarks.root), root);
        let before = ends(linker, at.checked_sub(1), |bookmarks| bookmarks.last.0);
        let behind = ends(linker, Some(at + 1), |bookmarks| bookmarks.first.0);
        let is_one = bookmarks.first.0 == bookmarks.last.0;
        let first = (bookmarks.first, before, if is_one { behind } else { None });
        let last = (bookmarks.last, None, behind);
        for ((index, head), before, behind) in if is_one { vec![first] } else { vec![first, last] } {
            let mut item = Vec::new();
            linker.copy(*part, head, &mut item);
            for (key, other) in [("/Prev ", before), ("/Next ", behind)] {
                if let Some(other) = other {
                    item.extend_from_slice(key.as_bytes());
                    linker.refer(&mut item, other);
                }
            }
            item.extend_from_slice(b">>");
            linker.replace(linker.global(*part, index), item);
        }
    }
    let mut outlines = b"<</Type/Outlines/First ".to_vec();
    linker.refer(&mut outlines, first);
    outlines.extend_from_slice(b"/Last ");
    linker.refer(&mut outlines, last);
    outlines.extend_from_slice(b"/Count ");
    spell::number(&mut outlines, with.iter().map(|(_, bookmarks)| bookmarks.count.unsigned_abs()).sum());
    outlines.extend_from_slice(b">>");
    linker.replace(root, outlines);
    bytes.extend_from_slice(b"/Outlines ");
    linker.refer(bytes, root);
}

fn put_optional_content(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) {
    let with: Vec<(usize, &OptionalContent)> = linker
        .parts
        .iter()
        .enumerate()
        .filter_map(|(part, found)| Some((part, found.compiled.whole.optional_content.as_ref()?)))
        .collect();
    let Some((_, first)) = with.first() else { return };
    bytes.extend_from_slice(b"/OCProperties<</OCGs[");
    with.iter().for_each(|(part, content)| linker.copy(*part, content.groups, bytes));
    bytes.extend_from_slice(b"]/D<<");
    for (at, (key, _)) in first.lists.iter().enumerate() {
        bytes.extend_from_slice(key.as_bytes());
        with.iter().for_each(|(part, content)| linker.copy(*part, content.lists[at].1, bytes));
        bytes.push(b']');
    }
    bytes.extend_from_slice(b">>>>");
}

/// Writes the entry of the catalog, if any part has a structure.
fn put_structure(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) {
    let with: Vec<(usize, &Structure)> = linker
        .parts
        .iter()
        .enumerate()
        .filter_map(|(part, found)| Some((part, found.compiled.whole.structure.as_ref()?)))
        .collect();
    if with.is_empty() {
        return;
    }
    let root = linker.make(Vec::new());
    for (part, structure) in &with {
        linker.redirect(linker.global(*part, structure.root), root);
    }
    let mut value = b"<</Type/StructTreeRoot/K[".to_vec();
    with.iter().for_each(|(part, structure)| linker.copy(*part, structure.kids, &mut value));
    value.extend_from_slice(b"]/ParentTree<</Nums[");
    with.iter().for_each(|(part, structure)| linker.copy(*part, structure.parents, &mut value));
    value.extend_from_slice(b"]>>/ParentTreeNextKey ");
    spell::number(&mut value, with.iter().map(|(_, structure)| u64::from(structure.keys)).sum());
    let maps = [
        ("/RoleMap<<", (|structure| &structure.roles) as fn(&Structure) -> &Vec<(Vec<u8>, Piece)>),
        ("/ClassMap<<", |structure| &structure.classes),
    ];
    for (key, of) in maps {
        let mut seen = HashSet::new();
        value.extend_from_slice(key.as_bytes());
        for (part, structure) in &with {
            for (name, mapped) in of(structure).iter().filter(|(name, _)| seen.insert(name)) {
                spell::name(&mut value, name);
                value.push(b' ');
                linker.copy(*part, *mapped, &mut value);
            }
        }
        value.extend_from_slice(b">>");
    }
    value.extend_from_slice(b"/Namespaces[");
    with.iter().for_each(|(part, structure)| linker.copy(*part, structure.name_spaces, &mut value));
    value.extend_from_slice(b"]>>");
    linker.replace(root, value);
    bytes.extend_from_slice(b"/StructTreeRoot ");
    linker.refer(bytes, root);
}
