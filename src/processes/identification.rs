//! What the server does for identifications of every method: the sign process or the chain is told, signers and steps get theirs, evidence
//! shows them.

use std::sync::Arc;

use ::documents::certificate::{self, Action};
use ::store::{Entity, Timestamp};
use actors::{Attempt, Call, Effects, Host};
use async_trait::async_trait;
use uuid::Uuid;
use workflows::{
    Contact, IdentificationState, IdentificationType, Refusal,
    identification::{
        Data, Identification, Method, Purpose, chain,
        lifecycle::{Command, Effect, Event, NOT_FOUND},
    },
    sign_process,
};

use super::{
    Processes, World,
    evidence::{self, Happening, SERVICE, Scene, Told},
    told,
};

/// A method as this server carries it out.
#[async_trait]
pub(super) trait Adapted: Method {
    /// The type that evidence names.
    const TYPE: IdentificationType;

    /// The identification of the signer at `position` of a process. `None`: there is no such signer, or this method cannot identify them.
    fn creation(process: &sign_process::Data, position: usize) -> Option<Self::Creation>;

    /// The identification of a step. `None`: the step is of another type.
    fn for_step(step: &Step<'_>) -> Option<Self::Creation>;

    /// One attempt to perform what only this method asks for.
    async fn perform(
        world: &World,
        processes: &Processes,
        call: &Call<Identification<Self>>,
        effect: &Self::Effect,
    ) -> Attempt<Identification<Self>>;

    /// See [`Effects::repeatable`].
    fn repeatable(world: &World, entity: &Entity, effect: &Self::Effect, state: &Identification<Self>) -> bool;

    /// Who gave what validated it, where that is not the signer.
    fn validated_by<'a>(_signer: &'a sign_process::Signer, _data: &'a Data<Self>) -> Option<&'a str> {
        None
    }

    /// See [`Effects::before_answer`].
    fn before_answer(_: &Self::Effect) -> bool {
        false
    }

    /// See [`Effects::changed`].
    fn changed(_: &World, _: &Entity, _before: &Identification<Self>, _after: &Identification<Self>) {}

    /// What an event of its own means to a reader of evidence. `None`: nothing that stands nowhere else.
    fn happening(signer: &sign_process::Signer, event: &Self::Event) -> Option<Happening>;

    /// Adds what only this method knows to what evidence shows. The answer is what other journals tell that belong to the identification.
    ///
    /// # Errors
    /// What could not be read.
    async fn describe(
        scene: &Scene<'_>,
        signer: &sign_process::Signer,
        id: Uuid,
        data: &Data<Self>,
        described: &mut certificate::Identification,
    ) -> Result<Vec<Told>, String>;
}

/// What the identification of the signer at `position` is for. `None`: there is no such signer.
pub(super) fn purpose(process: &sign_process::Data, position: usize) -> Option<Purpose> {
    Some(Purpose {
        sign_process: Some(process.creation.id),
        signature: Some(process.signatures.get(position)?.id),
        documents: process.creation.documents.iter().map(|document| document.name.clone()).collect(),
        ..Purpose::default()
    })
}

/// A step of a chain, as its identification is asked for.
pub(super) struct Step<'a> {
    chain: Uuid,
    data: &'a chain::Data,
    step: &'a chain::Step,
}

impl<'a> Step<'a> {
    /// The step at `position` of the chain with this id. `None`: there is none.
    pub fn at(chain: Uuid, data: &'a chain::Data, position: usize) -> Option<Self> {
        data.creation.steps.get(position).map(|step| Self { chain, data, step })
    }

    pub fn kind(&self) -> IdentificationType {
        self.settings().kind()
    }

    pub fn settings(&self) -> &'a chain::Settings {
        &self.step.settings
    }

    /// Whom it identifies.
    pub fn actor(&self) -> &'a Contact {
        &self.data.creation.actor
    }

    pub fn expires_at(&self) -> Timestamp {
        self.data.expires_at()
    }

    pub fn purpose(&self) -> Purpose {
        Purpose { chain: Some(self.chain), ..Purpose::default() }
    }
}

/// What a chain asks of a step.
pub(super) enum StepCommand<'a> {
    Create,
    Restart { round: u32 },
    Close,
    Cancel { reason: &'a str },
}

