//! Identification by a chain of steps.

use serde_json::{Value, json};

use crate::{
    NOBODY, address, own, scoring, shared,
    support::{Answer, Call, Device, Journey, ORGANIZATION, PATIENCE, wait_for},
};

fn otp_step(external: bool) -> Value {
    json!({"identification_type": "OTP", "otp_step": {"channel": {"type": "EMAIL", "external": external}}})
}

/// A chain of two steps by code.
fn request(email: &str) -> Value {
    json!({
        "actor": {"name": "Ana", "email": email, "language": "EN"},
        "expires_in": "PT1H",
        "sequence": [otp_step(false), otp_step(true)],
    })
}

fn send(call: Call<'_>) -> Answer {
    call.header("user-agent", "a back-end").send()
}

fn path(journey: &Journey, rest: &str) -> String {
    journey.path(&format!("identifications/chain{rest}"))
}

fn create(journey: &Journey, body: &Value) -> Answer {
    send(journey.client.post(&path(journey, "")).json(body))
}

fn post(journey: &Journey, id: &str, action: &str) -> Answer {
    send(journey.client.post(&path(journey, &format!("/{id}/{action}"))))
}

fn cancel(journey: &Journey, id: &str, body: &Value) -> Answer {
    send(journey.client.post(&path(journey, &format!("/{id}/cancel"))).json(body))
}

fn get(journey: &Journey, id: &str) -> Answer {
    send(journey.client.get(&path(journey, &format!("/{id}"))))
}

fn validate(journey: &Journey, id: &str) -> Answer {
    journey.client.post(&path(journey, &format!("/{id}/validate"))).headers(Device::HEADERS).send()
}

/// A chain with its person and the identifiers of its steps.
struct Chain<'a> {
    journey: &'a Journey,
    id: String,
    email: String,
    steps: Vec<String>,
}

impl<'a> Chain<'a> {
    fn new(journey: &'a Journey) -> Self {
        let email = address();
        let id = create(journey, &request(&email)).expect(201).text("id");
        let mut chain = Self { journey, id, email, steps: Vec::new() };
        let text = |step: &Value| step["id"].as_str().expect("an identifier").to_owned();
        chain.steps = chain.read()["step_details"].as_array().expect("steps").iter().map(text).collect();
        chain
    }

    /// With all steps VALIDATED.
    fn done(journey: &'a Journey) -> Self {
        let chain = Self::new(journey);
        chain.do_steps();
        chain
    }

    fn validated(journey: &'a Journey) -> Self {
        let chain = Self::done(journey);
        validate(journey, &chain.id).expect(204);
        chain
    }

    fn read(&self) -> Value {
        get(self.journey, &self.id).expect(200).json()
    }

    fn do_steps(&self) {
        for step in self.steps.iter().rev() {
            self.journey.identify(step, &self.email);
        }
    }

    fn post(&self, action: &str) -> Answer {
        post(self.journey, &self.id, action)
    }

    /// The state of the chain, then those of its steps, which are the same by their own reads.
    fn states(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().expect("a state").to_owned();
        let chain = self.read();
        let steps = chain["step_details"].as_array().expect("steps");
        let states: Vec<_> = steps.iter().map(|step| text(&step["status"])).collect();
        let own = self.steps.iter().map(|step| text(&self.journey.identification(step)["state"]));
        assert_eq!(own.collect::<Vec<_>>(), states, "{chain}");
        [text(&chain["status"])].into_iter().chain(states).collect()
    }
}

#[test]
fn a_new_chain_has_one_identification_per_step_that_expires_with_it() {
    let (_server, journey) = shared();
    let chain = Chain::new(&journey);
    let read = chain.read();
    assert_eq!((&read["status"], &read["failure_reason"]), (&json!("CREATED"), &Value::Null));
    assert_eq!((&read["expiry_from_creation"], &read["creation_date"]), (&json!("PT1H"), &read["modification_date"]));
    for (detail, id) in read["step_details"].as_array().unwrap().iter().zip(&chain.steps) {
        assert_eq!((&detail["type"], &detail["status"]), (&json!("OTP"), &json!("CREATED")));
        let step = journey.identification(id);
        assert_eq!((&step["state"], &step["actor"]["name"]), (&json!("CREATED"), &json!("Ana")));
        let time = |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
        assert_eq!(time(&step["expiration_date"]) - time(&read["creation_date"]), chrono::TimeDelta::hours(1));
    }
    assert!(journey.messages(&chain.email).is_empty(), "no code was asked for");
}

