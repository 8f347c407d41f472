//! Signing one or more documents by one or more people.
//!
//! Rules: the contract's Sign Process and Simple Signature operations with the notes signature-status,
//! sign-cancel-states, sign-expiry. A process has one signature and one identification per signer.

mod creation;
mod decline;
mod found_by;
mod hand_over;
mod handwriting;
mod identifications;
mod link;
mod seal;
mod signature;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Attribute, Channel, Decision, Device, Hand, IdentificationState, Machine, Refusal, SignType, Staff, Timestamp,
    identification::otp::Taken,
    table::{Stage, State, Table},
    transitions,
};

use identifications::not_identified;

pub use creation::{
    Contract, Creation, Document, MAX_DOCUMENTS, MAX_SIGNERS, Preview, Signer, SignerFields, TIME_LIMIT, process_id,
    process_of_signature, signature_id,
};
pub use decline::{Decline, MAX_DECLINE_REASON};
pub use hand_over::MAX_HANDED;
pub use handwriting::{Accepted, Figure, Fingerprint, Handwriting, Holder};
pub use link::{Link, MAX_GENERATION, RENEWALS_PER_DAY};
pub use seal::{Seal, SealLevel, SealTime};
pub use signature::{Act, Signature, SignatureStatus};

transitions! {
    for Event, in Status;
    Created:            [Absent] => Created "create";
    Identified:         [Created] => Same "a signer's identification is validated";
    IdentificationLost: [Created] => Same "an identification ends unused";
    Previewed:          [Created] => Same "a signer looks at the documents";
    Signed:             [Created] => Same "a signer signs";
    Noticed:            [Created | Signed | Certified] => Same "a notice went out, or did not";
    Completed:          [Created] => Signed "the last signature was made";
    Failed:             [Created] => Failed "an identification ended otherwise than by its time limit, or was never made",
                        [Signed] => Failed "sealing was given up";
    Cancelled:          [Created] => Cancelled "cancel";
    Declined:           [Created] => Cancelled "a signer declines";
    LinkRenewed:        [Created] => Same "a signer gets a new link";
    LinkSentAgain:      [Created] => Same "staff sends a signer's link once more";
    HandedOver:         [Created] => Same "an agent hands a device over to a signer";
    Expired:            [Created] => Expired "the time limit passes";
    Sealed:             [Signed] => Same "a document was sealed";
    Certified:          [Signed] => Certified "the certificate was made";
}

/// Maximum number of previews of one signature that are recorded: what a signer repeats must not fill the journal.
pub const MAX_PREVIEWS: u32 = 20;

#[derive(Clone, Debug)]
pub enum Command {
    Create(Box<Creation>),
    Preview {
        signature: Uuid,
        /// What the caller takes the signature for.
        kind: SignType,
        device: Device,
    },
    /// The signer signs: with a handwriting where the process is BIOMETRIC, without one where it is SIMPLE.
    Sign {
        signature: Uuid,
        device: Device,
        handwriting: Option<Box<Handwriting>>,
    },
    Cancel {
        reason: String,
        /// Who did it by hand; `None`: the organization's systems did.
        by: Option<Staff>,
    },
    /// The signer will not sign, which ends the process for all.
    Decline {
        signature: Uuid,
        /// In the signer's words.
        reason: String,
        device: Device,
    },
    /// The signer gets a new link, and those of before open nothing any more.
    RenewLink {
        signature: Uuid,
        /// Who did it by hand; `None`: the signer asked for it.
        by: Option<Hand>,
    },
    /// The signer gets their link once more.
    SendLinkAgain {
        signature: Uuid,
        by: Hand,
    },
    /// An agent hands a device over to an identified signer.
    HandOver {
        signature: Uuid,
        by: Staff,
        /// What is handed over.
        to: Device,
    },
    /// An identification tells what became of it.
    Identification {
        identification: Uuid,
        state: IdentificationState,
    },
    /// The identification of the signer at `position` could not be made.
    IdentificationNotMade {
        position: usize,
        reason: String,
    },
    Sealed {
        document: Uuid,
        sealed: Sealed,
    },
    Certified {
        certificate: Uuid,
        /// Of the certificate.
        seal: Seal,
    },
    SealingGivenUp {
        reason: String,
    },
    Noticed {
        signature: Uuid,
        notice: Notice,
        /// What is known of the message, or why it did not go out.
        delivered: Result<Taken, String>,
    },
}

