//! Effects of sign processes: identifications made and ended, documents sealed, the certificate made, signers told.

use std::sync::Arc;

use ::documents::certificate::Action;
use ::store::Entity;
use actors::{Attempt, Call, Effects};
use async_trait::async_trait;
use chrono::SecondsFormat;
use uuid::Uuid;
use workflows::{
    Channel, Hand, IdentificationState, Refusal,
    sign_process::{Command, Data, Effect, Event, Notice, Seal, SealTime, SignProcess, SignatureStatus, Status},
};

use super::{
    Processes, World,
    evidence::{Happening, SERVICE, Scene},
    identification::Identifications,
    messages::Draft,
    refused, retry, told,
};
use crate::{
    catalogue::contracts,
    channels::{Destination, texts::Content},
};

pub(super) struct Adapter {
    world: Arc<World>,
    processes: Processes,
}

#[async_trait]
impl Effects<SignProcess> for Adapter {
    async fn perform(&self, call: Call<SignProcess>) -> Attempt<SignProcess> {
        let state = call.state.clone();
        let Some(data) = state.data() else { return refused("the process was never created") };
        let organization = &*call.entity.organization;
        let identifications = self.processes.identifications(data.creation.identification_type);
        match &call.effect {
            Effect::CreateIdentification { position } => {
                create_identification(identifications, organization, data, *position).await
            }
            Effect::CloseIdentification { identification } => told(identifications.close(organization, *identification).await),
            Effect::CancelIdentification { identification, reason } => {
                cancel_identification(identifications, organization, data, *identification, reason).await
            }
            Effect::Seal { document } => self.world.seal_document(organization, data, *document, call.now).await,
            Effect::TellContract { .. } => match self.tell_contract(organization, data, &call.effect, call.now).await {
                Ok(()) => Attempt::Done(None),
                Err(error) => retry(error),
            },
            Effect::Certify => match self.before_the_certificate(identifications, organization, data, call.now).await {
                Ok(()) => self.world.certify(&self.processes, organization, data, call.now).await,
                Err(reason) => retry(reason),
            },
            Effect::Release => self.release(organization, data, call.now).await,
            Effect::Notify { signature, notice, channel } => self.notify(&call, data, *signature, *notice, *channel).await,
            Effect::SendLink { signature, generation, channel } => {
                let current = data.position(*signature).map(|position| data.signatures[position].link.generation);
                if current != Some(*generation) {
                    return refused("the link was renewed once more");
                }
                self.notify(&call, data, *signature, Notice::SignRequest, *channel).await
            }
        }
    }

    fn repeatable(&self, entity: &Entity, effect: &Effect, state: &SignProcess) -> bool {
        let (Effect::Notify { signature, channel, .. } | Effect::SendLink { signature, channel, .. }) = effect else {
            return true;
        };
        let position = state.data().and_then(|data| Some((data, data.position(*signature)?)));
        let to = position.and_then(|(data, position)| data.creation.signers[position].person.destination(*channel));
        let (organization, to) = (&*entity.organization, to.as_deref().unwrap_or_default());
        self.world.channels.repeatable(&Destination { organization, channel: *channel, external: false, to })
    }

    fn before_answer(&self, effect: &Effect) -> bool {
        matches!(
            effect,
            Effect::CreateIdentification { .. } | Effect::CloseIdentification { .. } | Effect::CancelIdentification { .. }
        )
    }

    /// Wakes the pages that wait for a change.
    fn changed(&self, entity: &Entity, _: &SignProcess, _: &SignProcess) {
        self.world.watchers.changed(&entity.organization, entity.id);
    }
}

impl Adapter {
    pub fn new(world: Arc<World>, processes: Processes) -> Self {
        Self { world, processes }
    }

