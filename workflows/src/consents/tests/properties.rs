//! What holds whatever is captured, deleted and erased, in whatever order, at whatever time.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::subsequence};

use super::*;
use crate::testing::cases;

const IDS: [&str; 4] = ["C01", "C02", "O01", "O02"];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    /// Waits to within a nanosecond of the machine's own next moment.
    WaitForWake(i64),
    Capture(Made),
    /// The capture so many before the last one is sent again.
    Repeat(usize),
    Delete {
        keep_hours: i64,
    },
    NotErased,
    Erase,
}

/// A capture: choices that were made so many seconds ago, each with the hours for which it holds.
#[derive(Clone, Debug)]
struct Made {
    choices: Vec<(&'static str, Choice, Option<i64>)>,
    seconds_ago: i64,
    imported: bool,
    overwrites: bool,
}

fn choices() -> impl Strategy<Value = Vec<(&'static str, Choice, Option<i64>)>> {
    let choice =
        (prop_oneof![Just(Choice::Accepted), Just(Choice::Pending), Just(Choice::Rejected)], proptest::option::of(1..72i64));
    (subsequence(IDS.to_vec(), 1..=IDS.len()), vec(choice, IDS.len())).prop_map(|(ids, choices)| {
        let legal = |(id, (choice, hours)): (&'static str, (Choice, Option<i64>))| match (id.starts_with('O'), choice) {
            (true, Choice::Pending) => (id, Choice::Rejected, None),
            (false, Choice::Accepted) => (id, choice, hours),
            _ => (id, choice, None),
        };
        ids.into_iter().zip(choices).map(legal).collect()
    })
}

fn made(overwrites: bool) -> impl Strategy<Value = Made> {
    (
        choices(),
        -200..400_000i64,
        any::<bool>(),
        Just(overwrites).prop_flat_map(|may| if may { any::<bool>().boxed() } else { Just(false).boxed() }),
    )
        .prop_map(|(choices, seconds_ago, imported, overwrites)| Made { choices, seconds_ago, imported, overwrites })
}

fn step(overwrites: bool) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..100_000i64).prop_map(Step::Wait),
        3 => (-1..=1i64).prop_map(Step::WaitForWake),
        12 => made(overwrites).prop_map(Step::Capture),
        2 => (0..4usize).prop_map(Step::Repeat),
        3 => (0..100i64).prop_map(|keep_hours| Step::Delete { keep_hours }),
        1 => Just(Step::NotErased),
        1 => Just(Step::Erase),
    ]
}

/// A customer with everything that ever happened.
struct World {
    driver: Driver<CustomerConsents>,
    /// The whole journal; true where it was erased, of which the event is what remains.
    past: Vec<(Timestamp, bool, Event)>,
    sent: Vec<Capture>,
}

impl World {
    fn new() -> Self {
        Self { driver: Driver::new(), past: Vec::new(), sent: Vec::new() }
    }

    fn journal(&self) -> impl Iterator<Item = (Timestamp, Past<'_>)> {
        self.past
            .iter()
            .map(|(at, is_erasure, event)| (*at, if *is_erasure { Past::Erased(Some(event)) } else { Past::Event(event) }))
    }

