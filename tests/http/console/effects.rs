//! What staff does by hand about effects: pausing, trying now, giving up, doing again, one by one and by the list.

use documents::certificate::Action;
use serde_json::json;

use super::{Browser, leads_to, process, text};
use crate::{
    own,
    support::{Answer, Journey, ORGANIZATION, PATIENCE, wait_for},
};

/// Mail goes to a server that is not there, and is not tried again by itself while a test looks.
pub const NO_MAIL: &str = "[channels]\nsandbox = false\n[channels.smtp]\nhost = \"127.0.0.1\"\nport = 1\nsecurity = \"none\"\nfrom = \"acme@example.org\"\n[processes]\neffect_backoff = \"PT1H\"\n";

pub const EFFECTS: &str = "/console/orgs/acme/effects";

/// Does it by the form of a page.
pub fn act(browser: &Browser, path: &str, reason: &str) -> Answer {
    let csrf = browser.csrf(path);
    browser.post(path, &[("csrf", &csrf), ("reason", reason)])
}

/// The first address on a page that has this in it.
pub fn link(page: &str, part: &str) -> String {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let link = links.map(|link| link.replace("&#38;", "&")).find(|link| link.contains(part));
    link.unwrap_or_else(|| panic!("no link with {part} in {page}"))
}

#[test]
fn a_process_that_is_paused_seals_nothing_until_it_is_resumed() {
    let (server, _) = own(None);
    let journey = Journey::new(server.client());
    let (id, path, email) = process(&journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let pause = format!("{EFFECTS}/sign_process/{id}/pause");
    let page = text(&browser.get(&pause).expect(200));
    assert!(page.contains("Nothing more is sent or done until somebody resumes it") && page.contains(&id), "{page}");
    let page = text(&act(&browser, &pause, " ").expect(400));
    assert!(page.contains("Give a reason of 1 to 1000 characters"));
    leads_to(&act(&browser, &pause, "a question from the court"), &format!("{path}?done=acted"));
    let page = text(&act(&browser, &pause, "again").expect(409));
    assert!(page.contains("Nothing was done: it stands otherwise by now"), "{page}");

    let signer = journey.signers(&id).remove(0);
    let access = journey.identify(&signer.identification, &email);
    journey.with_token(&access).sign(&signer.sign).expect(204);
    server.advance("PT2H");
    let page = text(&browser.get(&path).expect(200));
    assert!(page.contains("waits: the process is paused") && page.contains("Seals on a document"), "{page}");
    assert_eq!(journey.process(&id)["status"], "SIGNED");
    let list = text(&browser.get(&format!("{EFFECTS}?trouble=paused")).expect(200));
    assert!(list.contains(&id) && list.contains("paused; "), "{list}");
    assert!(text(&browser.get("/console/orgs/acme").expect(200)).contains("Paused processes: 1"));

    let resume = link(&list, "/resume");
    leads_to(&act(&browser, &resume, "the court has answered"), &format!("{path}?done=acted"));
    journey.until(&id, "CERTIFIED");
    let page = text(&browser.get(&path).expect(200));
    for words in ["development pauses the process: a question from the court", "resumes the process: the court has answered"] {
        assert!(
            page.contains(&words.replace("development", "development, 127.0.0.1")) || page.contains(words),
            "{words}: {page}"
        );
    }
    // It is in the evidence of the process.
    let certificate = journey.process(&id)["certificate_id"].as_str().expect("a certificate").to_owned();
    let timeline = crate::journey::evidence(&journey.download(&certificate)).timeline;
    let acts: Vec<_> = timeline.iter().filter(|entry| entry.what == Action::ActedByHand).collect();
    let details: Vec<_> = acts.iter().map(|entry| entry.details.as_deref().unwrap_or_default()).collect();
    assert_eq!(details, ["pause: a question from the court", "resume: the court has answered"]);
    assert!(acts[0].actor.starts_with("development") && acts[0].actor.ends_with("127.0.0.1"), "{acts:?}");
    assert!(text(&browser.get(&format!("{EFFECTS}?trouble=paused")).expect(200)).contains("There is nothing here"));
}

#[test]
fn what_failed_is_tried_now_given_up_and_done_again_by_hand() {
    let (server, _) = own(Some(NO_MAIL));
    let journey = Journey::new(server.client());
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let (_, path, _) = process(&journey);
    let retrying = format!("{EFFECTS}?trouble=retrying");
    let list = wait_for("the message to fail", PATIENCE, || {
        let page = text(&browser.get(&retrying).expect(200));
        page.contains("/try-now").then_some(page)
    });
    assert!(list.contains("Message to a signer") && list.contains("failed attempts: 1"), "{list}");
    let try_now = link(&list, "/try-now?effect=");
    leads_to(&act(&browser, &try_now, "the mail server is back"), &format!("{path}?done=acted"));
    let page = wait_for("the second attempt", PATIENCE, || {
        let page = text(&browser.get(&path).expect(200));
        page.contains("failed attempts: 2").then_some(page)
    });
    assert!(page.contains("tries it now: the mail server is back"), "{page}");

    leads_to(&act(&browser, &link(&page, "/give-up?effect="), "a wrong address"), &format!("{path}?done=acted"));
    let list = text(&browser.get(&format!("{EFFECTS}?trouble=given_up")).expect(200));
    assert!(list.contains("given up") && list.contains("a wrong address"), "{list}");
    assert!(text(&browser.get(&retrying).expect(200)).contains("There is nothing here"));
    assert!(text(&browser.get("/console/orgs/acme").expect(200)).contains("Processes with something given up: 1"));
    leads_to(&act(&browser, &link(&list, "/again?effect="), "the address is right after all"), &format!("{path}?done=acted"));
    wait_for("it to fail again", PATIENCE, || text(&browser.get(&retrying).expect(200)).contains("/try-now").then_some(()));
}

#[test]
fn a_list_is_acted_on_as_a_whole_with_its_count_first() {
    let (server, _) = own(Some(NO_MAIL));
    let journey = Journey::new(server.client());
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let made: Vec<_> = (0..3).map(|_| process(&journey)).collect();
    let retrying = format!("{EFFECTS}?trouble=retrying");
    wait_for("all to fail", PATIENCE, || {
        let page = text(&browser.get(&retrying).expect(200));
        (page.matches("/try-now?effect=").count() == 3).then_some(())
    });
    let all = format!("{EFFECTS}/all/give-up?trouble=retrying");
    let page = text(&browser.get(&all).expect(200));
    assert!(page.contains("“Tried again”: 3 now, and at most 100 at a time") && page.contains("Nothing more is tried"), "{page}");
    assert!(text(&act(&browser, &all, "").expect(400)).contains("Give a reason"));
    leads_to(&act(&browser, &all, "the campaign is over"), &format!("{retrying}&done=3&refused=0"));
    assert!(text(&browser.get(&format!("{retrying}&done=3&refused=0")).expect(200)).contains("Done: 3."));
    for (_, path, _) in &made {
        assert!(text(&browser.get(path).expect(200)).contains("the campaign is over"));
    }
    let all = format!("{EFFECTS}/all/dismiss?trouble=given_up");
    leads_to(&act(&browser, &all, "seen"), &format!("{EFFECTS}?trouble=given_up&done=3&refused=0"));
    assert!(text(&browser.get(&format!("{EFFECTS}?trouble=given_up")).expect(200)).contains("There is nothing here"));
    // What a list does not offer is not done to it.
    for nonsense in ["all/give-up?trouble=given_up", "all/pause?trouble=retrying", "all/x", "sign_process/x/pause", "x/y/z"] {
        browser.get(&format!("{EFFECTS}/{nonsense}")).expect(404);
    }
}

#[test]
fn who_may_only_look_acts_on_nothing_and_nobody_on_what_is_of_others() {
    let (server, _) = own(Some(NO_MAIL));
    let journey = Journey::new(server.client());
    let (id, path, _) = process(&journey);
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let pause = format!("{EFFECTS}/sign_process/{id}/pause");
    let csrf = reader.csrf(&path);
    for path in [&pause, &format!("{EFFECTS}/all/give-up?trouble=retrying")] {
        assert!(text(&reader.get(path).expect(403)).contains("needs the role console_operate"));
        reader.post(path, &[("csrf", &csrf), ("reason", "x")]).expect(403);
    }
    wait_for("the message to fail", PATIENCE, || {
        text(&reader.get(&format!("{EFFECTS}?trouble=retrying")).expect(200)).contains("failed attempts").then_some(())
    });
    let page = text(&reader.get(&format!("{EFFECTS}?trouble=retrying")).expect(200));
    assert!(!page.contains("/try-now") && !page.contains("/effects/all/"), "{page}");

    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    let csrf = stranger.csrf("/console/orgs/second");
    stranger.post(&pause, &[("csrf", &csrf), ("reason", "x")]).expect(404);
    let foreign = format!("/console/orgs/second/effects/sign_process/{id}/pause");
    stranger.post(&foreign, &[("csrf", &csrf), ("reason", "x")]).expect(409);
    let operator = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    operator.post(&pause, &[("reason", "x")]).expect(403);
    assert!(!text(&operator.get(&path).expect(200)).contains("pauses the process"));
    let cancelled = journey.client.post(&journey.path(&format!("sign_process/{id}/cancel"))).json(&json!({"reason": "x"})).send();
    assert!([200, 204].contains(&cancelled.status), "{cancelled}");
}
