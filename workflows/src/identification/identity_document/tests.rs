use super::*;
use crate::{
    Answer, DocumentType, IdentityDocument as Document, Machine,
    testing::{Driver, assert_all_transitions_taken, cases, start},
};
use proptest::{collection::vec, prelude::*};

const PROCESS: Uuid = Uuid::from_u128(7);
const ATTEMPTS: u32 = 3;

fn creation() -> Creation {
    let document = Document { document_number: "12345678Z".into(), document_type: DocumentType::Nif, country: Some("ES".into()) };
    Creation {
        actor: Contact { identity_document: Some(document), ..Contact::default() },
        document: DocumentClass { kind: "NIF".into(), country: Some("ES".into()) },
        terms: Terms { validation_attempts: ATTEMPTS, level: Some(Level::High), ..Terms::default() },
        expires_at: start() + Duration::hours(1),
        purpose: Purpose { sign_process: Some(PROCESS), ..Purpose::default() },
    }
}

fn created() -> Driver<IdentityDocument> {
    let mut driver = Driver::new();
    assert_eq!(driver.tell(Command::Create(Box::new(creation()))), Ok(()));
    driver
}

fn with_result(passing: bool) -> Driver<IdentityDocument> {
    let mut driver = created();
    scored(&mut driver, 1, passing);
    driver
}

fn validated() -> Driver<IdentityDocument> {
    let mut driver = with_result(true);
    assert_eq!(validate(&mut driver), Ok(()));
    driver
}

fn failed() -> Driver<IdentityDocument> {
    let mut driver = with_result(false);
    for _ in 0..ATTEMPTS {
        assert_eq!(validate(&mut driver), Err(Refusal::state(NOT_PASSED)));
    }
    driver
}

/// One in each state that is not deleted.
fn in_each_state() -> Vec<Driver<IdentityDocument>> {
    let mut succeeded = validated();
    assert_eq!(succeeded.tell(Command::Close), Ok(()));
    let mut cancelled = created();
    assert_eq!(cancelled.tell(Command::Cancel { reason: Some("a mistake".into()), by: None }), Ok(()));
    let mut expired = created();
    expired.advance_and_look(Duration::hours(1));
    let drivers = vec![created(), validated(), succeeded, failed(), cancelled, expired];
    let names: Vec<_> = drivers.iter().map(|driver| driver.machine.stage().name()).collect();
    assert_eq!(names, ["CREATED", "VALIDATED", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]);
    drivers
}

fn validate(driver: &mut Driver<IdentityDocument>) -> Answer {
    let device = Device { ip: Some("192.0.2.1".into()), ..Device::default() };
    driver.tell(CheckCommand::Validate { device, resume: None })
}

fn key(number: u8) -> ResumeHash {
    ResumeHash::new(&[number; 32])
}

fn validated_keeping(number: u8) -> Driver<IdentityDocument> {
    let mut driver = with_result(true);
    assert_eq!(driver.tell(CheckCommand::Validate { device: Device::default(), resume: Some(key(number)) }), Ok(()));
    driver
}

fn scored(driver: &mut Driver<IdentityDocument>, number: u32, passing: bool) {
    assert_eq!(driver.tell(CheckCommand::Scored { round: 0, number, passing }), Ok(()));
}

fn data(driver: &Driver<IdentityDocument>) -> &Data {
    driver.machine.data().expect("it was created")
}

fn own(effects: Vec<Effect>) -> Vec<CheckEffect> {
    effects.into_iter().filter_map(|effect| if let Effect::Own(own) = effect { Some(own) } else { None }).collect()
}

#[test]
fn a_passing_result_validates() {
    let driver = validated();
    assert_eq!(data(&driver).state, IdentificationState::Validated);
    assert_eq!(data(&driver).remaining_attempts(), ATTEMPTS);
}

#[test]
fn without_a_result_a_validation_is_refused_and_takes_no_attempt() {
    let mut driver = created();
    for _ in 0..10 {
        assert_eq!(validate(&mut driver), Err(Refusal::state(NOT_SCORED)));
    }
    assert_eq!((data(&driver).state, data(&driver).remaining_attempts()), (IdentificationState::Created, ATTEMPTS));
    assert_eq!(driver.journal.len(), 1, "nothing is recorded");
}

#[test]
fn each_validation_that_a_result_refuses_takes_an_attempt_and_the_last_one_fails_it() {
    let mut driver = with_result(false);
    for left in (0..ATTEMPTS).rev() {
        assert_eq!(data(&driver).state, IdentificationState::Created);
        assert_eq!(validate(&mut driver), Err(Refusal::state(NOT_PASSED)));
        assert_eq!(data(&driver).remaining_attempts(), left);
    }
    assert_eq!(data(&driver).state, IdentificationState::Failed);
    assert_eq!(validate(&mut driver), Err(wrong_state("FAILED")));
}

