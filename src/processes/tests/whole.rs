//! A whole process, performed as the server does it, while the store fails at random.

use std::time::Duration;

use ::store::faulty::Plan;
use chrono::TimeDelta;
use uuid::Uuid;
use workflows::{
    IdentificationState,
    identification::otp::{self, Otp},
    sign_process::{self, SignProcess, Status},
};

use super::{EMAIL, ORGANIZATION, Setting, eventually, server::Server, sign_command};
use crate::{channels::sandbox::Stored, processes::Processes};

/// One call of the store in five does not do what it is asked, or does not know whether it did.
pub(super) const PLAN: Plan =
    Plan { refused: 100, unknown_applied: 50, unknown_not_applied: 50, delayed: 50, delay: Duration::from_micros(100) };

/// A client that asks until it sees what it wants, as one does that is answered 503 now and then; time passes meanwhile.
pub(super) struct Client<'a> {
    pub setting: &'a Setting,
    pub processes: &'a Processes,
}

impl Client<'_> {
    pub async fn drive(
        &self,
        process: Uuid,
        command: Option<sign_process::Command>,
        step: TimeDelta,
        is_so: fn(&SignProcess) -> bool,
    ) {
        eventually(&format!("{command:?}"), async || {
            if let Some(command) = command.clone() {
                // Refusals are those of what was done before and not answered.
                let _ = self.processes.sign.ask(ORGANIZATION, process, command).await;
            }
            self.setting.clock.advance(step);
            self.processes.sign.read(ORGANIZATION, process).await.is_ok_and(|process| is_so(&process))
        })
        .await;
    }

    async fn identify(&self, identification: Uuid, command: Option<otp::Command>, step: TimeDelta, is_so: fn(&Otp) -> bool) {
        eventually(&format!("{command:?}"), async || {
            if let Some(command) = command.clone() {
                let _ = self.processes.otp.ask(ORGANIZATION, identification, command).await;
            }
            self.setting.clock.advance(step);
            self.processes.otp.read(ORGANIZATION, identification).await.is_ok_and(|otp| is_so(&otp))
        })
        .await;
    }

    /// The signer asks for a code, types it, and signs. Gives the code.
    pub async fn sign(&self, process: Uuid, identification: Uuid) -> String {
        let (setting, still, second) = (self.setting, TimeDelta::zero(), TimeDelta::seconds(1));
        self.identify(identification, None, second, |otp| otp.existing().is_ok()).await;
        let (challenge, command) = setting.challenge();
        let asked = |otp: &Otp| otp.existing().is_ok_and(|data| !data.own.challenges.is_empty());
        self.identify(identification, Some(command), still, asked).await;
        let code = setting.code(challenge);
        let mut looks = 0;
        eventually("the code is sent", async || {
            // What could not begin is tried again after a pause; the code is good for longer than all of this takes.
            looks += 1;
            setting.clock.advance(if looks % 100 == 0 { second } else { still });
            !setting.messages(|message| message.text.contains(&code)).is_empty()
        })
        .await;
        let validated = |otp: &Otp| otp.existing().is_ok_and(|data| data.state == IdentificationState::Validated);
        self.identify(identification, Some(setting.validate(challenge)), still, validated).await;
        let signed = |process: &SignProcess| process.data().is_some_and(|data| data.signatures[0].signed.is_some());
        self.drive(process, Some(sign_command(process)), second, signed).await;
        code
    }
}

/// Of the two notices only the request to sign has a link.
fn is_certified_notice(message: &Stored) -> bool {
    message.to == EMAIL && !message.text.contains("sign_process_id=")
}

/// Gives how many calls of the store met a fault.
async fn certified_under_faults(seed: u64) -> u64 {
    let setting = Setting::new(seed, PLAN).await;
    let server = Server::start(&setting);
    let processes = &server.processes;

    let creation = setting.creation().await;
    let (process, identification) = (creation.id, creation.signers[0].identification);
    let client = Client { setting: &setting, processes };
    let (second, minute) = (TimeDelta::seconds(1), TimeDelta::minutes(1));
    client
        .drive(process, Some(sign_process::Command::Create(Box::new(creation))), second, |process| process.data().is_some())
        .await;
    let code = client.sign(process, identification).await;
    let certified = |process: &SignProcess| process.data().is_some_and(|data| data.status == Status::Certified);
    client.drive(process, None, minute, certified).await;

    // What follows the certificate.
    let closed = |otp: &Otp| otp.existing().is_ok_and(|data| data.state == IdentificationState::Succeeded);
    client.identify(identification, None, minute, closed).await;
    eventually("the bytes are released and the signer is told", async || {
        setting.clock.advance(minute);
        setting.held_for_processes().await == 0 && setting.messages(is_certified_notice).len() == 1
    })
    .await;
    assert_eq!(setting.messages(|message| message.text.contains(&code)).len(), 1);
    // A request that was held up until after the signature is not sent any more.
    let requests = setting.messages(|message| message.to == EMAIL).len() - 1;
    assert!(requests <= 1, "{requests} requests to sign");
    setting.assert_intact("SIGNED").await;
    setting.assert_intact("CERTIFICATE").await;

    server.stop().await;
    setting.store.injected()
}

#[actix_rt::test]
async fn a_process_reaches_its_certificate_though_the_store_fails_at_random() {
    let mut faults = 0;
    for seed in 1..=8 {
        faults += certified_under_faults(seed).await;
    }
    assert!(faults > 100, "only {faults} faults");
}
