//! Templates in HTML in the console: new versions, two of them side by side, and test fills.

use serde_json::{Value, json};

use super::{Browser, between, leads_to, text};
use crate::{
    dynamic_templates::{self, structure},
    own,
    support::{Answer, Form, Journey, ORGANIZATION, PATIENCE, Server, wait_for},
};

const PAGE: &str = "/console/orgs/acme/templates/dynamic/invoice";

/// A server with version 1.0 of a template in these languages.
fn server(languages: &[&str]) -> (Server, Journey) {
    let (server, _) = own(None);
    let journey = Journey::new(server.client());
    let body = dynamic_templates::body(&dynamic_templates::metadata("invoice", languages), languages);
    journey.client.post(&journey.path("dynamic_templates")).form_as(body, "multipart/mixed").send().expect(201);
    (server, journey)
}

/// What the form of a page has in its fields, as a browser would send it back.
#[derive(Clone)]
struct Fields {
    path: String,
    fields: Vec<(&'static str, String)>,
}

impl Fields {
    fn of(page: &str) -> Self {
        let unescaped = |text: &str| {
            let named = text.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">").replace("&#39;", "'");
            named.replace("&#38;", "&")
        };
        let hidden = |name: &str| between(page, &format!("name=\"{name}\" value=\""), "\"").to_owned();
        // A browser drops the line end behind the mark, and sends line ends of its own.
        let area = |name: &str| {
            let start = page.find(&format!(" name=\"{name}\"")).unwrap_or_else(|| panic!("no {name}"));
            unescaped(between(&page[start..], ">\n", "</textarea>")).replace('\n', "\r\n")
        };
        let mut fields: Vec<_> = ["csrf", "latest", "highest"].map(|name| (name, hidden(name))).into();
        fields.extend(["template", "schema", "editor_config", "description", "labels"].map(|name| (name, area(name))));
        fields.push(("engine", hidden("engine")));
        fields.push(("default_language", between(page, "<option selected>", "</option>").to_owned()));
        fields.push(("reason", "a typo".to_owned()));
        let path = unescaped(between(page, "method=\"post\" action=\"/console/orgs/acme/templates", "\""));
        Self { path: format!("/console/orgs/acme/templates{path}"), fields }
    }

    fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value)
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let field = self.fields.iter_mut().find(|(own, _)| *own == name).expect("a field");
        field.1 = value.into();
        self
    }

    fn send(&self, browser: &Browser, deed: &str) -> Answer {
        let form = self.fields.iter().fold(Form::new(), |form, (name, value)| form.part(name, value));
        browser.post_parts(&self.path, form.part("deed", deed))
    }
}

/// The form of a new version.
fn opened(browser: &Browser, query: &str) -> Fields {
    Fields::of(&text(&browser.get(&format!("{PAGE}/edit{query}")).expect(200)))
}

/// A version as the API tells it, and the text of its template in a language.
fn version(server: &Server, journey: &Journey, number: &str, language: &str) -> (Value, String) {
    let path = journey.path(&format!("dynamic_templates/invoice/versions/{}", number.replace('.', "/minors/")));
    let found = journey.client.get(&path).send().expect(200).json();
    let sources = found["sources"].as_array().expect("sources").clone();
    let source = sources.into_iter().find(|source| source["language"] == language).expect("a source");
    let url = source["template_url"].as_str().expect("a link").to_owned();
    let file = server.anonymous().get(&url[url.find("/template_files").expect("a path")..]).send().expect(200);
    (found, String::from_utf8(file.body).expect("text"))
}

fn changelog(journey: &Journey) -> Vec<Value> {
    let told = journey.client.get(&journey.path("dynamic_templates/invoice/changelog")).send().expect(200).json();
    told["changelog_history"].as_array().expect("lines").clone()
}

