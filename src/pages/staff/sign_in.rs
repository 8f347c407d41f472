//! C1: the ways in and out. With an identity provider by the code flow; on a developer's machine by a form.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use chrono::{DateTime, Utc};
use pages::console::{Development, Phrase, SignIn};
use serde::{Deserialize, Serialize};

use super::{
    session::{Error as SessionError, SIGN_IN_TIME},
    visit::{Call, Failure},
};
use crate::{
    access::{
        Role, RoleSet,
        oidc::{self, Begun, Person, error_word},
    },
    http::{context::organization_parameter, sandbox::check_host},
    server::DEVELOPMENT_ORGANIZATION,
};

/// Roles that a session of this version can use.
const ROLES: [Role; 5] = [Role::Console, Role::ConsoleOperate, Role::ConsoleAdmin, Role::Agent, Role::ConsentsDelete];

/// Whether somebody with these roles sees anything.
fn may_enter(roles: &RoleSet) -> bool {
    roles.contains(Role::Console) || roles.contains(Role::Agent)
}

/// The names of the roles of which one is needed.
fn either() -> String {
    format!("{}, {}", Role::Console, Role::Agent)
}

/// The subject of who signs in by the form for development.
const DEVELOPER: &str = "development";

/// What a browser keeps while somebody is at the provider.
#[derive(Serialize, Deserialize)]
struct AtProvider {
    begun: Begun,
    next: String,
    #[serde(with = "chrono::serde::ts_seconds")]
    since: DateTime<Utc>,
}

/// The page to sign in.
pub async fn page(request: HttpRequest) -> HttpResponse {
    let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
    if let Err(failure) = call.check_hands() {
        return call.failed(failure, call.frame());
    }
    let next = call.site.next(&call.parameter("next").unwrap_or_default());
    let notice = match call.parameter("why").as_deref() {
        Some("over") => Some(Phrase::new("console.sign_in.over")),
        Some("out") => Some(Phrase::new("console.sign_in.out")),
        _ => None,
    };
    shown(&call, StatusCode::OK, next, notice, None).await
}

async fn shown(call: &Call, status: StatusCode, next: String, notice: Option<Phrase>, error: Option<Phrase>) -> HttpResponse {
    let provider = call.site.provider.as_ref();
    // The policy of the page names where its form leads in the end.
    let origin = match provider {
        Some(provider) => provider.origin(call.now()).await,
        None => None,
    };
    let development = call.site.development.then(|| Development {
        organization: DEVELOPMENT_ORGANIZATION.to_owned(),
        roles: ROLES.map(|role| (role.name(), !matches!(role, Role::ConsoleAdmin | Role::ConsentsDelete))).to_vec(),
        is_here: is_here(call),
    });
    let page = SignIn {
        frame: call.frame(),
        error,
        notice,
        next,
        provider: provider.map(|provider| Phrase::new("console.sign_in.provider").with("provider", provider.host())),
        development,
    };
    call.page_with(status, page.html(), origin.as_deref())
}

/// Whether the browser is on the server's own machine: the connection is, nothing stands between, and the address is this server's, so that
/// no page whose name was made to point here gets in.
fn is_here(call: &Call) -> bool {
    let is_local = call.request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let is_handed_on =
        ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| call.request.headers().contains_key(*name));
    is_local && !is_handed_on && check_host(&call.request, &call.state().options.public_base_url).is_ok()
}

/// By the form for development.
pub async fn by_development(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
    if let Err(failure) = call.check_hands() {
        return call.failed(failure, call.frame());
    }
    if !call.site.development || !is_here(&call) {
        return call.failed(Failure::NotFound, call.frame());
    }
    let form = match call.check_origin() {
        Ok(()) => call.form(payload).await,
        Err(failure) => Err(failure),
    };
    let form = match form {
        Ok(form) => form,
        Err(failure) => return call.failed(failure, call.frame()),
    };
    let (next, organization) = (call.site.next(form.text("next")), form.text("organization"));
    let roles: RoleSet = RoleSet::from_names(form.all("role")).iter().filter(|role| ROLES.contains(role)).collect();
    let error = if organization_parameter(organization).is_err() {
        Some(Phrase::new("console.sign_in.error.name"))
    } else if !may_enter(&roles) {
        Some(Phrase::new("console.sign_in.error.choose").with("roles", either()))
    } else {
        None
    };
    if error.is_some() {
        return shown(&call, StatusCode::BAD_REQUEST, next, None, error).await;
    }
    let (subject, name) = (DEVELOPER.to_owned(), DEVELOPER.to_owned());
    enter(&call, Person { subject, name, organizations: vec![organization.to_owned()], roles }, next).await
}

/// To the provider.
pub async fn by_provider(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
    if let Err(failure) = call.check_hands() {
        return call.failed(failure, call.frame());
    }
    let Some(provider) = call.site.provider.clone() else { return call.failed(Failure::NotFound, call.frame()) };
    let form = match call.check_origin() {
        Ok(()) => call.form(payload).await,
        Err(failure) => Err(failure),
    };
    let next = match form {
        Ok(form) => call.site.next(form.text("next")),
        Err(failure) => return call.failed(failure, call.frame()),
    };
    let now = call.now();
    let (url, begun) = match provider.begin(now).await {
        Ok(begun) => begun,
        Err(error) => return refused(&call, next, &error).await,
    };
    match call.site.sessions.sign_in_cookie(&AtProvider { begun, next, since: now }) {
        Ok(cookie) => call.leading(url.as_str()).insert_header((header::SET_COOKIE, cookie)).finish(),
        Err(error) => {
            tracing::warn!(%error, "a sign-in could not be begun");
            call.failed(Failure::Unavailable, call.frame())
        }
    }
}