/// A document's sealed version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sealed {
    /// The new document.
    pub id: Uuid,
    pub digest: String,
    /// How far its seal got.
    #[serde(flatten)]
    pub seal: Seal,
}

/// What signers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// There is something to sign.
    SignRequest,
    /// The process is certified.
    Certified,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    Created(Box<Creation>),
    Identified {
        identification: Uuid,
    },
    IdentificationLost {
        identification: Uuid,
        state: IdentificationState,
    },
    Previewed {
        signature: Uuid,
        device: Device,
    },
    Signed {
        signature: Uuid,
        device: Device,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handwriting: Option<Box<Handwriting>>,
    },
    Completed,
    Sealed {
        document: Uuid,
        sealed: Sealed,
    },
    Certified {
        certificate: Uuid,
        /// Of the certificate.
        #[serde(flatten)]
        seal: Seal,
    },
    Failed {
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Uuid>,
    },
    Cancelled {
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Staff>,
    },
    Declined {
        signature: Uuid,
        reason: String,
        device: Device,
    },
    LinkRenewed {
        signature: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Hand>,
    },
    LinkSentAgain {
        signature: Uuid,
        by: Hand,
    },
    HandedOver {
        signature: Uuid,
        by: Staff,
        to: Device,
    },
    Expired,
    Noticed {
        signature: Uuid,
        notice: Notice,
        #[serde(flatten)]
        taken: Taken,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
    },
}

/// No such process or signature.
pub const NOT_FOUND: Refusal = Refusal::NotFound("sign process or signature");
/// A process with this id exists and is another one.
pub const EXISTS: Refusal = Refusal::Exists("sign process");

/// The state of the process or signature does not allow it.
fn wrong_state(state: &str) -> Refusal {
    Refusal::state(format!("the state does not allow it: {state}"))
}

/// The signature is of another kind than the caller takes it for; its operations are others.
fn not_of_kind(kind: SignType) -> Refusal {
    Refusal::NotFound(match kind {
        SignType::Simple => "simple signature; this one is BIOMETRIC, so its operations are those of biometric_signs",
        SignType::Biometric => "biometric signature; this one is SIMPLE, so its operations are those of simple_signs",
    })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Make the identification of the signer at this position.
    CreateIdentification { position: usize },
    /// The signature used the identification: it becomes SUCCEEDED.
    CloseIdentification { identification: Uuid },
    /// The process ended; nobody needs the identification any more.
    CancelIdentification { identification: Uuid, reason: String },
    /// Put every signer's seal on one document.
    Seal { document: Uuid },
    /// Tell a contract that its document is signed.
    TellContract { contract: Uuid, signed_document: Uuid },
    /// Make and seal the certificate.
    Certify,
    /// The process no longer needs the bytes of its documents.
    Release,
    /// Tell a signer something on the first of the tenant's channels that reaches them.
    Notify { signature: Uuid, notice: Notice, channel: Channel },
    /// Send a signer the link of this generation.
    SendLink { signature: Uuid, generation: u32, channel: Channel },
}

/// Contract `SignProcessStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = SignProcessStatus))]
pub enum Status {
    Created,
    Signed,
    Failed,
    Cancelled,
    Expired,
    Certified,
}

impl Status {
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Created | Self::Signed)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Signed => "SIGNED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Certified => "CERTIFIED",
        }
    }
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SignProcess {
    // The name by which servers of all versions find it in a snapshot.
    #[serde(rename = "life")]
    data: Option<Box<Data>>,
}

