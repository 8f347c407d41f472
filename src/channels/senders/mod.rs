//! From which name or number an SMS comes: by the organization and by the country that it goes to.
//!
//! Since 15 September 2026 operators in Spain block a sender of letters (an alias) that its owner has not registered with the CNMC, for the
//! provider that it goes out with and in this very spelling. So an alias is used as long as it is registered, and a number instead from the
//! day on which it is not. What is wrong with the senders is [found](Senders::findings) before a message meets it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Deserializer, de::Error as _};

/// Name of the gateway `channels.gateway.sms`, which senders go out with that name no other.
pub const DEFAULT_PROVIDER: &str = "sms";

/// Maximum length of an alias, in characters (3GPP TS 23.040, 9.1.2.5: 11 septets).
const MAX_ALIAS: usize = 11;

/// Maximum number of senders of one organization, or of the server.
const MAX_SENDERS: usize = 250;

/// How long before its registration ends a sender is warned of.
const SOON: TimeDelta = TimeDelta::days(30);

/// The senders of SMS.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SendersOptions {
    /// Calling codes of the countries whose operators block an alias that is not registered. Default: `["34"]` (Spain).
    pub registration: Vec<String>,
    /// Senders of all organizations that have none of their own for a country.
    pub default: Vec<SenderOptions>,
    /// Senders by organization.
    pub organizations: BTreeMap<String, Vec<SenderOptions>>,
}

impl Default for SendersOptions {
    fn default() -> Self {
        Self { registration: vec!["34".into()], default: Vec::new(), organizations: BTreeMap::new() }
    }
}

/// The sender of an organization's SMS to one country.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderOptions {
    /// Calling code of the country that the SMS goes to, such as `34` (ITU-T E.164); no code is the beginning of another one.
    pub country: String,
    /// The name that people see, as it is registered: 1 to 11 letters, digits, spaces and `&+-._`, at least one of them a letter. Operators
    /// compare upper and lower case. Or a number as ITU-T E.164 writes it, such as `+34600000000`, which needs no registration.
    pub alias: String,
    /// The gateway that it goes out with, and is registered for: a name of `channels.gateway.providers`. Default: `sms`, the gateway
    /// `channels.gateway.sms`.
    #[serde(default)]
    pub provider: Option<String>,
    /// Last day (UTC) of the registration, such as `2027-09-14`. Without it the alias counts as not registered.
    #[serde(default, deserialize_with = "day")]
    pub registered_until: Option<NaiveDate>,
    /// Number from which the SMS comes when the alias is not registered, such as `+34600000000`. Without it such an SMS is refused.
    #[serde(default)]
    pub fallback: Option<String>,
}

/// A day, written as a text or as TOML's own date.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        toml::Value::Datetime(day) => day.to_string(),
        _ => String::new(),
    };
    text.parse().map(Some).map_err(|_| D::Error::custom("expected a day such as 2027-09-14"))
}

impl SenderOptions {
    /// The gateway that it goes out with.
    pub(super) fn provider(&self) -> &str {
        self.provider.as_deref().unwrap_or(DEFAULT_PROVIDER)
    }

    fn is_number(&self) -> bool {
        self.alias.starts_with('+')
    }

    fn is_registered(&self, today: NaiveDate) -> bool {
        self.is_number() || self.registered_until.is_some_and(|last| today <= last)
    }
}

/// Where a sender stands in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// All organizations.
    Server,
    Organization(&'a str),
}

impl Owner<'_> {
    /// As metrics show it; empty for the server.
    pub fn label(&self) -> &str {
        match self {
            Self::Server => "",
            Self::Organization(name) => name,
        }
    }
}

impl std::fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server => f.write_str("of all organizations"),
            Self::Organization(name) => write!(f, "of {name}"),
        }
    }
}

/// From whom an SMS comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender<'a> {
    /// From this name or number.
    From(&'a str),
    /// From this number, as the alias is not registered.
    Fallback { alias: &'a str, number: &'a str },
    /// From nobody: the alias is not registered, and there is no number to fall back to.
    Blocked { alias: &'a str },
}

/// Something that is wrong with the senders, or soon will be, in a whole sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Messages are refused because of it.
    pub is_problem: bool,
    pub text: String,
}

/// The senders as configured.
pub struct Senders {
    options: SendersOptions,
}

