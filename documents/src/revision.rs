//! Incremental revisions (ISO 32000-1 7.5.6): what is there stays byte by byte, new objects come after it.
//!
//! The file is parsed once; each revision is applied to the parsed document as well, so that the next one stands on it.

use std::collections::BTreeMap;

use lopdf::xref::XrefType;
use lopdf::{Dictionary, Document, Object, ObjectId, Writer};

use crate::pdf::{self, Error, damaged};
use crate::permissions;

/// The highest object number that viewers handle (ISO 32000-1 annex C).
const MAX_OBJECT_NUMBER: u32 = 8_388_607;
/// Offsets in a classic cross-reference table have ten digits, those in our streams four bytes.
const MAX_OFFSET: usize = u32::MAX as usize;

/// A PDF that revisions are appended to.
pub(crate) struct Revisions<'a> {
    original: &'a [u8],
    /// What has been appended.
    appended: Vec<u8>,
    document: Document,
    /// Where the latest cross-reference section starts.
    xref_start: usize,
    next_number: u32,
}

/// The objects of one new revision.
#[derive(Default)]
pub(crate) struct Changes {
    objects: BTreeMap<ObjectId, Object>,
    /// An object that is written as given: the signature dictionary with its placeholders.
    verbatim: Option<(ObjectId, Vec<u8>)>,
}

impl Changes {
    pub(crate) fn set(&mut self, id: ObjectId, object: impl Into<Object>) {
        self.objects.insert(id, object.into());
    }

    pub(crate) fn get(&self, id: ObjectId) -> Option<&Object> {
        self.objects.get(&id)
    }

    pub(crate) fn set_verbatim(&mut self, id: ObjectId, bytes: Vec<u8>) {
        self.verbatim = Some((id, bytes));
    }
}

impl<'a> Revisions<'a> {
    /// Parses a PDF and makes sure that a revision can be appended so that every reader finds the same objects.
    ///
    /// # Errors
    /// [`Error`], where `Damaged` says what stands in the way.
    pub(crate) fn open(original: &'a [u8]) -> Result<Self, Error> {
        let document = pdf::load(original)?;
        if !original.starts_with(b"%PDF-") {
            return Err(damaged("there are bytes before its header"));
        }
        if document.xref_recovery.is_some() || document.xref_start == 0 {
            return Err(damaged("its cross-reference table does not fit; open it in a PDF program and save it anew"));
        }
        let declared = document.trailer.get(b"Size").and_then(Object::as_i64).unwrap_or(0);
        let size = u32::try_from(declared).unwrap_or(u32::MAX).max(document.max_id.saturating_add(1));
        // Room for the revisions to come.
        if size > MAX_OBJECT_NUMBER - 100_000 {
            return Err(damaged("its object numbers are out of bounds"));
        }
        pdf::catalog(&document)?;
        if let Some(why) = permissions::forbids_signatures(&document)? {
            return Err(damaged(why));
        }
        let xref_start = document.xref_start;
        Ok(Self { original, appended: Vec::new(), document, xref_start, next_number: size })
    }

    /// The document as it is after all revisions so far.
    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    pub(crate) fn new_id(&mut self) -> ObjectId {
        let id = (self.next_number, 0);
        self.next_number += 1;
        id
    }

