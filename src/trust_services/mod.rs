//! What others prove of a seal: when it was there (time stamps), and that its certificates were good (OCSP, lists).
//!
//! [`TrustServices::raise`] goes from one level to the next: a time stamp in each signature, then revisions behind them. Which levels there are is decided by [`Offer`] alone. A file whose authorities are away waits as any effect does; [`TrustServices::patience`]
//! says for how long.

mod breaker;
mod metrics;
mod options;
mod revocation;
mod time_stamps;

use std::{sync::Arc, time::Duration};

use ::documents::{
    Level,
    pkcs12::Identity,
    seal::{self, Mask, Sealed, Step, time_stamp, validation_data},
    time_stamp::Token,
    verify::{self, Trust},
};
use actors::Clock;
use bytes::Bytes;
use store::Timestamp;
use tokio::time::Instant;
use workflows::sign_process::{Seal, SealLevel, SealTime};

use self::{
    revocation::Revocations,
    time_stamps::{Away, TimeStamps},
};
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
    /// It is of a lower level. `is_passing`: it may be had later.
    #[error("{reasons}")]
    Short { reasons: String, after: Option<Duration>, is_passing: bool, reached: Box<Raised> },
    /// A seal with it proves nothing.
    #[error("the certificate \"{certificate}\" was revoked on {}", .since.date_naive())]
    Revoked { certificate: String, since: Timestamp },
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
            Self::Short { after, .. } => *after,
            _ => None,
        }
    }
}

/// A sealed file, and how far its seal got.
#[derive(Debug)]
pub struct Raised {
    pub bytes: Bytes,
    /// What it draws into.
    pub masks: Vec<Mask>,
    pub seal: Seal,
}

/// The authorities, and how long seals wait for them; a cheap handle.
#[derive(Clone)]
pub struct TrustServices(Arc<Inner>);

struct Inner {
    offer: Offer,
    sealing: Sealing,
    time_stamps: TimeStamps,
    revocations: Revocations,
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
        let roots = options.accounts()?.into_iter().flat_map(|account| account.trust.roots).collect();
        let times = (options.connect_timeout.to_std().unwrap_or_default(), options.timeout.to_std().unwrap_or_default());
        let revocations = Revocations::new(options.reach(), times, roots, cpu.clone(), (clock.clone(), metrics.clone()))?;
        let time_stamps = TimeStamps::new(options, metrics, clock)?;
        let (offer, budget) = (options.offer(), effect_timeout * 2 / 3);
        Ok(Self(Arc::new(Inner { offer, sealing, time_stamps, revocations, budget, cpu })))
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

    /// Goes on from the first step of a seal to the wanted level: a time stamp in each signature (B-T), what proves the certificates behind them
    /// (B-LT), and a time stamp over all that (B-LTA).
    ///
    /// # Errors
    /// [`Error`]; [`Error::Short`] holds what was reached.
    pub async fn raise(
        &self,
        organization: &str,
        mut step: Step,
        identity: &Arc<Identity>,
        wanted: Level,
    ) -> Result<Raised, Error> {
        let until = Instant::now() + self.0.budget;
        let mut seal = Seal::default();
        let Sealed { pdf, masks } = loop {
            let signed = match step {
                Step::Done(sealed) => break sealed,
                Step::Stamp(signed) => signed,
            };
            self.0.offer.check(wanted).map_err(Error::NotOffered)?;
            let token = self.0.time_stamps.stamp(organization, signed.imprint(), until).await?;
            seal = Seal { level: SealLevel::T, short_of: None, time_stamp: Some(time_of(&token)) };
            let (job, identity) = (Job::new(organization, signed.size() as u64), Arc::clone(identity));
            let next = move |_: &_| signed.stamped(&token.der)?.next(&identity);
            step = self.0.cpu.run(job, next).await?.map_err(fits)?;
        };
        let raised = Raised { bytes: pdf.into(), masks, seal };
        if raised.seal.level < SealLevel::T || wanted < Level::Lt {
            return Ok(raised);
        }
        let raised = self.prove(organization, raised, wanted, until).await?;
        if wanted < Level::Lta { Ok(raised) } else { self.archive(organization, raised, wanted, until).await }
    }

