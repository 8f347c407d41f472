//! Dates of data, written by a pattern in a language. No time zone is applied: the date is the one that the data say.

use crate::locale::Locale;

/// A date, and its time of day where it has one, as ISO 8601 and RFC 3339 write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    year: i64,
    month: u32,
    day: u32,
    time: (u32, u32, u32),
}

impl Date {
    /// `2026-01-05`, `2026-01-05T10:30`, `2026-01-05T10:30:00.5Z`, `2026-01-05 10:30:00+01:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<u32> {
            let digits = bytes.get(from..to)?;
            if !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            std::str::from_utf8(digits).ok()?.parse().ok()
        };
        let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|b| wanted.contains(b));
        if !is(4, b"-") || !is(7, b"-") {
            return None;
        }
        let (year, month, day) = (i64::from(number(0, 4)?), number(5, 7)?, number(8, 10)?);
        if !(1..=12).contains(&month) || day == 0 || day > days_of(year, month) {
            return None;
        }
        let mut time = (0, 0, 0);
        if bytes.len() > 10 {
            if !is(10, b"Tt ") || !is(13, b":") {
                return None;
            }
            time = (number(11, 13)?, number(14, 16)?, 0);
            let mut rest = 16;
            if is(16, b":") {
                time.2 = number(17, 19)?;
                rest = 19;
            }
            if time.0 > 23 || time.1 > 59 || time.2 > 60 {
                return None;
            }
            let is_zone = |b: &u8| b.is_ascii_digit() || b".:+-Zz".contains(b);
            if bytes.len() > 40 || !bytes[rest..].iter().all(is_zone) {
                return None;
            }
        }
        Some(Self { year, month, day, time })
    }

    /// Of seconds since 1970-01-01 UTC.
    pub fn of_unix(seconds: i64) -> Option<Self> {
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
        // Howard Hinnant's days to civil date, in years that begin in March.
        let shifted = days.checked_add(719_468)?;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = (of_year - (153 * from_march + 2) / 5 + 1) as u32;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 } as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (0..=9999).contains(&year).then_some(Self { year, month, day, time: (second / 3_600, second / 60 % 60, second % 60) })
    }

    /// `2026-01-05T10:30:00`.
    pub fn iso(self) -> String {
        let (hour, minute, second) = self.time;
        format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}", self.year, self.month, self.day)
    }

    /// From Monday, 0.
    fn weekday(self) -> usize {
        // Sakamoto's method gives 0 for Sunday.
        let offsets = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 { self.year - 1 } else { self.year };
        let sunday = year + year.div_euclid(4) - year.div_euclid(100)
            + year.div_euclid(400)
            + offsets[self.month as usize - 1]
            + i64::from(self.day);
        (sunday + 6).rem_euclid(7) as usize
    }

    /// By a pattern of CLDR's letters: `d dd M MM MMM MMMM L LL LLL LLLL y yy yyyy E EEE EEEE H HH m mm s ss`; text between apostrophes
    /// stands as it is, two apostrophes are one. The error is what the pattern has that is not known.
    pub fn written(self, pattern: &str, locale: &Locale) -> Result<String, String> {
        let mut text = String::new();
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            if c == '\'' {
                if rest.next_if_eq(&'\'').is_some() {
                    text.push('\'');
                    continue;
                }
                while let Some(c) = rest.next() {
                    match c {
                        '\'' if rest.next_if_eq(&'\'').is_some() => text.push('\''),
                        '\'' => break,
                        other => text.push(other),
                    }
                }
                continue;
            }
            if !c.is_ascii_alphabetic() {
                text.push(c);
                continue;
            }
            let mut length = 1;
            while rest.next_if_eq(&c).is_some() {
                length += 1;
            }
            text.push_str(&self.part(c, length, locale).ok_or_else(|| String::from(c).repeat(length.min(8)))?);
        }
        Ok(text)
    }

    fn part(self, letter: char, length: usize, locale: &Locale) -> Option<String> {
        let (hour, minute, second) = self.time;
        let month = self.month as usize - 1;
        let padded = |number: u32| match length {
            1 => Some(number.to_string()),
            2 => Some(format!("{number:02}")),
            _ => None,
        };
        match (letter, length) {
            ('d', _) => padded(self.day),
            ('M' | 'L', 1 | 2) => padded(self.month),
            ('M' | 'L', 3) => Some(locale.months_short[month].to_owned()),
            ('M', 4) => Some(locale.months[month].to_owned()),
            ('L', 4) => Some(locale.months_alone[month].to_owned()),
            ('y', 2) => Some(format!("{:02}", self.year % 100)),
            ('y', 1 | 4) => Some(format!("{:04}", self.year)),
            ('E', 1..=3) => Some(locale.days_short[self.weekday()].to_owned()),
            ('E', 4) => Some(locale.days[self.weekday()].to_owned()),
            ('H', _) => padded(hour),
            ('m', _) => padded(minute),
            ('s', _) => padded(second),
            _ => None,
        }
    }
}

fn days_of(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, pattern: &str, language: &str) -> String {
        Date::parse(text).unwrap().written(pattern, Locale::of(language)).unwrap()
    }

    /// As ICU writes the same dates.
    #[test]
    fn long_dates_are_written_as_their_language_does() {
        for (language, january, april) in [
            ("ES", "5 de enero de 2026", "5 de abril de 2026"),
            ("EN", "January 5, 2026", "April 5, 2026"),
            ("EU", "2026(e)ko urtarrilaren 5(a)", "2026(e)ko apirilaren 5(a)"),
            ("GL", "5 de xaneiro de 2026", "5 de abril de 2026"),
            ("CA", "5 de gener del 2026", "5 d’abril del 2026"),
            ("DE", "5. Januar 2026", "5. April 2026"),
        ] {
            let locale = Locale::of(language);
            assert_eq!(written("2026-01-05", locale.long_date, language), january);
            assert_eq!(written("2026-04-05T23:59:59-10:00", locale.long_date, language), april);
        }
    }

    #[test]
    fn patterns_have_letters_and_quoted_text() {
        assert_eq!(written("2026-01-05", "dd/MM/yyyy", "ES"), "05/01/2026");
        assert_eq!(written("2026-01-05T07:08:09Z", "d.M.yy H:mm:ss", "DE"), "5.1.26 7:08:09");
        assert_eq!(written("2026-01-05", "EEEE d 'de' MMM, LLLL ''yy''", "CA"), "dilluns 5 de gen., gener '26'");
        assert_eq!(written("2026-11-29", "EEE", "EN"), "Sun");
        assert_eq!(written("2024-02-29", "d 'o''clock", "EN"), "29 o'clock");
        assert_eq!(Date::parse("2026-01-05").unwrap().written("dd/QQ/yyyy", Locale::of("ES")), Err("QQ".to_owned()));
        assert_eq!(Date::parse("2026-01-05").unwrap().written("MMMMM", Locale::of("ES")), Err("MMMMM".to_owned()));
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2100-02-29",
            "2026-00-10",
            "2026-01-32",
            "05/01/2026",
            "2026-1-5",
            "2026-01-05T",
            "2026-01-05T25:00",
            "2026-01-05T10:61",
            "2026-01-05x",
            "2026-01-05T10:00é",
            "２０２６-01-05",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_are_dates() {
        for (seconds, iso) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_767_609_000, "2026-01-05T10:30:00"),
            (-1, "1969-12-31T23:59:59"),
        ] {
            assert_eq!(Date::of_unix(seconds).unwrap().iso(), iso);
        }
        assert_eq!(Date::of_unix(i64::MAX), None);
        assert_eq!(Date::of_unix(i64::MIN), None);
    }
}
