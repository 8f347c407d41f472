//! Incremental revisions (ISO 32000-1 7.5.6): what is there stays byte by byte, new objects come after it.
//!
//! The file is parsed once; each revision is applied to the parsed document as well, so that the next one stands on it.

use std::collections::{BTreeMap, HashSet};

use lopdf::encryption::encrypt_object;
use lopdf::{Dictionary, Document, Object, ObjectId, Permissions, Writer};

use crate::pdf::{self, Error, ambiguous, damaged};
use crate::permissions;
use crate::reader::File;
use crate::reader::budget::Budget;
use crate::reader::lexer::Lexer;
use crate::reader::sections::{Form, MAX_OBJECT_NUMBER};

/// Offsets in a classic cross-reference table have ten digits, those in our streams four bytes.
const MAX_OFFSET: usize = u32::MAX as usize;
/// Object numbers that are kept free for the revisions to come.
const ROOM_FOR_NUMBERS: u32 = 100_000;

/// A PDF that revisions are appended to.
pub(crate) struct Revisions<'a> {
    original: &'a [u8],
    /// What has been appended.
    appended: Vec<u8>,
    file: File<'a>,
    /// The values of objects as they were written into what has been appended.
    written: BTreeMap<ObjectId, Vec<u8>>,
    /// Where the latest cross-reference section starts.
    xref_start: usize,
    numbers: Numbers,
    /// Objects of the original have lower numbers.
    first_new: u32,
    /// The objects that were rewritten, as they were in the original.
    before: BTreeMap<ObjectId, Object>,
}

/// Numbers for new objects.
#[derive(Clone)]
pub(crate) struct Numbers {
    next: u32,
    /// Numbers that are referred to and not in use: a new object under one of them would show where nothing did.
    missing: HashSet<u32>,
}

impl Numbers {
    pub(crate) fn next_id(&mut self) -> ObjectId {
        while self.missing.contains(&self.next) {
            self.next += 1;
        }
        let id = (self.next, 0);
        self.next += 1;
        id
    }
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
    /// Reads a PDF and makes sure that a revision can be appended so that every reader finds the same objects.
    ///
    /// # Errors
    /// [`Error`], where the text says what stands in the way.
    pub(crate) fn open(original: &'a [u8]) -> Result<Self, Error> {
        let file = crate::reader::open(original)?;
        let missing = file.reached().map_err(ambiguous)?;
        pdf::catalog(&file.document)?;
        let next_number = file.next_number();
        if next_number > MAX_OBJECT_NUMBER - ROOM_FOR_NUMBERS {
            return Err(damaged("its object numbers are out of bounds"));
        }
        if let Some(encryption) = &file.encryption {
            permits_signing(encryption.permissions())?;
        }
        if let Some(why) = permissions::forbids_signatures(&file.document)? {
            return Err(Error::Forbidden(why));
        }
        if has_widgets_without_form(&file.document)? {
            return Err(ambiguous("it has form fields but no form, and some readers show them only when a form is added"));
        }
        let xref_start = file.document.xref_start;
        Ok(Self {
            original,
            appended: Vec::new(),
            file,
            written: BTreeMap::new(),
            xref_start,
            numbers: Numbers { next: next_number, missing },
            first_new: next_number,
            before: BTreeMap::new(),
        })
    }

