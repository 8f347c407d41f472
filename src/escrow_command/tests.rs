use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use biometric::synthetic::Hand;
use biometric::{Device, Record, RecordFormat, SampleBytes, ShownDocument, iso};
use documents::escrow::{ContentEncryption, Pair, Recipient};
use documents::pkcs12::Identity;
use documents::seal::Request;
use documents::{Handwriting, fixtures};
use tempfile::TempDir;

use super::open::{Bound, Opened};
use super::*;

fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

/// A holder, and a folder for files.
struct World {
    folder: TempDir,
    pair: Pair,
    identity: Identity,
    sample: String,
    encryption: ContentEncryption,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = escrow::new_pair("Notary", "Escrow", Kind::P256, Utc::now()).unwrap();
        fs::write(folder.path().join("certificate"), &pair.certificate_pem).unwrap();
        fs::write(folder.path().join("key"), pair.private_key_pem.as_bytes()).unwrap();
        let file = Identity::development("Rubrica", "Test", Utc::now(), "password").unwrap();
        let identity = Identity::open(&file, "password", Utc::now()).unwrap();
        let sample = Hand::default().signature().to_strokes().to_string();
        Self { folder, pair, identity, sample, encryption: ContentEncryption::Aes256Gcm }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn record(&self, document: &[u8]) -> Record {
        Record {
            format: RecordFormat::V1,
            organization: "7".to_owned(),
            process_id: "process".to_owned(),
            sign_id: "sign".to_owned(),
            signer: "Ana".to_owned(),
            captured_at: "2027-01-15T09:30:00Z".to_owned(),
            documents: vec![ShownDocument { id: "contract".to_owned(), sha256: sha256(document) }],
            device: Device::default(),
            figures: None,
            marks: Vec::new(),
            sample_sha256: sha256(self.sample.as_bytes()),
            sample: SampleBytes::new("rubrica-strokes-1", self.sample.as_bytes()),
        }
    }

    fn envelope(&self, record: &Record) -> Vec<u8> {
        let recipient = Recipient::read(self.pair.certificate_pem.as_bytes()).unwrap();
        escrow::seal(&record.to_json(), &[recipient], self.encryption).unwrap()
    }

    /// A document with a signature by hand in this field.
    fn sealed(&self, document: &[u8], field: &str, envelope: Vec<u8>) -> Vec<u8> {
        let request = Request {
            field: Some(field.to_owned()),
            signer_name: "Ana".to_owned(),
            at: Utc::now(),
            reason: "I agree".to_owned(),
            location: None,
            appearance_lines: None,
            handwriting: Some(Arc::new(Handwriting { envelope, ink: None, picture: None })),
        };
        documents::seal::seal(document, &self.identity, &[request]).unwrap().pdf
    }

    fn options(&self, file: &[u8]) -> OpenOptions {
        fs::write(self.path("file"), file).unwrap();
        OpenOptions {
            file: self.path("file"),
            certificate: self.path("certificate"),
            key: self.path("key"),
            output: self.path("out"),
            field: None,
            documents: Vec::new(),
        }
    }

    fn open(&self, file: &[u8]) -> Result<Opened, String> {
        open::open(&self.options(file)).map_err(|error| error.to_string())
    }

    fn refused(&self, options: &OpenOptions, words: &str) {
        let error = run(&Command::Open(OpenOptions {
            file: options.file.clone(),
            certificate: options.certificate.clone(),
            key: options.key.clone(),
            output: options.output.clone(),
            field: options.field.clone(),
            documents: options.documents.clone(),
        }))
        .expect_err("it is refused")
        .to_string();
        assert!(error.contains(words), "{error}");
        assert!(!self.path("out").exists());
    }
}

fn document() -> Vec<u8> {
    fixtures::contract(&["A", "B"])
}

