//! Sessions of staff: a sealed cookie and nothing in the store.
//!
//! The cookie opens on this server's keys only, and to nobody who has it does it say anything. What is sealed cannot be taken back: a
//! session that is signed out ends in its browser, and a copy of its cookie with its idle time.

use actix_web::{HttpRequest, http::header};
use aws_lc_rs::{constant_time, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    access::{Role, RoleSet, oidc::Person},
    keys::{self, Keys},
};

/// Maximum length of a cookie's value, in bytes: browsers keep 4096 of name, value and attributes (RFC 6265, 6.1).
const MAX_VALUE: usize = 3_800;

/// How long a sign-in at the provider may take.
pub const SIGN_IN_TIME: TimeDelta = TimeDelta::minutes(10);

/// For how long a tablet is one of the shop; then an agent enrols it again.
const TABLET_TIME: TimeDelta = TimeDelta::days(90);

/// A cookie is made anew when it was last made so long ago: not with each of ten images of a page.
const RENEW_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    #[serde(rename = "s")]
    pub subject: String,
    #[serde(rename = "n")]
    pub name: String,
    /// At least one.
    #[serde(rename = "o")]
    pub organizations: Vec<String>,
    #[serde(rename = "r")]
    roles: Vec<String>,
    #[serde(rename = "b", with = "chrono::serde::ts_seconds")]
    pub begun: DateTime<Utc>,
    /// The last request that counts as one.
    #[serde(rename = "l", with = "chrono::serde::ts_seconds")]
    seen: DateTime<Utc>,
    /// In each form, so that no other site's form is taken for one of ours.
    #[serde(rename = "c")]
    pub csrf: String,
    /// While the device is in a customer's hands.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    lock: Option<Lock>,
}

/// A tablet of a shop, in its cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    pub organization: String,
    /// Of the tablet, for the log.
    pub id: Uuid,
    /// The agent who made it one.
    pub by: String,
}

/// What opens a device again that was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lock {
    #[serde(rename = "p")]
    pin: String,
    /// How often somebody gave another one.
    #[serde(rename = "w")]
    wrong: u8,
}

/// How many wrong PINs lock for good.
const MAX_WRONG: u8 = 5;

/// What a PIN led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Unlocking {
    /// The session goes on.
    Open(Session),
    /// It stays locked.
    Wrong(Session),
    /// It stays locked for good.
    Never(Session),
}

impl Session {
    pub fn roles(&self) -> RoleSet {
        RoleSet::from_names(self.roles.iter().map(String::as_str))
    }

    pub fn has(&self, role: Role) -> bool {
        self.roles().contains(role)
    }

    pub fn belongs_to(&self, organization: &str) -> bool {
        self.organizations.iter().any(|own| own == organization)
    }

    /// Whether it opens no page before the PIN.
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// The same session, which a PIN opens again.
    #[must_use]
    pub fn locked(&self, pin: &str) -> Self {
        Self { lock: Some(Lock { pin: pin.to_owned(), wrong: 0 }), ..self.clone() }
    }

    /// Tries a PIN.
    pub fn unlock(&self, pin: &str) -> Unlocking {
        let Some(lock) = &self.lock else { return Unlocking::Open(self.clone()) };
        if lock.wrong >= MAX_WRONG {
            return Unlocking::Never(self.clone());
        }
        if constant_time::verify_slices_are_equal(lock.pin.as_bytes(), pin.as_bytes()).is_ok() {
            return Unlocking::Open(Self { lock: None, ..self.clone() });
        }
        let wrong = lock.wrong.saturating_add(1);
        let next = Self { lock: Some(Lock { wrong, ..lock.clone() }), ..self.clone() };
        if wrong >= MAX_WRONG { Unlocking::Never(next) } else { Unlocking::Wrong(next) }
    }

    /// Whether a form is of this session.
    pub fn made_form(&self, csrf: &str) -> bool {
        constant_time::verify_slices_are_equal(self.csrf.as_bytes(), csrf.as_bytes()).is_ok()
    }
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// There is no cookie, or none of ours.
    None,
    /// It was idle for too long, or is over in all.
    Over,
}

/// Why none could be begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it does not fit into a cookie")]
    TooLarge,
    #[error(transparent)]
    Keys(#[from] keys::Error),
}

