//! What the operators of phones say of a number: the CAMARA interfaces SIM Swap, Number Verification and KYC Match.
//!
//! <https://github.com/camaraproject>: `sim-swap` (check, retrieve-date), `number-verification` (verify), `kyc-match` (match). A question changes
//! nothing at the operator, so it may be repeated. Whatever the operator answers, or does not, becomes one [`NumberAnswer`] for each question, within
//! the time that the organization allows. Nothing of an answer is logged or kept but what it says in our words.

mod answers;
mod tokens;

#[cfg(test)]
#[path = "../../tests/support/operator.rs"]
pub mod operator;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use prometheus::{IntCounterVec, Opts, Registry};
use reqwest::{Method, StatusCode, Url, header::AUTHORIZATION};
use serde_json::{Map, Value, json};
use store::Timestamp;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};
use uuid::Uuid;
use workflows::{
    Contact,
    identification::otp::{MAX_DETAIL, NumberAnswer, NumberCheck, NumberOutcome},
};

use self::{
    answers::{Said, date, kyc_match, number_verification, sim_swap},
    tokens::Tokens,
};
use crate::{
    catalogue::sign_configuration::{Flow, OperatorAccount},
    outbound::{self, Http, secret_header},
    scoring::Circuits,
};

/// Maximum length of an answer, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Attempts of one call: a question is worth a second one, a code that waits is not worth a third.
const ATTEMPTS: u32 = 2;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// The name of an organization's operator among its providers.
const PROVIDER: &str = "CAMARA";

/// Questions at once, of all organizations.
const MAX_QUESTIONS: usize = 64;

/// Whose number it is about.
pub struct Question<'a> {
    pub organization: &'a str,
    pub account: &'a OperatorAccount,
    pub person: &'a Contact,
    /// Goes with the question, so that the operator's support finds it.
    pub reference: Uuid,
    pub now: Timestamp,
}

/// Why there is no usable answer, in words that hold neither the number nor anything secret.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failure {
    /// A moment later there may be one.
    Transient(String),
    /// The token is not good any more.
    Token,
    /// The interface is not there.
    Missing(String),
    Final(String),
}

impl Failure {
    fn words(self) -> String {
        match self {
            Self::Transient(words) | Self::Missing(words) | Self::Final(words) => words,
            Self::Token => "the operator does not accept the access token".into(),
        }
    }
}

impl From<outbound::Error> for Failure {
    fn from(error: outbound::Error) -> Self {
        if error.is_transient() { Self::Transient(error.to_string()) } else { Self::Final(error.to_string()) }
    }
}

/// Asks operators; a cheap handle.
#[derive(Clone)]
pub struct Camara {
    http: Http,
    tokens: Arc<Tokens>,
    slots: Arc<Semaphore>,
    circuits: Circuits,
    checks: IntCounterVec,
}

impl Camara {
    /// # Errors
    /// If the registry holds metrics of this name already.
    pub fn new(http: Http, circuits: Circuits, registry: &Registry) -> Result<Self, prometheus::Error> {
        let camara = Self::unregistered(http, circuits)?;
        registry.register(Box::new(camara.checks.clone()))?;
        Ok(camara)
    }

    fn unregistered(http: Http, circuits: Circuits) -> Result<Self, prometheus::Error> {
        let checks =
            Opts::new("rubrica_number_checks_total", "Questions to operators about numbers, by what was asked and its outcome");
        let checks = IntCounterVec::new(checks, &["check", "outcome"])?;
        Ok(Self { http, tokens: Arc::default(), slots: Arc::new(Semaphore::new(MAX_QUESTIONS)), circuits, checks })
    }

    /// One answer to each question, in their order. Takes at most as long as the organization allows. An operator that fails time after time is
    /// not asked for a while.
    pub async fn ask(&self, question: &Question<'_>, checks: &[NumberCheck]) -> Vec<NumberAnswer> {
        let deadline = Instant::now() + Duration::from_millis(question.account.operator.timeout_ms.into());
        let said = match self.circuits.enter(question.organization, PROVIDER) {
            Ok(permit) => {
                let said = join_all(checks.iter().map(|check| self.asked(question, *check, deadline))).await;
                permit.end(!said.iter().any(|said| matches!(said, Err(Failure::Transient(_)))));
                said
            }
            Err(_) => {
                let left_alone = "the operator failed time after time and is not asked for a while";
                checks.iter().map(|_| Err(Failure::Final(left_alone.into()))).collect()
            }
        };
        let answers: Vec<NumberAnswer> = checks.iter().zip(said).map(|(check, said)| answer(*check, said)).collect();
        for answer in &answers {
            self.checks.with_label_values(&[answer.check.name(), answer.outcome.name()]).inc();
        }
        answers
    }

