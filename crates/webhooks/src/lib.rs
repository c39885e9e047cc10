//! Webhooks: services of whoever runs this place that are told of posts by HTTP.
//!
//! ```text
//!  post.created.v1 ─┐                    ┌─ delivered ─▶ inbox
//!  post.updated.v1 ─┼▶ worker ─▶ send ─▶ ┼─ failed ────▶ -retry-1m ─▶ -retry-10m ─▶ -retry-1h ─▶ given up
//!        -retry-… ──┘  (one a webhook)   └─ refused ───▶ given up: a row of dlq, and -dlq
//! ```
//!
//! Reads: our own outward topics, as any consumer outside may. Writes: the tables `inbox` and `dlq` of the domain `own`,
//! and through its outbox the retry topics; all of it in the transaction that moves the offset.
//!
//! Must stay true: an event that was delivered and noted is not sent again, and one that was not noted is sent again
//! under the same id; what fails is tried again from topic to topic and then kept for a person, never dropped; a webhook
//! that fails holds up no other; what is sent is signed ([`sign`]).
//!
//! Start with [`worker`] for what happens to an event; [`message`] is what of it a receiver sees.

pub mod config;
pub mod message;
mod metrics;
mod rows;
mod send;
pub mod sign;
pub mod worker;

#[cfg(test)]
mod tests;

pub use config::{PostTopic, WebhookConfig, WebhooksConfig};
pub use worker::{Hook, HookDeps, Webhook, forget_others};
