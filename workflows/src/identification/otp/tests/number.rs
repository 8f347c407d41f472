//! Whose contact it is: the second proof, and what the phone's operator says.

use super::*;
use crate::{ContactOrigin, Msisdn};

const CHECKS: [NumberCheck; 3] =
    [NumberCheck::SimSwap { max_age_hours: 72 }, NumberCheck::NumberVerification, NumberCheck::KycMatch];

/// An actor with a phone.
pub fn with_phone() -> Contact {
    Contact { msisdn: Some(Msisdn { phone_number: 600_111_222, country_code: "34".into() }), ..creation().actor }
}

/// Everything is asked of the contact of an identification by SMS.
pub fn all_on(creation: &mut Creation) {
    creation.actor = with_phone();
    creation.channel = Channel::Sms;
    creation.contact_policy =
        ContactPolicy { second_proof: SecondProof::Needed, checks: CHECKS.to_vec(), if_unanswered: IfUnanswered::Refuse };
}

fn checked(creation: &mut Creation) {
    all_on(creation);
    creation.contact_policy.second_proof = SecondProof::NotNeeded;
}

fn gated(creation: &mut Creation) {
    creation.contact_policy.second_proof = SecondProof::Needed;
}

/// The first question with this outcome, the others passed.
pub fn answers(outcome: NumberOutcome) -> Vec<NumberAnswer> {
    let outcome = |position: usize| if position == 0 { outcome } else { NumberOutcome::Passed };
    let answer = |(position, check): (usize, &NumberCheck)| NumberAnswer {
        check: *check,
        outcome: outcome(position),
        detail: (position == 0).then(|| "as the operator says".into()),
    };
    CHECKS.iter().enumerate().map(answer).collect()
}

