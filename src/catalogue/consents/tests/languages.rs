use proptest::prelude::*;

use super::*;

fn tag(text: &str) -> LanguageTag {
    LanguageTag::new(text).unwrap()
}

/// A tree of two consents: the first has texts in all of its languages, the second in the first of them.
fn edition(languages: &[&str]) -> Edition {
    let stored = |id: &str, languages: &[&str]| {
        let new = definition(id, languages);
        Arc::new(new.read(ANA).unwrap())
    };
    let consents = vec![stored("C01", languages), stored("C02", &languages[..1])];
    let new =
        NewTree { default_language: Some(languages[0].into()), allowed_languages: Some(ids(languages)), ..tree(&["C01", "C02"]) };
    let there = consents.iter().map(|definition| (definition.id.clone(), Definition::clone(definition))).collect();
    let tree = crate::catalogue::consents::trees::Reading::of(new, false, ANA).against(&there).unwrap();
    Edition::new(1, TELCO, tree, consents, "ES", noon())
}

#[test]
fn a_tag_is_kept_in_the_case_that_is_recommended() {
    for (sent, kept) in [
        ("es", "es"),
        ("ES", "es"),
        ("PT-br", "pt-BR"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("ca-VALENCIA", "ca-valencia"),
        ("de-CH-1996", "de-CH-1996"),
        ("ast", "ast"),
        ("en-u-CA-islamic", "en-u-ca-islamic"),
    ] {
        assert_eq!(tag(sent).as_str(), kept);
        assert_eq!(tag(kept), tag(sent));
    }
    for text in
        ["", "e", "spanish", "es_ES", "es-", "-es", "es--ES", "e1", "es-ñ", "es-x", &format!("es{}", "-abcdefgh".repeat(4))]
    {
        assert!(LanguageTag::new(text).is_err(), "{text}");
    }
}

#[test]
fn a_locale_has_a_region() {
    for (language, locale) in [
        ("es", "es_ES"),
        ("es-MX", "es_MX"),
        ("es-419", "es_419"),
        ("zh-Hant", "zh_Hant_ES"),
        ("zh-Hant-TW", "zh_Hant_TW"),
        ("ca-valencia", "ca_valencia_ES"),
    ] {
        assert_eq!(tag(language).locale("ES"), locale);
    }
}

#[test]
fn the_language_wanted_most_that_every_text_has_is_chosen() {
    let edition = edition(&["es", "ca", "en-GB", "en-US", "pt-BR"]);
    for (header, of_first, of_both) in [
        ("", "es", "es"),
        ("ca", "ca", "es"),
        ("ca-ES", "ca", "es"),
        ("ca_ES", "es", "es"),
        ("EN-us", "en-US", "es"),
        ("en", "en-GB", "es"),
        ("en-AU", "en-GB", "es"),
        ("pt-PT", "pt-BR", "es"),
        ("fr, ca;q=0.3, en;q=0.7", "en-GB", "es"),
        ("ca;q=0.5, en;q=0.5", "ca", "es"),
        ("ca;q=0, ca-ES", "es", "es"),
        ("*, ca", "es", "es"),
        ("*;q=0.1, ca", "ca", "es"),
        ("ca;q=2, en", "en-GB", "es"),
        ("ca;q=0.1234, en;q=0.1", "en-GB", "es"),
        ("ca;quality=1, ;;, =, en ; Q = 0.9", "en-GB", "es"),
        ("tlh, fr;q=0.9", "es", "es"),
    ] {
        let accepted = Accepted::of(header);
        assert_eq!(accepted.choose(&edition, &[0]).as_str(), of_first, "{header}");
        assert_eq!(accepted.choose(&edition, &[0, 1]).as_str(), of_both, "{header}: the second consent speaks Spanish alone");
    }
    assert_eq!(Accepted::of("*, ca;q=0.1").first(), Some(&tag("ca")));
}

proptest! {
    #[test]
    fn language_choice_is_total(header in "([a-zA-Z*]{0,3}(-[A-Za-z0-9]{0,3})?(;q=[0-9.]{0,5})?[, ]{0,2}){0,6}|\\PC{0,80}", shown in prop::collection::vec(0_usize..4, 0..4)) {
        let edition = edition(&["es", "ca", "en-GB"]);
        let language = Accepted::of(&header).choose(&edition, &shown);
        prop_assert!(edition.tree.allowed_languages.contains(language));
        prop_assert!(edition.speaks(language, &shown));
        prop_assert!(edition.locale(language).contains('_'));
    }
}
