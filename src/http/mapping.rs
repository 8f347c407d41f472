//! What each error of the rooms below means to the caller: all of them, and nowhere else. [`super::error`] makes the answers.

use std::time::Duration;

use workflows::{Refusal, values::Problems};

use super::{ApiError, operation::Operation};
use crate::{
    access,
    catalogue::{self, consents, contracts, documents, names, sign_configuration},
    channels, code_limits,
    consents::{links, profile, proofs, service},
    cpu_pool, erasure, filling, handwriting, page_view,
    processes::{self, challenges, creation, fill, vouching},
    public_url, receipts, records, verify,
};

/// When a call that met a full mailbox, a busy store or too many uploads is worth repeating.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// When a call that met an unreachable key source is worth repeating.
const KEYS_RETRY: Duration = Duration::from_secs(5);

/// When a fill that found the queue full is worth another request: some hundreds are rendered meanwhile.
const QUEUE_RETRY: Duration = Duration::from_secs(10);

impl From<access::Error> for ApiError {
    fn from(error: access::Error) -> Self {
        match error {
            access::Error::KeysUnavailable => Self::unavailable(error, KEYS_RETRY),
            error => Self::unauthorized(error.to_string()),
        }
    }
}

impl Operation {
    /// Of a token that is good but does not open the operation.
    pub fn denies(&self, denied: access::Denied) -> ApiError {
        let details = denied.to_string();
        if self.forbids { ApiError::forbidden(details) } else { ApiError::unauthorized(details) }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NotFound(_) => Self::not_found(message),
            Refusal::State(_) | Refusal::Exists(_) => Self::conflict(message),
            Refusal::Forbidden(_) => Self::forbidden(message),
            Refusal::Gone(_) => Self::gone(message),
            Refusal::Busy { wait, .. } => Self::too_many_requests(message, wait.to_std().unwrap_or(RETRY_AFTER)),
            Refusal::TooEarly { .. } => Self::precondition_failed(message),
            Refusal::Invalid(_) => Self::input(message),
        }
    }
}

impl From<actors::Error> for ApiError {
    fn from(error: actors::Error) -> Self {
        match error {
            actors::Error::Refused(refusal) => refusal.into(),
            actors::Error::Overloaded => Self::unavailable("a mailbox is full", RETRY_AFTER),
            actors::Error::Unavailable(reason) => Self::unavailable(reason, RETRY_AFTER),
            actors::Error::Quarantined => Self::internal("the process is set aside after a fault"),
        }
    }
}

/// What is under way or under hold is a state that does not allow it.
impl From<erasure::Error> for ApiError {
    fn from(error: erasure::Error) -> Self {
        use erasure::Error as E;
        match error {
            E::NotFound => Self::not_found(error.to_string()),
            E::UnderWay(_) | E::BelongsTo(_) | E::Held(_) => Self::conflict(error.to_string()),
            E::Process(error) => error.into(),
            E::Documents(error) => error.into(),
            E::Files(error) => error.into(),
            E::Records(error) => error.into(),
            E::Pictures(_) => Self::unavailable(error, RETRY_AFTER),
        }
    }
}

impl From<erasure::HoldError> for ApiError {
    fn from(error: erasure::HoldError) -> Self {
        use erasure::HoldError as E;
        match error {
            E::NotFound => Self::not_found(error.to_string()),
            E::Exists | E::TooMany => Self::conflict(error.to_string()),
            E::Records(error) => error.into(),
        }
    }
}

impl From<creation::Error> for ApiError {
    fn from(error: creation::Error) -> Self {
        use creation::Error as E;
        match error {
            E::Invalid(problems) => problems.into(),
            E::TooLarge | E::Deleted => Self::input(error.to_string()),
            E::Documents(error) => error.into(),
            E::Configuration(error) => error.into(),
            E::Handwriting(error) => error.into(),
            E::Process(error) => error.into(),
        }
    }
}

impl From<contracts::Error> for ApiError {
    fn from(error: contracts::Error) -> Self {
        use contracts::Error as E;
        match error {
            E::NotFound => Self::not_found(error.to_string()),
            E::Claimed => Self::conflict(error.to_string()),
            E::Record(error) => error.into(),
        }
    }
}

