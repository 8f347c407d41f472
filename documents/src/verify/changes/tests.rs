use lopdf::{Dictionary, Document, Object, ObjectId, Stream, StringFormat, dictionary};

use super::{Changes, after};

const CATALOG: ObjectId = (1, 0);
const PAGES: ObjectId = (2, 0);
const PAGE: ObjectId = (3, 0);
const CONTENT: ObjectId = (4, 0);
const FONT: ObjectId = (5, 0);
const FORM: ObjectId = (6, 0);
const S1: ObjectId = (10, 0);
const S2: ObjectId = (11, 0);
const VALUE: ObjectId = (20, 0);
const PRICE: ObjectId = (30, 0);
const PRICE_SHOWN: ObjectId = (31, 0);
const BOX: ObjectId = (32, 0);
const BUTTON: ObjectId = (33, 0);
const NOTE: ObjectId = (40, 0);
const STAMP: ObjectId = (41, 0);
const STAMP_SHOWN: ObjectId = (42, 0);
const HIDDEN_STAMP: ObjectId = (43, 0);
const METADATA: ObjectId = (50, 0);
const EXTENSIONS: ObjectId = (51, 0);
/// The first free number.
const NEW: ObjectId = (60, 0);

fn text(text: &str) -> Object {
    Object::String(text.as_bytes().to_vec(), StringFormat::Literal)
}

fn rectangle(corners: [i64; 4]) -> Vec<Object> {
    corners.map(Object::Integer).to_vec()
}

fn form(content: &str, resources: Dictionary) -> Stream {
    let dictionary = dictionary! {
        "Type" => "XObject", "Subtype" => "Form", "BBox" => rectangle([0, 0, 200, 20]), "Resources" => resources,
    };
    Stream::new(dictionary, content.as_bytes().to_vec())
}

fn fonts() -> Dictionary {
    dictionary! { "Font" => dictionary! { "F1" => FONT } }
}

fn widget(name: &str, kind: &str, corners: [i64; 4]) -> Dictionary {
    dictionary! {
        "Type" => "Annot", "Subtype" => "Widget", "T" => text(name), "FT" => kind, "F" => 4, "P" => PAGE,
        "Rect" => rectangle(corners),
    }
}

/// A page with a price, in its text and in a form; signed in the field S1, with S2 free; a note and a stamp lie on it.
fn signed() -> Document {
    let mut document = Document::with_version("1.7");
    let mut price = widget("price", "Tx", [72, 600, 272, 620]);
    price.extend(&dictionary! { "V" => text("100"), "DA" => text("/F1 10 Tf 0 g"), "AP" => dictionary! { "N" => PRICE_SHOWN } });
    let mut check = widget("agreed", "Btn", [72, 560, 82, 570]);
    let states = dictionary! { "Yes" => STAMP_SHOWN, "Off" => STAMP_SHOWN };
    check.extend(&dictionary! { "V" => "Off", "AS" => "Off", "AP" => dictionary! { "N" => states } });
    let mut button = widget("print", "Btn", [100, 560, 150, 570]);
    button.extend(&dictionary! { "Ff" => 1 << 16, "AP" => dictionary! { "N" => STAMP_SHOWN } });
    let mut first = widget("S1", "Sig", [72, 100, 272, 160]);
    first.set("V", VALUE);
    let lists = [NOTE, STAMP, PRICE, BOX, BUTTON, S1, S2].map(Object::Reference).to_vec();
    let objects: Vec<(ObjectId, Object)> = vec![
        (
            CATALOG,
            dictionary! {
                "Type" => "Catalog", "Pages" => PAGES, "AcroForm" => FORM, "Metadata" => METADATA, "Extensions" => EXTENSIONS,
            }
            .into(),
        ),
        (PAGES, dictionary! { "Type" => "Pages", "Kids" => vec![PAGE.into()], "Count" => 1 }.into()),
        (
            PAGE,
            dictionary! {
                "Type" => "Page", "Parent" => PAGES, "Contents" => CONTENT, "Resources" => fonts(), "Annots" => lists,
                "MediaBox" => rectangle([0, 0, 595, 842]),
            }
            .into(),
        ),
        (CONTENT, Stream::new(Dictionary::new(), b"BT /F1 14 Tf 72 700 Td (100 euros) Tj ET".to_vec()).into()),
        (FONT, dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" }.into()),
        (
            FORM,
            dictionary! {
                "Fields" => [PRICE, BOX, BUTTON, S1, S2].map(Object::Reference).to_vec(), "DR" => fonts(),
                "DA" => text("/F1 0 Tf 0 g"), "SigFlags" => 3,
            }
            .into(),
        ),
        (S1, first.into()),
        (S2, widget("S2", "Sig", [302, 100, 502, 160]).into()),
        (VALUE, dictionary! { "Type" => "Sig", "SubFilter" => "ETSI.CAdES.detached" }.into()),
        (PRICE, price.into()),
        (PRICE_SHOWN, form("BT /F1 10 Tf 2 5 Td (100) Tj ET", fonts()).into()),
        (BOX, check.into()),
        (BUTTON, button.into()),
        (NOTE, dictionary! { "Type" => "Annot", "Subtype" => "Text", "Rect" => rectangle([10, 10, 30, 30]) }.into()),
        (
            STAMP,
            dictionary! {
                "Type" => "Annot", "Subtype" => "Stamp", "Rect" => rectangle([300, 700, 400, 720]),
                "AP" => dictionary! { "N" => STAMP_SHOWN },
            }
            .into(),
        ),
        (STAMP_SHOWN, form("0 0 200 20 re f", Dictionary::new()).into()),
        (HIDDEN_STAMP, dictionary! { "Type" => "Annot", "Subtype" => "Stamp", "Rect" => rectangle([72, 690, 172, 720]) }.into()),
        (METADATA, Stream::new(dictionary! { "Type" => "Metadata" }, b"<x/>".to_vec()).into()),
        (EXTENSIONS, dictionary! { "ADBE" => dictionary! { "BaseVersion" => "1.7" } }.into()),
    ];
    document.objects.extend(objects);
    document.trailer.set("Root", CATALOG);
    document
}

fn dict(document: &mut Document, id: ObjectId) -> &mut Dictionary {
    document.get_dictionary_mut(id).unwrap()
}

fn list<'a>(document: &'a mut Document, id: ObjectId, key: &[u8]) -> &'a mut Vec<Object> {
    dict(document, id).get_mut(key).unwrap().as_array_mut().unwrap()
}

