use super::super::layout::{CONTENT_BOTTOM, MAX_PAGES};
use super::super::samples;
use super::*;

fn all_texts(pages: &Pages) -> String {
    let text = |mark: &Mark| match mark {
        Mark::Text { piece, .. } => Some(piece.text.clone()),
        Mark::Box { .. } => None,
    };
    pages.pages.iter().flatten().filter_map(text).collect::<Vec<_>>().join(" ")
}

fn assert_nothing_overflows(pages: &Pages) {
    for mark in pages.pages.iter().flatten() {
        match mark {
            Mark::Text { x, baseline, style, piece } => {
                let (text, end) = (&piece.text, x + points(piece, *style));
                assert!(*x >= MARGIN && end <= PAGE_WIDTH - MARGIN + 0.1, "{text:?} ends at {end}");
                assert!(*baseline > 20.0 && *baseline < PAGE_HEIGHT - 30.0, "{text:?} at {baseline}");
            }
            Mark::Box { x, y, width, height, .. } => {
                assert!(*x >= MARGIN - 0.1 && x + width <= PAGE_WIDTH - MARGIN + 0.1);
                assert!(*y > 0.0 && y + height <= PAGE_HEIGHT);
            }
        }
    }
}

#[test]
fn nothing_runs_over_the_margins_in_any_language() {
    for language in Language::ALL {
        assert_nothing_overflows(&compose(&samples::small(), language).unwrap());
        assert_nothing_overflows(&compose(&samples::large(), language).unwrap());
    }
}

#[test]
fn long_values_are_wrapped_and_kept_whole() {
    let mut evidence = samples::small();
    evidence.signers[0].name = "Maximiliana ".repeat(30);
    evidence.signers[0].consent_text = Some("x".repeat(5000));
    evidence.signers[0].device.as_mut().unwrap().user_agent = Some("Mozilla/5.0 ".repeat(100));
    evidence.tenant.name = Some("W".repeat(400));
    evidence.documents[0].name = "contract".repeat(60);
    evidence.process.status = "AN_UNKNOWN_STATUS_".repeat(10);
    let pages = compose(&evidence, Language::De).unwrap();
    assert_nothing_overflows(&pages);
    let texts: String = all_texts(&pages).split_whitespace().collect();
    assert!(texts.contains(&"x".repeat(400)));
    assert!(texts.contains(&"W".repeat(100)));
    assert!(texts.contains("contractcontract"));
}

#[test]
fn columns_do_not_run_into_one_another() {
    let pages = compose(&samples::large(), Language::De).unwrap();
    for page in &pages.pages {
        let mut lines: Vec<(f32, f32, f32, &str)> = Vec::new();
        for mark in page {
            if let Mark::Text { x, baseline, style, piece } = mark {
                lines.push((*baseline, *x, x + points(piece, *style), &piece.text));
            }
        }
        lines.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for pair in lines.windows(2) {
            let ((base, _, end, left), (next_base, start, _, text)) = (pair[0], pair[1]);
            assert!(base != next_base || start >= end, "{left:?} runs into {text:?}");
        }
    }
}

#[test]
fn no_heading_stands_alone_at_the_foot_of_a_page() {
    // One more line of text moves every heading by one: each comes to the foot of a page once.
    let mut evidence = samples::small();
    for lines in 0..90 {
        evidence.signers[0].consent_text = Some("line\n".repeat(lines));
        for page in compose(&evidence, Language::En).unwrap().pages {
            let content = page.iter().filter_map(|mark| match mark {
                Mark::Text { baseline, style, .. } if *style != MARGINAL => Some((*baseline, *style)),
                _ => None,
            });
            let (_, lowest) = content.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            assert_ne!(lowest, SECTION, "{lines} lines");
            assert_ne!(lowest, Style::HEAD, "{lines} lines");
        }
    }
}

#[test]
fn content_stays_above_the_footer() {
    let pages = compose(&samples::large(), Language::Eu).unwrap();
    let low = pages.pages.iter().flatten().filter_map(|mark| match mark {
        Mark::Text { baseline, style, .. } if *style != MARGINAL => Some(*baseline),
        _ => None,
    });
    assert!(low.fold(0.0, f32::max) <= CONTENT_BOTTOM);
}

#[test]
fn every_page_says_its_number_and_the_total() {
    let pages = compose(&samples::large(), Language::En).unwrap();
    let total = pages.pages.len();
    assert!(total > 10 && total < MAX_PAGES);
    for (index, page) in pages.pages.iter().enumerate() {
        let number = format!("Page {} of {total}", index + 1);
        assert!(page.iter().any(|mark| matches!(mark, Mark::Text { piece, .. } if piece.text == number)));
    }
}

