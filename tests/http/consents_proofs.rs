//! What proves consents over HTTP: history, displays, receipts, the state at a moment, links that withdraw (CONSENTS.md, section 8).

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use documents::pkcs12::Identity;
use serde_json::{Value, json};

use crate::consents_customers::{Shop, body, customer, now};
use crate::support::{Answer, Form, Server, rubrica};

const PASSWORD: &str = "a password";

/// A consent profile that lacks nothing.
pub fn profile() -> Value {
    json!({
        "parties": [{
            "party_id": "acme", "party_name": "Acme S.A.", "party_address": "Calle Mayor 1, Madrid",
            "party_contact": "dpo@acme.test", "party_type": "controller",
        }],
        "pii_controllers": ["acme"], "pii_information": [{ "pii_type": "Email" }], "storage_locations": ["ES"],
        "retention_period": "P3Y", "jurisdiction": "ES", "recipient_third_parties": [],
        "withdrawal_method": "any shop, or the link in each message", "privacy_rights": ["access", "erasure"],
        "lawful_basis": "legitimate interest",
    })
}

impl Shop {
    /// Of the segment `telco`, below the customer's consents.
    fn beyond(&self, customer: &str, rest: &str) -> Answer {
        self.client.get(&format!("{}/{rest}", self.consents(customer))).header("x-segment", "telco").send()
    }

    fn history(&self, customer: &str) -> Vec<Value> {
        self.beyond(customer, "history").expect(200).json()["events"].as_array().expect("events").clone()
    }

    pub fn put_profile(&self, profile: &Value) -> Answer {
        self.client.put(&self.path("consent-profile")).json(profile).send()
    }

    /// Gives the organization a certificate. Answers the file of its root.
    pub fn certify(&self, folder: &Path) -> PathBuf {
        let file = Identity::development("Shop", "Tests", Utc::now(), PASSWORD).expect("an identity");
        let root = Identity::open(&file, PASSWORD, Utc::now()).expect("its file").certificates().last().expect("a root").to_vec();
        let form = Form::new()
            .part("landing_url", "sign.example.org")
            .part("expiration_duration", "P7D")
            .part("channels", "EMAIL,SMS")
            .file("content", "tenant.p12", file)
            .part("sign_certificate_password", PASSWORD)
            .part("notification_email", "certificates@example.org");
        self.client.post(&format!("/v1/orgs/{}/sign_process/configurations", self.organization)).form(form).send().expect(204);
        let path = folder.join("root.der");
        std::fs::write(&path, root).expect("a file");
        path
    }

    fn with_roles(&self, server: &Server, roles: &[&str]) -> Self {
        let client = server.client_with(&server.token(&self.organization, roles));
        Self { client, organization: self.organization.clone() }
    }

    fn link(&self, customer: &str, consents: &Value) -> Answer {
        let path = self.path(&format!("customers/{customer}/consent-links"));
        self.client.post(&path).header("x-segment", "telco").json(&json!({ "consents": consents })).send()
    }
}

