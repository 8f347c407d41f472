//! Pages of a document below its public URL: as images and as text, for whoever has the URL. An `<img>` sends no header, so the URL is the
//! credential; what it leads to is looked up each time, as for the document itself.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap};
use render::{TextState, Width};
use serde::Serialize;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{PartialSchema, ToSchema};

use super::call::{Answer, Described, LinkCall, Schemas, referred, status};
use super::documents::document_of_link;
use super::download::Binary;
use super::error::ApiError;
use super::operation::{Parameter, Success};
use crate::page_view::{self, MAX_PAGES};
use crate::public_url::PublicDocument;

/// How long a browser may keep a page; as long as it does, whoever has its storage needs no URL.
const CACHE_CONTROL: &str = "private, max-age=3600, immutable";

pub const FROM: Parameter = Parameter::query("from", "The first page that is told, counted from 0. Default: 0.", from);
pub const COUNT: Parameter = Parameter::query("count", "How many pages are told at most. Default: 50.", count);

/// Headers of a page.
pub const KEPT: &[(&str, &str)] =
    &[("ETag", "Of the page as it is now."), ("Cache-Control", "Browsers may keep it for an hour; other caches may not.")];

fn from() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build()
}

fn count() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_PAGES as u32)).build()
}

/// Some pages of a document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DocumentPages {
    /// Pages of the document.
    #[schema(minimum = 1, value_type = i64)]
    total: usize,
    /// Number of the first page in the list, counted from 0.
    #[schema(minimum = 0, value_type = i64)]
    from: usize,
    /// The pages that were asked for; the first of them where their text is long. Ask again for those that follow.
    pages: Vec<DocumentPage>,
}

/// A page of a document.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct DocumentPage {
    /// In points (1/72 inch), as the page is shown: turned and cropped.
    width: f64,
    /// In points.
    height: f64,
    /// In the order in which the page draws them, at most 5,000.
    text: Vec<PageTextRun>,
    state: PageTextState,
    /// What there is to say of the text, in words; left out where it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<&'static str>,
}

/// Letters in one line that are drawn together, with the box around them: points from the upper left corner of the page.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct PageTextRun {
    /// Left.
    x: f64,
    /// Top.
    y: f64,
    /// Width.
    w: f64,
    /// Height.
    h: f64,
    /// The letters.
    s: String,
}

/// How much of the text of a page is told.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PageTextState {
    /// All of it.
    Complete,
    /// There is none.
    None,
    /// Not all of it: too many runs, or letters that cannot be told.
    Partial,
    /// It cannot be read.
    Unavailable,
}

impl From<TextState> for PageTextState {
    fn from(state: TextState) -> Self {
        match state {
            TextState::Complete => Self::Complete,
            TextState::None => Self::None,
            TextState::Partial => Self::Partial,
            TextState::Unavailable => Self::Unavailable,
        }
    }
}

impl PageTextState {
    fn note(self) -> Option<&'static str> {
        match self {
            Self::Complete => None,
            Self::None => Some("This page has no text that can be selected or read out: it is empty, or a picture of a page."),
            Self::Partial => Some("Only a part of this page's text can be told; look at the page, or download the document."),
            Self::Unavailable => Some("The text of this page cannot be told; look at the page, or download the document."),
        }
    }
}

impl DocumentPages {
    fn new(from: usize, pages: &render::Pages) -> Self {
        let run = |render::Run { x, y, w, h, s }: &render::Run| PageTextRun { x: *x, y: *y, w: *w, h: *h, s: s.clone() };
        let page = |page: &render::PageText| {
            let state = PageTextState::from(page.state);
            DocumentPage {
                width: page.width,
                height: page.height,
                text: page.text.iter().map(run).collect(),
                state,
                note: state.note(),
            }
        };
        Self { total: pages.total, from, pages: pages.pages.iter().map(page).collect() }
    }
}

/// What a browser may keep: as it is, or the word that it is as it was.
pub struct Kept<T> {
    etag: String,
    /// `None` where the browser has it.
    body: Option<T>,
}

impl<T> Kept<T> {
    fn response(&self, answers: &'static [Success]) -> Result<actix_web::HttpResponseBuilder, ApiError> {
        let position = if self.body.is_some() { 0 } else { 1 };
        let mut response = HttpResponse::build(status(answers, position)?);
        response.insert_header((header::ETAG, self.etag.as_str())).insert_header((header::CACHE_CONTROL, CACHE_CONTROL));
        Ok(response)
    }
}

impl Answer for Kept<DocumentPages> {
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>> {
        vec![Some(Described::new(&["application/json"], referred::<DocumentPages>(schemas))), None]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        let mut response = self.response(answers)?;
        Ok(match self.body {
            Some(pages) => response.json(pages),
            None => response.finish(),
        })
    }
}

impl Answer for Kept<page_view::Image> {
    fn described(_: &mut Schemas) -> Vec<Option<Described>> {
        vec![Some(Described::new(&["image/png", "image/jpeg"], Binary::schema())), None]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        let mut response = self.response(answers)?;
        Ok(match self.body {
            Some(image) => response.content_type(image.media_type.as_str()).body(image.bytes),
            None => response.finish(),
        })
    }
}

pub async fn list(call: LinkCall<String>) -> Result<Kept<DocumentPages>, ApiError> {
    let from = call.query.number(FROM.name)?.unwrap_or(0);
    let count = call.query.number(COUNT.name)?.unwrap_or(MAX_PAGES);
    if !(1..=MAX_PAGES).contains(&count) {
        return Err(ApiError::parameter(format!("{}: expected a whole number from 1 to {MAX_PAGES}", COUNT.name)));
    }
    let LinkCall { id: token, state, headers, .. } = call;
    let (PublicDocument { organization, .. }, document) = document_of_link(&state, &token).await?;
    kept(&headers, &[document.digest.to_string(), from.to_string(), count.to_string()], async || {
        let pages = state.page_view.pages(&organization, &document, from, count).await?;
        Ok(DocumentPages::new(from, &pages))
    })
    .await
}

pub async fn image(call: LinkCall<(String, u32, u32)>) -> Result<Kept<page_view::Image>, ApiError> {
    let LinkCall { id: (token, page, pixels), state, headers, .. } = call;
    let width = Width::of_pixels(pixels).ok_or_else(|| ApiError::parameter("width: expected 800, 1200 or 2400"))?;
    let (PublicDocument { organization, .. }, document) = document_of_link(&state, &token).await?;
    kept(&headers, &[document.digest.to_string(), format!("p{page}"), pixels.to_string()], async || {
        Ok(state.page_view.image(&organization, &document, page as usize, width).await?)
    })
    .await
}

/// What `make` makes, unless the browser has it.
async fn kept<T>(
    headers: &HeaderMap,
    parts: &[String],
    make: impl AsyncFnOnce() -> Result<T, ApiError>,
) -> Result<Kept<T>, ApiError> {
    let etag = format!("\"{}-{}\"", page_view::EDITION, parts.join("-"));
    let body = if has(headers, &etag) { None } else { Some(make().await?) };
    Ok(Kept { etag, body })
}

/// Whether the browser says that it has this (RFC 9110, 13.1.2). `*` is no page that anybody was given.
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    named.map(str::trim).any(|named| named.strip_prefix("W/").unwrap_or(named) == etag)
}
