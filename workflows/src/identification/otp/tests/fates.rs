//! Every code ends in one known fate, and one that failed goes out on the next channel where that is wanted.

use super::*;

/// An identification by SMS whose codes go out by e-mail, and then by WhatsApp, when they fail.
fn with_fallbacks(channels: &[Channel]) -> World {
    let msisdn = crate::Msisdn { country_code: "34".into(), phone_number: 600_111_222 };
    let mut world = World::with(|creation| {
        creation.channel = Channel::Sms;
        creation.actor.msisdn = Some(msisdn);
        creation.policy.fallback_channels = channels.to_vec();
    });
    assert_eq!(world.ask(), Ok(()));
    world
}

fn all() -> World {
    with_fallbacks(&[Channel::Sms, Channel::Email, Channel::Whatsapp])
}

/// One whose first message has failed, and whose code is on its way by e-mail.
pub(super) fn failed_once() -> World {
    let mut world = all();
    world.not_delivered(1);
    world
}

fn fate(world: &World, number: usize) -> Option<Fate> {
    let data = world.data();
    data.fate(&data.own.challenges[number - 1])
}

fn channels(world: &World) -> Vec<Channel> {
    world.data().own.challenges[0].sendings.iter().map(|sending| sending.channel).collect()
}

fn reroutes(world: &World) -> Vec<Channel> {
    let effect = |effect: &Effect| match effect {
        Effect::Own(CodeEffect::Reroute { channel, .. }) => Some(*channel),
        _ => None,
    };
    world.otp.effects.iter().filter_map(effect).collect()
}

#[test]
fn a_code_on_its_way_has_no_fate_yet() {
    let mut world = World::asked();
    assert_eq!(fate(&world, 1), None);
    world.delivered_on(1, None, true);
    assert_eq!(fate(&world, 1), None, "a receipt is waited for");
    world.receipt(1, ReceiptStatus::Sent);
    assert_eq!(fate(&world, 1), None);
}

#[test]
fn a_receipt_tells_the_fate() {
    for (status, expected) in [
        (ReceiptStatus::Delivered, Fate::Delivered),
        (ReceiptStatus::Read, Fate::Delivered),
        (ReceiptStatus::Failed, Fate::Failed),
    ] {
        let mut world = World::asked();
        world.delivered_on(1, None, true);
        world.receipt(1, status);
        assert_eq!(fate(&world, 1), Some(expected), "{status:?}");
        assert_eq!(world.otp.machine.wake_at(), Some(start() + Duration::hours(1)), "nothing is waited for but the expiry");
    }
}

#[test]
fn a_code_that_the_channel_refuses_has_failed() {
    let mut world = World::asked();
    world.not_delivered(1);
    assert_eq!(fate(&world, 1), Some(Fate::Failed));
}

#[test]
fn the_fate_is_unknown_where_nobody_reports() {
    let mut world = World::asked();
    world.delivered(1);
    assert_eq!(fate(&world, 1), Some(Fate::Unknown));
    let mut world = World::asked();
    world.delivery_unknown(1);
    assert_eq!(fate(&world, 1), Some(Fate::Unknown));
    assert_eq!(world.data().next_challenge_retry(), Some(start()), "another code can be asked for at once");
}

#[test]
fn the_fate_is_unknown_when_nobody_has_reported_in_time() {
    let mut world = World::with_policy(Policy { receipt_seconds: 90, ..Policy::default() });
    assert_eq!(world.ask(), Ok(()));
    world.otp.advance(Duration::seconds(5));
    world.delivered_on(1, None, true);
    assert_eq!(world.otp.machine.wake_at(), Some(start() + Duration::seconds(95)));
    world.otp.advance_and_look(Duration::seconds(89));
    assert_eq!(fate(&world, 1), None);
    world.otp.advance_and_look(Duration::seconds(1));
    assert_eq!(fate(&world, 1), Some(Fate::Unknown));
    assert_eq!(world.state(), IdentificationState::Created);
    assert_eq!(world.otp.machine.wake_at(), Some(start() + Duration::hours(1)));
}

#[test]
fn a_late_receipt_makes_more_known_and_never_less() {
    let mut world = World::asked();
    world.delivered_on(1, None, true);
    world.otp.advance_and_look(Duration::seconds(600));
    for (status, expected) in [
        (ReceiptStatus::Sent, Fate::Unknown),
        (ReceiptStatus::Failed, Fate::Failed),
        (ReceiptStatus::Delivered, Fate::Delivered),
        (ReceiptStatus::Failed, Fate::Delivered),
    ] {
        world.receipt(1, status);
        assert_eq!(fate(&world, 1), Some(expected), "{status:?}");
    }
}

#[test]
fn a_code_that_was_typed_was_delivered() {
    let mut world = World::asked();
    world.delivered_on(1, None, true);
    assert_eq!(world.answer(1), Ok(()));
    assert_eq!(fate(&world, 1), Some(Fate::Delivered));
    let events = world.otp.journal.len();
    world.otp.advance_and_look(Duration::seconds(600));
    assert_eq!(world.otp.journal.len(), events, "no receipt is waited for");
}

#[test]
fn every_code_has_a_fate_once_the_identification_has_ended() {
    for world in World::in_each_state().into_iter().filter(|world| world.state().is_final()) {
        for number in 1..=world.data().own.challenges.len() {
            assert!(fate(&world, number).is_some(), "{:?}", world.state());
        }
    }
}

#[test]
fn by_default_a_code_that_failed_goes_out_on_no_other_channel() {
    let mut world = with_fallbacks(&[]);
    world.not_delivered(1);
    assert_eq!((channels(&world), reroutes(&world)), (vec![Channel::Sms], vec![]));
}

