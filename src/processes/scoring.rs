//! Scoring sessions: images go to the provider, results come back, identifications are told, and images are removed.

use std::{sync::Arc, time::Duration};

use ::documents::certificate::{self, Action, Check, Image, ScoringAttempt};
use ::store::{
    Entity, Timestamp,
    blobs::{self, Digest},
};
use actors::{Attempt, Call, Effects};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use uuid::Uuid;
use workflows::{
    Device, Machine, Refusal,
    identification::identity_document::CheckCommand,
    scoring::{self, Command, Data, Effect, End, Event, ImageType, Outcome, Scoring, Way},
    sign_process::Signer,
    table::State,
};

use super::{
    Processes, World,
    evidence::{Happening, SERVICE, Scene, name_of},
    refused, retry, told,
};
use crate::{
    catalogue::{self, sealed_files::SealedFiles},
    scoring::{Capture, Captures, Delegation, Failure, Provider, Request, Then},
};

/// Maximum time of one call to a provider. Below what an attempt of an effect may take (`processes.effect_timeout`), so that its end is known.
const CALL: Duration = Duration::from_secs(20);

/// How long an answer waits for the end of an attempt beyond its deadline.
const SPARE: Duration = Duration::from_secs(2);

pub(super) struct Adapter {
    world: Arc<World>,
    processes: Processes,
}

#[async_trait]
impl Effects<Scoring> for Adapter {
    async fn perform(&self, call: Call<Scoring>) -> Attempt<Scoring> {
        match &call.effect {
            Effect::Score { attempt } => self.score(&call, *attempt).await,
            Effect::Ask { attempt } => self.ask(&call, *attempt).await,
            Effect::Tell { identification, round, number, passing } => {
                let command = CheckCommand::Scored { round: *round, number: *number, passing: *passing };
                told(self.processes.identity_document.ask(&call.entity.organization, *identification, command.into()).await)
            }
            Effect::Release { files } => self.release(&call, files).await,
            Effect::Forget => self.forget(&call).await,
        }
    }

    /// A provider that is asked twice has the same key both times.
    fn repeatable(&self, _: &Entity, _: &Effect, _: &Scoring) -> bool {
        true
    }

    fn before_answer(&self, effect: &Effect) -> bool {
        matches!(effect, Effect::Tell { .. })
    }
}

impl Adapter {
    pub fn new(world: Arc<World>, processes: Processes) -> Self {
        Self { world, processes }
    }

    async fn score(&self, call: &Call<Scoring>, attempt: Uuid) -> Attempt<Scoring> {
        let Some((data, open)) = under_way(&call.state, attempt) else { return refused("the attempt is over") };
        let Way::Submit(captures) = &open.way else { return refused("the attempt is a delegation") };
        let request = request(&call.entity, data, open, self.world.captures(&call.entity, captures), call.now);
        let scored = tokio::time::timeout(request.timeout, self.world.scoring.score(&request)).await;
        let scored = scored.unwrap_or_else(|_| Err(Failure::unavailable("it gave no answer in time")));
        match scored {
            Ok(result) => finished(attempt, Outcome::Result(Box::new(result))),
            Err(failure) => failed(attempt, failure),
        }
    }

    /// Asks for the result of a delegation. Whatever goes wrong, the session asks again.
    async fn ask(&self, call: &Call<Scoring>, attempt: Uuid) -> Attempt<Scoring> {
        let Some((data, open)) = under_way(&call.state, attempt) else { return refused("the attempt is over") };
        let Some(delegation) = &open.delegation else { return refused("the attempt is no delegation") };
        let request = request(&call.entity, data, open, Captures::default(), call.now);
        let asked = tokio::time::timeout(request.timeout, self.world.scoring.delegated(&request, &delegation.provider_id)).await;
        match asked {
            Ok(Ok(Some(result))) => finished(attempt, Outcome::Result(Box::new(result))),
            Ok(Ok(None)) => Attempt::Done(None),
            Ok(Err(failure)) if failure.then == Then::End => failed(attempt, failure),
            Ok(Err(failure)) => {
                tracing::warn!(session = %call.entity.id, cause = failure.cause, "a delegation could not be asked about");
                Attempt::Done(None)
            }
            Err(_) => Attempt::Done(None),
        }
    }

    async fn release(&self, call: &Call<Scoring>, files: &[String]) -> Attempt<Scoring> {
        for file in files {
            let Ok(digest) = file.parse::<Digest>() else { return refused("a digest is not readable") };
            let Entity { organization, id, .. } = &call.entity;
            if let Err(error) = self.world.sealed_files.release(organization, *id, &digest, call.now).await {
                return retry(error);
            }
        }
        Attempt::Done(None)
    }

