//! What the pages show, and what is done on them.

use serde_json::{Value, json};

use super::{Browser, between, leads_to, process, text};
use crate::{
    NOBODY, address, own, pdf, shared,
    support::{Journey, ORGANIZATION, PATIENCE, wait_for},
};

/// The words of the timeline, newest first.
fn rows(page: &str) -> Vec<String> {
    page.split("<span class=\"words\"><strong>").skip(1).map(|rest| between(rest, "", "</strong>").to_owned()).collect()
}

fn version(page: &str) -> String {
    between(page, "data-version=\"", "\"").to_owned()
}

#[test]
fn a_cancellation_by_staff_is_journaled_with_who_and_why() {
    let (server, journey) = shared();
    let (id, path, _) = process(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let cancel = format!("{path}/cancel");
    let page = text(&browser.get(&cancel).expect(200));
    assert!(page.contains("this cannot be taken back") && page.contains("lease.pdf") && page.contains("tenant"));
    let csrf = browser.csrf(&cancel);
    for reason in ["", " \r\n ", &"x".repeat(1_001)] {
        let page = text(&browser.post(&cancel, &[("csrf", &csrf), ("reason", reason)]).expect(400));
        assert!(page.contains("Error:") && page.contains("Give a reason of 1 to 1000 characters"), "{reason:?}");
    }
    assert_eq!(journey.process(&id)["status"], "CREATED");

    let fields = [("csrf", csrf.as_str()), ("reason", "the <b>rent</b> changed")];
    leads_to(&browser.post(&cancel, &fields), &format!("{path}?done=cancelled"));
    assert_eq!(journey.process(&id)["status"], "CANCELLED");
    let page = text(&browser.get(&format!("{path}?done=cancelled")).expect(200));
    assert!(page.contains("The process is cancelled.") && page.contains("s-cancelled"));
    let words = "Cancelled in the console by development: the &#60;b&#62;rent&#60;/b&#62; changed";
    assert!(rows(&page).iter().any(|row| row == words), "{:?}", rows(&page));
    assert!(page.contains("127.0.0.1"), "where the act came from");
    assert!(!page.contains("/cancel\""), "it is not offered any more");
    // Twice is too late, by the page as by the form.
    assert!(text(&browser.get(&cancel).expect(409)).contains("already in the state &#34;Cancelled&#34;"));
    assert!(text(&browser.post(&cancel, &fields).expect(409)).contains("Nothing was done"));
}

#[test]
fn a_process_is_told_from_its_making_to_its_certificate() {
    let (server, journey) = shared();
    let (id, path, email) = process(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let signer = journey.signers(&id).remove(0);
    let page = text(&browser.get(&path).expect(200));
    assert!(page.contains("tenant: identification") && page.contains("The time limit passes"), "{page}");

    let code = journey.code(&signer.identification, &email);
    let wrong = if code.starts_with('1') { "200000" } else { "100000" };
    journey.validate(&signer.identification, &json!({ "code": wrong })).expect(403);
    let access =
        journey.validate(&signer.identification, &json!({ "code": code })).expect(204).header("x-access-token").to_owned();
    let signing = journey.with_token(&access);
    signing.preview(&signer.sign).expect(204);
    signing.sign(&signer.sign).expect(204);
    wait_for("the certificate", PATIENCE, || (journey.process(&id)["status"] == "CERTIFIED").then_some(()));
    let page = wait_for("the page to be complete", PATIENCE, || {
        let page = text(&browser.get(&path).expect(200));
        (rows(&page).iter().any(|row| row.starts_with("Notice of the end")) && !page.contains("class=\"pending\""))
            .then_some(page)
    });

    let told = rows(&page);
    for row in [
        "Process made",
        "Invitation to tenant by e-mail",
        "Identification of tenant begins",
        "Code to tenant by e-mail",
        "tenant is identified",
        "tenant opened the documents",
        "tenant signed",
        "All have signed",
        "Seals on lease.pdf",
        "Certificate of the process",
        "Notice of the end to tenant by e-mail",
    ] {
        assert_eq!(told.iter().filter(|told| *told == row).count(), 1, "{row} in {told:?}");
    }
    assert!(!told.iter().any(|row| row.starts_with("Step within the server")), "{told:?}");
    assert!(page.contains("wrong answer") && page.contains("right answer") && page.contains("chain of hashes intact"));
    assert!(!page.contains(&email) && page.contains("***@example.org"), "addresses are masked");
    assert!(page.contains("Mozilla/5.0 (a test)"));

    // Its documents, by addresses that work for minutes.
    let document = between(&page, &format!("{path}/documents/"), "\"").to_owned();
    let to = browser.get(&format!("{path}/documents/{document}")).expect(303).header("location").to_owned();
    assert!(to.starts_with("/public/"), "{to}");
    assert_eq!(browser.get(&to).expect(200).header("content-type"), "application/pdf");
    let certificate = journey.process(&id)["certificate_id"].as_str().expect("a certificate").to_owned();
    browser.get(&format!("{path}/documents/{certificate}")).expect(303);
    let page_of = browser.get(&format!("{path}/documents/{document}/page")).expect(303).header("location").to_owned();
    assert!(browser.get(&page_of).expect(200).header("content-type").starts_with("image/"));
    for none in [NOBODY, "x", &journey.upload("other.pdf", &pdf())] {
        browser.get(&format!("{path}/documents/{none}")).expect(404);
    }
}

#[test]
fn looking_changes_nothing_and_news_is_told_once() {
    let (server, journey) = shared();
    let (id, path, _) = process(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let settled = wait_for("the invitation", PATIENCE, || {
        let page = text(&browser.get(&path).expect(200));
        (!page.contains("class=\"pending\"")).then(|| version(&page))
    });
    for path in [path.clone(), format!("{path}/cancel"), format!("{path}?failures=1&from=5"), "/console/orgs/acme".into()] {
        browser.get(&path).expect(200);
    }
    browser.get(&format!("{path}?after={settled}")).expect(204);
    let reason = json!({"reason": "x"});
    journey.client.post(&journey.path(&format!("sign_process/{id}/cancel"))).json(&reason).send();
    let page = text(&browser.get(&format!("{path}?after={settled}")).expect(200));
    assert!(version(&page).parse::<u64>().unwrap() > settled.parse().unwrap());
    assert!(rows(&page).iter().any(|row| row == "Cancelled by the organization: x"));
}

#[test]
fn the_list_shows_the_newest_first_and_filters_by_state() {
    let (server, _) = own(None);
    let journey = Journey::new(server.client());
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let page = text(&browser.get("/console/orgs/acme").expect(200));
    assert!(page.contains("No process yet") && page.contains("rubrica demo"), "{page}");
    let list = "/console/orgs/acme/processes";
    assert!(text(&browser.get(list).expect(200)).contains("There is no process."));

    let made: Vec<String> = (0..53).map(|_| process(&journey).0).collect();
    for id in &made[..2] {
        journey.client.post(&journey.path(&format!("sign_process/{id}/cancel"))).json(&json!({"reason": "x"})).send();
    }
    let ids = |page: &str| {
        page.split("<code class=\"small\">").skip(1).map(|rest| between(rest, "", "<").to_owned()).collect::<Vec<_>>()
    };
    let page = text(&browser.get(list).expect(200));
    let newest: Vec<_> = made.iter().rev().take(50).cloned().collect();
    assert_eq!(ids(&page), newest);
    let older = between(&page, "rel=\"next\" href=\"", "\"").replace("&#38;", "&");
    let page = text(&browser.get(&older).expect(200));
    assert_eq!(ids(&page), made.iter().rev().skip(50).cloned().collect::<Vec<_>>());
    assert!(!page.contains("rel=\"next\"") && page.contains("To the newest"));

    let page = text(&browser.get(&format!("{list}?status=CANCELLED")).expect(200));
    assert_eq!(ids(&page), [made[1].clone(), made[0].clone()]);
    let page = text(&browser.get(&format!("{list}?status=CREATED")).expect(200));
    let next = between(&page, "rel=\"next\" href=\"", "\"").replace("&#38;", "&");
    assert_eq!(ids(&page), newest);
    assert_eq!(ids(&text(&browser.get(&next).expect(200))), [made[2].clone()]);
    let page = text(&browser.get(&format!("{list}?status=FAILED")).expect(200));
    assert!(page.contains("None in this state") && page.contains("Show all states"));

    let page = text(&browser.get("/console/orgs/acme").expect(200));
    assert!(
        page.contains("<strong>51</strong>") && page.contains("<strong>2</strong>") && page.contains("Nothing needs attention")
    );
    server.advance("P29D");
    let page = text(&browser.get("/console/orgs/acme").expect(200));
    assert!(page.contains("Expire within 48 hours: 51") && page.contains("it is P29D ahead"), "{page}");
    server.advance("P2D");
    let page = text(&browser.get(&format!("/console/orgs/acme/processes/{}", made[10])).expect(200));
    assert!(page.contains("s-expired"), "what time has decided is shown, whether it is written or not");
}

#[test]
fn a_process_is_found_by_its_identifier_and_those_of_its_parts() {
    let (server, journey) = shared();
    let (id, path, _) = process(&journey);
    let signer = journey.signers(&id).remove(0);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let find = |query: &str| browser.get(&format!("/console/orgs/acme/processes?{}", super::form(&[("q", query)])));
    for query in [&id, &signer.sign, &signer.identification, &format!(" {} ", id.to_uppercase()), &id.replace('-', "")] {
        leads_to(&find(query), &path);
    }
    for query in [NOBODY, "<script>alert(1)</script>", "lease"] {
        let page = text(&find(query).expect(200));
        assert!(page.contains("has exactly") && !page.contains("<script>alert"), "{query}: {page}");
    }
    for path in [format!("/console/orgs/acme/processes/{NOBODY}"), "/console/orgs/acme/processes/x".into()] {
        assert!(text(&browser.get(&path).expect(404)).contains("Not found"));
    }
}

#[test]
fn a_process_is_found_by_whom_it_is_with_and_by_what_it_holds() {
    let (server, _) = own(None);
    let journey = Journey::new(server.client());
    let document = journey.upload("lease.pdf", &pdf());
    let mut signer = Journey::signer("Tenant 7", "Eva.Gil@example.org");
    signer["msisdn"] = json!({"phone_number": 600_123_222, "country_code": "34"});
    signer["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF"});
    let made = |signer: &Value, documents: &[&str]| journey.create(&Journey::creation(std::slice::from_ref(signer), documents));
    let id = made(&signer, &[&document]);
    let (path, browser) = (format!("/console/orgs/acme/processes/{id}"), Browser::signed_in(&server, ORGANIZATION, &["console"]));
    let find = |query: &str| browser.get(&format!("/console/orgs/acme/processes?{}", super::form(&[("q", query)])));
    let queries = ["eva.gil@EXAMPLE.org", "600123222", "+34 600 123 222", "0034600123222", "12345678z", "tenant 7", &document];
    for query in queries {
        leads_to(&find(query), &path);
    }
    for query in ["eva", "gil@example.org", "600123223", "2345678Z", "tenant"] {
        assert!(text(&find(query).expect(200)).contains("has exactly"), "{query}");
    }
    // Two of one person are shown both, and nothing of it is told to another organization.
    let other = made(&signer, &[&journey.upload("other.pdf", &pdf())]);
    let page = text(&find("600123222").expect(200));
    assert!(page.contains("Processes that have it: 2") && page.contains(&id) && page.contains(&other), "{page}");
    let stranger = Browser::signed_in(&server, "other", &["console"]);
    let page = stranger.get("/console/orgs/other/processes?q=600123222").expect(200);
    assert!(text(&page).contains("has exactly"));
    // And nothing that is erased is found.
    journey.client.post(&journey.path(&format!("sign_process/{other}/cancel"))).json(&json!({"reason": "x"})).send();
    wait_for("the process to be erased", PATIENCE, || {
        let erasure = journey.path(&format!("sign_process/{other}/erasure"));
        (journey.client.post(&erasure).json(&json!({"reason": "asked for"})).send().status == 200).then_some(())
    });
    leads_to(&find("600123222"), &path);
}

#[test]
fn pages_speak_the_language_of_the_browser() {
    let (server, journey) = shared();
    let (_, path, _) = process(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    for (language, words) in [
        ("es", "Proceso de firma"),
        ("ca", "Procés de signatura"),
        ("eu", "Sinadura-prozesua"),
        ("gl", "Proceso de sinatura"),
        ("de-AT, en;q=0.5", "Signaturvorgang"),
        ("fr", "Sign process"),
    ] {
        let call = server.anonymous();
        let call = call.get(&path).header("cookie", &browser.cookie()).header("accept-language", language);
        let page = text(&call.send().expect(200));
        assert!(
            page.contains(words) && page.contains(&format!("<html lang=\"{}\">", &language[..2]).replace("fr", "en")),
            "{language}"
        );
    }
}

#[test]
fn two_signers_have_a_lane_each() {
    let (server, journey) = shared();
    let document = journey.upload("lease.pdf", &pdf());
    let signers = [Journey::signer("tenant", &address()), Journey::signer("landlord", &address())];
    let id = journey.create(&Journey::creation(&signers, &[&document]));
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = text(&browser.get(&format!("/console/orgs/acme/processes/{id}")).expect(200));
    assert_eq!(page.matches("class=\"lane-waiting\"").count(), 2);
    assert!(page.contains("tenant and 1 more"));
    let list = text(&browser.get("/console/orgs/acme/processes").expect(200));
    assert!(list.contains(">0/2<"));
}
