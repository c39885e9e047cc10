//! Subjects between the network's ids and the names by which `own` has them: only of accounts of which `own`
//! has anything at all, which are few.

use std::collections::BTreeSet;

use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, StoreError, Tx, dictionary};

use crate::apply::ids::Subject;
use crate::apply::label::ACCOUNT;
use crate::names::Names;

/// A subject by name.
#[derive(Debug)]
pub(crate) struct NamedSubject {
    pub(crate) subject: Subject,
    pub(crate) did: String,
    /// `<collection>/<record key>`; empty for the account.
    pub(crate) key: String,
}

impl NamedSubject {
    pub(crate) fn is_account(&self) -> bool {
        self.key.is_empty()
    }

    /// The account's DID or the record's URI.
    pub(crate) fn name(&self) -> String {
        match self.is_account() {
            true => self.did.clone(),
            false => format!("at://{}/{}", self.did, self.key),
        }
    }
}

/// Those of `subjects` whose accounts `touched` finds among the DIDs that are its `$1`, with these accounts.
pub(crate) fn of_touched(
    tx: &mut Tx,
    subjects: impl IntoIterator<Item = Subject>,
    touched: &str,
) -> Result<Vec<NamedSubject>, StoreError> {
    let mut subjects: BTreeSet<Subject> = subjects.into_iter().collect();
    let actors: BTreeSet<i64> = subjects.iter().map(|subject| subject.actor).collect();
    let actors: Vec<i64> = actors.into_iter().collect();
    let dids = dictionary::actor_dids(tx, &actors)?;
    let texts: Vec<String> = dids.values().map(Did::to_string).collect();
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<String> = tx.query(touched, &[Param::Texts(&texts)], |row| row.get(0))?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let is_found = |id: &i64| dids.get(id).is_some_and(|did| found.contains(did.as_str()));
    let ids: Vec<i64> = actors.into_iter().filter(is_found).collect();
    subjects.retain(|subject| ids.binary_search(&subject.actor).is_ok());
    subjects.extend(ids.iter().map(|id| account(*id)));
    let keys = subjects.iter().flat_map(|subject| [subject.rkey, subject.collection]);
    let names = Names::of(tx, ids, keys)?;
    let named = subjects.into_iter().map(|subject| {
        let did = names.did(subject.actor)?.to_string();
        let key = match subject.collection {
            ACCOUNT => String::new(),
            collection => {
                let uri = names.uri(subject.actor, collection, subject.rkey)?;
                uri.strip_prefix(&format!("at://{did}/")).unwrap_or_default().to_owned()
            }
        };
        Ok(NamedSubject { subject, did, key })
    });
    named.collect()
}

/// Whose a record is, and its key within the account, as rows that are owned have it; the URI must be by DID.
pub(super) fn record(uri: &AtUri) -> Option<(&Did, String)> {
    let (did, collection, rkey) = uri.as_record()?;
    Some((did, format!("{collection}/{rkey}")))
}

/// An account as a subject.
pub(crate) fn account(actor: i64) -> Subject {
    Subject { actor, collection: ACCOUNT, rkey: 0 }
}
