//! What reading one file may cost: a few times its size, whatever it claims about itself.

use std::time::{Duration, Instant};

/// Indirection, arrays and dictionaries inside one another. Real files stay under 30.
pub(crate) const MAX_DEPTH: usize = 100;
/// Values (numbers, names, strings, lists, entries of tables) of one file: one for so many of its bytes, and so many in any case.
/// One takes about 120 bytes of memory. Of 1,269 real files none has more than 17,000 and one for 25 bytes.
const BYTES_PER_VALUE: usize = 20;
const MIN_VALUES: usize = 150_000;
const MAX_VALUES: usize = 1_500_000;
/// Bytes that are read, as a multiple of the file's size: each byte once for its object, and again for look-ahead, spans
/// of older revisions and cross-references.
const READS_OF_A_BYTE: u64 = 6;
/// Bytes that streams of objects and cross-references unpack to: as a multiple of the file's size, and in any case.
const UNPACKED_PER_BYTE: u64 = 10;
const MIN_UNPACKED: u64 = 16 * 1024 * 1024;
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;
/// How long reading one file may take. An ordinary file takes milliseconds, one of 50 MB less than a second.
const MAX_DURATION: Duration = Duration::from_secs(10);
/// Reads between two looks at the clock.
const READS_PER_LOOK: u32 = 64;

/// A limit that a file went beyond, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted(pub(crate) &'static str);

/// What is left to spend on a file.
#[derive(Debug)]
pub(crate) struct Budget {
    read: u64,
    unpacked: u64,
    values: usize,
    until: Instant,
    looks: u32,
}

impl Budget {
    /// The budget of a file of `size` bytes, from now on.
    pub(crate) fn new(size: usize) -> Self {
        let size = size as u64;
        Self {
            read: READS_OF_A_BYTE * size + 64 * 1024,
            unpacked: (UNPACKED_PER_BYTE * size).clamp(MIN_UNPACKED, MAX_UNPACKED),
            values: (size as usize / BYTES_PER_VALUE + MIN_VALUES).min(MAX_VALUES),
            until: Instant::now() + MAX_DURATION,
            looks: 0,
        }
    }

    /// Pays for bytes that were read.
    pub(crate) fn read(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.read = self.read.checked_sub(bytes as u64).ok_or(OVERLAP)?;
        self.looks = self.looks.wrapping_add(1);
        let too_long = self.looks.is_multiple_of(READS_PER_LOOK) && Instant::now() >= self.until;
        if too_long { Err(Exhausted("it takes too long to read")) } else { Ok(()) }
    }

    /// Pays for one value.
    pub(crate) fn value(&mut self) -> Result<(), Exhausted> {
        self.values = self.values.checked_sub(1).ok_or(Exhausted("it holds too many values"))?;
        Ok(())
    }

    /// Bytes that may still be unpacked.
    pub(crate) fn left_to_unpack(&self) -> usize {
        // At most `MAX_UNPACKED`.
        self.unpacked as usize
    }

    /// Pays for bytes that were unpacked.
    pub(crate) fn unpack(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.unpacked = self.unpacked.checked_sub(bytes as u64).ok_or(TOO_MUCH_UNPACKED)?;
        // They are read next.
        self.read += 3 * bytes as u64;
        Ok(())
    }
}

const OVERLAP: Exhausted = Exhausted("its parts overlap: the same bytes are used again and again");
pub(crate) const TOO_MUCH_UNPACKED: Exhausted = Exhausted("it unpacks to far more than a file of its size should");
