//! Topic names are a public contract and stand in one file; everywhere else code says `Topic::…`.
//! Tests under `tests/` see the program from outside and may name what outsiders see.

use super::{Finding, SourceFile};

const CONTRACT: &str = "crates/log/src/topics.rs";

/// Finds the names written in the contract's file anywhere else in Rust code.
#[must_use]
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let Some(contract) = files.iter().find(|file| file.path == CONTRACT) else {
        return vec![Finding::error(CONTRACT, "is missing: topic names have no home")];
    };
    let names = names(&contract.text);
    if names.is_empty() {
        return vec![Finding::error(CONTRACT, "names no topic like \"network.entries.v1\"")];
    }
    let others = files
        .iter()
        .filter(|file| file.is_rust() && file.path != CONTRACT && !file.path.contains("/tests/"));
    others.flat_map(|file| repeated(file, &names)).collect()
}

fn repeated(file: &SourceFile, names: &[&str]) -> Vec<Finding> {
    let lines = file.text.lines().zip(1..);
    lines
        .filter(|(line, _)| !line.trim_start().starts_with("//"))
        .filter_map(|(line, number)| {
            let name = names.iter().find(|name| line.contains(&format!("\"{name}\"")))?;
            let message = format!("writes the topic name {name}; it stands in {CONTRACT} alone");
            Some(Finding::error(format!("{}:{number}", file.path), message))
        })
        .collect()
}

/// String literals of the form `words.words.v1`.
fn names(contract: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        contract.split('"').skip(1).step_by(2).filter(|text| is_topic(text)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_topic(text: &str) -> bool {
    let mut parts = text.rsplit('.');
    let version = parts.next().and_then(|part| part.strip_prefix('v'));
    let numbered = version
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    let words: Vec<&str> = parts.collect();
    let is_word = |word: &&str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b'_')
    };
    numbered && !words.is_empty() && words.iter().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn contract() -> SourceFile {
        file(
            CONTRACT,
            "//! \"Words\".\nmatch t { A => \"x.things.v1\", B => \"y.v2\", C => \"not one\" }",
        )
    }

    #[test]
    fn names_are_read_from_the_contract() {
        let contract = contract();
        assert_eq!(names(&contract.text), ["x.things.v1", "y.v2"]);
    }

    #[test]
    fn a_name_elsewhere_is_found() {
        let check = |path: &str, line: &str, expected: usize| {
            let found = super::check(&[contract(), file(path, line)]);
            assert_eq!(found.len(), expected, "{line}: {found:?}");
        };
        check("a.rs", "let topic = \"x.things.v1\";", 1);
        check("a.rs", "let topic = Topic::A;", 0);
        check("a.rs", "// \"x.things.v1\" is what it is called", 0);
        check("a.md", "\"x.things.v1\"", 0);
        check("crates/log/tests/it/main.rs", "\"x.things.v1\"", 0);
        check("crates/log/src/tests.rs", "\"x.things.v1\"", 1);
    }

    #[test]
    fn the_contract_must_be_there() {
        assert_eq!(check(&[]).len(), 1);
        assert_eq!(check(&[file(CONTRACT, "//! Words.")]).len(), 1);
    }
}
