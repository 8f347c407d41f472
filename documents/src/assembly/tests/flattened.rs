//! The rules of flattening.

use super::*;

#[test]
fn flattening_paints_what_viewers_show_in_the_order_of_the_annotations() {
    let mut maker = Maker::new(1);
    maker.field(0, "first", dictionary! {});
    for (name, flags) in [("hidden", 2), ("not for viewing", 32), ("not printed", 0), ("locked", 128)] {
        maker.field(0, name, dictionary! { "F" => flags });
    }
    maker.field(0, "no extent", dictionary! { "Rect" => [10, 20, 10, 40].map(Object::Integer).to_vec() });
    maker.field(0, "no look", dictionary! { "AP" => dictionary! {} });
    let (on, off) = (maker.look("% on"), maker.look("% off"));
    let states = dictionary! { "N" => dictionary! { "Yes" => on, "Off" => off } };
    maker.field(0, "button", dictionary! { "FT" => "Btn", "AS" => "Yes", "AP" => states.clone() });
    maker.field(0, "other", dictionary! { "FT" => "Btn", "AP" => states });
    let document = alone(&maker.saved(), true);
    let shown: Vec<&[u8]> = painted(&document, 0).into_iter().map(|(_, look)| look.content.as_slice()).collect();
    assert_eq!(shown, [b"% first".as_slice(), b"% not printed", b"% locked", b"% on", b"% off"]);
    let order: Vec<usize> = (0..5).map(|number| content(&document, 0).find(&format!("/Rb{number} Do")).unwrap()).collect();
    assert!(order.is_sorted());
    assert!(!catalog(&document).has(b"AcroForm") && annotations(&document, 0) == 0);
}

#[test]
fn a_look_is_placed_as_the_standard_says() {
    let mut maker = Maker::new(1);
    maker.page(0).set("Rotate", 90);
    let look = maker.look("% turned");
    let stream = maker.document.objects.get_mut(&look).unwrap().as_stream_mut().unwrap();
    // Turned by a quarter: 20 wide and 50 high, from (-20, 0).
    stream.dict.set("Matrix", [0, 1, -1, 0, 0, 0].map(Object::Integer).to_vec());
    let rect = || [100, 100, 140, 150].map(Object::Integer).to_vec();
    maker.field(0, "turned", dictionary! { "AP" => dictionary! { "N" => look }, "Rect" => rect() });
    maker.field(0, "upright", dictionary! { "F" => 16 });
    let empty = maker.look("% empty");
    maker.document.objects.get_mut(&empty).unwrap().as_stream_mut().unwrap().dict.remove(b"BBox");
    maker.field(0, "empty", dictionary! { "AP" => dictionary! { "N" => empty } });
    let document = alone(&maker.saved(), true);
    let content = content(&document, 0);
    assert!(content.contains("q 2 0 0 1 140 100 cm /Rb0 Do Q"), "{content}");
    assert!(content.contains("q 0 1 -1 0 30 40 cm /Rb1 Do Q"), "about its upper left corner: {content}");
    assert!(!content.contains("/Rb2"));
}

#[test]
fn what_a_page_leaves_open_does_not_reach_what_is_painted() {
    let mut maker = Maker::new(1);
    maker.field(0, "a", dictionary! {});
    let open = maker.document.add_object(Stream::new(dictionary! {}, b"q 2 0 0 2 0 0 cm BT /F 9 Tf".to_vec()));
    maker.page(0).set("Contents", open);
    let document = alone(&maker.saved(), true);
    assert_eq!(content(&document, 0), "q\n|q 2 0 0 2 0 0 cm BT /F 9 Tf|\nET Q Q\nq 1 0 0 1 10 20 cm /Rb0 Do Q\n");
    // A restore without a save does nothing in viewers, and must go on doing nothing.
    let mut maker = Maker::new(1);
    maker.field(0, "a", dictionary! {});
    let excess = maker.document.add_object(Stream::new(dictionary! {}, b"2 0 0 2 0 0 cm Q 0 0 9 9 re f".to_vec()));
    maker.page(0).set("Contents", excess);
    let document = alone(&maker.saved(), true);
    assert!(content(&document, 0).contains("|2 0 0 2 0 0 cm   0 0 9 9 re f"), "{}", content(&document, 0));
}

