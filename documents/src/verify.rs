//! Verification of signed PDFs, offline: who signed what and when, whether it is intact, whether the certificate is trusted,
//! and what happened afterwards.
//!
//! Nothing in the file is believed because the file says so: the signature dictionary is read from its bytes, the revision
//! it covers is parsed by itself, and the document as it is now is compared with that revision object by object.

mod chain;
mod changes;
mod signed_data;
mod text;
pub(crate) mod token;

use aws_lc_rs::digest;
use chrono::{DateTime, NaiveDateTime, Utc};
use data_encoding::HEXLOWER_PERMISSIVE;
use lopdf::{Dictionary, Document, ObjectId};
use serde::Serialize;

use crate::asn1::oid;
use crate::fields::{self, Field};
use crate::handwriting::{self, Envelope};
use crate::level::Level;
use crate::pkcs12::Facts;
use crate::reader;
use crate::validation_data::{Revocation, Statements, ValidationData};
use crate::x509::Certificate;
use crate::{algorithms, pdf};
use signed_data::{CertificateId, SignedData, Unusable, Value};

pub(crate) use chain::MAX_PATH;
pub use chain::Trust as CertificateTrust;
pub use changes::Changes;
pub(crate) use signed_data::Signed;
pub use token::TimeStamp;

/// How long the revisions of one file may take to be compared; signatures that come after it are told as not judged, and the revocation of their
/// certificates as not known.
const MAX_DURATION: std::time::Duration = std::time::Duration::from_secs(20);
/// Signatures of one file that are verified.
pub const MAX_SIGNATURES: usize = 100;

/// Why a file cannot be verified at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Document(#[from] pdf::Error),
    #[error("the document has more than {MAX_SIGNATURES} signatures")]
    TooMany,
    #[error("trusted root number {0} is not a certificate in DER")]
    Root(usize),
}

/// Whom to trust.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Root certificates, DER.
    pub roots: Vec<Vec<u8>>,
}

impl Trust {
    pub(crate) fn certificates(&self) -> Result<Vec<Certificate>, Error> {
        let root = |(index, der): (usize, &Vec<u8>)| Certificate::from_der(der).map_err(|_| Error::Root(index + 1));
        self.roots.iter().enumerate().map(root).collect()
    }
}

/// What a file's signatures are worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub verified_at: DateTime<Utc>,
    /// Length of the file, in bytes.
    pub length: usize,
    /// There is a document security store: what proves certificates, or is meant to.
    pub has_validation_data: bool,
    /// In the order in which they were made.
    pub signatures: Vec<Signature>,
    /// What is wrong with the file beside its signatures.
    pub problems: Vec<String>,
}

impl Report {
    /// There is a signature, and every one is intact. Says nothing about trust in the certificates.
    pub fn all_intact(&self) -> bool {
        !self.signatures.is_empty() && self.problems.is_empty() && self.signatures.iter().all(Signature::is_intact)
    }

    /// Every signature's certificate leads to a trusted root.
    pub fn all_trusted(&self) -> bool {
        !self.signatures.is_empty() && self.signatures.iter().all(|signature| signature.trust.is_trusted())
    }
}

/// Whether a signature is bound to its certificate by a signed attribute (ESS signing-certificate).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    Matches,
    Mismatch,
    Absent,
    /// It is there, under a digest that is not known here.
    NotJudged,
}

/// What a signature proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The document as signed is proven unchanged, and what came later is explained.
    Intact,
    /// Something was found to be wrong: `problems` and `later_changes` say what.
    NotIntact,
    /// Nothing was found to be wrong, but it cannot be told: `not_judged` says why. It is proof of nothing.
    NotJudged,
}

/// What is found where a signature is checked.
enum Finding {
    /// Something is wrong.
    Problem(String),
    /// It cannot be told.
    NotJudged(String),
}

impl From<algorithms::Error> for Finding {
    fn from(error: algorithms::Error) -> Self {
        match error {
            algorithms::Error::Mismatch => Self::Problem(error.to_string()),
            _ => Self::NotJudged(error.to_string()),
        }
    }
}

