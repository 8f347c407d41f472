//! Authorities over HTTP, asked as the server asks them.

#[path = "../../tests/support/authority.rs"]
mod authority;
#[path = "../../tests/support/certificates.rs"]
mod certificates;

use ::documents::fixtures::{
    authorities,
    time_stamps::{Authority, Fault, POLICY},
};
use chrono::{TimeDelta, Utc};

use self::{
    authority::{Says, TimeAuthority},
    certificates::{Answers, CertificateAuthority},
};
use super::*;

const ORGANIZATION: &str = "acme";

/// Services of authorities named `first`, `second` and so on, with their roots.
struct World {
    services: TrustServices,
    clock: Clock,
    metrics: Metrics,
    _folder: tempfile::TempDir,
}

const NAMES: [&str; 3] = ["first", "second", "third"];

fn world(authorities: &[&TimeAuthority], more: &str, of_each: &str) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut text = format!("plain_http = true\nprivate_networks = [\"127.0.0.0/8\"]\nbreaker_failures = 3\n{more}\n");
    for (name, authority) in NAMES.iter().zip(authorities) {
        let roots = folder.path().join(format!("{name}.pem"));
        std::fs::write(&roots, authority.root_pem()).unwrap();
        let (url, roots) = (&authority.url, roots.display());
        text.push_str(&format!(
            "[[time_stamp_authorities]]\nname = \"{name}\"\nurl = \"{url}\"\nroots = \"{roots}\"\n{of_each}\n"
        ));
    }
    let options: Options = toml::from_str(&text).unwrap();
    options.check().unwrap();
    let (clock, metrics) = (Clock::manual(Utc::now()), Metrics::default());
    let parts = (clock.clone(), Duration::from_secs(25));
    let sealing = Sealing { level: Level::T, deadline: Some(TimeDelta::hours(1)) };
    let services = TrustServices::new(&options, sealing, CpuPool::default(), parts, metrics.clone()).unwrap();
    World { services, clock, metrics, _folder: folder }
}

fn development() -> Arc<Identity> {
    let now = Utc::now();
    let file = Identity::development("Seal", "Acme", now, "password").unwrap();
    Identity::open(&file, "password", now).unwrap().into()
}

/// The first step of a seal with two signatures.
fn begun(identity: &Identity, with_time_stamps: bool) -> Step {
    let now = Utc::now();
    let request = seal::Request {
        field: None,
        signer_name: "Ana".into(),
        at: now,
        reason: "test".into(),
        location: None,
        appearance_lines: None,
        handwriting: None,
    };
    seal::begin(&::documents::fixtures::contract(&[]), identity, &[request.clone(), request], with_time_stamps).unwrap()
}

fn sealed() -> Sealed {
    let Step::Done(sealed) = begun(&development(), false) else { panic!("there is nothing to wait for") };
    sealed
}

async fn raise(world: &World) -> Result<Raised, Error> {
    raise_to(world, &development(), Level::T).await
}

async fn raise_to(world: &World, identity: &Arc<Identity>, level: Level) -> Result<Raised, Error> {
    world.services.raise(ORGANIZATION, begun(identity, true), identity, level).await
}

async fn refused(world: &World) -> String {
    let error = raise(world).await.unwrap_err();
    assert!(matches!(error, Error::Away(_)), "{error}");
    error.to_string()
}

#[actix_web::test]
async fn a_sealed_file_gets_a_time_stamp_that_proves_its_seal() {
    let authority = TimeAuthority::start();
    let world = world(&[&authority], "", "user = \"acme\"\npassword = \"hunter2\"");
    let raised = raise(&world).await.unwrap();
    let trust = Trust { roots: vec![authority.root()] };
    let report = verify::verify(&raised.bytes, &trust, Utc::now()).unwrap();
    assert!(report.all_intact(), "{report}");
    let [first, second] = &report.signatures[..] else { panic!("{report}") };
    assert!(!first.is_time_stamp && first.time_stamps.len() == 1 && second.covers_whole_file);
    let time = raised.seal.time_stamp.clone().expect("a time stamp");
    assert_eq!((second.proven_time, time.authority.as_str()), (Some(time.at), "Rubrica test time stamps"));
    assert_eq!((raised.seal.level, raised.seal.short_of), (SealLevel::T, None));
    // What is read of the file alone is the same.
    assert_eq!(seal_of(&raised.bytes, Level::T, Utc::now()).unwrap(), raised.seal);
    let short = seal_of(&sealed().pdf, Level::T, Utc::now()).unwrap();
    assert_eq!(short, Seal { short_of: Some(SealLevel::T), ..Seal::default() });
    assert_eq!(seal_of(&sealed().pdf, Level::B, Utc::now()).unwrap(), Seal::default());

    let [question, _] = &authority.questions()[..] else { panic!("a question for each signature") };
    assert!(question.line.starts_with("POST /tsr HTTP/1.1"));
    for header in [
        "content-type: application/timestamp-query",
        "accept: application/timestamp-reply",
        "authorization: Basic YWNtZTpodW50ZXIy",
    ] {
        assert!(question.headers.iter().any(|own| own == header), "{header}: {:?}", question.headers);
    }
    assert_eq!(world.metrics.count("first", metrics::Outcome::Granted), 2);
}

