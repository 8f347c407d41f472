//! Asks authorities for time stamps over HTTP (RFC 3161, 3.4), one after the other, until one gives one that proves something.

use std::{sync::Arc, time::Duration};

use ::documents::{
    seal::time_stamp::RESERVED_BYTES,
    time_stamp::{MAX_ANSWER, Query, Token},
};
use actors::Clock;
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use super::{
    breaker::Breaker,
    metrics::{Metrics, Outcome},
    options::{Account, Options},
};
use crate::outbound::{self, Http};

/// Media types of questions and answers.
const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// The largest token that has room in a file, in bytes: with a larger one the next authority is asked.
const MAX_TOKEN: usize = RESERVED_BYTES;

/// Questions that are under way at once; more wait for their turn.
const MAX_QUESTIONS: usize = 32;

/// Wait before the same authority is asked once more; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// The authorities, in the order in which they are asked; a cheap handle.
#[derive(Clone)]
pub struct TimeStamps(Arc<Inner>);

struct Inner {
    authorities: Vec<Authority>,
    http: Http,
    timeout: Duration,
    attempts: u32,
    slots: Semaphore,
    metrics: Metrics,
    clock: Clock,
}

struct Authority {
    account: Account,
    breaker: Breaker,
}

/// No authority gave a time stamp that proves something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reasons}")]
pub struct Away {
    /// What each said, in words that hold nothing secret.
    pub reasons: String,
    /// How long none of them is to be asked.
    pub after: Option<Duration>,
}

/// Why one authority gave none.
struct Failure {
    outcome: Outcome,
    cause: String,
    /// It asks not to be asked for so long.
    after: Option<Duration>,
    /// The same question may be answered a moment later.
    is_passing: bool,
}

impl Failure {
    fn away(cause: String, is_passing: bool) -> Self {
        Self { outcome: Outcome::Away, cause, after: None, is_passing }
    }

    fn rejected(cause: impl ToString) -> Self {
        Self { outcome: Outcome::Rejected, cause: cause.to_string(), after: None, is_passing: false }
    }
}

impl TimeStamps {
    /// # Errors
    /// The option that cannot be used, or a text when the system has no TLS.
    pub fn new(options: &Options, metrics: Metrics, clock: Clock) -> Result<Self, String> {
        let http = Http::new(options.reach(), options.connect_timeout.to_std().unwrap_or_default())?;
        let breaker = |name: &str| {
            let (failures, pause) = (options.breaker_failures, options.breaker_pause);
            Breaker::new(name.to_owned(), failures, pause, clock.clone(), metrics.clone())
        };
        let accounts = options.accounts()?.into_iter();
        let authorities = accounts.map(|account| Authority { breaker: breaker(&account.name), account });
        Ok(Self(Arc::new(Inner {
            authorities: authorities.collect(),
            http,
            timeout: options.timeout.to_std().unwrap_or_default(),
            attempts: options.attempts,
            slots: Semaphore::new(MAX_QUESTIONS),
            metrics,
            clock,
        })))
    }

    /// For how long none of the authorities is asked; `None` if one may be, or there is none at all.
    pub fn left_alone(&self) -> Option<Duration> {
        let pauses: Option<Vec<_>> = self.0.authorities.iter().map(|authority| authority.breaker.pause()).collect();
        pauses?.into_iter().min()
    }

