use super::*;

#[test]
fn a_signer_who_declines_ends_the_process_for_all() {
    let mut world = World::new();
    world.identify(1);
    world.process.new_effects();
    world.process.advance(Duration::seconds(7));
    assert_eq!(world.decline(0), Ok(()));
    let data = world.data();
    assert_eq!((data.status, data.end_reason.as_deref()), (Status::Cancelled, Some("not what we agreed")));
    let act = Act { at: start() + Duration::seconds(7), device: device() };
    assert_eq!(data.declined, Some(Decline { signature: signature(0), act }));
    assert_eq!(world.signature_statuses(), [SignatureStatus::Cancelled; 2]);
    let expected = [cancel_effect(0, "a signer declined"), cancel_effect(1, "a signer declined"), Effect::Release];
    assert_eq!(world.process.new_effects(), expected);
}

#[test]
fn a_signer_declines_once_and_may_say_it_again() {
    let mut world = World::new();
    assert_eq!(world.decline(0), Ok(()));
    let before = (world.data().clone(), world.process.journal.len());
    world.process.advance(Duration::seconds(5));
    assert_eq!(world.decline(0), Ok(()));
    assert_eq!((world.data().clone(), world.process.journal.len()), before);
    assert_eq!(world.decline(1), wrong_state("CANCELLED"), "another one declined before");
    assert_eq!(world.cancel(), wrong_state("CANCELLED"));
}

#[test]
fn who_has_signed_does_not_decline_and_who_declines_does_not_sign() {
    let mut world = World::new();
    (0..2).for_each(|position| world.identify(position));
    assert_eq!(world.sign(0), Ok(()));
    assert_eq!(world.decline(0), wrong_state("signed already"));
    let mut declined = world.clone();
    assert_eq!(declined.decline(1), Ok(()), "the first of the two counts");
    assert_eq!(declined.sign(1), wrong_state("CANCELLED"));
    assert_eq!(declined.signature_statuses(), [SignatureStatus::Succeeded, SignatureStatus::Cancelled]);
    assert_eq!(world.sign(1), Ok(()));
    assert_eq!(world.decline(1), wrong_state("SIGNED"));
}

#[test]
fn nobody_declines_what_has_ended_or_is_not_there() {
    for mut world in World::in_each_state() {
        let name = world.status().name();
        let expected = if name == "CREATED" { Ok(()) } else { wrong_state(name) };
        assert_eq!(world.decline(0), expected, "{name}");
    }
    assert_eq!(World::new().decline(2), Err(NOT_FOUND));
    let mut absent = World { process: Driver::new() };
    assert_eq!((absent.decline(0), absent.renew_link(0)), (Err(NOT_FOUND), Err(NOT_FOUND)));
}
