//! Legal holds: while one stands, nothing that it covers is erased, neither when its time is over nor when somebody asks for it.
//!
//! A hold is a versioned record: who set and who lifted it, when and why, stays readable. A customer is named by a keyed hash alone. Setting and
//! lifting count up a number that whoever erases compares before each process, so that a hold counts on all servers from its answer on.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{RecordKey, Store, Timestamp};

use super::kinds::Target;
use crate::{
    keys::Keys,
    records::{self, Records, Versioned},
};

const HOLDS: &str = "legal_hold";
/// Of which the newest version alone is kept.
const CHANGES: &str = "_legal_hold_changes";

/// Purpose of the key under which customers are hashed.
const PURPOSE: &str = "legal-hold/customer/v1";

/// Maximum number of holds of an organization, those that were lifted included: a name can be used again.
pub const MAX_HOLDS: usize = 10_000;

/// Maximum length of a hold's name, in bytes.
pub const MAX_NAME: usize = 100;

/// Holds that are read at once.
const PAGE: usize = 500;

/// Versions of one that are told, newest first.
const MAX_HISTORY: usize = 100;

/// What was read counts no longer than this, whatever the number says.
const FRESH: Duration = Duration::from_secs(60);

/// Organizations whose holds are in memory.
const MAX_KNOWN: usize = 1_000;

/// What a hold covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum Covers {
    /// Everything of the organization.
    Organization,
    /// One process, with all that belongs to it and all that it belongs to.
    Process { process: Target },
    /// The consents of one customer, by the keyed hash of the identifier.
    Customer { tag: String },
}

/// Somebody did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// The subject of the caller's token.
    pub by: String,
    pub at: Timestamp,
}

/// A legal hold, as one version of its record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    #[serde(flatten)]
    pub covers: Covers,
    pub reason: String,
    pub set: Deed,
    /// `None` while it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Deed>,
}

/// Why a hold is not set, lifted or told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such legal hold")]
    NotFound,
    #[error("a legal hold of this name stands and is another one; lift it first, or choose another name")]
    Exists,
    #[error("the organization has {MAX_HOLDS} legal holds; use the name of one that was lifted")]
    TooMany,
    #[error(transparent)]
    Records(#[from] records::Error),
}

/// That something is under hold, for whoever wanted to erase it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is under the legal hold {name}: {reason}; nothing of it is erased until that is lifted")]
pub struct Held {
    pub name: String,
    pub reason: String,
}

/// The holds of an organization that stand, for looking up.
#[derive(Default)]
struct Standing {
    organization: Option<Held>,
    processes: HashMap<Target, Held>,
    customers: HashMap<String, Held>,
}

impl Standing {
    fn add(&mut self, name: &str, hold: Hold) {
        let held = Held { name: name.to_owned(), reason: hold.reason };
        match hold.covers {
            Covers::Organization => self.organization = Some(held),
            Covers::Process { process } => drop(self.processes.insert(process, held)),
            Covers::Customer { tag } => drop(self.customers.insert(tag, held)),
        }
    }
}

struct Known {
    changes: u64,
    read: Instant,
    standing: Arc<Standing>,
}

/// The legal holds of all organizations. Cheap to clone.
#[derive(Clone)]
pub struct LegalHolds {
    records: Records,
    key: Arc<hmac::Key>,
    known: Arc<Mutex<HashMap<String, Known>>>,
}

