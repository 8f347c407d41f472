//! Made-up evidence for tests and for the example: a small process and one that needs many pages.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use uuid::Uuid;

use super::*;

const ORGANIZATION: &str = "acme-seguros";

/// Minutes after the beginning of the sample, at a tenant in Madrid.
fn minute(minutes: i64) -> Moment {
    let start: DateTime<Utc> = DateTime::from_timestamp(1_793_000_000, 123_456_000).unwrap_or_default();
    let madrid = FixedOffset::east_opt(3600);
    madrid.map_or_else(
        || Moment::in_utc(start),
        |madrid| Moment::new(start + TimeDelta::minutes(minutes), madrid, Some("Europe/Madrid")),
    )
}

/// A SHA-256 of something.
fn digest(number: usize) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &number.to_be_bytes());
    HEXLOWER.encode(digest.as_ref())
}

fn id(kind: u16, number: usize) -> Uuid {
    Uuid::from_fields(0x0196_5a2e, kind, 0x7c4d, &(0x9a31_5be2_70c4_d800_u64 + number as u64).to_be_bytes())
}

fn device(number: usize) -> Device {
    Device {
        ip: Some(format!("203.0.113.{}", 10 + number)),
        user_agent: Some("Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1".to_owned()),
        installation_id: Some(id(0x11, number).to_string()),
        fingerprint: Some(digest(number + 40)[..32].to_owned()),
        location: Some("40.4168,-3.7038".to_owned()),
    }
}

/// The first code arrived; the second did not, and went out again by e-mail, on which the link had come.
fn challenge(number: u32, minutes: i64) -> Challenge {
    let failed = number > 1;
    let by_sms = Delivery {
        at: minute(minutes),
        provider: "sms-gateway".to_owned(),
        message_id: Some(format!("SM{}", &digest(number as usize)[..32])),
        outcome: "SENT".to_owned(),
        channel: Some("SMS".to_owned()),
        destination: None,
        sender: Some("Acme".to_owned()),
        channel_of_link: false,
        fate: Some(if failed { "FAILED" } else { "DELIVERED" }.to_owned()),
        receipts: vec![Receipt { at: minute(minutes + 1), status: if failed { "undelivered" } else { "delivered" }.to_owned() }],
    };
    let by_mail = failed.then(|| Delivery {
        at: minute(minutes + 1),
        provider: "SMTP".to_owned(),
        message_id: None,
        outcome: "SENT".to_owned(),
        channel: Some("EMAIL".to_owned()),
        destination: Some(mask::email("ana@example.com")),
        sender: None,
        channel_of_link: true,
        fate: Some("DELIVERED".to_owned()),
        receipts: Vec::new(),
    });
    Challenge {
        number,
        requested_at: minute(minutes),
        expires_at: Some(minute(minutes + 5)),
        attempts: Some(1),
        number_checks: vec![
            NumberCheck { check: "SIM_SWAP".to_owned(), max_age_hours: Some(72), outcome: "PASSED".to_owned(), detail: None },
            NumberCheck {
                check: "KYC_MATCH".to_owned(),
                max_age_hours: None,
                outcome: "UNANSWERED".to_owned(),
                detail: Some("it did not answer in time".to_owned()),
            },
        ],
        fate: Some("DELIVERED".to_owned()),
        deliveries: std::iter::once(by_sms).chain(by_mail).collect(),
    }
}

