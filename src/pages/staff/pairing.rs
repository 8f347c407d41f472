//! Pairing a device with a signature: for two minutes, once. The agent says for whom, the device comes for it, and neither learns the other's
//! secret: the code that an agent types opens nothing without the device's secret, and that nothing before an agent gave.
//!
//! An organization has so many places for pairings and no more, each used again when its time is over: nothing here grows.

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
    rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use store::{RecordKey, Timestamp};
use uuid::Uuid;
use workflows::Staff;

use crate::{
    records::{self, Records},
    signers::DESK_ALPHABET,
};

const PAIRINGS: &str = "desk_pairing";

/// How long a pairing may take.
pub const TIME: TimeDelta = TimeDelta::minutes(2);

/// Length of a code, in characters of five bits each. The last twelve bits name its place.
const CODE: usize = 6;

/// Places of an organization.
const PLACES: u32 = 1 << 12;

/// Bytes of a device's secret.
const SECRET: usize = 16;

/// How many places are looked at for a free one.
const TRIES: usize = 16;

/// Why there is no pairing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Records(#[from] records::Error),
    /// All places that were looked at are in use.
    #[error("too many devices are being paired at once")]
    Busy,
    #[error("the system gives no randomness")]
    Randomness,
}

/// A device that waits, in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pairing {
    code: String,
    /// SHA-256 of the device's secret.
    secret: String,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<Given>,
    /// The device came for what it was given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_over: bool,
}

/// What an agent gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    pub signature: Uuid,
    pub by: Staff,
}

/// What a device is told that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No agent gave anything yet.
    Waiting,
    /// This, and never again.
    Given(Given),
    /// There is no such pairing, or its time is over.
    Over,
}

/// What an agent is told that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The device did not come yet.
    Open,
    /// It did.
    Taken,
    /// It did not in time, or there was never one.
    Over,
}

/// A pairing that was begun, for the device.
pub struct Begun {
    pub code: String,
    pub secret: String,
}

/// The pairings of all organizations. Cheap to clone.
#[derive(Clone)]
pub struct Pairings {
    records: Records,
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(bytes)
}

fn hash(secret: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, secret.as_bytes()).as_ref())
}

/// A code as somebody types it, in its one form; `None` if it is none. I and L are taken for 1, O for 0, as Crockford has it.
pub fn code_of(typed: &str) -> Option<String> {
    let letters = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').take(CODE + 1);
    let read = letters.map(|letter| match letter.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    });
    let code: String = read.collect();
    (code.len() == CODE && code.bytes().all(|byte| DESK_ALPHABET.contains(&byte))).then_some(code)
}

/// The place of a code.
fn place(code: &str) -> u32 {
    code.bytes().fold(0_u32, |bits, byte| {
        let value = DESK_ALPHABET.iter().position(|letter| *letter == byte).unwrap_or(0);
        bits << 5 | u32::try_from(value).unwrap_or(0)
    }) % PLACES
}

fn key(organization: &str, code: &str) -> RecordKey {
    RecordKey::new(organization, PAIRINGS, place(code).to_string())
}

impl Pairing {
    fn is_live(&self, now: Timestamp) -> bool {
        !self.is_over && now - self.since < TIME
    }
}

impl Pairings {
    pub(crate) fn new(records: Records) -> Self {
        Self { records }
    }

