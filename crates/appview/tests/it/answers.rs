//! Notes every answer of a method for `tests/network/answers.mjs`, which holds it against the published
//! lexicons once all tests have run. Where `MILLRACE_TEST_ANSWERS` names no folder nothing is noted.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::OnceLock;

use http::StatusCode;
use millrace_appview::routes::{Access, ROUTES, Route};
use parking_lot::Mutex;
use serde_json::json;

static NOTED: OnceLock<Option<Mutex<File>>> = OnceLock::new();

/// An answer to a request for this path; one to HEAD is empty.
pub fn note(path: &str, status: StatusCode, text: &str) {
    let is_answer = status == StatusCode::OK && !text.is_empty();
    let Some(nsid) = path.strip_prefix("/xrpc/").filter(|_| is_answer) else { return };
    // What a PDS answers is passed on, and the one of the tests has little to say.
    let is_passed_on = |route: &Route| route.path == path && route.access == Access::Acting;
    if ROUTES.iter().any(is_passed_on) {
        return;
    }
    if let Some(file) = NOTED.get_or_init(open) {
        let line = format!("{}\n", json!({ "nsid": nsid, "text": text }));
        file.lock().write_all(line.as_bytes()).unwrap();
    }
}

/// A file of this process's own.
fn open() -> Option<Mutex<File>> {
    let folder = std::env::var_os("MILLRACE_TEST_ANSWERS")?;
    std::fs::create_dir_all(&folder).unwrap();
    let name = format!("{}.jsonl", std::process::id());
    let path = std::path::Path::new(&folder).join(name);
    Some(Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap()))
}
