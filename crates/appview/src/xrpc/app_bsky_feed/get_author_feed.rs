//! `app.bsky.feed.getAuthorFeed`: what one account posted, newest first.
//!
//! The model of every method: [`Query::parse`] reads the parameters, `answer` goes skeleton →
//! hydration → rules → presentation. The first page may begin with the author's pinned post. With
//! the filter `posts_and_author_threads` a reply is shown only where the page has the whole thread
//! above it, so that nothing begins in the middle. Who is behind a block has no feed here; somebody
//! muted has one, and what they reposted of others whom the viewer mutes is in it.

use std::collections::{HashMap, HashSet};

use millrace_atproto::{AtIdentifier, AtUri, Did};
use millrace_dataplane::query::author_feed::{self, AuthorFilter};

use super::feed_page::{self, FeedSkeleton, LineRules};
use crate::error::XrpcError;
use crate::hydration::Hydrated;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::views::feed::{FeedLine, LineReason};
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetAuthorFeed {
    actor: AtIdentifier,
    filter: AuthorFilter,
    limit: u32,
    cursor: Option<String>,
    include_pins: bool,
}

impl Query for GetAuthorFeed {
    const NSID: &'static str = "app.bsky.feed.getAuthorFeed";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            actor: params.required("actor")?,
            filter: filter(params.text("filter")?.as_deref()),
            limit: params.limit()?,
            cursor: params.cursor()?,
            include_pins: params.flag("includePins")?.unwrap_or(false),
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let author = call.did_of(&self.actor).await?.ok_or_else(not_found)?;
        call.looks_at(&author);
        let page = fill_page(self.cursor.clone(), self.limit, |cursor, limit| {
            self.page(call, &author, cursor, limit)
        });
        feed_page::answer(page.await?)
    }
}

/// The lexicon's words; others are allowed and filter nothing.
fn filter(text: Option<&str>) -> AuthorFilter {
    match text {
        Some("posts_no_replies") => AuthorFilter::PostsNoReplies,
        Some("posts_with_media") => AuthorFilter::PostsWithMedia,
        Some("posts_and_author_threads") => AuthorFilter::PostsAndAuthorThreads,
        Some("posts_with_video") => AuthorFilter::PostsWithVideo,
        _ => AuthorFilter::PostsWithReplies,
    }
}

impl GetAuthorFeed {
    async fn page(
        &self,
        call: &Call<'_>,
        author: &Did,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page, XrpcError> {
        // skeleton, hydration
        let pinned = match self.include_pins && cursor.is_none() {
            true => pinned_post(call, author).await?,
            false => None,
        };
        let actor = AtIdentifier::Did(author.clone());
        let question = author_feed::GetAuthorFeed { actor, filter: self.filter, limit, cursor };
        let actors = vec![author.clone()];
        let posts = pinned.iter().cloned().collect();
        let also = Skeleton { actors, posts, ..feed_page::of_feed() };
        let (page, hydrated) = call.ask_hydrated(question, also).await?;
        hydrated.actor(author).ok_or_else(not_found)?;
        let mut skeleton = FeedSkeleton::of(page);
        if let Some(pinned) = pinned {
            let uri = pinned.to_string();
            skeleton.lines.retain(|line| line.uri != uri);
            skeleton.lines.insert(0, FeedLine { uri, reason: Some(LineReason::Pin) });
        }
        // rules
        refuse_behind_block(author, &hydrated)?;
        self.rules(&mut skeleton, &hydrated);
        // presentation
        feed_page::present(call, skeleton, &hydrated)
    }

    fn rules(&self, skeleton: &mut FeedSkeleton, hydrated: &Hydrated) {
        skeleton.lines.retain(|line| {
            let rules = LineRules::of(line, hydrated);
            !rules.blocked() && (!rules.author_muted() || rules.originator_muted())
        });
        if self.filter == AuthorFilter::PostsAndAuthorThreads {
            let mut threads = OwnThreads::of(&skeleton.lines, hydrated);
            skeleton.lines.retain(|line| line.reason.is_some() || threads.reaches_root(&line.uri));
        }
    }
}

fn not_found() -> XrpcError {
    XrpcError::invalid("Profile not found")
}

/// No feed of who is behind a block.
fn refuse_behind_block(author: &Did, hydrated: &Hydrated) -> Result<(), XrpcError> {
    let Some(relation) = hydrated.relation(author).filter(|_| hydrated.blocked(author)) else {
        return Ok(());
    };
    if relation.blocking.is_some() || relation.blocking_by_list.is_some() {
        let message = format!("Requester has blocked actor: {author}");
        return Err(XrpcError::named("BlockedActor", message));
    }
    let message = format!("Requester is blocked by actor: {author}");
    Err(XrpcError::named("BlockedByActor", message))
}

/// The post an account pinned to its profile, if it is one of its own.
async fn pinned_post(call: &Call<'_>, author: &Did) -> Result<Option<AtUri>, XrpcError> {
    let hydrated =
        call.hydrate(Skeleton { actors: vec![author.clone()], ..Skeleton::default() }).await?;
    let pinned = hydrated.actor(author).and_then(|known| known.profile.pinned_post.as_ref());
    let uri = pinned.and_then(|pinned| AtUri::parse(&pinned.uri).ok());
    Ok(uri.filter(|uri| is_record_of(uri, author)))
}

fn is_record_of(uri: &AtUri, author: &Did) -> bool {
    uri.as_record().is_some_and(|(did, _, _)| did == author)
}

/// Which posts of a page stand in a thread whose posts up to the root are all on the page.
struct OwnThreads<'a> {
    hydrated: &'a Hydrated,
    on_page: HashSet<String>,
    known: HashMap<String, bool>,
}

impl<'a> OwnThreads<'a> {
    fn of(lines: &[FeedLine], hydrated: &'a Hydrated) -> Self {
        let reposted = |line: &&FeedLine| matches!(line.reason, Some(LineReason::Repost { .. }));
        let on_page =
            lines.iter().filter(|line| !reposted(line)).map(|line| line.uri.clone()).collect();
        Self { hydrated, on_page, known: HashMap::new() }
    }

    fn reaches_root(&mut self, uri: &str) -> bool {
        let mut path: Vec<String> = Vec::new();
        let mut next = uri.to_owned();
        let reaches = loop {
            if let Some(known) = self.known.get(&next) {
                break *known;
            }
            let post = self.hydrated.post(&next).filter(|_| self.on_page.contains(&next));
            // A cycle reaches no root.
            let Some(post) = post.filter(|_| !path.contains(&next)) else { break false };
            path.push(next);
            match post.parent() {
                Some(parent) => next = parent.to_owned(),
                None => break true,
            }
        };
        self.known.extend(path.into_iter().map(|uri| (uri, reaches)));
        reaches
    }
}
