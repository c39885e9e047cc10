//! Log entries.

use crate::entry::{Entry, trace_of};

/// What is read is written and read again as the same; the trace is found without the rest.
pub(super) fn entry(bytes: &[u8]) {
    let trace = trace_of(bytes);
    let Ok(entry) = Entry::decode(bytes) else { return };
    assert_eq!(trace, Some(entry.header.trace));
    assert_eq!(entry.header.kind, entry.body.kind());
    let written = entry.encode().expect("what fitted fits");
    assert_eq!(Entry::decode(&written), Ok(entry));
    assert!(written.len() <= bytes.len(), "nothing is added");
}
