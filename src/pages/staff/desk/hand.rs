//! D6: a device for who will sign: this one, a tablet of the shop, or the person's own phone.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, web};
use pages::{console::Phrase, desk::Phone};
use uuid::Uuid;
use workflows::sign_process::{SignatureStatus, Status, process_of_signature};

use super::{
    super::{
        pairing::{self, Begun, Given, TIME, code_of},
        visit::{Failure, Visit},
    },
    customer::{self, Said, again},
    lock::is_pin,
    today::name,
};

impl From<pairing::Error> for Failure {
    fn from(error: pairing::Error) -> Self {
        tracing::warn!(%error, "a device could not be paired");
        Self::Unavailable
    }
}

/// What became of the signature, else of the pairing that the address names.
pub async fn state(visit: &Visit, signature: Uuid) -> Result<Option<Phrase>, Failure> {
    let process = visit.engine().processes.sign.peek(&visit.organization, process_of_signature(signature)).await?;
    let known = process.data().and_then(|data| Some((data.status, &data.signatures[data.position(signature)?])));
    if let Some((status, known)) = known {
        match (status, known.status) {
            (_, SignatureStatus::Succeeded) => return Ok(Some(Phrase::new("desk.hand.signed"))),
            (Status::Created, _) => {}
            _ => return Ok(Some(Phrase::new("desk.hand.ended"))),
        }
    }
    let Some(code) = visit.call.parameter("paired").and_then(|code| code_of(&code)) else { return Ok(None) };
    let stage = visit.site().pairings.stage(&visit.organization, &code, signature, visit.call.now()).await?;
    Ok(Some(Phrase::new(match stage {
        pairing::Stage::Open => "desk.hand.open",
        pairing::Stage::Taken => "desk.hand.taken",
        pairing::Stage::Over => "desk.hand.over",
    })))
}

/// Hands one over.
pub async fn hand(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        let form = visit.own_form(payload).await?;
        let (id, data) = customer::found(visit).await?;
        let Some(signature) = data.creation.purpose.signature else { return Err(Failure::NotFound) };
        if let Err(refusal) = customer::admits(visit, signature).await? {
            let error = Some(Phrase::new("desk.refused").with("why", refusal));
            return again(visit, StatusCode::CONFLICT, Said { error, ..Said::default() }).await;
        }
        let wrong = async |key, code: &str| {
            let said = Said { error: Some(Phrase::new(key)), code: code.to_owned(), ..Said::default() };
            again(visit, StatusCode::BAD_REQUEST, said).await
        };
        let (given, now) = (Given { signature, by: visit.staff() }, visit.call.now());
        let pairings = &visit.site().pairings;
        match form.text("to") {
            "here" => {
                let pin = form.text("pin");
                if !is_pin(pin) {
                    return wrong("desk.hand.no_pin", "").await;
                }
                let Begun { code, secret } = pairings.begin(&visit.organization, Some(given), now).await?;
                visit.did();
                let locked = visit.session.locked(pin);
                let cookie = visit.site().sessions.cookie(&locked).map_err(|_| Failure::Unavailable)?;
                let mut response = visit.call.leading(&format!("{}/tablet#{code}.{secret}", visit.desk()));
                Ok(response.insert_header((header::SET_COOKIE, cookie)).finish())
            }
            "phone" => {
                let Begun { code, secret } = pairings.begin(&visit.organization, Some(given), now).await?;
                visit.did();
                let base = visit.call.state().options.public_base_url.trim_end_matches('/').to_owned();
                let path = visit.desk();
                let path = path.strip_prefix(&*visit.site().root).unwrap_or(&path);
                let page = Phone {
                    frame: visit.frame(),
                    name: name(id, &data),
                    link: format!("{}?paired={code}", customer::address(visit, id)),
                    address: format!("{base}{path}/tablet#{code}.{secret}"),
                    until: visit.site().moment(&visit.organization, now + TIME),
                };
                Ok(visit.page(page.html()))
            }
            "tablet" => {
                let typed = form.text("code");
                let Some(code) = code_of(typed) else { return wrong("desk.hand.no_code", typed).await };
                if !pairings.give(&visit.organization, &code, given, now).await? {
                    return wrong("desk.hand.no_tablet", typed).await;
                }
                Ok(visit.done(&format!("{}?paired={code}", customer::address(visit, id))))
            }
            _ => Err(Failure::Form),
        }
    })
    .await
}
