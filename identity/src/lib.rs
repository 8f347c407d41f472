//! Reads images of identity documents and checks them, offline: the scoring provider INTERNAL.
//!
//! Pure and synchronous: bytes, what was declared and today's date go in, a [`Reading`] comes out. It opens no file and no connection, knows
//! no clock and keeps nothing. What it decodes comes from strangers, so the server calls it in a worker process only.
//!
//! It reads the machine readable zone (ICAO Doc 9303, parts 3 to 7), and nothing else of the text: a front side that bears no zone, as that
//! of a card, is looked at as a picture only. A zone whose check digits agree is consistent, which is not the same as genuine; and no check
//! here tells whether the document, or the person, was before the camera. What each check cannot see stands at [`ScoreType::blind_spot`].

#![forbid(unsafe_code)]

mod checks;
mod countries;
mod decode;
mod fingerprint;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
mod line;
mod locate;
mod metadata;
#[cfg(feature = "training")]
pub mod network;
#[cfg(not(feature = "training"))]
mod network;
mod picture;
mod raster;
mod spectrum;
#[cfg(test)]
mod tests;
mod zone;

use std::{collections::BTreeMap, fmt};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use self::{
    decode::{MAX_BYTES, MAX_SIDE, MIN_SIDE},
    fingerprint::Fingerprint,
    zone::Layout,
};
use self::{network::Network, raster::Gray};

/// The score from which a document passes by default, by strictness (`configuration_name`), where no check points to fraud.
///
/// [`global_score`](Reading::global_score) is at most 0.6 where the picture is useless and everything that was read agrees; so 0.5 asks for
/// consistent data alone. 0.7 asks for a picture of middling quality too, and 0.85 for one in which nearly nothing is wrong, which
/// photographs by hand often miss at the first attempt.
pub const LOW: f64 = 0.50;
pub const MEDIUM: f64 = 0.70;
pub const HIGH: f64 = 0.85;

/// The images of one submission, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Images<'a> {
    pub front: Option<&'a [u8]>,
    pub back: Option<&'a [u8]>,
}

/// A side of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Front,
    Back,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Front => "front",
            Self::Back => "back",
        })
    }
}

/// What is known of the person and the document beforehand. What is `None` is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    pub name: Option<String>,
    pub last_name: Option<String>,
    pub birth_date: Option<NaiveDate>,
    /// Of a Spanish DNI or NIE the number of its holder, of other documents their own.
    pub document_number: Option<String>,
    /// Country that issued the document, as the ISO 3166-1 alpha-2 code.
    pub country: Option<String>,
    pub kind: Option<DocumentKind>,
}

/// Kind of a document, by the first letter of its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentKind {
    IdentityCard,
    Passport,
    Visa,
}

/// What a reading depends on beside its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// The day by which documents are valid or expired.
    pub today: NaiveDate,
}

/// What was read and checked. As JSON less than 8 KiB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// From 0 to 1, three decimals.
    ///
    /// The least score of what must be consistent (the checks of [`Kind::Consistency`]), times 0.6 plus 0.4 times the mean of the scores of
    /// the picture (the checks of [`Kind::Picture`], each by the worse side, all weighing the same). Without a zone that could be read it is 0.
    pub global_score: f64,
    /// Values from the zone. Empty where none could be read.
    pub values: BTreeMap<ValueKey, String>,
    /// What applies to these images, each on its own.
    pub checks: Vec<Check>,
    /// By which a picture is known again; `None` of one that is too plain.
    pub front_fingerprint: Option<Fingerprint>,
    pub back_fingerprint: Option<Fingerprint>,
}

impl Reading {
    /// Adds what the caller found out by the fingerprint of a side, `is_reused`: whether the same picture was used in another process for
    /// another person. It counts in the global score as the other checks of its kind do: a picture that was makes it 0.
    pub fn add_reuse(&mut self, side: Side, is_reused: bool) {
        let score = if is_reused { 0.0 } else { 1.0 };
        self.checks.push(Check { score_type: ScoreType::Reuse, is_fraud: is_reused, score, side: Some(side) });
        self.global_score = checks::global_score(&self.checks);
    }
}

/// Names of values, those of the contract first. Dates are ISO 8601 timestamps at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ValueKey {
    Name,
    LastName,
    BirthDate,
    /// Of a Spanish DNI or NIE the number of its holder, which is in the optional field of the zone.
    DocumentNumber,
    DocumentExpirationDate,
    /// Three-letter code of ICAO Doc 9303-3, section 5.
    Nationality,
    /// `M`, `F` or `X`.
    Sex,
    IssuingCountry,
    /// The code that begins the zone, such as `P` or `ID`.
    DocumentType,
    /// The document's own number where [`DocumentNumber`](Self::DocumentNumber) is that of its holder.
    SupportNumber,
}

