//! What is known of the messages with the codes.

use super::*;

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
