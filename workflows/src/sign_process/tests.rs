use chrono::Duration;

use super::*;
use crate::{
    Answer, Contact, IdentificationType, Msisdn, SignType,
    identification::otp::Policy,
    testing::{Driver, assert_all_transitions_taken, start},
};

mod decline;
mod hand_over;
mod handwriting;
mod link;
mod properties;
mod with_identifications;

fn process() -> Uuid {
    process_id(Uuid::from_u128(0x0192_7000_0000_7000_8000_0000_0000_00ff))
}

fn identification(position: usize) -> Uuid {
    Uuid::from_u128(0x1000 + position as u128)
}

fn signature(position: usize) -> Uuid {
    signature_id(process(), position)
}

fn document(index: usize) -> Uuid {
    Uuid::from_u128(0x2000 + index as u128)
}

fn sealed(index: usize) -> Sealed {
    Sealed { id: Uuid::from_u128(0x3000 + index as u128), digest: format!("{index:064x}"), seal: seal(index) }
}

/// Of every level, one short of what was wanted.
fn seal(index: usize) -> Seal {
    let time_stamp = SealTime { at: start(), authority: "Time stamps".into() };
    let level = [SealLevel::B, SealLevel::T, SealLevel::Lt, SealLevel::Lta][index % 4];
    let has_time = level > SealLevel::B;
    Seal { level, short_of: (index % 2 == 1).then_some(SealLevel::Lta), time_stamp: has_time.then_some(time_stamp) }
}

const CERTIFICATE: Uuid = Uuid::from_u128(0x4000);

fn signer(position: usize) -> Signer {
    Signer {
        alias: format!("signer-{position}"),
        person: Contact { email: Some(format!("s{position}@example.org")), ..Contact::default() },
        identification: identification(position),
        channel: Some(Channel::Email),
        two_factor_type: None,
        evidence_required: false,
    }
}

fn creation(signers: usize, documents: usize) -> Creation {
    let document = |index| Document {
        id: document(index),
        name: format!("contract {index}.pdf"),
        owner: None,
        digest: format!("{index:064x}"),
        size: 18_000,
        pages: 2,
        fields: Vec::new(),
        contract: None,
    };
    Creation {
        id: process(),
        sign_type: SignType::Simple,
        identification_type: IdentificationType::Otp,
        signers: (0..signers).map(signer).collect(),
        documents: (0..documents).map(document).collect(),
        previews: Vec::new(),
        expires_at: start() + Duration::hours(1),
        notices: Vec::new(),
        policy: Policy::default(),
        document_check: None,
        contact_policy: Default::default(),
    }
}

fn handwriting(position: usize) -> Handwriting {
    let fingerprint = |of: usize| Fingerprint { size: 20_480, sha256: format!("{of:064x}") };
    let holder = Holder {
        subject: "CN=Notary".into(),
        issuer: "CN=Notary".into(),
        serial: "01".into(),
        certificate_sha256: format!("{:064x}", 7),
        not_after: start() + Duration::days(365),
    };
    Handwriting {
        format: "rubrica-strokes-1".into(),
        pointer: Some("pen".into()),
        has_pressure: Some(true),
        figures: vec![Figure { name: "duration".into(), value: "2.6".into(), unit: Some("s".into()) }],
        marks: vec!["rate".into()],
        accepted: Some(Accepted { by: "agent 7".into(), figures: vec!["points".into()] }),
        sample: fingerprint(position),
        image: fingerprint(position + 100),
        envelope: fingerprint(position + 200),
        content_encryption: "AES-256-GCM".into(),
        holders: vec![holder],
        file: format!("{:064x}", position + 300),
    }
}

fn device() -> Device {
    Device { ip: Some("192.0.2.1".into()), ..Device::default() }
}

#[derive(Clone)]
struct World {
    process: Driver<SignProcess>,
}

/// What staff does by hand.
fn hand() -> Hand {
    Hand { by: hand_over::staff(), reason: "the customer asks for it".into() }
}

impl World {
    /// A process of two signers and two documents.
    fn new() -> Self {
        Self::of(creation(2, 2))
    }

