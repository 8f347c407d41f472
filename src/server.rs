//! The server as a whole: opens what it needs, starts the processes and HTTP, and goes down without losing anything.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ::store::{Store, Timestamp, blobs::Blobs};
use actix_web::{App, middleware, web};
use actors::{Clock, Metrics, Timer, TimerOptions};
use chrono::{TimeDelta, Utc};
use prometheus::Registry;

use crate::{
    access, cache,
    camara::Camara,
    catalogue::{
        consents::{self, Consents},
        contracts::Contracts,
        documents::{self, Documents},
        dynamic_templates::DynamicTemplates,
        orphans::{Holds, Orphans},
        page_configuration::PageConfigurations,
        sealed_files::SealedFiles,
        sign_configuration::{self, Change, SignConfigurations},
    },
    channels::{self, Channels},
    code_limits::CodeLimits,
    codes::Codes,
    config::{Config, Mode},
    connections::{self, Connections},
    consents::{
        links::Links,
        metrics::Metrics as ConsentMetrics,
        panel::Panel,
        past::Journals,
        profile::Profiles,
        proofs::Proofs,
        service::{self as customers, Customers},
    },
    cpu_pool::{self, CpuPool},
    engine,
    erasure::{self, CustomerEraser, Eraser, LegalHolds, Retention},
    fill_queue::{self, FillQueue},
    filling::{self, Filling},
    fonts,
    handwriting::{self, Handwritings},
    http::{
        self, State, api::Api, operations::HttpMetrics, operations::Operations, processes::Engine, readiness::Readiness,
        receipts::ReceiptServices, sandbox::Sandbox,
    },
    identity_reader::IdentityReader,
    installation,
    keys::{self, Keys},
    outbound::Http,
    page_view::{self, PageView},
    pages::staff,
    periodic_task::PeriodicTask,
    processes::{Processes, Tenants, World, fill::Fills},
    receipts::Receipts,
    records,
    render_workers::{self, Workers},
    sandbox_clock::Offset,
    scoring::{self, Circuits, Internal, Provider, Providers, ScoredPictures},
    signers::{self, AddressLimits, Revisions, Signers, Watchers},
    transfer,
    trust_services::{self, TrustServices},
    verify::{self, service::Verifier},
};

/// The organization that is there from the first development start, with a certificate of its own.
pub const DEVELOPMENT_ORGANIZATION: &str = "acme";

/// File of the data folder with the root of the development certificate.
pub const DEVELOPMENT_ROOT: &str = "development-root.pem";

/// Between two searches for files that nothing refers to, by whichever server comes first.
const COLLECT_EVERY: TimeDelta = TimeDelta::hours(1);

/// Between two searches for pictures that are over their time.
const FORGET_EVERY: TimeDelta = TimeDelta::hours(12);

/// Between two looks whether it is this server's turn to do such a task.
const TURN_LOOK: Duration = Duration::from_secs(600);

/// Maximum time to look an operator's name up and to connect to it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long work on documents may go on once the server takes no more requests.
const CUT_AFTER: Duration = Duration::from_secs(5);

