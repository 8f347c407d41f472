//! Choice fields: combo boxes show what is chosen, list boxes their options with the chosen ones marked.

use lopdf::Dictionary;

use super::layout::{self, Room};
use super::number::N;
use super::paint::Canvas;
use super::style::Colour;
use super::value::{self, Choice};
use super::{Failure, Frame, Look, Pen, Reason};
use crate::fields::Field;
use crate::pdf;

/// Behind chosen options, as Acrobat has it.
const CHOSEN: Colour = Colour::Rgb([0.6, 0.757, 0.855]);
/// The size of a list whose default appearance leaves it open, in points.
const LIST_SIZE: f32 = 12.0;

impl<'a> Pen<'a, '_> {
    /// What is chosen, as the field shows it; a text of its own where it is none of the options.
    pub(super) fn combo(&mut self, field: &Field<'a>) -> Result<(), Failure> {
        let choices = self.choices(field)?;
        let chosen = self.values(field)?.into_iter().next().unwrap_or_default();
        let shown = choices.into_iter().find(|choice| choice.export == chosen).map_or(chosen, |choice| choice.display);
        let shown = value::drawable(&shown, false);
        for site in self.sites(field)? {
            self.text_widget(&site, &shown, false, None)?;
        }
        Ok(())
    }

    /// The options from the first visible one (`TI`) on, as many as the rectangle has room for.
    pub(super) fn list(&mut self, field: &Field<'a>) -> Result<(), Failure> {
        let mut choices = self.choices(field)?;
        let chosen = self.chosen(field, &mut choices)?;
        let top = pdf::dict_at(self.document, field.id)
            .and_then(|dictionary| pdf::entry(self.document, dictionary, b"TI"))
            .and_then(|top| usize::try_from(top.as_i64().ok()?).ok())
            .unwrap_or(0);
        for site in self.sites(field)? {
            let (look, _) = self.list_look(&site.frame, &choices, &chosen, top)?;
            self.show(&site, look)?;
        }
        Ok(())
    }

    fn values(&mut self, field: &Field<'a>) -> Result<Vec<String>, Failure> {
        let values = value::chosen(self.document, field.value)?;
        values.iter().try_for_each(|value| self.count(value))?;
        Ok(values)
    }

    /// The numbers of the chosen options in ascending order. A value that is none of the options becomes one.
    fn chosen(&mut self, field: &Field<'a>, choices: &mut Vec<Choice>) -> Result<Vec<usize>, Failure> {
        let values = self.values(field)?;
        let mut numbers = Vec::new();
        if values.is_empty() && field.value.is_none() {
            // Without a value the numbers of the options count.
            let own = pdf::dict_at(self.document, field.id).and_then(|field| pdf::array_entry(self.document, field, b"I"));
            let listed = own.into_iter().flatten().take(value::MAX_OPTIONS);
            let listed = listed.filter_map(|number| usize::try_from(pdf::resolve(self.document, number).as_i64().ok()?).ok());
            numbers.extend(listed.filter(|number| *number < choices.len()));
        }
        let by_export: std::collections::HashMap<String, usize> =
            choices.iter().enumerate().rev().map(|(number, choice)| (choice.export.clone(), number)).collect();
        for value in values.into_iter().filter(|value| !value.is_empty()) {
            let number = by_export.get(&value).copied().unwrap_or(choices.len());
            if number == choices.len() {
                choices.push(Choice { export: value.clone(), display: value });
            }
            numbers.push(number);
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// A list, and the first option that it shows.
    pub(super) fn list_look(
        &mut self,
        frame: &Frame,
        choices: &[Choice],
        chosen: &[usize],
        top: usize,
    ) -> Result<(Look, usize), Failure> {
        let mut canvas = Canvas::default();
        canvas.panel(&frame.panel, frame.width, frame.height);
        let room = Room::new(frame.width, frame.height, frame.panel.inset());
        let size = if frame.text.size > 0.0 { frame.text.size } else { LIST_SIZE };
        // The height of a line does not depend on which of the similar fonts it will be.
        let count = ((room.text_height() / (size * 1.2)) as usize).max(1);
        let first = window(choices.len(), chosen, top, count)?;
        let visible = choices.iter().skip(first).take(count).map(|choice| value::drawable(&choice.display, false));
        let visible = visible.map(|text| self.fonts.said(&frame.text.font, &text)).collect::<Result<Vec<_>, _>>()?;
        canvas.op(format_args!("/Tx BMC q"));
        let mut resources = Dictionary::new();
        if visible.iter().any(|text| !text.trim().is_empty()) {
            let font = self.font(&frame.text, &visible.concat())?;
            let row = room.text_height() / count as f32;
            let step = row.min(size * 1.2);
            for (index, text) in visible.iter().enumerate() {
                let bottom = room.height - room.padding - step * (index as f32 + 1.0);
                let is_chosen = chosen.binary_search(&(first + index)).is_ok();
                if is_chosen {
                    let width = room.width - 2.0 * room.border;
                    canvas.op(format_args!(
                        "q {} {} {} {} {} re f Q",
                        CHOSEN.fill(),
                        N(room.border),
                        N(bottom),
                        N(width),
                        N(step)
                    ));
                }
                let line = Room { height: step, border: 0.0, ..room };
                let mut laid =
                    layout::single(&font, text, Room { padding: room.padding.min(step / 4.0), ..line }, size, frame.alignment)?;
                for line in &mut laid.lines {
                    line.baseline += bottom;
                }
                self.write(&mut canvas, &laid, frame.text.colour, &mut resources);
            }
        }
        canvas.op(format_args!("Q EMC"));
        let is_blank = resources.is_empty() && frame.panel.is_blank();
        Ok((Look { canvas, resources, is_blank }, first))
    }
}

/// The first option that is shown: that of `TI`, or one from which all chosen ones are seen.
fn window(choices: usize, chosen: &[usize], top: usize, count: usize) -> Result<usize, Reason> {
    let top = top.min(choices.saturating_sub(count));
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else { return Ok(top) };
    if (top..top + count).contains(first) && (top..top + count).contains(last) {
        return Ok(top);
    }
    if last - first < count { Ok((*first).min(choices.saturating_sub(count))) } else { Err(Reason::ChosenOutOfSight) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_of_a_list_shows_what_is_chosen() {
        assert_eq!(window(10, &[], 3, 4), Ok(3));
        assert_eq!(window(10, &[], 9, 4), Ok(6));
        assert_eq!(window(10, &[4, 6], 3, 4), Ok(3));
        assert_eq!(window(10, &[8], 3, 4), Ok(6));
        assert_eq!(window(10, &[1, 2], 5, 4), Ok(1));
        assert_eq!(window(10, &[1, 8], 0, 4), Err(Reason::ChosenOutOfSight));
        assert_eq!(window(0, &[], usize::MAX, 4), Ok(0));
    }
}
