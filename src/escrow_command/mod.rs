//! `rubrica escrow`: for the holder of an escrow certificate, away from any server. `open` opens the biometric signatures of a signed document and
//! checks what they belong to before it writes anything; `new` makes a certificate and its key, for a try.

mod export;
mod open;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;
use clap::{Args, Subcommand, ValueEnum};
use documents::escrow::{self, Kind};

use crate::private_files;

/// What to do for escrow.
#[derive(Subcommand)]
pub enum Command {
    /// Open the biometric signatures of a signed PDF, or one envelope, with the certificate to which they were encrypted and its private key.
    ///
    /// Before anything is written, the envelopes must open, the samples must be those that were recorded, and the PDF must be the one that was
    /// signed: the hash of the document that was shown to the signer must be that of a beginning of the file. Then each signature gets a folder
    /// with the sample as it was sent, its facts as JSON, and where it can be read a record by ISO/IEC 19794-7:2007 (full format, not certified
    /// for conformance) and InkML. Exit status 0 if all is well; 1 if it was opened, but the seal around it is not intact or nothing ties it to
    /// a document; 2 if nothing was written.
    Open(OpenOptions),
    /// Make a certificate for escrow and its private key, for a try or a test.
    ///
    /// In production the holder (a notary, a trust service provider) makes the pair on a machine of their own, and gives away the
    /// certificate only.
    New(NewOptions),
}

/// What to open.
#[derive(Args)]
pub struct OpenOptions {
    /// The signed PDF, or an envelope (CMS in DER).
    file: PathBuf,
    /// The certificate to which it was encrypted (PEM or DER).
    #[arg(long)]
    certificate: PathBuf,
    /// The private key of the certificate (PEM or DER, not encrypted).
    #[arg(long)]
    key: PathBuf,
    /// The folder for what comes out; it must not be there yet.
    #[arg(short, long)]
    output: PathBuf,
    /// Open the signature of this field only.
    #[arg(long)]
    field: Option<String>,
    /// For an envelope alone: a document as it was shown to the signer; may be repeated. Without it nothing ties the sample to a document.
    #[arg(long = "document")]
    documents: Vec<PathBuf>,
}

/// What to make.
#[derive(Args)]
pub struct NewOptions {
    /// The holder's name in the certificate.
    #[arg(long, default_value = "Escrow holder (test)")]
    name: String,
    /// The holder's organization in the certificate.
    #[arg(long, default_value = "Test")]
    organization: String,
    /// The kind of key.
    #[arg(long, value_enum, default_value_t)]
    kind: KeyKind,
    /// The file for the certificate; it must not be there yet.
    #[arg(long, default_value = "escrow-certificate.pem")]
    certificate: PathBuf,
    /// The file for the private key; it must not be there yet.
    #[arg(long, default_value = "escrow-private-key.pem")]
    key: PathBuf,
}

/// Kinds of keys by their names on the command line.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum KeyKind {
    #[default]
    #[value(name = "p256")]
    P256,
    #[value(name = "p384")]
    P384,
    #[value(name = "rsa3072")]
    Rsa3072,
}

/// Runs a command.
///
/// # Errors
/// What cannot be read, opened, proven or written.
pub fn run(command: &Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Open(options) => {
            let opened = open::open(options)?;
            opened.write(&options.output)?;
            let mut out = std::io::stdout().lock();
            write!(out, "{}", opened.text(&options.output))?;
            Ok(if opened.is_proven() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::New(options) => new(options).map(|()| ExitCode::SUCCESS),
    }
}

fn named(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

fn new(options: &NewOptions) -> Result<(), Box<dyn Error>> {
    let kind = match options.kind {
        KeyKind::P256 => Kind::P256,
        KeyKind::P384 => Kind::P384,
        KeyKind::Rsa3072 => Kind::Rsa3072,
    };
    for path in [&options.certificate, &options.key] {
        if path.exists() {
            return Err(named(path, &"it is there already, and is not overwritten: name another file").into());
        }
    }
    let pair = escrow::new_pair(&options.name, &options.organization, kind, Utc::now())?;
    let write = |path: &Path, text: &str| -> Result<(), String> {
        let mut file = private_files::create(path).map_err(|error| named(path, &error))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| named(path, &error))
    };
    // The key first: a certificate whose key is lost must not be used.
    write(&options.key, &pair.private_key_pem)?;
    write(&options.certificate, &pair.certificate_pem)?;
    println!("Certificate: {}\n  for the server's configuration: samples are encrypted to it", options.certificate.display());
    println!("PRIVATE KEY: {}", options.key.display());
    println!("  WHOEVER HAS THIS FILE READS EVERY SIGNATURE THAT IS ENCRYPTED TO THE CERTIFICATE. Keep it away from the server.");
    println!("  Without it nobody can open them.");
    Ok(())
}
