//! The list of crash points is the whole list: each of its names is called somewhere, and no other is.

use super::{Finding, SourceFile};

const LIST: &str = "crates/runtime/src/crash.rs";
const CALL: &str = "crash::point(\"";

/// Finds names without a call, and calls without a name.
#[must_use]
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let Some(list) = files.iter().find(|file| file.path == LIST) else {
        return vec![Finding::error(LIST, "is missing: crash points have no list")];
    };
    let listed = listed(&list.text);
    let mut called: Vec<(&str, String)> = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && file.path.contains("/src/")) {
        for (line, number) in file.text.lines().zip(1..) {
            called.extend(name_of(line).map(|name| (name, format!("{}:{number}", file.path))));
        }
    }
    let uncalled = listed.iter().filter(|name| called.iter().all(|(other, _)| other != *name));
    let uncalled = uncalled.map(|name| Finding::error(LIST, format!("no code reaches {name}")));
    let unlisted = called.iter().filter(|(name, _)| !listed.contains(name));
    let unlisted = unlisted.map(|(name, place)| {
        Finding::error(place.clone(), format!("the crash point {name} is not in {LIST}"))
    });
    uncalled.chain(unlisted).collect()
}

/// The first text of each row of `POINTS`.
fn listed(list: &str) -> Vec<&str> {
    let rows = list.split_once("POINTS: &[").map_or("", |(_, rows)| rows);
    let rows = rows.split_once("\n];").map_or(rows, |(rows, _)| rows);
    rows.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next()).collect()
}

fn name_of(line: &str) -> Option<&str> {
    // Not where this file says what it looks for.
    let (_, rest) = line.split_once(CALL).filter(|_| !line.contains("const CALL"))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn list_and_calls_must_agree() {
        let list = "pub const POINTS: &[(&str, &str)] = &[\n    (\"a.b\", \"x\"),\n    (\"c.d\", \"y\"),\n];\n";
        let check = |code: &str, expected: &[&str]| {
            let files = [file(LIST, list), file("crates/x/src/y.rs", code)];
            let found: Vec<String> = check(&files).iter().map(|it| it.message.clone()).collect();
            assert_eq!(found.len(), expected.len(), "{found:?}");
            assert!(found.iter().zip(expected).all(|(it, part)| it.contains(part)), "{found:?}");
        };
        let (first, second) = (format!("{CALL}a.b\");"), format!("runtime::{CALL}c.d\");"));
        check(&format!("{first}\n{second}\n"), &[]);
        check(&first, &["no code reaches c.d"]);
        check(&format!("{first}\n{second}\n{CALL}e.f\");"), &["crash point e.f is not in"]);
    }

    #[test]
    fn the_list_must_be_there() {
        assert_eq!(check(&[]).len(), 1);
    }
}
