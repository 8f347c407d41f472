//! From scores of cells to the text of a machine readable zone: what may stand where (ICAO 9303 parts 4 to 7), and what the check digits say.
//!
//! Of all texts whose check digits agree the likeliest is taken, unless the printed characters plainly say something else: a zone whose
//! digits were forged must not be put right. Cells that no check digit covers (names, codes, sex) are read by grammar and by the table of
//! countries; how sure they are is told.

use crate::network::{ALPHABET, NOTHING, Scores};

/// How much less likely (natural logarithm) than the plain reading a text may be that the check digits want.
const MAX_COST: f32 = 6.0;

/// The same for a code that is in the table of countries.
const MAX_CODE_COST: f32 = 4.0;

/// Most doubt about a letter or filler of a name: that the grammar wants it weighs, too.
const MAX_NAME_DOUBT: f32 = 1.0;

/// What it costs that the code of a card begins with A or C.
const RARE_COST: f32 = 2.0;

/// What it costs that a number goes on in the optional field (ICAO 9303-5, 4.2.2, note j): it is rare.
const OVERFLOW_COST: f32 = 4.0;

/// Classes of a cell that are looked at, at most, and how much less likely than the likeliest they may be.
const MAX_CHOICES: usize = 8;
const MAX_BEHIND: f32 = 14.0;

/// Readings that are kept for each pair of remainders: the best, and the next one, which tells how sure it is.
const KEPT: usize = 2;

/// Class of the filler `<`.
const FILLER: usize = 36;

/// A kind of machine readable zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Cards: three lines of 30.
    Td1,
    /// Larger cards and papers: two lines of 36.
    Td2,
    /// Passports: two lines of 44.
    Td3,
    /// Visas: two lines of 44 or 36.
    VisaA,
    VisaB,
}

/// What may stand in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The letter that begins the document's code.
    Code,
    Letter,
    Any,
    Digit,
    /// Or a filler, for what is not known of a birth date.
    DateDigit,
    Sex,
    /// The check digit of the field that ends before it.
    Check,
    /// Or a filler, for a field that is empty or goes on elsewhere.
    OptionalCheck,
    Composite,
}

/// A field in a line: where it begins, how many cells it has, by which rule, and whether the composite check digit covers it.
struct Field {
    line: usize,
    start: usize,
    cells: &'static [(Rule, usize)],
    is_covered: bool,
}

const fn field(line: usize, start: usize, cells: &'static [(Rule, usize)], is_covered: bool) -> Field {
    Field { line, start, cells, is_covered }
}

const NUMBER: &[(Rule, usize)] = &[(Rule::Any, 9), (Rule::Check, 1)];
const BIRTH: &[(Rule, usize)] = &[(Rule::DateDigit, 6), (Rule::Check, 1)];
const EXPIRY: &[(Rule, usize)] = &[(Rule::Digit, 6), (Rule::Check, 1)];

/// ICAO 9303-5, 4.2.2.
const TD1: [Field; 6] = [
    field(0, 5, &[(Rule::Any, 9), (Rule::OptionalCheck, 1)], true),
    field(0, 15, &[(Rule::Any, 15)], true),
    field(1, 0, BIRTH, true),
    field(1, 8, EXPIRY, true),
    field(1, 18, &[(Rule::Any, 11)], true),
    field(1, 29, &[(Rule::Composite, 1)], false),
];

/// ICAO 9303-6, 4.2.2.
const TD2: [Field; 5] = [
    field(1, 0, NUMBER, true),
    field(1, 13, BIRTH, true),
    field(1, 21, EXPIRY, true),
    field(1, 28, &[(Rule::Any, 7)], true),
    field(1, 35, &[(Rule::Composite, 1)], false),
];

/// ICAO 9303-4, 4.2.2.
const TD3: [Field; 5] = [
    field(1, 0, NUMBER, true),
    field(1, 13, BIRTH, true),
    field(1, 21, EXPIRY, true),
    field(1, 28, &[(Rule::Any, 14), (Rule::OptionalCheck, 1)], true),
    field(1, 43, &[(Rule::Composite, 1)], false),
];

/// ICAO 9303-7, 4.2.2 and 5.2.2: there is no composite check digit.
const VISA: [Field; 3] = [field(1, 0, NUMBER, false), field(1, 13, BIRTH, false), field(1, 21, EXPIRY, false)];