impl World {
    pub fn operator_says(&mut self, number: u128, outcome: NumberOutcome) {
        let asked = self.otp.machine.data().map(|data| data.questions().to_vec()).unwrap_or_default();
        let mut answers = answers(outcome);
        answers.truncate(asked.len());
        answers.iter_mut().zip(asked).for_each(|(answer, check)| answer.check = check);
        let command = CodeCommand::NumberChecked { challenge: Uuid::from_u128(number), answers };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    pub fn operator_is_silent(&mut self, number: u128) {
        let command = CodeCommand::NumberNotChecked { challenge: Uuid::from_u128(number), reason: "no answer in time".into() };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    pub fn confirm(&mut self, reason: &str) -> Answer {
        self.otp.tell(CodeCommand::ConfirmContact { by: "clerk-7".into(), reason: reason.into() })
    }
}

fn effects(world: &mut World) -> Vec<&'static str> {
    let name = |effect: Effect| match effect {
        Effect::Own(CodeEffect::SendCode { .. }) => "send",
        Effect::Own(CodeEffect::CheckNumber { .. }) => "check",
        Effect::Own(CodeEffect::Reroute { .. }) => "reroute",
        Effect::TellProcess { .. } | Effect::TellChain { .. } => "tell",
    };
    world.otp.new_effects().into_iter().map(name).collect()
}

#[test]
fn a_contact_that_only_the_signer_vouches_for_needs_a_second_proof() {
    use ContactOrigin::{AgentChecked, CustomerRecord, TypedBySigner};
    for (origin, needed) in
        [(None, true), (Some(TypedBySigner), true), (Some(CustomerRecord), false), (Some(AgentChecked), false)]
    {
        let mut world = World::with(|creation| {
            gated(creation);
            creation.actor.origin = origin;
        });
        assert_eq!(world.ask(), Ok(()));
        if needed {
            assert_eq!(world.answer(1), Err(super::super::number::second_proof_missing()), "{origin:?}");
            assert_eq!((world.data().own.failures, world.data().remaining_attempts()), (0, Some(3)), "it costs no try");
            assert_eq!(world.confirm("called back"), Ok(()));
        }
        assert_eq!(world.answer(1), Ok(()), "{origin:?}");
    }
}

#[test]
fn the_second_proof_can_come_before_the_code() {
    let mut world = World::with(gated);
    assert_eq!(world.confirm("seen in the shop"), Ok(()));
    assert_eq!(world.ask(), Ok(()));
    assert_eq!(world.answer(1), Ok(()));
    let confirmed = world.data().own.confirmed.clone().expect("it is kept");
    assert_eq!((confirmed.at, confirmed.by.as_str(), confirmed.reason.as_str()), (start(), "clerk-7", "seen in the shop"));
}

#[test]
fn off_by_default_nothing_is_asked() {
    let mut world = World::with(|creation| creation.actor.origin = Some(ContactOrigin::TypedBySigner));
    assert_eq!(world.ask(), Ok(()));
    assert_eq!(effects(&mut world), ["send"]);
    assert_eq!(world.answer(1), Ok(()));
    let written = serde_json::to_string(&creation()).expect("JSON");
    assert!(!written.contains("contact_policy") && !written.contains("origin"), "{written}");
}

#[test]
fn a_chain_with_another_proof_is_the_second_one() {
    let policy = || ContactPolicy { second_proof: SecondProof::Needed, ..ContactPolicy::default() };
    assert_eq!(policy().in_chain(true).second_proof, SecondProof::Chain);
    assert_eq!(policy().in_chain(false).second_proof, SecondProof::Needed);
    assert_eq!(ContactPolicy::default().in_chain(true), ContactPolicy::default());
    let mut world = World::with(|creation| creation.contact_policy = policy().in_chain(true));
    assert_eq!(world.ask(), Ok(()));
    assert_eq!(world.answer(1), Ok(()));
}

#[test]
fn a_check_of_the_contact_is_recorded_once_and_only_while_it_can_matter() {
    for mut world in World::in_each_state() {
        let state = world.state();
        if state == IdentificationState::Created {
            assert_eq!(world.confirm("called back"), Ok(()));
            let events = world.otp.journal.len();
            assert_eq!(world.confirm("called back"), Ok(()), "repeated after an answer was lost");
            assert!(matches!(world.confirm("another way"), Err(Refusal::State(_))));
            assert_eq!(world.otp.journal.len(), events);
        } else {
            assert_eq!(world.confirm("called back"), wrong_state(state.name()));
        }
    }
    let mut never = World { otp: Driver::new(), codes: 0 };
    assert_eq!(never.confirm("called back"), Err(NOT_FOUND));
}

#[test]
fn the_operator_is_asked_before_each_code_goes_out() {
    let mut world = World::with(checked);
    for number in 1..=2 {
        world.wait_and_ask();
        assert_eq!(effects(&mut world), ["check"]);
        assert!(matches!(world.answer(number), Err(Refusal::State(_))), "nobody has this code yet");
        assert!(world.data().awaits_operator(Uuid::from_u128(number)));
        world.operator_says(number, NumberOutcome::Passed);
        assert!(!world.data().awaits_operator(Uuid::from_u128(number)));
        assert_eq!(effects(&mut world), ["send"]);
    }
    assert_eq!(world.answer(2), Ok(()));
    assert_eq!(world.data().own.challenges[0].number_answers, answers(NumberOutcome::Passed));
}

#[test]
fn a_code_that_is_refused_cannot_be_answered_and_keeps_its_wait() {
    let mut world = World::with(checked);
    assert_eq!(world.ask(), Ok(()));
    world.operator_says(1, NumberOutcome::Failed);
    assert_eq!(effects(&mut world), ["check"]);
    assert!(world.data().is_code_refused(Uuid::from_u128(1)));
    let refused = Delivery::Failed { at: start(), reason: "SIM_SWAP: as the operator says".into() };
    assert_eq!(world.data().own.challenges[0].sendings[0].delivery, refused);
    assert_eq!(world.answer(1), Err(CODE_GONE));
    assert_eq!(world.ask(), Err(too_early(start() + Duration::seconds(30))));
    world.wait_and_ask();
    world.operator_says(2, NumberOutcome::Passed);
    assert_eq!(world.answer(2), Ok(()));
}

#[test]
fn it_fails_when_the_operator_refuses_the_last_code() {
    let mut world = World::with(|creation| {
        checked(creation);
        creation.policy.challenges = 1;
    });
    assert_eq!(world.ask(), Ok(()));
    world.operator_says(1, NumberOutcome::Failed);
    assert_eq!(world.state(), IdentificationState::Failed);
    assert_eq!(world.data().end_reason.as_deref(), Some(super::super::number::NUMBER_REFUSED));
}

#[test]
fn silence_refuses_or_is_recorded_as_the_organization_says() {
    for (if_unanswered, expected) in [(IfUnanswered::Refuse, vec!["check"]), (IfUnanswered::Allow, vec!["check", "send"])] {
        let mut said = World::with(|creation| {
            checked(creation);
            creation.contact_policy.if_unanswered = if_unanswered;
        });
        assert_eq!(said.ask(), Ok(()));
        let mut given_up = said.clone();
        said.operator_says(1, NumberOutcome::Unanswered);
        given_up.operator_is_silent(1);
        for world in [&mut said, &mut given_up] {
            assert_eq!(effects(world), expected);
            assert_eq!(world.data().own.challenges[0].number_answers[0].outcome, NumberOutcome::Unanswered);
        }
        let details = &given_up.data().own.challenges[0].number_answers;
        assert!(details.len() == 3 && details.iter().all(|answer| answer.detail.as_deref() == Some("no answer in time")));
    }
}

#[test]
fn an_operator_knows_phones_only() {
    let mut world = World::with(|creation| {
        checked(creation);
        creation.channel = Channel::Email;
    });
    assert_eq!(world.ask(), Ok(()));
    assert_eq!(effects(&mut world), ["send"]);
    assert_eq!(world.answer(1), Ok(()));
}

#[test]
fn a_code_falls_back_to_no_number_of_which_the_operator_was_not_asked() {
    let with_fallbacks = |creation: &mut Creation, own: Channel| {
        checked(creation);
        creation.channel = own;
        creation.policy.fallback_channels = vec![Channel::Sms, Channel::Whatsapp];
    };
    let mut by_mail = World::with(|creation| with_fallbacks(creation, Channel::Email));
    assert_eq!(by_mail.ask(), Ok(()));
    by_mail.not_delivered(1);
    assert_eq!(effects(&mut by_mail), ["send"]);
    let mut by_sms = World::with(|creation| with_fallbacks(creation, Channel::Sms));
    assert_eq!(by_sms.ask(), Ok(()));
    by_sms.operator_says(1, NumberOutcome::Passed);
    by_sms.not_delivered(1);
    assert_eq!(effects(&mut by_sms), ["check", "send", "reroute"]);
    let mut refused = World::with(|creation| with_fallbacks(creation, Channel::Sms));
    assert_eq!(refused.ask(), Ok(()));
    refused.operator_says(1, NumberOutcome::Failed);
    refused.not_delivered(1);
    assert_eq!(effects(&mut refused), ["check"], "a code that is refused goes nowhere");
}

#[test]
fn answers_that_were_not_asked_for_change_nothing() {
    let mut world = World::with(checked);
    assert_eq!(world.ask(), Ok(()));
    let events = world.otp.journal.len();
    for answers in [Vec::new(), answers(NumberOutcome::Passed)[1..].to_vec()] {
        let command = CodeCommand::NumberChecked { challenge: Uuid::from_u128(1), answers };
        assert_eq!(world.otp.tell(command), Ok(()));
    }
    world.operator_says(9, NumberOutcome::Passed);
    assert_eq!(world.otp.journal.len(), events);
    world.operator_says(1, NumberOutcome::Passed);
    world.operator_says(1, NumberOutcome::Failed);
    assert_eq!(world.otp.journal.len(), events + 1, "the first answer stands");
    for mut world in World::in_each_state() {
        let events = world.otp.journal.len();
        world.operator_says(1, NumberOutcome::Failed);
        world.operator_is_silent(1);
        assert_eq!(world.otp.journal.len(), events, "nothing was asked");
    }
}
