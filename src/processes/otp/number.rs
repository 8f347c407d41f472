//! The phone's operator is asked before a code goes out.

use actors::{Attempt, Call};
use chrono::{DateTime, Utc};
use uuid::Uuid;
use workflows::identification::otp::{CodeCommand, NumberAnswer, NumberOutcome, Otp};

use crate::{
    camara::Question,
    processes::{World, refused, retry},
};

pub(super) async fn check(world: &World, call: &Call<Otp>, challenge: Uuid, until: DateTime<Utc>) -> Attempt<Otp> {
    let Ok(data) = call.state.existing() else { return refused("the identification was deleted") };
    if !data.is_code_wanted(challenge) {
        return refused("the code is no longer wanted");
    }
    if call.now >= until {
        return refused("its time is over");
    }
    let organization = &*call.entity.organization;
    let account = match world.configurations.operator(organization).await {
        Ok(Some(account)) => account,
        Ok(None) => return refused("the organization names no operator any more"),
        Err(error) => return retry(error),
    };
    let checks = data.creation.contact_policy.checks_on(data.creation.channel);
    let question =
        Question { organization, account: &account, person: &data.creation.actor, reference: challenge, now: call.now };
    let answers = world.camara.ask(&question, checks).await;
    answers.iter().for_each(|answer| tell_operations(organization, call.entity.id, answer));
    Attempt::Done(Some(CodeCommand::NumberChecked { challenge, answers }.into()))
}

/// What stands against a number, or was not answered, is for those who operate the server; the signer is not told.
fn tell_operations(organization: &str, identification: Uuid, answer: &NumberAnswer) {
    let (check, outcome, detail) = (answer.check.name(), answer.outcome.name(), answer.detail.as_deref().unwrap_or_default());
    match answer.outcome {
        NumberOutcome::Passed => {}
        NumberOutcome::Failed | NumberOutcome::Unanswered => {
            tracing::warn!(organization, %identification, check, outcome, detail, "the operator of a number did not confirm it");
        }
    }
}