impl Layout {
    /// The layouts with so many lines of so many cells: for documents first, then for visas.
    pub fn of(lines: usize, columns: usize) -> &'static [Self] {
        match (lines, columns) {
            (3, 30) => &[Self::Td1],
            (2, 36) => &[Self::Td2, Self::VisaB],
            (2, 44) => &[Self::Td3, Self::VisaA],
            _ => &[],
        }
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Self::Td1 => &TD1,
            Self::Td2 => &TD2,
            Self::Td3 => &TD3,
            Self::VisaA | Self::VisaB => &VISA,
        }
    }

    /// Where letters stand that no check digit covers: codes of countries (line, first cell), and the names.
    fn codes(self) -> [(usize, usize); 2] {
        if self == Self::Td1 { [(0, 2), (1, 15)] } else { [(0, 2), (1, 10)] }
    }

    fn names(self) -> (usize, usize) {
        if self == Self::Td1 { (2, 0) } else { (0, 5) }
    }

    fn sex(self) -> (usize, usize) {
        if self == Self::Td1 { (1, 7) } else { (1, 20) }
    }

    /// Letters that a document's code begins with.
    fn first_letters(self) -> &'static [u8] {
        match self {
            Self::Td1 | Self::Td2 => b"IAC",
            Self::Td3 => b"P",
            Self::VisaA | Self::VisaB => b"V",
        }
    }

    fn allows(self, rule: Rule, class: usize) -> bool {
        let character = ALPHABET.get(class).copied().unwrap_or_default();
        match rule {
            Rule::Code => self.first_letters().contains(&character),
            Rule::Letter => character.is_ascii_uppercase() || character == b'<',
            Rule::Any => class < NOTHING,
            Rule::Digit | Rule::Check | Rule::Composite => character.is_ascii_digit(),
            Rule::DateDigit | Rule::OptionalCheck => character.is_ascii_digit() || character == b'<',
            Rule::Sex => matches!(character, b'M' | b'F' | b'X' | b'<'),
        }
    }
}

/// A zone as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    pub layout: Layout,
    pub lines: Vec<String>,
    /// How sure it is that every character is right, by the network's own judgement, 0 to 1.
    pub confidence: f32,
}

/// Value of a class in check digits (ICAO 9303-3, 4.9).
fn value(class: usize) -> usize {
    if class == FILLER { 0 } else { class }
}

fn weight(at: usize) -> usize {
    [7, 3, 1][at % 3]
}

/// Reads a zone from the scores of its cells, `None` if its lines are those of no layout.
pub fn read(cells: &[Vec<Scores>]) -> Option<Zone> {
    let columns = cells.first()?.len();
    if cells.iter().any(|line| line.len() != columns) {
        return None;
    }
    let layouts = Layout::of(cells.len(), columns);
    let first = cells.first()?.first()?;
    let likelihood = |layout: &Layout| {
        let letters = (0..NOTHING).filter(|class| layout.allows(Rule::Code, *class));
        letters.map(|class| first[class]).fold(f32::NEG_INFINITY, f32::max)
    };
    let layout = *layouts.iter().max_by(|a, b| likelihood(a).total_cmp(&likelihood(b)))?;
    Some(Reader { layout, cells, text: vec![vec![FILLER; columns]; cells.len()], doubt: 0.0 }.read())
}

/// How unlikely (natural logarithm) a character may be among all before that is a doubt, even if nothing likelier is allowed there.
const UNLIKELY: f32 = 2.0;

/// Doubt about a character that is likely among those that are allowed, but hardly among all: something hides it.
fn strangeness(score: f32) -> f32 {
    (-score - UNLIKELY).max(0.0) * 0.5
}

/// The likeliest of the classes that are allowed, and the logarithm of its share among these.
fn best(scores: &Scores, is_allowed: impl Fn(usize) -> bool) -> (usize, f32) {
    let allowed = (0..NOTHING).filter(|class| is_allowed(*class));
    let (class, score) =
        allowed.clone().map(|class| (class, scores[class])).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((FILLER, f32::MIN));
    let sum: f32 = allowed.map(|class| (scores[class] - score).exp()).sum();
    (class, -sum.ln())
}

struct Reader<'a> {
    layout: Layout,
    cells: &'a [Vec<Scores>],
    text: Vec<Vec<usize>>,
    /// Minus the logarithm of the likelihood that all is right.
    doubt: f32,
}

