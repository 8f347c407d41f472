//! Configuration: definitions of consents and the trees of segments, with their history.

use std::borrow::Cow;

use actix_web::http::header::{self, HeaderValue};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{Object, ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;
use workflows::consents::ConsentType;

use super::{MAX_PAGE_SIZE, accept_language, both, filters, segment, segment_only};
use crate::access::Caller;
use crate::catalogue::consents::{
    Accepted, Author, ConsentId, Definition, Dependency, Details, NewDefinition, NewDependency, NewDetails, NewExpiration,
    NewTexts, NewTree, NewView, Slice, Tree, UsersType as Users, View, Wanted, definitions::type_named,
};
use crate::consents::display::{ConsentsResponse, Filters, Wanted as Asked, display};
use crate::http::call::{Call, Json, WithHeader};
use crate::http::error::ApiError;
use crate::http::json;
use crate::http::operation::Parameter;
use crate::http::paging::Page;
use crate::http::query::Query;
use crate::records::Versioned;

const CHOICE_TYPE: &str = "choice_type";
const CONSENT_ID: &str = "consent_id";
const USERS_TYPE: &str = "users_type";

/// Filter of definitions.
pub const CHOICE_TYPE_FILTER: Parameter = Parameter::query(CHOICE_TYPE, "Only definitions of this type.", choice_types);
/// As [`CHOICE_TYPE_FILTER`].
pub const CONSENT_ID_FILTER: Parameter =
    Parameter::query(CONSENT_ID, "Only the definition with this id, in any spelling.", super::consent_id);

fn choice_types() -> Object {
    let names = ["OPT_IN", "OPT_OUT_NEGATIVE", "OPT_OUT_POSITIVE"];
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

/// When an accepted consent lapses. Only for OPT_IN.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub struct ExpirationPolicy {
    /// ISO 8601 duration from the capture date, such as P180D or P2Y: from one second to 100 years, years and months by the calendar in UTC.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, format = "duration")]
    duration: Option<String>,
}

/// Contract `ConsentId`, in the description.
enum PublishedId {}

impl PartialSchema for PublishedId {
    fn schema() -> RefOr<Schema> {
        super::consent_id().into()
    }
}

impl ToSchema for PublishedId {
    fn name() -> Cow<'static, str> {
        "ConsentId".into()
    }
}

/// Contract `Language` of `/v2`, in the description.
enum PublishedLanguage {}

impl PartialSchema for PublishedLanguage {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(2)).max_length(Some(35)).build().into()
    }
}

impl ToSchema for PublishedLanguage {
    fn name() -> Cow<'static, str> {
        "ConsentsLanguage".into()
    }
}

/// Texts of a consent in one language.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub struct ConsentDetails {
    /// Language tag of RFC 5646 with an ISO 639 language, in any case.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(
        required,
        nullable = false,
        min_length = 2,
        max_length = 35,
        pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        examples("es")
    )]
    language: Option<String>,
    /// Full text, of up to 16 KiB.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    text: Option<String>,
    /// Longer explanation, of up to 16 KiB; may be empty.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    description: Option<String>,
    /// Short text, of up to 2 KiB, for display_format SHORT.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    short_text: Option<String>,
}

impl From<ConsentDetails> for NewDetails {
    fn from(sent: ConsentDetails) -> Self {
        let ConsentDetails { language, text, description, short_text } = sent;
        Self { language, text, description, short_text }
    }
}

impl From<Details> for ConsentDetails {
    fn from(details: Details) -> Self {
        let Details { language, text, description, short_text } = details;
        Self { language: Some(language.into()), text: Some(text), description: Some(description), short_text: Some(short_text) }
    }
}

fn all<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

/// The current version of a definition.
#[derive(Serialize, ToSchema)]
pub struct ConsentDefinition {
    #[schema(min_length = 1, max_length = 200)]
    id: String,
    choice_type: ConsentType,
    /// Texts, one entry per language.
    consent: Vec<ConsentDetails>,
    /// Who wrote this version: the subject of the token.
    subject: String,
    /// When this version was written.
    creation_date: DateTime<Utc>,
    /// Null when an acceptance holds for ever.
    expiration_policy: Option<ExpirationPolicy>,
}

fn expiration_policy(duration: Option<String>) -> Option<ExpirationPolicy> {
    duration.map(|duration| ExpirationPolicy { duration: Some(duration) })
}

