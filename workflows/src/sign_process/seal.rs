//! What a seal came to: how far it can be proven, and by whose time stamp.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How long what a seal says can be proven: a baseline level of PAdES (ETSI EN 319 142-1, clause 6), by its name there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SealLevel {
    /// Nothing proves when. Journals that say no level are of before there were others.
    #[default]
    #[serde(rename = "B-B")]
    B,
    /// A time stamp proves when.
    #[serde(rename = "B-T")]
    T,
    /// The file holds what proves its certificates.
    #[serde(rename = "B-LT")]
    Lt,
    /// A time stamp covers that too.
    #[serde(rename = "B-LTA")]
    Lta,
}

impl SealLevel {
    /// As ETSI names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::B => "B-B",
            Self::T => "B-T",
            Self::Lt => "B-LT",
            Self::Lta => "B-LTA",
        }
    }

    fn is_lowest(&self) -> bool {
        *self == Self::B
    }
}

/// How far a seal got.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seal {
    /// What was reached.
    #[serde(default, skip_serializing_if = "SealLevel::is_lowest")]
    pub level: SealLevel,
    /// What was wanted, where the seal did not wait any longer for what that needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_of: Option<SealLevel>,
    /// The last time stamp over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_stamp: Option<SealTime>,
}

/// Who proves when a seal was there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealTime {
    /// What the authority says, in seconds.
    pub at: Timestamp,
    /// The authority, by its certificate.
    pub authority: String,
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::sign_process::{Event, Sealed};

    fn written(event: &Event) -> Value {
        let value = serde_json::to_value(event).expect("it can be written");
        assert_eq!(&serde_json::from_value::<Event>(value.clone()).expect("it can be read"), event);
        value
    }

    #[test]
    fn journals_of_before_levels_read_as_the_lowest_which_writes_nothing() {
        let (document, digest) = (Uuid::from_u128(1), "00".to_owned());
        let id = Uuid::from_u128(2);
        let sealed = Event::Sealed { document, sealed: Sealed { id, digest: digest.clone(), seal: Seal::default() } };
        let old = json!({"type": "sealed", "document": document, "sealed": {"id": id, "digest": digest}});
        assert_eq!(written(&sealed), old);
        let certified = Event::Certified { certificate: id, seal: Seal::default() };
        assert_eq!(written(&certified), json!({"type": "certified", "certificate": id}));
    }

    #[test]
    fn a_level_is_written_by_its_name() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let time_stamp = Some(SealTime { at, authority: "Time stamps".into() });
        let seal = Seal { level: SealLevel::T, short_of: Some(SealLevel::Lta), time_stamp };
        let certified = written(&Event::Certified { certificate: Uuid::nil(), seal });
        assert_eq!((&certified["level"], &certified["short_of"]), (&json!("B-T"), &json!("B-LTA")));
        assert_eq!(certified["time_stamp"]["authority"], "Time stamps");
        for level in [SealLevel::B, SealLevel::T, SealLevel::Lt, SealLevel::Lta] {
            assert_eq!(serde_json::to_value(level).expect("it can be written"), level.name());
        }
    }
}
