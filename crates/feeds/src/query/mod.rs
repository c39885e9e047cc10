//! The read side: pages of homes, what readers have seen of them, and how homes are doing.
//!
//! A [`Question`] knows its name on the wire and its answer; [`crate::Client`] asks it in process or over
//! `/internal/<NAME>`, and both run the same `answer`.

mod cursor;
mod gather;
pub mod home;
pub mod order;
pub mod parked;
pub mod seen;
pub mod session;
pub mod standing;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Local;
use crate::error::FeedsError;

/// A question about homes, with its answer.
pub trait Question: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The method's name under `/internal/`.
    const NAME: &'static str;
    type Answer: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    fn answer(self, local: &Local)
    -> impl Future<Output = Result<Self::Answer, FeedsError>> + Send;
}
