//! Chains and their steps: effects failed and repeated, crashes between a step and its chain, and whole lives while the store fails.

use ::store::faulty::Fault;
use actors::{Attempt, Effects};
use chrono::TimeDelta;
use uuid::Uuid;
use workflows::{
    Channel, Contact, Device, IdentificationState, Refusal, TwoFactorType,
    identification::{
        chain::{Command, Creation, Data, Settings, Step},
        otp::{self, Otp, Policy},
    },
};

use super::{
    Bare, EMAIL, ORGANIZATION, Setting, eventually,
    server::Server,
    walk::{Failing, Walk},
    whole::PLAN,
};

use IdentificationState::{Cancelled, Created, Failed, Succeeded, Validated};

const STEPS: usize = 2;

fn creation() -> Creation {
    let step = |two_factor_type| Step {
        id: Uuid::new_v4(),
        settings: Settings::Otp {
            channel: Channel::Email,
            external: false,
            two_factor_type,
            policy: Policy::default(),
            contact_policy: Default::default(),
        },
    };
    Creation {
        actor: Contact { email: Some(EMAIL.into()), ..Contact::default() },
        expires_in: TimeDelta::days(1),
        steps: vec![step(None), step(Some(TwoFactorType::Email))],
        device: Device::default(),
    }
}

fn ids(creation: &Creation) -> Vec<Uuid> {
    creation.steps.iter().map(|step| step.id).collect()
}

fn validate() -> Command {
    Command::Validate { device: Device::default() }
}

fn restart() -> Command {
    Command::Restart { device: Device::default(), by: None }
}

fn close() -> Command {
    Command::Close { device: Device::default(), by: None }
}

fn cancel() -> Command {
    Command::Cancel { reason: None, device: Device::default(), by: None }
}

impl Walk {
    async fn ask_chain(&mut self, chain: Uuid, command: Command) {
        self.bare.chain.ask(ORGANIZATION, chain, command).await.expect("accepted");
        self.chain_effects(chain).await;
    }

    async fn do_steps(&mut self, steps: &[Uuid]) {
        for step in steps {
            let (challenge, command) = self.setting.email_challenge();
            self.ask_otp(*step, command).await;
            let command = self.setting.email_validate(challenge);
            self.ask_otp(*step, command).await;
        }
    }
}

/// A chain from the creation through a restart to its close, and another one from the creation to its cancellation.
async fn walk_through(failing: Failing) -> Walk {
    let mut walk = Walk::new(failing).await;
    for ends_well in [true, false] {
        let (chain, creation) = (Uuid::new_v4(), creation());
        let steps = ids(&creation);
        walk.ask_chain(chain, Command::Create(Box::new(creation))).await;
        walk.do_steps(&steps).await;
        if ends_well {
            walk.ask_chain(chain, validate()).await;
            walk.ask_chain(chain, restart()).await;
            walk.do_steps(&steps).await;
            walk.ask_chain(chain, validate()).await;
            walk.ask_chain(chain, close()).await;
        } else {
            walk.ask_chain(chain, cancel()).await;
        }
        for step in &steps {
            walk.otp_effects(*step).await;
        }
        let machine = walk.bare.chain.read(ORGANIZATION, chain).await.expect("readable");
        let data = machine.data().expect("a chain");
        let expected = if ends_well { IdentificationState::Succeeded } else { IdentificationState::Cancelled };
        assert_eq!((data.state, states(data)), (expected, vec![expected; STEPS]));
    }
    let all = ["cancel step", "close step", "create step", "restart step", "send code", "tell chain"];
    assert_eq!(walk.kinds.iter().copied().collect::<Vec<_>>(), all, "an effect was not performed");
    walk
}

fn states(data: &Data) -> Vec<IdentificationState> {
    data.steps.iter().map(|step| step.state).collect()
}

#[actix_rt::test]
async fn an_effect_of_a_chain_that_is_performed_twice_is_seen_once() {
    assert_eq!(walk_through(Failing::Never).await.retried, 0);
}

#[actix_rt::test]
async fn an_effect_of_a_chain_that_fails_leaves_nothing_half_done_and_succeeds_when_repeated() {
    for fault in [Fault::Refused, Fault::UnknownNotApplied, Fault::UnknownApplied] {
        let walk = walk_through(Failing::With(fault)).await;
        assert!(walk.retried > 5, "{fault:?}: only {} attempts failed", walk.retried);
    }
}

