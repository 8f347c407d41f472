use super::*;

const CHANNELS: [Channel; 3] = [Channel::Sms, Channel::Email, Channel::Whatsapp];

fn built_in() -> Texts {
    Texts::load(&Options::default()).unwrap()
}

fn otp(domain: Option<&str>) -> Data {
    Data {
        tenant: "Acme".into(),
        signer: Some("Ana".into()),
        documents: vec!["contract.pdf".into(), "annex.pdf".into()],
        content: Content::OtpCode { code: Secret::new("123456"), minutes: 5, domain: domain.map(Into::into) },
    }
}

/// Options with one text of the organization `acme`.
fn with_file(name: &str, content: &str) -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let acme = folder.path().join("acme");
    fs::create_dir(&acme).unwrap();
    fs::write(acme.join(name), content).unwrap();
    let options = Options { folder: Some(folder.path().to_owned()), ..Options::default() };
    (folder, options)
}

fn problem_of(name: &str, content: &str) -> String {
    let (_folder, options) = with_file(name, content);
    let checked = Texts::load(&options).and_then(|texts| texts.check());
    checked.expect_err("the text is wrong").to_string()
}

#[test]
fn every_text_in_every_language_renders() {
    let texts = built_in();
    assert_eq!(texts.sources.len(), 36);
    texts.check().unwrap();
    for language in LANGUAGES {
        for channel in CHANNELS {
            for data in Kind::ALL.into_iter().flat_map(samples) {
                let rendered = texts.render("acme", channel, language, &data).unwrap();
                assert_eq!(rendered.subject.is_empty(), channel != Channel::Email);
                assert!(!rendered.text.contains("{{") && !rendered.text.contains("\n\n\n"), "{}", rendered.text);
                assert!(!rendered.text.starts_with('\n') && !rendered.subject.contains('\n'));
            }
        }
    }
}

#[test]
fn a_code_stands_in_the_text_once_and_never_in_the_subject() {
    let texts = built_in();
    for language in LANGUAGES {
        for channel in CHANNELS {
            let rendered = texts.render("acme", channel, language, &otp(None)).unwrap();
            assert_eq!(rendered.text.matches("123456").count(), 1, "{}", rendered.text);
            assert!(!rendered.subject.contains("123456"));
            for named in ["Acme", "contract.pdf", "5 "] {
                assert!(rendered.text.contains(named), "{named} in {}", rendered.text);
            }
        }
    }
}

#[test]
fn a_short_text_with_long_names_is_one_sms() {
    let texts = built_in();
    for language in LANGUAGES {
        for data in samples(Kind::OtpCode) {
            let rendered = texts.render("acme", Channel::Sms, language, &data).unwrap();
            assert!(gsm::fits(&rendered.text), "{} characters: {}", rendered.text.chars().count(), rendered.text);
            assert!(!rendered.text.contains('\n'));
        }
    }
}

#[test]
fn an_sms_ends_in_the_line_that_binds_the_code_to_its_site() {
    let texts = built_in();
    let sms = texts.render("acme", Channel::Sms, Language::En, &otp(Some("sign.example.org"))).unwrap();
    assert_eq!(sms.text.lines().last(), Some("@sign.example.org #123456"));
    let chat = texts.render("acme", Channel::Whatsapp, Language::En, &otp(Some("sign.example.org"))).unwrap();
    assert!(!chat.text.contains('@'));
    let evil = texts.render("acme", Channel::Sms, Language::En, &otp(Some("evil.example\nhttp://x"))).unwrap();
    assert!(!evil.text.contains("evil"));
}

#[test]
fn a_name_adds_neither_lines_nor_quotes_nor_markup() {
    let texts = built_in();
    let mut data = otp(None);
    data.documents = vec!["a\". Visit\r\nhttp://evil <b>&amp; {{code}}".into()];
    data.tenant = "Acme\r\nBcc: all@example.org".into();
    let sms = texts.render("acme", Channel::Sms, Language::En, &data).unwrap();
    assert_eq!(sms.text.lines().count(), 1);
    assert_eq!(sms.text.matches('"').count(), 2, "{}", sms.text);
    assert!(sms.text.contains("<b>&amp;"), "nothing is escaped: {}", sms.text);
    let mail = texts.render("acme", Channel::Email, Language::En, &data).unwrap();
    assert_eq!(mail.subject, "Your code from Acme Bcc: all@example.org");
    assert!(mail.text.contains("{{code}}"), "a value is no template");
    let clean = texts.render(
        "acme",
        Channel::Email,
        Language::En,
        &Data { tenant: "Acme".into(), documents: vec!["a".into()], ..data.clone() },
    );
    assert_eq!(mail.text.lines().count(), clean.unwrap().text.lines().count());
}

