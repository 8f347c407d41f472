//! Identifications of all kinds in the console: what is shown of them, and what is done about them.

use serde_json::{Value, json};

use super::{Browser, between, effects::link, leads_to, process, text};
use crate::{
    NOBODY, address, own, scoring, shared,
    support::{Journey, ORGANIZATION, PATIENCE, wait_for},
};

const LIST: &str = "/console/orgs/acme/identifications";

fn actor(email: &str) -> Value {
    let document = json!({"document_number": "12345678Z", "document_type": "NIF"});
    json!({"name": "Ana", "last_name": "López", "email": email, "identity_document": document, "language": "EN"})
}

/// Of one kind, with no sign process.
fn created(journey: &Journey, kind: &str, more: &Value) -> String {
    let mut body = json!({"actor": actor(&address()), "expires_in": "PT1H"});
    let members = more.as_object().expect("members").clone();
    body.as_object_mut().expect("members").extend(members);
    let call = journey.client.post(&journey.path(&format!("identifications/{kind}"))).json(&body);
    call.header("user-agent", "a back-end").send().expect(201).text("id")
}

fn agent(journey: &Journey) -> String {
    created(journey, "agent", &json!({}))
}

fn otp(journey: &Journey) -> String {
    created(journey, "otp", &json!({"channel": {"type": "EMAIL"}}))
}

/// A chain of a code and an agent.
fn chain(journey: &Journey) -> String {
    let code = json!({"identification_type": "OTP", "otp_step": {"channel": {"type": "EMAIL"}}});
    created(journey, "chain", &json!({"sequence": [code, {"identification_type": "AGENT"}]}))
}

fn ids(page: &str) -> Vec<String> {
    page.split("<code class=\"small\">").skip(1).map(|rest| between(rest, "", "<").to_owned()).collect()
}

fn at(kind: &str, id: &str) -> String {
    format!("{LIST}/{kind}/{id}")
}

#[test]
fn all_kinds_are_in_one_list_newest_first_and_filtered_by_kind_and_state() {
    let (server, journey) = own(None);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = text(&browser.get(LIST).expect(200));
    assert!(page.contains("There is no such identification here.") && !page.contains("rel=\"next\""), "{page}");
    let mut made = vec![otp(&journey), agent(&journey)];
    made.extend((0..51).map(|_| agent(&journey)));
    let (id, _, _) = process(&journey);
    made.push(journey.signers(&id).remove(0).identification);
    // It is made by an effect of the process, a moment later.
    wait_for("the identification of the signer", PATIENCE, || {
        let page = text(&browser.get(LIST).expect(200));
        (ids(&page).first() == made.last()).then_some(())
    });

    let page = text(&browser.get(LIST).expect(200));
    assert_eq!(ids(&page), made.iter().rev().take(50).cloned().collect::<Vec<_>>());
    assert!(page.contains("Ana López") && page.contains("Stands alone") && page.contains("An agent"), "{page}");
    let older = link(&page, "after=");
    let page = text(&browser.get(&older).expect(200));
    assert_eq!(ids(&page), made.iter().rev().skip(50).cloned().collect::<Vec<_>>());
    assert!(!page.contains("rel=\"next\"") && page.contains("To the newest") && page.contains("Asking for a code"), "{page}");

    let page = text(&browser.get(&format!("{LIST}?kind=otp")).expect(200));
    assert_eq!(ids(&page), [made[53].clone(), made[0].clone()]);
    let cancel = journey.path(&format!("identifications/agent/{}/cancel", made[1]));
    journey.client.post(&cancel).json(&json!({"reason": "x"})).send().expect(204);
    let page = text(&browser.get(&format!("{LIST}?status=CANCELLED")).expect(200));
    assert_eq!(ids(&page), [made[1].clone()]);
    let page = text(&browser.get(&format!("{LIST}?status=CREATED&kind=agent")).expect(200));
    assert_eq!(ids(&page).len(), 50);
    let page = text(&browser.get(&link(&page, "after=")).expect(200));
    assert_eq!(ids(&page), [made[2].clone()]);
    // What is deleted is not there for anybody.
    let delete = journey.path(&format!("identifications/agent/{}", made[2]));
    journey.client.delete(&delete).send().expect(204);
    browser.get(&at("agent", &made[2])).expect(404);
    assert!(!text(&browser.get(&older).expect(200)).contains(&made[2]));
}

