//! Consents in the console: definitions and trees, one customer with what was shown and receipts, exports and deletions.

use serde_json::{Value, json};

use super::{Browser, between, form, leads_to, text};
use crate::{
    consents_customers::{DEFINITIONS, Shop, customer},
    consents_proofs::profile,
    support::Server,
};

const READER: &[&str] = &["console"];
const OPERATOR: &[&str] = &["console_operate"];
const DELETER: &[&str] = &["console_operate", "consents_delete"];

fn list(shop: &Shop) -> String {
    format!("/console/orgs/{}/consents", shop.organization)
}

fn signed_in(server: &Server, shop: &Shop, roles: &[&str]) -> Browser {
    Browser::signed_in(server, &shop.organization, roles)
}

/// The page of a customer of the segment `telco`, found by the search.
fn find(browser: &Browser, shop: &Shop, customer: &str) -> String {
    let search = format!("{}/customers", list(shop));
    let csrf = browser.csrf(&search);
    let answer = browser.post(&search, &[("csrf", &csrf), ("customer", customer), ("segment", "telco")]).expect(303);
    answer.header("location").to_owned()
}

#[test]
fn definitions_are_listed_with_their_texts_and_what_each_version_changed() {
    let (server, shop) = Shop::new();
    let browser = signed_in(&server, &shop, READER);
    let page = text(&browser.get(&list(&shop)).expect(200));
    for (id, ..) in DEFINITIONS {
        assert!(page.contains(&format!("/definitions/{id}\"")) && page.contains(&format!("{id} es")), "{id}: {page}");
    }
    assert!(page.contains("P180D") && page.contains("Opt-out, in negative words"), "{page}");

    let change = json!({ "consent": [{ "language": "en", "text": "new <b>words</b>", "description": "", "short_text": "new" }],
                         "changes_description": "a <i>new</i> law" });
    shop.client.patch(&shop.path("consents/C05")).json(&change).send().expect(200);
    let own = format!("{}/definitions/C05", list(&shop));
    let page = text(&browser.get(&own).expect(200));
    for words in
        ["new &#60;b&#62;words&#60;/b&#62;", "a &#60;i&#62;new&#60;/i&#62; law", "New texts: en", "First version", "C05 text en"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.find("New texts: en") < page.find("First version"), "the newest first: {page}");
    for _ in 0..10 {
        shop.client.patch(&shop.path("consents/C05")).json(&change).send().expect(200);
    }
    let page = text(&browser.get(&own).expect(200));
    assert!(page.contains("A new version with the same texts") && !page.contains("First version"), "{page}");
    let older = between(&page, "rel=\"next\" href=\"", "#");
    let page = text(&browser.get(older).expect(200));
    assert!(page.contains("First version") && page.contains("rel=\"prev\"") && !page.contains("rel=\"next\""), "{page}");
    for none in ["C99", "%20", "-"] {
        browser.get(&format!("{}/definitions/{none}", list(&shop))).expect(404);
    }
}

#[test]
fn more_definitions_than_a_page_shows_are_on_the_next() {
    let (server, shop) = Shop::new();
    for number in 0..48 {
        let texts = json!([{ "language": "es", "text": "text", "description": "", "short_text": "short" }]);
        let body = json!({ "id": format!("D{number}"), "type": "OPT_IN", "consent": texts });
        shop.client.post(&shop.path("consents")).json(&body).send().expect(201);
    }
    let browser = signed_in(&server, &shop, READER);
    let first = text(&browser.get(&list(&shop)).expect(200));
    assert_eq!((first.matches("/definitions/").count(), first.contains("rel=\"prev\"")), (50, false), "{first}");
    let second = text(&browser.get(between(&first, "rel=\"next\" href=\"", "\"")).expect(200));
    assert_eq!((second.matches("/definitions/").count(), second.contains("rel=\"next\"")), (3, false), "{second}");
}

