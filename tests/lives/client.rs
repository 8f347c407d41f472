//! What the clients do: whole lives of identifications and sign processes, each step repeated until it is answered.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use documents::fixtures;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    api::{Answer, Api, Body},
    ledger::{Document, Ledger},
};

/// Longest time of one identification. Messages of which the server lost sight come after a lease of process time, which the
/// test moves forward at restarts.
const PATIENCE: Duration = Duration::from_secs(90);

/// Without a new message for so long, another code is asked for.
const MESSAGE: Duration = Duration::from_secs(5);

/// Between two looks into the outbox.
const PAUSE: Duration = Duration::from_millis(20);

pub fn identification_path(id: Uuid) -> String {
    format!("/v1/orgs/acme/identifications/otp/{id}")
}

pub fn process_path(id: Uuid) -> String {
    format!("/v1/orgs/acme/sign_process/{id}")
}

fn id_of(value: &Value) -> Uuid {
    value.as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no identifier: {value}"))
}

/// Where one-time codes arrive.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// The newest message with a code to somebody: its identifier, and the code.
    async fn newest(&self, to: &str) -> Option<(String, String)>;

    /// Whether mail arrives, too. Text messages always do.
    fn takes_mail(&self) -> bool;
}

/// The outbox of a server's sandbox.
pub struct Outbox(pub Api);

#[async_trait]
impl Inbox for Outbox {
    async fn newest(&self, to: &str) -> Option<(String, String)> {
        let path = format!("/sandbox/messages?limit=20&to={}", to.replace('+', "%2B"));
        let messages = self.0.get(&path).await.expect(200, "reading the outbox").json();
        messages.as_array().expect("an array").iter().find_map(|message| {
            let code = code_in(message["text"].as_str()?)?;
            Some((message["id"].as_str()?.to_owned(), code))
        })
    }

    fn takes_mail(&self) -> bool {
        true
    }
}

/// A client of the organization. `number` tells it from all others.
#[derive(Clone)]
pub struct Client {
    pub api: Api,
    pub inbox: Arc<dyn Inbox>,
    pub ledger: Ledger,
    pub number: usize,
    /// Servers die of which others take over what they had begun: a process may learn only later that its signer is identified.
    pub taken_over: bool,
}

impl Client {
    /// An identification from its creation to its end, of the many kinds of which `life` picks one.
    pub async fn identification(&self, life: usize) {
        let (actor, channel, destination) = if life.is_multiple_of(2) && self.inbox.takes_mail() {
            let address = format!("actor-{}-{life}@example.org", self.number);
            (json!({"name": "Ana", "email": address}), "EMAIL", address)
        } else {
            let (msisdn, destination) = self.phone(life, 0);
            (json!({"name": "Ana", "msisdn": msisdn}), "SMS", destination)
        };
        let creation = json!({"actor": actor, "expires_in": "P20D", "channel": {"type": channel}});
        let created =
            self.api.post("/v1/orgs/acme/identifications/otp", creation).await.expect(201, "creating an identification");
        let id = id_of(&created.json()["id"]);
        self.ledger.identification(id, "CREATED");
        assert_eq!(self.state(id).await, "CREATED", "identification {id}, read after it was created");
        if life % 7 == 3 {
            let path = format!("{}/cancel", identification_path(id));
            let answer = self.api.post(&path, json!({"reason": "no longer wanted"})).await;
            self.settled(id, answer, "CANCELLED").await;
            return;
        }
        self.identify(id, &destination).await;
        self.ledger.identification(id, "VALIDATED");
        let answer = self.api.ask(Method::POST, &format!("{}/close", identification_path(id)), Body::None).await;
        self.settled(id, answer, "SUCCEEDED").await;
    }

    /// The step that leads to `state` was acknowledged, or it had been done before by a call without an answer.
    async fn settled(&self, id: Uuid, answer: Answer, state: &'static str) {
        assert!(answer.status == 204 || (answer.doubtful && answer.status == 409), "identification {id}: {}", answer.text());
        assert_eq!(self.state(id).await, state, "identification {id}, read after the answer: {}", answer.text());
        self.ledger.identification(id, state);
    }

