//! The configuration: a TOML file, over it the environment, over it the flags. Every option is documented where it is declared;
//! `deploy/rubrica.toml` shows them all with their defaults.

mod identity_documents;
mod store;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::TimeDelta;
use ipnet::IpNet;
use serde::Deserialize;
use workflows::identification::otp::{MAX_CODE_LIFETIME, MAX_FAILURES, Policy};

use crate::{access, channels, code_limits, codes, connections, cpu_pool, iso_duration, render_workers};

pub use self::identity_documents::IdentityDocuments;
pub use self::store::{Blobs, Place, Store};

/// Prefix of environment variables: `RUBRICA_SERVER__LISTEN` sets `server.listen`.
const ENVIRONMENT_PREFIX: &str = "RUBRICA_";

/// Default of [`Server::json_limit`].
pub const DEFAULT_JSON_LIMIT: usize = 2 * 1024 * 1024;

/// Default of [`Server::json_memory`].
pub const DEFAULT_JSON_MEMORY: u64 = 64 * 1024 * 1024;

/// The variable (behind the prefix) that is short for `STORE__URL`, which wins over it.
const STORE: &str = "STORE";

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path}: {message}")]
    NotToml { path: PathBuf, message: String },
    #[error("the environment variable {name}: {message}")]
    Environment { name: String, message: String },
    #[error("{0}")]
    Invalid(String),
}

/// Everything that can be configured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `development` (default): sandbox channels, development tokens, a development tenant with a certificate of its own.
    /// `production`: none of these unless it is configured, and tokens need an issuer.
    pub mode: Mode,
    /// Folder of the embedded store, the files and the keys. Default: `./data`.
    pub data: Option<PathBuf>,
    pub store: Store,
    pub blobs: Blobs,
    pub server: Server,
    pub keys: Keys,
    pub access: access::Options,
    pub channels: channels::Options,
    pub codes: Codes,
    pub identity_documents: IdentityDocuments,
    pub processes: Processes,
    pub documents: Documents,
    pub cpu: Cpu,
    pub render: Render,
    pub log: Log,
    /// Per organization, by its identifier.
    pub organizations: BTreeMap<String, Organization>,
}

/// See [`Config::mode`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Development,
    Production,
}

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
    /// Threads that serve HTTP, 1 to 256. Default: one per processor.
    pub workers: Option<usize>,
    /// Most connections per worker, 1 to 100000. Default: 10000.
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
    /// Most bytes of a JSON body, 1024 to 64 MiB. Default: 2097152.
    pub json_limit: usize,
    /// Bytes of JSON bodies that are in memory at once, 1 MiB to 64 GiB; one organization has at most half of it. Default: 67108864.
    pub json_memory: u64,
    /// How long the server goes on as before, but not ready (`/health/ready`), once it is to go down, so that a load balancer sends
    /// it nothing more. PT0S to PT5M. Default: PT0S.
    #[serde(deserialize_with = "iso_duration::or_zero")]
    pub drain_pause: TimeDelta,
    /// Longest wait for requests and effects under way when the server goes down. PT1S to PT10M. Default: PT30S.
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

/// The server's master key.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// 32 bytes as base64. Losing it makes stored certificates and codes under way useless. Servers that share a store share one.
    /// Default: made at the first start and kept in the file `keys/master.key` of the data folder; with a shared store there is none.
    pub master: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("master", &self.master.as_ref().map(|_| "..")).finish()
    }
}

