//! What later revisions changed: the objects as a signature covers them against the objects as they are now.
//!
//! The rule is closed: whatever cannot be explained as a further signature, a filled form or a harmless mark is `other`, and
//! that is suspicious. Without it a revision after the signature could show another text under an intact digest
//! (incremental saving, shadow and "evil annotation" attacks). What the signature itself forbids is suspicious as well.

mod annotations;
mod content;
mod coverage;
mod form;
mod limits;
mod marks;
mod shown;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};
use serde::Serialize;

use crate::fields::{self, Field};
use crate::{pdf, permissions};
use walk::{appearance_content, appearances, page_content, reachable, references_in};

/// Findings of one kind that are listed.
pub(super) const MAX_LISTED: usize = 20;

/// What happened to a document after a signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Signature fields that were signed or added later, and validation data that was added for signatures.
    pub signatures: BTreeSet<String>,
    /// Form fields that were filled in, or whose value viewers draw anew.
    pub form_fields: BTreeSet<String>,
    /// Comments and other marks that leave the page legible were added, changed or removed.
    pub annotations: bool,
    /// Everything else, in words: suspicious.
    pub other: BTreeSet<String>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn is_suspicious(&self) -> bool {
        !self.other.is_empty()
    }
}

/// Compares the document as the signature in a field covers it with the document as it is, and with what it allows.
///
/// # Errors
/// Where the form or the pages of one of them cannot be walked.
pub(super) fn after(signed: &Document, current: &Document, field: &str) -> Result<Changes, pdf::Error> {
    let roles = Roles::of(signed, current)?;
    let mut findings = Findings::default();
    roles.compare_objects(&mut findings);
    roles.compare_annotations(&mut findings);
    roles.compare_form(&mut findings);
    limits::enforce(&permissions::of_signature(signed, &roles.fields, field), &mut findings);
    Ok(findings.summed_up())
}

/// Whether nothing was done between two states of a document but to sign it, and to draw values that were there already: whoever saw the
/// one saw the other.
pub(super) fn only_seals(before: &Document, after: &Document) -> Result<bool, pdf::Error> {
    let roles = Roles::of(before, after)?;
    let mut findings = Findings::default();
    roles.compare_objects(&mut findings);
    roles.compare_annotations(&mut findings);
    roles.compare_form(&mut findings);
    let mut looks = shown::Looks::new();
    let mut is_drawn = |name: &String| {
        let field = roles.fields.iter().find(|field| field.name == *name);
        field.is_some_and(|field| !roles.has_another_value(field) && shown::shows_its_value(after, field, &mut looks))
    };
    Ok(findings.other.is_empty()
        && !findings.annotations
        && findings.prepared.is_empty()
        && findings.filled.iter().all(&mut is_drawn))
}

/// What was found, before it is summed up.
#[derive(Default)]
struct Findings {
    /// Fields that were signed, and whether by a document time stamp that shows nothing.
    signed: BTreeMap<String, bool>,
    /// Signature fields that were added and are empty.
    prepared: BTreeSet<String>,
    validation_data: bool,
    /// All that were filled in: as many as a form may have.
    filled: BTreeSet<String>,
    /// Fields with the same value that viewers draw in another way now; nobody changed them, so that no lock is broken.
    redrawn: BTreeSet<String>,
    annotations: bool,
    other: BTreeSet<String>,
    /// What was looked at of later marks, in operations of their appearances.
    looked_at: usize,
}

impl Findings {
    fn other(&mut self, what: impl Into<String>) {
        if self.other.len() < MAX_LISTED {
            self.other.insert(what.into());
        }
    }

    fn summed_up(self) -> Changes {
        let mut signatures: BTreeSet<String> = self.signed.into_keys().collect();
        signatures.extend(self.prepared.into_iter().map(|name| format!("{name} (empty)")));
        signatures.extend(self.validation_data.then(|| "validation data".to_owned()));
        let form_fields = self.filled.into_iter().chain(self.redrawn).take(MAX_LISTED).collect();
        Changes { signatures, form_fields, annotations: self.annotations, other: self.other }
    }
}

/// Object streams and cross-reference streams: how objects are stored, not what they are.
fn is_container(object: &Object) -> bool {
    object.as_stream().is_ok_and(|stream| stream.dict.has_type(b"ObjStm") || stream.dict.has_type(b"XRef"))
}

/// What an object is for, as the signature saw it.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Catalog,
    Form,
    /// The form's list of fields, or a page's list of annotations, which are compared as lists.
    List,
    /// The form's default resources and their categories, which are compared entry by entry.
    FormResources,
    /// Index into `Roles::fields`.
    Field(usize),
    Appearance(usize),
    Page,
    PageTree,
    Annotation,
    AnnotationAppearance,
    ValidationData,
    /// Document information, metadata, declared extensions: they say nothing on a page.
    Information,
    Attachments,
    Scripts,
}

