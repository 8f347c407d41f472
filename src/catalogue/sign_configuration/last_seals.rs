//! When an organization last sealed with each of its certificates: for who looks whether a certificate is in use.
//!
//! Seals are many and this is one small record, so a server writes it at most once in [`WRITTEN_EVERY`]: what is read is right to so long, and on
//! the server that seals to the moment.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use documents::pkcs12::Facts;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{RecordKey, Timestamp};

use crate::records::{self, Records};

/// The collection of the records, one for each certificate: nobody lists them, and only the newest version says something. Part of the stored
/// data.
const COLLECTION: &str = "__last_seal";

/// How often a server writes the record of a certificate at most.
const WRITTEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Certificates that a server remembers at most.
const MAX_REMEMBERED: usize = 4096;

/// When a certificate was last used, as its record keeps it.
#[derive(Serialize, Deserialize)]
struct LastSeal {
    at: Timestamp,
}

/// An organization, and the SHA-256 of one of its certificates.
type Certificate = (String, String);

/// What this server knows of a certificate.
#[derive(Clone, Copy)]
struct Known {
    last: Timestamp,
    /// What this server has written, or is writing.
    written: Option<Timestamp>,
}

/// The last seals of all organizations; a cheap handle.
#[derive(Clone)]
pub struct LastSeals {
    records: Records,
    known: Arc<Mutex<HashMap<Certificate, Known>>>,
}

fn of(organization: &str, facts: &Facts) -> Certificate {
    (organization.to_owned(), facts.fingerprint.clone())
}

fn key((organization, certificate): &Certificate) -> RecordKey {
    RecordKey::new(organization.as_str(), COLLECTION, certificate)
}

impl LastSeals {
    pub(super) fn new(records: Records) -> Self {
        Self { records, known: Arc::default() }
    }

    /// Notes that a certificate sealed. What cannot be written is told to the log alone: the seal is made by then.
    pub async fn note(&self, organization: &str, facts: &Facts, at: Timestamp) {
        let certificate = of(organization, facts);
        if !self.is_to_write(&certificate, at) {
            return;
        }
        if let Err(error) = self.write(&certificate, at).await {
            tracing::warn!(organization, %error, "when a certificate sealed last is not written");
            if let Some(known) = self.known.lock().get_mut(&certificate) {
                known.written = None;
            }
        }
    }

    /// Remembers a seal, and says whether it is this one's turn to be written.
    fn is_to_write(&self, certificate: &Certificate, at: Timestamp) -> bool {
        let mut known = self.known.lock();
        if known.len() >= MAX_REMEMBERED && !known.contains_key(certificate) {
            // Each is written once more than it had to be.
            known.clear();
        }
        let own = known.entry(certificate.clone()).or_insert(Known { last: at, written: None });
        own.last = own.last.max(at);
        let is_due = own.written.is_none_or(|written| at - written >= WRITTEN_EVERY);
        if is_due {
            own.written = Some(at);
        }
        is_due
    }

    async fn write(&self, certificate: &Certificate, at: Timestamp) -> Result<(), records::Error> {
        let later = |current: Option<records::Versioned<LastSeal>>| {
            let is_later = current.is_none_or(|current| current.value.at < at);
            Ok::<_, records::Error>(is_later.then_some(LastSeal { at }))
        };
        self.records.update(&key(certificate), at, later).await.map(drop)
    }

    /// When a certificate last sealed, by any server; `None` if it never did.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn last(&self, organization: &str, facts: &Facts) -> Result<Option<Timestamp>, records::Error> {
        let certificate = of(organization, facts);
        let written = self.records.get::<LastSeal>(&key(&certificate)).await?.map(|found| found.value.at);
        let own = self.known.lock().get(&certificate).map(|known| known.last);
        Ok(written.max(own))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};
    use documents::pkcs12::Identity;
    use store::{
        Store,
        faulty::{Fault, Faulty},
        model::Model,
    };

    use super::*;

    fn facts(name: &str) -> Facts {
        let now = Utc::now();
        let file = Identity::development(name, "Tests", now, "a password").unwrap();
        Identity::open(&file, "a password", now).unwrap().facts()
    }

    fn at(second: i64) -> Timestamp {
        Utc.timestamp_opt(1_800_000_000 + second, 0).unwrap()
    }

    #[tokio::test]
    async fn the_last_seal_of_a_certificate_is_known_to_all_servers_within_a_minute() {
        let store: Arc<dyn Store> = Arc::new(Model::new());
        let (one, other) = (LastSeals::new(Records::new(store.clone())), LastSeals::new(Records::new(store.clone())));
        let (first, second) = (facts("01"), facts("02"));
        assert_eq!(one.last("acme", &first).await.unwrap(), None);
        for second in [0, 30, 59] {
            one.note("acme", &first, at(second)).await;
        }
        assert_eq!(one.last("acme", &first).await.unwrap(), Some(at(59)), "where it seals it is known at once");
        assert_eq!(other.last("acme", &first).await.unwrap(), Some(at(0)));
        one.note("acme", &first, at(60)).await;
        assert_eq!(other.last("acme", &first).await.unwrap(), Some(at(60)));
        // One that comes late takes nothing back.
        other.note("acme", &first, at(7)).await;
        assert_eq!(one.last("acme", &first).await.unwrap(), Some(at(60)));
        assert_eq!(one.last("acme", &second).await.unwrap(), None, "another certificate");
        assert_eq!(one.last("rival", &first).await.unwrap(), None, "another organization");
    }

    #[tokio::test]
    async fn what_was_not_written_is_written_with_the_next_seal() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        let seals = LastSeals::new(Records::new(store.clone()));
        let facts = facts("01");
        store.fail_next_write(Fault::Refused);
        seals.note("acme", &facts, at(0)).await;
        seals.note("acme", &facts, at(1)).await;
        let other = LastSeals::new(Records::new(store));
        assert_eq!(other.last("acme", &facts).await.unwrap(), Some(at(1)));
    }
}