    async fn asked(&self, question: &Question<'_>, check: NumberCheck, deadline: Instant) -> Result<Said, Failure> {
        let said = timeout_at(deadline, async {
            let _slot = self.slots.acquire().await;
            match check {
                NumberCheck::SimSwap { max_age_hours } => self.sim_swap(question, max_age_hours, deadline).await,
                NumberCheck::NumberVerification => self.number_verification(question, deadline).await,
                NumberCheck::KycMatch => self.kyc_match(question, deadline).await,
            }
        });
        said.await.unwrap_or_else(|_| Err(Failure::Transient("the operator did not answer in time".into())))
    }

    async fn sim_swap(&self, question: &Question<'_>, hours: u32, deadline: Instant) -> Result<Said, Failure> {
        let version = question.account.policy.sim_swap_version();
        let mut body = phone(question)?;
        let dated = body.clone();
        body.insert("maxAge".into(), hours.into());
        let path = ["sim-swap", version, "check"];
        match self.call(question, "sim-swap:check", path, body, deadline).await {
            Ok(answer) => {
                let said = sim_swap(&answer, hours)?;
                if said.outcome != NumberOutcome::Failed {
                    return Ok(said);
                }
                // When it changed helps whoever looks into it. That it did is known.
                let path = ["sim-swap", version, "retrieve-date"];
                let answer = self.call(question, "sim-swap:retrieve-date", path, dated, deadline).await;
                Ok(answers::with_date(said, answer.ok().as_ref(), question.now))
            }
            // An operator may have one of the two only.
            Err(Failure::Missing(_)) => {
                let path = ["sim-swap", version, "retrieve-date"];
                let answer = self.call(question, "sim-swap:retrieve-date", path, dated, deadline).await?;
                date(&answer, hours, question.now)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn number_verification(&self, question: &Question<'_>, deadline: Instant) -> Result<Said, Failure> {
        let path = ["number-verification", question.account.policy.number_verification_version(), "verify"];
        // The number is what is asked here, whoever the token is for.
        let body = Map::from_iter([("phoneNumber".to_owned(), json!(number(question)?))]);
        let answer = self.call(question, "number-verification:verify", path, body, deadline).await?;
        number_verification(&answer)
    }

    async fn kyc_match(&self, question: &Question<'_>, deadline: Instant) -> Result<Said, Failure> {
        let (version, min_score) = question.account.policy.kyc_match();
        let mut body = phone(question)?;
        let person = question.person;
        let given = [
            ("idDocument", person.identity_document.as_ref().map(|document| document.document_number.clone())),
            ("givenName", person.name.clone()),
            ("familyName", person.last_name.clone()),
        ];
        let asked: Vec<&str> = given.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| *name).collect();
        if asked.is_empty() {
            return Err(Failure::Final("neither name nor document of the person is known, so nothing could be compared".into()));
        }
        body.extend(given.iter().filter_map(|(name, value)| Some(((*name).to_owned(), json!(value.as_ref()?)))));
        let answer = self.call(question, "kyc-match:match", ["kyc-match", version, "match"], body, deadline).await?;
        kyc_match(&answer, &asked, min_score)
    }

    /// One call, with a second attempt where that may help. The answer is about the number asked, as far as it says.
    async fn call(
        &self,
        question: &Question<'_>,
        scope: &str,
        path: [&str; 3],
        body: Map<String, Value>,
        deadline: Instant,
    ) -> Result<Map<String, Value>, Failure> {
        let url = endpoint(&question.account.operator.base_url, path)?;
        let mut attempt = 1;
        let answer = loop {
            match self.attempt(question, scope, url.clone(), &body, deadline).await {
                Err(Failure::Transient(_)) if attempt < ATTEMPTS => sleep_until((Instant::now() + PAUSE).min(deadline)).await,
                Err(Failure::Token) if attempt < ATTEMPTS => {}
                ended => break ended?,
            }
            attempt += 1;
        };
        let about = ["phoneNumber", "devicePhoneNumber"].into_iter().filter_map(|name| answer.get(name));
        match about.map(Value::as_str).all(|about| about == number(question).ok().as_deref()) {
            true => Ok(answer),
            false => Err(Failure::Final("the operator's answer is about another number".into())),
        }
    }

    async fn attempt(
        &self,
        question: &Question<'_>,
        scope: &str,
        url: Url,
        body: &Map<String, Value>,
        deadline: Instant,
    ) -> Result<Map<String, Value>, Failure> {
        let token = self.tokens.get(&self.http, question, scope, deadline).await?;
        let bearer = secret_header(&format!("Bearer {}", token.expose())).map_err(Failure::Final)?;
        let request = self.http.request(Method::POST, url).map_err(|error| Failure::from(outbound::Error::from(error)))?;
        let request = request.header(AUTHORIZATION, bearer).header("x-correlator", question.reference.to_string()).json(body);
        let answer = self.http.send(request, deadline, MAX_ANSWER).await?;
        let parsed: Option<Map<String, Value>> = serde_json::from_slice(&answer.body).ok();
        let said = || format!("the operator answered {}{}", answer.status.as_u16(), error_code(parsed.as_ref()));
        match answer.status {
            StatusCode::OK => parsed.ok_or_else(|| Failure::Final("the operator's answer cannot be read".into())),
            StatusCode::UNAUTHORIZED => {
                self.tokens.forget(question, scope);
                Err(Failure::Token)
            }
            StatusCode::NOT_IMPLEMENTED | StatusCode::METHOD_NOT_ALLOWED => Err(Failure::Missing(said())),
            // Of a number that is not known, the operator says so in the code of the error.
            StatusCode::NOT_FOUND if error_code(parsed.as_ref()).is_empty() => Err(Failure::Missing(said())),
            StatusCode::TOO_MANY_REQUESTS => Err(Failure::Transient(said())),
            status if status.is_server_error() => Err(Failure::Transient(said())),
            _ => Err(Failure::Final(said())),
        }
    }
}

fn answer(check: NumberCheck, said: Result<Said, Failure>) -> NumberAnswer {
    let (outcome, detail) = match said {
        Ok(Said { outcome, detail }) => (outcome, detail),
        Err(failure) => (NumberOutcome::Unanswered, Some(failure.words())),
    };
    NumberAnswer { check, outcome, detail: detail.map(|detail| detail.chars().take(MAX_DETAIL).collect()) }
}

/// The number as CAMARA writes it: ITU-T E.164 with a plus.
fn number(question: &Question<'_>) -> Result<String, Failure> {
    let number = question.person.msisdn.as_ref().map(workflows::Msisdn::e164);
    number.ok_or_else(|| Failure::Final("the person has no phone".into()))
}

/// The number where the token does not say it; where it does, an operator refuses to be told twice (CAMARA `UNNECESSARY_IDENTIFIER`).
fn phone(question: &Question<'_>) -> Result<Map<String, Value>, Failure> {
    let number = number(question)?;
    Ok(match question.account.operator.flow {
        Flow::ClientCredentials => Map::from_iter([("phoneNumber".to_owned(), json!(number))]),
        Flow::Ciba => Map::new(),
    })
}

fn endpoint(base: &str, path: [&str; 3]) -> Result<Url, Failure> {
    let text = format!("{}/{}", base.trim_end_matches('/'), path.join("/"));
    Url::parse(&text).map_err(|_| Failure::Final("the operator's address is no URL".into()))
}

/// The code of an error as CAMARA lists them, such as ` (PERMISSION_DENIED)`; nothing else of it is passed on.
fn error_code(answer: Option<&Map<String, Value>>) -> String {
    let code = answer.and_then(|answer| answer.get("code")).and_then(Value::as_str).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'.';
    let known = (1..=80).contains(&code.len()) && code.bytes().all(plain) && code.bytes().any(|byte| byte.is_ascii_uppercase());
    if known { format!(" ({code})") } else { String::new() }
}
