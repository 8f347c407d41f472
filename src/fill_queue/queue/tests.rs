use proptest::{collection::vec, prelude::*, test_runner::RngSeed};

use super::*;

fn start() -> Timestamp {
    Timestamp::from_timestamp(1_900_000_000, 0).expect("an instant in 2030")
}

fn seconds(count: i64) -> Timestamp {
    start() + TimeDelta::seconds(count)
}

fn bounds(places: usize) -> Bounds {
    Bounds { places, waiting_each: 10_000, waiting: 50_000, ageing: TimeDelta::seconds(60) }
}

fn queue(places: usize) -> Queue {
    Queue::new(bounds(places))
}

fn entry(organization: &str, class: Class, cost: u64, since: Timestamp) -> Entry {
    Entry { organization: organization.into(), id: Uuid::new_v4(), class, cost, since }
}

fn push(queue: &mut Queue, organization: &str, class: Class, count: usize) {
    for _ in 0..count {
        assert!(queue.push(entry(organization, class, 1, start())));
    }
}

/// Turns one after the other, each ended before the next begins.
fn turns(queue: &mut Queue, count: usize, now: Timestamp) -> Vec<Entry> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let Some((entry, place)) = queue.next(now) else { break };
        queue.give_back(place);
        taken.push(entry);
    }
    taken
}

fn names(entries: &[Entry]) -> String {
    entries.iter().map(|entry| &*entry.organization).collect()
}

fn classes(entries: &[Entry]) -> String {
    entries.iter().map(|entry| if entry.class == Class::High { 'h' } else { 'l' }).collect()
}

#[test]
fn of_five_turns_four_are_high_and_one_is_low() {
    let mut queue = queue(1);
    push(&mut queue, "a", Class::High, 12);
    push(&mut queue, "a", Class::Low, 12);
    assert_eq!(classes(&turns(&mut queue, 24, start())), "hhhhlhhhhlhhhhllllllllll");
}

#[test]
fn a_class_that_is_alone_has_all_turns_and_owes_none_afterwards() {
    let mut queue = queue(1);
    push(&mut queue, "a", Class::Low, 10);
    assert_eq!(classes(&turns(&mut queue, 5, start())), "lllll");
    push(&mut queue, "a", Class::High, 10);
    assert_eq!(classes(&turns(&mut queue, 11, start())), "hhhhlhhhhlh");
}

#[test]
fn turns_go_round_the_organizations_however_much_one_of_them_has() {
    let mut queue = queue(1);
    push(&mut queue, "a", Class::Low, 50);
    push(&mut queue, "b", Class::Low, 3);
    push(&mut queue, "c", Class::Low, 2);
    assert_eq!(names(&turns(&mut queue, 9, start())), "abcabcaba");
}

#[test]
fn who_comes_with_one_is_next_though_another_has_five_thousand_waiting() {
    for class in Class::ALL {
        let mut queue = queue(1);
        push(&mut queue, "large", class, 5_000);
        assert_eq!(names(&turns(&mut queue, 3, start())), "largelargelarge");
        push(&mut queue, "x", class, 1);
        assert!(names(&turns(&mut queue, 2, start())).contains('x'));
    }
}

#[test]
fn cost_counts_and_not_the_number() {
    let mut queue = queue(1);
    for _ in 0..50 {
        queue.push(entry("a", Class::High, 10, start()));
        queue.push(entry("b", Class::High, 2, start()));
    }
    let order = names(&turns(&mut queue, 24, start()));
    assert_eq!(order.matches('b').count(), 20, "{order}");
}

#[test]
fn who_comes_back_neither_lost_nor_gained_by_being_away() {
    let mut queue = queue(1);
    push(&mut queue, "a", Class::High, 30);
    assert_eq!(names(&turns(&mut queue, 20, start())), "a".repeat(20));
    push(&mut queue, "b", Class::High, 30);
    assert_eq!(names(&turns(&mut queue, 6, start())).matches('b').count(), 3);
}

