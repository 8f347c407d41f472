//! What the server did lately, as the console shows it.

use super::{Browser, process, text};
use crate::{
    shared,
    support::{ORGANIZATION, PATIENCE, wait_for},
};

const METRICS: &str = "/console/orgs/acme/metrics";

#[test]
fn what_the_server_did_is_drawn_with_its_numbers_below_and_says_that_it_is_of_this_server() {
    let (server, journey) = shared();
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = wait_for("the first numbers", PATIENCE, || {
        // So that there is something of each.
        let (id, _, _) = process(&journey);
        let page = text(&browser.get(METRICS).expect(200));
        assert!(page.contains("This server only") && !page.contains(&id), "{page}");
        let is_drawn = |title: &&str| {
            let chart = page.split_once(&format!("<h3>{title}</h3>")).and_then(|(_, after)| after.split_once("</svg>"));
            chart.is_some_and(|(chart, _)| chart.contains("<rect class=\"s-created\""))
        };
        ["Requests", "Commands to processes", "Store"].iter().all(is_drawn).then_some(page.clone())
    });
    for words in
        ["in steps of 10 s", "Attempts at sendings and steps", "Delay of what is due", "Requests: the numbers", "Mean time"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!((page.matches("<svg class=\"chart\"").count(), page.matches("<table>").count()), (5, 5));
    let day = text(&browser.get(&format!("{METRICS}?span=day")).expect(200));
    assert!(day.contains("in steps of 5 min") && day.contains("<rect"), "{day}");
    assert!(text(&browser.get(&format!("{METRICS}?span=x")).expect(200)).contains("in steps of 10 s"));
    Browser::new(&server).get(METRICS).expect(303);
    Browser::signed_in(&server, "second", &["console"]).get(METRICS).expect(404);
}
