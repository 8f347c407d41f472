//! Effects that fail for reasons other than the store.

use std::sync::Arc;

use ::documents::certificate::Action;
use actors::{Attempt, Call, Effects};
use chrono::TimeDelta;
use uuid::Uuid;
use workflows::{
    Machine,
    identification::otp::{self, Otp},
    sign_process::{self, Creation, Effect, SignProcess},
};

use super::{Bare, ORGANIZATION, Setting, sign_command};
use crate::{
    catalogue::{orphans::Holds, sign_configuration::Change},
    code_limits::{self, CodeLimits},
    keys::Keys,
    processes::{World, evidence},
};

/// A process whose signer has signed, and what it asks for then.
async fn signed(setting: &Setting, bare: &Bare) -> (Creation, Call<SignProcess>) {
    let creation = setting.creation().await;
    let (process, identification) = (creation.id, creation.signers[0].identification);
    let state = workflows::IdentificationState::Validated;
    let commands = [
        sign_process::Command::Create(Box::new(creation.clone())),
        sign_process::Command::Identification { identification, state },
        sign_command(process),
    ];
    for command in commands {
        bare.sign.ask(ORGANIZATION, process, command).await.expect("accepted");
    }
    let seal = call(setting, process, |effect| matches!(effect, Effect::Seal { .. })).await;
    (creation, seal)
}

/// The last thing of a kind that a process asked for.
async fn call<M: Machine>(setting: &Setting, id: Uuid, is_it: impl Fn(&M::Effect) -> bool) -> Call<M>
where
    M::Event: serde::de::DeserializeOwned,
{
    let calls = setting.calls::<M>(id).await;
    calls.into_iter().rfind(|call| is_it(&call.effect)).expect("the effect was asked for")
}

/// An identification like the signer's that belongs to no process.
fn of_nobody_s_process(creation: &Creation) -> otp::Creation {
    let signer = &creation.signers[0];
    otp::Creation {
        actor: signer.person.clone(),
        channel: signer.channel.expect("a code identifies the signer"),
        external: false,
        two_factor_type: signer.two_factor_type,
        expires_at: creation.expires_at,
        policy: creation.policy.clone(),
        contact_policy: creation.contact_policy.clone(),
        link_channel: None,
        purpose: otp::Purpose::default(),
    }
}

fn assert_refused<M: Machine>(attempt: &Attempt<M>, because: &str) {
    assert!(matches!(attempt, Attempt::Refused { reason } if reason.contains(because)), "{attempt:?}");
}

fn assert_retried<M: Machine>(attempt: &Attempt<M>, because: &str) {
    assert!(matches!(attempt, Attempt::Retry { reason, .. } if reason.contains(because)), "{attempt:?}");
}

#[actix_rt::test]
async fn a_seal_waits_for_a_new_certificate_when_the_tenant_s_has_expired() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (_, seal) = signed(&setting, &bare).await;
    setting.clock.advance(TimeDelta::days(3 * 365));
    let late = Call { now: setting.clock.now(), ..seal };

    assert_retried(&bare.up.sign.perform(late.clone()).await, "expired");
    let certify = Call { effect: Effect::Certify, ..late.clone() };
    assert_retried(&bare.up.sign.perform(certify).await, "expired");
    assert!(setting.tagged("SIGNED").await.is_empty() && setting.tagged("CERTIFICATE").await.is_empty());

    setting.give_certificate().await;
    assert!(matches!(bare.up.sign.perform(late).await, Attempt::Done(Some(_))));
    setting.assert_intact("SIGNED").await;
}

#[actix_rt::test]
async fn a_document_whose_bytes_are_gone_is_not_sealed_and_not_tried_for_ever() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (creation, seal) = signed(&setting, &bare).await;
    let digest = creation.documents[0].digest.parse().expect("a digest");
    setting.blobs.delete(ORGANIZATION, &digest).await.expect("removed");

    assert_refused(&bare.up.sign.perform(seal).await, "gone");
    assert!(setting.tagged("SIGNED").await.is_empty());
}

