//! `listParked`, `getParked`, `retryParked`, `retryAllParked`, `discardParked`: the entries that could
//! not be applied, for whoever has no store.

use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question, WorkerCommand};
use crate::error::DataplaneError;
use crate::parked::{self, ListParked, Of, ParkedEntry, ParkedPage, Touched};

/// One parked entry with what stands in the log.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetParked {
    pub id: i64,
}

/// Has the worker try an entry again now; one that waits behind another has that one tried.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryParked {
    pub id: i64,
}

/// Has the worker try everything that a projection has parked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryAllParked {
    pub projection: String,
}

/// Gives an entry up: it is not tried again, and what waits behind it goes on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardParked {
    pub id: i64,
}

impl Question for ListParked {
    const NAME: &'static str = "listParked";
    type Answer = ParkedPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<ParkedPage, DataplaneError> {
        if self.of != Of::Entries {
            let of = self.of.name();
            return Err(DataplaneError::InvalidRequest(format!("{of} are asked of homes")));
        }
        Ok(parked::page(tx, &self)?)
    }
}

impl Question for GetParked {
    const NAME: &'static str = "getParked";
    type Answer = ParkedEntry;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<ParkedEntry, DataplaneError> {
        parked::one(tx, self.id)?.ok_or_else(|| unknown(self.id))
    }
}

impl WorkerCommand for RetryParked {
    const NAME: &'static str = "retryParked";
    type Answer = Touched;

    fn apply(self, tx: &mut Tx) -> Result<Touched, DataplaneError> {
        found(parked::try_again(tx, self.id)?, self.id)
    }
}

impl WorkerCommand for RetryAllParked {
    const NAME: &'static str = "retryAllParked";
    type Answer = Touched;

    fn apply(self, tx: &mut Tx) -> Result<Touched, DataplaneError> {
        Ok(parked::try_all_again(tx, &self.projection)?)
    }
}

impl WorkerCommand for DiscardParked {
    const NAME: &'static str = "discardParked";
    type Answer = Touched;

    fn apply(self, tx: &mut Tx) -> Result<Touched, DataplaneError> {
        found(parked::give_up(tx, self.id)?, self.id)
    }
}

fn found(touched: Touched, id: i64) -> Result<Touched, DataplaneError> {
    if touched.entries == 0 { Err(unknown(id)) } else { Ok(touched) }
}

fn unknown(id: i64) -> DataplaneError {
    DataplaneError::NotFound(format!("no parked entry has number {id}"))
}
