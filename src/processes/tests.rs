//! The real effects, each failed and each repeated: what a failed attempt leaves behind must not show, and what is performed
//! twice must be seen once.
//!
//! Here the hosts have no adapters, so that no effect is performed but by the tests; [`whole`] runs them as the server does.

mod chain;
mod checks;
mod contracts;
mod erasing;
mod files;
mod fills;
mod handwriting;
mod outside;
mod server;
mod walk;
mod whole;

use std::{net::TcpListener, sync::Arc, time::Duration};

use ::documents::{fixtures, pkcs12::Identity};
use ::store::{
    Entity, Store, Timestamp,
    blobs::Blobs,
    faulty::{Faulty, Plan},
    model::Model,
};
use actix::Arbiter;
use actors::{
    Call, Clock, Host, Metrics, Options,
    journal::{self, EffectId, Fact, Sealer},
};
use bytes::Bytes;
use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use uuid::Uuid;
use workflows::{
    Channel, Contact, Device, IdentificationType, Machine, Msisdn, SignType,
    identification::{
        chain::Chain,
        otp::{self, Otp, Policy},
    },
    sign_process::{self, Contract, Creation, Document, SignProcess, Signer, SignerFields, process_id, signature_id},
};

use super::{Processes, Tenants, World};
use crate::{
    camara::operator::Operator,
    catalogue::{
        self,
        contracts::Contracts,
        documents::{Documents, Upload},
        orphans::Orphans,
        sealed_files::SealedFiles,
        sign_configuration::{Change, SignConfigurations},
    },
    channels::{self, Channels, sandbox::Stored},
    code_limits::CodeLimits,
    codes::Codes,
    cpu_pool::CpuPool,
    handwriting::{Defaults, Handwritings, testing},
    keys::Keys,
    receipts::Receipts,
    scoring::testing::Scripted,
    trust_services::TrustServices,
};

const ORGANIZATION: &str = "acme";
const FIELD: &str = "SIGNATURE_SELLER";
const PHONE: u64 = 600_111_222;
const EMAIL: &str = "ana@example.org";

/// Everything that outlives an attempt.
struct Setting {
    store: Arc<Faulty<Model>>,
    clock: Clock,
    blobs: Blobs,
    documents: Documents,
    configurations: SignConfigurations,
    channels: Channels,
    codes: Codes,
    provider: Scripted,
    renderer: fills::Told,
    folder: TempDir,
}

fn metrics() -> channels::Metrics {
    channels::Metrics::new(&prometheus::Registry::new()).expect("a new registry")
}

impl Setting {
    /// The collector of orphans, which knows of documents and processes.
    fn orphans(&self) -> Orphans {
        Orphans::new(self.store.clone(), self.blobs.clone()).knowing(self.documents.clone())
    }

    /// A tenant with a certificate that is good for two years, over a store that fails by the plan once all of this is there.
    async fn new(seed: u64, plan: Plan) -> Self {
        let store = Arc::new(Faulty::new(Model::new(), seed, plan));
        let shared: Arc<dyn Store> = store.clone();
        let blobs = Blobs::memory();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = Keys::from_bytes(&[7; 32]);
        let setting = Self {
            documents: Documents::new(
                shared.clone(),
                blobs.clone(),
                CpuPool::default(),
                crate::render_workers::Workers::none(),
                Default::default(),
            ),
            configurations: SignConfigurations::new(shared, keys.clone(), CpuPool::default())
                .reaching(crate::camara::testing::reach()),
            channels: Channels::open(&channels::Options::default(), folder.path(), metrics()).expect("a sandbox"),
            codes: Codes::new(&keys),
            provider: Scripted::default(),
            renderer: fills::Told::default(),
            clock: Clock::manual(Timestamp::from_timestamp(1_900_000_000, 0).expect("an instant in 2030")),
            store,
            blobs,
            folder,
        };
        setting.give_certificate().await;
        setting
    }

    /// Without faults but those that are asked for.
    async fn calm() -> Self {
        Self::new(0, Plan::default()).await
    }

