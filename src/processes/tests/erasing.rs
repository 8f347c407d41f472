//! Erasing: an ended process goes with all that belongs to it, whatever fails, and what must stay stays.

use std::sync::Arc;

use ::store::{RecordKey, Store, blobs::Digest, faulty::Fault};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use workflows::{
    IdentificationState, IdentityDocument,
    identification::agent,
    sign_process::{Command, Status},
    values::CalendarDuration,
};

use super::{
    server::Server,
    whole::{Client, PLAN},
    *,
};
use crate::{
    catalogue::documents,
    erasure::{Covers, Deed, Eraser, Error, Kind, LegalHolds, Order, Passed, Periods, Retention, Target},
    processes::vouching::{Desk, Validation},
};

/// What is looked for in all that the store has.
const PERSONAL: [&str; 3] = [EMAIL, "600111222", "Certificada"];

impl Setting {
    fn eraser(&self, processes: &Processes) -> Eraser {
        let world = self.world(&self.channels);
        Eraser {
            processes: processes.clone(),
            documents: self.documents.clone(),
            sealed_files: self.sealed_files(),
            scoring: world.scoring,
            holds: self.holds(),
        }
    }

    fn holds(&self) -> LegalHolds {
        LegalHolds::new(self.store.clone(), &Keys::from_bytes(&[7; 32]))
    }

    fn retention(&self, processes: &Processes, periods: Periods) -> Retention {
        Retention {
            store: self.store.clone(),
            eraser: self.eraser(processes),
            periods: Arc::new(periods),
            pause: Duration::ZERO,
            clock: self.clock.clone(),
            metrics: crate::erasure::Metrics::new(&prometheus::Registry::new()).expect("a new registry"),
        }
    }

    async fn hold(&self, name: &str, covers: Covers) {
        let deed = Deed { by: "eva".into(), at: self.clock.now() };
        self.holds().set(ORGANIZATION, name, covers, "a lawsuit", deed).await.expect("it is set");
    }

    /// Which of these texts stand anywhere in the store in clear.
    async fn found(&self, texts: &[&str]) -> Vec<String> {
        let store = self.store.inner();
        let mut bodies: Vec<(String, Vec<u8>)> = Vec::new();
        for standing in store.entities(None, 1_000).await.expect("the model answers") {
            let entries = store.entries(&standing.entity, 1, 1_000).await.expect("the model answers");
            bodies.extend(entries.into_iter().map(|entry| (standing.entity.kind.to_string(), entry.body)));
            let loaded = store.load(&standing.entity).await.expect("the model answers").expect("it is there");
            bodies.extend(loaded.snapshot.map(|snapshot| (standing.entity.kind.to_string(), snapshot.body)));
        }
        for key in store.record_keys(None, 1_000).await.expect("the model answers") {
            let versions = store.history(&key, None, 1_000).await.expect("the model answers");
            bodies.extend(versions.into_iter().map(|version| (key.collection.to_string(), version.body)));
            bodies.push((key.collection.to_string(), key.key.into_bytes()));
        }
        let has = |body: &[u8], text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        let found = bodies
            .iter()
            .flat_map(|(place, body)| texts.iter().filter(|text| has(body, text)).map(move |text| format!("{text} in {place}")));
        found.collect()
    }
}

fn order(setting: &Setting) -> Order<'static> {
    Order { by: "eva", reason: "a test", wall_clock: setting.clock.now() }
}

fn keep(kinds: &[(Kind, &str)]) -> Periods {
    let mut periods = Periods::default();
    for (kind, period) in kinds {
        periods.keep(*kind, CalendarDuration::parse(period).expect("a period"));
    }
    periods
}

