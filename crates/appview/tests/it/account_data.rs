//! What an account has here: told to it whole, and taken away when it says so.

use serde_json::{Value, json};

use crate::pds::Pds;
use crate::people::did;
use crate::sign_in::Alice;
use crate::world::{World, near_and_far};

const DATA: &str = "/api/v1/session/data";
const ERASE: &str = "/api/v1/session/erase";
const HERE: &str = "same-origin";

near_and_far!(
    an_account_takes_along_what_it_has_here,
    what_is_erased_is_gone_and_nobody_is_signed_in,
    only_the_account_itself_and_our_own_page_may,
);

/// Alice mutes Bob and has a browser and a token.
async fn alice(world: &World) -> Alice {
    let pds = Pds::start(world, "alice").await;
    world.actor("alice").posts("hello");
    world.actor("bob").posts("hello");
    let alice = Alice::signs_in(world, &pds).await;
    let mute = world.request("POST", "/xrpc/app.bsky.graph.muteActor");
    world.send(alice.from(mute.json(&json!({ "actor": did("bob") })), HERE)).await.ok();
    alice.token(world, &["read"]).await;
    alice
}

async fn lines(world: &World, alice: &Alice) -> Vec<Value> {
    let answer = world.send(alice.from(world.request("GET", DATA), HERE)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("content-disposition").unwrap().starts_with("attachment; filename="));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).map(|line| &line["row"]).collect()
}

async fn an_account_takes_along_what_it_has_here(world: World) {
    let alice = alice(&world).await;
    let lines = lines(&world, &alice).await;
    assert_eq!((&lines[0]["kind"], &lines[0]["did"]), (&json!("about"), &json!(did("alice"))));
    assert_eq!(lines.last().unwrap()["kind"], "end");
    assert_eq!(of_kind(&lines, "actor_mute")[0]["subject"], json!(did("bob")));
    assert_eq!(of_kind(&lines, "browser")[0]["sessionId"], json!(alice.session_id));
    assert_eq!(of_kind(&lines, "api_token").len(), 1);
    let all = serde_json::to_string(&lines).unwrap();
    assert!(!all.contains("millrace_") && !all.contains("grant"), "no secret is told: {all}");
}

async fn what_is_erased_is_gone_and_nobody_is_signed_in(world: World) {
    let alice = alice(&world).await;
    let erase = |body: Value| alice.from(world.request("POST", ERASE).json(&body), HERE);
    for wrong in [json!({}), json!({ "did": did("bob") }), json!({ "did": 1 })] {
        assert_eq!(world.send(erase(wrong)).await.status, 400);
    }
    assert_eq!(of_kind(&lines(&world, &alice).await, "actor_mute").len(), 1);
    let answer = world.send(erase(json!({ "did": did("alice") }))).await;
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert!(answer.ok()["rows"].as_u64().unwrap() >= 1);
    assert_eq!(world.send(alice.from(world.request("GET", DATA), HERE)).await.status, 401);
    let again = Alice::signs_in(&world, &alice.pds).await;
    let lines = lines(&world, &again).await;
    assert_eq!(of_kind(&lines, "actor_mute").len(), 0);
    assert_eq!((of_kind(&lines, "browser").len(), of_kind(&lines, "api_token").len()), (1, 0));
}

async fn only_the_account_itself_and_our_own_page_may(world: World) {
    let alice = alice(&world).await;
    let body = json!({ "did": did("alice") });
    let foreign = alice.from(world.request("POST", ERASE).json(&body), "cross-site");
    assert_eq!(world.send(foreign).await.status, 401);
    assert_eq!(world.send(world.request("POST", ERASE).json(&body)).await.status, 401);
    assert_eq!(world.send(world.request("GET", DATA)).await.status, 401);
    let token = alice.token(&world, &["read", "write", "post"]).await;
    let program = world.request("GET", DATA).bearer_auth(&token);
    assert_ne!(world.send(program).await.status, 200);
    assert_eq!(of_kind(&lines(&world, &alice).await, "actor_mute").len(), 1);
}