    /// Length of the file with all revisions, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.original.len() + self.appended.len()
    }

    /// The bytes from the original, then the appended ones.
    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        (self.original, &self.appended)
    }

    /// Overwrites appended bytes at an offset of the whole file.
    pub(crate) fn overwrite(&mut self, offset: usize, bytes: &[u8]) {
        let start = offset - self.original.len();
        self.appended[start..start + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len());
        whole.extend_from_slice(self.original);
        whole.extend_from_slice(&self.appended);
        whole
    }

    /// Appends a revision. Returns the offset at which the verbatim object's bytes start, if there is one.
    ///
    /// # Errors
    /// `Damaged` where the file grows beyond what offsets can say, or its identifiers cannot be written.
    pub(crate) fn append(&mut self, changes: Changes) -> Result<Option<usize>, Error> {
        let unwritable = |error: std::io::Error| damaged(format!("an object cannot be written: {error}"));
        if !self.ends_with_newline() {
            self.appended.push(b'\n');
        }
        let mut offsets: BTreeMap<ObjectId, usize> = BTreeMap::new();
        for (id, object) in &changes.objects {
            offsets.insert(*id, self.len());
            self.open_object(*id);
            Writer::write_object(&mut self.appended, object).map_err(unwritable)?;
            self.appended.extend_from_slice(b"\nendobj\n");
        }
        let mut verbatim_start = None;
        if let Some((id, bytes)) = &changes.verbatim {
            offsets.insert(*id, self.len());
            self.open_object(*id);
            verbatim_start = Some(self.len());
            self.appended.extend_from_slice(bytes);
            self.appended.extend_from_slice(b"\nendobj\n");
        }
        self.write_cross_references(offsets).map_err(unwritable)?;
        if self.len() > MAX_OFFSET {
            return Err(damaged("it is too large for a further revision"));
        }
        self.document.objects.extend(changes.objects);
        Ok(verbatim_start)
    }

    /// Adds an object to the parsed document only: the signature dictionary, once it is written.
    pub(crate) fn note(&mut self, id: ObjectId, object: impl Into<Object>) {
        self.document.objects.insert(id, object.into());
    }

    fn ends_with_newline(&self) -> bool {
        let last = self.appended.last().or(self.original.last());
        matches!(last, Some(b'\n' | b'\r'))
    }

    fn open_object(&mut self, (number, generation): ObjectId) {
        self.appended.extend_from_slice(format!("{number} {generation} obj\n").as_bytes());
    }

    /// Writes the cross-reference section in the form of the one before it (ISO 32000-1 7.5.8.4 forbids mixing).
    fn write_cross_references(&mut self, mut offsets: BTreeMap<ObjectId, usize>) -> std::io::Result<()> {
        let start = self.len();
        match self.document.reference_table.cross_reference_type {
            XrefType::CrossReferenceTable => {
                self.appended.extend_from_slice(&classic_table(&offsets));
                self.appended.extend_from_slice(b"trailer\n");
                let trailer = self.trailer();
                Writer::write_object(&mut self.appended, &Object::Dictionary(trailer))?;
            }
            XrefType::CrossReferenceStream => {
                let id = self.new_id();
                offsets.insert(id, start);
                let (index, content) = stream_entries(&offsets);
                let mut dictionary = self.trailer();
                dictionary.set("Type", "XRef");
                dictionary.set("W", vec![1.into(), 4.into(), 2.into()]);
                dictionary.set("Index", index);
                self.open_object(id);
                let stream = lopdf::Stream::new(dictionary, content);
                Writer::write_object(&mut self.appended, &Object::Stream(stream))?;
                self.appended.extend_from_slice(b"\nendobj");
            }
        }
        self.appended.extend_from_slice(format!("\nstartxref\n{start}\n%%EOF\n").as_bytes());
        self.xref_start = start;
        Ok(())
    }

    /// The new section's trailer: what belongs to the document, not to the form of an earlier section.
    fn trailer(&self) -> Dictionary {
        let mut trailer = Dictionary::new();
        for key in ["Root", "Info", "ID"] {
            if let Ok(value) = self.document.trailer.get(key.as_bytes()) {
                trailer.set(key, value.clone());
            }
        }
        trailer.set("Size", i64::from(self.next_number));
        trailer.set("Prev", self.xref_start as i64);
        trailer
    }
}

/// The sections of a classic table: runs of consecutive object numbers, entries of exactly twenty bytes.
fn classic_table(offsets: &BTreeMap<ObjectId, usize>) -> Vec<u8> {
    let mut table = b"xref\n".to_vec();
    for run in runs(offsets) {
        table.extend_from_slice(format!("{} {}\n", run[0].0.0, run.len()).as_bytes());
        for ((_, generation), offset) in run {
            table.extend_from_slice(format!("{offset:010} {generation:05} n \n").as_bytes());
        }
    }
    table
}

/// `Index` and content of a cross-reference stream with `W [1 4 2]`.
fn stream_entries(offsets: &BTreeMap<ObjectId, usize>) -> (Vec<Object>, Vec<u8>) {
    let (mut index, mut content) = (Vec::new(), Vec::new());
    for run in runs(offsets) {
        index.push(Object::Integer(i64::from(run[0].0.0)));
        index.push(Object::Integer(run.len() as i64));
        for ((_, generation), offset) in run {
            content.push(1);
            // `append` refuses files with larger offsets.
            content.extend_from_slice(&(offset as u32).to_be_bytes());
            content.extend_from_slice(&generation.to_be_bytes());
        }
    }
    (index, content)
}

fn runs(offsets: &BTreeMap<ObjectId, usize>) -> Vec<Vec<(ObjectId, usize)>> {
    let mut runs: Vec<Vec<(ObjectId, usize)>> = Vec::new();
    for (id, offset) in offsets {
        match runs.last_mut() {
            Some(run) if run[run.len() - 1].0.0 + 1 == id.0 => run.push((*id, *offset)),
            _ => runs.push(vec![(*id, *offset)]),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn a_revision_leaves_the_bytes_before_it_alone_and_is_found_by_a_fresh_parse() {
        for original in [fixtures::contract(&["A"]), fixtures::with_xref_stream(&["A"])] {
            let mut revisions = Revisions::open(&original).unwrap();
            let id = revisions.new_id();
            let mut changes = Changes::default();
            changes.set(id, Object::string_literal("hello"));
            revisions.append(changes).unwrap();
            let whole = revisions.finish();
            assert_eq!(&whole[..original.len()], original);
            let again = Revisions::open(&whole).unwrap();
            assert_eq!(again.document().objects[&id], Object::string_literal("hello"));
        }
    }

    #[test]
    fn consecutive_numbers_share_a_section() {
        let offsets = BTreeMap::from([((3, 0), 10), ((4, 0), 20), ((7, 1), 30)]);
        let table = String::from_utf8(classic_table(&offsets)).unwrap();
        let expected = "xref\n3 2\n0000000010 00000 n \n0000000020 00000 n \n7 1\n0000000030 00001 n \n";
        assert_eq!(table, expected);
    }
}
