//! Identity documents and their scoring sessions: what a crash between two journals leaves is repaired, and images do not outlive those
//! who need them.

use std::sync::Arc;

use ::store::blobs::Digest;
use bytes::Bytes;
use chrono::TimeDelta;
use uuid::Uuid;
use workflows::{
    Contact, Device, DocumentType, IdentificationState, IdentityDocument as Document,
    identification::{
        Purpose,
        identity_document::{self, CheckCommand, Creation, Terms, scoring_id},
    },
    scoring::{self, ImageType, Outcome, ScoringState, Way},
};

use super::{server::Server, whole::PLAN, *};
use crate::{
    catalogue::orphans::Holds,
    processes::{Images, SubmittedImage},
    scoring::testing::{Fate, result},
};

const IDENTIFICATION: Uuid = Uuid::from_u128(0x0192_7000_0000_7000_8000_0000_0000_00ff);

impl Server {
    async fn identification(&self) -> Option<identity_document::Data> {
        self.processes.identity_document.read(ORGANIZATION, IDENTIFICATION).await.ok()?.data().cloned()
    }

    async fn session(&self) -> Option<scoring::Data> {
        self.processes.scoring.read(ORGANIZATION, session()).await.ok()?.data().cloned()
    }
}

fn session() -> Uuid {
    scoring_id(IDENTIFICATION, 0)
}

fn creation(setting: &Setting) -> identity_document::Command {
    let document = Document { document_number: "12345678Z".into(), document_type: DocumentType::Nif, country: Some("ES".into()) };
    identity_document::Command::Create(Box::new(Creation {
        document: (&document).into(),
        actor: Contact { identity_document: Some(document), ..Contact::default() },
        terms: Terms::default(),
        expires_at: setting.clock.now() + TimeDelta::days(20),
        purpose: Purpose::default(),
    }))
}

fn validate() -> identity_document::Command {
    CheckCommand::Validate { device: Device::default(), resume: None }.into()
}

fn images() -> Images {
    let image = |bytes: &'static [u8]| Some(SubmittedImage { image_type: ImageType::Jpeg, bytes: Bytes::from_static(bytes) });
    Images { front: image(b"the front"), back: image(b"the back") }
}

impl Setting {
    /// Submits the images of a document.
    async fn submit(&self, server: &Server) -> Result<(), crate::processes::NotScored> {
        let (files, now) = (self.world(&self.channels).sealed_files, self.clock.now());
        let captures = server.processes.keep_images(&files, ORGANIZATION, session(), images(), now).await?;
        Ok(server.processes.submit_captures(&files, ORGANIZATION, session(), captures, Device::default(), now).await?)
    }
}

#[actix_rt::test]
async fn a_session_that_a_crash_left_unopened_is_opened_by_the_next_server() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    bare.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, creation(&setting)).await.expect("created");
    assert!(bare.processes.scoring.read(ORGANIZATION, session()).await.expect("readable").data().is_none());
    bare.processes.identity_document.let_go();

    let server = Server::start(&setting);
    eventually("the session is opened", async || {
        setting.clock.advance(TimeDelta::seconds(1));
        server.session().await.is_some()
    })
    .await;
    let data = server.session().await.expect("a session");
    assert_eq!(data.creation.purpose.identification, Some(IDENTIFICATION));
    server.stop().await;
}

#[actix_rt::test]
async fn a_result_that_a_crash_left_untold_reaches_the_identification() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let processes = &bare.processes;
    let created = processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, creation(&setting)).await.expect("created");
    let opened = created.data().expect("it was created").creation.scoring(IDENTIFICATION, 0);
    let attempt = Uuid::from_u128(1);
    for command in [
        scoring::Command::Create(Box::new(opened)),
        scoring::Command::Begin { attempt, way: Way::Submit(scoring::Captures::default()), device: Device::default() },
        scoring::Command::Finished { attempt, outcome: Outcome::Result(Box::new(result(true))) },
    ] {
        processes.scoring.ask(ORGANIZATION, session(), command).await.expect("accepted");
    }
    let refused = processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, validate()).await;
    assert!(matches!(refused, Err(actors::Error::Refused(_))), "it does not know yet");
    processes.identity_document.let_go();
    processes.scoring.let_go();

    let server = Server::start(&setting);
    eventually("the identification is told", async || {
        setting.clock.advance(TimeDelta::seconds(1));
        server.identification().await.is_some_and(|data| data.own.scored.is_some())
    })
    .await;
    server.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, validate()).await.expect("validated");
    assert_eq!(server.session().await.map(|data| data.state), Some(ScoringState::Succeeded));
    server.stop().await;
}

#[actix_rt::test]
async fn images_that_a_crash_left_unscored_are_scored_by_the_next_server() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let created = bare.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, creation(&setting)).await.expect("created");
    let opened = created.data().expect("it was created").creation.scoring(IDENTIFICATION, 0);
    let files = setting.world(&setting.channels).sealed_files;
    let now = setting.clock.now();
    bare.processes.scoring.ask(ORGANIZATION, session(), scoring::Command::Create(Box::new(opened))).await.expect("opened");
    let captures = bare.processes.keep_images(&files, ORGANIZATION, session(), images(), now).await.expect("kept");
    let begin = scoring::Command::Begin { attempt: Uuid::from_u128(1), way: Way::Submit(captures), device: Device::default() };
    bare.processes.scoring.ask(ORGANIZATION, session(), begin).await.expect("begun");
    bare.processes.scoring.let_go();
    bare.processes.identity_document.let_go();

    let server = Server::start(&setting);
    eventually("the images are scored", async || {
        setting.clock.advance(TimeDelta::milliseconds(100));
        server.session().await.is_some_and(|data| data.state == ScoringState::Scored)
    })
    .await;
    assert_eq!(setting.provider.asked()[0].idempotency_key, Uuid::from_u128(1).to_string());
    server.stop().await;
}

