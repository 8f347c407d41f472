//! Flattening: what the widgets of a form show becomes part of their pages, and the form is gone, but for signature fields that are
//! not signed yet.
//!
//! Each page keeps its content as it is. Before it, the graphics state is saved; behind it, what it left open is closed,
//! and the widgets' appearances are painted in the order of the annotations, each as a form XObject of the page's resources under a
//! name that nothing else has, placed as ISO 32000-2 12.5.5 says. A widget is painted where viewers show it: not if it is
//! hidden or not for viewing, has no extent, or has no appearance for its state. Other annotations stay.
//!
//! What stays is shown on top of the page's content, so an annotation that a later widget lies upon would hide it now. Such an annotation
//! is painted as well, in its turn, and shows nothing by itself from then on: what it says, links to or does is still there.
//!
//! A widget that belongs to the document's structure or to optional content is painted by a form XObject around its appearance: this is
//! what the structure refers to instead of the widget, under the same key.

use std::collections::HashMap;

use super::Part;
use super::code::Piece;
use super::link::{Global, Linker};
use super::plan::{Contents, Look, Page, Painted, Streams};
use super::spell::{fixed, name, number};

/// Paints the widgets of one part and leaves its form out.
pub(super) fn flatten(linker: &mut Linker<'_>, part: usize) {
    let Part { compiled, .. } = linker.parts[part];
    let plan = &compiled.plan;
    for index in &plan.gone {
        linker.leave_out(linker.global(part, *index));
    }
    let mut names: Vec<Vec<u8>> = vec![Vec::new(); plan.resources.len()];
    let mut painted = 0;
    // A widget that two pages list is one object for the structure.
    let mut wrapped: HashMap<u32, Global> = HashMap::new();
    let saves = linker.make_stream(b"", b"q\n");
    let contents: Vec<Vec<Global>> = plan.contents.iter().map(|contents| made_contents(linker, part, contents)).collect();
    let nothing = linker.make_stream(b"/Type/XObject/Subtype/Form/BBox[0 0 1 1]", b"");
    for page in &plan.pages {
        let mut content = Vec::with_capacity(64 * (page.painted.len() + 1));
        content.extend_from_slice(b"\n");
        content.extend_from_slice(&plan.contents[page.contents].closes);
        content.extend_from_slice(b"Q\n");
        for one in &page.painted {
            let look = current_look(linker, part, one, page.rotation);
            let shown = paintable(linker, part, one, &look, &mut wrapped);
            if let Some(head) = one.stays {
                show_nothing(linker, part, (one.index, head), nothing);
            }
            let Some((global, placed)) = shown else { continue };
            let names = &mut names[page.resources];
            let start = names.len();
            name(names, &plan.prefix);
            number(names, painted);
            painted += 1;
            content.extend_from_slice(b"q ");
            for value in placed {
                fixed(&mut content, value);
                content.push(b' ');
            }
            content.extend_from_slice(b"cm ");
            content.extend_from_slice(&names[start..]);
            content.extend_from_slice(b" Do Q\n");
            names.push(b' ');
            linker.refer(names, global);
        }
        let paints = linker.make_stream(b"", &content);
        put_page(linker, part, page, &contents[page.contents], (saves, paints));
    }
    for (resources, names) in plan.resources.iter().zip(names) {
        let mut bytes = Vec::new();
        linker.copy(part, resources.head, &mut bytes);
        bytes.extend_from_slice(&names);
        bytes.extend_from_slice(resources.end);
        linker.replace(linker.global(part, resources.index), bytes);
    }
}

fn made_contents(linker: &mut Linker<'_>, part: usize, contents: &Contents) -> Vec<Global> {
    match &contents.streams {
        Streams::As(streams) => streams.iter().map(|index| linker.global(part, *index)).collect(),
        Streams::Instead(dictionary, data) => vec![linker.make_stream(dictionary, data)],
    }
}

