//! Asking the data-plane, in process or over `/internal`: the caller does not see which.

use std::sync::Arc;
use std::time::Duration;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::config::Secret;
use millrace_store::Store;

use crate::error::{DataplaneError, ErrorBody};
use crate::query::{Context, OwnCommand, Question};

/// An answer larger than this is refused by the client, bytes.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;

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
        match self {
            Self::Local(local) => local.ask(question).await,
            Self::Remote(remote) => remote.call(Q::NAME, &question).await,
        }
    }

    /// Changes what Millrace owns; the change is durable when this returns.
    pub async fn command<C: OwnCommand>(&self, command: C) -> Result<C::Answer, DataplaneError> {
        match self {
            Self::Local(local) => local.command(command).await,
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
}

/// Where another process answers `/internal/*`.
pub struct Remote {
    base: url::Url,
    secret: Option<Secret>,
    http: reqwest::Client,
}

impl Remote {
    /// `secret` is sent as a bearer token when the data-plane is guarded by one.
    pub fn new(
        base: url::Url,
        secret: Option<Secret>,
        timeout: Duration,
    ) -> Result<Self, DataplaneError> {
        millrace_runtime::tls::install_provider();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(timeout)
            .pool_max_idle_per_host(64)
            .build();
        let http =
            http.map_err(|error| DataplaneError::Internal(format!("HTTP client: {error}")))?;
        Ok(Self { base, secret, http })
    }

    async fn call<A: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        question: &(impl serde::Serialize + Sync),
    ) -> Result<A, DataplaneError> {
        let unavailable =
            |error: reqwest::Error| DataplaneError::Unavailable(format!("{name}: {error}"));
        let url = self.base.join(&format!("internal/{name}"));
        let url = url.map_err(|error| DataplaneError::Internal(format!("{name}: {error}")))?;
        let mut request = self.http.post(url).json(question);
        if let Some(secret) = &self.secret {
            request = request.bearer_auth(secret.expose());
        }
        let mut response = request.send().await.map_err(unavailable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(DataplaneError::Internal(format!(
                    "{name}: answer above {ANSWER_BYTES_MAX} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                DataplaneError::Internal(format!("{name}: unreadable answer: {error}"))
            });
        }
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| ErrorBody {
            error: String::new(),
            message: format!("{name}: HTTP {status}"),
        });
        Err(DataplaneError::from_wire(status.as_u16(), body))
    }
}
