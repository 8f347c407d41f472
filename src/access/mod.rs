//! Who calls, and what they may do.
//!
//! Six kinds of bearer token (JWT, RFC 7519) are accepted, and none can be taken for another:
//!
//! | token | issuer | key | may |
//! | --- | --- | --- | --- |
//! | organization | one of the configured issuers, or the development issuer | the issuer's | what its roles say, in its organizations |
//! | sign process (`securize`) | this server | derived, for this use only | read one sign process, drive its identifications |
//! | signature (`x-access-token`) | this server | derived, for this use only | read, preview and make one signature |
//! | chain (`x-access-token`) | this server | derived, for this use only | read one chained identification |
//! | signer's link (`open_signer_link`) | this server | derived, for this use only | see one invitation, decline it, ask for its codes |
//! | customer (`securize` of `/v2`) | this server | derived, for this use only | read and record one customer's consents in one actor's name |
//!
//! People of the organizations' staff bring no token: they sign in at an identity provider ([`oidc`]), and their pages have a session.
//!
//! [`Service::authenticate`] says who calls; [`may`] and [`reaches`] whether they may do it to a [`Target`], by a [`Rule`]. Tokens live by the
//! wall clock, which comes in as a parameter. No token, secret or key is ever part of an error, a log line or `Debug` output.
//!
//! What this module must never do: accept an algorithm that the key was not made for (RFC 8725 section 3.1), fetch a key from an
//! address that a token names, or fetch without limits because a stranger sends tokens.

mod cache;
mod caller;
mod claims;
mod component;
pub mod development;
mod fetch;
mod id_token;
mod internal;
mod issuer;
mod jwks;
mod jwt;
mod key_set;
pub mod oidc;
mod options;
mod role;
mod rule;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub use caller::{Caller, Grant};
pub use component::Component;
pub use fetch::Fetch;
pub use jwt::Algorithm;
pub use options::{IssuerOptions, Options, OptionsError, Secret};
pub use role::{Role, RoleSet, UnknownRole};
pub use rule::{Denied, Rule, ScopedTokens, Target, may, reaches};

use crate::keys::{self, Keys};
use cache::Verified;
use internal::{Internal, Made};
use issuer::Issuer;

/// Maximum length of a bearer token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// The audience of the tokens that this server makes itself.
const OWN_AUDIENCE: &str = "rubrica";

