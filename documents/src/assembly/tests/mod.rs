//! The rules of assembling, each by its name.

mod flattened;
mod joined;

use chrono::{DateTime, TimeZone, Utc};
use lopdf::{Dictionary, Stream, StringFormat, dictionary};

use super::*;
use crate::fields::{self, Field};
use crate::fixtures;
use crate::pdf::{array_entry, dict_at, dict_entry, entry, resolve};
use crate::pkcs12::Identity;
use crate::verify::{self, Trust};

/// A document with forms as they are written by hand in the tests.
struct Maker {
    document: Document,
    pages: Vec<ObjectId>,
    fields: Vec<Object>,
}

impl Maker {
    fn new(pages: usize) -> Self {
        let mut document = Document::with_version("1.7");
        let tree = document.new_object_id();
        let page = |document: &mut Document| {
            let contents = document.add_object(Stream::new(dictionary! {}, b"0.5 g 10 10 20 20 re f".to_vec()));
            document.add_object(dictionary! {
                "Type" => "Page", "Parent" => tree, "Contents" => contents,
                "MediaBox" => vec![0.into(), 0.into(), 200.into(), 200.into()], "Resources" => dictionary! {},
            })
        };
        let pages: Vec<ObjectId> = (0..pages).map(|_| page(&mut document)).collect();
        let kids: Vec<Object> = pages.iter().map(|page| Object::from(*page)).collect();
        let node = dictionary! { "Type" => "Pages", "Count" => kids.len() as i64, "Kids" => kids };
        document.objects.insert(tree, node.into());
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
        document.trailer.set("Root", catalog);
        Self { document, pages, fields: Vec::new() }
    }

    fn catalog(&mut self) -> &mut Dictionary {
        self.document.catalog_mut().unwrap()
    }

    fn page(&mut self, page: usize) -> &mut Dictionary {
        self.document.get_dictionary_mut(self.pages[page]).unwrap()
    }

    fn annotate(&mut self, page: usize, annotation: ObjectId) {
        let mut annotations = self.page(page).get(b"Annots").and_then(Object::as_array).cloned().unwrap_or_default();
        annotations.push(annotation.into());
        self.page(page).set("Annots", annotations);
    }

    fn look(&mut self, content: &str) -> ObjectId {
        let bounds: Vec<Object> = [0, 0, 50, 20].map(Object::Integer).to_vec();
        let dictionary = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => bounds };
        self.document.add_object(Stream::new(dictionary, content.as_bytes().to_vec()))
    }

    /// A field of the top level with one widget, which is itself.
    fn field(&mut self, page: usize, name: &str, further: Dictionary) -> ObjectId {
        let id = self.kid(page, name, further);
        self.fields.push(id.into());
        id
    }

    fn kid(&mut self, page: usize, name: &str, further: Dictionary) -> ObjectId {
        let look = self.look(&format!("% {name}"));
        let mut field = dictionary! {
            "Type" => "Annot", "Subtype" => "Widget", "FT" => "Tx", "T" => lopdf::text_string(name),
            "Rect" => [10, 20, 60, 40].map(Object::Integer).to_vec(), "AP" => dictionary! { "N" => look },
            "V" => lopdf::text_string(&format!("value of {name}")),
        };
        // Not `extend`, which puts arrays and dictionaries of one key together.
        further.into_iter().for_each(|(key, value)| field.set(key, value));
        let id = self.document.add_object(field);
        self.annotate(page, id);
        id
    }

    fn above(&mut self, name: &str, kids: &[ObjectId], further: Dictionary) -> ObjectId {
        let kids_list: Vec<Object> = kids.iter().map(|kid| Object::from(*kid)).collect();
        let mut field = dictionary! { "T" => lopdf::text_string(name), "Kids" => kids_list };
        further.into_iter().for_each(|(key, value)| field.set(key, value));
        let id = self.document.add_object(field);
        self.fields.push(id.into());
        id
    }

    fn saved(mut self) -> Vec<u8> {
        if !self.fields.is_empty() {
            let fields = std::mem::take(&mut self.fields);
            match self.catalog().get_mut(b"AcroForm").and_then(Object::as_dict_mut) {
                Ok(form) => form.set("Fields", fields),
                Err(_) => self.catalog().set("AcroForm", dictionary! { "Fields" => fields }),
            }
        }
        let mut bytes = Vec::new();
        self.document.save_to(&mut bytes).unwrap();
        bytes
    }
}

