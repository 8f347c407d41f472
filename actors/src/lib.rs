//! The actix host of any machine: mailbox, loading, journaling, effects, wake-ups, passivation, supervision.
//!
//! It knows machines (`workflows`) and the `Store` trait, and nothing of HTTP, PDF, channels or SQL. It never decides
//! anything about a process: what happens is what the machine answers.

mod actor;
mod bounded;
mod busy;
mod clock;
mod effects;
mod entity;
mod erasure;
mod error;
mod fault;
mod folded;
mod host;
mod intervention;
pub mod journal;
mod message;
mod metrics;
mod options;
mod peek;
mod perform;
mod plan;
mod quarantine;
mod registry;
mod shared;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timer;

pub use clock::Clock;
pub use effects::{Attempt, Backoff, Call, Effects};
pub use erasure::{Erased, Erasure};
pub use error::Error;
pub use fault::Cause;
pub use host::Host;
pub use intervention::{Intervention, OpenEffect, OpenEffects, Standing};
pub use metrics::Metrics;
pub use options::Options;
pub use quarantine::{Looked, SetAside};
pub use registry::Quarantined;
pub use timer::{Options as TimerOptions, Timer, Wakeable, Woken};
