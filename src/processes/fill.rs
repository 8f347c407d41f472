//! Fills of dynamic templates: asked for, given a turn by the queue, rendered in a process of its own, stored as documents.
//!
//! While a fill waits nothing of it is in memory but its place in the queue: it comes there when this server journals that it waits, which is
//! when it is asked for and whenever one of its wake-ups finds it waiting. Only once its turn has come is an effect under way, so there are no
//! more of these than places. An attempt whose server stopped is found by its effect, which has no turn: that is told, and it waits again.

mod asking;

use std::{collections::HashMap, sync::Arc, time::Duration};

use ::store::{Entity, blobs::Digest};
use actors::{Attempt, Call, Effects, Host};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use render::worker;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;
use workflows::fill::{Command, Effect, Fill, Outcome, Priority, Record};

use super::{Processes, World, documents::produced_id, refused, retry};
use crate::{
    catalogue::{
        documents::{self, Extension, Produced},
        dynamic_templates,
    },
    cpu_pool,
    fill_queue::{Class, Entry, FillQueue, Turn},
    render_workers::{TemplateError, Workers},
};

pub use asking::{Desk, Error, Request, Wanted};

/// What a fill is taken to cost besides its data, in bytes of data.
const COST: u64 = 20_000;

/// Pause before a turn that could not be used is waited for again: a store that is away is not asked for each fill that waits.
const PAUSE: Duration = Duration::from_secs(1);

/// How a rendering ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rendering {
    Pdf(Bytes),
    /// The template cannot be filled with these data. Words for the caller, without values.
    Failed(String),
    /// It broke what renders, or took more than there is for one. Words for the caller.
    Broke(String),
    /// Something else cut it short. Words for the operator.
    Interrupted(String),
}

/// Renders templates.
#[async_trait]
pub trait Renderer: Send + Sync + 'static {
    async fn render(&self, organization: &str, job: html::Job) -> Rendering;
}

#[async_trait]
impl Renderer for Workers {
    async fn render(&self, organization: &str, job: html::Job) -> Rendering {
        match self.render_html(organization, job).await {
            Ok(Ok(pdf)) => Rendering::Pdf(pdf.bytes.into()),
            Ok(Err(failure)) => Rendering::Failed(failure.problem.to_string()),
            Err(error) => rendering(error),
        }
    }
}

/// What it means that there is neither a PDF nor a reason why the template has none.
fn rendering(error: TemplateError) -> Rendering {
    match error {
        TemplateError::Exceeded(limit) => {
            Rendering::Broke(format!("rendering exceeded {limit}; simplify the template, or fill it with less data"))
        }
        TemplateError::Panicked => Rendering::Broke(error.to_string()),
        // The pool's own time for it.
        TemplateError::Pool(cpu_pool::Error::CutOff(time)) => {
            Rendering::Broke(format!("rendering exceeded {} s; simplify the template, or fill it with less data", time.as_secs()))
        }
        TemplateError::Worker(worker::Error::Died(_)) => Rendering::Broke(
            "what renders ended at this template with these data; simplify the template, or fill it with less data".into(),
        ),
        TemplateError::SetAside => Rendering::Failed(error.to_string()),
        TemplateError::Pool(_) | TemplateError::Worker(_) => Rendering::Interrupted(error.to_string()),
    }
}

/// The queue of the fills, and those whose turn it is. A cheap handle.
#[derive(Clone)]
pub struct Fills {
    pub queue: FillQueue,
    /// Who is told of the end of the attempt of a fill whose turn has come, until that begins.
    turns: Arc<Mutex<HashMap<Uuid, oneshot::Sender<()>>>>,
    /// How long a place is kept for an attempt at most, from its turn to its end.
    patience: Duration,
}

impl Fills {
    /// An attempt is given up after `effect_timeout`, and waits as long for room to begin.
    pub fn new(queue: FillQueue, effect_timeout: Duration) -> Self {
        Self { queue, turns: Arc::default(), patience: effect_timeout * 2 }
    }

    /// Gives fills their turns, for ever. To be called once.
    pub async fn serve(self, processes: Processes) {
        loop {
            let turn = self.queue.turn().await;
            tokio::spawn(self.clone().begin(processes.fill.clone(), turn));
        }
    }