fn assembled(files: &[&[u8]], flatten: bool) -> Assembled {
    put_together(&files.iter().map(|file| file.to_vec()).collect::<Vec<_>>(), flatten).unwrap()
}

/// The result as the strict reader has it; nothing that matters in it is missing or in doubt.
fn read(result: &Assembled) -> Document {
    let file = crate::reader::open(&result.pdf).unwrap();
    assert_eq!(file.reached().unwrap(), std::collections::HashSet::new());
    let document = file.document;
    let pages = crate::pdf::pages(&document).unwrap();
    assert_eq!(pages.len(), result.pages);
    document
}

fn alone(file: &[u8], flatten: bool) -> Document {
    read(&assembled(&[file], flatten))
}

fn catalog(document: &Document) -> &Dictionary {
    crate::pdf::catalog(document).unwrap().1
}

fn of<'a>(dictionary: &'a Dictionary, key: &[u8]) -> &'a Object {
    dictionary.get(key).unwrap()
}

fn names(document: &Document) -> Vec<String> {
    fields::all(document).unwrap().into_iter().map(|field| field.name).collect()
}

fn page(document: &Document, page: usize) -> &Dictionary {
    dict_at(document, crate::pdf::pages(document).unwrap()[page]).unwrap()
}

fn annotations(document: &Document, number: usize) -> usize {
    array_entry(document, page(document, number), b"Annots").map_or(0, Vec::len)
}

/// The content of a page, its streams one after another.
fn content(document: &Document, number: usize) -> String {
    let contents = entry(document, page(document, number), b"Contents").unwrap();
    let streams = match contents {
        Object::Array(streams) => streams.iter().map(|stream| resolve(document, stream)).collect(),
        one => vec![one],
    };
    let plain = |stream: &Object| {
        stream.as_stream().unwrap().decompressed_content().unwrap_or_else(|_| stream.as_stream().unwrap().content.clone())
    };
    String::from_utf8_lossy(&streams.into_iter().map(plain).collect::<Vec<_>>().join(&b'|')).into_owned()
}

/// The contents of the form XObjects of a page's resources, by name.
fn painted(document: &Document, number: usize) -> Vec<(String, &Stream)> {
    let resources = dict_entry(document, page(document, number), b"Resources").unwrap();
    let objects = dict_entry(document, resources, b"XObject").into_iter().flat_map(Dictionary::iter);
    let stream = |(name, object): (&Vec<u8>, _)| {
        (String::from_utf8(name.clone()).unwrap(), resolve(document, object).as_stream().unwrap())
    };
    objects.map(stream).collect()
}

fn shows(document: &Document, number: usize, what: &str) -> bool {
    painted(document, number).iter().any(|(_, look)| look.content == what.as_bytes())
}

#[test]
fn a_result_is_read_by_the_strict_reader_and_the_same_parts_give_the_same_bytes() {
    for pdf in [fixtures::contract(&["A"]), fixtures::text_field("A"), fixtures::with_xref_stream(&["A"]), fixtures::active()] {
        for flatten in [false, true] {
            let result = assembled(&[&pdf, &pdf], flatten);
            read(&result);
            assert_eq!(result.pdf, assembled(&[&pdf, &pdf], flatten).pdf);
        }
    }
}

