//! Changes of the form: which fields were added, filled or signed, and whether viewers draw the fields with something else.

use std::collections::{BTreeMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::content::{Operand, Operation, Operations};
use super::{Findings, Roles, annotations, differing, marks, printed, shown, walk};
use crate::fields::Field;
use crate::pdf;

/// Entries of the default resources that are compared. A form with more has them all counted as changed.
const MAX_RESOURCES: usize = 20_000;
/// ISO 32000-2 table 167: read-only, print, locked and locked contents, which hide nothing and bring nothing in.
const HARMLESS_ANNOTATION_FLAGS: i64 = 4 | 64 | 128 | 512;
/// Hidden or not viewed: what such a widget draws is not on the page.
const HIDDEN_FLAGS: i64 = 2 | 32;
/// ISO 32000-2 table 227: read-only, required and not exported, which viewers set when a signature locks fields.
const HARMLESS_FIELD_FLAGS: i64 = 1 | 2 | 4;
/// ISO 32000-2 table 229.
const PUSH_BUTTON: i64 = 1 << 16;

impl Roles<'_> {
    /// The form dictionary itself. Its fields and what they are drawn with are compared by [`Roles::compare_form`].
    pub(super) fn form(&self, old: &Dictionary, new: &Dictionary, findings: &mut Findings) {
        const COMPARED: [&[u8]; 6] = [b"Fields", b"SigFlags", b"DR", b"DA", b"Q", b"NeedAppearances"];
        for key in differing(old, new).iter().filter(|key| !COMPARED.contains(&key.as_slice())) {
            findings.other(format!("the form's {} was changed", printed(key)));
        }
    }

    /// The list of fields, and what viewers draw fields with.
    pub(super) fn compare_form(&self, findings: &mut Findings) {
        let form = |document| {
            let catalog = pdf::catalog(document).ok().map(|(_, catalog)| catalog);
            catalog.and_then(|catalog| pdf::dict_entry(document, catalog, b"AcroForm"))
        };
        let empty = Dictionary::new();
        let (old, new) = (form(self.signed).unwrap_or(&empty), form(self.current).unwrap_or(&empty));
        self.form_fields(old, new, findings);
        let needed = |document, form| {
            pdf::entry(document, form, b"NeedAppearances").is_some_and(|need| matches!(need, Object::Boolean(true)))
        };
        let (needed, needed_now) = (needed(self.signed, old), needed(self.current, new));
        self.default_resources(old, new, needed || needed_now, findings);
        if needed != needed_now {
            // Where viewers drew the fields, they showed the values; where they did not, the appearances.
            let drawn = if needed_now { self.signed } else { self.current };
            let mut looks = shown::Looks::new();
            for field in &self.fields {
                if field.is_signature() {
                    // poppler draws them anew as well.
                    findings.redrawn.insert(field.name.clone());
                }
                if self.is_explained(field, findings) {
                    continue;
                }
                if shown::shows_its_value(drawn, field, &mut looks) {
                    findings.redrawn.insert(field.name.clone());
                } else {
                    let what = format!("the appearance of the field \"{}\" is not its value's", field.name);
                    findings.other(format!("NeedAppearances was changed, and {what}"));
                }
            }
        }
    }

    /// A field that has no value to draw, or is told anyway.
    fn is_explained(&self, field: &Field<'_>, findings: &Findings) -> bool {
        let drawn_by_value = matches!(field.kind, Some(b"Tx" | b"Ch" | b"Btn"));
        !drawn_by_value || findings.filled.contains(&field.name) || self.has_another_value(field)
    }

    pub(super) fn has_another_value(&self, field: &Field<'_>) -> bool {
        let value = |field: &Field<'_>| field.value.cloned().unwrap_or(Object::Null);
        let now = self.current_fields.get(&field.name).map_or(Object::Null, value);
        !walk::same((self.signed, &value(field)), (self.current, &now))
    }

    /// The list of fields may only grow, by signature fields.
    fn form_fields(&self, old: &Dictionary, new: &Dictionary, findings: &mut Findings) {
        let list = |document, form| pdf::array_entry(document, form, b"Fields").map(Vec::as_slice).unwrap_or_default();
        let (old, new) = (list(self.signed, old), list(self.current, new));
        if !annotations::not_in(old, new).is_empty() {
            findings.other("a form field was removed");
        }
        for added in annotations::not_in(new, old) {
            if !added.as_reference().is_ok_and(|id| self.new_signature_field(id, findings)) {
                findings.other("a form field was added");
            }
        }
    }

    /// Tells of a signature field, by its own number or a widget's, that the signature did not know. False: it is none.
    pub(super) fn new_signature_field(&self, id: ObjectId, findings: &mut Findings) -> bool {
        let owner = self.current_owners.get(&id).and_then(|name| self.current_fields.get(name));
        let Some(field) = owner.filter(|field| field.is_signature() && !self.signed.objects.contains_key(&id)) else {
            return false;
        };
        if self.fields.iter().any(|known| known.name == field.name) {
            return false;
        }
        let dictionaries = std::iter::once(field.id).chain(field.widgets.iter().copied());
        if dictionaries.filter_map(|id| pdf::dict_at(self.current, id)).any(|part| annotations::has_action(self.current, part)) {
            findings.other(format!("the new field \"{}\" has an action", field.name));
        }
        if field.is_signed(self.current) {
            self.note_signed(field, findings);
        } else if field.widgets.iter().any(|widget| draws(self.current, *widget)) {
            findings.other(format!("the new field \"{}\" shows something and is not signed", field.name));
        } else {
            findings.prepared.insert(field.name.clone());
        }
        true
    }

    fn note_signed(&self, field: &Field<'_>, findings: &mut Findings) {
        let signature = field.value.and_then(|value| pdf::resolve(self.current, value).as_dict().ok());
        let kind = signature.and_then(|signature| pdf::entry(self.current, signature, b"SubFilter"));
        let is_time_stamp = kind.and_then(|kind| kind.as_name().ok()) == Some(b"ETSI.RFC3161");
        let bare = is_time_stamp && !field.widgets.iter().any(|widget| draws(self.current, *widget));
        findings.signed.insert(field.name.clone(), bare);
    }

    /// A field's dictionary, or that of one of its widgets.
    pub(super) fn field(&self, index: usize, old: &Dictionary, new: &Dictionary, findings: &mut Findings) {
        let field = &self.fields[index];
        let keys = differing(old, new);
        if let Some(key) = keys.iter().find(|key| !self.may_change(field, key, old, new)) {
            return findings.other(format!("{} of the field \"{}\" was changed", printed(key), field.name));
        }
        const DRAWN: [&[u8]; 5] = [b"AP", b"AS", b"MK", b"DA", b"Q"];
        if keys.iter().any(|key| DRAWN.contains(&key.as_slice())) {
            self.appearance_drawn(index, findings);
        }
        if keys.iter().any(|key| !matches!(key.as_slice(), b"F" | b"Ff" | b"Type")) {
            self.field_filled(field, findings);
        }
    }

    fn may_change(&self, field: &Field<'_>, key: &[u8], old: &Dictionary, new: &Dictionary) -> bool {
        let flags =
            |document, dictionary| pdf::entry(document, dictionary, key).and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let (old_flags, new_flags) = (flags(self.signed, old), flags(self.current, new));
        match key {
            b"V" | b"AP" | b"MK" | b"M" | b"I" | b"RV" | b"DA" | b"Q" => true,
            b"Type" => new.has_type(b"Annot") && !old.has(b"Type"),
            // A signature that is made prints and is locked; no other widget may appear or vanish.
            b"F" if self.is_newly_signed(field) => true,
            b"F" => (old_flags ^ new_flags) & !HARMLESS_ANNOTATION_FLAGS == 0 && old_flags & !new_flags == 0,
            b"Ff" => (old_flags ^ new_flags) & !HARMLESS_FIELD_FLAGS == 0,
            // A state that was there when it was signed shows another thing; only the button's value may choose it.
            b"AS" => self.is_newly_signed(field) || (field.kind == Some(b"Btn") && self.has_another_value(field)),
            _ => false,
        }
    }

    fn is_newly_signed(&self, field: &Field<'_>) -> bool {
        let signed = self.current_fields.get(&field.name).is_some_and(|now| now.is_signed(self.current));
        signed && !field.is_signed(self.signed)
    }

    /// What a field shows was drawn anew: fine for one that has a value to show.
    pub(super) fn appearance_drawn(&self, index: usize, findings: &mut Findings) {
        let field = &self.fields[index];
        let flags = walk::inherited(self.signed, field.id, b"Ff").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let shows_a_value = match field.kind {
            Some(b"Sig") => field.is_signed(self.signed) || self.is_newly_signed(field),
            Some(b"Btn") => flags & PUSH_BUTTON == 0,
            _ => true,
        };
        if shows_a_value {
            self.field_filled(field, findings);
        } else {
            findings.other(format!("what the field \"{}\" shows was changed, and it was not filled in", field.name));
        }
    }

    /// A field's value or appearance differs: fine, unless this very signature had seen it signed.
    fn field_filled(&self, field: &Field<'_>, findings: &mut Findings) {
        if field.is_signed(self.signed) {
            findings.other(format!("the signed field \"{}\" was changed", field.name));
        } else if let Some(now) = self.current_fields.get(&field.name).filter(|now| now.is_signed(self.current)) {
            self.note_signed(now, findings);
        } else {
            findings.filled.insert(field.name.clone());
        }
    }

    /// What viewers draw fields with: where it changes, they show another thing, now or when a field is next touched.
    fn default_resources(&self, old: &Dictionary, new: &Dictionary, needed: bool, findings: &mut Findings) {
        let redrawn = needed || self.current_fields.values().any(|field| shown::is_drawn_by_viewers(self.current, field));
        let (before, after) = (resources(self.signed, old), resources(self.current, new));
        let changed = "which viewers draw its fields with,";
        for ((category, name), value) in &before {
            let now = after.get(&(*category, *name));
            if !now.is_some_and(|now| walk::same((self.signed, value), (self.current, now))) {
                let what = format!("{} {}", printed(category), printed(name));
                findings.other(format!("the form's default resources, {changed} were changed ({what})"));
            }
        }
        let named = if redrawn { self.named_fonts() } else { HashSet::new() };
        let mut added = after.keys().filter(|key| !before.contains_key(*key));
        if added.any(|(category, name)| *category == b"Font" && named.contains(*name)) {
            findings.other(format!("a font of the form's default resources, {changed} was supplied"));
        }
        let differs = |key: &[u8]| {
            let value = |document, form| pdf::entry(document, form, key).cloned().unwrap_or(Object::Null);
            value(self.signed, old) != value(self.current, new)
        };
        let inherits = |key: &[u8]| {
            let shown = self.fields.iter().filter(|field| matches!(field.kind, Some(b"Tx" | b"Ch")));
            shown.flat_map(|field| &field.widgets).any(|widget| walk::inherited(self.signed, *widget, key).is_none())
        };
        if redrawn && [b"DA".as_slice(), b"Q"].iter().any(|key| differs(key) && inherits(key)) {
            findings.other(format!("the form's default appearance, {changed} was changed"));
        }
    }

    /// The fonts of the form that fields which were signed are drawn with.
    fn named_fonts(&self) -> HashSet<Vec<u8>> {
        let form = pdf::catalog(self.signed).ok().and_then(|(_, catalog)| pdf::dict_entry(self.signed, catalog, b"AcroForm"));
        let form_default = form.and_then(|form| pdf::entry(self.signed, form, b"DA"));
        let drawn = self.fields.iter().filter(|field| matches!(field.kind, Some(b"Tx" | b"Ch"))).flat_map(|field| &field.widgets);
        let defaults = drawn.filter_map(|widget| walk::inherited(self.signed, *widget, b"DA").or(form_default));
        let operations =
            defaults.filter_map(|default| default.as_str().ok()).flat_map(|default| Operations::of(default).flatten());
        let font = |operation: Operation<'_>| match operation.operands.into_iter().next() {
            Some(Operand::Name(name)) if operation.operator == b"Tf" => Some(name),
            _ => None,
        };
        operations.filter_map(font).collect()
    }
}

/// Whether a widget draws something on its page.
pub(super) fn draws(document: &Document, widget: ObjectId) -> bool {
    let Some(widget) = pdf::dict_at(document, widget) else { return false };
    let flags = pdf::entry(document, widget, b"F").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
    let (width, height) = annotations::extent(document, widget);
    let mut shown = walk::appearances(document, widget).into_iter().filter_map(|id| document.objects.get(&id)?.as_stream().ok());
    flags & HIDDEN_FLAGS == 0 && width * height > 0.0 && shown.any(|stream| !marks::is_blank(stream))
}

/// The default resources, by category and name.
fn resources<'a>(document: &'a Document, form: &'a Dictionary) -> BTreeMap<(&'a [u8], &'a [u8]), &'a Object> {
    let categories = pdf::dict_entry(document, form, b"DR").into_iter().flat_map(Dictionary::iter);
    let entries = categories.flat_map(|(category, value)| {
        let entries = pdf::resolve(document, value).as_dict().into_iter().flat_map(Dictionary::iter);
        entries.map(move |(name, value)| ((category.as_slice(), name.as_slice()), value))
    });
    entries.take(MAX_RESOURCES).collect()
}
