//! The Consents API (`/v2`): what its operations have in common. Its errors have the codes of [`Family::Consents`](super::error::Family).

pub mod beyond;
pub mod checks;
pub mod configuration;
pub mod customers;
pub mod filters;
pub mod imports;
pub mod links;
mod request;
pub mod securize;

use utoipa::openapi::{Array, ArrayBuilder, Object, ObjectBuilder, Type};

use super::call::Call;
use super::error::ApiError;
use super::openapi;
use super::operation::{Parameter, Refused, refused};
use super::paging;
use crate::access;

/// Tag of the operations on one customer's consents.
pub const CUSTOMER_CONSENTS: &str = "Customer Consents";
/// Tag of the operations on definitions and trees.
pub const CONFIGURATION: &str = "Configuration";
/// Tag of the tokens for web components.
pub const SECURIZE: &str = "Securize";

/// Maximum length of a customer's id, in bytes.
pub const MAX_CUSTOMER: usize = 256;
/// Maximum length of the id of an actor, and of a trace id, in bytes.
pub const MAX_ACTOR: usize = 512;
/// Maximum length of the name of a segment, in bytes: it is part of the keys of trees.
pub const MAX_SEGMENT: usize = 64;
/// Maximum number of definitions or versions on a page (note page-size-bound).
pub const MAX_PAGE_SIZE: usize = 1000;

/// What the path of a web component says in place of the customer's id (note component-path).
pub const SELF: &str = "self";

/// The header that binds a capture to what was displayed.
pub const KEY_HEADER: &str = "x-key";

const SEGMENT_HEADER: &str = "x-segment";
const SECTOR_HEADER: &str = "x-sector";

/// For operations on a segment whose tree is needed.
pub const NO_TREE: Refused = refused(404, "404. The segment has no tree for these users.");

/// The segment whose tree applies.
pub const X_SEGMENT: Parameter = Parameter::header(
    SEGMENT_HEADER,
    "Segment whose tree applies. It or x-sector must be sent; it wins over x-sector.",
    segment_schema,
);
/// The same where no other header names the segment.
pub const X_SEGMENT_REQUIRED: Parameter =
    Parameter::header(SEGMENT_HEADER, "Segment whose tree is addressed.", segment_schema).required();
/// The segment by its old name.
pub const X_SECTOR: Parameter = Parameter::header(SECTOR_HEADER, "Old name of x-segment.", segment_schema).deprecated();
/// The key of the read before.
pub const X_KEY: Parameter =
    Parameter::header(KEY_HEADER, "The key that the preceding read returned, unmodified.", key_schema).required();
/// The languages that the caller wants.
pub const ACCEPT_LANGUAGE: Parameter = Parameter::header(
    "Accept-Language",
    "Locale of the texts: one tag of RFC 5646, or several with weights. Never an error: where it cannot be had, the texts come in the \
     tree's default language.",
    openapi::text,
);
/// Transaction ids of trees, in a request.
pub const ETAG: Parameter = Parameter::header(
    "ETag",
    "Transaction id, or several separated by commas, from the last read of the trees. Quotes and W/ are tolerated, and If-Match is taken \
     in its place.",
    some_text,
)
.required();
/// Views of the tree.
pub const VIEW: Parameter = Parameter::query(
    "view",
    "Views of the segment's tree: the statements of any of them. A view that the tree lacks is a 400.",
    some_text,
)
.repeated();
/// The length of the texts.
pub const DISPLAY_FORMAT: Parameter = Parameter::query(
    "display_format",
    "SHORT for the short texts; NORMAL, which is the default, for the full ones.",
    display_format,
);
/// Consents that are asked for.
pub const CONSENT_IDS: Parameter = Parameter::query(
    "consent_ids",
    "Ids of consents, with commas between them. A father brings its family, a child its ancestors for context. Ids that the tree does \
     not hold are skipped.",
    consent_id,
)
.separated();
/// States of the customer's choices.
pub const CHOICE: Parameter = Parameter::query(
    "choice",
    "Statements whose current choice is one of these; commas between several are taken, too, and so is a value with `choice=` in front.",
    choice_state,
)
.repeated();
/// Whose tree applies.
pub const CUSTOMERS_OR_LEADS: Parameter = Parameter::query(
    "users_type",
    "Whose tree applies; customers where it is left out. An addition to the contract (note leads).",
    users_type,
);
/// Kind of users.
pub const USERS_TYPE: Parameter = Parameter::query("users_type", "Kind of users that the trees are for.", users_type);
/// Which page.
pub const PAGE: Parameter = paging::PAGE;
/// Its size.
pub const PAGE_SIZE: Parameter = Parameter::query("page_size", "Items per page.", page_size);

