//! Reads frames without copying. Header and payload are never hashed, so their keys may come in any order
//! and unknown ones are passed over; all else is as strict as everywhere.

use super::{
    AccountFrame, Action, CommitFrame, Frame, FrameError, IdentityFrame, MESSAGE_BYTES_MAX,
    OPS_MAX, PayloadError, RepoOp, SyncFrame,
};
use crate::cbor::{Kind, Reader};

pub(crate) const OP_MESSAGE: i64 = 1;
pub(crate) const OP_ERROR: i64 = -1;

/// Operations a commit usually has; more make the list grow.
const OPS_USUAL: usize = 8;

impl<'a> Frame<'a> {
    /// Reads one message. Everything borrows from it; the only allocation is the list of operations.
    ///
    /// # Errors
    /// [`FrameError`]; [`FrameError::is_fatal`] tells whether the connection must go.
    pub fn parse(message: &'a [u8]) -> Result<Self, FrameError> {
        let (op, t, payload) = split(message)?;
        match (op, t) {
            (OP_MESSAGE, Some("#commit")) => read("#commit", payload, commit).map(Self::Commit),
            (OP_MESSAGE, Some("#sync")) => read("#sync", payload, sync).map(Self::Sync),
            (OP_MESSAGE, Some("#identity")) => {
                read("#identity", payload, identity).map(Self::Identity)
            }
            (OP_MESSAGE, Some("#account")) => read("#account", payload, account).map(Self::Account),
            (OP_MESSAGE, Some("#info")) => read("#info", payload, info),
            (OP_ERROR, _) => read("error", payload, error),
            _ => Ok(Self::Unknown { op, t }),
        }
    }
}

/// Splits a message of any event stream into `op`, `t` and the payload's bytes.
///
/// # Errors
/// [`FrameError::TooLarge`] or [`FrameError::Framing`], both fatal.
pub fn split(message: &[u8]) -> Result<(i64, Option<&str>, &[u8]), FrameError> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(FrameError::TooLarge(message.len()));
    }
    let mut reader = Reader::new(message);
    let (op, t) = header(&mut reader).map_err(FrameError::Framing)?;
    Ok((op, t, reader.rest()))
}

