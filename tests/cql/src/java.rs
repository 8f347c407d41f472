//! Finds a Java that the server runs on.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// `java` of `JAVA_HOME`, of the path or of Debian's folder: the first of release 17. The server starts on no later one.
///
/// # Errors
/// [`Error::Missing`] when there is none.
pub fn find() -> Result<PathBuf, Error> {
    let of_home = std::env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_path = std::env::split_paths(&path).map(|folder| folder.join("java"));
    let of_debian = std::fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten().map(|entry| entry.path().join("bin/java"));
    of_home.into_iter().chain(of_path).chain(of_debian).find(|java| is_17(java)).ok_or(Error::Missing("Java 17 (`java`)"))
}

fn is_17(java: &Path) -> bool {
    let Ok(output) = Command::new(java).arg("-version").output() else { return false };
    // It says so on standard error: openjdk version "17.0.15" 2025-04-15
    String::from_utf8_lossy(&output.stderr).contains("version \"17")
}
