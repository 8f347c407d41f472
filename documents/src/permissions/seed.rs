//! Seed values: what the author of a signature field wants of a signature in it (ISO 32000-2 12.7.5.5, tables 237 and 238).
//!
//! What is required is obeyed or refused. What is only wished for is not looked at.

use der::oid::ObjectIdentifier;
use lopdf::{Dictionary, Document, Object};

use crate::asn1::oid;
use crate::fields::Field;
use crate::pdf;
use crate::pkcs12::Identity;

use super::integer;

/// The handler and the kind of signature that are written.
const FILTER: &[u8] = b"Adobe.PPKLite";
const SUB_FILTER: &[u8] = b"ETSI.CAdES.detached";
/// The highest version of seed values that is understood: PDF 2.0's (table 237, `V`).
const VERSION: i64 = 3;
/// Entries of one list that are read.
const MAX_ENTRIES: usize = 1_000;

/// Bits of `/Ff` (table 237): which entries are required.
mod required {
    pub(super) const FILTER: i64 = 1;
    pub(super) const SUB_FILTER: i64 = 1 << 1;
    pub(super) const VERSION: i64 = 1 << 2;
    pub(super) const REASONS: i64 = 1 << 3;
    pub(super) const LEGAL_ATTESTATION: i64 = 1 << 4;
    pub(super) const REVOCATION: i64 = 1 << 5;
    pub(super) const DIGEST: i64 = 1 << 6;
    pub(super) const LOCK_DOCUMENT: i64 = 1 << 7;
    pub(super) const APPEARANCE: i64 = 1 << 8;
}

/// Bits of `/Ff` of `/Cert` (table 238).
mod certificate {
    pub(super) const SUBJECT: i64 = 1;
    pub(super) const ISSUER: i64 = 1 << 1;
    pub(super) const OID: i64 = 1 << 2;
    pub(super) const SUBJECT_NAME: i64 = 1 << 3;
    pub(super) const KEY_USAGE: i64 = 1 << 5;
}

/// What a field requires of the reason for signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    Any,
    /// No reason may be given.
    None,
    OneOf(Vec<String>),
}

/// A field's seed values.
pub(crate) struct Seed<'a> {
    document: &'a Document,
    dictionary: &'a Dictionary,
    required: i64,
}

impl<'a> Seed<'a> {
    /// `None`: the field has no seed values.
    pub(crate) fn of(document: &'a Document, field: &Field<'_>) -> Option<Self> {
        let dictionary = pdf::dict_entry(document, pdf::dict_at(document, field.id)?, b"SV")?;
        Some(Self { document, dictionary, required: integer(document, dictionary, b"Ff").unwrap_or(0) })
    }

    fn requires(&self, bit: i64) -> bool {
        self.required & bit != 0
    }

