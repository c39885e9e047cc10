//! What a command looked at, a line each: ✔, ✖ with what to do about it, or - where there was nothing to look at.

use std::io::IsTerminal as _;

use serde_json::json;

use crate::admin::doctor::{Line, State};
use crate::cli::ReadArgs;
use crate::failure::Exit;
use crate::output;

/// Prints them; with one that is not well the command ends with 3.
pub fn print(lines: &[Line], read: ReadArgs) -> Exit {
    let bad = lines.iter().filter(|line| line.state == State::Bad).count();
    if read.json {
        output::json(&json!({ "healthy": bad == 0, "lines": lines }));
    } else {
        output::text(&text(lines, colours()));
        if bad > 0 {
            output::note(&format!("{bad} of {} are not well", lines.len()));
        }
    }
    if bad == 0 { Exit::Fine } else { Exit::Unhealthy }
}

/// Colours are for people, who may not want them.
fn colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !refused
}

fn text(lines: &[Line], colours: bool) -> String {
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let mut text = Vec::new();
    for line in lines {
        let (sign, colour) = match line.state {
            State::Ok => ("✔", "32"),
            State::Bad => ("✖", "31"),
            State::Skipped => ("-", "2"),
        };
        let sign = if colours { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign.to_owned() };
        text.push(format!("{sign} {:width$}  {}", line.name, line.found));
        for (what, said) in [("cause", &line.cause), ("hint", &line.hint)] {
            for said in said.iter().flat_map(|said| said.lines()) {
                text.push(format!("  {:width$}  {what}: {said}", ""));
            }
        }
    }
    text.join("\n")
}
