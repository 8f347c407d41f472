//! A document as relocatable bytes: every object as it is written, with slots where numbers of objects go.

use aws_lc_rs::digest;
use lopdf::{Document, Object, ObjectId};

use super::code::{Compiler, Numbers, Piece, Slot, index};
use super::plan::Plan;
use super::spell;
use super::whole::Whole;
use crate::pdf::{self, Error, damaged};

/// A document that is ready to be linked. It holds no contents of streams: those are taken from the document.
pub(crate) struct Compiled {
    /// Of the objects, ascending; their places are the indices that slots name.
    ids: Vec<ObjectId>,
    objects: Vec<Piece>,
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    pub(super) root: u32,
    pub(super) information: Option<u32>,
    pub(super) pages: Vec<u32>,
    /// What flattening changes.
    pub(super) plan: Plan,
    /// What the catalog leads to.
    pub(super) whole: Whole,
    /// For each object, whether each copy of the document needs its own: pages, fields and what leads to them. The others
    /// (fonts, images, contents) are there once where a form is used twice.
    own: Vec<bool>,
    digest: [u8; 32],
}

impl Compiled {
    /// Compiles a document that was made by [`super::open`].
    ///
    /// # Errors
    /// `Damaged` where it is not as `open` leaves it.
    pub(crate) fn of(document: &Document) -> Result<Self, Error> {
        let mut compiler = Compiler::new(document);
        for object in document.objects.values() {
            let piece = compiler.piece(|ink| spell::object(ink, object))?;
            compiler.objects.push(piece);
        }
        let (root, _) = pdf::catalog(document)?;
        let root = compiler.index(root).ok_or_else(|| damaged("it has no catalog"))?;
        let information = document.trailer.get(b"Info").and_then(Object::as_reference).ok();
        let information = information.and_then(|id| compiler.index(id));
        let pages: Vec<u32> = pdf::pages(document)?.into_iter().filter_map(|page| compiler.index(page)).collect();
        let whole = Whole::of(document, &mut compiler)?;
        let plan = Plan::of(document, &mut compiler, &whole.form)?;
        let own = own(&compiler, document, &pages, &whole, &plan);
        let Compiler { ids, objects, bytes, slots } = compiler;
        let digest = digest_of(document, &bytes, &slots);
        Ok(Self { ids, objects, bytes, slots, root, information, pages, plan, whole, own, digest })
    }

    /// Bytes that it takes in memory, about.
    pub(crate) fn weight(&self) -> usize {
        let ids = self.ids.len() * size_of::<ObjectId>() + self.objects.len() * size_of::<Piece>();
        ids + self.bytes.len()
            + self.slots.len() * size_of::<Slot>()
            + self.pages.len() * 4
            + self.own.len()
            + self.plan.weight()
            + self.whole.weight()
    }

    /// Of all that it holds, and of the contents of its streams.
    pub(super) fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Number of objects.
    pub(super) fn len(&self) -> u32 {
        self.ids.len() as u32
    }

    pub(super) fn index(&self, id: ObjectId) -> Option<u32> {
        index(&self.ids, id)
    }

    pub(super) fn id(&self, index: u32) -> Option<ObjectId> {
        self.ids.get(index as usize).copied()
    }

    /// Whether each copy of the document needs an object of its own.
    pub(super) fn is_own(&self, index: u32) -> bool {
        self.own[index as usize]
    }

    pub(super) fn object(&self, index: u32) -> Piece {
        self.objects[index as usize]
    }

    /// Writes a piece with the numbers that it has in the result.
    pub(super) fn copy(&self, piece: Piece, out: &mut Vec<u8>, numbers: &mut impl Numbers) {
        let mut from = piece.bytes.0 as usize;
        for slot in &self.slots[piece.slots.0 as usize..piece.slots.1 as usize] {
            out.extend_from_slice(&self.bytes[from..slot.at as usize]);
            from = slot.at as usize;
            match slot.is_structure_key {
                true => numbers.structure_key(out, slot.value),
                false => numbers.reference(out, slot.value),
            }
        }
        out.extend_from_slice(&self.bytes[from..piece.bytes.1 as usize]);
    }
}

fn digest_of(document: &Document, bytes: &[u8], slots: &[Slot]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(bytes);
    slots.iter().for_each(|slot| context.update(&slot.value.to_be_bytes()));
    for stream in document.objects.values().filter_map(|object| object.as_stream().ok()) {
        context.update(&stream.content);
    }
    // SHA-256 has 32 bytes.
    context.finish().as_ref().try_into().unwrap_or_default()
}

/// Which objects each copy of the document needs for itcompiler.
fn own(compiler: &Compiler, document: &Document, pages: &[u32], whole: &Whole, plan: &Plan) -> Vec<bool> {
    let mut referred_by: Vec<Vec<u32>> = vec![Vec::new(); compiler.objects.len()];
    let mut open: Vec<u32> = pages.iter().copied().chain(plan.rewritten()).chain(whole.rewritten()).collect();
    for (index, piece) in compiler.objects.iter().enumerate() {
        for slot in &compiler.slots[piece.slots.0 as usize..piece.slots.1 as usize] {
            match slot.is_structure_key {
                true => open.push(index as u32),
                false => referred_by[slot.value as usize].push(index as u32),
            }
        }
    }
    for page in document.objects.values().filter_map(|object| object.as_dict().ok()) {
        let annotations = page.get(b"Annots").and_then(Object::as_array).into_iter().flatten();
        open.extend(annotations.filter_map(|annotation| compiler.index(annotation.as_reference().ok()?)));
    }
    let mut own = vec![false; compiler.objects.len()];
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut own[index as usize], true) {
            open.append(&mut referred_by[index as usize]);
        }
    }
    own
}
