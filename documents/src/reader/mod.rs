//! The one reader of a file's structure, under sealing and verification alike: it alone says which bytes are which object
//! in which revision (ISO 32000-2 7.5). Nothing else loads a file.
//!
//! It is strict. An object is what the newest cross-reference entry for its number leads to, and nothing else: no other
//! object is searched for, no table is rebuilt, no member of an object stream is taken that no entry names. What does not
//! fit its entry, or what readers could read in two ways, is a fault of that object ([`File::fault`]): a file is refused
//! if such an object matters. Costs are bounded by the file's size ([`budget`]).
//!
//! What is tolerated, because viewers agree on it and it changes nothing:
//!
//! | deviation | why it is harmless |
//! | --- | --- |
//! | white space after the last `%%EOF` | nobody reads it, as long as `%%EOF` is among the last 1,024 bytes |
//! | entries of 18 or 19 bytes, or an empty line, in a table of a file without hybrid sections | their fields stand at the same places |
//! | an entry that leads to white space before its object, and `startxref` to such before its section | every parser skips it |
//! | junk between objects and before `xref` | no entry leads there; behind a signature it is told |
//! | the same entry twice, the same key twice with the same value | both readings are one |
//! | a missing `endobj` before the next object | the value has ended before |
//! | an object without a value | it is null for all |
//! | digits that touch `endobj` | no other value is spelled so |
//! | a `Size` that is too small | viewers take the numbers from the entries; the new revision has the right one |
//! | a stream whose length is wrong or missing | sealing never rewrites a stream; object streams and cross-reference streams must have theirs |
//! | a broken object that nothing reaches | no page, form or signature shows it |
//! | numbers that are too large for an integer | they are read as real numbers, and copied as they stand |

pub(crate) mod budget;
pub(crate) mod lexer;
mod objects;
pub(crate) mod sections;
mod streams;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use lopdf::{Dictionary, Document, EncryptionState, Object, ObjectId};

use self::budget::Budget;
use self::lexer::{Entry, Lexer};
use self::objects::{Fault, Length, Loader, Members, indirect, shown};
use self::sections::{Form, Place, Section};
use crate::pdf::{Error, ambiguous, damaged, find, guarded};

/// The largest PDF that is read, in bytes. The server's own limit for uploads is lower.
pub(crate) const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;