impl Reader<'_> {
    fn read(mut self) -> Zone {
        self.read_kind();
        let second = if matches!(self.layout, Layout::Td1 | Layout::Td2) { Rule::Any } else { Rule::Letter };
        self.read_alone(0, 1, second);
        let (line, cell) = self.layout.sex();
        self.read_alone(line, cell, Rule::Sex);
        self.layout.codes().into_iter().for_each(|(line, start)| self.read_code(line, start));
        self.read_names();
        if matches!(self.layout, Layout::VisaA | Layout::VisaB) {
            (28..self.text[1].len()).for_each(|cell| self.read_alone(1, cell, Rule::Any));
        }
        self.read_checked();
        let lines = self.text.iter().map(|line| line.iter().map(|class| char::from(ALPHABET[*class])).collect()).collect();
        Zone { layout: self.layout, lines, confidence: (-self.doubt).exp() }
    }

    /// The letter that begins the code. On cards it is I nearly always (ICAO 9303-5, 4.2.2.1).
    fn read_kind(&mut self) {
        let first = &self.cells[0][0];
        let mut scores = *first;
        scores
            .iter_mut()
            .zip(ALPHABET)
            .filter(|(_, letter)| matches!(letter, b'A' | b'C'))
            .for_each(|(score, _)| *score -= RARE_COST);
        let layout = self.layout;
        let (class, share) = best(&scores, |class| layout.allows(Rule::Code, class));
        self.doubt += strangeness(first[class]) - share;
        self.text[0][0] = class;
    }

    fn read_alone(&mut self, line: usize, cell: usize, rule: Rule) {
        let layout = self.layout;
        let scores = &self.cells[line][cell];
        let (class, share) = best(scores, |class| layout.allows(rule, class));
        self.doubt += strangeness(scores[class]) - share;
        self.text[line][cell] = class;
    }

    /// A code of three letters: one of the table, if the letters do not plainly say another.
    fn read_code(&mut self, line: usize, start: usize) {
        let cells = &self.cells[line][start..start + 3];
        let plain: Vec<(usize, f32)> =
            cells.iter().map(|scores| best(scores, |class| self.layout.allows(Rule::Letter, class))).collect();
        let score = |code: &[usize; 3]| code.iter().zip(cells).map(|(class, scores)| scores[*class]).sum::<f32>();
        let known = mrz::codes().iter().map(|(code, _)| {
            let mut classes = [FILLER; 3];
            classes.iter_mut().zip(code.bytes()).for_each(|(slot, letter)| *slot = class_of(letter));
            classes
        });
        let mut known: Vec<([usize; 3], f32)> = known.map(|code| (code, score(&code))).collect();
        known.sort_by(|a, b| b.1.total_cmp(&a.1));
        let plain_score: f32 = plain.iter().zip(cells).map(|((class, _), scores)| scores[*class]).sum();
        match known.as_slice() {
            [(code, likelihood), (_, next), ..] if plain_score - likelihood < MAX_CODE_COST => {
                self.text[line][start..start + 3].copy_from_slice(code);
                self.doubt += (next - likelihood).exp().ln_1p();
            }
            _ => {
                plain.iter().enumerate().for_each(|(at, (class, _))| self.text[line][start + at] = *class);
                self.doubt -= plain.iter().map(|(_, share)| share).sum::<f32>();
            }
        }
    }

    /// Surname, two fillers, given names with one filler between, then fillers alone (ICAO 9303-3, 4.6).
    fn read_names(&mut self) {
        /// The states, and which follow by a letter and by a filler.
        const AFTER_LETTER: [Option<usize>; 6] = [Some(0), Some(0), Some(3), Some(3), Some(3), None];
        const AFTER_FILLER: [usize; 6] = [1, 2, 5, 4, 5, 5];
        let (line, start) = self.layout.names();
        let cells = &self.cells[line][start..];
        let mut layers: Vec<[(f32, usize, usize); 6]> = Vec::with_capacity(cells.len());
        let mut scores = [f32::NEG_INFINITY; 6];
        // The name begins with a letter.
        for (at, cell) in cells.iter().enumerate() {
            let (letter, _) = best(cell, |class| ALPHABET.get(class).is_some_and(u8::is_ascii_uppercase));
            let mut layer = [(f32::NEG_INFINITY, 0, FILLER); 6];
            for state in 0..6 {
                let before = if at == 0 { if state == 0 { 0.0 } else { f32::NEG_INFINITY } } else { scores[state] };
                let mut step = |to: usize, class: usize| {
                    let score = before + cell[class];
                    if score > layer[to].0 {
                        layer[to] = (score, state, class);
                    }
                };
                if let Some(to) = AFTER_LETTER[state] {
                    step(to, letter);
                }
                if at > 0 {
                    step(AFTER_FILLER[state], FILLER);
                }
            }
            scores = layer.map(|(score, ..)| score);
            layers.push(layer);
        }
        let mut state = (0..6).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or_default();
        for (at, layer) in layers.iter().enumerate().rev() {
            let (_, before, class) = layer[state];
            self.text[line][start + at] = class;
            state = before;
        }
        for (at, cell) in cells.iter().enumerate() {
            let class = self.text[line][start + at];
            let letters = (0..NOTHING).filter(|class| self.layout.allows(Rule::Letter, *class));
            let sum: f32 = letters.map(|other| (cell[other] - cell[class]).exp()).sum();
            self.doubt += sum.ln().min(MAX_NAME_DOUBT) + strangeness(cell[class]).min(MAX_NAME_DOUBT);
        }
    }

    /// All that check digits cover.
    fn read_checked(&mut self) {
        let steps = self.steps();
        let plain: f32 = steps.iter().map(|step| step.choices.first().map_or(0.0, |choice| choice.1)).sum();
        let found = search(&steps);
        match found.as_slice() {
            [best, rest @ ..] if plain - best.0 < MAX_COST => {
                steps.iter().zip(&best.1).for_each(|(step, class)| self.text[step.line][step.cell] = *class);
                // Whatever else agrees with the check digits may be meant.
                let others: f32 = rest.iter().map(|other| (other.0 - best.0).exp()).sum();
                self.doubt += others.ln_1p() + 0.2 * (plain - best.0);
            }
            _ => {
                for step in &steps {
                    let Some((class, score)) = step.choices.first() else { continue };
                    self.text[step.line][step.cell] = *class;
                    let sum: f32 = step.choices.iter().map(|(_, other)| (other - score).exp()).sum();
                    self.doubt += sum.ln();
                }
            }
        }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut covered = 0;
        for field in self.layout.fields() {
            let mut cell = field.start;
            let has_check = field.cells.iter().any(|(rule, _)| matches!(rule, Rule::Check | Rule::OptionalCheck));
            for (rule, count) in field.cells {
                for _ in 0..*count {
                    let scores = &self.cells[field.line][cell];
                    let mut choices: Vec<(usize, f32)> = (0..NOTHING)
                        .filter(|class| self.layout.allows(*rule, *class))
                        .map(|class| (class, scores[class]))
                        .collect();
                    choices.sort_by(|a, b| b.1.total_cmp(&a.1));
                    let least = choices.first().map_or(0.0, |choice| choice.1) - MAX_BEHIND;
                    choices.retain(|choice| choice.1 > least);
                    choices.truncate(MAX_CHOICES);
                    steps.push(Step {
                        line: field.line,
                        cell,
                        rule: *rule,
                        choices,
                        weight: if has_check { weight(cell - field.start) } else { 0 },
                        composite_weight: if field.is_covered { weight(covered) } else { 0 },
                        may_overflow: self.layout == Layout::Td1,
                    });
                    covered += usize::from(field.is_covered);
                    cell += 1;
                }
            }
        }
        steps
    }
}

