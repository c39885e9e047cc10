//! How many tests passed and failed, read from the closing lines of nextest and of libtest.
//! A runner that ends badly without saying so still counts as one failure: see [`Tally::with_exit`].

use std::fmt;
use std::ops::AddAssign;

/// Tests that ran.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    /// nextest's `Summary [ 1.2s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
    #[must_use]
    pub fn from_nextest(line: &str) -> Option<Self> {
        let line = plain(line);
        let (head, counts) = line.split_once(" run: ")?;
        if !head.trim_start().starts_with("Summary") {
            return None;
        }
        let mut tally = Self::default();
        for part in without_parentheses(counts).split(',') {
            let (count, what) = part.trim().split_once(' ')?;
            let count: u64 = count.parse().ok()?;
            match what.trim() {
                "passed" => tally.passed += count,
                "skipped" => {}
                _ => tally.failed += count, // failed, exec failed, timed out
            }
        }
        Some(tally)
    }

    /// libtest's `test result: ok. 3 passed; 1 failed; 0 ignored; …`.
    #[must_use]
    pub fn from_libtest(line: &str) -> Option<Self> {
        let line = plain(line);
        let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
        let count = |what: &str| {
            let part = counts.split(';').find(|part| part.trim().ends_with(what))?;
            part.trim().strip_suffix(what)?.trim().parse().ok()
        };
        Some(Self { passed: count("passed")?, failed: count("failed")? })
    }

    /// Node's closing lines, `ℹ pass 3` and `ℹ fail 1`, each by itself.
    #[must_use]
    pub fn from_node(line: &str) -> Option<Self> {
        let line = plain(line);
        let mut words = line.split_whitespace().skip(1);
        let (what, count) = (words.next()?, words.next()?.parse().ok()?);
        match (what, words.next()) {
            ("pass", None) => Some(Self { passed: count, failed: 0 }),
            ("fail" | "cancelled", None) => Some(Self { passed: 0, failed: count }),
            _ => None,
        }
    }

    /// The same, with at least one failure when the runner itself ended badly (it did not build, say).
    #[must_use]
    pub fn with_exit(self, ended_well: bool) -> Self {
        let floor = u64::from(!ended_well);
        Self { failed: self.failed.max(floor), ..self }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The line without terminal colours.
#[must_use]
pub fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(c);
        }
    }
    text
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let outside = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    text.chars().filter(outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_closing_lines() {
        let check = |line: &str, expected: Option<(u64, u64)>| {
            let tally = Tally::from_node(line).map(|tally| (tally.passed, tally.failed));
            assert_eq!(tally, expected, "{line}");
        };
        check("ℹ pass 19", Some((19, 0)));
        check("# fail 2", Some((0, 2)));
        check("\u{1b}[34mℹ cancelled 1\u{1b}[39m", Some((0, 1)));
        check("ℹ tests 19", None);
        check("✔ they pass 3 times (0.2ms)", None);
        check("", None);
    }

    #[test]
    fn nextest_summaries() {
        let check = |line: &str, expected: Option<(u64, u64)>| {
            let tally = Tally::from_nextest(line).map(|tally| (tally.passed, tally.failed));
            assert_eq!(tally, expected, "{line}");
        };
        check("     Summary [   0.011s] 1 test run: 1 passed, 0 skipped", Some((1, 0)));
        check(
            "Summary [ 1.2s] 5/9 tests run: 3 passed (1 slow, 1 leaky), 1 failed, 1 timed out, 2 skipped",
            Some((3, 2)),
        );
        check("Summary [ 1.2s] 2 tests run: 1 passed, 1 exec failed, 0 skipped", Some((1, 1)));
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [ 0s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32mpassed\u{1b}[0m, 0 skipped",
            Some((2, 0)),
        );
        check("        PASS [   0.005s] (1/2) millrace-log run: 3 passed", None);
        check("test result: ok. 3 passed; 0 failed", None);
    }

    #[test]
    fn libtest_summaries() {
        let check = |line: &str, expected: Option<(u64, u64)>| {
            let tally = Tally::from_libtest(line).map(|tally| (tally.passed, tally.failed));
            assert_eq!(tally, expected, "{line}");
        };
        check(
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            Some((3, 0)),
        );
        check(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out",
            Some((1, 2)),
        );
        check("test passes ... ok", None);
    }

    #[test]
    fn a_runner_that_ends_badly_is_a_failure() {
        let silent = Tally::default().with_exit(false);
        assert_eq!(silent.to_string(), "0 passed, 1 failed");
        let counted = Tally { passed: 2, failed: 3 };
        assert_eq!(counted.with_exit(false), counted);
        assert_eq!(counted.with_exit(true), counted);
    }
}
