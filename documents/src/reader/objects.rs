//! Objects where the cross-references say they are: each is keyed by the entry that leads to it, and what does not fit its
//! entry is a fault of that object, never another object.

use std::collections::BTreeMap;
use std::ops::Range;

use lopdf::encryption::decrypt_object;
use lopdf::{Dictionary, EncryptionState, Object, ObjectId, Stream};

use super::budget::{Budget, Exhausted};
use super::lexer::{Lexer, Trouble};
use super::sections::Place;
use super::streams::{stream_content, unpacked};
use crate::pdf::{Error, damaged};

/// An object of its own, as it was found.
pub(crate) struct Indirect {
    pub(crate) object: Object,
    /// Where its value stands, and where the whole object does, from its number to its `endobj`.
    pub(crate) value: Range<usize>,
    pub(crate) span: Range<usize>,
    /// Its content does not end where its dictionary says.
    pub(crate) guessed_length: bool,
}

/// Why an object cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// In words that follow "object 7: ".
    Because(String),
    /// The length of its stream stands in an object stream that is not read yet.
    LengthLater,
}

fn because<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Because(what.into()))
}

/// What is known of a stream's length.
pub(crate) enum Length {
    Known(i64),
    /// It is missing, or no number: the end is where `endstream` stands.
    Missing,
    /// It stands in an object stream.
    Later,
}

/// Reads the object `id` at `offset`. `Ok(Err(..))` is a fault of this object, `Err(..)` a limit of the file.
pub(crate) fn indirect(
    bytes: &[u8],
    offset: usize,
    id: ObjectId,
    budget: &mut Budget,
    length: impl FnOnce(&Object, &mut Budget) -> Length,
) -> Result<Result<Indirect, Fault>, Exhausted> {
    let mut lexer = Lexer::new(bytes, offset, budget);
    let found = read_indirect(&mut lexer, offset, id);
    lexer.pay(offset.min(bytes.len()))?;
    let (object, value, is_stream) = match found {
        Ok(found) => found,
        Err(Trouble::Exhausted(limit)) => return Err(limit),
        Err(Trouble::Unreadable(why)) => return Ok(because(why)),
    };
    if let Some(key) = lexer.repeated_key.take() {
        return Ok(because(format!("it has the key {} twice, and readers take one or the other", shown(&key))));
    }
    let after = lexer.position;
    let dictionary = match object {
        Object::Dictionary(dictionary) if is_stream => dictionary,
        object => {
            let end = match object_end(&mut lexer) {
                Ok(end) => end,
                Err(fault) => return Ok(Err(fault)),
            };
            return Ok(Ok(Indirect { object, value, span: offset..end, guessed_length: false }));
        }
    };
    let known = match dictionary.get(b"Length") {
        Ok(object) => length(object, budget),
        Err(_) => Length::Missing,
    };
    let known = match known {
        Length::Known(length) => Some(length),
        Length::Missing => None,
        Length::Later => return Ok(Err(Fault::LengthLater)),
    };
    read_stream(bytes, after, dictionary, known, offset, budget)
}

/// Header and value. A stream's keyword is looked at, not taken.
fn read_indirect(lexer: &mut Lexer<'_, '_>, offset: usize, id: ObjectId) -> Result<(Object, Range<usize>, bool), Trouble> {
    const NOT_THERE: Trouble = Trouble::Unreadable("its cross-reference entry does not lead to it");
    if offset == 0 || offset >= lexer.bytes.len() {
        return Err(NOT_THERE);
    }
    // "12 0 obj" found at its second digit would be object 2.
    if lexer.bytes[offset - 1].is_ascii_digit() && lexer.bytes[offset].is_ascii_digit() {
        return Err(NOT_THERE);
    }
    lexer.white();
    let number = lexer.unsigned().ok_or(NOT_THERE)?;
    lexer.white();
    let generation = lexer.unsigned().ok_or(NOT_THERE)?;
    lexer.white();
    if !lexer.keyword(b"obj") || (number, generation) != (u64::from(id.0), u64::from(id.1)) {
        return Err(NOT_THERE);
    }
    lexer.blank();
    let start = lexer.position;
    if lexer.keyword(b"endobj") {
        lexer.position = start;
        return Ok((Object::Null, start..start, false));
    }
    let object = lexer.value(0)?;
    let value = start..lexer.position;
    let is_stream = matches!(object, Object::Dictionary(_)) && {
        lexer.blank();
        // Not as a word: content may follow it without white space.
        lexer.rest().starts_with(b"stream")
    };
    if is_stream && !line_ends_behind(lexer.rest()) {
        return Err(Trouble::Unreadable(
            "no line ends behind its \"stream\", so that readers begin its content at different places",
        ));
    }
    Ok((object, value, is_stream))
}

