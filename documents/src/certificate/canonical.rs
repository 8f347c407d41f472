//! Canonical JSON (RFC 8785) for values whose numbers are integers, which is all that evidence has.

use serde::Serialize;
use serde_json::Value;

use super::Error;

/// The largest integer that every JSON reader keeps exactly (RFC 8785, section 3.2.2.3; RFC 7493, section 2.2).
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Writes a value as canonical JSON by RFC 8785: no white space, members sorted by their UTF-16 code units, shortest escapes. The
/// same value always gives the same bytes, whatever the order of its members.
///
/// # Errors
/// [`Error::NotCanonical`] for fractions, integers beyond 2^53 - 1, and values that are not JSON.
pub fn to_canonical_json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let value = serde_json::to_value(value).map_err(|_| Error::NotCanonical("a value has no form in JSON".to_owned()))?;
    let mut output = Vec::with_capacity(4096);
    write_value(&value, &mut output)?;
    Ok(output)
}

// The recursion is as deep as the value, and `serde_json` values made from our types are a handful of levels deep.
fn write_value(value: &Value, output: &mut Vec<u8>) -> Result<(), Error> {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            output.push(b'{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    output.push(b',');
                }
                write_string(name, output)?;
                output.push(b':');
                write_value(member, output)?;
            }
            output.push(b'}');
        }
        Value::Array(items) => {
            output.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    output.push(b',');
                }
                write_value(item, output)?;
            }
            output.push(b']');
        }
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(magnitude) if magnitude <= MAX_INTEGER => output.extend_from_slice(number.to_string().as_bytes()),
                _ => return Err(Error::NotCanonical(format!("the number {number} is not an integer below 2^53"))),
            }
        }
        Value::String(text) => write_string(text, output)?,
        Value::Bool(true) => output.extend_from_slice(b"true"),
        Value::Bool(false) => output.extend_from_slice(b"false"),
        Value::Null => output.extend_from_slice(b"null"),
    }
    Ok(())
}

// The escapes of `serde_json` are those of RFC 8785, section 3.2.2.2.
fn write_string(text: &str, output: &mut Vec<u8>) -> Result<(), Error> {
    serde_json::to_writer(output, text).map_err(|_| Error::NotCanonical("a text has no form in JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(value: Value) -> String {
        String::from_utf8(to_canonical_json(&value).unwrap()).unwrap()
    }

    #[test]
    fn members_are_sorted_and_nothing_is_spaced() {
        assert_eq!(text(json!({"b": [1, null, true], "a": {"d": "x", "c": -5}})), r#"{"a":{"c":-5,"d":"x"},"b":[1,null,true]}"#);
    }

    #[test]
    fn members_are_sorted_by_utf16_code_units() {
        // The example of RFC 8785, section 3.2.3: the emoji's first surrogate is below U+FB33.
        let value = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        assert_eq!(text(value), "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}");
    }

    #[test]
    fn escapes_are_the_shortest() {
        assert_eq!(text(json!("\u{0}\u{8}\t\n\u{c}\r\"\\\u{1f}\u{7f}/é")), "\"\\u0000\\b\\t\\n\\f\\r\\\"\\\\\\u001f\u{7f}/é\"");
    }

    #[test]
    fn fractions_and_large_integers_are_refused() {
        assert!(to_canonical_json(&json!(1.5)).is_err());
        assert!(to_canonical_json(&json!(1u64 << 53)).is_err());
        assert!(to_canonical_json(&json!((1u64 << 53) - 1)).is_ok());
        assert!(to_canonical_json(&json!(-(1i64 << 53))).is_err());
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back_as_the_same_value(members in prop::collection::btree_map(".{0,8}", ".{0,8}", 0..8)) {
            let canonical = to_canonical_json(&members).unwrap();
            let read: std::collections::BTreeMap<String, String> = serde_json::from_slice(&canonical).unwrap();
            prop_assert_eq!(&read, &members);
            prop_assert_eq!(to_canonical_json(&read).unwrap(), canonical);
        }
    }
}
