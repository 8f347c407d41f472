use chrono::Duration;

use super::*;
use crate::{
    Answer, Channel, Contact,
    identification::{identity_document::Terms, otp::Policy},
    testing::{Driver, assert_all_transitions_taken, cases, start},
};

mod with_steps;

use IdentificationState::{Cancelled, Created, Expired, Failed, Succeeded, Validated};

fn step(position: usize) -> Step {
    let settings = match position {
        0 => Settings::Agent,
        _ => Settings::Otp {
            channel: Channel::Email,
            external: position == 2,
            two_factor_type: None,
            policy: Policy::default(),
            contact_policy: Default::default(),
        },
    };
    Step { id: Uuid::from_u128(0x1000 + position as u128), settings }
}

fn creation(steps: usize) -> Creation {
    Creation {
        actor: Contact { email: Some("ana@example.org".into()), ..Contact::default() },
        expires_in: Duration::hours(1),
        steps: (0..steps).map(step).collect(),
        device: device(),
    }
}

fn device() -> Device {
    Device { ip: Some("192.0.2.1".into()), ..Device::default() }
}

fn restart() -> Command {
    Command::Restart { device: device(), by: None }
}

fn close() -> Command {
    Command::Close { device: device(), by: None }
}

fn cancel(reason: Option<&str>) -> Command {
    Command::Cancel { reason: reason.map(str::to_owned), device: device(), by: None }
}

fn state_refusal(sentence: &str) -> Answer {
    Err(Refusal::state(sentence))
}

#[derive(Clone)]
struct World {
    chain: Driver<Chain>,
}

impl World {
    /// A chain of an AGENT and two OTP steps.
    fn new() -> Self {
        let mut world = Self { chain: Driver::new() };
        assert_eq!(world.tell(Command::Create(Box::new(creation(3)))), Ok(()));
        world
    }

    /// With all steps VALIDATED.
    fn done() -> Self {
        let mut world = Self::new();
        (0..3).for_each(|position| world.hear(position, Validated));
        world
    }

    fn validated() -> Self {
        let mut world = Self::done();
        assert_eq!(world.validate(), Ok(()));
        world
    }

    /// One world per state, by the state's name.
    fn in_each_state() -> Vec<Self> {
        let mut succeeded = Self::validated();
        assert_eq!(succeeded.tell(close()), Ok(()));
        let mut failed = Self::new();
        failed.hear(1, Failed);
        let mut cancelled = Self::new();
        assert_eq!(cancelled.tell(cancel(None)), Ok(()));
        let mut expired = Self::new();
        expired.chain.advance_and_look(Duration::hours(1));
        let worlds = vec![Self::new(), Self::validated(), succeeded, failed, cancelled, expired];
        let names: Vec<_> = worlds.iter().map(|world| world.data().state.name()).collect();
        assert_eq!(names, ["CREATED", "VALIDATED", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]);
        worlds
    }

    fn data(&self) -> &Data {
        self.chain.machine.data().expect("it was created")
    }

    fn states(&self) -> Vec<IdentificationState> {
        self.data().steps.iter().map(|step| step.state).collect()
    }

    fn tell(&mut self, command: Command) -> Answer {
        self.chain.tell(command)
    }

    fn validate(&mut self) -> Answer {
        self.tell(Command::Validate { device: device() })
    }

    fn told(&self, state: IdentificationState) -> Told {
        Told { round: self.data().round, state, deleted: false, at: self.chain.now }
    }

    /// A step tells its state in the present round.
    fn hear(&mut self, position: usize, state: IdentificationState) {
        let told = self.told(state);
        self.hear_of(position, told);
    }

    fn hear_of(&mut self, position: usize, told: Told) {
        assert_eq!(self.tell(Command::Step { identification: step(position).id, told }), Ok(()));
    }
}

#[test]
fn all_steps_are_made_at_the_creation() {
    let mut world = World::new();
    assert_eq!(world.chain.new_effects(), [0, 1, 2].map(|position| Effect::CreateStep { position }));
    assert_eq!(world.states(), [Created; 3]);
    assert_eq!(world.data().expires_at(), start() + Duration::hours(1));
}

