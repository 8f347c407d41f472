use chrono::TimeZone;

use super::*;
use crate::fixtures;
use crate::verify::{self, Trust};

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

/// The sealed file alone.
fn seal(pdf: &[u8], identity: &Identity, requests: &[Request]) -> Result<Vec<u8>, Error> {
    super::seal(pdf, identity, requests).map(|sealed| sealed.pdf)
}

fn rsa() -> Identity {
    Identity::open(include_bytes!("../../fixtures/rsa2048-aes256.p12"), "password", at()).unwrap()
}

fn request(field: Option<&str>) -> Request {
    Request {
        field: field.map(str::to_owned),
        signer_name: "Núria Güell".to_owned(),
        at: at(),
        reason: "I agree".to_owned(),
        location: None,
        appearance_lines: None,
        handwriting: None,
    }
}

fn verified(pdf: &[u8]) -> verify::Report {
    let roots = vec![rsa().certificates().last().unwrap().to_vec()];
    verify::verify(pdf, &Trust { roots }, at() + chrono::Duration::days(1)).unwrap()
}

#[test]
fn each_request_becomes_a_signature_and_the_first_bytes_stay() {
    for original in [fixtures::contract(&["A", "B"]), fixtures::with_xref_stream(&["A", "B"])] {
        let requests = [request(Some("A")), request(None), request(Some("B")), request(None)];
        let sealed = seal(&original, &rsa(), &requests).unwrap();
        assert_eq!(&sealed[..original.len()], original);
        let report = verified(&sealed);
        let fields: Vec<_> = report.signatures.iter().map(|signature| signature.field.as_str()).collect();
        assert_eq!(fields, ["A", "Signature1", "B", "Signature2"]);
        assert!(report.all_intact() && report.all_trusted(), "{report}");
    }
}

#[test]
fn a_file_that_has_signatures_takes_more() {
    let once = seal(&fixtures::contract(&["A"]), &rsa(), &[request(None)]).unwrap();
    let twice = seal(&once, &rsa(), &[request(Some("A")), request(None)]).unwrap();
    assert_eq!(&twice[..once.len()], once);
    assert_eq!(verified(&twice).signatures.len(), 3);
    assert!(verified(&twice).all_intact());
}

#[test]
fn the_same_input_gives_the_same_seal() {
    let original = fixtures::contract(&["A"]);
    let requests = [request(Some("A")), request(None)];
    assert_eq!(seal(&original, &rsa(), &requests).unwrap(), seal(&original, &rsa(), &requests).unwrap());
}

#[test]
fn inherited_types_and_separate_widgets_are_found() {
    for original in [fixtures::inherited_type(), fixtures::separate_widget()] {
        let requests = [request(Some("signers.second")), request(Some("signers.first"))];
        let sealed = seal(&original, &rsa(), &requests).unwrap();
        let report = verified(&sealed);
        assert!(report.all_intact(), "{report}");
        let document = crate::reader::load(&sealed).unwrap();
        for field in fields::all(&document).unwrap() {
            assert!(field.is_signed(&document));
            let widget = pdf::dict_at(&document, field.widgets[0]).unwrap();
            assert!(widget.has(b"AP"), "{} shows nothing", field.name);
        }
    }
}

#[test]
fn missing_signed_and_other_fields_are_refused() {
    let original = fixtures::contract(&["A"]);
    let missing = seal(&original, &rsa(), &[request(Some("NOBODY"))]);
    assert!(matches!(missing, Err(Error::FieldMissing(name)) if name == "NOBODY"));
    let twice = seal(&original, &rsa(), &[request(Some("A")), request(Some("A"))]);
    assert!(matches!(twice, Err(Error::FieldSigned(name)) if name == "A"));
    let text_field = seal(&fixtures::text_field("NAME"), &rsa(), &[request(Some("NAME"))]);
    assert!(matches!(text_field, Err(Error::NotASignatureField(_))));
    assert!(matches!(seal(&original, &rsa(), &vec![request(None); MAX_REQUESTS + 1]), Err(Error::TooMany)));
}

#[test]
fn what_cannot_be_sealed_is_refused_with_the_reason() {
    let protected = fixtures::encrypted("user", lopdf::Permissions::all());
    for (pdf, expected) in [(b"hello".to_vec(), pdf::Error::NotPdf), (protected, pdf::Error::Encrypted)] {
        assert!(matches!(seal(&pdf, &rsa(), &[request(None)]), Err(Error::Document(error)) if error == expected));
    }
}

