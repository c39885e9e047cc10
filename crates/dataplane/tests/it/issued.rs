//! What whoever runs the place says and chooses: labels issued here beside those of labelers, and lists.

use millrace_atproto::syntax::Did;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Client;
use millrace_dataplane::query::curated::{
    Curate, CuratedList, GetCurated, ITEMS_MAX, NOTE_BYTES_MAX, Uncurate,
};
use millrace_dataplane::query::hydrate::Hydrate;
use millrace_dataplane::query::issued_label::{
    IssueLabels, IssuedLabel, LABELS_MAX, ListIssuedLabels, SignedLabel, VALUES_MAX,
};
use millrace_dataplane::query::issued_sequence::{self, GetIssuedSequence};
use millrace_dataplane::query::labels::QueryLabels;

use crate::entries::{self, START_US, did, uri};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at};

on_every_engine!(
    labels_hold_until_they_are_taken_back,
    pages_of_both_kinds_lose_nothing,
    what_was_issued_is_listed,
    what_was_issued_has_an_order,
    lists_are_bounded_and_have_an_order,
    chosen_verifiers_are_trusted,
);

const POST: &str = "app.bsky.feed.post";
const CTS: &str = "2026-01-01T00:00:00.000Z";

fn label(src: &str, uri: &str, val: &str) -> SignedLabel {
    SignedLabel {
        src: did(src),
        uri: uri.to_owned(),
        cid: None,
        val: val.to_owned(),
        neg: false,
        cts: CTS.to_owned(),
        exp: None,
        sig: "AAAA".to_owned(),
    }
}

async fn issue(client: &Client, labels: Vec<SignedLabel>) {
    client.command(IssueLabels { labels, reason: "seen".to_owned() }).await.unwrap();
}

async fn labels_hold_until_they_are_taken_back(harness: Harness) {
    let town = Town::new(harness);
    let client = &town.harness.client;
    let (alice, post) = (did("alice").to_string(), town.post("alice").await);
    let said = async |accept: &[&str]| {
        let accept_labelers = accept.iter().map(|name| did(name)).collect();
        let asked = Hydrate { posts: vec![at(&post)], accept_labelers, ..Hydrate::default() };
        let labels = town.hydrate(asked).await.labels.into_iter();
        let mut labels: Vec<String> =
            labels.map(|label| format!("{} {}", label.uri, label.val)).collect();
        labels.sort();
        labels
    };
    let over =
        SignedLabel { exp: Some("2025-12-31T00:00:00Z".to_owned()), ..label("us", &post, "over") };
    let lasting = SignedLabel {
        exp: Some("2026-12-31T00:00:00Z".to_owned()),
        ..label("us", &post, "lasting")
    };
    // The issuer is no account here, nor is everything it speaks of.
    issue(client, vec![label("us", &alice, "spam"), over, lasting]).await;
    issue(client, vec![label("others", &alice, "bot"), label("us", did("x").as_str(), "y")]).await;
    assert!(said(&[]).await.is_empty() && said(&["nobody"]).await.is_empty());
    let expected = [format!("{post} lasting"), format!("{alice} spam")];
    assert_eq!(said(&["us"]).await, expected);
    assert_eq!(said(&["us", "others", "nobody"]).await.len(), 3);
    let back = SignedLabel { neg: true, ..label("us", &alice, "spam") };
    issue(client, vec![back]).await;
    assert_eq!(said(&["us"]).await, expected[..1]);
    issue(client, vec![label("us", &alice, "spam")]).await;
    assert_eq!(said(&["us"]).await, expected);
}

