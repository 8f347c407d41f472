use chrono::Duration;

use super::state::MAX_DIGESTS;
use super::*;
use crate::testing::{Driver, assert_all_transitions_taken, start};

mod journal;
mod properties;

const PER_DAY: u32 = 200;

fn caller() -> Caller {
    Caller { subject: "crm@acme".into(), audience: "rubrica".into() }
}

fn selected(id: &str, choice: Choice) -> Selected {
    Selected { id: id.into(), choice, consent_type: ConsentType::OptIn, expires_at: None, shown: true }
}

fn opposed(id: &str) -> Selected {
    Selected { consent_type: ConsentType::OptOutPositive, ..selected(id, Choice::Rejected) }
}

fn until(id: &str, expires_at: Timestamp) -> Selected {
    Selected { expires_at: Some(expires_at), ..selected(id, Choice::Accepted) }
}

fn display(revision: u32) -> Display {
    Display {
        edition: 17,
        language: "es".into(),
        format: Format::Normal,
        revision,
        issued_at: start(),
        statements: Statements::All,
        leads: false,
        digest: Digest([7; 32]),
    }
}

/// A capture that was made at `captured_at`, of which `number` makes the digest.
fn capture(number: u64, captured_at: Timestamp, selections: impl Into<Vec<Selected>>) -> Capture {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    let captured = Captured {
        customer_id: "100000000001".into(),
        segment: "telco".into(),
        caller: caller(),
        actor: Actor { id: "AG000123".into(), source: ActorSource::Declared },
        selections: selections.into(),
        captured_at,
        captured_text: captured_at.to_rfc3339(),
        ip: Some([203, 0, 113, 10].into()),
        sell_channel: Some("eshop".into()),
        trace_id: Some("TR-0001".into()),
        origin: None,
        declared_language: Some("es-ES".into()),
        display: Some(display(u32::MAX)),
        digest: Digest(digest),
        notify: false,
        late: Late::Merge,
        identification: None,
    };
    Capture { captured, captures_per_day: PER_DAY }
}

fn tell(driver: &mut Driver<CustomerConsents>, capture: Capture) -> crate::Answer {
    driver.tell(Command::Capture(Box::new(capture)))
}

fn delete(driver: &mut Driver<CustomerConsents>, keep: Duration) -> crate::Answer {
    let keep_until = driver.now + keep;
    driver.tell(Command::Delete(Deletion { caller: caller(), by: None, keep_until, notify: false }))
}

/// A customer who has accepted C01 and C02, the first for a day, and rejected O01.
fn known() -> Driver<CustomerConsents> {
    let mut driver = Driver::new();
    let now = driver.now;
    let selections = [until("C01", now + Duration::days(1)), selected("C02", Choice::Accepted), opposed("O01")];
    assert_eq!(tell(&mut driver, capture(1, now, selections)), Ok(()));
    driver
}

/// What the host does when it erases a journal.
fn erased(driver: &Driver<CustomerConsents>) -> Driver<CustomerConsents> {
    let remains = driver.machine.remains().expect("there was something");
    let mut fresh: Driver<CustomerConsents> = Driver::new();
    fresh.now = driver.now;
    fresh.put(remains);
    fresh
}

fn reads(driver: &Driver<CustomerConsents>, id: &str) -> (Choice, Source) {
    let consent_type = if id.starts_with('O') { ConsentType::OptOutPositive } else { ConsentType::OptIn };
    let reading = driver.machine.choice(id, consent_type, driver.now);
    (reading.choice, reading.source)
}

#[test]
fn who_was_never_captured_has_the_defaults() {
    let driver = Driver::<CustomerConsents>::new();
    assert_eq!(reads(&driver, "C01"), (Choice::Pending, Source::Unknown));
    assert_eq!(reads(&driver, "O01"), (Choice::Accepted, Source::Unknown));
    assert_eq!(driver.machine.choice("O02", ConsentType::OptOutNegative, start()).choice, Choice::Accepted);
    assert_eq!((driver.machine.known(), driver.machine.revision(), driver.machine.barrier()), (false, 0, 0));
    assert_eq!(driver.machine.remains(), None);
}

