use super::*;

const SPAIN: &str = "+34600111222";
const GERMANY: &str = "+4915112345678";

fn today() -> NaiveDate {
    day("2026-11-26")
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn senders(text: &str) -> Senders {
    made(text).unwrap()
}

fn made(text: &str) -> Result<Senders, String> {
    Senders::new(&toml::from_str(text).unwrap(), &BTreeSet::from(["sms", "spain"]))
}

fn sender(alias: &str, rest: &str) -> String {
    format!("[[default]]\ncountry = '34'\nalias = '{alias}'\n{rest}\n")
}

fn findings(senders: &Senders) -> Vec<(bool, String)> {
    let own = [("sms", Some("+34600000000")), ("spain", None)];
    senders.findings(&own, today()).into_iter().map(|finding| (finding.is_problem, finding.text)).collect()
}

#[test]
fn a_registered_alias_is_used_through_its_last_day_and_the_number_from_then_on() {
    let senders = senders(&sender("Acme", "registered_until = '2026-11-26'\nfallback = '+34600000001'"));
    let on = |text: &str| senders.choose("acme", SPAIN, None, day(text));
    assert_eq!(on("2026-11-26"), Some(Sender::From("Acme")));
    assert_eq!(on("2026-11-27"), Some(Sender::Fallback { alias: "Acme", number: "+34600000001" }));
}

#[test]
fn an_alias_without_a_registration_is_not_used_where_there_must_be_one() {
    let text = sender("Acme", "fallback = '+34600000001'") + "[[default]]\ncountry = '49'\nalias = 'Acme'\n";
    let senders = senders(&text);
    assert_eq!(senders.choose("acme", SPAIN, None, today()), Some(Sender::Fallback { alias: "Acme", number: "+34600000001" }));
    assert_eq!(senders.choose("acme", GERMANY, None, today()), Some(Sender::From("Acme")));
}

#[test]
fn without_a_number_to_fall_back_to_nothing_is_sent() {
    let senders = senders(&sender("Acme", ""));
    assert_eq!(senders.choose("acme", SPAIN, Some("+34600000000"), today()), Some(Sender::Blocked { alias: "Acme" }));
}

#[test]
fn an_organizations_own_sender_comes_before_that_of_the_server() {
    let text = sender("Server", "registered_until = '2027-01-01'")
        + "[[organizations.acme]]\ncountry = '34'\nalias = 'Acme'\nregistered_until = 2027-01-01\nprovider = 'spain'\n";
    let senders = senders(&text);
    assert_eq!(senders.choose("acme", SPAIN, None, today()), Some(Sender::From("Acme")));
    assert_eq!(senders.choose("other", SPAIN, None, today()), Some(Sender::From("Server")));
    assert_eq!(senders.find("acme", SPAIN).map(|(_, sender)| sender.provider()), Some("spain"));
    assert_eq!(senders.find("other", SPAIN).map(|(_, sender)| sender.provider()), Some("sms"));
}

#[test]
fn without_a_sender_for_the_country_that_of_the_gateway_is_used_unless_it_must_be_registered() {
    let senders = senders("");
    assert_eq!(senders.choose("acme", GERMANY, Some("Acme"), today()), Some(Sender::From("Acme")));
    assert_eq!(senders.choose("acme", SPAIN, Some("Acme"), today()), Some(Sender::Blocked { alias: "Acme" }));
    assert_eq!(senders.choose("acme", SPAIN, None, today()), None);
    for no_alias in ["+34600000000", "25025", "MG00000000000000000000000000000000"] {
        assert_eq!(senders.choose("acme", SPAIN, Some(no_alias), today()), Some(Sender::From(no_alias)), "{no_alias}");
    }
}

#[test]
fn which_countries_want_a_registration_is_configured() {
    let senders = senders("registration = ['49']\n[[default]]\ncountry = '34'\nalias = 'Acme'\n");
    assert_eq!(senders.choose("acme", SPAIN, None, today()), Some(Sender::From("Acme")));
    assert_eq!(senders.choose("acme", GERMANY, Some("Acme"), today()), Some(Sender::Blocked { alias: "Acme" }));
}

#[test]
fn what_is_not_valid_is_told_in_words_and_all_at_once() {
    for (text, told) in [
        (sender("", ""), "1 to 11 characters"),
        (sender("TwelveChars1", ""), "1 to 11 characters"),
        (sender("Señal", ""), "letters from a to z"),
        (sender(" Acme", ""), "spaces only in between"),
        (sender("12345", ""), "at least one letter"),
        (sender("+34 600", ""), "a plus and 6 to 15 digits"),
        (sender("+34600000000", "fallback = '+34600000001'"), "needs neither registered_until nor fallback"),
        (sender("Acme", "fallback = '600000001'"), "fallback: a number is a plus"),
        (sender("Acme", "provider = 'france'"), "there is no gateway \"france\" for SMS; there are: sms, spain"),
        (sender("Acme", "") + &sender("Other", ""), "one country has one sender"),
        ("registration = ['+34']".to_owned(), "is not a calling code"),
        ("[[default]]\ncountry = '034'\nalias = 'Acme'".to_owned(), "is not a calling code"),
    ] {
        let problem = made(&text).err().unwrap_or_else(|| panic!("{text} is taken"));
        assert!(problem.contains(told), "{text}: {problem}");
    }
    let both = made(&(sender("12345", "") + "[[organizations.acme]]\ncountry = '1'\nalias = 'TwelveChars1'\n")).err().unwrap();
    assert!(both.contains("\"12345\" of all organizations") && both.contains("\"TwelveChars1\" of acme"), "{both}");
    for good in ["A", "Acme S.A.", "A&B-C_D+1", "4You", "ElevenChars"] {
        assert!(made(&sender(good, "")).is_ok(), "{good}");
    }
}

#[test]
fn a_day_is_a_day() {
    for wrong in ["registered_until = '26/11/2026'", "registered_until = 2026", "registered_until = '2026-02-30'"] {
        let error = toml::from_str::<SendersOptions>(&sender("Acme", wrong)).unwrap_err().to_string();
        assert!(error.contains("expected a day such as 2027-09-14"), "{error}");
    }
}

#[test]
fn an_alias_that_is_not_registered_is_found() {
    let with = |rest: &str| findings(&senders(&sender("Acme", rest)));
    assert_eq!(with("registered_until = '2026-12-27'"), []);
    let told = "the SMS sender \"Acme\" of all organizations for +34";
    assert_eq!(
        with(""),
        [(
            true,
            format!(
                "{told} is not registered; register it with sms and set registered_until; until then its messages are refused; a \
                 fallback number would carry them"
            )
        )]
    );
    assert_eq!(
        with("fallback = '+34600000001'"),
        [(
            false,
            format!("{told} is not registered; register it with sms and set registered_until; until then +34600000001 is used")
        )]
    );
    assert_eq!(
        with("registered_until = '2026-11-25'\nfallback = '+34600000001'"),
        [(false, format!("{told} was registered until 2026-11-25 only; renew it with sms; until then +34600000001 is used"))]
    );
}

#[test]
fn a_registration_that_ends_within_30_days_is_found() {
    for (last, found) in [("2026-11-26", 1), ("2026-12-26", 1), ("2026-12-27", 0)] {
        let findings = findings(&senders(&sender("Acme", &format!("registered_until = '{last}'"))));
        assert_eq!(findings.len(), found, "{findings:?}");
        assert!(findings.iter().all(|(is_problem, text)| !is_problem && text.contains(&format!("is registered until {last}"))));
    }
}

#[test]
fn an_alias_that_differs_in_case_only_from_a_registered_one_is_found() {
    let text = sender("Acme", "registered_until = '2027-11-26'") + "[[organizations.acme]]\ncountry = '34'\nalias = 'ACME'\n";
    let found = findings(&senders(&text));
    let [(true, told)] = &found[..] else { panic!("{found:?}") };
    let expected = "\"ACME\" of acme for +34 is not registered, but \"Acme\" is with sms: operators compare upper and lower case";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn the_alias_of_a_gateway_that_no_registration_is_known_of_is_found() {
    let found = |senders: &Senders| senders.findings(&[("sms", Some("Acme"))], today()).len();
    assert_eq!(found(&senders("")), 1);
    assert_eq!(found(&senders("registration = []")), 0);
    assert_eq!(found(&senders(&sender("Acme", "registered_until = '2027-11-26'"))), 0);
}

#[test]
fn what_is_measured_is_how_long_each_alias_is_registered() {
    let text = sender("Acme", "registered_until = '2026-11-26'")
        + "[[organizations.acme]]\ncountry = '34'\nalias = 'Shop'\n[[organizations.acme]]\ncountry = '1'\nalias = '+12025550100'\n\
           [[organizations.acme]]\ncountry = '49'\nalias = 'Shop'\n";
    let senders = senders(&text);
    let left = |day| {
        senders.registrations(day).map(|one| (one.country.to_owned(), one.is_registered, one.days_left)).collect::<Vec<_>>()
    };
    assert_eq!(left(today()), [("34".into(), true, Some(1)), ("34".into(), false, None)]);
    assert_eq!(left(day("2026-11-27")), [("34".into(), false, Some(0)), ("34".into(), false, None)]);
}