/// Authorities of the organization's certificate and of the time stamps', and a world with them.
struct Proven {
    people: CertificateAuthority,
    times: CertificateAuthority,
    stamps: TimeAuthority,
    identity: Arc<Identity>,
    world: World,
}

impl Proven {
    fn new() -> Self {
        let (people, times) = (CertificateAuthority::start(), CertificateAuthority::start());
        let stamps = TimeAuthority::of(times.with(|pki| pki.time_stamps(1_000, true)));
        let identity = people.with(|pki| pki.identity("Seal", 400)).into();
        let world = world(&[&stamps], "", "");
        Self { people, times, stamps, identity, world }
    }

    async fn raise(&self, level: Level) -> Result<Raised, Error> {
        raise_to(&self.world, &self.identity, level).await
    }

    fn levels(&self, raised: &Raised) -> Vec<Level> {
        let roots = vec![self.people.with(|pki| pki.root()), self.times.with(|pki| pki.root())];
        let report = verify::verify(&raised.bytes, &Trust { roots }, Utc::now()).unwrap();
        assert!(report.all_intact() && report.all_trusted(), "{report}");
        report.signatures.iter().filter(|signature| !signature.is_time_stamp).filter_map(|signature| signature.level).collect()
    }
}

#[actix_web::test]
async fn a_seal_of_each_level_is_one_and_what_was_learned_is_kept() {
    let proven = Proven::new();
    for (level, journaled) in [(Level::T, SealLevel::T), (Level::Lt, SealLevel::Lt), (Level::Lta, SealLevel::Lta)] {
        let raised = proven.raise(level).await.unwrap();
        assert_eq!((raised.seal.level, raised.seal.short_of), (journaled, None));
        assert_eq!(proven.levels(&raised), [level; 2]);
        assert_eq!(seal_of(&raised.bytes, level, Utc::now()).unwrap(), raised.seal);
    }
    // Two time stamps each, and one more over all at the highest level; each certificate asked about once.
    assert_eq!(proven.stamps.questions().len(), 7);
    assert_eq!(
        (proven.people.asked(), proven.times.asked()),
        (vec!["POST /ocsp HTTP/1.1".to_owned()], vec!["POST /ocsp HTTP/1.1".to_owned()])
    );
}

#[actix_web::test]
async fn a_list_says_it_where_the_responder_is_away_or_lies() {
    let proven = Proven::new();
    proven.people.answers(Answers::Lists);
    proven.times.lies(authorities::Fault::NoResponder);
    let raised = proven.raise(Level::Lta).await.unwrap();
    assert_eq!(proven.levels(&raised), [Level::Lta; 2]);
    assert!(proven.people.asked().contains(&"GET /list HTTP/1.1".to_owned()));
    let data = String::from_utf8_lossy(&raised.bytes).into_owned();
    assert!(data.contains("/CRLs") && !data.contains("/OCSPs"));
}

#[actix_web::test]
async fn a_responder_that_knows_no_nonce_is_asked_without() {
    let proven = Proven::new();
    proven.people.lies(authorities::Fault::NoNonce);
    assert_eq!(proven.levels(&proven.raise(Level::Lt).await.unwrap()), [Level::Lt; 2]);
    let other = Proven::new();
    other.people.lies(authorities::Fault::TryLater);
    // Refused with a nonce and without, then the list.
    assert_eq!(other.levels(&other.raise(Level::Lt).await.unwrap()), [Level::Lt; 2]);
    assert_eq!(other.people.asked().len(), 3);
}

