//! The signers: who they are, how each was identified, and from which devices they acted.

use super::super::evidence::{
    Challenge, Check, Device, Identification, Image, Proof, Scoring, ScoringAttempt, SecondProof, Signer,
};
use super::super::font::{clean, shorten};
use super::super::format::{grouped, moment, utc};
use super::super::layout::{ACCENT, CONTENT_WIDTH, INK, MARGIN, PAGE_WIDTH, PANEL, Style};
use super::super::table::{Cell, Table};
use super::super::texts::{self, Language};
use super::{Composer, full_name, points, status_color};
use crate::certificate::Error;
use crate::text::Look;

const NAME: Style = Style { look: Look::Bold, size: 9.5, color: INK };

impl Composer {
    pub(super) fn signers(&mut self, signers: &[Signer]) -> Result<(), Error> {
        self.section(&texts::SIGNERS)?;
        for (number, signer) in (1..).zip(signers) {
            if number > 1 {
                self.pages.skip(10.0);
            }
            self.signer(number, signer)?;
        }
        Ok(())
    }

    fn signer(&mut self, number: usize, signer: &Signer) -> Result<(), Error> {
        self.pages.ensure(110.0)?;
        let name = full_name(signer);
        self.bar(&format!("{number}. {}", clean(&name)), signer.sign_status.as_deref());

        let mut facts = Vec::new();
        if name_is_long(&name) {
            facts.push((self.say(&texts::NAME), Cell::of(Style::BODY, &name)));
        }
        facts.push((self.say(&texts::ALIAS), Cell::of(Style::BODY, &signer.alias)));
        let identity_document = self.identity_document(signer);
        let texts_of = |phrase, value: &Option<String>| value.as_ref().map(|value| (phrase, Cell::of(Style::BODY, value)));
        facts.extend(identity_document.map(|cell| (self.say(&texts::IDENTITY_DOCUMENT), cell)));
        facts.extend(texts_of(self.say(&texts::EMAIL), &signer.email));
        facts.extend(texts_of(self.say(&texts::PHONE), &signer.phone));
        let origin = signer.contact_origin.as_deref().map(|origin| Cell::of(Style::BODY, &self.word(origin)));
        facts.extend(origin.map(|cell| (self.say(&texts::CONTACT_ORIGIN), cell)));
        facts.extend(texts_of(self.say(&texts::LANGUAGE), &signer.language));
        facts.extend(signer.sign_id.map(|id| (self.say(&texts::SIGNATURE), Cell::of(Style::MONO, &id.to_string()))));
        facts.extend(signer.preview_at.as_ref().map(|at| (self.say(&texts::SHOWN), moment(at))));
        facts.extend(signer.signed_at.as_ref().map(|at| (self.say(&texts::SIGNED), moment(at))));
        if let Some(identification) = &signer.identification {
            facts.extend(self.identification(identification));
        }
        self.facts(facts)?;
        if let Some(identification) = &signer.identification {
            self.challenges(&identification.challenges)?;
            self.scoring(identification.scoring.as_ref())?;
            self.proofs(&identification.proofs)?;
        }
        let consent = signer.consent_text.as_ref().map(|text| (self.say(&texts::CONSENT), Cell::of(Style::BODY, text)));
        self.wide_facts(consent.into_iter().collect())?;
        self.handwriting(signer.handwriting.as_ref())?;
        let identifying = signer.identification.as_ref().and_then(|identification| identification.device.as_ref());
        self.devices(signer, identifying)
    }