/// What success answers say of `x-key`.
pub const X_KEY_ANSWER: (&str, &str) =
    (KEY_HEADER, "Key that allows the next modification; opaque, to be sent back exactly as received.");
/// What success answers say of `ETag`.
pub const ETAG_ANSWER: (&str, &str) =
    ("ETag", "Transaction ids, separated by commas, one for each tree returned; needed to replace any of them.");

fn some_text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).build()
}

fn segment_schema() -> Object {
    let pattern = r"^[ -~]*[!-~][ -~]*$";
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_SEGMENT))
        .pattern(Some(pattern))
        .build()
}

fn key_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).pattern(Some("^([0-9A-Fa-f]{2}){32,256}$")).build()
}

/// Schema of a customer's id.
pub(super) fn customer_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_CUSTOMER))
        .pattern(Some(r"^[^\x00-\x1F\x7F-\x9F]+$"))
        .build()
}

/// Schema of the id of a consent's definition.
pub(super) fn consent_id() -> Object {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(200)).build()
}

/// Schema of a list of ids of consents: of each something must be left when it is normalised (`ConsentId`).
pub(super) fn consent_list(max: usize) -> Array {
    let id = ObjectBuilder::new().schema_type(Type::String).max_length(Some(200)).pattern(Some("[A-Za-z0-9_]"));
    ArrayBuilder::new().items(id).min_items(Some(1)).max_items(Some(max)).build()
}

fn display_format() -> Object {
    let names = Some(["SHORT", "NORMAL"]);
    ObjectBuilder::new().schema_type(Type::String).enum_values(names).default(Some("NORMAL".into())).build()
}

fn choice_state() -> Object {
    let names = ["PENDING", "REJECTED", "ACCEPTED", "choice=PENDING", "choice=REJECTED", "choice=ACCEPTED"];
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

fn users_type() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["customers", "leads"])).build()
}

fn page_size() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_PAGE_SIZE)).default(Some(50.into())).build()
}

/// The segment that a request is about: any name (note segment-values).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Segment(String);

