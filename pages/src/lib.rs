//! Pages for people: view models in, HTML out. No I/O, no store, no HTTP server.
//!
//! What browsers run (`web/`) is built by `build.mjs` into `dist/`, which is committed: whoever builds the server needs no Node. The words
//! of the pages stand in `texts/`, one file per language, for Rust and TypeScript alike.

pub mod assets;
pub mod console;
pub mod desk;
pub mod developer;
pub mod headers;
pub mod landing;
pub mod texts;

/// A page as it goes out.
fn render(page: &impl askama::Template) -> String {
    // Writing to a string cannot fail, and no template of ours has a filter that does.
    page.render().unwrap_or_default()
}
