//! Whether a field's appearance shows its value: viewers that draw fields anew show the value, others the appearance.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use super::content::{Operand, Operations};
use super::walk;
use crate::fields::Field;
use crate::pdf;

/// Content of one appearance, in bytes, and choices of one field that are looked at.
const MAX_CONTENT: usize = 1024 * 1024;
const MAX_CHOICES: usize = 10_000;
/// ISO 32000-2 tables 229 and 231.
const PUSH_BUTTON: i64 = 1 << 16;
const PASSWORD: i64 = 1 << 13;

/// What is looked at of all fields of one comparison: choices, and so many bytes of appearances each.
const MAX_LOOKED_AT: usize = 1_000_000;
const BYTES_PER_LOOK: usize = 16;

/// What a comparison may still look at. Fields may share an appearance or a list of choices, which is read for each of them.
pub(super) struct Looks(usize);

impl Looks {
    pub(super) fn new() -> Self {
        Self(MAX_LOOKED_AT)
    }

    /// `None` where there is not as much left; then nothing is.
    fn spend(&mut self, looks: usize) -> Option<()> {
        let left = self.0.checked_sub(looks);
        self.0 = left.unwrap_or(0);
        left.map(drop)
    }
}

/// Whether each of a field's appearances is proven to show what the value is. A list of choices shows more than its value.
/// Nothing is proven any more where there is nothing left to look with.
pub(super) fn shows_its_value(document: &Document, field: &Field<'_>, looks: &mut Looks) -> bool {
    let flags = walk::inherited(document, field.id, b"Ff").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
    // The field as the document has it: the caller's may be of another revision.
    let value = walk::inherited(document, field.id, b"V");
    match field.kind {
        Some(b"Btn") if flags & PUSH_BUTTON != 0 => true,
        Some(b"Btn") => field.widgets.iter().all(|widget| state_is(document, *widget, value)),
        // A password is shown as dots by whoever draws it.
        Some(b"Tx") if flags & PASSWORD != 0 => true,
        _ => {
            let choices = walk::inherited(document, field.id, b"Opt").and_then(|choices| choices.as_array().ok());
            let to_read = choices.map_or(0, |choices| choices.len().min(MAX_CHOICES)) + value.map_or(0, length) / BYTES_PER_LOOK;
            if looks.spend(1 + to_read).is_none() {
                return false;
            }
            let expected = texts(document, field, value);
            field.widgets.iter().filter(|widget| has_extent(document, **widget)).all(|widget| {
                drawn_text(document, *widget, looks).is_some_and(|drawn| match field.kind {
                    Some(b"Ch") => expected.iter().any(|text| drawn.contains(text.as_str())),
                    _ => expected.contains(&drawn),
                })
            })
        }
    }
}

/// A field with a value and without an appearance, which viewers draw by themselves.
pub(super) fn is_drawn_by_viewers(document: &Document, field: &Field<'_>) -> bool {
    let has_value = field.value.is_some_and(|value| {
        let value = pdf::resolve(document, value);
        // A long text is not read to learn that there is one.
        length(value) > BYTES_PER_LOOK || !texts_of(value).concat().is_empty()
    });
    let bare = |widget: &ObjectId| has_extent(document, *widget) && appearance(document, *widget).is_none();
    matches!(field.kind, Some(b"Tx" | b"Ch")) && has_value && field.widgets.iter().any(bare)
}

fn has_extent(document: &Document, widget: ObjectId) -> bool {
    let extent = pdf::dict_at(document, widget).map(|widget| super::annotations::extent(document, widget));
    extent.is_some_and(|(width, height)| width * height > 0.0)
}

fn appearance(document: &Document, widget: ObjectId) -> Option<&Stream> {
    pdf::entry(document, pdf::dict_entry(document, pdf::dict_at(document, widget)?, b"AP")?, b"N")?.as_stream().ok()
}

/// Whether a check box or radio button is in the state that the value names.
fn state_is(document: &Document, widget: ObjectId, value: Option<&Object>) -> bool {
    let Some(widget) = pdf::dict_at(document, widget) else { return true };
    let name = |object: &Object| object.as_name().map(<[u8]>::to_vec).ok();
    let states = pdf::dict_entry(document, widget, b"AP").and_then(|ap| pdf::dict_entry(document, ap, b"N"));
    let value = value.and_then(name).filter(|value| states.is_some_and(|states| states.has(value)));
    let state = pdf::entry(document, widget, b"AS").and_then(name);
    state.unwrap_or_else(|| b"Off".to_vec()) == value.unwrap_or_else(|| b"Off".to_vec())
}