impl Senders {
    /// `providers` are the names of the gateways for SMS.
    ///
    /// # Errors
    /// Everything that is not valid, in one text.
    pub fn new(options: &SendersOptions, providers: &BTreeSet<&str>) -> Result<Self, String> {
        let senders = Self { options: options.clone() };
        let mut problems: Vec<String> = Vec::new();
        for code in senders.options.registration.iter().filter(|code| !is_calling_code(code)) {
            problems.push(format!("registration: {code:?} is not a calling code: expected 1 to 3 digits such as \"34\""));
        }
        for (owner, own) in senders.lists() {
            if own.len() > MAX_SENDERS {
                problems.push(format!("the senders {owner} are more than {MAX_SENDERS}"));
            }
            for (index, sender) in own.iter().enumerate() {
                let of = |problem: String| format!("the sender {:?} {owner}: {problem}", sender.alias);
                problems.extend(invalid(sender, providers).into_iter().map(of));
                if own[..index].iter().any(|other| other.country == sender.country) {
                    problems.push(of(format!("another one is for the country {}; one country has one sender", sender.country)));
                }
            }
        }
        if problems.is_empty() { Ok(senders) } else { Err(problems.join("; ")) }
    }

    fn lists(&self) -> impl Iterator<Item = (Owner<'_>, &[SenderOptions])> {
        let own = self.options.organizations.iter().map(|(name, own)| (Owner::Organization(name.as_str()), own.as_slice()));
        std::iter::once((Owner::Server, self.options.default.as_slice())).chain(own)
    }

    fn all(&self) -> impl Iterator<Item = (Owner<'_>, &SenderOptions)> {
        self.lists().flat_map(|(owner, own)| own.iter().map(move |sender| (owner, sender)))
    }

    /// The gateways that the senders name.
    pub fn providers(&self) -> BTreeSet<&str> {
        self.all().map(|(_, sender)| sender.provider()).collect()
    }

    /// The sender of an organization's SMS to a number, and where it stands.
    pub fn find(&self, organization: &str, to: &str) -> Option<(Owner<'_>, &SenderOptions)> {
        let digits = to.trim_start_matches('+');
        let fits = |sender: &&SenderOptions| digits.starts_with(&sender.country);
        let own = self.options.organizations.get_key_value(organization);
        let own = own.and_then(|(name, own)| Some((Owner::Organization(name.as_str()), own.iter().find(fits)?)));
        own.or_else(|| Some((Owner::Server, self.options.default.iter().find(fits)?)))
    }

    /// Whether the operators of the country that a number belongs to block an alias that is not registered.
    fn needs_registration(&self, to: &str) -> bool {
        let digits = to.trim_start_matches('+');
        self.options.registration.iter().any(|code| digits.starts_with(code.as_str()))
    }

    /// From whom an SMS to a number comes on a day. `own` is the sender of the gateway, for countries without one of their own.
    pub fn choose<'a>(&'a self, organization: &str, to: &str, own: Option<&'a str>, today: NaiveDate) -> Option<Sender<'a>> {
        let Some((_, sender)) = self.find(organization, to) else {
            let alias = own?;
            // Of the gateway's own sender no registration is known. What cannot be an alias is a name that the provider has for something.
            let blocked = alias_problem(alias).is_none() && self.needs_registration(to);
            return Some(if blocked { Sender::Blocked { alias } } else { Sender::From(alias) });
        };
        let alias = sender.alias.as_str();
        // A registration that has ended counts in every country; whether there must be one at all is the country's.
        let usable = match sender.registered_until {
            Some(_) => sender.is_registered(today),
            None => sender.is_number() || !self.needs_registration(to),
        };
        Some(match &sender.fallback {
            _ if usable => Sender::From(alias),
            Some(number) => Sender::Fallback { alias, number },
            None => Sender::Blocked { alias },
        })
    }

