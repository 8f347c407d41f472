//! Fonts of the system and of configured folders: what is there is indexed once, within bounds; a font's file is read when a text needs it.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use skrifa::attribute::Style;
use skrifa::raw::TableProvider;
use skrifa::string::StringId;
use skrifa::{FontRef, MetadataProvider};

use super::coverage::Coverage;
use super::face::Face;
use super::han::Han;

/// How deep folders are searched, and how many of their entries are looked at.
const MAX_DEPTH: usize = 8;
const MAX_ENTRIES: usize = 20_000;
/// Fonts that are indexed; those of later folders are left out.
const MAX_FONTS: usize = 2_000;
/// Bytes of tables that are read for the index, and of one of them.
const MAX_INDEX_BYTES: u64 = 128 * 1024 * 1024;
const MAX_TABLE_BYTES: u32 = 2 * 1024 * 1024;
/// What a slow file system may cost.
const MAX_TIME: Duration = Duration::from_secs(10);
/// Fonts of one collection, and tables of one font.
const MAX_COLLECTION: u32 = 64;
const MAX_TABLES: u16 = 128;
/// Bytes of one file, and of all that are kept in memory.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
const MAX_LOADED_BYTES: usize = 256 * 1024 * 1024;

/// The tables that tell what a font is and has.
const TOLD_BY: [&[u8; 4]; 6] = [b"OS/2", b"cmap", b"head", b"maxp", b"name", b"post"];

/// The fonts that were found.
#[derive(Default)]
pub(super) struct Found {
    fonts: Vec<Entry>,
    /// For each block of 256 characters the fonts that have some of it, the best first.
    blocks: HashMap<u32, Vec<usize>>,
    files: Vec<(PathBuf, OnceLock<Option<&'static [u8]>>)>,
    loaded: AtomicUsize,
}

/// A font that may be read.
struct Entry {
    file: usize,
    /// Within its collection.
    index: u32,
    name: String,
    is_bold: bool,
    han: Option<Han>,
    coverage: Coverage,
    face: OnceLock<Option<&'static Face>>,
}

impl Found {
    /// Indexes the fonts of these folders. What cannot be read is left out.
    pub(super) fn search(folders: &[PathBuf]) -> Self {
        let mut search = Search { read: 0, end: Instant::now() + MAX_TIME };
        let mut found = Self::default();
        for path in font_files(folders, search.end) {
            let fonts = search.fonts(&path).unwrap_or_default();
            let file = found.files.len();
            let entries = fonts.into_iter().map(|told| Entry {
                file,
                index: told.index,
                han: Han::of_font(&told.name),
                name: told.name,
                is_bold: told.is_bold,
                coverage: told.coverage,
                face: OnceLock::new(),
            });
            found.fonts.extend(entries);
            found.files.push((path, OnceLock::new()));
            if found.fonts.len() >= MAX_FONTS || search.is_over() {
                break;
            }
        }
        // Stable: among equals the folder's place and the file's name decide.
        found.fonts.sort_by_key(|font| rank(&font.name));
        for (number, font) in found.fonts.iter().enumerate() {
            for block in font.coverage.blocks() {
                found.blocks.entry(block).or_default().push(number);
            }
        }
        found
    }

    /// The best font that has all these characters.
    pub(super) fn font_for(&self, characters: &[char], is_bold: bool, han: Option<Han>) -> Option<&'static Face> {
        let block = self.blocks.get(&(u32::from(*characters.first()?) >> 8))?;
        let mut able: Vec<&Entry> = block
            .iter()
            .map(|number| &self.fonts[*number])
            .filter(|font| characters.iter().all(|character| font.coverage.has(*character)))
            .collect();
        able.sort_by_key(|font| (han.is_some() && font.han.is_some() && font.han != han, font.is_bold != is_bold));
        able.into_iter().find_map(|font| self.face(font).filter(|face| characters.iter().all(|c| face.glyph(*c).is_some())))
    }

    /// How many fonts there are.
    pub(super) fn len(&self) -> usize {
        self.fonts.len()
    }

    fn face(&self, font: &Entry) -> Option<&'static Face> {
        *font.face.get_or_init(|| {
            let data = self.data(font.file)?;
            // As many as there are files and collections in the index.
            Some(Box::leak(Box::new(Face::read(data, font.index, &font.name, None)?)))
        })
    }

    /// The bytes of a file, which are kept for the life of the process.
    fn data(&self, file: usize) -> Option<&'static [u8]> {
        let (path, data) = self.files.get(file)?;
        *data.get_or_init(|| {
            let mut bytes = Vec::new();
            let read = File::open(path).ok()?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
            let kept = self.loaded.fetch_add(read, Ordering::Relaxed) + read;
            if read > MAX_FILE_BYTES || kept > MAX_LOADED_BYTES {
                self.loaded.fetch_sub(read, Ordering::Relaxed);
                return None;
            }
            Some(Box::leak(bytes.into_boxed_slice()))
        })
    }
}