/// One-time codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Codes {
    /// Digits of codes by SMS and WhatsApp, 6 to 12. Default: 6.
    pub digits: u32,
    /// Digits of codes by e-mail, 6 to 12. Default: 8.
    pub digits_email: u32,
    /// How long a code is valid; at most PT10M. Default: PT5M.
    #[serde(with = "iso_duration")]
    pub lifetime: TimeDelta,
    /// Codes that can be asked for per identification, 1 to 20. Default: 3.
    pub challenges: u32,
    /// Tries per code, 1 to 10. Default: 3.
    pub attempts: u32,
    /// Seconds to wait after the first, second, ... code before another one; the last holds for all further. Default: [30, 60, 120].
    pub cooldown_seconds: Vec<u32>,
    /// Wrong answers per identification after which it fails, 1 to 100. Default: 100.
    pub failures: u32,
    /// Codes to one destination per hour; 0 is no bound. Servers that share a store count together. Default: 10.
    pub per_destination_and_hour: u32,
    /// Codes for one organization per minute; 0 is no bound. Servers that share a store count together. Default: 600.
    pub per_organization_and_minute: u32,
}

impl Default for Codes {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            digits: policy.digits,
            digits_email: policy.digits_email,
            lifetime: TimeDelta::seconds(policy.code_seconds.into()),
            challenges: policy.challenges,
            attempts: policy.attempts,
            cooldown_seconds: policy.cooldown_seconds,
            failures: policy.failures,
            per_destination_and_hour: 10,
            per_organization_and_minute: 600,
        }
    }
}

impl Codes {
    pub fn policy(&self) -> Policy {
        Policy {
            challenges: self.challenges,
            attempts: self.attempts,
            digits: self.digits,
            digits_email: self.digits_email,
            code_seconds: u32::try_from(self.lifetime.num_seconds()).unwrap_or(0),
            cooldown_seconds: self.cooldown_seconds.clone(),
            failures: self.failures,
        }
    }

    pub fn limits(&self) -> code_limits::Options {
        code_limits::Options {
            per_destination_and_hour: self.per_destination_and_hour,
            per_organization_and_minute: self.per_organization_and_minute,
        }
    }
}

/// The host of the processes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Processes {
    /// Messages that may wait for one process, 1 to 10000. Default: 64.
    pub mailbox: usize,
    /// Idle processes leave memory after this; PT1S to P1D. Default: PT30S.
    #[serde(with = "iso_duration")]
    pub passivate_after: TimeDelta,
    /// Processes in memory beyond which idle ones leave at once, 100 to 10000000. Default: 10000.
    pub max_resident: usize,
    /// Longest attempt of an effect such as sending or sealing; PT1S to PT10M. Default: PT25S.
    #[serde(with = "iso_duration")]
    pub effect_timeout: TimeDelta,
    /// How soon after a crash effects whose end is not known are taken up again; PT1S to PT1H. With a store that servers share at
    /// least three times `effect_timeout`, as they may be under way on another one. Default: PT5S.
    #[serde(with = "iso_duration")]
    pub effect_lease: TimeDelta,
    /// Attempts of an effect before it is given up, 1 to 1000. Default: 20.
    pub effect_attempts: u32,
    /// Wait after the first failed attempt; it doubles up to an hour. PT1S to PT1H. Default: PT1S.
    #[serde(with = "iso_duration")]
    pub effect_backoff: TimeDelta,
}

impl Default for Processes {
    fn default() -> Self {
        let options = actors::Options::default();
        Self {
            mailbox: options.mailbox,
            passivate_after: delta(options.passivate_after),
            max_resident: options.max_resident,
            effect_timeout: delta(options.effect_timeout),
            effect_lease: delta(options.lease),
            effect_attempts: options.backoff.attempts,
            effect_backoff: delta(options.backoff.first),
        }
    }
}

impl Processes {
    pub fn options(&self) -> actors::Options {
        let defaults = actors::Options::default();
        actors::Options {
            mailbox: self.mailbox,
            passivate_after: std(self.passivate_after),
            max_resident: self.max_resident,
            effect_timeout: std(self.effect_timeout),
            lease: std(self.effect_lease),
            backoff: actors::Backoff {
                first: std(self.effect_backoff),
                attempts: self.effect_attempts,
                ..defaults.backoff.clone()
            },
            ..defaults
        }
    }
}

