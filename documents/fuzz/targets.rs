//! What is fuzzed of forms, as functions of any bytes: they come back without a panic, and what they accept keeps its promises.
//!
//! `programs` gives them to libFuzzer, `documents/tests/mutations.rs` runs them on seeded mutants.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use documents::forms::{FieldKind, Form, FormField, Mode, Options, Picture, Value, fill};
use documents::{fixtures, handwriting};

/// Fields of a form that are filled: enough to meet every kind.
const MOST_FIELDS: usize = 40;
/// Between the objects of `form_objects`, as a line of its own: a comment of PDF.
const SEPARATOR: &[u8] = b"\n%\n";
/// Objects of a file that `form_objects` writes.
const MOST_OBJECTS: usize = 200;

/// A file from a stranger, as a form.
pub fn form_file(data: &[u8]) {
    if let Ok(form) = Form::read(data) {
        fill_every_field(form);
    }
}

/// The bodies of a file's objects, from number 1 (the catalog) on: the file around them is sound, so that more of it is read than of [`form_file`]'s.
pub fn form_objects(data: &[u8]) {
    form_file(&file_of(data));
}

/// A value for fields of every kind: as many bytes as it has are text.
pub fn form_values(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let form = Arc::new(Form::read(&fixtures::large_form()).expect("a sound form"));
    let kind = |field: &FormField| (field.kind as u8, field.multiline, field.multiple, field.comb, field.max_length);
    let mut seen = HashSet::new();
    for field in form.fields().iter().filter(|field| seen.insert(kind(field))) {
        // A refusal is right for most of them.
        for flatten in [false, true] {
            for mode in [Mode::Default, Mode::Raw] {
                let values = HashMap::from([(field.name.as_str(), Value::Text(&text))]);
                if let Ok(filled) = fill(&[Arc::clone(&form)], &values, Options { mode, flatten }) {
                    let read = Form::read(&filled.pdf).expect("a filled form is readable");
                    assert_eq!(read.pages(), form.pages());
                }
            }
        }
    }
}

/// A picture from a stranger, drawn into every field that takes one, and as that of a signature.
pub fn picture(data: &[u8]) {
    if let Ok(picture) = handwriting::picture(data) {
        // A JPEG is no longer than it was sent, and of a PNG there are the pixels and how opaque they are.
        assert!(picture.weight() <= data.len() + 4 * handwriting::MAX_PICTURE_PIXELS as usize + 1024);
    }
    let Ok(picture) = Picture::read(data) else { return };
    let form = Arc::new(Form::read(&fixtures::large_form()).expect("a sound form"));
    for field in form.fields().iter().filter(|field| matches!(field.kind, FieldKind::PushButton | FieldKind::Signature)) {
        let values = HashMap::from([(field.name.as_str(), Value::Picture(&picture))]);
        if let Ok(filled) = fill(&[Arc::clone(&form)], &values, Options { mode: Mode::Default, flatten: true }) {
            Form::read(&filled.pdf).expect("a filled form is readable");
        }
    }
}

/// Fills, flattened and not, alone and beside a sound form.
fn fill_every_field(form: Form) {
    let form = Arc::new(form);
    let other = Arc::new(Form::read(&fixtures::large_form()).expect("a sound form"));
    let given: Vec<(&str, &str)> =
        form.fields().iter().take(MOST_FIELDS).filter_map(|field| Some((field.name.as_str(), value_of(field)?))).collect();
    let values: HashMap<&str, Value<'_>> = given.iter().map(|&(name, value)| (name, Value::Text(value))).collect();
    for flatten in [true, false] {
        let options = Options { mode: Mode::Default, flatten };
        let Ok(filled) = fill(&[Arc::clone(&form)], &values, options) else { continue };
        let read = Form::read(&filled.pdf).expect("a filled form is readable");
        assert_eq!((filled.pages, read.pages()), (form.pages(), form.pages()));
        assert!(filled.unknown.is_empty(), "a field of the form is called unknown");
        if !flatten {
            let kept = |form: &Form| form.fields().iter().map(|field| field.name.clone()).collect::<Vec<_>>();
            assert_eq!(kept(&read), kept(&form), "a field is lost");
        }
        if let Ok(both) = fill(&[Arc::clone(&other), Arc::clone(&form)], &values, options) {
            let read = Form::read(&both.pdf).expect("a merged form is readable");
            assert_eq!(read.pages(), other.pages() + form.pages());
        }
    }
}

fn value_of(field: &FormField) -> Option<&str> {
    match field.kind {
        FieldKind::Text => Some(if field.multiline { "Núria\nGüell" } else { "Núria" }),
        FieldKind::CheckBox => Some("true"),
        FieldKind::Radio | FieldKind::ComboBox | FieldKind::ListBox => field.options.last().map(|option| option.export.as_str()),
        FieldKind::PushButton | FieldKind::Signature => None,
    }
}

/// A file of these objects, with the cross-references that belong to them.
fn file_of(data: &[u8]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::new();
    for body in split(data).take(MOST_OBJECTS) {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n", offsets.len()).bytes());
        file.extend(body);
        file.extend(b"\nendobj\n");
    }
    let section = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).bytes());
    for offset in &offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    file.extend(format!("trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{section}\n%%EOF\n", offsets.len() + 1).bytes());
    file
}

fn split(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = whole.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
        rest = end.map(|end| &whole[end + SEPARATOR.len()..]);
        Some(&whole[..end.unwrap_or(whole.len())])
    })
}
