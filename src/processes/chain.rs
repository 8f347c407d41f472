//! Effects of chains: their steps made, restarted and ended, each by the way of identifying that its type names.

use std::sync::Arc;

use ::store::Entity;
use actors::{Attempt, Call, Effects};
use async_trait::async_trait;
use workflows::{
    Refusal,
    identification::chain::{Chain, Effect},
};

use super::{
    Processes, World,
    identification::{Step, StepCommand},
    refused, told,
};

pub(super) struct Adapter {
    processes: Processes,
}

impl Adapter {
    pub fn new(_: Arc<World>, processes: Processes) -> Self {
        Self { processes }
    }
}

#[async_trait]
impl Effects<Chain> for Adapter {
    async fn perform(&self, call: Call<Chain>) -> Attempt<Chain> {
        let Some(data) = call.state.data() else { return refused("the chain was never created") };
        let (position, command) = match &call.effect {
            // A step made now would never end: the chain ended meanwhile and cancels those that it had.
            Effect::CreateStep { .. } if data.state.is_final() => return refused("the chain has ended"),
            Effect::CreateStep { position } => (*position, StepCommand::Create),
            Effect::RestartStep { position, round } => (*position, StepCommand::Restart { round: *round }),
            Effect::CloseStep { position } => (*position, StepCommand::Close),
            Effect::CancelStep { position, reason } => (*position, StepCommand::Cancel { reason }),
        };
        let Some(step) = Step::at(call.entity.id, data, position) else { return refused("there is no such step") };
        let creates = matches!(command, StepCommand::Create);
        let identifications = self.processes.identifications(step.kind());
        match identifications.tell_step(&call.entity.organization, &step, command).await {
            // The step could never be done: the chain must not wait for it.
            Err(actors::Error::Refused(refusal @ (Refusal::Exists(_) | Refusal::NotFound(_)))) if creates => refused(refusal),
            // What refuses has ended otherwise, and tells the chain so itself.
            answer => told(answer),
        }
    }

    fn repeatable(&self, _: &Entity, _: &Effect, _: &Chain) -> bool {
        true
    }

    fn before_answer(&self, _: &Effect) -> bool {
        true
    }
}
