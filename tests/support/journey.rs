//! The steps of a sign process as an integrator's server takes them.

use serde_json::{Value, json};

use super::{Answer, Client, Form, ORGANIZATION, PATIENCE, Server, wait_for};

/// Headers of a signer's device.
pub struct Device;

impl Device {
    pub const HEADERS: [(&str, &str); 4] = [
        ("x-installation_id", "installation-1"),
        ("x-fingerprint", "fingerprint-1"),
        ("x-location", "40.42,-3.70"),
        ("user-agent", "Mozilla/5.0 (a test)"),
    ];
}

/// One signer as the process shows it.
#[derive(Clone, Debug)]
pub struct SignerView {
    pub alias: String,
    /// Identifier of the signature.
    pub sign: String,
    /// Identifier of the identification.
    pub identification: String,
    pub status: String,
}

/// The steps, taken with one client for one organization.
#[derive(Clone)]
pub struct Journey {
    pub client: Client,
    organization: String,
}

impl Journey {
    pub fn new(client: Client) -> Self {
        Self::of(client, ORGANIZATION)
    }

    pub fn of(client: Client, organization: &str) -> Self {
        Self { client, organization: organization.to_owned() }
    }

    /// The same organization with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self::of(self.client.with_token(token), &self.organization)
    }

    /// The same organization on another server, which has the same keys.
    pub fn moved(&self, server: &Server) -> Self {
        Self::of(server.client_with(&server.token(&self.organization, &[])), &self.organization)
    }

    /// A path below the organization.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/orgs/{}/{rest}", self.organization)
    }

    /// Stores a PDF without an owner and answers its identifier.
    pub fn upload(&self, name: &str, pdf: &[u8]) -> String {
        let form = Form::new().part("name", name).part("extension", "pdf").file("content", "contract.pdf", pdf);
        self.client.post(&self.path("documents")).form(form).send().expect(201).text("documentId")
    }

    /// A signer reached by e-mail.
    pub fn signer(alias: &str, email: &str) -> Value {
        json!({"alias": alias, "name": "Ana", "last_name": "López", "email": email, "language": "EN"})
    }

    /// The body of a creation: signers by one-time code, documents without visible fields.
    pub fn creation(signers: &[Value], documents: &[&str]) -> Value {
        let documents: Vec<_> = documents.iter().map(|id| json!({"id": id})).collect();
        json!({"signers": signers, "sign": {"type": "SIMPLE", "documents": documents}, "identification": {"type": "OTP"}})
    }

    /// Creates a process and answers its identifier.
    pub fn create(&self, creation: &Value) -> String {
        self.client.post(&self.path("sign_process")).json(creation).send().expect(201).text("id")
    }

    /// The process now.
    pub fn process(&self, id: &str) -> Value {
        self.client.get(&self.path(&format!("sign_process/{id}"))).send().expect(200).json()
    }

    pub fn signers(&self, process: &str) -> Vec<SignerView> {
        let process = self.process(process);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let signatures = process["signatures"].as_array().expect("signatures").iter();
        signatures
            .map(|signature| SignerView {
                alias: text(&signature["alias"]),
                sign: text(&signature["sign"]["id"]),
                identification: text(&signature["identification"]["id"]),
                status: text(&signature["sign"]["status"]),
            })
            .collect()
    }

    /// The messages that the sandbox kept for somebody, newest first.
    pub fn messages(&self, to: &str) -> Vec<Value> {
        let answer = self.client.get(&format!("/sandbox/messages?to={}", to.replace('+', "%2B"))).send().expect(200);
        answer.json().as_array().expect("a list of messages").clone()
    }

    pub fn identification(&self, id: &str) -> Value {
        self.client.get(&self.path(&format!("identifications/otp/{id}"))).send().expect(200).json()
    }

    pub fn challenge(&self, identification: &str, body: &Value) -> Answer {
        self.client.put(&self.path(&format!("identifications/otp/{identification}/challenge"))).json(body).send()
    }

    /// Asks for a code and takes it from the outbox.
    pub fn code(&self, identification: &str, to: &str) -> String {
        let seen = self.codes(to).len();
        let answer = self.challenge(identification, &json!({}));
        assert_eq!(answer.status, 204, "{answer}");
        self.new_code(to, seen)
    }

    /// The codes that were sent to somebody, newest first. Other messages, such as invitations to sign, come at their own time.
    pub fn codes(&self, to: &str) -> Vec<String> {
        self.messages(to).iter().filter_map(|message| code_in(message["text"].as_str().expect("a text"))).collect()
    }

    /// The newest code, once there are more than `seen`.
    pub fn new_code(&self, to: &str, seen: usize) -> String {
        let codes = wait_for(&format!("a code for {to}"), PATIENCE, || Some(self.codes(to)).filter(|now| now.len() > seen));
        codes[0].clone()
    }

    pub fn validate(&self, identification: &str, body: &Value) -> Answer {
        let path = self.path(&format!("identifications/otp/{identification}/validate"));
        self.client.put(&path).headers(Device::HEADERS).json(body).send()
    }

    /// Identifies a signer by a code and answers the token for the signature.
    pub fn identify(&self, identification: &str, to: &str) -> String {
        let code = self.code(identification, to);
        let answer = self.validate(identification, &json!({ "code": code })).expect(204);
        let token = answer.header("x-access-token").to_owned();
        assert!(!token.is_empty(), "no x-access-token: {answer}");
        token
    }

    pub fn signature(&self, id: &str) -> Value {
        self.client.get(&self.path(&format!("simple_signs/{id}"))).send().expect(200).json()
    }

    pub fn preview(&self, signature: &str) -> Answer {
        self.client.post(&self.path(&format!("simple_signs/{signature}/preview"))).headers(Device::HEADERS).send()
    }

    pub fn sign(&self, signature: &str) -> Answer {
        self.client.post(&self.path(&format!("simple_signs/{signature}/sign"))).headers(Device::HEADERS).send()
    }

    /// Waits until the process has a status.
    ///
    /// # Panics
    /// When it does not get there in time.
    pub fn until(&self, process: &str, status: &str) -> Value {
        wait_for(&format!("process {process} to be {status}"), PATIENCE, || {
            Some(self.process(process)).filter(|now| now["status"] == status)
        })
    }

    /// The bytes of a document without an owner.
    pub fn download(&self, id: &str) -> Vec<u8> {
        self.client.get(&self.path(&format!("documents/{id}"))).send().expect(200).body
    }
}

/// The one-time code in the text of a message: a word of 6 to 12 digits.
pub fn code_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .into_iter()
        .find(|word| (6..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
}
