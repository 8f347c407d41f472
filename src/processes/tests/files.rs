//! Sealed files of identifications: kept as long as they are needed, and no longer, whatever fails.

use std::sync::Arc;

use ::documents::certificate::{Journal, JournalContent};
use ::store::{blobs::Digest, faulty::Fault};
use actors::journal::Line;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use data_encoding::HEXLOWER;
use workflows::{
    IdentityDocument,
    identification::agent::{self, Agent, AgentEffect, Vouching},
};

use super::*;
use crate::{
    catalogue::orphans::Holds,
    processes::{
        identification::Adapted,
        vouching::{Desk, Error, Validation},
    },
};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nand more";

/// An identification that an agent can validate.
async fn identification(setting: &Setting, bare: &Bare) -> Uuid {
    let document =
        IdentityDocument { document_number: "12345678Z".into(), document_type: workflows::DocumentType::Nif, country: None };
    let actor = Contact { identity_document: Some(document), ..Contact::default() };
    let request = agent::Request { actor, expires_in: "PT1H".into() };
    let creation = request.checked(setting.clock.now()).expect("a creation");
    let id = Uuid::now_v7();
    bare.processes.agent.create(ORGANIZATION, id, agent::Command::Create(Box::new(creation))).await.expect("created");
    id
}

async fn validate(setting: &Setting, bare: &Bare, id: Uuid) -> Result<(), Error> {
    let (files, wall_clock) = (setting.sealed_files(), setting.clock.now());
    let desk = Desk { processes: &bare.processes, files: &files, wall_clock };
    let (agent, evidence, metadata) = ("eva".into(), Some(STANDARD.encode(PICTURE)), Some("{}".into()));
    desk.validate(ORGANIZATION, id, Validation { agent, evidence, metadata, device: Device::default() }).await
}

/// Where the files of an identification are.
async fn files(bare: &Bare, id: Uuid) -> Vec<Digest> {
    let agent = bare.processes.agent.read(ORGANIZATION, id).await.expect("it is there");
    let voucher = agent.data().and_then(|data| data.own.voucher.clone()).expect("an agent vouched");
    voucher.files().map(|own| own.file.parse().expect("a digest")).collect()
}

async fn are_there(setting: &Setting, files: &[Digest]) -> bool {
    let mut there = true;
    for digest in files {
        there &= setting.blobs.is_there(ORGANIZATION, digest).await.expect("the blobs can be asked");
    }
    there
}

/// What the collector of orphans removes, much later.
async fn collected(setting: &Setting, bare: &Bare) -> u64 {
    let processes = bare.processes.clone();
    let holds: Holds = Arc::new(move |organization, process, digest| {
        let processes = processes.clone();
        Box::pin(async move { processes.hold(&organization, process, &digest).await })
    });
    // In memory, blobs carry the system's time.
    let later = setting.clock.now().max(chrono::Utc::now()) + TimeDelta::days(2);
    setting.orphans().collect(&holds, TimeDelta::days(1), later).await.expect("collected").removed
}

async fn perform(setting: &Setting, bare: &Bare, call: &Call<Agent>) -> actors::Attempt<Agent> {
    let workflows::identification::lifecycle::Effect::Own(effect) = &call.effect else { panic!("another effect") };
    Vouching::perform(&setting.world(&setting.channels), &bare.processes, call, effect).await
}

#[actix_rt::test]
async fn files_stay_while_an_identification_needs_them_and_what_a_crash_left_goes() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let id = identification(&setting, &bare).await;
    validate(&setting, &bare, id).await.expect("validated");
    let files = files(&bare, id).await;
    assert_eq!(files.len(), 2);
    // A server that died before its journal named the file leaves one that nobody needs.
    let lost =
        setting.sealed_files().put(ORGANIZATION, id, Bytes::from_static(PICTURE), setting.clock.now()).await.expect("kept");

    assert_eq!(collected(&setting, &bare).await, 1);
    assert!(are_there(&setting, &files).await && !are_there(&setting, &[lost]).await);
    let clear = setting.sealed_files().read(ORGANIZATION, id, &files[0]).await.expect("it opens");
    assert_eq!(clear.as_deref(), Some(PICTURE));
}