#[test]
fn a_capture_changes_what_it_lists_and_nothing_else() {
    let mut driver = known();
    assert_eq!(reads(&driver, "C01"), (Choice::Accepted, Source::Given));
    assert_eq!(reads(&driver, "O01"), (Choice::Rejected, Source::Given));
    assert_eq!(reads(&driver, "C03"), (Choice::Pending, Source::Default));
    driver.advance(Duration::minutes(1));
    let now = driver.now;
    assert_eq!(tell(&mut driver, capture(2, now, [selected("C02", Choice::Rejected)])), Ok(()));
    assert_eq!(reads(&driver, "C01"), (Choice::Accepted, Source::Given));
    assert_eq!(reads(&driver, "C02"), (Choice::Rejected, Source::Given));
    assert_eq!((driver.machine.revision(), driver.machine.held("C02").unwrap().revision), (2, 2));
}

#[test]
fn a_choice_that_was_made_earlier_does_not_undo_a_later_one() {
    let mut driver = known();
    driver.advance(Duration::days(2));
    let (may_1, may_2) = (driver.now - Duration::days(1), driver.now - Duration::hours(1));
    assert_eq!(tell(&mut driver, capture(2, may_2, [selected("C02", Choice::Rejected)])), Ok(()));
    assert_eq!(
        tell(&mut driver, capture(3, may_1, [selected("C02", Choice::Accepted), selected("C03", Choice::Accepted)])),
        Ok(())
    );
    assert_eq!(reads(&driver, "C02"), (Choice::Rejected, Source::Given), "superseded");
    assert_eq!(reads(&driver, "C03"), (Choice::Accepted, Source::Given), "nothing is newer");
    let mut late = capture(4, may_1, [selected("C02", Choice::Pending)]);
    late.captured.late = Late::Overwrite;
    assert_eq!(tell(&mut driver, late), Ok(()));
    assert_eq!(reads(&driver, "C02"), (Choice::Pending, Source::Given), "by the order of arrival");
    assert_eq!(tell(&mut driver, capture(5, may_1, [selected("C02", Choice::Accepted)])), Ok(()));
    assert_eq!(reads(&driver, "C02"), (Choice::Accepted, Source::Given), "at equal dates the later arrival holds");
}

#[test]
fn a_date_up_to_5_minutes_ahead_counts_as_now() {
    let mut driver = known();
    driver.advance(Duration::minutes(1));
    let now = driver.now;
    assert_eq!(tell(&mut driver, capture(2, now + MAX_AHEAD, [selected("C02", Choice::Rejected)])), Ok(()));
    assert_eq!(driver.machine.held("C02").unwrap().captured_at, now);
    driver.advance(Duration::seconds(1));
    let now = driver.now;
    assert_eq!(tell(&mut driver, capture(3, now, [selected("C02", Choice::Accepted)])), Ok(()));
    assert_eq!(reads(&driver, "C02"), (Choice::Accepted, Source::Given));
    let refused = tell(&mut driver, capture(4, now + MAX_AHEAD + Duration::nanoseconds(1), [selected("C02", Choice::Rejected)]));
    assert_eq!(refused, Err(Refusal::Invalid("capture_date is more than 5 minutes ahead")));
}