fn signer(number: usize, name: &str, last_name: &str) -> Signer {
    let minutes = 10 * number as i64;
    Signer {
        alias: format!("signer_{number}"),
        name: name.to_owned(),
        last_name: Some(last_name.to_owned()),
        email: Some(mask::email(&format!("{}@example.com", name.to_lowercase()))),
        phone: Some(mask::phone(Some("34"), "600123456")),
        document_type: Some("NIF".to_owned()),
        document_number: Some(mask::document_number("12345678Z")),
        contact_origin: Some("typed_by_signer".to_owned()),
        language: Some("ES".to_owned()),
        identification: Some(Identification {
            id: id(0x22, number),
            kind: "OTP".to_owned(),
            state: "SUCCEEDED".to_owned(),
            channel: Some("SMS".to_owned()),
            external: None,
            destination: Some(mask::phone(Some("34"), "600123456")),
            two_factor_type: Some("DOCUMENT_NUMBER".to_owned()),
            agent: None,
            attempts: 2,
            challenges: vec![challenge(1, minutes), challenge(2, minutes + 2)],
            scoring: None,
            created_at: Some(minute(0)),
            validated_at: Some(minute(minutes + 3)),
            device: Some(device(number)),
            proofs: Vec::new(),
            second_proof: Some(SecondProof {
                kind: "CONTACT_CHECK".to_owned(),
                at: Some(minute(minutes + 1)),
                by: Some("clerk-7@acme-seguros.example".to_owned()),
                reason: Some("Llamada al número de la póliza anterior".to_owned()),
            }),
            link_on_same_channel: Some(true),
        }),
        sign_id: Some(id(0x33, number)),
        sign_status: Some("SUCCEEDED".to_owned()),
        preview_at: Some(minute(minutes + 4)),
        signed_at: Some(minute(minutes + 6)),
        consent_text: Some("He leído los documentos y acepto firmarlos electrónicamente; la firma tiene para mí los mismos efectos que la manuscrita.".to_owned()),
        handwriting: None,
        device: Some(device(number)),
        preview_device: None,
    }
}

fn document(number: usize, name: &str, aliases: &[String]) -> Document {
    Document {
        id: id(0x44, number),
        name: name.to_owned(),
        pages: Some(3 + number as u32),
        size: 184_320 + 991 * number as u64,
        sha256: digest(number),
        active_content: Some(ActiveContent { javascript: 2, xfa: true, ..ActiveContent::default() }),
        versions: Vec::new(),
        sealed: Some(SealedDocument {
            id: id(0x55, number),
            size: 212_481,
            sha256: digest(number + 9),
            pages_compared: Some(PagesCompared { compared: 20, of: 24 }),
        }),
        sign_fields: aliases
            .iter()
            .map(|alias| SignFields { signer: alias.clone(), fields: vec![format!("SIGNATURE_{}", alias.to_uppercase())] })
            .collect(),
        contract: (number == 0).then(|| Contract {
            id: id(0x77, number),
            template: "poliza_hogar".to_owned(),
            version: "2.1".to_owned(),
        }),
    }
}

fn journal() -> Journal {
    let content = |n: u8| JournalContent::sealed(&[n + 1; 32], Some(&[n; 32]));
    Journal::of(ORGANIZATION, "sign_process", id(0x66, 0), (0..4).map(|n| (minute(i64::from(n)).utc(), content(n))))
}

fn timeline(entries: usize) -> Vec<TimelineEntry> {
    let steps = [
        (Action::ProcessCreated, "sistema de pólizas", None),
        (Action::CodeSent, "Rubrica", Some("SMS +34 ***456, sms-gateway SM1d2c3b4a")),
        (Action::WrongAnswer, "signer_1", Some("quedan 2 intentos")),
        (Action::IdentificationValidated, "signer_1", Some("OTP + DOCUMENT_NUMBER, 203.0.113.11")),
        (Action::DocumentsShown, "signer_1", None),
        (Action::Signed, "signer_1", Some("SIGNATURE_SIGNER_1")),
        (Action::DocumentSealed, "Rubrica", Some("poliza-hogar-2026.pdf")),
    ];
    (0..entries)
        .zip(steps.into_iter().cycle())
        .map(|(number, (what, actor, details))| TimelineEntry {
            at: minute(number as i64),
            actor: actor.to_owned(),
            what,
            details: details.map(str::to_owned),
            journal: Some(JournalPosition { id: id(0x66, 0), sequence: number as u64 + 1, hash: digest(number + 17) }),
        })
        .collect()
}

