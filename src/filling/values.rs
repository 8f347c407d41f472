//! Which values a fill has: those of the call, over those of the organization's configuration.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;
use workflows::values::{Language, Problems};

use super::Members;
use crate::catalogue::template_configurations::{self, Configuration};

/// Maximum number of values of one call.
pub const MAX_VALUES: usize = 5000;

/// Maximum size of one value, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

/// Maximum size of all names and values of one call, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Maximum length of the name of a field, in bytes: a longer one is no form's.
pub const MAX_NAME: usize = 4096;

/// Maximum number of flags of one call.
pub const MAX_FLAGS: usize = 500;

/// Maximum length of a name in an error, in characters.
const MAX_SHOWN: usize = 100;

/// A value for a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// The configuration document with this identifier.
    Image(Uuid),
}

/// The values of a fill, by the names of the fields.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values {
    by_name: HashMap<String, Value>,
    /// Where a name stands in the call; the others are the configuration's.
    places: HashMap<String, usize>,
}

/// Values are people's data.
impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values").field("count", &self.by_name.len()).finish_non_exhaustive()
    }
}

impl Values {
    /// Those of a call, each name once.
    ///
    /// # Errors
    /// Everything that is wrong; values are not quoted.
    pub fn of_call(sent: Vec<(String, String)>, members: Members) -> Result<Self, Problems> {
        let member = members.values;
        let mut problems = Problems::default();
        if sent.len() > MAX_VALUES {
            problems.note(member, format!("expected at most {MAX_VALUES} values"));
            return Err(problems);
        }
        if sent.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_BYTES {
            problems.note(member, format!("expected names and values of at most {MAX_BYTES} bytes in all"));
            return Err(problems);
        }
        let mut values = Self::default();
        for (place, (name, value)) in sent.into_iter().enumerate() {
            if name.is_empty() || name.len() > MAX_NAME {
                problems
                    .note(format!("{member}[{place}].name"), format!("expected the name of a field, of 1 to {MAX_NAME} bytes"));
            } else if let Some(first) = values.places.get(&name) {
                let message = format!("{} has a value in {member}[{first}] already; send each field once", shown(&name));
                problems.note(format!("{member}[{place}].name"), message);
            } else if value.len() > MAX_VALUE {
                let message = format!("the value of {} is longer than {MAX_VALUE} bytes", shown(&name));
                problems.note(format!("{member}[{place}].value"), message);
            } else {
                values.places.insert(name.clone(), place);
                values.by_name.insert(name, Value::Text(value));
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }

    /// Adds what the configuration has for fields that the call leaves out, in the language of the fill or else in the configuration's default
    /// language (note fill-configuration). An empty value of the call is a value.
    #[must_use]
    pub fn over(mut self, configuration: &Configuration, language: Language) -> Self {
        for (name, value) in configuration.values(language) {
            self.by_name.entry(name.to_owned()).or_insert_with(|| match value {
                template_configurations::Value::Text(text) => Value::Text(text.to_owned()),
                template_configurations::Value::Image(id) => Value::Image(id),
            });
        }
        self
    }

    /// Leaves out what the configuration has for fields that are not among these: no one asked for it.
    pub fn keep_known(&mut self, fields: &HashSet<&str>) {
        let places = &self.places;
        self.by_name.retain(|name, _| places.contains_key(name) || fields.contains(name.as_str()));
    }

    /// Leaves out the empty texts of fields that show pictures: that is how a call does without the configuration's.
    pub fn leave_empty(&mut self, pictures: &HashSet<&str>) {
        let is_empty = |value: &Value| matches!(value, Value::Text(text) if text.is_empty());
        self.by_name.retain(|name, value| !(is_empty(value) && pictures.contains(name.as_str())));
    }

    /// The images that are needed, each once.
    pub fn images(&self) -> HashSet<Uuid> {
        self.by_name.values().filter_map(|value| if let Value::Image(id) = value { Some(*id) } else { None }).collect()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.by_name.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Size of names and values, in bytes.
    pub fn size(&self) -> usize {
        let sizes =
            self.by_name.iter().map(|(name, value)| name.len() + if let Value::Text(text) = value { text.len() } else { 0 });
        sizes.sum()
    }

    /// What is wrong with the value of a field, with the member that it came in.
    pub fn problem(&self, name: &str, reason: &str, members: Members) -> Problems {
        let mut problems = Problems::default();
        let member = members.values;
        match self.places.get(name) {
            Some(place) => problems.note(format!("{member}[{place}].value"), format!("{}: {reason}", shown(name))),
            None if self.by_name.contains_key(name) => {
                let message = format!(
                    "the configuration's value for {}: {reason}; send another one, or change the configuration",
                    shown(name)
                );
                problems.note(member, message);
            }
            // A name that was cut short on its way here.
            None => problems.note(member, format!("{}: {reason}", shown(name))),
        }
        problems
    }
}

/// A name in an error, cut short.
pub fn shown(name: &str) -> String {
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = name.chars().take(MAX_SHOWN).map(printable).collect();
    if name.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Checks the flags of a call.
///
/// # Errors
/// There are too many.
pub fn check_flags(flags: &[String], members: Members) -> Result<(), Problems> {
    let mut problems = Problems::default();
    if flags.len() > MAX_FLAGS {
        problems.note(members.flags, format!("expected at most {MAX_FLAGS} flags"));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::template_configurations::{ConfigurationField, Localized, ValueKind};

    fn of_call(sent: &[(&str, &str)]) -> Result<Values, Vec<String>> {
        let sent = sent.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Values::of_call(sent, Members::CAMEL).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn text<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
        values.iter().find_map(
            |(other, value)| if let Value::Text(text) = value { (other == name).then_some(text.as_str()) } else { None },
        )
    }

    fn configuration() -> Configuration {
        let value = |language, content: &str| Localized { language, content: content.into() };
        let field = |name: &str, kind, values| ConfigurationField { name: name.into(), kind, values };
        let id = Uuid::from_u128(7).to_string();
        Configuration {
            default_language: Language::Es,
            fields: vec![
                field("CONFIG_TENANT.TITLE", ValueKind::Text, vec![value(Language::Es, "Señores"), value(Language::En, "Sirs")]),
                field("CONFIG_TENANT.CITY", ValueKind::Text, vec![value(Language::Es, "Vigo")]),
                field("CONFIG_TENANT.MOTTO", ValueKind::Text, vec![value(Language::En, "Onwards")]),
                field("CONFIG_TENANT.LOGO", ValueKind::Image, vec![value(Language::Es, &id)]),
            ],
            changelog: None,
        }
    }

    #[test]
    fn a_name_that_comes_twice_is_told_with_both_places() {
        let told = of_call(&[("NAME", "Ana"), ("CITY", "Vigo"), ("NAME", "secret")]).unwrap_err();
        assert_eq!(told, ["fieldsValues[2].name: NAME has a value in fieldsValues[0] already; send each field once"]);
        let told = of_call(&[("", "secret"), ("NAME", "Ana")]).unwrap_err();
        assert_eq!(told, ["fieldsValues[0].name: expected the name of a field, of 1 to 4096 bytes"]);
    }

    #[test]
    fn number_and_size_of_values_are_bounded_and_no_value_is_quoted() {
        let long = "secret".repeat(MAX_VALUE / 6 + 1);
        let told = of_call(&[("NAME", &long)]).unwrap_err();
        assert_eq!(told, ["fieldsValues[0].value: the value of NAME is longer than 65536 bytes"]);
        let names: Vec<String> = (0..=MAX_VALUES).map(|number| number.to_string()).collect();
        let sent: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(of_call(&sent).unwrap_err(), ["fieldsValues: expected at most 5000 values"]);
        assert!(of_call(&sent[1..]).is_ok());
        let whole = "x".repeat(MAX_VALUE);
        let sent: Vec<(&str, &str)> = names[..17].iter().map(|name| (name.as_str(), whole.as_str())).collect();
        assert_eq!(of_call(&sent).unwrap_err(), ["fieldsValues: expected names and values of at most 1048576 bytes in all"]);
        let flags = vec!["A:B".to_owned(); MAX_FLAGS + 1];
        assert!(check_flags(&flags, Members::SNAKE).is_err() && check_flags(&flags[1..], Members::SNAKE).is_ok());
    }

    #[test]
    fn the_configuration_fills_what_the_call_leaves_out_in_the_language_of_the_fill_or_else_in_its_own() {
        let in_language = |language, sent: &[(&str, &str)]| of_call(sent).unwrap().over(&configuration(), language);
        let english = in_language(Language::En, &[("NAME", "Ana")]);
        assert_eq!(text(&english, "CONFIG_TENANT.TITLE"), Some("Sirs"));
        assert_eq!(text(&english, "CONFIG_TENANT.CITY"), Some("Vigo"));
        assert_eq!(english.images(), HashSet::from([Uuid::from_u128(7)]));
        for language in [Language::Es, Language::De, Language::Undefined] {
            let values = in_language(language, &[]);
            assert_eq!(text(&values, "CONFIG_TENANT.TITLE"), Some("Señores"));
            assert_eq!(text(&values, "CONFIG_TENANT.MOTTO"), None, "it has neither {language:?} nor the default");
        }
    }

    #[test]
    fn a_value_of_the_call_wins_even_if_it_is_empty() {
        let sent = [("CONFIG_TENANT.TITLE", ""), ("CONFIG_TENANT.LOGO", "none"), ("CONFIG_TENANT.CITY", "Lugo")];
        let values = of_call(&sent).unwrap().over(&configuration(), Language::Es);
        for (name, value) in sent {
            assert_eq!(text(&values, name), Some(value));
        }
        assert!(values.images().is_empty());
    }

    #[test]
    fn what_only_the_configuration_names_is_left_out_where_no_form_has_it() {
        let mut values = of_call(&[("UNKNOWN", "x")]).unwrap().over(&configuration(), Language::Es);
        values.keep_known(&HashSet::from(["CONFIG_TENANT.CITY"]));
        let mut names: Vec<&str> = values.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["CONFIG_TENANT.CITY", "UNKNOWN"]);

        let mut values = of_call(&[("CONFIG_TENANT.LOGO", ""), ("CITY", "")]).unwrap().over(&configuration(), Language::Es);
        values.leave_empty(&HashSet::from(["CONFIG_TENANT.LOGO"]));
        assert!(values.images().is_empty() && text(&values, "CONFIG_TENANT.LOGO").is_none());
        assert_eq!(text(&values, "CITY"), Some(""), "an empty text is a text");
    }

    #[test]
    fn a_problem_names_the_field_and_where_its_value_came_from() {
        let values = of_call(&[("NAME", "Ana")]).unwrap().over(&configuration(), Language::Es);
        let told =
            |name| values.problem(name, "it is too long", Members::SNAKE).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(told("NAME"), ["fields_values[0].value: NAME: it is too long"]);
        assert!(
            told("CONFIG_TENANT.CITY")[0]
                .starts_with("fields_values: the configuration's value for CONFIG_TENANT.CITY: it is too long")
        );
        assert!(!format!("{values:?}").contains("Ana"));
        assert_eq!(shown(&"n".repeat(500)).chars().count(), MAX_SHOWN + 1);
    }
}