#[test]
fn a_holder_gets_the_sample_as_it_was_sent_with_its_facts_an_iso_record_and_inkml() {
    let world = World::new();
    let pdf = world.sealed(&document(), "A", world.envelope(&world.record(&document())));

    let opened = world.open(&pdf).unwrap();
    opened.write(&world.path("out")).unwrap();

    assert!(opened.is_proven(), "{}", opened.text(&world.path("out")));
    let folder = world.path("out").join("signature-1");
    let file = |name: &str| fs::read(folder.join(name)).unwrap();
    assert_eq!(file("sample.json"), world.sample.as_bytes());
    let capture = iso::Record::decode(&file("signature.iso")).unwrap().to_capture().unwrap();
    assert_eq!(capture.strokes.len(), Hand::default().signature().strokes.len());
    assert!(String::from_utf8(file("signature.inkml")).unwrap().contains("<trace"));
    let facts: serde_json::Value = serde_json::from_slice(&file("facts.json")).unwrap();
    assert_eq!((&facts["signer"], &facts["bound"], &facts["seal_intact"]), (&"Ana".into(), &"proven".into(), &true.into()));
    assert_eq!(facts["documents_proven"], serde_json::json!(["contract"]));
    assert!(!String::from_utf8(file("facts.json")).unwrap().contains("strokes\":["));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&world.path("out")), mode(&folder), mode(&folder.join("sample.json"))), (0o700, 0o700, 0o600));
}

#[test]
fn signers_after_one_another_are_opened_each_with_the_document_that_all_were_shown() {
    let world = World::new();
    let first = world.sealed(&document(), "A", world.envelope(&world.record(&document())));
    // Sealed at the end for both: the second was shown the document before the first seal.
    let both = world.sealed(&first, "B", world.envelope(&world.record(&document())));

    let opened = world.open(&both).unwrap();

    let fields: Vec<_> = opened.signatures.iter().map(|one| one.fields.clone()).collect();
    assert_eq!(fields, [["A"], ["B"]]);
    assert!(opened.is_proven());
    let one = OpenOptions { field: Some("B".to_owned()), ..world.options(&both) };
    assert_eq!(open::open(&one).unwrap().signatures.len(), 1);
    world.refused(&OpenOptions { field: Some("C".to_owned()), ..world.options(&both) }, "field \"C\"");
}

#[test]
fn a_signature_that_was_copied_into_another_document_is_refused_before_anything_is_written() {
    let world = World::new();
    let other = fixtures::contract(&["A"]);
    let pdf = world.sealed(&other, "A", world.envelope(&world.record(&document())));
    world.refused(&world.options(&pdf), "was not given for this document");
}

#[test]
fn a_document_that_was_changed_is_refused() {
    let world = World::new();
    let mut pdf = world.sealed(&document(), "A", world.envelope(&world.record(&document())));
    let digit = pdf.windows(5).position(|window| window == b"1.250").expect("the fixture's amount");
    pdf[digit] = b'9';
    world.refused(&world.options(&pdf), "was not given for this document");
}

#[test]
fn an_envelope_alone_is_told_to_be_tied_to_nothing_until_the_document_is_given() {
    let world = World::new();
    let envelope = world.envelope(&world.record(&document()));
    let options = world.options(&envelope);

    let opened = open::open(&options).unwrap();
    assert_eq!((opened.signatures[0].bound, opened.is_proven()), (Bound::NotChecked, false));
    assert!(opened.text(&world.path("out")).contains("NOT TIED TO A DOCUMENT"));

    fs::write(world.path("document"), document()).unwrap();
    fs::write(world.path("other"), fixtures::contract(&["A"])).unwrap();
    let with = |documents: &[&str]| OpenOptions {
        documents: documents.iter().map(|name| world.path(name)).collect(),
        ..world.options(&envelope)
    };
    assert!(open::open(&with(&["document"])).unwrap().is_proven());
    world.refused(&with(&["document", "other"]), "was not given for");
}

