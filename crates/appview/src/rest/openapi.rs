//! `GET /api/v1/openapi.json`: what a program of an account may ask beside XRPC, as OpenAPI 3.1. Types of bodies and
//! answers are those that are read and written; a test holds the list against the table of routes.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::posting;
use crate::rest::seen;
use crate::routes::Verb;

pub(super) const PATH: &str = "/api/v1/openapi.json";
const SCHEMAS: &str = "/components/schemas";

/// One route, as it is described.
struct Operation {
    verb: Verb,
    path: &'static str,
    name: &'static str,
    what: &'static str,
    parameters: Value,
    /// Media types and the schema of what is sent.
    body: Value,
    /// Statuses with what they mean and the schema of the answer.
    answers: Vec<(u16, &'static str, Value)>,
}

pub(super) async fn document() -> Response {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| described().to_string());
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], DOCUMENT.as_str()).into_response()
}

/// A route's verb and path, for whoever holds them against the table.
#[cfg(test)]
fn named() -> Vec<(&'static str, &'static str)> {
    let operations = operations(&mut generator());
    operations.iter().map(|it| (it.verb.as_str(), it.path)).collect()
}

fn generator() -> SchemaGenerator {
    let at_home = |settings: &mut SchemaSettings| settings.definitions_path = SCHEMAS.into();
    SchemaSettings::draft2020_12().with(at_home).into_generator()
}

fn described() -> Value {
    let mut schemas = generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations(&mut schemas) {
        let mut answers: Map<String, Value> = operation
            .answers
            .iter()
            .map(|(status, what, schema)| {
                (status.to_string(), json!({"description": what, "content": json_content(schema)}))
            })
            .collect();
        for status in ["4XX", "5XX"] {
            answers.insert(status.to_owned(), json!({"$ref": "#/components/responses/Refused"}));
        }
        let mut described = json!({
            "operationId": operation.name,
            "description": operation.what,
            "parameters": operation.parameters,
            "responses": answers,
        });
        if !operation.body.is_null() {
            described["requestBody"] = json!({"required": true, "content": operation.body});
        }
        let of_path = paths.entry(operation.path).or_insert_with(|| json!({}));
        of_path[operation.verb.as_str().to_lowercase()] = described;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Millrace",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Homes and posts for programs of people who are signed in here. Tokens are made in the settings.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": {"Refused": {"description": "Why there is no answer.", "content": json_content(&refused())}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    })
}

/// An error's name and its reason, for people.
fn refused() -> Value {
    json!({
        "type": "object",
        "required": ["error", "message"],
        "properties": {"error": {"type": "string"}, "message": {"type": "string"}},
    })
}

fn json_content(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn schema<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}

fn query(name: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "schema": schema})
}

fn page() -> Vec<Value> {
    vec![
        query("cursor", &json!({"type": "string"})),
        query("limit", &json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 50})),
    ]
}

fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let told = schema::<posting::Told>(schemas);
    let uri =
        json!([{"name": "uri", "in": "path", "required": true, "schema": {"type": "string"}}]);
    let post = |verb, name, what, body| Operation {
        verb,
        path: "/api/v1/posts/{uri}",
        name,
        what,
        parameters: uri.clone(),
        body,
        answers: match verb {
            Verb::Get => vec![(200, "The post, and how far it is.", told.clone())],
            _ => vec![(200, "Done.", told.clone()), (202, "On its way.", told.clone())],
        },
    };
    let images: Map<String, Value> = posting::MEDIA_TYPES
        .iter()
        .map(|kind| ((*kind).to_owned(), json!({"schema": {"type": "string", "format": "binary"}})))
        .collect();
    let idempotency = json!({
        "name": "Idempotency-Key", "in": "header",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    });
    let mut home = page();
    home.push(query("mode", &json!({"type": "string", "enum": ["ranked", "chronological"]})));
    home.push(query("userId", &json!({"type": "string"})));
    vec![
        Operation {
            verb: Verb::Get,
            path: "/api/v1/posts",
            name: "getHome",
            what: "The home of whoever asks, ranked or by time.",
            parameters: home.into(),
            body: Value::Null,
            answers: vec![(
                200,
                "A page of it.",
                json!({
                    "type": "object",
                    "required": ["posts"],
                    "properties": {"posts": {"type": "array", "items": home_line()}, "cursor": {"type": "string"}},
                }),
            )],
        },
        Operation {
            verb: Verb::Post,
            path: "/api/v1/posts",
            name: "createPost",
            what: "Writes a post.",
            parameters: json!([idempotency]),
            body: json_content(&schema::<posting::Draft>(schemas)),
            answers: vec![
                (201, "Who may see it sees it.", told.clone()),
                (202, "On its way.", told.clone()),
            ],
        },
        post(Verb::Get, "getPost", "One post.", Value::Null),
        post(
            Verb::Patch,
            "changePost",
            "Another text, or others who may see it.",
            json_content(&schema::<posting::Change>(schemas)),
        ),
        post(Verb::Delete, "deletePost", "Takes a post away.", Value::Null),
        Operation {
            verb: Verb::Post,
            path: "/api/v1/media",
            name: "uploadMedia",
            what: "Uploads an image that a post may name within an hour.",
            parameters: json!([query("alt", &json!({"type": "string", "maxLength": 2_000}))]),
            body: images.into(),
            answers: vec![(201, "Uploaded.", schema::<posting::Uploaded>(schemas))],
        },
        Operation {
            verb: Verb::Post,
            path: "/api/v1/feed/seen",
            name: "markSeen",
            what: "What of the home was seen.",
            parameters: json!([]),
            body: json_content(&schema::<seen::Seen>(schemas)),
            answers: vec![(200, "Noted.", schema::<seen::Answer>(schemas))],
        },
        Operation {
            verb: Verb::Get,
            path: "/api/v1/notifications",
            name: "listNotifications",
            what: "What happened around whoever asks, in groups.",
            parameters: page().into(),
            body: Value::Null,
            answers: vec![(
                200,
                "A page of it.",
                json!({
                    "type": "object",
                    "required": ["notifications"],
                    "properties": {
                        "notifications": {"type": "array", "items": group()},
                        "cursor": {"type": "string"}, "seenAt": {"type": "string"},
                    },
                }),
            )],
        },
        Operation {
            verb: Verb::Get,
            path: "/api/v1/notifications/unread",
            name: "countUnread",
            what: "How much of it was not seen.",
            parameters: json!([]),
            body: Value::Null,
            answers: vec![(
                200,
                "The number.",
                json!({
                    "type": "object",
                    "required": ["count"],
                    "properties": {"count": {"type": "integer", "minimum": 0}},
                }),
            )],
        },
    ]
}

