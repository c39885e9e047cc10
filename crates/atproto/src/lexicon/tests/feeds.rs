//! `app.bsky.feed.*` besides posts and likes: reposts, gates, feed generators.

use super::*;

const REPOST: &str = Repost::COLLECTION;
const THREADGATE: &str = Threadgate::COLLECTION;
const POSTGATE: &str = Postgate::COLLECTION;
const GENERATOR: &str = Generator::COLLECTION;

fn threadgate(fields: &Json) -> (Option<Vec<AllowRule>>, usize) {
    reads(THREADGATE, fields, |record| match record {
        Record::Threadgate(gate) => Some((gate.allow, gate.hidden_replies.len())),
        _ => None,
    })
}

fn embedding_rules(fields: &Json) -> Vec<EmbeddingRule> {
    reads(POSTGATE, fields, |record| match record {
        Record::Postgate(gate) => Some(gate.embedding_rules),
        _ => None,
    })
}

#[test]
fn reposts() {
    requires(REPOST, &["subject", "createdAt"]);
    accepts(REPOST, &json!({"via": strong_ref()}));
    refuses(REPOST, &json!({"subject": URI}), "subject type");
    refuses(REPOST, &json!({"subject": {"uri": "bob.test", "cid": CID}}), "subject.uri format");
    refuses(REPOST, &json!({"subject": {"uri": URI}}), "subject.cid missing");
    refuses(REPOST, &json!({"via": {"uri": URI, "cid": ""}}), "via.cid format");
    refuses(REPOST, &json!({"via": null}), "via type");
    refuses(REPOST, &json!({"createdAt": "yesterday"}), "createdAt format");
    let uris = reads(REPOST, &json!({"via": {"uri": LIST, "cid": CID}}), |record| match record {
        Record::Repost(repost) => {
            Some((repost.subject.uri.to_string(), repost.via?.uri.to_string()))
        }
        _ => None,
    });
    assert_eq!(uris, (URI.to_owned(), LIST.to_owned()));
}

#[test]
fn a_threadgate_without_rules_and_one_with_none_differ() {
    let rule = |name: &str| json!({"$type": format!("app.bsky.feed.threadgate#{name}")});
    let list = json!({"$type": "app.bsky.feed.threadgate#listRule", "list": LIST});
    let unknown = json!({"$type": "com.example.gate#moonRule"});
    let on_list = AllowRule::List(LIST.parse().unwrap());
    for (allow, expected) in [
        (json!([]), vec![]),
        (json!([unknown]), vec![]),
        (json!([rule("mentionRule")]), vec![AllowRule::Mention]),
        (json!([rule("followerRule")]), vec![AllowRule::Follower]),
        (json!([unknown, rule("followingRule")]), vec![AllowRule::Following]),
        (json!([list, rule("mentionRule")]), vec![on_list, AllowRule::Mention]),
    ] {
        assert_eq!(threadgate(&json!({"allow": allow})).0, Some(expected), "{allow}");
    }
    assert_eq!(threadgate(&json!({})), (None, 0));
}

#[test]
fn threadgates() {
    requires(THREADGATE, &["post", "createdAt"]);
    let mention = json!({"$type": "app.bsky.feed.threadgate#mentionRule"});
    let list = |list: Json| json!({"allow": [mention, {"$type": "app.bsky.feed.threadgate#listRule", "list": list}]});
    refuses(THREADGATE, &json!({"post": "https://example.com"}), "post format");
    refuses(THREADGATE, &json!({"post": strong_ref()}), "post type");
    accepts(THREADGATE, &json!({"allow": vec![&mention; 5]}));
    refuses(THREADGATE, &json!({"allow": vec![&mention; 6]}), "allow items");
    refuses(THREADGATE, &json!({"allow": null}), "allow type");
    refuses(THREADGATE, &json!({"allow": [{}]}), "allow[0].$type missing");
    refuses(THREADGATE, &json!({"allow": ["mentionRule"]}), "allow[0] type");
    accepts(THREADGATE, &list(json!(LIST)));
    refuses(THREADGATE, &list(json!("cats")), "allow[1].list format");
    refuses(THREADGATE, &list(json!(null)), "allow[1].list type");
    refuses(
        THREADGATE,
        &json!({"allow": [{"$type": "app.bsky.feed.threadgate#listRule"}]}),
        "allow[0].list missing",
    );
    assert_eq!(threadgate(&json!({"hiddenReplies": vec![URI; 300]})), (None, 300));
    refuses(THREADGATE, &json!({"hiddenReplies": vec![URI; 301]}), "hiddenReplies items");
    refuses(THREADGATE, &json!({"hiddenReplies": [URI, "3"]}), "hiddenReplies[1] format");
}

