//! Links: what they open, and how they are replaced.

use super::*;
use crate::{NOBODY, own, shared};

#[test]
fn a_link_shows_the_invitation_to_whoever_opens_it_as_often_as_they_like() {
    let (server, journey) = own(Some(
        "[organizations.acme]\nname = \"Acme S.L.\"\ncontact_email = \"help@acme.example\"\ncontact_phone = \"+34 900 111 222\"\n",
    ));
    let annex = journey.upload("annex.pdf", &pdf());
    let browsers = invite_with(&server, &journey, 2, |creation| creation["sign"]["preview_documents"] = json!([annex]));
    let browser = &browsers[0];
    let opened = open(&browser.anonymous, &browser.sign, &browser.k).expect(200);
    assert_eq!(opened.header("cache-control"), "no-store");
    let shown = opened.json()["invitation"].clone();
    assert_eq!(
        shown["tenant"],
        json!({
            "name": "Acme S.L.",
            "contact_email": "help@acme.example",
            "contact_phone": "+34 900 111 222",
            "privacy_url": null,
            "logo": null,
            "accent": null,
        })
    );
    assert_eq!(shown["signer"], json!({"name": "Ana López", "position": 1, "count": 2, "language": "EN"}));
    assert_eq!((&shown["sign_id"], &shown["sign_process_id"]), (&json!(browser.sign), &json!(browser.process)));
    assert_eq!(
        (&shown["sign_type"], &shown["process_status"], &shown["status"]),
        (&json!("SIMPLE"), &json!("CREATED"), &json!("CREATED"))
    );
    assert_eq!((&shown["ended"], &shown["signed_at"], &shown["sealed"]), (&Value::Null, &Value::Null, &json!(false)));
    assert_eq!((&shown["others"], &shown["downloads"]), (&json!({"signed": 0, "pending": 1}), &json!([])));
    let documents = shown["documents"].as_array().expect("documents");
    assert_eq!(
        (&documents[0]["name"], &documents[0]["preview_only"], &documents[0]["size"]),
        (&json!("annex.pdf"), &json!(true), &Value::Null)
    );
    assert_eq!((&documents[1]["name"], &documents[1]["preview_only"]), (&json!("lease.pdf"), &json!(false)));
    assert_eq!(documents[1]["size"], json!(pdf().len()));
    let identification = &shown["identification"];
    assert_eq!(
        (&identification["type"], &identification["id"], &identification["status"]),
        (&json!("OTP"), &json!(browser.identification), &json!("CREATED"))
    );
    let codes = &identification["otp"];
    assert_eq!((&codes["channel"], &codes["challenges_left"], &codes["digits"]), (&json!("EMAIL"), &json!(3), &json!(8)));
    assert_eq!(
        (&codes["validations_left"], &codes["delivery"], &codes["code_expires_at"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let destination = codes["destination"].as_str().expect("a destination");
    assert!(destination.ends_with("***@example.org") && destination.len() == "a***@example.org".len(), "{destination}");
    assert!(!opened.body.windows(browser.to.len()).any(|part| part == browser.to.as_bytes()), "the contact is masked");
    assert_eq!(shown["landing"], json!({"languages": ["es", "en", "ca", "eu", "gl", "de"], "default_language": "en"}));
    // Nothing is spent or recorded.
    let again = open(&browser.anonymous, &browser.sign, &browser.k).expect(200).json();
    assert_eq!(again["invitation"]["revision"], shown["revision"]);
}

#[test]
fn whatever_is_wrong_with_a_link_it_is_the_same_404() {
    let (server, journey) = shared();
    let browsers = invite(&server, &journey, 2);
    let (one, other) = (&browsers[0], &browsers[1]);
    let strangers = invite(&server, &journey, 1).remove(0);
    let last = if one.k.ends_with('A') { "Q" } else { "A" };
    let near = format!("{}{last}", &one.k[..21]);
    let mut answers = Vec::new();
    for (sign, k) in [
        (one.sign.as_str(), near.as_str()),
        (&one.sign, &other.k),
        (&one.sign, &strangers.k),
        (&one.sign, ""),
        (&one.sign, &one.k[..21]),
        (&one.sign, &format!("{}=", one.k)),
        (&one.sign, &"x".repeat(1000)),
        (NOBODY, &one.k),
        (&one.process, &one.k),
        (&one.identification, &one.k),
        ("", &one.k),
        ("not a signature", &one.k),
    ] {
        answers.push(open(&one.anonymous, sign, k).expect_problem(404, "RESOURCE_NOT_FOUND").details());
    }
    let elsewhere = one.anonymous.post("/pages/api/other/link").json(&json!({"sign": one.sign, "k": one.k})).send();
    answers.push(elsewhere.expect_problem(404, "RESOURCE_NOT_FOUND").details());
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    open(&one.anonymous, &one.sign, &one.k).expect(200);
}

#[test]
fn what_is_no_question_about_a_link_is_a_400() {
    let (server, _) = shared();
    let client = server.anonymous();
    for operation in ["link", "new-link", "problem"] {
        for wrong in ["{", "[]", "7", "{}"] {
            client.post(&api(operation)).body("application/json", wrong).send().expect_problem(400, "INVALID_INPUT");
        }
        client.post(&api(operation)).body("text/plain", "{}").send().expect_problem(415, "PARAMETER_ERROR");
        client.post(&api(operation)).body("application/json", " ".repeat(2049)).send().expect_problem(413, "INVALID_INPUT");
        client.get(&api(operation)).send().expect_problem(405, "PARAMETER_ERROR");
        let answer = client.post(&format!("/pages/api/two%20words/{operation}")).json(&json!({})).send();
        assert!(answer.expect_problem(400, "PARAMETER_ERROR").details().starts_with("org_id: "));
    }
    client.get("/pages/api/acme/nothing").send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn a_new_link_is_sent_to_the_known_contact_and_the_old_one_dies_with_its_tokens() {
    let (server, journey) = shared();
    let browsers = invite(&server, &journey, 2);
    let (browser, other) = (&browsers[0], &browsers[1]);
    browser.client.get(&browser.path("invitation")).send().expect(200);
    assert_eq!(renew(&browser.anonymous, &browser.sign).expect(202).json(), json!({}));
    open(&browser.anonymous, &browser.sign, &browser.k).expect_problem(404, "RESOURCE_NOT_FOUND");
    let refused = browser.client.get(&browser.path("invitation")).send().expect_problem(401, "UNAUTHORIZED");
    assert!(refused.details().contains("was renewed"), "{refused}");
    browser.decline("with a token of before").expect_problem(401, "UNAUTHORIZED");
    browser.client.put(&browser.of_identification("challenge")).send().expect_problem(401, "UNAUTHORIZED");
    let links =
        wait_for("the new link", PATIENCE, || Some(links_to(&server, &journey, &browser.to)).filter(|links| links.len() == 2));
    assert_eq!((&links[0].0, &links[1].1), (&browser.sign, &browser.k));
    assert_ne!(links[0].1, links[1].1);
    let token = open(&browser.anonymous, &browser.sign, &links[0].1).expect(200).text("token");
    browser.with(&token).client.get(&browser.path("invitation")).send().expect(200);
    // The other signer's is as it was.
    open(&other.anonymous, &other.sign, &other.k).expect(200);
    assert_eq!(links_to(&server, &journey, &other.to).len(), 1);
}

#[test]
fn a_new_link_is_had_three_times_in_a_day_and_the_answer_says_nothing() {
    let (server, journey) = own(None);
    let browser = one(&server, &journey);
    for _ in 0..5 {
        assert_eq!(renew(&browser.anonymous, &browser.sign).expect(202).json(), json!({}));
    }
    for nobody in [NOBODY, &browser.process] {
        assert_eq!(renew(&browser.anonymous, nobody).expect(202).json(), json!({}));
    }
    for malformed in ["", "not a signature"] {
        renew(&browser.anonymous, malformed).expect(400);
    }
    let sent = |count: usize| {
        wait_for("links", PATIENCE, || Some(links_to(&server, &journey, &browser.to)).filter(|links| links.len() >= count))
    };
    let links = sent(4);
    assert_eq!(links.len(), 4, "the first and three more");
    open(&browser.anonymous, &browser.sign, &links[0].1).expect(200);
    server.advance("P1D");
    renew(&browser.anonymous, &browser.sign).expect(202);
    let links = sent(5);
    open(&browser.anonymous, &browser.sign, &links[1].1).expect_problem(404, "RESOURCE_NOT_FOUND");
    open(&browser.anonymous, &browser.sign, &links[0].1).expect(200);
}

#[test]
fn an_address_calls_so_often_a_minute_and_is_told_when_it_may_again() {
    let (server, journey) = own(Some("[pages]\ncalls_per_address_and_minute = 12\n"));
    // What opens the link of the invitation counts as one.
    let browser = one(&server, &journey);
    let call = |operation: usize| match operation {
        0 => open(&browser.anonymous, &browser.sign, "nonsense"),
        1 => renew(&browser.anonymous, NOBODY),
        _ => browser.anonymous.post(&api("problem")).json(&json!({"step": "sign", "code": "NETWORK"})).send(),
    };
    let refused = wait_for("the bound", PATIENCE, || {
        let answer = call(0);
        if answer.status == 429 {
            Some(answer)
        } else {
            answer.expect(404);
            None
        }
    });
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    for operation in 0..3 {
        let answer = call(operation);
        // A new minute may have begun.
        assert!([429, 404, 202, 204].contains(&answer.status), "{answer}");
    }
    // Who has a token is counted by nobody.
    browser.client.get(&browser.path("invitation")).send().expect(200);
}

#[test]
fn a_landing_page_of_the_organizations_own_gets_the_link_that_it_always_got() {
    let (server, journey) = own(None);
    let configuration = journey.path("sign_process/configurations");
    let change = |landing: &str| {
        let form = crate::support::Form::new().part("landing_url", landing);
        journey.client.patch(&configuration).form(form).send().expect(204);
    };
    let message = || {
        let to = address();
        let document = journey.upload("lease.pdf", &pdf());
        let process = journey.create(&Journey::creation(&[Journey::signer("buyer", &to)], &[&document]));
        let sign = journey.signers(&process).remove(0).sign;
        let text =
            wait_for("the invitation", PATIENCE, || journey.messages(&to).pop())["text"].as_str().expect("a text").to_owned();
        (text, process, sign)
    };
    change("https://acme.example/sign");
    let (text, process, sign) = message();
    assert!(text.contains(&format!("https://acme.example/sign?sign_process_id={process}&sign_id={sign}")), "{text}");
    assert!(!text.contains("k="), "{text}");
    change(&format!("{}/s", server.base()));
    let (text, _, sign) = message();
    assert_eq!(link_in(server.base(), &text).0, sign);
}

#[test]
fn neither_secret_of_a_page_is_written_down_in_clear() {
    let (server, journey) = own(Some("[log]\nfilter = \"debug,h2=info,hyper=info\"\n"));
    let browser = one(&server, &journey);
    let key = [7_u8; 32];
    let code = browser.code(&journey);
    let hash = access::hash_of(&key);
    let answer = browser.validating().header("x-resume-hash", &hash).json(&json!({ "code": code })).send().expect(204);
    let token = answer.header("x-access-token").to_owned();
    browser.client.post(&browser.path("access")).json(&json!({"resume_key": access::text_of(&key)})).send().expect(200);
    browser.decline("the rent is too high").expect(200);
    let log = server.log();
    for secret in [&browser.k, &access::text_of(&key), &hash, &token, &code, &"the rent is too high".to_owned()] {
        assert!(!log.contains(secret.as_str()), "the log tells {secret}");
    }
    let data = server.data().to_owned();
    let written = std::fs::read_dir(&data).expect("the data folder").filter_map(|entry| {
        let path = entry.expect("an entry").path();
        // The sandbox keeps messages in memory alone; what is left is the store.
        path.file_name()?.to_str()?.starts_with("rubrica.db").then(|| std::fs::read(&path).expect("a file"))
    });
    for bytes in written {
        for secret in [browser.k.as_bytes(), access::text_of(&key).as_bytes(), b"the rent is too high", &key] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "the store tells a secret");
        }
    }
}

#[test]
fn problems_of_pages_are_counted_and_name_nobody() {
    let (server, _) = shared();
    let client = server.anonymous();
    let report = |body: Value| client.post(&api("problem")).json(&body).send();
    report(json!({"step": "read", "code": "PAGE_IMAGE", "build": "0a1b2c3d"})).expect(204);
    report(json!({"step": "sign", "code": "HTTP_503"})).expect(204);
    report(json!({"step": "ana_lopez", "code": "ANA_LOPEZ", "build": ""})).expect(204);
    for (named, body) in [
        ("step: ", json!({"step": "Sign", "code": "NETWORK"})),
        ("step: ", json!({"step": "", "code": "NETWORK"})),
        ("step: ", json!({"step": "x".repeat(33), "code": "NETWORK"})),
        ("code: ", json!({"step": "sign", "code": "network"})),
        ("code: ", json!({"step": "sign", "code": "ana@example.org"})),
        ("build: ", json!({"step": "sign", "code": "NETWORK", "build": "Ana"})),
        ("build: ", json!({"step": "sign", "code": "NETWORK", "build": "0".repeat(17)})),
        ("code: the member is missing", json!({"step": "sign"})),
    ] {
        let details = report(body).expect_problem(400, "INVALID_INPUT").details();
        assert!(details.starts_with(named), "{details}");
    }
    let metrics = String::from_utf8(client.get("/metrics").send().expect(200).body).expect("text");
    assert!(metrics.contains(r#"rubrica_page_problems_total{code="PAGE_IMAGE",step="read"}"#), "{metrics}");
    assert!(metrics.contains(r#"rubrica_page_problems_total{code="HTTP_5XX",step="sign"}"#));
    assert!(
        metrics.contains(r#"{code="other",step="other"}"#) && !metrics.contains("ana_lopez") && !metrics.contains("ANA_LOPEZ")
    );
}