/// What is told of a document that is changed in one way before it is signed, and in another afterwards.
fn told(before: impl Fn(&mut Document), later: impl Fn(&mut Document)) -> Changes {
    let mut signed = signed();
    before(&mut signed);
    let mut current = signed.clone();
    later(&mut current);
    after(&signed, &current, "S1").unwrap()
}

fn nothing(_: &mut Document) {}

/// Asserts that a change is suspicious, in words that hold `words`.
fn suspicious(words: &str, before: impl Fn(&mut Document), later: impl Fn(&mut Document)) {
    let found = told(before, later);
    assert!(found.other.iter().any(|what| what.contains(words)), "expected \"{words}\": {found:?}");
}

fn harmless(before: impl Fn(&mut Document), later: impl Fn(&mut Document)) -> Changes {
    let found = told(before, later);
    assert!(!found.is_suspicious(), "{found:?}");
    found
}

fn fill_price(document: &mut Document) {
    dict(document, PRICE).set("V", text("999"));
    document.objects.insert(PRICE_SHOWN, form("BT /F1 10 Tf 2 5 Td (999) Tj ET", fonts()).into());
}

fn sign_second(document: &mut Document) {
    dict(document, S2).set("V", NEW);
    document.objects.insert(NEW, dictionary! { "Type" => "Sig", "SubFilter" => "ETSI.CAdES.detached" }.into());
}

/// A signature in a field of its own, of a kind, with a rectangle.
fn add_signature(document: &mut Document, kind: &str, corners: [i64; 4]) {
    let mut field = widget("added", "Sig", corners);
    field.extend(&dictionary! { "V" => NEW, "AP" => dictionary! { "N" => STAMP_SHOWN } });
    document.objects.insert((61, 0), field.into());
    document.objects.insert(NEW, dictionary! { "Type" => "Sig", "SubFilter" => kind }.into());
    list(document, FORM, b"Fields").push((61, 0).into());
    list(document, PAGE, b"Annots").push((61, 0).into());
}

fn annotate(document: &mut Document, annotation: Dictionary) {
    document.objects.insert(NEW, annotation.into());
    list(document, PAGE, b"Annots").push(NEW.into());
}

fn mark(subtype: &str) -> Dictionary {
    dictionary! { "Type" => "Annot", "Subtype" => subtype, "Rect" => rectangle([72, 695, 172, 715]) }
}