/// What may stand there for the value, without white space: the value, or the choice that it is the key of.
fn texts(document: &Document, field: &Field<'_>, value: Option<&Object>) -> Vec<String> {
    let values = value.map(texts_of).unwrap_or_default();
    let mut found: Vec<String> = if values.is_empty() { vec![String::new()] } else { values.clone() };
    let choices = walk::inherited(document, field.id, b"Opt").and_then(|choices| choices.as_array().ok());
    for choice in choices.map(Vec::as_slice).unwrap_or_default().iter().take(MAX_CHOICES) {
        let Ok([key, shown]) = pdf::resolve(document, choice).as_array().map(Vec::as_slice) else { continue };
        if texts_of(pdf::resolve(document, key)).iter().any(|key| values.contains(key)) {
            found.extend(texts_of(pdf::resolve(document, shown)));
        }
    }
    found
}

/// Bytes of a value as it stands in the file, of several together.
fn length(value: &Object) -> usize {
    match value {
        Object::String(text, _) => text.len(),
        Object::Stream(stream) => stream.content.len(),
        Object::Array(values) => values.iter().map(|value| value.as_str().map_or(1, <[u8]>::len)).sum(),
        _ => 0,
    }
}

fn texts_of(value: &Object) -> Vec<String> {
    let bare = |text: String| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    match value {
        Object::Array(values) => values.iter().take(MAX_CHOICES).filter_map(pdf::text).map(bare).collect(),
        Object::Stream(stream) => {
            let content = stream.get_plain_content_with_limit(MAX_CONTENT).ok();
            content.and_then(|content| pdf::text(&string(content))).map(bare).into_iter().collect()
        }
        other => pdf::text(other).map(bare).into_iter().collect(),
    }
}

fn string(bytes: Vec<u8>) -> Object {
    Object::String(bytes, lopdf::StringFormat::Literal)
}

/// The text that a widget's appearance draws, without white space. `None`: it cannot be told, because it draws images or
/// forms, uses a font whose codes are no characters, or cannot be read. A widget without appearance draws none.
fn drawn_text(document: &Document, widget: ObjectId, looks: &mut Looks) -> Option<String> {
    let Some(stream) = appearance(document, widget) else { return Some(String::new()) };
    // Before it is unpacked: where nothing is left, nothing is done.
    looks.spend(1 + stream.content.len() / BYTES_PER_LOOK)?;
    let content = stream.get_plain_content_with_limit(MAX_CONTENT).ok();
    // What is too large was unpacked up to the limit.
    looks.spend(content.as_ref().map_or(MAX_CONTENT, Vec::len) / BYTES_PER_LOOK)?;
    let content = content?;
    let fonts = pdf::dict_entry(document, &stream.dict, b"Resources").and_then(|r| pdf::dict_entry(document, r, b"Font"));
    let mut drawn = String::new();
    for operation in Operations::of(&content) {
        let operation = operation.ok()?;
        match operation.operator {
            b"Do" | b"sh" => return None,
            b"Tf" => {
                let [Operand::Name(name), _] = &operation.operands[..] else { return None };
                let font = fonts.and_then(|fonts| pdf::dict_entry(document, fonts, name));
                if !font.is_none_or(|font| has_plain_codes(document, font)) {
                    return None;
                }
            }
            b"Tj" | b"TJ" | b"'" | b"\"" => {
                let strings = operation.operands.into_iter().filter_map(|operand| match operand {
                    Operand::String(bytes) => Some(bytes),
                    _ => None,
                });
                let text = pdf::text(&string(strings.flatten().collect()))?;
                drawn.extend(text.chars().filter(|c| !c.is_whitespace()));
            }
            _ => {}
        }
    }
    Some(drawn)
}

/// A font in which a code is the character of Latin text: a simple one without an encoding of its own.
fn has_plain_codes(document: &Document, font: &Dictionary) -> bool {
    let subtype = pdf::entry(document, font, b"Subtype").and_then(|subtype| subtype.as_name().ok());
    let encoding = pdf::entry(document, font, b"Encoding");
    let renamed = encoding.and_then(|encoding| encoding.as_dict().ok()).is_some_and(|encoding| {
        // The differences of PDFDocEncoding, which every form of Acrobat's has, are those of its control characters.
        let differences = pdf::array_entry(document, encoding, b"Differences").map(Vec::as_slice).unwrap_or_default();
        differences.iter().filter_map(|code| code.as_i64().ok()).any(|code| (32..127).contains(&code) && code != 39 && code != 96)
    });
    matches!(subtype, Some(b"Type1" | b"TrueType" | b"MMType1")) && !renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_more_than_is_left_gets_nothing_more() {
        let mut looks = Looks::new();
        assert_eq!(looks.spend(MAX_LOOKED_AT - 10), Some(()));
        assert_eq!(looks.spend(11), None);
        assert_eq!(looks.spend(1), None, "each further appearance would be unpacked to learn that it is too much");
    }
}
