use chrono::Duration;
use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::*;
use crate::{
    Answer, DocumentType, IdentityDocument, Machine,
    identification::lifecycle::{EXISTS, NOT_FOUND},
    table::Table,
    testing::{Driver, assert_all_transitions_taken, cases, start},
};

const PROCESS: Uuid = Uuid::from_u128(7);

fn creation() -> Creation {
    let document =
        IdentityDocument { document_number: "12345678Z".into(), document_type: DocumentType::Nif, country: Some("ES".into()) };
    Creation {
        actor: Contact { identity_document: Some(document), ..Contact::default() },
        expires_at: start() + Duration::hours(1),
        evidence_required: false,
        purpose: Purpose { sign_process: Some(PROCESS), ..Purpose::default() },
    }
}

fn file(name: &str) -> SealedFile {
    SealedFile { file: format!("sealed {name}"), sha256: format!("hash of {name}"), size: 7 }
}

fn voucher(with_evidence: bool) -> Voucher {
    Voucher {
        agent: "shop-7/ana".into(),
        evidence: with_evidence.then(|| file("picture")),
        metadata: with_evidence.then(|| file("metadata")),
    }
}

fn created(creation: &Creation) -> Driver<Agent> {
    let mut agent = Driver::new();
    assert_eq!(agent.tell(Command::Create(Box::new(creation.clone()))), Ok(()));
    agent
}

fn vouch(agent: &mut Driver<Agent>, with_evidence: bool) -> Answer {
    let device = Device { ip: Some("192.0.2.1".into()), ..Device::default() };
    agent.tell(AgentCommand::Validate { voucher: voucher(with_evidence), device })
}

fn validated(with_evidence: bool) -> Driver<Agent> {
    let mut agent = created(&creation());
    assert_eq!(vouch(&mut agent, with_evidence), Ok(()));
    agent
}

/// One in each state that is not deleted, by the state's name.
fn in_each_state() -> Vec<Driver<Agent>> {
    let mut succeeded = validated(true);
    assert_eq!(succeeded.tell(Command::Close), Ok(()));
    let mut cancelled = validated(true);
    assert_eq!(cancelled.tell(Command::Cancel { reason: Some("a mistake".into()), by: None }), Ok(()));
    let mut expired = validated(true);
    expired.advance_and_look(Duration::hours(1));
    let all = vec![created(&creation()), validated(true), succeeded, cancelled, expired];
    let names: Vec<_> = all.iter().map(|agent| agent.machine.stage().name()).collect();
    assert_eq!(names, ["CREATED", "VALIDATED", "SUCCEEDED", "CANCELLED", "EXPIRED"]);
    all
}

fn data(agent: &Driver<Agent>) -> &Data {
    agent.machine.data().expect("it was created")
}

fn release() -> Effect {
    Effect::Own(AgentEffect::ReleaseFiles { files: vec!["sealed picture".into(), "sealed metadata".into()] })
}

#[test]
fn a_creation_needs_an_identity_document_and_a_time_limit_within_its_bounds() {
    let request = |expires_in: &str| Request { actor: creation().actor, expires_in: expires_in.into() };
    let wrong = |request: Request| -> Vec<String> {
        request.checked(start()).expect_err("a problem").iter().map(|problem| problem.path.clone()).collect()
    };
    assert_eq!(request("PT1H").checked(start()), Ok(Creation { purpose: Purpose::default(), ..creation() }));
    for expires_in in ["PT59S", "P31D", "soon"] {
        assert_eq!(wrong(request(expires_in)), ["expires_in"]);
    }
    let nameless = Request { actor: Contact { email: Some("nobody".into()), ..Contact::default() }, ..request("") };
    assert_eq!(wrong(nameless), ["actor.email", "actor.identity_document", "expires_in"]);
}

