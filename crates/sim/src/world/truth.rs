//! What is true: who the accounts are, what their PDSs say about them, and every record they have. Whoever
//! knows this and the lexicons can say what each view must be.

use std::collections::BTreeMap;

use millrace_atproto::cid::Cid;
use millrace_atproto::frame::Action;
use millrace_atproto::syntax::{Did, Handle, Tid};

pub use super::journal::WriteTruth;
use super::{Account, World};
use crate::labelers::LabelTruth;
use crate::status::Status;

/// The network as it is now.
#[derive(Debug, Clone)]
pub struct Truth {
    pub accounts: BTreeMap<Did, AccountTruth>,
    /// All writes that led here, in order; those of accounts that are gone among them.
    pub writes: Vec<WriteTruth>,
    /// What holds of what labelers said, but for what has an end.
    pub labels: Vec<LabelTruth>,
}

/// An account as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountTruth {
    pub did: Did,
    /// The handle, if it names this DID as well.
    pub handle: Option<Handle>,
    /// The handle as its document has it.
    pub claimed_handle: Handle,
    /// What its PDS says.
    pub status: Status,
    /// Its PDS.
    pub host: usize,
    /// The revision of its repository.
    pub rev: Tid,
    pub created_us: i64,
    /// By path; of a deleted account none, of a hidden one all.
    pub records: BTreeMap<String, RecordTruth>,
}

/// A record as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordTruth {
    pub collection: String,
    pub rkey: String,
    pub cid: Cid,
    /// Its bytes, usually DAG-CBOR.
    pub record: Vec<u8>,
    /// Since when there has been a record at this path, without a break.
    pub created_us: i64,
    /// Place of that write among all, see [`WriteTruth::order`].
    pub created_order: u64,
    /// When it became what it is.
    pub updated_us: i64,
    /// Place of that write among all.
    pub updated_order: u64,
}

/// When a record was created, and when it became what it is.
#[derive(Clone, Copy, Default)]
struct Written {
    created: (i64, u64),
    updated: (i64, u64),
}

impl World {
    /// What is true now.
    pub fn truth(&self) -> Truth {
        let mut written: BTreeMap<(&Did, &str), Written> = BTreeMap::new();
        for write in self.journal.writes() {
            let (key, now) = ((&write.did, write.path.as_str()), (write.time_us, write.order));
            match write.action {
                Action::Create => {
                    written.insert(key, Written { created: now, updated: now });
                }
                Action::Update => written.entry(key).or_default().updated = now,
                Action::Delete => {
                    written.remove(&key);
                }
            }
        }
        let accounts = self.accounts().map(|account| {
            let written = |path| {
                let key = (&account.identity.did, path);
                written.get(&key).copied().unwrap_or_default()
            };
            (account.identity.did.clone(), self.account_truth(account, written))
        });
        let writes = self.journal.writes().cloned().collect();
        Truth { accounts: accounts.collect(), writes, labels: self.label_truths() }
    }

    fn account_truth<'a>(
        &'a self,
        account: &'a Account,
        written: impl Fn(&'a str) -> Written,
    ) -> AccountTruth {
        let gone = account.status == Status::Deleted;
        let records = account.repo.records().iter().filter(|_| !gone);
        let records = records.filter_map(|(path, (cid, record))| {
            let (collection, rkey) = path.split_once('/')?;
            let written = written(path);
            let record = RecordTruth {
                collection: collection.to_owned(),
                rkey: rkey.to_owned(),
                cid: *cid,
                record: record.clone(),
                created_us: written.created.0,
                created_order: written.created.1,
                updated_us: written.updated.0,
                updated_order: written.updated.1,
            };
            Some((path.clone(), record))
        });
        AccountTruth {
            did: account.identity.did.clone(),
            handle: self.verified_handle(&account.identity.did).cloned(),
            claimed_handle: account.identity.handle.clone(),
            status: account.status,
            host: account.host,
            rev: account.repo.rev(),
            created_us: account.created_us,
            records: records.collect(),
        }
    }
}
