use actix_web::{http::Method, test::TestRequest};
use serde_json::{Value, json};

use super::*;
use crate::{
    catalogue::sign_configuration::Change,
    http::testing::{Answer, Form, World},
    scoring::{
        Failure,
        testing::{Fate, pause},
    },
};

const SCORINGS: &str = "/v1/orgs/acme/scorings/identity_document";
const IDENTIFICATIONS: &str = "/v1/orgs/acme/identifications/identity_document";
const NOBODY: &str = "00000000-0000-4000-8000-000000000001";
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a photograph";
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n another one";

impl World {
    /// With a sign configuration, which sessions and identifications need.
    async fn configured() -> Self {
        let world = Self::new();
        let now = world.state.now();
        let file = ::documents::pkcs12::Identity::development("Acme seal", "Acme", now, "a password").unwrap();
        let change = Change {
            landing_url: Some("https://acme.example/sign".into()),
            expiration_duration: Some("P30D".into()),
            channels: Some(vec!["EMAIL".into()]),
            content: Some(file.into()),
            sign_certificate_password: Some("a password".into()),
            notification_email: Some("operations@acme.example".into()),
            contact_policy: None,
            biometric_policy: None,
            signature_level: None,
            identification_config: None,
        };
        world.state.configurations.create("acme", change, now).await.unwrap();
        world
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(self.request(Method::POST, path).set_json(body)).await
    }

    async fn got(&self, path: &str) -> Answer {
        self.call(self.request(Method::GET, path)).await
    }

