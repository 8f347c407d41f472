//! What a finding can be: its stable name, how grave it is, what is said of it, and what to do.

use serde::{Serialize, Serializer};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// It seals here, but somebody will have trouble with it.
    Warning,
    /// It cannot be used to seal here.
    Error,
}

impl Severity {
    /// The word on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What was found. The names do not change: programs may go by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    TooLarge,
    NotPkcs12,
    Pem,
    Base64,
    CertificateOnly,
    JavaKeystore,
    PasswordNeeded,
    WrongPassword,
    TooExpensive,
    Unsupported,
    NoKey,
    UnusableKey,
    NoCertificate,
    KeyWithoutCertificate,
    KeyUsage,
    ExtendedKeyUsage,
    NotYetValid,
    Ended,
    IssuerNotYetValid,
    IssuerEnded,
    NotUsable,
    LegacyCipher,
    LegacyIntegrity,
    NoIntegrity,
    NotEncrypted,
    FewIterations,
    PartUnreadable,
    SeveralKeys,
    MissingChain,
    IssuerSignature,
    AuthorityAsSigner,
    SelfSigned,
    WeakSignatureHash,
    EndsSoon,
    IssuerEndsFirst,
    RootNotIncluded,
    ChainOrder,
    UnrelatedCertificates,
    OtherKeyUnusable,
    RsaBelow3072,
    NoContentCommitment,
}

/// A key file of parts in PEM.
const EXPORT: &str = "openssl pkcs12 -export -inkey KEY.pem -in CERTIFICATE.pem -certfile ISSUERS.pem -out FILE.p12";

/// The same content under today's algorithms; `-legacy` reads old ones with OpenSSL 3. What is between is encrypted, too.
const AGAIN: &str = "openssl pkcs12 -legacy -in FILE.p12 -out PARTS.pem && openssl pkcs12 -export -in PARTS.pem -keypbe AES-256-CBC \
                     -certpbe AES-256-CBC -macalg sha256 -iter 100000 -out NEW.p12";

/// The same content with more certificates.
const WITH_ISSUERS: &str =
    "openssl pkcs12 -in FILE.p12 -out PARTS.pem && openssl pkcs12 -export -in PARTS.pem -certfile ISSUERS.pem -out NEW.p12";

