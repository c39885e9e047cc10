//! The judge: reads every repository on the PDS, computes what each count and list must be, and
//! compares that with what Millrace answers. Nothing of Millrace's code takes part in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::client::Account;
use crate::world::World;

const PAGE: &str = "100";
/// As many as getPosts takes at once.
const POSTS_AT_ONCE: usize = 25;

/// What the repositories say.
#[derive(Debug, Default)]
struct Truth {
    /// Post URI → its author and the post it answers.
    posts: BTreeMap<String, Post>,
    /// Post URI → who likes it.
    likes: BTreeMap<String, BTreeSet<String>>,
    /// DID → whom it follows, and by whom it is followed.
    follows: BTreeMap<String, BTreeSet<String>>,
    followers: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug)]
struct Post {
    author: String,
    parent: Option<String>,
}

/// Everything that `accounts` wrote, compared with everything that Millrace shows of it.
pub async fn compare(world: &World, accounts: &[Account]) -> Result<Counted> {
    let truth = truth(world, accounts).await?;
    for account in accounts {
        profile(world, &truth, account).await?;
        edges(
            world,
            "app.bsky.graph.getFollows",
            "follows",
            account,
            truth.follows.get(&account.did),
        )
        .await?;
        edges(
            world,
            "app.bsky.graph.getFollowers",
            "followers",
            account,
            truth.followers.get(&account.did),
        )
        .await?;
        author_feed(world, &truth, account).await?;
    }
    let uris: Vec<&String> = truth.posts.keys().collect();
    for some in uris.chunks(POSTS_AT_ONCE) {
        post_counts(world, &truth, some).await?;
    }
    for uri in uris {
        likers(world, &truth, uri).await?;
    }
    Ok(Counted {
        posts: truth.posts.len(),
        likes: truth.likes.values().map(BTreeSet::len).sum(),
        follows: truth.follows.values().map(BTreeSet::len).sum(),
    })
}

/// How much there was to compare: a comparison of nothing proves nothing.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub posts: usize,
    pub likes: usize,
    pub follows: usize,
}

async fn truth(world: &World, accounts: &[Account]) -> Result<Truth> {
    let mut truth = Truth::default();
    for account in accounts {
        for record in records(world, account, "app.bsky.feed.post").await? {
            let parent = record["value"]["reply"]["parent"]["uri"].as_str().map(str::to_owned);
            let post = Post { author: account.did.clone(), parent };
            truth.posts.insert(text(&record["uri"])?, post);
        }
        for record in records(world, account, "app.bsky.feed.like").await? {
            let subject = text(&record["value"]["subject"]["uri"])?;
            truth.likes.entry(subject).or_default().insert(account.did.clone());
        }
        for record in records(world, account, "app.bsky.graph.follow").await? {
            let subject = text(&record["value"]["subject"])?;
            truth.followers.entry(subject.clone()).or_default().insert(account.did.clone());
            truth.follows.entry(account.did.clone()).or_default().insert(subject);
        }
    }
    // A like of a post that is gone counts nowhere.
    let Truth { posts, likes, .. } = &mut truth;
    likes.retain(|uri, _| posts.contains_key(uri));
    Ok(truth)
}

async fn profile(world: &World, truth: &Truth, account: &Account) -> Result<()> {
    let profile = appview(world, "app.bsky.actor.getProfile", &[("actor", &account.did)]).await?;
    let posts = truth.posts.values().filter(|post| post.author == account.did).count();
    let expected = [
        ("postsCount", posts),
        ("followsCount", truth.follows.get(&account.did).map_or(0, BTreeSet::len)),
        ("followersCount", truth.followers.get(&account.did).map_or(0, BTreeSet::len)),
    ];
    for (field, expected) in expected {
        let shown = count(&profile[field]);
        ensure!(
            shown == expected,
            "{}: {field} is {shown}, the repositories say {expected}",
            account.handle
        );
    }
    Ok(())
}

async fn edges(
    world: &World,
    nsid: &str,
    field: &str,
    account: &Account,
    expected: Option<&BTreeSet<String>>,
) -> Result<()> {
    let shown =
        pages(world, nsid, &[("actor", &account.did)], field, |item| text(&item["did"])).await?;
    let expected = expected.cloned().unwrap_or_default();
    ensure!(
        shown == expected,
        "{nsid} of {}: {shown:?}, the repositories say {expected:?}",
        account.handle
    );
    Ok(())
}