impl From<Versioned<Definition>> for ConsentDefinition {
    fn from(found: Versioned<Definition>) -> Self {
        let Definition { id, choice_type, expiration, details, subject, .. } = found.value;
        let (consent, expiration_policy) = (all(details), expiration_policy(expiration));
        Self { id: id.into(), choice_type, consent, subject, creation_date: found.at, expiration_policy }
    }
}

/// A page of definitions.
#[derive(Serialize, ToSchema)]
pub struct ConsentDefinitionList {
    /// By id, ascending.
    consents: Vec<ConsentDefinition>,
}

/// The definition that a consent begins with.
#[derive(Deserialize, ToSchema)]
pub struct ConsentDefinitionCreate {
    /// In any spelling: it is kept without accents, in upper case, and with letters from A to Z, digits and underscores alone.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, min_length = 1, max_length = 200, pattern = "[A-Za-z0-9_]")]
    id: Option<String>,
    #[serde(rename = "type", default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, value_type = ConsentType)]
    choice_type: Option<String>,
    /// Only with OPT_IN. Null counts as absent.
    #[serde(default)]
    expiration_policy: Option<ExpirationPolicy>,
    /// Texts, one entry per language.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, min_items = 1, max_items = 32)]
    consent: Option<Vec<ConsentDetails>>,
}

impl From<ConsentDefinitionCreate> for NewDefinition {
    fn from(sent: ConsentDefinitionCreate) -> Self {
        let ConsentDefinitionCreate { id, choice_type, expiration_policy, consent } = sent;
        let expiration = expiration_policy.map(|policy| NewExpiration { duration: policy.duration });
        Self { id, choice_type, expiration, details: consent.map(all) }
    }
}

/// New texts of a consent. Its id, type and expiration policy never change.
#[derive(Deserialize, ToSchema)]
pub struct ConsentDefinitionUpdate {
    /// Texts to add, or to put in place of those of their language. Languages that are not named stay as they are.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, min_items = 1, max_items = 32)]
    consent: Option<Vec<ConsentDetails>>,
    /// What changed, for the history.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, max_length = 200)]
    changes_description: Option<String>,
}

/// A definition that was written.
#[derive(Serialize, ToSchema)]
pub struct ConsentDefinitionResult {
    /// In its one spelling.
    #[schema(min_length = 1, max_length = 200)]
    id: String,
    /// The languages that the consent has texts in.
    #[schema(min_items = 1, value_type = Vec<PublishedLanguage>)]
    languages: Vec<String>,
}

impl From<Definition> for ConsentDefinitionResult {
    fn from(definition: Definition) -> Self {
        let languages = definition.languages().map(|language| language.as_str().to_owned()).collect();
        Self { id: definition.id.into(), languages }
    }
}

/// Who wrote a version, and why.
#[derive(Serialize, ToSchema)]
pub struct AuditInfo {
    /// Audience of the writer's token.
    audience: String,
    /// Subject of the writer's token.
    subject: String,
    /// Why; absent when no reason was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    change_log: Option<String>,
}

/// One version of a definition.
#[derive(Serialize, ToSchema)]
pub struct ConsentDefinitionVersion {
    /// Id of the version.
    version: Uuid,
    audit_info: AuditInfo,
    /// When it was written.
    creation_date: DateTime<Utc>,
    choice_type: ConsentType,
    /// Null when an acceptance holds for ever.
    expiration_policy: Option<ExpirationPolicy>,
    /// Texts, one entry per language.
    consent: Vec<ConsentDetails>,
}

impl From<Versioned<Definition>> for ConsentDefinitionVersion {
    fn from(found: Versioned<Definition>) -> Self {
        let Definition { choice_type, expiration, details, version, subject, audience, change_log, .. } = found.value;
        let audit_info = AuditInfo { audience, subject, change_log };
        let (consent, expiration_policy) = (all(details), expiration_policy(expiration));
        Self { version, audit_info, creation_date: found.at, choice_type, expiration_policy, consent }
    }
}

/// A page of versions of one definition.
#[derive(Serialize, ToSchema)]
pub struct ConsentDefinitionHistoryPage {
    /// The page, counted from 0.
    #[schema(minimum = 0)]
    page: usize,
    /// Items per page.
    #[schema(minimum = 1)]
    page_size: usize,
    /// The newest first.
    consents: Vec<ConsentDefinitionVersion>,
}

