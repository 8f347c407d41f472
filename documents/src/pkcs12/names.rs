//! Object identifiers of key files, by the names of their RFCs (7292, 8018, 9579, 7914, 3565).

use der::oid::ObjectIdentifier;

const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

pub(super) const ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");
pub(super) const ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.3");

pub(super) const KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
pub(super) const SHROUDED_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
pub(super) const CERTIFICATE_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
pub(super) const SAFE_CONTENTS_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.6");
pub(super) const X509_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");

pub(super) const PBE_RC4_128: ObjectIdentifier = oid("1.2.840.113549.1.12.1.1");
pub(super) const PBE_RC4_40: ObjectIdentifier = oid("1.2.840.113549.1.12.1.2");
pub(super) const PBE_3DES_3KEY: ObjectIdentifier = oid("1.2.840.113549.1.12.1.3");
pub(super) const PBE_3DES_2KEY: ObjectIdentifier = oid("1.2.840.113549.1.12.1.4");
pub(super) const PBE_RC2_128: ObjectIdentifier = oid("1.2.840.113549.1.12.1.5");
pub(super) const PBE_RC2_40: ObjectIdentifier = oid("1.2.840.113549.1.12.1.6");

/// PKCS #5's first schemes (RFC 8018 A.3): never opened here, only told by name.
pub(super) const PBE_MD5_DES: ObjectIdentifier = oid("1.2.840.113549.1.5.3");
pub(super) const PBE_MD5_RC2: ObjectIdentifier = oid("1.2.840.113549.1.5.6");
pub(super) const PBE_SHA1_DES: ObjectIdentifier = oid("1.2.840.113549.1.5.10");
pub(super) const PBE_SHA1_RC2: ObjectIdentifier = oid("1.2.840.113549.1.5.11");
pub(super) const MD5: ObjectIdentifier = oid("1.2.840.113549.2.5");
pub(super) const HMAC_MD5: ObjectIdentifier = oid("1.2.840.113549.2.6");
pub(super) const DES_CBC: ObjectIdentifier = oid("1.3.14.3.2.7");

pub(super) const PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");
pub(super) const PBES2: ObjectIdentifier = oid("1.2.840.113549.1.5.13");
pub(super) const PBMAC1: ObjectIdentifier = oid("1.2.840.113549.1.5.14");
pub(super) const SCRYPT: ObjectIdentifier = oid("1.3.6.1.4.1.11591.4.11");

pub(super) const HMAC_SHA1: ObjectIdentifier = oid("1.2.840.113549.2.7");
pub(super) const HMAC_SHA224: ObjectIdentifier = oid("1.2.840.113549.2.8");
pub(super) const HMAC_SHA256: ObjectIdentifier = oid("1.2.840.113549.2.9");
pub(super) const HMAC_SHA384: ObjectIdentifier = oid("1.2.840.113549.2.10");
pub(super) const HMAC_SHA512: ObjectIdentifier = oid("1.2.840.113549.2.11");

pub(super) const RC2_CBC: ObjectIdentifier = oid("1.2.840.113549.3.2");
pub(super) const DES_EDE3_CBC: ObjectIdentifier = oid("1.2.840.113549.3.7");
pub(super) const AES_128_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.2");
pub(super) const AES_192_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.22");
pub(super) const AES_256_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.42");
