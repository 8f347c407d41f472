//! One request of the console: who it comes from, where it leads, and what is answered when that is nothing.

use std::{cell::Cell, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, StatusCode, header},
    web,
};
use chrono::{DateTime, Utc};
use pages::{
    console::{Frame, NavPart, Organization, Person, Phrase, Problem},
    headers::Page,
    texts::Language,
};
use tokio::time::timeout;
use workflows::Staff;

use super::{
    log, origin,
    session::{Absent, Session},
    site::Site,
};
use crate::{
    access::Role,
    http::{State, api::Api, api::decoded, device::client_address, error::ApiError, multipart, processes::Engine},
    iso_duration, records,
};

/// Maximum length of a form, in bytes: a reason of 1,000 characters, escaped.
const MAX_FORM: usize = 32 * 1024;

/// How long a form may take to arrive.
const FORM_TIME: Duration = Duration::from_secs(30);

/// Why a page is not shown.
#[derive(Debug)]
pub enum Failure {
    /// Nobody is signed in.
    Absent(Absent),
    /// There is nothing there, or not in an organization of this person.
    NotFound,
    /// The role is missing.
    Forbidden(Role),
    /// It does not come from a form of this session.
    Forged,
    /// An agent locked the browser.
    Locked,
    /// It is a tablet of a shop.
    Tablet,
    /// The form cannot be read.
    Form,
    /// What is asked for cannot be shown as text.
    NoText,
    /// A part of the server does not answer.
    Unavailable,
    /// The process is set aside.
    SetAside,
}

impl From<actors::Error> for Failure {
    fn from(error: actors::Error) -> Self {
        match error {
            actors::Error::Refused(workflows::Refusal::NotFound(_)) => Self::NotFound,
            actors::Error::Quarantined => Self::SetAside,
            error => {
                tracing::warn!(%error, "the console has no answer of a process");
                Self::Unavailable
            }
        }
    }
}

impl From<records::Error> for Failure {
    fn from(error: records::Error) -> Self {
        tracing::warn!(%error, "the console has no answer of the records");
        Self::Unavailable
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        tracing::warn!(%error, "the console has no answer of the store");
        Self::Unavailable
    }
}

/// A request, before anybody is known.
pub struct Call {
    pub request: HttpRequest,
    pub site: web::Data<Site>,
    api: web::Data<Api>,
    pub language: Language,
}

/// A request of somebody who is signed in.
pub struct Visit {
    pub call: Call,
    pub session: Session,
    /// As the address names it; empty where it names none.
    pub organization: String,
    part: Option<NavPart>,
    /// Something was done that belongs into the log of the staff.
    did: Cell<bool>,
}

impl Call {
    /// `None` where there is no console: a fault of the routes.
    pub fn of(request: HttpRequest) -> Option<Self> {
        let site = request.app_data::<web::Data<Site>>()?.clone();
        let api = request.app_data::<web::Data<Api>>()?.clone();
        let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let language = Language::accepted(accepted);
        Some(Self { request, site, api, language })
    }

    /// Whether the browser is in the hands of staff. One that an agent locked opens by its PIN alone, as the identity provider may still know
    /// the agent there; at a tablet of the shop nobody signs in.
    ///
    /// # Errors
    /// [`Failure::Locked`], [`Failure::Tablet`].
    pub fn check_hands(&self) -> Result<(), Failure> {
        let sessions = &self.site.sessions;
        if sessions.locked(&self.request).is_some() {
            return Err(Failure::Locked);
        }
        if sessions.tablet(&self.request).is_some() { Err(Failure::Tablet) } else { Ok(()) }
    }

    pub fn state(&self) -> &State {
        self.api.state()
    }

    pub fn engine(&self) -> &Engine {
        self.api.engine()
    }

    /// The wall clock, by which sessions live.
    pub fn now(&self) -> DateTime<Utc> {
        self.state().now()
    }

    /// A parameter of the query, if it is there and no longer than any of ours.
    pub fn parameter(&self, name: &str) -> Option<String> {
        const MAX: usize = 2_000;
        let mut pairs = form_urlencoded::parse(self.request.query_string().as_bytes());
        pairs.find(|(own, value)| own == name && !value.is_empty() && value.len() <= MAX).map(|(_, value)| value.into_owned())
    }

    /// What stands in the path for a name in braces.
    pub fn segment(&self, name: &str) -> String {
        self.request.match_info().get(name).map(decoded).unwrap_or_default()
    }

    /// What all pages share; nobody is signed in.
    pub fn frame(&self) -> Frame {
        let ahead = self.engine().clock.advanced();
        let moved = (!ahead.is_zero()).then(|| Phrase::new("console.banner.clock").with("ahead", iso_duration::format(ahead)));
        let sandbox = self.site.sandbox.then(|| Phrase::new("console.banner.sandbox"));
        Frame {
            language: self.language,
            root: self.site.root.to_string(),
            person: None,
            banners: sandbox.into_iter().chain(moved).collect(),
        }
    }