    fn of(creation: Creation) -> Self {
        let mut world = Self { process: Driver::new() };
        assert_eq!(world.tell(Command::Create(Box::new(creation))), Ok(()));
        world
    }

    fn signed() -> Self {
        let mut world = Self::new();
        for position in 0..2 {
            world.identify(position);
            assert_eq!(world.sign(position), Ok(()));
        }
        world
    }

    fn certified() -> Self {
        let mut world = Self::signed();
        (0..2).for_each(|index| world.seal(index));
        world.certify();
        world
    }

    /// One world per state, by the state's name.
    fn in_each_state() -> Vec<Self> {
        let mut failed = Self::new();
        failed.hear(0, IdentificationState::Failed);
        let mut cancelled = Self::new();
        assert_eq!(cancelled.cancel(), Ok(()));
        let mut expired = Self::new();
        expired.process.advance_and_look(Duration::hours(1));
        let worlds = vec![Self::new(), Self::signed(), Self::certified(), failed, cancelled, expired];
        let names: Vec<_> = worlds.iter().map(|world| world.status().name()).collect();
        assert_eq!(names, ["CREATED", "SIGNED", "CERTIFIED", "FAILED", "CANCELLED", "EXPIRED"]);
        worlds
    }

    fn data(&self) -> &Data {
        self.process.machine.data().expect("it was created")
    }

    fn status(&self) -> Status {
        self.data().status
    }

    fn signature_statuses(&self) -> Vec<SignatureStatus> {
        self.data().signatures.iter().map(|signature| signature.status).collect()
    }

    fn tell(&mut self, command: Command) -> Answer {
        self.process.tell(command)
    }

    fn hear(&mut self, position: usize, state: IdentificationState) {
        let identification = identification(position);
        assert_eq!(self.tell(Command::Identification { identification, state }), Ok(()));
    }

    fn identify(&mut self, position: usize) {
        self.hear(position, IdentificationState::Validated);
    }

    fn preview(&mut self, position: usize) -> Answer {
        let kind = self.process.machine.data().map_or(SignType::Simple, |data| data.creation.sign_type);
        self.preview_as(kind, position)
    }

    fn preview_as(&mut self, kind: SignType, position: usize) -> Answer {
        self.tell(Command::Preview { signature: signature(position), kind, device: device() })
    }

    fn sign(&mut self, position: usize) -> Answer {
        let kind = self.process.machine.data().map_or(SignType::Simple, |data| data.creation.sign_type);
        self.sign_as(kind, position)
    }

    fn sign_as(&mut self, kind: SignType, position: usize) -> Answer {
        let handwriting = (kind == SignType::Biometric).then(|| Box::new(handwriting(position)));
        self.tell(Command::Sign { signature: signature(position), device: device(), handwriting })
    }

    fn cancel(&mut self) -> Answer {
        self.tell(Command::Cancel { reason: "not needed".into(), by: None })
    }

    fn decline(&mut self, position: usize) -> Answer {
        self.tell(Command::Decline { signature: signature(position), reason: "not what we agreed".into(), device: device() })
    }

    fn renew_link(&mut self, position: usize) -> Answer {
        self.tell(Command::RenewLink { signature: signature(position), by: None })
    }

    fn send_link_again(&mut self, position: usize) -> Answer {
        self.tell(Command::SendLinkAgain { signature: signature(position), by: hand() })
    }

    fn seal(&mut self, index: usize) {
        assert_eq!(self.tell(Command::Sealed { document: document(index), sealed: sealed(index) }), Ok(()));
    }

    fn certify(&mut self) {
        assert_eq!(self.tell(Command::Certified { certificate: CERTIFICATE, seal: Seal::default() }), Ok(()));
    }

    fn notice(&mut self, position: usize, delivered: Result<Taken, String>) {
        let command = Command::Noticed { signature: signature(position), notice: Notice::SignRequest, delivered };
        assert_eq!(self.tell(command), Ok(()));
    }
}

fn wrong_state(name: &'static str) -> Answer {
    Err(super::wrong_state(name))
}

fn cancel_effect(position: usize, reason: &str) -> Effect {
    Effect::CancelIdentification { identification: identification(position), reason: reason.into() }
}