#[test]
fn scripts_that_run_by_themselves_files_of_usage_rights_and_xfa_are_left_out_and_bookmarks_stay() {
    let mut maker = Maker::new(1);
    let script = || dictionary! { "S" => "JavaScript", "JS" => lopdf::text_string("this.getField('a').value = 1") };
    let format = dictionary! { "F" => script(), "PO" => script() };
    maker.field(0, "a", dictionary! { "AA" => format });
    maker.page(0).set("AA", dictionary! { "O" => script() });
    let target = maker.pages[0];
    let bookmarks = maker.document.new_object_id();
    let bookmark = maker.document.add_object(dictionary! {
        "Title" => lopdf::text_string("b"), "Parent" => bookmarks, "Dest" => vec![target.into(), "Fit".into()],
    });
    maker.document.objects.insert(bookmarks, dictionary! { "First" => bookmark, "Last" => bookmark, "Count" => 1 }.into());
    let catalog_of = maker.catalog();
    catalog_of.set("Outlines", bookmarks);
    catalog_of.set("Lang", lopdf::text_string("eu"));
    catalog_of.set("OpenAction", script());
    catalog_of.set("AA", dictionary! { "WC" => script() });
    catalog_of
        .set("Names", dictionary! { "JavaScript" => dictionary! { "Names" => vec![lopdf::text_string("x"), script().into()] } });
    catalog_of.set("Perms", dictionary! { "UR3" => dictionary! {} });
    catalog_of.set("Extensions", dictionary! { "ADBE" => dictionary! {} });
    catalog_of.set("AcroForm", dictionary! { "XFA" => lopdf::text_string("<xdp/>"), "NeedAppearances" => true });
    let document = alone(&maker.saved(), false);
    let found = catalog(&document);
    for key in [b"OpenAction".as_slice(), b"AA", b"Names", b"Perms", b"Extensions"] {
        assert!(!found.has(key), "{}", String::from_utf8_lossy(key));
    }
    let form = dict_entry(&document, found, b"AcroForm").unwrap();
    assert!(!form.has(b"XFA") && !form.has(b"NeedAppearances"));
    assert!(dict_entry(&document, found, b"Outlines").unwrap().has(b"First") && found.has(b"Lang"));
    assert!(!page(&document, 0).has(b"AA"));
    let field = dict_at(&document, fields::all(&document).unwrap()[0].id).unwrap();
    let waiting: Vec<&[u8]> = dict_entry(&document, field, b"AA").unwrap().iter().map(|(key, _)| key.as_slice()).collect();
    assert_eq!(waiting, [b"F"]);
}

#[test]
fn a_file_that_opens_without_a_password_is_decrypted_and_another_is_refused() {
    let open_to_all = fixtures::encrypted("", lopdf::Permissions::all());
    let document = alone(&open_to_all, false);
    assert!(!document.trailer.has(b"Encrypt"));
    assert_eq!(names(&document), ["A"]);
    assert!(content(&document, 0).contains("Service agreement"));
    let closed = fixtures::encrypted("secret", lopdf::Permissions::all());
    assert!(matches!(open(&closed), Err(pdf::Error::Encrypted)));
    let error = put_together(&[closed], false).unwrap_err();
    assert_eq!(error.to_string(), "the PDF needs a password to be opened");
}

#[test]
fn a_page_inherits_nothing_and_always_has_resources_and_a_size() {
    let mut maker = Maker::new(2);
    for page in 0..2 {
        for key in [b"Resources".as_slice(), b"MediaBox", b"Contents"] {
            maker.page(page).remove(key);
        }
    }
    maker.page(1).set("Contents", Object::Null);
    let tree = maker.page(0).get(b"Parent").unwrap().as_reference().unwrap();
    let node = maker.document.get_dictionary_mut(tree).unwrap();
    node.set("Rotate", 450);
    node.set("MediaBox", vec![0.into(), 0.into(), Object::Real(300.5), 400.into()]);
    let document = alone(&maker.saved(), false);
    for number in 0..2 {
        let page = page(&document, number);
        assert_eq!(of(page, b"Rotate"), &90.into());
        assert_eq!(page.get(b"MediaBox").unwrap().as_array().unwrap()[2], Object::Real(300.5));
        assert!(dict_entry(&document, page, b"Resources").is_some() && !page.has(b"Contents"));
    }
    let mut maker = Maker::new(1);
    maker.page(0).remove(b"MediaBox");
    let document = alone(&maker.saved(), false);
    assert_eq!(page(&document, 0).get(b"MediaBox").unwrap().as_array().unwrap()[2], 612.into());
}

#[test]
fn a_page_without_content_is_flattened() {
    let mut maker = Maker::new(1);
    maker.page(0).remove(b"Contents");
    maker.field(0, "a", dictionary! {});
    let document = alone(&maker.saved(), true);
    assert!(content(&document, 0).ends_with("q 1 0 0 1 10 20 cm /Rb0 Do Q\n") && shows(&document, 0, "% a"));
}