#[test]
fn a_minor_version_is_made_in_the_console_with_a_reason_and_says_who_made_it() {
    let (server, journey) = server(&["ES", "EN"]);
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let page = text(&admin.get(PAGE).expect(200));
    assert!(page.contains(&format!("{PAGE}/edit?major=1")), "{page}");
    let opened = opened(&admin, "?major=1&language=en");
    assert!(opened.get("template").contains("<p>{{NAME}} first</p>"), "{}", opened.get("template"));
    let template = "\r\n<html><body>\r\n<p>{{NAME}} &amp; &quot;second&quot;</p></body></html>";
    let answer = opened.clone().with("template", template).send(&admin, "minor");
    leads_to(&answer, &format!("{PAGE}?major=1&done=1.1"));
    let page = text(&admin.get(answer.header("location")).expect(200));
    assert!(page.contains("Version 1.1 is saved.") && page.contains("a typo"), "{page}");
    assert!(!text(&admin.get(&format!("{PAGE}?major=1&done=1.0")).expect(200)).contains("is saved"));
    let (found, body) = version(&server, &journey, "1.1", "EN");
    assert_eq!(body, template.replace("\r\n", "\n"), "line ends are those of the text that was there");
    assert_eq!((&found["structure"], &found["description"]), (&structure(), &json!("An invoice")));
    assert!(version(&server, &journey, "1.1", "ES").1.contains("first"), "another language stays as it is");
    let newest = &changelog(&journey)[0];
    assert_eq!((&newest["changelog"], &newest["to_version"]), (&json!("a typo"), &json!("1.1")));
    assert!(newest["subject"].as_str().is_some_and(|subject| !subject.is_empty()), "{newest}");
    let log = text(&admin.get("/console/orgs/acme/log").expect(200));
    assert!(log.contains("Make a version of a template") && log.contains(&format!("href=\"{PAGE}\"")), "{log}");
    // A text that begins with a line end keeps it, however often it is saved.
    let again = Fields::of(&text(&admin.get(&format!("{PAGE}/edit?major=1&language=en")).expect(200)));
    assert_eq!(again.get("template"), template);
}

#[test]
fn a_major_version_may_have_another_schema_and_takes_over_what_was_not_edited() {
    let (server, journey) = server(&["ES", "EN"]);
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let mut schema = structure();
    schema["properties"]["TOWN"] = json!({"type": "string"});
    let opened = opened(&admin, "?language=es");
    let edited = opened
        .clone()
        .with("template", "<html><body><p>{{NAME}} {{TOWN}}</p></body></html>")
        .with("schema", schema.to_string())
        .with("labels", "new\r\n")
        .with("default_language", "en");
    let page = text(&edited.send(&admin, "minor").expect(400));
    assert!(page.contains("Other labels need a major version"), "{page}");
    let page = text(&edited.clone().with("labels", opened.get("labels")).send(&admin, "minor").expect(400));
    assert!(page.contains("It was not saved") && page.contains("another structure"), "{page}");
    assert!(page.contains("{{TOWN}}") && page.contains("a typo"), "what was typed is there: {page}");
    leads_to(&edited.send(&admin, "major"), &format!("{PAGE}?major=2&done=2.0"));
    let (found, body) = version(&server, &journey, "2.0", "ES");
    assert!(body.contains("{{TOWN}}"), "{body}");
    assert_eq!((&found["structure"], &found["tags"], &found["default_language"]), (&schema, &json!(["new"]), &json!("EN")));
    assert!(version(&server, &journey, "2.0", "EN").1.contains("first"));
    assert_eq!(version(&server, &journey, "1.0", "ES").0["structure"], structure(), "callers of the old one keep it");
    // A language is added by a version that has it.
    let german = self::opened(&admin, "?language=de&major=2");
    assert!(german.get("template").contains("first"), "it begins with the default language");
    german.with("template", "<html><body><p>Neu</p></body></html>").send(&admin, "minor").expect(303);
    assert!(version(&server, &journey, "2.1", "DE").1.contains("Neu"));
}

