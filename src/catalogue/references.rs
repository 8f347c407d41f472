//! Who holds which bytes, so that they are removed when, and only when, nobody does, whatever number of servers share them.
//!
//! A holder writes its reference *before* the bytes, and those before whatever names them. A remover announces itself first,
//! then looks for holders, then removes. So for any holder and remover one of two things is true: the remover sees the
//! reference and leaves the bytes, or the holder sees the announcement, waits for its end, and puts the bytes then.
//!
//! A remover that is slow rather than dead, or whose request is still on its way to a bucket, must not hurt the holder that gave up
//! waiting. Time cannot rule that out, names can: who ends a removal in another one's place, or without knowing that it was
//! carried out, counts up the number of the copy that is in use, and a removal reaches copies up to the number that it announced.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use store::blobs::{Blobs, Digest};
use store::{RecordKey, Timestamp};
use uuid::Uuid;

use super::Error;
use super::holders::{self, Held, Holders};
use crate::records::{self, ATTEMPTS, Records, Versioned};

const REFERENCES: &str = "blob_reference";
const REMOVALS: &str = "blob_removal";

/// How long a holder waits between two looks at an announced removal.
const REMOVAL_POLL: Duration = Duration::from_millis(20);

/// How often it looks before it takes the remover for dead: 5 s in all, while a removal takes milliseconds.
const REMOVAL_POLLS: usize = 250;

/// Who holds bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The document with this identifier.
    Document(Uuid),
    /// A process that needs the bytes whatever becomes of the document.
    Process(Uuid),
    /// The form with this identifier.
    Form(Uuid),
    /// The configuration document with this identifier.
    ConfigurationDocument(Uuid),
    /// The version of a dynamic template with this identifier.
    DynamicTemplateVersion(Uuid),
    /// Whoever needs the bytes for a while: one reference for all of them, which says when the last one asked and is never released. It counts
    /// for [`LEASE`].
    Lease,
}

/// For how long bytes that were lent stay.
pub const LEASE: TimeDelta = TimeDelta::hours(26);

/// What a holder of bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HolderKind {
    Document,
    Process,
    Form,
    ConfigurationDocument,
    DynamicTemplateVersion,
    Lease,
}

impl HolderKind {
    const ALL: [Self; 6] =
        [Self::Document, Self::Process, Self::Form, Self::ConfigurationDocument, Self::DynamicTemplateVersion, Self::Lease];

    /// Part of the stored data.
    fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Process => "process",
            Self::Form => "form",
            Self::ConfigurationDocument => "configuration_document",
            Self::DynamicTemplateVersion => "dynamic_template_version",
            Self::Lease => "lease",
        }
    }

    fn holder(self, id: Uuid) -> Holder {
        match self {
            Self::Document => Holder::Document(id),
            Self::Process => Holder::Process(id),
            Self::Form => Holder::Form(id),
            Self::ConfigurationDocument => Holder::ConfigurationDocument(id),
            Self::DynamicTemplateVersion => Holder::DynamicTemplateVersion(id),
            Self::Lease => Holder::Lease,
        }
    }
}

impl Holder {
    pub(super) fn kind(self) -> HolderKind {
        match self {
            Self::Document(_) => HolderKind::Document,
            Self::Process(_) => HolderKind::Process,
            Self::Form(_) => HolderKind::Form,
            Self::ConfigurationDocument(_) => HolderKind::ConfigurationDocument,
            Self::DynamicTemplateVersion(_) => HolderKind::DynamicTemplateVersion,
            Self::Lease => HolderKind::Lease,
        }
    }

    pub(super) fn id(self) -> Uuid {
        match self {
            Self::Document(id)
            | Self::Process(id)
            | Self::Form(id)
            | Self::ConfigurationDocument(id)
            | Self::DynamicTemplateVersion(id) => id,
            Self::Lease => Uuid::nil(),
        }
    }

