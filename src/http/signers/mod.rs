//! The signers' own operations, below `/pages/api`: what the page needs that a signer's link leads to, beside the contract's operations on the
//! signature and the identification.
//!
//! The link itself only shows the invitation, declines it, asks for codes and sends pictures of an identity document. Documents are seen, signed
//! and downloaded with the token that a right code, or a document that passed, gives.

mod access;
mod document_check;
mod invitation;
mod watch;

use actix_web::http::StatusCode;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};
use uuid::Uuid;
use workflows::sign_process::{Command, MAX_DECLINE_REASON, process_of_signature};

use self::invitation::{Invitation, Seen};
use super::{
    ApiError, State,
    call::{Call, Json, OpenCall},
    device::Required,
    processes::{Engine, check_reason},
};
use crate::access::{Caller, Denied, Grant};

pub use access::{RESUME_HASH, challenge_again, prove_again, resume, resume_hash};
pub use watch::{AFTER, watch};

/// Maximum length of a step, of a code and of a build in a report of a problem.
const MAX_LABEL: usize = 32;
const MAX_BUILD: usize = 16;

/// What a link says.
#[derive(Deserialize, ToSchema)]
pub struct OpenSignerLinkRequest {
    /// The signature.
    #[schema(format = Uuid)]
    sign: String,
    /// The secret of the link: what follows `#k=`.
    #[schema(max_length = 64)]
    k: String,
}

/// What a link gives.
#[derive(Serialize, ToSchema)]
pub struct OpenedSignerLink {
    /// Bearer token of the page; shows the invitation, declines it and asks for codes.
    token: String,
    /// By the wall clock.
    token_expires_at: DateTime<Utc>,
    invitation: Invitation,
}

/// There is no such link: whatever is wrong with it.
fn no_link() -> ApiError {
    ApiError::not_found("there is no such link, or it was replaced by another one")
}

/// A token for the page of an organization.
#[derive(Serialize, ToSchema)]
pub struct SignerToken {
    /// Bearer token of the element or the frame; shows the invitation, declines it and asks for codes.
    token: String,
    /// By the wall clock.
    token_expires_at: DateTime<Utc>,
}

pub async fn token(call: Call<Uuid>) -> Result<Json<SignerToken>, ApiError> {
    let Call { organization, id: signature, state, engine, .. } = call;
    let process = engine.processes.sign.read(&organization, process_of_signature(signature)).await?;
    let data = process.existing()?;
    let position = data.position(signature).ok_or(workflows::sign_process::NOT_FOUND)?;
    let generation = data.signatures[position].link.generation;
    let (token, expires) = state.access.signer_link_token(&organization, signature, generation, state.now());
    Ok(Json(SignerToken { token, token_expires_at: expires.trunc_subsecs(3) }))
}

pub async fn open_link(call: OpenCall<Json<OpenSignerLinkRequest>>) -> Result<Json<OpenedSignerLink>, ApiError> {
    let OpenCall { organization, body: Json(OpenSignerLinkRequest { sign, k }), state, engine } = call;
    let signature = Uuid::parse_str(&sign).map_err(|_| no_link())?;
    // Nothing is loaded for a secret that was never one of the signature's.
    let generation = engine.signers.links.generation(&organization, signature, &k).ok_or_else(no_link)?;
    let seen = match Seen::look(&engine, &organization, signature).await {
        Err(error) if error.status() == StatusCode::NOT_FOUND => return Err(no_link()),
        seen => seen?,
    };
    if !seen.has_link(generation) {
        return Err(no_link());
    }
    let invitation = seen.shown(&engine, &organization)?;
    let (token, expires) = state.access.signer_link_token(&organization, signature, generation, state.now());
    Ok(Json(OpenedSignerLink { token, token_expires_at: expires.trunc_subsecs(3), invitation }))
}

/// Whose link is to be sent again.
#[derive(Deserialize, ToSchema)]
pub struct RenewSignerLinkRequest {
    /// The signature.
    sign: Uuid,
}

/// Nothing: whoever asks is not told whether there is such a signature.
#[derive(Serialize, ToSchema)]
pub struct RenewedSignerLink {}

pub async fn renew_link(call: OpenCall<Json<RenewSignerLinkRequest>>) -> Result<Json<RenewedSignerLink>, ApiError> {
    let done = Ok(Json(RenewedSignerLink {}));
    let OpenCall { organization, body: Json(RenewSignerLinkRequest { sign: signature }), engine, .. } = call;
    let process = process_of_signature(signature);
    // An actor is started for what is there, and not for what a stranger makes up.
    let known = engine.processes.sign.peek(&organization, process).await?;
    if known.data().and_then(|data| data.position(signature)).is_none() {
        return done;
    }
    match engine.processes.sign.ask(&organization, process, Command::RenewLink { signature, by: None }).await {
        Ok(_) => done,
        Err(actors::Error::Refused(refusal)) => {
            tracing::debug!(%refusal, "a link was not renewed");
            done
        }
        Err(error) => Err(error.into()),
    }
}