fn header<'a>(reader: &mut Reader<'a>) -> Result<(i64, Option<&'a str>), PayloadError> {
    let (mut op, mut t) = (None, None);
    reader.pairs_in_any_order::<PayloadError>(|reader, key| {
        match key {
            "op" => op = Some(reader.int()?),
            "t" => t = Some(reader.text()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok((required(op, "op")?, t))
}

/// Reads a whole payload; what goes wrong inside it is this event's fault alone.
pub(crate) fn read<'a, T>(
    kind: &'static str,
    payload: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, PayloadError>,
) -> Result<T, FrameError> {
    let mut reader = Reader::new(payload);
    let value = read(&mut reader).map_err(|cause| {
        let (seq, did) = locate(payload);
        FrameError::Payload { kind, seq, did: did.map(str::to_owned), cause }
    })?;
    reader.finish().map_err(|error| FrameError::Framing(error.into()))?;
    Ok(value)
}

/// What can be found out about a malformed payload, so that it can be reported.
fn locate(payload: &[u8]) -> (Option<i64>, Option<&str>) {
    let (mut seq, mut did) = (None, None);
    let searched = Reader::new(payload).pairs_in_any_order::<PayloadError>(|reader, key| {
        match (key, reader.kind()?) {
            ("seq", Kind::Int) => seq = Some(reader.int()?),
            ("repo" | "did", Kind::Text) => did = Some(reader.text()?),
            _ => reader.skip()?,
        }
        Ok(())
    });
    // The search ends where the payload breaks, if not before; what was found until then counts.
    let _: Result<(), PayloadError> = searched;
    (seq, did)
}

pub(crate) fn required<T>(field: Option<T>, name: &'static str) -> Result<T, PayloadError> {
    field.ok_or(PayloadError::Missing(name))
}

fn commit<'a>(reader: &mut Reader<'a>) -> Result<CommitFrame<'a>, PayloadError> {
    let (mut seq, mut repo, mut rev, mut since, mut commit) = (None, None, None, None, None);
    let (mut prev_data, mut blocks, mut operations, mut time) = (None, None, None, "");
    reader.pairs_in_any_order::<PayloadError>(|reader, key| {
        match key {
            "ops" => operations = Some(ops(reader)?),
            "rev" => rev = Some(reader.text()?),
            "seq" => seq = Some(reader.int()?),
            "repo" => repo = Some(reader.text()?),
            "time" => time = reader.text()?,
            "since" => since = reader.nullable(Reader::text)?,
            "blocks" => blocks = Some(reader.bytes()?),
            "commit" => commit = Some(reader.link()?),
            "prevData" => prev_data = reader.nullable(Reader::link)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(CommitFrame {
        seq: required(seq, "seq")?,
        repo: required(repo, "repo")?,
        rev: required(rev, "rev")?,
        since,
        commit: required(commit, "commit")?,
        prev_data,
        blocks: required(blocks, "blocks")?,
        ops: required(operations, "ops")?,
        time,
    })
}

/// Keeps one operation more than is allowed, so that whoever checks sees that there are too many.
fn ops<'a>(reader: &mut Reader<'a>) -> Result<Vec<RepoOp<'a>>, PayloadError> {
    let count = reader.array()?;
    let mut ops = Vec::with_capacity(count.min(OPS_USUAL));
    for at in 0..count {
        if at <= OPS_MAX { ops.push(op(reader)?) } else { reader.skip()? }
    }
    Ok(ops)
}

fn op<'a>(reader: &mut Reader<'a>) -> Result<RepoOp<'a>, PayloadError> {
    let (mut action, mut path, mut cid, mut prev) = (None, None, None, None);
    reader.pairs_in_any_order::<PayloadError>(|reader, key| {
        match key {
            "cid" => cid = reader.nullable(Reader::link)?,
            "path" => path = Some(reader.text()?),
            "prev" => prev = reader.nullable(Reader::link)?,
            "action" => action = Some(reader.text()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let action = Action::parse(required(action, "action")?);
    Ok(RepoOp { action, path: required(path, "path")?, cid, prev })
}

fn sync<'a>(reader: &mut Reader<'a>) -> Result<SyncFrame<'a>, PayloadError> {
    let (mut seq, mut did, mut rev, mut blocks, mut time) = (None, None, None, None, "");
    reader.pairs_in_any_order::<PayloadError>(|reader, key| {
        match key {
            "did" => did = Some(reader.text()?),
            "rev" => rev = Some(reader.text()?),
            "seq" => seq = Some(reader.int()?),
            "time" => time = reader.text()?,
            "blocks" => blocks = Some(reader.bytes()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(SyncFrame {
        seq: required(seq, "seq")?,
        did: required(did, "did")?,
        rev: required(rev, "rev")?,
        blocks: required(blocks, "blocks")?,
        time,
    })
}

fn identity<'a>(reader: &mut Reader<'a>) -> Result<IdentityFrame<'a>, PayloadError> {
    let (mut seq, mut did, mut handle, mut time) = (None, None, None, "");
    reader.pairs_in_any_order::<PayloadError>(|reader, key| {
        match key {
            "did" => did = Some(reader.text()?),
            "seq" => seq = Some(reader.int()?),
            "time" => time = reader.text()?,
            "handle" => handle = reader.nullable(Reader::text)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(IdentityFrame { seq: required(seq, "seq")?, did: required(did, "did")?, handle, time })
}

fn account<'a>(reader: &mut Reader<'a>) -> Result<AccountFrame<'a>, PayloadError> {
    let (mut seq, mut did, mut active, mut status, mut time) = (None, None, None, None, "");
    reader.pairs_in_any_order::<PayloadError>(|reader, key| {
        match key {
            "did" => did = Some(reader.text()?),
            "seq" => seq = Some(reader.int()?),
            "time" => time = reader.text()?,
            "active" => active = Some(reader.bool()?),
            "status" => status = reader.nullable(Reader::text)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(AccountFrame {
        seq: required(seq, "seq")?,
        did: required(did, "did")?,
        active: required(active, "active")?,
        status,
        time,
    })
}

fn info<'a>(reader: &mut Reader<'a>) -> Result<Frame<'a>, PayloadError> {
    let (name, message) = notice(reader, "name")?;
    Ok(Frame::Info { name, message })
}

fn error<'a>(reader: &mut Reader<'a>) -> Result<Frame<'a>, PayloadError> {
    let (error, message) = notice(reader, "error")?;
    Ok(Frame::Error { error, message })
}

pub(crate) fn notice<'a>(
    reader: &mut Reader<'a>,
    name_field: &'static str,
) -> Result<(&'a str, Option<&'a str>), PayloadError> {
    let (mut name, mut message) = (None, None);
    reader.pairs_in_any_order::<PayloadError>(|reader, key| {
        match key {
            "message" => message = reader.nullable(Reader::text)?,
            _ if key == name_field => name = Some(reader.text()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok((required(name, name_field)?, message))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::cbor::{CborError, Value, encode};
    use crate::cid::Cid;

    fn message(t: &'static str, payload: &Value<'_>) -> Vec<u8> {
        let mut bytes = encode(&Value::map([("op", Value::Int(1)), ("t", Value::text(t))]));
        bytes.extend(encode(payload));
        bytes
    }

    fn all_kinds() -> Vec<Frame<'static>> {
        let (seq, did, time) = (77, "did:plc:abc", "2026-01-02T03:04:05.678Z");
        let cid = Cid::of_dag_cbor(b"x");
        let ops = vec![
            RepoOp { action: Some(Action::Create), path: "a.b.c/1", cid: Some(cid), prev: None },
            RepoOp {
                action: Some(Action::Update),
                path: "a.b.c/2",
                cid: Some(cid),
                prev: Some(cid),
            },
            RepoOp { action: Some(Action::Delete), path: "a.b.c/3", cid: None, prev: Some(cid) },
        ];
        let commit = CommitFrame {
            seq,
            repo: did,
            rev: "3jzfcijpj2z2b",
            since: Some("3jzfcijpj2z2a"),
            commit: cid,
            prev_data: Some(cid),
            blocks: &[1, 2, 3],
            ops,
            time,
        };
        let first = CommitFrame { since: None, prev_data: None, ops: Vec::new(), ..commit.clone() };
        vec![
            Frame::Commit(commit),
            Frame::Commit(first),
            Frame::Sync(SyncFrame { seq, did, rev: "3jzfcijpj2z2a", blocks: &[4], time }),
            Frame::Identity(IdentityFrame { seq, did, handle: None, time }),
            Frame::Identity(IdentityFrame { seq, did, handle: Some("alice.test"), time }),
            Frame::Account(AccountFrame { seq, did, active: true, status: None, time }),
            Frame::Account(AccountFrame { seq, did, active: false, status: Some("deleted"), time }),
            Frame::Info { name: "OutdatedCursor", message: Some("older than kept") },
            Frame::Error { error: "FutureCursor", message: None },
            Frame::Unknown { op: 1, t: Some("#newer") },
            Frame::Unknown { op: 7, t: None },
        ]
    }

    #[test]
    fn every_kind_reads_back() {
        for frame in all_kinds() {
            let bytes = frame.encode();
            assert_eq!(Frame::parse(&bytes).unwrap(), frame);
        }
    }

    #[test]
    fn encoded_frames_are_canonical() {
        for frame in all_kinds() {
            let bytes = frame.encode();
            let (header, length) = crate::cbor::decode_prefix(&bytes).unwrap();
            assert_eq!(encode(&header), bytes[..length]);
            let payload = crate::cbor::decode(&bytes[length..]).unwrap();
            assert_eq!(encode(&payload), bytes[length..]);
        }
        let commit = all_kinds()[0].encode();
        assert!(commit.starts_with(b"\xa2\x61t\x67#commit\x62op\x01"));
    }

    #[test]
    fn accessors_name_sequence_and_account() {
        let known: Vec<_> =
            all_kinds().iter().map(|frame| frame.seq().zip(frame.did()).is_some()).collect();
        assert_eq!(known, [true, true, true, true, true, true, true, false, false, false, false]);
    }

    #[test]
    fn unknown_fields_any_order_and_deprecated_flags_do_not_matter() {
        // As another encoder may write it: keys out of order, a field nobody knows.
        let mut bytes = b"\xa2\x62op\x01\x61t\x68#account".to_vec();
        bytes.extend(
            b"\xa5\x66active\xf5\x64more\x81\x01\x63seq\x09\x63did\x69did:web:x\x64time\x60",
        );
        let frame = AccountFrame { seq: 9, did: "did:web:x", active: true, status: None, time: "" };
        assert_eq!(Frame::parse(&bytes), Ok(Frame::Account(frame)));
    }

    #[test]
    fn a_malformed_payload_says_whose_it_is() {
        let payload = Value::map([("seq", Value::Int(5)), ("did", Value::text("did:web:x"))]);
        let error = Frame::parse(&message("#account", &payload)).unwrap_err();
        let expected = FrameError::Payload {
            kind: "#account",
            seq: Some(5),
            did: Some("did:web:x".to_owned()),
            cause: PayloadError::Missing("active"),
        };
        assert_eq!(error, expected);
        assert!(!error.is_fatal());
    }

    #[test]
    fn broken_framing_is_fatal() {
        let mut trailing = message("#info", &Value::map([("name", Value::text("x"))]));
        trailing.push(0);
        let cases = [
            (Vec::new(), FrameError::Framing(CborError::Truncated.into())),
            (b"\xa1\x61t\x61x".to_vec(), FrameError::Framing(PayloadError::Missing("op"))),
            (trailing, FrameError::Framing(CborError::Trailing(1).into())),
            (vec![0; MESSAGE_BYTES_MAX + 1], FrameError::TooLarge(MESSAGE_BYTES_MAX + 1)),
        ];
        for (bytes, expected) in cases {
            let error = Frame::parse(&bytes).unwrap_err();
            assert!(error.is_fatal());
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn operations_are_bounded_and_unknown_actions_kept_apart() {
        let op =
            |action| Value::map([("action", Value::text(action)), ("path", Value::text("a/b"))]);
        let payload = |ops| {
            Value::map([
                ("seq", Value::Int(1)),
                ("repo", Value::text("r")),
                ("rev", Value::text("v")),
                ("commit", Value::Link(Cid::of_raw(b""))),
                ("blocks", Value::Bytes(Vec::new().into())),
                ("ops", Value::Array(ops)),
            ])
        };
        let bytes = message("#commit", &payload(vec![op("explode")]));
        let Frame::Commit(frame) = Frame::parse(&bytes).unwrap() else { unreachable!() };
        assert_eq!(frame.ops[0].action, None);
        let bytes = message("#commit", &payload(vec![op("delete"); OPS_MAX + 50]));
        let Frame::Commit(frame) = Frame::parse(&bytes).unwrap() else { unreachable!() };
        assert_eq!(frame.ops.len(), OPS_MAX + 1);
    }
}
