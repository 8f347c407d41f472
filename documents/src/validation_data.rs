//! What a file must hold so that its signatures can be judged when nobody can be asked any more (ETSI EN 319 142-1 5.4.2): certificates,
//! answers of OCSP responders and lists of revoked certificates, in the document security store (`/DSS`).
//!
//! [`Wanted::of`] says what is missing, [`seal::validation_data::append`](crate::seal::validation_data::append) puts what was found into the
//! file, and a verification judges by it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use lopdf::{Dictionary, Document, Object};
use serde::Serialize;

use crate::fields;
use crate::pdf;
use crate::revocation::{MAX_ANSWER, MAX_LIST, Question, Reason, Statement, Status};
use crate::verify::{self, MAX_PATH, Signed, Trust};
use crate::x509::Certificate;

/// Items of one kind that are read from a file, and their bytes in all.
const MAX_ITEMS: usize = 1_000;
const MAX_BYTES: usize = 2 * MAX_LIST;
/// Answers and lists that are looked at for one certificate.
const MAX_STATEMENTS: usize = 64;

/// Certificates and what their issuers say of them.
#[derive(Default, Clone)]
pub struct ValidationData {
    pub(crate) certificates: Vec<Certificate>,
    /// `OCSPResponse` each, DER.
    pub(crate) answers: Vec<Vec<u8>>,
    /// `CertificateList` each, DER.
    pub(crate) lists: Vec<Vec<u8>>,
}

/// What the file says of the revocation of a signature's certificates, at the time at which they are judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Revocation {
    /// None of them was revoked.
    Good,
    /// This one had been revoked by then, or nothing proves that it was used before.
    Revoked { certificate: String, since: DateTime<Utc>, reason: Reason },
    /// The file does not say it of these.
    NotKnown { certificates: Vec<String> },
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Answer(usize),
    List(usize),
}

impl ValidationData {
    /// Takes a certificate in DER; says whether it is one, and was not there.
    pub fn add_certificate(&mut self, der: &[u8]) -> bool {
        let is_new = self.certificates.iter().all(|present| present.der() != der);
        let read = Certificate::from_der(der).ok().filter(|_| is_new);
        read.map(|certificate| self.certificates.push(certificate)).is_some()
    }

    /// Takes an answer that [`Question::accept_ocsp`] took.
    pub fn add_answer(&mut self, answer: &[u8]) {
        add(&mut self.answers, answer);
    }

    /// Takes a list that [`Question::accept_list`] took.
    pub fn add_list(&mut self, list: &[u8]) {
        add(&mut self.lists, list);
    }

    /// The answers in it, DER.
    pub fn answers(&self) -> &[Vec<u8>] {
        &self.answers
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.answers.is_empty() && self.lists.is_empty()
    }

    /// What a document's security store holds, as far as it can be read and is within the bounds.
    pub(crate) fn of(document: &Document) -> Self {
        let mut data = Self::default();
        let Some(store) = store(document) else { return data };
        let mut left = MAX_BYTES;
        for der in streams(document, store, b"Certs", MAX_ANSWER, &mut left) {
            data.add_certificate(&der);
        }
        data.answers = streams(document, store, b"OCSPs", MAX_ANSWER, &mut left);
        data.lists = streams(document, store, b"CRLs", MAX_LIST, &mut left);
        data
    }

    /// Both together.
    fn with(mut self, other: &Self) -> Self {
        for certificate in &other.certificates {
            self.add_certificate(certificate.der());
        }
        other.answers.iter().for_each(|answer| add(&mut self.answers, answer));
        other.lists.iter().for_each(|list| add(&mut self.lists, list));
        self
    }
}

impl std::fmt::Debug for ValidationData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValidationData")
            .field("certificates", &self.certificates.len())
            .field("answers", &self.answers.len())
            .field("lists", &self.lists.len())
            .finish()
    }
}

fn add(items: &mut Vec<Vec<u8>>, bytes: &[u8]) {
    if items.iter().all(|present| present != bytes) {
        items.push(bytes.to_vec());
    }
}