#[test]
fn all_that_is_known_is_printed() {
    let evidence = samples::small();
    let texts = all_texts(&compose(&evidence, Language::En).unwrap());
    let squeezed: String = texts.split_whitespace().collect();
    let expect = |value: &str| {
        let value: String = clean(value).split_whitespace().collect();
        assert!(squeezed.contains(&value), "{value} is missing");
    };
    expect(&evidence.process.id.to_string());
    for signer in &evidence.signers {
        expect(&signer.name);
        expect(signer.email.as_deref().unwrap_or_default());
        expect(signer.consent_text.as_deref().unwrap_or_default());
        expect(signer.document_number.as_deref().unwrap_or_default());
        let device = signer.device.as_ref().unwrap();
        for value in [&device.ip, &device.user_agent, &device.installation_id, &device.fingerprint, &device.location] {
            expect(value.as_deref().unwrap_or_default());
        }
        for attempt in signer.identification.as_ref().unwrap().scoring.iter().flat_map(|scoring| &scoring.attempts) {
            expect(attempt.global_score.as_deref().or(attempt.fail_reason.as_deref()).unwrap_or_default());
            expect(attempt.provider_id.as_deref().unwrap_or_default());
            attempt.images.iter().for_each(|image| expect(&image.sha256));
            for check in &attempt.checks {
                expect(&format!("{} · {}", check.kind, check.score));
                expect(check.note.as_deref().unwrap_or_default());
            }
        }
        expect(signer.identification.as_ref().unwrap().agent.as_deref().unwrap_or_default());
        for proof in &signer.identification.as_ref().unwrap().proofs {
            expect(&proof.sha256);
        }
        let handwriting = signer.handwriting.as_ref().unwrap();
        expect(&handwriting.format);
        for fingerprint in [Some(&handwriting.sample), handwriting.image.as_ref(), Some(&handwriting.envelope)] {
            expect(fingerprint.map_or("", |fingerprint| &fingerprint.sha256));
        }
        for holder in &handwriting.holders {
            [&holder.subject, &holder.issuer, &holder.serial, &holder.sha256].into_iter().for_each(|value| expect(value));
        }
        handwriting.figures.iter().for_each(|figure| expect(&figure.value));
        if let Some(proof) = &signer.identification.as_ref().unwrap().second_proof {
            expect(proof.reason.as_deref().unwrap());
            expect(proof.by.as_deref().unwrap());
        }
        for challenge in &signer.identification.as_ref().unwrap().challenges {
            for delivery in &challenge.deliveries {
                expect(delivery.message_id.as_deref().unwrap_or_default());
                delivery.receipts.iter().for_each(|receipt| expect(&receipt.status));
                expect(delivery.destination.as_deref().unwrap_or_default());
                expect(delivery.sender.as_deref().unwrap_or_default());
                expect(&texts::word(delivery.fate.as_deref().unwrap_or_default(), Language::En));
            }
        }
    }
    for document in &evidence.documents {
        expect(&document.sha256);
        expect(&document.sealed.as_ref().unwrap().sha256);
    }
    expect(&evidence.preview_documents[0].sha256);
    expect("Active content – JavaScript: 2 · XFA form");
    expect("Active content – embedded files: 7");
    expect(&evidence.journals[0].head_hash);
    expect(&evidence.timeline[0].journal.as_ref().unwrap().hash);
    expect(&evidence.sealing_certificate.as_ref().unwrap().subject);
    expect("Origin of the contact Given by the signer");
    expect("Channel of the link The same as that of the code");
    expect("Operator of the number: SIM change (72 h) · no objection");
    expect("Operator of the number: holder · no answer – it did not answer in time");
    expect("rubrica-strokes-1 · pen · with pressure");
    expect("duration 2.613 s · width 431 px");
    expect("Remarks: low sampling rate, gaps");
    expect("Encrypted by the client; not inspected");
    expect("Accepted by tienda-28/mrodriguez in spite of: distinct positions, duration");
    expect("Encrypted envelope in each document (AES-256-CBC)");
    expect("expired when it was signed");
    expect("rubrica verify");
}

#[test]
fn evidence_beyond_the_bound_is_refused() {
    let mut evidence = samples::small();
    evidence.signers[0].consent_text = Some("word ".repeat(500_000));
    assert!(matches!(compose(&evidence, Language::Es), Err(Error::TooLong)));
}