/// The problem of a signature whose signed bytes are not those in the file.
const CHANGED: &str = "the signed bytes were changed";

/// One signature, or one document time stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Fully qualified name of the field.
    pub field: String,
    /// `/SubFilter`: the kind of signature.
    pub sub_filter: String,
    /// The common name in the signer's certificate.
    pub signer: Option<String>,
    /// `/Name`, as the signing program wrote it.
    pub name: Option<String>,
    pub reason: Option<String>,
    pub location: Option<String>,
    /// What the signer claims (`/M` or CMS signing-time); proven by nothing, except in a time stamp.
    pub claimed_time: Option<DateTime<Utc>>,
    /// When the signature was there for sure: the earliest of its own time stamps, and of the document time stamps over it, that are
    /// intact and whose authority is trusted. Its certificate is judged at this time. `None`: nothing proves a time.
    pub proven_time: Option<DateTime<Utc>>,
    /// The time stamps in the signature itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub time_stamps: Vec<TimeStamp>,
    pub is_time_stamp: bool,
    /// `/ByteRange` as it stands there.
    pub byte_range: Vec<i64>,
    /// The bytes before the end of the signed range are a complete document that holds this signature, with no gap.
    pub covers_whole_revision: bool,
    /// Nothing follows the signed range.
    pub covers_whole_file: bool,
    /// The signed bytes are those that were signed.
    pub digest_intact: bool,
    /// The signature was made with the certificate's key.
    pub signature_valid: bool,
    pub certificate_binding: Binding,
    pub certificate: Option<Facts>,
    pub trust: CertificateTrust,
    /// What the file says of the revocation of its certificates, at the time that is proven, or now. `None` where no path leads to a
    /// trusted root.
    pub revocation: Option<Revocation>,
    /// What the file proves of it, as ETSI EN 319 142-1 names it, by time stamps and certificates that are trusted. `None` for what is not
    /// intact, no PAdES signature, or a time stamp itself.
    pub level: Option<Level>,
    /// The envelope of a signature by hand, in the private data of what the signature shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handwriting: Option<Envelope>,
    /// What happened to the document after this signature.
    pub later_changes: Changes,
    /// What is wrong with this signature, in words.
    pub problems: Vec<String>,
    /// Why it cannot be judged, in words: not readable, or of a kind that is not known here. `digest_intact` and
    /// `signature_valid` are then false as far as nothing proves them.
    pub not_judged: Vec<String>,
    pub judgement: Judgement,
}

impl Signature {
    /// The document as signed is proven unchanged, and what came later is explained.
    pub fn is_intact(&self) -> bool {
        self.judgement == Judgement::Intact
    }

    /// With the judgement that follows from all that was found.
    fn judged(mut self) -> Self {
        let wrong = !self.problems.is_empty() || self.later_changes.is_suspicious();
        let proven = self.digest_intact
            && self.signature_valid
            && self.covers_whole_revision
            && self.certificate_binding != Binding::Mismatch;
        self.judgement = match (wrong, self.not_judged.is_empty()) {
            // What is wrong is wrong, whatever else could not be told.
            (true, _) => Judgement::NotIntact,
            (false, false) => Judgement::NotJudged,
            (false, true) if proven => Judgement::Intact,
            (false, true) => Judgement::NotIntact,
        };
        self.level = self.level.filter(|_| self.judgement == Judgement::Intact);
        self
    }

    /// Up to where a good document time stamp covers the file, and its time.
    fn stamps(&self) -> Option<(usize, DateTime<Utc>)> {
        let is_good = self.is_time_stamp && self.is_intact() && self.trust.is_trusted();
        signed_end(&self.byte_range).zip(self.claimed_time).filter(|_| is_good)
    }

    fn found(&mut self, finding: Finding) {
        match finding {
            Finding::Problem(what) => self.problems.push(what),
            Finding::NotJudged(why) if self.not_judged.contains(&why) => {}
            Finding::NotJudged(why) => self.not_judged.push(why),
        }
    }
}

