//! What a handler gets and gives, and how its types are put away so that all handlers fit into one table.
//!
//! A handler is an async function: `async fn read(call: Call<Uuid>) -> Result<Json<Thing>, ApiError>`. Its signature says what the path
//! names, which body it takes and what it answers; [`by`] reads all of it for the description.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Timestamp;
use utoipa::openapi::{Content, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;
use workflows::Device;
use zeroize::Zeroize;

use super::device::{self, Required};
use super::download::Binary;
use super::dynamic_fills;
use super::error::ApiError;
use super::intake;
use super::multipart::{self, Files, Part};
use super::operation::{Operation, Success};
use super::processes::Engine;
use super::query::Query;
use super::sandbox::Sandbox;
use super::{State, context, json};
use crate::access;
use crate::catalogue::documents::Owner;
use crate::catalogue::item::Act;
use crate::room::Share;

/// A request that was let in, before its body is read.
pub struct Admitted {
    pub request: HttpRequest,
    pub payload: Payload,
    pub operation: &'static Operation,
    pub state: web::Data<State>,
    pub engine: web::Data<Engine>,
    pub sandbox: Option<web::Data<Sandbox>>,
    /// Maximum size of a JSON body, in bytes: the operation's and the configured one.
    pub json_limit: usize,
    /// Caller, organization and the identifiers in the path; `None` for operations that need no token.
    pub tenant: Option<Tenant>,
    /// What the path of a link's operation names.
    pub of_link: Vec<Id>,
    /// The organization in the path of an operation that needs no token.
    pub of_nobody: Option<String>,
}

impl Admitted {
    async fn json(&mut self) -> Result<web::BytesMut, ApiError> {
        let organization = self.tenant.as_ref().map(|tenant| &tenant.organization).or(self.of_nobody.as_ref());
        let organization = organization.map_or("", String::as_str);
        json::read(&self.request, self.payload.take(), self.json_limit, organization).await
    }
}

/// Who calls, and about what.
pub struct Tenant {
    pub caller: Arc<access::Caller>,
    pub organization: String,
    pub ids: Vec<Id>,
}

/// What stands in a path for a segment in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    Uuid(Uuid),
    Name(String),
    Number(u32),
    Latest,
}

/// A handler with its types put away, so that all fit into one table.
pub trait Handler: Sync {
    fn run(&self, admitted: Admitted) -> LocalBoxFuture<'static, Result<HttpResponse, ApiError>>;
    /// How many identifiers it expects in the path, besides the organization; `None` for handlers of the sandbox.
    fn ids(&self) -> Option<usize>;
    fn body(&self, schemas: &mut Schemas) -> Option<Described>;
    fn answers(&self, schemas: &mut Schemas) -> Vec<Option<Described>>;
}

/// Schemas by name, as the description collects them.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// A body in the description.
pub struct Described {
    pub media_types: &'static [&'static str],
    pub schema: RefOr<Schema>,
    /// Whether a request must have it.
    pub required: bool,
    /// Media types of bodies that can be anything: they have no schema.
    pub anything: &'static [&'static str],
}

impl Described {
    pub fn new(media_types: &'static [&'static str], schema: RefOr<Schema>) -> Self {
        Self { media_types, schema, required: true, anything: &[] }
    }

    /// The media types, with what is said of each.
    pub fn contents(&self) -> impl Iterator<Item = (&'static str, Content)> {
        let described = self.media_types.iter().map(|media| (*media, Content::new(Some(self.schema.clone()))));
        described.chain(self.anything.iter().map(|media| (*media, Content::default())))
    }
}

/// A type as others refer to it; it and what it refers to go into `schemas`.
pub(super) fn referred<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    utoipa::openapi::Ref::from_schema_name(T::name()).into()
}

/// A handler and the types of its signature.
pub struct Typed<F, Call, Answer>(F, PhantomData<fn(Call) -> Answer>);

/// The handler of a row: an async function from a [`Call`] or a [`SandboxCall`] to an [`Answer`].
pub const fn by<F, C, A>(handler: F) -> Typed<F, C, A>
where
    F: AsyncHandler<C, A>,
{
    Typed(handler, PhantomData)
}