#[test]
fn names_of_what_is_painted_are_fresh_and_resources_stay_shared() {
    let mut maker = Maker::new(2);
    let existing = maker.look("% existing");
    let objects = maker.document.add_object(dictionary! { "Rb0" => existing, "Rbx1" => existing });
    let resources = maker.document.add_object(dictionary! { "XObject" => objects });
    for page in 0..2 {
        maker.page(page).set("Resources", resources);
        maker.field(page, &format!("field {page}"), dictionary! {});
    }
    let document = alone(&maker.saved(), true);
    let found: Vec<String> = painted(&document, 0).into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, ["Rb0", "Rbx1", "Rbxx0", "Rbxx1"]);
    assert_eq!(of(page(&document, 0), b"Resources"), of(page(&document, 1), b"Resources"));
    assert!(content(&document, 0).contains("/Rbxx0 Do") && content(&document, 1).contains("/Rbxx1 Do"));
}

#[test]
fn flattening_keeps_links_notes_and_signature_fields_that_are_not_signed() {
    let mut maker = Maker::new(1);
    let link = maker.document.add_object(dictionary! { "Type" => "Annot", "Subtype" => "Link" });
    maker.annotate(0, link);
    let signature = maker.kid(0, "first", dictionary! { "FT" => "Sig", "V" => Object::Null });
    let other = maker.kid(0, "text", dictionary! {});
    let above = maker.above("signers", &[signature, other], dictionary! {});
    for kid in [signature, other] {
        maker.document.get_dictionary_mut(kid).unwrap().set("Parent", above);
    }
    maker.field(0, "amount", dictionary! {});
    let document = alone(&maker.saved(), true);
    assert_eq!(annotations(&document, 0), 2);
    let found = fields::all(&document).unwrap();
    assert_eq!(found.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["signers.first"]);
    assert!(found[0].is_signature());
    let form = dict_entry(&document, catalog(&document), b"AcroForm").unwrap();
    let keys: Vec<&[u8]> = form.iter().map(|(key, _)| key.as_slice()).collect();
    assert_eq!(keys, [b"Fields".as_slice(), b"SigFlags"]);
    assert!(shows(&document, 0, "% text") && shows(&document, 0, "% amount") && !shows(&document, 0, "% first"));
}

#[test]
fn what_the_structure_says_of_a_field_it_says_of_what_is_painted() {
    let mut maker = Maker::new(1);
    let field = maker.field(0, "a", dictionary! { "StructParent" => 7 });
    let group = maker.document.add_object(dictionary! { "Type" => "OCG", "Name" => lopdf::text_string("layer") });
    let layered = maker.field(0, "b", dictionary! { "OC" => group, "StructParent" => 8, "F" => 2 });
    let root = maker.document.new_object_id();
    let element = |of: ObjectId| dictionary! { "S" => "Form", "P" => root, "K" => dictionary! { "Type" => "OBJR", "Obj" => of } };
    let (one, two) = (maker.document.add_object(element(field)), maker.document.add_object(element(layered)));
    let parents = dictionary! { "Nums" => vec![7.into(), one.into(), 8.into(), two.into()] };
    let structure = dictionary! { "Type" => "StructTreeRoot", "K" => vec![one.into(), two.into()], "ParentTree" => parents };
    maker.document.objects.insert(root, structure.into());
    maker.catalog().set("StructTreeRoot", root);
    maker.catalog().set("OCProperties", dictionary! { "OCGs" => vec![group.into()], "D" => dictionary! {} });
    let document = alone(&maker.saved(), true);
    let structure = dict_entry(&document, catalog(&document), b"StructTreeRoot").unwrap();
    let kids = array_entry(&document, structure, b"K").unwrap();
    let objects: Vec<&Stream> = kids
        .iter()
        .map(|kid| {
            let element = resolve(&document, kid).as_dict().unwrap();
            entry(&document, dict_entry(&document, element, b"K").unwrap(), b"Obj").unwrap().as_stream().unwrap()
        })
        .collect();
    let (shown, hidden) = (objects[0], objects[1]);
    assert_eq!((of(&shown.dict, b"StructParent"), of(&hidden.dict, b"StructParent")), (&7.into(), &8.into()));
    assert!(std::ptr::eq(shown, painted(&document, 0)[0].1), "the page paints the very object");
    assert_eq!(shown.content, b"1 0 0 1 10 20 cm /A Do");
    assert!(hidden.content.is_empty() && hidden.dict.has(b"OC"), "what is hidden is not painted");
}

