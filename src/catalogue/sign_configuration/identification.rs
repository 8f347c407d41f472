//! What `identification_config` may say: who scores identity documents, how the organization's own providers are reached, and how
//! strict the levels are.
//!
//! The contract's form is an array of rules (x-notes identification-config-shape). An object with the members `providers` (that
//! array), `connections` and `levels` is taken as well. Each member that is sent replaces; one that is not sent stays. So a client
//! that knows only the array never takes the connections away. Within `connections` each provider is replaced by itself, and `null`
//! removes it (RFC 7396): nobody needs to send the credentials of one provider in order to change another.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::fields::{ProviderRule, check_rules};
use crate::channels::Secret;
use crate::objects::Objects;
use crate::outbound::Reach;

/// Maximum length of a credential, in bytes; the private key of a service account is the longest.
const MAX_CREDENTIAL: usize = 8192;

/// Maximum number of documents that a connection is for.
const MAX_DOCUMENTS: usize = 64;

/// Minimum length of the key that requests to EXTERNAL are signed with, in bytes (RFC 2104: not shorter than the digest).
const MIN_SIGNING_KEY: usize = 32;

/// The names of the levels, from the contract's `configuration_name`.
const LEVELS: [&str; 3] = ["LOW", "MEDIUM", "HIGH"];

/// Minimum global score of a level, by its name.
pub type Levels = BTreeMap<String, f64>;

/// The providers of the organization's own, by the names that scoring sessions ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "UPPERCASE", default)]
pub struct Connections {
    /// Google Document AI, identity proofing.
    pub google: Option<Google>,
    /// Veridas: validation of images, and capture by XpressID.
    pub veridas: Option<Veridas>,
    /// An endpoint of the organization that speaks the protocol of `docs/scoring-providers.md`.
    pub external: Option<External>,
}

/// How Google Document AI is reached. Exactly one of `access_token` and `service_account`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Google {
    /// By default `https://LOCATION-documentai.googleapis.com` with the location of the processor.
    pub base_url: Option<String>,
    /// `projects/PROJECT/locations/LOCATION/processors/ID`, with `/processorVersions/VERSION` if one is pinned.
    pub processor: String,
    /// A bearer token that something else keeps valid.
    pub access_token: Option<Secret>,
    /// The key of a service account, as the JSON file that Google gives; tokens are asked for with it (RFC 7523).
    pub service_account: Option<ServiceAccount>,
    /// For which documents it is asked when a session says EXTERNAL. Empty: all.
    #[serde(default)]
    pub documents: Vec<Documents>,
}

/// The members of a service account's key file that are of use; it has more.
#[derive(Debug, Deserialize)]
pub struct ServiceAccount {
    /// Who asks.
    pub client_email: String,
    /// Names the key.
    pub private_key_id: Option<String>,
    /// PEM of the RSA key.
    pub private_key: Secret,
    /// Where tokens are asked for.
    pub token_uri: String,
}

/// How Veridas is reached.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Veridas {
    /// For example `https://api.eu.veri-das.com`; the paths of the services follow it.
    pub base_url: String,
    /// Goes into the header `apikey`.
    pub api_key: Secret,
    /// As in [`Google`].
    #[serde(default)]
    pub documents: Vec<Documents>,
}

/// How the organization's own endpoint is reached.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// The paths `scores` and `delegations` follow it.
    pub base_url: String,
    /// Base64 of at least 32 bytes, with or without the prefix `whsec_`: the key that requests are signed with.
    pub secret: Secret,
    /// As in [`Google`].
    #[serde(default)]
    pub documents: Vec<Documents>,
}

impl External {
    /// The key that requests are signed with; `None` if it is none.
    pub fn signing_key(&self) -> Option<Vec<u8>> {
        let text = self.secret.expose();
        let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
        (key.len() >= MIN_SIGNING_KEY).then_some(key)
    }
}

/// Documents that a connection is for; a member that is absent fits all.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Class, such as IDENTITY_CARD.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// ISO 3166-1 alpha-2 code of the issuing country.
    pub country: Option<String>,
}

impl Documents {
    /// Whether one of `list` fits a document, or the list is empty.
    pub fn fit(list: &[Self], kind: &str, country: Option<&str>) -> bool {
        let fits = |one: &Self| {
            one.kind.as_deref().is_none_or(|wanted| wanted == kind)
                && one.country.as_deref().is_none_or(|wanted| Some(wanted) == country)
        };
        list.is_empty() || list.iter().any(fits)
    }
}

