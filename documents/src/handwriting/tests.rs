use std::sync::Arc;

use aws_lc_rs::digest;
use chrono::{DateTime, TimeZone, Utc};
use lopdf::{Dictionary, Document, Object, Stream, dictionary};

use super::*;
use crate::pkcs12::Identity;
use crate::revision::{Changes, Revisions};
use crate::seal::{self, Request};
use crate::verify::{self, Trust};
use crate::{escrow, fields, fixtures, pdf, reader};

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

fn rsa() -> Identity {
    Identity::open(include_bytes!("../../fixtures/rsa2048-aes256.p12"), "password", at()).unwrap()
}

fn request(field: Option<&str>, handwriting: Option<Arc<Handwriting>>) -> Request {
    Request {
        field: field.map(str::to_owned),
        signer_name: "Núria Güell".to_owned(),
        at: at(),
        reason: "I agree".to_owned(),
        location: None,
        appearance_lines: None,
        handwriting,
    }
}

fn seal(pdf: &[u8], requests: &[Request]) -> Vec<u8> {
    seal::seal(pdf, &rsa(), requests).unwrap().pdf
}

fn verified(pdf: &[u8]) -> verify::Report {
    verify::verify(pdf, &Trust::default(), at()).unwrap()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}

/// The appearance of the first widget of a field.
fn appearance(pdf: &[u8], name: &str) -> (Document, Stream) {
    let document = reader::load(pdf).unwrap();
    let widget = fields::all(&document).unwrap().into_iter().find(|field| field.name == name).unwrap().widgets[0];
    let look = pdf::dict_entry(&document, pdf::dict_at(&document, widget).unwrap(), b"AP").unwrap();
    let stream = pdf::entry(&document, look, b"N").unwrap().as_stream().unwrap().clone();
    (document, stream)
}

/// The content of an appearance.
fn content(stream: &Stream) -> String {
    String::from_utf8_lossy(&stream.get_plain_content_with_limit(1 << 20).unwrap()).into_owned()
}

#[test]
fn each_signature_has_the_envelope_of_its_signer_and_ink_beside_its_text() {
    let (ana, jon) = (fixtures::handwriting(1), fixtures::handwriting(2));
    let encrypted = fixtures::encrypted("", lopdf::Permissions::FILLABLE);
    let three = ["A", "B", "C"];
    for (original, count) in [(fixtures::contract(&three), 3), (fixtures::with_xref_stream(&three), 3), (encrypted, 1)] {
        let requests = [request(Some("A"), Some(ana.clone())), request(Some("B"), None), request(Some("C"), Some(jon.clone()))];
        let requests = &requests[..count];
        let sealed = seal(&original, requests);
        assert_eq!(&sealed[..original.len()], original);
        assert!(verified(&sealed).all_intact(), "{}", verified(&sealed));
        let found = found(&sealed).unwrap();
        assert_eq!((found[0].field.as_str(), &found[0].envelope), ("A", &ana.envelope));
        if let Some(last) = found.get(1) {
            assert_eq!((last.field.as_str(), &last.envelope), ("C", &jon.envelope));
        }
        let content = content(&appearance(&sealed, "A").1);
        assert!(content.contains(" c\n") || content.contains(" c "), "curves");
        assert!(content.contains("Tj") || content.contains("TJ"), "name and time");
    }
}

#[test]
fn without_a_field_or_in_one_without_extent_an_empty_appearance_holds_the_envelope() {
    let flat = {
        let mut document = reader::load(&fixtures::contract(&["A"])).unwrap();
        let id = fields::all(&document).unwrap()[0].id;
        document.get_dictionary_mut(id).unwrap().set("Rect", vec![Object::Integer(0); 4]);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    };
    for (original, field) in [(fixtures::contract(&[]), None), (flat, Some("A"))] {
        let ana = fixtures::handwriting(1);
        let sealed = seal::seal(&original, &rsa(), &[request(field, Some(ana.clone()))]).unwrap();
        assert!(sealed.masks.is_empty(), "nothing is drawn");
        assert!(verified(&sealed.pdf).all_intact());
        let found = found(&sealed.pdf).unwrap();
        assert_eq!(found[0].envelope, ana.envelope);
        let (_, stream) = appearance(&sealed.pdf, &found[0].field);
        assert_eq!(stream.dict.get(b"BBox").unwrap().as_array().unwrap(), &vec![Object::Integer(0); 4]);
        assert!(stream.content.is_empty());
        // Without handwriting there is no appearance at all, as ever.
        let plain = seal(&original, &[request(field, None)]);
        let document = reader::load(&plain).unwrap();
        let widget = fields::all(&document).unwrap()[0].widgets[0];
        assert!(!pdf::dict_at(&document, widget).unwrap().has(b"AP"));
    }
}

