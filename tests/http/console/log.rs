//! What staff did, and the list of processes by day and as a file.

use super::{Browser, process, text};
use crate::{
    own, pdf, shared,
    support::{Journey, ORGANIZATION},
};

#[test]
fn what_staff_did_is_told_newest_first_with_who_and_what_to_and_without_reasons() {
    let (server, journey) = own(None);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_admin", "console_operate"]);
    let log = format!("/console/orgs/{ORGANIZATION}/log");
    assert!(text(&browser.get(&log).expect(200)).contains("Nothing has been done yet."));
    let (id, path, _) = process(&journey);
    let (csrf, reason) = (browser.csrf(&format!("{path}/cancel")), ("reason", "the rent changed"));
    // What is refused, or only asked, is not done.
    browser.post(&format!("{path}/cancel"), &[("csrf", &csrf), ("reason", "")]).expect(400);
    browser.post(&format!("{path}/cancel"), &[("csrf", "wrong"), reason]).expect(403);
    assert!(text(&browser.get(&log).expect(200)).contains("Nothing has been done yet."));

    browser.post(&format!("{path}/cancel"), &[("csrf", &csrf), reason]).expect(303);
    browser.post(&format!("{path}/cancel"), &[("csrf", &csrf), reason]).expect(409);
    let document = journey.upload("secret_plan.pdf", &pdf());
    let delete = format!("/console/orgs/{ORGANIZATION}/documents/{document}/delete");
    browser.post(&delete, &[("csrf", &csrf), ("reason", "not of use")]).expect(303);
    let page = text(&browser.get(&log).expect(200));
    let (deleted, cancelled) = (format!("documents/{document}/delete"), format!("processes/{id}/cancel"));
    let place = |part: &str| page.find(part).unwrap_or_else(|| panic!("no {part} in {page}"));
    assert!(place(&deleted) < place(&cancelled), "the newest first");
    assert!(page.contains(&format!("href=\"{path}\"")), "it leads to the process");
    assert_eq!(page.matches("127.0.0.1").count(), 2);
    for private in ["the rent changed", "not of use", "secret_plan"] {
        assert!(!page.contains(private), "{private}");
    }
    // A reader may read it; of another organization there is nothing.
    let reader = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    assert!(text(&reader.get(&log).expect(200)).contains(&cancelled));
    let other = Browser::signed_in(&server, "rival", &["console"]);
    other.get(&log).expect(404);
    assert!(text(&other.get("/console/orgs/rival/log").expect(200)).contains("Nothing has been done yet."));
    for nonsense in ["1", "x.y", "0000000.0"] {
        browser.get(&format!("{log}?after={nonsense}")).expect(200);
    }
}

#[test]
fn processes_are_listed_by_day_and_as_a_file() {
    let (server, journey) = own(None);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let today = chrono::Utc::now().date_naive();
    let (old, ..) = process(&journey);
    server.advance("P10D");
    let name = "=1+1,\"plan\".pdf";
    let document = journey.upload(name, &pdf());
    let new = journey.create(&Journey::creation(&[Journey::signer("tenant", &crate::address())], &[&document]));
    let list = format!("/console/orgs/{ORGANIZATION}/processes");
    let shown = |query: &str| {
        let page = text(&browser.get(&format!("{list}{query}")).expect(200));
        (page.contains(&old), page.contains(&new))
    };
    let (between, later) = (today + chrono::TimeDelta::days(5), today + chrono::TimeDelta::days(30));
    assert_eq!(shown(""), (true, true));
    assert_eq!(shown(&format!("?from={between}")), (false, true));
    assert_eq!(shown(&format!("?to={between}")), (true, false));
    assert_eq!(shown(&format!("?from={between}&to={later}&status=CREATED")), (false, true));
    assert_eq!(shown(&format!("?from={later}")), (false, false));
    assert_eq!(shown("?from=nonsense&to=2026-02-31"), (true, true), "what is no day filters nothing");
    let page = text(&browser.get(&format!("{list}?from={later}")).expect(200));
    assert!(page.contains(&format!("value=\"{later}\"")), "the form says what filters");

    let file = browser.get(&format!("{list}.csv?from={between}")).expect(200);
    assert!(file.header("content-type").starts_with("text/csv"));
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"processes-"));
    let body = String::from_utf8(file.body.clone()).unwrap();
    let lines: Vec<&str> = body.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2, "{body}");
    assert!(lines[0].starts_with("process_id,status,created_at"));
    assert!(lines[1].starts_with(&format!("{new},CREATED,")) && lines[1].ends_with(",1,0,\"'=1+1,\"\"plan\"\".pdf\""), "{body}");
    let all = String::from_utf8(browser.get(&format!("{list}.csv")).expect(200).body).unwrap();
    assert!(all.contains(&old) && all.contains(&new));
    Browser::signed_in(&server, "rival", &["console"]).get(&format!("{list}.csv")).expect(404);
    let (server, _) = shared();
    Browser::new(&server).get(&format!("{list}.csv")).expect(303);
}
