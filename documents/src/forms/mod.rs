//! Forms (ISO 32000-2 12.7): reading them, filling them, and the appearances of values (12.7.4.3).
//!
//! [`Form::read`] makes everything that depends on a form alone; [`fill`] sets values, draws them and puts forms together. Sealing draws
//! with the same pen what forms leave to the viewer (`NeedAppearances`), but strictly: what viewers could show in two ways is refused there,
//! while in a fill the value that is given counts everywhere.
//!
//! What is drawn is what viewers draw: text in the field's font, size, colour and alignment, wrapped or in the cells of a comb, what is
//! chosen of a list, the state of a button. A value is drawn whole or refused: never cut, never with boxes for missing letters. Widgets
//! that show nothing, push buttons that have a look and signatures are left alone.

mod button;
mod choice;
mod encoding;
mod field;
mod fill;
mod fonts;
mod form;
mod layout;
mod number;
mod paint;
mod picture;
mod prepare;
mod prepared;
mod standard;
mod style;
mod value;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};

pub use self::field::{FieldKind, FieldOption, FormField, Place, ReadError};
pub use self::fill::{FillError, Filled, Mode, Options, Renamed, Replaced, Value, by_name, fill};
use self::fonts::{Font, Fonts, Known};
pub use self::form::Form;
use self::layout::{Alignment, Laid, Room};
use self::number::N;
use self::paint::Canvas;
pub use self::picture::{Picture, PictureError};
pub(crate) use self::picture::{Pixels, WayUp};
use self::style::{Panel, TextStyle};
use self::value::Choice;
use crate::fields::{self, Field, Style};
use crate::pdf;

/// Bytes of text (UTF-8) that is read and drawn in all fields of a document, options included.
const MAX_TEXT_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of all content streams that are drawn, before they are compressed.
const MAX_CONTENT_BYTES: usize = 64 * 1024 * 1024;
/// The widest page, in points (ISO 32000-2 annex C); a larger field is rubbish.
const MAX_EXTENT: f32 = 14_400.0;
/// Bytes of a field's name in an error.
const MAX_NAME_IN_ERROR: usize = 200;

/// ISO 32000-2 table 227 and following.
mod flag {
    pub(super) const READ_ONLY: i64 = 1;
    pub(super) const REQUIRED: i64 = 1 << 1;
    pub(super) const MULTILINE: i64 = 1 << 12;
    pub(super) const PASSWORD: i64 = 1 << 13;
    pub(super) const RADIO: i64 = 1 << 15;
    pub(super) const PUSH_BUTTON: i64 = 1 << 16;
    pub(super) const COMBO: i64 = 1 << 17;
    pub(super) const EDIT: i64 = 1 << 18;
    pub(super) const FILE_SELECT: i64 = 1 << 20;
    pub(super) const MULTI_SELECT: i64 = 1 << 21;
    pub(super) const COMB: i64 = 1 << 24;
    /// Of text fields.
    pub(super) const RICH_TEXT: i64 = 1 << 25;
    /// Of radio buttons.
    pub(super) const RADIOS_IN_UNISON: i64 = 1 << 25;
}

/// ISO 32000-2 table 167.
mod annotation_flag {
    pub(super) const HIDDEN: i64 = 1 << 1;
    pub(super) const PRINT: i64 = 1 << 2;
    pub(super) const NO_VIEW: i64 = 1 << 5;
}

/// Why the values of a form cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Document(#[from] pdf::Error),
    #[error(transparent)]
    Font(#[from] crate::text::Error),
    #[error("the form leaves drawing to the viewer, but the value of the field \"{field}\" cannot be drawn: {reason}")]
    Field { field: String, reason: Reason },
    #[error(
        "the form leaves drawing to the viewer, but it has more text than is drawn ({MAX_TEXT_BYTES} bytes); flatten it first"
    )]
    TooMuch,
}