/// The document security store.
pub(crate) fn store(document: &Document) -> Option<&Dictionary> {
    pdf::dict_entry(document, pdf::catalog(document).ok()?.1, b"DSS")
}

/// The contents of one of the store's arrays of streams.
fn streams(document: &Document, store: &Dictionary, key: &[u8], largest: usize, left: &mut usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let items = pdf::array_entry(document, store, key).map(Vec::as_slice).unwrap_or_default();
    for item in items.iter().take(MAX_ITEMS) {
        let Ok(stream) = pdf::resolve(document, item).as_stream() else { continue };
        let Ok(content) = stream.get_plain_content_with_limit(largest.min(*left)) else { continue };
        *left -= content.len().min(*left);
        found.push(content);
    }
    found
}

/// Statements that were read from validation data, each certificate's once.
pub(crate) struct Statements<'a> {
    data: &'a ValidationData,
    /// After that nothing more is read: strangers' files may hold much that leads to nothing.
    until: Option<Instant>,
    read: RefCell<HashMap<[u8; 32], Read>>,
}

type Read = Rc<Vec<(Source, Statement)>>;

impl<'a> Statements<'a> {
    pub(crate) fn new(data: &'a ValidationData) -> Self {
        Self { data, until: None, read: RefCell::default() }
    }

    /// Which nothing more is read of after a time.
    pub(crate) fn until(self, until: Instant) -> Self {
        Self { until: Some(until), ..self }
    }

    /// The certificates that came with them.
    pub(crate) fn certificates(&self) -> &'a [Certificate] {
        &self.data.certificates
    }

    /// All that is said of a certificate by its issuer.
    pub(crate) fn on(&self, question: &Question) -> Read {
        let key = question.fingerprint();
        if let Some(known) = self.read.borrow().get(&key) {
            return Rc::clone(known);
        }
        let in_time = |_: &(usize, &Vec<u8>)| self.until.is_none_or(|until| Instant::now() < until);
        let numbered = self.data.answers.iter().enumerate().take_while(in_time);
        let answers = numbered.filter_map(|(index, der)| Some((Source::Answer(index), question.read_ocsp(der).ok()?)));
        let numbered = self.data.lists.iter().enumerate().take_while(in_time);
        let lists = numbered.filter_map(|(index, der)| Some((Source::List(index), question.read_list(der).ok()?)));
        let read: Read = Rc::new(answers.chain(lists).take(MAX_STATEMENTS).collect());
        self.read.borrow_mut().insert(key, Rc::clone(&read));
        read
    }

    /// Whether a path's certificates, the last of which is trusted by itself, were revoked at `at`. `now` is when it is asked.
    pub(crate) fn judge(&self, path: &[&Certificate], at: DateTime<Utc>, now: DateTime<Utc>) -> Revocation {
        let mut unknown = Vec::new();
        for pair in path.windows(2) {
            let question = Question { certificate: pair[0].clone(), issuer: pair[1].clone() };
            let said = self.on(&question);
            let said = said.iter().map(|(_, statement)| statement).filter(|statement| statement.this_update <= now);
            let said: Vec<_> = said.collect();
            let revoked = said.iter().find(|statement| statement.is_revoked(at) == Some(true));
            if let Some(Statement { status: Status::Revoked { at: since, reason }, .. }) = revoked {
                return Revocation::Revoked { certificate: question.subject(), since: *since, reason: *reason };
            }
            if !said.iter().any(|statement| statement.is_revoked(at) == Some(false)) {
                unknown.push(question.subject());
            }
        }
        if unknown.is_empty() { Revocation::Good } else { Revocation::NotKnown { certificates: unknown } }
    }
}

/// A certificate that no other in hand has issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// What a person would call its issuer.
    pub issuer: String,
    /// Where the issuer's certificate is to be had, in the order of the certificate.
    pub addresses: Vec<String>,
}

/// What is not known of the certificates of a file's signatures and time stamps.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Whose status is not known for the time that matters: that of the next time stamp, or now where none comes after.
    pub questions: Vec<Question>,
    /// Whose issuers are not known.
    pub orphans: Vec<Orphan>,
}

