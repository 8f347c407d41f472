//! What a PDF must be to become a form, and the fields it has. Takes time in proportion to the bytes: keep it off the I/O threads.

use documents::forms::{FieldKind, Form, FormField, ReadError};
use documents::inspect::Error as PdfError;

use crate::catalogue::fields::{self, FieldKey, FieldType};

/// Why bytes cannot become a form, in words for the caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// They are none, or none that may be filled.
    Invalid(String),
    /// They end too early, or cannot be read to their end.
    Unreadable(String),
}

/// Reads the fields of a form that anybody may have made: all that have a name, each name once (ISO 32000-2 12.7.4.2: fields of one name share their
/// value).
pub(super) fn read(pdf: &[u8]) -> Result<Vec<FieldKey>, Refused> {
    if pdf.is_empty() {
        return Err(Refused::Unreadable("the content is empty".into()));
    }
    let form = Form::read(pdf).map_err(|error| match error {
        ReadError::Document(PdfError::Damaged(_)) => Refused::Unreadable(error.with_advice()),
        _ => Refused::Invalid(error.with_advice()),
    })?;
    let key = |field: &FormField| FieldKey { key: field.name.clone(), kind: kind(field.kind) };
    let keys: Vec<FieldKey> = form.fields().iter().map(key).collect();
    fields::union([keys.as_slice()]).map_err(|refused| Refused::Invalid(refused.to_string()))
}

/// A push button is filled with a picture.
fn kind(kind: FieldKind) -> FieldType {
    match kind {
        FieldKind::Signature => FieldType::Signature,
        FieldKind::Text
        | FieldKind::CheckBox
        | FieldKind::Radio
        | FieldKind::ComboBox
        | FieldKind::ListBox
        | FieldKind::PushButton => FieldType::Fillable,
    }
}
