//! The rules of putting several files together.

use super::*;

#[test]
fn fields_of_one_name_are_renamed_without_a_period_and_told() {
    let file = |names: &[&str]| {
        let mut maker = Maker::new(1);
        for name in names {
            maker.field(0, name, dictionary! {});
        }
        maker.saved()
    };
    let (first, second, third) = (file(&["a", "b"]), file(&["a", "a_2", "c"]), file(&["a"]));
    let result = assembled(&[&first, &second, &third], false);
    let document = read(&result);
    assert_eq!(names(&document), ["a", "b", "a_3", "a_2", "c", "a_4"]);
    let told = |original: &str, current: &str| (original.to_owned(), current.to_owned());
    assert_eq!(result.renamed, [told("a", "a_3"), told("a", "a_4")]);
    let values: Vec<_> = fields::all(&document).unwrap().iter().filter_map(|field| crate::pdf::text(field.value?)).collect();
    assert_eq!(values, ["value of a", "value of b", "value of a", "value of a_2", "value of c", "value of a"]);
    assert_eq!(assembled(&[&first, &second], true).renamed, [], "what is painted has no name");
}

#[test]
fn fields_above_others_that_say_the_same_become_one() {
    let file = |names: &[&str], further: Dictionary| {
        let mut maker = Maker::new(1);
        let kids: Vec<ObjectId> = names.iter().map(|name| maker.kid(0, name, dictionary! {})).collect();
        maker.above("person", &kids, further);
        maker.saved()
    };
    let (first, same) = (file(&["name", "age"], dictionary! {}), file(&["name", "city"], dictionary! {}));
    let other = file(&["street"], dictionary! { "Ff" => 1 });
    let result = assembled(&[&first, &same, &other, &same], false);
    let document = read(&result);
    let expected =
        ["person.name", "person.age", "person.name_2", "person.city", "person.name_3", "person.city_2", "person_2.street"];
    assert_eq!(names(&document), expected);
    let told: Vec<&str> = result.renamed.iter().map(|(_, current)| current.as_str()).collect();
    assert_eq!(told, ["person.name_2", "person_2.street", "person.name_3", "person.city_2"]);
    for field in fields::all(&document).unwrap() {
        assert_eq!(
            fields::of_widget(&document, field.id).unwrap().unwrap().name,
            field.name,
            "up the tree it is called the same"
        );
    }
}

#[test]
fn signature_fields_of_a_form_that_is_used_twice_are_two_fields() {
    let contract = fixtures::inherited_type();
    let result = assembled(&[&contract, &contract], true);
    let document = read(&result);
    let found = fields::all(&document).unwrap();
    let expected = ["signers.first", "signers.second", "signers.first_2", "signers.second_2"];
    assert_eq!(found.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), expected);
    assert!(found.iter().all(Field::is_signature));
    assert_eq!(result.renamed.len(), 2);
}

#[test]
fn a_form_that_is_used_twice_has_its_fonts_once() {
    let contract = fixtures::contract(&["A"]);
    let fonts = |document: &Document| {
        document.objects.values().filter(|object| object.as_dict().is_ok_and(|d| d.has_type(b"Font"))).count()
    };
    assert_eq!(fonts(&alone(&contract, true)), 2);
    assert_eq!(fonts(&read(&assembled(&[&contract, &contract], false))), 4, "read twice, they are two documents");
    let document = open(&contract).unwrap();
    let compiled = Compiled::of(&document).unwrap();
    let part = || Part { document: &document, compiled: &compiled, changed: Vec::new() };
    for flatten in [false, true] {
        let result = read(&assemble(&[part(), part()], flatten).unwrap());
        assert_eq!(fonts(&result), 2);
        assert_eq!(names(&result), ["A", "A_2"]);
        let pages = crate::pdf::pages(&result).unwrap();
        assert!(pages.len() == 2 && pages[0] != pages[1]);
    }
    // One that changes what both have is on its own.
    let font = document.objects.iter().find(|(_, object)| object.as_dict().is_ok_and(|font| font.has_type(b"Font"))).unwrap();
    let mut bold = font.1.as_dict().unwrap().clone();
    bold.set("BaseFont", "Courier");
    let changes = Part { changed: vec![(*font.0, bold.into())], ..part() };
    let result = read(&assemble(&[part(), changes], true).unwrap());
    let is = |name: &'static str| {
        move |font: &&Object| font.as_dict().is_ok_and(|font| font.get(b"BaseFont").is_ok_and(|is| *is == Object::from(name)))
    };
    assert_eq!(result.objects.values().filter(is("Courier")).count(), 1);
    assert_eq!(
        result.objects.values().filter(is("Helvetica")).count() + result.objects.values().filter(is("Helvetica-Bold")).count(),
        3
    );
}

