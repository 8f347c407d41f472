//! Against operators on this machine: good, slow, broken and lying ones.

use serde_json::json;
use workflows::{DocumentType, IdentityDocument, Msisdn};

use super::{testing::camara, *};
use crate::catalogue::sign_configuration::{ContactPolicy, Operator as Settings};
use crate::channels::Secret;

use super::operator::{Operator, Reply};

const SIM_SWAP: NumberCheck = NumberCheck::SimSwap { max_age_hours: 72 };
const ALL: [NumberCheck; 3] = [SIM_SWAP, NumberCheck::NumberVerification, NumberCheck::KycMatch];

fn noon() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

/// An operator, and how an organization asks it.
struct World {
    operator: Operator,
    camara: Camara,
    account: OperatorAccount,
    person: Contact,
}

impl World {
    fn new() -> Self {
        let operator = Operator::start();
        let settings: Settings = serde_json::from_value(operator.settings()).unwrap();
        let policy = ContactPolicy { operator: Some(settings.clone()), ..ContactPolicy::default() };
        let account = OperatorAccount { version: 1, policy, operator: settings, secret: Secret::new("operator-s3cret") };
        let document = IdentityDocument { document_number: "12345678Z".into(), document_type: DocumentType::Nif, country: None };
        let person = Contact {
            name: Some("Ana".into()),
            last_name: Some("López".into()),
            identity_document: Some(document),
            msisdn: Some(Msisdn { phone_number: 600_111_222, country_code: "34".into() }),
            ..Contact::default()
        };
        Self { operator, camara: camara(), account, person }
    }

    fn by_ciba() -> Self {
        let mut world = Self::new();
        world.account.operator.flow = Flow::Ciba;
        world.account.operator.authentication_url = Some(format!("{}/bc-authorize", world.operator.base()));
        world
    }

    async fn ask(&self, checks: &[NumberCheck]) -> Vec<(NumberOutcome, String)> {
        let question = Question {
            organization: "acme",
            account: &self.account,
            person: &self.person,
            reference: Uuid::from_u128(7),
            now: noon(),
        };
        let answers = self.camara.ask(&question, checks).await;
        assert!(answers.iter().map(|answer| answer.check).eq(checks.iter().copied()), "one answer to each question, in order");
        let said = answers.into_iter().map(|answer| (answer.outcome, answer.detail.unwrap_or_default()));
        said.inspect(|(_, detail)| assert_tells_nothing_secret(detail)).collect()
    }

    async fn ask_one(&self, check: NumberCheck) -> (NumberOutcome, String) {
        self.ask(&[check]).await.remove(0)
    }

    /// Asks one question, whose call at `path` gets this reply.
    async fn said(path: &str, check: NumberCheck, reply: Reply) -> (NumberOutcome, String) {
        let world = Self::new();
        world.operator.replies(path, &[reply]);
        world.ask_one(check).await
    }

    fn body(&self, path: &str) -> Value {
        serde_json::from_str(&self.operator.requests(path)[0].body).unwrap()
    }
}

fn assert_tells_nothing_secret(text: &str) {
    for hidden in ["s3cret", "token-1", "600111222", "12345678Z", "López", "127.0.0.1"] {
        assert!(!text.contains(hidden), "{text}");
    }
    assert!(text.chars().count() <= MAX_DETAIL, "{text}");
}

fn ok(body: Value) -> Reply {
    Reply::Json(200, body)
}

#[tokio::test]
async fn a_good_operator_confirms_the_number() {
    let world = World::new();
    assert_eq!(world.ask(&ALL).await, vec![(NumberOutcome::Passed, String::new()); 3]);
    assert_eq!(world.body("/sim-swap/v2/check"), json!({"phoneNumber": "+34600111222", "maxAge": 72}));
    assert_eq!(world.body("/number-verification/v2/verify"), json!({"phoneNumber": "+34600111222"}));
    let person = json!({"phoneNumber": "+34600111222", "idDocument": "12345678Z", "givenName": "Ana", "familyName": "López"});
    assert_eq!(world.body("/kyc-match/v0.3/match"), person);
    let check = &world.operator.requests("/check")[0];
    assert!(check.authorization.starts_with("Bearer token-") && check.correlator == Uuid::from_u128(7).to_string());
}

