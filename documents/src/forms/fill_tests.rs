//! Values go in, and are what is drawn and read back.

use lopdf::Document;

use super::*;
use crate::fields;
use crate::fixtures::{self, Kind as Made};
use crate::pdf;

fn form(fields: &[(&str, Made<'_>)]) -> Arc<Form> {
    Arc::new(Form::read(&fixtures::form(fields)).unwrap())
}

fn texts<'a>(values: &[(&'a str, &'a str)]) -> HashMap<&'a str, Value<'a>> {
    by_name(values.iter().map(|(name, value)| (*name, Value::Text(value)))).unwrap()
}

fn filled(form: &Arc<Form>, values: &[(&str, &str)]) -> Filled {
    fill(std::slice::from_ref(form), &texts(values), Options::default()).unwrap()
}

fn refused(form: &Arc<Form>, values: &[(&str, &str)]) -> (String, Reason) {
    match fill(std::slice::from_ref(form), &texts(values), Options::default()) {
        Err(FillError::Field { name, reason }) => (name, reason),
        other => panic!("{other:?}"),
    }
}

/// The values of a filled form as other programs read them.
fn values(pdf: &[u8]) -> HashMap<String, Vec<String>> {
    let document: Document = crate::reader::load(pdf).unwrap();
    let value = |field: &fields::Field<'_>| match field.value.map(|value| pdf::resolve(&document, value)) {
        Some(Object::Name(state)) => vec![button::state_text(state)],
        _ => value::chosen(&document, field.value).unwrap(),
    };
    fields::all(&document).unwrap().iter().map(|field| (field.name.clone(), value(field))).collect()
}

#[test]
fn each_kind_of_field_has_its_value_afterwards() {
    let form = Arc::new(Form::read(&fixtures::large_form()).unwrap());
    assert_eq!((form.pages(), form.fields().len()), (2, 44));
    let given = fixtures::form_values();
    let filled = filled(&form, &given);
    assert_eq!((filled.pages, filled.unknown.len(), filled.replaced.len()), (2, 0, 0));
    let read = values(&filled.pdf);
    for (name, value) in given {
        let expected: Vec<&str> = match name {
            "consent.terms" => vec!["Yes"],
            "consent.marketing" => vec!["Off"],
            "consent.channels" => vec!["mail", "post"],
            _ => vec![value],
        };
        assert_eq!(read[name], expected, "{name}");
    }
}

#[test]
fn a_value_is_refused_with_the_name_of_its_field_and_without_itself() {
    let form = form(&[
        ("a.short", Made::Short(3)),
        ("comb", Made::Comb(4)),
        ("combo", Made::Combo(&[("x", "X")])),
        ("list", Made::List(&[("x", "X"), ("y", "Y")])),
        ("box", Made::CheckBox),
        ("radio", Made::Radio(&["one", "two"])),
        ("button", Made::PushButton),
        ("signature", Made::Signature),
        ("line", Made::Text),
    ]);
    let long = "secret ".repeat(100);
    let cases = [
        ("a.short", "secret", Reason::TooManyCharacters(3)),
        ("comb", "secret", Reason::TooManyCharacters(4)),
        ("combo", "secret", Reason::NotAChoice),
        ("list", "secret", Reason::NotAChoice),
        ("list", "x\ny", Reason::OneChoice),
        ("box", "secret", Reason::NotAChoice),
        ("radio", "secret", Reason::NotAChoice),
        ("radio", "true", Reason::NotAChoice),
        ("button", "secret", Reason::TakesNoText),
        ("signature", "secret", Reason::TakesNoText),
        ("line", long.as_str(), Reason::DoesNotFit),
    ];
    for (name, value, reason) in cases {
        assert_eq!(refused(&form, &[(name, value)]), (name.to_owned(), reason), "{name}");
        let error = fill(std::slice::from_ref(&form), &texts(&[(name, value)]), Options::default()).unwrap_err().to_string();
        assert!(error.contains(name) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn names_that_no_form_has_are_ignored_and_told_and_a_name_given_twice_is_refused() {
    let form = form(&[("name", Made::Text)]);
    assert_eq!(filled(&form, &[("z", "1"), ("name", "2"), ("b", "3")]).unknown, ["b", "z"]);
    assert!(matches!(by_name([("a", Value::Text("1")), ("a", Value::Text("1"))]), Err(FillError::Twice(name)) if name == "a"));
}

#[test]
fn control_characters_become_question_marks_and_raw_lets_tabs_and_line_ends_pass() {
    let form = form(&[("notes", Made::Multiline)]);
    let value = "a\tb\r\nc\u{7}d\u{85}e ñ@.";
    let of = |mode| {
        let options = Options { mode, ..Options::default() };
        values(&fill(std::slice::from_ref(&form), &texts(&[("notes", value)]), options).unwrap().pdf)["notes"][0].clone()
    };
    assert_eq!(of(Mode::Default), "a?b??c?d?e ñ@.");
    assert_eq!(of(Mode::Raw), "a\tb\r\nc?d\u{85}e ñ@.");
}
