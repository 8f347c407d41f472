//! Templates and what they are made of in the console, and test fills.

use serde_json::json;

use super::{Browser, text};
use crate::{
    dynamic_templates, own,
    support::{Form, Journey, ORGANIZATION},
};

const LIST: &str = "/console/orgs/acme/templates";

/// A form, a section of it and a template of that, in two versions.
fn made(journey: &Journey) {
    let pdf = documents::fixtures::form_of(&["NAME", "TOWN"], &["SIGNATURE_1"]);
    let parts = Form::new().part("name", "lease").part("extension", "pdf").file("content", "x", &pdf);
    journey.client.post(&journey.path("templates/forms")).form(parts).send().expect(201);
    let section = json!({"sectionName": "first", "forms": [{"language": "ES", "formExternalId": "lease"}]});
    journey.client.post(&journey.path("templates/sections")).json(&section).send().expect(201);
    let mut template = json!({"templateName": "contract", "defaultLanguage": "ES", "orderedSectionNames": ["first"]});
    journey.client.post(&journey.path("templates")).json(&template).send().expect(201);
    template["changelog"] = json!("a <b>new</b> law");
    template["rules"] = json!([{"sectionExternalId": "first", "condition": "GDPR:YES"}]);
    template.as_object_mut().expect("members").remove("templateName");
    journey.client.post(&journey.path("templates/contract/versions")).json(&template).send().expect(201);
}

#[test]
fn templates_sections_and_forms_are_shown_with_versions_fields_and_changelog() {
    let (server, _) = own(None);
    let journey = Journey::new(server.client());
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    for kind in ["template", "section", "form", "dynamic"] {
        assert!(text(&browser.get(&format!("{LIST}?kind={kind}")).expect(200)).contains("There is nothing here."), "{kind}");
    }
    made(&journey);
    let page = text(&browser.get(LIST).expect(200));
    assert!(page.contains(&format!("{LIST}/template/contract")) && page.contains(">2.0<"), "{page}");
    let page = text(&browser.get(&format!("{LIST}/template/contract")).expect(200));
    for words in ["Version 2.0", "a &#60;b&#62;new&#60;/b&#62; law", "1.0 → 2.0", "GDPR:YES", "SIGNATURE_1", "is signed", "2.x"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let first = text(&browser.get(&format!("{LIST}/template/contract?major=1")).expect(200));
    assert!(first.contains("Version 1.0") && !first.contains("GDPR:YES"), "{first}");
    browser.get(&format!("{LIST}/template/contract?major=3")).expect(404);
    let page = text(&browser.get(&format!("{LIST}/section/first")).expect(200));
    assert!(page.contains(&format!("{LIST}/form/lease")) && page.contains("TOWN"), "{page}");
    let page = text(&browser.get(&format!("{LIST}/form/lease")).expect(200));
    assert!(page.contains("SHA-256") && page.contains("Test fill") && page.contains("takes a value"), "{page}");

    let body = dynamic_templates::body(&dynamic_templates::metadata("invoice", &["ES"]), &["ES"]);
    journey.client.post(&journey.path("dynamic_templates")).form_as(body, "multipart/mixed").send().expect(201);
    assert!(text(&browser.get(&format!("{LIST}?kind=dynamic")).expect(200)).contains("dynamic/invoice"));
    let page = text(&browser.get(&format!("{LIST}/dynamic/invoice")).expect(200));
    assert!(page.contains("An invoice") && page.contains("additionalProperties") && page.contains("es: hbs 3.12"), "{page}");

    for none in ["template/other", "section/other", "form/other", "dynamic/other", "other/contract"] {
        browser.get(&format!("{LIST}/{none}")).expect(404);
    }
    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    for kind in ["template/contract", "section/first", "form/lease", "dynamic/invoice"] {
        stranger.get(&format!("{LIST}/{kind}")).expect(404);
        stranger.get(&format!("/console/orgs/second/templates/{kind}")).expect(404);
    }
}

#[test]
fn a_page_of_a_test_fill_is_a_picture_and_nothing_is_kept_of_it() {
    let (server, _) = own(None);
    let journey = Journey::new(server.client());
    made(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let of_form = format!("{LIST}/form/lease");
    let csrf = browser.csrf(&of_form);
    let files = server.files().len();
    let fill = |path: &str, values: &str, page: &str| {
        let fields = [("csrf", csrf.as_str()), ("values", values), ("language", "es"), ("flags", "GDPR:YES"), ("page", page)];
        browser.post(path, &fields)
    };
    let of_template = format!("{LIST}/template/contract");
    for path in [format!("{of_form}/preview"), format!("{of_template}/preview?major=2"), format!("{of_template}/preview")] {
        let answer = fill(&path, "{\"NAME\": \"Ana\", \"TOWN\": 7}", "1").expect(200);
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("image/png", "no-store"), "{path}");
        assert!(answer.body.starts_with(b"\x89PNG") && answer.header("x-content-type-options") == "nosniff");
        let other = fill(&path, "{\"NAME\": \"Eva\"}", "1").expect(200);
        assert_ne!(answer.body, other.body, "{path}");
        let page = text(&fill(&path, "{\"NAME\": \"Ana\"}", "9").expect(400));
        assert!(page.contains("no such page") && page.contains("Ana"), "{page}");
        let page = text(&fill(&path, "[\"<i>\"]", "1").expect(400));
        assert!(page.contains("must be a JSON object") && page.contains("[&#34;&#60;i&#62;&#34;]</textarea>"), "{page}");
    }
    assert_eq!(server.files().len(), files, "nothing is stored");
    browser.post(&format!("{of_form}/preview"), &[("values", "{}")]).expect(403);
    browser.post(&format!("{LIST}/section/first/preview"), &[("csrf", &csrf)]).expect(404);
    browser.get(&format!("{of_form}/preview")).expect(405);
    let stranger = Browser::signed_in(&server, "second", &["console"]);
    let csrf = stranger.csrf("/console/orgs/second");
    stranger.post("/console/orgs/second/templates/form/lease/preview", &[("csrf", &csrf)]).expect(404);
}