#[test]
fn a_fill_changes_what_is_written_and_what_is_painted() {
    let mut maker = Maker::new(1);
    maker.field(0, "a", dictionary! {});
    let document = open(&maker.saved()).unwrap();
    let compiled = Compiled::of(&document).unwrap();
    let field = fields::all(&document).unwrap()[0].id;
    let look = (document.max_id + 5, 0);
    let mut widget = dict_at(&document, field).unwrap().clone();
    widget.set("V", lopdf::text_string("new"));
    widget.set("AP", dictionary! { "N" => look });
    let bounds = [0, 0, 100, 20].map(Object::Integer).to_vec();
    let stream = Stream::new(dictionary! { "Subtype" => "Form", "Type" => "XObject", "BBox" => bounds }, b"% new".to_vec());
    for flatten in [false, true] {
        let changed = vec![(field, widget.clone().into()), (look, stream.clone().into())];
        let result = assemble(&[Part { document: &document, compiled: &compiled, changed }], flatten).unwrap();
        let result = read(&result);
        if flatten {
            assert!(shows(&result, 0, "% new") && !shows(&result, 0, "% a"));
            assert!(content(&result, 0).contains("q 0.5 0 0 1 10 20 cm /Rb0 Do Q"));
            assert_eq!(result.objects.values().filter(|object| object.as_stream().is_ok_and(|s| s.content == b"% a")).count(), 0);
        } else {
            let value = fields::all(&result).unwrap()[0].value.cloned();
            assert_eq!(value, Some(lopdf::text_string("new")));
        }
    }
}

/// An annotation that is no widget, in a rectangle.
fn note(maker: &mut Maker, page: usize, subtype: &str, rect: [i64; 4], further: Dictionary) -> ObjectId {
    let look = maker.look(&format!("% {subtype}"));
    let mut note = dictionary! {
        "Type" => "Annot", "Subtype" => subtype, "Rect" => rect.map(Object::Integer).to_vec(),
        "Contents" => lopdf::text_string("a remark"), "AP" => dictionary! { "N" => look, "D" => look },
    };
    further.into_iter().for_each(|(key, value)| note.set(key, value));
    let id = maker.document.add_object(note);
    maker.annotate(page, id);
    id
}

