//! Clients for tests, which reach this machine.

use std::{sync::Arc, time::Duration};

use super::Camara;
use crate::outbound::{Http, Reach};

/// A client that reaches servers of a test.
pub fn camara() -> Camara {
    let reach = Reach { plain_http: true, networks: Arc::new(["127.0.0.0/8".parse().expect("a network")]) };
    Camara::unregistered(Http::new(reach, Duration::from_secs(10)).expect("an HTTP client")).expect("metrics")
}
