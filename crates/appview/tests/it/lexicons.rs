//! Parameters as the published lexicons have them: every one of every query that is served is asked for at
//! its bounds and beyond them. `make test` brings the lexicons (`MILLRACE_TEST_LEXICONS`, the file that
//! `tests/network/lexicons.mjs` prints); without them the test says that it was skipped.

use std::collections::BTreeSet;

use millrace_appview::routes::{Access, ROUTES, Route, Verb};
use serde_json::Value;

use crate::feed_server::FeedServer;
use crate::people::did;
use crate::routes::{Known, request};
use crate::world::{Reach, World};

/// Fewer than these, and something was not looked at: they may only grow.
const QUERIES_MIN: usize = 70;
const CASES_MIN: usize = 500;

/// Parameters that are held to more, or to other, than their lexicon says, and why.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("app.bsky.feed.getFeed", "feed", NOT_THERE),
    ("app.bsky.feed.getFeedGenerator", "feed", NOT_THERE),
    ("app.bsky.graph.getList", "list", NOT_THERE),
    ("app.bsky.graph.getStarterPack", "starterPack", NOT_THERE),
    ("app.bsky.graph.getStarterPacks", "uris", "of none, none are shown"),
    ("app.bsky.notification.getUnreadCount", "seenAt", UNSUPPORTED),
    ("app.bsky.notification.listNotifications", "seenAt", UNSUPPORTED),
];
const NOT_THERE: &str =
    "what is not there is told by the name of what is wrong, as by the reference";
const UNSUPPORTED: &str = "refused, as by the reference";

/// What a parameter is given, and whether that may be.
#[derive(Debug)]
struct Case {
    values: Vec<String>,
    is_right: bool,
}

fn case(values: &[&str], is_right: bool) -> Case {
    Case { values: values.iter().map(|value| (*value).to_owned()).collect(), is_right }
}

/// Values of a parameter at the bounds of its definition, and beyond them.
fn cases(definition: &Value, is_required: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    if is_required {
        cases.push(case(&[], false));
    }
    match definition["type"].as_str().unwrap() {
        "integer" => cases.extend(integers(definition)),
        "boolean" => {
            cases.extend([case(&["true"], true), case(&["false"], true)]);
            cases.extend([case(&["yes"], false), case(&["1"], false)]);
        }
        "string" => cases.extend(texts(definition)),
        "array" => {
            let items = &definition["items"];
            cases.extend(texts(items));
            if let (Some(max), Some(item)) = (definition["maxLength"].as_u64(), example(items, 0)) {
                let many = |number: u64| {
                    let values = (0..number).map(|n| example(items, n).unwrap_or(item.clone()));
                    values.collect::<Vec<String>>()
                };
                cases.push(Case { values: many(max), is_right: true });
                cases.push(Case { values: many(max + 1), is_right: false });
            }
        }
        other => panic!("a parameter of type {other}"),
    }
    cases
}

fn integers(definition: &Value) -> Vec<Case> {
    let mut cases = vec![case(&["x"], false), case(&["1.5"], false)];
    for (bound, beyond) in [("minimum", -1), ("maximum", 1)] {
        if let Some(bound) = definition[bound].as_i64() {
            cases.push(case(&[&bound.to_string()], true));
            cases.push(case(&[&(bound + beyond).to_string()], false));
        }
    }
    cases
}

fn texts(definition: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    if definition["format"].is_string() {
        cases.push(case(&["no such thing"], false));
        cases.extend(example(definition, 0).map(|right| case(&[&right], true)));
    }
    if let Some(words) = definition["enum"].as_array() {
        cases.push(case(&["no-such-word"], false));
        cases.extend(words.iter().map(|word| case(&[word.as_str().unwrap()], true)));
    }
    for word in definition["knownValues"].as_array().into_iter().flatten() {
        cases.push(case(&[word.as_str().unwrap()], true));
    }
    if let Some(max) = definition["maxLength"].as_u64() {
        cases.push(case(&[&"x".repeat(max as usize + 1)], false));
    }
    if let Some(max) = definition["maxGraphemes"].as_u64() {
        cases.push(case(&[&"x".repeat(max as usize)], true));
        cases.push(case(&[&"x".repeat(max as usize + 1)], false));
    }
    cases
}