/// An async function that can be a handler.
pub trait AsyncHandler<C, A>: Copy + Sync + 'static {
    fn call(self, call: C) -> impl Future<Output = Result<A, ApiError>> + 'static;
}

impl<F, C, A, R> AsyncHandler<C, A> for F
where
    F: Fn(C) -> R + Copy + Sync + 'static,
    R: Future<Output = Result<A, ApiError>> + 'static,
{
    fn call(self, call: C) -> impl Future<Output = Result<A, ApiError>> + 'static {
        self(call)
    }
}

impl<F, C: FromAdmitted, A: Answer> Handler for Typed<F, C, A>
where
    F: AsyncHandler<C, A>,
{
    fn run(&self, admitted: Admitted) -> LocalBoxFuture<'static, Result<HttpResponse, ApiError>> {
        let handler = self.0;
        Box::pin(async move {
            let operation = admitted.operation;
            let call = C::read(admitted).await?;
            handler.call(call).await?.respond(operation.answers)
        })
    }

    fn ids(&self) -> Option<usize> {
        C::IDS
    }

    fn body(&self, schemas: &mut Schemas) -> Option<Described> {
        C::body(schemas)
    }

    fn answers(&self, schemas: &mut Schemas) -> Vec<Option<Described>> {
        A::described(schemas)
    }
}

/// What a handler can take: made from an admitted request by reading its body.
pub trait FromAdmitted: Sized + 'static {
    const IDS: Option<usize>;
    fn body(schemas: &mut Schemas) -> Option<Described>;
    fn read(admitted: Admitted) -> impl Future<Output = Result<Self, ApiError>>;
}

/// A call that was let in: by whom, about what, with what body.
///
/// `I` is what the path names besides the organization: nothing, one [`Named`], or two. `B` is a [`Body`].
pub struct Call<I = (), B = ()> {
    pub caller: Arc<access::Caller>,
    pub organization: String,
    pub id: I,
    pub body: B,
    pub query: Query,
    pub state: web::Data<State>,
    pub engine: web::Data<Engine>,
    request: HttpRequest,
}

impl<I, B> Call<I, B> {
    /// A header's text; `None` if it was not sent, or only blanks.
    ///
    /// # Errors
    /// 400 when it is sent twice or is not UTF-8.
    pub fn header(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.headers(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(ApiError::parameter(format!("{name}: the header comes more than once")));
        }
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_| ApiError::parameter(format!("{name}: not UTF-8 text")))?;
        Ok(Some(text.trim()).filter(|text| !text.is_empty()))
    }

    /// All values of a header, as they were sent.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &HeaderValue> {
        self.request.headers().get_all(name)
    }

    /// The owner that the header `x-auth-owner` names.
    ///
    /// # Errors
    /// 400, see [`context::owner_header`].
    pub fn owner(&self) -> Result<Option<Owner>, ApiError> {
        context::owner_header(&self.request)
    }

    /// The origin that the header `fill-process-origin` names.
    ///
    /// # Errors
    /// 400, see [`dynamic_fills::origin_header`].
    pub fn origin(&self) -> Result<Option<String>, ApiError> {
        dynamic_fills::origin_header(&self.request)
    }

    /// The device that the call comes from.
    ///
    /// # Errors
    /// 400, see [`device::device`].
    pub fn device(&self, required: Required) -> Result<Device, ApiError> {
        device::device(&self.request, &self.state, required)
    }
}

/// What a caller does to an item of the catalogue.
pub fn act(caller: &access::Caller, at: Timestamp) -> Act<'_> {
    Act { at, by: Some(&caller.subject), why: None }
}

impl<I: Ids, B: Body> FromAdmitted for Call<I, B> {
    const IDS: Option<usize> = Some(I::COUNT);

    fn body(schemas: &mut Schemas) -> Option<Described> {
        B::described(schemas)
    }

    async fn read(mut admitted: Admitted) -> Result<Self, ApiError> {
        let body = B::read(&mut admitted).await?;
        let Admitted { request, state, engine, tenant, .. } = admitted;
        let Tenant { caller, organization, ids } = tenant.ok_or_else(|| ApiError::internal("the path names no organization"))?;
        let id = I::from_path(&ids).ok_or_else(|| ApiError::internal("the path has other identifiers than the handler takes"))?;
        let query = Query::of(&request);
        Ok(Self { caller, organization, id, body, query, state, engine, request })
    }
}