impl LegalHolds {
    /// Over a store, with the keys that hash customers.
    pub fn new(store: Arc<dyn Store>, keys: &Keys) -> Self {
        let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(PURPOSE)));
        Self { records: Records::new(store), key, known: Arc::default() }
    }

    /// What covers the consents of a customer.
    pub fn customer(&self, organization: &str, customer_id: &str) -> Covers {
        Covers::Customer { tag: self.tag(organization, customer_id) }
    }

    fn tag(&self, organization: &str, customer_id: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [organization, customer_id] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        HEXLOWER.encode(context.sign().as_ref())
    }

    /// Sets a hold. The same again changes nothing; `false` then.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::TooMany`], [`Error::Records`]; no hold was set then, except perhaps after
    /// [`records::Error::Undecided`].
    pub async fn set(&self, organization: &str, name: &str, covers: Covers, reason: &str, deed: Deed) -> Result<bool, Error> {
        let key = RecordKey::new(organization, HOLDS, name);
        if self.records.get::<Hold>(&key).await?.is_none() && self.all(organization).await?.len() >= MAX_HOLDS {
            return Err(Error::TooMany);
        }
        let decide = |current: Option<Versioned<Hold>>| match current.map(|current| current.value) {
            Some(hold) if hold.lifted.is_none() && (&hold.covers, hold.reason.as_str()) == (&covers, reason) => Ok(None),
            Some(hold) if hold.lifted.is_none() => Err(Error::Exists),
            _ => Ok(Some(Hold { covers: covers.clone(), reason: reason.to_owned(), set: deed.clone(), lifted: None })),
        };
        let is_new = self.records.update(&key, deed.at, decide).await?.is_some();
        // Also where nothing changed: whoever set it may have died before this.
        self.count_up(organization, deed.at).await?;
        Ok(is_new)
    }

    /// Lifts a hold.
    ///
    /// # Errors
    /// [`Error::NotFound`] where none of this name stands, [`Error::Records`].
    pub async fn lift(&self, organization: &str, name: &str, deed: Deed) -> Result<(), Error> {
        let decide = |current: Option<Versioned<Hold>>| {
            let hold = current.map(|current| current.value).filter(|hold| hold.lifted.is_none()).ok_or(Error::NotFound)?;
            Ok::<_, Error>(Some(Hold { lifted: Some(deed.clone()), ..hold }))
        };
        self.records.update(&RecordKey::new(organization, HOLDS, name), deed.at, decide).await?;
        Ok(self.count_up(organization, deed.at).await?)
    }

    /// A hold, as it is and as it was before, newest first, at most 100 versions.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there never was one of this name, [`Error::Records`].
    pub async fn get(&self, organization: &str, name: &str) -> Result<Vec<Hold>, Error> {
        let page = self.records.history::<Hold>(&RecordKey::new(organization, HOLDS, name), None, MAX_HISTORY).await?;
        let versions: Vec<Hold> = page.items.into_iter().map(|version| version.value).collect();
        if versions.is_empty() { Err(Error::NotFound) } else { Ok(versions) }
    }

    /// All holds of an organization by their names, those that were lifted included.
    ///
    /// # Errors
    /// [`records::Error`]
    pub async fn all(&self, organization: &str) -> Result<Vec<(String, Hold)>, records::Error> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        // A few more where several were set at once.
        while all.len() < MAX_HOLDS + PAGE {
            let page = self.records.page::<Hold>(organization, HOLDS, "", after.as_deref(), PAGE).await?;
            all.extend(page.items.into_iter().map(|(name, hold)| (name, hold.value)));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(all)
    }

    /// The hold that keeps any of these processes.
    ///
    /// # Errors
    /// [`records::Error`]; nothing may be erased then.
    pub async fn of_processes(&self, organization: &str, processes: &HashSet<Target>) -> Result<Option<Held>, records::Error> {
        let standing = self.standing(organization).await?;
        let own = || processes.iter().find_map(|process| standing.processes.get(process));
        Ok(standing.organization.as_ref().or_else(own).cloned())
    }

    /// The hold that keeps the consents of a customer. To be asked before they are erased for good, however that comes about.
    ///
    /// # Errors
    /// [`records::Error`]; nothing may be erased then.
    pub async fn of_customer(&self, organization: &str, customer_id: &str) -> Result<Option<Held>, records::Error> {
        let standing = self.standing(organization).await?;
        let own = || standing.customers.get(&self.tag(organization, customer_id));
        Ok(standing.organization.as_ref().or_else(own).cloned())
    }

    async fn standing(&self, organization: &str) -> Result<Arc<Standing>, records::Error> {
        let changes = self.records.get::<u64>(&changes_of(organization)).await?.map_or(0, |changes| changes.version);
        if let Some(known) = self.known.lock().get(organization)
            && known.changes == changes
            && known.read.elapsed() < FRESH
        {
            return Ok(known.standing.clone());
        }
        let read = Instant::now();
        let mut standing = Standing::default();
        for (name, hold) in self.all(organization).await? {
            if hold.lifted.is_none() {
                standing.add(&name, hold);
            }
        }
        let standing = Arc::new(standing);
        let mut known = self.known.lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(organization.to_owned(), Known { changes, read, standing: standing.clone() });
        Ok(standing)
    }

    async fn count_up(&self, organization: &str, at: Timestamp) -> Result<(), records::Error> {
        let next = |current: Option<Versioned<u64>>| {
            Ok::<_, records::Error>(Some(current.map_or(0, |current| current.value).saturating_add(1)))
        };
        self.records.update(&changes_of(organization), at, next).await.map(drop)
    }
}

fn changes_of(organization: &str) -> RecordKey {
    RecordKey::new(organization, CHANGES, "all")
}

#[cfg(test)]
mod tests {
    use store::{
        faulty::{Fault, Faulty},
        model::Model,
    };
    use uuid::Uuid;

    use super::*;
    use crate::erasure::kinds::Kind;

    const ORG: &str = "acme";