#[test]
fn a_step_by_identity_document_begins_anew_with_another_scoring_session() {
    let (_server, journey, _provider) = scoring::connected();
    let mut body = request(&address());
    body["actor"]["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF"});
    let provider = json!({"provider_type": "EXTERNAL"});
    body["sequence"] = json!([{"identification_type": "IDENTITY_DOCUMENT", "identity_document_step": provider}]);
    let id = create(&journey, &body).expect(201).text("id");
    let read = || get(&journey, &id).expect(200).json();
    let step = read()["step_details"][0]["id"].as_str().expect("an identifier").to_owned();
    let mut sessions = Vec::new();
    for action in ["restart", "close"] {
        let session = scoring::shown(&journey, &step)["scoring_id"].as_str().expect("an identifier").to_owned();
        scoring::submit(&journey.client, &journey, &session, "pass").expect(204);
        validate(&journey, &id).expect_problem(409, "CONFLICT");
        scoring::validate(&journey.client, &journey, &step).expect(204);
        validate(&journey, &id).expect(204);
        post(&journey, &id, action).expect(204);
        sessions.push(session);
    }
    assert_ne!(sessions[0], sessions[1]);
    let chain = read();
    assert_eq!((&chain["status"], &chain["step_details"][0]["status"]), (&json!("SUCCEEDED"), &json!("SUCCEEDED")));
}

#[test]
fn a_chain_of_a_code_and_an_agent_is_validated_restarted_and_closed() {
    let (_server, journey) = shared();
    let email = address();
    let mut body = request(&email);
    body["actor"]["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF"});
    body["sequence"][1] = json!({"identification_type": "AGENT", "agent_step": {}});
    let id = create(&journey, &body).expect(201).text("id");
    let read = || get(&journey, &id).expect(200).json();
    let step = |position: usize| read()["step_details"][position]["id"].as_str().expect("an identifier").to_owned();
    let agent = |rest: &str| journey.path(&format!("identifications/agent/{}{rest}", step(1)));
    for agents_name in ["eva", "leo"] {
        let vouch = journey.client.post(&agent("/validate")).headers(Device::HEADERS);
        vouch.json(&json!({ "agent": agents_name })).send().expect(204);
        assert_eq!(journey.client.get(&agent("")).send().expect(200).text("agent_id"), agents_name);
        journey.client.post(&agent("/close")).send().expect_problem(409, "CONFLICT");
        journey.identify(&step(0), &email);
        validate(&journey, &id).expect(204);
        if agents_name == "eva" {
            post(&journey, &id, "restart").expect(204);
            let again = journey.client.get(&agent("")).send().expect(200).json();
            assert_eq!((&again["state"], &again["agent_id"]), (&json!("CREATED"), &Value::Null), "nobody vouches for this round");
        }
    }
    post(&journey, &id, "close").expect(204);
    let chain = read();
    let states = chain["step_details"].as_array().unwrap().iter().map(|step| step["status"].clone());
    assert_eq!(states.collect::<Vec<_>>(), ["SUCCEEDED", "SUCCEEDED"]);
    assert_eq!(journey.client.get(&agent("")).send().expect(200).text("state"), "SUCCEEDED");
}

