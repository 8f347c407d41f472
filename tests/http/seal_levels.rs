//! Seals with time stamps: how far they get with authorities that are there, away, and lie.

use chrono::{DateTime, TimeDelta, Utc};
use documents::{
    certificate::{Action, Evidence},
    fixtures::time_stamps::Fault,
    verify::{Report, Trust, verify},
};
use serde_json::Value;

use crate::{
    address,
    authority::{Says, TimeAuthority},
    certificates::{Answers, CertificateAuthority},
    console::{Browser, text},
    journey::evidence,
    own, shared,
    support::{Form, Journey, ORGANIZATION, PATIENCE, Server, wait_for},
};

const PASSWORD: &str = "hunter22222";

/// A server of B-T with these authorities, with credentials and roots.
fn server(authorities: &[&TimeAuthority], sealing: &str, folder: &tempfile::TempDir) -> (Server, Journey) {
    let mut config = format!(
        "[sealing]\n{sealing}\n[trust_services]\nplain_http = true\nprivate_networks = [\"127.0.0.0/8\"]\nattempts = 1\ntimeout = \"PT2S\"\n"
    );
    let password = folder.path().join("password");
    std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    for (name, authority) in ["first", "second"].into_iter().zip(authorities) {
        let roots = folder.path().join(format!("{name}.pem"));
        std::fs::write(&roots, authority.root_pem()).unwrap();
        config.push_str(&format!(
            "[[trust_services.time_stamp_authorities]]\nname = \"{name}\"\nurl = \"{}\"\nroots = \"{}\"\nuser = \"acme\"\npassword_file = \"{}\"\n",
            authority.url,
            roots.display(),
            password.display()
        ));
    }
    own(Some(&config))
}

/// A process that its signer has signed.
fn signed(journey: &Journey) -> String {
    let document = journey.upload("contract.pdf", &documents::fixtures::contract(&[]));
    let email = address();
    let process = journey.create(&Journey::creation(&[Journey::signer("buyer", &email)], &[&document]));
    let signer = journey.signers(&process).remove(0);
    let token = journey.identify(&signer.identification, &email);
    journey.with_token(&token).sign(&signer.sign).expect(204);
    process
}

/// The sealed document and the certificate of a certified process, verified with the roots of authorities.
struct Sealed {
    document: Report,
    certificate: Report,
    evidence: Evidence,
}

fn sealed(journey: &Journey, process: &str, authority: &TimeAuthority, at: DateTime<Utc>) -> Sealed {
    sealed_under(journey, process, vec![authority.root()], at)
}

fn sealed_under(journey: &Journey, process: &str, roots: Vec<Vec<u8>>, at: DateTime<Utc>) -> Sealed {
    let done = journey.until(process, "CERTIFIED");
    let detail = journey.signature(&journey.signers(process)[0].sign);
    let url = detail["signed_documents"][0]["url"].as_str().expect("a sealed document").to_owned();
    let document = journey.client.get(&url).send().expect(200).body;
    let certificate = journey.download(done["certificate_id"].as_str().expect("a certificate"));
    let trust = Trust { roots };
    let report = |pdf: &[u8]| {
        let report = verify(pdf, &trust, at).expect("a PDF that can be verified");
        assert!(report.all_intact(), "{report}");
        report
    };
    Sealed { document: report(&document), certificate: report(&certificate), evidence: evidence(&certificate) }
}

/// One signature, with a time stamp in it that proves it.
fn assert_stamped(report: &Report) -> DateTime<Utc> {
    let [seal] = &report.signatures[..] else { panic!("a seal: {report}") };
    assert!(!seal.is_time_stamp && seal.time_stamps.len() == 1, "{report}");
    seal.proven_time.expect("a proven time")
}

fn assert_unstamped(report: &Report) {
    assert!(report.signatures.len() == 1 && report.signatures[0].time_stamps.is_empty(), "{report}");
}

/// What the evidence says of the seal of the document.
fn told(evidence: &Evidence) -> String {
    let sealed = evidence.timeline.iter().find(|entry| entry.what == Action::DocumentSealed);
    sealed.and_then(|entry| entry.details.clone()).expect("it says of what")
}