/// A call of an operation of the sandbox: nobody knows by whom.
pub struct SandboxCall<B = ()> {
    pub body: B,
    pub query: Query,
    pub engine: web::Data<Engine>,
    pub sandbox: web::Data<Sandbox>,
}

impl<B: Body> FromAdmitted for SandboxCall<B> {
    const IDS: Option<usize> = None;

    fn body(schemas: &mut Schemas) -> Option<Described> {
        B::described(schemas)
    }

    async fn read(mut admitted: Admitted) -> Result<Self, ApiError> {
        let body = B::read(&mut admitted).await?;
        let Admitted { request, engine, sandbox, .. } = admitted;
        let sandbox = sandbox.ok_or_else(|| ApiError::internal("the sandbox is off"))?;
        Ok(Self { body, query: Query::of(&request), engine, sandbox })
    }
}

/// A call of whoever has a sealed URL, which is the first that the path names: its handler opens it before anything else.
pub struct LinkCall<I> {
    pub id: I,
    pub query: Query,
    pub headers: HeaderMap,
    pub state: web::Data<State>,
}

impl<I: Ids> FromAdmitted for LinkCall<I> {
    const IDS: Option<usize> = Some(I::COUNT);

    fn body(_: &mut Schemas) -> Option<Described> {
        None
    }

    async fn read(admitted: Admitted) -> Result<Self, ApiError> {
        let Admitted { request, state, of_link, .. } = admitted;
        let id =
            I::from_path(&of_link).ok_or_else(|| ApiError::internal("the path has other identifiers than the handler takes"))?;
        Ok(Self { id, query: Query::of(&request), headers: request.headers().clone(), state })
    }
}

/// A call of whoever has a page of this server: no token says by whom.
pub struct OpenCall<B = ()> {
    pub organization: String,
    pub body: B,
    pub state: web::Data<State>,
    pub engine: web::Data<Engine>,
}

impl<B: Body> FromAdmitted for OpenCall<B> {
    const IDS: Option<usize> = Some(0);

    fn body(schemas: &mut Schemas) -> Option<Described> {
        B::described(schemas)
    }

    async fn read(mut admitted: Admitted) -> Result<Self, ApiError> {
        let body = B::read(&mut admitted).await?;
        let Admitted { state, engine, of_nobody, .. } = admitted;
        let organization = of_nobody.ok_or_else(|| ApiError::internal("the path names no organization"))?;
        Ok(Self { organization, body, state, engine })
    }
}

/// What a path can name besides the organization.
pub trait Ids: Sized + 'static {
    const COUNT: usize;
    fn from_path(ids: &[Id]) -> Option<Self>;
}

/// What one segment can name.
pub trait Named: Sized + 'static {
    fn from_segment(id: &Id) -> Option<Self>;
}

impl Named for Uuid {
    fn from_segment(id: &Id) -> Option<Self> {
        if let Id::Uuid(id) = id { Some(*id) } else { None }
    }
}

impl Named for String {
    fn from_segment(id: &Id) -> Option<Self> {
        if let Id::Name(name) = id { Some(name.clone()) } else { None }
    }
}

impl Named for u32 {
    fn from_segment(id: &Id) -> Option<Self> {
        if let Id::Number(number) = id { Some(*number) } else { None }
    }
}

/// A number, or the latest one (`None`).
pub struct NumberOrLatest(pub Option<u32>);

impl Named for NumberOrLatest {
    fn from_segment(id: &Id) -> Option<Self> {
        match id {
            Id::Number(number) => Some(Self(Some(*number))),
            Id::Latest => Some(Self(None)),
            Id::Uuid(_) | Id::Name(_) => None,
        }
    }
}

impl Ids for () {
    const COUNT: usize = 0;

    fn from_path(ids: &[Id]) -> Option<Self> {
        ids.is_empty().then_some(())
    }
}

impl<T: Named> Ids for T {
    const COUNT: usize = 1;

    fn from_path(ids: &[Id]) -> Option<Self> {
        if let [id] = ids { T::from_segment(id) } else { None }
    }
}