impl Connections {
    /// Reads the member `connections`, or what was kept of it.
    ///
    /// # Errors
    /// The member that is wrong. Never a value: most of them are secret.
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, String> {
        read(Value::Object(members.clone()), "connections")
    }

    /// # Errors
    /// What is wrong, with the path of the member.
    fn check(&self, reach: &Reach) -> Result<(), String> {
        if let Some(google) = &self.google {
            google.check(reach).map_err(|problem| format!("connections.GOOGLE.{problem}"))?;
        }
        if let Some(veridas) = &self.veridas {
            let checked = base_url(reach, &veridas.base_url).and_then(|()| credential("api_key", &veridas.api_key));
            checked.and_then(|()| documents(&veridas.documents)).map_err(|problem| format!("connections.VERIDAS.{problem}"))?;
        }
        if let Some(external) = &self.external {
            external.check(reach).map_err(|problem| format!("connections.EXTERNAL.{problem}"))?;
        }
        Ok(())
    }

    /// The names of those that are there.
    pub fn names(&self) -> Vec<&'static str> {
        let all = [("EXTERNAL", self.external.is_some()), ("GOOGLE", self.google.is_some()), ("VERIDAS", self.veridas.is_some())];
        all.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
    }
}

impl Google {
    /// The location of the processor; `None` if the processor's name is not one.
    pub fn location(&self) -> Option<&str> {
        let segments: Vec<&str> = self.processor.split('/').collect();
        let named = |text: &&str| {
            (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte))
        };
        match segments.as_slice() {
            ["projects", project, "locations", location, "processors", id, rest @ ..]
                if matches!(rest, [] | ["processorVersions", _])
                    && [project, location, id].into_iter().chain(rest).all(named) =>
            {
                location.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-').then_some(*location)
            }
            _ => None,
        }
    }

    fn check(&self, reach: &Reach) -> Result<(), String> {
        if self.location().is_none() {
            return Err("processor: expected projects/PROJECT/locations/LOCATION/processors/ID".into());
        }
        self.base_url.as_deref().map_or(Ok(()), |url| base_url(reach, url))?;
        match (&self.access_token, &self.service_account) {
            (Some(token), None) => credential("access_token", token)?,
            (None, Some(account)) => account.check(reach)?,
            _ => return Err("access_token: give either an access_token or a service_account".into()),
        }
        documents(&self.documents)
    }
}

impl ServiceAccount {
    fn check(&self, reach: &Reach) -> Result<(), String> {
        let at = |member: &str, problem: String| format!("service_account.{member}: {problem}");
        let endpoint = Url::parse(&self.token_uri).map_err(|_| at("token_uri", "it is no URL".into()))?;
        reach.check(&endpoint).map_err(|problem| at("token_uri", problem.to_string()))?;
        let short = |text: &str| (1..=512).contains(&text.len());
        if !short(&self.client_email) || !self.private_key_id.as_deref().is_none_or(short) {
            return Err(at("client_email", "client_email and private_key_id have 1 to 512 bytes".into()));
        }
        let key = self.private_key.expose();
        let readable = key.len() <= MAX_CREDENTIAL && jsonwebtoken::EncodingKey::from_rsa_pem(key.as_bytes()).is_ok();
        if readable { Ok(()) } else { Err(at("private_key", "expected the PEM of an RSA key".into())) }
    }
}

impl External {
    fn check(&self, reach: &Reach) -> Result<(), String> {
        base_url(reach, &self.base_url)?;
        if self.secret.expose().len() > MAX_CREDENTIAL || self.signing_key().is_none() {
            return Err(format!("secret: expected base64 of at least {MIN_SIGNING_KEY} bytes"));
        }
        documents(&self.documents)
    }
}

fn base_url(reach: &Reach, text: &str) -> Result<(), String> {
    reach.base_url(text).map(drop).map_err(|problem| format!("base_url: {problem}"))
}

/// Whether it can stand in a header.
fn credential(member: &str, secret: &Secret) -> Result<(), String> {
    let text = secret.expose();
    let fits = (1..=MAX_CREDENTIAL).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(()) } else { Err(format!("{member}: expected 1 to {MAX_CREDENTIAL} visible characters")) }
}

