//! What later revisions changed: the objects as a signature covers them against the objects as they are now.
//!
//! The rule is closed: whatever cannot be explained as a further signature, a filled form or an annotation is `other`, and
//! that is suspicious. Without it a revision after the signature could show another text under an intact digest
//! (incremental saving and shadow attacks).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};
use serde::Serialize;

use crate::fields::{self, Field};
use crate::pdf;

/// Findings of one kind that are listed.
pub(super) const MAX_LISTED: usize = 20;
/// Nesting of direct objects that is followed.
const MAX_DEPTH: usize = 64;
/// Items of a list that are no references and are compared one by one; what comes after them counts as changed.
const MAX_DIRECT: usize = 256;

/// What happened to a document after a signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Signature fields that were signed later, and validation data that was added for signatures.
    pub signatures: BTreeSet<String>,
    /// Form fields that were filled in.
    pub form_fields: BTreeSet<String>,
    /// Comments and other marks were added, changed or removed.
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

    fn other(&mut self, what: String) {
        if self.other.len() < MAX_LISTED {
            self.other.insert(what);
        }
    }
}

/// Compares the document as signed with the document as it is.
///
/// # Errors
/// Where the form or the pages of one of them cannot be walked.
pub(super) fn between(signed: &Document, current: &Document) -> Result<Changes, pdf::Error> {
    let roles = Roles::of(signed, current)?;
    let mut changes = Changes::default();
    for (id, before) in &signed.objects {
        let after = current.objects.get(id);
        if after != Some(before) && !is_container(before) {
            roles.explain(*id, before, after.unwrap_or(&Object::Null), &mut changes);
        }
    }
    // An object that was missing and is supplied later changes what refers to it.
    for id in references_in(signed.objects.values()) {
        if !signed.objects.contains_key(&id) && current.objects.contains_key(&id) {
            changes.other(format!("object {} {}, which was missing, was supplied", id.0, id.1));
        }
    }
    let root = |document: &Document| document.trailer.get(b"Root").cloned().ok();
    if root(signed) != root(current) {
        changes.other("the catalog was exchanged".to_owned());
    }
    Ok(changes)
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
    FormFields,
    /// Index into `Roles::fields`.
    Field(usize),
    Appearance(usize),
    Page,
    PageAnnotations,
    Annotation,
    ValidationData,
    /// Document information and metadata: it says nothing on a page.
    Information,
}

struct Roles<'a> {
    signed: &'a Document,
    current: &'a Document,
    fields: Vec<Field<'a>>,
    /// By name, as they are now.
    current_fields: HashMap<String, Field<'a>>,
    current_widgets: HashMap<ObjectId, String>,
    roles: HashMap<ObjectId, Role>,
    /// What the pages draw; it may not change, whatever else it is said to be.
    page_content: HashSet<ObjectId>,
}

impl<'a> Roles<'a> {
    fn of(signed: &'a Document, current: &'a Document) -> Result<Self, pdf::Error> {
        let fields = fields::all(signed)?;
        let current_fields = fields::all(current)?;
        let widgets = |field: &Field<'_>| field.widgets.iter().map(|id| (*id, field.name.clone())).collect::<Vec<_>>();
        let mut roles = Self {
            signed,
            current,
            fields,
            current_widgets: current_fields.iter().flat_map(widgets).collect(),
            current_fields: current_fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
            roles: HashMap::new(),
            page_content: page_content(signed)?,
        };
        roles.assign()?;
        Ok(roles)
    }

