//! What the server has set aside after a fault: who sees it, and what a look before its time brings.

use std::path::Path;

use ::store::{Commit, CommitOutcome, Entity, Listing, Store};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{Browser, leads_to, process, text};
use crate::{
    contract,
    support::{Journey, ORGANIZATION, Options, Server},
};

const QUARANTINE: &str = "/console/orgs/acme/quarantine";

/// An entry that is none, behind those of a process.
async fn damage(store: &dyn Store, id: &str) {
    let entity = Entity::new(ORGANIZATION, "sign_process", Uuid::parse_str(id).unwrap());
    let head = store.entries(&entity, 1, 1_000).await.unwrap().len() as u64;
    let commit = Commit {
        entity,
        expected_head: head,
        entries: vec![b"rubbish".to_vec()],
        at: chrono::Utc::now(),
        snapshot: None,
        wake: None,
        commit_id: Uuid::new_v4(),
        key: None,
        listing: Listing::Listed,
        marks: None,
    };
    assert_eq!(store.commit(commit).await.unwrap(), CommitOutcome::Applied);
}

/// A server with processes whose journals are damaged, and one that is well; their addresses in the console.
fn damaged(folder: &Path, count: usize) -> (Server, Vec<(String, String)>, String) {
    let options = Options { observer: Some(contract::check), ..Options::on(folder) };
    let server = Server::start_with(options.clone());
    let journey = Journey::new(server.client());
    let broken: Vec<_> = (0..count).map(|_| process(&journey)).map(|(id, path, _)| (id, path)).collect();
    let (_, well, _) = process(&journey);
    let keeps = server.keeps().clone();
    assert!(server.terminate().success());
    Runtime::new().unwrap().block_on(async {
        let store = keeps.open(folder).await;
        for (id, _) in &broken {
            damage(store.as_ref(), id).await;
        }
    });
    (Server::start_with(options), broken, well)
}

#[test]
fn what_is_set_aside_is_listed_and_looked_at_again_with_its_count_first() {
    let folder = tempfile::tempdir().unwrap();
    let (server, broken, well) = damaged(folder.path(), 3);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    assert!(text(&browser.get(QUARANTINE).expect(200)).contains("Nothing is set aside"));
    for (_, path) in &broken {
        assert!(text(&browser.get(path).expect(503)).contains("Set aside after a fault"));
    }
    browser.get(&well).expect(200);
    let overview = text(&browser.get("/console/orgs/acme").expect(200));
    assert!(overview.contains(&format!("<a href=\"{QUARANTINE}\">Set aside on this server after a fault: 3</a>")), "{overview}");
    let list = text(&browser.get(QUARANTINE).expect(200));
    for (id, path) in &broken {
        assert!(list.contains(&format!("href=\"{path}\"")) && list.contains(&format!("look?one=sign_process.{id}")), "{list}");
    }
    for words in ["This server only", "Its journal cannot be read", "Next look", "Look again at all"] {
        assert!(list.contains(words), "{words}: {list}");
    }

    let one = format!("{QUARANTINE}/look?one=sign_process.{}", broken[0].0);
    let page = text(&browser.get(&one).expect(200));
    assert!(
        page.contains("Sign process") && page.contains(&broken[0].0) && page.contains("only the log of this server"),
        "{page}"
    );
    let csrf = browser.csrf(&one);
    let page = text(&browser.post(&one, &[("csrf", &csrf), ("reason", " ")]).expect(400));
    assert!(page.contains("Give a reason of 1 to 1000 characters"));
    let answer = browser.post(&one, &[("csrf", &csrf), ("reason", "the disk was changed")]);
    leads_to(&answer, &format!("{QUARANTINE}?served=0&still=1&away=0&gone=0"));
    let list = text(&browser.get(answer.header("location")).expect(200));
    assert!(list.contains("Still faulty and set aside again: 1") && list.contains(&broken[0].0), "{list}");
    // No journal says so, so the log says all.
    assert!(server.log().contains("the disk was changed"));

    let some = format!("{one}&one=sign_process.{}&one=otp.{}&one=nonsense", broken[1].0, broken[2].0);
    assert!(text(&browser.get(&some).expect(200)).contains("Processes: 2, at most 100 at a time"));
    let all = format!("{QUARANTINE}/look?all=1");
    assert!(text(&browser.get(&all).expect(200)).contains("Processes: 3, at most 100 at a time"));
    let answer = browser.post(&all, &[("csrf", &csrf), ("reason", "all of them")]);
    leads_to(&answer, &format!("{QUARANTINE}?served=0&still=3&away=0&gone=0"));
    leads_to(&browser.get(&format!("{QUARANTINE}/look")), &format!("{QUARANTINE}?chosen=none"));
    assert!(text(&browser.get(&format!("{QUARANTINE}?chosen=none")).expect(200)).contains("Nothing was selected"));
    let metrics = String::from_utf8(server.anonymous().get("/metrics").send().expect(200).body).unwrap();
    assert!(metrics.contains("rubrica_quarantine_looks_total{kind=\"sign_process\",outcome=\"set_aside\"} 4"), "{metrics}");
}

#[test]
fn who_may_only_look_has_nothing_looked_at_and_others_see_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (server, broken, _) = damaged(folder.path(), 1);
    let (id, path) = &broken[0];
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    reader.get(path).expect(503);
    let list = text(&reader.get(QUARANTINE).expect(200));
    assert!(list.contains(id) && !list.contains("/look") && !list.contains("checkbox"), "{list}");
    let look = format!("{QUARANTINE}/look?one=sign_process.{id}");
    let csrf = reader.csrf(QUARANTINE);
    assert!(text(&reader.get(&look).expect(403)).contains("needs the role console_operate"));
    reader.post(&look, &[("csrf", &csrf), ("reason", "x")]).expect(403);

    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    let own = "/console/orgs/second/quarantine";
    assert!(text(&stranger.get(own).expect(200)).contains("Nothing is set aside"));
    let csrf = stranger.csrf(own);
    stranger.get(QUARANTINE).expect(404);
    stranger.post(&look, &[("csrf", &csrf), ("reason", "x")]).expect(404);
    // Of its own organization there is no such process.
    let foreign = format!("{own}/look?one=sign_process.{id}");
    leads_to(&stranger.post(&foreign, &[("csrf", &csrf), ("reason", "x")]), &format!("{own}?chosen=none"));
    let operator = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    operator.post(&look, &[("reason", "x")]).expect(403);
    assert!(!server.log().contains("a look by hand"), "{}", server.log());
}
