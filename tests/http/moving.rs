//! `rubrica export` and `rubrica import`, with servers before and after.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::json;

use crate::{
    forms, pdf,
    support::{Answer, Client, Journey, Keeps, Options, PATIENCE, Server, rubrica, wait_for},
};

fn moving(command: &str, folder: &Path, data: &Path, more: &[&str]) -> Output {
    rubrica().arg(command).arg(folder).arg("--data").arg(data).args(more).output().expect("the program runs")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn start(data: &Path) -> (Server, Journey) {
    let server = Server::start_with(Options { data: Some(data.to_owned()), keeps: Keeps::AsConfigured, ..Options::default() });
    let journey = Journey::new(server.client());
    (server, journey)
}

fn copy_key(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("keys")).unwrap();
    fs::copy(from.join("keys/master.key"), to.join("keys/master.key")).unwrap();
}

fn wakeups(client: &Client) -> u64 {
    let metrics = client.get("/metrics").send().expect(200).body;
    let metrics = String::from_utf8(metrics).unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix("rubrica_wakeups_total "));
    line.expect("the metric is there").parse().unwrap()
}

#[cfg(unix)]
fn assert_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(path) = folders.pop() {
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o077, 0, "{} can be read by others", path.display());
        files += usize::from(metadata.is_file());
        if metadata.is_dir() {
            folders.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert!(files > 4, "{files} files");
}

#[test]
fn a_process_in_flight_goes_on_after_the_installation_was_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new, export) = (folder.path().join("old"), folder.path().join("new"), folder.path().join("export"));
    // given one process half way (a signer identified, another one with a code in hand) and one that nobody touches
    let (server, journey) = start(&old);
    let document = journey.upload("contract.pdf", &pdf());
    let signers = [Journey::signer("tenant", "tenant@example.org"), Journey::signer("owner", "owner@example.org")];
    let process = journey.create(&Journey::creation(&signers, &[&document]));
    let idle = journey.create(&Journey::creation(&signers[..1], &[&document]));
    let views = journey.signers(&process);
    let access = journey.identify(&views[0].identification, "tenant@example.org");
    let code = journey.code(&views[1].identification, "owner@example.org");
    // when it is exported: not while the server runs
    let refused = moving("export", &export, &old, &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("must end first"), "{}", told(&refused));
    assert!(server.terminate().success());
    let exported = moving("export", &export, &old, &[]);
    assert!(exported.status.success(), "{}", told(&exported));
    assert!(told(&exported).contains("personal data"), "{}", told(&exported));
    #[cfg(unix)]
    assert_private(&export);
    // and imported: not without the key
    let without_key = moving("import", &export, &new, &[]);
    assert_eq!(without_key.status.code(), Some(2), "{}", told(&without_key));
    assert!(told(&without_key).contains("master.key"), "{}", told(&without_key));
    copy_key(&old, &new);
    let imported = moving("import", &export, &new, &[]);
    assert_eq!(imported.status.code(), Some(0), "{}", told(&imported));
    let again = moving("import", &export, &new, &[]);
    assert_eq!(again.status.code(), Some(2), "{}", told(&again));
    // then the process goes on to its end with the token and the code of before
    let (server, journey) = start(&new);
    assert_eq!(journey.signers(&process).len(), 2);
    let tenant = Journey::new(server.client_with(&access));
    tenant.sign(&views[0].sign).expect(204);
    journey.validate(&views[1].identification, &serde_json::json!({ "code": code })).expect(204);
    journey.sign(&views[1].sign).expect(204);
    journey.until(&process, "CERTIFIED");
    // and what was to happen by itself happens
    let fired = wakeups(&server.anonymous());
    server.advance("P31D");
    wait_for("the wake-ups of the process that nobody touched", PATIENCE, || {
        (wakeups(&server.anonymous()) > fired).then_some(())
    });
    assert_eq!(journey.process(&idle)["status"], "EXPIRED");
}

#[test]
fn forms_sections_templates_and_configurations_move_with_their_versions_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new, export) = (folder.path().join("old"), folder.path().join("new"), folder.path().join("export"));
    let (server, journey) = start(&old);
    let form = forms::create(&journey, "header");
    let post = |path: &str, body: serde_json::Value| journey.client.post(&journey.path(path)).json(&body).send();
    let languages = [json!({"language": "ES", "formExternalId": "header"})];
    post("templates/sections", json!({"sectionName": "header", "forms": languages})).expect(201);
    let of = |name: &str| json!({"templateName": name, "defaultLanguage": "ES", "orderedSectionNames": ["header"]});
    post("templates", of("contract")).expect(201);
    post("templates", of("short_lived")).expect(201);
    post("templates/contract/versions", of("")).expect(201);
    let versions = |name: &str, version: &str| journey.path(&format!("templates/{name}/versions/{version}"));
    journey.client.patch(&versions("contract", "1")).json(&json!({"changelog": "a typo"})).send().expect(201);
    journey.client.delete(&versions("contract", "2")).send().expect(204);
    journey.client.delete(&versions("short_lived", "1")).send().expect(204);
    let field = json!({"name": "CONFIG_TENANT.CITY", "type": "TEXT", "value": [{"language": "ES", "content": "Bilbao"}]});
    post("templates/configurations", json!({"defaultLanguage": "ES", "fieldValues": [field]})).expect(200);
    let paths = [
        "templates/forms",
        "templates/forms/header",
        &format!("templates/forms/{}/metadata", form["id"].as_str().unwrap()),
        "templates/sections",
        "templates",
        "templates/contract/versions/1/metadata?include=history",
        "templates/contract/versions/2/metadata",
        "templates/contract/changelog",
        "templates/short_lived/changelog",
        "templates/configurations/latest",
    ];
    let read = |journey: &Journey| {
        let read = |path: &&str| journey.client.get(&journey.path(path)).send();
        // An error names the address of its server.
        let told = |answer: Answer| (answer.status, if answer.status < 400 { answer.body } else { Vec::new() });
        paths.iter().map(read).map(told).collect::<Vec<_>>()
    };
    let before = read(&journey);
    let statuses: Vec<u16> = before.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 410, 200, 410, 200]);
    assert!(server.terminate().success());

    let exported = moving("export", &export, &old, &[]);
    assert!(exported.status.success(), "{}", told(&exported));
    copy_key(&old, &new);
    let imported = moving("import", &export, &new, &[]);
    assert_eq!(imported.status.code(), Some(0), "{}", told(&imported));

    let (_server, journey) = start(&new);
    assert_eq!(read(&journey), before);
    // What is used is still used, and what was free is free.
    journey.client.delete(&journey.path("templates/sections/header")).send().expect_problem(409, "CONFLICT");
    journey.client.delete(&journey.path("templates/forms/header")).send().expect_problem(409, "CONFLICT");
    journey.client.post(&journey.path("templates")).json(&of("short_lived")).send().expect(201);
}

