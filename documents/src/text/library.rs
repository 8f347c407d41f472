//! Which font shows which characters: those of the program first, then those that are found.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::face::{Face, Reach, covers, twin};
use super::found::Found;
use super::han::Han;
use super::is_ignorable;

static NOTO_SANS: &[u8] = include_bytes!("../../assets/NotoSans-Regular.ttf");
static NOTO_SANS_BOLD: &[u8] = include_bytes!("../../assets/NotoSans-Bold.ttf");
static NOTO_SANS_MONO: &[u8] = include_bytes!("../../assets/NotoSansMono-Regular.ttf");
static DEJAVU_SANS: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");

/// Where fonts are looked for unless [`use_folders`] says otherwise.
pub const SYSTEM_FOLDERS: [&str; 2] = ["/usr/local/share/fonts", "/usr/share/fonts"];

static FOLDERS: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// How a text is to look, where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Sans,
    Bold,
    Mono,
}

/// A font that is part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typeface {
    /// Latin, Greek and Cyrillic; about as wide as Helvetica.
    NotoSans,
    NotoSansBold,
    /// ASCII and little else.
    NotoSansMono,
    /// Hebrew, Arabic, Armenian, Georgian, and signs of many kinds besides.
    DejaVuSans,
}

impl Typeface {
    /// The font, read once per process.
    pub(crate) fn face(self) -> &'static Face {
        static FACES: OnceLock<[Face; 4]> = OnceLock::new();
        let faces = FACES.get_or_init(|| {
            let noto = Reach { capitals: 714.0, above: 1000.0, below: 250.0, line: 1200.0 };
            let dejavu = Reach { capitals: 729.0, above: 960.0, below: 240.0, line: 1164.0 };
            [
                ("NotoSans", NOTO_SANS, noto),
                ("NotoSansBold", NOTO_SANS_BOLD, noto),
                ("NotoSansMono", NOTO_SANS_MONO, noto),
                ("DejaVuSans", DEJAVU_SANS, dejavu),
            ]
            // The fonts are part of the program; a test reads each of them.
            .map(|(name, data, reach)| Face::read(data, 0, name, Some(reach)).expect("an embedded font is readable"))
        });
        &faces[self as usize]
    }
}

/// Says in which folders fonts are looked for besides those of the program; the first ones are preferred. Takes effect once, before the first
/// text that needs it; without it the system's folders are searched ([`SYSTEM_FOLDERS`]).
pub fn use_folders(folders: &[PathBuf]) {
    // A second call would change how documents look in the middle of a run.
    let _ = FOLDERS.set(folders.to_vec());
}

/// All fonts there are.
pub(crate) struct Library {
    found: Found,
}

/// The library of this process. The first call searches the folders, which takes tens of milliseconds.
pub(crate) fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folders = FOLDERS.get_or_init(|| SYSTEM_FOLDERS.map(PathBuf::from).to_vec());
        Library::of(folders)
    })
}

impl Library {
    pub(super) fn of(folders: &[PathBuf]) -> Self {
        Self { found: Found::search(folders) }
    }

    /// The fonts of the program, in the order in which they are asked.
    pub(super) fn own(look: Look) -> &'static [Typeface] {
        match look {
            Look::Sans => &[Typeface::NotoSans, Typeface::DejaVuSans],
            Look::Bold => &[Typeface::NotoSansBold, Typeface::NotoSans, Typeface::DejaVuSans],
            Look::Mono => &[Typeface::NotoSansMono, Typeface::NotoSans, Typeface::DejaVuSans],
        }
    }

    /// The font for characters that stay together, and whether it is the program's. What has no shape of its own needs no glyph.
    pub(super) fn font_for(&self, cluster: &str, look: Look, han: Option<Han>) -> Option<&'static Face> {
        let mut own = Self::own(look).iter().map(|typeface| typeface.face());
        own.find(|face| covers(face, cluster)).or_else(|| {
            let needed: Vec<char> = cluster.chars().filter(|c| !is_ignorable(*c)).map(twin).collect();
            self.found.font_for(&needed, look == Look::Bold, han)
        })
    }

    pub(super) fn found(&self) -> usize {
        self.found.len()
    }
}
