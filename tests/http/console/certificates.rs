//! The certificates of a session's organizations, by their ends.

use chrono::{TimeDelta, Utc};
use documents::pkcs12::Identity;

use super::{Browser, between, text};
use crate::{
    address, pdf, shared,
    support::{Form, Journey, ORGANIZATION, Server},
};

/// Of certificates for development.
const VALIDITY: TimeDelta = TimeDelta::days(2 * 365);

/// An organization that nobody else uses, whose certificate ends in so many days.
fn organization(server: &Server, days: i64) -> String {
    let name = format!("org-{}", uuid::Uuid::new_v4().simple());
    let journey = Journey::of(server.client_with(&server.token(&name, &[])), &name);
    let made = Utc::now() - VALIDITY + TimeDelta::days(days) + TimeDelta::hours(12);
    let form = Form::new()
        .part("landing_url", "sign.example.org")
        .part("expiration_duration", "P7D")
        .part("channels", "EMAIL")
        .file("content", "tenant.p12", Identity::development("Seals of a tenant", "Tests", made, "a password").unwrap())
        .part("sign_certificate_password", "a password")
        .part("notification_email", "certificates@example.org");
    journey.client.post(&journey.path("sign_process/configurations")).form(form).send().expect(204);
    name
}

#[test]
fn a_certificate_that_ends_soon_is_told_in_red_and_in_words_with_who_is_told() {
    let (server, _) = shared();
    let name = organization(&server, 20);
    let browser = Browser::signed_in(&server, &name, &["console"]);
    let page = text(&browser.get(&format!("/console/orgs/{name}/certificates")).expect(200));
    for words in [
        "Seals of a tenant",
        "seals documents",
        "of the issuer of the certificate that seals",
        "class=\"wide bad\"",
        "certificates@example.org",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("a password"));
    // Such certificates end on a whole day, the 28th at the latest.
    let left: i64 = between(&page, "Ends in ", " days: renew it").parse().unwrap();
    assert!((15..=20).contains(&left), "{left}");
    // Where it is told of, it leads here.
    let overview = text(&browser.get(&format!("/console/orgs/{name}")).expect(200));
    assert!(
        overview.contains(&format!("<a href=\"/console/orgs/{name}/certificates\">The certificate of the seals ends on")),
        "{overview}"
    );
}

#[test]
fn a_certificate_that_is_good_for_long_says_how_long_and_of_others_nothing_is_shown() {
    let (server, _) = shared();
    let (name, other) = (organization(&server, 400), organization(&server, 500));
    let browser = Browser::signed_in(&server, &name, &["console"]);
    let page = text(&browser.get(&format!("/console/orgs/{name}/certificates")).expect(200));
    assert!(page.contains(" days left") && page.contains(&name) && !page.contains(&other), "{page}");
    assert!(!page.contains("renew it") && page.matches("Seals of a tenant</strong>").count() == 1, "{page}");
    browser.get(&format!("/console/orgs/{other}/certificates")).expect(404);
    // Where there is none it is said.
    let name = format!("org-{}", uuid::Uuid::new_v4().simple());
    let browser = Browser::signed_in(&server, &name, &["console"]);
    let page = text(&browser.get(&format!("/console/orgs/{name}/certificates")).expect(200));
    assert!(page.contains("There is no certificate") && page.contains("no process can be made"), "{page}");
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    browser.get("/console/orgs/acme/certificates").expect(200);
}

#[test]
fn a_certificate_says_when_it_last_sealed() {
    let (server, _) = shared();
    let name = organization(&server, 400);
    let browser = Browser::signed_in(&server, &name, &["console"]);
    let page = || text(&browser.get(&format!("/console/orgs/{name}/certificates")).expect(200));
    let sealed = || between(&page(), "data-label=\"Last seal\">", "</td>").to_owned();
    assert_eq!(sealed(), "none yet");
    let journey = Journey::of(server.client_with(&server.token(&name, &[])), &name);
    let (email, document) = (address(), journey.upload("lease.pdf", &pdf()));
    let id = journey.create(&Journey::creation(&[Journey::signer("tenant", &email)], &[&document]));
    assert_eq!(sealed(), "none yet", "what is not signed is not sealed");
    let signer = journey.signers(&id).remove(0);
    journey.identify(&signer.identification, &email);
    journey.preview(&signer.sign).expect(204);
    let before = Utc::now() - TimeDelta::seconds(2);
    journey.sign(&signer.sign).expect(204);
    journey.until(&id, "CERTIFIED");
    let at = between(&sealed(), "datetime=\"", "\"").parse::<chrono::DateTime<Utc>>().unwrap();
    assert!(at >= before - TimeDelta::minutes(1) && at <= Utc::now() + TimeDelta::minutes(1), "{at}");
    assert_eq!(page().matches("data-label=\"Last seal\"").count(), 1, "its issuer seals nothing");

    // What was made of the document is among what the server made.
    let list = |query: &str| text(&browser.get(&format!("/console/orgs/{name}/documents{query}")).expect(200));
    let made = list("?of=processes");
    assert!(made.contains("lease_signed") && made.contains(&format!("certificate_{id}")), "{made}");
    assert!(!made.contains(&document) && made.contains("aria-current=\"true\">Sealed, certificates"), "{made}");
    assert!(!list("").contains("lease_signed") && list("").contains(&document));
    assert!(list("?of=fills").contains("There is none."));
}
