//! The catalogue: documents and sign configurations as versioned records with their whole history.
//!
//! Nothing here needs an actor: one compare-and-put decides who changed a record. Nothing here knows HTTP.

pub mod documents;
mod records;
mod references;
pub mod sign_configuration;

pub use references::Holder;

/// One thing that is wrong with what a caller sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The member, as the contract names it.
    pub member: &'static str,
    /// What is wrong with it; quotes nothing secret.
    pub message: String,
}

impl Problem {
    fn new(member: &'static str, message: impl Into<String>) -> Self {
        Self { member, message: message.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.member, self.message)
    }
}

/// Why the catalogue could not do its work, whatever the item.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store, or the blobs beside it, failed; nothing was written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A record is not what this version of the program writes.
    #[error("the record {0} cannot be read")]
    Unreadable(String),
    /// Others kept changing the same record; trying later may work.
    #[error("the record {0} is changed by too many at once")]
    Contended(String),
    /// The engine could not tell, several times in a row, whether it wrote.
    #[error("whether the record {0} was written is not known")]
    Undecided(String),
    /// The bytes of a document that should be there are not.
    #[error("the bytes of {0} are missing")]
    BytesMissing(String),
    /// The work on a document or a key file had no turn, or no end.
    #[error(transparent)]
    Cpu(#[from] crate::cpu_pool::Error),
    /// The processes that draw pages do not work; that is not the document's fault.
    #[error("the pages could not be compared: {0}")]
    Drawing(String),
}

impl Error {
    /// Whether the same call may work a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(store::Error::Unavailable(_)) | Self::Contended(_) | Self::Undecided(_) | Self::Drawing(_) => true,
            Self::Cpu(error) => error.is_transient(),
            Self::Store(_) | Self::Unreadable(_) | Self::BytesMissing(_) => false,
        }
    }
}
