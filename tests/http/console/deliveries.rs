//! Messages to signers and what became of each.

use documents::certificate::mask;

use super::{
    Browser,
    effects::{EFFECTS, NO_MAIL, act, link},
    process, text,
};
use crate::{
    own,
    support::{Journey, ORGANIZATION, PATIENCE, wait_for},
};

const DELIVERIES: &str = "/console/orgs/acme/deliveries";

#[test]
fn messages_are_shown_masked_with_what_became_of_them() {
    let (server, _) = own(None);
    let journey = Journey::new(server.client());
    let (id, path, email) = process(&journey);
    let signer = journey.signers(&id).remove(0);
    journey.identify(&signer.identification, &email);
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = wait_for("the invitation to go out", PATIENCE, || {
        let page = text(&browser.get(DELIVERIES).expect(200));
        page.contains("Accepted</span> <span class=\"step\">sent").then_some(page)
    });
    for words in [
        "Messages to signers, of 1 processes",
        "Invitation to tenant by e-mail",
        "Code to tenant by e-mail",
        "Delivered</span> <span class=\"step\">sent",
        "right answer",
        "The link and the code may go by the same channel",
        &mask::email(&email),
        &format!("href=\"{path}\""),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains(&email));
    let failed = text(&browser.get(&format!("{DELIVERIES}?show=failed")).expect(200));
    assert!(failed.contains("There is no such message in these processes") && !failed.contains("Invitation to"), "{failed}");

    let stranger = Browser::signed_in(&server, "second", &["console_admin"]);
    stranger.get(DELIVERIES).expect(404);
    let page = text(&stranger.get("/console/orgs/second/deliveries").expect(200));
    assert!(page.contains("of 0 processes") && !page.contains(&id), "{page}");

    // Page by page, as processes are.
    let newer: Vec<_> = (0..25).map(|_| process(&journey).0).collect();
    let page = text(&browser.get(DELIVERIES).expect(200));
    assert!(newer.iter().all(|id| page.contains(id)) && !page.contains(&id), "{page}");
    let page = text(&browser.get(&link(&page, "/deliveries?after=")).expect(200));
    assert!(page.contains(&id) && page.contains("To the newest") && !newer.iter().any(|id| page.contains(id)), "{page}");
}

#[test]
fn a_message_that_failed_says_why_and_is_found_by_the_filter() {
    let (server, _) = own(Some(NO_MAIL));
    let journey = Journey::new(server.client());
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console_operate"]);
    let (_, path, _) = process(&journey);
    let page = wait_for("the message to fail", PATIENCE, || {
        let page = text(&browser.get(DELIVERIES).expect(200));
        page.contains("attempt 1 failed").then_some(page)
    });
    // Of what is under way no rate is told.
    assert!(page.contains("Under way</span>") && !page.contains(" %)"), "{page}");
    let list = text(&browser.get(&format!("{EFFECTS}?trouble=retrying")).expect(200));
    act(&browser, &link(&list, "/give-up?effect="), "a wrong address").expect(303);
    let failed = text(&browser.get(&format!("{DELIVERIES}?show=failed")).expect(200));
    for words in ["Failed</span>", "a wrong address", "1 (100 %)", &format!("href=\"{path}\"")] {
        assert!(failed.contains(words), "{words}: {failed}");
    }
    // Done again, it is under way again.
    let list = text(&browser.get(&format!("{EFFECTS}?trouble=given_up")).expect(200));
    act(&browser, &link(&list, "/again?effect="), "the address is right").expect(303);
    let page = wait_for("it to be under way", PATIENCE, || {
        let page = text(&browser.get(DELIVERIES).expect(200));
        page.contains("Under way</span>").then_some(page)
    });
    assert!(!text(&browser.get(&format!("{DELIVERIES}?show=failed")).expect(200)).contains("Invitation to"), "{page}");
}