fn lock(entries: Dictionary) -> impl Fn(&mut Document) {
    move |document| dict(document, S1).set("Lock", entries.clone())
}

/// A reference in the first signature's dictionary.
fn reference(method: &'static str, parameters: Dictionary) -> impl Fn(&mut Document) {
    move |document| {
        let reference = dictionary! { "TransformMethod" => method, "TransformParams" => parameters.clone() };
        dict(document, VALUE).set("Reference", vec![reference.into()]);
    }
}

fn certified(level: i64) -> impl Fn(&mut Document) {
    move |document| {
        reference("DocMDP", dictionary! { "P" => level })(document);
        dict(document, CATALOG).set("Perms", dictionary! { "DocMDP" => VALUE });
    }
}

#[test]
fn filling_and_signing_are_told_and_fine() {
    let found = harmless(nothing, |document| {
        fill_price(document);
        sign_second(document);
        dict(document, BOX).set("V", "Yes");
        dict(document, BOX).set("AS", "Yes");
    });
    assert_eq!(found.form_fields.iter().collect::<Vec<_>>(), ["agreed", "price"]);
    assert_eq!(found.signatures.iter().collect::<Vec<_>>(), ["S2"]);
    assert!(harmless(nothing, |document| add_signature(document, "ETSI.RFC3161", [0; 4])).signatures.contains("added"));
}

#[test]
fn a_locked_field_may_not_change() {
    let names = |names: &[&str]| names.iter().map(|name| text(name)).collect::<Vec<_>>();
    let include = |fields: &[&str]| dictionary! { "Action" => "Include", "Fields" => names(fields) };
    let exclude = |fields: &[&str]| dictionary! { "Action" => "Exclude", "Fields" => names(fields) };
    let all = || dictionary! { "Action" => "All" };
    let words = "the field \"price\" was filled in, but the signature in the field \"S1\" locked it";
    for entries in [include(&["price"]), include(&["x", "price"]), exclude(&["S2"]), exclude(&[]), all()] {
        suspicious(words, reference("FieldMDP", entries.clone()), fill_price);
        // The field's lock binds without a reference.
        suspicious(words, lock(entries), fill_price);
    }
    for entries in [include(&["S2"]), include(&["pric"]), exclude(&["price"])] {
        harmless(reference("FieldMDP", entries.clone()), fill_price);
        harmless(lock(entries), fill_price);
    }
    suspicious("the field \"S2\" was signed", lock(all()), sign_second);
    harmless(lock(exclude(&["S2"])), sign_second);
    harmless(lock(all()), |document| add_signature(document, "ETSI.RFC3161", [0; 4]));
    // A lock in a field that nobody has signed locks nothing.
    harmless(|document| dict(document, S2).set("Lock", all()), fill_price);
}

#[test]
fn more_fields_than_are_listed_are_held_against_a_lock() {
    let fields = |document: &mut Document, value: &str| {
        for number in 100..150 {
            let mut field = widget(&format!("a{number}"), "Tx", [0; 4]);
            field.set("V", text(value));
            document.objects.insert((number, 0), field.into());
        }
    };
    let before = |document: &mut Document| {
        fields(document, "1");
        list(document, FORM, b"Fields").extend((100..150).map(|number| Object::Reference((number, 0))));
        lock(dictionary! { "Action" => "Include", "Fields" => vec![text("price")] })(document);
    };
    suspicious("\"price\" was filled in", before, |document| {
        fields(document, "2");
        fill_price(document);
    });
}

