//! How signers' pages look, set in the console.

use serde_json::json;

use super::{Browser, leads_to, text};
use crate::{
    own,
    support::{Answer, Form, Journey, ORGANIZATION},
};

const SETTINGS: &str = "/console/orgs/acme/pages";

fn form(fields: &[(&str, &str)]) -> Form {
    fields.iter().fold(Form::new(), |form, (name, value)| form.part(name, value))
}

/// What the page's form sends where no logo is chosen.
fn set(browser: &Browser, fields: &[(&str, &str)]) -> Answer {
    browser.post_parts(SETTINGS, form(fields).file("logo", "", b""))
}

#[test]
fn who_has_the_role_sets_how_signers_pages_look_and_others_only_see_it() {
    let (server, _) = own(None);
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let page = text(&admin.get(SETTINGS).expect(200));
    assert!(page.contains("Nobody has set anything yet.") && page.contains("<fieldset class=\"stack\">"), "{page}");
    let csrf = admin.csrf(SETTINGS);
    let fields = [
        ("csrf", csrf.as_str()),
        ("origins", "https://shop.example.org\r\nhttp://localhost:3000\r\n"),
        ("accent", "#7a1f5c"),
        ("contact_email", "help@acme.example"),
        ("contact_phone", ""),
        ("privacy_url", "https://acme.example/privacy"),
        ("languages", "en"),
        ("languages", "de"),
        ("first", "de"),
    ];
    leads_to(&set(&admin, &fields), &format!("{SETTINGS}?done=saved"));
    let page = text(&admin.get(&format!("{SETTINGS}?done=saved")).expect(200));
    assert!(page.contains("Saved.") && page.contains("Version 1, set by development:"), "{page}");
    assert!(page.contains("https://shop.example.org\nhttp://localhost:3000</textarea>") && page.contains("fill=\"#7a1f5c\""));

    let journey = Journey::new(server.client());
    let stored = journey.client.get("/pages/api/acme/configuration").send().expect(200).json();
    assert_eq!(stored["languages"], json!(["de", "en"]), "the first one is for whoever wants none of them");
    assert_eq!((&stored["contact_phone"], &stored["contact_email"]), (&json!(null), &json!("help@acme.example")));

    // What is wrong is said at once, nothing is lost of what was typed, and nothing changes.
    let wrong = [("csrf", csrf.as_str()), ("origins", "https://shop.example.org/x"), ("accent", "#ffff00"), ("first", "es")];
    let page = text(&set(&admin, &wrong).expect(400));
    assert!(page.contains("<code>origins[0]</code>") && page.contains("4.5:1") && page.contains("value=\"#ffff00\""), "{page}");
    assert!(page.contains("https://shop.example.org/x</textarea>"));
    assert_eq!(journey.client.get("/pages/api/acme/configuration").send().expect(200).json(), stored);

    // Without the role it is seen and not changed.
    let other = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let page = text(&other.get(SETTINGS).expect(200));
    assert!(
        page.contains("you need the role console_admin")
            && page.contains("disabled")
            && !page.contains("<button class=\"main\">")
    );
    let csrf = other.csrf(SETTINGS);
    set(&other, &[("csrf", &csrf)]).expect(403);
    set(&admin, &[("csrf", "another")]).expect(403);
    admin.get("/console/orgs/other/pages").expect(404);
}

#[test]
fn a_logo_is_sent_and_stays_until_it_is_taken_away() {
    let (server, _) = own(None);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().expect("a header").write_image_data(&[255, 0, 0]).expect("a pixel");
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let csrf = admin.csrf(SETTINGS);
    let fields = [("csrf", csrf.as_str()), ("first", "es")];
    for wrong in [&b"no picture"[..], &vec![0; 300 * 1024]] {
        let page = text(&admin.post_parts(SETTINGS, form(&fields).file("logo", "logo.png", wrong)).expect(400));
        assert!(page.contains("<code>logo</code>"), "{page}");
    }
    leads_to(&admin.post_parts(SETTINGS, form(&fields).file("logo", "logo.png", &file)), &format!("{SETTINGS}?done=saved"));
    set(&admin, &[("csrf", &csrf), ("first", "es")]).expect(303);
    let page = text(&admin.get(SETTINGS).expect(200));
    let shown = page.split("<image href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a logo");
    assert_eq!(admin.get(shown).expect(200).header("content-type"), "image/png");
    set(&admin, &[("csrf", &csrf), ("first", "es"), ("remove_logo", "yes")]).expect(303);
    assert!(text(&admin.get(SETTINGS).expect(200)).contains("There is no logo."));
}
