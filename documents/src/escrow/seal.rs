//! Making envelopes.

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use zeroize::Zeroizing;

use super::envelope::{
    CONTEXT_0_PRIMITIVE, CONTEXT_1, ContentKey, KEY_BYTES, TAG_BYTES, VECTOR_BYTES, WRAPPED_KEY_BYTES, derive,
    key_wrap_algorithm, oaep_algorithm,
};
use super::recipient::{Curve, Key};
use super::{ContentEncryption, Error, MAX_CONTENT_BYTES, MAX_RECIPIENTS, Recipient};
use crate::asn1::{self, CONTEXT_0, INTEGER, OCTET_STRING, SEQUENCE, SET, oid};

/// Encrypts `content` to each of the recipients: the DER of a CMS `ContentInfo`. No copy of the content stays in memory.
///
/// # Errors
/// [`Error::Recipients`] if they are none, more than three, or twice the same; [`Error::TooLarge`]; [`Error::Failed`].
pub fn seal(content: &[u8], recipients: &[Recipient], encryption: ContentEncryption) -> Result<Vec<u8>, Error> {
    let is_repeated =
        |(index, one): (usize, &Recipient)| recipients[..index].iter().any(|other| other.facts().sha256 == one.facts().sha256);
    if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS || recipients.iter().enumerate().any(is_repeated) {
        return Err(Error::Recipients(recipients.len()));
    }
    if content.len() > MAX_CONTENT_BYTES {
        return Err(Error::TooLarge);
    }
    let mut key = ContentKey::default();
    rand::fill(&mut *key)?;
    let infos = recipients.iter().map(|recipient| recipient_info(recipient, &key)).collect::<Result<Vec<_>, _>>()?;
    let infos = asn1::set_of(SET, infos);
    match encryption {
        ContentEncryption::Aes256Gcm => {
            let (info, tag) = gcm(content, &key)?;
            let version = asn1::tlv(INTEGER, &[&[0]]);
            let tag = asn1::tlv(OCTET_STRING, &[&tag]);
            Ok(content_info(oid::AUTH_ENVELOPED_DATA, &[&version, &infos, &info, &tag]))
        }
        ContentEncryption::Aes256Cbc => {
            // 2 where a recipient agrees on a key, else 0 (RFC 5652 6.1).
            let agrees = recipients.iter().any(|recipient| matches!(recipient.key, Key::Ec(..)));
            let version = asn1::tlv(INTEGER, &[&[if agrees { 2 } else { 0 }]]);
            Ok(content_info(oid::ENVELOPED_DATA, &[&version, &infos, &cbc(content, &key)?]))
        }
    }
}

fn content_info(kind: der::asn1::ObjectIdentifier, fields: &[&[u8]]) -> Vec<u8> {
    let data = asn1::tlv(SEQUENCE, fields);
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(kind), &asn1::tlv(CONTEXT_0, &[&data])])
}

/// `EncryptedContentInfo` around what was encrypted.
fn encrypted(algorithm: der::asn1::ObjectIdentifier, parameters: &[u8], content: &[u8]) -> Vec<u8> {
    let algorithm = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(algorithm), parameters]);
    let content = asn1::tlv(CONTEXT_0_PRIMITIVE, &[content]);
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::DATA), &algorithm, &content])
}

/// AES-256 in GCM (RFC 5084): the content's element, and the tag.
fn gcm(content: &[u8], key: &ContentKey) -> Result<(Vec<u8>, Vec<u8>), Unspecified> {
    let mut text = Zeroizing::new(content.to_vec());
    let (nonce, tag) = RandomizedNonceKey::new(&AES_256_GCM, &key[..])?.seal_in_place_separate_tag(Aad::empty(), &mut text)?;
    let nonce = asn1::tlv(OCTET_STRING, &[nonce.as_ref()]);
    // The length of the tag is written, as it is 12 where it is not.
    let parameters = asn1::tlv(SEQUENCE, &[&nonce, &asn1::tlv(INTEGER, &[&[TAG_BYTES as u8]])]);
    Ok((encrypted(oid::AES_256_GCM, &parameters, &text), tag.as_ref().to_vec()))
}

/// AES-256 in CBC (RFC 3565).
fn cbc(content: &[u8], key: &ContentKey) -> Result<Vec<u8>, Unspecified> {
    // With room for the padding: where a list grows, what was in it stays in memory.
    let mut text = Zeroizing::new(Vec::with_capacity(content.len() + VECTOR_BYTES));
    text.extend_from_slice(content);
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &key[..])?)?;
    let DecryptionContext::Iv128(vector) = key.encrypt(&mut *text)? else { return Err(Unspecified) };
    Ok(encrypted(oid::AES_256_CBC, &asn1::tlv(OCTET_STRING, &[vector.as_ref()]), &text))
}

fn recipient_info(recipient: &Recipient, key: &ContentKey) -> Result<Vec<u8>, Unspecified> {
    let id = recipient.issuer_and_serial();
    match &recipient.key {
        Key::Rsa(public) => key_transport(&id, public, key),
        Key::Ec(curve, point) => key_agreement(&id, *curve, point, key),
    }
}

/// `KeyTransRecipientInfo` (RFC 5652 6.2.1) with OAEP.
fn key_transport(id: &[u8], public: &PublicEncryptingKey, key: &ContentKey) -> Result<Vec<u8>, Unspecified> {
    let public = OaepPublicEncryptingKey::new(public.clone())?;
    let mut out = vec![0; public.ciphertext_size()];
    let encrypted = public.encrypt(&OAEP_SHA256_MGF1SHA256, &key[..], &mut out, None)?;
    let version = asn1::tlv(INTEGER, &[&[0]]);
    Ok(asn1::tlv(SEQUENCE, &[&version, id, &oaep_algorithm(), &asn1::tlv(OCTET_STRING, &[encrypted])]))
}

/// `KeyAgreeRecipientInfo` (RFC 5652 6.2.2, RFC 5753 3.1) with an ephemeral key.
fn key_agreement(id: &[u8], curve: Curve, point: &[u8], key: &ContentKey) -> Result<Vec<u8>, Unspecified> {
    let ephemeral = EphemeralPrivateKey::generate(curve.agreement(), &SystemRandom::new())?;
    let own_point = ephemeral.compute_public_key()?;
    let (derivation, digest) = curve.derivation();
    let other = UnparsedPublicKey::new(curve.agreement(), point);
    let wrapping = agree_ephemeral(ephemeral, other, Unspecified, |secret| Ok(derive(digest, secret)))?;
    let mut out = [0; WRAPPED_KEY_BYTES];
    let wrapped = AesKek::new(&key_wrap::AES_256, &wrapping[..])?.wrap(&key[..KEY_BYTES], &mut out)?;
    let algorithm = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::EC_PUBLIC_KEY), &asn1::object_identifier(curve.oid())]);
    const BIT_STRING: u8 = 0x03;
    // No bit of the last byte is unused.
    let bits = asn1::tlv(BIT_STRING, &[&[0], own_point.as_ref()]);
    let originator = asn1::tlv(CONTEXT_0, &[&asn1::tlv(CONTEXT_1, &[&algorithm, &bits])]);
    let key_encryption = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(derivation), &key_wrap_algorithm()]);
    let keys = asn1::tlv(SEQUENCE, &[&asn1::tlv(SEQUENCE, &[id, &asn1::tlv(OCTET_STRING, &[wrapped])])]);
    let version = asn1::tlv(INTEGER, &[&[3]]);
    Ok(asn1::tlv(CONTEXT_1, &[&version, &originator, &key_encryption, &keys]))
}
