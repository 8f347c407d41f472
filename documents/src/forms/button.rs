//! Buttons: check boxes and radio buttons show the state that their value names; push buttons without a look get their caption and icon.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};

use super::fonts::Shown;
use super::fonts::dingbat;
use super::layout::{self, Alignment, Room};
use super::paint::Canvas;
use super::prepared::{self, Button};
use super::value;
use super::{Failure, Frame, Look, Pen, Reason, Site, flag, unpacked};
use crate::fields::Field;
use crate::pdf;
use crate::text::{self, Typeface};

/// States of one widget that are looked at.
const MAX_STATES: usize = 100;
/// Bytes of an appearance that may turn out to be empty.
const MAX_BLANK_BYTES: usize = 1024;
pub(super) const OFF: &[u8] = b"Off";
/// The state of a check box that names none.
const YES: &[u8] = b"Yes";
/// Widgets and the names of the states that they are in.
type States = Vec<(ObjectId, Vec<u8>)>;

/// The sign of radio buttons, which are round with it.
const ROUND: char = 'l';
/// How much of a box its mark takes.
const MARK_SHARE: f32 = 0.7;

impl<'a> Pen<'a, '_> {
    /// Notes which values are shown by a widget: one value may be inherited by several fields, of which one shows it.
    pub(super) fn know(&mut self, fields: &[Field<'a>]) {
        for field in fields.iter().filter(|field| field.kind == Some(b"Btn")) {
            let Some(value) = field.value else { continue };
            let (Object::Name(state) | Object::String(state, _)) = pdf::resolve(self.document, value) else { continue };
            let mut widgets = field.widgets.iter().filter_map(|id| pdf::dict_at(self.document, *id));
            if widgets.any(|widget| names(self.document, widget).contains(state)) {
                self.values_with_a_state.insert(std::ptr::from_ref(value));
            }
        }
    }

    /// Check boxes and radio buttons. An existing appearance of a state is kept; a missing or empty one is drawn.
    pub(super) fn states(&mut self, field: &Field<'a>) -> Result<(), Failure> {
        let on = self.states_that_are_on(field)?;
        for site in self.sites(field)? {
            let names = names(self.document, site.dictionary);
            let state = match &on {
                Some(on) => on.iter().find(|(widget, _)| *widget == site.id).map_or(OFF.to_vec(), |(_, state)| state.clone()),
                // Without a value the widgets say how they are.
                None => {
                    current(self.document, site.dictionary).filter(|state| *state != OFF).map_or(OFF.to_vec(), <[u8]>::to_vec)
                }
            };
            self.agree(&site, &names, &state)?;
            let mut widget = site.dictionary.clone();
            if has_look(self.document, site.dictionary, &state) {
                if current(self.document, site.dictionary) != Some(&state) {
                    widget.set("AS", Object::Name(state));
                    self.change(&site, widget);
                }
                continue;
            }
            let states = self.drawn_states(field, &site, &names, &state)?;
            widget.set("AP", dictionary! { "N" => states });
            widget.set("AS", Object::Name(state));
            self.change(&site, widget);
        }
        Ok(())
    }

    /// Refuses a widget whose state is not what the value says: viewers show the state, readers of the data the value.
    fn agree(&self, site: &Site<'a>, names: &BTreeSet<Vec<u8>>, state: &[u8]) -> Result<(), Reason> {
        let Some(current) = current(self.document, site.dictionary) else { return Ok(()) };
        // A state that the widget does not have shows nothing: it says no more than a missing one.
        if current == state || (current != OFF && !names.contains(current)) {
            return Ok(());
        }
        let readable = |name: &[u8]| super::shortened(&String::from_utf8_lossy(name));
        Err(Reason::StateIsNotValue { value: readable(state), state: readable(current) })
    }

    /// Which widgets are on, and the names of their states. `None`: the field has no value.
    fn states_that_are_on(&mut self, field: &Field<'a>) -> Result<Option<States>, Failure> {
        let document = self.document;
        let value = match field.value.map(|value| pdf::resolve(document, value)) {
            None | Some(Object::Null) => return Ok(None),
            Some(Object::Name(name) | Object::String(name, _)) => name.as_slice(),
            Some(_) => return Err(Reason::Unreadable.into()),
        };
        if value == OFF || value.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let widgets: Vec<(ObjectId, BTreeSet<Vec<u8>>)> =
            field.widgets.iter().filter_map(|id| Some((*id, names(document, pdf::dict_at(document, *id)?)))).collect();
        let named: Vec<(ObjectId, Vec<u8>)> =
            widgets.iter().filter(|(_, names)| names.contains(value)).map(|(id, _)| (*id, value.to_vec())).collect();
        let is_shown_elsewhere = field.value.is_some_and(|value| self.values_with_a_state.contains(&std::ptr::from_ref(value)));
        if !named.is_empty() || is_shown_elsewhere {
            return Ok(Some(named));
        }
        // Some programs write the export value of `Opt`, whose order is that of the widgets (ISO 32000-2 12.7.5.2.3).
        let text = value::decoded(value).unwrap_or_else(|| String::from_utf8_lossy(value).into_owned());
        let exported = self.choices(field)?.iter().position(|choice| choice.export == text);
        let by_export = exported.and_then(|index| widgets.get(index)).and_then(|(id, names)| Some((*id, names.first()?.clone())));
        if let Some(on) = by_export {
            return Ok(Some(vec![on]));
        }
        match widgets.as_slice() {
            [(id, names)] if names.is_empty() => Ok(Some(vec![(*id, value.to_vec())])),
            _ => Err(Reason::NoSuchState(super::shortened(&text)).into()),
        }
    }

    /// The appearances of a widget's states: those that are there, and new ones for "off" and for `state`.
    fn drawn_states(
        &mut self,
        field: &Field<'a>,
        site: &Site<'a>,
        names: &BTreeSet<Vec<u8>>,
        state: &[u8],
    ) -> Result<Dictionary, Failure> {
        let existing = normal_states(self.document, site.dictionary);
        if existing.is_some_and(|states| states.len() > MAX_STATES) {
            return Err(Reason::TooManyOptions.into());
        }
        let mut states = existing.cloned().unwrap_or_default();
        let is_radio = field.style.flags & flag::RADIO != 0;
        // Who checks the box later needs a state to go to; of a radio button nobody knows its name.
        let spare = (names.is_empty() && !is_radio).then(|| YES.to_vec());
        let wanted = names.iter().cloned().chain(spare).chain([OFF.to_vec(), state.to_vec()]);
        for name in wanted.collect::<BTreeSet<_>>() {
            if has_look(self.document, site.dictionary, &name) {
                continue;
            }
            let form = self.button(&site.frame, sign(self.document, site.dictionary, is_radio), is_radio, name != OFF)?;
            states.set(name, form);
        }
        Ok(states)
    }

    /// Draws the states that have no appearance, so that a fill only switches between them. An empty appearance counts as none where the form
    /// leaves drawing to viewers.
    pub(super) fn complete_states(&mut self, field: &Field<'a>, leaves_drawing: bool) -> Result<(), Failure> {
        let is_radio = field.style.flags & flag::RADIO != 0;
        let value = field.value.and_then(|value| match pdf::resolve(self.document, value) {
            Object::Name(name) | Object::String(name, _) => Some(name.as_slice()),
            _ => None,
        });
        let value = value.filter(|value| *value != OFF && !value.is_empty());
        for (index, id) in field.widgets.iter().enumerate() {
            let Some(site) = self.site(field, *id)? else { continue };
            let mut names = names(self.document, site.dictionary);
            if names.is_empty() {
                // Without a name of its own, a radio button is told from the others by its number, as `Opt` has it (12.7.5.2.4).
                let only = value.filter(|_| field.widgets.len() == 1);
                names.insert(
                    only.map_or_else(|| if is_radio { index.to_string().into_bytes() } else { YES.to_vec() }, <[u8]>::to_vec),
                );
            }
            let appearance = pdf::dict_entry(self.document, site.dictionary, b"AP");
            let existing = normal_states(self.document, site.dictionary).filter(|states| states.len() <= MAX_STATES);
            let has = |state: &[u8]| match existing.and_then(|states| pdf::entry(self.document, states, state)) {
                Some(Object::Stream(_)) => !leaves_drawing || has_look(self.document, site.dictionary, state),
                _ => false,
            };
            let missing: Vec<Vec<u8>> = names.iter().cloned().chain([OFF.to_vec()]).filter(|state| !has(state)).collect();
            let shown = current(self.document, site.dictionary);
            // Poppler does not look for states behind a reference.
            let is_direct = appearance.is_some_and(|appearance| matches!(appearance.get(b"N"), Ok(Object::Dictionary(_))));
            if missing.is_empty() && shown.is_some() && is_direct {
                continue;
            }
            let shows_others = existing.is_some_and(|states| !states.is_empty());
            let mut states = existing.cloned().unwrap_or_default();
            let sign = sign(self.document, site.dictionary, is_radio);
            // All states but "off" look the same.
            let mut on = None;
            for state in missing {
                let form = match on {
                    Some(on) if state != OFF => on,
                    _ if state == OFF && shows_others && !leaves_drawing => self.nothing(),
                    _ => self.button(&site.frame, sign, is_radio, state != OFF)?,
                };
                on = on.or((state != OFF).then_some(form));
                states.set(state, form);
            }
            let mut widget = site.dictionary.clone();
            if shown.is_none() {
                let state = value.filter(|value| names.contains(*value)).unwrap_or(OFF);
                widget.set("AS", Object::Name(state.to_vec()));
            }
            let mut looks = dictionary! { "N" => states };
            // How it looks while it is pressed and pointed at.
            for key in [b"D", b"R"] {
                if let Some(look @ Object::Reference(_)) = appearance.and_then(|appearance| appearance.get(key).ok()) {
                    looks.set(key.to_vec(), look.clone());
                }
            }
            widget.set("AP", looks);
            self.change(&site, widget);
        }
        Ok(())
    }

    /// The look of "off" where a form has none: nothing is shown (ISO 32000-2 12.7.5.2.3). Some viewers draw a box or a background of their own
    /// for a state that is missing.
    fn nothing(&mut self) -> ObjectId {
        if let Some(nothing) = self.nothing {
            return nothing;
        }
        let id = (self.new_id)();
        let form = Canvas::default().into_form(1.0, 1.0, 0, Dictionary::new());
        self.drawn.objects.push((id, Object::Stream(form)));
        self.nothing = Some(id);
        id
    }

    /// One state of a check box or radio button, with a sign when it is on.
    pub(super) fn button(&mut self, frame: &Frame, sign: char, is_radio: bool, is_on: bool) -> Result<ObjectId, Failure> {
        let mut canvas = Canvas::default();
        if is_radio && sign == ROUND {
            canvas.disc(&frame.panel, frame.width, frame.height);
        } else {
            canvas.panel(&frame.panel, frame.width, frame.height);
        }
        let mut resources = Dictionary::new();
        if is_on {
            self.mark(frame, dingbat(sign), &mut canvas, &mut resources)?;
        }
        self.add(frame, Look { canvas, resources, is_blank: false })
    }

    /// A sign in the middle of a box, as large as the default appearance says, or as fits.
    fn mark(&mut self, frame: &Frame, sign: char, canvas: &mut Canvas, resources: &mut Dictionary) -> Result<(), Failure> {
        let face = Typeface::DejaVuSans.face();
        let glyph = face.glyph(sign).ok_or(Reason::NoGlyph(sign))?;
        let [left, bottom, right, top] = face.outline(glyph).ok_or(Reason::NoGlyph(sign))?.map(|value| value / 1000.0);
        let inset = frame.panel.inset().min(frame.width.min(frame.height) / 4.0);
        let (width, height) = (frame.width - 2.0 * inset, frame.height - 2.0 * inset);
        let fitting = (width / (right - left).max(0.01)).min(height / (top - bottom).max(0.01));
        let size = if frame.text.size > 0.0 { frame.text.size.min(fitting) } else { MARK_SHARE * fitting };
        let x = (frame.width - (left + right) * size) / 2.0;
        let y = (frame.height - (bottom + top) * size) / 2.0;
        let mut fonts = Dictionary::new();
        let shown = Shown::Glyphs(text::Line::of_sign(face, glyph, sign));
        let shown = self.fonts.show(&shown, size, &mut fonts, self.new_id);
        canvas.op(format_args!("q BT {} {x:.3} {y:.3} Td {shown} ET Q", frame.text.colour.fill()));
        resources.set("Font", fonts);
        Ok(())
    }

    /// A push button has no value: its look is kept. One without gets its caption and icon.
    pub(super) fn push_button(&mut self, field: &Field<'a>) -> Result<(), Failure> {
        for site in self.sites(field)? {
            let normal = pdf::dict_entry(self.document, site.dictionary, b"AP")
                .and_then(|appearance| pdf::entry(self.document, appearance, b"N"));
            if matches!(normal, Some(Object::Stream(stream)) if !is_blank(stream))
                || matches!(normal, Some(Object::Dictionary(_)))
            {
                continue;
            }
            self.captioned(&site)?;
        }
        Ok(())
    }

    fn captioned(&mut self, site: &Site<'a>) -> Result<(), Failure> {
        let document = self.document;
        let characteristics = pdf::dict_entry(document, site.dictionary, b"MK");
        let entry = |key: &[u8]| characteristics.and_then(|characteristics| pdf::entry(document, characteristics, key));
        let caption = entry(b"CA").map(|caption| value::text(document, caption)).transpose()?.unwrap_or_default();
        self.count(&caption)?;
        let caption = value::drawable(&caption, false);
        // Table 192: 0 the caption alone, 1 the icon alone, 6 the caption over the icon, the others side by side.
        let position = entry(b"TP").and_then(|position| position.as_i64().ok()).unwrap_or(0);
        let icon = characteristics.filter(|_| position != 0).and_then(|characteristics| {
            let reference = characteristics.get(b"I").ok()?.as_reference().ok()?;
            Some((reference, entry(b"I")?.as_stream().ok()?))
        });
        let frame = &site.frame;
        let mut canvas = Canvas::default();
        let mut resources = Dictionary::new();
        canvas.panel(&frame.panel, frame.width, frame.height);
        let room = Room::new(frame.width, frame.height, frame.panel.inset());
        let has_caption = position != 1 && !caption.trim().is_empty();
        if let Some((reference, icon)) = icon {
            if has_caption && position != 6 {
                return Err(Reason::Icon.into());
            }
            let placed = placed(document, icon, room).ok_or(Reason::Icon)?;
            canvas.op(format_args!("q {placed} cm /Icon Do Q"));
            resources.set("XObject", dictionary! { "Icon" => reference });
        }
        if has_caption {
            let caption = self.fonts.said(&frame.text.font, &caption)?;
            let font = self.font(&frame.text, &caption)?;
            let laid = layout::single(&font, &caption, room, frame.text.size, Alignment::Centre)?;
            canvas.op(format_args!("q"));
            self.write(&mut canvas, &laid, frame.text.colour, &mut resources);
            canvas.op(format_args!("Q"));
        }
        if canvas.is_empty() {
            return Ok(());
        }
        self.show(site, Look { canvas, resources, is_blank: false })
    }
}

