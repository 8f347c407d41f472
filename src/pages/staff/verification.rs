//! A signed file that staff sends to be looked at. Nothing of it is kept; that somebody looked stands in the log of the staff, without the file.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use documents::validation_data::Revocation;
use documents::verify::{CertificateTrust, Changes, Judgement, Report, Signature, TimeStamp};
use pages::console::{Gravity, NavPart, Phrase, Verification, Verified, VerifiedRoot, VerifiedSignature, VerifiedStamp};
use store::blobs;

use super::visit::{CSRF_PART, Failure, Visit};
use crate::{
    catalogue, cpu_pool,
    http::{multipart::Part, verify::Verification as Wire},
    verify::{
        Evidence, Judged,
        roots::Source,
        service::{Answer, Error},
    },
};

/// The form.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Verification), async |visit| Ok(visit.page(shown(visit, None, None).html()))).await
}

/// What is said of the file that was sent.
pub async fn verify(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Verification), async |visit| {
        let verifier = &visit.call.state().verifier;
        let parts = [CSRF_PART, Part::once("file", verifier.max_bytes())];
        let mut form = match visit.read_parts(payload, &parts).await? {
            Ok(form) => form,
            Err(error) if error.status().is_server_error() => return Err(Failure::Unavailable),
            Err(error) => {
                let words = error.body().errors.iter().map(|problem| problem.details.clone()).next();
                return Ok(refused(visit, error.status(), Phrase::new("console.verification.refused"), words));
            }
        };
        // A browser sends an empty part where no file was chosen.
        let Some(file) = form.take("file").filter(|file| !file.is_empty()) else {
            return Ok(refused(visit, StatusCode::BAD_REQUEST, Phrase::new("console.verification.choose"), None));
        };
        let digest = blobs::digest_of(&file).await.map_err(|_| Failure::Unavailable)?;
        let answer = match verifier.verify(&visit.organization, file, visit.process_time()).await {
            Ok(answer) => answer,
            Err(error) => {
                let words = words_of(error)?;
                return Ok(refused(visit, StatusCode::BAD_REQUEST, Phrase::new("console.verification.refused"), Some(words)));
            }
        };
        let verified = verified(visit, answer, digest.to_string())?;
        visit.did();
        Ok(visit.page(shown(visit, None, Some(verified)).html()))
    })
    .await
}

/// Why a file is refused, in the server's words.
fn words_of(error: Error) -> Result<String, Failure> {
    use cpu_pool::Error as Cpu;
    match error {
        Error::TooLarge(_) | Error::Unreadable(_) => Ok(error.to_string()),
        Error::Catalogue(catalogue::Error::Cpu(error @ (Cpu::CutOff(_) | Cpu::SetAside(_)))) => Ok(error.to_string()),
        Error::Catalogue(error) => {
            tracing::warn!(%error, "the console cannot verify a file");
            Err(Failure::Unavailable)
        }
    }
}

fn refused(visit: &Visit, status: StatusCode, words: Phrase, english: Option<String>) -> HttpResponse {
    visit.call.page(status, shown(visit, Some((words, english)), None).html())
}

fn shown(visit: &Visit, problem: Option<(Phrase, Option<String>)>, shown: Option<Verified>) -> Verification {
    let megabytes = visit.call.state().verifier.max_bytes() >> 20;
    Verification {
        frame: visit.frame(),
        link: format!("{}/verify", visit.here().path),
        limit: Phrase::new("console.verification.limit").with("size", megabytes.max(1)),
        problem,
        shown,
    }
}

fn verified(visit: &Visit, answer: Answer, sha256: String) -> Result<Verified, Failure> {
    let unwritable = |error: serde_json::Error| {
        tracing::warn!(%error, "the console cannot write a report");
        Failure::Unavailable
    };
    let Answer { judged: Judged { report, evidence, roots }, own_root } = &answer;
    let (gravity, verdict) = verdict(report);
    let mut notes = Vec::new();
    if !report.signatures.is_empty() && !report.all_trusted() {
        notes.push(Phrase::new("console.verification.untrusted"));
    }
    if !own_root {
        notes.push(Phrase::new("console.verification.no_own"));
    }
    if report.signatures.iter().any(|own| own.trust.is_trusted() && own.revocation != Some(Revocation::Good)) {
        notes.push(Phrase::new("console.verification.revocation"));
    }
    let count = report.signatures.len();
    let signatures = report.signatures.iter().enumerate().map(|(index, own)| signature(visit, own, index + 1, count));
    let mut verified = Verified {
        gravity,
        verdict: Phrase::new(verdict),
        at: visit.site().moment(&visit.organization, report.verified_at),
        size: Phrase::new("console.verification.bytes").with("bytes", report.length),
        sha256,
        notes,
        problems: report.problems.clone(),
        signatures: signatures.collect(),
        evidence: evidence.as_ref().map(evidence_of),
        roots: roots
            .iter()
            .map(|root| VerifiedRoot {
                name: root.name.clone(),
                source: source(root.source),
                from: root.from.clone(),
                sha256: root.sha256.clone(),
            })
            .collect(),
        json: String::new(),
    };
    let json = Wire::of(answer).and_then(|wire| serde_json::to_vec_pretty(&wire)).map_err(unwritable)?;
    verified.json = STANDARD.encode(json);
    Ok(verified)
}

