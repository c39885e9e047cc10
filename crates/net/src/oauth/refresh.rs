//! A session that goes on, and one that ends (<https://atproto.com/specs/oauth#tokens-and-session-lifetime>,
//! RFC 7009).

use super::OAuthClient;
use super::endpoint::{Endpoint, json};
use super::error::OAuthError;
use super::grant::{OAuthGrant, TokensJson};

impl OAuthClient {
    /// New tokens. **The old refresh token is good once**: the caller holds a lock of this session that
    /// every process respects, reads the grant under it, and stores the answer before anything else
    /// uses the session. Two at once end it, for the server takes the second for a thief's.
    ///
    /// # Errors
    /// [`OAuthError::session_is_over`] says whether the person has to sign in again. Otherwise the old
    /// grant is kept and tried again; if only the server's answer was lost, that says it is over.
    pub async fn refresh(&self, grant: &OAuthGrant) -> Result<OAuthGrant, OAuthError> {
        if grant.client_id != self.identity.client_id() {
            return Err(OAuthError::OtherClient);
        }
        let refresh = grant.refresh.as_ref().ok_or(OAuthError::NoRefreshToken)?;
        let asker = self.asker(grant.client_key.as_deref(), &grant.key)?;
        let server = self.discovery.server(&grant.issuer).await?;
        let pds = match self.discovery.pds_known(&grant.did).await? {
            known if known == grant.pds => known,
            // The account moved: its new PDS has to name the same server.
            _ => self.discovery.confirm(&grant.did, &server).await?,
        };
        let asked_us = self.dpop.now_us();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        let answer = self.ask(&server, Endpoint::Token, &asker, &form).await?;
        // From here on nothing is asked any more: the new tokens are the only ones.
        let tokens: TokensJson = json(Endpoint::Token, &answer)?;
        let granted = believed(grant, &tokens);
        if granted.is_err() {
            self.give_back(&server, &asker, &tokens).await;
        }
        Ok(OAuthGrant { pds, expires_us: tokens.expires_us(asked_us), ..granted? })
    }

    /// Ends a session at its server. The caller forgets the grant whatever the answer.
    ///
    /// # Errors
    /// The server could not be told: its tokens end by themselves.
    pub async fn revoke(&self, grant: &OAuthGrant) -> Result<(), OAuthError> {
        let server = self.discovery.server(&grant.issuer).await?;
        let asker = self.asker(grant.client_key.as_deref(), &grant.key)?;
        let token = grant.refresh.as_ref().unwrap_or(&grant.access);
        let form = [("token", token.expose())];
        self.ask(&server, Endpoint::Revocation, &asker, &form).await.map(drop)
    }
}

/// The grant with new tokens, which have to be of the same session.
fn believed(grant: &OAuthGrant, tokens: &TokensJson) -> Result<OAuthGrant, OAuthError> {
    let scope = tokens.scope()?.to_owned();
    let access = tokens.access()?;
    let told = if tokens.names_somebody() { tokens.did()? } else { grant.did.clone() };
    if told != grant.did {
        return Err(OAuthError::Sub { expected: grant.did.clone(), told });
    }
    // A server that sends no other refresh token lets the old one stand (RFC 6749 §6).
    let refresh = tokens.refresh().or_else(|| grant.refresh.clone());
    Ok(OAuthGrant { scope, access, refresh, ..grant.clone() })
}
