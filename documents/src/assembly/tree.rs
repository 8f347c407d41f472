//! The form of one document: its tree of fields and its default resources, with what tells whether those of two documents are the same.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use lopdf::{Dictionary, Document, Object, ObjectId};

use super::code::{Compiler, Piece};
use super::spell::{self, Ink};
use crate::{fields, pdf};

/// Objects of a font that are compared with another one; a larger one is like no other.
const MAX_COMPARED_OBJECTS: usize = 200;
/// Bytes of all that is compared in one form: what comes after them is like no other. However many names lead to one font, a form costs no more.
const MAX_COMPARED_BYTES: usize = 16 * 1024 * 1024;

/// The form of one document.
#[derive(Default)]
pub(super) struct Form {
    pub(super) exists: bool,
    /// All fields with a name and widgets: each field, then all that is below it.
    pub(super) nodes: Vec<Node>,
    pub(super) has_signatures: bool,
    /// `DA` and `Q` of the form.
    pub(super) defaults: Piece,
    /// The order of calculation, without brackets.
    pub(super) order: Piece,
    pub(super) resources: Vec<Resource>,
    /// What signature fields lock, each an object of its own.
    pub(super) locks: Vec<u32>,
}

/// A field, or a widget that is not one.
pub(super) struct Node {
    pub(super) index: u32,
    pub(super) id: ObjectId,
    /// The one above, by its place in the list.
    pub(super) above: Option<usize>,
    /// `None`: a widget of the field above.
    pub(super) name: Option<String>,
    /// What it says besides its name, kids and parent, if it has fields below it.
    pub(super) says: Option<[u8; 32]>,
    /// It is a signature field that is not signed, or above one, or its widget.
    pub(super) stays: bool,
}

/// An entry of the default resources.
pub(super) struct Resource {
    pub(super) kind: Vec<u8>,
    pub(super) name: Vec<u8>,
    pub(super) value: Piece,
    /// Of everything that it leads to.
    pub(super) digest: [u8; 32],
}

impl Form {
    pub(super) fn of(document: &Document, compiler: &mut Compiler) -> Result<Self, pdf::Error> {
        let (_, catalog) = pdf::catalog(document)?;
        let Some(form) = pdf::dict_entry(document, catalog, b"AcroForm") else { return Ok(Self::default()) };
        let all = fields::all(document)?;
        let open = all.iter().filter(|field| field.is_signature() && !field.is_signed(document));
        let staying: HashSet<ObjectId> = open.flat_map(|field| field.widgets.iter().chain([&field.id])).copied().collect();
        let mut digests = Digests::new(document);
        let mut nodes = nodes(document, &mut digests, compiler, form)?;
        for at in (0..nodes.len()).rev() {
            nodes[at].stays |= staying.contains(&nodes[at].id);
            if let (true, Some(above)) = (nodes[at].stays, nodes[at].above) {
                nodes[above].stays = true;
            }
        }
        let order = pdf::array_entry(document, form, b"CO").map(Vec::as_slice).unwrap_or_default();
        let order = compiler.piece(|ink| {
            for field in order {
                spell::value(ink, field, 1)?;
                ink.out().push(b' ');
            }
            Ok(())
        })?;
        let lock = |node: &Node| {
            let lock = pdf::dict_at(document, node.id)?.get(b"Lock").and_then(Object::as_reference).ok()?;
            pdf::dict_at(document, lock).and_then(|_| compiler.index(lock))
        };
        let locks: BTreeSet<u32> = nodes.iter().filter_map(lock).collect();
        Ok(Self {
            exists: true,
            locks: locks.into_iter().collect(),
            nodes,
            has_signatures: all.iter().any(fields::Field::is_signature),
            defaults: compiler.piece(|ink| spell::entries(ink, form, |key| matches!(key, b"DA" | b"Q")))?,
            order,
            resources: resources(document, &mut digests, compiler, form)?,
        })
    }

    pub(super) fn weight(&self) -> usize {
        let names: usize = self.nodes.iter().filter_map(|node| node.name.as_ref()).map(String::len).sum();
        names + self.nodes.len() * size_of::<Node>() + self.resources.len() * size_of::<Resource>()
    }

    /// Signature fields that are not signed, their widgets, and the fields above them.
    pub(super) fn staying(&self) -> HashSet<u32> {
        self.nodes.iter().filter(|node| node.stays).map(|node| node.index).collect()
    }

    /// All fields and widgets of the tree.
    pub(super) fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.nodes.iter().map(|node| node.index)
    }
}

fn nodes(
    document: &Document,
    digests: &mut Digests,
    compiler: &mut Compiler,
    form: &Dictionary,
) -> Result<Vec<Node>, pdf::Error> {
    let mut nodes: Vec<Node> = Vec::new();
    let roots = pdf::array_entry(document, form, b"Fields").map(Vec::as_slice).unwrap_or_default();
    let mut open: Vec<(ObjectId, Option<usize>)> = Vec::new();
    let mut seen = HashSet::new();
    let ids = |items: &[Object]| items.iter().rev().filter_map(|item| item.as_reference().ok()).collect::<Vec<_>>();
    open.extend(ids(roots).into_iter().map(|root| (root, None)));
    while let Some((id, above)) = open.pop() {
        let (Some(field), Some(index)) = (pdf::dict_at(document, id), compiler.index(id)) else { continue };
        if !seen.insert(id) {
            continue;
        }
        let kids = ids(pdf::array_entry(document, field, b"Kids").map(Vec::as_slice).unwrap_or_default());
        let has_fields = kids.iter().any(|kid| pdf::dict_at(document, *kid).is_some_and(|kid| kid.has(b"T") || kid.has(b"Kids")));
        let says = if has_fields { Some(said(digests, field)?) } else { None };
        let name = pdf::entry(document, field, b"T").and_then(pdf::text);
        open.extend(kids.into_iter().map(|kid| (kid, Some(nodes.len()))));
        nodes.push(Node { index, id, above, name, says, stays: false });
    }
    Ok(nodes)
}

