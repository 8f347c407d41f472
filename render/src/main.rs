//! The worker alone: what the server runs as `rubrica render-worker`. For the tests and measurements of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    render::worker::run(std::env::args_os().skip(1))
}