#[test]
fn postgates() {
    requires(POSTGATE, &["post", "createdAt"]);
    let disable = json!({"$type": "app.bsky.feed.postgate#disableRule"});
    let unknown = json!({"$type": "com.example.gate#moonRule"});
    for (rules, expected) in [
        (json!([]), vec![]),
        (json!([unknown]), vec![]),
        (json!([unknown, disable]), vec![EmbeddingRule::Disable]),
    ] {
        assert_eq!(embedding_rules(&json!({"embeddingRules": rules})), expected, "{rules}");
    }
    assert_eq!(embedding_rules(&json!({})), vec![]);
    refuses(POSTGATE, &json!({"post": "did:plc:bob"}), "post format");
    accepts(POSTGATE, &json!({"embeddingRules": vec![&disable; 5]}));
    refuses(POSTGATE, &json!({"embeddingRules": vec![&disable; 6]}), "embeddingRules items");
    refuses(POSTGATE, &json!({"embeddingRules": [{}]}), "embeddingRules[0].$type missing");
    refuses(POSTGATE, &json!({"embeddingRules": disable}), "embeddingRules type");
    accepts(POSTGATE, &json!({"detachedEmbeddingUris": vec![URI; 50]}));
    refuses(
        POSTGATE,
        &json!({"detachedEmbeddingUris": vec![URI; 51]}),
        "detachedEmbeddingUris items",
    );
    refuses(POSTGATE, &json!({"detachedEmbeddingUris": [""]}), "detachedEmbeddingUris[0] format");
}

#[test]
fn generators() {
    requires(GENERATOR, &["did", "displayName", "createdAt"]);
    accepts(
        GENERATOR,
        &json!({
            "displayName": "é".repeat(24), "description": "d".repeat(300), "descriptionFacets": [],
            "avatar": blob("image/jpeg", 1_000_000), "acceptsInteractions": true,
            "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": []},
            "contentMode": "app.bsky.feed.defs#contentModeVideo",
        }),
    );
    accepts(GENERATOR, &json!({"displayName": "", "contentMode": "com.example.feed#smell"}));
    refuses(GENERATOR, &json!({"did": "feeds.test"}), "did format");
    refuses(GENERATOR, &json!({"displayName": "é".repeat(25)}), "displayName graphemes");
    refuses(GENERATOR, &json!({"displayName": "👨‍👩‍👧".repeat(14)}), "displayName bytes");
    refuses(GENERATOR, &json!({"description": "d".repeat(301)}), "description graphemes");
    refuses(GENERATOR, &json!({"description": "d".repeat(3_001)}), "description bytes");
    refuses(GENERATOR, &json!({"descriptionFacets": [{}]}), "descriptionFacets[0].index missing");
    refuses(GENERATOR, &json!({"avatar": blob("image/webp", 9)}), "avatar.mimeType blob");
    refuses(GENERATOR, &json!({"avatar": blob("image/png", 1_000_001)}), "avatar.size blob");
    refuses(GENERATOR, &json!({"acceptsInteractions": 1}), "acceptsInteractions type");
    refuses(GENERATOR, &json!({"labels": {}}), "labels.$type missing");
    refuses(GENERATOR, &json!({"contentMode": 1}), "contentMode type");
    for (fields, expected) in [
        (json!({}), false),
        (json!({"acceptsInteractions": false}), false),
        (json!({"acceptsInteractions": true}), true),
    ] {
        let accepts_interactions = reads(GENERATOR, &fields, |record| match record {
            Record::Generator(generator) => Some(generator.accepts_interactions),
            _ => None,
        });
        assert_eq!(accepts_interactions, expected, "{fields}");
    }
}

#[test]
fn publications() {
    const PUBLICATION: &str = Publication::COLLECTION;
    requires(PUBLICATION, &["url", "name"]);
    accepts(PUBLICATION, &json!({"name": "", "description": "d".repeat(3_000)}));
    accepts(PUBLICATION, &json!({"basicTheme": {"any": 1}, "preferences": {}}));
    refuses(PUBLICATION, &json!({"url": "example.com"}), "url format");
    refuses(PUBLICATION, &json!({"name": "n".repeat(501)}), "name graphemes");
    refuses(PUBLICATION, &json!({"description": "d".repeat(3_001)}), "description graphemes");
    refuses(PUBLICATION, &json!({"icon": {"$link": RAW}}), "icon type");
    let name = reads(PUBLICATION, &json!({}), |record| match record {
        Record::Publication(publication) => Some(publication.name.to_owned()),
        _ => None,
    });
    assert_eq!(name, "Notes");
}
