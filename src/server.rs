//! The server as a whole: opens what it needs, starts the processes and HTTP, and goes down without losing anything.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ::store::{Store, Timestamp, blobs::Blobs, sqlite::Sqlite};
use actix_web::{App, HttpServer, middleware, web};
use actors::{Clock, Metrics, Timer, TimerOptions};
use chrono::{TimeDelta, Utc};
use prometheus::{IntGauge, Registry};

use crate::{
    access,
    catalogue::{
        documents::{self, Documents},
        sign_configuration::{self, Change, SignConfigurations},
    },
    channels::{self, Channels},
    codes::Codes,
    config::{Config, Mode},
    http::{
        self, State, limits::CodeLimits, operations::HttpMetrics, operations::Operations, processes::Engine, receipts::Desk,
        sandbox::Sandbox,
    },
    keys::{self, Keys},
    processes::{Processes, Tenants, World},
    receipts::Receipts,
    sandbox_clock::Offset,
    transfer,
};

/// The organization that is there from the first development start, with a certificate of its own.
pub const DEVELOPMENT_ORGANIZATION: &str = "acme";

/// File of the data folder with the root of the development certificate.
pub const DEVELOPMENT_ROOT: &str = "development-root.pem";

/// Between two searches for files that nothing refers to.
const COLLECT_EVERY: Duration = Duration::from_secs(3600);

