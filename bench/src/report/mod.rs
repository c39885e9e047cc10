//! What is made of the figures: a table on the terminal, a page with charts, a JSON file, and what it costs to
//! run. A floor that is missed is called missed.

mod charts;
mod costs;
mod floors;
mod page;

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Result;
use serde::Serialize;

use crate::machine::{self, Machine};
use crate::plan::Options;
use crate::results::{Figure, Results};

use floors::{JUDGED, Judged, Verdict};

const PAGE: &str = "docs/benchmarks.md";
const JSON: &str = "docs/benchmarks.json";
const COSTS: &str = "docs/costs.md";
const CHARTS: &str = "docs/benchmarks";

#[derive(Serialize)]
struct Json<'a> {
    machine: &'a Machine,
    commit: String,
    results: Vec<Figure>,
}

/// The table, on standard output; ends with how many floors hold.
pub fn print(results: &Results) -> Result<()> {
    let results = results.with_judged();
    let mut text = String::new();
    writeln!(text, "{:<58} {:>12} {:>12} {:>12}  ", "figure", "measured", "floor", "goal")?;
    for judged in JUDGED {
        let Some(value) = results.get(judged.name) else { continue };
        let Judged { what, unit, floor, goal, .. } = judged;
        let word = match judged.verdict(value) {
            Verdict::Goal => "goal",
            Verdict::Floor => "pass",
            Verdict::Missed => "FAIL",
        };
        let [value, floor, goal] = [value, *floor, *goal].map(number);
        writeln!(
            text,
            "{:<58} {value:>12} {floor:>12} {goal:>12}  {word}",
            format!("{what}, {unit}")
        )?;
    }
    writeln!(text, "{}", sum(&results))?;
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

/// The files in `docs/`.
pub fn write(options: &Options, machine: &Machine, results: &Results) -> Result<()> {
    let results = results.with_judged();
    let root = &options.place.root;
    let commit = machine::commit(root);
    std::fs::create_dir_all(root.join(CHARTS))?;
    for chart in charts::all(&results) {
        std::fs::write(root.join(CHARTS).join(chart.file), chart.svg)?;
    }
    std::fs::write(root.join(PAGE), page::page(options, machine, &commit, &results))?;
    std::fs::write(root.join(COSTS), costs::page(machine, &results))?;
    let figures = results.figures.iter().map(|figure| {
        let digits = if figure.value.abs() < 100.0 { 1_000.0 } else { 10.0 };
        Figure { value: (figure.value * digits).round() / digits, ..figure.clone() }
    });
    let json = Json { machine, commit, results: figures.collect() };
    let mut text = serde_json::to_string_pretty(&json)?;
    text.push('\n');
    Ok(std::fs::write(root.join(JSON), text)?)
}

fn sum(results: &Results) -> String {
    let values = JUDGED.iter().filter_map(|it| Some((it, results.get(it.name)?)));
    let verdicts: Vec<Verdict> = values.map(|(it, value)| it.verdict(value)).collect();
    let held = verdicts.iter().filter(|it| **it != Verdict::Missed).count();
    let goals = verdicts.iter().filter(|it| **it == Verdict::Goal).count();
    format!("{held} of {} floors hold, {goals} goals are reached", verdicts.len())
}

/// With three digits that say something, and groups of thousands.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value.abs() >= 100.0 {
        let digits = format!("{value:.0}");
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at) % 3 == 0 && digit != '-' {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        return grouped;
    }
    if value.abs() >= 10.0 { format!("{value:.1}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_read_at_a_glance() {
        let check = |value: f64, expected: &str| assert_eq!(number(value), expected);
        check(1_234_567.0, "1,234,567");
        check(999.6, "1,000");
        check(123.4, "123");
        check(45.67, "45.7");
        check(1.234, "1.23");
        check(f64::NAN, "–");
    }
}