#[actix_web::test]
async fn what_nobody_says_is_told_with_what_was_reached_and_a_revoked_certificate_seals_nothing() {
    let proven = Proven::new();
    proven.people.answers(Answers::Nothing);
    let error = proven.raise(Level::Lta).await.unwrap_err();
    let Error::Short { reasons, is_passing: true, reached, .. } = error else { panic!("{error}") };
    assert!(reasons.contains("\"Seal\"") && reasons.contains("it answered 503") && !reasons.contains("http:"), "{reasons}");
    assert_eq!((reached.seal.level, reached.seal.short_of), (SealLevel::T, Some(SealLevel::Lta)));
    assert_eq!(proven.levels(&reached), [Level::T; 2]);
    // A certificate that names nobody: no use to wait.
    let error = raise_to(&proven.world, &development(), Level::Lt).await.unwrap_err();
    assert!(matches!(&error, Error::Short { is_passing: false, .. }) && error.to_string().contains("names nobody"), "{error}");
    proven.people.answers(Answers::All);
    let certificate = proven.identity.certificates().next().unwrap().to_vec();
    proven.people.with(|pki| pki.revoke(&certificate, Utc::now() - TimeDelta::hours(1)));
    let error = proven.raise(Level::Lt).await.unwrap_err();
    assert!(matches!(&error, Error::Revoked { .. }) && error.to_string().contains("\"Seal\" was revoked"), "{error}");
}

#[actix_web::test]
async fn addresses_that_are_not_public_are_not_asked_unless_that_is_allowed() {
    let proven = Proven::new();
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, proven.stamps.root_pem()).unwrap();
    let metrics = Metrics::default();
    let parts = (Clock::manual(Utc::now()), metrics.clone());
    let times = (Duration::from_secs(2), Duration::from_secs(2));
    let revocations = Revocations::new(Default::default(), times, vec![proven.stamps.root()], CpuPool::default(), parts).unwrap();
    let raised = proven.raise(Level::T).await.unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    let error = revocations.gather(ORGANIZATION, &raised.bytes, until).await.unwrap_err();
    assert!(matches!(&error, revocation::Error::NotKnown { .. }) && error.to_string().contains("not public"), "{error}");
    assert!(proven.people.asked().is_empty() && proven.times.asked().is_empty());
}

#[actix_web::test]
async fn nothing_is_asked_for_the_lowest_level() {
    let authority = TimeAuthority::start();
    let world = world(&[&authority], "", "");
    let identity = development();
    let first = begun(&identity, false);
    let raised = world.services.raise(ORGANIZATION, first, &identity, Level::B).await.unwrap();
    assert_eq!(raised.seal, Seal::default());
    for level in [Level::T, Level::Lt, Level::Lta] {
        assert!(world.services.ready(level).is_ok());
        assert!(matches!(TrustServices::none().ready(level), Err(Error::NotOffered(_))));
        let nobody = TrustServices::none().raise(ORGANIZATION, begun(&identity, true), &identity, level).await;
        assert!(matches!(nobody, Err(Error::NotOffered(_))));
    }
    assert!(authority.questions().is_empty());
    assert_eq!((world.services.wanted(None), world.services.wanted(Some(Level::B))), (Level::T, Level::B));
}

#[actix_web::test]
async fn who_is_away_is_asked_again_and_then_the_next_one() {
    let (first, second) = (TimeAuthority::start(), TimeAuthority::start());
    let world = world(&[&first, &second], "", "");
    first.says(Says::Status(500, ""));
    assert!(raise(&world).await.is_ok());
    // For two signatures.
    assert_eq!((first.questions().len(), second.questions().len()), (4, 2));
    // Each question has a nonce of its own.
    assert_ne!(first.questions()[0].body, first.questions()[1].body);
    // What another question would not mend is not asked twice.
    for says in [
        Says::Status(404, ""),
        Says::Status(401, ""),
        Says::Status(302, "location: http://127.0.0.1/\r\n"),
        Says::Status(503, "retry-after: 60\r\n"),
    ] {
        let asked = first.questions().len();
        first.says(says.clone());
        assert!(raise(&world).await.is_ok(), "{says:?}");
        // Or not at all, once it failed three times.
        assert!(first.questions().len() <= asked + 2, "{says:?}");
    }
    assert!(world.metrics.count("first", metrics::Outcome::Away) >= 3);
    assert!(world.metrics.count("first", metrics::Outcome::LeftAlone) >= 1);
}

#[actix_web::test]
async fn an_answer_that_proves_nothing_is_refused_and_the_next_one_asked() {
    let faults = [
        (Says::Stamp(Fault::Refuses), "its source of time is away"),
        (Says::Stamp(Fault::OtherImprint), "another digest"),
        (Says::Stamp(Fault::OtherNonce), "another nonce"),
        (Says::Stamp(Fault::OtherPolicy), "another policy"),
        (Says::Stamp(Fault::WrongSignature), "proves nothing"),
        (Says::Stamp(Fault::NoCertificate), "proves nothing"),
        (Says::Stamp(Fault::OtherBinding), "not bound to its certificate"),
        (Says::Text("<html>hunter2</html>"), "no application/timestamp-reply"),
        (Says::Bytes(100), "cannot be read"),
        (Says::Bytes(100_000), "longer than"),
    ];
    for (says, words) in faults {
        let liar = TimeAuthority::start();
        let policy = format!("policy = \"{POLICY}\"");
        liar.says(says.clone());
        let told = refused(&world(&[&liar], "", &policy)).await;
        assert!(told.contains(words) && !told.contains("hunter2"), "{says:?}: {told}");
        assert_eq!(liar.questions().len(), 1, "{says:?}");
        let honest = TimeAuthority::start();
        let raised = raise(&world(&[&liar, &honest], "", &policy)).await.unwrap();
        assert_eq!((raised.seal.level, honest.questions().len()), (SealLevel::T, 2), "{says:?}");
    }
}