#[test]
fn the_levels_of_a_document_allow_what_table_257_says() {
    let time_stamp = |document: &mut Document| add_signature(document, "ETSI.RFC3161", [0; 4]);
    let validation_data =
        |document: &mut Document| dict(document, CATALOG).set("DSS", dictionary! { "Certs" => Vec::<Object>::new() });
    let note = |document: &mut Document| annotate(document, mark("Text"));
    type Change<'a> = &'a dyn Fn(&mut Document);
    let changes: [(Change<'_>, i64); 6] =
        [(&time_stamp, 1), (&validation_data, 1), (&nothing, 1), (&fill_price, 2), (&sign_second, 2), (&note, 3)];
    for (change, allowed_from) in changes {
        for level in 1..=3 {
            let by_lock = lock(dictionary! { "Action" => "Include", "Fields" => vec![text("S1")], "P" => level });
            let by_reference = reference("DocMDP", dictionary! { "P" => level });
            let all = [told(certified(level), change), told(by_lock, change), told(by_reference, change)];
            for found in all {
                assert_eq!(found.is_suspicious(), level < allowed_from, "level {level}, allowed from {allowed_from}: {found:?}");
            }
        }
        harmless(nothing, change);
    }
    // Without parameters, level 2.
    suspicious("annotations", reference("DocMDP", Dictionary::new()), note);
    let visible = |document: &mut Document| add_signature(document, "ETSI.RFC3161", [0, 0, 90, 90]);
    suspicious("allows no changes, but the field \"added\" was signed", certified(1), visible);
}

#[test]
fn the_catalog_says_little_that_is_harmless() {
    harmless(nothing, |document| drop(document.objects.insert(EXTENSIONS, dictionary! { "ISO_" => Dictionary::new() }.into())));
    harmless(nothing, |document| dict(document, CATALOG).set("Extensions", Dictionary::new()));
    harmless(nothing, |document| dict(document, CATALOG).set("Version", "2.0"));
    harmless(nothing, |document| {
        document.objects.insert(METADATA, Stream::new(Dictionary::new(), b"<y/>".to_vec()).into());
    });
    let intents = |kind: &'static str| {
        let intents = vec![dictionary! { "S" => kind }.into()];
        move |document: &mut Document| dict(document, CATALOG).set("OutputIntents", intents.clone())
    };
    harmless(nothing, intents("GTS_PDFA1"));
    suspicious("the catalog's OutputIntents", nothing, intents("GTS_PDFX"));
    suspicious("the catalog's OutputIntents", intents("GTS_PDFX"), intents("GTS_PDFA1"));
    for (key, words) in [
        ("OpenAction", "an action that runs by itself"),
        ("AA", "an action that runs by itself"),
        ("AF", "attached files"),
        ("OCProperties", "which layers are shown"),
        ("Perms", "certified"),
        ("Outlines", "the catalog's Outlines"),
        ("PageLabels", "the catalog's PageLabels"),
        ("StructTreeRoot", "the catalog's StructTreeRoot"),
    ] {
        suspicious(words, nothing, |document| dict(document, CATALOG).set(key, Dictionary::new()));
    }
    for (key, words) in [("EmbeddedFiles", "attached files"), ("JavaScript", "JavaScript"), ("Dests", "names (Dests)")] {
        let names = dictionary! { key => dictionary! { "Names" => Vec::<Object>::new() } };
        suspicious(words, nothing, |document| dict(document, CATALOG).set("Names", names.clone()));
    }
    let tree = (52, 0);
    let files = |document: &mut Document| {
        document.objects.insert(tree, dictionary! { "Names" => Vec::<Object>::new() }.into());
        dict(document, CATALOG).set("Names", dictionary! { "EmbeddedFiles" => tree });
    };
    suspicious("attached files", files, |document| dict(document, tree).set("Names", vec![text("a"), NEW.into()]));
    suspicious("pages were added", nothing, |document| list(document, PAGES, b"Kids").push(NEW.into()));
    suspicious("a page's Rotate", nothing, |document| dict(document, PAGE).set("Rotate", 90));
}

#[test]
fn what_says_nothing_by_its_name_may_not_be_what_is_shown() {
    // The metadata is at the same time a form that a stamp draws, or the declared extensions a font.
    let drawn = |document: &mut Document| {
        document.objects.insert(METADATA, form("0 0 9 9 re f", Dictionary::new()).into());
        document.objects.insert(STAMP_SHOWN, form("/X Do", dictionary! { "XObject" => dictionary! { "X" => METADATA } }).into());
    };
    suspicious("what a field or an annotation shows", drawn, |document| {
        document.objects.insert(METADATA, form("0 0 99 9 re f", Dictionary::new()).into());
    });
    suspicious("what a page shows", nothing, |document| dict(document, FONT).set("BaseFont", "Courier"));
    let other_font = |document: &mut Document| {
        document.objects.insert((52, 0), dictionary! { "Subtype" => "Type1", "BaseFont" => "Times-Roman" }.into());
        let resources = dictionary! { "Font" => dictionary! { "F1" => (52, 0) } };
        document.objects.insert(PRICE_SHOWN, form("BT /F1 10 Tf (100) Tj ET", resources).into());
    };
    suspicious("what a field or an annotation shows", other_font, |document| dict(document, (52, 0)).set("BaseFont", "Symbol"));
}

#[test]
fn marks_that_leave_the_page_legible_are_told_and_others_cover() {
    for subtype in ["Text", "Popup", "Link", "Highlight", "Underline", "StrikeOut", "Squiggly", "Caret"] {
        assert!(harmless(nothing, |document| annotate(document, mark(subtype))).annotations, "{subtype}");
    }
    let words = "a later annotation covers what was signed (page 1, rectangle 72 695 172 715";
    // A line through text as high as a page is a bar.
    let struck_out = |height: i64| {
        let mut mark = mark("StrikeOut");
        let corners = [72, 695 + height, 172, 695 + height, 72, 695, 172, 695];
        mark.set("QuadPoints", corners.map(Object::Integer).to_vec());
        move |document: &mut Document| annotate(document, mark.clone())
    };
    assert!(harmless(nothing, struck_out(12)).annotations);
    suspicious(words, nothing, struck_out(760));
    for subtype in ["FreeText", "Square", "Circle", "Polygon", "Line", "Ink", "Stamp", "Redact", "Watermark", "Unheard"] {
        suspicious(words, nothing, |document| annotate(document, mark(subtype)));
        suspicious(words, certified(3), |document| annotate(document, mark(subtype)));
    }
    for subtype in ["FileAttachment", "Sound", "Movie", "Screen", "RichMedia"] {
        suspicious("a file was attached", nothing, |document| annotate(document, mark(subtype)));
    }
    suspicious("a form field was added", nothing, |document| annotate(document, mark("Widget")));
    harmless(nothing, |document| {
        let mut hidden = mark("Stamp");
        hidden.set("F", 2);
        annotate(document, hidden);
    });
}

#[test]
fn what_a_mark_draws_counts_and_not_what_it_is_called() {
    let state = |state: Dictionary| dictionary! { "ExtGState" => dictionary! { "G" => state } };
    let multiply = || state(dictionary! { "BM" => "Multiply" });
    let film = |opacity: f32| state(dictionary! { "ca" => Object::Real(opacity) });
    let legible = [
        ("/G gs 1 1 0 rg 0 0 200 20 re f", multiply()),
        ("/G gs 1 0.8 0 rg 0 0 m 200 0 l 200 20 l 0 20 l h f", multiply()),
        ("q /G gs 1 1 0 rg 0 0 200 20 re f Q", film(0.4)),
        ("1 0 0 RG 1 w 0 2 m 200 2 l S", Dictionary::new()),
        ("1 0 0 rg 0 10 200 1 re f", Dictionary::new()),
        ("", Dictionary::new()),
    ];
    let covering = [
        ("1 1 1 rg 0 0 200 20 re f", Dictionary::new()),
        ("/G gs 0 0 0 rg 0 0 200 20 re f", multiply()),
        ("/G gs /P scn 0 0 200 20 re f", multiply()),
        ("/G gs 1 1 1 rg 0 0 200 20 re f", film(0.95)),
        ("/G gs 0 0 200 20 re f 0 0 200 20 re f 0 0 200 20 re f", film(0.5)),
        ("q /G gs Q 1 1 1 rg 0 0 200 20 re f", film(0.4)),
        ("40 w 1 1 1 RG 0 2 m 200 2 l S", Dictionary::new()),
        // What looks like paper takes the middle out of an 8.
        ("1 1 1 RG 1 w 0 10 m 200 10 l S", Dictionary::new()),
        ("/G gs 1 1 1 rg 0 10 200 1 re f", film(0.95)),
        ("40 0 0 40 0 0 cm 1 w 0 0 m 5 0 l S", Dictionary::new()),
        ("1 w 0 1 m 200 1 l 0 3 l 200 3 l 0 5 l 200 5 l 0 7 l 200 7 l 0 9 l 200 9 l 0 11 l 200 11 l S", Dictionary::new()),
        ("BT /F1 10 Tf (999) Tj ET", fonts()),
        ("BI /W 1 /H 1 ID x EI", Dictionary::new()),
        ("/X Do", dictionary! { "XObject" => dictionary! { "X" => STAMP_SHOWN } }),
        ("/Missing Do", Dictionary::new()),
        ("/S sh", Dictionary::new()),
    ];
    let marked = |content: &str, resources: &Dictionary| {
        let (content, resources) = (content.to_owned(), resources.clone());
        move |document: &mut Document| {
            let mut mark = mark("Highlight");
            mark.set("AP", dictionary! { "N" => (61, 0) });
            document.objects.insert((61, 0), form(&content, resources.clone()).into());
            annotate(document, mark);
        }
    };
    for (content, resources) in &legible {
        assert!(harmless(nothing, marked(content, resources)).annotations, "{content}");
    }
    for (content, resources) in &covering {
        let found = told(nothing, marked(content, resources));
        assert!(found.other.iter().any(|what| what.contains("covers what was signed")), "{content}: {found:?}");
    }
}

#[test]
fn a_mark_without_appearance_may_not_be_dark_or_thick_either() {
    let with = |subtype: &'static str, entries: Dictionary| {
        move |document: &mut Document| {
            let mut mark = mark(subtype);
            mark.extend(&entries);
            annotate(document, mark);
        }
    };
    let colour = |parts: [f32; 3]| dictionary! { "C" => parts.map(Object::Real).to_vec() };
    harmless(nothing, with("Highlight", colour([1.0, 1.0, 0.0])));
    suspicious("covers", nothing, with("Highlight", colour([0.0, 0.0, 0.0])));
    harmless(nothing, with("Link", dictionary! { "Border" => rectangle([0, 0, 1, 0])[..3].to_vec() }));
    suspicious("covers", nothing, with("Link", dictionary! { "Border" => rectangle([0, 0, 90, 0])[..3].to_vec() }));
    suspicious("covers", nothing, with("Link", dictionary! { "BS" => dictionary! { "W" => 90 } }));
    suspicious("covers", nothing, with("Underline", colour([1.0, 1.0, 1.0])));
    suspicious("covers", nothing, with("Link", colour([1.0, 1.0, 1.0])));
    let twice = [72, 715, 172, 715, 72, 695, 172, 695, 72, 715, 172, 715, 72, 695, 172, 695];
    let mut grey = colour([0.5, 0.5, 0.5]);
    grey.set("QuadPoints", twice.map(Object::Integer).to_vec());
    suspicious("covers", nothing, with("Highlight", grey));
    let elsewhere = [72, 615, 172, 615, 72, 595, 172, 595];
    suspicious("covers", nothing, with("Highlight", dictionary! { "QuadPoints" => elsewhere.map(Object::Integer).to_vec() }));
}