/// Everything that is known of a process that was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    pub creation: Creation,
    pub status: Status,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// One per signer, in their order.
    pub signatures: Vec<Signature>,
    /// One per document, in their order.
    pub sealed: Vec<Option<Sealed>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
    /// Who declined, where that ended it; why stands in `end_reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<Decline>,
}

impl State for Status {
    fn name(self) -> &'static str {
        self.name()
    }
}

impl Machine for SignProcess {
    const KIND: &'static str = "sign_process";
    type State = Status;
    type Command = Command;
    type Event = Event;
    type Effect = Effect;

    fn stage(&self) -> Stage<Status> {
        self.data.as_ref().map_or(Stage::Absent, |data| Stage::In(data.status))
    }

    fn found_by(&self) -> Vec<Attribute> {
        self.data.as_ref().map(|data| data.found_by()).unwrap_or_default()
    }

    fn may_repeat(&self, effect: &Effect) -> bool {
        let Some(data) = &self.data else { return false };
        let waits = |signature: &Uuid| {
            let known = data.position(*signature).map(|position| data.signatures[position].status);
            data.status == Status::Created && known == Some(SignatureStatus::Created)
        };
        match effect {
            Effect::Notify { signature, notice: Notice::SignRequest, .. } | Effect::SendLink { signature, .. } => {
                waits(signature)
            }
            Effect::Notify { notice: Notice::Certified, .. } => data.status == Status::Certified,
            // Who is told this takes it once.
            Effect::CloseIdentification { .. } | Effect::CancelIdentification { .. } | Effect::TellContract { .. } => true,
            Effect::Release => true,
            // The process ended with these.
            Effect::CreateIdentification { .. } | Effect::Seal { .. } | Effect::Certify => false,
        }
    }

    fn due_events(&self, now: Timestamp) -> Vec<Event> {
        match &self.data {
            Some(data) if data.status == Status::Created && now >= data.creation.expires_at => vec![Event::Expired],
            _ => Vec::new(),
        }
    }

    fn decide(&self, now: Timestamp, command: Command) -> Decision<Self> {
        let Some(data) = &self.data else {
            return match command {
                Command::Create(creation) => match creation.check() {
                    Ok(()) => Decision::accept([Event::Created(creation)]),
                    Err(reason) => Decision::refuse(Refusal::Invalid(reason)),
                },
                Command::Preview { .. }
                | Command::Sign { .. }
                | Command::Cancel { .. }
                | Command::Decline { .. }
                | Command::RenewLink { .. }
                | Command::SendLinkAgain { .. }
                | Command::HandOver { .. } => Decision::refuse(NOT_FOUND),
                _ => Decision::nothing(),
            };
        };
        match command {
            Command::Create(creation) if *creation == data.creation => Decision::nothing(),
            Command::Create(_) => Decision::refuse(EXISTS),
            Command::Preview { signature, kind, device } => match data.open_signature(signature, kind) {
                Ok(position) if data.signatures[position].previews >= MAX_PREVIEWS => Decision::nothing(),
                Ok(_) => Decision::accept([Event::Previewed { signature, device }]),
                Err(refusal) => Decision::refuse(refusal),
            },
            Command::Sign { signature, device, handwriting } => data.decide_sign(signature, device, handwriting),
            Command::Cancel { reason, by } if data.status == Status::Created => {
                Decision::accept([Event::Cancelled { reason, by }])
            }
            Command::Cancel { .. } => Decision::refuse(wrong_state(data.status.name())),
            Command::Decline { signature, reason, device } => data.decide_decline(signature, reason, device),
            Command::RenewLink { signature, by } => data.decide_renew(now, signature, by),
            Command::SendLinkAgain { signature, by } => data.decide_send_again(now, signature, by),
            Command::HandOver { signature, by, to } => data.decide_hand_over(signature, by, to),
            Command::Identification { identification, state } => data.decide_identification(identification, state),
            Command::Sealed { document, sealed } if data.awaits_seal(document) => {
                Decision::accept([Event::Sealed { document, sealed }])
            }
            Command::IdentificationNotMade { position, reason } => data.decide_not_made(position, reason),
            Command::Certified { certificate, seal } if data.status == Status::Signed && data.all_sealed() => {
                Decision::accept([Event::Certified { certificate, seal }])
            }
            Command::SealingGivenUp { reason } if data.status == Status::Signed => {
                Decision::accept([Event::Failed { reason, signature: None }])
            }
            Command::Noticed { signature, notice, delivered }
                if !matches!(data.status, Status::Failed | Status::Cancelled | Status::Expired)
                    && data.position(signature).is_some() =>
            {
                let (taken, failure) = match delivered {
                    Ok(taken) => (taken, None),
                    Err(failure) => (Taken::default(), Some(failure)),
                };
                Decision::accept([Event::Noticed { signature, notice, taken, failure }])
            }
            // Late or repeated reports change nothing.
            Command::Sealed { .. } | Command::Certified { .. } | Command::SealingGivenUp { .. } | Command::Noticed { .. } => {
                Decision::nothing()
            }
        }
    }

