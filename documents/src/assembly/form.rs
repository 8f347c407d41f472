//! One form from all parts: their trees of fields side by side, under names that are unique, with one set of default resources.
//!
//! Fields above others that have the same name in two parts and say the same become one. Any other field whose full name an earlier
//! part has gets the first free of `NAME_2`, `NAME_3`, ... as its partial name. A font of the default resources
//! whose name an earlier part uses for another font is renamed likewise, and so are the default appearances (`DA`) that name it.
//! What signature fields lock (`Lock`) is named as it is called in the result.

use std::collections::{BTreeMap, HashMap, HashSet};

use lopdf::{Object, ObjectId};

use super::code::Piece;
use super::link::{Global, Linker};
use super::locks::{self, Called};
use super::spell;
use super::tree::{Node, full_names};
use super::{Error, Part, Renamed};
use crate::pdf;
use crate::reader::lexer::is_regular;

/// Default resources of one kind, by their names: the part that has it, what it is, and the digest of that.
type Resources = BTreeMap<Vec<u8>, (usize, Piece, [u8; 32])>;

/// How a field of a part is written other than it is.
#[derive(Default)]
struct Amendment {
    part: usize,
    id: ObjectId,
    name: Option<String>,
    /// The kids that it has in the result, where they are others.
    kids: Option<Vec<Global>>,
    changes_fonts: bool,
}

/// Fonts of a part's default resources that are called otherwise in the result.
type Fonts = Vec<(Vec<u8>, Vec<u8>)>;

/// Makes the form of the result, if there is one, and answers the fields that were renamed.
///
/// # Errors
/// Where an object that was changed is nested too deeply.
pub(super) fn put(linker: &mut Linker<'_>, flatten: bool) -> Result<(Option<Global>, Renamed), Error> {
    let mut amendments: BTreeMap<Global, Amendment> = BTreeMap::new();
    let Trees { roots, renamed, called, joined } = join(linker, flatten, &mut amendments);
    let forms = linker.parts.iter().map(|part| &part.compiled.whole.form);
    let exists = forms.clone().any(|form| form.exists);
    if roots.is_empty() && (flatten || !exists) {
        return Ok((None, renamed));
    }
    locks::follow(linker, flatten, &called, &joined)?;
    let forms = linker.parts.iter().map(|part| &part.compiled.whole.form);
    let has_signatures = forms.clone().any(|form| form.has_signatures);
    let mut bytes = b"<</Fields[".to_vec();
    for root in roots {
        linker.refer(&mut bytes, root);
        bytes.push(b' ');
    }
    bytes.push(b']');
    if !flatten {
        let first = forms.clone().position(|form| form.exists).unwrap_or_default();
        linker.copy(first, linker.parts[first].compiled.whole.form.defaults, &mut bytes);
        put_order(linker, &mut bytes);
        let fonts = put_resources(linker, &mut bytes);
        change_fonts(linker, &fonts, &mut amendments);
        for (global, amendment) in amendments {
            amend(linker, global, &amendment, &fonts[amendment.part])?;
        }
    } else {
        for (global, amendment) in amendments {
            amend(linker, global, &amendment, &Fonts::new())?;
        }
    }
    // ISO 32000-2 table 225: there are signature fields, and none is signed.
    if has_signatures {
        bytes.extend_from_slice(b"/SigFlags 1");
    }
    bytes.extend_from_slice(b">>");
    Ok((Some(linker.make(bytes)), renamed))
}

/// A field of the result that others may become one with.
struct Joined {
    global: Global,
    part: usize,
    says: Option<[u8; 32]>,
}

/// The trees of all parts side by side.
struct Trees {
    roots: Vec<Global>,
    renamed: Renamed,
    called: Vec<Called>,
    /// Fields that have fields of several parts below them.
    joined: HashSet<Global>,
}