    async fn session_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut body = creation();
        change(&mut body);
        let answer = self.post(SCORINGS, body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn session(&self) -> String {
        self.session_with(|_| {}).await
    }

    async fn scoring(&self, id: &str) -> Value {
        let answer = self.got(&format!("{SCORINGS}/{id}")).await;
        assert_eq!(answer.status, 200);
        answer.json()
    }

    fn device(&self, request: TestRequest) -> TestRequest {
        let headers = [("x-installation_id", "browser-1"), ("x-fingerprint", "print-1"), ("User-Agent", "test")];
        headers.into_iter().fold(request, |request, header| request.insert_header(header))
    }

    async fn submit(&self, id: &str, form: Form) -> Answer {
        let request = self.device(self.request(Method::PUT, &format!("{SCORINGS}/{id}/score")));
        self.call(form.on(request)).await
    }

    async fn submit_front(&self, id: &str) -> Answer {
        self.submit(id, Form::new().part("front", JPEG)).await
    }

    async fn attempts(&self, id: &str) -> Vec<Value> {
        let answer = self.got(&format!("{SCORINGS}/{id}/attempts")).await;
        answer.json()["attempts"].as_array().unwrap().clone()
    }

    async fn identification_with(&self, body: Value) -> (String, String) {
        let answer = self.post(IDENTIFICATIONS, body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        let text = |member: &str| answer.json()[member].as_str().unwrap().to_owned();
        (text("id"), text("scoring_id"))
    }

    async fn identification(&self) -> (String, String) {
        self.identification_with(json!({"actor": actor(), "scoring": {"provider": "INTERNAL"}})).await
    }

    async fn shown(&self, id: &str) -> Value {
        self.got(&format!("{IDENTIFICATIONS}/{id}")).await.json()
    }

    async fn validate(&self, id: &str) -> Answer {
        self.call(self.device(self.request(Method::POST, &format!("{IDENTIFICATIONS}/{id}/validate")))).await
    }
}

fn creation() -> Value {
    json!({"document": {"type": "IDENTITY_CARD", "country": "ES"}, "provider": "GOOGLE", "expires_in": "PT1H"})
}

fn actor() -> Value {
    json!({"name": "Ana", "identity_document": {"document_number": "12345678Z", "document_type": "NIF"}})
}

fn problem(answer: &Answer) -> (u16, String) {
    let (status, _, _, details) = answer.problem();
    (status, details)
}

#[actix_web::test]
async fn images_are_scored_and_the_session_shows_the_result() {
    let world = World::configured().await;
    let id = world.session().await;
    let new = world.scoring(&id).await;
    let counters = |session: &Value| {
        ["total_score_attempts", "remaining_score_attempts", "remaining_delegate_attempts"]
            .map(|name| session[name].as_u64().unwrap())
    };
    assert_eq!((&new["state"], counters(&new), new.get("score_result")), (&json!("CREATED"), [5, 5, 5], None));

    assert_eq!(world.submit(&id, Form::new().part("front", JPEG).part("back", PNG)).await.status, 204);

    let scored = world.scoring(&id).await;
    assert_eq!((&scored["state"], counters(&scored)), (&json!("SCORED"), [5, 4, 4]));
    let result = &scored["score_result"];
    assert_eq!((&result["global_score"], &result["extracted_values"]["DOCUMENT_NUMBER"]), (&json!(0.93), &json!("12345678Z")));
    assert_eq!(result["scores"], json!([{"score_type": "MRZ_CONTROL_DIGIT", "is_fraud": false, "score": 0.93}]));
    assert_eq!(
        (&scored["provider"], &scored["document"]),
        (&json!("GOOGLE"), &json!({"type": "IDENTITY_CARD", "country": "ES"}))
    );
    let attempts = world.attempts(&id).await;
    assert_eq!(
        (attempts.len(), &attempts[0]["attempt_number"], &attempts[0]["provider_id"]),
        (1, &json!(1), &json!("provider-1"))
    );
    assert_eq!(attempts[0]["score_result"]["trace_metadata"]["browser_installation_id"], "browser-1");
    let asked = world.provider.asked();
    let images = &asked[0].captures;
    let types = [&images.front, &images.back].map(|image| image.as_ref().unwrap().image_type.media_type());
    assert_eq!(types, ["image/jpeg", "image/png"]);
}

#[actix_web::test]
async fn a_creation_that_is_wrong_is_refused_with_the_member_that_is() {
    let world = World::configured().await;
    let with = |pointer: &str, value: Value| {
        let mut body = creation();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[member] = value;
        body
    };
    for (member, body) in [
        ("document.type", with("/document/type", Value::Null)),
        ("document.type", with("/document/type", json!("with spaces"))),
        ("document.country", with("/document/country", Value::Null)),
        ("document.country", with("/document/country", json!("es"))),
        ("document", with("/document", json!("IDENTITY_CARD"))),
        ("provider", with("/provider", json!(""))),
        ("provider", with("/provider", json!("NOBODY"))),
        ("expires_in", with("/expires_in", json!("PT59S"))),
        ("expires_in", with("/expires_in", json!("P31D"))),
        ("max_score_retries", with("/max_score_retries", json!(0))),
        ("max_score_retries", with("/max_score_retries", json!(51))),
    ] {
        let (status, details) = problem(&world.post(SCORINGS, body.clone()).await);
        assert!(status == 400 && details.starts_with(member), "{member}: {status} {details}");
    }
    assert_eq!(World::new().post(SCORINGS, creation()).await.status, 404, "without a sign configuration");
}

#[actix_web::test]
async fn what_is_no_image_is_refused_and_costs_nothing() {
    let world = World::configured().await;
    let id = world.session().await;
    let large = [JPEG, &vec![0; 10 << 20]].concat();
    for (named, status, form) in [
        ("front", 400, Form::new().part("other", JPEG)),
        ("front: the image is empty", 400, Form::new().part("front", "")),
        ("back: not an image", 400, Form::new().part("front", JPEG).part("back", "%PDF-1.7")),
        ("front: HEIC", 400, Form::new().part("front", b"\0\0\0\x18ftypheic\0\0")),
        ("front: the part comes more than once", 400, Form::new().part("front", JPEG).part("front", JPEG)),
        ("back: the part may have", 413, Form::new().part("back", &large)),
    ] {
        let (found, details) = problem(&world.submit(&id, form).await);
        assert!(found == status && details.starts_with(named), "{named}: {found} {details}");
    }
    let session = world.scoring(&id).await;
    assert_eq!((&session["state"], &session["remaining_score_attempts"]), (&json!("CREATED"), &json!(5)));
    assert!(world.attempts(&id).await.is_empty() && world.provider.asked().is_empty());
    assert!(!world.keeps_files().await, "nothing is kept of what was refused");
}

#[actix_web::test]
async fn an_attempt_without_a_result_is_told_by_its_reason() {
    let world = World::configured().await;
    let id = world.session().await;
    world.provider.script([Fate::Fails(Failure::ended("IMAGE_UNREADABLE", "blurred"))]);
    assert_eq!(world.submit_front(&id).await.status, 204);
    let attempts = world.attempts(&id).await;
    assert_eq!((&attempts[0]["fail_reason"], attempts[0].get("score_result")), (&json!("IMAGE_UNREADABLE"), None));
    let session = world.scoring(&id).await;
    assert_eq!((&session["state"], &session["remaining_score_attempts"]), (&json!("CREATED"), &json!(4)));
}

#[actix_web::test]
async fn two_attempts_at_once_are_a_429_that_says_when_to_come_again() {
    let world = World::configured().await;
    let id = world.session().await;
    world.provider.script([Fate::Hangs]);
    let api = world.api();
    let begin = Command::Begin {
        attempt: Uuid::from_u128(1),
        way: scoring::Way::Submit(scoring::Captures::default()),
        device: Device::default(),
    };
    api.engine().processes.scoring.ask("acme", id.parse().unwrap(), begin).await.unwrap();
    let refused = world.submit_front(&id).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "5"));
    assert_eq!(world.scoring(&id).await["remaining_score_attempts"], 4, "only the attempt under way counts");
    assert!(!world.keeps_files().await);
}

