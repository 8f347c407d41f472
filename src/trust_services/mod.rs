//! What others prove of a seal: when it was there (time stamps). What proves its certificates comes on top of that.
//!
//! Every level is an append: a file is sealed at B-B, and [`TrustServices::raise`] adds what a higher level has behind all signatures. Which
//! levels there are is decided by [`Offer`] alone. A file whose authorities are away waits as any effect does; [`TrustServices::patience`]
//! says for how long.

mod breaker;
mod metrics;
mod options;
mod time_stamps;

use std::{sync::Arc, time::Duration};

use ::documents::{
    Level,
    seal::{self, time_stamp},
    time_stamp::Token,
    verify::{self, Trust},
};
use actors::Clock;
use bytes::Bytes;
use store::Timestamp;
use tokio::time::Instant;
use workflows::sign_process::{Seal, SealLevel, SealTime};

use self::time_stamps::{Away, TimeStamps};
use crate::{
    config::Sealing,
    cpu_pool::{self, CpuPool, Job},
};

pub use metrics::Metrics;
pub use options::{AuthorityOptions, Offer, Options};

/// Maximum length of an authority's name as it is journaled, in characters: it comes from a certificate of somebody else's.
const MAX_AUTHORITY: usize = 200;

/// Why a file has not the level that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No longer: it was when somebody asked for it.
    #[error("the seal cannot be of the level that the organization wants: {0}")]
    NotOffered(String),
    /// No authority gave what it needs.
    #[error(transparent)]
    Away(#[from] Away),
    /// There was no turn for the work.
    #[error(transparent)]
    Busy(#[from] cpu_pool::Error),
    /// The file cannot have it.
    #[error("the file cannot have a time stamp: {0}")]
    File(#[from] seal::Error),
}

impl Error {
    /// How long it is of no use to try again.
    pub fn after(&self) -> Option<Duration> {
        match self {
            Self::Away(away) => away.after,
            _ => None,
        }
    }
}

/// A sealed file, and how far its seal got.
#[derive(Debug)]
pub struct Raised {
    pub bytes: Bytes,
    pub seal: Seal,
}

/// The authorities, and how long seals wait for them; a cheap handle.
#[derive(Clone)]
pub struct TrustServices(Arc<Inner>);

struct Inner {
    offer: Offer,
    sealing: Sealing,
    time_stamps: TimeStamps,
    /// For all questions about one file.
    budget: Duration,
    cpu: CpuPool,
}

impl TrustServices {
    /// An attempt at an effect may take `effect_timeout`; two thirds of that are for the authorities.
    ///
    /// # Errors
    /// The option that cannot be used, or a text when the system has no TLS.
    pub fn new(
        options: &Options,
        sealing: Sealing,
        cpu: CpuPool,
        (clock, effect_timeout): (Clock, Duration),
        metrics: Metrics,
    ) -> Result<Self, String> {
        let time_stamps = TimeStamps::new(options, metrics, clock)?;
        Ok(Self(Arc::new(Inner { offer: options.offer(), sealing, time_stamps, budget: effect_timeout * 2 / 3, cpu })))
    }

    /// Without any authority, for tests.
    #[cfg(test)]
    pub fn none() -> Self {
        let parts = (Clock::system(), Duration::from_secs(25));
        Self::new(&Options::default(), Sealing::default(), CpuPool::default(), parts, Metrics::default()).expect("no options")
    }

    /// The level of an organization's seals: its own, or that of the server.
    pub fn wanted(&self, own: Option<Level>) -> Level {
        own.unwrap_or(self.0.sealing.level)
    }

    /// Whether to begin at all: before a file is sealed for an authority that is left alone.
    ///
    /// # Errors
    /// [`Error::NotOffered`], [`Error::Away`].
    pub fn ready(&self, wanted: Level) -> Result<(), Error> {
        self.0.offer.check(wanted).map_err(Error::NotOffered)?;
        match self.0.time_stamps.left_alone().filter(|_| wanted >= Level::T) {
            Some(pause) => {
                let reasons = "the authorities of time stamps failed time after time and are left alone for a while".to_owned();
                Err(Away { reasons, after: Some(pause) }.into())
            }
            None => Ok(()),
        }
    }

    /// How long a seal that could be made since `since` may still wait for authorities; `None`: not any longer.
    pub fn patience(&self, since: Timestamp, now: Timestamp) -> Option<Duration> {
        let Some(deadline) = self.0.sealing.deadline else { return Some(Duration::MAX) };
        (since + deadline - now).to_std().ok().filter(|left| !left.is_zero())
    }

    /// Brings a sealed file to the wanted level.
    ///
    /// # Errors
    /// [`Error`]; the file is then of no higher level than before.
    pub async fn raise(&self, organization: &str, bytes: Bytes, wanted: Level) -> Result<Raised, Error> {
        if wanted < Level::T {
            return Ok(Raised { bytes, seal: Seal::default() });
        }
        self.0.offer.check(wanted).map_err(Error::NotOffered)?;
        let job = Job::new(organization, bytes.len() as u64);
        let unstamped = self.0.cpu.run(job, move |_| time_stamp::prepare(&bytes)).await??;
        let until = Instant::now() + self.0.budget;
        let token = self.0.time_stamps.stamp(organization, unstamped.imprint(), until).await?;
        let seal = Seal { level: SealLevel::T, short_of: None, time_stamp: Some(time_of(&token)) };
        match unstamped.stamped(&token.der) {
            Ok(stamped) => Ok(Raised { bytes: stamped.into(), seal }),
            // Of the authority, too: another token may fit.
            Err(error @ seal::Error::DoesNotFit { .. }) => Err(Away { reasons: error.to_string(), after: None }.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Raised {
    /// What was sealed, without what could not be had in time.
    pub fn short_of(wanted: Level, bytes: Bytes) -> Self {
        Self { bytes, seal: Seal { short_of: Some(journaled(wanted)), ..Seal::default() } }
    }
}

/// A level as journals name it.
pub fn journaled(level: Level) -> SealLevel {
    match level {
        Level::B => SealLevel::B,
        Level::T => SealLevel::T,
        Level::Lt => SealLevel::Lt,
        Level::Lta => SealLevel::Lta,
    }
}

fn time_of(token: &Token) -> SealTime {
    let facts = &token.authority;
    let name = facts.common_name.as_ref().or(facts.organization.as_ref()).unwrap_or(&facts.fingerprint);
    SealTime { at: token.at, authority: name.chars().take(MAX_AUTHORITY).collect() }
}

/// How far the seal of a file got that an attempt before stored. Whether its time stamp could be trusted was asked then.
///
/// # Errors
/// Where the file cannot be read.
pub fn seal_of(pdf: &[u8], wanted: Level, now: Timestamp) -> Result<Seal, verify::Error> {
    let report = verify::verify(pdf, &Trust::default(), now)?;
    let stamps = report.signatures.iter().rev().filter(|signature| signature.is_time_stamp && signature.is_intact());
    let mut times = stamps.filter_map(|stamp| {
        let authority = stamp.signer.as_deref().unwrap_or_default().chars().take(MAX_AUTHORITY).collect();
        Some(SealTime { at: stamp.claimed_time?, authority })
    });
    let time_stamp = times.next();
    let level = if time_stamp.is_some() { SealLevel::T } else { SealLevel::B };
    Ok(Seal { level, short_of: Some(journaled(wanted)).filter(|wanted| *wanted > level), time_stamp })
}

#[cfg(test)]
mod tests;
