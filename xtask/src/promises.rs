//! The engine suites of `log` and `store` as a table: one line a promise, one column an engine.
//! Read from nextest's status lines: there `sqlite::…` and `postgres::…` of one name are one promise. `tansu` is
//! the Kafka engine on a second broker, one that cannot keep all of them: its tests say which and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::summary::plain;

/// (package, what stands before the engine in its suite's test names)
const SUITES: [(&str, &str); 2] = [("millrace-log", ""), ("millrace-store", "promises::")];
const ENGINES: [&str; 4] = ["sqlite", "postgres", "kafka", "tansu"];

/// What each engine did with each promise.
#[derive(Debug, Default)]
pub struct Promises {
    kept: BTreeMap<(&'static str, String), BTreeMap<&'static str, bool>>,
}

impl Promises {
    /// Takes in one line of nextest's output; most lines are nothing to it.
    pub fn observe(&mut self, line: &str) {
        let line = plain(line);
        let Some((kept, binary, test)) = status(&line) else {
            return;
        };
        let package = binary.split("::").next().unwrap_or_default();
        let Some((suite, prefix)) = SUITES.into_iter().find(|(name, _)| *name == package) else {
            return;
        };
        let Some((engine, promise)) =
            test.strip_prefix(prefix).and_then(|test| test.split_once("::"))
        else {
            return;
        };
        let Some(engine) = ENGINES.into_iter().find(|name| *name == engine) else { return };
        self.kept.entry((suite, promise.to_owned())).or_default().insert(engine, kept);
    }

    /// The table, or nothing when no promise was run.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        for (suite, _) in SUITES {
            let rows: Vec<_> = self.kept.iter().filter(|((name, _), _)| *name == suite).collect();
            let engines: BTreeSet<&str> =
                rows.iter().flat_map(|(_, kept)| kept.keys().copied()).collect();
            if rows.is_empty() {
                continue;
            }
            let width =
                rows.iter().map(|((_, promise), _)| promise.chars().count()).max().unwrap_or(0);
            let _ = write!(text, "\n{suite}: {} promises\n  {:width$}", rows.len(), "");
            for engine in &engines {
                let _ = write!(text, "  {engine:8}");
            }
            text.push('\n');
            for ((_, promise), kept) in rows {
                let _ = write!(text, "  {promise:width$}");
                for engine in &engines {
                    let mark = match kept.get(engine) {
                        Some(true) => "kept",
                        Some(false) => "BROKEN",
                        None => "not run",
                    };
                    let _ = write!(text, "  {mark:8}");
                }
                text.truncate(text.trim_end().len());
                text.push('\n');
            }
        }
        text
    }
}

/// `PASS [ 0.1s] ( 1/29) package::binary module::test` → (passed, binary, test).
fn status(line: &str) -> Option<(bool, &str, &str)> {
    let (word, rest) = line.trim_start().split_once(' ')?;
    let passed = match word {
        "PASS" => true,
        "FAIL" | "TIMEOUT" | "ABORT" | "SIGABRT" | "SIGSEGV" | "SIGKILL" => false,
        _ => return None,
    };
    let rest = rest.trim_start().strip_prefix('[')?.split_once(']')?.1.trim_start();
    let rest = match rest.strip_prefix('(') {
        Some(counted) => counted.split_once(')')?.1.trim_start(),
        None => rest,
    };
    let (binary, test) = rest.split_once(' ')?;
    Some((passed, binary, test.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_promises_by_engine() {
        let mut promises = Promises::default();
        for line in [
            "        PASS [   0.012s] ( 1/29) millrace-store::it promises::sqlite::rolls_back",
            "        FAIL [   0.012s] (12/29) millrace-store::it promises::postgres::rolls_back",
            "        PASS [   0.012s] ( 3/29) millrace-store::it promises::sqlite::reads_a_snapshot",
            "        PASS [   0.012s] ( 3/29) millrace-store::it postgres::a_lock_held_elsewhere_is_busy",
            "        PASS [   0.012s] millrace-log::it sqlite::offsets_are_not_reused",
            "        PASS [   0.012s] ( 4/29) millrace-atproto tid::tests::sqlite",
            "     Summary [   0.011s] 1 test run: 1 passed, 0 skipped",
            "   Compiling millrace-store v0.1.0",
        ] {
            promises.observe(line);
        }
        let expected = "
millrace-log: 1 promises
                          sqlite  \n  offsets_are_not_reused  kept

millrace-store: 2 promises
                    postgres  sqlite  \n  reads_a_snapshot  not run   kept
  rolls_back        BROKEN    kept
";
        assert_eq!(promises.table(), expected);
    }

    #[test]
    fn nothing_run_is_nothing_shown() {
        assert_eq!(Promises::default().table(), "");
    }
}
