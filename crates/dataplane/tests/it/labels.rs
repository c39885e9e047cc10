//! Labels: what was said last holds, whatever came first, and questions about it.

use millrace_atproto::label::SentLabel;
use millrace_atproto::syntax::AtUri;
use millrace_dataplane::model::Label;
use millrace_dataplane::query::hydrate::Hydrate;
use millrace_dataplane::query::labels::{LabelsPage, QueryLabels};
use millrace_runtime::rng::Rng;

use crate::entries::{self, POST, did, label, labels, tid, uri};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    story_14_whatever_comes_first_the_rows_are_the_same,
    what_holds_is_hydrated,
    a_labeler_says_a_bounded_number_of_things,
    story_21_who_is_deleted_takes_their_labels_along_and_none_about_them,
    labels_are_found_by_subject,
    a_bad_label_of_an_entry_is_dropped_alone,
);

const EARLY: &str = "2025-12-01T00:00:00.000Z";
const LATE: &str = "2025-12-02T00:00:00Z";
const OTHER_CID: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

async fn said(harness: &Harness, subjects: &[&str], sources: Option<&[&str]>) -> Vec<Label> {
    let page = query(harness, subjects, sources, 250, None).await;
    assert_eq!(page.cursor, None);
    page.labels
}

async fn query(
    harness: &Harness,
    patterns: &[&str],
    sources: Option<&[&str]>,
    limit: u32,
    cursor: Option<String>,
) -> LabelsPage {
    let sources = sources.map(|names| names.iter().map(|name| did(name)).collect());
    let uri_patterns = patterns.iter().map(|&text| text.to_owned()).collect();
    harness.client.ask(QueryLabels { uri_patterns, sources, limit, cursor }).await.unwrap()
}

fn vals(labels: &[Label]) -> Vec<&str> {
    labels.iter().map(|label| label.val.as_str()).collect()
}

/// Labels and negations of all kinds in any order and in any batches, some of them twice.
async fn story_14_whatever_comes_first_the_rows_are_the_same(harness: Harness) {
    let (one, two) = (did("one"), did("two"));
    let post = uri(&did("alice"), POST, &tid(1).to_string());
    let account = did("alice").to_string();
    let mut all = Vec::new();
    for src in [&one, &two] {
        for (val, subject) in [("a", post.as_str()), ("b", &post), ("a", &account)] {
            let plain = label(src, subject, val, EARLY);
            all.push(plain);
            all.push(SentLabel { cid: Some(OTHER_CID), ..plain });
            all.push(SentLabel { exp: Some("2027-01-01T00:00:00Z"), cts: LATE, ..plain });
        }
        let taken_back = label(src, &post, "a", "2025-12-03T00:00:00+01:00");
        all.push(SentLabel { neg: Some(true), cid: Some(OTHER_CID), ..taken_back });
        // At the very time it was said.
        all.push(SentLabel { neg: Some(true), ..label(src, &account, "a", LATE) });
        // Before it was said again.
        all.push(SentLabel { neg: Some(true), ..label(src, &post, "b", EARLY) });
    }
    let mut expected: Option<Vec<String>> = None;
    for seed in 0..8 {
        let fresh = harness.fresh().await;
        // Names get their ids in one order.
        fresh.apply(&[labels(&one, 1, &[label(&one, &post, "z", EARLY)])]).await;
        fresh.apply(&[labels(&two, 2, &[label(&two, &account, "z", EARLY)])]).await;
        let rng = Rng::seeded(seed);
        let mut order: Vec<SentLabel<'_>> = all.iter().chain(&all[..7]).copied().collect();
        for at in (1..order.len()).rev() {
            order.swap(at, rng.below(at as u64 + 1) as usize);
        }
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let (batch, after) = rest.split_at((1 + rng.below(6) as usize).min(rest.len()));
            let entry = |sent: &SentLabel<'_>| {
                let src = if sent.src == one.as_str() { &one } else { &two };
                labels(src, 3, &[*sent])
            };
            fresh.apply(&batch.iter().map(entry).collect::<Vec<_>>()).await;
            rest = after;
        }
        let rows = fresh.dump().await;
        assert_eq!(expected.get_or_insert_with(|| rows.clone()), &rows, "seed {seed}");
        let left = said(&fresh, &[&post, &account], Some(&["one"])).await;
        assert_eq!(vals(&left), ["b", "z"], "seed {seed}");
        assert_eq!((left[0].cts.as_str(), left[0].exp.is_some()), (LATE, true));
    }
}

