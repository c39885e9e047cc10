//! The network over HTTP and WebSocket.

use futures_util::StreamExt;
use millrace_atproto::frame::Frame;
use millrace_runtime::clock::ManualClock;
use millrace_sim::{Network, SimConfig, Status};
use tokio_tungstenite::tungstenite::Message;

const NOW_US: i64 = 1_767_225_600_000_000;

async fn network() -> Network {
    let config =
        SimConfig { accounts: 3, history_writes: 20, writes_per_s: 0.0, ..SimConfig::default() };
    Network::start(&config, ManualClock::at(NOW_US).shared()).await.unwrap()
}

/// The first `count` frames from a cursor on.
async fn frames(network: &Network, cursor: Option<i64>, count: usize) -> Vec<Vec<u8>> {
    let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
    let url = format!("{}/xrpc/com.atproto.sync.subscribeRepos{query}", network.relay_url());
    let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let messages = socket.filter_map(|message| async {
        match message.unwrap() {
            Message::Binary(frame) => Some(frame.to_vec()),
            _ => None,
        }
    });
    messages.take(count).collect().await
}

#[tokio::test]
async fn a_cursor_is_inclusive_and_one_of_the_future_is_refused() {
    let network = network().await;
    let last = network.look(|world| world.last_seq());
    let read = frames(&network, Some(5), 3).await;
    let seqs: Vec<Option<i64>> =
        read.iter().map(|frame| Frame::parse(frame).unwrap().seq()).collect();
    assert_eq!(seqs, [Some(5), Some(6), Some(7)]);
    assert_eq!(Frame::parse(&frames(&network, Some(0), 1).await[0]).unwrap().seq(), Some(1));
    let refused = frames(&network, Some(last + 1), 1).await;
    assert!(matches!(
        Frame::parse(&refused[0]).unwrap(),
        Frame::Error { error: "FutureCursor", .. }
    ));
}

#[tokio::test]
async fn a_change_reaches_a_live_reader() {
    let network = network().await;
    let last = network.look(|world| world.last_seq());
    let reader = frames(&network, Some(last), 2);
    let change = async {
        network.change(|world| {
            let did = world.accounts().next().unwrap().identity.did.clone();
            world.set_status(&did, Status::Deactivated, NOW_US);
        });
    };
    let (read, ()) = tokio::join!(reader, change);
    assert!(matches!(Frame::parse(&read[1]).unwrap(), Frame::Account(account) if !account.active));
}

#[tokio::test]
async fn documents_repositories_and_handles_are_served() {
    let network = network().await;
    let account = network.accounts()[0].clone();
    millrace_runtime::tls::install_provider();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let text = async |url: String, host: Option<&str>| {
        let mut request = client.get(url);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        request.send().await.unwrap().text().await.unwrap()
    };
    let document = text(format!("{}/{}", network.plc_url(), account.did), None).await;
    assert!(document.contains(&format!("at://{}", account.handle)), "{document}");
    let did =
        text(format!("{}/.well-known/atproto-did", network.pds_url()), Some(&account.handle)).await;
    assert_eq!(did, account.did);
    let status = text(
        format!("{}/xrpc/com.atproto.sync.getRepoStatus?did={}", network.pds_url(), account.did),
        None,
    )
    .await;
    assert!(status.contains("\"active\":true"), "{status}");
    let missing =
        text(format!("{}/xrpc/com.atproto.sync.getRepo?did=did:plc:none", network.pds_url()), None)
            .await;
    assert!(missing.contains("RepoNotFound"), "{missing}");
}