/// Exit status and output of `rubrica verify`.
fn verify(file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = rubrica().arg("verify").arg(file).args(more).output().expect("the program");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn statuses(event: &Value) -> Vec<(&str, &str)> {
    let selections = event["selections"].as_array().expect("selections").iter();
    selections.map(|selection| (selection["id"].as_str().unwrap(), selection["status"].as_str().unwrap())).collect()
}

#[test]
fn the_history_tells_who_did_what_when_and_what_still_holds() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    shop.beyond(&customer, "history").expect(404);
    shop.post(&customer, &shop.key(&customer), &body(&[("C01", 0), ("C04", 2)], "2026-05-02T00:00:00Z")).expect(201);
    shop.post(&customer, &shop.key(&customer), &body(&[("C01", 2)], "2026-05-03T00:00:00Z")).expect(201);
    // Typed in late: the withdrawal of the day before holds.
    shop.post(&customer, &shop.key(&customer), &body(&[("C01", 0)], "2026-05-01T00:00:00Z")).expect(201);

    let events = shop.history(&customer);
    let revisions: Vec<_> = events.iter().map(|event| event["revision"].as_u64().unwrap()).collect();
    assert_eq!(revisions, [3, 2, 1]);
    assert_eq!(statuses(&events[0]), [("C01", "superseded")]);
    assert_eq!(statuses(&events[1]), [("C01", "effective")]);
    assert_eq!(statuses(&events[2]), [("C01", "superseded"), ("C04", "effective")]);
    let first = &events[2];
    assert_eq!(first["event"], "captured");
    assert_eq!(first["capture_date"], "2026-05-02T00:00:00Z");
    assert_eq!((&first["who"]["actor_id"], &first["who"]["actor_source"]), (&json!("AG000123"), &json!("declared")));
    assert_eq!(first["where"], json!({ "ip": "203.0.113.10", "sell_channel": "eshop", "trace_id": "TR-0001" }));
    assert_eq!(first["hash"].as_str().unwrap().len(), 64);

    let page = |page: &str| shop.beyond(&customer, &format!("history?page={page}&page_size=2"));
    assert_eq!(page("0").expect(200).json()["events"].as_array().unwrap().len(), 2);
    assert_eq!(page("1").expect(200).json()["events"], json!([events[2]]));
    assert_eq!(page("2").expect(200).json(), json!({ "page": 2, "page_size": 2, "events": [] }));
    page("-1").expect(400);
    shop.beyond(&customer, "history?page_size=1001").expect(400);
    shop.client.get(&format!("{}/history", shop.consents(&customer))).send().expect(400);
    shop.client.get(&format!("{}/history", shop.consents(&customer))).header("x-segment", "energy").send().expect(404);
}

#[test]
fn what_was_displayed_comes_back_though_texts_and_choices_changed() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    shop.capture(&customer, &[("C05", 0)]).expect(201);
    let read = shop.asking(&customer, "?view=PORTFOLIO&display_format=SHORT").header("accept-language", "en").send().expect(202);
    shop.post(&customer, read.header("x-key"), &body(&[("C01", 0), ("C05", 2)], &now())).expect(201);
    // The display was of revision 1; what comes later does not change it.
    let text = json!({ "language": "en", "text": "other", "description": "", "short_text": "other" });
    shop.client.patch(&shop.path("consents/C01")).json(&json!({ "consent": [text] })).send().expect(200);
    shop.capture(&customer, &[("C04", 2)]).expect(201);

    let display = shop.beyond(&customer, "history/2/display").expect(200).json();
    assert_eq!(display["digest_matches"], true);
    assert_eq!(display["body"], read.json());
    assert!(display["digest"].as_str().unwrap().starts_with("sha256:"));
    let shown = &shop.history(&customer)[1]["selections"];
    assert_eq!((&shown[0]["shown"], &shown[1]["shown"]), (&json!(true), &json!(false)), "C05 is in no view that was asked for");
    shop.beyond(&customer, "history/4/display").expect(404);
    shop.beyond(&customer, "history/0/display").expect(400);
}