    /// A certificate made now takes the place of the tenant's.
    async fn give_certificate(&self) {
        let now = self.clock.now();
        let file = Identity::development("Acme seal", "Acme", now, "a password").expect("an identity");
        let change = || Change {
            landing_url: Some("https://acme.example/sign".into()),
            expiration_duration: Some("P30D".into()),
            channels: Some(vec!["EMAIL".into()]),
            content: Some(file.clone().into()),
            sign_certificate_password: Some("a password".into()),
            notification_email: Some("operations@acme.example".into()),
            identification_config: None,
            contact_policy: None,
            biometric_policy: None,
            signature_level: None,
        };
        persistently(async || self.configurations.create(ORGANIZATION, change(), now).await).await;
    }

    /// The organization has an operator of phones to ask.
    async fn give_operator(&self, operator: &Operator) {
        let policy = serde_json::json!({ "operator": operator.settings() }).to_string();
        let change = || Change { contact_policy: Some(policy.clone()), ..Change::default() };
        let now = self.clock.now();
        persistently(async || self.configurations.update(ORGANIZATION, change(), now).await).await;
    }

    fn world(&self, channels: &Channels) -> World {
        World {
            scoring: Arc::new(self.provider.clone()),
            trust_services: TrustServices::none(),
            store: self.store.clone(),
            documents: self.documents.clone(),
            contracts: self.contracts(),
            sealed_files: self.sealed_files(),
            handwritings: self.handwritings(),
            configurations: self.configurations.clone(),
            channels: channels.clone(),
            codes: self.codes.clone(),
            code_limits: Arc::new(CodeLimits::new(Default::default(), &Keys::from_bytes(&[7; 32]))),
            receipts: Receipts::new(Keys::from_bytes(&[7; 32]), None),
            tenants: Tenants::default(),
            links: crate::signers::Links::new(&Keys::from_bytes(&[7; 32]), "https://sign.example.org"),
            watchers: crate::signers::Watchers::for_tests(),
            camara: crate::camara::testing::camara(),
            fills: self.fills(),
            renderer: Arc::new(self.renderer.clone()),
            consents: Default::default(),
            clock: self.clock.clone(),
            holds: crate::erasure::LegalHolds::new(self.store.clone(), &Keys::from_bytes(&[7; 32])),
            journals: crate::consents::past::Journals::new(self.store.clone(), Options::default().sealer),
        }
    }

    fn handwritings(&self) -> Handwritings {
        self.handwritings_by(testing::escrow())
    }

    fn handwritings_by(&self, defaults: Defaults) -> Handwritings {
        let (keys, files) = (Keys::from_bytes(&[7; 32]), self.sealed_files());
        testing::handwritings(defaults, self.store.clone(), &self.configurations, &files, &keys)
    }

    fn sealed_files(&self) -> SealedFiles {
        SealedFiles::new(self.store.clone(), self.blobs.clone(), Keys::from_bytes(&[7; 32]))
    }

