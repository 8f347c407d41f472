//! Certificates that are trusted as roots, each with where it comes from, so that a report can say whose word it takes.

use std::{collections::HashSet, fs::File, io::Read, path::Path};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use documents::{
    pem,
    verify::{CertificateTrust, Report, Trust, subject_of},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Maximum number of roots.
const MAX_ROOTS: usize = 10_000;

/// Maximum number of entries of a folder that are looked at.
const MAX_ENTRIES: usize = 10_000;

/// Maximum size of a file with certificates, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// How files of a folder end that hold certificates; others are passed over.
const ENDINGS: [&str; 4] = ["pem", "crt", "cer", "der"];

/// Whose word a root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An option of the command line.
    CommandLine,
    /// `verification.roots` of the server's configuration.
    Configuration,
    /// The key file with which the organization seals.
    Organization,
    /// A trusted list, whose own signature is not checked.
    TrustedList,
}

/// A root that a report relies on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrustedRoot {
    /// Its common name or, where it has none, its whole name: as `root` of the report has it.
    pub name: String,
    /// SHA-256 of the certificate's DER, in lower-case hexadecimal.
    pub sha256: String,
    pub source: Source,
    /// The file, or the service of a trusted list, that it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<String>,
}

/// What is no root, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Unreadable(String),
    #[error("a certificate cannot be read: it is neither PEM nor DER")]
    NotACertificate,
    #[error("there is no certificate in it")]
    None,
    #[error("it is larger than {MAX_FILE} bytes")]
    TooLarge,
    #[error("the folder has more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    #[error("there are more than {MAX_ROOTS} roots")]
    TooMany,
    #[error(transparent)]
    Pem(#[from] pem::Error),
    /// In a file of a folder.
    #[error("{0}: {1}")]
    In(String, Box<Error>),
}

/// Roots, none of them twice.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// In the order of those of `trust`.
    named: Vec<TrustedRoot>,
    trust: Trust,
    known: HashSet<String>,
}

impl Roots {
    /// Adds a certificate in DER. One that is there already stays as it is.
    ///
    /// # Errors
    /// [`Error::NotACertificate`], [`Error::TooMany`].
    pub fn add(&mut self, der: &[u8], source: Source, from: Option<String>) -> Result<(), Error> {
        let (name, _) = subject_of(der).ok_or(Error::NotACertificate)?;
        let sha256 = HEXLOWER.encode(digest(&SHA256, der).as_ref());
        if self.known.contains(&sha256) {
            return Ok(());
        }
        if self.named.len() == MAX_ROOTS {
            return Err(Error::TooMany);
        }
        self.known.insert(sha256.clone());
        self.named.push(TrustedRoot { name, sha256, source, from });
        self.trust.roots.push(der.to_vec());
        Ok(())
    }

