//! The network over HTTP and WebSocket: several PDSs, a relay, a directory, and what goes wrong on the way.

use std::time::Duration;

use futures_util::StreamExt;
use millrace_atproto::Did;
use millrace_atproto::did_doc::Identity;
use millrace_atproto::frame::{Frame, IdentityFrame};
use millrace_atproto::sync::{self, Limits};
use millrace_runtime::clock::ManualClock;
use millrace_sim::{FaultConfig, Goodbye, Migration, Network, SimConfig, Status};
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const NOW_US: i64 = 1_767_225_600_000_000;

fn config() -> SimConfig {
    SimConfig { accounts: 6, history_writes: 20, writes_per_s: 0.0, ..SimConfig::default() }
}

async fn network_of(config: SimConfig) -> Network {
    Network::start(&config, ManualClock::at(NOW_US).shared()).await.unwrap()
}

async fn network() -> Network {
    network_of(config()).await
}

fn client() -> Client {
    millrace_runtime::tls::install_provider();
    Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap()
}

async fn get(url: String) -> Response {
    client().get(url).send().await.unwrap()
}

async fn json(url: String) -> Value {
    get(url).await.json().await.unwrap()
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect_to(base: String, cursor: Option<i64>) -> Socket {
    let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
    let url = format!("{base}/xrpc/com.atproto.sync.subscribeRepos{query}");
    tokio_tungstenite::connect_async(url).await.unwrap().0
}

/// A reader of the relay.
async fn connect(network: &Network, cursor: Option<i64>) -> Socket {
    connect_to(network.relay_url(), cursor).await
}

/// The first `count` frames of a firehose from a cursor on.
async fn frames(base: String, cursor: Option<i64>, count: usize) -> Vec<Vec<u8>> {
    let messages = connect_to(base, cursor).await.filter_map(|message| async {
        match message.ok()? {
            Message::Binary(frame) => Some(frame.to_vec()),
            _ => None,
        }
    });
    messages.take(count).collect().await
}

fn seqs(frames: &[Vec<u8>]) -> Vec<Option<i64>> {
    frames.iter().map(|frame| Frame::parse(frame).unwrap().seq()).collect()
}

#[tokio::test]
async fn a_cursor_is_inclusive_and_one_of_the_future_is_refused() {
    let network = network().await;
    let last = network.look(|world| world.last_seq());
    let relay = || network.relay_url();
    assert_eq!(seqs(&frames(relay(), Some(5), 3).await), [Some(5), Some(6), Some(7)]);
    assert_eq!(seqs(&frames(relay(), Some(0), 1).await), [Some(1)]);
    let refused = frames(relay(), Some(last + 1), 9).await;
    assert_eq!(refused.len(), 1);
    let error = Frame::parse(&refused[0]).unwrap();
    assert!(matches!(error, Frame::Error { error: "FutureCursor", .. }));
    // What is too old is said to be, and begins with the oldest.
    network.change(|world| world.forget_before(9));
    let outdated = frames(relay(), Some(3), 2).await;
    let info = Frame::parse(&outdated[0]).unwrap();
    assert!(matches!(info, Frame::Info { name: "OutdatedCursor", .. }));
    assert_eq!(seqs(&outdated[1..]), [Some(9)]);
}

#[tokio::test]
async fn a_change_reaches_live_readers_of_relay_and_pds() {
    let network = network().await;
    let last = network.look(|world| world.last_seq());
    let (did, host) = network.look(|world| {
        let account = world.accounts().last().unwrap();
        (account.identity.did.clone(), account.host)
    });
    let relay = frames(network.relay_url(), Some(last), 2);
    let host_last =
        network.look(|world| world.host_events_from(host, 0, usize::MAX).last().unwrap().seq);
    let pds = frames(network.host_stream_url(host), Some(host_last), 2);
    let change = async {
        network.change(|world| world.set_status(&did, Status::Deactivated, NOW_US));
    };
    let (relay, pds, ()) = tokio::join!(relay, pds, change);
    for read in [relay, pds] {
        let frame = Frame::parse(&read[1]).unwrap();
        assert!(matches!(frame, Frame::Account(account) if !account.active));
    }
}

#[tokio::test]
async fn documents_repositories_and_handles_are_served_where_they_belong() {
    let network = network().await;
    let account = network.accounts()[1].clone();
    let did: Did = account.did.parse().unwrap();
    let document = get(format!("{}/{did}", network.plc_url())).await.bytes().await.unwrap();
    let identity = Identity::parse(&document, &did).unwrap();
    assert_eq!(identity.handle.unwrap().as_str(), account.handle);
    let pds = identity.pds.unwrap();
    assert_eq!(pds, network.host_url(1));
    let resolved = client()
        .get(format!("{}/.well-known/atproto-did", network.pds_url()))
        .header("host", &account.handle);
    assert_eq!(resolved.send().await.unwrap().text().await.unwrap(), account.did);

    let path = format!("/xrpc/com.atproto.sync.getRepo?did={did}");
    let key = identity.signing_key.unwrap();
    // The relay sends readers to the PDS.
    let core = network.relay_url().replace("ws://", "http://");
    for base in [pds.clone(), core.clone()] {
        let car = get(format!("{base}{path}")).await.bytes().await.unwrap();
        sync::verify_repo(&car, &did, &key, NOW_US, &Limits::default()).unwrap();
    }
    let elsewhere = json(format!("{}{path}", network.host_url(0))).await;
    assert_eq!(elsewhere["error"], "RepoNotFound");
    let status = json(format!("{pds}/xrpc/com.atproto.sync.getRepoStatus?did={did}")).await;
    assert_eq!(status["active"], true);
    let all = json(format!("{core}/xrpc/com.atproto.sync.listRepos")).await;
    assert_eq!(all["repos"].as_array().unwrap().len(), 6);
    let some = json(format!("{pds}/xrpc/com.atproto.sync.listRepos?limit=1")).await;
    assert_eq!(some["repos"].as_array().unwrap().len(), 1);
    assert_eq!(some["cursor"], "1");
    let hosts = json(format!("{core}/xrpc/com.atproto.sync.listHosts")).await;
    assert_eq!(hosts["hosts"].as_array().unwrap().len(), 3);
    let collection = "listReposByCollection?collection=app.bsky.actor.profile&limit=2";
    let with = json(format!("{core}/xrpc/com.atproto.sync.{collection}")).await;
    assert_eq!(with["repos"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn after_a_move_both_pdss_say_what_they_know() {
    let network = network().await;
    let did: Did = network.accounts()[0].did.parse().unwrap();
    let migration = Migration { to: 2, new_key: true, goodbye: Goodbye::After, by_commit: true };
    network.change(|world| world.migrate(&did, migration, NOW_US)).unwrap();
    let document = get(format!("{}/{did}", network.plc_url())).await.bytes().await.unwrap();
    let identity = Identity::parse(&document, &did).unwrap();
    assert_eq!(identity.pds.as_deref(), Some(network.host_url(2).as_str()));
    let status = async |host| {
        let url = network.host_url(host);
        let status = json(format!("{url}/xrpc/com.atproto.sync.getRepoStatus?did={did}")).await;
        (status["active"].as_bool(), status["status"].as_str().map(str::to_owned))
    };
    assert_eq!(status(0).await, (Some(false), Some("deactivated".to_owned())));
    assert_eq!(status(2).await, (Some(true), None));
    let gone =
        json(format!("{}/xrpc/com.atproto.sync.getRepo?did={did}", network.host_url(0))).await;
    assert_eq!(gone["error"], "RepoDeactivated");
}

#[tokio::test]
async fn a_did_web_has_its_document_at_its_pds() {
    let network = network_of(SimConfig { web_accounts: 2, ..config() }).await;
    let did: Did = network.accounts()[1].did.parse().unwrap();
    assert_eq!(did.method(), "web");
    let url = network.host_url(0);
    assert!(url.ends_with(did.as_str().rsplit("%3A").next().unwrap()), "{did} {url}");
    let document = get(format!("{url}/.well-known/did.json")).await.bytes().await.unwrap();
    let identity = Identity::parse(&document, &did).unwrap();
    assert_eq!(identity.pds.as_deref(), Some(url.as_str()));
    let none = get(format!("{}/.well-known/did.json", network.host_url(2))).await;
    assert_eq!(none.status(), 404);
}

#[tokio::test]
async fn a_deleted_account_with_a_tombstone_is_gone_everywhere() {
    let network = network().await;
    let did: Did = network.accounts()[1].did.parse().unwrap();
    network.change(|world| world.tombstone(&did, NOW_US));
    assert_eq!(get(format!("{}/{did}", network.plc_url())).await.status(), 410);
    let url = network.host_url(1);
    let repo = json(format!("{url}/xrpc/com.atproto.sync.getRepo?did={did}")).await;
    assert_eq!(repo["error"], "RepoNotFound");
}

/// What asking for a repository gives, as long as it does not go well.
async fn mishaps(network: &Network, asks: u32) -> Vec<String> {
    let account = network.look(|world| world.accounts().next().unwrap().clone());
    let (did, key) = (account.identity.did, account.identity.key.public());
    let url = format!("{}/xrpc/com.atproto.sync.getRepo?did={did}", network.host_url(account.host));
    let mut mishaps = Vec::new();
    for _ in 0..asks {
        let Ok(answer) = client().get(url.clone()).send().await else {
            mishaps.push("broken".to_owned());
            continue;
        };
        let (status, wait) = (answer.status(), answer.headers().get("retry-after").cloned());
        mishaps.push(match answer.bytes().await {
            _ if wait.is_some() => {
                format!("{} {}", status.as_u16(), wait.unwrap().to_str().unwrap())
            }
            _ if !status.is_success() => status.as_u16().to_string(),
            Err(_) => "broken".to_owned(),
            Ok(car) => match sync::verify_repo(&car, &did, &key, NOW_US, &Limits::default()) {
                Ok(_) => "whole".to_owned(),
                Err(_) => "cut short".to_owned(),
            },
        });
    }
    mishaps
}

#[tokio::test]
async fn hosts_fail_in_every_way_but_not_for_ever() {
    let check = async |faults: FaultConfig, mishap: &str| {
        let network = network_of(SimConfig { faults, ..config() }).await;
        let expected = [mishap, mishap, "whole", mishap, mishap, "whole"];
        assert_eq!(mishaps(&network, 6).await, expected);
    };
    let none = FaultConfig::default;
    check(FaultConfig { truncated_repos: 1.0, ..none() }, "cut short").await;
    check(FaultConfig { rate_limited: 1.0, retry_after_s: 3, ..none() }, "429 3").await;
    check(FaultConfig { server_errors: 1.0, ..none() }, "500").await;
    check(FaultConfig { broken_answers: 1.0, ..none() }, "broken").await;
    let late = FaultConfig { slow_answers: 1.0, answer_delay_ms: 30, ..none() };
    let network = network_of(SimConfig { faults: late, ..config() }).await;
    let started = tokio::time::Instant::now();
    assert_eq!(mishaps(&network, 2).await, ["whole", "whole"]);
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn streams_fall_silent_and_break_off() {
    let faults = FaultConfig { zombies: 1.0, in_a_row_max: 1, ..FaultConfig::default() };
    let network = network_of(SimConfig { faults, ..config() }).await;
    let silent = frames(network.relay_url(), Some(1), 1);
    assert!(tokio::time::timeout(Duration::from_millis(200), silent).await.is_err());
    assert_eq!(frames(network.relay_url(), Some(1), 1).await.len(), 1);

    let faults = FaultConfig { hang_ups: 0.2, ..FaultConfig::default() };
    let network = network_of(SimConfig { faults, ..config() }).await;
    // Whoever comes again where it broke off gets to the end.
    let last = network.look(|world| world.last_seq());
    let (mut next, mut connections) = (1, 0);
    while next <= last {
        connections += 1;
        let mut socket = connect(&network, Some(next)).await;
        while let Some(Ok(message)) = socket.next().await {
            next = Frame::parse(&message.into_data()).unwrap().seq().unwrap() + 1;
            if next > last {
                break;
            }
        }
    }
    assert!(connections > 3, "{connections}");
}

#[tokio::test]
async fn what_is_no_frame_is_sent_only_once() {
    let faults = FaultConfig { lies: 0.5, ..FaultConfig::default() };
    let config = SimConfig { history_writes: 120, faults, ..config() };
    let network = network_of(config).await;
    // The last one is whole.
    let last = network.change(|world| {
        let did = world.accounts().next().unwrap().identity.did.to_string();
        world.emit(|seq| {
            let time = "2026-01-01T00:00:00.000Z";
            IdentityFrame { seq, did: &did, handle: None, time }.encode()
        })
    });
    let broken = async || {
        let mut socket = connect(&network, Some(1)).await;
        let mut broken = 0;
        loop {
            let Some(Ok(Message::Binary(frame))) = socket.next().await else { continue };
            match Frame::parse(&frame) {
                Err(error) if error.is_fatal() => broken += 1,
                Ok(frame) if frame.seq() == Some(last) => return broken,
                _ => {}
            }
        }
    };
    assert!(broken().await > 0);
    assert_eq!(broken().await, 0);
}

#[tokio::test]
async fn a_relay_that_starts_anew_breaks_off_and_refuses_old_cursors() {
    let network = network().await;
    let last = network.look(|world| world.last_seq());
    let mut live = connect(&network, Some(last)).await;
    live.next().await.unwrap().unwrap();
    network.change(|world| {
        world.reset_relay();
        world.announce_all(NOW_US);
    });
    assert!(!live.next().await.is_some_and(|message| message.is_ok_and(|m| m.is_binary())));
    let refused = frames(network.relay_url(), Some(last), 1).await;
    assert!(matches!(
        Frame::parse(&refused[0]).unwrap(),
        Frame::Error { error: "FutureCursor", .. }
    ));
    assert_eq!(seqs(&frames(network.relay_url(), Some(0), 2).await), [Some(1), Some(2)]);
}

#[tokio::test]
async fn people_act_as_fast_as_they_can() {
    let network = network().await;
    let before = network.truth().writes.len();
    network.act(300).unwrap();
    assert!(network.truth().writes.len() >= before + 300);
}
