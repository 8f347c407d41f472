//! Linking: objects of all parts get new numbers in the order in which they are found, from the catalog on, and are written. What
//! nothing reaches is never found, so that nothing has to be cleaned up.

use std::collections::HashMap;

use aws_lc_rs::digest;
use lopdf::{Dictionary, Object, ObjectId};

use super::code::{Numbers, Piece};
use super::compile::Compiled;
use super::spell::{self, Ink};
use super::{Error, Part};
use crate::reader::MAX_FILE_BYTES;
use crate::reader::sections::MAX_OBJECT_NUMBER;

/// An object of one of the parts, or one that was made for the result: its place among all of them.
pub(super) type Global = u32;

/// In place of a number: the object is left out, and references to it are null.
const GONE: u32 = u32::MAX;

/// Where an object comes from, if it is not as it was compiled.
enum Source {
    /// Of the part's list, at this place.
    Changed(usize),
    /// The bytes of its value.
    Made(Vec<u8>),
    /// What refers to it refers to another.
    Elsewhere(Global),
}

/// What is being linked.
pub(super) struct Linker<'a> {
    pub(super) parts: &'a [Part<'a>],
    /// The first object of each part, then the first that was made.
    bases: Vec<Global>,
    /// Where the objects of a part are that it shares with an earlier one: both are the same document, and neither changes them.
    shared: Vec<Global>,
    /// Where the keys of each part begin in the parent tree of the structure.
    first_keys: Vec<u32>,
    /// Objects of each part that it has added, ascending.
    added: Vec<Vec<(ObjectId, Global)>>,
    /// For each object, one more than its place in `sources`; 0 where it is as it was compiled.
    special: Vec<u32>,
    sources: Vec<Source>,
    /// For each object its number in the result, 0 where it has none yet.
    numbers: Vec<u32>,
    /// Objects in the order of their numbers, from 1.
    queue: Vec<Global>,
}

