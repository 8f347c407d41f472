//! Forgetting over HTTP: what is erased is found in no file, log or metric, and what is under hold stays.

use std::{path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    NOBODY, biometric,
    consents_customers::{Shop, body, customer, now},
    own, pdf, scoring_internal, shared,
    support::{Device, Form, Journey, ORGANIZATION, Options, Server, wait_for},
};

fn hold(name: &str) -> String {
    format!("/v2/orgs/{ORGANIZATION}/legal-holds/{name}")
}

/// A process that one signer has signed, to whom codes go as `to`.
fn certified(journey: &Journey, signer: &Value, to: &str) -> String {
    let document = journey.upload("contract.pdf", &pdf());
    let process = journey.create(&Journey::creation(std::slice::from_ref(signer), &[&document]));
    let signer = journey.signers(&process).remove(0);
    let token = journey.identify(&signer.identification, to);
    Journey::new(journey.client.with_token(&token)).sign(&signer.sign).expect(204);
    journey.until(&process, "CERTIFIED");
    process
}

/// Erases it, once what is under way after its end has ended.
fn erase(journey: &Journey, process: &str) -> Value {
    wait_for("the process to be erased", Duration::from_secs(60), || {
        let path = journey.path(&format!("sign_process/{process}/erasure"));
        let answer = journey.client.post(&path).json(&json!({"reason": "it was asked for"})).send();
        assert!([200, 409].contains(&answer.status), "{answer}");
        (answer.status == 200).then(|| answer.json())
    })
}

#[test]
fn a_hold_is_set_read_and_lifted_and_all_of_it_stays_readable() {
    let (_server, journey) = shared();
    let client = &journey.client;
    let name = format!("case-{}", uuid::Uuid::new_v4().simple());
    let path = hold(&name);
    let body = json!({"scope": "PROCESS", "process": {"kind": "OTP", "id": NOBODY}, "reason": "case 7"});
    client.get(&path).send().expect(404);
    client.delete(&path).send().expect(404);
    for _ in 0..2 {
        let set = client.put(&path).json(&body).send().expect(200).json();
        assert_eq!((&set["stands"], &set["process"]["id"], &set["reason"]), (&json!(true), &json!(NOBODY), &json!("case 7")));
    }
    let other = json!({"scope": "CUSTOMER", "customer_id": "100000000001", "reason": "case 8"});
    client.put(&path).json(&other).send().expect(409);
    client.delete(&path).send().expect(204);
    let set = client.put(&path).json(&other).send().expect(200);
    assert!(!set.to_string().contains("100000000001"), "{set}");
    let versions = client.get(&path).send().expect(200).json()["versions"].clone();
    let scopes: Vec<_> = versions.as_array().expect("a list").iter().map(|hold| (&hold["scope"], &hold["stands"])).collect();
    let (process, customer) = (json!("PROCESS"), json!("CUSTOMER"));
    assert_eq!(scopes, [(&customer, &json!(true)), (&process, &json!(false)), (&process, &json!(true))]);
    let listed = client.get(&format!("/v2/orgs/{ORGANIZATION}/legal-holds?page_size=1000")).send().expect(200).json();
    assert!(listed["legal_holds"].as_array().expect("a list").iter().any(|hold| hold["name"] == *name), "{listed}");
    client.delete(&path).send().expect(204);
}

#[test]
fn a_hold_that_says_too_little_or_too_much_is_refused() {
    let (_server, journey) = shared();
    let process = json!({"kind": "OTP", "id": NOBODY});
    for body in [
        json!({"scope": "PROCESS", "reason": "x"}),
        json!({"scope": "CUSTOMER", "reason": "x"}),
        json!({"scope": "ORGANIZATION", "process": process, "reason": "x"}),
        json!({"scope": "PROCESS", "process": process, "customer_id": "1", "reason": "x"}),
        json!({"scope": "CUSTOMER", "customer_id": "", "reason": "x"}),
        json!({"scope": "CUSTOMER", "customer_id": "1", "reason": " "}),
        json!({"scope": "EVERYTHING", "reason": "x"}),
    ] {
        journey.client.put(&hold("refused")).json(&body).send().expect(400);
    }
    journey.client.put(&hold("not%20a%20name")).json(&json!({"scope": "ORGANIZATION", "reason": "x"})).send().expect(400);
    journey.client.get(&format!("/v2/orgs/{ORGANIZATION}/legal-holds?page_size=1001")).send().expect(400);
    journey.client.get(&hold("refused")).send().expect(404);
}