#[test]
fn a_page_that_stands_in_the_tree_twice_is_two_pages() {
    let mut maker = Maker::new(1);
    maker.field(0, "a", dictionary! {});
    let (page_id, tree) = (maker.pages[0], maker.page(0).get(b"Parent").unwrap().as_reference().unwrap());
    let node = maker.document.get_dictionary_mut(tree).unwrap();
    node.set("Kids", vec![page_id.into(), page_id.into()]);
    let pdf = maker.saved();
    for flatten in [false, true] {
        let document = alone(&pdf, flatten);
        let pages = crate::pdf::pages(&document).unwrap();
        assert!(pages.len() == 2 && pages[0] != pages[1]);
    }
    let flat = alone(&pdf, true);
    assert!(shows(&flat, 0, "% a") && shows(&flat, 1, "% a"), "a widget is painted on each page that lists it");
}

#[test]
fn a_page_that_stands_in_the_tree_again_and_again_is_refused() {
    let mut maker = Maker::new(1);
    let large: Vec<Object> = (0..1_000).map(Object::Integer).collect();
    maker.page(0).set("VP", large);
    let (page_id, tree) = (maker.pages[0], maker.page(0).get(b"Parent").unwrap().as_reference().unwrap());
    let kids: Vec<Object> = (0..10_000).map(|_| page_id.into()).collect();
    maker.document.get_dictionary_mut(tree).unwrap().set("Kids", kids);
    assert!(matches!(open(&maker.saved()), Err(pdf::Error::Damaged(_))));
}

#[test]
fn what_nothing_reaches_is_gone_and_numbers_have_no_gaps() {
    let mut maker = Maker::new(1);
    maker.document.max_id = 5_000;
    maker.document.add_object(lopdf::text_string("nobody sees this"));
    let gone = maker.document.new_object_id();
    maker.page(0).set("Metadata", gone);
    let document = open(&maker.saved()).unwrap();
    assert_eq!(document.max_id as usize, document.objects.len());
    assert!(document.objects.keys().map(|id| id.0).eq(1..=document.max_id));
    assert!(!page(&document, 0).has(b"Metadata"), "what does not exist is left out");
}

#[test]
fn widgets_that_no_tree_has_are_adopted_and_cycles_of_parents_end() {
    let mut maker = Maker::new(1);
    maker.field(0, "a", dictionary! {});
    maker.kid(0, "stray", dictionary! {});
    let looped = maker.kid(0, "looped", dictionary! {});
    maker.document.get_dictionary_mut(looped).unwrap().set("Parent", looped);
    let kid = maker.kid(0, "kid", dictionary! {});
    let above = maker.above("above", &[kid, kid], dictionary! {});
    maker.document.get_dictionary_mut(kid).unwrap().set("Kids", vec![above.into()]);
    let document = alone(&maker.saved(), false);
    assert_eq!(names(&document), ["a", "above.kid", "stray"]);
}

#[test]
fn what_a_field_tree_has_of_pages_stays_a_page() {
    let mut maker = Maker::new(1);
    maker.field(0, "a", dictionary! {});
    let tree = maker.page(0).get(b"Parent").unwrap().clone();
    maker.fields.push(tree);
    let document = alone(&maker.saved(), true);
    assert!(!catalog(&document).has(b"AcroForm") && shows(&document, 0, "% a"));
}

fn identity() -> (Identity, DateTime<Utc>) {
    let now = Utc.with_ymd_and_hms(2026, 9, 1, 12, 0, 0).unwrap();
    let file = Identity::development("Seal", "Rubrica", now, "password").unwrap();
    (Identity::open(&file, "password", now).unwrap(), now)
}

#[test]
fn a_result_is_sealed_and_verified_flattened_or_not() {
    let (identity, now) = identity();
    let roots = || identity.certificates().last().map(<[u8]>::to_vec).into_iter().collect();
    for flatten in [false, true] {
        let result = assembled(&[&fixtures::contract(&["A", "B"]), &fixtures::text_field("C"), &joined::rich(true)], flatten);
        let request = |field: Option<&str>| crate::seal::Request {
            field: field.map(str::to_owned),
            signer_name: "Ane".to_owned(),
            at: now,
            reason: "agreed".to_owned(),
            location: None,
            appearance_lines: None,
            handwriting: None,
        };
        crate::seal::rehearse(&result.pdf).unwrap();
        let sealed = crate::seal::seal(&result.pdf, &identity, &[request(Some("A")), request(Some("B")), request(None)]).unwrap();
        let report = verify::verify(&sealed.pdf, &Trust { roots: roots() }, now).unwrap();
        assert_eq!(report.signatures.len(), 3);
        assert!(report.all_intact(), "{report:?}");
    }
}

