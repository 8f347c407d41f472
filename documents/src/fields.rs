//! The form fields of a PDF (ISO 32000-1 12.7): one walk over the field tree, with inheritance, fully qualified names and
//! bounds, on which reading, sealing and verification stand.

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use crate::pdf::{self, Error, damaged};

/// Fields and widgets that are read before a form counts as hostile.
pub const MAX_FIELDS: usize = 20_000;
/// Depth of the field tree.
pub const MAX_DEPTH: usize = 32;
/// Length of a fully qualified name, in bytes.
pub const MAX_NAME_BYTES: usize = 2 * 1024;

/// A terminal field: one that holds a value and has no fields below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Field<'a> {
    /// Fully qualified: the partial names from the root of the tree, joined by periods.
    pub name: String,
    pub id: ObjectId,
    /// `FT`, own or inherited: `Sig`, `Tx`, `Btn`, `Ch`.
    pub kind: Option<&'a [u8]>,
    /// `V`, own or inherited, as it stands there (mostly a reference for signatures).
    pub value: Option<&'a Object>,
    /// What is said about how the value is shown, own or inherited.
    pub style: Style<'a>,
    /// The field's widgets: itself where both are one dictionary (the usual case), else its kids.
    pub widgets: Vec<ObjectId>,
}

impl Field<'_> {
    pub fn is_signature(&self) -> bool {
        self.kind == Some(b"Sig")
    }

    /// A signature field that already has a value.
    pub fn is_signed(&self, document: &Document) -> bool {
        let value = self.value.map(|value| pdf::resolve(document, value));
        self.is_signature() && value.is_some_and(|value| value.as_dict().is_ok())
    }
}

/// How a field wants its value shown (ISO 32000-2 12.7.4.3 and 12.7.5), own or inherited. Nothing is checked yet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Style<'a> {
    /// `Ff`; 0 where it is missing.
    pub flags: i64,
    /// `DA`, also that of the form.
    pub appearance: Option<&'a Object>,
    /// `Q`, also that of the form.
    pub alignment: Option<i64>,
    /// `MaxLen` of a text field, in characters.
    pub max_length: Option<i64>,
    /// `Opt`: the choices of a choice field, the export values of buttons.
    pub options: Option<&'a Object>,
}

impl<'a> Style<'a> {
    /// The same with what a field or a widget says itself.
    pub(crate) fn with(self, document: &'a Document, dictionary: &'a Dictionary) -> Self {
        let integer = |key: &[u8]| pdf::entry(document, dictionary, key).and_then(|value| value.as_i64().ok());
        Self {
            flags: integer(b"Ff").unwrap_or(self.flags),
            appearance: pdf::entry(document, dictionary, b"DA").or(self.appearance),
            alignment: integer(b"Q").or(self.alignment),
            max_length: integer(b"MaxLen").or(self.max_length),
            options: pdf::entry(document, dictionary, b"Opt").or(self.options),
        }
    }

    /// What the form says for all fields: `DA` and `Q` alone.
    fn of_form(document: &'a Document, form: &'a Dictionary) -> Self {
        let Self { appearance, alignment, .. } = Self::default().with(document, form);
        Self { appearance, alignment, ..Self::default() }
    }
}

/// What a kid takes from the fields above it.
#[derive(Clone, Default)]
struct Inherited<'a> {
    name: String,
    kind: Option<&'a [u8]>,
    value: Option<&'a Object>,
    style: Style<'a>,
}

/// All terminal fields, in the order of the tree. A file without a form has none.
///
/// # Errors
/// `Damaged` for cycles, for more than [`MAX_FIELDS`], and for a tree deeper than [`MAX_DEPTH`].
pub fn all(document: &Document) -> Result<Vec<Field<'_>>, Error> {
    let (_, catalog) = pdf::catalog(document)?;
    let Some(form) = pdf::dict_entry(document, catalog, b"AcroForm") else { return Ok(Vec::new()) };
    let Some(roots) = pdf::array_entry(document, form, b"Fields") else { return Ok(Vec::new()) };
    let mut fields = Vec::new();
    let mut seen = HashSet::new();
    // Depth first, with a stack of our own: the depth of hostile trees must not be that of our calls.
    let mut stack = Vec::new();
    let of_form = Inherited { style: Style::of_form(document, form), ..Inherited::default() };
    push(&mut stack, roots, &of_form, 0)?;
    while let Some((id, inherited, depth)) = stack.pop() {
        if !seen.insert(id) {
            return Err(damaged("its form has a field twice or in a cycle"));
        }
        if seen.len() > MAX_FIELDS {
            return Err(damaged(format!("its form has more than {MAX_FIELDS} fields")));
        }
        let Some(dictionary) = pdf::dict_at(document, id) else { continue };
        let own = inherit(document, dictionary, &inherited)?;
        let kids = pdf::array_entry(document, dictionary, b"Kids").map(Vec::as_slice).unwrap_or_default();
        let (below, widgets) = split_kids(document, kids, depth)?;
        if below.is_empty() {
            seen.extend(widgets.iter().copied());
            let widgets = if kids.is_empty() { vec![id] } else { widgets };
            fields.push(own.into_field(id, widgets));
        } else {
            push(&mut stack, &below, &own, depth + 1)?;
        }
    }
    Ok(fields)
}

