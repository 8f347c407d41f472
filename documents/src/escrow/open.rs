//! Opening envelopes, for their holders.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use der::Decode;
use serde::{Deserialize, Serialize};
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::envelope::{self, ContentKey, Envelope, NONCE_BYTES, TAG_BYTES, VECTOR_BYTES};
use super::holder_key::HolderKey;
use super::recipient::serial_text;
use super::{ContentEncryption, Error, Recipient};
use crate::x509;

/// A certificate that an envelope names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Common name, or the whole name.
    pub issuer: String,
    /// Lower-case hexadecimal.
    pub serial: String,
}

/// Whom an envelope is for. Recipients that are named in another way than by issuer and serial number are left out.
///
/// # Errors
/// [`Error::NotAnEnvelope`], [`Error::UnknownAlgorithm`].
pub fn holders(envelope: &[u8]) -> Result<Vec<Holder>, Error> {
    Ok(Envelope::read(envelope)?.holders())
}

/// How an envelope is encrypted.
///
/// # Errors
/// [`Error::NotAnEnvelope`], [`Error::UnknownAlgorithm`].
pub fn content_encryption(envelope: &[u8]) -> Result<ContentEncryption, Error> {
    Ok(Envelope::read(envelope)?.encryption)
}

impl Envelope<'_> {
    fn holders(&self) -> Vec<Holder> {
        let named = self.recipients.iter().filter_map(|recipient| recipient.name.as_ref());
        let issuer = |der: &[u8]| {
            Name::from_der(der).map_or_else(|_| "an issuer without a name".to_owned(), |name| x509::name_text(&name))
        };
        named.map(|name| Holder { issuer: issuer(&name.issuer), serial: serial_text(name.serial) }).collect()
    }
}

/// Opens an envelope in DER with a certificate and its private key, each in PEM or DER. With GCM nothing is given out before the tag is
/// verified. With CBC only the padding is: what is in it has to be judged by its own hashes.
///
/// The certificate may have expired: old samples are opened too.
///
/// # Errors
/// [`Error`].
pub fn open(envelope: &[u8], certificate: &[u8], private_key: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let certificate = Recipient::read(certificate)?;
    let key = HolderKey::read(private_key)?;
    if !key.belongs_to(&certificate.key)? {
        return Err(Error::WrongKey);
    }
    let envelope = Envelope::read(envelope)?;
    let is_own = |recipient: &&envelope::Recipient<'_>| {
        recipient.name.as_ref().is_some_and(|name| certificate.is_named(&name.issuer, name.serial))
    };
    let Some(recipient) = envelope.recipients.iter().find(is_own) else {
        return Err(Error::NotARecipient(in_words(&envelope.holders())));
    };
    let key = key.content_key(&recipient.way)?;
    let opened = match envelope.encryption {
        ContentEncryption::Aes256Gcm => gcm(&envelope, &key),
        ContentEncryption::Aes256Cbc => cbc(&envelope, &key),
    };
    opened.map_err(|_| Error::Damaged)
}

fn in_words(holders: &[Holder]) -> String {
    let named: Vec<String> =
        holders.iter().take(5).map(|holder| format!("serial {} of \"{}\"", holder.serial, holder.issuer)).collect();
    if named.is_empty() { "no certificate".to_owned() } else { named.join(", ") }
}

fn gcm(envelope: &Envelope<'_>, key: &ContentKey) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let nonce: &[u8; NONCE_BYTES] = envelope.nonce.try_into().map_err(|_| Unspecified)?;
    let mut text = Zeroizing::new(Vec::with_capacity(envelope.content.len() + TAG_BYTES));
    text.extend_from_slice(envelope.content);
    text.extend_from_slice(envelope.tag);
    let key = RandomizedNonceKey::new(&AES_256_GCM, &key[..])?;
    let length = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut text)?.len();
    text.truncate(length);
    Ok(text)
}

fn cbc(envelope: &Envelope<'_>, key: &ContentKey) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let vector: &[u8; VECTOR_BYTES] = envelope.nonce.try_into().map_err(|_| Unspecified)?;
    let mut text = Zeroizing::new(envelope.content.to_vec());
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &key[..])?)?;
    let length = key.decrypt(&mut text, DecryptionContext::Iv128(FixedLength::from(vector)))?.len();
    text.truncate(length);
    Ok(text)
}