#[test]
fn an_acceptance_lapses_at_its_moment_and_that_is_announced() {
    let mut driver = known();
    let end = start() + Duration::days(1);
    let at = |driver: &Driver<CustomerConsents>, moment| driver.machine.choice("C01", ConsentType::OptIn, moment);
    let running = Reading { choice: Choice::Accepted, source: Source::Given, until: Some(end) };
    let lapsed = Reading { choice: Choice::Pending, source: Source::Expired, until: None };
    assert_eq!(at(&driver, end - Duration::microseconds(1)), running);
    assert_eq!(at(&driver, end), lapsed, "before anything is announced");
    assert_eq!(driver.machine.wake_at(), Some(end));
    driver.advance_and_look(Duration::days(1));
    assert_eq!(driver.journal.last().unwrap().1, Event::Expired { ids: vec!["C01".into()] });
    assert_eq!((at(&driver, end - Duration::microseconds(1)), at(&driver, end)), (running, lapsed), "reads do not depend on it");
    assert_eq!(driver.machine.wake_at(), None);
    let again = [until("C01", end + Duration::days(1))];
    assert_eq!(tell(&mut driver, capture(2, end, again)), Ok(()));
    assert_eq!(reads(&driver, "C01"), (Choice::Accepted, Source::Given));
}

#[test]
fn what_will_lapse_is_announced_once_and_in_time() {
    let mut driver = Driver::new();
    let now = driver.now;
    let (end, ahead) = (now + Duration::days(90), Duration::days(60));
    let short = until("C03", now + EXPIRING_LEAD);
    assert_eq!(tell(&mut driver, capture(1, now, [until("C01", end), until("C02", end), short])), Ok(()));
    assert_eq!(
        driver.machine.wake_at(),
        Some(now + EXPIRING_LEAD),
        "of what is given for no longer than the lead only the end is told"
    );
    driver.advance_and_look(EXPIRING_LEAD);
    assert_eq!(driver.journal.last().unwrap().1, Event::Expired { ids: vec!["C03".into()] });
    assert_eq!(driver.machine.wake_at(), Some(now + ahead));
    driver.advance_and_look(ahead - EXPIRING_LEAD);
    assert_eq!(driver.journal.last().unwrap().1, Event::Expiring { ids: vec!["C01".into(), "C02".into()] });
    assert_eq!(reads(&driver, "C01"), (Choice::Accepted, Source::Given), "it still holds");
    assert_eq!(driver.machine.wake_at(), Some(end));
    let renewed = driver.now;
    assert_eq!(tell(&mut driver, capture(2, renewed, [until("C01", renewed + Duration::days(90))])), Ok(()));
    assert!(!driver.machine.held("C01").unwrap().is_foretold(), "what was given again will be announced again");
    driver.advance_and_look(Duration::days(30));
    assert_eq!(driver.journal.last().unwrap().1, Event::Expired { ids: vec!["C02".into()] });
    driver.advance_and_look(Duration::days(100));
    let tail: Vec<_> = driver.journal.iter().rev().take(2).map(|(_, event)| event.clone()).collect();
    assert_eq!(tail[0], Event::Expired { ids: vec!["C01".into()] });
    assert_eq!(
        tail[1],
        Event::Expired { ids: vec!["C02".into()] },
        "what has lapsed before anybody looked is not foretold any more"
    );
}

#[test]
fn all_that_lapses_together_is_one_event_and_what_was_over_at_once_is_told_at_once() {
    let mut driver = Driver::new();
    let now = driver.now;
    let soon = now + Duration::seconds(1);
    let selections = [until("C03", now - Duration::days(1)), until("C01", soon), until("C02", soon)];
    assert_eq!(tell(&mut driver, capture(1, now - Duration::days(2), selections)), Ok(()));
    assert_eq!(reads(&driver, "C03"), (Choice::Pending, Source::Expired));
    driver.advance_and_look(Duration::seconds(1));
    let expired: Vec<_> = driver.journal.iter().filter(|(_, event)| matches!(event, Event::Expired { .. })).collect();
    assert_eq!(expired[0].1, Event::Expired { ids: vec!["C03".into()] });
    assert_eq!((expired[1].1.clone(), expired.len()), (Event::Expired { ids: vec!["C01".into(), "C02".into()] }, 2));
}

