//! Helpers that give values.

use serde_json::Value;

use super::Arguments;
use crate::date::Date;
use crate::decimal::{Decimal, SCALE};
use crate::limits::{LENGTH, VALUE_BYTES};
use crate::locale::currency_digits;
use crate::{Failure, Kind};

type Answer = Result<Value, Failure>;

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The decimal that an argument is; nothing for null and empty text, and for samples.
fn decimal(arguments: &Arguments, index: usize) -> Result<Option<Decimal>, Failure> {
    let value = arguments.value(index).ok_or_else(|| arguments.misused("a value is missing"))?;
    if is_empty(value) {
        return Ok(None);
    }
    match Decimal::of(value) {
        Some(decimal) => Ok(Some(decimal)),
        None => arguments.unusable(index, "is no number").map(|()| None),
    }
}

/// How many digits after the point are asked for.
fn scale(arguments: &Arguments) -> Result<Option<u32>, Failure> {
    let Some(value) = arguments.value(1) else { return Ok(None) };
    let scale = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= SCALE);
    scale.map(Some).ok_or_else(|| arguments.misused(&format!("the digits after the point are a number from 0 to {SCALE}")))
}

pub(super) fn number(arguments: &Arguments) -> Answer {
    let scale = scale(arguments)?;
    let text = decimal(arguments, 0)?.map(|number| number.written(arguments.shared.locale, scale));
    Ok(Value::from(text.unwrap_or_default()))
}

pub(super) fn currency(arguments: &Arguments) -> Answer {
    let code = arguments.value(1).map_or(Some("EUR"), Value::as_str).unwrap_or_default();
    let number = decimal(arguments, 0)?;
    let Some(digits) = currency_digits(code) else {
        arguments.unusable(1, "is no code of a currency such as EUR")?;
        return Ok(Value::from(""));
    };
    Ok(Value::from(number.map(|number| number.amount(arguments.shared.locale, code, digits)).unwrap_or_default()))
}

pub(super) fn round(arguments: &Arguments) -> Answer {
    let scale = scale(arguments)?.unwrap_or(0);
    Ok(decimal(arguments, 0)?.map_or(Value::Null, |number| number.rounded(scale).to_json()))
}

pub(super) fn date(arguments: &Arguments) -> Answer {
    let locale = arguments.shared.locale;
    let pattern = match arguments.value(1) {
        None => locale.long_date,
        Some(pattern) => pattern.as_str().ok_or_else(|| arguments.misused("the pattern is text"))?,
    };
    // The pattern is judged even where there is no date.
    let known = Date::of_unix(0).map(|date| date.written(pattern, locale));
    if let Some(Err(unknown)) = known {
        let letters = "d dd M MM MMM MMMM LLLL yy yyyy EEE EEEE HH mm ss, and text in apostrophes";
        return Err(arguments.misused(&format!("'{unknown}' in the pattern is not known: there are {letters}")));
    }
    let value = arguments.first()?;
    if is_empty(value) {
        return Ok(Value::from(""));
    }
    match value.as_str().and_then(|text| Date::parse(text.trim())) {
        Some(date) => Ok(Value::from(date.written(pattern, locale).unwrap_or_default())),
        None => arguments.unusable(0, "is no date such as 2026-01-31").map(|()| Value::from("")),
    }
}

pub(super) fn upper(arguments: &Arguments) -> Answer {
    arguments.text(0).map(|text| Value::from(text.to_uppercase()))
}

pub(super) fn lower(arguments: &Arguments) -> Answer {
    arguments.text(0).map(|text| Value::from(text.to_lowercase()))
}

/// The first value that is there and not empty.
pub(super) fn default(arguments: &Arguments) -> Answer {
    let values = arguments.helper.params();
    if values.len() < 2 {
        return Err(arguments.misused("the value for otherwise is missing"));
    }
    let is_there = |param: &&handlebars::PathAndJson<'_>| !param.is_value_missing() && !is_empty(param.value());
    Ok(values.iter().find(is_there).or(values.last()).map_or(Value::Null, |param| param.value().clone()))
}

pub(super) fn concat(arguments: &Arguments) -> Answer {
    let mut text = String::new();
    for index in 0..arguments.helper.params().len() {
        text.push_str(&arguments.text(index)?);
        if text.len() > VALUE_BYTES {
            return Err(Failure::new(Kind::Limits, format!("{{{{concat}}}}: the text has more than {VALUE_BYTES} bytes")));
        }
    }
    Ok(Value::from(text))
}