#[test]
fn who_vouched_with_which_proofs_and_on_which_device_is_kept() {
    let agent = validated(true);
    assert_eq!(data(&agent).own.voucher, Some(voucher(true)));
    let validation = data(&agent).validated.clone().expect("when and from where is kept");
    assert_eq!((validation.at, validation.device.ip.as_deref()), (start(), Some("192.0.2.1")));
}

#[test]
fn an_agent_vouches_only_while_it_is_created() {
    for mut agent in in_each_state() {
        let state = data(&agent).state;
        let expected = if state == IdentificationState::Created { Ok(()) } else { Err(wrong_state(state.name())) };
        let journal = agent.journal.len();
        assert_eq!(vouch(&mut agent, true), expected);
        assert_eq!(agent.journal.len() > journal, expected.is_ok());
    }
    let mut late = created(&creation());
    late.advance(Duration::hours(1));
    assert_eq!(vouch(&mut late, true), Err(wrong_state("EXPIRED")));
}

#[test]
fn a_picture_is_needed_where_the_creation_says_so() {
    let mut agent = created(&Creation { evidence_required: true, ..creation() });
    assert_eq!(vouch(&mut agent, false), Err(EVIDENCE_NEEDED));
    assert_eq!(agent.journal.len(), 1, "nothing was recorded");
    assert_eq!(vouch(&mut agent, true), Ok(()));
    assert_eq!(vouch(&mut created(&creation()), false), Ok(()), "elsewhere it is not");
}

#[test]
fn files_are_needed_until_it_ends_unused_or_is_deleted_and_are_given_up_then() {
    for mut agent in in_each_state().into_iter().filter(|agent| data(agent).own.voucher.is_some()) {
        let state = data(&agent).state;
        let is_useful = matches!(state, IdentificationState::Validated | IdentificationState::Succeeded);
        for own in ["sealed picture", "sealed metadata"] {
            assert_eq!(data(&agent).needs(own), is_useful, "{state:?}");
        }
        assert!(!data(&agent).needs("another file"));
        assert_eq!(agent.effects.contains(&release()), !is_useful, "{state:?}");
        agent.new_effects();
        assert_eq!(agent.tell(Command::Delete { force: true }), Ok(()));
        assert!(agent.new_effects().contains(&release()));
        assert!(!data(&agent).needs("sealed picture"));
        assert_eq!(data(&agent).own.voucher, Some(voucher(true)), "that somebody vouched stays");
    }
}

#[test]
fn where_no_file_was_kept_none_is_given_up() {
    let mut plain = validated(false);
    assert_eq!(plain.tell(Command::Delete { force: true }), Ok(()));
    let mut never = created(&creation());
    assert_eq!(never.tell(Command::Cancel { reason: None, by: None }), Ok(()));
    for agent in [plain, never] {
        assert!(!agent.effects.contains(&release()));
    }
    assert_eq!(Agent::given_up(&release(), "the store is away").map(|_| ()), None);
}

#[test]
fn the_sign_process_is_told_that_its_signer_is_identified() {
    let told = |state| Effect::TellProcess { sign_process: PROCESS, state };
    assert_eq!(validated(true).effects, [told(IdentificationState::Validated)]);
}

#[test]
fn what_is_not_there_is_not_found_and_what_is_there_is_made_once() {
    let mut deleted = created(&creation());
    assert_eq!(deleted.tell(Command::Delete { force: false }), Ok(()));
    for mut agent in [deleted, Driver::new()] {
        assert_eq!(vouch(&mut agent, true), Err(NOT_FOUND));
    }
    let mut agent = validated(false);
    assert_eq!(agent.tell(Command::Create(Box::new(creation()))), Ok(()));
    let other = Creation { evidence_required: true, ..creation() };
    assert_eq!(agent.tell(Command::Create(Box::new(other))), Err(EXISTS));
}

