use super::*;
use crate::{
    Answer, DocumentType, IdentityDocument, Machine,
    testing::{Driver, SECRET, assert_all_transitions_taken, hash, start, typed},
};

mod fates;
mod properties;

const PROCESS: Uuid = Uuid::from_u128(7);
const CHAIN: Uuid = Uuid::from_u128(8);
const DOCUMENT_NUMBER: &str = "12345678Z";

fn creation() -> Creation {
    let document = IdentityDocument {
        document_number: DOCUMENT_NUMBER.into(),
        document_type: DocumentType::Nif,
        country: Some("ES".into()),
    };
    Creation {
        actor: Contact { identity_document: Some(document), email: Some("ana@example.org".into()), ..Contact::default() },
        channel: Channel::Email,
        external: false,
        two_factor_type: None,
        expires_at: start() + Duration::hours(1),
        policy: Policy::default(),
        link_channel: None,
        purpose: Purpose { sign_process: Some(PROCESS), ..Purpose::default() },
    }
}

/// An identification, and the codes that its person got so far.
#[derive(Clone)]
struct World {
    otp: Driver<Otp>,
    codes: u128,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Creation)) -> Self {
        let mut creation = creation();
        change(&mut creation);
        let mut world = Self { otp: Driver::new(), codes: 0 };
        assert_eq!(world.otp.tell(Command::Create(Box::new(creation))), Ok(()));
        world
    }

    fn with_policy(policy: Policy) -> Self {
        Self::with(|creation| creation.policy = policy)
    }

    fn asked() -> Self {
        let mut world = Self::new();
        assert_eq!(world.ask(), Ok(()));
        world
    }

    fn validated() -> Self {
        let mut world = Self::asked();
        assert_eq!(world.answer(1), Ok(()));
        world
    }

    /// A step of a chain that is VALIDATED by its second code, after a wrong answer to the first.
    fn validated_step() -> Self {
        let mut world = Self::with(|creation| creation.purpose = Purpose { chain: Some(CHAIN), ..Purpose::default() });
        assert_eq!(world.ask(), Ok(()));
        assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
        world.wait_and_ask();
        assert_eq!(world.answer(2), Ok(()));
        world
    }

    /// One world per state that is not deleted, by the state's name.
    fn in_each_state() -> Vec<Self> {
        let mut succeeded = Self::validated();
        assert_eq!(succeeded.otp.tell(Command::Close), Ok(()));
        let mut failed = Self::with_policy(Policy { challenges: 1, attempts: 1, ..Policy::default() });
        assert_eq!(failed.ask(), Ok(()));
        assert_eq!(failed.answer_wrong(), Err(WRONG_ANSWER));
        let mut cancelled = Self::new();
        assert_eq!(cancelled.otp.tell(Command::Cancel { reason: Some("a mistake".into()) }), Ok(()));
        let mut expired = Self::asked();
        expired.otp.advance_and_look(Duration::hours(1));
        let worlds = vec![Self::asked(), Self::validated(), succeeded, failed, cancelled, expired];
        let names: Vec<_> = worlds.iter().map(|world| world.otp.machine.stage().name()).collect();
        assert_eq!(names, ["CREATED", "VALIDATED", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]);
        worlds
    }

    fn data(&self) -> &Data {
        self.otp.machine.existing().expect("it is there")
    }

    fn state(&self) -> IdentificationState {
        self.data().state
    }

    /// Asks for the next code; the first has the number 1.
    fn ask(&mut self) -> Answer {
        self.ask_with(None)
    }

    fn ask_with(&mut self, two_factor: Option<&str>) -> Answer {
        let id = Uuid::from_u128(self.codes + 1);
        let hash = hash(id, &code(self.codes + 1));
        let answer = self.otp.tell(CodeCommand::Challenge { id, hash, two_factor: two_factor.map(Into::into) });
        self.codes += u128::from(answer.is_ok());
        answer
    }

    /// Waits until another code can be asked for, and asks.
    fn wait_and_ask(&mut self) {
        self.otp.now = self.data().next_challenge_retry().expect("a code is left").max(self.otp.now);
        assert_eq!(self.ask(), Ok(()));
    }

    /// Types the code with this number.
    fn answer(&mut self, number: u128) -> Answer {
        self.answer_with(code(number), None)
    }

    fn answer_wrong(&mut self) -> Answer {
        self.answer_with(format!("{SECRET} wrong"), None)
    }

    fn answer_with(&mut self, code: String, two_factor: Option<&str>) -> Answer {
        let device = Device { ip: Some("192.0.2.1".into()), ..Device::default() };
        self.otp.tell(CodeCommand::Validate {
            code: typed(self.current(), &code),
            two_factor: two_factor.map(Into::into),
            device,
        })
    }

    fn current(&self) -> Option<Uuid> {
        self.otp.machine.existing().ok().and_then(Data::current_challenge)
    }

    fn delivered(&mut self, number: u128) {
        self.delivered_on(number, None, false);
    }

    fn delivered_on(&mut self, number: u128, channel: Option<Channel>, reports: bool) {
        let taken = Taken { provider_id: Some("sent-1".into()), reports, ..Taken::default() };
        let command = CodeCommand::Delivered { challenge: Uuid::from_u128(number), channel, taken };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    fn receipt(&mut self, number: u128, status: ReceiptStatus) {
        self.receipt_on(number, None, status);
    }

    fn receipt_on(&mut self, number: u128, channel: Option<Channel>, status: ReceiptStatus) {
        let word = format!("{status:?}").to_lowercase();
        let command = CodeCommand::Receipt { challenge: Uuid::from_u128(number), channel, status, word };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    fn not_delivered(&mut self, number: u128) {
        self.not_delivered_on(number, None);
    }

    fn not_delivered_on(&mut self, number: u128, channel: Option<Channel>) {
        let reason = "no such number".into();
        let command = CodeCommand::NotDelivered { challenge: Uuid::from_u128(number), channel, reason };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    fn delivery_unknown(&mut self, number: u128) {
        let reason = "it took too long".into();
        let command = CodeCommand::DeliveryUnknown { challenge: Uuid::from_u128(number), channel: None, reason };
        assert_eq!(self.otp.tell(command), Ok(()));
    }
}

fn code(number: u128) -> String {
    format!("{SECRET} {number}")
}

fn told(state: IdentificationState) -> Effect {
    Effect::TellProcess { sign_process: PROCESS, state }
}

fn wrong_state(name: &'static str) -> Answer {
    Err(super::wrong_state(name))
}

#[test]
fn a_code_is_valid_once() {
    let mut world = World::asked();
    assert_eq!(world.answer(1), Ok(()));
    assert_eq!(world.state(), IdentificationState::Validated);
    let validated = world.data().validated.clone().expect("when and from where is kept");
    assert_eq!((validated.at, validated.device.ip.as_deref()), (start(), Some("192.0.2.1")));
    assert_eq!(world.data().remaining_attempts(), Some(0));
    assert_eq!(world.answer(1), wrong_state("VALIDATED"));
}

#[test]
fn only_the_newest_code_is_valid() {
    let mut world = World::asked();
    world.wait_and_ask();
    assert_eq!(world.answer(1), Err(WRONG_ANSWER));
    assert_eq!(world.answer(2), Ok(()));
}

#[test]
fn an_answer_to_an_earlier_challenge_is_wrong_although_its_code_was_right() {
    let mut world = World::asked();
    let early = typed(world.current(), &code(1));
    world.wait_and_ask();
    let answer = CodeCommand::Validate { code: early, two_factor: None, device: Device::default() };
    assert_eq!(world.otp.tell(answer), Err(WRONG_ANSWER));
    assert_eq!(world.data().remaining_attempts(), Some(2));
}

#[test]
fn a_code_whose_tries_are_used_up_is_gone() {
    let mut world = World::asked();
    for left in [2, 1, 0] {
        assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
        assert_eq!(world.data().remaining_attempts(), Some(left));
    }
    assert_eq!(world.answer(1), Err(CODE_GONE));
    assert_eq!(world.answer_wrong(), Err(CODE_GONE));
    assert_eq!(world.data().own.failures, 3, "an answer to a code that is gone is no failure");
    assert_eq!(world.state(), IdentificationState::Created);
}

#[test]
fn a_code_is_gone_when_its_life_is_over() {
    let mut world = World::asked();
    world.otp.advance(Duration::seconds(300) - Duration::nanoseconds(1));
    assert_eq!(world.clone().answer(1), Ok(()));
    world.otp.advance(Duration::nanoseconds(1));
    assert_eq!(world.answer(1), Err(CODE_GONE));
}

#[test]
fn a_code_lives_at_most_ten_minutes_and_not_beyond_the_time_limit() {
    let mut long = World::with_policy(Policy { code_seconds: 3600, ..Policy::default() });
    assert_eq!(long.ask(), Ok(()));
    assert_eq!(long.data().own.challenges[0].until, start() + Duration::minutes(10));
    let mut late = World::new();
    late.otp.advance(Duration::minutes(58));
    assert_eq!(late.ask(), Ok(()));
    assert_eq!(late.data().own.challenges[0].until, start() + Duration::hours(1));
}

#[test]
fn a_new_code_sets_the_tries_anew_but_not_the_failures() {
    let mut world = World::asked();
    assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
    assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
    world.wait_and_ask();
    assert_eq!(world.data().remaining_attempts(), Some(3));
    assert_eq!(world.data().own.failures, 2);
}

#[test]
fn it_fails_at_a_hundred_failures_whatever_is_configured() {
    let mut world = World::with_policy(Policy { attempts: 60, failures: 1000, ..Policy::default() });
    for _ in 0..2 {
        world.wait_and_ask();
        for _ in 0..50 {
            assert_eq!(world.state(), IdentificationState::Created);
            assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
        }
    }
    assert_eq!(world.state(), IdentificationState::Failed);
    assert_eq!(world.data().own.failures, 100);
}

#[test]
fn it_fails_at_the_configured_number_of_failures() {
    let mut world = World::with_policy(Policy { failures: 2, ..Policy::default() });
    assert_eq!(world.ask(), Ok(()));
    assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
    assert_eq!(world.state(), IdentificationState::Created);
    assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
    assert_eq!(world.state(), IdentificationState::Failed);
    assert_eq!(world.data().end_reason.as_deref(), Some("too many wrong answers"));
    assert_eq!(world.answer(1), wrong_state("FAILED"));
}

#[test]
fn another_code_can_be_asked_for_after_30_60_and_120_seconds() {
    let mut world = World::with_policy(Policy { challenges: 5, ..Policy::default() });
    assert_eq!(world.data().next_challenge_retry(), Some(start()), "the first code has no wait");
    for wait in [30, 60, 120, 120] {
        assert_eq!(world.ask(), Ok(()));
        let retry_at = world.otp.now + Duration::seconds(wait);
        assert_eq!(world.data().next_challenge_retry(), Some(retry_at));
        assert_eq!(world.ask(), Err(too_early(retry_at)));
        world.otp.advance(Duration::seconds(wait) - Duration::nanoseconds(1));
        assert_eq!(world.ask(), Err(too_early(retry_at)));
        world.otp.advance(Duration::nanoseconds(1));
    }
    assert_eq!(world.ask(), Ok(()));
}

#[test]
fn as_many_codes_can_be_asked_for_as_there_are_challenges() {
    let mut world = World::new();
    assert_eq!((world.data().remaining_challenges(), world.data().remaining_attempts()), (3, None));
    for left in [2, 1, 0] {
        world.wait_and_ask();
        assert_eq!((world.data().remaining_challenges(), world.data().remaining_attempts()), (left, Some(3)));
    }
    assert_eq!(world.data().next_challenge_retry(), None);
    world.otp.advance(Duration::seconds(200));
    assert_eq!(world.ask(), wrong_state("CREATED without a challenge left"));
    assert_eq!(world.answer(3), Ok(()), "the last code can still be answered");
}

#[test]
fn it_fails_by_the_last_wrong_try_of_the_last_code() {
    let mut world = World::new();
    for number in 1..=3 {
        world.wait_and_ask();
        for _ in 0..3 {
            assert_eq!(world.state(), IdentificationState::Created, "code {number}");
            assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
        }
    }
    assert_eq!(world.state(), IdentificationState::Failed);
    assert_eq!(world.otp.machine.wake_at(), None);
}

#[test]
fn it_fails_when_the_last_code_is_not_answered_in_time() {
    let mut world = World::new();
    (0..3).for_each(|_| world.wait_and_ask());
    let end = world.otp.now + Duration::seconds(300);
    assert_eq!(world.otp.machine.wake_at(), Some(end));
    world.otp.now = end - Duration::nanoseconds(1);
    world.otp.look();
    assert_eq!(world.state(), IdentificationState::Created);
    world.otp.now = end;
    assert_eq!(world.answer(3), wrong_state("FAILED"));
}

#[test]
fn how_it_ends_does_not_depend_on_when_somebody_looks() {
    for (asked_after, expected) in [(50, IdentificationState::Failed), (55, IdentificationState::Expired)] {
        let mut world = World::with_policy(Policy { challenges: 1, ..Policy::default() });
        world.otp.advance(Duration::minutes(asked_after));
        assert_eq!(world.ask(), Ok(()));
        let mut timely = world.clone();
        timely.otp.advance_and_look(Duration::minutes(5));
        world.otp.advance_and_look(Duration::days(1));
        assert_eq!((timely.state(), world.state()), (expected, expected), "asked for after {asked_after} minutes");
    }
}

#[test]
fn a_policy_that_leaves_no_code_fails_at_once() {
    let none = World::with_policy(Policy { challenges: 0, ..Policy::default() });
    assert_eq!(none.state(), IdentificationState::Failed);
    for policy in [Policy { attempts: 0, ..Policy::default() }, Policy { code_seconds: 0, ..Policy::default() }] {
        let mut world = World::with_policy(Policy { challenges: 1, ..policy });
        assert_eq!(world.ask(), Ok(()));
        assert_eq!(world.state(), IdentificationState::Failed);
    }
}

#[test]
fn a_wrong_second_factor_gets_no_code_and_counts() {
    for given in [None, Some(""), Some("12345678X")] {
        let mut world = World::with(|creation| creation.two_factor_type = Some(TwoFactorType::DocumentNumber));
        assert_eq!(world.ask_with(given), Err(WRONG_ANSWER), "{given:?}");
        assert_eq!((world.data().own.failures, world.data().remaining_challenges()), (1, 3));
        assert_eq!(world.otp.effects, []);
        assert_eq!(world.ask_with(Some("12345678-z")), Ok(()), "no wait after a code that was not sent");
    }
}

#[test]
fn the_answer_is_the_same_whether_the_code_or_the_second_factor_is_wrong() {
    let mut world = World::with(|creation| creation.two_factor_type = Some(TwoFactorType::DocumentNumber));
    assert_eq!(world.ask_with(Some(DOCUMENT_NUMBER)), Ok(()));
    let wrong = |code: &str, two_factor: Option<&str>| {
        let mut world = world.clone();
        assert_eq!(world.answer_with(code.into(), two_factor), Err(WRONG_ANSWER));
        (world.otp.machine, world.otp.journal)
    };
    let both = wrong("other", Some("X"));
    assert_eq!(wrong("other", Some(DOCUMENT_NUMBER)), both);
    assert_eq!(wrong(&code(1), Some("X")), both);
    assert_eq!(wrong(&code(1), None), both);
    assert_eq!(both.0.existing().ok().and_then(Data::remaining_attempts), Some(2));
    assert_eq!(world.answer_with(code(1), Some("12.345.678-Z")), Ok(()));
}

#[test]
fn guessing_the_second_factor_ends_with_the_failures() {
    let mut world = World::with(|creation| {
        creation.two_factor_type = Some(TwoFactorType::Email);
        creation.policy.failures = 3;
    });
    for guess in ["a@example.org", "b@example.org", "c@example.org"] {
        assert_eq!(world.state(), IdentificationState::Created);
        assert_eq!(world.ask_with(Some(guess)), Err(WRONG_ANSWER));
    }
    assert_eq!(world.state(), IdentificationState::Failed);
}

#[test]
fn it_expires_on_touch_at_exactly_its_limit() {
    for mut world in [World::new(), World::validated()] {
        assert_eq!(world.otp.machine.wake_at(), Some(start() + Duration::hours(1)));
        world.otp.advance_and_look(Duration::hours(1) - Duration::nanoseconds(1));
        assert!(!world.state().is_final());
        world.otp.advance(Duration::nanoseconds(1));
        assert_eq!(world.ask(), wrong_state("EXPIRED"));
        assert_eq!(world.state(), IdentificationState::Expired);
        assert_eq!(world.otp.machine.wake_at(), None);
    }
}

#[test]
fn what_is_going_on_can_be_cancelled_and_nothing_else() {
    for mut world in World::in_each_state() {
        let state = world.state();
        let answer = world.otp.tell(Command::Cancel { reason: Some("not needed".into()) });
        if state.is_final() {
            assert_eq!(answer, wrong_state(state.name()));
            assert_eq!(world.state(), state);
        } else {
            assert_eq!(answer, Ok(()));
            assert_eq!(world.state(), IdentificationState::Cancelled);
            assert_eq!(world.data().end_reason.as_deref(), Some("not needed"));
        }
    }
}

#[test]
fn only_a_validated_one_can_be_closed() {
    for mut world in World::in_each_state() {
        let state = world.state();
        let answer = world.otp.tell(Command::Close);
        if state == IdentificationState::Validated {
            assert_eq!(answer, Ok(()));
            assert_eq!(world.state(), IdentificationState::Succeeded);
        } else {
            assert_eq!(answer, wrong_state(state.name()));
            assert_eq!(world.state(), state);
        }
    }
}

#[test]
fn deletion_needs_force_unless_it_is_created() {
    for world in World::in_each_state() {
        let (mut gentle, mut forced) = (world.clone(), world);
        let answer = gentle.otp.tell(Command::Delete { force: false });
        if forced.state() == IdentificationState::Created {
            assert_eq!(answer, Ok(()));
            assert!(gentle.otp.machine.existing().is_err());
        } else {
            assert_eq!(answer, Err(FORCE_NEEDED));
            assert!(gentle.otp.machine.existing().is_ok());
        }
        let before = forced.state();
        assert_eq!(forced.otp.tell(Command::Delete { force: true }), Ok(()));
        assert_eq!(forced.otp.machine.stage().name(), "DELETED");
        assert_eq!(forced.otp.machine.data().map(|data| data.state), Some(before), "evidence keeps what it was");
        assert_eq!(forced.otp.machine.wake_at(), None);
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut deleted = World::asked();
    assert_eq!(deleted.otp.tell(Command::Delete { force: false }), Ok(()));
    let never = World { otp: Driver::new(), codes: 0 };
    for mut world in [deleted, never] {
        assert!(world.otp.machine.existing().is_err());
        assert_eq!(world.ask(), Err(NOT_FOUND));
        assert_eq!(world.answer(1), Err(NOT_FOUND));
        let restart = Command::Restart { round: 1 };
        for command in
            [Command::Close, Command::CloseByChain, restart, Command::Cancel { reason: None }, Command::Delete { force: true }]
        {
            assert_eq!(world.otp.tell(command), Err(NOT_FOUND));
        }
        let events = world.otp.journal.len();
        world.delivered(1);
        world.not_delivered(1);
        world.receipt(1, ReceiptStatus::Delivered);
        world.otp.look();
        assert_eq!(world.otp.journal.len(), events);
    }
}

#[test]
fn a_repeated_creation_changes_nothing_and_another_one_is_refused() {
    let mut deleted = World::new();
    assert_eq!(deleted.otp.tell(Command::Delete { force: false }), Ok(()));
    for mut world in [World::asked(), World::validated(), deleted] {
        let before = world.otp.journal.len();
        assert_eq!(world.otp.tell(Command::Create(Box::new(creation()))), Ok(()));
        let other = Creation { channel: Channel::Sms, ..creation() };
        assert_eq!(world.otp.tell(Command::Create(Box::new(other))), Err(EXISTS));
        assert_eq!(world.otp.journal.len(), before);
    }
}

#[test]
fn each_granted_challenge_sends_one_code() {
    let mut world = World::asked();
    let until = start() + Duration::seconds(300);
    assert_eq!(world.otp.new_effects(), [Effect::Own(CodeEffect::SendCode { challenge: Uuid::from_u128(1), until })]);
    assert!(world.ask().is_err());
    assert!(world.answer_wrong().is_err());
    assert_eq!(world.otp.new_effects(), []);
}

#[test]
fn what_became_of_a_message_is_kept_once() {
    let mut world = World::asked();
    world.delivered(1);
    let taken = Taken { provider_id: Some("sent-1".into()), ..Taken::default() };
    let expected = Delivery::Accepted { at: start(), taken };
    assert_eq!(world.data().own.challenges[0].sendings[0].delivery, expected);
    world.otp.advance(Duration::seconds(1));
    world.not_delivered(1);
    world.delivered(1);
    world.delivered(99);
    assert_eq!(world.data().own.challenges[0].sendings[0].delivery, expected);
    assert_eq!(world.otp.journal.len(), 3);
}

#[test]
fn a_late_report_of_a_delivery_changes_nothing_after_the_end() {
    for mut world in World::in_each_state().into_iter().filter(|world| world.state().is_final()) {
        let before = world.otp.machine.clone();
        world.otp.advance(Duration::seconds(1));
        world.delivered(1);
        world.not_delivered(1);
        world.receipt(1, ReceiptStatus::Delivered);
        assert_eq!(world.otp.machine, before);
    }
}

#[test]
fn receipts_are_kept_with_their_challenge_in_the_order_in_which_they_come() {
    let mut world = World::asked();
    world.wait_and_ask();
    // Before the attempt that sent it has ended, after it, and when the code was used.
    world.receipt(2, ReceiptStatus::Sent);
    world.delivered(2);
    world.otp.advance(Duration::seconds(1));
    world.receipt(2, ReceiptStatus::Delivered);
    assert_eq!(world.answer(2), Ok(()));
    world.receipt(2, ReceiptStatus::Read);

    let kept: Vec<_> =
        world.data().own.challenges[1].sendings[0].receipts.iter().map(|one| (one.status, one.word.as_str())).collect();
    assert_eq!(kept, [(ReceiptStatus::Sent, "sent"), (ReceiptStatus::Delivered, "delivered"), (ReceiptStatus::Read, "read")]);
    assert_eq!(world.data().own.challenges[1].sendings[0].receipts[1].at, world.otp.now);
    assert_eq!(world.data().own.challenges[0].sendings[0].receipts, []);
}

#[test]
fn a_repeated_receipt_and_one_of_an_unknown_challenge_change_nothing() {
    let mut world = World::asked();
    world.receipt(1, ReceiptStatus::Sent);
    let before = world.otp.machine.clone();
    world.otp.advance(Duration::seconds(1));
    world.receipt(1, ReceiptStatus::Sent);
    world.receipt(99, ReceiptStatus::Delivered);
    assert_eq!(world.otp.machine, before);
}

#[test]
fn a_challenge_keeps_ten_receipts() {
    let mut world = World::asked();
    for _ in 0..MAX_RECEIPTS {
        world.receipt(1, ReceiptStatus::Sent);
        world.receipt(1, ReceiptStatus::Delivered);
    }
    assert_eq!(world.data().own.challenges[0].sendings[0].receipts.len(), 10);
    let before = world.otp.machine.clone();
    world.receipt(1, ReceiptStatus::Read);
    assert_eq!(world.otp.machine, before);
}

#[test]
fn a_code_that_was_not_delivered_lifts_the_wait() {
    let mut world = World::asked();
    world.otp.advance(Duration::seconds(2));
    assert!(matches!(world.ask(), Err(Refusal::TooEarly { .. })));
    world.not_delivered(1);
    assert_eq!(world.data().next_challenge_retry(), Some(world.otp.now));
    assert_eq!(world.ask(), Ok(()));
    assert_eq!(world.data().remaining_challenges(), 1, "the challenge counts all the same");
}

#[test]
fn an_earlier_code_that_was_not_delivered_does_not_lift_the_wait_after_a_later_one() {
    let mut world = World::asked();
    world.wait_and_ask();
    let retry_at = world.otp.now + Duration::seconds(60);
    world.not_delivered(1);
    assert_eq!(world.ask(), Err(too_early(retry_at)));
}

#[test]
fn giving_up_to_send_a_code_is_a_code_not_delivered() {
    let mut world = World::asked();
    let given_up = Otp::given_up(&world.otp.effects[0], "the gateway is down").expect("the machine must know");
    assert_eq!(world.otp.tell(given_up), Ok(()));
    let expected = Delivery::Failed { at: start(), reason: "the gateway is down".into() };
    assert_eq!(world.data().own.challenges[0].sendings[0].delivery, expected);
}

#[test]
fn a_code_that_arrives_although_it_was_given_up_can_be_answered() {
    let mut world = World::asked();
    world.not_delivered(1);
    assert_eq!(world.answer(1), Ok(()));
}

#[test]
fn an_answer_needs_a_code_that_was_asked_for() {
    let mut world = World::new();
    assert_eq!(world.answer(1), wrong_state("CREATED without a code asked for"));
    assert_eq!(world.data().own.failures, 0);
}

#[test]
fn codes_are_asked_for_and_answered_only_while_it_is_created() {
    for mut world in World::in_each_state().into_iter().filter(|world| world.state() != IdentificationState::Created) {
        let name = world.state().name();
        world.otp.advance(Duration::seconds(30));
        assert_eq!(world.ask(), wrong_state(name));
        assert_eq!(world.answer(1), wrong_state(name));
    }
}

#[test]
fn the_sign_process_is_told_of_each_outcome_once() {
    use IdentificationState::{Cancelled, Expired, Failed, Succeeded, Validated};
    let told_in_each = [vec![], vec![Validated], vec![Validated, Succeeded], vec![Failed], vec![Cancelled], vec![Expired]];
    for (mut world, expected) in World::in_each_state().into_iter().zip(told_in_each) {
        let tells = |effects: Vec<Effect>| -> Vec<Effect> {
            effects.into_iter().filter(|effect| matches!(effect, Effect::TellProcess { .. })).collect()
        };
        assert_eq!(tells(world.otp.new_effects()), expected.into_iter().map(told).collect::<Vec<_>>());
        assert_eq!(world.otp.tell(Command::Delete { force: true }), Ok(()));
        assert_eq!(world.otp.new_effects(), [told(Cancelled)], "a deleted one counts as cancelled");
    }
}

#[test]
fn a_chain_is_told_of_each_outcome_with_its_round_and_moment() {
    let mut world = World::validated_step();
    let told = |world: &mut World| -> Vec<lifecycle::Told> {
        let told = world.otp.new_effects().into_iter().filter_map(|effect| match effect {
            Effect::TellChain { chain: CHAIN, told } => Some(told),
            _ => None,
        });
        told.collect()
    };
    let expected = |state, round, at| lifecycle::Told { round, state, deleted: false, at };
    let validated_at = world.otp.now;
    assert_eq!(told(&mut world), [expected(IdentificationState::Validated, 0, validated_at)]);
    world.otp.advance(Duration::seconds(1));
    assert_eq!(world.otp.tell(Command::Restart { round: 1 }), Ok(()));
    assert_eq!(told(&mut world), [], "it comes from there");
    let mut cancelled = world.clone();
    assert_eq!(cancelled.otp.tell(Command::Cancel { reason: None }), Ok(()));
    assert_eq!(told(&mut cancelled), [expected(IdentificationState::Cancelled, 1, world.otp.now)]);
    assert_eq!(world.otp.tell(Command::Delete { force: false }), Ok(()));
    let deleted = lifecycle::Told { deleted: true, ..expected(IdentificationState::Cancelled, 1, world.otp.now) };
    assert_eq!(told(&mut world), [deleted]);
}

#[test]
fn a_step_is_closed_by_its_chain_alone() {
    let mut world = World::validated_step();
    assert_eq!(world.otp.tell(Command::Close), Err(Refusal::state(lifecycle::CLOSED_BY_CHAIN)));
    assert_eq!(world.state(), IdentificationState::Validated);
    assert_eq!(world.otp.tell(Command::CloseByChain), Ok(()));
    assert_eq!(world.otp.tell(Command::Close), wrong_state("SUCCEEDED"));
    assert_eq!(world.otp.tell(Command::CloseByChain), wrong_state("SUCCEEDED"));
}

#[test]
fn a_restart_gives_a_validated_one_fresh_codes_and_tries_and_keeps_the_old_ones() {
    let mut world = World::validated_step();
    world.otp.advance(Duration::seconds(1));
    assert_eq!(world.otp.tell(Command::Restart { round: 1 }), Ok(()));
    let data = world.data();
    assert_eq!((data.state, data.round, data.validated.clone()), (IdentificationState::Created, 1, None));
    assert_eq!((data.remaining_challenges(), data.remaining_attempts(), data.current_challenge()), (3, None, None));
    assert_eq!((data.own.failures, data.own.challenges.len()), (0, 2), "the old codes stay in its history");
    assert_eq!(data.next_challenge_retry(), Some(world.otp.now), "the first code has no wait");
    // What was right before is answered by no code of before.
    let old =
        CodeCommand::Validate { code: typed(Some(Uuid::from_u128(2)), &code(2)), two_factor: None, device: Device::default() };
    assert_eq!(world.otp.tell(old), wrong_state("CREATED without a code asked for"));
    for left in [2, 1, 0] {
        world.wait_and_ask();
        assert_eq!((world.data().remaining_challenges(), world.data().remaining_attempts()), (left, Some(3)));
    }
    assert_eq!(world.answer(5), Ok(()));
    // A report on a code of before is still kept.
    world.receipt(1, ReceiptStatus::Read);
    assert_eq!(world.data().own.challenges[0].sendings[0].receipts.len(), 1);
}

#[test]
fn a_restart_leaves_what_is_under_way_as_it_is() {
    let mut world = World::asked();
    assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
    let before = world.data().clone();
    assert_eq!(world.otp.tell(Command::Restart { round: 1 }), Ok(()));
    assert_eq!(*world.data(), Data { round: 1, ..before });
    assert_eq!(world.answer(1), Ok(()));
}

#[test]
fn a_round_that_has_begun_is_not_begun_again() {
    let mut world = World::validated_step();
    assert_eq!(world.otp.tell(Command::Restart { round: 2 }), Ok(()));
    world.wait_and_ask();
    assert_eq!(world.answer(3), Ok(()));
    let before = world.otp.machine.clone();
    for round in [2, 1, 0] {
        assert_eq!(world.otp.tell(Command::Restart { round }), Ok(()));
        assert_eq!(world.otp.machine, before);
    }
}

#[test]
fn what_has_ended_does_not_begin_anew() {
    for mut world in World::in_each_state().into_iter().filter(|world| world.state().is_final()) {
        let name = world.state().name();
        assert_eq!(world.otp.tell(Command::Restart { round: 1 }), wrong_state(name));
    }
}

#[test]
fn after_a_restart_it_fails_by_the_last_try_of_the_last_code_again() {
    let mut world = World::validated_step();
    assert_eq!(world.otp.tell(Command::Restart { round: 1 }), Ok(()));
    for _ in 0..3 {
        world.wait_and_ask();
        for _ in 0..3 {
            assert_eq!(world.state(), IdentificationState::Created);
            assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
        }
    }
    assert_eq!(world.state(), IdentificationState::Failed);
}

#[test]
fn nobody_is_told_of_an_identification_that_stands_alone() {
    let mut world = World::with(|creation| creation.purpose = Purpose::default());
    assert_eq!(world.ask(), Ok(()));
    assert_eq!(world.answer(1), Ok(()));
    assert_eq!(world.otp.tell(Command::Close), Ok(()));
    assert!(matches!(world.otp.effects[..], [Effect::Own(CodeEffect::SendCode { .. })]));
}

#[test]
fn a_journal_that_was_tampered_with_does_not_open_what_has_ended() {
    let mut world = World::new();
    assert_eq!(world.otp.tell(Command::Cancel { reason: None }), Ok(()));
    let before = world.otp.machine.clone();
    for event in [Event::Validated { device: Device::default() }, Event::Succeeded, Event::Created(Box::new(creation()))] {
        world.otp.machine.apply(start(), &event);
        assert_eq!(world.otp.machine, before);
    }
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let mut otp = Otp::default();
    let creation = Creation { expires_at: Timestamp::MAX_UTC, ..creation() };
    otp.apply(Timestamp::MAX_UTC, &Event::Created(Box::new(creation)));
    let ask = Command::Own(CodeCommand::Challenge { id: Uuid::nil(), hash: hash(Uuid::nil(), "x"), two_factor: None });
    for event in otp.decide(Timestamp::MAX_UTC, ask).events {
        otp.apply(Timestamp::MAX_UTC, &event);
    }
    assert_eq!(otp.existing().ok().and_then(Data::next_challenge_retry), Some(Timestamp::MAX_UTC));
}

#[test]
fn neither_a_code_nor_its_hash_is_shown_by_debug() {
    let command = CodeCommand::Challenge { id: Uuid::nil(), hash: CodeHash("abc".into()), two_factor: None };
    assert!(!format!("{command:?}").contains("abc"));
    assert_eq!(format!("{:?}", typed(None, &code(1))), "TypedCode(..)");
}

/// Journals outlive versions: these are entries as the first version wrote them.
#[test]
fn what_an_earlier_version_wrote_is_read_and_written_the_same() {
    let at = "2026-01-02T03:04:05Z";
    let id = Uuid::nil();
    let created = r#"{"type":"created","actor":{"language":"UNDEFINED"},"channel":"SMS","external":false,"expires_at":"$at",
        "policy":{"challenges":3,"attempts":3,"digits":6,"digits_email":8,"code_seconds":300,"cooldown_seconds":[30],"failures":100},
        "purpose":{"signature":"$id"}}"#;
    let events = [
        created,
        r#"{"type":"challenged","id":"$id","hash":"00ff","until":"$at"}"#,
        r#"{"type":"delivered","challenge":"$id","provider_id":"sent-1"}"#,
        r#"{"type":"not_delivered","challenge":"$id","reason":"lost"}"#,
        r#"{"type":"receipt","challenge":"$id","status":"delivered","word":"delivered"}"#,
        r#"{"type":"delivered","challenge":"$id","channel":"SMS","provider_id":"sent-1","provider":"es","sender":"Acme","reports":true}"#,
        r#"{"type":"not_delivered","challenge":"$id","channel":"SMS","reason":"lost"}"#,
        r#"{"type":"delivery_unknown","challenge":"$id","reason":"it took too long"}"#,
        r#"{"type":"fate_unknown","challenge":"$id","channel":"EMAIL"}"#,
        r#"{"type":"rerouted","challenge":"$id","channel":"EMAIL"}"#,
        r#"{"type":"wrong_answer","at_challenge":false}"#,
        r#"{"type":"validated","device":{"ip":"192.0.2.1"}}"#,
        r#"{"type":"succeeded"}"#,
        r#"{"type":"failed","reason":"too many wrong answers"}"#,
        r#"{"type":"cancelled","reason":"a mistake"}"#,
        r#"{"type":"expired"}"#,
        r#"{"type":"restarted","round":1}"#,
        r#"{"type":"deleted"}"#,
    ];
    let effects = [
        r#"{"type":"send_code","challenge":"$id","until":"$at"}"#,
        r#"{"type":"reroute","challenge":"$id","channel":"EMAIL","until":"$at"}"#,
        r#"{"type":"tell_process","sign_process":"$id","state":"VALIDATED"}"#,
        r#"{"type":"tell_chain","chain":"$id","told":{"round":1,"state":"CANCELLED","deleted":true,"at":"$at"}}"#,
        r#"{"type":"tell_chain","chain":"$id","told":{"round":0,"state":"VALIDATED","at":"$at"}}"#,
    ];
    let value = |text: &str| -> serde_json::Value {
        serde_json::from_str(&text.replace("$at", at).replace("$id", &id.to_string())).expect("JSON")
    };
    for written in events.map(value) {
        let event: Event = serde_json::from_value(written.clone()).expect("an event");
        assert_eq!(serde_json::to_value(&event).expect("JSON"), written);
    }
    for written in effects.map(value) {
        let effect: Effect = serde_json::from_value(written.clone()).expect("an effect");
        assert_eq!(serde_json::to_value(&effect).expect("JSON"), written);
    }
}

#[test]
fn every_transition_of_the_table_is_taken() {
    let mut scenarios = World::in_each_state();
    let mut created = World::new();
    assert_eq!(created.otp.tell(Command::Delete { force: false }), Ok(()));
    for world in &mut scenarios {
        assert_eq!(world.otp.tell(Command::Delete { force: true }), Ok(()));
    }
    let mut delivered = World::asked();
    delivered.delivered(1);
    delivered.wait_and_ask();
    delivered.not_delivered(2);
    delivered.receipt(1, ReceiptStatus::Delivered);
    let mut late = World::asked();
    late.wait_and_ask();
    assert_eq!(late.answer(2), Ok(()));
    late.delivered(1);
    late.not_delivered(2);
    late.receipt(2, ReceiptStatus::Read);
    let mut reported = World::asked();
    reported.delivered_on(1, None, true);
    reported.wait_and_ask();
    reported.delivered_on(2, None, true);
    reported.otp.advance_and_look(Duration::seconds(600));
    let mut overdue = World::validated();
    overdue.delivery_unknown(1);
    let mut old = World::asked();
    old.delivered_on(1, None, true);
    old.wait_and_ask();
    assert_eq!(old.answer(2), Ok(()));
    old.otp.advance_and_look(Duration::seconds(600));
    let mut unknown = World::asked();
    unknown.delivery_unknown(1);
    let rerouted = fates::failed_once();
    scenarios.extend([reported, overdue, old, unknown, rerouted]);
    let mut cancelled = late.clone();
    assert_eq!(cancelled.otp.tell(Command::Cancel { reason: None }), Ok(()));
    late.otp.advance_and_look(Duration::hours(2));
    let mut restarted = World::validated_step();
    for round in [1, 2] {
        assert_eq!(restarted.otp.tell(Command::Restart { round }), Ok(()));
    }
    scenarios.extend([created, delivered, late, cancelled, restarted]);
    assert_all_transitions_taken(&scenarios.into_iter().map(|world| world.otp).collect::<Vec<_>>());
}
