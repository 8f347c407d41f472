//! The table of a machine: what can happen in which state, and where it leads.
//!
//! [`transitions!`](crate::transitions) makes everything that speaks of transitions from one list of rows: the state that an event leads to
//! (which the machines ask, so the table is the code), the names of events, the rows that `docs/machines.md` shows and that tests hold against
//! what happens, and the documentation of the events' type. A row that names no state or event does not compile; neither does an event
//! without a row.

use std::fmt::Debug;

/// The states that one kind of process can be in, apart from those that every process has.
pub trait State: Copy + Eq + Debug + Send + Sync + 'static {
    /// The state's name in the contract.
    fn name(self) -> &'static str;
}

/// Where a process stands in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<S> {
    /// Before its first event.
    Absent,
    In(S),
    /// For callers it is not there any more; evidence still shows it.
    Deleted,
}

impl<S: State> Stage<S> {
    /// The name in the table: `-` before the first event.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "-",
            Self::In(state) => state.name(),
            Self::Deleted => "DELETED",
        }
    }
}

/// One transition by the names of its parts, for diagrams and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transition {
    pub from: &'static str,
    pub event: &'static str,
    pub to: &'static str,
}

/// A row of a table, for diagrams and tests: a transition and what brings it about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub transition: Transition,
    pub why: &'static str,
}

/// What the rows of a table say of its events. Made by [`transitions!`](crate::transitions).
pub trait Table: Sized {
    type State: State;

    /// Every transition that can happen.
    fn rows() -> Vec<Row>;

    /// The event's name in the table.
    fn name(&self) -> &'static str;

    /// Where the event leads from `from`; `None` if it cannot happen there.
    fn leads(&self, from: Stage<Self::State>) -> Option<Stage<Self::State>>;
}

/// Whether the table leads nowhere from a state but to being deleted.
pub fn ends_in<E: Table>(state: E::State) -> bool {
    let (from, deleted) = (state.name(), Stage::<E::State>::Deleted.name());
    let leads_on = |row: &Row| row.transition.from == from && ![from, deleted].contains(&row.transition.to);
    !E::rows().iter().any(leads_on)
}

/// Makes the [`Table`] of a type of events from its rows:
///
/// ```text
/// transitions! {
///     for Event in Status;
///     Created: [Absent] => Open "create";
///     Added:   [Open] => Same "an item is added";
///     Closed:  [Open] => Shut "close", [Paused] => Shut "the pause was too long";
/// }
/// ```
///
/// A row names an event, the states in which it can happen and where it leads to, once or more. `Absent` and `Deleted` are those of
/// [`Stage`], `Same` is the state that it comes from; all other words are variants of the type of states. `, others in Own` before the rows
/// adds the table of the events that the variant `Own` holds. `, Shut only if (condition)` before that leaves out the rows from and to that
/// state where the condition, which may ask the type parameter, does not hold.
#[macro_export]
macro_rules! transitions {
    (
        for $Event:ty $(where $M:ident: $bound:path)?, in $State:ident $(, $state:ident only if ($when:expr))?
        $(, others in $Own:ident of $Others:ty)?;
        $( $event:ident: $( [$($from:ident)|+] => $to:ident $why:literal ),+; )+
    ) => {
        /// | in | happens | leads to | when |
        /// |----|---------|----------|------|
        $($(
            #[doc = concat!("| ", $( stringify!($from), " ", )+ "| ", stringify!($event), " | ", stringify!($to), " | ", $why, " |")]
        )+)+
        impl $(<$M: $bound>)? $crate::table::Table for $Event {
            type State = $State;

            fn rows() -> Vec<$crate::table::Row> {
                let mut rows = Vec::new();
                $($($({
                    let from: $crate::table::Stage<$State> = $crate::transitions!(@stage $State $from);
                    let to: $crate::table::Stage<$State> = $crate::transitions!(@to from, $State $to);
                    let transition =
                        $crate::table::Transition { from: from.name(), event: stringify!($event), to: to.name() };
                    rows.push($crate::table::Row { transition, why: $why });
                })+)+)+
                $( if !$when {
                    let never = $crate::table::State::name($State::$state);
                    rows.retain(|row: &$crate::table::Row| row.transition.from != never && row.transition.to != never);
                } )?
                $( rows.extend(<$Others as $crate::table::Table>::rows()); )?
                rows
            }

            fn name(&self) -> &'static str {
                match self {
                    $( Self::$event { .. } => stringify!($event), )+
                    $( Self::$Own(own) => own.name(), )?
                }
            }

            fn leads(&self, from: $crate::table::Stage<$State>) -> Option<$crate::table::Stage<$State>> {
                let to = match self {
                    $( Self::$event { .. } => match from {
                        $( $( $crate::transitions!(@stage $State $from) )|+ => Some($crate::transitions!(@to from, $State $to)), )+
                        _ => None,
                    }, )+
                    $( Self::$Own(own) => own.leads(from), )?
                };
                $( if !$when && to == Some($crate::table::Stage::In($State::$state)) {
                    return None;
                } )?
                to
            }
        }
    };
    (@stage $State:ident Absent) => { $crate::table::Stage::Absent };
    (@stage $State:ident Deleted) => { $crate::table::Stage::Deleted };
    (@stage $State:ident $state:ident) => { $crate::table::Stage::In($State::$state) };
    (@to $from:ident, $State:ident Same) => { $from };
    (@to $from:ident, $State:ident $state:ident) => { $crate::transitions!(@stage $State $state) };
}

#[cfg(test)]
mod tests {
    use super::ends_in;
    use crate::{
        IdentificationState, Machine,
        fill::{Fill, FillState},
        identification::{chain::Chain, otp::Otp},
        scoring::{Scoring, ScoringState},
        sign_process::{SignProcess, Status},
    };

    type EventOf<M> = <M as Machine>::Event;

    #[test]
    fn a_process_has_ended_where_its_table_leads_nowhere() {
        use IdentificationState as I;
        for state in [Status::Created, Status::Signed, Status::Failed, Status::Cancelled, Status::Expired, Status::Certified] {
            assert_eq!(ends_in::<EventOf<SignProcess>>(state), state.is_final(), "{state:?}");
        }
        for state in [I::Created, I::Validated, I::Expired, I::Cancelled, I::Succeeded, I::Failed] {
            assert_eq!(ends_in::<EventOf<Otp>>(state), state.is_final(), "{state:?}");
            assert_eq!(ends_in::<EventOf<Chain>>(state), state.is_final(), "{state:?}");
        }
        assert!(ends_in::<EventOf<Scoring>>(ScoringState::Failed) && !ends_in::<EventOf<Scoring>>(ScoringState::Scored));
        assert!(!ends_in::<EventOf<Fill>>(FillState::Created));
    }
}