impl ValueKey {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::LastName => "LAST_NAME",
            Self::BirthDate => "BIRTH_DATE",
            Self::DocumentNumber => "DOCUMENT_NUMBER",
            Self::DocumentExpirationDate => "DOCUMENT_EXPIRATION_DATE",
            Self::Nationality => "NATIONALITY",
            Self::Sex => "SEX",
            Self::IssuingCountry => "ISSUING_COUNTRY",
            Self::DocumentType => "DOCUMENT_TYPE",
            Self::SupportNumber => "SUPPORT_NUMBER",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub score_type: ScoreType,
    /// Whether it points to fraud, and not merely to a bad picture or a document that has run out.
    pub is_fraud: bool,
    /// From 0 to 1, three decimals; 1 is as it should be.
    pub score: f64,
    /// The side it is about, where it is about one.
    pub side: Option<Side>,
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScoreType {
    MrzReadable,
    MrzControlDigit,
    MrzDates,
    DocumentExpired,
    CountryCodes,
    NationalNumber,
    DeclaredData,
    FrontBack,
    Reuse,
    Focus,
    Glare,
    Resolution,
    Aspect,
    Photocopy,
    ScreenRecapture,
    EditingTraces,
}

/// How a check counts in the global score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was read agrees with itself, the calendar, the tables and what was declared, and the pictures with those of other processes.
    Consistency,
    /// How good the picture is, and whether it looks like one of an original.
    Picture,
}

impl ScoreType {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::MrzReadable,
        Self::MrzControlDigit,
        Self::MrzDates,
        Self::DocumentExpired,
        Self::CountryCodes,
        Self::NationalNumber,
        Self::DeclaredData,
        Self::FrontBack,
        Self::Reuse,
        Self::Focus,
        Self::Glare,
        Self::Resolution,
        Self::Aspect,
        Self::Photocopy,
        Self::ScreenRecapture,
        Self::EditingTraces,
    ];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::MrzReadable => "MRZ_READABLE",
            Self::MrzControlDigit => "MRZ_CONTROL_DIGIT",
            Self::MrzDates => "MRZ_DATES",
            Self::DocumentExpired => "DOCUMENT_EXPIRED",
            Self::CountryCodes => "COUNTRY_CODES",
            Self::NationalNumber => "NATIONAL_NUMBER",
            Self::DeclaredData => "DECLARED_DATA",
            Self::FrontBack => "FRONT_BACK",
            Self::Reuse => "REUSE",
            Self::Focus => "FOCUS",
            Self::Glare => "GLARE",
            Self::Resolution => "RESOLUTION",
            Self::Aspect => "ASPECT",
            Self::Photocopy => "PHOTOCOPY",
            Self::ScreenRecapture => "SCREEN_RECAPTURE",
            Self::EditingTraces => "EDITING_TRACES",
        }
    }

    /// How it counts.
    pub fn kind(self) -> Kind {
        if self < Self::Focus { Kind::Consistency } else { Kind::Picture }
    }

    /// What it cannot see.
    pub fn blind_spot(self) -> &'static str {
        match self {
            Self::MrzReadable => {
                "A zone that is easy to read says nothing of who printed it. The likelihood is the classifier's own judgement."
            }
            Self::MrzControlDigit => {
                "A valid zone is consistent, not authentic: anyone can work out check digits. Names, nationality and sex have none, and characters that are equal \
                 by ten are one to them (<0AKU, 1BLV, 6GQ, 8IS, 5FPZ, 4EOY)."
            }
            Self::MrzDates => {
                "Years have two digits; a birth is taken to be in the past, an expiry in this century. A real date may still be another's."
            }
            Self::DocumentExpired => "A document that was withdrawn or reported as stolen is not known here.",
            Self::CountryCodes => "The codes exist; whether that country issues such a document is not known.",
            Self::NationalNumber => "Only the Spanish DNI and NIE are known. The letter is worked out from the number by anyone.",
            Self::DeclaredData => "It compares with the zone alone; the zone has names without accents, and long ones cut off.",
            Self::FrontBack => {
                "The text of a side without a zone is not read: a front and a back of two different documents are seen only where both bear a \
                 zone."
            }
            Self::Reuse => {
                "Known again, for a limited time, are pictures that the organization had scored here; one that was taken anew, cut or turned is \
                 another one. People are told apart by their numbers: with a mistyped or a new number the same person is another one."
            }
            Self::Focus => {
                "A document of few and soft lines looks as one that is out of focus; a picture made sharper later looks sharp."
            }
            Self::Glare => "White areas that are printed so count as glare; glare that is not white is not seen.",
            Self::Resolution => "Pixels are counted, by the zone where there is one; a small picture that was enlarged has many.",
            Self::Aspect => "A side without a zone is judged by its outline against the ground, if that can be told.",
            Self::Photocopy => "A copy in colour is not seen; an original that was scanned in gray looks like a copy.",
            Self::ScreenRecapture => {
                "Screens whose pixels are not resolved leave no pattern; fine printed patterns that repeat exactly may look like one."
            }
            Self::EditingTraces => {
                "Metadata is easily removed or forged; a picture whose margins were cut in a picture editor is named too."
            }
        }
    }
}

