//! Documents: upload, download, metadata, owners, deletions and public URLs.

use serde_json::json;

use crate::{
    NOBODY, own, pdf, shared,
    support::{Answer, Form, Journey, PATIENCE, wait_for},
};

fn upload(journey: &Journey, owner: Option<&str>, form: Form) -> Answer {
    let path = journey.path("documents");
    let call = journey.client.post(&path).form(form);
    owner.into_iter().fold(call, |call, owner| call.header("x-auth-owner", owner)).send()
}

fn form(name: &str, extension: &str, content: &[u8]) -> Form {
    Form::new().part("name", name).part("extension", extension).file("content", "x", content)
}

fn private(journey: &Journey, owner: &str) -> String {
    upload(journey, Some(owner), form("private.pdf", "pdf", &pdf())).expect(201).text("documentId")
}

fn below(journey: &Journey, id: &str, rest: &str) -> String {
    journey.path(&format!("documents/{id}{rest}"))
}

#[test]
fn a_document_comes_back_as_it_was_stored() {
    let (_server, journey) = shared();
    let parts = form("contract.pdf", "pdf", &pdf()).part("tags", "a, b c").part("tags", "d").part("unknown", "ignored");
    let id = upload(&journey, None, parts).expect(201).text("documentId");
    let answer = journey.client.get(&below(&journey, &id, "")).send().expect(200);
    assert_eq!((answer.body.as_slice(), answer.header("content-type")), (pdf().as_slice(), "application/pdf"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"contract.pdf\"");
    let metadata = journey.client.get(&below(&journey, &id, "/metadata")).send().expect(200).json();
    assert_eq!(metadata["tags"], json!(["A", "BC", "D"]));
    assert_eq!((&metadata["size"], &metadata["isPublic"]), (&json!(pdf().len()), &json!(true)));
}

#[test]
fn the_name_of_an_uploaded_file_may_be_any_bytes() {
    let (_server, journey) = shared();
    let names: [&[u8]; 6] = [
        // Latin-1, GBK, Shift JIS (its second byte is a backslash), ISO-2022-JP.
        b"\"contrato a\xF1o.pdf\"",
        b"\"\xBA\xCF\xCD\xAC.pdf\"",
        b"\"\x95\x5C\"",
        b"\"\x1B$B7@Ls\x1B(B.pdf\"",
        b"\"a \"b\" C:\\scans\\\"",
        b"\"x\"; filename*=gbk''%BA%CF%CD%AC.pdf",
    ];
    for name in names {
        for disposition in [
            [b"form-data; name=\"content\"; filename=", name].concat(),
            [b"form-data; filename=", name, b"; name=\"content\""].concat(),
        ] {
            let form = Form::new().part("name", "a.pdf").part("extension", "pdf").disposed(disposition, pdf());
            upload(&journey, None, form).expect(201);
        }
    }
}

#[test]
fn active_content_is_told_to_who_asks_for_it() {
    let (_server, journey) = shared();
    let id = journey.upload("active.pdf", &documents::fixtures::active());
    let read = |id: &str, query: &str| journey.client.get(&below(&journey, id, &format!("/metadata{query}"))).send();
    assert_eq!(read(&id, "").expect(200).json().get("activeContent"), None);
    let told = read(&id, "?include=activeContent").expect(200).json();
    let expected = json!({"javascript": 1, "launchActions": 1, "embeddedFiles": 1, "multimedia": 1, "xfa": true});
    assert_eq!(told["activeContent"], expected);

    let plain = journey.upload("plain.pdf", &pdf());
    let none = json!({"javascript": 0, "launchActions": 0, "embeddedFiles": 0, "multimedia": 0, "xfa": false});
    assert_eq!(read(&plain, "?include=activeContent").expect(200).json()["activeContent"], none);
    let text = upload(&journey, None, form("a.json", "json", b"{}")).expect(201).text("documentId");
    assert_eq!(read(&text, "?include=activeContent").expect(200).json().get("activeContent"), None);
    for wrong in ["?include=", "?include=history", "?include=activeContent&include=activeContent"] {
        let refused = read(&id, wrong).expect_problem(400, "PARAMETER_ERROR");
        assert!(refused.details().starts_with("include: "), "{refused}");
    }
}

#[test]
fn an_upload_that_is_wrong_is_refused_with_its_reason() {
    let (_server, journey) = shared();
    let good = || Form::new().part("name", "a.pdf").part("extension", "pdf");
    for (case, form) in [
        ("no content", good()),
        ("no name", Form::new().part("extension", "pdf").part("content", pdf())),
        ("a blank in the name", form("a b.pdf", "pdf", &pdf())),
        ("an unknown extension", form("a.doc", "doc", &pdf())),
        ("another content than declared", form("a.png", "png", &pdf())),
        ("too many tags", good().part("content", pdf()).part("tags", "1,2,3,4,5,6")),
        ("a reserved tag", good().part("content", pdf()).part("tags", "NaN")),
        ("a doubled part", good().part("content", pdf()).part("content", pdf())),
    ] {
        let answer = upload(&journey, None, form).expect_problem(400, "INVALID_INPUT");
        assert!(!answer.details().is_empty(), "{case}");
    }
    let path = journey.path("documents");
    journey.client.post(&path).json(&json!({})).send().expect_problem(415, "PARAMETER_ERROR");
    journey.client.put(&path).json(&json!({})).send().expect_problem(405, "PARAMETER_ERROR");
    upload(&journey, Some(" "), form("a.pdf", "pdf", &pdf())).expect_problem(400, "PARAMETER_ERROR");
}

#[test]
fn a_document_over_the_limit_is_413_and_is_not_stored() {
    let (_server, journey) = own(Some("[documents]\nlimit = 4096\n"));
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    upload(&journey, None, form("a.json", "json", text(4096).as_bytes())).expect(201);
    upload(&journey, None, form("a.json", "json", text(4097).as_bytes())).expect_problem(413, "INVALID_INPUT");
}

#[test]
fn a_json_body_over_the_limit_is_413() {
    let (_server, journey) = shared();
    let body = json!({"sign_process_id": NOBODY, "padding": "x".repeat(2 * 1024 * 1024)});
    journey.client.post(&journey.path("securize")).json(&body).send().expect_problem(413, "INVALID_INPUT");
}

#[test]
fn only_its_owner_reaches_a_private_document() {
    let (_server, journey) = shared();
    let id = private(&journey, "Ana@Example.org");
    for rest in ["", "/metadata"] {
        let path = below(&journey, &id, rest);
        journey.client.get(&path).send().expect_problem(401, "UNAUTHORIZED");
        journey.client.get(&path).header("x-auth-owner", "other").send().expect_problem(401, "UNAUTHORIZED");
        journey.client.get(&path).header("x-auth-owner", "ana@example.ORG").send().expect(200);
    }
    let path = below(&journey, &id, "/public_url");
    journey.client.post(&path).json(&json!({})).send().expect_problem(401, "UNAUTHORIZED");
    journey.client.delete(&below(&journey, &id, "")).send().expect_problem(401, "UNAUTHORIZED");
    journey.client.delete(&below(&journey, &id, "/physical")).send().expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn an_owner_hands_a_private_document_on_and_loses_it() {
    let (_server, journey) = shared();
    let id = private(&journey, "ana");
    let path = below(&journey, &id, "/owner");
    let change =
        |owner: &str, body: &serde_json::Value| journey.client.put(&path).header("x-auth-owner", owner).json(body).send();
    change("ana", &json!({})).expect_problem(400, "INVALID_INPUT");
    change("ana", &json!({"newOwner": 7})).expect_problem(400, "INVALID_INPUT");
    change("bob", &json!({"newOwner": "Bob"})).expect_problem(401, "UNAUTHORIZED");
    let answer = change("ana", &json!({"newOwner": "Bob", "unknown": 1})).expect(200);
    assert_eq!(answer.text("owner"), "bob");
    change("ana", &json!({"newOwner": "ana"})).expect_problem(401, "UNAUTHORIZED");
    change("bob", &json!({"newOwner": "ana"})).expect(200);
    let public = journey.upload("public.pdf", &pdf());
    let path = below(&journey, &public, "/owner");
    journey.client.put(&path).json(&json!({"newOwner": "ana"})).send().expect_problem(400, "INVALID_INPUT");
    let path = below(&journey, NOBODY, "/owner");
    journey.client.put(&path).json(&json!({"newOwner": "ana"})).send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn a_deleted_document_is_gone_and_its_first_deletion_counts() {
    let (_server, journey) = shared();
    let id = journey.upload("a.pdf", &pdf());
    let (logical, physical) = (below(&journey, &id, ""), below(&journey, &id, "/physical"));
    let delete = |path: &str| journey.client.delete(path).send();
    let first = delete(&logical).expect(200);
    assert_eq!(first.text("deletedDocumentId"), id);
    // logically deleted: gone for readers, a conflict for whoever deletes so again
    for path in [logical.clone(), below(&journey, &id, "/metadata")] {
        journey.client.get(&path).send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    }
    let url = below(&journey, &id, "/public_url");
    journey.client.post(&url).json(&json!({})).send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    let owner =
        journey.client.put(&below(&journey, &id, "/owner")).header("x-auth-owner", "ana").json(&json!({"newOwner": "eva"}));
    owner.send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    delete(&logical).expect_problem(409, "CONFLICT");
    // physically deleted after that: the first instant stays
    assert_eq!(delete(&physical).expect(200).text("deleteTS"), first.text("deleteTS"));
    delete(&physical).expect_problem(409, "CONFLICT");
    delete(&logical).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    // never there
    for path in [below(&journey, NOBODY, ""), below(&journey, NOBODY, "/physical")] {
        delete(&path).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    journey.client.get(&below(&journey, NOBODY, "")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.client.get(&below(&journey, "not-a-uuid", "")).send().expect_problem(400, "PARAMETER_ERROR");
    delete(&below(&journey, "not-a-uuid", "/physical")).expect_problem(400, "PARAMETER_ERROR");
}

#[test]
fn a_public_url_needs_no_token_and_keeps_its_disposition() {
    let (server, journey) = shared();
    let id = private(&journey, "ana");
    let path = below(&journey, &id, "/public_url");
    let make = |body: serde_json::Value| journey.client.post(&path).header("x-auth-owner", "ana").json(&body).send();
    for (body, disposition) in
        [(json!({}), "attachment"), (json!({"downloadDisposition": "inline", "expiresIn": "PT1H"}), "inline")]
    {
        let made = make(body).expect(200);
        assert_eq!((made.text("mediaType").as_str(), made.text("name").as_str()), ("application/pdf", "private.pdf"));
        let answer = server.anonymous().get(&made.text("publicUrl")).send().expect(200);
        assert!(answer.header("content-disposition").starts_with(disposition), "{}", answer.header("content-disposition"));
        assert_eq!(answer.body, pdf());
    }
    for wrong in [
        json!({"expiresIn": "P2D"}),
        json!({"expiresIn": "PT0S"}),
        json!({"expiresIn": 5}),
        json!({"downloadDisposition": "show"}),
    ] {
        make(wrong).expect_problem(400, "INVALID_INPUT");
    }
}

#[test]
fn a_public_url_that_was_changed_or_has_expired_opens_nothing() {
    let (server, journey) = shared();
    let id = journey.upload("a.pdf", &pdf());
    let path = below(&journey, &id, "/public_url");
    let url = journey.client.post(&path).json(&json!({})).send().expect(200).text("publicUrl");
    for at in [url.len() - 1, url.len() - 20, url.rfind('/').unwrap() + 3] {
        let mut changed = url.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        server.anonymous().get(&changed).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    let short = journey.client.post(&path).json(&json!({"expiresIn": "PT1S"})).send().expect(200).text("publicUrl");
    let expired = wait_for("the public URL to expire", PATIENCE, || {
        Some(server.anonymous().get(&short).send()).filter(|answer| answer.status != 200)
    });
    expired.expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    journey.client.delete(&below(&journey, &id, "")).send().expect(200);
    server.anonymous().get(&url).send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
}