#[test]
fn what_fields_of_one_signer_share_is_in_the_file_once() {
    let picture = Handwriting { ink: None, picture: Some(drawn_picture()), ..Handwriting::clone(&fixtures::handwriting(1)) };
    for shared in [fixtures::handwriting(1), Arc::new(picture)] {
        let original = fixtures::contract(&["A", "B"]);
        let requests = [
            request(Some("A"), Some(shared.clone())),
            request(Some("B"), Some(shared.clone())),
            request(None, Some(shared.clone())),
        ];
        let sealed = seal(&original, &requests);
        assert!(verified(&sealed).all_intact(), "{}", verified(&sealed));
        assert_eq!(memchr::memmem::find_iter(&sealed, &shared.envelope).count(), 1);
        let found = found(&sealed).unwrap();
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|found| found.envelope == shared.envelope));
        let document = reader::load(&sealed).unwrap();
        let images = document.objects.values().filter_map(|object| object.as_stream().ok());
        let images = images
            .filter(|stream| stream.dict.get(b"Subtype").is_ok_and(|kind| kind.as_name().is_ok_and(|kind| kind == b"Image")));
        assert_eq!(images.count(), usize::from(shared.ink.is_none()));
    }
}

/// A small picture of one thick line.
fn drawn_picture() -> crate::forms::Picture {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 40, 10);
    encoder.set_color(png::ColorType::Grayscale);
    let pixels: Vec<u8> = (0..400).map(|n| if (4..6).contains(&(n / 40)) { 0 } else { 255 }).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    picture(&file).unwrap()
}

#[test]
fn the_picture_is_shown_where_there_is_no_ink_and_the_text_where_there_is_neither() {
    let ana = fixtures::handwriting(1);
    let shown = |ink: Option<Ink>, picture| {
        let handwriting = Handwriting { envelope: ana.envelope.clone(), ink, picture };
        let sealed = seal(&fixtures::contract(&["A"]), &[request(Some("A"), Some(Arc::new(handwriting)))]);
        assert!(verified(&sealed).all_intact());
        assert_eq!(found(&sealed).unwrap()[0].envelope, ana.envelope);
        content(&appearance(&sealed, "A").1)
    };
    let is_picture = |content: &str| content.contains("/Im Do");
    assert!(is_picture(&shown(None, Some(drawn_picture()))));
    assert!(is_picture(&shown(Some(Ink::default()), Some(drawn_picture()))), "ink without a point is none");
    let both = shown(ana.ink.clone(), Some(drawn_picture()));
    assert!(!is_picture(&both) && both.contains("1 J 1 j"));
    let neither = shown(None, None);
    assert!(!is_picture(&neither) && !neither.contains("1 J 1 j") && neither.contains("Tm"));
}

#[test]
fn an_envelope_of_no_possible_size_is_refused() {
    for size in [0, MAX_ENVELOPE_BYTES + 1] {
        let handwriting = Arc::new(Handwriting { envelope: vec![7; size], ink: None, picture: None });
        let refused = seal::seal(&fixtures::contract(&["A"]), &rsa(), &[request(Some("A"), Some(handwriting))]);
        assert!(matches!(refused, Err(seal::Error::Envelope(found)) if found == size));
    }
}

#[test]
fn ink_and_text_are_upright_on_turned_pages_and_stay_in_what_was_rehearsed() {
    for rotation in [0, 90, 180, 270] {
        let original = fixtures::rotated(&["A"], rotation);
        let rehearsed = seal::rehearse(&original).unwrap();
        let sealed = seal::seal(&original, &rsa(), &[request(Some("A"), Some(fixtures::handwriting(1)))]).unwrap();
        assert_eq!(sealed.masks, rehearsed.masks);
        let (_, stream) = appearance(&sealed.pdf, "A");
        let bounds = stream.dict.get(b"BBox").unwrap().as_array().unwrap();
        let is_flat = bounds[2].as_float().unwrap() > bounds[3].as_float().unwrap();
        let (_, plain) = appearance(&seal(&original, &[request(Some("A"), None)]), "A");
        assert_eq!(plain.dict.get(b"BBox").unwrap(), stream.dict.get(b"BBox").unwrap());
        assert_eq!(plain.dict.get(b"Matrix").unwrap(), stream.dict.get(b"Matrix").unwrap());
        assert_eq!(is_flat, rotation % 180 == 0);
    }
}

