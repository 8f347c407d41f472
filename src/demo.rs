//! `rubrica demo`.

use clap::Args;

/// What to sign, and where.
#[derive(Args)]
pub struct Options {
    /// The PDF to sign; without it a small contract of our own.
    pub file: Option<std::path::PathBuf>,
}

/// # Errors
/// Whatever goes wrong.
pub fn run(_: &Options) -> Result<(), Box<dyn std::error::Error>> {
    Err("not yet".into())
}