#[test]
fn what_the_certificate_does_not_open_is_told_with_whom_it_is_for() {
    let world = World::new();
    let pdf = world.sealed(&document(), "A", world.envelope(&world.record(&document())));
    let other = escrow::new_pair("Another", "Escrow", Kind::P256, Utc::now()).unwrap();
    fs::write(world.path("other certificate"), &other.certificate_pem).unwrap();
    fs::write(world.path("other key"), other.private_key_pem.as_bytes()).unwrap();
    let options = || world.options(&pdf);
    let stranger = OpenOptions { certificate: world.path("other certificate"), key: world.path("other key"), ..options() };
    world.refused(&stranger, "\"Notary\"");
    world.refused(&OpenOptions { key: world.path("other key"), ..options() }, "not that of the certificate");
    world.refused(&OpenOptions { key: world.path("certificate"), ..options() }, "no private key");
    world.refused(&OpenOptions { certificate: world.path("key"), ..options() }, "not a certificate");
    world.refused(&OpenOptions { certificate: world.path("nowhere"), ..options() }, "nowhere");
}

#[test]
fn damaged_envelopes_other_files_and_folders_that_are_there_are_refused() {
    let world = World::new();
    let envelope = world.envelope(&world.record(&document()));
    let mut flipped = envelope.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    world.refused(&world.options(&flipped), "changed or is damaged");
    world.refused(&world.options(&envelope[..last]), "not an envelope");
    world.refused(&world.options(b"garbage"), "PDF");
    world.refused(&world.options(&document()), "no biometric signature");
    let sealed = escrow::seal(b"{}", &[Recipient::read(world.pair.certificate_pem.as_bytes()).unwrap()], world.encryption);
    world.refused(&world.options(&sealed.unwrap()), "not a record");
    let mut record = world.record(&document());
    record.sample_sha256 = sha256(b"another");
    world.refused(&world.options(&world.envelope(&record)), "its hash differs");

    fs::create_dir(world.path("there")).unwrap();
    let there = OpenOptions { output: world.path("there"), ..world.options(&envelope) };
    world.refused(&there, "there already");
    assert_eq!(fs::read_dir(world.path("there")).unwrap().count(), 0);
}

#[test]
fn samples_that_cannot_be_read_are_given_as_they_are() {
    for encryption in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc] {
        let world = World { sample: "vendor data".to_owned(), encryption, ..World::new() };
        let pdf = world.sealed(&document(), "A", world.envelope(&world.record(&document())));
        let opened = world.open(&pdf).unwrap();
        opened.write(&world.path("out")).unwrap();
        let folder = world.path("out").join("signature-1");
        assert_eq!(fs::read(folder.join("sample.txt")).unwrap(), b"vendor data");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
        assert_eq!(opened.signatures[0].encryption, encryption);
    }
}

#[test]
fn an_iso_record_is_given_as_it_was_sent() {
    use base64::Engine as _;
    let sent = Hand::default().signature().to_iso();
    let world = World { sample: base64::engine::general_purpose::STANDARD.encode(&sent), ..World::new() };
    let pdf = world.sealed(&document(), "A", world.envelope(&world.record(&document())));
    world.open(&pdf).unwrap().write(&world.path("out")).unwrap();
    assert_eq!(fs::read(world.path("out").join("signature-1/signature.iso")).unwrap(), *sent);
}

#[test]
fn a_new_pair_is_written_once_and_its_key_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let options = |kind| NewOptions {
        name: "Notary".to_owned(),
        organization: "Test".to_owned(),
        kind,
        certificate: folder.path().join("certificate"),
        key: folder.path().join("key"),
    };
    new(&options(KeyKind::P384)).unwrap();
    let key = fs::read(folder.path().join("key")).unwrap();
    assert_eq!(fs::metadata(folder.path().join("key")).unwrap().permissions().mode() & 0o777, 0o600);
    let certificate = fs::read(folder.path().join("certificate")).unwrap();
    let recipient = Recipient::read(&certificate).unwrap();
    assert_eq!(recipient.facts().key, "P-384");
    let envelope = escrow::seal(b"x", &[recipient], ContentEncryption::Aes256Gcm).unwrap();
    assert_eq!(escrow::open(&envelope, &certificate, &key).unwrap().as_slice(), b"x");
    assert!(new(&options(KeyKind::P256)).unwrap_err().to_string().contains("not overwritten"));
    assert_eq!(fs::read(folder.path().join("key")).unwrap(), key);
}
