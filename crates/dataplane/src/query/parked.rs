//! `listParked`, `getParked`, `retryParked`, `retryAllParked`, `discardParked`: the entries that could
//! not be applied, for whoever has no store. `countDeliveries`, `getDelivery`, `retryDelivery`, `retryAllDeliveries`,
//! `discardDelivery`, `resolveDelivery`: events that webhooks did not take, which lie in `own`.

use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, OwnCommand, Question, WorkerCommand};
use crate::error::DataplaneError;
use crate::parked::deliveries::{self, Retried};
use crate::parked::{self, ListParked, Of, ParkedEntry, ParkedPage, Touched};

/// Bytes of the name of who decides.
const BY_BYTES_MAX: usize = 512;

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

/// How many deliveries are not settled.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountDeliveries {}

/// One delivery with its event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDelivery {
    pub id: i64,
}

/// Has a delivery go out again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryDelivery {
    pub id: i64,
}

/// Has those go out again that are pending, so many as fit one transaction.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryAllDeliveries {
    /// Only those with a higher number.
    #[serde(default)]
    pub after: i64,
}

/// Gives a delivery up for good; its row stays a while.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardDelivery {
    pub id: i64,
    /// Who decided it.
    pub by: String,
}

/// Somebody saw to it by other means.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveDelivery {
    pub id: i64,
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who decided it.
    pub by: String,
}

impl Question for CountDeliveries {
    const NAME: &'static str = "countDeliveries";
    type Answer = Touched;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Touched, DataplaneError> {
        Ok(deliveries::count(tx)?)
    }
}

impl Question for GetDelivery {
    const NAME: &'static str = "getDelivery";
    type Answer = ParkedEntry;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<ParkedEntry, DataplaneError> {
        deliveries::one(tx, self.id)?.ok_or_else(|| no_delivery(self.id))
    }
}

impl OwnCommand for RetryDelivery {
    const NAME: &'static str = "retryDelivery";
    type Answer = Touched;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Touched, DataplaneError> {
        delivered(deliveries::try_again(tx, self.id)?, self.id)
    }
}

impl OwnCommand for RetryAllDeliveries {
    const NAME: &'static str = "retryAllDeliveries";
    type Answer = Retried;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Retried, DataplaneError> {
        Ok(deliveries::try_all_again(tx, self.after)?)
    }
}

impl OwnCommand for DiscardDelivery {
    const NAME: &'static str = "discardDelivery";
    type Answer = Touched;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Touched, DataplaneError> {
        is_name(&self.by)?;
        delivered(deliveries::give_up(tx, self.id, &self.by)?, self.id)
    }
}

impl OwnCommand for ResolveDelivery {
    const NAME: &'static str = "resolveDelivery";
    type Answer = Touched;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Touched, DataplaneError> {
        is_name(&self.by)?;
        let note = self.note.as_deref();
        if note.is_some_and(|note| note.len() > deliveries::NOTE_BYTES_MAX) {
            let max = deliveries::NOTE_BYTES_MAX;
            return Err(DataplaneError::InvalidRequest(format!(
                "a note may have at most {max} bytes"
            )));
        }
        delivered(deliveries::resolve_one(tx, self.id, (note, &self.by))?, self.id)
    }
}

fn is_name(by: &str) -> Result<(), DataplaneError> {
    if by.len() <= BY_BYTES_MAX {
        return Ok(());
    }
    let message = format!("who decides has a name of at most {BY_BYTES_MAX} bytes");
    Err(DataplaneError::InvalidRequest(message))
}

fn delivered(touched: Touched, id: i64) -> Result<Touched, DataplaneError> {
    if touched.entries == 0 { Err(no_delivery(id)) } else { Ok(touched) }
}

fn no_delivery(id: i64) -> DataplaneError {
    DataplaneError::NotFound(format!("no delivery that is not settled has number {id}"))
}

impl Question for ListParked {
    const NAME: &'static str = "listParked";
    type Answer = ParkedPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<ParkedPage, DataplaneError> {
        match self.of {
            Of::Entries => Ok(parked::page(tx, &self)?),
            Of::Deliveries => Ok(deliveries::page(tx, &self)?),
            Of::Facts | Of::Fanout => {
                let of = self.of.name();
                Err(DataplaneError::InvalidRequest(format!("{of} are asked of homes")))
            }
        }
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