    fn take_all(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.take(step);
        }
    }

    /// Does it, and answers whether it was taken.
    fn take(&mut self, step: Step) -> bool {
        let before = self.driver.journal.len();
        let now = self.driver.now;
        let taken = match step {
            Step::Wait(seconds) => {
                self.driver.advance_and_look(Duration::seconds(seconds));
                true
            }
            Step::WaitForWake(nanoseconds) => {
                if let Some(wake_at) = self.driver.machine.wake_at() {
                    self.driver.now = now.max(wake_at + Duration::nanoseconds(nanoseconds));
                    self.driver.look();
                }
                true
            }
            Step::Capture(made) => {
                let capture = self.capture(made);
                self.sent.push(capture.clone());
                tell(&mut self.driver, capture).is_ok()
            }
            Step::Repeat(age) => match self.sent.iter().rev().nth(age).cloned() {
                Some(capture) => tell(&mut self.driver, capture).is_ok(),
                None => false,
            },
            Step::Delete { keep_hours } => delete(&mut self.driver, Duration::hours(keep_hours)).is_ok(),
            Step::NotErased => self.driver.tell(Command::NotErased).is_ok(),
            Step::Erase => {
                if self.driver.machine.remains().is_some() {
                    self.driver = erased(&self.driver);
                    let (at, event) = self.driver.journal[0].clone();
                    self.past.push((at, true, event));
                }
                return true;
            }
        };
        self.past.extend(self.driver.journal[before..].iter().map(|(at, event)| (*at, false, event.clone())));
        taken
    }

    fn capture(&self, made: Made) -> Capture {
        let captured_at = self.driver.now - Duration::seconds(made.seconds_ago);
        let select = |(id, choice, hours): (&str, Choice, Option<i64>)| Selected {
            choice,
            expires_at: hours.map(|hours| captured_at + Duration::hours(hours)),
            ..if id.starts_with('O') { opposed(id) } else { selected(id, choice) }
        };
        let selections: Vec<_> = made.choices.into_iter().map(select).collect();
        let mut capture = capture(self.sent.len() as u64, captured_at, selections);
        if made.imported {
            capture.captured.display = None;
        }
        if made.overwrites {
            capture.captured.late = Late::Overwrite;
        }
        capture
    }
}

/// What is held of each consent, apart from the order of arrival.
fn held(machine: &CustomerConsents) -> BTreeMap<String, (Choice, Timestamp, Option<Timestamp>)> {
    machine.held_all().map(|(id, held)| (id.to_owned(), (held.choice, held.captured_at, held.expires_at))).collect()
}