#[test]
fn a_chain_is_validated_when_all_its_steps_are_in_whatever_order() {
    let mut world = World::new();
    let refused =
        "all steps must be VALIDATED first: step 1 (AGENT) is CREATED, step 2 (OTP) is CREATED, step 3 (OTP) is CREATED";
    assert_eq!(world.validate(), state_refusal(refused));
    world.hear(2, Validated);
    world.hear(0, Validated);
    assert_eq!(world.validate(), state_refusal("all steps must be VALIDATED first: step 2 (OTP) is CREATED"));
    world.hear(1, Validated);
    world.chain.advance(Duration::seconds(1));
    assert_eq!(world.validate(), Ok(()));
    let validated = world.data().validated.clone().expect("when and from where is kept");
    assert_eq!((validated.at, validated.device), (world.chain.now, device()));
    assert_eq!(world.validate(), state_refusal("the chained identification is VALIDATED"));
}

#[test]
fn a_step_is_known_as_it_told_and_the_chain_changes_with_it() {
    let mut world = World::new();
    let at = start() + Duration::seconds(1);
    world.chain.advance(Duration::seconds(2));
    world.hear_of(1, Told { round: 0, state: Validated, deleted: false, at });
    assert_eq!(world.data().steps[1], StepState { state: Validated, modified_at: at });
    assert_eq!(world.data().modified_at, world.chain.now);
    let before = world.chain.machine.clone();
    world.hear(1, Validated);
    let strange = Command::Step { identification: Uuid::nil(), told: world.told(Failed) };
    assert_eq!(world.tell(strange), Ok(()));
    assert_eq!(world.chain.machine, before, "what is told again, or of a stranger, changes nothing");
}

#[test]
fn a_step_that_ends_fails_the_chain_with_its_number_and_type_and_the_others_are_cancelled() {
    let early = |state| Told { round: 0, state, deleted: false, at: start() };
    let deleted = Told { deleted: true, ..early(Cancelled) };
    for (told, reason) in [
        (early(Failed), "step 2 (OTP) failed"),
        (early(Cancelled), "step 2 (OTP) was cancelled"),
        (deleted, "step 2 (OTP) was deleted"),
        (early(Expired), "step 2 (OTP) expired before the chain"),
        (early(Succeeded), "step 2 (OTP) was closed before the chain"),
    ] {
        for mut world in [World::new(), World::done(), World::validated()] {
            world.chain.new_effects();
            world.hear_of(1, told.clone());
            assert_eq!((world.data().state, world.data().failure_reason()), (Failed, Some(reason)));
            let cancel = |position| Effect::CancelStep { position, reason: "the chain failed".into() };
            assert_eq!(world.chain.new_effects(), [0, 2].map(cancel));
            assert_eq!(world.tell(restart()), state_refusal("the chained identification is FAILED"));
        }
    }
}

#[test]
fn a_chain_expires_at_its_limit_and_says_what_was_open() {
    let mut begun = World::new();
    begun.hear(2, Validated);
    for (mut world, reason) in [
        (begun, "the time limit passed: step 1 (AGENT) is CREATED, step 2 (OTP) is CREATED"),
        (World::done(), "the time limit passed before the chain was validated"),
        (World::validated(), "the time limit passed before the chain was closed"),
    ] {
        world.chain.advance_and_look(Duration::hours(1) - Duration::nanoseconds(1));
        assert!(!world.data().state.is_final());
        world.chain.advance_and_look(Duration::nanoseconds(1));
        assert_eq!((world.data().state, world.data().failure_reason()), (Expired, Some(reason)));
    }
}

#[test]
fn the_limit_of_the_chain_comes_before_what_its_steps_tell_at_the_same_moment() {
    for state in [Expired, Failed, Cancelled] {
        let mut world = World::new();
        world.chain.advance(Duration::hours(1));
        world.hear(0, state);
        assert_eq!((world.data().state, world.states()[0]), (Expired, state));
    }
    // On a server whose clock is behind that of the step's.
    let mut world = World::new();
    world.chain.advance(Duration::minutes(59));
    world.hear_of(0, Told { round: 0, state: Expired, deleted: false, at: start() + Duration::hours(1) });
    assert_eq!(world.data().state, Expired);
}

