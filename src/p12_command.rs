//! `rubrica p12`: what is inside a PKCS#12 file, what is wrong with it, and what to do. Works offline.
//!
//! The password never comes as an argument, which every process of the machine can see, and is never printed.

use std::{
    fs::File,
    io::{IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::Utc;
use clap::Args;
use documents::pkcs12::{
    MAX_FILE_BYTES, MAX_PASSWORD_BYTES,
    doctor::{self, Report},
};

/// The environment variable that has the password.
const PASSWORD_VARIABLE: &str = "RUBRICA_P12_PASSWORD";

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What to look at.
#[derive(Args)]
pub struct Options {
    /// The PKCS#12 file (.p12, .pfx).
    file: PathBuf,
    /// A file whose first line is the password; `-` for standard input. Without it the password is that of the environment variable
    /// RUBRICA_P12_PASSWORD.
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the report. The exit status is 0 if the file can be used to seal, with or without warnings, 1 if it cannot; what cannot be read is 2.
///
/// # Errors
/// What cannot be read.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // One byte more than is taken: the doctor says that it is too large.
    let bytes = read(&options.file, MAX_FILE_BYTES + 1)?;
    let password = password(options.password_file.as_deref(), std::env::var_os(PASSWORD_VARIABLE))?;
    let report = doctor::examine(&bytes, password.as_deref(), Utc::now());
    let mut out = std::io::stdout().lock();
    write!(out, "{}", told(&options.file, &report, options.json)?)?;
    Ok(if report.is_usable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(file: &Path, report: &Report, as_json: bool) -> Result<String, serde_json::Error> {
    match as_json {
        true => serde_json::to_string_pretty(report).map(|json| json + "\n"),
        false => Ok(format!("{}\n{report}", file.display())),
    }
}

/// The password of a file or else of the environment; `None` where neither has one.
fn password(file: Option<&Path>, variable: Option<std::ffi::OsString>) -> Result<Option<String>, String> {
    let Some(file) = file else {
        let not_text = |_| format!("{PASSWORD_VARIABLE} is not text in UTF-8");
        return variable.map(|value| value.into_string().map_err(not_text)).transpose();
    };
    let bytes = if file == Path::new(STANDARD_INPUT) {
        if std::io::stdin().is_terminal() {
            let instead = format!("read -rs {PASSWORD_VARIABLE} && export {PASSWORD_VARIABLE}");
            return Err(format!("a terminal would show the password as it is typed; type it with: {instead}"));
        }
        limited(std::io::stdin().lock(), MAX_PASSWORD_BYTES + 2).map_err(|error| format!("standard input: {error}"))?
    } else {
        read(file, MAX_PASSWORD_BYTES + 2)?
    };
    // The content is not quoted: it is the password.
    let text = String::from_utf8(bytes).map_err(|_| format!("{}: not text in UTF-8", file.display()))?;
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}

fn read(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    File::open(path).and_then(|file| limited(file, most)).map_err(|error| format!("{}: {error}", path.display()))
}

fn limited(source: impl Read, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use documents::pkcs12::Identity;

    use super::*;

    #[test]
    fn a_password_is_the_first_line_of_its_file_or_that_of_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        for (content, expected) in [("päss word\n", "päss word"), ("one\r\ntwo\n", "one"), ("", ""), ("open", "open")] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(password(Some(&file), Some("another".into())).unwrap().as_deref(), Some(expected));
        }
        assert_eq!(password(None, Some("of the environment".into())).unwrap().as_deref(), Some("of the environment"));
        assert_eq!(password(None, None), Ok(None));
        std::fs::write(&file, [0xff, b's', b'e', b'c']).unwrap();
        assert!(!password(Some(&file), None).unwrap_err().contains("sec"));
        assert!(password(Some(&folder.path().join("none")), None).unwrap_err().contains("none: "));
    }

    #[test]
    fn a_file_that_seals_is_status_0_and_another_is_1() {
        let folder = tempfile::tempdir().unwrap();
        let (key_file, password_file) = (folder.path().join("seal.p12"), folder.path().join("password"));
        std::fs::write(&key_file, Identity::development("Seal", "Tests", Utc::now(), "a password").unwrap()).unwrap();
        std::fs::write(&password_file, "a password\n").unwrap();
        let options = |password_file: &Path| Options {
            file: key_file.clone(),
            password_file: Some(password_file.to_path_buf()),
            json: true,
        };
        assert_eq!(run(&options(&password_file)).unwrap(), ExitCode::SUCCESS);
        std::fs::write(&password_file, "wrong\n").unwrap();
        assert_eq!(run(&options(&password_file)).unwrap(), ExitCode::FAILURE);
        assert!(run(&options(&folder.path().join("none"))).is_err());
    }

    #[test]
    fn a_report_is_told_with_its_file_or_as_json() {
        let report = doctor::examine(b"-----BEGIN X-----\nAAAA\n-----END X-----\n", None, Utc::now());
        let text = told(Path::new("seal.p12"), &report, false).unwrap();
        assert!(text.starts_with("seal.p12\nIT CANNOT BE USED TO SEAL.\n\nERROR pem: This is PEM text (X)"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&told(Path::new("seal.p12"), &report, true).unwrap()).unwrap();
        assert_eq!((&json["verdict"], &json["findings"][0]["code"]), (&"not_usable".into(), &"pem".into()));
    }
}
