//! Whole forms, made by code: what is drawn is read back from the content streams as a viewer would read it.

use lopdf::content::Content;
use proptest::prelude::*;

use super::encoding::Encoding;
use super::*;
use crate::fixtures;
use crate::revision::{Changes, Revisions};

const RECT: [i64; 4] = [72, 600, 372, 620];

fn string(text: &str) -> Object {
    lopdf::text_string(text)
}

fn rect(corners: [i64; 4]) -> Object {
    corners.map(Object::Integer).to_vec().into()
}

/// A text field that is its own widget.
fn text_field(name: &str, value: &str) -> Dictionary {
    dictionary! {
        "Type" => "Annot", "Subtype" => "Widget", "FT" => "Tx", "F" => 4, "T" => string(name), "V" => string(value),
        "Rect" => rect(RECT), "DA" => Object::string_literal("/Helv 12 Tf 0 0 1 rg"),
    }
}

/// The contract with a form of these fields, each its own widget, that leaves drawing to the viewer.
fn form(fields: Vec<Dictionary>) -> Document {
    let mut document = crate::reader::load(&fixtures::contract(&[])).unwrap();
    let page = pdf::pages(&document).unwrap()[0];
    let ids: Vec<Object> = fields.into_iter().map(|field| document.add_object(field).into()).collect();
    document.get_dictionary_mut(page).unwrap().set("Annots", ids.clone());
    let helvetica = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" };
    let form = dictionary! {
        "Fields" => ids, "NeedAppearances" => true, "DA" => Object::string_literal("/Helv 0 Tf 0 g"),
        "DR" => dictionary! { "Font" => dictionary! { "Helv" => helvetica } },
    };
    let form = document.add_object(form);
    document.catalog_mut().unwrap().set("AcroForm", form);
    document
}

fn draw(document: &Document) -> Result<Drawn, Error> {
    let mut next = document.max_id;
    draw_values(document, &mut || {
        next += 1;
        (next, 0)
    })
}

/// The document with what was drawn.
fn after(document: &Document) -> Document {
    let mut after = document.clone();
    after.objects.extend(draw(document).unwrap().objects);
    after
}

