//! How far a seal gets: the level that the organization wants, while there is time for it.

use std::sync::Arc;

use ::documents::{
    Level,
    pkcs12::Identity,
    seal::{self, Step},
};
use ::store::Timestamp;
use actors::Attempt;
use bytes::Bytes;
use chrono::TimeDelta;
use uuid::Uuid;
use workflows::sign_process::{Data, Seal, SignProcess};

use super::{World, refused, retry};
use crate::{
    catalogue::documents::{Document, Error},
    cpu_pool::Cutoff,
    trust_services::{self, Raised, seal_of},
};

/// How long a seal waits at most for what is to be said of revocation: nobody's signature waits for that.
const LONGEST_FOR_REVOCATION: TimeDelta = TimeDelta::minutes(10);

/// A seal of a process that is being made.
pub(super) struct Sealing<'a> {
    pub organization: &'a str,
    wanted: Level,
    /// When it could be made.
    since: Timestamp,
    pub now: Timestamp,
}

impl Sealing<'_> {
    /// Whether each signature gets a time stamp.
    pub(super) fn with_time_stamps(&self) -> bool {
        self.wanted >= Level::T
    }
}

impl World {
    /// The seals of a process whose signers have all signed.
    pub(super) async fn sealing<'a>(
        &self,
        organization: &'a str,
        data: &Data,
        now: Timestamp,
    ) -> Result<Sealing<'a>, Attempt<SignProcess>> {
        let configuration = self.configurations.load(organization).await.map_err(retry)?;
        let wanted = self.trust_services.wanted(configuration.and_then(|configuration| configuration.signature_level));
        Ok(Sealing { organization, wanted, since: data.completed_at.unwrap_or(data.created_at), now })
    }

    /// What an attempt before stored without telling the process: no authority is asked twice for it.
    pub(super) async fn made_before(
        &self,
        sealing: &Sealing<'_>,
        id: Uuid,
    ) -> Result<Option<(Document, Seal)>, Attempt<SignProcess>> {
        if sealing.wanted == Level::B {
            return Ok(None);
        }
        match self.documents.find(sealing.organization, id).await {
            Ok(stored) => {
                let seal = self.seal_of_stored(sealing, &stored).await?;
                Ok(Some((stored, seal)))
            }
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(retry(error)),
        }
    }

    /// Why it is of no use to seal now: all authorities are left alone, and there is time to wait.
    pub(super) fn is_early(&self, sealing: &Sealing<'_>) -> Option<Attempt<SignProcess>> {
        let error = self.trust_services.ready(sealing.wanted).err()?;
        self.trust_services.patience(sealing.since, sealing.now).map(|left| later(&error, left))
    }

    /// Brings a seal from its first step to the level that is wanted; when its time is over, to the one that can be had. `None`: no authority gives
    /// a time stamp in time, so that it is to begin anew without them.
    pub(super) async fn raise(
        &self,
        sealing: &Sealing<'_>,
        first: Step,
        identity: &Arc<Identity>,
    ) -> Result<Option<Raised>, Attempt<SignProcess>> {
        use trust_services::Error;
        let Sealing { organization, wanted, since, now } = *sealing;
        let first = match first {
            Step::Done(sealed) if wanted > Level::B => return Ok(Some(Raised::short_of(wanted, sealed))),
            first => first,
        };
        let error = match self.trust_services.raise(organization, first, identity, wanted).await {
            Ok(raised) => return Ok(Some(raised)),
            Err(error) => error,
        };
        let patience = match &error {
            Error::NotOffered(_) | Error::Away(_) => self.trust_services.patience(since, now),
            Error::Short { is_passing: true, .. } => self.trust_services.patience(since, now).and_then(|left| {
                let longest = (since + LONGEST_FOR_REVOCATION - now).to_std().ok()?;
                Some(left.min(longest)).filter(|left| !left.is_zero())
            }),
            Error::Short { .. } => None,
            Error::Revoked { .. } => {
                return Err(retry(format!("{error}; another one in the tenant's sign configuration mends this")));
            }
            Error::Busy(_) | Error::File(seal::Error::Signing) => return Err(retry(error)),
            Error::File(_) => return Err(refused(error)),
        };
        if let Some(left) = patience {
            return Err(later(&error, left));
        }
        tracing::warn!(organization, %wanted, %error, "a seal is of a lower level than was wanted: it did not wait any longer");
        match error {
            Error::Short { reached, .. } => Ok(Some(*reached)),
            _ => Ok(None),
        }
    }

    /// How far the seal of a stored file got, where it is not the one that was made now.
    pub(super) async fn seal_of_stored(&self, sealing: &Sealing<'_>, stored: &Document) -> Result<Seal, Attempt<SignProcess>> {
        let (wanted, now) = (sealing.wanted, sealing.now);
        let read = move |bytes: Bytes, _: &Cutoff| seal_of(&bytes, wanted, now);
        match self.documents.work_on(sealing.organization, stored, read).await {
            Ok(Ok(seal)) => Ok(seal),
            Ok(Err(error)) => Err(refused(error)),
            // It was removed meanwhile; nothing more is known of it.
            Err(Error::Gone) => Ok(Seal::default()),
            Err(error) => Err(retry(error)),
        }
    }
}

/// Tries again, at the latest when the time for it is over.
fn later(error: &trust_services::Error, left: std::time::Duration) -> Attempt<SignProcess> {
    Attempt::Retry { reason: error.to_string(), after: error.after().map(|after| after.min(left)) }
}
