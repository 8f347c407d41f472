//! Bytes with slots where numbers of objects go: what a document is compiled into.

use lopdf::{Dictionary, Document, ObjectId};

use super::spell::{self, Ink};
use crate::pdf::{Error, damaged};

/// Where a number is written between bytes.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// Place in all bytes of the document.
    pub(super) at: u32,
    pub(super) value: u32,
    pub(super) is_structure_key: bool,
}

/// A run of bytes with its slots.
#[derive(Clone, Copy, Default)]
pub(super) struct Piece {
    pub(super) bytes: (u32, u32),
    pub(super) slots: (u32, u32),
}

/// What a linker does at a slot.
pub(super) trait Numbers {
    /// Writes a reference to the object at `index`.
    fn reference(&mut self, out: &mut Vec<u8>, index: u32);
    fn structure_key(&mut self, out: &mut Vec<u8>, key: u32);
}

/// Without gaps, as `open` numbers them, an object's place follows from its number.
pub(super) fn index(ids: &[ObjectId], id: ObjectId) -> Option<u32> {
    let guess = id.0.wrapping_sub(1);
    if ids.get(guess as usize) == Some(&id) {
        return Some(guess);
    }
    ids.binary_search(&id).ok().map(|index| index as u32)
}

/// Writes pieces.
pub(super) struct Compiler {
    pub(super) ids: Vec<ObjectId>,
    pub(super) objects: Vec<Piece>,
    pub(super) bytes: Vec<u8>,
    pub(super) slots: Vec<Slot>,
}

impl Compiler {
    pub(super) fn new(document: &Document) -> Self {
        let ids = document.objects.keys().copied().collect();
        Self { ids, objects: Vec::new(), bytes: Vec::new(), slots: Vec::new() }
    }

    pub(super) fn index(&self, id: ObjectId) -> Option<u32> {
        index(&self.ids, id)
    }

    /// What `write` writes.
    ///
    /// # Errors
    /// That of `write`, and `Damaged` where a document takes more bytes than slots can name.
    pub(super) fn piece(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<Piece, Error> {
        let (bytes, slots) = (self.bytes.len(), self.slots.len());
        write(self)?;
        if self.bytes.len() > u32::MAX as usize / 2 {
            return Err(damaged("its objects take too many bytes"));
        }
        Ok(Piece { bytes: (bytes as u32, self.bytes.len() as u32), slots: (slots as u32, self.slots.len() as u32) })
    }

    /// The entries of a dictionary that are wanted, behind `<<` and with nothing at their end.
    ///
    /// # Errors
    /// As [`Compiler::piece`].
    pub(super) fn head(&mut self, dictionary: &Dictionary, wanted: impl Fn(&[u8]) -> bool) -> Result<Piece, Error> {
        self.piece(|ink| {
            ink.bytes.extend_from_slice(b"<<");
            spell::entries(ink, dictionary, wanted)
        })
    }
}

impl Ink for Compiler {
    fn out(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn reference(&mut self, id: ObjectId) {
        match self.index(id) {
            Some(value) => self.slots.push(Slot { at: self.bytes.len() as u32, value, is_structure_key: false }),
            None => self.bytes.extend_from_slice(b"null"),
        }
    }

    fn structure_key(&mut self, key: u32) {
        self.slots.push(Slot { at: self.bytes.len() as u32, value: key, is_structure_key: true });
    }
}
