//! The agents' desk: who waits, who vouches, and to whom a device is handed over.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use documents::certificate::{self, Action, SignedEvidence};
use identity::fixtures;
use serde_json::{Value, json};

use super::{Browser, between, form, leads_to, oidc::Setting, text};
use crate::{
    own, pdf, shared,
    support::{Answer, Device, Journey, ORGANIZATION, Server, SignerView},
};

const DESK: &str = "/desk/orgs/acme";

/// A process whose signer an agent identifies, and what is known of the signer.
fn process(journey: &Journey) -> (String, SignerView) {
    let document = journey.upload("contract.pdf", &pdf());
    let identity = json!({"document_number": "99999999R", "document_type": "NIF", "country": "ES"});
    let signer =
        json!({"alias": "buyer", "name": "Carmen", "last_name": "Española", "language": "EN", "identity_document": identity});
    let mut creation = Journey::creation(&[signer], &[&document]);
    creation["identification"]["type"] = json!("AGENT");
    let process = journey.create(&creation);
    let signer = journey.signers(&process).remove(0);
    (process, signer)
}

fn page_of(identification: &str) -> String {
    format!("{DESK}/identifications/{identification}")
}

/// The code that a page shows.
fn code_in(page: &str) -> String {
    let row = page.split("<dt>Code</dt><dd><code>").nth(1).expect("a code");
    row[..6].to_owned()
}

/// A signer with whom this agent began.
fn begun(journey: &Journey, agent: &Browser) -> (String, SignerView, String) {
    let (process, signer) = process(journey);
    let page = page_of(&signer.identification);
    let csrf = agent.csrf(&page);
    leads_to(&agent.post(&format!("{page}/take"), &[("csrf", &csrf)]), &page);
    (process, signer, csrf)
}

/// One whom this agent has identified.
fn identified(journey: &Journey, agent: &Browser) -> (String, SignerView, String) {
    let (process, signer, csrf) = begun(journey, agent);
    let page = page_of(&signer.identification);
    leads_to(&agent.post(&format!("{page}/validate"), &[("csrf", &csrf)]), &format!("{page}?done=validated"));
    (process, signer, csrf)
}

/// What a device asks that has code and secret.
fn ask(browser: &Browser, code: &str, secret: &str) -> Answer {
    browser.post_json(&format!("{DESK}/tablet/ask"), &json!({"code": code, "secret": secret}))
}

/// Code and secret in the fragment of an address.
fn fragment(address: &str) -> (String, String) {
    let (_, fragment) = address.split_once('#').expect("a fragment");
    let (code, secret) = fragment.split_once('.').expect("code and secret");
    (code.to_owned(), secret.to_owned())
}

/// Signs with what a device was given, as its page does.
fn signs(server: &Server, given: &Value) {
    let journey = Journey::new(server.client_with(given["access"].as_str().expect("a token")));
    journey.sign(given["signature"].as_str().expect("a signature")).expect(204);
}

/// As [`leads_to`], to an address that goes on differently each time.
#[track_caller]
fn begins_with(answer: &Answer, to: &str) {
    assert!(answer.status == 303 && answer.header("location").starts_with(to), "{answer}");
}

#[test]
fn an_agent_finds_who_waits_by_the_code_and_only_agents_of_the_organization_do() {
    let (server, journey) = shared();
    let (_, signer) = process(&journey);
    let page = page_of(&signer.identification);
    let agent = Browser::signed_in(&server, ORGANIZATION, &["agent"]);
    let shown = text(&agent.get(&page).expect(200));
    assert!(shown.contains("Carmen Española") && shown.contains("contract.pdf") && shown.contains("…99R"), "{shown}");
    assert!(!shown.contains("99999999R"), "the number is not shown whole");
    let code = code_in(&shown);
    for typed in [code.clone(), code.to_lowercase(), format!("{} {}", &code[..3], &code[3..])] {
        leads_to(&agent.get(&format!("{DESK}?{}", form(&[("code", &typed)]))), &page);
    }
    leads_to(&agent.get(&format!("/desk?code={code}")), &format!("{DESK}?code={code}"));
    for wrong in ["000000", "x", "<script>"] {
        let missing = text(&agent.get(&format!("{DESK}?{}", form(&[("code", wrong)]))).expect(200));
        assert!(missing.contains("Nobody is waiting under this code") && !missing.contains("<script>\""), "{wrong}");
    }
    // Others do not: without the role, of another organization, or not signed in.
    Browser::signed_in(&server, ORGANIZATION, &["console_admin"]).get(&page).expect(403);
    Browser::signed_in(&server, "other", &["agent"]).get(&page).expect(404);
    let other = Browser::signed_in(&server, "other", &["agent"]);
    other.get(&format!("/desk/orgs/other/identifications/{}", signer.identification)).expect(404);
    begins_with(&Browser::new(&server).get(&page), "/console/sign-in?");
    // Nor does an agent see the console.
    agent.get("/console/orgs/acme").expect(403);
    leads_to(&agent.get("/console"), "/desk");
}