#[test]
fn thin_marks_side_by_side_cover_together() {
    let lines = |subtype: &'static str, distance: i64, appearance: bool| {
        move |document: &mut Document| {
            document.objects.insert((90, 0), form("1 0 0 rg 0 0 200 20 re f", Dictionary::new()).into());
            for number in 0..5 {
                let mut mark = mark(subtype);
                let low = 695 + distance * number;
                mark.set("Rect", rectangle([72, low, 172, low + 3]));
                mark.set("Border", rectangle([0, 0, 3, 0])[..3].to_vec());
                if appearance {
                    mark.set("AP", dictionary! { "N" => (90, 0) });
                }
                let id = (60 + number as u32, 0);
                document.objects.insert(id, mark.into());
                list(document, PAGE, b"Annots").push(id.into());
            }
        }
    };
    suspicious("lie over one another", nothing, lines("Highlight", 5, true));
    suspicious("cover", nothing, lines("Link", 6, false));
    harmless(nothing, lines("Highlight", 14, true));
}

#[test]
fn many_light_marks_over_one_another_cover() {
    let layers = |count: u32| {
        move |document: &mut Document| {
            for number in 0..count {
                document.objects.insert((60 + number, 0), mark("Highlight").into());
                list(document, PAGE, b"Annots").push((60 + number, 0).into());
            }
        }
    };
    harmless(nothing, layers(3));
    suspicious("lie over one another", nothing, layers(20));
}

