//! Signatures by hand: which process they are of, and that they are made once.

use super::*;

/// A signature is made as the process asks for it, and never as the other kind, in whatever state.
#[test]
fn a_biometric_process_is_signed_by_hand_and_a_simple_one_is_not() {
    for kind in [SignType::Simple, SignType::Biometric] {
        let other = if kind == SignType::Simple { SignType::Biometric } else { SignType::Simple };
        let mut world = World::of(Creation { sign_type: kind, ..creation(1, 1) });
        world.identify(0);
        let before = world.process.machine.clone();
        assert_eq!(world.sign_as(other, 0), Err(not_of_kind(other)));
        assert_eq!(world.preview_as(other, 0), Err(not_of_kind(other)));
        assert_eq!(world.process.machine, before, "a refusal changes nothing");

        assert_eq!(world.preview(0), Ok(()));
        assert_eq!(world.sign(0), Ok(()));
        let by_hand = (kind == SignType::Biometric).then(|| Box::new(handwriting(0)));
        assert_eq!(world.data().signatures[0].handwriting, by_hand);
        assert_eq!(world.sign_as(other, 0), Err(not_of_kind(other)), "the kind is told before the state");
    }
}

#[test]
fn who_signs_by_hand_is_identified_before_and_signs_once() {
    let mut world = World::of(Creation { sign_type: SignType::Biometric, ..creation(2, 1) });
    assert!(matches!(world.data().admits(signature(0), SignType::Biometric), Err(Refusal::State(_))));
    assert_eq!(world.sign(0), Err(not_identified(IdentificationState::Created)));
    world.identify(0);
    assert_eq!(world.data().admits(signature(0), SignType::Biometric), Ok(0));
    assert_eq!(world.sign(0), Ok(()));
    assert_eq!(world.sign(0), wrong_state("signed already"));
    assert!(matches!(world.data().admits(signature(0), SignType::Biometric), Err(Refusal::State(_))));
    assert_eq!(world.status(), Status::Created, "one signer is left");
}

/// Journals of versions that knew no handwriting are read as they are, and a signature by hand reads back as it was.
#[test]
fn an_older_journal_is_read_and_a_handwriting_reads_back() {
    let old = format!(r#"{{"type":"signed","signature":"{}","device":{{}}}}"#, signature(0));
    let expected = Event::Signed { signature: signature(0), device: Device::default(), handwriting: None };
    assert_eq!(serde_json::from_str::<Event>(&old).unwrap(), expected);
    let event = Event::Signed { signature: signature(0), device: device(), handwriting: Some(Box::new(handwriting(0))) };
    let written = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&written).unwrap(), event);
}
