//! Reports of a gateway on the codes that it took.

use actors::journal;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{TimeDelta, Utc};
use rubrica::{
    keys::Keys,
    receipts::{Kind, Receipts, Subject},
};
use store::Entity;
use uuid::Uuid;
use workflows::{
    Channel, Machine,
    identification::otp::{CodeEvent, Event, Otp, ReceiptStatus},
};

use crate::{
    World,
    receivers::{Mood, Receiver},
    support::MASTER,
};

/// Where the world reaches the server, as the gateway is told; the test goes to the server itself.
const BASE: &str = "https://sign.example.org";
const JSON: &str = "application/json";

impl World {
    /// A gateway that reports in JSON.
    fn with_reports(port: u16) -> Self {
        Self::new(&format!(
            "[channels.gateway.sms]\nurl = \"http://127.0.0.1:{port}/send\"\nplain_http = true\n\
             body = '{{\"ref\":\"{{{{ref}}}}\",\"text\":\"{{{{text}}}}\",\"receipt_url\":\"{{{{receipt_url}}}}\"}}'\n\
             [channels.gateway.sms.receipt]\nstatus = \"/status\"\nstatuses = {{ sent = \"sent\", arrived = \"delivered\" }}\n\
             [server]\npublic_base_url = \"{BASE}\"\n[keys]\nmaster = \"{}\"\n",
            STANDARD.encode(MASTER)
        ))
    }

    /// Posts a report without any bearer to an address that the gateway was given.
    pub async fn report(&self, url: &str, media_type: &str, body: impl Into<reqwest::Body>) -> u16 {
        let path = url.strip_prefix(BASE).expect("an address of this server");
        let url = format!("{}{path}", self.server.as_ref().expect("it runs").base());
        let request = self.http.post(url).header("content-type", media_type).body(body);
        request.send().await.expect("an answer").status().as_u16()
    }

    /// The receipts in the journal of an identification, once the server is stopped.
    async fn receipts(&self, identification: &str) -> Vec<(ReceiptStatus, String)> {
        let receipt = |event| match event {
            Event::Own(CodeEvent::Receipt { status, word, .. }) => Some((status, word)),
            _ => None,
        };
        events(self, identification).await.into_iter().filter_map(receipt).collect()
    }
}

/// What happened to an identification, once the server is stopped.
pub async fn events(world: &World, identification: &str) -> Vec<Event> {
    let id: Uuid = identification.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an identifier");
    let store = world.options.keeps.open(world.folder.path()).await;
    let sealer = world.options.keeps.sealer(world.folder.path());
    let lines = journal::read::<Event>(&*store, &sealer, &Entity::new("acme", Otp::KIND, id)).await.expect("a journal");
    lines.iter().filter_map(|line| line.event().cloned()).collect()
}

fn said(word: &str) -> String {
    format!("{{\"status\":\"{word}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_reports_of_a_code_is_journaled() {
    let gateway = Receiver::gateway(Mood::Takes).await;
    let mut world = World::with_reports(gateway.port);
    let identification = world.identification("SMS").await;
    world.challenge(&identification).await;
    let received = gateway.wait_for(1).await.remove(0);

    assert_eq!(world.report(&received.receipt_url, JSON, said("sent")).await, 204);
    // A repetition, and a word that is not known.
    assert_eq!(world.report(&received.receipt_url, JSON, said("sent")).await, 204);
    assert_eq!(world.report(&received.receipt_url, JSON, said("pondering")).await, 204);
    assert_eq!(world.report(&received.receipt_url, JSON, said("arrived")).await, 204);
    world.validate(&identification, received.code()).await;
    let (status, answer) = world.ask(reqwest::Method::POST, &format!("{identification}/close"), None).await;
    assert_eq!(status, 204, "{answer}");
    // Too late to matter.
    assert_eq!(world.report(&received.receipt_url, JSON, said("sent")).await, 204);

    world.stop();
    let expected = [(ReceiptStatus::Sent, "sent".to_owned()), (ReceiptStatus::Delivered, "arrived".to_owned())];
    assert_eq!(world.receipts(&identification).await, expected);
    let token = received.receipt_url.rsplit('/').next().expect("a token");
    assert!(!world.log().contains(token), "the token is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_needs_an_address_that_the_gateway_was_given_and_the_configured_form() {
    let gateway = Receiver::gateway(Mood::Takes).await;
    let mut world = World::with_reports(gateway.port);
    let identification = world.identification("SMS").await;
    world.challenge(&identification).await;
    let url = gateway.wait_for(1).await.remove(0).receipt_url;
    let id = identification.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an identifier");

    let mut forged = url.clone();
    let last = forged.pop().expect("a token");
    forged.insert(forged.len() - 8, last);
    assert_eq!(world.report(&forged, JSON, said("sent")).await, 404);
    assert_eq!(world.report(&format!("{BASE}/receipts/guess"), JSON, said("sent")).await, 404);
    let subject = Subject {
        organization: "acme".into(),
        kind: Kind::Otp,
        id,
        challenge: Uuid::nil(),
        channel: Channel::Sms,
        external: false,
        provider: None,
    };
    let receipts = Receipts::new(Keys::from_bytes(&MASTER), Some(BASE.into()));
    let at = |days| receipts.url(&subject, Utc::now() - TimeDelta::days(days)).expect("an address");
    assert_eq!(world.report(&at(8), JSON, said("sent")).await, 410);
    // A challenge that is not there.
    assert_eq!(world.report(&at(1), JSON, said("sent")).await, 204);
    assert_eq!(world.report(&url, "application/x-www-form-urlencoded", "status=sent").await, 400);
    assert_eq!(world.report(&url, JSON, "x".repeat(64 * 1024 + 1)).await, 413);

    world.stop();
    assert_eq!(world.receipts(&identification).await, []);
}
