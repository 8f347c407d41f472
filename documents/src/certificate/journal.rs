//! The hash chain over a journal: whoever holds the journal can compute it again, and whoever holds only the evidence can see
//! that the entries' hashes follow from one another.

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use chrono::{DateTime, Utc};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Error;

/// How the hashes of a [`Journal`] are computed; part of the evidence, so that it explains itself.
pub const ALGORITHM: &str = "rubrica-journal-chain/1: \
     hash(0) = SHA-256(\"rubrica-journal-chain/1\" || 0x00 || organization || 0x00 || kind || 0x00 || id), texts in UTF-8, id as \
     lower-case hyphenated UUID; hash(n) = SHA-256(hash(n-1) || sequence || at || content_sha256), sequence as 8 bytes big-endian, \
     at as microseconds since 1970-01-01T00:00:00Z in 8 bytes big-endian two's complement, content_sha256 = SHA-256 of the entry's \
     JSON text exactly as the journal keeps it, hashes as their 32 bytes; entries in ascending sequence from 1 without a gap; \
     head_hash = hash of the last entry; hashes are printed in lower-case hexadecimal.";

/// The same for a journal with entries that are sealed, after entries in clear where it was begun by an older version.
pub const SEALED_ALGORITHM: &str = "rubrica-journal-chain/2: \
     hash(0) = SHA-256(chain || 0x00 || organization || 0x00 || kind || 0x00 || id), texts in UTF-8, id as lower-case hyphenated UUID, \
     chain = \"rubrica-journal-chain/1\" if the first entry has content_sha256, otherwise \"rubrica-journal-chain/2\"; of an entry with \
     commitment: hash(n) = SHA-256(\"rubrica-journal-chain/2\" || 0x00 || hash(n-1) || sequence || at || commitment), commitment = \
     SHA-256(salt || JSON text), salt of 32 random bytes; of an entry with content_sha256: hash(n) = SHA-256(hash(n-1) || sequence || at \
     || content_sha256), content_sha256 = SHA-256 of the JSON text; no such entry follows one with commitment; sequence as 8 bytes \
     big-endian, at as microseconds since 1970-01-01T00:00:00Z in 8 bytes big-endian two's complement, hashes as their 32 bytes; \
     entries in ascending sequence from 1 without a gap; head_hash = hash of the last entry; hashes and salts are printed in lower-case \
     hexadecimal.";

const CLEAR_CHAIN: &str = "rubrica-journal-chain/1";
const SEALED_CHAIN: &str = "rubrica-journal-chain/2";

/// The journal of one process, without the contents of its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The organization whose journal it is; part of the first hash.
    pub organization: String,
    /// The machine that wrote it, e.g. `sign_process`.
    pub kind: String,
    /// The process.
    pub id: Uuid,
    /// [`ALGORITHM`] or [`SEALED_ALGORITHM`] at the time of writing.
    pub algorithm: String,
    /// Ascending and without a gap, from 1.
    pub entries: Vec<JournalEntry>,
    /// Hash of the last entry, lower-case hexadecimal.
    pub head_hash: String,
}

/// One entry of a [`Journal`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Number of the entry, from 1.
    pub sequence: u64,
    /// When it was written, in microseconds.
    pub at: DateTime<Utc>,
    /// What is chained.
    #[serde(flatten)]
    pub content: JournalContent,
    /// The chained hash, lower-case hexadecimal.
    pub hash: String,
}

/// What stands for the text of an entry. Hashes and salts are lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum JournalContent {
    /// Of an entry that is sealed. Without the salt the commitment tells nothing of the text; with both, anybody can check it.
    Sealed {
        /// SHA-256 of the salt and the entry's JSON text exactly as the journal keeps it.
        commitment: String,
        /// Withheld where the text is not to be shown; gone where the entry was erased.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        salt: Option<String>,
    },
    /// Of an entry in clear.
    Clear {
        /// SHA-256 of the entry's JSON text exactly as the journal keeps it.
        content_sha256: String,
    },
}

impl JournalContent {
    /// Of an entry that is sealed.
    pub fn sealed(commitment: &[u8; 32], salt: Option<&[u8; 32]>) -> Self {
        Self::Sealed { commitment: HEXLOWER.encode(commitment), salt: salt.map(|salt| HEXLOWER.encode(salt)) }
    }

    /// Of an entry in clear.
    pub fn clear(content_sha256: &[u8; 32]) -> Self {
        Self::Clear { content_sha256: HEXLOWER.encode(content_sha256) }
    }

    fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed { .. })
    }

    fn chained(&self) -> &str {
        match self {
            Self::Sealed { commitment, .. } => commitment,
            Self::Clear { content_sha256 } => content_sha256,
        }
    }
}

impl Journal {
    /// Computes the chain over the entries of a journal in clear, given as (moment, JSON text as kept) in their order from entry 1.
    pub fn chain<'a>(
        organization: &str,
        kind: &str,
        id: Uuid,
        entries: impl IntoIterator<Item = (DateTime<Utc>, &'a [u8])>,
    ) -> Self {
        let content = |text| JournalContent::Clear { content_sha256: HEXLOWER.encode(digest(&SHA256, text).as_ref()) };
        Self::of(organization, kind, id, entries.into_iter().map(|(at, text)| (at, content(text))))
    }

    /// Computes the chain over the entries of a journal, given as (moment, what is chained) in their order from entry 1.
    pub fn of(
        organization: &str,
        kind: &str,
        id: Uuid,
        entries: impl IntoIterator<Item = (DateTime<Utc>, JournalContent)>,
    ) -> Self {
        let mut chained = Vec::new();
        let mut previous = None;
        let mut any_sealed = false;
        for (sequence, (at, content)) in (1..).zip(entries) {
            let at = DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at);
            any_sealed |= content.is_sealed();
            let before = previous.unwrap_or_else(|| genesis(content.is_sealed(), organization, kind, id));
            let hash = link(before.as_ref(), sequence, at, &content).unwrap_or(before);
            previous = Some(hash);
            chained.push(JournalEntry { sequence, at, content, hash: HEXLOWER.encode(hash.as_ref()) });
        }
        let head = previous.unwrap_or_else(|| genesis(false, organization, kind, id));
        Self {
            organization: organization.to_owned(),
            kind: kind.to_owned(),
            id,
            algorithm: if any_sealed { SEALED_ALGORITHM } else { ALGORITHM }.to_owned(),
            entries: chained,
            head_hash: HEXLOWER.encode(head.as_ref()),
        }
    }

    /// Computes the chain again from what is chained.
    ///
    /// # Errors
    /// [`Error::Malformed`] for another algorithm, [`Error::BrokenChain`] at the first entry that does not match.
    pub fn verify(&self) -> Result<(), Error> {
        let may_seal = match self.algorithm.as_str() {
            ALGORITHM => false,
            SEALED_ALGORITHM => true,
            _ => return Err(Error::Malformed("the journal is chained by an algorithm that is not known here".to_owned())),
        };
        let begins_sealed = self.entries.first().is_some_and(|first| first.content.is_sealed());
        let mut previous = genesis(begins_sealed, &self.organization, &self.kind, self.id);
        let mut was_sealed = false;
        for (expected, entry) in (1..).zip(&self.entries) {
            let is_sealed = entry.content.is_sealed();
            let in_order = entry.sequence == expected && is_sealed >= was_sealed && may_seal >= is_sealed;
            was_sealed = is_sealed;
            let next = link(previous.as_ref(), entry.sequence, entry.at, &entry.content).filter(|_| in_order);
            match next {
                Some(hash) if HEXLOWER.encode(hash.as_ref()) == entry.hash => previous = hash,
                _ => return Err(Error::BrokenChain { sequence: expected }),
            }
        }
        if HEXLOWER.encode(previous.as_ref()) == self.head_hash { Ok(()) } else { Err(Error::BrokenChain { sequence: 0 }) }
    }

    /// Whether a text, with its salt in hexadecimal, is that of the sealed entry `sequence`. [`verify`](Self::verify) says whether the entry
    /// is of the chain.
    ///
    /// # Errors
    /// [`Error::BrokenChain`] if it is not.
    pub fn shows(&self, sequence: u64, salt: &str, text: &[u8]) -> Result<(), Error> {
        let entry = self.entries.iter().find(|entry| entry.sequence == sequence);
        let commitment = unhex(salt).map(|salt| {
            let mut context = Context::new(&SHA256);
            context.update(&salt);
            context.update(text);
            HEXLOWER.encode(context.finish().as_ref())
        });
        match (entry.map(|entry| &entry.content), commitment) {
            (Some(JournalContent::Sealed { commitment: kept, .. }), Some(commitment)) if *kept == commitment => Ok(()),
            _ => Err(Error::BrokenChain { sequence }),
        }
    }
}