/// What is wrong with one field, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("no font has a glyph for {:?} (U+{:04X}); install a font that has one", .0, u32::from(*.0))]
    NoGlyph(char),
    #[error("its font is Symbol, in which viewers show different characters; give the field another font")]
    SymbolFont,
    #[error("it is not readable as text; fill the field again")]
    Unreadable,
    #[error("it is too long; shorten it")]
    TooLong,
    #[error("it does not fit into the field; shorten it or enlarge the field")]
    DoesNotFit,
    #[error("it has more characters than the field has cells; shorten it")]
    LongerThanComb,
    #[error("the field has too many options; remove some")]
    TooManyOptions,
    #[error("the chosen options do not fit into the list's rectangle; enlarge it")]
    ChosenOutOfSight,
    #[error("\"{0}\" is none of the field's states; choose one of them again")]
    NoSuchState(String),
    #[error("the field and its widget have different values; fill the field again")]
    TwoValues,
    #[error("its value is \"{value}\" but its widget is in the state \"{state}\", which viewers show; choose one of them again")]
    StateIsNotValue { value: String, state: String },
    #[error("its rectangle is not within what a page can be; save the form anew")]
    Rectangle,
    #[error("its icon cannot be placed; save the form with the button's appearance")]
    Icon,
    #[error("its widget is not an object of its own; save the form anew")]
    InlineWidget,
    #[error("it is longer than the field allows ({0} characters); shorten it")]
    TooManyCharacters(usize),
    #[error("the field's choices are not readable, or too many; save the form anew")]
    Choices,
    #[error("it is none of the field's choices; give one of them")]
    NotAChoice,
    #[error("the field allows one choice; give one")]
    OneChoice,
    #[error("the field takes no text; leave it out, or give a picture")]
    TakesNoText,
    #[error("the field takes no picture; give a text")]
    TakesNoPicture,
}

/// What was drawn.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    /// New and changed objects: widgets, appearance streams, fonts. Each id occurs once.
    pub(crate) objects: Vec<(ObjectId, Object)>,
    /// Where something may look different from now on; a widget on two pages occurs twice.
    pub(crate) widgets: Vec<Widget>,
}

/// Where a widget is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Widget {
    /// Index of its page, from 0.
    pub(crate) page: usize,
    /// Left, bottom, right, top, on the page that is not turned, in points.
    pub(crate) rect: [f32; 4],
}

/// Whether the form tells viewers to draw the values of its fields (`NeedAppearances`).
pub(crate) fn needs_appearances(document: &Document) -> bool {
    let form = pdf::catalog(document).ok().and_then(|(_, catalog)| pdf::dict_entry(document, catalog, b"AcroForm"));
    let flag = form.and_then(|form| pdf::entry(document, form, b"NeedAppearances"));
    flag.is_some_and(|flag| matches!(flag, Object::Boolean(true)))
}

/// Draws the values of all fields as viewers would, if the form tells them to; else there is nothing to draw.
///
/// With the objects in place, the form shows the same without `NeedAppearances`.
///
/// # Errors
/// [`Error`]; `Field` names the field whose value cannot be drawn.
pub(crate) fn draw_values(document: &Document, new_id: &mut dyn FnMut() -> ObjectId) -> Result<Drawn, Error> {
    if !needs_appearances(document) {
        return Ok(Drawn::default());
    }
    let mut fields = fields::all(document)?;
    let mut pen = Pen::new(document, new_id)?;
    let in_tree: HashSet<ObjectId> = fields.iter().flat_map(|field| field.widgets.iter().copied()).collect();
    for widget in strays(document, &pen.pages, &in_tree)? {
        fields.extend(fields::of_widget(document, widget)?);
    }
    pen.know(&fields);
    for field in &fields {
        pen.field(field)?;
    }
    pen.finish()
}

/// Draws field after field.
pub(crate) struct Pen<'a, 'n> {
    document: &'a Document,
    new_id: &'n mut dyn FnMut() -> ObjectId,
    fonts: Fonts<'a>,
    /// On which pages an annotation stands, in the order of the pages.
    pages: HashMap<ObjectId, Vec<usize>>,
    draws_hidden: bool,
    /// The values of buttons (`V`, by its place) that name the state of a widget which has or inherits them.
    values_with_a_state: HashSet<*const Object>,
    /// A look that shows nothing.
    nothing: Option<ObjectId>,
    drawn: Drawn,
    /// Of texts that were read.
    text_bytes: usize,
    /// Of content streams that were drawn.
    content_bytes: usize,
}

