//! What signatures and signature fields say about changes: certifications (DocMDP), field locks (FieldMDP, `/Lock`) and seed
//! values (`/SV`), ISO 32000-2 12.7.5.5 and 12.8.2. Verification judges by it what came later, sealing obeys it.
//!
//! What cannot be understood counts as the stricter reading: a lock with an unknown action locks every field.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use crate::fields::{self, Field};
use crate::pdf;

mod seed;

pub(crate) use seed::{Reason, Seed};

/// Signature references (ISO 32000-2 table 255) of one signature that are read.
const MAX_REFERENCES: usize = 16;
/// Names in one lock that are read. What comes after them makes the lock one of all fields.
pub(crate) const MAX_NAMES: usize = 20_000;

/// How much of a document may still change (ISO 32000-2 table 257). Later ones allow more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// `P 1`: nothing but validation data and document time stamps.
    Nothing,
    /// `P 2`: filling forms and signing as well.
    Forms,
    /// `P 3`: annotations as well.
    Annotations,
}

impl Level {
    /// Numbers beyond the standard's three are read as the nearest.
    fn of(number: i64) -> Self {
        match number {
            ..=1 => Self::Nothing,
            2 => Self::Forms,
            3.. => Self::Annotations,
        }
    }
}

/// Which fields a lock is about (ISO 32000-2 tables 236 and 259). A name stands for the fields below it as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Locked {
    All,
    Include(BTreeSet<String>),
    Exclude(BTreeSet<String>),
}

impl Locked {
    pub(crate) fn covers(&self, field: &str) -> bool {
        let above = || field.match_indices('.').map(|(end, _)| &field[..end]).chain(std::iter::once(field));
        let named = |names: &BTreeSet<String>| above().any(|name| names.contains(name));
        match self {
            Self::All => true,
            Self::Include(names) => named(names),
            Self::Exclude(names) => !named(names),
        }
    }

    /// Reads a `/Lock` or FieldMDP's parameters: both have `/Action` and `/Fields`.
    fn of(document: &Document, dictionary: &Dictionary) -> Self {
        let action = pdf::entry(document, dictionary, b"Action").and_then(|action| action.as_name().ok());
        let listed = pdf::array_entry(document, dictionary, b"Fields").map(Vec::as_slice).unwrap_or_default();
        let names = listed.iter().take(MAX_NAMES).map(|name| pdf::text(pdf::resolve(document, name)));
        let names: Vec<Option<String>> = names.collect();
        let whole = names.len() == listed.len() && names.iter().all(Option::is_some);
        let names = names.into_iter().flatten().collect();
        match action {
            // A name that cannot be read may be any field's.
            Some(b"Include") if whole => Self::Include(names),
            Some(b"Exclude") => Self::Exclude(names),
            _ => Self::All,
        }
    }
}

/// What one signature allows afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Permissions {
    /// The strictest level, and in words who set it. `None`: no signature says anything.
    pub(crate) level: Option<(Level, String)>,
    /// Fields that may not change, and in words who locked them.
    pub(crate) locks: Vec<(Locked, String)>,
}

impl Permissions {
    /// The words of whoever locked a field, if somebody did.
    pub(crate) fn lock_on(&self, field: &str) -> Option<&str> {
        self.locks.iter().find(|(locked, _)| locked.covers(field)).map(|(_, by)| by.as_str())
    }

    fn restrict(&mut self, level: Level, by: &str) {
        if self.level.as_ref().is_none_or(|(present, _)| level < *present) {
            self.level = Some((level, by.to_owned()));
        }
    }

    /// Adds what a signed field's signature says, and its `/Lock`, which binds without a matching reference as well.
    fn add_field(&mut self, document: &Document, field: &Field<'_>) {
        let by = format!("the signature in the field \"{}\"", field.name);
        let signature = field.value.and_then(|value| pdf::resolve(document, value).as_dict().ok());
        if let Some(signature) = signature {
            self.add_references(document, signature, &by);
        }
        if let Some(lock) = lock(document, field) {
            self.locks.push((lock.locked, by.clone()));
            if let Some(level) = lock.level {
                self.restrict(level, &by);
            }
        }
    }