/// Why a request is not authenticated. All but [`Error::KeysUnavailable`] are the caller's to mend. The texts name the claim or
/// setting at fault, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the request has no bearer token")]
    Missing,
    #[error("the token is not a signed JWT: {0}")]
    Malformed(&'static str),
    #[error("the token names no issuer that is trusted here")]
    Issuer,
    #[error("the token is signed with an algorithm that is not allowed for its issuer")]
    Algorithm,
    #[error("the token is signed with a key that its issuer does not publish")]
    UnknownKey,
    #[error("the signature of the token is wrong")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is meant for another audience")]
    Audience,
    #[error("the claims of the token cannot be used: {0}")]
    Claims(&'static str),
    #[error("the issuer of the token may not speak for the organization that it names")]
    Organization,
    /// The server's trouble, not the caller's: worth another try in a moment.
    #[error("the keys of the token's issuer cannot be reached at present")]
    KeysUnavailable,
}

/// Checks tokens and makes those that the server issues itself. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    /// By the value of the `iss` claim, the development issuer among them where it is on.
    issuers: HashMap<String, Issuer>,
    internal: Internal,
    components: component::Tokens,
    verified: Verified,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("issuers", &self.inner.issuers.keys().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

impl Service {
    /// Reads the secrets and key files that the options name; key sets behind a URL are fetched by
    /// [`Service::fetch_key_sets`], or when first needed.
    pub fn new(options: &Options, keys: &Keys) -> Result<Self, OptionsError> {
        Self::with_fetch(options, keys, fetch::of)
    }

    /// As [`Service::new`], with another way to get an issuer's key set.
    pub fn with_fetch(
        options: &Options,
        keys: &Keys,
        fetch: impl Fn(&IssuerOptions) -> Result<Option<Arc<dyn Fetch>>, OptionsError>,
    ) -> Result<Self, OptionsError> {
        options.check()?;
        let mut issuers = HashMap::new();
        for issuer in &options.issuers {
            let built = Issuer::new(issuer, options.clock_leeway, fetch(issuer)?)?;
            issuers.insert(issuer.issuer.clone(), built);
        }
        if options.development {
            issuers.insert(development::ISSUER.into(), Issuer::development(keys, options.clock_leeway));
        }
        let (internal, components) = (Internal::new(options, keys), component::Tokens::new(keys));
        let inner = Inner { issuers, internal, components, verified: Verified::new(options.cached_tokens) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Fetches the key sets of all issuers, so that the first requests need not wait for them. What fails is logged and tried
    /// again when a token needs it.
    pub async fn fetch_key_sets(&self, now: DateTime<Utc>) {
        futures::future::join_all(self.inner.issuers.values().map(|issuer| issuer.fetch_keys(now))).await;
    }

    /// The caller that a bearer token stands for. `now` is the wall clock. A token that was verified within the last minute is
    /// answered from memory.
    pub async fn authenticate(&self, bearer: &str, now: DateTime<Utc>) -> Result<Arc<Caller>, Error> {
        if bearer.len() > MAX_TOKEN {
            return Err(Error::Malformed("it is too long"));
        }
        let fingerprint = cache::fingerprint(bearer);
        if let Some(caller) = self.inner.verified.get(&fingerprint, now) {
            return Ok(caller);
        }
        let (caller, expires) = self.verify(bearer, now).await?;
        let caller = Arc::new(caller);
        self.inner.verified.insert(fingerprint, caller.clone(), now, expires);
        Ok(caller)
    }

    /// The `web_component_token` of `securize`: reads that sign process and drives its identifications, nothing else. The caller
    /// must have been authorized for `securize_token`.
    pub fn sign_process_token(&self, subject: &str, organization: &str, sign_process: Uuid, now: DateTime<Utc>) -> String {
        let made = Made { subject, organization, target: sign_process, generation: None };
        self.inner.internal.issue(internal::Purpose::SignProcess, made, now).0
    }

    /// The `x-access-token` after a successful identification: reads, previews and makes that signature, nothing else.
    pub fn signature_token(&self, subject: &str, organization: &str, signature: Uuid, now: DateTime<Utc>) -> String {
        self.signature_token_until(subject, organization, signature, now).0
    }

    /// The same with the instant from which it no longer counts.
    pub fn signature_token_until(
        &self,
        subject: &str,
        organization: &str,
        signature: Uuid,
        now: DateTime<Utc>,
    ) -> (String, DateTime<Utc>) {
        let made = Made { subject, organization, target: signature, generation: None };
        self.inner.internal.issue(internal::Purpose::Signature, made, now)
    }

    /// The token that the signer's link of this generation gives: sees the invitation, declines, asks for codes and answers them, and neither
    /// shows nor signs anything. With the instant from which it no longer counts.
    pub fn signer_link_token(
        &self,
        organization: &str,
        signature: Uuid,
        generation: u32,
        now: DateTime<Utc>,
    ) -> (String, DateTime<Utc>) {
        let subject = signature.to_string();
        let made = Made { subject: &subject, organization, target: signature, generation: Some(generation) };
        self.inner.internal.issue(internal::Purpose::SignerLink, made, now)
    }

    /// The `x-access-token` after the validation of a chained identification: reads that chain, which proves the validation, and nothing else.
    pub fn chain_token(&self, subject: &str, organization: &str, chain: Uuid, now: DateTime<Utc>) -> String {
        let made = Made { subject, organization, target: chain, generation: None };
        self.inner.internal.issue(internal::Purpose::Chain, made, now).0
    }

    /// The `web_component_token` of `securize` in `/v2`: reads and records the consents of one customer in one actor's name, nothing else. The
    /// caller must have been authorized for `create_web_component_token`.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn component_token(
        &self,
        component: &Component<'_>,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<String, keys::Error> {
        self.inner.components.issue(component, lifetime, now)
    }

    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<(Caller, DateTime<Utc>), Error> {
        let header = jwt::Header::read(token)?;
        let issuer = jwt::claimed_issuer(token)?;
        if issuer == internal::ISSUER {
            return match header.kind.as_deref() {
                Some(component::KIND) => self.inner.components.verify(token, &header, now),
                _ => self.inner.internal.verify(token, &header, now),
            };
        }
        let issuer = self.inner.issuers.get(&issuer).ok_or(Error::Issuer)?;
        issuer.verify(token, &header, now).await
    }
}

/// The token in an `Authorization` header, `Bearer <token>` (RFC 6750 section 2.1; the scheme's case does not matter).
pub fn bearer(authorization: &str) -> Result<&str, Error> {
    let (scheme, token) = authorization.trim().split_once(' ').ok_or(Error::Missing)?;
    let token = token.trim_start();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(token) } else { Err(Error::Missing) }
}
