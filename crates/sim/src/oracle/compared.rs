//! Which methods are compared, with which questions, and what the answers are made of. A method is added
//! here by its line; one that is not there fails the comparison.

use super::about::{About, Kind};
use super::feeds::Filter;
use super::list::List;
use super::notifications::REASONS;
use super::question::{Answer, Question};
use super::said::Said;
use super::state::{GENERATOR, LIST, STARTER_PACK};
use super::threads::Bounds;
use super::truth;
use super::view::View;

/// A method and how its questions are made.
pub struct Compared {
    pub nsid: &'static str,
    pub about: About,
    /// The field that holds the items of a page, where answers come in pages.
    pub field: Option<&'static str>,
    answer: fn(&View<'_>, &str) -> Answer,
}

/// Items of the longest page.
const PAGE_MAX: usize = 100;
const INVALID: &[&str] = &["InvalidRequest"];
const HIDDEN: &[&str] = &["AccountTakedown", "AccountDeactivated", "InvalidRequest"];

/// Every method that is compared.
pub const COMPARED: &[Compared] = &[
    // Accounts
    whole("app.bsky.actor.getProfile", About::each("actor", Kind::Account), |view, did| {
        Answer::or_refused(view.detailed(did), HIDDEN)
    }),
    whole("app.bsky.actor.getProfiles", About::several("actors", Kind::Account), |view, dids| {
        of_several("profiles", dids, |did| view.detailed(did))
    }),
    pages(
        "app.bsky.graph.getFollowers",
        "followers",
        About::each("actor", Kind::Account),
        |view, did| around(view, did, "followers", view.followers(did)),
    ),
    pages(
        "app.bsky.graph.getFollows",
        "follows",
        About::each("actor", Kind::Account),
        |view, did| around(view, did, "follows", view.follows(did)),
    ),
    pages(
        "app.bsky.graph.getKnownFollowers",
        "followers",
        About::ForViewer("actor", Kind::Shown),
        |view, did| around(view, did, "followers", view.known_follower_list(did)),
    ),
    pages("app.bsky.graph.getBlocks", "blocks", About::Viewer, |view, _| {
        Answer::pages("blocks", view.blocked_accounts())
    }),
    pages("app.bsky.graph.getMutes", "mutes", About::Viewer, |view, _| {
        Answer::pages("mutes", view.muted_accounts())
    }),
    // Posts
    whole("app.bsky.feed.getPosts", About::several("uris", Kind::Post), |view, uris| {
        of_several("posts", uris, |uri| match view.blocks(truth::did_of(uri)) {
            true => None,
            false => view.post(uri),
        })
    }),
    pages("app.bsky.feed.getLikes", "likes", About::each("uri", Kind::Post), |view, uri| {
        Answer::pages("likes", view.liked_by(uri))
    }),
    pages(
        "app.bsky.feed.getRepostedBy",
        "repostedBy",
        About::each("uri", Kind::Post),
        |view, uri| Answer::pages("repostedBy", view.reposted_by(uri)),
    ),
    pages("app.bsky.feed.getQuotes", "posts", About::each("uri", Kind::Post), |view, uri| {
        Answer::pages("posts", view.quotes(uri))
    }),
    whole("app.bsky.feed.getPostThread", About::Threads, |view, uri| {
        thread(view, uri, Bounds { levels_below: 6, levels_above: 80 })
    }),
    // Feeds
    pages("app.bsky.feed.getAuthorFeed", "feed", About::AuthorFeeds, |view, did| {
        author_feed(view, did, Filter::All, false)
    }),
    // Of larger pages own posts may be left out.
    pages("app.bsky.feed.getTimeline", "feed", About::ViewerInPagesOf("10"), |view, _| {
        Answer::pages("feed", view.timeline())
    }),
    pages("app.bsky.feed.getActorLikes", "feed", About::Own("actor"), |view, _| {
        Answer::pages("feed", view.actor_likes())
    }),
    pages(
        "app.bsky.feed.getListFeed",
        "feed",
        About::each("list", Kind::Document(LIST)),
        |view, uri| Answer::pages("feed", view.list_feed(uri)),
    ),
    pages(
        "app.bsky.feed.getActorFeeds",
        "feeds",
        About::each("actor", Kind::Shown),
        |view, did| Answer::pages("feeds", view.generators_of(did)),
    ),
    whole(
        "app.bsky.feed.getFeedGenerators",
        About::several("feeds", Kind::Document(GENERATOR)),
        |view, uris| of_several("feeds", uris, |uri| view.generator(uri)),
    ),
    // Lists
    pages("app.bsky.graph.getLists", "lists", About::each("actor", Kind::Shown), |view, did| {
        Answer::pages("lists", view.lists_of(did))
    }),
    pages(
        "app.bsky.graph.getList",
        "items",
        About::each("list", Kind::Document(LIST)),
        |view, uri| match view.list(uri) {
            None => Answer::Refused(INVALID),
            Some(list) => Answer::Pages {
                field: "items",
                list: view.list_items(uri),
                beside: Said::Fields(vec![("list", list)]),
            },
        },
    ),
    pages("app.bsky.graph.getListBlocks", "lists", About::Viewer, |view, _| {
        Answer::pages("lists", view.blocked_lists())
    }),
    pages("app.bsky.graph.getListMutes", "lists", About::Viewer, |view, _| {
        Answer::pages("lists", view.muted_lists())
    }),
    whole(
        "app.bsky.graph.getStarterPack",
        About::each("starterPack", Kind::Document(STARTER_PACK)),
        |view, uri| {
            let pack = view.starter_pack(uri);
            Answer::or_refused(pack.map(|pack| Said::Fields(vec![("starterPack", pack)])), INVALID)
        },
    ),
    whole(
        "app.bsky.graph.getStarterPacks",
        About::several("uris", Kind::Document(STARTER_PACK)),
        |view, uris| of_several("starterPacks", uris, |uri| view.starter_pack_basic(uri)),
    ),
    pages(
        "app.bsky.graph.getActorStarterPacks",
        "starterPacks",
        About::each("actor", Kind::Shown),
        |view, did| Answer::pages("starterPacks", view.starter_packs_of(did)),
    ),
    // Notifications
    pages("app.bsky.notification.listNotifications", "notifications", About::Reasons, |view, _| {
        Answer::pages("notifications", view.notifications())
    }),
];

const fn whole(
    nsid: &'static str,
    about: About,
    answer: fn(&View<'_>, &str) -> Answer,
) -> Compared {
    Compared { nsid, about, field: None, answer }
}

const fn pages(
    nsid: &'static str,
    field: &'static str,
    about: About,
    answer: fn(&View<'_>, &str) -> Answer,
) -> Compared {
    Compared { nsid, about, field: Some(field), answer }
}

impl Compared {
    /// Every question to the method that the view can answer.
    pub fn questions(&self, view: &View<'_>) -> Vec<Question> {
        let answer = self.answer;
        match (&self.about, view.viewer) {
            (about, None) if about.needs_viewer() => Vec::new(),
            (About::Threads, _) => self.threads(view),
            (About::AuthorFeeds, _) => self.author_feeds(view),
            (About::Reasons, _) => {
                let params = REASONS.iter().map(|reason| ("reasons", (*reason).to_owned()));
                vec![self.question(params.collect(), move |view| answer(view, ""))]
            }
            (about, _) => {
                let asked = about.names(view).into_iter();
                let asked = asked
                    .map(|(params, name)| self.question(params, move |view| answer(view, &name)));
                asked.collect()
            }
        }
    }

    fn question(
        &self,
        params: Vec<(&'static str, String)>,
        answer: impl Fn(&View<'_>) -> Answer + Send + Sync + 'static,
    ) -> Question {
        Question { nsid: self.nsid, params, field: self.field, answer: Box::new(answer) }
    }

    /// Each account's feed through every filter.
    fn author_feeds(&self, view: &View<'_>) -> Vec<Question> {
        let names = About::each("actor", Kind::Account).names(view).into_iter();
        let each = names.flat_map(|(params, did)| {
            let lines = view.author_lines(&did);
            let asked = move |filter: &Filter| *filter != Filter::OwnThreads || lines <= PAGE_MAX;
            Filter::EACH.into_iter().filter(asked).map(move |filter| {
                let (did, pins) = (did.clone(), filter == Filter::OwnThreads);
                let mut params = params.clone();
                params.push(("filter", filter.name().to_owned()));
                if pins {
                    // Whether a thread is whole is looked at page by page: all must be on one.
                    params.push(("limit", PAGE_MAX.to_string()));
                    params.push(("includePins", "true".to_owned()));
                }
                self.question(params, move |view| author_feed(view, &did, filter, pins))
            })
        });
        each.collect()
    }

    /// Each post's thread, within bounds that change from one to the next.
    fn threads(&self, view: &View<'_>) -> Vec<Question> {
        const BOUNDS: [(u32, u32); 3] = [(6, 80), (1, 80), (100, 3)];
        let names = About::each("uri", Kind::Post).names(view).into_iter();
        let each = names.zip(BOUNDS.iter().cycle()).map(|((mut params, uri), (below, above))| {
            let bounds = Bounds { levels_below: *below, levels_above: *above };
            params.push(("depth", below.to_string()));
            params.push(("parentHeight", above.to_string()));
            self.question(params, move |view| thread(view, &uri, bounds))
        });
        each.collect()
    }
}

/// The views of several things by name, in the order in which they were asked for.
fn of_several(field: &'static str, names: &str, view: impl Fn(&str) -> Option<Said>) -> Answer {
    let views = names.split(' ').filter_map(view).collect();
    Answer::Whole(Said::Fields(vec![(field, Said::Items(views))]))
}

/// People around an account, with the account beside them.
fn around(view: &View<'_>, did: &str, field: &'static str, list: List) -> Answer {
    match view.profile(did) {
        None => Answer::Refused(INVALID),
        Some(subject) => {
            let beside = Said::Fields(vec![("subject", subject)]);
            Answer::Pages { field, list, beside }
        }
    }
}

fn author_feed(view: &View<'_>, did: &str, filter: Filter, pins: bool) -> Answer {
    let relation = view.relation(did);
    match () {
        () if !view.now().is_shown(did) => Answer::Refused(INVALID),
        () if relation.is_blocking() => Answer::Refused(&["BlockedActor"]),
        () if relation.is_blocked() => Answer::Refused(&["BlockedByActor"]),
        () => Answer::pages("feed", view.author_feed(did, filter, pins)),
    }
}

fn thread(view: &View<'_>, uri: &str, bounds: Bounds) -> Answer {
    let thread = view.thread(uri, bounds);
    Answer::or_refused(thread.map(|thread| Said::Fields(vec![("thread", thread)])), &["NotFound"])
}