fn documents(list: &[Documents]) -> Result<(), String> {
    if list.len() > MAX_DOCUMENTS {
        return Err(format!("documents: at most {MAX_DOCUMENTS} are allowed"));
    }
    let capitals = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let named = |text: &str| (1..=64).contains(&text.len()) && !text.chars().any(char::is_control);
    let good = |one: &Documents| one.country.as_deref().is_none_or(capitals) && one.kind.as_deref().is_none_or(named);
    if list.iter().all(good) { Ok(()) } else { Err("documents: expected a type, and a country of two capital letters".into()) }
}

/// What a client changes. Without `Debug`: it holds credentials as they were sent.
#[derive(Clone, Default)]
pub(super) struct IdentificationChange {
    pub(super) providers: Option<Vec<ProviderRule>>,
    /// By provider; `null` removes one. Holds secrets: only to be sealed.
    pub(super) connections: Map<String, Value>,
    pub(super) levels: Option<Levels>,
}

/// Reads both forms.
///
/// # Errors
/// What is wrong and where; never a value of a connection.
pub(super) fn parse(text: &str, reach: &Reach) -> Result<IdentificationChange, String> {
    // `Value` keeps the last of two members with one name; nothing here depends on which.
    let value: Value = serde_json::from_str(text).map_err(|_| "not valid JSON".to_owned())?;
    let Value::Object(mut members) = value else {
        return Ok(IdentificationChange { providers: Some(rules(value)?), ..IdentificationChange::default() });
    };
    let expected = "expected an array of rules, or an object with some of providers, connections and levels";
    if members.is_empty() {
        return Err(expected.into());
    }
    let mut change = IdentificationChange::default();
    if let Some(providers) = members.remove("providers") {
        change.providers = Some(rules(providers)?);
    }
    if let Some(connections) = members.remove("connections") {
        let Value::Object(connections) = connections else { return Err("connections: expected an object".into()) };
        Connections::read(&connections)?.check(reach)?;
        change.connections = connections;
    }
    if let Some(levels) = members.remove("levels") {
        change.levels = Some(levels_of(levels)?);
    }
    match members.keys().next() {
        Some(_) => Err(expected.into()),
        None => Ok(change),
    }
}

fn rules(value: Value) -> Result<Vec<ProviderRule>, String> {
    let expected = "expected a JSON array of rules with sign_type and provider_type";
    if !value.is_array() {
        return Err(expected.into());
    }
    let rules: Vec<ProviderRule> = read_with(value, |path| format!("{expected}; see {path}"))?;
    check_rules(&rules).map(|()| rules)
}

fn levels_of(value: Value) -> Result<Levels, String> {
    let levels: Levels = read(value, "levels")?;
    if levels.keys().any(|name| !LEVELS.contains(&name.as_str())) {
        return Err("levels: expected LOW, MEDIUM and HIGH".into());
    }
    if levels.values().any(|score| !(0.0..=1.0).contains(score)) {
        return Err("levels: a minimum score is from 0 to 1".into());
    }
    let given: Vec<f64> = LEVELS.iter().filter_map(|name| levels.get(*name).copied()).collect();
    if given.is_sorted() { Ok(levels) } else { Err("levels: a stricter level may not ask for less".into()) }
}

fn read<T: DeserializeOwned>(value: Value, name: &str) -> Result<T, String> {
    read_with(value, |path| match path {
        "." => format!("{name}: a member is missing or unknown"),
        path => format!("{name}.{path}: a member is missing, unknown or of another type"),
    })
}

