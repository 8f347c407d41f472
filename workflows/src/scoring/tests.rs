use super::*;
use crate::{
    Answer,
    testing::{Driver, assert_all_transitions_taken, start},
};

mod properties;

const IDENTIFICATION: Uuid = Uuid::from_u128(7);

fn creation() -> Creation {
    Creation {
        document: DocumentClass { kind: "IDENTITY_CARD".into(), country: Some("ES".into()) },
        provider: "GOOGLE".into(),
        level: None,
        declared: None,
        max_attempts: DEFAULT_ATTEMPTS,
        expires_at: start() + Duration::hours(2),
        policy: Policy::default(),
        purpose: Purpose { identification: Some(IDENTIFICATION), ..Purpose::default() },
    }
}

fn created() -> Driver<Scoring> {
    created_with(|_| {})
}

fn created_with(change: impl FnOnce(&mut Creation)) -> Driver<Scoring> {
    let mut creation = creation();
    change(&mut creation);
    let mut driver = Driver::new();
    assert_eq!(driver.tell(Command::Create(Box::new(creation))), Ok(()));
    driver
}

fn attempt(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn file(number: u128) -> String {
    format!("file {number}")
}

fn captures(number: u128) -> Captures {
    let front = Capture { image_type: ImageType::Jpeg, size: 1000, sha256: "00ff".into(), file: file(number) };
    Captures { front: Some(front), back: None }
}

/// Submits images as the attempt with this identifier.
fn submit(driver: &mut Driver<Scoring>, number: u128) -> Answer {
    begin(driver, number, Way::Submit(captures(number)))
}

fn begin(driver: &mut Driver<Scoring>, number: u128, way: Way) -> Answer {
    driver.tell(Command::Begin { attempt: attempt(number), way, device: Device::default() })
}

fn delegate(driver: &mut Driver<Scoring>, number: u128) {
    assert_eq!(begin(driver, number, Way::Delegate), Ok(()));
    let taken = Command::Delegated { attempt: attempt(number), provider_id: format!("provider {number}") };
    assert_eq!(driver.tell(taken), Ok(()));
}

fn result(passing: bool) -> Box<ScoreResult> {
    Box::new(ScoreResult {
        global_score: Ratio::new(if passing { 0.93 } else { 0.12 }),
        passing,
        extracted_values: [("DOCUMENT_NUMBER".to_owned(), "12345678Z".to_owned())].into(),
        scores: vec![Score { score_type: "MRZ_CONTROL_DIGIT".into(), is_fraud: !passing, score: Ratio::new(1.0), note: None }],
        provider_id: Some("provider".into()),
    })
}

fn finish(driver: &mut Driver<Scoring>, number: u128, outcome: Outcome) {
    assert_eq!(driver.tell(Command::Finished { attempt: attempt(number), outcome }), Ok(()));
}

fn no_result(reason: &str) -> Outcome {
    Outcome::NoResult { reason: FailReason::new(reason), provider_id: None }
}

fn scored(passing: bool) -> Driver<Scoring> {
    let mut driver = created();
    assert_eq!(submit(&mut driver, 1), Ok(()));
    finish(&mut driver, 1, Outcome::Result(result(passing)));
    driver
}

/// One in each state that is not erased.
fn in_each_state() -> Vec<Driver<Scoring>> {
    let mut succeeded = scored(true);
    assert_eq!(succeeded.tell(Command::Close), Ok(()));
    let mut failed = scored(false);
    assert_eq!(failed.tell(Command::Close), Ok(()));
    let mut expired = scored(true);
    expired.advance_and_look(Duration::hours(2));
    let drivers = vec![created(), scored(true), succeeded, failed, expired];
    let names: Vec<_> = drivers.iter().map(|driver| driver.machine.stage().name()).collect();
    assert_eq!(names, ["CREATED", "SCORED", "SUCCEEDED", "FAILED", "EXPIRED"]);
    drivers
}

fn data(driver: &Driver<Scoring>) -> &Data {
    driver.machine.data().expect("it was created")
}

fn fail_reason(driver: &Driver<Scoring>, index: usize) -> Option<String> {
    match &data(driver).attempts[index].end {
        Some(End::NoResult { reason, .. }) => Some(reason.as_str().to_owned()),
        _ => None,
    }
}

fn refused(sentence: &str) -> Answer {
    Err(Refusal::state(sentence))
}

#[test]
fn images_are_given_to_the_provider_and_its_result_scores_the_session() {
    let mut driver = created();
    assert_eq!(submit(&mut driver, 1), Ok(()));
    assert_eq!(driver.new_effects(), [Effect::Score { attempt: attempt(1) }]);
    assert_eq!(data(&driver).state, ScoringState::Created);
    finish(&mut driver, 1, Outcome::Result(result(true)));
    let tell = Effect::Tell { identification: IDENTIFICATION, round: 0, number: 1, passing: true };
    assert_eq!(driver.new_effects(), [tell]);
    let data = data(&driver);
    assert_eq!((data.state, data.remaining_attempts()), (ScoringState::Scored, DEFAULT_ATTEMPTS - 1));
    assert_eq!(data.scored().and_then(Attempt::result), Some(&*result(true)));
}

#[test]
fn nobody_is_told_of_a_session_that_stands_alone() {
    let mut driver = created_with(|creation| creation.purpose = Purpose::default());
    assert_eq!(submit(&mut driver, 1), Ok(()));
    finish(&mut driver, 1, Outcome::Result(result(true)));
    assert_eq!(driver.effects, [Effect::Score { attempt: attempt(1) }]);
}

#[test]
fn one_attempt_is_under_way_at_a_time() {
    let mut driver = created();
    assert_eq!(submit(&mut driver, 1), Ok(()));
    let what = "another attempt on this scoring session is under way";
    assert_eq!(submit(&mut driver, 2), Err(Refusal::Busy { what, wait: Duration::seconds(5) }));
    driver.advance(Duration::seconds(57));
    assert_eq!(
        submit(&mut driver, 2),
        Err(Refusal::Busy { what, wait: Duration::seconds(3) }),
        "it ends at its deadline at the latest"
    );
    assert_eq!(data(&driver).remaining_attempts(), DEFAULT_ATTEMPTS - 1, "who is refused spends no attempt");
    finish(&mut driver, 1, no_result("IMAGE_UNREADABLE"));
    assert_eq!(submit(&mut driver, 2), Ok(()));
}

#[test]
fn an_attempt_ends_at_its_deadline_and_a_late_result_is_dropped() {
    let mut driver = created();
    assert_eq!(submit(&mut driver, 1), Ok(()));
    driver.advance_and_look(Duration::seconds(60));
    assert_eq!(fail_reason(&driver, 0).as_deref(), Some("PROVIDER_TIMEOUT"));
    let before = driver.machine.clone();
    finish(&mut driver, 1, Outcome::Result(result(true)));
    assert_eq!(driver.machine, before);
    assert_eq!(submit(&mut driver, 2), Ok(()), "the next one may begin");
}

#[test]
fn a_deadline_is_bounded_whatever_is_configured_and_never_after_the_time_limit() {
    let policy = Policy { attempt_seconds: u32::MAX, delegation_seconds: u32::MAX };
    let mut driver = created_with(|creation| {
        creation.policy = policy;
        creation.expires_at = start() + Duration::days(30);
    });
    assert_eq!(submit(&mut driver, 1), Ok(()));
    assert_eq!(data(&driver).attempts[0].until, start() + MAX_ATTEMPT_TIME);
    driver.advance_and_look(Duration::days(30) - Duration::seconds(10));
    delegate(&mut driver, 2);
    assert_eq!(data(&driver).attempts[1].until, start() + Duration::days(30));
    driver.advance_and_look(Duration::seconds(10));
    assert_eq!(fail_reason(&driver, 1).as_deref(), Some("PROVIDER_TIMEOUT"));
    assert_eq!(data(&driver).state, ScoringState::Expired);
}

#[test]
fn a_session_without_attempts_left_takes_none() {
    let mut driver = created_with(|creation| creation.max_attempts = 2);
    for number in 1..=2 {
        assert_eq!(submit(&mut driver, number), Ok(()));
        finish(&mut driver, number, no_result("IMAGE_UNREADABLE"));
    }
    assert_eq!(submit(&mut driver, 3), refused("the scoring session has no attempt left"));
    assert_eq!((data(&driver).remaining_attempts(), data(&driver).attempts.len()), (0, 2));
    assert_eq!(data(&driver).state, ScoringState::Created);
}

#[test]
fn the_newest_result_counts_and_an_attempt_without_one_takes_none_away() {
    let mut driver = scored(true);
    assert_eq!(submit(&mut driver, 2), Ok(()));
    finish(&mut driver, 2, Outcome::Result(result(false)));
    assert_eq!(submit(&mut driver, 3), Ok(()));
    finish(&mut driver, 3, no_result("IMAGE_UNREADABLE"));
    assert_eq!(data(&driver).scored().map(|attempt| attempt.id), Some(attempt(2)));
    assert_eq!(driver.tell(Command::Close), Ok(()));
    assert_eq!(data(&driver).state, ScoringState::Failed);
}

#[test]
fn a_pause_that_the_provider_asks_for_costs_no_attempt_and_is_waited_for() {
    let mut driver = created();
    assert_eq!(submit(&mut driver, 1), Ok(()));
    driver.new_effects();
    finish(&mut driver, 1, Outcome::Pause { seconds: 30 });
    assert_eq!(driver.new_effects(), [Effect::Release { files: vec![file(1)] }], "its images are needed no more");
    let mut erased = driver.clone();
    assert_eq!(erased.tell(Command::Erase), Ok(()));
    assert_eq!(erased.new_effects(), [Effect::Forget], "the provider may have seen them");
    assert_eq!(data(&driver).remaining_attempts(), DEFAULT_ATTEMPTS);
    let what = "the scoring provider asks for a pause";
    driver.advance(Duration::seconds(10));
    assert_eq!(submit(&mut driver, 2), Err(Refusal::Busy { what, wait: Duration::seconds(20) }));
    driver.advance(Duration::seconds(20));
    assert_eq!(submit(&mut driver, 2), Ok(()));
}

#[test]
fn pauses_are_bounded_in_length_and_number() {
    let mut driver = created();
    for number in 0..u128::from(MAX_PAUSES) {
        assert_eq!(submit(&mut driver, number), Ok(()));
        finish(&mut driver, number, Outcome::Pause { seconds: 0 });
        driver.advance(Duration::seconds(1));
    }
    assert_eq!(submit(&mut driver, 100), Ok(()));
    finish(&mut driver, 100, Outcome::Pause { seconds: 1 });
    assert_eq!(fail_reason(&driver, 0).as_deref(), Some("PROVIDER_UNAVAILABLE"));
    let mut long = created();
    assert_eq!(submit(&mut long, 1), Ok(()));
    finish(&mut long, 1, Outcome::Pause { seconds: u32::MAX });
    assert_eq!(data(&long).paused_until, Some(start() + MAX_PAUSE));
}

#[test]
fn a_delegation_is_asked_about_ever_more_rarely_and_once_more_before_its_deadline() {
    let mut driver = created();
    delegate(&mut driver, 1);
    let deadline = start() + Duration::seconds(1800);
    assert_eq!(data(&driver).attempts[0].until, deadline);
    let mut asked = Vec::new();
    while data(&driver).under_way().is_some() {
        driver.now = driver.machine.wake_at().expect("its deadline at least");
        driver.look();
        if driver.new_effects().contains(&Effect::Ask { attempt: attempt(1) }) {
            asked.push((driver.now - start()).num_seconds());
        }
    }
    assert_eq!(asked[..4], [10, 20, 30, 40]);
    assert!(asked.len() < 30, "{asked:?}");
    assert_eq!(asked.last(), Some(&1790));
    assert_eq!(fail_reason(&driver, 0).as_deref(), Some("PROVIDER_TIMEOUT"));
}

#[test]
fn the_result_of_a_delegation_scores_the_session() {
    let mut driver = created();
    delegate(&mut driver, 1);
    driver.advance_and_look(Duration::seconds(60));
    finish(&mut driver, 1, Outcome::Result(result(true)));
    assert_eq!(data(&driver).state, ScoringState::Scored);
    assert_eq!(data(&driver).attempts[0].provider_id(), Some("provider"));
}

#[test]
fn a_delegation_that_the_provider_does_not_take_ends_as_an_attempt() {
    let mut driver = created();
    assert_eq!(begin(&mut driver, 1, Way::Delegate), Ok(()));
    assert_eq!(driver.new_effects(), [], "its beginner asks the provider, as the token that comes back is not written down");
    driver.advance_and_look(Duration::seconds(60));
    assert_eq!(fail_reason(&driver, 0).as_deref(), Some("PROVIDER_TIMEOUT"));
    let late = Command::Delegated { attempt: attempt(1), provider_id: "late".into() };
    assert_eq!(driver.tell(late), refused("the attempt is over"));
}

#[test]
fn images_that_were_submitted_are_not_delegated() {
    let mut driver = created();
    assert_eq!(submit(&mut driver, 1), Ok(()));
    let wrong = Command::Delegated { attempt: attempt(1), provider_id: "x".into() };
    assert_eq!(driver.tell(wrong), refused("the attempt is over"));
}

#[test]
fn close_ends_a_scored_session_by_its_result() {
    for (passing, state) in [(true, ScoringState::Succeeded), (false, ScoringState::Failed)] {
        let mut driver = scored(passing);
        assert_eq!(driver.tell(Command::Close), Ok(()));
        assert_eq!((data(&driver).state, data(&driver).closed), (state, true));
    }
}

#[test]
fn a_created_session_stays_created_when_it_is_closed_and_never_expires() {
    let mut driver = created();
    for _ in 0..2 {
        assert_eq!(driver.tell(Command::Close), Ok(()));
    }
    assert_eq!(driver.journal.len(), 2);
    assert_eq!(driver.machine.wake_at(), None);
    driver.advance_and_look(Duration::days(300));
    assert_eq!((data(&driver).state, data(&driver).closed), (ScoringState::Created, true));
    assert_eq!(submit(&mut driver, 1), refused("the scoring session is closed"));
}

#[test]
fn close_cuts_off_what_is_under_way() {
    let mut driver = created();
    assert_eq!(submit(&mut driver, 1), Ok(()));
    assert_eq!(driver.tell(Command::Close), Ok(()));
    assert_eq!(fail_reason(&driver, 0).as_deref(), Some("SESSION_CLOSED"));
    let before = driver.machine.clone();
    finish(&mut driver, 1, Outcome::Result(result(true)));
    assert_eq!(driver.machine, before);
    let mut again = scored(true);
    assert_eq!(submit(&mut again, 2), Ok(()));
    assert_eq!(again.tell(Command::Close), Ok(()));
    assert_eq!(data(&again).state, ScoringState::Succeeded, "the result before it counts");
}

#[test]
fn a_final_state_stays_when_it_is_closed() {
    for mut driver in in_each_state().into_iter().skip(2) {
        let before = driver.machine.clone();
        assert_eq!(driver.tell(Command::Close), Ok(()));
        assert_eq!(driver.machine, before);
    }
}

#[test]
fn what_is_not_closed_expires_at_its_limit() {
    for mut driver in [created(), scored(true)] {
        driver.advance_and_look(Duration::hours(2) - Duration::nanoseconds(1));
        assert!(!data(&driver).state.is_final());
        driver.advance_and_look(Duration::nanoseconds(1));
        assert_eq!(data(&driver).state, ScoringState::Expired);
        assert_eq!(submit(&mut driver, 9), refused("the scoring session is EXPIRED"));
    }
}

#[test]
fn an_erased_session_is_not_there_and_its_images_go() {
    for mut driver in in_each_state() {
        driver.new_effects();
        let files: Vec<_> = data(&driver).files().cloned().collect();
        let was_tried = !data(&driver).attempts.is_empty();
        assert_eq!(driver.tell(Command::Erase), Ok(()));
        let release = (!files.is_empty()).then_some(Effect::Release { files });
        let expected: Vec<_> = release.into_iter().chain(was_tried.then_some(Effect::Forget)).collect();
        assert_eq!(driver.new_effects(), expected);
        assert_eq!(driver.machine.existing().map(drop), Err(NOT_FOUND));
        assert_eq!(driver.tell(Command::Erase), Ok(()), "twice is once");
        assert_eq!(submit(&mut driver, 9), Err(NOT_FOUND));
        assert_eq!(driver.tell(Command::Close), Err(NOT_FOUND));
        assert_eq!(driver.machine.wake_at(), None);
    }
}

#[test]
fn what_is_not_there_is_not_found_and_reports_of_it_are_taken() {
    let mut absent = Driver::<Scoring>::new();
    assert_eq!(submit(&mut absent, 1), Err(NOT_FOUND));
    assert_eq!(absent.tell(Command::Close), Err(NOT_FOUND));
    assert_eq!(absent.tell(Command::Erase), Err(NOT_FOUND));
    finish(&mut absent, 1, Outcome::Result(result(true)));
    assert!(absent.journal.is_empty());
}

#[test]
fn a_repeated_creation_changes_nothing_and_another_one_is_refused() {
    let mut driver = created();
    assert_eq!(driver.tell(Command::Create(Box::new(creation()))), Ok(()));
    let other = Creation { provider: "VERIDAS".into(), ..creation() };
    assert_eq!(driver.tell(Command::Create(Box::new(other.clone()))), Err(EXISTS));
    assert_eq!(driver.tell(Command::Erase), Ok(()));
    assert_eq!(driver.tell(Command::Create(Box::new(creation()))), Ok(()));
    assert_eq!(driver.tell(Command::Create(Box::new(other))), Err(EXISTS));
    assert_eq!(driver.journal.len(), 2);
}

#[test]
fn a_session_that_could_never_be_is_refused() {
    for wrong in [
        Creation { max_attempts: 0, ..creation() },
        Creation { max_attempts: MAX_ATTEMPTS + 1, ..creation() },
        Creation { provider: String::new(), ..creation() },
        Creation { provider: "X".repeat(MAX_NAME + 1), ..creation() },
    ] {
        let answer = Driver::<Scoring>::new().tell(Command::Create(Box::new(wrong)));
        assert!(matches!(answer, Err(Refusal::Invalid(_))), "{answer:?}");
    }
}

#[test]
fn giving_up_to_score_ends_the_attempt() {
    let mut driver = created();
    assert_eq!(submit(&mut driver, 1), Ok(()));
    let given_up = Scoring::given_up(&driver.effects[0], "it is down").expect("the machine must know");
    assert_eq!(driver.tell(given_up), Ok(()));
    assert_eq!(fail_reason(&driver, 0).as_deref(), Some("PROVIDER_UNAVAILABLE"));
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let mut machine = Scoring::default();
    let creation = Creation { expires_at: Timestamp::MAX_UTC, ..creation() };
    machine.apply(Timestamp::MAX_UTC, &Event::Created(Box::new(creation)));
    let begin = Command::Begin { attempt: attempt(1), way: Way::Delegate, device: Device::default() };
    let delegated = Command::Delegated { attempt: attempt(1), provider_id: "x".into() };
    for command in [begin, delegated] {
        for event in machine.decide(Timestamp::MAX_UTC, command).events {
            machine.apply(Timestamp::MAX_UTC, &event);
        }
    }
    machine.apply(Timestamp::MAX_UTC, &Event::Asked { attempt: attempt(1) });
    assert_eq!(machine.wake_at(), Some(Timestamp::MAX_UTC));
}

/// Journals outlive versions: these are entries as the first version wrote them.
#[test]
fn what_an_earlier_version_wrote_is_read_and_written_the_same() {
    let id = Uuid::nil();
    let at = "2026-01-02T03:04:05Z";
    let events = [
        r#"{"type":"created","document":{"type":"IDENTITY_CARD","country":"ES"},"provider":"INTERNAL","level":"HIGH","max_attempts":5,
            "expires_at":"$at","policy":{"attempt_seconds":60,"delegation_seconds":1800},"purpose":{"identification":"$id","round":0}}"#,
        r#"{"type":"begun","attempt":"$id","way":{"kind":"submit","front":{"image_type":"jpeg","size":1,"sha256":"00","file":"ff"}},
            "device":{"ip":"192.0.2.1"},"until":"$at"}"#,
        r#"{"type":"begun","attempt":"$id","way":{"kind":"delegate"},"device":{},"until":"$at"}"#,
        r#"{"type":"delegated","attempt":"$id","provider_id":"x","until":"$at"}"#,
        r#"{"type":"asked","attempt":"$id"}"#,
        r#"{"type":"result","attempt":"$id","result":{"global_score":9300,"passing":true,"extracted_values":{"NAME":"ANA"},
            "scores":[{"score_type":"MRZ_CONTROL_DIGIT","is_fraud":false,"score":10000,"note":"digits only"}],"provider_id":"x"}}"#,
        r#"{"type":"no_result","attempt":"$id","reason":"PROVIDER_TIMEOUT"}"#,
        r#"{"type":"withdrawn","attempt":"$id","until":"$at","files":["ff"]}"#,
        r#"{"type":"closed"}"#,
        r#"{"type":"succeeded"}"#,
        r#"{"type":"failed"}"#,
        r#"{"type":"expired"}"#,
        r#"{"type":"erased"}"#,
    ];
    let effects = [
        r#"{"type":"score","attempt":"$id"}"#,
        r#"{"type":"ask","attempt":"$id"}"#,
        r#"{"type":"tell","identification":"$id","round":0,"number":1,"passing":true}"#,
        r#"{"type":"release","files":["ff"]}"#,
    ];
    let value = |text: &str| -> serde_json::Value {
        serde_json::from_str(&text.replace("$at", at).replace("$id", &id.to_string())).expect("JSON")
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
    let mut scenarios = in_each_state();
    for driver in &mut scenarios {
        assert_eq!(driver.tell(Command::Erase), Ok(()));
    }
    for mut driver in [created(), scored(false)] {
        delegate(&mut driver, 2);
        driver.advance_and_look(Duration::seconds(20));
        finish(&mut driver, 2, no_result("IMAGE_UNREADABLE"));
        assert_eq!(submit(&mut driver, 3), Ok(()));
        finish(&mut driver, 3, Outcome::Pause { seconds: 1 });
        scenarios.push(driver);
    }
    let mut twice = scored(false);
    assert_eq!(submit(&mut twice, 2), Ok(()));
    finish(&mut twice, 2, Outcome::Result(result(true)));
    let mut closed = created();
    assert_eq!(closed.tell(Command::Close), Ok(()));
    let mut expired = created();
    expired.advance_and_look(Duration::hours(2));
    scenarios.extend([twice, closed, expired]);
    assert_all_transitions_taken(&scenarios);
}