impl<'a> Linker<'a> {
    pub(super) fn new(parts: &'a [Part<'a>]) -> Result<Self, Error> {
        let (mut bases, mut added) = (Vec::with_capacity(parts.len() + 1), Vec::with_capacity(parts.len()));
        let mut next: Global = 0;
        for part in parts {
            bases.push(next);
            next = next.checked_add(part.compiled.len()).ok_or(Error::TooLarge)?;
            let mut new: Vec<(ObjectId, Global)> = Vec::new();
            for (id, _) in part.changed.iter().filter(|(id, _)| part.compiled.index(*id).is_none()) {
                new.push((*id, 0));
            }
            new.sort_unstable();
            new.dedup();
            for (_, global) in &mut new {
                *global = next;
                next = next.checked_add(1).ok_or(Error::TooLarge)?;
            }
            added.push(new);
        }
        if next > MAX_OBJECT_NUMBER {
            return Err(Error::TooLarge);
        }
        bases.push(next);
        let count = next as usize;
        let mut linker = Self {
            parts,
            shared: shared(parts, &bases),
            first_keys: first_keys(parts),
            bases,
            added,
            special: vec![0; count],
            sources: Vec::new(),
            numbers: vec![0; count],
            queue: Vec::with_capacity(count),
        };
        for (number, part) in parts.iter().enumerate() {
            for (at, (id, _)) in part.changed.iter().enumerate() {
                if let Some(global) = linker.find(number, *id) {
                    linker.set(global, Source::Changed(at));
                }
            }
        }
        Ok(linker)
    }

    /// The object at `index` of a part.
    pub(super) fn global(&self, part: usize, index: u32) -> Global {
        let is_own = self.parts[part].compiled.is_own(index);
        (if is_own { self.bases[part] } else { self.shared[part] }) + index
    }

    /// An object of a part by its number there.
    pub(super) fn find(&self, part: usize, id: ObjectId) -> Option<Global> {
        if let Some(index) = self.parts[part].compiled.index(id) {
            return Some(self.global(part, index));
        }
        let added = &self.added[part];
        added.binary_search_by_key(&id, |(id, _)| *id).ok().map(|at| added[at].1)
    }

    /// The value of an object of a part, as it was changed.
    pub(super) fn object(&self, part: usize, id: ObjectId) -> Option<&'a Object> {
        let global = self.find(part, id)?;
        match self.changed(part, global) {
            Some(changed) => Some(changed),
            None => self.parts[part].document.objects.get(&id),
        }
    }

    /// The value of an object, if the part has changed it.
    pub(super) fn changed(&self, part: usize, global: Global) -> Option<&'a Object> {
        match self.source(global) {
            Some(Source::Changed(at)) => self.parts[part].changed.get(*at).map(|(_, object)| object),
            _ => None,
        }
    }

    fn source(&self, global: Global) -> Option<&Source> {
        self.special[global as usize].checked_sub(1).map(|at| &self.sources[at as usize])
    }

    fn set(&mut self, global: Global, source: Source) {
        self.sources.push(source);
        self.special[global as usize] = self.sources.len() as u32;
    }

    /// Adds an object by the bytes of its value.
    pub(super) fn make(&mut self, bytes: Vec<u8>) -> Global {
        let global = self.numbers.len() as Global;
        self.numbers.push(0);
        self.special.push(0);
        self.set(global, Source::Made(bytes));
        global
    }

    /// Adds a stream that is not compressed. `dictionary` is without its brackets and its length.
    pub(super) fn make_stream(&mut self, dictionary: &[u8], content: &[u8]) -> Global {
        let mut bytes = Vec::with_capacity(dictionary.len() + content.len() + 48);
        bytes.extend_from_slice(b"<<");
        bytes.extend_from_slice(dictionary);
        bytes.extend_from_slice(b"/Length ");
        spell::number(&mut bytes, content.len() as u64);
        bytes.extend_from_slice(b">>stream\n");
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(b"\nendstream");
        self.make(bytes)
    }

    /// Gives an object of a part another value.
    pub(super) fn replace(&mut self, global: Global, bytes: Vec<u8>) {
        self.set(global, Source::Made(bytes));
    }

    /// Leaves an object out.
    pub(super) fn leave_out(&mut self, global: Global) {
        self.numbers[global as usize] = GONE;
    }

    /// Makes what refers to an object refer to another.
    pub(super) fn redirect(&mut self, from: Global, to: Global) {
        self.numbers[from as usize] = 0;
        self.set(from, Source::Elsewhere(to));
    }

    /// The number of an object in the result; 0 where it is left out.
    pub(super) fn number(&mut self, mut global: Global) -> u32 {
        // One object stands for another, never for one that stands for a third.
        for _ in 0..2 {
            match self.numbers[global as usize] {
                0 => {}
                GONE => return 0,
                number => return number,
            }
            match self.source(global) {
                Some(Source::Elsewhere(to)) => global = *to,
                _ => break,
            }
        }
        self.queue.push(global);
        self.numbers[global as usize] = self.queue.len() as u32;
        self.queue.len() as u32
    }

    /// A part's key in the parent tree of the result's structure.
    pub(super) fn structure_key(&self, part: usize, key: u32) -> u32 {
        self.first_keys[part].saturating_add(key)
    }

    /// Writes the wanted entries of an object that a part has or has changed, without their end.
    ///
    /// # Errors
    /// Where they are nested too deeply.
    pub(super) fn spell(
        &mut self,
        part: usize,
        dictionary: &Dictionary,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, Error> {
        let mut out = b"<<".to_vec();
        spell::entries(&mut Fresh { out: &mut out, numbers: Of { linker: self, part } }, dictionary, wanted)?;
        Ok(out)
    }

    /// Writes a reference, or null where the object is left out.
    pub(super) fn refer(&mut self, out: &mut Vec<u8>, global: Global) {
        match self.number(global) {
            0 => out.extend_from_slice(b"null"),
            number => {
                spell::number(out, u64::from(number));
                out.extend_from_slice(b" 0 R");
            }
        }
    }

    /// Writes a compiled piece of a part.
    pub(super) fn copy(&mut self, part: usize, piece: Piece, out: &mut Vec<u8>) {
        let compiled = self.parts[part].compiled;
        compiled.copy(piece, out, &mut Of { linker: self, part });
    }

    pub(super) fn write(mut self, root: u32, information: Option<u32>) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(64 * 1024);
        out.extend_from_slice(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n");
        let mut offsets: Vec<u32> = Vec::with_capacity(self.queue.capacity());
        let mut own = digest::Context::new(&digest::SHA256);
        while let Some(global) = self.queue.get(offsets.len()).copied() {
            let start = out.len();
            if start > MAX_FILE_BYTES || offsets.len() >= MAX_OBJECT_NUMBER as usize {
                return Err(Error::TooLarge);
            }
            // At most `MAX_FILE_BYTES`.
            offsets.push(start as u32);
            spell::number(&mut out, offsets.len() as u64);
            out.extend_from_slice(b" 0 obj\n");
            if self.value(global, &mut out)? {
                own.update(&out[start..]);
            }
            out.extend_from_slice(b"\nendobj\n");
        }
        for part in self.parts {
            own.update(part.compiled.digest());
        }
        let table = out.len();
        cross_references(&mut out, &offsets);
        out.extend_from_slice(b"trailer\n<</Size ");
        spell::number(&mut out, offsets.len() as u64 + 1);
        for (key, number) in [("/Root ", Some(root)), ("/Info ", information)] {
            if let Some(number) = number {
                out.extend_from_slice(key.as_bytes());
                spell::number(&mut out, u64::from(number));
                out.extend_from_slice(b" 0 R");
            }
        }
        let identifier = data_encoding::HEXUPPER.encode(&own.finish().as_ref()[..16]);
        out.extend_from_slice(format!("/ID[<{identifier}><{identifier}>]>>\nstartxref\n{table}\n%%EOF\n").as_bytes());
        if out.len() > MAX_FILE_BYTES { Err(Error::TooLarge) } else { Ok(out) }
    }

    /// Writes an object's value. Answers whether it is other than it was compiled.
    fn value(&mut self, global: Global, out: &mut Vec<u8>) -> Result<bool, Error> {
        let part = self.bases.partition_point(|base| *base <= global) - 1;
        match self.source(global) {
            Some(Source::Made(bytes)) => {
                out.extend_from_slice(bytes);
                return Ok(true);
            }
            // Nothing has the number of what stands for another.
            Some(Source::Elsewhere(_)) => return Ok(false),
            _ => {}
        }
        if let Some(object) = self.changed(part, global) {
            spell::object(&mut Fresh { out, numbers: Of { linker: self, part } }, object)?;
            if let Object::Stream(stream) = object {
                append_content(out, &stream.content);
            }
            return Ok(true);
        }
        let Part { document, compiled, .. } = self.parts[part];
        let index = global - self.bases[part];
        self.copy(part, compiled.object(index), out);
        let object = compiled.id(index).and_then(|id| document.objects.get(&id));
        if let Some(Object::Stream(stream)) = object {
            append_content(out, &stream.content);
        }
        Ok(false)
    }
}