/// Documents.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Documents {
    /// Most bytes of an uploaded document, 1024 to 1 GiB. Default: 52428800.
    pub limit: usize,
    /// Bytes that must be free where files are kept in a folder; with less, `/health/ready` is 503. 0 to 1 PiB. Default: 268435456.
    pub min_free: u64,
    /// Age at which files that nothing refers to are removed: what crashes left behind. PT1H to P30D. Default: P1D.
    #[serde(with = "iso_duration")]
    pub orphan_grace: TimeDelta,
}

impl Default for Documents {
    fn default() -> Self {
        Self { limit: 50 * 1024 * 1024, min_free: 256 * 1024 * 1024, orphan_grace: TimeDelta::days(1) }
    }
}

/// The work on strangers' files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cpu {
    /// Work on documents and key files that runs at once, 1 to 256; of an organization that has none running one more may. While others wait
    /// one organization has at most half of it. Default: one per processor.
    pub places: Option<usize>,
    /// Most bytes of documents that are read for such work and are in memory at once, 1 MiB to 64 GiB; those that wait hold none. A larger
    /// document is read alone. Default: 268435456.
    pub memory: u64,
    /// Work that may wait, of one organization and in all, 1 to 100000; more is 503. Default: 256 and 4096.
    pub waiting_per_organization: usize,
    pub waiting: usize,
    /// Longest wait for a turn, PT1S to PT10M; then it is 503. Default: PT30S.
    #[serde(with = "iso_duration")]
    pub wait: TimeDelta,
    /// Longest time for the work on one file, PT1S to PT10M. A file that took longer twice is not tried again for an hour. Default: PT20S.
    #[serde(with = "iso_duration")]
    pub time: TimeDelta,
}

impl Default for Cpu {
    fn default() -> Self {
        let options = cpu_pool::Options::default();
        Self {
            places: None,
            memory: options.memory,
            waiting_per_organization: options.waiting_each,
            waiting: options.waiting,
            wait: delta(options.patience),
            time: delta(options.time),
        }
    }
}

impl Cpu {
    pub fn options(&self) -> cpu_pool::Options {
        let defaults = cpu_pool::Options::default();
        cpu_pool::Options {
            places: self.places.unwrap_or(defaults.places),
            memory: self.memory,
            waiting_each: self.waiting_per_organization,
            waiting: self.waiting,
            patience: std(self.wait),
            time: std(self.time),
        }
    }
}

/// The processes that draw pages, to compare what a document shows before and after a seal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Render {
    /// The program that they run, as `PROGRAM render-worker`. Default: this one.
    pub program: Option<PathBuf>,
    /// Bytes of memory that each may have, 128 MiB to 64 GiB. Files that would fill a quarter of it are not drawn. Default: 1073741824.
    pub process_memory: u64,
    /// Processor time for the pages of one document, PT1S to PT10M. Default: PT10S.
    #[serde(with = "iso_duration")]
    pub processor_time: TimeDelta,
    /// Pages of a document that are compared, 0 to 1000: those with a seal first, then the first ones. Default: 20.
    pub max_pages: usize,
    /// Pixels of a page, and of all pages of a document, that are compared at 100 dots per inch, 0 to 1000000000. A page of A4 has 967590.
    /// Default: 16000000 and 40000000.
    pub max_page_pixels: u64,
    pub max_pixels: u64,
}

impl Default for Render {
    fn default() -> Self {
        let options = render_workers::Options::default();
        Self {
            program: None,
            process_memory: options.process.memory,
            processor_time: TimeDelta::seconds(i64::try_from(options.process.seconds).unwrap_or(10)),
            max_pages: options.limits.max_pages,
            max_page_pixels: options.limits.max_page_pixels,
            max_pixels: options.limits.max_pixels,
        }
    }
}

