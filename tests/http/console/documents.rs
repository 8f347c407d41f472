//! Documents in the console: what is shown of them, and their deletion.

use super::{Browser, between, effects::link, leads_to, process, text};
use crate::{
    NOBODY, own, pdf, shared,
    support::{Form, Journey, ORGANIZATION},
};

const LIST: &str = "/console/orgs/acme/documents";

fn ids(page: &str) -> Vec<String> {
    page.split("<code class=\"small\">").skip(1).map(|rest| between(rest, "", "<").to_owned()).collect()
}

#[test]
fn uploads_are_listed_newest_first_and_found_by_their_identifiers() {
    let (server, _) = own(None);
    let journey = Journey::new(server.client());
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    assert!(text(&browser.get(LIST).expect(200)).contains("There is no uploaded document."));
    let made: Vec<String> = (0..53).map(|number| journey.upload(&format!("lease{number}.pdf"), &pdf())).collect();
    let page = text(&browser.get(LIST).expect(200));
    assert_eq!(ids(&page), made.iter().rev().take(50).cloned().collect::<Vec<_>>());
    assert!(page.contains("lease52.pdf") && page.contains("The organization") && page.contains("pdf, "), "{page}");
    let page = text(&browser.get(&link(&page, "before=")).expect(200));
    assert_eq!(ids(&page), made.iter().rev().skip(50).cloned().collect::<Vec<_>>());
    assert!(page.contains("To the newest") && !page.contains("rel=\"next\""), "{page}");
    leads_to(&browser.get(&format!("{LIST}?q={}", made[7])), &format!("{LIST}/{}", made[7]));
    for query in [NOBODY, "<b>x"] {
        let page = text(&browser.get(&format!("{LIST}?{}", super::form(&[("q", query)]))).expect(200));
        assert!(page.contains("No document of this organization has") && !page.contains("<b>x"), "{page}");
    }
}

#[test]
fn a_document_shows_what_it_is_where_it_is_used_and_its_first_page() {
    let (server, journey) = shared();
    let (id, path, _) = process(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let document = between(&text(&browser.get(&path).expect(200)), &format!("{path}/documents/"), "\"").to_owned();
    let own = format!("{LIST}/{document}");
    let page = text(&browser.get(&own).expect(200));
    for words in ["lease.pdf", "SHA-256", "Active content", "Sign processes with it", "This document", "created"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains(&format!("href=\"{path}\"")) && page.contains(&format!("processes?q={id}")), "{page}");
    assert!(!page.contains("/delete\"") && !page.contains("/remove\""), "{page}");
    let to = browser.get(&format!("{own}/download")).expect(303).header("location").to_owned();
    let file = browser.get(&to).expect(200);
    assert!(file.header("content-disposition").starts_with("attachment") && file.body.starts_with(b"%PDF"), "{to}");
    let to = browser.get(&format!("{own}/page")).expect(303).header("location").to_owned();
    assert!(browser.get(&to).expect(200).header("content-type").starts_with("image/"));

    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    let elsewhere = format!("/console/orgs/second/documents/{document}");
    for address in [&own, &elsewhere] {
        for rest in ["", "/download", "/page", "/delete", "/remove"] {
            stranger.get(&format!("{address}{rest}")).expect(404);
        }
    }
    for none in [NOBODY, "x"] {
        browser.get(&format!("{LIST}/{none}")).expect(404);
    }
}

#[test]
fn what_belongs_to_an_owner_is_opened_by_those_who_answer_for_the_organization() {
    let (server, journey) = shared();
    let form = Form::new().part("name", "secret.json").part("extension", "json").part("content", "{}");
    let call = journey.client.post(&journey.path("documents")).header("x-auth-owner", "eva@example.org");
    let document = call.form(form).send().expect(201).text("documentId");
    let own = format!("{LIST}/{document}");
    let operator = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let page = text(&operator.get(&own).expect(200));
    assert!(page.contains("An owner") && page.contains("only with the role console_admin"), "{page}");
    assert!(!page.contains("/download\"") && !page.to_lowercase().contains("eva@example.org"), "{page}");
    assert!(text(&operator.get(&format!("{own}/download")).expect(403)).contains("console_admin"));
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let to = admin.get(&format!("{own}/download")).expect(303).header("location").to_owned();
    assert_eq!(admin.get(&to).expect(200).body, b"{}");
}

#[test]
fn a_deletion_says_who_and_why_and_one_of_the_bytes_wants_the_identifier_typed() {
    let (server, journey) = shared();
    let document = journey.upload("lease.pdf", &pdf());
    let own = format!("{LIST}/{document}");
    let api = journey.path(&format!("documents/{document}"));
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let csrf = reader.csrf(&own);
    reader.get(&format!("{own}/delete")).expect(403);
    reader.post(&format!("{own}/delete"), &[("csrf", &csrf), ("reason", "x")]).expect(403);
    let operator = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let page = text(&operator.get(&own).expect(200));
    assert!(page.contains("/delete\"") && !page.contains("/remove\""), "{page}");
    operator.get(&format!("{own}/remove")).expect(403);
    let csrf = operator.csrf(&own);
    operator.post(&format!("{own}/remove"), &[("csrf", &csrf), ("reason", "x"), ("typed", &document)]).expect(403);
    operator.post(&format!("{own}/delete"), &[("reason", "x")]).expect(403);
    operator.post(&format!("{own}/delete"), &[("csrf", &csrf), ("reason", " ")]).expect(400);
    journey.client.get(&api).send().expect(200);

    leads_to(
        &operator.post(&format!("{own}/delete"), &[("csrf", &csrf), ("reason", "the <i>wrong</i> file")]),
        &format!("{own}?done=delete"),
    );
    journey.client.get(&api).send().expect(410);
    let page = text(&operator.get(&format!("{own}?done=delete")).expect(200));
    assert!(page.contains("The document is deleted.") && page.contains("s-cancelled"), "{page}");
    assert!(page.contains("deleted: the &#60;i&#62;wrong&#60;/i&#62; file") && page.contains("development, 127.0.0.1"), "{page}");
    assert!(!page.contains("/delete\"") && !page.contains("/download\""), "{page}");
    operator.get(&format!("{own}/download")).expect(404);
    assert!(text(&operator.get(&format!("{own}/delete")).expect(409)).contains("it stands otherwise by now"));
    operator.post(&format!("{own}/delete"), &[("csrf", &csrf), ("reason", "x")]).expect(409);

    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let remove = format!("{own}/remove");
    let page = text(&admin.get(&remove).expect(200));
    assert!(page.contains("Nothing brings them back") && page.contains(&document), "{page}");
    let csrf = admin.csrf(&remove);
    for typed in ["", "lease.pdf", NOBODY] {
        let page = text(&admin.post(&remove, &[("csrf", &csrf), ("reason", "asked for"), ("typed", typed)]).expect(400));
        assert!(page.contains("This is not its identifier.") && page.contains("asked for</textarea>"), "{typed}: {page}");
    }
    let typed = format!(" {} ", document.to_uppercase());
    leads_to(&admin.post(&remove, &[("csrf", &csrf), ("reason", "asked for"), ("typed", &typed)]), &format!("{own}?done=remove"));
    let page = text(&admin.get(&format!("{own}?done=remove")).expect(200));
    assert!(page.contains("physically deleted") && page.contains("s-failed") && page.contains("removed: asked for"), "{page}");
    admin.get(&remove).expect(409);
    let listed = text(&reader.get(LIST).expect(200));
    assert!(listed.contains(&document), "what is deleted is listed as that");
}