fn reason(document: &Document) -> Reason {
    match draw(document) {
        Err(Error::Field { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn first_field(document: &Document) -> &Dictionary {
    pdf::dict_at(document, fields::all(document).unwrap()[0].id).unwrap()
}

/// The form XObject that a widget shows.
pub(super) fn shown<'a>(document: &'a Document, widget: &'a Dictionary) -> &'a Stream {
    let normal = pdf::entry(document, pdf::dict_entry(document, widget, b"AP").unwrap(), b"N").unwrap();
    let normal = match normal {
        Object::Dictionary(states) => pdf::entry(document, states, widget.get(b"AS").unwrap().as_name().unwrap()).unwrap(),
        other => other,
    };
    normal.as_stream().unwrap()
}

/// A line of text in an appearance: where it starts, the font's size, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    x: f32,
    y: f32,
    pub(super) size: f32,
    pub(super) text: String,
}

pub(super) fn seen(document: &Document, widget: &Dictionary) -> Vec<Seen> {
    let form = shown(document, widget);
    let content = Content::decode(&unpacked(form, 1 << 20).unwrap()).unwrap();
    let mut font = Vec::new();
    let mut size = 0.0;
    let mut lines: Vec<Seen> = Vec::new();
    for operation in content.operations {
        let number = |index: usize| operation.operands[index].as_float().unwrap();
        let codes = |operand: &Object| operand.as_str().map(<[u8]>::to_vec).unwrap_or_default();
        let shown: Vec<u8> = match operation.operator.as_str() {
            "Tf" => {
                font = operation.operands[0].as_name().unwrap().to_vec();
                size = number(1);
                continue;
            }
            operator @ ("Tm" | "Td") => {
                let first = if operator == "Tm" { 4 } else { 0 };
                lines.push(Seen { x: number(first), y: number(first + 1), size, text: String::new() });
                continue;
            }
            "Tj" => codes(&operation.operands[0]),
            "TJ" => operation.operands[0].as_array().unwrap().iter().flat_map(codes).collect(),
            _ => continue,
        };
        let line = lines.last_mut().unwrap();
        line.size = size;
        line.text += &decoded(document, form, &font, &shown);
    }
    lines
}

/// The text of a string that is shown, by the font's encoding or its map to Unicode.
fn decoded(document: &Document, form: &Stream, font: &[u8], shown: &[u8]) -> String {
    let resources = pdf::dict_entry(document, &form.dict, b"Resources").unwrap();
    let font = pdf::dict_entry(document, pdf::dict_entry(document, resources, b"Font").unwrap(), font).unwrap();
    let Some(map) = pdf::entry(document, font, b"ToUnicode") else {
        let encoding = pdf::entry(document, font, b"Encoding")
            .map_or(Encoding::Standard, |encoding| Encoding::named(encoding.as_name().unwrap()).unwrap());
        return shown.iter().map(|code| encoding.character(*code).unwrap()).collect();
    };
    let map = String::from_utf8(unpacked(map.as_stream().unwrap(), 1 << 20).unwrap()).unwrap();
    let entries: HashMap<String, String> = map
        .lines()
        .filter_map(|line| line.strip_prefix('<')?.strip_suffix('>')?.split_once("> <"))
        .map(|(code, text)| {
            let units: Vec<u16> = text
                .as_bytes()
                .chunks(4)
                .map(|unit| u16::from_str_radix(std::str::from_utf8(unit).unwrap(), 16).unwrap())
                .collect();
            (code.to_owned(), String::from_utf16(&units).unwrap())
        })
        .collect();
    shown.chunks(2).map(|code| entries[&format!("{:02X}{:02X}", code[0], code[1])].as_str()).collect()
}

fn texts(document: &Document) -> Vec<String> {
    let after = after(document);
    seen(&after, first_field(&after)).into_iter().map(|line| line.text).collect()
}

#[test]
fn a_stale_appearance_gives_way_to_the_value() {
    let mut document = form(vec![text_field("rent", "1.250,00 EUR a month")]);
    let stale = document.add_object(Stream::new(dictionary! { "Subtype" => "Form" }, b"/Tx BMC EMC".to_vec()));
    let id = fields::all(&document).unwrap()[0].id;
    document.get_dictionary_mut(id).unwrap().set("AP", dictionary! { "N" => stale });
    let drawn = draw(&document).unwrap();
    assert_eq!(drawn.widgets, [Widget { page: 0, rect: [72.0, 600.0, 372.0, 620.0] }]);
    let after = after(&document);
    let lines = seen(&after, first_field(&after));
    assert_eq!(
        lines.iter().map(|line| (line.text.as_str(), line.size, line.x)).collect::<Vec<_>>(),
        [("1.250,00 EUR a month", 12.0, 2.0)]
    );
    assert!((5.0..7.0).contains(&lines[0].y));
}

#[test]
fn a_form_that_has_its_appearances_is_left_alone() {
    let mut document = form(vec![text_field("rent", "12")]);
    let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
    document.get_dictionary_mut(form).unwrap().set("NeedAppearances", false);
    assert!(draw(&document).unwrap().objects.is_empty());
    assert!(draw(&crate::reader::load(&fixtures::contract(&["A"])).unwrap()).unwrap().objects.is_empty());
}

#[test]
fn what_is_drawn_goes_into_a_revision_as_it_is() {
    let mut bytes = Vec::new();
    form(vec![text_field("a", "Łódź €"), text_field("b", "plain")]).save_to(&mut bytes).unwrap();
    let mut revisions = Revisions::open(&bytes).unwrap();
    let document = revisions.document().clone();
    let drawn = draw_values(&document, &mut || revisions.new_id()).unwrap();
    let mut changes = Changes::default();
    for (id, object) in drawn.objects {
        changes.set(id, object);
    }
    revisions.append(changes).unwrap();
    let again = crate::reader::load(&revisions.whole()).unwrap();
    let shown: Vec<String> = fields::all(&again)
        .unwrap()
        .iter()
        .map(|field| seen(&again, pdf::dict_at(&again, field.id).unwrap())[0].text.clone())
        .collect();
    assert_eq!(shown, ["Łódź €", "plain"]);
}

#[test]
fn text_is_drawn_in_every_encoding_and_with_every_letter() {
    for value in ["España €", "Ελένη", "Юлия", "Łódź", "ŀ·ß", "“x” – y"] {
        assert_eq!(texts(&form(vec![text_field("a", value)])), [value]);
    }
    // From left to right, as it is drawn: the bracket that closes looks like "(", and its place says what it means.
    assert_eq!(texts(&form(vec![text_field("a", "דוד (1)")])), ["(1) דוד"]);
    // The font's letters are joined: the forms at the start, in the middle and at the end of a word differ, but all are read as "ه".
    assert_eq!(texts(&form(vec![text_field("a", "ههه")])), ["ههه"]);
    let document = form(vec![text_field("a", "\u{10fffd}")]);
    assert_eq!(reason(&document), Reason::NoGlyph('\u{10fffd}'));
    let error = draw(&document).unwrap_err().to_string();
    assert!(error.contains("\"a\"") && error.contains("U+10FFFD"), "{error}");
}

#[test]
fn a_password_is_as_many_asterisks() {
    let mut field = text_field("secret", "s3crét");
    field.set("Ff", flag::PASSWORD);
    assert_eq!(texts(&form(vec![field])), ["******"]);
}

#[test]
fn lines_are_wrapped_where_the_field_has_several_and_joined_where_it_has_one() {
    let mut field = text_field("a", "first\rsecond");
    assert_eq!(texts(&form(vec![field.clone()])), ["first second"]);
    field.set("Ff", flag::MULTILINE);
    field.set("Rect", rect([72, 500, 172, 600]));
    assert_eq!(texts(&form(vec![field.clone()])), ["first", "second"]);
    field.set("V", string("the tenant pays the rent every month"));
    let lines = texts(&form(vec![field]));
    assert!(lines.len() > 1);
    assert_eq!(lines.join(" "), "the tenant pays the rent every month");
}

#[test]
fn a_comb_places_each_character_and_refuses_what_has_no_cell() {
    let mut field = text_field("iban", "ES91");
    field.set("Ff", flag::COMB);
    field.set("MaxLen", 24);
    let document = after(&form(vec![field.clone()]));
    let lines = seen(&document, first_field(&document));
    assert_eq!(lines.iter().map(|line| (line.x / 12.5) as i64).collect::<Vec<_>>(), [0, 1, 2, 3]);
    for length in [3, i64::from(i32::MAX) + 1] {
        field.set("MaxLen", length);
        assert_eq!(reason(&form(vec![field.clone()])), Reason::LongerThanComb);
    }
    for length in [0, -5] {
        field.set("MaxLen", length);
        assert_eq!(texts(&form(vec![field.clone()])), ["ES91"]);
    }
}

#[test]
fn what_is_chosen_is_shown_by_its_name() {
    let pair = |export: &str, display: &str| Object::Array(vec![string(export), string(display)]);
    let mut field = text_field("a", "b");
    field.set("FT", "Ch");
    field.set("Ff", flag::COMBO);
    field.set("Opt", vec![pair("a", "Apples"), pair("b", "Bananas"), string("c")]);
    assert_eq!(texts(&form(vec![field.clone()])), ["Bananas"]);
    field.set("V", string("my own"));
    assert_eq!(texts(&form(vec![field.clone()])), ["my own"]);
    field.set("Ff", 0);
    field.set("Rect", rect([72, 500, 172, 600]));
    field.set("V", vec![string("c")]);
    let document = form(vec![field]);
    assert_eq!(texts(&document), ["Apples", "Bananas", "c"]);
    let after = after(&document);
    let content = unpacked(shown(&after, first_field(&after)), 10_000).unwrap();
    assert_eq!(content.windows(2).filter(|window| window == b"re").count(), 1);
}

fn button(value: Option<&str>) -> Dictionary {
    let mut field = dictionary! {
        "Type" => "Annot", "Subtype" => "Widget", "FT" => "Btn", "F" => 4, "T" => string("yes"), "Rect" => rect([72, 600, 92, 620]),
    };
    if let Some(value) = value {
        field.set("V", value);
    }
    field
}

#[test]
fn a_check_box_shows_the_state_that_its_value_names() {
    let state = |field: Dictionary| {
        let document = after(&form(vec![field]));
        String::from_utf8_lossy(first_field(&document).get(b"AS").unwrap().as_name().unwrap()).into_owned()
    };
    let look = || Stream::new(dictionary! { "Subtype" => "Form" }, b"0 0 m 9 9 l S".to_vec());
    let with_looks = |value, current: Option<&str>| {
        let mut document = form(vec![button(value)]);
        let (on, off) = (document.add_object(look()), document.add_object(look()));
        let id = fields::all(&document).unwrap()[0].id;
        let field = document.get_dictionary_mut(id).unwrap();
        field.set("AP", dictionary! { "N" => dictionary! { "On" => on, "Off" => off } });
        if let Some(current) = current {
            field.set("AS", current);
        }
        document
    };
    let changed = |document: &Document| draw(document).unwrap().objects;
    for (value, before) in [("On", None), ("Off", None), ("On", Some("Gone"))] {
        let objects = changed(&with_looks(Some(value), before));
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0].1.as_dict().unwrap().get(b"AS").unwrap().as_name().unwrap(), value.as_bytes());
    }
    assert!(changed(&with_looks(Some("On"), Some("On"))).is_empty());
    assert!(changed(&with_looks(None, Some("On"))).is_empty());
    for (value, current) in [("On", "Off"), ("Off", "On")] {
        let expected = Reason::StateIsNotValue { value: value.to_owned(), state: current.to_owned() };
        assert_eq!(reason(&with_looks(Some(value), Some(current))), expected);
    }
    assert_eq!(reason(&with_looks(Some("Other"), Some("On"))), Reason::NoSuchState("Other".to_owned()));
    assert_eq!(state(button(Some("Agreed"))), "Agreed");
    assert_eq!(state(button(Some("Off"))), "Off");
    assert_eq!(state(button(None)), "Off");
}

#[test]
fn a_check_box_without_a_look_gets_one() {
    let mut field = button(Some("Agreed"));
    field.set("MK", dictionary! { "BC" => vec![0.into()], "CA" => Object::string_literal("8") });
    let document = after(&form(vec![field]));
    let lines = seen(&document, first_field(&document));
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["✘"]);
}

