//! Values go in, and are what is drawn and read back.

use lopdf::Document;

use super::*;
use crate::fields;
use crate::fixtures::{self, Kind as Made};

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

use crate::pdf;

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