#[test]
fn nothing_and_too_much_are_refused() {
    assert_eq!(assemble(&[], true).unwrap_err(), Error::NoParts);
    let document = open(&fixtures::contract(&["A"])).unwrap();
    let compiled = Compiled::of(&document).unwrap();
    let part = |_| Part { document: &document, compiled: &compiled, changed: Vec::new() };
    let parts: Vec<Part<'_>> = (0..=MAX_PARTS).map(part).collect();
    assert_eq!(assemble(&parts, true).unwrap_err(), Error::TooManyParts);
    let huge = Stream::new(dictionary! {}, vec![b' '; 130 * 1024 * 1024]);
    let contents = page(&document, 0).get(b"Contents").unwrap().as_reference().unwrap();
    let changed = || vec![(contents, huge.clone().into())];
    let parts: Vec<Part<'_>> = (0..2).map(|_| Part { document: &document, compiled: &compiled, changed: changed() }).collect();
    assert_eq!(assemble(&parts, false).unwrap_err(), Error::TooLarge);
}

#[test]
fn hostile_structures_come_to_an_end() {
    let (cycle, deep) = (fixtures::page_cycle(), fixtures::deep_fields(fields::MAX_DEPTH + 2));
    assert!(matches!(open(&cycle), Err(pdf::Error::Damaged(_))));
    assert!(put_together(&[deep], true).is_err());
    assert_eq!(names(&alone(&fixtures::field_cycle(), false)), ["A"]);
    let mut maker = Maker::new(1);
    let (one, two) = (maker.document.new_object_id(), maker.document.new_object_id());
    for (own, other) in [(one, two), (two, one)] {
        let item =
            dictionary! { "Title" => lopdf::text_string("x"), "Next" => other, "Kids" => vec![other.into()], "First" => other };
        maker.document.objects.insert(own, item.into());
    }
    maker.catalog().set("Outlines", one);
    maker.catalog().set("PageLabels", one);
    let outlines_and_labels = maker.saved();
    assert!(put_together(&[outlines_and_labels], false).is_err(), "a tree of labels in a circle");
    let mut maker = Maker::new(1);
    let one = maker.document.new_object_id();
    let item = dictionary! { "Title" => Object::String(b"x".to_vec(), StringFormat::Hexadecimal), "Next" => one, "First" => one };
    maker.document.objects.insert(one, item.into());
    maker.catalog().set("Outlines", one);
    let circle = maker.saved();
    let result = assembled(&[&circle, &circle], false);
    assert!(!catalog(&read(&result)).has(b"Outlines"), "bookmarks in a circle are none");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn putting_together_keeps_every_value_and_every_page(
        forms in proptest::collection::vec((1..4_usize, proptest::collection::vec("[a-c]{1,2}(_2)?", 0..5)), 1..5),
    ) {
        let mut expected = 0;
        let files: Vec<Vec<u8>> = forms.iter().map(|(pages, names)| {
            let mut maker = Maker::new(*pages);
            let once: std::collections::BTreeSet<&String> = names.iter().collect();
            expected += once.len();
            for name in once {
                maker.field(pages - 1, name, dictionary! {});
            }
            maker.saved()
        }).collect();
        let parts: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let result = assembled(&parts, false);
        proptest::prop_assert_eq!(result.pages, forms.iter().map(|(pages, _)| pages).sum::<usize>());
        let document = read(&result);
        let fields = fields::all(&document).unwrap();
        proptest::prop_assert_eq!(fields.len(), expected);
        let names: std::collections::HashSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        proptest::prop_assert_eq!(names.len(), expected, "names are unique");
        for field in &fields {
            let original = result.renamed.iter().find(|(_, current)| *current == field.name).map_or(&field.name, |(original, _)| original);
            let value = crate::pdf::text(field.value.unwrap()).unwrap();
            proptest::prop_assert_eq!(value, format!("value of {}", original));
        }
        let flat = assembled(&parts, true);
        proptest::prop_assert_eq!(flat.pages, result.pages);
        proptest::prop_assert!(flat.renamed.is_empty());
        let document = read(&flat);
        let painted: usize = (0..flat.pages).map(|number| painted(&document, number).len()).sum();
        proptest::prop_assert_eq!(painted, expected);
    }
}
