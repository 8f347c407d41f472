//! The world of the handlers' tests: an application over memory, callers, and multipart bodies.

use std::sync::Arc;

use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{self, TestRequest};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use serde_json::Value;
use store::blobs::Blobs;
use store::{Store, model::Model};

use super::api::Api;
use super::context::{Options, State};
use super::processes::Engine;
use super::{documents, error, scoring};
use crate::access::{self, Role};
use crate::catalogue::consents::Consents;
use crate::catalogue::contracts::Contracts;
use crate::catalogue::documents::{Documents, Options as DocumentOptions};
use crate::catalogue::dynamic_templates::DynamicTemplates;
use crate::catalogue::page_configuration::PageConfigurations;
use crate::catalogue::sealed_files::SealedFiles;
use crate::catalogue::sign_configuration::SignConfigurations;
use crate::channels::{self, Channels};
use crate::code_limits::{self, CodeLimits};
use crate::codes::Codes;
use crate::config::DEFAULT_JSON_LIMIT;
use crate::consents::{self, links::Links, past::Journals, profile::Profiles, proofs::Proofs, service::Customers};
use crate::cpu_pool::CpuPool;
use crate::erasure::{self, CustomerEraser, Eraser, LegalHolds};
use crate::filling::{self, Filling};
use crate::handwriting;
use crate::keys::Keys;
use crate::page_view::{self, PageView};
use crate::processes::{self, Processes, Tenants, fill::Fills};
use crate::receipts::Receipts;
use crate::render_workers::{self, Workers};
use crate::scoring::testing::Scripted;
use crate::signers::{AddressLimits, Revisions, Signers, Watchers};
use crate::trust_services::TrustServices;
use crate::verify::{roots::Roots, service::Verifier};

pub const MAX_DOCUMENT: usize = 64 * 1024;

pub struct World {
    pub state: State,
    pub keys: Keys,
    pub provider: Scripted,
    store: Arc<Model>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, code and title of the first problem, and its details.
    pub fn problem(&self) -> (u16, String, String, String) {
        let problem = self.json()["errors"][0].clone();
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        (self.status, text("code"), text("title"), text("details"))
    }
}

impl World {
    pub fn new() -> Self {
        let keys = Keys::from_bytes(&[7; 32]);
        let store = Arc::new(Model::new());
        let cpu = CpuPool::default();
        let options = access::Options { development: true, ..Default::default() };
        let blobs = Blobs::memory();
        let documents = Documents::new(
            store.clone(),
            blobs.clone(),
            cpu.clone(),
            Workers::none(),
            DocumentOptions { max_bytes: MAX_DOCUMENT, ..Default::default() },
        );
        let workers = Workers::new(cpu.clone(), render_workers::Options::default(), render_workers::Metrics::default());
        let dynamic_templates = DynamicTemplates::new(
            store.clone(),
            blobs.clone(),
            documents.clone(),
            Arc::new(workers.clone()),
            filling::Metrics::default().caches(),
        );
        let sources = filling::Sources::new(store.clone(), &blobs, documents, workers);
        let state = State {
            consents: Consents::new(store.clone(), Default::default(), Arc::new(Utc::now), filling::Metrics::default().caches()),
            contracts: Contracts::new(store.clone()),
            sealed_files: SealedFiles::new(store.clone(), blobs, keys.clone()),
            documents: sources.documents.clone(),
            page_view: PageView::new(sources.documents.clone(), page_view::Metrics::default()),
            forms: sources.forms.clone(),
            sections: sources.sections.clone(),
            templates: sources.templates.clone(),
            dynamic_templates,
            template_configurations: sources.configurations.clone(),
            images: sources.images.clone(),
            workers: sources.workers.clone(),
            filling: Filling::new(sources, filling::Options::default(), filling::Metrics::default()),
            verifier: Verifier::new(
                cpu.clone(),
                SignConfigurations::new(store.clone(), keys.clone(), cpu.clone()),
                Roots::default(),
                MAX_DOCUMENT,
            ),
            configurations: SignConfigurations::new(store.clone(), keys.clone(), cpu),
            keys: keys.clone(),
            access: access::Service::new(&options, &keys).unwrap(),
            options: Arc::new(Options {
                public_base_url: "https://sign.example".into(),
                trusted_proxies: Vec::new(),
                ..Options::default()
            }),
            clock: Arc::new(Utc::now),
        };
        Self { state, keys, store, provider: Scripted::default() }
    }