/// Gives an annotation that stays an empty appearance: without any, viewers would draw one themselves.
fn show_nothing(linker: &mut Linker<'_>, part: usize, (index, head): (u32, Piece), nothing: Global) {
    let mut bytes = Vec::new();
    linker.copy(part, head, &mut bytes);
    bytes.extend_from_slice(b"/AP<</N ");
    linker.refer(&mut bytes, nothing);
    bytes.extend_from_slice(b">>>>");
    linker.replace(linker.global(part, index), bytes);
}

fn put_page(linker: &mut Linker<'_>, part: usize, page: &Page, contents: &[Global], (saves, paints): (Global, Global)) {
    let mut bytes = Vec::new();
    linker.copy(part, page.head, &mut bytes);
    bytes.extend_from_slice(b"/Contents[");
    for stream in [&[saves], contents, &[paints]].into_iter().flatten() {
        linker.refer(&mut bytes, *stream);
        bytes.push(b' ');
    }
    bytes.push(b']');
    if !page.annotations.is_empty() {
        bytes.extend_from_slice(b"/Annots[");
        for index in &page.annotations {
            linker.refer(&mut bytes, linker.global(part, *index));
            bytes.push(b' ');
        }
        bytes.push(b']');
    }
    bytes.extend_from_slice(b">>");
    linker.replace(linker.global(part, page.index), bytes);
}

/// As it was compiled, or as the fill changed it.
fn current_look(linker: &Linker<'_>, part: usize, painted: &Painted, rotation: i64) -> Look {
    let changed = linker.changed(part, linker.global(part, painted.index)).and_then(|object| object.as_dict().ok());
    match changed {
        Some(changed) => Look::of(&|id| linker.object(part, id), changed, rotation),
        None => painted.look.clone(),
    }
}

/// The form XObject that paints an annotation, and how it is placed. The structure refers to it from now on, if the annotation goes.
fn paintable(
    linker: &mut Linker<'_>,
    part: usize,
    painted: &Painted,
    look: &Look,
    wrapped: &mut HashMap<u32, Global>,
) -> Option<(Global, [f64; 6])> {
    const AS_IT_IS: [f64; 6] = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    let shows = look.shows.and_then(|(id, placed)| Some((linker.find(part, id)?, placed)));
    let structure_key = look.structure_key.filter(|_| painted.stays.is_none());
    if structure_key.is_none() && look.optional_content.is_none() {
        return shows;
    }
    let is_new = !wrapped.contains_key(&painted.index);
    if is_new {
        let wrapper = wrap(linker, part, &Look { structure_key, ..look.clone() }, shows);
        wrapped.insert(painted.index, wrapper);
        if painted.stays.is_none() {
            linker.redirect(linker.global(part, painted.index), wrapper);
        }
    }
    let wrapper = wrapped.get(&painted.index).copied()?;
    shows.map(|_| (wrapper, AS_IT_IS))
}

fn wrap(linker: &mut Linker<'_>, part: usize, look: &Look, shows: Option<(Global, [f64; 6])>) -> Global {
    let mut dictionary = b"/Type/XObject/Subtype/Form/BBox[".to_vec();
    for corner in look.rect {
        fixed(&mut dictionary, f64::from(corner));
        dictionary.push(b' ');
    }
    dictionary.push(b']');
    if let Some(key) = look.structure_key {
        dictionary.extend_from_slice(b"/StructParent ");
        number(&mut dictionary, u64::from(linker.structure_key(part, key)));
    }
    if let Some(group) = look.optional_content.and_then(|id| linker.find(part, id)) {
        dictionary.extend_from_slice(b"/OC ");
        linker.refer(&mut dictionary, group);
    }
    let mut content = Vec::new();
    dictionary.extend_from_slice(b"/Resources<<");
    if let Some((global, placed)) = shows {
        dictionary.extend_from_slice(b"/XObject<</A ");
        linker.refer(&mut dictionary, global);
        dictionary.extend_from_slice(b">>");
        for value in placed {
            fixed(&mut content, value);
            content.push(b' ');
        }
        content.extend_from_slice(b"cm /A Do");
    }
    dictionary.extend_from_slice(b">>");
    linker.make_stream(&dictionary, &content)
}
