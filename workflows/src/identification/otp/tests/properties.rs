//! What holds whatever is commanded, in whatever order, at whatever time.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{ContactOrigin, table::Table, testing::cases};

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Step {
    Wait {
        seconds: i64,
    },
    /// Waits to within a nanosecond of the machine's own next moment.
    WaitForWake {
        nanoseconds: i64,
    },
    WaitForChallenge,
    Ask {
        right_factor: bool,
    },
    /// Types the code that came `age` codes before the newest.
    Answer {
        age: u128,
        right_factor: bool,
    },
    AnswerWrong,
    AskAgain,
    /// Proves again, with the newest code or a wrong one.
    Prove {
        right: bool,
        keeping: bool,
    },
    Cancel,
    Close,
    /// The chain's `rounds` after its present one, or an earlier one.
    Restart {
        rounds: i32,
    },
    Delete {
        force: bool,
    },
    Delivered {
        number: u128,
        channel: Option<Channel>,
        reports: bool,
    },
    NotDelivered {
        number: u128,
        channel: Option<Channel>,
    },
    DeliveryUnknown {
        number: u128,
    },
    Receipt {
        number: u128,
        channel: Option<Channel>,
        read: bool,
    },
    OperatorSays {
        number: u128,
        outcome: NumberOutcome,
    },
    OperatorIsSilent {
        number: u128,
    },
    Confirm,
    CreateAgain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..400i64).prop_map(|seconds| Step::Wait { seconds }),
        1 => (-1..=1i64).prop_map(|nanoseconds| Step::WaitForWake { nanoseconds }),
        6 => Just(Step::WaitForChallenge),
        10 => prop::bool::weighted(0.8).prop_map(|right_factor| Step::Ask { right_factor }),
        3 => (0..2u128, prop::bool::weighted(0.8)).prop_map(|(age, right_factor)| Step::Answer { age, right_factor }),
        10 => Just(Step::AnswerWrong),
        6 => Just(Step::AskAgain),
        6 => (any::<bool>(), any::<bool>()).prop_map(|(right, keeping)| Step::Prove { right, keeping }),
        1 => Just(Step::Cancel),
        2 => Just(Step::Close),
        2 => (-1..3i32).prop_map(|rounds| Step::Restart { rounds }),
        1 => any::<bool>().prop_map(|force| Step::Delete { force }),
        3 => (1..5u128, any_channel(), any::<bool>())
            .prop_map(|(number, channel, reports)| Step::Delivered { number, channel, reports }),
        3 => (1..5u128, any_channel()).prop_map(|(number, channel)| Step::NotDelivered { number, channel }),
        1 => (1..5u128).prop_map(|number| Step::DeliveryUnknown { number }),
        3 => (1..5u128, any_channel(), any::<bool>())
            .prop_map(|(number, channel, read)| Step::Receipt { number, channel, read }),
        6 => (1..5u128, outcome()).prop_map(|(number, outcome)| Step::OperatorSays { number, outcome }),
        1 => (1..5u128).prop_map(|number| Step::OperatorIsSilent { number }),
        1 => Just(Step::Confirm),
        1 => Just(Step::CreateAgain),
    ]
}

fn outcome() -> impl Strategy<Value = NumberOutcome> {
    prop_oneof![3 => Just(NumberOutcome::Passed), 1 => Just(NumberOutcome::Failed), 1 => Just(NumberOutcome::Unanswered)]
}

fn any_contact_policy() -> impl Strategy<Value = ContactPolicy> {
    let second_proof =
        prop_oneof![3 => Just(SecondProof::NotNeeded), 2 => Just(SecondProof::Needed), 1 => Just(SecondProof::Chain)];
    let checks = vec![NumberCheck::SimSwap { max_age_hours: 72 }, NumberCheck::NumberVerification, NumberCheck::KycMatch];
    let checks = prop_oneof![2 => Just(Vec::new()), 1 => prop::sample::subsequence(checks, 0..=3)];
    let if_unanswered = prop_oneof![Just(IfUnanswered::Refuse), Just(IfUnanswered::Allow)];
    (second_proof, checks, if_unanswered).prop_map(|(second_proof, checks, if_unanswered)| ContactPolicy {
        second_proof,
        checks,
        if_unanswered,
    })
}

