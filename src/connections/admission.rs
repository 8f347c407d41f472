//! How many connections there may be from one address, and what was cut off.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{http::StatusCode, rt::net::TcpStream};
use ipnet::IpNet;
use parking_lot::Mutex;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    sync::Semaphore,
};

/// Between two log lines about connections that were cut off for the same reason.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Maximum number of refused connections that are answered at once, and how much, and for how long, each is read past.
const MAX_REFUSED: usize = 256;
const READ_PAST: u64 = 256 * 1024;
const READ_PAST_TIME: Duration = Duration::from_secs(1);

/// Bounds of the connections.
#[derive(Clone, Debug)]
pub struct Options {
    /// Maximum number of connections from one address (of IPv6: from one network of 64 bits).
    pub per_address: usize,
    /// Networks of proxies, to which that maximum does not apply: many clients come from them.
    pub proxies: Vec<IpNet>,
    /// Time after which a client that takes an answer more slowly than [`super::stream::SLOWEST`] is cut off.
    pub slow_after: Duration,
    /// Maximum time that one answer may wait for its client in all.
    pub answer_time: Duration,
    /// Maximum time for the head of a request.
    pub head_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            per_address: 1_000,
            proxies: Vec::new(),
            slow_after: Duration::from_secs(30),
            answer_time: Duration::from_secs(1800),
            head_time: Duration::from_secs(10),
        }
    }
}

/// Why a connection was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As many as are allowed came from its address.
    PerAddress,
    /// It took an answer too slowly.
    SlowReader,
    /// It took too long for an answer, at whatever rate.
    AnswerTime,
    /// The head of a request did not come in time.
    SlowHead,
}

impl Cut {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::PerAddress, Self::SlowReader, Self::AnswerTime, Self::SlowHead];

    /// The name in metrics and log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::PerAddress => "address_limit",
            Self::SlowReader => "slow_reader",
            Self::AnswerTime => "answer_time",
            Self::SlowHead => "slow_head",
        }
    }
}

/// Metrics of the connections.
#[derive(Clone, Debug)]
pub struct Metrics {
    open: IntGauge,
    cut: IntCounterVec,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let open = IntGauge::new("rubrica_http_connections", "Connections that are open")?;
        let cut = IntCounterVec::new(
            Opts::new("rubrica_http_connections_cut_total", "Connections that were cut off, by reason"),
            &["reason"],
        )?;
        for reason in Cut::ALL {
            cut.with_label_values(&[reason.name()]);
        }
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(cut.clone()))?;
        Ok(Self { open, cut })
    }
}

/// The connections of a server; a cheap handle that its threads share.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    options: Options,
    refusal: fn(StatusCode) -> Vec<u8>,
    /// One permit for each connection that may be answered and read past at once.
    refused: Arc<Semaphore>,
    metrics: Metrics,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    /// By reason: when it was last logged, and how many were cut off since.
    unlogged: Mutex<[(Option<Instant>, u64); Cut::ALL.len()]>,
}

impl Connections {
    /// `refusal` is the whole answer, with its head, to a request that no handler sees.
    pub fn new(options: Options, metrics: Metrics, refusal: fn(StatusCode) -> Vec<u8>) -> Self {
        Self(Arc::new(Inner {
            options,
            refusal,
            refused: Arc::new(Semaphore::new(MAX_REFUSED)),
            metrics,
            by_address: Mutex::default(),
            unlogged: Mutex::default(),
        }))
    }

    pub(super) fn options(&self) -> &Options {
        &self.0.options
    }

    /// Answers a request that no handler sees, and closes its connection. One that is closed while there is something to read is reset, and
    /// its client may lose the answer: so it is read past for a moment. Beyond so many at once they are closed without an answer.
    pub(super) fn refuse(&self, socket: TcpStream, status: StatusCode, place: Option<Place>) {
        let (Ok(permit), Ok(runtime)) = (self.0.refused.clone().try_acquire_owned(), Handle::try_current()) else { return };
        let answer = (self.0.refusal)(status);
        runtime.spawn(async move {
            let _ = tokio::time::timeout(READ_PAST_TIME, answer_and_read_past(socket, &answer)).await;
            drop((permit, place));
        });
    }

