//! The page of the machines: their diagrams and tables, drawn from their rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Machine,
    consents::CustomerConsents,
    fill::Fill,
    identification::{agent::Agent, chain::Chain, identity_document::IdentityDocument, otp::Otp},
    scoring::Scoring,
    sign_process::SignProcess,
    table::{Row, Table},
};

/// The page `docs/machines.md`. A machine is on it by one line here.
pub fn page() -> String {
    [
        "# The machines\n\nDrawn from the tables in `workflows/` by `cargo run -p workflows --example diagrams`; a test fails when this page is \
         stale.\n"
            .to_owned(),
        section::<SignProcess>(),
        section::<Otp>(),
        section::<Agent>(),
        section::<IdentityDocument>(),
        section::<Scoring>(),
        section::<Chain>(),
        section::<Fill>(),
        section::<CustomerConsents>(),
    ]
    .concat()
}

fn section<M: Machine>() -> String {
    let rows = M::Event::rows();
    format!("\n## {}\n\n```mermaid\n{}```\n\n{}", M::KIND, mermaid(&rows), table(&rows))
}

/// A Mermaid state diagram. Events between the same two states share an arrow.
fn mermaid(rows: &[Row]) -> String {
    let mut arrows: BTreeMap<(usize, &str, &str), Vec<String>> = BTreeMap::new();
    for Row { transition, .. } in rows {
        let between = (transition.from, transition.to);
        let first = rows.iter().position(|other| (other.transition.from, other.transition.to) == between);
        arrows.entry((first.unwrap_or_default(), between.0, between.1)).or_default().push(words(transition.event));
    }
    let mut text = String::from("stateDiagram-v2\n");
    for ((_, from, to), events) in arrows {
        let from = if from == "-" { "[*]" } else { from };
        text += &format!("    {from} --> {to}: {}\n", events.join(", "));
    }
    let is_left = |state: &str| rows.iter().any(|row| row.transition.from == state && row.transition.to != state);
    let last: BTreeSet<&str> = rows.iter().map(|row| row.transition.to).filter(|to| !is_left(to)).collect();
    last.into_iter().for_each(|state| text += &format!("    {state} --> [*]\n"));
    text
}

/// A Markdown table. States in which the same event leads to the same state for the same reason share a row.
fn table(rows: &[Row]) -> String {
    let mut lines: Vec<(Vec<&str>, &Row)> = Vec::new();
    for row in rows {
        let is_same = |other: &Row| {
            let (a, b) = (other.transition, row.transition);
            let (a_stays, b_stays) = (a.to == a.from, b.to == b.from);
            a.event == b.event && other.why == row.why && a_stays == b_stays && (a_stays || a.to == b.to)
        };
        match lines.last_mut() {
            Some((from, first)) if is_same(first) => from.push(row.transition.from),
            _ => lines.push((vec![row.transition.from], row)),
        }
    }
    let mut text = String::from("| in | when | happens | then |\n| --- | --- | --- | --- |\n");
    for (from, Row { transition, why }) in lines {
        let to = if transition.to == transition.from { "the same" } else { transition.to };
        text += &format!("| {} | {why} | {} | {to} |\n", from.join(", "), words(transition.event));
    }
    text
}

/// `NotDelivered` as `not delivered`.
fn words(event: &str) -> String {
    let mut words = String::new();
    for letter in event.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_of_diagrams_is_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/machines.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(written, super::page(), "run: cargo run -p workflows --example diagrams > docs/machines.md");
    }
}