/// The widget and the state that a value means. `None`: the field has no such state.
pub(super) fn chosen<'w>(widgets: &'w [prepared::Shown], kind: &Button, text: &str) -> Option<(usize, &'w [u8])> {
    let states = || {
        widgets.iter().enumerate().flat_map(|(index, widget)| widget.states.iter().map(move |state| (index, state.as_slice())))
    };
    let by_export = states().find(|(index, _)| widgets[*index].export.as_deref() == Some(text));
    let by_state = || states().find(|(_, state)| *state == text.as_bytes() || state_text(state) == text);
    let only = || {
        let first = states().next().filter(|_| !kind.radio && text.eq_ignore_ascii_case("true"))?;
        states().all(|(_, state)| state == first.1).then_some(first)
    };
    by_export.or_else(by_state).or_else(only)
}

/// The name of a state as text.
pub(super) fn state_text(state: &[u8]) -> String {
    match std::str::from_utf8(state) {
        Ok(text) => text.to_owned(),
        Err(_) => value::decoded(state).unwrap_or_else(|| String::from_utf8_lossy(state).into_owned()),
    }
}

/// The sign of a check box or radio button, as a character of ZapfDingbats.
fn sign(document: &Document, widget: &Dictionary, is_radio: bool) -> char {
    let caption = pdf::dict_entry(document, widget, b"MK")
        .and_then(|characteristics| pdf::entry(document, characteristics, b"CA"))
        .and_then(|caption| value::text(document, caption).ok())
        .and_then(|caption| caption.chars().find(|c| !c.is_whitespace() && !c.is_control()));
    caption.unwrap_or(if is_radio { ROUND } else { '4' })
}

