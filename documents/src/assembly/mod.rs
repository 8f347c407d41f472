//! Putting forms together: what strangers' PDFs hold is compiled once into bytes with slots for object numbers, and linked into one
//! clean file per fill. Linking copies bytes and writes numbers; it must never parse, lay out or compress what the form has.

mod actions;
mod catalog;
mod code;
mod compile;
mod content;
mod flatten;
mod form;
mod link;
mod locks;
mod open;
mod overlap;
mod pages;
mod plan;
mod root;
mod spell;
mod structure;
mod sweep;
#[cfg(test)]
mod tests;
mod tree;
mod whole;

use lopdf::{Document, Object, ObjectId};

pub(crate) use self::compile::Compiled;
pub(crate) use self::open::open;
use crate::pdf;

/// Files that are put together at once.
const MAX_PARTS: usize = 1_000;

/// One of the files that are put together.
pub(crate) struct Part<'a> {
    pub(crate) document: &'a Document,
    /// Of this very document.
    pub(crate) compiled: &'a Compiled,
    /// New and changed objects, in the part's own numbers. Where one occurs twice, the last counts.
    pub(crate) changed: Vec<(ObjectId, Object)>,
}

/// Fields that got another name: original and current full name.
pub(crate) type Renamed = Vec<(String, String)>;

/// What parts became.
#[derive(Debug)]
pub struct Assembled {
    pub pdf: Vec<u8>,
    pub pages: usize,
    /// Fields of the result that are not called as in their part: original and current full name.
    pub renamed: Vec<(String, String)>,
}

/// Why parts cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("there is nothing to put together")]
    NoParts,
    #[error("more than {MAX_PARTS} files at once; put together fewer")]
    TooManyParts,
    #[error("the document would be larger than can be read again ({MAX_BYTES} bytes, {MAX_NUMBERS} objects); fill fewer or smaller forms", MAX_BYTES = crate::reader::MAX_FILE_BYTES, MAX_NUMBERS = crate::reader::sections::MAX_OBJECT_NUMBER)]
    TooLarge,
    #[error(transparent)]
    Document(#[from] pdf::Error),
}

/// Puts files together, in their order: one PDF 1.7 file with new numbers, flattened (the fields are painted into their pages
/// and gone, but for signature fields that are not signed) or with one form.
///
/// The same parts give the same bytes.
///
/// # Errors
/// [`Error`]: where the result would be too large, or an object that was changed is nested too deeply.
pub(crate) fn assemble(parts: &[Part<'_>], flatten: bool) -> Result<Assembled, Error> {
    if parts.is_empty() {
        return Err(Error::NoParts);
    }
    if parts.len() > MAX_PARTS {
        return Err(Error::TooManyParts);
    }
    let mut linker = link::Linker::new(parts)?;
    let root = linker.number(linker.global(0, parts[0].compiled.root));
    let information = parts[0].compiled.information.map(|index| linker.number(linker.global(0, index)));
    if flatten {
        (0..parts.len()).for_each(|part| flatten::flatten(&mut linker, part));
    }
    let renamed = root::put_catalog(&mut linker, flatten)?;
    let pages = parts.iter().map(|part| part.compiled.pages.len()).sum();
    let pdf = linker.write(root, information)?;
    Ok(Assembled { pdf, pages, renamed })
}

/// Puts files together as they are, for tests and tools.
///
/// # Errors
/// As [`open`] and [`assemble`].
#[cfg(any(test, feature = "fixtures"))]
pub fn put_together(files: &[Vec<u8>], flatten: bool) -> Result<Assembled, Error> {
    let mut read = Vec::new();
    for file in files {
        let document = open(file)?;
        let compiled = Compiled::of(&document)?;
        read.push((document, compiled));
    }
    let parts = read.iter().map(|(document, compiled)| Part { document, compiled, changed: Vec::new() });
    assemble(&parts.collect::<Vec<_>>(), flatten)
}