/// The files with fonts in and below the folders, in the order of the folders and of the names.
fn font_files(folders: &[PathBuf], end: Instant) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut looked_at = 0;
    for folder in folders {
        let mut waiting = VecDeque::from([(folder.clone(), 0)]);
        while let Some((folder, depth)) = waiting.pop_front() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            let mut paths: Vec<PathBuf> = entries.take(MAX_ENTRIES).filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.sort_unstable();
            for path in paths {
                looked_at += 1;
                if looked_at > MAX_ENTRIES || Instant::now() > end {
                    return files;
                }
                let Ok(metadata) = fs::metadata(&path) else { continue };
                if metadata.is_dir() && depth < MAX_DEPTH {
                    waiting.push_back((path, depth + 1));
                } else if metadata.is_file() && has_font_name(&path) && metadata.len() <= MAX_FILE_BYTES as u64 {
                    files.push(path);
                }
            }
        }
    }
    files
}

fn has_font_name(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| matches!(extension.as_str(), "ttf" | "otf" | "ttc" | "otc"))
}

/// Lower is better: Noto Sans first, which has one look for all scripts, then Noto of other kinds, then anything.
fn rank(name: &str) -> u8 {
    let is_plain = !["Mono", "Display", "UI", "Condensed"].iter().any(|kind| name.contains(kind));
    match name {
        _ if name.starts_with("NotoSans") && is_plain => 0,
        _ if name.starts_with("NotoSans") => 2,
        _ if name.starts_with("Noto") => 1,
        _ => 3,
    }
}

/// What the tables of a font tell of it.
struct Told {
    index: u32,
    name: String,
    is_bold: bool,
    coverage: Coverage,
}

/// Reads what the index needs, and counts it.
struct Search {
    read: u64,
    end: Instant,
}

impl Search {
    fn is_over(&self) -> bool {
        self.read > MAX_INDEX_BYTES || Instant::now() > self.end
    }

    /// The fonts of a file that may be embedded in documents.
    fn fonts(&mut self, path: &Path) -> Option<Vec<Told>> {
        let mut file = File::open(path).ok()?;
        let head = self.bytes(&mut file, 0, 12)?;
        if !head.starts_with(b"ttcf") {
            return Some(self.font(&mut file, 0, 0).into_iter().collect());
        }
        let count = u32::from_be_bytes(head.get(8..12)?.try_into().ok()?).min(MAX_COLLECTION);
        let offsets = self.bytes(&mut file, 12, 4 * count)?;
        let offsets = offsets.as_chunks::<4>().0.iter().map(|offset| u32::from_be_bytes(*offset));
        Some((0..).zip(offsets).filter_map(|(index, offset)| self.font(&mut file, offset, index)).collect())
    }

    fn font(&mut self, file: &mut File, offset: u32, index: u32) -> Option<Told> {
        if self.is_over() {
            return None;
        }
        let count = u16::from_be_bytes(self.bytes(file, offset.checked_add(4)?, 2)?.try_into().ok()?).min(MAX_TABLES);
        let records = self.bytes(file, offset.checked_add(12)?, 16 * u32::from(count))?;
        let records = records.as_chunks::<16>().0;
        let has = |tag: &[u8; 4]| records.iter().any(|record| record.starts_with(tag));
        // Bitmaps and pictures cannot be written as text of a document.
        if !has(b"glyf") && !has(b"CFF ") {
            return None;
        }
        let mut tables = Vec::new();
        for record in records.iter().filter(|record| TOLD_BY.iter().any(|tag| record.starts_with(*tag))) {
            let number = |at: usize| u32::from_be_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
            let length = number(12);
            // A table that is too large is cut, which is fine for names, and makes a map of characters unreadable.
            tables.push((*record, self.bytes(file, number(8), length.min(MAX_TABLE_BYTES))?));
        }
        told(&tables_alone(&tables), index)
    }

    fn bytes(&mut self, file: &mut File, offset: u32, length: u32) -> Option<Vec<u8>> {
        self.read += u64::from(length);
        file.seek(SeekFrom::Start(u64::from(offset))).ok()?;
        let mut bytes = Vec::new();
        file.take(u64::from(length)).read_to_end(&mut bytes).ok()?;
        Some(bytes).filter(|bytes| bytes.len() == length as usize)
    }
}

