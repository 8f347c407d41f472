//! Cross-reference sections (ISO 32000-2 7.5.4, 7.5.8): which object is where, section by section, newest first.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use lopdf::{Dictionary, Object};

use super::budget::Budget;
use super::lexer::{Lexer, Trouble};
use super::streams::{stream_content, unpacked};
use crate::pdf::{Error, ambiguous, damaged};

/// The highest object number that viewers handle (ISO 32000-1 annex C).
pub(crate) const MAX_OBJECT_NUMBER: u32 = 8_388_607;
/// Viewers look for the end of the file in so many last bytes (ISO 32000-1 annex H.3.18).
const TAIL_BYTES: usize = 1024;
/// Sections of one file. A file that is signed by a hundred people has about a hundred.
const MAX_SECTIONS: usize = 4096;
/// Bytes of one field of an entry in a cross-reference stream.
const MAX_FIELD_BYTES: i64 = 8;

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Free,
    At {
        offset: usize,
        generation: u16,
    },
    /// A member of an object stream, by its position there.
    In {
        stream: u32,
        index: u32,
    },
}

/// How a section is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Table,
    Stream,
}

/// One section with its trailer. A hybrid one (ISO 32000-2 7.5.8.4) holds the entries of its stream as well.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) form: Form,
    pub(crate) trailer: Dictionary,
    /// In the order of the numbers, each number once.
    pub(crate) places: Vec<(u32, Place)>,
    /// Numbers with several entries that differ: readers take one or the other.
    pub(crate) contested: BTreeSet<u32>,
    /// What the section is written in: table, trailer and the end-of-file lines, or the stream.
    pub(crate) spans: Vec<Range<usize>>,
    /// A table that is written in another way than the standard says, which every reader but mupdf takes as it stands: that one builds the
    /// table anew from the objects that it finds.
    is_irregular: bool,
}

/// The offset that the end of the file names as its newest section.
///
/// # Errors
/// Where the end of the file is not where every viewer looks for it, or something follows it.
pub(crate) fn newest(bytes: &[u8]) -> Result<usize, Error> {
    let tail_start = bytes.len().saturating_sub(TAIL_BYTES);
    let tail = &bytes[tail_start..];
    let last = |needle: &[u8]| tail.windows(needle.len()).rposition(|window| window == needle);
    let end =
        last(b"%%EOF").ok_or_else(|| damaged(format!("there is no end-of-file mark (%%EOF) in its last {TAIL_BYTES} bytes")))?;
    if !tail[end + 5..].iter().all(|byte| super::lexer::is_white(*byte)) {
        return Err(ambiguous("there are bytes after its end-of-file mark (%%EOF)"));
    }
    let mark = last(b"startxref").filter(|mark| *mark < end);
    let mark = mark.ok_or_else(|| damaged(format!("there is no \"startxref\" in its last {TAIL_BYTES} bytes")))?;
    let line = tail[mark + 9..end].trim_ascii();
    let offset = std::str::from_utf8(line).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    offset.and_then(|text| text.parse().ok()).ok_or_else(|| damaged("its \"startxref\" names no offset"))
}

/// All sections from the one at `start` back to the first.
///
/// # Errors
/// [`Error`] for what is not a chain of sections that every reader follows alike.
pub(crate) fn chain(bytes: &[u8], start: usize, budget: &mut Budget) -> Result<Vec<Section>, Error> {
    let mut sections: Vec<Section> = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(start);
    let mut is_hybrid = false;
    while let Some(start) = next {
        if !seen.insert(start) {
            return Err(damaged("its cross-reference sections name each other in a circle"));
        }
        if sections.len() == MAX_SECTIONS {
            return Err(damaged(format!("it has more than {MAX_SECTIONS} cross-reference sections")));
        }
        let mut reader = SectionReader { bytes, budget };
        let mut section = reader.section(start)?;
        if let Some(hidden) = offset_of(&section.trailer, b"XRefStm")?.filter(|_| section.form == Form::Table) {
            if !seen.insert(hidden) {
                return Err(damaged("its cross-reference sections name each other in a circle"));
            }
            let hidden = reader.stream_section(hidden)?;
            is_hybrid = true;
            let size = |section: &Section| section.trailer.get(b"Size").and_then(Object::as_i64).unwrap_or(0);
            if size(&hidden) > size(&section) {
                return Err(ambiguous(
                    "a hybrid section's stream has numbers beyond the size that its trailer names, and readers take them or not",
                ));
            }
            section.reveal(hidden, sections.is_empty());
        }
        next = offset_of(&section.trailer, b"Prev")?;
        sections.push(section);
    }
    if is_hybrid && sections.iter().any(|section| section.is_irregular) {
        return Err(ambiguous(
            "a table of its cross-references is not written as the standard says, and readers that build it anew lose the \
                              objects that its hybrid section hides",
        ));
    }
    Ok(sections)
}

