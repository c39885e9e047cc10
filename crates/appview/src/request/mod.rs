//! What a request says before it reaches a method: its bounds, parameters and headers.

pub(crate) mod body;
pub(crate) mod bounds;
pub(crate) mod labelers;
pub(crate) mod params;
pub(crate) mod rates;
