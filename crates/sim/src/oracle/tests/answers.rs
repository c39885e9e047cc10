//! A small network, and what the model says of it against what anybody can see that it must say.

use serde_json::{Value, json};

use super::example::{answer, each};
use super::tiny::Tiny;

#[test]
fn an_account_likes_a_post_once_however_many_records_say_so() {
    let mut tiny = Tiny::default();
    let [ann, ben, cid] = ["ann", "ben", "cid"].map(|name| tiny.account(name));
    let post = tiny.post(&ann, "hello");
    let first = tiny.like(&ben, &post);
    tiny.like(&ben, &post);
    tiny.like(&cid, &post);
    tiny.repost(&ben, &post);
    tiny.quote(&cid, &post);
    tiny.reply(&cid, &post, &post);
    let model = tiny.model();
    let posts = answer(&model, Some(&ben), "app.bsky.feed.getPosts", "");
    let view = &posts["posts"][0];
    let counts = ["likeCount", "repostCount", "replyCount", "quoteCount"].map(|name| &view[name]);
    assert_eq!(counts, [&json!(2), &json!(1), &json!(1), &json!(1)]);
    assert_eq!(view["viewer"]["like"], json!(first));
    assert_eq!(view["author"]["handle"], json!("ann.test"));
    let likes = answer(&model, None, "app.bsky.feed.getLikes", &post);
    assert_eq!(each(&likes["likes"], "/actor/did"), [&cid, &ben]);
}

#[test]
fn profiles_count_accounts_and_say_what_the_viewer_is_to_them() {
    let mut tiny = Tiny::default();
    let [ann, ben, cid] = ["ann", "ben", "cid"].map(|name| tiny.account(name));
    let follow = tiny.follow(&ann, &ben);
    tiny.follow(&ann, &ben);
    let back = tiny.follow(&ben, &ann);
    tiny.follow(&cid, &ben);
    tiny.follow(&ann, &cid);
    tiny.post(&ben, "one");
    tiny.put_at(&ben, "app.bsky.actor.profile/self", json!({"displayName": "Ben"}));
    let model = tiny.model();
    let profile = answer(&model, Some(&ann), "app.bsky.actor.getProfile", &ben);
    let counts = ["followersCount", "followsCount", "postsCount"].map(|name| &profile[name]);
    assert_eq!(counts, [&json!(2), &json!(1), &json!(1)]);
    assert_eq!(profile["displayName"], json!("Ben"));
    assert_eq!(profile["viewer"]["following"], json!(follow));
    assert_eq!(profile["viewer"]["followedBy"], json!(back));
    assert_eq!(profile["viewer"]["knownFollowers"]["count"], json!(1));
    let anonymous = answer(&model, None, "app.bsky.actor.getProfile", &ben);
    assert_eq!(anonymous["viewer"], Value::Null);
}

#[test]
fn an_account_that_is_not_active_is_hidden_and_its_edges_count() {
    let mut tiny = Tiny::default();
    let [ann, ben] = ["ann", "ben"].map(|name| tiny.account(name));
    let post = tiny.post(&ann, "hello");
    tiny.follow(&ben, &ann);
    tiny.like(&ben, &post);
    tiny.reply(&ben, &post, &post);
    tiny.now.accounts.get_mut(&ben).unwrap().active = false;
    let model = tiny.model();
    let profile = answer(&model, None, "app.bsky.actor.getProfile", &ann);
    assert_eq!(profile["followersCount"], json!(1));
    let gone = answer(&model, None, "app.bsky.actor.getProfile", &ben);
    assert_eq!(gone, json!("AccountTakedown"), "or another of the words for it");
    let followers = answer(&model, None, "app.bsky.graph.getFollowers", &ann);
    assert_eq!(followers["followers"], json!([]));
    let thread = answer(&model, None, "app.bsky.feed.getPostThread", &post);
    assert_eq!(thread["thread"]["replies"], json!([]));
    assert_eq!(thread["thread"]["post"]["replyCount"], json!(1));
    assert_eq!(thread["thread"]["post"]["likeCount"], json!(1));
}

