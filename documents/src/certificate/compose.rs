//! The certificate's content, section by section, as pages of drawing instructions.

use super::evidence::{
    Challenge, Check, Device, Document, Evidence, Identification, Image, Proof, Scoring, ScoringAttempt, SecondProof, Signer,
    TimelineEntry,
};
use super::font::{Face, clean};
use super::format::{grouped, moment, plain_utc, thousands, utc};
use super::journal::Journal;
use super::layout::{
    ACCENT, CONTENT_WIDTH, Color, INK, MARGIN, MUTED, Mark, PAGE_HEIGHT, PAGE_WIDTH, PANEL, Pages, RULE, Style, WHITE, shorten,
};
use super::table::{Cell, Table};
use super::texts::{self, Language, Phrase};
use super::{Error, SealingCertificate};

const TITLE: Style = Style { face: Face::Bold, size: 21.0, color: INK };
const SECTION: Style = Style { face: Face::Bold, size: 12.0, color: ACCENT };
const SUBTITLE: Style = Style { face: Face::Regular, size: 9.5, color: MUTED };
const TENANT: Style = Style { face: Face::Bold, size: 9.0, color: ACCENT };
const NAME: Style = Style { face: Face::Bold, size: 9.5, color: INK };
const MARGINAL: Style = Style { face: Face::Regular, size: 7.0, color: MUTED };

const GREEN: Color = [34, 110, 72];
const AMBER: Color = [146, 92, 12];
const RED: Color = [158, 42, 43];

/// The pages of the certificate.
pub(super) fn compose(evidence: &Evidence, language: Language) -> Result<Pages, Error> {
    let mut composer = Composer { pages: Pages::new(), language };
    composer.masthead(evidence)?;
    composer.signers(&evidence.signers)?;
    composer.documents(evidence)?;
    composer.preview_documents(evidence)?;
    composer.timeline(&evidence.timeline)?;
    composer.journals(&evidence.journals)?;
    composer.sealing_certificate(evidence.sealing_certificate.as_ref())?;
    composer.verification()?;
    composer.margins(evidence);
    Ok(composer.pages)
}

struct Composer {
    pages: Pages,
    language: Language,
}

