//! What the holder gets: files in a folder of their own, which they alone can read, and a summary.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use biometric::Sample;
use documents::escrow::ContentEncryption;
use serde_json::json;

use super::named;
use super::open::{Bound, Opened, Signature};
use crate::private_files;

impl Opened {
    /// Writes a folder for each signature. They appear all at once or not at all.
    ///
    /// # Errors
    /// The folder is there already, or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        if folder.exists() {
            return Err(named(folder, &"it is there already: name a folder that is not. Nothing was written"));
        }
        let parent = match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        private_files::create_folder(parent).map_err(|error| named(parent, &error))?;
        // Removed with all that is in it where writing fails half-way.
        let half = half_way(parent).map_err(|error| named(parent, &error))?;
        for (number, signature) in (1..).zip(&self.signatures) {
            signature.write(&half.path().join(format!("signature-{number}")))?;
        }
        std::fs::rename(half.path(), folder).map_err(|error| named(folder, &error))?;
        // It is at its place now.
        let _ = half.keep();
        Ok(())
    }

    /// What was opened, in words.
    pub fn text(&self, folder: &Path) -> String {
        let mut text = String::new();
        for (number, one) in (1..).zip(&self.signatures) {
            let record = &one.record;
            let documents: Vec<&str> = record.documents.iter().map(|shown| shown.id.as_str()).collect();
            // Writing to a string does not fail.
            let _ = writeln!(text, "Signature {number}{}", in_fields(&one.fields));
            let _ = writeln!(
                text,
                "  signer {} of process {} (organization {})",
                record.signer, record.process_id, record.organization
            );
            let _ = writeln!(text, "  captured at {} for the documents {}", record.captured_at, documents.join(", "));
            let _ = writeln!(text, "  format {}, encrypted with {}", record.sample.format, one.encryption.name());
            let _ = writeln!(text, "  {}", one.bound_in_words());
            if let Some(seal) = one.seal_in_words() {
                let _ = writeln!(text, "  {seal}");
            }
            let _ = writeln!(text, "  written to {}", folder.join(format!("signature-{number}")).display());
        }
        for other in &self.others {
            let _ = writeln!(text, "Not opened, {other}");
        }
        text
    }
}

/// A folder for what is not complete yet, which its owner alone can read.
fn half_way(parent: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".rubrica-escrow-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(parent)
}

fn in_fields(fields: &[String]) -> String {
    if fields.is_empty() { String::new() } else { format!(" (field {})", fields.join(", ")) }
}

impl Signature {
    fn bound_in_words(&self) -> String {
        match self.bound {
            Bound::Proven => format!("given for this document (by its hash: {})", self.documents.join(", ")),
            Bound::NotChecked => {
                "NOT TIED TO A DOCUMENT: give the documents as they were shown to the signer with --document, or the signed PDF"
                    .to_owned()
            }
        }
    }

    fn seal_in_words(&self) -> Option<String> {
        let cbc = self.encryption == ContentEncryption::Aes256Cbc;
        match self.seal_intact {
            Some(true) => Some("the seal of the PDF around it is intact".to_owned()),
            Some(false) => Some("THE SEAL OF THE PDF AROUND IT IS NOT INTACT: see \"rubrica verify\"".to_owned()),
            None if cbc => {
                Some("aes-256-cbc does not show changes of the envelope: only the sample's own hash was checked".to_owned())
            }
            None => None,
        }
    }

    /// What of it may be filed: everything but the sample.
    fn facts(&self) -> serde_json::Value {
        let record = &self.record;
        json!({
            "fields": self.fields,
            "organization": record.organization,
            "process_id": record.process_id,
            "sign_id": record.sign_id,
            "signer": record.signer,
            "captured_at": record.captured_at,
            "documents": record.documents,
            "documents_proven": self.documents,
            "bound": self.bound,
            "seal_intact": self.seal_intact,
            "device": record.device,
            "format": record.sample.format,
            "figures": record.figures,
            "marks": record.marks,
            "sample_sha256": record.sample_sha256,
            "envelope_sha256": self.envelope_sha256,
            "content_encryption": self.encryption,
            "iso_conformance": "ISO/IEC 19794-7:2007 full format, not certified for conformance",
        })
    }

    fn write(&self, folder: &Path) -> Result<(), String> {
        private_files::create_folder(folder).map_err(|error| named(folder, &error))?;
        let write = |name: &str, bytes: &[u8]| -> Result<(), String> {
            let path = folder.join(name);
            let mut file = private_files::create(&path).map_err(|error| named(&path, &error))?;
            file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| named(&path, &error))
        };
        let facts = serde_json::to_string_pretty(&self.facts()).map_err(|error| named(folder, &error))?;
        write("facts.json", facts.as_bytes())?;
        write(
            if matches!(self.understood, Some(Sample::Strokes(_) | Sample::SignaturePad(_))) {
                "sample.json"
            } else {
                "sample.txt"
            },
            &self.sample,
        )?;
        if let Some(capture) = self.understood.as_ref().and_then(Sample::capture) {
            // A record that was sent is given as it was sent.
            let sent = match &self.understood {
                Some(Sample::Iso(_)) => biometric::iso_bytes(&self.sample),
                _ => None,
            };
            write("signature.iso", &sent.unwrap_or_else(|| capture.to_iso()))?;
            write("signature.inkml", capture.to_inkml().as_bytes())?;
        }
        Ok(())
    }
}
