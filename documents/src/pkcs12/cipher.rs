//! Password-based encryption of key files: PKCS #12's own schemes (RFC 7292 appendix C) and PBES2 (RFC 8018 6.2).

use aws_lc_rs::cipher::{self as aws, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit, block_padding::Pkcs7};
use der::asn1::AnyRef;
use des::TdesEde3;
use rc2::Rc2;
use spki::AlgorithmIdentifierRef;

use super::kdf::{self, Budget, Cost, Kdf, Purpose};
use super::password::Passwords;
use super::{Error, names, unreadable, unsupported};
use crate::asn1::{self, OCTET_STRING, ber};

/// A block cipher in CBC mode with PKCS #7 padding.
#[derive(Clone, Copy)]
enum Cipher {
    TripleDes,
    /// The first key is used for the third step too.
    TripleDesOfTwoKeys,
    /// With as many effective bits as the key has.
    Rc2 {
        key_length: usize,
    },
    Aes {
        algorithm: &'static aws::Algorithm,
        key_length: usize,
    },
}

/// How something is encrypted: where the key comes from and what it is for.
pub(super) struct Scheme<'a> {
    kdf: Kdf<'a>,
    cipher: Cipher,
    /// `None`: derived like the key.
    initial_vector: Option<&'a [u8]>,
}

impl<'a> Scheme<'a> {
    /// Reads the `AlgorithmIdentifier` of something encrypted.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub(super) fn read(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, Error> {
        let cipher = match algorithm.oid {
            names::PBES2 => return Self::read_pbes2(algorithm),
            names::PBE_3DES_3KEY => Cipher::TripleDes,
            names::PBE_3DES_2KEY => Cipher::TripleDesOfTwoKeys,
            names::PBE_RC2_128 => Cipher::Rc2 { key_length: 16 },
            names::PBE_RC2_40 => Cipher::Rc2 { key_length: 5 },
            other => return Err(unsupported("encryption", other)),
        };
        let [salt, iterations] = pair(algorithm.parameters)?;
        let kdf = Kdf::pkcs12(&digest::SHA1_FOR_LEGACY_USE_ONLY, salt.value(), kdf::count(&iterations)?)?;
        Ok(Self { kdf, cipher, initial_vector: None })
    }

    fn read_pbes2(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, Error> {
        let [derivation, encryption] = pair(algorithm.parameters)?;
        let kdf = Kdf::read(&derivation.decode_as().map_err(|_| unreadable())?)?;
        let encryption: AlgorithmIdentifierRef<'a> = encryption.decode_as().map_err(|_| unreadable())?;
        let parameters = encryption.parameters.ok_or_else(unreadable)?;
        let (cipher, vector) = match encryption.oid {
            names::AES_128_CBC => (Cipher::Aes { algorithm: &aws::AES_128, key_length: 16 }, parameters),
            names::AES_192_CBC => (Cipher::Aes { algorithm: &aws::AES_192, key_length: 24 }, parameters),
            names::AES_256_CBC => (Cipher::Aes { algorithm: &aws::AES_256, key_length: 32 }, parameters),
            names::DES_EDE3_CBC => (Cipher::TripleDes, parameters),
            names::RC2_CBC => {
                let [version, vector] = pair(Some(parameters))?;
                (Cipher::Rc2 { key_length: rc2_key_length(&version)? }, vector)
            }
            other => return Err(unsupported("encryption", other)),
        };
        let fits = kdf.key_length().is_none_or(|length| length == cipher.key_length());
        if !fits || asn1::tag(&vector) != OCTET_STRING || vector.value().len() != cipher.block_length() {
            return Err(unreadable());
        }
        Ok(Self { kdf, cipher, initial_vector: Some(vector.value()) })
    }

    /// What one attempt to decrypt takes.
    pub(super) fn cost(&self) -> Cost {
        let key = self.kdf.cost(self.cipher.key_length());
        let vector = match self.initial_vector {
            Some(_) => Cost::default(),
            None => self.kdf.cost(self.cipher.block_length()),
        };
        key + vector
    }

    /// Decrypts a structure in BER or DER and gives its DER.
    ///
    /// # Errors
    /// [`Error::WrongPassword`] where no encoding of the password gives a structure, [`Error::TooExpensive`].
    pub(super) fn decrypt(&self, data: &[u8], passwords: &Passwords, budget: &mut Budget) -> Result<Vec<u8>, Error> {
        for (index, password) in self.kdf.passwords(passwords).iter().enumerate() {
            match budget.charge(self.cost()) {
                // The file itself is affordable; only the further guesses at the encoding are not.
                Err(_) if index > 0 => break,
                paid => paid?,
            }
            let key = self.kdf.derive(Purpose::Encryption, password, self.cipher.key_length())?;
            let vector = match self.initial_vector {
                Some(vector) => vector.to_vec(),
                None => self.kdf.derive(Purpose::InitialVector, password, self.cipher.block_length())?,
            };
            let decrypted = self.cipher.decrypt(&key, &vector, data);
            if let Some(der) = decrypted.and_then(|decrypted| ber::to_der(&decrypted).ok()) {
                return Ok(der);
            }
        }
        Err(Error::WrongPassword)
    }
}

impl Cipher {
    fn key_length(self) -> usize {
        match self {
            Self::TripleDes => 24,
            Self::TripleDesOfTwoKeys => 16,
            Self::Rc2 { key_length } | Self::Aes { key_length, .. } => key_length,
        }
    }

    fn block_length(self) -> usize {
        match self {
            Self::TripleDes | Self::TripleDesOfTwoKeys | Self::Rc2 { .. } => 8,
            Self::Aes { algorithm, .. } => algorithm.block_len(),
        }
    }

    /// `None` where the padding is wrong, as a wrong key leaves it.
    fn decrypt(self, key: &[u8], vector: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::TripleDes => decrypt_cbc(TdesEde3::new_from_slice(key).ok()?, vector, data),
            Self::TripleDesOfTwoKeys => {
                let key = [key, key.get(..8)?].concat();
                decrypt_cbc(TdesEde3::new_from_slice(&key).ok()?, vector, data)
            }
            Self::Rc2 { key_length } => decrypt_cbc(Rc2::new_with_eff_key_len(key, key_length * 8), vector, data),
            Self::Aes { algorithm, .. } => {
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
                let vector: &[u8; 16] = vector.try_into().ok()?;
                let mut data = data.to_vec();
                let decrypted = key.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(vector))).ok()?;
                Some(decrypted.to_vec())
            }
        }
    }
}

fn decrypt_cbc<C: BlockCipherDecrypt>(cipher: C, vector: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let vector = vector.try_into().ok()?;
    let mut data = data.to_vec();
    let decrypted = cbc::Decryptor::inner_iv_init(cipher, vector).decrypt_padded::<Pkcs7>(&mut data).ok()?;
    Some(decrypted.to_vec())
}

/// RC2's "version" stands for its effective bits (RFC 8018 B.2.3), here those of the usual key lengths.
fn rc2_key_length(version: &AnyRef<'_>) -> Result<usize, Error> {
    match version.decode_as::<u32>() {
        Ok(160) => Ok(5),
        Ok(120) => Ok(8),
        Ok(58) => Ok(16),
        _ => Err(unreadable()),
    }
}

fn pair(parameters: Option<AnyRef<'_>>) -> Result<[AnyRef<'_>; 2], Error> {
    let fields = asn1::elements(parameters.ok_or_else(unreadable)?.value()).map_err(|_| unreadable())?;
    fields.try_into().map_err(|_| unreadable())
}