/// Verifies all signatures of a file, at the time `now`, without any network.
///
/// A file without signatures gives an empty report. Revocation is judged by what is in the file alone: nobody is asked.
///
/// # Errors
/// Where the file is no PDF that can be read, or a root is no certificate. What is wrong with a signature is in the report.
pub fn verify(pdf: &[u8], trust: &Trust, now: DateTime<Utc>) -> Result<Report, Error> {
    let roots = trust.certificates()?;
    pdf::guarded(|| verify_all(pdf, &roots, now))?
}

/// What reports call the subject of a certificate in DER, and whether it names itself as its issuer, as roots do; `None` where it cannot be read.
pub fn subject_of(certificate: &[u8]) -> Option<(String, bool)> {
    let certificate = Certificate::from_der(certificate).ok()?;
    Some((certificate.subject_text(), certificate.is_self_issued()))
}

/// Whether the first of `chain` leads to a trusted root and was valid at `at`, with the others as what may stand between. They are
/// certificates in DER, as [`SignedJson::chain`](crate::certificate::SignedJson::chain) gives them. Revocation is not looked at.
///
/// # Errors
/// [`Error::Root`] where a root is no certificate. What is wrong with `chain` is in the answer.
pub fn trust_of(chain: &[Vec<u8>], trust: &Trust, at: DateTime<Utc>) -> Result<CertificateTrust, Error> {
    let roots = trust.certificates()?;
    let Some(Ok(leaf)) = chain.first().map(|leaf| Certificate::from_der(leaf)) else {
        return Ok(CertificateTrust::NoCertificate);
    };
    let others: Vec<_> = chain.iter().skip(1).filter_map(|other| Certificate::from_der(other).ok()).collect();
    Ok(chain::evaluate(&leaf, &others, &roots, at, chain::Use::Document))
}

fn verify_all(bytes: &[u8], roots: &[Certificate], now: DateTime<Utc>) -> Result<Report, Error> {
    let read = crate::reader::open(bytes)?;
    let document = &read.document;
    let signed: Vec<Field<'_>> = fields::all(document)?.into_iter().filter(|field| field.is_signed(document)).collect();
    if signed.len() > MAX_SIGNATURES {
        return Err(Error::TooMany);
    }
    let mut problems = Vec::new();
    if let Some(fault) = read.fault() {
        problems.push(format!("readers may show different things: {fault}"));
    }
    if has_stray_signature(document, &signed) {
        problems.push("there is a signature that belongs to no field of the form".to_owned());
    }
    let until = std::time::Instant::now() + MAX_DURATION;
    let (data, archived) = (ValidationData::of(document), ValidationData::default());
    let statements = Statements::new(&data).until(until);
    let mut file = File { bytes, read: &read, document, roots, now, until, statements, stamped: Vec::new(), archive: None };
    // Document time stamps first, the last before the others: what they cover was there by then.
    let (mut stamps, others): (Vec<_>, Vec<_>) = signed.iter().partition(|field| file.is_time_stamp(field));
    stamps.sort_by_key(|field| std::cmp::Reverse(end_of(document, field)));
    let mut signatures = Vec::with_capacity(signed.len());
    for field in stamps {
        let signature = file.verify_field(field).judged();
        file.stamped.extend(signature.stamps());
        signatures.push(signature);
    }
    let archived = file.archived().unwrap_or(archived);
    let covered = file.stamped.first().map(|(end, _)| *end);
    file.archive = covered.map(|end| (end, Statements::new(&archived).until(until)));
    signatures.extend(others.into_iter().map(|field| file.verify_field(field).judged()));
    signatures.sort_by_key(|signature| signed_end(&signature.byte_range).unwrap_or(usize::MAX));
    // Viewers that mend a table find objects that no entry leads to; before the first signature they were there to be seen.
    let first_end = signatures.iter().filter_map(|signature| signed_end(&signature.byte_range)).min();
    if let Some(end) = first_end.filter(|end| *end < bytes.len())
        && let Some(place) = read.unaccounted(end)?
    {
        problems
            .push(format!("readers may show different things: byte {place} begins something that no cross-reference leads to"));
    }
    let has_validation_data = !data.is_empty();
    Ok(Report { verified_at: now, length: bytes.len(), has_validation_data, signatures, problems })
}

