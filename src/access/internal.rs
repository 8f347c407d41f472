//! The tokens that this server issues itself: for one sign process, for one signature, for one chain, for one signer's link.
//!
//! Each purpose has its own key, its own `typ` and its own claim, and the issuer's name is reserved: no configured issuer can
//! make one, none passes for another, and neither passes for the token of an organization.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::claims::Lifetime;
use super::jwt::{self, Algorithm, Header, Key};
use super::{Caller, Error, Grant, OWN_AUDIENCE, Options};
use crate::keys::{KEY_LEN, Keys};

/// The `iss` claim of the server's own tokens; no configured issuer may bear it.
pub(super) const ISSUER: &str = "rubrica-internal";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
    SignProcess,
    Signature,
    Chain,
    SignerLink,
}

/// Life of the token of a signer's link, which gives another one at any time.
pub(super) const LINK_TOKEN_LIFETIME: TimeDelta = TimeDelta::hours(1);

impl Purpose {
    const ALL: [Purpose; 4] = [Purpose::SignProcess, Purpose::Signature, Purpose::Chain, Purpose::SignerLink];

    /// The `typ` of the header (RFC 8725 section 3.11).
    const fn kind(self) -> &'static str {
        match self {
            Purpose::SignProcess => "rubrica-sign-process+jwt",
            Purpose::Signature => "rubrica-signature+jwt",
            Purpose::Chain => "rubrica-chain+jwt",
            Purpose::SignerLink => "rubrica-signer-link+jwt",
        }
    }

    const fn key_purpose(self) -> &'static str {
        match self {
            Purpose::SignProcess => "access/sign-process-token/v1",
            Purpose::Signature => "access/signature-token/v1",
            Purpose::Chain => "access/chain-token/v1",
            Purpose::SignerLink => "access/signer-link-token/v1",
        }
    }
}

pub(super) struct Internal {
    sign_process: Issue,
    signature: Issue,
    chain: Issue,
    signer_link: Issue,
}

struct Issue {
    secret: [u8; KEY_LEN],
    lifetime: TimeDelta,
    key: Key,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
    purpose: Purpose,
    organization: String,
    /// The sign process, signature or chain that the token is for.
    target: Uuid,
    /// Of a signer's link, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<u32>,
}

/// What a token is made for.
#[derive(Clone, Copy)]
pub(super) struct Made<'a> {
    pub subject: &'a str,
    pub organization: &'a str,
    /// See [`Claims::target`].
    pub target: Uuid,
    /// See [`Claims::generation`].
    pub generation: Option<u32>,
}

impl Internal {
    pub(super) fn new(options: &Options, keys: &Keys) -> Self {
        let issue = |purpose: Purpose, lifetime| {
            let secret = keys.derive(purpose.key_purpose());
            Issue { secret, lifetime, key: Key::shared_secret(&secret) }
        };
        Self {
            sign_process: issue(Purpose::SignProcess, options.sign_process_token_lifetime),
            signature: issue(Purpose::Signature, options.signature_token_lifetime),
            chain: issue(Purpose::Chain, options.signature_token_lifetime),
            signer_link: issue(Purpose::SignerLink, LINK_TOKEN_LIFETIME),
        }
    }

    /// The token, and the instant from which it no longer counts.
    pub(super) fn issue(&self, purpose: Purpose, made: Made<'_>, now: DateTime<Utc>) -> (String, DateTime<Utc>) {
        let Made { subject, organization, target, generation } = made;
        let issue = self.of(purpose);
        let exp = jwt::expiry(now, issue.lifetime);
        let claims = Claims {
            iss: ISSUER.into(),
            aud: OWN_AUDIENCE.into(),
            sub: subject.into(),
            iat: now.timestamp(),
            exp,
            purpose,
            organization: organization.into(),
            target,
            generation,
        };
        let expires = DateTime::from_timestamp(exp, 0).unwrap_or(now);
        (jwt::sign(purpose.kind(), &claims, &issue.secret), expires)
    }

    /// The caller of one of these tokens and the instant from which it no longer counts. Without leeway, as the server's own
    /// clock issued it; that of another node may be a moment ahead, hence `iat` is not checked.
    pub(super) fn verify(&self, token: &str, header: &Header, now: DateTime<Utc>) -> Result<(Caller, DateTime<Utc>), Error> {
        let kind = header.kind.as_deref().unwrap_or("");
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.kind() == kind).ok_or(Error::Issuer)?;
        if header.algorithm != Algorithm::HS256 {
            return Err(Error::Algorithm);
        }
        let claims: Claims = jwt::verified_claims(token, &self.of(purpose).key)?;
        if claims.iss != ISSUER || claims.purpose != purpose {
            return Err(Error::Issuer);
        }
        if claims.aud != OWN_AUDIENCE {
            return Err(Error::Audience);
        }
        let lifetime = Lifetime { exp: Some(claims.exp as f64), nbf: None, iat: None };
        let expires = lifetime.check(TimeDelta::zero(), now)?;
        let grant = match purpose {
            Purpose::SignProcess => Grant::SignProcess { organization: claims.organization, sign_process: claims.target },
            Purpose::Signature => Grant::Signature { organization: claims.organization, signature: claims.target },
            Purpose::Chain => Grant::Chain { organization: claims.organization, chain: claims.target },
            Purpose::SignerLink => Grant::SignerLink {
                organization: claims.organization,
                signature: claims.target,
                generation: claims.generation.ok_or(Error::Claims("generation is missing"))?,
            },
        };
        Ok((Caller { subject: claims.sub, issuer: claims.iss, audience: claims.aud, grant }, expires))
    }

    fn of(&self, purpose: Purpose) -> &Issue {
        match purpose {
            Purpose::SignProcess => &self.sign_process,
            Purpose::Signature => &self.signature,
            Purpose::Chain => &self.chain,
            Purpose::SignerLink => &self.signer_link,
        }
    }
}
