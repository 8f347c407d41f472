//! The token of the web component of consents: one customer, one actor.
//!
//! It goes through browsers, so it says neither: both ids stand in it sealed, under a key of the organization and the month.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::claims::Lifetime;
use super::jwt::{self, Algorithm, Header, Key};
use super::{Caller, Error, Grant, OWN_AUDIENCE, internal};
use crate::keys::{self, KEY_LEN, Keys};

/// The `typ` of the header (RFC 8725 section 3.11).
pub(super) const KIND: &str = "rubrica-consents+jwt";

const PURPOSE: &str = "consents";

/// For whom a token of the web component is made.
#[derive(Clone, Copy)]
pub struct Component<'a> {
    pub organization: &'a str,
    /// The only customer whose consents it reads and records.
    pub customer_id: &'a str,
    /// Who records them.
    pub actor_id: &'a str,
    /// Who asks for the token.
    pub subject: &'a str,
}

pub(super) struct Tokens {
    secret: [u8; KEY_LEN],
    key: Key,
    keys: Keys,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    purpose: String,
    organization: String,
    /// [`Sealed`] in JSON under the key of the organization and the month of `iat`, in base64url.
    sealed: String,
}

#[derive(Serialize, Deserialize)]
struct Sealed<S> {
    customer_id: S,
    actor_id: S,
    subject: S,
}

impl Tokens {
    pub(super) fn new(keys: &Keys) -> Self {
        let secret = keys.derive("access/component-token/v1");
        Self { secret, key: Key::shared_secret(&secret), keys: keys.clone() }
    }

    /// # Errors
    /// When the system gives no randomness.
    pub(super) fn issue(
        &self,
        component: &Component<'_>,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<String, keys::Error> {
        let Component { organization, customer_id, actor_id, subject } = *component;
        let ids = serde_json::to_vec(&Sealed { customer_id, actor_id, subject }).map_err(|_| keys::Error::Cryptography)?;
        let sealed = self.keys.seal(&seal_of(organization, now), organization.as_bytes(), &ids)?;
        let claims = Claims {
            iss: internal::ISSUER.into(),
            aud: OWN_AUDIENCE.into(),
            iat: now.timestamp(),
            exp: jwt::expiry(now, lifetime),
            purpose: PURPOSE.into(),
            organization: organization.into(),
            sealed: URL_SAFE_NO_PAD.encode(sealed),
        };
        Ok(jwt::sign(KIND, &claims, &self.secret))
    }

    /// The caller of one of these tokens and the instant from which it no longer counts. Without leeway, as for all tokens of this server.
    pub(super) fn verify(&self, token: &str, header: &Header, now: DateTime<Utc>) -> Result<(Caller, DateTime<Utc>), Error> {
        if header.algorithm != Algorithm::HS256 {
            return Err(Error::Algorithm);
        }
        let claims: Claims = jwt::verified_claims(token, &self.key)?;
        if claims.iss != internal::ISSUER || claims.purpose != PURPOSE {
            return Err(Error::Issuer);
        }
        if claims.aud != OWN_AUDIENCE {
            return Err(Error::Audience);
        }
        let lifetime = Lifetime { exp: Some(claims.exp as f64), nbf: None, iat: None };
        let expires = lifetime.check(TimeDelta::zero(), now)?;
        let ids = self.open(&claims).ok_or(Error::Claims("the sealed ids cannot be opened"))?;
        let grant = Grant::Customer { organization: claims.organization, customer_id: ids.customer_id, actor_id: ids.actor_id };
        Ok((Caller { subject: ids.subject, issuer: claims.iss, audience: claims.aud, grant }, expires))
    }

    fn open(&self, claims: &Claims) -> Option<Sealed<String>> {
        let issued = DateTime::from_timestamp(claims.iat, 0)?;
        let sealed = URL_SAFE_NO_PAD.decode(&claims.sealed).ok()?;
        let ids = self.keys.open(&seal_of(&claims.organization, issued), claims.organization.as_bytes(), &sealed).ok()?;
        serde_json::from_slice(&ids).ok()
    }
}

/// The purpose of the key that seals the ids: one for each organization and month, so that none seals too often and none opens another's.
fn seal_of(organization: &str, issued: DateTime<Utc>) -> String {
    format!("access/component-token/ids/v1/{}/{organization}", issued.format("%Y-%m"))
}