    fn apply(&mut self, at: Timestamp, event: &Event) {
        let Some(stage) = event.leads(self.stage()) else { return };
        if let Event::Created(creation) = event {
            self.data = Some(Box::new(Data::new(at, (**creation).clone())));
            return;
        }
        let Some(data) = &mut self.data else { return };
        if let Stage::In(status) = stage {
            data.status = status;
        }
        match event {
            Event::Created(_) | Event::Noticed { .. } => return,
            Event::Identified { identification } => data.set_identification(*identification, IdentificationState::Validated, at),
            Event::IdentificationLost { identification, state } => data.set_identification(*identification, *state, at),
            Event::Previewed { signature, device } => data.change(*signature, at, |signature| {
                signature.previews = signature.previews.saturating_add(1);
                signature.previewed.get_or_insert_with(|| Act { at, device: device.clone() });
            }),
            Event::Signed { signature, device, handwriting } => data.change(*signature, at, |signature| {
                signature.status = SignatureStatus::Succeeded;
                signature.identification = IdentificationState::Succeeded;
                signature.signed = Some(Act { at, device: device.clone() });
                signature.handwriting = handwriting.clone();
            }),
            Event::Completed => data.completed_at = Some(at),
            Event::Sealed { document, sealed } => {
                if let Some(index) = data.document_index(*document) {
                    data.sealed[index] = Some(sealed.clone());
                }
            }
            Event::Certified { certificate, .. } => data.certificate = Some(*certificate),
            Event::Failed { reason, signature } => {
                data.end(at, SignatureStatus::Cancelled, Some(reason.clone()));
                if let Some(failed) = signature {
                    data.change(*failed, at, |signature| signature.status = SignatureStatus::Failed);
                }
            }
            Event::Cancelled { reason, .. } => data.end(at, SignatureStatus::Cancelled, Some(reason.clone())),
            Event::Declined { signature, reason, device } => {
                data.end(at, SignatureStatus::Cancelled, Some(reason.clone()));
                data.declined = Some(Decline { signature: *signature, act: Act { at, device: device.clone() } });
            }
            Event::LinkRenewed { signature, .. } => data.renew(*signature, at),
            Event::LinkSentAgain { signature, .. } => data.sent_again(*signature, at),
            Event::HandedOver { signature, .. } => {
                data.change(*signature, at, |signature| signature.handed = signature.handed.saturating_add(1))
            }
            Event::Expired => data.end(at, SignatureStatus::Expired, None),
        }
        data.modified_at = at;
    }