    /// Who a record says it is.
    pub(super) fn read(held: &Held) -> Result<Self, records::Error> {
        let kind = HolderKind::ALL.into_iter().find(|kind| kind.name() == held.kind);
        let holder = kind.zip(Uuid::parse_str(&held.id).ok()).map(|(kind, id)| kind.holder(id));
        holder.ok_or_else(|| records::Error::Unreadable(format!("{REFERENCES}/{}", held.id)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    UnderWay,
    Done,
}

/// What became of the last removal of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
struct Removal {
    stage: Stage,
    /// The copy under which the bytes are put. No removal announced before this number came up reaches it.
    copy: u64,
}

/// As it is read: the first records had no number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Numbered { stage: Stage, copy: u64 },
    First(Stage),
}

impl From<Stored> for Removal {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Numbered { stage, copy } => Self { stage, copy },
            Stored::First(stage) => Self { stage, copy: 0 },
        }
    }
}

#[derive(Clone)]
pub(super) struct References {
    records: Records,
    holders: Holders,
    blobs: Blobs,
}

impl References {
    pub fn new(records: Records, blobs: Blobs) -> Self {
        Self { holders: Holders::new(records.clone(), REFERENCES), records, blobs }
    }

    /// Puts bytes that are held from before they are there.
    pub async fn put(
        &self,
        organization: &str,
        digest: &Digest,
        bytes: Bytes,
        holder: Holder,
        at: Timestamp,
    ) -> Result<(), Error> {
        let copy = self.hold(organization, digest, holder, at).await?;
        Ok(self.blobs.put_copy(organization, digest, copy, bytes).await?)
    }

    /// Holds bytes that are there already; `false`, and no reference, if they are not. They are looked for after the reference was written,
    /// as only those stay for sure, and not read: many may ask at once.
    pub async fn keep(&self, organization: &str, digest: &Digest, holder: Holder, at: Timestamp) -> Result<bool, Error> {
        let copy = self.hold(organization, digest, holder, at).await?;
        // What is there may be a copy that a late removal still reaches; then they are put again.
        let is_kept = match copy {
            0 => self.blobs.is_there(organization, digest).await?,
            _ => self.blobs.has_copy(organization, digest, copy).await? || self.put_again(organization, digest, copy).await?,
        };
        if !is_kept {
            self.release(organization, digest, holder, at).await?;
        }
        Ok(is_kept)
    }

    async fn put_again(&self, organization: &str, digest: &Digest, copy: u64) -> Result<bool, Error> {
        let Some(bytes) = self.blobs.get(organization, digest).await? else { return Ok(false) };
        self.blobs.put_copy(organization, digest, copy, bytes).await?;
        Ok(true)
    }

    /// Writes the reference and lets a removal that may not have seen it end. The answer is the copy under which the bytes stay.
    async fn hold(&self, organization: &str, digest: &Digest, holder: Holder, at: Timestamp) -> Result<u64, Error> {
        self.holders.hold(organization, &digest.to_string(), holder.kind().name(), &holder.id().to_string(), at).await?;
        self.await_removal(organization, digest, at).await
    }

    /// Takes the reference back and removes the bytes if it was the last one.
    pub async fn release(&self, organization: &str, digest: &Digest, holder: Holder, at: Timestamp) -> Result<(), Error> {
        self.holders.release(organization, &digest.to_string(), holder.kind().name(), &holder.id().to_string(), at).await?;
        if self.is_held(organization, digest).await? {
            return Ok(());
        }
        let Some(announced) = self.announce(organization, digest, None, at).await? else { return Ok(()) };
        let reach = announced.value.copy;
        let removing = async {
            if self.is_held(organization, digest).await? {
                return Ok(false);
            }
            self.blobs.delete_copies(organization, digest, reach).await?;
            Ok(true)
        };
        self.carry_out(organization, digest, announced, at, removing).await.map(drop)
    }

    /// Removes bytes that were put before `older_than`, unless `is_needed` says otherwise once the removal is announced. `true` if they
    /// were removed. A removal that somebody else announced before `older_than` is taken over, as its remover must be dead.
    pub async fn remove_old(
        &self,
        organization: &str,
        digest: &Digest,
        older_than: Timestamp,
        at: Timestamp,
        is_needed: impl Future<Output = Result<bool, Error>>,
    ) -> Result<bool, Error> {
        let Some(announced) = self.announce(organization, digest, Some(older_than), at).await? else { return Ok(false) };
        let reach = announced.value.copy;
        let removing = async {
            if is_needed.await? {
                return Ok(false);
            }
            Ok(self.blobs.delete_old(organization, digest, reach, older_than).await?)
        };
        self.carry_out(organization, digest, announced, at, removing).await
    }

