//! Decimal numbers, exact: amounts are added, multiplied and rounded as on paper, not as binary fractions.

use serde_json::Value;

use crate::locale::Locale;

/// `mantissa` x 10^-`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Digits after the point that are kept, and that can be asked for.
pub(crate) const SCALE: u32 = 20;
/// Digits of a number that is read.
const DIGITS: usize = 30;

impl Decimal {
    /// Of a JSON number, by its shortest digits, or of a string that is one number such as `-12.50` or `1e3`.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::String(text) => Self::parse(text.trim()),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok().filter(|e| e.abs() <= DIGITS as i32)?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || whole.len() + fraction.len() > DIGITS {
            return None;
        }
        let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = fraction.len() as i32 - exponent;
        let sign = if negative { -1 } else { 1 };
        match u32::try_from(scale) {
            Ok(scale) => Some(Self { mantissa: sign * mantissa, scale }.at_most(SCALE)),
            Err(_) => Some(Self { mantissa: sign * mantissa.checked_mul(power(scale.unsigned_abs())?)?, scale: 0 }),
        }
    }

    fn at_most(self, scale: u32) -> Self {
        if self.scale > scale { self.rounded(scale) } else { self }
    }

    /// With exactly `scale` digits after the point; halves go away from zero, as in commerce.
    pub fn rounded(self, scale: u32) -> Self {
        if self.scale <= scale {
            // Formatting adds the zeros: no number can grow beyond its type here.
            return self;
        }
        let Some(unit) = power(self.scale - scale) else { return Self { mantissa: 0, scale } };
        let (whole, rest) = (self.mantissa / unit, self.mantissa % unit);
        let away = if rest.abs() >= unit - rest.abs() { rest.signum() } else { 0 };
        Self { mantissa: whole + away, scale }
    }

    pub fn add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let widened = |d: Self| d.mantissa.checked_mul(power(scale - d.scale)?);
        Some(Self { mantissa: widened(self)?.checked_add(widened(other)?)?, scale })
    }

    pub fn negated(self) -> Self {
        Self { mantissa: -self.mantissa, ..self }
    }

    pub fn multiplied(self, other: Self) -> Option<Self> {
        Some(Self { mantissa: self.mantissa.checked_mul(other.mantissa)?, scale: self.scale + other.scale }.at_most(SCALE))
    }

    /// As JSON: a whole number where it is one, else the text of its digits, which every helper here reads without loss.
    pub fn to_json(self) -> Value {
        let (mut mantissa, mut scale) = (self.mantissa, self.scale);
        while scale > 0 && mantissa % 10 == 0 {
            (mantissa, scale) = (mantissa / 10, scale - 1);
        }
        match i64::try_from(mantissa) {
            Ok(whole) if scale == 0 => Value::from(whole),
            _ => Value::from(Self { mantissa, scale }.plain()),
        }
    }

    fn plain(self) -> String {
        let (whole, fraction) = self.digits(self.scale);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// The digits before and after the point, `scale` of them after it.
    fn digits(self, scale: u32) -> (String, String) {
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        (whole.to_owned(), format!("{fraction:0<width$}", width = scale as usize))
    }

    /// As a language writes it, without its sign; with `scale` digits after the point, or with those that it has.
    fn unsigned(self, locale: &Locale, scale: Option<u32>) -> (bool, String) {
        let rounded = self.rounded(scale.unwrap_or(self.scale));
        let (whole, fraction) = rounded.digits(scale.unwrap_or(rounded.scale));
        let mut text = String::new();
        let grouped = whole.len() >= 3 + locale.minimum_grouping;
        for (i, digit) in whole.chars().enumerate() {
            if grouped && i > 0 && (whole.len() - i).is_multiple_of(3) {
                text.push(locale.grouping);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push(locale.decimal);
            text.push_str(&fraction);
        }
        (rounded.mantissa < 0, text)
    }

    /// `-1234,50` for Spanish, `-1,234.50` for English.
    pub fn written(self, locale: &Locale, scale: Option<u32>) -> String {
        let (negative, text) = self.unsigned(locale, scale);
        if negative { format!("{}{text}", locale.minus) } else { text }
    }

    /// `-1234,50 €` for Spanish, with a space that does not break, `-€1,234.50` for English.
    pub fn amount(self, locale: &Locale, code: &str, digits: u32) -> String {
        let (negative, text) = self.unsigned(locale, Some(digits));
        let sign = locale.currencies.iter().find(|(c, _)| *c == code).map_or(code, |(_, sign)| sign);
        let minus = if negative { String::from(locale.minus) } else { String::new() };
        match (locale.currency_first, sign == code) {
            (true, true) => format!("{minus}{sign}\u{a0}{text}"),
            (true, false) => format!("{minus}{sign}{text}"),
            (false, _) => format!("{minus}{text}\u{a0}{sign}"),
        }
    }
}

fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn number(value: Value, language: &str, scale: Option<u32>) -> String {
        Decimal::of(&value).unwrap().written(Locale::of(language), scale)
    }

    fn amount(value: Value, code: &str, language: &str) -> String {
        let digits = crate::locale::currency_digits(code).unwrap();
        Decimal::of(&value).unwrap().amount(Locale::of(language), code, digits).replace('\u{a0}', "~")
    }

    /// The values of CLDR 42 and later, as ICU writes them.
    #[test]
    fn numbers_are_written_as_their_language_does() {
        for (language, small, large, negative) in [
            ("ES", "1234,50", "12.345,68", "-0,50"),
            ("EN", "1,234.50", "12,345.68", "-0.50"),
            ("EU", "1.234,50", "12.345,68", "\u{2212}0,50"),
            ("GL", "1.234,50", "12.345,68", "-0,50"),
            ("CA", "1.234,50", "12.345,68", "-0,50"),
            ("DE", "1.234,50", "12.345,68", "-0,50"),
            ("UNDEFINED", "1234,50", "12.345,68", "-0,50"),
        ] {
            assert_eq!(number(json!(1234.5), language, Some(2)), small, "{language}");
            assert_eq!(number(json!(12345.678), language, Some(2)), large, "{language}");
            assert_eq!(number(json!(-0.5), language, Some(2)), negative, "{language}");
        }
    }

    #[test]
    fn amounts_are_written_as_their_language_does() {
        for (language, expected) in [
            ("ES", ["-1234,50~€", "-1234,50~US$", "-1234,50~GBP", "-1235~JPY", "-1234,50~CHF", "-1234,500~BHD"]),
            ("EN", ["-€1,234.50", "-$1,234.50", "-£1,234.50", "-¥1,235", "-CHF~1,234.50", "-BHD~1,234.500"]),
            ("EU", ["−1.234,50~€", "−1.234,50~US$", "−1.234,50~£", "−1.235~JP¥", "−1.234,50~CHF", "−1.234,500~BHD"]),
            ("GL", ["-1.234,50~€", "-1.234,50~$", "-1.234,50~£", "-1.235~JP¥", "-1.234,50~CHF", "-1.234,500~BHD"]),
            ("CA", ["-1.234,50~€", "-1.234,50~USD", "-1.234,50~£", "-1.235~¥", "-1.234,50~CHF", "-1.234,500~BHD"]),
            ("DE", ["-1.234,50~€", "-1.234,50~$", "-1.234,50~£", "-1.235~¥", "-1.234,50~CHF", "-1.234,500~BHD"]),
        ] {
            for (code, expected) in ["EUR", "USD", "GBP", "JPY", "CHF", "BHD"].iter().zip(expected) {
                assert_eq!(amount(json!(-1234.5), code, language), expected, "{language} {code}");
            }
        }
    }

    #[test]
    fn halves_of_a_cent_go_away_from_zero() {
        for (value, expected) in [
            ("1.005", "1,01"),
            ("2.675", "2,68"),
            ("-1.005", "-1,01"),
            ("0.004999", "0,00"),
            ("-0.001", "0,00"),
            ("9.999", "10,00"),
        ] {
            assert_eq!(number(json!(value), "ES", Some(2)), expected, "{value}");
            assert_eq!(number(json!(value.parse::<f64>().unwrap()), "ES", Some(2)), expected, "{value}");
        }
    }

    #[test]
    fn sums_and_products_are_exact() {
        let d = |text: &str| Decimal::parse(text).unwrap();
        assert_eq!(d("0.1").add(d("0.2")).unwrap().to_json(), json!("0.3"));
        assert_eq!(d("3").multiplied(d("19.99")).unwrap().to_json(), json!("59.97"));
        assert_eq!(d("2.5").multiplied(d("4")).unwrap().to_json(), json!(10));
        assert_eq!(d("1").add(d("2.5").negated()).unwrap().to_json(), json!("-1.5"));
        let large = d(&"9".repeat(DIGITS));
        assert_eq!(large.multiplied(large), None, "what does not fit is refused");
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-", ".", ".5", "1,5", "0x10", "1e99", "NaN", "inf", "--1", "1.2.3", "1 000", "١"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::of(&json!(f64::MAX)), None);
        assert_eq!(Decimal::of(&json!(true)), None);
        assert_eq!(Decimal::of(&json!(1e-20)).unwrap().written(Locale::of("ES"), Some(2)), "0,00");
        assert_eq!(Decimal::of(&json!(i64::MIN)).unwrap().written(Locale::of("EN"), None), "-9,223,372,036,854,775,808");
    }
}
