use super::*;

pub(super) fn staff() -> Staff {
    Staff { subject: "u-7".into(), name: "Eva".into(), ip: Some("192.0.2.9".into()) }
}

impl World {
    pub(super) fn hand_over(&mut self, position: usize) -> Answer {
        self.tell(Command::HandOver { signature: signature(position), by: staff(), to: device() })
    }
}

#[test]
fn a_device_is_handed_over_to_whom_somebody_identified_until_they_sign() {
    let mut world = World::of(creation(2, 1));
    let before = world.data().clone();
    assert_eq!(world.hand_over(0), wrong_state("the signer is not identified"));
    assert_eq!(world.data(), &before, "nothing was recorded");
    world.identify(0);
    assert_eq!((world.hand_over(0), world.hand_over(0)), (Ok(()), Ok(())));
    assert_eq!(world.data().signatures[0].handed, 2);
    assert_eq!(world.hand_over(1), wrong_state("the signer is not identified"), "of each signer by themselves");
    assert_eq!(world.sign(0), Ok(()));
    assert_eq!(world.hand_over(0), wrong_state("signed already"));
    assert_eq!(world.hand_over(7), Err(NOT_FOUND));
    assert_eq!(world.cancel(), Ok(()));
    assert_eq!(world.hand_over(1), wrong_state("CANCELLED"));
}

#[test]
fn agents_do_not_fill_the_journal() {
    let mut world = World::of(creation(1, 1));
    world.identify(0);
    for _ in 0..MAX_HANDED {
        assert_eq!(world.hand_over(0), Ok(()));
    }
    assert!(matches!(world.hand_over(0), Err(Refusal::State(_))));
    assert_eq!(world.sign(0), Ok(()), "and the signer can still sign");
}
