//! The `[webhooks]` part of the configuration.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use millrace_log::Topic;
use millrace_runtime::config::Secret;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::sign::Signer;

/// Webhooks at most.
pub const RECEIVERS_MAX: usize = 8;
/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 40;
/// Bytes of a file with a secret.
const SECRET_BYTES_MAX: u64 = 4_096;

/// `[webhooks]`: services that are told of posts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Who is told, at most eight: `{ name = "search", url = "https://search.example.com/posts", secret_file =
    /// "search.secret", topics = ["post.created.v1"] }`. A new one is told of what happens from then on. Needs
    /// `feeds.enabled`, and `feeds.post_events` that is not `off`.
    pub receivers: Vec<WebhookConfig>,
    /// How long a receiver may take to answer, in milliseconds.
    pub timeout_ms: u64,
    /// Deliveries to one receiver at the same time; two of one author never are.
    pub concurrency_max: u32,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// A name of your choice, of a-z, 0-9 and hyphens: how far it was told is kept under it.
    pub name: String,
    /// Where it is told, by POST: `https`, or with `network.allow_loopback` also `http` on this machine.
    pub url: String,
    /// What deliveries are signed with: `whsec_` and the base64 of 24 to 64 bytes. Several, a line each, all sign: so
    /// that a receiver can go over to a new one.
    pub secret: Secret,
    /// Instead of `secret`: the path of a file that holds it.
    pub secret_file: Option<PathBuf>,
    /// What it is told of.
    #[serde(default = "both")]
    pub topics: Vec<PostTopic>,
}

/// What a webhook may be told of; written as the topic's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PostTopic {
    /// Posts that are new.
    Created,
    /// Posts whose records were replaced.
    Updated,
}

fn both() -> Vec<PostTopic> {
    vec![PostTopic::Created, PostTopic::Updated]
}

impl PostTopic {
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::Created => Topic::PostCreated,
            Self::Updated => Topic::PostUpdated,
        }
    }
}

impl Serialize for PostTopic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.topic().name())
    }
}

impl<'de> Deserialize<'de> for PostTopic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let all = both();
        all.iter().copied().find(|topic| topic.topic().name() == name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|topic| topic.topic().name()).collect();
            D::Error::custom(format!("`{name}` is none of {}", names.join(", ")))
        })
    }
}

impl JsonSchema for PostTopic {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PostTopic".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

impl WebhookConfig {
    /// What signs its deliveries.
    ///
    /// # Errors
    /// The setting that cannot be, and why.
    pub fn signer(&self) -> Result<Signer, (&'static str, String)> {
        let refused = |key, reason: String| (key, format!("`{}`: {reason}", self.name));
        let signer = match (&self.secret_file, self.secret.is_empty()) {
            (Some(_), false) => {
                let reason = "secret and secret_file are both set".to_owned();
                return Err(refused("webhooks.receivers.secret", reason));
            }
            (None, _) => ("webhooks.receivers.secret", Signer::of(self.secret.expose())),
            (Some(path), true) => {
                let key = "webhooks.receivers.secret_file";
                let read = read(path);
                let text = read.map_err(|why| {
                    refused(key, format!("cannot read {}: {why}", path.display()))
                })?;
                (key, Signer::of(&text))
            }
        };
        let (key, signer) = signer;
        signer.map_err(|error| refused(key, error.to_string()))
    }

    fn fault(&self, allow_loopback: bool) -> Option<(&'static str, String)> {
        let is_name = |name: &str| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(plain)
        };
        if !is_name(&self.name) {
            let reason = format!(
                "`{}` must have from 1 to {NAME_CHARS_MAX} of a-z, 0-9 and hyphens",
                self.name
            );
            return Some(("webhooks.receivers.name", reason));
        }
        let of_url =
            |reason: String| Some(("webhooks.receivers.url", format!("`{}`: {reason}", self.name)));
        match Url::parse(&self.url) {
            Err(error) => return of_url(error.to_string()),
            Ok(url) if !["https", "http"].contains(&url.scheme()) => {
                return of_url("must begin with https:// (or http://)".to_owned());
            }
            Ok(url) if url.scheme() == "http" && !allow_loopback => {
                return of_url(
                    "must begin with https://; http:// is for this machine, with network.allow_loopback"
                        .to_owned(),
                );
            }
            Ok(_) => {}
        }
        if self.topics.is_empty() {
            let reason = format!("`{}` is told of nothing: leave it out for both", self.name);
            return Some(("webhooks.receivers.topics", reason));
        }
        self.signer().err()
    }
}

