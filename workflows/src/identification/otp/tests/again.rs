//! Coming back to an identification that is VALIDATED.

use super::*;

fn key(number: u8) -> ResumeHash {
    ResumeHash::new(&[number; 32])
}

fn device() -> Device {
    Device { ip: Some("192.0.2.7".into()), ..Device::default() }
}

impl World {
    /// Asks for a code to prove again.
    pub fn ask_again(&mut self) -> Answer {
        let id = Uuid::from_u128(self.codes + 1);
        let hash = hash(id, &code(self.codes + 1));
        let answer = self.otp.tell(CodeCommand::ChallengeAgain { id, hash, two_factor: None });
        self.codes += u128::from(answer.is_ok());
        answer
    }

    fn wait_and_ask_again(&mut self) {
        self.otp.now = self.data().next_challenge_retry().expect("a code is left").max(self.otp.now);
        assert_eq!(self.ask_again(), Ok(()));
    }

    pub fn prove(&mut self, text: &str, resume: Option<ResumeHash>) -> Answer {
        let code = typed(self.current(), text);
        self.otp.tell(CodeCommand::ProveAgain { code, two_factor: None, device: device(), resume })
    }

    fn validate_keeping(&mut self, number: u128, resume: ResumeHash) {
        let code = typed(self.current(), &code(number));
        let command = CodeCommand::Validate { code, two_factor: None, device: device(), resume: Some(resume) };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    fn resumes(&self, resume: &ResumeHash) -> bool {
        let data = self.otp.machine.data().expect("it was created");
        data.resumes(self.otp.now, resume, Duration::minutes(40))
    }
}

/// Worlds that take what can happen to an identification that is VALIDATED.
pub fn scenarios() -> Vec<World> {
    let mut proved = World::asked();
    proved.validate_keeping(1, key(1));
    proved.wait_and_ask_again();
    assert_eq!(proved.prove("wrong", None), Err(WRONG_ANSWER));
    assert_eq!(proved.prove(&code(2), Some(key(2))), Ok(()));
    let mut rerouted = World::with(|creation| {
        creation.actor = number::with_phone();
        creation.policy.fallback_channels = vec![Channel::Sms];
    });
    assert_eq!(rerouted.ask(), Ok(()));
    assert_eq!(rerouted.answer(1), Ok(()));
    rerouted.wait_and_ask_again();
    rerouted.not_delivered(2);
    let mut checked = World::with(number::all_on);
    assert_eq!(checked.confirm("called back"), Ok(()));
    assert_eq!(checked.ask(), Ok(()));
    checked.operator_says(1, NumberOutcome::Passed);
    assert_eq!(checked.answer(1), Ok(()));
    checked.wait_and_ask_again();
    checked.operator_says(2, NumberOutcome::Passed);
    vec![proved, rerouted, checked]
}

#[test]
fn a_page_comes_back_with_its_key_for_as_long_as_keys_work() {
    let mut world = World::asked();
    assert!(!world.resumes(&key(1)), "nothing is proved yet");
    world.validate_keeping(1, key(1));
    assert!(world.resumes(&key(1)) && !world.resumes(&key(2)));
    world.otp.advance(Duration::minutes(40) - Duration::nanoseconds(1));
    assert!(world.resumes(&key(1)));
    world.otp.advance(Duration::nanoseconds(1));
    assert!(!world.resumes(&key(1)));
}

#[test]
fn a_key_opens_nothing_of_an_identification_that_ended_otherwise_than_by_its_use() {
    let mut validated = World::asked();
    validated.validate_keeping(1, key(1));
    let mut used = validated.clone();
    assert_eq!(used.otp.tell(Command::Close), Ok(()));
    assert!(used.resumes(&key(1)));
    let mut cancelled = validated.clone();
    assert_eq!(cancelled.otp.tell(Command::Cancel { reason: None, by: None }), Ok(()));
    let mut deleted = validated.clone();
    assert_eq!(deleted.otp.tell(Command::Delete { force: true }), Ok(()));
    let mut step = World::with(|creation| creation.purpose = Purpose { chain: Some(CHAIN), ..Purpose::default() });
    assert_eq!(step.ask(), Ok(()));
    step.validate_keeping(1, key(1));
    assert_eq!(step.otp.tell(Command::Restart { round: 1 }), Ok(()));
    for world in [cancelled, deleted, step] {
        assert!(!world.resumes(&key(1)), "{}", world.otp.machine.stage().name());
    }
}

#[test]
fn a_wrong_code_keeps_no_key() {
    let mut world = World::asked();
    let code = typed(world.current(), "wrong");
    let command = CodeCommand::Validate { code, two_factor: None, device: device(), resume: Some(key(1)) };
    assert_eq!(world.otp.tell(command), Err(WRONG_ANSWER));
    assert!(world.data().own.resume.is_empty());
    assert_eq!(world.answer(1), Ok(()));
    assert!(!world.resumes(&key(1)));
}

#[test]
fn the_newest_keys_count_and_the_oldest_makes_room() {
    let mut world = World::with_policy(Policy { challenges: 9, ..Policy::default() });
    assert_eq!(world.ask(), Ok(()));
    world.validate_keeping(1, key(1));
    for number in 2..=5 {
        world.wait_and_ask_again();
        assert_eq!(world.prove(&code(u128::from(number)), Some(key(number))), Ok(()));
    }
    assert_eq!(world.data().own.resume.len(), MAX_RESUME_KEYS);
    let known = (1..=5).map(|number| world.resumes(&key(number))).collect::<Vec<_>>();
    assert_eq!(known, [false, true, true, true, true]);
}

#[test]
fn who_proves_again_leaves_it_validated_and_tells_nobody() {
    let mut world = World::validated();
    let validated = world.data().validated.clone();
    world.wait_and_ask_again();
    let until = world.data().own.challenges[1].until;
    assert_eq!(world.otp.new_effects().last(), Some(&Effect::Own(CodeEffect::SendCode { challenge: Uuid::from_u128(2), until })));
    assert!(world.data().is_code_wanted(Uuid::from_u128(2)) && !world.data().is_code_wanted(Uuid::from_u128(1)));
    assert_eq!(world.prove(&code(1), None), Err(WRONG_ANSWER), "a code is valid once");
    assert_eq!(world.prove(&code(2), None), Ok(()));
    assert_eq!(world.otp.new_effects(), []);
    assert_eq!((world.state(), &world.data().validated), (IdentificationState::Validated, &validated));
    assert_eq!((world.data().own.proofs, world.data().remaining_attempts()), (1, Some(0)));
    assert_eq!(world.prove(&code(2), None), Err(CODE_GONE));
    assert!(!world.data().is_code_wanted(Uuid::from_u128(2)));
}

#[test]
fn the_limits_of_codes_hold_for_those_that_prove_again() {
    let mut world = World::validated();
    assert!(matches!(world.ask_again(), Err(Refusal::TooEarly { .. })));
    for number in [2_u128, 3] {
        world.wait_and_ask_again();
        for _ in 0..3 {
            assert_eq!(world.prove("wrong", None), Err(WRONG_ANSWER));
        }
        assert_eq!(world.prove(&code(number), None), Err(CODE_GONE));
        assert_eq!(world.state(), IdentificationState::Validated, "whoever guesses takes nothing away");
    }
    assert_eq!(world.ask_again(), wrong_state("VALIDATED without a challenge left"));
    assert_eq!(world.data().own.failures, 6);
    world.otp.advance_and_look(Duration::minutes(20));
    assert_eq!(world.state(), IdentificationState::Validated, "it does not fail by time either");
    assert_eq!(world.otp.tell(Command::Close), Ok(()));
}

#[test]
fn too_many_wrong_answers_close_it_to_proofs_and_not_to_its_use() {
    let mut world = World::with_policy(Policy { challenges: 9, failures: 2, ..Policy::default() });
    assert_eq!(world.ask(), Ok(()));
    assert_eq!(world.answer(1), Ok(()));
    world.wait_and_ask_again();
    assert_eq!(world.prove("wrong", None), Err(WRONG_ANSWER));
    assert_eq!(world.prove("wrong", None), Err(WRONG_ANSWER));
    let closed = wrong_state("VALIDATED, and too many answers were wrong to prove it again");
    assert_eq!(world.prove(&code(2), None), closed);
    world.otp.advance(Duration::minutes(10));
    assert_eq!(world.ask_again(), closed);
    assert_eq!(world.otp.tell(Command::Close), Ok(()));
}

#[test]
fn only_what_is_validated_is_proved_again_and_only_what_is_created_is_proved_first() {
    for mut world in World::in_each_state() {
        let name = world.otp.machine.stage().name();
        world.otp.advance(Duration::minutes(2));
        let expected = if name == "VALIDATED" { Ok(()) } else { wrong_state(name) };
        assert_eq!(world.ask_again(), expected, "{name}");
        if name != "VALIDATED" {
            assert_eq!(world.prove(&code(1), Some(key(1))), wrong_state(name), "{name}");
        } else {
            assert_eq!(world.answer(2), wrong_state("VALIDATED"), "a proof is no first one");
        }
        assert!(!world.resumes(&key(1)));
    }
    let mut world = World::validated();
    world.otp.advance(Duration::minutes(2));
    assert_eq!(world.ask(), wrong_state("VALIDATED"));
}

#[test]
fn keys_show_nowhere() {
    assert_eq!(format!("{:?}", key(9)), "ResumeHash(..)");
}
