use super::*;
use crate::testing::{Driver, assert_all_transitions_taken, start};

mod properties;

const DOCUMENT: Uuid = Uuid::from_u128(7);

fn creation() -> Creation {
    Creation {
        template: Template {
            external_id: "factura_mensual".into(),
            major: 1,
            minor: 2,
            digest: "template".into(),
            engine: "default".into(),
        },
        language: Language::Es,
        name: "factura".into(),
        tags: vec!["MONTHLY".into()],
        priority: Priority::High,
        origin: "billing".into(),
        data: Data { file: "sealed".into(), size: 900 },
    }
}

fn created() -> Driver<Fill> {
    let mut driver = Driver::new();
    assert_eq!(driver.tell(Command::Create(Box::new(creation()))), Ok(()));
    driver
}

fn begun() -> Driver<Fill> {
    let mut driver = created();
    assert_eq!(driver.tell(Command::Begin), Ok(()));
    driver
}

fn finish(driver: &mut Driver<Fill>, attempt: u32, outcome: Outcome) {
    assert_eq!(driver.tell(Command::Finished { attempt, outcome }), Ok(()));
}

fn record(driver: &Driver<Fill>) -> &Record {
    driver.machine.existing().expect("it was asked for")
}

fn broke() -> Outcome {
    Outcome::Broke { message: "rendering exceeded 10 s".into() }
}

fn interrupted() -> Outcome {
    Outcome::Interrupted { reason: "the server stopped".into() }
}

/// Jumps to the next turn, and lets it begin; answers the number of the attempt.
fn next_attempt(driver: &mut Driver<Fill>) -> u32 {
    driver.now = driver.machine.wake_at().expect("it waits");
    driver.look();
    assert_eq!(driver.tell(Command::Begin), Ok(()));
    record(driver).attempts
}

fn rendered() -> Driver<Fill> {
    let mut driver = begun();
    finish(&mut driver, 1, Outcome::Rendered { document: DOCUMENT });
    driver
}

#[test]
fn a_fill_is_asked_for_begun_and_stored() {
    let mut driver = created();
    assert_eq!((record(&driver).state, record(&driver).turns, driver.effects.len()), (FillState::Created, 1, 0));
    driver.advance(Duration::seconds(3));
    assert_eq!(driver.tell(Command::Begin), Ok(()));
    assert_eq!((record(&driver).state, &driver.effects[..]), (FillState::Processing, &[Effect::Render { attempt: 1 }][..]));
    driver.advance(Duration::seconds(1));
    finish(&mut driver, 1, Outcome::Rendered { document: DOCUMENT });
    let done = record(&driver);
    assert_eq!((done.state, done.document, done.error.as_deref()), (FillState::Completed, Some(DOCUMENT), None));
    assert_eq!(done.finished_at, Some(start() + Duration::seconds(4)));
    assert_eq!(driver.effects.last(), Some(&Effect::Release), "nothing of the data stays");
}

#[test]
fn the_label_names_the_template_and_its_version_literally() {
    assert_eq!(creation().template.tag(), "factura_mensual-v1.2");
}

#[test]
fn while_it_waits_it_comes_into_the_queue_again_after_as_long_as_it_has_waited() {
    let mut driver = created();
    let mut turns = Vec::new();
    while turns.len() < 9 {
        driver.now = driver.machine.wake_at().expect("it waits");
        driver.look();
        turns.push((driver.now - start()).num_seconds());
    }
    assert_eq!(turns, [15, 30, 60, 120, 240, 480, 960, 1560, 2160]);
    assert_eq!((record(&driver).turns, record(&driver).state), (10, FillState::Created));
    assert!(driver.effects.is_empty(), "to wait costs no effect");
}

#[test]
fn what_the_template_says_of_itself_fails_at_once_and_is_told() {
    let mut driver = begun();
    finish(&mut driver, 1, Outcome::Failed { message: "line 3: no glyph for U+4E2D".into() });
    let failed = record(&driver);
    assert_eq!((failed.state, failed.error.as_deref()), (FillState::Failed, Some("line 3: no glyph for U+4E2D")));
    assert_eq!(failed.finished_at, Some(start()));
    assert_eq!(driver.effects.last(), Some(&Effect::Release));
}

#[test]
fn a_poison_template_is_tried_twice_and_never_a_third_time() {
    let mut driver = begun();
    finish(&mut driver, 1, broke());
    assert_eq!(record(&driver).state, FillState::Processing, "PROCESSING is an event of the first attempt");
    assert_eq!(next_attempt(&mut driver), 2);
    assert_eq!(driver.now - start(), Duration::seconds(1));
    finish(&mut driver, 2, broke());
    assert_eq!((record(&driver).state, record(&driver).error.as_deref()), (FillState::Failed, Some("rendering exceeded 10 s")));
    assert!(driver.tell(Command::Begin).is_err());
}