#[test]
fn an_agent_begins_another_takes_over_and_only_who_has_the_person_decides() {
    let setting = Setting::new("");
    let journey = Journey::new(setting.server.client());
    let agent_of = |subject: &str, name: &str| {
        setting.sign_in(json!({"sub": subject, "name": name, "organizations": ["acme"], "roles": ["agent"]})).0
    };
    let (agent, rival) = (agent_of("u-17", "Ana"), agent_of("u-18", "Eva"));
    let (_, signer, csrf) = begun(&journey, &agent);
    let page = page_of(&signer.identification);
    let today = text(&agent.get(DESK).expect(200));
    let (own, others) = today.split_once("All others").expect("two lists");
    assert!(own.contains(&page) && !others.contains(&page), "{today}");
    let shown = text(&rival.get(&page).expect(200));
    assert!(shown.contains("Ana began with this person") && shown.contains("Take over"), "{shown}");
    let theirs = rival.csrf(&page);
    let refused = text(&rival.post(&format!("{page}/validate"), &[("csrf", &theirs)]).expect(409));
    assert!(refused.contains("you have not begun with this person"), "{refused}");
    leads_to(&rival.post(&format!("{page}/take"), &[("csrf", &theirs)]), &page);
    agent.post(&format!("{page}/validate"), &[("csrf", &csrf)]).expect(409);
    agent.post(&format!("{page}/reject"), &[("csrf", &csrf), ("reason", "x")]).expect(409);
    leads_to(&rival.post(&format!("{page}/validate"), &[("csrf", &theirs)]), &format!("{page}?done=validated"));
    let read = journey.client.get(&journey.path(&format!("identifications/agent/{}", signer.identification))).send();
    let known = read.expect(200).json();
    assert_eq!((known["state"].as_str(), known["agent_id"].as_str()), (Some("VALIDATED"), Some("u-18")));
}

#[test]
fn it_is_not_this_person_ends_the_process_with_the_reason() {
    let (server, journey) = shared();
    let agent = Browser::signed_in(&server, ORGANIZATION, &["agent"]);
    let (process, signer, csrf) = begun(&journey, &agent);
    let page = page_of(&signer.identification);
    let again = text(&agent.post(&format!("{page}/reject"), &[("csrf", &csrf), ("reason", "  ")]).expect(400));
    assert!(again.contains("give a reason"), "{again}");
    agent.post(&format!("{page}/reject"), &[("csrf", "another"), ("reason", "x")]).expect(403);
    leads_to(
        &agent.post(&format!("{page}/reject"), &[("csrf", &csrf), ("reason", "another face")]),
        &format!("{DESK}?done=rejected"),
    );
    journey.until(&process, "FAILED");
    assert!(text(&agent.get(&page).expect(200)).contains("It was cancelled."));
    let console = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let timeline = text(&console.get(&format!("/console/orgs/acme/processes/{process}")).expect(200));
    assert!(timeline.contains("another face") && timeline.contains("development began with buyer"), "{timeline}");
}

