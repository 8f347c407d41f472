//! Draws pages of a document. For processes with limits only, as what calls it says.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use hayro::{
    RenderCache, RenderSettings,
    hayro_interpret::{InterpreterSettings, TransformExt},
    hayro_syntax::{Pdf, page::Page},
    kurbo::Affine,
    render_into,
    vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit, color::palette::css::WHITE},
};

/// Dots per inch at which pages are drawn: a digit of 6 points is eight pixels high.
pub const DPI: f32 = 100.0;

/// Points per inch (ISO 32000-2, 8.3.2.3).
const POINTS: f32 = 72.0;

/// Size of a page in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub width: u16,
    pub height: u16,
}

impl Size {
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// One document while it is drawn.
pub(crate) struct Drawing<'a> {
    pub pdf: &'a Pdf,
    cache: RenderCache<'a>,
    settings: InterpreterSettings,
    is_incomplete: Arc<AtomicBool>,
}

impl<'a> Drawing<'a> {
    pub fn new(pdf: &'a Pdf) -> Self {
        let is_incomplete = Arc::new(AtomicBool::new(false));
        let warned = is_incomplete.clone();
        let warning_sink = Arc::new(move |_| warned.store(true, Ordering::Relaxed));
        let settings = InterpreterSettings { warning_sink, ..InterpreterSettings::default() };
        Self { pdf, cache: RenderCache::new(), settings, is_incomplete }
    }

    pub fn page(&self, page: usize) -> Option<&'a Page<'a>> {
        self.pdf.pages().get(page)
    }

    /// `None` beyond what can be drawn at all.
    pub fn size(&self, page: usize) -> Option<Size> {
        let (width, height) = self.page(page)?.render_dimensions();
        let pixels = |points: f32| {
            let pixels = (points * (DPI / POINTS)).ceil();
            (1.0..=f32::from(u16::MAX)).contains(&pixels).then_some(pixels as u16)
        };
        Some(Size { width: pixels(width)?, height: pixels(height)? })
    }

    /// From default user space to pixels.
    pub fn transform(page: &Page<'_>) -> Affine {
        Affine::scale(f64::from(DPI / POINTS)) * page.initial_transform(true).to_kurbo()
    }

    /// A page on white at [`DPI`]; `size` is its own, from [`Drawing::size`].
    pub fn draw(&mut self, page: usize, size: Size) -> Option<Pixmap> {
        self.draw_scaled(page, size, Affine::scale(f64::from(DPI / POINTS)))
    }

    /// A page on white, whose points `scale` brings to pixels; `size` is what becomes of the page by that.
    pub fn draw_scaled(&mut self, page: usize, size: Size, scale: Affine) -> Option<Pixmap> {
        let page = self.page(page)?;
        let transform = scale * page.initial_transform(true).to_kurbo();
        let mut context = RenderContext::new(size.width, size.height);
        let settings = RenderSettings::default();
        render_into(page, &self.cache, &self.settings, &settings, &mut context, transform);
        context.flush();
        let mut pixmap = Pixmap::new(size.width, size.height);
        let onto_white = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
        context.render_with(&mut pixmap, &mut Resources::default(), onto_white);
        Some(pixmap)
    }

    /// Whether all of what was drawn since the last call could be drawn.
    pub fn took_all(&self) -> bool {
        !self.is_incomplete.swap(false, Ordering::Relaxed)
    }
}
