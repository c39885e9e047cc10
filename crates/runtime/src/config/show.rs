//! Show.
use schemars::JsonSchema;
use serde::Serialize;

use super::Loaded;

/// Every setting with its value and origin.
pub fn show<T: Serialize + JsonSchema>(_loaded: &Loaded<T>) -> String {
    unimplemented!()
}

/// As JSON.
pub fn show_json<T: Serialize + JsonSchema>(_loaded: &Loaded<T>) -> serde_json::Value {
    unimplemented!()
}