/// The rule of note late-capture and of the bitemporal reading, by sorting: of each consent the choice with the greatest date that is not after
/// `as_of`, at equal dates the last that arrived, of the captures since the last deletion or erasure that is known.
fn naive(world: &World, as_of: Timestamp, known_at: Timestamp) -> BTreeMap<String, (Choice, Timestamp, Option<Timestamp>)> {
    let known: Vec<_> = world.past.iter().filter(|(at, ..)| *at <= known_at).collect();
    let is_barrier = |(_, is_erasure, event): &&(Timestamp, bool, Event)| *is_erasure || matches!(event, Event::Deleted { .. });
    let since = known.iter().rposition(is_barrier).map_or(0, |barrier| barrier + 1);
    let mut all = Vec::new();
    for (arrival, (_, _, event)) in known[since..].iter().enumerate() {
        let Event::Captured(captured) = event else { continue };
        for selected in &captured.selections {
            if captured.captured_at <= as_of {
                all.push((captured.captured_at, arrival, selected));
            }
        }
    }
    all.sort_by_key(|(captured_at, arrival, _)| (*captured_at, *arrival));
    all.into_iter().map(|(at, _, selected)| (selected.id.clone(), (selected.choice, at, selected.expires_at))).collect()
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn the_promises_hold_whatever_happens(steps in vec(step(true), 1..60)) {
        let mut world = World::new();
        for step in steps {
            let before = world.driver.machine.clone();
            world.take(step);
            let machine = &world.driver.machine;
            prop_assert!(machine.revision() >= before.revision() && machine.barrier() >= before.barrier());
            prop_assert!(machine.barrier() <= machine.revision());
            prop_assert_eq!(machine.known(), machine.life() == Some(Life::Known));
            prop_assert!(machine.known() || machine.held_all().count() == 0, "who is not known has no choices");
            prop_assert!(machine.keep_until().is_none() || machine.life() == Some(Life::Blocked));
            prop_assert!(machine.held_all().all(|(_, held)| held.captured_at <= world.driver.now && held.revision <= machine.revision()));
        }
        world.driver.assert_replays();
    }

    #[test]
    fn every_read_shows_the_greatest_date(steps in vec(step(false), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            prop_assert_eq!(held(&world.driver.machine), naive(&world, world.driver.now, world.driver.now));
        }
    }

    #[test]
    fn captures_with_distinct_dates_give_one_state_in_any_order(
        captures in vec(choices(), 1..8),
        order in any::<proptest::sample::Selector>(),
        expiry in 0..100i64,
    ) {
        let ages: Vec<usize> = (0..captures.len()).collect();
        let mut shuffled: Vec<usize> = Vec::new();
        let mut left = ages.clone();
        while !left.is_empty() {
            let next = *order.select(&left);
            left.retain(|age| *age != next);
            shuffled.push(next);
        }
        let state = |order: &[usize]| {
            let mut world = World::new();
            for &age in order {
                let made = Made { choices: captures[age].clone(), seconds_ago: age as i64, imported: false, overwrites: false };
                assert!(world.take(Step::Capture(made)));
            }
            world.take(Step::Wait(expiry * 3600));
            let read = IDS.map(|id| reads(&world.driver, id));
            (held(&world.driver.machine), read)
        };
        prop_assert_eq!(state(&ages), state(&shuffled));
    }

    #[test]
    fn a_repeated_capture_changes_nothing(steps in vec(step(true), 0..30), last in made(true), later in 0..100_000i64) {
        let mut world = World::new();
        world.take_all(steps);
        if world.take(Step::Capture(last)) {
            world.take(Step::Wait(later));
            let before = world.driver.machine.clone();
            prop_assert!(world.take(Step::Repeat(0)));
            prop_assert_eq!(&world.driver.machine, &before);
        }
    }

    #[test]
    fn expired_at_its_microsecond_not_before(microseconds in 1..10_000_000_000i64, read_before in any::<bool>()) {
        let mut driver = Driver::new();
        let now = driver.now;
        let end = now + Duration::microseconds(microseconds);
        prop_assert_eq!(tell(&mut driver, capture(1, now, [until("C01", end)])), Ok(()));
        if read_before {
            driver.now = end - Duration::microseconds(1);
            driver.look();
        }
        let at = |driver: &Driver<CustomerConsents>, moment| driver.machine.choice("C01", ConsentType::OptIn, moment).choice;
        prop_assert_eq!(at(&driver, end - Duration::microseconds(1)), Choice::Accepted);
        prop_assert_eq!(at(&driver, end), Choice::Pending);
        driver.now = end;
        driver.look();
        prop_assert_eq!(at(&driver, end - Duration::microseconds(1)), Choice::Accepted);
        prop_assert_eq!(at(&driver, end), Choice::Pending);
    }

    #[test]
    fn state_now_is_the_current_state(steps in vec(step(true), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            prop_assert_eq!(&state_at(world.journal(), world.driver.now, world.driver.now), &world.driver.machine);
        }
    }

    #[test]
    fn known_at_the_past_never_changes(steps in vec(step(false), 1..40), more in vec(step(false), 1..20), as_of_hours in -60..60i64) {
        let mut world = World::new();
        world.take_all(steps);
        let known_at = world.driver.now;
        let as_of = known_at + Duration::hours(as_of_hours);
        let then = state_at(world.journal(), as_of, known_at);
        prop_assert_eq!(held(&then), naive(&world, as_of, known_at));
        // What is recorded at the very moment was not known before it.
        world.take(Step::Wait(1));
        world.take_all(more);
        prop_assert_eq!(&state_at(world.journal(), as_of, known_at), &then);
    }

    #[test]
    fn the_state_of_every_revision_is_found_again(steps in vec(step(true), 1..40)) {
        let mut world = World::new();
        let mut seen = vec![world.driver.machine.clone()];
        for step in steps {
            world.take(step);
            seen.push(world.driver.machine.clone());
        }
        for state in seen {
            let found = state_of_revision(world.journal(), state.revision()).expect("it was there");
            prop_assert_eq!(held(&found), held(&state));
            prop_assert_eq!((found.known(), found.barrier(), found.revision()), (state.known(), state.barrier(), state.revision()));
        }
        prop_assert_eq!(state_of_revision(world.journal(), world.driver.machine.revision() + 1), None);
    }
}
