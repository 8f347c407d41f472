//! What one row of the [table](super::table) can say.
//!
//! A row is a constant, put together by the methods of [`Start`] and [`Operation`]. What an operation takes and answers stands in the
//! signature of its handler alone ([`super::call`]): the row names the handler.

use actix_web::http::Method;
use futures::future::LocalBoxFuture;
use utoipa::openapi::Object;
use uuid::Uuid;

use super::call::{Handler, NoHandler};
use super::error::ApiError;
use super::processes::Engine;
use crate::access::{Role, ScopedTokens, Target};

pub const KIB: usize = 1024;

/// One operation: everything about it that more than one part of the server has to know.
#[derive(Clone, Copy)]
pub struct Operation {
    pub method: Verb,
    /// Template of the path; a name in braces is one segment, and [`PATH_PARAMETERS`] says what it is.
    pub path: &'static str,
    /// The contract's `operationId`.
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    pub access: Access,
    /// Segments in braces that are something else here than in [`PATH_PARAMETERS`].
    pub segments: &'static [PathParameter],
    /// Headers and parameters of the query.
    pub parameters: &'static [Parameter],
    /// Maximum size of a JSON body, in bytes; `None` where only the configured one holds (`server.json_limit`).
    pub body_limit: Option<usize>,
    /// One for each body that the handler's answer can have, in its order.
    pub answers: &'static [Success],
    /// Errors that the description lists besides those that any operation can answer.
    pub refuses: &'static [Refused],
    /// Whether a token that is good but does not open it is a 403, as the contract says of a few operations (note chain-statuses); of all
    /// others it is a 401.
    pub forbids: bool,
    pub handler: &'static dyn Handler,
}

/// Methods of HTTP that operations have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Get,
    Put,
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    pub fn is(self, method: &Method) -> bool {
        method.as_str() == self.as_str()
    }
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// An organization's token with the role, or a token for one thing that reaches what the path names.
    Role(Role, Reach),
    /// Whoever has the sealed URL that is the start of the path: its token is the first segment in braces, which the handler opens.
    Link,
    /// Anybody, so often a minute: each call counts as so many of those that its address may make. The path names the organization and nothing
    /// else.
    Open(u32),
    /// Anybody, but only where the sandbox is on. The path names no organization.
    Sandbox,
}

/// Which tokens for one thing an operation takes besides those of organizations, and how it is known what they reach.
#[derive(Clone, Copy, Debug)]
pub enum Reach {
    /// None.
    Organization,
    /// That of the sign process whose identifier is in the path.
    SignProcess,
    /// That of the sign process to which the identification in the path belongs; the function loads the identification to say which.
    SignProcessOf(ProcessOf),
    /// As the one before, and that of the link of the signer whom the identification in the path identifies.
    SignerOf(ProcessOf),
    /// That of the signature whose identifier is in the path.
    Signature,
    /// As the one before, and that of the link of its signer.
    Signer,
    /// That of the chained identification whose identifier is in the path.
    Chain,
    /// That of the customer whose id is in the path; where the path names none, that of any customer.
    Customer,
}

/// The sign process, and the signature, to which something belongs; neither if to none, or if there is no such thing.
pub type ProcessOf = for<'a> fn(&'a Engine, &'a str, Uuid) -> LocalBoxFuture<'a, Result<Target<'static>, ApiError>>;

impl Access {
    pub const fn is_sandbox(self) -> bool {
        matches!(self, Self::Sandbox)
    }
}

impl Reach {
    pub const fn tokens(self) -> ScopedTokens {
        match self {
            Self::Organization => ScopedTokens::None,
            Self::SignProcess | Self::SignProcessOf(_) => ScopedTokens::OfSignProcess,
            Self::SignerOf(_) => ScopedTokens::OfSignProcessOrLink,
            Self::Signature => ScopedTokens::OfSignature,
            Self::Signer => ScopedTokens::OfSigner,
            Self::Chain => ScopedTokens::OfChain,
            Self::Customer => ScopedTokens::OfCustomer,
        }
    }
}

/// A header or a parameter of the query.
#[derive(Clone, Copy)]
pub struct Parameter {
    pub name: &'static str,
    pub place: Place,
    pub required: bool,
    pub description: &'static str,
    /// Of the value; of each of them where there can be several.
    pub schema: fn() -> Object,
    pub values: Values,
    /// Whether another parameter took its place.
    pub is_deprecated: bool,
}