#[test]
fn an_encrypted_file_that_opens_without_a_password_is_sealed_in_its_own_encryption() {
    let original = fixtures::encrypted("", lopdf::Permissions::FILLABLE);
    let mut signed = request(Some("A"));
    signed.signer_name = "Ana Pons i Güell".to_owned();
    let sealed = seal(&original, &rsa(), &[signed, request(None)]).unwrap();
    assert_eq!(&sealed[..original.len()], original);
    assert_eq!(pdf::find(&sealed, b"Ana Pons"), None, "texts are encrypted");
    let report = verified(&sealed);
    assert!(report.all_intact(), "{report}");
    assert_eq!(report.signatures[0].name.as_deref(), Some("Ana Pons i Güell"));
}

#[test]
fn an_invisible_field_has_no_extent_prints_and_is_locked() {
    let sealed = seal(&fixtures::contract(&[]), &rsa(), &[request(None)]).unwrap();
    let document = crate::reader::load(&sealed).unwrap();
    let field = &fields::all(&document).unwrap()[0];
    assert!(!field.name.contains('.'));
    let widget = pdf::dict_at(&document, field.id).unwrap();
    assert_eq!(widget.get(b"Rect").unwrap().as_array().unwrap(), &vec![Object::Integer(0); 4]);
    assert_eq!(widget.get(b"F").unwrap().as_i64().unwrap(), 132);
    let (_, catalog) = pdf::catalog(&document).unwrap();
    let form = pdf::dict_entry(&document, catalog, b"AcroForm").unwrap();
    assert_eq!(form.get(b"SigFlags").unwrap().as_i64().unwrap(), 3);
}

#[test]
fn the_name_of_a_new_field_is_free() {
    let sealed = seal(&fixtures::contract(&["Signature1", "Signature3"]), &rsa(), &[request(None)]).unwrap();
    assert_eq!(verified(&sealed).signatures[0].field, "Signature2");
}

#[test]
fn hostile_texts_cannot_break_the_signature_dictionary() {
    let mut hostile = request(None);
    hostile.signer_name = "A) /Contents <00> >> endobj ( \\".to_owned();
    hostile.reason = "李小龙 ".repeat(2_000);
    hostile.location = Some("\u{0}\r\n(((".to_owned());
    let report = verified(&seal(&fixtures::contract(&[]), &rsa(), &[hostile.clone()]).unwrap());
    assert!(report.all_intact(), "{report}");
    assert_eq!(report.signatures[0].name.as_deref(), Some(hostile.signer_name.as_str()));
    assert!(report.signatures[0].reason.as_deref().unwrap().starts_with("李小龙"));
}

#[test]
fn a_file_certified_against_any_change_is_refused() {
    let certified = fixtures::certified(1);
    assert!(matches!(seal(&certified, &rsa(), &[request(None)]), Err(Error::Document(pdf::Error::Forbidden(_)))));
    assert!(seal(&fixtures::certified(2), &rsa(), &[request(None)]).is_ok());
}

#[test]
fn text_is_upright_on_a_turned_page() {
    for (rotation, expected) in [(0, [1, 0]), (90, [0, 1]), (180, [-1, 0]), (270, [0, -1])] {
        let sealed = seal(&fixtures::rotated(&["A"], rotation), &rsa(), &[request(Some("A"))]).unwrap();
        let document = crate::reader::load(&sealed).unwrap();
        let field = &fields::all(&document).unwrap()[0];
        let widget = pdf::dict_at(&document, field.widgets[0]).unwrap();
        let appearance = pdf::dict_entry(&document, widget, b"AP").unwrap();
        let form = pdf::entry(&document, appearance, b"N").unwrap().as_stream().unwrap();
        let matrix = form.dict.get(b"Matrix").unwrap().as_array().unwrap();
        let turned: Vec<i64> = matrix[..2].iter().map(|number| number.as_i64().unwrap()).collect();
        assert_eq!(turned, expected, "page turned by {rotation}");
    }
}

