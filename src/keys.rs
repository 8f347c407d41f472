//! The master key of a server and everything derived from it.
//!
//! One key of 32 random bytes protects what the server keeps: secrets inside records, its own tokens, its public URLs. Every use
//! has a purpose, and each purpose its own derived key, so that nothing made for one use is ever accepted in another. The master
//! key itself is not kept in memory beyond its extraction and shows nowhere: not in `Debug`, not in errors, not in logs.
//!
//! Losing the key makes journals and stored certificates unreadable and ends all tokens and URLs that were given out; it belongs in the backup.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use actors::journal::Sealer;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::private_files;

/// Length of the master key and of every derived key, in bytes.
pub const KEY_LEN: usize = 32;

/// Where the key is kept below the data folder when the configuration brings none.
const KEY_FILE: &str = "keys/master.key";

/// The longest key file that is read, in bytes; 32 bytes are 44 characters of base64.
const MAX_KEY_FILE: u64 = 256;

/// HKDF salt. Part of the stored data: another salt makes all sealed secrets unreadable.
const SALT: &[u8] = b"rubrica/master-key/v1";

/// First byte of everything sealed: AES-256-GCM with a random nonce of 96 bits in front of the cipher text.
const SEALED_V1: u8 = 1;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the master key must be base64 of exactly 32 bytes")]
    MasterKey,
    #[error("the master key file {} cannot be used: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("what was sealed is damaged, was sealed for something else, or with another master key")]
    Open,
    #[error("the system gives no randomness or no cipher")]
    Cryptography,
}

/// Derives, seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    prk: Prk,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// Tells HKDF how many bytes to give.
struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

impl Keys {
    /// Keys of a master key that is already at hand.
    pub fn from_bytes(master: &[u8; KEY_LEN]) -> Self {
        Self { prk: Salt::new(HKDF_SHA256, SALT).extract(master) }
    }

    /// Keys of a master key given in the configuration as base64 (RFC 4648 section 4, padded), so that several nodes share it.
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| Error::MasterKey)?;
        let master: [u8; KEY_LEN] = bytes.try_into().map_err(|_| Error::MasterKey)?;
        Ok(Self::from_bytes(&master))
    }

    /// Keys of the file `keys/master.key` below the data folder, which is made at the first start: base64 in one line, so that it
    /// can be moved into the configuration of several nodes as it stands. Readable by the owner only.
    pub fn load_or_create(data: &Path) -> Result<Self, Error> {
        let path = data.join(KEY_FILE);
        let text = read_or_create(&path).map_err(|cause| Error::File { path: path.clone(), cause })?;
        Self::of_file(path, &text)
    }

    /// As [`Keys::load_or_create`], but never makes the file: for what must not begin with a key of its own.
    pub fn load(data: &Path) -> Result<Self, Error> {
        let path = data.join(KEY_FILE);
        let text = read(&path).map_err(|cause| Error::File { path: path.clone(), cause })?;
        Self::of_file(path, &text)
    }

    fn of_file(path: PathBuf, text: &str) -> Result<Self, Error> {
        Self::from_base64(text).map_err(|_| Error::File {
            path,
            cause: io::Error::new(io::ErrorKind::InvalidData, "it is not base64 of exactly 32 bytes"),
        })
    }

    /// The key for one purpose (HKDF-SHA-256, RFC 5869). The same purpose always gives the same key.
    pub fn derive(&self, purpose: &str) -> [u8; KEY_LEN] {
        let mut key = [0; KEY_LEN];
        self.prk
            .expand(&[purpose.as_bytes()], KeyLength)
            .and_then(|okm| okm.fill(&mut key))
            .expect("HKDF-SHA-256 gives up to 8160 bytes and is asked for as many as the buffer holds");
        key
    }

    /// What wraps the keys of journals. Another purpose makes all journals unreadable.
    pub fn journals(&self) -> Sealer {
        Sealer::new(&self.derive("journals/wrap/v1"))
    }

    /// Seals a secret (AES-256-GCM, NIST SP 800-38D) so that it opens only with the same purpose and associated data, e.g. the
    /// organization and the record it belongs to. The nonce is random, hence one purpose should not seal more than 2^32 times.
    pub fn seal(&self, purpose: &str, associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| Error::Cryptography)?;
        let mut body = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
        body.extend_from_slice(plaintext);
        self.cipher(purpose)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated_data), &mut body)
            .map_err(|_| Error::Cryptography)?;
        Ok([&[SEALED_V1], nonce.as_slice(), &body].concat())
    }

    /// Opens what [`Keys::seal`] sealed for this purpose and associated data.
    pub fn open(&self, purpose: &str, associated_data: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let sealed = sealed.strip_prefix(&[SEALED_V1]).ok_or(Error::Open)?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Error::Open)?;
        let mut body = body.to_vec();
        let plaintext_len = self
            .cipher(purpose)?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated_data), &mut body)
            .map_err(|_| Error::Open)?
            .len();
        body.truncate(plaintext_len);
        Ok(body)
    }

    fn cipher(&self, purpose: &str) -> Result<LessSafeKey, Error> {
        let key = UnboundKey::new(&AES_256_GCM, &self.derive(purpose)).map_err(|_| Error::Cryptography)?;
        Ok(LessSafeKey::new(key))
    }
}

fn read_or_create(path: &Path) -> io::Result<String> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            // What counts is what stands in the file: another process may have been first.
            read(path)
        }
        other => other,
    }
}