#[test]
fn one_radio_button_of_a_group_is_on() {
    let mut document = form(vec![button(None), button(None), button(None)]);
    let ids: Vec<ObjectId> = fields::all(&document).unwrap().iter().map(|field| field.id).collect();
    let group = document.add_object(dictionary! {
        "FT" => "Btn", "Ff" => flag::RADIO, "T" => string("group"), "V" => "1",
        "Kids" => ids.iter().map(|id| (*id).into()).collect::<Vec<Object>>(),
        "Opt" => vec![string("red"), string("green"), string("blue")],
    });
    for (index, id) in ids.iter().enumerate() {
        let look = document.add_object(Stream::new(dictionary! {}, b"0 0 m 9 9 l S".to_vec()));
        let widget = document.get_dictionary_mut(*id).unwrap();
        widget.remove(b"T");
        widget.set("Parent", group);
        widget.set("AP", dictionary! { "N" => dictionary! { index.to_string() => look } });
    }
    let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
    document.get_dictionary_mut(form).unwrap().set("Fields", vec![group.into()]);
    let states = |document: &Document| -> Vec<String> {
        let after = after(document);
        let state = |id| pdf::dict_at(&after, id).unwrap().get(b"AS").unwrap().as_name().unwrap();
        ids.iter().map(|id| String::from_utf8_lossy(state(*id)).into_owned()).collect()
    };
    assert_eq!(states(&document), ["Off", "1", "Off"]);
    document.get_dictionary_mut(group).unwrap().set("V", "blue");
    assert_eq!(states(&document), ["Off", "Off", "2"]);
    document.get_dictionary_mut(group).unwrap().set("V", "pink");
    assert_eq!(reason(&document), Reason::NoSuchState("pink".to_owned()));
}