fn any_origin() -> impl Strategy<Value = Option<ContactOrigin>> {
    prop::sample::select(vec![
        None,
        Some(ContactOrigin::CustomerRecord),
        Some(ContactOrigin::TypedBySigner),
        Some(ContactOrigin::AgentChecked),
    ])
}

fn any_channel() -> impl Strategy<Value = Option<Channel>> {
    prop::option::of(prop_oneof![Just(Channel::Sms), Just(Channel::Email), Just(Channel::Whatsapp)])
}

fn any_creation() -> impl Strategy<Value = Creation> {
    let policy = (0..5u32, 0..5u32, 0..1200u32, vec(0..200u32, 0..4), 0..20u32);
    let messages = (0..900u32, vec(any_channel(), 0..4).prop_map(|channels| channels.into_iter().flatten().collect()));
    let contact = (any_contact_policy(), any_origin(), prop::bool::ANY);
    (policy, messages, prop::option::weighted(0.3, Just(TwoFactorType::DocumentNumber)), 0..7200i64, contact).prop_map(
        |(policy, (receipt_seconds, fallback_channels), two_factor_type, seconds, (contact_policy, origin, by_sms))| {
            let (challenges, attempts, code_seconds, cooldown_seconds, failures) = policy;
            let policy = Policy { challenges, attempts, code_seconds, cooldown_seconds, failures, ..Policy::default() };
            Creation {
                actor: Contact { origin, ..number::with_phone() },
                channel: if by_sms { Channel::Sms } else { Channel::Email },
                contact_policy,
                two_factor_type,
                expires_at: start() + Duration::seconds(seconds),
                policy: Policy { receipt_seconds, fallback_channels, ..policy },
                ..creation()
            }
        },
    )
}

impl World {
    fn take(&mut self, step: &Step, creation: &Creation) -> Answer {
        let factor = |right: bool| if right { DOCUMENT_NUMBER } else { "other" };
        match step {
            Step::Wait { seconds } => self.otp.advance(Duration::seconds(*seconds)),
            Step::WaitForWake { nanoseconds } => {
                if let Some(wake_at) = self.otp.machine.wake_at() {
                    self.otp.now = self.otp.now.max(wake_at + Duration::nanoseconds(*nanoseconds));
                }
            }
            Step::WaitForChallenge => {
                if let Some(retry_at) = self.otp.machine.existing().ok().and_then(Data::next_challenge_retry) {
                    self.otp.now = self.otp.now.max(retry_at);
                }
            }
            Step::Ask { right_factor } => return self.ask_with(Some(factor(*right_factor))),
            Step::Answer { age, right_factor } => {
                return self.answer_with(code(self.codes.saturating_sub(*age)), Some(factor(*right_factor)));
            }
            Step::AnswerWrong => return self.answer_wrong(),
            Step::AskAgain => return self.ask_again(),
            Step::Prove { right, keeping } => {
                let text = if *right { code(self.codes) } else { "wrong".into() };
                return self.prove(&text, keeping.then(|| ResumeHash::new(&[7; 32])));
            }
            Step::Cancel => return self.otp.tell(Command::Cancel { reason: None, by: None }),
            Step::Close => return self.otp.tell(Command::Close),
            Step::Restart { rounds } => {
                let round = self.otp.machine.data().map_or(0, |data| data.round).saturating_add_signed(*rounds);
                return self.otp.tell(Command::Restart { round });
            }
            Step::Delete { force } => return self.otp.tell(Command::Delete { force: *force }),
            Step::Delivered { number, channel, reports } => self.delivered_on(*number, *channel, *reports),
            Step::NotDelivered { number, channel } => self.not_delivered_on(*number, *channel),
            Step::DeliveryUnknown { number } => self.delivery_unknown(*number),
            Step::Receipt { number, channel, read: true } => self.receipt_on(*number, *channel, ReceiptStatus::Read),
            Step::Receipt { number, channel, read: false } => self.receipt_on(*number, *channel, ReceiptStatus::Failed),
            Step::OperatorSays { number, outcome } => self.operator_says(*number, *outcome),
            Step::OperatorIsSilent { number } => self.operator_is_silent(*number),
            Step::Confirm => return self.confirm("called back"),
            Step::CreateAgain => return self.otp.tell(Command::Create(Box::new(creation.clone()))),
        }
        Ok(())
    }
}