/// Performs the effects of identifications of one method.
pub(super) struct Adapter<M: Adapted> {
    world: Arc<World>,
    processes: Processes,
    method: std::marker::PhantomData<fn() -> M>,
}

impl<M: Adapted> Adapter<M> {
    pub fn new(world: Arc<World>, processes: Processes) -> Self {
        Self { world, processes, method: std::marker::PhantomData }
    }
}

#[async_trait]
impl<M: Adapted> Effects<Identification<M>> for Adapter<M> {
    async fn perform(&self, call: Call<Identification<M>>) -> Attempt<Identification<M>> {
        match &call.effect {
            Effect::TellProcess { sign_process, state } => {
                let command = sign_process::Command::Identification { identification: call.entity.id, state: *state };
                told(self.processes.sign.ask(&call.entity.organization, *sign_process, command).await)
            }
            Effect::TellChain { chain, told } => {
                let command = chain::Command::Step { identification: call.entity.id, told: told.clone() };
                self::told(self.processes.chain.ask(&call.entity.organization, *chain, command).await)
            }
            Effect::Own(effect) => M::perform(&self.world, &self.processes, &call, effect).await,
        }
    }

    fn repeatable(&self, entity: &Entity, effect: &Effect<M>, state: &Identification<M>) -> bool {
        match effect {
            Effect::TellProcess { .. } | Effect::TellChain { .. } => true,
            Effect::Own(effect) => M::repeatable(&self.world, entity, effect, state),
        }
    }

    fn before_answer(&self, effect: &Effect<M>) -> bool {
        match effect {
            Effect::TellProcess { .. } | Effect::TellChain { .. } => true,
            Effect::Own(effect) => M::before_answer(effect),
        }
    }

    fn changed(&self, entity: &Entity, before: &Identification<M>, after: &Identification<M>) {
        M::changed(&self.world, entity, before, after);
        // The pages of signers show it too.
        if let Some(process) = after.data().and_then(|data| M::purpose(&data.creation).sign_process) {
            self.world.watchers.changed(&entity.organization, process);
        }
    }
}

/// What evidence shows of one signer's identification.
pub(super) struct Described {
    pub identification: certificate::Identification,
    /// Its own journal first.
    pub journals: Vec<Told>,
}

/// The identifications of one type, as far as all types are the same to a sign process or a chain.
#[async_trait]
pub(super) trait Identifications: Send + Sync {
    /// Makes the identification of the signer at `position`, where it is not there yet.
    async fn create(&self, organization: &str, process: &sign_process::Data, position: usize) -> Result<(), actors::Error>;

    /// Tells the identification of a step what its chain asks of it. It is made first where it is not there yet: its creation was put off
    /// or is under way, and would come after what it is told.
    async fn tell_step(&self, organization: &str, step: &Step<'_>, command: StepCommand<'_>) -> Result<(), actors::Error>;

    /// The signature used it.
    async fn close(&self, organization: &str, id: Uuid) -> Result<(), actors::Error>;

    async fn cancel(&self, organization: &str, id: Uuid, reason: &str) -> Result<(), actors::Error>;

    /// Its state, also if it is deleted; `None` if it was never made.
    async fn state(&self, organization: &str, id: Uuid) -> Result<Option<IdentificationState>, actors::Error>;

    /// What evidence shows of the identification of the signer at `position`.
    ///
    /// # Errors
    /// What could not be read.
    async fn describe(&self, scene: &Scene<'_>, position: usize) -> Result<Described, String>;
}

#[async_trait]
impl<M: Adapted> Identifications for Host<Identification<M>> {
    async fn create(&self, organization: &str, process: &sign_process::Data, position: usize) -> Result<(), actors::Error> {
        let signer = process.creation.signers.get(position);
        let (Some(signer), Some(creation)) = (signer, M::creation(process, position)) else {
            return Err(actors::Error::Refused(sign_process::NOT_FOUND));
        };
        self.ask(organization, signer.identification, Command::Create(Box::new(creation))).await.map(drop)
    }