impl Segment {
    /// # Errors
    /// What is wrong with the name, for the caller.
    pub fn new(name: &str) -> Result<Self, String> {
        if name.is_empty() || name.len() > MAX_SEGMENT || name.chars().any(char::is_control) {
            return Err(format!("expected 1 to {MAX_SEGMENT} bytes without control characters"));
        }
        Ok(Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The segment that `x-segment` names, or where that is not sent or empty, `x-sector`. `x-segment` wins whatever `x-sector` is.
///
/// # Errors
/// 400 when neither is sent, or the one that counts is no segment.
pub fn segment<I, B>(call: &Call<I, B>) -> Result<Segment, ApiError> {
    match named(call, SEGMENT_HEADER)? {
        Some(segment) => Ok(segment),
        None => {
            named(call, SECTOR_HEADER)?.ok_or_else(|| missing("x-segment: the header is missing; x-sector is not sent either"))
        }
    }
}

/// The segment of an operation that takes `x-segment` alone.
///
/// # Errors
/// 400 when it is not sent, empty, or no segment.
pub fn segment_only<I, B>(call: &Call<I, B>) -> Result<Segment, ApiError> {
    named(call, SEGMENT_HEADER)?.ok_or_else(|| missing("x-segment: the header is missing"))
}

fn named<I, B>(call: &Call<I, B>, header: &str) -> Result<Option<Segment>, ApiError> {
    let name = call.header(header)?;
    name.map(Segment::new).transpose().map_err(|expected| ApiError::parameter(format!("{header}: {expected}")))
}

/// Both values, or everything that is wrong with either.
///
/// # Errors
/// Those of both.
pub fn both<A, B>(one: Result<A, ApiError>, other: Result<B, ApiError>) -> Result<(A, B), ApiError> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(one), Err(other)) => Err(one.and(other)),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

fn missing(details: &str) -> ApiError {
    ApiError::parameter(details)
}

/// The `x-key` of a request, not yet checked.
///
/// # Errors
/// 400 (`MCONS_010`) when it is missing or comes more than once.
pub fn key<I, B>(call: &Call<I, B>) -> Result<&str, ApiError> {
    let key = call.header(KEY_HEADER).map_err(|error| ApiError::malformed_key(error.details()))?;
    key.ok_or_else(|| ApiError::malformed_key("x-key: the header is missing; send the one of the read before"))
}

/// The languages that a caller wants: all values of `Accept-Language` in one list (RFC 9110, 5.3), cut at a thousand bytes. `None` where none
/// is sent; what cannot be read is left out, as it is never an error.
pub fn accept_language<I, B>(call: &Call<I, B>) -> Option<String> {
    const MAX: usize = 1000;
    let mut list = String::new();
    for value in call.headers("accept-language").filter_map(|value| value.to_str().ok()) {
        if list.len() + value.len() > MAX {
            break;
        }
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(value);
    }
    Some(list).filter(|list| !list.is_empty())
}

/// The customer that a segment of a path names. `self` is the customer of a web component's token, and no other caller may say it.
///
/// # Errors
/// 400 when no customer can have that id.
pub(super) fn customer(caller: &access::Caller, text: &str) -> Result<String, ApiError> {
    match (text, caller.customer()) {
        (SELF, Some(customer)) => Ok(customer.to_owned()),
        (SELF, None) => {
            Err(ApiError::parameter("customer_id: only the token of a web component may say self; name the customer"))
        }
        (id, _) => match customer_problem(id) {
            Some(problem) => Err(ApiError::parameter(format!("customer_id: {problem}"))),
            None => Ok(id.to_owned()),
        },
    }
}

/// Why no customer can have an id. It quotes nothing of it.
pub fn customer_problem(id: &str) -> Option<String> {
    if id == SELF {
        return Some(format!("{SELF} is the customer of a web component's token and no id"));
    }
    identifier_problem(id, MAX_CUSTOMER)
}

/// Why a text is no identifier of `max` bytes at most. It quotes nothing of it.
pub fn identifier_problem(text: &str, max: usize) -> Option<String> {
    // What is no UTF-8 in a path has become the replacement character, so that different ids would be one.
    let is_unreadable = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    let is_good = (1..=max).contains(&text.len()) && !text.chars().any(is_unreadable);
    (!is_good).then(|| format!("expected 1 to {max} bytes of UTF-8 without control characters"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Caller, Grant, RoleSet};

    fn caller(grant: Grant) -> Caller {
        Caller { subject: "s".into(), issuer: "i".into(), audience: "a".into(), grant }
    }

    #[test]
    fn self_is_the_customer_of_the_token_and_nobody_else_says_it() {
        let customer_id = "100000000001".to_owned();
        let component = caller(Grant::Customer { organization: "acme".into(), customer_id, actor_id: "AG000123".into() });
        assert_eq!(customer(&component, "self").unwrap(), "100000000001");
        assert_eq!(customer(&component, "200").unwrap(), "200", "whether it reaches that one is decided later");
        assert_eq!(customer(&component, "SELF").unwrap(), "SELF");
        let shop = caller(Grant::Organization { organizations: vec!["acme".into()], roles: RoleSet::all() });
        let refused = customer(&shop, "self").unwrap_err();
        assert!(refused.status().as_u16() == 400 && refused.body().errors[0].details.starts_with("customer_id: "));
    }

    #[test]
    fn an_id_of_a_customer_is_bounded_and_has_no_control_characters() {
        for good in ["1", "a/b c", "ñandú", "%", &"x".repeat(MAX_CUSTOMER)] {
            assert_eq!(customer_problem(good), None, "{good}");
        }
        for bad in ["", "a\nb", "\u{7f}", "\u{85}", "\u{fffd}", "self", &"x".repeat(MAX_CUSTOMER + 1), &"ñ".repeat(129)] {
            let problem = customer_problem(bad).expect("a problem");
            assert!(bad.is_empty() || bad == "self" || !problem.contains(bad), "{problem}");
        }
    }

    #[test]
    fn any_name_that_fits_is_a_segment() {
        for good in ["telco", "Energy", "b2b/pymes", "sector eléctrico"] {
            assert_eq!(Segment::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\tb", &"x".repeat(MAX_SEGMENT + 1)] {
            assert!(Segment::new(bad).is_err(), "{bad}");
        }
    }
}