/// Journals outlive versions.
#[test]
fn entries_are_read_as_they_are_written() {
    let event: Event = AgentEvent::Vouched(voucher(true)).into();
    let written = serde_json::json!({
        "type": "vouched",
        "agent": "shop-7/ana",
        "evidence": {"file": "sealed picture", "sha256": "hash of picture", "size": 7},
        "metadata": {"file": "sealed metadata", "sha256": "hash of metadata", "size": 7},
    });
    assert_eq!(serde_json::to_value(&event).expect("JSON"), written);
    assert_eq!(serde_json::from_value::<Event>(written).expect("an event"), event);
    let effect = serde_json::json!({"type": "release_files", "files": ["sealed picture", "sealed metadata"]});
    assert_eq!(serde_json::to_value(release()).expect("JSON"), effect);
}

#[test]
fn after_a_restart_an_agent_vouches_again_and_what_was_taken_before_is_kept_as_long() {
    let mut agent = validated(true);
    assert_eq!(agent.tell(Command::Restart { round: 1 }), Ok(()));
    let data = agent.machine.existing().expect("it is there");
    assert_eq!((data.own.voucher.clone(), data.own.earlier.clone()), (None, vec![voucher(true)]));
    assert!(data.needs("sealed picture"));
    assert_eq!(vouch(&mut agent, false), Ok(()));
    agent.new_effects();
    assert_eq!(agent.tell(Command::Cancel { reason: None, by: None }), Ok(()));
    let files = vec!["sealed picture".into(), "sealed metadata".into()];
    assert!(agent.new_effects().contains(&Effect::Own(AgentEffect::ReleaseFiles { files })));
}

fn begin(agent: &mut Driver<Agent>, subject: &str) -> Answer {
    let by = Staff { subject: subject.into(), name: subject.to_uppercase(), ip: None };
    agent.tell(AgentCommand::Take { by })
}

#[test]
fn an_identification_is_with_the_agent_who_began_last() {
    let mut agent = created(&creation());
    assert_eq!(agent.machine.found_by(), [Attribute::status("CREATED")]);
    assert_eq!((begin(&mut agent, "ana"), begin(&mut agent, "ana")), (Ok(()), Ok(())));
    assert_eq!(data(&agent).own.times_taken, 1, "who has it already takes nothing");
    assert_eq!(begin(&mut agent, "eva"), Ok(()));
    assert_eq!(data(&agent).own.taken.as_ref().map(|taken| taken.by.name.as_str()), Some("EVA"));
    assert_eq!(agent.machine.found_by(), [Attribute::status("CREATED"), Attribute::agent("eva")]);
    assert_eq!(vouch(&mut agent, false), Ok(()));
    assert_eq!(agent.machine.found_by(), [Attribute::status("VALIDATED")], "nobody has anything to do with it");
    assert_eq!(begin(&mut agent, "ana"), Err(wrong_state("VALIDATED")));
    assert_eq!(agent.tell(Command::Restart { round: 1 }), Ok(()));
    assert_eq!(agent.machine.found_by(), [Attribute::status("CREATED")], "and then somebody begins anew");
    assert_eq!(agent.tell(Command::Delete { force: true }), Ok(()));
    assert_eq!(agent.machine.found_by(), []);
}

#[test]
fn agents_do_not_fill_the_journal() {
    let mut agent = created(&creation());
    for turn in 0..MAX_TAKEN {
        assert_eq!(begin(&mut agent, if turn % 2 == 0 { "ana" } else { "eva" }), Ok(()));
    }
    let entries = agent.journal.len();
    assert!(matches!(begin(&mut agent, "ana"), Err(Refusal::State(_))));
    assert_eq!((agent.journal.len(), vouch(&mut agent, false)), (entries, Ok(())), "and somebody can still vouch");
}