    /// A number of this client's own for one signer of a life, and how messages are addressed to it.
    fn phone(&self, life: usize, signer: usize) -> (Value, String) {
        let phone = 600_000_000 + self.number * 1_000_000 + life * 10 + signer;
        (json!({"phone_number": phone, "country_code": "34"}), format!("+34{phone}"))
    }

    async fn state(&self, id: Uuid) -> String {
        let found = self.api.get(&identification_path(id)).await.expect(200, "an identification");
        found.json()["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for the identification of a signer: a process makes it before it answers, or, where the store is slow or its server dies, as soon
    /// as it can.
    async fn made(&self, id: Uuid) {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.api.get(&identification_path(id)).await;
            if found.status == 200 {
                return;
            }
            let waits = self.taken_over && found.status == 404;
            assert!(waits && Instant::now() < until, "identification {id}: {}", found.text());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks for codes and answers them until the identification is validated. Gives whether the answer that said so was lost.
    async fn identify(&self, id: Uuid, destination: &str) -> bool {
        let path = identification_path(id);
        let until = Instant::now() + PATIENCE;
        let mut tried = HashSet::new();
        while Instant::now() < until {
            self.api.put(&format!("{path}/challenge"), json!({})).await.expect(204, "asking for a code");
            let next = Instant::now() + MESSAGE;
            while Instant::now() < next {
                let Some((message, code)) = self.inbox.newest(destination).await.filter(|(message, _)| !tried.contains(message))
                else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                tried.insert(message);
                let answer = self.api.put(&format!("{path}/validate"), json!({"code": code})).await;
                match answer.status.as_u16() {
                    204 => {
                        let state = self.state(id).await;
                        assert!(matches!(state.as_str(), "VALIDATED" | "SUCCEEDED"), "identification {id}, read after: {state}");
                        return false;
                    }
                    409 if answer.doubtful && self.state(id).await == "VALIDATED" => return true,
                    // The code of a challenge before this one, whose answer was lost.
                    403 => {}
                    410 => break,
                    _ => panic!("identification {id}: {}", answer.text()),
                }
            }
        }
        panic!("identification {id} is not validated after {PATIENCE:?}");
    }

    /// A sign process from the upload to the last signature, or to its cancellation after the first one.
    pub async fn sign_process(&self, life: usize) {
        let name = format!("contract-{}-{life}", self.number);
        let document = self.upload(&name).await;
        let signers = [self.signer(&name, life, 0), self.signer(&name, life, 1)];
        let people = [("buyer", "Ana", "ES"), ("seller", "Jürgen", "DE")].into_iter().zip(&signers);
        let people: Vec<Value> = people
            .map(|((alias, given, language), (reached, _))| {
                let mut person = json!({"alias": alias, "name": given, "last_name": "López", "language": language});
                let reached = reached.as_object().expect("an object").clone();
                person.as_object_mut().expect("an object").extend(reached);
                person
            })
            .collect();
        let creation = json!({
            "signers": people,
            "sign": {
                "type": "SIMPLE",
                "documents": [{"id": document, "sign_fields": [{"signer": "buyer", "fields": ["SIGNATURE_BUYER"]}]}],
            },
            "identification": {"type": "OTP"},
        });
        let created = self.api.post("/v1/orgs/acme/sign_process", creation).await.expect(201, "creating a process");
        let id = id_of(&created.json()["id"]);
        self.ledger.process(id, |process| process.signers = signers.len());
        let process = self.api.get(&process_path(id)).await.expect(200, "reading a process").json();
        for (position, (_, destination)) in signers.iter().enumerate() {
            let signature = &process["signatures"][position];
            let identification = id_of(&signature["identification"]["id"]);
            self.made(identification).await;
            let doubtful = self.identify(identification, destination).await;
            self.sign(id, id_of(&signature["sign"]["id"]), doubtful).await;
            if life % 5 == 4 {
                return self.cancel(id).await;
            }
        }
    }

    /// How a signer is reached, as a member of the creation and as the address of messages.
    fn signer(&self, name: &str, life: usize, signer: usize) -> (Value, String) {
        if self.inbox.takes_mail() {
            let address = format!("signer-{signer}-{name}@example.org");
            return (json!({ "email": address }), address);
        }
        let (msisdn, destination) = self.phone(life, signer);
        (json!({ "msisdn": msisdn }), destination)
    }

    async fn upload(&self, name: &str) -> Uuid {
        let mut bytes = fixtures::contract(&["SIGNATURE_BUYER"]);
        // A comment before the end makes each document another one; behind it, it would be refused.
        let end = bytes.windows(9).rposition(|window| window == b"startxref").expect("a whole PDF");
        bytes.splice(end..end, format!("% {name}\n").into_bytes());
        let tag = format!("t{}", self.number);
        let boundary = Uuid::new_v4().simple().to_string();
        let mut form = Vec::new();
        let parts = [
            ("name", name.as_bytes()),
            ("extension", b"pdf".as_slice()),
            ("tags", tag.as_bytes()),
            ("content", bytes.as_slice()),
        ];
        for (part, value) in parts {
            let file = if part == "content" { "; filename=\"contract.pdf\"" } else { "" };
            form.extend_from_slice(
                format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{part}\"{file}\r\n\r\n").as_bytes(),
            );
            form.extend_from_slice(value);
            form.extend_from_slice(b"\r\n");
        }
        form.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let answer = self.api.ask(Method::POST, "/v1/orgs/acme/documents", Body::Form { boundary, bytes: form }).await;
        let id = id_of(&answer.expect(201, "uploading a document").json()["documentId"]);
        self.ledger.uploaded(Document { id, name: name.to_owned(), tag, bytes });
        id
    }

    /// Signs. A server that was killed before it answered that the signer is identified may not have told the process; the next
    /// one does (`untold`).
    async fn sign(&self, process: Uuid, signature: Uuid, untold: bool) {
        let until = Instant::now() + PATIENCE;
        let mut doubtful = false;
        loop {
            let answer = self.api.ask(Method::POST, &format!("/v1/orgs/acme/simple_signs/{signature}/sign"), Body::None).await;
            doubtful |= answer.doubtful;
            if answer.status == 204 || (doubtful && self.is_signed(process, signature).await) {
                break;
            }
            let waits = (untold || self.taken_over) && answer.status == 409;
            assert!(waits && Instant::now() < until, "signature {signature}: {}", answer.text());
            tokio::time::sleep(PAUSE).await;
        }
        assert!(self.is_signed(process, signature).await, "signature {signature}, read after it was given");
        self.ledger.process(process, |process| process.signed.push(signature));
    }

    async fn is_signed(&self, process: Uuid, signature: Uuid) -> bool {
        let found = self.api.get(&process_path(process)).await.expect(200, "reading a process").json();
        let mut signatures = found["signatures"].as_array().expect("signatures").iter();
        signatures.any(|found| found["sign"]["id"] == signature.to_string() && found["sign"]["status"] == "SUCCEEDED")
    }

    async fn cancel(&self, process: Uuid) {
        let answer = self.api.post(&format!("{}/cancel", process_path(process)), json!({"reason": "changed their mind"})).await;
        if answer.status != 204 {
            assert!(answer.doubtful && answer.status == 409, "process {process}: {}", answer.text());
        }
        let found = self.api.get(&process_path(process)).await.expect(200, "reading a process").json();
        assert_eq!(found["status"], "CANCELLED", "process {process}, read after: {}", answer.text());
        self.ledger.process(process, |process| process.cancelled = true);
    }
}

/// The one-time code in a message: its only run of six to eight digits. Messages with a link hold none.
pub fn code_in(text: &str) -> Option<String> {
    if text.contains("sign_process_id=") || text.contains("#k=") {
        return None;
    }
    text.split(|c: char| !c.is_ascii_digit()).find(|run| (6..=8).contains(&run.len())).map(str::to_owned)
}