impl<A: Named, B: Named> Ids for (A, B) {
    const COUNT: usize = 2;

    fn from_path(ids: &[Id]) -> Option<Self> {
        if let [first, second] = ids { Some((A::from_segment(first)?, B::from_segment(second)?)) } else { None }
    }
}

impl<A: Named, B: Named, C: Named> Ids for (A, B, C) {
    const COUNT: usize = 3;

    fn from_path(ids: &[Id]) -> Option<Self> {
        let [first, second, third] = ids else { return None };
        Some((A::from_segment(first)?, B::from_segment(second)?, C::from_segment(third)?))
    }
}

/// What a call can carry.
pub trait Body: Sized + 'static {
    fn described(schemas: &mut Schemas) -> Option<Described>;
    fn read(admitted: &mut Admitted) -> impl Future<Output = Result<Self, ApiError>>;
}

/// No body: whatever is sent is not read.
impl Body for () {
    fn described(_: &mut Schemas) -> Option<Described> {
        None
    }

    async fn read(_: &mut Admitted) -> Result<Self, ApiError> {
        Ok(())
    }
}

/// JSON, of a call or of an answer.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body that may be empty, which stands for `{}`.
#[derive(Debug)]
pub struct MaybeEmpty<T>(pub T);

const JSON: &[&str] = &["application/json"];

impl<T: DeserializeOwned + ToSchema + 'static> Body for Json<T> {
    fn described(schemas: &mut Schemas) -> Option<Described> {
        Some(Described::new(JSON, referred::<T>(schemas)))
    }

    async fn read(admitted: &mut Admitted) -> Result<Self, ApiError> {
        json::require_json(&admitted.request)?;
        let bytes = admitted.json().await?;
        json::parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default + ToSchema + 'static> Body for MaybeEmpty<T> {
    fn described(schemas: &mut Schemas) -> Option<Described> {
        let described = <Json<T> as Body>::described(schemas)?;
        Some(Described { required: false, ..described })
    }

    async fn read(admitted: &mut Admitted) -> Result<Self, ApiError> {
        let bytes = admitted.json().await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        json::require_json(&admitted.request)?;
        json::parse(&bytes).map(Self)
    }
}

/// A JSON body with a biometric sample: its bytes are wiped once they are read. What the layers below hold of it, the pieces as they came over
/// the network, they give back as they are.
#[derive(Debug)]
pub struct Wiped<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> Body for Wiped<T> {
    fn described(schemas: &mut Schemas) -> Option<Described> {
        <Json<T> as Body>::described(schemas)
    }

    async fn read(admitted: &mut Admitted) -> Result<Self, ApiError> {
        json::require_json(&admitted.request)?;
        let mut bytes = admitted.json().await?;
        let parsed = json::parse(&bytes);
        bytes.as_mut().zeroize();
        parsed.map(Self)
    }
}

/// A multipart body that the handler reads itself, as it knows what room it takes. `T` describes its parts.
pub struct Multipart<T> {
    request: HttpRequest,
    payload: Payload,
    parts: PhantomData<fn() -> T>,
}

/// The parts of a multipart body, for the description.
pub trait Parts: ToSchema + 'static {
    const MEDIA_TYPES: &'static [&'static str] = &["multipart/form-data"];
}

impl<T: Parts> Body for Multipart<T> {
    fn described(schemas: &mut Schemas) -> Option<Described> {
        Some(Described::new(T::MEDIA_TYPES, referred::<T>(schemas)))
    }

    async fn read(admitted: &mut Admitted) -> Result<Self, ApiError> {
        Ok(Self { request: admitted.request.clone(), payload: admitted.payload.take(), parts: PhantomData })
    }
}

impl<T> Multipart<T> {
    /// What comes takes of the `room`.
    ///
    /// # Errors
    /// As [`multipart::read`].
    pub async fn read(self, parts: &[Part], room: Share) -> Result<multipart::Form, ApiError> {
        multipart::read(&self.request, self.payload, parts, room).await
    }

    /// The same with files under names that the caller chooses.
    ///
    /// # Errors
    /// As [`multipart::read_with_files`].
    pub async fn read_with_files(self, parts: &[Part], files: Files, room: Share) -> Result<multipart::Form, ApiError> {
        multipart::read_with_files(&self.request, self.payload, parts, files, room).await
    }
}