impl Composer {
    fn say(&self, phrase: &Phrase) -> &'static str {
        phrase.say(self.language)
    }

    fn word(&self, value: &str) -> String {
        texts::word(value, self.language)
    }

    fn masthead(&mut self, evidence: &Evidence) -> Result<(), Error> {
        let tenant = evidence.tenant.name.as_deref().unwrap_or(&evidence.tenant.organization_id);
        let tenant = shorten(&clean(tenant), TENANT, CONTENT_WIDTH);
        self.pages.text(MARGIN, self.pages.y, TENANT, tenant);
        self.pages.y += 17.0;
        let (title, status) = (self.say(&texts::TITLE), self.word(&evidence.process.status));
        self.pages.text(MARGIN, self.pages.y, TITLE, title);
        self.badge(&status, status_color(&evidence.process.status));
        self.pages.y += 29.0;
        self.pages.text(MARGIN, self.pages.y, SUBTITLE, self.say(&texts::SUBTITLE));
        self.pages.y += 18.0;
        self.pages.filled(MARGIN, self.pages.y, CONTENT_WIDTH, 1.4, ACCENT);
        self.pages.y += 9.0;

        let process = &evidence.process;
        let organization = Cell::of(Style::BODY, evidence.tenant.name.as_deref().unwrap_or_default())
            .and(Style::MONO, &evidence.tenant.organization_id);
        let mut facts = vec![
            (self.say(&texts::ORGANIZATION), organization),
            (self.say(&texts::PROCESS), Cell::of(Style::MONO, &process.id.to_string())),
            (self.say(&texts::SIGN_TYPE), Cell::of(Style::BODY, &self.word(&process.sign_type))),
            (self.say(&texts::CREATED), moment(&process.created_at)),
        ];
        facts.extend(process.signed_at.as_ref().map(|at| (self.say(&texts::COMPLETED), moment(at))));
        facts.extend(process.expires_at.as_ref().map(|at| (self.say(&texts::EXPIRES), moment(at))));
        facts.push((self.say(&texts::GENERATED), moment(&evidence.generated_at)));
        let zone = evidence.generated_at.zone();
        facts.extend(zone.map(|zone| (self.say(&texts::TIME_ZONE), Cell::of(Style::BODY, zone))));
        self.facts(facts)
    }

    /// A rounded word in the right half of the title's line, shortened to what is left beside the title.
    fn badge(&mut self, text: &str, color: Color) {
        let style = Style { face: Face::Bold, size: 9.0, color: WHITE };
        let title = TITLE.face.width(self.say(&texts::TITLE), TITLE.size);
        let text = shorten(&clean(text), style, CONTENT_WIDTH - title - 40.0);
        let width = style.face.width(&text, style.size) + 18.0;
        let (x, y) = (PAGE_WIDTH - MARGIN - width, self.pages.y + 6.0);
        self.pages.filled(x, y, width, 18.0, color);
        self.pages.text(x + 9.0, y + 2.7, style, text);
    }

    fn section(&mut self, title: &Phrase) -> Result<(), Error> {
        self.pages.skip(16.0);
        // A heading stays with what follows it.
        self.pages.ensure(90.0)?;
        self.pages.text(MARGIN, self.pages.y, SECTION, self.say(title));
        self.pages.y += 20.0;
        Ok(())
    }

    /// Labels and values, two pairs in a row.
    fn facts(&mut self, facts: Vec<(&str, Cell)>) -> Result<(), Error> {
        let mut rows = Vec::new();
        let mut cells = facts.into_iter().map(|(label, value)| [Cell::of(Style::LABEL, label), value]);
        while let Some(left) = cells.next() {
            rows.push(left.into_iter().chain(cells.next().into_iter().flatten()).collect::<Vec<_>>());
        }
        Table { widths: &[82.0, 167.5, 82.0, 167.5], titles: Vec::new(), ruled: false }.draw(&mut self.pages, rows)
    }

    /// Labels and values, one pair in a row.
    fn wide_facts(&mut self, facts: Vec<(&str, Cell)>) -> Result<(), Error> {
        let rows = facts.into_iter().map(|(label, value)| vec![Cell::of(Style::LABEL, label), value]);
        Table { widths: &[82.0, CONTENT_WIDTH - 82.0], titles: Vec::new(), ruled: false }.draw(&mut self.pages, rows)
    }

    fn signers(&mut self, signers: &[Signer]) -> Result<(), Error> {
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
            let style = Style { face: Face::Bold, size: 8.0, color: status_color(status) };
            let word = shorten(&clean(&self.word(status)), style, 120.0);
            let width = style.face.width(&word, style.size);
            self.pages.text(PAGE_WIDTH - MARGIN - 9.0 - width, y + 4.4, style, word);
            room -= width + 12.0;
        }
        self.pages.text(MARGIN + 10.0, y + 3.6, NAME, shorten(name, NAME, room));
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

    fn documents(&mut self, evidence: &Evidence) -> Result<(), Error> {
        if evidence.documents.is_empty() {
            return Ok(());
        }
        self.section(&texts::DOCUMENTS)?;
        let titles = [&texts::DOCUMENT, &texts::HASHES, &texts::FIELDS].map(|phrase| self.say(phrase)).to_vec();
        let rows: Vec<_> = evidence.documents.iter().map(|document| self.document(document, &evidence.signers)).collect();
        Table { widths: &[185.0, 170.0, CONTENT_WIDTH - 355.0], titles, ruled: true }.draw(&mut self.pages, rows)
    }

    fn document(&self, document: &Document, signers: &[Signer]) -> Vec<Cell> {
        let mut about = Cell::of(Style::STRONG, &document.name)
            .and(Style::MONO_SMALL, &document.id.to_string())
            .and(Style::SMALL, &self.extent(document.pages, document.size))
            .and(Style::SMALL, &texts::active_content(document.active_content, self.language));
        if let Some(contract) = &document.contract {
            let told = texts::fill(&texts::FILLED_FROM, self.language, &[&contract.template, &contract.version]);
            about = about
                .and(Style::LABEL, self.say(&texts::CONTRACT))
                .and(Style::MONO_SMALL, &contract.id.to_string())
                .and(Style::SMALL, &told);
        }
        let mut hashes = Cell::of(Style::LABEL, self.say(&texts::ORIGINAL)).and(Style::MONO, &grouped(&document.sha256));
        for version in &document.versions {
            let label = format!("{} · {}", version.reason, utc(&version.at));
            hashes = hashes.and(Style::LABEL, &label).and(Style::MONO, &grouped(&version.sha256));
        }
        if let Some(sealed) = &document.sealed {
            let label = format!("{} · {}", self.say(&texts::SEALED), self.extent(None, sealed.size));
            hashes = hashes
                .and(Style::LABEL, &label)
                .and(Style::MONO, &grouped(&sealed.sha256))
                .and(Style::MONO_SMALL, &sealed.id.to_string());
            if let Some(pages) = sealed.pages_compared {
                let counts = [pages.compared.to_string(), pages.of.to_string()];
                let counts = [counts[0].as_str(), counts[1].as_str()];
                hashes = hashes.and(Style::SMALL, &texts::fill(&texts::PAGES_COMPARED, self.language, &counts));
            }
        }
        let mut fields = Cell::new();
        for entry in &document.sign_fields {
            let signer = signers.iter().find(|signer| signer.alias == entry.signer).map(full_name);
            fields =
                fields.and(Style::STRONG, signer.as_deref().unwrap_or(&entry.signer)).and(Style::SMALL, &entry.fields.join(", "));
        }
        vec![about, hashes, fields]
    }

    fn extent(&self, pages: Option<u32>, size: u64) -> String {
        let bytes = texts::fill(&texts::BYTES, self.language, &[&thousands(size)]);
        match pages {
            None => bytes,
            Some(1) => format!("{} · {bytes}", self.say(&texts::ONE_PAGE)),
            Some(pages) => format!("{} · {bytes}", texts::fill(&texts::PAGES, self.language, &[&pages.to_string()])),
        }
    }

    fn preview_documents(&mut self, evidence: &Evidence) -> Result<(), Error> {
        if evidence.preview_documents.is_empty() {
            return Ok(());
        }
        self.section(&texts::PREVIEW_DOCUMENTS)?;
        let titles = [&texts::DOCUMENT, &texts::HASHES].map(|phrase| self.say(phrase)).to_vec();
        let rows: Vec<_> = evidence
            .preview_documents
            .iter()
            .map(|document| {
                let about = Cell::of(Style::STRONG, &document.name)
                    .and(Style::MONO_SMALL, &document.id.to_string())
                    .and(Style::SMALL, &self.extent(document.pages, document.size))
                    .and(Style::SMALL, &texts::active_content(document.active_content, self.language));
                vec![about, Cell::of(Style::MONO, &grouped(&document.sha256))]
            })
            .collect();
        Table { widths: &[185.0, CONTENT_WIDTH - 185.0], titles, ruled: true }.draw(&mut self.pages, rows)
    }

    fn timeline(&mut self, timeline: &[TimelineEntry]) -> Result<(), Error> {
        if timeline.is_empty() {
            return Ok(());
        }
        self.section(&texts::TIMELINE)?;
        let titles = [&texts::TIME, &texts::ACTOR, &texts::EVENT, &texts::JOURNAL_ENTRY].map(|phrase| self.say(phrase)).to_vec();
        let language = self.language;
        let rows = timeline.iter().map(|entry| {
            let journal = entry.journal.as_ref().map(|position| {
                let place = format!("{} #{}", position.id, position.sequence);
                Cell::of(Style::MONO_SMALL, &place).and(Style::MONO_SMALL, &grouped(&position.hash))
            });
            vec![
                moment(&entry.at),
                Cell::of(Style::BODY, &entry.actor),
                Cell::of(Style::STRONG, texts::action(&entry.what, language))
                    .and(Style::SMALL, entry.details.as_deref().unwrap_or_default()),
                journal.unwrap_or_default(),
            ]
        });
        Table { widths: &[122.0, 70.0, CONTENT_WIDTH - 364.0, 172.0], titles, ruled: true }.draw(&mut self.pages, rows)
    }

    fn journals(&mut self, journals: &[Journal]) -> Result<(), Error> {
        if journals.is_empty() {
            return Ok(());
        }
        self.section(&texts::JOURNALS)?;
        self.pages.paragraph(Style::BODY, self.say(&texts::JOURNALS_TEXT))?;
        self.pages.skip(3.0);
        let mut algorithms: Vec<&str> = journals.iter().map(|journal| journal.algorithm.as_str()).collect();
        algorithms.dedup();
        for algorithm in algorithms {
            self.pages.paragraph(Style::MONO_SMALL, &clean(algorithm))?;
        }
        self.pages.skip(6.0);
        let titles = [&texts::JOURNAL, &texts::ENTRIES, &texts::HEAD_HASH].map(|phrase| self.say(phrase)).to_vec();
        let rows = journals.iter().map(|journal| {
            vec![
                Cell::of(Style::BODY, &journal.kind).and(Style::MONO_SMALL, &journal.id.to_string()),
                Cell::of(Style::BODY, &journal.entries.len().to_string()),
                Cell::of(Style::MONO, &grouped(&journal.head_hash)),
            ]
        });
        Table { widths: &[170.0, 62.0, CONTENT_WIDTH - 232.0], titles, ruled: true }.draw(&mut self.pages, rows)
    }

    fn sealing_certificate(&mut self, certificate: Option<&SealingCertificate>) -> Result<(), Error> {
        let Some(certificate) = certificate else {
            return Ok(());
        };
        self.section(&texts::SEALING_CERTIFICATE)?;
        let validity = format!("{} – {}", plain_utc(certificate.not_before), plain_utc(certificate.not_after));
        self.wide_facts(vec![
            (self.say(&texts::SUBJECT), Cell::of(Style::BODY, &certificate.subject)),
            (self.say(&texts::ISSUER), Cell::of(Style::BODY, &certificate.issuer)),
            (self.say(&texts::SERIAL), Cell::of(Style::MONO, &certificate.serial)),
            (self.say(&texts::CERTIFICATE_HASH), Cell::of(Style::MONO, &grouped(&certificate.sha256))),
            (self.say(&texts::VALIDITY), Cell::of(Style::BODY, &validity)),
        ])
    }

    fn verification(&mut self) -> Result<(), Error> {
        self.section(&texts::VERIFY)?;
        self.pages.paragraph(Style::BODY, self.say(&texts::VERIFY_TEXT))?;
        self.pages.skip(4.0);
        self.pages.ensure(44.0)?;
        let command = format!("rubrica verify {}", self.say(&texts::VERIFY_FILE));
        self.pages.filled(MARGIN, self.pages.y, CONTENT_WIDTH, 18.0, PANEL);
        let style = Style { size: 8.5, ..Style::MONO };
        self.pages.text(MARGIN + 8.0, self.pages.y + 3.2, style, command);
        self.pages.y += 24.0;
        self.pages.paragraph(Style::BODY, self.say(&texts::VERIFY_HASHES))
    }

    /// Headers from the second page on and footers on all of them.
    fn margins(&mut self, evidence: &Evidence) {
        let tenant = clean(evidence.tenant.name.as_deref().unwrap_or(&evidence.tenant.organization_id));
        let title = format!("{} · {}", self.say(&texts::TITLE), evidence.process.id);
        let made = format!("{} {} · {}", evidence.software.name, evidence.software.version, utc(&evidence.generated_at));
        let made = shorten(&clean(&made), MARGINAL, CONTENT_WIDTH * 0.7);
        let tenant_room = CONTENT_WIDTH - MARGINAL.face.width(&title, MARGINAL.size) - 16.0;
        let tenant = shorten(&tenant, MARGINAL, tenant_room);
        let total = self.pages.pages.len();
        for (index, page) in self.pages.pages.iter_mut().enumerate() {
            if index > 0 {
                page.push(mark(MARGIN, 40.0, title.clone()));
                page.push(mark(right(&tenant), 40.0, tenant.clone()));
                page.push(Mark::Box { x: MARGIN, y: 46.0, width: CONTENT_WIDTH, height: 0.6, color: RULE });
            }
            let number = texts::fill(&texts::PAGE_OF, self.language, &[&(index + 1).to_string(), &total.to_string()]);
            let foot = PAGE_HEIGHT - 34.0;
            page.push(Mark::Box { x: MARGIN, y: foot - 12.0, width: CONTENT_WIDTH, height: 0.6, color: RULE });
            page.push(mark(MARGIN, foot, made.clone()));
            page.push(mark(right(&number), foot, number));
        }
    }
}

