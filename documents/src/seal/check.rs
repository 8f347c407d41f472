//! The proof that a seal changes nothing that is shown: the sealed file is read again, as any reader does, and compared
//! with the original object by object. What sealing may touch is listed here once more, on purpose: this list and the code
//! that seals must agree.

use std::collections::{BTreeMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::Error;
use crate::pdf;
use crate::revision::Revisions;

/// Members of the catalog, of the form, of a page, and of a field or widget that is signed or drawn.
const OF_CATALOG: [&[u8]; 1] = [b"AcroForm"];
const OF_FORM: [&[u8]; 3] = [b"Fields", b"SigFlags", b"NeedAppearances"];
const OF_PAGE: [&[u8]; 1] = [b"Annots"];
const OF_FIELD: [&[u8]; 4] = [b"V", b"AP", b"AS", b"F"];

/// Checks the finished file of `revisions`, which has so many pages and in which the fields and widgets `touched` were signed
/// or drawn.
///
/// # Errors
/// [`Error::Changed`] with the object that differs.
pub(super) fn shows_the_same(
    revisions: &Revisions<'_>,
    sealed: &[u8],
    touched: &HashSet<ObjectId>,
    pages: usize,
) -> Result<(), Error> {
    let again = pdf::open(sealed)?;
    if let Some(fault) = again.fault() {
        return Err(Error::Changed(fault));
    }
    if pdf::pages(&again.document)?.len() != pages {
        return Err(Error::Changed("it would have another number of pages".to_owned()));
    }
    let roles = Roles::of(&again.document, touched)?;
    let (document, before) = (revisions.document(), revisions.before());
    for (id, written) in &document.objects {
        let read = again.document.objects.get(id).unwrap_or(&Object::Null);
        let same = match before.get(id) {
            Some(old) => roles.explain(*id, old, read, document),
            None => revisions.is_new(*id) || read == written,
        };
        if !same {
            return Err(Error::Changed(format!("object {} would change", id.0)));
        }
    }
    let supplied = again.document.objects.keys().find(|id| !document.objects.contains_key(id) && !revisions.is_new(**id));
    match supplied {
        Some(id) => Err(Error::Changed(format!("object {} would be supplied", id.0))),
        None => Ok(()),
    }
}

struct Roles {
    members: BTreeMap<ObjectId, &'static [&'static [u8]]>,
    /// Lists of fields and annotations that are objects of their own.
    lists: HashSet<ObjectId>,
}

impl Roles {
    fn of(document: &Document, touched: &HashSet<ObjectId>) -> Result<Self, Error> {
        let mut roles = Self { members: BTreeMap::new(), lists: HashSet::new() };
        let (catalog_id, catalog) = pdf::catalog(document)?;
        roles.members.insert(catalog_id, &OF_CATALOG);
        if let Ok(Object::Reference(id)) = catalog.get(b"AcroForm") {
            roles.members.insert(*id, &OF_FORM);
        }
        if let Some(form) = pdf::dict_entry(document, catalog, b"AcroForm") {
            roles.list(form, b"Fields");
        }
        for page in pdf::pages(document)? {
            roles.members.insert(page, &OF_PAGE);
            if let Some(dictionary) = pdf::dict_at(document, page) {
                roles.list(dictionary, b"Annots");
            }
        }
        roles.members.extend(touched.iter().map(|id| (*id, &OF_FIELD as &'static [&'static [u8]])));
        Ok(roles)
    }

    fn list(&mut self, owner: &Dictionary, key: &[u8]) {
        if let Ok(Object::Reference(id)) = owner.get(key) {
            self.lists.insert(*id);
        }
    }

    /// Whether an object that was rewritten differs in nothing but what sealing owns.
    fn explain(&self, id: ObjectId, old: &Object, new: &Object, document: &Document) -> bool {
        match (old, new) {
            (Object::Array(old), Object::Array(new)) => self.lists.contains(&id) && grew(old, new),
            (Object::Dictionary(old), Object::Dictionary(new)) => {
                self.members.get(&id).is_some_and(|owned| same_but(owned, old, new, document))
            }
            _ => old == new,
        }
    }
}

/// A list whose old items are all there, in their order, and which has only references behind them.
fn grew(old: &[Object], new: &[Object]) -> bool {
    new.starts_with(old) && new[old.len()..].iter().all(|item| item.as_reference().is_ok())
}

fn same_but(owned: &[&[u8]], old: &Dictionary, new: &Dictionary, document: &Document) -> bool {
    let keys: HashSet<&Vec<u8>> = old.iter().chain(new.iter()).map(|(key, _)| key).collect();
    keys.into_iter().all(|key| {
        let (before, after) = (old.get(key).ok(), new.get(key).ok());
        if before == after {
            return true;
        }
        if !owned.contains(&key.as_slice()) {
            return false;
        }
        // Lists and forms are looked into; the rest is sealing's own.
        match (before, after) {
            (Some(Object::Array(old)), Some(Object::Array(new))) => grew(old, new),
            (Some(Object::Dictionary(old)), Some(Object::Dictionary(new))) if key == b"AcroForm" => {
                same_but(&OF_FORM, old, new, document)
            }
            // A list that was an object of its own keeps its object.
            (Some(Object::Reference(_)), Some(Object::Array(_))) if key == b"Annots" || key == b"Fields" => {
                before.is_some_and(|list| matches!(pdf::resolve(document, list), Object::Null))
            }
            _ => true,
        }
    })
}