    /// Channels whose mail server and gateway take no connections.
    fn channels_that_are_down(&self) -> Channels {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);
        let text = format!(
            "[smtp]\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\nfrom = 'rubrica@example.org'\n\
             [gateway.sms]\nurl = 'http://127.0.0.1:{port}/send'\nplain_http = true\nbody = '{{\"to\": \"{{{{to}}}}\"}}'\n"
        );
        let options = toml::from_str(&text).expect("options of the channels");
        Channels::open(&options, self.folder.path(), metrics()).expect("channels")
    }

    /// A document to sign, held for the process, and the process' creation with one signer, who gets notices by e-mail and the code
    /// by SMS.
    async fn creation(&self) -> Creation {
        let now = self.clock.now();
        let id = process_id(Uuid::now_v7());
        let content = Bytes::from(fixtures::contract(&[FIELD]));
        let upload = || Upload {
            name: Some("contract.pdf".into()),
            extension: Some("pdf".into()),
            content: Some(content.clone()),
            ..Upload::default()
        };
        let document = persistently(async || self.documents.upload(ORGANIZATION, upload(), now).await).await;
        persistently(async || self.documents.hold(ORGANIZATION, &document.digest, id, now).await).await;
        let contract = self.contract(document.id).await;
        Creation {
            id,
            sign_type: SignType::Simple,
            identification_type: IdentificationType::Otp,
            signers: vec![Signer {
                alias: "seller".into(),
                person: Contact {
                    name: Some("Ana".into()),
                    email: Some(EMAIL.into()),
                    msisdn: Some(Msisdn { phone_number: PHONE, country_code: "34".into() }),
                    ..Contact::default()
                },
                identification: Uuid::new_v4(),
                channel: Some(Channel::Sms),
                two_factor_type: None,
                evidence_required: false,
            }],
            documents: vec![Document {
                id: document.id,
                name: document.name,
                owner: None,
                digest: document.digest.to_string(),
                size: document.size,
                pages: 1,
                fields: vec![SignerFields { signer: "seller".into(), fields: vec![FIELD.into()] }],
                contract: Some(Contract { id: contract, template: "rental".into(), version: "1.0".into() }),
            }],
            previews: Vec::new(),
            expires_at: now + TimeDelta::days(30),
            notices: vec![Channel::Email],
            // The digits of both channels are the same, so that the code is.
            policy: Policy { fallback_channels: vec![Channel::Email], digits_email: 6, ..Policy::default() },
            document_check: None,
            contact_policy: otp::ContactPolicy::default(),
        }
    }

    /// A contract whose filled document this is.
    async fn contract(&self, document: Uuid) -> Uuid {
        let contract = || catalogue::contracts::Contract::new(document, "rental".into(), "1.0".into());
        let act = self.clock.now().into();
        persistently(async || self.contracts().register(ORGANIZATION, contract(), act).await).await
    }

    fn contracts(&self) -> Contracts {
        Contracts::new(self.store.clone())
    }

    /// Hosts that perform nothing, and the adapters that would.
    fn bare(&self) -> Bare {
        let arbiter = Arbiter::new();
        let (sign, otp, chain) = (self.bare_host(&arbiter), self.bare_host(&arbiter), self.bare_host(&arbiter));
        let processes = Processes {
            sign: sign.clone(),
            otp: otp.clone(),
            agent: self.bare_host(&arbiter),
            identity_document: self.bare_host(&arbiter),
            scoring: self.bare_host(&arbiter),
            chain: chain.clone(),
            fill: self.bare_host(&arbiter),
            consents: self.bare_host(&arbiter),
        };
        let adapters = |channels: &Channels| {
            let world = Arc::new(self.world(channels));
            Adapters {
                sign: super::sign::Adapter::new(world.clone(), processes.clone()),
                otp: super::otp::Adapter::new(world.clone(), processes.clone()),
                chain: super::chain::Adapter::new(world, processes.clone()),
            }
        };
        let (up, down) = (adapters(&self.channels), adapters(&self.channels_that_are_down()));
        Bare { sign, otp, chain, processes, up, down, arbiter }
    }

    fn bare_host<M: Machine>(&self, arbiter: &Arbiter) -> Host<M> {
        let metrics = Metrics::new(&prometheus::Registry::new()).expect("an empty registry");
        Host::new(self.store.clone(), self.clock.clone(), Options::default(), metrics, vec![arbiter.handle()])
    }

    /// What stands in a process' journal.
    async fn events<M: Machine>(&self, id: Uuid) -> Vec<(u64, Timestamp, M::Event)>
    where
        M::Event: DeserializeOwned,
    {
        let entity = Entity::new(ORGANIZATION, M::KIND, id);
        let lines = journal::read::<M::Event>(self.store.inner(), &Sealer::default(), &entity).await.expect("a whole journal");
        let events = lines.into_iter().filter_map(|line| match line.fact {
            Some(Fact::Event(event)) => Some((line.seq, line.at, event)),
            _ => None,
        });
        events.collect()
    }

    /// All that a process has asked of the world, as its host would call for it now.
    async fn calls<M: Machine>(&self, id: Uuid) -> Vec<Call<M>>
    where
        M::Event: DeserializeOwned,
    {
        let mut machine = M::default();
        let mut asked = Vec::new();
        for (seq, at, event) in self.events::<M>(id).await {
            machine.apply(at, &event);
            let effects = machine.effects(&event).into_iter().zip(0..);
            asked.extend(effects.map(|(effect, index)| (EffectId { seq, index }, effect)));
        }
        let (state, now) = (Arc::new(machine), self.clock.now());
        let entity = Entity::new(ORGANIZATION, M::KIND, id);
        let call = |(id, effect)| Call { entity: entity.clone(), id, attempt: 1, effect, state: state.clone(), now };
        asked.into_iter().map(call).collect()
    }

    /// The documents with a tag: their ids and digests.
    async fn tagged(&self, tag: &str) -> Vec<String> {
        let all = self.store.inner().records(ORGANIZATION, "document", "", None, 100).await.expect("the model answers");
        let json = all
            .into_iter()
            .map(|(id, record)| (id, serde_json::from_slice::<serde_json::Value>(&record.body).expect("a record is JSON")));
        let tagged = json.filter(|(_, json)| json["tags"].as_array().is_some_and(|tags| tags.iter().any(|is| is == tag)));
        tagged.map(|(id, json)| format!("{id} {}", json["digest"])).collect()
    }

    /// How many bytes are held for processes.
    async fn held_for_processes(&self) -> usize {
        let all = self.store.inner().records(ORGANIZATION, "blob_reference", "", None, 100).await.expect("the model answers");
        let json = all.iter().map(|(_, record)| serde_json::from_slice::<serde_json::Value>(&record.body).expect("JSON"));
        json.filter(|json| json["kind"] == "process" && json["state"] == "held").count()
    }

    fn messages(&self, is_it: impl Fn(&Stored) -> bool) -> Vec<String> {
        let all = self.channels.sandbox().expect("the sandbox is on").list(None, 100);
        all.iter().filter(|message| is_it(message)).map(|message| message.id.to_string()).collect()
    }

    fn code(&self, challenge: Uuid) -> String {
        self.codes.code(challenge, Policy::default().digits(Channel::Sms))
    }

    fn challenge(&self) -> (Uuid, otp::Command) {
        let id = Uuid::now_v7();
        let hash = self.codes.hash(id, &self.code(id));
        (id, otp::CodeCommand::Challenge { id, hash, two_factor: None }.into())
    }

    fn validate(&self, challenge: Uuid) -> otp::Command {
        let code = self.codes.typed(Some(challenge), &self.code(challenge));
        otp::CodeCommand::Validate { code, two_factor: None, device: Device::default(), resume: None }.into()
    }

    /// Holds that there is one document with a tag, and that its signatures are intact.
    async fn assert_intact(&self, tag: &str) {
        let tagged = self.tagged(tag).await;
        assert_eq!(tagged.len(), 1, "{tag}: {tagged:?}");
        let id = tagged[0].split(' ').next().and_then(|id| id.parse().ok()).expect("an id");
        let document = persistently(async || self.documents.find(ORGANIZATION, id).await).await;
        let bytes = persistently(async || self.documents.bytes(ORGANIZATION, &document).await).await;
        let report = ::documents::verify::verify(&bytes, &Default::default(), self.clock.now()).expect("a PDF");
        assert!(report.all_intact(), "{tag}: {report:?}");
    }
}

