//! The second half of a sign-in: what the browser brought back is about what was begun, the code is
//! exchanged, and the tokens are of whom was meant, granted by who may
//! (<https://atproto.com/specs/oauth#identity-authentication>).

use super::OAuthClient;
use super::begin::Pending;
use super::callback::Callback;
use super::endpoint::{Asker, Endpoint, json, shortened};
use super::error::OAuthError;
use super::grant::{OAuthGrant, TokensJson};
use super::metadata::ServerMetadata;
use super::secret::Token;

impl OAuthClient {
    /// Finishes what was begun. `pending` has to be taken out of where it was stored before, in one step.
    /// Tokens that were given and cannot be believed are given back.
    ///
    /// # Errors
    /// What is wrong with the callback, the answers or the tokens; see [`OAuthError`]. None leaves
    /// anything to go on with: the sign-in is begun again.
    pub async fn finish(
        &self,
        pending: Pending,
        callback: &Callback,
    ) -> Result<OAuthGrant, OAuthError> {
        let code = self.check(&pending, callback)?;
        let server = self.discovery.server(&pending.issuer).await?;
        let asker = self.asker(pending.client_key.as_deref(), &pending.key)?;
        let asked_us = self.dpop.now_us();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &pending.redirect_uri),
            ("code_verifier", pending.verifier.expose()),
        ];
        let answer = self.ask(&server, Endpoint::Token, &asker, &form).await?;
        let tokens: TokensJson = json(Endpoint::Token, &answer)?;
        let granted = self.believe(&pending, &server, &tokens, asked_us).await;
        if granted.is_err() {
            self.give_back(&server, &asker, &tokens).await;
        }
        granted
    }

    /// Whether a callback is about what was begun; its code.
    fn check<'a>(
        &self,
        pending: &Pending,
        callback: &'a Callback,
    ) -> Result<&'a Token, OAuthError> {
        if !pending.state.matches(callback.state.expose()) {
            return Err(OAuthError::State);
        }
        if self.dpop.now_us() >= pending.expires_us {
            return Err(OAuthError::Expired);
        }
        if pending.client_id != self.identity.client_id() {
            return Err(OAuthError::OtherClient);
        }
        match callback.issuer.as_deref() {
            None => return Err(OAuthError::NoIssuer),
            Some(told) if told != pending.issuer.as_str() => {
                let told = shortened(told);
                return Err(OAuthError::Issuer { expected: pending.issuer.clone(), told });
            }
            Some(_) => {}
        }
        if let Some(error) = &callback.error {
            return Err(OAuthError::Denied {
                error: shortened(error),
                description: shortened(callback.description.as_deref().unwrap_or_default()),
            });
        }
        callback.code.as_ref().ok_or(OAuthError::Callback("it has no code"))
    }

    /// Makes sure whose tokens these are and that their account lives where this server may speak for it.
    async fn believe(
        &self,
        pending: &Pending,
        server: &ServerMetadata,
        tokens: &TokensJson,
        asked_us: i64,
    ) -> Result<OAuthGrant, OAuthError> {
        let scope = tokens.scope()?.to_owned();
        let access = tokens.access()?;
        let told = tokens.did()?;
        if let Some(expected) = pending.did.clone().filter(|expected| *expected != told) {
            return Err(OAuthError::Sub { expected, told });
        }
        Ok(OAuthGrant {
            pds: self.discovery.confirm(&told, server).await?,
            did: told,
            issuer: server.issuer.clone(),
            scope,
            access,
            refresh: tokens.refresh(),
            expires_us: tokens.expires_us(asked_us),
            key: pending.key.clone(),
            client_id: pending.client_id.clone(),
            client_key: pending.client_key.clone(),
        })
    }

    /// Gives tokens back that are not used. If that fails they end by themselves.
    pub(super) async fn give_back(
        &self,
        server: &ServerMetadata,
        asker: &Asker<'_>,
        tokens: &TokensJson,
    ) {
        if let Some(token) = tokens.last() {
            let _ = self.ask(server, Endpoint::Revocation, asker, &[("token", token)]).await;
        }
    }
}
