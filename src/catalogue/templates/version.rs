//! The content of one version: what it is made of, what callers may rely on, and which of its sections a fill prints.
//!
//! Everything here is decided by what it is given; nothing is read or written.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use workflows::values::{Language, Problems};

use crate::catalogue::contents::Content;
use crate::catalogue::fields::{self, FieldKey, FieldType};
use crate::catalogue::names::{self, Error};
use crate::catalogue::sections::Section;
use crate::catalogue::template_configurations::PREFIX;

/// Maximum number of sections of a version; one that is named twice counts twice.
pub const MAX_SECTIONS: usize = 100;

/// Maximum number of rules of a version.
pub const MAX_RULES: usize = 100;

/// Maximum length of a condition, in bytes.
pub const MAX_CONDITION: usize = 255;

/// Maximum size of a version, in bytes of JSON: with what every record adds it stays within one.
const MAX_VERSION: usize = store::MAX_BODY - 1024;

/// A condition for printing a section (note rules-on-one-section).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// External id of the section that it guards. Where the version lacks that section the rule has no effect (note rule-other-section).
    pub section: String,
    /// The flag that a fill must have, `NAME:VALUE`.
    pub condition: String,
}

/// What a version is to be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Every section has a form in it.
    pub default_language: Language,
    /// External ids of the sections, in the order in which they are joined. One may be there more than once, as a sheet that separates the others
    /// is: it is printed at each place, and its rules hold for all of them.
    pub sections: Vec<String>,
    /// Conditions for printing them.
    pub rules: Vec<Rule>,
}

/// What a minor version changes; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// See [`Definition::default_language`].
    pub default_language: Option<Language>,
    /// See [`Definition::sections`].
    pub sections: Option<Vec<String>>,
    /// See [`Definition::rules`].
    pub rules: Option<Vec<Rule>>,
}

/// A version as its record keeps it. It is never written again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Names the record; no other version, of whatever template, ever has it.
    pub id: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// See [`Definition::default_language`].
    pub default_language: Language,
    /// The languages in which every section has a form.
    pub languages: Vec<Language>,
    /// See [`Definition::sections`].
    pub sections: Vec<String>,
    /// See [`Definition::rules`].
    pub rules: Vec<Rule>,
    /// All fields of the sections.
    pub fields: Vec<FieldKey>,
}

/// Checks a condition: `NAME:VALUE`.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn check_condition(text: &str) -> Result<(), String> {
    let is_named = |part: &str| !part.is_empty() && part.trim() == part && !part.chars().any(char::is_control);
    let is_condition = text.split_once(':').is_some_and(|(name, value)| is_named(name) && is_named(value));
    match is_condition {
        true if text.len() <= MAX_CONDITION => Ok(()),
        true => Err(format!("expected at most {MAX_CONDITION} bytes")),
        false => Err("expected NAME:VALUE, as in GDPR:YES".to_owned()),
    }
}

impl Definition {
    /// Everything that can be judged without the sections.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        let mut problems = Problems::default();
        match self.sections.len() {
            0 => problems.note("orderedSectionNames", "expected at least one section"),
            1..=MAX_SECTIONS => {}
            _ => problems.note("orderedSectionNames", format!("expected at most {MAX_SECTIONS} sections")),
        }
        if self.rules.len() > MAX_RULES {
            problems.note("rules", format!("expected at most {MAX_RULES} rules"));
        }
        for (place, rule) in self.rules.iter().take(MAX_RULES).enumerate() {
            // Of a section that the version lacks a rule has no effect; so a slip in the name would print the section whatever the flags.
            if !names::is_external_id(&rule.section) {
                problems.note(
                    format!("rules[{place}].sectionExternalId"),
                    "expected the external id of a section: lower-case letters, digits and underscores",
                );
            }
            problems.take(format!("rules[{place}].condition"), check_condition(&rule.condition));
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
    }
}

impl Edit {
    /// What the next minor of a version is made of.
    pub fn apply(self, to: &Version) -> Definition {
        Definition {
            default_language: self.default_language.unwrap_or(to.default_language),
            sections: self.sections.unwrap_or_else(|| to.sections.clone()),
            rules: self.rules.unwrap_or_else(|| to.rules.clone()),
        }
    }
}

