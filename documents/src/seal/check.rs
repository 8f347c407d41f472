//! The proof that a seal changes nothing that is shown: the sealed file is read again, as any reader does, and each object
//! that is not where it was in the original is compared with the one that it replaces. What sealing may touch is listed here once more, on purpose: this list and the code
//! that seals must agree.

use std::collections::{BTreeMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::Error;
use crate::pdf;
use crate::revision::Revisions;

/// Members of the catalog, of the form, of a page, and of a field or widget that is signed or drawn.
const OF_CATALOG: [&[u8]; 2] = [b"AcroForm", b"DSS"];
const OF_FORM: [&[u8]; 3] = [b"Fields", b"SigFlags", b"NeedAppearances"];
const OF_PAGE: [&[u8]; 1] = [b"Annots"];
const OF_FIELD: [&[u8]; 4] = [b"V", b"AP", b"AS", b"F"];

/// Checks the finished file of `revisions`, in which the fields and widgets `touched` were signed or drawn.
///
/// # Errors
/// [`Error::Changed`] with the object that differs.
pub(super) fn shows_the_same(revisions: &Revisions<'_>, sealed: &[u8], touched: &HashSet<ObjectId>) -> Result<(), Error> {
    let read = revisions.file().continued(sealed).map_err(|error| Error::Changed(error.to_string()))?;
    let (document, before) = (revisions.document(), revisions.before());
    for key in [b"Root".as_slice(), b"Encrypt"] {
        if read.trailer.get(key).ok() != document.trailer.get(key).ok() {
            return Err(Error::Changed(format!("the trailer's {} would change", String::from_utf8_lossy(key))));
        }
    }
    let roles = Roles::of(document, touched)?;
    for (id, object) in &read.objects {
        match before.get(id) {
            Some(old) if !roles.explain(*id, old, object, document) => {
                return Err(Error::Changed(format!("object {} would change", id.0)));
            }
            None if !revisions.is_new(*id) => return Err(Error::Changed(format!("object {} would be supplied", id.0))),
            _ => {}
        }
    }
    let written = before.keys().chain(document.objects.keys().filter(|id| revisions.is_new(**id)));
    match written.into_iter().find(|id| !read.objects.contains_key(id)) {
        Some(id) => Err(Error::Changed(format!("object {} would not be found", id.0))),
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

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;
    use crate::fixtures;
    use crate::revision::Changes;

    /// The contract with one field, after one object was written anew.
    fn changed(touched: &[&str], change: impl FnOnce(&Document) -> (ObjectId, Object)) -> Result<(), Error> {
        let original = fixtures::contract(&["A", "B"]);
        let mut revisions = Revisions::open(&original).unwrap();
        let fields = crate::fields::all(revisions.document()).unwrap();
        let touched = fields.iter().filter(|field| touched.contains(&field.name.as_str())).map(|field| field.id).collect();
        let (id, object) = change(revisions.document());
        let mut changes = Changes::default();
        changes.set(id, object);
        revisions.append(changes).unwrap();
        let sealed = revisions.whole();
        shows_the_same(&revisions, &sealed, &touched)
    }

    fn field(document: &Document, name: &str) -> (ObjectId, Dictionary) {
        let id = crate::fields::all(document).unwrap().into_iter().find(|field| field.name == name).unwrap().id;
        (id, pdf::dict_at(document, id).unwrap().clone())
    }

    fn page(document: &Document) -> (ObjectId, Dictionary) {
        let id = pdf::pages(document).unwrap()[0];
        (id, pdf::dict_at(document, id).unwrap().clone())
    }

    #[test]
    fn what_sealing_owns_may_change_in_the_fields_that_it_touches_only() {
        let signed = |document: &Document| {
            let (id, mut field) = field(document, "A");
            field.set("V", dictionary! { "Type" => "Sig" });
            field.set("F", 132);
            (id, field.into())
        };
        assert!(changed(&["A"], signed).is_ok());
        assert!(matches!(changed(&["B"], signed), Err(Error::Changed(_))));
    }

    #[test]
    fn a_rewritten_member_that_sealing_does_not_own_is_told() {
        let moved = changed(&["A"], |document| {
            let (id, mut field) = field(document, "A");
            field.set("Rect", vec![0.into(), 0.into(), 9.into(), 9.into()]);
            (id, field.into())
        });
        let turned = changed(&[], |document| {
            let (id, mut page) = page(document);
            page.set("Rotate", 90);
            (id, page.into())
        });
        let emptied = changed(&[], |document| {
            let (id, mut page) = page(document);
            page.set("Annots", Object::Array(Vec::new()));
            (id, page.into())
        });
        let redrawn = changed(&[], |document| {
            let content = page(document).1.get(b"Contents").unwrap().as_reference().unwrap();
            (content, lopdf::Stream::new(Dictionary::new(), b"BT ET".to_vec()).into())
        });
        for result in [moved, turned, emptied, redrawn] {
            assert!(matches!(result, Err(Error::Changed(_))), "{result:?}");
        }
    }

    #[test]
    fn lists_of_annotations_only_grow_and_only_by_references() {
        let appended = |item: Object| {
            changed(&[], |document| {
                let (id, mut page) = page(document);
                let mut list = pdf::array_entry(document, &page, b"Annots").unwrap().clone();
                list.push(item);
                page.set("Annots", list);
                (id, page.into())
            })
        };
        assert!(appended(Object::Reference((900, 0))).is_ok());
        assert!(appended(Object::Dictionary(dictionary! { "Subtype" => "Stamp" })).is_err());
        // The catalog, under a generation that it does not have.
        assert!(appended(Object::Reference((1, 7))).is_err());
    }
}