#[test]
fn a_repeated_capture_is_accepted_and_adds_nothing() {
    let mut driver = known();
    let now = driver.now;
    let before = driver.machine.clone();
    driver.advance(Duration::seconds(3));
    assert_eq!(tell(&mut driver, capture(1, now, [selected("C09", Choice::Accepted)])), Ok(()), "known by its digest alone");
    assert_eq!(driver.machine, before);
    for number in 2..2 + MAX_DIGESTS as u64 - 1 {
        assert_eq!(tell(&mut driver, capture(number, now, [selected("C05", Choice::Accepted)])), Ok(()));
    }
    let revision = driver.machine.revision();
    assert_eq!(tell(&mut driver, capture(1, now, [selected("C01", Choice::Accepted)])), Ok(()));
    assert_eq!(driver.machine.revision(), revision, "among the last {MAX_DIGESTS}");
    assert_eq!(tell(&mut driver, capture(99, now, [selected("C05", Choice::Accepted)])), Ok(()));
    assert_eq!(tell(&mut driver, capture(1, now - Duration::days(1), [selected("C01", Choice::Rejected)])), Ok(()));
    assert_eq!(driver.machine.revision(), revision + 2, "the journal keeps it, and by its date it changes nothing");
    assert_eq!(reads(&driver, "C01"), (Choice::Accepted, Source::Given));
}

#[test]
fn a_deletion_hides_everything_at_once_and_voids_what_was_displayed() {
    let mut driver = known();
    driver.advance(Duration::minutes(1));
    assert_eq!(delete(&mut driver, Duration::days(1_095)), Ok(()));
    assert_eq!((driver.machine.known(), driver.machine.revision(), driver.machine.barrier()), (false, 2, 2));
    assert_eq!(reads(&driver, "C01"), (Choice::Pending, Source::Deleted));
    assert_eq!(driver.machine.held_all().count(), 0);
    assert_eq!(delete(&mut driver, Duration::zero()), Err(NOT_FOUND), "there is nothing to delete");
    let now = driver.now;
    let with = |number, revision| {
        let mut capture = capture(number, now - Duration::days(30), [selected("C01", Choice::Accepted)]);
        capture.captured.display = Some(display(revision));
        capture
    };
    assert_eq!(tell(&mut driver, with(2, 1)), Err(DELETED_SINCE), "a stale page does not bring back whom the customer removed");
    assert_eq!(tell(&mut driver, with(3, 2)), Ok(()), "the key that the deletion gave out is good, whatever the capture date");
    assert_eq!(reads(&driver, "C01"), (Choice::Accepted, Source::Given));
    assert_eq!(tell(&mut driver, with(2, 1)), Err(DELETED_SINCE));
    assert_eq!(driver.machine.wake_at(), None, "the customer is back, and the evidence stays");
}

#[test]
fn a_rejection_of_an_opt_out_consent_stays_in_force_after_a_deletion() {
    let mut driver = known();
    assert_eq!(delete(&mut driver, Duration::days(1)), Ok(()));
    assert_eq!(driver.machine.suppressed().collect::<Vec<_>>(), ["O01"]);
    assert_eq!(reads(&driver, "O01"), (Choice::Rejected, Source::Suppressed));
    let now = driver.now;
    assert_eq!(tell(&mut driver, capture(2, now, [selected("C01", Choice::Accepted)])), Ok(()));
    assert_eq!(reads(&driver, "O01"), (Choice::Rejected, Source::Suppressed), "an acceptance of something else does not end it");
    assert_eq!(delete(&mut driver, Duration::days(1)), Ok(()));
    assert_eq!(reads(&driver, "O01"), (Choice::Rejected, Source::Suppressed), "nor another deletion");
    let accepted = Selected { choice: Choice::Accepted, ..opposed("O01") };
    assert_eq!(tell(&mut driver, capture(3, now, [accepted])), Ok(()));
    assert_eq!(reads(&driver, "O01"), (Choice::Accepted, Source::Given), "an explicit acceptance does");
    assert_eq!(delete(&mut driver, Duration::days(1)), Ok(()));
    assert_eq!(reads(&driver, "O01"), (Choice::Accepted, Source::Deleted));
}

