//! `rubrica export` and `rubrica import`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use store::blobs::{Blobs, Digest};

use super::{Manifest, Report, Source};
use crate::{
    config::Config,
    engine::{self, Engine},
    installation,
    keys::Keys,
};

type Failure = Box<dyn std::error::Error>;

/// Which installation.
#[derive(Args)]
pub struct Installation {
    /// Data folder of the installation.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Its configuration file, which says where store, files and master key are.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// Of `rubrica export`.
#[derive(Args)]
pub struct ExportOptions {
    /// New or empty folder.
    folder: PathBuf,
    #[command(flatten)]
    installation: Installation,
    /// Only name the files, where both installations use the same bucket or folder of files.
    #[arg(long)]
    without_files: bool,
    /// Keep the export although something was written meanwhile. Each journal and each record in it is whole and was so at some
    /// moment, but not all at the same: for rehearsals, not for going on with.
    #[arg(long)]
    live: bool,
}

/// Of `rubrica import`.
#[derive(Args)]
pub struct ImportOptions {
    /// Folder of the export.
    folder: PathBuf,
    #[command(flatten)]
    installation: Installation,
    /// Import although this installation has another master key. Stored certificates, tokens and links of the old one are lost then.
    #[arg(long)]
    any_key: bool,
}

/// What is moved from or to.
struct Opened {
    engine: Engine,
    blobs: Blobs,
}

impl Opened {
    async fn open(config: &Config) -> Result<Self, Failure> {
        let blobs = engine::blobs(&engine::Settings::of(config))?;
        let engine = Engine::open(&engine::Settings::of(config), &prometheus::Registry::new()).await?;
        Ok(Self { engine, blobs })
    }
}

impl Installation {
    fn configuration(&self) -> Result<Config, Failure> {
        let mut config = Config::load(self.config.as_deref(), std::env::vars())?;
        if let Some(data) = &self.data {
            config.data = Some(data.clone());
        }
        Ok(config)
    }
}

/// The fingerprint of the installation's key, which must be there: a key made now would be nobody's.
fn key_fingerprint(config: &Config) -> Result<Digest, Failure> {
    let keys = match &config.keys.master {
        Some(text) => Keys::from_base64(text)?,
        None => Keys::load(&config.data())
            .map_err(|error| format!("{error}; it is needed here: bring the installation's key, or set keys.master"))?,
    };
    Ok(installation::fingerprint(&keys))
}

/// What these commands make is for its owner alone.
fn keep_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

fn report() -> Report {
    Arc::new(|line: &str| {
        // Nobody may be reading.
        let _ = writeln!(std::io::stderr(), "{line}");
    })
}

/// Runs it to its end. A signal ends it like a crash: an export has no manifest then, an import can be taken up again.
fn run<T>(what: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(what)
}

/// Exports an installation.
///
/// # Errors
/// What stands in the way, in words for the operator.
pub fn export(options: &ExportOptions) -> Result<ExitCode, Failure> {
    let mut config = options.installation.configuration()?;
    keep_private();
    if engine::is_missing(&engine::Settings::of(&config)) {
        return Err(format!("there is no store in {}: name it by --data or --config", config.data().display()).into());
    }
    // Nor is a keyspace made.
    config.store.migrate = Some(false);
    let manifest = run(async {
        let Opened { engine, blobs } = Opened::open(&config).await?;
        // That of the store, whatever key is here: with it everything was sealed.
        let key_fingerprint = match installation::noted(engine.store().as_ref()).await? {
            Some(noted) => noted,
            None => key_fingerprint(&config)?,
        };
        let source =
            Source { engine: engine.name().into(), key_fingerprint, with_files: !options.without_files, live: options.live };
        let exported = super::export(engine.store().as_ref(), &blobs, &options.folder, &source, &report()).await;
        engine.close().await?;
        Ok(exported?)
    })?;
    summarize(&options.folder, &manifest);
    Ok(ExitCode::SUCCESS)
}

fn summarize(folder: &Path, manifest: &Manifest) {
    let contents = &manifest.contents;
    println!("Export {} in {}:", manifest.id, folder.display());
    println!("  {} journals with {} entries, {} with a wake-up", contents.journals, contents.entries, contents.wake_ups);
    println!("  {} records with {} versions", contents.records, contents.versions);
    let how = if manifest.with_files { "" } else { ", named only" };
    println!("  {} files of {} bytes{how}", contents.files, contents.file_bytes);
    if manifest.damaged > 0 {
        println!("  {} things were damaged in the installation itself: see above", manifest.damaged);
    }
    if !manifest.point_in_time {
        println!("  Something was written meanwhile: what it holds is of different moments.");
    }
    println!("It holds personal data: keep it like the installation itself, and delete it when it is not needed any more.");
    println!("The master key is not in it: bring keys/master.key, or keys.master, to the new installation before the import.");
}

/// Imports an installation.
///
/// # Errors
/// As [`export`].
pub fn import(options: &ImportOptions) -> Result<ExitCode, Failure> {
    let config = options.installation.configuration()?;
    keep_private();
    let fingerprint = if options.any_key { None } else { Some(key_fingerprint(&config)?) };
    // Before a store is made for nothing.
    let manifest = Manifest::read(&options.folder)?;
    if !manifest.point_in_time {
        eprintln!("this export was made with --live while something was written: what it holds is of different moments");
    }
    let verdict = run(async {
        let Opened { engine, blobs } = Opened::open(&config).await?;
        let imported = super::import(&engine.store(), &blobs, &options.folder, fingerprint, &report()).await;
        engine.close().await?;
        Ok(imported?)
    })?;
    print!("{verdict}");
    if verdict.is_same() {
        println!("All of export {} is there.", manifest.id);
        return Ok(ExitCode::SUCCESS);
    }
    println!("What the store holds is not what was exported. Servers refuse it: run the import again, or into an empty store.");
    Ok(ExitCode::from(1))
}