#[test]
fn an_annotation_that_a_later_widget_lies_upon_is_painted_below_it_and_stays_usable() {
    let mut maker = Maker::new(1);
    // The widget (10, 20, 60, 40) lies upon the square, and the square upon the ink.
    note(&mut maker, 0, "Ink", [0, 0, 9, 9], dictionary! {});
    note(&mut maker, 0, "Link", [50, 50, 70, 70], dictionary! { "AP" => Object::Null, "Border" => vec![0.into(); 3] });
    note(&mut maker, 0, "Square", [5, 5, 15, 25], dictionary! { "StructParent" => 3 });
    note(&mut maker, 0, "Circle", [60, 20, 80, 40], dictionary! {});
    note(&mut maker, 0, "Stamp", [0, 0, 90, 90], dictionary! { "F" => 2 });
    maker.field(0, "a", dictionary! {});
    note(&mut maker, 0, "FreeText", [0, 0, 90, 90], dictionary! {});
    maker.field(0, "hidden", dictionary! { "Rect" => [0, 0, 90, 90].map(Object::Integer).to_vec(), "F" => 2 });
    let document = alone(&maker.saved(), true);
    let shown: Vec<&[u8]> = painted(&document, 0).into_iter().map(|(_, look)| look.content.as_slice()).collect();
    assert_eq!(shown, [b"% Ink".as_slice(), b"% Square", b"% a"], "in the order of the annotations");
    let staying: Vec<(&[u8], Option<&[u8]>)> = array_entry(&document, page(&document, 0), b"Annots")
        .unwrap()
        .iter()
        .map(|annotation| {
            let annotation = resolve(&document, annotation).as_dict().unwrap();
            assert_eq!(of(annotation, b"Contents"), &lopdf::text_string("a remark"));
            let looks = dict_entry(&document, annotation, b"AP");
            let look = looks.map(|looks| entry(&document, looks, b"N").unwrap().as_stream().unwrap());
            assert!(look.is_none_or(|look| !look.content.is_empty() || look.dict.has(b"BBox") && !looks.unwrap().has(b"D")));
            (of(annotation, b"Subtype").as_name().unwrap(), look.map(|look| look.content.as_slice()))
        })
        .collect();
    let empty = Some(b"".as_slice());
    assert_eq!(
        staying,
        [
            (b"Ink".as_slice(), empty),
            (b"Link", None),
            (b"Square", empty),
            (b"Circle", Some(b"% Circle")),
            (b"Stamp", Some(b"% Stamp")),
            (b"FreeText", Some(b"% FreeText")),
        ]
    );
}

#[test]
fn an_annotation_of_two_pages_and_one_of_optional_content_stay_as_visible_as_they_were() {
    let mut maker = Maker::new(2);
    let group = maker.document.add_object(dictionary! { "Type" => "OCG", "Name" => lopdf::text_string("layer") });
    maker.catalog().set("OCProperties", dictionary! { "OCGs" => vec![group.into()], "D" => dictionary! {} });
    let both = note(&mut maker, 0, "Stamp", [0, 0, 90, 90], dictionary! {});
    maker.annotate(1, both);
    note(&mut maker, 0, "Square", [0, 0, 90, 90], dictionary! { "OC" => group });
    maker.field(0, "a", dictionary! {});
    let document = alone(&maker.saved(), true);
    assert!(!shows(&document, 0, "% Stamp") && annotations(&document, 1) == 1);
    let found = painted(&document, 0);
    assert_eq!(found.len(), 2);
    assert!(found[0].1.dict.has(b"OC") && found[0].1.content == b"1.8 0 0 4.5 0 0 cm /A Do");
}

#[test]
fn a_content_that_pages_share_is_looked_at_once_and_stays_shared() {
    let mut maker = Maker::new(300);
    // Unpacked for each page, this would be 1.2 GB; in one, it is within the bound.
    let mut excess = Stream::new(dictionary! {}, [b"Q ".as_slice(), &b" ".repeat(4_000_000)].concat());
    excess.compress().unwrap();
    let shared = maker.document.add_object(excess);
    for number in 0..300 {
        maker.page(number).set("Contents", shared);
        maker.field(number, &format!("field {number}"), dictionary! {});
    }
    let result = assembled(&[&maker.saved()], true);
    let document = read(&result);
    let middle = |number| of(page(&document, number), b"Contents").as_array().unwrap()[1].clone();
    assert!((0..300).all(|number| middle(number) == middle(0)));
    assert!(!resolve(&document, &middle(0)).as_stream().unwrap().decompressed_content().unwrap().contains(&b'Q'));
}

#[test]
fn contents_that_cannot_be_unpacked_cost_no_more_than_the_bound_and_stay() {
    let mut maker = Maker::new(200);
    // More than may be unpacked.
    let mut bomb = Stream::new(dictionary! {}, vec![b' '; 17 * 1024 * 1024]);
    bomb.compress().unwrap();
    for number in 0..200 {
        let contents = maker.document.add_object(bomb.clone());
        maker.page(number).set("Contents", contents);
        maker.field(number, &format!("field {number}"), dictionary! {});
    }
    let document = alone(&maker.saved(), true);
    assert!((0..200).all(|number| shows(&document, number, &format!("% field {number}"))));
}