    /// The original, as it was read; its document goes on as the revisions do.
    pub(crate) fn file(&self) -> &File<'a> {
        &self.file
    }

    /// The document as it is after all revisions so far.
    pub(crate) fn document(&self) -> &Document {
        &self.file.document
    }

    /// Whether an object was not in the original.
    pub(crate) fn is_new(&self, id: ObjectId) -> bool {
        id.0 >= self.first_new
    }

    /// The objects of the original that were rewritten, as they were there.
    pub(crate) fn before(&self) -> &BTreeMap<ObjectId, Object> {
        &self.before
    }

    pub(crate) fn new_id(&mut self) -> ObjectId {
        self.numbers.next_id()
    }

    /// A copy of the numbers that are free, for who needs some while the document is borrowed.
    pub(crate) fn numbers(&self) -> Numbers {
        self.numbers.clone()
    }

    /// Goes on from where a copy got to.
    pub(crate) fn take_numbers(&mut self, numbers: Numbers) {
        self.numbers = numbers;
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

    /// The file with all revisions.
    pub(crate) fn whole(&self) -> Vec<u8> {
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
            let bytes = self.spelled(*id, object).map_err(unwritable)?;
            self.appended.extend_from_slice(&bytes);
            self.written.insert(*id, bytes);
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
        for (id, object) in changes.objects {
            if let Some(before) = self.file.document.objects.insert(id, object)
                && id.0 < self.first_new
            {
                self.before.entry(id).or_insert(before);
            }
        }
        Ok(verbatim_start)
    }

    /// An object as it is written: members that did not change are copied byte by byte from where they stood, so that not
    /// even the spelling of a number is lost; others are encrypted where the file is.
    fn spelled(&self, id: ObjectId, object: &Object) -> std::io::Result<Vec<u8>> {
        let before = self.document().objects.get(&id);
        let raw = match self.written.get(&id) {
            Some(written) => Some(written.clone()),
            None => self.file.raw(id).filter(|(_, encrypted)| *encrypted == self.file.encryption.is_some()).map(|(raw, _)| raw),
        };
        let spliced = match (before, object, raw) {
            (Some(Object::Dictionary(old)), Object::Dictionary(new), Some(raw)) => self.spliced(id, old, new, &raw)?,
            _ => None,
        };
        match spliced {
            Some(bytes) => Ok(bytes),
            None => {
                let mut bytes = Vec::new();
                Writer::write_object(&mut bytes, &self.encrypted(id, object)?)?;
                Ok(bytes)
            }
        }
    }

    fn spliced(&self, id: ObjectId, old: &Dictionary, new: &Dictionary, raw: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        let mut budget = Budget::new(raw.len());
        let mut lexer = Lexer::new(raw, 0, &mut budget);
        lexer.blank();
        if !lexer.rest().starts_with(b"<<") {
            return Ok(None);
        }
        let Ok(entries) = lexer.entries() else { return Ok(None) };
        let entries: BTreeMap<&[u8], &[u8]> = entries.iter().map(|(key, place)| (key.as_slice(), &raw[place.clone()])).collect();
        let mut bytes = b"<<".to_vec();
        for (key, value) in new.iter() {
            Writer::write_object(&mut bytes, &Object::Name(key.clone()))?;
            bytes.push(b' ');
            match entries.get(key.as_slice()).filter(|_| old.get(key).is_ok_and(|before| before == value)) {
                Some(raw) => bytes.extend_from_slice(raw),
                None => Writer::write_object(&mut bytes, &self.encrypted(id, value)?)?,
            }
        }
        bytes.extend_from_slice(b">>");
        Ok(Some(bytes))
    }

    /// A value as it has to stand in the object `id`: its strings and streams encrypted, if the file is.
    pub(crate) fn encrypted(&self, id: ObjectId, value: &Object) -> std::io::Result<Object> {
        let mut value = value.clone();
        if let Some(encryption) = &self.file.encryption {
            encrypt_object(encryption, id, &mut value).map_err(std::io::Error::other)?;
        }
        Ok(value)
    }

    /// Adds an object to the parsed document only: the signature dictionary, once it is written.
    pub(crate) fn note(&mut self, id: ObjectId, object: impl Into<Object>) {
        self.file.document.objects.insert(id, object.into());
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
        match self.file.form() {
            Form::Table => {
                self.appended.extend_from_slice(&classic_table(&offsets));
                self.appended.extend_from_slice(b"trailer\n");
                let trailer = self.trailer();
                Writer::write_object(&mut self.appended, &Object::Dictionary(trailer))?;
            }
            Form::Stream => {
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
        for key in ["Root", "Info", "ID", "Encrypt"] {
            if let Ok(value) = self.document().trailer.get(key.as_bytes()) {
                trailer.set(key, value.clone());
            }
        }
        trailer.set("Size", i64::from(self.numbers.next));
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

/// Sealing adds a form where there is none; pdfium shows the fields of a page only if there is one.
fn has_widgets_without_form(document: &Document) -> Result<bool, Error> {
    let (_, catalog) = pdf::catalog(document)?;
    if pdf::dict_entry(document, catalog, b"AcroForm").is_some() {
        return Ok(false);
    }
    let is_widget = |id: &ObjectId| pdf::dict_at(document, *id).is_some_and(|annotation| pdf::is_widget(document, annotation));
    Ok(pdf::annotation_pages(document)?.keys().any(is_widget))
}

/// What the permissions of an encrypted file that was opened without a password allow (ISO 32000-2 table 22): bit 9 or 6 to
/// fill signature fields. Sealing adds no other fields than signature fields, so that bit 4 is not asked for.
fn permits_signing(permissions: Permissions) -> Result<(), Error> {
    if permissions.intersects(Permissions::FILLABLE | Permissions::ANNOTABLE | Permissions::MODIFIABLE) {
        Ok(())
    } else {
        Err(Error::Forbidden(
            "it is protected, and its permissions do not allow signing; ask its author for an unprotected one".to_owned(),
        ))
    }
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
            let whole = revisions.whole();
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