#[test]
fn actions_that_come_later_are_told() {
    let link = |action: Dictionary| {
        move |document: &mut Document| {
            let mut link = mark("Link");
            link.set("A", action.clone());
            annotate(document, link);
        }
    };
    harmless(nothing, link(dictionary! { "S" => "URI", "URI" => text("https://example.org") }));
    for kind in ["JavaScript", "Launch", "SubmitForm", "ImportData", "Hide", "SetOCGState", "GoToR"] {
        suspicious("an annotation with an action", nothing, link(dictionary! { "S" => kind }));
    }
    let chain = dictionary! { "S" => "URI", "Next" => dictionary! { "S" => "JavaScript" } };
    suspicious("an annotation with an action", nothing, link(chain));
    suspicious("A of the field \"price\"", nothing, |document| {
        dict(document, PRICE).set("A", dictionary! { "S" => "JavaScript" })
    });
    suspicious("the new field \"added\" has an action", nothing, |document| {
        add_signature(document, "ETSI.CAdES.detached", [0; 4]);
        dict(document, (61, 0)).set("AA", Dictionary::new());
    });
}

#[test]
fn annotations_that_were_signed_may_not_change_what_they_show() {
    harmless(nothing, |document| dict(document, NOTE).set("Contents", text("a remark")));
    suspicious("Rect of an annotation that was on page 1", nothing, |document| {
        dict(document, NOTE).set("Rect", rectangle([72, 690, 172, 720]));
    });
    for (key, value) in [("F", Object::Integer(2)), ("AS", "Other".into()), ("OC", NEW.into()), ("Contents", text("999"))] {
        suspicious("of an annotation that was on page 1", nothing, |document| dict(document, STAMP).set(key, value.clone()));
    }
    let redrawn = |id: ObjectId| {
        move |document: &mut Document| drop(document.objects.insert(id, form("0 0 1 1 re f", Dictionary::new()).into()))
    };
    let own = |document: &mut Document| {
        document.objects.insert((52, 0), form("0 0 9 9 re f", Dictionary::new()).into());
        dict(document, STAMP).set("AP", dictionary! { "N" => (52, 0) });
    };
    suspicious("what an annotation shows", own, redrawn((52, 0)));
    // A check box, a button and the stamp have this one together.
    suspicious("what a field or an annotation shows", nothing, redrawn(STAMP_SHOWN));
    let without = |id: ObjectId| {
        move |document: &mut Document| list(document, PAGE, b"Annots").retain(|item| *item != Object::Reference(id))
    };
    assert!(harmless(nothing, without(NOTE)).annotations);
    suspicious("something that was on page 1 was removed (Stamp)", nothing, without(STAMP));
    suspicious("a form field was taken off page 1", nothing, without(PRICE));
    suspicious("covers what was signed", nothing, |document| list(document, PAGE, b"Annots").push(HIDDEN_STAMP.into()));
    suspicious("the order of what lies on page 1", nothing, |document| list(document, PAGE, b"Annots").swap(0, 1));
}

