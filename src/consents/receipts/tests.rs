use actors::journal::{Reader, Sealer, Writer};
use chrono::Duration;
use store::Entry;
use uuid::Uuid;
use workflows::Machine;

use super::super::profile::tests::whole;
use super::super::testing::{Customer, start};
use super::*;

const CUSTOMER: &str = "100000000001";

fn identity() -> Identity {
    let file = Identity::development("Shop", "Tests", start(), "password").unwrap();
    Identity::open(&file, "password", start()).unwrap()
}

fn trust() -> Trust {
    Trust { roots: vec![identity().certificates().last().unwrap().to_vec()] }
}

/// The customer's journal as a store would give it back.
fn journal(customer: &Customer) -> Journal {
    let entity = Entity::new("acme", CustomerConsents::KIND, Uuid::from_u128(7));
    let sealer = Sealer::new(&[3; 32]);
    let mut writer = Writer::new(&sealer, &entity).unwrap();
    let mut reader = Reader::new(&sealer, &entity, Some(writer.slot())).unwrap();
    let lines = (1..).zip(&customer.journal).map(|(seq, (at, event))| {
        let body = writer.write(*at, &Fact::Event(event.clone())).unwrap();
        reader.line(&Entry { seq, at: *at, commit_id: Uuid::nil(), body }).unwrap()
    });
    Journal { lines: lines.collect(), entity }
}

fn profile(profile: Profile) -> Numbered {
    Numbered { version: 1, at: start(), profile }
}

fn receipt_with(customer: &Customer, revision: u32, profile: &Numbered) -> Result<Receipt, Error> {
    receipt_of(&journal(customer), revision, profile)
}

fn receipt_of(journal: &Journal, revision: u32, profile: &Numbered) -> Result<Receipt, Error> {
    let (step, before) = journal.step(revision).expect("the revision");
    make(&Source {
        journal,
        step: &step,
        before: &before,
        edition: None,
        profile,
        customer_id: CUSTOMER,
        segment: "telco",
        issued_at: start(),
    })
}

fn receipt(customer: &Customer, revision: u32) -> Receipt {
    receipt_with(customer, revision, &profile(whole())).unwrap()
}

/// C000 is accepted, then withdrawn; C001, from which one may opt out, is objected to.
fn customer() -> Customer {
    let mut customer = Customer::default();
    customer.capture(start(), &[(0, Choice::Accepted), (1, Choice::Rejected)]);
    customer.capture(start() + Duration::hours(1), &[(0, Choice::Rejected)]);
    customer
}

fn states(receipt: &Receipt) -> Vec<EventState> {
    receipt.events.iter().map(|event| event.event_state).collect()
}

#[test]
fn a_receipt_says_what_was_chosen_and_what_it_replaces() {
    let journal = journal(&customer());
    let [given, withdrawn] = [1, 2].map(|revision| receipt_of(&journal, revision, &profile(whole())).unwrap());
    assert_eq!(states(&given), [EventState::Given, EventState::Objected]);
    assert_eq!(given.events[1].event_type, EventType::Objection);
    assert_eq!(given.consents[1].lawful_basis, whole().processing.lawful_basis.unwrap());
    assert!(given.supersedes.is_empty() && given.events[0].validity_duration.is_some());
    assert_eq!(states(&withdrawn), [EventState::Withdrawn]);
    let replaced = Superseded { purpose_id: "C000".into(), revision: 1, receipt_id: given.receipt_id };
    assert_eq!(withdrawn.supersedes, [replaced]);
    assert_ne!(given.receipt_id, withdrawn.receipt_id);
    assert_eq!((withdrawn.journal.entries.len(), withdrawn.disclosed.len()), (2, 1));
    assert!(!withdrawn.disclosed[0].json.contains("C001"), "another entry is not shown");
}