/// A signature dictionary that no signed field has, or that several share.
fn has_stray_signature(document: &Document, signed: &[Field<'_>]) -> bool {
    let mut values: Vec<ObjectId> = signed.iter().filter_map(|field| field.value?.as_reference().ok()).collect();
    let count = values.len();
    values.sort_unstable();
    values.dedup();
    let dictionaries = document.objects.iter().filter_map(|(id, object)| Some((id, object.as_dict().ok()?)));
    let mut signatures = dictionaries.filter(|(_, dictionary)| dictionary.has(b"ByteRange") && dictionary.has(b"Contents"));
    let rights = usage_rights(document);
    values.len() < count || signatures.any(|(id, _)| values.binary_search(id).is_err() && Some(*id) != rights)
}

/// The signature by which Adobe's programs give Reader more rights (ISO 32000-1 12.8.2.3): no one's signature on the text.
fn usage_rights(document: &Document) -> Option<ObjectId> {
    let (_, catalog) = pdf::catalog(document).ok()?;
    let permissions = pdf::dict_entry(document, catalog, b"Perms")?;
    permissions.get(b"UR3").or_else(|_| permissions.get(b"UR")).ok()?.as_reference().ok()
}

/// Where the signed range ends, if the byte range has its four numbers.
fn signed_end(byte_range: &[i64]) -> Option<usize> {
    let [_, _, start, length] = byte_range[..] else { return None };
    usize::try_from(start.checked_add(length)?).ok()
}

/// Where the range ends that the signature in a field says to cover.
pub(crate) fn end_of(document: &Document, field: &Field<'_>) -> Option<usize> {
    let dictionary = pdf::resolve(document, field.value?).as_dict().ok()?;
    signed_end(&byte_range(document, dictionary))
}

/// As it stands there, as far as it is looked at.
fn byte_range(document: &Document, dictionary: &Dictionary) -> Vec<i64> {
    let numbers = pdf::array_entry(document, dictionary, b"ByteRange").map(Vec::as_slice).unwrap_or_default();
    numbers.iter().take(8).map(|number| number.as_i64().unwrap_or(-1)).collect()
}

/// Whether nothing was done between two states of a document but to sign it, and to draw values that were there already. False where that
/// cannot be told.
pub(crate) fn only_seals(before: &Document, after: &Document) -> bool {
    changes::only_seals(before, after).unwrap_or(false)
}

struct File<'a> {
    bytes: &'a [u8],
    read: &'a reader::File<'a>,
    document: &'a Document,
    roots: &'a [Certificate],
    now: DateTime<Utc>,
    until: std::time::Instant,
    /// What the document says of certificates.
    statements: Statements<'a>,
    /// Up to where the good document time stamps cover the file, and their times; the last comes first.
    stamped: Vec<(usize, DateTime<Utc>)>,
    /// What of that the last of them covers, and up to where.
    archive: Option<(usize, Statements<'a>)>,
}

/// The two signed ranges, and the value between them.
struct Covered<'a> {
    before: &'a [u8],
    after: &'a [u8],
    contents: Vec<u8>,
}

impl Covered<'_> {
    fn digest(&self, algorithm: &'static digest::Algorithm) -> digest::Digest {
        let mut context = digest::Context::new(algorithm);
        context.update(self.before);
        context.update(self.after);
        context.finish()
    }
}