impl Wanted {
    /// What is missing in the file and in `data`. An answer of a responder with a certificate of its own makes that one wanted too, so ask
    /// again with what was found, until nothing more is.
    ///
    /// # Errors
    /// As [`verify::verify`].
    pub fn of(pdf: &[u8], data: &ValidationData, trust: &Trust, now: DateTime<Utc>) -> Result<Self, verify::Error> {
        pdf::guarded(|| {
            let document = crate::reader::load(pdf)?;
            let survey = Survey::of(&document, data, trust)?;
            Ok(survey.wanted(now))
        })?
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.questions.is_empty() && self.orphans.is_empty()
    }
}

/// The certificates of a document's signatures, with all that is known of them.
pub(crate) struct Survey {
    /// The store's, with what was found since.
    pub(crate) data: ValidationData,
    /// Every certificate that may stand in a path.
    pool: Vec<Certificate>,
    signatures: Vec<Surveyed>,
}

/// A signature or document time stamp.
struct Surveyed {
    /// Its entry in the store's `/VRI`: SHA-1 of its value in upper-case hexadecimal.
    key: String,
    /// Indices into the pool: its own certificate, and those of the time stamps in it.
    leaves: Vec<usize>,
    /// When it was there for sure, by the next document time stamp; `None`: now.
    at: Option<DateTime<Utc>>,
}

