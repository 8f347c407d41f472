//! What a PDF must be to become a form, and the fields it has. Takes time in proportion to the bytes: keep it off the I/O threads.

use documents::inspect;

use crate::catalogue::fields::{self, FieldKey, FieldType};

/// Why bytes cannot become a form, in words for the caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// They are none, or none that may be filled.
    Invalid(String),
    /// They end too early, or cannot be read to their end.
    Unreadable(String),
}

/// Reads the fields of a form that anybody may have made: all that have a name, each name once.
pub(super) fn read(pdf: &[u8]) -> Result<Vec<FieldKey>, Refused> {
    if pdf.is_empty() {
        return Err(Refused::Unreadable("the content is empty".into()));
    }
    let found = inspect::fields(pdf).map_err(|error| match error {
        inspect::Error::Damaged(_) | inspect::Error::Ambiguous(_) => Refused::Unreadable(error.with_advice()),
        other => Refused::Invalid(other.with_advice()),
    })?;
    let key = |(key, is_signature): (String, bool)| FieldKey {
        key,
        kind: if is_signature { FieldType::Signature } else { FieldType::Fillable },
    };
    let named: Vec<FieldKey> = found.into_iter().filter(|(name, _)| !name.is_empty()).map(key).collect();
    fields::union([named.as_slice()]).map_err(|refused| Refused::Invalid(refused.to_string()))
}
