//! The colour of an organization on its signers' pages: readable in both schemes, whatever was chosen.

use serde::{Deserialize, Serialize};

/// Contrast that text needs with what is behind it (WCAG 2.2, 1.4.3).
const LEAST: f64 = 4.5;

/// What the colour stands on, or what stands on it, on light pages and on dark ones: the grounds of the element's `style_base.ts`.
const LIGHT: [Colour; 3] = [Colour(0xff, 0xff, 0xff), Colour(0xf1, 0xf4, 0xf8), Colour(0xe9, 0xf0, 0xfa)];
const DARK: [Colour; 4] =
    [Colour(0x1c, 0x21, 0x28), Colour(0x13, 0x16, 0x1b), Colour(0x26, 0x30, 0x3d), Colour(0x0b, 0x1b, 0x33)];

/// A colour of sRGB (IEC 61966-2-1), eight bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour(u8, u8, u8);

impl Colour {
    /// `#` and six hexadecimal digits.
    fn parse(text: &str) -> Option<Self> {
        let digits =
            text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self(red, green, blue))
    }

    /// Relative luminance, 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Contrast ratio, 1 to 21 (WCAG 2.2).
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(other) / one.min(other)
    }

    /// The least contrast with any of them.
    fn on(self, grounds: &[Self]) -> f64 {
        grounds.iter().map(|ground| self.contrast(*ground)).fold(f64::INFINITY, f64::min)
    }

    /// So many parts of 32 towards white.
    fn lightened(self, parts: u32) -> Self {
        let towards = |channel: u8| {
            let moved = u32::from(channel) + (255 - u32::from(channel)) * parts / 32;
            u8::try_from(moved).unwrap_or(u8::MAX)
        };
        Self(towards(self.0), towards(self.1), towards(self.2))
    }

    fn text(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The colour of buttons and links, one for each scheme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accent {
    /// `#rrggbb`: on light pages, with white on it.
    pub light: String,
    /// On dark pages, with dark text on it: the first one made lighter, as far as it must be.
    pub dark: String,
}

impl Accent {
    /// Of a colour that is readable on light pages.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(colour: &str) -> Result<Self, String> {
        let light = Colour::parse(colour).ok_or("expected a colour such as #1d4f91")?;
        let contrast = light.on(&LIGHT);
        if contrast < LEAST {
            // Rounded down, so that it never reads as enough.
            let contrast = (contrast * 10.0).floor() / 10.0;
            return Err(format!(
                "its contrast with the light grounds of the pages is {contrast}:1, and text needs {LEAST}:1 (WCAG 2.2, 1.4.3); choose a darker colour"
            ));
        }
        // White itself is readable on all of them.
        let dark = (0..=32).map(|parts| light.lightened(parts)).find(|colour| colour.on(&DARK) >= LEAST).unwrap_or(LIGHT[0]);
        Ok(Self { light: light.text(), dark: dark.text() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let (black, white) = (Colour(0, 0, 0), Colour(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 1e-9 && (white.contrast(white) - 1.0).abs() < 1e-9);
        // #767676 is the lightest grey that text on white may have.
        assert!(
            Colour::parse("#767676").unwrap().contrast(white) >= LEAST
                && Colour::parse("#777777").unwrap().contrast(white) < LEAST
        );
    }

    #[test]
    fn what_is_taken_is_readable_on_all_grounds_of_both_schemes() {
        for colour in ["#000000", "#1d4f91", "#7A1F5C", "#b3261e", "#00573f", "#0000ff"] {
            let accent = Accent::new(colour).unwrap();
            assert_eq!(accent.light, colour.to_ascii_lowercase());
            let dark = Colour::parse(&accent.dark).unwrap();
            assert!(dark.on(&DARK) >= LEAST, "{accent:?}");
        }
        // No lighter than it must be.
        assert_ne!(Accent::new("#7a1f5c").unwrap().dark, "#ffffff");
    }

    #[test]
    fn what_cannot_be_read_or_is_no_colour_is_refused_with_the_reason() {
        assert!(Accent::new("#ffcc00").unwrap_err().contains("1.3:1"), "{:?}", Accent::new("#ffcc00"));
        for text in ["", "red", "#12345", "#1234567", "123456", "#12345g", "#+12345"] {
            assert!(Accent::new(text).unwrap_err().contains("such as"), "{text}");
        }
    }
}