#[test]
fn who_saves_after_somebody_else_is_told_and_loses_nothing_that_was_typed() {
    let (server, journey) = server(&["ES"]);
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let (mine, theirs) = (opened(&admin, ""), opened(&admin, ""));
    let body = |text: &str| format!("<html><body><p>{{{{NAME}}}} {text}</p></body></html>");
    theirs.with("template", body("theirs")).send(&admin, "minor").expect(303);
    let mine = mine.with("template", body("mine")).with("reason", "my <b>reason</b>");
    for deed in ["minor", "major"] {
        let page = text(&mine.send(&admin, deed).expect(409));
        assert!(page.contains("Somebody saved meanwhile") && page.contains("Version 1.1 is there by now"), "{page}");
        assert!(page.contains("my &#60;b&#62;reason&#60;/b&#62;"), "{page}");
        assert_eq!(Fields::of(&page).get("template"), body("mine"));
        let (gone, new) = (between(&page, "<td class=\"gone\">", "</td>"), between(&page, "<td class=\"new\">", "</td>"));
        assert!(gone.contains("theirs") && new.contains("mine"), "both are shown: {gone} {new}");
        assert_eq!(changelog(&journey).len(), 2, "nothing was saved");
    }
    // Who has seen it may follow it.
    let seen = Fields::of(&text(&mine.send(&admin, "minor").expect(409)));
    leads_to(&seen.send(&admin, "minor"), &format!("{PAGE}?major=1&done=1.2"));
    assert!(version(&server, &journey, "1.2", "ES").1.contains("mine"));
    // A major that others made is passed over by no other major, and stands in no minor's way.
    let (major, minor) = (opened(&admin, "?major=1"), opened(&admin, "?major=1"));
    leads_to(
        &opened(&admin, "?major=1").with("template", body("next")).send(&admin, "major"),
        &format!("{PAGE}?major=2&done=2.0"),
    );
    let page = text(&major.with("template", body("too")).send(&admin, "major").expect(409));
    assert!(page.contains("Version 2.0 is there by now"), "{page}");
    leads_to(&minor.with("template", body("old")).send(&admin, "minor"), &format!("{PAGE}?major=1&done=1.3"));
}

#[test]
fn what_is_wrong_with_a_version_is_told_with_its_place_and_nothing_is_kept() {
    let (server, journey) = server(&["ES"]);
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let opened = opened(&admin, "");
    for (deed, field, value, words) in [
        ("minor", "reason", "", "Give a reason"),
        ("minor", "reason", "a change", "Nothing was changed"),
        ("minor", "template", "<html><body>{{#if}}</body></html>", "template (es)"),
        ("minor", "editor_config", "{\r\n  no", "editor configuration (es)"),
        ("minor", "schema", "{\"type\": ", "not valid JSON at line 1"),
        ("minor", "engine", "", "engine (es)"),
        ("minor", "description", " ", "description"),
        ("minor", "default_language", "en", "another default language"),
        ("major", "schema", "{\"type\": \"nmber\"}", "JSON Schema (es)"),
        ("major", "labels", "a\r\na", "tags[1]"),
    ] {
        let sent = opened.clone().with(field, value);
        let page = text(&sent.send(&admin, deed).expect(400));
        assert!(page.contains(words) && page.contains("role=\"alert\""), "{field}: {page}");
        if field == "template" {
            assert_eq!(Fields::of(&page).get("template"), value);
        }
    }
    assert_eq!(changelog(&journey).len(), 1);
    opened.send(&admin, "other").expect(400);
    opened.clone().with("latest", "x").send(&admin, "minor").expect(400);
    opened.clone().with("csrf", "x").send(&admin, "minor").expect(403);
    // Who may only look, or is of another organization.
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    assert!(!text(&reader.get(PAGE).expect(200)).contains("/edit"));
    reader.get(&format!("{PAGE}/edit")).expect(403);
    opened.clone().with("csrf", reader.csrf("/console/orgs/acme")).send(&reader, "minor").expect(403);
    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    for path in ["edit", "compare"] {
        stranger.get(&format!("{PAGE}/{path}")).expect(404);
        stranger.get(&format!("/console/orgs/second/templates/dynamic/invoice/{path}")).expect(404);
        admin.get(&format!("/console/orgs/acme/templates/dynamic/other/{path}")).expect(404);
        admin.get(&format!("{PAGE}/{path}?language=xx")).expect(404);
    }
    admin.get(&format!("{PAGE}/edit?major=2")).expect(404);
    assert_eq!(changelog(&journey).len(), 1);
}

