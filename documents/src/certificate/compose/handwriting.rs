//! A signature by hand: how good the capture was, by what it can be recognized, and who can open it.

use super::super::format::{grouped, plain_utc};
use super::super::handwriting::{Figure, Fingerprint, Handwriting, Holder};
use super::super::layout::Style;
use super::super::table::Cell;
use super::super::texts::{self, Phrase};
use super::Composer;
use crate::certificate::Error;

impl Composer {
    pub(super) fn handwriting(&mut self, handwriting: Option<&Handwriting>) -> Result<(), Error> {
        let Some(handwriting) = handwriting else { return Ok(()) };
        let mut facts = vec![(self.say(&texts::HANDWRITING), self.kind(handwriting))];
        let quality = self.quality(handwriting);
        facts.extend(quality.map(|cell| (self.say(&texts::CAPTURE), cell)));
        facts.push((self.say(&texts::HASHES), self.recognized_by(handwriting)));
        facts.extend(handwriting.holders.iter().map(|holder| (self.say(&texts::HOLDER), self.holder(holder))));
        self.wide_facts(facts)
    }

    fn kind(&self, handwriting: &Handwriting) -> Cell {
        let pressure = handwriting
            .has_pressure
            .map(|has_pressure| self.say(if has_pressure { &texts::WITH_PRESSURE } else { &texts::NO_PRESSURE }).to_owned());
        let pointer = handwriting.pointer.as_deref().map(|pointer| self.word(pointer));
        let told: Vec<String> = [Some(handwriting.format.clone()), pointer, pressure].into_iter().flatten().collect();
        let not_inspected = match handwriting.format.as_str() {
            "cms" => self.say(&texts::ENCRYPTED_BY_CLIENT),
            "unknown" => self.say(&texts::UNKNOWN_FORMAT),
            _ => "",
        };
        Cell::of(Style::BODY, &told.join(" · ")).and(Style::SMALL, not_inspected)
    }

    /// `None` where nothing was measured.
    fn quality(&self, handwriting: &Handwriting) -> Option<Cell> {
        let figure = |figure: &Figure| {
            let unit = figure.unit.as_deref().map(|unit| format!("\u{a0}{unit}")).unwrap_or_default();
            format!("{} {}{unit}", texts::figure(&figure.name, self.language), figure.value)
        };
        let figures: Vec<String> = handwriting.figures.iter().map(figure).collect();
        let named = |names: &[String]| {
            let words: Vec<&str> = names.iter().map(|name| texts::figure(name, self.language)).collect();
            words.join(", ")
        };
        let mut cell = Cell::of(Style::BODY, &figures.join(" · "));
        if !handwriting.marks.is_empty() {
            cell = cell.and(Style::SMALL, &texts::fill(&texts::REMARKS, self.language, &[&named(&handwriting.marks)]));
        }
        if !handwriting.overridden.is_empty() {
            let by = handwriting.overridden_by.as_deref().unwrap_or(self.say(&texts::VOUCHED_BY));
            let values = [by, &named(&handwriting.overridden)];
            cell = cell.and(Style::STRONG, &texts::fill(&texts::ACCEPTED_ANYWAY, self.language, &values));
        }
        let is_measured = !(figures.is_empty() && handwriting.marks.is_empty() && handwriting.overridden.is_empty());
        is_measured.then_some(cell)
    }

    fn recognized_by(&self, handwriting: &Handwriting) -> Cell {
        let hashed = |cell: Cell, (what, more, of): (&Phrase, &str, &Fingerprint)| {
            let label = format!("{}{more} · {}", self.say(what), self.extent(None, of.size));
            cell.and(Style::LABEL, &label).and(Style::MONO, &grouped(&of.sha256))
        };
        let encryption = format!(" ({})", handwriting.content_encryption);
        let image = handwriting.image.as_ref().map(|image| (&texts::SIGNATURE_IMAGE, "", image));
        let envelope = (&texts::ENVELOPE, encryption.as_str(), &handwriting.envelope);
        let all = [Some((&texts::SAMPLE, "", &handwriting.sample)), image, Some(envelope)];
        all.into_iter().flatten().fold(Cell::new(), hashed)
    }

    fn holder(&self, holder: &Holder) -> Cell {
        let until = format!("{} {}", self.say(&texts::VALID_UNTIL), plain_utc(holder.not_after));
        let expired = if holder.expired { format!(" · {}", self.say(&texts::EXPIRED_WHEN_SIGNED)) } else { String::new() };
        let certificate = format!("{} {}", self.say(&texts::SERIAL), holder.serial);
        Cell::of(Style::BODY, &holder.subject)
            .and(Style::SMALL, &format!("{}: {} · {certificate}", self.say(&texts::ISSUER), holder.issuer))
            .and(Style::SMALL, &format!("{until}{expired}"))
            .and(Style::MONO, &grouped(&holder.sha256))
    }
}
