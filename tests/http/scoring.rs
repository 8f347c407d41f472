//! Scoring sessions and identification by identity document, with an organization's own provider that says of an image what the image asks for.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    NOBODY, address,
    journey::evidence,
    own, pdf,
    support::{Answer, Client, Device, Form, Journey, PATIENCE, Server, wait_for},
};

const CONFIG: &str = "[scoring]\nplain_http = true\nprivate_networks = [\"127.0.0.0/8\"]\nretries = 0\n";

/// An image whose content tells the provider what to say of it.
fn image(content: &str) -> Vec<u8> {
    [b"\xFF\xD8\xFF\xE0 ".as_slice(), content.as_bytes()].concat()
}

/// The organization's own endpoint (docs/scoring-providers.md). Scores of 0.93 for an image that says `pass`, of 0.12 for `fail`; a 429 for
/// `pause`; no answer for `wait` until the test lets it go.
pub struct Provider {
    base: String,
    let_go: mpsc::Sender<()>,
    waits: Arc<Mutex<bool>>,
}

impl Provider {
    /// Lets one question go that waits, or that will.
    pub fn let_go(&self) {
        self.let_go.send(()).expect("it waits");
    }

    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (let_go, gone) = mpsc::channel();
        let (gone, waits) = (Arc::new(Mutex::new(gone)), Arc::new(Mutex::new(false)));
        let waiting = waits.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (gone, waiting) = (gone.clone(), waiting.clone());
                thread::spawn(move || serve(stream, &gone, &waiting));
            }
        });
        Self { base, let_go, waits }
    }
}

/// The path and the body of one request.
fn request(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(told) = line.to_lowercase().strip_prefix("content-length: ") {
            length = told.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).ok()?))
}

fn serve(mut stream: TcpStream, gone: &Mutex<mpsc::Receiver<()>>, waits: &Mutex<bool>) {
    let Some((path, body)) = request(&mut stream) else { return };
    let id = &body["id"];
    let content = body["front"]["content"].as_str().or(body["back"]["content"].as_str()).unwrap_or_default();
    let says = String::from_utf8_lossy(&STANDARD.decode(content).expect("base64")).into_owned();
    let score = |score: f64, is_fraud: bool| {
        json!({"id": id, "provider_id": "request-1", "global_score": score,
            "scores": [{"score_type": "MRZ_CONTROL_DIGIT", "is_fraud": is_fraud, "score": score}],
            "extracted_values": {"NAME": "ANA"}})
    };
    if says.contains("wait") {
        *waits.lock().expect("no panic") = true;
        let _ = gone.lock().expect("no panic").recv_timeout(PATIENCE);
    }
    let (status, more, answer) = match path.as_str() {
        "/delegations" => ("200 OK", "", json!({"id": id, "provider_id": "delegation-1", "access_token": "their-token"})),
        "/results" => ("200 OK", "", score(0.93, false)),
        _ if says.contains("pause") => ("429 Too Many Requests", "retry-after: 7\r\n", json!({})),
        _ if says.contains("fail") => ("200 OK", "", score(0.12, true)),
        _ => ("200 OK", "", score(0.93, false)),
    };
    let body = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
}

/// A server whose organization has the provider.
pub fn connected() -> (Server, Journey, Provider) {
    connected_with("")
}

/// As [`connected`], with more options in the section of the configuration about scoring.
pub fn connected_with(more: &str) -> (Server, Journey, Provider) {
    let (server, journey) = own(Some(&format!("{CONFIG}{more}")));
    let provider = Provider::start();
    let secret = STANDARD.encode([7; 32]);
    let config = json!({
        "providers": [{"provider_type": "EXTERNAL"}],
        "connections": {"EXTERNAL": {"base_url": provider.base, "secret": secret}},
    });
    let form = Form::new().part("identification_config", config.to_string());
    journey.client.patch(&journey.path("sign_process/configurations")).form(form).send().expect(204);
    (server, journey, provider)
}