/// Why the server cannot start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the data folder {path}: {source}")]
    Data { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Engine(#[from] engine::Error),
    #[error(transparent)]
    Store(#[from] ::store::Error),
    #[error("the sandbox's clock: {0}")]
    Clock(#[from] records::Error),
    #[error(transparent)]
    Keys(#[from] keys::Error),
    #[error("access: {0}")]
    Access(#[from] access::OptionsError),
    #[error(transparent)]
    Channels(#[from] channels::Error),
    #[error("scoring: {0}")]
    Scoring(String),
    #[error("trust_services.{0}")]
    TrustServices(String),
    #[error("{0}")]
    Escrow(String),
    #[error("the development tenant: {0}")]
    Development(String),
    #[error("console.oidc.{0}")]
    Console(String),
    #[error("verification.roots: {0}")]
    Verification(String),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the operators of phones: {0}")]
    Operators(String),
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
    /// Whether the console is there.
    pub console: bool,
    http: actix_web::dev::Server,
    parts: Parts,
}

/// What must go down in order.
struct Parts {
    engine: engine::Engine,
    processes: Processes,
    cpu: CpuPool,
    timer: Timer,
    background: Vec<tokio::task::JoinHandle<()>>,
    watchers: Watchers,
    going_down: Arc<AtomicBool>,
    drain_pause: Duration,
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
    fonts::prepare(&config.fonts);
    let registry = Registry::new();
    let engine = engine::Engine::open(&engine::Settings::of(&config), &registry).await?;
    let store: Arc<dyn Store> = engine.store();
    transfer::refuse_unfinished(store.as_ref()).await?;
    installation::hold_to(store.as_ref(), installation::fingerprint(&keys)).await?;
    let blobs = engine::blobs(&engine::Settings::of(&config))?;
    if let Err(error) = blobs.ping().await {
        tracing::warn!(%error, "the files cannot be reached yet; the server is not ready until they are");
    }
    let cpu = CpuPool::new(config.cpu.options(), cpu_pool::Metrics::new(&registry)?);
    let drawing = Workers::new(cpu.clone(), config.render.options(), render_workers::Metrics::new(&registry)?);
    let documents = Documents::new(
        store.clone(),
        blobs.clone(),
        cpu.clone(),
        drawing.clone(),
        documents::Options { max_bytes: config.documents.limit, ..Default::default() },
    );
    let contracts = Contracts::new(store.clone());
    let sealed_files = SealedFiles::new(store.clone(), blobs.clone(), keys.clone());
    let sources = filling::Sources::new(store.clone(), &blobs, documents.clone(), drawing.clone());
    let filling_metrics = filling::Metrics::new(&registry)?;
    let dynamic_templates = DynamicTemplates::new(
        store.clone(),
        blobs.clone(),
        documents.clone(),
        Arc::new(drawing.clone()),
        filling_metrics.caches(),
    );
    let orphans = Orphans::new(store.clone(), blobs.clone())
        .knowing(documents.clone())
        .knowing(sources.forms.clone())
        .knowing(sources.images.clone())
        .knowing(dynamic_templates.clone());
    let consents = consents_of(&config, &engine, filling_metrics.caches());
    let filling = Filling::new(sources.clone(), config.filling.options(), filling_metrics);
    let configurations = SignConfigurations::new(store.clone(), keys.clone(), cpu.clone()).reaching(config.scoring.reach());
    let configurations = configurations.offering(config.trust_services.offer());
    let configurations = if engine.is_shared() { configurations } else { configurations.remembering() };
    let by_hand = config.biometric.defaults().map_err(Error::Escrow)?;
    for finding in handwriting::findings(&by_hand, Utc::now()) {
        tracing::warn!("{}", finding.text);
    }
    let handwritings = Handwritings::new(
        by_hand,
        configurations.clone(),
        sealed_files.clone(),
        (store.clone(), &keys),
        cpu.clone(),
        handwriting::Metrics::new(&registry)?,
    );
    if config.mode == Mode::Development {
        provide_development_tenant(&configurations, &data).await?;
    }
    let metrics = Metrics::new(&registry)?;
    let channels = Channels::open(&config.channels, &data, channels::Metrics::new(&registry)?)?;
    for finding in channels.findings(Utc::now()) {
        tracing::warn!("{}", finding.text);
    }
    let access = access::Service::new(&config.access, &keys)?;
    let clock = Clock::system();
    let offset = Offset::new(store.clone());
    if channels.sandbox().is_some() {
        offset.restore(&clock).await?;
    }
    let codes = Codes::new(&keys);
    let receipts = Receipts::new(keys.clone(), config.server.public_base_url.clone());
    let scoring_metrics = scoring::Metrics::new(&registry)?;
    let (failures, pause) = (config.scoring.circuit_failures, config.scoring.circuit_pause);
    let circuits = Circuits::new(failures, pause, clock.clone(), scoring_metrics.clone());
    let http = Http::new(config.scoring.reach(), CONNECT_TIMEOUT).map_err(Error::Operators)?;
    let camara = Camara::new(http, circuits, &registry)?;
    let pictures = ScoredPictures::new(store.clone(), &keys, config.scoring.picture_memory);
    let reader = IdentityReader::new(drawing.clone());
    let internal = Internal { reader: reader.clone(), pictures: pictures.clone() };
    let providers = Providers::new(configurations.clone(), internal, config.scoring.clone(), scoring_metrics, clock.clone());
    let scoring: Arc<dyn Provider> = Arc::new(providers.map_err(Error::Scoring)?);
    let trust_services = TrustServices::new(
        &config.trust_services,
        config.sealing.clone(),
        cpu.clone(),
        (clock.clone(), config.processes.options().effect_timeout),
        trust_services::Metrics::new(&registry)?,
    );
    let trust_services = trust_services.map_err(Error::TrustServices)?;
    let code_limits = Arc::new(match engine.is_shared() {
        true => CodeLimits::shared(config.codes.limits(), store.clone(), &keys),
        false => CodeLimits::new(config.codes.limits(), &keys),
    });
    let options = actors::Options { shared_store: engine.is_shared(), sealer: keys.journals(), ..config.processes.options() };
    let queue = FillQueue::new(&config.fills.options(), clock.clone(), fill_queue::Metrics::new(&registry)?);
    let fills = Fills::new(queue.clone(), options.effect_timeout);
    let consent_metrics = ConsentMetrics::new(&registry)?;
    let holds = LegalHolds::new(store.clone(), &keys);
    let journals = Journals::new(store.clone(), options.sealer.clone());
    // The address that links name.
    let address = config.server.listen;
    let listener = TcpListener::bind(address).map_err(|source| Error::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    let public_base_url = config.server.public_base_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let signers = Signers {
        links: signers::Links::new(&keys, &public_base_url),
        watchers: Watchers::new(config.pages.watchers(), &registry)?,
        limits: Arc::new(AddressLimits::new(config.pages.calls_per_address_and_minute)),
        problems: signers::Problems::new(&registry)?,
        tenants: Tenants::of(&config),
        pages: PageConfigurations::new(store.clone(), cpu.clone()),
        resume_lifetime: config.access.resume_lifetime,
        shared_store: engine.is_shared(),
        revisions: Revisions::new(&keys),
    };
    let (watchers, pages) = (signers.watchers.clone(), signers.pages.clone());
    let world = World {
        scoring: scoring.clone(),
        trust_services,
        store: store.clone(),
        documents: documents.clone(),
        contracts: contracts.clone(),
        sealed_files: sealed_files.clone(),
        handwritings: handwritings.clone(),
        configurations: configurations.clone(),
        channels: channels.clone(),
        codes: codes.clone(),
        code_limits: code_limits.clone(),
        tenants: signers.tenants.clone(),
        links: signers.links.clone(),
        watchers: watchers.clone(),
        receipts: receipts.clone(),
        camara,
        fills: fills.clone(),
        renderer: Arc::new(drawing.clone()),
        consents: consent_metrics.clone(),
        clock: clock.clone(),
        holds: holds.clone(),
        journals: journals.clone(),
    };
    let arbiters: Vec<_> = (0..workers(&config)).map(|_| actix::Arbiter::new().handle()).collect();
    let processes = Processes::new(world, &clock, &options, &metrics, &arbiters);

    let eraser = Eraser {
        processes: processes.clone(),
        documents: documents.clone(),
        sealed_files: sealed_files.clone(),
        scoring: scoring.clone(),
        holds: holds.clone(),
    };
    let erasures = erasure::Metrics::new(&registry)?;
    let retention = Retention {
        store: store.clone(),
        eraser: eraser.clone(),
        periods: Arc::new(config.periods()),
        pause: config.retention.pause(),
        clock: clock.clone(),
        metrics: erasures.clone(),
    };

    let references = config.server.documentation_base_url.clone().unwrap_or_else(|| format!("{public_base_url}/errors"));
    http::error::set_documentation_base(references);

    let customers = Customers::new(
        processes.consents.clone(),
        consents.clone(),
        &keys,
        journals,
        Panel::new(store.clone()),
        customers::Options {
            x_key_lifetime: config.consents.x_key_lifetime,
            captures_per_day: config.consents.captures_per_day,
            policies: config.consent_policies(),
        },
        consent_metrics,
    );
    let proofs = Proofs::new(
        customers.clone(),
        Journals::new(store.clone(), options.sealer.clone()),
        Profiles::new(store.clone()),
        configurations.clone(),
        documents.clone(),
    );
    let links = Links::new(keys.clone(), customers.clone());
    let staff = staff::Site::new(&config, keys.clone(), &public_base_url, store.clone(), reader, channels.clone());
    let staff = staff.map_err(Error::Console)?;
    let has_console = staff.is_some();
    let roots = verify::service::configured(&config.verification).map_err(Error::Verification)?;
    let state = State {
        verifier: Verifier::new(cpu.clone(), configurations.clone(), roots, config.documents.limit),
        documents: documents.clone(),
        page_view: PageView::new(documents.clone(), page_view::Metrics::new(&registry)?),
        consents,
        contracts,
        forms: sources.forms,
        sections: sources.sections,
        templates: sources.templates,
        dynamic_templates,
        template_configurations: sources.configurations,
        images: sources.images,
        filling,
        sealed_files,
        configurations,
        workers: drawing,
        keys,
        access: access.clone(),
        options: Arc::new(http::context::Options {
            public_base_url: public_base_url.clone(),
            trusted_proxies: config.server.trusted_proxies.clone(),
            component_token_lifetime: config.consents.component_token_lifetime,
        }),
        clock: Arc::new(Utc::now),
    };
    let handled = Engine {
        processes: processes.clone(),
        codes,
        code_policies: config.code_policies(),
        identity_documents: config.identity_documents.clone(),
        handwritings,
        scoring,
        code_limits,
        customer_eraser: CustomerEraser::new(customers.clone(), holds),
        customers,
        proofs,
        links,
        signers,
        fills: fills.clone(),
        eraser,
        erasures,
        clock: clock.clone(),
    };
    let sandbox =
        channels.sandbox().map(|outbox| Sandbox { outbox: outbox.clone(), offset: offset.clone(), shared: engine.is_shared() });
    let going_down = Arc::new(AtomicBool::new(false));
    let operations = Operations {
        readiness: Readiness::new(store.clone(), blobs.clone(), config.documents.min_free),
        going_down: going_down.clone(),
        collect: {
            let (engine, channels) = (engine.collect(), channels.clone());
            Arc::new(move || {
                engine();
                channels.measure(Utc::now());
                queue.measure();
            })
        },
        registry: registry.clone(),
    };
    let app = Application {
        state,
        engine: handled,
        sandbox: sandbox.clone(),
        receipts: ReceiptServices { receipts, channels },
        operations,
        metrics: HttpMetrics::new(&registry)?,
        intake: http::intake::Options::new(&config.server),
        origins: http::cors::Origins::new(&config.server.cors_origins, pages.clone()),
        pages,
        staff,
        try_it_out: config.access.development,
    };

    let timer_options = TimerOptions { every: engine.look_every(), ..TimerOptions::default() };
    let timer = Timer::start(store.clone(), clock.clone(), metrics, processes.wakeable(), timer_options);
    let collection = PeriodicTask::new(store.clone(), "orphans", COLLECT_EVERY);
    let forgetting = PeriodicTask::new(store.clone(), "scored pictures", FORGET_EVERY);
    let erasing = PeriodicTask::new(store, "retention", config.retention.every);
    let mut background = vec![
        sweep(processes.clone()),
        collect_orphans(orphans, processes.clone(), collection, config.documents.orphan_grace),
        forget_old_pictures(pictures, blobs, forgetting, clock.clone()),
    ];
    if !retention.periods.is_off() {
        background.push(erase_what_is_over(retention, erasing, config.retention.every));
    }
    if let Some(staff) = &app.staff {
        background.push(staff.recent.follow(app.operations.registry.clone(), app.operations.collect.clone(), Utc::now));
    }
    background.push(tokio::spawn(fills.serve(processes.clone())));
    // Beside the start: an issuer that is away holds nobody up, and is asked again when a token needs its keys.
    background.push(tokio::spawn(async move { access.fetch_key_sets(Utc::now()).await }));
    if sandbox.is_some() && engine.is_shared() {
        background.push(tokio::spawn(offset.follow(clock)));
    }
    let drain_pause = config.server.drain_pause.to_std().unwrap_or_default();
    let patience = config.server.shutdown.to_std().unwrap_or(Duration::from_secs(30));
    let connections = Connections::new(
        config.server.connection_options(),
        connections::Metrics::new(&registry)?,
        http::error::before_any_handler,
    );
    let application = move || {
        let app = app.clone();
        App::new()
            .wrap(middleware::from_fn(http::cors::allow))
            .wrap(middleware::from_fn(http::headers::protect))
            .wrap(middleware::from_fn(http::operations::observe))
            .wrap(middleware::from_fn(connections::exchange))
            .configure(move |service| app.configure(service))
    };
    let builder = actix_server::Server::build()
        .workers(workers(&config))
        .max_concurrent_connections(config.server.connections)
        .shutdown_timeout(patience.as_secs().max(1))
        .disable_signals();
    let http = connections::listen(builder, listener, connections, application)?.run();
    let parts = Parts { engine, processes, cpu, timer, background, watchers, going_down, drain_pause, patience };
    Ok(Running { address, public_base_url, sandbox: sandbox.is_some(), console: has_console, http, parts })
}

/// The catalogue of consents. Where no other server writes to the store, what is known of it never gets old.
fn consents_of(config: &Config, engine: &engine::Engine, caches: cache::Metrics) -> Consents {
    let policies = config.consent_policies();
    let options = consents::Options {
        default_region: Arc::new(move |organization| policies.of(organization).default_region.clone()),
        time_to_live: engine.is_shared().then_some(config.consents.catalogue_ttl),
    };
    Consents::new(engine.store(), options, Arc::new(Utc::now), caches)
}

fn workers(config: &Config) -> usize {
    config.server.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
}

impl Running {
    /// Serves until `stop` ends. Then it is not ready any more, goes on for the pause that is configured, takes no more requests, lets
    /// those under way and their effects end, and closes the store.
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
        let Parts { engine, processes, cpu, timer, background, watchers, going_down, drain_pause, patience } = self.parts;
        going_down.store(true, Ordering::Release);
        tokio::select! {
            ended = &mut served => return Ok(ended?),
            () = tokio::time::sleep(drain_pause) => {}
        }
        // Work on a file ends by itself or by its bounds; the end does not wait that long.
        let cutting = tokio::spawn({
            let cpu = cpu.clone();
            async move {
                tokio::time::sleep(CUT_AFTER.min(patience)).await;
                cpu.close();
            }
        });
        // Who waits for a change would hold up the end, and asks another server.
        watchers.close();
        let stopping = handle.stop(true);
        let (ended, ()) = tokio::join!(served, stopping);
        timer.stop().await;
        background.iter().for_each(tokio::task::JoinHandle::abort);
        let all_ended = processes.drain(patience).await;
        cutting.abort();
        cpu.close();
        if !all_ended {
            tracing::warn!("some effects were still under way; they are taken up again later, here or by another server");
        }
        engine.close().await?;
        Ok(ended?)
    }
}

/// What each HTTP worker gets.
#[derive(Clone)]
struct Application {
    state: State,
    engine: Engine,
    sandbox: Option<Sandbox>,
    receipts: ReceiptServices,
    operations: Operations,
    metrics: HttpMetrics,
    intake: http::intake::Options,
    origins: http::cors::Origins,
    pages: PageConfigurations,
    /// The console, where somebody can sign in.
    staff: Option<staff::Site>,
    /// Whether the description's pages may call the API.
    try_it_out: bool,
}

impl Application {
    fn configure(self, service: &mut web::ServiceConfig) {
        let sandbox = self.sandbox.is_some();
        service
            .app_data(web::Data::new(self.receipts))
            .app_data(web::Data::new(self.operations))
            .app_data(web::Data::new(self.metrics))
            .app_data(web::Data::new(self.intake.clone()))
            .app_data(web::Data::new(self.origins))
            .app_data(web::Data::new(self.pages))
            .app_data(http::error::path_config());
        if let Some(sandbox) = &self.sandbox {
            service.app_data(web::Data::new(sandbox.clone()));
            http::sandbox::configure(service);
        }
        // The operations before the pages: a request of theirs is then matched against no other path.
        Api::new(self.state, self.engine, self.sandbox, self.intake.json_limit).configure(service);
        http::documents::configure(service);
        http::dynamic_templates::configure(service);
        http::scoring::configure(service);
        http::receipts::configure(service);
        http::consents::links::configure(service);
        http::operations::configure(service);
        crate::pages::configure(service);
        if let Some(site) = self.staff {
            staff::configure(site, service);
        }
        http::openapi::configure(service, sandbox, self.try_it_out);
    }
}

/// Lets idle processes leave memory, every second.
fn sweep(processes: Processes) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        loop {
            every.tick().await;
            processes.sweep();
        }
    })
}

/// Removes files that nothing refers to, now and then; of several servers on one store, one does.
fn collect_orphans(
    orphans: Orphans,
    processes: Processes,
    collection: PeriodicTask,
    grace: TimeDelta,
) -> tokio::task::JoinHandle<()> {
    let holds: Holds = Arc::new(move |organization, process, digest| {
        let processes = processes.clone();
        Box::pin(async move { processes.hold(&organization, process, &digest).await })
    });
    in_turns(collection, TURN_LOOK, move || {
        let (orphans, holds) = (orphans.clone(), holds.clone());
        async move {
            match orphans.collect(&holds, grace, Utc::now()).await {
                Ok(collected) if collected.removed > 0 => {
                    tracing::info!(collected.removed, "removed files that nothing refers to")
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "files that nothing refers to could not be removed"),
            }
        }
    })
}

/// Forgets pictures of identity documents that are over their time.
fn forget_old_pictures(
    pictures: ScoredPictures,
    files: Blobs,
    forgetting: PeriodicTask,
    clock: Clock,
) -> tokio::task::JoinHandle<()> {
    in_turns(forgetting, TURN_LOOK, move || {
        let (pictures, files, now) = (pictures.clone(), files.clone(), clock.now());
        async move {
            // Who had a picture scored has, or had, its file here.
            let organizations = match files.organizations().await {
                Ok(organizations) => organizations,
                Err(error) => return tracing::warn!(%error, "whose pictures are over their time could not be read"),
            };
            for organization in organizations {
                match pictures.forget_old(&organization, now).await {
                    Ok(0) => {}
                    Ok(count) => tracing::info!(organization, count, "forgot pictures of documents that were over their time"),
                    Err(error) => {
                        tracing::warn!(organization, %error, "pictures that are over their time could not be forgotten")
                    }
                }
            }
        }
    })
}

/// Erases ended processes that are over their time.
fn erase_what_is_over(retention: Retention, erasing: PeriodicTask, every: TimeDelta) -> tokio::task::JoinHandle<()> {
    let look = every.to_std().unwrap_or(TURN_LOOK).min(TURN_LOOK);
    in_turns(erasing, look, move || {
        let retention = retention.clone();
        async move {
            match retention.pass().await {
                Ok(passed) if passed.erased > 0 => {
                    tracing::info!(passed.erased, passed.left, "erased processes that were over their time")
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "processes that are over their time could not be looked for"),
            }
        }
    })
}

/// Does a task whenever it is this server's turn, which it looks for every so often.
fn in_turns<W>(task: PeriodicTask, look: Duration, work: impl Fn() -> W + Send + 'static) -> tokio::task::JoinHandle<()>
where
    W: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        let mut every = tokio::time::interval(look);
        every.tick().await;
        loop {
            every.tick().await;
            match task.take(Utc::now()).await {
                Ok(Some(turn)) => drop(turn.spend(work()).await),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, task = task.name(), "whose turn it is could not be read"),
            }
        }
    })
}

