//! RSASSA-PSS verification (RFC 8017 8.1.2) for any length of salt.
//!
//! The cryptographic library takes only salts as long as the digest; other programs also sign with the longest salt that fits.
//! Everything here is public data, so time need not be constant. Never use this with a private key.

use std::cmp::Ordering;

use aws_lc_rs::digest;

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
    let n = limbs(modulus);
    let s = limbs(signature);
    if compare(&s, &n) != Ordering::Less {
        return false;
    }
    let encoded = bytes(&power(&s, exponent, &n), modulus.len());
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

/// Little-endian limbs of 32 bits.
fn limbs(number: &[u8]) -> Vec<u32> {
    number.rchunks(4).map(|chunk| chunk.iter().fold(0, |limb, byte| limb << 8 | u32::from(*byte))).collect()
}

/// Big-endian bytes; `limbs` has no more than `length` of them.
fn bytes(limbs: &[u32], length: usize) -> Vec<u8> {
    let little_endian = limbs.iter().flat_map(|limb| limb.to_le_bytes());
    let mut bytes: Vec<u8> = little_endian.chain(std::iter::repeat(0)).take(length).collect();
    bytes.reverse();
    bytes
}

/// Both have the same number of limbs.
fn compare(a: &[u32], b: &[u32]) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

/// `base ^ exponent mod n`, by squaring; `base` is smaller than `n`.
fn power(base: &[u32], exponent: u64, n: &[u32]) -> Vec<u32> {
    let mut result = base.to_vec();
    // Below the highest bit of the exponent, which the base itself stands for. It is odd, so not zero.
    for bit in (0..exponent.ilog2()).rev() {
        result = product(&result, &result, n);
        if exponent >> bit & 1 == 1 {
            result = product(&result, base, n);
        }
    }
    result
}

/// `a * b mod n`, by doubling and adding; both are smaller than `n`.
fn product(a: &[u32], b: &[u32], n: &[u32]) -> Vec<u32> {
    let mut sum = vec![0; n.len()];
    for limb in b.iter().rev() {
        for bit in (0..32).rev() {
            let same = sum.clone();
            add(&mut sum, &same, n);
            if limb >> bit & 1 == 1 {
                add(&mut sum, a, n);
            }
        }
    }
    sum
}

/// `sum += a mod n`; both are smaller than `n`.
fn add(sum: &mut [u32], a: &[u32], n: &[u32]) {
    let mut carry = 0u64;
    for (limb, other) in sum.iter_mut().zip(a) {
        let total = u64::from(*limb) + u64::from(*other) + carry;
        *limb = total as u32;
        carry = total >> 32;
    }
    if carry == 0 && compare(sum, n) == Ordering::Less {
        return;
    }
    let mut borrow = 0i64;
    for (limb, other) in sum.iter_mut().zip(n) {
        let difference = i64::from(*limb) - i64::from(*other) + borrow;
        *limb = difference as u32;
        borrow = difference >> 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_arithmetic() {
        // 123456789^65537 mod 4294967291 * 65537, checked with another implementation.
        let n = limbs(&(4_294_967_291u64 * 65_537).to_be_bytes()[1..]);
        let mut base = limbs(&123_456_789u64.to_be_bytes()[1..]);
        base.resize(n.len(), 0);
        let mut expected = 1u128;
        for _ in 0..65_537 {
            expected = expected * 123_456_789 % (4_294_967_291u128 * 65_537);
        }
        let result = power(&base, 65_537, &n);
        let value = result.iter().rev().fold(0u128, |value, limb| value << 32 | u128::from(*limb));
        assert_eq!(value, expected);
    }

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