    fn noon() -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("an instant")
    }

    fn eva() -> Deed {
        Deed { by: "eva".into(), at: noon() }
    }

    fn holds(store: &Arc<Faulty<Model>>) -> LegalHolds {
        LegalHolds::new(store.clone(), &Keys::from_bytes(&[5; 32]))
    }

    fn process(number: u128) -> Target {
        Target::new(Kind::SignProcess, Uuid::from_u128(number))
    }

    async fn keeps(holds: &LegalHolds, organization: &str, target: Target) -> Option<String> {
        let held = holds.of_processes(organization, &HashSet::from([target])).await.expect("the model answers");
        held.map(|held| held.name)
    }

    #[tokio::test]
    async fn a_hold_counts_on_every_server_from_its_answer_until_it_is_lifted() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        let (one, other) = (holds(&store), holds(&store));
        assert_eq!(keeps(&other, ORG, process(1)).await, None);
        assert!(one.set(ORG, "case-7", Covers::Process { process: process(1) }, "a lawsuit", eva()).await.expect("set"));
        for holds in [&one, &other] {
            assert_eq!(keeps(holds, ORG, process(1)).await.as_deref(), Some("case-7"));
            assert_eq!(keeps(holds, ORG, process(2)).await, None);
            assert_eq!(keeps(holds, "other", process(1)).await, None);
        }
        other.lift(ORG, "case-7", eva()).await.expect("lifted");
        assert_eq!(keeps(&one, ORG, process(1)).await, None);
        assert!(matches!(one.lift(ORG, "case-7", eva()).await, Err(Error::NotFound)));
    }

    #[tokio::test]
    async fn who_set_and_lifted_a_hold_stays_readable_when_its_name_is_used_again() {
        let holds = holds(&Arc::new(Faulty::scripted(Model::new())));
        assert!(matches!(holds.get(ORG, "audit").await, Err(Error::NotFound)));
        assert!(holds.set(ORG, "audit", Covers::Organization, "an audit", eva()).await.expect("set"));
        assert!(!holds.set(ORG, "audit", Covers::Organization, "an audit", eva()).await.expect("the same again"));
        let another = holds.set(ORG, "audit", Covers::Organization, "another reason", eva()).await;
        assert!(matches!(another, Err(Error::Exists)));
        holds.lift(ORG, "audit", Deed { by: "leo".into(), ..eva() }).await.expect("lifted");
        assert!(holds.set(ORG, "audit", Covers::Organization, "another reason", eva()).await.expect("set again"));
        let versions = holds.get(ORG, "audit").await.expect("it is there");
        let told: Vec<_> =
            versions.iter().map(|hold| (hold.reason.as_str(), hold.lifted.as_ref().map(|deed| &*deed.by))).collect();
        assert_eq!(told, [("another reason", None), ("an audit", Some("leo")), ("an audit", None)]);
        assert_eq!(holds.all(ORG).await.expect("read").len(), 1);
    }

    #[tokio::test]
    async fn a_hold_on_the_organization_keeps_everything_of_it() {
        let holds = holds(&Arc::new(Faulty::scripted(Model::new())));
        holds.set(ORG, "audit", Covers::Organization, "an audit", eva()).await.expect("set");
        assert_eq!(keeps(&holds, ORG, process(9)).await.as_deref(), Some("audit"));
        assert!(holds.of_customer(ORG, "100").await.expect("read").is_some());
        assert!(holds.of_customer("other", "100").await.expect("read").is_none());
    }

    #[tokio::test]
    async fn a_customer_is_held_and_named_nowhere_in_clear() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        let holds = holds(&store);
        let covers = holds.customer(ORG, "customer-100200300");
        holds.set(ORG, "case", covers, "a lawsuit", eva()).await.expect("set");
        assert!(holds.of_customer(ORG, "customer-100200300").await.expect("read").is_some());
        assert!(holds.of_customer(ORG, "customer-100200301").await.expect("read").is_none());
        assert_eq!(keeps(&holds, ORG, process(1)).await, None, "processes are another matter");
        let records = store.records(ORG, HOLDS, "", None, 10).await.expect("the model answers");
        assert!(!String::from_utf8_lossy(&records[0].1.body).contains("100200300"));
    }

    #[tokio::test]
    async fn a_hold_whose_setter_died_before_it_was_counted_counts_when_it_is_set_again() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        let (one, other) = (holds(&store), holds(&store));
        assert_eq!(keeps(&other, ORG, process(1)).await, None);
        // As a crash between the record and the number.
        let key = RecordKey::new(ORG, HOLDS, "case");
        let hold = Hold { covers: Covers::Process { process: process(1) }, reason: "a lawsuit".into(), set: eva(), lifted: None };
        assert!(one.records.put(&key, 0, noon(), &hold).await.expect("written"));
        store.fail_next_write(Fault::UnknownApplied);
        assert!(!one.set(ORG, "case", hold.covers, "a lawsuit", eva()).await.expect("set"));
        assert_eq!(keeps(&other, ORG, process(1)).await.as_deref(), Some("case"));
    }
}