    /// A panel with a signer's name and the state of the signature.
    fn bar(&mut self, name: &str, status: Option<&str>) {
        let y = self.pages.y;
        self.pages.filled(MARGIN, y, CONTENT_WIDTH, 20.0, PANEL);
        self.pages.filled(MARGIN, y, 2.4, 20.0, ACCENT);
        let mut room = CONTENT_WIDTH - 20.0;
        if let Some(status) = status {
            let style = Style { look: Look::Bold, size: 8.0, color: status_color(status) };
            let word = shorten(&clean(&self.word(status)), style, 120.0);
            let width = points(&word, style);
            self.pages.piece(PAGE_WIDTH - MARGIN - 9.0 - width, y + 4.4, style, word);
            room -= width + 12.0;
        }
        self.pages.piece(MARGIN + 10.0, y + 3.6, NAME, shorten(name, NAME, room));
        self.pages.y += 24.0;
    }

    fn identity_document(&self, signer: &Signer) -> Option<Cell> {
        let kind = signer.document_type.as_deref().map(|kind| self.word(kind));
        let parts: Vec<&str> = [kind.as_deref(), signer.document_number.as_deref()].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| Cell::of(Style::BODY, &parts.join(" ")))
    }

    fn identification(&self, identification: &Identification) -> Vec<(&'static str, Cell)> {
        let kind = format!("{} · {}", self.word(&identification.kind), self.word(&identification.state));
        let mut facts = vec![(
            self.say(&texts::IDENTIFICATION),
            Cell::of(Style::BODY, &kind).and(Style::MONO_SMALL, &identification.id.to_string()),
        )];
        let channel = identification.channel.as_deref().map(|channel| self.word(channel));
        if channel.is_some() || identification.destination.is_some() {
            let external = identification.external == Some(true);
            let cell = Cell::of(Style::BODY, channel.as_deref().unwrap_or_default())
                .and(Style::BODY, identification.destination.as_deref().unwrap_or_default())
                .and(Style::SMALL, if external { self.say(&texts::BY_THE_TENANT) } else { "" });
            facts.push((self.say(&texts::CHANNEL), cell));
        }
        let factor = identification.two_factor_type.as_deref().map(|factor| Cell::of(Style::BODY, &self.word(factor)));
        facts.extend(factor.map(|cell| (self.say(&texts::SECOND_FACTOR), cell)));
        facts
            .extend(identification.second_proof.as_ref().map(|proof| (self.say(&texts::SECOND_PROOF), self.second_proof(proof))));
        facts.extend(identification.link_on_same_channel.map(|same| {
            let told = if same { &texts::SAME_CHANNEL } else { &texts::OTHER_CHANNEL };
            (self.say(&texts::LINK_CHANNEL), Cell::of(Style::BODY, self.say(told)))
        }));
        let agent = identification.agent.as_deref().map(|agent| Cell::of(Style::BODY, agent));
        facts.extend(agent.map(|cell| (self.say(&texts::VOUCHED_BY), cell)));
        if identification.attempts > 0 {
            facts.push((self.say(&texts::ATTEMPTS), Cell::of(Style::BODY, &identification.attempts.to_string())));
        }
        facts.extend(identification.validated_at.as_ref().map(|at| (self.say(&texts::VALIDATED), moment(at))));
        facts
    }

    fn second_proof(&self, proof: &SecondProof) -> Cell {
        let kind = match proof.kind.as_str() {
            "CONTACT_CHECK" => self.say(&texts::CONTACT_CHECK),
            "CHAIN" => self.say(&texts::CHAIN_PROOF),
            "NEEDED" => self.say(&texts::SECOND_PROOF_NEEDED),
            other => other,
        };
        Cell::of(Style::BODY, kind)
            .and(Style::BODY, proof.reason.as_deref().unwrap_or_default())
            .and(Style::SMALL, proof.by.as_deref().unwrap_or_default())
            .and(Style::SMALL, &proof.at.as_ref().map(utc).unwrap_or_default())
    }

    fn challenges(&mut self, challenges: &[Challenge]) -> Result<(), Error> {
        if challenges.is_empty() {
            return Ok(());
        }
        self.pages.skip(3.0);
        let columns = [&texts::CODE, &texts::REQUESTED, &texts::VALID_UNTIL, &texts::ATTEMPTS, &texts::DELIVERY];
        let titles = columns.map(|phrase| self.say(phrase)).to_vec();
        let language = self.language;
        let rows = challenges.iter().map(|challenge| {
            vec![
                Cell::of(Style::BODY, &challenge.number.to_string()),
                moment(&challenge.requested_at),
                challenge.expires_at.as_ref().map(moment).unwrap_or_default(),
                challenge.attempts.map(|attempts| Cell::of(Style::BODY, &attempts.to_string())).unwrap_or_default(),
                deliveries(challenge, language),
            ]
        });
        let widths = [40.0, 118.0, 118.0, 48.0, CONTENT_WIDTH - 324.0];
        Table { widths: &widths, titles, ruled: true }.draw(&mut self.pages, rows)?;
        self.pages.skip(3.0);
        Ok(())
    }

    /// How an identity document was checked: each attempt with its images and checks.
    fn scoring(&mut self, scoring: Option<&Scoring>) -> Result<(), Error> {
        let Some(scoring) = scoring else { return Ok(()) };
        let by: Vec<&str> = [Some(scoring.provider.as_str()), scoring.level.as_deref()].into_iter().flatten().collect();
        let state = self.word(&scoring.state);
        let told = Cell::of(Style::BODY, &format!("{} · {state}", by.join(" · ")));
        let told = told.and(Style::MONO_SMALL, &scoring.session.to_string());
        self.wide_facts(vec![(self.say(&texts::CHECKED_BY), told)])?;
        let columns = [&texts::ATTEMPT, &texts::BEGUN, &texts::RESULT, &texts::CHECKS];
        let titles = columns.map(|phrase| self.say(phrase)).to_vec();
        let row = |attempt: &ScoringAttempt| {
            vec![
                Cell::of(Style::BODY, &attempt.number.to_string()),
                moment(&attempt.begun_at),
                self.result(attempt),
                self.checks(attempt),
            ]
        };
        let rows: Vec<_> = scoring.attempts.iter().map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.pages.skip(3.0);
        let widths = [48.0, 118.0, 110.0, CONTENT_WIDTH - 276.0];
        Table { widths: &widths, titles, ruled: true }.draw(&mut self.pages, rows)?;
        self.pages.skip(3.0);
        Ok(())
    }

    fn result(&self, attempt: &ScoringAttempt) -> Cell {
        let judged = match attempt.passing {
            Some(true) => self.say(&texts::PASSED),
            Some(false) => self.say(&texts::NOT_PASSED),
            None => "",
        };
        Cell::of(Style::BODY, judged)
            .and(Style::BODY, attempt.global_score.as_deref().unwrap_or_default())
            .and(Style::BODY, attempt.fail_reason.as_deref().unwrap_or_default())
            .and(Style::SMALL, if attempt.delegated { self.say(&texts::SCORING_DELEGATED) } else { "" })
            .and(Style::MONO_SMALL, attempt.provider_id.as_deref().unwrap_or_default())
    }

    fn checks(&self, attempt: &ScoringAttempt) -> Cell {
        let check = |cell: Cell, check: &Check| {
            let fraud = if check.fraud { format!(" · {}", self.say(&texts::POINTS_TO_FRAUD)) } else { String::new() };
            let told = cell.and(Style::BODY, &format!("{} · {}{fraud}", check.kind, check.score));
            told.and(Style::SMALL, check.note.as_deref().unwrap_or_default())
        };
        let image = |cell: Cell, image: &Image| {
            let side = self.say(if image.side == "BACK" { &texts::BACK } else { &texts::FRONT });
            let told = cell.and(Style::LABEL, &format!("{side} · {}", self.extent(None, image.size)));
            told.and(Style::MONO_SMALL, &grouped(&image.sha256))
        };
        attempt.images.iter().fold(attempt.checks.iter().fold(Cell::new(), check), image)
    }

    /// Files that were given as proof, each with its hash.
    fn proofs(&mut self, proofs: &[Proof]) -> Result<(), Error> {
        let cell = |cell: Cell, proof: &Proof| {
            let label = format!("{} · {}", self.word(&proof.kind), self.extent(None, proof.size));
            cell.and(Style::LABEL, &label).and(Style::MONO, &grouped(&proof.sha256))
        };
        if proofs.is_empty() {
            return Ok(());
        }
        let told = proofs.iter().fold(Cell::new(), cell);
        self.wide_facts(vec![(self.say(&texts::PROOFS), told)])
    }

    fn devices(&mut self, signer: &Signer, identifying: Option<&Device>) -> Result<(), Error> {
        let devices = [
            (self.say(&texts::IDENTIFYING_DEVICE), identifying),
            (self.say(&texts::SHOWING_DEVICE), signer.preview_device.as_ref()),
            (self.say(&texts::SIGNING_DEVICE), signer.device.as_ref()),
        ];
        // The same device three times says it once, with the names of the three moments.
        let mut told: Vec<(String, &Device)> = Vec::new();
        for (label, device) in devices {
            let Some(device) = device else { continue };
            match told.iter_mut().find(|(_, known)| *known == device) {
                Some((labels, _)) => {
                    labels.push_str(" · ");
                    labels.push_str(label);
                }
                None => told.push((label.to_owned(), device)),
            }
        }
        for (labels, device) in told {
            let rows = [
                (self.say(&texts::IP), Style::MONO, &device.ip),
                (self.say(&texts::LOCATION), Style::BODY, &device.location),
                (self.say(&texts::INSTALLATION), Style::MONO, &device.installation_id),
                (self.say(&texts::FINGERPRINT), Style::MONO, &device.fingerprint),
            ];
            let known = |(label, style, value): (&'static str, Style, &Option<String>)| {
                value.as_ref().map(|value| (label, Cell::of(style, value)))
            };
            self.pages.ensure(60.0)?;
            self.wide_facts(vec![(self.say(&texts::DEVICE), Cell::of(Style::STRONG, &labels))])?;
            self.facts(rows.into_iter().filter_map(known).collect())?;
            let agent = known((self.say(&texts::USER_AGENT), Style::BODY, &device.user_agent));
            self.wide_facts(agent.into_iter().collect())?;
        }
        Ok(())
    }
}

