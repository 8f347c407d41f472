//! A device of an agent in a customer's hands: until the agent's PIN is given, no page of staff opens in its browser.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, web};
use pages::{console::Phrase, desk::Unlock};

use super::super::{
    session::Unlocking,
    visit::{Failure, Visit},
};

/// Whether a text can be a PIN: four to eight digits.
pub fn is_pin(text: &str) -> bool {
    (4..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What asks for the PIN; where nothing is locked, the desk.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::locked(request, async |visit| Ok(shown(visit, StatusCode::OK, None))).await
}

fn shown(visit: &Visit, status: StatusCode, error: Option<Phrase>) -> HttpResponse {
    let page = Unlock { frame: visit.call.frame(), csrf: visit.session.csrf.clone(), error };
    visit.call.page(status, page.html())
}

fn wrong(visit: &Visit, words: &'static str, cookie: String) -> Result<HttpResponse, Failure> {
    let mut response = shown(visit, StatusCode::FORBIDDEN, Some(Phrase::new(words)));
    let value = header::HeaderValue::try_from(cookie).map_err(|_| Failure::Unavailable)?;
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(response)
}

/// Opens it again. After too many wrong ones it stays locked, until whoever has the browser deletes what it keeps.
pub async fn unlock(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::locked(request, async |visit| {
        let form = visit.own_form(payload).await?;
        let sessions = &visit.site().sessions;
        let cookie = |session| sessions.cookie(session).map_err(|_| Failure::Unavailable);
        Ok(match visit.session.unlock(form.text("pin")) {
            Unlocking::Open(session) => {
                let mut response = visit.call.leading(&visit.site().desk());
                response.insert_header((header::SET_COOKIE, cookie(&session)?)).finish()
            }
            Unlocking::Wrong(session) => wrong(visit, "desk.unlock.wrong", cookie(&session)?)?,
            Unlocking::Never(session) => {
                tracing::warn!(subject = visit.session.subject, "a device stays locked: too many wrong PINs");
                wrong(visit, "desk.unlock.never", cookie(&session)?)?
            }
        })
    })
    .await
}
