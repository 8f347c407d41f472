//! What the pages of staff need, and the addresses below which they are.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Offset, SecondsFormat, TimeDelta, TimeZone, Utc};
use pages::console::{Moment, Organization};
use percent_encoding::utf8_percent_encode;
use reqwest::Url;
use store::Store;

use super::{facts::Facts, handles::Handles, log::StaffLog, origin, pairing::Pairings, session::Sessions};
use crate::{
    access::oidc::Provider,
    channels::Channels,
    config,
    identity_reader::IdentityReader,
    keys::{KEY_LEN, Keys},
    percent::RESERVED,
    processes::Tenants,
    recent::Recent,
    records::Records,
};

/// Maximum length of an address to go on at, in bytes.
const MAX_NEXT: usize = 1_000;

/// What the pages of staff need besides the services of all handlers. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    pub store: Arc<dyn Store>,
    pub tenants: Tenants,
    pub sessions: Sessions,
    pub provider: Option<Provider>,
    /// Whether developers may sign in without one.
    pub development: bool,
    /// Whether messages stay here.
    pub sandbox: bool,
    /// What messages go out by, and what they say.
    pub channels: Channels,
    /// Reads pictures of identity documents.
    pub reader: IdentityReader,
    /// Devices that are handed over.
    pub pairings: Pairings,
    /// Proves what this server read.
    pub check_key: Arc<[u8; KEY_LEN]>,
    /// How addresses name customers.
    pub customers: Handles,
    /// What this server did lately.
    pub recent: Recent,
    /// What staff did.
    pub log: StaffLog,
    /// What it is, and what it is set to.
    pub facts: Facts,
    /// The path below which browsers reach the server, without a slash behind.
    pub root: Arc<str>,
    /// The origin of its address.
    pub origin: Option<Arc<str>>,
}

impl Site {
    /// `None`: nobody can sign in, so there is no console.
    ///
    /// # Errors
    /// What is wrong with the options of the identity provider.
    pub fn new(
        config: &config::Config,
        keys: Keys,
        base: &str,
        store: Arc<dyn Store>,
        reader: IdentityReader,
        channels: Channels,
    ) -> Result<Option<Self>, String> {
        let development = config.access.development;
        let provider = config.console.oidc.as_ref().map(|options| Provider::new(options, base, config.access.clock_leeway));
        let provider = provider.transpose()?;
        if provider.is_none() && !development {
            return Ok(None);
        }
        let path = Url::parse(base).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        Ok(Some(Self {
            reader,
            pairings: Pairings::new(Records::new(store.clone())),
            log: StaffLog::new(Records::new(store.clone()), config.console.log_time),
            check_key: Arc::new(keys.derive("desk/checks/v1")),
            store,
            tenants: Tenants::of(config),
            customers: Handles::new(keys.clone()),
            sessions: Sessions::new(keys, base, config.console.idle_time, config.console.session_time),
            provider,
            development,
            sandbox: channels.sandbox().is_some(),
            channels,
            recent: Recent::default(),
            facts: Facts::of(config, Utc::now()),
            root: path.into(),
            origin: origin::of(base).map(Into::into),
        }))
    }

    /// The start of the agents' desk.
    pub fn desk(&self) -> String {
        format!("{}/desk", self.root)
    }

    /// The start of the console.
    pub fn home(&self) -> String {
        format!("{}/console", self.root)
    }

    pub fn organization(&self, id: &str) -> Organization {
        let path = format!("{}/console/orgs/{}", self.root, utf8_percent_encode(id, RESERVED));
        Organization { name: self.tenants.name(id), path }
    }

    /// A moment as an organization's clock shows it.
    pub fn moment(&self, organization: &str, at: DateTime<Utc>) -> Moment {
        self.zoned(organization, at, "%Y-%m-%d %H:%M:%S")
    }

    /// The same without seconds.
    pub fn minute(&self, organization: &str, at: DateTime<Utc>) -> Moment {
        self.zoned(organization, at, "%Y-%m-%d %H:%M")
    }

    /// When a day begins by an organization's clock. Where the clock is put forward over midnight, when it goes on.
    pub fn begin_of(&self, organization: &str, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        let Some(zone) = self.tenants.time_zone(organization) else { return midnight.and_utc() };
        let hours = (0..4).filter_map(|hour| zone.from_local_datetime(&(midnight + TimeDelta::hours(hour))).earliest());
        hours.map(|local| local.with_timezone(&Utc)).next().unwrap_or_else(|| midnight.and_utc())
    }

    fn zoned(&self, organization: &str, at: DateTime<Utc>, format: &str) -> Moment {
        let shown = match self.tenants.time_zone(organization) {
            None => format!("{} UTC", at.format(format)),
            Some(zone) => {
                let local = at.with_timezone(&zone);
                let name = local.format("%Z").to_string();
                // Some zones have a number for a name.
                let name = if name.starts_with(['+', '-']) { format!("UTC{}", local.offset().fix()) } else { name };
                format!("{} {name}", local.format(format))
            }
        };
        Moment { utc: at.to_rfc3339_opts(SecondsFormat::Secs, true), shown }
    }

