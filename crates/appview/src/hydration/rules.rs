//! What the viewer must not see: accounts behind a block either way, accounts they mute, and posts
//! of either. A block by a list counts as one of the account that subscribed to the list. For
//! those who moderate nothing is blocked.

use millrace_atproto::Did;
use millrace_dataplane::model::ActorViewer;

use super::{Hydrated, author};

impl Hydrated {
    /// What the viewer has to do with an account, shown or not.
    pub(crate) fn relation(&self, did: &Did) -> Option<&ActorViewer> {
        self.any_actor(did).and_then(|known| known.actor.viewer.as_ref())
    }

    /// A block stands between the viewer and the account, whoever set it.
    pub(crate) fn blocked(&self, did: &Did) -> bool {
        !self.all_visible && self.relation(did).is_some_and(is_blocked)
    }

    /// The viewer mutes the account, directly or by a list.
    pub(crate) fn muted(&self, did: &Did) -> bool {
        self.relation(did)
            .is_some_and(|relation| relation.muted || relation.muted_by_list.is_some())
    }

    /// The viewer mutes what the account reposts.
    pub(crate) fn reposts_muted(&self, did: &Did) -> bool {
        self.relation(did).is_some_and(|relation| relation.muted_only_reposts)
    }

    /// The viewer mutes the account's posts that quote others.
    pub(crate) fn quoteposts_muted(&self, did: &Did) -> bool {
        self.relation(did).is_some_and(|relation| relation.muted_only_quoteposts)
    }

    /// The account may stand in a list of people: it is active and no block is between.
    pub(crate) fn shown(&self, did: &Did) -> bool {
        self.actor(did).is_some() && !self.blocked(did)
    }

    /// The author of a record is behind a block.
    pub(crate) fn post_blocked(&self, uri: &str) -> bool {
        author(uri).is_some_and(|did| self.blocked(&did))
    }

    /// Blocks between others are respected in what is shown to everybody but moderators.
    pub(crate) fn respects_blocks_between_others(&self) -> bool {
        !self.all_visible
    }
}

/// A block either way, direct or by a list.
fn is_blocked(relation: &ActorViewer) -> bool {
    let ActorViewer { blocking, blocked_by, blocking_by_list, blocked_by_list, .. } = relation;
    [blocking, blocked_by, blocking_by_list, blocked_by_list].into_iter().any(Option::is_some)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use millrace_dataplane::query::hydrate::Hydration;

    use super::*;
    use crate::request::labelers::Labelers;

    const DID: &str = "did:plc:other";

    fn hydrated(active: bool, viewer: serde_json::Value, all_visible: bool) -> Hydrated {
        let actor = crate::views::tests::actor(DID, active, viewer);
        let hydration = Hydration { actors: vec![actor], ..Hydration::default() };
        Hydrated::new(hydration, None, all_visible, &Labelers::default())
    }

    #[test]
    fn blocks_and_mutes() {
        let none = || serde_json::json!({"muted": false});
        let with = |field: &str| serde_json::json!({"muted": false, field: "at://did:plc:x/y/z"});
        let muted = || serde_json::json!({"muted": true});
        // relation, blocked, muted
        let table = [
            (none(), false, false),
            (with("following"), false, false),
            (with("blocking"), true, false),
            (with("blockedBy"), true, false),
            (with("blockingByList"), true, false),
            (with("blockedByList"), true, false),
            (with("mutedByList"), false, true),
            (muted(), false, true),
        ];
        let did = Did::parse(DID).unwrap();
        for (viewer, blocked, muted) in table {
            let rules = hydrated(true, viewer.clone(), false);
            assert_eq!(rules.blocked(&did), blocked, "{viewer}");
            assert_eq!(rules.shown(&did), !blocked, "{viewer}");
            assert_eq!(rules.post_blocked(&format!("at://{DID}/c/r")), blocked, "{viewer}");
            assert_eq!(rules.muted(&did), muted, "{viewer}");
            assert!(!hydrated(true, viewer.clone(), true).blocked(&did), "{viewer}");
            assert!(!hydrated(false, viewer, false).shown(&did));
        }
    }

    #[test]
    fn an_unknown_account_is_neither_blocked_nor_shown() {
        let nobody = Did::parse("did:plc:nobody").unwrap();
        let rules = hydrated(true, serde_json::json!({"muted": true}), false);
        assert!(!rules.blocked(&nobody) && !rules.muted(&nobody) && !rules.shown(&nobody));
        assert!(!rules.post_blocked("not a uri"));
    }
}
