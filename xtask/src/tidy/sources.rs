//! Rules of a single file: how it opens, how long it is, what must not be left in it, and that it
//! names no developer's machine and no registry.

use std::collections::BTreeMap;

use super::{Finding, SourceFile};

const LINES_WARN: usize = 450;
const LINES_MAX: usize = 900;

/// What stays behind when work is interrupted. Split, so that this file is not found itself.
const LEFTOVERS: &[(&str, &str)] = &[
    (concat!("todo", "!("), "finish it"),
    (concat!("unimplemented", "!("), "finish it"),
    (concat!("dbg", "!("), "a leftover of debugging"),
    (concat!("#", "[ignore"), "a test that does not run proves nothing: mend or remove it"),
];

/// Roots of folders that only one person's or one machine's disk has.
const MACHINE_PATHS: &[&str] =
    &[concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/"), concat!("/wo", "rk/")];

/// The exact words for "resolved from" in npm's lock files; they carry a registry's address.
const RESOLVED: &str = concat!("\"resol", "ved\": \"http");

/// The rules that hold for one file.
#[must_use]
pub fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.is_rust() {
        findings.extend(opening(file));
        findings.extend(length(file));
        findings.extend(leftovers(file));
    }
    findings.extend(foreign_paths(file));
    if file.path.ends_with("package-lock.json") && file.text.contains(RESOLVED) {
        let message =
            "names a registry's address: install with omit-lockfile-registry-resolved=true";
        findings.push(Finding::error(&file.path, message));
    }
    findings
}

/// Median and 90th percentile of the Rust files' lengths, and the longest.
#[must_use]
pub fn lengths(files: &[SourceFile]) -> String {
    let mut by_length: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        by_length.entry(file.text.lines().count()).or_default().push(&file.path);
    }
    let sorted: Vec<usize> = by_length
        .iter()
        .flat_map(|(length, paths)| std::iter::repeat_n(*length, paths.len()))
        .collect();
    let at = |part: usize| sorted.get(sorted.len() * part / 100).copied().unwrap_or(0);
    let longest = by_length.last_key_value().map_or("none", |(_, paths)| paths[0]);
    format!(
        "{} Rust files, {} lines; median {}, p90 {}, longest {} ({longest})",
        sorted.len(),
        sorted.iter().sum::<usize>(),
        at(50),
        at(90),
        sorted.last().copied().unwrap_or(0)
    )
}

fn opening(file: &SourceFile) -> Option<Finding> {
    let missing = !file.text.starts_with("//! ");
    missing.then(|| {
        Finding::error(
            &file.path,
            "opens with `//! `: what the file is for and what must stay true",
        )
    })
}

fn length(file: &SourceFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        Some(Finding::error(&file.path, format!("{lines} lines, at most {LINES_MAX}: split it")))
    } else if lines > LINES_WARN {
        Some(Finding::warning(
            &file.path,
            format!("{lines} lines; think of splitting it above {LINES_WARN}"),
        ))
    } else {
        None
    }
}

fn leftovers(file: &SourceFile) -> Vec<Finding> {
    numbered(file)
        .flat_map(|(place, line)| {
            let found = LEFTOVERS.iter().filter(move |(word, _)| line.contains(word));
            found.map(move |(word, why)| Finding::error(&place, format!("`{word}…`: {why}")))
        })
        .collect()
}

fn foreign_paths(file: &SourceFile) -> Vec<Finding> {
    numbered(file)
        .filter(|(_, line)| MACHINE_PATHS.iter().any(|root| names_path(line, root)))
        .map(|(place, _)| Finding::error(place, "names an absolute path of one machine"))
        .collect()
}

/// `root` where a path starts, not in the middle of one or of a URL.
fn names_path(line: &str, root: &str) -> bool {
    line.match_indices(root).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-/~}>)".contains(c))
    })
}

fn numbered(file: &SourceFile) -> impl Iterator<Item = (String, &str)> {
    file.text.lines().zip(1..).map(|(line, number)| (format!("{}:{number}", file.path), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    /// `expected`: a part of the one message, or "" for none.
    fn check_text(path: &str, text: &str, expected: &str) {
        let findings = check(&file(path, text));
        match findings.as_slice() {
            [] => assert_eq!(expected, "", "{text}"),
            [one] => assert!(!expected.is_empty() && one.to_string().contains(expected), "{one}"),
            more => panic!("{more:?}"),
        }
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        check_text("a.rs", "//! Words.\n", "");
        check_text("a.rs", "// Words.\n", "error: a.rs: opens with");
        check_text("a.rs", "", "opens with");
        check_text("a.md", "Words.\n", "");
    }

    #[test]
    fn a_file_stays_short() {
        let lines = |count: usize| format!("//! Words.\n{}", "\n".repeat(count - 1));
        check_text("a.rs", &lines(LINES_WARN), "");
        check_text("a.rs", &lines(LINES_WARN + 1), "warning: a.rs: 451 lines");
        check_text("a.rs", &lines(LINES_MAX + 1), "error: a.rs: 901 lines");
    }

    #[test]
    fn nothing_is_left_unfinished() {
        for (word, _) in LEFTOVERS {
            check_text("a.rs", &format!("//! Words.\n    {word}"), "error: a.rs:2: `");
        }
        check_text("a.rs", "//! Words.\n// to do: nothing", "");
    }

    #[test]
    fn no_file_names_one_machine() {
        for root in MACHINE_PATHS {
            check_text(
                "a.toml",
                &format!("path = \"{root}x\""),
                "a.toml:1: names an absolute path",
            );
            check_text("a.toml", &format!("url = \"https://example.com{root}x\""), "");
        }
        check_text("a.md", "/usr/lib/postgresql and /var/lib/millrace", "");
    }

    #[test]
    fn lock_files_name_no_registry() {
        let lock = format!("{{\"a\": {{{RESOLVED}s://registry.example/a.tgz\"}}}}");
        check_text("web/package-lock.json", &lock, "registry");
        check_text("web/other.json", &lock, "");
    }

    #[test]
    fn lengths_of_the_tree() {
        let files = [file("a.rs", "1\n"), file("b.rs", "1\n2\n3\n"), file("c.md", "1\n2\n3\n4\n")];
        assert_eq!(lengths(&files), "2 Rust files, 4 lines; median 3, p90 3, longest 3 (b.rs)");
    }
}