/// The contract with the fields A and B, whose dictionaries get further entries.
fn with_entries(entries: &[(&str, lopdf::Dictionary)]) -> Vec<u8> {
    let original = fixtures::contract(&["A", "B"]);
    let mut revisions = Revisions::open(&original).unwrap();
    let mut changes = Changes::default();
    for (name, entries) in entries {
        let field = find_field(revisions.document(), name).unwrap().id;
        let mut dictionary = dict(revisions.document(), field).unwrap().clone();
        entries.iter().for_each(|(key, value)| dictionary.set(key.clone(), value.clone()));
        changes.set(field, dictionary);
    }
    revisions.append(changes).unwrap();
    revisions.whole()
}

fn refusal(pdf: &[u8], request: &Request) -> String {
    let refused = seal(pdf, &rsa(), std::slice::from_ref(request)).expect_err("refused");
    let checked = allows(pdf, &rsa(), std::slice::from_ref(request)).expect_err("refused");
    assert_eq!(refused.to_string(), checked.to_string());
    refused.to_string()
}

fn seed(entries: lopdf::Dictionary) -> Vec<u8> {
    with_entries(&[("A", dictionary! { "SV" => entries })])
}

fn refusal_at_the_upload(pdf: &[u8]) -> Option<String> {
    crate::inspect::inspect(pdf).unwrap().signature_fields[0].refusal.clone()
}

#[test]
fn a_required_seed_value_that_is_not_ours_is_refused_at_the_upload_and_at_the_seal() {
    let names = |names: &[&str]| names.iter().map(|name| Object::Name(name.as_bytes().to_vec())).collect::<Vec<_>>();
    let texts = |texts: &[&str]| texts.iter().map(|name| text(name)).collect::<Vec<_>>();
    let cases = [
        (dictionary! { "Ff" => 1, "Filter" => "Entrust.PPKEF" }, "the signature handler \"Entrust.PPKEF\""),
        (dictionary! { "Ff" => 2, "SubFilter" => names(&["adbe.pkcs7.detached"]) }, "of the kind \"adbe.pkcs7.detached\""),
        (dictionary! { "Ff" => 4, "V" => 9 }, "a later version"),
        (dictionary! { "Ff" => 16, "LegalAttestation" => texts(&["none"]) }, "a legal attestation"),
        (dictionary! { "Ff" => 32, "AddRevInfo" => true }, "revocation information"),
        (dictionary! { "Ff" => 64, "DigestMethod" => texts(&["SHA1", "RIPEMD160"]) }, "a digest other than"),
        (dictionary! { "Ff" => 128, "LockDocument" => "true" }, "that the document is locked"),
        (dictionary! { "Ff" => 256, "AppearanceFilter" => text("Ink") }, "an appearance of a certain name"),
        (dictionary! { "MDP" => dictionary! { "P" => 2 } }, "an author's certification"),
        (dictionary! { "TimeStamp" => dictionary! { "URL" => text("http://a.example"), "Ff" => 1 } }, "a time stamp"),
        (dictionary! { "Cert" => dictionary! { "Ff" => 32, "KeyUsage" => texts(&["1"]) } }, "a certain key usage"),
    ];
    for (entries, words) in cases {
        let pdf = seed(entries.clone());
        let at_the_seal = refusal(&pdf, &request(Some("A")));
        assert!(at_the_seal.contains(words), "{words}: {at_the_seal}");
        assert!(refusal_at_the_upload(&pdf).is_some_and(|why| why.contains(words)), "{words}");
        // Others are not concerned.
        assert!(seal(&pdf, &rsa(), &[request(Some("B"))]).is_ok());
        // What is not required is only a wish; a certification and a time stamp have no bit here.
        let mut wish = entries;
        wish.remove(b"Ff");
        if !wish.has(b"MDP") && !wish.has(b"TimeStamp") && !wish.has(b"Cert") {
            assert!(seal(&seed(wish), &rsa(), &[request(Some("A"))]).is_ok(), "{words}");
        }
    }
}

#[test]
fn required_seed_values_that_are_ours_are_obeyed() {
    let texts = |texts: &[&str]| texts.iter().map(|name| text(name)).collect::<Vec<_>>();
    let kinds = vec!["adbe.pkcs7.detached".into(), "ETSI.CAdES.detached".into()];
    let cases = [
        dictionary! { "Ff" => 3, "Filter" => "Adobe.PPKLite", "SubFilter" => kinds },
        dictionary! { "Ff" => 4, "V" => 3 },
        dictionary! { "Ff" => 64, "DigestMethod" => texts(&["SHA512", "SHA256"]) },
        dictionary! { "Ff" => 8, "Reasons" => texts(&["another", "I agree"]) },
        dictionary! { "Ff" => 128, "LockDocument" => "auto" },
        dictionary! { "MDP" => dictionary! { "P" => 0 } },
        dictionary! { "TimeStamp" => dictionary! { "URL" => text("http://a.example") } },
    ];
    for entries in cases {
        let report = verified(&seal(&seed(entries), &rsa(), &[request(Some("A"))]).unwrap());
        assert!(report.all_intact(), "{report}");
        assert_eq!(report.signatures[0].reason.as_deref(), Some("I agree"));
    }
}

