//! A moment of a simulated network, as the model takes it.

use std::collections::{BTreeMap, BTreeSet};

use millrace_atproto::cbor;
use millrace_atproto::lexicon;
use millrace_atproto::syntax::Nsid;

use super::truth::{Account, Moment, Record};
use crate::world::{AccountTruth, RecordTruth, Truth};

/// Larger records are nobody's, whatever their lexicons allow.
const RECORD_BYTES_MAX: usize = 128 << 10;

impl Moment {
    /// The network as it is, with what was written since the `since`-th write.
    pub fn of(truth: &Truth, since: u64, settled_us: i64) -> Self {
        let written = truth.writes.iter().filter(|write| write.order >= since);
        let touched: BTreeSet<String> =
            written.map(|write| format!("at://{}/{}", write.did, write.path)).collect();
        let accounts = truth.accounts.values();
        let accounts: BTreeMap<String, Account> =
            accounts.map(|known| (known.did.to_string(), account(known))).collect();
        Self { settled_us, accounts, touched }
    }
}

fn account(known: &AccountTruth) -> Account {
    let records =
        known.records.iter().filter_map(|(path, known)| Some((path.clone(), record(known)?)));
    Account {
        handle: known.handle.as_ref().map(ToString::to_string),
        active: known.status.is_active(),
        status: known.status.name().map(str::to_owned),
        rev: known.rev.to_string(),
        records: records.collect(),
    }
}

/// A record that its lexicon allows; one that it forbids is as if it were not there.
fn record(known: &RecordTruth) -> Option<Record> {
    let collection = Nsid::parse(&known.collection).ok()?;
    let value =
        cbor::decode(&known.record).ok().filter(|_| known.record.len() <= RECORD_BYTES_MAX)?;
    lexicon::Record::parse(&collection, &value).ok()??;
    Some(Record {
        cid: known.cid.to_string(),
        value: serde_json::from_str(&cbor::to_json(&value)).ok()?,
        created_us: known.created_us,
    })
}
