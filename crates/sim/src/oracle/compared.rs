//! Which methods are compared, and with which questions.

use super::feeds::Filter;
use super::list::List;
use super::notifications::REASONS;
use super::question::{Answer, Question};
use super::said::Said;
use super::state::{GENERATOR, LIST, STARTER_PACK};
use super::threads::Bounds;
use super::truth::collection_of;
use super::view::View;

/// A method and how its questions are made.
pub struct Compared {
    pub nsid: &'static str,
    /// Whether only accounts can ask.
    pub needs_viewer: bool,
    questions: fn(&'static str, &View<'_>) -> Vec<Question>,
}

impl Compared {
    const fn new(
        nsid: &'static str,
        questions: fn(&'static str, &View<'_>) -> Vec<Question>,
    ) -> Self {
        Self { nsid, needs_viewer: false, questions }
    }

    const fn of_viewer(
        nsid: &'static str,
        questions: fn(&'static str, &View<'_>) -> Vec<Question>,
    ) -> Self {
        Self { needs_viewer: true, ..Self::new(nsid, questions) }
    }

    /// Every question to the method that the view can answer.
    pub fn questions(&self, view: &View<'_>) -> Vec<Question> {
        match self.needs_viewer && view.viewer.is_none() {
            true => Vec::new(),
            false => (self.questions)(self.nsid, view),
        }
    }
}

/// As many profiles and posts as their methods take at once.
const AT_ONCE: usize = 25;
const INVALID: &[&str] = &["InvalidRequest"];

/// Every method that is compared. One that is not there fails the comparison.
pub const COMPARED: &[Compared] = &[
    Compared::new("app.bsky.actor.getProfile", |nsid, view| {
        per_account(nsid, view, |view, did| match view.detailed(did) {
            Some(said) => Answer::Whole(said),
            None => Answer::Refused(&["AccountTakedown", "AccountDeactivated", "InvalidRequest"]),
        })
    }),
    Compared::new("app.bsky.actor.getProfiles", profiles),
    Compared::new("app.bsky.feed.getAuthorFeed", author_feeds),
    Compared::new("app.bsky.feed.getLikes", |nsid, view| {
        per_post(nsid, view, |view, uri| Answer::pages("likes", view.liked_by(uri)))
    }),
    Compared::new("app.bsky.feed.getPostThread", threads),
    Compared::new("app.bsky.feed.getPosts", posts),
    Compared::of_viewer("app.bsky.feed.getTimeline", |nsid, _| {
        for_viewer(nsid, |view| Answer::pages("feed", view.timeline()))
    }),
    Compared::new("app.bsky.graph.getFollowers", |nsid, view| {
        per_account(nsid, view, |view, did| people(view, did, "followers", view.followers(did)))
    }),
    Compared::new("app.bsky.graph.getFollows", |nsid, view| {
        per_account(nsid, view, |view, did| people(view, did, "follows", view.follows(did)))
    }),
    Compared::of_viewer("app.bsky.notification.listNotifications", |nsid, _| {
        let params = REASONS.iter().map(|reason| ("reasons", (*reason).to_owned())).collect();
        let answer = |view: &View<'_>| Answer::pages("notifications", view.notifications());
        vec![Question::new(nsid, params, answer)]
    }),
    Compared::new("app.bsky.feed.getRepostedBy", |nsid, view| {
        per_post(nsid, view, |view, uri| Answer::pages("repostedBy", view.reposted_by(uri)))
    }),
    Compared::new("app.bsky.feed.getQuotes", |nsid, view| {
        per_post(nsid, view, |view, uri| Answer::pages("posts", view.quotes(uri)))
    }),
    Compared::of_viewer("app.bsky.feed.getActorLikes", |nsid, view| {
        let actor = vec![("actor", view.viewer.unwrap_or_default().to_owned())];
        vec![Question::new(nsid, actor, |view| Answer::pages("feed", view.actor_likes()))]
    }),
    Compared::new("app.bsky.feed.getListFeed", |nsid, view| {
        per_document(nsid, view, LIST, "list", |view, uri| {
            Answer::pages("feed", view.list_feed(uri))
        })
    }),
    Compared::new("app.bsky.feed.getActorFeeds", |nsid, view| {
        per_shown_account(nsid, view, |view, did| Answer::pages("feeds", view.generators_of(did)))
    }),
    Compared::new("app.bsky.feed.getFeedGenerators", generators),
    Compared::of_viewer("app.bsky.graph.getBlocks", |nsid, _| {
        for_viewer(nsid, |view| Answer::pages("blocks", view.blocked_accounts()))
    }),
    Compared::of_viewer("app.bsky.graph.getMutes", |nsid, _| {
        for_viewer(nsid, |view| Answer::pages("mutes", view.muted_accounts()))
    }),
    Compared::of_viewer("app.bsky.graph.getKnownFollowers", |nsid, view| {
        per_shown_account(nsid, view, |view, did| {
            people(view, did, "followers", view.known_follower_list(did))
        })
    }),
    Compared::new("app.bsky.graph.getLists", |nsid, view| {
        per_shown_account(nsid, view, |view, did| Answer::pages("lists", view.lists_of(did)))
    }),
    Compared::new("app.bsky.graph.getList", |nsid, view| {
        per_document(nsid, view, LIST, "list", |view, uri| match view.list(uri) {
            None => Answer::Refused(INVALID),
            Some(list) => Answer::Pages {
                field: "items",
                list: view.list_items(uri),
                beside: Said::Fields(vec![("list", list)]),
            },
        })
    }),
    Compared::of_viewer("app.bsky.graph.getListBlocks", |nsid, _| {
        for_viewer(nsid, |view| Answer::pages("lists", view.blocked_lists()))
    }),
    Compared::of_viewer("app.bsky.graph.getListMutes", |nsid, _| {
        for_viewer(nsid, |view| Answer::pages("lists", view.muted_lists()))
    }),
    Compared::new("app.bsky.graph.getStarterPack", |nsid, view| {
        per_document(nsid, view, STARTER_PACK, "starterPack", |view, uri| {
            let said = view.starter_pack(uri);
            let said = said.map(|pack| Said::Fields(vec![("starterPack", pack)]));
            Answer::or_refused(said, INVALID)
        })
    }),
    Compared::new("app.bsky.graph.getActorStarterPacks", |nsid, view| {
        per_shown_account(nsid, view, |view, did| {
            Answer::pages("starterPacks", view.starter_packs_of(did))
        })
    }),
];