#[test]
fn a_radio_button_below_a_kid_without_a_name_belongs_to_its_group() {
    let mut document = form(vec![button(None), button(None)]);
    let ids: Vec<ObjectId> = fields::all(&document).unwrap().iter().map(|field| field.id).collect();
    let between = document.new_object_id();
    let group = document.add_object(dictionary! {
        "FT" => "Btn", "Ff" => flag::RADIO, "T" => string("group"), "V" => "0", "Kids" => vec![ids[0].into(), between.into()],
    });
    document.objects.insert(between, dictionary! { "Parent" => group, "Kids" => vec![ids[1].into()] }.into());
    for (index, (id, parent)) in ids.iter().zip([group, between]).enumerate() {
        let look = document.add_object(Stream::new(dictionary! {}, b"0 0 m 9 9 l S".to_vec()));
        let widget = document.get_dictionary_mut(*id).unwrap();
        widget.remove(b"T");
        widget.set("Parent", parent);
        widget.set("AP", dictionary! { "N" => dictionary! { index.to_string() => look } });
    }
    let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
    document.get_dictionary_mut(form).unwrap().set("Fields", vec![group.into()]);
    for (value, expected) in [("0", ["0", "Off"]), ("1", ["Off", "1"])] {
        document.get_dictionary_mut(group).unwrap().set("V", value);
        let after = after(&document);
        let states = ids.iter().map(|id| pdf::dict_at(&after, *id).unwrap().get(b"AS").unwrap().as_name().unwrap());
        assert_eq!(states.collect::<Vec<_>>(), expected.map(str::as_bytes));
    }
}

