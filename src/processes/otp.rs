//! Effects of one-time-code identifications: the code goes out, the sign process hears of the state.

use std::sync::Arc;

use ::store::Entity;
use actors::{Attempt, Call, Effects, Host};
use async_trait::async_trait;
use workflows::{
    IdentificationState,
    identification::otp::{Command, Creation, Effect, Otp},
    sign_process::{self, SignProcess},
};

use super::{World, messages::Draft, refused, told};
use crate::{
    channels::{Secret, texts::Content},
    receipts::{Kind, Subject},
};

pub(super) struct Adapter {
    pub world: Arc<World>,
    pub sign: Host<SignProcess>,
}

#[async_trait]
impl Effects<Otp> for Adapter {
    async fn perform(&self, call: Call<Otp>) -> Attempt<Otp> {
        match call.effect {
            Effect::SendCode { challenge, until } => self.send_code(&call, challenge, until).await,
            Effect::TellProcess { sign_process, state } => {
                let command = sign_process::Command::Identification { identification: call.entity.id, state };
                told(self.sign.ask(&call.entity.organization, sign_process, command).await)
            }
        }
    }

    fn repeatable(&self, entity: &Entity, effect: &Effect, state: &Otp) -> bool {
        match (effect, state.life()) {
            (Effect::SendCode { .. }, Some(life)) => {
                self.world.channels.repeatable(&entity.organization, life.creation.channel, life.creation.external)
            }
            (Effect::SendCode { .. }, None) => false,
            (Effect::TellProcess { .. }, _) => true,
        }
    }

    fn before_answer(&self, effect: &Effect) -> bool {
        matches!(effect, Effect::TellProcess { .. })
    }
}

impl Adapter {
    async fn send_code(&self, call: &Call<Otp>, challenge: uuid::Uuid, until: chrono::DateTime<chrono::Utc>) -> Attempt<Otp> {
        let Some(life) = call.state.alive() else { return refused("the identification was deleted") };
        // A late code would only confuse: a newer one was asked for, or nobody can use it any more.
        if life.state != IdentificationState::Created || life.challenges.last().is_none_or(|last| last.id != challenge) {
            return refused("the code is no longer wanted");
        }
        let creation = &life.creation;
        let code = self.world.codes.code(challenge, creation.policy.digits(creation.channel));
        let minutes = u32::try_from((until - call.now).num_seconds().max(0)).unwrap_or(0).div_ceil(60);
        let draft = Draft {
            organization: &call.entity.organization,
            reference: call.idempotency_key(),
            channel: creation.channel,
            external: creation.external,
            person: &creation.actor,
            documents: creation.purpose.documents.clone(),
            content: Content::OtpCode { code: Secret::new(code), minutes, domain: None },
            until,
            receipt_url: self.receipt_url(call, creation, challenge),
        };
        match self.world.send(draft, call.now).await {
            Ok(provider_id) => Attempt::Done(Some(Command::Delivered { challenge, provider_id })),
            Err(attempt) => attempt,
        }
    }

    /// Where the gateway is to report what becomes of the message, if it does.
    fn receipt_url(&self, call: &Call<Otp>, creation: &Creation, challenge: uuid::Uuid) -> Option<String> {
        let (organization, channel, external) = (&*call.entity.organization, creation.channel, creation.external);
        if !self.world.channels.reports(organization, channel, external) {
            return None;
        }
        let organization = organization.to_owned();
        let subject = Subject { organization, kind: Kind::Otp, id: call.entity.id, challenge, channel, external };
        self.world.receipts.url(&subject, call.now)
    }
}