#[test]
fn one_is_found_by_its_identifier_and_told_from_its_journal() {
    let (server, journey) = shared();
    let email = address();
    let id = created(&journey, "otp", &json!({"channel": {"type": "EMAIL"}, "actor": actor(&email)}));
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    for list in [LIST, "/console/orgs/acme/processes"] {
        leads_to(&browser.get(&format!("{list}?q={id}")), &at("otp", &id));
    }
    for query in [NOBODY, "<b>x"] {
        let page = text(&browser.get(&format!("{LIST}?{}", super::form(&[("q", query)]))).expect(200));
        assert!(page.contains("No identification of this organization has") && !page.contains("<b>x"), "{page}");
    }
    let code = journey.code(&id, &email);
    let wrong = if code.starts_with('1') { "200000" } else { "100000" };
    journey.validate(&id, &json!({ "code": wrong })).expect(403);
    let page = text(&browser.get(&at("otp", &id)).expect(200));
    for words in ["The code", "Codes left", "NIF …78Z", "***@example.org", "Code to Ana López by e-mail", "wrong answer"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("chain of hashes intact") && page.contains("The time limit passes"), "{page}");
    for secret in [&email, "12345678Z", &code] {
        assert!(!page.contains(secret), "{secret}");
    }
    let version = between(&page, "data-version=\"", "\"").to_owned();
    browser.get(&format!("{}?after={version}", at("otp", &id))).expect(204);
    // Of another kind it is none.
    browser.get(&at("agent", &id)).expect(404);
    browser.get(&at("sign_process", &id)).expect(404);

    // One of a sign process leads there.
    let (process, path, _) = process(&journey);
    let of_signer = journey.signers(&process).remove(0).identification;
    let page = text(&browser.get(&at("otp", &of_signer)).expect(200));
    assert!(page.contains(&format!("href=\"{path}\"")) && page.contains("Identification of tenant begins"), "{page}");
}

#[test]
fn a_cancellation_by_staff_says_who_and_why_and_needs_the_role() {
    let (server, journey) = shared();
    let (process, path, _) = process(&journey);
    let id = journey.signers(&process).remove(0).identification;
    let (own, cancel) = (at("otp", &id), format!("{}/cancel", at("otp", &id)));
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    wait_for("the identification of the signer", PATIENCE, || (reader.get(&own).status == 200).then_some(()));
    let page = text(&reader.get(&own).expect(200));
    assert!(!page.contains("/cancel\""), "{page}");
    let csrf = reader.csrf(&own);
    reader.get(&cancel).expect(403);
    reader.post(&cancel, &[("csrf", &csrf), ("reason", "x")]).expect(403);
    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    let csrf = stranger.csrf("/console/orgs/second");
    for organization in ["acme", "second"] {
        let address = format!("/console/orgs/{organization}/identifications/otp/{id}");
        stranger.get(&address).expect(404);
        stranger.get(&format!("{address}/cancel")).expect(404);
        stranger.post(&format!("{address}/cancel"), &[("csrf", &csrf), ("reason", "x")]).expect(404);
    }
    assert_eq!(journey.identification(&id)["state"], "CREATED");

    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let page = text(&browser.get(&cancel).expect(200));
    assert!(page.contains("the sign process fails for all of its signers"), "{page}");
    let csrf = browser.csrf(&cancel);
    browser.post(&cancel, &[("reason", "x")]).expect(403);
    let page = text(&browser.post(&cancel, &[("csrf", &csrf), ("reason", " ")]).expect(400));
    assert!(page.contains("Give a reason of 1 to 1000 characters"), "{page}");
    let fields = [("csrf", csrf.as_str()), ("reason", "not <i>her</i>")];
    leads_to(&browser.post(&cancel, &fields), &format!("{own}?done=cancel"));
    assert_eq!(journey.identification(&id)["state"], "CANCELLED");
    let page = text(&browser.get(&format!("{own}?done=cancel")).expect(200));
    let words = "development cancelled the identification of tenant: not &#60;i&#62;her&#60;/i&#62;";
    assert!(page.contains(words) && page.contains("127.0.0.1") && page.contains("It is cancelled."), "{page}");
    assert!(!page.contains("/cancel\""), "it is not offered any more");
    assert!(text(&browser.get(&cancel).expect(409)).contains("it stands otherwise by now"));
    browser.post(&cancel, &fields).expect(409);
    journey.until(&process, "FAILED");
    assert!(text(&browser.get(&path).expect(200)).contains(words), "the timeline of the process says it, too");
}