    async fn forget(&self, call: &Call<Scoring>) -> Attempt<Scoring> {
        let Some(data) = call.state.data() else { return refused("the session was never created") };
        match self.world.scoring.forget(&call.entity.organization, process_of(&call.entity, data), call.now).await {
            Ok(()) => Attempt::Done(None),
            Err(error) => retry(error),
        }
    }
}

/// What stands for the person whose document it is: the identification, else the session by itself.
fn process_of(session: &Entity, data: &Data) -> Uuid {
    data.creation.purpose.identification.unwrap_or(session.id)
}

/// The attempt, while it is under way.
fn under_way(state: &Scoring, attempt: Uuid) -> Option<(&Data, &scoring::Attempt)> {
    let data = state.existing().ok()?;
    Some((data, data.under_way().filter(|open| open.id == attempt)?))
}

fn finished(attempt: Uuid, outcome: Outcome) -> Attempt<Scoring> {
    Attempt::Done(Some(Command::Finished { attempt, outcome }))
}

fn failed(attempt: Uuid, failure: Failure) -> Attempt<Scoring> {
    match failure.then {
        Then::Retry => retry(failure.cause),
        Then::End | Then::Pause(_) => finished(attempt, outcome(failure)),
    }
}

/// What a failure means to the session. One that could be tried again ends the attempt as well, for who cannot wait.
fn outcome(failure: Failure) -> Outcome {
    match failure.then {
        Then::Pause(pause) => {
            Outcome::Pause { seconds: u32::try_from(pause.as_secs() + u64::from(pause.subsec_nanos() > 0)).unwrap_or(u32::MAX) }
        }
        Then::End | Then::Retry => {
            tracing::info!(reason = failure.reason.as_str(), cause = failure.cause, "an attempt ended without a result");
            Outcome::NoResult { reason: failure.reason, provider_id: failure.provider_id }
        }
    }
}

/// Whether a session needs these bytes.
pub fn holds(scoring: &Scoring, digest: &Digest) -> bool {
    let needed = |data: &Data| data.files().any(|file| *file == digest.to_string());
    scoring.existing().is_ok_and(needed)
}

/// What evidence shows of a session.
pub(super) fn described(scene: &Scene<'_>, id: Uuid, data: &Data) -> certificate::Scoring {
    let attempt = |(attempt, number): (&scoring::Attempt, u32)| {
        let ended = match &attempt.end {
            Some(End::Result { at, .. } | End::NoResult { at, .. }) => Some(scene.moment(*at)),
            None => None,
        };
        let reason = match &attempt.end {
            Some(End::NoResult { reason, .. }) => Some(reason.as_str().to_owned()),
            Some(End::Result { .. }) | None => None,
        };
        let result = attempt.result();
        let side = |kind: &str, capture: &Option<scoring::Capture>| {
            let image =
                |capture: &scoring::Capture| Image { side: kind.into(), size: capture.size, sha256: capture.sha256.clone() };
            capture.as_ref().map(image)
        };
        let images = attempt.captures().map(|captures| [side("FRONT", &captures.front), side("BACK", &captures.back)]);
        ScoringAttempt {
            number,
            begun_at: scene.moment(attempt.at),
            ended_at: ended,
            delegated: attempt.way == Way::Delegate,
            provider_id: attempt.provider_id().map(str::to_owned),
            images: images.into_iter().flatten().flatten().collect(),
            fail_reason: reason,
            global_score: result.map(|result| result.global_score.to_string()),
            passing: result.map(|result| result.passing),
            checks: result.into_iter().flat_map(|result| &result.scores).map(check).collect(),
        }
    };
    certificate::Scoring {
        session: id,
        state: data.state.name().into(),
        provider: data.creation.provider.clone(),
        level: data.creation.level.as_ref().and_then(name_of),
        attempts: data.attempts.iter().zip(1..).map(attempt).collect(),
    }
}

fn check(score: &scoring::Score) -> Check {
    Check { kind: score.score_type.clone(), score: score.score.to_string(), fraud: score.is_fraud, note: score.note.clone() }
}

