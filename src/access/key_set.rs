//! The text of a set of public keys (JWKS, RFC 7517): which of its keys can be used.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use serde::Deserialize;

use super::jwt::{Algorithm, Key};

/// Maximum number of keys of a set that are used.
const MAX_KEYS: usize = 64;

/// Minimum RSA modulus, in bytes (RFC 7518 section 3.3).
const MIN_RSA_MODULUS: usize = 256;

/// The usable keys of a set; the others (other uses, other algorithms, secrets, what cannot be read) are passed over, as
/// RFC 7517 section 5 asks.
pub(super) fn read(body: &[u8]) -> Result<Vec<Arc<Key>>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|error| format!("not a key set: {error}"))?;
    let keys: Vec<_> = set.keys.into_iter().filter_map(key).take(MAX_KEYS).map(Arc::new).collect();
    if keys.is_empty() { Err("the key set has no usable key".into()) } else { Ok(keys) }
}

/// A key that verifies with one of our public-key algorithms. A secret (`kty: oct`) never does: a set of public keys is public,
/// so that anyone could sign with it.
fn key(value: serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let is_for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let verifies = jwk.common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    if !is_for_signatures || !verifies {
        return None;
    }
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if is_strong(&rsa.n) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => (Algorithm::ES256, KeyAlgorithm::ES256),
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => (Algorithm::EdDSA, KeyAlgorithm::EdDSA),
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|stated| stated != name) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { id: jwk.common.key_id, algorithm, decoding })
}

fn is_strong(modulus: &str) -> bool {
    URL_SAFE_NO_PAD.decode(modulus).is_ok_and(|modulus| modulus.iter().skip_while(|byte| **byte == 0).count() >= MIN_RSA_MODULUS)
}
