//! The holder's private key: only `rubrica escrow open` and tests have one.

use aws_lc_rs::agreement::{self, UnparsedPublicKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

use super::envelope::{ContentKey, KEY_BYTES, WRAPPED_KEY_BYTES, Way, derive};
use super::recipient::{Curve, Key};
use super::{Error, MAX_FILE_BYTES};
use crate::asn1::{self, INTEGER, OCTET_STRING, SEQUENCE, oid};
use crate::pem;

/// A private key. Nothing prints it, and the library wipes it.
pub(super) enum HolderKey {
    Rsa(PrivateDecryptingKey),
    Ec(Curve, agreement::PrivateKey),
}

impl HolderKey {
    /// Reads a key in PEM or DER: PKCS #8, or the forms of RSA and EC alone.
    pub(super) fn read(file: &[u8]) -> Result<Self, Error> {
        if file.len() > MAX_FILE_BYTES {
            return Err(Error::UnreadableKey("the file is too large"));
        }
        let Some(blocks) = pem::blocks(file).map_err(|_| Error::UnreadableKey("its PEM is damaged"))? else {
            return Self::from_der(file);
        };
        if blocks.iter().any(|block| block.label.starts_with("ENCRYPTED ")) {
            return Err(Error::UnreadableKey(
                "it is encrypted: decrypt it with \"openssl pkey -in KEY -out PLAIN\", and remove PLAIN afterwards",
            ));
        }
        let keys: Vec<_> = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY")).collect();
        match keys[..] {
            [] => Err(Error::UnreadableKey("there is no private key in the file")),
            [one] => Self::from_der(&one.der),
            _ => Err(Error::UnreadableKey("there are several private keys in the file: give one")),
        }
    }

    fn from_der(der: &[u8]) -> Result<Self, Error> {
        if let Ok(key) = PrivateDecryptingKey::from_pkcs8(der).or_else(|_| PrivateDecryptingKey::from_pkcs8(&pkcs8_of_rsa(der))) {
            return Ok(Self::Rsa(key));
        }
        for curve in [Curve::P256, Curve::P384] {
            if let Ok(key) = agreement::PrivateKey::from_private_key_der(curve.agreement(), der) {
                return Ok(Self::Ec(curve, key));
            }
        }
        Err(Error::UnreadableKey("it is no RSA key of 2048 to 8192 bits and none on P-256 or P-384, as PKCS #8 in PEM or DER"))
    }

    /// Whether it is the private key of a certificate's key.
    pub(super) fn belongs_to(&self, public: &Key) -> Result<bool, Unspecified> {
        use aws_lc_rs::encoding::AsDer;
        Ok(match (self, public) {
            (Self::Rsa(key), Key::Rsa(public)) => key.public_key().as_der()?.as_ref() == public.as_der()?.as_ref(),
            (Self::Ec(own, key), Key::Ec(curve, point)) => {
                // The certificate may have the point in its compressed form.
                let public = agreement::ParsedPublicKey::try_from(UnparsedPublicKey::new(curve.agreement(), point));
                let public = public.map_err(|_| Unspecified)?;
                own == curve && agreed(key, key.compute_public_key()?.as_ref(), *curve)? == agreed(key, public.as_ref(), *curve)?
            }
            _ => false,
        })
    }

    /// The content's key.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it does not come out; [`Error::UnknownAlgorithm`].
    pub(super) fn content_key(&self, way: &Way<'_>) -> Result<ContentKey, Error> {
        match (self, way) {
            (Self::Rsa(key), Way::Oaep { encrypted }) => unlock(key, encrypted).map_err(|_| Error::Damaged),
            (Self::Ec(curve, key), Way::Agreement { derivation, point, wrapped }) => {
                let (known, digest) = curve.derivation();
                if *derivation != known {
                    return Err(Error::UnknownAlgorithm(derivation.to_string()));
                }
                let other = UnparsedPublicKey::new(curve.agreement(), point);
                let wrapping = agreement::agree(key, other, Error::Damaged, |secret| Ok(derive(digest, secret)))?;
                unwrap(&wrapping, wrapped).map_err(|_| Error::Damaged)
            }
            (_, Way::Unknown(name)) => Err(Error::UnknownAlgorithm(name.clone())),
            // The envelope names the certificate beside the key of another kind.
            _ => Err(Error::Damaged),
        }
    }
}

/// What the key agrees on with a public key: the same for the same point, in whichever form.
fn agreed(key: &agreement::PrivateKey, point: &[u8], curve: Curve) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let other = UnparsedPublicKey::new(curve.agreement(), point);
    agreement::agree(key, other, Unspecified, |secret| Ok(Zeroizing::new(secret.to_vec())))
}

fn unlock(key: &PrivateDecryptingKey, encrypted: &[u8]) -> Result<ContentKey, Unspecified> {
    let key = OaepPrivateDecryptingKey::new(key.clone())?;
    let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
    let plain = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut out, None)?;
    content_key(plain)
}

fn unwrap(wrapping: &ContentKey, wrapped: &[u8]) -> Result<ContentKey, Unspecified> {
    if wrapped.len() != WRAPPED_KEY_BYTES {
        return Err(Unspecified);
    }
    let mut out = Zeroizing::new([0; WRAPPED_KEY_BYTES]);
    content_key(AesKek::new(&key_wrap::AES_256, &wrapping[..])?.unwrap(wrapped, &mut out[..])?)
}

fn content_key(plain: &[u8]) -> Result<ContentKey, Unspecified> {
    if plain.len() != KEY_BYTES {
        return Err(Unspecified);
    }
    let mut key = ContentKey::default();
    key.copy_from_slice(plain);
    Ok(key)
}

/// An RSA key alone (PKCS #1, "RSA PRIVATE KEY") as PKCS #8.
fn pkcs8_of_rsa(der: &[u8]) -> Zeroizing<Vec<u8>> {
    let algorithm = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::RSA_ENCRYPTION), &asn1::tlv(asn1::NULL, &[])]);
    let key = Zeroizing::new(asn1::tlv(OCTET_STRING, &[der]));
    Zeroizing::new(asn1::tlv(SEQUENCE, &[&asn1::tlv(INTEGER, &[&[0]]), &algorithm, &key]))
}