/// Nothing was read, by what is wrong with the images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Error {
    #[error("there is no image: send the front, the back or both")]
    NoImage,
    #[error("the image of the {side} {problem}")]
    Image { side: Side, problem: Problem },
}

/// What is wrong with an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Problem {
    #[error("is empty: send a JPEG, PNG or WebP")]
    Empty,
    #[error("has {bytes} bytes, the maximum is {maximum}: send a smaller one")]
    TooManyBytes { bytes: u64, maximum: u64 },
    #[error("is {format}: send a JPEG, PNG or WebP")]
    Unsupported { format: String },
    #[error("has {width} by {height} pixels, the maximum is {maximum} in all and {MAX_SIDE} on a side: send a smaller one")]
    TooManyPixels { width: u32, height: u32, maximum: u64 },
    #[error("has {width} by {height} pixels, the minimum is {minimum} on each side: send a larger one")]
    TooSmall { width: u32, height: u32, minimum: u32 },
    #[error("is damaged or cut off: send it again")]
    Damaged,
}

/// Reads and checks the images of a document.
///
/// # Errors
/// [`Error`]: there is none, or one of them is no image that is taken. Then nothing at all is said of the other one.
pub fn read(images: Images<'_>, declared: &Declared, options: &Options) -> Result<Reading, Error> {
    let network = Network::own();
    let side = |bytes: Option<&[u8]>, side: Side| {
        let looked_at = bytes.map(|bytes| Looked::at(bytes, &network)).transpose();
        looked_at.map_err(|problem| Error::Image { side, problem })
    };
    let (front, back) = (side(images.front, Side::Front)?, side(images.back, Side::Back)?);
    if front.is_none() && back.is_none() {
        return Err(Error::NoImage);
    }
    Ok(checks::judge(front.as_ref(), back.as_ref(), declared, options))
}

/// What one image shows.
#[derive(Debug)]
struct Looked {
    zone: Option<Found>,
    measures: picture::Measures,
    fingerprint: Option<Fingerprint>,
}

/// A zone in an image.
#[derive(Clone, Debug)]
struct Found {
    zone: zone::Zone,
    /// Pixels from character to character in the picture that was worked on.
    pitch: f32,
    /// Middles of the first and last characters of the first and last lines, in that picture.
    corners: [(f32, f32); 4],
}

/// Quality from which lines are taken for a zone at all.
const LEAST_QUALITY: f32 = -1.6;

impl Looked {
    fn at(bytes: &[u8], network: &Network) -> Result<Self, Problem> {
        let picture = decode::decode(bytes)?;
        let gray = Gray::of(&picture);
        let zone = find(&gray, network);
        let measures = picture::measure(&picture, &gray, zone.as_ref());
        Ok(Self { zone, measures, fingerprint: Fingerprint::of(&gray) })
    }
}

/// The zone of a picture, whichever way up it is.
fn find(gray: &Gray, network: &Network) -> Option<Found> {
    let (width, height) = (gray.width as f32, gray.height as f32);
    let mut best: Option<Found> = None;
    for quarters in [0, 2, 1, 3] {
        let turned = match quarters {
            1 => gray.turned(),
            2 => gray.reversed(),
            3 => gray.turned().reversed(),
            _ => gray.clone(),
        };
        for group in locate::groups(&turned) {
            let columns: &[usize] = if group.len() == 3 { &[30] } else { &[44, 36] };
            let Some((_, cells)) = line::cells(&turned, network, &group, columns) else { continue };
            if cells.quality < LEAST_QUALITY {
                continue;
            }
            let Some(zone) = zone::read(&cells.scores) else { continue };
            // Characters that stand on their heads look like others; what they say then is hardly a zone.
            if best.as_ref().is_some_and(|best| best.zone.confidence >= zone.confidence) {
                continue;
            }
            // From the turned picture back.
            let corners = cells.corners.map(|(x, y)| match quarters {
                1 => (y, height - x),
                2 => (width - x, height - y),
                3 => (width - y, x),
                _ => (x, y),
            });
            let is_taken = checks::is_taken(&zone);
            best = Some(Found { zone, pitch: cells.pitch, corners });
            if is_taken {
                return best;
            }
        }
    }
    best
}

/// A zone as the evaluation sees it.
#[cfg(feature = "training")]
#[derive(Clone, Debug)]
pub struct ZoneRead {
    pub lines: Vec<String>,
    pub confidence: f32,
    /// Whether [`read`] takes values from it.
    pub is_taken: bool,
}

/// The text of the zone in an image: all the work of [`read`] on one image.
///
/// # Errors
/// [`Problem`]: it is no image that is taken.
#[cfg(feature = "training")]
pub fn read_zone(bytes: &[u8]) -> Result<Option<ZoneRead>, Problem> {
    let looked = Looked::at(bytes, &Network::own())?;
    let zone = |found: Found| {
        let is_taken = checks::is_taken(&found.zone);
        ZoneRead { lines: found.zone.lines, confidence: found.zone.confidence, is_taken }
    };
    Ok(looked.zone.map(zone))
}
