//! `rubrica demo consents`: a tenant's tree in three languages, and a customer who is asked, accepts with a receipt, withdraws, lets it expire,
//! leaves, and is erased.
//!
//! On a server of its own whose data are thrown away, as it moves the sandbox's clock.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use documents::verify::Trust;

use super::{Failure, OwnServer, client::good, put};
use crate::{
    access,
    keys::Keys,
    server::{DEVELOPMENT_ORGANIZATION, DEVELOPMENT_ROOT},
    verify,
};

/// Longest time of one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const SEGMENT: &str = "telco";
const CUSTOMER: &str = "100000000001";
const LANGUAGES: [&str; 3] = ["es", "ca", "en"];

/// One consent: id, type, how long an acceptance lasts, and its texts in [`LANGUAGES`].
type Definition = (&'static str, &'static str, Option<&'static str>, [&'static str; 3]);

const DEFINITIONS: [Definition; 3] = [
    (
        "OFFERS",
        "OPT_IN",
        Some("P180D"),
        [
            "Acepto recibir ofertas de productos propios.",
            "Accepto rebre ofertes de productes propis.",
            "I agree to receive offers of your own products.",
        ],
    ),
    ("OFFERS_EMAIL", "OPT_IN", None, ["También por correo electrónico.", "També per correu electrònic.", "Also by e-mail."]),
    (
        "STATISTICS",
        "OPT_OUT_POSITIVE",
        None,
        [
            "Mis datos de uso mejoran el servicio.",
            "Les meves dades d'ús milloren el servei.",
            "My usage data improve the service.",
        ],
    ),
];

/// Runs the demo.
///
/// # Errors
/// What went wrong, in words for a person.
pub(super) fn run(out: &Path) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("rubrica-demo-").tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let own = OwnServer::start(folder.path(), None)?;
    let keys = Keys::load_or_create(own.data())?;
    let token = access::development::token(&keys, DEVELOPMENT_ORGANIZATION, &[], TimeDelta::hours(1), Utc::now());
    let http = reqwest::Client::builder().timeout(CALL_TIMEOUT).build()?;
    tell!("Started a server of our own at {}; its data are thrown away", own.address());
    let root = std::fs::read(own.data().join(DEVELOPMENT_ROOT))?;
    let (base, out) = (own.address().to_owned(), out.to_owned());
    let demo = Demo { http, base, token, started: Instant::now(), root, out };
    let result = runtime.block_on(demo.drive());
    // Connections that are kept open would hold up the server's end.
    drop((runtime, demo));
    drop(own);
    result
}

struct Demo {
    http: reqwest::Client,
    base: String,
    token: String,
    started: Instant,
    /// The certificate that all of the server's lead to, in PEM.
    root: Vec<u8>,
    /// Folder for the receipt.
    out: PathBuf,
}

impl Demo {
    fn say(&self, text: impl std::fmt::Display) {
        tell!("{:>8.3} s  {text}", self.started.elapsed().as_secs_f64());
    }

    async fn drive(&self) -> Result<(), Failure> {
        self.configure().await?;
        self.accepts().await?;
        let receipt = self.receipt().await?;
        self.withdraws().await?;
        self.expires().await?;
        self.leaves().await?;
        self.is_erased().await?;
        self.verify(&receipt, "the receipt from before still proves what was chosen:")?;
        self.keep(&receipt)
    }

    async fn configure(&self) -> Result<(), Failure> {
        for (id, kind, duration, texts) in DEFINITIONS {
            let details = LANGUAGES
                .iter()
                .zip(texts)
                .map(|(language, text)| json!({ "language": language, "text": text, "description": "", "short_text": text }));
            let mut body = json!({ "id": id, "type": kind, "consent": details.collect::<Vec<_>>() });
            if let Some(duration) = duration {
                body["expiration_policy"] = json!({ "duration": duration });
            }
            good(self.call(Method::POST, "consents").json(&body), "define a consent").await?;
        }
        let tree = json!({
            "description": "Telco customers", "default_language": "es", "allowed_languages": LANGUAGES,
            "consents_order": ["OFFERS", "OFFERS_EMAIL", "STATISTICS"], "priority_consent_ids": ["OFFERS"],
            "views": [{ "view": "MANDATORY", "consents": ["OFFERS", "OFFERS_EMAIL"] }],
            "dependencies": [{ "father": "OFFERS", "child": ["OFFERS_EMAIL"] }], "channels": ["web"], "users_type": "customers",
        });
        good(self.call(Method::POST, "consents/tree").json(&tree), "plant the tree").await?;
        self.say(format_args!(
            "the tenant {DEVELOPMENT_ORGANIZATION} defined {} consents in {} and a tree for the segment {SEGMENT}",
            DEFINITIONS.len(),
            LANGUAGES.join(", ")
        ));
        Ok(())
    }