#[test]
fn what_is_cut_short_by_something_else_is_repeated_after_growing_pauses_and_not_for_ever() {
    let mut driver = begun();
    let mut pauses = Vec::new();
    for attempt in 1..MAX_INTERRUPTIONS {
        finish(&mut driver, attempt, interrupted());
        assert!(record(&driver).waits() && record(&driver).state == FillState::Processing);
        let before = driver.now;
        assert_eq!(next_attempt(&mut driver), attempt + 1);
        pauses.push((driver.now - before).num_seconds());
    }
    assert_eq!(pauses[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]);
    assert!(driver.now - start() < LIFE);
    finish(&mut driver, MAX_INTERRUPTIONS, interrupted());
    assert_eq!(record(&driver).state, FillState::Failed);
    assert!(record(&driver).error.as_deref().is_some_and(|words| words.contains("ask for the fill again")));
}

#[test]
fn an_interruption_does_not_count_against_the_template() {
    let mut driver = begun();
    finish(&mut driver, 1, interrupted());
    next_attempt(&mut driver);
    finish(&mut driver, 2, broke());
    next_attempt(&mut driver);
    finish(&mut driver, 3, interrupted());
    next_attempt(&mut driver);
    finish(&mut driver, 4, Outcome::Rendered { document: DOCUMENT });
    assert_eq!(record(&driver).state, FillState::Completed);
}

#[test]
fn an_effect_that_is_given_up_is_an_attempt_that_was_cut_short() {
    let mut driver = begun();
    let command = Fill::given_up(&Effect::Render { attempt: 1 }, "it took too long").expect("it is told");
    assert_eq!(driver.tell(command), Ok(()));
    assert!(record(&driver).waits());
    assert_eq!(Fill::given_up(&Effect::Release, "the store is away").map(drop), None);
}

#[test]
fn a_turn_that_comes_twice_is_refused_the_second_time() {
    let mut driver = begun();
    assert_eq!(driver.tell(Command::Begin), Err(Refusal::state("the fill does not wait for its turn")));
    let mut absent = Driver::<Fill>::new();
    assert_eq!(absent.tell(Command::Begin), Err(NOT_FOUND));
    assert_eq!(absent.tell(Command::Finished { attempt: 1, outcome: broke() }), Ok(()));
}

#[test]
fn late_results_are_ignored() {
    let mut driver = begun();
    finish(&mut driver, 1, interrupted());
    finish(&mut driver, 1, Outcome::Rendered { document: DOCUMENT });
    next_attempt(&mut driver);
    finish(&mut driver, 1, Outcome::Failed { message: "late".into() });
    assert!(record(&driver).is_under_way);
    finish(&mut driver, 2, Outcome::Rendered { document: DOCUMENT });
    let before = driver.machine.clone();
    finish(&mut driver, 2, Outcome::Failed { message: "late".into() });
    driver.advance_and_look(Duration::days(2));
    assert_eq!(driver.machine, before, "a final state never changes");
}

#[test]
fn what_is_not_filled_within_a_day_has_failed_whether_it_waits_or_is_under_way() {
    for mut driver in [created(), begun()] {
        driver.advance_and_look(LIFE);
        assert_eq!(record(&driver).state, FillState::Failed);
        assert_eq!(record(&driver).finished_at, Some(driver.now));
        assert_eq!(driver.effects.last(), Some(&Effect::Release));
        finish(&mut driver, 1, Outcome::Rendered { document: DOCUMENT });
        assert_eq!(record(&driver).document, None);
    }
}

#[test]
fn a_repeated_creation_changes_nothing_and_another_one_is_refused() {
    let mut driver = created();
    let entries = driver.journal.len();
    assert_eq!(driver.tell(Command::Create(Box::new(creation()))), Ok(()));
    let other = Creation { name: "other".into(), ..creation() };
    assert_eq!(driver.tell(Command::Create(Box::new(other))), Err(EXISTS));
    assert_eq!(driver.journal.len(), entries);
}

#[test]
fn the_data_are_held_until_the_end() {
    let mut driver = begun();
    assert_eq!(["sealed", "other"].map(|digest| record(&driver).holds(digest)), [true, false]);
    finish(&mut driver, 1, Outcome::Failed { message: "no".into() });
    assert!(!record(&driver).holds("sealed"));
}

#[test]
fn words_about_a_failure_are_bounded_at_a_character() {
    let mut driver = begun();
    finish(&mut driver, 1, Outcome::Failed { message: "ñ".repeat(MAX_MESSAGE) });
    assert_eq!(record(&driver).error.as_deref(), Some(&*"ñ".repeat(MAX_MESSAGE / 2)));
}

#[test]
fn every_transition_of_the_table_is_taken() {
    let mut waited = created();
    waited.advance_and_look(FIRST_LOOK);
    let mut late = begun();
    late.advance_and_look(LIFE);
    let mut never = created();
    never.advance_and_look(LIFE);
    let mut troubled = begun();
    finish(&mut troubled, 1, interrupted());
    next_attempt(&mut troubled);
    finish(&mut troubled, 2, broke());
    next_attempt(&mut troubled);
    finish(&mut troubled, 3, Outcome::Failed { message: "no".into() });
    assert_all_transitions_taken(&[waited, late, never, troubled, rendered()]);
}