/// A widget that is seen.
pub(crate) struct Site<'a> {
    id: ObjectId,
    dictionary: &'a Dictionary,
    rect: [f32; 4],
    frame: Frame,
}

/// The measures of a widget, and how it wants its value shown.
#[derive(Debug, Clone)]
struct Frame {
    /// As a reader of the widget sees them, in points.
    width: f32,
    height: f32,
    /// Counterclockwise, in degrees: 0, 90, 180 or 270.
    rotation: i64,
    panel: Panel,
    text: TextStyle,
    alignment: Alignment,
}

impl<'a, 'n> Pen<'a, 'n> {
    /// # Errors
    /// `Damaged` for hostile page trees and lists of annotations.
    pub(crate) fn new(document: &'a Document, new_id: &'n mut dyn FnMut() -> ObjectId) -> Result<Self, Error> {
        let pages = pdf::annotation_pages(document)?;
        for page in pdf::pages(document)? {
            let page = pdf::dict_at(document, page);
            let annotations = page.and_then(|page| pdf::array_entry(document, page, b"Annots"));
            for inline in annotations.into_iter().flatten().filter_map(|annotation| annotation.as_dict().ok()) {
                refuse_inline(document, inline)?;
            }
        }
        Ok(Self { pages, ..Self::filling(document, Arc::default(), new_id) })
    }

    /// A pen for a form that is being read: it takes what it finds, and draws what is hidden too.
    ///
    /// # Errors
    /// `Damaged` for hostile page trees and lists of annotations.
    fn lenient(document: &'a Document, new_id: &'n mut dyn FnMut() -> ObjectId) -> Result<Self, pdf::Error> {
        let pages = pdf::annotation_pages(document)?;
        Ok(Self { pages, draws_hidden: true, ..Self::filling(document, Arc::default(), new_id) })
    }

    /// A pen for a form whose fields and fonts are known.
    fn filling(document: &'a Document, fonts: Arc<Known>, new_id: &'n mut dyn FnMut() -> ObjectId) -> Self {
        Self {
            document,
            new_id,
            fonts: Fonts::with(document, fonts),
            pages: HashMap::new(),
            draws_hidden: false,
            values_with_a_state: HashSet::new(),
            nothing: None,
            drawn: Drawn::default(),
            text_bytes: 0,
            content_bytes: 0,
        }
    }

    /// Draws the widgets of a field that show its value.
    ///
    /// # Errors
    /// [`Error`]; what was drawn before stays drawn.
    pub(crate) fn field(&mut self, field: &Field<'a>) -> Result<(), Error> {
        self.draw(field).map_err(|reason| match reason {
            Failure::Field(reason) => Error::Field { field: shortened(&field.name), reason },
            Failure::TooMuch => Error::TooMuch,
        })
    }

    fn draw(&mut self, field: &Field<'a>) -> Result<(), Failure> {
        if field.kind == Some(b"Ch") {
            self.one_value(field)?;
        }
        match field.kind {
            Some(b"Tx") => self.text_field(field),
            Some(b"Ch") if field.style.flags & flag::COMBO != 0 => self.combo(field),
            Some(b"Ch") => self.list(field),
            Some(b"Btn") if field.style.flags & flag::PUSH_BUTTON != 0 => self.push_button(field),
            Some(b"Btn") => self.states(field),
            // Signatures have a look of their own; of what has no kind nobody knows how it looks.
            _ => Ok(()),
        }
    }

    /// The objects of everything that was drawn.
    ///
    /// # Errors
    /// Where a font that was found cannot be cut down.
    pub(crate) fn finish(self) -> Result<Drawn, Error> {
        let mut drawn = self.drawn;
        drawn.objects.extend(self.fonts.finish(self.new_id)?);
        Ok(drawn)
    }

