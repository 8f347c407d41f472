//! ECDSA on the Brainpool curves (RFC 5639), as German and Austrian cards sign: verification only.
//!
//! aws-lc-rs has none of them. RustCrypto has those of 256 and 384 bits; brainpoolP512r1 has no maintained implementation and
//! cannot be judged.

use der::asn1::ObjectIdentifier;
use ecdsa::signature::hazmat::PrehashVerifier;

use super::Error;
use crate::asn1::oid;

/// Whether `curve` is one that [`verify`] knows.
pub(super) fn knows(curve: ObjectIdentifier) -> bool {
    matches!(curve, oid::BRAINPOOL_P256 | oid::BRAINPOOL_P384)
}

/// Checks a signature (DER) over the digest of a message; `point` is the public key (SEC 1).
pub(super) fn verify(curve: ObjectIdentifier, point: &[u8], digest: &[u8], signature: &[u8]) -> Result<(), Error> {
    macro_rules! verify_on {
        ($curve:ty) => {{
            let key = ecdsa::VerifyingKey::<$curve>::from_sec1_bytes(point).map_err(|_| Error::Unreadable)?;
            let signature = ecdsa::Signature::<$curve>::from_der(signature).map_err(|_| Error::Mismatch)?;
            key.verify_prehash(digest, &signature).map_err(|_| Error::Mismatch)
        }};
    }
    match curve {
        oid::BRAINPOOL_P256 => verify_on!(bp256::BrainpoolP256r1),
        oid::BRAINPOOL_P384 => verify_on!(bp384::BrainpoolP384r1),
        other => Err(Error::Unsupported(format!("ECDSA on {}", super::curve_name(other)))),
    }
}

#[cfg(test)]
mod tests {
    use der::Decode;
    use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

    use super::*;
    use crate::algorithms;

    /// Made by OpenSSL 3.0 over "message": signature algorithm, public key, signature. The digest is also longer and shorter than
    /// the curve.
    const SIGNATURES: [(ObjectIdentifier, &str, &str); 4] = [
        (
            oid::ECDSA_SHA256,
            "305a301406072a8648ce3d020106092b2403030208010107034200044952e00a9f47c14e347212777ee0990e5d60d027c855cf3b224e80\
             8d509115fa50bc3dd0c6d17b25f6ad49096399241574d62c21d61705203e711341d6aed55c",
            "304402202c717825a95e4665eddf269727d808b77cf0ee8fff558779cc7bb8d416b51efc022043e78995d095423cd25f66e783ad473454\
             17d386f406be1ac89786ec1a752bf3",
        ),
        (
            oid::ECDSA_SHA512,
            "305a301406072a8648ce3d020106092b2403030208010107034200044952e00a9f47c14e347212777ee0990e5d60d027c855cf3b224e80\
             8d509115fa50bc3dd0c6d17b25f6ad49096399241574d62c21d61705203e711341d6aed55c",
            "3044022074305e9021346d26c6e4d9a6dd06821124f776eb59d1080abd7edb4d81bca92502206ed58398a69a85c8df18d81903dd214dd2\
             4f5975f20f72080a5233547eac4f3a",
        ),
        (
            oid::ECDSA_SHA384,
            "307a301406072a8648ce3d020106092b240303020801010b036200040e5ec1d968a343304de7624fa8ae5eeb1934b696abd0f34771d712\
             7ed8d92d27f830e17f874c9ca17cbf43856b635d985017ab5da1fdaa055badafe823f01c9ac0d5ccbb3f72dc4952160ca81f0ca2b2f949\
             4a4fce82ff2136b4d8cf9f14473c",
            "3065023100857e90d72dc9afeecd422406351a65a21a5cd40171fb7e043a78c5405207e40b83145d44e30cfdd93aa2464e14fa164b0230\
             27cf0a46f5875c1a9f0cb741bd80beee926c003674c80763827234f79a0cef5433c55e1f70e5772f6bea1ee3146d9d76",
        ),
        (
            oid::ECDSA_SHA256,
            "307a301406072a8648ce3d020106092b240303020801010b036200040e5ec1d968a343304de7624fa8ae5eeb1934b696abd0f34771d712\
             7ed8d92d27f830e17f874c9ca17cbf43856b635d985017ab5da1fdaa055badafe823f01c9ac0d5ccbb3f72dc4952160ca81f0ca2b2f949\
             4a4fce82ff2136b4d8cf9f14473c",
            "3064023048839bfa023c9750d14bb9ee62d32aefbe82dd56454dd7e765a5ead57f1dbdadb2750b5854bae4e95f689319cb49f3e2023001\
             0f6888596eb5269098dfe29ec56556ceb360a30aa7bf100e7520e646d1678530d359da7e3f2c15c4eac5740e34a471",
        ),
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
    }

    #[test]
    fn signatures_of_openssl_verify_and_others_do_not() {
        for (algorithm, key, signature) in SIGNATURES {
            let (key, mut signature) = (bytes(key), bytes(signature));
            let algorithm = AlgorithmIdentifierRef { oid: algorithm, parameters: None };
            let verify = |key: &[u8], message: &[u8], signature: &[u8]| {
                algorithms::verify(&SubjectPublicKeyInfoRef::from_der(key).unwrap(), &algorithm, None, message, signature)
            };
            assert_eq!(verify(&key, b"message", &signature), Ok(()));
            assert_eq!(verify(&key, b"another", &signature), Err(Error::Mismatch));
            assert_eq!(verify(&key, b"message", &[]), Err(Error::Mismatch));
            let mut off_curve = key.clone();
            *off_curve.last_mut().unwrap() ^= 1;
            assert_eq!(verify(&off_curve, b"message", &signature), Err(Error::Unreadable));
            *signature.last_mut().unwrap() ^= 1;
            assert_eq!(verify(&key, b"message", &signature), Err(Error::Mismatch));
        }
    }

    #[test]
    fn a_curve_without_an_implementation_is_named() {
        // The key on brainpoolP256r1 under the name of brainpoolP512r1.
        let mut key = bytes(SIGNATURES[0].1);
        let name = oid::BRAINPOOL_P256.as_bytes();
        let at = key.windows(name.len()).position(|window| window == name).unwrap() + name.len() - 1;
        key[at] = 13;
        let algorithm = AlgorithmIdentifierRef { oid: oid::ECDSA_SHA512, parameters: None };
        let key = SubjectPublicKeyInfoRef::from_der(&key).unwrap();
        let refused = algorithms::verify(&key, &algorithm, None, b"message", &bytes(SIGNATURES[0].2));
        assert_eq!(refused, Err(Error::Unsupported("ECDSA on brainpoolP512r1".to_owned())));
    }
}