/// Whether the panel above a signer cannot hold the name, which is then printed in full below.
fn name_is_long(name: &str) -> bool {
    NAME.width(&clean(name)) > CONTENT_WIDTH - 180.0
}

/// What was asked of the phone's operator, and each message with a code: where it went, from whom it came, and what became of it.
fn deliveries(challenge: &Challenge, language: Language) -> Cell {
    let mut cell = Cell::new();
    for check in &challenge.number_checks {
        cell = cell.and(Style::SMALL, &texts::number_check(check, language));
    }
    for delivery in &challenge.deliveries {
        cell = cell
            .and(Style::BODY, &format!("{} · {}", delivery.provider, delivery.outcome))
            .and(Style::SMALL, &utc(&delivery.at))
            .and(Style::SMALL, delivery.destination.as_deref().unwrap_or_default());
        if delivery.channel_of_link {
            cell = cell.and(Style::SMALL, texts::CHANNEL_OF_LINK.say(language));
        }
        if let Some(sender) = delivery.sender.as_deref() {
            cell = cell.and(Style::SMALL, &texts::fill(&texts::CODE_SENDER, language, &[sender]));
        }
        cell = cell.and(Style::MONO_SMALL, delivery.message_id.as_deref().unwrap_or_default());
        for receipt in &delivery.receipts {
            cell = cell.and(Style::SMALL, &format!("{} · {}", receipt.status, utc(&receipt.at)));
        }
        let fate = delivery.fate.as_deref().map(|fate| texts::word(fate, language));
        cell = cell.and(Style::SMALL, fate.as_deref().unwrap_or_default());
    }
    cell
}
