//! The logical structure of one document (ISO 32000-2 14.7), ready to be put together with those of others.

use lopdf::{Dictionary, Document, Object};

use super::catalog::tree_pairs;
use super::code::{Compiler, Piece};
use super::spell::{self, Ink};
use crate::pdf::{self, Error};

/// The structure of one document.
pub(super) struct Structure {
    pub(super) root: u32,
    /// Its elements, without brackets.
    pub(super) kids: Piece,
    /// Keys and values of its parent tree.
    pub(super) parents: Piece,
    /// More than its highest key.
    pub(super) keys: u32,
    pub(super) roles: Vec<(Vec<u8>, Piece)>,
    pub(super) classes: Vec<(Vec<u8>, Piece)>,
    pub(super) name_spaces: Piece,
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