    fn add_references(&mut self, document: &Document, signature: &Dictionary, by: &str) {
        let references = pdf::array_entry(document, signature, b"Reference").map(Vec::as_slice).unwrap_or_default();
        for reference in references.iter().take(MAX_REFERENCES) {
            let Ok(reference) = pdf::resolve(document, reference).as_dict() else { continue };
            let method = pdf::entry(document, reference, b"TransformMethod").and_then(|method| method.as_name().ok());
            let parameters = pdf::dict_entry(document, reference, b"TransformParams");
            match (method, parameters) {
                (Some(b"DocMDP"), parameters) => {
                    let number = parameters.and_then(|parameters| integer(document, parameters, b"P"));
                    self.restrict(Level::of(number.unwrap_or(2)), by);
                }
                (Some(b"FieldMDP"), Some(parameters)) => self.locks.push((Locked::of(document, parameters), by.to_owned())),
                (Some(b"FieldMDP"), None) => self.locks.push((Locked::All, by.to_owned())),
                _ => {}
            }
        }
    }

    /// Adds the author's certification, which `/Perms` of the catalog names.
    fn add_certification(&mut self, document: &Document) {
        let Ok((_, catalog)) = pdf::catalog(document) else { return };
        let permissions = pdf::dict_entry(document, catalog, b"Perms");
        let Some(signature) = permissions.and_then(|permissions| pdf::dict_entry(document, permissions, b"DocMDP")) else {
            return;
        };
        let mut certification = Self::default();
        certification.add_references(document, signature, CERTIFICATION);
        // A certification without parameters is one of level 2 (ISO 32000-2 table 257).
        let level = certification.level.map_or(Level::Forms, |(level, _)| level);
        self.restrict(level, CERTIFICATION);
    }
}

const CERTIFICATION: &str = "the author's certification";