#[test]
fn a_creation_that_is_wrong_is_refused_with_every_member_that_is() {
    let (_server, journey) = shared();
    let with = |pointer: &str, value: Value| {
        let mut body = request("ana@example.org");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let without = |member: &str| {
        let mut body = request("ana@example.org");
        body.as_object_mut().unwrap().remove(member);
        body
    };
    let sms = json!({"identification_type": "OTP", "otp_step": {"channel": {"type": "SMS"}}});
    let agent = json!({"identification_type": "AGENT"});
    for (named, body) in [
        ("actor", without("actor")),
        ("expires_in", without("expires_in")),
        ("sequence", without("sequence")),
        ("sequence: expected 1 to 10 steps", with("/sequence", json!([]))),
        ("sequence: expected 1 to 10 steps", with("/sequence", (0..11).map(|_| otp_step(true)).collect())),
        ("sequence[1]: the same step as sequence[0]", with("/sequence/1", otp_step(false))),
        ("sequence[0].identification_type", with("/sequence/0/identification_type", json!("PIGEON"))),
        ("sequence[0].otp_step: an OTP step needs it", with("/sequence/0", json!({"identification_type": "OTP"}))),
        ("sequence[0].otp_step: only an OTP step", with("/sequence/0/identification_type", json!("AGENT"))),
        ("sequence[0].otp_step.channel: an OTP step needs it", with("/sequence/0/otp_step", json!({}))),
        ("sequence[0].identity_document_step", {
            let mut body = request("ana@example.org");
            body["sequence"][0]["identity_document_step"] = json!({"provider_type": "INTERNAL"});
            body
        }),
        ("expires_in: expected PT1M to P30D", with("/expires_in", json!("PT59S"))),
        ("expires_in: expected PT1M to P30D", with("/expires_in", json!("P31D"))),
        ("actor.email: not an e-mail address", with("/actor/email", json!("nobody"))),
        ("actor.msisdn: the channel needs it", with("/sequence/0", sms)),
        ("actor.identity_document: the member is missing: an AGENT step needs it", with("/sequence/0", agent)),
        ("actor.identity_document: the second factor needs it", {
            let mut body = request("ana@example.org");
            body["sequence"][0]["otp_step"]["two_factor_type"] = json!("DOCUMENT_NUMBER");
            body
        }),
    ] {
        let answer = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
        let told =
            answer.json()["errors"].as_array().unwrap().iter().map(|error| error["details"].to_string()).collect::<String>();
        assert!(told.contains(named), "{named}: {answer}");
    }
    // a provider that the organization has not
    let mut body = with("/sequence/1", json!({"identification_type": "IDENTITY_DOCUMENT"}));
    body["actor"]["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF"});
    body["sequence"][1]["identity_document_step"] = json!({"provider_type": "EXTERNAL"});
    let answer = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
    assert!(answer.details().starts_with("sequence[1].identity_document_step.provider_type: "), "{answer}");
    // all at once
    let mut body = with("/expires_in", json!("soon"));
    body["sequence"] = json!([{"identification_type": "OTP"}, {"identification_type": "OTP", "otp_step": {}}]);
    let answer = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 3, "{answer}");
}

#[test]
fn unknown_members_are_ignored_and_both_spellings_of_external_are_taken() {
    let (_server, journey) = shared();
    let mut body = request(&address());
    body["unknown"] = json!(1);
    body["sequence"][0]["unknown"] = json!({"a": [1]});
    body["sequence"][1]["otp_step"]["channel"]["external"] = json!("true");
    create(&journey, &body).expect(201);
    // As text and as boolean it is the same step.
    body["sequence"][0] = otp_step(true);
    create(&journey, &body).expect_problem(400, "INVALID_INPUT");
}

