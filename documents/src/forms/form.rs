//! A form that is filled again and again: all that does not depend on values is read once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lopdf::{Document, Object};

use super::field::{FormField, ReadError};
use super::fonts::{self, Fonts, Known};
use super::prepare;
use super::prepared::{self, Prepared};
use crate::assembly::{self, Compiled};
use crate::fields;
use crate::pdf;

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
        let weight =
            prepared::document_weight(&document) + compiled.weight() + prepared::weight(&prepared) + FONT_WEIGHT * fonts.len();
        Ok(Self { document, compiled, fields, prepared, by_name, fonts, pages, weight })
    }

    /// All fields that have a name, in the order of the form. Fields of one name are one: they share their value.
    pub fn fields(&self) -> &[FormField] {
        &self.fields
    }

    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Which of these characters the fonts that the fields of this name ask for do not have, or not for certain: a value with one of them is
    /// shown in another font.
    pub fn lacks(&self, name: &str, characters: &str) -> String {
        let fields = self.by_name.get(name).into_iter().flatten().filter_map(|index| self.prepared.get(*index));
        let fonts: Vec<&[u8]> = fields.flat_map(Prepared::fonts).collect();
        let has = |font: &&[u8], character| match self.fonts.get(*font).and_then(Option::as_ref) {
            Some(named) => named.has(character),
            None => fonts::stand_in(font).has(character),
        };
        characters.chars().filter(|character| !fonts.iter().all(|font| has(font, *character))).collect()
    }

    /// Bytes that it takes in memory, about.
    pub fn weight(&self) -> usize {
        self.weight
    }
}

/// Bytes of a font's codes and widths, about.
const FONT_WEIGHT: usize = 8 * 1024;

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
