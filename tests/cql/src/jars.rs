//! The server's jars: resolved once by Maven, kept in the cache folder for every later test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// The release of Apache Cassandra that is started.
pub const VERSION: &str = "5.0.6";

const POM: &str = include_str!("../server/pom.xml");

/// Where the project keeps what its tests fetch: `$XDG_CACHE_HOME/rubrica`, or `~/.cache/rubrica`.
pub fn cache() -> Result<PathBuf, Error> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").ok_or(Error::NoHome)?).join(".cache"),
    };
    Ok(base.join("rubrica"))
}

/// The folder with the jars, resolved by Maven when it is not there yet (some seconds, 66 MB). Processes that come at the same time wait
/// for the first one.
///
/// # Errors
/// [`Error::Missing`] without Maven, [`Error::Resolve`] with Maven's own words when it fails.
pub fn folder() -> Result<PathBuf, Error> {
    let home = cache()?.join("cassandra").join(VERSION);
    let lib = home.join("lib");
    if lib.is_dir() {
        return Ok(lib);
    }
    fs::create_dir_all(&home)?;
    let lock = File::create(home.join("lock"))?;
    lock.lock()?;
    if !lib.is_dir() {
        resolve(&home, &lib)?;
    }
    Ok(lib)
}

/// Fills a folder beside `lib` and gives it that name once it is whole, so that `lib` is complete wherever it is found.
fn resolve(home: &Path, lib: &Path) -> Result<(), Error> {
    let work = home.join("resolving");
    match fs::remove_dir_all(&work) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir(&work)?,
    }
    fs::write(work.join("pom.xml"), POM.replace("@VERSION@", VERSION))?;
    let output = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib"])
        .current_dir(&work)
        .output()
        .map_err(|_| Error::Missing("Maven (`mvn`)"))?;
    let server = work.join("lib").join(format!("cassandra-all-{VERSION}.jar"));
    if !output.status.success() || !server.is_file() {
        let said = [output.stdout, output.stderr].concat();
        return Err(Error::Resolve(String::from_utf8_lossy(&said).into_owned()));
    }
    fs::rename(work.join("lib"), lib)?;
    fs::remove_dir_all(&work)?;
    Ok(())
}