fn read(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if metadata.len() > MAX_KEY_FILE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long for a key"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "the master key can be read by other users of this machine; chmod 600 it");
        }
    }
    fs::read_to_string(path)
}

/// Makes the key in a temporary file and gives it its name by a hard link: the name never stands for a half-written key, and,
/// unlike a rename, the link never replaces a key that another process made meanwhile.
fn create(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    private_files::create_folder(folder)?;
    let mut master = [0; KEY_LEN];
    rand::fill(&mut master).map_err(|_| io::Error::other("the system gives no randomness"))?;
    let mut suffix = [0; 8];
    rand::fill(&mut suffix).map_err(|_| io::Error::other("the system gives no randomness"))?;
    let temporary = folder.join(format!("master.key.{:016x}", u64::from_be_bytes(suffix)));

    let linked =
        write_private(&temporary, &format!("{}\n", STANDARD.encode(master))).and_then(|()| fs::hard_link(&temporary, path));
    let removed = fs::remove_file(&temporary);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    removed?;
    sync_folder(folder)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private_files::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes the new name durable; only Unix can (and needs to) sync a folder.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::from_bytes(&[7; KEY_LEN])
    }

    #[test]
    fn each_purpose_has_its_own_key() {
        assert_eq!(keys().derive("a"), keys().derive("a"));
        assert_ne!(keys().derive("a"), keys().derive("b"));
        assert_ne!(keys().derive("a"), Keys::from_bytes(&[8; KEY_LEN]).derive("a"));
        assert_ne!(keys().derive("a"), [7; KEY_LEN]);
    }

    #[test]
    fn a_sealed_secret_opens_only_for_its_purpose_and_place() {
        let sealed = keys().seal("certificate", b"acme", b"secret").unwrap();

        assert_eq!(keys().open("certificate", b"acme", &sealed).unwrap(), b"secret");
        assert!(matches!(keys().open("password", b"acme", &sealed), Err(Error::Open)));
        assert!(matches!(keys().open("certificate", b"other", &sealed), Err(Error::Open)));
        assert!(matches!(Keys::from_bytes(&[8; KEY_LEN]).open("certificate", b"acme", &sealed), Err(Error::Open)));
    }

    #[test]
    fn sealing_twice_never_gives_the_same_bytes() {
        assert_ne!(keys().seal("p", b"", b"secret").unwrap(), keys().seal("p", b"", b"secret").unwrap());
    }

    #[test]
    fn a_damaged_or_short_seal_is_refused() {
        let sealed = keys().seal("p", b"a", b"secret").unwrap();
        for position in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[position] ^= 1;
            assert!(matches!(keys().open("p", b"a", &damaged), Err(Error::Open)), "byte {position}");
        }
        for length in 0..sealed.len() {
            assert!(matches!(keys().open("p", b"a", &sealed[..length]), Err(Error::Open)), "length {length}");
        }
    }

    #[test]
    fn an_empty_secret_can_be_sealed() {
        let sealed = keys().seal("p", b"a", b"").unwrap();
        assert_eq!(keys().open("p", b"a", &sealed).unwrap(), b"");
    }

    #[test]
    fn the_key_file_is_made_once_and_read_afterwards() {
        let data = tempfile::tempdir().unwrap();
        let first = Keys::load_or_create(data.path()).unwrap();
        let second = Keys::load_or_create(data.path()).unwrap();

        assert_eq!(first.derive("x"), second.derive("x"));
        let names: Vec<_> = fs::read_dir(data.path().join("keys")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["master.key"], "no temporary file stays");
        let text = fs::read_to_string(data.path().join(KEY_FILE)).unwrap();
        assert_eq!(Keys::from_base64(&text).unwrap().derive("x"), first.derive("x"), "the text works in the configuration too");
    }

    #[cfg(unix)]
    #[test]
    fn the_key_file_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        Keys::load_or_create(data.path()).unwrap();
        let mode = fs::metadata(data.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_made_meanwhile_by_another_process_is_never_replaced() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(KEY_FILE);
        create(&path).unwrap();
        let before = fs::read_to_string(&path).unwrap();
        create(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }

    #[test]
    fn processes_that_start_together_agree_on_one_key() {
        let data = tempfile::tempdir().unwrap();
        let derived: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| Keys::load_or_create(data.path()).unwrap().derive("x"))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(derived.iter().all(|key| key == &derived[0]));
    }

    #[test]
    fn a_broken_key_file_is_reported_and_kept() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir_all(data.path().join("keys")).unwrap();
        for text in ["", "not base64", "c2hvcnQ=", &"A".repeat(1000)] {
            fs::write(data.path().join(KEY_FILE), text).unwrap();
            assert!(matches!(Keys::load_or_create(data.path()), Err(Error::File { .. })));
            assert_eq!(fs::read_to_string(data.path().join(KEY_FILE)).unwrap(), text);
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_not_made_by_loading_it() {
        let data = tempfile::tempdir().unwrap();
        assert!(matches!(Keys::load(data.path()), Err(Error::File { .. })));
        assert!(fs::read_dir(data.path()).unwrap().next().is_none());
        let made = Keys::load_or_create(data.path()).unwrap();
        assert_eq!(Keys::load(data.path()).unwrap().derive("x"), made.derive("x"));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", keys()), "Keys(..)");
    }
}