    /// A time stamp over a SHA-256, of the first authority that gives a good one before `until`.
    ///
    /// # Errors
    /// [`Away`]
    pub async fn stamp(&self, organization: &str, imprint: [u8; 32], until: Instant) -> Result<Token, Away> {
        let inner = &self.0;
        let Ok(Ok(_slot)) = timeout_at(until, inner.slots.acquire()).await else {
            return Err(Away { reasons: "too many seals ask for time stamps".into(), after: None });
        };
        let (mut reasons, mut pauses) = (Vec::new(), Vec::new());
        for authority in &inner.authorities {
            let name = authority.account.name.as_str();
            let permit = match authority.breaker.enter() {
                Ok(permit) => permit,
                Err(pause) => {
                    inner.metrics.ended(name, Outcome::LeftAlone, None);
                    reasons.push(format!("{name}: it failed time after time and is left alone for a while"));
                    pauses.push(pause);
                    continue;
                }
            };
            if Instant::now() >= until {
                // It did nothing wrong: the ones before took all of the time.
                permit.withdraw();
                reasons.push(format!("{name}: there was no time left to ask it"));
                pauses.push(Duration::ZERO);
                continue;
            }
            let begun = Instant::now();
            let answer = inner.ask(authority, imprint, until).await;
            permit.end(answer.is_ok());
            let outcome = answer.as_ref().map_or_else(|failure| failure.outcome, |_| Outcome::Granted);
            inner.metrics.ended(name, outcome, Some(begun.elapsed()));
            match answer {
                Ok(token) => return Ok(token),
                Err(Failure { cause, after, .. }) => {
                    tracing::warn!(organization, authority = name, cause, "an authority gave no time stamp");
                    reasons.push(format!("{name}: {cause}"));
                    pauses.push(after.unwrap_or_default());
                }
            }
        }
        if reasons.is_empty() {
            return Err(Away { reasons: "there is no authority of time stamps".into(), after: None });
        }
        let after = pauses.into_iter().min().filter(|pause| !pause.is_zero());
        Err(Away { reasons: format!("no time stamp: {}", reasons.join("; ")), after })
    }
}

impl Inner {
    async fn ask(&self, authority: &Authority, imprint: [u8; 32], until: Instant) -> Result<Token, Failure> {
        let mut pause = PAUSE;
        let mut number = 0;
        loop {
            number += 1;
            let failure = match self.ask_once(&authority.account, imprint, until).await {
                Ok(token) => return Ok(token),
                Err(failure) => failure,
            };
            if !failure.is_passing || number >= self.attempts || Instant::now() + pause >= until {
                return Err(failure);
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn ask_once(&self, account: &Account, imprint: [u8; 32], until: Instant) -> Result<Token, Failure> {
        let query = Query::new(imprint, account.policy).map_err(|_| Failure::away("there is no randomness".into(), false))?;
        let request = self.http.request(Method::POST, account.url.clone());
        let mut request = request
            .map_err(|refused| Failure::away(refused.to_string(), false))?
            .header(CONTENT_TYPE, QUERY)
            .header(ACCEPT, REPLY)
            .body(query.der());
        if let Some(credentials) = &account.credentials {
            request = request.header(AUTHORIZATION, credentials.clone());
        }
        let deadline = until.min(Instant::now() + self.timeout);
        let answer = self.http.send(request, deadline, MAX_ANSWER).await.map_err(|error| {
            // Who was slow once is slow again: the next one is asked.
            let is_passing = error.is_transient() && !matches!(error, outbound::Error::Timeout);
            Failure::away(error.to_string(), is_passing)
        })?;
        if !answer.status.is_success() {
            let after = outbound::retry_after(&answer.headers, self.clock.now());
            return Err(of_status(answer.status, after));
        }
        if !is_reply(&answer.headers) {
            return Err(Failure::rejected(format_args!("its answer is no {REPLY}")));
        }
        let token = query.accept(&answer.body, &account.trust, self.clock.now()).map_err(Failure::rejected)?;
        if token.der.len() > MAX_TOKEN {
            return Err(Failure::rejected(format_args!("its time stamp has more than {MAX_TOKEN} bytes")));
        }
        Ok(token)
    }
}

fn of_status(status: StatusCode, after: Option<Duration>) -> Failure {
    let number = status.as_u16();
    let (words, is_passing) = match number {
        401 | 403 => (": it does not accept the credentials", false),
        429 => (": it is asked too often", false),
        300..=399 => ("; redirects are not followed", false),
        500..=599 => ("", after.is_none()),
        _ => ("", false),
    };
    Failure { after, ..Failure::away(format!("it answered {number}{words}"), is_passing) }
}

fn is_reply(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(REPLY)
}