    /// Whether a request that changes something comes from a page of this server.
    ///
    /// # Errors
    /// [`Failure::Forged`].
    pub fn check_origin(&self) -> Result<(), Failure> {
        if origin::is_own(&self.request, self.site.origin.as_deref()) { Ok(()) } else { Err(Failure::Forged) }
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// [`Failure::Absent`].
    pub fn session(&self) -> Result<Session, Failure> {
        self.site.sessions.read(&self.request, self.now()).map_err(Failure::Absent)
    }

    /// A page, with the headers of the console's pages.
    pub fn page(&self, status: StatusCode, html: String) -> HttpResponse {
        self.page_with(status, html, None)
    }

    /// The same where forms lead to the origin of an identity provider.
    pub fn page_with(&self, status: StatusCode, html: String, identity_provider: Option<&str>) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        for header in (Page::Staff { identity_provider }).headers() {
            response.insert_header(header);
        }
        response.insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8")).body(html)
    }

    /// Leads on with a GET.
    pub fn see(&self, address: &str) -> HttpResponse {
        self.leading(address).finish()
    }

    /// The same with more headers to come.
    pub fn leading(&self, address: &str) -> HttpResponseBuilder {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((header::LOCATION, address)).insert_header((header::CACHE_CONTROL, "no-store"));
        response
    }

