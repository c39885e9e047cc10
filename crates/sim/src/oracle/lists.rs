//! Lists, starter packs, feed generators and labelers.

use super::list::{Item, List, by_uri};
use super::said::Said;
use super::state::{
    CURATION_LIST, Document, Edge, GENERATOR, LABELER, LIST, MODERATION_LIST, STARTER_PACK,
};
use super::truth::{self, collection_of, items, text};
use super::view::{View, image, indexed_at};

/// Members of a starter pack's list that are shown with it.
const SAMPLE: usize = 12;

impl<'a> View<'a> {
    fn found(&self, uri: &str, collection: &str) -> Option<&'a Document> {
        self.now().documents.get(uri).filter(|_| collection_of(uri) == collection)
    }

    /// A list without its author.
    pub(super) fn list_basic(&self, uri: &str) -> Option<Said> {
        let list = self.found(uri, LIST)?;
        let viewer = match self.viewer {
            None => Said::Absent,
            Some(viewer) => {
                let mut mutes = self.model.own.list_mutes.iter();
                let block = |edge: &&Edge| edge.first && edge.by == viewer && edge.subject == uri;
                let block = self.now().list_blocks.iter().find(block);
                Said::Fields(vec![
                    ("muted", Said::truth(mutes.any(|(by, list)| by == viewer && list == uri))),
                    ("blocked", Said::maybe_text(block.map(|block| block.uri.as_str()))),
                ])
            }
        };
        Some(Said::Fields(vec![
            ("uri", Said::text(uri)),
            ("cid", Said::text(&list.cid)),
            ("name", Said::maybe(list.value.get("name"))),
            ("purpose", Said::maybe(list.value.get("purpose"))),
            ("avatar", image(&list.by, list.value.get("avatar"))),
            ("listItemCount", Said::count(self.now().on_list(uri).count())),
            ("indexedAt", indexed_at(list)),
            ("viewer", viewer),
        ]))
    }

    pub(super) fn list(&self, uri: &str) -> Option<Said> {
        let list = self.found(uri, LIST)?;
        Some(self.list_basic(uri)?.and([
            ("creator", self.profile(&list.by)?),
            ("description", Said::maybe(list.value.get("description"))),
        ]))
    }

    /// Who is on a list. On lists that only say who belongs together, those are left out who are blocked
    /// by the list's author or block them.
    pub(super) fn list_items(&self, uri: &str) -> List {
        let owner = truth::did_of(uri);
        let purpose = self.found(uri, LIST).and_then(|list| text(&list.value, "/purpose"));
        let all = self.viewer == Some(owner) || purpose == Some(MODERATION_LIST);
        let apart = |did: &str| !all && self.now().is_blocked_between(owner, did);
        let items = self.now().on_list(uri).filter(|item| !apart(&item.subject));
        let items = items.filter_map(|item| {
            let said = Said::Fields(vec![
                ("uri", Said::text(&item.uri)),
                ("subject", self.profile(&item.subject)?),
            ]);
            Some(Item { key: item.uri.clone(), place: item.place, sure: true, said })
        });
        List::newest(by_uri, items.collect())
    }

    /// An account's lists to moderate by and to read.
    pub(super) fn lists_of(&self, did: &str) -> List {
        let shown = |list: &&Document| {
            let purpose = text(&list.value, "/purpose").unwrap_or_default();
            [MODERATION_LIST, CURATION_LIST].contains(&purpose)
        };
        let lists = self.now().documents_of(did, LIST).filter(shown);
        self.views(lists, |uri| self.list(uri))
    }

    /// Lists whose members the viewer blocks. Which order they come in is left open: the reference sorts
    /// by the lists, others by the blocks.
    pub(super) fn blocked_lists(&self) -> List {
        let by_viewer = |edge: &&Edge| edge.first && Some(edge.by.as_str()) == self.viewer;
        let edges = self.now().list_blocks.iter().filter(by_viewer);
        self.unordered_lists(edges.map(|edge| edge.subject.as_str()))
    }

    pub(super) fn muted_lists(&self) -> List {
        let mutes = self.model.own.list_mutes.iter();
        let mutes = mutes.filter(|(by, _)| Some(by.as_str()) == self.viewer);
        self.unordered_lists(mutes.map(|(_, list)| list.as_str()))
    }

    fn unordered_lists<'l>(&self, uris: impl Iterator<Item = &'l str>) -> List {
        let lists = uris.filter_map(|uri| self.found(uri, LIST));
        let views = self.views(lists, |uri| self.list(uri));
        List::unordered(views.key, views.items)
    }

    pub(super) fn generator(&self, uri: &str) -> Option<Said> {
        let generator = self.found(uri, GENERATOR)?;
        let value = &generator.value;
        Some(Said::Fields(vec![
            ("uri", Said::text(uri)),
            ("cid", Said::text(&generator.cid)),
            ("did", Said::maybe(value.get("did"))),
            ("creator", self.profile(&generator.by)?),
            ("displayName", Said::maybe(value.get("displayName"))),
            ("description", Said::maybe(value.get("description"))),
            ("avatar", image(&generator.by, value.get("avatar"))),
            ("likeCount", self.like_count(uri)),
            ("viewer", self.liked(uri)),
            ("acceptsInteractions", Said::maybe(value.get("acceptsInteractions"))),
            ("contentMode", Said::maybe(value.get("contentMode"))),
            ("indexedAt", indexed_at(generator)),
        ]))
    }

    pub(super) fn generators_of(&self, did: &str) -> List {
        self.views(self.now().documents_of(did, GENERATOR), |uri| self.generator(uri))
    }

    pub(super) fn labeler(&self, did: &str) -> Option<Said> {
        let labeler = self.now().document(did, LABELER, "self")?;
        Some(Said::Fields(vec![
            ("uri", Said::text(&labeler.uri)),
            ("cid", Said::text(&labeler.cid)),
            ("creator", self.profile(did)?),
            ("likeCount", self.like_count(&labeler.uri)),
            ("viewer", self.liked(&labeler.uri)),
            ("indexedAt", indexed_at(labeler)),
            ("labels", self.labels(&[&labeler.uri], Some(labeler))),
        ]))
    }

    fn like_count(&self, uri: &str) -> Said {
        let likes = self.now().likes.about(uri).filter(|edge| edge.first);
        Said::count(likes.count())
    }

    fn liked(&self, uri: &str) -> Said {
        let Some(viewer) = self.viewer else { return Said::Absent };
        let like = |edge: &&Edge| edge.first && edge.by == viewer;
        let like = self.now().likes.about(uri).find(like).map(|like| like.uri.as_str());
        Said::Fields(vec![("like", Said::maybe_text(like))])
    }

    pub(super) fn starter_pack_basic(&self, uri: &str) -> Option<Said> {
        let pack = self.found(uri, STARTER_PACK)?;
        let joined = |profile: &&Document| {
            truth::rkey_of(&profile.uri) == "self"
                && collection_of(&profile.uri) == "app.bsky.actor.profile"
                && text(&profile.value, "/joinedViaStarterPack/uri") == Some(uri)
        };
        Some(Said::Fields(vec![
            ("uri", Said::text(uri)),
            ("cid", Said::text(&pack.cid)),
            ("record", Said::Is(pack.value.clone())),
            ("creator", self.basic(&pack.by)?),
            (
                "joinedAllTimeCount",
                Said::count(self.now().documents.values().filter(joined).count()),
            ),
            ("indexedAt", indexed_at(pack)),
        ]))
    }

    pub(super) fn starter_pack(&self, uri: &str) -> Option<Said> {
        let pack = self.found(uri, STARTER_PACK)?;
        let feeds = items(&pack.value, "/feeds").iter().filter_map(|feed| text(feed, "/uri"));
        let feeds = feeds.filter_map(|feed| self.generator(feed)).collect();
        let list = text(&pack.value, "/list").unwrap_or_default();
        Some(self.starter_pack_basic(uri)?.and([
            ("feeds", Said::Items(feeds)),
            ("list", self.list_basic(list).unwrap_or(Said::Absent)),
            ("listItemsSample", self.sample(list)),
        ]))
    }

    /// The best known on a list, where they are few enough to be all of them.
    fn sample(&self, list: &str) -> Said {
        let owner = truth::did_of(list);
        let all = self.viewer == Some(owner);
        let apart = |did: &str| !all && self.now().is_blocked_between(owner, did);
        let members: Vec<&Edge> =
            self.now().on_list(list).filter(|item| !apart(&item.subject)).collect();
        if members.len() > SAMPLE {
            return Said::Present;
        }
        let items = members.into_iter().filter_map(|item| {
            let said = Said::Fields(vec![
                ("uri", Said::text(&item.uri)),
                ("subject", self.profile(&item.subject)?),
            ]);
            Some(Item { key: item.uri.clone(), place: item.place, sure: true, said })
        });
        Said::List(List::unordered(by_uri, items.collect()))
    }

    pub(super) fn starter_packs_of(&self, did: &str) -> List {
        let packs = self.now().documents_of(did, STARTER_PACK);
        self.views(packs, |uri| self.starter_pack_basic(uri))
    }

    fn views<'d>(
        &self,
        documents: impl Iterator<Item = &'d Document>,
        view: impl Fn(&str) -> Option<Said>,
    ) -> List {
        let items = documents.filter_map(|document| {
            let said = view(&document.uri)?;
            Some(Item { key: document.uri.clone(), place: document.place, sure: true, said })
        });
        List::newest(by_uri, items.collect())
    }
}