impl Content for Version {
    const COLLECTION: &'static str = "template_version";

    fn id(&self) -> Uuid {
        self.id
    }
}

impl Version {
    /// The version that a definition makes of its sections, which are given in its order.
    ///
    /// # Errors
    /// [`Error::Invalid`]: a section without a form in the default language (note fill-language), a field that is a signature in one section and
    /// takes a value in another, more than fits into one record.
    pub fn new(
        id: Uuid,
        created_at: DateTime<Utc>,
        Definition { default_language, sections, rules }: Definition,
        content: &[&Section],
    ) -> Result<Self, Error> {
        let mut problems = Problems::default();
        for (place, section) in content.iter().enumerate() {
            if section.form(default_language).is_none() {
                let name = &section.external_id;
                let message = format!(
                    "{name} has no form in the default language, which is that of a fill in a language that a section lacks; make the section \
                     with such a form, or choose a defaultLanguage that all sections have"
                );
                problems.note(format!("orderedSectionNames[{place}]"), message);
            }
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let fields = fields::union(content.iter().map(|section| section.fields.as_slice()));
        let fields = fields.map_err(|refused| Error::invalid("orderedSectionNames", refused))?;
        let version = Self { id, created_at, default_language, languages: languages(content), sections, rules, fields };
        if version.weight() > MAX_VERSION {
            let message = format!(
                "sections, rules and names of fields take more than {MAX_VERSION} bytes; use fewer sections, rules or fields, or shorter names"
            );
            return Err(Error::invalid("orderedSectionNames", message));
        }
        Ok(version)
    }

    /// Its size in bytes of JSON.
    pub fn weight(&self) -> usize {
        Content::weight(self)
    }

    /// Whether a field of it takes its value from the organization's configuration.
    pub fn is_configured(&self) -> bool {
        self.fields.iter().any(|field| field.kind == FieldType::Fillable && field.key.starts_with(PREFIX))
    }

    /// The sections that a fill with these flags prints, in order: each of which no rule asks for a flag that is not there (note
    /// rules-on-one-section).
    pub fn printed<'a>(&'a self, flags: &[String]) -> Vec<&'a str> {
        let flags: HashSet<&str> = flags.iter().map(String::as_str).collect();
        let unmet = self.rules.iter().filter(|rule| !flags.contains(rule.condition.as_str()));
        let left_out: HashSet<&str> = unmet.map(|rule| rule.section.as_str()).collect();
        self.sections.iter().map(String::as_str).filter(|section| !left_out.contains(section)).collect()
    }

    /// What a minor version may not do to the one before it: the contract of use is the default language, the languages, the fields and the
    /// conditions (note template-patch-conflict). `None` where it keeps to that.
    pub fn breaks(&self, before: &Version) -> Option<String> {
        let mut changes = Vec::new();
        if self.default_language != before.default_language {
            changes.push("it has another default language".to_owned());
        }
        if before.languages.iter().any(|language| !self.languages.contains(language)) {
            changes.push("it lacks a language".to_owned());
        }
        let (ours, theirs): (HashSet<_>, HashSet<_>) = (self.fields.iter().collect(), before.fields.iter().collect());
        // In the order of the version that has it, so that the same change is always told in the same words.
        if let Some(field) = before.fields.iter().find(|field| !ours.contains(field)) {
            changes.push(format!("it lacks the field {}", field.key));
        }
        if let Some(field) = self.fields.iter().find(|field| !theirs.contains(field)) {
            changes.push(format!("it adds the field {}", field.key));
        }
        let kept: HashSet<&str> = self.rules.iter().map(|rule| rule.condition.as_str()).collect();
        if let Some(rule) = before.rules.iter().find(|rule| !kept.contains(rule.condition.as_str())) {
            changes.push(format!("it lacks the condition {}", rule.condition));
        }
        (!changes.is_empty()).then(|| changes.join(", "))
    }
}