#[test]
fn who_sends_one_by_one_gets_no_more_than_who_sends_at_once() {
    let mut queue = queue(1);
    push(&mut queue, "a", Class::High, 40);
    let mut order = String::new();
    for _ in 0..20 {
        if !order.ends_with('b') || order.is_empty() {
            push(&mut queue, "b", Class::High, 1);
        }
        order += &names(&turns(&mut queue, 1, start()));
    }
    assert!((9..=11).contains(&order.matches('b').count()), "{order}");
}

#[test]
fn what_was_asked_for_first_comes_first_also_when_it_was_brought_back_late() {
    let mut queue = queue(1);
    queue.push(entry("a", Class::High, 1, seconds(5)));
    queue.push(entry("a", Class::High, 1, seconds(3)));
    queue.push(entry("a", Class::High, 1, seconds(4)));
    let order: Vec<_> = turns(&mut queue, 3, seconds(6)).iter().map(|entry| entry.since).collect();
    assert_eq!(order, [seconds(3), seconds(4), seconds(5)]);
}

#[test]
fn what_has_waited_for_a_minute_in_the_lower_class_counts_as_high() {
    let mut queue = queue(1);
    let old = entry("b", Class::Low, 1, start());
    queue.push(old.clone());
    push(&mut queue, "b", Class::High, 1);
    for _ in 0..10 {
        queue.push(entry("a", Class::High, 1, seconds(59)));
        queue.push(entry("a", Class::Low, 1, seconds(59)));
    }
    assert_eq!(classes(&turns(&mut queue, 2, seconds(59))), "hh");
    assert_eq!(queue.waiting(Class::Low), (11, Some(start())));
    // A second later it is the first of its organization in the higher class, beside that of the other one.
    let next = turns(&mut queue, 2, seconds(60));
    assert!(next.contains(&old), "{next:?}");
    assert_eq!((queue.waiting(Class::Low).0, queue.waiting(Class::High).0), (10, 8));
}

#[test]
fn a_flood_that_has_grown_old_still_waits_its_turn_behind_nobody_elses_back() {
    let mut queue = queue(1);
    push(&mut queue, "flood", Class::Low, 1_000);
    queue.push(entry("x", Class::High, 1, seconds(100)));
    queue.push(entry("x", Class::High, 1, seconds(100)));
    let order = names(&turns(&mut queue, 4, seconds(100)));
    assert_eq!(order.matches('x').count(), 2, "{order}");
}

#[test]
fn one_organization_has_all_places_if_nobody_else_waits_and_half_if_somebody_does() {
    let mut queue = queue(4);
    push(&mut queue, "a", Class::High, 10);
    let mut of_a: Vec<_> = std::iter::from_fn(|| queue.next(start())).map(|(_, place)| place).collect();
    assert_eq!(of_a.len(), 4);
    push(&mut queue, "b", Class::Low, 10);
    let mut of_b = vec![queue.next(start()).expect("one place more is for who has none").1];
    for _ in 0..2 {
        queue.give_back(of_a.pop().unwrap());
        of_b.extend(queue.next(start()).map(|(_, place)| place));
    }
    assert!(of_b.iter().all(|place| &*place.organization == "b"), "whatever its class");
    assert_eq!((of_a.len(), of_b.len()), (2, 2), "b has its half");
    assert!(queue.next(start()).is_none(), "the last place that was given back made good for the one more");
    queue.give_back(of_b.remove(0));
    queue.give_back(of_a.pop().unwrap());
    assert_eq!(&*queue.next(start()).unwrap().1.organization, "a");
}

