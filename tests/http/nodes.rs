//! Two servers on one store (a real CQL server) and one bucket, used in turn as behind a load balancer.

use std::process::Output;

use chrono::DateTime;
use cql_server::NewKeyspace;
use serde_json::{Value, json};

use crate::{
    address, contract, contracts,
    support::{Call, Device, Journey, Keeps, Options, PATIENCE, Server, SignerView, rubrica, wait_for},
};

/// 32 bytes, the same for both, and 32 others.
const MASTER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const OTHER: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A keyspace of its own, dropped at the end, and a bucket.
struct Shared {
    keyspace: NewKeyspace,
    bucket: String,
}

impl Shared {
    fn new() -> Self {
        Self { keyspace: NewKeyspace::default(), bucket: s3_server::fresh_bucket() }
    }

    fn configuration(&self, more_of_the_store: &str) -> String {
        let hosts = cql_server::shared().contact_points().join(",");
        let (keyspace, bucket) = (self.keyspace.name(), &self.bucket);
        format!(
            "[keys]\nmaster = \"{MASTER}\"\n[blobs]\nurl = \"s3://{bucket}/files\"\nendpoint = \"{}\"\nallow_http = true\n\
             access_key_id = \"tester\"\nsecret_access_key = \"hunter2\"\n\
             [store]\nurl = \"scylla://{hosts}/{keyspace}\"\nreplication = 1\n{more_of_the_store}\n",
            s3_server::endpoint()
        )
    }

    fn start(&self) -> Server {
        self.start_with("")
    }

    /// With further sections.
    fn start_with(&self, more: &str) -> Server {
        let config = Some(self.configuration(more));
        Server::start_with(Options { config, keeps: Keeps::AsConfigured, observer: Some(contract::check), ..Options::default() })
    }

    /// A command of the program with this configuration.
    fn run(&self, command: &[&str], more_of_the_store: &str) -> Output {
        run(command, &self.configuration(more_of_the_store))
    }
}

fn run(command: &[&str], configuration: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rubrica.toml");
    std::fs::write(&file, configuration).unwrap();
    rubrica().current_dir(folder.path()).args(command).arg("--config").arg(&file).output().expect("the program runs")
}

/// A process that one signer signs, each step through the other server.
fn signed_in_turn(ours: &Journey, theirs: &Journey) -> (String, SignerView) {
    let document = ours.upload("contract.pdf", &documents::fixtures::contract(&[]));
    let to = address();
    let process = theirs.create(&Journey::creation(&[Journey::signer("buyer", &to)], &[&document]));
    let signer = ours.signers(&process).remove(0);
    theirs.challenge(&signer.identification, &json!({})).expect(204);
    let code = wait_for("a code in one of the outboxes", PATIENCE, || ours.codes(&to).pop().or_else(|| theirs.codes(&to).pop()));
    ours.validate(&signer.identification, &json!({ "code": code })).expect(204);
    theirs.sign(&signer.sign).expect(204);
    (process, signer)
}

