//! Keys of the fields that forms have, and their unions: what a section, and then a template, can be filled with.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Maximum size of the fields of one item, in bytes of JSON: with everything else they stay within one record of the store.
pub const MAX_FIELDS: usize = 192 * 1024;

/// What a field adds to its name where it is stored.
const OVERHEAD: usize = 40;

/// A field found in a form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct FieldKey {
    /// Name of the field inside the form: fully qualified, as a fill names it.
    pub key: String,
    /// Kind of field: `FILLABLE` or `SIGNATURE`. More may come.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: FieldType,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FieldType {
    /// It takes a value: a text, a choice, or the picture of a button. Also one that people cannot change in a viewer.
    Fillable,
    /// It is signed.
    Signature,
}

/// Why fields cannot be those of one item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One key would stand for two kinds of field.
    #[error("the field {0} is a signature in one place and takes a value in another; give one of them another name")]
    Conflict(String),
    /// More than [`MAX_FIELDS`].
    #[error("the names of all fields take more than {MAX_FIELDS} bytes; use fewer fields, or shorter names")]
    TooMany,
}

/// All fields of the lists, each once, in the order of their first appearance.
///
/// # Errors
/// [`Refused`].
pub fn union<'a>(lists: impl IntoIterator<Item = &'a [FieldKey]>) -> Result<Vec<FieldKey>, Refused> {
    let mut kinds: HashMap<&str, FieldType> = HashMap::new();
    let (mut all, mut size) = (Vec::new(), 0);
    for field in lists.into_iter().flatten() {
        match kinds.insert(&field.key, field.kind) {
            None => {
                size += weight(field);
                if size > MAX_FIELDS {
                    return Err(Refused::TooMany);
                }
                all.push(field.clone());
            }
            Some(kind) if kind == field.kind => {}
            Some(_) => return Err(Refused::Conflict(field.key.clone())),
        }
    }
    Ok(all)
}

/// Bytes that fields take in a record, at most.
pub fn weight_of(fields: &[FieldKey]) -> usize {
    fields.iter().map(weight).sum()
}

fn weight(field: &FieldKey) -> usize {
    // As JSON spells it: quotes, backslashes and control characters are escaped.
    let escaped = |c: char| match c {
        '"' | '\\' => 2,
        c if c.is_control() => 6,
        c => c.len_utf8(),
    };
    field.key.chars().map(escaped).sum::<usize>() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: &str, kind: FieldType) -> FieldKey {
        FieldKey { key: key.into(), kind }
    }

    #[test]
    fn a_union_has_each_field_once_in_the_order_of_appearance() {
        let (name, city, sign) =
            (field("NAME", FieldType::Fillable), field("CITY", FieldType::Fillable), field("SIGN", FieldType::Signature));
        let (first, second) = ([name.clone(), sign.clone()], [city.clone(), name.clone()]);
        assert_eq!(union([&first[..], &second[..]]), Ok(vec![name.clone(), sign, city]));
        let other = [field("NAME", FieldType::Signature)];
        assert_eq!(union([&first[..], &other[..]]), Err(Refused::Conflict("NAME".into())));
    }

    #[test]
    fn their_size_is_bounded_so_that_all_fit_into_one_record() {
        // What JSON escapes weighs most.
        for name in ["\u{1}".repeat(100), "\"\\".repeat(100), "名".repeat(60), "N".to_owned()] {
            let mut fields: Vec<FieldKey> = Vec::new();
            let fits = |fields: &[FieldKey]| weight_of(fields) <= MAX_FIELDS;
            while fits(&fields) {
                let kind = if fields.len().is_multiple_of(2) { FieldType::Fillable } else { FieldType::Signature };
                fields.push(field(&format!("{name}{}", fields.len()), kind));
            }
            assert_eq!(union([fields.as_slice()]), Err(Refused::TooMany));
            fields.pop();
            let union = union([fields.as_slice()]).unwrap();
            assert!(serde_json::to_vec(&union).unwrap().len() <= MAX_FIELDS);
        }
        const { assert!(MAX_FIELDS + 32 * 1024 <= store::MAX_BODY) };
    }
}