/// Puts the trees of all parts side by side.
fn join(linker: &mut Linker<'_>, flatten: bool, amendments: &mut BTreeMap<Global, Amendment>) -> Trees {
    let (mut roots, mut renamed, mut called) = (Vec::new(), Vec::new(), Vec::new());
    // The kids of fields that are written with other kids than they have.
    let mut kids: BTreeMap<Global, (usize, ObjectId, Vec<Global>)> = BTreeMap::new();
    let mut joined: HashMap<String, Joined> = HashMap::new();
    let several = linker.parts.len() > 1;
    let mut names: HashSet<String> = HashSet::new();
    for part in linker.parts.iter().filter(|_| several) {
        let form = &part.compiled.whole.form;
        names.extend(full_names(&form.nodes, flatten).into_iter().flatten());
    }
    for part in 0..linker.parts.len() {
        let nodes = &linker.parts[part].compiled.whole.form.nodes;
        let originals = full_names(nodes, flatten);
        // What each field is called now, and which object it is.
        let mut current: Vec<String> = Vec::with_capacity(nodes.len());
        let mut globals: Vec<Global> = Vec::with_capacity(nodes.len());
        let mut own: Vec<(String, Joined)> = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let mut global = linker.global(part, node.index);
            let above = node.above.map(|above| (current[above].as_str(), globals[above]));
            let mut name = match (&node.name, above) {
                (Some(name), Some((above, _))) if !above.is_empty() => format!("{above}.{name}"),
                (Some(name), _) => name.clone(),
                (None, above) => above.map(|(above, _)| above.to_owned()).unwrap_or_default(),
            };
            let mut is_new = true;
            if !flatten || node.stays {
                if let (true, Some(partial)) = (several, &node.name) {
                    match joined.get(&name) {
                        Some(other) if other.says.is_some() && other.says == node.says => {
                            let into = other.global;
                            if let std::collections::btree_map::Entry::Vacant(entry) = kids.entry(into) {
                                let of = kids_of(linker, other, flatten);
                                entry.insert(of);
                            }
                            linker.redirect(global, into);
                            (global, is_new) = (into, false);
                        }
                        Some(_) => {
                            let new = free_name(&name, partial, &mut names);
                            name = new.0;
                            amendments
                                .entry(global)
                                .or_insert_with(|| Amendment { part, id: node.id, ..Amendment::default() })
                                .name = Some(new.1);
                        }
                        None => {}
                    }
                    own.push((name.clone(), Joined { global, part, says: node.says }));
                }
                if is_new {
                    match above {
                        None => roots.push(global),
                        Some((_, above)) if kids.contains_key(&above) && globals_differ(linker, part, nodes, node, above) => {
                            if let Some((_, _, kids)) = kids.get_mut(&above) {
                                kids.push(global);
                            }
                        }
                        Some(_) => {}
                    }
                }
                if let (true, Some(original)) = (node.says.is_none() && node.name.is_some(), &originals[at])
                    && *original != name
                {
                    renamed.push((original.clone(), name.clone()));
                }
            }
            current.push(name);
            globals.push(global);
        }
        let has_locks = several && !linker.parts[part].compiled.whole.form.locks.is_empty();
        called.push(if has_locks { Called { names: current, globals } } else { Called::default() });
        // Two fields of one part that have one name keep it: only other parts give way.
        for (name, field) in own {
            joined.entry(name).or_insert(field);
        }
    }
    let joined = kids.keys().copied().collect();
    if flatten {
        for part in 0..linker.parts.len() {
            let nodes = &linker.parts[part].compiled.whole.form.nodes;
            let losing =
                nodes.iter().filter(|node| !node.stays).filter_map(|node| node.above).filter(|above| nodes[*above].stays);
            for (at, node) in losing.map(|at| (at, &nodes[at])) {
                let global = linker.global(part, node.index);
                kids.entry(global).or_insert_with(|| (part, node.id, staying_kids(linker, part, at, true)));
            }
        }
    }
    for (global, (part, id, list)) in kids {
        amendments.entry(global).or_insert_with(|| Amendment { part, id, ..Amendment::default() }).kids = Some(list);
    }
    Trees { roots, renamed, called, joined }
}

