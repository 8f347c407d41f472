//! Filling: values are checked, set and drawn; everything else was made when the form was read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lopdf::{Dictionary, Object, ObjectId, dictionary};
use unicode_normalization::UnicodeNormalization;

use super::form::Form;
use super::picture::Picture;
use super::prepare::numbers;
use super::prepared::{Button, Choices, Kind, Prepared, Shown, Text};
use super::{Failure, Frame, Look, Pen, Reason, button, value};
use crate::assembly::{self, Part};
use crate::text;
/// What goes into a field.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// The text of a text field; the export value of a choice, or what it is called (in a list box that allows several, one per line); of a
    /// check box or radio button the export value or the name of its state, `true` where a check box has one state only; `false`, `Off` or
    /// nothing turns it off.
    Text(&'a str),
    /// For push buttons, and for signature fields that are not signed: it is shown in the field's place.
    Picture(&'a Picture),
}

/// How characters that cannot be printed are treated (note fill-mode).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Control characters become `?`, tabs and line ends among them.
    #[default]
    Default,
    /// The same, but tabs and line ends pass.
    Raw,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub mode: Mode,
    /// Fields are painted into their pages and gone, but for signature fields.
    pub flatten: bool,
}

/// A field that is called differently in the result, as another form has one of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub original: String,
    pub current: String,
}

/// Characters of a field's value, or of the options of a list box, for which there is no glyph anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    pub field: String,
    /// Each once; a `?` stands for them.
    pub characters: Vec<char>,
}

/// A filled document.
#[derive(Debug, Clone)]
pub struct Filled {
    pub pdf: Vec<u8>,
    pub pages: usize,
    pub renamed: Vec<Renamed>,
    /// Names of values for which no form has a field, in alphabetical order: they are ignored.
    pub unknown: Vec<String>,
    /// In alphabetical order.
    pub replaced: Vec<Replaced>,
}

/// Why forms cannot be filled with some values. No value is quoted.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error("the value of the field \"{name}\" cannot be filled in: {reason}")]
    Field { name: String, reason: Reason },
    #[error("two values are given for the field \"{0}\"; give one")]
    Twice(String),
    #[error("the values are longer than is drawn ({} bytes together, or their lines); shorten them", super::MAX_TEXT_BYTES)]
    TooMuch,
    #[error(transparent)]
    Assembly(#[from] assembly::Error),
    #[error(transparent)]
    Font(#[from] crate::text::Error),
}

/// Values by the names of their fields.
///
/// # Errors
/// [`FillError::Twice`] for a name that occurs twice.
pub fn by_name<'a>(values: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Result<HashMap<&'a str, Value<'a>>, FillError> {
    let mut by_name = HashMap::new();
    for (name, value) in values {
        if by_name.insert(name, value).is_some() {
            return Err(FillError::Twice(super::shortened(name)));
        }
    }
    Ok(by_name)
}

/// Fills forms and puts them together, in their order. A value goes into every field of its name, in all forms; what is drawn is the value.
///
/// # Errors
/// [`FillError`]: `Field` for a value that its field does not take, or that does not fit into it.
pub fn fill(forms: &[Arc<Form>], values: &HashMap<&str, Value<'_>>, options: Options) -> Result<Filled, FillError> {
    let mut unknown: Vec<String> = values
        .keys()
        .filter(|name| !forms.iter().any(|form| form.by_name.contains_key(**name)))
        .map(|name| (*name).to_owned())
        .collect();
    unknown.sort_unstable();
    let mut replaced = BTreeMap::new();
    let mut parts = Vec::new();
    for form in forms {
        let changed = changes(form, values, options.mode, &mut replaced)?;
        parts.push(Part { document: &form.document, compiled: &form.compiled, changed });
    }
    let done = assembly::assemble(&parts, options.flatten)?;
    let renamed = done.renamed.into_iter().map(|(original, current)| Renamed { original, current }).collect();
    let told = |(field, characters): (String, BTreeSet<char>)| Replaced { field, characters: characters.into_iter().collect() };
    let replaced = replaced.into_iter().map(told).collect();
    Ok(Filled { pdf: done.pdf, pages: done.pages, renamed, unknown, replaced })
}

