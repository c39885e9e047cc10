//! What an account has one of besides its profile: labeler, status, declarations.

use super::*;

const LABELER: &str = Labeler::COLLECTION;
const STATUS: &str = Status::COLLECTION;
const NOTIFICATION: &str = NotificationDeclaration::COLLECTION;
const CHAT: &str = ChatDeclaration::COLLECTION;
const GERM: &str = GermDeclaration::COLLECTION;

/// A definition of a label, `fields` changed or added.
fn definition(fields: &Json) -> Json {
    let mut definition = json!({
        "identifier": "spoiler", "severity": "inform", "blurs": "content",
        "locales": [{"lang": "en", "name": "Spoiler", "description": "Tells the end."}],
    });
    for (key, value) in fields.as_object().unwrap() {
        definition[key] = value.clone();
    }
    json!({"policies": {"labelValues": ["spoiler"], "labelValueDefinitions": [definition]}})
}

fn is_external(fields: &Json) -> bool {
    reads(STATUS, fields, |record| match record {
        Record::Status(status) => Some(status.embed.is_some()),
        _ => None,
    })
}

#[test]
fn labelers() {
    requires(LABELER, &["policies", "createdAt"]);
    refuses(LABELER, &json!({"policies": {}}), "policies.labelValues missing");
    refuses(LABELER, &json!({"policies": {"labelValues": [1]}}), "policies.labelValues[0] type");
    refuses(
        LABELER,
        &json!({"policies": {"$type": "app.bsky.labeler.defs#labelerView", "labelValues": []}}),
        "policies.$type name",
    );
    accepts(LABELER, &json!({"subjectTypes": ["account", "moon"]}));
    refuses(LABELER, &json!({"subjectTypes": "account"}), "subjectTypes type");
    refuses(LABELER, &json!({"reasonTypes": [null]}), "reasonTypes[0] type");
    refuses(LABELER, &json!({"subjectCollections": ["post"]}), "subjectCollections[0] format");
    refuses(LABELER, &json!({"labels": {}}), "labels.$type missing");
    let scope = |fields: &Json| {
        reads(LABELER, fields, |record| match record {
            Record::Labeler(labeler) => Some([
                labeler.reason_types.map(|types| types.len()),
                labeler.subject_types.map(|types| types.len()),
                labeler.subject_collections.map(|collections| collections.len()),
            ]),
            _ => None,
        })
    };
    assert_eq!(scope(&json!({})), [None; 3]);
    assert_eq!(
        scope(&json!({"reasonTypes": [], "subjectTypes": ["chat"], "subjectCollections": [POST]})),
        [Some(0), Some(1), Some(1)]
    );
}

#[test]
fn label_definitions() {
    let at = "policies.labelValueDefinitions[0]";
    let locale = |fields: Json| {
        let mut locale = json!({"lang": "en", "name": "", "description": ""});
        for (key, value) in fields.as_object().unwrap() {
            locale[key] = value.clone();
        }
        definition(&json!({"locales": [locale]}))
    };
    for fields in [
        definition(&json!({"identifier": "s".repeat(100), "severity": "shrill", "locales": []})),
        definition(&json!({"defaultSetting": "hide", "adultOnly": true})),
        locale(json!({"name": "é".repeat(64)})),
        locale(json!({"description": "é".repeat(10_000)})),
    ] {
        accepts(LABELER, &fields);
    }
    for (fields, expected) in [
        (definition(&json!({"identifier": "s".repeat(101)})), "identifier bytes"),
        (definition(&json!({"severity": 1})), "severity type"),
        (definition(&json!({"blurs": null})), "blurs type"),
        (definition(&json!({"defaultSetting": false})), "defaultSetting type"),
        (definition(&json!({"adultOnly": "no"})), "adultOnly type"),
        (definition(&json!({"locales": [{}]})), "locales[0].lang missing"),
        (locale(json!({"lang": "english!"})), "locales[0].lang format"),
        (locale(json!({"name": "é".repeat(65)})), "locales[0].name graphemes"),
        (locale(json!({"name": "n".repeat(641)})), "locales[0].name bytes"),
        (locale(json!({"description": "é".repeat(10_001)})), "locales[0].description graphemes"),
        (locale(json!({"description": "d".repeat(100_001)})), "locales[0].description bytes"),
    ] {
        refuses(LABELER, &fields, &format!("{at}.{expected}"));
    }
    for key in ["identifier", "severity", "blurs", "locales"] {
        let mut fields = definition(&json!({}));
        let definition = fields.pointer_mut("/policies/labelValueDefinitions/0").unwrap();
        definition.as_object_mut().unwrap().remove(key);
        refuses(LABELER, &fields, &format!("{at}.{key} missing"));
    }
    for (fields, expected) in [
        (json!({}), ("warn".to_owned(), false)),
        (json!({"defaultSetting": "ignore", "adultOnly": true}), ("ignore".to_owned(), true)),
    ] {
        let found = reads(LABELER, &definition(&fields), |record| match record {
            Record::Labeler(labeler) => labeler
                .policies
                .label_value_definitions
                .first()
                .map(|label| (label.default_setting.to_owned(), label.adult_only)),
            _ => None,
        });
        assert_eq!(found, expected, "{fields}");
    }
}