/// Whether the field above a node is not the node's own one but that of an earlier part.
fn globals_differ(linker: &Linker<'_>, part: usize, nodes: &[Node], node: &Node, above: Global) -> bool {
    node.above.is_some_and(|own| linker.global(part, nodes[own].index) != above)
}

/// The kids that a field has in the result so far.
fn kids_of(linker: &Linker<'_>, field: &Joined, flatten: bool) -> (usize, ObjectId, Vec<Global>) {
    let nodes = &linker.parts[field.part].compiled.whole.form.nodes;
    let own = nodes.iter().position(|node| linker.global(field.part, node.index) == field.global).unwrap_or_default();
    (field.part, nodes[own].id, staying_kids(linker, field.part, own, flatten))
}

fn staying_kids(linker: &Linker<'_>, part: usize, field: usize, flatten: bool) -> Vec<Global> {
    let nodes = &linker.parts[part].compiled.whole.form.nodes;
    let kids = nodes.iter().filter(|node| node.above == Some(field) && (!flatten || node.stays));
    kids.map(|node| linker.global(part, node.index)).collect()
}

/// The full and the partial name with the lowest number behind it that no part uses; it is used then.
fn free_name(full: &str, partial: &str, names: &mut HashSet<String>) -> (String, String) {
    // One of these is free, because there are more of them than names.
    let numbers = 2..=names.len() + 2;
    let free =
        numbers.map(|number| (format!("{full}_{number}"), format!("{partial}_{number}"))).find(|(full, _)| !names.contains(full));
    let free = free.unwrap_or_default();
    names.insert(free.0.clone());
    free
}

fn put_order(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) {
    let mut order = Vec::new();
    for part in 0..linker.parts.len() {
        linker.copy(part, linker.parts[part].compiled.whole.form.order, &mut order);
    }
    if !order.is_empty() {
        bytes.extend_from_slice(b"/CO[");
        bytes.extend_from_slice(&order);
        bytes.push(b']');
    }
}

/// Writes the default resources of all parts. Answers the fonts of each part that are called otherwise now.
fn put_resources(linker: &mut Linker<'_>, bytes: &mut Vec<u8>) -> Vec<Fonts> {
    let mut fonts = vec![Fonts::new(); linker.parts.len()];
    let mut kinds: BTreeMap<&[u8], Resources> = BTreeMap::new();
    let mut taken: HashSet<&[u8]> = HashSet::new();
    for part in linker.parts {
        let of_part = part.compiled.whole.form.resources.iter();
        taken.extend(of_part.filter(|resource| resource.kind == b"Font").map(|resource| resource.name.as_slice()));
    }
    for (part, fonts) in fonts.iter_mut().enumerate() {
        for resource in &linker.parts[part].compiled.whole.form.resources {
            let of_kind = kinds.entry(&resource.kind).or_default();
            let mut name = resource.name.clone();
            let existing = of_kind.get(&name).map(|(_, _, digest)| *digest);
            if existing.is_some_and(|digest| digest != resource.digest) && resource.kind == b"Font" {
                // Under the name that an earlier part gave it, or a free one.
                let candidates = (2..).map(|number| [&name, format!("_{number}").as_bytes()].concat());
                let fits = |name: &Vec<u8>| match of_kind.get(name) {
                    Some((_, _, digest)) => *digest == resource.digest,
                    None => !taken.contains(name.as_slice()),
                };
                name = candidates.take(taken.len() + of_kind.len() + 2).find(fits).unwrap_or_default();
                fonts.push((resource.name.clone(), name.clone()));
            }
            of_kind.entry(name).or_insert((part, resource.value, resource.digest));
        }
    }
    if kinds.is_empty() {
        return fonts;
    }
    bytes.extend_from_slice(b"/DR<<");
    for (kind, entries) in kinds {
        spell::name(bytes, kind);
        bytes.extend_from_slice(b"<<");
        for (name, (part, value, _)) in entries {
            spell::name(bytes, &name);
            bytes.push(b' ');
            linker.copy(part, value, bytes);
        }
        bytes.extend_from_slice(b">>");
    }
    bytes.extend_from_slice(b">>");
    fonts
}

