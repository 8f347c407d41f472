//! A report in words, for a terminal.

use std::fmt;

use super::described::day;
use super::{CertificateFound, Finding, Report, Role, Verdict};

/// Text of somebody else's without control characters: a name in a certificate must not steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Usable => "It can be used to seal.",
            Verdict::UsableWithWarnings => "It can be used to seal, with the warnings below.",
            Verdict::NotUsable => "IT CANNOT BE USED TO SEAL.",
        };
        writeln!(f, "{verdict}")?;
        for finding in &self.findings {
            write!(f, "\n{finding}")?;
        }
        if !self.keys.is_empty() {
            writeln!(f, "\nPrivate keys:")?;
        }
        for key in &self.keys {
            let usable = if key.is_usable { "" } else { " (not usable here)" };
            let positions: Vec<String> = key.certificates.iter().map(ToString::to_string).collect();
            let of =
                if positions.is_empty() { "no certificate".to_owned() } else { format!("certificate {}", positions.join(", ")) };
            writeln!(f, "  {}{usable}, of {of}", plain(&key.kind))?;
        }
        if !self.certificates.is_empty() {
            writeln!(f, "\nCertificates, in the order of the file:")?;
        }
        for certificate in &self.certificates {
            write!(f, "{certificate}")?;
        }
        if !self.protections.is_empty() {
            writeln!(f, "\nProtection:")?;
        }
        for protection in &self.protections {
            write!(f, "  {}: {}", protection.part.name(), protection.algorithm)?;
            if let Some(iterations) = protection.iterations {
                write!(f, ", {iterations} iterations")?;
            }
            writeln!(f, "{}", if protection.is_legacy { " (out of date)" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}: {}", self.severity.name().to_uppercase(), self.code.name(), plain(&self.what))?;
        writeln!(f, "  {}", self.remedy)?;
        match self.command {
            Some(command) => writeln!(f, "    {command}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for CertificateFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Some(Role::Signer) => " (seals)",
            Some(Role::Issuer) => " (issuer)",
            Some(Role::Unrelated) => " (unrelated)",
            None => "",
        };
        writeln!(f, "  {}. {}{role}", self.position, plain(&self.facts.subject))?;
        writeln!(f, "     issuer {}, serial number {}", plain(&self.facts.issuer), self.facts.serial)?;
        writeln!(f, "     valid from {} to {}", day(self.facts.not_before), day(self.facts.not_after))?;
        writeln!(f, "     key {}, signed with {}", self.key, self.signature)?;
        let usage = self.key_usage.as_ref().map_or("any".to_owned(), |usage| usage.join(", "));
        write!(f, "     key usage {usage}")?;
        if let Some(extended) = &self.extended_key_usage {
            write!(f, "; extended {}", extended.join(", "))?;
        }
        if !self.policies.is_empty() {
            write!(f, "; policies {}", self.policies.join(", "))?;
        }
        writeln!(f, "{}", if self.is_authority { "; certification authority" } else { "" })
    }
}
