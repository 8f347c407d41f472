//! Values go in, and are what is drawn and read back.

use std::time::{Duration, Instant};

use lopdf::Document;
use proptest::prelude::*;

use super::super::tests::{seen, shown};
use super::super::{FieldKind, ReadError};
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
            // It is never stored.
            "account.password" => vec![],
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

/// What a form is before it is read, for changes.
fn changed(fields: &[(&str, Made<'_>)], change: impl FnOnce(&mut Document)) -> Vec<u8> {
    let mut document = crate::reader::load(&fixtures::form(fields)).unwrap();
    change(&mut document);
    let mut pdf = Vec::new();
    document.save_to(&mut pdf).unwrap();
    pdf
}

fn read(pdf: &[u8]) -> Arc<Form> {
    Arc::new(Form::read(pdf).unwrap())
}

fn acro_form(document: &mut Document) -> &mut Dictionary {
    let id = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
    document.get_dictionary_mut(id).unwrap()
}

fn field_mut<'a>(document: &'a mut Document, name: &str) -> &'a mut Dictionary {
    let id = fields::all(document).unwrap().into_iter().find(|field| field.name == name).unwrap().id;
    document.get_dictionary_mut(id).unwrap()
}

/// The dictionaries of a field and its widgets.
fn found<'a>(document: &'a Document, name: &str) -> (&'a Dictionary, Vec<&'a Dictionary>) {
    let field = fields::all(document).unwrap().into_iter().find(|field| field.name == name).unwrap();
    let widgets = field.widgets.iter().map(|id| pdf::dict_at(document, *id).unwrap()).collect();
    (pdf::dict_at(document, field.id).unwrap(), widgets)
}

/// The states of a button's widgets.
fn states(pdf: &[u8], name: &str) -> Vec<String> {
    let document = crate::reader::load(pdf).unwrap();
    let state = |widget: &&Dictionary| button::state_text(widget.get(b"AS").unwrap().as_name().unwrap());
    found(&document, name).1.iter().map(state).collect()
}

/// What the first widget of a field shows.
fn drawn(pdf: &[u8], name: &str) -> Vec<String> {
    let document = crate::reader::load(pdf).unwrap();
    seen(&document, found(&document, name).1[0]).into_iter().map(|line| line.text).collect()
}

#[test]
fn a_check_box_takes_its_state_or_true_and_is_turned_off_by_words() {
    let form = form(&[("box", Made::CheckBox), ("bare", Made::BareCheckBox)]);
    for name in ["box", "bare"] {
        for (value, state) in
            [("Yes", "Yes"), ("true", "Yes"), ("TRUE", "Yes"), ("false", "Off"), ("Off", "Off"), ("off", "Off"), ("", "Off")]
        {
            let filled = filled(&form, &[(name, value)]);
            assert_eq!(states(&filled.pdf, name), [state], "{name} {value}");
            assert_eq!(values(&filled.pdf)[name], [state]);
            let document = crate::reader::load(&filled.pdf).unwrap();
            assert!(!shown(&document, found(&document, name).1[0]).content.is_empty());
        }
    }
}

#[test]
fn radio_buttons_show_one_state_and_those_in_unison_the_same() {
    let form = form(&[("radio", Made::Radio(&["one", "two", "one"]))]);
    assert_eq!(form.fields()[0].kind, FieldKind::Radio);
    assert_eq!(form.fields()[0].options.len(), 2);
    assert_eq!(states(&filled(&form, &[("radio", "one")]).pdf, "radio"), ["one", "Off", "Off"]);
    assert_eq!(states(&filled(&form, &[("radio", "")]).pdf, "radio"), ["Off", "Off", "Off"]);
    let unison = changed(&[("radio", Made::Radio(&["one", "two", "one"]))], |document| {
        field_mut(document, "radio").set("Ff", 1 << 15 | 1 << 25);
    });
    assert_eq!(states(&filled(&read(&unison), &[("radio", "one")]).pdf, "radio"), ["one", "Off", "one"]);
}

