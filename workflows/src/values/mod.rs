//! The values that come from callers, each with its rule: written once, whoever reads the value.
//!
//! A rule answers in words that stand behind a member's name ("`actor.email`: not an e-mail address ..."); [`Problems`] collects them, so that a
//! caller is told everything that is wrong at once.

mod calendar;
pub mod duration;
mod labels;
mod person;
mod problems;
mod texts;

pub use calendar::{CalendarDuration, Error as CalendarError};
pub use labels::{MAX_LABEL, MAX_TAGS, Owner, check_document_name, lowercase_tags, normalised_tags};
pub use person::{
    Channel, Contact, ContactOrigin, Device, DocumentType, EmailAddress, EmailProblem, Hand, IdentificationState,
    IdentificationType, IdentityDocument, Language, MAX_EMAIL, Msisdn, ProviderType, SignType, Staff, TwoFactorType,
    UNDELIVERABLE,
};
pub use problems::{MAX_PROBLEMS, Problem, Problems};
pub use texts::{MAX_AGENT, MAX_ALIAS, MAX_REASON, agent, alias, check_reason, check_second_factor};
