//! A provider for tests: it answers what it is told to, and keeps what it was asked.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use store::Timestamp;
use uuid::Uuid;
use workflows::scoring::{Ratio, Score, ScoreResult};

use super::{Delegation, Failure, Provider, Request, Then, Ways};
use crate::channels::Secret;

/// One answer.
#[derive(Clone, Debug)]
pub enum Fate {
    Passes,
    DoesNotPass,
    Fails(Failure),
    /// No answer at all.
    Hangs,
}

/// A provider of every name but `NOBODY`.
#[derive(Clone, Default)]
pub struct Scripted {
    fates: Arc<Mutex<VecDeque<Fate>>>,
    asked: Arc<Mutex<Vec<Request>>>,
    forgotten: Arc<Mutex<Vec<Uuid>>>,
    forgets_nothing_yet: Arc<AtomicBool>,
}

impl Scripted {
    /// Its next answers; without any it says that the document passes.
    pub fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.fates.lock().extend(fates);
    }

    /// What it was asked to score, in order.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().clone()
    }

    /// The processes that it was told to forget, in order.
    pub fn forgotten(&self) -> Vec<Uuid> {
        self.forgotten.lock().clone()
    }

    /// The next time it is told to forget a process it cannot.
    pub fn fail_to_forget_once(&self) {
        self.forgets_nothing_yet.store(true, Ordering::Relaxed);
    }

    async fn answer(&self, request: &Request) -> Result<ScoreResult, Failure> {
        self.asked.lock().push(request.clone());
        let fate = self.fates.lock().pop_front().unwrap_or(Fate::Passes);
        match fate {
            Fate::Passes => Ok(result(true)),
            Fate::DoesNotPass => Ok(result(false)),
            Fate::Fails(failure) => Err(failure),
            Fate::Hangs => std::future::pending().await,
        }
    }
}

/// That the provider asks for a pause.
pub fn pause(seconds: u64) -> Fate {
    Fate::Fails(Failure { then: Then::Pause(Duration::from_secs(seconds)), ..Failure::unavailable("it is busy") })
}

pub fn result(passing: bool) -> ScoreResult {
    let score = Ratio::new(if passing { 0.93 } else { 0.12 });
    ScoreResult {
        global_score: score,
        passing,
        extracted_values: [("DOCUMENT_NUMBER".to_owned(), "12345678Z".to_owned())].into(),
        scores: vec![Score {
            score_type: "MRZ_CONTROL_DIGIT".into(),
            is_fraud: !passing,
            score,
            note: Some("digits only".into()),
        }],
        provider_id: Some("provider-1".into()),
    }
}

#[async_trait]
impl Provider for Scripted {
    async fn ways(&self, _: &str, provider: &str) -> Result<Option<Ways>, String> {
        Ok((provider != "NOBODY").then_some(Ways { submit: provider != "DELEGATED", delegate: provider != "INTERNAL" }))
    }

    async fn score(&self, request: &Request) -> Result<ScoreResult, Failure> {
        for capture in [&request.captures.front, &request.captures.back].into_iter().flatten() {
            let bytes = capture.read().await?;
            assert_eq!(bytes.len() as u64, capture.size, "the bytes are those that were submitted");
        }
        self.answer(request).await
    }

    async fn delegate(&self, request: &Request, _: Option<&serde_json::Value>) -> Result<Delegation, Failure> {
        self.answer(request).await?;
        Ok(Delegation { provider_id: "delegated-1".into(), access_token: Secret::new("a token of the provider") })
    }

    async fn delegated(&self, request: &Request, _: &str) -> Result<Option<ScoreResult>, Failure> {
        self.answer(request).await.map(Some)
    }

    async fn forget(&self, _: &str, process: Uuid, _: Timestamp) -> Result<(), String> {
        if self.forgets_nothing_yet.swap(false, Ordering::Relaxed) {
            return Err("it does not answer".into());
        }
        self.forgotten.lock().push(process);
        Ok(())
    }
}