#[test]
fn the_same_entry_has_the_same_receipt_id_and_a_refusal_is_no_withdrawal() {
    let mut customer = Customer::default();
    customer.capture(start(), &[(0, Choice::Rejected), (1, Choice::Accepted)]);
    assert_eq!(states(&receipt(&customer, 1)), [EventState::Refused, EventState::NotObjected]);
    let journal = journal(&customer);
    let (step, before) = journal.step(1).unwrap();
    let of = |issued_at| {
        let profile = profile(whole());
        let source = Source {
            journal: &journal,
            step: &step,
            before: &before,
            edition: None,
            profile: &profile,
            customer_id: CUSTOMER,
            segment: "telco",
            issued_at,
        };
        make(&source).unwrap().receipt_id
    };
    assert_eq!(of(start()), of(start() + Duration::days(900)));
}

#[test]
fn a_deletion_has_a_receipt_that_shows_no_capture() {
    let mut customer = customer();
    customer.delete(start() + Duration::hours(2));
    let deletion = receipt(&customer, 3);
    assert_eq!(states(&deletion), [EventState::Deleted; 2]);
    assert!(deletion.consents.is_empty() && deletion.supersedes.len() == 2);
    deletion.check().unwrap();
}

#[test]
fn a_profile_that_lacks_something_is_told_what() {
    let mut lacking = whole();
    lacking.processing.jurisdiction = None;
    lacking.processing.storage_locations = None;
    let refused = receipt_with(&customer(), 1, &profile(lacking)).unwrap_err();
    assert!(matches!(&refused, Error::Missing(missing) if *missing == ["jurisdiction", "storage_locations"]), "{refused}");
}

#[test]
fn a_signed_receipt_is_verified_by_itself() {
    let identity = identity();
    let signed = sign(&receipt(&customer(), 2), &identity).unwrap();
    let read = SignedJson::<Receipt>::from_json(&signed.to_json()).unwrap();
    let trust = Trust { roots: vec![identity.certificates().last().unwrap().to_vec()] };
    let verified = check(&read, &trust, start() + Duration::days(1)).unwrap();
    assert!(verified.trust.is_trusted());
    assert_eq!(verified.receipt, receipt_as_signed(&read));
    // It was signed while the certificate was valid, whenever it is verified.
    assert!(check(&read, &trust, start() + Duration::days(40 * 365)).unwrap().trust.is_trusted());
    assert!(!check(&read, &self::trust(), start()).unwrap().trust.is_trusted(), "another root of the same name");
}

fn receipt_as_signed(signed: &SignedJson<Receipt>) -> Receipt {
    signed.unverified().unwrap()
}

/// What an organization says in a receipt that it signs has to be what its journal holds.
#[test]
fn a_receipt_that_says_something_else_than_the_entry_is_refused_though_it_is_signed() {
    let good = receipt(&customer(), 1);
    good.check().unwrap();
    let changes: [fn(&mut Receipt); 9] = [
        |receipt| receipt.consents[0].choice = Choice::Rejected,
        |receipt| receipt.consents.truncate(1),
        |receipt| receipt.pii_principal_id = "100000000002".into(),
        |receipt| receipt.segment = "energy".into(),
        |receipt| receipt.events[0].event_time += Duration::seconds(1),
        |receipt| receipt.disclosed[0].json = receipt.disclosed[0].json.replace("C000", "C009"),
        |receipt| receipt.disclosed[0].salt = "00".repeat(32),
        |receipt| receipt.journal.entries[0].at += Duration::seconds(1),
        |receipt| receipt.record_id = Uuid::nil(),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut changed = good.clone();
        change(&mut changed);
        assert!(changed.check().is_err(), "change {place}");
        let identity = identity();
        let signed = sign(&changed, &identity).unwrap();
        assert!(check(&signed, &trust(), start()).is_err(), "change {place}, signed");
    }
    // An event that is not of a shown entry.
    let mut other = receipt(&customer(), 2);
    other.disclosed = good.disclosed;
    assert!(other.check().is_err());
}