    fn text_field(&mut self, field: &Field<'a>) -> Result<(), Failure> {
        let flags = field.style.flags;
        let is_password = flags & flag::PASSWORD != 0;
        let several = flags & flag::MULTILINE != 0;
        let is_comb = flags & flag::COMB != 0 && flags & (flag::PASSWORD | flag::MULTILINE | flag::FILE_SELECT) == 0;
        for site in self.sites(field)? {
            let text = self.value(field, &site)?;
            self.count(&text)?;
            let text = value::drawable(&text, several && !is_password);
            let text = if is_password { "*".repeat(text.chars().count()) } else { text };
            let cells = field.style.max_length.filter(|length| is_comb && *length > 0);
            self.text_widget(&site, &text, several, cells)?;
        }
        Ok(())
    }

    /// Refuses a widget with a value of its own that is not the field's: viewers differ on which counts.
    fn one_value(&mut self, field: &Field<'a>) -> Result<(), Failure> {
        let document = self.document;
        let others = field.widgets.iter().filter(|id| **id != field.id).filter_map(|id| pdf::dict_at(document, *id));
        for own in others.filter_map(|widget| widget.get(b"V").ok()) {
            let (own, value) = (value::chosen(document, Some(own))?, value::chosen(document, field.value)?);
            value.iter().try_for_each(|value| self.count(value))?;
            if own != value {
                return Err(Reason::TwoValues.into());
            }
        }
        Ok(())
    }

    /// The value of a field as text; a widget that has one of its own must agree.
    fn value(&self, field: &Field<'a>, site: &Site<'a>) -> Result<String, Reason> {
        let of = |value: Option<&Object>| value.map(|value| value::text(self.document, value)).transpose();
        let own = if site.id == field.id { None } else { of(site.dictionary.get(b"V").ok())? };
        match (of(field.value)?, own) {
            (Some(value), Some(own)) if value != own => Err(Reason::TwoValues),
            (value, own) => Ok(value.or(own).unwrap_or_default()),
        }
    }

    /// Draws one text into one widget.
    fn text_widget(&mut self, site: &Site<'a>, text: &str, several: bool, cells: Option<i64>) -> Result<(), Failure> {
        let look = self.text_look(&site.frame, text, several, cells)?;
        self.show(site, look)
    }

    /// One text in one widget.
    fn text_look(&mut self, frame: &Frame, text: &str, several: bool, cells: Option<i64>) -> Result<Look, Failure> {
        let mut canvas = Canvas::default();
        canvas.panel(&frame.panel, frame.width, frame.height);
        if let Some(cells) = cells.filter(|cells| *cells <= layout::MAX_CELLS) {
            canvas.dividers(&frame.panel, frame.width, frame.height, cells);
        }
        let mut resources = Dictionary::new();
        canvas.op(format_args!("/Tx BMC"));
        if text.chars().any(|character| !matches!(character, ' ' | '\n')) {
            let text = &self.fonts.said(&frame.text.font, text)?;
            let room = Room::new(frame.width, frame.height, frame.panel.inset());
            let font = self.font(&frame.text, text)?;
            let laid = match cells {
                Some(cells) => layout::comb(&font, text, room, frame.text.size, frame.alignment, cells)?,
                None if several => layout::wrapped(&font, text, room, frame.text.size, frame.alignment)?,
                None => layout::single(&font, text, room, frame.text.size, frame.alignment)?,
            };
            canvas.op(format_args!(
                "q {0} {0} {1} {2} re W n",
                N(room.border),
                N(frame.width - 2.0 * room.border),
                N(frame.height - 2.0 * room.border)
            ));
            self.write(&mut canvas, &laid, frame.text.colour, &mut resources);
            canvas.op(format_args!("Q"));
        }
        canvas.op(format_args!("EMC"));
        let is_blank = resources.is_empty() && frame.panel.is_blank();
        Ok(Look { canvas, resources, is_blank })
    }

    /// Counts a text that was read: one value may be shown by many widgets.
    fn count(&mut self, text: &str) -> Result<(), Failure> {
        // A text without a byte costs something too.
        self.text_bytes += text.len() + 1;
        if self.text_bytes > MAX_TEXT_BYTES { Err(Failure::TooMuch) } else { Ok(()) }
    }

