//! A form that is filled again and again: all that does not depend on values is read once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::fonts::{Fonts, Known};
use super::prepare::{self, Prepared};
use crate::assembly::{self, Compiled};
use crate::fields;
use crate::pdf;

/// Why a PDF cannot be used as a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Document(#[from] pdf::Error),
    /// Filling it would break the signature.
    #[error("the field \"{0}\" is signed already, and filling the form would break that signature")]
    Signed(String),
    #[error("its fields have more options than are read ({} bytes of text)", prepare::MAX_OPTION_BYTES)]
    TooManyOptions,
    #[error("its buttons have more states than are read ({} together)", prepare::MAX_STATES)]
    TooManyStates,
}

impl ReadError {
    /// What is wrong, and what the one who uploads the form can do about it.
    pub fn with_advice(&self) -> String {
        match self {
            Self::Document(error) => error.with_advice(),
            Self::Signed(_) => format!("{self}; upload the form as it was before it was signed"),
            Self::TooManyOptions => format!("{self}; remove options and upload the form again"),
            Self::TooManyStates => format!("{self}; remove states and upload the form again"),
        }
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    CheckBox,
    Radio,
    ComboBox,
    ListBox,
    /// It has no value, but can show a picture.
    PushButton,
    Signature,
}

impl FieldKind {
    /// Whether it takes a text as its value.
    pub fn is_fillable(self) -> bool {
        !matches!(self, Self::PushButton | Self::Signature)
    }
}

/// One of the choices of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOption {
    /// The value that stands for it.
    pub export: String,
    /// What the field shows; of a check box or radio button, the name of its state.
    pub display: String,
}

/// Where a field is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// From 0.
    pub page: usize,
    /// Left, bottom, right, top, on the page that is not turned, in points.
    pub rect: [f32; 4],
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct FormField {
    /// Fully qualified: the partial names from the root of the tree, joined by periods.
    pub name: String,
    pub kind: FieldKind,
    /// The form wants a value; a fill does not insist.
    pub required: bool,
    /// People do not change it in a viewer. A fill does: authors protect what a program is to fill in.
    pub read_only: bool,
    pub multiline: bool,
    /// A list box in which several options may be chosen.
    pub multiple: bool,
    /// In characters (Unicode scalar values, composed).
    pub max_length: Option<usize>,
    pub comb: bool,
    pub options: Vec<FieldOption>,
    /// The font that the field names (`BaseFont`, else its name among the resources). Buttons and signatures have none.
    pub font: Option<String>,
    pub places: Vec<Place>,
}

/// A form that was read. It never changes: many fills may use it at once.
pub struct Form {
    pub(super) document: Document,
    pub(super) compiled: Compiled,
    pub(super) fields: Vec<FormField>,
    pub(super) prepared: Vec<Prepared>,
    /// The fields of a name, as indices of `prepared`.
    pub(super) by_name: HashMap<String, Vec<usize>>,
    pub(super) fonts: Arc<Known>,
    pages: usize,
    weight: usize,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form").field("pages", &self.pages).field("fields", &self.fields.len()).finish_non_exhaustive()
    }
}

impl Form {
    /// Reads a form.
    ///
    /// # Errors
    /// [`ReadError`]: what is no PDF, damaged, encrypted so that it needs a password, or signed already.
    pub fn read(pdf: &[u8]) -> Result<Self, ReadError> {
        let mut document = assembly::open(pdf)?;
        if let Some(field) = fields::all(&document)?.iter().find(|field| field.is_signed(&document)) {
            return Err(ReadError::Signed(super::shortened(&field.name)));
        }
        no_calculation(&mut document)?;
        no_inherited_scripts(&mut document)?;
        for (id, object) in prepare::missing_looks(&document)? {
            document.max_id = document.max_id.max(id.0);
            document.objects.insert(id, object);
        }
        let (prepared, fields) = prepare::fields(&document)?;
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, field) in prepared.iter().enumerate() {
            by_name.entry(field.name.clone()).or_default().push(index);
        }
        let mut fonts = Fonts::new(&document);
        prepared.iter().flat_map(Prepared::fonts).for_each(|name| drop(fonts.named(name)));
        let fonts = Arc::new(fonts.into_known());
        let compiled = Compiled::of(&document)?;
        let pages = pdf::pages(&document)?.len();
        let weight = weight(&document) + compiled.weight() + prepare::weight(&prepared) + FONT_WEIGHT * fonts.len();
        Ok(Self { document, compiled, fields, prepared, by_name, fonts, pages, weight })
    }

    /// All fields that have a name, in the order of the form. Fields of one name are one: they share their value.
    pub fn fields(&self) -> &[FormField] {
        &self.fields
    }

    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Bytes that it takes in memory, about.
    pub fn weight(&self) -> usize {
        self.weight
    }
}

/// Bytes of a font's codes and widths, about.
const FONT_WEIGHT: usize = 8 * 1024;
/// Bytes of an entry beside what it holds, about: key, place in the map, the object itself.
const ENTRY_WEIGHT: usize = 64;

/// Without an order of calculation no viewer calculates: it would replace values that were filled in, and show others than those that are
/// drawn and sealed.
fn no_calculation(document: &mut Document) -> Result<(), pdf::Error> {
    let (catalog, dictionary) = pdf::catalog(document)?;
    let form = dictionary.get(b"AcroForm").and_then(Object::as_reference).ok();
    let holder = document.objects.get_mut(&form.unwrap_or(catalog)).and_then(|holder| holder.as_dict_mut().ok());
    let form = match form {
        Some(_) => holder,
        None => holder.and_then(|catalog| catalog.get_mut(b"AcroForm").ok()?.as_dict_mut().ok()),
    };
    if let Some(form) = form {
        form.remove(b"CO");
    }
    Ok(())
}

/// Viewers run the scripts of fields above a field for it as well: they would format or check what was filled in anew.
fn no_inherited_scripts(document: &mut Document) -> Result<(), pdf::Error> {
    let mut above = HashSet::new();
    for field in fields::all(document)? {
        let mut below = pdf::dict_at(document, field.id);
        while let Some(parent) = below.and_then(|below| below.get(b"Parent").and_then(Object::as_reference).ok()) {
            if !above.insert(parent) {
                break;
            }
            below = pdf::dict_at(document, parent);
        }
    }
    for id in above {
        if let Some(dictionary) = document.objects.get_mut(&id).and_then(|parent| parent.as_dict_mut().ok()) {
            dictionary.remove(b"AA");
        }
    }
    Ok(())
}

/// Bytes that a document's objects take, about.
fn weight(document: &Document) -> usize {
    document.objects.values().map(object_weight).sum()
}

pub(super) fn dictionary_weight(dictionary: &Dictionary) -> usize {
    dictionary.iter().map(|(key, value)| key.len() + object_weight(value)).sum()
}

fn object_weight(object: &Object) -> usize {
    let mut weight = 0;
    let mut open = vec![object];
    while let Some(object) = open.pop() {
        weight += ENTRY_WEIGHT;
        match object {
            Object::String(bytes, _) | Object::Name(bytes) => weight += bytes.len(),
            Object::Array(items) => open.extend(items),
            Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value)),
            Object::Stream(stream) => {
                weight += stream.content.len();
                open.extend(stream.dict.iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    weight
}

/// New numbers behind those of a document.
pub(super) fn numbers(document: &Document) -> impl FnMut() -> ObjectId {
    let mut last = document.max_id;
    move || {
        last = last.saturating_add(1);
        (last, 0)
    }
}