/// The objects of a form that its values change.
fn changes(
    form: &Form,
    values: &HashMap<&str, Value<'_>>,
    mode: Mode,
    replaced: &mut BTreeMap<String, BTreeSet<char>>,
) -> Result<Vec<(ObjectId, Object)>, FillError> {
    // In the order of the form, so that the same values give the same file.
    let named = values.iter().filter_map(|(name, value)| Some((form.by_name.get(*name)?, *value)));
    let mut filled: Vec<(usize, Value<'_>)> =
        named.flat_map(|(fields, value)| fields.iter().map(move |field| (*field, value))).collect();
    filled.sort_unstable_by_key(|(field, _)| *field);
    let mut numbers = numbers(&form.document);
    let mut filler = Filler { pen: Pen::filling(&form.document, form.fonts.clone(), &mut numbers), mode, images: HashMap::new() };
    for (index, value) in filled {
        let field = &form.prepared[index];
        let missing = filler.fill(field, value).map_err(|failure| match failure {
            Failure::Field(reason) => FillError::Field { name: super::shortened(&field.name), reason },
            Failure::TooMuch => FillError::TooMuch,
        })?;
        if !missing.is_empty() {
            replaced.entry(field.name.clone()).or_default().extend(missing);
        }
    }
    filler.pen.finish().map(|drawn| drawn.objects).map_err(|error| match error {
        super::Error::Font(error) => FillError::Font(error),
        super::Error::Document(error) => FillError::Assembly(error.into()),
        super::Error::Field { field, reason } => FillError::Field { name: field, reason },
        super::Error::TooMuch => FillError::TooMuch,
    })
}

struct Filler<'a, 'n> {
    pen: Pen<'a, 'n>,
    mode: Mode,
    /// The pictures that were shown, by their place.
    images: HashMap<*const Picture, ObjectId>,
}

/// A text that was drawn into all widgets of a field.
struct Drawn<'t> {
    text: Cow<'t, str>,
    /// What `?` stands for.
    missing: BTreeSet<char>,
    /// Of each widget. `None`: nothing of it is seen.
    looks: Vec<Option<ObjectId>>,
}

impl Filler<'_, '_> {
    /// Sets and draws one value. Answers the characters that no font has.
    fn fill(&mut self, field: &Prepared, value: Value<'_>) -> Result<BTreeSet<char>, Failure> {
        match (&field.kind, value) {
            (Kind::Text(kind), Value::Text(text)) => self.text(field, kind, text),
            (Kind::Choice(kind), Value::Text(text)) => self.choice(field, kind, text),
            (Kind::Button(kind), Value::Text(text)) => self.button(field, kind, text).map(|()| BTreeSet::new()),
            (Kind::PushButton | Kind::Signature, Value::Picture(picture)) => {
                self.picture(field, picture).map(|()| BTreeSet::new())
            }
            (Kind::PushButton | Kind::Signature, Value::Text(_)) => Err(Reason::TakesNoText.into()),
            (_, Value::Picture(_)) => Err(Reason::TakesNoPicture.into()),
        }
    }

    fn text(&mut self, field: &Prepared, kind: &Text, text: &str) -> Result<BTreeSet<char>, Failure> {
        let text = printable(text, self.mode);
        if let Some(max) = kind.max_length
            && text.len() > max
            && characters(&text) > max
        {
            return Err(Reason::TooManyCharacters(max).into());
        }
        self.pen.count(&text)?;
        let cells = kind.max_length.filter(|_| kind.comb).map(|cells| i64::try_from(cells).unwrap_or(i64::MAX));
        self.shown(field, text, |pen, frame, text| {
            let drawn = value::drawable(text, kind.multiline && !kind.password);
            let drawn = if kind.password { "*".repeat(drawn.chars().count()) } else { drawn };
            pen.text_look(frame, &drawn, kind.multiline, cells)
        })
        .map(|drawn| {
            // A password is never stored (ISO 32000-2 12.7.5.3): what is seen are its asterisks.
            let value = (!kind.password).then(|| text_object(&drawn.text));
            self.set(field, value, Dictionary::new(), drawn.looks);
            drawn.missing
        })
    }

    fn choice(&mut self, field: &Prepared, kind: &Choices, text: &str) -> Result<BTreeSet<char>, Failure> {
        let options = kind.options.as_ref().as_ref().map_err(|_| Reason::Choices)?;
        self.pen.count(text)?;
        if !kind.combo {
            return self.list(field, kind, options, text);
        }
        let (value, shown) = match position(options, text) {
            Some(index) => (Some(options[index].export.as_str()), Cow::Borrowed(options[index].display.as_str())),
            None if kind.editable || text.is_empty() => (None, printable(text, self.mode)),
            None => return Err(Reason::NotAChoice.into()),
        };
        let draw =
            |pen: &mut Pen<'_, '_>, frame: &Frame, text: &str| pen.text_look(frame, &value::drawable(text, false), false, None);
        let drawn = self.shown(field, shown, draw)?;
        self.set(field, Some(text_object(value.unwrap_or(&drawn.text))), Dictionary::new(), drawn.looks);
        Ok(drawn.missing)
    }

