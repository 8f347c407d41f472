//! What an installation comes to: counts, and hashes that do not depend on the order in which an engine tells its contents.
//!
//! Each journal (with its entries), record (with its versions) and file has a SHA-256; those of a kind are added up as numbers modulo
//! 2^256. So anything lost, doubled or changed shows. It is made against mistakes and faults, not against a forger, who could write
//! another manifest as well; journals are proof against forgery by their own chain of hashes.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use store::{Entity, Listing, RecordKey, Standing, blobs::Digest};

use super::lines::{Item, sha256};

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    pub journals: u64,
    pub entries: u64,
    /// Journals that must be looked at some time.
    pub wake_ups: u64,
    pub records: u64,
    pub versions: u64,
    pub files: u64,
    pub file_bytes: u64,
    /// Of journals, their entries, their keys, and whether they are listed. Wake-ups are not in it: they are hints, and an engine may keep an earlier one.
    pub journals_sum: Digest,
    pub records_sum: Digest,
    pub files_sum: Digest,
}

/// Counts and adds up. Takes items in any order, but entries after their journal and versions after their record.
#[derive(Default)]
pub struct Tally {
    counts: [u64; 7],
    journals: Sum,
    records: Sum,
    files: Sum,
    heads: Sum,
    open: Option<Open>,
}

/// What entries or versions still belong to.
enum Open {
    Journal(Hash),
    Record(Hash),
}

impl Tally {
    pub fn take(&mut self, item: Item<'_>) {
        let [journals, entries, wake_ups, records, versions, files, file_bytes] = &mut self.counts;
        match item {
            Item::Journal(standing) => {
                *journals += 1;
                *wake_ups += u64::from(standing.wake.is_some());
                self.close();
                let hash = Hash::new("journal").entity(&standing.entity);
                self.heads.add(hash.clone().number(standing.head).end());
                self.open = Some(Open::Journal(hash.slots(standing)));
            }
            Item::Entry(entry) => {
                *entries += 1;
                if let Some(Open::Journal(hash)) = &mut self.open {
                    let next = hash.clone().number(entry.seq).instant(entry.at).bytes(entry.commit_id.as_bytes());
                    *hash = next.bytes(&entry.body);
                }
            }
            Item::Record(key, version) => {
                *records += 1;
                self.close();
                let hash = Hash::new("record").key(key);
                self.heads.add(hash.clone().number(version).end());
                self.open = Some(Open::Record(hash));
            }
            Item::Version(record) => {
                *versions += 1;
                if let Some(Open::Record(hash)) = &mut self.open {
                    *hash = hash.clone().number(record.version).instant(record.at).bytes(&record.body);
                }
            }
            Item::File(organization, digest, length) => {
                *files += 1;
                *file_bytes += length;
                self.close();
                self.files.add(Hash::new("file").bytes(organization.as_bytes()).bytes(digest.as_bytes()).number(length).end());
            }
        }
    }

    /// Which journals and records there are and how far each has come; two that are equal came to the same.
    pub fn heads(&self) -> (u64, u64, Digest) {
        (self.counts[0], self.counts[3], self.heads.digest())
    }

    pub fn contents(mut self) -> Contents {
        self.close();
        let [journals, entries, wake_ups, records, versions, files, file_bytes] = self.counts;
        Contents {
            journals,
            entries,
            wake_ups,
            records,
            versions,
            files,
            file_bytes,
            journals_sum: self.journals.digest(),
            records_sum: self.records.digest(),
            files_sum: self.files.digest(),
        }
    }

    fn close(&mut self) {
        match self.open.take() {
            Some(Open::Journal(hash)) => self.journals.add(hash.end()),
            Some(Open::Record(hash)) => self.records.add(hash.end()),
            None => {}
        }
    }
}

/// A SHA-256 over fields, each with its length before it, so that no two lists of fields look alike.
#[derive(Clone)]
struct Hash(digest::Context);

impl Hash {
    fn new(what: &str) -> Self {
        Self(digest::Context::new(&digest::SHA256)).bytes(what.as_bytes())
    }

    fn entity(self, entity: &Entity) -> Self {
        self.bytes(entity.organization.as_bytes()).bytes(entity.kind.as_bytes()).bytes(entity.id.as_bytes())
    }

    /// Nothing of a journal that has neither, as in exports of format 1.
    fn slots(self, standing: &Standing) -> Self {
        let hash = match &standing.key {
            Some(key) => self.bytes(b"key").bytes(key),
            None => self,
        };
        match standing.listing {
            Listing::Listed => hash,
            Listing::Unlisted => hash.bytes(b"unlisted"),
            Listing::Removed => hash.bytes(b"removed"),
        }
    }

    fn key(self, key: &RecordKey) -> Self {
        self.bytes(key.organization.as_bytes()).bytes(key.collection.as_bytes()).bytes(key.key.as_bytes())
    }

    fn number(self, number: u64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn instant(self, at: store::Timestamp) -> Self {
        self.bytes(&at.timestamp_micros().to_be_bytes())
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    fn end(self) -> Digest {
        sha256(self.0)
    }
}

/// A sum modulo 2^256, most significant byte first.
#[derive(Default)]
struct Sum([u8; 32]);

impl Sum {
    fn add(&mut self, digest: Digest) {
        let mut carry = 0;
        for (own, other) in self.0.iter_mut().zip(digest.as_bytes()).rev() {
            let sum = u16::from(*own) + u16::from(*other) + carry;
            *own = (sum & 0xff) as u8;
            carry = sum >> 8;
        }
    }

    fn digest(&self) -> Digest {
        Digest::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_carries_and_has_no_order() {
        let number = |last: [u8; 2]| {
            let mut bytes = [0; 32];
            bytes[30..].copy_from_slice(&last);
            Digest::from(bytes)
        };
        let sum = |numbers: &[Digest]| {
            let mut sum = Sum::default();
            numbers.iter().for_each(|number| sum.add(*number));
            sum.digest()
        };
        assert_eq!(sum(&[number([0, 0xff]), number([0, 2])]), number([1, 1]));
        assert_eq!(sum(&[Digest::from([0xff; 32]), number([0, 1])]), Digest::from([0; 32]));
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        assert_eq!(sum(&[one, two]), sum(&[two, one]));
        assert_ne!(sum(&[one, two]), sum(&[one, one]));
    }
}