#[actix_rt::test]
async fn what_a_failed_seal_left_is_collected_and_the_sealed_document_stays() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (_, seal) = signed(&setting, &bare).await;
    // The first write is the reference to the bytes, the second the document's record.
    setting.store.fail_next_write(::store::faulty::Fault::Delay(std::time::Duration::ZERO));
    setting.store.fail_next_write(::store::faulty::Fault::Refused);
    assert_retried(&bare.up.sign.perform(seal.clone()).await, "injected");
    assert!(setting.tagged("SIGNED").await.is_empty());

    assert!(matches!(bare.up.sign.perform(seal).await, Attempt::Done(Some(_))));
    // In memory, blobs carry the system's time.
    let later = setting.clock.now().max(chrono::Utc::now()) + TimeDelta::days(2);
    let holds: Holds = std::sync::Arc::new(|_, _, _| Box::pin(std::future::ready(true)));
    let collected = setting.orphans().collect(&holds, TimeDelta::days(1), later).await.expect("collected");
    assert_eq!(collected.removed, 1, "the bytes of the first seal");
    setting.assert_intact("SIGNED").await;
}

#[actix_rt::test]
async fn an_identification_is_not_made_for_a_process_that_has_ended() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let creation = setting.creation().await;
    let (process, identification) = (creation.id, creation.signers[0].identification);
    let cancel = sign_process::Command::Cancel { reason: "changed our minds".into(), by: None };
    for command in [sign_process::Command::Create(Box::new(creation)), cancel] {
        bare.sign.ask(ORGANIZATION, process, command).await.expect("accepted");
    }

    let create = call(&setting, process, |effect| matches!(effect, Effect::CreateIdentification { .. })).await;
    assert_refused(&bare.up.sign.perform(create).await, "ended");
    assert!(setting.events::<Otp>(identification).await.is_empty());
}

#[actix_rt::test]
async fn an_identification_whose_creation_comes_after_its_cancellation_is_cancelled_all_the_same() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let creation = setting.creation().await;
    let (process, identification) = (creation.id, creation.signers[0].identification);
    bare.sign.ask(ORGANIZATION, process, sign_process::Command::Create(Box::new(creation))).await.expect("accepted");
    let under_way = call(&setting, process, |effect| matches!(effect, Effect::CreateIdentification { .. })).await;
    let cancel = sign_process::Command::Cancel { reason: "changed our minds".into(), by: None };
    bare.sign.ask(ORGANIZATION, process, cancel).await.expect("accepted");

    let cancel = call(&setting, process, |effect| matches!(effect, Effect::CancelIdentification { .. })).await;
    assert!(matches!(bare.up.sign.perform(cancel).await, Attempt::Done(None)));
    assert!(matches!(bare.up.sign.perform(under_way).await, Attempt::Done(None)));

    let events = setting.events::<Otp>(identification).await;
    assert!(matches!(&events[..], [(_, _, otp::Event::Created(_)), (_, _, otp::Event::Cancelled { .. })]), "{events:?}");
}

#[actix_rt::test]
async fn an_identification_with_another_s_identifier_is_refused_and_not_taken_for_the_signer_s() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let creation = setting.creation().await;
    let (process, identification) = (creation.id, creation.signers[0].identification);
    let another = of_nobody_s_process(&creation);
    bare.otp.ask(ORGANIZATION, identification, otp::Command::Create(Box::new(another))).await.expect("created");
    bare.sign.ask(ORGANIZATION, process, sign_process::Command::Create(Box::new(creation))).await.expect("created");

    let create = call(&setting, process, |effect| matches!(effect, Effect::CreateIdentification { .. })).await;
    assert_refused(&bare.up.sign.perform(create).await, "another");
}

