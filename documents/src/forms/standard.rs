//! The standard Latin fonts (ISO 32000-2 9.6.2.2), which viewers have and files need not embed: their measures.
//!
//! The widths are those of Adobe's font metrics files for the 14 core fonts (Copyright 1985-1997 Adobe Systems Incorporated, which may be
//! used and distributed for any purpose), brought into another form. The oblique fonts of Helvetica have the widths of the upright ones; every
//! character of Courier is 600 wide.

use crate::text::Reach;

/// One of the standard fonts, but for Symbol and ZapfDingbats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Standard {
    family: Family,
    bold: bool,
    italic: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Family {
    Helvetica,
    Times,
    Courier,
}

impl Standard {
    pub(super) const HELVETICA: Self = Self { family: Family::Helvetica, bold: false, italic: false };

    /// The standard font that a `BaseFont` or a conventional resource name (`Helv`, `TiBI`) means, if it means one.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let families = [
            ("helvetica", Family::Helvetica),
            ("helv", Family::Helvetica),
            ("arialmt", Family::Helvetica),
            ("arial", Family::Helvetica),
            ("timesnewromanpsmt", Family::Times),
            ("timesnewromanps", Family::Times),
            ("timesnewroman", Family::Times),
            ("timesroman", Family::Times),
            ("times", Family::Times),
            ("tiro", Family::Times),
            ("couriernewpsmt", Family::Courier),
            ("couriernew", Family::Courier),
            ("courier", Family::Courier),
            ("cour", Family::Courier),
        ];
        let by_family = families.iter().find_map(|(prefix, family)| {
            let (bold, italic) = style(plain.strip_prefix(prefix)?)?;
            Some(Self { family: *family, bold, italic })
        });
        by_family.or_else(|| abbreviated(name))
    }

    /// The name under which viewers know it.
    pub(super) fn base_font(self) -> &'static str {
        match (self.family, self.bold, self.italic) {
            (Family::Helvetica, false, false) => "Helvetica",
            (Family::Helvetica, true, false) => "Helvetica-Bold",
            (Family::Helvetica, false, true) => "Helvetica-Oblique",
            (Family::Helvetica, true, true) => "Helvetica-BoldOblique",
            (Family::Times, false, false) => "Times-Roman",
            (Family::Times, true, false) => "Times-Bold",
            (Family::Times, false, true) => "Times-Italic",
            (Family::Times, true, true) => "Times-BoldItalic",
            (Family::Courier, false, false) => "Courier",
            (Family::Courier, true, false) => "Courier-Bold",
            (Family::Courier, false, true) => "Courier-Oblique",
            (Family::Courier, true, true) => "Courier-BoldOblique",
        }
    }

    /// Advance width of a character, in thousandths of the font size.
    pub(super) fn width(self, character: char) -> Option<f32> {
        let index = GLYPHS.binary_search_by_key(&character, |glyph| glyph.0).ok()?;
        let column = match (self.family, self.bold, self.italic) {
            (Family::Courier, ..) => return Some(600.0),
            (Family::Helvetica, bold, _) => usize::from(bold),
            (Family::Times, bold, italic) => 2 + usize::from(bold) + 2 * usize::from(italic),
        };
        Some(f32::from(GLYPHS[index].2[column]))
    }

    /// From the same metrics files; a line is as high as the box around all characters.
    pub(super) fn reach(self) -> Reach {
        match self.family {
            Family::Helvetica => Reach { capitals: 718.0, above: 931.0, below: 225.0, line: 1156.0 },
            Family::Times => Reach { capitals: 662.0, above: 898.0, below: 218.0, line: 1116.0 },
            Family::Courier => Reach { capitals: 562.0, above: 805.0, below: 250.0, line: 1055.0 },
        }
    }
}

/// Bold and italic, from what follows the family in a name. `None`: another family.
fn style(rest: &str) -> Option<(bool, bool)> {
    match rest.strip_suffix("mt").unwrap_or(rest) {
        "" | "regular" => Some((false, false)),
        "bold" => Some((true, false)),
        "oblique" | "italic" => Some((false, true)),
        "boldoblique" | "bolditalic" => Some((true, true)),
        _ => None,
    }
}

