//! One-time codes, asked for and answered: for an operation of the API, and for whatever else has somebody identified.

use std::time::Duration;

use uuid::Uuid;
use workflows::{
    Device, IdentificationState,
    identification::otp::{CodeCommand, CodeHash, Data, Otp, ResumeHash},
    values::{Problems, check_second_factor},
};

use super::Processes;
use crate::{code_limits::CodeLimits, codes::Codes};

/// How long whoever asks for a code waits for what the phone's operator says of the number. An operator that takes longer is still obeyed: the
/// code goes out, or does not, after the caller was answered.
const OPERATOR_PATIENCE: Duration = Duration::from_secs(10);

/// Why a code does not go out, or is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the second factor is not valid")]
    Invalid(Problems),
    /// Because of what the phone's operator said, which is none of the caller's business.
    #[error("the code was not sent, as the number could not be confirmed; use another way to identify the person")]
    Refused,
    #[error(transparent)]
    Limits(#[from] crate::code_limits::Error),
    #[error(transparent)]
    Process(#[from] actors::Error),
}

/// What asking for codes and answering them needs.
pub struct Challenges<'a> {
    pub processes: &'a Processes,
    pub codes: &'a Codes,
    pub limits: &'a CodeLimits,
    /// Process time.
    pub now: store::Timestamp,
}

/// What a code proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Who somebody is: the identification becomes VALIDATED.
    First,
    /// That it is the same person still: the identification is VALIDATED, and stays so.
    Again,
}

impl Proof {
    /// In which state the identification is before it.
    fn state(self) -> IdentificationState {
        match self {
            Self::First => IdentificationState::Created,
            Self::Again => IdentificationState::Validated,
        }
    }
}

/// A code that somebody typed, and what came with it.
pub struct Answer<'a> {
    pub code: &'a str,
    pub two_factor: Option<String>,
    pub device: Device,
    /// Of the key with which the page may come back.
    pub resume: Option<ResumeHash>,
}

impl Challenges<'_> {
    /// Asks for a code. Answers the second factor that was used.
    ///
    /// # Errors
    /// [`Error`]; no code goes out then.
    pub async fn challenge(
        &self,
        organization: &str,
        id: Uuid,
        proof: Proof,
        two_factor: Option<String>,
    ) -> Result<Option<String>, Error> {
        let otp = self.processes.otp.read(organization, id).await?;
        let data = otp.existing().map_err(actors::Error::Refused)?;
        check(two_factor.as_deref())?;
        self.admit(organization, data, proof, two_factor.as_deref()).await?;
        let used = data.creation.two_factor_type.and(two_factor.clone());
        let (id_of_code, hash) = self.new_code(data);
        let command = match proof {
            Proof::First => CodeCommand::Challenge { id: id_of_code, hash, two_factor },
            Proof::Again => CodeCommand::ChallengeAgain { id: id_of_code, hash, two_factor },
        };
        let otp = self.processes.otp.ask(organization, id, command.into()).await?;
        if otp.data().is_some_and(|data| data.asks_operator()) {
            let is_known = |otp: &Otp| otp.data().is_none_or(|data| !data.awaits_operator(id_of_code));
            let otp = self.processes.otp.until(organization, id, OPERATOR_PATIENCE, is_known).await?;
            if otp.data().is_some_and(|data| data.is_code_refused(id_of_code)) {
                return Err(Error::Refused);
            }
        }
        Ok(used)
    }

    /// Answers the current code. The answer is the signature that the person may make now; an identification of its own has none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn validate(&self, organization: &str, id: Uuid, proof: Proof, answer: Answer<'_>) -> Result<Option<Uuid>, Error> {
        let Answer { code, two_factor, device, resume } = answer;
        check(two_factor.as_deref())?;
        let otp = self.processes.otp.read(organization, id).await?;
        let current = otp.existing().map_err(actors::Error::Refused)?.current_challenge();
        let code = self.codes.typed(current, code);
        let command = match proof {
            Proof::First => CodeCommand::Validate { code, two_factor, device, resume },
            Proof::Again => CodeCommand::ProveAgain { code, two_factor, device, resume },
        };
        let otp = self.processes.otp.ask(organization, id, command.into()).await?;
        Ok(otp.existing().ok().and_then(|data| data.creation.purpose.signature))
    }

    /// Only codes that go out count: who is refused must not use up another's share.
    async fn admit(&self, organization: &str, data: &Data, proof: Proof, two_factor: Option<&str>) -> Result<(), Error> {
        if data.grants_challenge(self.now, proof.state(), two_factor) {
            let destination = data.creation.actor.counted_destination(data.creation.channel).unwrap_or_default();
            self.limits.admit(organization, &destination).await?;
        }
        Ok(())
    }

    /// The code itself is made again when it is sent.
    fn new_code(&self, data: &Data) -> (Uuid, CodeHash) {
        let id = Uuid::new_v4();
        let code = self.codes.code(id, data.creation.digits());
        (id, self.codes.hash(id, &code))
    }
}

fn check(two_factor: Option<&str>) -> Result<(), Error> {
    let mut problems = Problems::default();
    problems.take("two_factor", two_factor.map_or(Ok(()), check_second_factor));
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}