/// Opens a PDF: its structure is read strictly, its objects are parsed.
///
/// # Errors
/// [`Error`], never a panic.
pub(crate) fn open(bytes: &[u8]) -> Result<File<'_>, Error> {
    // ISO 32000-1 annex H.3.4.1: viewers look for the header in the first 1024 bytes.
    if find(&bytes[..bytes.len().min(1024)], b"%PDF-").is_none() {
        return Err(Error::NotPdf);
    }
    if !bytes.starts_with(b"%PDF-") {
        return Err(ambiguous("there are bytes before its header, so that its offsets can be counted in two ways"));
    }
    if bytes.len() > MAX_FILE_BYTES {
        return Err(damaged(format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    guarded(|| File::read(bytes))?
}

/// As [`open`], for who needs the objects only.
///
/// # Errors
/// As [`open`].
pub(crate) fn load(bytes: &[u8]) -> Result<Document, Error> {
    Ok(open(bytes)?.document)
}

/// What further revisions added to a file.
pub(crate) struct Continuation {
    /// Of the newest section.
    pub(crate) trailer: Dictionary,
    /// The objects that are not where they were, decrypted where the file is encrypted.
    pub(crate) objects: BTreeMap<ObjectId, Object>,
}

/// A file whose structure was read.
pub(crate) struct File<'a> {
    bytes: &'a [u8],
    /// All objects of the newest revision that could be read, decrypted where the file is encrypted.
    pub(crate) document: Document,
    /// Newest first.
    pub(crate) sections: Vec<Section>,
    places: BTreeMap<u32, Place>,
    faults: BTreeMap<u32, String>,
    pub(crate) encryption: Option<EncryptionState>,
    /// The object stream that [`File::raw`] looked into last, by its number: fields that are rewritten mostly share one.
    unpacked: RefCell<Option<(u32, Members)>>,
}

impl<'a> File<'a> {
    /// Reads the structure of a whole file.
    ///
    /// # Errors
    /// [`Error`], where there is no chain of cross-references that every reader follows alike, where the file cannot be
    /// opened without a password, and where it costs more than a file of its size may.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut budget = Budget::new(bytes.len());
        let start = sections::newest(bytes)?;
        let sections = sections::chain(bytes, start, &mut budget)?;
        let trailer = sections[0].trailer.clone();
        let (places, faults) = newest_entries(&sections);
        let (encryption, in_clear) = encryption(bytes, &sections, &places, &mut budget)?;
        let contested: Vec<u32> = faults.keys().copied().collect();
        let mut loader = Loader {
            bytes,
            places: &places,
            wanted: &places,
            encryption: encryption.as_ref(),
            in_clear,
            objects: BTreeMap::new(),
            faults,
            budget: &mut budget,
        };
        loader.load()?;
        let (mut objects, mut faults) = (loader.objects, loader.faults);
        for (number, why) in containers_that_are_none(&sections, &objects) {
            faults.entry(number).or_insert(why);
        }
        for number in contested {
            let generation = if let Some(Place::At { generation, .. }) = places.get(&number) { *generation } else { 0 };
            objects.remove(&(number, generation));
        }
        let mut document = Document::new();
        document.version = version(bytes);
        document.max_id = places.keys().next_back().copied().unwrap_or(0);
        document.xref_start = start;
        document.trailer = trailer;
        document.objects = objects;
        Ok(Self { bytes, document, sections, places, faults, encryption, unpacked: RefCell::new(None) })
    }

    /// Reads `bytes`, this file with further revisions behind it, as any reader does, but for the objects whose newest entry is
    /// the same as before: what stands at one place of the same bytes is the same object.
    ///
    /// # Errors
    /// [`Error`] as for [`File::read`], and where one of the objects that were added cannot be used.
    pub(crate) fn continued(&self, bytes: &[u8]) -> Result<Continuation, Error> {
        if !bytes.starts_with(self.bytes) {
            return Err(damaged("it does not begin with the file before it"));
        }
        let mut budget = Budget::new(bytes.len());
        let sections = sections::chain(bytes, sections::newest(bytes)?, &mut budget)?;
        let (places, contested) = newest_entries(&sections);
        let (encryption, in_clear) = encryption(bytes, &sections, &places, &mut budget)?;
        let is_other = |number: &u32, place: &Place| self.places.get(number) != Some(place);
        let wanted = places.iter().filter(|(number, place)| is_other(number, place)).map(|(number, place)| (*number, *place));
        let wanted: BTreeMap<u32, Place> = wanted.collect();
        let mut loader = Loader {
            bytes,
            places: &places,
            wanted: &wanted,
            encryption: encryption.as_ref(),
            in_clear,
            objects: BTreeMap::new(),
            faults: contested.into_iter().filter(|(number, _)| wanted.contains_key(number)).collect(),
            budget: &mut budget,
        };
        loader.load()?;
        let Loader { objects, faults, .. } = loader;
        let fault = faults.into_iter().next().or_else(|| {
            let mut referred = Vec::new();
            objects.values().for_each(|object| references(object, &mut referred));
            referred.into_iter().find_map(|(number, referred)| {
                let wrong = match places.get(&number) {
                    Some(Place::At { generation, .. }) if *generation != referred => {
                        Some(wrong_generation(referred, *generation))
                    }
                    Some(Place::In { .. }) if referred != 0 => Some(wrong_generation(referred, 0)),
                    _ => self.faults.get(&number).cloned(),
                };
                Some((number, wrong?))
            })
        });
        match fault {
            Some((number, why)) => Err(ambiguous(format!("object {number}: {why}"))),
            None => Ok(Continuation { trailer: sections[0].trailer.clone(), objects }),
        }
    }

    /// How the newest section is written; a further one has to be written likewise (ISO 32000-2 7.5.8.4).
    pub(crate) fn form(&self) -> Form {
        self.sections[0].form
    }

    /// Where the newest entry for an object leads.
    pub(crate) fn place(&self, number: u32) -> Option<Place> {
        self.places.get(&number).copied()
    }

    /// The offset of an object that stands in the open, not in an object stream.
    pub(crate) fn offset(&self, id: ObjectId) -> Option<usize> {
        match self.place(id.0) {
            Some(Place::At { offset, generation }) if generation == id.1 => Some(offset),
            _ => None,
        }
    }

    /// The highest number that an entry or the trailer's `Size` gives away, plus one.
    pub(crate) fn next_number(&self) -> u32 {
        let declared = self.document.trailer.get(b"Size").and_then(Object::as_i64).unwrap_or(0);
        u32::try_from(declared).unwrap_or(u32::MAX).max(self.document.max_id.saturating_add(1))
    }

    /// What is wrong with an object that matters: one that the trailer reaches. `None`: every reader finds the same.
    ///
    /// It names the object: "object 7: its cross-reference entry does not lead to it".
    pub(crate) fn fault(&self) -> Option<String> {
        self.reached().err()
    }

    /// The numbers of objects that are referred to and do not exist.
    ///
    /// # Errors
    /// As [`File::fault`].
    pub(crate) fn reached(&self) -> Result<HashSet<u32>, String> {
        let mut seen = HashSet::new();
        let mut missing = HashSet::new();
        let mut open = Vec::new();
        for (key, value) in self.document.trailer.iter() {
            if !matches!(key.as_slice(), b"Prev" | b"XRefStm" | b"Length" | b"W" | b"Index") {
                references(value, &mut open);
            }
        }
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let because = |why: String| Err(format!("object {}: {why}", id.0));
            if let Some(why) = self.faults.get(&id.0) {
                return because(why.clone());
            }
            let generation = match self.places.get(&id.0) {
                Some(Place::Free) if self.was_in_use(id.0) => {
                    return because("it was freed and is still referred to, and readers show it or leave it out".to_owned());
                }
                None | Some(Place::Free) => {
                    missing.insert(id.0);
                    continue;
                }
                Some(Place::At { generation, .. }) => *generation,
                Some(Place::In { .. }) => 0,
            };
            if generation != id.1 {
                return because(wrong_generation(id.1, generation));
            }
            if let Some(object) = self.document.objects.get(&id) {
                references(object, &mut open);
            }
        }
        Ok(missing)
    }

    fn was_in_use(&self, number: u32) -> bool {
        self.sections.iter().any(|section| section.place(number).is_some_and(|place| place != Place::Free))
    }

    /// The bytes of an object's value as they stand in the file or in its object stream, and whether its strings are
    /// encrypted there.
    pub(crate) fn raw(&self, id: ObjectId) -> Option<(Vec<u8>, bool)> {
        let mut budget = Budget::new(self.bytes.len());
        match self.place(id.0)? {
            Place::Free => None,
            Place::At { .. } => {
                let offset = self.offset(id)?;
                let found = indirect(self.bytes, offset, id, &mut budget, |_, _| Length::Missing).ok()?.ok()?;
                found.object.as_stream().is_err().then(|| (self.bytes[found.value].to_vec(), self.encryption.is_some()))
            }
            Place::In { stream, index } => {
                let mut unpacked = self.unpacked.borrow_mut();
                if unpacked.as_ref().is_none_or(|(number, _)| *number != stream) {
                    let container = self.document.objects.get(&(stream, 0))?.as_stream().ok()?;
                    *unpacked = Some((stream, Members::of(container, &mut budget).ok()?.ok()?));
                }
                let (_, members) = unpacked.as_ref()?;
                Some((members.data[members.place(id.0, index)?].to_vec(), false))
            }
        }
    }

    /// The entries of a dictionary object in the open, in their order, with the places of their values in the file.
    /// Repeated keys are there as often as they stand there.
    pub(crate) fn entries(&self, id: ObjectId) -> Option<Vec<Entry>> {
        let mut budget = Budget::new(self.bytes.len());
        let mut lexer = Lexer::new(self.bytes, self.offset(id)?, &mut budget);
        lexer.white();
        lexer.unsigned()?;
        lexer.white();
        lexer.unsigned()?;
        lexer.white();
        lexer.keyword(b"obj").then_some(())?;
        lexer.blank();
        if !lexer.rest().starts_with(b"<<") {
            return None;
        }
        lexer.entries().ok()
    }

    /// The first place at or after `from` that no cross-reference entry of any revision accounts for: neither an object
    /// that an entry leads to, nor a section, nor white space. Viewers that rebuild a table would find what stands there.
    ///
    /// # Errors
    /// Where reading all revisions costs more than a file of this size may.
    pub(crate) fn unaccounted(&self, from: usize) -> Result<Option<usize>, Error> {
        let mut budget = Budget::new(self.bytes.len());
        let mut spans: Vec<Range<usize>> = Vec::new();
        let no_objects = BTreeMap::new();
        let mut seen = HashSet::new();
        for section in &self.sections {
            spans.extend(section.spans.iter().filter(|span| span.end > from).cloned());
            for (number, place) in &section.places {
                let Place::At { offset, generation } = *place else { continue };
                if offset < from || !seen.insert((offset, *number)) {
                    continue;
                }
                let read = indirect(self.bytes, offset, (*number, generation), &mut budget, |length, budget| {
                    objects::length_of(self.bytes, &self.places, &no_objects, length, budget)
                });
                match read.map_err(|limit| damaged(limit.0))? {
                    Ok(found) if !found.guessed_length => spans.push(found.span),
                    _ => return Ok(Some(offset)),
                }
            }
        }
        spans.sort_by_key(|span| span.start);
        let mut position = from;
        for span in spans {
            if span.start > position && !is_filler(&self.bytes[position..span.start]) {
                return Ok(Some(position));
            }
            position = position.max(span.end);
        }
        Ok((!is_filler(&self.bytes[position.min(self.bytes.len())..])).then_some(position))
    }

    /// Numbers that a section newer than the `older` last ones frees, or names twice, and that are in use: after a freed one a
    /// new generation would be due (ISO 32000-2 7.5.4), and some readers leave such objects out.
    pub(crate) fn revived(&self, older: usize) -> Vec<u32> {
        let newer = &self.sections[..self.sections.len().saturating_sub(older)];
        let freed = newer.iter().flat_map(|section| &section.places).filter(|(_, place)| *place == Place::Free);
        let contested = newer.iter().flat_map(|section| &section.contested).copied();
        let in_use = |number: &u32| self.place(*number).is_some_and(|place| place != Place::Free);
        let mut numbers: Vec<u32> = freed.map(|(number, _)| *number).chain(contested).filter(in_use).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Objects that cannot be used and that are not the same bytes as in `older`, an earlier revision of this file.
    pub(crate) fn exchanged_faults(&self, older: &File<'_>) -> Vec<u32> {
        let numbers = self.faults.keys().chain(older.faults.keys());
        let mut changed: Vec<u32> = numbers.copied().filter(|number| self.place(*number) != older.place(*number)).collect();
        changed.dedup();
        changed
    }
}