impl<'a> File<'a> {
    fn verify_field(&self, field: &Field<'_>) -> Signature {
        let empty = Dictionary::new();
        let value = field.value.map(|value| pdf::resolve(self.document, value));
        let dictionary = value.and_then(|value| value.as_dict().ok()).unwrap_or(&empty);
        let mut signature = self.described(field, dictionary);
        let Some(id) = field.value.and_then(|value| value.as_reference().ok()) else {
            signature.problems.push("the signature is not an object of its own".to_owned());
            return signature;
        };
        match self.covered(id, &signature.byte_range) {
            Err(problem) => signature.problems.push(problem.to_owned()),
            Ok(covered) => {
                self.check_revision(field, id, &mut signature);
                self.check_content(&covered, &mut signature);
            }
        }
        signature
    }

    /// Whether the signature in a field says that it is a document time stamp.
    fn is_time_stamp(&self, field: &Field<'_>) -> bool {
        let dictionary = field.value.and_then(|value| pdf::resolve(self.document, value).as_dict().ok());
        let kind = dictionary.and_then(|dictionary| pdf::entry(self.document, dictionary, b"SubFilter"));
        kind.and_then(|kind| kind.as_name().ok()) == Some(b"ETSI.RFC3161")
    }

    /// What the last good document time stamp covers of what the document says of certificates.
    fn archived(&self) -> Option<ValidationData> {
        let (end, _) = self.stamped.first()?;
        Some(ValidationData::of(&reader::open(&self.bytes[..*end]).ok()?.document))
    }

    /// The earliest time at which a signature was there for sure.
    fn proven_time(&self, signature: &Signature) -> Option<DateTime<Utc>> {
        let end = signed_end(&signature.byte_range)?;
        let behind = self.stamped.iter().filter(|(covered, _)| *covered > end).map(|(_, at)| *at);
        behind.chain(signature.time_stamps.iter().filter_map(TimeStamp::proves)).min()
    }

    /// What the dictionary says of itself; nothing is proven yet.
    fn described(&self, field: &Field<'_>, dictionary: &Dictionary) -> Signature {
        let text = |key: &[u8]| pdf::entry(self.document, dictionary, key).and_then(pdf::text);
        let sub_filter = pdf::entry(self.document, dictionary, b"SubFilter").and_then(|value| value.as_name().ok());
        let sub_filter = String::from_utf8_lossy(sub_filter.unwrap_or_default()).into_owned();
        Signature {
            field: field.name.clone(),
            is_time_stamp: sub_filter == "ETSI.RFC3161",
            sub_filter,
            signer: None,
            name: text(b"Name"),
            reason: text(b"Reason"),
            location: text(b"Location"),
            claimed_time: text(b"M").as_deref().and_then(pdf_date),
            proven_time: None,
            time_stamps: Vec::new(),
            byte_range: byte_range(self.document, dictionary),
            covers_whole_revision: false,
            covers_whole_file: false,
            digest_intact: false,
            signature_valid: false,
            certificate_binding: Binding::Absent,
            certificate: None,
            trust: CertificateTrust::NoCertificate,
            revocation: None,
            level: None,
            handwriting: None,
            later_changes: Changes::default(),
            problems: Vec::new(),
            not_judged: Vec::new(),
            judgement: Judgement::NotIntact,
        }
    }

    /// The signed bytes: two ranges from the file's start, whose gap is the value of this dictionary's own `/Contents`.
    fn covered(&self, id: ObjectId, byte_range: &[i64]) -> Result<Covered<'a>, &'static str> {
        let range: Vec<usize> = byte_range.iter().filter_map(|number| usize::try_from(*number).ok()).collect();
        let [0, gap_start, gap_end, length] = range[..] else {
            return Err("its byte range is not two ranges from the start of the file");
        };
        let end = gap_end.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("its byte range goes beyond the end of the file")?;
        if gap_start == 0 || gap_start >= gap_end || length == 0 {
            return Err("its byte range overlaps or leaves something out");
        }
        if self.read.offset(id).is_none() {
            return Err("its dictionary is not written in the open");
        }
        let entries = self.read.entries(id).ok_or("its dictionary cannot be read")?;
        let mut keys: Vec<&[u8]> = entries.iter().map(|(key, _)| key.as_slice()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("its dictionary has a key twice");
        }
        let value = entries.iter().find(|(key, _)| key == b"Contents").map(|(_, place)| place.clone());
        if value != Some(gap_start..gap_end) {
            return Err("the gap in its byte range is not the signature's value");
        }
        let gap = &self.bytes[gap_start..gap_end];
        let contents = unhex(gap).ok_or("the signature's value is not hexadecimal")?;
        Ok(Covered { before: &self.bytes[..gap_start], after: &self.bytes[gap_end..end], contents })
    }