fn offset_of(trailer: &Dictionary, key: &[u8]) -> Result<Option<usize>, Error> {
    match trailer.get(key) {
        Err(_) | Ok(Object::Null) => Ok(None),
        Ok(Object::Integer(offset)) if *offset > 0 => Ok(usize::try_from(*offset).ok()),
        Ok(_) => Err(damaged(format!("its trailer's {} is not an offset", String::from_utf8_lossy(key)))),
    }
}

impl Section {
    fn new(form: Form, trailer: Dictionary, mut places: Vec<(u32, Place)>, span: Range<usize>) -> Self {
        // Stable: of several entries for one number the first stays.
        places.sort_by_key(|(number, _)| *number);
        let twice = places.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1);
        let contested = twice.map(|pair| pair[0].0).collect();
        places.dedup_by_key(|(number, _)| *number);
        Self { form, trailer, places, contested, spans: vec![span], is_irregular: false }
    }

    pub(crate) fn place(&self, number: u32) -> Option<Place> {
        self.places.binary_search_by_key(&number, |(number, _)| *number).ok().map(|index| self.places[index].1)
    }

    /// Adds the entries of a hybrid section's stream: objects that the table hides as free ones, or does not name.
    ///
    /// In the newest section poppler and mupdf believe the table, and other readers the stream; in older ones all the stream.
    fn reveal(&mut self, hidden: Section, is_newest: bool) {
        self.contested.extend(hidden.contested);
        self.spans.extend(hidden.spans);
        let mut revealed = Vec::new();
        for (number, place) in hidden.places {
            match self.place(number) {
                Some(shown) if shown == place => {}
                Some(Place::Free) if is_newest && place != Place::Free => drop(self.contested.insert(number)),
                Some(Place::Free) | None => revealed.push((number, place)),
                // The stream's own entry may be in both; anything else is a contradiction.
                Some(_) => drop(self.contested.insert(number)),
            }
        }
        let known: HashSet<u32> = revealed.iter().map(|(number, _)| *number).collect();
        self.places.retain(|(number, _)| !known.contains(number));
        self.places.extend(revealed);
        self.places.sort_by_key(|(number, _)| *number);
    }
}

struct SectionReader<'a, 'b> {
    bytes: &'a [u8],
    budget: &'b mut Budget,
}

impl SectionReader<'_, '_> {
    fn section(&mut self, start: usize) -> Result<Section, Error> {
        if start >= self.bytes.len() {
            return Err(damaged(format!("it names byte {start} for its cross-references, which is beyond its end")));
        }
        // "33 0 obj" found at its second digit would be another object; a table begins with no digit.
        if start > 0 && self.bytes[start].is_ascii_digit() && self.bytes[start - 1].is_ascii_digit() {
            return Err(no_section(start));
        }
        let mut lexer = Lexer::new(self.bytes, start, self.budget);
        lexer.white();
        if !lexer.keyword(b"xref") {
            return self.stream_section(start);
        }
        let position = lexer.position;
        self.table(start, position)
    }