    /// The chosen options of a list box: one, or one per line.
    fn list(
        &mut self,
        field: &Prepared,
        kind: &Choices,
        options: &[value::Choice],
        text: &str,
    ) -> Result<BTreeSet<char>, Failure> {
        let mut chosen: Vec<usize> = match position(options, text) {
            Some(index) => vec![index],
            None => several(options, text).ok_or(Reason::NotAChoice)?,
        };
        chosen.sort_unstable();
        chosen.dedup();
        if chosen.len() > 1 && !kind.multiple {
            return Err(Reason::OneChoice.into());
        }
        let mut looks = Vec::new();
        let mut top = 0;
        let mut shown = Cow::Borrowed(options);
        let mut missing = BTreeSet::new();
        for widget in &field.widgets {
            let look = match frame(widget)? {
                Some(frame) => {
                    let (look, first) = self.list_look(frame, &mut shown, &chosen, &mut missing)?;
                    top = first;
                    self.look(frame, look)?
                }
                None => None,
            };
            looks.push(look);
        }
        let mut values = chosen.iter().map(|index| text_object(&options[*index].export));
        let value = if chosen.len() > 1 { Some(Object::Array(values.collect())) } else { values.next() };
        let numbers = chosen.iter().filter_map(|index| i64::try_from(*index).ok()).map(Object::Integer);
        let place = dictionary! { "I" => numbers.collect::<Vec<_>>(), "TI" => i64::try_from(top).unwrap_or(0) };
        self.set(field, value, place, looks);
        Ok(missing)
    }

    /// A list, and the first option that it shows, with `?` in all options for what no font has.
    fn list_look(
        &mut self,
        frame: &Frame,
        options: &mut Cow<'_, [value::Choice]>,
        chosen: &[usize],
        missing: &mut BTreeSet<char>,
    ) -> Result<(Look, usize), Failure> {
        match self.pen.list_look(frame, options, chosen, 0) {
            Err(Failure::Field(Reason::NoGlyph(character))) => {
                let all: String = options.iter().map(|option| option.display.as_str()).collect();
                missing.extend(text::missing(&all).into_iter().chain([character]));
                for option in options.to_mut() {
                    option.display = replaced(&option.display, missing);
                }
                self.pen.list_look(frame, options, chosen, 0)
            }
            done => done,
        }
    }

    fn button(&mut self, field: &Prepared, kind: &Button, text: &str) -> Result<(), Failure> {
        let chosen = match button::chosen(&field.widgets, kind, text) {
            Some(chosen) => Some(chosen),
            None if text.is_empty() || text.eq_ignore_ascii_case("off") || text.eq_ignore_ascii_case("false") => None,
            None => return Err(Reason::NotAChoice.into()),
        };
        let mut dictionary = field.dictionary.clone();
        let state = chosen.as_ref().map_or(button::OFF, |(_, state)| state);
        dictionary.set("V", Object::Name(state.to_vec()));
        let only = chosen.as_ref().filter(|_| kind.radio && !kind.unison).map(|(widget, _)| *widget);
        for (index, widget) in field.widgets.iter().enumerate() {
            let is_on = chosen.is_some() && only.is_none_or(|only| only == index) && widget.states.iter().any(|own| own == state);
            let shown = Object::Name(if is_on { state } else { button::OFF }.to_vec());
            match &widget.dictionary {
                None => dictionary.set("AS", shown),
                Some(own) => {
                    let mut own = own.clone();
                    own.set("AS", shown);
                    self.pen.drawn.objects.push((widget.id, own.into()));
                }
            }
        }
        self.pen.drawn.objects.push((field.id, dictionary.into()));
        Ok(())
    }

    fn picture(&mut self, field: &Prepared, picture: &Picture) -> Result<(), Failure> {
        let image = match self.images.get(&std::ptr::from_ref(picture)) {
            Some(image) => *image,
            None => {
                let (image, objects) = picture.objects(self.pen.new_id);
                self.pen.drawn.objects.extend(objects);
                self.images.insert(picture, image);
                image
            }
        };
        for widget in &field.widgets {
            let Some(frame) = frame(widget)? else { continue };
            let look = picture.look(frame, image);
            let form = self.pen.add(frame, look)?;
            let mut changed = widget.dictionary.as_ref().unwrap_or(&field.dictionary).clone();
            changed.set("AP", dictionary! { "N" => form });
            changed.remove(b"AS");
            self.pen.drawn.objects.push((widget.id, changed.into()));
        }
        Ok(())
    }

