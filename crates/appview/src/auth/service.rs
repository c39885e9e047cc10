//! Service tokens as a PDS sends them for its user: for this service, for the method called, not
//! expired, not used before, signed with the key of the issuer's DID document. A signature that
//! does not match is tried once more with a fresh document: keys rotate.
//!
//! The moderation service may sign as the labeler it is (`#atproto_labeler`), with its key for labels.

use millrace_atproto::Did;
use millrace_atproto::crypto::PublicKey;
use millrace_atproto::did_doc::Identity;
use millrace_atproto::jwt::{KEY_ID_DEFAULT, KEY_ID_LABEL, ServiceToken, TokenError};
use millrace_net::{ResolveError, Resolver};
use millrace_runtime::clock::SharedClock;

use super::AuthError;
use super::replay::SeenTokens;

/// The fragment by which new PDSs name an AppView; old ones send the bare DID.
const SERVICE_FRAGMENT: &str = "#bsky_appview";

/// The service as which a labeler signs.
const LABELER_SERVICE: &str = "atproto_labeler";

/// The method of a feed generator that a caller's token may be for.
const FEED_SKELETON: &str = "app.bsky.feed.getFeedSkeleton";

/// Verifies service tokens.
pub(crate) struct ServiceTokens {
    audiences: [String; 2],
    moderation: Option<Did>,
    resolver: Resolver,
    clock: SharedClock,
    seen: SeenTokens,
}

impl ServiceTokens {
    pub(crate) fn new(
        service: &Did,
        moderation: Option<Did>,
        tokens_remembered_max: usize,
        resolver: Resolver,
        clock: SharedClock,
    ) -> Self {
        Self {
            audiences: [service.to_string(), format!("{service}{SERVICE_FRAGMENT}")],
            moderation,
            resolver,
            clock,
            seen: SeenTokens::new(tokens_remembered_max),
        }
    }

    /// The account that a token speaks for, once it has proven to be its.
    pub(super) async fn issuer(&self, token: &str, nsid: &str) -> Result<Did, AuthError> {
        let token = ServiceToken::parse(token)?;
        token.check_for_key(self.key_id(&token), self.clock.now_us(), &self.audiences, nsid)?;
        self.prove(token).await
    }

    /// The moderation service, if a token is its own.
    pub(super) async fn moderation(&self, token: &str, nsid: &str) -> Result<Did, AuthError> {
        let parsed = ServiceToken::parse(token)?;
        if self.moderation.as_ref() != Some(&parsed.claims.iss) {
            return Err(AuthError::UntrustedIssuer);
        }
        self.issuer(token, nsid).await
    }

    /// As `issuer`, of a token that may be for the feed generator which is asked with it: whoever
    /// that is, the token is passed on and not ours to judge.
    pub(super) async fn issuer_for_feed(&self, token: &str, nsid: &str) -> Result<Did, AuthError> {
        let token = ServiceToken::parse(token)?;
        let is_for_feed = token.claims.lxm.as_deref() == Some(FEED_SKELETON);
        let nsid = if is_for_feed { FEED_SKELETON } else { nsid };
        token.check(self.clock.now_us(), std::slice::from_ref(&token.claims.aud), nsid)?;
        self.prove(token).await
    }

    /// The issuer of a token that is good in itself, if it signed it and did not use it before.
    async fn prove(&self, token: ServiceToken) -> Result<Did, AuthError> {
        if token.claims.iss_service.is_some() && !self.is_moderating_labeler(&token) {
            return Err(TokenError::Issuer.into());
        }
        self.verify(&token).await?;
        // Only what is verified is remembered: nobody can fill the memory with forged tokens.
        let now_s = self.clock.now_us().div_euclid(1_000_000);
        if !self.seen.first_time(&token.claims, now_s) {
            return Err(AuthError::Replayed);
        }
        Ok(token.claims.iss)
    }

    async fn verify(&self, token: &ServiceToken) -> Result<(), AuthError> {
        let did = &token.claims.iss;
        let key_id = self.key_id(token);
        let known = self.resolver.identity(did).await.map_err(unresolved)?;
        if key_of(&known, key_id).is_ok_and(|key| token.verify(key).is_ok()) {
            return Ok(());
        }
        let fresh = self.resolver.refresh(did).await.map_err(unresolved)?;
        Ok(token.verify(key_of(&fresh, key_id)?)?)
    }

    fn is_moderating_labeler(&self, token: &ServiceToken) -> bool {
        token.claims.iss_service.as_deref() == Some(LABELER_SERVICE)
            && self.moderation.as_ref() == Some(&token.claims.iss)
    }

    /// The key that has to have signed a token.
    fn key_id(&self, token: &ServiceToken) -> &'static str {
        if self.is_moderating_labeler(token) { KEY_ID_LABEL } else { KEY_ID_DEFAULT }
    }
}

fn key_of<'a>(identity: &'a Identity, key_id: &str) -> Result<&'a PublicKey, AuthError> {
    let key = match key_id {
        KEY_ID_LABEL => &identity.labeler_key,
        _ => &identity.signing_key,
    };
    key.as_ref().ok_or(AuthError::UnknownIdentity)
}

fn unresolved(error: ResolveError) -> AuthError {
    if error.is_transient() {
        AuthError::Unreachable(std::sync::Arc::new(error))
    } else {
        AuthError::UnknownIdentity
    }
}