    /// The page that says why something is not shown.
    pub fn failed(&self, failure: Failure, frame: Frame) -> HttpResponse {
        let home = frame.person.as_ref().and_then(|person| person.organization.as_ref());
        let home = home.map_or_else(|| self.site.home(), |organization| organization.path.clone());
        let start = || (home.clone(), Phrase::new("console.problem.home"));
        let again = || match self.request.method() == Method::GET {
            true => (format!("{}{}", self.site.root, self.request.uri()), Phrase::new("console.problem.again")),
            false => start(),
        };
        let (status, title, words, (next, next_words)) = match failure {
            Failure::Absent(absent) => return self.to_sign_in(absent),
            Failure::Locked => return self.see(&format!("{}/unlock", self.site.desk())),
            Failure::NotFound => {
                (StatusCode::NOT_FOUND, "console.problem.not_found", Phrase::new("console.problem.not_found_words"), start())
            }
            Failure::Forbidden(role) => {
                let words = Phrase::new("console.problem.forbidden_words").with("role", role);
                (StatusCode::FORBIDDEN, "console.problem.forbidden", words, start())
            }
            Failure::Forged => {
                (StatusCode::FORBIDDEN, "console.problem.forged", Phrase::new("console.problem.forged_words"), start())
            }
            Failure::Tablet => {
                let words = Phrase::new("desk.tablet.no_sign_in");
                (StatusCode::FORBIDDEN, "console.problem.forbidden", words, start())
            }
            Failure::Form => {
                (StatusCode::BAD_REQUEST, "console.problem.form", Phrase::new("console.problem.form_words"), start())
            }
            Failure::NoText => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "console.problem.no_text",
                Phrase::new("console.problem.no_text_words"),
                start(),
            ),
            Failure::Unavailable => {
                let words = Phrase::new("console.problem.unavailable_words");
                (StatusCode::SERVICE_UNAVAILABLE, "console.problem.unavailable", words, again())
            }
            Failure::SetAside => {
                let words = Phrase::new("console.problem.set_aside");
                (StatusCode::SERVICE_UNAVAILABLE, "console.problem.unavailable", words, again())
            }
        };
        let problem = Problem { frame, title: Phrase::new(title), words, next, next_words };
        self.page(status, problem.html())
    }

    /// To the way in, and back afterwards where the address can be come back to.
    fn to_sign_in(&self, absent: Absent) -> HttpResponse {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if self.request.method() == Method::GET {
            query.append_pair("next", &format!("{}{}", self.site.root, self.request.uri()));
        }
        if absent == Absent::Over {
            query.append_pair("why", "over");
        }
        self.see(&format!("{}/sign-in?{}", self.site.home(), query.finish()))
    }

    /// The form of a request.
    ///
    /// # Errors
    /// [`Failure::Form`].
    pub async fn form(&self, payload: web::Payload) -> Result<Form, Failure> {
        self.form_up_to(payload, MAX_FORM).await
    }

    /// The same of at most so many bytes.
    async fn form_up_to(&self, payload: web::Payload, most: usize) -> Result<Form, Failure> {
        if self.request.content_type() != "application/x-www-form-urlencoded" {
            return Err(Failure::Form);
        }
        let body = timeout(FORM_TIME, payload.to_bytes_limited(most)).await;
        let bytes = body.map_err(|_| Failure::Form)?.map_err(|_| Failure::Form)?.map_err(|_| Failure::Form)?;
        Ok(Form(form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

/// The fields of a form, in their order.
#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The first field of a name; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        let value = self.0.iter().find(|(own, _)| own == name);
        value.map_or("", |(_, value)| value)
    }

    /// All fields of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Visit {
    /// Lets somebody in who is signed in, may look at the console and belongs to the organization that the address names, and shows them what
    /// `act` makes of it.
    pub async fn run<A>(request: HttpRequest, part: Option<NavPart>, act: A) -> HttpResponse
    where
        A: AsyncFnOnce(&Visit) -> Result<HttpResponse, Failure>,
    {
        Self::let_in(request, part, async |visit| {
            visit.needs(Role::Console)?;
            act(visit).await
        })
        .await
    }

    /// The same at the agents' desk.
    pub async fn at_desk<A>(request: HttpRequest, act: A) -> HttpResponse
    where
        A: AsyncFnOnce(&Visit) -> Result<HttpResponse, Failure>,
    {
        Self::let_in(request, None, async |visit| {
            visit.needs(Role::Agent)?;
            act(visit).await
        })
        .await
    }

    /// Lets in whose device is locked; all others go to the desk.
    pub async fn locked<A>(request: HttpRequest, act: A) -> HttpResponse
    where
        A: AsyncFnOnce(&Visit) -> Result<HttpResponse, Failure>,
    {
        let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
        match call.site.sessions.locked(&call.request) {
            Some(session) => {
                let visit = Visit { call, session, organization: String::new(), part: None, did: Cell::default() };
                act(&visit).await.unwrap_or_else(|failure| visit.call.failed(failure, visit.call.frame()))
            }
            None => call.see(&call.site.desk()),
        }
    }

    /// Lets in whoever is signed in.
    pub async fn let_in<A>(request: HttpRequest, part: Option<NavPart>, act: A) -> HttpResponse
    where
        A: AsyncFnOnce(&Visit) -> Result<HttpResponse, Failure>,
    {
        let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
        let session = match call.check_hands().and_then(|()| call.session()) {
            Ok(session) => session,
            Err(failure) => return call.failed(failure, call.frame()),
        };
        let organization = call.segment("org");
        let visit = Visit { call, session, organization, part, did: Cell::default() };
        if !visit.organization.is_empty() && !visit.session.belongs_to(&visit.organization) {
            // Whether it exists is told to nobody else.
            let frame = Visit { organization: String::new(), ..visit };
            return frame.call.failed(Failure::NotFound, frame.frame());
        }
        let mut response = match act(&visit).await {
            Ok(response) => response,
            Err(failure) => visit.call.failed(failure, visit.frame()),
        };
        visit.log().await;
        visit.renew(&mut response);
        response
    }

    /// Notes that what was asked for is done: it belongs into the log of the staff.
    pub fn did(&self) {
        self.did.set(true);
    }

    /// The same, and leads on.
    pub fn done(&self, address: &str) -> HttpResponse {
        self.did();
        self.call.see(address)
    }

    /// Writes what was done into the log of the staff. It is done by then, and its own journal says so, so that a log that cannot be written
    /// stops nobody.
    async fn log(&self) {
        if !self.did.get() {
            return;
        }
        let Staff { subject, name, ip } = self.staff();
        let request = &self.call.request;
        let what = log::what(&request.match_pattern().unwrap_or_default(), request.match_info().get("deed").unwrap_or_default());
        let below = request.path().split_once("/orgs/").and_then(|(_, rest)| rest.split_once('/'));
        let to = below.map(|(_, to)| to.to_owned()).unwrap_or_default();
        // Customers are named nowhere but in their own journals: what is erased there must not be found here.
        let to = match request.match_info().get("customer") {
            Some(customer) if !customer.is_empty() => to.replace(customer, "-"),
            _ => to,
        };
        tracing::info!(organization = self.organization, subject, what, to, "an act of staff");
        let entry = log::Entry { subject, name, ip, what, to };
        if let Err(error) = self.site().log.note(&self.organization, self.call.now(), entry).await {
            tracing::warn!(%error, "an act of staff is not in its log");
        }
    }

    /// A session goes on with what somebody does; not with what a page asks by itself.
    fn renew(&self, response: &mut HttpResponse) {
        let asks_itself = self.call.parameter("after").is_some() && self.call.request.headers().contains_key(POLLS);
        let sets = response.headers().contains_key(header::SET_COOKIE);
        if asks_itself || sets {
            return;
        }
        let cookie = self.call.site.sessions.renewed(&self.session, self.call.now());
        if let Some(Ok(cookie)) = cookie.map(header::HeaderValue::try_from) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    }

    pub fn site(&self) -> &Site {
        &self.call.site
    }

    pub fn engine(&self) -> &Engine {
        self.call.engine()
    }

    /// Process time.
    pub fn process_time(&self) -> DateTime<Utc> {
        self.engine().clock.now()
    }

    /// Where the organization's desk is.
    pub fn desk(&self) -> String {
        self.here().desk()
    }

    /// Where the organization's pages are.
    pub fn here(&self) -> Organization {
        self.site().organization(&self.organization)
    }

    /// What all pages share, with who is signed in.
    pub fn frame(&self) -> Frame {
        let session = &self.session;
        let organization = (!self.organization.is_empty()).then(|| self.here());
        let person = Person {
            name: session.name.clone(),
            roles: session.roles().iter().map(Role::name).collect(),
            csrf: session.csrf.clone(),
            until: self.site().minute(&self.organization, self.site().sessions.end_of(session)),
            organization,
            may_choose: session.organizations.len() > 1,
            part: self.part,
        };
        Frame { person: Some(person), ..self.call.frame() }
    }

    /// # Errors
    /// [`Failure::Forbidden`].
    pub fn needs(&self, role: Role) -> Result<(), Failure> {
        if self.session.has(role) { Ok(()) } else { Err(Failure::Forbidden(role)) }
    }

    /// Who acts, and where from.
    pub fn staff(&self) -> Staff {
        Staff {
            subject: self.session.subject.clone(),
            name: self.session.name.clone(),
            ip: client_address(&self.call.request, self.call.state()).map(|address| address.to_string()),
        }
    }

    /// The form of a request that changes something: from a page of this server, and of this session. Nothing of the body is read of others.
    ///
    /// # Errors
    /// [`Failure::Forged`], [`Failure::Form`].
    pub async fn own_form(&self, payload: web::Payload) -> Result<Form, Failure> {
        self.own_form_up_to(payload, MAX_FORM).await
    }

    /// The same of at most so many bytes.
    ///
    /// # Errors
    /// As [`Visit::own_form`].
    pub async fn own_form_up_to(&self, payload: web::Payload, most: usize) -> Result<Form, Failure> {
        self.call.check_origin()?;
        let form = self.call.form_up_to(payload, most).await?;
        if self.session.made_form(form.text("csrf")) { Ok(form) } else { Err(Failure::Forged) }
    }

    /// The same of a form with a file: its parts, in the organization's room for what is sent.
    ///
    /// # Errors
    /// As [`Visit::own_form`].
    pub async fn own_parts(&self, payload: web::Payload, parts: &[multipart::Part]) -> Result<multipart::Form, Failure> {
        self.read_parts(payload, parts).await?.map_err(|_| Failure::Form)
    }

    /// The same; where the parts cannot be read, with why.
    ///
    /// # Errors
    /// As [`Visit::own_form`].
    pub async fn read_parts(
        &self,
        payload: web::Payload,
        parts: &[multipart::Part],
    ) -> Result<Result<multipart::Form, ApiError>, Failure> {
        self.call.check_origin()?;
        let room = self.call.state().documents.upload_room(&self.organization);
        let mut form = match multipart::read(&self.call.request, payload.into_inner(), parts, room).await {
            Ok(form) => form,
            Err(error) => return Ok(Err(error)),
        };
        let token = form.text(CSRF_PART.name).map_err(|_| Failure::Form)?.unwrap_or_default();
        if self.session.made_form(&token) { Ok(Ok(form)) } else { Err(Failure::Forged) }
    }

    pub fn page(&self, html: String) -> HttpResponse {
        self.call.page(StatusCode::OK, html)
    }
}

/// The text of a part; empty if there is none.
///
/// # Errors
/// [`Failure::Form`] where it is not UTF-8.
pub fn part_text(form: &mut multipart::Form, name: &str) -> Result<String, Failure> {
    Ok(form.text(name).map_err(|_| Failure::Form)?.unwrap_or_default())
}

/// The values of a part that may be repeated.
///
/// # Errors
/// [`Failure::Form`] where one is not UTF-8.
pub fn part_list(form: &mut multipart::Form, name: &str) -> Result<Vec<String>, Failure> {
    Ok(form.list(name).map_err(|_| Failure::Form)?.unwrap_or_default())
}

/// The part with a session's token, which [`Visit::own_parts`] needs among those that it reads.
pub const CSRF_PART: multipart::Part = multipart::Part::once("csrf", 256);

/// The header by which a page of ours says that it asks by itself.
const POLLS: &str = "x-rubrica-asks";