fn close_effect(position: usize) -> Effect {
    Effect::CloseIdentification { identification: identification(position) }
}

#[test]
fn the_id_of_a_signature_leads_to_its_process() {
    let ids: Vec<_> = (0..MAX_SIGNERS).map(signature).collect();
    for (position, id) in ids.iter().enumerate() {
        assert_eq!(process_of_signature(*id), process());
        assert!(*id != process() && !ids[..position].contains(id), "the id at {position} is taken");
    }
    let data = World::new().data().clone();
    assert_eq!(data.signatures.iter().map(|signature| signature.id).collect::<Vec<_>>(), ids[..2]);
    assert_eq!((data.position(ids[1]), data.position(ids[2]), data.position(process())), (Some(1), None, None));
}

#[test]
fn a_signature_and_an_identification_are_made_per_signer() {
    let mut world = World::new();
    assert_eq!(world.signature_statuses(), [SignatureStatus::Created; 2]);
    let expected = [0, 1].map(|position| Effect::CreateIdentification { position });
    assert_eq!(world.process.new_effects(), expected);
}

#[test]
fn a_signature_needs_its_own_signers_identification_validated() {
    let mut world = World::new();
    assert_eq!(world.sign(0), Err(not_identified(IdentificationState::Created)));
    world.identify(1);
    assert_eq!(world.sign(0), Err(not_identified(IdentificationState::Created)));
    world.identify(0);
    assert_eq!(world.sign(0), Ok(()));
    assert_eq!(world.signature_statuses(), [SignatureStatus::Succeeded, SignatureStatus::Created]);
    let mut lost = World::new();
    lost.identify(0);
    lost.hear(0, IdentificationState::Expired);
    assert_eq!(lost.sign(0), Err(not_identified(IdentificationState::Expired)));
}

#[test]
fn a_signature_is_made_once_and_uses_its_identification() {
    let mut world = World::new();
    world.identify(0);
    world.process.new_effects();
    assert_eq!(world.sign(0), Ok(()));
    assert_eq!(world.process.new_effects(), [close_effect(0)]);
    assert_eq!(world.data().signatures[0].identification, IdentificationState::Succeeded);
    assert_eq!(world.data().signatures[0].signed, Some(Act { at: start(), device: device() }));
    assert_eq!(world.sign(0), wrong_state("signed already"));
    assert_eq!(world.preview(0), wrong_state("signed already"));
}

#[test]
fn the_last_signature_completes_the_process() {
    let mut world = World::new();
    world.identify(0);
    world.identify(1);
    assert_eq!(world.sign(1), Ok(()));
    assert_eq!((world.status(), world.data().completed_at), (Status::Created, None));
    world.process.new_effects();
    world.process.advance(Duration::seconds(5));
    assert_eq!(world.sign(0), Ok(()));
    assert_eq!((world.status(), world.data().completed_at), (Status::Signed, Some(start() + Duration::seconds(5))));
    assert_eq!(world.signature_statuses(), [SignatureStatus::Succeeded; 2]);
    let seals = [0, 1].map(|index| Effect::Seal { document: document(index) });
    assert_eq!(world.process.new_effects(), [vec![close_effect(0)], seals.to_vec()].concat());
}

#[test]
fn each_document_is_sealed_once_and_then_the_process_certified_once() {
    let mut world = World::signed();
    world.process.new_effects();
    world.seal(1);
    assert_eq!(world.process.new_effects(), []);
    world.tell(Command::Sealed { document: document(1), sealed: sealed(9) }).expect("a repeated report is taken");
    world.tell(Command::Sealed { document: document(7), sealed: sealed(7) }).expect("a stray report is taken");
    assert_eq!(world.data().sealed, [None, Some(sealed(1))]);
    world.seal(0);
    assert_eq!(world.process.new_effects(), [Effect::Certify]);
    assert_eq!(world.data().sealed, [Some(sealed(0)), Some(sealed(1))]);
    world.certify();
    assert_eq!((world.status(), world.data().certificate), (Status::Certified, Some(CERTIFICATE)));
    assert_eq!(world.process.new_effects(), [Effect::Release]);
    let before = world.process.machine.clone();
    world.tell(Command::Certified { certificate: Uuid::nil(), seal: Seal::default() }).expect("a repeated report is taken");
    assert_eq!(world.process.machine, before);
}

