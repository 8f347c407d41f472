//! Writes signed files of each level of PAdES, and the roots of their certificates, to a folder, for validators other than our own:
//! `cargo run -p documents --features fixtures --example levels_sample -- FOLDER`.
//!
//! Beside them are the answers of OCSP responders that a validator would get now. Each line it prints is `FILE LEVEL WHEN`: `fresh` ones were signed two hours ago; of the `old` one the signers' certificates ended 800 days
//! ago, and those of its first time stamps a year and more ago: it was renewed twice.

use std::error::Error;
use std::path::Path;

use chrono::{TimeDelta, Utc};
use documents::fixtures::levels::Authorities;
use documents::validation_data::ValidationData;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("a folder is needed")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let say = |name: &str, level: &str, when: &str, pdf: &[u8]| -> Result<(), Box<dyn Error>> {
        let path = folder.join(format!("{name}.pdf"));
        std::fs::write(&path, pdf)?;
        println!("{} {level} {when}", path.display());
        Ok(())
    };
    let now = Utc::now();
    let at = now - TimeDelta::hours(2);
    let fresh = Authorities::new(now - TimeDelta::days(10), 700, 2_000);
    roots(folder, "fresh", &fresh)?;
    answers(folder, "fresh", &fresh.found(&fresh.sealed_and_stamped(at), now, false))?;
    for by_lists in [false, true] {
        let kind = if by_lists { "lists" } else { "ocsp" };
        let sealed = fresh.sealed(at);
        let stamped = fresh.sealed_and_stamped(at);
        let proven = fresh.with_data(&stamped, at + TimeDelta::minutes(2), by_lists);
        let archived = fresh.stamped(&proven, at + TimeDelta::minutes(3));
        for (level, pdf) in [("B-B", &sealed), ("B-T", &stamped), ("B-LT", &proven), ("B-LTA", &archived)] {
            say(&format!("{kind}-{level}"), level, "fresh", pdf)?;
        }
    }
    // One time stamp behind all signatures instead of one in each: as EN 319 142-1 6.3 allows, and as later upgrades are made.
    let behind = fresh.stamped(&fresh.sealed(at), at);
    say("behind-B-T", "B-T", "fresh", &behind)?;
    let archived = fresh.stamped(&fresh.with_data(&behind, at, false), at);
    say("behind-B-LTA", "B-LTA", "fresh", &archived)?;
    let began = now - TimeDelta::days(900);
    let mut old = Authorities::new(began, 100, 400);
    roots(folder, "old", &old)?;
    let at = began + TimeDelta::days(10);
    let mut pdf = old.sealed_and_stamped(at);
    pdf = old.stamped(&old.with_data(&pdf, at, false), at);
    for days in [390, 800] {
        let now = began + TimeDelta::days(days);
        old.stamps = old.times.time_stamps(days + 450, true);
        pdf = old.stamped(&old.with_data(&pdf, now, false), now);
    }
    answers(folder, "old", &old.found(&pdf, now, false))?;
    say("renewed-twice", "B-LTA", "old", &pdf)
}

fn answers(folder: &Path, when: &str, data: &ValidationData) -> Result<(), Box<dyn Error>> {
    for (index, answer) in data.answers().iter().enumerate() {
        std::fs::write(folder.join(format!("{when}-{index}.ocsp")), answer)?;
    }
    Ok(())
}

fn roots(folder: &Path, when: &str, authorities: &Authorities) -> Result<(), Box<dyn Error>> {
    for (name, root) in ["people", "times"].into_iter().zip(authorities.trust().roots) {
        std::fs::write(folder.join(format!("{when}-{name}.pem")), &*documents::pem::write("CERTIFICATE", &root))?;
    }
    Ok(())
}
