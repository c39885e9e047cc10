//! `/internal/openapi.json`: the internal methods for programs, as OpenAPI 3.1. What stands here
//! comes from the table of methods in [`crate::rpc`] and from the types of questions and answers,
//! so no method can be forgotten and no field can differ.

use millrace_runtime::internal::ErrorBody;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Where the document refers to types.
const SCHEMAS: &str = "/components/schemas";

/// The methods described so far.
#[derive(Debug)]
pub(crate) struct Description {
    schemas: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Default for Description {
    fn default() -> Self {
        let at_home = |settings: &mut SchemaSettings| settings.definitions_path = SCHEMAS.into();
        let settings = SchemaSettings::draft2020_12().with(at_home);
        Self { schemas: settings.into_generator(), paths: Map::new() }
    }
}

impl Description {
    /// Adds the method `name`: a question `Q` and what it is answered with.
    pub(crate) fn add<Q: JsonSchema, A: JsonSchema>(&mut self, name: &str) {
        // A question's own words are what its method does.
        let whole = Q::json_schema(&mut self.schemas);
        let description = whole.get("description").and_then(Value::as_str).unwrap_or(name);
        let operation = json!({
            "operationId": name,
            "description": description,
            "requestBody": { "required": true, "content": json_content(&self.schema::<Q>()) },
            "responses": {
                "200": { "description": "The answer.", "content": json_content(&self.schema::<A>()) },
                "4XX": { "$ref": "#/components/responses/Refused" },
                "5XX": { "$ref": "#/components/responses/Refused" },
            },
        });
        self.paths.insert(path(name), json!({ "post": operation }));
    }

    /// The whole document; `is_guarded` when the methods demand the shared secret.
    pub(crate) fn document(mut self, is_guarded: bool) -> Value {
        let refused = json!({
            "description": "Why there is no answer: NotFound (404), InvalidRequest (400), Unauthorized (401), \
                MethodNotFound (404), Unavailable (503: asking again may help) or InternalError (500).",
            "content": json_content(&self.schema::<ErrorBody>()),
        });
        let secret = json!({
            "type": "http",
            "scheme": "bearer",
            "description": "The secret that the processes share; without one the listener is on loopback.",
        });
        let security = if is_guarded { json!([{ "internalSecret": [] }]) } else { json!([]) };
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Millrace data-plane, internal methods",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Times ending in Us are microseconds since the epoch, UTC. Cursors are opaque.",
            },
            "paths": self.paths,
            "components": {
                "schemas": self.schemas.take_definitions(true),
                "responses": { "Refused": refused },
                "securitySchemes": { "internalSecret": secret },
            },
            "security": security,
        })
    }

    fn schema<T: JsonSchema>(&mut self) -> Value {
        self.schemas.subschema_for::<T>().to_value()
    }
}

/// A method's path.
pub(crate) fn path(name: &str) -> String {
    format!("/internal/{name}")
}

fn json_content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}
