//! What the figures were measured on.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, Options};

/// Prints machine, versions and conditions.
pub fn print(options: &Options) -> Result<(), Failure> {
    println!("## Machine and conditions\n\n| what | |\n| --- | --- |");
    let cores = std::thread::available_parallelism()?;
    println!("| processor | {}, {cores} cores |", field("/proc/cpuinfo", "model name"));
    println!("| memory | {} |", field("/proc/meminfo", "MemTotal"));
    println!("| kernel | {} |", read("/proc/sys/kernel/osrelease"));
    println!("| disk | {} |", file_system(&options.folder));
    println!("| compiler | {} |", output("rustc", &["--version"]));
    for server in &options.servers {
        println!("| server | {}: {} |", name(server), output(&server.display().to_string(), &["--version"]));
    }
    println!("| SQLite | {}, WAL, synchronous=FULL |", store::sqlite::version());
    println!("| load before | {} |", load());
    let mut settings: Vec<String> = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("RUBRICA_")).collect();
    settings.sort();
    let settings = if settings.is_empty() { "defaults".to_owned() } else { format!("defaults but for {}", settings.join(", ")) };
    println!("| settings | {settings}; client and server share the machine, over loopback |");
    Ok(())
}

/// How a build is called in the tables: its file, with its folder where that tells builds apart.
pub fn name(server: &Path) -> String {
    let parts: PathBuf = server.iter().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    parts.display().to_string()
}

/// Processes that ran or waited for a processor, averaged over the last minute.
pub fn load() -> String {
    read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).map_or_else(|_| "?".to_owned(), |text| text.trim().to_owned())
}

fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.map_or_else(|| "?".to_owned(), |value| value.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(|_| "?".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Type and device of the file system that holds a folder.
fn file_system(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mounts = read("/proc/self/mounts");
    let mounted = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (device, place, kind) = (fields.next()?, fields.next()?, fields.next()?);
        folder.starts_with(place).then(|| (place.len(), format!("{kind} on {device}")))
    });
    mounted.max_by_key(|(length, _)| *length).map_or_else(|| "?".to_owned(), |(_, kind)| kind)
}