#[test]
fn fonts_of_one_name_and_different_looks_are_renamed_where_they_are_named() {
    let file = |base: &str, name: &str| {
        let mut maker = Maker::new(1);
        maker.field(0, name, dictionary! { "DA" => Object::string_literal("/F1 9 Tf 0 g") });
        maker.field(0, &format!("{name} by the form"), dictionary! {});
        let font = maker.document.add_object(dictionary! { "Type" => "Font", "BaseFont" => base });
        let resources = dictionary! { "Font" => dictionary! { "F1" => font } };
        let form = dictionary! { "DR" => resources, "DA" => Object::string_literal("/F1 0 Tf"), "Fields" => Object::Null };
        maker.catalog().set("AcroForm", form);
        maker.saved()
    };
    let (one, same, other) = (file("Helvetica", "a"), file("Helvetica", "b"), file("Courier", "c"));
    let document = read(&assembled(&[&one, &other, &same], false));
    let font_of = |field: &Field<'_>| {
        let appearance = String::from_utf8(field.style.appearance.unwrap().as_str().unwrap().to_vec()).unwrap();
        let form = dict_entry(&document, catalog(&document), b"AcroForm").unwrap();
        let fonts = dict_entry(&document, dict_entry(&document, form, b"DR").unwrap(), b"Font").unwrap();
        let name = appearance.split_whitespace().next().unwrap()[1..].to_owned();
        let font = dict_entry(&document, fonts, name.as_bytes()).unwrap();
        (appearance, String::from_utf8(font.get(b"BaseFont").unwrap().as_name().unwrap().to_vec()).unwrap())
    };
    let found: Vec<(String, String)> = fields::all(&document).unwrap().iter().map(font_of).collect();
    let expected = [
        ("/F1 9 Tf 0 g", "Helvetica"),
        ("/F1 0 Tf", "Helvetica"),
        ("/F1_2 9 Tf 0 g", "Courier"),
        ("/F1_2 0 Tf", "Courier"),
        ("/F1 9 Tf 0 g", "Helvetica"),
        ("/F1 0 Tf", "Helvetica"),
    ];
    assert_eq!(found, expected.map(|(appearance, font)| (appearance.to_owned(), font.to_owned())));
}

#[test]
fn the_order_of_calculation_follows_the_parts() {
    let file = || {
        let mut maker = Maker::new(1);
        let (one, two) = (maker.field(0, "one", dictionary! {}), maker.field(0, "two", dictionary! {}));
        maker.catalog().set("AcroForm", dictionary! { "CO" => vec![two.into(), one.into()] });
        maker.saved()
    };
    let document = read(&assembled(&[&file(), &file()], false));
    let form = dict_entry(&document, catalog(&document), b"AcroForm").unwrap();
    let all = fields::all(&document).unwrap();
    let name = |id: ObjectId| all.iter().find(|field| field.id == id).unwrap().name.clone();
    let order: Vec<String> =
        array_entry(&document, form, b"CO").unwrap().iter().map(|id| name(id.as_reference().unwrap())).collect();
    assert_eq!(order, ["two", "one", "two_2", "one_2"]);
}

