//! Writes frames as a PDS or relay does: canonical DAG-CBOR, deprecated fields with the values that the
//! schema still demands (`rebase` and `tooBig` false, `blobs` empty).

use super::{AccountFrame, CommitFrame, Frame, IdentityFrame, RepoOp, SyncFrame};
use crate::cbor::Writer;

impl Frame<'_> {
    /// The message's bytes: header and payload. Of an unknown frame only `op` and `t` are known, so its
    /// payload is an empty map. An operation whose action is unknown is written as `unknown`.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Commit(frame) => frame.encode(),
            Self::Sync(frame) => frame.encode(),
            Self::Identity(frame) => frame.encode(),
            Self::Account(frame) => frame.encode(),
            Self::Info { name, message } => {
                let mut writer = header(1, Some("#info"));
                notice(&mut writer, "name", name, *message);
                writer.into_bytes()
            }
            Self::Error { error, message } => {
                let mut writer = header(-1, None);
                notice(&mut writer, "error", error, *message);
                writer.into_bytes()
            }
            Self::Unknown { op, t } => {
                let mut writer = header(*op, *t);
                writer.map(0);
                writer.into_bytes()
            }
        }
    }
}

impl CommitFrame<'_> {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = header(1, Some("#commit"));
        writer.map(11 + usize::from(self.prev_data.is_some()));
        writer.text("ops");
        writer.array(self.ops.len());
        self.ops.iter().for_each(|op| write_op(&mut writer, op));
        writer.text("rev");
        writer.text(self.rev);
        writer.text("seq");
        writer.int(self.seq);
        writer.text("repo");
        writer.text(self.repo);
        writer.text("time");
        writer.text(self.time);
        writer.text("blobs");
        writer.array(0);
        writer.text("since");
        writer.text_or_null(self.since);
        writer.text("blocks");
        writer.bytes(self.blocks);
        writer.text("commit");
        writer.link(&self.commit);
        writer.text("rebase");
        writer.bool(false);
        writer.text("tooBig");
        writer.bool(false);
        if let Some(prev_data) = &self.prev_data {
            writer.text("prevData");
            writer.link(prev_data);
        }
        writer.into_bytes()
    }
}

impl SyncFrame<'_> {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = header(1, Some("#sync"));
        writer.map(5);
        writer.text("did");
        writer.text(self.did);
        writer.text("rev");
        writer.text(self.rev);
        writer.text("seq");
        writer.int(self.seq);
        writer.text("time");
        writer.text(self.time);
        writer.text("blocks");
        writer.bytes(self.blocks);
        writer.into_bytes()
    }
}

impl IdentityFrame<'_> {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = header(1, Some("#identity"));
        writer.map(3 + usize::from(self.handle.is_some()));
        did_seq_time(&mut writer, self.did, self.seq, self.time);
        if let Some(handle) = self.handle {
            writer.text("handle");
            writer.text(handle);
        }
        writer.into_bytes()
    }
}

impl AccountFrame<'_> {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = header(1, Some("#account"));
        writer.map(4 + usize::from(self.status.is_some()));
        did_seq_time(&mut writer, self.did, self.seq, self.time);
        writer.text("active");
        writer.bool(self.active);
        if let Some(status) = self.status {
            writer.text("status");
            writer.text(status);
        }
        writer.into_bytes()
    }
}

pub(crate) fn header(op: i64, t: Option<&str>) -> Writer {
    let mut writer = Writer::new();
    writer.map(1 + usize::from(t.is_some()));
    if let Some(t) = t {
        writer.text("t");
        writer.text(t);
    }
    writer.text("op");
    writer.int(op);
    writer
}

fn did_seq_time(writer: &mut Writer, did: &str, seq: i64, time: &str) {
    writer.text("did");
    writer.text(did);
    writer.text("seq");
    writer.int(seq);
    writer.text("time");
    writer.text(time);
}

fn write_op(writer: &mut Writer, op: &RepoOp<'_>) {
    writer.map(3 + usize::from(op.prev.is_some()));
    writer.text("cid");
    writer.link_or_null(op.cid.as_ref());
    writer.text("path");
    writer.text(op.path);
    if let Some(prev) = &op.prev {
        writer.text("prev");
        writer.link(prev);
    }
    writer.text("action");
    writer.text(op.action.map_or("unknown", super::Action::as_str));
}

pub(crate) fn notice(writer: &mut Writer, name_field: &str, name: &str, message: Option<&str>) {
    writer.map(1 + usize::from(message.is_some()));
    writer.text(name_field);
    writer.text(name);
    if let Some(message) = message {
        writer.text("message");
        writer.text(message);
    }
}