impl Server {
    /// Waits until the chain and its steps are in these states, by the chain's own knowledge and by the steps' journals.
    async fn until(&self, setting: &Setting, chain: Uuid, state: IdentificationState, steps: IdentificationState) {
        eventually(&format!("{state:?} with steps that are {steps:?}"), async || {
            setting.clock.advance(TimeDelta::seconds(1));
            let Ok(machine) = self.processes.chain.read(ORGANIZATION, chain).await else { return false };
            let Some(data) = machine.data() else { return false };
            let known = data.state == state && states(data) == [steps; STEPS];
            known && self.states_of(&ids(&data.creation)).await == [Some(steps); STEPS]
        })
        .await;
    }

    async fn states_of(&self, steps: &[Uuid]) -> Vec<Option<IdentificationState>> {
        let mut states = Vec::new();
        for step in steps {
            let machine = self.processes.otp.read(ORGANIZATION, *step).await.ok();
            states.push(machine.and_then(|machine| machine.data().map(|data| data.state)));
        }
        states
    }

    /// A client that asks until it is answered well, as one does that is answered 503 now and then.
    async fn drive(&self, chain: Uuid, command: Command, is_so: fn(&Data) -> bool) {
        eventually(&format!("{command:?}"), async || {
            // Refusals are those of what was done before and not answered.
            let _ = self.processes.chain.ask(ORGANIZATION, chain, command.clone()).await;
            let machine = self.processes.chain.read(ORGANIZATION, chain).await;
            machine.is_ok_and(|machine| machine.data().is_some_and(is_so))
        })
        .await;
    }

    async fn identify(&self, setting: &Setting, step: Uuid) {
        let (challenge, command) = setting.email_challenge();
        for (command, validates) in [(command, false), (setting.email_validate(challenge), true)] {
            eventually("the step takes it", async || {
                let _ = self.processes.otp.ask(ORGANIZATION, step, command.clone()).await;
                let machine = self.processes.otp.read(ORGANIZATION, step).await;
                machine.is_ok_and(|machine| match machine.existing() {
                    Ok(data) if validates => data.state == IdentificationState::Validated,
                    Ok(data) => data.current_challenge() == Some(challenge),
                    Err(_) => false,
                })
            })
            .await;
        }
    }
}

impl Setting {
    fn email_code(&self, challenge: Uuid) -> String {
        self.codes.code(challenge, Policy::default().digits(Channel::Email))
    }

    fn email_challenge(&self) -> (Uuid, otp::Command) {
        let id = Uuid::now_v7();
        let hash = self.codes.hash(id, &self.email_code(id));
        (id, otp::CodeCommand::Challenge { id, hash, two_factor: Some(EMAIL.into()) }.into())
    }

    fn email_validate(&self, challenge: Uuid) -> otp::Command {
        let code = self.codes.typed(Some(challenge), &self.email_code(challenge));
        otp::CodeCommand::Validate { code, two_factor: Some(EMAIL.into()), device: Device::default(), resume: None }.into()
    }
}

/// A server that dies before it performs what one process asks of another, but for what a test performs.
struct Dying {
    setting: Setting,
    bare: Bare,
    chain: Uuid,
    steps: Vec<Uuid>,
}

impl Dying {
    /// With a chain whose steps are not made yet.
    async fn new() -> Self {
        let setting = Setting::calm().await;
        let bare = setting.bare();
        let (chain, creation) = (Uuid::new_v4(), creation());
        let dying = Self { setting, bare, chain, steps: ids(&creation) };
        dying.ask(Command::Create(Box::new(creation))).await.expect("created");
        dying
    }

    /// With steps that are VALIDATED, of which they did not tell the chain.
    async fn with_validated_steps() -> Self {
        let dying = Self::new().await;
        for call in dying.setting.calls(dying.chain).await {
            let attempt = dying.bare.up.chain.perform(call).await;
            assert!(matches!(attempt, Attempt::Done(None)), "{attempt:?}");
        }
        for step in &dying.steps {
            let (challenge, command) = dying.setting.email_challenge();
            for command in [command, dying.setting.email_validate(challenge)] {
                dying.bare.otp.ask(ORGANIZATION, *step, command).await.expect("the step takes it");
            }
        }
        dying
    }

    /// The steps tell the chain all that they have to tell, which may be again.
    async fn tell(&self) {
        for step in &self.steps {
            for call in self.setting.calls::<Otp>(*step).await {
                if matches!(call.effect, otp::Effect::TellChain { .. }) {
                    let attempt = self.bare.up.otp.perform(call).await;
                    assert!(matches!(attempt, Attempt::Done(None)), "{attempt:?}");
                }
            }
        }
    }

    async fn ask(&self, command: Command) -> Result<(), actors::Error> {
        self.bare.chain.ask(ORGANIZATION, self.chain, command).await.map(drop)
    }

