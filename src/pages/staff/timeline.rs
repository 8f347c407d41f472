//! What happened to a process, told from its journals: a row for each intention, with all that became of it.
//!
//! The journals are folded as their hosts fold them, so that what each event asked of the world is known without its being written down:
//! an effect is the `index`th that event `seq` asked for. Attempts, retries and ends are put with their effect, reports with what they are of.

use std::collections::HashMap;

use actors::journal::{Act, EffectId, Fact as Said, Line};
use chrono::{DateTime, TimeDelta, Utc};
use pages::console::{Entry, Fact, Part, Phrase, Row, Tone};
use uuid::Uuid;
use workflows::{Machine, sign_process::Data};

use super::site::Site;

/// A step within the server is told when it has not ended after so long: most end with the event that asked for them.
const SLOW: TimeDelta = TimeDelta::seconds(30);

/// What all journals of a process are told with.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The sign process that it is about; an identification may stand alone.
    pub process: Option<&'a Data>,
    /// The journal that is told: the entity, and the key of its name.
    pub journal: Uuid,
    pub name: &'static str,
    /// The signer whose journal it is.
    pub who: &'a str,
}

/// What belongs into one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// An entry, by itself.
    Entry {
        journal: Uuid,
        seq: u64,
    },
    Effect {
        journal: Uuid,
        id: EffectId,
    },
    /// A one-time code.
    Code {
        identification: Uuid,
        challenge: Uuid,
    },
    /// A message to a signer: that there is something to sign, or that all is done.
    Notice {
        signature: Uuid,
        is_end: bool,
    },
    /// The seals on a document.
    Seal(Uuid),
    Certificate,
    /// A try at the check of an identity document.
    Attempt {
        scoring: Uuid,
        attempt: Uuid,
    },
}

/// What an event adds to a row.
#[derive(Default)]
pub struct Told {
    /// `None`: a row of its own.
    pub group: Option<Group>,
    /// What the row is about.
    pub words: Option<Phrase>,
    /// What became of it, and whether that is bad.
    pub part: Option<(Phrase, bool)>,
    /// How the row turned out so far.
    pub tone: Option<Tone>,
    pub facts: Vec<Fact>,
}

/// What an effect is to a reader.
pub struct Intended {
    /// `None`: a row of its own.
    pub group: Option<Group>,
    pub words: Phrase,
    /// It is of no interest while it succeeds.
    pub is_internal: bool,
}

