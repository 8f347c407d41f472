//! How every provider is asked: in its turn, within its time, again after a failure that may pass, and not at all while its circuit is
//! open.

use std::{collections::HashMap, sync::Arc};

use actors::{Backoff, Clock};
use aws_lc_rs::rand;
use parking_lot::Mutex;
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout_at},
};

use super::{
    circuit::Circuits,
    failures::{self, PAUSE, reason},
    findings::Unreadable,
    metrics::Metrics,
    options::Options,
    provider::{Failure, Then},
};
use crate::{
    objects::Objects,
    outbound::{self, Answer, Http, NotAllowed},
};

/// Asks all providers; a cheap handle.
#[derive(Clone)]
pub struct Caller(Arc<Inner>);

struct Inner {
    http: Http,
    options: Options,
    circuits: Circuits,
    metrics: Metrics,
    clock: Clock,
    slots: Slots,
}

/// A question of an organization to a provider, with its time.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Who asks.
    pub organization: &'a str,
    /// Who is asked.
    pub provider: &'static str,
    /// The same for every repetition.
    pub key: &'a str,
    /// When it must have an end.
    pub deadline: Instant,
    /// Bytes of memory that it takes.
    pub weight: u64,
}

impl Caller {
    /// # Errors
    /// A text, when the system has no TLS.
    pub fn new(options: Options, metrics: Metrics, clock: Clock) -> Result<Self, String> {
        let http = Http::new(options.reach(), options.connect_timeout.to_std().unwrap_or_default())?;
        let circuits = Circuits::new(options.circuit_failures, options.circuit_pause, clock.clone(), metrics.clone());
        let slots = Slots::new(options.memory);
        Ok(Self(Arc::new(Inner { http, options, circuits, metrics, clock, slots })))
    }

    /// The client and what it may reach.
    pub fn http(&self) -> &Http {
        &self.0.http
    }

    pub(super) fn options(&self) -> &Options {
        &self.0.options
    }

    /// Asks a provider by `ask`, which makes requests with [`Caller::send`], through its circuit. Counted, logged, and with room in memory for
    /// what `prepare` reads; a failure of that one is not the provider's.
    ///
    /// # Errors
    /// What `prepare` or `ask` fails with, or a pause.
    pub async fn ask<P, T>(
        &self,
        question: Question<'_>,
        prepare: impl Future<Output = Result<P, Failure>>,
        ask: impl AsyncFnOnce(P) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let circuits = &self.0.circuits;
        let through_the_circuit = async |prepared| {
            let permit = circuits.enter(question.organization, question.provider);
            let permit =
                permit.map_err(|wait| failures::pause("it failed time after time and is left alone for a while", wait))?;
            let answer = ask(prepared).await;
            permit.end(answer.as_ref().err().is_none_or(|failure| !failures::is_of_the_provider(failure)));
            answer
        };
        self.here(question, prepare, through_the_circuit).await
    }

    /// As [`Caller::ask`], for what is done in this server: without a circuit.
    ///
    /// # Errors
    /// What `prepare` or `work` fails with, or a pause.
    pub async fn here<P, T>(
        &self,
        question: Question<'_>,
        prepare: impl Future<Output = Result<P, Failure>>,
        work: impl AsyncFnOnce(P) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Question { organization, provider, .. } = question;
        let begun = Instant::now();
        let outcome = async {
            let _slot = self.0.slots.take(&question).await?;
            work(prepare.await?).await
        };
        let outcome = outcome.await;
        let label = outcome.as_ref().err().map_or("done", |failure| reason::known(failure.reason.as_str()));
        self.0.metrics.ended(provider, label, begun.elapsed());
        if let Err(failure) = &outcome {
            let (reason, cause, id) = (failure.reason.as_str(), failure.cause.as_str(), failure.provider_id.as_deref());
            tracing::warn!(organization, provider, reason, cause, provider_id = id, "a scoring provider gave no result");
        }
        outcome
    }