/// The languages that all of the sections have, in the order of the first one.
fn languages(content: &[&Section]) -> Vec<Language> {
    let Some((first, others)) = content.split_first() else { return Vec::new() };
    let languages = first.forms.iter().map(|form| form.language);
    languages.filter(|language| others.iter().all(|section| section.form(*language).is_some())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::sections::SectionForm;
    use crate::catalogue::templates::tests::noon;

    fn field(key: &str) -> FieldKey {
        FieldKey { key: key.into(), kind: FieldType::Fillable }
    }

    fn section(name: &str, languages: &[Language], fields: &[&str]) -> Section {
        let forms = languages.iter().map(|language| SectionForm { language: *language, form: format!("{name}_{language:?}") });
        Section {
            id: Uuid::now_v7(),
            external_id: name.into(),
            forms: forms.collect(),
            fields: fields.iter().map(|key| field(key)).collect(),
        }
    }

    fn rule(section: &str, condition: &str) -> Rule {
        Rule { section: section.into(), condition: condition.into() }
    }

    fn definition(sections: &[&Section], rules: Vec<Rule>) -> Definition {
        let sections = sections.iter().map(|section| section.external_id.clone()).collect();
        Definition { default_language: Language::Es, sections, rules }
    }

    fn version(sections: &[&Section], rules: Vec<Rule>) -> Version {
        Version::new(Uuid::now_v7(), noon(), definition(sections, rules), sections).unwrap()
    }

    fn problems(refused: Result<impl Sized, Error>) -> Vec<String> {
        match refused.err() {
            Some(Error::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
            other => panic!("not invalid: {other:?}"),
        }
    }

    const ES: &[Language] = &[Language::Es];

    #[test]
    fn a_condition_is_a_name_and_a_value() {
        for good in ["GDPR:YES", "a:b:c", "ámbito:sí", "x y:1 2", &format!("N:{}", "v".repeat(MAX_CONDITION - 2))] {
            assert_eq!(check_condition(good), Ok(()), "{good}");
        }
        for bad in ["", "GDPR", ":", "GDPR:", ":YES", " GDPR:YES", "GDPR :YES", "GDPR: YES", "GDPR:YES ", "G\n:Y", "G:Y\0"] {
            assert_eq!(check_condition(bad), Err("expected NAME:VALUE, as in GDPR:YES".to_owned()), "{bad:?}");
        }
        assert_eq!(check_condition(&format!("N:{}", "v".repeat(MAX_CONDITION - 1))), Err("expected at most 255 bytes".into()));
    }

    #[test]
    fn everything_that_is_wrong_with_a_definition_is_told_at_once() {
        let mut definition = definition(&[], vec![rule("gdpr", "GDPR"), rule("The GDPR", "GDPR:YES"), rule("a", "A:B")]);
        assert_eq!(
            problems(definition.check()),
            [
                "orderedSectionNames: expected at least one section",
                "rules[0].condition: expected NAME:VALUE, as in GDPR:YES",
                "rules[1].sectionExternalId: expected the external id of a section: lower-case letters, digits and underscores",
            ]
        );
        definition.sections = vec!["a".into(); MAX_SECTIONS];
        definition.rules = vec![rule("a", "A:B"); MAX_RULES];
        definition.check().unwrap();
        definition.sections.push("a".into());
        definition.rules.push(rule("a", "A:B"));
        let expected = ["orderedSectionNames: expected at most 100 sections", "rules: expected at most 100 rules"];
        assert_eq!(problems(definition.check()), expected);
    }

    #[test]
    fn a_version_has_the_union_of_fields_and_the_languages_of_all_its_sections() {
        let first = section("first", &[Language::En, Language::Es, Language::Ca], &["NAME", "CITY"]);
        let second = section("second", &[Language::Es, Language::Ca, Language::Eu], &["CITY", "DATE"]);
        let version = version(&[&first, &second], Vec::new());
        assert_eq!(version.languages, [Language::Es, Language::Ca]);
        assert_eq!(version.fields, [field("NAME"), field("CITY"), field("DATE")]);
        assert_eq!(version.sections, ["first", "second"], "their order is kept");
    }

    #[test]
    fn every_section_needs_a_form_in_the_default_language() {
        let (first, second) = (section("first", ES, &[]), section("second", &[Language::En], &[]));
        let sections = [&first, &second];
        let found = problems(Version::new(Uuid::now_v7(), noon(), definition(&sections, Vec::new()), &sections));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("orderedSectionNames[1]: second has no form in the default language"), "{found:?}");
    }

    #[test]
    fn a_field_is_a_signature_in_all_sections_or_in_none() {
        let (first, mut second) = (section("first", ES, &["SIGN"]), section("second", ES, &["SIGN"]));
        second.fields[0].kind = FieldType::Signature;
        let sections = [&first, &second];
        let found = problems(Version::new(Uuid::now_v7(), noon(), definition(&sections, Vec::new()), &sections));
        assert!(found[0].starts_with("orderedSectionNames: the field SIGN is a signature in one place"), "{found:?}");
    }

    #[test]
    fn a_version_fits_into_one_record_or_is_refused() {
        fn name(number: usize) -> String {
            format!("{}{number:03}", "s".repeat(252))
        }
        let fields: Vec<String> = (0..960).map(|number| format!("{}{number:03}", "F".repeat(150))).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let sections: Vec<Section> =
            (0..MAX_SECTIONS).map(|number| section(&name(number), ES, if number == 0 { &fields } else { &[] })).collect();
        let sections: Vec<&Section> = sections.iter().collect();
        let rules = |value: &str| {
            let condition = format!("A:{value}");
            (0..MAX_RULES).map(|number| rule(&name(number), &condition)).collect::<Vec<_>>()
        };
        let of = |rules: Vec<Rule>| Version::new(Uuid::now_v7(), noon(), definition(&sections, rules), &sections);

        let largest = of(rules("b")).unwrap();
        assert!(largest.weight() > store::MAX_BODY * 3 / 4, "{} bytes are near the bound", largest.weight());
        assert!(serde_json::to_vec(&largest).unwrap().len() <= store::MAX_BODY);
        let found = problems(of(rules(&"\"".repeat(MAX_CONDITION - 2))));
        assert!(found[0].starts_with("orderedSectionNames: sections, rules and names of fields take more than"), "{found:?}");
    }

    #[test]
    fn a_section_is_printed_when_all_its_rules_are_met() {
        let [header, gdpr, footer] = ["header", "gdpr", "footer"].map(|name| section(name, ES, &[]));
        let rules = vec![rule("gdpr", "GDPR:YES"), rule("gdpr", "AGE:ADULT"), rule("footer", "DRAFT:NO"), rule("other", "X:Y")];
        let version = version(&[&header, &gdpr, &footer], rules);
        let printed = |flags: &[&str]| version.printed(&flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>());
        assert_eq!(printed(&[]), ["header"]);
        assert_eq!(printed(&["GDPR:YES"]), ["header"], "one of two rules is not enough");
        assert_eq!(printed(&["GDPR:YES", "AGE:ADULT"]), ["header", "gdpr"]);
        assert_eq!(printed(&["DRAFT:NO", "UNKNOWN:FLAG"]), ["header", "footer"]);
        assert_eq!(printed(&["draft:no", "DRAFT"]), ["header"], "a flag is the condition, letter by letter");
        assert_eq!(printed(&["AGE:ADULT", "DRAFT:NO", "GDPR:YES"]), ["header", "gdpr", "footer"]);
    }

    #[test]
    fn a_rule_on_a_section_that_the_version_lacks_is_kept_without_effect() {
        let header = section("header", ES, &[]);
        let version = version(&[&header], vec![rule("gdpr", "GDPR:YES")]);
        assert_eq!(version.printed(&[]), ["header"]);
        assert_eq!(version.rules, [rule("gdpr", "GDPR:YES")]);
    }

    #[test]
    fn a_section_that_is_there_twice_is_printed_twice_and_its_rules_hold_for_both() {
        let (sheet, body) = (section("sheet", ES, &[]), section("body", ES, &["NAME"]));
        let version = version(&[&sheet, &body, &sheet], vec![rule("sheet", "SHEETS:YES")]);
        assert_eq!(version.printed(&[]), ["body"]);
        assert_eq!(version.printed(&["SHEETS:YES".to_owned()]), ["sheet", "body", "sheet"]);
    }

    #[test]
    fn what_is_taken_away_or_asked_for_more_breaks_the_contract_of_use() {
        let both = &[Language::Es, Language::En];
        let [one, other, more, signed] = [
            section("one", both, &["NAME", "CITY"]),
            section("other", both, &["CITY", "NAME"]),
            section("more", both, &["NAME", "CITY", "DATE"]),
            section("less", both, &["NAME"]),
        ];
        let before = version(&[&one], vec![rule("one", "A:B"), rule("one", "C:D")]);
        let rules = || vec![rule("one", "C:D"), rule("other", "A:B")];

        for kept in [
            version(&[&one], before.rules.clone()),
            version(&[&other, &one, &one], rules()),
            version(&[&other], [rules(), vec![rule("one", "NEW:YES")]].concat()),
            version(&[&section("third", &[Language::Ca, Language::Es, Language::En], &["NAME", "CITY"])], rules()),
        ] {
            assert_eq!(kept.breaks(&before), None, "{kept:?}");
        }
        for (broken, why) in [
            (version(&[&more], rules()), "it adds the field DATE"),
            (version(&[&signed], rules()), "it lacks the field CITY"),
            (version(&[&section("es", ES, &["NAME", "CITY"])], rules()), "it lacks a language"),
            (version(&[&one], vec![rule("one", "A:B")]), "it lacks the condition C:D"),
            (version(&[&one], Vec::new()), "it lacks the condition A:B"),
            (Version { default_language: Language::En, ..version(&[&one], rules()) }, "it has another default language"),
            (version(&[&more], Vec::new()), "it adds the field DATE, it lacks the condition A:B"),
        ] {
            assert_eq!(broken.breaks(&before).as_deref(), Some(why));
        }
        let mut kind = before.clone();
        kind.fields[1].kind = FieldType::Signature;
        assert_eq!(kind.breaks(&before).as_deref(), Some("it lacks the field CITY, it adds the field CITY"));
    }

    #[test]
    fn an_edit_changes_what_it_names_and_nothing_else() {
        let (one, other) = (section("one", ES, &["NAME"]), section("other", ES, &["NAME"]));
        let version = version(&[&one], vec![rule("one", "A:B")]);
        let whole = Edit::default().apply(&version);
        assert_eq!(whole, definition(&[&one], vec![rule("one", "A:B")]));
        let edit = Edit { sections: Some(vec!["other".into()]), ..Edit::default() };
        assert_eq!(edit.apply(&version), definition(&[&other], vec![rule("one", "A:B")]));
        let edit = Edit { rules: Some(Vec::new()), default_language: Some(Language::En), sections: None };
        let expected = Definition { default_language: Language::En, ..definition(&[&one], Vec::new()) };
        assert_eq!(edit.apply(&version), expected, "an empty list is a value, and an absent one is none");
    }

    #[test]
    fn fields_of_the_configuration_are_known_by_their_names() {
        let of = |key| version(&[&section("one", ES, &["NAME", key])], Vec::new()).is_configured();
        assert!(of("CONFIG_TENANT.LOGO"));
        assert!(!of("CONFIG_TENANTS") && !of("X.CONFIG_TENANT.LOGO") && !of("config_tenant.logo"));
    }

    proptest! {
        /// Whatever the flags, what is printed is in order, and more flags never print less.
        #[test]
        fn more_flags_never_print_less(
            rules in prop::collection::vec((0..4usize, 0..4usize), 0..12),
            flags in prop::collection::vec(0..4usize, 0..4),
            more in prop::collection::vec(0..4usize, 0..4),
        ) {
            let sections: Vec<Section> = (0..3).map(|number| section(&format!("s{number}"), ES, &[])).collect();
            let sections: Vec<&Section> = sections.iter().collect();
            let rules: Vec<Rule> = rules.iter().map(|(section, flag)| rule(&format!("s{section}"), &format!("F:{flag}"))).collect();
            let version = version(&sections, rules.clone());
            let named = |flags: &[usize]| flags.iter().map(|flag| format!("F:{flag}")).collect::<Vec<_>>();
            let fewer = named(&flags);
            let printed = version.printed(&fewer);
            for name in &version.sections {
                let is_met = rules.iter().filter(|rule| rule.section == *name).all(|rule| fewer.contains(&rule.condition));
                prop_assert_eq!(printed.contains(&name.as_str()), is_met);
            }
            let all = version.printed(&[fewer, named(&more)].concat());
            prop_assert!(printed.iter().all(|name| all.contains(name)));
            prop_assert!(all.is_sorted(), "the order of the version is kept");
        }
    }
}