    /// Draws a text into all widgets of a field, with `?` for what no font has.
    fn shown<'t>(
        &mut self,
        field: &Prepared,
        text: Cow<'t, str>,
        draw: impl Fn(&mut Pen<'_, '_>, &Frame, &str) -> Result<Look, Failure>,
    ) -> Result<Drawn<'t>, Failure> {
        let mut text = text;
        let mut missing = BTreeSet::new();
        // Each time around at least one character less is missing; almost always it is one time.
        'again: loop {
            let mut looks = Vec::new();
            for widget in &field.widgets {
                let Some(frame) = frame(widget)? else {
                    looks.push(None);
                    continue;
                };
                match draw(&mut self.pen, frame, &text) {
                    Ok(look) => looks.push(Some((frame, look))),
                    Err(Failure::Field(Reason::NoGlyph(character))) if text.contains(character) => {
                        let gone: BTreeSet<char> = text::missing(&text).into_iter().chain([character]).collect();
                        text = Cow::Owned(replaced(&text, &gone));
                        missing.extend(gone);
                        continue 'again;
                    }
                    Err(failure) => return Err(failure),
                }
            }
            let looks = looks.into_iter().map(|look| look.map_or(Ok(None), |(frame, look)| self.look(frame, look)));
            return Ok(Drawn { text, missing, looks: looks.collect::<Result<_, _>>()? });
        }
    }

    /// The form XObject of a look, if anything of it is seen.
    fn look(&mut self, frame: &Frame, look: Look) -> Result<Option<ObjectId>, Failure> {
        if look.is_blank { Ok(None) } else { self.pen.add(frame, look).map(Some) }
    }

    /// Changes a field and its widgets.
    fn set(&mut self, field: &Prepared, value: Option<Object>, more: Dictionary, looks: Vec<Option<ObjectId>>) {
        let mut changed = field.dictionary.clone();
        if let Some(value) = value.or_else(|| field.inherits_value.then_some(Object::Null)) {
            changed.set("V", value);
        }
        changed.extend(&more);
        for (widget, look) in field.widgets.iter().zip(looks) {
            let appearance = look.map(|form| dictionary! { "N" => form });
            match (&widget.dictionary, appearance) {
                (None, Some(appearance)) => changed.set("AP", appearance),
                (None, None) => {}
                (Some(own), appearance) => {
                    let mut own = own.clone();
                    if let Some(appearance) = appearance {
                        own.set("AP", appearance);
                    }
                    self.pen.drawn.objects.push((widget.id, own.into()));
                }
            }
        }
        self.pen.drawn.objects.push((field.id, changed.into()));
    }
}

/// The option that a value means, first by its export value.
fn position(options: &[value::Choice], text: &str) -> Option<usize> {
    let by_export = options.iter().position(|option| option.export == text);
    by_export.or_else(|| options.iter().position(|option| option.display == text))
}

/// The options that the lines of a value mean. There may be as many lines as options: each is looked up once.
fn several(options: &[value::Choice], text: &str) -> Option<Vec<usize>> {
    let numbered = || options.iter().enumerate().rev();
    let by_display = numbered().map(|(index, option)| (option.display.as_str(), index));
    let by_export = numbered().map(|(index, option)| (option.export.as_str(), index));
    // The last entry of a text counts: export values before names, earlier options before later ones.
    let known: HashMap<&str, usize> = by_display.chain(by_export).collect();
    text.lines().filter(|line| !line.is_empty()).map(|line| known.get(line).copied()).collect()
}

/// A text with `?` for what no font has.
fn replaced(text: &str, missing: &BTreeSet<char>) -> String {
    text.chars().map(|character| if missing.contains(&character) { '?' } else { character }).collect()
}

fn frame(widget: &Shown) -> Result<Option<&Frame>, Reason> {
    widget.frame.as_ref().map(Option::as_ref).map_err(Clone::clone)
}

/// Note fill-mode: what is not printable becomes `?`. Printable text of every language is kept.
fn printable(text: &str, mode: Mode) -> Cow<'_, str> {
    let passes = |character: char| match character {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => mode == Mode::Raw,
        character => !character.is_control(),
    };
    if text.chars().all(passes) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|character| if passes(character) { character } else { '?' }).collect())
}

/// How long a text is for `MaxLen`: composed characters, as one goes into each cell of a comb. Viewers differ beyond U+FFFF only, where
/// some count two.
fn characters(text: &str) -> usize {
    text.nfc().count()
}

fn text_object(text: &str) -> Object {
    lopdf::text_string(text)
}

#[cfg(test)]
#[path = "fill_tests.rs"]
mod tests;