/// Kind of users that a tree is for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UsersType {
    Customers,
    Leads,
}

impl From<Users> for UsersType {
    fn from(users: Users) -> Self {
        match users {
            Users::Customers => Self::Customers,
            Users::Leads => Self::Leads,
        }
    }
}

/// A named group of consents.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub struct TreeView {
    /// Its name.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, min_length = 1)]
    view: Option<String>,
    /// Its consents, in any order: they are shown in that of the tree.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, value_type = Vec<PublishedId>)]
    consents: Option<Vec<String>>,
}

impl From<TreeView> for NewView {
    fn from(TreeView { view, consents }: TreeView) -> Self {
        Self { view, consents }
    }
}

impl From<View> for TreeView {
    fn from(View { view, consents }: View) -> Self {
        Self { view: Some(view), consents: Some(all(consents)) }
    }
}

/// A family: one father and children of his.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub struct TreeDependency {
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, value_type = PublishedId)]
    father: Option<String>,
    /// His children.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, value_type = Vec<PublishedId>)]
    child: Option<Vec<String>>,
}

impl From<TreeDependency> for NewDependency {
    fn from(TreeDependency { father, child }: TreeDependency) -> Self {
        Self { father, child }
    }
}

impl From<Dependency> for TreeDependency {
    fn from(Dependency { father, child }: Dependency) -> Self {
        Self { father: Some(father.into()), child: Some(all(child)) }
    }
}

