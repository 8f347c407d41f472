//! The actix host of any machine: mailbox, loading, journaling, effects, wake-ups, passivation, supervision.
//!
//! It knows machines (`workflows`) and the `Store` trait, and nothing of HTTP, PDF, channels or SQL. It never decides
//! anything about a process: what happens is what the machine answers.

mod clock;
mod effects;
mod entity;
mod host;
pub mod journal;
mod metrics;
mod timer;

pub use clock::Clock;
pub use effects::{Attempt, Backoff, Call, Effects};
pub use host::{Error, Host, Options, Quarantined};
pub use metrics::Metrics;
pub use timer::{Options as TimerOptions, Timer, Wakeable, Woken};
