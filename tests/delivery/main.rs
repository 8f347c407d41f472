//! Codes on their way out of a server of its own, to a mail server and a gateway of the test: they arrive, late if need be,
//! and never twice.

mod fates;
mod receipts;
mod receivers;
#[path = "../support/mod.rs"]
mod support;

use std::{collections::HashSet, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use receivers::{Mood, Receiver, until};
use support::{Options, Server};

/// The server's time for one attempt, and then its lease, are short: what is given up is given up within the test.
const PROCESSES: &str = r#"
[codes]
per_destination_and_hour = 0
per_organization_and_minute = 0
cooldown_seconds = [0]
[processes]
effect_timeout = "PT2S"
effect_lease = "PT3S"
[log]
filter = "warn"
"#;

/// A server whose channels are real, and its organization's client.
struct World {
    /// `None` between two servers.
    server: Option<Server>,
    options: Options,
    http: reqwest::Client,
    // Goes last, after the server in it.
    folder: TempDir,
}

impl World {
    fn new(channels: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!("{PROCESSES}[channels]\nsandbox = false\n{channels}");
        let options = Options { config: Some(config), ..Options::on(folder.path()) };
        let server = tokio::task::block_in_place(|| Server::start_with(options.clone()));
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().expect("a client");
        Self { server: Some(server), options, http, folder }
    }

    fn with_mail(port: u16) -> Self {
        Self::new(&format!(
            "[channels.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"Rubrica <no-reply@example.org>\"\n"
        ))
    }

    /// A gateway that does not know a repetition when it sees one.
    fn with_gateway(port: u16) -> Self {
        Self::new(&format!(
            "[channels.gateway.sms]\nurl = \"http://127.0.0.1:{port}/send\"\nplain_http = true\ntimeout_ms = 1000\nidempotent = false\n\
             body = '{{\"ref\":\"{{{{ref}}}}\",\"to\":\"{{{{to}}}}\",\"text\":\"{{{{text}}}}\"}}'\n"
        ))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let server = self.server.as_ref().expect("it runs");
        let mut request = self.http.request(method, format!("{}{path}", server.base())).bearer_auth(server.bearer());
        for (name, value) in [("x-installation_id", "i1"), ("x-fingerprint", "f1"), ("user-agent", "rubrica-delivery-test")] {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.expect("a whole answer")).unwrap_or_default())
    }

    /// A new identification over the channel; its path.
    async fn identification(&self, channel: &str) -> String {
        let actor = json!({
            "name": "Ana", "language": "EN", "email": "ana@example.org",
            "msisdn": {"phone_number": 600_111_222, "country_code": "34"},
        });
        let creation = json!({"actor": actor, "expires_in": "P1D", "channel": {"type": channel}});
        let (status, created) = self.ask(Method::POST, "/v1/orgs/acme/identifications/otp", Some(creation)).await;
        assert_eq!(status, 201, "{created}");
        format!("/v1/orgs/acme/identifications/otp/{}", created["id"].as_str().expect("an identifier"))
    }

    async fn challenge(&self, identification: &str) {
        let (status, answer) = self.ask(Method::PUT, &format!("{identification}/challenge"), Some(json!({}))).await;
        assert_eq!(status, 204, "{answer}");
    }

    async fn validate(&self, identification: &str, code: &str) {
        let (status, answer) = self.ask(Method::PUT, &format!("{identification}/validate"), Some(json!({"code": code}))).await;
        assert_eq!(status, 204, "{answer}");
    }

    /// Ends the server well, with all that it still does.
    fn stop(&mut self) {
        let server = self.server.take().expect("it runs");
        let status = tokio::task::block_in_place(|| server.terminate());
        assert_eq!(status.code(), Some(0), "{}", self.log());
    }

    fn kill(&mut self) {
        self.server.take().expect("it runs").kill();
    }

    fn start(&mut self) {
        self.server = Some(tokio::task::block_in_place(|| Server::start_with(self.options.clone())));
    }

    /// What all servers logged.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).expect("a log")
    }

    /// Waits until so many effects were given up, which an operator sees in the log.
    async fn wait_for_given_up(&self, effects: usize) {
        until("effects that were given up", || self.log().matches("an effect was given up").count() >= effects).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_arrives_by_mail_and_once() {
    let mail = Receiver::mail(Mood::Takes).await;
    let mut world = World::with_mail(mail.port);
    let identification = world.identification("EMAIL").await;

    world.challenge(&identification).await;
    let code = mail.wait_for(1).await[0].code().to_owned();
    world.validate(&identification, &code).await;

    world.stop();
    assert_eq!(mail.received().len(), 1, "the code was sent again");
    assert!(!world.log().contains(&code), "the code is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_sandbox_where_it_is_off() {
    let mail = Receiver::mail(Mood::Takes).await;
    let world = World::with_mail(mail.port);
    for (method, path, body) in [
        (Method::GET, "/sandbox", None),
        (Method::GET, "/sandbox/messages", None),
        (Method::POST, "/sandbox/clock", Some(json!({"advance": "PT1H"}))),
    ] {
        let (status, answer) = world.ask(method.clone(), path, body).await;
        assert_eq!(status, 404, "{method} {path}: {answer}");
    }
    assert!(!world.folder.path().join("sandbox").exists(), "an outbox was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_waits_for_a_mail_server_that_is_down() {
    let mail = Receiver::mail(Mood::Refuses).await;
    let mut world = World::with_mail(mail.port);
    let identification = world.identification("EMAIL").await;

    world.challenge(&identification).await;
    mail.wait_for_refusals(2).await;
    assert!(mail.received().is_empty());
    mail.behave(Mood::Takes);

    let received = mail.wait_for(1).await;
    world.validate(&identification, received[0].code()).await;
    world.stop();
    assert_eq!(mail.received().len(), 1, "the code was sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_waits_for_a_gateway_that_is_down_and_for_a_server_that_was_killed_meanwhile() {
    let gateway = Receiver::gateway(Mood::Refuses).await;
    let mut world = World::with_gateway(gateway.port);
    let identification = world.identification("SMS").await;

    world.challenge(&identification).await;
    gateway.wait_for_refusals(1).await;
    // Between the attempts, or in one of them that the gateway refuses.
    world.kill();
    world.start();
    gateway.behave(Mood::Takes);

    // The attempt at which the server was killed may have been one whose end nobody knows: then another code is asked for.
    let given_up = || world.log().contains("an effect was given up");
    until("message or given-up attempt", || !gateway.received().is_empty() || given_up()).await;
    if gateway.received().is_empty() {
        world.challenge(&identification).await;
    }
    let received = gateway.wait_for(1).await;
    world.validate(&identification, received[0].code()).await;
    world.stop();
    assert_eq!(gateway.received().len(), 1, "the code was sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_not_sent_again_when_the_gateway_leaves_open_whether_it_took_it() {
    let gateway = Receiver::gateway(Mood::Hangs).await;
    let mut world = World::with_gateway(gateway.port);
    let identification = world.identification("SMS").await;

    world.challenge(&identification).await;
    gateway.wait_for(1).await;
    world.wait_for_given_up(1).await;
    // A new start looks at everything again.
    world.stop();
    world.start();
    gateway.behave(Mood::Takes);
    world.challenge(&identification).await;

    let received = gateway.wait_for(2).await;
    assert_ne!(received[0].reference, received[1].reference, "the first code was sent again");
    assert!(!received[0].accepted && received[1].accepted);
    world.validate(&identification, received[1].code()).await;
    world.stop();
    assert_eq!(gateway.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_not_send_again_what_a_killed_one_was_sending() {
    let gateway = Receiver::gateway(Mood::Hangs).await;
    let mut world = World::with_gateway(gateway.port);
    let mut sent = 0;
    for _ in 0..3 {
        let identification = world.identification("SMS").await;
        world.challenge(&identification).await;
        sent += 1;
        gateway.wait_for(sent).await;
        world.kill();
        world.start();
        // The next server finds the attempt in the journal, and no end of it.
        world.wait_for_given_up(sent).await;
    }
    world.stop();
    let references: Vec<String> = gateway.received().into_iter().map(|received| received.reference).collect();
    let different: HashSet<&String> = references.iter().collect();
    assert_eq!((references.len(), different.len()), (sent, sent), "{references:?}");
}