#[test]
fn a_mail_lists_its_documents_and_counts_those_beyond() {
    let texts = built_in();
    let mut data = otp(None);
    data.documents = (1..=23).map(|n| format!("d{n}.pdf")).collect();
    let mail = texts.render("acme", Channel::Email, Language::En, &data).unwrap();
    assert!(mail.text.contains("\n- d1.pdf\n- d2.pdf\n") && mail.text.contains("- d20.pdf\n- and 3 more\n"), "{}", mail.text);
    assert!(!mail.text.contains("d21"));
}

#[test]
fn an_expiry_is_shown_with_its_zone() {
    let texts = built_in();
    let until = Some("2026-11-30T17:00:00Z".parse().unwrap());
    let content = Content::SignRequest { link: "https://s.example.org/1".into(), until };
    let data = Data { content, ..otp(None) };
    let mail = texts.render("acme", Channel::Email, Language::De, &data).unwrap();
    assert!(mail.text.contains("2026-11-30 17:00 UTC") && mail.text.contains("\nhttps://s.example.org/1\n"), "{}", mail.text);
}

#[test]
fn a_person_without_language_gets_the_organizations_or_else_spanish() {
    let languages = BTreeMap::from([("acme".to_owned(), Language::Ca), ("vague".to_owned(), Language::Undefined)]);
    let texts = Texts::load(&Options { languages, ..Options::default() }).unwrap();
    for (organization, expected) in [("acme", Language::Ca), ("vague", Language::Es), ("other", Language::Es)] {
        let rendered = texts.render(organization, Channel::Sms, Language::Undefined, &otp(None)).unwrap();
        assert_eq!(rendered.language, expected);
        assert!(rendered == texts.render(organization, Channel::Sms, expected, &otp(None)).unwrap());
    }
    assert_eq!(texts.language("acme", Language::De), Language::De);
}

#[test]
fn an_organization_replaces_one_text_for_itself_only() {
    let (_folder, options) = with_file("otp_code_short.en.hbs", "Acme says {{code}}\n");
    let texts = Texts::load(&options).unwrap();
    texts.check().unwrap();
    let text = |organization, language| texts.render(organization, Channel::Sms, language, &otp(None)).unwrap().text;
    assert_eq!(text("acme", Language::En), "Acme says 123456");
    assert!(text("acme", Language::Es).contains("clave") && text("other", Language::En).contains("Never share"));
}

#[test]
fn a_wrong_text_is_found_at_start_with_its_file_and_line() {
    let mail = "otp_code.en.hbs";
    for (name, content, expected) in [
        (mail, "Subject: s\n\nhello\n{{code}} {{nobody}}\n", "otp_code.en.hbs, line 4"),
        (mail, "Subject: s\n\n{{code}}\n\n{{#if signer}}\n", "otp_code.en.hbs, line"),
        (mail, "Subject: {{nobody}}\n\n{{code}}\n", "otp_code.en.hbs, line 1"),
        (mail, "Subject: your {{code}}\n\n{{code}}\n", "must not be in the subject"),
        (mail, "Subject: s\n\nhello\n", "no {{code}}"),
        (mail, "{{code}}\n", "begins with"),
        ("otp_code_short.en.hbs", "Subject: s\n\n{{code}}\n", "short text does not"),
        ("sign_request.en.hbs", "Subject: s\n\nhello\n", "no {{link}}"),
        ("otp_code_short.en.hbs", "{{log code}}{{code}}\n", "line 1"),
        ("otp_code_short.fr.hbs", "{{code}}\n", "known kind and language"),
        ("otp-code.en.hbs", "{{code}}\n", "known kind and language"),
        ("otp_code_short.en.hbs", &"x".repeat(20_000), "longer than"),
    ] {
        let problem = problem_of(name, content);
        assert!(problem.contains(expected), "{expected:?} in {problem:?}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error_that_names_it() {
    let options = Options { folder: Some("/nowhere/texts".into()), ..Options::default() };
    assert!(Texts::load(&options).err().unwrap().to_string().contains("/nowhere/texts"));
}

#[test]
fn previews_show_all_texts_of_an_organization_its_own_in_place_of_the_servers() {
    let (_folder, options) = with_file("otp_code_short.en.hbs", "{{tenant}}: {{code}} ({{document}})");
    let texts = Texts::load(&options).unwrap();
    let previews = texts.previews("acme", "Acme", Language::En).unwrap();
    assert_eq!(previews.len(), 6);
    let own: Vec<_> = previews.iter().filter(|preview| preview.is_own).collect();
    let [own] = own[..] else { panic!("one text of its own") };
    assert_eq!((own.kind, own.channel), (Kind::OtpCode, Channel::Sms));
    assert_eq!(own.rendered.text, format!("Acme: {SAMPLE_CODE} (contract.pdf)"));
    assert!(texts.previews("other", "Other", Language::En).unwrap().iter().all(|preview| !preview.is_own));
    // Who has no language is written to in the organization's.
    assert!(texts.previews("acme", "Acme", Language::Undefined).unwrap().iter().all(|own| own.rendered.language == Language::Es));
}
