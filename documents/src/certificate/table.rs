//! Tables that break over pages: the header is repeated, a row stays whole where it fits on a page and is continued where it does
//! not.

use super::Error;
use super::font::{Piece, clean, wrap};
use super::layout::{CONTENT_BOTTOM, CONTENT_TOP, CONTENT_WIDTH, MARGIN, PANEL, Pages, RULE, Style};

const PADDING: f32 = 4.0;

/// Paragraphs below one another.
#[derive(Clone, Default)]
pub(super) struct Cell(Vec<(Style, String)>);

impl Cell {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn of(style: Style, text: &str) -> Self {
        Self::new().and(style, text)
    }

    /// Adds a paragraph; an empty text adds nothing.
    pub fn and(mut self, style: Style, text: &str) -> Self {
        let text = clean(text);
        if !text.trim().is_empty() {
            self.0.push((style, text));
        }
        self
    }

    fn lines(&self, width: f32) -> Result<Vec<(Style, Piece)>, Error> {
        let mut lines = Vec::new();
        for (style, text) in &self.0 {
            lines.extend(wrap(text, *style, width)?.into_iter().map(|line| (*style, line)));
        }
        Ok(lines)
    }
}

/// The shape of a table: widths in points that add up to at most the width of the content, and the titles of the columns.
pub(super) struct Table<'a> {
    pub widths: &'a [f32],
    /// No titles, no header.
    pub titles: Vec<&'a str>,
    /// A hair line below each row.
    pub ruled: bool,
}

/// Lines of each cell that are still to be drawn.
type Row = Vec<Vec<(Style, Piece)>>;

/// The titles of a table.
struct Header {
    row: Row,
    /// In points; 0 without titles.
    height: f32,
}

impl Header {
    /// What is left of a page below it.
    fn whole_page(&self) -> f32 {
        CONTENT_BOTTOM - CONTENT_TOP - self.height
    }
}

impl Table<'_> {
    /// Draws the rows at the current place.
    pub fn draw(&self, pages: &mut Pages, rows: impl IntoIterator<Item = Vec<Cell>>) -> Result<(), Error> {
        debug_assert!(self.widths.iter().sum::<f32>() <= CONTENT_WIDTH + 0.01);
        let header = self.header_row()?;
        let mut begun = false;
        for cells in rows {
            let cells = cells.iter().zip(self.widths).map(|(cell, width)| cell.lines(width - 2.0 * PADDING));
            let row: Row = cells.collect::<Result<_, _>>()?;
            if !begun {
                // A header never stands alone at the foot of a page.
                pages.ensure(header.height + self.height(&row).min(header.whole_page()).min(120.0))?;
                self.header(pages, &header);
                begun = true;
            }
            self.row(pages, row, &header)?;
        }
        Ok(())
    }

    fn padding(&self) -> f32 {
        if self.ruled { PADDING } else { 1.5 }
    }

    fn height(&self, row: &Row) -> f32 {
        let base = base_line(row);
        let height =
            |lines: &Vec<(Style, Piece)>| lowering(lines, base) + lines.iter().map(|(style, _)| style.leading()).sum::<f32>();
        row.iter().map(height).fold(0.0, f32::max) + 2.0 * self.padding()
    }

    fn header_row(&self) -> Result<Header, Error> {
        let titles = self.titles.iter().zip(self.widths);
        let titles = titles.map(|(title, width)| Cell::of(Style::HEAD, title).lines(width - 2.0 * PADDING));
        let row: Row = titles.collect::<Result<_, _>>()?;
        let height = if row.is_empty() { 0.0 } else { self.height(&row) };
        Ok(Header { row, height })
    }

    fn header(&self, pages: &mut Pages, header: &Header) {
        if header.row.is_empty() {
            return;
        }
        pages.filled(MARGIN, pages.y, self.widths.iter().sum(), header.height, PANEL);
        self.lines(pages, &mut header.row.clone(), header.height);
        pages.y += header.height;
    }

    fn row(&self, pages: &mut Pages, mut row: Row, header: &Header) -> Result<(), Error> {
        if self.height(&row) > pages.room() && self.height(&row) <= header.whole_page() {
            self.continue_on_next_page(pages, header)?;
        }
        loop {
            let height = self.height(&row).min(pages.room());
            let before = count(&row);
            self.lines(pages, &mut row, height);
            pages.y += height;
            if count(&row) == 0 {
                break;
            }
            // On a fresh page at least one line of each cell is drawn, so this ends.
            let stuck = count(&row) == before && pages.y - height <= CONTENT_TOP + header.height + 0.1;
            if stuck {
                return Err(Error::TooLong);
            }
            self.continue_on_next_page(pages, header)?;
        }
        if self.ruled {
            pages.filled(MARGIN, pages.y - 0.3, self.widths.iter().sum(), 0.6, RULE);
        }
        Ok(())
    }

    fn continue_on_next_page(&self, pages: &mut Pages, header: &Header) -> Result<(), Error> {
        pages.next_page()?;
        self.header(pages, header);
        Ok(())
    }

    /// Draws of each cell what fits into `height` and removes it from the row.
    fn lines(&self, pages: &mut Pages, row: &mut Row, height: f32) {
        let base = base_line(row);
        let mut x = MARGIN + PADDING;
        let top = pages.y + self.padding();
        let limit = pages.y + height - self.padding() + 0.05;
        for (lines, width) in row.iter_mut().zip(self.widths) {
            let mut y = top + lowering(lines, base);
            let mut drawn = 0;
            for (style, piece) in lines.iter() {
                if y + style.leading() > limit {
                    break;
                }
                pages.piece(x, y, *style, piece.clone());
                y += style.leading();
                drawn += 1;
            }
            lines.drain(..drawn);
            x += width;
        }
    }
}