#[test]
fn a_code_that_failed_goes_out_on_each_further_channel_once() {
    let mut world = all();
    let until = world.data().own.challenges[0].until;
    world.not_delivered(1);
    assert_eq!(channels(&world), [Channel::Sms, Channel::Email]);
    let effect = CodeEffect::Reroute { challenge: Uuid::from_u128(1), channel: Channel::Email, until };
    assert_eq!(world.otp.effects.last(), Some(&Effect::Own(effect)), "the same code, and no longer than it would have lived");
    assert_eq!(fate(&world, 1), None);

    world.delivered_on(1, Some(Channel::Email), true);
    world.receipt_on(1, Some(Channel::Email), ReceiptStatus::Failed);
    assert_eq!(channels(&world), [Channel::Sms, Channel::Email, Channel::Whatsapp]);
    world.not_delivered_on(1, Some(Channel::Whatsapp));
    assert_eq!(reroutes(&world), [Channel::Email, Channel::Whatsapp]);
    assert_eq!(fate(&world, 1), Some(Fate::Failed));
    assert_eq!(world.data().next_challenge_retry(), Some(start()), "who got no code must not wait");
}

#[test]
fn the_code_can_be_answered_on_whichever_channel_it_came_and_its_tries_do_not_grow() {
    let mut world = all();
    assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
    world.not_delivered(1);
    world.delivered_on(1, Some(Channel::Email), true);
    assert_eq!(world.data().remaining_attempts(), Some(2));
    assert_eq!(world.data().remaining_challenges(), 2);
    assert_eq!(world.answer(1), Ok(()));
    let data = world.data();
    let fates = data.own.challenges[0].sendings.iter().map(|sending| data.sending_fate(&data.own.challenges[0], sending));
    assert_eq!(fates.collect::<Vec<_>>(), [Some(Fate::Failed), Some(Fate::Delivered)]);
}

#[test]
fn the_wait_for_another_code_begins_anew_with_the_next_channel() {
    let mut world = all();
    world.otp.advance(Duration::seconds(20));
    world.not_delivered(1);
    assert_eq!(world.data().next_challenge_retry(), Some(world.otp.now + Duration::seconds(30)));
}

#[test]
fn a_code_whose_fate_is_unknown_goes_out_on_no_other_channel() {
    let mut world = all();
    world.delivery_unknown(1);
    let mut silent = all();
    silent.delivered_on(1, None, true);
    silent.otp.advance_and_look(Duration::seconds(600));
    for world in [world, silent] {
        assert_eq!((channels(&world), fate(&world, 1)), (vec![Channel::Sms], Some(Fate::Unknown)));
    }
}

#[test]
fn a_code_that_is_of_no_use_any_more_goes_out_on_no_other_channel() {
    let mut expired = all();
    expired.otp.advance(Duration::seconds(300));
    let mut used_up = all();
    for _ in 0..3 {
        assert_eq!(used_up.answer_wrong(), Err(WRONG_ANSWER));
    }
    let mut validated = all();
    assert_eq!(validated.answer(1), Ok(()));
    let mut superseded = all();
    superseded.wait_and_ask();
    for mut world in [expired, used_up, validated, superseded] {
        world.not_delivered(1);
        assert_eq!((channels(&world), reroutes(&world)), (vec![Channel::Sms], vec![]));
    }
}

#[test]
fn a_channel_that_does_not_reach_the_person_is_left_out() {
    let mut world = World::with(|creation| creation.policy.fallback_channels = vec![Channel::Sms, Channel::Whatsapp]);
    assert_eq!(world.ask(), Ok(()));
    world.not_delivered(1);
    assert_eq!(channels(&world), [Channel::Email]);
}

#[test]
fn who_delivers_its_codes_itself_is_not_replaced() {
    let mut world = World::with(|creation| {
        creation.external = true;
        creation.actor.msisdn = Some(crate::Msisdn { country_code: "34".into(), phone_number: 600_111_222 });
        creation.policy.fallback_channels = vec![Channel::Sms];
    });
    assert_eq!(world.ask(), Ok(()));
    world.not_delivered(1);
    assert_eq!(channels(&world), [Channel::Email]);
}

#[test]
fn a_first_message_that_arrives_after_all_stops_the_next_reroute() {
    let mut world = failed_once();
    world.receipt(1, ReceiptStatus::Delivered);
    world.not_delivered_on(1, Some(Channel::Email));
    assert_eq!(channels(&world), [Channel::Sms, Channel::Email]);
    assert_eq!(fate(&world, 1), Some(Fate::Delivered));
}

#[test]
fn a_code_has_the_digits_of_the_strictest_channel_that_it_may_go_out_on() {
    assert_eq!(all().data().creation.digits(), 8);
    assert_eq!(with_fallbacks(&[Channel::Whatsapp]).data().creation.digits(), 6);
    assert_eq!(with_fallbacks(&[]).data().creation.digits(), 6);
}

#[test]
fn giving_up_a_reroute_and_not_knowing_its_end_are_told_apart() {
    let world = failed_once();
    let reroute = world.otp.effects.last().expect("it goes out");
    let mut failed = world.clone();
    assert_eq!(failed.otp.tell(Otp::given_up(reroute, "the mail server is down").expect("it is told")), Ok(()));
    assert_eq!(channels(&failed), [Channel::Sms, Channel::Email, Channel::Whatsapp]);
    let mut unknown = world.clone();
    assert_eq!(unknown.otp.tell(Otp::left_unknown(reroute, "it took too long").expect("it is told")), Ok(()));
    assert_eq!((channels(&unknown).len(), fate(&unknown, 1)), (2, Some(Fate::Unknown)));
}
