//! Finds out what proves the certificates in a file: asks OCSP responders (RFC 6960 A.1), fetches lists (RFC 5280 4.2.1.13) and certificates of
//! issuers (4.2.2.1) where the certificates say they are to be had.
//!
//! Those addresses are somebody else's, so only public ones are called, and what comes is bounded. What was good is kept while it is, for an hour
//! at most.

use std::{collections::HashMap, sync::Arc, time::Duration};

use ::documents::{
    pem,
    revocation::{MAX_ANSWER, MAX_LIST, Question, Rejected, Statement, Status},
    validation_data::{Orphan, ValidationData, Wanted},
    verify::Trust,
};
use actors::Clock;
use bytes::Bytes;
use chrono::TimeDelta;
use parking_lot::Mutex;
use reqwest::{
    Method, Url,
    header::{ACCEPT, CONTENT_TYPE},
};
use store::Timestamp;
use tokio::time::Instant;

use super::metrics::{Answered, Asked, Metrics};
use crate::{
    cpu_pool::{self, CpuPool, Job},
    outbound::{Http, Reach},
};

/// Media type of questions and answers.
const REQUEST: &str = "application/ocsp-request";
const RESPONSE: &str = "application/ocsp-response";
/// How often it is looked what is wanted: what is found may want more.
const MAX_ROUNDS: usize = 6;
/// Questions about one file, and addresses that are tried for one.
const MAX_QUESTIONS: usize = 64;
const MAX_ADDRESSES: usize = 4;
/// The largest certificate that is read, in bytes.
const MAX_CERTIFICATE: usize = 64 * 1024;
/// What is kept, in bytes, and for how long at most: a certificate may be revoked meanwhile.
const MAX_KEPT: usize = 64 * 1024 * 1024;
const LONGEST_KEPT: TimeDelta = TimeDelta::hours(1);

/// Who asks; a cheap handle.
#[derive(Clone)]
pub struct Revocations(Arc<Inner>);

struct Inner {
    http: Http,
    timeout: Duration,
    /// The roots of authorities of time stamps, which may stand in no file.
    roots: Vec<Vec<u8>>,
    kept: Mutex<Kept>,
    cpu: CpuPool,
    metrics: Metrics,
    clock: Clock,
}

