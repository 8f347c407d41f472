//! Effects of sign processes: identifications made and ended, documents sealed, the certificate made, signers told.

use std::sync::Arc;

use ::store::Entity;
use actors::{Attempt, Call, Effects, Host};
use async_trait::async_trait;
use workflows::{
    Channel, Refusal,
    identification::otp::{self, Otp, Purpose},
    sign_process::{Command, Effect, Life, Notice, SignProcess, SignatureStatus, Status},
};

use super::{World, messages::Draft, refused, retry, told};
use crate::channels::texts::Content;

pub(super) struct Adapter {
    pub world: Arc<World>,
    pub otp: Host<Otp>,
}

#[async_trait]
impl Effects<SignProcess> for Adapter {
    async fn perform(&self, call: Call<SignProcess>) -> Attempt<SignProcess> {
        let state = call.state.clone();
        let Some(life) = state.life() else { return refused("the process was never created") };
        let organization = call.entity.organization.clone();
        match &call.effect {
            Effect::CreateIdentification { position } => self.create_identification(&organization, life, *position).await,
            Effect::CloseIdentification { identification } => {
                told(self.otp.ask(&organization, *identification, otp::Command::Close).await)
            }
            Effect::CancelIdentification { identification, reason } => {
                self.cancel_identification(&organization, life, *identification, reason).await
            }
            Effect::Seal { document } => self.world.seal_document(&organization, life, *document, call.now).await,
            Effect::Certify => self.world.certify(&self.otp, &organization, life, call.now).await,
            Effect::Release => self.release(&organization, life, call.now).await,
            Effect::Notify { signature, notice, channel } => self.notify(&call, life, *signature, *notice, *channel).await,
        }
    }

    fn repeatable(&self, entity: &Entity, effect: &Effect, _: &SignProcess) -> bool {
        match effect {
            Effect::Notify { channel, .. } => self.world.channels.repeatable(&entity.organization, *channel, false),
            _ => true,
        }
    }

    fn before_answer(&self, effect: &Effect) -> bool {
        matches!(
            effect,
            Effect::CreateIdentification { .. } | Effect::CloseIdentification { .. } | Effect::CancelIdentification { .. }
        )
    }
}

impl Adapter {
    async fn create_identification(&self, organization: &str, life: &Life, position: usize) -> Attempt<SignProcess> {
        let Some((id, creation)) = identification(life, position) else { return refused("there is no such signer") };
        if life.status != Status::Created {
            // The process ended meanwhile and cancels what it had: an identification made now would never end.
            return refused("the process has ended");
        }
        match self.otp.ask(organization, id, otp::Command::Create(Box::new(creation))).await {
            // The signer could never be identified by it: the process must not wait for that.
            Err(actors::Error::Refused(Refusal::Exists(_))) => refused("another identification has this identifier"),
            answer => told(answer),
        }
    }

    async fn cancel_identification(&self, organization: &str, life: &Life, id: uuid::Uuid, reason: &str) -> Attempt<SignProcess> {
        let cancel = || otp::Command::Cancel { reason: Some(reason.to_owned()) };
        let answer = self.otp.ask(organization, id, cancel()).await;
        let position = life.creation.signers.iter().position(|signer| signer.identification == id);
        let (Err(actors::Error::Refused(Refusal::NotFound(_))), Some((_, creation))) =
            (&answer, position.and_then(|position| identification(life, position)))
        else {
            return told(answer);
        };
        // Its creation was put off or is under way, and would come after the cancellation and never end. Made here, as making it
        // twice is making it once, it is there to be cancelled.
        match self.otp.ask(organization, id, otp::Command::Create(Box::new(creation))).await {
            Ok(_) => told(self.otp.ask(organization, id, cancel()).await),
            refusal => told(refusal),
        }
    }

    async fn release(&self, organization: &str, life: &Life, now: ::store::Timestamp) -> Attempt<SignProcess> {
        let digests = life.creation.documents.iter().map(|document| &document.digest);
        for digest in digests.chain(life.creation.previews.iter().map(|preview| &preview.digest)) {
            let Ok(digest) = digest.parse() else { return refused("a digest is not readable") };
            if let Err(error) = self.world.documents.release(organization, &digest, life.creation.id, now).await {
                return retry(error);
            }
        }
        Attempt::Done(None)
    }

    async fn notify(
        &self,
        call: &Call<SignProcess>,
        life: &Life,
        signature: uuid::Uuid,
        notice: Notice,
        channel: Channel,
    ) -> Attempt<SignProcess> {
        let organization = &*call.entity.organization;
        let Some(position) = life.position(signature) else { return refused("there is no such signer") };
        let open = life.status == Status::Created && life.signatures[position].status == SignatureStatus::Created;
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
                let link = sign_link(&configuration.landing_url, life.creation.id, signature);
                let until = life.creation.expires_at;
                (Content::SignRequest { link, until: Some(until) }, until)
            }
            Notice::Certified => (Content::Certified { link: None, until: None }, call.now + chrono::Duration::days(1)),
        };
        let draft = Draft {
            organization,
            reference: call.idempotency_key(),
            channel,
            external: false,
            person: &life.creation.signers[position].person,
            documents: life.creation.documents.iter().map(|document| document.name.clone()).collect(),
            content,
            until,
            receipt_url: None,
        };
        match self.world.send(draft, call.now).await {
            Ok(provider_id) => Attempt::Done(Some(Command::Noticed { signature, notice, delivered: Ok(provider_id) })),
            Err(attempt) => attempt,
        }
    }
}

/// The identification of the signer at `position`, and its id.
fn identification(life: &Life, position: usize) -> Option<(uuid::Uuid, otp::Creation)> {
    let (signer, signature) = life.creation.signers.get(position).zip(life.signatures.get(position))?;
    let creation = otp::Creation {
        actor: signer.person.clone(),
        channel: signer.channel,
        external: false,
        two_factor_type: signer.two_factor_type,
        expires_at: life.creation.expires_at,
        policy: life.creation.policy.clone(),
        purpose: Purpose {
            sign_process: Some(life.creation.id),
            signature: Some(signature.id),
            documents: life.creation.documents.iter().map(|document| document.name.clone()).collect(),
        },
    };
    Some((signer.identification, creation))
}

/// The sign page of a signer. It names the process and the signature, and holds no credential: the page gets one for itself
/// (`securize`).
fn sign_link(landing_url: &str, process: uuid::Uuid, signature: uuid::Uuid) -> String {
    let separator = if landing_url.contains('?') { '&' } else { '?' };
    format!("{landing_url}{separator}sign_process_id={process}&sign_id={signature}")
}