    /// Where to go on after signing in: an address of the console or the desk, else the console's start. It comes from the browser, so it leads nowhere else.
    pub fn next(&self, asked: &str) -> String {
        let own = asked.strip_prefix(&*self.root);
        let below = own.and_then(|path| path.strip_prefix("/console").or_else(|| path.strip_prefix("/desk")));
        let leads_in = below.is_some_and(|rest| {
            let is_way_in = ["/sign-", "/callback"].iter().any(|way| rest.starts_with(way));
            (rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')) && !is_way_in
        });
        let is_plain = asked.len() <= MAX_NEXT && asked.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let climbs = asked.split(['/', '?']).any(|part| part == "." || part == "..");
        if leads_in && is_plain && !climbs { asked.to_owned() } else { self.home() }
    }
}

#[cfg(test)]
mod tests {
    use store::model::Model;

    use super::*;
    use crate::channels;
    use crate::config::{Config, Organization as Configured};
    use crate::render_workers::Workers;

    fn of(config: &Config, base: &str) -> Result<Option<Site>, String> {
        let reader = IdentityReader::new(Workers::none());
        let folder = tempfile::tempdir().expect("a folder");
        let metrics = channels::Metrics::new(&prometheus::Registry::new()).expect("metrics");
        let channels = Channels::open(&config.channels, folder.path(), metrics).expect("channels");
        Site::new(config, Keys::from_bytes(&[7; 32]), base, Arc::new(Model::new()), reader, channels)
    }

    fn site(base: &str) -> Site {
        let mut config = Config::default();
        config.access.development = true;
        let zone = |name: &str| Configured { time_zone: name.parse().ok(), ..Configured::default() };
        config.organizations.insert("acme".into(), zone("Europe/Madrid"));
        config.organizations.insert("far".into(), zone("America/Sao_Paulo"));
        of(&config, base).unwrap().expect("a way in")
    }

    #[test]
    fn without_a_way_in_there_is_no_console() {
        assert!(of(&Config::default(), "https://a.example").unwrap().is_none());
    }

    #[test]
    fn who_signs_in_goes_on_in_the_console_and_nowhere_else() {
        for (base, root) in [("https://sign.example", ""), ("https://sign.example/base/", "/base")] {
            let site = site(base);
            assert_eq!(site.home(), format!("{root}/console"));
            for good in ["/console", "/console/orgs/acme/processes?status=CREATED", "/console?x=1", "/desk", "/desk?code=AB3X9Z"]
            {
                assert_eq!(site.next(&format!("{root}{good}")), format!("{root}{good}"));
            }
            for bad in [
                "",
                "https://evil.example/console",
                "//evil.example/console",
                "/console\\evil.example",
                "/consoles",
                "/desks",
                "/desk/../sandbox",
                "/console/../sandbox",
                "/console/..",
                "/console/orgs/a b",
                "/console/\r\nset-cookie:a=b",
                "/console/sign-out",
                "/console/callback?code=1",
                "/docs",
            ] {
                assert_eq!(site.next(&format!("{root}{bad}")), format!("{root}/console"), "{bad:?}");
            }
            assert_eq!(site.next(&format!("{root}/console/{}", "x".repeat(2_000))), format!("{root}/console"));
        }
    }

    #[test]
    fn moments_are_shown_in_the_zone_of_the_organization_which_they_name() {
        let site = site("https://sign.example");
        let at = Utc.with_ymd_and_hms(2026, 11, 27, 9, 41, 2).unwrap();
        let moment = site.moment("acme", at);
        assert_eq!((moment.shown.as_str(), moment.utc.as_str()), ("2026-11-27 10:41:02 CET", "2026-11-27T09:41:02Z"));
        assert_eq!(site.minute("far", at).shown, "2026-11-27 06:41 UTC-03:00");
        assert_eq!(site.minute("unknown", at).shown, "2026-11-27 09:41 UTC");
    }

    #[test]
    fn a_day_begins_by_the_clock_of_the_organization() {
        let site = site("https://sign.example");
        let begin = |organization: &str, day: &str| site.begin_of(organization, day.parse().unwrap()).to_rfc3339();
        assert_eq!(begin("acme", "2026-11-27"), "2026-11-26T23:00:00+00:00");
        assert_eq!(begin("unknown", "2026-11-27"), "2026-11-27T00:00:00+00:00");
        // There was no midnight on this day: the clock went from 23:59 to 01:00.
        assert_eq!(begin("far", "2018-11-04"), "2018-11-04T03:00:00+00:00");
    }

    #[test]
    fn names_of_organizations_are_escaped_in_addresses() {
        assert_eq!(site("https://sign.example").organization("a/b ñ").path, "/console/orgs/a%2Fb%20%C3%B1");
    }
}