#[test]
fn of_what_is_over_its_time_each_process_is_erased_by_one_server_and_the_other_goes_on_alone() {
    let shared = Shared::new();
    let retention = "[retention]\nevery = \"PT1S\"\n[retention.after]\nsign_process = \"P1D\"";
    let (one, other) = (shared.start_with(retention), shared.start_with(retention));
    let (ours, theirs) = (Journey::new(one.client()), Journey::new(other.client()));
    let certified = |ours: &Journey, theirs: &Journey| {
        let (process, _) = signed_in_turn(ours, theirs);
        ours.until(&process, "CERTIFIED");
        process
    };
    let gone = |journey: &Journey, process: &str| {
        let path = journey.path(&format!("sign_process/{process}"));
        wait_for("the process to be erased", PATIENCE, || (journey.client.get(&path).send().status == 404).then_some(()));
    };
    let outcomes = |journey: &Journey| {
        let metrics = String::from_utf8_lossy(&journey.client.get("/metrics").send().expect(200).body).into_owned();
        let lines = metrics.lines().filter(|line| line.starts_with("rubrica_erasures_total{kind=\"sign_process\""));
        let told = |line: &str| line.rsplit_once(' ').and_then(|(_, count)| count.parse().ok()).unwrap_or(0_u64);
        let (erased, failed): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains("outcome=\"erased\""));
        (erased.into_iter().map(told).sum::<u64>(), failed.into_iter().map(told).sum::<u64>())
    };
    let processes = [certified(&ours, &theirs), certified(&theirs, &ours), certified(&ours, &theirs)];
    let open = ours.create(&Journey::creation(&[Journey::signer("buyer", &address())], &[&ours.upload("a.pdf", &crate::pdf())]));
    one.advance("P2D");
    for process in &processes {
        gone(&ours, process);
        gone(&theirs, process);
    }
    let told = wait_for("all to be counted", PATIENCE, || {
        let [(ours, our_failures), (theirs, their_failures)] = [outcomes(&ours), outcomes(&theirs)];
        (ours + theirs >= 3).then_some((ours + theirs, our_failures + their_failures))
    });
    assert_eq!(told, (3, 0), "each once, and nothing went wrong");
    assert_eq!(ours.process(&open)["status"], "CREATED", "what has not ended stays");
    // what ends later is erased by the one that is left
    let last = certified(&theirs, &ours);
    one.kill();
    other.advance("P2D");
    gone(&theirs, &last);
}

#[test]
fn any_server_takes_the_next_step_of_a_process() {
    // given two servers that start at once on an empty store
    let shared = Shared::new();
    let [one, other] = std::thread::scope(|scope| {
        let starts = [(); 2].map(|()| scope.spawn(|| shared.start()));
        starts.map(|start| start.join().expect("the server starts"))
    });
    let (ours, theirs) = (Journey::new(one.client()), Journey::new(other.client()));
    let root = |server: &Server| std::fs::read_to_string(server.data().join("development-root.pem")).unwrap();
    assert_eq!(root(&one), root(&other), "the development organization has one certificate");
    // when each step is taken by the server that did not take the one before
    let (process, signer) = signed_in_turn(&ours, &theirs);
    // then it ends, and its files are there for both
    let ended = ours.until(&process, "CERTIFIED");
    let certificate = ended["certificate_id"].as_str().expect("a certificate");
    assert_eq!(theirs.download(certificate), ours.download(certificate));
    // and a second try to sign is refused by the one that did not see the first
    ours.sign(&signer.sign).expect_problem(409, "CONFLICT");
}

#[test]
fn any_server_takes_the_next_step_of_a_chain() {
    let shared = Shared::new();
    let (one, other) = (shared.start(), shared.start());
    let (ours, theirs) = (Journey::new(one.client()), Journey::new(other.client()));
    let path = |rest: &str| ours.path(&format!("identifications/chain{rest}"));
    let named = |call: Call<'_>| call.header("user-agent", "a test").send();
    let to = address();
    let step =
        |external: bool| json!({"identification_type": "OTP", "otp_step": {"channel": {"type": "EMAIL", "external": external}}});
    let body = json!({"actor": {"email": to}, "expires_in": "PT1H", "sequence": [step(false), step(true)]});
    let id = named(theirs.client.post(&path("")).json(&body)).expect(201).text("id");
    let read = |journey: &Journey| named(journey.client.get(&path(&format!("/{id}")))).expect(200).json();
    let identify = |by: &Journey, with: &Journey, step: &Value| {
        let step = step["id"].as_str().expect("an identifier");
        let seen = ours.codes(&to).len() + theirs.codes(&to).len();
        by.challenge(step, &json!({})).expect(204);
        // Each server has an outbox of its own.
        let code = wait_for("a code in the outbox of its server", PATIENCE, || {
            let now = ours.codes(&to).len() + theirs.codes(&to).len();
            (now > seen).then(|| by.codes(&to).first().cloned()).flatten()
        });
        with.validate(step, &json!({ "code": code })).expect(204);
    };
    for round in 0..2 {
        let steps = read(&ours)["step_details"].clone();
        // Each step is taken by one server, and what became of it is known to the other at once.
        identify(&ours, &theirs, &steps[0]);
        identify(&theirs, &ours, &steps[1]);
        let validate = |journey: &Journey| journey.client.post(&path(&format!("/{id}/validate"))).headers(Device::HEADERS).send();
        validate(&theirs).expect(204);
        validate(&ours).expect_problem(409, "CONFLICT");
        let action = if round == 0 { "restart" } else { "close" };
        named(ours.client.post(&path(&format!("/{id}/{action}")))).expect(204);
    }
    for journey in [&theirs, &ours] {
        let chain = read(journey);
        let states = chain["step_details"].as_array().unwrap().iter().map(|step| &step["status"]);
        assert!(chain["status"] == "SUCCEEDED" && states.clone().all(|state| state == "SUCCEEDED"), "{chain}");
    }
}

