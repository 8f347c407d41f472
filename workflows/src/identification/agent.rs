//! Identification by an agent: somebody whom the organization trusts sees the person, vouches for them, and may take a picture of their
//! identity document.
//!
//! Rules: the contract's `validate_agent_identification` (only from CREATED) and note personal-document-evidence. Pictures and what was read
//! from them are personal data and never here: they are sealed files, of which the journal has the hashes. They are given up when the
//! identification is deleted or ends unused; that somebody vouched, and with which proofs, stays.
//! What all identifications share (create, cancel, close, delete, expiry) is in [`lifecycle`](super::lifecycle).

use serde::{Deserialize, Serialize};

use super::{
    Identification, Method, Purpose,
    lifecycle::{self, TIME_LIMIT, wrong_state},
};
use crate::{
    Attribute, Contact, Decision, Device, IdentificationState, Refusal, Staff, Timestamp, transitions, values::Problems,
};

transitions! {
    for AgentEvent, in IdentificationState;
    Taken: [Created] => Same "an agent begins with the person";
    Vouched: [Created] => Same "an agent vouches for the person";
}

/// The machine.
pub type Agent = Identification<Vouching>;
pub type Command = lifecycle::Command<Vouching>;
pub type Event = lifecycle::Event<Vouching>;
pub type Effect = lifecycle::Effect<Vouching>;
pub type Data = lifecycle::Data<Vouching>;

/// The picture is missing where it is needed (note personal-document-evidence).
pub const EVIDENCE_NEEDED: Refusal =
    Refusal::Invalid("evidence: this identification needs a picture of the identity document; send it as PNG in base64");

/// How often an identification can go from one agent to another: what agents repeat must not fill the journal.
pub const MAX_TAKEN: u32 = 50;

/// What an identification is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    /// With their identity document, which the agent compares.
    pub actor: Contact,
    pub expires_at: Timestamp,
    /// The agent must take a picture of the identity document.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evidence_required: bool,
    #[serde(default)]
    pub purpose: Purpose,
}

/// An identification as it is asked for; nothing of it is checked yet.
#[derive(Clone, Debug)]
pub struct Request {
    pub actor: Contact,
    /// ISO-8601.
    pub expires_in: String,
}

impl Request {
    /// What an identification that is created at `now`, without a sign process, is made of.
    ///
    /// # Errors
    /// Everything that is wrong, with the members of the contract's `CreateAgentIdentificationRequest`.
    pub fn checked(self, now: Timestamp) -> Result<Creation, Problems> {
        let mut problems = Problems::default();
        let actor = self.actor.checked("actor", &mut problems);
        actor.check_identity_document("actor", "an agent compares it", &mut problems);
        let expires_in = problems.take("expires_in", TIME_LIMIT.read(&self.expires_in)).unwrap_or(TIME_LIMIT.max());
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Creation { actor, expires_at: now + expires_in, evidence_required: false, purpose: Purpose::default() })
    }
}

/// A file that is kept sealed: where it is, and what it was before it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// SHA-256 of the sealed bytes in hex, which is also where they are stored.
    pub file: String,
    /// SHA-256 of the file itself in hex.
    pub sha256: String,
    /// Size of the file itself, in bytes.
    pub size: u64,
}

/// That an agent vouched for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// The organization's own identifier of the agent.
    pub agent: String,
    /// The picture of the identity document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<SealedFile>,
    /// What was read from the picture, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<SealedFile>,
}

impl Voucher {
    /// The files that are kept for it.
    pub fn files(&self) -> impl Iterator<Item = &SealedFile> {
        self.evidence.iter().chain(&self.metadata)
    }
}

/// What only this method understands.
#[derive(Clone, Debug)]
pub enum AgentCommand {
    /// An agent begins with the person, whoever began before.
    Take { by: Staff },
    /// The agent sees the person now, on this device.
    Validate { voucher: Voucher, device: Device },
}

impl From<AgentCommand> for Command {
    fn from(command: AgentCommand) -> Self {
        Self::Own(command)
    }
}

/// What only this method knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentEvent {
    Taken { by: Staff },
    Vouched(Voucher),
}

impl From<AgentEvent> for Event {
    fn from(event: AgentEvent) -> Self {
        Self::Own(event)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentEffect {
    /// Nobody needs these sealed files any more.
    ReleaseFiles { files: Vec<String> },
}

/// What is known of the agent's part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vouching {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<Voucher>,
    /// Vouchers of before restarts, oldest first; as many as a chain has restarts at most. They are kept as long as the present one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Voucher>,
    /// Who began with the person last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// How often somebody began, at most [`MAX_TAKEN`].
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub times_taken: u32,
}

/// That an agent began with the person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    pub by: Staff,
    pub at: Timestamp,
}

