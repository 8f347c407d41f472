//! Forgetting: ended processes are erased with all that belongs to them, when their time is over or when somebody asks for it.
//!
//! A process and those that belong to it are erased together: first what each holds outside its journal, then its journal, those that
//! belong to others before these. Each step done twice is done once, and whoever died half-way left the process that all belong to, so that it
//! is found again. Nothing is begun before all of them have ended and no legal hold covers any.

mod customers;
mod holds;
mod kinds;
mod metrics;
mod retention;

use std::{collections::HashSet, sync::Arc};

use actors::{Erasure, Host, journal::Hash};
use store::Timestamp;
use uuid::Uuid;
use workflows::Refusal;

pub use self::{
    customers::{CustomerEraser, ErasedSegment},
    holds::{Covers, Deed, Error as HoldError, Held, Hold, LegalHolds, MAX_HOLDS, MAX_NAME},
    kinds::{Erasable, ErasableMethod, Kind, Life, Standing, Target},
    metrics::Metrics,
    retention::{Passed, Periods, Retention},
};
use crate::{
    catalogue::{
        self,
        documents::{self, Documents},
        item::Act,
        sealed_files::SealedFiles,
    },
    processes::{Hosted, Processes},
    records,
    scoring::Provider,
};

/// Why a process is not erased.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It never was, or was erased before.
    #[error("there is no such process")]
    NotFound,
    /// It, or a process that belongs to it, goes on.
    #[error("{0} has not ended yet; end it first, or wait for its time limit")]
    UnderWay(Target),
    #[error("it belongs to {0}, with which it is erased")]
    BelongsTo(Target),
    #[error(transparent)]
    Held(#[from] Held),
    #[error(transparent)]
    Process(actors::Error),
    #[error(transparent)]
    Documents(#[from] documents::Error),
    #[error(transparent)]
    Files(#[from] catalogue::Error),
    #[error(transparent)]
    Records(#[from] records::Error),
    /// The fingerprints of pictures could not be forgotten.
    #[error("what is remembered of pictures could not be forgotten: {0}")]
    Pictures(String),
}

/// What became of a process and all that belonged to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Journals that nobody can read any more.
    pub journals: u64,
    /// Their entries.
    pub entries: u64,
    /// Entries that were written before journals were sealed: they are never shown again, and stand in the store as they were written.
    pub in_clear: u64,
    /// Head of the chain of the process' own journal: the entry that says that it was erased.
    pub head: Hash,
}

/// Who erases, and why. Both stay in the journals for ever: no personal data belongs there.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub by: &'a str,
    pub reason: &'a str,
    /// By which files are held.
    pub wall_clock: Timestamp,
}

impl Order<'_> {
    /// What is asked of a host.
    ///
    /// # Errors
    /// Texts that are too long for a journal: to be known before anything is changed.
    fn erasure(&self, ended_only: bool) -> Result<Erasure, Error> {
        let erasure = Erasure { by: self.by.to_owned(), reason: self.reason.to_owned(), ended_only };
        erasure.check().map_err(|refusal| Error::Process(actors::Error::Refused(refusal)))?;
        Ok(erasure)
    }
}

/// A process with all that belongs to it: those that belong to another one before it.
type Family = Vec<(Target, Standing)>;

/// Erases processes. Cheap to clone.
#[derive(Clone)]
pub struct Eraser {
    pub processes: Processes,
    pub documents: Documents,
    pub sealed_files: SealedFiles,
    pub scoring: Arc<dyn Provider>,
    pub holds: LegalHolds,
}

impl Eraser {
    /// Erases an ended process and all that belongs to it. After a failure it is to be asked again, and goes on.
    ///
    /// # Errors
    /// [`Error`]; after [`Error::NotFound`], [`Error::BelongsTo`] and [`Error::Held`] nothing was changed.
    pub async fn erase(&self, organization: &str, target: Target, order: Order<'_>) -> Result<Erased, Error> {
        let erasure = order.erasure(true)?;
        let standing = self.look(organization, target).await?;
        if standing.life == Life::Absent {
            return Err(Error::NotFound);
        }
        if let Some(parent) = self.present_parent(organization, &standing).await? {
            return Err(Error::BelongsTo(parent));
        }
        let family = self.family(organization, target, standing).await?;
        if let Some((under_way, _)) = family.iter().find(|(_, standing)| standing.life == Life::UnderWay) {
            return Err(Error::UnderWay(*under_way));
        }
        let all: HashSet<Target> = family.iter().map(|(target, _)| *target).collect();
        let (mut journals, mut entries, mut in_clear, mut head) = (0, 0, 0, None);
        for (target, standing) in family {
            // Before each of them, as a hold may have been set meanwhile.
            if let Some(held) = self.holds.of_processes(organization, &all).await? {
                return Err(held.into());
            }
            self.give_up(organization, target.id, &standing, order).await?;
            let own = self.erase_journal(organization, target, erasure.clone()).await?;
            journals += 1;
            entries += own.entries;
            in_clear += own.in_clear;
            // The process itself comes last.
            head = Some(own.hash);
        }
        Ok(Erased { journals, entries, in_clear, head: head.ok_or(Error::NotFound)? })
    }

    /// Of some processes of one kind, those that ended at a time that `is_over`, and that are not erased with another one. Nothing is
    /// written, and no process comes into memory. The others, and what cannot be read, are left out.
    pub async fn over(&self, organization: &str, kind: Kind, ids: &[Uuid], is_over: impl Fn(Timestamp) -> bool) -> Vec<Uuid> {
        let mut over = Vec::new();
        for (id, standing) in self.look_at_many(organization, kind, ids).await {
            let Life::Ended(at) = standing.life else { continue };
            if is_over(at) && matches!(self.present_parent(organization, &standing).await, Ok(None)) {
                over.push(id);
            }
        }
        over
    }

