//! What the second factor asks for and gives away.

use super::*;

#[test]
fn a_wrong_second_factor_gets_no_code_and_counts() {
    for given in [None, Some(""), Some("12345678X")] {
        let mut world = World::with(|creation| creation.two_factor_type = Some(TwoFactorType::DocumentNumber));
        assert_eq!(world.ask_with(given), Err(WRONG_ANSWER), "{given:?}");
        assert_eq!((world.data().own.failures, world.data().remaining_challenges()), (1, 3));
        assert_eq!(world.otp.effects, []);
        assert_eq!(world.ask_with(Some("12345678-z")), Ok(()), "no wait after a code that was not sent");
    }
}

#[test]
fn the_answer_is_the_same_whether_the_code_or_the_second_factor_is_wrong() {
    let mut world = World::with(|creation| creation.two_factor_type = Some(TwoFactorType::DocumentNumber));
    assert_eq!(world.ask_with(Some(DOCUMENT_NUMBER)), Ok(()));
    let wrong = |code: &str, two_factor: Option<&str>| {
        let mut world = world.clone();
        assert_eq!(world.answer_with(code.into(), two_factor), Err(WRONG_ANSWER));
        (world.otp.machine, world.otp.journal)
    };
    let both = wrong("other", Some("X"));
    assert_eq!(wrong("other", Some(DOCUMENT_NUMBER)), both);
    assert_eq!(wrong(&code(1), Some("X")), both);
    assert_eq!(wrong(&code(1), None), both);
    assert_eq!(both.0.existing().ok().and_then(Data::remaining_attempts), Some(2));
    assert_eq!(world.answer_with(code(1), Some("12.345.678-Z")), Ok(()));
}

#[test]
fn guessing_the_second_factor_ends_with_the_failures() {
    let mut world = World::with(|creation| {
        creation.two_factor_type = Some(TwoFactorType::Email);
        creation.policy.failures = 3;
    });
    for guess in ["a@example.org", "b@example.org", "c@example.org"] {
        assert_eq!(world.state(), IdentificationState::Created);
        assert_eq!(world.ask_with(Some(guess)), Err(WRONG_ANSWER));
    }
    assert_eq!(world.state(), IdentificationState::Failed);
}
