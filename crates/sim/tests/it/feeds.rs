//! Feed generators: good ones page through the world's posts, hostile ones each do their worst.

use std::time::Duration;

use millrace_runtime::clock::ManualClock;
use millrace_sim::feeds::{GOOD_RKEYS, HOSTILE_RKEYS};
use millrace_sim::{Network, SimConfig};
use reqwest::{Client, StatusCode};
use serde_json::Value;

const NOW_US: i64 = 1_767_225_600_000_000;
const SKELETON: &str = "/xrpc/app.bsky.feed.getFeedSkeleton";

async fn network() -> Network {
    let config =
        SimConfig { accounts: 8, history_writes: 500, writes_per_s: 0.0, ..SimConfig::default() };
    Network::start(&config, ManualClock::at(NOW_US).shared()).await.unwrap()
}

fn client() -> Client {
    millrace_runtime::tls::install_provider();
    let redirects = reqwest::redirect::Policy::none();
    Client::builder()
        .no_proxy()
        .redirect(redirects)
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

fn feed(network: &Network, rkey: &str) -> String {
    format!("at://{}/app.bsky.feed.generator/{rkey}", network.accounts()[0].did)
}

async fn page(network: &Network, rkey: &str, limit: usize, cursor: Option<&str>) -> Value {
    let url = format!("{}{SKELETON}", network.good_feeds_url());
    let mut query = vec![("feed", feed(network, rkey)), ("limit", limit.to_string())];
    query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
    client().get(url).query(&query).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn documents_and_records_lead_to_the_services() {
    let network = network().await;
    let services = network.look(|world| world.services().to_vec());
    for (service, url, rkeys) in [
        (&services[0], network.good_feeds_url(), GOOD_RKEYS.as_slice()),
        (&services[1], network.hostile_feeds_url(), HOSTILE_RKEYS.as_slice()),
    ] {
        let document = format!("{}/{}", network.plc_url(), service.did);
        let document: Value = client().get(document).send().await.unwrap().json().await.unwrap();
        assert_eq!(document["service"][0]["id"], "#bsky_fg");
        assert_eq!(document["service"][0]["serviceEndpoint"], url.as_str());
        let described = format!("{url}/xrpc/app.bsky.feed.describeFeedGenerator");
        let described: Value = client().get(described).send().await.unwrap().json().await.unwrap();
        assert_eq!(described["did"], service.did.as_str());
        let uris = described["feeds"].as_array().unwrap();
        for rkey in rkeys {
            assert!(uris.iter().any(|uri| uri["uri"] == feed(&network, rkey)), "{rkey}");
        }
    }
}

#[tokio::test]
async fn a_good_feed_pages_to_its_end_without_repeating_itself() {
    let network = network().await;
    let posts = network.look(|world| {
        let posts =
            world.accounts().map(|account| account.repo.paths_in("app.bsky.feed.post").count());
        posts.sum::<usize>()
    });
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = page(&network, "newest", 7, cursor.as_deref()).await;
        assert!(page["reqId"].is_string());
        let items = page["feed"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["post"].as_str().unwrap().to_owned()));
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
        assert_eq!(items.len(), 7);
    }
    assert_eq!(seen.len(), posts);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), posts);
}

#[tokio::test]
async fn good_feeds_have_reasons_and_note_who_asked() {
    let network = network().await;
    let reposts = page(&network, "with-reposts", 100, None).await;
    let reasons: Vec<&Value> =
        reposts["feed"].as_array().unwrap().iter().filter_map(|item| item.get("reason")).collect();
    assert!(!reasons.is_empty());
    assert_eq!(reasons[0]["$type"], "app.bsky.feed.defs#skeletonReasonRepost");
    let pinned = page(&network, "pinned", 2, None).await;
    assert_eq!(pinned["feed"][0]["reason"]["$type"], "app.bsky.feed.defs#skeletonReasonPin");
    assert_eq!(page(&network, "empty", 2, None).await["feed"], Value::Array(Vec::new()));
    assert_eq!(page(&network, "no-such-feed", 2, None).await["error"], "UnknownFeed");

    let url = format!("{}{SKELETON}", network.good_feeds_url());
    let request = client().get(url).query(&[("feed", feed(&network, "newest"))]);
    request.header("authorization", "Bearer abc").send().await.unwrap();
    let asked = network.feed_requests().pop().unwrap();
    assert_eq!(asked.authorization.as_deref(), Some("Bearer abc"));
    assert_eq!(asked.about, feed(&network, "newest"));
}

#[tokio::test]
async fn hostile_feeds_do_what_their_names_say() {
    let network = network().await;
    let ask = async |rkey: &str, cursor: &str| {
        let url = format!("{}{SKELETON}", network.hostile_feeds_url());
        let query = [("feed", feed(&network, rkey)), ("cursor", cursor.to_owned())];
        client().get(url).query(&query).send().await
    };
    let json = async |rkey: &str| ask(rkey, "here").await.unwrap().json::<Value>().await;
    for rkey in ["silent", "dribbling"] {
        let url = format!("{}{SKELETON}", network.hostile_feeds_url());
        let request = client().get(url).query(&[("feed", feed(&network, rkey))]);
        let answer = request.timeout(Duration::from_millis(300)).send().await;
        let late = match answer {
            Err(error) => error.is_timeout(),
            Ok(response) => response.bytes().await.is_err_and(|error| error.is_timeout()),
        };
        assert!(late, "{rkey}");
    }
    let mut endless = ask("endless", "").await.unwrap();
    let mut bytes = 0;
    while bytes < 8 << 20 {
        bytes += endless.chunk().await.unwrap().unwrap().len();
    }
    assert!(json("malformed").await.is_err());
    assert!(json("wrong-shape").await.unwrap()["feed"].is_object());
    assert_eq!(json("echoing-cursor").await.unwrap()["cursor"], "here");
    assert_eq!(json("same-page-forever").await.unwrap()["cursor"], "1");
    assert_eq!(json("ten-thousand").await.unwrap()["feed"].as_array().unwrap().len(), 10_000);
    assert!(json("foreign-uris").await.unwrap()["feed"].as_array().unwrap().len() >= 5);
    assert!(json("huge-fields").await.unwrap()["reqId"].as_str().unwrap().len() > 100);
    assert_eq!(json("refusing").await.unwrap()["error"], "NotForYou");
    assert_eq!(ask("failing", "").await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    let redirect = ask("redirect-private", "").await.unwrap();
    assert!(redirect.headers()["location"].to_str().unwrap().starts_with("http://10."));
    assert!(ask("redirect-loop", "").await.unwrap().status().is_redirection());
}
