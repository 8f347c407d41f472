//! A process and the identifications of its signers, with effects that are late, repeated and out of order.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    identification::otp::{self, Otp},
    testing::{SECRET, cases, hash, typed},
};

const SIGNERS: usize = 2;

/// An effect that is still to be performed.
#[derive(Clone, Debug)]
enum Job {
    OfProcess(Effect),
    OfIdentification(usize, otp::Effect),
}

#[derive(Clone, Debug)]
enum Step {
    Wait {
        seconds: i64,
    },
    /// Performs one of the effects that wait; with `again` it is performed once more later, as after a crash.
    Perform {
        which: usize,
        again: bool,
    },
    PerformAll,
    Ask {
        position: usize,
    },
    Answer {
        position: usize,
        right: bool,
    },
    Sign {
        position: usize,
    },
    CancelProcess,
    CancelIdentification {
        position: usize,
    },
    CloseIdentification {
        position: usize,
    },
    DeleteIdentification {
        position: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let position = || 0..SIGNERS;
    prop_oneof![
        8 => (0..200i64).prop_map(|seconds| Step::Wait { seconds }),
        40 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(which, again)| Step::Perform { which, again }),
        10 => Just(Step::PerformAll),
        20 => position().prop_map(|position| Step::Ask { position }),
        20 => (position(), prop::bool::weighted(0.8)).prop_map(|(position, right)| Step::Answer { position, right }),
        30 => position().prop_map(|position| Step::Sign { position }),
        1 => Just(Step::CancelProcess),
        1 => position().prop_map(|position| Step::CancelIdentification { position }),
        1 => position().prop_map(|position| Step::CloseIdentification { position }),
        1 => position().prop_map(|position| Step::DeleteIdentification { position }),
    ]
}

/// A process, its identifications and what they still ask for, on one clock.
struct Together {
    process: Driver<SignProcess>,
    otps: Vec<Driver<Otp>>,
    jobs: Vec<Job>,
    challenges: u128,
}

impl Together {
    fn new() -> Self {
        let mut together =
            Self { process: Driver::new(), otps: (0..SIGNERS).map(|_| Driver::new()).collect(), jobs: Vec::new(), challenges: 0 };
        together.tell_process(Command::Create(Box::new(creation(SIGNERS, 2))));
        together
    }

    /// Whatever the answer: a refusal is an answer too.
    fn tell_process(&mut self, command: Command) {
        let _ = self.process.tell(command);
        self.collect();
    }

    fn tell_otp(&mut self, position: usize, command: impl Into<otp::Command>) {
        let _ = self.otps[position].tell(command);
        self.collect();
    }

    fn collect(&mut self) {
        self.jobs.extend(self.process.new_effects().into_iter().map(Job::OfProcess));
        for (position, otp) in self.otps.iter_mut().enumerate() {
            self.jobs.extend(otp.new_effects().into_iter().map(|effect| Job::OfIdentification(position, effect)));
        }
    }

    fn advance(&mut self, by: Duration) {
        self.process.advance(by);
        self.otps.iter_mut().for_each(|otp| otp.advance(by));
    }

    fn look(&mut self) {
        self.process.look();
        self.otps.iter_mut().for_each(Driver::look);
        self.collect();
    }

    fn position(&self, identification: Uuid) -> usize {
        let data = self.process.machine.data().expect("it was created");
        data.position_of_identification(identification).expect("an identification of this process")
    }

    /// Performs an effect as the adapters do: a refusal by an identification that has ended is the end of the effect, one
    /// by an identification that is not there yet is a reason to try again.
    fn perform(&mut self, job: Job) {
        match job.clone() {
            Job::OfProcess(Effect::CreateIdentification { position }) => {
                let creation = otp::Creation {
                    actor: signer(position).person,
                    channel: Channel::Email,
                    external: false,
                    two_factor_type: None,
                    expires_at: start() + Duration::hours(1),
                    policy: Policy::default(),
                    contact_policy: otp::ContactPolicy::default(),
                    link_channel: None,
                    purpose: otp::Purpose { sign_process: Some(process()), ..otp::Purpose::default() },
                };
                self.tell_otp(position, otp::Command::Create(Box::new(creation)));
            }
            Job::OfProcess(Effect::CloseIdentification { identification }) => {
                self.tell_otp(self.position(identification), otp::Command::Close);
            }
            Job::OfProcess(Effect::CancelIdentification { identification, reason }) => {
                let position = self.position(identification);
                if self.otps[position].machine.data().is_none() {
                    self.jobs.insert(0, job);
                } else {
                    self.tell_otp(position, otp::Command::Cancel { reason: Some(reason), by: None });
                }
            }
            Job::OfProcess(Effect::Seal { document }) => self.tell_process(Command::Sealed { document, sealed: sealed(0) }),
            Job::OfProcess(Effect::Certify) => {
                self.tell_process(Command::Certified { certificate: CERTIFICATE, seal: Seal::default() })
            }
            Job::OfProcess(Effect::TellContract { .. } | Effect::Release | Effect::Notify { .. } | Effect::SendLink { .. }) => {}
            Job::OfIdentification(position, otp::Effect::Own(effect)) => {
                let (otp::CodeEffect::SendCode { challenge, .. }
                | otp::CodeEffect::Reroute { challenge, .. }
                | otp::CodeEffect::CheckNumber { challenge, .. }) = effect;
                let taken = otp::Taken::default();
                self.tell_otp(position, otp::CodeCommand::Delivered { challenge, channel: None, taken });
            }
            Job::OfIdentification(position, otp::Effect::TellProcess { state, .. }) => {
                self.tell_process(Command::Identification { identification: identification(position), state });
            }
            Job::OfIdentification(_, otp::Effect::TellChain { .. }) => unreachable!("a signer's identification is no step"),
        }
    }

