//! Processes walked through their whole lives, with every effect failed at every call of the store, and repeated.

use std::{collections::BTreeSet, time::Duration};

use ::store::{Record, RecordKey, Store, faulty::Fault};
use actors::{Attempt, Call, Effects, journal::EffectId};
use uuid::Uuid;
use workflows::{
    Machine,
    identification::{
        chain::{self, Chain},
        otp::{self, NumberCheck, Otp},
    },
    sign_process::{self, Notice, SignProcess, Status},
};

use crate::camara::operator::Operator;

use super::{Bare, EMAIL, ORGANIZATION, Setting, sign_command};

/// More calls of the store than any effect makes.
const MOST_CALLS: u64 = 200;

/// How attempts fail before one succeeds.
#[derive(Clone, Copy)]
pub(super) enum Failing {
    /// Not at all: only repetition is looked at.
    Never,
    /// Mail server and gateway are down first; then each call of the store in turn meets the fault.
    With(Fault),
}

pub(super) struct Walk {
    pub setting: Setting,
    pub bare: Bare,
    operator: Operator,
    failing: Failing,
    performed: BTreeSet<(Uuid, EffectId)>,
    /// Names of the effects that were performed.
    pub kinds: BTreeSet<&'static str>,
    /// Attempts that met a fault and said so.
    pub retried: usize,
}

impl Walk {
    pub async fn new(failing: Failing) -> Self {
        let setting = Setting::calm().await;
        let bare = setting.bare();
        Self {
            setting,
            bare,
            operator: Operator::start(),
            failing,
            performed: BTreeSet::new(),
            kinds: BTreeSet::new(),
            retried: 0,
        }
    }

    /// A new process with everything done that its creation asks for. The phone's operator is asked before its code goes out where
    /// `checks` says so.
    async fn created(&mut self, checks: &[NumberCheck]) -> (Uuid, Uuid) {
        let mut creation = self.setting.creation().await;
        creation.contact_policy.checks = checks.to_vec();
        let (process, identification) = (creation.id, creation.signers[0].identification);
        let command = sign_process::Command::Create(Box::new(creation));
        self.bare.sign.ask(ORGANIZATION, process, command).await.expect("created");
        self.sign_effects(process).await;
        (process, identification)
    }

    pub async fn ask_otp(&mut self, identification: Uuid, command: otp::Command) {
        self.bare.otp.ask(ORGANIZATION, identification, command).await.expect("accepted");
        self.otp_effects(identification).await;
    }

    /// Performs what an identification has asked for and was not performed yet, until it asks for nothing more.
    pub async fn otp_effects(&mut self, id: Uuid) {
        while let Some(call) = self.next_call::<Otp>(id).await {
            let (up, down) = (&self.bare.up.otp, &self.bare.down.otp);
            let uses_channels = match &call.effect {
                otp::Effect::Own(otp::CodeEffect::SendCode { .. } | otp::CodeEffect::Reroute { .. }) => true,
                otp::Effect::Own(otp::CodeEffect::CheckNumber { .. })
                | otp::Effect::TellProcess { .. }
                | otp::Effect::TellChain { .. } => false,
            };
            let down = uses_channels.then_some(down);
            let seen = async || {
                self.kinds.insert(match &call.effect {
                    otp::Effect::Own(otp::CodeEffect::SendCode { .. }) => "send code",
                    otp::Effect::Own(otp::CodeEffect::CheckNumber { .. }) => "check number",
                    otp::Effect::Own(otp::CodeEffect::Reroute { .. }) => "reroute",
                    otp::Effect::TellProcess { .. } => "tell process",
                    otp::Effect::TellChain { .. } => "tell chain",
                });
                seen_of_otp(&self.setting, &self.operator, &call).await
            };
            let (command, retried) = hold_to_the_rules(&self.setting, self.failing, up, down, &call, false, seen).await;
            self.retried += retried;
            if let Some(command) = command {
                self.bare.otp.ask(ORGANIZATION, id, command).await.expect("results are taken");
            }
        }
    }

    /// As [`Walk::otp_effects`], of a chain.
    pub async fn chain_effects(&mut self, id: Uuid) {
        while let Some(call) = self.next_call::<Chain>(id).await {
            self.kinds.insert(match &call.effect {
                chain::Effect::CreateStep { .. } => "create step",
                chain::Effect::RestartStep { .. } => "restart step",
                chain::Effect::CloseStep { .. } => "close step",
                chain::Effect::CancelStep { .. } => "cancel step",
            });
            let seen = async || seen_of_chain(&self.setting, &call).await;
            let (up, failing) = (&self.bare.up.chain, self.failing);
            let (command, retried) = hold_to_the_rules(&self.setting, failing, up, None, &call, false, seen).await;
            self.retried += retried;
            assert!(command.is_none(), "the steps tell themselves what became of them");
        }
    }

