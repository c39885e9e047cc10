//! Posting to the webhook: one alert after the other, each until it is taken or its attempts are
//! used up. A refusal that no repetition mends (4xx but 408 and 429) is one attempt.

use std::time::Duration;

use reqwest::StatusCode;
use ring::hmac;
use url::Url;

use super::message::{Message, Origin};
use super::{Alerts, AlertsConfig};
use crate::error::{Diagnose, Diagnosis, codes};
use crate::rng::Rng;
use crate::supervise::Backoff;

const RETRY: Backoff = Backoff {
    base: Duration::from_millis(500),
    max: Duration::from_secs(60),
    reset_after: Duration::from_secs(60),
};
/// Longest time a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Why an alert was not delivered. The webhook's address is a secret and in none of them.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// None is configured.
    #[error("alerts.webhook_url is not set")]
    NoWebhook,
    /// It is no URL.
    #[error("alerts.webhook_url: {0}")]
    Url(String),
    /// It cannot be reached.
    #[error("the webhook cannot be reached: {0}")]
    Unreachable(String),
    /// It answered something else than success.
    #[error("the webhook answered {0}")]
    Refused(u16),
}

impl Diagnose for DeliveryError {
    fn diagnosis(&self) -> Diagnosis {
        codes::ALERT_NOT_DELIVERED.diagnosis(self.to_string())
    }
}

impl DeliveryError {
    /// Whether it may be taken later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(status) => *status >= 500 || matches!(status, 408 | 429),
            Self::NoWebhook | Self::Url(_) => false,
        }
    }
}

/// Where alerts are posted.
#[derive(Debug)]
pub(super) struct Webhook {
    url: Url,
    key: Option<hmac::Key>,
    http: reqwest::Client,
}

impl Webhook {
    /// The webhook, if one is configured.
    pub(super) fn of(config: &AlertsConfig) -> Result<Option<Self>, String> {
        let Some(url) = config.webhook_url.as_ref().filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let url = Url::parse(url.expose()).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must begin with http:// or https://".to_owned());
        }
        crate::tls::install_provider();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_millis(config.timeout_ms))
            .build()
            .map_err(|error| error.to_string())?;
        let key = config.webhook_secret.as_ref().filter(|secret| !secret.is_empty());
        let key = key.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()));
        Ok(Some(Self { url, key, http }))
    }

    /// Posts once.
    pub(super) async fn post(
        &self,
        message: &Message,
        origin: &Origin,
    ) -> Result<(), DeliveryError> {
        let body = message.body(origin);
        let mut request = self
            .http
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("x-millrace-delivery", message.id(origin));
        if let Some(key) = &self.key {
            let tag = hmac::sign(key, &body);
            let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            request = request.header("x-millrace-signature", format!("sha256={hex}"));
        }
        let answer = request.body(body).send().await;
        let answer = answer.map_err(|error| DeliveryError::Unreachable(reason(error)))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(DeliveryError::Refused(StatusCode::as_u16(&status))),
        }
    }
}

/// An error and its causes, without the address.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Delivers until closed; what waits then is tried once.
pub(super) async fn run(alerts: Alerts) {
    let Some(webhook) = &alerts.inner.webhook else { return };
    let rng = Rng::from_entropy();
    while let Some(message) = alerts.next().await {
        let outcome = deliver(&alerts, webhook, &message, &rng).await;
        alerts.count(if outcome.is_ok() { "delivered" } else { "failed" });
        if let Err(error) = outcome {
            // At WARN: an error here would be an alert again.
            tracing::warn!(%error, "an alert was not delivered");
        }
    }
}

async fn deliver(
    alerts: &Alerts,
    webhook: &Webhook,
    message: &Message,
    rng: &Rng,
) -> Result<(), DeliveryError> {
    let mut attempt = 0;
    loop {
        let Err(error) = webhook.post(message, &alerts.inner.origin).await else {
            return Ok(());
        };
        attempt += 1;
        let last = attempt >= alerts.inner.config.attempts_max || alerts.is_closed();
        if last || !error.may_pass() {
            return Err(error);
        }
        tokio::select! {
            () = tokio::time::sleep(rng.jitter(RETRY.delay(attempt - 1))) => {}
            () = alerts.closing() => {}
        }
    }
}
