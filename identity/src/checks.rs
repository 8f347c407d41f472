//! What agrees and what does not: each check on its own, and the score of all of them.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use mrz::{MrzData, MrzDate, ParseOptions, Sex};

use crate::{
    Check, Declared, DocumentKind, Found, Kind, Looked, Options, Reading, ScoreType, Side, ValueKey, countries,
    picture::PerceptualHash,
    zone::{Layout, Zone},
};

/// How sure a zone must be to be taken as read at all: an unsure one may be wrong where no check digit tells.
const LEAST_CONFIDENCE: f32 = 0.9;

/// How sure a zone must be for a check digit that disagrees to point to fraud, and not to a misreading.
const PLAIN: f32 = 0.95;

/// Likeness of names from which they are taken for the same.
const SAME_NAME: f64 = 0.8;

/// Most years that a holder may be old.
const OLDEST: i32 = 120;

/// Share of the global score that the picture decides.
const PICTURE_SHARE: f64 = 0.4;

/// All checks of what two sides show.
pub fn judge(front: Option<&Looked>, back: Option<&Looked>, declared: &Declared, options: &Options) -> Reading {
    let sides = [(Side::Front, front), (Side::Back, back)];
    let sides: Vec<(Side, &Looked)> = sides.into_iter().filter_map(|(side, looked)| Some((side, looked?))).collect();
    let zones: Vec<Document> =
        sides.iter().filter_map(|(side, looked)| Document::of(*side, looked.zone.as_ref()?, options)).collect();
    let surest = zones.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence));
    let mut checks = Vec::new();
    match surest {
        Some(document) => document.check(declared, options, &mut checks),
        None => checks.push(check(ScoreType::MrzReadable, false, 0.0, None)),
    }
    checks.extend(front_and_back(&sides, &zones));
    sides.iter().for_each(|(side, looked)| checks.extend(picture_checks(*side, looked)));
    let fingerprint = |side: Option<&Looked>| side?.fingerprint;
    Reading {
        global_score: global_score(&checks),
        values: surest.map(Document::values).unwrap_or_default(),
        checks,
        front_fingerprint: fingerprint(front),
        back_fingerprint: fingerprint(back),
    }
}

fn check(score_type: ScoreType, is_fraud: bool, score: f64, side: Option<Side>) -> Check {
    Check { score_type, is_fraud, score: rounded(score), side }
}

/// To three decimals.
fn rounded(score: f64) -> f64 {
    (score.clamp(0.0, 1.0) * 1000.0).round() / 1000.0
}

/// See [`Reading::global_score`].
pub fn global_score(checks: &[Check]) -> f64 {
    let of_kind = |kind: Kind| checks.iter().filter(move |check| check.score_type.kind() == kind);
    let consistency = of_kind(Kind::Consistency).map(|check| check.score).fold(1.0, f64::min);
    // By type, the worse side.
    let mut pictures: BTreeMap<ScoreType, f64> = BTreeMap::new();
    for check in of_kind(Kind::Picture) {
        let worst = pictures.entry(check.score_type).or_insert(1.0);
        *worst = worst.min(check.score);
    }
    let picture = pictures.values().sum::<f64>() / pictures.len().max(1) as f64;
    rounded(consistency * (1.0 - PICTURE_SHARE + PICTURE_SHARE * picture))
}

fn picture_checks(side: Side, looked: &Looked) -> [Check; 7] {
    let measures = &looked.measures;
    let score = |score_type, value: f32| check(score_type, false, f64::from(value), Some(side));
    let is_screen = measures.screen < 0.3;
    let is_gray = measures.color < 0.1;
    let editing = if measures.editors.is_empty() { 1.0 } else { 0.2 };
    [
        score(ScoreType::Focus, measures.focus),
        score(ScoreType::Glare, measures.glare),
        score(ScoreType::Resolution, measures.resolution),
        score(ScoreType::Aspect, measures.aspect),
        Check { is_fraud: is_gray, ..score(ScoreType::Photocopy, measures.color) },
        Check { is_fraud: is_screen, ..score(ScoreType::ScreenRecapture, measures.screen) },
        Check { is_fraud: editing < 1.0, ..score(ScoreType::EditingTraces, editing) },
    ]
}

/// Two pictures of one side, or two zones that differ.
fn front_and_back(sides: &[(Side, &Looked)], zones: &[Document]) -> Option<Check> {
    let [(_, front), (_, back)] = sides else { return None };
    if let [one, other] = zones
        && one.data.mrz_lines != other.data.mrz_lines
    {
        let is_plain = one.is_plain() && other.is_plain();
        return Some(check(ScoreType::FrontBack, is_plain, 0.0, None));
    }
    // A side twice is no fraud, but no other side either.
    if front.measures.hash.distance(back.measures.hash) <= PerceptualHash::SAME {
        return Some(check(ScoreType::FrontBack, false, 0.0, None));
    }
    (zones.len() == 2).then(|| check(ScoreType::FrontBack, false, 1.0, None))
}

