//! A signed file that staff looks at.

use super::{Browser, between, text};
use crate::{
    shared,
    support::{Answer, Form},
    verification::{identity, organization, sealed},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use documents::fixtures;

fn send(browser: &Browser, path: &str, csrf: &str, file: Vec<u8>) -> Answer {
    browser.post_parts(path, Form::new().part("csrf", csrf).file("file", "lease (final).pdf", file))
}

#[test]
fn a_file_is_told_in_words_and_as_json_and_the_log_says_that_somebody_looked() {
    let (server, _) = shared();
    let (file, own) = identity("Seals of a notary");
    let (name, _) = organization(&server, Some(file));
    let browser = Browser::signed_in(&server, &name, &["console"]);
    let path = format!("/console/orgs/{name}/verify");
    let page = text(&browser.get(&path).expect(200));
    assert!(page.contains("Verify a signed file") && page.contains("aria-current=\"page\">Verify<"), "{page}");
    let csrf = browser.csrf(&path);
    let pdf = sealed(&own, &["tenant", "landlord"]);
    let page = text(&send(&browser, &path, &csrf, pdf.clone()).expect(200));
    for words in [
        "Every signature is intact.",
        "Signature 1 of 2",
        "Signature 2 of 2",
        "<strong>Seals of a notary</strong>",
        "Trusted, by the root “Seals of a notary development CA”",
        "of this organization’s own certificate",
        "Ana López",
        "a lease",
        "Nothing proves the time",
        "Further signatures: landlord",
        "Nothing was changed",
        "The whole document as it was then",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("is not trusted") && !page.contains("lease (final)"), "{page}");
    let json = STANDARD.decode(between(&page, "href=\"data:application/json;base64,", "\"")).expect("base64");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["report"]["signatures"].as_array().map(Vec::len), Some(2));

    // Another's is intact all the same, and who signed is not proven.
    let foreign = sealed(&identity("A stranger").1, &["tenant"]);
    let page = text(&send(&browser, &path, &csrf, foreign).expect(200));
    for words in
        ["Every signature is intact.", "who signed is not proven", "its issuer “A stranger development CA” is not known here"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let place = pdf.windows(9).position(|bytes| bytes == b"/BaseFont").expect("a font");
    let mut changed = pdf;
    changed[place + 11] = b'X';
    let page = text(&send(&browser, &path, &csrf, changed).expect(200));
    assert!(page.contains("Not every signature is intact.") && page.contains("the signed bytes were changed"), "{page}");
    let page = text(&send(&browser, &path, &csrf, fixtures::contract(&[])).expect(200));
    assert!(page.contains("The file has no signatures."), "{page}");

    let log = text(&browser.get(&format!("/console/orgs/{name}/log")).expect(200));
    assert_eq!(log.matches("Verify a signed file").count(), 4, "{log}");
    assert!(!log.contains("lease") && !log.contains("another act"), "{log}");
}

#[test]
fn what_cannot_be_verified_is_told_why_and_nobody_else_may_send_anything() {
    let (server, _) = shared();
    let (name, _) = organization(&server, None);
    let browser = Browser::signed_in(&server, &name, &["console"]);
    let path = format!("/console/orgs/{name}/verify");
    let csrf = browser.csrf(&path);
    let encrypted = fixtures::encrypted("a secret", lopdf::Permissions::all());
    for (file, words) in [
        (Vec::new(), "Choose a file."),
        (b"<script>alert(1)</script>".to_vec(), "the file is not a PDF"),
        (encrypted, "the PDF needs a password to be opened"),
    ] {
        let page = text(&send(&browser, &path, &csrf, file).expect(400));
        assert!(page.contains(words) && page.contains("role=\"alert\""), "{words}: {page}");
    }
    browser.post_parts(&path, Form::new().part("csrf", &csrf)).expect(400);
    let page = text(&send(&browser, &path, &csrf, vec![b' '; (50 << 20) + 1]).expect(413));
    assert!(page.contains("This file cannot be verified:") && page.contains("the part may have 52428800 bytes"), "{page}");
    let pdf = fixtures::contract(&[]);
    send(&browser, &path, "wrong", pdf.clone()).expect(403);
    let page = text(&send(&browser, &path, &csrf, pdf.clone()).expect(200));
    assert!(page.contains("This organization has no valid certificate of its own"), "{page}");
    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    let foreign = stranger.csrf("/console/orgs/second/verify");
    send(&stranger, &path, &foreign, pdf.clone()).expect(404);
    send(&Browser::new(&server), &path, &csrf, pdf).expect(303);
    // What was refused was not done.
    let log = text(&browser.get(&format!("/console/orgs/{name}/log")).expect(200));
    assert_eq!(log.matches("Verify a signed file").count(), 1, "{log}");
}