/// The body of a whole tree, with `$more` beside its members.
macro_rules! tree_body {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $more:ident,)? }) => {
        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        pub struct $name {
            /// What it is for.
            #[serde(default, deserialize_with = "json::present")]
            #[schema(required, nullable = false, max_length = 200)]
            description: Option<String>,
            /// The language where the one asked for has no text: one of `allowed_languages`.
            #[serde(default, deserialize_with = "json::present")]
            #[schema(required, nullable = false, min_length = 2, max_length = 35)]
            default_language: Option<String>,
            /// Languages in which texts may be asked for, each once.
            #[serde(default, deserialize_with = "json::present")]
            #[schema(required, nullable = false, min_items = 1, max_items = 32, value_type = Vec<PublishedLanguage>)]
            allowed_languages: Option<Vec<String>>,
            /// The consents in the order in which they are shown, each once.
            #[serde(default, deserialize_with = "json::present")]
            #[schema(required, nullable = false, min_items = 1, max_items = 256, value_type = Vec<PublishedId>)]
            consents_order: Option<Vec<String>>,
            /// Consents that campaigns are for, each once; they may be outside `consents_order`.
            #[serde(default, deserialize_with = "json::present")]
            #[schema(required, nullable = false, min_items = 1, max_items = 256, value_type = Vec<PublishedId>)]
            priority_consent_ids: Option<Vec<String>>,
            /// Named groups of consents.
            #[serde(default, deserialize_with = "json::present")]
            #[schema(required, nullable = false, max_items = 64)]
            views: Option<Vec<TreeView>>,
            /// Families among the consents. A consent has one father at most, and is never its own ancestor.
            #[serde(default, deserialize_with = "json::present")]
            #[schema(nullable = false, max_items = 256)]
            dependencies: Option<Vec<TreeDependency>>,
            /// Channels in which the tree may be captured; free names.
            #[serde(default, deserialize_with = "json::present")]
            #[schema(required, nullable = false, min_items = 1, max_items = 64)]
            channels: Option<Vec<String>>,
            #[serde(default, deserialize_with = "json::present")]
            #[schema(required, nullable = false, value_type = UsersType)]
            users_type: Option<String>,
            $($(#[$attribute])* $more: Option<String>,)?
        }

        impl From<$name> for NewTree {
            // Only the body of a creation leaves a field out.
            #[allow(clippy::needless_update)]
            fn from(sent: $name) -> Self {
                Self {
                    description: sent.description,
                    default_language: sent.default_language,
                    allowed_languages: sent.allowed_languages,
                    consents_order: sent.consents_order,
                    priority_consent_ids: sent.priority_consent_ids,
                    views: sent.views.map(all),
                    dependencies: sent.dependencies.map(all),
                    channels: sent.channels,
                    users_type: sent.users_type,
                    $($more: sent.$more,)?
                    ..Self::default()
                }
            }
        }
    };
}

tree_body! {
    /// A whole tree. Every consent must be a definition of the tenant; those of views and dependencies must be in `consents_order`, and those of
    /// `consents_order` must have texts in `default_language`.
    ConsentTreeCreate {}
}

tree_body! {
    /// A whole tree in place of another, and why. The rules are those of the creation.
    ConsentTreeUpdate {
        /// What changed, for the history.
        #[serde(default, deserialize_with = "json::present")]
        #[schema(required, nullable = false, max_length = 200)]
        change_log,
    }
}

/// A current tree.
#[derive(Serialize, ToSchema)]
pub struct ConsentTree {
    #[schema(min_length = 1)]
    segment: String,
    users_type: UsersType,
    #[schema(max_length = 200)]
    description: String,
    #[schema(min_length = 2)]
    default_language: String,
    #[schema(min_items = 1, value_type = Vec<PublishedLanguage>)]
    allowed_languages: Vec<String>,
    #[schema(min_items = 1, value_type = Vec<PublishedId>)]
    consents_order: Vec<String>,
    #[schema(min_items = 1, value_type = Vec<PublishedId>)]
    priority_consent_ids: Vec<String>,
    views: Vec<TreeView>,
    dependencies: Vec<TreeDependency>,
    #[schema(min_items = 1)]
    channels: Vec<String>,
    /// Who wrote this version: the subject of the token.
    creation_subject: String,
    /// When this version was written.
    creation_date: DateTime<Utc>,
}

impl ConsentTree {
    fn of(segment: &str, found: Versioned<Tree>) -> Self {
        let (creation_date, tree) = (found.at, found.value);
        Self {
            segment: segment.to_owned(),
            users_type: tree.users_type.into(),
            description: tree.description,
            default_language: tree.default_language.into(),
            allowed_languages: all(tree.allowed_languages),
            consents_order: all(tree.consents_order),
            priority_consent_ids: all(tree.priority_consent_ids),
            views: all(tree.views),
            dependencies: all(tree.dependencies),
            channels: tree.channels,
            creation_subject: tree.subject,
            creation_date,
        }
    }
}

/// The current trees of a segment.
#[derive(Serialize, ToSchema)]
pub struct ConsentTreeList {
    /// Customers before leads.
    trees: Vec<ConsentTree>,
}

/// One version of a tree.
#[derive(Serialize, ToSchema)]
pub struct ConsentTreeVersion {
    /// Id of the version: its transaction id.
    version: Uuid,
    /// When it was written.
    creation_date: DateTime<Utc>,
    audit_info: AuditInfo,
    #[schema(min_length = 1)]
    segment: String,
    users_type: UsersType,
    #[schema(max_length = 200)]
    description: String,
    #[schema(min_length = 2)]
    default_language: String,
    #[schema(min_items = 1, value_type = Vec<PublishedLanguage>)]
    allowed_languages: Vec<String>,
    #[schema(min_items = 1, value_type = Vec<PublishedId>)]
    consents_order: Vec<String>,
    #[schema(min_items = 1, value_type = Vec<PublishedId>)]
    priority_consent_ids: Vec<String>,
    views: Vec<TreeView>,
    dependencies: Vec<TreeDependency>,
    /// The `channels` of this version.
    #[schema(min_items = 1)]
    captured_channels: Vec<String>,
}

impl ConsentTreeVersion {
    fn of(segment: &str, found: Versioned<Tree>) -> Self {
        let (creation_date, tree) = (found.at, found.value);
        Self {
            version: tree.version,
            creation_date,
            audit_info: AuditInfo { audience: tree.audience, subject: tree.subject, change_log: tree.change_log },
            segment: segment.to_owned(),
            users_type: tree.users_type.into(),
            description: tree.description,
            default_language: tree.default_language.into(),
            allowed_languages: all(tree.allowed_languages),
            consents_order: all(tree.consents_order),
            priority_consent_ids: all(tree.priority_consent_ids),
            views: all(tree.views),
            dependencies: all(tree.dependencies),
            captured_channels: tree.channels,
        }
    }
}

/// A page of versions of a segment's trees.
#[derive(Serialize, ToSchema)]
pub struct ConsentTreeHistoryPage {
    /// The page, counted from 0.
    #[schema(minimum = 0)]
    page: usize,
    /// Items per page.
    #[schema(minimum = 1)]
    page_size: usize,
    /// Strictly the newest first.
    trees_history: Vec<ConsentTreeVersion>,
}

pub(super) fn author(caller: &Caller) -> Author<'_> {
    Author { subject: &caller.subject, audience: &caller.audience }
}