/// The message is made of the path alone: an error of serde quotes what it found.
fn read_with<T: DeserializeOwned>(value: Value, message: impl Fn(&str) -> String) -> Result<T, String> {
    serde_path_to_error::deserialize(Objects(value)).map_err(|error| message(&error.path().to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn external() -> Value {
        json!({"base_url": "https://id.acme.example/v1", "secret": KEY})
    }

    fn connection(name: &str, value: Value) -> Result<(), String> {
        parse(&json!({"connections": {name: value}}).to_string(), &Reach::default()).map(drop)
    }

    /// `value` with one member changed, or taken away by `null`.
    fn with(mut value: Value, member: &str, to: Value) -> Value {
        match to {
            Value::Null => drop(value.as_object_mut().unwrap().remove(member)),
            to => value[member] = to,
        }
        value
    }

    #[test]
    fn the_array_of_the_contract_sets_the_rules_alone() {
        let change = parse(r#"[{"sign_type":"SIMPLE","provider_type":"INTERNAL","x":1}]"#, &Reach::default()).unwrap();
        assert_eq!((change.providers.unwrap().len(), change.connections.len(), change.levels), (1, 0, None));
    }

    #[test]
    fn the_object_sets_each_member_that_it_has() {
        let text = json!({"levels": {"LOW": 0.4, "HIGH": 0.9}, "connections": {"EXTERNAL": external(), "GOOGLE": null}});
        let change = parse(&text.to_string(), &Reach::default()).unwrap();
        assert_eq!((change.providers, change.connections.len()), (None, 2));
        assert_eq!(change.levels.unwrap()["HIGH"], 0.9);
        let rules = parse(r#"{"providers":[{"provider_type":"EXTERNAL"}]}"#, &Reach::default()).unwrap();
        assert_eq!(rules.providers.unwrap().len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named_and_no_value_is_repeated() {
        let token = "hunter2-is-secret";
        let google = json!({"processor": "projects/p/locations/eu/processors/1", "access_token": token});
        let veridas = json!({"base_url": "https://api.eu.veri-das.com", "api_key": token});
        for (name, good) in [("GOOGLE", &google), ("VERIDAS", &veridas), ("EXTERNAL", &external())] {
            assert!(connection(name, good.clone()).is_ok(), "{name}");
        }
        let cases = [
            ("GOOGLE", with(google.clone(), "access_token", Value::Null), "access_token"),
            ("GOOGLE", with(google.clone(), "service_account", json!({"client_email": token})), "service_account"),
            ("GOOGLE", with(google.clone(), "processor", json!("projects/p/locations/evil.example/x/processors/1")), "processor"),
            ("GOOGLE", with(google.clone(), "processor", json!("projects/p/locations/evil.example/processors/1")), "processor"),
            ("GOOGLE", with(google.clone(), "token", json!(token)), "GOOGLE"),
            ("GOOGLE", with(google.clone(), "base_url", json!("http://api.example.org")), "base_url"),
            ("VERIDAS", with(veridas.clone(), "api_key", json!([token])), "api_key"),
            ("VERIDAS", with(veridas.clone(), "api_key", json!(format!("{token}\r\nx: y"))), "api_key"),
            ("VERIDAS", with(veridas.clone(), "base_url", json!("https://10.0.0.1")), "base_url"),
            ("VERIDAS", with(veridas, "documents", json!([{"country": "Spain"}])), "documents"),
            ("EXTERNAL", with(external(), "secret", json!("c2hvcnQ=")), "secret"),
            ("EXTERNAL", with(external(), "base_url", json!("https://user:hunter2-is-secret@acme.example")), "base_url"),
            ("OTHER", external(), "connections"),
            ("EXTERNAL", json!([token, token]), "EXTERNAL"),
        ];
        for (name, value, expected) in cases {
            let problem = connection(name, value.clone()).unwrap_err();
            assert!(problem.contains(expected), "{value}: {problem}");
            assert!(!problem.contains(token), "{problem}");
        }
        let google = with(google, "access_token", Value::Null);
        let account =
            json!({"client_email": "a@b.example", "private_key": token, "token_uri": "https://oauth2.googleapis.com/token"});
        let problem = connection("GOOGLE", with(google, "service_account", account)).unwrap_err();
        assert!(problem.contains("private_key") && !problem.contains(token), "{problem}");
    }

    #[test]
    fn other_shapes_are_refused() {
        let shapes = [
            "",
            "[",
            "[] []",
            "1",
            "null",
            "{}",
            "\"x\"",
            r#"{"rules":[]}"#,
            r#"{"providers":{}}"#,
            r#"{"connections":[]}"#,
            r#"{"levels":{"VERY_HIGH":1}}"#,
            r#"{"levels":{"LOW":1.1}}"#,
            r#"{"levels":{"LOW":0.9,"HIGH":0.5}}"#,
            r#"{"levels":[0.5]}"#,
            r#"{"levels":{"LOW":"0.5"}}"#,
        ];
        for text in shapes {
            assert!(parse(text, &Reach::default()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_connection_is_for_the_documents_that_it_names() {
        let list =
            [Documents { kind: None, country: Some("ES".into()) }, Documents { kind: Some("PASSPORT".into()), country: None }];
        assert!(Documents::fit(&[], "NIE", None));
        assert!(Documents::fit(&list, "NIE", Some("ES")) && Documents::fit(&list, "PASSPORT", Some("FR")));
        assert!(!Documents::fit(&list, "IDENTITY_CARD", Some("FR")) && !Documents::fit(&list, "NIE", None));
    }
}