    /// Begins an attempt, and keeps the place until it has ended.
    async fn begin(self, host: Host<Fill>, turn: Turn) {
        let Entry { organization, id, .. } = turn.entry.clone();
        let (sender, has_ended) = oneshot::channel();
        self.turns.lock().insert(id, sender);
        match host.ask(&organization, id, Command::Begin).await {
            Ok(_) => {
                let _ = tokio::time::timeout(self.patience, has_ended).await;
            }
            // Another server has begun it, or it is over.
            Err(actors::Error::Refused(_)) => {}
            Err(error) => {
                tracing::debug!(fill = %id, %error, "a fill could not begin");
                if self.turns.lock().remove(&id).is_none() {
                    // It has begun all the same.
                    let _ = tokio::time::timeout(self.patience, has_ended).await;
                } else {
                    tokio::time::sleep(PAUSE).await;
                    self.queue.push(turn.entry.clone());
                }
            }
        }
        self.turns.lock().remove(&id);
    }

    /// With a queue of its own.
    #[cfg(test)]
    pub fn for_tests(options: &crate::fill_queue::Options, clock: &actors::Clock) -> Self {
        let metrics = crate::fill_queue::Metrics::new(&prometheus::Registry::new()).expect("an empty registry");
        Self::new(FillQueue::new(options, clock.clone(), metrics), Duration::from_secs(5))
    }

    /// As if its turn had come.
    #[cfg(test)]
    pub(super) fn give_turn(&self, id: Uuid) {
        self.turns.lock().insert(id, oneshot::channel().0);
    }

    /// The turn of a fill, to be kept until its attempt has ended; `None` if it was given none, or by a server that is gone.
    fn take(&self, id: Uuid) -> Option<oneshot::Sender<()>> {
        self.turns.lock().remove(&id)
    }
}

fn class(priority: Priority) -> Class {
    match priority {
        Priority::High => Class::High,
        Priority::Low => Class::Low,
    }
}

fn entry(entity: &Entity, record: &Record) -> Entry {
    Entry {
        organization: entity.organization.clone(),
        id: entity.id,
        class: class(record.creation.priority),
        cost: record.creation.data.size.saturating_add(COST),
        since: record.created_at,
    }
}

pub(super) struct Adapter {
    world: Arc<World>,
}

#[async_trait]
impl Effects<Fill> for Adapter {
    async fn perform(&self, call: Call<Fill>) -> Attempt<Fill> {
        match call.effect {
            Effect::Render { attempt } => self.attempt(&call, attempt).await,
            Effect::Release => self.release(&call).await,
        }
    }

    /// The document's identifier comes from the fill, so that of two renderings one is stored.
    fn repeatable(&self, _: &Entity, _: &Effect, _: &Fill) -> bool {
        true
    }

    fn before_answer(&self, _: &Effect) -> bool {
        false
    }

    fn changed(&self, entity: &Entity, before: &Fill, after: &Fill) {
        let Ok(record) = after.existing() else { return };
        if record.waits() && after.turns() > before.turns() {
            self.world.fills.queue.push(entry(entity, record));
        }
        let was_over = before.existing().is_ok_and(|record| record.state.is_final());
        if let Some(finished) = record.finished_at.filter(|_| !was_over) {
            let time = finished - record.created_at;
            self.world.fills.queue.ended(class(record.creation.priority), record.document.is_some(), time);
        }
    }
}

impl Adapter {
    pub fn new(world: Arc<World>, _: Processes) -> Self {
        Self { world }
    }

    async fn attempt(&self, call: &Call<Fill>, attempt: u32) -> Attempt<Fill> {
        let is_current = |record: &&Record| record.is_under_way && record.attempts == attempt;
        let Some(record) = call.state.existing().ok().filter(is_current) else { return Attempt::Done(None) };
        let outcome = match self.world.fills.take(call.entity.id) {
            Some(_turn) => match self.render(&call.entity, record, call.now).await {
                Ok(document) => Outcome::Rendered { document },
                Err(outcome) => outcome,
            },
            None => {
                Outcome::Interrupted { reason: "its server stopped during the attempt, or it could not begin in time".into() }
            }
        };
        if let Outcome::Interrupted { reason } | Outcome::Broke { message: reason } = &outcome {
            tracing::warn!(fill = %call.entity.id, attempt, reason, "an attempt to fill a template ended without a result");
        }
        Attempt::Done(Some(Command::Finished { attempt, outcome }))
    }