/// The `n`th value of a format that is right; `None` where what is right depends on what there is.
fn example(definition: &Value, n: u64) -> Option<String> {
    let did = did("alice");
    match definition["format"].as_str()? {
        "at-identifier" | "did" => Some(did.to_string()),
        "handle" => Some("alice.test".to_owned()),
        "at-uri" => Some(format!("at://{did}/app.bsky.feed.post/{n}")),
        "cid" => Some(crate::people::blob_cid(&n.to_string())),
        "datetime" => Some("2026-01-01T00:00:00Z".to_owned()),
        "language" => Some("en".to_owned()),
        "uri" => Some(format!("https://example.com/{n}")),
        _ => None,
    }
}

/// The path and query of a right request with one parameter replaced.
fn replaced(right: &reqwest::Url, name: &str, values: &[String]) -> String {
    let mut url = right.clone();
    let others: Vec<(String, String)> = right
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .extend_pairs(values.iter().map(|value| (name, value)));
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// Lexicons by NSID.
fn lexicons() -> Option<Value> {
    let Some(path) = std::env::var_os("MILLRACE_TEST_LEXICONS") else {
        eprintln!("skipped: MILLRACE_TEST_LEXICONS is not set (`make test` sets it)");
        return None;
    };
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

fn is_exempt(nsid: &str, name: &str) -> bool {
    OTHERWISE.iter().any(|(method, param, _)| *method == nsid && *param == name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_are_what_their_lexicon_says() {
    let Some(lexicons) = lexicons() else { return };
    let world = World::open(Reach::Local).await;
    let feeds = FeedServer::start(&world, "feeds").await;
    let known = Known::of(&world, &feeds).await;
    let (mut queries, mut asked) = (BTreeSet::new(), 0);
    let mut wrong = Vec::new();
    let ours = |route: &&Route| route.verb == Verb::Get && route.access != Access::Acting;
    for route in ROUTES.iter().filter(ours) {
        let Some(nsid) = route.nsid() else { continue };
        let main = &lexicons[nsid]["defs"]["main"];
        // A stream is asked for as a WebSocket.
        if main["type"] == "subscription" {
            continue;
        }
        assert_eq!(main["type"], "query", "{nsid} is no query in the lexicons");
        let parameters = &main["parameters"];
        let right = request(&world, route, &known).build().unwrap().url().clone();
        let path = format!("{}?{}", right.path(), right.query().unwrap_or_default());
        let base = call(&world, route, &path).await;
        queries.insert(nsid);
        let required = parameters["required"].as_array();
        let required = |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
        for (name, definition) in parameters["properties"].as_object().into_iter().flatten() {
            if is_exempt(nsid, name) {
                continue;
            }
            for case in cases(definition, required(name)) {
                asked += 1;
                let path = replaced(&right, name, &case.values);
                let got = call(&world, route, &path).await;
                // What is right may not be there, and is then told by another name.
                let is_refused = got == (400, "InvalidRequest".to_owned());
                let is_fine = if case.is_right { !is_refused || got == base } else { is_refused };
                if !is_fine {
                    let mut values = format!("{:?}", case.values);
                    values.truncate(120);
                    wrong.push(format!(
                        "{nsid} {name}={values}: {got:?}, {}",
                        if case.is_right { "right" } else { "wrong" }
                    ));
                }
            }
        }
        // What no lexicon names is not looked at.
        let path = replaced(&right, "noSuchParameter", &["1".to_owned()]);
        assert_eq!(call(&world, route, &path).await, base, "{path}");
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(queries.len() >= QUERIES_MIN, "only {} queries", queries.len());
    assert!(asked >= CASES_MIN, "only {asked} cases");
}

/// Status and error name, asked as whoever may ask.
async fn call(world: &World, route: &Route, path: &str) -> (u16, String) {
    let request = world.request("GET", path);
    let request = match route.access {
        // A PDS answers them, which checks for itself.
        Access::Anyone | Access::Person | Access::SignedIn | Access::Acting => request,
        Access::Moderation | Access::Operator => request.bearer_auth(crate::world::ADMIN_TOKEN),
        Access::Optional | Access::OptionalForFeed | Access::User => {
            request.bearer_auth(world.token("alice", route.nsid().unwrap()))
        }
    };
    let answer = world.send(request).await;
    let name = answer.body["error"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), name)
}