#[test]
fn an_appearance_that_is_there_keeps_its_entries_and_the_form_within_holds_the_envelope() {
    let original = {
        let mut document = reader::load(&fixtures::contract(&["A"])).unwrap();
        let bounds = [0, 0, 210, 50].map(Object::Integer).to_vec();
        let dictionary = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => bounds };
        let old = document.add_object(Stream::new(dictionary, b" ".to_vec()));
        let id = fields::all(&document).unwrap()[0].id;
        document.get_dictionary_mut(id).unwrap().set("AP", dictionary! { "N" => old });
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    };
    let ana = fixtures::handwriting(1);
    let sealed = seal(&original, &[request(Some("A"), Some(ana.clone()))]);
    assert!(verified(&sealed).all_intact());
    assert!(!appearance(&sealed, "A").1.dict.has(b"PieceInfo"), "validators compare the entries");
    assert_eq!(found(&sealed).unwrap()[0].envelope, ana.envelope);
}

#[test]
fn the_signer_was_shown_the_original_though_others_are_sealed_before() {
    let (ana, jon) = (fixtures::handwriting(1), fixtures::handwriting(2));
    let bare = fixtures::contract(&["A", "B"]);
    let bare = &bare[..bare.len() - usize::from(bare.ends_with(b"\n"))];
    for end in ["", "\n", "\r\n", " \n\n"] {
        let original = [bare, end.as_bytes()].concat();
        let sealed =
            seal(&original, &[request(None, None), request(Some("A"), Some(ana.clone())), request(Some("B"), Some(jon.clone()))]);
        let found = found(&sealed).unwrap();
        assert_eq!(found.len(), 2);
        for found in &found {
            assert!(found.was_shown(&sealed, &sha256(&original)), "{end:?}");
            assert!(!found.was_shown(&sealed, &sha256(&sealed)));
            assert!(!found.was_shown(&sealed, &sha256(&original[..original.len() - 6])));
            assert!(!found.was_shown(&[], &sha256(&original)));
        }
        assert_eq!((found[0].shown().count(), found[1].shown().count()), (2, 3));
    }
}

#[test]
fn a_document_that_was_changed_before_it_was_signed_is_not_what_was_shown() {
    let original = fixtures::form_of(&["PRICE"], &["A"]);
    let changed = |change: &dyn Fn(&Document, &mut Changes)| {
        let mut revisions = Revisions::open(&original).unwrap();
        let mut changes = Changes::default();
        change(revisions.document(), &mut changes);
        revisions.append(changes).unwrap();
        revisions.whole()
    };
    let filled = changed(&|document, changes| {
        let field = fields::all(document).unwrap().into_iter().find(|field| field.name == "PRICE").unwrap().id;
        let mut dictionary = pdf::dict_at(document, field).unwrap().clone();
        dictionary.set("V", lopdf::text_string("9,999"));
        changes.set(field, dictionary);
    });
    let redrawn = changed(&|document, changes| {
        let page = pdf::dict_at(document, pdf::pages(document).unwrap()[0]).unwrap();
        let content = page.get(b"Contents").unwrap().as_reference().unwrap();
        changes.set(content, Stream::new(Dictionary::new(), b"BT ET".to_vec()));
    });
    for changed in [filled, redrawn] {
        let sealed = seal(&changed, &[request(Some("A"), Some(fixtures::handwriting(1)))]);
        let found = &found(&sealed).unwrap()[0];
        assert!(found.was_shown(&sealed, &sha256(&changed)));
        assert!(!found.was_shown(&sealed, &sha256(&original)), "it said another thing");
    }
}

#[test]
fn values_that_the_seal_draws_do_not_hide_what_was_shown() {
    let mut document = reader::load(&fixtures::form_of(&["NAME"], &["A"])).unwrap();
    let id = fields::all(&document).unwrap().into_iter().find(|field| field.name == "NAME").unwrap().id;
    let field = document.get_dictionary_mut(id).unwrap();
    field.set("V", lopdf::text_string("two hundred"));
    field.set("DA", Object::string_literal("/Helv 10 Tf 0 g"));
    let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
    document.get_dictionary_mut(form).unwrap().set("NeedAppearances", true);
    let mut original = Vec::new();
    document.save_to(&mut original).unwrap();
    let sealed = seal(&original, &[request(Some("A"), Some(fixtures::handwriting(1)))]);
    assert!(found(&sealed).unwrap()[0].was_shown(&sealed, &sha256(&original)));
}