/// A process that is certified, in the document of which the signer is named.
async fn certified(setting: &Setting, server: &Server, of_contract: bool) -> Creation {
    let mut creation = setting.creation().await;
    creation.documents[0].name = "Certificada_Ana".into();
    if !of_contract {
        creation.documents[0].contract = None;
    }
    let client = Client { setting, processes: &server.processes };
    let (process, identification) = (creation.id, creation.signers[0].identification);
    let create = Command::Create(Box::new(creation.clone()));
    client.drive(process, Some(create), TimeDelta::seconds(1), |process| process.data().is_some()).await;
    client.sign(process, identification).await;
    let certified = |process: &SignProcess| process.data().is_some_and(|data| data.status == Status::Certified);
    client.drive(process, None, TimeDelta::minutes(1), certified).await;
    creation
}

/// Erases it, waiting for what is still under way.
async fn erased(setting: &Setting, eraser: &Eraser, process: Uuid) {
    let target = Target::new(Kind::SignProcess, process);
    let mut was_begun = false;
    eventually("the process is erased", async || {
        setting.clock.advance(TimeDelta::minutes(1));
        match eraser.erase(ORGANIZATION, target, order(setting)).await {
            Ok(_) => true,
            // Where nobody knew whether the last step was done.
            Err(Error::NotFound) => was_begun,
            Err(Error::BelongsTo(_) | Error::Held(_)) => panic!("neither is so"),
            Err(_) => {
                was_begun = true;
                false
            }
        }
    })
    .await;
}

async fn assert_gone(setting: &Setting, processes: &Processes, creation: &Creation) {
    let identification = creation.signers[0].identification;
    let sign = persistently(async || processes.sign.peek(ORGANIZATION, creation.id).await).await;
    let otp = persistently(async || processes.otp.peek(ORGANIZATION, identification).await).await;
    assert!(sign.data().is_none() && otp.data().is_none());
    for what in ["certificate", "sealed"] {
        let of = if what == "sealed" { creation.documents[0].id } else { creation.id };
        let id = crate::processes::produced_id(creation.id, what, of);
        let of_contract = what == "sealed" && creation.documents[0].contract.is_some();
        eventually("the document can be read, or is gone", async || match setting.documents.read(ORGANIZATION, id, None).await {
            Ok(_) => of_contract,
            Err(documents::Error::Gone) => !of_contract,
            Err(_) => false,
        })
        .await;
        let key = RecordKey::new(ORGANIZATION, "document", id.to_string());
        let versions = setting.store.inner().history(&key, None, 10).await.expect("the model answers");
        assert!(versions.len() > usize::from(!of_contract), "{what}");
        let names_anybody = versions.iter().any(|version| String::from_utf8_lossy(&version.body).contains("Certificada"));
        assert_eq!(names_anybody, of_contract, "{what}");
    }
    assert_eq!(setting.held_for_processes().await, 0);
}

#[actix_rt::test]
async fn an_ended_process_goes_with_its_identification_its_documents_and_its_bytes() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    let creation = certified(&setting, &server, false).await;
    let (sealed, files) = (setting.tagged("SIGNED").await, setting.tagged("CERTIFICATE").await);
    let digest = |tagged: &[String]| tagged[0].split('"').nth(1).and_then(|text| text.parse::<Digest>().ok()).expect("a digest");
    let digests = [digest(&sealed), digest(&files)];
    let eraser = setting.eraser(&server.processes);
    let identification = Target::new(Kind::Otp, creation.signers[0].identification);
    let alone = eraser.erase(ORGANIZATION, identification, order(&setting)).await;
    assert!(matches!(alone, Err(Error::BelongsTo(parent)) if parent.id == creation.id), "{alone:?}");

    erased(&setting, &eraser, creation.id).await;

    assert_gone(&setting, &server.processes, &creation).await;
    for digest in digests {
        assert!(!setting.blobs.is_there(ORGANIZATION, &digest).await.expect("the blobs can be asked"));
    }
    let original = setting.documents.find(ORGANIZATION, creation.documents[0].id).await.expect("what was uploaded stays");
    setting.documents.bytes(ORGANIZATION, &original).await.expect("its bytes stay");
    assert_eq!(setting.found(&PERSONAL).await, [""; 0]);
    let again = eraser.erase(ORGANIZATION, Target::new(Kind::SignProcess, creation.id), order(&setting)).await;
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");
    server.stop().await;
}

