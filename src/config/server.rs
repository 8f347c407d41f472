//! The HTTP side: the configuration reference.

use std::net::SocketAddr;

use chrono::TimeDelta;
use ipnet::IpNet;
use serde::Deserialize;

use super::{
    Error,
    bounds::{delta, seconds, std, within},
};
use crate::{connections, iso_duration, tenant_addresses::is_origin};

/// Maximum number of [`Server::cors_origins`].
const MAX_ORIGINS: usize = 100;

/// Default of [`Server::json_limit`].
pub const DEFAULT_JSON_LIMIT: usize = 2 * 1024 * 1024;

/// Default of [`Server::json_memory`].
pub const DEFAULT_JSON_MEMORY: u64 = 64 * 1024 * 1024;

/// The HTTP side.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port; port 0 picks a free one. Default: `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// Address under which the outside world reaches the server, start of the public URLs. Default: `http://` and the address
    /// listened on.
    pub public_base_url: Option<String>,
    /// Start of the `ref` of errors; the error's code follows as anchor. Default: `/errors` of `public_base_url`.
    pub documentation_base_url: Option<String>,
    /// Networks of proxies whose `x-forwarded-for` is believed, e.g. `["10.0.0.0/8"]`. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins (RFC 6454) of web pages that may call the API from browsers with a token, such as `https://shop.example.org`, compared as they
    /// stand; at most 100. Their scripts may read `x-key` and `ETag`. Default: none.
    pub cors_origins: Vec<String>,
    /// Threads that serve HTTP, 1 to 256. Default: one per processor.
    pub workers: Option<usize>,
    /// Maximum number of connections per worker, 1 to 100000. Default: 10000.
    pub connections: usize,
    /// Maximum number of connections from one address (of IPv6: one network of 64 bits), 1 to 100000; more are answered with 503 and closed.
    /// Those of `trusted_proxies` are not counted: where all clients come through a proxy, name it there. Default: 1000.
    pub connections_per_address: usize,
    /// Time after which a client that takes an answer, or sends a body, more slowly than 1024 bytes per second is cut off. PT1S to PT10M.
    /// Default: PT30S.
    #[serde(with = "iso_duration")]
    pub slow_after: TimeDelta,
    /// Maximum time that an answer may wait for its client in all. PT1S to P1D. Default: PT30M.
    #[serde(with = "iso_duration")]
    pub answer_time: TimeDelta,
    /// Maximum size of a JSON body in bytes, 1024 to 64 MiB. Default: 2097152.
    pub json_limit: usize,
    /// Bytes of JSON bodies that are in memory at once, 1 MiB to 64 GiB; one organization has at most half of it. Default: 67108864.
    pub json_memory: u64,
    /// How long the server goes on as before, but not ready (`/health/ready`), once it is to go down, so that a load balancer sends
    /// it nothing more. PT0S to PT5M. Default: PT0S.
    #[serde(deserialize_with = "iso_duration::or_zero")]
    pub drain_pause: TimeDelta,
    /// Maximum wait for requests and effects under way when the server goes down. PT1S to PT10M. Default: PT30S.
    #[serde(with = "iso_duration")]
    pub shutdown: TimeDelta,
}

impl Default for Server {
    fn default() -> Self {
        let connections = connections::Options::default();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_base_url: None,
            documentation_base_url: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            workers: None,
            connections: 10_000,
            connections_per_address: connections.per_address,
            slow_after: delta(connections.slow_after),
            answer_time: delta(connections.answer_time),
            json_limit: DEFAULT_JSON_LIMIT,
            json_memory: DEFAULT_JSON_MEMORY,
            drain_pause: TimeDelta::zero(),
            shutdown: TimeDelta::seconds(30),
        }
    }
}

impl Server {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        let are_origins = self.cors_origins.len() <= MAX_ORIGINS && self.cors_origins.iter().all(|origin| is_origin(origin));
        within("server.cors_origins", are_origins, "at most 100 origins such as https://shop.example.org, without a path")?;
        within("server.workers", self.workers.is_none_or(|workers| (1..=256).contains(&workers)), "1 to 256")?;
        within("server.connections", (1..=100_000).contains(&self.connections), "1 to 100000")?;
        within("server.connections_per_address", (1..=100_000).contains(&self.connections_per_address), "1 to 100000")?;
        within("server.slow_after", seconds(self.slow_after, 1, 600), "PT1S to PT10M")?;
        within("server.answer_time", seconds(self.answer_time, 1, 86_400), "PT1S to P1D")?;
        within("server.json_limit", (1024..=64 << 20).contains(&self.json_limit), "1024 to 67108864 bytes")?;
        within("server.json_memory", (1 << 20..=1 << 36).contains(&self.json_memory), "1048576 to 68719476736 bytes")?;
        let json_fits = self.json_memory / 2 >= self.json_limit as u64;
        within("server.json_memory", json_fits, "at least twice server.json_limit")?;
        within("server.drain_pause", seconds(self.drain_pause, 0, 300), "PT0S to PT5M")?;
        within("server.shutdown", seconds(self.shutdown, 1, 600), "PT1S to PT10M")
    }

    pub fn connection_options(&self) -> connections::Options {
        connections::Options {
            per_address: self.connections_per_address,
            proxies: self.trusted_proxies.clone(),
            slow_after: std(self.slow_after),
            answer_time: std(self.answer_time),
            ..connections::Options::default()
        }
    }
}