/// The deepest base line among the first lines of a row, from the top of the row: all cells begin on it, whatever their sizes.
fn base_line(row: &Row) -> f32 {
    row.iter().filter_map(|lines| lines.first()).map(|(style, _)| style.ascent()).fold(0.0, f32::max)
}

/// How far a cell goes down to begin on that base line.
fn lowering(lines: &[(Style, Piece)], base_line: f32) -> f32 {
    lines.first().map_or(0.0, |(style, _)| base_line - style.ascent())
}

fn count(row: &Row) -> usize {
    row.iter().map(Vec::len).sum()
}

#[cfg(test)]
mod tests {
    use super::super::layout::{MAX_PAGES, Mark};
    use super::*;

    const TABLE: fn() -> Table<'static> = || Table { widths: &[100.0, 200.0], titles: vec!["Left", "Right"], ruled: true };

    fn texts(page: &[Mark]) -> Vec<&str> {
        page.iter()
            .filter_map(|mark| match mark {
                Mark::Text { piece, .. } => Some(piece.text.as_str()),
                Mark::Box { .. } => None,
            })
            .collect()
    }

    fn row(left: &str, right: &str) -> Vec<Cell> {
        vec![Cell::of(Style::BODY, left), Cell::of(Style::BODY, right)]
    }

    #[test]
    fn the_header_is_repeated_on_every_page() {
        let mut pages = Pages::new();
        TABLE().draw(&mut pages, (0..200).map(|n| row(&n.to_string(), "value"))).unwrap();
        assert!(pages.pages.len() > 3);
        for page in &pages.pages {
            assert_eq!(texts(page)[..2], ["Left", "Right"]);
        }
        let all: Vec<_> = pages.pages.iter().flat_map(|page| texts(page)).filter(|text| text.parse::<u32>().is_ok()).collect();
        assert_eq!(all, (0..200).map(|n| n.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn a_row_that_fits_on_a_page_is_not_torn() {
        let mut pages = Pages::new();
        pages.y = CONTENT_BOTTOM - 150.0;
        let tall = "line\n".repeat(12);
        TABLE().draw(&mut pages, [row("a", "b"), row("c", &tall)]).unwrap();
        assert_eq!(texts(&pages.pages[0]), ["Left", "Right", "a", "b"]);
        assert_eq!(texts(&pages.pages[1]).iter().filter(|text| **text == "line").count(), 12);
    }

    #[test]
    fn a_row_taller_than_a_page_goes_on_without_loss() {
        let mut pages = Pages::new();
        let tall: String = (0..300).map(|n| format!("L{n}\n")).collect();
        TABLE().draw(&mut pages, [row("a", &tall), row("z", "end")]).unwrap();
        let all: Vec<_> =
            pages.pages.iter().flat_map(|page| texts(page)).filter(|text| text.starts_with('L') && *text != "Left").collect();
        assert_eq!(all, (0..300).map(|n| format!("L{n}")).collect::<Vec<_>>());
        assert_eq!(texts(pages.pages.last().unwrap()).last(), Some(&"end"));
    }

    #[test]
    fn a_table_over_the_bound_is_an_error() {
        let mut pages = Pages::new();
        let endless = (0..).map(|n| row(&n.to_string(), "value"));
        assert!(matches!(TABLE().draw(&mut pages, endless), Err(Error::TooLong)));
        assert_eq!(pages.pages.len(), MAX_PAGES);
    }
}