    /// Begins one for a device that waits, or for one that an agent gives something at once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn begin(&self, organization: &str, given: Option<Given>, now: Timestamp) -> Result<Begun, Error> {
        let secret = URL_SAFE_NO_PAD.encode(random::<SECRET>()?);
        for _ in 0..TRIES {
            let bits = u32::from_be_bytes(random()?);
            let code: String = (0..CODE).map(|at| char::from(DESK_ALPHABET[(bits >> (5 * at) & 31) as usize])).collect();
            let pairing = Pairing { code, secret: hash(&secret), since: now, given: given.clone(), is_over: false };
            let key = key(organization, &pairing.code);
            let decide = |current: Option<records::Versioned<Pairing>>| {
                let is_free = current.is_none_or(|current| !current.value.is_live(now));
                Ok::<_, records::Error>(is_free.then(|| pairing.clone()))
            };
            if let Some(Pairing { code, .. }) = self.records.update(&key, now, decide).await? {
                // What was paired here before is told to nobody.
                self.records.forget_versions(&key).await?;
                return Ok(Begun { code, secret });
            }
        }
        Err(Error::Busy)
    }

    /// Gives what waits under a code something. `false` if nothing waits there, or has been given something.
    ///
    /// # Errors
    /// [`Error::Records`].
    pub async fn give(&self, organization: &str, code: &str, given: Given, now: Timestamp) -> Result<bool, Error> {
        let decide = |current: Option<records::Versioned<Pairing>>| {
            let waits = |pairing: &Pairing| pairing.code == code && pairing.given.is_none() && pairing.is_live(now);
            let pairing = current.map(|current| current.value).filter(waits);
            Ok::<_, records::Error>(pairing.map(|pairing| Pairing { given: Some(given.clone()), ..pairing }))
        };
        Ok(self.records.update(&key(organization, code), now, decide).await?.is_some())
    }

    /// What a device gets. What was given is told once.
    ///
    /// # Errors
    /// [`Error::Records`].
    pub async fn ask(&self, organization: &str, code: &str, secret: &str, now: Timestamp) -> Result<Answer, Error> {
        let (key, secret) = (key(organization, code), hash(secret));
        let is_own = |pairing: &Pairing| {
            let same = constant_time::verify_slices_are_equal(pairing.secret.as_bytes(), secret.as_bytes()).is_ok();
            same && pairing.code == code && pairing.is_live(now)
        };
        let known = self.records.get::<Pairing>(&key).await?.map(|known| known.value).filter(is_own);
        let Some(known) = known else { return Ok(Answer::Over) };
        if known.given.is_none() {
            return Ok(Answer::Waiting);
        }
        let decide = |current: Option<records::Versioned<Pairing>>| {
            let pairing = current.map(|current| current.value).filter(is_own);
            Ok::<_, records::Error>(pairing.map(|pairing| Pairing { is_over: true, ..pairing }))
        };
        let taken = self.records.update(&key, now, decide).await?;
        Ok(taken.and_then(|pairing| pairing.given).map_or(Answer::Over, Answer::Given))
    }

    /// How far a pairing is that an agent gave something for this signature.
    ///
    /// # Errors
    /// [`Error::Records`].
    pub async fn stage(&self, organization: &str, code: &str, signature: Uuid, now: Timestamp) -> Result<Stage, Error> {
        let known = self.records.get::<Pairing>(&key(organization, code)).await?.map(|known| known.value);
        let is_meant =
            |pairing: &Pairing| pairing.code == code && pairing.given.as_ref().is_some_and(|given| given.signature == signature);
        Ok(match known.filter(is_meant) {
            Some(pairing) if pairing.is_over => Stage::Taken,
            Some(pairing) if pairing.is_live(now) => Stage::Open,
            _ => Stage::Over,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use store::model::Model;

    use super::*;

    const ORG: &str = "acme";

    fn pairings() -> Pairings {
        Pairings::new(Records::new(Arc::new(Model::new())))
    }

    fn now() -> Timestamp {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn given(signature: u128) -> Given {
        let by = Staff { subject: "u-7".into(), name: "Ana".into(), ip: None };
        Given { signature: Uuid::from_u128(signature), by }
    }

    #[tokio::test]
    async fn a_device_gets_once_what_an_agent_gives_under_its_code() {
        let pairings = pairings();
        let Begun { code, secret } = pairings.begin(ORG, None, now()).await.unwrap();
        assert_eq!(pairings.ask(ORG, &code, &secret, now()).await.unwrap(), Answer::Waiting);
        assert!(pairings.give(ORG, &code, given(1), now()).await.unwrap());
        assert!(!pairings.give(ORG, &code, given(2), now()).await.unwrap(), "it was given something");
        assert_eq!(pairings.stage(ORG, &code, given(1).signature, now()).await.unwrap(), Stage::Open);
        for wrong in
            [(ORG, code.as_str(), "another"), ("other", code.as_str(), secret.as_str()), (ORG, "000000", secret.as_str())]
        {
            assert_eq!(pairings.ask(wrong.0, wrong.1, wrong.2, now()).await.unwrap(), Answer::Over, "{wrong:?}");
        }
        assert_eq!(pairings.ask(ORG, &code, &secret, now()).await.unwrap(), Answer::Given(given(1)));
        assert_eq!(pairings.ask(ORG, &code, &secret, now()).await.unwrap(), Answer::Over, "once");
        assert_eq!(pairings.stage(ORG, &code, given(1).signature, now()).await.unwrap(), Stage::Taken);
        assert_eq!(pairings.stage(ORG, &code, given(2).signature, now()).await.unwrap(), Stage::Over);
    }

    #[tokio::test]
    async fn after_two_minutes_nothing_is_given_and_nothing_taken() {
        let pairings = pairings();
        let late = now() + TIME;
        let waiting = pairings.begin(ORG, None, now()).await.unwrap();
        assert!(!pairings.give(ORG, &waiting.code, given(1), late).await.unwrap());
        let full = pairings.begin(ORG, Some(given(1)), now()).await.unwrap();
        assert_eq!(pairings.ask(ORG, &full.code, &full.secret, late).await.unwrap(), Answer::Over);
        assert_eq!(pairings.stage(ORG, &full.code, given(1).signature, late).await.unwrap(), Stage::Over);
    }

    #[tokio::test]
    async fn of_two_that_ask_at_once_one_gets_it() {
        let pairings = pairings();
        let Begun { code, secret } = pairings.begin(ORG, Some(given(1)), now()).await.unwrap();
        let ask = || pairings.ask(ORG, &code, &secret, now());
        let (one, other) = tokio::join!(ask(), ask());
        let both = [one.unwrap(), other.unwrap()];
        assert!(both.contains(&Answer::Given(given(1))) && both.contains(&Answer::Over), "{both:?}");
    }

    #[tokio::test]
    async fn an_organization_has_so_many_places_and_no_more() {
        let pairings = pairings();
        let mut begun = 0;
        while pairings.begin(ORG, None, now()).await.is_ok() {
            begun += 1;
            assert!(begun <= PLACES, "more than there are places");
        }
        assert!(begun > PLACES / 2, "{begun}");
        assert!(pairings.begin("other", None, now()).await.is_ok(), "another organization has its own");
        assert!(pairings.begin(ORG, None, now() + TIME).await.is_ok(), "a place is used again");
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        assert_eq!(code_of(" ab3-x 9z ").as_deref(), Some("AB3X9Z"));
        assert_eq!(code_of("oil0IL").as_deref(), Some("011011"));
        for wrong in ["", "AB3X9", "AB3X9ZZ", "AB3X9U", "AB3X9!", "ÄB3X9Z"] {
            assert_eq!(code_of(wrong), None, "{wrong}");
        }
    }
}
