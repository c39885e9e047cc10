//! `countParkedOfHomes`, `listParkedOfHomes`, `getParkedOfHomes`, `retryParkedOfHomes`, `retryAllParkedOfHomes`, `discardParkedOfHomes`:
//! what homes could not take, for whoever has no store.

use millrace_dataplane::parked::{ListParked, Of, ParkedEntry, ParkedId, ParkedPage, Touched};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Question;
use crate::client::Local;
use crate::error::FeedsError;
use crate::parked;

/// How much is parked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CountParkedOfHomes {}

/// A page of one kind.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ListParkedOfHomes(pub ListParked);

/// One of them, with its content; none where there is none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct GetParkedOfHomes {
    pub id: ParkedId,
}

/// Has one tried again now.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RetryParkedOfHomes {
    pub id: ParkedId,
}

/// Has all of a kind tried again now.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RetryAllParkedOfHomes {
    pub of: Of,
}

/// Gives one up for good.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DiscardParkedOfHomes {
    pub id: ParkedId,
}

impl Question for CountParkedOfHomes {
    const NAME: &'static str = "countParkedOfHomes";
    type Answer = Touched;

    async fn answer(self, local: &Local) -> Result<Touched, FeedsError> {
        Ok(parked::count(&local.deps.store).await?)
    }
}

impl Question for ListParkedOfHomes {
    const NAME: &'static str = "listParkedOfHomes";
    type Answer = ParkedPage;

    async fn answer(self, local: &Local) -> Result<ParkedPage, FeedsError> {
        Ok(parked::list(&local.deps.store, self.0).await?)
    }
}

impl Question for GetParkedOfHomes {
    const NAME: &'static str = "getParkedOfHomes";
    type Answer = Option<ParkedEntry>;

    async fn answer(self, local: &Local) -> Result<Option<ParkedEntry>, FeedsError> {
        Ok(parked::get(&local.deps.store, self.id).await?)
    }
}

impl Question for RetryParkedOfHomes {
    const NAME: &'static str = "retryParkedOfHomes";
    type Answer = Touched;

    async fn answer(self, local: &Local) -> Result<Touched, FeedsError> {
        let touched = parked::retry(&local.deps.store, self.id).await?;
        local.deps.wakes.all();
        Ok(touched)
    }
}

impl Question for RetryAllParkedOfHomes {
    const NAME: &'static str = "retryAllParkedOfHomes";
    type Answer = Touched;

    async fn answer(self, local: &Local) -> Result<Touched, FeedsError> {
        let touched = parked::retry_all(&local.deps.store, self.of).await?;
        local.deps.wakes.all();
        Ok(touched)
    }
}

impl Question for DiscardParkedOfHomes {
    const NAME: &'static str = "discardParkedOfHomes";
    type Answer = Touched;

    async fn answer(self, local: &Local) -> Result<Touched, FeedsError> {
        Ok(parked::discard(&local.deps.store, self.id).await?)
    }
}
