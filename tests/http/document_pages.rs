//! Pages of documents below their public URLs: what a reader's browser loads, and what nobody else does.

use documents::fixtures;
use serde_json::{Value, json};

use crate::{
    drawing::{metric, poison},
    own, pdf, shared,
    support::{Answer, Client, Form, Journey, PATIENCE, wait_for},
};

/// A public URL of a document.
fn url_for(journey: &Journey, id: &str, body: &Value) -> String {
    journey.client.post(&journey.path(&format!("documents/{id}/public_url"))).json(body).send().expect(200).text("publicUrl")
}

/// A public URL of a PDF that is uploaded.
fn url(journey: &Journey, pdf: &[u8]) -> String {
    url_for(journey, &journey.upload("contract.pdf", pdf), &json!({}))
}

fn get(client: &Client, url: &str, rest: &str) -> Answer {
    client.get(&format!("{url}{rest}")).send()
}

/// Width and height of a PNG.
fn size(answer: &Answer) -> (u32, u32) {
    assert_eq!(answer.header("content-type"), "image/png");
    let number = |at: usize| u32::from_be_bytes(answer.body[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

/// The contract with its page changed.
fn with_page(change: impl FnOnce(&mut lopdf::Dictionary)) -> Vec<u8> {
    let mut document = lopdf::Document::load_mem(&pdf()).expect("a PDF");
    let page = document.get_pages()[&1];
    change(document.get_dictionary_mut(page).expect("a page"));
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("it is written");
    bytes
}

fn cropped() -> Vec<u8> {
    let crop: Vec<lopdf::Object> = [0, 442, 400, 842].map(Into::into).to_vec();
    with_page(|page| page.set("CropBox", crop))
}

#[test]
fn a_reader_with_the_url_sees_pages_as_images_and_as_text() {
    let (server, journey) = shared();
    let (url, client) = (url(&journey, &pdf()), server.anonymous());
    let pages = get(&client, &url, "/pages?from=0&count=50").expect(200).json();
    assert_eq!((&pages["total"], &pages["from"]), (&json!(1), &json!(0)));
    let page = &pages["pages"][0];
    assert_eq!((&page["width"], &page["height"], &page["state"]), (&json!(595.0), &json!(842.0), &json!("complete")));
    assert!(page.get("note").is_none());
    let runs: Vec<&str> = page["text"].as_array().expect("runs").iter().filter_map(|run| run["s"].as_str()).collect();
    assert!(runs.iter().any(|run| run.contains(' ')) && runs.len() > 3, "{runs:?}");
    for (width, height) in [(800, 1132), (1200, 1698), (2400, 3396)] {
        let image = get(&client, &url, &format!("/pages/0/{width}")).expect(200);
        assert_eq!(size(&image), (width, height));
        assert!(image.body.len() < 400 * 1024, "{} bytes", image.body.len());
    }
}

#[test]
fn browsers_may_keep_a_page_for_an_hour_and_ask_whether_it_is_the_same() {
    let (server, journey) = shared();
    let (url, client) = (url(&journey, &pdf()), server.anonymous());
    for rest in ["/pages", "/pages/0/800"] {
        let first = get(&client, &url, rest).expect(200);
        assert_eq!(first.header("cache-control"), "private, max-age=3600, immutable");
        let etag = first.header("etag").to_owned();
        let again = |etag: &str| client.get(&format!("{url}{rest}")).header("if-none-match", etag).send();
        for has in [etag.clone(), format!("\"other\", W/{etag}")] {
            let same = again(&has).expect(304);
            assert!(same.body.is_empty() && same.header("etag") == etag, "{same}");
        }
        assert_eq!(again("\"other\"").expect(200).body, first.body);
        // Another document is another one, another server draws the same.
        assert_ne!(get(&client, &self::url(&journey, &cropped()), rest).expect(200).header("etag"), etag);
    }
}

#[test]
fn pages_are_shown_turned_and_cropped_as_the_document_says() {
    let (server, journey) = shared();
    let client = server.anonymous();
    for (pdf, points, pixels) in
        [(fixtures::rotated(&[], 90), (842.0, 595.0), (800, 565)), (cropped(), (400.0, 400.0), (800, 800))]
    {
        let url = url(&journey, &pdf);
        let page = get(&client, &url, "/pages").expect(200).json()["pages"][0].clone();
        assert_eq!((&page["width"], &page["height"]), (&json!(points.0), &json!(points.1)));
        let inside = |run: &Value| (0.0..points.0).contains(&run["x"].as_f64().unwrap()) && run["y"].as_f64().unwrap() < points.1;
        assert!(page["text"].as_array().is_some_and(|runs| !runs.is_empty() && runs.iter().all(inside)), "{page}");
        assert_eq!(size(&get(&client, &url, "/pages/0/800").expect(200)), pixels);
    }
}

#[test]
fn what_is_asked_for_wrongly_is_told_with_what_is_expected() {
    let (server, journey) = shared();
    let (url, client) = (url(&journey, &pdf()), server.anonymous());
    for (rest, expected) in [
        ("/pages/0/801", "width: expected one of 800, 1200, 2400"),
        ("/pages/0/0800", "width"),
        ("/pages/0/-800", "width"),
        ("/pages/-1/800", "page: expected a whole number from 0"),
        ("/pages/first/800", "page"),
        ("/pages?count=0", "count: expected a whole number from 1 to 50"),
        ("/pages?count=51", "count"),
        ("/pages?from=-1", "from: expected a whole number"),
        ("/pages?from=0&from=1", "from"),
    ] {
        let answer = get(&client, &url, rest);
        assert!(answer.expect_problem(400, "PARAMETER_ERROR").details().starts_with(expected), "{rest}");
    }
    for rest in ["/pages/1/800", "/pages/4294967295/800", "/pages/99999999999999999999/800", "/pages?from=1"] {
        let answer = get(&client, &url, rest);
        assert!(answer.expect_problem(404, "RESOURCE_NOT_FOUND").details().contains("no such page"), "{rest}");
    }
    for rest in ["/pages/", "/pages/0", "/pages/0/800/0", "/nothing"] {
        get(&client, &url, rest).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    client.post(&format!("{url}/pages")).send().expect_problem(405, "PARAMETER_ERROR");
}

#[test]
fn an_altered_or_expired_url_or_one_of_a_deleted_document_shows_no_page() {
    let (server, journey) = shared();
    let client = server.anonymous();
    let id = journey.upload("contract.pdf", &pdf());
    let url = url_for(&journey, &id, &json!({}));
    // What is kept must not answer for what may not be seen.
    let rests = ["/pages", "/pages/0/800"];
    rests.iter().for_each(|rest| drop(get(&client, &url, rest).expect(200)));
    let etag = get(&client, &url, "/pages").expect(200).header("etag").to_owned();
    for at in [url.len() - 1, url.len() - 20, url.rfind('/').expect("a slash") + 3] {
        let mut altered = url.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).expect("text");
        rests.iter().for_each(|rest| drop(get(&client, &altered, rest).expect_problem(404, "RESOURCE_NOT_FOUND")));
    }
    let short = url_for(&journey, &id, &json!({"expiresIn": "PT1S"}));
    let expired = wait_for("the public URL to expire", PATIENCE, || {
        Some(get(&client, &short, "/pages/0/800")).filter(|answer| answer.status != 200)
    });
    expired.expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    // Another organization's document of the same bytes goes its own way.
    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    let others = self::url(&other, &pdf());
    journey.client.delete(&journey.path(&format!("documents/{id}"))).send().expect(200);
    for rest in rests {
        get(&client, &url, rest).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
        get(&client, &others, rest).expect(200);
    }
    let kept = client.get(&format!("{url}/pages")).header("if-none-match", &etag).send();
    kept.expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
}

#[test]
fn what_is_no_pdf_or_has_no_text_is_said_to_be_so() {
    let (server, journey) = shared();
    let client = server.anonymous();
    let form = Form::new().part("name", "data").part("extension", "json").file("content", "x", "{}");
    let id = journey.client.post(&journey.path("documents")).form(form).send().expect(201).text("documentId");
    for rest in ["/pages", "/pages/0/800"] {
        let answer = get(&client, &url_for(&journey, &id, &json!({})), rest);
        assert!(answer.expect_problem(422, "UNPROCESSABLE_ENTITY").details().contains("download"), "{rest}");
    }
    let blank = with_page(|page| drop(page.remove(b"Contents")));
    let page = get(&client, &url(&journey, &blank), "/pages").expect(200).json()["pages"][0].clone();
    assert_eq!((&page["state"], &page["text"]), (&json!("none"), &json!([])));
    assert!(page["note"].as_str().is_some_and(|note| note.contains("no text")), "{page}");
}

#[test]
fn a_page_that_takes_too_much_is_to_be_downloaded_and_holds_up_no_other() {
    let (server, journey) = own(Some("[render]\nprocessor_time = \"PT1S\"\n"));
    let client = server.anonymous();
    let (url, contract) = (url(&journey, &poison()), self::url(&journey, &pdf()));
    for _ in 0..3 {
        let answer = get(&client, &url, "/pages/0/800");
        let answer = answer.expect_problem(422, "UNPROCESSABLE_ENTITY");
        assert!(answer.details().contains("page 0 cannot be shown here; download the document"), "{answer}");
    }
    // The text of it is read, its other sizes are tried, and other documents are shown.
    assert_eq!(get(&client, &url, "/pages").expect(200).json()["pages"][0]["state"], "none");
    get(&client, &contract, "/pages/0/800").expect(200);
    get(&client, &contract, "/pages/0/800").expect(200);
    assert_eq!(metric(&client, "rubrica_page_views_total{outcome=\"page\",what=\"image\"}"), 3);
    assert_eq!(metric(&client, "rubrica_page_views_total{outcome=\"shown\",what=\"image\"}"), 2);
    assert_eq!(metric(&client, "rubrica_page_cache_total{cache=\"pages\",found=\"hit\"}"), 1);
    assert!(metric(&client, "rubrica_page_cache_bytes{cache=\"pages\"}") > 1000);
}