pub fn creation() -> Value {
    json!({"document": {"type": "IDENTITY_CARD", "country": "ES"}, "provider": "EXTERNAL", "expires_in": "PT1H"})
}

pub fn scorings(journey: &Journey, rest: &str) -> String {
    journey.path(&format!("scorings/identity_document{rest}"))
}

pub fn identifications(journey: &Journey, rest: &str) -> String {
    journey.path(&format!("identifications/identity_document{rest}"))
}

pub fn session(journey: &Journey) -> String {
    journey.client.post(&scorings(journey, "")).json(&creation()).send().expect(200).text("id")
}

fn scoring(journey: &Journey, id: &str) -> Value {
    journey.client.get(&scorings(journey, &format!("/{id}"))).send().expect(200).json()
}

pub fn submit(client: &Client, journey: &Journey, id: &str, content: &str) -> Answer {
    let call = client.put(&scorings(journey, &format!("/{id}/score"))).headers(Device::HEADERS);
    call.form(Form::new().part("front", image(content))).send()
}

pub fn actor() -> Value {
    json!({"name": "Ana", "identity_document": {"document_number": "12345678Z", "document_type": "NIF"}})
}

pub fn identification(journey: &Journey) -> (String, String) {
    let body = json!({"actor": actor(), "scoring": {"provider": "EXTERNAL"}, "configuration_name": "HIGH"});
    let answer = journey.client.post(&identifications(journey, "")).json(&body).send().expect(200);
    (answer.text("id"), answer.text("scoring_id"))
}

pub fn shown(journey: &Journey, id: &str) -> Value {
    journey.client.get(&identifications(journey, &format!("/{id}"))).send().expect(200).json()
}

pub fn validate(client: &Client, journey: &Journey, id: &str) -> Answer {
    client.post(&identifications(journey, &format!("/{id}/validate"))).headers(Device::HEADERS).send()
}

#[test]
fn images_are_scored_shown_and_closed() {
    let (server, journey, _provider) = connected();
    let id = session(&journey);
    assert_eq!(scoring(&journey, &id)["state"], "CREATED");
    let captures = || journey.client.get(&scorings(&journey, &format!("/{id}/captures"))).send().expect(200).json();
    assert_eq!(captures()["document"]["captures"], json!({}));
    submit(&journey.client, &journey, &id, "pass").expect(204);
    let scored = scoring(&journey, &id);
    assert_eq!((&scored["state"], &scored["score_result"]["global_score"]), (&json!("SCORED"), &json!(0.93)));
    let attempts = journey.client.get(&scorings(&journey, &format!("/{id}/attempts"))).send().expect(200).json();
    assert_eq!(attempts["attempts"][0]["provider_id"], "request-1");
    let link = captures()["document"]["captures"]["front"].as_str().expect("a link").to_owned();
    let path = link.strip_prefix(server.base()).expect("a link to this server").to_owned();
    let shown = server.anonymous().get(&path).send().expect(200);
    assert_eq!((shown.body.as_slice(), shown.header("cache-control")), (image("pass").as_slice(), "no-store"));
    journey.client.post(&scorings(&journey, &format!("/{id}/close"))).send().expect(204);
    assert_eq!(scoring(&journey, &id)["state"], "SUCCEEDED");
    submit(&journey.client, &journey, &id, "pass").expect_problem(409, "CONFLICT");
    let log = server.log();
    assert!(!log.contains(&STANDARD.encode(image("pass"))) && !log.contains("their-token"), "nothing of it is in the log");
}