/// Why a file's certificates are not proven.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody said it of some of them. `is_passing`: somebody may, later.
    #[error("{reasons}")]
    NotKnown { reasons: String, is_passing: bool },
    #[error("the certificate \"{certificate}\" was revoked on {}", .since.date_naive())]
    Revoked { certificate: String, since: Timestamp },
    #[error(transparent)]
    Busy(#[from] cpu_pool::Error),
    #[error("the file cannot be read: {0}")]
    File(#[from] ::documents::verify::Error),
}

/// What is kept of answers, by the certificate that they are about, and of lists and certificates, by their addresses.
#[derive(Default)]
struct Kept {
    items: HashMap<Key, (Bytes, Timestamp)>,
    bytes: usize,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Answer([u8; 32]),
    At(String),
}

impl Kept {
    fn get(&self, key: &Key, now: Timestamp) -> Option<Bytes> {
        self.items.get(key).filter(|(_, until)| *until > now).map(|(bytes, _)| bytes.clone())
    }

    fn keep(&mut self, key: Key, bytes: &Bytes, until: Timestamp, now: Timestamp) {
        if bytes.len() > MAX_KEPT {
            return;
        }
        self.forget(&key);
        self.bytes += bytes.len();
        self.items.insert(key, (bytes.clone(), until.min(now + LONGEST_KEPT)));
        while self.bytes > MAX_KEPT {
            let Some(first) = self.items.iter().min_by_key(|(_, (_, until))| *until).map(|(key, _)| key.clone()) else { break };
            self.forget(&first);
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some((bytes, _)) = self.items.remove(key) {
            self.bytes -= bytes.len();
        }
    }
}

impl Revocations {
    /// # Errors
    /// A text when the system has no TLS.
    pub fn new(
        reach: Reach,
        (connect_timeout, timeout): (Duration, Duration),
        roots: Vec<Vec<u8>>,
        cpu: CpuPool,
        (clock, metrics): (Clock, Metrics),
    ) -> Result<Self, String> {
        // What is answered is signed, and nearly all of these addresses are plain http, as asking by https asks for a certificate's status.
        let http = Http::new(Reach { plain_http: true, ..reach }, connect_timeout)?;
        let kept = Mutex::default();
        Ok(Self(Arc::new(Inner { http, timeout, roots, kept, cpu, metrics, clock })))
    }

    /// What a file lacks so that its certificates can be judged later.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn gather(&self, organization: &str, pdf: &Bytes, until: Instant) -> Result<ValidationData, Error> {
        let inner = &self.0;
        let mut data = ValidationData::default();
        let mut asked = 0;
        for _ in 0..MAX_ROUNDS {
            let (bytes, found, roots) = (pdf.clone(), data.clone(), inner.roots.clone());
            let now = inner.clock.now();
            let job = Job::new(organization, pdf.len() as u64);
            let look = move |_: &_| Wanted::of(&bytes, &found, &Trust { roots }, now);
            let wanted = inner.cpu.run(job, look).await??;
            if wanted.is_empty() {
                return Ok(data);
            }
            asked += wanted.questions.len() + wanted.orphans.len();
            if asked > MAX_QUESTIONS {
                let reasons = format!("the certificates in the file need more than {MAX_QUESTIONS} questions");
                return Err(Error::NotKnown { reasons, is_passing: false });
            }
            for orphan in &wanted.orphans {
                inner.issuer(organization, orphan, &mut data, until).await?;
            }
            for question in &wanted.questions {
                inner.ask(organization, question, &mut data, until).await?;
            }
        }
        Err(Error::NotKnown { reasons: "the certificates in the file lead to ever more others".into(), is_passing: false })
    }
}

/// Why one address gave nothing: the host, and what happened.
struct Failure {
    cause: String,
    is_passing: bool,
}

impl Failure {
    fn lasting(cause: impl ToString) -> Self {
        Self { cause: cause.to_string(), is_passing: false }
    }

    fn passing(cause: impl ToString) -> Self {
        Self { cause: cause.to_string(), is_passing: true }
    }
}

impl Inner {
    async fn ask(&self, organization: &str, question: &Question, data: &mut ValidationData, until: Instant) -> Result<(), Error> {
        let subject = question.subject();
        let mut failures: Vec<Failure> = Vec::new();
        for address in question.ocsp_addresses().iter().take(MAX_ADDRESSES) {
            match self.answer(question, address, until).await {
                Ok((bytes, statement)) => return told(&subject, &statement).map(|()| data.add_answer(&bytes)),
                Err(failure) => failures.push(self.failed(organization, Asked::Responder, address, failure)),
            }
        }
        for address in question.list_addresses().iter().take(MAX_ADDRESSES) {
            match self.list(organization, question, address, until).await {
                Ok((bytes, statement)) => return told(&subject, &statement).map(|()| data.add_list(&bytes)),
                Err(failure) => failures.push(self.failed(organization, Asked::List, address, failure)),
            }
        }
        let is_passing = failures.iter().any(|failure| failure.is_passing);
        let reasons = match failures.is_empty() {
            true => format!("the certificate \"{subject}\" names nobody who says whether it was revoked"),
            false => {
                let causes: Vec<String> = failures.into_iter().map(|failure| failure.cause).collect();
                format!("whether the certificate \"{subject}\" was revoked is not known: {}", causes.join("; "))
            }
        };
        Err(Error::NotKnown { reasons, is_passing })
    }

    /// Counts and tells that an address gave nothing.
    fn failed(&self, organization: &str, asked: Asked, address: &str, failure: Failure) -> Failure {
        let host = Url::parse(address).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default();
        let answered = if failure.is_passing { Answered::Away } else { Answered::Rejected };
        self.metrics.asked(asked, answered);
        tracing::warn!(organization, host, cause = failure.cause, "nothing was learned of a certificate's revocation");
        Failure { cause: format!("{host}: {}", failure.cause), ..failure }
    }

    async fn answer(&self, question: &Question, address: &str, until: Instant) -> Result<(Bytes, Statement), Failure> {
        let (key, now) = (Key::Answer(question.fingerprint()), self.clock.now());
        let request = |with_nonce| question.ocsp_request(with_nonce).map_err(|_| Failure::passing("there is no randomness"));
        let kept = self.kept.lock().get(&key, now);
        if let Some(bytes) = kept
            && let Ok(statement) = question.accept_ocsp(&request(false)?, &bytes, now)
        {
            self.metrics.asked(Asked::Responder, Answered::Kept);
            return Ok((bytes, statement));
        }
        let mut refused = None;
        // Some know no nonce and call the question malformed (RFC 8954 1).
        for with_nonce in [true, false] {
            let request = request(with_nonce)?;
            let call = self.request(Method::POST, address)?;
            let call = call.header(CONTENT_TYPE, REQUEST).header(ACCEPT, RESPONSE).body(request.der().to_vec());
            let bytes = self.send(call, MAX_ANSWER, until).await?;
            match question.accept_ocsp(&request, &bytes, self.clock.now()) {
                Ok(Statement { status: Status::Unknown, .. }) => {
                    return Err(Failure::passing("it does not know the certificate"));
                }
                Ok(statement) => {
                    self.metrics.asked(Asked::Responder, Answered::Good);
                    self.kept.lock().keep(key, &bytes, statement.good_until(), now);
                    return Ok((bytes, statement));
                }
                Err(rejected @ Rejected::Refused(_)) => refused = Some(Failure::passing(rejected)),
                Err(rejected) => return Err(Failure::passing(rejected)),
            }
        }
        Err(refused.unwrap_or_else(|| Failure::passing("it refused")))
    }

    async fn list(
        &self,
        organization: &str,
        question: &Question,
        address: &str,
        until: Instant,
    ) -> Result<(Bytes, Statement), Failure> {
        let (key, now) = (Key::At(address.to_owned()), self.clock.now());
        let kept = self.kept.lock().get(&key, now);
        let (bytes, is_kept) = match kept {
            Some(bytes) => (bytes, true),
            None => (self.send(self.request(Method::GET, address)?, MAX_LIST, until).await?, false),
        };
        let der = pem_or_der(bytes);
        let (read, asked) = (der.clone(), question.clone());
        let job = Job::new(organization, der.len() as u64);
        let accepted = self.cpu.run(job, move |_| asked.accept_list(&read, now)).await.map_err(Failure::passing)?;
        let statement = accepted.map_err(Failure::passing)?;
        self.metrics.asked(Asked::List, if is_kept { Answered::Kept } else { Answered::Good });
        self.kept.lock().keep(key, &der, statement.good_until(), now);
        Ok((der, statement))
    }

    async fn issuer(&self, organization: &str, orphan: &Orphan, data: &mut ValidationData, until: Instant) -> Result<(), Error> {
        let mut causes = Vec::new();
        let mut is_passing = false;
        for address in orphan.addresses.iter().take(MAX_ADDRESSES) {
            match self.certificate(address, until).await {
                Ok(bytes) if data.add_certificate(&bytes) => return Ok(()),
                // Known and of no use, or none at all.
                Ok(_) => causes.push(
                    self.failed(organization, Asked::Issuer, address, Failure::lasting("it gave no other certificate")).cause,
                ),
                Err(failure) => {
                    is_passing |= failure.is_passing;
                    causes.push(self.failed(organization, Asked::Issuer, address, failure).cause);
                }
            }
        }
        let more = if causes.is_empty() { String::new() } else { format!(": {}", causes.join("; ")) };
        Err(Error::NotKnown {
            reasons: format!("the certificate of the issuer \"{}\" is not to be had{more}", orphan.issuer),
            is_passing,
        })
    }

    async fn certificate(&self, address: &str, until: Instant) -> Result<Bytes, Failure> {
        let (key, now) = (Key::At(address.to_owned()), self.clock.now());
        let kept = self.kept.lock().get(&key, now);
        if let Some(bytes) = kept {
            self.metrics.asked(Asked::Issuer, Answered::Kept);
            return Ok(bytes);
        }
        let der = pem_or_der(self.send(self.request(Method::GET, address)?, MAX_CERTIFICATE, until).await?);
        self.metrics.asked(Asked::Issuer, Answered::Good);
        self.kept.lock().keep(key, &der, now + LONGEST_KEPT, now);
        Ok(der)
    }

    fn request(&self, method: Method, address: &str) -> Result<reqwest::RequestBuilder, Failure> {
        let url = Url::parse(address).map_err(|_| Failure::lasting("the address cannot be read"))?;
        if url.scheme().starts_with("ldap") {
            return Err(Failure::lasting("LDAP is not asked"));
        }
        self.http.request(method, url).map_err(Failure::lasting)
    }

    async fn send(&self, request: reqwest::RequestBuilder, limit: usize, until: Instant) -> Result<Bytes, Failure> {
        let deadline = until.min(Instant::now() + self.timeout);
        let answer = self.http.send(request, deadline, limit).await.map_err(Failure::passing)?;
        match answer.status.is_success() {
            true => Ok(answer.body.into()),
            false => Err(Failure::passing(format_args!("it answered {}", answer.status.as_u16()))),
        }
    }
}

/// # Errors
/// Where the certificate was revoked.
fn told(subject: &str, statement: &Statement) -> Result<(), Error> {
    match statement.status {
        Status::Revoked { at, .. } => Err(Error::Revoked { certificate: subject.to_owned(), since: at }),
        Status::Good | Status::Unknown => Ok(()),
    }
}

/// Some authorities publish PEM where DER is meant.
fn pem_or_der(bytes: Bytes) -> Bytes {
    match pem::blocks(&bytes) {
        Ok(Some(blocks)) => blocks.into_iter().next().map_or(bytes, |block| Bytes::from(block.der.to_vec())),
        _ => bytes,
    }
}