fn page(query: &Query) -> Result<Page, ApiError> {
    Page::of_snake_up_to(query, MAX_PAGE_SIZE)
}

fn slice(page: Page) -> Slice {
    Slice { skip: page.number.saturating_mul(page.size), take: page.size }
}

/// A parameter of the query that is one of some names.
fn named<T>(query: &Query, name: &str, read: impl Fn(&str) -> Result<T, &'static str>) -> Result<Option<T>, ApiError> {
    let value = query.text(name)?.map(|text| read(&text));
    value.transpose().map_err(|expected| ApiError::parameter(format!("{name}: {expected}")))
}

fn users_type(query: &Query) -> Result<Option<Users>, ApiError> {
    named(query, USERS_TYPE, Users::named)
}

/// The id that a caller wrote in some way; `None` for one that no consent can have.
fn consent_id(name: &str, text: &str) -> Result<Option<ConsentId>, ApiError> {
    use crate::catalogue::consents::ids::Malformed;
    match ConsentId::new(text) {
        Ok(id) => Ok(Some(id)),
        Err(Malformed::Empty) if !text.is_empty() => Ok(None),
        Err(malformed) => Err(ApiError::parameter(format!("{name}: {malformed}"))),
    }
}

pub async fn list(call: Call) -> Result<Json<ConsentDefinitionList>, ApiError> {
    let query = &call.query;
    let id = query.text(CONSENT_ID).and_then(|text| text.map(|text| consent_id(CONSENT_ID, &text)).transpose());
    let filters = both(named(query, CHOICE_TYPE, type_named), id);
    let (page, (choice_type, id)) = both(page(query), filters)?;
    let id = match id {
        // No consent can have it.
        Some(None) => return Ok(Json(ConsentDefinitionList { consents: Vec::new() })),
        id => id.flatten(),
    };
    let wanted = Wanted { choice_type, id };
    let found = call.state.consents.definitions(&call.organization, &wanted, slice(page)).await?;
    Ok(Json(ConsentDefinitionList { consents: all(found) }))
}

pub async fn create(call: Call<(), Json<ConsentDefinitionCreate>>) -> Result<Json<ConsentDefinitionResult>, ApiError> {
    let (Json(sent), state) = (call.body, &call.state);
    let made = state.consents.create(&call.organization, sent.into(), author(&call.caller), state.now()).await?;
    Ok(Json(made.into()))
}

pub async fn update(call: Call<String, Json<ConsentDefinitionUpdate>>) -> Result<Json<ConsentDefinitionResult>, ApiError> {
    let id = consent_id(CONSENT_ID, &call.id)?;
    let Json(ConsentDefinitionUpdate { consent, changes_description }) = call.body;
    let texts = NewTexts { details: consent.map(all), change_log: changes_description };
    let state = &call.state;
    let changed = state.consents.change(&call.organization, id.as_ref(), texts, author(&call.caller), state.now()).await?;
    Ok(Json(changed.into()))
}

pub async fn history(call: Call<String>) -> Result<Json<ConsentDefinitionHistoryPage>, ApiError> {
    let (id, page) = both(consent_id(CONSENT_ID, &call.id), page(&call.query))?;
    let found = match &id {
        Some(id) => call.state.consents.history(&call.organization, id, slice(page)).await?,
        None => Vec::new(),
    };
    Ok(Json(ConsentDefinitionHistoryPage { page: page.number, page_size: page.size, consents: all(found) }))
}

/// The statements of a tree, for nobody in particular.
pub async fn offered(call: Call) -> Result<Json<ConsentsResponse>, ApiError> {
    let query = &call.query;
    let texts = both(filters::views(query), filters::format(query));
    let ((views, format), (users, segment)) = both(texts, both(filters::users_type(query), segment(&call)))?;
    let edition = call.state.consents.fresh_edition(&call.organization, segment.as_str(), users).await?;
    let languages = Accepted::of(&accept_language(&call).unwrap_or_default());
    let wanted = Asked { filters: Filters { views, ..Filters::default() }, format, languages };
    let shown = display(&edition, None, &wanted, call.state.now());
    let shown = shown.map_err(|missing| ApiError::parameter(format!("view: {missing}")))?;
    Ok(Json(shown.body))
}

