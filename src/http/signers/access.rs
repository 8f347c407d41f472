//! The token for a signature once more: for a page that kept a key with a right code, or by another code. Never for whoever only has a link.

use actix_web::http::header::{HeaderName, HeaderValue};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::identification::otp::ResumeHash;

use super::{
    super::{
        ApiError,
        call::{Call, Json, MaybeEmpty, WithHeader},
        device::Required,
        operation::Parameter,
        otp::ChallengeOtpRequest,
    },
    base64url_of_32_bytes,
    invitation::Seen,
};
use crate::processes::challenges::Proof;

/// The digest of the key with which a page will come back; goes with a code.
pub const RESUME_HASH: Parameter = Parameter::header(
    "x-resume-hash",
    "SHA-256, in base64url, of 32 random bytes that the page keeps: with them it gets another token later. An addition to the contract.",
    base64url_of_32_bytes,
);

/// A token for one signature.
#[derive(Serialize, ToSchema)]
pub struct SignatureAccess {
    /// Bearer token (JWT) that reads, previews and makes the signature; the same as in `x-access-token`.
    access_token: String,
    /// By the wall clock.
    expires_at: DateTime<Utc>,
}

/// A page that comes back.
#[derive(Deserialize, ToSchema)]
pub struct ResumeSignatureRequest {
    /// The 32 bytes of which the page sent the digest with a right code, in base64url.
    #[schema(schema_with = base64url_of_32_bytes)]
    resume_key: String,
}

/// A code of somebody who proves again.
#[derive(Deserialize, ToSchema)]
pub struct ProveAgainRequest {
    /// Code the signer received.
    #[schema(max_length = 64)]
    code: String,
    /// Second factor, needed when the identification has one.
    #[schema(max_length = 254)]
    two_factor: Option<String>,
    /// As the header `x-resume-hash` of the first validation.
    #[schema(schema_with = base64url_of_32_bytes, required = false)]
    resume_hash: Option<String>,
}

/// 32 bytes in base64url. The text itself is never told: it may be a key.
fn bytes_of(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The digest in a header or a member.
///
/// # Errors
/// In words, without the name, if it is none.
fn hash_of(text: &str) -> Result<ResumeHash, &'static str> {
    bytes_of(text).map(|bytes| ResumeHash::new(&bytes)).ok_or("expected 32 bytes in base64url, 43 characters")
}

/// The digest that came with a code.
///
/// # Errors
/// 400 if it is none.
pub fn resume_hash<I, B>(call: &Call<I, B>) -> Result<Option<ResumeHash>, ApiError> {
    let text = call.header(RESUME_HASH.name)?;
    text.map(hash_of).transpose().map_err(|problem| ApiError::parameter(format!("{}: {problem}", RESUME_HASH.name)))
}

/// The answer to whoever proved who they are.
fn access<B>(call: &Call<Uuid, B>) -> Result<WithHeader<Json<SignatureAccess>>, ApiError> {
    let (state, caller) = (&call.state, &call.caller);
    let (token, expires) = state.access.signature_token_until(&caller.subject, &call.organization, call.id, state.now());
    let value = HeaderValue::from_str(&token).map_err(ApiError::internal)?;
    let answer = Json(SignatureAccess { access_token: token, expires_at: expires.trunc_subsecs(3) });
    Ok(WithHeader { name: HeaderName::from_static("x-access-token"), value, answer })
}

pub async fn resume(call: Call<Uuid, Json<ResumeSignatureRequest>>) -> Result<WithHeader<Json<SignatureAccess>>, ApiError> {
    let wrong = || ApiError::unauthorized("the key does not open the signature: it is another one, or its time is over");
    let seen = Seen::look(&call.engine, &call.organization, call.id).await?;
    let key = bytes_of(&call.body.0.resume_key).ok_or_else(wrong)?;
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &key).as_ref());
    let (now, lifetime) = (call.engine.clock.now(), call.engine.signers.resume_lifetime);
    if seen.resumes(now, &ResumeHash::new(&hash), lifetime) { access(&call) } else { Err(wrong()) }
}

pub async fn challenge_again(call: Call<Uuid, MaybeEmpty<ChallengeOtpRequest>>) -> Result<(), ApiError> {
    let seen = Seen::look(&call.engine, &call.organization, call.id).await?;
    let (challenges, two_factor) = (call.engine.challenges(), call.body.0.two_factor);
    challenges.challenge(&call.organization, seen.identification_by_code()?, Proof::Again, two_factor).await?;
    Ok(())
}

pub async fn prove_again(call: Call<Uuid, Json<ProveAgainRequest>>) -> Result<WithHeader<Json<SignatureAccess>>, ApiError> {
    let device = call.device(Required::InstallationAndUserAgent)?;
    let ProveAgainRequest { code, two_factor, resume_hash } = &call.body.0;
    let resume = resume_hash.as_deref().map(hash_of).transpose();
    let resume = resume.map_err(|problem| ApiError::input(format!("resume_hash: {problem}")))?;
    let seen = Seen::look(&call.engine, &call.organization, call.id).await?;
    let id = seen.identification_by_code()?;
    let answer = crate::processes::challenges::Answer { code, two_factor: two_factor.clone(), device, resume };
    call.engine.challenges().validate(&call.organization, id, Proof::Again, answer).await?;
    access(&call)
}