/// Something that went wrong in a browser.
#[derive(Deserialize, ToSchema)]
pub struct PageProblemRequest {
    /// The step of the page.
    #[schema(pattern = "^[a-z_]{1,32}$")]
    step: String,
    /// The kind of problem.
    #[schema(pattern = "^[A-Z0-9_]{1,32}$")]
    code: String,
    /// The build of the page.
    #[serde(default)]
    #[schema(pattern = "^[0-9a-f]{0,16}$")]
    build: String,
}

pub async fn report_problem(call: OpenCall<Json<PageProblemRequest>>) -> Result<(), ApiError> {
    let PageProblemRequest { step, code, build } = &call.body.0;
    let of = |text: &str, bounds: std::ops::RangeInclusive<usize>, allowed: fn(u8) -> bool| {
        bounds.contains(&text.len()) && text.bytes().all(allowed)
    };
    let checked = [
        ("step", "[a-z_]{1,32}", of(step, 1..=MAX_LABEL, |byte| byte.is_ascii_lowercase() || byte == b'_')),
        (
            "code",
            "[A-Z0-9_]{1,32}",
            of(code, 1..=MAX_LABEL, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'),
        ),
        ("build", "[0-9a-f]{0,16}", of(build, 0..=MAX_BUILD, |byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))),
    ];
    let problems: Vec<_> =
        checked.iter().filter(|(.., good)| !good).map(|(name, form, _)| format!("{name}: expected {form}")).collect();
    if !problems.is_empty() {
        return Err(ApiError::inputs(problems));
    }
    call.engine.signers.problems.count(step, code);
    tracing::debug!(step, code, build, organization = call.organization, "a page of a signer reports a problem");
    Ok(())
}

/// Whether the caller proved who they are, or is the organization itself: then documents can be had.
fn is_identified(caller: &Caller) -> bool {
    matches!(caller.grant, Grant::Signature { .. } | Grant::Organization { .. })
}

/// The invitation as the caller may see it.
async fn shown(seen: &Seen, engine: &Engine, state: &State, organization: &str, caller: &Caller) -> Result<Invitation, ApiError> {
    let invitation = seen.shown(engine, organization)?;
    if !is_identified(caller) {
        return Ok(invitation);
    }
    Ok(invitation.with_downloads(seen.downloads(state, organization).await?))
}

pub async fn read(call: Call<Uuid>) -> Result<Json<Invitation>, ApiError> {
    let Call { caller, organization, id, state, engine, .. } = call;
    let seen = Seen::look(&engine, &organization, id).await?;
    Ok(Json(shown(&seen, &engine, &state, &organization, &caller).await?))
}

/// Why a signer will not sign.
#[derive(Deserialize, ToSchema)]
pub struct DeclineSignatureRequest {
    /// In the signer's words; the organization reads it.
    #[schema(pattern = r"\S", max_length = 500)]
    reason: String,
}

pub async fn decline(call: Call<Uuid, Json<DeclineSignatureRequest>>) -> Result<Json<Invitation>, ApiError> {
    let device = call.device(Required::Installation)?;
    let Call { caller, organization, id, body: Json(DeclineSignatureRequest { reason }), state, engine, .. } = call;
    check_reason(&reason)?;
    if reason.chars().count() > MAX_DECLINE_REASON {
        return Err(ApiError::input(format!("reason: expected 1 to {MAX_DECLINE_REASON} characters")));
    }
    let command = Command::Decline { signature: id, reason: reason.trim().to_owned(), device };
    engine.processes.sign.ask(&organization, process_of_signature(id), command).await?;
    let seen = Seen::look(&engine, &organization, id).await?;
    Ok(Json(shown(&seen, &engine, &state, &organization, &caller).await?))
}

/// Whether the link that gave the token still counts; tokens of other kinds are let pass.
///
/// # Errors
/// 404 if there is no such signature any more, and what [`actors::Error`] says.
pub async fn link_counts(engine: &Engine, organization: &str, grant: &Grant) -> Result<Result<(), Denied>, ApiError> {
    let Grant::SignerLink { signature, generation, .. } = grant else { return Ok(Ok(())) };
    let process = engine.processes.sign.read(organization, process_of_signature(*signature)).await?;
    let data = process.existing()?;
    let known = data.position(*signature).map(|position| data.signatures[position].link.generation);
    Ok(if known == Some(*generation) { Ok(()) } else { Err(Denied::LinkRenewed) })
}

/// Schema of 32 bytes in base64url: 256 bits, so the last letter has four of six, and two that are 0 (RFC 4648, 3.5).
fn base64url_of_32_bytes() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"))
        .examples(["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
        .build()
}