#[test]
fn imported_choices_that_are_older_than_a_deletion_are_kept_without_effect() {
    let mut driver = known();
    driver.advance(Duration::days(1));
    assert_eq!(delete(&mut driver, Duration::days(9)), Ok(()));
    let deleted_at = driver.now;
    driver.advance(Duration::days(1));
    let import = |number, captured_at| {
        let mut capture = capture(number, captured_at, [selected("C02", Choice::Accepted)]);
        (capture.captured.display, capture.captured.actor.source) = (None, ActorSource::Import);
        capture.captured.origin = Some("old crm".into());
        capture
    };
    assert_eq!(tell(&mut driver, import(2, deleted_at)), Ok(()));
    assert!(matches!(driver.journal.last().unwrap().1, Event::Recorded(_)));
    assert_eq!((driver.machine.known(), driver.machine.revision()), (false, 4), "one deletion and one expiry before it");
    assert_eq!(tell(&mut driver, import(2, deleted_at)), Ok(()), "repeated");
    assert_eq!(driver.machine.revision(), 4);
    assert!(driver.machine.keep_until().is_some(), "nor does it keep the evidence for longer");
    assert_eq!(tell(&mut driver, import(3, deleted_at + Duration::microseconds(1))), Ok(()));
    assert_eq!((driver.machine.known(), reads(&driver, "C02")), (true, (Choice::Accepted, Source::Given)));
    assert_eq!(tell(&mut driver, import(4, deleted_at)), Ok(()));
    assert!(matches!(driver.journal.last().unwrap().1, Event::Recorded(_)));
}

#[test]
fn when_the_time_of_blocking_is_over_the_journal_is_to_be_erased() {
    let mut driver = known();
    assert_eq!(delete(&mut driver, Duration::days(3)), Ok(()));
    driver.advance_and_look(Duration::days(3) - Duration::nanoseconds(1));
    assert_eq!(driver.new_effects(), []);
    driver.advance_and_look(Duration::nanoseconds(1));
    assert_eq!((driver.new_effects(), driver.machine.wake_at()), (vec![Effect::Shred], None));
    let now = driver.now;
    let refused = tell(&mut driver, capture(2, now, [selected("C01", Choice::Accepted)]));
    assert!(matches!(refused, Err(Refusal::Busy { .. })), "the erasure would take it along: {refused:?}");
    assert_eq!(driver.tell(CustomerConsents::given_up(&Effect::Shred, "the store is away").unwrap()), Ok(()));
    assert_eq!(driver.new_effects(), []);
    driver.advance_and_look(Duration::days(1));
    assert_eq!(driver.new_effects(), [Effect::Shred], "it is not forgotten");
    let after = erased(&driver);
    assert_eq!((after.machine.life(), after.machine.keep_until()), (Some(Life::Erased), None));
    assert_eq!(driver.tell(Command::NotErased), Ok(()));
}

#[test]
fn without_a_time_of_blocking_the_journal_is_erased_at_once_and_the_key_of_the_deletion_is_good() {
    let mut driver = known();
    let deleted_at = driver.now;
    assert_eq!(delete(&mut driver, Duration::zero()), Ok(()));
    assert_eq!(driver.new_effects(), [Effect::Shred]);
    let told = driver.machine.revision();
    driver.advance(Duration::seconds(1));
    let mut after = erased(&driver);
    assert_eq!((after.machine.barrier(), after.machine.barrier_at()), (2, Some(deleted_at)));
    let found = |revision| state_of_revision([(driver.now, Past::Erased(Some(&after.journal[0].1)))], revision);
    for revision in [2, told] {
        assert_eq!(found(revision).as_ref(), Some(&after.machine), "nothing held then, either");
    }
    assert_eq!((found(1), found(told + 1)), (None, None));
    let mut answer = capture(2, after.now, [selected("C01", Choice::Accepted)]);
    answer.captured.display = Some(display(told));
    assert_eq!(tell(&mut after, answer), Ok(()));
    assert_eq!(reads(&after, "C01"), (Choice::Accepted, Source::Given));
}