fn configuration(journey: &Journey) -> Value {
    journey.client.get(&journey.path("sign_process/configurations")).send().expect(200).json()
}

fn set_level(journey: &Journey, level: &str) -> crate::support::Answer {
    journey.client.patch(&journey.path("sign_process/configurations")).form(Form::new().part("signature_level", level)).send()
}

#[test]
fn document_and_certificate_are_sealed_at_the_level_of_the_server_with_a_time_stamp() {
    let (authority, folder) = (TimeAuthority::start(), tempfile::tempdir().unwrap());
    let (server, journey) = server(&[&authority], "level = \"B-T\"", &folder);
    let process = signed(&journey);
    let Sealed { document, certificate, evidence } = sealed(&journey, &process, &authority, Utc::now());
    let time = assert_stamped(&document);
    assert!(assert_stamped(&certificate) >= time && authority.questions().len() == 2);
    let words = format!("PAdES B-T, time stamp {} of Rubrica test time stamps", time.format("%Y-%m-%dT%H:%M:%SZ"));
    assert!(told(&evidence).ends_with(&words), "{}", told(&evidence));

    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = text(&browser.get(&format!("/console/orgs/acme/processes/{process}")).expect(200));
    assert!(page.contains("done, B-T") && page.contains("Rubrica test time stamps"), "{page}");
    let scrape = String::from_utf8_lossy(&server.anonymous().get("/metrics").send().expect(200).body).into_owned();
    for line in [
        "rubrica_time_stamps_total{authority=\"first\",outcome=\"granted\"} 2",
        "rubrica_time_stamp_breaker{authority=\"first\"} 0",
        "rubrica_time_stamp_seconds_count{authority=\"first\"} 2",
    ] {
        assert!(scrape.contains(line), "{line}: {scrape}");
    }
}

