//! What no single setting can tell: whether they fit each other and the roles of this process.

use std::net::SocketAddr;

use millrace_feeds::events::PostEvents;
use url::Url;

use super::Config;
use crate::failure::{Failure, ProgramError};
use crate::roles::{Role, Roles};

/// Characters of the secret that seals sessions.
const SESSION_SECRET_CHARS_MIN: usize = 32;

impl Config {
    /// Whether a process with `roles` can run on this configuration.
    ///
    /// # Errors
    /// The first thing that cannot work.
    pub fn check(&self, roles: &Roles) -> Result<(), Failure> {
        roles.check()?;
        self.connections.check().map_err(|key| {
            let reason = "must be more than 0".to_owned();
            ProgramError::Setting { key, reason }
        })?;
        // The AppView has tables too: who is signed in.
        self.store.check()?;
        self.session_secret_is_long()?;
        if roles.hold_data() {
            self.log.check()?;
            self.ingest().check()?;
            self.disk.check()?;
            self.internal_is_guarded(roles)?;
            if let Some((key, reason)) = self.feeds.faults().into_iter().next() {
                return Err(ProgramError::Setting { key, reason }.into());
            }
            if let Some((key, reason)) = self.push.fault() {
                return Err(ProgramError::Setting { key, reason }.into());
            }
            self.webhooks_fit()?;
        } else {
            self.data_plane_url()?;
        }
        Ok(())
    }

    /// Where the data-plane listens, for a process with `roles`.
    pub fn internal_addr(&self, roles: &Roles) -> SocketAddr {
        with_port(self.dataplane.listen, self.port.filter(|_| !roles.has(Role::Appview)))
    }

    /// Where the AppView listens.
    pub fn appview_addr(&self) -> SocketAddr {
        with_port(self.appview.listen, self.port)
    }

    /// The other process's URL.
    ///
    /// # Errors
    /// It is none.
    pub fn data_plane_url(&self) -> Result<Url, ProgramError> {
        let refuse = |reason: String| ProgramError::Setting { key: "dataplane.url", reason };
        let url = Url::parse(&self.dataplane.url).map_err(|error| refuse(error.to_string()))?;
        if matches!(url.scheme(), "http" | "https") {
            return Ok(url);
        }
        Err(refuse("must begin with http:// or https://".to_owned()))
    }

    /// What seals what PDSs gave is nothing that somebody can try out.
    fn session_secret_is_long(&self) -> Result<(), ProgramError> {
        let lines = self.appview.appview.session_secret.expose().lines().map(str::trim);
        let mut lines = lines.filter(|line| !line.is_empty());
        if lines.all(|line| line.chars().count() >= SESSION_SECRET_CHARS_MIN) {
            return Ok(());
        }
        let reason = format!("each line must have at least {SESSION_SECRET_CHARS_MIN} characters");
        Err(ProgramError::Setting { key: "appview.session_secret", reason })
    }

    /// Webhooks can be told of something.
    fn webhooks_fit(&self) -> Result<(), ProgramError> {
        if let Some((key, reason)) = self.webhooks.fault(self.network.http.allow_loopback) {
            return Err(ProgramError::Setting { key, reason });
        }
        let reason = match (self.feeds.enabled, self.feeds.post_events) {
            _ if self.webhooks.receivers.is_empty() => return Ok(()),
            (false, _) => "feeds.enabled is false: nothing tells of posts, so no webhook is told",
            (true, PostEvents::Off) => {
                "feeds.post_events is off: nothing tells of posts, so no webhook is told"
            }
            (true, _) => return Ok(()),
        };
        Err(ProgramError::Setting { key: "webhooks.receivers", reason: reason.to_owned() })
    }

    fn internal_is_guarded(&self, roles: &Roles) -> Result<(), ProgramError> {
        let listen = self.internal_addr(roles);
        if listen.ip().is_loopback() || self.dataplane.secret().is_some() {
            return Ok(());
        }
        Err(ProgramError::OpenWithoutSecret { listen })
    }
}

fn with_port(mut addr: SocketAddr, port: Option<u16>) -> SocketAddr {
    if let Some(port) = port {
        addr.set_port(port);
    }
    addr
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use millrace_webhooks::{PostTopic, WebhookConfig};

    use super::*;

    #[test]
    fn the_defaults_run_in_every_way() {
        let config = Config::default();
        for roles in [vec![], vec![Role::Ingest, Role::Dataplane], vec![Role::Appview]] {
            config.check(&Roles::of(&roles)).unwrap();
        }
    }

    #[test]
    fn an_open_interface_needs_a_secret() {
        let mut config = Config::default();
        config.dataplane.listen = "0.0.0.0:5001".parse().unwrap();
        assert!(config.check(&Roles::all()).is_err());
        config.check(&Roles::of(&[Role::Appview])).unwrap();
        config.dataplane.internal_secret = Some("s".into());
        config.check(&Roles::all()).unwrap();
        config.dataplane.internal_secret = Some("".into());
        assert!(config.check(&Roles::all()).is_err());
    }

    #[test]
    fn a_session_secret_is_long() {
        let mut config = Config::default();
        config.appview.appview.session_secret = "short".into();
        assert!(config.check(&Roles::of(&[Role::Appview])).is_err());
        config.appview.appview.session_secret = "x".repeat(32).as_str().into();
        config.check(&Roles::of(&[Role::Appview])).unwrap();
        // An older one opens what it sealed, and must be as long.
        config.appview.appview.session_secret = format!("{}\nolder\n", "x".repeat(32)).into();
        assert!(config.check(&Roles::of(&[Role::Appview])).is_err());
    }

    #[test]
    fn a_webhook_needs_something_to_be_told_of() {
        let told = |change: fn(&mut Config)| {
            let mut config = Config::default();
            config.webhooks.receivers = vec![WebhookConfig {
                name: "search".to_owned(),
                url: "https://search.example.com/posts".to_owned(),
                secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
                topics: vec![PostTopic::Created],
                ..WebhookConfig::default()
            }];
            change(&mut config);
            config.check(&Roles::all()).map_err(|failure| failure.to_string())
        };
        told(|_| {}).unwrap();
        let refused = told(|config| config.feeds.enabled = false).unwrap_err();
        assert!(refused.contains("feeds.enabled is false"), "{refused}");
        let refused = told(|config| config.feeds.post_events = PostEvents::Off).unwrap_err();
        assert!(refused.contains("feeds.post_events is off"), "{refused}");
        let refused = told(|config| config.webhooks.receivers[0].name.clear()).unwrap_err();
        assert!(refused.contains("webhooks.receivers.name"), "{refused}");
        // A process that has no data tells nobody.
        let mut config = Config::default();
        config.webhooks.receivers = vec![WebhookConfig::default()];
        config.check(&Roles::of(&[Role::Appview])).unwrap();
    }

    #[test]
    fn a_port_is_the_main_listener_s() {
        let config = Config { port: Some(8_080), ..Config::default() };
        assert_eq!(config.appview_addr().port(), 8_080);
        assert_eq!(config.internal_addr(&Roles::all()).port(), 5_001);
        assert_eq!(
            config.internal_addr(&Roles::of(&[Role::Ingest, Role::Dataplane])).port(),
            8_080
        );
    }
}
