//! Which code is right, and for how long.

use super::*;

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
    let answer = CodeCommand::Validate { code: early, two_factor: None, device: Device::default(), resume: None };
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
fn neither_a_code_nor_its_hash_is_shown_by_debug() {
    let command = CodeCommand::Challenge { id: Uuid::nil(), hash: CodeHash("abc".into()), two_factor: None };
    assert!(!format!("{command:?}").contains("abc"));
    assert_eq!(format!("{:?}", typed(None, &code(1))), "TypedCode(..)");
}