/// A use of cookies: names and keys of its own.
#[derive(Clone, Copy)]
enum Use {
    Session,
    SignIn,
    Tablet,
}

/// Makes sessions and reads them. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    keys: Keys,
    /// Whether browsers come by https.
    is_secure: bool,
    idle: TimeDelta,
    lifetime: TimeDelta,
}

impl Sessions {
    /// `base` is the address under which browsers reach the server.
    pub fn new(keys: Keys, base: &str, idle: TimeDelta, lifetime: TimeDelta) -> Self {
        Self { keys, is_secure: base.starts_with("https://"), idle, lifetime }
    }

    /// A session of somebody who has just signed in.
    ///
    /// # Errors
    /// [`Error`].
    pub fn begin(&self, person: Person, now: DateTime<Utc>) -> Result<Session, Error> {
        let mut csrf = [0; 16];
        rand::fill(&mut csrf).map_err(|_| keys::Error::Cryptography)?;
        let session = Session {
            subject: person.subject,
            name: person.name,
            organizations: person.organizations,
            roles: person.roles.iter().map(|role| role.name().to_owned()).collect(),
            begun: now,
            seen: now,
            csrf: URL_SAFE_NO_PAD.encode(csrf),
            lock: None,
        };
        self.seal(Use::Session, &session)?;
        Ok(session)
    }

    /// The session of a request at `now`.
    ///
    /// # Errors
    /// [`Absent`].
    pub fn read(&self, request: &HttpRequest, now: DateTime<Utc>) -> Result<Session, Absent> {
        let session: Session = self.open(Use::Session, request).ok_or(Absent::None)?;
        // Another server's clock may be a moment ahead.
        let is_over = now - session.begun >= self.lifetime || now - session.seen >= self.idle;
        if is_over { Err(Absent::Over) } else { Ok(session) }
    }

    /// The session that a device is locked with, also after its time: whoever has the device waits for that in vain.
    pub fn locked(&self, request: &HttpRequest) -> Option<Session> {
        self.open::<Session>(Use::Session, request).filter(Session::is_locked)
    }

    /// When a session ends in any case.
    pub fn end_of(&self, session: &Session) -> DateTime<Utc> {
        session.begun + self.lifetime
    }

    /// The cookie that a session goes on with, where it is time for one.
    pub fn renewed(&self, session: &Session, now: DateTime<Utc>) -> Option<String> {
        if now - session.seen < RENEW_AFTER.min(self.idle / 4) {
            return None;
        }
        self.cookie(&Session { seen: now, ..session.clone() }).ok()
    }

    /// The header `Set-Cookie` with a session. Without `Max-Age`: it goes with the browser, and by its own times before.
    ///
    /// # Errors
    /// [`Error`].
    pub fn cookie(&self, session: &Session) -> Result<String, Error> {
        Ok(self.set(Use::Session, &self.seal(Use::Session, session)?, None))
    }

    /// The one that ends it.
    pub fn no_cookie(&self) -> String {
        self.set(Use::Session, "", Some(0))
    }

    /// The cookie that remembers what a sign-in was begun with.
    ///
    /// # Errors
    /// [`Error`].
    pub fn sign_in_cookie(&self, begun: &impl Serialize) -> Result<String, Error> {
        Ok(self.set(Use::SignIn, &self.seal(Use::SignIn, begun)?, Some(SIGN_IN_TIME.num_seconds())))
    }

    /// What a sign-in was begun with, in this browser.
    pub fn sign_in<T: DeserializeOwned>(&self, request: &HttpRequest) -> Option<T> {
        self.open(Use::SignIn, request)
    }

    /// The one that forgets it.
    pub fn no_sign_in_cookie(&self) -> String {
        self.set(Use::SignIn, "", Some(0))
    }

    /// The cookie of a device that agents hand over.
    ///
    /// # Errors
    /// [`Error`].
    pub fn tablet_cookie(&self, tablet: &Enrolled) -> Result<String, Error> {
        Ok(self.set(Use::Tablet, &self.seal(Use::Tablet, tablet)?, Some(TABLET_TIME.num_seconds())))
    }

    /// The device that agents hand over, if it is one.
    pub fn tablet(&self, request: &HttpRequest) -> Option<Enrolled> {
        self.open(Use::Tablet, request)
    }

