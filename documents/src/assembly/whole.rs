//! What there is once in a file, put together from all parts: the catalog, the form.

use lopdf::{Dictionary, Document};

use super::compile::{Compiler, Piece};
use super::link::Linker;
use crate::fields;
use crate::pdf::{self, Error};

/// What a document's catalog leads to.
pub(super) struct Whole {
    /// The catalog without the entries that are put together.
    head: Piece,
    form: Option<Form>,
}

struct Form {
    fields: Vec<u32>,
    has_signatures: bool,
    /// `DR`, `DA`, `Q` and `CO`.
    entries: Piece,
}

impl Whole {
    pub(super) fn of(document: &Document, compiler: &mut Compiler) -> Result<Self, Error> {
        let (_, catalog) = pdf::catalog(document)?;
        let head = compiler.head(catalog, |key| key != b"AcroForm")?;
        let form = match pdf::dict_entry(document, catalog, b"AcroForm") {
            Some(form) => Some(Form::of(document, compiler, form)?),
            None => None,
        };
        Ok(Self { head, form })
    }
}

impl Form {
    fn of(document: &Document, compiler: &mut Compiler, form: &Dictionary) -> Result<Self, Error> {
        let roots = pdf::array_entry(document, form, b"Fields").map(Vec::as_slice).unwrap_or_default();
        let roots = roots.iter().filter_map(|root| root.as_reference().ok());
        let fields = roots.filter_map(|root| compiler.index(root)).collect();
        let has_signatures = fields::all(document)?.iter().any(fields::Field::is_signature);
        let entries =
            compiler.piece(|ink| super::spell::entries(ink, form, |key| matches!(key, b"DR" | b"DA" | b"Q" | b"CO")))?;
        Ok(Self { fields, has_signatures, entries })
    }
}

/// Writes the catalog of the result.
pub(super) fn put_catalog(linker: &mut Linker<'_>, flatten: bool) {
    let first = linker.parts[0].compiled;
    let mut bytes = Vec::new();
    linker.copy(0, first.whole.head, &mut bytes);
    if let Some(form) = form(linker, flatten) {
        bytes.extend_from_slice(b"/AcroForm ");
        let form = linker.make(form);
        linker.refer(&mut bytes, form);
    }
    bytes.extend_from_slice(b">>");
    linker.replace(linker.global(0, first.root), bytes);
}

fn form(linker: &mut Linker<'_>, flatten: bool) -> Option<Vec<u8>> {
    let compiled = linker.parts[0].compiled;
    let form = compiled.whole.form.as_ref()?;
    let fields = if flatten { &compiled.plan.roots } else { &form.fields };
    if fields.is_empty() {
        return None;
    }
    let mut bytes = b"<</Fields[".to_vec();
    for field in fields {
        linker.refer(&mut bytes, linker.global(0, *field));
        bytes.push(b' ');
    }
    bytes.push(b']');
    if !flatten {
        linker.copy(0, form.entries, &mut bytes);
    }
    // ISO 32000-2 table 225: there are signature fields; none is signed.
    if form.has_signatures {
        bytes.extend_from_slice(b"/SigFlags 1");
    }
    bytes.extend_from_slice(b">>");
    Some(bytes)
}
