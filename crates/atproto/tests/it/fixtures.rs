//! The interop vectors, read from where they lie: `../shared/fixtures/interop-tests` beside the
//! workspace, or the folder that `MILLRACE_FIXTURES` names.
//!
//! Every file is asked for with the number of vectors it should hold at least. With `CI=true` a missing
//! file or too few vectors fail the test; elsewhere the test says what it skipped.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// The lines of a text file that are vectors: all but blank ones and comments, untrimmed.
pub fn lines(path: &str, vectors_min: usize) -> Vec<String> {
    let lines: Vec<String> = read(path)
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    count(path, lines.len(), vectors_min);
    lines
}

/// The items of a JSON file that holds a list of vectors.
pub fn json<T: DeserializeOwned>(path: &str, vectors_min: usize) -> Vec<T> {
    let vectors: Vec<T> = read(path)
        .map(|text| serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}")))
        .unwrap_or_default();
    count(path, vectors.len(), vectors_min);
    vectors
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(folder().join(path)).ok()
}

fn folder() -> PathBuf {
    std::env::var_os("MILLRACE_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/interop-tests"),
        PathBuf::from,
    )
}

fn count(path: &str, seen: usize, vectors_min: usize) {
    if seen >= vectors_min {
        return;
    }
    let message =
        format!("{path}: saw {seen} of at least {vectors_min} vectors in {}", folder().display());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
    eprintln!("skipped: {message}");
}