/// Until a restart, which gives fresh ones only to what was validated.
fn assert_counters_only_run_down(before: &Data, after: &Data) {
    assert!(after.round >= before.round && after.own.earlier >= before.own.earlier);
    assert!(after.own.challenges.len() >= before.own.challenges.len() && after.own.failures <= MAX_FAILURES);
    if after.own.earlier > before.own.earlier {
        assert_eq!((before.state, after.state), (IdentificationState::Validated, IdentificationState::Created));
        assert_eq!((after.own.failures, after.remaining_attempts()), (0, None));
        return;
    }
    assert!(after.remaining_challenges() <= before.remaining_challenges());
    assert!(after.own.failures >= before.own.failures);
    let new_code = after.own.challenges.len() > before.own.challenges.len();
    for (old, new) in before.own.challenges.iter().zip(&after.own.challenges) {
        assert!(new.attempts_left <= old.attempts_left);
        assert_eq!((new.id, &new.hash, new.until), (old.id, &old.hash, old.until));
    }
    assert!(new_code || after.remaining_attempts() <= before.remaining_attempts());
    for challenge in &after.own.challenges {
        assert!(challenge.sendings.iter().all(|sending| sending.receipts.len() <= MAX_RECEIPTS));
        assert!(challenge.until - challenge.at <= MAX_CODE_LIFETIME && challenge.until <= after.creation.expires_at);
    }
}

/// What is known of a code never becomes less, an ended identification knows it of all, and a code goes out once on each channel that its
/// organization allows, on a further one only after all before have failed.
fn assert_fates_are_settled(before: &Data, after: &Data) {
    for challenge in &after.own.challenges {
        let fate = after.fate(challenge);
        if let Some(old) = before.own.challenges.iter().find(|old| old.id == challenge.id) {
            assert!(before.fate(old).is_none() || fate >= before.fate(old) || fate.is_none(), "{old:?} became {challenge:?}");
            if challenge.sendings.len() > old.sendings.len() {
                let failed = |sending: &Sending| sending.fate() == Some(Fate::Failed);
                assert!(challenge.sendings[..old.sendings.len()].iter().all(failed));
            }
        }
        assert!(fate.is_some() || !(after.state.is_final() || after.deleted), "no fate at the end: {challenge:?}");
        let channels: Vec<Channel> = challenge.sendings.iter().map(|sending| sending.channel).collect();
        let allowed = |channel: &Channel| after.creation.policy.fallback_channels.contains(channel);
        assert!(channels[0] == after.creation.channel && channels[1..].iter().all(allowed));
        assert!((1..channels.len()).all(|index| !channels[..index].contains(&channels[index])), "{channels:?}");
    }
}

fn assert_final_states_stay(before: &Data, after: &Data) {
    if before.state.is_final() {
        let deleted = Data { deleted: after.deleted, modified_at: after.modified_at, ..before.clone() };
        assert_eq!(*after, deleted, "a final state changed");
    }
    assert!(after.deleted || !before.deleted, "a deleted one came back");
}