#[actix_rt::test]
async fn a_contract_keeps_its_signed_document_when_the_process_is_erased() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    let creation = certified(&setting, &server, true).await;
    erased(&setting, &setting.eraser(&server.processes), creation.id).await;
    assert_gone(&setting, &server.processes, &creation).await;
    setting.assert_intact("SIGNED").await;
    server.stop().await;
}

#[actix_rt::test]
async fn an_erasure_on_a_store_that_fails_at_random_goes_on_to_its_end() {
    for seed in 0..3 {
        let setting = Setting::new(seed, PLAN).await;
        let server = Server::start(&setting);
        let creation = certified(&setting, &server, false).await;
        erased(&setting, &setting.eraser(&server.processes), creation.id).await;
        assert_gone(&setting, &server.processes, &creation).await;
        assert_eq!(setting.found(&PERSONAL).await, [""; 0]);
        server.stop().await;
    }
}

/// An identification that an agent validated with a picture, and that was closed.
async fn vouched(setting: &Setting, bare: &Bare) -> Uuid {
    let document =
        IdentityDocument { document_number: "12345678Z".into(), document_type: workflows::DocumentType::Nif, country: None };
    let actor = Contact { identity_document: Some(document), ..Contact::default() };
    let creation = agent::Request { actor, expires_in: "PT1H".into() }.checked(setting.clock.now()).expect("a creation");
    let id = Uuid::now_v7();
    let host = &bare.processes.agent;
    host.create(ORGANIZATION, id, agent::Command::Create(Box::new(creation))).await.expect("created");
    let (files, wall_clock) = (setting.sealed_files(), setting.clock.now());
    let desk = Desk { processes: &bare.processes, files: &files, wall_clock };
    let picture = STANDARD.encode(b"\x89PNG\r\n\x1a\nand more");
    let validation = Validation { agent: "eva".into(), evidence: Some(picture), metadata: None, device: Device::default() };
    desk.validate(ORGANIZATION, id, validation).await.expect("validated");
    id
}

#[actix_rt::test]
async fn what_goes_on_is_not_erased_and_its_files_stay_until_it_has_ended() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let eraser = setting.eraser(&bare.processes);
    let id = vouched(&setting, &bare).await;
    let target = Target::new(Kind::Agent, id);
    let refused = eraser.erase(ORGANIZATION, target, order(&setting)).await;
    assert!(matches!(refused, Err(Error::UnderWay(under_way)) if under_way == target), "{refused:?}");
    assert_eq!(setting.held_for_processes().await, 1);
    bare.processes.agent.ask(ORGANIZATION, id, agent::Command::Close).await.expect("closed");

    let long = "x".repeat(1_025);
    assert!(eraser.erase(ORGANIZATION, target, Order { reason: &long, ..order(&setting) }).await.is_err());
    assert_eq!(setting.held_for_processes().await, 1, "what is refused changes nothing");
    setting.store.fail_next_write(Fault::Refused);
    assert!(eraser.erase(ORGANIZATION, target, order(&setting)).await.is_err());
    let erased = eraser.erase(ORGANIZATION, target, order(&setting)).await.expect("erased");
    assert_eq!((erased.journals, erased.in_clear), (1, 0));
    assert!(erased.entries > 0);
    assert_eq!(setting.held_for_processes().await, 0);
    assert_eq!(setting.found(&["12345678Z"]).await, [""; 0]);
    let never = eraser.erase(ORGANIZATION, Target::new(Kind::Fill, Uuid::now_v7()), order(&setting)).await;
    assert!(matches!(never, Err(Error::NotFound)), "{never:?}");
}