#[test]
fn the_newest_result_counts_in_whatever_order_results_come() {
    let mut driver = with_result(false);
    scored(&mut driver, 3, true);
    scored(&mut driver, 2, false);
    scored(&mut driver, 3, false);
    assert_eq!(data(&driver).own.scored, Some(Scored { number: 3, passing: true }));
    let mut worse = with_result(true);
    scored(&mut worse, 2, false);
    assert_eq!(validate(&mut worse), Err(Refusal::state(NOT_PASSED)));
}

#[test]
fn a_result_of_another_round_is_ignored() {
    let mut driver = created();
    assert_eq!(driver.tell(CheckCommand::Scored { round: 1, number: 1, passing: true }), Ok(()));
    assert_eq!(data(&driver).own.scored, None);
}

#[test]
fn a_late_result_is_taken_and_changes_nothing() {
    for mut driver in in_each_state().into_iter().skip(1) {
        let before = driver.machine.clone();
        scored(&mut driver, 9, false);
        assert_eq!(driver.machine, before);
    }
    let mut absent = Driver::<IdentityDocument>::new();
    assert_eq!(absent.tell(CheckCommand::Scored { round: 0, number: 1, passing: true }), Ok(()));
    assert_eq!(validate(&mut absent), Err(NOT_FOUND));
}

#[test]
fn its_scoring_session_is_opened_with_it_and_ends_with_it() {
    let open = CheckEffect::OpenScoring { round: 0 };
    let close = CheckEffect::CloseScoring { round: 0 };
    let erase = CheckEffect::EraseScorings { last_round: 0 };
    for mut driver in in_each_state() {
        let ended = driver.machine.stage().name() != "CREATED";
        let expected = if ended { vec![open.clone(), close.clone()] } else { vec![open.clone()] };
        assert_eq!(own(driver.new_effects()), expected, "{}", driver.machine.stage().name());
        assert_eq!(driver.tell(Command::Delete { force: true }), Ok(()));
        assert_eq!(own(driver.new_effects()), std::slice::from_ref(&erase));
    }
}

#[test]
fn the_sessions_of_all_rounds_and_of_all_identifications_differ() {
    let (ana, leo) = (Uuid::from_u128(0x0192_7000_0000_7000_8000_0000_0000_00ff), Uuid::from_u128(2));
    let mut ids: Vec<_> = (0..3).flat_map(|round| [scoring_id(ana, round), scoring_id(leo, round)]).collect();
    assert_eq!(scoring_id(ana, 1), ids[2], "it is the same whenever it is asked for");
    assert_eq!(ids[0].get_version_num(), ana.get_version_num());
    ids.extend([ana, leo]);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8);
}

#[test]
fn what_an_earlier_version_wrote_is_read_and_written_the_same() {
    let events = [
        r#"{"type":"scored","number":1,"passing":true}"#,
        r#"{"type":"refused","device":{"ip":"192.0.2.1"}}"#,
        r#"{"type":"resume_kept","hash":"00ff"}"#,
        r#"{"type":"validated","device":{}}"#,
    ];
    for text in events {
        let event: Event = serde_json::from_str(text).expect("an event");
        assert_eq!(serde_json::to_string(&event).expect("JSON"), text);
    }
    for text in [
        r#"{"type":"open_scoring","round":0}"#,
        r#"{"type":"close_scoring","round":1}"#,
        r#"{"type":"erase_scorings","last_round":1}"#,
    ] {
        let effect: Effect = serde_json::from_str(text).expect("an effect");
        assert_eq!(serde_json::to_string(&effect).expect("JSON"), text);
    }
}

#[test]
fn a_page_comes_back_with_the_key_that_it_kept_while_that_works_and_the_identification_counts() {
    let resumes =
        |driver: &Driver<IdentityDocument>, number| data(driver).resumes(driver.now, &key(number), Duration::minutes(40));
    assert!(!resumes(&validated(), 1), "it kept none");
    let mut driver = validated_keeping(1);
    assert!(resumes(&driver, 1) && !resumes(&driver, 2));
    driver.advance_and_look(Duration::minutes(39));
    assert!(resumes(&driver, 1));
    driver.advance_and_look(Duration::minutes(1));
    assert!(!resumes(&driver, 1));
    let mut used = validated_keeping(1);
    assert_eq!(used.tell(Command::Close), Ok(()));
    assert!(resumes(&used, 1));
    for end in [Command::Cancel { reason: None, by: None }, Command::Restart { round: 1 }, Command::Delete { force: true }] {
        let mut ended = validated_keeping(1);
        assert_eq!(ended.tell(end), Ok(()));
        assert!(ended.machine.data().is_some_and(|data| !data.resumes(ended.now, &key(1), Duration::minutes(40))));
    }
}