/// VALIDATED is reached only by the right, open, newest code with the right second factor, which is told from the step.
fn assert_validated_rightly(before: &Data, after: &Data, step: &Step, now: Timestamp) {
    if before.state == IdentificationState::Created && after.state == IdentificationState::Validated {
        let newest = before.own.current().expect("a code was asked for");
        assert!(newest.attempts_left > 0 && now < newest.until, "the code was gone");
        let factor_needed = before.creation.two_factor_type.is_some();
        let right = matches!(step, Step::Answer { age: 0, right_factor } if *right_factor || !factor_needed);
        assert!(right, "{step:?} validated it");
        assert!(!before.needs_second_proof(), "nobody but the signer vouched for the contact");
        let refused_at_silence = before.creation.contact_policy.if_unanswered == IfUnanswered::Refuse;
        assert_eq!(newest.number_answers.len(), before.questions().len(), "the operator was not asked everything");
        for answer in &newest.number_answers {
            let allowed = match answer.outcome {
                NumberOutcome::Passed => true,
                NumberOutcome::Failed => false,
                NumberOutcome::Unanswered => !refused_at_silence,
            };
            assert!(allowed, "{answer:?}");
        }
    }
}

/// Nothing that is typed takes anything from what is VALIDATED, and only a right, open, newest code proves it again or keeps a key.
fn assert_proved_rightly(before: &Data, after: &Data, step: &Step, now: Timestamp) {
    if matches!(step, Step::Prove { .. } | Step::AskAgain) {
        assert_eq!((before.state, &before.validated), (after.state, &after.validated), "{step:?}");
    }
    if after.own.proofs > before.own.proofs {
        let newest = before.own.current().expect("a code was asked for");
        assert!(matches!(step, Step::Prove { right: true, .. }), "{step:?} proved it");
        assert!(before.state == IdentificationState::Validated && newest.attempts_left > 0 && now < newest.until);
        assert!(before.creation.two_factor_type.is_none(), "the steps give no second factor");
    }
    let kept = after.own.resume.len() > before.own.resume.len();
    assert!(!kept || (after.own.proofs > before.own.proofs && matches!(step, Step::Prove { keeping: true, .. })));
    assert!(after.own.resume.len() <= MAX_RESUME_KEYS);
}

/// What a late wake-up finds is what a timely one would have found.
fn assert_ends_as_if_woken_in_time(before: &Driver<Otp>, after: &Driver<Otp>) {
    let (mut timely, mut late) = (before.clone(), after.clone());
    while let Some(wake_at) = timely.machine.wake_at().filter(|wake_at| *wake_at <= after.now) {
        timely.now = wake_at;
        timely.look();
    }
    late.look();
    assert_eq!(late.machine.stage().name(), timely.machine.stage().name());
}

/// A code goes out at most once, and where the operator is asked, after it was.
fn assert_codes_go_out_after_the_operator(otp: &Driver<Otp>) {
    let Some(data) = otp.machine.data() else { return };
    let sent: Vec<Uuid> = otp
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Own(CodeEffect::SendCode { challenge, .. }) => Some(*challenge),
            _ => None,
        })
        .collect();
    for challenge in &data.own.challenges {
        let times = sent.iter().filter(|id| **id == challenge.id).count();
        let expected = data.questions().is_empty() || (!challenge.number_answers.is_empty() && !challenge.refused);
        assert_eq!(times, usize::from(expected), "{challenge:?}");
    }
}

