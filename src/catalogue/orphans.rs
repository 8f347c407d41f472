//! Bytes that nothing needs, as crashes leave them: a reference or bytes that were to be named, and never were.
//!
//! Who holds bytes says so before they are there ([`super::references`]). Whether a holder ever came to be, and still needs them, knows the room of
//! its kind alone: each is given to the collector as a [`Keeper`]. What a kind that was not given holds, stays.

use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use store::blobs::{Blobs, Collected, Digest};
use store::{Store, Timestamp};
use uuid::Uuid;

use super::Error;
use super::references::{Holder, LEASE, References};
use crate::records::{self, Records};

pub use super::references::HolderKind;

/// Whether a process still needs the bytes that it holds. Where that cannot be found out it does.
pub type Holds = Arc<dyn Fn(Arc<str>, Uuid, Digest) -> BoxFuture<'static, bool> + Send + Sync>;

/// Knows the holders of one kind.
pub trait Keeper: Send + Sync + 'static {
    /// The kind.
    const KIND: HolderKind;

    /// Whether the holder with an identifier needs these bytes; `None` if there is no such holder, which may still come to be.
    fn needs(
        &self,
        organization: &str,
        id: Uuid,
        digest: &Digest,
    ) -> impl Future<Output = Result<Option<bool>, records::Error>> + Send;
}

/// A [`Keeper`] with its type put away.
type Asked = Arc<dyn Fn(Arc<str>, Uuid, Digest) -> BoxFuture<'static, Result<Option<bool>, records::Error>> + Send + Sync>;

/// The collector of orphans of all organizations. Cheap to clone.
#[derive(Clone)]
pub struct Orphans {
    references: References,
    blobs: Blobs,
    kinds: Vec<(HolderKind, Asked)>,
}

impl Orphans {
    /// Over a store and the blobs beside it; it knows no kind of holder but processes.
    pub fn new(store: Arc<dyn Store>, blobs: Blobs) -> Self {
        Self { references: References::new(Records::new(store), blobs.clone()), blobs, kinds: Vec::new() }
    }

    /// The same collector, which knows the holders of one kind more.
    pub fn knowing<K: Keeper>(mut self, keeper: K) -> Self {
        let keeper = Arc::new(keeper);
        let asked: Asked = Arc::new(move |organization, id, digest| {
            let keeper = keeper.clone();
            Box::pin(async move { keeper.needs(&organization, id, &digest).await })
        });
        self.kinds.push((K::KIND, asked));
        self
    }

    /// Whether anything needs these bytes. References of what was removed, or was never written within `grace` of its reference, are what a crash
    /// left behind and do not count.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn is_needed(
        &self,
        holds: &Holds,
        organization: &str,
        digest: &Digest,
        grace: TimeDelta,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let organization: Arc<str> = organization.into();
        let mut holders = self.references.holders(&organization, digest);
        while let Some(held) = holders.next().await? {
            let is_young = now - held.since < grace;
            let holder = Holder::read(&held)?;
            let is_needed = match self.kinds.iter().find(|(kind, _)| *kind == holder.kind()) {
                Some((_, needs)) => needs(organization.clone(), holder.id(), *digest).await?.unwrap_or(is_young),
                None if holder.kind() == HolderKind::Process => {
                    is_young || holds(organization.clone(), holder.id(), *digest).await
                }
                None if holder.kind() == HolderKind::Lease => now - held.since < LEASE,
                None => true,
            };
            if is_needed {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes bytes that are older than `grace` and that nothing needs. To be called now and then in the background; the blob store bounds its
    /// batches.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn collect(&self, holds: &Holds, grace: TimeDelta, now: Timestamp) -> Result<Collected, Error> {
        let take_away = |organization: Arc<str>, digest: Digest| {
            let (orphans, holds) = (self.clone(), holds.clone());
            async move {
                match orphans.take_away(&holds, &organization, &digest, grace, now).await {
                    Ok(taken) => Ok(taken),
                    Err(Error::Store(error)) => Err(error),
                    Err(error) => {
                        // A record that cannot be read may name the bytes, and must not keep the others from being collected.
                        tracing::error!(%error, %organization, %digest, "these bytes are kept");
                        Ok(false)
                    }
                }
            }
        };
        Ok(self.blobs.collect_orphans(now - grace, take_away).await?)
    }

    /// Removes bytes that nothing needs. `true` if they were removed.
    async fn take_away(
        &self,
        holds: &Holds,
        organization: &str,
        digest: &Digest,
        grace: TimeDelta,
        now: Timestamp,
    ) -> Result<bool, Error> {
        // Mostly they are needed, and then nothing is announced.
        if self.is_needed(holds, organization, digest, grace, now).await? {
            return Ok(false);
        }
        let is_needed = self.is_needed(holds, organization, digest, grace, now);
        self.references.remove_old(organization, digest, now - grace, now, is_needed).await
    }
}
