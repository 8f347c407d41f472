//! As a step of a chain: told of, closed and begun anew by it.

use super::*;

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
    assert_eq!(cancelled.otp.tell(Command::Cancel { reason: None, by: None }), Ok(()));
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
    let old = CodeCommand::Validate {
        code: typed(Some(Uuid::from_u128(2)), &code(2)),
        two_factor: None,
        device: Device::default(),
        resume: None,
    };
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