/// What the signature in a field allows after it, together with the certification that it was made under.
///
/// `fields` are those of the document as it was signed.
pub(crate) fn of_signature(document: &Document, fields: &[Field<'_>], name: &str) -> Permissions {
    let mut permissions = Permissions::default();
    permissions.add_certification(document);
    for field in fields.iter().filter(|field| field.name == name && field.is_signed(document)) {
        permissions.add_field(document, field);
    }
    permissions
}

/// What all signatures of a document allow together.
pub(crate) fn of_document(document: &Document, fields: &[Field<'_>]) -> Permissions {
    let mut permissions = Permissions::default();
    permissions.add_certification(document);
    for field in fields.iter().filter(|field| field.is_signed(document)) {
        permissions.add_field(document, field);
    }
    permissions
}

/// Why nobody may sign a document any more, in words. `None`: further signatures are allowed.
///
/// # Errors
/// Where the form cannot be walked.
pub(crate) fn forbids_signatures(document: &Document) -> Result<Option<String>, pdf::Error> {
    Ok(match of_document(document, &fields::all(document)?).level {
        Some((Level::Nothing, by)) => Some(format!("{by} locked it against any change, further signatures included")),
        _ => None,
    })
}

/// Why a field may not be sealed, in words, as far as it depends on nothing but the document. `None`: it may.
///
/// `permissions` are those [`of_document`]. What depends on the key and on the reason for signing, [`Seed`] tells.
pub(crate) fn refusal(document: &Document, permissions: &Permissions, field: &Field<'_>) -> Option<String> {
    locked(permissions, &field.name).or_else(|| Seed::of(document, field)?.refusal())
}

/// Why nothing may be put into a field of this name, an existing or a new one, in words.
pub(crate) fn locked(permissions: &Permissions, name: &str) -> Option<String> {
    match &permissions.level {
        Some((Level::Nothing, by)) => Some(format!("{by} locked the document against any change, further signatures included")),
        _ => permissions.lock_on(name).map(|by| format!("{by} locked it")),
    }
}

/// What becomes locked when a field is signed: its `/Lock` (ISO 32000-2 table 236).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) locked: Locked,
    /// `/P` of PDF 2.0.
    pub(crate) level: Option<Level>,
}

impl Lock {
    /// Whether another field can no longer be signed once the field with this lock is; `None` stands for a new field, which
    /// only a list of locked fields leaves free.
    pub(crate) fn excludes(&self, field: Option<&str>) -> bool {
        let locked = field.map_or(!matches!(self.locked, Locked::Include(_)), |field| self.locked.covers(field));
        self.level == Some(Level::Nothing) || locked
    }

    /// The entries of `/Reference` that a signature in a field with this lock gets (ISO 32000-2 table 255), as Acrobat and
    /// others write them: FieldMDP on the catalog, and DocMDP where the lock has a level.
    pub(crate) fn references(&self, catalog: ObjectId) -> Vec<Object> {
        let reference = |method: &str, parameters: Dictionary| {
            lopdf::dictionary! { "Type" => "SigRef", "TransformMethod" => method, "TransformParams" => parameters }
        };
        let parameters = || lopdf::dictionary! { "Type" => "TransformParams", "V" => "1.2" };
        let (action, names) = match &self.locked {
            Locked::All => ("All", None),
            Locked::Include(names) => ("Include", Some(names)),
            Locked::Exclude(names) => ("Exclude", Some(names)),
        };
        let mut of_fields = parameters();
        of_fields.set("Action", action);
        if let Some(names) = names {
            of_fields.set("Fields", names.iter().map(|name| lopdf::text_string(name)).collect::<Vec<_>>());
        }
        let mut of_fields = reference("FieldMDP", of_fields);
        of_fields.set("Data", catalog);
        let of_document = self.level.map(|level| {
            let mut of_document = parameters();
            of_document.set("P", level as i64 + 1);
            reference("DocMDP", of_document)
        });
        std::iter::once(of_fields).chain(of_document).map(Object::Dictionary).collect()
    }
}

/// A field's `/Lock`, if it has one.
pub(crate) fn lock(document: &Document, field: &Field<'_>) -> Option<Lock> {
    let lock = pdf::dict_entry(document, pdf::dict_at(document, field.id)?, b"Lock")?;
    let level = integer(document, lock, b"P").map(Level::of);
    Some(Lock { locked: Locked::of(document, lock), level })
}

fn integer(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<i64> {
    pdf::entry(document, dictionary, key)?.as_i64().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lopdf::dictionary;

    fn locked(dictionary: &Dictionary) -> Locked {
        Locked::of(&Document::with_version("1.7"), dictionary)
    }

    #[test]
    fn a_name_stands_for_the_fields_below_it() {
        let names = || vec![lopdf::text_string("offer"), lopdf::text_string("preu €")];
        let include = locked(&dictionary! { "Action" => "Include", "Fields" => names() });
        let exclude = locked(&dictionary! { "Action" => "Exclude", "Fields" => names() });
        for (field, named) in [("offer", true), ("offer.price", true), ("offers", false), ("preu €", true), ("x.offer", false)]
        {
            assert_eq!(include.covers(field), named, "{field}");
            assert_eq!(exclude.covers(field), !named, "{field}");
        }
    }

    #[test]
    fn what_cannot_be_understood_locks_every_field() {
        let unreadable = dictionary! { "Action" => "Include", "Fields" => vec![Object::Integer(1)] };
        for dictionary in [Dictionary::new(), dictionary! { "Action" => "Some" }, unreadable] {
            assert_eq!(locked(&dictionary), Locked::All);
        }
        assert!(locked(&dictionary! { "Action" => "Exclude" }).covers("anything"));
        assert!(!locked(&dictionary! { "Action" => "Include" }).covers("anything"));
    }

    #[test]
    fn a_lock_becomes_references_that_say_the_same() {
        let document = Document::with_version("1.7");
        let named = |name: &str| BTreeSet::from([name.to_owned()]);
        for locked in [Locked::All, Locked::Include(named("Núria")), Locked::Exclude(named("B.c"))] {
            for level in [None, Some(Level::Nothing), Some(Level::Forms), Some(Level::Annotations)] {
                let lock = Lock { locked: locked.clone(), level };
                let signature = dictionary! { "Reference" => lock.references((1, 0)) };
                let mut permissions = Permissions::default();
                permissions.add_references(&document, &signature, "somebody");
                assert_eq!(permissions.locks, [(locked.clone(), "somebody".to_owned())]);
                assert_eq!(permissions.level.map(|(level, _)| level), level);
            }
        }
    }

    #[test]
    fn the_strictest_level_counts() {
        let mut permissions = Permissions::default();
        for (number, by) in [(3, "a"), (1, "b"), (2, "c")] {
            permissions.restrict(Level::of(number), by);
        }
        assert_eq!(permissions.level, Some((Level::Nothing, "b".to_owned())));
        assert_eq!((Level::of(0), Level::of(9)), (Level::Nothing, Level::Annotations));
    }
}