#[test]
fn a_process_is_erased_when_it_has_ended_and_no_hold_covers_it() {
    let (_server, journey) = own(None);
    let email = crate::address();
    let document = journey.upload("contract.pdf", &pdf());
    let signer = Journey::signer("buyer", &email);
    let open = journey.create(&Journey::creation(std::slice::from_ref(&signer), &[&document]));
    let path = |process: &str| journey.path(&format!("sign_process/{process}/erasure"));
    let why = json!({"reason": "it was asked for"});
    journey.client.post(&path(NOBODY)).json(&why).send().expect(404);
    journey.client.post(&path(&open)).json(&json!({"reason": ""})).send().expect(400);
    let refused = journey.client.post(&path(&open)).json(&why).send().expect(409).to_string();
    assert!(refused.contains("has not ended"), "{refused}");

    let process = certified(&journey, &signer, &email);
    let before = journey.process(&process);
    let identification = journey.signers(&process).remove(0).identification;
    let covers = json!({"scope": "PROCESS", "process": {"kind": "SIGN_PROCESS", "id": process}, "reason": "case 7"});
    journey.client.put(&hold("case-7")).json(&covers).send().expect(200);
    let refused = journey.client.post(&path(&process)).json(&why).send().expect(409).to_string();
    assert!(refused.contains("case-7") && refused.contains("case 7"), "{refused}");
    journey.client.delete(&hold("case-7")).send().expect(204);

    let erased = erase(&journey, &process);
    assert_eq!((&erased["journals"], &erased["entries_in_clear"]), (&json!(2), &json!(0)), "{erased}");
    assert!(erased["entries"].as_u64() > Some(10) && erased["chain_head"].as_str().is_some_and(|head| head.len() == 64));
    journey.client.get(&journey.path(&format!("sign_process/{process}"))).send().expect(404);
    journey.client.get(&journey.path(&format!("identifications/otp/{identification}"))).send().expect(404);
    let certificate = before["certificate_id"].as_str().expect("it is certified");
    journey.client.get(&journey.path(&format!("documents/{certificate}"))).send().expect(410);
    journey.client.post(&path(&process)).json(&why).send().expect(404);
    let other = journey.client.get(&journey.path(&format!("sign_process/{open}"))).send().expect(200).json();
    assert_eq!(other["status"], "CREATED");
}

