//! A chain and its steps, with effects that are late, repeated and out of order.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    identification::otp::{self, CodeCommand, CodeEffect, CodeEvent, Otp, Purpose, Taken},
    testing::{SECRET, hash, typed},
};

const STEPS: usize = 2;
const CHAIN: Uuid = Uuid::from_u128(7);

/// An effect that is still to be performed.
#[derive(Clone, Debug)]
enum Job {
    OfChain(Effect),
    OfStep(usize, otp::Effect),
}

#[derive(Clone, Debug)]
enum Act {
    Wait {
        seconds: i64,
    },
    /// Performs one of the effects that wait; with `again` it is performed once more later, as after a crash.
    Perform {
        which: usize,
        again: bool,
    },
    PerformAll,
    Ask {
        position: usize,
    },
    Answer {
        position: usize,
        right: bool,
    },
    /// An operation of the step's own.
    OfStep {
        position: usize,
        command: usize,
    },
    Validate,
    Restart,
    Close,
    Cancel,
}

fn act() -> impl Strategy<Value = Act> {
    let position = || 0..STEPS;
    prop_oneof![
        8 => (0..200i64).prop_map(|seconds| Act::Wait { seconds }),
        40 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(which, again)| Act::Perform { which, again }),
        10 => Just(Act::PerformAll),
        20 => position().prop_map(|position| Act::Ask { position }),
        30 => (position(), prop::bool::weighted(0.9)).prop_map(|(position, right)| Act::Answer { position, right }),
        1 => (position(), 0..3usize).prop_map(|(position, command)| Act::OfStep { position, command }),
        15 => Just(Act::Validate),
        3 => Just(Act::Restart),
        2 => Just(Act::Close),
        1 => Just(Act::Cancel),
    ]
}

/// A chain, its steps and what they still ask for, on one clock.
struct Together {
    chain: Driver<Chain>,
    otps: Vec<Driver<Otp>>,
    jobs: Vec<Job>,
    challenges: u128,
}

impl Together {
    fn new() -> Self {
        let otps = (0..STEPS).map(|_| Driver::new()).collect();
        let mut together = Self { chain: Driver::new(), otps, jobs: Vec::new(), challenges: 0 };
        let steps = (1..=STEPS).map(step).collect();
        together.tell_chain(Command::Create(Box::new(Creation { steps, ..creation(0) })));
        together
    }

    /// Whatever the answer: a refusal is an answer too.
    fn tell_chain(&mut self, command: Command) {
        let before = self.data().map_or(0, |data| data.round);
        let validates = matches!(command, Command::Validate { .. });
        let answer = self.chain.tell(command);
        if validates && answer.is_ok() {
            self.assert_each_step_was_validated_in_round(before);
        }
        self.collect();
    }

    fn tell_step(&mut self, position: usize, command: impl Into<otp::Command>) -> Answer {
        let answer = self.otps[position].tell(command);
        self.collect();
        answer
    }

    fn collect(&mut self) {
        self.jobs.extend(self.chain.new_effects().into_iter().map(Job::OfChain));
        for (position, otp) in self.otps.iter_mut().enumerate() {
            self.jobs.extend(otp.new_effects().into_iter().map(|effect| Job::OfStep(position, effect)));
        }
    }

    fn advance(&mut self, by: Duration) {
        self.chain.advance(by);
        self.otps.iter_mut().for_each(|otp| otp.advance(by));
    }

    fn look(&mut self) {
        self.chain.look();
        self.otps.iter_mut().for_each(Driver::look);
        self.collect();
    }

    fn data(&self) -> Option<&Data> {
        self.chain.machine.data()
    }

    fn creation(&self) -> otp::Command {
        let data = self.data().expect("it was created");
        otp::Command::Create(Box::new(otp::Creation {
            actor: data.creation.actor.clone(),
            channel: Channel::Email,
            external: false,
            two_factor_type: None,
            expires_at: data.expires_at(),
            policy: Policy::default(),
            contact_policy: otp::ContactPolicy::default(),
            purpose: Purpose { chain: Some(CHAIN), ..Purpose::default() },
            link_channel: None,
        }))
    }

    /// Tells a step something, and makes it first where it is not there yet, as the adapters do.
    fn tell_or_make(&mut self, position: usize, command: otp::Command) {
        if self.tell_step(position, command.clone()) == Err(otp::NOT_FOUND) {
            let creation = self.creation();
            let _ = self.tell_step(position, creation);
            let _ = self.tell_step(position, command);
        }
    }