fn class_of(letter: u8) -> usize {
    ALPHABET.iter().position(|other| *other == letter).unwrap_or(FILLER)
}

/// A cell that a check digit covers, or one.
struct Step {
    line: usize,
    cell: usize,
    rule: Rule,
    /// Classes with their scores, the likeliest first.
    choices: Vec<(usize, f32)>,
    weight: usize,
    composite_weight: usize,
    /// Whether a filler for the check digit says that the number goes on elsewhere.
    may_overflow: bool,
}

/// A reading up to some step: its score, its last class, and from where it came.
#[derive(Clone, Copy)]
struct Path {
    score: f32,
    class: usize,
    from: usize,
    rank: usize,
}

/// Remainders of the sums of the field and of the whole, by ten: a hundred states.
const STATES: usize = 100;

/// The likeliest readings in which all check digits agree, the best first.
fn search(steps: &[Step]) -> Vec<(f32, Vec<usize>)> {
    let start = |state: usize| if state == 0 { vec![Path { score: 0.0, class: FILLER, from: 0, rank: 0 }] } else { Vec::new() };
    let mut layers: Vec<Vec<Vec<Path>>> = vec![(0..STATES).map(start).collect()];
    for step in steps {
        let mut layer: Vec<Vec<Path>> = vec![Vec::new(); STATES];
        let before = layers.last().into_iter().flatten().enumerate();
        for (from, paths) in before.filter(|(_, paths)| !paths.is_empty()) {
            for (class, score) in &step.choices {
                let Some((to, cost)) = step.follow(from, *class) else { continue };
                for (rank, path) in paths.iter().enumerate() {
                    insert(&mut layer[to], Path { score: path.score + score - cost, class: *class, from, rank });
                }
            }
        }
        layers.push(layer);
    }
    let mut ends: Vec<(usize, usize, f32)> = Vec::new();
    for (state, paths) in layers.last().into_iter().flatten().enumerate() {
        ends.extend(paths.iter().enumerate().map(|(rank, path)| (state, rank, path.score)));
    }
    ends.sort_by(|a, b| b.2.total_cmp(&a.2));
    let trace = |(mut state, mut rank, score): (usize, usize, f32)| {
        let mut classes = vec![FILLER; steps.len()];
        for (slot, layer) in classes.iter_mut().zip(&layers[1..]).rev() {
            let path = layer[state][rank];
            *slot = path.class;
            (state, rank) = (path.from, path.rank);
        }
        (score, classes)
    };
    ends.into_iter().take(KEPT).map(trace).collect()
}