async fn pages_of_both_kinds_lose_nothing(harness: Harness) {
    let client = &harness.client;
    let (alice, labeler) = (did("alice"), did("labeler"));
    let posts = ["a", "b", "c"].map(|rkey| uri(&alice, POST, rkey));
    let list = uri(&alice, "app.bsky.graph.list", "a");
    let sent: Vec<_> =
        posts.iter().map(|post| entries::label(&labeler, post, "bot", CTS)).collect();
    harness.apply(&[entries::labels(&labeler, 1, &sent)]).await;
    let issued = posts.iter().chain([&list]).map(|record| label("us", record, "rude a"));
    issue(client, issued.chain([label("us", alice.as_str(), "spam")]).collect()).await;
    let all = async |patterns: &[String], sources: Option<Vec<Did>>, limit: u32| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let (uri_patterns, sources) = (patterns.to_vec(), sources.clone());
            let page =
                client.ask(QueryLabels { uri_patterns, sources, limit, cursor }).await.unwrap();
            assert!(page.labels.len() <= limit as usize);
            found.extend(
                page.labels.into_iter().map(|label| (label.uri, label.val, label.sig.is_some())),
            );
            cursor = page.cursor;
            if cursor.is_none() {
                return found;
            }
        }
    };
    let records = format!("at://{alice}/*");
    let kind = format!("at://{alice}/{POST}/*");
    let patterns = [alice.to_string(), records.clone(), posts[1].clone()];
    let whole = all(&patterns, None, 250).await;
    // The account; four records with three sent labels; one record with both.
    assert_eq!(whole.len(), 1 + 4 + 3 + 2);
    assert_eq!(whole.iter().filter(|label| label.2).count(), 6, "what is issued here is signed");
    for limit in [1, 2, 3, 4] {
        assert_eq!(all(&patterns, None, limit).await, whole, "{limit} a page");
    }
    assert_eq!(all(std::slice::from_ref(&kind), Some(vec![did("us")]), 2).await.len(), 3);
    assert_eq!(all(&[kind], Some(vec![labeler]), 2).await.len(), 3);
    assert!(all(&[records], Some(vec![did("nobody")]), 2).await.is_empty());
}