#[test]
fn a_receipt_is_verified_offline_and_refused_after_one_changed_byte() {
    let (_server, shop) = Shop::new();
    let folder = tempfile::tempdir().unwrap();
    let customer = customer();
    shop.capture(&customer, &[("C01", 0), ("C04", 2)]).expect(201);
    shop.capture(&customer, &[("C01", 2)]).expect(201);
    let receipt = |rest: &str| shop.beyond(&customer, &format!("receipts/{rest}"));

    // What the contract lacks has to be said once.
    shop.client.get(&shop.path("consent-profile")).send().expect(404);
    assert!(receipt("1").expect(409).details().contains("consent profile"));
    let mut lacking = profile();
    lacking.as_object_mut().unwrap().remove("jurisdiction");
    shop.put_profile(&lacking).expect(204);
    assert!(receipt("1").expect(409).details().contains("jurisdiction"));
    shop.put_profile(&profile()).expect(204);
    assert_eq!(shop.client.get(&shop.path("consent-profile")).send().expect(200).json(), profile());
    assert!(receipt("1").expect(409).details().contains("certificate"));
    let root = shop.certify(folder.path());

    let unsigned = receipt("1?format=json").expect(200).json();
    assert_eq!(unsigned["pii_principal_id"], customer);
    let consent = &unsigned["consents"][0];
    assert_eq!((&consent["purpose_id"], &consent["choice"]), (&json!("C01"), &json!(0)));
    assert_eq!(consent["privacy_notice"]["text"], "C01 text es");
    assert_eq!(consent["lawful_basis"], "https://w3id.org/dpv/legal/eu/gdpr#A6-1-a");
    assert_eq!(unsigned["consents"][1]["lawful_basis"], "legitimate interest");
    let events: Vec<_> =
        unsigned["events"].as_array().unwrap().iter().map(|event| event["event_state"].as_str().unwrap()).collect();
    assert_eq!(events, ["given", "objected"]);
    let withdrawal = receipt("2?format=json").expect(200).json();
    assert_eq!(withdrawal["events"][0]["event_state"], "withdrawn");
    let replaced = json!([{ "purpose_id": "C01", "revision": 1, "receipt_id": unsigned["receipt_id"] }]);
    assert_eq!(withdrawal["supersedes"], replaced);
    // No other entry is shown, and none of their salts.
    assert_eq!(withdrawal["disclosed"].as_array().unwrap().len(), 1);
    assert!(withdrawal["journal"]["entries"].as_array().unwrap().iter().all(|entry| entry.get("salt").is_none()));

    let signed = receipt("2").expect(200).json();
    let file = folder.path().join("receipt.json");
    let write = |receipt: &Value| std::fs::write(&file, receipt.to_string()).unwrap();
    let root = root.to_str().unwrap();
    write(&signed);
    let (status, told) = verify(&file, &["--root", root]);
    assert_eq!(status, Some(0), "{told}");
    for part in ["intact", "trusted (root:", "C01: consent withdrawn", &customer] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let (status, told) = verify(&file, &["--json"]);
    assert_eq!((status, serde_json::from_str::<Value>(&told).unwrap()["intact"].clone()), (Some(0), json!(true)));
    let other = folder.path().join("other.der");
    let identity = Identity::development("Other", "Tests", Utc::now(), PASSWORD).unwrap();
    let stranger = Identity::open(&identity, PASSWORD, Utc::now()).unwrap().certificates().last().unwrap().to_vec();
    std::fs::write(&other, stranger).unwrap();
    let (status, told) = verify(&file, &["--root", other.to_str().unwrap()]);
    assert!(status == Some(1) && told.contains("not trusted"), "{told}");

    let mut payload = URL_SAFE_NO_PAD.decode(signed["payload"].as_str().unwrap()).unwrap();
    let place = payload.windows(9).position(|bytes| bytes == b"withdrawn").unwrap();
    payload[place] = b'W';
    let mut changed = signed.clone();
    changed["payload"] = json!(URL_SAFE_NO_PAD.encode(&payload));
    write(&changed);
    let (status, told) = verify(&file, &[]);
    assert!(status == Some(1) && told.contains("NOT INTACT"), "{told}");
    write(&unsigned);
    let (status, told) = verify(&file, &[]);
    assert!(status == Some(2) && told.contains("not signed"), "{told}");

    receipt("3").expect(404);
    receipt("x").expect(400);
    receipt("1?format=pdf").expect(400);
}

#[test]
fn a_deletion_blocks_what_was_before_it_and_has_a_receipt_of_its_own() {
    let (server, shop) = Shop::new();
    let folder = tempfile::tempdir().unwrap();
    let customer = customer();
    shop.put_profile(&profile()).expect(204);
    let root = shop.certify(folder.path());
    shop.capture(&customer, &[("C01", 0), ("C04", 2)]).expect(201);
    shop.delete(&customer).expect(204);

    let reader = shop.with_roles(&server, &["consents_read"]);
    let events = reader.history(&customer);
    assert_eq!(events.iter().map(|event| event["event"].as_str().unwrap()).collect::<Vec<_>>(), ["deleted"]);
    reader.beyond(&customer, "receipts/1").expect(404);
    reader.beyond(&customer, "history/1/display").expect(404);
    // Who may delete may look at what is blocked.
    assert_eq!(shop.history(&customer).len(), 2);
    shop.beyond(&customer, "receipts/1").expect(200);

    let unsigned = reader.beyond(&customer, "receipts/2?format=json").expect(200).json();
    let events = unsigned["events"].as_array().unwrap();
    assert!(events.len() == 2 && events.iter().all(|event| event["event_state"] == "deleted"), "{unsigned}");
    assert!(!unsigned.to_string().contains("203.0.113.10"), "nothing of the capture is shown");
    let file = folder.path().join("receipt.json");
    std::fs::write(&file, reader.beyond(&customer, "receipts/2").expect(200).json().to_string()).unwrap();
    let (status, told) = verify(&file, &["--root", root.to_str().unwrap()]);
    assert_eq!(status, Some(0), "{told}");
    shop.with_roles(&server, &["consents_write"]).beyond(&customer, "history").expect(401);
}