/// Whether nothing but blanks stands between the keyword at the start of `rest` and the end of its line.
fn line_ends_behind(rest: &[u8]) -> bool {
    let behind = rest[b"stream".len()..].iter().find(|byte| !matches!(byte, b' ' | b'\t'));
    matches!(behind, Some(b'\r' | b'\n'))
}

fn read_stream(
    bytes: &[u8],
    position: usize,
    dictionary: Dictionary,
    length: Option<i64>,
    offset: usize,
    budget: &mut Budget,
) -> Result<Result<Indirect, Fault>, Exhausted> {
    let mut lexer = Lexer::new(bytes, position, budget);
    let exact = stream_content(&mut lexer, length);
    let (content, end, guessed_length) = match exact {
        Ok((content, end)) => (content, end, false),
        Err(start) => {
            let rest = &bytes[start..];
            let found = crate::pdf::find(rest, b"endstream");
            lexer.position = start + found.unwrap_or(rest.len());
            lexer.pay(start)?;
            let Some(found) = found else { return Ok(because("its stream does not end")) };
            let content = start..start + without_line_end(&rest[..found]);
            (content, start + found + b"endstream".len(), true)
        }
    };
    lexer.position = end;
    lexer.pay(position)?;
    let end = match object_end(&mut lexer) {
        Ok(end) => end,
        Err(fault) => return Ok(Err(fault)),
    };
    let mut stream = Stream::new(Dictionary::new(), bytes[content.clone()].to_vec());
    // Without its position: a stream that is written again as it was is the same stream.
    stream.dict = dictionary;
    let value = position..end;
    Ok(Ok(Indirect { object: Object::Stream(stream), value, span: offset..end, guessed_length }))
}

fn without_line_end(content: &[u8]) -> usize {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.strip_suffix(b"\r").unwrap_or(content).len()
}

/// The end of an object: behind its `endobj`, or, where that is missing, before the next object or section.
fn object_end(lexer: &mut Lexer<'_, '_>) -> Result<usize, Fault> {
    let end = lexer.position;
    lexer.blank();
    if lexer.keyword(b"endobj") {
        return Ok(lexer.position);
    }
    let next = lexer.position;
    let number = lexer.unsigned();
    lexer.white();
    let header = number.and(lexer.unsigned());
    lexer.white();
    let another = header.is_some() && lexer.keyword(b"obj");
    lexer.position = next;
    let section = [b"xref".as_slice(), b"startxref", b"trailer"].iter().any(|word| lexer.rest().starts_with(word));
    if another || section || lexer.rest().is_empty() {
        Ok(end)
    } else {
        because("something stands between its value and its end")
    }
}

/// The members of an object stream by its index: number and place in the unpacked data.
pub(crate) struct Members {
    pub(crate) data: Vec<u8>,
    index: Vec<(u32, Range<usize>)>,
}