#[test]
fn a_block_hides_either_from_the_other_and_their_posts_from_each_others() {
    let mut tiny = Tiny::default();
    let [ann, ben, cid] = ["ann", "ben", "cid"].map(|name| tiny.account(name));
    let post = tiny.post(&ann, "hello");
    let quote = tiny.quote(&ben, &post);
    let reply = tiny.reply(&ben, &post, &post);
    tiny.like(&ben, &post);
    let block = tiny.block(&ann, &ben);
    tiny.follow(&ann, &ben);
    let model = tiny.model();
    let profile = answer(&model, Some(&ann), "app.bsky.actor.getProfile", &ben);
    assert_eq!(profile["viewer"]["blocking"], json!(block));
    assert_eq!(profile["viewer"]["following"], Value::Null);
    let profile = answer(&model, Some(&ben), "app.bsky.actor.getProfile", &ann);
    assert_eq!(profile["viewer"]["blockedBy"], json!(true));
    assert_eq!(profile["viewer"]["blocking"], Value::Null);
    let feed = |viewer, did| answer(&model, Some(viewer), "app.bsky.feed.getAuthorFeed", did);
    assert_eq!(feed(&ann, &ben), json!("BlockedActor"));
    assert_eq!(feed(&ben, &ann), json!("BlockedByActor"));
    let posts = answer(&model, Some(&ann), "app.bsky.feed.getPosts", "");
    assert_eq!(each(&posts["posts"], "/uri"), [&post]);
    // To a third party, what one says about the other is not shown there.
    let thread = answer(&model, Some(&cid), "app.bsky.feed.getPostThread", &post);
    assert_eq!(thread["thread"]["replies"], json!([]));
    let thread = answer(&model, Some(&cid), "app.bsky.feed.getPostThread", &reply);
    assert_eq!(thread["thread"]["parent"]["$type"], json!("app.bsky.feed.defs#blockedPost"));
    let posts = answer(&model, Some(&cid), "app.bsky.feed.getPosts", "");
    let quoting =
        posts["posts"].as_array().unwrap().iter().find(|post| post["uri"] == json!(quote));
    let embedded = &quoting.unwrap()["embed"]["record"]["$type"];
    assert_eq!(*embedded, json!("app.bsky.embed.record#viewBlocked"));
    let likes = answer(&model, Some(&cid), "app.bsky.feed.getLikes", &post);
    assert_eq!(likes["likes"], json!([]));
}

#[test]
fn a_list_blocks_while_it_moderates_and_its_author_is_shown() {
    let mut tiny = Tiny::default();
    let [ann, ben, cid] = ["ann", "ben", "cid"].map(|name| tiny.account(name));
    let moderating = tiny.list(&cid, "modlist", &[&ben]);
    let curated = tiny.list(&cid, "curatelist", &[&ben]);
    for list in [&moderating, &curated] {
        tiny.put(&ann, "app.bsky.graph.listblock", json!({"subject": list}));
    }
    let profile = |tiny: &mut Tiny| {
        answer(&tiny.model(), Some(&ann), "app.bsky.actor.getProfile", &ben)["viewer"].take()
    };
    let blocked = profile(&mut tiny);
    assert_eq!(blocked["blockingByList"]["uri"], json!(moderating));
    assert_eq!(blocked["blocking"], json!(moderating));
    tiny.now.accounts.get_mut(&cid).unwrap().active = false;
    assert_eq!(profile(&mut tiny)["blocking"], Value::Null);
    tiny.now.accounts.get_mut(&cid).unwrap().active = true;
    tiny.delete(&moderating);
    assert_eq!(profile(&mut tiny)["blocking"], Value::Null);
}

#[test]
fn feeds_bring_posts_and_reposts_newest_first() {
    let mut tiny = Tiny::default();
    let [ann, ben, cid] = ["ann", "ben", "cid"].map(|name| tiny.account(name));
    let root = tiny.post(&ann, "root");
    let own = tiny.reply(&ann, &root, &root);
    let other = tiny.post(&cid, "other");
    let answer_to_other = tiny.reply(&ann, &other, &other);
    let repost = tiny.repost(&ann, &other);
    tiny.follow(&ben, &ann);
    let mine = tiny.post(&ben, "mine");
    let model = tiny.model();
    let view = model.view(Some(&ben));
    let feeds = super::super::COMPARED.iter().find(|c| c.nsid == "app.bsky.feed.getAuthorFeed");
    let by_filter = |name: &str| {
        let asked = feeds.unwrap().questions(&view);
        let has = |value: &str| {
            let value = value.to_owned();
            move |param: &(&str, String)| param.1 == value
        };
        let question = asked
            .into_iter()
            .find(|q| q.params.iter().any(has(&ann)) && q.params.iter().any(has(name)))
            .unwrap();
        match super::example::found(&model, Some(&ben), &question) {
            crate::oracle::Found::Answered(mut pages) => pages.remove(0)["feed"].take(),
            refused @ crate::oracle::Found::Refused { .. } => panic!("{refused:?}"),
        }
    };
    let all = by_filter("posts_with_replies");
    assert_eq!(each(&all, "/post/uri"), [&other, &answer_to_other, &own, &root]);
    assert_eq!(each(&all, "/reason/uri"), [&repost]);
    assert_eq!(each(&by_filter("posts_no_replies"), "/post/uri"), [&other, &root]);
    assert_eq!(each(&by_filter("posts_and_author_threads"), "/post/uri"), [&other, &own, &root]);
    assert_eq!(by_filter("posts_with_media"), json!([]));
    let timeline = answer(&model, Some(&ben), "app.bsky.feed.getTimeline", "");
    let expected = [&mine, &other, &answer_to_other, &own, &root];
    assert_eq!(each(&timeline["feed"], "/post/uri"), expected);
}