#[test]
fn a_seal_waits_for_an_authority_that_is_away() {
    let (authority, folder) = (TimeAuthority::start(), tempfile::tempdir().unwrap());
    let (server, journey) = server(&[&authority], "level = \"B-T\"", &folder);
    authority.says(Says::Status(503, ""));
    let process = signed(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = wait_for("the seal that waits", PATIENCE, || {
        let page = text(&browser.get(&format!("/console/orgs/acme/processes/{process}")).expect(200));
        page.contains("no time stamp: first: it answered 503").then_some(page)
    });
    assert!(page.contains("Seals on a document"), "{page}");
    assert_eq!(journey.process(&process)["status"], "SIGNED");
    // It is back, and the seal's next attempt comes.
    authority.says(Says::Stamp(Fault::None));
    authority.goes_ahead(TimeDelta::minutes(5));
    server.advance("PT5M");
    let Sealed { document, certificate, .. } = sealed(&journey, &process, &authority, Utc::now() + TimeDelta::minutes(5));
    assert!(assert_stamped(&certificate) >= assert_stamped(&document));
    let log = server.log();
    assert!(log.contains("an authority gave no time stamp") && log.contains("it answered 503"), "{log}");
    // The credentials went to the authority, and nowhere else.
    let basic = data_encoding::BASE64.encode(format!("acme:{PASSWORD}").as_bytes());
    let header = format!("authorization: Basic {basic}");
    assert!(authority.questions().iter().all(|question| question.headers.contains(&header)));
    for secret in [PASSWORD, basic.as_str()] {
        assert!(!log.contains(secret) && !page.contains(secret));
    }
}

#[test]
fn the_second_authority_is_asked_where_the_first_one_is_away_or_lies() {
    let (first, second, folder) = (TimeAuthority::start(), TimeAuthority::start(), tempfile::tempdir().unwrap());
    let (_server, journey) = server(&[&first, &second], "level = \"B-T\"", &folder);
    for says in [Says::Status(500, ""), Says::Stamp(Fault::OtherImprint), Says::Nothing] {
        first.says(says.clone());
        let asked = second.questions().len();
        let process = signed(&journey);
        let Sealed { document, certificate, .. } = sealed(&journey, &process, &second, Utc::now());
        assert_stamped(&document);
        assert_stamped(&certificate);
        assert_eq!(second.questions().len(), asked + 2, "{says:?}");
    }
}

#[test]
fn after_its_deadline_a_process_is_sealed_without_and_says_so() {
    let (authority, folder) = (TimeAuthority::start(), tempfile::tempdir().unwrap());
    let (server, journey) = server(&[&authority], "level = \"B-T\"\ndeadline = \"PT1H\"", &folder);
    authority.says(Says::Stamp(Fault::Refuses));
    let process = signed(&journey);
    wait_for("the first question", PATIENCE, || (!authority.questions().is_empty()).then_some(()));
    server.advance("PT30M");
    assert_eq!(journey.process(&process)["status"], "SIGNED");
    server.advance("PT31M");
    let Sealed { document, certificate, evidence } = sealed(&journey, &process, &authority, Utc::now() + TimeDelta::hours(2));
    assert_unstamped(&document);
    assert_unstamped(&certificate);
    let words = "PAdES B-B instead of B-T, which could not be had in time";
    assert!(told(&evidence).ends_with(words), "{}", told(&evidence));
    assert!(server.log().contains("a seal is of a lower level than was wanted"));
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = text(&browser.get(&format!("/console/orgs/acme/processes/{process}")).expect(200));
    assert!(page.contains("done, B-B instead of B-T"), "{page}");
}

/// A server of B-LTA, the organization's own certificate from an authority that says what it revoked.
fn archived(people: &CertificateAuthority, stamps: &TimeAuthority, folder: &tempfile::TempDir) -> (Server, Journey) {
    let (server, journey) = server(&[stamps], "level = \"B-LTA\"", folder);
    let file = people.with(|pki| pki.key_file("Acme seals", 400));
    let form = Form::new().file("content", "acme.p12", &file).part("sign_certificate_password", "password");
    journey.client.patch(&journey.path("sign_process/configurations")).form(form).send().expect(204);
    (server, journey)
}

#[test]
fn document_and_certificate_of_the_highest_level_hold_what_proves_them() {
    let (people, times) = (CertificateAuthority::start(), CertificateAuthority::start());
    let (stamps, folder) = (TimeAuthority::of(times.with(|pki| pki.time_stamps(1_000, true))), tempfile::tempdir().unwrap());
    let (server, journey) = archived(&people, &stamps, &folder);
    let process = signed(&journey);
    let roots = vec![people.with(|pki| pki.root()), times.with(|pki| pki.root())];
    let Sealed { document, certificate, evidence } = sealed_under(&journey, &process, roots, Utc::now());
    for report in [&document, &certificate] {
        let [seal, stamp] = &report.signatures[..] else { panic!("a seal and a time stamp over it: {report}") };
        assert_eq!(seal.level, Some(documents::Level::Lta), "{report}");
        assert!(stamp.is_time_stamp && stamp.covers_whole_file && report.all_trusted(), "{report}");
    }
    assert!(told(&evidence).contains("PAdES B-LTA, time stamp"), "{}", told(&evidence));
    // The version that its signature covers, before what proves it was added, is in the evidence.
    assert_eq!(evidence.documents[0].versions.len(), 1);
    // Each certificate was asked about once: what was said is kept for the certificate of the process.
    assert_eq!((people.asked().len(), times.asked().len()), (1, 1));
    let scrape = String::from_utf8_lossy(&server.anonymous().get("/metrics").send().expect(200).body).into_owned();
    assert!(scrape.contains("rubrica_revocation_questions_total{asked=\"responder\",outcome=\"good\"} 2"), "{scrape}");
}

#[test]
fn nobody_waits_long_for_what_is_said_of_revocation() {
    let (people, times) = (CertificateAuthority::start(), CertificateAuthority::start());
    let (stamps, folder) = (TimeAuthority::of(times.with(|pki| pki.time_stamps(1_000, true))), tempfile::tempdir().unwrap());
    let (server, journey) = archived(&people, &stamps, &folder);
    people.answers(Answers::Nothing);
    let process = signed(&journey);
    wait_for("the first question", PATIENCE, || (!people.asked().is_empty()).then_some(()));
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    wait_for("the seal that waits", PATIENCE, || {
        let page = text(&browser.get(&format!("/console/orgs/acme/processes/{process}")).expect(200));
        page.contains("was revoked is not known").then_some(())
    });
    assert_eq!(journey.process(&process)["status"], "SIGNED");
    stamps.goes_ahead(TimeDelta::minutes(11));
    times.goes_ahead(TimeDelta::minutes(11));
    server.advance("PT11M");
    let roots = vec![people.with(|pki| pki.root()), times.with(|pki| pki.root())];
    let Sealed { document, evidence, .. } = sealed_under(&journey, &process, roots, Utc::now() + TimeDelta::minutes(12));
    assert_stamped(&document);
    assert!(told(&evidence).contains("PAdES B-T instead of B-LTA, which could not be had in time"), "{}", told(&evidence));
}

#[test]
fn an_organizations_level_comes_before_that_of_the_server() {
    let (authority, folder) = (TimeAuthority::start(), tempfile::tempdir().unwrap());
    let (_server, journey) = server(&[&authority], "level = \"B-B\"", &folder);
    assert_eq!(configuration(&journey)["signature_level"], Value::Null);
    assert_unstamped(&sealed(&journey, &signed(&journey), &authority, Utc::now()).document);
    set_level(&journey, "B-T").expect(204);
    assert_eq!(configuration(&journey)["signature_level"], "B-T");
    assert_stamped(&sealed(&journey, &signed(&journey), &authority, Utc::now()).document);
    let refused = set_level(&journey, "B-X").expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().contains("signature_level") && refused.details().contains("expected B-B"), "{refused}");
    assert_eq!(configuration(&journey)["signature_level"], "B-T");
    // Nothing: that of the server again.
    set_level(&journey, "").expect(204);
    assert_eq!(configuration(&journey)["signature_level"], Value::Null);
    assert_unstamped(&sealed(&journey, &signed(&journey), &authority, Utc::now()).document);
}

