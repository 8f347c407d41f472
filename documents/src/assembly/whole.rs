//! What there is once in a file, put together from all parts: the catalog and what it leads to.
//!
//! | of the result | from |
//! | --- | --- |
//! | pages, bookmarks, optional content, structure, form | all parts, in their order |
//! | named destinations, embedded files | all parts; a name that an earlier part has gets `_2` and so on |
//! | page labels | all parts; a part without labels has its pages' numbers, if another part has labels |
//! | "is tagged" (`MarkInfo`) | said if all parts say so |
//! | everything else (language, metadata, output intents, how the viewer opens it) | the first part |

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::catalog::{MAX_NAMES, tree_pairs};
use super::compile::{Compiler, Piece};
use super::form::{self, Form};
use super::link::{Global, Linker};
use super::spell::{self, Ink};
use super::structure::{self, Structure};
use crate::pdf::{self, Error};

/// Entries of the catalog that are put together.
const OF_ALL: [&[u8]; 8] =
    [b"Pages", b"AcroForm", b"Names", b"Outlines", b"StructTreeRoot", b"OCProperties", b"PageLabels", b"MarkInfo"];
/// Bookmarks of one level that are looked at.
const MAX_BOOKMARKS: usize = 100_000;

/// What a document's catalog leads to.
pub(super) struct Whole {
    /// The catalog without the form.
    alone: Piece,
    /// The catalog without the entries that are put together.
    first: Piece,
    pages: (u32, Piece),
    destinations: Vec<(Vec<u8>, Piece)>,
    files: Vec<(Vec<u8>, Piece)>,
    labels: Vec<(u32, Piece)>,
    bookmarks: Option<Bookmarks>,
    optional_content: Option<OptionalContent>,
    is_marked: bool,
    pub(super) structure: Option<Structure>,
    pub(super) form: Form,
}

/// The bookmarks of the top level.
struct Bookmarks {
    root: u32,
    /// The first and the last, each without what it says of one before or behind these.
    first: (u32, Piece),
    last: (u32, Piece),
    count: i64,
}

/// The lists of `OCProperties` and of its default configuration (ISO 32000-2 tables 98 and 99), without their brackets.
struct OptionalContent {
    groups: Piece,
    lists: Vec<(&'static str, Piece)>,
}

impl Whole {
    pub(super) fn of(document: &Document, compiler: &mut Compiler) -> Result<Self, Error> {
        let (_, catalog) = pdf::catalog(document)?;
        let alone = compiler.head(catalog, |key| key != b"AcroForm")?;
        let first = compiler.head(catalog, |key| !OF_ALL.contains(&key))?;
        let missing = || pdf::damaged("it has no page tree");
        let root = catalog.get(b"Pages").and_then(Object::as_reference).map_err(|_| missing())?;
        let node = pdf::dict_at(document, root).ok_or_else(missing)?;
        let pages = (compiler.index(root).ok_or_else(missing)?, compiler.head(node, |_| true)?);
        let names = pdf::dict_entry(document, catalog, b"Names");
        let mut named = |key: &[u8]| match names.and_then(|names| pdf::dict_entry(document, names, key)) {
            Some(tree) => named(document, compiler, tree),
            None => Ok(Vec::new()),
        };
        let (destinations, files) = (named(b"Dests")?, named(b"EmbeddedFiles")?);
        let mark = pdf::dict_entry(document, catalog, b"MarkInfo").and_then(|mark| pdf::entry(document, mark, b"Marked"));
        Ok(Self {
            alone,
            first,
            pages,
            destinations,
            files,
            labels: labels(document, compiler, catalog)?,
            bookmarks: Bookmarks::of(document, compiler, catalog)?,
            optional_content: OptionalContent::of(document, compiler, catalog)?,
            is_marked: mark == Some(&Object::Boolean(true)),
            structure: Structure::of(document, compiler, catalog)?,
            form: Form::of(document, compiler)?,
        })
    }
}

impl Whole {
    pub(super) fn weight(&self) -> usize {
        let names: usize = self.destinations.iter().chain(&self.files).map(|(name, _)| name.len() + size_of::<Piece>()).sum();
        names + self.labels.len() * size_of::<(u32, Piece)>() + self.form.weight()
    }

    /// Objects that are written otherwise than they were compiled.
    pub(super) fn rewritten(&self) -> impl Iterator<Item = u32> + '_ {
        let bookmarks = self.bookmarks.iter().flat_map(|bookmarks| [bookmarks.root, bookmarks.first.0, bookmarks.last.0]);
        let structure = self.structure.iter().map(|structure| structure.root);
        bookmarks.chain(structure).chain(self.form.all()).chain(self.form.locks.iter().copied()).chain([self.pages.0])
    }
}