#[test]
fn with_one_place_a_newcomer_does_not_wait_behind_the_long_work_of_another_one() {
    let mut queue = queue(1);
    push(&mut queue, "a", Class::High, 4);
    let _held = queue.next(start()).unwrap();
    assert!(queue.next(start()).is_none(), "no more for the same one");
    push(&mut queue, "b", Class::Low, 4);
    let (entry, place) = queue.next(start()).unwrap();
    assert_eq!(&*entry.organization, "b");
    push(&mut queue, "c", Class::High, 1);
    assert!(queue.next(start()).is_none(), "only one more");
    queue.give_back(place);
    assert_eq!(&*queue.next(start()).unwrap().0.organization, "c");
}

#[test]
fn what_waits_is_bounded_for_each_and_in_all_and_what_is_admitted_counts() {
    let mut queue = Queue::new(Bounds { waiting_each: 2, waiting: 3, ..bounds(1) });
    let ids: Vec<Uuid> = (0..4).map(|_| Uuid::new_v4()).collect();
    let (a, b) = (Arc::from("a"), Arc::from("b"));
    assert_eq!(queue.reserve(&a, ids[0]), Ok(()));
    assert_eq!(queue.reserve(&a, ids[1]), Ok(()));
    assert_eq!(queue.reserve(&a, ids[2]), Err(Full::OfOrganization(2)));
    queue.push(Entry { id: ids[0], ..entry("a", Class::Low, 1, start()) });
    assert_eq!(queue.reserve(&a, ids[2]), Err(Full::OfOrganization(2)), "that it has come changes nothing");
    assert_eq!(queue.reserve(&b, ids[2]), Ok(()));
    assert_eq!(queue.reserve(&b, ids[3]), Err(Full::InAll(3)));
    queue.forgo(ids[2]);
    queue.forgo(ids[2]);
    queue.forgo(ids[0]);
    assert_eq!(queue.reserve(&b, ids[3]), Ok(()));
    assert_eq!(turns(&mut queue, 5, start()).len(), 1);
    assert_eq!(queue.counts.len(), 2);
    queue.forgo(ids[1]);
    queue.forgo(ids[3]);
    assert!(queue.counts.is_empty() && queue.reserved.is_empty() && queue.known.is_empty());
}

#[test]
fn what_is_brought_back_after_a_crash_is_taken_beyond_what_is_admitted_and_not_without_bound() {
    let mut queue = Queue::new(Bounds { waiting_each: 2, waiting: 3, ..bounds(1) });
    let pushed = (0..20).filter(|_| queue.push(entry("a", Class::Low, 1, start()))).count();
    assert_eq!(pushed, 6);
}

#[test]
fn what_waits_already_is_not_taken_twice() {
    let mut queue = queue(1);
    let one = entry("a", Class::Low, 1, start());
    assert!(queue.push(one.clone()));
    assert!(!queue.push(one.clone()));
    assert_eq!(turns(&mut queue, 5, start()), std::slice::from_ref(&one));
    assert!(queue.push(one), "after its turn it may come again");
}

#[test]
fn organizations_that_went_away_are_forgotten() {
    let mut queue = queue(2);
    push(&mut queue, "busy", Class::High, 20_000);
    for number in 0..3 * MAX_IDLE {
        queue.push(entry(&format!("o{number}"), Class::High, 1_000_000, start()));
        turns(&mut queue, 2, start());
    }
    let line = &queue.lines[Class::High.index()];
    assert!(line.flows.len() <= MAX_IDLE + 2 && line.idle.len() <= MAX_IDLE, "{}", line.flows.len());
    turns(&mut queue, 40_000, start());
    let line = &queue.lines[Class::High.index()];
    assert!(line.flows.is_empty() && line.idle.is_empty() && queue.running.is_empty());
}