/// A zone that was parsed.
struct Document {
    side: Side,
    layout: Layout,
    confidence: f32,
    data: MrzData,
}

impl Document {
    /// `None` if it is too unsure, or not what a zone is like.
    fn of(side: Side, found: &Found, options: &Options) -> Option<Self> {
        let zone = &found.zone;
        let data = parse(zone, options.today)?;
        is_taken(zone).then_some(Self { side, layout: zone.layout, confidence: zone.confidence, data })
    }

    /// Whether what disagrees is not likely misread.
    fn is_plain(&self) -> bool {
        self.confidence >= PLAIN
    }

    fn check(&self, declared: &Declared, options: &Options, checks: &mut Vec<Check>) {
        let mut add = |score_type, is_fraud, score| checks.push(check(score_type, is_fraud, score, Some(self.side)));
        add(ScoreType::MrzReadable, false, f64::from(self.confidence));
        let digits = &self.data.checks;
        let is_valid = digits.all_valid();
        let share = f64::from(digits.verified()) / f64::from(digits.applicable().max(1));
        add(ScoreType::MrzControlDigit, !is_valid && self.is_plain(), if is_valid { 1.0 } else { share / 2.0 });
        let dates = self.dates(options.today);
        add(ScoreType::MrzDates, dates == 0.0 && self.is_plain(), dates);
        if let Some(expiry) = date(self.data.date_of_expiry) {
            add(ScoreType::DocumentExpired, false, if expiry >= options.today { 1.0 } else { 0.0 });
        }
        let codes = [&self.data.issuing_country, &self.data.nationality];
        let known = codes.into_iter().filter(|code| countries::is_known(code)).count();
        add(ScoreType::CountryCodes, known < 2 && self.is_plain(), [0.0, 0.3, 1.0][known]);
        if let Some(number) = self.holder_number() {
            let is_right = has_right_letter(number);
            add(ScoreType::NationalNumber, !is_right && self.is_plain(), if is_right { 1.0 } else { 0.0 });
        }
        if let Some(score) = self.compare(declared) {
            add(ScoreType::DeclaredData, score < 0.6, score);
        }
    }

    /// 1 if birth and expiry are real days and in this order, 0 if not, and 0.5 if the zone itself says that the birth is not known.
    fn dates(&self, today: NaiveDate) -> f64 {
        let (birth, expiry) = (date(self.data.date_of_birth), date(self.data.date_of_expiry));
        match (birth, expiry, self.data.date_of_birth) {
            (Some(birth), Some(expiry), _) => {
                let is_old_enough = birth <= today && birth.year() >= today.year() - OLDEST;
                f64::from(u8::from(is_old_enough && birth < expiry))
            }
            (None, Some(_), MrzDate::Unknown | MrzDate::PartiallyUnknown(_)) => 0.5,
            _ => 0.0,
        }
    }

    /// The number of the holder of a Spanish DNI or NIE, if it has the shape of one.
    fn holder_number(&self) -> Option<&str> {
        let is_spanish_card = self.layout == Layout::Td1 && self.data.issuing_country == "ESP";
        let number = self.data.optional_data_1.as_deref().filter(|_| is_spanish_card)?;
        has_shape_of_national_number(number).then_some(number)
    }

    fn own_number(&self) -> &str {
        self.data.full_document_number()
    }

    fn kind(&self) -> DocumentKind {
        match self.layout {
            Layout::Td3 => DocumentKind::Passport,
            Layout::VisaA | Layout::VisaB => DocumentKind::Visa,
            Layout::Td1 | Layout::Td2 => DocumentKind::IdentityCard,
        }
    }

