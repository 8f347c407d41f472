//! How the pages of an organization look, and its own pages: configuration, logo, origins, frame, tokens.

use base64::engine::general_purpose::STANDARD;
use reqwest::Method;

use super::*;
use crate::{own, shared};

const SHOP: &str = "https://shop.example.org";

fn configure(journey: &Journey, configuration: &Value) -> Answer {
    journey.client.put(&api("configuration")).json(configuration).send()
}

/// A PNG of one red pixel.
fn dot() -> String {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().expect("a header").write_image_data(&[255, 0, 0]).expect("a pixel");
    STANDARD.encode(file)
}

fn tokenless(answer: &Answer) -> bool {
    answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-"))
}

#[test]
fn what_is_set_is_on_the_page_of_a_signer_and_can_be_sent_back() {
    let (server, journey) = own(None);
    let empty = journey.client.get(&api("configuration")).send().expect(200).json();
    assert_eq!((&empty["version"], &empty["origins"], &empty["accent"]), (&json!(0), &json!([]), &Value::Null));
    let browser = one(&server, &journey);
    let before = browser.invitation();
    assert_eq!(before["tenant"]["logo"], Value::Null);
    assert_eq!(before["landing"]["languages"].as_array().map(Vec::len), Some(6));

    let mut wanted = json!({
        "origins": [SHOP],
        "accent": "#7A1F5C",
        "logo": dot(),
        "contact_email": "help@acme.example",
        "contact_phone": "+34 600 111 222",
        "privacy_url": "https://acme.example/privacy",
        "languages": ["ca", "de"],
    });
    let set = configure(&journey, &wanted).expect(200).json();
    assert_eq!((&set["version"], &set["accent"]), (&json!(1), &json!("#7a1f5c")));
    assert_ne!(set["accent_on_dark"], set["accent"]);

    let shown = browser.invitation();
    let tenant = &shown["tenant"];
    assert_eq!(tenant["accent"], json!({"light": "#7a1f5c", "dark": set["accent_on_dark"]}));
    for (member, value) in [
        ("contact_email", "help@acme.example"),
        ("contact_phone", "+34 600 111 222"),
        ("privacy_url", "https://acme.example/privacy"),
    ] {
        assert_eq!(tenant[member], value);
    }
    // The signer's own language is not among them.
    assert_eq!(shown["landing"], json!({"languages": ["ca", "de"], "default_language": "ca"}));
    assert_ne!(shown["revision"], before["revision"], "whoever waits is shown it");

    let path = tenant["logo"].as_str().expect("a logo").to_owned();
    let logo = browser.anonymous.get(&path).send().expect(200);
    assert_eq!((logo.header("content-type"), logo.header("x-content-type-options")), ("image/png", "nosniff"));
    assert!(logo.header("cache-control").contains("immutable"));
    assert_eq!(STANDARD.encode(&logo.body), set["logo"].as_str().expect("a logo"));
    browser.anonymous.get(&path.replace(ORGANIZATION, "other")).send().expect(404);
    browser.anonymous.get(&format!("{}0", &path[..path.len() - 1])).send().expect(404);

    wanted["logo"] = set["logo"].clone();
    assert_eq!(configure(&journey, &wanted).expect(200).json()["version"], 1, "it is what it was");
    configure(&journey, &json!({})).expect(200);
    assert_eq!(browser.invitation()["tenant"], before["tenant"]);
    browser.anonymous.get(&path).send().expect(404);
}

#[test]
fn what_is_wrong_is_told_whole_and_changes_nothing() {
    let (_server, journey) = own(None);
    let wrong = json!({
        "origins": ["https://shop.example.org/path"],
        "accent": "#ffff00",
        "logo": "bm90IGEgcGljdHVyZQ==",
        "contact_email": "nobody",
        "privacy_url": "javascript:alert(1)",
        "languages": ["fr"],
    });
    let refused = configure(&journey, &wrong).expect_problem(400, "INVALID_INPUT");
    let problems = refused.json()["errors"].as_array().expect("errors").len();
    assert_eq!(problems, 6, "{refused}");
    let details = refused.details();
    assert!(details.contains("4.5:1") && details.contains("expected a PNG or JPEG picture"), "{details}");
    configure(&journey, &json!({"colour": "#000000"})).expect_problem(400, "INVALID_INPUT");
    assert_eq!(journey.client.get(&api("configuration")).send().expect(200).json()["version"], 0);
}