#[test]
fn a_session_that_cannot_be_is_refused() {
    let (server, journey, _provider) = connected();
    let mut wrong = creation();
    wrong["expires_in"] = json!("PT1S");
    journey.client.post(&scorings(&journey, "")).json(&wrong).send().expect_problem(400, "INVALID_INPUT");
    let mut unknown = creation();
    unknown["provider"] = json!("ACME_SCORING");
    let refused = journey.client.post(&scorings(&journey, "")).json(&unknown).send().expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("provider: "), "{refused}");
    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    other.client.post(&scorings(&other, "")).json(&creation()).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    let body = json!({"actor": actor()});
    other.client.post(&identifications(&other, "")).json(&body).send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn what_is_no_image_is_refused_and_the_counters_stay() {
    let (_server, journey, _provider) = connected();
    let id = session(&journey);
    let path = scorings(&journey, &format!("/{id}/score"));
    for form in [
        Form::new().part("other", image("pass")),
        Form::new().part("front", ""),
        Form::new().part("front", pdf()),
        Form::new().part("back", b"\0\0\0\x18ftypheic\0\0"),
        Form::new().part("front", image("pass")).part("front", image("pass")),
    ] {
        journey.client.put(&path).headers(Device::HEADERS).form(form).send().expect_problem(400, "INVALID_INPUT");
    }
    let mixed = Form::new().disposed("attachment; name=\"front\"", image("pass"));
    journey.client.put(&path).headers(Device::HEADERS).form_as(mixed, "multipart/mixed").send().expect(204);
    assert_eq!(scoring(&journey, &id)["remaining_score_attempts"], 4, "only what was scored counts");
}

#[test]
fn two_at_once_and_a_provider_that_wants_a_pause_are_told_when_to_come_again() {
    let (_server, journey, provider) = connected();
    let id = session(&journey);
    thread::scope(|scope| {
        let first = scope.spawn(|| submit(&journey.client, &journey, &id, "wait and pass"));
        wait_for("the provider to be asked", PATIENCE, || provider.waits.lock().expect("no panic").then_some(()));
        let second = submit(&journey.client, &journey, &id, "pass").expect_problem(429, "CONFLICT");
        assert!(second.header("retry-after").parse::<u32>().is_ok(), "{second}");
        provider.let_go();
        first.join().expect("no panic").expect(204);
    });
    let paused = submit(&journey.client, &journey, &id, "pause").expect_problem(429, "CONFLICT");
    assert!(paused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 7), "{paused}");
    assert_eq!(scoring(&journey, &id)["remaining_score_attempts"], 4, "a pause costs no attempt");
}

#[test]
fn a_delegation_comes_back_with_its_result() {
    let (server, journey, _provider) = connected();
    let id = session(&journey);
    let path = scorings(&journey, &format!("/{id}/delegate"));
    journey.client.post(&path).json(&json!({"provider_config": "{"})).send().expect_problem(400, "INVALID_INPUT");
    let delegated = journey.client.post(&path).json(&json!({"provider_config": "{}"})).send().expect(200);
    assert_eq!((delegated.text("access_token"), delegated.text("provider_id")), ("their-token".into(), "delegation-1".into()));
    journey.client.post(&path).json(&json!({})).send().expect_problem(429, "CONFLICT");
    server.advance("PT10S");
    wait_for("the result", PATIENCE, || (scoring(&journey, &id)["state"] == "SCORED").then_some(()));
}

#[test]
fn an_open_session_expires_and_a_closed_one_does_not() {
    let (server, journey, _provider) = connected();
    let (open, closed) = (session(&journey), session(&journey));
    journey.client.post(&scorings(&journey, &format!("/{closed}/close"))).send().expect(204);
    server.advance("PT1H");
    assert_eq!(
        (&scoring(&journey, &open)["state"], &scoring(&journey, &closed)["state"]),
        (&json!("EXPIRED"), &json!("CREATED"))
    );
    let refused = submit(&journey.client, &journey, &open, "pass").expect_problem(409, "CONFLICT");
    assert!(refused.details().contains("EXPIRED"), "{refused}");
}