/// Configuration of a server on ScyllaDB.
fn on_scylla(keyspace: &str, files: &Path) -> String {
    let points = cql_server::shared().contact_points().join(",");
    format!(
        "[store]\nurl = \"scylla://{points}/{keyspace}?replication=1\"\n[blobs]\nurl = \"{}\"\n[keys]\nmaster = \"{KEY}\"\n",
        files.display()
    )
}

/// A master key for tests.
const KEY: &str = "cnVicmljYSBydWJyaWNhIHJ1YnJpY2EgcnVicmljYSE=";

#[test]
fn an_installation_whose_key_is_lost_is_moved_only_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new, export) = (folder.path().join("old"), folder.path().join("new"), folder.path().join("export"));
    let (server, _) = start(&old);
    assert!(server.terminate().success());
    // What a start makes where there is no key.
    for data in [&old, &new] {
        fs::create_dir_all(data.join("keys")).unwrap();
        fs::write(data.join("keys/master.key"), KEY).unwrap();
    }
    let exported = moving("export", &export, &old, &[]);
    assert!(exported.status.success(), "{}", told(&exported));
    let refused = moving("import", &export, &new, &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("another master key"), "{}", told(&refused));
    let imported = moving("import", &export, &new, &["--any-key"]);
    assert_eq!(imported.status.code(), Some(0), "{}", told(&imported));
}

#[test]
fn a_process_begun_on_sqlite_goes_on_in_scylladb_and_ends_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let keyspace = cql_server::NewKeyspace::default();
    let embedded = format!("[keys]\nmaster = \"{KEY}\"\n");
    let shared = on_scylla(keyspace.name(), &at("bucket"));
    let start = |config: &str, data: &str| {
        let options =
            Options { data: Some(at(data)), config: Some(config.to_owned()), keeps: Keeps::AsConfigured, ..Options::default() };
        let server = Server::start_with(options);
        let journey = Journey::new(server.client());
        (server, journey)
    };
    let moved = |command: &str, export: &str, config: &str, data: &str| {
        fs::write(at("moving.toml"), config).unwrap();
        let path = at("moving.toml").display().to_string();
        let output = moving(command, &at(export), &at(data), &["--config", &path]);
        assert!(output.status.success(), "{command}: {}", told(&output));
    };
    // given a process on SQLite, with a code in the signer's hand
    let (server, journey) = start(&embedded, "one");
    let document = journey.upload("contract.pdf", &pdf());
    let signers = [Journey::signer("tenant", "tenant@example.org"), Journey::signer("owner", "owner@example.org")];
    let process = journey.create(&Journey::creation(&signers, &[&document]));
    let views = journey.signers(&process);
    let code = journey.code(&views[0].identification, "tenant@example.org");
    assert!(server.terminate().success());
    // when it is moved to ScyllaDB, the first signer signs there
    moved("export", "export-1", &embedded, "one");
    moved("import", "export-1", &shared, "two");
    let (server, journey) = start(&shared, "two");
    journey.validate(&views[0].identification, &serde_json::json!({ "code": code })).expect(204);
    journey.sign(&views[0].sign).expect(204);
    let code = journey.code(&views[1].identification, "owner@example.org");
    assert!(server.terminate().success());
    // and when it is moved back, the second one signs and the process ends
    moved("export", "export-2", &shared, "two");
    moved("import", "export-2", &embedded, "three");
    let (_server, journey) = start(&embedded, "three");
    journey.validate(&views[1].identification, &serde_json::json!({ "code": code })).expect(204);
    journey.sign(&views[1].sign).expect(204);
    journey.until(&process, "CERTIFIED");
}

#[test]
fn what_cannot_be_moved_is_named_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let exported = moving("export", &folder.path().join("export"), &nowhere, &[]);
    assert_eq!(exported.status.code(), Some(2));
    assert!(told(&exported).contains("no store in"), "{}", told(&exported));
    let imported = moving("import", &folder.path().join("export"), &nowhere, &["--any-key"]);
    assert_eq!(imported.status.code(), Some(2));
    assert!(told(&imported).contains("no export"), "{}", told(&imported));
    assert!(!nowhere.exists());
}

#[test]
fn the_help_says_what_an_export_guarantees() {
    for (command, promise) in [("export", "at one moment"), ("import", "compared with the export")] {
        let help = rubrica().args([command, "--help"]).output().expect("the program runs");
        assert!(told(&help).contains(promise), "{}", told(&help));
    }
}
