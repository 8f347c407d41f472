//! What holds whatever is commanded, in whatever order, at whatever time.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::testing::cases;

const MOST: usize = 3;

/// One thing that happens. Positions and indices may lie outside of the process.
#[derive(Clone, Debug)]
enum Step {
    Wait {
        seconds: i64,
    },
    /// Waits to within a nanosecond of the machine's own next moment.
    WaitForWake {
        nanoseconds: i64,
    },
    Identification {
        position: usize,
        state: IdentificationState,
    },
    Preview {
        position: usize,
    },
    Sign {
        position: usize,
    },
    /// As one kind of signature, whatever the process asks for.
    SignAs {
        kind: SignType,
        position: usize,
    },
    Cancel,
    Decline {
        position: usize,
    },
    RenewLink {
        position: usize,
    },
    SendLinkAgain {
        position: usize,
    },
    HandOver {
        position: usize,
    },
    Seal {
        index: usize,
    },
    Certify,
    Notice {
        position: usize,
    },
    CreateAgain,
    /// Gives up one of the effects asked for so far.
    GiveUp {
        effect: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    use IdentificationState::{Cancelled, Created, Expired, Failed, Succeeded, Validated};
    let position = || 0..MOST + 1;
    let ended = prop::sample::select(vec![Created, Failed, Cancelled, Expired, Succeeded]);
    prop_oneof![
        3 => (0..300i64).prop_map(|seconds| Step::Wait { seconds }),
        1 => (-1..=1i64).prop_map(|nanoseconds| Step::WaitForWake { nanoseconds }),
        20 => position().prop_map(|position| Step::Identification { position, state: Validated }),
        2 => (position(), ended).prop_map(|(position, state)| Step::Identification { position, state }),
        5 => position().prop_map(|position| Step::Preview { position }),
        30 => position().prop_map(|position| Step::Sign { position }),
        5 => (any_kind(), position()).prop_map(|(kind, position)| Step::SignAs { kind, position }),
        1 => Just(Step::Cancel),
        1 => position().prop_map(|position| Step::Decline { position }),
        3 => position().prop_map(|position| Step::RenewLink { position }),
        2 => position().prop_map(|position| Step::SendLinkAgain { position }),
        3 => position().prop_map(|position| Step::HandOver { position }),
        20 => position().prop_map(|index| Step::Seal { index }),
        10 => Just(Step::Certify),
        3 => position().prop_map(|position| Step::Notice { position }),
        1 => Just(Step::CreateAgain),
        1 => any::<usize>().prop_map(|effect| Step::GiveUp { effect }),
    ]
}

fn any_kind() -> impl Strategy<Value = SignType> {
    prop::sample::select(vec![SignType::Simple, SignType::Biometric])
}

fn any_creation() -> impl Strategy<Value = Creation> {
    let notices = prop::sample::subsequence(vec![Channel::Sms, Channel::Email], 0..=2);
    (1..=MOST, 1..=MOST, 0..7200i64, notices, any_kind()).prop_map(|(signers, documents, seconds, notices, sign_type)| Creation {
        sign_type,
        expires_at: start() + Duration::seconds(seconds),
        notices,
        ..creation(signers, documents)
    })
}

impl World {
    fn take(&mut self, step: &Step, creation: &Creation) -> Answer {
        match step {
            Step::Wait { seconds } => self.process.advance(Duration::seconds(*seconds)),
            Step::WaitForWake { nanoseconds } => {
                if let Some(wake_at) = self.process.machine.wake_at() {
                    self.process.now = self.process.now.max(wake_at + Duration::nanoseconds(*nanoseconds));
                }
            }
            Step::Identification { position, state } => self.hear(*position, *state),
            Step::Preview { position } => return self.preview(*position),
            Step::Sign { position } => return self.sign(*position),
            Step::SignAs { kind, position } => return self.sign_as(*kind, *position),
            Step::Cancel => return self.cancel(),
            Step::Decline { position } => return self.decline(*position),
            Step::RenewLink { position } => return self.renew_link(*position),
            Step::SendLinkAgain { position } => return self.send_link_again(*position),
            Step::HandOver { position } => return self.hand_over(*position),
            Step::Seal { index } => self.seal(*index),
            Step::Certify => self.certify(),
            Step::Notice { position } => self.notice(*position, Ok(Taken::default())),
            Step::CreateAgain => return self.tell(Command::Create(Box::new(creation.clone()))),
            Step::GiveUp { effect } => {
                let effect = self.process.effects[effect % self.process.effects.len()].clone();
                let given_up = SignProcess::given_up(&effect, "given up");
                given_up.map_or(Ok(()), |command| self.tell(command)).expect("what was given up is taken");
            }
        }
        Ok(())
    }
}

/// SIGNED only when all have signed, CERTIFIED only when all is sealed too.
fn assert_status_is_earned(data: &Data) {
    let all_signed = data.signatures.iter().all(|signature| signature.status == SignatureStatus::Succeeded);
    let all_sealed = data.sealed.iter().all(Option::is_some);
    match data.status {
        Status::Signed => assert!(all_signed),
        Status::Certified => assert!(all_signed && all_sealed && data.certificate.is_some()),
        _ => assert!(data.certificate.is_none()),
    }
    assert_eq!(data.completed_at.is_some(), all_signed);
    for signature in &data.signatures {
        let by_hand = signature.signed.is_some() && data.creation.sign_type == SignType::Biometric;
        assert_eq!(
            signature.handwriting.is_some(),
            by_hand,
            "a signature by hand where the process asks for one, and only there"
        );
    }
    assert!(data.declined.is_none() || data.status == Status::Cancelled, "who declines ends it");
    let links = data.signatures.iter().map(|signature| &signature.link);
    assert!(links.clone().all(|link| link.renewed.len() <= RENEWALS_PER_DAY && link.generation <= MAX_GENERATION));
    assert!(links.clone().all(|link| link.renewed.windows(2).all(|two| two[0] <= two[1])));
    let open = data.signatures.iter().any(|signature| signature.status == SignatureStatus::Created);
    assert_eq!(open, data.status == Status::Created, "a signature is open exactly while the process is CREATED");
}

/// No signature without its own identification VALIDATED before it, and not lost since.
fn assert_signatures_follow_identifications(process: &Driver<SignProcess>) {
    let mut identified = std::collections::BTreeSet::new();
    let data = process.machine.data().expect("it was created");
    for (_, event) in &process.journal {
        match event {
            Event::Identified { identification } => assert!(identified.insert(*identification), "noted twice"),
            Event::IdentificationLost { identification, .. } => {
                identified.remove(identification);
            }
            Event::Signed { signature, .. } => {
                let position = data.position(*signature).expect("a signature of this process");
                assert!(identified.contains(&data.creation.signers[position].identification), "signed without identification");
            }
            _ => {}
        }
    }
}

fn assert_effects_are_asked_for_once(process: &Driver<SignProcess>) {
    let is_link = |effect: &&Effect| matches!(effect, Effect::SendLink { .. });
    for (index, effect) in process.effects.iter().enumerate().filter(|(_, effect)| !is_link(effect)) {
        assert!(!process.effects[..index].contains(effect), "{effect:?} is asked for twice");
    }
    // The same link goes out as often as somebody wanted it to.
    let wanted = |event: &Event| matches!(event, Event::LinkRenewed { .. } | Event::LinkSentAgain { .. });
    let wanted = process.journal.iter().filter(|(_, event)| wanted(event)).count();
    assert_eq!(process.effects.iter().filter(is_link).count(), wanted, "one message for each link that was wanted");
}

/// What waits without a deadline waits for an effect: its result, or its being given up, goes on.
fn assert_never_stuck(process: &Driver<SignProcess>) {
    let data = process.machine.data().expect("it was created");
    match data.status {
        Status::Created => assert_eq!(process.machine.wake_at(), Some(data.creation.expires_at)),
        Status::Signed => {
            let unsealed = data.creation.documents.iter().zip(&data.sealed).find(|(_, sealed)| sealed.is_none());
            let awaited = unsealed.map_or(Effect::Certify, |(document, _)| Effect::Seal { document: document.id });
            assert!(process.effects.contains(&awaited), "nobody was asked for {awaited:?}");
            let given_up = SignProcess::given_up(&awaited, "given up").expect("the process must know");
            assert!(!process.machine.decide(process.now, given_up).events.is_empty(), "giving up does not end it");
        }
        _ => assert_eq!(process.machine.wake_at(), None),
    }
}

fn assert_given_up_effects_are_taken(process: &Driver<SignProcess>) {
    for effect in &process.effects {
        if let Some(command) = SignProcess::given_up(effect, "given up") {
            assert_eq!(process.machine.decide(process.now, command).answer, Ok(()), "{effect:?}");
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    use IdentificationState::{Created, Expired, Succeeded, Validated};
    let position = || 0..MOST + 1;
    let state = prop::sample::select(vec![Created, Validated, Expired, Succeeded]);
    let failed = prop::option::of(position().prop_map(signature));
    prop_oneof![
        any_creation().prop_map(|creation| Event::Created(Box::new(creation))),
        position().prop_map(|position| Event::Identified { identification: identification(position) }),
        (position(), state)
            .prop_map(|(position, state)| Event::IdentificationLost { identification: identification(position), state }),
        position().prop_map(|position| Event::Previewed { signature: signature(position), device: device() }),
        (position(), any::<bool>()).prop_map(|(position, by_hand)| Event::Signed {
            signature: signature(position),
            device: device(),
            handwriting: by_hand.then(|| Box::new(handwriting(position))),
        }),
        Just(Event::Completed),
        position().prop_map(|index| Event::Sealed { document: document(index), sealed: sealed(index) }),
        Just(Event::Certified { certificate: CERTIFICATE, seal: Seal::default() }),
        failed.prop_map(|signature| Event::Failed { reason: "so".into(), signature }),
        Just(Event::Cancelled { reason: "so".into(), by: None }),
        position().prop_map(|position| Event::Declined { signature: signature(position), reason: "so".into(), device: device() }),
        position().prop_map(|position| Event::LinkRenewed { signature: signature(position), by: None }),
        position().prop_map(|position| Event::LinkSentAgain { signature: signature(position), by: hand() }),
        position().prop_map(|position| Event::HandedOver {
            signature: signature(position),
            by: Staff { subject: "u-7".into(), name: "Eva".into(), ip: None },
            to: device(),
        }),
        Just(Event::Expired),
        position().prop_map(|position| Event::Noticed {
            signature: signature(position),
            notice: Notice::Certified,
            taken: Taken::default(),
            failure: None
        }),
    ]
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn the_promises_hold_whatever_is_commanded(creation in any_creation(), steps in vec(step(), 1..60)) {
        let mut world = World::of(creation.clone());
        for step in &steps {
            world.process.look();
            let before = world.data().clone();
            let answer = world.take(step, &creation);
            let after = world.data();
            if before.status.is_final() {
                prop_assert_eq!(after, &before, "a final state changed by {:?}, answered {:?}", step, answer);
            }
            assert_status_is_earned(after);
            assert_signatures_follow_identifications(&world.process);
            assert_effects_are_asked_for_once(&world.process);
            assert_never_stuck(&world.process);
            assert_given_up_effects_are_taken(&world.process);
        }
    }

    #[test]
    fn any_events_in_any_order_can_be_applied(events in vec((any_event(), 0..9999i64), 0..60)) {
        let mut process = SignProcess::default();
        for (event, seconds) in &events {
            let before = process.clone();
            let admitted = event.leads(process.stage()).is_some();
            process.apply(start() + Duration::seconds(*seconds), event);
            process.effects(event);
            prop_assert!(admitted || process == before, "{:?} does not fit and changed something", event);
            if before.data().is_some_and(|data| data.status.is_final()) {
                prop_assert_eq!(&process, &before, "a final state changed");
            }
            let written = serde_json::to_string(&process).expect("it can be written");
            let restored: SignProcess = serde_json::from_str(&written).expect("it can be read back");
            prop_assert_eq!(&restored, &process);
        }
    }
}
