//! What filling a form needs of each of its fields, made when the form is read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::field::{FieldKind, FieldOption, FormField, MAX_OPTION_BYTES, MAX_STATES, Place, ReadError};
use super::prepared::{Button, Choices, Kind, Prepared, Shown, Text, bytes};
use super::value::{self, Choice};
use super::{Frame, Pen, Reason, button, flag, rectangle};
use crate::fields::{self, Field};
use crate::pdf;

/// Appearances that fills rely on: those of all states of check boxes and radio buttons, and those of values that the form leaves to viewers
/// to draw (`NeedAppearances`). A value that cannot be drawn keeps the look that it has.
///
/// # Errors
/// `Damaged` for hostile field and page trees; too many states.
pub(super) fn missing_looks(document: &Document) -> Result<Vec<(ObjectId, Object)>, ReadError> {
    let fields = fields::all(document)?;
    let buttons = fields.iter().filter(|field| field.kind == Some(b"Btn"));
    let mut left = MAX_STATES;
    for widget in buttons.flat_map(|field| &field.widgets).filter_map(|id| pdf::dict_at(document, *id)) {
        let states = button::names(document, widget).len();
        left = left.checked_sub(states).ok_or(ReadError::TooManyStates)?;
    }
    let leaves_drawing = super::needs_appearances(document);
    let mut numbers = numbers(document);
    let mut pen = Pen::lenient(document, &mut numbers)?;
    pen.know(&fields);
    for field in &fields {
        let is_state = field.kind == Some(b"Btn") && field.style.flags & flag::PUSH_BUTTON == 0;
        // What goes wrong here is told when the field is filled.
        let _ = if is_state {
            pen.complete_states(field, leaves_drawing)
        } else if leaves_drawing {
            pen.draw(field)
        } else {
            Ok(())
        };
    }
    Ok(pen.finish().map(|drawn| drawn.objects).unwrap_or_default())
}

/// All fields, and what is told of those that have a name.
///
/// # Errors
/// `Damaged` for hostile trees; too many options.
pub(super) fn fields(document: &Document) -> Result<(Vec<Prepared>, Vec<FormField>), ReadError> {
    let pages = pdf::annotation_pages(document)?;
    let mut reader = Reader { document, pages, options: HashMap::new(), option_bytes: 0 };
    let mut prepared = Vec::new();
    let mut told: Vec<FormField> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for field in fields::all(document)? {
        let Some(ready) = reader.prepared(&field)?.filter(|ready| !ready.name.is_empty()) else { continue };
        let places = reader.places(&field);
        match by_name.get(&ready.name) {
            Some(index) => told[*index].places.extend(places),
            None => {
                by_name.insert(ready.name.clone(), told.len());
                told.push(reader.told(&field, &ready, places)?);
            }
        }
        prepared.push(ready);
    }
    Ok((prepared, told))
}

struct Reader<'a> {
    document: &'a Document,
    pages: HashMap<ObjectId, Vec<usize>>,
    /// Options that were read, by their place: fields may share them.
    options: HashMap<*const Object, Arc<Result<Vec<Choice>, Reason>>>,
    option_bytes: usize,
}

impl<'a> Reader<'a> {
    fn prepared(&mut self, field: &Field<'a>) -> Result<Option<Prepared>, ReadError> {
        let Some(dictionary) = pdf::dict_at(self.document, field.id) else { return Ok(None) };
        let Some(kind) = self.kind(field)? else { return Ok(None) };
        let mut widgets = Vec::new();
        let exports = if matches!(kind, Kind::Button(_)) { self.options(field)? } else { Arc::new(Ok(Vec::new())) };
        let exports = exports.as_ref().as_ref().map(Vec::as_slice).unwrap_or_default();
        for (index, id) in field.widgets.iter().enumerate() {
            let export = exports.get(index).map(|choice| choice.export.clone());
            widgets.extend(self.shown(field, &kind, *id, export));
        }
        let inherits_value = field.value.is_some() && !dictionary.has(b"V");
        let mut dictionary = dictionary.clone();
        without_value(&mut dictionary, &kind);
        if field.style.flags & flag::RICH_TEXT != 0 {
            dictionary.set("Ff", field.style.flags & !flag::RICH_TEXT);
        }
        Ok(Some(Prepared { name: field.name.clone(), id: field.id, dictionary, inherits_value, kind, widgets }))
    }