#[test]
fn a_tree_is_shown_as_customers_see_it_family_by_family() {
    let (server, shop) = Shop::new();
    let browser = signed_in(&server, &shop, READER);
    let trees = format!("{}/trees", list(&shop));
    let page = text(&browser.get(&trees).expect(200));
    // C02 and C03 within C01, in the order of the tree.
    let tree = between(&page, "<ul class=\"statements\"", "</section>");
    let headings: Vec<&str> = tree.split("<h").skip(1).map(|rest| between(rest, "", "</h")).collect();
    assert_eq!(headings, ["3>C01 text es", "4>C02 text es", "4>C03 text es", "3>C04 text es", "3>C05 text es"]);
    assert_eq!((tree.matches("<li>").count(), tree.matches("</li>").count()), (5, 5), "{tree}");
    assert!(page.contains("MANDATORY: C01, C02; PORTFOLIO") && page.contains("telco, customers"), "{page}");
    let page = text(&browser.get(&format!("{trees}?segment=telco&users_type=customers&language=en")).expect(200));
    assert!(page.contains("<h4>C02 text en</h4>") && page.contains("lang=\"en\""), "{page}");
    for none in ["segment=energy", "segment=telco&users_type=leads"] {
        browser.get(&format!("{trees}?{none}")).expect(404);
    }

    let etag = shop.client.get(&shop.path("consents/tree")).header("x-segment", "telco").send().expect(200);
    let mut tree = Shop::tree();
    tree["consents_order"] = json!(["C01", "C02", "C03", "C04"]);
    tree["priority_consent_ids"] = json!(["C01"]);
    tree["views"] = json!([]);
    tree["change_log"] = json!("C05 is not asked any more");
    let call = shop.client.put(&shop.path("consents/tree")).headers([("x-segment", "telco"), ("etag", etag.header("etag"))]);
    call.json(&tree).send().expect(204);
    let page = text(&browser.get(&trees).expect(200));
    assert!(page.contains("C05 is not asked any more") && page.contains("C01, C02, C03, C04, C05"), "{page}");
    assert!(!page.contains("C05 text es"), "{page}");
}

#[test]
fn a_customer_is_found_by_the_whole_id_and_no_address_says_it() {
    let (server, shop) = Shop::new();
    let id = customer();
    shop.capture(&id, &[("C01", 0), ("C04", 2)]).expect(201);
    let browser = signed_in(&server, &shop, READER);
    let search = format!("{}/customers", list(&shop));
    let csrf = browser.csrf(&search);
    let ask =
        |customer: &str, segment: &str| browser.post(&search, &[("csrf", &csrf), ("customer", customer), ("segment", segment)]);
    for part in [&id[..31], &id[1..], &id.to_uppercase(), "*", "%"] {
        let page = text(&ask(part, "telco").expect(404));
        assert!(page.contains("Nothing was captured") && !page.contains(&format!(">{id}<")), "{part}: {page}");
    }
    for bad in ["", "  ", "self", "a\u{7}b", &"x".repeat(257)] {
        assert!(text(&ask(bad, "telco").expect(400)).contains("1 to 256 bytes"), "{bad}");
    }
    ask(&id, "energy").expect(400);
    browser.post(&search, &[("customer", &id), ("segment", "telco")]).expect(403);
    let page = text(&ask("<b>x", "telco").expect(404));
    assert!(!page.contains("<b>x") && page.contains("&#60;b&#62;x"), "{page}");

    let own = ask(&format!(" {id} "), "telco").expect(303).header("location").to_owned();
    assert!(own.starts_with(&format!("{search}/")) && !own.contains(&id), "{own}");
    let page = text(&browser.get(&own).expect(200));
    for words in [
        id.as_str(),
        "C01: Accepted",
        "C04: Rejected",
        "Choices captured",
        "AG000123",
        "eshop",
        "203.0.113.10",
        "TR-0001",
        "Edition",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.split("href=\"").skip(1).any(|rest| between(rest, "", "\"").contains(&id)), "{page}");
    for acts in ["/export\"", "/delete\""] {
        assert!(!page.contains(acts), "a reader is offered {acts}: {page}");
    }
    // Of nobody, though the address looks like one of ours.
    browser.get(&format!("{search}/{id}")).expect(404);
    browser.get(&format!("{own}A")).expect(404);
    browser.get(&format!("{own}/other")).expect(404);
}