/// How the identity document of a signer was checked: once without a result, then with one.
fn scoring(number: usize) -> Scoring {
    let image = |side: &str, of: usize| Image { side: side.to_owned(), size: 283_114, sha256: digest(of) };
    let attempt = |number: u32| ScoringAttempt {
        number,
        begun_at: minute(i64::from(number)),
        ended_at: Some(minute(i64::from(number) + 1)),
        delegated: false,
        provider_id: Some(format!("provider-request-{number}")),
        images: vec![image("FRONT", 60 + number as usize), image("BACK", 70 + number as usize)],
        fail_reason: None,
        global_score: None,
        passing: None,
        checks: Vec::new(),
    };
    let check = |kind: &str, score: &str, fraud: bool, note: &str| Check {
        kind: kind.to_owned(),
        score: score.to_owned(),
        fraud,
        note: Some(note.to_owned()),
    };
    Scoring {
        session: id(0x88, number),
        state: "SUCCEEDED".to_owned(),
        provider: "INTERNAL".to_owned(),
        level: Some("HIGH".to_owned()),
        attempts: vec![
            ScoringAttempt { fail_reason: Some("IMAGE_UNREADABLE".to_owned()), ..attempt(1) },
            ScoringAttempt {
                global_score: Some("0.9312".to_owned()),
                passing: Some(true),
                checks: vec![
                    check("MRZ_CONTROL_DIGIT", "1", false, "Check digits agree; names and nationality have none."),
                    check("PHOTOCOPY", "0.41", true, "Little colour; says nothing of a colour copy."),
                ],
                ..attempt(2)
            },
        ],
    }
}

/// A signature on a tablet, and one that an agent let pass though the client encrypted it for an expired certificate as well.
fn handwriting(number: usize) -> Handwriting {
    let figure = |(name, value, unit): (&str, &str, Option<&str>)| Figure {
        name: name.to_owned(),
        value: value.to_owned(),
        unit: unit.map(str::to_owned),
    };
    let figures = [
        ("strokes", "3", None),
        ("points", "490", None),
        ("distinct_positions", "412", None),
        ("duration", "2.613", Some("s")),
        ("width", "431", Some("px")),
        ("height", "126", Some("px")),
        ("width_of_pad", "71.8", Some("%")),
        ("height_of_pad", "63", Some("%")),
        ("spread", "24.1", Some("%")),
        ("length_of_diagonal", "671.2", Some("%")),
        ("turning", "76.04", Some("rad")),
        ("rate", "200", Some("Hz")),
        ("gaps", "1.2", Some("%")),
        ("speed_variation", "40.3", Some("%")),
    ];
    let fingerprint = |of: usize, size| Fingerprint { size, sha256: digest(of) };
    let holder = |name: &str, of: usize, expired: bool| Holder {
        subject: format!("CN={name},O=Notaría Ejemplo,C=ES"),
        issuer: "CN=Autoridad de Certificación de Ejemplo,C=ES".to_owned(),
        serial: digest(of)[..16].to_owned(),
        sha256: digest(of + 1),
        not_after: minute(if expired { -500 } else { 900_000 }).utc(),
        expired,
    };
    let inspected = Handwriting {
        format: "rubrica-strokes-1".to_owned(),
        pointer: Some("pen".to_owned()),
        has_pressure: Some(true),
        figures: figures.map(figure).to_vec(),
        marks: vec!["low_rate".to_owned(), "gaps".to_owned()],
        sample: fingerprint(100 + number, 20_480),
        image: Some(fingerprint(110 + number, 18_233)),
        envelope: fingerprint(120 + number, 21_311),
        content_encryption: "AES-256-GCM".to_owned(),
        holders: vec![holder("Depósito de firmas biométricas", 130, false)],
        ..Handwriting::default()
    };
    if number == 1 {
        return inspected;
    }
    Handwriting {
        format: "cms".to_owned(),
        pointer: None,
        has_pressure: None,
        figures: Vec::new(),
        marks: Vec::new(),
        overridden: vec!["distinct_positions".to_owned(), "duration".to_owned()],
        overridden_by: Some("tienda-28/mrodriguez".to_owned()),
        image: None,
        content_encryption: "AES-256-CBC".to_owned(),
        holders: vec![holder("Depósito antiguo", 140, true), holder("Depósito de firmas biométricas", 130, false)],
        ..inspected
    }
}

