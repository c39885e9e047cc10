//! From an operation's JSON to what the log keeps: canonical bytes whose CID is the one given.

use super::{Commit, OpFault};
use crate::cbor::{self, JsonError};
use crate::cid::Cid;
use crate::entry::{Action, EntryOp};
use crate::syntax::{Nsid, RecordKey};

impl Commit<'_> {
    /// The operation, its record encoded canonically and compared with the CID given.
    ///
    /// # Errors
    /// [`OpFault`]: this operation alone is not accepted.
    pub fn op(&self, record_bytes_max: usize) -> Result<EntryOp, OpFault> {
        let collection = Nsid::parse(&self.collection).map_err(OpFault::Path)?;
        let rkey = RecordKey::parse(&self.rkey).map_err(OpFault::Path)?;
        let action = self.action.ok_or(OpFault::Shape)?;
        let (cid, record) = match action {
            Action::Delete => (None, None),
            Action::Create | Action::Update => {
                let (cid, record) = self.encoded(record_bytes_max)?;
                (Some(cid), Some(record))
            }
        };
        Ok(EntryOp { action, collection, rkey, cid, record })
    }

    fn encoded(&self, record_bytes_max: usize) -> Result<(Cid, Vec<u8>), OpFault> {
        let (Some(json), Some(given)) = (self.record, &self.cid) else {
            return Err(OpFault::Shape);
        };
        // It was read once as a part of the message, so that only its depth can be wrong.
        let json: serde_json::Value =
            serde_json::from_str(json.get()).map_err(|_| OpFault::Record(JsonError::Depth))?;
        let record = cbor::record_from_json(&json).map_err(OpFault::Record)?;
        let record = cbor::encode(&record);
        if record.len() > record_bytes_max {
            return Err(OpFault::TooLarge(record.len()));
        }
        let found = Cid::of_dag_cbor(&record);
        if Cid::parse(given).ok() != Some(found) {
            return Err(OpFault::Cid { given: shortened(given), found });
        }
        Ok((found, record))
    }
}

/// Characters of a CID that is none which are kept.
const GIVEN_CHARS_MAX: usize = 100;

fn shortened(text: &str) -> String {
    text.chars().take(GIVEN_CHARS_MAX).collect()
}
