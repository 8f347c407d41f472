use super::*;
use crate::{
    Answer, Contact, DocumentType, IdentityDocument, Machine, TwoFactorType,
    testing::{Driver, SECRET, assert_all_transitions_taken, hash, start, typed},
};

mod again;
mod chain;
mod codes;
mod delivery;
mod fates;
mod life;
mod limits;
mod number;
mod properties;
mod second_factor;

const PROCESS: Uuid = Uuid::from_u128(7);
const CHAIN: Uuid = Uuid::from_u128(8);
const DOCUMENT_NUMBER: &str = "12345678Z";

fn creation() -> Creation {
    let document = IdentityDocument {
        document_number: DOCUMENT_NUMBER.into(),
        document_type: DocumentType::Nif,
        country: Some("ES".into()),
    };
    Creation {
        actor: Contact { identity_document: Some(document), email: Some("ana@example.org".into()), ..Contact::default() },
        channel: Channel::Email,
        external: false,
        two_factor_type: None,
        expires_at: start() + Duration::hours(1),
        policy: Policy::default(),
        contact_policy: ContactPolicy::default(),
        link_channel: None,
        purpose: Purpose { sign_process: Some(PROCESS), ..Purpose::default() },
    }
}

/// An identification, and the codes that its person got so far.
#[derive(Clone)]
struct World {
    otp: Driver<Otp>,
    codes: u128,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Creation)) -> Self {
        let mut creation = creation();
        change(&mut creation);
        let mut world = Self { otp: Driver::new(), codes: 0 };
        assert_eq!(world.otp.tell(Command::Create(Box::new(creation))), Ok(()));
        world
    }

    fn with_policy(policy: Policy) -> Self {
        Self::with(|creation| creation.policy = policy)
    }

    fn asked() -> Self {
        let mut world = Self::new();
        assert_eq!(world.ask(), Ok(()));
        world
    }

    fn validated() -> Self {
        let mut world = Self::asked();
        assert_eq!(world.answer(1), Ok(()));
        world
    }

    /// A step of a chain that is VALIDATED by its second code, after a wrong answer to the first.
    fn validated_step() -> Self {
        let mut world = Self::with(|creation| creation.purpose = Purpose { chain: Some(CHAIN), ..Purpose::default() });
        assert_eq!(world.ask(), Ok(()));
        assert_eq!(world.answer_wrong(), Err(WRONG_ANSWER));
        world.wait_and_ask();
        assert_eq!(world.answer(2), Ok(()));
        world
    }

    /// One world per state that is not deleted, by the state's name.
    fn in_each_state() -> Vec<Self> {
        let mut succeeded = Self::validated();
        assert_eq!(succeeded.otp.tell(Command::Close), Ok(()));
        let mut failed = Self::with_policy(Policy { challenges: 1, attempts: 1, ..Policy::default() });
        assert_eq!(failed.ask(), Ok(()));
        assert_eq!(failed.answer_wrong(), Err(WRONG_ANSWER));
        let mut cancelled = Self::new();
        assert_eq!(cancelled.otp.tell(Command::Cancel { reason: Some("a mistake".into()), by: None }), Ok(()));
        let mut expired = Self::asked();
        expired.otp.advance_and_look(Duration::hours(1));
        let worlds = vec![Self::asked(), Self::validated(), succeeded, failed, cancelled, expired];
        let names: Vec<_> = worlds.iter().map(|world| world.otp.machine.stage().name()).collect();
        assert_eq!(names, ["CREATED", "VALIDATED", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]);
        worlds
    }

    fn data(&self) -> &Data {
        self.otp.machine.existing().expect("it is there")
    }

    fn state(&self) -> IdentificationState {
        self.data().state
    }

    /// Asks for the next code; the first has the number 1.
    fn ask(&mut self) -> Answer {
        self.ask_with(None)
    }

    fn ask_with(&mut self, two_factor: Option<&str>) -> Answer {
        let id = Uuid::from_u128(self.codes + 1);
        let hash = hash(id, &code(self.codes + 1));
        let answer = self.otp.tell(CodeCommand::Challenge { id, hash, two_factor: two_factor.map(Into::into) });
        self.codes += u128::from(answer.is_ok());
        answer
    }

    /// Waits until another code can be asked for, and asks.
    fn wait_and_ask(&mut self) {
        self.otp.now = self.data().next_challenge_retry().expect("a code is left").max(self.otp.now);
        assert_eq!(self.ask(), Ok(()));
    }

    /// Types the code with this number.
    fn answer(&mut self, number: u128) -> Answer {
        self.answer_with(code(number), None)
    }

    fn answer_wrong(&mut self) -> Answer {
        self.answer_with(format!("{SECRET} wrong"), None)
    }

    fn answer_with(&mut self, code: String, two_factor: Option<&str>) -> Answer {
        let device = Device { ip: Some("192.0.2.1".into()), ..Device::default() };
        self.otp.tell(CodeCommand::Validate {
            code: typed(self.current(), &code),
            two_factor: two_factor.map(Into::into),
            device,
            resume: None,
        })
    }

    fn current(&self) -> Option<Uuid> {
        self.otp.machine.existing().ok().and_then(Data::current_challenge)
    }

    fn delivered(&mut self, number: u128) {
        self.delivered_on(number, None, false);
    }

    fn delivered_on(&mut self, number: u128, channel: Option<Channel>, reports: bool) {
        let taken = Taken { provider_id: Some("sent-1".into()), reports, ..Taken::default() };
        let command = CodeCommand::Delivered { challenge: Uuid::from_u128(number), channel, taken };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    fn receipt(&mut self, number: u128, status: ReceiptStatus) {
        self.receipt_on(number, None, status);
    }

    fn receipt_on(&mut self, number: u128, channel: Option<Channel>, status: ReceiptStatus) {
        let word = format!("{status:?}").to_lowercase();
        let command = CodeCommand::Receipt { challenge: Uuid::from_u128(number), channel, status, word };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    fn not_delivered(&mut self, number: u128) {
        self.not_delivered_on(number, None);
    }

    fn not_delivered_on(&mut self, number: u128, channel: Option<Channel>) {
        let reason = "no such number".into();
        let command = CodeCommand::NotDelivered { challenge: Uuid::from_u128(number), channel, reason };
        assert_eq!(self.otp.tell(command), Ok(()));
    }

    fn delivery_unknown(&mut self, number: u128) {
        let reason = "it took too long".into();
        let command = CodeCommand::DeliveryUnknown { challenge: Uuid::from_u128(number), channel: None, reason };
        assert_eq!(self.otp.tell(command), Ok(()));
    }
}

fn code(number: u128) -> String {
    format!("{SECRET} {number}")
}

fn told(state: IdentificationState) -> Effect {
    Effect::TellProcess { sign_process: PROCESS, state }
}

fn wrong_state(name: &'static str) -> Answer {
    Err(super::wrong_state(name))
}

/// Journals outlive versions: these are entries as the first version wrote them.
#[test]
fn what_an_earlier_version_wrote_is_read_and_written_the_same() {
    let at = "2026-01-02T03:04:05Z";
    let id = Uuid::nil();
    let created = r#"{"type":"created","actor":{"language":"UNDEFINED"},"channel":"SMS","external":false,"expires_at":"$at",
        "policy":{"challenges":3,"attempts":3,"digits":6,"digits_email":8,"code_seconds":300,"cooldown_seconds":[30],"failures":100},
        "purpose":{"signature":"$id"}}"#;
    let events = [
        created,
        r#"{"type":"challenged","id":"$id","hash":"00ff","until":"$at"}"#,
        r#"{"type":"delivered","challenge":"$id","provider_id":"sent-1"}"#,
        r#"{"type":"not_delivered","challenge":"$id","reason":"lost"}"#,
        r#"{"type":"receipt","challenge":"$id","status":"delivered","word":"delivered"}"#,
        r#"{"type":"delivered","challenge":"$id","channel":"SMS","provider_id":"sent-1","provider":"es","sender":"Acme","reports":true}"#,
        r#"{"type":"not_delivered","challenge":"$id","channel":"SMS","reason":"lost"}"#,
        r#"{"type":"delivery_unknown","challenge":"$id","reason":"it took too long"}"#,
        r#"{"type":"fate_unknown","challenge":"$id","channel":"EMAIL"}"#,
        r#"{"type":"rerouted","challenge":"$id","channel":"EMAIL"}"#,
        r#"{"type":"wrong_answer","at_challenge":false}"#,
        r#"{"type":"contact_confirmed","by":"clerk-7","reason":"called back"}"#,
        r#"{"type":"number_checked","challenge":"$id","refusal":"SIM_SWAP: changed",
            "answers":[{"check":{"type":"sim_swap","max_age_hours":72},"outcome":"failed","detail":"changed"}]}"#,
        r#"{"type":"validated","device":{"ip":"192.0.2.1"}}"#,
        r#"{"type":"resume_kept","hash":"00ff"}"#,
        r#"{"type":"proved_again","device":{"ip":"192.0.2.1"}}"#,
        r#"{"type":"succeeded"}"#,
        r#"{"type":"failed","reason":"too many wrong answers"}"#,
        r#"{"type":"cancelled","reason":"a mistake"}"#,
        r#"{"type":"expired"}"#,
        r#"{"type":"restarted","round":1}"#,
        r#"{"type":"deleted"}"#,
    ];
    let effects = [
        r#"{"type":"send_code","challenge":"$id","until":"$at"}"#,
        r#"{"type":"check_number","challenge":"$id","until":"$at"}"#,
        r#"{"type":"reroute","challenge":"$id","channel":"EMAIL","until":"$at"}"#,
        r#"{"type":"tell_process","sign_process":"$id","state":"VALIDATED"}"#,
        r#"{"type":"tell_chain","chain":"$id","told":{"round":1,"state":"CANCELLED","deleted":true,"at":"$at"}}"#,
        r#"{"type":"tell_chain","chain":"$id","told":{"round":0,"state":"VALIDATED","at":"$at"}}"#,
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
    let mut scenarios = World::in_each_state();
    let mut created = World::new();
    assert_eq!(created.otp.tell(Command::Delete { force: false }), Ok(()));
    for world in &mut scenarios {
        assert_eq!(world.otp.tell(Command::Delete { force: true }), Ok(()));
    }
    let mut delivered = World::asked();
    delivered.delivered(1);
    delivered.wait_and_ask();
    delivered.not_delivered(2);
    delivered.receipt(1, ReceiptStatus::Delivered);
    let mut late = World::asked();
    late.wait_and_ask();
    assert_eq!(late.answer(2), Ok(()));
    late.delivered(1);
    late.not_delivered(2);
    late.receipt(2, ReceiptStatus::Read);
    let mut reported = World::asked();
    reported.delivered_on(1, None, true);
    reported.wait_and_ask();
    reported.delivered_on(2, None, true);
    reported.otp.advance_and_look(Duration::seconds(600));
    let mut overdue = World::validated();
    overdue.delivery_unknown(1);
    let mut old = World::asked();
    old.delivered_on(1, None, true);
    old.wait_and_ask();
    assert_eq!(old.answer(2), Ok(()));
    old.otp.advance_and_look(Duration::seconds(600));
    let mut unknown = World::asked();
    unknown.delivery_unknown(1);
    let rerouted = fates::failed_once();
    scenarios.extend([reported, overdue, old, unknown, rerouted]);
    let mut cancelled = late.clone();
    assert_eq!(cancelled.otp.tell(Command::Cancel { reason: None, by: None }), Ok(()));
    late.otp.advance_and_look(Duration::hours(2));
    let mut checked = World::with(number::all_on);
    assert_eq!(checked.ask(), Ok(()));
    checked.operator_says(1, NumberOutcome::Passed);
    assert_eq!(checked.confirm("called back"), Ok(()));
    let mut restarted = World::validated_step();
    for round in [1, 2] {
        assert_eq!(restarted.otp.tell(Command::Restart { round }), Ok(()));
    }
    scenarios.extend(again::scenarios());
    scenarios.extend([created, delivered, late, cancelled, checked, restarted]);
    assert_all_transitions_taken(&scenarios.into_iter().map(|world| world.otp).collect::<Vec<_>>());
}