#[test]
fn what_was_shown_is_shown_again_and_a_later_choice_is_told_apart() {
    let (server, shop) = Shop::new();
    let id = customer();
    shop.capture(&id, &[("C01", 0), ("C05", 0)]).expect(201);
    shop.capture(&id, &[("C01", 2)]).expect(201);
    let browser = signed_in(&server, &shop, READER);
    let own = find(&browser, &shop, &id);
    let page = text(&browser.get(&own).expect(200));
    assert!(page.contains("(no longer holds)") && page.find("C01: Rejected") < page.find("C01: Accepted"), "{page}");
    // C05 was in no view that an unknown customer is shown.
    assert!(page.contains("(was not shown)"), "{page}");
    let digest = shop.client.get(&format!("{}/history/2/display", shop.consents(&id))).header("x-segment", "telco").send();
    let digest = digest.expect(200).text("digest");
    assert!(page.contains(&digest), "{digest}: {page}");
    let shown = text(&browser.get(&format!("{own}/displays/2")).expect(200));
    assert!(shown.contains(&digest) && shown.contains("the one that was recorded"), "{shown}");
    assert!(shown.contains("<h3>C01 text es</h3>") && shown.contains("<h4>C02 text es</h4>"), "{shown}");
    for none in ["displays/3", "displays/x", "displays/-1", "receipts/9", "receipts/x"] {
        browser.get(&format!("{own}/{none}")).expect(404);
    }
}

#[test]
fn a_receipt_is_a_file_or_it_is_said_what_is_missing() {
    let (server, shop) = Shop::new();
    let id = customer();
    shop.capture(&id, &[("C01", 0)]).expect(201);
    let browser = signed_in(&server, &shop, READER);
    let receipt = format!("{}/receipts/1", find(&browser, &shop, &id));
    assert!(text(&browser.get(&receipt).expect(409)).contains("there is none (put_consent_profile)"));
    let mut lacking = profile();
    lacking.as_object_mut().expect("members").remove("jurisdiction");
    shop.put_profile(&lacking).expect(204);
    assert!(text(&browser.get(&receipt).expect(409)).contains("lacks jurisdiction"));
    shop.put_profile(&profile()).expect(204);
    assert!(text(&browser.get(&receipt).expect(409)).contains("certificate"));
    let folder = tempfile::tempdir().expect("a folder");
    shop.certify(folder.path());
    let file = browser.get(&receipt).expect(200);
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"consent-receipt-1.json\"");
    assert_eq!((file.header("content-type"), file.header("cache-control")), ("application/json", "no-store"));
    let signed = file.json();
    for member in ["payload", "protected", "signature"] {
        assert!(signed[member].is_string(), "{member}: {signed}");
    }
}