async fn what_holds_is_hydrated(harness: Harness) {
    let (labeler, alice) = (did("labeler"), did("alice"));
    let rkey = tid(1).to_string();
    let post = uri(&alice, POST, &rkey);
    let record = crate::kinds::record(&serde_json::json!({
        "$type": POST, "text": "hello", "createdAt": "2026-01-01T00:00:00.000Z",
    }));
    harness.apply(&[entries::commit(&alice, 1, vec![entries::put(POST, &rkey, record)])]).await;
    let profile = uri(&alice, entries::PROFILE, "self");
    let like = uri(&did("bob"), entries::LIKE, "3jzfcijpj2z2a");
    let odd = uri(&alice, "com.example.thing", "some-key");
    let all = [
        SentLabel { cid: Some(OTHER_CID), ..label(&labeler, &post, "on-post", EARLY) },
        label(&labeler, alice.as_str(), "on-account", EARLY),
        label(&labeler, &profile, "on-profile", EARLY),
        label(&labeler, &like, "on-like", EARLY),
        label(&labeler, &odd, "on-thing", EARLY),
        SentLabel { exp: Some(LATE), ..label(&labeler, &post, "over", EARLY) },
        SentLabel { neg: Some(true), ..label(&labeler, &post, "taken-back", EARLY) },
    ];
    harness.apply(&[labels(&labeler, 1, &all)]).await;
    harness.apply(&[labels(&did("other"), 2, &[label(&did("other"), &post, "x", EARLY)])]).await;
    let ask = async |accept: &[&str], labelled: &[&str]| {
        let question = Hydrate {
            posts: vec![AtUri::parse(&post).unwrap()],
            accept_labelers: accept.iter().map(|name| did(name)).collect(),
            labelled: labelled.iter().map(|uri| AtUri::parse(uri).unwrap()).collect(),
            ..Hydrate::default()
        };
        let mut labels = harness.client.ask(question).await.unwrap().labels;
        labels.sort_by(|left, right| left.val.cmp(&right.val));
        labels
    };
    let found = ask(&["labeler"], &[]).await;
    assert_eq!(vals(&found), ["on-account", "on-post", "on-profile"]);
    assert_eq!((found[1].uri.as_str(), found[1].cid.as_deref()), (post.as_str(), Some(OTHER_CID)));
    assert_eq!((&found[0].src, found[0].uri.as_str()), (&labeler, alice.as_str()));
    assert_eq!(found[0].cts, EARLY);
    let found = ask(&["labeler", "other", "nobody"], &[&like, &odd]).await;
    assert_eq!(vals(&found), ["on-account", "on-like", "on-post", "on-profile", "on-thing", "x"]);
    assert_eq!(found[4].uri, odd);
    assert!(ask(&[], &[&like]).await.is_empty());
    assert!(ask(&["nobody"], &[]).await.is_empty());
}

