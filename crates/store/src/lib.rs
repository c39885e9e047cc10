//! placeholder
mod base;
pub mod codes;
mod config;
pub mod dictionary;
mod domain;
mod engine;
mod error;
mod ids;
pub mod lease;
mod metrics;
pub mod migrate;
pub mod offsets;
pub mod outbox;
pub mod parked;
mod sql;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
mod value;
pub mod worker;

pub use config::{EngineKind, StoreConfig};
pub use dictionary::Dictionary;
pub use domain::{Domain, Durability};
pub use error::{Fault, StoreError};
pub use ids::{ActorId, RkeyId};
pub use migrate::Migration;
pub use store::Store;
pub use tx::{QUERY_ROWS_MAX, Tx};
pub use value::{Cell, FromColumn, Param, ParamType, Row, TypedParam};