    fn values(&self) -> BTreeMap<ValueKey, String> {
        let day = |value: MrzDate| date(value).map(|date| format!("{date}T00:00:00Z"));
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let sex = match self.data.sex {
            Sex::Male => "M",
            Sex::Female => "F",
            _ => "X",
        };
        let (number, support) = match self.holder_number() {
            Some(number) => (number, Some(self.own_number())),
            None => (self.own_number(), None),
        };
        let values = [
            (ValueKey::Name, text(&self.data.given_names)),
            (ValueKey::LastName, text(&self.data.surname)),
            (ValueKey::BirthDate, day(self.data.date_of_birth)),
            (ValueKey::DocumentNumber, text(number)),
            (ValueKey::DocumentExpirationDate, day(self.data.date_of_expiry)),
            (ValueKey::Nationality, text(&self.data.nationality)),
            (ValueKey::Sex, text(sex)),
            (ValueKey::IssuingCountry, text(&self.data.issuing_country)),
            (ValueKey::DocumentType, text(&self.data.document_type)),
            (ValueKey::SupportNumber, support.and_then(text)),
        ];
        values.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// The least likeness of what was declared, `None` if nothing was.
    fn compare(&self, declared: &Declared) -> Option<f64> {
        let is = |same: bool| f64::from(u8::from(same));
        let name = |declared: &str, read: &str| {
            let likeness = likeness(&mrz::encode_name_component(declared), &read.replace(' ', "<"), self.names_are_full());
            if likeness >= SAME_NAME { likeness } else { likeness * 0.5 }
        };
        let scores = [
            declared.name.as_deref().map(|declared| name(declared, &self.data.given_names)),
            declared.last_name.as_deref().map(|declared| name(declared, &self.data.surname)),
            declared.birth_date.map(|declared| is(date(self.data.date_of_birth) == Some(declared))),
            declared.document_number.as_deref().map(|declared| is(self.has_number(declared))),
            declared.country.as_deref().map(|declared| is(countries::is_same(&self.data.issuing_country, declared))),
            declared.kind.map(|declared| is(self.kind() == declared)),
        ];
        scores.into_iter().flatten().reduce(f64::min)
    }

    fn has_number(&self, declared: &str) -> bool {
        let plain =
            |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase() };
        let read = self.holder_number().unwrap_or(self.own_number());
        !read.is_empty() && plain(declared) == plain(read)
    }

    /// Whether the names fill their cells: then they may be cut off.
    fn names_are_full(&self) -> bool {
        let line = if self.layout == Layout::Td1 { 2 } else { 0 };
        self.data.mrz_lines.lines().nth(line).is_some_and(|line| !line.ends_with('<'))
    }
}

/// Whether values are taken from a zone.
pub fn is_taken(zone: &Zone) -> bool {
    zone.confidence >= LEAST_CONFIDENCE
}

/// `None` if it is not what a zone is like, which no check digit tells: a number that begins with a filler.
fn parse(zone: &Zone, today: NaiveDate) -> Option<MrzData> {
    // Who was born in a year that is still to come was born a hundred years before.
    let options = ParseOptions::default().with_pivot_yy(u32::try_from(today.year().rem_euclid(100)).unwrap_or_default());
    let lines: Vec<&str> = zone.lines.iter().map(String::as_str).collect();
    let data = match (zone.layout, lines.as_slice()) {
        (Layout::Td1, [first, second, third]) => mrz::parse_td1_with(first, second, third, &options),
        (Layout::Td2, [first, second]) => mrz::parse_td2_with(first, second, &options),
        (Layout::Td3, [first, second]) => mrz::parse_td3_with(first, second, &options),
        (Layout::VisaA, [first, second]) => mrz::parse_mrv_a_with(first, second, &options),
        (Layout::VisaB, [first, second]) => mrz::parse_mrv_b_with(first, second, &options),
        _ => return None,
    };
    data.ok()
}

fn date(value: MrzDate) -> Option<NaiveDate> {
    let date = value.calendar()?;
    NaiveDate::from_ymd_opt(date.year, date.month, date.day)
}

/// Eight digits and a letter (DNI), or X, Y or Z, seven digits and a letter (NIE).
fn has_shape_of_national_number(number: &str) -> bool {
    match number.as_bytes() {
        [first, middle @ .., last] if number.len() == 9 => {
            matches!(first, b'0'..=b'9' | b'X'..=b'Z') && middle.iter().all(u8::is_ascii_digit) && last.is_ascii_uppercase()
        }
        _ => false,
    }
}

/// Whether the letter is that of the number (Real Decreto 1553/2005, article 11; of an NIE with X, Y and Z as 0, 1 and 2).
fn has_right_letter(number: &str) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let [first, middle @ .., last] = number.as_bytes() else { return false };
    let first = if first.is_ascii_digit() { first - b'0' } else { first.wrapping_sub(b'X') };
    let value = middle.iter().fold(u32::from(first), |value, digit| value * 10 + u32::from(digit.wrapping_sub(b'0')));
    LETTERS.get(value as usize % LETTERS.len()) == Some(last)
}

/// How alike two names are, as zones spell them: one less the share of letters that must be changed. If the one read may be cut off, the
/// other is cut off likewise.
fn likeness(declared: &str, read: &str, may_be_cut: bool) -> f64 {
    let (mut declared, read): (Vec<u8>, Vec<u8>) = (spelled(declared), spelled(read));
    if may_be_cut && read.len() >= 3 {
        declared.truncate(read.len());
    }
    let longest = declared.len().max(read.len());
    if longest == 0 {
        return 0.0;
    }
    // Levenshtein's distance, row by row.
    let mut row: Vec<usize> = (0..=read.len()).collect();
    for (at, letter) in declared.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in read.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    1.0 - row[read.len()] as f64 / longest as f64
}

/// Longest name that is compared; a zone has at most 39 letters.
const MAX_NAME: usize = 64;

fn spelled(name: &str) -> Vec<u8> {
    let name = name.trim_matches('<').bytes();
    name.take(MAX_NAME).collect()
}