pub(super) fn json(arguments: &Arguments) -> Answer {
    Ok(Value::from(arguments.first()?.to_string()))
}

fn calculated(arguments: &Arguments, step: fn(Decimal, Decimal) -> Option<Decimal>) -> Answer {
    let count = arguments.helper.params().len();
    if count < 2 {
        return Err(arguments.misused("it takes two values or more"));
    }
    let mut result: Option<Decimal> = None;
    for index in 0..count {
        let Some(number) = decimal(arguments, index)? else {
            // Empty stays empty: a sum with a part that is not there is no sum.
            return Ok(Value::Null);
        };
        result =
            match result {
                None => Some(number),
                Some(before) => Some(step(before, number).ok_or_else(|| {
                    Failure::new(Kind::Data, format!("{{{{{}}}}}: the result is too large", arguments.entry.name))
                })?),
            };
    }
    Ok(result.map_or(Value::Null, Decimal::to_json))
}

pub(super) fn add(arguments: &Arguments) -> Answer {
    calculated(arguments, Decimal::add)
}

pub(super) fn sub(arguments: &Arguments) -> Answer {
    calculated(arguments, |a, b| a.add(b.negated()))
}

pub(super) fn mul(arguments: &Arguments) -> Answer {
    calculated(arguments, Decimal::multiplied)
}

/// A colour, a length or an identifier: nothing that ends a declaration.
pub(super) fn css(arguments: &Arguments) -> Answer {
    let text = arguments.text(0)?;
    let text = text.trim();
    if text.is_empty() || is_css_value(text) {
        return Ok(Value::from(text));
    }
    arguments.unusable(0, "is no colour, length or word that may stand in a style").map(|()| Value::from(""))
}

/// `#1a2b3c`, `rgb(0, 0, 0)`, `12.5mm`, `3`, `50%`, `bold`.
pub(super) fn is_css_value(text: &str) -> bool {
    let is_word = |text: &str| {
        let mut characters = text.chars();
        text.len() <= 40
            && characters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && characters.all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let is_hex = |digits: &str| matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let is_function = |text: &str| {
        let Some((name, rest)) = text.split_once('(') else { return false };
        let Some(inner) = rest.strip_suffix(')') else { return false };
        ["rgb", "rgba", "hsl", "hsla"].contains(&name)
            && inner.len() <= 40
            && inner.chars().all(|c| "0123456789., %/".contains(c))
    };
    text.strip_prefix('#').is_some_and(is_hex) || is_word(text) || is_length(text) || is_function(text)
}

/// A number, with a unit or without one, within what styles may have.
pub(super) fn is_length(text: &str) -> bool {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let is_unit = ["", "px", "pt", "pc", "mm", "cm", "in", "em", "rem", "ex", "ch", "%"].contains(&unit);
    is_unit && number.len() <= 12 && number.parse::<f32>().is_ok_and(|n| n.is_finite() && n.abs() <= LENGTH)
}

/// A value as part of an address: everything but letters, digits and `-._~` as percent and two digits (RFC 3986, 2.1).
pub(super) fn url(arguments: &Arguments) -> Answer {
    let mut text = String::new();
    for byte in arguments.text(0)?.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_values_stand_in_styles() {
        for fine in
            ["red", "#fff", "#1a2B3c", "#12345678", "12.5mm", "-3pt", "50%", "0", "rgb(1, 2, 3)", "hsl(1 2% 3% / 50%)", "bold"]
        {
            assert!(is_css_value(fine), "{fine}");
        }
        for bad in [
            "red}body{display:none",
            "red;x:y",
            "url(http://x)",
            "expression(1)",
            "#12",
            "1e9px",
            "99999999px",
            "12 px",
            "a/*",
            "\"a\"",
            "</style>",
            "rgb(1);",
            "var(--x)",
            "-",
            "é",
            "NaN",
            "inf",
            "1px2",
            "\\72",
        ] {
            assert!(!is_css_value(bad) || bad == "NaN" || bad == "inf", "{bad}");
            assert!(!is_length(bad), "{bad}");
        }
    }
}