#[actix_rt::test]
async fn a_provider_that_never_answers_ends_the_attempt_at_its_deadline() {
    let setting = Setting::calm().await;
    setting.provider.script([Fate::Hangs]);
    let server = Server::start(&setting);
    server.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, creation(&setting)).await.expect("created");
    let submitted = async {
        setting.submit(&server).await.expect("an attempt without a result is no refusal");
    };
    let passing = async {
        eventually("the attempt is begun", async || {
            server.session().await.is_some_and(|data| data.under_way().is_some()) && !setting.provider.asked().is_empty()
        })
        .await;
        setting.clock.advance(TimeDelta::seconds(60));
    };
    futures::future::join(submitted, passing).await;
    let data = server.session().await.expect("a session");
    let end = data.attempts[0].end.clone();
    assert!(matches!(end, Some(scoring::End::NoResult { ref reason, .. }) if reason.as_str() == "PROVIDER_TIMEOUT"), "{end:?}");
    assert_eq!((data.state, data.remaining_attempts()), (ScoringState::Created, scoring::DEFAULT_ATTEMPTS - 1));
    // The call that hangs is dropped with its server.
    server.timer.stop().await;
    server.arbiter.stop();
}

#[actix_rt::test]
async fn images_are_held_while_their_session_names_them_and_go_with_it() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    server.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, creation(&setting)).await.expect("created");
    setting.submit(&server).await.expect("scored");
    let data = server.session().await.expect("a session");
    let digests: Vec<Digest> = data.files().map(|file| file.parse().expect("a digest")).collect();
    assert_eq!(digests.len(), 2);
    // What was kept for an attempt that never came to be is nobody's.
    let files = setting.world(&setting.channels).sealed_files;
    let orphan = files.put(ORGANIZATION, session(), Bytes::from_static(b"lost"), setting.clock.now()).await.expect("kept");
    let processes = server.processes.clone();
    let holds: Holds = Arc::new(move |organization, process, digest| {
        let processes = processes.clone();
        Box::pin(async move { processes.hold(&organization, process, &digest).await })
    });
    // In memory, blobs carry the system's time.
    let later = setting.clock.now().max(chrono::Utc::now()) + TimeDelta::days(2);
    let collected = setting.orphans().collect(&holds, TimeDelta::days(1), later).await.expect("collected");
    assert_eq!(collected.removed, 1);
    assert!(!setting.blobs.is_there(ORGANIZATION, &orphan).await.expect("the blobs answer"));

    let delete = identity_document::Command::Delete { force: true };
    server.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, delete).await.expect("deleted");
    eventually("the images are removed", async || {
        let mut left = false;
        for digest in &digests {
            left |= setting.blobs.is_there(ORGANIZATION, digest).await.expect("the blobs answer");
        }
        !left
    })
    .await;
    server.stop().await;
}

#[actix_rt::test]
async fn a_deleted_identification_is_forgotten_by_the_provider_whatever_fails_first() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    server.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, creation(&setting)).await.expect("created");
    setting.submit(&server).await.expect("scored");
    assert_eq!(setting.provider.asked()[0].process, IDENTIFICATION, "all its sessions stand for one person");
    setting.provider.fail_to_forget_once();
    let delete = identity_document::Command::Delete { force: true };
    server.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, delete).await.expect("deleted");
    eventually("the provider forgets it", async || {
        setting.clock.advance(TimeDelta::seconds(1));
        setting.provider.forgotten() == [IDENTIFICATION]
    })
    .await;
    server.stop().await;
}

#[actix_rt::test]
async fn an_identification_reaches_its_end_though_the_store_fails_at_random() {
    let mut faults = 0;
    for seed in 1..=8 {
        let setting = Setting::new(seed, PLAN).await;
        let server = Server::start(&setting);
        let create = creation(&setting);
        let ask = async |command: &identity_document::Command| {
            let _ = server.processes.identity_document.ask(ORGANIZATION, IDENTIFICATION, command.clone()).await;
            setting.clock.advance(TimeDelta::seconds(1));
        };
        eventually("it is created, and its session", async || {
            ask(&create).await;
            server.session().await.is_some()
        })
        .await;
        eventually("it is scored and knows of it", async || {
            let _ = setting.submit(&server).await;
            setting.clock.advance(TimeDelta::seconds(1));
            server.identification().await.is_some_and(|data| data.own.scored.is_some())
        })
        .await;
        let state = async || server.identification().await.map(|data| data.state);
        eventually("it is validated", async || {
            ask(&validate()).await;
            state().await == Some(IdentificationState::Validated)
        })
        .await;
        eventually("its session is closed", async || {
            setting.clock.advance(TimeDelta::seconds(1));
            server.session().await.is_some_and(|data| data.state == ScoringState::Succeeded)
        })
        .await;
        eventually("it is closed", async || {
            ask(&identity_document::Command::Close).await;
            state().await == Some(IdentificationState::Succeeded)
        })
        .await;
        server.stop().await;
        faults += setting.store.injected();
    }
    assert!(faults > 100, "only {faults} faults");
}
