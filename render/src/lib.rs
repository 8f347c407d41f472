//! Pages as images, and the process that makes them.
//!
//! What interprets a stranger's page runs for as long and takes as much memory as the page wants, and may overflow its stack. So the server
//! calls nothing of [`compare`] itself: it asks a [`worker::Process`], which has limits that the system enforces.

#![forbid(unsafe_code)]

mod compare;
pub mod worker;

pub use compare::{Comparison, DPI, Limits, Mask, Revisions, Skipped, compare};
