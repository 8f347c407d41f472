//! Trusted lists of the European Union (ETSI TS 119 612): which services for qualified certificates and qualified time stamps are granted, and by
//! which certificates they are known.
//!
//! What is read is what the file says now. Its signature (XML-DSig) is NOT checked, which whoever prints what came of it must say; nor is its
//! history, so that a service that was granted once and is not any more is not trusted for what it did before.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use documents::verify::subject_of;
use quick_xml::{
    events::{BytesRef, BytesStart, Event},
    name::{Namespace, ResolveResult},
    reader::NsReader,
};
use serde::Serialize;

use super::roots::{self, Roots, Source};

/// Maximum size of a list, in bytes. Those of the member states have up to some megabytes.
pub const MAX_LIST: u64 = 64 << 20;

const NAMESPACE: &[u8] = b"http://uri.etsi.org/02231/v2#";
const QUALIFIED_CERTIFICATES: &str = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC";
const QUALIFIED_TIME_STAMPS: &str = "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST";
const GRANTED: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted";
const LIST_OF_THE_LISTS: &str = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUlistofthelists";
/// What a service for certificates is qualified for (5.5.9.4); the third is web sites.
const FOR_SIGNATURES: [&str; 2] = [
    "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForeSignatures",
    "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForeSeals",
];

const MAX_DEPTH: usize = 64;
const MAX_SERVICES: usize = 50_000;
/// Of one service. Those that changed their keys often have some dozens.
const MAX_IDENTITIES: usize = 1_000;
/// Maximum length of a text that is kept, in bytes: a certificate in base64.
const MAX_TEXT: usize = 256 << 10;
/// Of names, in characters.
const MAX_NAME: usize = 300;

/// Elements whose text or place matters; all others are one.
const KNOWN: [&str; 23] = [
    "TrustServiceStatusList",
    "SchemeInformation",
    "TSLSequenceNumber",
    "TSLType",
    "SchemeOperatorName",
    "Name",
    "SchemeTerritory",
    "ListIssueDateTime",
    "NextUpdate",
    "dateTime",
    "TrustServiceProviderList",
    "TrustServiceProvider",
    "TSPInformation",
    "TSPName",
    "TSPServices",
    "TSPService",
    "ServiceInformation",
    "ServiceTypeIdentifier",
    "ServiceName",
    "ServiceStatus",
    "ServiceDigitalIdentity",
    "DigitalId",
    "X509Certificate",
];
const EXTENSIONS: [&str; 4] = ["ServiceInformationExtensions", "Extension", "AdditionalServiceInformation", "URI"];

/// Why a file is no trusted list that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("it is not XML in UTF-8: {0}")]
    Malformed(String),
    #[error("it has a document type, which no trusted list has")]
    DocumentType,
    #[error("it is no trusted list of ETSI TS 119 612: its first element is not TrustServiceStatusList")]
    Another,
    #[error("it is the list of the lists, which names no services; give the lists of the countries")]
    ListOfTheLists,
    #[error("it has more than {0}")]
    TooMuch(&'static str),
    #[error("a service says twice what it is, or how it stands")]
    Twice,
    #[error(transparent)]
    Roots(#[from] roots::Error),
}

/// What was read of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrustedList {
    /// The file, without its folders.
    pub file: String,
    /// The country, as the list has it.
    pub territory: String,
    pub operator: String,
    pub sequence: String,
    pub issued: Option<DateTime<Utc>>,
    /// When the next one had to be there at the latest.
    pub next_update: Option<DateTime<Utc>>,
    /// That time is over: the list must not be relied on any more.
    pub is_overdue: bool,
    /// Services of the two kinds that are granted, and the certificates of theirs that are trusted.
    pub services: usize,
    pub certificates: usize,
    /// Services of other kinds, or for web sites alone; and those that are not granted.
    pub other_services: usize,
    pub not_granted: usize,
    /// Certificates that cannot be read, and were left out.
    pub unreadable: usize,
    /// Always `not_checked`.
    pub signature: Unchecked,
}

/// That nothing was proven of a list's own signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unchecked {
    #[default]
    NotChecked,
}

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Sequence,
    Kind,
    Operator,
    Territory,
    Issued,
    NextUpdate,
    Provider,
    ServiceKind,
    ServiceName,
    ServiceStatus,
    Certificate,
    Purpose,
}

