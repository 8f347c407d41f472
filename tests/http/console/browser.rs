//! A browser without script, as far as these tests need one: it keeps cookies, says where a form comes from, and reads pages.

use std::{cell::RefCell, collections::BTreeMap};

use crate::support::{Answer, Client, Device, Form, Server};

/// One browser at one server.
pub struct Browser {
    client: Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Browser {
    pub fn new(server: &Server) -> Self {
        Self { client: server.anonymous(), cookies: RefCell::default() }
    }

    /// A browser that signed in by the form for development.
    pub fn signed_in(server: &Server, organization: &str, roles: &[&str]) -> Self {
        let browser = Self::new(server);
        browser.development(organization, roles, "").expect(303);
        browser
    }

    pub fn development(&self, organization: &str, roles: &[&str], next: &str) -> Answer {
        let mut fields = vec![("organization", organization), ("next", next)];
        fields.extend(roles.iter().map(|role| ("role", *role)));
        self.post("/console/sign-in/development", &fields)
    }

    pub fn get(&self, path: &str) -> Answer {
        let answer = self.client.get(path).header("cookie", &self.cookie()).header("accept-language", "en").send();
        self.keep(answer)
    }

    /// A form of a page of the server itself.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(path, fields, &[("sec-fetch-site", "same-origin")])
    }

    /// A form with what a browser says of its origin.
    pub fn post_from(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let body = form(fields);
        let call = self.client.post(path).header("cookie", &self.cookie()).header("accept-language", "en");
        self.keep(call.headers(headers.iter().copied()).body("application/x-www-form-urlencoded", body).send())
    }

    /// A form with a file, of a page of the server itself.
    pub fn post_parts(&self, path: &str, form: Form) -> Answer {
        let call = self.client.post(path).header("cookie", &self.cookie()).header("accept-language", "en");
        self.keep(call.header("sec-fetch-site", "same-origin").form(form).send())
    }

    /// What a script of a page of the server itself sends, with what every device of a signer says of itself.
    pub fn post_json(&self, path: &str, body: &serde_json::Value) -> Answer {
        let call = self.client.post(path).header("cookie", &self.cookie()).header("accept-language", "en");
        self.keep(call.header("sec-fetch-site", "same-origin").headers(Device::HEADERS).json(body).send())
    }

    /// The token in the forms of a page.
    pub fn csrf(&self, path: &str) -> String {
        between(&text(&self.get(path).expect(200)), "name=\"csrf\" value=\"", "\"").to_owned()
    }

    pub fn cookie(&self) -> String {
        self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    pub fn cookie_of(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    fn keep(&self, answer: Answer) -> Answer {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("a cookie in ASCII");
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a name");
            assert!(
                attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax") && attributes.contains("Path=/"),
                "{cookie}"
            );
            if attributes.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.set_cookie(name, value);
            }
        }
        answer
    }
}

/// A body of fields.
pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A page.
pub fn text(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{answer}");
    let page = String::from_utf8(answer.body.clone()).expect("a page in UTF-8");
    assert!(!page.contains("console."), "a key without words: {page}");
    page
}

/// What stands between two marks.
#[track_caller]
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
    let end = text[start..].find(after).unwrap_or_else(|| panic!("no {after} in {text}"));
    &text[start..start + end]
}