/// The development certificate's root in PEM, so that `rubrica verify --root` can trust it.
fn development_root(identity: &::documents::pkcs12::Identity) -> String {
    let root = identity.certificates().last().unwrap_or_default();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, root);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Gives the development organization a sign configuration with a certificate that nobody else trusts, unless it has one, and the
/// data folder that certificate's root. Of servers that start at once on one store, the first one's is that of all.
async fn provide_development_tenant(configurations: &SignConfigurations, data: &Path) -> Result<(), Error> {
    let failed = |error: sign_configuration::Error| Error::Development(error.to_string());
    if configurations.load(DEVELOPMENT_ORGANIZATION).await.map_err(failed)?.is_none() {
        let now: Timestamp = Utc::now();
        let password = uuid::Uuid::new_v4().to_string();
        let made = ::documents::pkcs12::Identity::development("Acme development seal", "Acme", now, &password);
        let change = Change {
            landing_url: Some(signers::OWN_PAGES.into()),
            expiration_duration: Some("P30D".into()),
            channels: Some(vec!["SMS".into(), "EMAIL".into(), "WHATSAPP".into()]),
            content: Some(made.map_err(|error| Error::Development(error.to_string()))?.into()),
            sign_certificate_password: Some(password),
            notification_email: Some("operations@localhost.localdomain".into()),
            identification_config: None,
            contact_policy: None,
            biometric_policy: None,
            signature_level: None,
        };
        configurations.provide(DEVELOPMENT_ORGANIZATION, change, now).await.map_err(failed)?;
        tracing::info!(organization = DEVELOPMENT_ORGANIZATION, "made a development certificate");
    }
    let path = data.join(DEVELOPMENT_ROOT);
    if path.exists() {
        return Ok(());
    }
    match configurations.identity(DEVELOPMENT_ORGANIZATION, Utc::now()).await {
        Ok(identity) => std::fs::write(&path, development_root(&identity)).map_err(|source| Error::Data { path, source }),
        Err(error) => {
            tracing::warn!(%error, "the root of the development certificate could not be written to the data folder");
            Ok(())
        }
    }
}
