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
        let document = pdf::load(&sealed).unwrap();
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
    let document = pdf::load(&sealed).unwrap();
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
        let document = pdf::load(&sealed).unwrap();
        let field = &fields::all(&document).unwrap()[0];
        let widget = pdf::dict_at(&document, field.widgets[0]).unwrap();
        let appearance = pdf::dict_entry(&document, widget, b"AP").unwrap();
        let form = pdf::entry(&document, appearance, b"N").unwrap().as_stream().unwrap();
        let matrix = form.dict.get(b"Matrix").unwrap().as_array().unwrap();
        let turned: Vec<i64> = matrix[..2].iter().map(|number| number.as_i64().unwrap()).collect();
        assert_eq!(turned, expected, "page turned by {rotation}");
    }
}