    /// The options of a choice field or the export values of buttons.
    fn choices(&mut self, field: &Field<'a>) -> Result<Vec<Choice>, Failure> {
        let choices = value::choices(self.document, field.style.options)?;
        choices.iter().try_for_each(|choice| {
            self.count(&choice.export)?;
            self.count(&choice.display)
        })?;
        Ok(choices)
    }

    fn font(&mut self, style: &TextStyle, text: &str) -> Result<Font, Failure> {
        let text: String = text.chars().filter(|character| *character != '\n').collect();
        Ok(self.fonts.choose(&style.font, &text, self.new_id)?)
    }

    fn write(&mut self, canvas: &mut Canvas, laid: &Laid<'_>, colour: style::Colour, resources: &mut Dictionary) {
        let mut fonts = match resources.remove(b"Font") {
            Some(Object::Dictionary(fonts)) => fonts,
            _ => Dictionary::new(),
        };
        let show = |line: &layout::Line<'_>| self.fonts.show(&line.shown, laid.size, &mut fonts, self.new_id);
        let shown: Vec<String> = laid.lines.iter().map(show).collect();
        canvas.text(laid, &shown, colour);
        resources.set("Font", fonts);
    }

    /// A new appearance becomes the widget's only one. A blank one is needed only where there is another.
    fn show(&mut self, site: &Site<'a>, look: Look) -> Result<(), Failure> {
        if look.is_blank && !site.dictionary.has(b"AP") {
            return Ok(());
        }
        let form = self.add(&site.frame, look)?;
        let mut widget = site.dictionary.clone();
        widget.set("AP", dictionary! { "N" => form });
        widget.remove(b"AS");
        self.change(site, widget);
        Ok(())
    }

    /// Adds the form XObject of an appearance.
    fn add(&mut self, frame: &Frame, look: Look) -> Result<ObjectId, Failure> {
        self.content_bytes += look.canvas.len();
        if self.content_bytes > MAX_CONTENT_BYTES {
            return Err(Failure::TooMuch);
        }
        let form = look.canvas.into_form(frame.width, frame.height, frame.rotation, look.resources);
        let id = (self.new_id)();
        self.drawn.objects.push((id, Object::Stream(form)));
        Ok(id)
    }

    fn change(&mut self, site: &Site<'a>, widget: Dictionary) {
        self.drawn.objects.push((site.id, widget.into()));
        let places = self.pages.get(&site.id).into_iter().flatten();
        self.drawn.widgets.extend(places.map(|page| Widget { page: *page, rect: site.rect }));
    }