#[test]
fn a_contract_is_told_of_its_signed_document_and_other_documents_tell_nobody() {
    let mut of_contract = creation(1, 2);
    let contract = Contract { id: Uuid::from_u128(0x5000), template: "rental".into(), version: "2.1".into() };
    of_contract.documents[1].contract = Some(contract.clone());
    let mut world = World::of(of_contract);
    world.identify(0);
    assert_eq!(world.sign(0), Ok(()));
    world.process.new_effects();
    world.seal(0);
    assert_eq!((world.process.new_effects(), world.data().tell_contracts().count()), (vec![], 0));
    world.seal(1);
    let told = Effect::TellContract { contract: contract.id, signed_document: sealed(1).id };
    assert_eq!(world.process.new_effects(), [told.clone(), Effect::Certify]);
    assert_eq!(world.data().tell_contracts().collect::<Vec<_>>(), [told]);
    assert_eq!(world.data().sealed(document(1)), Some(&sealed(1)));
}

#[test]
fn nothing_is_certified_before_all_documents_are_sealed() {
    let mut world = World::signed();
    world.seal(0);
    world.certify();
    assert_eq!((world.status(), world.data().certificate), (Status::Signed, None));
}

#[test]
fn nothing_is_sealed_before_all_have_signed() {
    let mut world = World::new();
    world.seal(0);
    assert_eq!(world.data().sealed, [None, None]);
}

#[test]
fn a_process_fails_when_sealing_or_certifying_is_given_up() {
    let mut sealing = World::signed();
    sealing.seal(0);
    let mut certifying = World::signed();
    (0..2).for_each(|index| certifying.seal(index));
    for (mut world, effect) in [(sealing, Effect::Seal { document: document(1) }), (certifying, Effect::Certify)] {
        assert!(world.process.effects.contains(&effect));
        world.process.new_effects();
        let given_up = SignProcess::given_up(&effect, "the disk is full").expect("the process must know");
        assert_eq!(world.tell(given_up.clone()), Ok(()));
        assert_eq!((world.status(), world.data().end_reason.as_deref()), (Status::Failed, Some("the disk is full")));
        assert_eq!(world.signature_statuses(), [SignatureStatus::Succeeded; 2], "what was signed stays signed");
        assert_eq!(world.process.new_effects(), [Effect::Release]);
        let before = world.process.machine.clone();
        assert_eq!(world.tell(given_up), Ok(()));
        world.seal(1);
        assert_eq!(world.process.machine, before);
    }
}

#[test]
fn only_a_created_process_can_be_cancelled() {
    for mut world in World::in_each_state() {
        let status = world.status();
        if status == Status::Created {
            assert_eq!(world.cancel(), Ok(()));
            assert_eq!((world.status(), world.data().end_reason.as_deref()), (Status::Cancelled, Some("not needed")));
            assert_eq!(world.signature_statuses(), [SignatureStatus::Cancelled; 2]);
        } else {
            assert_eq!(world.cancel(), wrong_state(status.name()));
            assert_eq!(world.status(), status);
        }
    }
}

#[test]
fn a_process_expires_on_touch_at_exactly_its_limit() {
    let mut world = World::new();
    world.identify(0);
    assert_eq!(world.sign(0), Ok(()));
    world.identify(1);
    assert_eq!(world.process.machine.wake_at(), Some(start() + Duration::hours(1)));
    world.process.advance_and_look(Duration::hours(1) - Duration::nanoseconds(1));
    assert_eq!(world.status(), Status::Created);
    world.process.new_effects();
    world.process.advance(Duration::nanoseconds(1));
    assert_eq!(world.sign(1), wrong_state("EXPIRED"));
    assert_eq!(world.status(), Status::Expired);
    assert_eq!(world.signature_statuses(), [SignatureStatus::Succeeded, SignatureStatus::Expired]);
    assert_eq!(world.process.new_effects(), [cancel_effect(1, "the sign process expired"), Effect::Release]);
    assert_eq!(world.process.machine.wake_at(), None);
}