    /// Sends a request that `build` makes anew for each repetition, until it is answered with a success or one of `also`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn send(
        &self,
        question: &Question<'_>,
        also: &[u16],
        build: impl Fn() -> Result<RequestBuilder, NotAllowed>,
    ) -> Result<Answer, Failure> {
        let inner = &self.0;
        let backoff = Backoff {
            first: inner.options.backoff.to_std().unwrap_or_default(),
            maximum: PAUSE,
            attempts: inner.options.retries,
        };
        let mut salt = [0; 8];
        // Without randomness the waits have no jitter, which does no harm.
        let _ = rand::fill(&mut salt);
        let mut number = 0;
        loop {
            number += 1;
            let request = build().map_err(|refused| failures::of_call(&refused.into(), question.deadline))?;
            let failure = match inner.http.send(request, question.deadline, inner.options.max_answer).await {
                Ok(answer) if answer.status.is_success() || also.contains(&answer.status.as_u16()) => return Ok(answer),
                Ok(answer) => failures::of_status(answer.status, outbound::retry_after(&answer.headers, inner.clock.now())),
                Err(error) => failures::of_call(&error, question.deadline),
            };
            let wait = match failure.then {
                Then::End => return Err(failure),
                Then::Pause(wait) => wait,
                Then::Retry => backoff.wait(&format!("{salt:?}"), number),
            };
            if number > backoff.attempts || Instant::now() + wait >= question.deadline {
                return Err(failure);
            }
            inner.metrics.retried(question.provider);
            sleep(wait).await;
        }
    }
}

/// Reads the JSON of an answer, strictly: objects are objects, and nothing follows.
///
/// # Errors
/// [`Unreadable`], without what it found: an answer has data of people in it.
pub fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_slice(&answer.body);
    let value = T::deserialize(Objects(&mut deserializer));
    let value = value.map_err(|_| Unreadable("the answer is not the JSON that was expected"))?;
    deserializer.end().map_err(|_| Unreadable("something follows the JSON of the answer"))?;
    Ok(value)
}

/// Bounds the memory of what is under way at once, in all and for one organization: whose provider is slow holds up no other.
struct Slots {
    /// In units.
    all: Arc<Semaphore>,
    each: u32,
    /// Of the organizations that have or wait for a slot.
    own: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Slots {
    /// What a permit of the semaphores stands for, in bytes; a question without images takes one.
    const UNIT: u64 = 1 << 20;

    fn new(memory: u64) -> Self {
        let all = u32::try_from(memory / Self::UNIT).unwrap_or(u32::MAX).max(2);
        Self { all: Arc::new(Semaphore::new(all as usize)), each: all / 2, own: Mutex::default() }
    }

    /// Room for `weight` bytes; what is larger than the share of an organization takes all of that.
    ///
    /// # Errors
    /// A pause, when there is none until the deadline.
    async fn take(&self, question: &Question<'_>) -> Result<[OwnedSemaphorePermit; 2], Failure> {
        let own = {
            let mut all = self.own.lock();
            // Whoever has or waits for a slot holds a reference.
            all.retain(|_, slots| Arc::strong_count(slots) > 1);
            let share = || Arc::new(Semaphore::new(self.each as usize));
            all.entry(question.organization.to_owned()).or_insert_with(share).clone()
        };
        let units = u32::try_from(question.weight.div_ceil(Self::UNIT)).unwrap_or(u32::MAX).clamp(1, self.each);
        let all = self.all.clone();
        let slots = async { Ok::<_, AcquireError>([own.acquire_many_owned(units).await?, all.acquire_many_owned(units).await?]) };
        match timeout_at(question.deadline, slots).await {
            Ok(Ok(slots)) => Ok(slots),
            _ => Err(failures::pause("too many questions are under way", PAUSE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_organization_has_at_most_half_of_the_memory() {
        let slots = Slots::new(8 << 20);
        let take = async |organization, megabytes: u64| {
            let deadline = Instant::now() + Duration::from_secs(1);
            let question = Question { organization, provider: "GOOGLE", key: "k", deadline, weight: megabytes << 20 };
            slots.take(&question).await
        };
        let first = take("acme", 3).await.unwrap();
        let second = take("acme", 0).await.unwrap();
        let refused = take("acme", 0).await.unwrap_err();
        assert!(matches!(refused.then, Then::Pause(_)));
        let other = take("other", 4).await.unwrap();
        drop((first, second, other));
        assert!(take("acme", 1000).await.is_ok(), "what is too large has all of its share");
    }
}
