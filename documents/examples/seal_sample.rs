//! Writes sealed samples and the roots of their certificates to a folder, for validators other than our own:
//! `cargo run -p documents --features fixtures --example seal_sample -- FOLDER`.
//!
//! Each line it prints is `FILE ROOT NUMBER-OF-SIGNATURES`, as `tests/outside/validate_signatures.py` wants it.

use std::error::Error;
use std::path::Path;

use base64::Engine;
use chrono::{TimeZone, Utc};
use documents::fixtures;
use documents::pkcs12::Identity;
use documents::seal::{Request, seal};

const PASSWORD: &str = "password";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("a folder is needed")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let development = Identity::development("Rubrica development seal", "Serveis Güell, S.L.", Utc::now(), PASSWORD)?;
    let development = Identity::open(&development, PASSWORD, Utc::now())?;
    let rsa = Identity::open(include_bytes!("../fixtures/rsa2048-rc2-40.p12"), PASSWORD, Utc::now())?;
    let p384 = Identity::open(include_bytes!("../fixtures/p384-aes256.p12"), PASSWORD, Utc::now())?;
    let fields = ["SIGNATURE_SELLER", "SIGNATURE_BUYER"];
    let both = [visible(fields[0], "Núria Güell i Ferrándiz"), visible(fields[1], "Юлия Соколова-Etxeberría")];
    let inherited = [visible("signers.first", "Ana Pons"), visible("signers.second", "Jörg Weiß")];
    let samples = [
        ("rsa", &rsa, fixtures::contract(&[]), vec![invisible("Ana Pons")]),
        ("ecdsa", &development, fixtures::contract(&[]), vec![invisible("Ana Pons")]),
        ("p384", &p384, fixtures::contract(&[]), vec![invisible("Ana Pons"), invisible("Jon Etxeberría")]),
        ("two_fields", &development, fixtures::contract(&fields), both.to_vec()),
        (
            "visible_and_invisible",
            &rsa,
            fixtures::contract(&fields),
            vec![both[0].clone(), invisible("Ana Pons"), both[1].clone()],
        ),
        ("xref_stream", &rsa, fixtures::with_xref_stream(&fields), vec![both[1].clone(), invisible("Ana Pons"), both[0].clone()]),
        ("inherited", &development, fixtures::inherited_type(), inherited.to_vec()),
        ("rotated_90", &development, fixtures::rotated(&fields, 90), both.to_vec()),
        ("rotated_180", &development, fixtures::rotated(&fields, 180), both.to_vec()),
        ("rotated_270", &rsa, fixtures::rotated(&fields, 270), both.to_vec()),
    ];
    for (name, identity, pdf, requests) in samples {
        let sealed = folder.join(format!("{name}.pdf"));
        let root = folder.join(format!("{name}.pem"));
        std::fs::write(&sealed, seal(&pdf, identity, &requests)?.pdf)?;
        std::fs::write(&root, pem(identity.certificates().last().ok_or("no root")?))?;
        println!("{} {} {}", sealed.display(), root.display(), requests.len());
    }
    Ok(())
}

fn invisible(name: &str) -> Request {
    Request {
        field: None,
        signer_name: name.to_owned(),
        at: Utc.timestamp_opt(Utc::now().timestamp(), 0).single().unwrap_or_default(),
        reason: "I agree to the contract".to_owned(),
        location: Some("Barcelona".to_owned()),
        appearance_lines: None,
        handwriting: None,
    }
}

fn visible(field: &str, name: &str) -> Request {
    Request { field: Some(field.to_owned()), ..invisible(name) }
}

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<String> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