    fn perform(&mut self, job: Job) {
        match job {
            Job::OfChain(Effect::CreateStep { position }) => {
                if self.data().is_some_and(|data| !data.state.is_final()) {
                    let creation = self.creation();
                    let _ = self.tell_step(position, creation);
                }
            }
            Job::OfChain(Effect::RestartStep { position, round }) => {
                self.tell_or_make(position, otp::Command::Restart { round });
            }
            Job::OfChain(Effect::CloseStep { position }) => self.tell_or_make(position, otp::Command::CloseByChain),
            Job::OfChain(Effect::CancelStep { position, reason }) => {
                self.tell_or_make(position, otp::Command::Cancel { reason: Some(reason), by: None });
            }
            Job::OfStep(position, otp::Effect::Own(CodeEffect::SendCode { challenge, .. })) => {
                let _ = self.tell_step(position, CodeCommand::Delivered { challenge, channel: None, taken: Taken::default() });
            }
            Job::OfStep(position, otp::Effect::TellChain { told, .. }) => {
                self.tell_chain(Command::Step { identification: step(position + 1).id, told });
            }
            Job::OfStep(_, otp::Effect::Own(CodeEffect::Reroute { .. })) => unreachable!("the policy names no other channel"),
            Job::OfStep(_, otp::Effect::Own(otp::CodeEffect::CheckNumber { .. })) => unreachable!("no operator is asked"),
            Job::OfStep(_, otp::Effect::TellProcess { .. }) => unreachable!("a step belongs to no process"),
        }
    }

    /// Performs what is asked for until nothing is, newest first: the most unlikely order.
    fn perform_all(&mut self) {
        for _ in 0..1000 {
            let Some(job) = self.jobs.pop() else { return };
            self.perform(job);
        }
        panic!("the effects never come to an end: {:?}", self.jobs);
    }

    fn take(&mut self, act: &Act) {
        match act {
            Act::Wait { seconds } => self.advance(Duration::seconds(*seconds)),
            Act::Perform { .. } if self.jobs.is_empty() => {}
            Act::Perform { which, again } => {
                let job = self.jobs.swap_remove(which % self.jobs.len());
                self.perform(job.clone());
                self.jobs.extend(again.then_some(job));
            }
            Act::PerformAll => self.perform_all(),
            Act::Ask { position } => {
                self.challenges += 1;
                let id = Uuid::from_u128(self.challenges);
                let _ = self.tell_step(*position, CodeCommand::Challenge { id, hash: hash(id, SECRET), two_factor: None });
            }
            Act::Answer { position, right } => {
                let code = if *right { SECRET.into() } else { format!("{SECRET} wrong") };
                let current = self.otps[*position].machine.existing().ok().and_then(otp::Data::current_challenge);
                let code = typed(current, &code);
                let _ =
                    self.tell_step(*position, CodeCommand::Validate { code, two_factor: None, device: device(), resume: None });
            }
            Act::OfStep { position, command } => {
                let command = match command {
                    0 => otp::Command::Cancel { reason: None, by: None },
                    1 => otp::Command::Delete { force: true },
                    _ => otp::Command::Close,
                };
                let _ = self.tell_step(*position, command);
            }
            Act::Validate => self.tell_chain(Command::Validate { device: device() }),
            Act::Restart => self.tell_chain(restart()),
            Act::Close => self.tell_chain(close()),
            Act::Cancel => self.tell_chain(cancel(None)),
        }
    }

    fn assert_each_step_was_validated_in_round(&self, round: u32) {
        for otp in &self.otps {
            let mut now = 0;
            let validated_in = otp.journal.iter().filter_map(|(_, event)| match event {
                otp::Event::Restarted { round } => {
                    now = *round;
                    None
                }
                otp::Event::Validated { .. } => Some(now),
                _ => None,
            });
            assert_eq!(validated_in.max(), Some(round), "a step was not validated in the round of the chain");
        }
    }

    /// Once all effects are performed: the chain knows each step as it is, and none outlives it.
    fn assert_settled(&self) {
        let data = self.data().expect("it was created");
        for (known, otp) in data.steps.iter().zip(&self.otps) {
            let Some(step) = otp.machine.data() else {
                assert_eq!(known.state, Created);
                assert_eq!(data.state, Expired, "the step was never made");
                continue;
            };
            match step.deleted {
                true => assert!(known.state.is_final()),
                false => assert_eq!(known.state, step.state),
            }
            assert!(known.state.is_final() || !data.state.is_final(), "a step is {:?} in an ended chain", known.state);
        }
    }