#[test]
fn a_button_takes_its_export_value() {
    let pdf = changed(&[("radio", Made::Radio(&["0", "1"]))], |document| {
        field_mut(document, "radio").set("Opt", vec![lopdf::text_string("señor"), lopdf::text_string("señora")]);
    });
    let form = read(&pdf);
    assert_eq!(form.fields()[0].options.iter().map(|option| option.export.as_str()).collect::<Vec<_>>(), ["señor", "señora"]);
    let filled = filled(&form, &[("radio", "señora")]);
    assert_eq!(states(&filled.pdf, "radio"), ["Off", "1"]);
    assert_eq!(values(&filled.pdf)["radio"], ["1"]);
}

#[test]
fn radio_buttons_without_appearances_get_them() {
    let pdf = changed(&[("radio", Made::Radio(&["a", "b"]))], |document| {
        let widgets = fields::all(document).unwrap()[0].widgets.clone();
        for widget in widgets {
            let widget = document.get_dictionary_mut(widget).unwrap();
            widget.remove(b"AP");
            widget.remove(b"AS");
        }
    });
    let filled = filled(&read(&pdf), &[("radio", "1")]);
    assert_eq!(states(&filled.pdf, "radio"), ["Off", "1"]);
}

#[test]
fn a_button_without_a_look_for_off_shows_nothing_when_it_is_off() {
    let without_off = |needs: bool| {
        changed(&[("radio", Made::Radio(&["a", "b"]))], |document| {
            for widget in fields::all(document).unwrap()[0].widgets.clone() {
                let widget = document.get_dictionary_mut(widget).unwrap();
                let looks = widget.get_mut(b"AP").and_then(Object::as_dict_mut).unwrap();
                looks.get_mut(b"N").and_then(Object::as_dict_mut).unwrap().remove(b"Off");
            }
            acro_form(document).set("NeedAppearances", needs);
        })
    };
    let off = |pdf: &[u8]| {
        let filled = filled(&read(pdf), &[("radio", "b")]).pdf;
        assert_eq!(states(&filled, "radio"), ["Off", "b"]);
        let document = crate::reader::load(&filled).unwrap();
        let looks = found(&document, "radio").1[0].get(b"AP").unwrap().as_dict().unwrap();
        let off = pdf::entry(&document, looks.get(b"N").unwrap().as_dict().unwrap(), b"Off").unwrap();
        off.as_stream().unwrap().content.clone()
    };
    assert!(off(&without_off(false)).is_empty());
    // Viewers that draw everything anew draw the box.
    assert!(!off(&without_off(true)).is_empty());
}

#[test]
fn the_states_of_a_button_stand_in_its_widget() {
    let pdf = changed(&[("box", Made::CheckBox)], |document| {
        let looks = field_mut(document, "box").get(b"AP").unwrap().as_dict().unwrap().clone();
        let states = document.add_object(looks.get(b"N").unwrap().clone());
        let looks = document.add_object(dictionary! { "N" => states, "D" => states });
        field_mut(document, "box").set("AP", looks);
    });
    let filled = filled(&read(&pdf), &[("box", "true")]).pdf;
    let document = crate::reader::load(&filled).unwrap();
    let looks = found(&document, "box").1[0].get(b"AP").unwrap().as_dict().unwrap();
    let states = looks.get(b"N").unwrap().as_dict().unwrap();
    let names: BTreeSet<&[u8]> = states.iter().map(|(name, _)| name.as_slice()).collect();
    assert_eq!(names, BTreeSet::from([&b"Off"[..], b"Yes"]));
    assert!(pdf::dict_entry(&document, looks, b"D").is_some_and(|pressed| pressed.has(b"Yes")));
}

