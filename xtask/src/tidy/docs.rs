//! Documentation that points somewhere: relative links lead to files, and each decision record is
//! numbered once and listed in the index.

use std::collections::BTreeMap;

use super::{Finding, SourceFile};

const DECISIONS: &str = "docs/adr/";
const INDEX: &str = "docs/adr/README.md";

/// `exists` answers for a path from the root.
#[must_use]
pub fn check(files: &[SourceFile], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    let mut findings: Vec<Finding> = pages.flat_map(|page| dead_links(page, &exists)).collect();
    findings.extend(decisions(files));
    findings
}

fn dead_links(page: &SourceFile, exists: &impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, number) in page.text.lines().zip(1..) {
        for target in links(line) {
            let path = target.split('#').next().unwrap_or_default();
            let outside =
                target.contains("://") || target.starts_with("mailto:") || path.is_empty();
            if !outside && !exists(&resolve(&page.path, path)) {
                findings.push(Finding::error(
                    format!("{}:{number}", page.path),
                    format!("links to {target}, which is not there"),
                ));
            }
        }
    }
    findings
}

/// The targets of `[text](target)` in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// A link of a page as a path from the root.
fn resolve(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn decisions(files: &[SourceFile]) -> Vec<Finding> {
    let index = files.iter().find(|file| file.path == INDEX).map_or("", |file| &file.text);
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for file in files {
        let Some(name) = file.path.strip_prefix(DECISIONS).filter(|name| *name != "README.md")
        else {
            continue;
        };
        let number = name.split('-').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|b| b.is_ascii_digit()) {
            findings.push(Finding::error(&file.path, "a decision record is called NNNN-title.md"));
        } else if let Some(other) = numbers.insert(number, name) {
            findings.push(Finding::error(&file.path, format!("has the number of {other}")));
        }
        if !index.contains(&format!("]({name})")) {
            findings.push(Finding::error(&file.path, format!("is not listed in {INDEX}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn links_lead_somewhere() {
        let check = |page: &str, text: &str, expected: usize| {
            let found = super::check(&[file(page, text)], |path| {
                path == "docs/a.md" || path == "README.md"
            });
            assert_eq!(found.len(), expected, "{text}: {found:?}");
        };
        check("README.md", "[a](docs/a.md) and [b](docs/b.md)", 1);
        check("docs/a.md", "[up](../README.md#run) [here](#run) [web](https://example.com/x)", 0);
        check("docs/a.md", "[up](README.md)", 1);
    }

    #[test]
    fn decisions_are_numbered_once_and_listed() {
        let check = |names: &[&str], index: &str, expected: usize| {
            let mut files: Vec<_> =
                names.iter().map(|name| file(&format!("{DECISIONS}{name}"), "# Words")).collect();
            files.push(file(INDEX, index));
            let found = super::check(&files, |_| true);
            assert_eq!(found.len(), expected, "{names:?}: {found:?}");
        };
        check(&["0001-a.md"], "[1](0001-a.md)", 0);
        check(&["0001-a.md"], "", 1);
        check(&["0001-a.md", "0001-b.md"], "[1](0001-a.md) [1](0001-b.md)", 1);
        check(&["a.md"], "[a](a.md)", 1);
    }
}