#[test]
fn a_signed_process_does_not_expire() {
    let mut world = World::signed();
    world.process.advance_and_look(Duration::days(365));
    assert_eq!(world.status(), Status::Signed);
    (0..2).for_each(|index| world.seal(index));
    world.certify();
    assert_eq!(world.status(), Status::Certified);
}

#[test]
fn a_failing_identification_ends_the_process_and_cancels_the_others_once() {
    use IdentificationState::{Cancelled, Failed, Succeeded};
    for state in [Failed, Cancelled, Succeeded] {
        let mut world = World::of(creation(4, 1));
        world.identify(0);
        assert_eq!(world.sign(0), Ok(()));
        world.identify(3);
        world.process.new_effects();
        world.hear(1, state);
        assert_eq!(world.status(), Status::Failed, "{state:?}");
        use SignatureStatus as S;
        assert_eq!(world.signature_statuses(), [S::Succeeded, S::Failed, S::Cancelled, S::Cancelled]);
        let reason = "the sign process failed";
        let expected = [cancel_effect(2, reason), cancel_effect(3, reason), Effect::Release];
        assert_eq!(world.process.new_effects(), expected);
        world.hear(1, state);
        world.hear(2, Cancelled);
        world.hear(3, Failed);
        assert_eq!(world.process.new_effects(), [], "the echoes of the end ask for nothing");
    }
}

#[test]
fn an_expired_identification_waits_for_the_process_to_expire() {
    let mut world = World::new();
    world.hear(0, IdentificationState::Expired);
    assert_eq!(world.status(), Status::Created);
    world.hear(0, IdentificationState::Validated);
    assert_eq!(world.data().signatures[0].identification, IdentificationState::Expired, "late and out of order");
    world.process.new_effects();
    world.process.advance_and_look(Duration::hours(1));
    assert_eq!(world.process.new_effects(), [cancel_effect(1, "the sign process expired"), Effect::Release]);
}

#[test]
fn a_process_fails_when_an_identification_cannot_be_made() {
    let mut world = World::new();
    let effect = world.process.new_effects().remove(1);
    let given_up = SignProcess::given_up(&effect, "no store").expect("the process must know");
    assert_eq!(world.tell(given_up), Ok(()));
    assert_eq!(world.status(), Status::Failed);
    assert_eq!(world.data().end_reason.as_deref(), Some("the identification of a signer could not be made: no store"));
    assert_eq!(world.signature_statuses(), [SignatureStatus::Cancelled, SignatureStatus::Failed]);
    let reason = "the sign process failed";
    let expected = [cancel_effect(0, reason), cancel_effect(1, reason), Effect::Release];
    assert_eq!(world.process.new_effects(), expected, "it may have been made all the same");
}

#[test]
fn an_identification_that_passed_was_made_whatever_is_reported() {
    let mut world = World::new();
    world.identify(1);
    let before = world.process.machine.clone();
    for position in [1, 2, usize::MAX] {
        assert_eq!(world.tell(Command::IdentificationNotMade { position, reason: "late".into() }), Ok(()));
        assert_eq!(world.process.machine, before);
    }
}

#[test]
fn an_identification_is_noted_once_and_a_strange_one_never() {
    let mut world = World::new();
    world.identify(0);
    world.process.advance(Duration::seconds(1));
    let before = world.process.journal.len();
    world.identify(0);
    world.identify(9);
    world.hear(1, IdentificationState::Created);
    assert_eq!(world.process.journal.len(), before);
    assert_eq!(world.data().signatures[0].identified_at, Some(start()));
}

#[test]
fn the_end_of_a_used_identification_changes_nothing() {
    let mut world = World::new();
    world.identify(0);
    assert_eq!(world.sign(0), Ok(()));
    let before = world.process.machine.clone();
    for state in [IdentificationState::Succeeded, IdentificationState::Expired, IdentificationState::Cancelled] {
        world.hear(0, state);
        assert_eq!(world.process.machine, before);
    }
}

