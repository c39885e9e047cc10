//! What is printed: data to standard output, everything else to standard error. A reader that went away
//! (`millrace dlq list | head`) is no failure.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::failure::{Failure, ProgramError};

/// Writes text to standard output, ending with a newline.
pub fn text(text: &str) {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Writes a value to standard output as JSON.
pub fn json(value: &impl Serialize) {
    let value = serde_json::to_string_pretty(value).expect("invariant: what is printed serialises");
    text(&value);
}

/// A remark for whoever watches.
pub fn note(note: &str) {
    let _ = writeln!(io::stderr().lock(), "{note}");
}

/// Why the command failed.
pub fn failure(failure: &Failure) {
    note(&failure.render());
}

/// Columns of text, aligned, with a head; nothing when there are no rows.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) {
    if !rows.is_empty() {
        text(&table_text(head, rows));
    }
}

/// One page of a list: its table, or a remark if nothing is on it, and what to ask for those that follow.
pub fn page<const N: usize>(
    head: [&str; N],
    rows: &[[String; N]],
    none: &str,
    next: Option<String>,
) {
    table(head, rows);
    if rows.is_empty() {
        note(none);
    }
    if let Some(next) = next {
        note(&format!("there may be more: {next}"));
    }
}

/// A cell of a table: a dash where there is no text.
pub fn cell(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// The lines of [`table`].
pub fn table_text<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    });
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head)];
    lines.extend(rows.iter().map(|row| line(std::array::from_fn(|at| row[at].as_str()))));
    lines.join("\n")
}

/// Asks whether to do `action`, unless `yes` says so already.
pub fn confirm(action: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused = || ProgramError::NotConfirmed { action: action.to_owned() };
    if !io::stdin().is_terminal() {
        return Err(refused().into());
    }
    let _ = write!(io::stderr().lock(), "{action}? [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failure::plain)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(refused().into())
}