/// What an event means to a reader of evidence. `None`: nothing that stands nowhere else.
pub(super) fn happening(signer: &Signer, event: &Event) -> Option<Happening> {
    Some(match event {
        Event::Begun { way: Way::Submit(_), device, .. } => {
            Happening::new(&signer.alias, Action::DocumentSubmitted, device.ip.clone())
        }
        Event::Delegated { provider_id, .. } => Happening::new(SERVICE, Action::ScoringDelegated, Some(provider_id.clone())),
        Event::Result { result, .. } => Happening::new(SERVICE, Action::DocumentScored, Some(result.global_score.to_string())),
        Event::NoResult { reason, .. } => Happening::new(SERVICE, Action::DocumentNotScored, Some(reason.as_str().to_owned())),
        // What the identification's own journal says, or what has no meaning by itself.
        Event::Begun { way: Way::Delegate, .. } | Event::Asked { .. } | Event::Withdrawn { .. } | Event::Created(_) => {
            return None;
        }
        Event::Closed | Event::Succeeded | Event::Failed | Event::Expired | Event::Erased => return None,
    })
}

/// What the provider is asked for an attempt.
fn request(entity: &Entity, data: &Data, attempt: &scoring::Attempt, captures: Captures, now: Timestamp) -> Request {
    Request {
        organization: entity.organization.to_string(),
        provider: data.creation.provider.clone(),
        level: data.creation.level,
        document: data.creation.document.clone(),
        declared: data.creation.declared.clone(),
        captures,
        timeout: (attempt.until - now).to_std().unwrap_or_default().min(CALL),
        process: process_of(entity, data),
        idempotency_key: attempt.id.to_string(),
        now,
    }
}

impl World {
    /// The images of a session, to be read when the provider needs them.
    fn captures(&self, session: &Entity, captures: &scoring::Captures) -> Captures {
        let capture = |capture: &Option<scoring::Capture>| capture.as_ref().map(|capture| self.capture(session, capture));
        Captures { front: capture(&captures.front), back: capture(&captures.back) }
    }

    fn capture(&self, session: &Entity, capture: &scoring::Capture) -> Capture {
        let (files, session, file) = (self.sealed_files.clone(), session.clone(), capture.file.clone());
        let read = move || -> BoxFuture<'static, Result<Bytes, String>> {
            let (files, session, file) = (files.clone(), session.clone(), file.clone());
            Box::pin(async move {
                let digest: Digest = file.parse().map_err(|_| "its digest is not readable".to_owned())?;
                let bytes = files.read(&session.organization, session.id, &digest).await.map_err(|error| error.to_string())?;
                bytes.ok_or_else(|| "its bytes are gone".to_owned())
            })
        };
        Capture::new(capture, Arc::new(read))
    }
}

/// Why a delegation did not come about.
#[derive(Debug, thiserror::Error)]
pub enum NotDelegated {
    #[error(transparent)]
    Process(#[from] actors::Error),
    /// The provider does not take it; the attempt has ended with this reason.
    #[error("the scoring provider did not take the delegation: {0}")]
    Refused(String),
}

/// An image that is submitted.
pub struct SubmittedImage {
    pub image_type: ImageType,
    pub bytes: Bytes,
}

/// Images that are submitted: at least one of the two.
#[derive(Default)]
pub struct Images {
    pub front: Option<SubmittedImage>,
    pub back: Option<SubmittedImage>,
}

/// Why images were not scored.
#[derive(Debug, thiserror::Error)]
pub enum NotScored {
    #[error(transparent)]
    Process(#[from] actors::Error),
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
}

impl Processes {
    /// Keeps images for a session that takes an attempt now: who is refused anyway is so before anything is kept.
    ///
    /// # Errors
    /// [`NotScored`]
    pub async fn keep_images(
        &self,
        files: &SealedFiles,
        organization: &str,
        session: Uuid,
        images: Images,
        now: Timestamp,
    ) -> Result<scoring::Captures, NotScored> {
        let state = self.scoring.read(organization, session).await?;
        let refused = state.existing().and_then(|data| data.takes_attempt(now));
        refused.map_err(actors::Error::Refused)?;
        let keep = async |image: Option<SubmittedImage>| {
            let Some(SubmittedImage { image_type, bytes }) = image else { return Ok(None) };
            let size = bytes.len() as u64;
            let sha256 = blobs::digest_of(&bytes).await.map_err(catalogue::Error::from)?.to_string();
            let file = files.put(organization, session, bytes, now).await?.to_string();
            Ok::<_, catalogue::Error>(Some(scoring::Capture { image_type, size, sha256, file }))
        };
        let front = keep(images.front).await?;
        Ok(scoring::Captures { front, back: keep(images.back).await? })
    }