#[test]
fn widgets_below_a_kid_without_a_name_are_buttons_of_their_field() {
    let pdf = changed(&[("radio", Made::Radio(&["1", "2", "3"]))], |document| {
        let field = fields::all(document).unwrap()[0].id;
        let mut kids = document.get_dictionary(field).unwrap().get(b"Kids").unwrap().as_array().unwrap().clone();
        let between = document.add_object(dictionary! { "FT" => "Btn", "Parent" => field, "Kids" => vec![kids[1].clone()] });
        let widget = kids[1].as_reference().unwrap();
        document.get_dictionary_mut(widget).unwrap().set("Parent", between);
        kids[1] = between.into();
        document.get_dictionary_mut(field).unwrap().set("Kids", kids);
    });
    let form = read(&pdf);
    let options: Vec<&str> = form.fields()[0].options.iter().map(|option| option.export.as_str()).collect();
    assert_eq!((form.fields().len(), options, form.fields()[0].places.len()), (1, vec!["1", "2", "3"], 3));
    for (value, expected) in [("1", ["1", "Off", "Off"]), ("2", ["Off", "2", "Off"]), ("3", ["Off", "Off", "3"])] {
        let filled = filled(&form, &[("radio", value)]);
        assert_eq!(states(&filled.pdf, "radio"), expected);
        let flat =
            fill(std::slice::from_ref(&form), &texts(&[("radio", value)]), Options { flatten: true, ..Options::default() });
        assert_eq!(fields::all(&crate::reader::load(&flat.unwrap().pdf).unwrap()).unwrap(), []);
    }
}

#[test]
fn a_choice_is_stored_by_its_export_value_and_shown_by_its_name() {
    let options = &[("ES", "España"), ("FR", "France")];
    let form = form(&[
        ("combo", Made::Combo(options)),
        ("free", Made::Editable(options)),
        ("list", Made::List(options)),
        ("several", Made::Multiple(options)),
    ]);
    for name in ["combo", "free", "list", "several"] {
        for value in ["ES", "España"] {
            let filled = filled(&form, &[(name, value)]);
            assert_eq!(values(&filled.pdf)[name], ["ES"], "{name}");
            assert!(drawn(&filled.pdf, name).contains(&"España".to_owned()), "{name}");
        }
        assert_eq!(values(&filled(&form, &[(name, "")]).pdf)[name].concat(), "", "{name}");
    }
    let filled = filled(&form, &[("free", "Galicia"), ("several", "FR\nES")]);
    assert_eq!((values(&filled.pdf)["free"].concat(), drawn(&filled.pdf, "free").concat()), ("Galicia".into(), "Galicia".into()));
    assert_eq!(values(&filled.pdf)["several"], ["ES", "FR"]);
}

#[test]
fn the_value_that_is_set_wins_everywhere() {
    let pdf = changed(&[("name", Made::Text)], |document| {
        let field = field_mut(document, "name");
        field.set("Ff", 1 | 1 << 25);
        field.set("RV", lopdf::text_string("<body>old</body>"));
        let mut widget = field.clone();
        for key in [&b"T"[..], b"FT", b"Ff", b"RV"] {
            widget.remove(key);
        }
        let id = fields::all(document).unwrap()[0].id;
        let stale = document.add_object(lopdf::Stream::new(
            dictionary! { "Subtype" => "Form", "BBox" => vec![0.into(), 0.into(), 9.into(), 9.into()] },
            b"BT (stale) Tj ET".to_vec(),
        ));
        widget.extend(&dictionary! { "Parent" => id, "V" => lopdf::text_string("other"), "AP" => dictionary! { "N" => stale } });
        let widgets: Vec<Object> = (0..2).map(|_| document.add_object(widget.clone()).into()).collect();
        let field = field_mut(document, "name");
        for key in [&b"Type"[..], b"Subtype", b"Rect"] {
            field.remove(key);
        }
        field.set("Kids", widgets.clone());
        let page = pdf::pages(document).unwrap()[0];
        document.get_dictionary_mut(page).unwrap().set("Annots", widgets);
    });
    let form = read(&pdf);
    assert_eq!((form.fields()[0].read_only, form.fields()[0].places.len()), (true, 2));
    let filled = filled(&form, &[("name", "new")]);
    let document = crate::reader::load(&filled.pdf).unwrap();
    let (field, widgets) = found(&document, "name");
    assert_eq!((values(&filled.pdf)["name"].concat().as_str(), field.has(b"RV")), ("new", false));
    assert_eq!(field.get(b"Ff").unwrap().as_i64().unwrap(), 1);
    for widget in widgets {
        assert!(!widget.has(b"V"));
        assert_eq!(seen(&document, widget)[0].text, "new");
    }
    assert!(crate::pdf::find(&filled.pdf, b"stale").is_none());
}