#[test]
fn a_restart_invalidates_what_was_validated_and_begins_a_round() {
    let mut begun = World::new();
    begun.hear(0, Validated);
    for mut world in [World::new(), begun, World::done(), World::validated()] {
        world.chain.new_effects();
        world.chain.advance(Duration::seconds(1));
        assert_eq!(world.tell(restart()), Ok(()));
        assert_eq!((world.data().state, world.states(), world.data().round), (Created, vec![Created; 3], 1));
        assert_eq!((world.data().validated.clone(), world.data().modified_at), (None, world.chain.now));
        assert_eq!(world.chain.new_effects(), [0, 1, 2].map(|position| Effect::RestartStep { position, round: 1 }));
        (0..3).for_each(|position| world.hear(position, Validated));
        assert_eq!(world.validate(), Ok(()));
    }
}

#[test]
fn a_validation_of_an_earlier_round_counts_no_more_but_an_end_does() {
    let mut world = World::new();
    let (late, end) = (world.told(Validated), world.told(Failed));
    assert_eq!(world.tell(restart()), Ok(()));
    world.hear_of(0, late);
    assert_eq!(world.states(), [Created; 3]);
    world.hear_of(0, end);
    assert_eq!(world.data().state, Failed);
}

#[test]
fn restarts_are_bounded() {
    let mut world = World::new();
    for _ in 0..MAX_RESTARTS {
        assert_eq!(world.tell(restart()), Ok(()));
    }
    let refused = "the chained identification was restarted 10 times, the maximum; create another one";
    assert_eq!(world.tell(restart()), state_refusal(refused));
    assert_eq!(world.data().state, Created);
}

#[test]
fn only_a_created_chain_is_cancelled_and_its_open_steps_with_it() {
    for mut world in World::in_each_state() {
        let state = world.data().state;
        world.hear(0, Validated);
        world.chain.new_effects();
        let answer = world.tell(cancel(Some("a mistake")));
        if state == Created {
            assert_eq!((answer, world.data().state), (Ok(()), Cancelled));
            let cancel = |position| Effect::CancelStep { position, reason: "the chain was cancelled".into() };
            assert_eq!(world.chain.new_effects(), [0, 1, 2].map(cancel));
            assert_eq!((world.data().end_reason.as_deref(), world.data().failure_reason()), (Some("a mistake"), None));
        } else {
            assert_eq!(answer, Err(wrong_state(state)));
            assert_eq!(world.data().state, state);
        }
    }
}

#[test]
fn only_a_validated_chain_is_closed_once_and_closes_its_steps() {
    for mut world in World::in_each_state() {
        let state = world.data().state;
        world.chain.new_effects();
        let answer = world.tell(close());
        match state {
            Validated => {
                assert_eq!((answer, world.data().state), (Ok(()), Succeeded));
                assert_eq!(world.chain.new_effects(), [0, 1, 2].map(|position| Effect::CloseStep { position }));
            }
            Succeeded => assert_eq!((answer, world.chain.new_effects()), (Ok(()), vec![])),
            _ => assert_eq!(answer, Err(wrong_state(state))),
        }
    }
}

#[test]
fn an_ended_chain_learns_how_its_steps_ended_and_stays_as_it_is() {
    for mut world in World::in_each_state().into_iter().filter(|world| world.data().state.is_final()) {
        let before = world.data().clone();
        world.chain.advance(Duration::seconds(1));
        world.chain.new_effects();
        world.hear(0, Validated);
        assert_eq!(*world.data(), before, "only how they ended matters");
        world.hear(0, Cancelled);
        let mut expected = before;
        expected.steps[0] = StepState { state: Cancelled, modified_at: world.chain.now };
        assert_eq!(*world.data(), expected);
        world.hear(0, Succeeded);
        assert_eq!(*world.data(), expected, "an end never changes");
        assert_eq!(world.chain.new_effects(), []);
    }
}