    /// What keeps an alias from being used on a day, or soon will. `gateways` are the gateways for SMS with the senders that they have
    /// themselves.
    pub fn findings(&self, gateways: &[(&str, Option<&str>)], today: NaiveDate) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for (owner, sender) in self.all().filter(|(_, sender)| !sender.is_number()) {
            let name = format!("the SMS sender {:?} {owner} for +{}", sender.alias, sender.country);
            let needed = self.needs_registration(&sender.country);
            let told = match sender.registered_until {
                Some(last) if today > last => {
                    format!("{name} was registered until {last} only; renew it with {}", sender.provider())
                }
                Some(last) if today + SOON >= last => {
                    let text = format!("{name} is registered until {last}; renew it with {} before", sender.provider());
                    findings.push(Finding { is_problem: false, text });
                    continue;
                }
                None if needed => match self.other_case(sender) {
                    Some(other) => format!(
                        "{name} is not registered, but {other:?} is with {}: operators compare upper and lower case",
                        sender.provider()
                    ),
                    None => format!("{name} is not registered; register it with {} and set registered_until", sender.provider()),
                },
                _ => continue,
            };
            let (is_problem, next) = match &sender.fallback {
                Some(number) => (false, format!("until then {number} is used")),
                None => (true, "until then its messages are refused; a fallback number would carry them".to_owned()),
            };
            findings.push(Finding { is_problem, text: format!("{told}; {next}") });
        }
        for (provider, alias) in
            gateways.iter().filter_map(|(provider, own)| Some((provider, own.filter(|own| alias_problem(own).is_none())?)))
        {
            for code in self.options.registration.iter().filter(|code| self.find("", code).is_none()) {
                let text = format!(
                    "the SMS sender {alias:?} of the gateway {provider} has no registration for +{code}: its messages there are refused; \
                     name it in channels.senders with registered_until and a fallback number"
                );
                findings.push(Finding { is_problem: true, text });
            }
        }
        findings
    }

    /// An alias that is registered for the same country and provider and differs in case only.
    fn other_case(&self, sender: &SenderOptions) -> Option<&str> {
        let same_place = |other: &SenderOptions| other.country == sender.country && other.provider() == sender.provider();
        let differs = |other: &SenderOptions| other.alias != sender.alias && other.alias.eq_ignore_ascii_case(&sender.alias);
        let mut others = self.all().map(|(_, other)| other);
        others
            .find(|other| other.registered_until.is_some() && same_place(other) && differs(other))
            .map(|other| other.alias.as_str())
    }

    /// Every alias that is or must be registered, for measures: whether it is registered on a day, and for how many days still.
    pub fn registrations(&self, today: NaiveDate) -> impl Iterator<Item = Registration<'_>> {
        let matters = |sender: &SenderOptions| sender.registered_until.is_some() || self.needs_registration(&sender.country);
        let aliases = self.all().filter(move |(_, sender)| !sender.is_number() && matters(sender));
        aliases.map(move |(owner, sender)| Registration {
            owner,
            country: &sender.country,
            alias: &sender.alias,
            provider: sender.provider(),
            is_registered: sender.is_registered(today),
            days_left: sender.registered_until.map(|last| (last - today).num_days() + 1),
        })
    }
}

/// What is known of the registration of one alias.
#[derive(Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    pub owner: Owner<'a>,
    pub country: &'a str,
    pub alias: &'a str,
    pub provider: &'a str,
    pub is_registered: bool,
    /// The last day counts; 0 or less once it is over. `None`: no registration is known.
    pub days_left: Option<i64>,
}

/// Whether a sender is a name rather than a number.
fn is_alias(sender: &str) -> bool {
    sender.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_calling_code(code: &str) -> bool {
    (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0')
}

fn is_number(text: &str) -> bool {
    text.starts_with('+') && super::is_phone(text)
}

/// What is not valid, whatever the day.
fn invalid(sender: &SenderOptions, providers: &BTreeSet<&str>) -> Vec<String> {
    let SenderOptions { country, alias, registered_until, fallback, .. } = sender;
    let mut problems = Vec::new();
    if !is_calling_code(country) {
        problems.push(format!("country: {country:?} is not a calling code: expected 1 to 3 digits such as \"34\""));
    }
    if sender.is_number() {
        if !is_number(alias) {
            problems.push("alias: a number is a plus and 6 to 15 digits, the first not 0 (E.164)".to_owned());
        }
        if registered_until.is_some() || fallback.is_some() {
            problems.push("a number needs neither registered_until nor fallback".to_owned());
        }
    } else if let Some(problem) = alias_problem(alias) {
        problems.push(format!("alias: {problem}"));
    }
    if fallback.as_ref().is_some_and(|number| !is_number(number)) {
        problems.push("fallback: a number is a plus and 6 to 15 digits, the first not 0 (E.164)".to_owned());
    }
    if !providers.contains(sender.provider()) {
        let known = providers.iter().copied().collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none is configured".to_owned() } else { format!("there are: {known}") };
        problems.push(format!("provider: there is no gateway {:?} for SMS; {known}", sender.provider()));
    }
    problems
}

/// What an alphanumeric sender must be like (3GPP TS 23.040, 9.1.2.5), in the characters that providers take everywhere.
fn alias_problem(alias: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " &+-._".contains(c);
    if !(1..=MAX_ALIAS).contains(&alias.chars().count()) {
        Some("an alias has 1 to 11 characters")
    } else if !alias.chars().all(allowed) || alias.trim() != alias {
        Some("an alias has letters from a to z, digits and &+-._, and spaces only in between")
    } else if !is_alias(alias) {
        Some("an alias has at least one letter; a number begins with a plus")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