    /// Those who hold these bytes.
    pub fn holders(&self, organization: &str, digest: &Digest) -> holders::Listing {
        self.holders.of(organization, &digest.to_string())
    }

    async fn is_held(&self, organization: &str, digest: &Digest) -> Result<bool, Error> {
        Ok(self.holders(organization, digest).next().await?.is_some())
    }

    fn removal_key(organization: &str, digest: &Digest) -> RecordKey {
        RecordKey::new(organization, REMOVALS, digest.to_string())
    }

    /// Not one `Records::update`: between the looks it waits, and it ends that removal only which it has waited for.
    async fn await_removal(&self, organization: &str, digest: &Digest, at: Timestamp) -> Result<u64, Error> {
        let key = Self::removal_key(organization, digest);
        for _ in 0..ATTEMPTS {
            let mut announced = None;
            for _ in 0..REMOVAL_POLLS {
                match self.records.get::<Removal>(&key).await? {
                    None => return Ok(0),
                    Some(removal) if removal.value.stage == Stage::Done => return Ok(removal.value.copy),
                    Some(removal) => announced = Some(removal),
                }
                tokio::time::sleep(REMOVAL_POLL).await;
            }
            // Its remover died between announcing and finishing, or stands still; whoever needs the bytes goes on without it.
            let Some(announced) = announced else { break };
            let removal = Removal { stage: Stage::Done, copy: announced.value.copy + 1 };
            if self.records.put(&key, announced.version, at, &removal).await? {
                return Ok(removal.copy);
            }
        }
        Err(records::Error::Contended(key.key).into())
    }

    /// Announces a removal. `None` if another one is under way, unless that one was announced before `dead_before`.
    async fn announce(
        &self,
        organization: &str,
        digest: &Digest,
        dead_before: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<Option<Versioned<Removal>>, Error> {
        let key = Self::removal_key(organization, digest);
        let (version, copy) = match self.records.get::<Removal>(&key).await? {
            None => (0, 0),
            Some(last) if last.value.stage == Stage::Done => (last.version, last.value.copy),
            Some(dead) if dead_before.is_some_and(|before| dead.at < before) => (dead.version, dead.value.copy + 1),
            Some(_) => return Ok(None),
        };
        let value = Removal { stage: Stage::UnderWay, copy };
        let announced = self.records.put(&key, version, at, &value).await?;
        Ok(announced.then_some(Versioned { version: version + 1, at, value }))
    }

    /// Carries out a removal that was announced, and says that it is over.
    async fn carry_out(
        &self,
        organization: &str,
        digest: &Digest,
        announced: Versioned<Removal>,
        at: Timestamp,
        removing: impl Future<Output = Result<bool, Error>>,
    ) -> Result<bool, Error> {
        let removed = removing.await;
        // Unless nothing was sent, something may still be on its way: a request that failed, or one that was repeated and of which the
        // first is late.
        let removal = Removal { stage: Stage::Done, copy: announced.value.copy + u64::from(!matches!(removed, Ok(false))) };
        // If this fails, or we die before it, the next holder waits in vain and then goes on without us. If it comes too late, one has.
        self.records.put(&Self::removal_key(organization, digest), announced.version, at, &removal).await?;
        removed
    }

    /// Leaves a removal announced and unfinished, as a crash would; the answer is what it would have removed.
    #[cfg(test)]
    pub async fn announce_and_stop(&self, organization: &str, digest: &Digest, at: Timestamp) -> u64 {
        self.announce(organization, digest, None, at).await.unwrap().unwrap().value.copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_records_of_removals_are_still_read() {
        let removal: Removal = serde_json::from_str("\"under_way\"").unwrap();
        assert_eq!(removal, Removal { stage: Stage::UnderWay, copy: 0 });
        let removal = Removal { stage: Stage::Done, copy: 3 };
        assert_eq!(serde_json::from_str::<Removal>(&serde_json::to_string(&removal).unwrap()).unwrap(), removal);
    }
}