fn genesis(sealed: bool, organization: &str, kind: &str, id: Uuid) -> Digest {
    let id = id.hyphenated().to_string();
    let text = [if sealed { SEALED_CHAIN } else { CLEAR_CHAIN }, organization, kind, &id].join("\0");
    digest(&SHA256, text.as_bytes())
}

/// `None` where what is chained is not 64 hexadecimal digits.
fn link(previous: &[u8], sequence: u64, at: DateTime<Utc>, content: &JournalContent) -> Option<Digest> {
    let chained = unhex(content.chained())?;
    let mut context = Context::new(&SHA256);
    if content.is_sealed() {
        context.update(SEALED_CHAIN.as_bytes());
        context.update(&[0]);
    }
    context.update(previous);
    context.update(&sequence.to_be_bytes());
    context.update(&at.timestamp_micros().to_be_bytes());
    context.update(&chained);
    Some(context.finish())
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        let at = DateTime::from_timestamp(1_790_000_000, 123_456_789).unwrap();
        let bodies: [&[u8]; 3] = [b"created", b"challenged", b"validated"];
        Journal::chain("org-1", "sign_process", Uuid::from_u128(7), bodies.map(|body| (at, body)))
    }

    #[test]
    fn a_chain_verifies_and_a_second_reading_gives_the_same() {
        let chain = journal();
        assert_eq!(chain.entries.len(), 3);
        assert_eq!(chain.entries[2].hash, chain.head_hash);
        assert_eq!(chain.entries[0].at.timestamp_subsec_nanos(), 123_456_000);
        chain.verify().unwrap();
        let read: Journal = serde_json::from_slice(&serde_json::to_vec(&chain).unwrap()).unwrap();
        read.verify().unwrap();
    }

    #[test]
    fn the_first_hash_is_the_one_that_the_algorithm_text_says() {
        let mut input =
            [b"rubrica-journal-chain/1".as_slice(), b"org-1", b"sign_process", b"00000000-0000-0000-0000-000000000007"].join(&0);
        let genesis = digest(&SHA256, &input);
        input.clear();
        input.extend_from_slice(genesis.as_ref());
        input.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        input.extend_from_slice(&1_790_000_000_123_456_i64.to_be_bytes());
        input.extend_from_slice(digest(&SHA256, b"created").as_ref());
        assert_eq!(journal().entries[0].hash, HEXLOWER.encode(digest(&SHA256, &input).as_ref()));
    }

    #[test]
    fn any_change_breaks_the_chain_where_it_was_made() {
        let mut changed = journal();
        changed.entries[1].content = changed.entries[0].content.clone();
        assert!(matches!(changed.verify(), Err(Error::BrokenChain { sequence: 2 })));

        let mut moved = journal();
        moved.entries[2].at += chrono::TimeDelta::microseconds(1);
        assert!(matches!(moved.verify(), Err(Error::BrokenChain { sequence: 3 })));

        let mut shortened = journal();
        shortened.entries.remove(0);
        assert!(matches!(shortened.verify(), Err(Error::BrokenChain { sequence: 1 })));

        let mut cut = journal();
        cut.entries.pop();
        assert!(matches!(cut.verify(), Err(Error::BrokenChain { sequence: 0 })));

        let mut garbled = journal();
        garbled.entries[0].content = JournalContent::Clear { content_sha256: "é".repeat(32) };
        assert!(matches!(garbled.verify(), Err(Error::BrokenChain { sequence: 1 })));
    }

    #[test]
    fn the_chain_of_another_process_is_another() {
        let at = DateTime::UNIX_EPOCH;
        let one = Journal::chain("a", "bc", Uuid::nil(), [(at, b"x".as_slice())]);
        let two = Journal::chain("ab", "c", Uuid::nil(), [(at, b"x".as_slice())]);
        assert_ne!(one.head_hash, two.head_hash);
    }

    /// Two entries in clear, then two that are sealed; each sealed text is known.
    fn mixed() -> Journal {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let clear = journal().entries.into_iter().take(2).map(|entry| entry.content);
        let commitment = |salt: u8, text: &[u8]| {
            let mut commitment = [0; 32];
            commitment.copy_from_slice(digest(&SHA256, &[&[salt; 32], text].concat()).as_ref());
            commitment
        };
        let sealed = [
            JournalContent::sealed(&commitment(1, b"one"), Some(&[1; 32])),
            JournalContent::sealed(&commitment(2, b"two"), None),
        ];
        Journal::of("org-1", "sign_process", Uuid::from_u128(7), clear.chain(sealed).map(|content| (at, content)))
    }

    #[test]
    fn a_journal_goes_on_sealed_and_what_is_shown_is_what_was_committed_to() {
        let chain = mixed();
        chain.verify().unwrap();
        let read: Journal = serde_json::from_slice(&serde_json::to_vec(&chain).unwrap()).unwrap();
        assert_eq!(read, chain);
        let salt = |byte: &str| byte.repeat(32);
        chain.shows(3, &salt("01"), b"one").unwrap();
        chain.shows(4, &salt("02"), b"two").unwrap();
        for (sequence, salt, text) in
            [(3, salt("02"), "one"), (3, salt("01"), "two"), (1, salt("01"), "created"), (9, salt("01"), "one")]
        {
            assert!(
                matches!(chain.shows(sequence, &salt, text.as_bytes()), Err(Error::BrokenChain { sequence: at }) if at == sequence)
            );
        }
        let all_sealed =
            Journal::of("a", "b", Uuid::nil(), chain.entries[2..].iter().map(|entry| (entry.at, entry.content.clone())));
        all_sealed.verify().unwrap();
    }

    #[test]
    fn a_sealed_entry_does_not_pass_for_one_in_clear_nor_the_reverse() {
        let mut posing = mixed();
        posing.algorithm = ALGORITHM.to_owned();
        assert!(matches!(posing.verify(), Err(Error::BrokenChain { sequence: 3 })));
        let mut turned = mixed();
        let JournalContent::Sealed { commitment, .. } = turned.entries[3].content.clone() else { panic!("it is sealed") };
        turned.entries[3].content = JournalContent::Clear { content_sha256: commitment };
        assert!(matches!(turned.verify(), Err(Error::BrokenChain { sequence: 4 })));
    }

    #[test]
    fn a_journal_without_entries_has_the_first_hash_as_its_head() {
        let empty = Journal::chain("a", "b", Uuid::nil(), []);
        empty.verify().unwrap();
        assert_eq!(empty.head_hash.len(), 64);
    }

    /// A journal as evidence of version 0.1.0 shows it, byte for byte.
    const ISSUED_BEFORE: &str = r#"{"organization":"org-1","kind":"sign_process","id":"00000000-0000-0000-0000-000000000007","algorithm":"rubrica-journal-chain/1: hash(0) = SHA-256(\"rubrica-journal-chain/1\" || 0x00 || organization || 0x00 || kind || 0x00 || id), texts in UTF-8, id as lower-case hyphenated UUID; hash(n) = SHA-256(hash(n-1) || sequence || at || content_sha256), sequence as 8 bytes big-endian, at as microseconds since 1970-01-01T00:00:00Z in 8 bytes big-endian two's complement, content_sha256 = SHA-256 of the entry's JSON text exactly as the journal keeps it, hashes as their 32 bytes; entries in ascending sequence from 1 without a gap; head_hash = hash of the last entry; hashes are printed in lower-case hexadecimal.","entries":[{"sequence":1,"at":"2026-09-21T14:13:20.123456Z","content_sha256":"406effb1e9c59672c66a598c2b21e331b23b16c54024e96d6df3e7c173549791","hash":"76ee8ead8cb920e10da08f7f7386cc3e44c03e49b887ddc536501d369c6cb067"},{"sequence":2,"at":"2026-09-21T14:13:20.123456Z","content_sha256":"200fc33c4aaa8e576bc431a96225061c7c9d98079bdf231a3a3e84f42791da99","hash":"0cdc5badf463fde6075b18c6cc97fcaedade49fd7a4848e8f47f2d701754628c"},{"sequence":3,"at":"2026-09-21T14:13:20.123456Z","content_sha256":"e3e4aec3737242616e0b3dd3a6c7eaaf3fe42746de7209e880dae8db335799cd","hash":"e5b12e15c1e2ab1a6bf116e25cf2e35c460ee2eb1c568b536287c83ded0e9c1a"}],"head_hash":"e5b12e15c1e2ab1a6bf116e25cf2e35c460ee2eb1c568b536287c83ded0e9c1a"}"#;

    #[test]
    fn evidence_that_was_issued_before_journals_were_sealed_verifies_and_is_written_as_it_was() {
        let issued: Journal = serde_json::from_str(ISSUED_BEFORE).unwrap();
        issued.verify().unwrap();
        assert_eq!(issued, journal());
        assert_eq!(serde_json::to_string(&issued).unwrap(), ISSUED_BEFORE);
    }
}