    /// Performs what is asked for until nothing is, newest first: the most unlikely order.
    fn perform_all(&mut self) {
        for _ in 0..1000 {
            let Some(job) = self.jobs.pop() else { return };
            self.perform(job);
        }
        panic!("the effects never come to an end: {:?}", self.jobs);
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Wait { seconds } => self.advance(Duration::seconds(*seconds)),
            Step::Perform { .. } if self.jobs.is_empty() => {}
            Step::Perform { which, again } => {
                let job = self.jobs.swap_remove(which % self.jobs.len());
                self.perform(job.clone());
                self.jobs.extend(again.then_some(job));
            }
            Step::PerformAll => self.perform_all(),
            Step::Ask { position } => {
                self.challenges += 1;
                let id = Uuid::from_u128(self.challenges);
                self.tell_otp(*position, otp::CodeCommand::Challenge { id, hash: hash(id, SECRET), two_factor: None });
            }
            Step::Answer { position, right } => {
                let code = if *right { SECRET.into() } else { format!("{SECRET} wrong") };
                let current = self.otps[*position].machine.existing().ok().and_then(otp::Data::current_challenge);
                let code = typed(current, &code);
                let answer = otp::CodeCommand::Validate { code, two_factor: None, device: device(), resume: None };
                self.tell_otp(*position, answer);
            }
            Step::Sign { position } => {
                self.tell_process(Command::Sign { signature: signature(*position), device: device(), handwriting: None })
            }
            Step::CancelProcess => self.tell_process(Command::Cancel { reason: "not needed".into(), by: None }),
            Step::CancelIdentification { position } => self.tell_otp(*position, otp::Command::Cancel { reason: None, by: None }),
            Step::CloseIdentification { position } => self.tell_otp(*position, otp::Command::Close),
            Step::DeleteIdentification { position } => self.tell_otp(*position, otp::Command::Delete { force: true }),
        }
    }

    fn status(&self) -> Status {
        self.process.machine.data().expect("it was created").status
    }

    fn assert_who_signed_was_identified_before(&self) {
        let data = self.process.machine.data().expect("it was created");
        for (signature, otp) in data.signatures.iter().zip(&self.otps) {
            if let Some(signed) = &signature.signed {
                let validated = otp.machine.data().and_then(|data| data.validated.as_ref());
                assert!(validated.is_some_and(|validated| validated.at <= signed.at), "signed without a validated code");
            }
        }
    }

    /// Once all effects are performed: no identification outlives its process, none that was used stays open.
    fn assert_settled(&self) {
        let data = self.process.machine.data().expect("it was created");
        for (signature, otp) in data.signatures.iter().zip(&self.otps) {
            let state = otp.machine.data().expect("it was created").state;
            let open = otp.machine.existing().is_ok() && !state.is_final();
            let used = signature.status == SignatureStatus::Succeeded;
            assert!(!(open && (used || data.status.is_final())), "{state:?} in a process that is {:?}", data.status);
        }
        assert_ne!(data.status, Status::Signed, "all effects were performed");
    }
}

#[test]
fn a_process_and_its_identifications_end_together() {
    let mut together = Together::new();
    together.perform_all();
    for position in 0..SIGNERS {
        together.take(&Step::Ask { position });
        together.take(&Step::Answer { position, right: true });
        together.perform_all();
        together.take(&Step::Sign { position });
    }
    together.perform_all();
    assert_eq!(together.status(), Status::Certified);
    assert!(together.otps.iter().all(|otp| otp.machine.stage().name() == "SUCCEEDED"));
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_process_and_its_identifications_agree_whatever_is_late_or_repeated(steps in vec(step(), 1..80)) {
        let mut together = Together::new();
        for step in &steps {
            together.take(step);
            together.look();
            together.assert_who_signed_was_identified_before();
        }
        together.perform_all();
        together.assert_settled();
        together.advance(Duration::hours(2));
        together.look();
        together.perform_all();
        together.assert_settled();
        prop_assert!(together.status().is_final());
        prop_assert!(together.otps.iter().all(|otp| otp.machine.wake_at().is_none()));
    }
}
