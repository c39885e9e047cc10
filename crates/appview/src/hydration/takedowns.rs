//! What is taken down here, by whoever runs this place or moderates for it: not shown to anybody else, whatever
//! labelers a request accepts.

use foldhash::{HashMap, HashMapExt, HashSet};
use millrace_atproto::Did;
use millrace_dataplane::model::{Actor, TakenDown};

use super::Hydrated;

/// Accounts, records and blobs that are taken down, of those in an answer.
#[derive(Debug, Default)]
pub(crate) struct Takedowns {
    /// DIDs and URIs.
    subjects: HashSet<String>,
    /// CIDs by account.
    blobs: HashMap<Did, HashSet<String>>,
}

impl Takedowns {
    pub(super) fn new(taken_down: TakenDown) -> Self {
        let mut blobs: HashMap<Did, HashSet<String>> = HashMap::new();
        for blob in taken_down.blobs {
            blobs.entry(blob.did).or_default().insert(blob.cid);
        }
        Self { subjects: taken_down.subjects.into_iter().collect(), blobs }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    pub(super) fn takes_down(&self, subject: &str) -> bool {
        self.subjects.contains(subject)
    }

    /// What an account says of itself in records that are taken down is not said; its status stays for the
    /// account, which is told that it is disabled.
    pub(super) fn silence(&self, actor: &mut Actor, viewer: Option<&Did>) {
        if self.is_empty() {
            return;
        }
        let did = &actor.did;
        if self.takes_down(&format!("at://{did}/app.bsky.actor.profile/self")) {
            actor.profile = None;
        }
        if viewer != Some(did) && self.takes_down(&status_of(did)) {
            actor.status_record = None;
        }
    }
}

/// The URI of an account's status.
fn status_of(did: &Did) -> String {
    format!("at://{did}/app.bsky.actor.status/self")
}

impl Hydrated {
    /// By a label or here: it is not in this answer, unless the caller moderates.
    pub(crate) fn takes_down(&self, subject: &str) -> bool {
        self.labels.takes_down(subject) || self.takedowns.takes_down(subject)
    }

    /// As [`Self::takes_down`], for this caller.
    pub(crate) fn is_taken_down(&self, subject: &str) -> bool {
        !self.all_visible && self.takes_down(subject)
    }

    /// The account or record is taken down here, and this caller does not moderate.
    pub(crate) fn is_hidden_here(&self, uri: &str) -> bool {
        !self.all_visible && self.takedowns.takes_down(uri)
    }

    /// The account's status is taken down; only the account still sees it.
    pub(crate) fn is_status_disabled(&self, did: &Did) -> bool {
        self.takedowns.takes_down(&status_of(did))
    }

    /// A blob that may be shown in what the account made.
    pub(crate) fn shows_blob(&self, did: &Did, cid: &str) -> bool {
        self.all_visible || !self.takedowns.blobs.get(did).is_some_and(|cids| cids.contains(cid))
    }
}
