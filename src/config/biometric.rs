//! `biometric`: signatures by hand. What an organization says in its sign configuration comes before it.

use std::path::PathBuf;

use biometric::Gate;
use documents::escrow::{ContentEncryption, MAX_RECIPIENTS, Recipient};
use serde::Deserialize;

use super::{Error, bounds::within};
use crate::handwriting::Defaults;

/// Maximum size of a certificate's file, in bytes.
const MAX_CERTIFICATE: u64 = 64 * 1024;

/// Signatures by hand.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Biometric {
    /// Files with the certificates to which samples are encrypted, in PEM or DER, at most 3: of those who keep the keys, such as a notary. RSA
    /// from 3072 bits, P-256 or P-384. The keys never belong on the server. Default: none, so that only organizations with certificates
    /// of their own have documents signed by hand.
    pub escrow_certificates: Vec<PathBuf>,
    /// How samples are encrypted: `aes-256-gcm`, or `aes-256-cbc` for holders whose tools cannot read it. Default: `aes-256-gcm`.
    pub escrow_content_encryption: ContentEncryption,
    /// Whether a sample in an unknown format is refused instead of being kept as it is. Default: false.
    pub strict: bool,
    /// Thresholds of the quality of a handwriting.
    pub gate: Gate,
}

impl Biometric {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("biometric.escrow_certificates", self.escrow_certificates.len() <= MAX_RECIPIENTS, "at most 3 files")?;
        self.gate.check().map_err(|problem| Error::Invalid(format!("biometric.gate: {problem}")))
    }

    /// With the certificates that the files hold.
    ///
    /// # Errors
    /// The file that cannot be read or used, and why.
    pub fn defaults(&self) -> Result<Defaults, String> {
        let read = |path: &PathBuf| {
            let told = |problem: &dyn std::fmt::Display| format!("biometric.escrow_certificates: {}: {problem}", path.display());
            let size = std::fs::metadata(path).map_err(|error| told(&error))?.len();
            if size > MAX_CERTIFICATE {
                return Err(told(&format_args!("a certificate's file may have {MAX_CERTIFICATE} bytes")));
            }
            let bytes = std::fs::read(path).map_err(|error| told(&error))?;
            Recipient::read(&bytes).map_err(|error| told(&error))
        };
        let recipients: Vec<_> = self.escrow_certificates.iter().map(read).collect::<Result<_, _>>()?;
        let mut names: Vec<_> = recipients.iter().map(|recipient| &recipient.facts().sha256).collect();
        names.sort();
        names.dedup();
        if names.len() < recipients.len() {
            return Err("biometric.escrow_certificates: a certificate is named twice".to_owned());
        }
        Ok(Defaults { recipients, encryption: self.escrow_content_encryption, strict: self.strict, gate: self.gate.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handwriting::testing;

    #[test]
    fn certificates_are_read_from_their_files_and_what_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notary.pem");
        let defaults = |path: &PathBuf| Biometric { escrow_certificates: vec![path.clone()], ..Biometric::default() }.defaults();
        assert!(defaults(&path).unwrap_err().contains("notary.pem"), "it is not there");
        std::fs::write(&path, "no certificate").unwrap();
        assert!(defaults(&path).unwrap_err().contains("notary.pem"));
        std::fs::write(&path, testing::CERTIFICATE).unwrap();
        assert_eq!(defaults(&path).unwrap().recipients[0].facts().sha256, testing::recipient().facts().sha256);
        let twice = Biometric { escrow_certificates: vec![path.clone(), path.clone()], ..Biometric::default() };
        assert!(twice.defaults().unwrap_err().contains("twice"));
        std::fs::write(&path, vec![b'x'; 100_000]).unwrap();
        assert!(defaults(&path).unwrap_err().contains("bytes"));
    }
}