impl Render {
    pub fn options(&self) -> render_workers::Options {
        let defaults = render_workers::Options::default();
        let seconds = std(self.processor_time).as_secs().max(1);
        let process = ::render::worker::Options {
            program: self.program.clone().unwrap_or(defaults.process.program),
            memory: self.process_memory,
            seconds,
            // A busy machine gives less than a processor.
            patience: Duration::from_secs(seconds + seconds / 2),
            ..defaults.process
        };
        let limits =
            ::render::Limits { max_pages: self.max_pages, max_page_pixels: self.max_page_pixels, max_pixels: self.max_pixels };
        render_workers::Options { process, limits }
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::seconds(30))
}

fn std(delta: TimeDelta) -> Duration {
    delta.to_std().unwrap_or_default()
}

/// The log, on standard error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` (default) or `json`, one object per line.
    pub format: LogFormat,
    /// What is logged, as `tracing` filters say it, e.g. `info,actors=debug`. Requests are logged at `debug`. Default:
    /// `info,scylla=error`: the driver's own words about each connection are left out, what fails is told by us.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info,scylla=error".into() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// One organization.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organization {
    /// The name by which people know it, in messages and certificates. Default: its identifier.
    pub name: Option<String>,
    /// Its time zone in the certificates, by its name in the IANA database, e.g. `Europe/Madrid`. Default: UTC.
    pub time_zone: Option<chrono_tz::Tz>,
}