    fn name(&self, key: &[u8]) -> Option<&'a [u8]> {
        pdf::entry(self.document, self.dictionary, key)?.as_name().ok()
    }

    fn list(&self, key: &[u8]) -> impl Iterator<Item = &'a Object> + use<'a> {
        let document = self.document;
        let list = pdf::array_entry(document, self.dictionary, key).map(Vec::as_slice).unwrap_or_default();
        list.iter().take(MAX_ENTRIES).map(move |item| pdf::resolve(document, item))
    }

    /// Why no signature of ours can satisfy the field, in words; `None` where it may depend on the key or the reason.
    pub(crate) fn refusal(&self) -> Option<String> {
        let why = self.refused_kind().or_else(|| self.refused_certification()).or_else(|| self.refused_extras());
        let why =
            why.or_else(|| (!self.digests_we_have()).then(|| "a digest other than SHA-256, SHA-384 and SHA-512".to_owned()));
        why.map(|what| format!("its seed values require {what}, which is not supported"))
    }

    /// Why a signature with this key and reason does not satisfy the field, in words.
    pub(crate) fn refusal_for(&self, identity: &Identity, reason: &str) -> Option<String> {
        if let Some(refusal) = self.refusal() {
            return Some(refusal);
        }
        if self.requires(required::DIGEST) && !self.allows(identity.digest_oid()) {
            return Some("its seed values require a digest that signatures with this certificate's key do not use".to_owned());
        }
        if let Reason::OneOf(reasons) = self.reason()
            && !reasons.iter().any(|allowed| allowed == reason)
        {
            return Some("its seed values allow certain reasons for signing only, and ours is not among them".to_owned());
        }
        self.refused_certificate(identity)
    }

    /// What the field says of the reason. A required list that is missing, or is a period, forbids one (table 237).
    pub(crate) fn reason(&self) -> Reason {
        if !self.requires(required::REASONS) {
            return Reason::Any;
        }
        let reasons: Vec<String> = self.list(b"Reasons").filter_map(pdf::text).collect();
        if reasons.is_empty() || reasons == ["."] { Reason::None } else { Reason::OneOf(reasons) }
    }

    fn refused_kind(&self) -> Option<String> {
        let shown = |name: &[u8]| String::from_utf8_lossy(name).chars().take(40).collect::<String>();
        if self.requires(required::VERSION)
            && pdf::entry(self.document, self.dictionary, b"V")
                .and_then(|v| v.as_float().ok())
                .is_some_and(|v| v > VERSION as f32)
        {
            return Some("a later version of seed values".to_owned());
        }
        if let Some(filter) = self.name(b"Filter").filter(|filter| self.requires(required::FILTER) && *filter != FILTER) {
            return Some(format!("the signature handler \"{}\"", shown(filter)));
        }
        let kinds: Vec<&[u8]> = self.list(b"SubFilter").filter_map(|kind| kind.as_name().ok()).collect();
        if self.requires(required::SUB_FILTER) && !kinds.is_empty() && !kinds.contains(&SUB_FILTER) {
            return Some(format!("a signature of the kind \"{}\"", shown(kinds[0])));
        }
        None
    }

    /// `/MDP` has no bit of its own: with `P` 1 to 3 the signature shall be a certification.
    fn refused_certification(&self) -> Option<String> {
        let certification = pdf::dict_entry(self.document, self.dictionary, b"MDP");
        let level = certification.and_then(|mdp| integer(self.document, mdp, b"P")).unwrap_or(0);
        (level != 0).then(|| "an author's certification (MDP)".to_owned())
    }

    fn refused_extras(&self) -> Option<String> {
        let stamp = pdf::dict_entry(self.document, self.dictionary, b"TimeStamp");
        if stamp.and_then(|stamp| integer(self.document, stamp, b"Ff")).unwrap_or(0) & 1 != 0 {
            return Some("a time stamp".to_owned());
        }
        let is_true = |key: &[u8]| {
            pdf::entry(self.document, self.dictionary, key).is_some_and(|value| matches!(value, Object::Boolean(true)))
        };
        if self.requires(required::REVOCATION) && is_true(b"AddRevInfo") {
            return Some("revocation information (AddRevInfo)".to_owned());
        }
        // A name in PDF 2.0, a Boolean as some programs write it.
        if self.requires(required::LOCK_DOCUMENT) && (self.name(b"LockDocument") == Some(b"true") || is_true(b"LockDocument")) {
            return Some("that the document is locked (LockDocument)".to_owned());
        }
        if self.requires(required::APPEARANCE) && self.dictionary.has(b"AppearanceFilter") {
            return Some("an appearance of a certain name (AppearanceFilter)".to_owned());
        }
        if self.requires(required::LEGAL_ATTESTATION) && self.list(b"LegalAttestation").next().is_some() {
            return Some("a legal attestation".to_owned());
        }
        let certificate = pdf::dict_entry(self.document, self.dictionary, b"Cert")?;
        let bits = integer(self.document, certificate, b"Ff").unwrap_or(0);
        let entries: [(i64, &[u8], &str); 3] = [
            (certificate::OID, b"OID", "a certificate under a certain policy"),
            (certificate::SUBJECT_NAME, b"SubjectDN", "a certificate of a certain subject's name"),
            (certificate::KEY_USAGE, b"KeyUsage", "a certificate of a certain key usage"),
        ];
        let found = entries.iter().find(|(bit, key, _)| bits & bit != 0 && certificate.has(key));
        found.map(|(_, _, what)| (*what).to_owned())
    }

    /// The digests in the list; `None` for one that we do not have.
    fn digests(&self) -> Vec<Option<ObjectIdentifier>> {
        let named = |digest: &Object| match pdf::text(digest)?.as_str() {
            "SHA256" => Some(oid::SHA256),
            "SHA384" => Some(oid::SHA384),
            "SHA512" => Some(oid::SHA512),
            _ => None,
        };
        self.list(b"DigestMethod").map(named).collect()
    }

    /// Whether a digest is in the list. An empty one allows all.
    fn allows(&self, digest: ObjectIdentifier) -> bool {
        let digests = self.digests();
        digests.is_empty() || digests.contains(&Some(digest))
    }

    fn digests_we_have(&self) -> bool {
        let digests = self.digests();
        !self.requires(required::DIGEST) || digests.is_empty() || digests.iter().any(Option::is_some)
    }

    fn refused_certificate(&self, identity: &Identity) -> Option<String> {
        let certificate = pdf::dict_entry(self.document, self.dictionary, b"Cert")?;
        let bits = integer(self.document, certificate, b"Ff").unwrap_or(0);
        let listed = |key: &[u8]| -> Vec<&'a [u8]> {
            let list = pdf::array_entry(self.document, certificate, key).map(Vec::as_slice).unwrap_or_default();
            let items = list.iter().take(MAX_ENTRIES).map(|item| pdf::resolve(self.document, item));
            items.filter_map(|item| item.as_str().ok()).collect()
        };
        let subjects = listed(b"Subject");
        if bits & certificate::SUBJECT != 0 && !subjects.is_empty() && !subjects.contains(&identity.leaf().der()) {
            return Some("its seed values require another certificate than ours".to_owned());
        }
        let issuers = listed(b"Issuer");
        let issued = || identity.certificates().any(|certificate| issuers.contains(&certificate));
        if bits & certificate::ISSUER != 0 && !issuers.is_empty() && !issued() {
            return Some("its seed values require a certificate of another issuer than ours".to_owned());
        }
        None
    }
}