    /// Later assignments do not replace earlier ones: the strictest role comes first.
    fn assign(&mut self) -> Result<(), pdf::Error> {
        let (catalog_id, catalog) = pdf::catalog(self.signed)?;
        self.role(catalog_id, Role::Catalog);
        for page in pdf::pages(self.signed)? {
            self.role(page, Role::Page);
            let Some(dictionary) = pdf::dict_at(self.signed, page) else { continue };
            if let Ok(Object::Reference(id)) = dictionary.get(b"Annots") {
                self.role(*id, Role::PageAnnotations);
            }
        }
        if let Ok(Object::Reference(id)) = catalog.get(b"AcroForm") {
            self.role(*id, Role::Form);
        }
        if let Some(Object::Reference(id)) =
            pdf::dict_entry(self.signed, catalog, b"AcroForm").and_then(|f| f.get(b"Fields").ok())
        {
            self.role(*id, Role::FormFields);
        }
        for index in 0..self.fields.len() {
            let ids: Vec<ObjectId> = std::iter::once(self.fields[index].id).chain(self.fields[index].widgets.clone()).collect();
            for id in ids {
                self.role(id, Role::Field(index));
                for appearance in appearances(self.signed, id) {
                    self.role(appearance, Role::Appearance(index));
                }
            }
        }
        for annotation in annotations(self.signed)? {
            self.role(annotation, Role::Annotation);
            for appearance in appearances(self.signed, annotation) {
                self.role(appearance, Role::Annotation);
            }
        }
        if let Ok(store) = catalog.get(b"DSS") {
            for id in reachable(self.signed, vec![store], &[]) {
                self.role(id, Role::ValidationData);
            }
        }
        for information in [catalog.get(b"Metadata"), self.signed.trailer.get(b"Info")] {
            if let Ok(Object::Reference(id)) = information {
                self.role(*id, Role::Information);
            }
        }
        Ok(())
    }

    fn role(&mut self, id: ObjectId, role: Role) {
        self.roles.entry(id).or_insert(role);
    }

    fn explain(&self, id: ObjectId, before: &Object, after: &Object, changes: &mut Changes) {
        let unexplained = |changes: &mut Changes| changes.other(format!("object {} {} was {}", id.0, id.1, verb(after)));
        if self.page_content.contains(&id) {
            return changes.other(format!("what a page shows was {} (object {} {})", verb(after), id.0, id.1));
        }
        let Some(role) = self.roles.get(&id) else { return unexplained(changes) };
        match (role, before, after) {
            (Role::ValidationData, ..) => drop(changes.signatures.insert("validation data".to_owned())),
            (Role::Information, ..) => {}
            (Role::Annotation, ..) => changes.annotations = true,
            (Role::Appearance(index), ..) => self.field_filled(*index, changes),
            (Role::FormFields, Object::Array(old), Object::Array(new)) => self.form_fields(old, new, changes),
            (Role::PageAnnotations, Object::Array(old), Object::Array(new)) => self.page_annotations(old, new, changes),
            (Role::Catalog, Object::Dictionary(old), Object::Dictionary(new)) => self.catalog(old, new, changes),
            (Role::Form, Object::Dictionary(old), Object::Dictionary(new)) => self.form(old, new, changes),
            (Role::Page, Object::Dictionary(old), Object::Dictionary(new)) => self.page(old, new, changes),
            (Role::Field(index), Object::Dictionary(old), Object::Dictionary(new)) => self.field(*index, old, new, changes),
            _ => unexplained(changes),
        }
    }

    fn catalog(&self, old: &Dictionary, new: &Dictionary, changes: &mut Changes) {
        for key in differing(old, new) {
            match key.as_slice() {
                b"AcroForm" => {
                    let form =
                        |document, dictionary| pdf::dict_entry(document, dictionary, b"AcroForm").cloned().unwrap_or_default();
                    self.form(&form(self.signed, old), &form(self.current, new), changes);
                }
                b"DSS" => drop(changes.signatures.insert("validation data".to_owned())),
                b"Extensions" | b"Metadata" | b"Version" => {}
                other => changes.other(format!("the catalog's {} was changed", printed(other))),
            }
        }
    }

    fn form(&self, old: &Dictionary, new: &Dictionary, changes: &mut Changes) {
        for key in differing(old, new) {
            match key.as_slice() {
                b"Fields" => {
                    let list =
                        |document, dictionary| pdf::array_entry(document, dictionary, b"Fields").cloned().unwrap_or_default();
                    self.form_fields(&list(self.signed, old), &list(self.current, new), changes);
                }
                // Resources and defaults of fields; they show only where a field is filled.
                b"SigFlags" | b"DR" | b"DA" | b"NeedAppearances" => {}
                other => changes.other(format!("the form's {} was changed", printed(other))),
            }
        }
    }

    /// The list of fields may only grow, by signed signature fields.
    fn form_fields(&self, old: &[Object], new: &[Object], changes: &mut Changes) {
        if !not_in(old, new).is_empty() {
            changes.other("a form field was removed".to_owned());
        }
        for added in not_in(new, old) {
            let signed = added.as_reference().ok().and_then(|id| self.new_signature(id));
            match signed {
                Some(name) => drop(changes.signatures.insert(name)),
                None => changes.other("a form field was added".to_owned()),
            }
        }
    }

