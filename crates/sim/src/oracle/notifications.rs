//! What an account is told: of likes, reposts, follows, verifications, starter packs, and of posts that
//! mention, quote or answer.
//!
//! Of a record an account is told once, for the first reason that holds. Who is told of a reply is decided
//! when it is indexed, from the posts above it and the gate over them. Where one of these was written, edited or
//! deleted at about the same time, the reply may be told or not.

use super::list::{Item, List, Place, by_uri};
use super::model::Model;
use super::said::Said;
use super::state::{Document, Edge, Edges, State};
use super::truth::{self, collection_of, text};
use super::view::View;

/// Authors of posts this many levels above a reply are not told any more.
const REPLY_DEPTH: usize = 5;

/// Reasons for which accounts are told of what is there.
pub(super) const REASONS: [&str; 10] = [
    "like",
    "repost",
    "follow",
    "mention",
    "reply",
    "quote",
    "starterpack-joined",
    "verified",
    "like-via-repost",
    "repost-via-repost",
];

/// That an account is told of a record.
struct Notice<'a> {
    uri: &'a str,
    by: &'a str,
    cid: &'a str,
    record: &'a serde_json::Value,
    place: Place,
    reason: &'static str,
    /// What it is about; `Unknown` where the order of indexing decides.
    subject: Said,
    sure: bool,
}

/// How a reply concerns an account.
struct Answered<'a> {
    subject: Option<&'a str>,
    sure: bool,
}

impl<'a> View<'a> {
    /// Everything the viewer is told, newest first.
    pub(super) fn notifications(&self) -> List {
        let Some(viewer) = self.viewer else { return List::newest(by_uri, Vec::new()) };
        let now = self.now();
        let edges =
            now.likes.iter().filter_map(|edge| told_of(edge, viewer, "like", "like-via-repost"));
        let reposts = now
            .reposts
            .iter()
            .filter_map(|edge| told_of(edge, viewer, "repost", "repost-via-repost"));
        let told = now.follows.iter().filter(|edge| edge.subject == viewer && edge.by != viewer);
        let follows = told.map(|edge| Notice::of(edge, "follow", Said::Absent));
        let told = now.verifications.iter().filter(|edge| edge.subject == viewer);
        let verified = told.map(|edge| Notice::of(edge, "verified", Said::Absent));
        let joined =
            now.documents.values().filter_map(|profile| joined(self.model, profile, viewer));
        let posts = now.posts.values().filter_map(|post| self.told_of_post(post, viewer));
        let all = edges.chain(reposts).chain(follows).chain(verified).chain(joined).chain(posts);
        let items = all.filter_map(|notice| self.notice(notice, viewer));
        List::newest(by_uri, items.collect())
    }

    /// A notice as it is shown, if it is.
    fn notice(&self, notice: Notice<'_>, viewer: &str) -> Option<Item> {
        let relation = self.relation(notice.by);
        if relation.blocks() || relation.mutes() {
            return None;
        }
        let mut sure = notice.sure && self.is_told_once(notice.uri);
        if let Said::Is(subject) = &notice.subject {
            let subject = subject.as_str().unwrap_or_default();
            let gone = match collection_of(subject) {
                super::state::POST => !self.now().posts.contains_key(subject),
                "app.bsky.feed.repost" => self.now().reposts.find(subject).is_none(),
                _ => !self.now().documents.contains_key(subject),
            };
            if gone {
                return None;
            }
            // From when on a muted thread is silent, the program's own clock says.
            let root = self.now().posts.get(subject).map(Document::root);
            let mut muted = self.model.own.thread_mutes.iter();
            sure &= !muted.any(|(by, thread)| by == viewer && Some(thread.as_str()) == root);
        }
        let post = self.now().posts.get(notice.uri);
        let hidden = post.is_some_and(|post| {
            let root = post.root();
            truth::did_of(root) == viewer && self.now().hides(root, &post.uri)
        });
        if notice.reason == "reply" && hidden {
            return None;
        }
        // A profile that was edited since may be shown as it is or as it was told of.
        let edited = self.now().documents.get(notice.uri).is_some_and(|profile| profile.edited);
        let told_as_it_is = |said: Said| if edited { Said::Present } else { said };
        let said = Said::Fields(vec![
            ("uri", Said::text(notice.uri)),
            ("cid", told_as_it_is(Said::text(notice.cid))),
            ("author", self.profile(notice.by)?),
            ("reason", Said::text(notice.reason)),
            ("reasonSubject", notice.subject),
            ("record", told_as_it_is(Said::Is(notice.record.clone()))),
            ("indexedAt", Said::Between(notice.place.first_us, notice.place.last_us)),
        ]);
        Some(Item { key: notice.uri.to_owned(), place: notice.place, sure, said })
    }

    /// Of several records that say the same, the one that was indexed first tells of them all; when that
    /// one goes, the others tell nobody.
    fn is_told_once(&self, uri: &str) -> bool {
        let now = self.now();
        let alone = |edges: &Edges| {
            edges.find(uri).is_none_or(|edge| {
                let same = edges.about(&edge.subject).filter(|other| other.by == edge.by);
                same.count() == 1 && !self.model.may_have_been_second(edge)
            })
        };
        alone(&now.likes) && alone(&now.reposts) && alone(&now.follows) && alone(&now.verifications)
    }