#[test]
fn a_reason_is_left_out_where_none_is_allowed_and_refused_where_ours_is_not_allowed() {
    let reasons = |list: Vec<Object>| seed(dictionary! { "Ff" => 8, "Reasons" => list });
    for none in [vec![], vec![text(".")]] {
        let report = verified(&seal(&reasons(none), &rsa(), &[request(Some("A"))]).unwrap());
        assert_eq!(report.signatures[0].reason, None);
    }
    let why = refusal(&reasons(vec![text("I disagree")]), &request(Some("A")));
    assert!(why.contains("certain reasons"), "{why}");
}

#[test]
fn what_depends_on_the_key_is_refused_where_the_key_does_not_fit() {
    let other = Identity::open(include_bytes!("../../fixtures/p384-aes256.p12"), "password", at()).unwrap();
    let digest = seed(dictionary! { "Ff" => 64, "DigestMethod" => vec![text("SHA384")] });
    assert!(refusal(&digest, &request(Some("A"))).contains("a digest"));
    assert!(seal(&digest, &other, &[request(Some("A"))]).is_ok());
    for (bit, key, ours) in
        [(1, "Subject", rsa().leaf().der().to_vec()), (2, "Issuer", rsa().certificates().last().unwrap().to_vec())]
    {
        let certificate = Object::String(ours, StringFormat::Hexadecimal);
        let pdf = seed(dictionary! { "Cert" => dictionary! { "Ff" => bit, key => vec![certificate] } });
        assert!(seal(&pdf, &rsa(), &[request(Some("A"))]).is_ok(), "{key}");
        let foreign = seal(&pdf, &other, &[request(Some("A"))]);
        // Both test certificates have one issuer.
        assert_eq!(foreign.is_err(), key == "Subject", "{key}");
        let strange = Object::String(b"no certificate".to_vec(), StringFormat::Hexadecimal);
        let pdf = seed(dictionary! { "Cert" => dictionary! { "Ff" => bit, key => vec![strange] } });
        assert!(refusal(&pdf, &request(Some("A"))).contains("certificate"), "{key}");
    }
}

#[test]
fn a_lock_becomes_part_of_the_signature_and_holds() {
    let locks = [
        dictionary! { "Action" => "All" },
        dictionary! { "Action" => "Include", "Fields" => vec![text("B"), text("Préu €")] },
        dictionary! { "Action" => "Exclude", "Fields" => vec![text("A")] },
        dictionary! { "Action" => "Include", "Fields" => vec![text("A")], "P" => 1 },
    ];
    for lock in locks {
        let original = with_entries(&[("A", dictionary! { "Lock" => lock.clone() })]);
        let sealed = seal(&original, &rsa(), &[request(Some("A"))]).unwrap();
        assert!(verified(&sealed).all_intact());
        let document = crate::reader::load(&sealed).unwrap();
        let field = fields::all(&document).unwrap().into_iter().find(|field| field.name == "A").unwrap();
        let signature = pdf::resolve(&document, field.value.unwrap()).as_dict().unwrap();
        let references = pdf::array_entry(&document, signature, b"Reference").unwrap();
        let method = |index: usize| references[index].as_dict().unwrap().get(b"TransformMethod").unwrap().as_name().unwrap();
        assert_eq!(method(0), b"FieldMDP");
        assert_eq!(references.len(), if lock.has(b"P") { 2 } else { 1 });
        let parameters = references[0].as_dict().unwrap().get(b"TransformParams").unwrap().as_dict().unwrap();
        assert_eq!(parameters.get(b"Action").unwrap(), lock.get(b"Action").unwrap());
        assert_eq!(parameters.get(b"Fields").ok(), lock.get(b"Fields").ok());

        // Nobody can seal what it locked, and the upload says so.
        let refused = if lock.has(b"P") {
            crate::inspect::inspect(&sealed).unwrap_err().to_string()
        } else {
            crate::inspect::inspect(&sealed).unwrap().signature_fields[1].refusal.clone().unwrap()
        };
        assert!(refused.contains("the signature in the field \"A\" locked it"), "{refused}");
        assert!(seal(&sealed, &rsa(), &[request(Some("B"))]).is_err());
    }
}

