use super::*;

fn with_notices() -> World {
    let mut world = World::of(Creation { notices: vec![Channel::Sms, Channel::Email], ..creation(2, 1) });
    world.process.new_effects();
    world
}

fn sent(generation: u32) -> Effect {
    Effect::SendLink { signature: signature(0), generation, channel: Channel::Email }
}

#[test]
fn a_renewed_link_is_the_next_one_and_goes_to_the_contact_that_is_known() {
    let mut world = with_notices();
    assert_eq!(world.renew_link(0), Ok(()));
    assert_eq!(world.process.new_effects(), [sent(1)]);
    let generations = |world: &World| world.data().signatures.iter().map(|known| known.link.generation).collect::<Vec<_>>();
    assert_eq!(generations(&world), [1, 0]);
    assert_eq!(world.renew_link(0), Ok(()));
    assert_eq!((world.process.new_effects(), generations(&world)), (vec![sent(2)], vec![2, 0]));
    assert_eq!(world.renew_link(2), Err(NOT_FOUND));
}

#[test]
fn a_link_is_renewed_three_times_in_24_hours_whatever_the_calendar_says() {
    let mut world =
        World::of(Creation { expires_at: start() + Duration::days(10), notices: vec![Channel::Email], ..creation(2, 1) });
    for _ in 0..RENEWALS_PER_DAY {
        assert_eq!(world.renew_link(0), Ok(()));
        world.process.advance(Duration::hours(7));
    }
    let wait = Duration::hours(3);
    assert_eq!(world.renew_link(0), Err(Refusal::Busy { what: "a link can be sent 3 times in 24 hours", wait }));
    assert_eq!(world.renew_link(1), Ok(()), "each signer has a count of their own");
    world.process.advance(wait);
    assert_eq!(world.renew_link(0), Ok(()));
    assert!(world.renew_link(0).is_err(), "the second is 4 hours from a day old");
    assert_eq!(world.data().signatures[0].link.renewed.len(), RENEWALS_PER_DAY);
}

#[test]
fn staff_sends_a_link_once_more_and_it_stays_the_same() {
    let mut world = with_notices();
    assert_eq!(world.send_link_again(0), Ok(()));
    assert_eq!(world.process.new_effects(), [sent(0)]);
    assert_eq!(world.renew_link(0), Ok(()));
    assert_eq!(world.process.new_effects(), [sent(1)]);
    assert_eq!(world.send_link_again(0), Ok(()));
    assert_eq!(world.process.new_effects(), [sent(1)], "the one that counts");
    assert!(matches!(world.send_link_again(0), Err(Refusal::Busy { .. })), "messages are counted, whoever asks for them");
    assert!(matches!(world.renew_link(0), Err(Refusal::Busy { .. })));
    assert_eq!((world.send_link_again(2), world.send_link_again(1)), (Err(NOT_FOUND), Ok(())));
    assert!(World::new().send_link_again(0).is_err(), "no channel reaches the signer");
}

#[test]
fn a_link_lives_on_where_no_other_one_can_be_sent_or_is_of_use() {
    let mut unreachable = World::new();
    assert!(unreachable.renew_link(0).is_err());
    assert_eq!(unreachable.data().signatures[0].link, Link::default());
    let mut world = with_notices();
    (0..2).for_each(|position| world.identify(position));
    assert_eq!(world.sign(0), Ok(()));
    assert_eq!(world.renew_link(0), wrong_state("signed already"));
    assert_eq!(world.cancel(), Ok(()));
    assert_eq!(world.renew_link(1), wrong_state("CANCELLED"));
}

#[test]
fn a_link_that_could_not_be_sent_is_told_as_its_message() {
    let mut world = with_notices();
    assert_eq!(world.renew_link(0), Ok(()));
    let given_up = SignProcess::given_up(&sent(1), "no such address").expect("the process must know");
    assert_eq!(world.tell(given_up), Ok(()));
    let Some((_, Event::Noticed { notice, failure, .. })) = world.process.journal.last() else { panic!("it is not journaled") };
    assert_eq!((notice, failure.as_deref()), (&Notice::SignRequest, Some("no such address")));
}

#[test]
fn a_process_that_never_had_another_link_is_written_as_it_always_was() {
    let world = World::new();
    let written = serde_json::to_value(&world.process.machine).expect("it can be written");
    assert!(written["life"]["signatures"][0].get("link").is_none() && written["life"].get("declined").is_none(), "{written}");
}