    /// With what proves the certificates.
    async fn prove(&self, organization: &str, raised: Raised, wanted: Level, until: Instant) -> Result<Raised, Error> {
        let data = match self.0.revocations.gather(organization, &raised.bytes, until).await {
            Ok(data) => data,
            Err(revocation::Error::NotKnown { reasons, is_passing }) => {
                return Err(Error::Short { reasons, after: None, is_passing, reached: Box::new(raised.short(wanted)) });
            }
            Err(revocation::Error::Revoked { certificate, since }) => return Err(Error::Revoked { certificate, since }),
            Err(revocation::Error::Busy(error)) => return Err(error.into()),
            // It was made here.
            Err(revocation::Error::File(_)) => return Err(seal::Error::Signing.into()),
        };
        let (job, bytes) = (Job::new(organization, raised.bytes.len() as u64), raised.bytes.clone());
        let append = move |_: &_| validation_data::append(&bytes, &data);
        let proven = self.0.cpu.run(job, append).await??;
        let bytes = proven.map_or(raised.bytes, Bytes::from);
        Ok(Raised { bytes, seal: Seal { level: SealLevel::Lt, ..raised.seal }, ..raised })
    }

    /// With a time stamp over all that is there.
    async fn archive(&self, organization: &str, raised: Raised, wanted: Level, until: Instant) -> Result<Raised, Error> {
        let (job, bytes) = (Job::new(organization, raised.bytes.len() as u64), raised.bytes.clone());
        let unstamped = self.0.cpu.run(job, move |_| time_stamp::prepare(&bytes)).await??;
        match self.0.time_stamps.stamp(organization, unstamped.imprint(), until).await {
            Ok(token) => {
                let seal = Seal { level: SealLevel::Lta, short_of: None, time_stamp: Some(time_of(&token)) };
                let bytes = unstamped.stamped(&token.der).map_err(fits)?.into();
                Ok(Raised { bytes, seal, ..raised })
            }
            Err(Away { reasons, after }) => {
                Err(Error::Short { reasons, after, is_passing: true, reached: Box::new(raised.short(wanted)) })
            }
        }
    }
}

/// A token that does not fit is a fault of the authority, too: another one's may.
fn fits(error: seal::Error) -> Error {
    match error {
        error @ seal::Error::DoesNotFit { .. } => Away { reasons: error.to_string(), after: None }.into(),
        error => error.into(),
    }
}

impl Raised {
    /// What was sealed, without what could not be had in time.
    fn short(self, wanted: Level) -> Self {
        Self { seal: Seal { short_of: Some(journaled(wanted)), ..self.seal }, ..self }
    }

    /// What was sealed without any authority, short of what was wanted.
    pub fn short_of(wanted: Level, sealed: Sealed) -> Self {
        Self { bytes: sealed.pdf.into(), masks: sealed.masks, seal: Seal::default() }.short(wanted)
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
    let named = |authority: Option<&str>| authority.unwrap_or_default().chars().take(MAX_AUTHORITY).collect();
    let behind = report.signatures.iter().rev().filter(|signature| signature.is_time_stamp && signature.is_intact());
    let behind = behind.filter_map(|stamp| Some(SealTime { at: stamp.claimed_time?, authority: named(stamp.signer.as_deref()) }));
    let within = report.signatures.iter().flat_map(|signature| &signature.time_stamps).filter(|stamp| stamp.problem.is_none());
    let within = within.filter_map(|stamp| {
        let authority = stamp.authority.as_ref().and_then(|facts| facts.common_name.as_deref());
        Some(SealTime { at: stamp.at?, authority: named(authority) })
    });
    let (behind, within): (Vec<_>, Vec<_>) = (behind.collect(), within.collect());
    // As they are made here: a time stamp in each signature, then the data, then a time stamp behind all.
    let level = match (within.is_empty(), report.has_validation_data, behind.is_empty()) {
        (true, ..) => SealLevel::B,
        (false, false, _) => SealLevel::T,
        (false, true, true) => SealLevel::Lt,
        (false, true, false) => SealLevel::Lta,
    };
    let time_stamp = behind.into_iter().next().or_else(|| within.into_iter().next_back());
    Ok(Seal { level, short_of: Some(journaled(wanted)).filter(|wanted| *wanted > level), time_stamp })
}

#[cfg(test)]
mod tests;