#[test]
fn a_new_field_is_refused_where_an_earlier_signature_locked_all() {
    let locked = with_entries(&[("A", dictionary! { "Lock" => dictionary! { "Action" => "All" } })]);
    let sealed = seal(&locked, &rsa(), &[request(Some("A"))]).unwrap();
    assert!(refusal(&sealed, &request(None)).contains("locked it"));
    assert!(crate::inspect::inspect(&sealed).unwrap().new_field_refusal.is_some());
    let locked =
        with_entries(&[("A", dictionary! { "Lock" => dictionary! { "Action" => "Include", "Fields" => vec![text("B")] } })]);
    let sealed = seal(&locked, &rsa(), &[request(Some("A"))]).unwrap();
    assert!(seal(&sealed, &rsa(), &[request(None)]).is_ok());
}

#[test]
fn a_signature_that_locks_others_is_made_after_them() {
    let all = || dictionary! { "Lock" => dictionary! { "Action" => "All" } };
    let requests = [request(Some("A")), request(Some("B")), request(None)];
    let report = verified(&seal(&with_entries(&[("A", all())]), &rsa(), &requests).unwrap());
    let order: Vec<_> = report.signatures.iter().map(|signature| signature.field.as_str()).collect();
    assert_eq!(order, ["B", "Signature1", "A"]);
    assert!(report.all_intact(), "{report}");
    let both = seal(&with_entries(&[("A", all()), ("B", all())]), &rsa(), &requests);
    assert!(matches!(both, Err(Error::Refused { reason, .. }) if reason.contains("exclude each other")));
}

#[test]
fn an_appearance_that_is_there_keeps_its_entries() {
    let empty = |entries: &lopdf::Dictionary, compressed: bool| {
        let original = fixtures::contract(&["A"]);
        let mut revisions = Revisions::open(&original).unwrap();
        let (mut changes, stream) = (Changes::default(), revisions.new_id());
        let mut dictionary = dictionary! { "Type" => "XObject", "Subtype" => "Form" };
        entries.iter().for_each(|(key, value)| dictionary.set(key.clone(), value.clone()));
        let mut appearance = lopdf::Stream::new(dictionary, vec![b' '; if compressed { 400 } else { 1 }]);
        if compressed {
            appearance.compress().unwrap();
        }
        let field = find_field(revisions.document(), "A").unwrap().id;
        let mut widget = dict(revisions.document(), field).unwrap().clone();
        widget.set("AP", dictionary! { "N" => stream });
        changes.set(stream, appearance);
        changes.set(field, widget);
        revisions.append(changes).unwrap();
        (revisions.whole(), stream)
    };
    let shown = |pdf: &[u8]| -> (ObjectId, lopdf::Stream) {
        let document = crate::reader::load(pdf).unwrap();
        let widget = dict(&document, fields::all(&document).unwrap()[0].id).unwrap().clone();
        let id = pdf::dict_entry(&document, &widget, b"AP").unwrap().get(b"N").unwrap().as_reference().unwrap();
        (id, document.objects[&id].as_stream().unwrap().clone())
    };
    let bounds = |corners: [i64; 4]| corners.map(Object::Integer).to_vec();
    let kept = [
        (
            dictionary! { "BBox" => bounds([0, 0, 210, 50]) },
            false,
            "q 1.00000 0.00000 0.00000 1.00000 0.00000 0.00000 cm /Seal0 Do Q",
        ),
        (
            dictionary! { "BBox" => bounds([5, 5, 110, 30]), "FormType" => 1 },
            true,
            "q 0.50000 0.00000 0.00000 0.50000 5.00000 5.00000 cm /Seal0 Do Q",
        ),
        (
            dictionary! { "BBox" => bounds([0, 0, 50, 210]), "Matrix" => [0, 1, -1, 0, 210, 0].map(Object::Integer).to_vec() },
            false,
            "q 0.00000 -1.00000 1.00000 0.00000 0.00000 210.00000 cm /Seal0 Do Q",
        ),
    ];
    for (entries, compressed, content) in kept {
        let (original, old) = empty(&entries, compressed);
        let sealed = seal(&original, &rsa(), &[request(Some("A"))]).unwrap();
        assert!(verified(&sealed).all_intact());
        let (id, stream) = shown(&sealed);
        assert_ne!(id, old, "the old stream may be another field's as well");
        let plain = stream.get_plain_content_with_limit(1 << 20).unwrap();
        assert_eq!(String::from_utf8_lossy(&plain).trim_end(), content);
        let before = crate::reader::load(&original).unwrap().objects[&old].as_stream().unwrap().dict.clone();
        let differs = |(key, value): &(&Vec<u8>, &Object)| stream.dict.get(key).ok() != Some(*value);
        let changed: Vec<_> = before.iter().filter(differs).map(|(key, _)| key.clone()).collect();
        assert_eq!(changed, [b"Length"]);
        let added: Vec<_> = stream.dict.iter().filter(|(key, _)| !before.has(key)).map(|(key, _)| key.clone()).collect();
        assert_eq!(added, [b"Resources"]);
    }
    // What could hide or bend the seal is not kept.
    let replaced = [
        dictionary! { "BBox" => bounds([0, 0, 0, 0]) },
        dictionary! { "BBox" => bounds([0, 0, 210, 50]), "OC" => dictionary! { "Type" => "OCMD" } },
        dictionary! { "BBox" => bounds([0, 0, 210, 50]), "Matrix" => [1, 1, -1, 1, 0, 0].map(Object::Integer).to_vec() },
        dictionary! { "BBox" => bounds([0, 0, 210, 50]), "Matrix" => [0, 0, 0, 0, 0, 0].map(Object::Integer).to_vec() },
        dictionary! { "BBox" => bounds([0, 0, 1_000_000, 50]) },
    ];
    for entries in replaced {
        let sealed = seal(&empty(&entries, false).0, &rsa(), &[request(Some("A"))]).unwrap();
        let (_, stream) = shown(&sealed);
        assert!(pdf::find(&stream.get_plain_content_with_limit(1 << 20).unwrap(), b"Tj").is_some(), "{entries:?}");
    }
}