#[test]
fn a_chain_fails_when_a_step_cannot_be_made_or_restarted() {
    let mut world = World::new();
    assert_eq!(world.tell(restart()), Ok(()));
    let effects = [Effect::CreateStep { position: 1 }, Effect::RestartStep { position: 1, round: 1 }];
    let reasons = ["step 2 (OTP) could not be made: given up", "step 2 (OTP) could not be restarted: given up"];
    for (effect, reason) in effects.into_iter().zip(reasons) {
        let given_up = Chain::given_up(&effect, "given up").expect("the machine must know");
        let mut lost = world.clone();
        assert_eq!(lost.tell(given_up.clone()), Ok(()));
        assert_eq!((lost.data().state, lost.data().failure_reason()), (Failed, Some(reason)));
        let mut there = world.clone();
        there.hear(1, Validated);
        let before = there.chain.machine.clone();
        assert_eq!(there.tell(given_up), Ok(()));
        assert_eq!(there.chain.machine, before, "the step is known to be there");
    }
    let earlier = Chain::given_up(&Effect::RestartStep { position: 1, round: 0 }, "given up").expect("the machine must know");
    assert_eq!(world.tell(earlier), Ok(()));
    assert_eq!(world.data().state, Created, "a later round has begun");
}

#[test]
fn a_step_that_could_not_be_closed_is_in_the_journal() {
    let mut world = World::validated();
    let given_up = Chain::given_up(&Effect::CloseStep { position: 2 }, "given up").expect("the machine must know");
    assert_eq!(world.tell(given_up.clone()), Ok(()));
    assert_eq!(world.data().state, Validated, "it is not closed at all");
    assert_eq!(world.tell(close()), Ok(()));
    let before = world.chain.machine.clone();
    assert_eq!(world.tell(given_up.clone()), Ok(()));
    assert_eq!(world.chain.machine, before);
    let written = Event::StepNotClosed { position: 2, reason: "given up".into() };
    assert_eq!(world.chain.journal.last().map(|(_, event)| event), Some(&written));
    // and not where the step tells it
    world.hear(1, Succeeded);
    let journaled = world.chain.journal.len();
    assert_eq!(world.tell(Chain::given_up(&Effect::CloseStep { position: 1 }, "given up").unwrap()), Ok(()));
    assert_eq!(world.chain.journal.len(), journaled);
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut world = World { chain: Driver::new() };
    for command in [Command::Validate { device: device() }, restart(), cancel(None), close()] {
        assert_eq!(world.tell(command), Err(NOT_FOUND));
    }
    let told = Told { round: 0, state: Validated, deleted: false, at: start() };
    assert_eq!(world.tell(Command::Step { identification: step(0).id, told }), Ok(()));
    assert_eq!(world.tell(Command::StepNotMade { position: 0, reason: "late".into() }), Ok(()));
    assert_eq!(world.chain.journal, []);
    assert_eq!(world.chain.machine.existing(), Err(NOT_FOUND));
}

#[test]
fn a_repeated_creation_changes_nothing_and_another_one_is_refused() {
    for mut world in World::in_each_state() {
        let before = world.chain.journal.len();
        assert_eq!(world.tell(Command::Create(Box::new(creation(3)))), Ok(()));
        assert_eq!(world.tell(Command::Create(Box::new(creation(2)))), Err(EXISTS));
        assert_eq!(world.chain.journal.len(), before);
    }
}

#[test]
fn what_could_never_end_is_not_created() {
    let twice = Creation { steps: vec![step(1), Step { id: step(1).id, ..step(2) }], ..creation(0) };
    let with_limit = |expires_in| Creation { expires_in, ..creation(1) };
    for (creation, reason) in [
        (creation(0), "a chain has 1 to 10 steps"),
        (creation(11), "a chain has 1 to 10 steps"),
        (twice, "two steps are one identification"),
        (with_limit(Duration::minutes(1) - Duration::nanoseconds(1)), "the time limit of a chain is from 1 minute to 30 days"),
        (with_limit(Duration::days(30) + Duration::nanoseconds(1)), "the time limit of a chain is from 1 minute to 30 days"),
    ] {
        let mut world = World { chain: Driver::new() };
        assert_eq!(world.tell(Command::Create(Box::new(creation))), Err(Refusal::Invalid(reason)));
    }
    for creation in [creation(1), creation(10), with_limit(Duration::minutes(1)), with_limit(Duration::days(30))] {
        let mut world = World { chain: Driver::new() };
        assert_eq!(world.tell(Command::Create(Box::new(creation))), Ok(()));
    }
}