/// Why the server cannot start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the data folder {path}: {source}")]
    Data { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] ::store::Error),
    #[error(transparent)]
    Keys(#[from] keys::Error),
    #[error("access: {0}")]
    Access(#[from] access::OptionsError),
    #[error(transparent)]
    Channels(#[from] channels::Error),
    #[error("the development tenant: {0}")]
    Development(String),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("HTTP: {0}")]
    Http(#[from] io::Error),
}

/// The master key that a configuration names or the data folder keeps.
///
/// # Errors
/// [`keys::Error`].
pub fn master_key(config: &Config) -> Result<Keys, keys::Error> {
    match &config.keys.master {
        Some(text) => Keys::from_base64(text),
        None => Keys::load_or_create(&config.data()),
    }
}

/// A server that listens.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The address that the outside world uses.
    pub public_base_url: String,
    /// Whether the sandbox is on.
    pub sandbox: bool,
    http: actix_web::dev::Server,
    parts: Parts,
}

/// What must go down in order.
struct Parts {
    store: Arc<Sqlite>,
    processes: Processes,
    timer: Timer,
    background: Vec<tokio::task::JoinHandle<()>>,
    patience: Duration,
}

/// Opens everything and listens. To be called within an actix system.
///
/// # Errors
/// [`Error`]; nothing runs then.
pub async fn start(config: Config) -> Result<Running, Error> {
    let data = config.data();
    std::fs::create_dir_all(&data).map_err(|source| Error::Data { path: data.clone(), source })?;
    let keys = master_key(&config)?;
    let store = Arc::new(Sqlite::open(&data.join("rubrica.db"), ::store::sqlite::Options::default())?);
    let shared: Arc<dyn Store> = store.clone();
    transfer::refuse_unfinished(shared.as_ref()).await?;
    let blobs = Blobs::local(data.join("files"))?;
    let documents =
        Documents::new(shared.clone(), blobs, documents::Options { max_bytes: config.documents.limit, ..Default::default() });
    let configurations = SignConfigurations::new(shared.clone(), keys.clone());
    if config.mode == Mode::Development {
        provide_development_tenant(&configurations, &data).await?;
    }
    let registry = Registry::new();
    let metrics = Metrics::new(&registry)?;
    let channels = Channels::open(&config.channels, &data)?;
    let access = access::Service::new(&config.access, &keys)?;
    let clock = Clock::system();
    let offset = Offset::new(shared.clone());
    if channels.sandbox().is_some() {
        offset.restore(&clock).await?;
    }
    let codes = Codes::new(&keys);
    let receipts = Receipts::new(keys.clone(), config.server.public_base_url.clone());
    let world = World {
        store: shared.clone(),
        documents: documents.clone(),
        configurations: configurations.clone(),
        channels: channels.clone(),
        codes: codes.clone(),
        tenants: Tenants::new(config.tenants()),
        receipts: receipts.clone(),
    };
    let arbiters: Vec<_> = (0..workers(&config)).map(|_| actix::Arbiter::new().handle()).collect();
    let processes = Processes::new(world, &clock, &config.processes.options(), &metrics, &arbiters);
    let hosts: Vec<Arc<dyn actors::Wakeable>> = vec![Arc::new(processes.sign.clone()), Arc::new(processes.otp.clone())];

    let address = config.server.listen;
    let listener = TcpListener::bind(address).map_err(|source| Error::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    let public_base_url = config.server.public_base_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let references = config.server.documentation_base_url.clone().unwrap_or_else(|| format!("{public_base_url}/errors"));
    http::error::set_documentation_base(references);

    let state = State {
        documents: documents.clone(),
        configurations,
        keys,
        access,
        options: Arc::new(http::context::Options {
            public_base_url: public_base_url.clone(),
            trusted_proxies: config.server.trusted_proxies.clone(),
        }),
        clock: Arc::new(Utc::now),
    };
    let engine = Engine {
        processes: processes.clone(),
        codes,
        code_policy: config.codes.policy(),
        code_limits: Arc::new(CodeLimits::new(config.codes.limits())),
        clock: clock.clone(),
    };
    let sandbox = channels.sandbox().map(|outbox| Sandbox { outbox: outbox.clone(), offset });
    let operations = Operations { store: shared.clone(), collect: store_gauges(&store, &registry)?, registry: registry.clone() };
    let app = Application {
        state,
        engine,
        sandbox: sandbox.clone(),
        desk: Desk { receipts, channels },
        operations,
        metrics: HttpMetrics::new(&registry)?,
        json_limit: config.server.json_limit,
    };

    let timer = Timer::start(shared, clock.clone(), metrics, hosts, TimerOptions::default());
    let background = vec![sweep(processes.clone()), collect_orphans(documents, processes.clone(), config.documents.orphan_grace)];
    let patience = config.server.shutdown.to_std().unwrap_or(Duration::from_secs(30));
    let http = HttpServer::new(move || {
        let app_config = app.clone();
        App::new().wrap(middleware::from_fn(http::operations::observe)).configure(move |service| app_config.configure(service))
    })
    .workers(workers(&config))
    .max_connections(config.server.connections)
    .shutdown_timeout(patience.as_secs().max(1))
    .disable_signals()
    .listen(listener)?
    .run();
    let parts = Parts { store, processes, timer, background, patience };
    Ok(Running { address, public_base_url, sandbox: sandbox.is_some(), http, parts })
}

fn workers(config: &Config) -> usize {
    config.server.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
}

impl Running {
    /// Serves until `stop` ends, then takes no more requests, lets those under way and their effects end, and closes the store.
    ///
    /// # Errors
    /// If HTTP fails.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let handle = self.http.handle();
        let mut served = std::pin::pin!(self.http);
        let mut stop = std::pin::pin!(stop);
        tokio::select! {
            ended = &mut served => return Ok(ended?),
            () = &mut stop => tracing::info!("going down"),
        }
        let stopping = handle.stop(true);
        let (ended, ()) = tokio::join!(served, stopping);
        let Parts { store, processes, timer, background, patience } = self.parts;
        timer.stop().await;
        background.iter().for_each(tokio::task::JoinHandle::abort);
        let (sign, otp) = tokio::join!(processes.sign.drain(patience), processes.otp.drain(patience));
        if !(sign && otp) {
            tracing::warn!("some effects were still under way; they are taken up again at the next start");
        }
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        closed.map_err(|_| io::Error::other("the store could not be closed"))?;
        Ok(ended?)
    }
}

/// What each HTTP worker gets.
#[derive(Clone)]
struct Application {
    state: State,
    engine: Engine,
    sandbox: Option<Sandbox>,
    desk: Desk,
    operations: Operations,
    metrics: HttpMetrics,
    json_limit: usize,
}

impl Application {
    fn configure(self, service: &mut web::ServiceConfig) {
        let sandbox = self.sandbox.is_some();
        service
            .app_data(web::Data::new(self.state))
            .app_data(web::Data::new(self.engine))
            .app_data(web::Data::new(self.desk))
            .app_data(web::Data::new(self.operations))
            .app_data(web::Data::new(self.metrics))
            .app_data(web::Data::new(http::json::Limit(self.json_limit)))
            .app_data(http::error::path_config())
            .app_data(http::error::query_config());
        http::documents::configure(service);
        // Before the processes: the literal segment `configurations` wins (note route-precedence).
        http::sign_configuration::configure(service);
        http::sign_process::configure(service);
        http::simple_sign::configure(service);
        http::otp::configure(service);
        http::securize::configure(service);
        http::receipts::configure(service);
        http::operations::configure(service);
        http::openapi::configure(service, sandbox);
        if let Some(sandbox) = self.sandbox {
            service.app_data(web::Data::new(sandbox));
            http::sandbox::configure(service);
        }
        service.default_service(web::route().to(http::error::unknown_route));
    }
}

/// Lets idle processes leave memory, every second.
fn sweep(processes: Processes) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        loop {
            every.tick().await;
            processes.sign.sweep();
            processes.otp.sweep();
        }
    })
}

