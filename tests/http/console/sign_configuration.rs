//! The sign configuration and the texts of messages in the console.

use chrono::{TimeDelta, Utc};
use documents::pkcs12::Identity;

use super::{Browser, between, leads_to, text};
use crate::{
    own, shared,
    support::{Form, Journey, ORGANIZATION, Server},
};

const PASSWORD: &str = "a pass-word of 7 words";

const OLD: &[u8] = include_bytes!("../../../documents/fixtures/rsa2048-rc2-40.p12");
const SHORT_KEY: &[u8] = include_bytes!("../../../documents/fixtures/rsa1024.p12");

/// A key file under [`PASSWORD`].
fn key_file(name: &str) -> Vec<u8> {
    Identity::development(name, "Tests", Utc::now(), PASSWORD).expect("a key file")
}

/// An organization that nobody else uses, without a configuration, and the address of its page.
fn organization() -> (String, String) {
    let name = format!("org-{}", uuid::Uuid::new_v4().simple());
    let path = format!("/console/orgs/{name}/pages/signing");
    (name, path)
}

fn fields(csrf: &str, deed: &str) -> Form {
    Form::new()
        .part("csrf", csrf)
        .part("landing_url", "pages")
        .part("expiration_duration", "P3D")
        .part("channels", "SMS")
        .part("channels", "EMAIL")
        .part("channels", "")
        .part("notification_email", "legal@acme.example")
        .part("identification_config", "")
        .part("contact_policy", "")
        .part("biometric_policy", "")
        .part("deed", deed)
}

fn with_file(form: Form, file: &[u8], password: &str) -> Form {
    form.file("content", "seal.p12", file).part("sign_certificate_password", password)
}

/// A browser without a chosen file sends this.
fn without_file(form: Form) -> Form {
    form.file("content", "", b"").part("sign_certificate_password", "")
}

fn stored(server: &Server, name: &str, status: u16) -> serde_json::Value {
    let journey = Journey::of(server.client_with(&server.token(name, &[])), name);
    journey.client.get(&journey.path("sign_process/configurations")).send().expect(status).json()
}

#[test]
fn a_key_file_is_looked_at_before_it_is_stored_and_a_bad_one_never_is() {
    let (server, _) = own(None);
    let (name, path) = organization();
    let admin = Browser::signed_in(&server, &name, &["console_admin"]);
    let page = text(&admin.get(&path).expect(200));
    assert!(page.contains("There is no sign configuration yet") && page.contains("value=\"P7D\""), "{page}");
    let csrf = admin.csrf(&path);

    let check = |file: &[u8], password: &str| admin.post_parts(&path, with_file(fields(&csrf, "check"), file, password));
    let good = key_file("Seal of a tenant");
    let page = text(&check(&good, PASSWORD).expect(200));
    assert!(page.contains("Nothing is stored yet.") && page.contains("It can be used to seal."), "{page}");
    assert!(page.contains("<strong>Seal of a tenant</strong> seals") && page.contains("ECDSA on P-256"), "{page}");
    assert!(page.contains("AES-256-CBC, key by PBKDF2 with HMAC-SHA-256, 10000 iterations"), "{page}");
    assert!(!page.contains(PASSWORD), "the password is in no page");
    // What was typed is there still.
    assert!(page.contains("value=\"P3D\"") && page.contains("value=\"legal@acme.example\""), "{page}");
    let page = text(&check(OLD, "password").expect(200));
    assert!(
        page.contains("RC2 with 40 bits") && page.contains("openssl pkcs12 -legacy") && page.contains("<strong>Warning:"),
        "{page}"
    );
    let page = text(&check(&good, "another").expect(200));
    assert!(page.contains("The password does not open the file.") && page.contains("Nothing is stored."), "{page}");
    let page = text(&check(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "").expect(200));
    assert!(page.contains("This is PEM text (CERTIFICATE), not a PKCS#12 file."), "{page}");
    let page = text(&admin.post_parts(&path, without_file(fields(&csrf, "check"))).expect(400));
    assert!(page.contains("choose a file to check"), "{page}");
    stored(&server, &name, 404);

    let save = |form: Form| admin.post_parts(&path, form);
    for (file, password, words) in
        [(&good[..], "another", "The password does not open the file."), (SHORT_KEY, "password", "an RSA key of 1024 bits")]
    {
        let page = text(&save(with_file(fields(&csrf, "save"), file, password)).expect(400));
        assert!(page.contains("so nothing was saved") && page.contains(words), "{page}");
    }
    // The first time all is needed.
    let page = text(&save(without_file(fields(&csrf, "save"))).expect(400));
    assert!(page.contains("<code>content</code>: the part is missing"), "{page}");
    stored(&server, &name, 404);

    leads_to(&save(with_file(fields(&csrf, "save"), &good, PASSWORD)), &format!("{path}?done=saved"));
    let configuration = stored(&server, &name, 200);
    assert_eq!(
        (&configuration["channels"], &configuration["certificate"]["common_name"]),
        (&serde_json::json!(["SMS", "EMAIL"]), &"Seal of a tenant".into())
    );
    let page = text(&admin.get(&format!("{path}?done=saved")).expect(200));
    assert!(page.contains("Saved.") && page.contains("Version 1, set by development:"), "{page}");
    assert!(page.contains("The certificate that seals") && page.contains("<strong>Seal of a tenant</strong>"), "{page}");
}