fn is_none_yet(times: &u32) -> bool {
    *times == 0
}

impl Vouching {
    /// The files that are kept for all vouchers.
    pub fn files(&self) -> impl Iterator<Item = &SealedFile> {
        self.earlier.iter().chain(&self.voucher).flat_map(Voucher::files)
    }
}

impl Method for Vouching {
    const KIND: &'static str = "agent";
    const CAN_FAIL: bool = false;
    type Creation = Creation;
    type Command = AgentCommand;
    type Event = AgentEvent;
    type Effect = AgentEffect;

    fn expires_at(creation: &Creation) -> Timestamp {
        creation.expires_at
    }

    fn purpose(creation: &Creation) -> &Purpose {
        &creation.purpose
    }

    fn new(_: Timestamp, _: &Creation) -> Self {
        Self::default()
    }

    fn decide(data: &Data, _: Timestamp, command: AgentCommand) -> Decision<Agent> {
        match command {
            AgentCommand::Take { by } => data.decide_take(by),
            AgentCommand::Validate { voucher, device } => match data.admits(voucher.evidence.is_some()) {
                Ok(()) => Decision::accept([AgentEvent::Vouched(voucher).into(), Event::Validated { device }]),
                Err(refusal) => Decision::refuse(refusal),
            },
        }
    }

    fn is_report(command: &AgentCommand) -> bool {
        match command {
            AgentCommand::Take { .. } | AgentCommand::Validate { .. } => false,
        }
    }

    fn apply(data: &mut Data, at: Timestamp, event: &AgentEvent) {
        match event {
            AgentEvent::Taken { by } => {
                data.own.taken = Some(Taken { by: by.clone(), at });
                data.own.times_taken = data.own.times_taken.saturating_add(1);
            }
            AgentEvent::Vouched(voucher) => data.own.voucher = Some(voucher.clone()),
        }
    }

    fn validated(&mut self) {}

    fn restarted(data: &mut Data, _: Timestamp) {
        data.own.earlier.extend(data.own.voucher.take());
        data.own.taken = None;
    }

    fn fails_at(_: &Data) -> Option<(Timestamp, &'static str)> {
        None
    }

    /// By its state, and while an agent can vouch by who began with it.
    fn found_by(data: &Data) -> Vec<Attribute> {
        let taken = data.own.taken.as_ref().filter(|_| data.state == IdentificationState::Created);
        let by = taken.map(|taken| Attribute::agent(&taken.by.subject));
        std::iter::once(Attribute::status(data.state.name())).chain(by).collect()
    }

    fn effects(data: &Data, event: &Event) -> Vec<AgentEffect> {
        let ends_need = matches!(event, Event::Cancelled { .. } | Event::Expired | Event::Deleted);
        let files: Vec<String> = data.own.files().map(|own| own.file.clone()).collect();
        if ends_need && !files.is_empty() { vec![AgentEffect::ReleaseFiles { files }] } else { Vec::new() }
    }

    fn given_up(effect: &AgentEffect, _: &str) -> Option<AgentCommand> {
        match effect {
            // The collector of orphans finds what stays.
            AgentEffect::ReleaseFiles { .. } => None,
        }
    }
}

impl Data {
    fn decide_take(&self, by: Staff) -> Decision<Agent> {
        let own = &self.own;
        if self.state != IdentificationState::Created {
            return Decision::refuse(wrong_state(self.state.name()));
        }
        if own.taken.as_ref().is_some_and(|taken| taken.by.subject == by.subject) {
            return Decision::nothing();
        }
        if own.times_taken >= MAX_TAKEN {
            return Decision::refuse(Refusal::state("the identification went from agent to agent as often as it can"));
        }
        Decision::accept([AgentEvent::Taken { by }.into()])
    }

    /// Whether an agent may vouch now, with a picture or without. Asked before the picture is stored, and again when it is decided.
    ///
    /// # Errors
    /// In words for the agent: the state does not allow it, or the picture is missing.
    pub fn admits(&self, with_evidence: bool) -> Result<(), Refusal> {
        if self.state != IdentificationState::Created {
            return Err(wrong_state(self.state.name()));
        }
        if self.creation.evidence_required && !with_evidence { Err(EVIDENCE_NEEDED) } else { Ok(()) }
    }

    /// Whether the sealed file under this digest is still needed: the identification was not deleted and did not end unused.
    pub fn needs(&self, file: &str) -> bool {
        use IdentificationState as S;
        let is_useful = !self.deleted && matches!(self.state, S::Created | S::Validated | S::Succeeded);
        is_useful && self.own.files().any(|own| own.file == file)
    }
}

#[cfg(test)]
mod tests;