/// Removes files that nothing refers to, now and then.
fn collect_orphans(documents: Documents, processes: Processes, grace: TimeDelta) -> tokio::task::JoinHandle<()> {
    let holds: documents::Holds = Arc::new(move |organization, process| {
        let sign = processes.sign.clone();
        Box::pin(async move {
            let read = sign.read(&organization, process).await;
            read.map_or(true, |process| process.life().is_some_and(|life| !life.status.is_final()))
        })
    });
    tokio::spawn(async move {
        let mut every = tokio::time::interval(COLLECT_EVERY);
        every.tick().await;
        loop {
            every.tick().await;
            match documents.collect(&holds, grace, Utc::now()).await {
                Ok(collected) if collected.removed > 0 => {
                    tracing::info!(collected.removed, "removed files that nothing refers to")
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "files that nothing refers to could not be removed"),
            }
        }
    })
}

/// The store's counters as gauges, read at each scrape.
fn store_gauges(store: &Arc<Sqlite>, registry: &Registry) -> Result<Arc<dyn Fn() + Send + Sync>, prometheus::Error> {
    let gauge = |name: &str, help: &str| {
        let gauge = IntGauge::new(name, help)?;
        registry.register(Box::new(gauge.clone()))?;
        Ok::<_, prometheus::Error>(gauge)
    };
    let commits = gauge("rubrica_store_commits", "Journal commits since the start")?;
    let batches = gauge("rubrica_store_batches", "Transactions that made them durable")?;
    let queue = gauge("rubrica_store_write_queue", "Writes that wait")?;
    let sync = gauge("rubrica_store_last_sync_microseconds", "Duration of the last durable transaction")?;
    let failures = gauge("rubrica_store_failed_batches", "Transactions that failed since the start")?;
    let store = store.clone();
    Ok(Arc::new(move || {
        let stats = store.stats();
        commits.set(stats.commits as i64);
        batches.set(stats.batches as i64);
        queue.set(stats.write_queue as i64);
        sync.set(stats.last_sync_micros as i64);
        failures.set(stats.failures as i64);
    }))
}

/// The development certificate's root in PEM, so that `rubrica verify --root` can trust it.
fn development_root(file: &[u8], password: &str) -> Result<String, ::documents::pkcs12::Error> {
    let identity = ::documents::pkcs12::Identity::open(file, password)?;
    let root = identity.certificates().last().unwrap_or_default();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, root);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    Ok(format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n")))
}

/// Gives the development organization a sign configuration with a certificate that nobody else trusts, unless it has one.
async fn provide_development_tenant(configurations: &SignConfigurations, data: &Path) -> Result<(), Error> {
    let failed = |error: sign_configuration::Error| Error::Development(error.to_string());
    if configurations.load(DEVELOPMENT_ORGANIZATION).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    let now: Timestamp = Utc::now();
    let password = uuid::Uuid::new_v4().to_string();
    let made = ::documents::pkcs12::Identity::development("Acme development seal", "Acme", now, &password);
    let file = made.map_err(|error| Error::Development(error.to_string()))?;
    let root = development_root(&file, &password).map_err(|error| Error::Development(error.to_string()))?;
    let path = data.join(DEVELOPMENT_ROOT);
    std::fs::write(&path, root).map_err(|source| Error::Data { path, source })?;
    let change = Change {
        landing_url: Some("http://localhost/sign".into()),
        expiration_duration: Some("P30D".into()),
        channels: Some(vec!["SMS".into(), "EMAIL".into(), "WHATSAPP".into()]),
        content: Some(file.into()),
        sign_certificate_password: Some(password),
        notification_email: Some("operations@localhost.localdomain".into()),
        identification_config: None,
    };
    configurations.create(DEVELOPMENT_ORGANIZATION, change, now).await.map_err(failed)?;
    tracing::info!(organization = DEVELOPMENT_ORGANIZATION, "made a development certificate");
    Ok(())
}
