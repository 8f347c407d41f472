//! Why nothing is filled.

use ::documents::forms::FillError;
use uuid::Uuid;
use workflows::values::Problems;

use super::Members;
use super::values::{Values, shown};
use crate::catalogue::{documents, names};
use crate::cpu_pool;
use crate::room::Full;

/// Why nothing is filled. No value is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent cannot be printed: the caller's to mend.
    #[error("the fill is not valid")]
    Invalid(Problems),
    /// The form, template, section or configuration is not there, or cannot be read.
    #[error(transparent)]
    Catalogue(#[from] names::Error),
    /// The result cannot be stored.
    #[error(transparent)]
    Documents(#[from] documents::Error),
    /// A stored form cannot be filled, whatever the values.
    #[error("the form {form} cannot be filled: {reason}")]
    Form { form: String, reason: String },
    /// An image of the configuration cannot be printed.
    #[error("the configuration document {id} cannot be printed: {reason}")]
    Image { id: Uuid, reason: String },
    /// The result would be, or is, larger than may be.
    #[error("{0}; use fewer or smaller sections")]
    TooLarge(String),
    /// The page cannot be drawn.
    #[error("page: {0}")]
    Page(String),
    /// There was no turn, or no end.
    #[error(transparent)]
    Cpu(#[from] cpu_pool::Error),
    /// There is no room for the result at the moment.
    #[error(transparent)]
    Full(#[from] Full),
    /// The template changes faster than it can be read.
    #[error("the template was changed again and again while it was read")]
    Busy,
    /// The processes that draw do not work; that is not the fault of what is drawn.
    #[error("the page could not be drawn: {0}")]
    Drawing(String),
    /// Something that a template uses is not there, though the template is.
    #[error("{0} is missing")]
    Inconsistent(String),
}

impl Error {
    pub(super) fn too_large(message: String) -> Self {
        Self::TooLarge(message)
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// What the engine refuses, in words for the caller.
pub(super) fn of_fill(error: &FillError, values: &Values, members: Members) -> Error {
    match error {
        FillError::Field { name, reason } => Error::Invalid(values.problem(name, &reason.to_string(), members)),
        other => {
            let mut problems = Problems::default();
            problems.note(members.values, shown(&other.to_string()));
            Error::Invalid(problems)
        }
    }
}