    fn effects(&self, event: &Event) -> Vec<Effect> {
        let Some(data) = &self.data else { return Vec::new() };
        match event {
            Event::Created(creation) => {
                let identifications = (0..creation.signers.len()).map(|position| Effect::CreateIdentification { position });
                identifications.chain(data.notify(Notice::SignRequest)).collect()
            }
            Event::Signed { signature, .. } => match data.position(*signature) {
                Some(position) => {
                    vec![Effect::CloseIdentification { identification: data.creation.signers[position].identification }]
                }
                None => Vec::new(),
            },
            Event::Completed => data.creation.documents.iter().map(|document| Effect::Seal { document: document.id }).collect(),
            Event::Sealed { document, sealed } => {
                let certify = data.all_sealed().then_some(Effect::Certify);
                data.tell_contract(*document, sealed).into_iter().chain(certify).collect()
            }
            Event::Certified { .. } => std::iter::once(Effect::Release).chain(data.notify(Notice::Certified)).collect(),
            Event::Failed { .. } => data.wind_up("the sign process failed"),
            Event::Cancelled { .. } => data.wind_up("the sign process was cancelled"),
            Event::Declined { .. } => data.wind_up("a signer declined"),
            Event::LinkRenewed { signature, .. } | Event::LinkSentAgain { signature, .. } => {
                data.send_link(*signature).into_iter().collect()
            }
            Event::Expired => data.wind_up("the sign process expired"),
            Event::Identified { .. }
            | Event::IdentificationLost { .. }
            | Event::Previewed { .. }
            | Event::HandedOver { .. }
            | Event::Noticed { .. } => Vec::new(),
        }
    }

    fn given_up(effect: &Effect, reason: &str) -> Option<Command> {
        match effect {
            Effect::Seal { .. } | Effect::Certify => Some(Command::SealingGivenUp { reason: reason.to_owned() }),
            Effect::Notify { signature, notice, .. } => {
                Some(Command::Noticed { signature: *signature, notice: *notice, delivered: Err(reason.to_owned()) })
            }
            Effect::SendLink { signature, .. } => {
                Some(Command::Noticed { signature: *signature, notice: Notice::SignRequest, delivered: Err(reason.to_owned()) })
            }
            Effect::CreateIdentification { position } => {
                Some(Command::IdentificationNotMade { position: *position, reason: reason.to_owned() })
            }
            Effect::CloseIdentification { .. }
            | Effect::CancelIdentification { .. }
            | Effect::TellContract { .. }
            | Effect::Release => None,
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.data.as_ref().filter(|data| data.status == Status::Created).map(|data| data.creation.expires_at)
    }
}

impl SignProcess {
    /// The process, unless it was never created.
    ///
    /// # Errors
    /// [`NOT_FOUND`]
    pub fn existing(&self) -> Result<&Data, Refusal> {
        self.data().ok_or(NOT_FOUND)
    }

    pub fn data(&self) -> Option<&Data> {
        self.data.as_deref()
    }
}

impl Data {
    fn new(at: Timestamp, creation: Creation) -> Self {
        let signature = |position| Signature::new(signature_id(creation.id, position), at);
        Self {
            status: Status::Created,
            created_at: at,
            modified_at: at,
            completed_at: None,
            signatures: (0..creation.signers.len()).map(signature).collect(),
            sealed: vec![None; creation.documents.len()],
            certificate: None,
            end_reason: None,
            declined: None,
            creation,
        }
    }

    /// The channel on which a signer gets the link to sign: the first of the tenant's that reaches them.
    pub fn link_channel(&self, position: usize) -> Option<Channel> {
        let signer = self.creation.signers.get(position)?;
        self.creation.notices.iter().copied().find(|channel| signer.person.destination(*channel).is_some())
    }

    /// Position of the signer whose signature this is.
    pub fn position(&self, signature: Uuid) -> Option<usize> {
        self.signatures.iter().position(|candidate| candidate.id == signature)
    }

    fn document_index(&self, document: Uuid) -> Option<usize> {
        self.creation.documents.iter().position(|candidate| candidate.id == document)
    }

    /// The sealed version of a document, once there is one.
    pub fn sealed(&self, document: Uuid) -> Option<&Sealed> {
        self.sealed.get(self.document_index(document)?)?.as_ref()
    }

