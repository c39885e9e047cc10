//! People who signed in here: a browser by its cookie, a program by its token.

use std::sync::Arc;

use http::HeaderMap;
use millrace_atproto::Did;

use super::{AuthError, Credentials, credentials};
use crate::routes::Verb;
use crate::session::{API_TOKEN_PREFIX, ApiToken, Browser, Scope, SessionError, Sessions};
use crate::sign_in::Cookies;

/// Knows who signed in here. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) cookies: Arc<Cookies>,
}

/// Who acts at their own PDS, and by what it gave.
pub(crate) struct Actor {
    pub(crate) did: Did,
    pub(crate) grant_id: String,
}

/// Whether a token is one of a program that acts for an account here; such a token is for nobody else's eyes.
pub(crate) fn is_api_token(token: &str) -> bool {
    token.starts_with(API_TOKEN_PREFIX)
}

impl Signed {
    /// The browser, if one is signed in and a page of ours in it asks.
    pub(crate) async fn browser(&self, headers: &HeaderMap) -> Result<Option<Browser>, AuthError> {
        let token = self.cookies.of_session(headers);
        match token.filter(|_| self.cookies.is_from_here(headers)) {
            Some(token) => self.sessions.browser(token).await.map_err(ours),
            None => Ok(None),
        }
    }

    /// The browser that is signed in.
    pub(crate) async fn signed_in(&self, headers: &HeaderMap) -> Result<Browser, AuthError> {
        let shows = self.cookies.of_session(headers).is_some();
        match self.browser(headers).await? {
            Some(browser) => Ok(browser),
            None if shows && self.cookies.is_from_here(headers) => Err(AuthError::SignedOut),
            None => Err(AuthError::Missing),
        }
    }

    /// Whose browser it is that is signed in.
    pub(super) async fn signed_in_did(&self, headers: &HeaderMap) -> Result<Did, AuthError> {
        did(&self.signed_in(headers).await?.did)
    }

    /// Whose browser it is.
    pub(super) async fn by_cookie(&self, headers: &HeaderMap) -> Result<Option<Did>, AuthError> {
        let browser = self.browser(headers).await?;
        Ok(browser.and_then(|browser| Did::parse(&browser.did).ok()))
    }

    /// Whose program it is, if it may do this.
    pub(super) async fn by_token(&self, token: &str, verb: Verb) -> Result<Did, AuthError> {
        let scope = match verb {
            Verb::Get => Scope::Read,
            Verb::Post | Verb::Patch | Verb::Delete => Scope::Write,
        };
        did(&self.program(token, scope).await?.did)
    }

    /// Who acts at their own PDS: by a page of ours in their browser, or by a program that may post.
    pub(crate) async fn actor(&self, headers: &HeaderMap) -> Result<Actor, AuthError> {
        match credentials(headers)? {
            Some(Credentials::Bearer(token)) if is_api_token(token) => {
                let token = self.program(token, Scope::Post).await?;
                let grant_id = token.grant_id.ok_or(AuthError::SignedOut)?;
                Ok(Actor { did: did(&token.did)?, grant_id })
            }
            Some(_) => Err(AuthError::Scheme),
            None => {
                let browser = self.signed_in(headers).await?;
                Ok(Actor { did: did(&browser.did)?, grant_id: browser.grant_id })
            }
        }
    }

    async fn program(&self, token: &str, scope: Scope) -> Result<ApiToken, AuthError> {
        let token = self.sessions.api_token(token).await.map_err(ours)?;
        let token = token.ok_or(AuthError::SignedOut)?;
        match token.scopes.contains(scope) {
            true => Ok(token),
            false => Err(AuthError::Scope { scope: scope.name() }),
        }
    }
}

fn did(did: &str) -> Result<Did, AuthError> {
    Did::parse(did).map_err(|_| AuthError::SignedOut)
}

fn ours(error: SessionError) -> AuthError {
    AuthError::Sessions(Arc::new(error))
}