    /// It dies, and another server starts on its store.
    fn die(self) -> (Setting, Server, Uuid, Vec<Uuid>) {
        let Self { setting, bare, chain, steps } = self;
        drop(bare);
        let server = Server::start(&setting);
        (setting, server, chain, steps)
    }
}

#[actix_rt::test]
async fn a_chain_hears_of_its_steps_after_a_crash_between_them() {
    let dying = Dying::with_validated_steps().await;
    let refused = dying.ask(validate()).await;
    assert!(matches!(refused, Err(actors::Error::Refused(Refusal::State(_)))), "{refused:?}");
    let (setting, server, chain, _) = dying.die();
    server.until(&setting, chain, Created, Validated).await;
    server.processes.chain.ask(ORGANIZATION, chain, validate()).await.expect("all steps are VALIDATED");
    server.processes.chain.ask(ORGANIZATION, chain, close()).await.expect("closed");
    server.until(&setting, chain, Succeeded, Succeeded).await;
    server.stop().await;
}

#[actix_rt::test]
async fn the_steps_of_a_closed_chain_are_closed_after_a_crash() {
    let dying = Dying::with_validated_steps().await;
    dying.tell().await;
    dying.ask(validate()).await.expect("all steps are VALIDATED");
    dying.ask(close()).await.expect("closed");
    let (setting, server, chain, _) = dying.die();
    server.until(&setting, chain, Succeeded, Succeeded).await;
    server.stop().await;
}

#[actix_rt::test]
async fn the_steps_of_a_cancelled_chain_end_though_they_were_not_made_before_the_crash() {
    let dying = Dying::new().await;
    dying.ask(cancel()).await.expect("cancelled");
    let (setting, server, chain, _) = dying.die();
    server.until(&setting, chain, Cancelled, Cancelled).await;
    server.stop().await;
}

#[actix_rt::test]
async fn a_restart_reaches_the_steps_after_a_crash_and_what_they_told_before_counts_no_more() {
    let dying = Dying::with_validated_steps().await;
    dying.tell().await;
    dying.ask(validate()).await.expect("all steps are VALIDATED");
    dying.ask(restart()).await.expect("restarted");
    dying.tell().await;
    let (setting, server, chain, steps) = dying.die();
    server.until(&setting, chain, Created, Created).await;
    for step in &steps {
        server.identify(&setting, *step).await;
    }
    server.until(&setting, chain, Created, Validated).await;
    server.processes.chain.ask(ORGANIZATION, chain, validate()).await.expect("all steps are VALIDATED again");
    server.stop().await;
}

#[actix_rt::test]
async fn a_chain_fails_by_a_step_of_which_it_was_not_told_before_the_crash() {
    let dying = Dying::with_validated_steps().await;
    let cancel = otp::Command::Cancel { reason: Some("a mistake".into()), by: None };
    dying.bare.otp.ask(ORGANIZATION, dying.steps[0], cancel).await.expect("cancelled");
    let (setting, server, chain, _) = dying.die();
    server.until(&setting, chain, Failed, Cancelled).await;
    let machine = server.processes.chain.read(ORGANIZATION, chain).await.expect("readable");
    assert_eq!(machine.data().and_then(Data::failure_reason), Some("step 1 (OTP) was cancelled"));
    server.stop().await;
}

/// Gives how many calls of the store met a fault.
async fn closed_under_faults(seed: u64) -> u64 {
    let setting = Setting::new(seed, PLAN).await;
    let server = Server::start(&setting);
    let (chain, creation) = (Uuid::new_v4(), creation());
    let steps = ids(&creation);
    server.drive(chain, Command::Create(Box::new(creation)), |_| true).await;
    server.until(&setting, chain, Created, Created).await;
    for round in 0..2 {
        for step in &steps {
            server.identify(&setting, *step).await;
        }
        server.until(&setting, chain, Created, Validated).await;
        server.drive(chain, validate(), |data| data.state == Validated).await;
        if round == 0 {
            server.drive(chain, restart(), |data| data.round > 0 && data.state == Created).await;
            server.until(&setting, chain, Created, Created).await;
        }
    }
    server.drive(chain, close(), |data| data.state == Succeeded).await;
    server.until(&setting, chain, Succeeded, Succeeded).await;
    server.stop().await;
    setting.store.injected()
}

#[actix_rt::test]
async fn a_chain_reaches_its_end_though_the_store_fails_at_random() {
    let mut faults = 0;
    for seed in 1..=4 {
        faults += closed_under_faults(seed).await;
    }
    assert!(faults > 50, "only {faults} faults");
}