    /// The operations, over processes that perform no effect. To be called within an actix system.
    pub fn api(&self) -> Api {
        let clock = actors::Clock::system();
        let folder = tempfile::tempdir().unwrap();
        let codes = Codes::new(&self.keys);
        let channel_metrics = channels::Metrics::new(&prometheus::Registry::new()).unwrap();
        let code_limits = Arc::new(CodeLimits::new(code_limits::Options::default(), &self.keys));
        let fills = Fills::for_tests(&Default::default(), &clock);
        let handwritings = handwriting::testing::handwritings(
            handwriting::testing::escrow(),
            self.store.clone(),
            &self.state.configurations,
            &self.state.sealed_files,
            &self.keys,
        );
        let signers = Signers {
            links: crate::signers::Links::new(&self.keys, "https://sign.example.org"),
            watchers: Watchers::for_tests(),
            limits: Arc::new(AddressLimits::new(0)),
            problems: crate::signers::Problems::new(&prometheus::Registry::new()).unwrap(),
            tenants: Tenants::default(),
            pages: PageConfigurations::new(self.store.clone(), CpuPool::default()),
            resume_lifetime: TimeDelta::days(1),
            shared_store: false,
            revisions: Revisions::new(&self.keys),
        };
        let world = processes::World {
            scoring: Arc::new(self.provider.clone()),
            trust_services: TrustServices::none(),
            store: self.store.clone(),
            documents: self.state.documents.clone(),
            contracts: self.state.contracts.clone(),
            sealed_files: self.state.sealed_files.clone(),
            handwritings: handwritings.clone(),
            configurations: self.state.configurations.clone(),
            channels: Channels::open(&channels::Options::default(), folder.path(), channel_metrics).unwrap(),
            codes: codes.clone(),
            code_limits: code_limits.clone(),
            tenants: Tenants::default(),
            links: signers.links.clone(),
            watchers: signers.watchers.clone(),
            receipts: Receipts::new(self.keys.clone(), None),
            camara: crate::camara::testing::camara(),
            fills: fills.clone(),
            renderer: Arc::new(self.state.workers.clone()),
            consents: consents::metrics::Metrics::default(),
            clock: clock.clone(),
            holds: LegalHolds::new(self.store.clone(), &self.keys),
            journals: Journals::new(self.store.clone(), actors::Options::default().sealer),
        };
        let metrics = actors::Metrics::new(&prometheus::Registry::new()).unwrap();
        let arbiters = [actix::Arbiter::current()];
        let actor_options = actors::Options::default();
        let processes = Processes::new(world, &clock, &actor_options, &metrics, &arbiters);
        let customers = Customers::new(
            processes.consents.clone(),
            self.state.consents.clone(),
            &self.keys,
            Journals::new(self.store.clone(), actor_options.sealer.clone()),
            consents::panel::Panel::new(self.store.clone()),
            consents::service::Options::default(),
            consents::metrics::Metrics::default(),
        );
        let eraser = Eraser {
            processes: processes.clone(),
            documents: self.state.documents.clone(),
            sealed_files: self.state.sealed_files.clone(),
            scoring: Arc::new(self.provider.clone()),
            holds: LegalHolds::new(self.store.clone(), &self.keys),
        };
        let customers_for_erasure = customers.clone();
        let proofs = Proofs::new(
            customers.clone(),
            Journals::new(self.store.clone(), actor_options.sealer.clone()),
            Profiles::new(self.store.clone()),
            self.state.configurations.clone(),
            self.state.documents.clone(),
        );
        let engine = Engine {
            proofs,
            links: Links::new(self.keys.clone(), customers.clone()),
            customers,
            processes,
            codes,
            code_policies: Default::default(),
            identity_documents: Default::default(),
            handwritings,
            scoring: Arc::new(self.provider.clone()),
            code_limits,
            fills,
            customer_eraser: CustomerEraser::new(customers_for_erasure, eraser.holds.clone()),
            erasures: erasure::Metrics::new(&prometheus::Registry::new()).unwrap(),
            eraser,
            signers,
            clock,
        };
        Api::new(self.state.clone(), engine, None, DEFAULT_JSON_LIMIT)
    }

    pub fn token(&self, organization: &str, roles: &[Role]) -> String {
        access::development::token(&self.keys, organization, roles, TimeDelta::hours(1), Utc::now())
    }

    /// A request with the token of an organization that may do everything.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        let organization = path.split('/').nth(3).unwrap_or_default();
        let bearer = format!("Bearer {}", self.token(organization, &[]));
        TestRequest::default().method(method).uri(path).insert_header((header::AUTHORIZATION, bearer))
    }

    /// Whether sealed files are held for any process of the organization `acme`.
    pub async fn keeps_files(&self) -> bool {
        let references = self.store.records("acme", "blob_reference", "", None, 100).await.unwrap();
        references.iter().any(|(_, record)| String::from_utf8_lossy(&record.body).contains("\"held\""))
    }

    /// What stands in a journal.
    pub async fn entries(&self, entity: &::store::Entity) -> Vec<String> {
        let entries = self.store.entries(entity, 1, 100).await.unwrap();
        entries.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect()
    }

    pub async fn call(&self, request: TestRequest) -> Answer {
        let app = App::new()
            .app_data(error::path_config())
            .configure(|service| self.api().configure(service))
            .configure(documents::configure)
            .configure(scoring::configure);
        let app = test::init_service(app).await;
        answer(app.call(request.to_request()).await).await
    }
}

async fn answer<B: MessageBody>(outcome: Result<ServiceResponse<B>, actix_web::Error>) -> Answer
where
    B::Error: std::fmt::Debug,
{
    match outcome {
        Ok(response) => {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            Answer { status, headers, body }
        }
        Err(error) => {
            let response = error.error_response();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            Answer { status, headers, body }
        }
    }
}

/// A multipart body, part by part.
#[derive(Default)]
pub struct Form(Vec<u8>);

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn part(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes());
        self.0.extend_from_slice(value.as_ref());
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// The body, with `XX` as its boundary.
    pub fn bytes(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"--XX--\r\n");
        self.0
    }

    pub fn on(self, request: TestRequest) -> TestRequest {
        self.on_as(request, "multipart/form-data")
    }

    pub fn on_as(self, request: TestRequest, media_type: &str) -> TestRequest {
        let body = self.bytes();
        request
            .insert_header((header::CONTENT_TYPE, format!("{media_type}; boundary=XX")))
            .insert_header((header::CONTENT_LENGTH, body.len()))
            .set_payload(body)
    }
}

/// The triple of status, code and title that an error must have.
pub fn expect_problem(answer: &Answer, status: StatusCode, code: &str, title: &str) {
    let (is, is_code, is_title, details) = answer.problem();
    assert_eq!((is, is_code.as_str(), is_title.as_str()), (status.as_u16(), code, title), "{details}");
    assert!(!details.is_empty());
}
