//! The catalogue: documents, sign configurations, forms, sections and the configuration of templates, as versioned records with their whole
//! history.
//!
//! Nothing here needs an actor: one compare-and-put decides who changed a record. Nothing here knows HTTP.

pub mod consents;
mod contents;
pub mod contracts;
pub mod documents;
pub mod dynamic_templates;
pub mod editions;
pub mod fields;
pub mod forms;
mod holders;
pub mod item;
pub mod names;
pub mod orphans;
pub mod page_configuration;
mod references;
mod remembered;
pub mod sealed_files;
pub mod sections;
pub mod sign_configuration;
pub mod template_configurations;
pub mod templates;
pub mod versioned;

pub use holders::Held;
pub use references::{Holder, LEASE};

use crate::records;

/// Why the catalogue could not do its work, whatever the item.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store, or the blobs beside it, failed; nothing was written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A record could not be read or changed.
    #[error(transparent)]
    Record(#[from] records::Error),
    /// The bytes of a document that should be there are not.
    #[error("the bytes of {0} are missing")]
    BytesMissing(String),
    /// The work on a document or a key file had no turn, or no end.
    #[error(transparent)]
    Cpu(#[from] crate::cpu_pool::Error),
    /// A file could not be sealed or opened: another master key, or damaged bytes.
    #[error("a sealed file: {0}")]
    Sealed(String),
    /// The processes that draw pages do not work; that is not the document's fault.
    #[error("the pages could not be compared: {0}")]
    Drawing(String),
}

impl Error {
    /// Whether the same call may work a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(store::Error::Unavailable(_)) | Self::Drawing(_) => true,
            Self::Record(error) => error.is_transient(),
            Self::Cpu(error) => error.is_transient(),
            Self::Store(_) | Self::BytesMissing(_) | Self::Sealed(_) => false,
        }
    }
}