/// A PDF as the whole body, which the handler reads itself, as it knows what room it takes.
pub struct PdfFile {
    request: HttpRequest,
    payload: Payload,
}

const PDF: &[&str] = &["application/pdf"];

impl Body for PdfFile {
    fn described(_: &mut Schemas) -> Option<Described> {
        Some(Described::new(PDF, Binary::schema()))
    }

    async fn read(admitted: &mut Admitted) -> Result<Self, ApiError> {
        if json::media_type(&admitted.request).as_deref() != Some(PDF[0]) {
            return Err(ApiError::unsupported_media_type("the body must be sent as application/pdf"));
        }
        Ok(Self { request: admitted.request.clone(), payload: admitted.payload.take() })
    }
}

impl PdfFile {
    /// At most `limit` bytes, which take of the `room` until the second value is dropped.
    ///
    /// # Errors
    /// As [`intake::whole`].
    pub async fn read(self, limit: usize, room: Share) -> Result<(Bytes, Share), ApiError> {
        let (bytes, room) = intake::whole(&self.request, self.payload, limit, multipart::READ_TIMEOUT, room).await?;
        Ok((bytes.freeze(), room))
    }
}

/// What a handler can answer. The status is the row's.
pub trait Answer: 'static {
    /// The body of each success, in the order of the row.
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>>;

    /// # Errors
    /// 500 if the row does not list the success.
    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError>;
}

/// The status of a row's success.
///
/// # Errors
/// 500 if the row does not list it.
pub fn status(answers: &[Success], position: usize) -> Result<StatusCode, ApiError> {
    let success = answers.get(position).ok_or_else(|| ApiError::internal("a success that the row does not list"))?;
    StatusCode::from_u16(success.status).map_err(ApiError::internal)
}

/// No body.
impl Answer for () {
    fn described(_: &mut Schemas) -> Vec<Option<Described>> {
        vec![None]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::build(status(answers, 0)?).finish())
    }
}

impl<T: Serialize + ToSchema + 'static> Answer for Json<T> {
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>> {
        vec![Some(Described::new(JSON, referred::<T>(schemas)))]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::build(status(answers, 0)?).json(self.0))
    }
}

/// A JSON array.
#[derive(Debug)]
pub struct List<T>(pub Vec<T>);

impl<T: Serialize + ToSchema + 'static> Answer for List<T> {
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>> {
        let list = utoipa::openapi::Array::new(referred::<T>(schemas));
        vec![Some(Described::new(JSON, RefOr::T(Schema::Array(list))))]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::build(status(answers, 0)?).json(self.0))
    }
}

/// The first success of the row with a body, or the second without one.
impl<T: Serialize + ToSchema + 'static> Answer for Option<Json<T>> {
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>> {
        Json::<T>::described(schemas).into_iter().chain([None]).collect()
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        match self {
            Some(Json(body)) => Ok(HttpResponse::build(status(answers, 0)?).json(body)),
            None => Ok(HttpResponse::build(status(answers, 1)?).finish()),
        }
    }
}

/// An answer with one header more; the row says what it is for.
pub struct WithHeader<A> {
    pub name: HeaderName,
    pub value: HeaderValue,
    pub answer: A,
}

impl<A: Answer> Answer for WithHeader<A> {
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>> {
        A::described(schemas)
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        let mut response = self.answer.respond(answers)?;
        response.headers_mut().insert(self.name, self.value);
        Ok(response)
    }
}

/// What a row begins with, before it names its handler. Tests hold that none is left.
pub(super) struct NoHandler;

impl Handler for NoHandler {
    fn run(&self, _: Admitted) -> LocalBoxFuture<'static, Result<HttpResponse, ApiError>> {
        Box::pin(async { Err(ApiError::internal("a row without handler")) })
    }

    fn ids(&self) -> Option<usize> {
        None
    }

    fn body(&self, _: &mut Schemas) -> Option<Described> {
        None
    }

    fn answers(&self, _: &mut Schemas) -> Vec<Option<Described>> {
        Vec::new()
    }
}