#[test]
fn a_thread_is_the_posts_that_say_they_are_in_it() {
    let mut tiny = Tiny::default();
    let [ann, ben] = ["ann", "ben"].map(|name| tiny.account(name));
    let root = tiny.post(&ann, "root");
    let reply = tiny.reply(&ben, &root, &root);
    let deep = tiny.reply(&ann, &root, &reply);
    let stray = tiny.reply(&ben, &reply, &reply);
    let like = tiny.like(&ann, &reply);
    let model = tiny.model();
    let thread =
        |uri: &str| answer(&model, None, "app.bsky.feed.getPostThread", uri)["thread"].take();
    let above = thread(&deep);
    assert_eq!(above["parent"]["post"]["uri"], json!(reply));
    assert_eq!(above["parent"]["parent"]["post"]["uri"], json!(root));
    let below = thread(&reply);
    assert_eq!(each(&below["replies"], "/post/uri"), [&deep], "and not {stray}");
    assert_eq!(below["threadContext"]["rootAuthorLike"], json!(like));
    tiny.delete(&reply);
    let model = tiny.model();
    let above = answer(&model, None, "app.bsky.feed.getPostThread", &deep);
    assert_eq!(above["thread"]["parent"]["notFound"], json!(true));
}

#[test]
fn an_account_is_told_of_a_record_once() {
    let mut tiny = Tiny::default();
    let [ann, ben] = ["ann", "ben"].map(|name| tiny.account(name));
    let post = tiny.post(&ann, "root");
    let follow = tiny.follow(&ben, &ann);
    let like = tiny.like(&ben, &post);
    let repost = tiny.repost(&ben, &post);
    let facet = json!({"features": [{"$type": "app.bsky.richtext.facet#mention", "did": ann}]});
    let embed = json!({"$type": "app.bsky.embed.record", "record": {"uri": post}});
    let all = json!({"facets": [facet], "embed": embed,
        "reply": {"root": {"uri": post}, "parent": {"uri": post}}});
    let mention = tiny.put(&ben, "app.bsky.feed.post", all);
    let quote = tiny.quote(&ben, &post);
    let reply = tiny.reply(&ben, &post, &post);
    tiny.like(&ann, &post);
    let model = tiny.model();
    let told = answer(&model, Some(&ann), "app.bsky.notification.listNotifications", "");
    let told = &told["notifications"];
    assert_eq!(each(told, "/uri"), [&reply, &quote, &mention, &repost, &like, &follow]);
    let reasons = ["reply", "quote", "mention", "repost", "like", "follow"];
    assert_eq!(each(told, "/reason"), reasons);
    assert_eq!(each(told, "/reasonSubject"), [&post; 4]);
}

#[test]
fn replies_are_told_to_those_above_up_to_four() {
    let mut tiny = Tiny::default();
    let names = ["ann", "ben", "cid", "dot", "eve", "fay"];
    let dids = names.map(|name| tiny.account(name));
    let root = tiny.post(&dids[0], "root");
    let mut last = root.clone();
    for did in &dids[1..] {
        tiny.settle();
        last = tiny.reply(did, &root, &last);
    }
    let model = tiny.model();
    let told = dids.each_ref().map(|did| {
        let told = answer(&model, Some(did), "app.bsky.notification.listNotifications", "");
        each(&told["notifications"], "/reason").len()
    });
    assert_eq!(told, [4, 4, 3, 2, 1, 0]);
}
