//! Asking an account's PDS in its name, with what it gave: renewed when it has ended, by one process at a time.

use std::sync::Arc;

use millrace_net::http::Response;
use millrace_net::oauth::OAuthClient;
use millrace_net::session::{AppPasswords, Call, Grant, PdsSession, SessionError as PdsError};
use millrace_runtime::supervise::spawn_detached_named;

use crate::session::{NotRenewed, Opened, SessionError, Sessions};

/// Why a PDS did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Pds(#[from] PdsError),
}

/// Acts for accounts that are signed in. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Acting {
    sessions: Arc<Sessions>,
    pub(crate) oauth: OAuthClient,
    pub(crate) passwords: AppPasswords,
}

impl Acting {
    pub(crate) fn new(sessions: Arc<Sessions>, oauth: OAuthClient) -> Self {
        let passwords = AppPasswords::new(&oauth);
        Self { sessions, oauth, passwords }
    }

    /// Asks the PDS that gave the grant.
    pub(crate) async fn send(&self, grant_id: &str, call: &Call) -> Result<Response, ActError> {
        let opened = self.sessions.grant(grant_id).await?;
        match self.session(&opened)?.send(call).await {
            Err(PdsError::Expired) => {}
            answer => return Ok(answer?),
        }
        let renewed = self.renew(grant_id.to_owned(), opened.version).await?;
        Ok(self.session(&renewed)?.send(call).await?)
    }

    /// Renews a grant, and keeps what came of it whoever has gone meanwhile: the old one is good no more.
    async fn renew(&self, grant_id: String, seen: i64) -> Result<Opened, SessionError> {
        let acting = self.clone();
        let renewing = spawn_detached_named("renew", async move {
            let ask = async |plain: Vec<u8>| acting.renewed(&plain).await;
            acting.sessions.renew(&grant_id, seen, ask).await
        });
        renewing.await.map_err(|error| SessionError::Later(error.to_string()))?
    }

    /// Gives grants back that nothing acts by any more, while nobody waits for it. A server that cannot be told
    /// lets them end by themselves.
    pub(crate) fn give_back(&self, unused: Vec<Opened>) {
        if unused.is_empty() {
            return;
        }
        let acting = self.clone();
        spawn_detached_named("give back", async move { acting.tell(unused).await });
    }

    /// Tells the servers, one after the other.
    pub(super) async fn tell(&self, unused: Vec<Opened>) {
        for opened in unused {
            let given = match grant(&opened.plain) {
                Ok(Grant::OAuth(grant)) => {
                    self.oauth.revoke(&grant).await.map_err(|error| error.to_string())
                }
                Ok(Grant::Password(grant)) => {
                    self.passwords.sign_out(&grant).await.map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = given {
                tracing::info!(%error, "a session could not be given back; it ends by itself");
            }
        }
    }

    fn session(&self, opened: &Opened) -> Result<PdsSession, SessionError> {
        Ok(PdsSession::new(&self.oauth, &grant(&opened.plain)?))
    }

    async fn renewed(&self, plain: &[u8]) -> Result<Vec<u8>, NotRenewed> {
        let later = |error: String| NotRenewed::Later(error);
        let renewed = match grant(plain).map_err(|_| NotRenewed::Over)? {
            Grant::OAuth(grant) => match self.oauth.refresh(&grant).await {
                Ok(renewed) => Grant::from(renewed),
                Err(error) if error.session_is_over() => return Err(NotRenewed::Over),
                Err(error) => return Err(later(error.to_string())),
            },
            Grant::Password(grant) => match self.passwords.refresh(&grant).await {
                Ok(renewed) => Grant::from(renewed),
                Err(error) if error.is_over() => return Err(NotRenewed::Over),
                Err(error) => return Err(later(error.to_string())),
            },
        };
        Ok(kept(&renewed))
    }
}

/// A grant as it is kept, before it is sealed.
pub(crate) fn kept(grant: &Grant) -> Vec<u8> {
    serde_json::to_vec(grant).expect("invariant: a grant serialises")
}

fn grant(plain: &[u8]) -> Result<Grant, SessionError> {
    // Its own writing: what it cannot read, a newer version wrote.
    serde_json::from_slice(plain).map_err(|_| SessionError::Over)
}