fn for_viewer(nsid: &'static str, answer: fn(&View<'_>) -> Answer) -> Vec<Question> {
    vec![Question::new(nsid, Vec::new(), answer)]
}

/// A question about each account, shown or not.
fn per_account(
    nsid: &'static str,
    view: &View<'_>,
    answer: fn(&View<'_>, &str) -> Answer,
) -> Vec<Question> {
    let dids: Vec<String> = view.now().accounts.keys().cloned().collect();
    dids.into_iter().map(|did| about(nsid, "actor", did, answer)).collect()
}

/// A question about each account that may be shown.
fn per_shown_account(
    nsid: &'static str,
    view: &View<'_>,
    answer: fn(&View<'_>, &str) -> Answer,
) -> Vec<Question> {
    let dids = view.model.shown_accounts().into_iter().map(str::to_owned);
    dids.map(|did| about(nsid, "actor", did, answer)).collect()
}

fn per_post(
    nsid: &'static str,
    view: &View<'_>,
    answer: fn(&View<'_>, &str) -> Answer,
) -> Vec<Question> {
    let uris: Vec<String> = view.now().posts.keys().cloned().collect();
    uris.into_iter().map(|uri| about(nsid, "uri", uri, answer)).collect()
}

fn per_document(
    nsid: &'static str,
    view: &View<'_>,
    collection: &str,
    param: &'static str,
    answer: fn(&View<'_>, &str) -> Answer,
) -> Vec<Question> {
    let uris = view.now().documents.keys().filter(|uri| collection_of(uri) == collection);
    let uris: Vec<String> = uris.cloned().collect();
    uris.into_iter().map(|uri| about(nsid, param, uri, answer)).collect()
}

fn about(
    nsid: &'static str,
    param: &'static str,
    value: String,
    answer: fn(&View<'_>, &str) -> Answer,
) -> Question {
    let params = vec![(param, value.clone())];
    Question::new(nsid, params, move |view| answer(view, &value))
}

/// People around an account, with the account beside them.
fn people(view: &View<'_>, did: &str, field: &'static str, list: List) -> Answer {
    match view.profile(did) {
        None => Answer::Refused(INVALID),
        Some(subject) => {
            Answer::Pages { field, list, beside: Said::Fields(vec![("subject", subject)]) }
        }
    }
}

fn profiles(nsid: &'static str, view: &View<'_>) -> Vec<Question> {
    let dids: Vec<String> = view.now().accounts.keys().cloned().collect();
    many(nsid, "actors", &dids, |view, dids| {
        let views = dids.iter().filter_map(|did| view.detailed(did));
        Said::Fields(vec![("profiles", Said::Items(views.collect()))])
    })
}

fn posts(nsid: &'static str, view: &View<'_>) -> Vec<Question> {
    let uris: Vec<String> = view.now().posts.keys().cloned().collect();
    many(nsid, "uris", &uris, |view, uris| {
        let welcome = uris.iter().filter(|uri| !view.blocks(super::truth::did_of(uri)));
        let views = welcome.filter_map(|uri| view.post(uri));
        Said::Fields(vec![("posts", Said::Items(views.collect()))])
    })
}

fn generators(nsid: &'static str, view: &View<'_>) -> Vec<Question> {
    let uris = view.now().documents.keys().filter(|uri| collection_of(uri) == GENERATOR);
    let uris: Vec<String> = uris.cloned().collect();
    many(nsid, "feeds", &uris, |view, uris| {
        let views = uris.iter().filter_map(|uri| view.generator(uri));
        Said::Fields(vec![("feeds", Said::Items(views.collect()))])
    })
}

fn many(
    nsid: &'static str,
    param: &'static str,
    names: &[String],
    answer: fn(&View<'_>, &[String]) -> Said,
) -> Vec<Question> {
    let question = |some: &[String]| {
        let some = some.to_vec();
        let params = some.iter().map(|name| (param, name.clone())).collect();
        Question::new(nsid, params, move |view| Answer::Whole(answer(view, &some)))
    };
    names.chunks(AT_ONCE).map(question).collect()
}

fn author_feeds(nsid: &'static str, view: &View<'_>) -> Vec<Question> {
    let dids: Vec<String> = view.now().accounts.keys().cloned().collect();
    let each = |did: String| {
        Filter::EACH.map(|filter| {
            let did = did.clone();
            let pins = filter == Filter::OwnThreads;
            let mut params = vec![("actor", did.clone()), ("filter", filter.name().to_owned())];
            if pins {
                // Whether a thread is whole is looked at page by page: all must be on one.
                params.push(("limit", "100".to_owned()));
                params.push(("includePins", "true".to_owned()));
            }
            Question::new(nsid, params, move |view| author_feed(view, &did, filter, pins))
        })
    };
    dids.into_iter().flat_map(each).collect()
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

fn threads(nsid: &'static str, view: &View<'_>) -> Vec<Question> {
    const BOUNDS: [Bounds; 3] = [
        Bounds { levels_below: 6, levels_above: 80 },
        Bounds { levels_below: 1, levels_above: 80 },
        Bounds { levels_below: 100, levels_above: 3 },
    ];
    let uris: Vec<String> = view.now().posts.keys().cloned().collect();
    let question = |(uri, bounds): (String, &Bounds)| {
        let bounds = *bounds;
        let params = vec![
            ("uri", uri.clone()),
            ("depth", bounds.levels_below.to_string()),
            ("parentHeight", bounds.levels_above.to_string()),
        ];
        Question::new(nsid, params, move |view| {
            let thread = view.thread(&uri, bounds);
            let said = thread.map(|thread| Said::Fields(vec![("thread", thread)]));
            Answer::or_refused(said, &["NotFound"])
        })
    };
    uris.into_iter().zip(BOUNDS.iter().cycle()).map(question).collect()
}