#[test]
fn any_server_takes_the_next_step_of_a_contract() {
    // given three servers, and a template that was made through one of them
    let shared = Shared::new();
    let servers = [shared.start(), shared.start(), shared.start()];
    let [first, second, third] = servers.each_ref().map(|server| Journey::new(server.client()));
    let template = contracts::rental(&first);
    // when it is filled through the second, and signed step by step through whichever comes next
    let filled = contracts::fill(&second, "ana", &contracts::request(&template)).expect(200);
    let (contract, document) = (filled.text("contract_id"), filled.text("document_id"));
    let bytes = contracts::document(&third, &document, "ana").expect(200).body;
    let to = address();
    let signing = contracts::signing(&[&contract], &to);
    let process = contracts::sign(&third, &signing).expect(201).text("sign_process_id");
    assert_eq!(contracts::read(&first, &contract)["sign_process_id"], json!(process));
    contracts::sign(&first, &signing).expect_problem(409, "CONFLICT");
    let signer = first.signers(&process).remove(0);
    second.challenge(&signer.identification, &json!({})).expect(204);
    let everyone = [&first, &second, &third];
    let code =
        wait_for("a code in one of the outboxes", PATIENCE, || everyone.iter().find_map(|journey| journey.codes(&to).pop()));
    third.validate(&signer.identification, &json!({ "code": code })).expect(204);
    first.sign(&signer.sign).expect(204);
    // then all see it signed, with the same bytes, as soon as one does
    second.until(&process, "CERTIFIED");
    let signed = contracts::read(&third, &contract)["signed_document_id"].as_str().expect("a signed document").to_owned();
    let sealed = contracts::document(&first, &signed, "ana").expect(200).body;
    assert!(sealed.starts_with(&bytes) && sealed.len() > bytes.len(), "the filled bytes come first");
    for journey in everyone {
        assert_eq!(contracts::read(journey, &contract)["signed_document_id"], json!(signed));
        assert_eq!(contracts::document(journey, &signed, "ana").expect(200).body, sealed);
        contracts::sign(journey, &signing).expect_problem(409, "CONFLICT");
    }
    // and whom it belongs to is the same for all, too
    contracts::change_owner(&second, &contract, "ana", "bea").expect(200);
    for journey in everyone {
        contracts::document(journey, &signed, "ana").expect_problem(401, "UNAUTHORIZED");
        contracts::document(journey, &document, "bea").expect(200);
    }
}