    fn told_of_post(&self, post: &'a Document, viewer: &str) -> Option<Notice<'a>> {
        if post.by == viewer {
            return None;
        }
        let judged = self.model.judged(&post.uri);
        let told = |reason, subject, sure| Notice {
            uri: &post.uri,
            by: &post.by,
            cid: &post.cid,
            record: &post.value,
            place: post.place,
            reason,
            subject,
            sure,
        };
        if post.mentions().contains(&viewer) {
            return Some(told("mention", Said::Absent, true));
        }
        let quoted = post.quoted().filter(|_| !judged.violates_postgate);
        if let Some(quoted) = quoted.filter(|quoted| truth::did_of(quoted) == viewer) {
            return Some(told("quote", Said::text(quoted), true));
        }
        match self.answered(post, viewer)? {
            Answered { subject: Some(subject), sure: true } => {
                Some(told("reply", Said::text(subject), true))
            }
            Answered { sure: true, .. } => None,
            Answered { .. } => Some(told("reply", Said::Unknown, false)),
        }
    }

    /// Which post of the account a reply answers, directly or further up.
    fn answered(&self, post: &'a Document, did: &str) -> Option<Answered<'a>> {
        post.parent()?;
        let (before, after) = self.model.around(&post.uri, &post.cid);
        let violates = self.model.judged(&post.uri).violates_threadgate;
        let told = |uri: &&str| truth::did_of(uri) == did;
        let by_rules = chain(post, &[after], Some(after)).posts.into_iter().find(told);
        let by_rules = by_rules.filter(|_| !violates);
        let every = [before, Some(after)].into_iter().flatten().collect::<Vec<_>>();
        let whole = chain(post, &every, None);
        let somehow = whole.posts.iter().copied().find(|uri| told(uri));
        let left = whole.posts.iter().any(|uri| !after.posts.contains_key(*uri));
        // It may have answered something else.
        let edited = |uri: &&str| after.posts.get(*uri).is_some_and(|post| post.edited);
        let gate = format!(
            "at://{}/app.bsky.feed.threadgate/{}",
            truth::did_of(post.root()),
            truth::rkey_of(post.root())
        );
        let shaken = left
            || whole.posts.iter().any(edited)
            || after.touched.contains(&gate)
            || whole.missing.is_some_and(|uri| after.touched.contains(uri));
        let came = whole
            .posts
            .iter()
            .any(|uri| before.is_none_or(|before| !before.posts.contains_key(*uri)));
        let sure = !shaken && (!came || by_rules == somehow);
        Some(Answered { subject: by_rules, sure })
    }
}

/// The posts above a reply, nearest first, and the first one that is not there.
struct Chain<'a> {
    posts: Vec<&'a str>,
    missing: Option<&'a str>,
}

/// Looks the posts up in any of `states`; ends below a post that the gate of `gated` hides.
fn chain<'a>(post: &'a Document, states: &[&'a State], gated: Option<&State>) -> Chain<'a> {
    let mut posts = Vec::new();
    let mut next = post.parent();
    while let Some(uri) = next {
        let Some(found) = states.iter().find_map(|state| state.posts.get(uri)) else {
            return Chain { posts, missing: Some(uri) };
        };
        if posts.len() + 1 == REPLY_DEPTH || uri == post.uri || posts.contains(&uri) {
            break;
        }
        posts.push(uri);
        if gated.is_some_and(|state| state.hides(post.root(), uri)) {
            break;
        }
        next = found.parent();
    }
    Chain { posts, missing: None }
}

impl<'a> Notice<'a> {
    fn of(edge: &'a Edge, reason: &'static str, subject: Said) -> Self {
        Self {
            uri: &edge.uri,
            by: &edge.by,
            cid: &edge.cid,
            record: &edge.value,
            place: edge.place,
            reason,
            subject,
            sure: true,
        }
    }
}

/// A like or repost of a record of the viewer's, or of one that its author came to by the viewer's repost.
fn told_of<'a>(
    edge: &'a Edge,
    viewer: &str,
    reason: &'static str,
    via: &'static str,
) -> Option<Notice<'a>> {
    if edge.by == viewer {
        return None;
    }
    if truth::did_of(&edge.subject) == viewer {
        return Some(Notice::of(edge, reason, Said::text(&edge.subject)));
    }
    let repost = edge.via.as_deref().filter(|repost| truth::did_of(repost) == viewer)?;
    Some(Notice::of(edge, via, Said::text(repost)))
}

/// An account that came by a starter pack of the viewer's: its profile said so from the beginning. What is
/// added later tells nobody, but who missed the first version takes a later one for it.
fn joined<'a>(model: &'a Model, profile: &'a Document, viewer: &str) -> Option<Notice<'a>> {
    let is_profile = collection_of(&profile.uri) == "app.bsky.actor.profile";
    is_profile.then_some(())?;
    let versions = model.versions_of(profile);
    let pack = |version: &'a Document| {
        let pack = text(&version.value, "/joinedViaStarterPack/uri");
        pack.filter(|pack| truth::did_of(pack) == viewer)
    };
    let subject = versions.clone().find_map(pack);
    // Nobody knows how it was before the first moment at which it was looked at: it may have named any pack.
    let was_edited = versions.clone().next().is_some_and(|first| first.edited);
    let named = match was_edited {
        true => Said::Present,
        false => Said::text(subject?),
    };
    let always = versions.clone().all(|version| pack(version) == subject);
    let place = Place { last_us: model.now().settled_us, ..profile.place };
    Some(Notice {
        uri: &profile.uri,
        by: &profile.by,
        cid: &profile.cid,
        record: &profile.value,
        place,
        reason: "starterpack-joined",
        subject: named,
        sure: always && !was_edited && profile.by != viewer,
    })
}