    async fn accepts(&self) -> Result<(), Failure> {
        let (key, _) = self.read("ca-ES").await?;
        self.say(format_args!("the read gave the key {}..., which stands for every byte that was shown", &key[..12]));
        let captured = self.capture(&key, &[("OFFERS", 0), ("OFFERS_EMAIL", 0)], Utc::now()).await?;
        let id = captured["id"].as_str().unwrap_or("nowhere");
        self.say(format_args!("the customer accepts both in the private area; the evidence is in the journal {id}"));
        self.read("ca-ES").await?;
        self.check("may the customer be contacted?").await
    }

    /// Fetches the receipt of the newest capture, and shows what it is worth.
    async fn receipt(&self) -> Result<Vec<u8>, Failure> {
        good(self.call(Method::PUT, "consent-profile").json(&profile()), "say what receipts tell").await?;
        let newest = self.call(Method::GET, &format!("{}/history?page_size=1", self.consents()));
        let history: Value = good(newest, "read the history").await?.json().await?;
        let revision = &history["events"][0]["revision"];
        let receipt = self.call(Method::GET, &format!("{}/receipts/{revision}", self.consents()));
        let receipt = good(receipt, "fetch the receipt").await?.bytes().await?.to_vec();
        self.verify(&receipt, "the customer takes a signed receipt along, and verifies it without the server:")?;
        let mut altered: Value = serde_json::from_slice(&receipt)?;
        let payload = altered["payload"].as_str().unwrap_or_default().replacen('e', "f", 1);
        altered["payload"] = payload.into();
        let Ok(Err(reason)) = verify::verified(&serde_json::to_vec(&altered)?, &self.trust()?) else {
            return Err("a receipt with one letter changed was taken for whole".into());
        };
        self.say(format_args!("with one letter changed it is refused: {reason}"));
        Ok(receipt)
    }

    fn trust(&self) -> Result<Trust, Failure> {
        Ok(Trust { roots: verify::certificates(&self.root)? })
    }

    fn verify(&self, receipt: &[u8], introduction: &str) -> Result<(), Failure> {
        let verified = verify::verified(receipt, &self.trust()?)??;
        if !verified.trust.is_trusted() {
            return Err(format!("the receipt's certificate is not trusted: {}", verified.trust).into());
        }
        self.say(introduction);
        verify::told(&verified).lines().for_each(|line| tell!("{:>10}  {line}", ""));
        Ok(())
    }

    fn keep(&self, receipt: &[u8]) -> Result<(), Failure> {
        let root = put(&self.out, DEVELOPMENT_ROOT, &self.root)?;
        let receipt = put(&self.out, "consent-receipt.json", receipt)?;
        tell!("\nReceipt:   {}", receipt.display());
        tell!("Try next:  {} verify {} --root {}", crate::program(), receipt.display(), root.display());
        Ok(())
    }

    async fn withdraws(&self) -> Result<(), Failure> {
        let (key, _) = self.read("en").await?;
        self.capture(&key, &[("OFFERS_EMAIL", 2), ("STATISTICS", 2)], Utc::now()).await?;
        self.say("the customer withdraws the e-mail and objects to the statistics");
        let (key, _) = self.read("es").await?;
        let form = self.capture(&key, &[("OFFERS_EMAIL", 0)], Utc::now() - TimeDelta::days(2)).await?;
        self.say(format_args!(
            "a paper form of two days ago is typed in: recorded, but {} does not undo the later withdrawal",
            form["superseded"][0].as_str().unwrap_or("nothing")
        ));
        self.check("and now?").await
    }

    async fn expires(&self) -> Result<(), Failure> {
        let clock = self.http.post(format!("{}/sandbox/clock", self.base)).json(&json!({ "advance": "P181D" }));
        good(clock, "move the clock").await?;
        self.say("181 days go by: the acceptance of OFFERS lasted 180");
        self.read("es").await?;
        let customer = good(self.call(Method::GET, &format!("customers/{CUSTOMER}")), "ask for the impact").await?;
        let impact: Value = customer.json().await?;
        self.say(format_args!("should a campaign ask this customer again? {}", impact["impact"]));
        self.check("may the customer be contacted?").await
    }

    async fn leaves(&self) -> Result<(), Failure> {
        let (stale, _) = self.read("es").await?;
        let deleted = good(self.call(Method::DELETE, &self.consents()), "delete the consents").await?;
        let fresh = key_of(&deleted)?;
        self.say("the customer leaves: the consents are hidden at once, and kept blocked as evidence for a time");
        let late = self.call(Method::POST, &self.consents()).header("x-key", &stale);
        let late = late.json(&body(&[("OFFERS", 0)], Utc::now())).send().await?;
        if late.status() != StatusCode::UNAUTHORIZED {
            return Err(format!("a page from before the deletion was answered {}", late.status().as_u16()).into());
        }
        self.say("a page that was open before cannot bring the customer back: 401");
        self.read("es").await?;
        self.check("may the customer be contacted?").await?;
        self.say(format_args!("only a new answer under the new key {}... would", &fresh[..12]));
        Ok(())
    }