#[actix_rt::test]
async fn a_code_that_is_no_longer_wanted_is_not_sent() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let creation = setting.creation().await;
    let identification = creation.signers[0].identification;
    let create = of_nobody_s_process(&creation);
    let ask = async |command| bare.otp.ask(ORGANIZATION, identification, command).await.expect("accepted");
    ask(otp::Command::Create(Box::new(create))).await;
    let (first, challenge) = setting.challenge();
    ask(challenge).await;
    setting.clock.advance(TimeDelta::minutes(2));
    let (second, challenge) = setting.challenge();
    ask(challenge).await;

    for (challenge, because) in [(first, "no longer wanted"), (second, "its time is over")] {
        let send = call::<Otp>(
            &setting,
            identification,
            |effect| matches!(effect, otp::Effect::Own(otp::CodeEffect::SendCode { challenge: asked, .. }) if *asked == challenge),
        );
        let send = send.await;
        let now = if challenge == second { send.now + TimeDelta::minutes(11) } else { send.now };
        assert_refused(&bare.up.otp.perform(Call { now, ..send }).await, because);
    }
    assert_eq!(setting.messages(|_| true), Vec::<String>::new());
}

/// The signature used the identification, and telling it was put off: the adapter catches up on it, the evidence only looks.
#[actix_rt::test]
async fn evidence_reads_and_changes_nothing() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let creation = setting.creation().await;
    let (process, identification) = (creation.id, creation.signers[0].identification);
    bare.sign.ask(ORGANIZATION, process, sign_process::Command::Create(Box::new(creation))).await.expect("created");
    let create = call(&setting, process, |effect| matches!(effect, Effect::CreateIdentification { .. })).await;
    assert!(matches!(bare.up.sign.perform(create).await, Attempt::Done(None)));
    let (challenge, ask) = setting.challenge();
    for command in [ask, setting.validate(challenge)] {
        bare.otp.ask(ORGANIZATION, identification, command).await.expect("accepted");
    }
    let state = workflows::IdentificationState::Validated;
    let told = sign_process::Command::Identification { identification, state };
    for command in [told, sign_command(process)] {
        bare.sign.ask(ORGANIZATION, process, command).await.expect("accepted");
    }
    let seal = call(&setting, process, |effect| matches!(effect, Effect::Seal { .. })).await;
    let Attempt::Done(Some(sealed)) = bare.up.sign.perform(seal).await else { panic!("not sealed") };
    bare.sign.ask(ORGANIZATION, process, sealed).await.expect("accepted");

    let certify: Call<SignProcess> = call(&setting, process, |effect| matches!(effect, Effect::Certify)).await;
    let world = setting.world(&setting.channels);
    let identity = setting.configurations.identity(ORGANIZATION, certify.now).await.expect("an identity");
    let scene = evidence::Scene::new(&world, &bare.processes, ORGANIZATION, certify.state.data().expect("a process"));
    let before = (setting.events::<Otp>(identification).await, setting.events::<SignProcess>(process).await);
    let gathered = evidence::gather(&scene, &identity, certify.now).await.expect("evidence");
    let shown = gathered.signers[0].identification.as_ref().map(|shown| shown.state.clone());
    assert_eq!(shown.as_deref(), Some("VALIDATED"), "as it is");
    assert_eq!((setting.events::<Otp>(identification).await, setting.events::<SignProcess>(process).await), before);

    assert!(matches!(bare.up.sign.perform(certify).await, Attempt::Done(Some(_))));
    let events = setting.events::<Otp>(identification).await;
    assert!(matches!(events.last(), Some((_, _, otp::Event::Succeeded))), "{events:?}");
}