#[test]
fn fields_of_one_name_share_the_value_also_across_forms() {
    let forms = [form(&[("name", Made::Text), ("name", Made::Multiline)]), form(&[("name", Made::Comb(5))])];
    assert_eq!((forms[0].fields().len(), forms[0].fields()[0].places.len()), (1, 2));
    let filled = fill(&forms, &texts(&[("name", "Ana")]), Options::default()).unwrap();
    let document = crate::reader::load(&filled.pdf).unwrap();
    let all = fields::all(&document).unwrap();
    assert_eq!(all.len(), 3);
    for field in &all {
        assert_eq!(value::chosen(&document, field.value).unwrap(), ["Ana"], "{}", field.name);
    }
    assert!(!filled.renamed.is_empty());
}

#[test]
fn what_is_not_filled_keeps_its_look_and_what_viewers_would_draw_is_drawn() {
    let make = |needs: bool| {
        changed(&[("kept", Made::Text), ("name", Made::Text), ("odd", Made::Text)], |document| {
            field_mut(document, "kept").set("V", lopdf::text_string("value"));
            field_mut(document, "odd").set("V", 5);
            if needs {
                acro_form(document).set("NeedAppearances", true);
            }
        })
    };
    let filled_with = |needs| filled(&read(&make(needs)), &[("name", "Ana")]).pdf;
    let document = crate::reader::load(&filled_with(false)).unwrap();
    assert!(!found(&document, "kept").1[0].has(b"AP"));
    let pdf = filled_with(true);
    assert_eq!(drawn(&pdf, "kept"), ["value"]);
    let document = crate::reader::load(&pdf).unwrap();
    assert!(!super::super::needs_appearances(&document));
}

