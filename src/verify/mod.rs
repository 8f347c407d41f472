//! Verification: says of each signature of a PDF who made it, when, what it covers, and whether it is intact and trusted; and of a receipt of
//! consents whether it is what the organization signed and what its journal holds. Nothing is asked of anybody: it works offline.
//!
//! `rubrica verify` is here; [`service`] does the same for the server. Neither keeps anything of what it looks at.

pub mod roots;
pub mod service;
pub mod trusted_list;

use std::{
    fmt::Write as _,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::{DateTime, Utc};
use clap::Args;
use documents::{
    certificate::{self, SignedEvidence, SignedJson},
    pem,
    verify::{self, Report, Trust},
};
use serde::Serialize;
use utoipa::ToSchema;

use self::{
    roots::{Roots, Source, TrustedRoot},
    trusted_list::{MAX_LIST, TrustedList},
};

use crate::consents::receipts::{self, EventState, Receipt, Verified};

/// Maximum size of a file that is verified, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// What to verify, and whom to trust.
#[derive(Args)]
pub struct Options {
    /// The PDF, or the receipt of consents as JSON.
    file: PathBuf,
    /// A file with certificates to trust as roots (PEM or DER), or a folder of such files (.pem, .crt, .cer, .der); may be repeated.
    #[arg(long = "root")]
    roots: Vec<PathBuf>,
    /// A trusted list of a country of the European Union (XML, ETSI TS 119 612), whose granted services for qualified certificates and time stamps
    /// are trusted; may be repeated. Its own signature is not checked: make sure where the file comes from.
    #[arg(long = "trusted-list", value_name = "FILE.xml")]
    trusted_lists: Vec<PathBuf>,
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
    let named = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let now = Utc::now();
    let bytes = read(&options.file, MAX_FILE).map_err(|error| named(&options.file, &error))?;
    let mut roots = Roots::default();
    for path in &options.roots {
        roots.read(path, Source::CommandLine).map_err(|error| named(path, &error))?;
    }
    let mut lists = Vec::new();
    for path in &options.trusted_lists {
        let xml = read(path, MAX_LIST).map_err(|error| named(path, &error))?;
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        lists.push(trusted_list::read(&xml, file, now, &mut roots).map_err(|error| named(path, &error))?);
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        return receipt(options, &bytes, roots.trust(), &lists).map_err(|error| named(&options.file, &error).into());
    }
    let judged = judge(&bytes, &roots, now).map_err(|error| named(&options.file, &error))?;
    let mut out = std::io::stdout().lock();
    if options.json {
        let mut all = serde_json::to_value(&judged)?;
        all["trusted_lists"] = serde_json::to_value(&lists)?;
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        writeln!(out, "{}\n{}", options.file.display(), judged.report)?;
        if let Some(evidence) = &judged.evidence {
            writeln!(out, "{}", evidence.text())?;
        }
        for root in &judged.roots {
            let from = root.from.as_deref().map(|from| format!(", from {}", plain(from))).unwrap_or_default();
            writeln!(out, "Root: {}{from} (SHA-256 {})", plain(&root.name), root.sha256)?;
        }
        for list in &lists {
            writeln!(out, "{}", list.to_string().lines().map(plain).collect::<Vec<_>>().join("\n"))?;
        }
    }
    Ok(if judged.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is to be said of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    pub report: Report,
    /// Of a certificate of ours: what the evidence attached to it is worth.
    pub evidence: Option<Evidence>,
    /// The trusted roots that the report relies on.
    pub roots: Vec<TrustedRoot>,
}

impl Judged {
    /// There is a signature, all are intact, and so is the evidence where there is any.
    pub fn is_good(&self) -> bool {
        self.report.all_intact() && self.evidence.as_ref().is_none_or(|evidence| evidence.intact)
    }
}

/// Judges the signatures of a PDF at the time `now`, and the evidence attached to it.
///
/// # Errors
/// Where the file is no PDF that can be read.
pub fn judge(pdf: &[u8], roots: &Roots, now: DateTime<Utc>) -> Result<Judged, verify::Error> {
    let report = verify::verify(pdf, roots.trust(), now)?;
    let evidence = attached_evidence(pdf).map(Evidence::of);
    let roots = roots.named_by(&report);
    Ok(Judged { report, evidence, roots })
}

fn read(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(std::io::Error::other(format!("it is larger than {most} bytes")));
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
fn receipt(options: &Options, bytes: &[u8], trust: &Trust, lists: &[TrustedList]) -> Result<ExitCode, String> {
    let verified = verified(bytes, trust)?;
    let is_good = verified.as_ref().is_ok_and(|verified| trust.roots.is_empty() || verified.trust.is_trusted());
    let mut text = match (&verified, options.json) {
        (Ok(verified), true) => serde_json::json!({
            "intact": true, "trust": verified.trust, "receipt": verified.receipt, "trusted_lists": lists,
        })
        .to_string(),
        (Err(reason), true) => serde_json::json!({"intact": false, "reason": reason}).to_string(),
        (Ok(verified), false) => told(verified),
        (Err(reason), false) => format!("Receipt of consents: NOT INTACT: {reason}"),
    };
    if !options.json {
        for list in lists {
            text.extend(list.to_string().lines().map(|line| format!("\n{}", plain(line))));
        }
    }
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

/// What the evidence attached to a certificate of ours is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AttachedEvidence)]
pub struct Evidence {
    /// It is what its certificate signed, and the chains of its journals are whole.
    pub intact: bool,
    /// The sign process that it is about; only of one that is intact.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub process: Option<String>,
    /// Why it is not to be believed, in English; only of one that is not intact.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// What it holds, for people.
    #[serde(skip)]
    #[schema(ignore)]
    holds: String,
}

impl Evidence {
    fn of(read: Result<certificate::Evidence, String>) -> Self {
        match read {
            Ok(evidence) => {
                let (process, organization) = (&evidence.process.id, &evidence.tenant.organization_id);
                let (signers, journals) = (evidence.signers.len(), evidence.journals.len());
                let holds =
                    format!("process {process} of {organization}, {signers} signers, {journals} journals with whole chains");
                Self { intact: true, process: Some(process.to_string()), reason: None, holds }
            }
            Err(reason) => Self { intact: false, process: None, reason: Some(reason), holds: String::new() },
        }
    }

    fn text(&self) -> String {
        match &self.reason {
            None => format!("Attached evidence: intact, signed by its certificate; {}", plain(&self.holds)),
            Some(reason) => format!("Attached evidence: NOT INTACT: {}", plain(reason)),
        }
    }
}
