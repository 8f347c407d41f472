use chrono::Duration as Span;
use proptest::prelude::*;

use super::*;

const SCOPE: Scope<'static> = Scope { organization: "acme", segment: "telco", customer_id: "100000000001" };
const DAY: Duration = Duration::from_secs(24 * 3600);

fn issuer() -> Issuer {
    Issuer::new(&Keys::from_bytes(&[7; 32]))
}

fn key() -> Key {
    Key {
        format: Format::Normal,
        known: true,
        leads: false,
        language: 1,
        edition: 17,
        revision: 4,
        issued: 1_760_000_000,
        statements: Displayed::All,
    }
}

fn only(places: &[usize], count: usize) -> Key {
    Key { statements: Displayed::Only(Bitmap::of(places, count)), ..key() }
}

fn any_key() -> impl Strategy<Value = Key> {
    let statements = prop_oneof![
        Just(Displayed::All),
        Just(Displayed::Mandatory),
        Just(Displayed::Nothing),
        (1..=MAX_CONSENTS, proptest::collection::vec(0..MAX_CONSENTS, 0..20)).prop_map(|(count, places)| {
            let places: Vec<usize> = places.into_iter().map(|place| place % count).collect();
            Displayed::Only(Bitmap::of(&places, count))
        }),
    ];
    (any::<(bool, bool, bool)>(), any::<u8>(), any::<(u32, u32, u32)>(), statements).prop_map(
        |((is_short, known, leads), language, (edition, revision, issued), statements)| Key {
            format: if is_short { Format::Short } else { Format::Normal },
            known,
            leads,
            language,
            edition,
            revision,
            issued,
            statements,
        },
    )
}

#[test]
fn without_a_filter_a_key_has_64_digits_and_with_one_up_to_64_more() {
    for statements in [Displayed::All, Displayed::Mandatory, Displayed::Nothing] {
        assert_eq!(issuer().issue(SCOPE, &Key { statements, ..key() }).len(), 64);
    }
    assert_eq!(issuer().issue(SCOPE, &only(&[0], 8)).len(), 66);
    assert_eq!(issuer().issue(SCOPE, &only(&[0, 255], MAX_CONSENTS)).len(), 128);
}

#[test]
fn the_layout_is_what_other_servers_read() {
    let key = Key { format: Format::Short, leads: true, ..only(&[0, 9], 10) };
    let text = issuer().issue(SCOPE, &key);
    // HMAC-SHA-256 and HKDF-SHA-256 of another program.
    assert_eq!(text, "01130102000000110000000468e7780080404a976d409740f42b84696d19ab91102e");
}

#[test]
fn what_was_never_a_key_is_malformed() {
    let good = issuer().issue(SCOPE, &key());
    for text in [
        "",
        "0",
        &good[..62],
        &good[..63],
        &format!("{good}0"),
        &"0".repeat(514),
        &good.replace('0', "g"),
        &good.replacen('0', "é", 1),
    ] {
        assert_eq!(issuer().open(SCOPE, text), Err(Refused::Malformed), "{text}");
    }
}

#[test]
fn what_was_altered_or_is_for_others_is_wrong() {
    let good = issuer().issue(SCOPE, &key());
    let wrong = Err(Refused::Wrong(Wrong::Altered));
    assert_eq!(issuer().open(SCOPE, &good), Ok(key()));
    for text in [good.to_uppercase(), format!("{good}00"), "0".repeat(64), "f".repeat(512), good.replacen("01", "02", 1)] {
        assert_eq!(issuer().open(SCOPE, &text), wrong, "{text}");
    }
    for scope in [
        Scope { organization: "acme2", ..SCOPE },
        Scope { segment: "energy", ..SCOPE },
        Scope { customer_id: "100000000002", ..SCOPE },
        Scope { organization: "acm", segment: "etelco", ..SCOPE },
    ] {
        assert_eq!(issuer().open(scope, &good), wrong);
    }
    assert_eq!(Issuer::new(&Keys::from_bytes(&[8; 32])).open(SCOPE, &good), wrong, "another server");
}

#[test]
fn a_key_is_good_for_its_lifetime_and_until_a_deletion() {
    let key = key();
    let issued = key.issued_at();
    assert_eq!(key.check(issued, DAY, 0), Ok(()));
    assert_eq!(key.check(issued + Span::days(1), DAY, 4), Ok(()), "the barrier itself is good");
    assert_eq!(key.check(issued + Span::days(1) + Span::microseconds(1), DAY, 0), Err(Wrong::Old));
    assert_eq!(key.check(issued, DAY, 5), Err(Wrong::Deleted));
    assert_eq!(key.check(issued - Span::seconds(1), DAY, 0), Ok(()), "the clocks of two servers differ a little");
    assert_eq!(Key { issued: u32::MAX, ..key }.issued_at().to_rfc3339(), "2106-02-07T06:28:15+00:00");
}

#[test]
fn why_a_key_is_refused_tells_nobody_whose_it_was() {
    for refused in [Refused::Malformed, Wrong::Altered.into(), Wrong::Old.into(), Wrong::Deleted.into()] {
        let text = refused.to_string();
        assert!(text.contains("x-key") && !text.contains(SCOPE.customer_id), "{text}");
    }
    assert_eq!([Wrong::Altered, Wrong::Old, Wrong::Deleted].map(Wrong::name), ["altered", "old", "deleted"]);
}

proptest! {
    #[test]
    fn a_key_says_what_it_was_issued_for(key in any_key()) {
        let text = issuer().issue(SCOPE, &key);
        prop_assert_eq!(issuer().open(SCOPE, &text), Ok(key));
    }

    #[test]
    fn any_flipped_digit_of_an_x_key_is_refused(key in any_key(), place in any::<proptest::sample::Index>(), flip in 1..16u8) {
        let mut digits = issuer().issue(SCOPE, &key).into_bytes();
        let place = place.index(digits.len());
        let digit = char::from(digits[place]).to_digit(16).unwrap() as u8 ^ flip;
        digits[place] = b"0123456789abcdef"[usize::from(digit)];
        let text = String::from_utf8(digits).unwrap();
        prop_assert_eq!(issuer().open(SCOPE, &text), Err(Refused::Wrong(Wrong::Altered)));
    }

    #[test]
    fn any_text_is_refused_without_panic(text in "[0-9a-f]{60,140}|.{0,80}") {
        prop_assert!(issuer().open(SCOPE, &text).is_err());
    }

    #[test]
    fn a_bitmap_has_the_places_that_it_was_made_of(count in 1..=MAX_CONSENTS, places in proptest::collection::btree_set(0..MAX_CONSENTS, 0..40)) {
        let places: Vec<usize> = places.into_iter().filter(|place| *place < count).collect();
        prop_assert_eq!(Bitmap::of(&places, count).places().collect::<Vec<_>>(), places);
    }
}
