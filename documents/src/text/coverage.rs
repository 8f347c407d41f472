//! The characters that a font has, kept small.

/// Ranges of characters, in ascending order, both ends included.
#[derive(Debug, Default)]
pub(super) struct Coverage(Vec<(u32, u32)>);

impl Coverage {
    pub(super) fn of(characters: impl IntoIterator<Item = u32>) -> Self {
        let mut characters: Vec<u32> = characters.into_iter().collect();
        characters.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for character in characters {
            match ranges.last_mut() {
                Some((_, last)) if character <= last.saturating_add(1) => *last = character,
                _ => ranges.push((character, character)),
            }
        }
        ranges.shrink_to_fit();
        Self(ranges)
    }

    pub(super) fn has(&self, character: char) -> bool {
        let code = u32::from(character);
        let after = self.0.partition_point(|(first, _)| *first <= code);
        after.checked_sub(1).is_some_and(|index| code <= self.0[index].1)
    }

    /// The blocks of 256 characters in which it has any, in ascending order.
    pub(super) fn blocks(&self) -> impl Iterator<Item = u32> + '_ {
        let mut before = None;
        let blocks = self.0.iter().flat_map(|(first, last)| first >> 8..=last >> 8);
        blocks.filter(move |block| before.replace(*block) != Some(*block))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_ranges_and_are_found_again() {
        let coverage = Coverage::of([0x301, 0x41, 0x42, 0x43, 0x300, 0x41, 0x1ff]);
        assert_eq!(coverage.0, [(0x41, 0x43), (0x1ff, 0x1ff), (0x300, 0x301)]);
        assert_eq!(coverage.blocks().collect::<Vec<_>>(), [0, 1, 3]);
        for (character, expected) in [('A', true), ('C', true), ('D', false), ('@', false), ('\u{301}', true), ('\u{302}', false)]
        {
            assert_eq!(coverage.has(character), expected, "{character:?}");
        }
        assert!(Coverage::of([]).is_empty() && !Coverage::of([]).has('a'));
    }
}