    /// A table, behind its `xref`.
    fn table(&mut self, start: usize, position: usize) -> Result<Section, Error> {
        let mut lexer = Lexer::new(self.bytes, position, self.budget);
        let (mut places, mut is_irregular) = (Vec::new(), false);
        loop {
            // No comments: mupdf gives the table up for one.
            lexer.white();
            if lexer.keyword(b"trailer") {
                break;
            }
            let before = lexer.position;
            is_irregular |= !subsection(&mut lexer, &mut places)?;
            lexer.pay(before).map_err(|limit| damaged(limit.0))?;
        }
        lexer.blank();
        let trailer = trailer_dictionary(&mut lexer)?;
        end_lines(&mut lexer);
        let end = lexer.position;
        lexer.pay(position).map_err(|limit| damaged(limit.0))?;
        Ok(Section { is_irregular, ..Section::new(Form::Table, trailer, places, start..end) })
    }

    /// A cross-reference stream. All that is needed to read it must be in its dictionary (ISO 32000-2 7.5.8.2).
    fn stream_section(&mut self, start: usize) -> Result<Section, Error> {
        let missing = || no_section(start);
        let mut lexer = Lexer::new(self.bytes, start, self.budget);
        lexer.white();
        let header = lexer.unsigned();
        lexer.white();
        let header = header.and(lexer.unsigned());
        lexer.white();
        if header.is_none() || !lexer.keyword(b"obj") {
            return Err(missing());
        }
        lexer.blank();
        if !lexer.rest().starts_with(b"<<") {
            return Err(missing());
        }
        let dictionary = trailer_dictionary(&mut lexer)?;
        if !dictionary.has_type(b"XRef") {
            return Err(missing());
        }
        let (content, end) = stream_content(&mut lexer, dictionary.get(b"Length").and_then(Object::as_i64).ok())
            .map_err(|_| damaged("its cross-reference stream does not end where it says"))?;
        lexer.position = end;
        lexer.blank();
        lexer.keyword(b"endobj");
        end_lines(&mut lexer);
        let end = lexer.position;
        lexer.pay(start).map_err(|limit| damaged(limit.0))?;
        let places = self.stream_entries(&dictionary, &self.bytes[content])?;
        Ok(Section::new(Form::Stream, dictionary, places, start..end))
    }

    fn stream_entries(&mut self, dictionary: &Dictionary, content: &[u8]) -> Result<Vec<(u32, Place)>, Error> {
        let unreadable = || damaged("its cross-reference stream cannot be read");
        let widths = integers(dictionary.get(b"W").ok()).ok_or_else(unreadable)?;
        let [w0, w1, w2] = widths[..] else { return Err(unreadable()) };
        let bounded = widths.iter().all(|width| (0..=MAX_FIELD_BYTES).contains(width));
        if !bounded || w0 + w1 + w2 == 0 {
            return Err(unreadable());
        }
        let (w0, w1, w2) = (w0 as usize, w1 as usize, w2 as usize);
        let size = dictionary.get(b"Size").and_then(Object::as_i64).map_err(|_| unreadable())?;
        let index = match dictionary.get(b"Index") {
            Ok(index) => integers(Some(index)).ok_or_else(unreadable)?,
            Err(_) => vec![0, size],
        };
        let data = unpacked(dictionary, content, self.budget)?;
        let mut entries = data.chunks_exact(w0 + w1 + w2);
        let mut places = Vec::new();
        for run in index.chunks(2) {
            let [first, count] = run[..] else { return Err(unreadable()) };
            let first = u32::try_from(first).map_err(|_| unreadable())?;
            let count = u32::try_from(count).map_err(|_| unreadable())?;
            let end = first.checked_add(count).filter(|end| *end <= MAX_OBJECT_NUMBER + 1).ok_or_else(unreadable)?;
            for number in first..end {
                self.budget.value().map_err(|limit| damaged(limit.0))?;
                let entry = entries.next().ok_or_else(|| damaged("its cross-reference stream is shorter than it says"))?;
                let kind = if w0 == 0 { 1 } else { big_endian(&entry[..w0]) };
                let (second, third) = (big_endian(&entry[w0..w0 + w1]), big_endian(&entry[w0 + w1..]));
                places.push((number, place(kind, second, third).ok_or_else(unreadable)?));
            }
        }
        Ok(places)
    }
}

fn no_section(start: usize) -> Error {
    damaged(format!("there is no cross-reference section at byte {start}, where one is said to be"))
}