/// Finds the fields and widgets whose default appearance names a font that is called otherwise now.
fn change_fonts(linker: &Linker<'_>, fonts: &[Fonts], amendments: &mut BTreeMap<Global, Amendment>) {
    for (part, _) in fonts.iter().enumerate().filter(|(_, fonts)| !fonts.is_empty()) {
        for node in &linker.parts[part].compiled.whole.form.nodes {
            let object = linker.object(part, node.id).and_then(|object| object.as_dict().ok());
            if object.is_some_and(|object| object.has(b"DA")) {
                let global = linker.global(part, node.index);
                let amendment =
                    amendments.entry(global).or_insert_with(|| Amendment { part, id: node.id, ..Amendment::default() });
                amendment.changes_fonts = true;
            }
        }
    }
}

/// Writes a field with another name, other kids or other fonts.
fn amend(linker: &mut Linker<'_>, global: Global, amendment: &Amendment, fonts: &Fonts) -> Result<(), Error> {
    let Part { document, .. } = linker.parts[amendment.part];
    let Some(field) = linker.object(amendment.part, amendment.id).and_then(|object| object.as_dict().ok()) else { return Ok(()) };
    let appearance = field.get(b"DA").ok().map(|appearance| pdf::resolve(document, appearance));
    let appearance = match appearance {
        Some(Object::String(text, _)) if amendment.changes_fonts => Some(with_fonts(text, fonts)),
        _ => None,
    };
    let is_other = |key: &[u8]| match key {
        b"T" => amendment.name.is_some(),
        b"Kids" => amendment.kids.is_some(),
        b"DA" => appearance.is_some(),
        _ => false,
    };
    let mut bytes = linker.spell(amendment.part, field, |key| !is_other(key))?;
    if let Some(Object::String(name, _)) = amendment.name.as_deref().map(lopdf::text_string) {
        bytes.extend_from_slice(b"/T ");
        spell::literal(&mut bytes, &name);
    }
    if let Some(appearance) = &appearance {
        bytes.extend_from_slice(b"/DA ");
        spell::literal(&mut bytes, appearance);
    }
    if let Some(kids) = &amendment.kids {
        bytes.extend_from_slice(b"/Kids[");
        for kid in kids {
            linker.refer(&mut bytes, *kid);
            bytes.push(b' ');
        }
        bytes.push(b']');
    }
    bytes.extend_from_slice(b">>");
    linker.replace(global, bytes);
    Ok(())
}

/// A default appearance with other names of fonts.
fn with_fonts(appearance: &[u8], fonts: &Fonts) -> Vec<u8> {
    let mut changed = Vec::with_capacity(appearance.len() + 8);
    let mut at = 0;
    while at < appearance.len() {
        if appearance[at] != b'/' {
            changed.push(appearance[at]);
            at += 1;
            continue;
        }
        let length = appearance[at + 1..].iter().take_while(|byte| is_regular(**byte)).count();
        let raw = &appearance[at..at + 1 + length];
        let is_meant = |name: &[u8]| {
            let mut spelled = Vec::new();
            spell::name(&mut spelled, name);
            spelled == raw || &raw[1..] == name
        };
        match fonts.iter().find(|(name, _)| is_meant(name)) {
            Some((_, new)) => spell::name(&mut changed, new),
            None => changed.extend_from_slice(raw),
        }
        at += 1 + length;
    }
    changed
}