impl WebhooksConfig {
    /// A setting that cannot be, and why.
    pub fn fault(&self, allow_loopback: bool) -> Option<(&'static str, String)> {
        let found = self.receivers.len();
        if found > RECEIVERS_MAX {
            let reason = format!("at most {RECEIVERS_MAX}, not {found}");
            return Some(("webhooks.receivers", reason));
        }
        if self.timeout_ms == 0 || self.timeout_ms > 60_000 {
            return Some(("webhooks.timeout_ms", "must be from 1 to 60000".to_owned()));
        }
        if self.concurrency_max == 0 || self.concurrency_max > 64 {
            return Some(("webhooks.concurrency_max", "must be from 1 to 64".to_owned()));
        }
        for (at, receiver) in self.receivers.iter().enumerate() {
            if self.receivers.iter().take(at).any(|other| other.name == receiver.name) {
                let reason = format!("`{}` names two of them", receiver.name);
                return Some(("webhooks.receivers.name", reason));
            }
            if let Some(fault) = receiver.fault(allow_loopback) {
                return Some(fault);
            }
        }
        None
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self { receivers: Vec::new(), timeout_ms: 10_000, concurrency_max: 8 }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn receiver(name: &str) -> WebhookConfig {
        WebhookConfig {
            name: name.to_owned(),
            url: "https://hooks.example.com/posts".to_owned(),
            secret: SECRET.into(),
            secret_file: None,
            topics: both(),
        }
    }

    #[test]
    fn what_cannot_be_is_named() {
        let fault = |receivers: Vec<WebhookConfig>| {
            let config = WebhooksConfig { receivers, ..WebhooksConfig::default() };
            config.fault(false).map(|(key, _)| key)
        };
        let with = |change: fn(&mut WebhookConfig)| {
            let mut one = receiver("a");
            change(&mut one);
            fault(vec![one])
        };
        assert_eq!(fault(Vec::new()), None);
        assert_eq!(fault(vec![receiver("a"), receiver("b-2")]), None);
        assert_eq!(fault(vec![receiver("a"), receiver("a")]), Some("webhooks.receivers.name"));
        let many = (0..=RECEIVERS_MAX).map(|n| receiver(&format!("n{n}"))).collect();
        assert_eq!(fault(many), Some("webhooks.receivers"));
        for name in ["", "A", "a b", &"a".repeat(41)] {
            assert_eq!(fault(vec![receiver(name)]), Some("webhooks.receivers.name"), "{name}");
        }
        let url = Some("webhooks.receivers.url");
        assert_eq!(with(|one| one.url = "hooks.example.com".to_owned()), url);
        assert_eq!(with(|one| one.url = "ftp://hooks.example.com".to_owned()), url);
        assert_eq!(with(|one| one.url = "http://127.0.0.1:9/".to_owned()), url);
        assert_eq!(with(|one| one.topics.clear()), Some("webhooks.receivers.topics"));
        let secret = Some("webhooks.receivers.secret");
        assert_eq!(with(|one| one.secret = Secret::default()), secret);
        assert_eq!(with(|one| one.secret = "plain".into()), secret);
        assert_eq!(with(|one| one.secret_file = Some("/no/such/file".into())), secret);
        let gone = with(|one| {
            one.secret = Secret::default();
            one.secret_file = Some("/no/such/file".into());
        });
        assert_eq!(gone, Some("webhooks.receivers.secret_file"));
        let local = WebhookConfig { url: "http://127.0.0.1:9/".to_owned(), ..receiver("a") };
        let config = WebhooksConfig { receivers: vec![local], ..WebhooksConfig::default() };
        assert_eq!(config.fault(true), None);
        let config = WebhooksConfig { timeout_ms: 0, ..WebhooksConfig::default() };
        assert_eq!(config.fault(false).unwrap().0, "webhooks.timeout_ms");
        let config = WebhooksConfig { concurrency_max: 65, ..WebhooksConfig::default() };
        assert_eq!(config.fault(false).unwrap().0, "webhooks.concurrency_max");
    }

    #[test]
    fn topics_are_named() {
        for topic in both() {
            let name = serde_json::to_value(topic).unwrap();
            assert_eq!(name, topic.topic().name());
            assert_eq!(serde_json::from_value::<PostTopic>(name).unwrap(), topic);
        }
        let refused = serde_json::from_value::<PostTopic>("other".into()).unwrap_err();
        assert!(refused.to_string().contains("none of"), "{refused}");
    }

    #[test]
    fn a_secret_may_lie_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.secret");
        std::fs::write(&path, format!("{SECRET}\n")).unwrap();
        let one =
            WebhookConfig { secret: Secret::default(), secret_file: Some(path), ..receiver("a") };
        let signed = one.signer().unwrap().signature("1", 2, b"3");
        assert_eq!(signed, receiver("a").signer().unwrap().signature("1", 2, b"3"));
    }
}