#[test]
fn every_transition_of_the_table_is_taken() {
    let mut scenarios = in_each_state();
    for agent in &mut scenarios {
        assert_eq!(agent.tell(Command::Delete { force: true }), Ok(()));
    }
    let mut cancelled = created(&creation());
    assert_eq!(begin(&mut cancelled, "ana"), Ok(()));
    assert_eq!(cancelled.tell(Command::Cancel { reason: None, by: None }), Ok(()));
    let mut expired = created(&creation());
    expired.advance_and_look(Duration::hours(1));
    let mut restarted = validated(true);
    for round in [1, 2] {
        assert_eq!(restarted.tell(Command::Restart { round }), Ok(()));
    }
    scenarios.extend([cancelled, expired, restarted]);
    assert_all_transitions_taken(&scenarios);
}

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Vouch(bool),
    Cancel,
    Close,
    Delete(bool),
    CreateAgain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..2400i64).prop_map(Step::Wait),
        any::<bool>().prop_map(Step::Vouch),
        Just(Step::Cancel),
        Just(Step::Close),
        any::<bool>().prop_map(Step::Delete),
        Just(Step::CreateAgain),
    ]
}

fn take(agent: &mut Driver<Agent>, step: &Step, creation: &Creation) -> Answer {
    match step {
        Step::Wait(seconds) => {
            agent.advance_and_look(Duration::seconds(*seconds));
            Ok(())
        }
        Step::Vouch(with_evidence) => vouch(agent, *with_evidence),
        Step::Cancel => agent.tell(Command::Cancel { reason: None, by: None }),
        Step::Close => agent.tell(Command::Close),
        Step::Delete(force) => agent.tell(Command::Delete { force: *force }),
        Step::CreateAgain => agent.tell(Command::Create(Box::new(creation.clone()))),
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Created(Box::new(creation()))),
        any::<bool>().prop_map(|with_evidence| AgentEvent::Vouched(voucher(with_evidence)).into()),
        Just(Event::Validated { device: Device::default() }),
        Just(Event::Succeeded),
        Just(Event::Failed { reason: "so".into() }),
        Just(Event::Cancelled { reason: None, by: None }),
        Just(Event::Expired),
        Just(Event::Deleted),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn the_promises_hold_whatever_is_commanded(evidence_required: bool, steps in vec(step(), 1..30)) {
        let creation = Creation { evidence_required, ..creation() };
        let mut agent = created(&creation);
        for step in &steps {
            agent.look();
            let before = data(&agent).clone();
            let answer = take(&mut agent, step, &creation);
            let after = data(&agent);
            if before.state.is_final() {
                prop_assert_eq!(after.state, before.state, "a final state changed by {:?}", step);
            }
            if before.own.voucher.is_some() {
                prop_assert_eq!(&after.own, &before.own, "an agent vouched twice");
            }
            if after.state == IdentificationState::Validated {
                let voucher = after.own.voucher.as_ref().expect("an agent vouched");
                prop_assert!(voucher.evidence.is_some() || !evidence_required);
            }
            let alive = agent.machine.existing().is_ok_and(|data| !data.state.is_final());
            prop_assert_eq!(alive, agent.machine.wake_at() == Some(creation.expires_at), "after {:?}: {:?}", step, answer);
        }
        let released = agent.effects.iter().filter(|effect| **effect == release()).count();
        prop_assert!(released <= 2, "files are given up at the end and at the deletion");
    }

    #[test]
    fn any_events_in_any_order_can_be_applied(events in vec((any_event(), 0..9999i64), 0..40)) {
        let mut agent = Agent::default();
        for (event, seconds) in &events {
            let before = agent.clone();
            let admitted = event.leads(agent.stage()).is_some();
            agent.apply(start() + Duration::seconds(*seconds), event);
            agent.effects(event);
            prop_assert!(admitted || agent == before, "{:?} does not fit and changed something", event);
            let written = serde_json::to_string(&agent).expect("it can be written");
            prop_assert_eq!(&serde_json::from_str::<Agent>(&written).expect("it can be read back"), &agent);
        }
    }
}
