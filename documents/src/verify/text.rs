//! The report in words, for people who read contracts rather than byte ranges.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::escrow::Holder;
use crate::level::Level;
use crate::validation_data::Revocation;

use super::{Binding, CHANGED, Changes, Judgement, Report, Signature};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.signatures.len();
        match count {
            0 => writeln!(f, "The document has no signatures.")?,
            1 => writeln!(f, "The document has one signature.")?,
            _ => writeln!(f, "The document has {count} signatures.")?,
        }
        for problem in &self.problems {
            writeln!(f, "Problem: {}.", plain(problem))?;
        }
        for (index, signature) in self.signatures.iter().enumerate() {
            writeln!(f)?;
            writeln!(f, "Signature {} of {count}", index + 1)?;
            write!(f, "{signature}")?;
        }
        writeln!(f)?;
        let wrong = self.signatures.iter().any(|signature| signature.judgement == Judgement::NotIntact);
        let verdict = match (count, self.all_intact()) {
            (0, _) => "Result: not signed.",
            (_, true) => "Result: every signature is intact.",
            (_, false) if wrong || !self.problems.is_empty() => "Result: NOT every signature is intact.",
            (_, false) => "Result: NOT every signature can be judged.",
        };
        writeln!(f, "{verdict} Checked on {}; whether certificates were revoked is told by what is in the file alone.", moment(self.verified_at))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |label: &str, value: &str| writeln!(f, "  {label:<13} {}", plain(value));
        line("Field:", &self.field)?;
        line(
            if self.is_time_stamp { "Time stamp by:" } else { "Signed by:" },
            self.name.as_deref().unwrap_or("(no name given)"),
        )?;
        line("Certificate:", self.signer.as_deref().unwrap_or("(none)"))?;
        let time = self.claimed_time.map_or_else(|| "(not given)".to_owned(), moment);
        line("Time:", &if self.is_time_stamp { time } else { format!("{time}, as claimed by the signing program") })?;
        if let Some(proven) = self.proven_time {
            line("Proven:", &format!("it was there on {}, as a time stamp says", moment(proven)))?;
        }
        for stamp in &self.time_stamps {
            let authority = stamp.authority.as_ref().map_or("(unknown)", |authority| authority.subject.as_str());
            let at = stamp.at.map_or_else(|| "(not given)".to_owned(), moment);
            let standing = stamp.problem.clone().unwrap_or_else(|| stamp.trust.to_string());
            line("Time stamp:", &format!("{at} by {authority}: {standing}"))?;
        }
        for (label, value) in [("Reason:", &self.reason), ("Place:", &self.location)] {
            if let Some(value) = value {
                line(label, value)?;
            }
        }
        if let Some(envelope) = &self.handwriting {
            line("By hand:", &format!("an envelope of {} bytes, SHA-256 {}", envelope.size, envelope.sha256))?;
            for Holder { issuer, serial } in &envelope.holders {
                line("Opened by:", &format!("who holds the key of certificate {serial} of {issuer}"))?;
            }
            if let Some(problem) = &envelope.problem {
                line("Opened by:", &format!("(not known: {problem})"))?;
            }
        }
        line("Covers:", &self.coverage())?;
        line("Integrity:", &self.integrity())?;
        line("Identity:", &self.trust.to_string())?;
        if let Some(revocation) = &self.revocation {
            line("Revocation:", &revocation.to_string())?;
        }
        if let Some(level) = self.level {
            line("Level:", &format!("PAdES {level}: {}", meaning(level)))?;
        }
        line("Afterwards:", &self.later_changes.to_string())?;
        for problem in &self.problems {
            line("Problem:", problem)?;
        }
        for reason in self.not_judged.iter().filter(|_| self.judgement != Judgement::NotJudged) {
            line("Not judged:", reason)?;
        }
        Ok(())
    }
}

impl Signature {
    fn coverage(&self) -> String {
        let end = super::signed_end(&self.byte_range);
        match (end, self.covers_whole_revision, self.covers_whole_file) {
            (Some(end), true, true) => format!("the whole file ({end} bytes)"),
            (Some(end), true, false) => format!("the whole document as it was then (the first {end} bytes)"),
            _ => "not a whole document".to_owned(),
        }
    }

    fn integrity(&self) -> String {
        let changed = self.problems.iter().any(|problem| problem == CHANGED);
        let words = match (self.judgement, self.certificate_binding) {
            (Judgement::Intact, _) => "intact: what was signed is unchanged",
            (Judgement::NotJudged, _) => return format!("cannot be judged: {}", self.not_judged.join("; ")),
            (Judgement::NotIntact, _) if changed => "BROKEN: what was signed is not what is there",
            (Judgement::NotIntact, Binding::Mismatch) => "INVALID: the signature was made for another certificate",
            (Judgement::NotIntact, _) if !self.digest_intact || !self.signature_valid => "NOT PROVEN: see below",
            (Judgement::NotIntact, _) => "SUSPICIOUS: see below",
        };
        words.to_owned()
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        if !self.signatures.is_empty() {
            parts.push(format!("further signatures ({})", list(&self.signatures)));
        }
        if !self.form_fields.is_empty() {
            parts.push(format!("form fields filled in, or drawn anew ({})", list(&self.form_fields)));
        }
        if self.annotations {
            parts.push("comments or marks added or changed, which may cover the text".to_owned());
        }
        if !self.other.is_empty() {
            parts.push(format!("SUSPICIOUS changes ({})", list(&self.other)));
        }
        if parts.is_empty() { f.write_str("nothing was changed") } else { f.write_str(&parts.join("; ")) }
    }
}

impl fmt::Display for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("not revoked, as the file proves"),
            Self::Revoked { certificate, since, reason } => {
                write!(f, "the certificate \"{certificate}\" was revoked on {}: {reason}", since.date_naive())
            }
            Self::NotKnown { certificates } => write!(f, "not known: the file says nothing of {}", certificates.join(", ")),
        }
    }
}

/// What a level is good for.
fn meaning(level: Level) -> &'static str {
    match level {
        Level::B => "nothing proves when it was made; it can be judged as long as its certificate is valid",
        Level::T => "a time stamp proves when it was there",
        Level::Lt => "a time stamp proves when it was there, and the file holds what proves its certificates",
        Level::Lta => "a time stamp covers what proves its certificates, so it can be judged when they have ended",
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Text from the file without control characters and marks of direction, which could make a terminal show something else.
fn plain(text: &str) -> String {
    let misleading =
        |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if misleading(c) { '\u{fffd}' } else { c }).collect()
}
