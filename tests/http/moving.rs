//! `rubrica export` and `rubrica import`, with servers before and after.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use crate::{
    pdf,
    support::{Client, Journey, Keeps, Options, PATIENCE, Server, rubrica, wait_for},
};

fn moving(command: &str, folder: &Path, data: &Path, more: &[&str]) -> Output {
    rubrica().arg(command).arg(folder).arg("--data").arg(data).args(more).output().expect("the program runs")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn start(data: &Path) -> (Server, Journey) {
    let server = Server::start_with(Options { data: Some(data.to_owned()), keeps: Keeps::Embedded, ..Options::default() });
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
    assert!(told(&refused).contains("must be stopped"), "{}", told(&refused));
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