fn wrong_generation(referred: u16, is: u16) -> String {
    format!("it is referred to as generation {referred}, but it is generation {is}")
}

/// The newest entry for each number, and the numbers whose newest entries cannot be told.
fn newest_entries(sections: &[Section]) -> (BTreeMap<u32, Place>, BTreeMap<u32, String>) {
    let (mut places, mut faults) = (BTreeMap::new(), BTreeMap::new());
    for section in sections {
        for (number, place) in &section.places {
            if !places.contains_key(number) {
                places.insert(*number, *place);
                if section.contested.contains(number) {
                    faults.insert(*number, "it has two cross-reference entries that contradict each other".to_owned());
                }
            }
        }
    }
    (places, faults)
}

/// Objects that an entry of any section, a superseded one as well, takes for object streams and that are none: some readers never show them.
fn containers_that_are_none(sections: &[Section], objects: &BTreeMap<ObjectId, Object>) -> impl Iterator<Item = (u32, String)> {
    let places = sections.iter().flat_map(|section| &section.places);
    let named: HashSet<u32> = places
        .filter_map(|(_, place)| match place {
            Place::In { stream, .. } => Some(*stream),
            _ => None,
        })
        .collect();
    let is_none = |number: &u32| {
        let object = objects.get(&(*number, 0));
        object.is_some_and(|object| !object.as_stream().is_ok_and(|stream| stream.dict.has_type(b"ObjStm")))
    };
    let numbers: Vec<u32> = named.into_iter().filter(is_none).collect();
    numbers
        .into_iter()
        .map(|number| (number, "a cross-reference entry takes it for an object stream, which it is not".to_owned()))
}