/// How many values a parameter has, and how several are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    One,
    /// Several, each with the name of the parameter.
    Repeated,
    /// Several, with commas between them.
    Separated,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Header,
    Query,
}

impl Parameter {
    pub const fn header(name: &'static str, description: &'static str, schema: fn() -> Object) -> Self {
        let (required, values, is_deprecated) = (false, Values::One, false);
        Self { name, place: Place::Header, required, description, schema, values, is_deprecated }
    }

    pub const fn query(name: &'static str, description: &'static str, schema: fn() -> Object) -> Self {
        Self { place: Place::Query, ..Self::header(name, description, schema) }
    }

    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub const fn deprecated(self) -> Self {
        Self { is_deprecated: true, ..self }
    }

    /// It can have several values, each sent with its name.
    pub const fn repeated(self) -> Self {
        Self { values: Values::Repeated, ..self }
    }

    /// It can have several values, with commas between them.
    pub const fn separated(self) -> Self {
        Self { values: Values::Separated, ..self }
    }
}

/// What a segment in braces stands for.
#[derive(Clone, Copy, Debug)]
pub struct PathParameter {
    pub name: &'static str,
    pub kind: Segment,
    pub description: &'static str,
}

/// The kinds of segments in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// The organization; it comes first and is checked before all others.
    Organization,
    Uuid,
    /// A name that callers chose. One that nothing can have is that of nothing: a 404.
    Name,
    /// The same of lower-case letters, digits and underscores.
    LowerName,
    /// The name of a legal hold: ASCII letters, digits, `-`, `_` and `.`; another is a 400.
    HoldName,
    /// A whole number from 1; a number above the maximum is a 400, where there is one.
    Number {
        max: Option<u32>,
    },
    /// A whole number from 0.
    NumberFromZero,
    /// A whole number from 1, or `latest`.
    NumberOrLatest,
    /// The width of an image of a page, in pixels: one of those of [`render::Width`].
    Width,
    /// The id that a customer has in the organization's systems; `self` is that of the caller, who is a web component.
    Customer,
    /// The id of a consent's definition, in any spelling. One that nothing can have is that of nothing.
    Consent,
}

/// The segments in braces that templates may have.
pub const PATH_PARAMETERS: &[PathParameter] = &[
    PathParameter { name: "org_id", kind: Segment::Organization, description: "Organization (tenant)." },
    uuid("document_id", "Identifier of the document."),
    segment("public_token", Segment::Name, "What a public URL ends with: sealed, and all that is needed."),
    segment("page", Segment::NumberFromZero, "Number of the page, counted from 0."),
    segment("width", Segment::Width, "Width of the image in pixels."),
    uuid("sign_process_id", "Identifier of the sign process."),
    uuid("sign_id", "Identifier of one signer's signature."),
    uuid("scoring_id", "Identifier of the scoring session."),
    uuid("identification_id", "Identifier of the identification."),
    uuid("identification_chain_id", "Identifier of the chained identification."),
    uuid("fill_process_id", "Identifier of the fill process."),
    uuid("contract_id", "Identifier of the contract."),
    segment("form_id", Segment::Name, "Identifier (UUID) or external id of the form."),
    segment("section_external_id", Segment::Name, "External id of the section."),
    segment("template_external_id", Segment::Name, "External id of the template."),
    segment("version", Segment::Number { max: Some(MAX_TEMPLATE_VERSION) }, "Version of the template: the major number."),
    segment("configuration_version", Segment::Number { max: None }, "Version of the configuration."),
    segment("external_id", Segment::LowerName, "External id of the dynamic template."),
    segment("major_version", Segment::Number { max: None }, "Major version number."),
    segment("revision", Segment::Number { max: None }, "Number of what happened, as the history has it."),
    segment("minor_version", Segment::NumberFromZero, "Minor version number."),
    segment(
        "customer_id",
        Segment::Customer,
        "Id of the customer in the organization's systems. A web component may say `self`, the customer that its token is for.",
    ),
    segment("hold_name", Segment::HoldName, "Name of the legal hold."),
    segment("consent_id", Segment::Consent, "Id of the consent definition; it is normalised before it is looked up."),
];

/// Maximum number of a template's major version (contract `TemplateVersion`).
pub const MAX_TEMPLATE_VERSION: u32 = 32_767;