#[test]
fn an_erased_journal_goes_on_counting_and_keeps_rejections_in_force() {
    let driver = known();
    let mut after = erased(&driver);
    assert_eq!((after.machine.revision(), after.machine.barrier(), after.machine.known()), (2, 2, false));
    assert_eq!(reads(&after, "C02"), (Choice::Pending, Source::Deleted));
    assert_eq!(reads(&after, "O01"), (Choice::Rejected, Source::Suppressed));
    assert_eq!(after.machine.wake_at(), None);
    let text = serde_json::to_string(&(&after.machine, &after.journal)).unwrap();
    for secret in ["100000000001", "203.0.113.10", "AG000123", "TR-0001", "eshop"] {
        assert!(!text.contains(secret), "{secret} remains: {text}");
    }
    let again = erased(&after);
    assert_eq!((again.machine.revision(), again.machine.barrier()), (2, 2), "once is enough");
    let mut stale = capture(2, after.now, [selected("C01", Choice::Accepted)]);
    stale.captured.display = Some(display(1));
    assert_eq!(tell(&mut after, stale), Err(DELETED_SINCE));
    let now = after.now;
    assert_eq!(tell(&mut after, capture(3, now, [selected("C01", Choice::Accepted)])), Ok(()));
    assert_eq!(reads(&after, "C01"), (Choice::Accepted, Source::Given));
}

#[test]
fn selections_are_checked_before_anything_is_recorded() {
    let mut driver = known();
    let before = driver.machine.clone();
    let now = driver.now;
    let opt_out = |choice| Selected { choice, ..opposed("O01") };
    let many = |count: usize| (0..count).map(|number| selected(&format!("C{number}"), Choice::Accepted)).collect::<Vec<_>>();
    for (selections, sentence) in [
        (vec![], "expected 1 to 256 selections"),
        (many(MAX_SELECTIONS + 1), "expected 1 to 256 selections"),
        (vec![selected("C01", Choice::Accepted), selected("C01", Choice::Rejected)], "a consent is selected twice"),
        (vec![opt_out(Choice::Pending)], "choice 1 (pending) is for OPT_IN consents only"),
        (vec![Selected { expires_at: Some(now), ..opt_out(Choice::Accepted) }], "only an accepted OPT_IN consent expires"),
        (
            vec![Selected { expires_at: Some(now), ..selected("C01", Choice::Rejected) }],
            "only an accepted OPT_IN consent expires",
        ),
        (
            vec![selected(&"C".repeat(MAX_ID_BYTES + 1), Choice::Accepted)],
            "the ids of the consents are too long together; capture fewer at once",
        ),
    ] {
        assert_eq!(tell(&mut driver, capture(2, now, selections)), Err(Refusal::Invalid(sentence)));
        assert_eq!(driver.machine, before);
    }
    assert_eq!(tell(&mut driver, capture(2, now, many(MAX_SELECTIONS))), Ok(()));
}

#[test]
fn captures_of_a_day_are_bounded_and_the_next_day_brings_more() {
    let mut driver = Driver::new();
    for number in 0..u64::from(PER_DAY) {
        let now = driver.now;
        assert_eq!(tell(&mut driver, capture(number, now, [selected("C01", Choice::Accepted)])), Ok(()));
    }
    let now = driver.now;
    let one_more = || capture(999, now, [selected("C01", Choice::Rejected)]);
    let refused = tell(&mut driver, one_more());
    let Err(Refusal::Busy { what, wait }) = refused else { panic!("{refused:?}") };
    assert_eq!(
        (what, (now + wait).date_naive()),
        ("too many captures of this customer today", now.date_naive().succ_opt().unwrap())
    );
    assert_eq!(
        tell(&mut driver, capture(u64::from(PER_DAY) - 1, now, [selected("C01", Choice::Accepted)])),
        Ok(()),
        "a repetition"
    );
    driver.advance(wait - Duration::nanoseconds(1));
    assert!(tell(&mut driver, one_more()).is_err());
    driver.advance(Duration::nanoseconds(1));
    assert_eq!(tell(&mut driver, one_more()), Ok(()));
}

