//! What is done with the tables of who is signed in while nobody asks: what is over goes, and what PDSs gave for it
//! is given back. So is what an operator ends.

use std::sync::Arc;

use millrace_atproto::Did;
use millrace_dataplane::query::web_push::{EndPushSessions, GetPushSessions, PUSH_SESSIONS_MAX};
use millrace_runtime::supervise::spawn_detached_named;
use millrace_store::{Store, StoreError};

use super::{Acting, Live};
use crate::session::{Ended, Sessions, end_sessions, end_tokens};

/// Looks after the tables of who is signed in. Cheap to clone.
#[derive(Clone)]
pub struct Upkeep {
    sessions: Arc<Sessions>,
    acting: Acting,
    live: Live,
    dataplane: millrace_dataplane::Client,
}

impl Upkeep {
    pub(crate) fn new(
        sessions: Arc<Sessions>,
        acting: Acting,
        live: Live,
        dataplane: millrace_dataplane::Client,
    ) -> Self {
        Self { sessions, acting, live, dataplane }
    }

    /// Removes sessions and sign-ins whose time is over and lets go what tokens acted by that have ended, a bounded
    /// number of each, and gives back what nothing acts by any more; true if there may be more. When there is no more,
    /// browsers whose session ended, however it did, are told of notifications no more.
    ///
    /// # Errors
    /// The store.
    pub async fn pass(&self) -> Result<bool, StoreError> {
        let expired = self.sessions.remove_expired().await?;
        self.acting.tell(expired.unused).await;
        let ended = self.sessions.take_unused().await?;
        self.acting.tell(ended.unused).await;
        let more = expired.more || ended.more;
        if !more {
            self.end_pushes().await?;
        }
        Ok(more)
    }

    /// Looks through the sessions that browsers are told of notifications by.
    async fn end_pushes(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let asked = GetPushSessions { after: after.take(), limit: PUSH_SESSIONS_MAX };
            let session_ids = match self.dataplane.ask(asked).await {
                Ok(found) => found.session_ids,
                Err(error) => {
                    tracing::debug!(%error, "by which sessions browsers are told cannot be asked now");
                    return Ok(());
                }
            };
            after = session_ids.last().cloned();
            if after.is_none() {
                return Ok(());
            }
            let session_ids = self.sessions.ended(session_ids).await?;
            if !session_ids.is_empty()
                && let Err(error) = self.dataplane.command(EndPushSessions { session_ids }).await
            {
                tracing::debug!(%error, "browsers that are signed out cannot be left alone now");
                return Ok(());
            }
        }
    }

    /// Signs browsers out: an account's, or everybody's.
    pub(crate) async fn end_sessions(&self, whose: Option<&Did>) -> Result<Ended, StoreError> {
        let ended = end_sessions(self.store(), whose).await?;
        match whose {
            Some(did) => self.live.session_ended(did),
            None => self.live.sessions_ended(),
        }
        self.pass_soon();
        Ok(ended)
    }

    /// Ends tokens of programs: an account's, or everybody's.
    pub(crate) async fn end_tokens(&self, whose: Option<&Did>) -> Result<Ended, StoreError> {
        let ended = end_tokens(self.store(), whose).await?;
        self.pass_soon();
        Ok(ended)
    }

    /// The tables.
    pub(crate) fn store(&self) -> &Store {
        self.sessions.store()
    }

    /// Gives back while nobody waits for it; what is left is found by a later pass.
    fn pass_soon(&self) {
        let upkeep = self.clone();
        spawn_detached_named(
            "give back",
            async move { while let Ok(true) = upkeep.pass().await {} },
        );
    }
}