impl Config {
    /// Reads the file, if one is named, and the environment over it.
    ///
    /// # Errors
    /// What cannot be read, is unknown, or out of bounds.
    pub fn load(file: Option<&Path>, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut table = match file {
            None => toml::Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
                text.parse::<toml::Table>()
                    .map_err(|error| Error::NotToml { path: path.to_owned(), message: place(&text, &error) })?
            }
        };
        // In order of their names: a short one comes before, and gives way to, the long one.
        for (name, value) in environment.into_iter().collect::<BTreeMap<_, _>>() {
            if let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX).filter(|path| is_option(path)) {
                let path = if path == STORE { "STORE__URL" } else { path };
                set(&mut table, path, &value).map_err(|message| Error::Environment { name: name.clone(), message })?;
            }
        }
        let mut config: Self = serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| {
            let source = file.map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
            // Without the value, which may be a secret.
            let message = without_value(error.inner().message());
            match error.path().to_string().as_str() {
                "." => Error::Invalid(format!("{source}: {message}")),
                path => Error::Invalid(format!("{source}: {path}: {message}")),
            }
        })?;
        if config.mode == Mode::Development {
            config.access.development = true;
        } else if config.channels.sandbox.is_none() {
            config.channels.sandbox = Some(false);
        }
        config.check()?;
        Ok(config)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("data"))
    }

    /// The options of the work on documents.
    fn check_work(&self) -> Result<(), Error> {
        let (cpu, render) = (&self.cpu, &self.render);
        let (jobs, pixels) = (1..=100_000, 0..=1_000_000_000);
        within("cpu.places", cpu.places.is_none_or(|places| (1..=256).contains(&places)), "1 to 256")?;
        within("cpu.memory", (1 << 20..=1 << 36).contains(&cpu.memory), "1048576 to 68719476736 bytes")?;
        within("cpu.waiting_per_organization", jobs.contains(&cpu.waiting_per_organization), "1 to 100000")?;
        within("cpu.waiting", jobs.contains(&cpu.waiting), "1 to 100000")?;
        within("cpu.wait", seconds(cpu.wait, 1, 600), "PT1S to PT10M")?;
        within("cpu.time", seconds(cpu.time, 1, 600), "PT1S to PT10M")?;
        within("render.process_memory", (1 << 27..=1 << 36).contains(&render.process_memory), "134217728 to 68719476736 bytes")?;
        within("render.processor_time", seconds(render.processor_time, 1, 600), "PT1S to PT10M")?;
        within("render.max_pages", render.max_pages <= 1000, "0 to 1000")?;
        within("render.max_page_pixels", pixels.contains(&render.max_page_pixels), "0 to 1000000000")?;
        within("render.max_pixels", pixels.contains(&render.max_pixels), "0 to 1000000000")
    }

    fn check(&self) -> Result<(), Error> {
        let digits = codes::MIN_DIGITS..=codes::MAX_DIGITS;
        within("server.workers", self.server.workers.is_none_or(|workers| (1..=256).contains(&workers)), "1 to 256")?;
        within("server.connections", (1..=100_000).contains(&self.server.connections), "1 to 100000")?;
        within("server.connections_per_address", (1..=100_000).contains(&self.server.connections_per_address), "1 to 100000")?;
        within("server.slow_after", seconds(self.server.slow_after, 1, 600), "PT1S to PT10M")?;
        within("server.answer_time", seconds(self.server.answer_time, 1, 86_400), "PT1S to P1D")?;
        within("server.json_limit", (1024..=64 << 20).contains(&self.server.json_limit), "1024 to 67108864 bytes")?;
        within("server.json_memory", (1 << 20..=1 << 36).contains(&self.server.json_memory), "1048576 to 68719476736 bytes")?;
        let json_fits = self.server.json_memory / 2 >= self.server.json_limit as u64;
        within("server.json_memory", json_fits, "at least twice server.json_limit")?;
        within("server.drain_pause", seconds(self.server.drain_pause, 0, 300), "PT0S to PT5M")?;
        within("server.shutdown", seconds(self.server.shutdown, 1, 600), "PT1S to PT10M")?;
        within("codes.digits", digits.contains(&self.codes.digits), "6 to 12")?;
        within("codes.digits_email", digits.contains(&self.codes.digits_email), "6 to 12")?;
        within("codes.lifetime", seconds(self.codes.lifetime, 1, MAX_CODE_LIFETIME.num_seconds()), "PT1S to PT10M")?;
        within("codes.challenges", (1..=20).contains(&self.codes.challenges), "1 to 20")?;
        within("codes.attempts", (1..=10).contains(&self.codes.attempts), "1 to 10")?;
        within("codes.failures", (1..=MAX_FAILURES).contains(&self.codes.failures), "1 to 100")?;
        within("codes.cooldown_seconds", self.codes.cooldown_seconds.iter().all(|wait| *wait <= 3600), "at most 3600 each")?;
        self.identity_documents.check()?;
        within("processes.mailbox", (1..=10_000).contains(&self.processes.mailbox), "1 to 10000")?;
        within("processes.passivate_after", seconds(self.processes.passivate_after, 1, 86_400), "PT1S to P1D")?;
        within("processes.max_resident", (100..=10_000_000).contains(&self.processes.max_resident), "100 to 10000000")?;
        within("processes.effect_timeout", seconds(self.processes.effect_timeout, 1, 600), "PT1S to PT10M")?;
        within("processes.effect_lease", seconds(self.processes.effect_lease, 1, 3600), "PT1S to PT1H")?;
        within("processes.effect_attempts", (1..=1000).contains(&self.processes.effect_attempts), "1 to 1000")?;
        within("processes.effect_backoff", seconds(self.processes.effect_backoff, 1, 3600), "PT1S to PT1H")?;
        within("documents.limit", (1024..=1 << 30).contains(&self.documents.limit), "1024 to 1073741824 bytes")?;
        within("documents.min_free", self.documents.min_free <= 1 << 50, "0 to 1125899906842624 bytes")?;
        within("documents.orphan_grace", seconds(self.documents.orphan_grace, 3600, 30 * 86_400), "PT1H to P30D")?;
        self.check_work()?;
        tracing_subscriber::EnvFilter::try_new(&self.log.filter)
            .map_err(|error| Error::Invalid(format!("log.filter: {error}")))?;
        self.store.check().map_err(|error| Error::Invalid(format!("store.{error}")))?;
        self.blobs.check().map_err(|error| Error::Invalid(format!("blobs.{error}")))?;
        // Each server would make a key and a folder of its own, and none could open what another one kept.
        let alone = !self.store.is_shared();
        within(
            "keys.master",
            alone || self.keys.master.is_some(),
            "a master key, the same on every server that shares the store (`openssl rand -base64 32` makes one)",
        )?;
        within(
            "blobs.url",
            alone || self.blobs.url.is_some(),
            "a bucket or a folder that every server that shares the store reaches",
        )?;
        self.access.check().map_err(|error| Error::Invalid(format!("access: {error}")))?;
        let production = self.mode == Mode::Production;
        within(
            "access.issuers",
            !production || !self.access.issuers.is_empty(),
            "at least one issuer of tokens in production mode",
        )?;
        within("access.development", !production || !self.access.development, "false in production mode")?;
        within("channels.sandbox", !production || !self.channels.sandbox_is_on(), "false in production mode")?;
        Ok(())
    }

    /// What can only be checked by reading other files and building parts, as the server does at its start.
    ///
    /// # Errors
    /// What the server would refuse to start with.
    pub fn try_parts(&self) -> Result<(), Box<dyn std::error::Error>> {
        let keys = match &self.keys.master {
            Some(text) => crate::keys::Keys::from_base64(text)?,
            None => crate::keys::Keys::from_bytes(&[0; crate::keys::KEY_LEN]),
        };
        access::Service::new(&self.access, &keys).map_err(|error| format!("access: {error}"))?;
        channels::Channels::check(&self.channels)?;
        Ok(())
    }
}

