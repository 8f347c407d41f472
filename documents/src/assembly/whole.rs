//! What the catalog of one document leads to, ready to be put together with that of others.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::catalog::{MAX_NAMES, tree_pairs};
use super::code::{Compiler, Piece};
use super::spell::{self, Ink};
use super::structure::Structure;
use super::tree::Form;
use crate::pdf::{self, Error};

/// Entries of the catalog that are put together.
const OF_ALL: [&[u8]; 8] =
    [b"Pages", b"AcroForm", b"Names", b"Outlines", b"StructTreeRoot", b"OCProperties", b"PageLabels", b"MarkInfo"];
/// Bookmarks of one level that are looked at.
const MAX_BOOKMARKS: usize = 100_000;

/// What a document's catalog leads to.
pub(super) struct Whole {
    /// The catalog without the form.
    pub(super) alone: Piece,
    /// The catalog without the entries that are put together.
    pub(super) first: Piece,
    pub(super) pages: (u32, Piece),
    pub(super) destinations: Vec<(Vec<u8>, Piece)>,
    pub(super) files: Vec<(Vec<u8>, Piece)>,
    pub(super) labels: Vec<(u32, Piece)>,
    pub(super) bookmarks: Option<Bookmarks>,
    pub(super) optional_content: Option<OptionalContent>,
    pub(super) is_marked: bool,
    pub(super) structure: Option<Structure>,
    pub(super) form: Form,
}

/// The bookmarks of the top level.
pub(super) struct Bookmarks {
    pub(super) root: u32,
    /// The first and the last, each without what it says of one before or behind these.
    pub(super) first: (u32, Piece),
    pub(super) last: (u32, Piece),
    pub(super) count: i64,
}

/// The lists of `OCProperties` and of its default configuration (ISO 32000-2 tables 98 and 99), without their brackets.
pub(super) struct OptionalContent {
    pub(super) groups: Piece,
    pub(super) lists: Vec<(&'static str, Piece)>,
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