#[actix_web::test]
async fn a_pause_that_the_provider_asks_for_is_a_429_and_costs_no_attempt() {
    let world = World::configured().await;
    let id = world.session().await;
    world.provider.script([pause(30)]);
    let paused = world.submit_front(&id).await;
    assert_eq!((paused.status, paused.header("retry-after")), (429, "30"));
    assert_eq!(world.scoring(&id).await["remaining_score_attempts"], 5);
    assert!(!world.keeps_files().await, "the images go with the attempt");
    assert_eq!(world.submit_front(&id).await.status, 429, "until the pause is over");
}

#[actix_web::test]
async fn a_session_without_attempts_closed_or_of_nobody_takes_no_image() {
    let world = World::configured().await;
    let id = world.session_with(|body| body["max_score_retries"] = json!(1)).await;
    assert_eq!(world.submit_front(&id).await.status, 204);
    let (status, details) = problem(&world.submit_front(&id).await);
    assert_eq!((status, details.as_str()), (409, "the scoring session has no attempt left"));
    assert_eq!(world.post(&format!("{SCORINGS}/{id}/close"), json!({})).await.status, 204);
    assert_eq!(world.scoring(&id).await["state"], "SUCCEEDED");
    assert_eq!(problem(&world.submit_front(&id).await).0, 409);
    let open = world.session().await;
    assert_eq!(world.post(&format!("{SCORINGS}/{open}/close"), json!({})).await.status, 204);
    let (status, details) = problem(&world.submit_front(&open).await);
    assert_eq!(
        (status, details.as_str(), &world.scoring(&open).await["state"]),
        (409, "the scoring session is closed", &json!("CREATED"))
    );
    assert_eq!(world.submit_front(NOBODY).await.status, 404);
}