    /// Submits images that are kept, and waits until the attempt has ended, whether with a result or without, and the session's identification
    /// knows of it. Images that the session does not take are given up.
    ///
    /// # Errors
    /// [`actors::Error`]; a refusal means that the attempt was not begun, or does not count as the provider asks for a pause.
    pub async fn submit_captures(
        &self,
        files: &SealedFiles,
        organization: &str,
        session: Uuid,
        captures: scoring::Captures,
        device: Device,
        now: Timestamp,
    ) -> Result<(), actors::Error> {
        let answer = self.score_captures(organization, session, captures.clone(), device, now).await;
        if let Err(actors::Error::Refused(_) | actors::Error::Overloaded) = &answer {
            for digest in captures.files().filter_map(|file| file.parse::<Digest>().ok()) {
                if let Err(error) = files.release(organization, session, &digest, now).await {
                    tracing::warn!(%error, "an image that was not taken stays until it is collected");
                }
            }
        }
        answer
    }

    async fn score_captures(
        &self,
        organization: &str,
        session: Uuid,
        captures: scoring::Captures,
        device: Device,
        now: Timestamp,
    ) -> Result<(), actors::Error> {
        let attempt = Uuid::new_v4();
        let begin = Command::Begin { attempt, way: Way::Submit(captures), device };
        let begun = self.scoring.ask(organization, session, begin).await?;
        let until = under_way(&begun, attempt).map_or(now, |(_, open)| open.until);
        let patience = (until - now).to_std().unwrap_or_default() + SPARE;
        let ended = |scoring: &Scoring| under_way(scoring, attempt).is_none();
        let state = self.scoring.until(organization, session, patience, ended).await?;
        let data = state.existing().map_err(actors::Error::Refused)?;
        match data.attempt(attempt) {
            // Its own effect tells it too; whoever reads the answer must find the identification told.
            Some(ended) if ended.result().is_some() => self.tell_result(organization, data, ended).await,
            Some(_) => {}
            None => return Err(actors::Error::Refused(data.pause(data.modified_at))),
        }
        Ok(())
    }

    async fn tell_result(&self, organization: &str, data: &Data, attempt: &scoring::Attempt) {
        let number = data.attempts.iter().position(|known| known.id == attempt.id).map_or(0, |position| position as u32 + 1);
        let scoring::Purpose { identification: Some(identification), round, .. } = data.creation.purpose else { return };
        let passing = attempt.result().is_some_and(|result| result.passing);
        let command = CheckCommand::Scored { round, number, passing };
        if let Err(error) = self.identity_document.ask(organization, identification, command.into()).await {
            tracing::debug!(%error, "an identification is told of its result later");
        }
    }

    /// Hands a scoring over to its provider. What comes back for the client is written nowhere, so this is no effect: should the server die
    /// now, the attempt ends at its deadline.
    ///
    /// # Errors
    /// [`NotDelegated`]; the attempt has ended then, or ends at its deadline.
    pub async fn delegate_scoring(
        &self,
        provider: &dyn Provider,
        organization: &str,
        session: Uuid,
        config: Option<&serde_json::Value>,
        now: Timestamp,
    ) -> Result<Delegation, NotDelegated> {
        let attempt = Uuid::new_v4();
        let begin = Command::Begin { attempt, way: Way::Delegate, device: Device::default() };
        let state = self.scoring.ask(organization, session, begin).await?;
        let over = || actors::Error::Refused(Refusal::state("the attempt is over"));
        let (data, open) = under_way(&state, attempt).ok_or_else(over)?;
        let entity = Entity::new(organization, Scoring::KIND, session);
        let request = request(&entity, data, open, Captures::default(), now);
        let late = Failure::ended(scoring::FailReason::TIMEOUT, "it gave no answer in time");
        match tokio::time::timeout(request.timeout, provider.delegate(&request, config)).await.unwrap_or(Err(late)) {
            Ok(delegation) => {
                let command = Command::Delegated { attempt, provider_id: delegation.provider_id.clone() };
                self.scoring.ask(organization, session, command).await?;
                Ok(delegation)
            }
            Err(failure) => {
                let reason = failure.reason.as_str().to_owned();
                // Nobody tries this again but the caller, whom it costs no attempt.
                let then = if failure.then == Then::Retry { Then::Pause(Duration::from_secs(1)) } else { failure.then };
                let command = Command::Finished { attempt, outcome: outcome(Failure { then, ..failure }) };
                let state = self.scoring.ask(organization, session, command).await?;
                match state.existing() {
                    Ok(data) if data.attempt(attempt).is_none() => {
                        Err(actors::Error::Refused(data.pause(data.modified_at)).into())
                    }
                    _ => Err(NotDelegated::Refused(reason)),
                }
            }
        }
    }
}
