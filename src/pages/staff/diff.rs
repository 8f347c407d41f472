//! The lines by which two texts differ, as rows of two columns, within bounds (Myers, "An O(ND) difference algorithm and its variations", 1986).
//!
//! The texts are of strangers: what takes too long to match is told as all of one and all of the other, and what is too much to show is cut.

use std::collections::HashMap;

use pages::console::DiffRow;

/// Lines of both texts together whose differing part is matched line by line.
const MAX_LINES: usize = 40_000;

/// Lines that are taken out or put in at most, where the texts are matched: the work is as many times the lines.
const MAX_EDITS: usize = 1_000;

/// Equal lines that are shown around those that differ.
const CONTEXT: usize = 3;

/// Rows that are shown.
const MAX_ROWS: usize = 2_000;

/// Characters of a line that are shown.
const MAX_LINE: usize = 500;

/// What was found of two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Nothing where the texts are equal, line by line.
    pub rows: Vec<DiffRow>,
    /// They differ too much to match their lines.
    pub is_rough: bool,
    /// More differs than is shown.
    pub is_cut: bool,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Same,
    Gone,
    New,
}

/// Compares two texts. It takes at most some tens of milliseconds: keep it off the I/O threads.
pub fn compare(before: &str, after: &str) -> Compared {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let longest = before.len().min(after.len());
    let head = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let tail = before.iter().rev().zip(after.iter().rev()).take(longest - head).take_while(|(one, other)| one == other).count();
    let (old, new) = (&before[head..before.len() - tail], &after[head..after.len() - tail]);
    let matched = if old.len() + new.len() > MAX_LINES { None } else { shortest(old, new) };
    let is_rough = matched.is_none() && !old.is_empty() && !new.is_empty();
    let rough = || old.iter().map(|_| Step::Gone).chain(new.iter().map(|_| Step::New)).collect();
    let mut steps = vec![Step::Same; head];
    steps.extend(matched.unwrap_or_else(rough));
    steps.extend(std::iter::repeat_n(Step::Same, tail));
    let mut rows = rows(&steps, &before, &after);
    let is_cut = rows.len() > MAX_ROWS;
    rows.truncate(MAX_ROWS);
    Compared { rows, is_rough, is_cut }
}

/// The fewest lines to take out and put in; `None` where there are more than [`MAX_EDITS`].
fn shortest(old: &[&str], new: &[&str]) -> Option<Vec<Step>> {
    let mut names = HashMap::new();
    let mut name = |line| {
        let next = names.len();
        *names.entry(line).or_insert(next)
    };
    let old: Vec<usize> = old.iter().map(|line| name(*line)).collect();
    let new: Vec<usize> = new.iter().map(|line| name(*line)).collect();
    let most = (old.len() + new.len()).min(MAX_EDITS);
    // How far each diagonal has come, in lines of the old text; that of number 0 is in the middle.
    let middle = most + 1;
    let mut reached = vec![0_usize; 2 * middle + 1];
    let mut trace: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=most {
        trace.push(reached[middle - edits..=middle + edits].to_vec());
        for at in (middle - edits..=middle + edits).step_by(2) {
            let mut x = if goes_down(&reached, at, middle, edits) { reached[at + 1] } else { reached[at - 1] + 1 };
            // Of a diagonal below the middle, y is ahead of x.
            let mut y = x + middle - at;
            while x < old.len() && y < new.len() && old[x] == new[y] {
                (x, y) = (x + 1, y + 1);
            }
            reached[at] = x;
            if x >= old.len() && y >= new.len() {
                return Some(way_back(&trace, edits, (x, y)));
            }
        }
    }
    None
}

/// Whether a diagonal is come to by a new line, rather than by one that is gone.
fn goes_down(reached: &[usize], at: usize, middle: usize, edits: usize) -> bool {
    at + edits == middle || (at != middle + edits && reached[at - 1] < reached[at + 1])
}

/// The steps that led to the end, from how far each diagonal had come before each edit.
fn way_back(trace: &[Vec<usize>], edits: usize, (mut x, mut y): (usize, usize)) -> Vec<Step> {
    let mut steps = Vec::new();
    for edits in (1..=edits).rev() {
        // What is kept of a round has its own middle.
        let (reached, middle) = (&trace[edits], edits);
        let at = middle + x - y;
        let is_down = goes_down(reached, at, middle, edits);
        let from = if is_down { at + 1 } else { at - 1 };
        let before_x = reached[from];
        let before_y = before_x + middle - from;
        let (start_x, start_y) = if is_down { (before_x, before_y + 1) } else { (before_x + 1, before_y) };
        debug_assert!(x >= start_x && x - start_x == y - start_y);
        steps.extend(std::iter::repeat_n(Step::Same, x - start_x));
        steps.push(if is_down { Step::New } else { Step::Gone });
        (x, y) = (before_x, before_y);
    }
    steps.extend(std::iter::repeat_n(Step::Same, x));
    steps.reverse();
    steps
}