/// An entry of a cross-reference stream (ISO 32000-2 table 18). Kinds that are not known refer to the null object, says the
/// standard; poppler gives up the whole section, so that they are refused.
fn place(kind: u64, second: u64, third: u64) -> Option<Place> {
    match kind {
        1 => Some(Place::At { offset: usize::try_from(second).ok()?, generation: u16::try_from(third).ok()? }),
        2 => Some(Place::In { stream: u32::try_from(second).ok()?, index: u32::try_from(third).ok()? }),
        0 => Some(Place::Free),
        _ => None,
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn integers(array: Option<&Object>) -> Option<Vec<i64>> {
    array?.as_array().ok()?.iter().map(|item| item.as_i64().ok()).collect()
}

/// One run of entries: `first count`, then lines of `offset generation n`. Answers whether the lines are as the standard says (ISO 32000-2
/// 7.5.4): of twenty bytes each, and none empty.
fn subsection(lexer: &mut Lexer<'_, '_>, places: &mut Vec<(u32, Place)>) -> Result<bool, Error> {
    let unreadable = || damaged("its cross-reference table cannot be read");
    let first = lexer.unsigned().and_then(|number| u32::try_from(number).ok()).ok_or_else(unreadable)?;
    lexer.white();
    let count = lexer.unsigned().and_then(|number| u32::try_from(number).ok()).ok_or_else(unreadable)?;
    let end = first.checked_add(count).filter(|end| *end <= MAX_OBJECT_NUMBER + 1).ok_or_else(unreadable)?;
    let head = lexer.position;
    lexer.white();
    let lines = |end: u8| lexer.bytes[head..lexer.position].iter().filter(|byte| **byte == end).count();
    let mut is_regular = lines(b'\n') <= 1 && lines(b'\r') <= 1;
    for number in first..end {
        places.push((number, table_entry(lexer).ok_or_else(unreadable)?));
        // Lines have twenty bytes; the two after the last letter are written as one, or left out, by some programs.
        let after = lexer.position;
        lexer.white();
        if lexer.position - after > 2 && number + 1 < end {
            return Err(unreadable());
        }
        is_regular &= lexer.position - after == 2;
    }
    Ok(is_regular)
}

fn table_entry(lexer: &mut Lexer<'_, '_>) -> Option<Place> {
    let entry: &[u8; 18] = lexer.rest().first_chunk()?;
    let digits = |range: Range<usize>| -> Option<u64> {
        let text = &entry[range];
        let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        text.parse().ok()
    };
    let (offset, generation) = (digits(0..10)?, digits(11..16)?);
    if entry[10] != b' ' || entry[16] != b' ' {
        return None;
    }
    let place = match entry[17] {
        // A generation beyond all bounds fits no object, as it should.
        b'n' => Place::At { offset: usize::try_from(offset).ok()?, generation: u16::try_from(generation).unwrap_or(u16::MAX) },
        b'f' => Place::Free,
        _ => return None,
    };
    lexer.position += entry.len();
    Some(place)
}

fn trailer_dictionary(lexer: &mut Lexer<'_, '_>) -> Result<Dictionary, Error> {
    if !lexer.rest().starts_with(b"<<") {
        return Err(damaged("it has no trailer"));
    }
    let dictionary = lexer.dictionary(0).map_err(|trouble| match trouble {
        Trouble::Unreadable(why) => damaged(format!("its trailer cannot be read: {why}")),
        Trouble::Exhausted(limit) => damaged(limit.0),
    })?;
    match lexer.repeated_key.take() {
        Some(key) => Err(ambiguous(format!("its trailer has the key {} twice", String::from_utf8_lossy(&key)))),
        None => Ok(dictionary),
    }
}

/// `startxref`, a number and `%%EOF`, as far as they are there.
fn end_lines(lexer: &mut Lexer<'_, '_>) {
    let end = lexer.position;
    lexer.blank();
    if !lexer.keyword(b"startxref") {
        lexer.position = end;
        return;
    }
    lexer.white();
    lexer.unsigned();
    let after = lexer.position;
    lexer.white();
    if lexer.rest().starts_with(b"%%EOF") {
        lexer.position += 5;
    } else {
        lexer.position = after;
    }
}