/// A signer whose code failed by SMS and is to go out by e-mail, which is the channel of the link.
async fn rerouted(setting: &Setting, bare: &Bare) -> (Uuid, Uuid, Uuid, Call<Otp>) {
    let creation = setting.creation().await;
    let (process, identification) = (creation.id, creation.signers[0].identification);
    bare.sign.ask(ORGANIZATION, process, sign_process::Command::Create(Box::new(creation))).await.expect("created");
    let create = call(setting, process, |effect| matches!(effect, Effect::CreateIdentification { .. })).await;
    assert!(matches!(bare.up.sign.perform(create).await, Attempt::Done(None)));
    let (challenge, ask) = setting.challenge();
    let (status, word) = (otp::ReceiptStatus::Failed, "undelivered".to_owned());
    let failed = otp::CodeCommand::Receipt { challenge, channel: None, status, word };
    for command in [ask, failed.into()] {
        bare.otp.ask(ORGANIZATION, identification, command).await.expect("accepted");
    }
    let is_reroute = |effect: &otp::Effect| matches!(effect, otp::Effect::Own(otp::CodeEffect::Reroute { .. }));
    (process, identification, challenge, call(setting, identification, is_reroute).await)
}

#[actix_rt::test]
async fn evidence_tells_each_way_of_a_code_and_what_became_of_it() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (process, identification, challenge, reroute) = rerouted(&setting, &bare).await;
    let Attempt::Done(Some(delivered)) = bare.up.otp.perform(reroute).await else { panic!("not sent") };
    for command in [delivered, setting.validate(challenge)] {
        bare.otp.ask(ORGANIZATION, identification, command).await.expect("accepted");
    }

    let world = setting.world(&setting.channels);
    let identity = setting.configurations.identity(ORGANIZATION, setting.clock.now()).await.expect("an identity");
    let state = bare.sign.read(ORGANIZATION, process).await.expect("readable");
    let scene = evidence::Scene::new(&world, &bare.processes, ORGANIZATION, state.data().expect("a process"));
    let gathered = evidence::gather(&scene, &identity, setting.clock.now()).await.expect("evidence");
    let shown = gathered.signers[0].identification.as_ref().expect("it is shown");
    assert_eq!(shown.challenges[0].fate.as_deref(), Some("DELIVERED"));
    let ways = shown.challenges[0].deliveries.iter();
    let ways: Vec<_> = ways.map(|way| (way.channel.as_deref(), way.fate.as_deref(), way.channel_of_link)).collect();
    assert_eq!(ways, [(Some("SMS"), Some("FAILED"), false), (Some("EMAIL"), Some("DELIVERED"), true)]);
    assert_eq!(shown.challenges[0].deliveries[0].destination, None, "it is that of the identification");
    assert!(shown.challenges[0].deliveries[1].destination.as_deref().is_some_and(|to| to != super::EMAIL && to.contains('@')));
    let happened = |what| gathered.timeline.iter().filter(|entry| entry.what == what).count();
    assert_eq!((happened(Action::CodeNotDelivered), happened(Action::CodeRerouted), happened(Action::CodeSent)), (1, 1, 1));
}

#[actix_rt::test]
async fn a_code_goes_out_again_on_no_channel_that_the_organization_allows_no_more() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (.., reroute) = rerouted(&setting, &bare).await;
    let change = Change { channels: Some(vec!["SMS".into()]), ..Change::default() };
    setting.configurations.update(ORGANIZATION, change, setting.clock.now()).await.expect("changed");
    assert_refused(&bare.up.otp.perform(reroute).await, "does not allow the channel any more");
    assert_eq!(setting.messages(|_| true), Vec::<String>::new());
}

#[actix_rt::test]
async fn a_code_that_goes_out_again_counts_like_any_other() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (.., reroute) = rerouted(&setting, &bare).await;
    let options = code_limits::Options { per_destination_and_hour: 1, per_organization_and_minute: 0 };
    let limits = Arc::new(CodeLimits::new(options, &Keys::from_bytes(&[7; 32])));
    limits.admit(ORGANIZATION, super::EMAIL).await.expect("the first");
    let world = Arc::new(World { code_limits: limits, ..setting.world(&setting.channels) });
    let adapter = crate::processes::otp::Adapter::new(world, bare.processes.clone());
    assert_refused(&adapter.perform(reroute).await, "too many codes");
    assert_eq!(setting.messages(|_| true), Vec::<String>::new());
}
