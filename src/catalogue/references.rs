//! Who holds which bytes, so that they are removed when, and only when, nobody does.
//!
//! A holder writes its reference *after* the bytes and *before* whatever names them. A remover announces itself first,
//! then looks for holders, then removes. So for any holder and remover one of two things is true: the remover sees the
//! reference and leaves the bytes, or the holder sees the announcement, waits, and puts the bytes again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::blobs::{Blobs, Digest};
use store::{RecordKey, Timestamp};
use uuid::Uuid;

use super::Error;
use super::records::{ATTEMPTS, Records};

const REFERENCES: &str = "blob_reference";
const REMOVALS: &str = "blob_removal";

/// How many references are read at once.
const PAGE: usize = 256;

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
}

impl Holder {
    fn kind(self) -> Kind {
        match self {
            Self::Document(_) => Kind::Document,
            Self::Process(_) => Kind::Process,
        }
    }

    fn id(self) -> Uuid {
        match self {
            Self::Document(id) | Self::Process(id) => id,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Document,
    Process,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Held,
    Released,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reference {
    state: State,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Removal {
    UnderWay,
    Done,
}

/// A reference that stands, as the orphan collector sees it.
pub(super) struct Held {
    pub holder: Holder,
    pub since: Timestamp,
}

#[derive(Clone)]
pub(super) struct References {
    records: Records,
    blobs: Blobs,
}

impl References {
    pub fn new(records: Records, blobs: Blobs) -> Self {
        Self { records, blobs }
    }

    /// Writes the reference. `true` if a removal was under way, so that the bytes may be gone and must be put again.
    pub async fn hold(&self, organization: &str, digest: &Digest, holder: Holder, at: Timestamp) -> Result<bool, Error> {
        self.set(organization, digest, holder, State::Held, at).await?;
        self.await_removal(organization, digest, at).await
    }

    /// Takes the reference back and removes the bytes if it was the last one.
    pub async fn release(&self, organization: &str, digest: &Digest, holder: Holder, at: Timestamp) -> Result<(), Error> {
        self.set(organization, digest, holder, State::Released, at).await?;
        self.remove_unheld(organization, digest, at).await
    }

    /// The references to these bytes that stand, of the page after the key `after`, and the key to go on after.
    pub async fn held(
        &self,
        organization: &str,
        digest: &Digest,
        after: Option<&str>,
    ) -> Result<(Vec<Held>, Option<String>), Error> {
        let prefix = format!("{digest}/");
        let page = self.records.page::<Reference>(organization, REFERENCES, &prefix, after, PAGE).await?;
        let next = (page.len() == PAGE).then(|| page.last().map(|(key, _)| key.clone())).flatten();
        let mut held = Vec::new();
        for (key, record) in page {
            if record.value.state == State::Released {
                continue;
            }
            let id = key.strip_prefix(&prefix).and_then(|id| Uuid::parse_str(id).ok());
            let id = id.ok_or_else(|| Error::Unreadable(format!("{organization}/{REFERENCES}/{key}")))?;
            let holder = match record.value.kind {
                Kind::Document => Holder::Document(id),
                Kind::Process => Holder::Process(id),
            };
            held.push(Held { holder, since: record.at });
        }
        Ok((held, next))
    }

    async fn is_held(&self, organization: &str, digest: &Digest) -> Result<bool, Error> {
        let mut after = None;
        loop {
            let (held, next) = self.held(organization, digest, after.as_deref()).await?;
            if !held.is_empty() {
                return Ok(true);
            }
            // Ends with the references: each turn starts after the last key of the one before.
            match next {
                Some(key) => after = Some(key),
                None => return Ok(false),
            }
        }
    }

    async fn set(&self, organization: &str, digest: &Digest, holder: Holder, state: State, at: Timestamp) -> Result<(), Error> {
        let key = RecordKey::new(organization, REFERENCES, format!("{digest}/{}", holder.id()));
        let wanted = Reference { state, kind: holder.kind() };
        for _ in 0..ATTEMPTS {
            let current = self.records.get::<Reference>(&key).await?;
            let settled = match &current {
                Some(current) => current.value == wanted,
                None => state == State::Released,
            };
            if settled || self.records.put(&key, current.map_or(0, |current| current.version), at, &wanted).await? {
                return Ok(());
            }
        }
        Err(Error::Contended(key.key))
    }

    fn removal_key(organization: &str, digest: &Digest) -> RecordKey {
        RecordKey::new(organization, REMOVALS, digest.to_string())
    }

    async fn await_removal(&self, organization: &str, digest: &Digest, at: Timestamp) -> Result<bool, Error> {
        let key = Self::removal_key(organization, digest);
        let mut seen = None;
        let mut was_under_way = false;
        for _ in 0..REMOVAL_POLLS {
            match self.records.get::<Removal>(&key).await? {
                Some(removal) if removal.value == Removal::UnderWay => seen = Some(removal.version),
                _ => return Ok(was_under_way),
            }
            was_under_way = true;
            tokio::time::sleep(REMOVAL_POLL).await;
        }
        // Its remover died between announcing and finishing; whoever needs the bytes finishes for it.
        let version = seen.unwrap_or_default();
        self.records.put(&key, version, at, &Removal::Done).await?;
        Ok(true)
    }

    async fn remove_unheld(&self, organization: &str, digest: &Digest, at: Timestamp) -> Result<(), Error> {
        if self.is_held(organization, digest).await? {
            return Ok(());
        }
        let key = Self::removal_key(organization, digest);
        let current = self.records.get::<Removal>(&key).await?;
        if matches!(&current, Some(removal) if removal.value == Removal::UnderWay) {
            return Ok(());
        }
        let version = current.map_or(0, |removal| removal.version);
        if !self.records.put(&key, version, at, &Removal::UnderWay).await? {
            return Ok(());
        }
        let removed = self.remove_announced(organization, digest).await;
        // If this fails, or we die before it, the next holder waits for nothing and then finishes in our place.
        self.records.put(&key, version + 1, at, &Removal::Done).await?;
        removed
    }

    async fn remove_announced(&self, organization: &str, digest: &Digest) -> Result<(), Error> {
        if !self.is_held(organization, digest).await? {
            self.blobs.delete(organization, digest).await?;
        }
        Ok(())
    }

    /// Leaves a removal announced and unfinished, as a crash would.
    #[cfg(test)]
    pub async fn announce_and_die(&self, organization: &str, digest: &Digest, at: Timestamp) {
        let key = Self::removal_key(organization, digest);
        assert!(self.records.put(&key, 0, at, &Removal::UnderWay).await.unwrap());
        self.blobs.delete(organization, digest).await.unwrap();
    }
}