/// What happened and stands together.
fn group() -> Value {
    let text = || json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["id", "type", "subject", "people", "count", "isRead", "isCut", "createdAt"],
        "properties": {
            "id": text(), "type": text(), "subject": {"type": ["string", "null"]},
            "people": {"type": "array", "items": {"type": "object"}},
            "count": {"type": "integer", "minimum": 1},
            "isRead": {"type": "boolean"}, "isCut": {"type": "boolean"}, "createdAt": text(),
        },
    })
}

/// A line of a home; its view is what `app.bsky.feed.defs#feedViewPost` says.
fn home_line() -> Value {
    let text = || json!({"type": "string"});
    let part = || json!({"type": "number", "minimum": 0, "maximum": 1});
    json!({
        "type": "object",
        "required": ["userId", "postId", "item", "reason", "view", "visibility", "createdAt", "isRead"],
        "properties": {
            "userId": text(), "postId": text(), "item": text(), "view": {"type": "object"},
            "reason": {"type": "string", "enum": ["own", "follow", "repost", "discover"]},
            "visibility": {"type": "string", "enum": ["PUBLIC", "FOLLOWERS", "PRIVATE"]},
            "createdAt": text(), "isRead": {"type": "boolean"}, "readAt": text(),
            "relevanceScore": part(), "scoreUpdatedAt": text(),
            "rankPosition": {"type": "integer", "minimum": 0},
            "why": {
                "type": "object",
                "properties": {
                    "affinity": part(), "engagement": part(), "content": part(), "kind": text(),
                    "ageSeconds": {"type": "integer", "minimum": 0},
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::routes::ROUTES;

    /// What is described under `/api/v1`: the rest is for pages of ours and for operators.
    const KINDS: [&str; 4] =
        ["/api/v1/posts", "/api/v1/media", "/api/v1/feed/", "/api/v1/notifications"];

    #[test]
    fn every_route_for_programs_is_described() {
        let described = named();
        let is_for_programs = |path: &str| KINDS.iter().any(|kind| path.starts_with(kind));
        let routes = ROUTES.iter().filter(|route| is_for_programs(route.path));
        let routes: Vec<_> = routes.map(|route| (route.verb.as_str(), route.path)).collect();
        let sorted = |mut all: Vec<(&'static str, &'static str)>| {
            all.sort_unstable();
            all
        };
        assert_eq!(sorted(described), sorted(routes));
    }

    #[test]
    fn references_lead_somewhere() {
        let document = described();
        let mut waiting = vec![&document];
        let mut found = 0;
        while let Some(value) = waiting.pop() {
            match value {
                Value::Object(fields) => {
                    if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                        assert!(document.pointer(to.strip_prefix('#').unwrap()).is_some(), "{to}");
                        found += 1;
                    }
                    waiting.extend(fields.values());
                }
                Value::Array(all) => waiting.extend(all),
                _ => {}
            }
        }
        assert!(found > 10);
    }
}