#[test]
fn a_profile_is_taken_whole_or_not_at_all() {
    let (server, shop) = Shop::new();
    let mut wrong = profile();
    wrong["pii_controllers"] = json!(["nobody"]);
    wrong["parties"][0]["party_name"] = json!(" ");
    let told = shop.put_profile(&wrong).expect(400).details();
    assert!(told.contains("pii_controllers[0]") && told.contains("parties[0].party_name"), "{told}");
    shop.client.get(&shop.path("consent-profile")).send().expect(404);
    shop.with_roles(&server, &["consents_read"]).put_profile(&profile()).expect(401);
}

#[test]
fn the_state_of_a_moment_is_what_held_by_what_was_known() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let state = |query: &str| shop.beyond(&customer, &format!("state{query}")).expect(200).json();
    assert_eq!((&state("")["known"], &state("")["consents"]), (&json!(false), &json!([])));
    shop.post(&customer, &shop.key(&customer), &body(&[("C05", 0)], "2026-02-01T00:00:00Z")).expect(201);
    let known_at = shop.history(&customer)[0]["recorded_at"].as_str().unwrap().to_owned();
    shop.post(&customer, &shop.key(&customer), &body(&[("C05", 2)], "2026-03-01T00:00:00Z")).expect(201);

    let of = |state: &Value| (state["consents"][0]["choice"].clone(), state["consents"][0]["source"].clone());
    assert_eq!(of(&state("")), (json!(2), json!("given")));
    assert_eq!(of(&state("?as_of=2026-02-15T00:00:00Z")), (json!(0), json!("given")));
    assert_eq!(state("?as_of=2026-01-15T00:00:00Z")["consents"], json!([]));
    // What the second capture said was not known yet, and the acceptance lapsed after 180 days.
    let then = format!("&known_at={known_at}");
    assert_eq!(of(&state(&format!("?as_of=2026-03-15T00:00:00Z{then}"))), (json!(0), json!("given")));
    assert_eq!(of(&state(&format!("?as_of=2027-01-01T00:00:00Z{then}"))), (json!(1), json!("expired")));
    let until = state(&format!("?as_of=2026-03-15T01:00:00%2B01:00{then}"));
    assert_eq!(until["consents"][0]["until"], "2026-07-31T00:00:00Z");
    assert_eq!(until["as_of"], "2026-03-15T00:00:00Z");
    for wrong in ["?as_of=yesterday", "?known_at=2026-01-01", "?as_of="] {
        shop.beyond(&customer, &format!("state{wrong}")).expect(400);
    }
}

#[test]
fn a_link_withdraws_without_a_token_and_does_nothing_else() {
    let (server, shop) = Shop::new();
    let customer = customer();
    shop.capture(&customer, &[("C01", 0), ("C05", 0)]).expect(201);
    let made = shop.link(&customer, &json!(["c01", "C04"])).expect(201).json();
    assert_eq!(made["list_unsubscribe_post"], "List-Unsubscribe=One-Click");
    let expires: DateTime<Utc> = made["expires_at"].as_str().unwrap().parse().unwrap();
    assert!((700..740).contains(&(expires - Utc::now()).num_days()));
    let url = made["url"].as_str().unwrap();
    let path = &url[url.find("/consent-links/").unwrap()..];
    let anybody = server.anonymous();
    let click = |path: &str| anybody.post(path).body("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click").send();

    // Programs that look for viruses call every address.
    anybody.get(path).send().expect(405);
    anybody.post(path).body("application/x-www-form-urlencoded", "x=1").send().expect(400);
    assert_eq!(shop.choices(&customer)["C01"], 0);

    click(path).expect(204);
    let held = shop.choices(&customer);
    assert_eq!((&held["C01"], &held["C04"], &held["C05"]), (&json!(2), &json!(2), &json!(0)), "C05 is not named");
    let events = shop.history(&customer);
    assert_eq!(
        events[0]["who"],
        json!({
            "actor_id": "consent-link", "actor_source": "token", "subject": "consent-link", "audience": "consent-link",
        })
    );
    click(path).expect(204);
    assert_eq!(shop.history(&customer).len(), events.len(), "a repetition is not recorded");

    // After a new consent it withdraws again, as mail programs send it in parts, too.
    shop.capture(&customer, &[("C01", 0)]).expect(201);
    let form = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    anybody.post(path).body("multipart/form-data; boundary=x", form).send().expect(204);
    assert_eq!(shop.choices(&customer)["C01"], 2);

    click("/consent-links/nothing").expect(404);
    let token = path.rsplit('/').next().unwrap();
    anybody.post(path).body("application/x-www-form-urlencoded", "x".repeat(2_000)).send().expect(413);
    assert!(!server.log().contains(token), "the secret is in the log");
}