#[test]
fn a_customer_is_erased_in_every_segment_and_not_while_a_hold_stands() {
    let (_server, shop) = Shop::new();
    shop.plant("energy");
    let (ana, leo) = (customer(), customer());
    for (customer, segment) in [(&ana, "telco"), (&ana, "energy"), (&leo, "telco")] {
        let key = shop.key_in(segment, customer);
        let call = shop.client.post(&shop.consents(customer)).headers([("x-segment", segment), ("x-key", &key)]);
        call.json(&body(&[("C01", 0), ("C03", 2)], &now())).send().expect(201);
    }
    let path = shop.path(&format!("customers/{ana}/erasure"));
    let hold = shop.path("legal-holds/case-9");
    let why = json!({"reason": "it was asked for"});
    shop.client.post(&path).json(&json!({"reason": ""})).send().expect(400);
    shop.client.put(&hold).json(&json!({"scope": "CUSTOMER", "customer_id": ana, "reason": "case 9"})).send().expect(200);
    let refused = String::from_utf8_lossy(&shop.client.post(&path).json(&why).send().expect(409).body).into_owned();
    assert!(refused.contains("case-9") && !refused.contains(&ana), "{refused}");
    shop.client.delete(&hold).send().expect(204);

    let erased = shop.client.post(&path).json(&why).send().expect(200).json();
    assert_eq!(erased["segments"], json!(["energy", "telco"]), "{erased}");
    assert!(erased["entries"].as_u64() >= Some(2) && erased["chain_heads"].as_array().map(Vec::len) == Some(2), "{erased}");
    let again = shop.client.post(&path).json(&why).send().expect(200).json();
    assert_eq!(again, erased, "once more it says the same");
    shop.read(&ana, "").expect(200);
    shop.read(&leo, "").expect(202);
    let never = shop.client.post(&shop.path(&format!("customers/{}/erasure", customer()))).json(&why).send().expect(200).json();
    assert_eq!((&never["segments"], &never["entries"]), (&json!([]), &json!(0)), "{never}");
}

/// Where any of these stands in a file below this folder.
fn found<T: AsRef<[u8]> + ?Sized>(folder: &Path, texts: &[&T]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        // The sandbox stands for the telephones and mailboxes of the people: it is never on where they are real.
        if path.is_dir() && path.ends_with("sandbox") {
            continue;
        }
        if path.is_dir() {
            found.extend(self::found(&path, texts));
            continue;
        }
        let bytes = std::fs::read(&path).expect("the file can be read");
        let has = |text: &&&T| memchr::memmem::find(&bytes, text.as_ref()).is_some();
        let told = |text: &&T| format!("{} in {}", String::from_utf8_lossy(text.as_ref()), path.display());
        found.extend(texts.iter().filter(has).map(told));
    }
    found
}

#[test]
fn after_its_time_nothing_of_a_person_is_in_any_file_log_line_or_metric() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "[retention]\nevery = \"PT1S\"\n[retention.after]\nsign_process = \"P1D\"\n[log]\nfilter = \"info,rubrica=debug,actors=debug,store=debug\"\n";
    let options = Options {
        data: Some(folder.path().to_owned()),
        config: Some(config.into()),
        observer: Some(crate::contract::check),
        ..Options::default()
    };
    let server = Server::start_with(options);
    let journey = Journey::new(server.client());
    let email = "zacarias.privado@example.org";
    let signer = json!({
        "alias": "aliasprivado", "name": "Zacarías-Privado", "last_name": "Apellido-Secreto", "email": email, "language": "ES",
        "msisdn": {"phone_number": 699_123_987, "country_code": "34"},
    });
    // The code goes out by SMS, as there is a number.
    let process = certified(&journey, &signer, "+34699123987");
    let device = Device::HEADERS[1].1;
    // and a customer whose consents are erased on request
    let (shop, customer) = (Shop::on(&server), "cliente-900800700");
    let mut capture = body(&[("C01", 0), ("C03", 2)], &now());
    capture["ip"] = json!("203.0.113.77");
    capture["actor_id"] = json!("agente-900800701");
    capture["trace_id"] = json!("traza-900800702");
    shop.post(customer, &shop.key(customer), &capture).expect(201);
    let erased =
        shop.client.post(&shop.path(&format!("customers/{customer}/erasure"))).json(&json!({"reason": "a right"})).send();
    assert!(erased.expect(200).json()["entries"].as_u64() > Some(0));
    let texts = [
        email,
        customer,
        "203.0.113.77",
        "agente-900800701",
        "traza-900800702",
        "aliasprivado",
        "Zacarías-Privado",
        "Apellido-Secreto",
        "699123987",
        device,
    ];

    // When its time is over, and the server has come round to it
    server.advance("P2D");
    let path = journey.path(&format!("sign_process/{process}"));
    wait_for("the process to be erased", Duration::from_secs(60), || {
        (journey.client.get(&path).send().status == 404).then_some(())
    });
    let metrics = wait_for("the metrics to tell it", Duration::from_secs(60), || {
        let metrics = String::from_utf8_lossy(&journey.client.get("/metrics").send().expect(200).body).into_owned();
        metrics.contains("rubrica_erasures_total{kind=\"sign_process\",outcome=\"erased\"} 1").then_some(metrics)
    });
    let told: Vec<_> = texts.iter().filter(|text| metrics.contains(*text)).collect();
    assert!(told.is_empty(), "{told:?} in the metrics");

    // Then no file has anything of them once the server has gone down.
    assert!(server.terminate().success());
    assert_eq!(found(folder.path(), &texts), [""; 0]);
}

