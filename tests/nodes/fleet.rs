//! Servers on one store, and the gateway that takes their messages.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;

use crate::{
    lives::client::{Inbox, code_in},
    receivers::{Mood, Receiver},
    support::{Keeps, Options, Server, Store},
};

/// What all servers have: short leases, so that what a dead one had begun is taken over within the test.
const CONFIGURATION: &str = r#"
[codes]
per_destination_and_hour = 0
per_organization_and_minute = 0
challenges = 20
cooldown_seconds = [0]
[processes]
effect_timeout = "PT3S"
effect_lease = "PT1S"
[server]
workers = 1
shutdown = "PT20S"
[log]
filter = "warn"
[store]
max_in_flight = 64
[channels]
sandbox = false
"#;

/// Servers that share a store, each with a data folder of its own.
pub struct Fleet {
    pub store: Store,
    servers: Vec<Option<Server>>,
    config: String,
    folder: tempfile::TempDir,
    pub kills: usize,
}

impl Fleet {
    /// Starts so many servers, one after another. Blocks.
    pub fn start(store: Store, servers: usize, gateway: &Gateway) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!("{CONFIGURATION}{}", gateway.configuration());
        let mut fleet = Self { store, servers: Vec::new(), config, folder, kills: 0 };
        for place in 0..servers {
            fleet.servers.push(None);
            fleet.start_again(place);
        }
        fleet
    }

    /// Starts a server in the place of one that was killed. Blocks.
    pub fn start_again(&mut self, place: usize) {
        let data: PathBuf = self.folder.path().join(format!("server-{place}"));
        let keeps = Keeps::Shared(self.store.clone());
        let options = Options { data: Some(data), config: Some(self.config.clone()), keeps, observer: None };
        assert!(self.servers[place].is_none(), "server {place} runs");
        self.servers[place] = Some(Server::start_with(options));
    }

    /// Kills a server (SIGKILL).
    pub fn kill(&mut self, place: usize) {
        self.servers[place].take().expect("it runs").kill();
        self.kills += 1;
    }

    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// Those that run.
    pub fn living(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().flatten()
    }

    /// The sum of a metric over the servers that run, and over its labels.
    pub fn metric(&self, name: &str) -> u64 {
        self.living().map(|server| metric(server, name)).sum()
    }

    /// Stops all servers as an operator does, and leaves the store.
    pub fn stop(self) -> Store {
        for server in self.servers.into_iter().flatten() {
            let log = server.log();
            assert!(!log.contains("panicked"), "{log}");
            let status = server.terminate();
            assert_eq!(status.code(), Some(0), "{status}");
        }
        self.store
    }
}

/// The sum of a server's metric over its labels; 0 where it has none of that name yet.
pub fn metric(server: &Server, name: &str) -> u64 {
    metric_of(server, name, |_| true)
}

/// As [`metric`], of those whose line is wanted.
pub fn metric_of(server: &Server, name: &str, wanted: impl Fn(&str) -> bool) -> u64 {
    let scrape = server.anonymous().get("/metrics").send().expect(200).body;
    let scrape = String::from_utf8(scrape).expect("text");
    let values = scrape.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let is_it = rest.starts_with(' ') || rest.starts_with('{');
        rest.rsplit_once(' ').filter(|(labels, _)| is_it && wanted(labels))?.1.parse::<f64>().ok()
    });
    values.sum::<f64>() as u64
}

/// A provider of text messages that does not know a repetition when it sees one.
pub struct Gateway(Receiver);

impl Gateway {
    pub async fn start() -> Arc<Self> {
        Arc::new(Self(Receiver::gateway(Mood::Takes).await))
    }

    fn configuration(&self) -> String {
        format!(
            "[channels.gateway.sms]\nurl = \"http://127.0.0.1:{}/send\"\nplain_http = true\ntimeout_ms = 2000\nidempotent = false\n\
             body = '{{\"ref\":\"{{{{ref}}}}\",\"to\":\"{{{{to}}}}\",\"text\":\"{{{{text}}}}\"}}'\n",
            self.0.port
        )
    }

    /// Asserts that nothing came twice. Gives the number of messages.
    pub fn check(&self) -> usize {
        let mut references: Vec<String> = self.0.received().into_iter().map(|message| message.reference).collect();
        let all = references.len();
        references.sort_unstable();
        references.dedup();
        assert_eq!(references.len(), all, "a message was sent twice");
        all
    }
}

#[async_trait]
impl Inbox for Gateway {
    async fn newest(&self, to: &str) -> Option<(String, String)> {
        let received = self.0.received();
        let mut newest = received.iter().rev().filter(|message| message.to == to);
        newest.find_map(|message| Some((message.reference.clone(), code_in(&message.text)?)))
    }

    fn takes_mail(&self) -> bool {
        false
    }
}
