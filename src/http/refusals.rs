//! Our words for what serde says of a value that does not fit: never its text, never the value.
//!
//! Serde tells what it wants only in a text. Its forms are few and known; what is in none of them is said to be wrong, and no more.

/// Maximum number of names that are listed.
const MAX_NAMES: usize = 40;

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The member of this name is missing.
    Missing(String),
    /// The member of this name comes more than once.
    Doubled(String),
    /// The value itself, in our words.
    Value(String),
}

impl Refusal {
    /// From the text of an error of serde, with or without its place.
    pub(super) fn of(message: &str) -> Self {
        let message = message.rsplit_once(" at line ").map_or(message, |(before, _)| before);
        if let Some(name) = message.strip_prefix("missing field ") {
            return Self::Missing(plain(name));
        }
        if let Some(name) = message.strip_prefix("duplicate field ") {
            return Self::Doubled(plain(name));
        }
        Self::Value(value(message).unwrap_or_else(|| "the value is not of the form that is expected here".to_owned()))
    }
}

/// A name of ours, of a member or a value, without the signs around it.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).collect()
}

fn value(message: &str) -> Option<String> {
    if message.starts_with("UUID parsing failed") {
        return Some("expected a UUID".to_owned());
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        // The value stands first and may hold anything, our own separator too.
        let (_, names) = rest.rsplit_once("`, expected ")?;
        return names_of(names);
    }
    let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
    let rest = kinds.iter().find_map(|kind| message.strip_prefix(kind))?;
    let (found, wanted) = rest.rsplit_once(", expected ")?;
    let wanted = expectation(wanted)?;
    let found = if message.starts_with("invalid type") { kind(found) } else { None };
    Some(match found {
        Some(found) => format!("expected {wanted}, found {found}"),
        None => format!("expected {wanted}"),
    })
}

/// `A`, `A` or `B`, one of `A`, `B`, `C`.
fn names_of(names: &str) -> Option<String> {
    let names: Vec<_> = names.split('`').skip(1).step_by(2).take(MAX_NAMES).map(plain).collect();
    let (last, others) = names.split_last()?;
    Some(if others.is_empty() { format!("expected {last}") } else { format!("expected {} or {last}", others.join(", ")) })
}

fn expectation(wanted: &str) -> Option<&'static str> {
    let starts = |start: &str| wanted.starts_with(start);
    Some(match wanted {
        "true or false" | "a boolean" | "bool" => "true or false",
        "a string" | "string" | "str" | "a borrowed string" => "a text",
        "a character" | "char" => "one character",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0 to 18446744073709551615",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" | "a number" => "a number",
        "unit" | "null" => "null",
        "a map" => "an object",
        "a sequence" => "an array",
        _ if starts("struct ") || starts("internally tagged enum") => "an object",
        _ if starts("a tuple") || starts("tuple ") || starts("an array") => "an array",
        _ if starts("enum ") || starts("variant ") || starts("string or map") => "one of the names that are known here",
        _ if starts("a formatted UUID") || starts("a UUID") => "a UUID",
        _ if starts("an RFC 3339") => "a date and time, such as 2026-11-21T12:00:00Z",
        _ => return None,
    })
}

fn kind(found: &str) -> Option<&'static str> {
    let name = found.split(['`', '"']).next().unwrap_or_default().trim();
    Some(match name {
        "string" => "a text",
        "integer" => "a whole number",
        "floating point" => "a number with decimals",
        "boolean" => "true or false",
        "null" | "unit value" => "null",
        "sequence" => "an array",
        "map" => "an object",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    fn of<T: serde::de::DeserializeOwned>(json: &str) -> Refusal {
        Refusal::of(&serde_json::from_str::<T>(json).err().expect("an error").to_string())
    }

    fn value(text: &str) -> Refusal {
        Refusal::Value(text.into())
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Pair {
        first: u8,
        second: Kind,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    enum Kind {
        BigOne,
        Small,
        #[serde(rename = "x-other")]
        Other,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    #[serde(untagged)]
    enum Either {
        Number(u8),
        Truth(bool),
    }

    #[test]
    fn what_serde_says_is_said_in_our_words() {
        assert_eq!(of::<String>("123456"), value("expected a text, found a whole number"));
        assert_eq!(of::<u8>("300"), value("expected a whole number from 0 to 255"));
        assert_eq!(of::<u64>("-1"), value("expected a whole number from 0 to 18446744073709551615"));
        assert_eq!(of::<u64>("\"a, expected b\""), value("expected a whole number from 0 to 18446744073709551615, found a text"));
        assert_eq!(
            of::<u64>("1.5"),
            value("expected a whole number from 0 to 18446744073709551615, found a number with decimals")
        );
        assert_eq!(of::<bool>("null"), value("expected true or false, found null"));
        assert_eq!(of::<Vec<u8>>("{}"), value("expected an array, found an object"));
        assert_eq!(of::<BTreeMap<String, u8>>("[]"), value("expected an object, found an array"));
        assert_eq!(of::<Pair>("true"), value("expected an object, found true or false"));
        assert_eq!(of::<Pair>("[1]"), value("expected an object"));
        assert_eq!(of::<Pair>("{}"), Refusal::Missing("first".into()));
        assert_eq!(of::<Pair>(r#"{"first":1,"first":2}"#), Refusal::Doubled("first".into()));
        assert_eq!(of::<Kind>("\"hunter2`, expected `secret\""), value("expected BIG_ONE, SMALL or x-other"));
        assert_eq!(of::<Kind>("[]"), value("the value is not of the form that is expected here"));
        assert_eq!(of::<Either>("\"secret\""), value("the value is not of the form that is expected here"));
        assert_eq!(of::<uuid::Uuid>("\"secret\""), value("expected a UUID"));
        assert_eq!(of::<uuid::Uuid>("7"), value("expected a UUID, found a whole number"));
        assert_eq!(
            of::<chrono::DateTime<chrono::Utc>>("7"),
            value("expected a date and time, such as 2026-11-21T12:00:00Z, found a whole number")
        );
        assert_eq!(
            of::<chrono::DateTime<chrono::Utc>>("\"secret\""),
            value("the value is not of the form that is expected here")
        );
    }
}
