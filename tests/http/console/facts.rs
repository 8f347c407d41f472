//! Which server answers, and what it is set to.

use super::{Browser, text};
use crate::{own, support::ORGANIZATION};

const CONFIG: &str = "[codes]\ndigits = 8\n[organizations.acme]\ncontact_email = \"help@acme.example\"\n[organizations.rival]\nname = \"The Rival\"\ncontact_email = \"help@rival.example\"\n";

#[test]
fn a_server_says_what_it_is_and_shows_no_secret_and_nothing_of_others() {
    let (server, _) = own(Some(CONFIG));
    let browser = Browser::signed_in(&server, ORGANIZATION, &["console"]);
    let page = text(&browser.get("/console/orgs/acme/server").expect(200));
    for words in [
        env!("CARGO_PKG_VERSION"),
        "This server only",
        "<code>codes.digits</code></th><td>8</td>",
        "<code>organizations.acme.contact_email</code></th><td>help@acme.example</td>",
        "The system&#39;s",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let data = server.data().display().to_string();
    for part in ["rival", "Rival", data.as_str(), server.bearer()] {
        assert!(!page.contains(part), "{part}: {page}");
    }
    server.advance("PT2H");
    assert!(text(&browser.get("/console/orgs/acme/server").expect(200)).contains("Ahead of the system&#39;s by PT2H"));
    Browser::signed_in(&server, "second", &["console"]).get("/console/orgs/acme/server").expect(404);
}