#[test]
fn fields_may_be_filled_and_not_exchanged() {
    suspicious("Rect of the field \"price\"", nothing, |document| dict(document, PRICE).set("Rect", rectangle([0, 0, 595, 842])));
    suspicious("F of the field \"price\"", nothing, |document| dict(document, PRICE).set("F", 4 | 2));
    suspicious(
        "F of the field \"price\"",
        |document| dict(document, PRICE).set("F", 2),
        |document| {
            dict(document, PRICE).set("F", 4);
        },
    );
    harmless(nothing, |document| dict(document, PRICE).set("F", 4 | 128));
    harmless(nothing, |document| dict(document, PRICE).set("Ff", 1));
    suspicious("Ff of the field \"price\"", nothing, |document| dict(document, PRICE).set("Ff", 1 << 12));
    // A state of the time of signing is shown without the value that chooses it.
    suspicious("AS of the field \"agreed\"", nothing, |document| dict(document, BOX).set("AS", "Yes"));
    suspicious("AS of the field \"price\"", nothing, |document| {
        fill_price(document);
        dict(document, PRICE).set("AS", "Other");
    });
    suspicious("what the field \"print\" shows", nothing, |document| {
        dict(document, BUTTON).set("MK", dictionary! { "CA" => text("x") })
    });
    suspicious("what the field \"S2\" shows", nothing, |document| {
        dict(document, S2).set("AP", dictionary! { "N" => STAMP_SHOWN })
    });
    suspicious("the signed field \"S1\"", nothing, |document| dict(document, S1).set("AP", dictionary! { "N" => STAMP_SHOWN }));
    suspicious("a form field was removed", nothing, |document| drop(list(document, FORM, b"Fields").pop()));
}

#[test]
fn an_empty_signature_field_may_be_added_and_nothing_else() {
    let add = |kind: &'static str, shows: bool| {
        move |document: &mut Document| {
            let mut field = widget("added", kind, [72, 690, 172, 720]);
            if shows {
                field.set("AP", dictionary! { "N" => STAMP_SHOWN });
            }
            document.objects.insert((61, 0), field.into());
            list(document, FORM, b"Fields").push((61, 0).into());
            list(document, PAGE, b"Annots").push((61, 0).into());
        }
    };
    assert!(harmless(nothing, add("Sig", false)).signatures.contains("added (empty)"));
    harmless(nothing, |document| {
        add("Sig", true)(document);
        document.objects.insert((62, 0), form("q Q", Dictionary::new()).into());
        dict(document, (61, 0)).set("AP", dictionary! { "N" => (62, 0) });
    });
    suspicious("shows something and is not signed", nothing, add("Sig", true));
    suspicious("a form field was added", nothing, add("Tx", false));
    suspicious("the field \"added\" was added", certified(1), add("Sig", false));
}