async fn author_feed(world: &World, truth: &Truth, account: &Account) -> Result<()> {
    let nsid = "app.bsky.feed.getAuthorFeed";
    let params = [("actor", account.did.as_str()), ("filter", "posts_with_replies")];
    let shown = pages(world, nsid, &params, "feed", |item| text(&item["post"]["uri"])).await?;
    let written = truth.posts.iter().filter(|(_, post)| post.author == account.did);
    let expected: BTreeSet<String> = written.map(|(uri, _)| uri.clone()).collect();
    let missing: Vec<_> = expected.difference(&shown).collect();
    let extra: Vec<_> = shown.difference(&expected).collect();
    ensure!(
        missing.is_empty() && extra.is_empty(),
        "{}'s feed lacks {missing:?}, has besides {extra:?}",
        account.handle
    );
    Ok(())
}

async fn post_counts(world: &World, truth: &Truth, uris: &[&String]) -> Result<()> {
    let params: Vec<(&str, &str)> = uris.iter().map(|uri| ("uris", uri.as_str())).collect();
    let answer = appview(world, "app.bsky.feed.getPosts", &params).await?;
    let views = answer["posts"].as_array().context("posts")?;
    let shown: BTreeMap<&str, &Value> =
        views.iter().filter_map(|view| Some((view["uri"].as_str()?, view))).collect();
    for uri in uris {
        let view = shown.get(uri.as_str()).with_context(|| format!("getPosts lacks {uri}"))?;
        let replies =
            truth.posts.values().filter(|post| post.parent.as_ref() == Some(*uri)).count();
        let likes = truth.likes.get(*uri).map_or(0, BTreeSet::len);
        for (field, expected) in [("replyCount", replies), ("likeCount", likes)] {
            let shown = count(&view[field]);
            ensure!(
                shown == expected,
                "{uri}: {field} is {shown}, the repositories say {expected}"
            );
        }
    }
    Ok(())
}

async fn likers(world: &World, truth: &Truth, uri: &str) -> Result<()> {
    let nsid = "app.bsky.feed.getLikes";
    let shown =
        pages(world, nsid, &[("uri", uri)], "likes", |item| text(&item["actor"]["did"])).await?;
    let expected = truth.likes.get(uri).cloned().unwrap_or_default();
    ensure!(shown == expected, "likes of {uri}: {shown:?}, the repositories say {expected:?}");
    Ok(())
}

/// All records of a collection, from the PDS itself.
async fn records(world: &World, account: &Account, collection: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut params =
            vec![("repo", account.did.as_str()), ("collection", collection), ("limit", PAGE)];
        params.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page =
            get(world, &world.network.pds_url, "com.atproto.repo.listRecords", &params).await?;
        let records = page["records"].as_array().context("records")?;
        all.extend(records.iter().cloned());
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || records.is_empty() {
            return Ok(all);
        }
    }
}

/// One key of each item of all pages of a list; an item that comes twice is an error.
async fn pages(
    world: &World,
    nsid: &str,
    params: &[(&str, &str)],
    field: &str,
    key: impl Fn(&Value) -> Result<String>,
) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut params = params.to_vec();
        params.push(("limit", PAGE));
        params.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = appview(world, nsid, &params).await?;
        for item in page[field].as_array().with_context(|| format!("{field} of {nsid}"))? {
            let key = key(item)?;
            ensure!(all.insert(key.clone()), "{nsid} {params:?} shows {key} twice");
        }
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

async fn appview(world: &World, nsid: &str, params: &[(&str, &str)]) -> Result<Value> {
    get(world, &world.millrace.appview_url(), nsid, params).await
}

async fn get(world: &World, base: &str, nsid: &str, params: &[(&str, &str)]) -> Result<Value> {
    let answer = world.http.get(format!("{base}/xrpc/{nsid}")).query(params).send().await?;
    let status = answer.status();
    let body = answer.text().await?;
    ensure!(status.is_success(), "{nsid} {params:?}: {status} {body}");
    serde_json::from_str(&body).with_context(|| format!("{nsid} answered {body}"))
}

fn count(value: &Value) -> usize {
    value.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().with_context(|| format!("a text, not {value}"))?.to_owned())
}
