//! Clients for tests, which reach this machine.

use std::{sync::Arc, time::Duration};

use actors::Clock;
use chrono::TimeDelta;

use super::Camara;
use crate::{
    outbound::{Http, Reach},
    scoring::{Circuits, Metrics},
};

/// A client that reaches servers of a test.
pub fn camara() -> Camara {
    patient(100, &Clock::system())
}

/// Servers of a test are reached.
pub fn reach() -> Reach {
    Reach { plain_http: true, networks: Arc::new(["127.0.0.0/8".parse().expect("a network")]) }
}

/// The same, which leaves an operator alone for half a minute after so many failures in a row.
pub fn patient(failures: u32, clock: &Clock) -> Camara {
    let http = Http::new(reach(), Duration::from_secs(10)).expect("an HTTP client");
    let circuits = Circuits::new(failures, TimeDelta::seconds(30), clock.clone(), Metrics::default());
    Camara::unregistered(http, circuits).expect("metrics")
}
