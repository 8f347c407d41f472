//! Pages as plain drawing instructions: what goes where, before anything is written as PDF. So the number of pages is known when
//! the first footer is drawn, and a test can look at where every line of text ends.

use super::Error;
use super::font::{Piece, wrap};

pub use super::style::MAX_PAGES;
pub(super) use super::style::{
    ACCENT, CONTENT_BOTTOM, CONTENT_TOP, CONTENT_WIDTH, Color, INK, MARGIN, MUTED, PAGE_HEIGHT, PAGE_WIDTH, PANEL, RULE, Style,
    WHITE,
};

/// One drawing instruction. The origin is the top left corner of the page.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    Text { x: f32, baseline: f32, style: Style, piece: Piece },
    Box { x: f32, y: f32, width: f32, height: f32, color: Color },
}

/// The pages made so far and the place on the last of them.
pub(super) struct Pages {
    pub pages: Vec<Vec<Mark>>,
    /// Where the next thing goes.
    pub y: f32,
    /// A heading that is drawn with what follows it, and its height.
    heading: Option<(Style, &'static str, f32)>,
}

impl Pages {
    pub fn new() -> Self {
        Self { pages: vec![Vec::new()], y: MARGIN, heading: None }
    }

    fn page(&mut self) -> &mut Vec<Mark> {
        // There is one from `new` on, and pages are never removed.
        self.pages.last_mut().expect("a document has a page")
    }

    /// What is left of the page, in points.
    pub fn room(&self) -> f32 {
        CONTENT_BOTTOM - self.y
    }

    pub fn next_page(&mut self) -> Result<(), Error> {
        if self.pages.len() >= MAX_PAGES {
            return Err(Error::TooLong);
        }
        self.pages.push(Vec::new());
        self.y = CONTENT_TOP;
        Ok(())
    }

    /// Goes to the next page unless `height` points are left. A heading that waits is drawn here: it never stands alone at the foot of a page.
    pub fn ensure(&mut self, height: f32) -> Result<(), Error> {
        let heading = self.heading.take();
        let needed = height + heading.map_or(0.0, |(_, _, height)| height);
        if self.room() < needed {
            self.next_page()?;
        }
        if let Some((style, text, height)) = heading {
            self.text(MARGIN, self.y, style, text);
            self.y += height;
        }
        Ok(())
    }

    /// A heading of what follows, which takes `height` points.
    pub fn heading(&mut self, style: Style, text: &'static str, height: f32) -> Result<(), Error> {
        // One that nothing followed.
        self.ensure(0.0)?;
        self.heading = Some((style, text, height));
        Ok(())
    }

    /// A gap, which is not carried over to a new page.
    pub fn skip(&mut self, height: f32) {
        self.y = (self.y + height).min(CONTENT_BOTTOM);
    }

    /// One line whose top is at `y`. The text must be clean and fit.
    pub fn text(&mut self, x: f32, y: f32, style: Style, text: &str) {
        self.piece(x, y, style, Piece::of(text, style));
    }

    /// The same, of a line that is ready.
    pub fn piece(&mut self, x: f32, y: f32, style: Style, piece: Piece) {
        if !piece.text.is_empty() {
            self.page().push(Mark::Text { x, baseline: y + style.ascent(), style, piece });
        }
    }

    pub fn filled(&mut self, x: f32, y: f32, width: f32, height: f32, color: Color) {
        self.page().push(Mark::Box { x, y, width, height, color });
    }

    /// A paragraph over the width of the content, broken over pages where needed.
    pub fn paragraph(&mut self, style: Style, text: &str) -> Result<(), Error> {
        for line in wrap(text, style, CONTENT_WIDTH)? {
            self.ensure(style.leading())?;
            let y = self.y;
            self.piece(MARGIN, y, style, line);
            self.y += style.leading();
        }
        Ok(())
    }
}