fn need(document: &mut Document) {
    dict(document, FORM).set("NeedAppearances", true);
}

fn need_no_more(document: &mut Document) {
    dict(document, FORM).remove(b"NeedAppearances");
}

fn swap_font(document: &mut Document) {
    document.objects.insert(NEW, dictionary! { "Type" => "Font", "Subtype" => "Type3" }.into());
    dict(document, FORM).set("DR", dictionary! { "Font" => dictionary! { "F1" => NEW } });
}

#[test]
fn what_viewers_draw_fields_with_may_not_be_exchanged() {
    let words = "default resources, which viewers draw its fields with, were changed (Font F1)";
    suspicious(words, nothing, swap_font);
    suspicious(words, need, swap_font);
    suspicious(words, nothing, |document| {
        swap_font(document);
        need(document);
    });
    // The same font under another number, and further fonts, change nothing.
    harmless(need, |document| {
        let same = document.objects[&FONT].clone();
        document.objects.insert(NEW, same);
        dict(document, FORM).set("DR", dictionary! { "Font" => dictionary! { "F1" => NEW, "Helv" => FONT } });
    });
    let unnamed = |document: &mut Document| {
        dict(document, FORM).remove(b"DR");
        need(document);
    };
    suspicious("a font of the form's default resources", unnamed, swap_font);
    let invisible = |document: &mut Document| dict(document, FORM).set("DA", text("/F1 0 Tf 1 g"));
    harmless(need, invisible);
    suspicious(
        "default appearance",
        |document| drop(dict(document, PRICE).remove(b"DA")),
        |document| {
            invisible(document);
            need(document);
        },
    );
    // A field with a value and no appearance is drawn by viewers in any case.
    let bare = |document: &mut Document| {
        dict(document, PRICE).remove(b"DA");
        dict(document, PRICE).remove(b"AP");
    };
    suspicious("default appearance", bare, invisible);
}

#[test]
fn need_appearances_may_change_where_appearances_show_the_values() {
    harmless(nothing, need);
    harmless(need, need_no_more);
    let words = "the appearance of the field \"price\" is not its value's";
    let stale = |document: &mut Document| dict(document, PRICE).set("V", text("999"));
    suspicious(words, stale, need);
    suspicious(
        words,
        |document| {
            stale(document);
            need(document)
        },
        need_no_more,
    );
    let bare = |document: &mut Document| drop(dict(document, PRICE).remove(b"AP"));
    suspicious(words, bare, need);
    suspicious("the appearance of the field \"agreed\"", |document| dict(document, BOX).set("AS", "Yes"), need);
    // What was filled in is told anyway.
    harmless(stale, |document| {
        need(document);
        dict(document, PRICE).set("V", text("12"));
    });
}

#[test]
fn documents_of_a_size_are_compared_in_a_moment() {
    let before = |document: &mut Document| {
        for number in 1_000..6_000 {
            let mut field = widget(&format!("f{number}"), "Tx", [0, 0, 9, 9]);
            field.set("DA", text("/F1 9 Tf"));
            document.objects.insert((number, 0), field.into());
        }
        list(document, FORM, b"Fields").extend((1_000..6_000).map(|number| Object::Reference((number, 0))));
        let names = (0..5_000).map(|number| text(&format!("n{number}"))).collect::<Vec<_>>();
        lock(dictionary! { "Action" => "Exclude", "Fields" => names })(document);
        need(document);
    };
    let start = std::time::Instant::now();
    let found = told(before, |document| {
        for number in 1_000..6_000 {
            dict(document, (number, 0)).set("V", text("x"));
        }
        let fonts: Dictionary = (0..5_000).map(|number| (format!("G{number}").into_bytes(), Object::from(FONT))).collect();
        dict(document, FORM).set("DR", dictionary! { "Font" => fonts });
    });
    assert!(found.is_suspicious() && found.other.len() <= super::MAX_LISTED && found.form_fields.len() <= super::MAX_LISTED);
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}