/// A tagged document of two pages with a bookmark, a named destination, a layer that is off and labels.
pub(super) fn rich(labels: bool) -> Vec<u8> {
    let mut maker = Maker::new(2);
    let second = maker.pages[1];
    let bookmarks = maker.document.new_object_id();
    let mark = |dest: Object| dictionary! { "Title" => lopdf::text_string("mark"), "Parent" => bookmarks, "Dest" => dest };
    let (first, last) =
        (maker.document.add_object(mark(lopdf::text_string("place"))), maker.document.add_object(mark(Object::Null)));
    maker.document.get_dictionary_mut(first).unwrap().set("Next", last);
    maker.document.get_dictionary_mut(last).unwrap().set("Prev", first);
    let outlines = dictionary! { "First" => first, "Last" => last, "Count" => 2 };
    maker.document.objects.insert(bookmarks, outlines.into());
    let root = maker.document.new_object_id();
    let element = maker.document.add_object(dictionary! { "S" => "P", "P" => root, "Pg" => second, "K" => 0 });
    let parents = dictionary! { "Nums" => vec![3.into(), vec![element.into()].into()] };
    let roles = dictionary! { "Mine" => "P" };
    let structure = dictionary! { "Type" => "StructTreeRoot", "K" => element, "ParentTree" => parents, "RoleMap" => roles };
    maker.document.objects.insert(root, structure.into());
    maker.page(1).set("StructParents", 3);
    let layer = maker.document.add_object(dictionary! { "Type" => "OCG", "Name" => lopdf::text_string("layer") });
    let shown = maker.document.add_object(dictionary! { "Type" => "OCG", "Name" => lopdf::text_string("shown") });
    let catalog = maker.catalog();
    catalog.set("Outlines", bookmarks);
    catalog.set("StructTreeRoot", root);
    catalog.set("MarkInfo", dictionary! { "Marked" => true });
    let destination = dictionary! { "D" => vec![second.into(), "Fit".into()] };
    let named = dictionary! { "Names" => vec![lopdf::text_string("place"), destination.into()] };
    catalog.set("Names", dictionary! { "Dests" => named });
    let configuration = dictionary! { "BaseState" => "OFF", "ON" => vec![shown.into()], "Order" => vec![layer.into()] };
    catalog.set("OCProperties", dictionary! { "OCGs" => vec![layer.into(), shown.into()], "D" => configuration });
    if labels {
        let roman = dictionary! { "S" => "r" };
        catalog.set("PageLabels", dictionary! { "Nums" => vec![0.into(), roman.into()] });
    }
    maker.saved()
}

