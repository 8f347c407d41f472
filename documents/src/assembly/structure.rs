//! The logical structure of several parts (ISO 32000-2 14.7) under one root: the elements stay as they are, the keys of the parent tree
//! of each part are moved behind those of the parts before it.
//!
//! Of two parts that map the same role or class differently, the first counts. Identifiers of elements are no longer listed
//! (`IDTree`): two parts may use the same.

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object};

use super::catalog::tree_pairs;
use super::compile::{Compiler, Piece};
use super::link::Linker;
use super::spell::{self, Ink};
use crate::pdf::{self, Error};

/// The structure of one document.
pub(super) struct Structure {
    pub(super) root: u32,
    /// Its elements, without brackets.
    kids: Piece,
    /// Keys and values of its parent tree.
    parents: Piece,
    /// More than its highest key.
    pub(super) keys: u32,
    roles: Vec<(Vec<u8>, Piece)>,
    classes: Vec<(Vec<u8>, Piece)>,
    name_spaces: Piece,
}

impl Structure {
    pub(super) fn of(document: &Document, compiler: &mut Compiler, catalog: &Dictionary) -> Result<Option<Self>, Error> {
        let Ok(id) = catalog.get(b"StructTreeRoot").and_then(Object::as_reference) else { return Ok(None) };
        let (Some(root), Some(index)) = (pdf::dict_at(document, id), compiler.index(id)) else { return Ok(None) };
        let list = |key: &[u8]| match root.get(key).ok() {
            Some(Object::Array(items)) => items.clone(),
            Some(found) => match pdf::resolve(document, found) {
                Object::Array(items) => items.clone(),
                Object::Null => Vec::new(),
                _ => vec![found.clone()],
            },
            None => Vec::new(),
        };
        let kids = sequence(compiler, &list(b"K"))?;
        let name_spaces = sequence(compiler, &list(b"Namespaces"))?;
        let mut entries: Vec<(u32, &Object)> = Vec::new();
        if let Some(tree) = pdf::dict_entry(document, root, b"ParentTree") {
            let pairs = tree_pairs(document, tree, b"Nums")?.into_iter();
            entries.extend(pairs.filter_map(|(key, value)| Some((u32::try_from(key.as_i64().ok()?).ok()?, value))));
        }
        entries.sort_by_key(|(key, _)| *key);
        entries.dedup_by_key(|(key, _)| *key);
        let parents = compiler.piece(|ink| {
            for (key, value) in &entries {
                ink.structure_key(*key);
                ink.out().push(b' ');
                spell::value(ink, value, 1)?;
                ink.out().push(b' ');
            }
            Ok(())
        })?;
        let keys = entries.last().map_or(0, |(key, _)| key.saturating_add(1));
        let mut map = |key: &[u8]| -> Result<Vec<(Vec<u8>, Piece)>, Error> {
            let entries = pdf::dict_entry(document, root, key).into_iter().flat_map(Dictionary::iter);
            entries.map(|(key, value)| Ok((key.clone(), compiler.piece(|ink| spell::value(ink, value, 1))?))).collect()
        };
        let (roles, classes) = (map(b"RoleMap")?, map(b"ClassMap")?);
        Ok(Some(Self { root: index, kids, parents, keys, roles, classes, name_spaces }))
    }
}

fn sequence(compiler: &mut Compiler, items: &[Object]) -> Result<Piece, Error> {
    compiler.piece(|ink| {
        for item in items {
            spell::value(ink, item, 1)?;
            ink.out().push(b' ');
        }
        Ok(())
    })
}

/// Writes the entry of the catalog, if any part has a structure.
pub(super) fn put(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) {
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