#[test]
fn a_level_that_needs_an_authority_is_refused_where_there_is_none() {
    let (server, _) = shared();
    let journey = crate::configuration::configured_organization(&server);
    let refused = set_level(&journey, "B-T").expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().contains("this server has none"), "{refused}");
    set_level(&journey, "B-B").expect(204);
    assert_eq!(configuration(&journey)["signature_level"], "B-B");
}

#[test]
fn the_level_is_picked_in_the_console() {
    let (authority, folder) = (TimeAuthority::start(), tempfile::tempdir().unwrap());
    let (server, journey) = server(&[&authority], "", &folder);
    let admin = Browser::signed_in(&server, ORGANIZATION, &["console_admin"]);
    let path = "/console/orgs/acme/pages/signing";
    let save = |level: &str| {
        let form = Form::new()
            .part("csrf", admin.csrf(path))
            .part("landing_url", "pages")
            .part("expiration_duration", "P30D")
            .part("channels", "EMAIL")
            .part("notification_email", "seals@acme.example")
            .part("signature_level", level)
            .part("deed", "save");
        admin.post_parts(path, form.file("content", "", b"").part("sign_certificate_password", ""))
    };
    let page = text(&admin.get(path).expect(200));
    assert!(page.contains("Level of the seals") && page.contains("<option value=\"B-T\">"), "{page}");
    for level in ["B-LTA", "B-T"] {
        save(level).expect(303);
        assert_eq!(configuration(&journey)["signature_level"], level);
        assert!(text(&admin.get(path).expect(200)).contains(&format!("<option value=\"{level}\" selected>")));
    }
    let page = text(&save("B-X").expect(400));
    assert!(page.contains("<code>signature_level</code>"), "{page}");
    save("").expect(303);
    assert_eq!(configuration(&journey)["signature_level"], Value::Null);
}
