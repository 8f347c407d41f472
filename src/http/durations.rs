//! How the description bounds durations: what each operation takes, as a pattern. It allows what the format `duration` (RFC 3339,
//! appendix A) allows within the bounds; the server takes a few ways of writing more, such as fractions of seconds.

use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type, schema::SchemaType};

/// Below a day, in one to three units; no zero in front.
macro_rules! within_a_day {
    () => {
        "([1-9]|1[0-9]|2[0-3])H([1-5]?[0-9]M([1-5]?[0-9]S)?)?|([1-9][0-9]{0,2}|1[0-3][0-9]{2}|14[0-3][0-9])M([1-5]?[0-9]S)?"
    };
}

/// Up to 86,399 seconds.
macro_rules! seconds_of_a_day {
    () => {
        "([1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2})S"
    };
}

/// Up to 24 hours.
const DAY: &str = concat!("^P(1D|T(24H|", within_a_day!(), "|", seconds_of_a_day!(), "))$");

/// From one second to 30 days.
const MONTH: &str = concat!(
    "^P([1-4]W|30D|([1-9]|[12][0-9])D(T(",
    within_a_day!(),
    "|",
    seconds_of_a_day!(),
    "))?|T(([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9])H([1-5]?[0-9]M([1-5]?[0-9]S)?)?|720H|",
    "([1-9][0-9]{0,3}|[1-3][0-9]{4}|4[0-2][0-9]{3})M([1-5]?[0-9]S)?|([1-9][0-9]{0,5}|1[0-9]{6}|2[0-4][0-9]{5})S))$"
);

/// From 1 minute to 30 days.
const MINUTE_TO_MONTH: &str = concat!(
    "^P([1-4]W|30D|([1-9]|[12][0-9])D(T(",
    within_a_day!(),
    "|",
    seconds_of_a_day!(),
    "))?|T(([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9])H([1-5]?[0-9]M([1-5]?[0-9]S)?)?|720H|",
    "([1-9][0-9]{0,3}|[1-3][0-9]{4}|4[0-2][0-9]{3})M([1-5]?[0-9]S)?|([6-9][0-9]|[1-9][0-9]{2,5}|1[0-9]{6}|2[0-4][0-9]{5})S))$"
);

/// From 15 minutes to 30 days.
const QUARTER_TO_MONTH: &str = concat!(
    "^P([1-4]W|30D|([1-9]|[12][0-9])D(T(",
    within_a_day!(),
    "|",
    seconds_of_a_day!(),
    "))?|T(([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9])H([1-5]?[0-9]M([1-5]?[0-9]S)?)?|720H|",
    "(1[5-9]|[2-9][0-9]|[1-9][0-9]{2,3}|[1-3][0-9]{4}|4[0-2][0-9]{3})M([1-5]?[0-9]S)?|(9[0-9]{2}|[1-9][0-9]{3,5}|1[0-9]{6}|2[0-4][0-9]{5})S))$"
);

fn duration(pattern: &str, description: &str) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Duration);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).pattern(Some(pattern)).description(Some(description))
}

/// Of a public URL.
pub fn public_url() -> Object {
    duration(DAY, "How long the URL works: longer than nothing, at most 24 hours.").default(Some("PT24H".into())).build()
}

/// Of an identification.
pub fn identification() -> Object {
    duration(MONTH, "Time limit as ISO-8601 duration, at most 30 days.").build()
}

/// Of an identification by an agent, and of all others with a minimum.
pub fn minute_to_month() -> Object {
    duration(MINUTE_TO_MONTH, "Time limit as ISO-8601 duration, from 1 minute to 30 days.").build()
}

/// Of an identification that lasts as long as possible where nothing is said.
pub fn identification_or_default() -> Object {
    let or_null = SchemaType::from_iter([Type::String, Type::Null]);
    duration(MONTH, "Time limit, at most 30 days, default 30 days.").schema_type(or_null).default(Some("P30D".into())).build()
}

/// Of a sign process.
pub fn sign_process() -> Object {
    let description = "Time limit: PT15M to P30D; default: the tenant's, else P30D.";
    let or_null = SchemaType::from_iter([Type::String, Type::Null]);
    duration(QUARTER_TO_MONTH, description).schema_type(or_null).default(Some("P30D".into())).build()
}

/// Of all sign processes of an organization.
pub fn organization() -> Object {
    let description = "Time limit of every sign process of the organization, ISO-8601, from PT15M to P30D.";
    duration(QUARTER_TO_MONTH, description).build()
}

/// A step of the sandbox's clock.
pub fn step() -> Object {
    duration(MONTH, "How far process time moves forward, e.g. `PT2H`.").build()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use jsonschema::Validator;
    use serde_json::json;
    use workflows::values::duration;

    use super::*;

    fn pattern(text: &str) -> Validator {
        jsonschema::validator_for(&json!({"type": "string", "pattern": text})).unwrap()
    }

    #[test]
    fn a_pattern_allows_what_is_within_its_bounds_and_nothing_else() {
        let (second, minute, quarter, day, month) =
            (TimeDelta::seconds(1), TimeDelta::minutes(1), TimeDelta::minutes(15), TimeDelta::days(1), TimeDelta::days(30));
        let patterns =
            [(DAY, second, day), (MONTH, second, month), (MINUTE_TO_MONTH, minute, month), (QUARTER_TO_MONTH, quarter, month)];
        for (text, from, to) in patterns {
            let pattern = pattern(text);
            let allows = |written: &str| pattern.is_valid(&json!(written));
            // Every bound, and around it.
            for seconds in
                [1, 59, 60, 61, 899, 900, 901, 3_599, 3_600, 3_661, 86_399, 86_400, 86_401, 604_800, 2_591_999, 2_592_000]
            {
                for length in
                    [seconds - 1, seconds, seconds + 1].map(TimeDelta::seconds).into_iter().filter(|length| !length.is_zero())
                {
                    let written = duration::format(length);
                    assert_eq!(allows(&written), (from..=to).contains(&length), "{text}: {written}");
                }
            }
            for written in [
                "P1D", "P2D", "P30D", "P31D", "P4W", "P5W", "PT24H", "PT25H", "PT720H", "PT721H", "PT14M", "PT15M", "PT42999M",
                "PT899S", "PT900S", "P29DT23H", "P30DT1S",
            ] {
                let length = duration::parse(written).unwrap();
                if allows(written) {
                    assert!((from..=to).contains(&length), "{text}: {written}");
                }
            }
            for wrong in ["", "P", "PT", "PT0S", "P0D", "1D", "PT1", "P1Y", "PT1H5S", "PT1.5S", "-PT1H", "PT1H "] {
                assert!(!allows(wrong), "{text}: {wrong}");
            }
        }
    }
}