impl Members {
    /// Unpacks an object stream (ISO 32000-2 7.5.7).
    ///
    /// # Errors
    /// As `indirect`: outside a limit of the file, inside why the stream cannot be used.
    pub(crate) fn of(stream: &Stream, budget: &mut Budget) -> Result<Result<Self, Fault>, Error> {
        const NO_INDEX: &str = "the index of its object stream cannot be read";
        if !stream.dict.has_type(b"ObjStm") {
            return Ok(because("it is said to be in a stream that is no object stream"));
        }
        let count =
            |key: &[u8]| stream.dict.get(key).and_then(Object::as_i64).ok().and_then(|number| usize::try_from(number).ok());
        let (Some(number), Some(first)) = (count(b"N"), count(b"First")) else { return Ok(because(NO_INDEX)) };
        let data = match unpacked(&stream.dict, &stream.content, budget) {
            Ok(data) => data,
            Err(error) if budget.left_to_unpack() == 0 => return Err(error),
            Err(error @ Error::Damaged(_)) if error == damaged(super::budget::TOO_MUCH_UNPACKED.0) => return Err(error),
            Err(_) => return Ok(because("its object stream cannot be unpacked")),
        };
        if first > data.len() {
            return Ok(because(NO_INDEX));
        }
        let mut lexer = Lexer::new(&data[..first], 0, budget);
        let mut starts: Vec<(u32, usize)> = Vec::new();
        for _ in 0..number {
            lexer.white();
            let member = lexer.unsigned().and_then(|member| u32::try_from(member).ok());
            lexer.white();
            let offset = lexer.unsigned().and_then(|offset| usize::try_from(offset).ok());
            let (Some(member), Some(offset)) = (member, offset) else { return Ok(because(NO_INDEX)) };
            let start = first + offset;
            // In order and apart from one another, so that each byte belongs to one member.
            if start >= data.len() || starts.last().is_some_and(|(_, before)| *before >= start) {
                return Ok(because(NO_INDEX));
            }
            starts.push((member, start));
        }
        lexer.pay(0).map_err(|limit| damaged(limit.0))?;
        let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([data.len()]);
        let index = starts.iter().zip(ends).map(|((member, start), end)| (*member, *start..end)).collect();
        Ok(Ok(Self { data, index }))
    }

    /// Numbers that the index names more than once.
    fn repeated(&self) -> std::collections::HashSet<u32> {
        let mut seen = std::collections::HashSet::new();
        self.index.iter().map(|(number, _)| *number).filter(|number| !seen.insert(*number)).collect()
    }

    /// Where the member `number` stands in the data, if the entry's position in the index agrees.
    pub(crate) fn place(&self, number: u32, index: u32) -> Option<Range<usize>> {
        let (member, place) = self.index.get(usize::try_from(index).ok()?)?;
        (*member == number).then(|| place.clone())
    }

    fn read(&self, number: u32, index: u32, budget: &mut Budget) -> Result<Result<Object, Fault>, Exhausted> {
        let Some(place) = self.place(number, index) else {
            return Ok(because("its entry and the index of its object stream contradict each other"));
        };
        let mut lexer = Lexer::new(&self.data[..place.end], place.start, budget);
        let value = lexer.value(0);
        let repeated = lexer.repeated_key.take();
        lexer.blank();
        let whole = lexer.rest().is_empty();
        lexer.pay(place.start)?;
        match (value, repeated) {
            (Err(Trouble::Exhausted(limit)), _) => Err(limit),
            (Err(Trouble::Unreadable(why)), _) => Ok(because(why)),
            (Ok(_), Some(key)) => Ok(because(format!("it has the key {} twice, and readers take one or the other", shown(&key)))),
            (Ok(_), None) if !whole => Ok(because("something stands behind its value in its object stream")),
            (Ok(object), None) => Ok(Ok(object)),
        }
    }
}

pub(crate) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(40).collect()
}

/// Objects that the merged entries name.
pub(crate) struct Loader<'a, 'b> {
    pub(crate) bytes: &'a [u8],
    pub(crate) places: &'b BTreeMap<u32, Place>,
    /// The entries whose objects are read: all, or some of them.
    pub(crate) wanted: &'b BTreeMap<u32, Place>,
    pub(crate) encryption: Option<&'b EncryptionState>,
    /// The encryption dictionary itself is not encrypted.
    pub(crate) in_clear: Option<u32>,
    pub(crate) objects: BTreeMap<ObjectId, Object>,
    pub(crate) faults: BTreeMap<u32, String>,
    pub(crate) budget: &'b mut Budget,
}