#[actix_rt::test]
async fn what_is_under_a_legal_hold_stays_whoever_wants_to_erase_it() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    let creation = certified(&setting, &server, false).await;
    let eraser = setting.eraser(&server.processes);
    let target = Target::new(Kind::SignProcess, creation.id);
    let identification = Target::new(Kind::Otp, creation.signers[0].identification);
    for covers in [Covers::Process { process: target }, Covers::Process { process: identification }, Covers::Organization] {
        setting.hold("case-7", covers).await;
        let held = eraser.erase(ORGANIZATION, target, order(&setting)).await;
        assert!(matches!(&held, Err(Error::Held(held)) if held.name == "case-7"), "{held:?}");
        let passed = setting.retention(&server.processes, keep(&[(Kind::SignProcess, "P1D")]));
        setting.clock.advance(TimeDelta::days(2));
        assert_eq!(passed.pass().await.expect("it is read"), Passed { erased: 0, left: 1 });
        let deed = Deed { by: "eva".into(), at: setting.clock.now() };
        setting.holds().lift(ORGANIZATION, "case-7", deed).await.expect("lifted");
    }
    let sign = server.processes.sign.peek(ORGANIZATION, creation.id).await.expect("it is read");
    assert!(sign.data().is_some_and(|data| data.status == Status::Certified));
    erased(&setting, &eraser, creation.id).await;
    assert_gone(&setting, &server.processes, &creation).await;
    server.stop().await;
}

#[actix_rt::test]
async fn retention_erases_what_ended_long_enough_ago_and_nothing_else() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    let (first, second) = (certified(&setting, &server, false).await, setting.creation().await);
    let alone = Uuid::now_v7();
    let processes = &server.processes;
    // One more process, which only begins, and an identification of nobody's.
    processes.sign.create(ORGANIZATION, second.id, Command::Create(Box::new(second.clone()))).await.expect("created");
    let data = processes.otp.peek(ORGANIZATION, first.signers[0].identification).await.expect("it is read");
    let purpose = workflows::identification::Purpose::default();
    let own = otp::Creation { purpose, ..data.data().expect("it is there").creation.clone() };
    processes.otp.create(ORGANIZATION, alone, otp::Command::Create(Box::new(own))).await.expect("created");
    processes.otp.ask(ORGANIZATION, alone, otp::Command::Cancel { reason: None, by: None }).await.expect("cancelled");
    let state = async |id| processes.otp.peek(ORGANIZATION, id).await.expect("it is read").data().map(|data| data.state);

    // Nothing is over its time.
    let periods = || keep(&[(Kind::SignProcess, "P2D"), (Kind::Otp, "P1D")]);
    let pass = async |periods| setting.retention(processes, periods).pass().await.expect("it is read");
    assert_eq!(pass(periods()).await, Passed::default());
    // A day later the identification that stands alone is, but not that of the process.
    setting.clock.advance(TimeDelta::hours(25));
    eventually("the identification is erased", async || pass(periods()).await.erased == 1).await;
    assert_eq!(state(alone).await, None);
    assert_eq!(state(first.signers[0].identification).await, Some(IdentificationState::Succeeded));
    // Two days later the process is, with its own; that which goes on stays.
    setting.clock.advance(TimeDelta::hours(25));
    eventually("the process is erased", async || pass(periods()).await.erased == 1).await;
    assert_eq!(state(first.signers[0].identification).await, None);
    assert!(processes.sign.peek(ORGANIZATION, second.id).await.expect("it is read").data().is_some());
    // What is erased is not looked at again.
    let listed = setting.store.inner().list(ORGANIZATION, "sign_process", None, 10).await.expect("the model answers");
    assert_eq!(listed.items.iter().map(|listed| listed.entity.id).collect::<Vec<_>>(), [second.id]);
    assert_eq!(pass(periods()).await, Passed::default());
    assert_eq!(pass(Periods::default()).await, Passed::default());
    server.stop().await;
}
