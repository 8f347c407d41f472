//! The JSON Web Token itself: header, algorithms, signature. What its claims mean is elsewhere.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, EncodingKey, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Error;

/// The signature algorithms that can be allowed (RFC 7518, RFC 8037). There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256 and a shared secret.
    HS256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of at least 2048 bits.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// Whether whoever can verify can also sign.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Algorithm::HS256)
    }

    fn read(algorithm: jsonwebtoken::Algorithm) -> Result<Self, Error> {
        match algorithm {
            jsonwebtoken::Algorithm::HS256 => Ok(Algorithm::HS256),
            jsonwebtoken::Algorithm::RS256 => Ok(Algorithm::RS256),
            jsonwebtoken::Algorithm::ES256 => Ok(Algorithm::ES256),
            jsonwebtoken::Algorithm::EdDSA => Ok(Algorithm::EdDSA),
            _ => Err(Error::Algorithm),
        }
    }

    const fn written(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::HS256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// What is used of a token's header. Nothing in it is trusted: it selects among keys that are known already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    /// The kind of token, lower case, without `application/` (RFC 7515 section 4.1.9).
    pub(super) kind: Option<String>,
    pub(super) key_id: Option<String>,
}

impl Header {
    pub(super) fn read(token: &str) -> Result<Self, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::Malformed("its header cannot be read"))?;
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            // RFC 7515 section 4.1.11: what is critical and not understood ends the matter.
            return Err(Error::Malformed("its header asks for an extension"));
        }
        let kind = header.typ.map(|kind| kind.to_ascii_lowercase());
        let kind = kind.map(|kind| kind.strip_prefix("application/").map(str::to_owned).unwrap_or(kind));
        Ok(Self { algorithm: Algorithm::read(header.alg)?, kind, key_id: header.kid })
    }
}

/// A key with the one algorithm it is for.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

impl Key {
    pub(super) fn shared_secret(secret: &[u8]) -> Self {
        Self { id: None, algorithm: Algorithm::HS256, decoding: DecodingKey::from_secret(secret) }
    }
}

/// The issuer that a token claims to be from, not verified: good for nothing but to choose the issuer whose keys must fit.
pub(super) fn claimed_issuer(token: &str) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    jsonwebtoken::dangerous::insecure_decode_claims::<Claimed>(token).map(|claimed| claimed.iss).map_err(|_| Error::Issuer)
}

/// The claims of a token whose signature is right for this key and its algorithm. Checks the signature only: times, audience and
/// the rest belong to the caller, whose clock counts.
pub(super) fn verified_claims<T: DeserializeOwned>(token: &str, key: &Key) -> Result<T, Error> {
    let mut validation = Validation::new(key.algorithm.written());
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode(token, &key.decoding, &validation) {
        Ok(token) => Ok(token.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidToken => Error::Malformed("it does not have three parts"),
            ErrorKind::InvalidAlgorithm => Error::Algorithm,
            // The header has been read before and the claims are read after the signature was found right.
            ErrorKind::Json(_) | ErrorKind::Utf8(_) => Error::Claims("a claim has the wrong type"),
            _ => Error::Signature,
        }),
    }
}

/// The `exp` claim of a token made now; the last instant there is where the sum is beyond it.
pub(super) fn expiry(now: DateTime<Utc>, lifetime: TimeDelta) -> i64 {
    now.checked_add_signed(lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC).timestamp()
}

/// Makes a token with a shared secret.
pub(super) fn sign<T: Serialize>(kind: &str, claims: &T, secret: &[u8; 32]) -> String {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some(kind.into());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret))
        .expect("claims of text and numbers always become JSON, and any secret makes an HMAC")
}
