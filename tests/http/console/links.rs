//! A signer's link, sent once more or renewed by staff.

use super::{Browser, leads_to, text};
use crate::{
    own, shared,
    signers::{self, links_to},
    support::{Journey, ORGANIZATION, PATIENCE, Server, wait_for},
};

/// The links that a signer got, newest first, once there are so many.
fn links(server: &Server, journey: &Journey, to: &str, count: usize) -> Vec<(String, String)> {
    wait_for("links", PATIENCE, || Some(links_to(server, journey, to)).filter(|links| links.len() >= count))
}

fn path(signer: &signers::Browser, deed: &str) -> String {
    format!("/console/orgs/{ORGANIZATION}/processes/{}/links/{}/{deed}", signer.process, signer.sign)
}

#[test]
fn staff_sends_a_link_again_or_a_new_one_and_never_sees_it() {
    let (server, journey) = shared();
    let signer = signers::one(&server, &journey);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let process = format!("/console/orgs/{ORGANIZATION}/processes/{}", signer.process);
    let (again, new) = (path(&signer, "again"), path(&signer, "new"));
    let page = text(&browser.get(&process).expect(200));
    assert!(page.contains(&again) && page.contains(&new));
    assert!(text(&browser.get(&again).expect(200)).contains("the same link once more"));
    assert!(text(&browser.get(&new).expect(200)).contains("open nothing any more"));
    let csrf = browser.csrf(&again);
    assert!(text(&browser.post(&again, &[("csrf", &csrf), ("reason", " ")]).expect(400)).contains("Give a reason"));

    let sent = browser.post(&again, &[("csrf", &csrf), ("reason", "the first went to spam")]);
    leads_to(&sent, &format!("{process}?done=link-again"));
    let two = links(&server, &journey, &signer.to, 2);
    assert!(two.iter().all(|link| *link == (signer.sign.clone(), signer.k.clone())), "the same link");
    signers::open(&signer.anonymous, &signer.sign, &signer.k).expect(200);

    leads_to(&browser.post(&new, &[("csrf", &csrf), ("reason", "it was forwarded")]), &format!("{process}?done=link-new"));
    let three = links(&server, &journey, &signer.to, 3);
    assert_ne!(three[0].1, signer.k);
    signers::open(&signer.anonymous, &signer.sign, &signer.k).expect_problem(404, "RESOURCE_NOT_FOUND");
    signers::open(&signer.anonymous, &signer.sign, &three[0].1).expect(200);

    let page = text(&browser.get(&format!("{process}?done=link-new")).expect(200));
    assert!(page.contains("A new link is being sent."));
    assert!(page.contains("development sent signer 0 their link once more: the first went to spam"), "{page}");
    assert!(page.contains("development sent signer 0 a new link; those of before open nothing any more: it was forwarded"));
    assert!(three.iter().all(|(_, k)| !page.contains(k.as_str())), "nobody of the staff reads a link");
}

#[test]
fn who_may_only_look_sends_nothing_and_what_is_over_has_no_link() {
    let (server, journey) = own(None);
    let signer = signers::one(&server, &journey);
    let (again, new) = (path(&signer, "again"), path(&signer, "new"));
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let process = format!("/console/orgs/{ORGANIZATION}/processes/{}", signer.process);
    assert!(!text(&reader.get(&process).expect(200)).contains("/links/"));
    reader.get(&again).expect(403);
    let csrf = reader.csrf(&process);
    reader.post(&new, &[("csrf", &csrf), ("reason", "x")]).expect(403);
    assert_eq!(links_to(&server, &journey, &signer.to).len(), 1);

    let staff = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    for nobody in
        [path(&signer, "burn"), again.replace(&signer.sign, &signer.process), again.replace(&signer.process, crate::NOBODY)]
    {
        staff.get(&nobody).expect(404);
    }
    let fields = [("csrf", staff.csrf(&again)), ("reason", "asked for".to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    for _ in 0..3 {
        staff.post(&again, &fields).expect(303);
    }
    let refused = text(&staff.post(&new, &fields).expect(409));
    assert!(refused.contains("at most 3 times in 24 hours"), "{refused}");
    server.advance("P1D");
    staff.post(&new, &fields).expect(303);
    let cancel = journey.path(&format!("sign_process/{}/cancel", signer.process));
    journey.client.post(&cancel).json(&serde_json::json!({"reason": "not needed"})).send().expect(204);
    assert!(text(&staff.post(&again, &fields).expect(409)).contains("the process has ended"));
    assert!(!text(&staff.get(&process).expect(200)).contains("/links/"), "it is not offered any more");
}
