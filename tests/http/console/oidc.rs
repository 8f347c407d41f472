//! Signing in at an identity provider.

use serde_json::{Value, json};

use super::{
    Browser, form, leads_to,
    provider::{Mood, Provider},
    server_with, text,
};
use crate::support::{Answer, Server};

const PATH: &str = "/console/orgs/acme/processes?status=CREATED";

fn ana() -> Value {
    json!({"sub": "u-17", "name": "Ana López", "organizations": ["acme"], "roles": ["console_operate", "of-another-system"]})
}

pub struct Setting {
    provider: Provider,
    pub server: Server,
}

impl Setting {
    pub fn new(more: &str) -> Self {
        let provider = Provider::start();
        let server = server_with(&provider.section(more));
        Self { provider, server }
    }

    fn begin(&self, browser: &Browser) -> Answer {
        browser.post("/console/sign-in/provider", &[("next", PATH)])
    }

    /// A browser that goes to the provider and comes back, and the answer to that.
    pub fn sign_in(&self, claims: Value) -> (Browser, Answer) {
        let browser = Browser::new(&self.server);
        let to = self.begin(&browser).expect(303);
        let back = self.provider.sign_in(to.header("location"), claims);
        let answer = browser.get(&format!("/console/callback?{back}"));
        (browser, answer)
    }
}

#[track_caller]
fn refused(answer: Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{answer}");
    let page = text(&answer);
    assert!(page.contains(words) && page.contains("You are not signed in"), "{page}");
}

#[test]
fn who_signs_in_at_the_provider_is_in_and_where_they_wanted_to_be() {
    let setting = Setting::new("");
    let page = Browser::new(&setting.server).get("/console/sign-in").expect(200);
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains(&format!("form-action 'self' {};", setting.provider.issuer)), "{policy}");
    assert!(text(&page).contains("Sign in with 127.0.0.1"));

    let (browser, answer) = setting.sign_in(ana());
    leads_to(&answer, PATH);
    let page = text(&browser.get(PATH).expect(200));
    assert!(page.contains("Ana López") && page.contains("<code>console_operate</code>") && !page.contains("of-another-system"));
    assert!(browser.cookie_of("rubrica-console-sign-in").is_none(), "what it was begun with is good once");
    let log = setting.server.log();
    assert!(!log.contains("code-1") && !log.contains("s3cret"), "{log}");
}

#[test]
fn who_belongs_to_several_organizations_chooses() {
    let setting = Setting::new("");
    let mut claims = ana();
    claims["organizations"] = json!(["acme", "second", "not one"]);
    let (browser, _) = setting.sign_in(claims);
    leads_to(&browser.get("/console"), "/console/orgs");
    let page = text(&browser.get("/console/orgs").expect(200));
    assert!(
        page.contains("href=\"/console/orgs/second\"")
            && page.contains("href=\"/console/orgs/acme\"")
            && !page.contains("not one")
    );
    for (organization, status) in [("acme", 200), ("second", 200), ("third", 404)] {
        browser.get(&format!("/console/orgs/{organization}")).expect(status);
    }
}

#[test]
fn who_has_no_organization_or_no_role_is_told_which_is_missing() {
    let setting = Setting::new("roles_claim = \"realm_access.roles\"\norganizations = [\"acme\"]\n");
    let with = |name: &str, value: Value| {
        let mut claims = ana();
        claims["realm_access"] = json!({"roles": ["console"]});
        claims[name] = value;
        claims
    };
    let (_, answer) = setting.sign_in(with("realm_access", json!({"roles": ["sign_process"]})));
    refused(
        answer,
        403,
        "has none of the roles console, agent, of which one is needed. Ask your administrator to put one into the claim realm_access.roles",
    );
    for organizations in [json!([]), json!(null), json!(["second"])] {
        let (browser, answer) = setting.sign_in(with("organizations", organizations));
        refused(answer, 403, "names no organization of this server");
        assert!(browser.cookie().is_empty());
    }
    let (_, answer) = setting.sign_in(with("organizations", json!(["second", "acme"])));
    leads_to(&answer, PATH);
    let many: Vec<_> = (0..256).map(|number| format!("organization-{number}")).collect();
    let (_, answer) = Setting::new("").sign_in(json!({"sub": "u", "organizations": many, "roles": ["console"]}));
    refused(answer, 403, "more organizations than a session can hold");
}

#[test]
fn a_sign_in_is_of_the_browser_that_began_it() {
    let setting = Setting::new("");
    let (one, other) = (Browser::new(&setting.server), Browser::new(&setting.server));
    let to = setting.begin(&one).expect(303);
    let back = setting.provider.sign_in(to.header("location"), ana());
    let lost = "was not begun in this browser";
    refused(other.get(&format!("/console/callback?{back}")), 400, lost);
    setting.begin(&other).expect(303);
    refused(other.get(&format!("/console/callback?{back}")), 400, lost);
    refused(one.get("/console/callback?code=code-1&state=x"), 400, lost);
    // The failed return has forgotten what was begun.
    refused(one.get(&format!("/console/callback?{back}")), 400, lost);
    refused(one.get("/console/callback"), 400, lost);
    assert!(one.cookie().is_empty());
}

#[test]
fn what_the_provider_refuses_is_said_with_its_word() {
    let setting = Setting::new("");
    let back = |word: &str| {
        let browser = Browser::new(&setting.server);
        let to = setting.begin(&browser).expect(303);
        let location = to.header("location").to_owned();
        let state = form_urlencoded::parse(location.split_once('?').expect("a query").1.as_bytes())
            .find_map(|(name, value)| (name == "state").then(|| value.into_owned()))
            .expect("a state");
        browser.get(&format!("/console/callback?{}", form(&[("error", word), ("state", &state)])))
    };
    refused(back("access_denied"), 403, "Its reason: access_denied.");
    refused(back("<b>hello</b>"), 403, "Its reason: unknown_error.");
    setting.provider.mood(Mood::Refusing);
    refused(setting.sign_in(ana()).1, 403, "Its reason: invalid_grant.");
}

#[test]
fn a_token_that_is_not_the_providers_or_not_of_this_sign_in_lets_nobody_in() {
    let setting = Setting::new("");
    for (mood, why) in
        [(Mood::Forging, "the signature of the token is wrong"), (Mood::Confused, "nonce is not that of this sign-in")]
    {
        setting.provider.mood(mood);
        let (browser, answer) = setting.sign_in(ana());
        refused(answer, 403, why);
        assert!(browser.cookie().is_empty());
    }
    setting.provider.mood(Mood::Honest);
    leads_to(&setting.sign_in(ana()).1, PATH);
}

#[test]
fn a_provider_that_is_away_is_said_to_be() {
    let setting = Setting::new("");
    setting.provider.mood(Mood::Away);
    let browser = Browser::new(&setting.server);
    browser.get("/console/sign-in").expect(200);
    refused(setting.begin(&browser), 503, "does not answer");
    let setting = Setting::new("");
    let browser = Browser::new(&setting.server);
    let to = setting.begin(&browser).expect(303);
    let back = setting.provider.sign_in(to.header("location"), ana());
    setting.provider.mood(Mood::Away);
    refused(browser.get(&format!("/console/callback?{back}")), 503, "does not answer");
}

#[test]
fn nobody_is_sent_to_the_provider_by_another_site() {
    let setting = Setting::new("");
    let browser = Browser::new(&setting.server);
    browser.post_from("/console/sign-in/provider", &[], &[("sec-fetch-site", "cross-site")]).expect(403);
    browser.get("/console/sign-in/provider").expect(405);
    assert!(browser.cookie().is_empty());
}