/// The names that form programs give to the standard fonts as resources.
fn abbreviated(name: &str) -> Option<Standard> {
    let (family, rest) = name.split_at_checked(2)?;
    let family = match family {
        "He" => Family::Helvetica,
        "Ti" => Family::Times,
        "Co" => Family::Courier,
        _ => return None,
    };
    let (bold, italic) = match rest {
        "Bo" => (true, false),
        "Ob" | "It" => (false, true),
        "BO" | "BI" => (true, true),
        _ => return None,
    };
    Some(Standard { family, bold, italic })
}

/// Characters in order, their glyph names, and their widths in Helvetica, Helvetica-Bold, Times-Roman, Times-Bold, Times-Italic,
/// Times-BoldItalic.
pub(super) static GLYPHS: [(char, &str, [u16; 6]); 314] = [
    ('\u{20}', "space", [278, 278, 250, 250, 250, 250]),
    ('\u{21}', "exclam", [278, 333, 333, 333, 333, 389]),
    ('\u{22}', "quotedbl", [355, 474, 408, 555, 420, 555]),
    ('\u{23}', "numbersign", [556, 556, 500, 500, 500, 500]),
    ('\u{24}', "dollar", [556, 556, 500, 500, 500, 500]),
    ('\u{25}', "percent", [889, 889, 833, 1000, 833, 833]),
    ('\u{26}', "ampersand", [667, 722, 778, 833, 778, 778]),
    ('\u{27}', "quotesingle", [191, 238, 180, 278, 214, 278]),
    ('\u{28}', "parenleft", [333, 333, 333, 333, 333, 333]),
    ('\u{29}', "parenright", [333, 333, 333, 333, 333, 333]),
    ('\u{2a}', "asterisk", [389, 389, 500, 500, 500, 500]),
    ('\u{2b}', "plus", [584, 584, 564, 570, 675, 570]),
    ('\u{2c}', "comma", [278, 278, 250, 250, 250, 250]),
    ('\u{2d}', "hyphen", [333, 333, 333, 333, 333, 333]),
    ('\u{2e}', "period", [278, 278, 250, 250, 250, 250]),
    ('\u{2f}', "slash", [278, 278, 278, 278, 278, 278]),
    ('\u{30}', "zero", [556, 556, 500, 500, 500, 500]),
    ('\u{31}', "one", [556, 556, 500, 500, 500, 500]),
    ('\u{32}', "two", [556, 556, 500, 500, 500, 500]),
    ('\u{33}', "three", [556, 556, 500, 500, 500, 500]),
    ('\u{34}', "four", [556, 556, 500, 500, 500, 500]),
    ('\u{35}', "five", [556, 556, 500, 500, 500, 500]),
    ('\u{36}', "six", [556, 556, 500, 500, 500, 500]),
    ('\u{37}', "seven", [556, 556, 500, 500, 500, 500]),
    ('\u{38}', "eight", [556, 556, 500, 500, 500, 500]),
    ('\u{39}', "nine", [556, 556, 500, 500, 500, 500]),
    ('\u{3a}', "colon", [278, 333, 278, 333, 333, 333]),
    ('\u{3b}', "semicolon", [278, 333, 278, 333, 333, 333]),
    ('\u{3c}', "less", [584, 584, 564, 570, 675, 570]),
    ('\u{3d}', "equal", [584, 584, 564, 570, 675, 570]),
    ('\u{3e}', "greater", [584, 584, 564, 570, 675, 570]),
    ('\u{3f}', "question", [556, 611, 444, 500, 500, 500]),
    ('\u{40}', "at", [1015, 975, 921, 930, 920, 832]),
    ('\u{41}', "A", [667, 722, 722, 722, 611, 667]),
    ('\u{42}', "B", [667, 722, 667, 667, 611, 667]),
    ('\u{43}', "C", [722, 722, 667, 722, 667, 667]),
    ('\u{44}', "D", [722, 722, 722, 722, 722, 722]),
    ('\u{45}', "E", [667, 667, 611, 667, 611, 667]),
    ('\u{46}', "F", [611, 611, 556, 611, 611, 667]),
    ('\u{47}', "G", [778, 778, 722, 778, 722, 722]),
    ('\u{48}', "H", [722, 722, 722, 778, 722, 778]),
    ('\u{49}', "I", [278, 278, 333, 389, 333, 389]),
    ('\u{4a}', "J", [500, 556, 389, 500, 444, 500]),
    ('\u{4b}', "K", [667, 722, 722, 778, 667, 667]),
    ('\u{4c}', "L", [556, 611, 611, 667, 556, 611]),
    ('\u{4d}', "M", [833, 833, 889, 944, 833, 889]),
    ('\u{4e}', "N", [722, 722, 722, 722, 667, 722]),
    ('\u{4f}', "O", [778, 778, 722, 778, 722, 722]),
    ('\u{50}', "P", [667, 667, 556, 611, 611, 611]),
    ('\u{51}', "Q", [778, 778, 722, 778, 722, 722]),
    ('\u{52}', "R", [722, 722, 667, 722, 611, 667]),
    ('\u{53}', "S", [667, 667, 556, 556, 500, 556]),
    ('\u{54}', "T", [611, 611, 611, 667, 556, 611]),
    ('\u{55}', "U", [722, 722, 722, 722, 722, 722]),
    ('\u{56}', "V", [667, 667, 722, 722, 611, 667]),
    ('\u{57}', "W", [944, 944, 944, 1000, 833, 889]),
    ('\u{58}', "X", [667, 667, 722, 722, 611, 667]),
    ('\u{59}', "Y", [667, 667, 722, 722, 556, 611]),
    ('\u{5a}', "Z", [611, 611, 611, 667, 556, 611]),
    ('\u{5b}', "bracketleft", [278, 333, 333, 333, 389, 333]),
    ('\u{5c}', "backslash", [278, 278, 278, 278, 278, 278]),
    ('\u{5d}', "bracketright", [278, 333, 333, 333, 389, 333]),
    ('\u{5e}', "asciicircum", [469, 584, 469, 581, 422, 570]),
    ('\u{5f}', "underscore", [556, 556, 500, 500, 500, 500]),
    ('\u{60}', "grave", [333, 333, 333, 333, 333, 333]),
    ('\u{61}', "a", [556, 556, 444, 500, 500, 500]),
    ('\u{62}', "b", [556, 611, 500, 556, 500, 500]),
    ('\u{63}', "c", [500, 556, 444, 444, 444, 444]),
    ('\u{64}', "d", [556, 611, 500, 556, 500, 500]),
    ('\u{65}', "e", [556, 556, 444, 444, 444, 444]),
    ('\u{66}', "f", [278, 333, 333, 333, 278, 333]),
    ('\u{67}', "g", [556, 611, 500, 500, 500, 500]),
    ('\u{68}', "h", [556, 611, 500, 556, 500, 556]),
    ('\u{69}', "i", [222, 278, 278, 278, 278, 278]),
    ('\u{6a}', "j", [222, 278, 278, 333, 278, 278]),
    ('\u{6b}', "k", [500, 556, 500, 556, 444, 500]),
    ('\u{6c}', "l", [222, 278, 278, 278, 278, 278]),
    ('\u{6d}', "m", [833, 889, 778, 833, 722, 778]),
    ('\u{6e}', "n", [556, 611, 500, 556, 500, 556]),
    ('\u{6f}', "o", [556, 611, 500, 500, 500, 500]),
    ('\u{70}', "p", [556, 611, 500, 556, 500, 500]),
    ('\u{71}', "q", [556, 611, 500, 556, 500, 500]),
    ('\u{72}', "r", [333, 389, 333, 444, 389, 389]),
    ('\u{73}', "s", [500, 556, 389, 389, 389, 389]),
    ('\u{74}', "t", [278, 333, 278, 333, 278, 278]),
    ('\u{75}', "u", [556, 611, 500, 556, 500, 556]),
    ('\u{76}', "v", [500, 556, 500, 500, 444, 444]),
    ('\u{77}', "w", [722, 778, 722, 722, 667, 667]),
    ('\u{78}', "x", [500, 556, 500, 500, 444, 500]),
    ('\u{79}', "y", [500, 556, 500, 500, 444, 444]),
    ('\u{7a}', "z", [500, 500, 444, 444, 389, 389]),
    ('\u{7b}', "braceleft", [334, 389, 480, 394, 400, 348]),
    ('\u{7c}', "bar", [260, 280, 200, 220, 275, 220]),
    ('\u{7d}', "braceright", [334, 389, 480, 394, 400, 348]),
    ('\u{7e}', "asciitilde", [584, 584, 541, 520, 541, 570]),
    ('\u{a1}', "exclamdown", [333, 333, 333, 333, 389, 389]),
    ('\u{a2}', "cent", [556, 556, 500, 500, 500, 500]),
    ('\u{a3}', "sterling", [556, 556, 500, 500, 500, 500]),
    ('\u{a4}', "currency", [556, 556, 500, 500, 500, 500]),
    ('\u{a5}', "yen", [556, 556, 500, 500, 500, 500]),
    ('\u{a6}', "brokenbar", [260, 280, 200, 220, 275, 220]),
    ('\u{a7}', "section", [556, 556, 500, 500, 500, 500]),
    ('\u{a8}', "dieresis", [333, 333, 333, 333, 333, 333]),
    ('\u{a9}', "copyright", [737, 737, 760, 747, 760, 747]),
    ('\u{aa}', "ordfeminine", [370, 370, 276, 300, 276, 266]),
    ('\u{ab}', "guillemotleft", [556, 556, 500, 500, 500, 500]),
    ('\u{ac}', "logicalnot", [584, 584, 564, 570, 675, 606]),
    ('\u{ae}', "registered", [737, 737, 760, 747, 760, 747]),
    ('\u{af}', "macron", [333, 333, 333, 333, 333, 333]),
    ('\u{b0}', "degree", [400, 400, 400, 400, 400, 400]),
    ('\u{b1}', "plusminus", [584, 584, 564, 570, 675, 570]),
    ('\u{b2}', "twosuperior", [333, 333, 300, 300, 300, 300]),
    ('\u{b3}', "threesuperior", [333, 333, 300, 300, 300, 300]),
    ('\u{b4}', "acute", [333, 333, 333, 333, 333, 333]),
    ('\u{b5}', "mu", [556, 611, 500, 556, 500, 576]),
    ('\u{b6}', "paragraph", [537, 556, 453, 540, 523, 500]),
    ('\u{b7}', "periodcentered", [278, 278, 250, 250, 250, 250]),
    ('\u{b8}', "cedilla", [333, 333, 333, 333, 333, 333]),
    ('\u{b9}', "onesuperior", [333, 333, 300, 300, 300, 300]),
    ('\u{ba}', "ordmasculine", [365, 365, 310, 330, 310, 300]),
    ('\u{bb}', "guillemotright", [556, 556, 500, 500, 500, 500]),
    ('\u{bc}', "onequarter", [834, 834, 750, 750, 750, 750]),
    ('\u{bd}', "onehalf", [834, 834, 750, 750, 750, 750]),
    ('\u{be}', "threequarters", [834, 834, 750, 750, 750, 750]),
    ('\u{bf}', "questiondown", [611, 611, 444, 500, 500, 500]),
    ('\u{c0}', "Agrave", [667, 722, 722, 722, 611, 667]),
    ('\u{c1}', "Aacute", [667, 722, 722, 722, 611, 667]),
    ('\u{c2}', "Acircumflex", [667, 722, 722, 722, 611, 667]),
    ('\u{c3}', "Atilde", [667, 722, 722, 722, 611, 667]),
    ('\u{c4}', "Adieresis", [667, 722, 722, 722, 611, 667]),
    ('\u{c5}', "Aring", [667, 722, 722, 722, 611, 667]),
    ('\u{c6}', "AE", [1000, 1000, 889, 1000, 889, 944]),
    ('\u{c7}', "Ccedilla", [722, 722, 667, 722, 667, 667]),
    ('\u{c8}', "Egrave", [667, 667, 611, 667, 611, 667]),
    ('\u{c9}', "Eacute", [667, 667, 611, 667, 611, 667]),
    ('\u{ca}', "Ecircumflex", [667, 667, 611, 667, 611, 667]),
    ('\u{cb}', "Edieresis", [667, 667, 611, 667, 611, 667]),
    ('\u{cc}', "Igrave", [278, 278, 333, 389, 333, 389]),
    ('\u{cd}', "Iacute", [278, 278, 333, 389, 333, 389]),
    ('\u{ce}', "Icircumflex", [278, 278, 333, 389, 333, 389]),
    ('\u{cf}', "Idieresis", [278, 278, 333, 389, 333, 389]),
    ('\u{d0}', "Eth", [722, 722, 722, 722, 722, 722]),
    ('\u{d1}', "Ntilde", [722, 722, 722, 722, 667, 722]),
    ('\u{d2}', "Ograve", [778, 778, 722, 778, 722, 722]),
    ('\u{d3}', "Oacute", [778, 778, 722, 778, 722, 722]),
    ('\u{d4}', "Ocircumflex", [778, 778, 722, 778, 722, 722]),
    ('\u{d5}', "Otilde", [778, 778, 722, 778, 722, 722]),
    ('\u{d6}', "Odieresis", [778, 778, 722, 778, 722, 722]),
    ('\u{d7}', "multiply", [584, 584, 564, 570, 675, 570]),
    ('\u{d8}', "Oslash", [778, 778, 722, 778, 722, 722]),
    ('\u{d9}', "Ugrave", [722, 722, 722, 722, 722, 722]),
    ('\u{da}', "Uacute", [722, 722, 722, 722, 722, 722]),
    ('\u{db}', "Ucircumflex", [722, 722, 722, 722, 722, 722]),
    ('\u{dc}', "Udieresis", [722, 722, 722, 722, 722, 722]),
    ('\u{dd}', "Yacute", [667, 667, 722, 722, 556, 611]),
    ('\u{de}', "Thorn", [667, 667, 556, 611, 611, 611]),
    ('\u{df}', "germandbls", [611, 611, 500, 556, 500, 500]),
    ('\u{e0}', "agrave", [556, 556, 444, 500, 500, 500]),
    ('\u{e1}', "aacute", [556, 556, 444, 500, 500, 500]),
    ('\u{e2}', "acircumflex", [556, 556, 444, 500, 500, 500]),
    ('\u{e3}', "atilde", [556, 556, 444, 500, 500, 500]),
    ('\u{e4}', "adieresis", [556, 556, 444, 500, 500, 500]),
    ('\u{e5}', "aring", [556, 556, 444, 500, 500, 500]),
    ('\u{e6}', "ae", [889, 889, 667, 722, 667, 722]),
    ('\u{e7}', "ccedilla", [500, 556, 444, 444, 444, 444]),
    ('\u{e8}', "egrave", [556, 556, 444, 444, 444, 444]),
    ('\u{e9}', "eacute", [556, 556, 444, 444, 444, 444]),
    ('\u{ea}', "ecircumflex", [556, 556, 444, 444, 444, 444]),
    ('\u{eb}', "edieresis", [556, 556, 444, 444, 444, 444]),
    ('\u{ec}', "igrave", [278, 278, 278, 278, 278, 278]),
    ('\u{ed}', "iacute", [278, 278, 278, 278, 278, 278]),
    ('\u{ee}', "icircumflex", [278, 278, 278, 278, 278, 278]),
    ('\u{ef}', "idieresis", [278, 278, 278, 278, 278, 278]),
    ('\u{f0}', "eth", [556, 611, 500, 500, 500, 500]),
    ('\u{f1}', "ntilde", [556, 611, 500, 556, 500, 556]),
    ('\u{f2}', "ograve", [556, 611, 500, 500, 500, 500]),
    ('\u{f3}', "oacute", [556, 611, 500, 500, 500, 500]),
    ('\u{f4}', "ocircumflex", [556, 611, 500, 500, 500, 500]),
    ('\u{f5}', "otilde", [556, 611, 500, 500, 500, 500]),
    ('\u{f6}', "odieresis", [556, 611, 500, 500, 500, 500]),
    ('\u{f7}', "divide", [584, 584, 564, 570, 675, 570]),
    ('\u{f8}', "oslash", [611, 611, 500, 500, 500, 500]),
    ('\u{f9}', "ugrave", [556, 611, 500, 556, 500, 556]),
    ('\u{fa}', "uacute", [556, 611, 500, 556, 500, 556]),
    ('\u{fb}', "ucircumflex", [556, 611, 500, 556, 500, 556]),
    ('\u{fc}', "udieresis", [556, 611, 500, 556, 500, 556]),
    ('\u{fd}', "yacute", [500, 556, 500, 500, 444, 444]),
    ('\u{fe}', "thorn", [556, 611, 500, 556, 500, 500]),
    ('\u{ff}', "ydieresis", [500, 556, 500, 500, 444, 444]),
    ('\u{100}', "Amacron", [667, 722, 722, 722, 611, 667]),
    ('\u{101}', "amacron", [556, 556, 444, 500, 500, 500]),
    ('\u{102}', "Abreve", [667, 722, 722, 722, 611, 667]),
    ('\u{103}', "abreve", [556, 556, 444, 500, 500, 500]),
    ('\u{104}', "Aogonek", [667, 722, 722, 722, 611, 667]),
    ('\u{105}', "aogonek", [556, 556, 444, 500, 500, 500]),
    ('\u{106}', "Cacute", [722, 722, 667, 722, 667, 667]),
    ('\u{107}', "cacute", [500, 556, 444, 444, 444, 444]),
    ('\u{10c}', "Ccaron", [722, 722, 667, 722, 667, 667]),
    ('\u{10d}', "ccaron", [500, 556, 444, 444, 444, 444]),
    ('\u{10e}', "Dcaron", [722, 722, 722, 722, 722, 722]),
    ('\u{10f}', "dcaron", [643, 743, 588, 672, 544, 608]),
    ('\u{110}', "Dcroat", [722, 722, 722, 722, 722, 722]),
    ('\u{111}', "dcroat", [556, 611, 500, 556, 500, 500]),
    ('\u{112}', "Emacron", [667, 667, 611, 667, 611, 667]),
    ('\u{113}', "emacron", [556, 556, 444, 444, 444, 444]),
    ('\u{116}', "Edotaccent", [667, 667, 611, 667, 611, 667]),
    ('\u{117}', "edotaccent", [556, 556, 444, 444, 444, 444]),
    ('\u{118}', "Eogonek", [667, 667, 611, 667, 611, 667]),
    ('\u{119}', "eogonek", [556, 556, 444, 444, 444, 444]),
    ('\u{11a}', "Ecaron", [667, 667, 611, 667, 611, 667]),
    ('\u{11b}', "ecaron", [556, 556, 444, 444, 444, 444]),
    ('\u{11e}', "Gbreve", [778, 778, 722, 778, 722, 722]),
    ('\u{11f}', "gbreve", [556, 611, 500, 500, 500, 500]),
    ('\u{122}', "Gcommaaccent", [778, 778, 722, 778, 722, 722]),
    ('\u{123}', "gcommaaccent", [556, 611, 500, 500, 500, 500]),
    ('\u{12a}', "Imacron", [278, 278, 333, 389, 333, 389]),
    ('\u{12b}', "imacron", [278, 278, 278, 278, 278, 278]),
    ('\u{12e}', "Iogonek", [278, 278, 333, 389, 333, 389]),
    ('\u{12f}', "iogonek", [222, 278, 278, 278, 278, 278]),
    ('\u{130}', "Idotaccent", [278, 278, 333, 389, 333, 389]),
    ('\u{131}', "dotlessi", [278, 278, 278, 278, 278, 278]),
    ('\u{136}', "Kcommaaccent", [667, 722, 722, 778, 667, 667]),
    ('\u{137}', "kcommaaccent", [500, 556, 500, 556, 444, 500]),
    ('\u{139}', "Lacute", [556, 611, 611, 667, 556, 611]),
    ('\u{13a}', "lacute", [222, 278, 278, 278, 278, 278]),
    ('\u{13b}', "Lcommaaccent", [556, 611, 611, 667, 556, 611]),
    ('\u{13c}', "lcommaaccent", [222, 278, 278, 278, 278, 278]),
    ('\u{13d}', "Lcaron", [556, 611, 611, 667, 611, 611]),
    ('\u{13e}', "lcaron", [299, 400, 344, 394, 300, 382]),
    ('\u{141}', "Lslash", [556, 611, 611, 667, 556, 611]),
    ('\u{142}', "lslash", [222, 278, 278, 278, 278, 278]),
    ('\u{143}', "Nacute", [722, 722, 722, 722, 667, 722]),
    ('\u{144}', "nacute", [556, 611, 500, 556, 500, 556]),
    ('\u{145}', "Ncommaaccent", [722, 722, 722, 722, 667, 722]),
    ('\u{146}', "ncommaaccent", [556, 611, 500, 556, 500, 556]),
    ('\u{147}', "Ncaron", [722, 722, 722, 722, 667, 722]),
    ('\u{148}', "ncaron", [556, 611, 500, 556, 500, 556]),
    ('\u{14c}', "Omacron", [778, 778, 722, 778, 722, 722]),
    ('\u{14d}', "omacron", [556, 611, 500, 500, 500, 500]),
    ('\u{150}', "Ohungarumlaut", [778, 778, 722, 778, 722, 722]),
    ('\u{151}', "ohungarumlaut", [556, 611, 500, 500, 500, 500]),
    ('\u{152}', "OE", [1000, 1000, 889, 1000, 944, 944]),
    ('\u{153}', "oe", [944, 944, 722, 722, 667, 722]),
    ('\u{154}', "Racute", [722, 722, 667, 722, 611, 667]),
    ('\u{155}', "racute", [333, 389, 333, 444, 389, 389]),
    ('\u{156}', "Rcommaaccent", [722, 722, 667, 722, 611, 667]),
    ('\u{157}', "rcommaaccent", [333, 389, 333, 444, 389, 389]),
    ('\u{158}', "Rcaron", [722, 722, 667, 722, 611, 667]),
    ('\u{159}', "rcaron", [333, 389, 333, 444, 389, 389]),
    ('\u{15a}', "Sacute", [667, 667, 556, 556, 500, 556]),
    ('\u{15b}', "sacute", [500, 556, 389, 389, 389, 389]),
    ('\u{15e}', "Scedilla", [667, 667, 556, 556, 500, 556]),
    ('\u{15f}', "scedilla", [500, 556, 389, 389, 389, 389]),
    ('\u{160}', "Scaron", [667, 667, 556, 556, 500, 556]),
    ('\u{161}', "scaron", [500, 556, 389, 389, 389, 389]),
    ('\u{162}', "Tcommaaccent", [611, 611, 611, 667, 556, 611]),
    ('\u{163}', "tcommaaccent", [278, 333, 278, 333, 278, 278]),
    ('\u{164}', "Tcaron", [611, 611, 611, 667, 556, 611]),
    ('\u{165}', "tcaron", [317, 389, 326, 416, 300, 366]),
    ('\u{16a}', "Umacron", [722, 722, 722, 722, 722, 722]),
    ('\u{16b}', "umacron", [556, 611, 500, 556, 500, 556]),
    ('\u{16e}', "Uring", [722, 722, 722, 722, 722, 722]),
    ('\u{16f}', "uring", [556, 611, 500, 556, 500, 556]),
    ('\u{170}', "Uhungarumlaut", [722, 722, 722, 722, 722, 722]),
    ('\u{171}', "uhungarumlaut", [556, 611, 500, 556, 500, 556]),
    ('\u{172}', "Uogonek", [722, 722, 722, 722, 722, 722]),
    ('\u{173}', "uogonek", [556, 611, 500, 556, 500, 556]),
    ('\u{178}', "Ydieresis", [667, 667, 722, 722, 556, 611]),
    ('\u{179}', "Zacute", [611, 611, 611, 667, 556, 611]),
    ('\u{17a}', "zacute", [500, 500, 444, 444, 389, 389]),
    ('\u{17b}', "Zdotaccent", [611, 611, 611, 667, 556, 611]),
    ('\u{17c}', "zdotaccent", [500, 500, 444, 444, 389, 389]),
    ('\u{17d}', "Zcaron", [611, 611, 611, 667, 556, 611]),
    ('\u{17e}', "zcaron", [500, 500, 444, 444, 389, 389]),
    ('\u{192}', "florin", [556, 556, 500, 500, 500, 500]),
    ('\u{218}', "Scommaaccent", [667, 667, 556, 556, 500, 556]),
    ('\u{219}', "scommaaccent", [500, 556, 389, 389, 389, 389]),
    ('\u{2c6}', "circumflex", [333, 333, 333, 333, 333, 333]),
    ('\u{2c7}', "caron", [333, 333, 333, 333, 333, 333]),
    ('\u{2d8}', "breve", [333, 333, 333, 333, 333, 333]),
    ('\u{2d9}', "dotaccent", [333, 333, 333, 333, 333, 333]),
    ('\u{2da}', "ring", [333, 333, 333, 333, 333, 333]),
    ('\u{2db}', "ogonek", [333, 333, 333, 333, 333, 333]),
    ('\u{2dc}', "tilde", [333, 333, 333, 333, 333, 333]),
    ('\u{2dd}', "hungarumlaut", [333, 333, 333, 333, 333, 333]),
    ('\u{2013}', "endash", [556, 556, 500, 500, 500, 500]),
    ('\u{2014}', "emdash", [1000, 1000, 1000, 1000, 889, 1000]),
    ('\u{2018}', "quoteleft", [222, 278, 333, 333, 333, 333]),
    ('\u{2019}', "quoteright", [222, 278, 333, 333, 333, 333]),
    ('\u{201a}', "quotesinglbase", [222, 278, 333, 333, 333, 333]),
    ('\u{201c}', "quotedblleft", [333, 500, 444, 500, 556, 500]),
    ('\u{201d}', "quotedblright", [333, 500, 444, 500, 556, 500]),
    ('\u{201e}', "quotedblbase", [333, 500, 444, 500, 556, 500]),
    ('\u{2020}', "dagger", [556, 556, 500, 500, 500, 500]),
    ('\u{2021}', "daggerdbl", [556, 556, 500, 500, 500, 500]),
    ('\u{2022}', "bullet", [350, 350, 350, 350, 350, 350]),
    ('\u{2026}', "ellipsis", [1000, 1000, 1000, 1000, 889, 1000]),
    ('\u{2030}', "perthousand", [1000, 1000, 1000, 1000, 1000, 1000]),
    ('\u{2039}', "guilsinglleft", [333, 333, 333, 333, 333, 333]),
    ('\u{203a}', "guilsinglright", [333, 333, 333, 333, 333, 333]),
    ('\u{2044}', "fraction", [167, 167, 167, 167, 167, 167]),
    ('\u{20ac}', "Euro", [556, 556, 500, 500, 500, 500]),
    ('\u{2122}', "trademark", [1000, 1000, 980, 1000, 980, 1000]),
    ('\u{2202}', "partialdiff", [476, 494, 476, 494, 476, 494]),
    ('\u{2206}', "Delta", [612, 612, 612, 612, 612, 612]),
    ('\u{2211}', "summation", [600, 600, 600, 600, 600, 600]),
    ('\u{2212}', "minus", [584, 584, 564, 570, 675, 606]),
    ('\u{221a}', "radical", [453, 549, 453, 549, 453, 549]),
    ('\u{2260}', "notequal", [549, 549, 549, 549, 549, 549]),
    ('\u{2264}', "lessequal", [549, 549, 549, 549, 549, 549]),
    ('\u{2265}', "greaterequal", [549, 549, 549, 549, 549, 549]),
    ('\u{25ca}', "lozenge", [471, 494, 471, 494, 471, 494]),
    ('\u{fb01}', "fi", [500, 611, 556, 556, 500, 556]),
    ('\u{fb02}', "fl", [500, 611, 556, 556, 500, 556]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_glyphs_is_in_order() {
        assert!(GLYPHS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn names_of_standard_fonts_are_known_in_their_usual_forms() {
        let cases = [
            ("Helv", "Helvetica"),
            ("HeBo", "Helvetica-Bold"),
            ("Arial,BoldItalic", "Helvetica-BoldOblique"),
            ("ArialMT", "Helvetica"),
            ("Arial-BoldMT", "Helvetica-Bold"),
            ("TimesNewRomanPS-BoldItalicMT", "Times-BoldItalic"),
            ("TiRo", "Times-Roman"),
            ("Times-Roman", "Times-Roman"),
            ("CourierNew", "Courier"),
            ("CoBO", "Courier-BoldOblique"),
            ("Cour", "Courier"),
        ];
        for (name, expected) in cases {
            assert_eq!(Standard::named(name.as_bytes()).map(Standard::base_font), Some(expected), "{name}");
        }
        for name in ["ArialNarrow", "Verdana", "Symbol", "ZaDb", "F1", "", "\u{e9}", "He"] {
            assert_eq!(Standard::named(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn widths_are_those_of_the_metrics_files() {
        let width = |name: &str, character| Standard::named(name.as_bytes()).unwrap().width(character);
        assert_eq!(width("Helvetica", 'W'), Some(944.0));
        assert_eq!(width("Helvetica-Bold", 'a'), Some(556.0));
        assert_eq!(width("Times-Roman", 'a'), Some(444.0));
        assert_eq!(width("Times-Bold", 'a'), Some(500.0));
        assert_eq!(width("Times-Italic", 'J'), Some(444.0));
        assert_eq!(width("Times-BoldItalic", '!'), Some(389.0));
        assert_eq!(width("Courier-Oblique", '€'), Some(600.0));
        assert_eq!(width("Helvetica", '山'), None);
    }
}
