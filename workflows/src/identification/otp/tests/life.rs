//! The life that it shares with the other identifications: who ends it, who is told.

use super::*;

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
        let answer = world.otp.tell(Command::Cancel { reason: Some("not needed".into()), by: None });
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
        for command in [
            Command::Close,
            Command::CloseByChain,
            restart,
            Command::Cancel { reason: None, by: None },
            Command::Delete { force: true },
        ] {
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
    assert_eq!(world.otp.tell(Command::Cancel { reason: None, by: None }), Ok(()));
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