async fn what_was_issued_is_listed(harness: Harness) {
    let client = &harness.client;
    let subjects: Vec<String> = (0..5).map(|n| did(&format!("a{n}")).to_string()).collect();
    issue(client, subjects.iter().map(|subject| label("us", subject, "spam")).collect()).await;
    issue(client, vec![label("others", &subjects[0], "spam")]).await;
    let list = async |cursor: Option<String>| {
        client.ask(ListIssuedLabels { src: did("us"), limit: 2, cursor }).await.unwrap()
    };
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(cursor).await;
        found.extend(page.labels);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected = subjects.iter().map(|subject| IssuedLabel {
        label: label("us", subject, "spam"),
        reason: "seen".to_owned(),
        issued_at_us: START_US,
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
    let many = |labels: i64| {
        let labels = (0..labels).map(|n| label("us", &subjects[0], &n.to_string())).collect();
        IssueLabels { labels, reason: String::new() }
    };
    client.command(many(VALUES_MAX - 1)).await.unwrap();
    let one_more =
        IssueLabels { labels: vec![label("us", &subjects[0], "more")], reason: String::new() };
    let wrong = IssueLabels { labels: vec![label("us", "alice.test", "x")], reason: String::new() };
    for refused in [one_more, many(LABELS_MAX as i64 + 1), wrong] {
        let answer = client.command(refused).await;
        assert!(matches!(answer, Err(DataplaneError::InvalidRequest(_))));
    }
    let malformed = ListIssuedLabels { src: did("us"), limit: 2, cursor: Some("x".to_owned()) };
    assert!(matches!(client.ask(malformed).await, Err(DataplaneError::InvalidRequest(_))));
}

async fn what_was_issued_has_an_order(harness: Harness) {
    let client = &harness.client;
    let subjects: Vec<String> = (0..5).map(|n| did(&format!("a{n}")).to_string()).collect();
    let ask = async |after: i64, limit: u32| {
        client.ask(GetIssuedSequence { src: did("us"), after, limit }).await
    };
    let nothing = ask(0, 10).await.unwrap();
    assert_eq!((nothing.labels, nothing.last), (Vec::new(), 0));
    issue(client, subjects[..4].iter().map(|subject| label("us", subject, "a")).collect()).await;
    issue(client, vec![label("others", &subjects[0], "theirs")]).await;
    let first = ask(0, 10).await.unwrap();
    let numbers: Vec<i64> = first.labels.iter().map(|label| label.seq).collect();
    assert_eq!(numbers, [START_US, START_US + 1, START_US + 2, START_US + 3]);
    assert_eq!(first.last, numbers[3]);
    let back = SignedLabel { neg: true, ..label("us", &subjects[1], "a") };
    issue(client, vec![back.clone(), label("us", &subjects[4], "a")]).await;
    let read = async |mut after: i64, limit: u32| {
        let mut found = Vec::new();
        loop {
            let page = ask(after, limit).await.unwrap();
            let Some(last) = page.labels.last() else { return found };
            after = last.seq;
            found.extend(page.labels.into_iter().map(|it| (it.label.uri, it.label.neg)));
        }
    };
    // What was said of the second stands where it was taken back, and nowhere else.
    let all = [0, 2, 3, 1, 4].map(|n| (subjects[n].clone(), n == 1));
    assert_eq!(read(0, 10).await, all);
    assert_eq!(read(0, 1).await, all, "page after page");
    assert_eq!(read(first.last, 2).await, all[3..], "from where one was");
    let rest = ask(first.last, 1).await.unwrap();
    assert_eq!((&rest.labels[0].label, rest.last), (&back, START_US + 5));
    assert_eq!(ask(rest.last, 1).await.unwrap().labels, []);
    assert_eq!(ask(i64::MAX, 1).await.unwrap().last, rest.last);
    for wrong in [0, issued_sequence::LIMIT_MAX + 1] {
        assert!(matches!(ask(0, wrong).await, Err(DataplaneError::InvalidRequest(_))), "{wrong}");
    }
}

async fn lists_are_bounded_and_have_an_order(harness: Harness) {
    let client = &harness.client;
    let list = CuratedList::People;
    let names = |names: &[&str]| names.iter().map(|name| did(name).to_string()).collect::<Vec<_>>();
    let add = async |subjects: Vec<String>, note: &str| {
        client.command(Curate { list, subjects, note: note.to_owned() }).await
    };
    let shown = async || {
        let items = client.ask(GetCurated { list }).await.unwrap().items;
        items.into_iter().map(|item| item.subject).collect::<Vec<_>>()
    };
    add(names(&["a", "b", "c"]), "first").await.unwrap();
    add(names(&["a"]), "again").await.unwrap();
    assert_eq!(shown().await, names(&["b", "c", "a"]));
    client.command(Uncurate { list, subjects: names(&["c", "x"]) }).await.unwrap();
    assert_eq!(shown().await, names(&["b", "a"]));
    for other in [CuratedList::Verifiers, CuratedList::Feeds, CuratedList::StarterPacks] {
        assert!(client.ask(GetCurated { list: other }).await.unwrap().items.is_empty());
    }
    let full = |from: usize, to: usize| {
        (from..to).map(|n| did(&format!("n{n}")).to_string()).collect::<Vec<_>>()
    };
    add(full(0, ITEMS_MAX - 2), "").await.unwrap();
    let long = "x".repeat(NOTE_BYTES_MAX + 1);
    for (subjects, note) in [
        (names(&["more"]), ""),
        (full(0, ITEMS_MAX + 1), ""),
        (names(&["b"]), long.as_str()),
        (vec!["alice.test".to_owned()], ""),
        (vec![uri(&did("a"), POST, "a")], ""),
    ] {
        assert!(matches!(add(subjects, note).await, Err(DataplaneError::InvalidRequest(_))));
    }
    assert_eq!(shown().await.len(), ITEMS_MAX, "what is refused changes nothing");
}

async fn chosen_verifiers_are_trusted(harness: Harness) {
    let town = Town::new(harness);
    let client = &town.harness.client;
    let word = serde_json::json!({
        "subject": did("alice"), "handle": "alice.test", "displayName": "Alice",
    });
    for who in ["alice", "chosen", "configured"] {
        town.account(who, true).await;
        town.write(who, "app.bsky.graph.verification", word.clone()).await;
    }
    let issuers = async || {
        let asked = Hydrate {
            actors: vec![did("alice")],
            trusted_verifiers: vec![did("configured")],
            ..Hydrate::default()
        };
        let found = town.hydrate(asked).await;
        let alice = found.actors.into_iter().find(|actor| actor.did == did("alice")).unwrap();
        alice.verifications.into_iter().map(|word| word.issuer).collect::<Vec<_>>()
    };
    assert_eq!(issuers().await, [did("configured")]);
    // Twice is once.
    let subjects = ["chosen", "configured", "unknown"].map(|who| did(who).to_string()).to_vec();
    let (list, note) = (CuratedList::Verifiers, String::new());
    client.command(Curate { list, subjects: subjects.clone(), note }).await.unwrap();
    let mut both = issuers().await;
    both.sort();
    assert_eq!(both, [did("chosen"), did("configured")]);
    client.command(Uncurate { list, subjects }).await.unwrap();
    assert_eq!(issuers().await, [did("configured")]);
}