    /// Parses what is covered by itself, and compares the document as it is now with it.
    fn check_revision(&self, field: &Field<'_>, id: ObjectId, signature: &mut Signature) {
        let Some(end) = signed_end(&signature.byte_range) else { return };
        let rest = &self.bytes[end..];
        signature.covers_whole_file = rest.iter().all(u8::is_ascii_whitespace);
        if signature.covers_whole_file {
            signature.covers_whole_revision = true;
            signature.handwriting = handwriting::envelope(self.document, field).map(Envelope::of);
            return;
        }
        if std::time::Instant::now() > self.until {
            return signature
                .problems
                .push("what changed after it was not judged: the file takes too long to compare".to_owned());
        }
        let revision = match crate::reader::open(&self.bytes[..end]) {
            Ok(revision) => revision,
            Err(error) => return signature.problems.push(format!("what it covers is not a complete document: {error}")),
        };
        let is_same = |then: &Field<'_>| then.name == field.name && then.value.and_then(|v| v.as_reference().ok()) == Some(id);
        let Some(then) = fields::all(&revision.document).ok().and_then(|fields| fields.into_iter().find(is_same)) else {
            signature.problems.push("what it covers is not a complete document with this signature in it".to_owned());
            return;
        };
        signature.handwriting = handwriting::envelope(&revision.document, &then).map(Envelope::of);
        if let Some(fault) = revision.fault() {
            signature.problems.push(format!("readers may show different things of what it covers: {fault}"));
        }
        signature.covers_whole_revision = true;
        match changes::after(&revision.document, self.document, &field.name) {
            Ok(mut found) => {
                for number in self.read.exchanged_faults(&revision).into_iter().take(changes::MAX_LISTED) {
                    found.other.insert(format!("object {number}, which readers may read in different ways, was changed"));
                }
                for number in self.read.revived(revision.sections.len()).into_iter().take(changes::MAX_LISTED) {
                    found
                        .other
                        .insert(format!("object {number} was removed and supplied again, and readers show it or leave it out"));
                }
                signature.later_changes = found;
            }
            Err(error) => signature.problems.push(format!("what changed after it cannot be told: {error}")),
        }
    }

    fn check_content(&self, covered: &Covered<'_>, signature: &mut Signature) {
        const KNOWN: [&str; 3] = ["ETSI.CAdES.detached", "adbe.pkcs7.detached", "ETSI.RFC3161"];
        if !KNOWN.contains(&signature.sub_filter.as_str()) {
            let shown: String = signature.sub_filter.chars().take(40).collect();
            return signature.found(Finding::NotJudged(format!("signatures of the kind \"{shown}\" are not supported")));
        }
        if let Err(unusable) = self.check_value(covered, signature) {
            signature.found(match unusable {
                Unusable::Empty => Finding::Problem("the signature's value is empty: nobody signed".to_owned()),
                Unusable::NotJudged(why) => Finding::NotJudged(why),
            });
        }
    }

    fn check_value(&self, covered: &Covered<'_>, signature: &mut Signature) -> Result<(), Unusable> {
        let value = Value::read(&covered.contents)?;
        if !value.padded_with_zeros {
            signature.problems.push("there are hidden bytes after the signature's value".to_owned());
        }
        let data = value.signed_data()?;
        if let Err(finding) = check_digest(&data, covered, signature) {
            signature.found(finding);
        }
        self.check_signer(&data, covered, signature);
        Ok(())
    }

