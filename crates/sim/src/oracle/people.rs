//! Lists of people: who follows, likes, reposts, is blocked, is muted.

use super::list::{Item, List, Place, by_did};
use super::said::Said;
use super::state::{Document, Edge};
use super::truth;
use super::view::View;

impl<'a> View<'a> {
    pub(super) fn followers(&self, did: &str) -> List {
        let edges = self.now().follows.about(did).filter(|edge| edge.first);
        let welcome = edges.filter(|edge| !self.are_apart(&edge.by, did));
        self.people(welcome.map(|edge| (edge.by.as_str(), edge.place)))
    }

    pub(super) fn follows(&self, did: &str) -> List {
        let edges = self.now().follows.iter().filter(|edge| edge.first && edge.by == did);
        let welcome = edges.filter(|edge| !self.are_apart(&edge.subject, did));
        self.people(welcome.map(|edge| (edge.subject.as_str(), edge.place)))
    }

    /// Whom the viewer follows among an account's followers; the protocol promises no order.
    pub(super) fn known_follower_list(&self, did: &str) -> List {
        let known = self.known_follower_dids(did);
        let welcome = known.into_iter().filter(|did| !self.blocks(did));
        let found = self.people(welcome.map(|did| (did, Place::of(None, (0, 0), ""))));
        List::unordered(found.key, found.items)
    }

    pub(super) fn reposted_by(&self, uri: &str) -> List {
        let edges = self.now().reposts.about(uri).filter(|edge| edge.first);
        let welcome = edges.filter(|edge| !self.blocks(&edge.by));
        self.people(welcome.map(|edge| (edge.by.as_str(), edge.place)))
    }

    pub(super) fn liked_by(&self, uri: &str) -> List {
        let author = truth::did_of(uri);
        let edges = self.now().likes.about(uri).filter(|edge| edge.first);
        let welcome = edges.filter(|edge| !self.are_apart(&edge.by, author));
        let items = welcome.filter_map(|edge| {
            let said = Said::Fields(vec![
                ("actor", self.profile(&edge.by)?),
                ("createdAt", created_at(edge)),
                ("indexedAt", Said::Between(edge.place.first_us, edge.place.last_us)),
            ]);
            Some(Item { key: edge.by.clone(), place: edge.place, sure: true, said })
        });
        let key = |view: &serde_json::Value| {
            truth::text(view, "/actor/did").unwrap_or_default().to_owned()
        };
        List::newest(key, items.collect())
    }

    pub(super) fn blocked_accounts(&self) -> List {
        let by_viewer = |edge: &&Edge| edge.first && Some(edge.by.as_str()) == self.viewer;
        let edges = self.now().blocks.iter().filter(by_viewer);
        self.people(edges.map(|edge| (edge.subject.as_str(), edge.place)))
    }

    /// Whom the viewer mutes, the latest mutes first.
    pub(super) fn muted_accounts(&self) -> List {
        let mutes = self.model.own.mutes.iter().zip(0..);
        let mutes = mutes.filter(|((by, _), _)| Some(by.as_str()) == self.viewer);
        let places = mutes.map(|((_, muted), order): (&(String, String), i64)| {
            (muted.as_str(), Place { first_us: order, last_us: order, tid: None })
        });
        self.people(places)
    }

    /// Posts that quote a post.
    pub(super) fn quotes(&self, uri: &str) -> List {
        let quotes = self.now().quotes_of(uri).filter(|quote| {
            !self.blocks(&quote.by) && !self.now().is_blocked_between(&quote.by, truth::did_of(uri))
        });
        self.posts(quotes)
    }

    /// Posts by themselves, newest first.
    pub(super) fn posts<'p>(&self, posts: impl Iterator<Item = &'p Document>) -> List {
        let item = |post: &Document| {
            let said = self.post(&post.uri)?;
            Some(Item { key: post.uri.clone(), place: post.place, sure: true, said })
        };
        List::newest(super::list::by_uri, posts.filter_map(item).collect())
    }

    /// Whether two accounts, or one of them and the viewer, want nothing to do with each other.
    fn are_apart(&self, shown: &str, with: &str) -> bool {
        self.now().is_blocked_between(shown, with) || self.blocks(shown)
    }

    fn people<'p>(&self, people: impl Iterator<Item = (&'p str, Place)>) -> List {
        let items = people.filter_map(|(did, place)| {
            let said = self.profile(did)?;
            Some(Item { key: did.to_owned(), place, sure: true, said })
        });
        List::newest(by_did, items.collect())
    }
}

/// When an edge says it was made.
fn created_at(edge: &Edge) -> Said {
    match edge.created_us {
        Some(created_us) => Said::Between(created_us, created_us),
        None => Said::Present,
    }
}
