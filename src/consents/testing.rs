//! Trees, customers and requests for tests: made of numbers, so that random ones are cheap.

use std::sync::Arc;

use workflows::Timestamp;
use workflows::consents::{
    Actor, ActorSource, Caller, Capture, Captured, Choice, Command, ConsentType, CustomerConsents, Deletion, Digest, Display,
    Format, Late, Selected, Statements,
};
use workflows::{Machine, values::CalendarDuration};

use crate::catalogue::consents::{ConsentId, Definition, Dependency, Details, Edition, LanguageTag, Tree, UsersType, View};

/// The moment at which every test begins.
pub(super) fn start() -> Timestamp {
    Timestamp::from_timestamp(1_760_000_000, 0).expect("an instant in 2025")
}

pub(super) fn id(place: usize) -> ConsentId {
    ConsentId::new(&format!("C{place:03}")).expect("an id")
}

pub(super) fn tag(text: &str) -> LanguageTag {
    LanguageTag::new(text).expect("a tag")
}

/// The type of the consent at a place: every third one is of another type.
pub(super) fn consent_type(place: usize) -> ConsentType {
    [ConsentType::OptIn, ConsentType::OptOutPositive, ConsentType::OptOutNegative][place % 3]
}

/// What a tree is made of.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Of each consent, in order, its father.
    pub fathers: Vec<Option<usize>>,
    /// Views with the places of their consents, in any order.
    pub views: Vec<(&'static str, Vec<usize>)>,
    /// Of each consent its languages; all have Spanish.
    pub languages: Vec<Vec<&'static str>>,
    /// In what the texts of one edition differ from those of another.
    pub wording: u32,
}

impl Shape {
    pub(super) fn flat(count: usize) -> Self {
        Self { fathers: vec![None; count], views: Vec::new(), languages: vec![vec!["es"]; count], wording: 0 }
    }

    pub(super) fn edition(&self, number: u32) -> Edition {
        let count = self.fathers.len();
        let children = |father: usize| (0..count).rev().filter(move |child| self.fathers[*child] == Some(father)).map(id);
        let families = (0..count).map(|father| Dependency { father: id(father), child: children(father).collect() });
        let tree = Tree {
            description: "what is asked".into(),
            default_language: tag("es"),
            allowed_languages: ["en", "es", "ca"].map(tag).to_vec(),
            consents_order: (0..count).map(id).collect(),
            priority_consent_ids: vec![id(0)],
            views: self
                .views
                .iter()
                .map(|(view, places)| View { view: (*view).into(), consents: places.iter().map(|place| id(*place)).collect() })
                .collect(),
            dependencies: families.filter(|family| !family.child.is_empty()).collect(),
            channels: vec!["web".into()],
            users_type: UsersType::Customers,
            version: uuid::Uuid::from_u128(number.into()),
            subject: "admin".into(),
            audience: "rubrica".into(),
            change_log: None,
        };
        let consents = (0..count).map(|place| Arc::new(self.definition(place))).collect();
        Edition::new(number, "telco", tree, consents, "ES", start())
    }

    fn definition(&self, place: usize) -> Definition {
        let details = |language: &&str| Details {
            language: tag(language),
            text: format!("{} full {language} {}", id(place), self.wording),
            description: format!("\"{}\"\n{language}", id(place)),
            short_text: format!("{} short {language} {}", id(place), self.wording),
        };
        Definition {
            id: id(place),
            choice_type: consent_type(place),
            expiration: place.is_multiple_of(6).then(|| "P1M".to_owned()),
            details: self.languages[place].iter().map(details).collect(),
            version: uuid::Uuid::from_u128(place as u128),
            subject: "admin".into(),
            audience: "rubrica".into(),
            change_log: None,
        }
    }
}

/// A customer with a journal.
#[derive(Default)]
pub(super) struct Customer {
    pub state: CustomerConsents,
    pub journal: Vec<(Timestamp, <CustomerConsents as Machine>::Event)>,
}

impl Customer {
    fn command(&mut self, now: Timestamp, command: Command) {
        let due = self.state.due_events(now);
        self.fold(now, due);
        let decision = self.state.decide(now, command);
        decision.answer.expect("it is taken");
        self.fold(now, decision.events);
    }

    fn fold(&mut self, now: Timestamp, events: Vec<<CustomerConsents as Machine>::Event>) {
        for event in events {
            self.state.apply(now, &event);
            self.journal.push((now, event));
        }
    }

    /// Choices of the consents at these places, for as long as the definitions say.
    pub(super) fn capture(&mut self, now: Timestamp, choices: &[(usize, Choice)]) {
        let month = CalendarDuration::parse("P1M").expect("a month");
        let select = |&(place, choice): &(usize, Choice)| {
            let consent_type = consent_type(place);
            let expires = choice == Choice::Accepted && place.is_multiple_of(6);
            Selected {
                id: id(place).to_string(),
                choice,
                consent_type,
                expires_at: expires.then(|| month.after(now)),
                shown: true,
            }
        };
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&(self.journal.len() as u64).to_be_bytes());
        let captured = Captured {
            customer_id: "100000000001".into(),
            segment: "telco".into(),
            caller: Caller { subject: "crm".into(), audience: "rubrica".into() },
            actor: Actor { id: "AG1".into(), source: ActorSource::Declared },
            selections: choices.iter().map(select).collect(),
            captured_at: now,
            captured_text: now.to_rfc3339(),
            ip: None,
            sell_channel: None,
            trace_id: None,
            origin: None,
            declared_language: None,
            display: Some(display()),
            digest: Digest(digest),
            notify: false,
            late: Late::Merge,
            identification: None,
        };
        self.command(now, Command::Capture(Box::new(Capture { captured, captures_per_day: u32::MAX })));
    }

    pub(super) fn delete(&mut self, now: Timestamp) {
        let caller = Caller { subject: "crm".into(), audience: "rubrica".into() };
        // Longer than any test waits: nothing is erased.
        let keep_until = now + chrono::Duration::days(100_000);
        self.command(now, Command::Delete(Deletion { caller, by: None, keep_until, notify: false }));
    }
}

/// A display that no deletion voids.
fn display() -> Display {
    Display {
        edition: 1,
        language: "es".into(),
        format: Format::Normal,
        revision: u32::MAX,
        issued_at: start(),
        statements: Statements::All,
        leads: false,
        digest: Digest([0; 32]),
    }
}