/// The field of a widget that stands on a page but not in the tree: read from the widget upwards by `Parent`, as viewers do.
///
/// # Errors
/// `Damaged` for cycles and for more than [`MAX_DEPTH`] levels.
pub(crate) fn of_widget(document: &Document, widget: ObjectId) -> Result<Option<Field<'_>>, Error> {
    let (_, catalog) = pdf::catalog(document)?;
    let Some(form) = pdf::dict_entry(document, catalog, b"AcroForm") else { return Ok(None) };
    let mut chain = Vec::new();
    let mut next = Some(widget);
    while let Some(dictionary) = next.and_then(|id| pdf::dict_at(document, id)) {
        if chain.len() > MAX_DEPTH {
            return Err(damaged(format!("its form is deeper than {MAX_DEPTH} levels or has a cycle")));
        }
        chain.push(dictionary);
        next = dictionary.get(b"Parent").and_then(Object::as_reference).ok();
    }
    let mut own = Inherited { style: Style::of_form(document, form), ..Inherited::default() };
    for dictionary in chain.into_iter().rev() {
        own = inherit(document, dictionary, &own)?;
    }
    Ok(Some(own.into_field(widget, vec![widget])))
}

impl<'a> Inherited<'a> {
    fn into_field(self, id: ObjectId, widgets: Vec<ObjectId>) -> Field<'a> {
        Field { name: self.name, id, kind: self.kind, value: self.value, style: self.style, widgets }
    }
}

fn push<'a>(
    stack: &mut Vec<(ObjectId, Inherited<'a>, usize)>,
    kids: &[Object],
    inherited: &Inherited<'a>,
    depth: usize,
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(damaged(format!("its form is deeper than {MAX_DEPTH} levels")));
    }
    if stack.len() + kids.len() > MAX_FIELDS {
        return Err(damaged(format!("its form has more than {MAX_FIELDS} fields")));
    }
    let ids = kids.iter().rev().filter_map(|kid| kid.as_reference().ok());
    stack.extend(ids.map(|id| (id, inherited.clone(), depth)));
    Ok(())
}

fn inherit<'a>(document: &'a Document, dictionary: &'a Dictionary, above: &Inherited<'a>) -> Result<Inherited<'a>, Error> {
    let partial = pdf::entry(document, dictionary, b"T").and_then(pdf::text);
    let name = match partial {
        None => above.name.clone(),
        Some(partial) if above.name.is_empty() => partial,
        Some(partial) => format!("{}.{partial}", above.name),
    };
    if name.len() > MAX_NAME_BYTES {
        return Err(damaged(format!("a field name is longer than {MAX_NAME_BYTES} bytes")));
    }
    let kind = pdf::entry(document, dictionary, b"FT").and_then(|kind| kind.as_name().ok());
    Ok(Inherited {
        name,
        kind: kind.or(above.kind),
        value: dictionary.get(b"V").ok().or(above.value),
        style: above.style.with(document, dictionary),
    })
}

/// Kids with a partial name are fields, the others are this field's widgets (ISO 32000-1 12.7.3.2). Some programs put widgets below kids
/// that have neither a name nor a look: those are widgets of this field as well.
fn split_kids(document: &Document, kids: &[Object], depth: usize) -> Result<(Vec<Object>, Vec<ObjectId>), Error> {
    let (mut fields, mut widgets) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for kid in kids {
        let Ok(id) = kid.as_reference() else { continue };
        let Some(dictionary) = pdf::dict_at(document, id) else { continue };
        if dictionary.has(b"T") {
            fields.push(kid.clone());
        } else if !dictionary.has(b"Kids") {
            widgets.push(id);
        } else {
            match widgets_below(document, id, depth + 1, &mut seen)? {
                Some(below) => widgets.extend(below),
                None => fields.push(kid.clone()),
            }
        }
        if widgets.len() > MAX_FIELDS {
            return Err(damaged(format!("its form has more than {MAX_FIELDS} fields")));
        }
    }
    Ok((fields, widgets))
}