    /// As [`Walk::otp_effects`], of a sign process.
    async fn sign_effects(&mut self, id: Uuid) {
        while let Some(call) = self.next_call::<SignProcess>(id).await {
            use sign_process::Effect;
            let (kind, uses_channels) = match &call.effect {
                Effect::CreateIdentification { .. } => ("create identification", false),
                Effect::CloseIdentification { .. } => ("close identification", false),
                Effect::CancelIdentification { .. } => ("cancel identification", false),
                Effect::Seal { .. } => ("seal", false),
                Effect::TellContract { .. } => ("tell contract", false),
                Effect::Certify => ("certify", false),
                Effect::Release => ("release", false),
                Effect::Notify { .. } => ("notify", true),
                Effect::SendLink { .. } => ("send link", true),
            };
            self.kinds.insert(kind);
            let (up, down) = (&self.bare.up.sign, uses_channels.then_some(&self.bare.down.sign));
            // A hold is given up first, and the bytes that nobody holds are removed then.
            let in_steps = matches!(call.effect, Effect::Release);
            let seen = async || seen_of_sign(&self.setting, &call).await;
            let (command, retried) = hold_to_the_rules(&self.setting, self.failing, up, down, &call, in_steps, seen).await;
            self.retried += retried;
            if let Some(command) = command {
                self.bare.sign.ask(ORGANIZATION, id, command).await.expect("results are taken");
            }
        }
    }

    async fn next_call<M: Machine>(&mut self, id: Uuid) -> Option<Call<M>> {
        let calls = self.setting.calls::<M>(id).await;
        calls.into_iter().find(|call| self.performed.insert((id, call.id)))
    }
}

