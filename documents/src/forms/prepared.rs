//! Fields as fills need them: made once, when a form is read, and never changed.

use std::sync::Arc;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::field::FormField;
use super::value::Choice;
use super::{Frame, Reason};

/// Bytes of an entry beside what it holds, about: key, place in the map, the object itself.
const ENTRY_WEIGHT: usize = 64;

/// A terminal field.
pub(super) struct Prepared {
    pub(super) name: String,
    pub(super) id: ObjectId,
    /// The field as a fill leaves it, but for what comes with the value.
    pub(super) dictionary: Dictionary,
    /// A field above it has a value that would count where this one has none.
    pub(super) inherits_value: bool,
    pub(super) kind: Kind,
    pub(super) widgets: Vec<Shown>,
}

/// What kind of values a field takes.
pub(super) enum Kind {
    Text(Text),
    Choice(Choices),
    Button(Button),
    PushButton,
    Signature,
}

pub(super) struct Text {
    pub(super) multiline: bool,
    pub(super) password: bool,
    /// In characters.
    pub(super) max_length: Option<usize>,
    pub(super) comb: bool,
}

pub(super) struct Choices {
    pub(super) combo: bool,
    /// Any text may be entered.
    pub(super) editable: bool,
    pub(super) multiple: bool,
    pub(super) options: Arc<Result<Vec<Choice>, Reason>>,
}

pub(super) struct Button {
    pub(super) radio: bool,
    /// Radio buttons with the same state are on together.
    pub(super) unison: bool,
}

/// A widget of a field.
pub(super) struct Shown {
    pub(super) id: ObjectId,
    /// The widget as a fill leaves it. `None`: it is the field itself.
    pub(super) dictionary: Option<Dictionary>,
    /// `None`: nothing of it can be seen.
    pub(super) frame: Result<Option<Frame>, Reason>,
    /// Of buttons: the names of the states but for "off".
    pub(super) states: Vec<Vec<u8>>,
    /// Of buttons: the value that stands for being on.
    pub(super) export: Option<String>,
}

impl Prepared {
    /// The names of the fonts of its texts.
    pub(super) fn fonts(&self) -> impl Iterator<Item = &[u8]> {
        let has_text = matches!(self.kind, Kind::Text(_) | Kind::Choice(_));
        let frames = self.widgets.iter().filter_map(|widget| widget.frame.as_ref().ok()?.as_ref());
        frames.filter(move |_| has_text).map(|frame| frame.text.font.as_slice())
    }
}

/// Bytes that they take, about.
pub(super) fn weight(fields: &[Prepared]) -> usize {
    let widget = |widget: &Shown| size_of::<Shown>() + widget.dictionary.as_ref().map_or(0, dictionary_weight);
    let field = |field: &Prepared| {
        let options = match &field.kind {
            Kind::Choice(choices) => choices.options.as_ref().as_ref().map_or(0, |options| bytes(options) * 2),
            _ => 0,
        };
        let widgets: usize = field.widgets.iter().map(widget).sum();
        size_of::<Prepared>()
            + size_of::<FormField>()
            + 2 * field.name.len()
            + dictionary_weight(&field.dictionary)
            + widgets
            + options
    };
    fields.iter().map(field).sum()
}

/// Of options: their texts and what stands around them.
pub(super) fn bytes(options: &[Choice]) -> usize {
    options.iter().map(|option| option.export.len() + option.display.len() + size_of::<Choice>()).sum()
}

/// Bytes that a document's objects take, about.
pub(super) fn document_weight(document: &Document) -> usize {
    document.objects.values().map(object_weight).sum()
}

fn dictionary_weight(dictionary: &Dictionary) -> usize {
    dictionary.iter().map(|(key, value)| key.len() + object_weight(value)).sum()
}

fn object_weight(object: &Object) -> usize {
    let mut weight = 0;
    let mut open = vec![object];
    while let Some(object) = open.pop() {
        weight += ENTRY_WEIGHT;
        match object {
            Object::String(bytes, _) | Object::Name(bytes) => weight += bytes.len(),
            Object::Array(items) => open.extend(items),
            Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value)),
            Object::Stream(stream) => {
                weight += stream.content.len();
                open.extend(stream.dict.iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    weight
}