fn place(path: &[&str]) -> Option<Place> {
    Some(match path {
        ["TrustServiceStatusList", "SchemeInformation", below @ ..] => match below {
            ["TSLSequenceNumber"] => Place::Sequence,
            ["TSLType"] => Place::Kind,
            ["SchemeOperatorName", "Name"] => Place::Operator,
            ["SchemeTerritory"] => Place::Territory,
            ["ListIssueDateTime"] => Place::Issued,
            ["NextUpdate", "dateTime"] => Place::NextUpdate,
            _ => return None,
        },
        ["TrustServiceStatusList", "TrustServiceProviderList", "TrustServiceProvider", below @ ..] => match below {
            ["TSPInformation", "TSPName", "Name"] => Place::Provider,
            // Not those of its history, which have the same elements below another one.
            ["TSPServices", "TSPService", "ServiceInformation", below @ ..] => match below {
                ["ServiceTypeIdentifier"] => Place::ServiceKind,
                ["ServiceName", "Name"] => Place::ServiceName,
                ["ServiceStatus"] => Place::ServiceStatus,
                ["ServiceDigitalIdentity", "DigitalId", "X509Certificate"] => Place::Certificate,
                below if *below == EXTENSIONS => Place::Purpose,
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    })
}

/// A name in one language, English before all others.
#[derive(Default)]
struct Named {
    text: String,
    is_english: bool,
}

impl Named {
    fn offer(&mut self, text: &str, is_english: bool) {
        if self.text.is_empty() || (is_english && !self.is_english) {
            let visible = text.trim().chars().filter(|c| !c.is_control()).take(MAX_NAME);
            *self = Self { text: visible.collect(), is_english };
        }
    }
}

#[derive(Default)]
struct Service {
    kind: Option<String>,
    status: Option<String>,
    name: Named,
    purposes: Vec<String>,
    certificates: Vec<String>,
}

impl Service {
    fn set(member: &mut Option<String>, text: &str) -> Result<(), Error> {
        match member.replace(text.trim().to_owned()) {
            None => Ok(()),
            Some(_) => Err(Error::Twice),
        }
    }

    /// Whether it issues certificates for signatures or seals, or time stamps.
    fn is_of_our_kind(&self) -> bool {
        match self.kind.as_deref() {
            Some(QUALIFIED_TIME_STAMPS) => true,
            Some(QUALIFIED_CERTIFICATES) => {
                // One that says nothing of it is for signatures, as all were before 2016.
                let said = self.purposes.iter().filter(|purpose| purpose.contains("/SvcInfoExt/Fore")).count();
                said == 0 || self.purposes.iter().any(|purpose| FOR_SIGNATURES.contains(&purpose.as_str()))
            }
            _ => false,
        }
    }
}

struct Reading<'a> {
    list: TrustedList,
    operator: Named,
    provider: Named,
    service: Service,
    roots: &'a mut Roots,
    all: usize,
}

impl Reading<'_> {
    fn begin(&mut self, path: &[&str]) {
        match path.last() {
            Some(&"TrustServiceProvider") => self.provider = Named::default(),
            Some(&"TSPService") => self.service = Service::default(),
            _ => {}
        }
    }

    fn take(&mut self, place: Place, text: &str, is_english: bool) -> Result<(), Error> {
        let short = || text.trim().chars().take(MAX_NAME).collect::<String>();
        let time = || DateTime::parse_from_rfc3339(text.trim()).ok().map(|at| at.to_utc());
        match place {
            Place::Sequence => self.list.sequence = short(),
            Place::Kind if text.trim() == LIST_OF_THE_LISTS => return Err(Error::ListOfTheLists),
            Place::Kind => {}
            Place::Operator => self.operator.offer(text, is_english),
            Place::Territory => self.list.territory = short(),
            Place::Issued => self.list.issued = time(),
            Place::NextUpdate => self.list.next_update = time(),
            Place::Provider => self.provider.offer(text, is_english),
            Place::ServiceKind => Service::set(&mut self.service.kind, text)?,
            Place::ServiceStatus => Service::set(&mut self.service.status, text)?,
            Place::ServiceName => self.service.name.offer(text, is_english),
            Place::Purpose if self.service.purposes.len() == MAX_IDENTITIES => return Err(Error::TooMuch("1000 extensions")),
            Place::Purpose => self.service.purposes.push(short()),
            Place::Certificate if self.service.certificates.len() == MAX_IDENTITIES => {
                return Err(Error::TooMuch("1000 certificates of one service"));
            }
            Place::Certificate => self.service.certificates.push(text.split_ascii_whitespace().collect()),
        }
        Ok(())
    }

    fn end_service(&mut self) -> Result<(), Error> {
        self.all += 1;
        if self.all > MAX_SERVICES {
            return Err(Error::TooMuch("50000 services"));
        }
        let service = std::mem::take(&mut self.service);
        if !service.is_of_our_kind() {
            self.list.other_services += 1;
            return Ok(());
        }
        if service.status.as_deref() != Some(GRANTED) {
            self.list.not_granted += 1;
            return Ok(());
        }
        self.list.services += 1;
        let from = format!("{}: {}, {}", self.list.territory, self.provider.text, service.name.text);
        for certificate in service.certificates {
            let der = STANDARD.decode(certificate).ok().filter(|der| subject_of(der).is_some());
            let Some(der) = der else {
                self.list.unreadable += 1;
                continue;
            };
            self.roots.add(&der, Source::TrustedList, Some(from.clone()))?;
            self.list.certificates += 1;
        }
        Ok(())
    }
}