/// What the request names and is not there is a 404, also a deleted document, as 410 is not listed (notes unlisted-404, deleted-others).
impl From<processes::contracts::Error> for ApiError {
    fn from(error: processes::contracts::Error) -> Self {
        use processes::contracts::Error as E;
        match error {
            E::NotFound { .. } | E::Deleted { .. } => Self::not_found(error.to_string()),
            E::Signed { .. } | E::UnderSignature { .. } | E::Claimed { .. } => Self::conflict(error.to_string()),
            E::Creation(error) => error.into(),
            E::Contract(error) => error.into(),
        }
    }
}

impl From<processes::NotScored> for ApiError {
    fn from(error: processes::NotScored) -> Self {
        match error {
            processes::NotScored::Process(error) => error.into(),
            processes::NotScored::Catalogue(error) => error.into(),
        }
    }
}

impl From<processes::NotDelegated> for ApiError {
    fn from(error: processes::NotDelegated) -> Self {
        match error {
            processes::NotDelegated::Process(error) => error.into(),
            processes::NotDelegated::Refused(_) => Self::conflict(error.to_string()),
        }
    }
}

impl From<challenges::Error> for ApiError {
    fn from(error: challenges::Error) -> Self {
        use challenges::Error as E;
        match error {
            E::Invalid(problems) => problems.into(),
            E::Refused => Self::conflict(error.to_string()),
            E::Limits(error) => error.into(),
            E::Process(error) => error.into(),
        }
    }
}

impl From<vouching::Error> for ApiError {
    fn from(error: vouching::Error) -> Self {
        use vouching::Error as E;
        match error {
            E::Invalid(problems) => problems.into(),
            E::Files(error) => error.into(),
            E::Process(error) => error.into(),
        }
    }
}

/// Signatures by hand. What the organization must set first is a state that does not allow them (note unlisted-409).
impl From<handwriting::Error> for ApiError {
    fn from(error: handwriting::Error) -> Self {
        use handwriting::Error as E;
        match error {
            E::Invalid(problems) => problems.into(),
            E::Repeated | E::NoEscrow => Self::conflict(error.to_string()),
            E::Configuration(error) => error.into(),
            E::Files(error) => error.into(),
            E::Seen(error) => error.into(),
            E::Cpu(error) => catalogue::Error::from(error).into(),
            E::Escrow(_) | E::Gone | E::Unreadable(_) => Self::internal(error),
        }
    }
}

impl From<processes::handwriting::Error> for ApiError {
    fn from(error: processes::handwriting::Error) -> Self {
        match error {
            processes::handwriting::Error::Handwriting(error) => error.into(),
            processes::handwriting::Error::Process(error) => error.into(),
        }
    }
}

impl From<catalogue::Error> for ApiError {
    fn from(error: catalogue::Error) -> Self {
        match error {
            catalogue::Error::Cpu(error @ cpu_pool::Error::SetAside(_)) => Self::input(error.to_string()),
            error if error.is_transient() => Self::unavailable(error, RETRY_AFTER),
            error => Self::internal(error),
        }
    }
}

impl From<documents::Error> for ApiError {
    fn from(error: documents::Error) -> Self {
        use documents::Error as E;
        match error {
            E::NotFound => Self::not_found(error.to_string()),
            E::NotOwner => Self::unauthorized(error.to_string()),
            E::Gone => Self::gone(error.to_string()),
            E::AlreadyDeleted => Self::conflict(error.to_string()),
            E::Public => Self::input(error.to_string()),
            E::Invalid(problems) => Self::inputs(problems.iter().map(ToString::to_string)),
            E::TooLarge(_) => Self::too_large(error.to_string()),
            E::Busy(_) => Self::unavailable(error, RETRY_AFTER),
            E::Catalogue(error) => error.into(),
        }
    }
}

/// A file that is verified. What cannot be read is not sent again as it is, so nobody is told to save it anew: that would lose its signatures.
impl From<verify::service::Error> for ApiError {
    fn from(error: verify::service::Error) -> Self {
        use ::documents::verify::Error as Unreadable;
        use verify::service::Error as E;
        match error {
            E::TooLarge(_) => Self::too_large(error.to_string()),
            E::Unreadable(Unreadable::Root(_)) => Self::internal(error),
            E::Unreadable(_) => Self::input(error.to_string()),
            E::Catalogue(error) => error.into(),
        }
    }
}

