//! The fonts that documents are set in: those of this program, then those of configured folders. Which ones a document needs follows from
//! its characters; a character that none has is refused, as the engine would leave it out without a word.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skrifa::attribute::{Style, Weight};
use skrifa::raw::{FileRef, TableProvider as _};
use skrifa::string::StringId;
use skrifa::{FontRef, MetadataProvider as _};

use crate::limits::{ALL_FONT_BYTES, FONT_BYTES, FONT_FILES};

/// Latin, Greek and Cyrillic; each face has the same characters.
static NOTO_SANS: [&[u8]; 4] = [
    include_bytes!("../../../documents/assets/NotoSans-Regular.ttf"),
    include_bytes!("../../../documents/assets/NotoSans-Bold.ttf"),
    include_bytes!("../../../documents/assets/NotoSans-Italic.ttf"),
    include_bytes!("../../../documents/assets/NotoSans-BoldItalic.ttf"),
];
static NOTO_SANS_MONO: &[u8] = include_bytes!("../../../documents/assets/NotoSansMono-Regular.ttf");
/// The bullets of lists: the engine asks for a family of this name.
static BULLET: &[u8] = include_bytes!("../../../documents/assets/Bullet.ttf");
/// What Noto Sans lacks: Hebrew, Arabic, Georgian, symbols.
static DEJAVU_SANS: &[u8] = include_bytes!("../../../documents/assets/DejaVuSans.ttf");

/// Folders within a configured folder.
const FOLDER_DEPTH: usize = 4;

/// A file of a font: its first face.
pub(crate) struct Face {
    pub family: String,
    pub is_bold: bool,
    pub is_italic: bool,
    pub bytes: Arc<Vec<u8>>,
    coverage: Arc<Coverage>,
}

impl Clone for Face {
    fn clone(&self) -> Self {
        let Self { family, is_bold, is_italic, bytes, coverage } = self;
        Self {
            family: family.clone(),
            is_bold: *is_bold,
            is_italic: *is_italic,
            bytes: Arc::clone(bytes),
            coverage: Arc::clone(coverage),
        }
    }
}

/// A set of characters, one bit for each.
struct Coverage(Vec<u64>);

impl Coverage {
    fn of(font: &FontRef<'_>) -> Self {
        let mut bits = vec![0; 0x11_0000 / 64];
        for (character, _) in font.charmap().mappings() {
            if let Some(word) = bits.get_mut(character as usize / 64) {
                *word |= 1 << (character % 64);
            }
        }
        Self(bits)
    }

    fn has(&self, c: char) -> bool {
        self.0[c as usize / 64] >> (c as usize % 64) & 1 == 1
    }
}

/// All fonts there are.
pub(crate) struct Fonts {
    /// Noto Sans and the bullets: what every document has.
    always: Vec<Face>,
    /// In the order in which a character is looked for.
    further: Vec<Face>,
}

/// The fonts of one document.
pub(crate) struct Selection {
    pub faces: Vec<Face>,
    /// Lists of families for CSS.
    pub sans: String,
    pub mono: String,
}

impl Fonts {
    pub fn new(folders: &[PathBuf]) -> Self {
        let bundled = |bytes: &[u8]| face_of(bytes.to_vec()).into_iter();
        let always: Vec<Face> = NOTO_SANS.iter().copied().chain([NOTO_SANS_MONO, BULLET]).flat_map(bundled).collect();
        let mut further: Vec<Face> = face_of(without_ligatures(DEJAVU_SANS)).into_iter().collect();
        let mut files = Vec::new();
        for folder in folders {
            find(folder, FOLDER_DEPTH, &mut files);
        }
        let mut total = 0;
        for file in files.into_iter().take(FONT_FILES) {
            let Ok(bytes) = fs::read(file) else { continue };
            total += bytes.len();
            if total > ALL_FONT_BYTES {
                break;
            }
            further.extend(face_of(bytes));
        }
        Self { always, further }
    }

    /// What a document with these characters needs; the error is the first of them that no font has.
    pub fn select(&self, characters: &BTreeSet<char>) -> Result<Selection, char> {
        let mut families: Vec<&str> = Vec::new();
        for c in characters {
            if self.always[0].coverage.has(*c)
                || self.further.iter().any(|f| families.contains(&f.family.as_str()) && f.coverage.has(*c))
            {
                continue;
            }
            let face = self.further.iter().find(|face| face.coverage.has(*c)).ok_or(*c)?;
            families.push(&face.family);
        }
        // In the order of the folders, whichever character came first: the result depends on the set alone.
        let chosen: Vec<&Face> = self.further.iter().filter(|face| families.contains(&face.family.as_str())).collect();
        let mut list = String::new();
        let mut named: Vec<&str> = Vec::new();
        for face in &chosen {
            if !named.contains(&face.family.as_str()) {
                named.push(&face.family);
                list.push_str(&format!(",\"{}\"", face.family));
            }
        }
        Ok(Selection {
            faces: self.always.iter().chain(chosen).cloned().collect(),
            sans: format!("\"Noto Sans\"{list}"),
            mono: format!("\"Noto Sans Mono\",\"Noto Sans\"{list}"),
        })
    }
}

