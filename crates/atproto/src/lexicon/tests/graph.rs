//! `app.bsky.graph.*` besides follows: blocks, lists, starter packs, verifications.

use super::*;

const BLOCK: &str = Block::COLLECTION;
const LISTS: &str = List::COLLECTION;
const LIST_ITEM: &str = ListItem::COLLECTION;
const LIST_BLOCK: &str = ListBlock::COLLECTION;
const STARTER_PACK: &str = StarterPack::COLLECTION;
const VERIFICATION: &str = Verification::COLLECTION;

#[test]
fn blocks() {
    requires(BLOCK, &["subject", "createdAt"]);
    refuses(BLOCK, &json!({"subject": "bob.test"}), "subject format");
    refuses(BLOCK, &json!({"subject": strong_ref()}), "subject type");
    refuses(BLOCK, &json!({"createdAt": "2026-13-02T03:04:05Z"}), "createdAt format");
    let subject = reads(BLOCK, &json!({}), |record| match record {
        Record::Block(block) => Some(block.subject),
        _ => None,
    });
    assert_eq!(subject.as_str(), "did:plc:bob");
}

#[test]
fn lists() {
    requires(LISTS, &["name", "purpose", "createdAt"]);
    accepts(
        LISTS,
        &json!({
            "purpose": "com.example.list#guests", "description": "é".repeat(300),
            "descriptionFacets": [{"index": {"byteStart": 0, "byteEnd": 2}, "features": []}],
            "avatar": blob("image/png", 1_000_000),
            "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "porn"}]},
        }),
    );
    // The name is bounded in bytes alone: 64 graphemes of two bytes are too many.
    accepts(LISTS, &json!({"name": "n".repeat(64)}));
    accepts(LISTS, &json!({"name": "é".repeat(32)}));
    refuses(LISTS, &json!({"name": "é".repeat(33)}), "name bytes");
    refuses(LISTS, &json!({"name": ""}), "name bytes");
    refuses(LISTS, &json!({"purpose": 1}), "purpose type");
    refuses(LISTS, &json!({"description": "é".repeat(301)}), "description graphemes");
    refuses(LISTS, &json!({"description": "d".repeat(3_001)}), "description bytes");
    refuses(LISTS, &json!({"descriptionFacets": {}}), "descriptionFacets type");
    refuses(LISTS, &json!({"avatar": blob("image/gif", 9)}), "avatar.mimeType blob");
    refuses(LISTS, &json!({"avatar": blob("image/png", 1_000_001)}), "avatar.size blob");
    refuses(LISTS, &json!({"labels": []}), "labels type");
}

#[test]
fn list_items_and_list_blocks() {
    requires(LIST_ITEM, &["subject", "list", "createdAt"]);
    refuses(LIST_ITEM, &json!({"subject": LIST}), "subject format");
    refuses(LIST_ITEM, &json!({"list": "did:plc:alice"}), "list format");
    refuses(LIST_ITEM, &json!({"list": {"uri": LIST}}), "list type");
    let item = reads(LIST_ITEM, &json!({}), |record| match record {
        Record::ListItem(item) => Some((item.subject.to_string(), item.list.to_string())),
        _ => None,
    });
    assert_eq!(item, ("did:plc:bob".to_owned(), LIST.to_owned()));

    requires(LIST_BLOCK, &["subject", "createdAt"]);
    refuses(LIST_BLOCK, &json!({"subject": "did:plc:bob"}), "subject format");
    refuses(LIST_BLOCK, &json!({"subject": strong_ref()}), "subject type");
    let subject = reads(LIST_BLOCK, &json!({}), |record| match record {
        Record::ListBlock(block) => Some(block.subject.to_string()),
        _ => None,
    });
    assert_eq!(subject, LIST);
}

#[test]
fn starter_packs() {
    requires(STARTER_PACK, &["name", "list", "createdAt"]);
    let feed = json!({"uri": URI});
    let feeds = reads(STARTER_PACK, &json!({"feeds": vec![&feed; 3]}), |record| match record {
        Record::StarterPack(pack) => Some(pack.feeds.iter().map(ToString::to_string).collect()),
        _ => None::<Vec<_>>,
    });
    assert_eq!(feeds, [URI; 3]);
    refuses(STARTER_PACK, &json!({"feeds": vec![&feed; 4]}), "feeds items");
    refuses(STARTER_PACK, &json!({"feeds": [{}]}), "feeds[0].uri missing");
    refuses(STARTER_PACK, &json!({"feeds": [feed, {"uri": "cats"}]}), "feeds[1].uri format");
    refuses(STARTER_PACK, &json!({"feeds": [URI]}), "feeds[0] type");
    accepts(STARTER_PACK, &json!({"name": "é".repeat(50), "description": "d".repeat(300)}));
    refuses(STARTER_PACK, &json!({"name": ""}), "name bytes");
    refuses(STARTER_PACK, &json!({"name": "é".repeat(51)}), "name graphemes");
    refuses(STARTER_PACK, &json!({"name": "👨‍👩‍👧".repeat(28)}), "name bytes");
    refuses(STARTER_PACK, &json!({"description": "d".repeat(301)}), "description graphemes");
    refuses(STARTER_PACK, &json!({"descriptionFacets": [1]}), "descriptionFacets[0] type");
    refuses(STARTER_PACK, &json!({"list": "cats"}), "list format");
}

#[test]
fn verifications() {
    requires(VERIFICATION, &["subject", "handle", "displayName", "createdAt"]);
    accepts(VERIFICATION, &json!({"displayName": ""}));
    accepts(VERIFICATION, &json!({"displayName": "B".repeat(10_000)}));
    refuses(VERIFICATION, &json!({"subject": "bob.test"}), "subject format");
    refuses(VERIFICATION, &json!({"handle": "bob"}), "handle format");
    refuses(VERIFICATION, &json!({"handle": "did:plc:bob"}), "handle format");
    refuses(VERIFICATION, &json!({"displayName": 7}), "displayName type");
    let handle = reads(VERIFICATION, &json!({"handle": "Bob.Test"}), |record| match record {
        Record::Verification(verification) => Some(verification.handle),
        _ => None,
    });
    assert_eq!(handle.as_str(), "bob.test");
}
