//! Writes entries: the layout is drawn in the module's header.

use super::{ENTRY_BYTES_MAX, Entry, EntryBody, EntryError, EntryOp, SnapshotRecord, VERSION};
use crate::cbor::Writer;

/// Room for header and CIDs around a record, in bytes.
const AROUND_RECORD_BYTES: usize = 128;

impl Entry {
    /// The bytes for the log, at most [`ENTRY_BYTES_MAX`].
    ///
    /// # Errors
    /// [`EntryError::TooLarge`], or [`EntryError::KindMismatch`] if header and body disagree.
    pub fn encode(&self) -> Result<Vec<u8>, EntryError> {
        let (header, body) = (self.header.kind.as_str(), self.body.kind().as_str());
        if header != body {
            return Err(EntryError::KindMismatch { header, body });
        }
        let mut writer = Writer::with_capacity(self.body.bytes_expected());
        self.write_header(&mut writer);
        writer.text("content");
        self.body.write(&mut writer);
        let bytes = writer.into_bytes();
        if bytes.len() > ENTRY_BYTES_MAX {
            Err(EntryError::TooLarge(bytes.len()))
        } else {
            Ok(bytes)
        }
    }

    fn write_header(&self, writer: &mut Writer) {
        let header = &self.header;
        writer.map(9);
        writer.text("v");
        writer.int(VERSION);
        writer.text("at");
        writer.int(header.time_us);
        writer.text("did");
        writer.text(header.did.as_str());
        writer.text("rev");
        writer.text_or_null(header.rev.map(|rev| rev.to_string()).as_deref());
        writer.text("seq");
        match header.source_seq {
            Some(seq) => writer.int(seq),
            None => writer.null(),
        }
        writer.text("kind");
        writer.text(header.kind.as_str());
        writer.text("trace");
        writer.bytes(&header.trace);
        writer.text("source");
        writer.text(&header.source);
    }
}

impl EntryBody {
    /// A little more than it will take, so that the buffer need not grow.
    fn bytes_expected(&self) -> usize {
        let records: usize = match self {
            Self::Commit { ops } => ops.iter().map(EntryOp::bytes_expected).sum(),
            Self::Snapshot { records, .. } => {
                records.iter().map(SnapshotRecord::bytes_expected).sum()
            }
            Self::Labels { labels } => labels.iter().map(|label| label.len() + 5).sum(),
            Self::Identity { .. } | Self::Account { .. } | Self::Mark => 0,
        };
        // Not beyond what may be encoded, however much was put in.
        records.saturating_add(2 * AROUND_RECORD_BYTES).min(ENTRY_BYTES_MAX)
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Commit { ops } => {
                writer.array(1);
                writer.array(ops.len());
                ops.iter().for_each(|op| op.write(writer));
            }
            Self::Snapshot { after, through, records, last } => {
                writer.array(4);
                writer.text_or_null(after.as_deref());
                writer.text_or_null(through.as_deref());
                writer.bool(*last);
                writer.array(records.len());
                records.iter().for_each(|record| record.write(writer));
            }
            Self::Identity { handle, pds } => {
                writer.array(2);
                writer.text_or_null(handle.as_ref().map(|handle| handle.as_str()));
                writer.text_or_null(pds.as_deref());
            }
            Self::Account { active, status } => {
                writer.array(2);
                writer.bool(*active);
                writer.text_or_null(status.as_deref());
            }
            Self::Labels { labels } => {
                writer.array(1);
                writer.array(labels.len());
                labels.iter().for_each(|label| writer.bytes(label));
            }
            Self::Mark => writer.array(0),
        }
    }
}

impl EntryOp {
    fn bytes_expected(&self) -> usize {
        self.record.as_ref().map_or(0, Vec::len).saturating_add(AROUND_RECORD_BYTES)
    }

    fn write(&self, writer: &mut Writer) {
        writer.array(5);
        writer.text(self.action.as_str());
        writer.text(self.collection.as_str());
        writer.text(self.rkey.as_str());
        writer.link_or_null(self.cid.as_ref());
        match &self.record {
            Some(record) => writer.bytes(record),
            None => writer.null(),
        }
    }
}

impl SnapshotRecord {
    /// Bytes this record takes in a snapshot, or a little more: what a producer adds up to cut a repository
    /// into entries of at most [`ENTRY_BYTES_MAX`].
    pub fn bytes_expected(&self) -> usize {
        self.record.len().saturating_add(self.path.len()).saturating_add(AROUND_RECORD_BYTES / 2)
    }

    fn write(&self, writer: &mut Writer) {
        writer.array(3);
        writer.text(&self.path);
        writer.link(&self.cid);
        writer.bytes(&self.record);
    }
}