/// Forms, sections, templates and their configuration.
impl From<names::Error> for ApiError {
    fn from(error: names::Error) -> Self {
        use names::Error as E;
        match error {
            E::NotFound(_) => Self::not_found(error.to_string()),
            E::Gone(_) => Self::gone(error.to_string()),
            E::Exists(..) | E::InUse(..) | E::Conflict(_) | E::Overtaken(_) => Self::conflict(error.to_string()),
            E::Invalid(problems) => problems.into(),
            E::Incomplete(problems) => Self::unprocessable(problems.iter().map(ToString::to_string)),
            E::TooLarge(_) => Self::too_large(error.to_string()),
            E::TooMuch => Self::parameter(format!("pageSize: {error}")),
            E::Catalogue(error) => error.into(),
            E::Bytes(error) => error.into(),
        }
    }
}

/// Definitions and trees of consents.
impl From<consents::Error> for ApiError {
    fn from(error: consents::Error) -> Self {
        use consents::Error as E;
        match error {
            E::NoConsent | E::NoTree(_) => Self::not_found(error.to_string()),
            E::NoEdition(_) => Self::internal(error),
            E::Exists(_) | E::Full(_) => Self::conflict(error.to_string()),
            E::TreeExists(_) => Self::tree_exists(error.to_string()),
            E::Stale => Self::stale_tree(error.to_string()),
            E::Invalid(problems) => problems.into(),
            E::TooMuch => Self::parameter(format!("page_size: {error}")),
            E::Catalogue(error) => error.into(),
        }
    }
}

/// Consents of customers: keys have codes of their own.
impl From<service::Error> for ApiError {
    fn from(error: service::Error) -> Self {
        use service::Error as E;
        match error {
            E::UnknownCustomer => Self::not_found(error.to_string()),
            E::NotInTree(problems) => Self::not_founds(problems.iter().map(ToString::to_string)),
            E::NoView(_) => Self::parameter(format!("view: {error}")),
            E::Key(_) => Self::wrong_key(error.to_string()),
            E::Invalid(problems) => problems.into(),
            E::Catalogue(error) => error.into(),
            E::Process(error) => error.into(),
            E::Past(_) => Self::internal(error),
        }
    }
}

impl From<proofs::Error> for ApiError {
    fn from(error: proofs::Error) -> Self {
        use crate::consents::receipts::Error as R;
        use proofs::Error as E;
        match error {
            E::UnknownCustomer | E::NoRevision | E::NotDisplayed | E::Receipt(R::None) => Self::not_found(error.to_string()),
            E::NoProfile | E::NoCertificate(_) | E::Receipt(R::Missing(_)) => Self::conflict(error.to_string()),
            E::Receipt(R::Chain) | E::Signing(_) => Self::internal(error),
            E::Profile(error) => error.into(),
            E::Configuration(error) => error.into(),
            E::Cpu(error) => catalogue::Error::Cpu(error).into(),
            E::Catalogue(error) => error.into(),
            E::Journal(error) => error.into(),
        }
    }
}

impl From<links::Error> for ApiError {
    fn from(error: links::Error) -> Self {
        use links::Error as E;
        match error {
            E::Invalid => Self::not_found(error.to_string()),
            E::Expired => Self::gone(error.to_string()),
            E::TooLong => Self::input(format!("consents: {error}")),
            E::Sealing => Self::internal(error),
            E::Consents(error) => error.into(),
        }
    }
}

impl From<profile::Error> for ApiError {
    fn from(error: profile::Error) -> Self {
        match error {
            profile::Error::Invalid(problems) => problems.into(),
            profile::Error::NotFound => Self::not_found(error.to_string()),
            profile::Error::Record(error) => error.into(),
        }
    }
}

impl From<actors::journal::ReadError> for ApiError {
    fn from(error: actors::journal::ReadError) -> Self {
        match error {
            actors::journal::ReadError::Store(error) => error.into(),
            damaged => Self::internal(damaged),
        }
    }
}

impl From<sign_configuration::Error> for ApiError {
    fn from(error: sign_configuration::Error) -> Self {
        use sign_configuration::Error as E;
        match error {
            E::NotFound => Self::not_found(error.to_string()),
            E::WrongPassword => Self::unauthorized(error.to_string()),
            E::Invalid(problems) => Self::inputs(problems.iter().map(ToString::to_string)),
            E::Unusable(_) | E::NotValid(_) => Self::internal(error),
            E::Catalogue(error) => error.into(),
        }
    }
}

