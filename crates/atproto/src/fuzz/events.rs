//! What arrives from the network: frames, repositories, Jetstream's events.

use super::seeds::{NOW_US, repository};
use crate::entry::{Entry, EntryBody, EntryHeader, EntryKind};
use crate::frame::{Frame, split};
use crate::jetstream::{Body, Message};
use crate::sync::{Limits, RepoReader, verify_commit, verify_repo, verify_sync};

/// Most bytes of a Jetstream record here.
const RECORD_BYTES_MAX: usize = 1 << 16;

/// A frame that is read is written and read as the same. A commit is judged without a panic, and what
/// passes fits into a log entry.
pub(super) fn frame(bytes: &[u8]) {
    let frame = Frame::parse(bytes);
    if let Err(error) = &frame {
        assert!(split(bytes).is_ok() || error.is_fatal(), "{error}");
    }
    let Ok(frame) = frame else { return };
    assert!(split(bytes).is_ok());
    assert_eq!(frame.seq().is_some(), frame.did().is_some());
    let written = match &frame {
        Frame::Commit(frame) => {
            commit(frame);
            frame.encode()
        }
        Frame::Sync(frame) => {
            let key = repository().key.public();
            // Any verdict will do.
            let _ = verify_sync(frame, &key, None, NOW_US, &Limits::default());
            frame.encode()
        }
        Frame::Identity(frame) => frame.encode(),
        Frame::Account(frame) => frame.encode(),
        Frame::Info { .. } | Frame::Error { .. } | Frame::Unknown { .. } => return,
    };
    assert_eq!(Frame::parse(&written).as_ref(), Ok(&frame));
}

fn commit(frame: &crate::frame::CommitFrame<'_>) {
    let repository = repository();
    let (key, limits) = (repository.key.public(), Limits::default());
    let Ok(verified) = verify_commit(frame, &key, None, NOW_US, &limits) else { return };
    let again = verify_commit(frame, &key, Some(&verified.chain), NOW_US, &limits);
    assert!(again.is_err(), "the same commit twice is stale");
    let ops = verified.ops.iter().map(|op| crate::entry::EntryOp {
        action: op.action,
        collection: op.collection.clone(),
        rkey: op.rkey.clone(),
        cid: op.cid,
        record: op.record.map(<[u8]>::to_vec),
    });
    let entry = Entry {
        header: EntryHeader {
            kind: EntryKind::Commit,
            source: "fuzz".to_owned(),
            source_seq: Some(frame.seq),
            did: repository.did,
            rev: Some(verified.chain.rev),
            time_us: NOW_US,
            trace: [1; 16],
        },
        body: EntryBody::Commit { ops: ops.collect() },
    };
    let written = entry.encode().expect("a verified commit fits into an entry");
    assert_eq!(Entry::decode(&written), Ok(entry));
}

/// A repository in memory and one in pieces are judged alike.
pub(super) fn repo(bytes: &[u8]) {
    let repository = repository();
    let (key, limits) = (repository.key.public(), Limits::default());
    let whole = verify_repo(bytes, &repository.did, &key, NOW_US, &limits);
    let mut reader = RepoReader::new(&limits);
    let pushed = bytes.chunks(7).try_for_each(|piece| reader.push(piece));
    let pieces = pushed.and_then(|()| reader.finish(&repository.did, &key, NOW_US));
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!(whole.chain(), pieces.chain());
            let leaves = |repo: &crate::sync::VerifiedRepo| {
                repo.leaves().map(|leaf| (leaf.path.to_string(), leaf.cid)).collect::<Vec<_>>()
            };
            assert_eq!(leaves(&whole), leaves(&pieces));
            assert_eq!(leaves(&whole).len() as u64, whole.valid_total());
        }
        (whole, pieces) => assert_eq!(whole.is_ok(), pieces.is_ok()),
    }
}

/// Both versions read without a panic; an operation that is accepted is what its CID names.
pub(super) fn jetstream(bytes: &[u8]) {
    for message in [Message::parse_v1(bytes), Message::parse_v2(bytes)] {
        let Ok(Message::Event(event)) = message else { continue };
        let Body::Commit(commit) = &event.body else { continue };
        let Ok(op) = commit.op(RECORD_BYTES_MAX) else { continue };
        assert_eq!(op.cid.is_some(), op.record.is_some());
        if let (Some(cid), Some(record)) = (&op.cid, &op.record) {
            assert!(cid.names(record) && record.len() <= RECORD_BYTES_MAX);
            crate::cbor::validate_record(record).expect("what is kept is canonical");
        }
    }
}
