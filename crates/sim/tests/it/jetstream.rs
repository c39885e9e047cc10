//! Jetstream speaks both wires as it does outside.

use futures_util::{SinkExt, Stream, StreamExt};
use millrace_runtime::clock::ManualClock;
use millrace_sim::jetstream::Dictionary;
use millrace_sim::{Network, SimConfig, Status};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const NOW_US: i64 = 1_767_225_600_000_000;
const V2: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

async fn network() -> Network {
    let config =
        SimConfig { accounts: 4, history_writes: 60, writes_per_s: 0.0, ..SimConfig::default() };
    Network::start(&config, ManualClock::at(NOW_US).shared()).await.unwrap()
}

async fn connect(network: &Network, path: &str) -> Socket {
    let url = format!("{}{path}", network.jetstream_url());
    tokio_tungstenite::connect_async(url).await.unwrap().0
}

/// The error with which the server refuses a connection.
async fn refused(network: &Network, path: &str) -> (u16, String) {
    let url = format!("{}{path}", network.jetstream_url());
    match tokio_tungstenite::connect_async(url).await {
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8(body).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

fn parsed(message: Message) -> Option<Value> {
    match message {
        Message::Text(text) => Some(serde_json::from_str(&text).unwrap()),
        Message::Binary(frame) => {
            let dictionary = Dictionary::current().bytes();
            let mut decompressor = zstd::bulk::Decompressor::with_dictionary(dictionary).unwrap();
            Some(
                serde_json::from_slice(&decompressor.decompress(&frame, 1 << 20).unwrap()).unwrap(),
            )
        }
        _ => None,
    }
}

fn events(socket: impl Stream<Item = Result<Message, Error>>) -> impl Stream<Item = Value> + Unpin {
    Box::pin(socket.filter_map(async |message| message.ok().and_then(parsed)))
}

async fn take(network: &Network, path: &str, count: usize) -> Vec<Value> {
    events(connect(network, path).await).take(count).collect().await
}

/// All events of the second wire, payloads alone.
async fn everything(network: &Network) -> Vec<Value> {
    let last = network.look(|world| world.jetstream_last_seq());
    let count = usize::try_from(last).unwrap();
    let frames = take(network, &format!("{V2}?cursor=0"), count).await;
    frames.into_iter().map(|frame| frame["payload"].clone()).collect()
}

#[tokio::test]
async fn the_first_wire_tells_commits_identities_and_accounts() {
    let network = network().await;
    let all = everything(&network).await;
    let told = all.iter().filter(|event| event.get("sync").is_none()).count();
    let events = take(&network, "/subscribe?cursor=1", told).await;
    let kinds = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert_eq!((kinds("identity"), kinds("account")), (4, 4));
    assert_eq!(kinds("commit"), told - 8);
    let commit = events.iter().find(|event| event["commit"]["operation"] == "create").unwrap();
    for field in ["rev", "collection", "rkey", "cid"] {
        assert!(commit["commit"][field].is_string(), "{commit}");
    }
    assert_eq!(commit["commit"]["record"]["$type"], commit["commit"]["collection"]);
    let times: Vec<i64> = events.iter().map(|event| event["time_us"].as_i64().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    // From the middle on, by time: inclusive.
    let at = times[20];
    let again = take(&network, &format!("/subscribe?cursor={at}"), 3).await;
    assert_eq!(again, events[20..23]);
}

#[tokio::test]
async fn the_first_wire_filters_but_never_identities_and_accounts() {
    let network = network().await;
    let path = "/subscribe?cursor=0&wantedCollections=app.bsky.graph.*&wantedCollections=app.bsky.feed.like";
    let mut events = events(connect(&network, path).await);
    let mut likes = 0;
    let (mut identities, mut accounts) = (0, 0);
    while likes < 5 || identities < 4 || accounts < 4 {
        let event = events.next().await.unwrap();
        match event["kind"].as_str().unwrap() {
            "identity" => identities += 1,
            "account" => accounts += 1,
            _ => {
                let collection = event["commit"]["collection"].as_str().unwrap();
                assert!(
                    collection.starts_with("app.bsky.graph.") || collection == "app.bsky.feed.like",
                    "{event}"
                );
                likes += usize::from(collection == "app.bsky.feed.like");
            }
        }
    }
    let did = network.accounts()[1].did.clone();
    let only = take(&network, &format!("/subscribe?cursor=0&wantedDids={did}"), 3).await;
    assert!(only.iter().all(|event| event["did"] == did.as_str()), "{only:?}");
}

#[tokio::test]
async fn the_first_wire_clamps_silently_and_waits_for_a_hello() {
    let network = network().await;
    network.change(|world| world.forget_jetstream_before(10));
    let first = &take(&network, "/subscribe?cursor=1000000000000001", 1).await[0];
    let cursor = first["cursor"].as_i64().unwrap();
    assert!(cursor >= 10, "{first}");
    assert_eq!(take(&network, "/subscribe?cursor=2", 1).await[0], *first);

    let (mut send, receive) =
        connect(&network, "/subscribe?cursor=0&requireHello=true").await.split();
    let mut receive = events(receive);
    let did = network.accounts()[0].did.clone();
    let hello = json!({"type": "options_update", "payload": {"wantedDids": [did]}});
    send.send(Message::Text(json!({"type": "unknown"}).to_string().into())).await.unwrap();
    send.send(Message::Text(hello.to_string().into())).await.unwrap();
    let event = receive.next().await.unwrap();
    assert_eq!(event["did"], did.as_str());
    send.send(Message::Text("no JSON".into())).await.unwrap();
    // What was under way may still come; then the server closes.
    while receive.next().await.is_some() {}

    let (status, _) = refused(&network, "/subscribe?compress=true").await;
    assert_eq!(status, 400);
    assert_eq!(refused(&network, "/subscribe?cursor=x").await.0, 400);
}

#[tokio::test]
async fn the_second_wire_tells_everything_and_filters_by_all_three() {
    let network = network().await;
    let all = everything(&network).await;
    let seqs: Vec<i64> = all.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    let syncs: Vec<&Value> = all.iter().filter(|event| event.get("sync").is_some()).collect();
    assert_eq!(syncs.len(), 4);
    assert_eq!(syncs[0]["$type"], "network.bsky.jetstream.subscribeEvents#sync");
    assert!(syncs[0]["sync"]["blocks"]["$bytes"].is_string());

    let did = network.accounts()[0].did.clone();
    let path = format!("{V2}?cursor=1&kinds=commit&dids={did}&collections=app.bsky.actor.profile");
    let found = take(&network, &path, 1).await;
    assert_eq!(found[0]["$type"], "message");
    assert_eq!(found[0]["payload"]["rkey"], "self");
    assert_eq!(found[0]["payload"]["did"], did.as_str());
}

#[tokio::test]
async fn the_second_wire_refuses_before_the_upgrade() {
    let network = network().await;
    network.change(|world| world.forget_jetstream_before(10));
    let check = async |query: &str, error: &str| {
        let (status, body) = refused(&network, &format!("{V2}?{query}")).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, body["error"].as_str()), (400, Some(error)), "{query}");
    };
    check("cursor=9", "CursorTooOld").await;
    check("cursor=0", "CursorTooOld").await;
    check("cursor=-1", "InvalidRequest").await;
    check("kinds=label", "InvalidRequest").await;
    check("kinds=sync&collections=app.bsky.feed.like", "InvalidRequest").await;
    check("wantedDids=did:plc:abc", "InvalidRequest").await;
    check("zstdDictionary=1", "UnknownZstdDictionary").await;
    check("zstdDictionary=x", "InvalidRequest").await;
    assert_eq!(take(&network, &format!("{V2}?cursor=10"), 1).await[0]["payload"]["seq"], 10);
    // A time is clamped, and that is said.
    let clamped = take(&network, &format!("{V2}?cursor=1000000000000001"), 2).await;
    assert_eq!(clamped[0]["payload"]["name"], "OutdatedCursor");
    assert_eq!(clamped[1]["payload"]["seq"], 10);
}

#[tokio::test]
async fn the_second_wire_compresses_with_the_dictionary_it_serves() {
    let network = network().await;
    millrace_runtime::tls::install_provider();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = network.jetstream_url().replace("ws://", "http://");
    let url = format!("{base}/xrpc/network.bsky.jetstream.getZstdDictionary");
    let bytes = client.get(&url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes, Dictionary::current().bytes());
    let id = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
    assert_eq!(client.get(format!("{url}?id=7")).send().await.unwrap().status(), 400);

    let mut socket = connect(&network, &format!("{V2}?cursor=1&zstdDictionary={id}")).await;
    let plain = take(&network, &format!("{V2}?cursor=1"), 40).await;
    let mut bytes = (0, 0);
    for expected in plain {
        let message = socket.next().await.unwrap().unwrap();
        assert!(message.is_binary());
        bytes.0 += message.len();
        bytes.1 += expected.to_string().len();
        assert_eq!(parsed(message).unwrap(), expected);
    }
    assert!(bytes.0 * 2 < bytes.1, "{bytes:?}");
}

#[tokio::test]
async fn the_second_wire_takes_no_messages_and_drops_those_who_fall_behind() {
    let network = network().await;
    let mut request = format!("{}{V2}", network.jetstream_url()).into_client_request().unwrap();
    let offered = "chat, xrpc.v1.json".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", offered);
    let (mut socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "xrpc.v1.json");
    socket.send(Message::Text("{}".into())).await.unwrap();
    assert!(events(socket).next().await.is_none());

    let mut live = events(connect(&network, V2).await);
    // Two changes at once: the reader's place is gone before it can look.
    network.change(|world| {
        let did = world.accounts().next().unwrap().identity.did.clone();
        world.set_status(&did, Status::Deactivated, NOW_US);
        world.set_status(&did, Status::Active, NOW_US);
        world.forget_jetstream_before(world.jetstream_last_seq());
    });
    let error = live.next().await.unwrap();
    assert_eq!((&error["$type"], &error["error"]), (&json!("error"), &json!("ConsumerTooSlow")));
    assert!(live.next().await.is_none());
}

#[tokio::test]
async fn connections_can_be_cut() {
    let network = network().await;
    let sockets = [connect(&network, "/subscribe").await, connect(&network, V2).await];
    network.cut_connections();
    for socket in sockets {
        assert!(events(socket).next().await.is_none());
    }
    assert_eq!(take(&network, "/subscribe?cursor=1", 1).await.len(), 1);
}