pub async fn list_trees(call: Call) -> Result<WithHeader<Json<ConsentTreeList>>, ApiError> {
    let (segment, users) = both(segment(&call), users_type(&call.query))?;
    let found = call.state.consents.trees(&call.organization, segment.as_str(), users).await?;
    if found.is_empty() {
        return Err(ApiError::not_found("the segment has no such tree; create one first"));
    }
    let ids: Vec<String> = found.iter().map(|found| found.value.version.to_string()).collect();
    let value = HeaderValue::from_str(&ids.join(",")).map_err(ApiError::internal)?;
    let trees = found.into_iter().map(|found| ConsentTree::of(segment.as_str(), found)).collect();
    Ok(WithHeader { name: header::ETAG, value, answer: Json(ConsentTreeList { trees }) })
}

pub async fn create_tree(call: Call<(), Json<ConsentTreeCreate>>) -> Result<(), ApiError> {
    let segment = segment_only(&call)?;
    let (Json(sent), state) = (call.body, &call.state);
    let author = author(&call.caller);
    Ok(state.consents.create_tree(&call.organization, segment.as_str(), sent.into(), author, state.now()).await?)
}

pub async fn replace_tree(call: Call<(), Json<ConsentTreeUpdate>>) -> Result<(), ApiError> {
    let (segment, read) = both(segment_only(&call), transaction_ids(&call))?;
    let (Json(sent), state) = (call.body, &call.state);
    let author = author(&call.caller);
    Ok(state.consents.replace_tree(&call.organization, segment.as_str(), &read, sent.into(), author, state.now()).await?)
}

pub async fn tree_history(call: Call) -> Result<Json<ConsentTreeHistoryPage>, ApiError> {
    let filters = both(users_type(&call.query), page(&call.query));
    let (segment, (users, page)) = both(segment_only(&call), filters)?;
    let found = call.state.consents.tree_history(&call.organization, segment.as_str(), users, slice(page)).await?;
    let trees_history = found.into_iter().map(|found| ConsentTreeVersion::of(segment.as_str(), found)).collect();
    Ok(Json(ConsentTreeHistoryPage { page: page.number, page_size: page.size, trees_history }))
}

/// The transaction ids that the headers `ETag` and `If-Match` list, with or without quotes and marks of weakness (note etag-request-header).
///
/// # Errors
/// 400 when there is none, or one that is no transaction id.
fn transaction_ids<I, B>(call: &Call<I, B>) -> Result<Vec<Uuid>, ApiError> {
    const WANTED: &str =
        "etag: expected what the last read of the trees returned in this header, one id or more with commas between them";
    let mut ids = Vec::new();
    for value in [header::ETAG, header::IF_MATCH].iter().flat_map(|name| call.headers(name.as_str())) {
        let list = value.to_str().map_err(|_| ApiError::parameter(WANTED))?;
        for tag in list.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            ids.push(transaction_id(tag).ok_or_else(|| ApiError::parameter(WANTED))?);
        }
    }
    match ids.is_empty() {
        true => Err(ApiError::parameter("etag: the header is missing; it brings what the last read of the trees returned in it")),
        false => Ok(ids),
    }
}

fn transaction_id(tag: &str) -> Option<Uuid> {
    let unquoted = |text: &str| text.trim_matches(|c: char| c == '"' || c.is_whitespace()).to_owned();
    let opaque = unquoted(tag);
    let strong = opaque.strip_prefix("W/").or_else(|| opaque.strip_prefix("w/")).map(unquoted);
    Uuid::parse_str(strong.as_deref().unwrap_or(&opaque)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_id_is_read_in_any_dress() {
        let id = Uuid::new_v4();
        for tag in [format!("{id}"), format!("\"{id}\""), format!("W/\"{id}\""), format!("\"{id}"), format!("w/ {id} ")] {
            assert_eq!(transaction_id(&tag), Some(id), "{tag}");
        }
        for tag in ["*", "W/", "\"\"", "1", "5f0c9a6e-9d2c-4d9e-8a53-2b8a2c3f7d1"] {
            assert_eq!(transaction_id(tag), None, "{tag}");
        }
    }
}