async fn a_labeler_says_a_bounded_number_of_things(harness: Harness) {
    let (labeler, other) = (did("labeler"), did("other"));
    let account = did("alice").to_string();
    let many: Vec<String> = (0..150).map(|n| format!("v{n:03}")).collect();
    for part in many.chunks(40) {
        let part: Vec<SentLabel<'_>> =
            part.iter().map(|val| label(&labeler, &account, val, EARLY)).collect();
        harness.apply(&[labels(&labeler, 1, &part)]).await;
    }
    let held = said(&harness, &[&account], None).await;
    assert_eq!(held.len(), 100);
    // What is there can still be taken back, and others are heard.
    let back = SentLabel { neg: Some(true), ..label(&labeler, &account, "v000", LATE) };
    harness.apply(&[labels(&labeler, 2, &[back])]).await;
    harness.apply(&[labels(&other, 3, &[label(&other, &account, "x", EARLY)])]).await;
    let held = said(&harness, &[&account], None).await;
    assert_eq!((held.len(), held[0].val.as_str()), (100, "v001"));
}

async fn story_21_who_is_deleted_takes_their_labels_along_and_none_about_them(harness: Harness) {
    let (labeler, other, alice) = (did("labeler"), did("other"), did("alice"));
    let account = alice.to_string();
    for src in [&labeler, &other] {
        harness.apply(&[labels(src, 1, &[label(src, &account, "spam", EARLY)])]).await;
    }
    harness.apply(&[entries::account(&alice, 2, false, Some("deleted"))]).await;
    assert_eq!(said(&harness, &[&account], None).await.len(), 2);
    let again = labels(&labeler, 3, &[label(&labeler, &account, "b", EARLY)]);
    let gone = entries::account(&labeler, 4, false, Some("deleted"));
    harness.apply(&[again, gone]).await;
    let left = said(&harness, &[&account], None).await;
    assert_eq!(left.iter().map(|label| &label.src).collect::<Vec<_>>(), [&other]);
}

async fn labels_are_found_by_subject(harness: Harness) {
    let (one, two) = (did("one"), did("two"));
    let (alice, bob) = (did("alice"), did("bob"));
    let post = |n: i64| uri(&alice, POST, &tid(n).to_string());
    let (first, second) = (post(1), post(2));
    let like = uri(&alice, entries::LIKE, "key");
    let of_bob = uri(&bob, POST, &tid(1).to_string());
    let account = alice.to_string();
    for src in [&one, &two] {
        let all = [&first, &second, &like, &of_bob, &account].map(|it| label(src, it, "v", EARLY));
        harness.apply(&[labels(src, 1, &all)]).await;
    }
    let whole = format!("at://{alice}/*");
    let posts = format!("at://{alice}/{POST}/*");
    let subjects = async |patterns: &[&str]| {
        let found = said(&harness, patterns, Some(&["one"])).await;
        found.into_iter().map(|label| label.uri).collect::<Vec<_>>()
    };
    assert_eq!(subjects(&[&account]).await, [account.as_str()]);
    assert_eq!(subjects(&[&posts]).await, [first.clone(), second.clone()]);
    assert_eq!(subjects(&[&whole]).await.len(), 3, "the account is no record of it");
    assert_eq!(subjects(&[&of_bob, &account]).await, [of_bob.clone(), account.clone()]);
    assert_eq!(subjects(&["did:web:nobody.test", "at://did:web:nobody.test/*"]).await, [""; 0]);
    // Page by page everything comes once.
    let all = said(&harness, &[&account, &whole, &of_bob], None).await;
    assert_eq!(all.len(), 10);
    for limit in [1, 2, 3, 9, 10] {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = query(&harness, &[&account, &whole, &of_bob], None, limit, cursor).await;
            assert!(page.labels.len() <= limit as usize);
            found.extend(page.labels);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, all, "pages of {limit}");
    }
}

async fn a_bad_label_of_an_entry_is_dropped_alone(harness: Harness) {
    let (labeler, other) = (did("labeler"), did("other"));
    let account = did("alice").to_string();
    let all = [
        label(&other, &account, "foreign", EARLY),
        label(&labeler, "https://example.com/", "elsewhere", EARLY),
        label(&labeler, &account, "some time", "soon"),
        label(&labeler, &account, "good", EARLY),
    ];
    harness.apply(&[labels(&labeler, 1, &all)]).await;
    assert_eq!(vals(&said(&harness, &[&account], None).await), ["good"]);
}
