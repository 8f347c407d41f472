//! `rubrica verify`: says of each signature of a PDF who made it, when, what it covers, and whether it is intact and trusted; and of a receipt
//! of consents whether it is what the organization signed and what its journal holds. Nothing is asked of anybody: it works offline.

use std::{
    fmt::Write as _,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::Utc;
use clap::Args;
use documents::{
    certificate::{self, SignedEvidence, SignedJson},
    pem,
    verify::{self, Trust},
};

use crate::consents::receipts::{self, EventState, Receipt, Verified};

/// Maximum size of a file that is verified, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// What to verify, and whom to trust.
#[derive(Args)]
pub struct Options {
    /// The PDF, or the receipt of consents as JSON.
    file: PathBuf,
    /// A file with certificates to trust as roots (PEM or DER); may be repeated.
    #[arg(long = "root")]
    roots: Vec<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the report. The exit status is 0 only if there is a signature and all are intact; of a receipt only if it is intact, and trusted where
/// roots are given. What is not so is 1, and what cannot be read 2.
///
/// # Errors
/// What cannot be read.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let named = |path: &PathBuf, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = read(&options.file).map_err(|error| named(&options.file, &error))?;
    let mut roots = Vec::new();
    for path in &options.roots {
        let file = std::fs::read(path).map_err(|error| named(path, &error))?;
        roots.extend(certificates(&file).map_err(|error| named(path, &error))?);
    }
    let trust = Trust { roots };
    if bytes.trim_ascii_start().starts_with(b"{") {
        return receipt(options, &bytes, &trust).map_err(|error| named(&options.file, &error).into());
    }
    let report = verify::verify(&bytes, &trust, Utc::now()).map_err(|error| named(&options.file, &error))?;
    let evidence = attached_evidence(&bytes).map(Evidence);
    let mut out = std::io::stdout().lock();
    if options.json {
        let all = serde_json::json!({"report": report, "evidence": evidence.as_ref().map(Evidence::json)});
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        writeln!(out, "{}\n{report}", options.file.display())?;
        if let Some(evidence) = &evidence {
            writeln!(out, "{}", evidence.text())?;
        }
    }
    let whole = evidence.is_none_or(|evidence| evidence.0.is_ok());
    let good = report.all_intact() && !report.signatures.is_empty() && whole;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(std::io::Error::other(format!("it is larger than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

/// A signed receipt of consents in a file, verified.
///
/// # Errors
/// `Err` where it cannot be read as one; the inner one says why it is not intact.
pub(crate) fn verified(bytes: &[u8], trust: &Trust) -> Result<Result<Verified, String>, String> {
    if serde_json::from_slice::<Receipt>(bytes).is_ok() {
        return Err("the receipt is not signed, so that it proves nothing; ask for it without format=json".to_owned());
    }
    let signed = SignedJson::<Receipt>::from_json(bytes).map_err(|error| error.to_string())?;
    Ok(receipts::check(&signed, trust, Utc::now()))
}

/// Verifies a receipt and prints what it is worth.
fn receipt(options: &Options, bytes: &[u8], trust: &Trust) -> Result<ExitCode, String> {
    let verified = verified(bytes, trust)?;
    let is_good = verified.as_ref().is_ok_and(|verified| trust.roots.is_empty() || verified.trust.is_trusted());
    let text = match (&verified, options.json) {
        (Ok(verified), true) => {
            serde_json::json!({"intact": true, "trust": verified.trust, "receipt": verified.receipt}).to_string()
        }
        (Err(reason), true) => serde_json::json!({"intact": false, "reason": reason}).to_string(),
        (Ok(verified), false) => told(verified),
        (Err(reason), false) => format!("Receipt of consents: NOT INTACT: {reason}"),
    };
    let mut out = std::io::stdout().lock();
    let written = if options.json { writeln!(out, "{text}") } else { writeln!(out, "{}\n{text}", options.file.display()) };
    written.map_err(|error| error.to_string())?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A receipt in words. What comes from it is shown without control characters.
pub(crate) fn told(Verified { receipt, trust }: &Verified) -> String {
    let mut text = format!(
        "Receipt of consents: intact, signed by its certificate, and what the journal holds as entry {} of its chain\n  certificate: {trust}\n  \
         customer {} of {}, segment {}, revision {}",
        receipt.journal.entries.len(),
        plain(&receipt.pii_principal_id),
        plain(&receipt.organization),
        plain(&receipt.segment),
        receipt.revision,
    );
    for event in &receipt.events {
        let state = match event.event_state {
            EventState::Given => "consent given",
            EventState::Refused => "consent refused",
            EventState::Withdrawn => "consent withdrawn",
            EventState::Pending => "put back to unanswered",
            EventState::NotObjected => "no objection",
            EventState::Objected => "objected",
            EventState::Deleted => "deleted",
            EventState::WithoutEffect => "recorded without effect",
        };
        let _ = write!(text, "\n  {}: {state}, {}", plain(&event.purpose_id), event.event_time.to_rfc3339());
        if let Some(until) = event.validity_duration {
            let _ = write!(text, ", until {}", until.to_rfc3339());
        }
    }
    text
}

/// Text of somebody else's for a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Certificates in PEM, one or more, or one in DER.
pub(crate) fn certificates(file: &[u8]) -> Result<Vec<Vec<u8>>, pem::Error> {
    let Some(blocks) = pem::blocks(file)? else { return Ok(vec![file.to_vec()]) };
    Ok(blocks.into_iter().filter(|block| block.label == "CERTIFICATE").map(|block| block.der.to_vec()).collect())
}

/// The evidence attached to a certificate of ours: what it says, or why it is not to be believed. Nothing if there is none.
pub fn attached_evidence(pdf: &[u8]) -> Option<Result<certificate::Evidence, String>> {
    let attached = certificate::extract(pdf).ok().flatten()?;
    let read = || -> Result<certificate::Evidence, certificate::Error> {
        let signed = SignedEvidence::from_json(&attached)?;
        let chain = signed.chain()?;
        let evidence = signed.verify(chain.first().map_or(&[], Vec::as_slice))?;
        evidence.journals.iter().try_for_each(certificate::Journal::verify)?;
        Ok(evidence)
    };
    Some(read().map_err(|error| error.to_string()))
}

/// How the report shows it.
struct Evidence(Result<certificate::Evidence, String>);

impl Evidence {
    fn text(&self) -> String {
        match &self.0 {
            Ok(evidence) => format!(
                "Attached evidence: intact, signed by its certificate; process {} of {}, {} signers, {} journals with whole chains",
                evidence.process.id,
                evidence.tenant.organization_id,
                evidence.signers.len(),
                evidence.journals.len(),
            ),
            Err(reason) => format!("Attached evidence: NOT INTACT: {reason}"),
        }
    }

    fn json(&self) -> serde_json::Value {
        match &self.0 {
            Ok(evidence) => serde_json::json!({"intact": true, "process": evidence.process.id}),
            Err(reason) => serde_json::json!({"intact": false, "reason": reason}),
        }
    }
}