/// Keeps the best few.
fn insert(paths: &mut Vec<Path>, path: Path) {
    let at = paths.partition_point(|other| other.score >= path.score);
    if at < KEPT {
        paths.insert(at, path);
        paths.truncate(KEPT);
    }
}

impl Step {
    /// The state after this class, and what it costs; `None` if a check digit disagrees.
    fn follow(&self, state: usize, class: usize) -> Option<(usize, f32)> {
        let (field, whole) = (state / 10, state % 10);
        let whole_next = (whole + value(class) * self.composite_weight) % 10;
        let (field_next, cost) = match self.rule {
            Rule::Check | Rule::OptionalCheck if class == FILLER && self.may_overflow => (0, OVERFLOW_COST),
            Rule::Check | Rule::OptionalCheck => (if value(class) == field { 0 } else { return None }, 0.0),
            Rule::Composite => (if class == whole { 0 } else { return None }, 0.0),
            _ => ((field + value(class) * self.weight) % 10, 0.0),
        };
        Some((field_next * 10 + whole_next, cost))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        fixtures::{ANNA, CARMEN, Person},
        network::CLASSES,
    };

    /// Scores of a classifier that is sure of these lines.
    fn sure<const LINES: usize>(lines: &[String; LINES]) -> Vec<Vec<Scores>> {
        let cell = |character: u8| {
            let mut scores = [-14.0; CLASSES];
            scores[class_of(character)] = -0.001;
            scores
        };
        lines.iter().map(|line| line.bytes().map(cell).collect()).collect()
    }

    /// As if the cell had been read as `other`, by so much.
    fn misread(cells: &mut [Vec<Scores>], line: usize, cell: usize, other: u8, by: f32) {
        let scores = &mut cells[line][cell];
        let right = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        scores[class_of(other)] = right + by;
    }

    #[test]
    fn a_slip_is_put_right_by_the_check_digits_and_a_plain_character_is_not() {
        let lines = ANNA.passport_lines();
        let mut cells = sure(&lines);
        misread(&mut cells, 1, 3, b'B', 2.0);
        let zone = read(&cells).unwrap();
        assert_eq!(zone.lines, lines, "8 was a little more like B");
        let mut cells = sure(&lines);
        misread(&mut cells, 1, 3, b'B', 9.0);
        let zone = read(&cells).unwrap();
        assert_eq!(zone.lines[1], lines[1].replacen("L898", "L89B", 1), "a plain B stays, and the digits do not agree");
    }