#[test]
fn the_consents_that_one_customer_answers_are_bounded() {
    let mut driver = Driver::new();
    let now = driver.now;
    let page = |number: usize| {
        (0..MAX_SELECTIONS).map(|consent| selected(&format!("C{number}_{consent}"), Choice::Accepted)).collect::<Vec<_>>()
    };
    for number in 0..MAX_HELD / MAX_SELECTIONS {
        assert_eq!(tell(&mut driver, capture(number as u64, now, page(number))), Ok(()));
    }
    assert!(matches!(tell(&mut driver, capture(99, now, [selected("NEW", Choice::Accepted)])), Err(Refusal::Invalid(_))));
    assert_eq!(tell(&mut driver, capture(99, now, page(0))), Ok(()), "what is held can always change");
    assert_eq!(delete(&mut driver, Duration::days(1)), Ok(()));
    assert_eq!(tell(&mut driver, capture(100, now, [selected("NEW", Choice::Accepted)])), Ok(()));
}

#[test]
fn who_wants_to_be_told_is_told_what_happened() {
    let mut driver = Driver::new();
    let now = driver.now;
    let mut told = capture(1, now, [until("C01", now + Duration::days(40))]);
    told.captured.notify = true;
    assert_eq!(tell(&mut driver, told), Ok(()));
    driver.advance_and_look(Duration::days(10));
    driver.advance_and_look(Duration::days(30));
    let keep_until = driver.now + Duration::days(1);
    assert_eq!(driver.tell(Command::Delete(Deletion { caller: caller(), by: None, keep_until, notify: true })), Ok(()));
    let notify = |notice, revision| Effect::Notify { notice, revision };
    let notices = [Notice::Captured, Notice::Expiring, Notice::Expired, Notice::Deleted];
    assert_eq!(
        driver.new_effects(),
        notices.iter().zip(1..).map(|(notice, revision)| notify(*notice, revision)).collect::<Vec<_>>()
    );
    assert!(CustomerConsents::given_up(&notify(Notice::Captured, 1), "away").is_none());
    let mut quiet = known();
    quiet.advance_and_look(Duration::days(1));
    assert_eq!(delete(&mut quiet, Duration::days(1)), Ok(()));
    assert_eq!(quiet.new_effects(), []);
}

#[test]
fn every_transition_is_taken() {
    let mut known_again = known();
    known_again.advance_and_look(Duration::days(1));
    let mut old = capture(2, start(), [selected("C01", Choice::Accepted)]);
    old.captured.display = None;
    delete(&mut known_again, Duration::days(1)).unwrap();
    tell(&mut known_again, old.clone()).unwrap();
    let now = known_again.now;
    tell(&mut known_again, capture(3, now, [selected("C01", Choice::Accepted)])).unwrap();
    tell(&mut known_again, capture(4, now, [selected("C01", Choice::Rejected)])).unwrap();
    old.captured.digest = Digest([9; 32]);
    tell(&mut known_again, old.clone()).unwrap();

    let mut foretold = Driver::new();
    let end = foretold.now + Duration::days(60);
    tell(&mut foretold, capture(1, start(), [until("C01", end)])).unwrap();
    foretold.advance_and_look(Duration::days(40));

    let mut blocked = known();
    delete(&mut blocked, Duration::zero()).unwrap();
    blocked.tell(Command::NotErased).unwrap();
    blocked.advance_and_look(Duration::days(1));

    let mut after = erased(&blocked);
    old.captured.captured_at = start();
    tell(&mut after, old).unwrap();
    let now = after.now;
    tell(&mut after, capture(5, now, [selected("C01", Choice::Accepted)])).unwrap();
    assert_all_transitions_taken(&[known_again, foretold, blocked, after]);
}
