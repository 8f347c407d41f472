//! The machines: the life of each kind of process as a pure state machine over a journal.
//!
//! Nothing here knows a clock, I/O or async: time and identifiers come in with commands, events and effects go out as
//! data. The host (`actors`) journals the events, performs the effects and brings their results back as commands.

mod attribute;
pub mod consents;
pub mod diagram;
pub mod fill;
pub mod identification;
mod machine;
mod refusal;
pub mod scoring;
pub mod sign_process;
pub mod table;
#[cfg(test)]
mod testing;
pub mod values;

pub use attribute::Attribute;
pub use machine::{Answer, Decision, Machine};
pub use refusal::Refusal;
pub use values::{
    Channel, Contact, ContactOrigin, Device, DocumentType, EmailAddress, EmailProblem, Hand, IdentificationState,
    IdentificationType, IdentityDocument, Language, MAX_EMAIL, Msisdn, ProviderType, SignType, Staff, TwoFactorType,
};

/// An instant in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