/// A machine whose journal can be told.
pub trait Tells: Machine {
    /// What an event says to a reader; `self` is the state after it. Nothing: another journal says it.
    fn told(&self, event: &Self::Event, scene: &Scene<'_>) -> Vec<Told>;

    /// What an effect is meant to bring about.
    fn intended(&self, effect: &Self::Effect, scene: &Scene<'_>) -> Intended;
}

/// Rows while they are gathered.
#[derive(Default)]
pub struct Timeline {
    rows: Vec<Growing>,
    groups: HashMap<Group, usize>,
    efforts: HashMap<(Uuid, EffectId), (usize, usize)>,
}

struct Growing {
    at: DateTime<Utc>,
    words: Option<Phrase>,
    parts: Vec<Happened>,
    facts: Vec<Fact>,
    entries: Vec<Entry>,
    tone: Option<Tone>,
    efforts: Vec<Effort>,
    /// Nothing but steps within the server is in it.
    is_internal: bool,
}

struct Happened {
    at: DateTime<Utc>,
    words: Phrase,
    is_bad: bool,
}

/// What is done to bring an effect about.
struct Effort {
    asked_at: DateTime<Utc>,
    failures: u32,
    /// The last failure.
    failed: Option<(DateTime<Utc>, String)>,
    /// When the next attempt is due.
    until: Option<DateTime<Utc>>,
    /// The attempt under way.
    begun: Option<u32>,
    end: Option<End>,
}

enum End {
    Done,
    GivenUp { at: DateTime<Utc>, number: u32, reason: String },
}

impl Timeline {
    /// Adds what a journal tells.
    pub fn recount<M: Tells>(&mut self, scene: &Scene<'_>, lines: &[Line<M::Event>]) {
        let mut machine = M::default();
        for line in lines {
            let Some(fact) = &line.fact else { continue };
            let entry = Entry { journal: scene.name, seq: line.seq, hash: line.hash.to_string() };
            match fact {
                Said::Event(event) => {
                    machine.apply(line.at, event);
                    self.tell(scene, line, entry, machine.told(event, scene));
                    for (effect, index) in machine.effects(event).iter().zip(0..) {
                        let id = EffectId { seq: line.seq, index };
                        self.intend(scene, line.at, id, machine.intended(effect, scene));
                    }
                }
                Said::Attempt { effect, number } => self.try_once(scene, *effect, entry, |effort| effort.begun = Some(*number)),
                Said::Retry { effect, until, reason, .. } => self.try_once(scene, *effect, entry, |effort| {
                    effort.failures += 1;
                    effort.failed = Some((line.at, reason.clone()));
                    (effort.until, effort.begun) = (Some(*until), None);
                }),
                Said::Done { effect, .. } => self.try_once(scene, *effect, entry, |effort| effort.end = Some(End::Done)),
                Said::GivenUp { effect, number, reason } => self.try_once(scene, *effect, entry, |effort| {
                    effort.end = Some(End::GivenUp { at: line.at, number: *number, reason: reason.clone() });
                }),
                Said::Intervened { by, reason, act } => self.intervene(scene, line, entry, (by.as_str(), reason.as_str()), *act),
                Said::Erased { by, reason, remains } => {
                    machine = M::default();
                    remains.iter().for_each(|event| machine.apply(line.at, event));
                    let words = Phrase::new("console.row.erased").with("who", by).with("reason", reason);
                    self.tell(scene, line, entry, vec![Told { words: Some(words), ..Told::default() }]);
                }
            }
        }
    }

    fn tell<E>(&mut self, scene: &Scene<'_>, line: &Line<E>, entry: Entry, told: Vec<Told>) {
        for told in told {
            let own = Group::Entry { journal: scene.journal, seq: line.seq };
            let row = self.row(told.group.unwrap_or(own), line.at);
            row.is_internal = false;
            row.words = row.words.take().or(told.words);
            row.tone = told.tone.or(row.tone);
            row.parts.extend(told.part.map(|(words, is_bad)| Happened { at: line.at, words, is_bad }));
            for fact in told.facts {
                if !row.facts.iter().any(|known| known.name == fact.name && known.value == fact.value) {
                    row.facts.push(fact);
                }
            }
            row.entries.push(entry.clone());
        }
    }

    fn intend(&mut self, scene: &Scene<'_>, at: DateTime<Utc>, id: EffectId, intended: Intended) {
        let Intended { group, words, is_internal } = intended;
        let group = group.unwrap_or(Group::Effect { journal: scene.journal, id });
        let row = self.row(group, at);
        row.is_internal &= is_internal;
        row.words.get_or_insert(words);
        row.efforts.push(Effort { asked_at: at, failures: 0, failed: None, until: None, begun: None, end: None });
        let place = row.efforts.len() - 1;
        let position = self.groups[&group];
        self.efforts.insert((scene.journal, id), (position, place));
    }

    /// What somebody did by hand: in the row of the effect that it is about, else in one of its own.
    fn intervene<E>(&mut self, scene: &Scene<'_>, line: &Line<E>, entry: Entry, (by, reason): (&str, &str), act: Act) {
        let (key, effect) = match act {
            Act::TryNow(effect) => ("console.part.tried_now", Some(effect)),
            Act::GiveUp(effect) => ("console.part.given_up_by", Some(effect)),
            Act::Again(effect) => ("console.part.again", Some(effect)),
            Act::Dismiss(effect) => ("console.part.dismissed", Some(effect)),
            Act::Pause => ("console.row.paused", None),
            Act::Resume => ("console.row.resumed", None),
            Act::LookAgain => ("console.row.looked_again", None),
        };
        let words = Phrase::new(key).with("who", by).with("reason", reason);
        let Some(effect) = effect else {
            return self.tell(scene, line, entry, vec![Told { words: Some(words), ..Told::default() }]);
        };
        let again = matches!(act, Act::Again(_));
        let known = self.efforts.get(&(scene.journal, effect)).copied();
        let Some((row, place)) = known else { return };
        let row = &mut self.rows[row];
        row.is_internal = false;
        row.parts.push(Happened { at: line.at, words, is_bad: false });
        row.entries.push(entry);
        if again {
            let effort = &mut row.efforts[place];
            *effort = Effort { asked_at: line.at, failures: 0, failed: None, until: None, begun: None, end: None };
        }
    }

    fn try_once(&mut self, scene: &Scene<'_>, id: EffectId, entry: Entry, change: impl FnOnce(&mut Effort)) {
        // What an erased event asked for is known to nobody.
        let Some((row, place)) = self.efforts.get(&(scene.journal, id)) else { return };
        let row = &mut self.rows[*row];
        row.entries.push(entry);
        change(&mut row.efforts[*place]);
    }

    fn row(&mut self, group: Group, at: DateTime<Utc>) -> &mut Growing {
        let next = self.rows.len();
        let position = *self.groups.entry(group).or_insert(next);
        if position == next {
            self.rows.push(Growing {
                at,
                words: None,
                parts: Vec::new(),
                facts: Vec::new(),
                entries: Vec::new(),
                tone: None,
                efforts: Vec::new(),
                is_internal: true,
            });
        }
        &mut self.rows[position]
    }

    /// The rows, newest first, as they are shown at `now`.
    pub fn rows(self, site: &Site, organization: &str, now: DateTime<Utc>) -> Vec<Row> {
        let mut rows: Vec<_> = self.rows.into_iter().filter(|row| row.is_told(now)).collect();
        // Stable: of two at one moment, the later entry comes first.
        rows.reverse();
        rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        rows.into_iter().filter_map(|row| row.shown(site, organization)).collect()
    }
}

impl Growing {
    fn is_told(&self, now: DateTime<Utc>) -> bool {
        !self.is_internal || self.efforts.iter().any(|effort| effort.is_troubled(now))
    }

    fn shown(mut self, site: &Site, organization: &str) -> Option<Row> {
        let words = self.words.take()?;
        let tone = self.tone();
        for effort in &self.efforts {
            effort.tell(site, organization, &mut self.parts);
        }
        self.parts.sort_by_key(|part| part.at);
        let at = self.at;
        let part = |Happened { at: then, words, is_bad }: Happened| Part { words, after: after(then - at), is_bad };
        Some(Row {
            at: site.moment(organization, at),
            tone,
            words,
            parts: self.parts.into_iter().map(part).collect(),
            facts: self.facts,
            entries: self.entries,
        })
    }

    fn tone(&self) -> Tone {
        if self.efforts.iter().any(|effort| effort.end.is_none()) {
            return Tone::Pending;
        }
        let given_up = self.efforts.iter().any(|effort| matches!(effort.end, Some(End::GivenUp { .. })));
        self.tone.unwrap_or(if given_up { Tone::Bad } else { Tone::Plain })
    }
}

impl Effort {
    fn is_troubled(&self, now: DateTime<Utc>) -> bool {
        match &self.end {
            None => self.failures > 0 || now - self.asked_at > SLOW,
            Some(End::Done) => false,
            Some(End::GivenUp { .. }) => true,
        }
    }

    /// What is to be said of it besides what events say.
    fn tell(&self, site: &Site, organization: &str, parts: &mut Vec<Happened>) {
        let mut add = |at, words, is_bad| parts.push(Happened { at, words, is_bad });
        if let Some((at, reason)) = &self.failed {
            let key = if self.failures > 1 { "console.part.retries" } else { "console.part.retry" };
            add(*at, Phrase::new(key).with("number", self.failures).with("reason", reason), self.end.is_none());
        }
        match (&self.end, self.begun, self.until) {
            // What came of it is an event.
            (Some(End::Done), ..) => {}
            (Some(End::GivenUp { at, number, reason }), ..) => {
                add(*at, Phrase::new("console.part.given_up").with("number", number).with("reason", reason), true);
            }
            (None, Some(number), _) => add(self.latest(), Phrase::new("console.part.begun").with("number", number), false),
            (None, None, Some(until)) => {
                add(self.latest(), Phrase::new("console.part.next").with("at", site.moment(organization, until).shown), false);
            }
            (None, None, None) => add(self.asked_at, Phrase::new("console.part.waits"), false),
        }
    }

    fn latest(&self) -> DateTime<Utc> {
        self.failed.as_ref().map_or(self.asked_at, |(at, _)| *at)
    }
}

/// A span as it stands behind what came after it; nothing for what came at once.
pub fn after(span: TimeDelta) -> String {
    let (millis, seconds) = (span.num_milliseconds(), span.num_seconds());
    match seconds {
        ..60 if millis < 100 => String::new(),
        ..60 => format!("+{}.{} s", millis / 1000, millis % 1000 / 100),
        60..3_600 => format!("+{} min", seconds / 60),
        3_600..172_800 => format!("+{} h", seconds / 3_600),
        _ => format!("+{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short_and_never_negative() {
        let shown = |millis| after(TimeDelta::milliseconds(millis));
        assert_eq!([shown(-5_000), shown(0), shown(99)], ["", "", ""]);
        assert_eq!([shown(100), shown(2_140), shown(59_999)], ["+0.1 s", "+2.1 s", "+59.9 s"]);
        assert_eq!([shown(60_000), shown(3_600_000), shown(172_800_000)], ["+1 min", "+1 h", "+2 d"]);
    }
}