/// Adds the certificates of a list's granted services to `roots`, at the time `now`.
///
/// # Errors
/// [`Error`]; what was added by then stays.
pub fn read(xml: &[u8], file: String, now: DateTime<Utc>, roots: &mut Roots) -> Result<TrustedList, Error> {
    if xml.len() as u64 > MAX_LIST {
        return Err(Error::TooMuch("67108864 bytes"));
    }
    let malformed = |error: &dyn std::fmt::Display| Error::Malformed(error.to_string());
    let text = std::str::from_utf8(xml).map_err(|error| malformed(&error))?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let list = TrustedList { file, ..TrustedList::default() };
    let mut reading =
        Reading { list, operator: Named::default(), provider: Named::default(), service: Service::default(), roots, all: 0 };
    let (mut path, mut languages): (Vec<&'static str>, Vec<bool>) = (Vec::new(), Vec::new());
    let (mut text, mut is_list) = (String::new(), false);
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|error| malformed(&error))?;
        match event {
            Event::Start(start) => {
                let is_own = namespace == ResolveResult::Bound(Namespace(NAMESPACE));
                path.push(if is_own { known(start.local_name().as_ref()) } else { "" });
                if path.len() > MAX_DEPTH {
                    return Err(Error::TooMuch("64 levels"));
                }
                // A second document behind the first one is none of ours either.
                if path.len() == 1 && (is_list || path[0] != KNOWN[0]) {
                    return Err(Error::Another);
                }
                is_list = true;
                languages.push(is_english(&start));
                text.clear();
                reading.begin(&path);
            }
            Event::End(_) => {
                let is_english = languages.pop().unwrap_or_default();
                if let Some(place) = place(&path) {
                    reading.take(place, &text, is_english)?;
                } else if path.last() == Some(&"TSPService") {
                    reading.end_service()?;
                }
                path.pop();
                text.clear();
            }
            Event::Text(more) if place(&path).is_some() => add(&mut text, &more.decode().map_err(|error| malformed(&error))?)?,
            Event::CData(more) if place(&path).is_some() => add(&mut text, &more.decode().map_err(|error| malformed(&error))?)?,
            Event::GeneralRef(reference) if place(&path).is_some() => {
                let character = character(&reference).ok_or_else(|| malformed(&"a reference to what is not there"))?;
                add(&mut text, character.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(Error::DocumentType),
            Event::Eof if !path.is_empty() => return Err(malformed(&"it breaks off")),
            Event::Eof if !is_list => return Err(Error::Another),
            Event::Eof => break,
            _ => {}
        }
    }
    let Reading { mut list, operator, .. } = reading;
    list.operator = operator.text;
    // A list without this time is one that was closed (5.3.15): it is not renewed, and is not relied on.
    list.is_overdue = list.next_update.is_none_or(|until| until < now);
    Ok(list)
}

fn known(name: &[u8]) -> &'static str {
    KNOWN.into_iter().chain(EXTENSIONS).find(|known| known.as_bytes() == name).unwrap_or_default()
}

fn is_english(start: &BytesStart<'_>) -> bool {
    let language = start.try_get_attribute("xml:lang").ok().flatten();
    language.is_some_and(|language| language.value.eq_ignore_ascii_case(b"en"))
}

/// The five that XML itself has, and characters by their number.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    match &**reference {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => None,
    }
}

fn add(text: &mut String, more: &str) -> Result<(), Error> {
    if text.len() + more.len() > MAX_TEXT {
        return Err(Error::TooMuch("262144 bytes in one text"));
    }
    text.push_str(more);
    Ok(())
}

impl std::fmt::Display for TrustedList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let day = |at: Option<DateTime<Utc>>| at.map_or_else(|| "(not said)".to_owned(), |at| at.date_naive().to_string());
        let (territory, operator) = (&self.territory, &self.operator);
        write!(f, "Trusted list {}: {territory}, {operator}, number {}", self.file, self.sequence)?;
        write!(f, ", issued {}, good until {}\n  ", day(self.issued), day(self.next_update))?;
        write!(f, "{} certificates of {} granted services", self.certificates, self.services)?;
        if self.unreadable > 0 {
            write!(f, "; {} certificates cannot be read and are left out", self.unreadable)?;
        }
        if self.is_overdue {
            write!(f, "\n  Warning: the list is OVERDUE: its next one had to be there by now; fetch it")?;
        }
        write!(f, "\n  Warning: the signature of the list itself was NOT checked; make sure where the file comes from")
    }
}

#[cfg(test)]
mod tests;