const fn uuid(name: &'static str, description: &'static str) -> PathParameter {
    segment(name, Segment::Uuid, description)
}

/// A segment in braces.
pub const fn segment(name: &'static str, kind: Segment, description: &'static str) -> PathParameter {
    PathParameter { name, kind, description }
}

impl PathParameter {
    /// The one of this name. Tests hold that every template's are known.
    pub fn named(name: &str) -> Option<&'static Self> {
        PATH_PARAMETERS.iter().find(|known| known.name == name)
    }
}

/// One success that an operation can answer.
#[derive(Clone, Copy, Debug)]
pub struct Success {
    pub status: u16,
    pub description: &'static str,
    /// Names and descriptions of its headers.
    pub headers: &'static [(&'static str, &'static str)],
}

/// An error that the description lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: u16,
    pub description: &'static str,
}

/// For a resource named in the path.
pub const NOT_FOUND: Refused = refused(404, "404. There is no such resource.");
/// For a change that a state may not allow.
pub const CONFLICT: Refused = refused(409, "409. The state of the resource does not allow the change.");
/// For a resource that can end.
pub const GONE: Refused = refused(410, "410. The resource existed but is no longer available.");

pub const fn refused(status: u16, description: &'static str) -> Refused {
    Refused { status, description }
}

/// A success without headers of its own.
pub const fn answer(status: u16, description: &'static str) -> Success {
    Success { status, description, headers: &[] }
}

/// The start of a row. It becomes one by saying who may call: no operation is open because that was forgotten.
pub struct Start {
    method: Verb,
    path: &'static str,
    id: &'static str,
}

pub const fn get(path: &'static str, id: &'static str) -> Start {
    Start { method: Verb::Get, path, id }
}

pub const fn put(path: &'static str, id: &'static str) -> Start {
    Start { method: Verb::Put, path, id }
}

pub const fn post(path: &'static str, id: &'static str) -> Start {
    Start { method: Verb::Post, path, id }
}

pub const fn patch(path: &'static str, id: &'static str) -> Start {
    Start { method: Verb::Patch, path, id }
}

pub const fn delete(path: &'static str, id: &'static str) -> Start {
    Start { method: Verb::Delete, path, id }
}

impl Start {
    /// For tokens of organizations with this role, and for the tokens for one thing that the second names.
    pub const fn role(self, role: Role, reach: Reach) -> Operation {
        self.with(Access::Role(role, reach))
    }

    /// For whoever has the sealed URL that the path begins with.
    pub const fn link(self) -> Operation {
        self.with(Access::Link)
    }

    /// For anybody; each call counts as so many of those that its address may make within a minute.
    pub const fn open(self, weight: u32) -> Operation {
        self.with(Access::Open(weight))
    }

    /// For anybody, where the sandbox is on.
    pub const fn sandbox(self) -> Operation {
        self.with(Access::Sandbox)
    }

    const fn with(self, access: Access) -> Operation {
        let Self { method, path, id } = self;
        Operation {
            method,
            path,
            id,
            tag: "",
            summary: "",
            description: "",
            access,
            segments: &[],
            parameters: &[],
            body_limit: None,
            answers: &[],
            refuses: &[],
            forbids: false,
            handler: &NoHandler,
        }
    }
}

impl Operation {
    /// What a reader of the description reads first, and below it. The second may be empty.
    pub const fn says(self, summary: &'static str, description: &'static str) -> Self {
        Self { summary, description, ..self }
    }

    pub const fn tag(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    pub const fn segments(self, segments: &'static [PathParameter]) -> Self {
        Self { segments, ..self }
    }

    pub const fn takes(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    pub const fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: Some(bytes), ..self }
    }

    pub const fn answers(self, answers: &'static [Success]) -> Self {
        Self { answers, ..self }
    }

    pub const fn refuses(self, refuses: &'static [Refused]) -> Self {
        Self { refuses, ..self }
    }

    /// A token of another organization, role or thing is a 403.
    pub const fn forbids(self) -> Self {
        Self { forbids: true, ..self }
    }

    pub const fn run(self, handler: &'static dyn Handler) -> Self {
        Self { handler, ..self }
    }

    /// The segments in braces, in order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static PathParameter> {
        let names = self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let segments = self.segments;
        names.filter_map(|name| segments.iter().find(|own| own.name == name).or_else(|| PathParameter::named(name)))
    }
}