#[test]
fn two_versions_stand_side_by_side_line_by_line() {
    let (server, _) = server(&["ES"]);
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let compare = |query: &str| text(&admin.get(&format!("{PAGE}/compare{query}")).expect(200));
    assert!(compare("").contains("There is no difference."), "one version beside itself");
    let lines: String = (0..40).map(|number| format!("<p>line {number}</p>\n")).collect();
    let body = |lines: &str| format!("<html><body>\n{lines}<p>{{{{NAME}}}}</p></body></html>");
    opened(&admin, "").with("template", body(&lines)).send(&admin, "minor").expect(303);
    let lines = lines.replace("line 20<", "<b>line</b> twenty<");
    opened(&admin, "").with("template", body(&lines)).send(&admin, "minor").expect(303);
    let page = compare("");
    assert!(page.contains("<option selected>1.1</option>") && page.contains("<option selected>1.2</option>"), "{page}");
    let (gone, new) = (between(&page, "<td class=\"gone\">", "</td>"), between(&page, "<td class=\"new\">", "</td>"));
    assert!(gone.contains("&#60;p&#62;line 20&#60;/p&#62;") && gone.contains("22 −"), "{gone}");
    assert!(new.contains("&#60;b&#62;line&#60;/b&#62; twenty"), "{new}");
    assert!(page.contains("18 equal lines") && !page.contains("line 3&"), "{page}");
    let back = compare("?from=1.2&to=1.1&language=es");
    assert!(between(&back, "<td class=\"gone\">", "</td>").contains("twenty"), "{back}");
    assert!(compare("?from=1.0&to=1.2&language=en").contains("does not have this language"));
    for nonsense in ["?from=9.9", "?to=1", "?to=1.0.0"] {
        admin.get(&format!("{PAGE}/compare{nonsense}")).expect(404);
    }
    // Whoever may look may compare.
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    assert!(text(&reader.get(PAGE).expect(200)).contains(&format!("{PAGE}/compare?to=1.2")));
    reader.get(&format!("{PAGE}/compare")).expect(200);
}

#[test]
fn a_test_fill_is_a_page_or_a_file_and_nothing_is_kept_of_it() {
    let (server, _) = server(&["ES"]);
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = text(&reader.get(PAGE).expect(200));
    assert!(page.contains("Data, as JSON") && page.contains("&#34;NAME&#34;: &#34;x&#34;"), "what the schema says: {page}");
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").to_owned();
    let files = server.files().len();
    let fill = |values: &str, number: &str, way: &str| {
        let fields = [("csrf", csrf.as_str()), ("values", values), ("language", "es"), ("page", number), ("as", way)];
        reader.post(&format!("{PAGE}/preview?major=1"), &fields)
    };
    let picture = fill("{\"NAME\": \"Ana\"}", "1", "").expect(200);
    assert_eq!((picture.header("content-type"), picture.header("cache-control")), ("image/png", "no-store"));
    assert!(picture.body.starts_with(b"\x89PNG"));
    assert_ne!(picture.body, fill("{\"NAME\": \"Somebody else\"}", "1", "").expect(200).body);
    let file = fill("{\"NAME\": \"Ana\"}", "1", "file").expect(200);
    assert_eq!(file.header("content-type"), "application/pdf");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"invoice.pdf\"");
    assert!(file.body.starts_with(b"%PDF-"));
    for (values, number, words) in [
        ("{\"NAME\": \"Ana\"}", "9", "no such page"),
        ("{\"NAME\": 7}", "1", "fields_values/NAME"),
        ("{}", "1", "NAME"),
        ("[\"<i>\"]", "1", "It could not be filled"),
        ("{\"NAME\": \r\n", "1", "not valid JSON at line"),
    ] {
        let page = text(&fill(values, number, "").expect(400));
        assert!(page.contains("role=\"alert\"") && page.contains(words), "{values}: {page}");
    }
    assert!(text(&fill("[\"<i>\"]", "1", "").expect(400)).contains("[&#34;&#60;i&#62;&#34;]</textarea>"));
    assert_eq!(server.files().len(), files, "nothing is stored");
    let documents = text(&reader.get("/console/orgs/acme/documents").expect(200));
    assert!(!documents.contains("invoice"), "{documents}");
    reader.post(&format!("{PAGE}/preview"), &[("values", "{}")]).expect(403);
    reader.post("/console/orgs/acme/templates/dynamic/other/preview", &[("csrf", &csrf)]).expect(404);
}

#[test]
fn documents_of_fills_are_listed_by_their_fills() {
    let (server, journey) = server(&["ES"]);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let list = || text(&browser.get("/console/orgs/acme/documents?of=fills").expect(200));
    assert!(list().contains("There is none."));
    for name in ["first_bill", "second_bill"] {
        let body = json!({"language": "ES", "document": {"name": name}, "fields_values": {"NAME": "Ana"}});
        let path = journey.path("dynamic_templates/invoice/versions/1/fill");
        journey.client.post(&path).json(&body).send().expect(202);
        wait_for("the fill to be a document", PATIENCE, || list().contains(name).then_some(()));
    }
    let page = list();
    assert!(page.find("second_bill") < page.find("first_bill"), "newest first: {page}");
    assert!(!text(&browser.get("/console/orgs/acme/documents").expect(200)).contains("first_bill"));
}