#[test]
fn a_chain_is_begun_anew_and_cancelled_and_one_that_is_done_is_closed() {
    let (server, journey) = shared();
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let act = |id: &str, deed: &str, reason: &str| {
        let address = format!("{}/{deed}", at("chain", id));
        let csrf = browser.csrf("/console/orgs/acme");
        browser.post(&address, &[("csrf", &csrf), ("reason", reason)])
    };
    let id = chain(&journey);
    let page = text(&browser.get(&at("chain", &id)).expect(200));
    for words in ["Steps: 0 of 2", "Step 1: Identification by code", "Step 2: Identification by an agent", "0 of at most 10"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains(&format!("{}/close", at("chain", &id))), "only one that is VALIDATED can be closed");
    browser.get(&format!("{}/close", at("chain", &id))).expect(409);
    act(&id, "close", "x").expect(409);
    let page = text(&browser.get(&format!("{}/restart", at("chain", &id))).expect(200));
    assert!(page.contains("begun anew 10 more times"), "{page}");
    leads_to(&act(&id, "restart", "the phone was lost"), &format!("{}?done=restart", at("chain", &id)));
    let page = text(&browser.get(&at("chain", &id)).expect(200));
    assert!(page.contains("development has the chain begin anew: the phone was lost") && page.contains("1 of at most 10"));
    leads_to(&act(&id, "cancel", "a mistake"), &format!("{}?done=cancel", at("chain", &id)));
    let page = text(&browser.get(&at("chain", &id)).expect(200));
    assert!(page.contains("development cancelled the chain: a mistake") && page.contains("s-cancelled"), "{page}");
    act(&id, "restart", "x").expect(409);

    // Of one step by an agent, who vouches.
    let id = created(&journey, "chain", &json!({"sequence": [{"identification_type": "AGENT"}]}));
    let read = journey.client.get(&journey.path(&format!("identifications/chain/{id}"))).header("user-agent", "x");
    let step = read.send().expect(200).json()["step_details"][0]["id"].as_str().expect("a step").to_owned();
    let page = text(&browser.get(&format!("{}/cancel", at("agent", &step))).expect(200));
    assert!(page.contains("It is a step of a chain"), "{page}");
    let vouch = journey.path(&format!("identifications/agent/{step}/validate"));
    let headers = crate::support::Device::HEADERS;
    journey.client.post(&vouch).headers(headers).json(&json!({"agent": "shop-7/eva"})).send().expect(204);
    let validate = journey.path(&format!("identifications/chain/{id}/validate"));
    wait_for("the step to be told", PATIENCE, || {
        (journey.client.post(&validate).headers(headers).send().status == 204).then_some(())
    });
    let page = text(&browser.get(&at("agent", &step)).expect(200));
    assert!(page.contains("shop-7/eva") && page.contains(&at("chain", &id)), "{page}");
    leads_to(&act(&id, "close", "used on paper"), &format!("{}?done=close", at("chain", &id)));
    let page = text(&browser.get(&at("chain", &id)).expect(200));
    assert!(page.contains("development closed the chain: used on paper") && page.contains("shop-7/eva vouched"), "{page}");
}

#[test]
fn a_check_of_a_document_shows_its_attempts_and_no_picture() {
    let (server, journey, _provider) = scoring::connected();
    let (id, session) = scoring::identification(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    for content in ["fail", "pass"] {
        scoring::submit(&journey.client, &journey, &session, content).expect(204);
    }
    let page = wait_for("the result to be told", PATIENCE, || {
        let page = text(&browser.get(&at("identity_document", &id)).expect(200));
        page.contains("<dd>Passed</dd>").then_some(page)
    });
    for words in ["NIF …78Z", "HIGH", "did not pass, score 0.12", "passed, score 0.93", "MRZ_CONTROL_DIGIT", "points to fraud"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains(&at("scoring", &session)) && page.contains("Check of the document of Ana opened"), "{page}");
    let of_session = text(&browser.get(&at("scoring", &session)).expect(200));
    assert!(of_session.contains("passed, score 0.93") && of_session.contains(&at("identity_document", &id)), "{of_session}");
    for page in [page, of_session] {
        assert!(!page.contains("12345678Z") && !page.contains("<img") && !page.contains(">ANA<"), "{page}");
    }
    let list = text(&browser.get(&format!("{LIST}?kind=scoring")).expect(200));
    assert!(list.contains(&session) && list.contains("Scored"), "{list}");
    // It ends with what it belongs to: nothing is offered.
    let operator = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    operator.get(&format!("{}/cancel", at("scoring", &session))).expect(409);
}
