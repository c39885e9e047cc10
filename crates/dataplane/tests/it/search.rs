//! Search: what was written is found by its words and by what narrows a search, and no more once it
//! is gone; pages lose nothing.

use millrace_atproto::cid::Cid;
use millrace_atproto::entry::EntryOp;
use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_dataplane::query::search_actors::SearchActors;
use millrace_dataplane::query::search_posts::{SearchPosts, Sort};
use serde_json::{Value, json};

use crate::entries::{self, POST, did, tid, uri};
use crate::harness::{Harness, on_every_engine};
use crate::kinds::record;

on_every_engine!(
    posts_are_found_by_words_and_marks,
    what_is_edited_or_gone_is_found_no_more,
    pages_lose_nothing_at_equal_times,
    the_best_come_first,
    accounts_are_found_by_handle_name_and_description,
    a_search_out_of_bounds_is_refused,
);

fn post(n: i64, second: i64, text: &str, more: Value) -> EntryOp {
    let mut json = json!({
        "$type": POST, "text": text,
        "createdAt": format!("2025-06-01T00:{:02}:{:02}.000Z", second / 60, second % 60),
    });
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    entries::put(POST, &tid(n).to_string(), record(&json))
}

fn facet(feature: &Value) -> Value {
    json!([{"index": {"byteStart": 0, "byteEnd": 1}, "features": [feature]}])
}

/// Record keys of what is found, as their numbers.
async fn found(harness: &Harness, asked: SearchPosts) -> Vec<i64> {
    let page = harness.client.ask(asked).await.unwrap();
    let number = |uri: &String| (0..400).find(|n| uri.ends_with(&tid(*n).to_string())).unwrap();
    page.uris.iter().map(number).collect()
}

fn typed(q: &str) -> SearchPosts {
    SearchPosts { q: q.to_owned(), ..SearchPosts::default() }
}

async fn library(harness: &Harness) -> (Did, Did) {
    let (alice, bob) = (did("alice"), did("bob"));
    let mention = json!({"$type": "app.bsky.richtext.facet#mention", "did": bob.as_str()});
    let tag = json!({"$type": "app.bsky.richtext.facet#tag", "tag": "Mühle"});
    let link =
        json!({"$type": "app.bsky.richtext.facet#link", "uri": "https://www.news.example.com/a/"});
    let embed = json!({"$type": "app.bsky.embed.external", "external":
        {"uri": "https://other.example.org/x", "title": "t", "description": "d"}});
    let of_alice = vec![
        post(1, 1, "The mill's wheel turns", json!({"langs": ["en-GB"]})),
        post(2, 2, "東京都に行く", json!({"langs": ["ja"]})),
        post(3, 3, "a mill without a wheel", json!({"facets": facet(&mention)})),
        post(4, 4, "Ärger an der Mühle", json!({"langs": ["de"], "facets": facet(&tag)})),
        post(5, 5, "see here", json!({"facets": facet(&link), "tags": ["News"]})),
    ];
    let of_bob = vec![
        post(6, 6, "the mill again \u{0}", json!({})),
        post(7, 7, "look", json!({"embed": embed})),
        post(8, 8, "", json!({})),
    ];
    let handles = [
        entries::identity(&alice, 1, Some("alice.test")),
        entries::identity(&bob, 1, Some("bob.test")),
    ];
    harness.apply(&handles).await;
    harness.apply(&[entries::commit(&alice, 2, of_alice), entries::commit(&bob, 2, of_bob)]).await;
    (alice, bob)
}