#[test]
fn members_change_one_by_one_and_the_certificate_stays_until_another_is_sent() {
    let (server, _) = own(None);
    let (name, path) = organization();
    let admin = Browser::signed_in(&server, &name, &["console_admin"]);
    let csrf = admin.csrf(&path);
    admin.post_parts(&path, with_file(fields(&csrf, "save"), &key_file("First"), PASSWORD)).expect(303);
    let policy = r#"{"separate_channels": true}"#;
    let form = || {
        Form::new()
            .part("csrf", &csrf)
            .part("landing_url", "https://sign.acme.example")
            .part("expiration_duration", "P10D")
            .part("channels", "EMAIL")
            .part("notification_email", "seals@acme.example")
            .part("deed", "save")
    };
    leads_to(&admin.post_parts(&path, without_file(form().part("contact_policy", policy))), &format!("{path}?done=saved"));
    let configuration = stored(&server, &name, 200);
    assert_eq!(configuration["certificate"]["common_name"], "First");
    assert_eq!(
        (&configuration["expiration_duration"], &configuration["contact_policy"]["separate_channels"]),
        (&"P10D".into(), &true.into())
    );
    let page = text(&admin.get(&path).expect(200));
    assert!(page.contains("&quot;separate_channels&quot;: true") || page.contains("&#34;separate_channels&#34;: true"), "{page}");

    // What is wrong is said, keeps what was typed, and changes nothing.
    let wrong = Form::new()
        .part("csrf", &csrf)
        .part("landing_url", "pages")
        .part("expiration_duration", "P1Y")
        .part("channels", "SMS")
        .part("channels", "SMS")
        .part("notification_email", "nobody")
        .part("biometric_policy", "{")
        .part("deed", "save");
    let page = text(&admin.post_parts(&path, with_file(wrong, &key_file("Second"), PASSWORD)).expect(400));
    for words in [
        "<code>expiration_duration</code>",
        "<code>channels</code>",
        "<code>notification_email</code>",
        "<code>biometric_policy</code>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("Something else in the form is wrong") && page.contains("value=\"P1Y\""), "{page}");
    assert_eq!(stored(&server, &name, 200), configuration);

    admin.post_parts(&path, with_file(form(), &key_file("Second"), PASSWORD)).expect(303);
    let changed = stored(&server, &name, 200);
    assert_eq!(
        (&changed["certificate"]["common_name"], &changed["contact_policy"]),
        (&"Second".into(), &configuration["contact_policy"])
    );
}

#[test]
fn only_who_has_the_role_changes_it_from_a_form_of_this_session() {
    let (server, _) = own(None);
    let (name, path) = organization();
    let admin = Browser::signed_in(&server, &name, &["console_admin"]);
    let csrf = admin.csrf(&path);
    let file = key_file("Seal");
    admin.post_parts(&path, with_file(fields("another", "save"), &file, PASSWORD)).expect(403);
    admin.post(&path, &[("csrf", &csrf)]).expect(400);
    let other = Browser::signed_in(&server, &name, &["console_operate"]);
    let page = text(&other.get(&path).expect(200));
    assert!(page.contains("you need the role console_admin") && !page.contains("name=\"deed\""), "{page}");
    let own_csrf = between(&page, "name=\"csrf\" value=\"", "\"").to_owned();
    other.post_parts(&path, with_file(fields(&own_csrf, "save"), &file, PASSWORD)).expect(403);
    stored(&server, &name, 404);
    admin.get("/console/orgs/other/pages/signing").expect(404);
    admin.get("/console/orgs/other/pages/messages").expect(404);
}

#[test]
fn a_stored_certificate_that_ends_soon_is_warned_of() {
    let (server, _) = shared();
    let (name, path) = organization();
    let journey = Journey::of(server.client_with(&server.token(&name, &[])), &name);
    let made = Utc::now() - TimeDelta::days(2 * 365 - 30);
    let form = Form::new()
        .part("landing_url", "sign.example.org")
        .part("expiration_duration", "P7D")
        .part("channels", "EMAIL")
        .file("content", "tenant.p12", Identity::development("Ending seal", "Tests", made, PASSWORD).unwrap())
        .part("sign_certificate_password", PASSWORD)
        .part("notification_email", "certificates@example.org");
    journey.client.post(&journey.path("sign_process/configurations")).form(form).send().expect(204);
    let browser = Browser::signed_in(&server, &name, &["console"]);
    let page = text(&browser.get(&path).expect(200));
    assert!(page.contains("Ending seal") && page.contains("Have it renewed now"), "{page}");
}

#[test]
fn messages_are_shown_as_they_go_out_in_each_language() {
    let (server, _) = shared();
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let path = format!("/console/orgs/{ORGANIZATION}/pages/messages");
    let page = text(&browser.get(&path).expect(200));
    assert!(page.contains("aria-current=\"true\">Español</a>") && page.contains("Request to sign: e-mail"), "{page}");
    for (tag, words) in [("en", "It expires in 10 min"), ("de", "contract.pdf"), ("eu", "Ana Núñez")] {
        let page = text(&browser.get(&format!("{path}?language={tag}")).expect(200));
        assert_eq!(page.matches(&format!("<pre lang=\"{tag}\">")).count(), 6, "{page}");
        assert!(page.contains(words) && page.contains("The text that comes with the server."), "{words}: {page}");
    }
    // What is no language is that of people without one.
    assert!(text(&browser.get(&format!("{path}?language=xx")).expect(200)).contains("<pre lang=\"es\">"));
    // The parts of the settings lead to each other.
    let page = text(&browser.get(&format!("/console/orgs/{ORGANIZATION}/pages")).expect(200));
    for part in ["pages", "pages/signing", "pages/messages"] {
        assert!(page.contains(&format!("href=\"/console/orgs/{ORGANIZATION}/{part}\"")), "{part}: {page}");
    }
}
