//! The actix host of any machine: mailbox, loading, journaling, effects, wake-ups, passivation, supervision.
//!
//! It knows machines (`workflows`) and the `Store` trait, and nothing of HTTP, PDF, channels or SQL. It never decides
//! anything about a process: what happens is what the machine answers.

mod actor;
mod clock;
mod effects;
mod entity;
mod host;
pub mod journal;
mod metrics;
mod perform;
mod registry;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timer;

pub use clock::Clock;
pub use effects::{Attempt, Backoff, Call, Effects};
pub use host::{Error, Host, Options};
pub use metrics::Metrics;
pub use registry::Quarantined;
pub use timer::{Options as TimerOptions, Timer, Wakeable, Woken};
