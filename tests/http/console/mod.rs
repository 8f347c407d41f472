//! The console of staff over HTTP: who gets in, what they see, and what they can do.

mod browser;
mod certificates;
mod consents;
mod deliveries;
mod desk;
mod documents;
mod dynamic;
mod effects;
mod facts;
mod identifications;
mod links;
mod log;
mod metrics;
mod oidc;
mod pages;
mod processes;
mod provider;
mod quarantine;
mod settings;
mod sign_configuration;
mod templates;
mod verification;

pub use browser::{Browser, text};
use browser::{between, form};

use crate::{
    address, own, pdf, shared,
    support::{Answer, Journey, Keeps, ORGANIZATION, Options, Server},
};

/// A process of one signer, its address in the console, and the signer's e-mail address.
fn process(journey: &Journey) -> (String, String, String) {
    let (email, document) = (address(), journey.upload("lease.pdf", &pdf()));
    let id = journey.create(&Journey::creation(&[Journey::signer("tenant", &email)], &[&document]));
    let path = format!("/console/orgs/{ORGANIZATION}/processes/{id}");
    (id, path, email)
}

#[track_caller]
fn leads_to(answer: &Answer, to: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, to), "{answer}");
}

#[test]
fn who_is_not_signed_in_is_led_to_the_way_in_and_back() {
    let (server, journey) = shared();
    let (_, path, _) = process(&journey);
    let browser = Browser::new(&server);
    for path in ["/console", "/console/orgs/acme", &path, &format!("{path}/cancel"), "/console/nowhere"] {
        let next = form(&[("next", path)]);
        leads_to(&browser.get(path), &format!("/console/sign-in?{next}"));
    }
    let answer = browser.get(&format!("/console/sign-in?{}", form(&[("next", &path)]))).expect(200);
    let page = text(&answer);
    assert_eq!(between(&page, "name=\"next\" value=\"", "\""), path);
    leads_to(&browser.development(ORGANIZATION, &["console"], &path), &path);
    assert!(text(&browser.get(&path).expect(200)).contains("lease.pdf"));
    // A form leads nowhere by itself.
    let answer = Browser::new(&server).post(&format!("{path}/cancel"), &[("reason", "x")]);
    leads_to(&answer, "/console/sign-in?");
}

#[test]
fn the_way_in_leads_to_the_console_only() {
    let (server, _) = shared();
    for next in ["https://evil.example/console", "//evil.example", "/console/../docs", "/docs"] {
        let browser = Browser::new(&server);
        leads_to(&browser.development(ORGANIZATION, &["console"], next), "/console");
    }
}

#[test]
fn the_form_for_development_works_on_the_servers_machine_only() {
    let (server, _) = shared();
    let browser = Browser::new(&server);
    let fields = [("organization", ORGANIZATION), ("role", "console")];
    let own = ("sec-fetch-site", "same-origin");
    for elsewhere in [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7"), ("host", "evil.example")] {
        let answer = browser.post_from("/console/sign-in/development", &fields, &[own, elsewhere]);
        assert!(answer.status == 404 && answer.header("set-cookie").is_empty(), "{elsewhere:?}: {answer}");
        let page = server.anonymous().get("/console/sign-in").header(elsewhere.0, elsewhere.1).send().expect(200);
        let page = text(&page);
        assert!(!page.contains("sign-in/development") && page.contains("own machine"), "{elsewhere:?}");
    }
    for (organization, roles, words) in [
        ("", &["console"][..], "Give the organization"),
        ("a b", &["console"], "Give the organization"),
        ("acme", &[], "Tick one of the roles console, agent"),
        ("acme", &["sign", "erasure"], "Tick one of the roles console, agent"),
    ] {
        let answer = browser.development(organization, roles, "").expect(400);
        assert!(text(&answer).contains(words), "{answer}");
        assert!(browser.cookie().is_empty());
    }
}

