//! Signatures by hand: what is kept of them stays until the documents are sealed, and no longer, whatever fails.

use ::documents::handwriting::found;
use ::store::{blobs::Digest, faulty::Fault};
use actors::{Attempt, Effects};
use biometric::synthetic;
use workflows::{
    IdentificationState, Refusal,
    sign_process::{Command, Effect, Handwriting, Status},
};
use zeroize::Zeroizing;

use super::*;
use crate::{
    handwriting::testing::PICTURE,
    processes::handwriting::{Desk, Error, Writing},
};

/// A BIOMETRIC process whose signer is identified.
async fn identified(setting: &Setting, bare: &Bare) -> Creation {
    let creation = Creation { sign_type: SignType::Biometric, ..setting.creation().await };
    bare.sign.create(ORGANIZATION, creation.id, Command::Create(Box::new(creation.clone()))).await.expect("created");
    let (identification, state) = (creation.signers[0].identification, IdentificationState::Validated);
    bare.sign.ask(ORGANIZATION, creation.id, Command::Identification { identification, state }).await.expect("identified");
    creation
}

async fn sign(setting: &Setting, processes: &Processes, process: Uuid, seed: u64) -> Result<(), Error> {
    let (handwritings, now) = (setting.handwritings(), setting.clock.now());
    let desk = Desk { processes, handwritings: &handwritings, now, wall_clock: now };
    let sample = synthetic::Hand { seed, ..Default::default() }.signature().to_strokes();
    let image = Zeroizing::new(PICTURE.to_owned());
    let writing = Writing { sample, image, accepted_by: None, device: Device::default() };
    desk.sign(ORGANIZATION, signature_id(process, 0), writing).await
}

async fn facts(bare: &Bare, process: Uuid) -> Handwriting {
    let read = bare.sign.read(ORGANIZATION, process).await.expect("it is there");
    *read.data().and_then(|data| data.signatures[0].handwriting.clone()).expect("it is signed by hand")
}

async fn is_kept(setting: &Setting, facts: &Handwriting) -> bool {
    let digest: Digest = facts.file.parse().expect("a digest");
    setting.blobs.is_there(ORGANIZATION, &digest).await.expect("the blobs can be asked")
}

/// The calls of an effect, as the journal asks for them.
async fn calls(setting: &Setting, process: Uuid, is_it: fn(&Effect) -> bool) -> Vec<Call<SignProcess>> {
    setting.calls::<SignProcess>(process).await.into_iter().filter(|call| is_it(&call.effect)).collect()
}

#[actix_rt::test]
async fn a_server_that_starts_after_the_signature_seals_with_what_the_dead_one_kept() {
    let setting = Setting::calm().await;
    let (process, digest) = {
        let bare = setting.bare();
        let creation = identified(&setting, &bare).await;
        sign(&setting, &bare.processes, creation.id, 1).await.expect("signed");
        assert!(is_kept(&setting, &facts(&bare, creation.id).await).await);
        (creation.id, creation.documents[0].digest.clone())
    };
    // Another server, which knows nothing but the store.
    let bare = setting.bare();
    let seal = calls(&setting, process, |effect| matches!(effect, Effect::Seal { .. })).await.remove(0);
    for _ in 0..2 {
        let Attempt::Done(Some(command)) = bare.up.sign.perform(seal.clone()).await else { panic!("it is sealed") };
        bare.sign.ask(ORGANIZATION, process, command).await.expect("it takes note");
    }
    let tagged = setting.tagged("SIGNED").await;
    assert_eq!(tagged.len(), 1, "sealing twice makes one document: {tagged:?}");
    let id = tagged[0].split(' ').next().and_then(|id| id.parse().ok()).expect("an id");
    let document = setting.documents.find(ORGANIZATION, id).await.expect("it is there");
    let bytes = setting.documents.bytes(ORGANIZATION, &document).await.expect("its bytes");
    let envelopes = found(&bytes).expect("a PDF");
    let facts = facts(&bare, process).await;
    assert_eq!(Digest::of(&envelopes[0].envelope).to_string(), facts.envelope.sha256);
    assert_ne!(document.digest.to_string(), digest);
    setting.assert_intact("SIGNED").await;
}

#[actix_rt::test]
async fn what_is_kept_goes_when_the_process_ends_and_twice_is_as_once() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let process = identified(&setting, &bare).await.id;
    sign(&setting, &bare.processes, process, 2).await.expect("signed");
    let facts = facts(&bare, process).await;
    bare.sign.ask(ORGANIZATION, process, Command::SealingGivenUp { reason: "a test".into() }).await.expect("it failed");
    let release = calls(&setting, process, |effect| *effect == Effect::Release).await.remove(0);
    setting.store.fail_next_write(Fault::Refused);
    assert!(matches!(bare.up.sign.perform(release.clone()).await, Attempt::Retry { .. }));
    for _ in 0..2 {
        assert!(matches!(bare.up.sign.perform(release.clone()).await, Attempt::Done(None)));
        assert!(!is_kept(&setting, &facts).await);
    }
}

#[actix_rt::test]
async fn what_is_refused_leaves_nothing_and_the_signer_signs_again() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    // Two requests at once: one of them signs.
    let process = identified(&setting, &bare).await.id;
    let both = tokio::join!(sign(&setting, &bare.processes, process, 3), sign(&setting, &bare.processes, process, 4));
    assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
    let held = setting.held_for_processes().await;
    assert_eq!(held, 2, "the document and one handwriting");
    // A process that ended.
    let ended = identified(&setting, &bare).await.id;
    bare.sign.ask(ORGANIZATION, ended, Command::Cancel { reason: "a test".into(), by: None }).await.expect("cancelled");
    let refused = sign(&setting, &bare.processes, ended, 5).await;
    assert!(matches!(refused, Err(Error::Process(actors::Error::Refused(Refusal::State(_))))), "{refused:?}");
    // A store that fails before the journal: the same handwriting is good for the same signature.
    let process = identified(&setting, &bare).await.id;
    setting.store.fail_next_write(Fault::Refused);
    assert!(sign(&setting, &bare.processes, process, 6).await.is_err());
    sign(&setting, &bare.processes, process, 6).await.expect("signed");
}

#[actix_rt::test]
async fn documents_whose_handwriting_is_gone_are_not_sealed_without_it() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let process = identified(&setting, &bare).await.id;
    sign(&setting, &bare.processes, process, 7).await.expect("signed");
    let facts = facts(&bare, process).await;
    setting.handwritings().release(ORGANIZATION, process, &facts, setting.clock.now()).await.expect("gone");
    let seal = calls(&setting, process, |effect| matches!(effect, Effect::Seal { .. })).await.remove(0);
    let Attempt::Refused { reason } = bare.up.sign.perform(seal).await else { panic!("it must not be sealed") };
    assert!(reason.contains("gone"), "{reason}");
    assert!(setting.tagged("SIGNED").await.is_empty());
    let data = bare.sign.read(ORGANIZATION, process).await.expect("it is there");
    assert_eq!(data.data().map(|data| data.status), Some(Status::Signed), "giving up is the host's business");
}