impl Loader<'_, '_> {
    pub(crate) fn load(&mut self) -> Result<(), Error> {
        let mut members: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        let mut later = Vec::new();
        for (number, place) in self.wanted {
            match *place {
                Place::Free => {}
                Place::In { stream, index } => members.entry(stream).or_default().push((*number, index)),
                Place::At { offset, generation } => {
                    if self.plain(offset, (*number, generation))? == Err(Fault::LengthLater) {
                        later.push((offset, (*number, generation)));
                    }
                }
            }
        }
        for (stream, members) in members {
            self.members(stream, &members)?;
        }
        for (offset, id) in later {
            if self.plain(offset, id)? == Err(Fault::LengthLater) {
                self.faults.insert(id.0, "the length of its stream cannot be found".to_owned());
            }
        }
        Ok(())
    }

    fn plain(&mut self, offset: usize, id: ObjectId) -> Result<Result<(), Fault>, Error> {
        let (bytes, places, objects) = (self.bytes, self.places, &self.objects);
        let found = indirect(bytes, offset, id, self.budget, |length, budget| length_of(bytes, places, objects, length, budget));
        match found.map_err(|limit| damaged(limit.0))? {
            Err(Fault::LengthLater) => return Ok(Err(Fault::LengthLater)),
            Err(Fault::Because(why)) => drop(self.faults.insert(id.0, why)),
            Ok(found) => {
                let mut object = found.object;
                if found.guessed_length && object.as_stream().is_ok_and(|stream| stream.dict.has_type(b"ObjStm")) {
                    self.faults.insert(id.0, "the length of its stream is wrong".to_owned());
                    return Ok(Ok(()));
                }
                let encrypted = self.encryption.filter(|_| self.in_clear != Some(id.0));
                if encrypted.is_some_and(|state| decrypt_object(state, id, &mut object).is_err()) {
                    self.faults.insert(id.0, "it cannot be decrypted".to_owned());
                    return Ok(Ok(()));
                }
                self.objects.insert(id, object);
            }
        }
        Ok(Ok(()))
    }

    /// The members of one object stream that entries name; others are not there.
    fn members(&mut self, stream: u32, wanted: &[(u32, u32)]) -> Result<(), Error> {
        let plain = matches!(self.places.get(&stream), Some(Place::At { .. }));
        let container = self.objects.get(&(stream, 0)).and_then(|object| object.as_stream().ok()).filter(|_| plain);
        let read = match container {
            Some(container) => Members::of(container, self.budget)?,
            None => because("its object stream cannot be found"),
        };
        let members = match read {
            Ok(members) => members,
            Err(Fault::Because(why)) => {
                self.faults.extend(wanted.iter().map(|(number, _)| (*number, why.clone())));
                return Ok(());
            }
            Err(Fault::LengthLater) => return Ok(()),
        };
        let repeated = members.repeated();
        for (number, index) in wanted {
            let found = if repeated.contains(number) {
                because("it is twice in its object stream")
            } else {
                members.read(*number, *index, self.budget).map_err(|limit| damaged(limit.0))?
            };
            match found {
                Ok(object) => drop(self.objects.insert((*number, 0), object)),
                Err(Fault::Because(why)) => drop(self.faults.insert(*number, why)),
                Err(Fault::LengthLater) => {}
            }
        }
        Ok(())
    }
}

/// A stream's `Length`: a number, or a reference to one. What it refers to is read as a number and as nothing else, so
/// that lengths of lengths do not exist.
pub(crate) fn length_of(
    bytes: &[u8],
    places: &BTreeMap<u32, Place>,
    objects: &BTreeMap<ObjectId, Object>,
    length: &Object,
    budget: &mut Budget,
) -> Length {
    let id = match length {
        Object::Integer(length) => return Length::Known(*length),
        Object::Reference(id) => *id,
        _ => return Length::Missing,
    };
    match places.get(&id.0) {
        Some(Place::At { offset, generation }) if *generation == id.1 => {
            let mut lexer = Lexer::new(bytes, *offset, budget);
            let read = read_indirect(&mut lexer, *offset, id);
            match (lexer.pay(*offset), read) {
                (Ok(()), Ok((Object::Integer(length), _, _))) => Length::Known(length),
                _ => Length::Missing,
            }
        }
        Some(Place::In { .. }) if id.1 == 0 => match objects.get(&id) {
            Some(Object::Integer(length)) => Length::Known(*length),
            Some(_) => Length::Missing,
            None => Length::Later,
        },
        _ => Length::Missing,
    }
}
