//! Writes sealed samples and the roots of their certificates to a folder, for validators other than our own:
//! `cargo run -p documents --features fixtures --example seal_sample -- FOLDER`.
//!
//! Each line it prints is `FILE ROOT NUMBER-OF-SIGNATURES`, as `tests/outside/validate_signatures.py` wants it. Signatures by hand are in the
//! files `hand_*.pdf`, which `tests/outside/by_hand.py` looks at.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use chrono::{TimeZone, Utc};
use documents::pkcs12::Identity;
use documents::seal::{Request, seal};
use documents::{Handwriting, Ink, escrow, fixtures, handwriting};

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
    let mut samples = vec![
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
    samples.extend(by_hand(&development, &rsa, folder)?);
    for (name, identity, pdf, requests) in samples {
        let sealed = folder.join(format!("{name}.pdf"));
        let root = folder.join(format!("{name}.pem"));
        std::fs::write(&sealed, seal(&pdf, identity, &requests)?.pdf)?;
        std::fs::write(&root, pem(identity.certificates().last().ok_or("no root")?))?;
        println!("{} {} {}", sealed.display(), root.display(), requests.len());
    }
    Ok(())
}

type Sample<'a> = (&'static str, &'a Identity, Vec<u8>, Vec<Request>);

/// Fields of all sizes and ways up: a usual one, a tiny, a flat, a narrow and a huge one, a square, and two that are turned by themselves.
const BOXES: [(&str, [i64; 4], Option<i64>); 8] = [
    ("usual", [40, 700, 240, 750], None),
    ("tiny", [300, 720, 330, 732], None),
    ("flat", [40, 660, 500, 674], None),
    ("narrow", [540, 420, 556, 640], None),
    ("huge", [40, 60, 520, 360], None),
    ("square", [40, 400, 150, 510], None),
    ("left", [200, 400, 260, 600], Some(90)),
    ("over", [300, 520, 500, 580], Some(180)),
];

/// Signatures by hand, between others: with ink, with a picture, without a field, in fields of all sizes and on turned pages. The envelopes
/// of `hand_between.pdf` are real, and `holder.pem` and `holder.key` open them.
fn by_hand<'a>(first: &'a Identity, second: &'a Identity, folder: &Path) -> Result<Vec<Sample<'a>>, Box<dyn Error>> {
    let pair = escrow::new_pair("Notaría Güell", "Notaría Güell, S.L.P.", escrow::Kind::P256, Utc::now())?;
    std::fs::write(folder.join("holder.pem"), &pair.certificate_pem)?;
    std::fs::write(folder.join("holder.key"), pair.private_key_pem.as_bytes())?;
    let holder = escrow::Recipient::read(pair.certificate_pem.as_bytes())?;
    let envelope = escrow::seal(b"what only its holder reads", &[holder], escrow::ContentEncryption::default())?;
    let written = |field: &str, name: &str, handwriting: &Arc<Handwriting>| Request {
        handwriting: Some(Arc::clone(handwriting)),
        ..visible(field, name)
    };
    let (ana, jon) = (fixtures::handwriting(1), fixtures::handwriting(2));
    let real = |handwriting: &Handwriting| Arc::new(Handwriting { envelope: envelope.clone(), ..handwriting.clone() });
    let (ana_real, jon_real) = (real(&ana), real(&jon));
    let drawn = Handwriting { ink: None, picture: Some(picture(&ana)?), ..Handwriting::clone(&ana) };
    let drawn = Arc::new(drawn);
    let without_field = Request { handwriting: Some(Arc::clone(&ana)), ..invisible("Ana Pons") };
    let between = |ana: &Arc<Handwriting>, jon: &Arc<Handwriting>| {
        vec![
            visible("A", "Notaría Güell"),
            written("B", "Ana Pons Ferrer", ana),
            invisible("Jon Etxeberría"),
            written("C", "Jon Etxeberría", jon),
            written("D", "Ana Pons Ferrer", ana),
        ]
    };
    let fields = ["A", "B", "C", "D"];
    let in_boxes = |handwriting| BOXES.map(|(name, ..)| written(name, "Maria Assumpció Güell i Ferrándiz", handwriting)).to_vec();
    Ok(vec![
        ("hand_between", first, fixtures::contract(&fields), between(&ana_real, &jon_real)),
        ("hand_stream", second, fixtures::with_xref_stream(&fields), between(&ana, &jon)),
        ("hand_without_field", first, fixtures::contract(&[]), vec![invisible("Jon Etxeberría"), without_field]),
        ("hand_boxes_0", first, fixtures::boxes(&BOXES, 0), in_boxes(&ana)),
        ("hand_boxes_90", second, fixtures::boxes(&BOXES, 90), in_boxes(&ana)),
        ("hand_boxes_180", first, fixtures::boxes(&BOXES, 180), in_boxes(&ana)),
        ("hand_boxes_270", first, fixtures::boxes(&BOXES, 270), in_boxes(&ana)),
        ("hand_pictures_0", first, fixtures::boxes(&BOXES, 0), in_boxes(&drawn)),
        ("hand_pictures_90", first, fixtures::boxes(&BOXES, 90), in_boxes(&drawn)),
    ])
}

/// The ink as a canvas gives it: dark blue on nothing, with much room around it.
fn picture(handwriting: &Handwriting) -> Result<documents::forms::Picture, Box<dyn Error>> {
    const SIDE: usize = 700;
    let Ink { strokes, .. } = handwriting.ink.clone().unwrap_or_default();
    let mut pixels = vec![[13, 23, 77, 0]; SIDE * SIDE];
    let lines = strokes.iter().flat_map(|stroke| stroke.windows(2));
    for (line, step) in lines.flat_map(|line| (0..32).map(move |step| (line, step as f32 / 32.0))) {
        let between = |from: f32, to: f32| (from + (to - from) * step) as usize;
        let (x, y) = (between(line[0].x, line[1].x), 200 + between(line[0].y, line[1].y));
        for (x, y) in (0..49).map(|n| (x + n % 7, y + n / 7)).filter(|(x, y)| *x < SIDE && *y < SIDE) {
            pixels[y * SIDE + x][3] = u8::MAX;
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header()?.write_image_data(pixels.as_flattened())?;
    Ok(handwriting::picture(&file)?)
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