impl Survey {
    pub(crate) fn of(document: &Document, found: &ValidationData, trust: &Trust) -> Result<Self, verify::Error> {
        let mut survey =
            Self { data: ValidationData::of(document).with(found), pool: trust.certificates()?, signatures: Vec::new() };
        for certificate in survey.data.certificates.clone() {
            survey.pooled(certificate);
        }
        let mut signed: Vec<(usize, Option<DateTime<Utc>>, Surveyed)> = Vec::new();
        let all = fields::all(document)?;
        for field in all.iter().filter(|field| field.is_signed(document)).take(verify::MAX_SIGNATURES) {
            let Some(dictionary) = field.value.and_then(|value| pdf::resolve(document, value).as_dict().ok()) else { continue };
            let contents = pdf::entry(document, dictionary, b"Contents").and_then(|value| value.as_str().ok());
            let (Some(contents), Some(end)) = (contents, verify::end_of(document, field)) else { continue };
            let Some(Signed { certificates, leaves, time_stamped }) = Signed::read(contents) else { continue };
            let key = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, contents);
            let key = data_encoding::HEXUPPER.encode(key.as_ref());
            let leaves = leaves.into_iter().map(|leaf| survey.pooled(leaf)).collect();
            for certificate in certificates {
                survey.pooled(certificate);
            }
            signed.push((end, time_stamped, Surveyed { key, leaves, at: None }));
        }
        signed.sort_by_key(|(end, ..)| *end);
        let mut next = None;
        for (_, time_stamped, mut surveyed) in signed.into_iter().rev() {
            surveyed.at = next;
            next = time_stamped.or(next);
            survey.signatures.push(surveyed);
        }
        Ok(survey)
    }

    fn pooled(&mut self, certificate: Certificate) -> usize {
        match self.pool.iter().position(|present| present.der() == certificate.der()) {
            Some(index) => index,
            None => {
                self.pool.push(certificate);
                self.pool.len() - 1
            }
        }
    }

    /// From a certificate upwards, as far as issuers are known.
    fn path(&self, leaf: usize) -> Vec<usize> {
        let mut path = vec![leaf];
        while path.len() < MAX_PATH {
            let last = &self.pool[path[path.len() - 1]];
            let issues = |(index, issuer): &(usize, &Certificate)| !path.contains(index) && last.is_signed_by(issuer);
            match self.pool.iter().enumerate().find(issues).filter(|_| !last.is_self_issued()) {
                Some((index, _)) => path.push(index),
                None => break,
            }
        }
        path
    }

    fn wanted(&self, now: DateTime<Utc>) -> Wanted {
        let statements = Statements::new(&self.data);
        let mut wanted = Wanted::default();
        let mut seen = HashSet::new();
        for surveyed in &self.signatures {
            let at = surveyed.at.unwrap_or(now);
            let paths = surveyed.leaves.iter().map(|leaf| self.path(*leaf));
            let mut pairs: Vec<(Certificate, Option<Certificate>)> = paths.flat_map(|path| self.pairs(&path)).collect();
            while let Some((certificate, issuer)) = pairs.pop() {
                if !seen.insert((certificate.sha256(), at)) {
                    continue;
                }
                let Some(issuer) = issuer else {
                    let (issuer, addresses) = (certificate.issuer_text(), certificate.issuer_addresses());
                    wanted.orphans.push(Orphan { issuer, addresses });
                    continue;
                };
                let question = Question { certificate, issuer };
                let said = statements.on(&question);
                let known = said.iter().find(|(_, statement)| statement.is_revoked(at).is_some());
                match known {
                    None => wanted.questions.push(question),
                    Some((_, statement)) => {
                        let responder = statement.responder.as_deref().and_then(|der| Certificate::from_der(der).ok());
                        pairs.extend(
                            responder.filter(|responder| !responder.needs_no_check()).map(|r| (r, Some(question.issuer))),
                        );
                    }
                }
            }
        }
        wanted.orphans.dedup();
        wanted.questions.dedup_by_key(|question| question.fingerprint());
        wanted
    }

    /// Each certificate of a path with its issuer; nobody can say more of one that signed itself.
    fn pairs(&self, path: &[usize]) -> Vec<(Certificate, Option<Certificate>)> {
        let issuers = path.iter().skip(1).map(|index| Some(self.pool[*index].clone())).chain([None]);
        let pairs = path.iter().map(|index| self.pool[*index].clone()).zip(issuers);
        pairs.filter(|(certificate, issuer)| issuer.is_some() || !certificate.is_self_issued()).collect()
    }

    /// What belongs to each signature: its key in `/VRI`, the certificates of its paths, and where what is said of them stands.
    pub(crate) fn related(&self) -> Vec<(String, Vec<Certificate>, Vec<Source>)> {
        let statements = Statements::new(&self.data);
        let of = |surveyed: &Surveyed| {
            let mut certificates: Vec<usize> = surveyed.leaves.iter().flat_map(|leaf| self.path(*leaf)).collect();
            certificates.sort_unstable();
            certificates.dedup();
            let pairs = surveyed.leaves.iter().flat_map(|leaf| self.pairs(&self.path(*leaf)));
            let questions = pairs.filter_map(|(certificate, issuer)| Some(Question { certificate, issuer: issuer? }));
            let mut sources: Vec<Source> = questions
                .flat_map(|question| statements.on(&question).iter().map(|(source, _)| *source).collect::<Vec<_>>())
                .collect();
            sources.sort_unstable();
            sources.dedup();
            (surveyed.key.clone(), certificates.into_iter().map(|index| self.pool[index].clone()).collect(), sources)
        };
        self.signatures.iter().map(of).collect()
    }

    /// The certificates of all paths, and of the responders that speak of them.
    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        let statements = Statements::new(&self.data);
        let mut found: Vec<Certificate> = Vec::new();
        for leaf in self.signatures.iter().flat_map(|surveyed| surveyed.leaves.iter()) {
            let path = self.path(*leaf);
            found.extend(path.iter().map(|index| self.pool[*index].clone()));
            for (certificate, issuer) in self.pairs(&path) {
                let Some(issuer) = issuer else { continue };
                let said = statements.on(&Question { certificate, issuer });
                let responders = said.iter().filter_map(|(_, statement)| statement.responder.as_deref());
                found.extend(responders.filter_map(|der| Certificate::from_der(der).ok()));
            }
        }
        found
    }
}

/// A stream of DER.
pub(crate) fn stream(der: &[u8]) -> Object {
    lopdf::Stream::new(Dictionary::new(), der.to_vec()).into()
}

#[cfg(test)]
mod tests;