async fn posts_are_found_by_words_and_marks(harness: Harness) {
    let (alice, bob) = library(&harness).await;
    for (q, expected) in [
        ("mill", &[6, 3, 1][..]),
        ("MILL wheel", &[3, 1]),
        ("\"mill without\"", &[3]),
        ("mill -wheel", &[6]),
        ("京都", &[2]),
        ("都", &[2]),
        ("東都", &[]),
        ("arger", &[4]),
        ("from:alice.test mill", &[3, 1]),
        ("from:@bob.test", &[8, 7, 6]),
        ("from:nobody.test mill", &[]),
        ("mentions:bob.test", &[3]),
        ("#muhle", &[]),
        ("#mühle", &[4]),
        ("#news", &[5]),
        ("lang:ja", &[2]),
        ("lang:en mill", &[1]),
        ("domain:example.com", &[5]),
        ("domain:other.example.org", &[7]),
        ("url:http://news.example.com/a", &[5]),
        ("-mill", &[]),
        ("", &[]),
        ("\u{e001}1", &[]),
    ] {
        assert_eq!(found(&harness, typed(q)).await, expected, "{q}");
    }
    let asked = |narrow: fn(&mut SearchPosts)| {
        let mut asked = typed("mill");
        narrow(&mut asked);
        asked
    };
    for (asked, expected) in [
        (asked(|a| a.since = Some("2025-06-01T00:00:03Z".to_owned())), &[6, 3][..]),
        (asked(|a| a.until = Some("2025-06-01T00:00:03Z".to_owned())), &[1]),
        (asked(|a| a.until = Some("2025-06-01".to_owned())), &[]),
        (asked(|a| a.lang = Some("en".to_owned())), &[1]),
        (asked(|a| a.tags = vec!["x".to_owned()]), &[]),
        (asked(|a| a.author = AtIdentifier::parse("bob.test").ok()), &[6]),
        (asked(|a| a.q = "mill from:me".to_owned()), &[]),
    ] {
        assert_eq!(found(&harness, asked.clone()).await, expected, "{asked:?}");
    }
    let mine = SearchPosts { viewer: Some(bob.clone()), ..typed("mill from:me") };
    assert_eq!(found(&harness, mine).await, [6]);
    let to_bob = SearchPosts { mentions: Some(AtIdentifier::Did(bob)), ..SearchPosts::default() };
    assert_eq!(found(&harness, to_bob).await, [3]);
    assert_eq!(found(&harness, typed(alice.as_str())).await, [5, 4, 3, 2, 1]);
}

async fn what_is_edited_or_gone_is_found_no_more(harness: Harness) {
    let (alice, bob) = library(&harness).await;
    harness
        .apply(&[entries::commit(
            &alice,
            3,
            vec![
                post(1, 1, "another story", json!({})),
                entries::delete(POST, &tid(3).to_string()),
            ],
        )])
        .await;
    assert_eq!(found(&harness, typed("mill")).await, [6]);
    assert_eq!(found(&harness, typed("story")).await, [1]);
    harness.apply(&[entries::account(&bob, 9, false, Some("deleted"))]).await;
    assert!(found(&harness, typed("mill")).await.is_empty());
}

async fn pages_lose_nothing_at_equal_times(harness: Harness) {
    let alice = did("alice");
    // Fifty of one millisecond, and a few before and after.
    let mut ops: Vec<EntryOp> = (0..50).map(|n| post(n, 30, "word", json!({}))).collect();
    ops.extend((50..60).map(|n| post(n, n, "word", json!({}))));
    harness.apply(&[entries::commit(&alice, 1, ops)]).await;
    for sort in [Sort::Latest, Sort::Top] {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let asked = SearchPosts { sort, cursor, limit: Some(7), ..typed("word") };
            let page = harness.client.ask(asked).await.unwrap();
            seen.extend(page.uris);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 60, "{sort:?}");
        let latest: Vec<String> =
            (50..60).rev().map(|n| uri(&alice, POST, &tid(n).to_string())).collect();
        assert_eq!(seen[..10], latest[..], "{sort:?}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 60, "{sort:?}");
    }
}

async fn the_best_come_first(harness: Harness) {
    let (alice, _) = library(&harness).await;
    let subject = uri(&alice, POST, &tid(1).to_string());
    for (n, name) in (0..).zip(["x", "y", "z"]) {
        let like = json!({
            "$type": "app.bsky.feed.like", "createdAt": "2026-01-01T00:00:00Z",
            "subject": {"uri": subject, "cid": Cid::of_dag_cbor(b"x").to_string()},
        });
        let op = entries::put("app.bsky.feed.like", &tid(n).to_string(), record(&like));
        harness.apply(&[entries::commit(&did(name), 1, vec![op])]).await;
    }
    let top = SearchPosts { sort: Sort::Top, ..typed("mill") };
    assert_eq!(found(&harness, top).await, [1, 6, 3]);
}

