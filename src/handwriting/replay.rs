//! Whether a handwriting was used before. Nobody writes twice alike: the same points at the same times are a copy.
//!
//! Kept is an HMAC of the sample under a key of the organization, and whose it is only in a form that nobody reads who does not have the
//! sample: a record leads to no person, and its time is that of the day. Only exact reuse is found, whatever the place on the pad and the
//! pressure; near copies would need samples that are kept.

use aws_lc_rs::hmac;
use chrono::NaiveTime;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use store::{RecordKey, Timestamp};
use uuid::Uuid;

use crate::{
    keys::Keys,
    records::{self, Records, Versioned},
};

const COLLECTION: &str = "handwriting_seen";

/// Purpose of the key of one organization, whose identifier follows.
const PURPOSE: &str = "handwriting-seen/v1/";

/// The handwritings that were used. Cheap to clone.
#[derive(Clone)]
pub(super) struct Seen {
    records: Records,
    keys: Keys,
}

/// By what a handwriting is recognized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    key: String,
    /// The same for the same signature alone: asking again with the same handwriting is no reuse.
    claim: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    claim: String,
}

/// An organization's key.
pub(super) struct Key(hmac::Key);

impl Key {
    /// Of the shape of a sample, or of its text where it cannot be read. Wipes nothing: both are the caller's.
    pub fn mark(&self, signature: Uuid, shape: &[u8]) -> Mark {
        let tag = |what: &[u8]| {
            let mut context = hmac::Context::with_key(&self.0);
            context.update(what);
            context.update(shape);
            HEXLOWER.encode(context.sign().as_ref())
        };
        Mark { key: tag(b"sample\0"), claim: tag(&[b"claim\0", signature.as_bytes().as_slice()].concat()) }
    }
}

impl Seen {
    pub fn new(records: Records, keys: Keys) -> Self {
        Self { records, keys }
    }

    pub fn key(&self, organization: &str) -> Key {
        Key(hmac::Key::new(hmac::HMAC_SHA256, &self.keys.derive(&format!("{PURPOSE}{organization}"))))
    }

    /// Takes a handwriting for a signature; `false` if another one has it. Of two that ask at once, on whichever servers, one gets it.
    ///
    /// # Errors
    /// [`records::Error`]
    pub async fn claim(&self, organization: &str, mark: &Mark, now: Timestamp) -> Result<bool, records::Error> {
        enum Refused {
            Taken,
            Records(records::Error),
        }
        impl From<records::Error> for Refused {
            fn from(error: records::Error) -> Self {
                Self::Records(error)
            }
        }
        let key = RecordKey::new(organization, COLLECTION, mark.key.as_str());
        let decide = |current: Option<Versioned<Record>>| match current {
            None => Ok(Some(Record { claim: mark.claim.clone() })),
            Some(current) if current.value.claim == mark.claim => Ok(None),
            Some(_) => Err(Refused::Taken),
        };
        let day = now.date_naive().and_time(NaiveTime::MIN).and_utc();
        match self.records.update(&key, day, decide).await {
            Ok(_) => Ok(true),
            Err(Refused::Taken) => Ok(false),
            Err(Refused::Records(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::{
        Store,
        faulty::{Fault, Faulty},
        model::Model,
    };

    use super::*;

    fn seen(store: &Arc<Faulty<Model>>) -> Seen {
        Seen::new(Records::new(store.clone()), Keys::from_bytes(&[3; 32]))
    }

    fn noon() -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("an instant")
    }

    const ANA: Uuid = Uuid::from_u128(1);
    const LEO: Uuid = Uuid::from_u128(2);

    #[tokio::test]
    async fn one_signature_has_a_handwriting_and_may_offer_it_again() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        let seen = seen(&store);
        let claim = async |organization, signature, shape: &[u8]| {
            let mark = seen.key(organization).mark(signature, shape);
            seen.claim(organization, &mark, noon()).await.expect("the model answers")
        };
        assert!(claim("acme", ANA, b"ana").await);
        assert!(claim("acme", ANA, b"ana").await, "a repetition of the same call");
        assert!(!claim("acme", LEO, b"ana").await);
        assert!(claim("acme", LEO, b"leo").await);
        assert!(claim("other", LEO, b"ana").await, "organizations have nothing to do with each other");
    }

    #[tokio::test]
    async fn of_two_servers_at_once_one_gets_it() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        let (first, second) = (seen(&store), seen(&store));
        let (ana, leo) = (first.key("acme").mark(ANA, b"shape"), second.key("acme").mark(LEO, b"shape"));
        let (one, other) = tokio::join!(first.claim("acme", &ana, noon()), second.claim("acme", &leo, noon()));
        assert!(one.expect("the model answers") ^ other.expect("the model answers"));
    }

    #[tokio::test]
    async fn a_claim_whose_outcome_was_unknown_holds_for_the_same_signature() {
        for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
            let store = Arc::new(Faulty::scripted(Model::new()));
            let seen = seen(&store);
            store.fail_next_write(fault);
            let mark = seen.key("acme").mark(ANA, b"shape");
            assert!(seen.claim("acme", &mark, noon()).await.expect("it is resolved"));
            assert!(!seen.claim("acme", &seen.key("acme").mark(LEO, b"shape"), noon()).await.expect("the model answers"));
        }
    }

    #[tokio::test]
    async fn a_record_names_neither_signature_nor_sample_nor_the_hour() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        let seen = seen(&store);
        let mark = seen.key("acme").mark(ANA, b"a shape");
        assert!(seen.claim("acme", &mark, noon()).await.expect("the model answers"));
        let records = store.records("acme", COLLECTION, "", None, 10).await.expect("the model answers");
        let (key, record) = &records[0];
        let text = format!("{key} {}", String::from_utf8_lossy(&record.body));
        assert!(!text.contains(&ANA.to_string()) && !text.contains("shape"), "{text}");
        assert_eq!(record.at.time(), NaiveTime::MIN);
        assert_ne!(seen.key("other").mark(ANA, b"a shape"), mark, "each organization has a key of its own");
    }
}
