//! A moment of a simulated network, as the model takes it.

use std::collections::BTreeMap;

use millrace_atproto::cbor;
use millrace_atproto::frame::Action;
use millrace_atproto::lexicon;
use millrace_atproto::syntax::Nsid;

use super::truth::{Account, Label, Moment, Record};
use crate::labelers::LabelTruth;
use crate::world::{AccountTruth, RecordTruth, Truth, WriteTruth};

/// Larger records are nobody's, whatever their lexicons allow.
const RECORD_BYTES_MAX: usize = 128 << 10;

impl Moment {
    /// The network as it is, after the moment before.
    pub fn of(truth: &Truth, before: Option<&Self>, settled_us: i64) -> Self {
        let since = before.map_or(0, |before| before.writes);
        let written = || truth.writes.iter().filter(|write| write.order >= since);
        let mut since_then = BTreeMap::new();
        for write in written().filter(|write| write.action == Action::Create) {
            since_then.entry(uri(write)).or_insert(write.time_us);
        }
        let accounts = truth.accounts.values().map(|known| {
            let did = known.did.to_string();
            let records = known.records.iter().filter_map(|(path, record)| {
                let earlier = before
                    .and_then(|before| before.accounts.get(&did)?.records.get(path))
                    .map(|record| record.created_us);
                let first = earlier.or(since_then.get(&format!("at://{did}/{path}")).copied());
                let made = readable(record, first.unwrap_or(record.created_us))?;
                Some((path.clone(), made))
            });
            let account = account(known, records.collect());
            (did, account)
        });
        Self {
            settled_us,
            accounts: accounts.collect(),
            touched: written().map(uri).collect(),
            writes: truth.writes.last().map_or(since, |write| write.order + 1),
            labels: truth
                .labels
                .iter()
                .filter(|label| holds(label, settled_us))
                .map(label)
                .collect(),
        }
    }
}

/// Ends of labels lie far from the moments that are looked at.
fn holds(label: &LabelTruth, settled_us: i64) -> bool {
    label.exp_us.is_none_or(|exp_us| exp_us > settled_us)
}

fn label(known: &LabelTruth) -> Label {
    let LabelTruth { src, subject, val, .. } = known;
    Label { src: src.to_string(), subject: subject.clone(), val: val.clone() }
}

fn uri(write: &WriteTruth) -> String {
    format!("at://{}/{}", write.did, write.path)
}

fn account(known: &AccountTruth, records: BTreeMap<String, Record>) -> Account {
    Account {
        handle: known.handle.as_ref().map(ToString::to_string),
        active: known.status.is_active(),
        status: known.status.name().map(str::to_owned),
        rev: known.rev.to_string(),
        records,
    }
}

/// A record that its lexicon allows; one that it forbids is as if it were not there.
fn readable(known: &RecordTruth, created_us: i64) -> Option<Record> {
    let collection = Nsid::parse(&known.collection).ok()?;
    let value =
        cbor::decode(&known.record).ok().filter(|_| known.record.len() <= RECORD_BYTES_MAX)?;
    lexicon::Record::parse(&collection, &value).ok()??;
    Some(Record {
        cid: known.cid.to_string(),
        value: serde_json::from_str(&cbor::to_json(&value)).ok()?,
        created_us,
        edited: known.updated_order != known.created_order || created_us != known.created_us,
    })
}