#[test]
fn an_export_holds_everything_and_says_who_made_it_and_why() {
    let (server, shop) = Shop::new();
    let id = customer();
    shop.capture(&id, &[("C01", 0)]).expect(201);
    shop.capture(&id, &[("C01", 2), ("C02", 0)]).expect(201);
    let reader = signed_in(&server, &shop, READER);
    let own = find(&reader, &shop, &id);
    let export = format!("{own}/export");
    assert!(text(&reader.get(&export).expect(403)).contains("needs the role console_operate"));
    let csrf = reader.csrf(&format!("{}/customers", list(&shop)));
    reader.post(&export, &[("csrf", &csrf), ("reason", "x")]).expect(403);

    let operator = signed_in(&server, &shop, OPERATOR);
    let page = text(&operator.get(&own).expect(200));
    assert!(page.contains(&format!("{export}\"")) && !page.contains("/delete\""), "{page}");
    let csrf = operator.csrf(&export);
    operator.post(&export, &[("reason", "x")]).expect(403);
    assert!(text(&operator.post(&export, &[("csrf", &csrf), ("reason", " ")]).expect(400)).contains("Give a reason"));
    let file = operator.post(&export, &[("csrf", &csrf), ("reason", "the customer asked for it")]).expect(200);
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"consents-export.json\"");
    let export = file.json();
    assert_eq!(
        [&export["schema_version"], &export["customer_id"], &export["segment"], &export["exported_by"], &export["reason"]],
        ["rubrica-consents-export/1", &id, "telco", "development", "the customer asked for it"]
    );
    let events = export["events"].as_array().expect("events");
    let history = shop.client.get(&format!("{}/history", shop.consents(&id))).header("x-segment", "telco").send().expect(200);
    assert_eq!(&history.json()["events"], &export["events"], "as the API tells it");
    assert_eq!(export["state"]["consents"].as_array().map(Vec::len), Some(2), "{export}");
    // Each event finds its display.
    let displays = export["displays"].as_array().expect("displays");
    for event in events {
        let shown = displays.iter().find(|display| display["digest"] == event["display"]["digest"]).expect("its display");
        assert_eq!((&shown["digest_matches"], &event["display"]["language"]), (&json!(true), &json!("es")), "{event}");
    }
    assert_eq!((&export["more_events"], &export["more_displays"]), (&json!(false), &json!(false)));
}

#[test]
fn a_deletion_wants_its_own_role_and_the_id_typed_and_says_who_and_why() {
    let (server, shop) = Shop::new();
    let id = customer();
    shop.capture(&id, &[("C01", 0), ("C04", 2)]).expect(201);
    let operator = signed_in(&server, &shop, OPERATOR);
    let own = find(&operator, &shop, &id);
    let delete = format!("{own}/delete");
    assert!(text(&operator.get(&delete).expect(403)).contains("needs the role consents_delete"));
    let csrf = operator.csrf(&format!("{own}/export"));
    let given = |csrf: &str, typed: &str, reason: &str| {
        [("csrf", csrf.to_owned()), ("typed", typed.to_owned()), ("reason", reason.to_owned())]
    };
    let post = |browser: &Browser, csrf: &str, typed: &str, reason: &str| {
        let fields = given(csrf, typed, reason);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post(&delete, &fields)
    };
    post(&operator, &csrf, &id, "x").expect(403);
    let only = signed_in(&server, &shop, &["console", "consents_delete"]);
    assert!(text(&only.get(&delete).expect(403)).contains("needs the role console_operate"));

    let deleter = signed_in(&server, &shop, DELETER);
    let page = text(&deleter.get(&delete).expect(200));
    assert!(page.contains("stop counting at once") && page.contains(&id), "{page}");
    let csrf = deleter.csrf(&delete);
    for typed in ["", "telco", &id[..31], &id.to_uppercase()] {
        let page = text(&post(&deleter, &csrf, typed, "asked for").expect(400));
        assert!(page.contains("This is not its identifier.") && page.contains("asked for</textarea>"), "{typed}: {page}");
    }
    assert!(text(&post(&deleter, &csrf, &id, " ").expect(400)).contains("Give a reason"));
    shop.read(&id, "").expect(202);

    leads_to(&post(&deleter, &csrf, &id, "asked <i>for</i>"), &format!("{own}?done=delete"));
    shop.read(&id, "").expect(200);
    let page = text(&deleter.get(&format!("{own}?done=delete")).expect(200));
    for words in
        ["in this segment are deleted.", "asked &#60;i&#62;for&#60;/i&#62;", "development, 127.0.0.1", "development (console)"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("C01: Accepted") && page.contains("Rejected before a deletion") && !page.contains("/delete\""),
        "{page}"
    );
    let happened = shop.client.get(&format!("{}/history", shop.consents(&id))).header("x-segment", "telco").send().expect(200);
    let deleted: &Value = &happened.json()["events"][0];
    assert_eq!((&deleted["event"], &deleted["reason"]), (&json!("deleted"), &json!("asked <i>for</i>")), "{deleted}");
    assert!(deleted.get("staff").is_none() && !deleted.to_string().contains("127.0.0.1"), "{deleted}");
    assert!(text(&deleter.get(&delete).expect(409)).contains("it stands otherwise by now"));
    post(&deleter, &csrf, &id, "again").expect(409);

    // The log of the staff names no customer, not even sealed.
    let log = text(&operator.get(&format!("{}/log", list(&shop).trim_end_matches("/consents"))).expect(200));
    assert!(log.contains("Delete the consents") && log.contains("consents/customers/-/delete"), "{log}");
    assert!(!log.contains(&id) && !log.contains("asked &#60;i"), "{log}");

    // Who may not delete does not see what a deletion blocked: not on the page, not by its number, not in an export.
    let page = text(&operator.get(&own).expect(200));
    assert!(page.contains("All choices deleted") && !page.contains("C01: Accepted"), "{page}");
    operator.get(&format!("{own}/displays/1")).expect(404);
    deleter.get(&format!("{own}/displays/1")).expect(200);
    let export = format!("{own}/export");
    let fields = |csrf: String| [("csrf", csrf), ("reason", "an audit".to_owned())];
    for (browser, events) in [(&operator, 1), (&deleter, 2)] {
        let fields = fields(browser.csrf(&export));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let file = browser.post(&export, &fields).expect(200).json();
        assert_eq!(file["events"].as_array().map(Vec::len), Some(events), "{file}");
    }
}