async fn people(harness: &Harness, q: &str, typeahead: bool) -> Vec<String> {
    let asked = SearchActors { q: q.to_owned(), typeahead, limit: 25, cursor: None };
    let page = harness.client.ask(asked).await.unwrap();
    let name = |did: &Did| did.as_str().trim_start_matches("did:web:").replace(".test", "");
    page.dids.iter().map(name).collect()
}

async fn accounts_are_found_by_handle_name_and_description(harness: Harness) {
    let profile = |name: &str, display: &str, description: &str| {
        let json = json!({
            "$type": "app.bsky.actor.profile", "displayName": display, "description": description,
        });
        let op = entries::put("app.bsky.actor.profile", "self", record(&json));
        entries::commit(&did(name), 1, vec![op])
    };
    let follow = |name: &str, subject: &str| {
        let json = json!({
            "$type": "app.bsky.graph.follow", "subject": did(subject).as_str(),
            "createdAt": "2026-01-01T00:00:00Z",
        });
        let op = entries::put("app.bsky.graph.follow", &tid(9).to_string(), record(&json));
        entries::commit(&did(name), 2, vec![op])
    };
    harness
        .apply(&[
            profile("hana", "花子さん", "likes mills"),
            profile("miller", "Joan Miller", ""),
            profile("jo", "Jo", "knows Joan"),
            entries::identity(&did("hana"), 2, Some("hana-mill.test")),
            entries::identity(&did("miller"), 2, Some("joan.test")),
            entries::identity(&did("jo"), 2, Some("jo.test")),
            follow("x", "jo"),
            follow("y", "hana"),
        ])
        .await;
    for (q, typeahead, expected) in [
        ("jo", true, &["jo", "miller"][..]),
        ("joan", false, &["miller", "jo"]),
        ("joan", true, &["miller"]),
        ("@Hana-Mill.test", false, &["hana"]),
        ("mill", false, &["hana", "miller"]),
        ("花", true, &["hana"]),
        ("joan mil", true, &["miller"]),
        ("nobody", false, &[]),
        ("", false, &[]),
    ] {
        assert_eq!(people(&harness, q, typeahead).await, expected, "{q} {typeahead}");
    }
    // A handle that goes to another account, a profile that changes, an account that leaves.
    harness
        .apply(&[
            entries::identity(&did("zoe"), 3, Some("joan.test")),
            profile_edit("hana", "Hana"),
            entries::account(&did("jo"), 4, false, Some("deactivated")),
        ])
        .await;
    assert_eq!(people(&harness, "joan.test", true).await, ["zoe"]);
    assert!(people(&harness, "花", true).await.is_empty());
    assert!(people(&harness, "jo.test", true).await.is_empty());
}

fn profile_edit(name: &str, display: &str) -> millrace_atproto::entry::Entry {
    let json = json!({"$type": "app.bsky.actor.profile", "displayName": display});
    let op = entries::put("app.bsky.actor.profile", "self", record(&json));
    entries::commit(&did(name), 5, vec![op])
}

async fn a_search_out_of_bounds_is_refused(harness: Harness) {
    let refused = async |asked: SearchPosts| {
        assert!(harness.client.ask(asked.clone()).await.is_err(), "{asked:?}");
    };
    refused(SearchPosts { limit: Some(0), ..typed("x") }).await;
    refused(SearchPosts { limit: Some(101), ..typed("x") }).await;
    refused(SearchPosts { since: Some("yesterday".to_owned()), ..typed("x") }).await;
    refused(SearchPosts { cursor: Some("a::b".to_owned()), ..typed("x") }).await;
    refused(SearchPosts { cursor: Some("1".to_owned()), sort: Sort::Top, ..typed("x") }).await;
    refused(SearchPosts { tags: vec!["t".to_owned(); 26], ..typed("x") }).await;
    refused(typed(&"x".repeat(3_000))).await;
    // More words than a query may have match nothing, and nothing fails.
    assert!(found(&harness, typed(&"word ".repeat(100))).await.is_empty());
}
