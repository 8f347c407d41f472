//! What holds whatever is commanded, in whatever order, at whatever time.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::testing::cases;

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    /// Waits to within a nanosecond of the machine's own next moment.
    WaitForWake(i64),
    Submit,
    Delegate,
    Delegated,
    /// The attempt begun so many before the last one ends.
    Finish {
        age: u128,
        outcome: Outcome,
    },
    Close,
    Erase,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => any::<bool>().prop_map(|passing| Outcome::Result(result(passing))),
        2 => Just(no_result("IMAGE_UNREADABLE")),
        1 => (0..100u32).prop_map(|seconds| Outcome::Pause { seconds }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..200i64).prop_map(Step::Wait),
        4 => (-1..=1i64).prop_map(Step::WaitForWake),
        8 => Just(Step::Submit),
        4 => Just(Step::Delegate),
        4 => Just(Step::Delegated),
        10 => (0..2u128, outcome()).prop_map(|(age, outcome)| Step::Finish { age, outcome }),
        1 => Just(Step::Close),
        1 => Just(Step::Erase),
    ]
}

fn any_creation() -> impl Strategy<Value = Creation> {
    (1..6u32, 0..120u32, 0..4000u32, 60..7200i64).prop_map(|(max_attempts, attempt_seconds, delegation_seconds, seconds)| {
        let policy = Policy { attempt_seconds, delegation_seconds };
        Creation { max_attempts, policy, expires_at: start() + Duration::seconds(seconds), ..creation() }
    })
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn the_promises_hold_whatever_is_commanded(creation in any_creation(), steps in vec(step(), 1..40)) {
        let mut driver = created_with(|made| *made = creation);
        let mut begun = 0;
        for step in steps {
            let before = data(&driver).clone();
            match step {
                Step::Wait(seconds) => driver.advance_and_look(Duration::seconds(seconds)),
                Step::WaitForWake(nanoseconds) => {
                    if let Some(wake_at) = driver.machine.wake_at() {
                        driver.now = driver.now.max(wake_at + Duration::nanoseconds(nanoseconds));
                        driver.look();
                    }
                }
                Step::Submit | Step::Delegate => {
                    begun += 1;
                    let way = if matches!(step, Step::Delegate) { Way::Delegate } else { Way::Submit(captures(begun)) };
                    let answer = begin(&mut driver, begun, way);
                    prop_assert!(answer.is_ok() || !data(&driver).attempts.iter().any(|known| known.id == attempt(begun)));
                }
                Step::Delegated => {
                    let _ = driver.tell(Command::Delegated { attempt: attempt(begun), provider_id: "x".into() });
                }
                Step::Finish { age, outcome } => finish(&mut driver, begun.saturating_sub(age), outcome),
                Step::Close => drop(driver.tell(Command::Close)),
                Step::Erase => drop(driver.tell(Command::Erase)),
            }
            let after = data(&driver);
            let open = after.attempts.iter().filter(|attempt| attempt.end.is_none()).count();
            prop_assert!(open <= 1, "two attempts are under way");
            prop_assert!(after.under_way().is_none() || after.erased || !(after.closed || after.state.is_final()), "an attempt outlives its session");
            prop_assert!(after.attempts.len() as u32 <= after.creation.max_attempts);
            prop_assert!(after.attempts.iter().all(|attempt| attempt.until <= after.creation.expires_at));
            prop_assert_eq!(after.state == ScoringState::Created, after.scored().is_none() && after.state != ScoringState::Expired);
            if before.state.is_final() || before.erased {
                prop_assert_eq!((after.state, &after.attempts), (before.state, &before.attempts), "a final state never changes");
            }
            for (old, new) in before.attempts.iter().zip(&after.attempts) {
                prop_assert!(old.end.is_none() || old == new, "an attempt that has ended never changes");
            }
        }
        driver.assert_replays();
    }
}