    /// The process that this one belongs to, unless it is gone.
    async fn present_parent(&self, organization: &str, standing: &Standing) -> Result<Option<Target>, Error> {
        let Some(parent) = standing.parent else { return Ok(None) };
        let is_there = self.look(organization, parent).await?.life != Life::Absent;
        Ok(is_there.then_some(parent))
    }

    /// What is still there of a process and those that belong to it. Three levels at most: a process, its identifications, their sessions.
    async fn family(&self, organization: &str, target: Target, standing: Standing) -> Result<Family, Error> {
        let mut family = vec![(target, standing)];
        let mut next = 0;
        while let Some((_, standing)) = family.get(next) {
            for child in standing.children.clone() {
                let standing = self.look(organization, child).await?;
                if standing.life != Life::Absent {
                    family.push((child, standing));
                }
            }
            next += 1;
        }
        family.reverse();
        Ok(family)
    }

    /// Gives up what a process holds outside its journal.
    async fn give_up(&self, organization: &str, process: Uuid, standing: &Standing, order: Order<'_>) -> Result<(), Error> {
        let now = order.wall_clock;
        for digest in standing.documents.iter().filter_map(|digest| digest.parse().ok()) {
            self.documents.release(organization, &digest, process, now).await?;
        }
        for digest in standing.sealed_files.iter().filter_map(|digest| digest.parse().ok()) {
            self.sealed_files.release(organization, process, &digest, now).await?;
        }
        for document in &standing.produced {
            self.documents.erase(organization, *document, Act { at: now, by: Some(order.by), why: None }).await?;
        }
        if let Some(pictures_of) = standing.pictures_of {
            self.scoring.forget(organization, pictures_of, now).await.map_err(Error::Pictures)?;
        }
        Ok(())
    }

    async fn look(&self, organization: &str, target: Target) -> Result<Standing, Error> {
        let Target { kind, id } = target;
        let processes = &self.processes;
        match kind {
            Kind::SignProcess => look(&processes.sign, organization, id).await,
            Kind::Chain => look(&processes.chain, organization, id).await,
            Kind::Otp => look(&processes.otp, organization, id).await,
            Kind::Agent => look(&processes.agent, organization, id).await,
            Kind::IdentityDocument => look(&processes.identity_document, organization, id).await,
            Kind::Scoring => look(&processes.scoring, organization, id).await,
            Kind::Fill => look(&processes.fill, organization, id).await,
        }
    }

    async fn look_at_many(&self, organization: &str, kind: Kind, ids: &[Uuid]) -> Vec<(Uuid, Standing)> {
        let processes = &self.processes;
        match kind {
            Kind::SignProcess => look_at_many(&processes.sign, organization, ids).await,
            Kind::Chain => look_at_many(&processes.chain, organization, ids).await,
            Kind::Otp => look_at_many(&processes.otp, organization, ids).await,
            Kind::Agent => look_at_many(&processes.agent, organization, ids).await,
            Kind::IdentityDocument => look_at_many(&processes.identity_document, organization, ids).await,
            Kind::Scoring => look_at_many(&processes.scoring, organization, ids).await,
            Kind::Fill => look_at_many(&processes.fill, organization, ids).await,
        }
    }

    async fn erase_journal(&self, organization: &str, target: Target, erasure: Erasure) -> Result<actors::Erased, Error> {
        let processes = &self.processes;
        let Target { kind, id } = target;
        let erased = match kind {
            Kind::SignProcess => processes.sign.erase(organization, id, erasure).await,
            Kind::Chain => processes.chain.erase(organization, id, erasure).await,
            Kind::Otp => processes.otp.erase(organization, id, erasure).await,
            Kind::Agent => processes.agent.erase(organization, id, erasure).await,
            Kind::IdentityDocument => processes.identity_document.erase(organization, id, erasure).await,
            Kind::Scoring => processes.scoring.erase(organization, id, erasure).await,
            Kind::Fill => processes.fill.erase(organization, id, erasure).await,
        };
        match erased {
            Ok(erased) => Ok(erased),
            // An effect of it is still under way.
            Err(actors::Error::Refused(Refusal::State(_))) => Err(Error::UnderWay(target)),
            Err(error) => Err(Error::Process(error)),
        }
    }
}

async fn look<M: Hosted + Erasable>(host: &Host<M>, organization: &str, id: Uuid) -> Result<Standing, Error> {
    Ok(host.peek(organization, id).await.map_err(Error::Process)?.standing(id))
}

async fn look_at_many<M: Hosted + Erasable>(host: &Host<M>, organization: &str, ids: &[Uuid]) -> Vec<(Uuid, Standing)> {
    let read = match host.peek_many(organization, ids).await {
        Ok(read) => read,
        Err(error) => {
            tracing::warn!(kind = M::AS.name(), %error, "processes could not be read to see whether their time is over");
            return Vec::new();
        }
    };
    let mut standings = Vec::with_capacity(ids.len());
    for (id, read) in ids.iter().zip(read) {
        match read {
            Ok(machine) => standings.push((*id, machine.standing(*id))),
            Err(error) => tracing::warn!(kind = M::AS.name(), process = %id, %error, "a process cannot be read to be erased"),
        }
    }
    standings
}