#[test]
fn a_key_with_a_validation_that_is_refused_is_not_kept() {
    let mut driver = with_result(false);
    let command = CheckCommand::Validate { device: Device::default(), resume: Some(key(1)) };
    assert_eq!(driver.tell(command), Err(Refusal::state(NOT_PASSED)));
    assert!(data(&driver).own.resume.is_empty());
}

#[test]
fn a_restart_of_what_was_validated_needs_a_new_session_and_gives_fresh_attempts() {
    let mut driver = with_result(false);
    assert_eq!(validate(&mut driver), Err(Refusal::state(NOT_PASSED)));
    driver.new_effects();
    let under_way = data(&driver).own.clone();
    assert_eq!(driver.tell(Command::Restart { round: 1 }), Ok(()));
    assert_eq!(data(&driver).own, under_way, "what is under way stays as it is");
    assert_eq!(own(driver.new_effects()), [CheckEffect::OpenScoring { round: 0 }], "it is open already");
    scored(&mut driver, 2, true);
    assert_eq!(validate(&mut driver), Ok(()));
    driver.new_effects();
    assert_eq!(driver.tell(Command::Restart { round: 2 }), Ok(()));
    assert_eq!(data(&driver).own, DocumentCheck { round: 1, ..DocumentCheck::default() });
    assert_eq!(own(driver.new_effects()), [CheckEffect::OpenScoring { round: 1 }]);
    // What the earlier session found counts no more.
    scored(&mut driver, 3, true);
    assert_eq!(validate(&mut driver), Err(Refusal::state(NOT_SCORED)));
    assert_eq!(driver.tell(CheckCommand::Scored { round: 1, number: 1, passing: true }), Ok(()));
    assert_eq!(validate(&mut driver), Ok(()));
    driver.new_effects();
    assert_eq!(driver.tell(Command::Delete { force: true }), Ok(()));
    assert_eq!(own(driver.new_effects()), [CheckEffect::EraseScorings { last_round: 1 }]);
}

#[test]
fn every_transition_of_the_table_is_taken() {
    let mut scenarios = in_each_state();
    for driver in &mut scenarios {
        assert_eq!(driver.tell(Command::Delete { force: true }), Ok(()));
    }
    let mut late = validated();
    late.advance_and_look(Duration::hours(1));
    let mut cancelled = validated();
    assert_eq!(cancelled.tell(Command::Cancel { reason: None, by: None }), Ok(()));
    let mut restarted = validated();
    for round in [1, 2] {
        assert_eq!(restarted.tell(Command::Restart { round }), Ok(()));
    }
    scenarios.extend([late, cancelled, restarted, validated_keeping(1)]);
    assert_all_transitions_taken(&scenarios);
}

#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Scored { round: u32, number: u32, passing: bool },
    Validate,
    Cancel,
    Close,
    Delete(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..1500i64).prop_map(Step::Wait),
        6 => (0..2u32, 1..6u32, any::<bool>()).prop_map(|(round, number, passing)| Step::Scored { round, number, passing }),
        8 => Just(Step::Validate),
        1 => Just(Step::Cancel),
        1 => Just(Step::Close),
        1 => any::<bool>().prop_map(Step::Delete),
    ]
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn the_promises_hold_whatever_is_commanded(steps in vec(step(), 1..30)) {
        let mut driver = created();
        for step in steps {
            let before = data(&driver).clone();
            match step {
                Step::Wait(seconds) => driver.advance_and_look(Duration::seconds(seconds)),
                Step::Scored { round, number, passing } => {
                    prop_assert_eq!(driver.tell(CheckCommand::Scored { round, number, passing }), Ok(()));
                }
                Step::Validate => {
                    let answer = validate(&mut driver);
                    prop_assert_eq!(answer.is_ok(), data(&driver).state == IdentificationState::Validated
                        && before.state == IdentificationState::Created && !before.deleted);
                    if answer.is_ok() {
                        prop_assert!(before.own.scored.is_some_and(|scored| scored.passing), "only a passing result validates");
                    }
                }
                Step::Cancel => drop(driver.tell(Command::Cancel { reason: None, by: None })),
                Step::Close => drop(driver.tell(Command::Close)),
                Step::Delete(force) => drop(driver.tell(Command::Delete { force })),
            }
            let after = data(&driver);
            prop_assert!(after.remaining_attempts() <= before.remaining_attempts());
            prop_assert!(after.remaining_attempts() > 0 || after.state != IdentificationState::Created);
            if before.state.is_final() {
                prop_assert_eq!((after.state, &after.own), (before.state, &before.own), "a final state never changes");
            }
        }
        driver.assert_replays();
    }
}