    /// What the contracts of the sealed documents are to be told.
    pub fn tell_contracts(&self) -> impl Iterator<Item = Effect> {
        let sealed = self.creation.documents.iter().zip(&self.sealed);
        sealed.filter_map(|(document, sealed)| self.tell_contract(document.id, sealed.as_ref()?))
    }

    fn tell_contract(&self, document: Uuid, sealed: &Sealed) -> Option<Effect> {
        let contract = self.creation.documents[self.document_index(document)?].contract.as_ref()?;
        Some(Effect::TellContract { contract: contract.id, signed_document: sealed.id })
    }

    fn all_sealed(&self) -> bool {
        self.sealed.iter().all(Option::is_some)
    }

    fn awaits_seal(&self, document: Uuid) -> bool {
        self.status == Status::Signed && self.document_index(document).is_some_and(|index| self.sealed[index].is_none())
    }

    /// Position of the signer whose signature this is, if it is of that kind.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]
    pub fn position_of(&self, signature: Uuid, kind: SignType) -> Result<usize, Refusal> {
        let position = self.position(signature).ok_or(NOT_FOUND)?;
        if self.creation.sign_type == kind { Ok(position) } else { Err(not_of_kind(kind)) }
    }

    fn open_signature(&self, id: Uuid, kind: SignType) -> Result<usize, Refusal> {
        let position = self.position_of(id, kind)?;
        if self.status != Status::Created {
            return Err(wrong_state(self.status.name()));
        }
        if self.signatures[position].status != SignatureStatus::Created {
            return Err(wrong_state("signed already"));
        }
        Ok(position)
    }

    /// Position of the signer, if they may sign now with a signature of that kind.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::State`]
    pub fn admits(&self, signature: Uuid, kind: SignType) -> Result<usize, Refusal> {
        let position = self.open_signature(signature, kind)?;
        match self.signatures[position].identification {
            IdentificationState::Validated => Ok(position),
            state => Err(not_identified(state)),
        }
    }

    fn decide_sign(&self, id: Uuid, device: Device, handwriting: Option<Box<Handwriting>>) -> Decision<SignProcess> {
        let kind = if handwriting.is_some() { SignType::Biometric } else { SignType::Simple };
        if let Err(refusal) = self.admits(id, kind) {
            return Decision::refuse(refusal);
        }
        let mut events = vec![Event::Signed { signature: id, device, handwriting }];
        let open = self.signatures.iter().filter(|signature| signature.status == SignatureStatus::Created).count();
        if open == 1 {
            events.push(Event::Completed);
        }
        Decision::accept(events)
    }

    fn change(&mut self, id: Uuid, at: Timestamp, change: impl FnOnce(&mut Signature)) {
        if let Some(signature) = self.signatures.iter_mut().find(|signature| signature.id == id) {
            change(signature);
            signature.modified_at = at;
        }
    }

    fn end(&mut self, at: Timestamp, open: SignatureStatus, reason: Option<String>) {
        self.end_reason = reason;
        for signature in self.signatures.iter_mut().filter(|signature| signature.status == SignatureStatus::Created) {
            signature.status = open;
            signature.modified_at = at;
        }
    }

    /// What an end without success asks for: no identification stays open, no bytes stay held.
    fn wind_up(&self, reason: &'static str) -> Vec<Effect> {
        let open =
            self.creation.signers.iter().zip(&self.signatures).filter(|(_, signature)| !signature.identification.is_final());
        let cancel = open
            .map(|(signer, _)| Effect::CancelIdentification { identification: signer.identification, reason: reason.to_owned() });
        cancel.chain([Effect::Release]).collect()
    }

    fn notify(&self, notice: Notice) -> impl Iterator<Item = Effect> {
        self.signatures.iter().enumerate().filter_map(move |(position, signature)| {
            Some(Effect::Notify { signature: signature.id, notice, channel: self.link_channel(position)? })
        })
    }
}

#[cfg(test)]
mod tests;