#[tokio::test]
async fn a_token_by_client_credentials_is_asked_for_once_for_each_interface() {
    let world = World::new();
    world.ask(&ALL).await;
    world.ask(&ALL).await;
    let requests = world.operator.requests("/token");
    assert_eq!(requests.len(), 3);
    let expected =
        format!("Basic {}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "acme:operator-s3cret"));
    assert!(requests.iter().all(|request| request.authorization == expected));
    let scope = "grant_type=client_credentials&scope=dpv%3AFraudPreventionAndDetection+sim-swap%3Acheck";
    assert!(requests.iter().any(|request| request.body == scope), "{requests:?}");
}

#[tokio::test]
async fn a_token_of_other_settings_is_not_used() {
    let mut world = World::new();
    world.ask(&[SIM_SWAP]).await;
    world.account.version = 2;
    world.ask(&[SIM_SWAP]).await;
    assert_eq!(world.operator.requests("/token").len(), 2);
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_asked_for_anew_once() {
    let world = World::new();
    let refusal = Reply::Json(401, json!({"code": "UNAUTHENTICATED"}));
    world.operator.replies("/check", &[refusal.clone(), ok(json!({"swapped": false}))]);
    assert_eq!(world.ask_one(SIM_SWAP).await.0, NumberOutcome::Passed);
    world.operator.replies("/check", &[refusal]);
    assert_eq!(world.ask_one(SIM_SWAP).await.0, NumberOutcome::Unanswered);
    assert_eq!((world.operator.requests("/token").len(), world.operator.requests("/check").len()), (3, 4));
}

#[tokio::test]
async fn with_ciba_the_token_says_the_number() {
    let world = World::by_ciba();
    let pending = Reply::Json(400, json!({"error": "authorization_pending"}));
    world.operator.replies("/token", &[pending, ok(json!({"access_token": "token-1", "token_type": "Bearer"}))]);
    assert_eq!(world.ask_one(SIM_SWAP).await, (NumberOutcome::Passed, String::new()));
    assert_eq!(world.body("/check"), json!({"maxAge": 72}));
    let asked = &world.operator.requests("/bc-authorize")[0].body;
    let scope = "scope=openid+dpv%3AFraudPreventionAndDetection+sim-swap%3Acheck";
    assert_eq!(*asked, format!("{scope}&login_hint=tel%3A%2B34600111222"));
    let polled = &world.operator.requests("/token")[1].body;
    assert_eq!(polled, "grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id=authentication-1");
    assert_eq!(world.ask_one(NumberCheck::NumberVerification).await.0, NumberOutcome::Passed);
    assert_eq!(world.body("/verify"), json!({"phoneNumber": "+34600111222"}), "here the number is what is asked");
}

#[tokio::test]
async fn an_authentication_that_is_refused_or_never_comes_is_no_answer() {
    let world = World::by_ciba();
    world.operator.replies("/token", &[Reply::Json(400, json!({"error": "access_denied", "error_description": "600111222"}))]);
    let (outcome, detail) = world.ask_one(SIM_SWAP).await;
    assert_eq!(outcome, NumberOutcome::Unanswered);
    assert_eq!(detail, "the operator refused a token with 400 (access_denied)");
    world.operator.replies("/token", &[Reply::Json(400, json!({"error": "authorization_pending"}))]);
    assert_eq!(world.ask_one(SIM_SWAP).await.1, "the operator did not authenticate the number in time");
    assert!(world.operator.requests("/token").len() <= 2 + 20, "it does not look without end");
    world.operator.replies("/bc-authorize", &[Reply::Json(400, json!({"error": "unknown_user_id"}))]);
    assert_eq!(world.ask_one(SIM_SWAP).await.1, "the operator refused the authentication with 400 (unknown_user_id)");
}

#[tokio::test]
async fn a_sim_that_changed_stands_against_the_number_with_its_date() {
    let world = World::new();
    world.operator.replies("/check", &[ok(json!({"swapped": true}))]);
    let day = Reply::Json(200, json!({"latestSimChange": "2026-11-25T08:30:00+01:00"}));
    world.operator.replies("/retrieve-date", &[day]);
    let dated = "the SIM changed in the last 72 hours, on 2026-11-25 07:30 UTC".to_owned();
    assert_eq!(world.ask_one(SIM_SWAP).await, (NumberOutcome::Failed, dated));
}

#[tokio::test]
async fn that_a_sim_changed_stands_whatever_is_said_of_when() {
    for reply in [
        ok(json!({"latestSimChange": "2031-01-01T00:00:00Z"})),
        ok(json!({"latestSimChange": null})),
        ok(json!({})),
        Reply::Text(200, "nonsense"),
        Reply::Json(403, json!({"code": "PERMISSION_DENIED"})),
        Reply::Drop,
    ] {
        let world = World::new();
        world.operator.replies("/check", &[ok(json!({"swapped": true}))]);
        world.operator.replies("/retrieve-date", &[reply]);
        let plain = "the SIM changed in the last 72 hours".to_owned();
        assert_eq!(world.ask_one(SIM_SWAP).await, (NumberOutcome::Failed, plain));
    }
}

#[tokio::test]
async fn an_operator_that_knows_only_the_date_is_asked_for_it() {
    use NumberOutcome::{Failed, Passed, Unanswered};
    for (body, expected) in [
        (json!({"latestSimChange": "2026-11-20T00:00:00Z"}), Passed),
        (json!({"latestSimChange": "2026-11-24T12:00:00Z"}), Failed),
        (json!({"latestSimChange": "2026-11-27T00:00:00Z"}), Unanswered),
        (json!({"latestSimChange": "yesterday"}), Unanswered),
        (json!({"latestSimChange": null, "monitoredPeriod": 3}), Passed),
        (json!({"latestSimChange": null, "monitoredPeriod": 2}), Unanswered),
        (json!({"latestSimChange": null}), Unanswered),
        (json!({}), Unanswered),
    ] {
        let world = World::new();
        world.operator.replies("/check", &[Reply::Text(404, "no such page")]);
        world.operator.replies("/retrieve-date", &[ok(body.clone())]);
        let (outcome, detail) = world.ask_one(SIM_SWAP).await;
        assert_eq!(outcome, expected, "{body}: {detail}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_no_answer() {
    for reply in [
        ok(json!({})),
        ok(json!({"swapped": "false"})),
        ok(json!({"swapped": null})),
        ok(json!([false])),
        Reply::Text(200, ""),
        Reply::Text(200, "<html>"),
        Reply::Json(204, json!({"swapped": false})),
        Reply::Json(404, json!({"status": 404, "code": "IDENTIFIER_NOT_FOUND", "message": "+34600111222"})),
        Reply::Json(422, json!({"code": "SERVICE_NOT_APPLICABLE", "message": "s3cret"})),
        Reply::Json(302, json!({})),
        ok(json!({"swapped": false, "more": "x".repeat(MAX_ANSWER)})),
    ] {
        let (outcome, detail) = World::said("/check", SIM_SWAP, reply).await;
        assert_eq!(outcome, NumberOutcome::Unanswered);
        assert!(!detail.is_empty());
    }
    for reply in [ok(json!({})), ok(json!({"devicePhoneNumberVerified": "true"}))] {
        assert_eq!(World::said("/verify", NumberCheck::NumberVerification, reply).await.0, NumberOutcome::Unanswered);
    }
}

#[tokio::test]
async fn an_error_is_told_by_its_code_and_nothing_else() {
    let reply = |code: &str| Reply::Json(403, json!({"code": code, "message": "+34600111222"}));
    let told = async |code: &str| World::said("/check", SIM_SWAP, reply(code)).await.1;
    assert_eq!(told("PERMISSION_DENIED").await, "the operator answered 403 (PERMISSION_DENIED)");
    for odd in ["600111222", "+34600111222", "no permission", ""] {
        assert_eq!(told(odd).await, "the operator answered 403", "{odd}");
    }
}

#[tokio::test]
async fn an_answer_about_another_number_is_none() {
    let lying = [
        ("/check", SIM_SWAP, json!({"swapped": false, "phoneNumber": "+34600999888"})),
        (
            "/verify",
            NumberCheck::NumberVerification,
            json!({"devicePhoneNumberVerified": true, "devicePhoneNumber": "+34600999888"}),
        ),
        ("/match", NumberCheck::KycMatch, json!({"idDocumentMatch": "true", "phoneNumber": 34_600_999_888_u64})),
    ];
    for (path, check, body) in lying {
        let said = World::said(path, check, ok(body)).await;
        assert_eq!(said, (NumberOutcome::Unanswered, "the operator's answer is about another number".into()));
    }
    let same = ok(json!({"swapped": false, "phoneNumber": "+34600111222"}));
    assert_eq!(World::said("/check", SIM_SWAP, same).await.0, NumberOutcome::Passed);
}

#[tokio::test]
async fn a_number_of_another_device_stands_against_it() {
    let said = World::said("/verify", NumberCheck::NumberVerification, ok(json!({"devicePhoneNumberVerified": false}))).await;
    assert_eq!(said, (NumberOutcome::Failed, "the number is not that of the device".into()));
}

#[tokio::test]
async fn another_holder_stands_against_the_number() {
    use NumberOutcome::{Failed, Passed, Unanswered};
    for (body, expected) in [
        (json!({"idDocumentMatch": "false", "givenNameMatch": "true"}), Failed),
        (json!({"idDocumentMatch": "false", "idDocumentMatchScore": 100}), Failed),
        (json!({"familyNameMatch": "false", "familyNameMatchScore": 79}), Failed),
        (json!({"familyNameMatch": "false", "familyNameMatchScore": 80}), Passed),
        (json!({"familyNameMatch": "false", "familyNameMatchScore": 101}), Failed),
        (json!({"givenNameMatch": true, "familyNameMatch": "not_available"}), Passed),
        (json!({"idDocumentMatch": "not_available"}), Unanswered),
        (json!({"emailMatch": "true"}), Unanswered),
        (json!({"idDocumentMatch": "perhaps", "givenNameMatch": "true"}), Unanswered),
        (json!({"idDocumentMatch": 7, "givenNameMatch": "false"}), Failed),
    ] {
        let mut world = World::new();
        world.account.policy.kyc_match = Some(serde_json::from_value(json!({"min_score": 80})).unwrap());
        world.operator.replies("/match", &[ok(body.clone())]);
        let (outcome, detail) = world.ask_one(NumberCheck::KycMatch).await;
        assert_eq!(outcome, expected, "{body}: {detail}");
    }
    let mut nobody = World::new();
    nobody.person = Contact { msisdn: nobody.person.msisdn.clone(), ..Contact::default() };
    assert_eq!(nobody.ask_one(NumberCheck::KycMatch).await.0, Unanswered);
    assert!(nobody.operator.requests("").is_empty(), "without anything to compare nothing is asked");
}

#[tokio::test]
async fn a_fault_that_passes_is_tried_again_once() {
    for fault in [Reply::Json(503, json!({})), Reply::Json(429, json!({})), Reply::Drop] {
        let world = World::new();
        world.operator.replies("/check", &[fault.clone(), ok(json!({"swapped": false}))]);
        assert_eq!(world.ask_one(SIM_SWAP).await.0, NumberOutcome::Passed);
        let world = World::new();
        world.operator.replies("/check", &[fault]);
        assert_eq!(world.ask_one(SIM_SWAP).await.0, NumberOutcome::Unanswered);
        assert_eq!(world.operator.requests("/check").len(), 2);
    }
}

#[tokio::test]
async fn a_slow_operator_is_not_waited_for_beyond_the_organization_s_time() {
    for path in ["/token", "/check"] {
        let mut world = World::new();
        world.account.operator.timeout_ms = 300;
        world.operator.replies(path, &[Reply::Hang]);
        let started = Instant::now();
        let (outcome, detail) = world.ask_one(SIM_SWAP).await;
        assert_eq!(outcome, NumberOutcome::Unanswered);
        assert!(detail.contains("in time"), "{detail}");
        assert!(started.elapsed() < Duration::from_secs(20), "it ended with the time, however busy the machine is");
    }
}

#[tokio::test]
async fn an_operator_that_is_not_there_or_not_allowed_is_no_answer() {
    let mut world = World::new();
    world.account.operator.base_url = "http://127.0.0.1:1".into();
    let (outcome, detail) = world.ask_one(SIM_SWAP).await;
    assert_eq!(outcome, NumberOutcome::Unanswered);
    assert!(detail.contains("connect"), "{detail}");
    for forbidden in ["http://169.254.169.254", "http://10.0.0.1", "ftp://a.example"] {
        world.account.operator.token_url = forbidden.into();
        world.account.version += 1;
        assert_eq!(world.ask_one(SIM_SWAP).await.0, NumberOutcome::Unanswered, "{forbidden}");
    }
}

#[tokio::test]
async fn an_operator_that_fails_time_after_time_is_left_alone_for_a_while() {
    let mut world = World::new();
    let clock = actors::Clock::manual(noon());
    world.camara = testing::patient(2, &clock);
    world.operator.replies("/check", &[Reply::Json(503, json!({}))]);
    for _ in 0..3 {
        assert_eq!(world.ask_one(SIM_SWAP).await.0, NumberOutcome::Unanswered);
    }
    assert_eq!(world.operator.requests("/check").len(), 2 * 2, "the third time it was not asked");
    world.operator.replies("/check", &[ok(json!({"swapped": false}))]);
    assert_eq!(world.ask_one(SIM_SWAP).await.1, "the operator failed time after time and is not asked for a while");
    clock.advance(chrono::TimeDelta::seconds(31));
    assert_eq!(world.ask_one(SIM_SWAP).await.0, NumberOutcome::Passed);
    // What it says against a number is its work, and no failure.
    world.operator.replies("/check", &[Reply::Json(403, json!({"code": "PERMISSION_DENIED"}))]);
    for _ in 0..4 {
        assert_eq!(world.ask_one(SIM_SWAP).await.1, "the operator answered 403 (PERMISSION_DENIED)");
    }
}
