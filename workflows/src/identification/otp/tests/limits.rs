//! How many codes and tries there are, and how it fails beyond them.

use super::*;

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