#[test]
fn a_document_time_stamp_stands_behind_the_signatures_and_changes_nothing_of_them() {
    let authority = fixtures::time_stamps::Authority::new(at() - chrono::Duration::days(10), 5, true);
    let sealed = seal(&fixtures::contract(&["A", "B"]), &rsa(), &[request(Some("A")), request(None)]).unwrap();
    let unstamped = time_stamp::prepare(&sealed).unwrap();
    assert_eq!(time_stamp::prepare(&sealed).unwrap(), unstamped, "the same again, whenever an authority answers");
    let query = crate::time_stamp::Query::new(unstamped.imprint(), None).unwrap();
    let trust = Trust { roots: vec![authority.root(), rsa().certificates().last().unwrap().to_vec()] };
    let token = query.accept(&authority.answer(&query.der(), at()), &trust, at()).unwrap();
    let stamped = unstamped.clone().stamped(&token.der).unwrap();
    assert_eq!(&stamped[..sealed.len()], sealed);
    let report = verify::verify(&stamped, &trust, at() + chrono::Duration::days(1)).unwrap();
    assert!(report.all_intact() && report.all_trusted(), "{report}");
    let kinds: Vec<bool> = report.signatures.iter().map(|signature| signature.is_time_stamp).collect();
    assert_eq!(kinds, [false, false, true]);
    assert_eq!(report.signatures[2].claimed_time, Some(at()));
    // Another signature, and another time stamp, go behind it.
    let more = seal(&stamped, &rsa(), &[request(Some("B"))]).unwrap();
    let again = time_stamp::prepare(&more).unwrap();
    let query = crate::time_stamp::Query::new(again.imprint(), None).unwrap();
    let token = query.accept(&authority.answer(&query.der(), at()), &trust, at()).unwrap();
    let report = verify::verify(&again.stamped(&token.der).unwrap(), &trust, at()).unwrap();
    assert!(report.all_intact() && report.signatures.len() == 5, "{report}");
    // What was stamped is what was asked about.
    let mut changed = stamped.clone();
    changed[20] ^= 1;
    assert!(verify::verify(&changed, &trust, at()).map_or(true, |report| !report.all_intact()));
    assert!(matches!(unstamped.stamped(&vec![7; 16 * 1024 + 1]), Err(Error::DoesNotFit { .. })));
}