#[test]
fn statuses() {
    requires(STATUS, &["status", "createdAt"]);
    accepts(STATUS, &json!({"status": "com.example.status#asleep", "durationMinutes": 1}));
    accepts(STATUS, &json!({"durationMinutes": 1_000_000_000}));
    refuses(STATUS, &json!({"durationMinutes": 0}), "durationMinutes range");
    refuses(STATUS, &json!({"durationMinutes": "60"}), "durationMinutes type");
    let external = |external: Json| json!({"embed": {"$type": "app.bsky.embed.external", "external": external}});
    let card = json!({"uri": "https://example.com", "title": "", "description": ""});
    assert!(is_external(&external(card)));
    refuses(
        STATUS,
        &external(json!({"uri": "https://example.com"})),
        "embed.external.title missing",
    );
    refuses(STATUS, &json!({"embed": {}}), "embed.$type missing");
    refuses(
        STATUS,
        &json!({"embed": {"$type": "app.bsky.embed.external"}}),
        "embed.external missing",
    );
    // Only link cards are known here, so another embed is let through whatever it holds.
    assert!(!is_external(&json!({"embed": {"$type": "app.bsky.embed.images", "images": 3}})));
    assert!(!is_external(&json!({})));
}

#[test]
fn declarations() {
    requires(NOTIFICATION, &["allowSubscriptions"]);
    accepts(NOTIFICATION, &json!({"allowSubscriptions": "neighbours"}));
    refuses(NOTIFICATION, &json!({"allowSubscriptions": true}), "allowSubscriptions type");

    requires(CHAT, &["allowIncoming"]);
    accepts(CHAT, &json!({"allowIncoming": "neighbours", "allowGroupInvites": "none"}));
    refuses(CHAT, &json!({"allowIncoming": ["all"]}), "allowIncoming type");
    refuses(CHAT, &json!({"allowGroupInvites": null}), "allowGroupInvites type");
}

#[test]
fn germ_declarations() {
    let bytes = json!({"$bytes": ""});
    requires(GERM, &["version", "currentKey"]);
    accepts(GERM, &json!({"currentKey": bytes, "keyPackage": bytes}));
    accepts(GERM, &json!({"version": "1".repeat(14)}));
    refuses(GERM, &json!({"version": "1".repeat(15)}), "version bytes");
    refuses(GERM, &json!({"version": "1.00"}), "version bytes");
    refuses(GERM, &json!({"currentKey": "key"}), "currentKey type");
    refuses(GERM, &json!({"keyPackage": {"$link": RAW}}), "keyPackage type");
    accepts(GERM, &json!({"continuityProofs": vec![&bytes; 1_000]}));
    refuses(GERM, &json!({"continuityProofs": vec![&bytes; 1_001]}), "continuityProofs items");
    refuses(GERM, &json!({"continuityProofs": [bytes, "proof"]}), "continuityProofs[1] type");

    let message_me =
        |url: &str, to: &str| json!({"messageMe": {"messageMeUrl": url, "showButtonTo": to}});
    let url = |bytes: usize| format!("https://{}", "a".repeat(bytes - "https://".len()));
    accepts(GERM, &message_me("https://example.com/#", "everyone"));
    accepts(GERM, &message_me(&url(2_047), &"t".repeat(100)));
    refuses(GERM, &message_me(&url(2_048), "none"), "messageMe.messageMeUrl bytes");
    refuses(GERM, &message_me("", "none"), "messageMe.messageMeUrl format");
    refuses(GERM, &message_me("example.com", "none"), "messageMe.messageMeUrl format");
    refuses(GERM, &message_me(&url(9), ""), "messageMe.showButtonTo bytes");
    refuses(GERM, &message_me(&url(9), &"t".repeat(101)), "messageMe.showButtonTo bytes");
    refuses(GERM, &json!({"messageMe": {}}), "messageMe.showButtonTo missing");
    refuses(
        GERM,
        &json!({"messageMe": {"showButtonTo": "none"}}),
        "messageMe.messageMeUrl missing",
    );
    let keys =
        reads(GERM, &json!({"continuityProofs": [{"$bytes": "AQI"}]}), |record| match record {
            Record::GermDeclaration(germ) => {
                Some((germ.current_key.to_vec(), germ.continuity_proofs.concat()))
            }
            _ => None,
        });
    assert_eq!(keys, (b"\x03key".to_vec(), vec![1, 2]));
}