#[test]
fn scripts_that_would_change_what_was_filled_are_gone() {
    let pdf = changed(&[("total", Made::Text), ("other", Made::Text), ("above.below", Made::Text)], |document| {
        let script =
            || dictionary! { "S" => "JavaScript", "JS" => lopdf::text_string("AFNumber_Format(2, 0, 0, 0, \"\", true);") };
        for name in ["total", "other"] {
            field_mut(document, name)
                .set("AA", dictionary! { "F" => script(), "K" => script(), "C" => script(), "E" => script() });
        }
        let parent = field_mut(document, "above.below").get(b"Parent").unwrap().as_reference().unwrap();
        document.get_dictionary_mut(parent).unwrap().set("AA", dictionary! { "F" => script() });
        let id = fields::all(document).unwrap()[0].id;
        acro_form(document).set("CO", vec![id.into()]);
    });
    let filled = filled(&read(&pdf), &[("total", "1234.5")]);
    assert_eq!(drawn(&filled.pdf, "total"), ["1234.5"]);
    let mut document = crate::reader::load(&filled.pdf).unwrap();
    let events = |name| {
        let actions = found(&document, name).0.get(b"AA").unwrap().as_dict().unwrap();
        actions.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!((events("total"), events("other").len()), (vec!["E".to_owned()], 4));
    let parent = found(&document, "above.below").0.get(b"Parent").unwrap().as_reference().unwrap();
    assert!(!document.get_dictionary(parent).unwrap().has(b"AA"));
    assert!(!acro_form(&mut document).has(b"CO"));
}

#[test]
fn characters_that_no_font_has_are_drawn_as_question_marks_and_told() {
    let form = form(&[("name", Made::Text)]);
    let filled = filled(&form, &[("name", "a\u{e001}b\u{e002}c")]);
    assert_eq!(filled.replaced, [Replaced { field: "name".into(), characters: vec!['\u{e001}', '\u{e002}'] }]);
    assert_eq!((values(&filled.pdf)["name"].concat(), drawn(&filled.pdf, "name").concat()), ("a?b?c".into(), "a?b?c".into()));
}

#[test]
fn options_that_no_font_has_are_drawn_as_question_marks_and_told() {
    let form = form(&[("list", Made::List(&[("1", "a\u{e001}"), ("2", "b"), ("3", "\u{e002}")]))]);
    let filled = filled(&form, &[("list", "3")]);
    assert_eq!(filled.replaced, [Replaced { field: "list".into(), characters: vec!['\u{e001}', '\u{e002}'] }]);
    assert_eq!(
        (values(&filled.pdf)["list"].concat(), drawn(&filled.pdf, "list")),
        ("3".into(), vec!["a?".to_owned(), "b".into(), "?".into()])
    );
}

#[test]
fn a_flattened_form_has_its_unsigned_signature_fields_alone() {
    let form = Arc::new(Form::read(&fixtures::large_form()).unwrap());
    let options = Options { flatten: true, ..Options::default() };
    let filled = fill(&[form], &texts(&fixtures::form_values()), options).unwrap();
    let document = crate::reader::load(&filled.pdf).unwrap();
    let names: Vec<String> = fields::all(&document).unwrap().into_iter().map(|field| field.name).collect();
    assert_eq!(names, ["contract.signature"]);
}

#[test]
fn the_same_values_give_the_same_file() {
    let form = Arc::new(Form::read(&fixtures::large_form()).unwrap());
    let given = fixtures::form_values();
    assert_eq!(filled(&form, &given).pdf, filled(&form, &given).pdf);
}

#[test]
fn a_signed_or_locked_form_is_refused_with_words() {
    let signed = changed(&[("s", Made::Signature)], |document| {
        let value = document.add_object(dictionary! { "Type" => "Sig", "Contents" => Object::string_literal("x") });
        field_mut(document, "s").set("V", value);
    });
    let error = Form::read(&signed).unwrap_err();
    assert_eq!(error, ReadError::Signed("s".into()));
    assert!(error.with_advice().contains("before it was signed"));
    let locked = fixtures::encrypted("user", lopdf::Permissions::default());
    assert_eq!(Form::read(&locked).unwrap_err(), ReadError::Document(pdf::Error::Encrypted));
    assert_eq!(Form::read(b"hello").unwrap_err(), ReadError::Document(pdf::Error::NotPdf));
    assert!(matches!(Form::read(&fixtures::page_cycle()), Err(ReadError::Document(pdf::Error::Damaged(_)))));
    // What cannot be reached without a cycle is no field.
    assert!(Form::read(&fixtures::field_cycle()).is_ok_and(|form| form.fields().len() <= 1));
}

#[test]
fn hostile_forms_stay_within_their_budget() {
    let start = Instant::now();
    // Huge combs, rectangles and default appearances.
    let pdf = changed(
        &[
            ("comb", Made::Comb(1 << 40)),
            ("rect", Made::Text),
            ("style", Made::Text),
            ("flat", Made::Text),
            ("odd", Made::Combo(&[("x", "X")])),
        ],
        |document| {
            field_mut(document, "rect")
                .set("Rect", vec![Object::Real(-1e30), Object::Real(-1e30), Object::Real(1e30), Object::Real(1e30)]);
            field_mut(document, "style").set("DA", Object::string_literal("/Helv 1 Tf ".repeat(300_000)));
            field_mut(document, "flat").set("Rect", vec![0.into(); 4]);
            field_mut(document, "odd").set("Opt", vec![5.into()]);
        },
    );
    let form = read(&pdf);
    assert_eq!(refused(&form, &[("comb", "1")]).1, Reason::LongerThanComb);
    assert_eq!(refused(&form, &[("odd", "1")]), ("odd".into(), Reason::Choices));
    assert_eq!(refused(&form, &[("rect", "1")]).1, Reason::Rectangle);
    assert_eq!(values(&filled(&form, &[("style", "1"), ("flat", "2")]).pdf)["flat"], ["2"]);
    // A list of options that very many fields share.
    let pdf = changed(&[("list", Made::List(&[("a", "A")]))], |document| {
        let options: Vec<Object> = (0..5_000).map(|_| lopdf::text_string("an option with a long name")).collect();
        let options = document.add_object(Object::Array(options));
        field_mut(document, "list").set("Opt", options);
        let copy = field_mut(document, "list").clone();
        let more: Vec<Object> = (0..2_000).map(|_| document.add_object(copy.clone()).into()).collect();
        acro_form(document).set("Fields", more);
    });
    assert!(matches!(Form::read(&pdf), Err(ReadError::TooManyOptions)));
    // As many fields as are read.
    let pdf = changed(&[("a", Made::Text)], |document| {
        let mut copy = field_mut(document, "a").clone();
        copy.remove(b"MK");
        // The reader allows one value for each 20 bytes.
        let long = "x".repeat(300);
        let more: Vec<Object> = (0..fields::MAX_FIELDS - 1)
            .map(|index| {
                let mut field = copy.clone();
                field.set("T", lopdf::text_string(&format!("f{index}{long}")));
                document.add_object(field).into()
            })
            .collect();
        let page = pdf::pages(document).unwrap()[0];
        document.get_dictionary_mut(page).unwrap().set("Annots", more.clone());
        acro_form(document).set("Fields", more);
    });
    let form = read(&pdf);
    assert_eq!(form.fields().len(), fields::MAX_FIELDS - 1);
    let name = format!("f7{}", "x".repeat(300));
    assert_eq!(values(&filled(&form, &[(&name, "x")]).pdf)[&name], ["x"]);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn what_many_fields_share_is_there_once() {
    // A default appearance of the form.
    let style = "0 g ".repeat(20_000) + "/Helv 10 Tf";
    let pdf = changed(&[("a", Made::Text)], |document| {
        field_mut(document, "a").remove(b"DA");
        let copy = field_mut(document, "a").clone();
        let more = (0..500).map(|index| {
            let mut field = copy.clone();
            field.set("T", lopdf::text_string(&format!("f{index}")));
            document.add_object(field).into()
        });
        let more: Vec<Object> = more.collect();
        let page = pdf::pages(document).unwrap()[0];
        document.get_dictionary_mut(page).unwrap().set("Annots", more.clone());
        acro_form(document).set("Fields", more);
        acro_form(document).set("DA", Object::string_literal(style.as_str()));
    });
    let form = read(&pdf);
    assert!(form.weight() < 30 * pdf.len(), "{} of {}", form.weight(), pdf.len());
    let filled = filled(&form, &[("f7", "x")]).pdf;
    assert!(filled.len() < 2 * pdf.len(), "{} of {}", filled.len(), pdf.len());
    assert_eq!(drawn(&filled, "f7"), ["x"]);
    // States of buttons, none of which has a look.
    let buttons = |count: usize| {
        changed(&[("box", Made::CheckBox)], |document| {
            let states: Dictionary = (0..90).map(|index| (format!("s{index}").into_bytes(), Object::Integer(1))).collect();
            let states = document.add_object(states);
            field_mut(document, "box").set("AP", dictionary! { "N" => states });
            let copy = field_mut(document, "box").clone();
            let more: Vec<Object> = (0..count).map(|_| document.add_object(copy.clone()).into()).collect();
            let page = pdf::pages(document).unwrap()[0];
            document.get_dictionary_mut(page).unwrap().set("Annots", more.clone());
            acro_form(document).set("Fields", more);
        })
    };
    let few = read(&buttons(10));
    let looks = few.document.objects.values().filter_map(|object| object.as_stream().ok());
    assert!(looks.filter(|stream| stream.dict.has(b"BBox")).count() <= 2 * 10 + 4);
    assert_eq!(states(&self::filled(&few, &[("box", "s7")]).pdf, "box"), ["s7"]);
    assert!(matches!(Form::read(&buttons(600)), Err(ReadError::TooManyStates)));
}

#[test]
fn more_text_than_is_drawn_is_refused() {
    let names: Vec<String> = (0..30).map(|index| format!("f{index}")).collect();
    let fields: Vec<(&str, Made<'_>)> = names.iter().map(|name| (name.as_str(), Made::Text)).collect();
    let form = form(&fields);
    let long = " ".repeat(100_000);
    let given: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
    assert!(matches!(fill(&[form], &texts(&given), Options::default()), Err(FillError::TooMuch)));
}

fn png(colour: png::ColorType, pixels: &[u8], width: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, 1);
    encoder.set_color(colour);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    file
}

#[test]
fn a_picture_is_shown_in_the_middle_of_buttons_and_signature_fields() {
    let form = form(&[("logo", Made::PushButton), ("signature", Made::Signature), ("name", Made::Text)]);
    let picture = Picture::read(&png(png::ColorType::Rgba, &[255, 0, 0, 255, 0, 255, 0, 128], 2)).unwrap();
    let given = HashMap::from([("logo", Value::Picture(&picture)), ("signature", Value::Picture(&picture))]);
    let filled = fill(std::slice::from_ref(&form), &given, Options::default()).unwrap();
    let document = crate::reader::load(&filled.pdf).unwrap();
    for name in ["logo", "signature"] {
        let look = shown(&document, found(&document, name).1[0]);
        // 240 by 40 points, a border of 1 point: 76 by 38 in the middle.
        let content = String::from_utf8(look.content.clone()).unwrap();
        assert!(content.contains("q 76 0 0 38 82 1 cm /Im Do Q"), "{content}");
        let resources = pdf::dict_entry(&document, &look.dict, b"Resources").unwrap();
        let images = pdf::dict_entry(&document, resources, b"XObject").unwrap();
        let image = pdf::entry(&document, images, b"Im").unwrap().as_stream().unwrap();
        let mask = pdf::entry(&document, &image.dict, b"SMask").unwrap().as_stream().unwrap();
        assert_eq!(image.get_plain_content().unwrap(), [255, 0, 0, 0, 255, 0]);
        assert_eq!(mask.get_plain_content().unwrap(), [255, 128]);
    }
    let wrong = HashMap::from([("name", Value::Picture(&picture))]);
    let error = fill(&[form], &wrong, Options::default()).unwrap_err();
    assert!(matches!(error, FillError::Field { name, reason: Reason::TakesNoPicture } if name == "name"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_is_filled_is_read_back_and_drawn(line in "[a-zA-Z0-9 ñéÇ€Łж,.()\\\\]{0,30}", notes in "[a-z ]{0,60}", comb in "[A-Z0-9]{0,8}", flatten in any::<bool>()) {
        let form = form(&[("line", Made::Text), ("notes", Made::Multiline), ("comb", Made::Comb(8))]);
        let given = [("line", line.as_str()), ("notes", notes.as_str()), ("comb", comb.as_str())];
        let filled = fill(&[form], &texts(&given), Options { flatten, ..Options::default() }).unwrap();
        prop_assert!(filled.replaced.is_empty());
        if !flatten {
            let read = values(&filled.pdf);
            let document = crate::reader::load(&filled.pdf).unwrap();
            for (name, value) in given {
                prop_assert_eq!(read[name].concat(), value);
                let widget = found(&document, name).1[0];
                let drawn: String = if widget.has(b"AP") { seen(&document, widget).into_iter().map(|line| line.text).collect() } else { String::new() };
                let plain = |text: &str| text.replace(' ', "");
                prop_assert_eq!(plain(&drawn), plain(value));
            }
        }
    }
}