    /// The name of a signed signature field, by its own number or a widget's, that the signature did not know.
    fn new_signature(&self, id: ObjectId) -> Option<String> {
        if self.signed.objects.contains_key(&id) {
            return None;
        }
        let name = self.current_widgets.get(&id);
        let field = match name {
            Some(name) => self.current_fields.get(name),
            None => self.current_fields.values().find(|field| field.id == id),
        }?;
        (field.is_signed(self.current)).then(|| field.name.clone())
    }

    fn page(&self, old: &Dictionary, new: &Dictionary, changes: &mut Changes) {
        for key in differing(old, new) {
            match key.as_slice() {
                b"Annots" => {
                    let list =
                        |document, dictionary| pdf::array_entry(document, dictionary, b"Annots").cloned().unwrap_or_default();
                    self.page_annotations(&list(self.signed, old), &list(self.current, new), changes);
                }
                b"LastModified" | b"Tabs" => {}
                other => changes.other(format!("a page's {} was changed", printed(other))),
            }
        }
    }

    fn page_annotations(&self, old: &[Object], new: &[Object], changes: &mut Changes) {
        for removed in not_in(old, new) {
            let widget = removed.as_reference().is_ok_and(|id| matches!(self.roles.get(&id), Some(Role::Field(_))));
            if widget {
                changes.other("a form field was taken off its page".to_owned());
            } else {
                changes.annotations = true;
            }
        }
        for added in not_in(new, old) {
            let widget = pdf::resolve(self.current, added).as_dict().is_ok_and(|a| is_widget(self.current, a));
            let signed = added.as_reference().ok().and_then(|id| self.new_signature(id));
            match signed {
                Some(name) => drop(changes.signatures.insert(name)),
                None if widget => changes.other("a form field was added to a page".to_owned()),
                None => changes.annotations = true,
            }
        }
    }

    fn field(&self, index: usize, old: &Dictionary, new: &Dictionary, changes: &mut Changes) {
        let field = &self.fields[index];
        const VALUE: [&[u8]; 9] = [b"V", b"AP", b"AS", b"MK", b"M", b"I", b"RV", b"DA", b"Q"];
        // A signature locks its field, and viewers mark it as printed.
        let allowed = |key: &[u8]| VALUE.contains(&key) || (field.is_signature() && key == b"F");
        match differing(old, new).iter().find(|key| !allowed(key)) {
            Some(key) => changes.other(format!("{} of the field \"{}\" was changed", printed(key), field.name)),
            None => self.field_filled(index, changes),
        }
    }

    /// A field's value or appearance differs: fine, unless this very signature had seen it signed.
    fn field_filled(&self, index: usize, changes: &mut Changes) {
        let field = &self.fields[index];
        let now_signed = self.current_fields.get(&field.name).is_some_and(|now| now.is_signed(self.current));
        if field.is_signed(self.signed) {
            changes.other(format!("the signed field \"{}\" was changed", field.name));
        } else if now_signed {
            changes.signatures.insert(field.name.clone());
        } else if changes.form_fields.len() < MAX_LISTED {
            changes.form_fields.insert(field.name.clone());
        }
    }
}

fn verb(after: &Object) -> &'static str {
    if matches!(after, Object::Null) { "removed" } else { "changed" }
}

fn printed(key: &[u8]) -> String {
    String::from_utf8_lossy(key).chars().filter(|c| !c.is_control()).take(40).collect()
}

fn differing(old: &Dictionary, new: &Dictionary) -> BTreeSet<Vec<u8>> {
    let keys: BTreeSet<&Vec<u8>> = old.iter().chain(new.iter()).map(|(key, _)| key).collect();
    keys.into_iter().filter(|key| old.get(key).ok() != new.get(key).ok()).cloned().collect()
}

fn is_widget(document: &Document, annotation: &Dictionary) -> bool {
    let subtype = pdf::entry(document, annotation, b"Subtype").and_then(|subtype| subtype.as_name().ok());
    subtype == Some(b"Widget") || annotation.has(b"FT")
}

