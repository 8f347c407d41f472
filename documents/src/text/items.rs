//! Cutting a text into items of one direction, one script and one font.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use unicode_bidi::Level;
use unicode_script::{Script, UnicodeScript};

use super::face::{Face, covers};
use super::han::Han;
use super::library::{Library, Look, library};
use super::order::is_mark;
use super::{is_ignorable, order};

/// A part of a text that is shaped in one go.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) range: Range<usize>,
    pub(super) level: Level,
    pub(super) script: Script,
    /// `None`: no font has these characters.
    pub(super) face: Option<&'static Face>,
}

/// The items of a text in its order. `levels` has one level for each byte; without it everything is from left to right.
pub(super) fn items(library: &Library, text: &str, levels: Option<&[Level]>, look: Look) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut choice = Choice { library, look, han: Han::of_text(text), known: HashMap::new() };
    let mut script = first_script(text);
    let mut at = 0;
    while at < text.len() {
        let length = cluster_length(&text[at..]);
        let own = script_of(&text[at..at + length]);
        script = own.unwrap_or(script);
        let level = levels.map_or(Level::ltr(), |levels| levels[at]);
        let before = items.last().filter(|item| own.is_none() && item.script == script).and_then(|item| item.face);
        choice.faces(text, at..at + length, before, |range, face| match items.last_mut() {
            Some(last) if last.level == level && last.script == script && last.face == face => last.range.end = range.end,
            _ => items.push(Item { range, level, script, face }),
        });
        at += length;
    }
    items
}

/// The characters for which no font has a glyph, each once, in the order of the text.
pub fn missing(text: &str) -> Vec<char> {
    missing_of(library(), text)
}

pub(super) fn missing_of(library: &Library, text: &str) -> Vec<char> {
    let mut missing = Vec::new();
    for paragraph in text.split('\n') {
        for item in items(library, paragraph, None, Look::Sans).iter().filter(|item| item.face.is_none()) {
            let characters = order::clusters(&paragraph[item.range.clone()]).flat_map(str::chars);
            missing.extend(characters.filter(|character| !is_ignorable(*character)));
        }
    }
    let mut seen = HashSet::new();
    missing.retain(|character| seen.insert(*character));
    missing
}

/// Chooses fonts, and remembers what it chose for single characters.
struct Choice<'l> {
    library: &'l Library,
    look: Look,
    han: Option<Han>,
    known: HashMap<char, Option<&'static Face>>,
}

impl Choice<'_> {
    /// Hands out the parts of a cluster and their fonts: one part, unless no font has all of it.
    fn faces(
        &mut self,
        text: &str,
        cluster: Range<usize>,
        before: Option<&'static Face>,
        mut take: impl FnMut(Range<usize>, Option<&'static Face>),
    ) {
        let characters = &text[cluster.clone()];
        // Spaces and punctuation stay in the font of the letters around them.
        if let Some(face) = before.filter(|face| covers(face, characters)) {
            return take(cluster, Some(face));
        }
        let single = characters.chars().next().filter(|character| character.len_utf8() == characters.len());
        let whole = match single {
            Some(character) => self.single(character),
            None => self.library.font_for(characters, self.look, self.han),
        };
        if whole.is_some() || single.is_some() {
            return take(cluster, whole);
        }
        for (offset, character) in characters.char_indices() {
            let start = cluster.start + offset;
            let face = self.single(character);
            take(start..start + character.len_utf8(), face);
        }
    }

    fn single(&mut self, character: char) -> Option<&'static Face> {
        let (library, look, han) = (self.library, self.look, self.han);
        let font_for = || library.font_for(character.encode_utf8(&mut [0; 4]), look, han);
        *self.known.entry(character).or_insert_with(font_for)
    }
}

/// Marks of one letter beyond these are taken apart: no script needs as many.
const MAX_CLUSTER_CHARS: usize = 32;

/// Bytes of the first letter with its marks.
fn cluster_length(text: &str) -> usize {
    let marks = text.char_indices().skip(1).take(MAX_CLUSTER_CHARS);
    let mut end = text.chars().next().map_or(0, char::len_utf8);
    for (start, character) in marks {
        if !is_mark(character) && !is_ignorable(character) {
            break;
        }
        end = start + character.len_utf8();
    }
    end
}

/// The script of a cluster. `None`: its characters belong to many scripts.
fn script_of(cluster: &str) -> Option<Script> {
    cluster.chars().map(|character| character.script()).find(|script| is_own(*script))
}

fn is_own(script: Script) -> bool {
    !matches!(script, Script::Common | Script::Inherited | Script::Unknown)
}

/// What signs before the first letter are set as.
fn first_script(text: &str) -> Script {
    text.chars().map(|character| character.script()).find(|script| is_own(*script)).unwrap_or(Script::Common)
}