#[actix_web::test]
async fn a_certificate_that_is_none_for_time_stamps_or_leads_to_another_root_is_refused() {
    let unfit = TimeAuthority::of(Authority::new(Utc::now() - TimeDelta::days(40), 5, false));
    assert!(refused(&world(&[&unfit], "", "")).await.contains("the authority's certificate is"));
    let over = TimeAuthority::of(Authority::new(Utc::now() - TimeDelta::days(800), 1, true));
    assert!(refused(&world(&[&over], "", "")).await.contains("the authority's certificate is"));
    let ahead = TimeAuthority::start();
    ahead.goes_ahead(TimeDelta::hours(1));
    assert!(refused(&world(&[&ahead], "", "")).await.contains("clock"));
    // The address of one with the roots of another.
    let (one, other) = (TimeAuthority::start(), TimeAuthority::start());
    assert!(refused(&world(&[&other.at(&one.url)], "", "")).await.contains("the authority's certificate is"));
}

#[actix_web::test]
async fn who_is_slow_is_not_waited_for() {
    let (slow, second) = (TimeAuthority::start(), TimeAuthority::start());
    slow.says(Says::Nothing);
    let world = world(&[&slow, &second], "timeout = \"PT0.2S\"", "");
    assert!(raise(&world).await.is_ok());
    assert_eq!((slow.questions().len(), second.questions().len()), (2, 2), "it is not asked twice for a signature");
}

#[actix_web::test]
async fn who_fails_time_after_time_is_left_alone_until_it_is_back() {
    let authority = TimeAuthority::start();
    let world = world(&[&authority], "attempts = 1", "user = \"acme\"\npassword = \"hunter2\"");
    authority.says(Says::Status(500, ""));
    for _ in 0..3 {
        assert!(world.services.ready(Level::T).is_ok());
        let told = refused(&world).await;
        assert!(told.contains("first: it answered 500") && !told.contains("hunter2") && !told.contains("127.0.0.1"), "{told}");
    }
    let error = world.services.ready(Level::T).unwrap_err();
    assert_eq!(error.after(), Some(Duration::from_secs(30)), "{error}");
    assert!(world.services.ready(Level::B).is_ok());
    let error = raise(&world).await.unwrap_err();
    assert_eq!((error.after(), authority.questions().len()), (Some(Duration::from_secs(30)), 3), "{error}");
    // One question finds out whether it is back.
    world.clock.advance(TimeDelta::seconds(30));
    authority.says(Says::Stamp(Fault::None));
    authority.goes_ahead(TimeDelta::seconds(30));
    assert!(world.services.ready(Level::T).is_ok() && raise(&world).await.is_ok());
    assert_eq!(world.metrics.standing("first"), 0);
}

#[actix_web::test]
async fn an_authority_that_asks_for_a_pause_gets_it() {
    let (first, second) = (TimeAuthority::start(), TimeAuthority::start());
    let world = world(&[&first, &second], "", "");
    first.says(Says::Status(503, "retry-after: 90\r\n"));
    second.says(Says::Status(429, "retry-after: 40\r\n"));
    assert_eq!(raise(&world).await.unwrap_err().after(), Some(Duration::from_secs(40)));
}

#[test]
fn a_seal_waits_until_its_deadline() {
    let authority = TimeAuthority::start();
    let World { services, clock, .. } = world(&[&authority], "", "");
    let since = clock.now();
    let waits = |minutes| services.patience(since, since + TimeDelta::minutes(minutes));
    assert_eq!((waits(0), waits(59)), (Some(Duration::from_secs(3600)), Some(Duration::from_secs(60))));
    assert_eq!((waits(60), waits(61)), (None, None));
    assert_eq!(TrustServices::none().patience(since, since + TimeDelta::days(1000)), Some(Duration::MAX));
    let short = Raised::short_of(Level::Lta, sealed());
    assert_eq!((short.seal.level, short.seal.short_of), (SealLevel::B, Some(SealLevel::Lta)));
}