#[test]
fn late_results_are_ignored_after_the_end() {
    for mut world in World::in_each_state().into_iter().filter(|world| world.status().is_final()) {
        let (before, effects) = (world.process.machine.clone(), world.process.effects.len());
        world.process.advance_and_look(Duration::days(1));
        world.identify(0);
        world.hear(1, IdentificationState::Failed);
        world.seal(0);
        world.certify();
        world.notice(0, Ok(Taken::default()));
        assert_eq!(world.tell(Command::SealingGivenUp { reason: "late".into() }), Ok(()));
        assert_eq!(world.tell(Command::IdentificationNotMade { position: 0, reason: "late".into() }), Ok(()));
        assert_eq!(world.sign(0), wrong_state(world.status().name()));
        assert_eq!(world.preview(0), wrong_state(world.status().name()));
        assert_eq!((&world.process.machine, world.process.effects.len()), (&before, effects));
    }
}

#[test]
fn notices_go_to_the_first_channel_that_reaches_the_signer() {
    let mut creation = creation(3, 1);
    creation.notices = vec![Channel::Whatsapp, Channel::Email];
    creation.signers[1].person.msisdn = Some(Msisdn { phone_number: 600_111_222, country_code: "34".into() });
    creation.signers[2].person.email = None;
    let mut world = World::of(creation);
    let notices = |effects: Vec<Effect>, notice| {
        let expected = [(0, Channel::Email), (1, Channel::Whatsapp)];
        let expected = expected.map(|(position, channel)| Effect::Notify { signature: signature(position), notice, channel });
        let found: Vec<_> = effects.into_iter().filter(|effect| matches!(effect, Effect::Notify { .. })).collect();
        assert_eq!(found, expected);
    };
    notices(world.process.new_effects(), Notice::SignRequest);
    for position in 0..3 {
        world.identify(position);
        assert_eq!(world.sign(position), Ok(()));
    }
    world.seal(0);
    world.certify();
    notices(world.process.new_effects(), Notice::Certified);
}

#[test]
fn what_became_of_a_notice_is_in_the_journal_of_a_living_or_certified_process() {
    for mut world in World::in_each_state() {
        let before = world.process.journal.len();
        world.notice(0, Err("mailbox full".into()));
        world
            .tell(Command::Noticed { signature: signature(9), notice: Notice::Certified, delivered: Ok(Taken::default()) })
            .expect("stray");
        let recorded = !matches!(world.status(), Status::Failed | Status::Cancelled | Status::Expired);
        assert_eq!(world.process.journal.len() - before, usize::from(recorded), "{:?}", world.status());
    }
}

#[test]
fn giving_up_a_notice_is_a_notice_that_failed() {
    let effect = Effect::Notify { signature: signature(0), notice: Notice::SignRequest, channel: Channel::Email };
    let mut world = World::new();
    assert_eq!(world.tell(SignProcess::given_up(&effect, "no server").expect("it is recorded")), Ok(()));
    let expected = Event::Noticed {
        signature: signature(0),
        notice: Notice::SignRequest,
        taken: Taken::default(),
        failure: Some("no server".into()),
    };
    assert_eq!(world.process.journal.last().map(|(_, event)| event), Some(&expected));
}

#[test]
fn a_repeated_creation_changes_nothing_and_another_one_is_refused() {
    for mut world in World::in_each_state() {
        let before = (world.process.journal.len(), world.process.effects.len());
        assert_eq!(world.tell(Command::Create(Box::new(creation(2, 2)))), Ok(()));
        assert_eq!(world.tell(Command::Create(Box::new(creation(1, 2)))), Err(EXISTS));
        assert_eq!((world.process.journal.len(), world.process.effects.len()), before);
    }
}

