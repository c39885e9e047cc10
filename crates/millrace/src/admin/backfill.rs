//! The routes by which `millrace backfill` has accounts fetched. Ingest does it; only who is of interest is
//! asked of the data-plane's tables here, for ingest too.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use millrace_atproto::Did;
use millrace_dataplane::interest::{self, Terms};
use millrace_ingest::{
    AddToBackfill, BackfillChange, BackfillJob, BackfillList, BeginBackfill, ChangeBackfill,
    Client, InterestConfig,
};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::config::Secret;
use millrace_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use super::routes::{Refusal, guarded};

const DAY_US: i64 = 86_400_000_000;

/// What the routes need.
#[derive(Clone)]
pub struct Backfills {
    pub ingest: Client,
    pub readers: Readers,
}

/// Who reads here, and whom they follow.
#[derive(Clone)]
pub struct Readers {
    pub dataplane: Store,
    /// What counts as interest, whatever the scope is.
    pub interest: InterestConfig,
    pub clock: SharedClock,
}

/// How many accounts a backfill of interest would be of.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct OfInterest {
    pub accounts: u64,
}

/// The routes, guarded.
pub fn router(backfills: Backfills, token: Secret) -> Router {
    let routes = Router::new()
        .route("/api/v1/admin/backfills", get(list).post(begin))
        .route("/api/v1/admin/backfills/accounts", post(add))
        .route("/api/v1/admin/backfills/interest", get(of_interest))
        .route("/api/v1/admin/backfills/{id}/pause", post(pause))
        .route("/api/v1/admin/backfills/{id}/resume", post(resume))
        .route("/api/v1/admin/backfills/{id}/cancel", post(cancel))
        .with_state(Arc::new(backfills));
    guarded(routes, token)
}

type Asked = State<Arc<Backfills>>;
type Told = Result<Json<BackfillJob>, Refusal>;

async fn list(State(asked): Asked) -> Result<Json<BackfillList>, Refusal> {
    Ok(Json(asked.ingest.list_backfills().await?))
}

async fn begin(State(asked): Asked, Json(wanted): Json<BeginBackfill>) -> Told {
    Ok(Json(asked.ingest.begin_backfill(wanted).await?))
}

async fn add(State(asked): Asked, Json(wanted): Json<AddToBackfill>) -> Told {
    Ok(Json(asked.ingest.add_to_backfill(wanted).await?))
}

async fn of_interest(State(asked): Asked) -> Result<Json<OfInterest>, Refusal> {
    Ok(Json(OfInterest { accounts: asked.readers.interesting().await?.len() as u64 }))
}

async fn pause(State(asked): Asked, Path(id): Path<i64>) -> Told {
    asked.change(id, BackfillChange::Pause).await
}

async fn resume(State(asked): Asked, Path(id): Path<i64>) -> Told {
    asked.change(id, BackfillChange::Resume).await
}

async fn cancel(State(asked): Asked, Path(id): Path<i64>) -> Told {
    asked.change(id, BackfillChange::Cancel).await
}

impl Backfills {
    async fn change(&self, id: i64, change: BackfillChange) -> Told {
        Ok(Json(self.ingest.change_backfill(ChangeBackfill { id, change }).await?))
    }
}

impl Readers {
    /// Everybody who is of interest now.
    ///
    /// # Errors
    /// The store.
    pub async fn interesting(&self) -> Result<Vec<Did>, StoreError> {
        let since_us = i64::from(self.interest.reader_days).saturating_mul(DAY_US);
        let terms = Terms {
            since_us: self.clock.now_us().saturating_sub(since_us),
            interactions: self.interest.interactions,
            accounts_max: self.interest.accounts_max,
        };
        let readers = interest::readers(&self.dataplane, terms.since_us).await?;
        let mut dids: Vec<Did> =
            interest::of_readers(&self.dataplane, &readers, terms).await?.into_iter().collect();
        dids.sort_unstable();
        Ok(dids)
    }
}