fn assert_given_up_effects_are_taken(otp: &Driver<Otp>) {
    for effect in &otp.effects {
        if let Some(command) = Otp::given_up(effect, "given up") {
            assert_eq!(otp.machine.decide(otp.now, command).answer, Ok(()), "{effect:?}");
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let id = || (0..4u128).prop_map(Uuid::from_u128);
    let until = (0..9999i64).prop_map(|seconds| start() + Duration::seconds(seconds));
    prop_oneof![
        any_creation().prop_map(|creation| Event::Created(Box::new(creation))),
        (id(), until).prop_map(|(id, until)| CodeEvent::Challenged { id, hash: hash(id, "x"), until }.into()),
        (id(), any_channel(), any::<bool>()).prop_map(|(challenge, channel, reports)| {
            CodeEvent::Delivered { challenge, channel, taken: Taken { reports, ..Taken::default() } }.into()
        }),
        (id(), any_channel()).prop_map(|(challenge, channel)| CodeEvent::NotDelivered {
            challenge,
            channel,
            reason: "lost".into()
        }
        .into()),
        (id(), any_channel()).prop_map(|(challenge, channel)| CodeEvent::DeliveryUnknown {
            challenge,
            channel,
            reason: "lost".into()
        }
        .into()),
        (id(), any_channel()).prop_map(|(challenge, channel)| {
            CodeEvent::Receipt { challenge, channel, status: ReceiptStatus::Sent, word: "sent".into() }.into()
        }),
        (id(), any_channel()).prop_map(|(challenge, channel)| CodeEvent::FateUnknown { challenge, channel }.into()),
        (id(), any_channel()).prop_map(|(challenge, channel)| {
            CodeEvent::Rerouted { challenge, channel: channel.unwrap_or(Channel::Whatsapp) }.into()
        }),
        any::<bool>().prop_map(|at_challenge| CodeEvent::WrongAnswer { at_challenge }.into()),
        (id(), any::<bool>()).prop_map(|(challenge, refused)| {
            let refusal = refused.then(|| "SIM_SWAP: changed".to_owned());
            CodeEvent::NumberChecked { challenge, answers: number::answers(NumberOutcome::Passed), refusal }.into()
        }),
        Just(CodeEvent::ContactConfirmed { by: "clerk-7".into(), reason: "called back".into() }.into()),
        Just(CodeEvent::ResumeKept { hash: ResumeHash::new(&[1; 32]) }.into()),
        Just(CodeEvent::ProvedAgain { device: Device::default() }.into()),
        Just(Event::Validated { device: Device::default() }),
        Just(Event::Succeeded),
        Just(Event::Failed { reason: "so".into() }),
        Just(Event::Cancelled { reason: None, by: None }),
        Just(Event::Expired),
        (0..3u32).prop_map(|round| Event::Restarted { round }),
        Just(Event::Deleted),
    ]
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn the_promises_hold_whatever_is_commanded(creation in any_creation(), steps in vec(step(), 1..50)) {
        let mut world = World::with(|plain| *plain = creation.clone());
        for step in &steps {
            world.otp.look();
            let otp_before = world.otp.clone();
            let before = world.otp.machine.data().cloned().expect("it was created");
            let answer = world.take(step, &creation);
            if matches!(step, Step::Wait { .. } | Step::WaitForWake { .. } | Step::WaitForChallenge) {
                assert_ends_as_if_woken_in_time(&otp_before, &world.otp);
            }
            let after = world.otp.machine.data().expect("it was created");
            assert_counters_only_run_down(&before, after);
            assert_final_states_stay(&before, after);
            assert_fates_are_settled(&before, after);
            assert_validated_rightly(&before, after, step, world.otp.now);
            assert_proved_rightly(&before, after, step, world.otp.now);
            assert_given_up_effects_are_taken(&world.otp);
            assert_codes_go_out_after_the_operator(&world.otp);
            let alive = world.otp.machine.existing().ok().is_some_and(|data| !data.state.is_final());
            let wakes_in_time = world.otp.machine.wake_at().is_some_and(|wake_at| wake_at <= creation.expires_at);
            prop_assert_eq!(alive, wakes_in_time, "after {:?}, answered {:?}", step, answer);
        }
    }

    #[test]
    fn any_events_in_any_order_can_be_applied(events in vec((any_event(), 0..9999i64), 0..60)) {
        let mut otp = Otp::default();
        for (event, seconds) in &events {
            let before = otp.clone();
            let admitted = event.leads(otp.stage()).is_some();
            otp.apply(start() + Duration::seconds(*seconds), event);
            otp.effects(event);
            prop_assert!(admitted || otp == before, "{:?} does not fit and changed something", event);
            if let (Some(before), Some(after)) = (before.data(), otp.data()) {
                assert_final_states_stay(before, after);
            }
            let written = serde_json::to_string(&otp).expect("it can be written");
            let restored: Otp = serde_json::from_str(&written).expect("it can be read back");
            prop_assert_eq!(&restored, &otp);
        }
    }
}