/// What holds of the whole file.
fn verdict(report: &Report) -> (Gravity, &'static str) {
    let is_wrong = report.signatures.iter().any(|signature| signature.judgement == Judgement::NotIntact);
    match (report.signatures.is_empty(), report.all_intact()) {
        (true, _) => (Gravity::Warning, "console.verification.unsigned"),
        (false, true) if report.all_trusted() => (Gravity::Good, "console.verification.all_intact"),
        (false, true) => (Gravity::Warning, "console.verification.all_intact"),
        (false, false) if is_wrong || !report.problems.is_empty() => (Gravity::Error, "console.verification.broken"),
        (false, false) => (Gravity::Warning, "console.verification.undecided"),
    }
}

fn evidence_of(evidence: &Evidence) -> (Gravity, Phrase, Option<String>) {
    match &evidence.process {
        Some(process) if evidence.intact => {
            (Gravity::Good, Phrase::new("console.verification.evidence_intact").with("process", process), None)
        }
        _ => (Gravity::Error, Phrase::new("console.verification.evidence_broken"), evidence.reason.clone()),
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Organization => "console.verification.source_organization",
        Source::Configuration | Source::CommandLine | Source::TrustedList => "console.verification.source_configuration",
    }
}

fn signature(visit: &Visit, own: &Signature, number: usize, count: usize) -> VerifiedSignature {
    let moment = |at| visit.site().moment(&visit.organization, at);
    let (title, who) = match own.is_time_stamp {
        true => ("console.verification.time_stamp", "console.verification.stamped_by"),
        false => ("console.verification.signature", "console.verification.signed_by"),
    };
    let (gravity, verdict) = match own.judgement {
        Judgement::Intact => (Gravity::Good, "console.verification.intact"),
        Judgement::NotIntact => (Gravity::Error, "console.verification.not_intact"),
        Judgement::NotJudged => (Gravity::Warning, "console.verification.not_judged"),
    };
    let covers = match (own.covers_whole_file, own.covers_whole_revision) {
        (true, true) => "console.verification.whole_file",
        (false, true) => "console.verification.whole_revision",
        (_, false) => "console.verification.part",
    };
    let (trust, trust_words) = trust(&own.trust);
    VerifiedSignature {
        title: Phrase::new(title).with("number", number).with("count", count),
        gravity,
        verdict: Phrase::new(verdict),
        who,
        signer: own.signer.clone(),
        issuer: own.certificate.as_ref().map(|certificate| certificate.issuer.clone()),
        name: own.name.clone(),
        claimed: own.claimed_time.map(moment),
        proven: own
            .proven_time
            .or(own.claimed_time.filter(|_| own.is_time_stamp && own.trust.is_trusted() && own.is_intact()))
            .map(moment),
        stamps: own.time_stamps.iter().map(|own| stamp(visit, own)).collect(),
        level: own.level.map(|level| level.to_string()),
        reason: own.reason.clone(),
        location: own.location.clone(),
        by_hand: own.handwriting.as_ref().map(|own| Phrase::new("console.verification.sample").with("bytes", own.size)),
        covers: Phrase::new(covers),
        is_trusted: own.trust.is_trusted(),
        trust,
        trust_words,
        changes: changes(&own.later_changes),
        suspicious: own.later_changes.other.iter().cloned().collect(),
        problems: own.problems.clone(),
        not_judged: own.not_judged.clone(),
    }
}

fn stamp(visit: &Visit, own: &TimeStamp) -> VerifiedStamp {
    let proves = own.problem.is_none() && own.trust.is_trusted();
    let (words, problem) = match &own.problem {
        Some(problem) => (Phrase::new("console.verification.stamp_wrong"), Some(problem.clone())),
        None => trust(&own.trust),
    };
    VerifiedStamp {
        at: own.at.map(|at| visit.site().moment(&visit.organization, at)),
        authority: own.authority.as_ref().map_or_else(|| "–".to_owned(), |authority| authority.subject.clone()),
        proves,
        words,
        problem,
    }
}

/// Whether a certificate is trusted, in words of ours; what is rare is told in the report's own.
fn trust(trust: &CertificateTrust) -> (Phrase, Option<String>) {
    use CertificateTrust as T;
    let words = match trust {
        T::Trusted { root } => Phrase::new("console.verification.trusted").with("root", root),
        T::SelfSigned => Phrase::new("console.verification.self_signed"),
        T::UnknownIssuer { issuer } => Phrase::new("console.verification.unknown_issuer").with("issuer", issuer),
        T::ExpiredAtSigning { certificate, ended } => {
            Phrase::new("console.verification.expired").with("certificate", certificate).with("day", ended.date_naive())
        }
        T::NotYetValidAtSigning { certificate, begins } => {
            Phrase::new("console.verification.not_yet").with("certificate", certificate).with("day", begins.date_naive())
        }
        other => {
            let words = other.to_string();
            let why = words.strip_prefix("not trusted: ").unwrap_or(&words).to_owned();
            return (Phrase::new("console.verification.not_trusted"), Some(why));
        }
    };
    (words, None)
}

fn changes(later: &Changes) -> Vec<Phrase> {
    let names = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let mut found = Vec::new();
    if !later.signatures.is_empty() {
        found.push(Phrase::new("console.verification.signed_later").with("names", names(&later.signatures)));
    }
    if !later.form_fields.is_empty() {
        found.push(Phrase::new("console.verification.filled_later").with("names", names(&later.form_fields)));
    }
    if later.annotations {
        found.push(Phrase::new("console.verification.marked_later"));
    }
    if later.is_suspicious() {
        found.push(Phrase::new("console.verification.suspicious_later"));
    }
    if found.is_empty() {
        found.push(Phrase::new("console.verification.unchanged"));
    }
    found
}