/// What the world sees of an effect: one line for each time that it was performed.
async fn seen_of_otp(setting: &Setting, operator: &Operator, call: &Call<Otp>) -> Vec<String> {
    match &call.effect {
        otp::Effect::Own(otp::CodeEffect::SendCode { challenge, .. }) => {
            let code = setting.code(*challenge);
            setting.messages(|message| message.text.contains(&code))
        }
        // A question, which the operator knows again by the challenge.
        otp::Effect::Own(otp::CodeEffect::CheckNumber { challenge, .. }) => {
            let asked = operator.requests("/check").into_iter().map(|request| request.correlator);
            asked.filter(|correlator| *correlator == challenge.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
        }
        otp::Effect::Own(otp::CodeEffect::Reroute { challenge, channel, .. }) => {
            let code = setting.code(*challenge);
            setting.messages(|message| message.channel == *channel && message.text.contains(&code))
        }
        // Of what it is told, the process notes only what it did not know: that the signer is identified.
        otp::Effect::TellProcess { sign_process, .. } => {
            let events = setting.events::<SignProcess>(*sign_process).await;
            let identified = |event: &sign_process::Event| match event {
                sign_process::Event::Identified { identification } => *identification == call.entity.id,
                _ => false,
            };
            events.iter().filter(|(.., event)| identified(event)).map(|(seq, ..)| seq.to_string()).collect()
        }
        otp::Effect::TellChain { chain, told: tells } => {
            let events = setting.events::<Chain>(*chain).await;
            let own = |event: &chain::Event| match event {
                chain::Event::Created(creation) => creation.steps.iter().position(|step| step.id == call.entity.id),
                _ => None,
            };
            let own = events.iter().find_map(|(.., event)| own(event)).expect("a step of the chain");
            let told = |event: &chain::Event| match event {
                chain::Event::StepChanged { position, told } => *position == own && told == tells,
                _ => false,
            };
            events.iter().filter(|(.., event)| told(event)).map(|(seq, ..)| seq.to_string()).collect()
        }
    }
}

/// As [`seen_of_otp`].
async fn seen_of_chain(setting: &Setting, call: &Call<Chain>) -> Vec<String> {
    use chain::Effect;
    let (position, is_it): (usize, fn(&otp::Event) -> bool) = match &call.effect {
        Effect::CreateStep { position } => (*position, |event| matches!(event, otp::Event::Created(_))),
        Effect::RestartStep { position, .. } => (*position, |event| matches!(event, otp::Event::Restarted { .. })),
        Effect::CloseStep { position } => (*position, |event| matches!(event, otp::Event::Succeeded)),
        Effect::CancelStep { position, .. } => (*position, |event| matches!(event, otp::Event::Cancelled { .. })),
    };
    let step = call.state.data().expect("a chain").creation.steps[position].id;
    let events = setting.events::<Otp>(step).await;
    events.iter().filter(|(.., event)| is_it(event)).map(|(seq, ..)| seq.to_string()).collect()
}

/// As [`seen_of_otp`]. A new effect does not compile without a line here that says what it does.
async fn seen_of_sign(setting: &Setting, call: &Call<SignProcess>) -> Vec<String> {
    use sign_process::Effect;
    let events = async |id: Uuid, is_it: fn(&otp::Event) -> bool| {
        let events = setting.events::<Otp>(id).await;
        events.iter().filter(|(.., event)| is_it(event)).map(|(seq, ..)| seq.to_string()).collect()
    };
    match &call.effect {
        Effect::CreateIdentification { position } => {
            let data = call.state.data().expect("a process");
            events(data.creation.signers[*position].identification, |event| matches!(event, otp::Event::Created(_))).await
        }
        Effect::CloseIdentification { identification } => {
            events(*identification, |event| matches!(event, otp::Event::Succeeded)).await
        }
        Effect::CancelIdentification { identification, .. } => {
            events(*identification, |event| matches!(event, otp::Event::Cancelled { .. })).await
        }
        Effect::Seal { .. } => setting.tagged("SIGNED").await,
        Effect::TellContract { contract, .. } => {
            let key = RecordKey::new(ORGANIZATION, "contract", contract.to_string());
            let versions = setting.store.inner().history(&key, None, 10).await.expect("the model answers");
            let is_signed = |version: &&Record| String::from_utf8_lossy(&version.body).contains("signed_document");
            versions.iter().filter(is_signed).map(|version| version.version.to_string()).collect()
        }
        Effect::Certify => setting.tagged("CERTIFICATE").await,
        Effect::Release => match setting.held_for_processes().await {
            0 => vec!["nothing is held".into()],
            _ => Vec::new(),
        },
        Effect::Notify { notice, .. } => setting
            .messages(|message| message.to == EMAIL && message.text.contains("sign_id=") == (*notice == Notice::SignRequest)),
        Effect::SendLink { .. } => {
            // The oldest is the invitation.
            let mut links = setting.messages(|message| message.to == EMAIL && message.text.contains("sign_id="));
            links.pop();
            links
        }
    }
}

/// Performs one effect: fails it as the walk says, lets it succeed, and repeats it. Gives its result and how many attempts said
/// that they failed. What is done `in_steps` may be seen even if the last step failed.
async fn hold_to_the_rules<M: Machine, A: Effects<M>>(
    setting: &Setting,
    failing: Failing,
    up: &A,
    down: Option<&A>,
    call: &Call<M>,
    in_steps: bool,
    mut seen: impl AsyncFnMut() -> Vec<String>,
) -> (Option<M::Command>, usize) {
    let before = seen().await;
    let mut done: Option<String> = None;
    let mut retried = 0;
    // A failed attempt shows nothing, a successful one shows the effect once, with the same result each time.
    let mut check = async |attempt: Attempt<M>, what: &str| match attempt {
        Attempt::Done(command) => {
            let result = format!("{command:?}");
            assert_eq!(done.get_or_insert(result.clone()), &result, "{what}: another result");
            assert_eq!(seen().await.len(), 1, "{what}: performed, and seen {:?}", seen().await);
            (Some(command), 0)
        }
        Attempt::Retry { .. } if done.is_none() => {
            let shows = seen().await;
            assert!(shows == before || (in_steps && shows.len() == 1), "{what}: half performed, {shows:?}");
            (None, 1)
        }
        Attempt::Retry { .. } => {
            assert_eq!(seen().await.len(), 1, "{what}: undone");
            (None, 1)
        }
        other => panic!("{what}: {other:?}"),
    };
    if let Failing::With(fault) = failing {
        if let Some(down) = down {
            let (command, failed) = check(down.perform(call.clone()).await, "while the channels are down").await;
            assert!(command.is_none(), "{:?} through channels that are down", call.effect);
            retried += failed;
        }
        for spared in 0.. {
            assert!(spared < MOST_CALLS, "{:?} never ends", call.effect);
            let (attempt, hit) = fail_after(setting, spared, fault, up, call).await;
            let what = format!("{:?}, {fault:?} after {spared} calls", call.effect);
            let (command, failed) = check(attempt, &what).await;
            retried += failed;
            if !hit {
                assert!(command.is_some(), "{what}: failed without a fault");
                break;
            }
        }
    }
    let mut result = None;
    for what in ["performed", "repeated"] {
        let (command, _) = check(up.perform(call.clone()).await, &format!("{:?} {what}", call.effect)).await;
        result = Some(command.unwrap_or_else(|| panic!("{:?} is not {what}", call.effect)));
    }
    (result.flatten(), retried)
}

/// One attempt whose call of the store after `spared` others meets the fault; whether it came to that call.
async fn fail_after<M: Machine, A: Effects<M>>(
    setting: &Setting,
    spared: u64,
    fault: Fault,
    adapter: &A,
    call: &Call<M>,
) -> (Attempt<M>, bool) {
    let store = &setting.store;
    let met_before = store.injected();
    // No delay at all stands for no fault.
    (0..spared).for_each(|_| store.fail_next(Fault::Delay(Duration::ZERO)));
    store.fail_next(fault);
    let attempt = adapter.perform(call.clone()).await;
    let left = spared + 1 - (store.injected() - met_before);
    for _ in 0..left {
        // What it did not come to must not befall the next; that one of these fails is the point.
        let _ = store.ping().await;
    }
    (attempt, left == 0)
}

/// From the creation to the certificate, and another process from the creation to its cancellation.
async fn walk_through(failing: Failing) -> Walk {
    let mut walk = Walk::new(failing).await;
    walk.setting.give_operator(&walk.operator).await;
    let (cancelled, identification) = walk.created(&[NumberCheck::SimSwap { max_age_hours: 72 }]).await;
    let (challenge, command) = walk.setting.challenge();
    walk.ask_otp(identification, command).await;
    let (status, word) = (otp::ReceiptStatus::Failed, "undelivered".into());
    walk.ask_otp(identification, otp::CodeCommand::Receipt { challenge, channel: None, status, word }.into()).await;
    let command = sign_process::Command::RenewLink { signature: sign_process::signature_id(cancelled, 0), by: None };
    walk.bare.sign.ask(ORGANIZATION, cancelled, command).await.expect("renewed");
    walk.sign_effects(cancelled).await;
    let command = sign_process::Command::Cancel { reason: "changed our minds".into(), by: None };
    walk.bare.sign.ask(ORGANIZATION, cancelled, command).await.expect("cancelled");
    walk.sign_effects(cancelled).await;

    let mut walk = Walk { setting: Setting::calm().await, ..walk };
    walk.bare = walk.setting.bare();
    let (process, identification) = walk.created(&[]).await;
    let (challenge, command) = walk.setting.challenge();
    walk.ask_otp(identification, command).await;
    let command = walk.setting.validate(challenge);
    walk.ask_otp(identification, command).await;
    walk.bare.sign.ask(ORGANIZATION, process, sign_command(process)).await.expect("signed");
    walk.sign_effects(process).await;
    walk.otp_effects(identification).await;

    let certified = walk.bare.sign.read(ORGANIZATION, process).await.expect("readable");
    assert_eq!(certified.data().map(|data| data.status), Some(Status::Certified));
    walk.setting.assert_intact("SIGNED").await;
    walk.setting.assert_intact("CERTIFICATE").await;
    let all = [
        "cancel identification",
        "certify",
        "check number",
        "close identification",
        "create identification",
        "notify",
        "release",
        "reroute",
        "seal",
        "send code",
        "send link",
        "tell contract",
        "tell process",
    ];
    assert_eq!(walk.kinds.iter().copied().collect::<Vec<_>>(), all, "an effect was not performed");
    walk
}

#[actix_rt::test]
async fn an_effect_that_is_performed_twice_is_seen_once() {
    let walk = walk_through(Failing::Never).await;
    assert_eq!(walk.retried, 0);
}

#[actix_rt::test]
async fn an_effect_that_the_store_refuses_leaves_nothing_half_done_and_succeeds_when_repeated() {
    let walk = walk_through(Failing::With(Fault::Refused)).await;
    assert!(walk.retried > 20, "only {} attempts failed", walk.retried);
}

#[actix_rt::test]
async fn an_effect_whose_write_was_lost_without_a_word_succeeds_when_repeated() {
    let walk = walk_through(Failing::With(Fault::UnknownNotApplied)).await;
    assert!(walk.retried > 10, "only {} attempts failed", walk.retried);
}

#[actix_rt::test]
async fn an_effect_whose_write_is_there_though_the_store_does_not_know_is_seen_once() {
    let walk = walk_through(Failing::With(Fault::UnknownApplied)).await;
    assert!(walk.retried > 10, "only {} attempts failed", walk.retried);
}