/// Back from the provider. A GET, as the protocol has it: what it changes is tied to the browser by the cookie and its state.
pub async fn callback(request: HttpRequest) -> HttpResponse {
    let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
    if let Err(failure) = call.check_hands() {
        return call.failed(failure, call.frame());
    }
    let Some(provider) = call.site.provider.clone() else { return call.failed(Failure::NotFound, call.frame()) };
    let now = call.now();
    let state = call.parameter("state").unwrap_or_default();
    let kept = call.site.sessions.sign_in::<AtProvider>(&call.request);
    let kept = kept.filter(|kept| kept.begun.state == state && now - kept.since < SIGN_IN_TIME);
    let Some(AtProvider { begun, next, .. }) = kept else {
        let home = call.site.home();
        return forgetting(
            &call,
            shown(&call, StatusCode::BAD_REQUEST, home, None, Some(Phrase::new("console.sign_in.error.lost"))).await,
        );
    };
    if let Some(word) = call.parameter("error") {
        return forgetting(&call, refused(&call, next, &oidc::Error::Refused(error_word(&word))).await);
    }
    let code = call.parameter("code").unwrap_or_default();
    let response = match provider.finish(&code, &begun, now).await {
        Ok(person) => admitted(&call, &provider, person, next).await,
        Err(error) => refused(&call, next, &error).await,
    };
    forgetting(&call, response)
}

/// Lets in who belongs to an organization and may look at something.
async fn admitted(call: &Call, provider: &oidc::Provider, mut person: Person, next: String) -> HttpResponse {
    person.organizations.retain(|organization| organization_parameter(organization).is_ok());
    person.roles = person.roles.iter().filter(|role| ROLES.contains(role)).collect();
    let options = provider.options();
    let error = if person.organizations.is_empty() {
        Phrase::new("console.sign_in.error.organization").with("claim", &options.organizations_claim)
    } else if !may_enter(&person.roles) {
        Phrase::new("console.sign_in.error.role").with("roles", either()).with("claim", &options.roles_claim)
    } else {
        return enter(call, person, next).await;
    };
    tracing::info!(
        subject = person.subject,
        reason = error.key(),
        "somebody signed in at the provider and may not use the console"
    );
    shown(call, StatusCode::FORBIDDEN, next, None, Some(error)).await
}

async fn enter(call: &Call, person: Person, next: String) -> HttpResponse {
    let sessions = &call.site.sessions;
    let begun = sessions.begin(person, call.now()).and_then(|session| Ok((sessions.cookie(&session)?, session)));
    match begun {
        Ok((cookie, session)) => {
            tracing::info!(subject = session.subject, "signed in to the console");
            call.leading(&next).append_header((header::SET_COOKIE, cookie)).finish()
        }
        Err(SessionError::TooLarge) => {
            let error = Phrase::new("console.sign_in.error.large");
            shown(call, StatusCode::FORBIDDEN, next, None, Some(error)).await
        }
        Err(SessionError::Keys(error)) => {
            tracing::warn!(%error, "a session could not be begun");
            call.failed(Failure::Unavailable, call.frame())
        }
    }
}

async fn refused(call: &Call, next: String, error: &oidc::Error) -> HttpResponse {
    tracing::warn!(%error, "nobody was signed in to the console");
    let (status, words) = match error {
        oidc::Error::Away(_) | oidc::Error::Randomness => {
            (StatusCode::SERVICE_UNAVAILABLE, Phrase::new("console.sign_in.error.away"))
        }
        oidc::Error::Refused(word) => (StatusCode::FORBIDDEN, Phrase::new("console.sign_in.error.refused").with("word", word)),
        oidc::Error::Token(crate::access::Error::KeysUnavailable) => {
            (StatusCode::SERVICE_UNAVAILABLE, Phrase::new("console.sign_in.error.away"))
        }
        oidc::Error::Token(why) => (StatusCode::FORBIDDEN, Phrase::new("console.sign_in.error.token").with("why", why)),
    };
    shown(call, status, next, None, Some(words)).await
}

/// What a sign-in was begun with is good once.
fn forgetting(call: &Call, mut response: HttpResponse) -> HttpResponse {
    if let Ok(cookie) = header::HeaderValue::try_from(call.site.sessions.no_sign_in_cookie()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Out.
pub async fn out(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    super::visit::Visit::let_in(request, None, async |visit| {
        visit.own_form(payload).await?;
        tracing::info!(subject = visit.session.subject, "signed out of the console");
        let address = format!("{}/sign-in?why=out", visit.site().home());
        Ok(visit.call.leading(&address).insert_header((header::SET_COOKIE, visit.site().sessions.no_cookie())).finish())
    })
    .await
}
