//! Record keys: the last part of a record's path, chosen by its author and never to be trusted as a time.
//! Source: <https://atproto.com/specs/record-key>.

use super::{Checked, Grammar, Tid, rule};

const BYTES_MAX: usize = 512;

/// 1–512 of `A-Z a-z 0-9 . _ : ~ -`, except `.` and `..`.
pub type RecordKey = Checked<RecordKeyGrammar>;

/// The grammar of [`RecordKey`].
pub enum RecordKeyGrammar {}

impl Grammar for RecordKeyGrammar {
    const FORMAT: &'static str = "record-key";

    fn check(text: &str) -> Result<(), &'static str> {
        rule(!text.is_empty(), "it is empty")?;
        rule(text.len() <= BYTES_MAX, "it is longer than 512 bytes")?;
        rule(
            text.bytes().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'~' | b'-')
            }),
            "a character is not allowed in a record key",
        )?;
        rule(!matches!(text, "." | ".."), "it must not be '.' or '..'")
    }
}

impl RecordKey {
    /// The key as a TID, if it has that shape.
    pub fn as_tid(&self) -> Option<Tid> {
        Tid::parse(self.as_str()).ok()
    }
}

impl From<Tid> for RecordKey {
    fn from(tid: Tid) -> Self {
        Self::parse(&tid.to_string()).expect("invariant: every TID is a record key")
    }
}