fn within(name: &str, holds: bool, bounds: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Invalid(format!("{name}: expected {bounds}"))) }
}

fn seconds(delta: TimeDelta, from: i64, to: i64) -> bool {
    (from..=to).contains(&delta.num_seconds())
}

/// Whether a variable of our prefix is an option: `SECTION__NAME`, one of the two that are in no section, or the short name of
/// `store.url`. Others are not for the server, such as those of scripts.
fn is_option(path: &str) -> bool {
    path.contains("__") || matches!(path, "MODE" | "DATA" | STORE)
}

/// What is wrong with a TOML text and where, without the text: it may hold secrets.
fn place(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("line {line}: {}", error.message())
}

/// Sets `A__B__C` to a value: a TOML value if it reads as one, else a text.
fn set(table: &mut toml::Table, path: &str, value: &str) -> Result<(), String> {
    let names: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    let Some((last, parents)) = names.split_last() else { return Err("it names nothing".into()) };
    let mut table = table;
    for name in parents {
        let entry = table.entry(name.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        table = entry.as_table_mut().ok_or_else(|| format!("{name} is no section"))?;
    }
    let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("value"));
    let plain = parsed.filter(|value| !matches!(value, toml::Value::Datetime(_)));
    table.insert(last.clone(), plain.unwrap_or_else(|| toml::Value::String(value.to_owned())));
    Ok(())
}

