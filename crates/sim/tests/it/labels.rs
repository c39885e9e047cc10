//! Labelers: what their streams say, read with care, is what holds; whatever they lie.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use millrace_atproto::datetime::{epoch_us, format_ms_us};
use millrace_atproto::did_doc::Identity;
use millrace_atproto::label::{LabelFrame, SentLabel};
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::SystemClock;
use millrace_sim::{LabelLie, LabelSaid, LabelTruth, Network, SimConfig};
use tokio_tungstenite::tungstenite::Message;

/// Clocks may be so far off.
const AHEAD_MAX_US: i64 = 300 * 1_000_000;

async fn network(labelers: u32) -> Network {
    let config = SimConfig {
        accounts: 6,
        history_writes: 200,
        writes_per_s: 0.0,
        labelers,
        ..SimConfig::default()
    };
    Network::start(&config, SystemClock::shared()).await.unwrap()
}

async fn identity(network: &Network, did: &str) -> Identity {
    millrace_runtime::tls::install_provider();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let document = client.get(format!("{}/{did}", network.plc_url())).send().await.unwrap();
    let document = document.bytes().await.unwrap();
    Identity::parse(&document, &Did::parse(did).unwrap()).unwrap()
}

/// What a stream says, read as labels must be read.
async fn read(network: &Network, did: &str) -> Vec<(String, String, i64)> {
    let identity = identity(network, did).await;
    let (key, service) = (
        identity.labeler_key.unwrap(),
        identity.service("#atproto_labeler", "AtprotoLabeler").unwrap().endpoint.clone(),
    );
    let last = network.look(|world| world.last_label_seq(&Did::parse(did).unwrap()));
    let url = service.replacen("http", "ws", 1);
    let url = format!("{url}/xrpc/com.atproto.label.subscribeLabels?cursor=0");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut said: BTreeMap<(String, String), (i64, bool)> = BTreeMap::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Binary(bytes) = message else { continue };
        let Ok(LabelFrame::Labels(frame)) = LabelFrame::parse(&bytes) else { continue };
        for label in frame.labels().flatten().filter(|label| counts(label, did)) {
            if label.verify(&key).is_err() {
                continue;
            }
            let cts_us = epoch_us(label.cts).unwrap();
            let of = (label.uri.to_owned(), label.val.to_owned());
            let known = said.entry(of).or_insert((i64::MIN, false));
            if cts_us > known.0 {
                *known = (cts_us, !label.neg.unwrap_or(false));
            }
        }
        if frame.seq >= last {
            break;
        }
    }
    let holding = said.into_iter().filter(|(_, last)| last.1);
    holding.map(|((subject, val), (cts_us, _))| (subject, val, cts_us)).collect()
}

fn counts(label: &SentLabel<'_>, did: &str) -> bool {
    let now_us = millrace_runtime::clock::Clock::now_us(&SystemClock);
    let soon = epoch_us(label.cts).is_some_and(|cts_us| cts_us < now_us + AHEAD_MAX_US);
    label.check().is_ok() && label.src == did && soon
}

fn holding(network: &Network, did: &str) -> Vec<(String, String, i64)> {
    let labels = network.look(|world| world.label_truths()).into_iter();
    let of = labels.filter(|label| label.src.as_str() == did);
    // As a label's time is written.
    let written = |cts_us: i64| epoch_us(&format_ms_us(cts_us)).unwrap();
    of.map(|LabelTruth { subject, val, cts_us, .. }| (subject, val, written(cts_us))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_without_labelers_is_as_it_was() {
    let network = network(0).await;
    assert!(network.labelers().is_empty());
    assert!(network.truth().labels.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_labeler_says_what_holds() {
    let network = network(2).await;
    let labelers = network.labelers();
    assert_eq!(labelers.len(), 2);
    network.act(100).unwrap();
    for did in &labelers {
        let expected = holding(&network, did);
        assert!(!expected.is_empty());
        assert_eq!(read(&network, did).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_change_nothing_of_what_holds() {
    let network = network(2).await;
    let labelers = network.labelers();
    let [other, liar] = [0, 1].map(|at| Did::parse(&labelers[at]).unwrap());
    let subject = network.accounts()[0].did.clone();
    let now_us = millrace_runtime::clock::Clock::now_us(&SystemClock);
    let said = |val: &str, negates| LabelSaid {
        subject: subject.clone(),
        val: val.to_owned(),
        negates,
        exp_us: None,
    };
    network.change(|world| {
        world.say_label(&liar, said("a", false), now_us);
        world.say_label(&liar, said("b", false), now_us);
        world.say_label(&liar, said("b", true), now_us);
    });
    let before: Vec<_> = holding(&network, liar.as_str());
    let names = |labels: &[(String, String, i64)]| -> Vec<(String, String)> {
        labels.iter().map(|(subject, val, _)| (subject.clone(), val.clone())).collect()
    };
    for lie in LabelLie::all(&other) {
        network.change(|world| world.lie_by_label(&liar, &lie, &subject, now_us));
    }
    // What stands at the end may not be a frame.
    network.change(|world| world.say_label(&liar, said("end", true), now_us));
    let found = read(&network, liar.as_str()).await;
    assert_eq!(names(&found), names(&before));
    assert_eq!(found, holding(&network, liar.as_str()));
}
