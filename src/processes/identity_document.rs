//! Identity-document identifications: their scoring sessions are opened, closed and erased, and evidence shows what was found.

use ::documents::certificate::{self, Action};
use ::store::Entity;
use actors::{Attempt, Call};
use async_trait::async_trait;
use uuid::Uuid;
use workflows::{
    IdentificationType, Refusal,
    identification::chain::Settings,
    identification::identity_document::{self, CheckEffect, CheckEvent, Creation, DocumentCheck, IdentityDocument, scoring_id},
    scoring,
    sign_process::{self, Signer},
};

use super::{
    Processes, World,
    evidence::{self, Happening, Scene, Told},
    identification::{self, Adapted, Step},
    refused, told,
};

pub(super) type Adapter = identification::Adapter<DocumentCheck>;

#[async_trait]
impl Adapted for DocumentCheck {
    const TYPE: IdentificationType = IdentificationType::IdentityDocument;

    fn creation(process: &sign_process::Data, position: usize) -> Option<Creation> {
        let signer = process.creation.signers.get(position)?;
        Some(Creation {
            actor: signer.person.clone(),
            document: signer.person.identity_document.as_ref()?.into(),
            terms: process.creation.document_check.clone()?,
            expires_at: process.creation.expires_at,
            purpose: identification::purpose(process, position)?,
        })
    }

    fn for_step(step: &Step<'_>) -> Option<Creation> {
        let Settings::IdentityDocument { terms } = step.settings().clone() else { return None };
        let (actor, expires_at, purpose) = (step.actor().clone(), step.expires_at(), step.purpose());
        Some(Creation { document: actor.identity_document.as_ref()?.into(), actor, terms, expires_at, purpose })
    }

    async fn perform(
        _: &World,
        processes: &Processes,
        call: &Call<IdentityDocument>,
        effect: &CheckEffect,
    ) -> Attempt<IdentityDocument> {
        let id = call.entity.id;
        let organization = &*call.entity.organization;
        let Some(data) = call.state.data() else { return refused("the identification was never created") };
        let open = |round| {
            let creation = Box::new(data.creation.scoring(id, round));
            processes.scoring.ask(organization, scoring_id(id, round), scoring::Command::Create(creation))
        };
        let command = |round, command| processes.scoring.ask(organization, scoring_id(id, round), command);
        match effect {
            CheckEffect::OpenScoring { .. } if data.state.is_final() || data.deleted => {
                // It ended meanwhile, and closed or erased what it had: a session opened now would stay open.
                refused("the identification has ended")
            }
            CheckEffect::OpenScoring { round } => told(open(*round).await),
            CheckEffect::CloseScoring { round } => match command(*round, scoring::Command::Close).await {
                // Its opening was put off or is under way. Opened here, as opening it twice is opening it once, it is there to be closed.
                Err(actors::Error::Refused(Refusal::NotFound(_))) if !data.deleted => match open(*round).await {
                    Ok(_) => told(command(*round, scoring::Command::Close).await),
                    refusal => told(refusal),
                },
                answer => told(answer),
            },
            CheckEffect::EraseScorings { last_round } => {
                for round in 0..=*last_round {
                    match told::<IdentityDocument, _>(command(round, scoring::Command::Erase).await) {
                        Attempt::Done(_) => {}
                        put_off => return put_off,
                    }
                }
                Attempt::Done(None)
            }
        }
    }

    fn repeatable(_: &World, _: &Entity, _: &CheckEffect, _: &IdentityDocument) -> bool {
        true
    }

    /// Who reads the answer finds the session as the identification needs it.
    fn before_answer(_: &CheckEffect) -> bool {
        true
    }

    fn happening(signer: &Signer, event: &CheckEvent) -> Option<Happening> {
        match event {
            CheckEvent::Refused { device } => Some(Happening::new(&signer.alias, Action::DocumentNotPassed, device.ip.clone())),
            // The session's own journal says it.
            CheckEvent::Scored { .. } => None,
            // The page of who was validated can come back: nothing of the identification changed.
            CheckEvent::ResumeKept { .. } => None,
        }
    }

    async fn describe(
        scene: &Scene<'_>,
        signer: &Signer,
        id: Uuid,
        data: &identity_document::Data,
        described: &mut certificate::Identification,
    ) -> Result<Vec<Told>, String> {
        described.attempts = data.own.refused + u32::from(data.validated.is_some());
        let mut journals = Vec::new();
        for round in 0..=data.own.round {
            let session = scoring_id(id, round);
            let state = scene.processes.scoring.read(scene.organization, session).await.map_err(|error| error.to_string())?;
            let Some(session_data) = state.data() else { continue };
            described.scoring = Some(super::scoring::described(scene, session, session_data));
            let meaning = |event: &scoring::Event| super::scoring::happening(signer, event);
            journals.push(evidence::journal(scene, &scene.processes.scoring, session, meaning).await?);
        }
        Ok(journals)
    }
}