    async fn is_erased(&self) -> Result<(), Failure> {
        let erase = self.call(Method::POST, &format!("customers/{CUSTOMER}/erasure")).json(&json!({ "reason": "request 4711" }));
        let erased: Value = good(erase, "erase the customer").await?.json().await?;
        self.say(format_args!(
            "on request the key of the customer's journal is destroyed: {} entries in {} can be read by nobody, and the chain goes on to {}...",
            erased["entries"],
            erased["segments"][0].as_str().unwrap_or("no segment"),
            erased["chain_heads"][0].as_str().and_then(|head| head.get(..12)).unwrap_or("nothing"),
        ));
        self.check("may the customer be contacted?").await
    }

    /// What the customer is shown, printed; answers the key.
    async fn read(&self, language: &str) -> Result<(String, Value), Failure> {
        let request = self.call(Method::GET, &self.consents()).header("accept-language", language);
        let answer = good(request, "read the consents").await?;
        let (status, key) = (answer.status(), key_of(&answer)?);
        let shown: Value = answer.json().await?;
        let known = if status == StatusCode::ACCEPTED { "known" } else { "unknown" };
        self.say(format_args!(
            "read in {language}: the customer is {known}, texts in {}",
            shown["locale"].as_str().unwrap_or("?")
        ));
        show(&shown["statements"], 1);
        Ok((key, shown))
    }

    async fn capture(&self, key: &str, selections: &[(&str, u8)], date: chrono::DateTime<Utc>) -> Result<Value, Failure> {
        let request = self.call(Method::POST, &self.consents()).header("x-key", key).json(&body(selections, date));
        Ok(good(request, "capture the choices").await?.json().await?)
    }

    async fn check(&self, question: &str) -> Result<(), Failure> {
        let consents = DEFINITIONS.map(|(id, ..)| id);
        let body = json!({ "segment": SEGMENT, "customers": [CUSTOMER], "consents": consents, "require": "any" });
        let request = self.call(Method::POST, "consent-checks").json(&body);
        let answer: Value = good(request, "check").await?.json().await?;
        let readings = answer[0]["consents"].as_object().cloned().unwrap_or_default();
        let readings: Vec<String> = readings
            .iter()
            .map(|(id, reading)| format!("{id} {} ({})", word(&reading["choice"]), reading["source"].as_str().unwrap_or("?")))
            .collect();
        let allowed = if answer[0]["allowed"] == true { "yes" } else { "no" };
        self.say(format_args!("{question} {allowed}: {}", readings.join(", ")));
        Ok(())
    }

    fn consents(&self) -> String {
        format!("customers/{CUSTOMER}/consents")
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/v2/orgs/{DEVELOPMENT_ORGANIZATION}/{path}", self.base);
        self.http.request(method, url).bearer_auth(&self.token).header("x-segment", SEGMENT)
    }
}

/// What receipts tell of the processing.
fn profile() -> Value {
    json!({
        "parties": [{
            "party_id": "telco", "party_name": "Telco S.A.", "party_address": "Calle Mayor 1, Madrid", "party_contact": "dpo@telco.example",
            "party_type": "controller",
        }],
        "pii_controllers": ["telco"], "pii_information": [{ "pii_type": "Email" }, { "pii_type": "Telephone number" }],
        "storage_locations": ["ES"], "retention_period": "P3Y", "jurisdiction": "ES", "recipient_third_parties": [],
        "withdrawal_method": "private area, or any shop", "privacy_rights": ["access", "rectification", "erasure"],
        "lawful_basis": "https://w3id.org/dpv/legal/eu/gdpr#A6-1-f",
    })
}

fn key_of(answer: &Response) -> Result<String, Failure> {
    let key = answer.headers().get("x-key").and_then(|key| key.to_str().ok()).filter(|key| key.len() >= 64);
    Ok(key.ok_or("the server's answer has no x-key")?.to_owned())
}

/// The body of a capture.
fn body(selections: &[(&str, u8)], date: chrono::DateTime<Utc>) -> Value {
    let selections: Vec<Value> = selections.iter().map(|(id, choice)| json!({ "id": id, "choice": choice })).collect();
    json!({
        "actor_id": CUSTOMER, "selections": selections, "ip": "203.0.113.10", "sell_channel": "ecare", "trace_id": "demo",
        "capture_date": date.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    })
}

fn word(choice: &Value) -> &'static str {
    match choice.as_u64() {
        Some(0) => "accepted",
        Some(1) => "pending",
        Some(2) => "rejected",
        _ => "unknown",
    }
}

fn show(statements: &Value, depth: usize) {
    for statement in statements.as_array().into_iter().flatten() {
        let mark = match statement["choice"].as_u64() {
            Some(0) => "[x]",
            Some(2) => "[ ]",
            _ => "[?]",
        };
        let until = statement["expiration_date"].as_str().and_then(|date| date.get(..10));
        let until = until.map_or(String::new(), |date| format!(" (until {date})"));
        let text = statement["text"].as_str().unwrap_or_default();
        tell!("{:>10}  {}{mark} {text}{until}", "", "  ".repeat(depth));
        show(&statement["child_statements"], depth + 1);
    }
}
