//! `/internal/openapi.json` describes every internal method, and describes it rightly.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use millrace_dataplane::client::{Client, Local};
use millrace_dataplane::rpc;
use millrace_runtime::config::Secret;
use millrace_runtime::supervise::TaskSet;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Harness, on_every_engine};

on_every_engine!(every_method_is_described, the_guard_and_the_error_shape_are_described);

struct Served {
    base: url::Url,
    http: reqwest::Client,
    _task: TaskSet<()>,
}

async fn serve(harness: &Harness, secret: Option<&str>) -> Served {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let local: Arc<Local> = Arc::clone(local);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let router = rpc::routes(local, secret.map(Secret::new));
    let mut task = TaskSet::new();
    task.spawn("internal", async move { axum::serve(listener, router).await.unwrap() });
    millrace_runtime::tls::install_provider();
    Served { base, http: reqwest::Client::builder().no_proxy().build().unwrap(), _task: task }
}

impl Served {
    async fn answered(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn document(&self) -> Value {
        let url = self.base.join("internal/openapi.json").unwrap();
        let (status, document) = self.answered(self.http.get(url)).await;
        assert_eq!(status, 200);
        document
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = self.base.join(path).unwrap();
        self.answered(self.http.post(url).json(body)).await
    }
}

/// The names of all questions and commands in the source.
fn names_in_source() -> BTreeSet<String> {
    const MARKS: [&str; 2] = ["const NAME: &'static str = \"", "const HYDRATED: &'static str = \""];
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(path).unwrap();
            let named = MARKS.iter().flat_map(|mark| source.split(mark).skip(1));
            let named = named.filter_map(|rest| rest.split('"').next());
            names.extend(named.map(str::to_owned));
        }
    }
    names
}

/// What every `$ref` in a document points at.
fn refs<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| refs(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
        _ => {}
    }
}

async fn every_method_is_described(harness: Harness) {
    let served = serve(&harness, None).await;
    let document = served.document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<String> =
        paths.keys().map(|path| path.trim_start_matches("/internal/").to_owned()).collect();
    assert_eq!(described, names_in_source(), "what the source names is served and described");
    for (path, item) in paths {
        // It is served: what no question is, it refuses by itself.
        let (status, refused) = served.post(path.trim_start_matches("/"), &json!(1)).await;
        assert_eq!((status, &refused["error"]), (400, &json!("InvalidRequest")), "{path}");
        let operation = &item["post"];
        assert_eq!(format!("/internal/{}", operation["operationId"].as_str().unwrap()), *path);
        for content in [&operation["requestBody"], &operation["responses"]["200"]] {
            let schema = &content["content"]["application/json"]["schema"];
            assert!(
                schema.get("$ref").is_some() || schema.get("type").is_some(),
                "{path}: {schema}"
            );
        }
    }
    let mut targets = BTreeSet::new();
    refs(&document, &mut targets);
    for target in targets {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target} is not in the document");
    }
    // A question's bounds on fields are there too.
    let question = &document["components"]["schemas"]["GetFollowers"];
    assert_eq!(question["additionalProperties"], false);
    assert_eq!(question["required"], json!(["actor"]));
    let actor = json!({ "type": "string", "format": "at-identifier" });
    assert_eq!(question["properties"]["actor"], actor);
    let profile = &document["components"]["schemas"]["ProfileRecord"]["properties"];
    assert!(profile.get("avatarUrl").is_some() && profile.get("followersCount").is_some());
}

async fn the_guard_and_the_error_shape_are_described(harness: Harness) {
    let open = serve(&harness, None).await.document().await;
    assert_eq!(open["security"], json!([]));
    let served = serve(&harness, Some("right")).await;
    let url = served.base.join("internal/openapi.json").unwrap();
    let (status, refused) = served.answered(served.http.get(url.clone())).await;
    assert_eq!(status, 401);
    let (status, guarded) = served.answered(served.http.get(url).bearer_auth("right")).await;
    assert_eq!(status, 200);
    assert_eq!(guarded["security"], json!([{ "internalSecret": [] }]));
    let scheme = &guarded["components"]["securitySchemes"]["internalSecret"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    // What a refusal looks like is what the document says.
    let shape = &guarded["components"]["schemas"]["ErrorBody"];
    assert_eq!(shape["required"], json!(["error", "message"]));
    for field in ["error", "message"] {
        assert_eq!(shape["properties"][field]["type"], "string");
        assert!(refused[field].is_string());
    }
    assert_eq!(refused.as_object().unwrap().len(), 2);
}
