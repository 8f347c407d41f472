//! The certificate's content, section by section, as pages of drawing instructions.

mod handwriting;
mod signer;

use super::evidence::{Document, Evidence, Signer, TimelineEntry};
use super::font::{Piece, clean, shorten};
use super::format::{grouped, moment, plain_utc, thousands, utc};
use super::journal::Journal;
use super::layout::{
    ACCENT, CONTENT_WIDTH, Color, INK, MARGIN, MUTED, Mark, PAGE_HEIGHT, PAGE_WIDTH, PANEL, Pages, RULE, Style, WHITE,
};
use super::table::{Cell, Table};
use super::texts::{self, Language, Phrase};
use super::{Error, SealingCertificate};
use crate::text::Look;

const TITLE: Style = Style { look: Look::Bold, size: 21.0, color: INK };
const SECTION: Style = Style { look: Look::Bold, size: 12.0, color: ACCENT };
const SUBTITLE: Style = Style { look: Look::Sans, size: 9.5, color: MUTED };
const TENANT: Style = Style { look: Look::Bold, size: 9.0, color: ACCENT };
const MARGINAL: Style = Style { look: Look::Sans, size: 7.0, color: MUTED };

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
        self.pages.piece(MARGIN, self.pages.y, TENANT, tenant);
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
        let style = Style { look: Look::Bold, size: 9.0, color: WHITE };
        let title = TITLE.width(self.say(&texts::TITLE));
        let text = shorten(&clean(text), style, CONTENT_WIDTH - title - 40.0);
        let width = points(&text, style) + 18.0;
        let (x, y) = (PAGE_WIDTH - MARGIN - width, self.pages.y + 6.0);
        self.pages.filled(x, y, width, 18.0, color);
        self.pages.piece(x + 9.0, y + 2.7, style, text);
    }

    fn section(&mut self, title: &Phrase) -> Result<(), Error> {
        self.pages.skip(16.0);
        self.pages.heading(SECTION, self.say(title), 20.0)
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
        self.pages.text(MARGIN + 8.0, self.pages.y + 3.2, style, &command);
        self.pages.y += 24.0;
        self.pages.paragraph(Style::BODY, self.say(&texts::VERIFY_HASHES))
    }

    /// Headers from the second page on and footers on all of them.
    fn margins(&mut self, evidence: &Evidence) {
        let tenant = clean(evidence.tenant.name.as_deref().unwrap_or(&evidence.tenant.organization_id));
        let title = format!("{} · {}", self.say(&texts::TITLE), evidence.process.id);
        let made = format!("{} {} · {}", evidence.software.name, evidence.software.version, utc(&evidence.generated_at));
        let made = shorten(&clean(&made), MARGINAL, CONTENT_WIDTH * 0.7);
        let title = Piece::of(&title, MARGINAL);
        let tenant_room = CONTENT_WIDTH - points(&title, MARGINAL) - 16.0;
        let tenant = shorten(&tenant, MARGINAL, tenant_room);
        let total = self.pages.pages.len();
        for (index, page) in self.pages.pages.iter_mut().enumerate() {
            if index > 0 {
                page.push(mark(MARGIN, 40.0, title.clone()));
                page.push(mark(right(&tenant), 40.0, tenant.clone()));
                page.push(Mark::Box { x: MARGIN, y: 46.0, width: CONTENT_WIDTH, height: 0.6, color: RULE });
            }
            let number = texts::fill(&texts::PAGE_OF, self.language, &[&(index + 1).to_string(), &total.to_string()]);
            let number = Piece::of(&number, MARGINAL);
            let foot = PAGE_HEIGHT - 34.0;
            page.push(Mark::Box { x: MARGIN, y: foot - 12.0, width: CONTENT_WIDTH, height: 0.6, color: RULE });
            page.push(mark(MARGIN, foot, made.clone()));
            page.push(mark(right(&number), foot, number));
        }
    }
}

fn mark(x: f32, baseline: f32, piece: Piece) -> Mark {
    Mark::Text { x, baseline, style: MARGINAL, piece }
}

/// Width of a line, in points.
fn points(piece: &Piece, style: Style) -> f32 {
    piece.line.width * style.size / 1000.0
}

/// Where a marginal text must begin to end at the right margin.
fn right(piece: &Piece) -> f32 {
    PAGE_WIDTH - MARGIN - points(piece, MARGINAL)
}

fn full_name(signer: &Signer) -> String {
    match &signer.last_name {
        Some(last_name) => format!("{} {last_name}", signer.name),
        None => signer.name.clone(),
    }
}

fn status_color(status: &str) -> Color {
    match status {
        "CERTIFIED" | "SIGNED" | "SUCCEEDED" | "VALIDATED" | "CLOSED" => GREEN,
        "FAILED" | "CANCELLED" => RED,
        _ => AMBER,
    }
}

#[cfg(test)]
mod tests;