    /// The widgets of a field that are seen on a page.
    fn sites(&self, field: &Field<'a>) -> Result<Vec<Site<'a>>, Reason> {
        let sites = field.widgets.iter().map(|id| self.site(field, *id));
        sites.filter_map(Result::transpose).collect()
    }

    fn site(&self, field: &Field<'a>, id: ObjectId) -> Result<Option<Site<'a>>, Reason> {
        let document = self.document;
        let Some(dictionary) = pdf::dict_at(document, id).filter(|_| self.pages.contains_key(&id)) else { return Ok(None) };
        let flags = pdf::entry(document, dictionary, b"F").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let is_seen = flags & annotation_flag::NO_VIEW == 0 || flags & annotation_flag::PRINT != 0;
        if (flags & annotation_flag::HIDDEN != 0 || !is_seen) && !self.draws_hidden {
            return Ok(None);
        }
        let Some(rect) = rectangle(document, dictionary)? else { return Ok(None) };
        let style: Style<'a> = if id == field.id { field.style } else { field.style.with(document, dictionary) };
        Ok(Some(Site { id, dictionary, rect, frame: Frame::of(document, dictionary, rect, style) }))
    }
}

/// What a widget is to show.
struct Look {
    canvas: Canvas,
    resources: Dictionary,
    /// Nothing of it is seen.
    is_blank: bool,
}

impl Frame {
    fn of(document: &Document, widget: &Dictionary, rect: [f32; 4], style: Style<'_>) -> Self {
        let rotation = pdf::dict_entry(document, widget, b"MK")
            .and_then(|characteristics| pdf::entry(document, characteristics, b"R"))
            .and_then(|rotation| rotation.as_i64().ok())
            .filter(|rotation| rotation % 90 == 0)
            .map_or(0, |rotation| rotation.rem_euclid(360));
        let (width, height) = (rect[2] - rect[0], rect[3] - rect[1]);
        let (width, height) = if rotation % 180 == 0 { (width, height) } else { (height, width) };
        let appearance = style.appearance.and_then(|appearance| appearance.as_str().ok()).unwrap_or_default();
        Self {
            width,
            height,
            rotation,
            panel: Panel::of(document, widget),
            text: TextStyle::parse(appearance),
            alignment: Alignment::of(style.alignment),
        }
    }
}

/// Why a field is not drawn, without its name.
enum Failure {
    Field(Reason),
    TooMuch,
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Field(reason)
    }
}

/// Widgets that stand on pages but belong to no field of the tree, in the order of their numbers.
fn strays(
    document: &Document,
    pages: &HashMap<ObjectId, Vec<usize>>,
    seen: &HashSet<ObjectId>,
) -> Result<Vec<ObjectId>, pdf::Error> {
    let is_widget = |id: &ObjectId| pdf::dict_at(document, *id).is_some_and(|a| pdf::is_widget(document, a));
    let mut strays: Vec<ObjectId> = pages.keys().copied().filter(|id| !seen.contains(id)).filter(is_widget).collect();
    if strays.len() > fields::MAX_FIELDS {
        return Err(pdf::damaged(format!("it has more than {} widgets of no field", fields::MAX_FIELDS)));
    }
    strays.sort_unstable();
    Ok(strays)
}

/// A widget with a value that is written into its page's list: viewers differ on whether they draw it.
fn refuse_inline(document: &Document, annotation: &Dictionary) -> Result<(), Error> {
    let has_value = annotation.has(b"V") || annotation.has(b"Parent");
    if !pdf::is_widget(document, annotation) || !has_value {
        return Ok(());
    }
    let name = pdf::entry(document, annotation, b"T").and_then(pdf::text).unwrap_or_default();
    Err(Error::Field { field: shortened(&name), reason: Reason::InlineWidget })
}

/// Left, bottom, right, top. `None`: it has no extent, so nothing of it is seen.
fn rectangle(document: &Document, widget: &Dictionary) -> Result<Option<[f32; 4]>, Reason> {
    let Some(corners) = pdf::array_entry(document, widget, b"Rect") else { return Ok(None) };
    let corners: Vec<f32> = corners.iter().take(5).filter_map(|corner| pdf::number(document, corner)).collect();
    let [x1, y1, x2, y2] = corners[..] else { return Err(Reason::Rectangle) };
    let rect = [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)];
    let (width, height) = (rect[2] - rect[0], rect[3] - rect[1]);
    if width == 0.0 || height == 0.0 {
        return Ok(None);
    }
    // Also where so large that the difference of its corners means nothing.
    let is_sane = width <= MAX_EXTENT && height <= MAX_EXTENT && rect.iter().all(|corner| corner.abs() <= 10.0 * MAX_EXTENT);
    if is_sane { Ok(Some(rect)) } else { Err(Reason::Rectangle) }
}

fn shortened(name: &str) -> String {
    let mut end = name.len().min(MAX_NAME_IN_ERROR);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The content of a stream. `None`: it cannot be unpacked, or is larger than `max` bytes.
fn unpacked(stream: &Stream, max: usize) -> Option<Vec<u8>> {
    // What the parsed document says of filters by reference is not followed there.
    let is_direct = !matches!(stream.dict.get(b"Filter"), Ok(Object::Reference(_)));
    stream.decompressed_content_with_limit(max).ok().filter(|content| is_direct && content.len() <= max)
}

#[cfg(test)]
mod tests;
