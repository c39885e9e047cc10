//! A comparison that cannot fail proves nothing: take away or change any one record of a network that has
//! every kind, and some answer that was right before is wrong.

use serde_json::json;

use super::example::found;
use super::tiny::Tiny;
use crate::oracle::{COMPARED, Model};

/// Accounts that have something of every kind to do with each other.
fn everything() -> Tiny {
    let mut tiny = Tiny::default();
    let [ann, ben, cid] = ["ann", "ben", "cid"].map(|name| tiny.account(name));
    let post = tiny.post(&ann, "hello");
    let pack_list = tiny.list(&ann, "referencelist", &[&ben]);
    let pack = json!({"name": "p", "list": pack_list});
    let pack = tiny.put(&ann, "app.bsky.graph.starterpack", pack);
    let came = json!({"displayName": "Ben", "joinedViaStarterPack": {"uri": pack}});
    tiny.put_at(&ben, "app.bsky.actor.profile/self", came);
    tiny.put(
        &ann,
        "app.bsky.feed.generator",
        json!({"did": "did:web:feed.test", "displayName": "f"}),
    );
    tiny.put_at(&ann, "app.bsky.labeler.service/self", json!({"policies": {}}));
    tiny.put_at(&cid, "chat.bsky.actor.declaration/self", json!({"allowIncoming": "none"}));
    let declared = json!({"allowSubscriptions": "mutuals"});
    tiny.put_at(&cid, "app.bsky.notification.declaration/self", declared);
    tiny.put_at(
        &cid,
        "app.bsky.actor.status/self",
        json!({"status": "app.bsky.actor.status#live"}),
    );
    let list = tiny.list(&ann, "modlist", &[&cid]);
    tiny.put(&ben, "app.bsky.graph.listblock", json!({"subject": list}));
    tiny.follow(&ben, &ann);
    tiny.settle();
    tiny.threadgate(&post, json!([{"$type": "app.bsky.feed.threadgate#followerRule"}]));
    let gate = post.replace("app.bsky.feed.post", "app.bsky.feed.postgate");
    let gate = gate.strip_prefix(&format!("at://{ann}/")).unwrap().to_owned();
    let disabled = json!([{"$type": "app.bsky.feed.postgate#disableRule"}]);
    tiny.put_at(&ann, &gate, json!({"post": post, "embeddingRules": disabled}));
    tiny.settle();
    tiny.like(&ben, &post);
    tiny.repost(&ben, &post);
    tiny.reply(&ben, &post, &post);
    tiny.quote(&ben, &post);
    tiny.block(&cid, &ann);
    let verified = json!({"subject": ann, "handle": "ann.test", "displayName": "Ann"});
    tiny.put(&ben, "app.bsky.graph.verification", verified);
    tiny.settle();
    tiny
}

/// Whether answers that `right` accepts are all accepted by `other` too.
fn agree(right: &Model, other: &Model) -> bool {
    let mut viewers: Vec<Option<&str>> = right.shown_accounts().into_iter().map(Some).collect();
    viewers.push(None);
    viewers.into_iter().all(|viewer| {
        let (view, seen_otherwise) = (right.view(viewer), other.view(viewer));
        COMPARED.iter().flat_map(|compared| compared.questions(&view)).all(|question| {
            let answer = found(right, viewer, &question);
            question.check(&view, &answer).unwrap();
            question.check(&seen_otherwise, &answer).is_ok()
        })
    })
}

#[test]
fn every_record_matters() {
    let tiny = everything();
    let right = Model::new(&tiny.before, tiny.own.clone());
    assert!(agree(&right, &Model::new(&tiny.before, tiny.own.clone())));
    let accounts = &tiny.before.last().unwrap().accounts;
    let records: Vec<(&String, &String)> = accounts
        .iter()
        .flat_map(|(did, account)| account.records.keys().map(move |path| (did, path)))
        .collect();
    assert!(records.len() > 20, "of every kind one at least");
    for (did, path) in records {
        // As if it had never been.
        let mut moments = tiny.before.clone();
        for moment in &mut moments {
            moment.accounts.get_mut(did).unwrap().records.remove(path);
        }
        let without = Model::new(&moments, tiny.own.clone());
        assert!(!agree(&right, &without), "nobody misses {did}/{path}");
    }
}

#[test]
fn every_account_matters() {
    let tiny = everything();
    let right = Model::new(&tiny.before, tiny.own.clone());
    for did in ["did:plc:ann", "did:plc:ben", "did:plc:cid"] {
        for change in ["active", "handle"] {
            let mut moments = tiny.before.clone();
            let account = moments.last_mut().unwrap().accounts.get_mut(did).unwrap();
            match change {
                "active" => account.active = false,
                _ => account.handle = None,
            }
            let otherwise = Model::new(&moments, tiny.own.clone());
            assert!(!agree(&right, &otherwise), "nobody minds the {change} of {did}");
        }
    }
}

#[test]
fn what_accounts_told_the_program_matters() {
    let tiny = everything();
    let right = Model::new(&tiny.before, tiny.own.clone());
    let list = |name: &str| {
        let account = &tiny.before.last().unwrap().accounts["did:plc:ann"];
        let (path, _) =
            account.records.iter().find(|(_, record)| record.cid.contains(name)).unwrap();
        format!("at://did:plc:ann/{path}")
    };
    let mute = ("did:plc:cid".to_owned(), "did:plc:ben".to_owned());
    let list_mute = ("did:plc:cid".to_owned(), list("#modlist"));
    let thread_mute = ("did:plc:ben".to_owned(), list("\"text\":\"hello\""));
    for kind in 0..3 {
        let mut own = tiny.own.clone();
        match kind {
            0 => own.mutes.push(mute.clone()),
            1 => own.list_mutes.push(list_mute.clone()),
            _ => own.thread_mutes.push(thread_mute.clone()),
        }
        assert!(!agree(&right, &Model::new(&tiny.before, own)), "nobody minds mute {kind}");
    }
}