    /// Counts a connection until the place is dropped; `None` over the maximum of its address.
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Place> {
        let address = counted_as(peer);
        let options = &self.0.options;
        let counted = (!options.proxies.iter().any(|network| network.contains(&peer.to_canonical()))).then_some(address);
        if let Some(address) = counted {
            let mut by_address = self.0.by_address.lock();
            let count = by_address.entry(address).or_insert(0);
            if *count >= options.per_address {
                drop(by_address);
                self.note(Cut::PerAddress);
                return None;
            }
            *count += 1;
        }
        self.0.metrics.open.inc();
        Some(Place { connections: self.clone(), counted })
    }

    /// Counts and logs that a connection was cut off; of many, a line now and then.
    pub(super) fn note(&self, reason: Cut) {
        self.0.metrics.cut.with_label_values(&[reason.name()]).inc();
        let mut unlogged = self.0.unlogged.lock();
        let (last, count) = &mut unlogged[reason as usize];
        *count += 1;
        if last.is_none_or(|last| last.elapsed() >= LOG_EVERY) {
            tracing::warn!(reason = reason.name(), connections = *count, "connections were cut off");
            (*last, *count) = (Some(Instant::now()), 0);
        }
    }
}

async fn answer_and_read_past(mut socket: TcpStream, answer: &[u8]) -> io::Result<()> {
    socket.write_all(answer).await?;
    socket.shutdown().await?;
    tokio::io::copy(&mut socket.take(READ_PAST), &mut tokio::io::sink()).await.map(drop)
}

/// A counted connection.
pub(super) struct Place {
    connections: Connections,
    counted: Option<IpAddr>,
}

impl Place {
    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.0.metrics.open.dec();
        let Some(address) = self.counted else { return };
        let mut by_address = self.connections.0.by_address.lock();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// The client by whose address something is counted: a customer of an IPv6 provider has 64 bits of addresses at least (RFC 6177).
pub fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(per_address: usize, proxies: &[&str]) -> Connections {
        let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
        Connections::new(Options { per_address, proxies, ..Options::default() }, Metrics::new(&Registry::new()).unwrap(), |_| {
            Vec::new()
        })
    }

    fn cut(connections: &Connections) -> u64 {
        connections.0.metrics.cut.with_label_values(&[Cut::PerAddress.name()]).get()
    }

    #[test]
    fn an_address_has_its_maximum_and_gets_it_back() {
        let connections = connections(2, &[]);
        let admit = |address: &str| connections.admit(address.parse().unwrap());
        let (first, _second) = (admit("192.0.2.1").unwrap(), admit("192.0.2.1").unwrap());
        assert!(admit("192.0.2.1").is_none() && admit("::ffff:192.0.2.1").is_none());
        assert_eq!(cut(&connections), 2);
        assert!(admit("192.0.2.2").is_some());
        drop(first);
        assert!(admit("192.0.2.1").is_some());
        assert_eq!(connections.0.by_address.lock().len(), 1);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let connections = connections(1, &[]);
        let _first = connections.admit("2001:db8:1:2::1".parse().unwrap()).unwrap();
        assert!(connections.admit("2001:db8:1:2:ffff::9".parse().unwrap()).is_none());
        assert!(connections.admit("2001:db8:1:3::1".parse().unwrap()).is_some());
    }

    #[test]
    fn proxies_are_not_counted() {
        let connections = connections(1, &["10.0.0.0/8"]);
        let places: Vec<_> = (0..5).map(|_| connections.admit("10.1.2.3".parse().unwrap()).unwrap()).collect();
        assert_eq!(connections.0.metrics.open.get(), 5);
        drop(places);
        assert_eq!(connections.0.metrics.open.get(), 0);
    }
}
