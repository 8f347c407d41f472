//! `rubrica verify`: says of each signature of a PDF who made it, when, what it covers, and whether it is intact and trusted.

use std::{io::Write, path::PathBuf, process::ExitCode};

use chrono::Utc;
use clap::Args;
use documents::{
    certificate::{self, SignedEvidence},
    pem,
    verify::{self, Trust},
};

/// What to verify, and whom to trust.
#[derive(Args)]
pub struct Options {
    /// The PDF.
    file: PathBuf,
    /// A file with certificates to trust as roots (PEM or DER); may be repeated.
    #[arg(long = "root")]
    roots: Vec<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the report. The exit status is 0 only if there is a signature and all are intact.
///
/// # Errors
/// What cannot be read.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let named = |path: &PathBuf, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = std::fs::read(&options.file).map_err(|error| named(&options.file, &error))?;
    let mut roots = Vec::new();
    for path in &options.roots {
        let file = std::fs::read(path).map_err(|error| named(path, &error))?;
        roots.extend(certificates(&file).map_err(|error| named(path, &error))?);
    }
    let report = verify::verify(&bytes, &Trust { roots }, Utc::now()).map_err(|error| named(&options.file, &error))?;
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

/// Certificates in PEM, one or more, or one in DER.
fn certificates(file: &[u8]) -> Result<Vec<Vec<u8>>, pem::Error> {
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
