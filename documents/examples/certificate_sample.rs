//! Writes a sample certificate: `certificate_sample PATH [ES|EN|CA|EU|GL|DE] [large]`. The evidence in it is signed by a key made on the
//! spot; the PDF itself is not sealed.

use std::error::Error as StdError;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use documents::certificate::*;

#[path = "../src/certificate/samples.rs"]
mod samples;

fn main() -> Result<(), Box<dyn StdError>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: certificate_sample PATH [LANGUAGE] [large]")?;
    let language = arguments.next().unwrap_or_else(|| "ES".to_owned());
    let language = Language::parse(&language).ok_or("the language must be one of ES, EN, CA, EU, GL, DE")?;
    let evidence = if arguments.next().is_some() { samples::large() } else { samples::small() };

    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let chain = vec![rcgen::CertificateParams::new(Vec::new())?.self_signed(&key)?.der().to_vec()];
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der())?;
    let signer = |input: &[u8]| {
        let signature = pair.sign(&SystemRandom::new(), input).map_err(|error| error.to_string())?;
        Ok(signature.as_ref().to_vec())
    };
    let signed = SignedEvidence::sign(&evidence, Algorithm::for_certificate(&chain[0])?, &chain, &signer)?;
    std::fs::write(&path, render(&evidence, language, &signed.attachment())?)?;
    println!("{path}");
    Ok(())
}
