//! What the operator chose is suggested before what is counted, and each once.

use serde_json::{Value, json};

use crate::issued::tell;
use crate::people::did;
use crate::suggestions::{SUGGESTIONS, each, every_page, packs, town};
use crate::world::{World, near_and_far};

near_and_far!(chosen_feeds_come_first, chosen_people_come_first, chosen_packs_come_first);

async fn choose(world: &World, list: &str, subjects: &[&str]) {
    tell(world, &format!("curated/{list}/add"), &json!({ "subjects": subjects })).await.ok();
}

async fn chosen_feeds_come_first(world: World) {
    let (alice, service) = (world.actor("alice"), did("feeds"));
    let liked = alice.offers_feed(&service, "Liked");
    let plain = alice.offers_feed(&service, "Plain");
    let other = world.actor("bob").offers_feed(&service, "Other");
    world.actor("carol").likes(&liked);
    let never = format!("at://{}/app.bsky.feed.generator/never", did("nobody"));
    choose(&world, "feeds", &[&other.uri, &never, &plain.uri]).await;
    let suggested = "app.bsky.feed.getSuggestedFeeds";
    let answer = world.get(suggested, &[]).await.ok();
    let chosen = [other.uri.as_str(), plain.uri.as_str()];
    assert_eq!(each(&answer["feeds"], "uri"), chosen, "nothing has to be looked up for it");
    world.rank().await;
    let order = [chosen[0], chosen[1], liked.uri.as_str()];
    for nsid in [suggested, "app.bsky.unspecced.getPopularFeedGenerators"] {
        let answer = world.get(nsid, &[]).await.ok();
        assert_eq!(each(&answer["feeds"], "uri"), order, "{nsid}");
        let paged = every_page(&world, Some("dora"), nsid, "feeds").await;
        assert_eq!(each(&json!(paged), "uri"), order, "{nsid} page after page");
    }
    let few = "app.bsky.unspecced.getSuggestedFeeds";
    let answer = world.get(few, &[("limit", "2")]).await.ok();
    assert_eq!(each(&answer["feeds"], "uri"), order[..2]);
    // Nobody is suggested the feeds of whom they block; who searches finds them.
    world.actor("dora").blocks("bob");
    let answer = world.get_as("dora", suggested, &[]).await.ok();
    assert_eq!(each(&answer["feeds"], "uri"), order[1..]);
    let popular = "app.bsky.unspecced.getPopularFeedGenerators";
    let answer = world.get_as("dora", popular, &[("query", "other")]).await.ok();
    assert_eq!(each(&answer["feeds"], "uri"), order[..1]);
    // What is taken down is not suggested, whoever chose it.
    let down = json!({ "subject": { "kind": "record", "uri": plain.uri }, "reason": "spam" });
    tell(&world, "takedowns/apply", &down).await.ok();
    let answer = world.get(suggested, &[]).await.ok();
    assert_eq!(each(&answer["feeds"], "uri"), [order[0], order[2]]);
}

async fn chosen_people_come_first(world: World) {
    town(&world).await;
    let (dora, evan, unknown) = (did("dora"), did("evan"), did("unknown"));
    choose(&world, "people", &[dora.as_str(), unknown.as_str(), evan.as_str()]).await;
    let order = ["dora.test", "evan.test", "carol.test", "bob.test"];
    let answer = world.get(SUGGESTIONS, &[]).await.ok();
    assert_eq!(each(&answer["actors"], "handle"), order);
    let paged = every_page(&world, None, SUGGESTIONS, "actors").await;
    assert_eq!(each(&json!(paged), "handle"), order);
    for name in ["SuggestedUsers", "SuggestedUsersForDiscover", "SuggestedOnboardingUsers"] {
        let nsid = format!("app.bsky.unspecced.get{name}");
        let answer = world.get(&nsid, &[("limit", "2")]).await.ok();
        assert_eq!(each(&answer["actors"], "handle"), order[..2], "{nsid}");
    }
    let handles = async |who: &str| {
        let answer = world.get_as(who, SUGGESTIONS, &[]).await.ok();
        let paged = every_page(&world, Some(who), SUGGESTIONS, "actors").await;
        assert_eq!(each(&answer["actors"], "handle"), each(&json!(paged), "handle"), "{who}");
        each(&answer["actors"], "handle").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(handles("bob").await, ["evan.test"], "Bob follows Dora and Carol");
    assert_eq!(handles("evan").await, ["dora.test"], "nor oneself");
    // Through whom one follows, Alice would be shown Carol and Dora.
    assert_eq!(handles("alice").await, ["dora.test", "evan.test", "carol.test"]);
    world.actor("alice").blocks("dora");
    assert_eq!(handles("alice").await, ["evan.test", "carol.test"]);
    world.actor("evan").is(false, Some("deactivated"));
    assert_eq!(handles("alice").await, ["carol.test"]);
    let besides = "app.bsky.graph.getSuggestedFollowsByActor";
    let answer = world.get(besides, &[("actor", "alice.test")]).await.ok();
    let first = ["bob.test", "dora.test", "carol.test"];
    assert_eq!(each(&answer["suggestions"], "handle"), first, "behind whom Alice follows");
}

async fn chosen_packs_come_first(world: World) {
    let [rivers, mills] = packs(&world).await;
    choose(&world, "starterPacks", &[&rivers]).await;
    let uris = |answer: &Value| -> Vec<String> {
        each(&answer["starterPacks"], "uri").iter().map(ToString::to_string).collect()
    };
    for name in ["getSuggestedStarterPacks", "getOnboardingSuggestedStarterPacks"] {
        let nsid = format!("app.bsky.unspecced.{name}");
        let found = uris(&world.get(&nsid, &[]).await.ok());
        assert_eq!((found.len(), &found[0], &found[1]), (3, &rivers, &mills), "{nsid}");
    }
    let search = "app.bsky.graph.searchStarterPacks";
    let found = uris(&world.get(search, &[("q", "people")]).await.ok());
    assert_eq!(found, [mills, rivers], "who searches has chosen");
}