    /// Over https a cookie with `__Host-` is of this very host and nobody's below or beside it (RFC 6265bis, 4.1.3.2). Over plain http, on a
    /// developer's machine, not all browsers keep such a one.
    fn name(&self, of: Use) -> &'static str {
        match (of, self.is_secure) {
            (Use::Session, true) => "__Host-rubrica",
            (Use::Session, false) => "rubrica-console",
            (Use::Tablet, true) => "__Host-rubrica-tablet",
            (Use::Tablet, false) => "rubrica-desk-tablet",
            (Use::SignIn, true) => "__Host-rubrica-sign-in",
            (Use::SignIn, false) => "rubrica-console-sign-in",
        }
    }

    fn purpose(of: Use) -> &'static str {
        match of {
            Use::Session => "staff/session/v1",
            Use::SignIn => "staff/sign-in/v1",
            Use::Tablet => "staff/tablet/v1",
        }
    }

    fn seal(&self, of: Use, value: &impl Serialize) -> Result<String, Error> {
        let text = serde_json::to_vec(value).map_err(|_| keys::Error::Cryptography)?;
        let sealed = URL_SAFE_NO_PAD.encode(self.keys.seal(Self::purpose(of), self.name(of).as_bytes(), &text)?);
        if sealed.len() > MAX_VALUE { Err(Error::TooLarge) } else { Ok(sealed) }
    }

    fn open<T: DeserializeOwned>(&self, of: Use, request: &HttpRequest) -> Option<T> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie(request, self.name(of))?).ok()?;
        let text = self.keys.open(Self::purpose(of), self.name(of).as_bytes(), &sealed).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn set(&self, of: Use, value: &str, max_age: Option<i64>) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        // Lax: whoever follows a link to the console, or comes back from the provider, is signed in; a form of another site is not.
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(of))
    }
}

