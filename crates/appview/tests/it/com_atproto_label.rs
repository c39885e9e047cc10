//! Labels asked for by subject.

use serde_json::{Value, json};

use crate::people::did;
use crate::world::{World, near_and_far};

const QUERY_LABELS: &str = "com.atproto.label.queryLabels";

near_and_far!(labels_by_subject, labels_page_by_page, parameters_of_query_labels);

fn said(answer: &Value) -> Vec<(&str, &str)> {
    let labels = answer["labels"].as_array().unwrap();
    labels.iter().map(|it| (it["uri"].as_str().unwrap(), it["val"].as_str().unwrap())).collect()
}

async fn labels_by_subject(world: World) {
    let alice = world.actor("alice");
    let (one, two) = (alice.posts("one"), alice.posts("two"));
    let account = did("alice").to_string();
    let (strict, mild) = (world.actor("strict"), world.actor("mild"));
    strict.says("spam", &one.uri).says("porn", &two.uri).unsays("porn", &two.uri);
    strict.says("!takedown", &account);
    mild.says("cute", &one.uri);
    let source = did("strict").to_string();
    let answer = world.get(QUERY_LABELS, &[("uriPatterns", &one.uri), ("sources", &source)]).await;
    let answer = answer.ok();
    assert_eq!(said(&answer), [(one.uri.as_str(), "spam")]);
    let label = &answer["labels"][0];
    assert_eq!(label["src"], source.as_str());
    assert!(label["cts"].as_str().unwrap().starts_with("2026-01-01T00:00:0"), "{label}");
    for absent in ["cid", "neg", "exp", "sig"] {
        assert_eq!(label.get(absent), None);
    }
    assert_eq!(answer.get("cursor"), None);
    let everybody = world.get(QUERY_LABELS, &[("uriPatterns", &one.uri)]).await.ok();
    assert_eq!(said(&everybody).len(), 2);
    let records = format!("at://{account}/*");
    let both = [("uriPatterns", account.as_str()), ("uriPatterns", &records)];
    let answer = world.get(QUERY_LABELS, &both).await.ok();
    let mut all: Vec<&str> = said(&answer).iter().map(|it| it.1).collect();
    all.sort_unstable();
    assert_eq!(all, ["!takedown", "cute", "spam"], "what was taken back is not said");
    let posts = format!("at://{account}/app.bsky.feed.post/*");
    assert_eq!(said(&world.get(QUERY_LABELS, &[("uriPatterns", &posts)]).await.ok()).len(), 2);
    let lists = format!("at://{account}/app.bsky.graph.list/*");
    let nothing = json!({ "labels": [] });
    assert_eq!(world.get(QUERY_LABELS, &[("uriPatterns", &lists)]).await.ok(), nothing);
    let nobody = did("nobody").to_string();
    let of_nobody = [("uriPatterns", one.uri.as_str()), ("sources", &nobody)];
    assert_eq!(world.get(QUERY_LABELS, &of_nobody).await.ok(), nothing);
}

async fn labels_page_by_page(world: World) {
    let (alice, labeler) = (world.actor("alice"), world.actor("labeler"));
    let account = did("alice").to_string();
    let mut expected = Vec::new();
    for n in 0..3 {
        let post = alice.posts("a post");
        for val in ["a", "b:c"] {
            labeler.says(val, &post.uri);
            expected.push((post.uri.clone(), val));
        }
        labeler.says(&format!("v{n}"), &account);
    }
    let records = format!("at://{account}/*");
    let mut params = vec![("uriPatterns", account.clone()), ("uriPatterns", records)];
    params.push(("limit", "2".to_owned()));
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..10 {
        let mut asked: Vec<(&str, &str)> = params.iter().map(|it| (it.0, it.1.as_str())).collect();
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = world.get(QUERY_LABELS, &asked).await.ok();
        found.extend(said(&answer).iter().map(|it| (it.0.to_owned(), it.1.to_owned())));
        cursor = answer["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let of_account = (0..3).map(|n| (account.clone(), format!("v{n}")));
    let of_posts = expected.into_iter().map(|(uri, val)| (uri, val.to_owned()));
    assert_eq!(found, of_account.chain(of_posts).collect::<Vec<_>>());
}

async fn parameters_of_query_labels(world: World) {
    let did = "did:web:a.test";
    for params in [
        &[][..],
        &[("uriPatterns", "*")],
        &[("uriPatterns", "at://did:web:a.test/app.bsky.feed.post/3*")],
        &[("uriPatterns", did), ("sources", "alice.test")],
        &[("uriPatterns", did), ("limit", "251")],
        &[("uriPatterns", did), ("cursor", "x")],
    ] {
        let refused = world.get(QUERY_LABELS, params).await;
        assert_eq!(refused.refused(), (400, "InvalidRequest"), "{params:?}");
    }
    let nothing = world.get(QUERY_LABELS, &[("uriPatterns", "https://example.com/")]).await.ok();
    assert_eq!(nothing, json!({ "labels": [] }));
}