#[test]
fn an_organization_without_sign_configuration_has_no_chains() {
    let (server, _) = shared();
    let journey = Journey::of(server.client_with(&server.token("unconfigured", &[])), "unconfigured");
    create(&journey, &request("ana@example.org")).expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn a_chain_is_validated_after_all_its_steps_and_its_token_reads_it_alone() {
    let (_server, journey) = shared();
    let chain = Chain::new(&journey);
    journey.identify(&chain.steps[1], &chain.email);
    let answer = validate(&journey, &chain.id).expect_problem(409, "CONFLICT");
    assert_eq!(answer.details(), "all steps must be VALIDATED first: step 1 (OTP) is CREATED");
    assert_eq!(chain.states(), ["CREATED", "CREATED", "VALIDATED"]);
    // What a step has just become the chain knows at once.
    journey.identify(&chain.steps[0], &chain.email);
    let answer = validate(&journey, &chain.id).expect(204);
    assert_eq!(chain.states(), ["VALIDATED"; 3]);
    validate(&journey, &chain.id).expect_problem(409, "CONFLICT");

    let holder = Journey::new(journey.client.with_token(answer.header("x-access-token")));
    get(&holder, &chain.id).expect(200);
    get(&holder, &Chain::new(&journey).id).expect_problem(403, "UNAUTHORIZED");
    get(&holder, NOBODY).expect_problem(403, "UNAUTHORIZED");
    validate(&holder, &chain.id).expect_problem(403, "UNAUTHORIZED");
    post(&holder, &chain.id, "restart").expect_problem(403, "UNAUTHORIZED");
    post(&holder, &chain.id, "close").expect_problem(401, "UNAUTHORIZED");
    holder.challenge(&chain.steps[0], &json!({})).expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn a_validation_needs_the_headers_of_the_device_and_every_operation_the_user_agent() {
    let (_server, journey) = shared();
    let chain = Chain::done(&journey);
    let target = path(&journey, &format!("/{}/validate", chain.id));
    for missing in ["x-installation_id", "x-fingerprint", "user-agent"] {
        let headers = Device::HEADERS.into_iter().filter(|(name, _)| *name != missing);
        let answer = journey.client.post(&target).headers(headers).send().expect_problem(400, "PARAMETER_ERROR");
        assert!(answer.details().contains(missing), "{answer}");
    }
    for action in ["restart", "close", "cancel"] {
        let answer = journey.client.post(&path(&journey, &format!("/{}/{action}", chain.id))).send();
        assert!(answer.expect_problem(400, "PARAMETER_ERROR").details().contains("user-agent"));
    }
    assert_eq!(chain.states(), ["CREATED", "VALIDATED", "VALIDATED"]);
}

#[test]
fn closing_a_validated_chain_closes_its_steps_and_closing_it_again_does_nothing() {
    let (_server, journey) = shared();
    let chain = Chain::done(&journey);
    chain.post("close").expect_problem(409, "CONFLICT");
    // The chain closes its steps, nobody else.
    let close = journey.path(&format!("identifications/otp/{}/close", chain.steps[0]));
    let answer = journey.client.post(&close).send().expect_problem(409, "CONFLICT");
    assert!(answer.details().contains("close the chain"), "{answer}");
    validate(&journey, &chain.id).expect(204);
    journey.client.post(&close).send().expect_problem(409, "CONFLICT");
    chain.post("close").expect(204);
    assert_eq!(chain.states(), ["SUCCEEDED"; 3]);
    let before = chain.read();
    chain.post("close").expect(204);
    assert_eq!(chain.read(), before);
    chain.post("restart").expect_problem(409, "CONFLICT");
    cancel(&journey, &chain.id, &json!({})).expect_problem(409, "CONFLICT");
}

#[test]
fn a_restart_makes_what_was_validated_be_done_again_with_fresh_attempts() {
    let (_server, journey) = shared();
    let chain = Chain::validated(&journey);
    chain.post("restart").expect(204);
    assert_eq!(chain.states(), ["CREATED"; 3]);
    for step in &chain.steps {
        let step = journey.identification(step);
        assert_eq!((&step["remaining_challenges"], &step["remaining_validation_attempts"]), (&json!(3), &Value::Null));
    }
    validate(&journey, &chain.id).expect_problem(409, "CONFLICT");
    // A step that is under way stays as it is.
    let code = journey.code(&chain.steps[0], &chain.email);
    chain.post("restart").expect(204);
    assert_eq!(journey.identification(&chain.steps[0])["remaining_challenges"], json!(2));
    journey.validate(&chain.steps[0], &json!({ "code": code })).expect(204);
    journey.identify(&chain.steps[1], &chain.email);
    validate(&journey, &chain.id).expect(204);
    chain.post("close").expect(204);
    assert_eq!(chain.states(), ["SUCCEEDED"; 3]);
}

#[test]
fn restarts_are_bounded() {
    let (_server, journey) = shared();
    let chain = Chain::new(&journey);
    (0..10).for_each(|_| drop(chain.post("restart").expect(204)));
    let answer = chain.post("restart").expect_problem(409, "CONFLICT");
    assert!(answer.details().contains("10 times"), "{answer}");
}

#[test]
fn cancelling_a_created_chain_cancels_its_open_steps() {
    let (_server, journey) = shared();
    for (body, status) in [(json!({"reason": 5}), 400), (json!({"reason": "x".repeat(1001)}), 400), (json!({}), 204)] {
        let chain = Chain::new(&journey);
        assert_eq!(cancel(&journey, &chain.id, &body).status, status);
    }
    for body in [json!({"reason": "a mistake"}), json!({"reason": " "}), json!({"reason": null})] {
        let chain = Chain::new(&journey);
        journey.identify(&chain.steps[1], &chain.email);
        cancel(&journey, &chain.id, &body).expect(204);
        assert_eq!(chain.states(), ["CANCELLED"; 3]);
        assert_eq!(chain.read()["failure_reason"], Value::Null);
        cancel(&journey, &chain.id, &body).expect_problem(409, "CONFLICT");
        for action in ["close", "restart"] {
            chain.post(action).expect_problem(409, "CONFLICT");
        }
    }
    let chain = Chain::new(&journey);
    chain.post("cancel").expect(204);
    let validated = Chain::validated(&journey);
    cancel(&journey, &validated.id, &json!({})).expect_problem(409, "CONFLICT");
    assert_eq!(validated.states(), ["VALIDATED"; 3]);
}

#[test]
fn a_step_that_ends_by_its_own_operations_fails_the_chain_with_a_reason() {
    let (_server, journey) = shared();
    let step = |id: &str, rest: &str| journey.path(&format!("identifications/otp/{id}{rest}"));
    let cancelled = Chain::done(&journey);
    journey.client.post(&step(&cancelled.steps[1], "/cancel")).json(&json!({"reason": "x"})).send().expect(204);
    assert_eq!(cancelled.states(), ["FAILED", "CANCELLED", "CANCELLED"]);
    assert_eq!(cancelled.read()["failure_reason"], "step 2 (OTP) was cancelled");
    for action in ["restart", "close"] {
        cancelled.post(action).expect_problem(409, "CONFLICT");
    }
    validate(&journey, &cancelled.id).expect_problem(409, "CONFLICT");

    let deleted = Chain::new(&journey);
    journey.client.delete(&step(&deleted.steps[0], "")).send().expect(204);
    let read = deleted.read();
    assert_eq!((&read["status"], &read["failure_reason"]), (&json!("FAILED"), &json!("step 1 (OTP) was deleted")));
    let statuses: Vec<_> = read["step_details"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
    assert_eq!(statuses, ["CANCELLED", "CANCELLED"]);
}

#[test]
fn a_step_that_fails_fails_the_chain() {
    let (server, journey) = own(None);
    let chain = Chain::new(&journey);
    for _ in 0..3 {
        let code = journey.code(&chain.steps[0], &chain.email);
        let wrong = if code.ends_with('1') { "00000002" } else { "00000001" };
        for _ in 0..3 {
            journey.validate(&chain.steps[0], &json!({ "code": wrong })).expect_problem(403, "UNAUTHORIZED");
        }
        server.advance("PT2M1S");
    }
    assert_eq!(chain.states(), ["FAILED", "FAILED", "CANCELLED"]);
    assert_eq!(chain.read()["failure_reason"], "step 1 (OTP) failed");
}

#[test]
fn a_chain_that_is_not_closed_in_time_expires_with_its_steps() {
    let (server, journey) = own(None);
    let (fresh, validated) = (Chain::new(&journey), Chain::validated(&journey));
    server.advance("PT1H");
    assert_eq!(fresh.read()["failure_reason"], "the time limit passed: step 1 (OTP) is CREATED, step 2 (OTP) is CREATED");
    assert_eq!(validated.read()["failure_reason"], "the time limit passed before the chain was closed");
    for chain in [fresh, validated] {
        let states = || chain.steps.iter().map(|step| journey.identification(step)["state"].clone()).collect::<Vec<_>>();
        assert_eq!(states(), ["EXPIRED", "EXPIRED"]);
        wait_for("the chain hears of it", PATIENCE, || (chain.states() == ["EXPIRED"; 3]).then_some(()));
        for action in ["restart", "close"] {
            chain.post(action).expect_problem(409, "CONFLICT");
        }
        cancel(&journey, &chain.id, &json!({})).expect_problem(409, "CONFLICT");
        validate(&journey, &chain.id).expect_problem(409, "CONFLICT");
    }
}

#[test]
fn a_token_of_another_organization_or_role_is_403_where_the_contract_says_so() {
    let (server, journey) = shared();
    let chain = Chain::new(&journey);
    let strangers = [server.token("other", &[]), server.token(ORGANIZATION, &["identification_admin"])];
    for token in strangers {
        let stranger = Journey::new(server.client_with(&token));
        get(&stranger, &chain.id).expect_problem(403, "UNAUTHORIZED");
        validate(&stranger, &chain.id).expect_problem(403, "UNAUTHORIZED");
        post(&stranger, &chain.id, "restart").expect_problem(403, "UNAUTHORIZED");
    }
    let reader = Journey::new(server.client_with(&server.token(ORGANIZATION, &["identification"])));
    get(&reader, &chain.id).expect(200);
    post(&reader, &chain.id, "close").expect_problem(401, "UNAUTHORIZED");
    cancel(&reader, &chain.id, &json!({})).expect_problem(401, "UNAUTHORIZED");
    create(&reader, &request("ana@example.org")).expect_problem(401, "UNAUTHORIZED");
    // and what another organization has, nobody else finds under its own name
    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    get(&other, &chain.id).expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn what_does_not_exist_is_404_and_what_is_no_identifier_400() {
    let (_server, journey) = shared();
    for (id, status, title) in [(NOBODY, 404, "RESOURCE_NOT_FOUND"), ("x", 400, "PARAMETER_ERROR")] {
        get(&journey, id).expect_problem(status, title);
        validate(&journey, id).expect_problem(status, title);
        for action in ["restart", "close", "cancel"] {
            post(&journey, id, action).expect_problem(status, title);
        }
    }
}