    /// Adds the certificates of a file in PEM or DER, or of the files of a folder that end in `.pem`, `.crt`, `.cer` or `.der`; of folders in
    /// it none. A file is named without its folders.
    ///
    /// # Errors
    /// What cannot be read, in which file of a folder; and a file or folder without any certificate.
    pub fn read(&mut self, path: &Path, source: Source) -> Result<(), Error> {
        let unreadable = |error: std::io::Error| Error::Unreadable(error.to_string());
        if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
            return self.read_file(path, source);
        }
        let mut files = Vec::new();
        for (count, entry) in std::fs::read_dir(path).map_err(unreadable)?.enumerate() {
            if count == MAX_ENTRIES {
                return Err(Error::TooManyEntries);
            }
            let file = entry.map_err(unreadable)?.path();
            let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
            if ENDINGS.contains(&ending.as_str()) && file.is_file() {
                files.push(file);
            }
        }
        // The folder's own order is that of chance.
        files.sort();
        if files.is_empty() {
            return Err(Error::None);
        }
        files.iter().try_for_each(|file| {
            let named = |error| Error::In(file_name(file), Box::new(error));
            self.read_file(file, source).map_err(named)
        })
    }

    fn read_file(&mut self, path: &Path, source: Source) -> Result<(), Error> {
        let unreadable = |error: std::io::Error| Error::Unreadable(error.to_string());
        let mut bytes = Vec::new();
        File::open(path).map_err(unreadable)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(Error::TooLarge);
        }
        let certificates = super::certificates(&bytes)?;
        if certificates.is_empty() {
            return Err(Error::None);
        }
        certificates.iter().try_for_each(|der| self.add(der, source, Some(file_name(path))))
    }

    /// For [`documents::verify`].
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The roots that a report names, in the order in which they were added. Of several with one name all are told: the report does not say
    /// which of them it is.
    pub fn named_by(&self, report: &Report) -> Vec<TrustedRoot> {
        let trusts = report.signatures.iter().flat_map(|signature| {
            std::iter::once(&signature.trust).chain(signature.time_stamps.iter().map(|stamp| &stamp.trust))
        });
        let names: HashSet<&str> = trusts
            .filter_map(|trust| match trust {
                CertificateTrust::Trusted { root } => Some(root.as_str()),
                _ => None,
            })
            .collect();
        self.named.iter().filter(|root| names.contains(root.name.as_str())).cloned().collect()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use documents::{fixtures, pkcs12::Identity, seal, verify};

    use super::*;

    fn identity(name: &str) -> Identity {
        let made = Identity::development(name, name, Utc::now(), "a password").unwrap();
        Identity::open(&made, "a password", Utc::now()).unwrap()
    }

    fn pem_of(der: &[u8]) -> String {
        pem::write("CERTIFICATE", der).to_string()
    }

    #[test]
    fn a_name_is_that_of_the_report() {
        let own = identity("Seals of a notary");
        let (ders, mut facts): (Vec<_>, Vec<_>) = (own.certificates().collect(), vec![own.facts()]);
        facts.extend(own.issuers());
        for (der, facts) in ders.into_iter().zip(facts) {
            let (name, is_self_issued) = subject_of(der).unwrap();
            assert_eq!((name.as_str(), is_self_issued), (facts.subject.as_str(), facts.subject == facts.issuer));
            let mut roots = Roots::default();
            roots.add(der, Source::Organization, None).unwrap();
            assert_eq!(roots.named[0].sha256, facts.fingerprint);
        }
        assert_eq!(subject_of(b"nonsense"), None);
    }

    #[test]
    fn a_folder_is_read_by_its_files_and_says_which_one_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        let mut roots = Roots::default();
        assert_eq!(roots.read(folder.path(), Source::Configuration), Err(Error::None));
        let (one, two) = (identity("One"), identity("Two"));
        let root = |identity: &Identity| identity.certificates().last().unwrap().to_vec();
        put("b.pem", format!("one\n{}{}", pem_of(&root(&one)), pem_of(&root(&one))).as_bytes());
        put("a.DER", &root(&two));
        put("readme.txt", b"no certificate");
        std::fs::create_dir(folder.path().join("more.pem")).unwrap();
        roots.read(folder.path(), Source::Configuration).unwrap();
        let from: Vec<_> = roots.named.iter().map(|root| root.from.clone().unwrap()).collect();
        assert_eq!((from, roots.trust().roots.len()), (vec!["a.DER".to_owned(), "b.pem".to_owned()], 2));
        // The same again adds nothing.
        roots.read(&folder.path().join("b.pem"), Source::CommandLine).unwrap();
        assert_eq!((roots.named.len(), roots.named[1].source), (2, Source::Configuration));
        for (name, bytes, words) in [
            ("c.pem", &b"nonsense"[..], "c.pem: a certificate cannot be read: it is neither PEM nor DER"),
            ("c.pem", b"-----BEGIN CERTIFICATE-----\n", "c.pem: a block in PEM has no end: it begins with \"-----BEGIN\""),
            ("c.pem", pem::write("PUBLIC KEY", b"x").as_bytes(), "c.pem: there is no certificate in it"),
        ] {
            put(name, bytes);
            assert_eq!(roots.read(folder.path(), Source::Configuration).unwrap_err().to_string(), words);
        }
        assert!(roots.read(&folder.path().join("nowhere"), Source::CommandLine).is_err());
    }

    #[test]
    fn of_many_roots_those_are_told_that_the_report_relies_on() {
        let (own, other) = (identity("Seals of a notary"), identity("Another"));
        let request = seal::Request {
            field: None,
            signer_name: "Ana".into(),
            at: Utc::now(),
            reason: "a test".into(),
            location: None,
            appearance_lines: None,
            handwriting: None,
        };
        let sealed = seal::seal(&fixtures::contract(&[]), &own, &[request]).unwrap().pdf;
        let mut roots = Roots::default();
        for (identity, source) in [(&other, Source::Configuration), (&own, Source::Organization)] {
            roots.add(identity.certificates().last().unwrap(), source, None).unwrap();
        }
        let report = verify::verify(&sealed, roots.trust(), Utc::now()).unwrap();
        assert!(report.all_trusted(), "{report}");
        let named = roots.named_by(&report);
        let told: Vec<_> = named.iter().map(|root| (root.name.as_str(), root.source)).collect();
        assert_eq!(told, [("Seals of a notary development CA", Source::Organization)]);
    }
}
