//! RSASSA-PSS verification (RFC 8017 8.1.2) for any length of salt.
//!
//! The cryptographic library takes only salts as long as the digest; other programs also sign with the longest salt that fits.
//! Everything here is public data, so time need not be constant. Never use this with a private key.

use aws_lc_rs::digest;
use num_bigint::BigUint;

/// The largest modulus, in bytes, and the largest public exponent, in bits: both bound the time (well under a second).
const MAX_MODULUS_BYTES: usize = 1024;
const MAX_EXPONENT_BITS: u32 = 33;

/// Whether `signature` is a PSS signature over `message`, with MGF1 on the same digest. Numbers are big-endian.
pub(super) fn verify(
    (modulus, exponent): (&[u8], &[u8]),
    algorithm: &'static digest::Algorithm,
    salt_length: usize,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let modulus = without_leading_zeros(modulus);
    let exponent = without_leading_zeros(exponent).iter().try_fold(0u64, |sum, byte| {
        let next = sum.checked_mul(256)? | u64::from(*byte);
        (next < 1 << MAX_EXPONENT_BITS).then_some(next)
    });
    let Some(exponent) = exponent.filter(|exponent| exponent % 2 == 1) else { return false };
    if modulus.len() > MAX_MODULUS_BYTES || signature.len() != modulus.len() || modulus.last().is_none_or(|byte| byte % 2 == 0) {
        return false;
    }
    let (n, s) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(signature));
    if s >= n {
        return false;
    }
    let number = s.modpow(&exponent.into(), &n).to_bytes_be();
    let mut encoded = vec![0; modulus.len() - number.len()];
    encoded.extend(number);
    let modulus_bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
    is_encoded(&encoded, modulus_bits - 1, algorithm, salt_length, message)
}

/// EMSA-PSS-VERIFY (RFC 8017 9.1.2).
fn is_encoded(encoded: &[u8], bits: usize, algorithm: &'static digest::Algorithm, salt_length: usize, message: &[u8]) -> bool {
    let length = bits.div_ceil(8);
    // Where the modulus has a multiple of eight bits plus one, the encoding is one byte shorter than the modulus.
    let (surplus, encoded) = encoded.split_at(encoded.len() - length);
    let digest_length = algorithm.output_len();
    let Some(padding_length) = length.checked_sub(digest_length + salt_length + 2) else { return false };
    if surplus.iter().any(|byte| *byte != 0) || encoded.last() != Some(&0xbc) {
        return false;
    }
    let (masked, rest) = encoded.split_at(length - digest_length - 1);
    let hash = &rest[..digest_length];
    let mut block: Vec<u8> = masked.iter().zip(mask(algorithm, hash, masked.len())).map(|(a, b)| a ^ b).collect();
    let unused_bits = 8 * length - bits;
    if unused_bits > 0 && masked[0] >> (8 - unused_bits) != 0 {
        return false;
    }
    block[0] &= 0xff >> unused_bits;
    let (padding, salt) = block.split_at(padding_length + 1);
    if padding[..padding_length].iter().any(|byte| *byte != 0) || padding[padding_length] != 1 {
        return false;
    }
    let mut context = digest::Context::new(algorithm);
    context.update(&[0; 8]);
    context.update(digest::digest(algorithm, message).as_ref());
    context.update(salt);
    context.finish().as_ref() == hash
}

/// MGF1 (RFC 8017 B.2.1).
fn mask(algorithm: &'static digest::Algorithm, seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(length + algorithm.output_len());
    let mut counter = 0u32;
    while mask.len() < length {
        let block = [seed, &counter.to_be_bytes()].concat();
        mask.extend_from_slice(digest::digest(algorithm, &block).as_ref());
        counter += 1;
    }
    mask.truncate(length);
    mask
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[first..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_and_rubbish_are_refused() {
        let algorithm = &digest::SHA256;
        for (modulus, exponent, signature) in
            [(&[][..], &[3][..], &[][..]), (&[5], &[3], &[2]), (&[4; 128], &[1, 0, 1], &[1; 128]), (&[255; 256], &[2], &[1; 256])]
        {
            assert!(!verify((modulus, exponent), algorithm, 32, b"message", signature));
        }
        assert!(!verify((&[255; 256], &[1, 0, 1]), algorithm, usize::MAX - 100, b"message", &[1; 256]));
    }
}
