//! What a signature forbids afterwards: the levels of DocMDP and the locks of FieldMDP (ISO 32000-2 12.8.2).

use super::Findings;
use crate::permissions::{Level, Permissions};

/// Adds what was done against the permissions as `other`, in words that name the rule.
///
/// Document time stamps that show nothing, and validation data, are no changes to the document (ISO 32000-2 table 257).
pub(super) fn enforce(permissions: &Permissions, findings: &mut Findings) {
    let signed = findings.signed.iter().filter(|(_, bare_time_stamp)| !**bare_time_stamp);
    let mut done: Vec<(String, &str)> = signed.map(|(name, _)| (name.clone(), "signed")).collect();
    done.extend(findings.filled.iter().map(|name| (name.clone(), "filled in")));
    let prepared = findings.prepared.iter().map(|name| (name.clone(), "added"));
    let all: Vec<(String, &str)> = done.iter().cloned().chain(prepared).collect();
    if let Some((Level::Nothing, by)) = &permissions.level {
        for (name, verb) in &all {
            findings.other(format!("{by} allows no changes, but the field \"{name}\" was {verb}"));
        }
    }
    if let Some((Level::Nothing | Level::Forms, by)) = &permissions.level
        && findings.annotations
    {
        findings.other(format!("{by} allows no annotations, but some were added, changed or removed"));
    }
    for (name, verb) in done {
        if let Some(by) = permissions.lock_on(&name) {
            findings.other(format!("the field \"{name}\" was {verb}, but {by} locked it"));
        }
    }
}