#[test]
fn a_position_that_is_none_changes_nothing() {
    let mut world = World::new();
    let before = world.chain.machine.clone();
    assert_eq!(world.tell(Command::StepNotMade { position: 3, reason: "strange".into() }), Ok(()));
    assert_eq!(world.chain.machine, before);
    world.chain.machine.apply(start(), &Event::StepChanged { position: 3, told: world.told(Validated) });
    assert_eq!(world.states(), [Created; 3]);
}

/// Journals outlive versions: these are entries as the first version wrote them.
#[test]
fn what_an_earlier_version_wrote_is_read_and_written_the_same() {
    let events = [
        r#"{"type":"created","actor":{"language":"UNDEFINED"},"expires_in":"PT1H","steps":[
            {"id":"$id","settings":{"type":"OTP","channel":"SMS","external":false,"two_factor_type":"EMAIL","policy":
            {"challenges":3,"attempts":3,"digits":6,"digits_email":8,"code_seconds":300,"cooldown_seconds":[30],"failures":100}}},
            {"id":"$id","settings":{"type":"AGENT"}},
            {"id":"$id","settings":{"type":"IDENTITY_DOCUMENT","terms":{"provider":"INTERNAL","validation_attempts":3,
            "scoring_attempts":5,"policy":$policy}}}],"device":{"ip":"192.0.2.1"}}"#,
        r#"{"type":"step_changed","position":1,"told":{"round":0,"state":"VALIDATED","at":"2026-01-02T03:04:05Z"}}"#,
        r#"{"type":"validated","device":{"ip":"192.0.2.1"}}"#,
        r#"{"type":"restarted","round":1,"device":{"user_agent":"a browser"}}"#,
        r#"{"type":"succeeded","device":{}}"#,
        r#"{"type":"step_not_closed","position":1,"reason":"given up"}"#,
        r#"{"type":"failed","reason":"step 1 (OTP) failed"}"#,
        r#"{"type":"cancelled","reason":"a mistake","device":{}}"#,
        r#"{"type":"expired"}"#,
    ];
    let effects = [
        r#"{"type":"create_step","position":0}"#,
        r#"{"type":"restart_step","position":0,"round":1}"#,
        r#"{"type":"close_step","position":0}"#,
        r#"{"type":"cancel_step","position":0,"reason":"the chain failed"}"#,
    ];
    let value = |text: &str| -> serde_json::Value {
        let policy = serde_json::to_string(&Terms::default().policy).expect("JSON");
        serde_json::from_str(&text.replace("$id", &Uuid::nil().to_string()).replace("$policy", &policy)).expect("JSON")
    };
    for written in events.map(value) {
        let event: Event = serde_json::from_value(written.clone()).expect("an event");
        assert_eq!(serde_json::to_value(&event).expect("JSON"), written);
    }
    for written in effects.map(value) {
        let effect: Effect = serde_json::from_value(written.clone()).expect("an effect");
        assert_eq!(serde_json::to_value(&effect).expect("JSON"), written);
    }
}

#[test]
fn every_transition_of_the_table_is_taken() {
    let mut scenarios = World::in_each_state();
    for world in &mut scenarios {
        world.hear(0, Cancelled);
    }
    let mut restarted = World::new();
    assert_eq!(restarted.tell(restart()), Ok(()));
    let mut again = World::validated();
    assert_eq!(again.tell(restart()), Ok(()));
    let mut late = World::validated();
    late.chain.advance_and_look(Duration::hours(1));
    let mut unclosed = World::validated();
    assert_eq!(unclosed.tell(close()), Ok(()));
    assert_eq!(unclosed.tell(Command::StepNotClosed { position: 0, reason: "given up".into() }), Ok(()));
    scenarios.extend([restarted, again, late, unclosed]);
    assert_all_transitions_taken(&scenarios.into_iter().map(|world| world.chain).collect::<Vec<_>>());
}
