//! The fonts of the machine: where they are looked for, which scripts they leave out, and what is said of names that cannot be drawn whole.

use documents::text;
use uuid::Uuid;

use crate::config::Fonts;

/// Says where fonts are, and searches them on a thread of its own, so that no request waits for it. The log then tells of scripts without fonts.
pub fn prepare(fonts: &Fonts) {
    text::use_folders(&fonts.folders);
    let search = || tracing::info!("{}", describe());
    if std::thread::Builder::new().name("fonts".into()).spawn(search).is_err() {
        tracing::warn!("no thread for the search of fonts; the first text that needs one searches them");
    }
}

/// The same at once, for a command: how many fonts there are, and what to install for scripts without one.
pub fn checked(fonts: &Fonts) -> String {
    text::use_folders(&fonts.folders);
    describe()
}

fn describe() -> String {
    told(text::found_fonts(), &text::scripts())
}

fn told(found: usize, scripts: &[text::Script]) -> String {
    let without: Vec<&text::Script> = scripts.iter().filter(|script| !script.has_font).collect();
    if without.is_empty() {
        return format!("{found} fonts found, for all scripts");
    }
    let names: Vec<&str> = without.iter().map(|script| script.name).collect();
    let mut packages: Vec<&str> = without.iter().map(|script| script.package).collect();
    packages.sort_unstable();
    packages.dedup();
    format!(
        "{found} fonts found, none for {}: their letters are replaced by signs; install {}, or set fonts.folders",
        names.join(", "),
        packages.join(" and ")
    )
}

/// Tells in the log that letters of a document are replaced by signs: their scripts, never the letters. `what` is shown with them.
pub fn tell_missing(missing: &[char], what: &str, process: Uuid) {
    if !missing.is_empty() {
        let scripts = text::script_names(missing).join(", ");
        tracing::warn!(%process, scripts, "{what} has letters that no font has; they are replaced by signs (see `rubrica config check`)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_without_a_font_are_told_with_what_to_install() {
        let script = |name, has_font, package| text::Script { name, has_font, package };
        let latin = script("Latin", true, "");
        assert_eq!(told(4, &[latin]), "4 fonts found, for all scripts");
        let scripts = [
            latin,
            script("Thai", false, "fonts-noto-core"),
            script("Chinese", false, "fonts-noto-cjk"),
            script("Lao", false, "fonts-noto-core"),
        ];
        let expected = "0 fonts found, none for Thai, Chinese, Lao: their letters are replaced by signs; install fonts-noto-cjk and \
                        fonts-noto-core, or set fonts.folders";
        assert_eq!(told(0, &scripts), expected);
    }
}
