//! Docs.
use schemars::JsonSchema;
use serde::Serialize;

/// A complete, commented TOML file.
pub fn example<T: Serialize + Default + JsonSchema>() -> String {
    unimplemented!()
}

/// A commented `.env` file.
pub fn env_example<T: Serialize + Default + JsonSchema>(_aliases: &[(&str, &str)]) -> String {
    unimplemented!()
}

/// The reference page in Markdown.
pub fn reference<T: Serialize + Default + JsonSchema>(_aliases: &[(&str, &str)]) -> String {
    unimplemented!()
}
