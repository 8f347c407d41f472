//! What holds whatever is commanded, in whatever order, at whatever time.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::testing::cases;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    /// Waits to within a nanosecond of the machine's own next moment.
    WaitForWake(i64),
    Begin,
    /// The attempt begun so many before the last one ends.
    Finish {
        age: u32,
        outcome: Outcome,
    },
    CreateAgain,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        1 => Just(Outcome::Rendered { document: DOCUMENT }),
        1 => Just(Outcome::Failed { message: "no".into() }),
        2 => Just(broke()),
        6 => Just(interrupted()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..20_000i64).prop_map(Step::Wait),
        8 => (-1..=1i64).prop_map(Step::WaitForWake),
        10 => Just(Step::Begin),
        10 => (0..2u32, outcome()).prop_map(|(age, outcome)| Step::Finish { age, outcome }),
        1 => Just(Step::CreateAgain),
    ]
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn the_promises_hold_whatever_is_commanded(steps in vec(step(), 1..80)) {
        let mut driver = created();
        for step in steps {
            let before = record(&driver).clone();
            match step {
                Step::Wait(seconds) => driver.advance_and_look(Duration::seconds(seconds)),
                Step::WaitForWake(nanoseconds) => {
                    if let Some(wake_at) = driver.machine.wake_at() {
                        driver.now = driver.now.max(wake_at + Duration::nanoseconds(nanoseconds));
                        driver.look();
                    }
                }
                Step::Begin => drop(driver.tell(Command::Begin)),
                Step::Finish { age, outcome } => {
                    let attempt = record(&driver).attempts.saturating_sub(age);
                    finish(&mut driver, attempt, outcome);
                }
                Step::CreateAgain => prop_assert_eq!(driver.tell(Command::Create(Box::new(creation()))), Ok(())),
            }
            let after = record(&driver);
            if before.state.is_final() {
                prop_assert_eq!(&before, after, "a final state never changes");
            }
            prop_assert_eq!(after.state == FillState::Created, after.attempts == 0 && !after.state.is_final());
            prop_assert_eq!(after.document.is_some(), after.state == FillState::Completed);
            prop_assert_eq!(after.error.is_some(), after.state == FillState::Failed);
            prop_assert_eq!(after.finished_at.is_some(), after.state.is_final());
            prop_assert!(after.breaks < MAX_BREAKS && after.interruptions < MAX_INTERRUPTIONS);
            prop_assert!(after.attempts <= MAX_BREAKS + MAX_INTERRUPTIONS);
            prop_assert!(after.turns >= before.turns);
            let releases = driver.effects.iter().filter(|effect| **effect == Effect::Release).count();
            prop_assert_eq!(releases, usize::from(after.state.is_final()), "the data go once, at the end");
        }
        // Whatever happened, it ends by itself.
        driver.advance_and_look(LIFE);
        prop_assert!(record(&driver).state.is_final());
        driver.assert_replays();
    }
}