impl Code {
    /// All of them.
    pub const ALL: [Self; 41] = [
        Self::TooLarge,
        Self::NotPkcs12,
        Self::Pem,
        Self::Base64,
        Self::CertificateOnly,
        Self::JavaKeystore,
        Self::PasswordNeeded,
        Self::WrongPassword,
        Self::TooExpensive,
        Self::Unsupported,
        Self::NoKey,
        Self::UnusableKey,
        Self::NoCertificate,
        Self::KeyWithoutCertificate,
        Self::KeyUsage,
        Self::ExtendedKeyUsage,
        Self::NotYetValid,
        Self::Ended,
        Self::IssuerNotYetValid,
        Self::IssuerEnded,
        Self::NotUsable,
        Self::LegacyCipher,
        Self::LegacyIntegrity,
        Self::NoIntegrity,
        Self::NotEncrypted,
        Self::FewIterations,
        Self::PartUnreadable,
        Self::SeveralKeys,
        Self::MissingChain,
        Self::IssuerSignature,
        Self::AuthorityAsSigner,
        Self::SelfSigned,
        Self::WeakSignatureHash,
        Self::EndsSoon,
        Self::IssuerEndsFirst,
        Self::RootNotIncluded,
        Self::ChainOrder,
        Self::UnrelatedCertificates,
        Self::OtherKeyUnusable,
        Self::RsaBelow3072,
        Self::NoContentCommitment,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// How grave it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::TooLarge
            | Self::NotPkcs12
            | Self::Pem
            | Self::Base64
            | Self::CertificateOnly
            | Self::JavaKeystore
            | Self::PasswordNeeded
            | Self::WrongPassword
            | Self::TooExpensive
            | Self::Unsupported
            | Self::NoKey
            | Self::UnusableKey
            | Self::NoCertificate
            | Self::KeyWithoutCertificate
            | Self::KeyUsage
            | Self::ExtendedKeyUsage
            | Self::NotYetValid
            | Self::Ended
            | Self::IssuerNotYetValid
            | Self::IssuerEnded
            | Self::NotUsable => Severity::Error,
            Self::LegacyCipher
            | Self::LegacyIntegrity
            | Self::NoIntegrity
            | Self::NotEncrypted
            | Self::FewIterations
            | Self::PartUnreadable
            | Self::SeveralKeys
            | Self::MissingChain
            | Self::IssuerSignature
            | Self::AuthorityAsSigner
            | Self::SelfSigned
            | Self::WeakSignatureHash
            | Self::EndsSoon
            | Self::IssuerEndsFirst => Severity::Warning,
            Self::RootNotIncluded
            | Self::ChainOrder
            | Self::UnrelatedCertificates
            | Self::OtherKeyUnusable
            | Self::RsaBelow3072
            | Self::NoContentCommitment => Severity::Note,
        }
    }

    /// What is said of it: a sentence in English, with names in braces where values come.
    pub fn what(self) -> &'static str {
        self.entry().1
    }

    /// What to do, in English.
    pub fn remedy(self) -> &'static str {
        self.entry().2
    }

    /// The line that mends it, with names of files to replace; it asks for passwords by itself.
    pub fn command(self) -> Option<&'static str> {
        match self {
            Self::Pem | Self::CertificateOnly | Self::NoKey | Self::NoCertificate | Self::ChainOrder => Some(EXPORT),
            Self::Base64 => Some("base64 -d FILE > FILE.p12"),
            Self::JavaKeystore => {
                Some("keytool -importkeystore -srckeystore FILE.jks -destkeystore FILE.p12 -deststoretype PKCS12")
            }
            Self::TooExpensive
            | Self::Unsupported
            | Self::LegacyCipher
            | Self::LegacyIntegrity
            | Self::NoIntegrity
            | Self::NotEncrypted
            | Self::FewIterations => Some(AGAIN),
            Self::MissingChain => Some(WITH_ISSUERS),
            _ => None,
        }
    }

    /// Name, what is said, what to do.
    fn entry(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::TooLarge => (
                "too_large",
                "The file is larger than {limit} bytes.",
                "Send the file that the authority gave you: a key file has a few kilobytes.",
            ),
            Self::NotPkcs12 => (
                "not_pkcs12",
                "This is not a PKCS#12 file, or only a part of one.",
                "Send the whole .p12 or .pfx file that holds the private key and its certificate.",
            ),
            Self::Pem => (
                "pem",
                "This is PEM text ({blocks}), not a PKCS#12 file.",
                "Put the private key and its certificates into one PKCS#12 file.",
            ),
            Self::Base64 => {
                ("base64", "This is base64 text, not the PKCS#12 file itself.", "Decode it, and send what comes out.")
            }
            Self::CertificateOnly => (
                "certificate_only",
                "This holds certificates and no private key: it is not a PKCS#12 file.",
                "Put the private key and its certificates into one PKCS#12 file.",
            ),
            Self::JavaKeystore => (
                "java_keystore",
                "This is a Java key store, not a PKCS#12 file.",
                "Convert it to PKCS#12, and send what comes out.",
            ),
            Self::PasswordNeeded => (
                "password_needed",
                "The file is protected by a password, and none was given.",
                "Give the password: without it only the algorithms outside can be seen.",
            ),
            Self::WrongPassword => (
                "wrong_password",
                "The password does not open the file.",
                "Type the password again, with its capitals and accents: it is the one that was chosen when the file was exported.",
            ),
            Self::TooExpensive => (
                "too_expensive",
                "Opening the file takes too much work or memory ({reason}).",
                "Export it again with fewer iterations.",
            ),
            Self::Unsupported => (
                "unsupported",
                "The way in which the file is protected or written is not read here ({reason}).",
                "Export it again with AES-256, SHA-256 and a password.",
            ),
            Self::NoKey => (
                "no_key",
                "The file holds no private key.",
                "Export it again together with the private key, on the machine or with the tool where the key was made.",
            ),
            Self::UnusableKey => (
                "unusable_key",
                "The private key cannot be used to seal here: it is {kind}.",
                "Have a certificate issued for a key that is RSA of 3072 bits (2048 to 8192), ECDSA on P-256, P-384 or P-521, or Ed25519.",
            ),
            Self::NoCertificate => (
                "no_certificate",
                "The file holds a private key and no certificate.",
                "Export it again together with the certificate of the key.",
            ),
            Self::KeyWithoutCertificate => (
                "key_without_certificate",
                "The private key does not belong to any certificate in the file.",
                "Export the key together with the certificate that was issued for it.",
            ),
            Self::KeyUsage => (
                "key_usage",
                "The key usage of the certificate \"{certificate}\" allows neither digitalSignature nor nonRepudiation: {usages}.",
                "Have a certificate issued that may sign: with the key usage nonRepudiation, digitalSignature or both.",
            ),
            Self::ExtendedKeyUsage => (
                "extended_key_usage",
                "The extended key usage of the certificate \"{certificate}\" does not allow signatures on documents: {usages}.",
                "Have a certificate issued for signing documents: without extended key usages, or with documentSigning or emailProtection.",
            ),
            Self::NotYetValid => (
                "not_yet_valid",
                "The certificate \"{certificate}\" is not valid yet: it is from {date} on.",
                "Wait until then, or correct the clock of the server.",
            ),
            Self::Ended => (
                "ended",
                "The certificate \"{certificate}\" ended on {date}.",
                "Have it renewed by its issuer, and send the new file.",
            ),
            Self::IssuerNotYetValid => (
                "issuer_not_yet_valid",
                "The certificate of the issuer \"{certificate}\" is not valid yet: it is from {date} on.",
                "Wait until then, or export the file with a certificate of the issuer that is valid.",
            ),
            Self::IssuerEnded => (
                "issuer_ended",
                "The certificate of the issuer \"{certificate}\" ended on {date}.",
                "Export the file with the issuer's present certificate, or have the certificate renewed.",
            ),
            Self::NotUsable => {
                ("not_usable", "The file cannot be used ({reason}).", "Export it again with its key, certificate and issuers.")
            }
            Self::LegacyCipher => (
                "legacy_cipher",
                "The {part} is encrypted with an old algorithm: {algorithm}. Newer programs refuse it, and who gets the file may open it.",
                "Export it again with AES-256, then delete the old file wherever it is.",
            ),
            Self::LegacyIntegrity => (
                "legacy_integrity",
                "The file is protected against changes with an old algorithm: {algorithm}.",
                "Export it again with SHA-256.",
            ),
            Self::NoIntegrity => (
                "no_integrity",
                "Nothing protects the file against changes: it has no MAC, so that a wrong password is hard to tell from damage.",
                "Export it again with a MAC by SHA-256.",
            ),
            Self::NotEncrypted => (
                "not_encrypted",
                "The private key is in the file without encryption: whoever has the file can sign.",
                "Export it again with a password, then delete the old file wherever it is.",
            ),
            Self::FewIterations => (
                "few_iterations",
                "The password is stretched by {iterations} iterations only ({part}): it can be guessed fast.",
                "Export it again with 100,000 iterations, and with a long password.",
            ),
            Self::PartUnreadable => (
                "part_unreadable",
                "A part of the file cannot be read ({reason}). What it holds is missing here.",
                "Export it again with what is needed only: the key, its certificate and the issuers.",
            ),
            Self::SeveralKeys => (
                "several_keys",
                "The file holds {count} private keys. Here \"{certificate}\" is used; another program may take another one.",
                "Export the key and the certificate that are meant into a file of their own.",
            ),
            Self::MissingChain => (
                "missing_chain",
                "The certificate of the issuer \"{issuer}\" is not in the file: others may be unable to tell whether the seal can be trusted.",
                "Add the certificates of the issuer, which it publishes, up to its root.",
            ),
            Self::IssuerSignature => (
                "issuer_signature",
                "A certificate with the name of the issuer, \"{issuer}\", is in the file, but \"{certificate}\" is not signed by it, or with an \
                 algorithm that is not accepted here.",
                "Add the certificate of the issuer that signed it.",
            ),
            Self::AuthorityAsSigner => (
                "authority_as_signer",
                "The certificate \"{certificate}\" is one of a certification authority: verifiers may reject its seals.",
                "Have a certificate issued for the seal itself, which is not an authority.",
            ),
            Self::SelfSigned => (
                "self_signed",
                "The certificate \"{certificate}\" is signed by itself: only who was told to will trust its seals.",
                "For seals that others trust have a certificate issued by an authority (in the EU, a qualified one for seals).",
            ),
            Self::WeakSignatureHash => (
                "weak_signature_hash",
                "The certificate \"{certificate}\" is signed with {algorithm}, which is broken: verifiers may reject it.",
                "Have it issued again with SHA-256 or longer.",
            ),
            Self::EndsSoon => (
                "ends_soon",
                "The certificate \"{certificate}\" ends on {date}, in {days} days.",
                "Have it renewed now: after its end nothing can be sealed.",
            ),
            Self::IssuerEndsFirst => (
                "issuer_ends_first",
                "The certificate of the issuer \"{certificate}\" ends on {date}, before the one that seals: from then on the file cannot be used.",
                "Ask the issuer for its newer certificate, and export the file with it before then.",
            ),
            Self::RootNotIncluded => (
                "root_not_included",
                "The chain ends at \"{certificate}\"; its issuer \"{issuer}\" is not in the file.",
                "Nothing to do if that is a root. If it is not, add its certificate.",
            ),
            Self::ChainOrder => (
                "chain_order",
                "The certificates are not in the order of their chain. Here they are put in order; other programs may take the wrong one.",
                "Export them in order: the one that seals, then each issuer of the one before.",
            ),
            Self::UnrelatedCertificates => (
                "unrelated_certificates",
                "The file holds certificates that have nothing to do with the one that seals: {certificates}.",
                "Nothing to do. They are left out of seals.",
            ),
            Self::OtherKeyUnusable => (
                "other_key_unusable",
                "A further private key in the file cannot be used here: it is {kind}.",
                "Nothing to do, if it is not the one that is meant.",
            ),
            Self::RsaBelow3072 => (
                "rsa_below_3072",
                "The key is {kind}. ETSI TS 119 312 recommends 3000 bits or more for RSA and counts shorter ones as legacy.",
                "At the next renewal have a key made that is RSA of 3072 bits or ECDSA on P-256.",
            ),
            Self::NoContentCommitment => (
                "no_content_commitment",
                "The key usage of the certificate \"{certificate}\" is {usages}, without nonRepudiation, which says that its holder commits to \
                 content.",
                "Nothing has to be done here. Some verifiers want it for legal weight: ask for it at the next renewal.",
            ),
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