#[test]
fn time_that_is_moved_on_one_server_moves_on_all() {
    let shared = Shared::new();
    let (one, other) = (shared.start(), shared.start());
    let ours = Journey::new(one.client());
    let document = ours.upload("contract.pdf", &documents::fixtures::contract(&[]));
    let mut creation = Journey::creation(&[Journey::signer("buyer", &address())], &[&document]);
    creation["expires_in"] = json!("PT1H");
    let process = ours.create(&creation);
    other.advance("PT2H");
    ours.until(&process, "EXPIRED");
    let clock = one.anonymous().post("/sandbox/clock").json(&json!({"advance": "PT1H"})).send().expect(200);
    assert_eq!(clock.text("ahead"), "PT3H");
    let now = DateTime::parse_from_rfc3339(&clock.text("now")).unwrap();
    assert!(now > chrono::Utc::now() + chrono::TimeDelta::hours(2));
}

#[test]
fn a_server_does_not_start_on_an_old_schema_unless_it_may_mend_it() {
    let shared = Shared::new();
    let refused = shared.run(&["serve", "--listen", "127.0.0.1:0"], "migrate = false");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("rubrica migrate"), "{said}");
    for again in [false, true] {
        let migrated = shared.run(&["migrate"], "");
        let said = String::from_utf8_lossy(&migrated.stdout).into_owned();
        assert!(migrated.status.success(), "{said}{}", String::from_utf8_lossy(&migrated.stderr));
        assert_eq!(said.contains("is up to date"), again, "{said}");
    }
    let checked = shared.run(&["config", "check"], "");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains(shared.keyspace.name()) && said.contains(&shared.bucket) && !said.contains("hunter2"), "{said}");
    let token = shared.run(&["token", "--organization", "acme"], "");
    assert!(token.status.success() && token.stdout.len() > 100, "a token needs no data folder: {token:?}");
}

#[test]
fn a_check_of_the_configuration_says_in_words_what_is_wrong_with_the_senders() {
    let gateway = "[channels.smtp]\nhost = \"mail.example.org\"\nfrom = \"acme@example.org\"\n[channels.gateway.sms]\nurl = \"https://sms.example.org\"\nbody = '{\"from\": \"{{sender}}\"}'\n\
                   [[channels.senders.default]]\ncountry = \"34\"\n";
    let said = |rest: &str| {
        let checked = run(&["config", "check"], &format!("{gateway}{rest}"));
        let [said, told] = [&checked.stdout, &checked.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        (checked.status.code(), said.lines().skip(1).map(str::to_owned).collect::<Vec<_>>(), told)
    };
    let sender = "the SMS sender \"Acme\" of all organizations for +34";
    let (code, lines, _) = said("alias = \"Acme\"\nregistered_until = 2099-12-31\n");
    assert_eq!((code, lines), (Some(0), vec![]));
    let (code, lines, _) = said("alias = \"Acme\"\nregistered_until = 2026-09-14\nfallback = \"+34600000001\"\n");
    let warning = "was registered until 2026-09-14 only; renew it with sms; until then +34600000001 is used";
    assert_eq!((code, lines), (Some(0), vec![format!("warning: {sender} {warning}")]));
    let (code, lines, _) = said("alias = \"Acme\"\n");
    let problem = "is not registered; register it with sms and set registered_until; until then its messages are refused; a fallback \
                   number would carry them";
    assert_eq!((code, lines), (Some(1), vec![format!("problem: {sender} {problem}")]));
    let (code, lines, told) = said("alias = \"TwelveChars1\"\n");
    assert_eq!((code, lines), (Some(2), vec![]));
    let expected =
        "rubrica: channels.senders: the sender \"TwelveChars1\" of all organizations: alias: an alias has 1 to 11 characters";
    assert_eq!(told.trim_end(), expected);
}

#[test]
fn a_server_with_another_master_key_is_refused() {
    let shared = Shared::new();
    assert_eq!(shared.start().terminate().code(), Some(0));
    let refused = run(&["serve", "--listen", "127.0.0.1:0"], &shared.configuration("").replace(MASTER, OTHER));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("another master key") && !said.contains(MASTER) && !said.contains(OTHER), "{said}");
    assert_eq!(shared.start().terminate().code(), Some(0), "nothing is changed by it");
}
