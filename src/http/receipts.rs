//! What providers report of the messages that they took. No bearer: the token in the path is the credential, for one message.

use actix_web::{HttpRequest, HttpResponse, web};
use workflows::identification::otp::CodeCommand;

use super::{ApiError, api::Api, error::only, json};
use crate::{
    channels::Channels,
    receipts::{Kind, Receipts, Subject},
};

/// Maximum length of a report, in bytes.
const MAX_REPORT: usize = 64 * 1024;

/// What the handler needs.
#[derive(Clone)]
pub struct ReceiptServices {
    pub receipts: Receipts,
    pub channels: Channels,
}

/// Registers the operation.
pub fn configure(service: &mut web::ServiceConfig) {
    service.service(web::resource("/receipts/{token}").route(web::post().to(receipt)).default_service(only("POST")));
}

/// Takes a report. What says nothing new, or comes too late to matter, is a 204 as well: the provider need not come again.
pub async fn receipt(
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    services: web::Data<ReceiptServices>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let engine = api.engine();
    // The sandbox moves process time, by which the token was made.
    let subject = services.receipts.open(&path, engine.clock.now())?;
    let report = json::read(&request, payload.into_inner(), MAX_REPORT, &subject.organization).await?;
    let Subject { organization, channel, external, provider, .. } = &subject;
    let read = services.channels.receipt(organization, *channel, *external, provider.as_deref(), &report)?;
    if let Some((status, word)) = read {
        let challenge = subject.challenge;
        match subject.kind {
            Kind::Otp => {
                let command = CodeCommand::Receipt { challenge, channel: Some(subject.channel), status, word }.into();
                engine.processes.otp.ask(&subject.organization, subject.id, command).await?;
            }
        }
    }
    Ok(HttpResponse::NoContent().finish())
}