#[test]
fn a_push_button_keeps_its_look_and_gets_its_caption_where_it_has_none() {
    let mut field = button(None);
    field.set("Ff", flag::PUSH_BUTTON);
    field.set("Rect", rect([72, 600, 152, 620]));
    field.set("MK", dictionary! { "CA" => string("Send"), "BG" => vec![Object::Real(0.8)] });
    assert_eq!(texts(&form(vec![field.clone()])), ["Send"]);
    let mut document = form(vec![field]);
    let look = document.add_object(Stream::new(dictionary! {}, b"0 0 m 9 9 l S".to_vec()));
    let id = fields::all(&document).unwrap()[0].id;
    document.get_dictionary_mut(id).unwrap().set("AP", dictionary! { "N" => look });
    assert!(draw(&document).unwrap().objects.is_empty());
}

#[test]
fn what_is_not_seen_and_signatures_are_left_alone() {
    let with = |key: &str, value: Object| {
        let mut field = text_field("a", "12");
        field.set(key, value);
        draw(&form(vec![field])).unwrap().objects.len()
    };
    let no_view = |print| annotation_flag::NO_VIEW | print;
    assert_eq!(with("F", annotation_flag::HIDDEN.into()), 0);
    assert_eq!(with("F", no_view(0).into()), 0);
    assert_eq!(with("F", no_view(annotation_flag::PRINT).into()), 2);
    assert_eq!(with("Rect", rect([72, 600, 72, 600])), 0);
    assert_eq!(with("FT", "Sig".into()), 0);
}

#[test]
fn a_widget_that_no_field_lists_is_drawn_as_its_parents_say() {
    let mut document = form(vec![text_field("a", "12")]);
    let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
    let id = fields::all(&document).unwrap()[0].id;
    document.get_dictionary_mut(form).unwrap().set("Fields", Object::Array(Vec::new()));
    let after = after(&document);
    assert_eq!(seen(&after, pdf::dict_at(&after, id).unwrap())[0].text, "12");
    let page = pdf::pages(&document).unwrap()[0];
    let inline = pdf::dict_at(&document, id).unwrap().clone();
    document.get_dictionary_mut(page).unwrap().set("Annots", vec![Object::Dictionary(inline)]);
    assert_eq!(reason(&document), Reason::InlineWidget);
}

