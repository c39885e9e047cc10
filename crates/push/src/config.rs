//! The `[push]` part of the configuration.

use millrace_runtime::config::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vapid::Vapid;

/// `[push]`: browsers are told what is new.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushConfig {
    /// Whether browsers are told of notifications. What they are told goes, encrypted for them, through the push
    /// service that each of them names.
    pub enabled: bool,
    /// What push services know this service by: the hex of a P-256 key. Without it one is made, in `push.key` of the data
    /// folder; several processes that have the tables need the same. Browsers have to subscribe again when it changes.
    pub vapid_key: Secret,
    /// Where push services may reach whoever runs this place: a `mailto:` or `https:` URL. `appview.public_url` without it.
    pub contact: Option<String>,
    /// Between two looks for what is new, in milliseconds; longer where a look takes long.
    pub look_ms: u64,
    /// A device is told at most once in so many seconds; what came meanwhile is told together.
    pub gap_seconds: u32,
    /// Messages on their way at the same time.
    pub concurrency_max: u32,
    /// How long a push service may take, in milliseconds.
    pub timeout_ms: u64,
}

impl PushConfig {
    /// A setting that cannot be, and why.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        let key = self.vapid_key.expose();
        if !key.is_empty()
            && let Err(error) = Vapid::new(key, String::new())
        {
            return Some(("push.vapid_key", error.to_string()));
        }
        let is_contact = |text: &str| text.starts_with("mailto:") || text.starts_with("https://");
        match &self.contact {
            Some(contact) if !is_contact(contact) => {
                Some(("push.contact", "must begin with mailto: or https://".to_owned()))
            }
            _ => None,
        }
    }
}

impl Default for PushConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            vapid_key: Secret::default(),
            contact: None,
            look_ms: 5_000,
            gap_seconds: 30,
            concurrency_max: 8,
            timeout_ms: 10_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_named() {
        let fault = |key: &str, contact: Option<&str>| {
            let (vapid_key, contact) = (Secret::from(key), contact.map(str::to_owned));
            let config = PushConfig { vapid_key, contact, ..PushConfig::default() };
            config.fault().map(|(key, _)| key)
        };
        assert_eq!(fault("", None), None);
        assert_eq!(fault(&"07".repeat(32), Some("mailto:a@example.com")), None);
        assert_eq!(fault("07", None), Some("push.vapid_key"));
        assert_eq!(fault("", Some("a@example.com")), Some("push.contact"));
    }
}