#[actix_web::test]
async fn captures_are_links_that_show_the_images_for_a_while() {
    let world = World::configured().await;
    let id = world.session().await;
    let captures = async || world.got(&format!("{SCORINGS}/{id}/captures")).await.json()["document"].clone();
    assert_eq!(captures().await, json!({"type": "IDENTITY_CARD", "country": "ES", "captures": {}}));
    world.submit_front(&id).await;
    let document = captures().await;
    let link = document["captures"]["front"].as_str().unwrap().strip_prefix("https://sign.example").unwrap().to_owned();
    assert_eq!(document["captures"].get("back"), None);

    let shown = world.call(TestRequest::get().uri(&link)).await;
    assert_eq!((shown.status, shown.body.as_ref()), (200, JPEG));
    let headers = ["content-type", "cache-control", "x-content-type-options"].map(|name| shown.header(name).to_owned());
    assert_eq!(headers, ["image/jpeg", "no-store", "nosniff"]);
    assert_eq!(world.attempts(&id).await[0]["captures"].as_object().unwrap().len(), 1);

    for wrong in
        [format!("{link}x"), link[..link.len() - 2].to_owned(), "/captures/x".into(), link.replace("/captures/", "/public/")]
    {
        assert_eq!(world.call(TestRequest::get().uri(&wrong)).await.status, 404, "{wrong}");
    }
    world.api().engine().processes.scoring.ask("acme", id.parse().unwrap(), Command::Erase).await.unwrap();
    assert_eq!(world.call(TestRequest::get().uri(&link)).await.status, 404, "it ends with its session");
    assert_eq!(world.got(&format!("{SCORINGS}/{id}")).await.status, 404);
}

#[actix_web::test]
async fn a_delegation_tells_its_token_once_and_counts_as_an_attempt() {
    let world = World::configured().await;
    let id = world.session().await;
    let path = format!("{SCORINGS}/{id}/delegate");
    let answer = world.post(&path, json!({"provider_config": "{\"language\":\"es\"}"})).await;
    let expected = json!({"provider_id": "delegated-1", "access_token": "a token of the provider", "provider": "GOOGLE"});
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(world.scoring(&id).await["remaining_delegate_attempts"], 4);
    assert_eq!(world.attempts(&id).await[0]["provider_id"], "delegated-1");
    assert_eq!(world.post(&path, json!({})).await.status, 429, "one attempt at a time");
    let entity = ::store::Entity::new("acme", "scoring", id.parse().unwrap());
    let journal = format!("{:?}", world.entries(&entity).await);
    assert!(!journal.contains("a token of the provider"), "the token is written nowhere");
}

#[actix_web::test]
async fn a_delegation_that_cannot_be_is_refused() {
    let world = World::configured().await;
    let id = world.session().await;
    let path = format!("{SCORINGS}/{id}/delegate");
    for wrong in ["{", "", &format!("\"{}\"", "x".repeat(16 * 1024))] {
        let (status, details) = problem(&world.post(&path, json!({"provider_config": wrong})).await);
        assert!(status == 400 && details.starts_with("provider_config"), "{status} {details}");
    }
    assert_eq!(world.scoring(&id).await["remaining_score_attempts"], 5, "what is wrong costs nothing");
    world.provider.script([Fate::Fails(Failure::ended("PROVIDER_REJECTED", "no")), Fate::Fails(Failure::unavailable("away"))]);
    let (status, details) = problem(&world.post(&path, json!({})).await);
    assert!(status == 409 && details.contains("PROVIDER_REJECTED"), "{status} {details}");
    assert_eq!(world.scoring(&id).await["remaining_score_attempts"], 4);
    let away = world.post(&path, json!({})).await;
    assert_eq!((away.status, away.header("retry-after")), (429, "1"), "who is away for a moment costs no attempt");
    assert_eq!(world.scoring(&id).await["remaining_score_attempts"], 4);
    let internal = world.session_with(|body| body["provider"] = json!("INTERNAL")).await;
    assert_eq!(problem(&world.post(&format!("{SCORINGS}/{internal}/delegate"), json!({})).await).0, 409);
    let delegated = world.session_with(|body| body["provider"] = json!("DELEGATED")).await;
    assert_eq!(problem(&world.submit_front(&delegated).await).0, 409);
    assert_eq!(world.scoring(&delegated).await["remaining_score_attempts"], 5);
}