    #[test]
    fn what_no_check_digit_covers_makes_a_zone_unsure() {
        let mut cells = sure(&CARMEN.card_lines());
        assert!(read(&cells).unwrap().confidence > 0.95);
        misread(&mut cells, 2, 4, b'M', -0.1);
        assert!(read(&cells).unwrap().confidence < 0.6, "a letter of a name may be M or N");
    }

    #[test]
    fn names_keep_to_their_grammar_and_codes_to_the_table() {
        let lines = CARMEN.card_lines();
        let mut cells = sure(&lines);
        // A filler among those at the end was a little more like K, and P of ESP like F.
        misread(&mut cells, 2, 28, b'K', 0.5);
        misread(&mut cells, 1, 17, b'F', 0.5);
        assert_eq!(read(&cells).unwrap().lines, lines);
    }

    #[test]
    fn fields_cover_what_the_layouts_say() {
        for (layout, lines, columns) in
            [(Layout::Td1, 3, 30), (Layout::Td2, 2, 36), (Layout::Td3, 2, 44), (Layout::VisaA, 2, 44), (Layout::VisaB, 2, 36)]
        {
            assert!(Layout::of(lines, columns).contains(&layout));
            for field in layout.fields() {
                let len: usize = field.cells.iter().map(|(_, count)| count).sum();
                assert!(field.line < lines && field.start + len <= columns, "{layout:?}");
            }
        }
        assert!(read(&[]).is_none() && read(&sure(&["AB".to_owned(), "CD".to_owned()])).is_none());
    }

    #[test]
    fn a_number_that_goes_on_in_the_optional_field_is_read() {
        // ICAO 9303-5, 4.2.2, note j: D23145890734 with its check digit 9.
        let first = format!("I<UTOD23145890<7349{}", "<".repeat(11));
        let composite = mrz::check_digit(&format!("{}74081223204153{}", &first[5..], "<".repeat(11))).unwrap();
        let lines = [
            first,
            format!("7408122F3204153UTO{}{composite}", "<".repeat(11)),
            format!("ERIKSSON<<ANNA<MARIA{}", "<".repeat(10)),
        ];
        assert_eq!(read(&sure(&lines)).unwrap().lines, lines);
    }

    #[test]
    fn visas_are_told_by_their_first_letter() {
        let [first, second] = ANNA.passport_lines();
        let lines = [first.replacen('P', "V", 1), format!("{}<<<<<<<<<<<<<<<<", &second[..28])];
        let zone = read(&sure(&lines)).unwrap();
        assert_eq!((zone.layout, zone.lines.as_slice()), (Layout::VisaA, lines.as_slice()));
    }

    proptest! {
        /// A classifier that is sure is believed, whatever stands in the fields.
        #[test]
        fn what_was_printed_is_read(
            number in "[A-Z0-9]{9}", optional in "[A-Z0-9]{0,14}", birth in "[0-9]{6}", expiry in "[0-9]{6}",
            names in "[A-Z]{1,9}(<[A-Z]{1,5})?<<[A-Z]{1,9}", is_card: bool, sex in prop::sample::select(vec!['M', 'F', '<']),
        ) {
            let person = Person { names: &names, country: "PRT", number: &number, optional: &optional, birth: &birth, sex, expiry: &expiry };
            let (zone, lines) = if is_card {
                (read(&sure(&person.card_lines())), person.card_lines().to_vec())
            } else {
                (read(&sure(&person.passport_lines())), person.passport_lines().to_vec())
            };
            prop_assert_eq!(zone.unwrap().lines, lines);
        }

        /// Nothing that a classifier says breaks anything, and what may not stand in a place never does.
        #[test]
        fn any_scores_make_some_zone(seed: u64, is_card: bool) {
            let mut state = seed;
            let mut number = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 40) as f32 / (1_u64 << 24) as f32 * -12.0
            };
            let (lines, columns) = if is_card { (3, 30) } else { (2, 44) };
            let cells: Vec<Vec<Scores>> = (0..lines).map(|_| (0..columns).map(|_| [(); CLASSES].map(|()| number())).collect()).collect();
            let zone = read(&cells).unwrap();
            prop_assert!((0.0..=1.0).contains(&zone.confidence));
            let (line, from) = if is_card { (1, 8) } else { (1, 21) };
            prop_assert!(zone.lines[line][from..from + 6].bytes().all(|digit| digit.is_ascii_digit()));
        }
    }
}