    async fn tell_step(&self, organization: &str, step: &Step<'_>, command: StepCommand<'_>) -> Result<(), actors::Error> {
        let Some(creation) = M::for_step(step) else { return Err(actors::Error::Refused(NOT_FOUND)) };
        let (id, create) = (step.step.id, Command::Create(Box::new(creation)));
        let command = match command {
            StepCommand::Create => return self.ask(organization, id, create).await.map(drop),
            StepCommand::Restart { round } => Command::Restart { round },
            StepCommand::Close => Command::CloseByChain,
            StepCommand::Cancel { reason } => Command::Cancel { reason: Some(reason.to_owned()), by: None },
        };
        match self.ask(organization, id, command.clone()).await {
            Err(actors::Error::Refused(Refusal::NotFound(_))) => {
                // Making it twice is making it once, and one that was deleted stays so.
                self.ask(organization, id, create).await?;
                self.ask(organization, id, command).await.map(drop)
            }
            answer => answer.map(drop),
        }
    }

    async fn close(&self, organization: &str, id: Uuid) -> Result<(), actors::Error> {
        self.ask(organization, id, Command::Close).await.map(drop)
    }

    async fn cancel(&self, organization: &str, id: Uuid, reason: &str) -> Result<(), actors::Error> {
        self.ask(organization, id, Command::Cancel { reason: Some(reason.to_owned()), by: None }).await.map(drop)
    }

    async fn state(&self, organization: &str, id: Uuid) -> Result<Option<IdentificationState>, actors::Error> {
        Ok(self.read(organization, id).await?.data().map(|data| data.state))
    }

    async fn describe(&self, scene: &Scene<'_>, position: usize) -> Result<Described, String> {
        let signer = scene.process.creation.signers.get(position).ok_or("there is no such signer")?;
        let id = signer.identification;
        let machine = self.read(scene.organization, id).await.map_err(|error| error.to_string())?;
        let data = machine.data().ok_or("an identification of the process does not exist")?;
        let mut identification = certificate::Identification {
            id,
            kind: evidence::name_of(&M::TYPE).unwrap_or_default(),
            state: data.state.name().into(),
            channel: None,
            external: None,
            destination: None,
            two_factor_type: None,
            agent: None,
            attempts: 0,
            challenges: Vec::new(),
            scoring: None,
            created_at: Some(scene.moment(data.created_at)),
            validated_at: data.validated.as_ref().map(|validation| scene.moment(validation.at)),
            device: data.validated.as_ref().map(|validation| evidence::device(&validation.device)),
            proofs: Vec::new(),
            second_proof: None,
            link_on_same_channel: None,
        };
        let others = M::describe(scene, signer, id, data, &mut identification).await?;
        let meaning = |event: &Event<M>| happening(scene.organization, signer, data, event);
        let mut journals = vec![evidence::journal(scene, self, id, meaning).await?];
        journals.extend(others);
        Ok(Described { identification, journals })
    }
}

fn happening<M: Adapted>(
    organization: &str,
    signer: &sign_process::Signer,
    data: &Data<M>,
    event: &Event<M>,
) -> Option<Happening> {
    let alias = || Some(signer.alias.clone());
    Some(match event {
        Event::Created(_) => Happening::new(SERVICE, Action::IdentificationCreated, alias()),
        Event::Validated { device } => {
            let by = M::validated_by(signer, data).unwrap_or(&signer.alias);
            Happening::new(by, Action::IdentificationValidated, device.ip.clone())
        }
        Event::Succeeded => Happening::new(SERVICE, Action::IdentificationSucceeded, alias()),
        Event::Failed { reason } => Happening::new(SERVICE, Action::IdentificationFailed, Some(reason.clone())),
        Event::Cancelled { reason, by } => {
            let who = by.as_ref().map_or_else(|| SERVICE.to_owned(), ToString::to_string);
            Happening::new(&who, Action::IdentificationCancelled, reason.clone())
        }
        Event::Expired => Happening::new(SERVICE, Action::IdentificationExpired, alias()),
        Event::Restarted { round } => Happening::new(
            SERVICE,
            Action::Other("identification restarted with its chain".into()),
            Some(format!("restart {round}")),
        ),
        Event::Deleted => Happening::new(organization, Action::Other("identification deleted".into()), alias()),
        Event::Own(event) => return M::happening(signer, event),
    })
}