#[actix_rt::test]
async fn files_are_given_up_again_after_a_failure_and_twice_is_as_once() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let id = identification(&setting, &bare).await;
    validate(&setting, &bare, id).await.expect("validated");
    let files = files(&bare, id).await;
    bare.processes.agent.ask(ORGANIZATION, id, agent::Command::Delete { force: true }).await.expect("deleted");
    let calls = setting.calls::<Agent>(id).await;
    let is_release = |call: &&Call<Agent>| matches!(call.effect, agent::Effect::Own(AgentEffect::ReleaseFiles { .. }));
    let release = calls.iter().find(is_release).expect("the effect was asked for");

    setting.store.fail_next_write(Fault::Refused);
    assert!(matches!(perform(&setting, &bare, release).await, actors::Attempt::Retry { .. }));
    assert!(are_there(&setting, &files).await);
    for _ in 0..2 {
        assert!(matches!(perform(&setting, &bare, release).await, actors::Attempt::Done(None)));
        assert!(!setting.blobs.is_there(ORGANIZATION, &files[0]).await.expect("the blobs can be asked"));
        assert!(!setting.blobs.is_there(ORGANIZATION, &files[1]).await.expect("the blobs can be asked"));
    }
    assert_eq!(collected(&setting, &bare).await, 0);
}

#[actix_rt::test]
async fn evidence_of_a_journal_stays_valid_and_texts_can_be_checked_by_it_when_the_journal_is_erased() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let id = identification(&setting, &bare).await;
    validate(&setting, &bare, id).await.expect("validated");
    let agents = &bare.processes.agent;
    let before = agents.journal(ORGANIZATION, id).await.expect("a whole journal");
    let content = |line: &Line<_>| (line.at, JournalContent::sealed(&line.commitment, line.salt.as_ref()));
    let evidence = Journal::of(ORGANIZATION, Agent::KIND, id, before.iter().map(content));
    assert_eq!(before.last().map(|line| line.hash.to_string()).as_ref(), Some(&evidence.head_hash));

    let erasure = actors::Erasure { by: "a rule".into(), reason: "its time is over".into(), ended_only: false };
    let erased = agents.erase(ORGANIZATION, id, erasure).await.expect("erased");

    assert_eq!(erased.entries, before.len() as u64);
    evidence.verify().expect("it is valid");
    let after = agents.journal(ORGANIZATION, id).await.expect("a whole journal");
    assert_eq!(after[before.len() - 1].hash.to_string(), evidence.head_hash, "the journal still proves the evidence");
    assert!(after[..before.len()].iter().all(|line| line.json.is_none() && line.salt.is_none()));
    for line in &before {
        let (salt, text) = (line.salt.expect("a salt"), line.json.as_ref().expect("a text"));
        evidence.shows(line.seq, &HEXLOWER.encode(&salt), text).expect("it is the entry's text");
        assert!(evidence.shows(line.seq, &HEXLOWER.encode(&salt), b"another").is_err());
    }
}

#[actix_rt::test]
async fn what_is_refused_leaves_no_file() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let id = identification(&setting, &bare).await;
    bare.processes.agent.ask(ORGANIZATION, id, agent::Command::Cancel { reason: None, by: None }).await.expect("cancelled");
    let refused = validate(&setting, &bare, id).await;
    assert!(matches!(refused, Err(Error::Process(actors::Error::Refused(workflows::Refusal::State(_))))), "{refused:?}");
    // Two agents at once: one of them vouched.
    let id = identification(&setting, &bare).await;
    let (one, other) = tokio::join!(validate(&setting, &bare, id), validate(&setting, &bare, id));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert!(are_there(&setting, &files(&bare, id).await).await);
    assert_eq!(collected(&setting, &bare).await, 0, "the other's files are gone already");
}