/// The names of a widget's states but for "off": those that have an appearance, else the one that it is in.
pub(super) fn names(document: &Document, widget: &Dictionary) -> BTreeSet<Vec<u8>> {
    let appearance = pdf::dict_entry(document, widget, b"AP");
    let states = [&b"N"[..], b"D"].into_iter().filter_map(|key| pdf::dict_entry(document, appearance?, key));
    let names = states.flat_map(|states| states.iter().take(MAX_STATES).map(|(name, _)| name.clone()));
    let mut names: BTreeSet<Vec<u8>> = names.filter(|name| name != OFF).collect();
    if names.is_empty() {
        names.extend(current(document, widget).filter(|state| *state != OFF).map(<[u8]>::to_vec));
    }
    names
}

fn normal_states<'a>(document: &'a Document, widget: &'a Dictionary) -> Option<&'a Dictionary> {
    pdf::dict_entry(document, pdf::dict_entry(document, widget, b"AP")?, b"N")
}

/// The state that a widget is in.
fn current<'a>(document: &'a Document, widget: &'a Dictionary) -> Option<&'a [u8]> {
    pdf::entry(document, widget, b"AS")?.as_name().ok()
}

/// Whether a state has an appearance. "Off" may have none: then nothing is shown, once there are others.
fn has_look(document: &Document, widget: &Dictionary, state: &[u8]) -> bool {
    let Some(states) = normal_states(document, widget) else { return false };
    match pdf::entry(document, states, state) {
        Some(Object::Stream(stream)) => state == OFF || !is_blank(stream),
        _ => state == OFF && states.iter().any(|(name, _)| name != OFF),
    }
}