#[test]
fn verification_names_envelope_and_holders_of_each_signature() {
    let pair = escrow::new_pair("Notaría Güell", "Notaría Güell, S.L.P.", escrow::Kind::P256, at()).unwrap();
    let recipient = escrow::Recipient::read(pair.certificate_pem.as_bytes()).unwrap();
    let sealed_sample = escrow::seal(b"sample", std::slice::from_ref(&recipient), escrow::ContentEncryption::default()).unwrap();
    let known = Arc::new(Handwriting { envelope: sealed_sample, ink: None, picture: None });
    let requests =
        [request(Some("A"), Some(known.clone())), request(Some("B"), None), request(Some("C"), Some(fixtures::handwriting(1)))];
    let sealed = seal(&fixtures::contract(&["A", "B", "C"]), &requests);
    let report = verified(&sealed);
    let [first, none, unknown] = &report.signatures[..] else { panic!("three signatures") };
    let envelope = first.handwriting.as_ref().unwrap();
    assert_eq!((envelope.size, envelope.problem.as_ref()), (known.envelope.len(), None));
    assert_eq!(envelope.sha256, data_encoding::HEXLOWER.encode(&sha256(&known.envelope)));
    assert_eq!(envelope.holders.len(), 1);
    assert_eq!(envelope.holders[0].serial, recipient.facts().serial);
    assert_eq!(found(&sealed).unwrap()[0].holders, envelope.holders);
    assert!(none.handwriting.is_none());
    let other = unknown.handwriting.as_ref().unwrap();
    assert!(other.holders.is_empty() && other.problem.is_some());
    assert!(report.all_intact(), "what is in the envelope is no matter of the seal");
    let text = report.to_string();
    assert!(
        text.contains(&format!("  By hand:      an envelope of {} bytes, SHA-256 {}", envelope.size, envelope.sha256)),
        "{text}"
    );
    assert!(text.contains(&format!("certificate {}", recipient.facts().serial)), "{text}");
    assert!(text.contains("  Opened by:    (not known: "), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["signatures"][0]["handwriting"]["holders"][0]["serial"], recipient.facts().serial);
    assert!(json["signatures"][1].get("handwriting").is_none());
}

#[test]
fn an_envelope_that_is_exchanged_later_is_not_found_and_makes_the_signature_suspicious() {
    let ana = fixtures::handwriting(1);
    let sealed = seal(&fixtures::contract(&["A"]), &[request(Some("A"), Some(ana.clone()))]);
    let mut revisions = Revisions::open(&sealed).unwrap();
    let is_envelope = |object: &Object| object.as_stream().is_ok_and(|stream| stream.content == ana.envelope);
    let (id, _) = revisions.document().objects.iter().find(|(_, object)| is_envelope(object)).unwrap();
    let mut changes = Changes::default();
    changes.set(*id, Stream::new(Dictionary::new(), b"another".to_vec()));
    revisions.append(changes).unwrap();
    let exchanged = revisions.whole();
    assert_eq!(found(&exchanged).unwrap()[0].envelope, ana.envelope);
    assert!(!verified(&exchanged).all_intact());
}

#[test]
fn private_data_of_others_are_left_alone() {
    let envelope_of = |private: Stream, product: &str| {
        let mut document = reader::load(&fixtures::contract(&["A"])).unwrap();
        let private = document.add_object(private);
        let bounds = vec![Object::Integer(0); 4];
        let info = dictionary! { product => dictionary! { "Private" => private } };
        let form = dictionary! { "Subtype" => "Form", "BBox" => bounds, "PieceInfo" => info };
        let form = document.add_object(Stream::new(form, Vec::new()));
        let id = fields::all(&document).unwrap()[0].id;
        document.get_dictionary_mut(id).unwrap().set("AP", dictionary! { "N" => form });
        let fields = fields::all(&document).unwrap();
        envelope(&document, &fields[0]).map(<[u8]>::to_vec)
    };
    let plain = |size| Stream::new(Dictionary::new(), vec![1; size]);
    assert_eq!(envelope_of(plain(5), "Rubrica"), Some(vec![1; 5]));
    assert_eq!(envelope_of(plain(5), "Illustrator"), None);
    assert_eq!(envelope_of(plain(0), "Rubrica"), None);
    assert_eq!(envelope_of(plain(MAX_ENVELOPE_BYTES + 1), "Rubrica"), None);
    assert_eq!(envelope_of(Stream::new(dictionary! { "Filter" => "FlateDecode" }, vec![1; 5]), "Rubrica"), None);
}

#[test]
fn what_is_written_is_not_in_what_is_printed_for_developers() {
    let printed = format!("{:?}", request(Some("A"), Some(fixtures::handwriting(1))));
    assert!(printed.contains("Handwriting { envelope: 20480, ink: Some(Ink { strokes: 3, .. }), picture: None }"), "{printed}");
}

#[test]
fn a_file_without_signatures_by_hand_has_no_envelopes() {
    let sealed = seal(&fixtures::contract(&["A"]), &[request(Some("A"), None)]);
    for pdf in [fixtures::contract(&["A"]), sealed] {
        assert_eq!(found(&pdf).unwrap(), []);
    }
    assert!(matches!(found(b"hello"), Err(Error::Document(pdf::Error::NotPdf))));
}