#[test]
fn bookmarks_destinations_layers_labels_and_structure_of_all_parts_are_kept() {
    let document = read(&assembled(&[&rich(false), &rich(true), &rich(false)], false));
    let catalog = catalog(&document);
    let pages = crate::pdf::pages(&document).unwrap();
    // Bookmarks, each to its own second page.
    let outlines = dict_entry(&document, catalog, b"Outlines").unwrap();
    let (mut marks, mut next, mut before) = (Vec::new(), outlines.get(b"First").ok(), None);
    while let Some(Object::Reference(id)) = next {
        let item = dict_at(&document, *id).unwrap();
        assert_eq!(item.get(b"Prev").ok(), before.as_ref());
        assert_eq!(of(item, b"Parent"), of(catalog, b"Outlines"));
        if let Some(place) = array_entry(&document, item, b"Dest") {
            marks.push(place[0].as_reference().unwrap());
        }
        (next, before) = (item.get(b"Next").ok(), Some(Object::Reference(*id)));
    }
    assert_eq!(marks, [pages[1], pages[3], pages[5]]);
    assert_eq!((outlines.get(b"Last").ok(), of(outlines, b"Count")), (before.as_ref(), &6.into()));
    // Names.
    let named = dict_entry(&document, dict_entry(&document, catalog, b"Names").unwrap(), b"Dests").unwrap();
    let names: Vec<&[u8]> =
        array_entry(&document, named, b"Names").unwrap().chunks(2).map(|pair| pair[0].as_str().unwrap()).collect();
    assert_eq!(names, [b"place".as_slice(), b"place_2", b"place_3"]);
    // Layers.
    let layers = dict_entry(&document, catalog, b"OCProperties").unwrap();
    let configuration = dict_entry(&document, layers, b"D").unwrap();
    let count = |dictionary, key: &[u8]| array_entry(&document, dictionary, key).unwrap().len();
    assert_eq!((count(layers, b"OCGs"), count(configuration, b"OFF"), count(configuration, b"Order")), (6, 3, 3));
    // Labels.
    let labels = array_entry(&document, dict_entry(&document, catalog, b"PageLabels").unwrap(), b"Nums").unwrap();
    let style = |label: &Object| label.as_dict().unwrap().get(b"S").unwrap().as_name().unwrap().to_vec();
    let labels: Vec<(i64, Vec<u8>)> = labels.chunks(2).map(|pair| (pair[0].as_i64().unwrap(), style(&pair[1]))).collect();
    assert_eq!(labels, [(0, b"D".to_vec()), (2, b"r".to_vec()), (4, b"D".to_vec())]);
    // Structure: the key of each page leads to the element that names the page.
    let structure = dict_entry(&document, catalog, b"StructTreeRoot").unwrap();
    let parents = array_entry(&document, dict_entry(&document, structure, b"ParentTree").unwrap(), b"Nums").unwrap();
    for number in [1, 3, 5] {
        let key = page(&document, number).get(b"StructParents").unwrap();
        let elements = &parents.chunks(2).find(|pair| pair[0] == *key).unwrap()[1];
        let element = resolve(&document, &elements.as_array().unwrap()[0]).as_dict().unwrap();
        assert_eq!(of(element, b"Pg"), &pages[number].into());
        assert_eq!(of(element, b"P"), of(catalog, b"StructTreeRoot"));
    }
    assert_eq!(array_entry(&document, structure, b"K").unwrap().len(), 3);
    assert!(dict_entry(&document, structure, b"RoleMap").unwrap().has(b"Mine"));
    assert!(catalog.has(b"MarkInfo"));
}

#[test]
fn a_document_of_which_a_part_is_not_tagged_does_not_say_that_it_is() {
    let document = read(&assembled(&[&rich(false), &fixtures::contract(&["A"])], true));
    assert!(!catalog(&document).has(b"MarkInfo") && catalog(&document).has(b"StructTreeRoot"));
}

/// A form with the fields `a`, `person.name` and `person.NAME`, and a signature field with a lock.
fn locking(name: &str, action: &str, fields: &[&str]) -> Vec<u8> {
    let mut maker = Maker::new(1);
    maker.field(0, "a", dictionary! {});
    let kids: Vec<ObjectId> = ["name", name].iter().map(|name| maker.kid(0, name, dictionary! {})).collect();
    maker.above("person", &kids, dictionary! {});
    let fields: Vec<Object> = fields.iter().map(|field| lopdf::text_string(field)).collect();
    let lock = dictionary! { "Type" => "SigFieldLock", "Action" => action, "Fields" => fields };
    maker.field(0, "signature", dictionary! { "FT" => "Sig", "V" => Object::Null, "Lock" => lock });
    maker.saved()
}