/// A serde message without the value that it quotes, which may be a secret put in the wrong member.
fn without_value(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(before, _)| before);
    for kind in ["invalid type: ", "invalid value: ", "unknown variant ", "invalid length "] {
        let Some(rest) = message.strip_prefix(kind) else { continue };
        let Some((found, expected)) = rest.rsplit_once(", expected ") else { continue };
        let found = found.split(['`', '"']).next().unwrap_or_default().trim();
        let expected = expected.replace('`', "");
        return match (kind, found) {
            ("invalid type: ", found) if !found.is_empty() => format!("expected {expected}, found {found}"),
            _ => format!("expected {expected}"),
        };
    }
    message.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str, environment: &[(&str, &str)]) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rubrica.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), environment.iter().map(|(name, value)| (name.to_string(), value.to_string())))
    }

    #[test]
    fn nothing_configured_is_development_with_the_sandbox() {
        let config = Config::load(None, []).unwrap();
        assert!(config.channels.sandbox_is_on() && config.access.development);
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.codes.policy(), Policy::default());
    }

    #[test]
    fn production_has_no_sandbox_and_no_development_tokens() {
        let issuer = "[[access.issuers]]\nissuer = \"https://id.example\"\naudiences = [\"rubrica\"]\njwks_url = \"https://id.example/jwks\"\n";
        let config = from(&format!("mode = \"production\"\n{issuer}"), &[]).unwrap();
        assert!(!config.channels.sandbox_is_on() && !config.access.development);
        let refused = from("mode = \"production\"", &[]).unwrap_err().to_string();
        assert!(refused.contains("access.issuers"), "{refused}");
        for unsafe_here in ["[access]\ndevelopment = true\n", "[channels]\nsandbox = true\n"] {
            let text = format!("mode = \"production\"\n{unsafe_here}{issuer}");
            assert!(from(&text, &[]).unwrap_err().to_string().contains("false in production mode"), "{text}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = from(
            "[codes]\ndigits = 7\n",
            &[("RUBRICA_CODES__DIGITS", "9"), ("RUBRICA_LOG__FILTER", "debug"), ("RUBRICA_JOBS", "2")],
        )
        .unwrap();
        assert_eq!((config.codes.digits, config.log.filter.as_str()), (9, "debug"));
    }

    const MASTER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    #[test]
    fn a_shared_store_needs_keys_and_files_that_are_shared_too() {
        let store = ("RUBRICA_STORE", "scylla://ana:22222@db1,db2/rubrica");
        let (keys, files) = (("RUBRICA_KEYS__MASTER", MASTER), ("RUBRICA_BLOBS__URL", "s3://files"));
        for (given, missing) in [(vec![store, files], "keys.master"), (vec![store, keys], "blobs.url")] {
            let message = from("", &given).unwrap_err().to_string();
            assert!(message.contains(missing) && !message.contains("22222"), "{message}");
        }
        let config = from("[store]\ntimeout = \"PT2S\"\n", &[store, keys, files]).unwrap();
        assert!(config.store.is_shared() && config.store.timeout == TimeDelta::seconds(2));
        let described = crate::engine::describe(&crate::engine::Settings::of(&config));
        assert!(described.contains("db1:9042") && described.contains("ana") && !described.contains("22222"), "{described}");
        assert!(!format!("{config:?}").contains("22222"));
    }

    #[test]
    fn the_short_name_of_the_store_gives_way_to_the_long_one() {
        let config = from("", &[("RUBRICA_STORE__URL", "sqlite"), ("RUBRICA_STORE", "scylla://db/k")]).unwrap();
        assert!(!config.store.is_shared());
    }

    #[test]
    fn no_error_shows_a_secret() {
        for text in [
            "[store]\nurl = \"scylla://ana:22222@db\"\n",
            "[store]\nurl = [\"22222\"]\n",
            "[store]\npassword = [\"22222\"]\n",
            "[blobs]\nsecret_access_key = [\"22222\"]\n",
            "[keys]\nmaster = hunter22222\n",
            "[keys]\nmaster = 22222\n",
            "[channels.smtp]\nhost = \"h\"\npassword = [\"22222\"]\n",
        ] {
            let message = from(text, &[]).unwrap_err().to_string();
            assert!(!message.contains("22222"), "{message}");
        }
    }

    #[test]
    fn a_password_of_digits_is_a_password() {
        let config =
            from("[channels.smtp]\nhost = \"h\"\nfrom = \"a@b.example\"\n", &[("RUBRICA_CHANNELS__SMTP__PASSWORD", "12345678")])
                .unwrap();
        assert_eq!(config.channels.smtp.unwrap().password.unwrap().expose(), "12345678");
    }

    #[test]
    fn unknown_options_and_values_out_of_bounds_are_named() {
        for (text, named) in [
            ("[server]\nlisten_on = 1\n", "listen_on"),
            ("[codes]\ndigits = 4\n", "codes.digits"),
            ("[codes]\nlifetime = \"PT1H\"\n", "codes.lifetime"),
            ("[identity_documents]\nimage_limit = 1\n", "identity_documents.image_limit"),
            ("[identity_documents]\nattempt_time = \"PT1H\"\n", "identity_documents.attempt_time"),
            ("[identity_documents]\ndelegation_time = \"P2D\"\n", "identity_documents.delegation_time"),
            ("[identity_documents]\nvalidation_attempts = 0\n", "identity_documents.validation_attempts"),
            ("[identity_documents]\nlink_lifetime = \"P2D\"\n", "identity_documents.link_lifetime"),
            ("[processes]\neffect_lease = \"PT2H\"\n", "processes.effect_lease"),
            ("[log]\nfilter = \"a=b=c\"\n", "log.filter"),
            ("mode = \"test\"\n", "mode: expected"),
            ("[store]\nurl = \"postgres://db/k\"\n", "store.url"),
            ("[store]\ntimeout = \"PT1M\"\n", "store.timeout"),
            ("[blobs]\nurl = \"ftp://x\"\n", "blobs.url"),
        ] {
            let message = from(text, &[]).unwrap_err().to_string();
            assert!(message.contains(named), "{text}: {message}");
        }
    }

    const DEFAULT_FILE: &str = include_str!("../deploy/rubrica.toml");

    /// The file with every option switched on that is commented out by `#: `.
    fn everything_switched_on() -> String {
        DEFAULT_FILE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn the_commented_default_file_holds_the_defaults() {
        let defaults = format!("{:?}", Config::load(None, []).unwrap());
        assert_eq!(format!("{:?}", from(DEFAULT_FILE, &[]).unwrap()), defaults);
        assert!(from(&everything_switched_on(), &[]).is_ok(), "{}", from(&everything_switched_on(), &[]).unwrap_err());
    }

    #[test]
    fn the_commented_default_file_names_every_option() {
        // The declarations are the reference: each public field of a configuration's struct is an option.
        let texts = include_str!("channels/texts/mod.rs").split("pub enum ").next().unwrap_or_default();
        let declared = [
            include_str!("config.rs"),
            include_str!("config/store.rs"),
            include_str!("config/identity_documents.rs"),
            include_str!("access/options.rs"),
            include_str!("channels/options.rs"),
            texts,
        ];
        let named: Vec<String> = everything_switched_on()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(|line| match line.trim_start_matches('[').split_once([']', '=']) {
                Some((key, _)) => key.split('.').map(|part| part.trim().to_owned()).collect::<Vec<_>>(),
                None => Vec::new(),
            })
            .collect();
        let mut options = 0;
        for source in declared {
            let source = source.split("#[cfg(test)]").next().unwrap_or_default();
            // Only what is read from a file: other structs of these modules have public fields too.
            let read = source
                .split("#[derive(")
                .filter(|block| block.split(')').next().is_some_and(|derived| derived.contains("Deserialize")));
            let fields = read.flat_map(str::lines).filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "));
            for (option, _) in fields.filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')) {
                assert!(named.iter().any(|name| name == option), "{option} is not in deploy/rubrica.toml");
                options += 1;
            }
        }
        assert!(options > 70, "only {options} options were found in the declarations");
    }

    #[test]
    fn a_value_quoted_by_serde_is_cut_out() {
        let cut = without_value("invalid type: integer `123456`, expected a string at line 1 column 20");
        assert_eq!(cut, "expected a string, found integer");
        let cut = without_value("invalid type: string \"a, expected b\", expected u32");
        assert_eq!(cut, "expected u32, found string");
        let cut = without_value("unknown variant `hunter2`, expected `inline` or `attachment`");
        assert_eq!(cut, "expected inline or attachment");
        assert_eq!(without_value("missing field `name` at line 1 column 2"), "missing field name");
    }
}