    fn check_signer(&self, data: &SignedData<'_>, covered: &Covered<'_>, signature: &mut Signature) {
        let Some(certificate) = data.certificates.iter().find(|certificate| data.signer.is(certificate)) else {
            return signature.found(Finding::NotJudged("it holds no readable certificate of its signer".to_owned()));
        };
        signature.signer = Some(certificate.subject_text());
        signature.certificate = Some(Facts::of(certificate));
        match data.verify_value(certificate, || [covered.before, covered.after].concat()) {
            Ok(()) => signature.signature_valid = true,
            Err(error) => signature.found(error.into()),
        }
        signature.certificate_binding = binding(data, certificate);
        match signature.certificate_binding {
            Binding::Mismatch => signature.problems.push("it was made for another certificate".to_owned()),
            Binding::NotJudged => {
                signature.found(Finding::NotJudged("it is bound to its certificate by a digest that is not supported".to_owned()))
            }
            // EN 319 142-1 6.3 requires the attribute of PAdES signatures; older kinds may lack it.
            Binding::Absent if signature.sub_filter == "ETSI.CAdES.detached" => {
                signature.problems.push("it is not bound to its certificate, as PAdES requires".to_owned());
            }
            Binding::Absent | Binding::Matches => {}
        }
        signature.claimed_time = signature.claimed_time.or(data.signer.signing_time().map(DateTime::from));
        let store = self.statements.certificates();
        // Document time stamps over it, which are judged already.
        signature.proven_time = self.proven_time(signature);
        if !signature.is_time_stamp {
            let at = signature.proven_time.unwrap_or(self.now);
            let stamps = data.signer.time_stamps.iter();
            let judged = stamps.map(|token| TimeStamp::of(token, data.signer.signature, self.roots, store, at));
            signature.time_stamps = judged.collect();
            signature.proven_time = self.proven_time(signature);
        }
        // A signature that nothing proves is taken at its word, unless that is in the future. A time stamp is none that has ended.
        let claimed = signature.claimed_time.filter(|_| !signature.is_time_stamp);
        let at = signature.proven_time.or(claimed).filter(|at| *at <= self.now).unwrap_or(self.now);
        let usage = if signature.is_time_stamp { chain::Use::TimeStamp } else { chain::Use::Document };
        let pool: Vec<Certificate> = data.certificates.iter().chain(store).cloned().collect();
        match chain::path(certificate, &pool, self.roots, at, usage) {
            Ok(path) => self.judge_path(&path, signature),
            Err(fault) => signature.trust = fault,
        }
        let is_pades = signature.sub_filter == "ETSI.CAdES.detached";
        signature.level = signature.level.or(is_pades.then_some(Level::B));
    }

    /// Trust, revocation and level of a signature whose certificate leads to a root.
    fn judge_path(&self, path: &[&Certificate], signature: &mut Signature) {
        // Without a proof somebody may have signed with a revoked key, whatever time the signature claims.
        let at = signature.proven_time.unwrap_or(self.now);
        let revocation = self.statements.judge(path, at, self.now);
        signature.trust = match &revocation {
            Revocation::Revoked { certificate, since, reason } => {
                CertificateTrust::Revoked { certificate: certificate.clone(), since: *since, reason: *reason }
            }
            _ => chain::trusted(path),
        };
        if signature.sub_filter == "ETSI.CAdES.detached" {
            let end = signed_end(&signature.byte_range);
            let is_archived = self.archive.as_ref().is_some_and(|(covered, statements)| {
                end.is_some_and(|end| end < *covered) && statements.judge(path, at, self.now) == Revocation::Good
            });
            signature.level = Some(match (signature.proven_time, &revocation) {
                (None, _) => Level::B,
                (Some(_), Revocation::Good) if is_archived => Level::Lta,
                (Some(_), Revocation::Good) => Level::Lt,
                (Some(_), _) => Level::T,
            });
        }
        signature.revocation = Some(revocation);
    }
}