    async fn render(&self, entity: &Entity, record: &Record, now: ::store::Timestamp) -> Result<Uuid, Outcome> {
        let Entity { organization, id, .. } = entity;
        let creation = &record.creation;
        let file = digest(&creation.data.file)?;
        let kept = self.world.sealed_files.read(organization, *id, &file).await.map_err(interrupted)?;
        let kept = kept.ok_or_else(|| gone("data"))?;
        let Kept { structure, data } = serde_json::from_slice(&kept).map_err(|_| gone("data"))?;
        let template = self.world.documents.held_bytes(organization, &digest(&creation.template.digest)?).await;
        let template = template.map_err(|error| match error {
            documents::Error::Gone => gone("template"),
            error => interrupted(error),
        })?;
        let source = dynamic_templates::for_engine(creation.language, &creation.template.engine, template.to_vec(), structure);
        let job = html::Job {
            source,
            data,
            title: creation.name.clone(),
            // The same whenever it is repeated.
            created: record.created_at.timestamp(),
        };
        let bytes = match self.world.renderer.render(organization, job).await {
            Rendering::Pdf(bytes) => bytes,
            Rendering::Failed(message) => return Err(Outcome::Failed { message }),
            Rendering::Broke(message) => return Err(Outcome::Broke { message }),
            Rendering::Interrupted(reason) => return Err(Outcome::Interrupted { reason }),
        };
        let produced = Produced {
            id: produced_id(*id, "filled", *id),
            name: creation.name.clone(),
            extension: Extension::Pdf,
            // One more than callers may give (note fill-tag).
            tags: creation.tags.iter().cloned().chain([creation.template.tag()]).collect(),
            // Note fill-owner.
            owner: None,
            owned_with: None,
            bytes,
            comparison: None,
        };
        let stored = self.world.documents.store_produced(organization, produced, now).await;
        stored.map(|document| document.id).map_err(interrupted)
    }

    async fn release(&self, call: &Call<Fill>) -> Attempt<Fill> {
        let Entity { organization, id, .. } = &call.entity;
        let Ok(record) = call.state.existing() else { return refused("there is no such fill") };
        let Ok(file) = record.creation.data.file.parse::<Digest>() else { return refused("a digest is not readable") };
        match self.world.sealed_files.release(organization, *id, &file, call.now).await {
            Ok(()) => Attempt::Done(None),
            Err(error) => retry(error),
        }
    }
}

/// What is in the sealed file of a fill: all that it needs but the template, so that nothing that becomes of the version changes it.
#[derive(Deserialize)]
struct Kept {
    structure: Value,
    data: Value,
}

fn digest(text: &str) -> Result<Digest, Outcome> {
    text.parse().map_err(|_| gone("files"))
}

fn interrupted(error: impl std::fmt::Display) -> Outcome {
    Outcome::Interrupted { reason: error.to_string() }
}

fn gone(what: &str) -> Outcome {
    Outcome::Failed { message: format!("the {what} of the fill cannot be read any more; ask for the fill again") }
}

#[cfg(test)]
mod tests {
    use ::render::worker::Limit;

    use super::*;

    #[test]
    fn what_goes_beyond_its_bounds_is_repeated_once_and_what_is_no_fault_of_the_template_more_often() {
        let exceeded = |limit| rendering(TemplateError::Exceeded(limit));
        let of_time = exceeded(Limit::Processor(10));
        assert!(matches!(&of_time, Rendering::Broke(words) if words.starts_with("rendering exceeded 10 s of processor time; ")));
        let of_memory = exceeded(Limit::Memory(1 << 30));
        assert!(matches!(&of_memory, Rendering::Broke(words) if words.starts_with("rendering exceeded 1024 MiB of memory")));
        for broke in [
            TemplateError::Panicked,
            TemplateError::Pool(cpu_pool::Error::CutOff(Duration::from_secs(20))),
            TemplateError::Worker(worker::Error::Died("secret".into())),
        ] {
            let rendering = rendering(broke);
            assert!(matches!(&rendering, Rendering::Broke(words) if !words.contains("secret")), "{rendering:?}");
        }
        assert!(matches!(rendering(TemplateError::SetAside), Rendering::Failed(_)));
        for error in [cpu_pool::Error::Busy, cpu_pool::Error::Closed, cpu_pool::Error::Interrupted] {
            assert!(matches!(rendering(TemplateError::Pool(error)), Rendering::Interrupted(_)));
        }
    }
}
