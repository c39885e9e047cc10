//! Reads entries. The log is our own, but a damaged one must give an error, not a panic.

use super::{
    Action, ENTRY_BYTES_MAX, Entry, EntryBody, EntryError, EntryHeader, EntryKind, EntryOp,
    SnapshotRecord, VERSION,
};
use crate::cbor::{CborError, Reader};
use crate::syntax::{Did, Handle, Nsid, RecordKey, Tid};

/// Items a list usually has; more make it grow.
const ITEMS_USUAL: usize = 64;

impl Entry {
    /// Reads what [`Entry::encode`] wrote.
    ///
    /// # Errors
    /// [`EntryError::Version`] if a newer program wrote it; everything else means that the log is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLarge(bytes.len()));
        }
        let mut fields = Fields::default();
        let mut reader = Reader::new(bytes);
        reader.pairs(|reader, key| fields.read(reader, key))?;
        reader.finish()?;
        fields.into_entry()
    }
}

/// The trace of an encoded entry, read without the rest; `None` where it cannot be.
pub fn trace_of(bytes: &[u8]) -> Option<[u8; 16]> {
    let mut trace = None;
    // Everything before the trace is short; what follows is not read.
    let _ = Reader::new(bytes).pairs(|reader, key| match key {
        "trace" => {
            trace = reader.bytes()?.try_into().ok();
            Err(EntryError::Action)
        }
        _ => Ok(reader.skip()?),
    });
    trace
}

/// The map's fields, as far as they were read.
#[derive(Default)]
struct Fields {
    time_us: Option<i64>,
    did: Option<Did>,
    rev: Option<Tid>,
    source_seq: Option<i64>,
    kind: Option<EntryKind>,
    trace: Option<[u8; 16]>,
    source: Option<String>,
    body: Option<EntryBody>,
}

