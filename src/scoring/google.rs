//! GOOGLE: identity proofing of Google Document AI, one request for each image.
//!
//! It answers with categories, not with numbers, so the score is ours. Each `fraud_signals_*` entity is a check: `PASS` is 1, a text
//! with `INCONCLUSIVE` is 0.5, everything else is 0 and points to fraud. The global score is that of the weakest check: a document is as
//! good as the worst that is found of it. `fraud_signals_is_identity_document` must be there for the front, or for the only image.
//! Entities of identity parsers, where the processor has them, become extracted values.
//!
//! What it cannot see: who holds the document, and what the processor was not trained for.

mod token;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;

use super::{
    Image, Images,
    caller::{Caller, Question, json as read},
    external::below,
    failures::not_configured,
    findings::{Findings, Unreadable},
    provider::Failure,
};
use crate::{
    catalogue::sign_configuration,
    outbound::{Answer, secret_header},
};

pub use token::Tokens;

/// The signal without which an answer says nothing.
const IS_DOCUMENT: &str = "fraud_signals_is_identity_document";

/// Its names of what the contract has names for.
const VALUES: [(&str, &str); 5] = [
    ("Given Names", "NAME"),
    ("Family Name", "LAST_NAME"),
    ("Document Id", "DOCUMENT_NUMBER"),
    ("Date Of Birth", "BIRTH_DATE"),
    ("Expiration Date", "DOCUMENT_EXPIRATION_DATE"),
];

/// A processor of one organization.
pub struct Google<'a> {
    connection: &'a sign_configuration::Google,
    process: Url,
    tokens: &'a Tokens,
}

#[derive(Deserialize)]
struct Processed {
    document: Document,
}

#[derive(Deserialize)]
struct Document {
    entities: Vec<Entity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    r#type: String,
    #[serde(default)]
    mention_text: String,
    normalized_value: Option<Normalized>,
}

#[derive(Deserialize)]
struct Normalized {
    /// Of a date: `YYYY-MM-DD`.
    #[serde(default)]
    text: String,
}

impl<'a> Google<'a> {
    /// # Errors
    /// A connection that was stored and is not usable any more.
    pub fn new(connection: &'a sign_configuration::Google, caller: &Caller, tokens: &'a Tokens) -> Result<Self, Failure> {
        let location = connection.location().ok_or_else(|| not_configured("the name of the processor is not usable"))?;
        let base = connection.base_url.clone().unwrap_or_else(|| format!("https://{location}-documentai.googleapis.com"));
        let base = caller.options().reach().base_url(&base).map_err(|refused| not_configured(refused.to_string()))?;
        Ok(Self { connection, process: below(&base, &format!("v1/{}:process", connection.processor)), tokens })
    }

    pub async fn score(&self, caller: &Caller, question: &Question<'_>, images: &Images) -> Result<Findings, Failure> {
        let mut found = Vec::new();
        for image in [&images.front, &images.back].into_iter().flatten() {
            let answer = self.process(caller, question, image).await?;
            found.push(read::<Processed>(&answer)?.document.entities);
        }
        Ok(findings(&found)?)
    }

    async fn process(&self, caller: &Caller, question: &Question<'_>, image: &Image) -> Result<Answer, Failure> {
        let content = STANDARD.encode(&image.bytes);
        let body = json!({
            "rawDocument": {"content": content, "mimeType": image.media_type},
            // Without it the whole image comes back.
            "fieldMask": "entities",
            "skipHumanReview": true,
        });
        let body = bytes::Bytes::from(body.to_string());
        let mut fresh = false;
        loop {
            let token = self.tokens.get(self.connection, caller, question, fresh).await?;
            let authorization = secret_header(&format!("Bearer {}", token.expose())).map_err(not_configured)?;
            let build = || {
                let request =
                    caller.http().request(Method::POST, self.process.clone())?.header("authorization", authorization.clone());
                Ok(request.header("content-type", "application/json").body(body.clone()))
            };
            // A token that was revoked before its time is asked for anew, once.
            let may_renew = self.connection.service_account.is_some() && !fresh;
            let answer = caller.send(question, if may_renew { &[401] } else { &[] }, build).await?;
            if answer.status.as_u16() != 401 {
                return Ok(answer);
            }
            fresh = true;
        }
    }
}