/// All annotations of all pages that are not widgets and objects of their own.
fn annotations(document: &Document) -> Result<Vec<ObjectId>, pdf::Error> {
    let pages = pdf::pages(document)?;
    let lists = pages.iter().filter_map(|page| pdf::array_entry(document, pdf::dict_at(document, *page)?, b"Annots"));
    let ids = lists.flatten().filter_map(|annotation| annotation.as_reference().ok());
    Ok(ids.filter(|id| pdf::dict_at(document, *id).is_some_and(|a| !is_widget(document, a))).collect())
}

/// The appearance streams of a widget or annotation: of each kind, and for each state (ISO 32000-1 12.5.5).
fn appearances(document: &Document, id: ObjectId) -> Vec<ObjectId> {
    let dictionary = pdf::dict_at(document, id).and_then(|widget| pdf::dict_entry(document, widget, b"AP"));
    let mut found = Vec::new();
    for (_, appearance) in dictionary.into_iter().flat_map(|dictionary| dictionary.iter()) {
        found.extend(appearance.as_reference().ok());
        let states = pdf::resolve(document, appearance).as_dict().into_iter().flat_map(|states| states.iter());
        found.extend(states.filter_map(|(_, state)| state.as_reference().ok()));
    }
    found
}

/// Everything that pages and page tree nodes draw with: contents and resources.
fn page_content(document: &Document) -> Result<HashSet<ObjectId>, pdf::Error> {
    let mut nodes: BTreeMap<ObjectId, &Dictionary> = BTreeMap::new();
    for page in pdf::pages(document)? {
        let mut next = Some(page);
        while let Some(id) = next.filter(|id| !nodes.contains_key(id)) {
            let Some(node) = pdf::dict_at(document, id) else { break };
            nodes.insert(id, node);
            next = node.get(b"Parent").and_then(Object::as_reference).ok();
        }
    }
    let drawn = nodes.values().flat_map(|node| [b"Contents".as_slice(), b"Resources"].map(|key| node.get(key).ok()));
    Ok(reachable(document, drawn.flatten().collect(), &[b"Parent", b"P", b"Annots", b"StructParent"]))
}

/// The objects that can be reached from `starts`, not going through the keys in `not_through`.
fn reachable(document: &Document, starts: Vec<&Object>, not_through: &[&[u8]]) -> HashSet<ObjectId> {
    let mut found = HashSet::new();
    let mut open: Vec<ObjectId> = Vec::new();
    for start in starts {
        collect(start, not_through, 0, &mut |id| open.push(id));
    }
    while let Some(id) = open.pop() {
        if found.insert(id)
            && let Some(object) = document.objects.get(&id)
        {
            collect(object, not_through, 0, &mut |id| open.push(id));
        }
    }
    found
}

fn references_in<'a>(objects: impl Iterator<Item = &'a Object>) -> HashSet<ObjectId> {
    let mut found = HashSet::new();
    for object in objects {
        collect(object, &[], 0, &mut |id| {
            found.insert(id);
        });
    }
    found
}

/// Calls `found` for each reference in an object. The parser bounds the nesting; so does this.
fn collect(object: &Object, not_through: &[&[u8]], depth: usize, found: &mut dyn FnMut(ObjectId)) {
    if depth > MAX_DEPTH {
        return;
    }
    let dictionary = match object {
        Object::Reference(id) => return found(*id),
        Object::Array(items) => return items.iter().for_each(|item| collect(item, not_through, depth + 1, found)),
        Object::Dictionary(dictionary) => dictionary,
        Object::Stream(stream) => &stream.dict,
        _ => return,
    };
    for (key, value) in dictionary.iter() {
        if !not_through.contains(&key.as_slice()) {
            collect(value, not_through, depth + 1, found);
        }
    }
}

/// The items of `list` that are not in `reference`.
fn not_in<'a>(list: &'a [Object], reference: &[Object]) -> Vec<&'a Object> {
    let known: HashSet<ObjectId> = reference.iter().filter_map(|item| item.as_reference().ok()).collect();
    let direct: Vec<&Object> = reference.iter().filter(|item| item.as_reference().is_err()).take(MAX_DIRECT).collect();
    let is_known = |item: &&Object| match item {
        Object::Reference(id) => known.contains(id),
        other => direct.contains(other),
    };
    list.iter().filter(|item| !is_known(item)).collect()
}