/// One thing that happens to a queue.
#[derive(Clone, Debug)]
enum Step {
    Push { organization: u8, class: Class, cost: u64 },
    Reserve { organization: u8 },
    Forgo,
    Next,
    GiveBack { which: usize },
    Wait { seconds: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let class = prop::sample::select(Class::ALL.to_vec());
    prop_oneof![
        6 => (0..4u8, class, 1..50u64).prop_map(|(organization, class, cost)| Step::Push { organization, class, cost }),
        1 => (0..4u8).prop_map(|organization| Step::Reserve { organization }),
        1 => Just(Step::Forgo),
        6 => Just(Step::Next),
        4 => any::<usize>().prop_map(|which| Step::GiveBack { which }),
        1 => (0..40i64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(20_260_101), ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_lost_and_no_bound_is_passed(places in 1..5usize, steps in vec(step(), 1..300)) {
        let mut queue = Queue::new(Bounds { waiting_each: 20, waiting: 40, ..bounds(places) });
        let (mut held, mut reserved): (Vec<Place>, Vec<Uuid>) = (Vec::new(), Vec::new());
        let (mut pushed, mut given, mut now) = (0, 0, start());
        for step in steps {
            match step {
                Step::Push { organization, class, cost } => {
                    pushed += usize::from(queue.push(entry(&organization.to_string(), class, cost, now)));
                }
                Step::Reserve { organization } => {
                    let id = Uuid::new_v4();
                    if queue.reserve(&organization.to_string().into(), id).is_ok() {
                        reserved.push(id);
                    }
                }
                Step::Forgo => reserved.pop().into_iter().for_each(|id| queue.forgo(id)),
                Step::Next => {
                    if let Some((entry, place)) = queue.next(now) {
                        let own = held.iter().filter(|other| other.organization == entry.organization).count();
                        let others = Class::ALL.iter().any(|class| {
                            queue.lines[class.index()].order.iter().any(|(_, _, name)| *name != entry.organization)
                        });
                        prop_assert!(own == 0 || !others || own < places.div_ceil(2), "more than half while others wait");
                        given += 1;
                        held.push(place);
                    } else {
                        let waits = queue.known.len();
                        prop_assert!(waits == 0 || held.len() >= places, "a place is free and somebody waits");
                    }
                }
                Step::GiveBack { which } if !held.is_empty() => {
                    let place = held.swap_remove(which % held.len());
                    queue.give_back(place);
                }
                Step::GiveBack { .. } => {}
                Step::Wait { seconds } => now += TimeDelta::seconds(seconds),
            }
            let waiting: usize = Class::ALL.into_iter().map(|class| queue.waiting(class).0).sum();
            prop_assert_eq!(given + waiting, pushed);
            prop_assert_eq!((waiting, queue.reserved.len()), (queue.known.len(), reserved.len()));
            prop_assert!(held.iter().filter(|place| !place.is_extra).count() <= places);
            prop_assert!(held.iter().filter(|place| place.is_extra).count() <= 1);
            let counted: usize = queue.counts.values().map(|(waiting, reserved)| waiting + reserved).sum();
            prop_assert_eq!(counted, queue.known.len() + queue.reserved.len());
        }
        // All that wait get their turn once the others are done, and nothing stays.
        held.into_iter().for_each(|place| queue.give_back(place));
        reserved.into_iter().for_each(|id| queue.forgo(id));
        given += turns(&mut queue, usize::MAX, now).len();
        prop_assert_eq!(given, pushed);
        prop_assert!(queue.counts.is_empty() && queue.running.is_empty() && queue.young.is_empty());
    }

    #[test]
    fn each_has_its_share_by_cost_while_both_wait(costs in vec((1..20u64, 1..20u64), 60..120)) {
        let mut queue = queue(1);
        for (a, b) in &costs {
            queue.push(entry("a", Class::High, *a, start()));
            queue.push(entry("b", Class::High, *b, start()));
        }
        let (mut of_a, mut of_b) = (0_u64, 0_u64);
        for entry in turns(&mut queue, costs.len(), start()) {
            match &*entry.organization {
                "a" => of_a += entry.cost,
                _ => of_b += entry.cost,
            }
            // Start-time fair queueing: they never differ by more than the largest cost of each.
            prop_assert!(of_a.abs_diff(of_b) <= 38, "{of_a} and {of_b}");
        }
    }
}
