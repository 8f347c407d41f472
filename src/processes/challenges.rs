//! One-time codes, asked for and answered: for an operation of the API, and for whatever else has somebody identified.

use std::time::Duration;

use uuid::Uuid;
use workflows::{
    Device,
    identification::otp::{CodeCommand, CodeHash, Data, Otp},
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

impl Challenges<'_> {
    /// Asks for a code. Answers the second factor that was used.
    ///
    /// # Errors
    /// [`Error`]; no code goes out then.
    pub async fn challenge(&self, organization: &str, id: Uuid, two_factor: Option<String>) -> Result<Option<String>, Error> {
        let otp = self.processes.otp.read(organization, id).await?;
        let data = otp.existing().map_err(actors::Error::Refused)?;
        check(two_factor.as_deref())?;
        self.admit(organization, data, two_factor.as_deref()).await?;
        let used = data.creation.two_factor_type.and(two_factor.clone());
        let (id_of_code, hash) = self.new_code(data);
        let command = CodeCommand::Challenge { id: id_of_code, hash, two_factor };
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
    pub async fn validate(
        &self,
        organization: &str,
        id: Uuid,
        code: &str,
        two_factor: Option<String>,
        device: Device,
    ) -> Result<Option<Uuid>, Error> {
        check(two_factor.as_deref())?;
        let otp = self.processes.otp.read(organization, id).await?;
        let current = otp.existing().map_err(actors::Error::Refused)?.current_challenge();
        let command = CodeCommand::Validate { code: self.codes.typed(current, code), two_factor, device };
        let otp = self.processes.otp.ask(organization, id, command.into()).await?;
        Ok(otp.existing().ok().and_then(|data| data.creation.purpose.signature))
    }

    /// Only codes that go out count: who is refused must not use up another's share.
    async fn admit(&self, organization: &str, data: &Data, two_factor: Option<&str>) -> Result<(), Error> {
        if data.grants_challenge(self.now, two_factor) {
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
