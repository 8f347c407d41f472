//! Consents: the configuration reference.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::Deserialize;

use super::{
    Error,
    bounds::{seconds, within},
};
use crate::iso_duration;

const DAY: i64 = 86_400;

/// The consents of customers (`/v2`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Consents {
    /// How long the `x-key` of a read allows captures. PT1M to P30D. Default: PT24H.
    #[serde(with = "iso_duration")]
    pub x_key_lifetime: TimeDelta,
    /// How long the token of `securize` lasts, for the web component of one customer. PT1M to P1D. Default: PT15M.
    #[serde(with = "iso_duration")]
    pub component_token_lifetime: TimeDelta,
    /// How long deleted consents are kept, blocked, as evidence before they are shredded; PT0S shreds at once. PT0S to P3650D. Default:
    /// P1095D.
    pub retention_after_deletion: Retention,
    /// Whether a capture may name only consents that the read before it displayed; otherwise the evidence says which were not. Default: false.
    pub require_display: bool,
    /// What holds when captures arrive in another order than they were made. Default: `merge`.
    pub late_capture: LateCapture,
    /// Country of languages without one: with ES, `es` means es_ES. Two upper-case letters (ISO 3166-1). Default: ES.
    pub default_region: Region,
    /// Captures of one customer in one segment per day (UTC), 1 to 10000; more are answered with 429. Default: 200.
    pub captures_per_day: u32,
    /// How long a server that shares its store may go on with definitions and trees that another one has changed. PT0S to PT1M. Default: PT1S.
    #[serde(deserialize_with = "iso_duration::or_zero")]
    pub catalogue_ttl: TimeDelta,
}

/// Of one organization, in place of the same options of `[consents]`; each that is left out is as there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrganizationConsents {
    /// See [`Consents::retention_after_deletion`].
    pub retention_after_deletion: Option<Retention>,
    /// See [`Consents::require_display`].
    pub require_display: Option<bool>,
    /// See [`Consents::late_capture`].
    pub late_capture: Option<LateCapture>,
    /// See [`Consents::default_region`].
    pub default_region: Option<Region>,
}

/// A time that may be none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Retention(#[serde(deserialize_with = "iso_duration::or_zero")] pub TimeDelta);

/// See [`Consents::late_capture`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateCapture {
    /// Per consent the choice with the later `capture_date` holds (note late-capture).
    #[default]
    Merge,
    /// The choice that arrived last holds, whatever its date.
    Overwrite,
}

/// A country: two upper-case letters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Region(pub String);

/// What holds for the consents of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentPolicy {
    /// See [`Consents::retention_after_deletion`].
    pub retention_after_deletion: TimeDelta,
    /// See [`Consents::require_display`].
    pub require_display: bool,
    /// See [`Consents::late_capture`].
    pub late_capture: LateCapture,
    /// See [`Consents::default_region`].
    pub default_region: String,
}

/// The policies of all organizations.
#[derive(Clone, Debug)]
pub struct ConsentPolicies {
    common: ConsentPolicy,
    own: HashMap<String, ConsentPolicy>,
}

impl ConsentPolicies {
    pub fn of(&self, organization: &str) -> &ConsentPolicy {
        self.own.get(organization).unwrap_or(&self.common)
    }
}

impl Default for Consents {
    fn default() -> Self {
        Self {
            x_key_lifetime: TimeDelta::hours(24),
            component_token_lifetime: TimeDelta::minutes(15),
            retention_after_deletion: Retention(TimeDelta::days(1095)),
            require_display: false,
            late_capture: LateCapture::default(),
            default_region: Region("ES".to_owned()),
            captures_per_day: 200,
            catalogue_ttl: TimeDelta::seconds(1),
        }
    }
}

impl Default for ConsentPolicies {
    fn default() -> Self {
        Consents::default().policies([].into_iter())
    }
}

impl Retention {
    fn check(self, section: &str) -> Result<(), Error> {
        within(&format!("{section}.retention_after_deletion"), seconds(self.0, 0, 3650 * DAY), "PT0S to P3650D")
    }
}

impl Region {
    fn check(&self, section: &str) -> Result<(), Error> {
        let is_country = self.0.len() == 2 && self.0.bytes().all(|byte| byte.is_ascii_uppercase());
        within(&format!("{section}.default_region"), is_country, "two upper-case letters such as ES")
    }
}

impl Consents {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("consents.x_key_lifetime", seconds(self.x_key_lifetime, 60, 30 * DAY), "PT1M to P30D")?;
        within("consents.component_token_lifetime", seconds(self.component_token_lifetime, 60, DAY), "PT1M to P1D")?;
        within("consents.captures_per_day", (1..=10_000).contains(&self.captures_per_day), "1 to 10000")?;
        within("consents.catalogue_ttl", seconds(self.catalogue_ttl, 0, 60), "PT0S to PT1M")?;
        self.retention_after_deletion.check("consents")?;
        self.default_region.check("consents")
    }

    /// The policies, with what organizations have of their own.
    pub(super) fn policies<'a>(&self, own: impl Iterator<Item = (&'a String, &'a OrganizationConsents)>) -> ConsentPolicies {
        let common = ConsentPolicy {
            retention_after_deletion: self.retention_after_deletion.0,
            require_display: self.require_display,
            late_capture: self.late_capture,
            default_region: self.default_region.0.clone(),
        };
        let own = own.map(|(organization, options)| (organization.clone(), options.over(&common))).collect();
        ConsentPolicies { common, own }
    }
}

impl OrganizationConsents {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self, section: &str) -> Result<(), Error> {
        self.retention_after_deletion.map_or(Ok(()), |retention| retention.check(section))?;
        self.default_region.as_ref().map_or(Ok(()), |region| region.check(section))
    }

    fn over(&self, common: &ConsentPolicy) -> ConsentPolicy {
        let region = self.default_region.as_ref();
        ConsentPolicy {
            retention_after_deletion: self
                .retention_after_deletion
                .map_or(common.retention_after_deletion, |retention| retention.0),
            require_display: self.require_display.unwrap_or(common.require_display),
            late_capture: self.late_capture.unwrap_or(common.late_capture),
            default_region: region.map_or_else(|| common.default_region.clone(), |region| region.0.clone()),
        }
    }
}
