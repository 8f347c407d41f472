//! The measures of a page, its colours, and how texts look.

use crate::text::Look;

/// Most pages that a certificate may have.
pub const MAX_PAGES: usize = 250;

/// A4 in points.
pub(super) const PAGE_WIDTH: f32 = 595.28;
pub(super) const PAGE_HEIGHT: f32 = 841.89;
pub(super) const MARGIN: f32 = 48.0;
pub(super) const CONTENT_WIDTH: f32 = PAGE_WIDTH - 2.0 * MARGIN;
/// Where the content of a page begins and must end; header and footer are outside.
pub(super) const CONTENT_TOP: f32 = 62.0;
pub(super) const CONTENT_BOTTOM: f32 = PAGE_HEIGHT - 58.0;

/// Red, green, blue.
pub(super) type Color = [u8; 3];
pub(super) const INK: Color = [27, 36, 48];
pub(super) const MUTED: Color = [96, 107, 122];
pub(super) const ACCENT: Color = [28, 69, 110];
pub(super) const RULE: Color = [213, 219, 227];
pub(super) const PANEL: Color = [242, 245, 249];
pub(super) const WHITE: Color = [255, 255, 255];

/// How a piece of text looks. Sizes in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub look: Look,
    pub size: f32,
    pub color: Color,
}

impl Style {
    pub const BODY: Style = Style { look: Look::Sans, size: 8.5, color: INK };
    pub const STRONG: Style = Style { look: Look::Bold, size: 8.5, color: INK };
    pub const LABEL: Style = Style { look: Look::Sans, size: 7.5, color: MUTED };
    pub const SMALL: Style = Style { look: Look::Sans, size: 7.0, color: MUTED };
    pub const HEAD: Style = Style { look: Look::Bold, size: 7.5, color: ACCENT };
    pub const MONO: Style = Style { look: Look::Mono, size: 7.0, color: INK };
    pub const MONO_SMALL: Style = Style { look: Look::Mono, size: 6.2, color: MUTED };

    /// Height of a line.
    pub fn leading(&self) -> f32 {
        self.size * 1.36
    }

    /// From the top of a line to its base line.
    pub fn ascent(&self) -> f32 {
        self.size * 1.05
    }
}
