//! Which way up a JPEG is to be shown: cameras write pictures as they come and leave the turn to viewers (EXIF 2.32, tag 274), which PDF
//! viewers do not see.

/// The tag of the turn, and of its type: a number of two bytes.
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
/// Maximum number of entries of the directory that are looked at.
const MAX_ENTRIES: usize = 256;

/// How a picture is turned, and mirrored, to be shown: 1 to 8, as EXIF has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u8);

impl Turn {
    /// As it comes.
    pub const NONE: Self = Self(1);

    /// What the data of a JPEG's segment APP1 say; `None` if they are no EXIF or say nothing that is a turn.
    pub fn of_exif(segment: &[u8]) -> Option<Self> {
        let tiff = segment.strip_prefix(b"Exif\0\0")?;
        let is_little = match tiff.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        let short = |at: usize| {
            let bytes = *tiff.get(at..)?.first_chunk()?;
            Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
        };
        let offset = *tiff.get(4..)?.first_chunk()?;
        let directory = usize::try_from(if is_little { u32::from_le_bytes(offset) } else { u32::from_be_bytes(offset) }).ok()?;
        let count = usize::from(short(directory)?).min(MAX_ENTRIES);
        let entries = (0..count).map_while(|entry| directory.checked_add(2 + 12 * entry));
        let at = entries.into_iter().find(|at| short(*at) == Some(ORIENTATION) && short(at.saturating_add(2)) == Some(SHORT))?;
        let turn = u8::try_from(short(at.checked_add(8)?)?).ok()?;
        (1..=8).contains(&turn).then_some(Self(turn))
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        self.0 >= 5
    }

    /// The matrix (ISO 32000-2 8.3.4) that shows the picture with its lower left corner here and of this size.
    pub fn matrix(self, (x, y): (f32, f32), (width, height): (f32, f32)) -> [f32; 6] {
        let [a, b, c, d, e, f] = match self.0 {
            2 => [-1.0, 0.0, 0.0, 1.0, 1.0, 0.0],
            3 => [-1.0, 0.0, 0.0, -1.0, 1.0, 1.0],
            4 => [1.0, 0.0, 0.0, -1.0, 0.0, 1.0],
            5 => [0.0, -1.0, -1.0, 0.0, 1.0, 1.0],
            6 => [0.0, -1.0, 1.0, 0.0, 0.0, 1.0],
            7 => [0.0, 1.0, 1.0, 0.0, 0.0, 0.0],
            8 => [0.0, 1.0, -1.0, 0.0, 1.0, 0.0],
            _ => [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        };
        [a * width, b * height, c * width, d * height, x + e * width, y + f * height]
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The segment that a camera writes, with this turn.
    pub fn exif(turn: u16, is_little: bool) -> Vec<u8> {
        let short = |value: u16| if is_little { value.to_le_bytes() } else { value.to_be_bytes() };
        let long = |value: u32| if is_little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut segment = b"Exif\0\0".to_vec();
        segment.extend(if is_little { *b"II*\0" } else { *b"MM\0*" });
        segment.extend(long(8));
        segment.extend(short(2));
        for (tag, value) in [(0x0100, 40), (ORIENTATION, turn)] {
            segment.extend([short(tag), short(SHORT)].concat());
            segment.extend(long(1));
            segment.extend([short(value), short(0)].concat());
        }
        segment.extend(long(0));
        segment
    }

    #[test]
    fn a_turn_is_read_in_both_orders_of_bytes() {
        for is_little in [true, false] {
            for turn in 1..=8 {
                assert_eq!(Turn::of_exif(&exif(turn, is_little)), Some(Turn(turn as u8)));
            }
            for turn in [0, 9, 256 + 6] {
                assert_eq!(Turn::of_exif(&exif(turn, is_little)), None);
            }
        }
        let whole = exif(6, true);
        for end in 0..whole.len() - 6 {
            assert_eq!(Turn::of_exif(&whole[..end]), None, "cut off after {end}");
        }
        let mut far = whole;
        far[10..14].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Turn::of_exif(&far), None);
    }

    /// EXIF 2.32, 4.6.4: which sides of what is shown are the first row and the first column of what is stored.
    #[test]
    fn the_first_row_and_column_are_where_exif_wants_them() {
        let (left, right, bottom, top) = (10.0, 14.0, 20.0, 22.0);
        for (turn, row, column) in [
            (1, ("y", top), ("x", left)),
            (2, ("y", top), ("x", right)),
            (3, ("y", bottom), ("x", right)),
            (4, ("y", bottom), ("x", left)),
            (5, ("x", left), ("y", top)),
            (6, ("x", right), ("y", top)),
            (7, ("x", right), ("y", bottom)),
            (8, ("x", left), ("y", bottom)),
        ] {
            let [a, b, c, d, e, f] = Turn(turn).matrix((left, bottom), (right - left, top - bottom));
            let shown = |u: f32, v: f32| (a * u + c * v + e, b * u + d * v + f);
            let lies_on = |(axis, at): (&str, f32), points: [(f32, f32); 2]| {
                points.iter().all(|(x, y)| if axis == "x" { *x == at } else { *y == at })
            };
            assert!(lies_on(row, [shown(0.0, 1.0), shown(1.0, 1.0)]), "first row of {turn}");
            assert!(lies_on(column, [shown(0.0, 0.0), shown(0.0, 1.0)]), "first column of {turn}");
            assert_eq!(Turn(turn).is_sideways(), row.0 == "x");
        }
    }
}