    /// Does what was put off and must not be told otherwise once the process is certified.
    async fn before_the_certificate(
        &self,
        identifications: &dyn Identifications,
        organization: &str,
        data: &Data,
        now: ::store::Timestamp,
    ) -> Result<(), String> {
        close_identifications(identifications, organization, data).await.map_err(|error| error.to_string())?;
        for effect in data.tell_contracts() {
            self.tell_contract(organization, data, &effect, now).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn tell_contract(
        &self,
        organization: &str,
        data: &Data,
        effect: &Effect,
        now: ::store::Timestamp,
    ) -> Result<(), contracts::Error> {
        let Effect::TellContract { contract, signed_document } = effect else { return Ok(()) };
        self.world.contracts.signed(organization, *contract, data.creation.id, *signed_document, now.into()).await
    }

    async fn release(&self, organization: &str, data: &Data, now: ::store::Timestamp) -> Attempt<SignProcess> {
        let digests = data.creation.documents.iter().map(|document| &document.digest);
        let by_hand = data.signatures.iter().filter_map(|signature| signature.handwriting.as_ref());
        for facts in by_hand {
            if let Err(error) = self.world.handwritings.release(organization, data.creation.id, facts, now).await {
                return retry(error);
            }
        }
        for digest in digests.chain(data.creation.previews.iter().map(|preview| &preview.digest)) {
            let Ok(digest) = digest.parse() else { return refused("a digest is not readable") };
            if let Err(error) = self.world.documents.release(organization, &digest, data.creation.id, now).await {
                return retry(error);
            }
        }
        Attempt::Done(None)
    }

    async fn notify(
        &self,
        call: &Call<SignProcess>,
        data: &Data,
        signature: Uuid,
        notice: Notice,
        channel: Channel,
    ) -> Attempt<SignProcess> {
        let organization = &*call.entity.organization;
        let Some(position) = data.position(signature) else { return refused("there is no such signer") };
        let open = data.status == Status::Created && data.signatures[position].status == SignatureStatus::Created;
        if notice == Notice::SignRequest && !open {
            return refused("there is nothing left to sign");
        }
        let configuration = match self.world.configurations.load(organization).await {
            Ok(Some(configuration)) => configuration,
            Ok(None) => return refused("the organization has no sign configuration"),
            Err(error) => return retry(error),
        };
        let (content, until) = match notice {
            Notice::SignRequest => {
                let generation = data.signatures[position].link.generation;
                let link = self.world.links.link(&configuration.landing_url, organization, signature, generation);
                let until = data.creation.expires_at;
                (Content::SignRequest { link, until: Some(until) }, until)
            }
            Notice::Certified => (Content::Certified { link: None, until: None }, call.now + chrono::Duration::days(1)),
        };
        let draft = Draft {
            organization,
            reference: call.idempotency_key(),
            channel,
            external: false,
            person: &data.creation.signers[position].person,
            documents: data.creation.documents.iter().map(|document| document.name.clone()).collect(),
            content,
            until,
            receipt_url: None,
        };
        match self.world.send(draft, call.now).await {
            Ok(sent) => Attempt::Done(Some(Command::Noticed { signature, notice, delivered: Ok(sent.taken(false)) })),
            Err(attempt) => attempt,
        }
    }
}

async fn create_identification(
    identifications: &dyn Identifications,
    organization: &str,
    data: &Data,
    position: usize,
) -> Attempt<SignProcess> {
    if data.status != Status::Created {
        // The process ended meanwhile and cancels what it had: an identification made now would never end.
        return refused("the process has ended");
    }
    match identifications.create(organization, data, position).await {
        // The signer could never be identified by it: the process must not wait for that.
        Err(actors::Error::Refused(refusal @ (Refusal::Exists(_) | Refusal::NotFound(_)))) => refused(refusal),
        answer => told(answer),
    }
}

async fn cancel_identification(
    identifications: &dyn Identifications,
    organization: &str,
    data: &Data,
    id: Uuid,
    reason: &str,
) -> Attempt<SignProcess> {
    let answer = identifications.cancel(organization, id, reason).await;
    let position = data.creation.signers.iter().position(|signer| signer.identification == id);
    let (Err(actors::Error::Refused(Refusal::NotFound(_))), Some(position)) = (&answer, position) else { return told(answer) };
    // Its creation was put off or is under way, and would come after the cancellation and never end. Made here, as making it
    // twice is making it once, it is there to be cancelled.
    match identifications.create(organization, data, position).await {
        Ok(()) => told(identifications.cancel(organization, id, reason).await),
        refusal => told(refusal),
    }
}

/// What an event means to a reader of the evidence. `None`: nothing that stands nowhere else.
pub(super) fn happening(scene: &Scene<'_>, event: &Event) -> Option<Happening> {
    let Scene { organization, process, .. } = scene;
    let alias = |signature: Uuid| process.position(signature).map_or("?", |position| &process.creation.signers[position].alias);
    Some(match event {
        Event::Created(_) => Happening::new(organization, Action::ProcessCreated, None),
        Event::Previewed { signature, device } => Happening::new(alias(*signature), Action::DocumentsShown, device.ip.clone()),
        Event::Signed { signature, device, .. } => Happening::new(alias(*signature), Action::Signed, device.ip.clone()),
        Event::Completed => Happening::new(SERVICE, Action::ProcessSigned, None),
        Event::Sealed { sealed, .. } => {
            let how = level(&sealed.seal).map_or_else(String::new, |level| format!(": {level}"));
            Happening::new(SERVICE, Action::DocumentSealed, Some(format!("{}{how}", sealed.id)))
        }
        Event::Certified { seal, .. } => Happening::new(SERVICE, Action::ProcessCertified, level(seal)),
        Event::Failed { reason, .. } => Happening::new(SERVICE, Action::ProcessFailed, Some(reason.clone())),
        Event::Cancelled { reason, by } => {
            let who = by.as_ref().map_or_else(|| (*organization).to_owned(), ToString::to_string);
            Happening::new(&who, Action::ProcessCancelled, Some(reason.clone()))
        }
        Event::Declined { signature, reason, .. } => {
            Happening::new(alias(*signature), Action::SignatureDeclined, Some(reason.clone()))
        }
        Event::HandedOver { signature, by, .. } => {
            Happening::new(&by.to_string(), Action::HandedOver, Some(alias(*signature).to_owned()))
        }
        Event::LinkRenewed { signature, by: None } => {
            Happening::new(SERVICE, Action::LinkRenewed, Some(alias(*signature).to_owned()))
        }
        Event::LinkRenewed { signature, by: Some(Hand { by, reason }) } => {
            Happening::new(&by.to_string(), Action::LinkRenewed, Some(format!("{}: {reason}", alias(*signature))))
        }
        Event::LinkSentAgain { signature, by: Hand { by, reason } } => {
            Happening::new(&by.to_string(), Action::LinkSentAgain, Some(format!("{}: {reason}", alias(*signature))))
        }
        Event::Expired => Happening::new(SERVICE, Action::ProcessExpired, None),
        Event::Noticed { signature, failure: None, .. } => {
            Happening::new(SERVICE, Action::NoticeSent, Some(alias(*signature).to_owned()))
        }
        Event::Noticed { failure: Some(reason), .. } => Happening::new(SERVICE, Action::NoticeNotSent, Some(reason.clone())),
        // The identifications' own journals say it.
        Event::Identified { .. } | Event::IdentificationLost { .. } => return None,
    })
}

/// How far a seal got, where that is to be told.
fn level(seal: &Seal) -> Option<String> {
    let mut told = format!("PAdES {}", seal.level.name());
    if let Some(wanted) = seal.short_of {
        told.push_str(&format!(" instead of {}, which could not be had in time", wanted.name()));
    }
    if let Some(SealTime { at, authority }) = &seal.time_stamp {
        told.push_str(&format!(", time stamp {} of {authority}", at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    }
    (*seal != Seal::default()).then_some(told)
}

/// Closes what the signatures used and telling it was put off: the certificate must not say otherwise.
async fn close_identifications(
    identifications: &dyn Identifications,
    organization: &str,
    data: &Data,
) -> Result<(), actors::Error> {
    for signer in &data.creation.signers {
        let id = signer.identification;
        if identifications.state(organization, id).await? == Some(IdentificationState::Validated) {
            match identifications.close(organization, id).await {
                // It ended otherwise at this moment; the evidence says how.
                Ok(()) | Err(actors::Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