/// Two signers, one document, one document only shown, nine events.
pub fn small() -> Evidence {
    let mut signers = vec![signer(1, "María José", "Núñez Echevarría"), signer(2, "Jürgen", "Großmann")];
    if let Some(identification) = &mut signers[0].identification {
        identification.scoring = Some(scoring(1));
    }
    let aliases: Vec<String> = signers.iter().map(|signer| signer.alias.clone()).collect();
    signers[1].identification = Some(by_an_agent(2));
    for (number, signer) in (1..).zip(&mut signers) {
        signer.handwriting = Some(handwriting(number));
    }
    Evidence {
        format: FORMAT.to_owned(),
        software: Software { name: "Rubrica".to_owned(), version: "0.1.0".to_owned() },
        generated_at: minute(40),
        tenant: Tenant { organization_id: ORGANIZATION.to_owned(), name: Some("Acme Seguros y Reaseguros, S.A.".to_owned()) },
        process: Process {
            id: id(0x66, 0),
            sign_type: "BIOMETRIC".to_owned(),
            status: "SIGNED".to_owned(),
            created_at: minute(0),
            expires_at: Some(minute(43_200)),
            signed_at: Some(minute(26)),
        },
        documents: vec![document(1, "poliza-hogar-2026.pdf", &aliases)],
        signers,
        preview_documents: vec![PreviewDocument {
            id: id(0x77, 1),
            name: "condiciones-generales.pdf".to_owned(),
            pages: Some(24),
            size: 1_482_007,
            sha256: digest(31),
            active_content: Some(ActiveContent { embedded_files: 7, ..ActiveContent::default() }),
        }],
        timeline: timeline(9),
        journals: vec![journal()],
        sealing_certificate: Some(SealingCertificate {
            subject: "CN=Acme Seguros y Reaseguros,O=Acme,C=ES".to_owned(),
            issuer: "CN=Autoridad de Certificación de Ejemplo,C=ES".to_owned(),
            serial: "4f3a9c0012d7e6".to_owned(),
            sha256: digest(77),
            not_before: minute(-100_000).utc(),
            not_after: minute(900_000).utc(),
        }),
    }
}

/// How an agent identified somebody.
fn by_an_agent(number: usize) -> Identification {
    let proof = |kind: &str, of: usize| Proof { kind: kind.to_owned(), size: 283_114, sha256: digest(of) };
    Identification {
        id: id(0x22, number),
        kind: "AGENT".to_owned(),
        state: "SUCCEEDED".to_owned(),
        channel: None,
        external: None,
        destination: None,
        two_factor_type: None,
        agent: Some("tienda-28/mrodriguez".to_owned()),
        attempts: 0,
        challenges: Vec::new(),
        scoring: None,
        created_at: Some(minute(0)),
        validated_at: Some(minute(13)),
        device: Some(device(number)),
        proofs: vec![proof("DOCUMENT_PICTURE", 50), proof("PICTURE_READING", 51)],
        second_proof: None,
        link_on_same_channel: None,
    }
}

/// Ten signers, five documents with long names, three hundred events.
pub fn large() -> Evidence {
    let mut evidence = small();
    let names = [
        ("María del Carmen Guadalupe", "Fernández de Córdoba y Álvarez de Toledo"),
        ("Γεώργιος", "Παπαδόπουλος"),
        ("Екатерина", "Жуковская"),
        ("Karl-Theodor Maria Nikolaus Johann Jacob Philipp Franz Joseph Sylvester", "Buhl-Freiherr von und zu Guttenberg"),
        ("山田", "太郎"),
        ("Itziar", "Etxeberriagaraikoetxea Zumalakarregi"),
        ("Łukasz", "Wiśniewski"),
        ("Ştefan", "Țurcanu"),
        ("Àngels", "Gil·labert i Puigdomènech"),
        ("Xoán", "Castiñeiras Ñíguez"),
    ];
    evidence.signers = (1..).zip(names).map(|(number, (name, last_name))| signer(number, name, last_name)).collect();
    let aliases: Vec<String> = evidence.signers.iter().map(|signer| signer.alias.clone()).collect();
    evidence.documents = (1..=5)
        .map(|number| {
            let name = format!("contrato_marco_de_prestacion_de_servicios_y_tratamiento_de_datos_personales_anexo-{number}_version-definitiva.pdf");
            document(number, &name, &aliases)
        })
        .collect();
    evidence.documents[0].versions =
        vec![DocumentVersion { at: minute(16), reason: "signer_1".to_owned(), size: 190_000, sha256: digest(91) }];
    evidence.timeline = timeline(300);
    evidence.process.sign_type = "SIMPLE".to_owned();
    evidence
}
