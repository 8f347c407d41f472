//! VERIDAS: its validation of images (VALIDAS, version 1), and capture in the signer's browser (XpressID, version 2), which is what a
//! delegation is.
//!
//! * A validation is made (`POST /validas/v1/validation`), the images are put into it, obverse and reverse, and its scores and texts are read.
//! * A delegation makes a validation as well, and a token for XpressID that goes on with it (`operationMode` resume); the caller's
//!   `provider_config` is merged into the token's `data` (RFC 7396), but for the mode and the validation. The result is read from the
//!   validation until its global score is there.
//!
//! The global score is `Score-DocumentGlobal`. The scores of the document (`Score-...`, `ScoreGroup-...`) point to fraud below
//! [`FRAUD_BELOW`]; the others, of selfies and video, are told and decide nothing, as an identification asks for none.

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Image, Images,
    caller::{Caller, Question, json as read},
    external::{below, token},
    failures::not_configured,
    findings::{Findings, Unreadable, identifier},
    provider::{Delegation, Failure},
};
use crate::{
    catalogue::sign_configuration,
    outbound::{Answer, NotAllowed, secret_header},
};

/// Below it, fraud is more probable than not: its scores are probabilities.
const FRAUD_BELOW: f64 = 0.5;

/// The score of the document as a whole.
const GLOBAL: &str = "Score-DocumentGlobal";

/// Beginnings of its names of fields (which go on with the side or `_Out`), and ours.
const VALUES: [(&str, &str); 5] = [
    ("PD_Name", "NAME"),
    ("PD_LastName", "LAST_NAME"),
    ("PD_IdentificationNumber", "DOCUMENT_NUMBER"),
    ("PD_BirthDate", "BIRTH_DATE"),
    ("DD_ExpirationDate", "DOCUMENT_EXPIRATION_DATE"),
];

/// An account of one organization.
pub struct Veridas {
    base: Url,
    key: reqwest::header::HeaderValue,
}

/// Answers stand in `data` or by themselves, by version.
#[derive(Deserialize)]
#[serde(untagged)]
enum Data<T> {
    Within { data: T },
    Itself(T),
}

impl<T> Data<T> {
    fn it(self) -> T {
        let (Self::Within { data: it } | Self::Itself(it)) = self;
        it
    }
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Scores {
    scores: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    value: f64,
}

#[derive(Deserialize)]
struct Texts {
    #[serde(default)]
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    field_name: String,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

impl Veridas {
    /// # Errors
    /// A connection that was stored and is not usable any more.
    pub fn new(connection: &sign_configuration::Veridas, caller: &Caller) -> Result<Self, Failure> {
        let base =
            caller.options().reach().base_url(&connection.base_url).map_err(|refused| not_configured(refused.to_string()))?;
        let key = secret_header(connection.api_key.expose()).map_err(not_configured)?;
        Ok(Self { base, key })
    }

    pub async fn score(&self, caller: &Caller, question: &Question<'_>, images: &Images) -> Result<Findings, Failure> {
        let id = self.validation(caller, question).await?;
        let with_id = |failure: Failure| Failure { provider_id: Some(id.clone()), ..failure };
        for (image, side) in [(&images.front, "obverse"), (&images.back, "reverse")] {
            if let Some(image) = image {
                self.put(caller, question, &id, image, side).await.map_err(with_id)?;
            }
        }
        let found = self.found(caller, question, &id, false).await.map_err(with_id)?;
        found.ok_or(Unreadable("the answer has no Score-DocumentGlobal").into()).map_err(with_id)
    }

    pub async fn delegate(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        provider_config: Option<&Value>,
    ) -> Result<Delegation, Failure> {
        let id = self.validation(caller, question).await?;
        let body = Bytes::from(json!({"data": flow(&id, provider_config)}).to_string());
        let build = || {
            let request = self.request(caller, question, Method::POST, "xpressid/api/v2/token")?;
            Ok(request.header("content-type", "application/json").body(body.clone()))
        };
        let granted = read::<Data<Granted>>(&caller.send(question, &[], build).await?)?.it();
        Ok(Delegation { provider_id: id, access_token: token(granted.access_token)? })
    }

    pub async fn delegated(&self, caller: &Caller, question: &Question<'_>, id: &str) -> Result<Option<Findings>, Failure> {
        self.found(caller, question, identifier(id)?, true).await
    }

    /// Makes a validation.
    async fn validation(&self, caller: &Caller, question: &Question<'_>) -> Result<String, Failure> {
        let build = || self.request(caller, question, Method::POST, "validas/v1/validation");
        let made = read::<Data<Made>>(&caller.send(question, &[], build).await?)?.it();
        Ok(identifier(&made.id)?.to_owned())
    }

    async fn put(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        id: &str,
        image: &Image,
        side: &'static str,
    ) -> Result<(), Failure> {
        let (media_type, body) = form(&image.bytes, image.media_type, side);
        let path = format!("validas/v1/validation/{id}/document");
        let build = || {
            let request = self.request(caller, question, Method::PUT, &path)?;
            Ok(request.header("content-type", media_type.as_str()).body(body.clone()))
        };
        caller.send(question, &[], build).await.map(drop)
    }