/// White space, and comments in which nothing like an object or a section stands.
fn is_filler(bytes: &[u8]) -> bool {
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).all(|line| {
        let line = line.trim_ascii_start();
        let harmless = |word: &[u8]| find(line, word).is_none();
        let comment = line.starts_with(b"%") && harmless(b"obj") && harmless(b"xref") && harmless(b"trailer");
        comment || line.iter().all(|byte| lexer::is_white(*byte))
    })
}

/// All references in a value, without recursion.
pub(crate) fn references(value: &Object, found: &mut Vec<ObjectId>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Object::Reference(id) => found.push(*id),
            Object::Array(items) => open.extend(items),
            Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value)),
            Object::Stream(stream) => open.extend(stream.dict.iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

/// The key of an encrypted file that opens with an empty user password, and the number of its encryption dictionary.
fn encryption(
    bytes: &[u8],
    sections: &[Section],
    places: &BTreeMap<u32, Place>,
    budget: &mut Budget,
) -> Result<(Option<EncryptionState>, Option<u32>), Error> {
    let declared = |section: &Section| section.trailer.get(b"Encrypt").ok().filter(|value| !value.is_null()).cloned();
    let Some(encrypt) = declared(&sections[0]) else {
        return match sections.iter().any(|section| declared(section).is_some()) {
            true => Err(ambiguous("only some of its revisions are encrypted")),
            false => Ok((None, None)),
        };
    };
    // The trailers of older sections may leave it out, as linearized files do: readers take the newest one's.
    if sections.iter().any(|section| declared(section).is_some_and(|older| older != encrypt)) {
        return Err(ambiguous("its revisions are encrypted differently"));
    }
    let (mut dictionary, number) = match encrypt {
        Object::Dictionary(dictionary) => (dictionary, None),
        Object::Reference(id) => (plain_dictionary(bytes, places, id, budget)?, Some(id.0)),
        _ => return Err(damaged("its encryption dictionary is missing")),
    };
    if !dictionary.get(b"Filter").and_then(Object::as_name).is_ok_and(|filter| filter == b"Standard") {
        return Err(Error::UnknownEncryption);
    }
    // The library finds no filters that are objects of their own, and would take everything for not encrypted.
    let mut in_the_open = |value: &mut Object| -> Result<(), Error> {
        if let Object::Reference(id) = value {
            *value = plain_dictionary(bytes, places, *id, budget)?.into();
        }
        Ok(())
    };
    if let Ok(filters) = dictionary.get_mut(b"CF") {
        in_the_open(filters)?;
        let filters = filters.as_dict_mut().map(lopdf::Dictionary::iter_mut).into_iter().flatten();
        filters.map(|(_, filter)| filter).try_for_each(in_the_open)?;
    }
    // The library looks the dictionary up in a document.
    let mut shell = Document::new();
    shell.objects.insert((1, 0), Object::Dictionary(dictionary));
    shell.trailer.set("Encrypt", Object::Reference((1, 0)));
    let identifier = sections[0].trailer.get(b"ID").cloned();
    let none = || Object::Array(vec![Object::string_literal(""), Object::string_literal("")]);
    shell.trailer.set("ID", identifier.unwrap_or_else(|_| none()));
    let opened = shell.authenticate_user_password("").and_then(|()| EncryptionState::decode(&shell, b""));
    opened.map(|state| (Some(state), number)).map_err(|_| Error::Encrypted)
}

fn plain_dictionary(bytes: &[u8], places: &BTreeMap<u32, Place>, id: ObjectId, budget: &mut Budget) -> Result<Dictionary, Error> {
    let missing = || damaged("its encryption dictionary is missing");
    let Some(Place::At { offset, generation }) = places.get(&id.0) else { return Err(missing()) };
    if *generation != id.1 {
        return Err(missing());
    }
    let read = indirect(bytes, *offset, id, budget, |_, _| Length::Missing).map_err(|limit| damaged(limit.0))?;
    match read {
        Ok(found) => found.object.as_dict().cloned().map_err(|_| missing()),
        Err(Fault::Because(why)) => Err(damaged(format!("object {}: {why}", id.0))),
        Err(Fault::LengthLater) => Err(missing()),
    }
}

/// The version that the header names, `1.4` where it names none (ISO 32000-2 7.5.2).
fn version(bytes: &[u8]) -> String {
    let line = bytes.strip_prefix(b"%PDF-").unwrap_or_default();
    let length = line.iter().take(8).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    if length == 0 { "1.4".to_owned() } else { shown(&line[..length]) }
}