/// A font of these tables alone, with which it can be asked what it is.
fn tables_alone(tables: &[([u8; 16], Vec<u8>)]) -> Vec<u8> {
    let mut font = vec![0, 1, 0, 0];
    font.extend(u16::try_from(tables.len()).unwrap_or(0).to_be_bytes());
    font.extend([0; 6]);
    let mut offset = 12 + 16 * tables.len();
    for (record, table) in tables {
        font.extend(&record[..8]);
        font.extend(u32::try_from(offset).unwrap_or(0).to_be_bytes());
        font.extend(u32::try_from(table.len()).unwrap_or(0).to_be_bytes());
        offset += table.len();
    }
    tables.iter().for_each(|(_, table)| font.extend(table));
    font
}

/// `None`: it is not upright, of another weight, may not be embedded or has no characters.
fn told(tables: &[u8], index: u32) -> Option<Told> {
    // Restricted licence, no subsets, bitmaps only (OpenType, OS/2, fsType).
    const NOT_EMBEDDED: u16 = 0x0302;
    let font = FontRef::new(tables).ok()?;
    let attributes = font.attributes();
    let (weight, width) = (attributes.weight.value(), attributes.stretch.ratio());
    let is_usual = attributes.style == Style::Normal && (300.0..=800.0).contains(&weight) && (width - 1.0).abs() < 0.05;
    if !is_usual || font.os2().is_ok_and(|os2| os2.fs_type() & NOT_EMBEDDED == 2 || os2.fs_type() & 0x0300 != 0) {
        return None;
    }
    let name: String = font.localized_strings(StringId::POSTSCRIPT_NAME).english_or_first()?.chars().take(100).collect();
    // These have a box for everything.
    if ["LastResort", "Blank", "Tofu"].iter().any(|word| name.contains(word)) {
        return None;
    }
    let is_private = |code: &u32| matches!(code, 0xe000..=0xf8ff | 0xf_0000..);
    let characters = font.charmap().mappings().take(1 << 17).filter(|(_, glyph)| glyph.to_u32() != 0);
    let coverage = Coverage::of(characters.map(|(code, _)| code).filter(|code| !is_private(code)));
    (!coverage.is_empty()).then_some(Told { index, name, is_bold: weight >= 550.0, coverage })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
    }

    #[test]
    fn fonts_of_a_folder_are_found_with_their_characters_and_weights() {
        let found = Found::search(&[assets()]);
        assert_eq!(found.len(), 5);
        let name = |characters: &[char], bold| found.font_for(characters, bold, None).map(|face| face.name.clone());
        assert_eq!(name(&['é', 'Ж'], false).as_deref(), Some("NotoSansRegular"));
        assert_eq!(name(&['é'], true).as_deref(), Some("NotoSansBold"));
        assert_eq!(name(&['ש'], true).as_deref(), Some("DejaVuSans"));
        assert_eq!(name(&['山'], false), None);
        assert_eq!(name(&['\u{e000}'], false), None, "private characters mean something else in every font");
    }

    #[test]
    fn what_is_no_font_or_not_there_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let font = fs::read(assets().join("NotoSansMono-Regular.ttf")).unwrap();
        let mut hostile: Vec<(&str, Vec<u8>)> = vec![
            ("empty.ttf", Vec::new()),
            ("text.otf", b"this is no font at all".to_vec()),
            ("cut.ttf", font[..font.len() / 3].to_vec()),
            ("collection.ttc", [b"ttcf\0\x01\0\0\xff\xff\xff\xff".as_slice(), &[0xff; 4096]].concat()),
            ("itself.ttc", [b"ttcf\0\x01\0\0\0\0\0\x02".as_slice(), &[0; 8]].concat()),
            ("font.txt", font.clone()),
        ];
        let mut damaged = font.clone();
        damaged[12..200].iter_mut().step_by(3).for_each(|byte| *byte ^= 0x5a);
        hostile.push(("damaged.ttf", damaged));
        for (name, bytes) in hostile {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        assert_eq!(Found::search(&[folder.path().to_owned(), folder.path().join("missing")]).len(), 0);
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below/good.TTF"), font).unwrap();
        assert_eq!(Found::search(&[folder.path().to_owned()]).len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_within_itself_is_survived() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        fs::copy(assets().join("NotoSansMono-Regular.ttf"), folder.path().join("a.ttf")).unwrap();
        let found = Found::search(&[folder.path().to_owned()]);
        assert!((1..=MAX_DEPTH + 1).contains(&found.len()));
    }
}