#[actix_web::test]
async fn a_document_that_passes_validates_and_closes_its_session() {
    let world = World::configured().await;
    let (id, session) = world.identification().await;
    let new = world.shown(&id).await;
    assert_eq!(
        (&new["state"], &new["scoring_id"], &new["remaining_validation_attempts"]),
        (&json!("CREATED"), &json!(session), &json!(3))
    );
    assert_eq!(world.scoring(&session).await["provider"], "INTERNAL");
    let (status, details) = problem(&world.validate(&id).await);
    assert!(status == 409 && details.contains("no scoring result yet"), "{status} {details}");

    assert_eq!(world.submit_front(&session).await.status, 204);
    let validated = world.validate(&id).await;
    assert_eq!(validated.status, 204);
    assert!(validated.header("x-access-token").split('.').count() == 3);
    let shown = world.shown(&id).await;
    assert_eq!((&shown["state"], &shown["remaining_validation_attempts"]), (&json!("VALIDATED"), &json!(3)));
    assert_eq!(world.scoring(&session).await["state"], "SUCCEEDED", "what proved it stays as it was");
    assert_eq!(world.validate(&id).await.status, 409);
    assert_eq!(world.post(&format!("{IDENTIFICATIONS}/{id}/close"), json!({})).await.status, 204);
    assert_eq!(world.shown(&id).await["state"], "SUCCEEDED");
}

#[actix_web::test]
async fn a_document_that_does_not_pass_fails_the_identification_at_the_last_validation() {
    let world = World::configured().await;
    let (id, session) = world.identification().await;
    world.provider.script([Fate::DoesNotPass]);
    world.submit_front(&session).await;
    for left in [2, 1, 0] {
        assert_eq!(world.validate(&id).await.status, 409);
        assert_eq!(world.shown(&id).await["remaining_validation_attempts"], left);
    }
    assert_eq!(world.shown(&id).await["state"], "FAILED");
    assert_eq!(world.scoring(&session).await["state"], "FAILED");
    assert_eq!(world.post(&format!("{IDENTIFICATIONS}/{id}/close"), json!({})).await.status, 409);
}

#[actix_web::test]
async fn a_cancelled_identification_takes_its_session_along() {
    let world = World::configured().await;
    let (id, session) = world.identification().await;
    let cancel = format!("{IDENTIFICATIONS}/{id}/cancel");
    assert_eq!(world.post(&cancel, json!({"reason": " "})).await.status, 400);
    assert_eq!(world.post(&cancel, json!({"reason": "a mistake"})).await.status, 204);
    assert_eq!(world.shown(&id).await["state"], "CANCELLED");
    assert_eq!(problem(&world.submit_front(&session).await), (409, "the scoring session is closed".to_owned()));
    assert_eq!(world.post(&cancel, json!({"reason": "again"})).await.status, 409);
}

#[actix_web::test]
async fn an_identification_is_asked_for_with_its_actor_or_in_the_legacy_way() {
    let world = World::configured().await;
    let legacy = json!({"name": "Leo", "identity_document": {"document_number": "X1", "document_type": "PASSPORT"}});
    let (id, _) = world.identification_with(legacy.clone()).await;
    assert_eq!(world.shown(&id).await["actor"]["name"], "Leo");
    let mut both = legacy;
    both["actor"] = actor();
    let (id, session) = world.identification_with(both).await;
    assert_eq!(world.shown(&id).await["actor"]["name"], "Ana", "actor wins");
    assert_eq!(world.scoring(&session).await["document"], json!({"type": "NIF", "country": "ES"}));
    let limit = world.shown(&id).await["expiration_date"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!((limit - world.state.now()).num_days() >= 29, "30 days unless said otherwise");
    for (member, body) in [
        ("actor.identity_document", json!({})),
        ("actor.identity_document", json!({"actor": {"name": "Ana"}})),
        (
            "actor.identity_document.country",
            json!({"identity_document": {"document_number": "1", "document_type": "IDENTITY_CARD"}}),
        ),
        ("expires_in", json!({"actor": actor(), "expires_in": "P31D"})),
        ("configuration_name", json!({"actor": actor(), "configuration_name": "HIGHEST"})),
        ("scoring.provider", json!({"actor": actor(), "scoring": {"provider": "NOBODY"}})),
    ] {
        let (status, details) = problem(&world.post(IDENTIFICATIONS, body).await);
        assert!(status == 400 && details.starts_with(member), "{member}: {status} {details}");
    }
}