#[test]
fn a_turned_field_is_drawn_upright_into_its_rectangle() {
    for (rotation, matrix) in [
        (90, [0.0, 1.0, -1.0, 0.0, 20.0, 0.0]),
        (270, [0.0, -1.0, 1.0, 0.0, 0.0, 300.0]),
        (180, [-1.0, 0.0, 0.0, -1.0, 20.0, 300.0]),
    ] {
        let mut field = text_field("a", "12");
        field.set("Rect", rect([72, 300, 92, 600]));
        field.set("MK", dictionary! { "R" => rotation });
        let document = after(&form(vec![field]));
        let form = shown(&document, first_field(&document));
        let numbers = |key: &[u8]| -> Vec<f32> {
            form.dict.get(key).unwrap().as_array().unwrap().iter().map(|item| item.as_float().unwrap()).collect()
        };
        assert_eq!(numbers(b"Matrix"), matrix);
        let expected = if rotation == 180 { [0.0, 0.0, 20.0, 300.0] } else { [0.0, 0.0, 300.0, 20.0] };
        assert_eq!(numbers(b"BBox"), expected);
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_with_the_field() {
    let with = |key: &str, value: Object| {
        let mut field = text_field("a", "12");
        field.set(key, value);
        reason(&form(vec![field]))
    };
    assert_eq!(with("V", Object::Integer(3)), Reason::Unreadable);
    assert_eq!(with("V", Object::string_literal(vec![0x9f])), Reason::Unreadable);
    assert_eq!(with("V", string(&"wide ".repeat(400))), Reason::DoesNotFit);
    assert_eq!(with("Rect", rect([0, 0, 20_000, 10])), Reason::Rectangle);
    assert_eq!(with("Rect", rect([0, 0, i64::MAX, 10])), Reason::Rectangle);
    assert_eq!(with("Rect", vec![1.into()].into()), Reason::Rectangle);
}

#[test]
fn a_field_and_its_widget_must_agree_on_the_value() {
    let mut document = form(vec![text_field("a", "12")]);
    let id = fields::all(&document).unwrap()[0].id;
    let mut widget = pdf::dict_at(&document, id).unwrap().clone();
    widget.remove(b"T");
    widget.set("Parent", id);
    let page = pdf::pages(&document).unwrap()[0];
    let widget_id = document.add_object(widget);
    document.get_dictionary_mut(page).unwrap().set("Annots", vec![widget_id.into()]);
    document.get_dictionary_mut(id).unwrap().set("Kids", vec![widget_id.into()]);
    assert_eq!(draw(&document).unwrap().widgets.len(), 1);
    document.get_dictionary_mut(widget_id).unwrap().set("V", string("13"));
    for kind in ["Tx", "Ch"] {
        document.get_dictionary_mut(id).unwrap().set("FT", kind);
        assert_eq!(reason(&document), Reason::TwoValues, "{kind}");
    }
}

#[test]
fn a_form_with_more_text_than_is_drawn_is_refused() {
    let mut field = text_field("a", &"word ".repeat(3_000));
    field.set("Ff", flag::MULTILINE);
    field.set("Rect", rect([0, 0, 3_000, 3_000]));
    assert_eq!(draw(&form(vec![field.clone(); 3])).unwrap().widgets.len(), 3);
    let many = MAX_TEXT_BYTES / 15_000 + 1;
    assert!(matches!(draw(&form(vec![field.clone(); many])), Err(Error::TooMuch)));
    field.set("V", string(&"\u{200b}".repeat(5_000)));
    assert!(matches!(draw(&form(vec![field.clone(); many])), Err(Error::TooMuch)), "what has no shape costs as well");
    field.set("FT", "Ch");
    field.set("Opt", vec![string(""); value::MAX_OPTIONS]);
    assert!(matches!(draw(&form(vec![field; many])), Err(Error::TooMuch)), "options cost as well");
}

/// Some object that has no business there.
fn any_object() -> impl Strategy<Value = Object> {
    let number = prop_oneof![any::<i64>(), -3_i64..700, Just(1 << 31)].prop_map(Object::Integer);
    let leaf = prop_oneof![
        number,
        any::<f32>().prop_map(Object::Real),
        any::<bool>().prop_map(Object::Boolean),
        Just(Object::Null),
        "[A-Za-z0-9]{0,6}".prop_map(|name| Object::Name(name.into_bytes())),
        proptest::collection::vec(any::<u8>(), 0..24).prop_map(Object::string_literal),
        "(/Helv|/ZaDb| |[0-9.-]{1,5}|Tf|rg|g){0,8}".prop_map(Object::string_literal),
        (1_u32..30, Just(0_u16)).prop_map(Object::Reference),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let keys = "(R|CA|BC|BG|I|TP|W|S|D|N|On|Off|Font|Helv)";
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Object::Array),
            proptest::collection::vec((keys, inner), 0..5).prop_map(|entries| {
                let mut dictionary = Dictionary::new();
                for (key, value) in entries {
                    dictionary.set(key, value);
                }
                Object::Dictionary(dictionary)
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(9), cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn hostile_fields_are_drawn_or_refused(
        kind in prop_oneof![Just("Tx"), Just("Ch"), Just("Btn")], flags in 0_i64..1 << 26,
        entries in proptest::collection::vec(("(V|DA|Q|MaxLen|Opt|MK|BS|Border|AP|AS|Rect|F|TI|I|Ff|Kids|Parent)", any_object()), 0..6),
        in_form in proptest::collection::vec(("(DR|DA|Q)", any_object()), 0..2),
    ) {
        let mut field = text_field("a", "value of the field");
        field.set("FT", kind);
        field.set("Ff", flags);
        for (key, value) in entries {
            field.set(key, value);
        }
        let mut document = form(vec![field]);
        let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
        for (key, value) in in_form {
            document.get_dictionary_mut(form).unwrap().set(key, value);
        }
        if let Ok(drawn) = draw(&document) {
            let mut ids: Vec<ObjectId> = drawn.objects.iter().map(|(id, _)| *id).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), drawn.objects.len());
            for (_, object) in &drawn.objects {
                let mut bytes = Vec::new();
                lopdf::Writer::write_object(&mut bytes, object).unwrap();
                prop_assert!(!bytes.windows(3).any(|window| window == b"NaN" || window == b"inf"));
            }
        }
    }

    #[test]
    fn every_character_of_a_value_is_drawn(
        value in "[ -~áéñüçœšžŁłőΑ-ΡΣ-Ωа-я€–“”\n]{1,80}", flags in prop_oneof![Just(0), Just(flag::MULTILINE)],
        width in 20_i64..500, height in 6_i64..200, size in 0_u8..30, quadding in 0_i64..3, rotation in 0_i64..4,
    ) {
        let mut field = text_field("a", &value);
        field.set("Ff", flags);
        field.set("Q", quadding);
        field.set("MK", dictionary! { "R" => 90 * rotation });
        field.set("DA", Object::string_literal(format!("/Helv {size} Tf")));
        field.set("Rect", rect([50, 50, 50 + width, 50 + height]));
        let document = form(vec![field]);
        match draw(&document) {
            Ok(_) => {
                let sorted = |text: &str| {
                    let mut characters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
                    characters.sort_unstable();
                    characters
                };
                let after = after(&document);
                let given = sorted(&value);
                let drawn = if given.is_empty() { String::new() } else {
                    seen(&after, first_field(&after)).into_iter().map(|line| line.text).collect()
                };
                prop_assert_eq!(sorted(&drawn), given);
            }
            Err(Error::Field { reason, .. }) => prop_assert_eq!(reason, Reason::DoesNotFit),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
