//! What signature fields lock once they are signed (`Lock`, ISO 32000-2 table 236) names other fields by their full names, and goes on
//! meaning the fields of its own part.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::link::{Global, Linker};
use super::tree::{Node, full_names};
use super::{Error, Part};
use crate::{pdf, permissions};

/// Names that all locks may have in the result beyond those that they have in their parts: one name of a part can stand for several fields.
const MAX_FURTHER_NAMES: usize = 200_000;

/// What the fields of a part are called in the result, and which objects they are.
#[derive(Default)]
pub(super) struct Called {
    pub(super) names: Vec<String>,
    pub(super) globals: Vec<Global>,
}

/// Writes the locks of all parts with the names that their fields have in the result. `joined` are fields that have fields of several
/// parts below them: for one of them, a lock names those of its part.
///
/// # Errors
/// Where an object that was changed is nested too deeply.
pub(super) fn follow(linker: &mut Linker<'_>, flatten: bool, called: &[Called], joined: &HashSet<Global>) -> Result<(), Error> {
    let mut left = MAX_FURTHER_NAMES;
    for (part, called) in called.iter().enumerate().filter(|(_, called)| !called.names.is_empty()) {
        let form = &linker.parts[part].compiled.whole.form;
        let mut fields = Fields { nodes: &form.nodes, called, joined, by_name: HashMap::new(), left };
        let originals = full_names(&form.nodes, flatten);
        for (at, name) in originals.iter().enumerate() {
            if let Some(name) = name {
                fields.by_name.entry(name).or_default().push(at);
            }
        }
        for index in &form.locks {
            let Part { document, compiled, .. } = linker.parts[part];
            let lock = compiled.id(*index).and_then(|id| linker.object(part, id));
            let Some(lock) = lock.and_then(|lock| lock.as_dict().ok()) else { continue };
            let Some(listed) = pdf::array_entry(document, lock, b"Fields") else { continue };
            // More names, or one that is no text, make it a lock on all fields.
            let names: Option<BTreeSet<String>> = listed.iter().map(|name| pdf::text(pdf::resolve(document, name))).collect();
            let Some(names) = names.filter(|_| listed.len() <= permissions::MAX_NAMES) else { continue };
            let current: BTreeSet<&str> = names.iter().flat_map(|name| fields.current(name)).collect();
            let mut followed = lock.clone();
            followed.set("Fields", current.into_iter().map(lopdf::text_string).collect::<Vec<_>>());
            let mut bytes = linker.spell(part, &followed, |_| true)?;
            bytes.extend_from_slice(b">>");
            linker.replace(linker.global(part, *index), bytes);
        }
        left = fields.left;
    }
    Ok(())
}

/// The fields of one part.
struct Fields<'a> {
    nodes: &'a [Node],
    called: &'a Called,
    joined: &'a HashSet<Global>,
    /// Their places by the names that they have in the part.
    by_name: HashMap<&'a str, Vec<usize>>,
    /// Further names that locks may have.
    left: usize,
}

impl<'a> Fields<'a> {
    /// What a name of the part means in the result; nothing for a field that does not exist, so that it means no other part's.
    fn current(&mut self, name: &str) -> Vec<&'a str> {
        let (nodes, called) = (self.nodes, self.called);
        let mut found = Vec::new();
        for at in self.by_name.get(name).into_iter().flatten() {
            let own = called.names[*at].as_str();
            let is_shared = nodes[*at].says.is_some() && self.joined.contains(&called.globals[*at]);
            // All that is below a field stands right behind it.
            let is_below = |node: &&Node| node.above.is_some_and(|above| above >= *at);
            let below = if is_shared { nodes[at + 1..].iter().take_while(is_below).take(self.left + 1).count() } else { 0 };
            let further = if is_shared { below } else { found.len().min(1) };
            let Some(left) = self.left.checked_sub(further) else {
                self.left = 0;
                found.push(own);
                break;
            };
            self.left = left;
            if is_shared {
                let fields = (at + 1..=at + below).filter(|at| nodes[*at].name.is_some() && nodes[*at].says.is_none());
                found.extend(fields.map(|at| called.names[at].as_str()));
            } else {
                found.push(own);
            }
        }
        found
    }
}