#[test]
fn of_another_organization_no_consent_is_seen() {
    let (server, shop) = Shop::new();
    let id = customer();
    shop.capture(&id, &[("C01", 0)]).expect(201);
    let own = find(&signed_in(&server, &shop, DELETER), &shop, &id);
    let other = Shop::on(&server);
    let stranger = signed_in(&server, &other, &["console_admin", "consents_delete"]);
    let csrf = stranger.csrf(&format!("{}/customers", list(&other)));
    let elsewhere = own.replacen(&shop.organization, &other.organization, 1);
    for page in [own.as_str(), &elsewhere] {
        for rest in ["", "/displays/1", "/receipts/1", "/export", "/delete"] {
            stranger.get(&format!("{page}{rest}")).expect(404);
        }
        for deed in ["export", "delete"] {
            let fields = [("csrf", csrf.as_str()), ("reason", "x"), ("typed", id.as_str())];
            stranger.post(&format!("{page}/{deed}"), &fields).expect(404);
        }
    }
    for page in ["", "/trees", "/customers", "/definitions/C01"] {
        stranger.get(&format!("{}{page}", list(&shop))).expect(404);
    }
    let search = format!("{}/customers", list(&other));
    stranger.post(&search, &[("csrf", &csrf), ("customer", &id), ("segment", "telco")]).expect(404);
    shop.read(&id, "").expect(202);
}

#[test]
fn without_a_tree_nobody_is_searched_for_and_who_is_not_signed_in_is_led_to_the_way_in() {
    let (server, shop) = Shop::new();
    let bare = Browser::signed_in(&server, "bare", READER);
    let page = text(&bare.get("/console/orgs/bare/consents/customers").expect(200));
    assert!(page.contains("There is no tree of consents") && !page.contains("name=\"customer\""), "{page}");
    assert!(text(&bare.get("/console/orgs/bare/consents/trees").expect(200)).contains("There is no tree of consents"));
    assert!(text(&bare.get("/console/orgs/bare/consents").expect(200)).contains("There is nothing here."));
    let anybody = Browser::new(&server);
    for page in [list(&shop), format!("{}/customers", list(&shop))] {
        leads_to(&anybody.get(&page), &format!("/console/sign-in?{}", form(&[("next", &page)])));
    }
}