/// The digest over the covered bytes against the signed one.
fn check_digest(data: &SignedData<'_>, covered: &Covered<'_>, signature: &mut Signature) -> Result<(), Finding> {
    let problem = |what: &str| Finding::Problem(what.to_owned());
    let algorithm = algorithms::digest_by_oid(data.signer.digest)?;
    if signature.is_time_stamp {
        let content =
            data.content.filter(|_| data.content_type == oid::TST_INFO).ok_or_else(|| problem("it is no time stamp"))?;
        let unreadable = || Finding::NotJudged("its time stamp cannot be read".to_owned());
        let token::Info { imprint: (imprint_algorithm, imprint), at, .. } = token::Info::read(content).ok_or_else(unreadable)?;
        signature.claimed_time = Some(at);
        let imprint_algorithm = algorithms::digest_by_oid(imprint_algorithm)?;
        let own = digest::digest(algorithm, content);
        let intact = covered.digest(imprint_algorithm).as_ref() == imprint;
        signature.digest_intact = intact && data.signer.message_digest() == Some(own.as_ref());
        return if signature.digest_intact { Ok(()) } else { Err(problem(CHANGED)) };
    }
    if data.content.is_some() {
        return Err(problem("it holds a content of its own"));
    }
    if data.signer.signed_attributes.is_none() {
        // The signature value is over the content itself; check_signer decides.
        signature.digest_intact = true;
        return Ok(());
    }
    if data.signer.content_type() != Some(data.content_type) {
        return Err(problem("its content type was changed"));
    }
    signature.digest_intact = data.signer.message_digest() == Some(covered.digest(algorithm).as_ref());
    if signature.digest_intact { Ok(()) } else { Err(problem(CHANGED)) }
}

fn binding(data: &SignedData<'_>, certificate: &Certificate) -> Binding {
    let (algorithm, hash) = match data.signer.certificate_id() {
        None => return Binding::Absent,
        // SHA-1 is what the older attribute has (RFC 2634), and it still is no easy matter to make another certificate with a
        // given digest; what is signed does not rest on it.
        Some(CertificateId::Sha1(hash) | CertificateId::Digest(oid::SHA1, hash)) => (&digest::SHA1_FOR_LEGACY_USE_ONLY, hash),
        Some(CertificateId::Digest(name, hash)) => match algorithms::digest_by_oid(name) {
            Ok(algorithm) => (algorithm, hash),
            Err(_) => return Binding::NotJudged,
        },
    };
    if digest::digest(algorithm, certificate.der()).as_ref() == hash { Binding::Matches } else { Binding::Mismatch }
}

/// The bytes of a hexadecimal string with its angle brackets. White space, which nothing needs here, is not allowed.
fn unhex(gap: &[u8]) -> Option<Vec<u8>> {
    let digits = gap.strip_prefix(b"<")?.strip_suffix(b">")?;
    HEXLOWER_PERMISSIVE.decode(digits).ok()
}

/// A PDF date (ISO 32000-1 7.9.4): `D:YYYYMMDDHHmmSS` with an optional offset. Everything after the year may be missing.
fn pdf_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.strip_prefix("D:").unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).take(14).count();
    let (date, zone) = text.split_at(digits);
    const MISSING: &str = "00000101000000";
    let whole = format!("{date}{}", MISSING.get(date.len()..)?);
    let local = NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%S").ok().filter(|_| date.len() >= 4)?;
    let sign = match zone.chars().next() {
        Some('+') => 1,
        Some('-') => -1,
        _ => return Some(local.and_utc()),
    };
    let numbers: String = zone.chars().filter(char::is_ascii_digit).take(4).collect();
    let part = |range: std::ops::Range<usize>| numbers.get(range).and_then(|part| part.parse::<i64>().ok()).unwrap_or(0);
    let offset = chrono::Duration::minutes(sign * (part(0..2) * 60 + part(2..4)));
    local.checked_sub_signed(offset).map(|utc| utc.and_utc())
}

#[cfg(test)]
mod tests;
