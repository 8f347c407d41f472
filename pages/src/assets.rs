//! What pages load: scripts, styles and words, built and committed in `dist/`.
//!
//! A name has a hash of its content in it, so what is behind a name never changes; [`STABLE`] are the ones that other sites write down.

/// A file of `dist/`.
#[derive(Debug)]
pub struct Asset {
    /// Its name, with the hash.
    pub name: &'static str,
    pub media_type: &'static str,
    /// SHA-256 of the content, hexadecimal.
    pub digest: &'static str,
    pub bytes: &'static [u8],
}

include!("../dist/table.rs");

/// Names that stay the same over versions, and what they stand for now.
///
/// The words are among them for a script of another version that is still loaded.
pub const STABLE: [(&str, &str); 15] = [
    ("icon.svg", ICON_SVG),
    ("sign.js", SIGN_JS),
    ("lang-ca.js", LANG_CA_JS),
    ("lang-de.js", LANG_DE_JS),
    ("lang-en.js", LANG_EN_JS),
    ("lang-es.js", LANG_ES_JS),
    ("lang-eu.js", LANG_EU_JS),
    ("lang-gl.js", LANG_GL_JS),
    ("consents.js", CONSENTS_JS),
    ("consents-lang-ca.js", CONSENTS_LANG_CA_JS),
    ("consents-lang-de.js", CONSENTS_LANG_DE_JS),
    ("consents-lang-en.js", CONSENTS_LANG_EN_JS),
    ("consents-lang-es.js", CONSENTS_LANG_ES_JS),
    ("consents-lang-eu.js", CONSENTS_LANG_EU_JS),
    ("consents-lang-gl.js", CONSENTS_LANG_GL_JS),
];

/// The file of that name, if there is one.
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use aws_lc_rs::digest::{SHA256, digest};
    use data_encoding::HEXLOWER;

    use super::*;

    fn sha256(bytes: &[u8]) -> String {
        HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
    }

    /// The files that a build reads, with their digests, by their path below this crate.
    fn sources() -> BTreeMap<String, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let single = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"].map(|name| root.join(name));
        let folders = ["web", "texts"];
        let listed = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder of sources"));
        let files = listed.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
        files
            .chain(single)
            .map(|path| {
                let name = path.strip_prefix(root).expect("below the crate").to_str().expect("a plain name").to_owned();
                (name, sha256(&fs::read(&path).expect("a source")))
            })
            .collect()
    }

    #[test]
    fn what_is_committed_was_built_from_these_sources() {
        let written: BTreeMap<String, String> = include_str!("../dist/SOURCES")
            .lines()
            .filter_map(|line| line.split_once("  ").map(|(digest, name)| (name.to_owned(), digest.to_owned())))
            .collect();
        assert!(written == sources(), "pages/dist is stale; run: npm ci && node build.mjs, in pages/");
    }

    #[test]
    fn a_name_stands_for_one_content() {
        for asset in &ASSETS {
            assert_eq!(sha256(asset.bytes), asset.digest, "{}", asset.name);
            assert_eq!(find(asset.name).map(|found| found.digest), Some(asset.digest), "{}", asset.name);
        }
        assert!(STABLE.iter().all(|(stable, name)| find(stable).is_none() && find(name).is_some()));
    }
}
