//! The accounts that the configuration names: `ingest.scope_dids`, and the lines of
//! `ingest.scope_dids_file`, which is read again whenever it changes.
//!
//! A file that cannot be read, or holds a line that is no DID, changes nothing: a slip must not make
//! hundreds of accounts unfollowed.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

use millrace_atproto::Did;

use crate::config::IngestConfig;
use crate::error::IngestError;

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// What tells one state of a file from the next.
pub(super) type Version = Option<(SystemTime, u64)>;

/// The file's present version; none where there is none.
pub(super) fn version(path: &Path) -> Version {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Every account that is named.
///
/// # Errors
/// The file cannot be read, or a line of it is no DID.
pub(super) fn accounts(config: &IngestConfig) -> Result<HashSet<Did>, IngestError> {
    let mut named: HashSet<Did> =
        config.scope_dids.iter().filter_map(|did| Did::parse(did).ok()).collect();
    if let Some(path) = &config.scope_dids_file {
        named.extend(lines(&read(path)?)?);
    }
    Ok(named)
}

fn read(path: &Path) -> Result<String, IngestError> {
    let refuse = |error: std::io::Error| {
        refused(format!("names {}, which cannot be read: {error}", path.display()))
    };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(refuse)?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(refuse)?;
    Ok(text)
}

/// One DID a line; what follows a `#` is a remark.
fn lines(text: &str) -> Result<Vec<Did>, IngestError> {
    let mut dids = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            let did = Did::parse(line);
            dids.push(did.map_err(|_| refused(format!("has `{line}` in line {number}, no DID")))?);
        }
    }
    Ok(dids)
}

fn refused(problem: String) -> IngestError {
    IngestError::Config { key: "ingest.scope_dids_file".to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_line_is_a_did_or_a_remark_or_refused() {
        let good = lines("# who\ndid:plc:abc\n\n did:web:a.example # theirs\n").expect("good");
        let good: Vec<&str> = good.iter().map(|did| did.as_str()).collect();
        assert_eq!(good, ["did:plc:abc", "did:web:a.example"]);
        let bad = lines("did:plc:abc\nalice.test\n").expect_err("a handle is no DID").to_string();
        assert!(bad.contains("alice.test") && bad.contains("line 2"), "{bad}");
        assert!(lines("").expect("empty").is_empty());
    }
}