#[test]
fn a_link_names_consents_of_the_tree() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    shop.link(&customer, &json!(["C99"])).expect(404);
    let told = |consents: Value| shop.link(&customer, &consents).expect(400).details();
    assert!(told(json!([])).contains("1 to 32"));
    assert!(told(json!(["C01", "c01"])).contains("consents[1]"));
    assert!(told(json!([7])).contains("consents[0]"));
    // The customer need not be known: not objecting counts without an answer.
    shop.link(&customer, &json!(["C04"])).expect(201);
    shop.beyond(&customer, "history").expect(404);
}

#[test]
fn a_tree_is_tried_and_nothing_is_written() {
    let (server, shop) = Shop::new();
    let before = shop.client.get(&shop.path("consents/tree")).header("x-segment", "telco").send().expect(200);
    shop.define(("C06", "OPT_IN", None));
    let mut tree = Shop::tree();
    tree["consents_order"] = json!(["C06", "C01", "C03", "C02", "C04"]);
    tree["views"] = json!([]);
    tree["dependencies"] = json!([{ "father": "C01", "child": ["C02"] }]);
    tree["priority_consent_ids"] = json!(["C01", "C06"]);
    let preview = |shop: &Shop, segment: &str, tree: &Value| {
        shop.client.post(&shop.path("consent-tree-previews")).header("x-segment", segment).json(tree).send()
    };
    let all = [("C01", 0), ("C05", 0)];
    let captures: [&[(&str, u8)]; 4] = [&all, &[("C02", 0)], &[("C01", 0)], &all];
    let customers = captures.map(|selections| {
        let customer = customer();
        shop.capture(&customer, selections).expect(201);
        customer
    });
    shop.delete(&customers[3]).expect(204);
    let told = preview(&shop, "telco", &tree).expect(200).json();
    // Who answered C01 and C05 is asked for C06, and C05 is gone; the others were asked before.
    let exactly = |count: u64| json!({ "estimate": count, "low": count, "high": count });
    let counted = json!({
        "exact": true, "looked_at": 4, "unreadable": 0, "known": exactly(3), "affected": exactly(1),
        "newly_asked": exactly(1), "no_longer_asked": exactly(0), "hidden_choices": exactly(1),
    });
    assert_eq!(told["customers"], counted);
    assert_eq!((&told["added"], &told["removed"]), (&json!(["C06"]), &json!(["C05"])));
    assert_eq!((&told["priority_added"], &told["priority_removed"]), (&json!(["C06"]), &json!(["C05"])));
    let moved: Vec<_> = told["moved"].as_array().unwrap().iter().map(|moved| moved["id"].as_str().unwrap()).collect();
    assert!(moved.contains(&"C03"), "it has no father any more: {told}");
    let first = preview(&shop, "nowhere", &tree).expect(200).json();
    assert!(first.get("edition").is_none());
    assert_eq!((&first["customers"]["looked_at"], &first["customers"]["known"]), (&json!(0), &exactly(0)), "of another segment");

    tree["consents_order"] = json!(["C06", "C99"]);
    assert!(preview(&shop, "telco", &tree).expect(400).details().contains("C99"));
    preview(&shop.with_roles(&server, &["consents_read"]), "telco", &Shop::tree()).expect(401);
    let after = shop.client.get(&shop.path("consents/tree")).header("x-segment", "telco").send().expect(200);
    assert_eq!((after.json(), after.header("etag").to_owned()), (before.json(), before.header("etag").to_owned()));
    shop.client.get(&shop.path("consents/tree")).header("x-segment", "nowhere").send().expect(404);
}