/// For each part, the first object of the part that it shares objects with: itself, or an earlier one.
fn shared(parts: &[Part<'_>], bases: &[Global]) -> Vec<Global> {
    let is_own = |part: &Part<'_>, id: ObjectId| part.compiled.index(id).is_none_or(|index| part.compiled.is_own(index));
    let mut first: HashMap<*const Compiled, Global> = HashMap::new();
    let shared = parts.iter().zip(bases).map(|(part, base)| {
        let leaves_others_alone = part.changed.iter().all(|(id, _)| is_own(part, *id));
        if leaves_others_alone { *first.entry(std::ptr::from_ref(part.compiled)).or_insert(*base) } else { *base }
    });
    shared.collect()
}

/// Where the keys of each part begin. Those of parts without a structure lead nowhere, and have to go on doing so.
fn first_keys(parts: &[Part<'_>]) -> Vec<u32> {
    if parts.len() == 1 {
        return vec![0];
    }
    let keys = |part: &Part<'_>| part.compiled.whole.structure.as_ref().map(|structure| structure.keys);
    let all = parts.iter().filter_map(keys).fold(0_u32, u32::saturating_add);
    let mut next = 0_u32;
    let first = parts.iter().map(|part| match keys(part) {
        None => all,
        Some(keys) => {
            let first = next;
            next = next.saturating_add(keys);
            first
        }
    });
    first.collect()
}

fn append_content(out: &mut Vec<u8>, content: &[u8]) {
    out.reserve(content.len() + 32);
    out.extend_from_slice(b"stream\n");
    out.extend_from_slice(content);
    out.extend_from_slice(b"\nendstream");
}

/// A classic table: entries of exactly twenty bytes (ISO 32000-2 7.5.4).
fn cross_references(out: &mut Vec<u8>, offsets: &[u32]) {
    out.reserve(20 * (offsets.len() + 4));
    out.extend_from_slice(b"xref\n0 ");
    spell::number(out, offsets.len() as u64 + 1);
    out.extend_from_slice(b"\n0000000000 65535 f \n");
    for offset in offsets {
        let mut entry = *b"0000000000 00000 n \n";
        let mut rest = *offset;
        for digit in entry[..10].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&entry);
    }
}

/// The numbers of one part.
struct Of<'l, 'a> {
    linker: &'l mut Linker<'a>,
    part: usize,
}

impl Numbers for Of<'_, '_> {
    fn reference(&mut self, out: &mut Vec<u8>, index: u32) {
        self.linker.refer(out, self.linker.global(self.part, index));
    }

    fn structure_key(&mut self, out: &mut Vec<u8>, key: u32) {
        spell::number(out, u64::from(self.linker.structure_key(self.part, key)));
    }
}

/// Writes objects that a part has changed.
struct Fresh<'o, 'l, 'a> {
    out: &'o mut Vec<u8>,
    numbers: Of<'l, 'a>,
}

impl Ink for Fresh<'_, '_, '_> {
    fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    fn reference(&mut self, id: ObjectId) {
        match self.numbers.linker.find(self.numbers.part, id) {
            Some(global) => self.numbers.linker.refer(self.out, global),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    fn structure_key(&mut self, key: u32) {
        self.numbers.structure_key(self.out, key);
    }
}