/// Fills of dynamic templates.
impl From<fill::Error> for ApiError {
    fn from(error: fill::Error) -> Self {
        use fill::Error as E;
        match error {
            E::Invalid(problems) => problems.into(),
            E::Full(_) => Self::unavailable(error, QUEUE_RETRY),
            E::TemplateGone => Self::not_found(error.to_string()),
            E::Template(error) => error.into(),
            E::Documents(error) => error.into(),
            E::Files(error) => error.into(),
            E::Process(error) => error.into(),
        }
    }
}

/// Fills.
impl From<filling::Error> for ApiError {
    fn from(error: filling::Error) -> Self {
        use filling::Error as E;
        match error {
            E::Invalid(problems) => problems.into(),
            E::Form { .. } | E::Image { .. } | E::TooLarge(_) => Self::input(error.to_string()),
            E::Page(_) => Self::parameter(error.to_string()),
            E::Catalogue(error) => error.into(),
            E::Documents(error) => error.into(),
            E::Cpu(error) => catalogue::Error::from(error).into(),
            E::Full(_) | E::Busy | E::Drawing(_) => Self::unavailable(error, RETRY_AFTER),
            E::Inconsistent(_) => Self::internal(error),
        }
    }
}

/// Pages that are shown; the words are for the reader.
impl From<page_view::Error> for ApiError {
    fn from(error: page_view::Error) -> Self {
        use page_view::Error as E;
        match error {
            E::NoSuchPage { .. } => Self::not_found(error.to_string()),
            E::NotAPdf | E::Document | E::Page(_) | E::Incomplete(_) => Self::unprocessable([error.to_string()]),
            E::Documents(error) => error.into(),
        }
    }
}

impl From<public_url::Error> for ApiError {
    fn from(error: public_url::Error) -> Self {
        match error {
            public_url::Error::Expired => Self::gone("the public URL has expired"),
            public_url::Error::Invalid => Self::not_found("there is no such public URL"),
            public_url::Error::Lifetime | public_url::Error::Unavailable => Self::internal(error),
        }
    }
}

impl From<receipts::Error> for ApiError {
    fn from(error: receipts::Error) -> Self {
        match error {
            receipts::Error::Expired => Self::gone(error.to_string()),
            receipts::Error::Invalid => Self::not_found(error.to_string()),
        }
    }
}

impl From<channels::Unreadable> for ApiError {
    fn from(error: channels::Unreadable) -> Self {
        Self::input(error.to_string())
    }
}

/// Codes that are not admitted: 429 over a bound, 503 when they cannot be counted.
impl From<code_limits::Error> for ApiError {
    fn from(error: code_limits::Error) -> Self {
        match error {
            code_limits::Error::Over(wait) => Self::too_many_requests(error.to_string(), wait),
            code_limits::Error::Contended | code_limits::Error::Records(_) => Self::unavailable(error, RETRY_AFTER),
        }
    }
}

impl From<records::Error> for ApiError {
    fn from(error: records::Error) -> Self {
        if error.is_transient() { Self::unavailable(error, RETRY_AFTER) } else { Self::internal(error) }
    }
}

/// Everything that is wrong with a body.
impl From<Problems> for ApiError {
    fn from(problems: Problems) -> Self {
        Self::inputs(problems.iter().map(ToString::to_string))
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        Self::unavailable(error, RETRY_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_a_machine_has_its_status_and_its_words() {
        let retry_at = chrono::DateTime::UNIX_EPOCH;
        let cases = [
            (Refusal::NotFound("identification"), 404, "there is no such identification"),
            (Refusal::state("the identification is EXPIRED"), 409, "the identification is EXPIRED"),
            (Refusal::Exists("sign process"), 409, "another sign process has this identifier"),
            (Refusal::Forbidden("wrong"), 403, "wrong"),
            (Refusal::Gone("over"), 410, "over"),
            (Refusal::TooEarly { what: "another code from", retry_at }, 412, "another code from 1970-01-01T00:00:00+00:00"),
            (
                Refusal::Busy { what: "it is at work", wait: chrono::Duration::milliseconds(1500) },
                429,
                "it is at work; try again in 2 seconds",
            ),
            (Refusal::Invalid("two signers are one"), 400, "two signers are one"),
        ];
        for (refusal, status, details) in cases {
            let error = ApiError::from(refusal);
            assert_eq!((error.status().as_u16(), error.body().errors[0].details.as_str()), (status, details));
        }
    }
}