/// Two states of a document, and what each object of the first is for.
struct Roles<'a> {
    signed: &'a Document,
    current: &'a Document,
    fields: Vec<Field<'a>>,
    /// By name, as they are now.
    current_fields: HashMap<String, Field<'a>>,
    /// The field of each widget and of each field's own dictionary, as they are now.
    current_owners: HashMap<ObjectId, String>,
    roles: HashMap<ObjectId, Role>,
    /// The number of the page that an annotation is on, from 1.
    annotation_pages: HashMap<ObjectId, usize>,
    /// What the pages draw; it may not change, whatever else it is said to be.
    page_content: HashSet<ObjectId>,
    /// What appearances draw with: fonts, images, forms within them, and what several draw.
    appearance_content: HashSet<ObjectId>,
}

impl<'a> Roles<'a> {
    fn of(signed: &'a Document, current: &'a Document) -> Result<Self, pdf::Error> {
        let fields = fields::all(signed)?;
        let current_fields = fields::all(current)?;
        let owned = |field: &Field<'_>| {
            let ids = std::iter::once(field.id).chain(field.widgets.iter().copied());
            ids.map(|id| (id, field.name.clone())).collect::<Vec<_>>()
        };
        let mut roles = Self {
            signed,
            current,
            fields,
            current_owners: current_fields.iter().flat_map(owned).collect(),
            current_fields: current_fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
            roles: HashMap::new(),
            annotation_pages: HashMap::new(),
            page_content: page_content(signed)?,
            appearance_content: HashSet::new(),
        };
        roles.assign()?;
        Ok(roles)
    }

    /// Later assignments do not replace earlier ones: the strictest role comes first.
    fn assign(&mut self) -> Result<(), pdf::Error> {
        let (catalog_id, catalog) = pdf::catalog(self.signed)?;
        self.role(catalog_id, Role::Catalog);
        let mut drawn = Vec::new();
        self.assign_pages()?;
        self.assign_form(catalog, &mut drawn);
        self.assign_annotations(&mut drawn)?;
        self.appearance_content.extend(appearance_content(self.signed, &drawn));
        self.assign_beside_the_pages(catalog_id, catalog);
        Ok(())
    }

    fn assign_pages(&mut self) -> Result<(), pdf::Error> {
        for page in pdf::pages(self.signed)? {
            self.role(page, Role::Page);
            let Some(dictionary) = pdf::dict_at(self.signed, page) else { continue };
            if let Ok(Object::Reference(id)) = dictionary.get(b"Annots") {
                self.role(*id, Role::List);
            }
            let mut above = dictionary.get(b"Parent").and_then(Object::as_reference).ok();
            while let Some(id) = above.filter(|id| !self.roles.contains_key(id)) {
                self.role(id, Role::PageTree);
                above = pdf::dict_at(self.signed, id).and_then(|node| node.get(b"Parent").and_then(Object::as_reference).ok());
            }
        }
        Ok(())
    }

    fn assign_form(&mut self, catalog: &'a Dictionary, drawn: &mut Vec<ObjectId>) {
        self.role_of_value(catalog.get(b"AcroForm").ok(), Role::Form);
        if let Some(form) = pdf::dict_entry(self.signed, catalog, b"AcroForm") {
            self.role_of_value(form.get(b"Fields").ok(), Role::List);
            self.role_of_value(form.get(b"DR").ok(), Role::FormResources);
            for (_, category) in pdf::dict_entry(self.signed, form, b"DR").into_iter().flat_map(Dictionary::iter) {
                self.role_of_value(Some(category), Role::FormResources);
            }
        }
        for index in 0..self.fields.len() {
            let ids: Vec<ObjectId> = std::iter::once(self.fields[index].id).chain(self.fields[index].widgets.clone()).collect();
            for id in ids {
                self.role(id, Role::Field(index));
                for appearance in pdf::dict_at(self.signed, id).map(|widget| appearances(self.signed, widget)).unwrap_or_default()
                {
                    self.appearance(appearance, Role::Appearance(index), drawn);
                }
            }
        }
    }

    /// Annotations of the pages that are no widgets of the form.
    fn assign_annotations(&mut self, drawn: &mut Vec<ObjectId>) -> Result<(), pdf::Error> {
        for (index, page) in pdf::pages(self.signed)?.into_iter().enumerate() {
            let page = pdf::dict_at(self.signed, page);
            let list = page.and_then(|page| pdf::array_entry(self.signed, page, b"Annots"));
            for annotation in list.map(Vec::as_slice).unwrap_or_default() {
                if let Ok(id) = annotation.as_reference() {
                    self.role(id, Role::Annotation);
                    self.annotation_pages.entry(id).or_insert(index + 1);
                    if matches!(self.roles.get(&id), Some(Role::Field(_))) {
                        continue;
                    }
                }
                let Ok(dictionary) = pdf::resolve(self.signed, annotation).as_dict() else { continue };
                for appearance in appearances(self.signed, dictionary) {
                    self.appearance(appearance, Role::AnnotationAppearance, drawn);
                }
            }
        }
        Ok(())
    }

    /// What says nothing on a page, as long as nothing else in the document uses it.
    fn assign_beside_the_pages(&mut self, catalog_id: ObjectId, catalog: &'a Dictionary) {
        const BESIDE: [&[u8]; 3] = [b"DSS", b"Metadata", b"Extensions"];
        let others = catalog.iter().filter(|(key, _)| !BESIDE.contains(&key.as_slice())).map(|(_, value)| value);
        let used = reachable(self.signed, others.collect(), &[], &[catalog_id]);
        let information = [catalog.get(b"Metadata"), catalog.get(b"Extensions"), self.signed.trailer.get(b"Info")];
        let information = information.into_iter().flatten().collect();
        let validation = catalog.get(b"DSS").into_iter().collect();
        for (starts, role) in [(information, Role::Information), (validation, Role::ValidationData)] {
            for id in reachable(self.signed, starts, &[], &[catalog_id]).difference(&used) {
                self.role(*id, role);
            }
        }
        let Some(names) = pdf::dict_entry(self.signed, catalog, b"Names") else { return };
        for (key, role) in [(b"EmbeddedFiles".as_slice(), Role::Attachments), (b"JavaScript", Role::Scripts)] {
            for id in reachable(self.signed, names.get(key).into_iter().collect(), &[b"P", b"Parent"], &[catalog_id]) {
                self.role(id, role);
            }
        }
    }

    fn role(&mut self, id: ObjectId, role: Role) {
        self.roles.entry(id).or_insert(role);
    }

    /// An appearance stream. One that something else shows as well may not be drawn anew for a field.
    fn appearance(&mut self, id: ObjectId, role: Role, drawn: &mut Vec<ObjectId>) {
        if *self.roles.entry(id).or_insert(role) != role {
            self.appearance_content.insert(id);
        }
        drawn.push(id);
    }

    fn role_of_value(&mut self, value: Option<&Object>, role: Role) {
        if let Some(Object::Reference(id)) = value {
            self.role(*id, role);
        }
    }

    /// Each object that the signature covers and that is another one now.
    fn compare_objects(&self, findings: &mut Findings) {
        for (id, before) in &self.signed.objects {
            let after = self.current.objects.get(id);
            if after != Some(before) && !is_container(before) {
                self.explain(*id, before, after.unwrap_or(&Object::Null), findings);
            }
        }
        // An object that was missing and is supplied later changes what refers to it.
        for id in references_in(self.signed.objects.values()) {
            if !self.signed.objects.contains_key(&id) && self.current.objects.contains_key(&id) {
                findings.other(format!("object {} {}, which was missing, was supplied", id.0, id.1));
            }
        }
        let root = |document: &Document| document.trailer.get(b"Root").cloned().ok();
        if root(self.signed) != root(self.current) {
            findings.other("the catalog was exchanged");
        }
    }

    fn explain(&self, id: ObjectId, before: &Object, after: &Object, findings: &mut Findings) {
        let role = self.roles.get(&id);
        if self.page_content.contains(&id) {
            return findings.other(format!("what a page shows was {} (object {} {})", verb(after), id.0, id.1));
        }
        if self.appearance_content.contains(&id) && role != Some(&Role::FormResources) {
            let what = "what a field or an annotation shows";
            return findings.other(format!("{what} was {} (object {} {})", verb(after), id.0, id.1));
        }
        match (role, before, after) {
            (Some(Role::ValidationData), ..) => findings.validation_data = true,
            (Some(Role::Information), ..) => {}
            (Some(Role::Appearance(index)), ..) => self.appearance_drawn(*index, findings),
            (Some(Role::Attachments), ..) => findings.other("attached files were added or changed"),
            (Some(Role::Scripts), ..) => findings.other("JavaScript was added or changed"),
            (Some(Role::PageTree), ..) => findings.other("pages were added, removed or moved, or what they inherit was changed"),
            (Some(Role::AnnotationAppearance), ..) => {
                findings.other(format!("what an annotation shows was {} (object {} {})", verb(after), id.0, id.1));
            }
            (Some(Role::List), Object::Array(_), Object::Array(_)) => {}
            (Some(Role::FormResources), Object::Dictionary(_), Object::Dictionary(_)) => {}
            (Some(Role::Annotation), Object::Dictionary(old), Object::Dictionary(new)) => self.annotation(id, old, new, findings),
            (Some(Role::Annotation), Object::Dictionary(old), Object::Null) => self.annotation_freed(id, old, findings),
            (Some(Role::Catalog), Object::Dictionary(old), Object::Dictionary(new)) => self.catalog(old, new, findings),
            (Some(Role::Form), Object::Dictionary(old), Object::Dictionary(new)) => self.form(old, new, findings),
            (Some(Role::Page), Object::Dictionary(old), Object::Dictionary(new)) => self.page(old, new, findings),
            (Some(Role::Field(index)), Object::Dictionary(old), Object::Dictionary(new)) => {
                self.field(*index, old, new, findings)
            }
            _ => findings.other(format!("object {} {} was {}", id.0, id.1, verb(after))),
        }
    }

    fn catalog(&self, old: &Dictionary, new: &Dictionary, findings: &mut Findings) {
        for key in differing(old, new) {
            match key.as_slice() {
                b"AcroForm" => {
                    let form =
                        |document, dictionary| pdf::dict_entry(document, dictionary, b"AcroForm").cloned().unwrap_or_default();
                    self.form(&form(self.signed, old), &form(self.current, new), findings);
                }
                b"DSS" if new.has(b"DSS") => findings.validation_data = true,
                b"Extensions" | b"Metadata" | b"Version" => {}
                b"OutputIntents" if !old.has(&key) && self.declares_pdf_a(new) => {}
                b"AF" => findings.other("attached files were added or changed"),
                b"OpenAction" | b"AA" => findings.other("an action that runs by itself was added or changed"),
                b"OCProperties" => findings.other("which layers are shown was changed"),
                b"Perms" => findings.other("the document was certified, or its certification was changed"),
                b"Names" => self.names(old, new, findings),
                other => findings.other(format!("the catalog's {} was changed", printed(other))),
            }
        }
    }

    /// Output intents of PDF/A only, which signing programs (EU DSS) add where there were none.
    fn declares_pdf_a(&self, catalog: &Dictionary) -> bool {
        let intents = pdf::array_entry(self.current, catalog, b"OutputIntents").map(Vec::as_slice).unwrap_or_default();
        intents.iter().all(|intent| {
            let intent = pdf::resolve(self.current, intent).as_dict().ok();
            let kind = intent.and_then(|intent| pdf::entry(self.current, intent, b"S"));
            kind.is_some_and(|kind| kind.as_name().is_ok_and(|kind| kind == b"GTS_PDFA1"))
        })
    }

    fn names(&self, old: &Dictionary, new: &Dictionary, findings: &mut Findings) {
        let names = |document, dictionary| pdf::dict_entry(document, dictionary, b"Names").cloned().unwrap_or_default();
        for key in differing(&names(self.signed, old), &names(self.current, new)) {
            match key.as_slice() {
                b"EmbeddedFiles" => findings.other("attached files were added or changed"),
                b"JavaScript" => findings.other("JavaScript was added or changed"),
                other => findings.other(format!("the catalog's names ({}) were changed", printed(other))),
            }
        }
    }

    fn page(&self, old: &Dictionary, new: &Dictionary, findings: &mut Findings) {
        for key in differing(old, new) {
            match key.as_slice() {
                // The lists are compared by themselves.
                b"Annots" | b"LastModified" | b"Tabs" => {}
                b"AA" => findings.other("an action that runs by itself was added or changed"),
                b"AF" => findings.other("attached files were added or changed"),
                other => findings.other(format!("a page's {} was changed", printed(other))),
            }
        }
    }
}

fn verb(after: &Object) -> &'static str {
    if matches!(after, Object::Null) { "removed" } else { "changed" }
}

/// A name from the file as it can be shown.
fn printed(key: &[u8]) -> String {
    String::from_utf8_lossy(key).chars().filter(|c| !c.is_control()).take(40).collect()
}

fn differing(old: &Dictionary, new: &Dictionary) -> BTreeSet<Vec<u8>> {
    let keys: BTreeSet<&Vec<u8>> = old.iter().chain(new.iter()).map(|(key, _)| key).collect();
    keys.into_iter().filter(|key| old.get(key).ok() != new.get(key).ok()).cloned().collect()
}

#[cfg(test)]
mod tests;