struct Adapters {
    sign: super::sign::Adapter,
    otp: super::otp::Adapter,
    chain: super::chain::Adapter,
}

/// Hosts without adapters, and adapters without hosts that call them.
struct Bare {
    processes: Processes,
    sign: Host<SignProcess>,
    otp: Host<Otp>,
    chain: Host<Chain>,
    up: Adapters,
    /// The same while mail server and gateway are down.
    down: Adapters,
    arbiter: Arbiter,
}

impl Bare {
    fn others(&self) -> usize {
        self.processes.agent.actors() + self.processes.fill.actors()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let actors = || self.sign.actors() + self.otp.actors() + self.chain.actors() + self.others();
            let deadline = std::time::Instant::now() + Duration::from_secs(10);
            while actors() > 0 {
                assert!(std::time::Instant::now() < deadline, "at the end of the test {} actors are left running", actors());
                // An actor that has just answered is at work a moment longer.
                self.sign.let_go();
                self.otp.let_go();
                self.processes.agent.let_go();
                self.processes.fill.let_go();
                self.chain.let_go();
                std::thread::yield_now();
            }
        }
        self.arbiter.stop();
    }
}

fn sign_command(process: Uuid) -> sign_process::Command {
    sign_process::Command::Sign { signature: signature_id(process, 0), device: Device::default(), handwriting: None }
}

/// Asks a faulty store until it does what is asked; fails with its last error if it never does.
async fn persistently<T, E: std::fmt::Debug>(mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let mut last = None;
    for _ in 0..50 {
        match ask().await {
            Ok(done) => return done,
            Err(error) => last = Some(error),
        }
    }
    panic!("it never worked: {last:?}");
}

/// Waits for what other threads are about to bring about, and no longer; fails if they do not.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..20_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never came about: {what}");
}