/// The value of a cookie that is there once. One that comes twice was put there by somebody else as well.
fn cookie<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let headers = request.headers().get_all(header::COOKIE).filter_map(|header| header.to_str().ok());
    let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(own, _)| *own == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) if value.len() <= MAX_VALUE => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const BASE: &str = "https://sign.example";

    fn sessions() -> Sessions {
        of_key(7)
    }

    fn of_key(key: u8) -> Sessions {
        Sessions::new(Keys::from_bytes(&[key; 32]), BASE, TimeDelta::minutes(30), TimeDelta::hours(8))
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn ana() -> Person {
        Person {
            subject: "u-17".into(),
            name: "Ana".into(),
            organizations: vec!["acme".into()],
            roles: RoleSet::from_names(["console_operate"]),
        }
    }

    fn begun() -> Session {
        sessions().begin(ana(), now()).unwrap()
    }

    /// A request of a browser that kept this `Set-Cookie`.
    fn with(cookie: &str) -> HttpRequest {
        TestRequest::default().insert_header((header::COOKIE, cookie.split(';').next().unwrap().to_owned())).to_http_request()
    }

    fn after(cookie: &str, minutes: i64) -> Result<Session, Absent> {
        sessions().read(&with(cookie), now() + TimeDelta::minutes(minutes))
    }

    #[test]
    fn a_session_is_who_signed_in() {
        let session = begun();
        assert_eq!(after(&sessions().cookie(&session).unwrap(), 29), Ok(session.clone()));
        assert!(session.has(Role::Console) && session.has(Role::ConsoleOperate) && !session.has(Role::ConsoleAdmin));
        assert!(session.belongs_to("acme") && !session.belongs_to("ACME"));
    }

    #[test]
    fn an_idle_session_is_over_and_one_in_use_goes_on_until_its_end() {
        let first = sessions().cookie(&begun()).unwrap();
        assert_eq!(after(&first, 30), Err(Absent::Over));
        let mut cookie = first;
        for minutes in (20..480).step_by(20) {
            let session = after(&cookie, minutes).unwrap();
            cookie = sessions().renewed(&session, now() + TimeDelta::minutes(minutes)).expect("it is time for another cookie");
        }
        assert!(after(&cookie, 479).is_ok());
        assert_eq!(after(&cookie, 480), Err(Absent::Over), "8 hours in all, however much it is used");
        assert_eq!(sessions().end_of(&begun()), now() + TimeDelta::hours(8));
    }

    #[test]
    fn a_cookie_is_not_made_anew_with_each_request() {
        assert_eq!(sessions().renewed(&begun(), now() + TimeDelta::seconds(59)), None);
    }

    #[test]
    fn a_cookie_that_was_changed_or_made_with_another_key_is_none() {
        let cookie = sessions().cookie(&begun()).unwrap();
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        for position in 0..value.len() {
            let mut changed = value.to_owned().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character of base64 may hold bits that mean nothing.
            let read = after(&format!("{name}={changed}"), 0);
            assert!(read == Err(Absent::None), "byte {position}");
        }
        assert_eq!(of_key(8).read(&with(&cookie), now()), Err(Absent::None));
        for nonsense in ["", "x", "=", &"A".repeat(5_000)] {
            assert_eq!(after(&format!("{name}={nonsense}"), 0), Err(Absent::None));
        }
    }

    #[test]
    fn a_cookie_of_one_use_is_none_of_the_other() {
        let session = sessions().cookie(&begun()).unwrap();
        let value = session.split(';').next().unwrap().split_once('=').unwrap().1;
        let moved = with(&format!("{}={value}", sessions().name(Use::SignIn)));
        assert!(sessions().sign_in::<Session>(&moved).is_none());
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        let cookie = sessions().cookie(&begun()).unwrap();
        let pair = cookie.split(';').next().unwrap();
        let request = TestRequest::default().insert_header((header::COOKIE, format!("{pair}; {pair}"))).to_http_request();
        assert_eq!(sessions().read(&request, now()), Err(Absent::None));
    }

    #[test]
    fn a_locked_session_opens_by_its_pin_and_never_after_five_wrong_ones() {
        let locked = begun().locked("4711");
        assert!(locked.is_locked() && !begun().is_locked());
        let kept = after(&sessions().cookie(&locked).unwrap(), 1).unwrap();
        assert_eq!(kept.unlock("4711"), Unlocking::Open(begun_as(&locked)));
        let mut session = kept;
        for _ in 1..MAX_WRONG {
            let Unlocking::Wrong(next) = session.unlock("0000") else { panic!("it stays locked") };
            session = next;
        }
        assert!(matches!(session.unlock("4711"), Unlocking::Open(_)), "the last try may be right");
        let Unlocking::Never(session) = session.unlock("0000") else { panic!("it was the last try") };
        assert!(matches!(session.unlock("4711"), Unlocking::Never(_)), "not even by the right one");
        // Whoever waits until its time is over finds it locked.
        let late = with(&sessions().cookie(&session).unwrap());
        assert_eq!(sessions().read(&late, now() + TimeDelta::days(1)), Err(Absent::Over));
        assert!(sessions().locked(&late).is_some() && sessions().locked(&with(&sessions().cookie(&begun()).unwrap())).is_none());
    }

    /// The same session without its lock.
    fn begun_as(locked: &Session) -> Session {
        Session { lock: None, ..locked.clone() }
    }

    #[test]
    fn cookies_are_closed_to_scripts_and_other_sites() {
        let cookie = sessions().cookie(&begun()).unwrap();
        assert!(
            cookie.starts_with("__Host-rubrica=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
            "{cookie}"
        );
        assert!(!cookie.contains("acme") && !cookie.contains("u-17"));
        let plain =
            Sessions::new(Keys::from_bytes(&[7; 32]), "http://127.0.0.1:8080", TimeDelta::minutes(30), TimeDelta::hours(8));
        let cookie = plain.cookie(&begun()).unwrap();
        assert!(cookie.starts_with("rubrica-console=") && !cookie.contains("Secure"), "{cookie}");
        assert!(plain.no_cookie().ends_with("; Max-Age=0"));
    }

    #[test]
    fn more_organizations_than_a_cookie_holds_are_refused() {
        let many = Person { organizations: (0..200).map(|number| format!("organization-{number}")).collect(), ..ana() };
        assert!(matches!(sessions().begin(many, now()), Err(Error::TooLarge)));
    }

    #[test]
    fn a_form_is_of_one_session() {
        let (one, other) = (begun(), begun());
        assert!(one.made_form(&one.csrf) && !one.made_form(&other.csrf) && !one.made_form(""));
    }
}