#[test]
fn a_lock_names_the_fields_of_its_own_part() {
    let include = locking("age", "Include", &["a", "person", "none"]);
    let exclude = locking("city", "Exclude", &["person.name", "a", "b"]);
    let mut with_b = Maker::new(1);
    with_b.field(0, "b", dictionary! {});
    with_b.field(0, "none", dictionary! {});
    let with_b = with_b.saved();
    // The last is the same document as the first, read once.
    let read_all: Vec<_> = [&include, &exclude, &with_b]
        .map(|file| {
            let document = open(file).unwrap();
            let compiled = Compiled::of(&document).unwrap();
            (document, compiled)
        })
        .into();
    let parts = [0, 1, 2, 0].map(|at: usize| {
        let (document, compiled) = &read_all[at];
        Part { document, compiled, changed: Vec::new() }
    });
    let result = read(&assemble(&parts, false).unwrap());
    let locks = |document: &Document| -> Vec<(String, Vec<String>)> {
        let signatures = fields::all(document).unwrap().into_iter().filter(Field::is_signature);
        let lock = |field: Field<'_>| {
            let lock = dict_entry(document, dict_at(document, field.id).unwrap(), b"Lock").unwrap();
            assert!(lock.has(b"Type") && lock.has(b"Action"));
            let names = array_entry(document, lock, b"Fields").unwrap();
            (field.name, names.iter().filter_map(crate::pdf::text).collect())
        };
        signatures.map(lock).collect()
    };
    let lock = |field: &str, names: &[&str]| (field.to_owned(), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(
        locks(&result),
        [
            lock("signature", &["a", "person.age", "person.name"]),
            lock("signature_2", &["a_2", "person.name_2"]),
            lock("signature_3", &["a_3", "person.age_2", "person.name_3"]),
        ]
    );
    assert_eq!(locks(&alone(&include, false)), [lock("signature", &["a", "person", "none"])], "alone, nothing is renamed");
    let flat = read(&assemble(&parts, true).unwrap());
    assert_eq!(locks(&flat), [lock("signature", &[]), lock("signature_2", &[]), lock("signature_3", &[])]);
}

#[test]
fn locks_of_masses_of_fields_of_one_name_have_a_bound() {
    let mut maker = Maker::new(1);
    let ids: Vec<ObjectId> = (0..700).map(|_| maker.field(0, "a", dictionary! {})).collect();
    for id in ids {
        let lock = dictionary! { "Action" => "Include", "Fields" => vec![lopdf::text_string("a")] };
        maker.document.get_dictionary_mut(id).unwrap().set("Lock", lock);
    }
    let file = maker.saved();
    let result = assembled(&[&file, &file], false);
    assert!(result.pdf.len() < 6_000_000, "{}", result.pdf.len());
}

#[test]
fn buttons_that_reset_and_send_fields_mean_the_fields_of_their_own_part() {
    let mut maker = Maker::new(1);
    maker.field(0, "a", dictionary! {});
    let kid = maker.kid(0, "name", dictionary! {});
    maker.above("person", &[kid], dictionary! {});
    let names = |names: &[&str]| names.iter().map(|name| lopdf::text_string(name)).collect::<Vec<Object>>();
    let list = maker.document.add_object(Object::Array(names(&["a"])));
    let send = dictionary! { "S" => "SubmitForm", "F" => lopdf::text_string("https://example.com"), "Fields" => list };
    let reset = dictionary! { "S" => "ResetForm", "Fields" => names(&["person.name", "none"]), "Next" => vec![send.into()] };
    maker.field(0, "button", dictionary! { "FT" => "Btn", "Ff" => 1 << 16, "A" => reset });
    let file = maker.saved();
    let document = read(&assembled(&[&file, &file], false));
    let found = fields::all(&document).unwrap();
    let name_of = |field: &Object| match field {
        Object::Reference(id) => found.iter().find(|field| field.id == *id).unwrap().name.clone(),
        other => crate::pdf::text(other).unwrap(),
    };
    let listed = |action: &Dictionary| array_entry(&document, action, b"Fields").unwrap().iter().map(name_of).collect::<Vec<_>>();
    let meant = found.iter().filter(|field| field.name.starts_with("button")).map(|button| {
        let reset = dict_entry(&document, dict_at(&document, button.id).unwrap(), b"A").unwrap();
        let send = array_entry(&document, reset, b"Next").unwrap()[0].as_dict().unwrap();
        (listed(reset), listed(send))
    });
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        meant.collect::<Vec<_>>(),
        [(of(&["person.name", "none"]), of(&["a"])), (of(&["person.name_2", "none"]), of(&["a_2"]))]
    );
}