/// Bytes that are in a picture and in nothing else: from its middle.
fn heart(picture: &[u8]) -> Vec<u8> {
    picture[picture.len() / 2..].iter().copied().take(64).collect()
}

#[test]
fn after_its_time_no_picture_and_no_handwriting_is_in_any_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "[retention]\nevery = \"PT1S\"\n[retention.after]\nsign_process = \"P1D\"\nscoring = \"P1D\"\n[scoring]\npicture_memory = \"PT0S\"\n";
    let options = Options {
        data: Some(folder.path().to_owned()),
        config: Some(config.into()),
        observer: Some(crate::contract::check),
        ..Options::default()
    };
    let server = Server::start_with(options);
    // somebody who signs by hand, before an agent who keeps a picture of the identity document,
    let (shop, before) = (biometric::Shop::new(&server), server.files().len());
    let evidence = identity::fixtures::front();
    let (process, signer) = shop.pictured(&STANDARD.encode(&evidence));
    let sample = biometric::strokes(biometric::seed());
    shop.sign(&signer.sign, &biometric::writing(&sample)).expect(204);
    shop.journey.until(&process, "CERTIFIED");
    // and somebody whose identity card is scored
    let journey = Journey::new(server.client());
    let session = scoring_internal::session(&journey);
    let (front, back) = (identity::fixtures::front_with(&["PRIVADA<<ZOE"; 6]), identity::fixtures::CARMEN.card());
    let images = Form::new().part("front", front.clone()).part("back", back.clone());
    scoring_internal::submit(&journey, &session, images).expect(204);
    let scoring = journey.path(&format!("scorings/identity_document/{session}"));
    wait_for("the score", Duration::from_secs(60), || {
        (journey.client.get(&scoring).send().expect(200).json()["state"] == "SCORED").then_some(())
    });
    let strokes: String = sample.split("\"strokes\":").nth(1).expect("strokes").chars().skip(3).take(60).collect();
    let traces = [heart(&evidence), heart(&front), heart(&back), strokes.into_bytes(), b"99999999R".to_vec()];
    let traces: Vec<&[u8]> = traces.iter().map(Vec::as_slice).collect();
    // Pictures are sealed, so that no search finds them: their files have to go.
    let kept = server.files().len();
    assert!(kept > before + 4, "{kept} files, {before} before");

    server.advance("P2D");
    // The session ends when its time to be scored is over, and its own time begins then.
    wait_for("the session to end", Duration::from_secs(60), || {
        (journey.client.get(&scoring).send().expect(200).json()["state"] == "EXPIRED").then_some(())
    });
    server.advance("P2D");
    let signed = shop.journey.path(&format!("sign_process/{process}"));
    for (client, path) in [(&shop.journey.client, signed), (&journey.client, scoring)] {
        wait_for("it to be erased", Duration::from_secs(60), || (client.get(&path).send().status == 404).then_some(()));
    }
    wait_for("the files to go", Duration::from_secs(60), || (server.files().len() <= before + 1).then_some(()));
    let keeps = server.keeps().clone();
    assert!(server.terminate().success());
    assert_eq!(found(folder.path(), &traces), [""; 0]);
    assert_eq!(found(&keeps.files(folder.path()), &traces), [""; 0]);
}