/// The steps as rows: lines that are gone beside those that are new, equal ones near them, and one more row than is shown at most.
fn rows(steps: &[Step], before: &[&str], after: &[&str]) -> Vec<DiffRow> {
    let mut rows = Vec::new();
    let (mut x, mut y, mut at) = (0, 0, 0);
    if steps.iter().all(|step| *step == Step::Same) {
        return rows;
    }
    while at < steps.len() && rows.len() <= MAX_ROWS {
        let run = steps[at..].iter().take_while(|step| **step == Step::Same).count();
        if run > 0 {
            let (first, last) = (if at == 0 { 0 } else { CONTEXT }, if at + run == steps.len() { 0 } else { CONTEXT });
            for place in 0..run {
                let is_near = place < first || run - place <= last;
                if run <= first + last + 1 || is_near {
                    rows.push(DiffRow::Same { before: x + place + 1, after: y + place + 1, text: shown(before[x + place]) });
                } else if place == first {
                    rows.push(DiffRow::Equal(run - first - last));
                }
            }
            (x, y, at) = (x + run, y + run, at + run);
            continue;
        }
        let changed = steps[at..].iter().take_while(|step| **step != Step::Same).count();
        let gone = steps[at..at + changed].iter().filter(|step| **step == Step::Gone).count();
        let new = changed - gone;
        for place in 0..gone.max(new).min(MAX_ROWS + 1) {
            let line =
                |is_there: bool, lines: &[&str], start: usize| is_there.then(|| (start + place + 1, shown(lines[start + place])));
            rows.push(DiffRow::Changed { before: line(place < gone, before, x), after: line(place < new, after, y) });
        }
        (x, y, at) = (x + gone, y + new, at + changed);
    }
    rows
}

/// A line as it is shown.
fn shown(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each row says: ` a`, `-a`, `+a`, `-a +b`, `=7`.
    fn said(before: &str, after: &str) -> Vec<String> {
        let told = |row| match row {
            DiffRow::Same { before, after, text } => format!(" {before}.{after} {text}"),
            DiffRow::Changed { before, after } => {
                let side = |sign, side: Option<(usize, String)>| side.map(|(at, text)| format!("{sign}{at} {text}"));
                [side('-', before), side('+', after)].into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            DiffRow::Equal(count) => format!("={count}"),
        };
        compare(before, after).rows.into_iter().map(told).collect()
    }

    #[test]
    fn lines_that_differ_stand_beside_each_other_with_their_numbers() {
        assert!(said("a\nb", "a\nb").is_empty() && said("", "").is_empty() && said("a\r\nb\n", "a\nb").is_empty());
        assert_eq!(said("a\nb\nc", "a\nx\nc"), [" 1.1 a", "-2 b +2 x", " 3.3 c"]);
        assert_eq!(said("", "a\nb"), ["+1 a", "+2 b"]);
        assert_eq!(said("a\nb", ""), ["-1 a", "-2 b"]);
        let papers = said("a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc").join("");
        assert_eq!(papers.matches(['-', '+']).count(), 5, "the shortest way: {papers}");
        assert_eq!(said("a\nc", "a\nb\nc"), [" 1.1 a", "+2 b", " 2.3 c"]);
        assert_eq!(said("a\na\na", "a\na"), [" 1.1 a", " 2.2 a", "-3 a"]);
    }

    #[test]
    fn equal_lines_far_from_a_difference_are_counted() {
        let text: String = (1..=30).map(|number| format!("{number}\n")).collect();
        let other = text.replace("15\n", "fifteen\n").replace("16\n", "");
        assert_eq!(
            said(&text, &other),
            [
                "=11",
                " 12.12 12",
                " 13.13 13",
                " 14.14 14",
                "-15 15 +15 fifteen",
                "-16 16",
                " 17.16 17",
                " 18.17 18",
                " 19.18 19",
                "=11"
            ]
        );
    }

    /// Puts the second text together from the first and the rows.
    fn applied(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
        let lines: Vec<&str> = before.lines().collect();
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for row in compare(before, after).rows {
            match row {
                DiffRow::Same { text, .. } => {
                    old.push(text.clone());
                    new.push(text);
                }
                DiffRow::Changed { before, after } => {
                    old.extend(before.map(|(_, text)| text));
                    new.extend(after.map(|(_, text)| text));
                }
                DiffRow::Equal(count) => {
                    let equal = lines[old.len()..old.len() + count].iter().map(|line| (*line).to_owned());
                    let equal: Vec<String> = equal.collect();
                    old.extend(equal.clone());
                    new.extend(equal);
                }
            }
        }
        (old, new)
    }

    #[test]
    fn whatever_the_texts_are_both_can_be_read_from_the_rows() {
        let mut seed = 7_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        for _ in 0..500 {
            let mut text = |most| (0..random(most)).map(|_| format!("{}\n", random(4))).collect::<String>();
            let (before, after) = (text(40), text(40));
            let of = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            let (old, new) = applied(&before, &after);
            if before.lines().eq(after.lines()) {
                continue;
            }
            assert_eq!((old, new), (of(&before), of(&after)));
        }
    }

    #[test]
    fn what_differs_too_much_is_told_whole_and_what_is_too_much_is_cut() {
        let of = |name: &str, count: usize| (0..count).map(|number| format!("{name}{number}\n")).collect::<String>();
        let compared = compare(&of("a", 700), &of("b", 700));
        assert!(compared.is_rough && !compared.is_cut);
        assert_eq!(compared.rows.len(), 700);
        let compared = compare(&of("a", 90_000), &of("b", 10));
        assert!(compared.is_rough && compared.is_cut);
        assert_eq!(compared.rows.len(), MAX_ROWS);
        let long = "x".repeat(9_000);
        let compared = compare(&long, "");
        assert_eq!(compared.rows, [DiffRow::Changed { before: Some((1, format!("{}…", "x".repeat(MAX_LINE)))), after: None }]);
        // The worst that is matched is quick.
        let (before, after) = (format!("{}{}", of("a", 400), of("s", 19_000)), format!("{}{}", of("s", 19_000), of("b", 400)));
        assert!(!compare(&before, &after).is_rough);
    }
}
