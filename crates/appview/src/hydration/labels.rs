//! What labelers say of what an answer shows, and what follows from it here rather than at the client:
//! labelers whose takedowns count (`redact`) remove what they take down, hold back from strangers what
//! needs review, and contest whoever they call an impersonation.

use foldhash::{HashMap, HashSet};
use millrace_atproto::Did;
use millrace_dataplane::model::{ActorViewer, Label};

use super::{Hydrated, Takedowns, author};
use crate::request::labelers::Labelers;

const TAKEDOWNS: [&str; 2] = ["!takedown", "!suspend"];
const NEEDS_REVIEW: &str = "needs-review";
const IMPERSONATION: &str = "impersonation";

/// Labels by the account's DID or the record's URI.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    shown: HashMap<String, Vec<Label>>,
    taken_down: HashSet<String>,
    needs_review: HashSet<String>,
    impersonations: HashSet<String>,
}

impl Labels {
    pub(super) fn new(labels: Vec<Label>, labelers: &Labelers) -> Self {
        let mut all = Self::default();
        for label in labels {
            let redacts = labelers.redacts(&label.src);
            let subject = || label.uri.clone();
            if redacts && TAKEDOWNS.contains(&label.val.as_str()) {
                all.taken_down.insert(subject());
            }
            if redacts && label.val == IMPERSONATION {
                all.impersonations.insert(subject());
            }
            // Acted upon here; clients do not know what to do with it.
            if redacts && label.val == NEEDS_REVIEW {
                all.needs_review.insert(subject());
                continue;
            }
            all.shown.entry(subject()).or_default().push(label);
        }
        all
    }

    /// The labels a view of the subject carries.
    pub(crate) fn of(&self, subject: &str) -> &[Label] {
        self.shown.get(subject).map_or(&[], Vec::as_slice)
    }

    pub(super) fn takes_down(&self, subject: &str) -> bool {
        self.taken_down.contains(subject)
    }

    /// The account is said to pretend to be another.
    pub(crate) fn contests(&self, did: &Did) -> bool {
        self.impersonations.contains(did.as_str())
    }

    /// A list whose maker is taken down, by a label or here, blocks and mutes nobody.
    pub(super) fn relax(&self, relation: &mut ActorViewer, takedowns: &Takedowns) {
        if self.taken_down.is_empty() && takedowns.is_empty() {
            return;
        }
        let ActorViewer { blocking_by_list, blocked_by_list, muted_by_list, .. } = relation;
        for list in [blocking_by_list, blocked_by_list, muted_by_list] {
            let maker = list.as_deref().and_then(author);
            let is_down =
                |did: Did| self.takes_down(did.as_str()) || takedowns.takes_down(did.as_str());
            if maker.is_some_and(is_down) {
                *list = None;
            }
        }
    }
}

impl Hydrated {
    /// The labels of what is here.
    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The account, or this record of it, needs review: until then it is for the account itself and for
    /// those who follow it.
    pub(crate) fn held_back(&self, viewer: Option<&Did>, did: &Did, record: &str) -> bool {
        let needs_review = &self.labels.needs_review;
        if !needs_review.contains(did.as_str()) && !needs_review.contains(record) {
            return false;
        }
        let follows = self.relation(did).is_some_and(|relation| relation.following.is_some());
        viewer != Some(did) && !follows
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use http::{HeaderMap, HeaderValue};
    use millrace_dataplane::query::hydrate::Hydration;
    use serde_json::json;

    use super::*;

    const DID: &str = "did:plc:other";
    const POST: &str = "at://did:plc:other/app.bsky.feed.post/1";

    fn label(src: &str, uri: &str, val: &str) -> Label {
        let (src, cts) = (Did::parse(src).unwrap(), "2026-01-01T00:00:00Z".to_owned());
        let (uri, val) = (uri.to_owned(), val.to_owned());
        Label { ver: None, src, uri, cid: None, val, cts, exp: None, sig: None }
    }

    fn hydrated(labels: Vec<Label>, viewer: serde_json::Value, all_visible: bool) -> Hydrated {
        let mut headers = HeaderMap::new();
        let accepted = HeaderValue::from_static("did:plc:strict;redact,did:plc:mild");
        headers.insert(crate::request::labelers::ACCEPT, accepted);
        let labelers = Labelers::of(&headers, &[]).unwrap();
        let actors = vec![crate::views::tests::actor(DID, true, viewer)];
        let posts = vec![crate::views::tests::post(POST, json!({}), json!({}))];
        let hydration = Hydration { actors, posts, labels, ..Hydration::default() };
        Hydrated::new(hydration, None, all_visible, &labelers)
    }

    #[test]
    fn only_labelers_that_may_redact_take_down() {
        let did = Did::parse(DID).unwrap();
        // labels; account shown, post shown
        let table = [
            (vec![], true, true),
            (vec![label("did:plc:mild", DID, "!takedown")], true, true),
            (vec![label("did:plc:strict", DID, "porn")], true, true),
            (vec![label("did:plc:strict", DID, "!takedown")], false, false),
            (vec![label("did:plc:strict", DID, "!suspend")], false, false),
            (vec![label("did:plc:strict", POST, "!takedown")], true, false),
        ];
        for (labels, account, post) in table {
            let seen = hydrated(labels.clone(), json!({}), false);
            assert_eq!(seen.actor(&did).is_some(), account, "{labels:?}");
            assert_eq!(seen.post(POST).is_some(), post, "{labels:?}");
            let moderator = hydrated(labels, json!({}), true);
            assert!(moderator.actor(&did).is_some() && moderator.post(POST).is_some());
        }
    }

    #[test]
    fn what_needs_review_is_for_the_author_and_followers_and_says_nothing() {
        let (did, stranger) = (Did::parse(DID).unwrap(), Did::parse("did:plc:stranger").unwrap());
        let following = json!({"following": "at://did:plc:x/y/z"});
        for subject in [DID, POST] {
            let labels = || vec![label("did:plc:strict", subject, "needs-review")];
            let seen = hydrated(labels(), json!({}), false);
            assert!(
                seen.held_back(Some(&stranger), &did, POST) && seen.held_back(None, &did, POST)
            );
            assert!(!seen.held_back(Some(&did), &did, POST));
            assert!(seen.labels().of(subject).is_empty());
            let follower = hydrated(labels(), following.clone(), false);
            assert!(!follower.held_back(Some(&stranger), &did, POST));
        }
        let mild = hydrated(vec![label("did:plc:mild", DID, "needs-review")], json!({}), false);
        assert!(!mild.held_back(None, &did, POST));
        assert_eq!(mild.labels().of(DID).len(), 1);
    }

    #[test]
    fn a_list_of_somebody_taken_down_blocks_nobody() {
        let did = Did::parse(DID).unwrap();
        let blocked = json!({"blockingByList": "at://did:plc:maker/app.bsky.graph.list/1"});
        assert!(hydrated(vec![], blocked.clone(), false).blocked(&did));
        let labels = vec![label("did:plc:strict", "did:plc:maker", "!takedown")];
        assert!(!hydrated(labels, blocked, false).blocked(&did));
    }
}
