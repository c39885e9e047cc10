//! The network as one viewer sees it, and accounts in their three sizes.

use millrace_atproto::datetime::{epoch_us, format_ms_us};
use serde_json::Value;

use super::model::Model;
use super::relations::Relation;
use super::said::Said;
use super::state::{Document, State};
use super::truth::{items, text};

/// What somebody, or nobody in particular, is shown.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub(super) model: &'a Model,
    pub(super) viewer: Option<&'a str>,
}

const PROFILE: &str = "app.bsky.actor.profile/self";

impl Model {
    pub fn view<'a>(&'a self, viewer: Option<&'a str>) -> View<'a> {
        View { model: self, viewer }
    }
}

impl<'a> View<'a> {
    pub(super) fn now(&self) -> &'a State {
        self.model.now()
    }

    /// What the viewer is to an account; nothing if nobody in particular looks.
    pub(super) fn relation(&self, did: &str) -> Relation<'a> {
        match self.viewer {
            Some(viewer) => self.now().relation(&self.model.own, viewer, did),
            None => Relation::default(),
        }
    }

    /// A block either way between the viewer and an account.
    pub(super) fn blocks(&self, did: &str) -> bool {
        self.relation(did).blocks()
    }

    /// An account as it stands beside a post, if it may be shown.
    pub(super) fn basic(&self, did: &str) -> Option<Said> {
        let now = self.now();
        let account = now.accounts.get(did).filter(|account| account.active)?;
        let profile = now.profile(did);
        let value = profile.map_or(&Value::Null, |profile| &profile.value);
        let handle = account.handle.as_deref().unwrap_or("handle.invalid");
        let created_us = text(value, "/createdAt").and_then(epoch_us);
        Some(Said::Fields(vec![
            ("did", Said::text(did)),
            ("handle", Said::text(handle)),
            ("displayName", Said::maybe_text(text(value, "/displayName"))),
            ("pronouns", Said::maybe_text(text(value, "/pronouns"))),
            ("avatar", image(did, value.get("avatar"))),
            ("associated", self.associated(did)),
            ("viewer", self.viewer_state(did)),
            ("labels", self.labels(&[did, &format!("at://{did}/{PROFILE}")], profile)),
            ("createdAt", Said::maybe_text(created_us.map(format_ms_us).as_deref())),
            ("status", self.status(did)),
        ]))
    }

    /// An account as it stands in a list of people.
    pub(super) fn profile(&self, did: &str) -> Option<Said> {
        let profile = self.now().profile(did);
        let description = profile.and_then(|profile| text(&profile.value, "/description"));
        Some(self.basic(did)?.and([
            ("description", Said::maybe_text(description.filter(|text| !text.is_empty()))),
            ("indexedAt", profile.map_or(Said::Absent, indexed_at)),
        ]))
    }

    /// An account on its own page.
    pub(super) fn detailed(&self, did: &str) -> Option<Said> {
        let now = self.now();
        let value = now.profile(did).map_or(&Value::Null, |profile| &profile.value);
        let website = text(value, "/website").filter(|url| url.starts_with("https://"));
        let count = |count: usize| Said::count(count);
        let documents = |collection| count(now.documents_of(did, collection).count());
        let associated = Said::Fields(vec![
            ("lists", documents(super::state::LIST)),
            ("feedgens", documents(super::state::GENERATOR)),
            ("starterPacks", documents(super::state::STARTER_PACK)),
            ("labeler", Said::truth(self.is_labeler(did))),
            ("chat", self.chat(did)),
            ("activitySubscription", self.activity_subscription(did)),
        ]);
        let first = |edge: &&super::state::Edge| edge.first;
        let followers = now.follows.about(did).filter(first);
        let follows = now.follows.iter().filter(first).filter(|edge| edge.by == did);
        let known = match self.viewer {
            Some(_) => self.viewer_state(did).and([("knownFollowers", self.known_followers(did))]),
            None => Said::Absent,
        };
        Some(self.profile(did)?.and([
            ("website", Said::maybe_text(website)),
            ("banner", image(did, value.get("banner"))),
            ("followersCount", count(followers.count())),
            ("followsCount", count(follows.count())),
            ("postsCount", count(now.posts_of(did).count())),
            ("pinnedPost", self.pinned(did)),
            ("associated", associated),
            ("viewer", known),
        ]))
    }

    fn pinned(&self, did: &str) -> Said {
        let pinned = self.now().profile(did).and_then(|profile| profile.value.get("pinnedPost"));
        let fields = |pinned: &Value| {
            Said::Fields(vec![
                ("uri", Said::maybe(pinned.get("uri"))),
                ("cid", Said::maybe(pinned.get("cid"))),
            ])
        };
        pinned.map_or(Said::Absent, fields)
    }

    fn associated(&self, did: &str) -> Said {
        let labeler = if self.is_labeler(did) { Said::truth(true) } else { Said::Absent };
        Said::Fields(vec![
            ("labeler", labeler),
            ("chat", self.chat(did)),
            ("activitySubscription", self.activity_subscription(did)),
        ])
    }

    pub(super) fn is_labeler(&self, did: &str) -> bool {
        self.now().document(did, super::state::LABELER, "self").is_some()
    }

    fn chat(&self, did: &str) -> Said {
        let declared = self.now().document(did, "chat.bsky.actor.declaration", "self");
        match declared.and_then(|declared| text(&declared.value, "/allowIncoming")) {
            Some(allowed) => Said::Fields(vec![("allowIncoming", Said::text(allowed))]),
            None => Said::Absent,
        }
    }

    fn activity_subscription(&self, did: &str) -> Said {
        let declared = self.now().document(did, "app.bsky.notification.declaration", "self");
        let said = declared.and_then(|declared| text(&declared.value, "/allowSubscriptions"));
        let known = said.filter(|said| ["followers", "mutuals", "none"].contains(said));
        Said::Fields(vec![("allowSubscriptions", Said::text(known.unwrap_or("followers")))])
    }

    /// What an account says it is doing at the moment.
    fn status(&self, did: &str) -> Said {
        let Some(status) = self.now().document(did, "app.bsky.actor.status", "self") else {
            return Said::Absent;
        };
        Said::Fields(vec![
            ("uri", Said::text(&status.uri)),
            ("cid", Said::text(&status.cid)),
            ("status", Said::maybe(status.value.get("status"))),
            ("record", Said::Is(status.value.clone())),
        ])
    }

    /// What the viewer is to an account, as views show it.
    pub(super) fn viewer_state(&self, did: &str) -> Said {
        if self.viewer.is_none() {
            return Said::Absent;
        }
        let relation = self.relation(did);
        let lists = |lists: &[&str]| match lists {
            [] => Said::Absent,
            lists => Said::Fields(vec![("uri", Said::any_text(lists.iter().copied()))]),
        };
        let follow = |edge: Option<&super::state::Edge>| {
            Said::maybe_text(edge.filter(|_| !relation.blocks()).map(|edge| edge.uri.as_str()))
        };
        let blocking = match relation.blocking {
            Some(block) => Said::text(&block.uri),
            None => Said::any_text(relation.blocking_by_lists.iter().copied()),
        };
        Said::Fields(vec![
            ("muted", Said::truth(relation.mutes())),
            ("mutedByList", lists(&relation.muted_by_lists)),
            ("blockedBy", Said::truth(relation.is_blocked())),
            ("blocking", blocking),
            ("blockingByList", lists(&relation.blocking_by_lists)),
            ("following", follow(relation.following)),
            ("followedBy", follow(relation.followed_by)),
        ])
    }

    /// What labelers that count say of any of these, and what an author says of their own record.
    pub(super) fn labels(&self, subjects: &[&str], record: Option<&Document>) -> Said {
        let labelers = &self.model.own.labelers;
        let known = subjects.iter().filter_map(|subject| self.now().labels.get(*subject)).flatten();
        let counted = known.filter(|label| labelers.contains(&label.src)).map(|label| {
            Said::Fields(vec![
                ("src", Said::text(&label.src)),
                ("uri", Said::text(&label.subject)),
                ("val", Said::text(&label.val)),
                ("neg", Said::Absent),
            ])
        });
        Said::AnyOrder(counted.chain(self_labels(record)).collect())
    }

    /// Those whom the viewer follows among an account's followers.
    pub(super) fn known_follower_dids(&self, did: &str) -> Vec<&'a str> {
        let now = self.now();
        let Some(viewer) = self.viewer else { return Vec::new() };
        let followers = now.follows.about(did).filter(|edge| edge.first);
        followers
            .map(|edge| edge.by.as_str())
            .filter(|follower| now.follow(viewer, follower).is_some())
            .collect()
    }

    fn known_followers(&self, did: &str) -> Said {
        let known = self.known_follower_dids(did);
        match known.len() {
            _ if self.viewer == Some(did) => Said::Unknown,
            0 => Said::Absent,
            count => Said::Fields(vec![("count", Said::count(count))]),
        }
    }
}

/// When a record is said to have been indexed: not after it says that it was made.
pub(super) fn indexed_at(document: &Document) -> Said {
    Said::Between(document.place.first_us, document.place.last_us)
}

/// The address of an image.
pub(super) fn image(did: &str, blob: Option<&Value>) -> Said {
    match blob.and_then(|blob| text(blob, "/ref/$link")) {
        Some(cid) => Said::Mentions(vec![did.to_owned(), cid.to_owned()]),
        None => Said::Absent,
    }
}

/// What an author says of their own record.
fn self_labels(record: Option<&Document>) -> impl Iterator<Item = Said> {
    let values = record.map(|record| items(&record.value, "/labels/values")).unwrap_or_default();
    let label = |value: &Value| Said::Fields(vec![("val", Said::maybe(value.get("val")))]);
    values.iter().map(label)
}