    fn shown(&self, field: &Field<'a>, kind: &Kind, id: ObjectId, export: Option<String>) -> Option<Shown> {
        let widget = pdf::dict_at(self.document, id)?;
        let own = (id != field.id).then(|| {
            let mut own = widget.clone();
            without_value(&mut own, kind);
            own
        });
        let style = if id == field.id { field.style } else { field.style.with(self.document, widget) };
        let frame = if self.pages.contains_key(&id) { rectangle(self.document, widget) } else { Ok(None) };
        let frame = frame.map(|rect| rect.map(|rect| Frame::of(self.document, widget, rect, style)));
        let states = if matches!(kind, Kind::Button(_)) { button::names(self.document, widget) } else { Default::default() };
        Some(Shown { id, dictionary: own, frame, states: states.into_iter().collect(), export })
    }

    /// `None`: nobody knows what it holds.
    fn kind(&mut self, field: &Field<'a>) -> Result<Option<Kind>, ReadError> {
        let flags = field.style.flags;
        let has = |flag: i64| flags & flag != 0;
        Ok(Some(match field.kind {
            Some(b"Tx") => {
                let max_length =
                    field.style.max_length.filter(|length| *length > 0).and_then(|length| usize::try_from(length).ok());
                let comb = has(flag::COMB) && !has(flag::PASSWORD | flag::MULTILINE | flag::FILE_SELECT) && max_length.is_some();
                Kind::Text(Text { multiline: has(flag::MULTILINE), password: has(flag::PASSWORD), max_length, comb })
            }
            Some(b"Ch") => {
                let combo = has(flag::COMBO);
                let (editable, multiple) = (combo && has(flag::EDIT), !combo && has(flag::MULTI_SELECT));
                Kind::Choice(Choices { combo, editable, multiple, options: self.options(field)? })
            }
            Some(b"Btn") if has(flag::PUSH_BUTTON) => Kind::PushButton,
            Some(b"Btn") => Kind::Button(Button { radio: has(flag::RADIO), unison: has(flag::RADIOS_IN_UNISON) }),
            Some(b"Sig") => Kind::Signature,
            _ => return Ok(None),
        }))
    }

    fn options(&mut self, field: &Field<'a>) -> Result<Arc<Result<Vec<Choice>, Reason>>, ReadError> {
        let Some(options) = field.style.options else { return Ok(Arc::new(Ok(Vec::new()))) };
        let document = self.document;
        let read =
            self.options.entry(std::ptr::from_ref(options)).or_insert_with(|| Arc::new(value::choices(document, Some(options))));
        let read = read.clone();
        self.option_bytes += read.as_ref().as_ref().map_or(0, |options| bytes(options));
        if self.option_bytes > MAX_OPTION_BYTES { Err(ReadError::TooManyOptions) } else { Ok(read) }
    }

    fn places(&self, field: &Field<'a>) -> Vec<Place> {
        let of = |id: &ObjectId| {
            let rect = pdf::dict_at(self.document, *id).and_then(|widget| rectangle(self.document, widget).ok()?)?;
            Some(self.pages.get(id)?.iter().map(move |page| Place { page: *page, rect }))
        };
        field.widgets.iter().filter_map(of).flatten().collect()
    }