/// A file of fonts as one face: its first family, the characters that its first face has. Files that are no fonts are none, and so are
/// fonts whose name could not stand in a style.
fn face_of(bytes: Vec<u8>) -> Option<Face> {
    let (family, is_bold, is_italic, coverage) = {
        let font = match FileRef::new(&bytes).ok()? {
            FileRef::Font(font) => font,
            FileRef::Collection(collection) => collection.get(0).ok()?,
        };
        // A font without outlines draws nothing.
        if font.glyf().is_err() && font.cff().is_err() && font.cff2().is_err() {
            return None;
        }
        let name = |id| font.localized_strings(id).english_or_first().map(|name| name.to_string());
        let family = name(StringId::TYPOGRAPHIC_FAMILY_NAME).or_else(|| name(StringId::FAMILY_NAME))?;
        let attributes = font.attributes();
        let is_bold = attributes.weight >= Weight::SEMI_BOLD;
        (family, is_bold, attributes.style != Style::Normal, Arc::new(Coverage::of(&font)))
    };
    let is_plain = |c: char| c.is_alphanumeric() || c == ' ' || c == '-';
    (!family.is_empty() && family.chars().all(is_plain)).then(|| Face {
        family,
        is_bold,
        is_italic,
        bytes: Arc::new(bytes),
        coverage,
    })
}

/// Files of fonts, in the order of their names.
fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if files.len() >= FONT_FILES {
            return;
        }
        let Ok(about) = fs::metadata(&path) else { continue };
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        if about.is_dir() && depth > 0 {
            find(&path, depth - 1, files);
        } else if about.is_file() && about.len() <= FONT_BYTES && ["ttf", "otf", "ttc", "otc"].contains(&extension.as_str()) {
            files.push(path);
        }
    }
}

/// A font whose feature `liga` has no name any more: the engine gives a ligature the text of its first letter alone, so that "firma" would
/// be read as "frma".
fn without_ligatures(font: &[u8]) -> Vec<u8> {
    let mut bytes = font.to_vec();
    if let Some(places) = ligature_tags(font) {
        for at in places {
            if let Some(tag) = bytes.get_mut(at..at + 4) {
                tag.copy_from_slice(b"zzzz");
            }
        }
    }
    bytes
}

/// Where the list of features in GSUB names `liga` (OpenType, "Feature List Table").
fn ligature_tags(font: &[u8]) -> Option<Vec<usize>> {
    let u16_at = |at: usize| Some(usize::from(u16::from_be_bytes(font.get(at..at + 2)?.try_into().ok()?)));
    let u32_at = |at: usize| Some(u32::from_be_bytes(font.get(at..at + 4)?.try_into().ok()?) as usize);
    let tables = u16_at(4)?;
    let record = (0..tables).map(|i| 12 + 16 * i).find(|at| font.get(*at..*at + 4) == Some(b"GSUB"))?;
    let gsub = u32_at(record + 8)?;
    let list = gsub + u16_at(gsub + 6)?;
    let features = u16_at(list)?;
    Some((0..features).map(|i| list + 2 + 6 * i).filter(|at| font.get(*at..*at + 4) == Some(b"liga")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> BTreeSet<char> {
        text.chars().collect()
    }

    #[test]
    fn all_face_of_noto_sans_have_the_same_characters() {
        let fonts = Fonts::new(&[]);
        let [regular, bold, italic, bold_italic, mono, bullet] = fonts.always.as_slice() else { panic!("six faces") };
        for face in [bold, italic, bold_italic] {
            assert_eq!(face.family, "Noto Sans");
            assert!(face.is_bold || face.is_italic);
            assert!(face.coverage.0 == regular.coverage.0);
        }
        assert_eq!((mono.family.as_str(), bullet.family.as_str()), ("Noto Sans Mono", "Bullet"));
        assert!("•◦▪▾▸".chars().all(|c| bullet.coverage.has(c)));
    }

    #[test]
    fn fonts_follow_from_the_characters() {
        let fonts = Fonts::new(&[]);
        let plain = fonts.select(&set("firma oficina ñçüéà €")).ok().unwrap();
        assert_eq!((plain.faces.len(), plain.sans.as_str()), (6, "\"Noto Sans\""));
        let arabic = fonts.select(&set("aعא✓")).ok().unwrap();
        assert_eq!((arabic.faces.len(), arabic.sans.as_str()), (7, "\"Noto Sans\",\"DejaVu Sans\""));
        assert_eq!(arabic.mono, "\"Noto Sans Mono\",\"Noto Sans\",\"DejaVu Sans\"");
        assert_eq!(fonts.select(&set("a中")).err(), Some('中'));
        assert_eq!(fonts.select(&set("\u{7}")).err(), Some('\u{7}'));
    }

    #[test]
    fn dejavu_has_no_ligatures_of_letters() {
        assert_eq!(ligature_tags(DEJAVU_SANS).unwrap().len(), 2);
        assert_eq!(ligature_tags(&without_ligatures(DEJAVU_SANS)).unwrap(), Vec::<usize>::new());
        for end in (0..4_000).step_by(7) {
            let _ = without_ligatures(&DEJAVU_SANS[..end]);
        }
    }

    #[test]
    fn files_that_are_no_fonts_are_passed_over() {
        assert!(face_of(b"no font".to_vec()).is_none());
        for end in (0..3_000).step_by(13) {
            let _ = face_of(NOTO_SANS[0][..end].to_vec());
        }
        assert_eq!(Fonts::new(&["/nowhere/at/all".into()]).further.len(), 1);
    }
}