#[test]
fn a_process_that_could_never_end_is_not_created() {
    let repeated = |change: fn(&mut Creation)| {
        let mut creation = creation(2, 2);
        change(&mut creation);
        creation
    };
    let preview = Preview { id: Uuid::nil(), name: "terms.pdf".into(), digest: String::new() };
    let refused = [
        creation(0, 1),
        creation(MAX_SIGNERS + 1, 1),
        creation(1, 0),
        creation(1, MAX_DOCUMENTS + 1),
        Creation { previews: vec![preview], ..creation(1, MAX_DOCUMENTS) },
        repeated(|creation| creation.signers[1].alias = creation.signers[0].alias.clone()),
        repeated(|creation| creation.signers[1].identification = creation.signers[0].identification),
        repeated(|creation| creation.documents[1].id = creation.documents[0].id),
        repeated(|creation| creation.id = signature(0)),
    ];
    for creation in refused {
        let mut process = Driver::<SignProcess>::new();
        let answer = process.tell(Command::Create(Box::new(creation)));
        assert!(matches!(answer, Err(Refusal::Invalid(_))), "{answer:?}");
        assert!(process.machine.existing().is_err());
    }
    World::of(creation(MAX_SIGNERS, MAX_DOCUMENTS));
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut never = World { process: Driver::new() };
    assert_eq!(never.sign(0), Err(NOT_FOUND));
    assert_eq!(never.preview(0), Err(NOT_FOUND));
    assert_eq!(never.cancel(), Err(NOT_FOUND));
    never.identify(0);
    never.seal(0);
    assert!(never.process.journal.is_empty() && never.process.machine.existing().is_err());
    for mut world in World::in_each_state() {
        assert_eq!(world.sign(2), Err(NOT_FOUND));
        assert_eq!(world.preview(2), Err(NOT_FOUND));
        let command = Command::Sign { signature: process(), device: device(), handwriting: None };
        assert_eq!(world.tell(command), Err(NOT_FOUND));
    }
}

#[test]
fn previews_are_noted_up_to_a_bound_and_the_first_is_kept() {
    let mut world = World::new();
    let before = world.process.journal.len();
    for _ in 0..MAX_PREVIEWS + 5 {
        assert_eq!(world.preview(0), Ok(()));
        world.process.advance(Duration::seconds(1));
    }
    assert_eq!(world.process.journal.len() - before, MAX_PREVIEWS as usize);
    assert_eq!(world.data().signatures[0].previewed, Some(Act { at: start(), device: device() }));
    assert_eq!(world.data().signatures[1].previewed, None);
}

#[test]
fn a_journal_beyond_the_bounds_does_not_panic() {
    let mut process = SignProcess::default();
    let created = Event::Created(Box::new(creation(300, 0)));
    process.apply(start(), &created);
    assert_eq!(process.data().map(|data| data.signatures.len()), Some(300));
    assert_eq!(process.effects(&created).len(), 300);
}

#[test]
fn a_journal_that_was_tampered_with_does_not_open_what_has_ended() {
    let mut world = World::new();
    assert_eq!(world.cancel(), Ok(()));
    let before = world.process.machine.clone();
    for event in [
        Event::Completed,
        Event::Certified { certificate: CERTIFICATE, seal: Seal::default() },
        Event::Created(Box::new(creation(1, 1))),
    ] {
        world.process.machine.apply(start(), &event);
        assert_eq!(world.process.machine, before);
    }
}

#[test]
fn every_transition_of_the_table_is_taken() {
    let mut scenarios = World::in_each_state();
    for world in &mut scenarios {
        world.notice(1, Ok(Taken { provider_id: Some("sent-1".into()), ..Taken::default() }));
    }
    let mut lost = World::new();
    assert_eq!(lost.preview(0), Ok(()));
    lost.identify(0);
    assert_eq!(lost.hand_over(0), Ok(()));
    lost.hear(0, IdentificationState::Expired);
    let mut unsealed = World::signed();
    assert_eq!(unsealed.tell(Command::SealingGivenUp { reason: "the disk is full".into() }), Ok(()));
    let mut declined = World::of(Creation { notices: vec![Channel::Email], ..creation(1, 1) });
    assert_eq!((declined.renew_link(0), declined.send_link_again(0), declined.decline(0)), (Ok(()), Ok(()), Ok(())));
    scenarios.extend([lost, unsealed, declined]);
    assert_all_transitions_taken(&scenarios.into_iter().map(|world| world.process).collect::<Vec<_>>());
}