#[test]
fn pages_have_a_strict_policy_and_are_kept_nowhere() {
    let (server, _) = shared();
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    for path in ["/console/sign-in", "/console/orgs/acme", "/console/orgs/acme/processes", "/console/orgs"] {
        let answer = browser.get(path).expect(200);
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(policy.contains("form-action 'self'; frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "same-origin"));
        let page = text(&answer);
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("<script>"), "{path}");
    }
}

#[test]
fn a_session_that_is_changed_is_none() {
    let (server, _) = shared();
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let mut value = browser.cookie_of("rubrica-console").expect("a session");
    browser.get("/console/orgs/acme").expect(200);
    let other = if &value[40..41] == "A" { "B" } else { "A" };
    value.replace_range(40..41, other);
    browser.set_cookie("rubrica-console", &value);
    browser.get("/console/orgs/acme").expect(303);
    // One of a server with another key.
    let other = Server::start_with(Options { keeps: Keeps::AsConfigured, ..Options::default() });
    let stranger = Browser::signed_in(&other, ORGANIZATION, &["console"]);
    browser.set_cookie("rubrica-console", &stranger.cookie_of("rubrica-console").expect("a session"));
    browser.get("/console/orgs/acme").expect(303);
}

#[test]
fn who_signs_out_is_out() {
    let (server, _) = shared();
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let csrf = browser.csrf("/console/orgs/acme");
    browser.post("/console/sign-out", &[]).expect(403);
    browser.get("/console/orgs/acme").expect(200);
    leads_to(&browser.post("/console/sign-out", &[("csrf", &csrf)]), "/console/sign-in?why=out");
    assert!(browser.cookie().is_empty());
    assert!(text(&browser.get("/console/sign-in?why=out").expect(200)).contains("You are signed out"));
}

#[test]
fn only_a_form_of_this_session_from_this_server_changes_anything() {
    let (server, journey) = shared();
    let (id, path, _) = process(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let other = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let cancel = format!("{path}/cancel");
    let (csrf, foreign) = (browser.csrf(&cancel), other.csrf(&cancel));
    let (same, cross) = (("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site"));
    for (token, headers) in [
        (Some(csrf.as_str()), &[][..]),
        (Some(&csrf), &[cross]),
        (Some(&csrf), &[("sec-fetch-site", "same-site")]),
        (Some(&csrf), &[("origin", "https://evil.example")]),
        (Some(&csrf), &[("origin", "null")]),
        (Some(&csrf), &[cross, ("origin", server.base())]),
        (None, &[same]),
        (Some(""), &[same]),
        (Some(&foreign), &[same]),
    ] {
        let token = token.map(|token| ("csrf", token));
        let fields: Vec<_> = [("reason", "a mistake")].into_iter().chain(token).collect();
        let answer = browser.post_from(&cancel, &fields, headers).expect(403);
        assert!(text(&answer).contains("Nothing was done"), "{headers:?}");
    }
    let client = server.anonymous();
    let answer = client.post(&cancel).header("cookie", &browser.cookie()).header("sec-fetch-site", "same-origin");
    answer.body("application/json", format!("{{\"csrf\": \"{csrf}\", \"reason\": \"x\"}}")).send().expect(400);
    let long = "x".repeat(40_000);
    browser.post(&cancel, &[("csrf", &csrf), ("reason", &long)]).expect(400);
    assert_eq!(journey.process(&id)["status"], "CREATED");
    // An older browser says its origin alone.
    let fields = [("csrf", csrf.as_str()), ("reason", "a mistake")];
    leads_to(&browser.post_from(&cancel, &fields, &[("origin", server.base())]), &format!("{path}?done=cancelled"));
}

#[test]
fn of_other_organizations_there_is_nothing_to_see() {
    let (server, journey) = shared();
    let (id, path, _) = process(&journey);
    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    let document =
        between(&text(&Browser::signed_in(&server, ORGANIZATION, &["console"]).get(&path)), "/documents/", "\"").to_owned();
    for path in [
        path.clone(),
        format!("{path}/cancel"),
        format!("{path}/documents/{document}"),
        "/console/orgs/acme".into(),
        "/console/orgs/acme/processes".into(),
        format!("/console/orgs/acme/processes?q={id}"),
        format!("/console/orgs/second/processes/{id}"),
        format!("/console/orgs/second/processes/{id}/cancel"),
        format!("/console/orgs/second/processes/{id}/documents/{document}"),
        "/console/orgs/ACME".into(),
    ] {
        let page = text(&stranger.get(&path).expect(404));
        assert!(!page.contains("lease.pdf") && page.contains("another organization"), "{path}");
    }
    let page = text(&stranger.get(&format!("/console/orgs/second/processes?q={id}")).expect(200));
    assert!(page.contains("Nothing of this organization has exactly"), "{page}");
    let csrf = stranger.csrf("/console/orgs/second");
    for organization in ["acme", "second"] {
        let cancel = format!("/console/orgs/{organization}/processes/{id}/cancel");
        stranger.post(&cancel, &[("csrf", &csrf), ("reason", "x")]).expect(404);
    }
    assert_eq!(journey.process(&id)["status"], "CREATED");
}

#[test]
fn who_may_only_look_is_offered_nothing_else_and_can_do_nothing_else() {
    let (server, journey) = shared();
    let (id, path, _) = process(&journey);
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    assert!(!text(&reader.get(&path).expect(200)).contains("/cancel"));
    let cancel = format!("{path}/cancel");
    assert!(text(&reader.get(&cancel).expect(403)).contains("needs the role console_operate"));
    let csrf = reader.csrf(&path);
    reader.post(&cancel, &[("csrf", &csrf), ("reason", "x")]).expect(403);
    assert_eq!(journey.process(&id)["status"], "CREATED");
    for role in ["console_operate", "console_admin"] {
        let page = text(&Browser::signed_in(&server, ORGANIZATION, &[role]).get(&path).expect(200));
        assert!(page.contains(&format!("{path}/cancel")), "{role}");
    }
}

#[test]
fn a_token_of_the_api_opens_no_page_and_a_session_no_operation() {
    let (server, journey) = shared();
    server.client().get("/console/orgs/acme").send().expect(303);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    browser.get(&journey.path("sign_process/configurations")).expect_problem(401, "UNAUTHORIZED");
}

/// A server whose own issuer is as in development.
fn server_with(config: &str) -> Server {
    own(Some(config)).0
}
