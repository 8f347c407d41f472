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

/// The journal of one process, without the contents of its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The organization whose journal it is; part of the first hash.
    pub organization: String,
    /// The machine that wrote it, e.g. `sign_process`.
    pub kind: String,
    /// The process.
    pub id: Uuid,
    /// [`ALGORITHM`] at the time of writing.
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
    /// SHA-256 of the entry's JSON text exactly as the journal keeps it, lower-case hexadecimal.
    pub content_sha256: String,
    /// The chained hash, lower-case hexadecimal.
    pub hash: String,
}

impl Journal {
    /// Computes the chain over the entries of a journal, given as (moment, JSON text as kept) in their order from entry 1.
    pub fn chain<'a>(
        organization: &str,
        kind: &str,
        id: Uuid,
        entries: impl IntoIterator<Item = (DateTime<Utc>, &'a [u8])>,
    ) -> Self {
        let mut previous = genesis(organization, kind, id);
        let mut chained = Vec::new();
        for (sequence, (at, body)) in (1..).zip(entries) {
            let at = DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at);
            let content = digest(&SHA256, body);
            previous = link(previous.as_ref(), sequence, at, content.as_ref());
            chained.push(JournalEntry {
                sequence,
                at,
                content_sha256: HEXLOWER.encode(content.as_ref()),
                hash: HEXLOWER.encode(previous.as_ref()),
            });
        }
        Self {
            organization: organization.to_owned(),
            kind: kind.to_owned(),
            id,
            algorithm: ALGORITHM.to_owned(),
            entries: chained,
            head_hash: HEXLOWER.encode(previous.as_ref()),
        }
    }

    /// Computes the chain again from the entries' content hashes.
    ///
    /// # Errors
    /// [`Error::Malformed`] for another algorithm, [`Error::BrokenChain`] at the first entry that does not match.
    pub fn verify(&self) -> Result<(), Error> {
        if self.algorithm != ALGORITHM {
            return Err(Error::Malformed("the journal is chained by an algorithm that is not known here".to_owned()));
        }
        let mut previous = genesis(&self.organization, &self.kind, self.id);
        for (expected, entry) in (1..).zip(&self.entries) {
            let broken = Error::BrokenChain { sequence: expected };
            let Some(content) = unhex(&entry.content_sha256).filter(|_| entry.sequence == expected) else {
                return Err(broken);
            };
            previous = link(previous.as_ref(), entry.sequence, entry.at, &content);
            if HEXLOWER.encode(previous.as_ref()) != entry.hash {
                return Err(broken);
            }
        }
        if HEXLOWER.encode(previous.as_ref()) == self.head_hash { Ok(()) } else { Err(Error::BrokenChain { sequence: 0 }) }
    }
}

fn genesis(organization: &str, kind: &str, id: Uuid) -> Digest {
    let id = id.hyphenated().to_string();
    let text = ["rubrica-journal-chain/1", organization, kind, &id].join("\0");
    digest(&SHA256, text.as_bytes())
}

fn link(previous: &[u8], sequence: u64, at: DateTime<Utc>, content: &[u8]) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(previous);
    context.update(&sequence.to_be_bytes());
    context.update(&at.timestamp_micros().to_be_bytes());
    context.update(content);
    context.finish()
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
        changed.entries[1].content_sha256 = changed.entries[0].content_sha256.clone();
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
        garbled.entries[0].content_sha256 = "é".repeat(32);
        assert!(matches!(garbled.verify(), Err(Error::BrokenChain { sequence: 1 })));
    }

    #[test]
    fn the_chain_of_another_process_is_another() {
        let at = DateTime::UNIX_EPOCH;
        let one = Journal::chain("a", "bc", Uuid::nil(), [(at, b"x".as_slice())]);
        let two = Journal::chain("ab", "c", Uuid::nil(), [(at, b"x".as_slice())]);
        assert_ne!(one.head_hash, two.head_hash);
    }

    #[test]
    fn a_journal_without_entries_has_the_first_hash_as_its_head() {
        let empty = Journal::chain("a", "b", Uuid::nil(), []);
        empty.verify().unwrap();
        assert_eq!(empty.head_hash.len(), 64);
    }
}