#[test]
fn pages_of_an_organizations_origins_call_for_it_alone() {
    let (server, journey) = own(None);
    let anonymous = server.anonymous();
    let preflight = |path: &str, origin: &str| {
        let call = anonymous.call(Method::OPTIONS, path).header("origin", origin);
        call.header("access-control-request-method", "POST").send()
    };
    assert!(tokenless(&preflight(&api("link"), SHOP).expect(405)));
    configure(&journey, &json!({"origins": [SHOP]})).expect(200);
    for path in [api("link"), journey.path("sign_process"), format!("/v2/orgs/{ORGANIZATION}/customers/self/consents")] {
        let asked = preflight(&path, SHOP).expect(204);
        assert_eq!(asked.header("access-control-allow-origin"), SHOP, "{path}");
        assert_eq!(asked.header("access-control-allow-credentials"), "");
        assert!(tokenless(&preflight(&path, "https://other.example.org").expect(405)), "{path}");
        assert!(tokenless(&preflight(&path.replace(ORGANIZATION, "other"), SHOP).expect(405)), "{path}");
    }
    let read = anonymous.get(&journey.path("sign_process/configurations")).header("origin", SHOP).send().expect(401);
    assert_eq!(read.header("access-control-allow-origin"), SHOP, "errors can be read as well");
    assert!(read.header("access-control-expose-headers").contains("x-access-token"), "{read}");
    for path in ["/health/live", "/openapi.json", "/console", &format!("/s/{ORGANIZATION}/AZOj7m5RcXKYjzyWb1x6Cg")] {
        assert!(tokenless(&anonymous.get(path).header("origin", SHOP).send()), "{path}");
    }
    configure(&journey, &json!({})).expect(200);
    assert!(tokenless(&preflight(&api("link"), SHOP).expect(405)), "seen at once");
}

#[test]
fn a_frame_is_for_the_pages_of_the_origins() {
    let (server, journey) = own(None);
    let path = format!("/embed/{ORGANIZATION}/AZOj7m5RcXKYjzyWb1x6Cg");
    let page = || server.anonymous().get(&path).send().expect(200);
    assert!(page().header("content-security-policy").contains("frame-ancestors 'none'"));
    configure(&journey, &json!({"origins": [SHOP, "http://localhost:3000"]})).expect(200);
    let framed = page();
    assert!(
        framed.header("content-security-policy").contains(&format!("frame-ancestors {SHOP} http://localhost:3000;")),
        "{framed}"
    );
    assert_eq!((framed.header("x-frame-options"), framed.header("cross-origin-opener-policy")), ("", ""));
    let body = String::from_utf8(framed.body).expect("text");
    assert!(body.contains(&format!("data-origins=\"{SHOP} http://localhost:3000\"")), "{body}");
    let other = server.anonymous().get(&path.replace(ORGANIZATION, "other")).send().expect(200);
    assert!(other.header("content-security-policy").contains("frame-ancestors 'none'"));
}

#[test]
fn an_organizations_server_gets_the_token_of_a_signer_without_the_link() {
    let (server, journey) = shared();
    let browser = one(&server, &journey);
    let path = api(&format!("signs/{}/token", browser.sign));
    let made = journey.client.post(&path).send().expect(200);
    let of_page = browser.with(&made.text("token"));
    assert_eq!(of_page.invitation()["sign_id"], browser.sign.as_str());
    // It opens what the link opens: not the documents, and no other signature.
    of_page.client.get(&journey.path(&format!("simple_signs/{}", browser.sign))).send().expect(401);
    let other = one(&server, &journey);
    of_page.client.get(&other.path("invitation")).send().expect(401);
    // Nobody else makes one: neither a signer nor a stranger.
    browser.client.post(&path).send().expect(401);
    browser.anonymous.post(&path).send().expect(401);
    journey.client.post(&api(&format!("signs/{}/token", Uuid::new_v4()))).send().expect(404);
    // A new link ends it.
    renew(&browser.anonymous, &browser.sign).expect(202);
    let ended = wait_for("the renewal", PATIENCE, || {
        let answer = of_page.client.get(&of_page.path("invitation")).send();
        (answer.status != 200).then_some(answer)
    });
    ended.expect(401);
}
