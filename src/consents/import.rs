//! Choices that another system captured: brought in without a display, each as evidence of what that system says.

use std::net::IpAddr;

use serde::Serialize;
use workflows::{
    consents::{Actor, ActorSource, Caller, Captured, Choice, Selected},
    values::Problems,
};

use super::service::{
    CaptureDate, Customers, Error, NEVER_PENDING, Recorded, Selection, Subject, definition, digest_of, late, selected,
    selection_path,
};
use crate::catalogue::consents::UsersType;

/// An import is bounded by its lines, not by the day.
const CAPTURES_PER_DAY: u32 = u32::MAX;

/// One line of an import.
pub struct Imported {
    pub customer_id: String,
    pub segment: String,
    pub selections: Vec<Selection>,
    pub date: CaptureDate,
    pub actor_id: String,
    pub ip: Option<IpAddr>,
    pub sell_channel: Option<&'static str>,
    pub trace_id: Option<String>,
    /// Where the choices come from, in the words of whoever imports.
    pub origin: String,
}

impl Imported {
    /// Whose consents.
    pub fn subject<'a>(&'a self, organization: &'a str) -> Subject<'a> {
        Subject { organization, segment: &self.segment, customer_id: &self.customer_id }
    }
}

impl Customers {
    /// Records a line. A repetition changes nothing; a choice that is older than a deletion of the customer is recorded without effect.
    ///
    /// # Errors
    /// As of a capture, without those of keys.
    pub async fn import(&self, organization: &str, caller: &Caller, line: Imported) -> Result<Recorded, Error> {
        let digest = digest_of(&Members::of(&line))?;
        let ids = line.selections.iter().map(|selection| &selection.id);
        let edition = self.edition_with(organization, &line.segment, UsersType::Customers, ids, selection_path).await?;
        let mut problems = Problems::default();
        let mut selections: Vec<Selected> = Vec::with_capacity(line.selections.len());
        for (place, selection) in line.selections.iter().enumerate() {
            let Some(definition) = definition(&edition, &selection.id) else { continue };
            match selected(definition, selection.choice, line.date.at, false) {
                Some(selected) => selections.push(selected),
                None => problems.note(format!("selections[{place}].choice"), NEVER_PENDING),
            }
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let subject = line.subject(organization);
        let captured = Captured {
            customer_id: line.customer_id.clone(),
            segment: line.segment.clone(),
            caller: caller.clone(),
            actor: Actor { id: line.actor_id.clone(), source: ActorSource::Import },
            selections,
            captured_at: line.date.at,
            captured_text: line.date.text.clone(),
            ip: line.ip,
            sell_channel: line.sell_channel.map(str::to_owned),
            trace_id: line.trace_id.clone(),
            origin: Some(line.origin.clone()),
            declared_language: None,
            display: None,
            digest,
            notify: false,
            late: late(self.policy(organization)),
            identification: None,
        };
        self.record(&subject, captured, CAPTURES_PER_DAY).await
    }
}

/// What a repeated line is known by.
#[derive(Serialize)]
struct Members<'a> {
    import: &'a str,
    actor_id: &'a str,
    selections: Vec<(&'a str, Choice)>,
    ip: Option<IpAddr>,
    sell_channel: Option<&'a str>,
    trace_id: Option<&'a str>,
    capture_date: &'a str,
}

impl<'a> Members<'a> {
    fn of(line: &'a Imported) -> Self {
        Self {
            import: &line.origin,
            actor_id: &line.actor_id,
            selections: line.selections.iter().map(|selection| (selection.id.as_str(), selection.choice)).collect(),
            ip: line.ip,
            sell_channel: line.sell_channel,
            trace_id: line.trace_id.as_deref(),
            capture_date: &line.date.text,
        }
    }
}
