//! The signers' own operations: what the page does that a signer's link leads to.

mod access;
mod declining;
mod identified_otherwise;
mod links;
mod pages;
mod scope;
mod shared_store;
mod watching;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    address, pdf,
    support::{Answer, Call, Client, Device, Journey, ORGANIZATION, PATIENCE, Server, wait_for},
};

/// A signer's browser, which came by the link in the message.
#[derive(Clone)]
pub struct Browser {
    /// Without a token.
    pub anonymous: Client,
    /// With the token of the link.
    client: Client,
    pub process: String,
    pub sign: String,
    identification: String,
    /// The secret of the link.
    pub k: String,
    /// Where messages go to.
    pub to: String,
}

/// The secret of a link, and the signature that it is for, as they stand in a message.
fn link_in(base: &str, text: &str) -> (String, String) {
    let start = format!("{base}/s/{ORGANIZATION}/");
    let rest = text.split_once(&start).unwrap_or_else(|| panic!("no link to {start} in {text}")).1;
    let (id, rest) = rest.split_once("#k=").expect("a secret");
    let is_secret = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
    let id = URL_SAFE_NO_PAD.decode(id).expect("base64url");
    (Uuid::from_slice(&id).expect("16 bytes").to_string(), rest.chars().take_while(is_secret).collect())
}

/// The links that somebody got, newest first.
pub fn links_to(server: &Server, journey: &Journey, to: &str) -> Vec<(String, String)> {
    let texts = journey.messages(to).into_iter().map(|message| message["text"].as_str().expect("a text").to_owned());
    texts.filter(|text| text.contains("#k=")).map(|text| link_in(server.base(), &text)).collect()
}

/// A process, and the browser of each of its signers.
fn invite(server: &Server, journey: &Journey, signers: usize) -> Vec<Browser> {
    invite_with(server, journey, signers, |_| {})
}

fn invite_with(server: &Server, journey: &Journey, signers: usize, change: impl FnOnce(&mut Value)) -> Vec<Browser> {
    let document = journey.upload("lease.pdf", &pdf());
    let people: Vec<(String, Value)> = (0..signers)
        .map(|number| {
            let to = address();
            (to.clone(), Journey::signer(&format!("signer {number}"), &to))
        })
        .collect();
    let asked: Vec<Value> = people.iter().map(|(_, signer)| signer.clone()).collect();
    let mut creation = Journey::creation(&asked, &[&document]);
    change(&mut creation);
    let process = journey.create(&creation);
    let views = journey.signers(&process);
    let browsers = people.into_iter().zip(views).map(|((to, _), view)| {
        let mut links = wait_for("the link", PATIENCE, || Some(links_to(server, journey, &to)).filter(|links| !links.is_empty()));
        let (sign, k) = links.remove(0);
        assert_eq!(sign, view.sign);
        let anonymous = server.anonymous();
        let token = open(&anonymous, &sign, &k).expect(200).text("token");
        let client = server.client_with(&token);
        Browser { anonymous, client, process: process.clone(), sign, identification: view.identification, k, to }
    });
    browsers.collect()
}

pub fn one(server: &Server, journey: &Journey) -> Browser {
    invite(server, journey, 1).remove(0)
}

fn api(rest: &str) -> String {
    format!("/pages/api/{ORGANIZATION}/{rest}")
}

pub fn open(client: &Client, sign: &str, k: &str) -> Answer {
    client.post(&api("link")).json(&json!({"sign": sign, "k": k})).send()
}

fn renew(client: &Client, sign: &str) -> Answer {
    client.post(&api("new-link")).json(&json!({ "sign": sign })).send()
}

impl Browser {
    fn path(&self, rest: &str) -> String {
        api(&format!("signs/{}/{rest}", self.sign))
    }

    /// The same browser with another token.
    fn with(&self, token: &str) -> Self {
        Self { client: self.client.with_token(token), ..self.clone() }
    }

    fn invitation(&self) -> Value {
        self.client.get(&self.path("invitation")).send().expect(200).json()
    }

    fn revision(&self) -> String {
        self.invitation()["revision"].as_str().expect("a revision").to_owned()
    }

    fn watch(&self, after: &str) -> Answer {
        self.client.get(&self.path(&format!("watch?after={after}"))).send()
    }

    fn decline(&self, reason: &str) -> Answer {
        self.client.post(&self.path("decline")).headers(Device::HEADERS).json(&json!({ "reason": reason })).send()
    }

    fn of_identification(&self, action: &str) -> String {
        format!("/v1/orgs/{ORGANIZATION}/identifications/otp/{}/{action}", self.identification)
    }

    /// Asks for a code with the token that the browser has, and takes it from the outbox.
    fn code(&self, journey: &Journey) -> String {
        let seen = journey.codes(&self.to).len();
        self.client.put(&self.of_identification("challenge")).send().expect(204);
        journey.new_code(&self.to, seen)
    }

    fn validating(&self) -> Call<'_> {
        self.client.put(&self.of_identification("validate")).headers(Device::HEADERS)
    }

    /// Identifies the signer by the link alone; the browser has the token for the signature then.
    fn identified(&self, journey: &Journey) -> Self {
        let code = self.code(journey);
        let answer = self.validating().json(&json!({ "code": code })).send().expect(204);
        self.with(answer.header("x-access-token"))
    }

    fn signing(&self) -> Answer {
        let path = format!("/v1/orgs/{ORGANIZATION}/simple_signs/{}/sign", self.sign);
        self.client.post(&path).headers(Device::HEADERS).send()
    }
}
