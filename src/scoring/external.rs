//! EXTERNAL: an endpoint of the organization, which speaks the protocol of `docs/scoring-providers.md`.
//!
//! Three questions, each a signed POST with JSON: `scores` (images in, result out), `delegations` (the client goes on at the endpoint), and
//! `results` (what became of a delegation). Every answer repeats the id of its question: a result that belongs to another one is refused.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Utc;
use reqwest::{Method, Url, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use workflows::{
    Contact, DocumentType,
    scoring::{DocumentClass, Level},
};

use super::{
    Image, Images,
    caller::{Caller, Question, json},
    failures::{self, not_configured},
    findings::{Findings, Unreadable, identifier},
    provider::{Delegation, Failure, Request},
};
use crate::{
    catalogue::sign_configuration,
    channels::Secret,
    outbound::{self, Answer},
};

/// Statuses that say that a result is not there yet.
const PENDING: u16 = 202;

/// The endpoint of one organization.
pub struct External {
    base: Url,
    key: Vec<u8>,
}

/// What every question says.
#[derive(Serialize)]
struct Asked<'a, T: Serialize> {
    id: &'a str,
    organization: &'a str,
    document: &'a DocumentClass,
    level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<Declared<'a>>,
    #[serde(flatten)]
    more: T,
}

#[derive(Serialize)]
struct Declared<'a> {
    name: Option<&'a str>,
    last_name: Option<&'a str>,
    document_type: Option<DocumentType>,
    document_number: Option<&'a str>,
}

#[derive(Serialize)]
struct Sides {
    #[serde(skip_serializing_if = "Option::is_none")]
    front: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    back: Option<Side>,
}

#[derive(Serialize)]
struct Side {
    media_type: &'static str,
    /// Base64.
    content: String,
}

#[derive(Serialize)]
struct Settings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_config: Option<&'a Value>,
}

#[derive(Serialize)]
struct Of<'a> {
    provider_id: &'a str,
}

#[derive(Deserialize)]
struct Scored {
    id: String,
    provider_id: Option<String>,
    global_score: f64,
    scores: Vec<Check>,
    #[serde(default)]
    extracted_values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Check {
    score_type: String,
    is_fraud: bool,
    score: f64,
}

#[derive(Deserialize)]
struct Delegated {
    id: String,
    provider_id: String,
    access_token: String,
}

impl External {
    /// # Errors
    /// A connection that was stored and is not usable any more.
    pub fn new(connection: &sign_configuration::External, caller: &Caller) -> Result<Self, Failure> {
        let base =
            caller.options().reach().base_url(&connection.base_url).map_err(|refused| not_configured(refused.to_string()))?;
        let key =
            connection.signing_key().ok_or_else(|| not_configured("the key that requests are signed with is not usable"))?;
        Ok(Self { base, key })
    }

    pub async fn score(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        request: &Request,
        images: &Images,
    ) -> Result<Findings, Failure> {
        let side = |image: &Image| Side { media_type: image.media_type, content: STANDARD.encode(&image.bytes) };
        let sides = Sides { front: images.front.as_ref().map(side), back: images.back.as_ref().map(side) };
        let answer = self.post(caller, question, "scores", &asked(request, question, sides)).await?;
        Ok(findings(&answer, question)?)
    }

    pub async fn delegate(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        request: &Request,
        provider_config: Option<&Value>,
    ) -> Result<Delegation, Failure> {
        let answer = self.post(caller, question, "delegations", &asked(request, question, Settings { provider_config })).await?;
        let Delegated { id, provider_id, access_token } = json(&answer)?;
        same(&id, question)?;
        Ok(Delegation { provider_id: identifier(&provider_id)?.to_owned(), access_token: token(access_token)? })
    }

    pub async fn delegated(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        request: &Request,
        provider_id: &str,
    ) -> Result<Option<Findings>, Failure> {
        let answer = self.post(caller, question, "results", &asked(request, question, Of { provider_id })).await?;
        if answer.status.as_u16() == PENDING {
            return Ok(None);
        }
        let mut found = findings(&answer, question)?;
        found.provider_id(provider_id)?;
        Ok(Some(found))
    }

    async fn post(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        path: &str,
        asked: &impl Serialize,
    ) -> Result<Answer, Failure> {
        let body = serde_json::to_vec(asked).map_err(|_| failures::not_supported("the question cannot be written as JSON"))?;
        let body = bytes::Bytes::from(body);
        let url = below(&self.base, path);
        let build = || {
            let mut request = caller.http().request(Method::POST, url.clone())?.header(CONTENT_TYPE, "application/json");
            request = request.header("idempotency-key", question.key);
            // Signed at the time of the request, which the receiver compares with its own.
            for (name, value) in outbound::sign(&self.key, question.key, Utc::now(), &body) {
                request = request.header(name, value);
            }
            Ok(request.body(body.clone()))
        };
        caller.send(question, &[], build).await
    }
}

fn asked<'a, T: Serialize>(request: &'a Request, question: &Question<'a>, more: T) -> Asked<'a, T> {
    Asked {
        id: question.key,
        organization: question.organization,
        document: &request.document,
        level: request.level.unwrap_or(Level::Medium),
        declared: request.declared.as_ref().map(declared),
        more,
    }
}

fn declared(person: &Contact) -> Declared<'_> {
    let document = person.identity_document.as_ref();
    Declared {
        name: person.name.as_deref(),
        last_name: person.last_name.as_deref(),
        document_type: document.map(|document| document.document_type),
        document_number: document.map(|document| document.document_number.as_str()),
    }
}

fn findings(answer: &Answer, question: &Question<'_>) -> Result<Findings, Unreadable> {
    let scored: Scored = json(answer)?;
    same(&scored.id, question)?;
    let mut findings = Findings::new(scored.global_score)?;
    for check in &scored.scores {
        findings.score(&check.score_type, check.is_fraud, check.score, None)?;
    }
    for (key, value) in &scored.extracted_values {
        findings.value(key, value)?;
    }
    scored.provider_id.as_deref().map_or(Ok(()), |id| findings.provider_id(id))?;
    Ok(findings)
}

fn same(id: &str, question: &Question<'_>) -> Result<(), Unreadable> {
    if id == question.key { Ok(()) } else { Err(Unreadable("the answer belongs to another question")) }
}

/// A token that is given to the client.
///
/// # Errors
/// One with other characters than RFC 6749, appendix A.12, has.
pub fn token(token: String) -> Result<Secret, Unreadable> {
    const LONGEST: usize = 8192;
    let fits = (1..=LONGEST).contains(&token.len()) && token.bytes().all(|byte| (0x20..0x7F).contains(&byte));
    if fits { Ok(Secret::new(token)) } else { Err(Unreadable("the access token is empty, too long, or has other characters")) }
}

/// A path below a base address, which keeps its own path. The segments are ours or were checked.
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_below_that_of_the_base() {
        for base in ["https://a.example/v1", "https://a.example/v1/"] {
            assert_eq!(below(&base.parse().unwrap(), "scores").as_str(), "https://a.example/v1/scores");
        }
        assert_eq!(below(&"https://a.example".parse().unwrap(), "scores").as_str(), "https://a.example/scores");
    }
}
