//! Asking the data-plane, in process or over `/internal`: the caller does not see which.

use std::sync::Arc;
use std::time::Duration;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::config::Secret;
use millrace_runtime::internal::Caller;
use millrace_store::Store;
use tracing::Instrument as _;

use crate::error::DataplaneError;
use crate::query::{Context, OwnCommand, Question, WorkerCommand};

/// The data-plane as its callers see it.
#[derive(Clone)]
pub enum Client {
    /// In this process.
    Local(Arc<Local>),
    /// Another process, by HTTP.
    Remote(Arc<Remote>),
}

impl Client {
    /// Asks `question` of one snapshot.
    pub async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, DataplaneError> {
        let asked = async {
            match self {
                Self::Local(local) => local.ask(question).await,
                Self::Remote(remote) => remote.call(Q::NAME, &question).await,
            }
        };
        asked.instrument(tracing::info_span!("dataplane", question = Q::NAME)).await
    }

    /// Changes what Millrace owns; the change is durable when this returns.
    pub async fn command<C: OwnCommand>(&self, command: C) -> Result<C::Answer, DataplaneError> {
        match self {
            Self::Local(local) => local.command(command).await,
            Self::Remote(remote) => remote.call(C::NAME, &command).await,
        }
    }

    /// Has the worker do something; the wish is durable when this returns.
    pub async fn instruct<C: WorkerCommand>(
        &self,
        command: C,
    ) -> Result<C::Answer, DataplaneError> {
        match self {
            Self::Local(local) => local.instruct(command).await,
            Self::Remote(remote) => remote.call(C::NAME, &command).await,
        }
    }
}

/// The data-plane's own handles.
pub struct Local {
    pub store: Store,
    pub own: Store,
    pub context: Context,
    pub clock: SharedClock,
}

impl Local {
    pub async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, DataplaneError> {
        let context = self.context.clone();
        self.store.read(move |tx| question.answer(tx, &context)).await
    }

    pub async fn command<C: OwnCommand>(&self, command: C) -> Result<C::Answer, DataplaneError> {
        let now_us = self.clock.now_us();
        self.own.write(move |tx| command.apply(tx, now_us)).await
    }

    pub async fn instruct<C: WorkerCommand>(
        &self,
        command: C,
    ) -> Result<C::Answer, DataplaneError> {
        self.store.write(move |tx| command.apply(tx)).await
    }
}

/// Where another process answers `/internal/*`.
pub struct Remote {
    caller: Caller,
}

impl Remote {
    /// `secret` is sent as a bearer token when the data-plane is guarded by one.
    pub fn new(
        base: url::Url,
        secret: Option<Secret>,
        timeout: Duration,
    ) -> Result<Self, DataplaneError> {
        Ok(Self { caller: Caller::new(base, secret, timeout)? })
    }

    async fn call<A: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        question: &(impl serde::Serialize + Sync),
    ) -> Result<A, DataplaneError> {
        Ok(self.caller.call(name, question).await?)
    }
}