    fn assert_open_chains_have_no_ended_steps(&self) {
        let data = self.data().expect("it was created");
        let ended = data.steps.iter().any(|step| step.state.is_final());
        assert!(data.state.is_final() || !ended);
        let all = data.steps.iter().all(|step| step.state == Validated);
        assert!(data.state != Validated || all);
    }
}

fn done(together: &mut Together) {
    together.perform_all();
    for position in 0..STEPS {
        together.take(&Act::Ask { position });
        together.take(&Act::Answer { position, right: true });
    }
    together.perform_all();
}

#[test]
fn a_chain_and_its_steps_end_together() {
    let mut together = Together::new();
    done(&mut together);
    together.take(&Act::Validate);
    together.take(&Act::Restart);
    done(&mut together);
    together.take(&Act::Validate);
    together.take(&Act::Close);
    together.perform_all();
    assert_eq!(together.data().map(|data| data.state), Some(Succeeded));
    assert!(together.otps.iter().all(|otp| otp.machine.stage().name() == "SUCCEEDED"));
    let asked = |otp: &Driver<Otp>| {
        otp.journal.iter().filter(|(_, event)| matches!(event, otp::Event::Own(CodeEvent::Challenged { .. }))).count()
    };
    assert!(together.otps.iter().all(|otp| asked(otp) == 2 && otp.machine.data().unwrap().own.challenges.len() == 2));
}

#[test]
fn a_step_that_is_validated_while_its_chain_restarts_must_be_done_again() {
    let mut together = Together::new();
    together.perform_all();
    together.take(&Act::Ask { position: 0 });
    together.take(&Act::Answer { position: 0, right: true });
    let told = together.jobs.pop().expect("the step tells it");
    together.take(&Act::Restart);
    together.perform(told);
    together.perform_all();
    assert_eq!(together.otps[0].machine.stage().name(), "CREATED");
    together.assert_settled();
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_chain_and_its_steps_agree_whatever_is_late_or_repeated(acts in vec(act(), 1..80)) {
        let mut together = Together::new();
        for act in &acts {
            together.take(act);
            together.look();
            together.assert_open_chains_have_no_ended_steps();
        }
        together.perform_all();
        together.assert_settled();
        together.advance(Duration::hours(2));
        together.look();
        together.perform_all();
        together.assert_settled();
        prop_assert!(together.data().is_some_and(|data| data.state.is_final()));
        prop_assert!(together.otps.iter().all(|otp| otp.machine.wake_at().is_none()));
        prop_assert!(together.chain.machine.wake_at().is_none());
        // What a chain writes down is bounded whatever its steps tell it.
        let bound = 2 + STEPS * (2 + together.data().map_or(0, |data| data.round as usize)) + 3 * MAX_RESTARTS as usize;
        prop_assert!(together.chain.journal.len() <= bound + 4);
    }

    #[test]
    fn any_events_in_any_order_can_be_applied(events in vec((any_event(), 0..9999i64), 0..60)) {
        let mut chain = Chain::default();
        for (event, seconds) in &events {
            let before = chain.clone();
            let admitted = event.leads(chain.stage()).is_some();
            chain.apply(start() + Duration::seconds(*seconds), event);
            chain.effects(event);
            prop_assert!(admitted || chain == before, "{:?} does not fit and changed something", event);
            if let (Some(before), Some(after)) = (before.data(), chain.data()) {
                let steps = before.steps.clone();
                prop_assert!(!before.state.is_final() || Data { steps, ..after.clone() } == *before, "a final state changed");
            }
            let written = serde_json::to_string(&chain).expect("it can be written");
            let restored: Chain = serde_json::from_str(&written).expect("it can be read back");
            prop_assert_eq!(&restored, &chain);
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let state = prop::sample::select(vec![Created, Validated, Succeeded, Failed, Cancelled, Expired]);
    let told = (state, 0..3u32, any::<bool>()).prop_map(|(state, round, deleted)| Told { round, state, deleted, at: start() });
    prop_oneof![
        (1..4usize).prop_map(|steps| Event::Created(Box::new(creation(steps)))),
        (0..4usize, told).prop_map(|(position, told)| Event::StepChanged { position, told }),
        (0..4usize).prop_map(|position| Event::StepNotClosed { position, reason: "so".into() }),
        Just(Event::Validated { device: device() }),
        (0..3u32).prop_map(|round| Event::Restarted { round, device: device(), by: None }),
        Just(Event::Succeeded { device: device(), by: None }),
        Just(Event::Failed { reason: "so".into() }),
        Just(Event::Cancelled { reason: None, device: device(), by: None }),
        Just(Event::Expired),
    ]
}