#[test]
fn an_identity_document_identifies_by_its_scoring() {
    let (_server, journey, _provider) = connected();
    let (id, session) = identification(&journey);
    assert_eq!(shown(&journey, &id)["scoring_id"], session.as_str());
    validate(&journey.client, &journey, &id).expect_problem(409, "CONFLICT");
    submit(&journey.client, &journey, &session, "fail").expect(204);
    validate(&journey.client, &journey, &id).expect_problem(409, "CONFLICT");
    assert_eq!(shown(&journey, &id)["remaining_validation_attempts"], 2);
    submit(&journey.client, &journey, &session, "pass").expect(204);
    let validated = validate(&journey.client, &journey, &id).expect(204);
    assert!(!validated.header("x-access-token").is_empty());
    let close = identifications(&journey, &format!("/{id}/close"));
    journey.client.post(&close).send().expect(204);
    journey.client.post(&close).send().expect_problem(409, "CONFLICT");
    assert_eq!(
        (&shown(&journey, &id)["state"], &scoring(&journey, &session)["state"]),
        (&json!("SUCCEEDED"), &json!("SUCCEEDED"))
    );
    let cancel = |id: &str| {
        journey.client.post(&identifications(&journey, &format!("/{id}/cancel"))).json(&json!({"reason": "a mistake"})).send()
    };
    cancel(&id).expect_problem(409, "CONFLICT");
    let (other, session) = identification(&journey);
    cancel(&other).expect(204);
    submit(&journey.client, &journey, &session, "pass").expect_problem(409, "CONFLICT");
    for body in [json!({}), json!({"actor": actor(), "expires_in": "P31D"})] {
        journey.client.post(&identifications(&journey, "")).json(&body).send().expect_problem(400, "INVALID_INPUT");
    }
    validate(&journey.client, &journey, NOBODY).expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn a_signer_signs_by_an_identity_document_and_the_evidence_shows_the_check() {
    let (server, journey, _provider) = connected();
    let document = journey.upload("contract.pdf", &pdf());
    let mut signer = Journey::signer("buyer", &address());
    signer["identity_document"] = actor()["identity_document"].clone();
    let mut creation = Journey::creation(&[signer], &[&document]);
    creation["identification"] = json!({"type": "IDENTITY_DOCUMENT"});
    let process = journey.create(&creation);
    let signer = journey.signers(&process).remove(0);
    let session = shown(&journey, &signer.identification)["scoring_id"].as_str().expect("a session").to_owned();

    let securize = journey.client.post(&journey.path("securize")).json(&json!({"sign_process_id": process})).send().expect(201);
    let page = server.client_with(&securize.text("web_component_token"));
    submit(&page, &journey, &session, "pass").expect(204);
    let attempts = page.get(&scorings(&journey, &format!("/{session}/attempts"))).send().expect(200).json();
    assert_eq!(attempts["attempts"][0].get("captures"), None, "links to images are the organization's");
    page.get(&scorings(&journey, &format!("/{session}/captures"))).send().expect_problem(401, "UNAUTHORIZED");
    page.post(&scorings(&journey, &format!("/{session}/close"))).send().expect_problem(401, "UNAUTHORIZED");
    let stranger = identification(&journey).1;
    submit(&page, &journey, &stranger, "pass").expect_problem(401, "UNAUTHORIZED");

    let token = validate(&page, &journey, &signer.identification).expect(204).header("x-access-token").to_owned();
    let own = Journey::new(server.client_with(&token));
    own.sign(&signer.sign).expect(204);
    let certified = journey.until(&process, "CERTIFIED");
    let certificate = journey.download(certified["certificate_id"].as_str().expect("a certificate"));
    let evidence = evidence(&certificate);
    let identification = evidence.signers[0].identification.as_ref().expect("an identification");
    let scoring = identification.scoring.as_ref().expect("a scoring");
    let attempt = &scoring.attempts[0];
    assert_eq!((identification.kind.as_str(), scoring.provider.as_str()), ("IDENTITY_DOCUMENT", "EXTERNAL"));
    assert_eq!((attempt.passing, attempt.checks[0].kind.as_str()), (Some(true), "MRZ_CONTROL_DIGIT"));
    assert_eq!(attempt.images[0].size, image("pass").len() as u64);
    assert_eq!(evidence.journals.len(), 3, "the process, the identification and its session");
}