    fn told(&mut self, field: &Field<'a>, ready: &Prepared, places: Vec<Place>) -> Result<FormField, ReadError> {
        let flags = field.style.flags;
        let kind = match &ready.kind {
            Kind::Text(_) => FieldKind::Text,
            Kind::Choice(choices) if choices.combo => FieldKind::ComboBox,
            Kind::Choice(_) => FieldKind::ListBox,
            Kind::Button(button) if button.radio => FieldKind::Radio,
            Kind::Button(_) => FieldKind::CheckBox,
            Kind::PushButton => FieldKind::PushButton,
            Kind::Signature => FieldKind::Signature,
        };
        let text = match &ready.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        };
        let options = match &ready.kind {
            Kind::Choice(choices) => {
                let options = choices.options.as_ref().as_ref().map(Vec::as_slice).unwrap_or_default();
                let option = |choice: &Choice| FieldOption { export: choice.export.clone(), display: choice.display.clone() };
                options.iter().map(option).collect()
            }
            Kind::Button(_) => states(&ready.widgets),
            _ => Vec::new(),
        };
        Ok(FormField {
            name: ready.name.clone(),
            kind,
            required: flags & flag::REQUIRED != 0,
            read_only: flags & flag::READ_ONLY != 0,
            multiline: text.is_some_and(|text| text.multiline),
            multiple: matches!(&ready.kind, Kind::Choice(choices) if choices.multiple),
            max_length: text.and_then(|text| text.max_length),
            comb: text.is_some_and(|text| text.comb),
            options,
            font: ready.fonts().next().map(|name| self.font(name)),
            has_period: self.has_period(ready.id),
            places,
        })
    }

    /// Whether a name on the way up from a field has a period in it.
    fn has_period(&self, field: ObjectId) -> bool {
        let above = |below: &ObjectId| pdf::dict_at(self.document, *below)?.get(b"Parent").and_then(Object::as_reference).ok();
        let own = |field: ObjectId| pdf::entry(self.document, pdf::dict_at(self.document, field)?, b"T").and_then(pdf::text);
        // Which fields are above which was checked when they were found.
        std::iter::successors(Some(field), above).take(fields::MAX_DEPTH).filter_map(own).any(|name| name.contains('.'))
    }

    /// What a font is called.
    fn font(&self, name: &[u8]) -> String {
        let form = pdf::catalog(self.document).ok().and_then(|(_, catalog)| pdf::dict_entry(self.document, catalog, b"AcroForm"));
        let font = form
            .and_then(|form| pdf::dict_entry(self.document, form, b"DR"))
            .and_then(|resources| pdf::dict_entry(self.document, resources, b"Font"))
            .and_then(|fonts| pdf::dict_entry(self.document, fonts, name));
        let base = font.and_then(|font| pdf::entry(self.document, font, b"BaseFont")?.as_name().ok());
        super::shortened(&String::from_utf8_lossy(base.unwrap_or(name)))
    }
}

/// The states of a button, each once, in the order of its widgets.
fn states(widgets: &[Shown]) -> Vec<FieldOption> {
    let mut seen = HashSet::new();
    let mut options = Vec::new();
    for widget in widgets {
        for state in &widget.states {
            let display = button::state_text(state);
            let export = widget.export.clone().unwrap_or_else(|| display.clone());
            if seen.insert((export.clone(), display.clone())) {
                options.push(FieldOption { export, display });
            }
        }
    }
    options
}

/// Takes away what a new value makes wrong: the old one, its rich text, its place in a list, its look, and scripts that would format,
/// check or calculate it anew.
fn without_value(dictionary: &mut Dictionary, kind: &Kind) {
    let keys: &[&[u8]] = match kind {
        Kind::Button(_) => &[b"V"],
        // A picture changes the look alone.
        Kind::PushButton | Kind::Signature => return,
        Kind::Text(_) | Kind::Choice(_) => &[b"V", b"RV", b"DS", b"I", b"AP", b"AS"],
    };
    for key in keys {
        dictionary.remove(key);
    }
    if let Ok(Object::Dictionary(actions)) = dictionary.get_mut(b"AA") {
        for event in [b"K", b"F", b"V", b"C"] {
            actions.remove(event);
        }
    } else {
        // An indirect one may belong to several fields.
        dictionary.remove(b"AA");
    }
}

/// New numbers behind those of a document.
pub(super) fn numbers(document: &Document) -> impl FnMut() -> ObjectId {
    let mut last = document.max_id;
    move || {
        last = last.saturating_add(1);
        (last, 0)
    }
}