fn mark(x: f32, baseline: f32, text: String) -> Mark {
    Mark::Text { x, baseline, style: MARGINAL, text }
}

/// Where a marginal text must begin to end at the right margin.
fn right(text: &str) -> f32 {
    PAGE_WIDTH - MARGIN - MARGINAL.face.width(text, MARGINAL.size)
}

fn full_name(signer: &Signer) -> String {
    match &signer.last_name {
        Some(last_name) => format!("{} {last_name}", signer.name),
        None => signer.name.clone(),
    }
}

/// Whether the panel above a signer cannot hold the name, which is then printed in full below.
fn name_is_long(name: &str) -> bool {
    NAME.face.width(&clean(name), NAME.size) > CONTENT_WIDTH - 180.0
}

fn status_color(status: &str) -> Color {
    match status {
        "CERTIFIED" | "SIGNED" | "SUCCEEDED" | "VALIDATED" | "CLOSED" => GREEN,
        "FAILED" | "CANCELLED" => RED,
        _ => AMBER,
    }
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

#[cfg(test)]
mod tests {
    use super::super::layout::{CONTENT_BOTTOM, MAX_PAGES};
    use super::super::samples;
    use super::*;

    fn all_texts(pages: &Pages) -> String {
        let text = |mark: &Mark| match mark {
            Mark::Text { text, .. } => Some(text.clone()),
            Mark::Box { .. } => None,
        };
        pages.pages.iter().flatten().filter_map(text).collect::<Vec<_>>().join(" ")
    }

    fn assert_nothing_overflows(pages: &Pages) {
        for mark in pages.pages.iter().flatten() {
            match mark {
                Mark::Text { x, baseline, style, text } => {
                    let end = x + style.face.width(text, style.size);
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
                if let Mark::Text { x, baseline, style, text } = mark {
                    lines.push((*baseline, *x, x + style.face.width(text, style.size), text));
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
            assert!(page.iter().any(|mark| matches!(mark, Mark::Text { text, .. } if *text == number)));
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
        expect("rubrica verify");
    }

    #[test]
    fn evidence_beyond_the_bound_is_refused() {
        let mut evidence = samples::small();
        evidence.signers[0].consent_text = Some("word ".repeat(500_000));
        assert!(matches!(compose(&evidence, Language::Es), Err(Error::TooLong)));
    }
}