fn findings(images: &[Vec<Entity>]) -> Result<Findings, Unreadable> {
    if !images.first().is_some_and(|entities| entities.iter().any(|entity| entity.r#type == IS_DOCUMENT)) {
        return Err(Unreadable("the answer has no fraud_signals_is_identity_document"));
    }
    let signals = || images.iter().flatten().filter(|entity| entity.r#type.starts_with("fraud_signals_"));
    let weakest = signals().map(|entity| judge(&entity.mention_text)).fold(1.0, f64::min);
    let mut findings = Findings::new(weakest)?;
    let note = (images.len() > 1).then_some(["front", "back"]);
    for (side, entities) in images.iter().enumerate() {
        for entity in entities.iter().filter(|entity| entity.r#type.starts_with("fraud_signals_")) {
            let score = judge(&entity.mention_text);
            let note = note.and_then(|sides| sides.get(side).copied());
            findings.score(&entity.r#type.to_ascii_uppercase(), score == 0.0, score, note)?;
        }
    }
    for (theirs, ours) in VALUES {
        let Some(entity) = images.iter().flatten().find(|entity| entity.r#type == theirs) else { continue };
        match &entity.normalized_value {
            Some(normalized) if ours.ends_with("_DATE") => findings.value(ours, &normalized.text)?,
            // A date that it could not read as one is no value.
            None if ours.ends_with("_DATE") => {}
            _ => findings.value(ours, &entity.mention_text)?,
        }
    }
    Ok(findings)
}

fn judge(signal: &str) -> f64 {
    match signal.trim() {
        "PASS" => 1.0,
        signal if signal.contains("INCONCLUSIVE") => 0.5,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(r#type: &str, text: &str) -> Entity {
        Entity { r#type: r#type.into(), mention_text: text.into(), normalized_value: None }
    }

    fn judged(images: &[Vec<Entity>]) -> (f64, bool) {
        let result = findings(images).unwrap().judge(0.0, None);
        (result.global_score.as_f64(), result.passing)
    }

    #[test]
    fn a_document_is_as_good_as_its_weakest_signal() {
        let with = |text: &str| vec![entity(IS_DOCUMENT, "PASS"), entity("fraud_signals_suspicious_words", text)];
        assert_eq!(judged(&[with("PASS")]), (1.0, true));
        assert_eq!(judged(&[with("SUSPICIOUS_WORDS_INCONCLUSIVE")]), (0.5, true));
        for text in ["SUSPICIOUS_WORDS_FOUND", "", "pass", "PASS?"] {
            assert_eq!(judged(&[with(text)]), (0.0, false), "{text}");
        }
        let back = vec![entity("fraud_signals_image_manipulation", "POSSIBLE_IMAGE_MANIPULATION")];
        assert_eq!(judged(&[with("PASS"), back]), (0.0, false));
    }

    #[test]
    fn an_answer_that_does_not_say_whether_it_is_a_document_is_none() {
        for images in [&[][..], &[vec![]], &[vec![entity("fraud_signals_suspicious_words", "PASS")]]] {
            assert!(findings(images).is_err());
        }
    }

    #[test]
    fn entities_of_parsers_become_values() {
        let mut birth = entity("Date Of Birth", "31 ENE 1990");
        birth.normalized_value = Some(Normalized { text: "1990-01-31".into() });
        let entities = vec![entity(IS_DOCUMENT, "PASS"), birth, entity("Family Name", "García"), entity("Expiration Date", "?")];
        let values = findings(&[entities]).unwrap().judge(0.0, None).extracted_values;
        assert_eq!(
            values.into_iter().collect::<Vec<_>>(),
            [("BIRTH_DATE".to_owned(), "1990-01-31T00:00:00Z".to_owned()), ("LAST_NAME".to_owned(), "García".to_owned()),]
        );
    }
}