/// A digest of what a field above others hands down to them.
fn said(digests: &mut Digests, field: &Dictionary) -> Result<[u8; 32], pdf::Error> {
    let mut own: Vec<(&Vec<u8>, &Object)> = field.iter().collect();
    own.retain(|(key, _)| !matches!(key.as_slice(), b"T" | b"Kids" | b"Parent"));
    own.sort_by_key(|(key, _)| *key);
    let own: Dictionary = own.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    digests.of(&own.into())
}

fn resources(
    document: &Document,
    digests: &mut Digests,
    compiler: &mut Compiler,
    form: &Dictionary,
) -> Result<Vec<Resource>, pdf::Error> {
    let mut found = Vec::new();
    let Some(defaults) = pdf::dict_entry(document, form, b"DR") else { return Ok(found) };
    for (kind, of_kind) in defaults.iter() {
        let Object::Dictionary(of_kind) = pdf::resolve(document, of_kind) else { continue };
        for (name, value) in of_kind.iter() {
            let digest = digests.of(value)?;
            let value = compiler.piece(|ink| spell::value(ink, value, 2))?;
            found.push(Resource { kind: kind.clone(), name: name.clone(), value, digest });
        }
    }
    Ok(found)
}

/// Digests of the values of one form and of everything that they lead to, whatever the numbers of its objects are.
struct Digests<'a> {
    document: &'a Document,
    known: HashMap<ObjectId, [u8; 32]>,
    bytes: usize,
}

impl<'a> Digests<'a> {
    fn new(document: &'a Document) -> Self {
        Digests { document, known: HashMap::new(), bytes: 0 }
    }

    fn of(&mut self, value: &Object) -> Result<[u8; 32], pdf::Error> {
        let id = value.as_reference().ok();
        if let Some(known) = id.and_then(|id| self.known.get(&id)) {
            return Ok(*known);
        }
        let digest = self.closure(value)?;
        self.known.extend(id.map(|id| (id, digest)));
        Ok(digest)
    }

    fn closure(&mut self, value: &Object) -> Result<[u8; 32], pdf::Error> {
        let mut ink = Canonical { bytes: Vec::new(), places: HashMap::new(), queue: Vec::new() };
        let mut context = digest::Context::new(&digest::SHA256);
        let mut next = 0;
        spell::value(&mut ink, value, 1)?;
        loop {
            context.update(&ink.bytes);
            self.bytes += ink.bytes.len();
            ink.bytes.clear();
            let Some(object) = ink.queue.get(next).map(|id| self.document.objects.get(id)) else { break };
            next += 1;
            if next > MAX_COMPARED_OBJECTS || self.bytes > MAX_COMPARED_BYTES {
                context.update(&UNLIKE.fetch_add(1, Ordering::Relaxed).to_be_bytes());
                break;
            }
            let Some(object) = object else { continue };
            spell::object(&mut ink, object)?;
            if let Object::Stream(stream) = object {
                context.update(&stream.content);
                self.bytes += stream.content.len();
            }
        }
        // SHA-256 has 32 bytes.
        Ok(context.finish().as_ref().try_into().unwrap_or_default())
    }
}

/// Makes what was not compared whole unlike all else, in this form and in those that it is put together with.
static UNLIKE: AtomicU64 = AtomicU64::new(0);

/// Spells references by the order in which they are met.
struct Canonical {
    bytes: Vec<u8>,
    places: HashMap<ObjectId, usize>,
    queue: Vec<ObjectId>,
}

impl Ink for Canonical {
    fn out(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
    fn reference(&mut self, id: ObjectId) {
        let next = self.queue.len();
        let place = *self.places.entry(id).or_insert(next);
        if place == next {
            self.queue.push(id);
        }
        self.bytes.extend_from_slice(format!("{place} R").as_bytes());
    }
    fn structure_key(&mut self, key: u32) {
        spell::number(&mut self.bytes, u64::from(key));
    }
}

/// The full name of each field, `None` for widgets and what does not stay.
pub(super) fn full_names(nodes: &[Node], flatten: bool) -> Vec<Option<String>> {
    let mut names: Vec<String> = Vec::with_capacity(nodes.len());
    let mut found = Vec::with_capacity(nodes.len());
    for node in nodes {
        let above = node.above.map(|above| names[above].as_str()).unwrap_or_default();
        let name = match &node.name {
            Some(name) if above.is_empty() => name.clone(),
            Some(name) => format!("{above}.{name}"),
            None => above.to_owned(),
        };
        found.push((node.name.is_some() && (!flatten || node.stays)).then(|| name.clone()));
        names.push(name);
    }
    found
}