#[test]
fn what_is_read_from_pictures_goes_with_the_decision_and_nobody_else_writes_it() {
    let (server, journey) = own(None);
    let agent = Browser::signed_in(&server, ORGANIZATION, &["agent"]);
    let (_, signer, csrf) = begun(&journey, &agent);
    let page = page_of(&signer.identification);
    let pictures = json!({
        "csrf": csrf,
        "front": STANDARD.encode(fixtures::front()),
        "back": STANDARD.encode(fixtures::CARMEN.card()),
    });
    let checked = agent.post_json(&format!("{page}/check"), &pictures).expect(200).json();
    let values = checked["values"].as_array().expect("values");
    assert!(values.iter().any(|value| value["name"] == "Number" && value["value"] == "99999999R"), "{checked}");
    let digits = checked["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "Check digits");
    assert_eq!(digits.expect("check digits")["is_good"], true, "{checked}");
    // No pictures, or none of this session.
    let with = |member: &str, value: &str| {
        let mut body = pictures.clone();
        body[member] = json!(value);
        body
    };
    let unreadable = agent.post_json(&format!("{page}/check"), &with("front", &STANDARD.encode(b"nothing"))).expect(400).json();
    assert!(unreadable["problem"].as_str().expect("words").contains("cannot be read"), "{unreadable}");
    agent.post_json(&format!("{page}/check"), &with("front", "no base64!")).expect(400);
    agent.post_json(&format!("{page}/check"), &with("csrf", "another")).expect(403);
    // The reading comes back as it was made, for this person.
    let (metadata, proof) = (checked["metadata"].as_str().unwrap(), checked["proof"].as_str().unwrap());
    let (_, other, _) = begun(&journey, &agent);
    let picture = STANDARD.encode([b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &[7; 300]].concat());
    for (place, metadata) in [(page_of(&other.identification), metadata.to_owned()), (page.clone(), metadata.replace("0.", "1."))]
    {
        let sent = [("csrf", csrf.as_str()), ("evidence", &picture), ("metadata", &metadata), ("proof", proof)];
        let refused = text(&agent.post(&format!("{place}/validate"), &sent).expect(400));
        assert!(refused.contains("does not belong to this person"), "{refused}");
    }
    let sent = [("csrf", csrf.as_str()), ("evidence", &picture), ("metadata", metadata), ("proof", proof)];
    leads_to(&agent.post(&format!("{page}/validate"), &sent), &format!("{page}?done=validated"));
}

#[test]
fn a_passport_has_one_side_and_an_identification_by_itself_nothing_to_hand_over() {
    let (server, journey) = shared();
    let document = json!({"document_number": "XDA1234", "document_type": "PASSPORT"});
    let request = json!({"actor": {"language": "EN", "identity_document": document}, "expires_in": "PT1H"});
    let id = journey.client.post(&journey.path("identifications/agent")).json(&request).send().expect(201).text("id");
    let agent = Browser::signed_in(&server, ORGANIZATION, &["agent"]);
    let page = page_of(&id);
    let csrf = agent.csrf(&page);
    leads_to(&agent.post(&format!("{page}/take"), &[("csrf", &csrf)]), &page);
    let shown = text(&agent.get(&page).expect(200));
    assert!(shown.contains("data-side=\"front\"") && !shown.contains("data-side=\"back\""), "{shown}");
    leads_to(&agent.post(&format!("{page}/validate"), &[("csrf", &csrf)]), &format!("{page}?done=validated"));
    let shown = text(&agent.get(&page).expect(200));
    assert!(shown.contains("Nothing is signed with this identification here"), "{shown}");
    agent.post(&format!("{page}/hand"), &[("csrf", &csrf), ("to", "phone")]).expect(404);
    agent.post(&format!("{page}/validate"), &[("csrf", &csrf)]).expect(409);
}

#[test]
fn a_phone_signs_once_with_what_the_agent_shows_and_evidence_names_agent_and_phone() {
    let (server, journey) = own(None);
    let agent = Browser::signed_in(&server, ORGANIZATION, &["agent"]);
    let (process, signer, csrf) = identified(&journey, &agent);
    let page = page_of(&signer.identification);
    let shown = text(&agent.post(&format!("{page}/hand"), &[("csrf", &csrf), ("to", "phone")]).expect(200));
    let address = between(&shown, "data-qr=\"", "\"");
    let (code, secret) = fragment(address);
    let waits = text(&agent.get(&format!("{page}?paired={code}")).expect(200));
    assert!(waits.contains("has not come for it yet"), "{waits}");
    let phone = Browser::new(&server);
    phone.get(&format!("{DESK}/tablet")).expect(200);
    for (code, secret) in [(code.as_str(), "AAAAAAAAAAAAAAAAAAAAAA"), ("000000", secret.as_str())] {
        assert_eq!(ask(&phone, code, secret).expect(200).json()["state"], "over");
    }
    let given = ask(&phone, &code, &secret).expect(200).json();
    assert_eq!((given["state"].as_str(), given["signature"].as_str()), (Some("given"), Some(signer.sign.as_str())));
    assert_eq!(ask(&phone, &code, &secret).expect(200).json()["state"], "over", "once");
    let taken = text(&agent.get(&format!("{page}?paired={code}")).expect(200));
    assert!(taken.contains("who can sign"), "{taken}");
    signs(&server, &given);
    let done = journey.until(&process, "CERTIFIED");
    let attached = certificate::extract(&journey.download(done["certificate_id"].as_str().unwrap())).unwrap().expect("evidence");
    let signed = SignedEvidence::from_json(&attached).unwrap();
    let evidence = signed.verify(&signed.chain().unwrap()[0]).unwrap();
    let handed = evidence.timeline.iter().find(|entry| entry.what == Action::HandedOver).expect("it is in the evidence");
    assert!(handed.actor.contains("development"), "{handed:?}");
    let console = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let timeline = text(&console.get(&format!("/console/orgs/acme/processes/{process}")).expect(200));
    assert!(timeline.contains("development handed a device over to buyer"), "{timeline}");
}

#[test]
fn before_the_identification_and_after_the_end_nothing_is_handed_over() {
    let (server, journey) = shared();
    let agent = Browser::signed_in(&server, ORGANIZATION, &["agent"]);
    let (_, signer, csrf) = begun(&journey, &agent);
    let early = format!("{}/hand", page_of(&signer.identification));
    let refused = text(&agent.post(&early, &[("csrf", &csrf), ("to", "phone")]).expect(409));
    assert!(refused.contains("Nothing was done"), "{refused}");
    let (process, signer, csrf) = identified(&journey, &agent);
    let page = page_of(&signer.identification);
    let shown = text(&agent.post(&format!("{page}/hand"), &[("csrf", &csrf), ("to", "phone")]).expect(200));
    let (code, secret) = fragment(between(&shown, "data-qr=\"", "\""));
    journey.client.post(&journey.path(&format!("sign_process/{process}/cancel"))).json(&json!({"reason": "over"})).send();
    journey.until(&process, "CANCELLED");
    assert_eq!(ask(&Browser::new(&server), &code, &secret).expect(200).json()["state"], "over");
}

#[test]
fn a_device_in_a_customers_hands_opens_no_page_of_staff_before_the_pin() {
    let (server, journey) = shared();
    let agent = Browser::signed_in(&server, ORGANIZATION, &["agent", "console_operate"]);
    let (_, signer, csrf) = identified(&journey, &agent);
    let hand = format!("{}/hand", page_of(&signer.identification));
    for pin in ["", "123", "123456789", "12a4"] {
        let again = text(&agent.post(&hand, &[("csrf", &csrf), ("to", "here"), ("pin", pin)]).expect(400));
        assert!(again.contains("Choose a PIN"), "{again}");
    }
    let answer = agent.post(&hand, &[("csrf", &csrf), ("to", "here"), ("pin", "4711")]);
    begins_with(&answer, &format!("{DESK}/tablet#"));
    let (code, secret) = fragment(answer.header("location"));
    for path in [DESK, "/console", "/console/orgs/acme", "/console/orgs", &page_of(&signer.identification)] {
        let answer = agent.get(path);
        assert_eq!((answer.status, answer.header("location")), (303, "/desk/unlock"), "{path}");
    }
    assert_eq!(ask(&agent, &code, &secret).expect(200).json()["state"], "given");
    let unlock = agent.csrf("/desk/unlock");
    agent.post("/desk/unlock", &[("csrf", "another"), ("pin", "4711")]).expect(403);
    let wrong = text(&agent.post("/desk/unlock", &[("csrf", &unlock), ("pin", "0000")]).expect(403));
    assert!(wrong.contains("That is another PIN"), "{wrong}");
    leads_to(&agent.post("/desk/unlock", &[("csrf", &unlock), ("pin", "4711")]), "/desk");
    agent.get(DESK).expect(200);
    leads_to(&agent.get("/desk/unlock"), "/desk");
    // Whoever tries too often finds it locked for good, and no way around it.
    agent.post(&hand, &[("csrf", &csrf), ("to", "here"), ("pin", "4711")]).expect(303);
    for _ in 0..4 {
        agent.post("/desk/unlock", &[("csrf", &unlock), ("pin", "0000")]).expect(403);
    }
    for pin in ["0000", "4711"] {
        let never = text(&agent.post("/desk/unlock", &[("csrf", &unlock), ("pin", pin)]).expect(403));
        assert!(never.contains("stays locked"), "{never}");
    }
    leads_to(&agent.get("/console/sign-in"), "/desk/unlock");
    leads_to(&agent.development(ORGANIZATION, &["agent"], ""), "/desk/unlock");
    leads_to(&agent.get(DESK), "/desk/unlock");
}

#[test]
fn a_tablet_of_the_shop_is_enrolled_by_an_agent_and_gets_what_agents_send_to_its_code() {
    let (server, journey) = shared();
    let tablet = Browser::new(&server);
    let begin = |browser: &Browser| browser.post_json(&format!("{DESK}/tablet/begin"), &json!({}));
    begin(&tablet).expect(403);
    // An agent makes it one, and is signed out of it.
    let enrolling = Browser::signed_in(&server, ORGANIZATION, &["agent"]);
    let csrf = enrolling.csrf(DESK);
    enrolling.post(&format!("{DESK}/tablet/enrol"), &[("csrf", "another")]).expect(403);
    leads_to(&enrolling.post(&format!("{DESK}/tablet/enrol"), &[("csrf", &csrf)]), &format!("{DESK}/tablet"));
    // Nobody signs in there: the provider may still know the agent.
    let refused = text(&enrolling.development(ORGANIZATION, &["agent"], "").expect(403));
    assert!(refused.contains("tablet of the shop"), "{refused}");
    enrolling.get(DESK).expect(403);
    let page = text(&enrolling.get(&format!("{DESK}/tablet")).expect(200));
    assert!(page.contains("data-enrolled"), "{page}");
    enrolling.post_json("/desk/orgs/other/tablet/begin", &json!({})).expect(403);
    let begun = begin(&enrolling).expect(200).json();
    let (code, secret) = (begun["code"].as_str().unwrap(), begun["secret"].as_str().unwrap());
    assert_eq!(ask(&enrolling, code, secret).expect(200).json()["state"], "waiting");
    // Another agent sends somebody there.
    let agent = Browser::signed_in(&server, ORGANIZATION, &["agent"]);
    let (_, signer, csrf) = identified(&journey, &agent);
    let hand = format!("{}/hand", page_of(&signer.identification));
    for (typed, words) in [("xyz", "no code of a tablet"), ("000000", "No tablet waits")] {
        let again = text(&agent.post(&hand, &[("csrf", &csrf), ("to", "tablet"), ("code", typed)]).expect(400));
        assert!(again.contains(words), "{again}");
    }
    let typed = format!("{} {}", code[..3].to_lowercase(), &code[3..]);
    let answer = agent.post(&hand, &[("csrf", &csrf), ("to", "tablet"), ("code", &typed)]);
    leads_to(&answer, &format!("{}?paired={code}", page_of(&signer.identification)));
    let given = ask(&enrolling, code, secret).expect(200).json();
    assert_eq!(given["signature"].as_str(), Some(signer.sign.as_str()));
    signs(&server, &given);
    // Only pages of this server ask.
    let (name, value) = Device::HEADERS[0];
    let foreign = enrolling.post_from(&format!("{DESK}/tablet/ask"), &[], &[("sec-fetch-site", "cross-site"), (name, value)]);
    foreign.expect(403);
}