    /// What was found of a document; `None` if there is no global score. With `patient` a validation without a document is not there yet.
    async fn found(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        id: &str,
        patient: bool,
    ) -> Result<Option<Findings>, Failure> {
        let pending: &[u16] = if patient { &[404, 409] } else { &[] };
        let answer = self.get(caller, question, &format!("validas/v1/validation/{id}/scores"), pending).await?;
        if !answer.status.is_success() {
            return Ok(None);
        }
        let scores = read::<Data<Scores>>(&answer)?.it().scores;
        let Some(global) = scores.iter().find(|score| score.name == GLOBAL) else { return Ok(None) };
        let mut findings = Findings::new(global.value)?;
        for Named { name, value } in &scores {
            let is_of_the_document = name.starts_with("Score-") || name.starts_with("ScoreGroup-");
            findings.score(name, is_of_the_document && *value < FRAUD_BELOW, *value, None)?;
        }
        let texts = self.get(caller, question, &format!("validas/v1/validation/{id}/ocr"), &[]).await?;
        let nodes = read::<Data<Texts>>(&texts)?.it().nodes;
        for (theirs, ours) in VALUES {
            let is_it = |node: &&Node| {
                let rest = node.field_name.strip_prefix(theirs);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_')) && !node.text.trim().is_empty()
            };
            if let Some(node) = nodes.iter().find(is_it) {
                findings.value(ours, &if ours.ends_with("_DATE") { date(&node.text)? } else { node.text.clone() })?;
            }
        }
        findings.provider_id(id)?;
        Ok(Some(findings))
    }

    async fn get(&self, caller: &Caller, question: &Question<'_>, path: &str, also: &[u16]) -> Result<Answer, Failure> {
        caller.send(question, also, || self.request(caller, question, Method::GET, path)).await
    }

    fn request(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, NotAllowed> {
        let request = caller.http().request(method, below(&self.base, path))?;
        Ok(request.header("apikey", self.key.clone()).header("idempotency-key", question.key))
    }
}

/// Its dates are `YYYY-MM-DD`, or `DD/MM/YYYY` as they stand on European documents, with other separators too.
fn date(text: &str) -> Result<String, Unreadable> {
    let parts: Vec<&str> = text.trim().split(['-', '/', '.', ' ']).collect();
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => Ok(format!("{year}-{month}-{day}")),
        [day, month, year] if year.len() == 4 => Ok(format!("{year}-{month}-{day}")),
        _ => Err(Unreadable("a date is neither YYYY-MM-DD nor DD/MM/YYYY")),
    }
}

/// What XpressID shows: by default the capture of a document in a browser.
fn flow(validation: &str, provider_config: Option<&Value>) -> Value {
    let mut data = json!({
        "platform": "web",
        "flowSetup": {"stages": ["document"], "core": {"confirmProcess": true}},
    });
    if let Some(config) = provider_config {
        merge(&mut data, config);
    }
    merge(&mut data, &json!({"operationMode": "resume", "flowSetup": {"core": {"validationId": validation}}}));
    data
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// A form with an image (RFC 7578), and its media type.
fn form(image: &[u8], media_type: &str, side: &str) -> (String, Bytes) {
    // Random, so that no image has it inside.
    let boundary = format!("rubrica-{}", uuid::Uuid::new_v4().simple());
    let mut body = Vec::with_capacity(image.len() + 1024);
    for (name, value) in [("analysisType", side), ("serviceMode", "validation")] {
        let part = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = "content-disposition: form-data; name=\"documentImage\"; filename=\"document\"";
    body.extend_from_slice(format!("--{boundary}\r\n{head}\r\ncontent-type: {media_type}\r\n\r\n").as_bytes());
    body.extend_from_slice(image);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_shapes_the_flow_but_not_which_validation_it_is() {
        let config = json!({
            "platform": "ios", "operationMode": "idv",
            "flowSetup": {"stages": ["document", "selfie"], "core": {"validationId": "of-another", "contextualData": {"a": 1}}},
        });
        let expected = json!({
            "platform": "ios", "operationMode": "resume",
            "flowSetup": {
                "stages": ["document", "selfie"],
                "core": {"confirmProcess": true, "validationId": "v-1", "contextualData": {"a": 1}},
            },
        });
        assert_eq!(flow("v-1", Some(&config)), expected);
        let by_default = flow("v-1", None);
        assert_eq!(by_default["flowSetup"]["stages"], json!(["document"]));
        for config in [json!("x"), json!({"flowSetup": null}), json!({"flowSetup": {"core": 1}})] {
            assert_eq!(flow("v-1", Some(&config))["flowSetup"]["core"]["validationId"], "v-1", "{config}");
        }
    }

    #[test]
    fn dates_of_documents_are_read_both_ways() {
        for text in ["1990-01-31", "31/01/1990", "31 01 1990", " 31.01.1990 "] {
            assert_eq!(date(text).unwrap(), "1990-01-31", "{text}");
        }
        assert!(date("31/01/90").is_err() && date("JAN 1990").is_err());
    }
}