/// The widgets below a kid without a name, in their order. `None`: one of those below it has a name, and so is a field.
fn widgets_below(
    document: &Document,
    kid: ObjectId,
    depth: usize,
    seen: &mut HashSet<ObjectId>,
) -> Result<Option<Vec<ObjectId>>, Error> {
    let mut widgets = Vec::new();
    let mut open = vec![(kid, depth)];
    while let Some((id, depth)) = open.pop() {
        if !seen.insert(id) {
            return Err(damaged("its form has a field twice or in a cycle"));
        }
        if depth > MAX_DEPTH {
            return Err(damaged(format!("its form is deeper than {MAX_DEPTH} levels")));
        }
        let Some(dictionary) = pdf::dict_at(document, id) else { continue };
        if dictionary.has(b"T") {
            return Ok(None);
        }
        match pdf::array_entry(document, dictionary, b"Kids").filter(|kids| !kids.is_empty()) {
            Some(kids) if seen.len() + open.len() + kids.len() <= MAX_FIELDS => {
                open.extend(kids.iter().rev().filter_map(|kid| Some((kid.as_reference().ok()?, depth + 1))));
            }
            Some(_) => return Err(damaged(format!("its form has more than {MAX_FIELDS} fields"))),
            None => widgets.push(id),
        }
    }
    Ok(Some(widgets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn names(pdf: &[u8]) -> Vec<(String, bool)> {
        let document = crate::reader::load(pdf).unwrap();
        all(&document).unwrap().into_iter().map(|field| (field.name.clone(), field.is_signature())).collect()
    }

    #[test]
    fn names_are_fully_qualified_and_types_inherited() {
        let found = names(&fixtures::inherited_type());
        assert_eq!(found, [("signers.first".to_owned(), true), ("signers.second".to_owned(), true)]);
    }

    #[test]
    fn how_values_are_shown_is_inherited_and_the_nearest_counts() {
        let mut document = crate::reader::load(&fixtures::inherited_type()).unwrap();
        let before: Vec<(ObjectId, String)> = all(&document).unwrap().into_iter().map(|f| (f.id, f.name)).collect();
        let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
        let parent = document.get_dictionary(before[0].0).unwrap().get(b"Parent").unwrap().as_reference().unwrap();
        document.get_dictionary_mut(form).unwrap().set("DA", Object::string_literal("/A 1 Tf"));
        document.get_dictionary_mut(form).unwrap().set("Q", 2);
        document.get_dictionary_mut(form).unwrap().set("Ff", 8);
        document.get_dictionary_mut(parent).unwrap().set("MaxLen", 7);
        document.get_dictionary_mut(before[1].0).unwrap().set("DA", Object::string_literal("/B 1 Tf"));
        let fields = all(&document).unwrap();
        let shown: Vec<_> = fields.iter().map(|field| field.style.appearance.and_then(|da| da.as_str().ok())).collect();
        assert_eq!(shown, [Some(&b"/A 1 Tf"[..]), Some(&b"/B 1 Tf"[..])]);
        for field in &fields {
            assert_eq!((field.style.alignment, field.style.max_length, field.style.flags), (Some(2), Some(7), 0));
            assert_eq!(of_widget(&document, field.id).unwrap().as_ref(), Some(field));
        }
    }

    #[test]
    fn a_widget_whose_parents_form_a_cycle_is_damage() {
        let mut document = crate::reader::load(&fixtures::contract(&["A"])).unwrap();
        let id = all(&document).unwrap()[0].id;
        document.get_dictionary_mut(id).unwrap().set("Parent", id);
        assert!(matches!(of_widget(&document, id), Err(Error::Damaged(_))));
    }

    #[test]
    fn widgets_below_kids_without_a_name_are_the_field_s() {
        let mut document = crate::reader::load(&fixtures::contract(&["A"])).unwrap();
        let field = all(&document).unwrap()[0].id;
        let mut add = |kids: Vec<ObjectId>| {
            let mut kid = lopdf::Dictionary::new();
            if !kids.is_empty() {
                kid.set("Kids", kids.into_iter().map(Object::from).collect::<Vec<_>>());
            }
            document.add_object(kid)
        };
        let (first, second, third, last) = (add(vec![]), add(vec![]), add(vec![]), add(vec![]));
        let inner = add(vec![third]);
        let unnamed = add(vec![second, inner]);
        let kids: Vec<Object> = [first, unnamed, last].map(Object::from).to_vec();
        document.get_dictionary_mut(field).unwrap().set("Kids", kids);
        let fields = all(&document).unwrap();
        assert_eq!((fields.len(), fields[0].id), (1, field));
        assert_eq!(fields[0].widgets, [first, second, third, last]);
        // With a name it is a field again.
        document.get_dictionary_mut(third).unwrap().set("T", Object::string_literal("B"));
        let names: Vec<String> = all(&document).unwrap().into_iter().map(|field| field.name).collect();
        assert_eq!(names, ["A.B"]);
        document.get_dictionary_mut(third).unwrap().remove(b"T");
        document.get_dictionary_mut(third).unwrap().set("Kids", vec![unnamed.into()]);
        assert!(matches!(all(&document), Err(Error::Damaged(_))));
    }

    #[test]
    fn a_file_without_a_form_has_no_fields() {
        assert_eq!(names(&fixtures::contract(&[])), []);
    }

    #[test]
    fn a_cycle_in_the_field_tree_is_damage() {
        let document = crate::reader::load(&fixtures::field_cycle()).unwrap();
        assert!(matches!(all(&document), Err(Error::Damaged(_))));
    }

    #[test]
    fn a_deep_field_tree_is_damage() {
        let document = crate::reader::load(&fixtures::deep_fields(MAX_DEPTH + 2)).unwrap();
        assert!(matches!(all(&document), Err(Error::Damaged(_))));
        let document = crate::reader::load(&fixtures::deep_fields(MAX_DEPTH - 2)).unwrap();
        assert_eq!(all(&document).unwrap().len(), 1);
    }
}
