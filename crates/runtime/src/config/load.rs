//! Layers to a value.
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{ConfigError, Loaded, Sources};

/// Loads a configuration from its layers.
pub fn load<T: DeserializeOwned + JsonSchema>(
    _sources: Sources<'_>,
) -> Result<Loaded<T>, ConfigError> {
    unimplemented!()
}
