//! `rubrica demo` as a person runs it: the program itself, over its own HTTP.

use std::{
    path::Path,
    process::{Command, Output},
};

fn rubrica(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rubrica")).args(arguments).current_dir(folder).env_clear().output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a demo that must not find the server that a developer may have on the usual port: the folder's key is no server's yet.
fn demo(folder: &Path, file: &[&str]) -> Output {
    rubrica(folder, &[&["demo", "--data", "data", "--out", "out"], file].concat())
}

#[test]
fn a_demo_ends_with_a_signed_document_and_a_certificate_that_verify() {
    let folder = tempfile::tempdir().unwrap();

    let demo = demo(folder.path(), &[]);

    let (shown, errors) = (text(&demo.stdout), text(&demo.stderr));
    assert!(demo.status.success(), "{shown}{errors}");
    for step in [
        "uploaded contract.pdf",
        "Ana López: signed",
        "Jürgen Weiß: signed",
        "CERTIFIED",
        "filled it: contract",
        "the contract is signed",
        "process created",
    ] {
        assert!(shown.contains(step), "{step}: {shown}");
    }
    let root = ["--root", "out/development-root.pem"];
    for (file, signatures) in
        [("out/contract-signed.pdf", 2), ("out/contract-certificate.pdf", 1), ("out/rental-agreement-signed.pdf", 1)]
    {
        let verified = rubrica(folder.path(), &[&["verify", "--json", file], root.as_slice()].concat());
        assert!(verified.status.success(), "{file}: {}{}", text(&verified.stdout), text(&verified.stderr));
        let report: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(report["report"]["signatures"].as_array().map(Vec::len), Some(signatures), "{report}");
    }
    let [filled, signed] = ["rental-agreement.pdf", "rental-agreement-signed.pdf"]
        .map(|name| std::fs::read(folder.path().join("out").join(name)).unwrap());
    assert!(signed.starts_with(&filled));
    let form = documents::forms::Form::read(&filled).unwrap();
    let left: Vec<&str> = form.fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(left, ["BUYER"], "what was filled is printed, and the field for the signature is there");
}

#[test]
fn a_demo_of_consents_shows_a_customer_who_is_asked_leaves_and_is_erased() {
    let folder = tempfile::tempdir().unwrap();

    let demo = rubrica(folder.path(), &["demo", "consents"]);

    let (shown, errors) = (text(&demo.stdout), text(&demo.stderr));
    assert!(demo.status.success(), "{shown}{errors}");
    for step in [
        "texts in ca_ES",
        "texts in en_ES",
        "texts in es_ES",
        "[?] Accepto rebre ofertes",
        "[x] Accepto rebre ofertes",
        "may the customer be contacted? yes: OFFERS accepted (given)",
        "OFFERS_EMAIL does not undo the later withdrawal",
        "OFFERS pending (expired)",
        "ask this customer again? true",
        "cannot bring the customer back: 401",
        "may the customer be contacted? no: OFFERS pending (deleted)",
        "verifies it without the server:",
        "with one letter changed it is refused",
        "the key of the customer's journal is destroyed",
        "the receipt from before still proves",
    ] {
        assert!(shown.contains(step), "{step}: {shown}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["rubrica-demo"], "it leaves nothing behind but what it says");
    let receipt = ["verify", "rubrica-demo/consent-receipt.json", "--root", "rubrica-demo/development-root.pem"];
    let verified = rubrica(folder.path(), &receipt);
    assert!(verified.status.success(), "{}{}", text(&verified.stdout), text(&verified.stderr));
}

#[test]
fn a_demo_by_hand_ends_with_signatures_that_the_holder_of_the_key_reads() {
    let folder = tempfile::tempdir().unwrap();

    let demo = demo(folder.path(), &["--biometric"]);

    let (shown, errors) = (text(&demo.stdout), text(&demo.stderr));
    assert!(demo.status.success(), "{shown}{errors}");
    for step in ["PRIVATE KEY is in out/escrow-key.pem", "Ana López: signed by hand", "Jürgen Weiß: signed by hand", "CERTIFIED"]
    {
        assert!(shown.contains(step), "{step}: {shown}");
    }
    for alias in ["seller", "buyer"] {
        assert!(shown.contains(&format!("The holder of the escrow key reads  {alias}: rubrica-strokes-1")), "{shown}");
    }
    let verified = rubrica(folder.path(), &["verify", "out/contract-signed.pdf", "--root", "out/development-root.pem"]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
    let holder = ["--certificate", "out/escrow-certificate.pem", "--key", "out/escrow-key.pem", "--output", "opened"];
    let opened = rubrica(folder.path(), &[&["escrow", "open", "out/contract-signed.pdf"], holder.as_slice()].concat());
    assert!(opened.status.success(), "{}{}", text(&opened.stdout), text(&opened.stderr));
    assert!(text(&opened.stdout).contains("the seal of the PDF around it is intact"), "{}", text(&opened.stdout));
    for signature in ["opened/signature-1/signature.iso", "opened/signature-2/signature.inkml"] {
        assert!(folder.path().join(signature).is_file(), "{signature}: {}", text(&opened.stdout));
    }
    // Once more on the same folder: the pair that is there is used again.
    let again = self::demo(folder.path(), &["--biometric"]);
    assert!(text(&again.stdout).contains("The holder of the escrow key reads  buyer"), "{}", text(&again.stdout));
}

#[test]
fn a_document_changed_after_the_demo_does_not_verify() {
    let folder = tempfile::tempdir().unwrap();
    assert!(demo(folder.path(), &[]).status.success());
    let path = folder.path().join("out/contract-signed.pdf");
    let mut bytes = std::fs::read(&path).unwrap();
    let digit = bytes.windows(5).position(|window| window == b"1.250").unwrap();
    bytes[digit] = b'9';
    std::fs::write(&path, bytes).unwrap();

    let verified = rubrica(folder.path(), &["verify", "out/contract-signed.pdf"]);

    assert_eq!(verified.status.code(), Some(1), "{}", text(&verified.stdout));
}

#[test]
fn a_pdf_of_the_user_without_fields_is_signed_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my lease.pdf"), documents::fixtures::contract(&[])).unwrap();

    let demo = demo(folder.path(), &["my lease.pdf"]);

    assert!(demo.status.success(), "{}{}", text(&demo.stdout), text(&demo.stderr));
    assert!(rubrica(folder.path(), &["verify", "out/my_lease-signed.pdf"]).status.success());
}

#[test]
fn what_is_no_pdf_is_refused_by_name_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "hello").unwrap();

    let demo = demo(folder.path(), &["notes.txt"]);

    assert_eq!(demo.status.code(), Some(2));
    assert!(text(&demo.stderr).contains("notes.txt is not a PDF"), "{}", text(&demo.stderr));
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_server_that_does_not_answer_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let made = rubrica(folder.path(), &["token", "--data", "data", "--organization", "acme"]);
    assert!(made.status.success());
    // A port that was free a moment ago and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("http://127.0.0.1:{port}");

    let demo = demo(folder.path(), &["--server", &server]);

    assert_eq!(demo.status.code(), Some(2));
    assert!(text(&demo.stderr).contains(&format!("no server answers at {server}")), "{}", text(&demo.stderr));
}
