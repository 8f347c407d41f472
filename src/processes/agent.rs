//! Identifications by agents: files that nobody needs any more are given up, and evidence shows who vouched with which proofs.

use ::documents::certificate::{self, Action, Proof};
use ::store::Entity;
use actors::{Attempt, Call};
use async_trait::async_trait;
use uuid::Uuid;
use workflows::{
    IdentificationType,
    identification::agent::{self, Agent, AgentEffect, AgentEvent, Creation, SealedFile, Voucher, Vouching},
    identification::chain::Settings,
    sign_process::{self, Signer},
};

use super::{
    Processes, World,
    evidence::{Happening, Scene, Told},
    identification::{self, Adapted, Step},
    refused, retry,
};

pub(super) type Adapter = identification::Adapter<Vouching>;

#[async_trait]
impl Adapted for Vouching {
    const TYPE: IdentificationType = IdentificationType::Agent;

    fn creation(process: &sign_process::Data, position: usize) -> Option<Creation> {
        let signer = process.creation.signers.get(position)?;
        Some(Creation {
            actor: signer.person.clone(),
            expires_at: process.creation.expires_at,
            evidence_required: signer.evidence_required,
            purpose: identification::purpose(process, position)?,
        })
    }

    fn for_step(step: &Step<'_>) -> Option<Creation> {
        let Settings::Agent = step.settings() else { return None };
        let (actor, expires_at, purpose) = (step.actor().clone(), step.expires_at(), step.purpose());
        Some(Creation { actor, expires_at, evidence_required: false, purpose })
    }

    async fn perform(world: &World, _: &Processes, call: &Call<Agent>, effect: &AgentEffect) -> Attempt<Agent> {
        let AgentEffect::ReleaseFiles { files } = effect;
        let entity = &call.entity;
        for file in files {
            let Ok(digest) = file.parse() else { return refused("a digest is not readable") };
            if let Err(error) = world.sealed_files.release(&entity.organization, entity.id, &digest, call.now).await {
                return retry(error);
            }
        }
        Attempt::Done(None)
    }

    fn repeatable(_: &World, _: &Entity, effect: &AgentEffect, _: &Agent) -> bool {
        match effect {
            AgentEffect::ReleaseFiles { .. } => true,
        }
    }

    fn validated_by<'a>(_: &'a Signer, data: &'a agent::Data) -> Option<&'a str> {
        Some(&data.own.voucher.as_ref()?.agent)
    }

    fn happening(signer: &Signer, event: &AgentEvent) -> Option<Happening> {
        match event {
            AgentEvent::Vouched(Voucher { agent, .. }) => {
                Some(Happening::new(agent, Action::AgentVouched, Some(signer.alias.clone())))
            }
            // Who sees to whom in a shop proves nothing.
            AgentEvent::Taken { .. } => None,
        }
    }

    async fn describe(
        _: &Scene<'_>,
        _: &Signer,
        _: Uuid,
        data: &agent::Data,
        described: &mut certificate::Identification,
    ) -> Result<Vec<Told>, String> {
        let Some(voucher) = &data.own.voucher else { return Ok(Vec::new()) };
        let proof = |kind: &str, file: &SealedFile| Proof { kind: kind.into(), size: file.size, sha256: file.sha256.clone() };
        let picture = voucher.evidence.iter().map(|file| proof("DOCUMENT_PICTURE", file));
        let reading = voucher.metadata.iter().map(|file| proof("PICTURE_READING", file));
        described.agent = Some(voucher.agent.clone());
        described.proofs = picture.chain(reading).collect();
        Ok(Vec::new())
    }
}