/// Whether a stream draws nothing: it only opens and closes what it marks.
fn is_blank(stream: &Stream) -> bool {
    if stream.content.len() > MAX_BLANK_BYTES {
        return false;
    }
    let Some(content) = unpacked(stream, MAX_BLANK_BYTES) else { return false };
    let mut words = content.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.all(|word| matches!(word, b"q" | b"Q" | b"/Tx" | b"BMC" | b"EMC"))
}

/// The matrix that brings a form XObject into the middle of a field, as large as fits, in its own proportions.
fn placed(document: &Document, icon: &Stream, room: Room) -> Option<String> {
    let numbers = |key: &[u8]| -> Option<Vec<f32>> {
        pdf::array_entry(document, &icon.dict, key)?.iter().take(7).map(|item| pdf::number(document, item)).collect()
    };
    let [x1, y1, x2, y2] = numbers(b"BBox")?[..] else { return None };
    let matrix = if icon.dict.has(b"Matrix") { numbers(b"Matrix")? } else { vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0] };
    let [a, b, c, d, e, f] = matrix[..] else { return None };
    let corners = [(x1, y1), (x1, y2), (x2, y1), (x2, y2)].map(|(x, y)| (a * x + c * y + e, b * x + d * y + f));
    let bounds =
        |values: [f32; 4]| (values.iter().copied().fold(f32::MAX, f32::min), values.iter().copied().fold(f32::MIN, f32::max));
    let (left, right) = bounds(corners.map(|corner| corner.0));
    let (bottom, top) = bounds(corners.map(|corner| corner.1));
    let scale = (room.text_width() / (right - left)).min(room.text_height() / (top - bottom));
    let x = (room.width - (left + right) * scale) / 2.0;
    let y = (room.height - (bottom + top) * scale) / 2.0;
    let is_sane = scale.is_finite() && scale > 1e-4 && x.is_finite() && y.is_finite() && x.abs() < 1e6 && y.abs() < 1e6;
    is_sane.then(|| format!("{scale:.5} 0 0 {scale:.5} {x:.3} {y:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signs_of_check_boxes_have_glyphs() {
        for style in ['4', 'l', '8', 'u', 'n', 'H', '6', '5', '3', 'X', '✓'] {
            assert!(Typeface::DejaVuSans.face().glyph(dingbat(style)).is_some(), "{style}");
        }
        assert_eq!((dingbat('4'), dingbat('8')), ('✔', '✘'));
    }

    #[test]
    fn a_stream_that_only_marks_content_is_blank() {
        let blank = |content: &[u8]| is_blank(&Stream::new(Dictionary::new(), content.to_vec()));
        assert!(blank(b"") && blank(b"/Tx BMC\nEMC\n") && blank(b"q Q"));
        assert!(!blank(b"0 0 m 1 1 l S") && !blank(&[b' '; 5000]));
    }

    #[test]
    fn an_icon_keeps_its_proportions_and_a_flat_one_is_refused() {
        let icon = |bbox: [i64; 4]| Stream::new(dictionary! { "BBox" => bbox.map(Object::Integer).to_vec() }, Vec::new());
        let room = Room::new(104.0, 24.0, 1.0);
        let document = Document::new();
        assert_eq!(placed(&document, &icon([0, 0, 40, 20]), room).as_deref(), Some("1.00000 0 0 1.00000 32.000 2.000"));
        assert_eq!(placed(&document, &icon([0, 0, 0, 20]), room), Some("1.00000 0 0 1.00000 52.000 2.000".to_owned()));
        assert_eq!(placed(&document, &icon([0, 0, 0, 0]), room), None);
    }
}