impl Fields {
    fn read(&mut self, reader: &mut Reader<'_>, key: &str) -> Result<(), EntryError> {
        match key {
            // The shortest key, hence the first: nothing of another version is read.
            "v" => match reader.int()? {
                VERSION => {}
                other => return Err(EntryError::Version(other)),
            },
            "at" => self.time_us = Some(reader.int()?),
            "did" => self.did = Some(Did::parse(reader.text()?)?),
            "rev" => self.rev = reader.nullable(Reader::text)?.map(Tid::parse).transpose()?,
            "seq" => self.source_seq = reader.nullable(Reader::int)?,
            "kind" => self.kind = Some(EntryKind::parse(reader.text()?)?),
            "trace" => {
                let trace = reader.bytes()?;
                self.trace = Some(trace.try_into().map_err(|_| EntryError::Trace(trace.len()))?);
            }
            "source" => self.source = Some(reader.text()?.to_owned()),
            // Longer than `kind`, hence after it.
            "content" => self.body = Some(self.read_body(reader)?),
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn read_body(&self, reader: &mut Reader<'_>) -> Result<EntryBody, EntryError> {
        match required(self.kind, "kind")? {
            EntryKind::Commit => {
                items(reader, 1, |reader| Ok(EntryBody::Commit { ops: list(reader, read_op)? }))
            }
            EntryKind::Snapshot => items(reader, 4, |reader| {
                Ok(EntryBody::Snapshot {
                    after: reader.nullable(Reader::text)?.map(str::to_owned),
                    through: reader.nullable(Reader::text)?.map(str::to_owned),
                    last: reader.bool()?,
                    records: list(reader, read_record)?,
                })
            }),
            EntryKind::Identity => items(reader, 2, |reader| {
                Ok(EntryBody::Identity {
                    handle: reader.nullable(Reader::text)?.map(Handle::parse).transpose()?,
                    pds: reader.nullable(Reader::text)?.map(str::to_owned),
                })
            }),
            EntryKind::Account => items(reader, 2, |reader| {
                Ok(EntryBody::Account {
                    active: reader.bool()?,
                    status: reader.nullable(Reader::text)?.map(str::to_owned),
                })
            }),
            EntryKind::Labels => items(reader, 1, |reader| {
                let label = |reader: &mut Reader<'_>| Ok(reader.bytes()?.to_vec());
                Ok(EntryBody::Labels { labels: list(reader, label)? })
            }),
            EntryKind::Mark => items(reader, 0, |_| Ok(EntryBody::Mark)),
        }
    }

    fn into_entry(self) -> Result<Entry, EntryError> {
        let header = EntryHeader {
            kind: required(self.kind, "kind")?,
            source: required(self.source, "source")?,
            source_seq: self.source_seq,
            did: required(self.did, "did")?,
            rev: self.rev,
            time_us: required(self.time_us, "at")?,
            trace: required(self.trace, "trace")?,
        };
        Ok(Entry { header, body: required(self.body, "content")? })
    }
}

impl EntryKind {
    fn parse(word: &str) -> Result<Self, EntryError> {
        let known =
            [Self::Commit, Self::Snapshot, Self::Identity, Self::Account, Self::Labels, Self::Mark];
        known.into_iter().find(|kind| kind.as_str() == word).ok_or(EntryError::Version(VERSION))
    }
}

fn read_op(reader: &mut Reader<'_>) -> Result<EntryOp, EntryError> {
    items(reader, 5, |reader| {
        Ok(EntryOp {
            action: Action::parse(reader.text()?).ok_or(EntryError::Action)?,
            collection: Nsid::parse(reader.text()?)?,
            rkey: RecordKey::parse(reader.text()?)?,
            cid: reader.nullable(Reader::link)?,
            record: reader.nullable(Reader::bytes)?.map(<[u8]>::to_vec),
        })
    })
}

fn read_record(reader: &mut Reader<'_>) -> Result<SnapshotRecord, EntryError> {
    items(reader, 3, |reader| {
        Ok(SnapshotRecord {
            path: reader.text()?.to_owned(),
            cid: reader.link()?,
            record: reader.bytes()?.to_vec(),
        })
    })
}

/// Reads an array of `known` items, or more, which are passed over.
fn items<T>(
    reader: &mut Reader<'_>,
    known: usize,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, EntryError>,
) -> Result<T, EntryError> {
    let unknown = reader.array()?.checked_sub(known).ok_or(CborError::Truncated)?;
    let value = read(reader)?;
    for _ in 0..unknown {
        reader.skip()?;
    }
    Ok(value)
}

fn list<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, EntryError>,
) -> Result<Vec<T>, EntryError> {
    let count = reader.array()?;
    let mut items = Vec::with_capacity(count.min(ITEMS_USUAL));
    for _ in 0..count {
        items.push(read(reader)?);
    }
    Ok(items)
}

fn required<T>(field: Option<T>, name: &'static str) -> Result<T, EntryError> {
    field.ok_or(EntryError::Missing(name))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::cbor::{self, Value};
    use crate::cid::Cid;

    fn entry(body: EntryBody) -> Entry {
        let header = EntryHeader {
            kind: body.kind(),
            source: "relay".to_owned(),
            source_seq: Some(42),
            did: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap(),
            rev: Some(Tid::parse("3jzfcijpj2z2a").unwrap()),
            time_us: 1_767_323_045_678_000,
            trace: [9; 16],
        };
        Entry { header, body }
    }

    fn op(action: Action, record: Option<Vec<u8>>) -> EntryOp {
        EntryOp {
            action,
            collection: Nsid::parse("app.bsky.feed.like").unwrap(),
            rkey: RecordKey::parse("3jzfcijpj2z2a").unwrap(),
            cid: record.as_deref().map(Cid::of_dag_cbor),
            record,
        }
    }

    fn bodies() -> Vec<EntryBody> {
        let record = SnapshotRecord {
            path: "app.bsky.feed.like/3jzfcijpj2z2a".to_owned(),
            cid: Cid::of_dag_cbor(&[0xa0]),
            record: vec![0xa0],
        };
        vec![
            EntryBody::Commit {
                ops: vec![op(Action::Create, Some(vec![0xa0])), op(Action::Delete, None)],
            },
            EntryBody::Commit { ops: Vec::new() },
            EntryBody::Snapshot {
                after: None,
                through: Some("x".to_owned()),
                records: vec![record.clone(), record],
                last: false,
            },
            EntryBody::Snapshot {
                after: Some("x".to_owned()),
                through: None,
                records: Vec::new(),
                last: true,
            },
            EntryBody::Identity { handle: None, pds: None },
            EntryBody::Identity {
                handle: Some(Handle::parse("alice.test").unwrap()),
                pds: Some("https://pds.test".to_owned()),
            },
            EntryBody::Account { active: true, status: None },
            EntryBody::Account { active: false, status: Some("deactivated".to_owned()) },
            EntryBody::Labels { labels: vec![vec![0xa0], vec![0; 300]] },
            EntryBody::Labels { labels: Vec::new() },
            EntryBody::Mark,
        ]
    }

    #[test]
    fn every_kind_reads_back_and_is_canonical() {
        for body in bodies() {
            let mut entry = entry(body);
            let bytes = entry.encode().unwrap();
            assert_eq!(Entry::decode(&bytes).unwrap(), entry);
            assert_eq!(cbor::encode(&cbor::decode(&bytes).unwrap()), bytes);
            entry.header.rev = None;
            entry.header.source_seq = None;
            assert_eq!(Entry::decode(&entry.encode().unwrap()).unwrap(), entry);
        }
    }

    #[test]
    fn additions_of_a_newer_version_are_passed_over() {
        let entry = entry(EntryBody::Account { active: true, status: None });
        let bytes = entry.encode().unwrap();
        let Value::Map(mut pairs) = cbor::decode(&bytes).unwrap() else { unreachable!() };
        for (key, value) in &mut pairs {
            if let ("content", Value::Array(items)) = (key.as_ref(), value) {
                items.push(Value::text("later"));
            }
        }
        pairs.push(("more".into(), Value::Int(1)));
        assert_eq!(Entry::decode(&cbor::encode(&Value::Map(pairs))).unwrap(), entry);
    }

    #[test]
    fn a_newer_layout_is_refused() {
        let bytes =
            cbor::encode(&Value::map([("v", Value::Int(2)), ("at", Value::text("unknown form"))]));
        assert_eq!(Entry::decode(&bytes), Err(EntryError::Version(2)));
    }

    #[test]
    fn size_and_kind_are_checked() {
        let large = entry(EntryBody::Commit {
            ops: vec![op(Action::Create, Some(vec![0; ENTRY_BYTES_MAX]))],
        });
        assert!(matches!(large.encode(), Err(EntryError::TooLarge(_))));
        let fits =
            entry(EntryBody::Commit { ops: vec![op(Action::Create, Some(vec![0; 2_000_000]))] });
        assert!(fits.encode().is_ok());
        assert_eq!(
            Entry::decode(&vec![0; ENTRY_BYTES_MAX + 1]),
            Err(EntryError::TooLarge(ENTRY_BYTES_MAX + 1))
        );
        let mut mixed = entry(EntryBody::Mark);
        mixed.header.kind = EntryKind::Commit;
        assert_eq!(
            mixed.encode(),
            Err(EntryError::KindMismatch { header: "commit", body: "mark" })
        );
    }

    #[test]
    fn the_largest_verified_commit_fits() {
        let limits = crate::sync::Limits::default();
        let rkey = RecordKey::parse(&"k".repeat(512)).unwrap();
        let collection =
            Nsid::parse(&format!("{0}.{0}.{0}.{0}.{1}", "a".repeat(62), "b".repeat(62))).unwrap();
        let record = vec![0; limits.records_bytes_max / limits.ops_max];
        let op = EntryOp { rkey, collection, ..op(Action::Create, Some(record)) };
        let body = EntryBody::Commit { ops: vec![op; limits.ops_max] };
        assert!(entry(body).encode().is_ok());
    }
}