fn named(document: &Document, compiler: &mut Compiler, tree: &Dictionary) -> Result<Vec<(Vec<u8>, Piece)>, Error> {
    let mut found = Vec::new();
    for (name, value) in tree_pairs(document, tree, b"Names")? {
        if let Object::String(name, _) = name {
            found.push((name.clone(), compiler.piece(|ink| spell::value(ink, value, 0))?));
        }
    }
    Ok(found)
}

fn labels(document: &Document, compiler: &mut Compiler, catalog: &Dictionary) -> Result<Vec<(u32, Piece)>, Error> {
    let Some(tree) = pdf::dict_entry(document, catalog, b"PageLabels") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (page, label) in tree_pairs(document, tree, b"Nums")? {
        let page = page.as_i64().ok().and_then(|page| u32::try_from(page).ok());
        if let Some(page) = page.filter(|page| (*page as usize) < pdf::MAX_PAGES) {
            found.push((page, compiler.piece(|ink| spell::value(ink, label, 0))?));
        }
    }
    found.sort_by_key(|(page, _)| *page);
    found.dedup_by_key(|(page, _)| *page);
    Ok(found)
}

impl Bookmarks {
    /// `None` where there are none, or where they are no list.
    fn of(document: &Document, compiler: &mut Compiler, catalog: &Dictionary) -> Result<Option<Self>, Error> {
        let Ok(root) = catalog.get(b"Outlines").and_then(Object::as_reference) else { return Ok(None) };
        let Some(outlines) = pdf::dict_at(document, root) else { return Ok(None) };
        let follow = |item: &Dictionary, key: &[u8]| item.get(key).and_then(Object::as_reference).ok();
        let Some(first) = follow(outlines, b"First") else { return Ok(None) };
        let (mut last, mut visible) = (first, 0);
        for _ in 0..MAX_BOOKMARKS {
            let Some(item) = pdf::dict_at(document, last) else { return Ok(None) };
            let below = pdf::entry(document, item, b"Count").and_then(|count| count.as_i64().ok()).unwrap_or(0);
            visible += 1 + below.clamp(0, MAX_NAMES as i64);
            let Some(next) = follow(item, b"Next") else {
                let piece = |compiler: &mut Compiler, id: ObjectId| -> Result<Option<(u32, Piece)>, Error> {
                    let (Some(index), Some(item)) = (compiler.index(id), pdf::dict_at(document, id)) else { return Ok(None) };
                    let is_end = |key: &[u8]| key == b"Prev" && id == first || key == b"Next" && id == last;
                    Ok(Some((index, compiler.head(item, |key| !is_end(key))?)))
                };
                let (Some(root), Some(first), Some(last)) =
                    (compiler.index(root), piece(compiler, first)?, piece(compiler, last)?)
                else {
                    return Ok(None);
                };
                return Ok(Some(Self { root, first, last, count: visible }));
            };
            last = next;
        }
        Ok(None)
    }
}

impl OptionalContent {
    fn of(document: &Document, compiler: &mut Compiler, catalog: &Dictionary) -> Result<Option<Self>, Error> {
        let Some(properties) = pdf::dict_entry(document, catalog, b"OCProperties") else { return Ok(None) };
        let Some(groups) = pdf::array_entry(document, properties, b"OCGs") else { return Ok(None) };
        let configuration = pdf::dict_entry(document, properties, b"D");
        let list = |key: &[u8]| {
            let list = configuration.and_then(|configuration| pdf::array_entry(document, configuration, key));
            list.map(Vec::as_slice).unwrap_or_default()
        };
        let state = configuration.and_then(|configuration| pdf::entry(document, configuration, b"BaseState"));
        let all_off = state.and_then(|state| state.as_name().ok()) == Some(b"OFF");
        let on: BTreeSet<ObjectId> = list(b"ON").iter().filter_map(|group| group.as_reference().ok()).collect();
        let is_on = |group: &&Object| !group.as_reference().is_ok_and(|group| on.contains(&group));
        // Groups of other parts are on at first.
        let off: Vec<Object> = if all_off { groups.iter().filter(is_on).cloned().collect() } else { list(b"OFF").to_vec() };
        let mut piece = |items: &[Object]| {
            compiler.piece(|ink| {
                for item in items {
                    spell::value(ink, item, 1)?;
                    ink.out().push(b' ');
                }
                Ok(())
            })
        };
        let groups = piece(groups)?;
        let mut lists = vec![("/OFF[", piece(&off)?)];
        for (key, name) in
            [("/ON[", "ON"), ("/Order[", "Order"), ("/RBGroups[", "RBGroups"), ("/Locked[", "Locked"), ("/AS[", "AS")]
        {
            lists.push((key, piece(list(name.as_bytes()))?));
        }
        Ok(Some(Self { groups, lists }))
    }
}

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
        structure::put(linker, &mut bytes);
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
