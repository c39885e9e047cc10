//! A session as the authorization server granted it.

use millrace_atproto::Did;
use serde::{Deserialize, Serialize};

use super::client::has_atproto;
use super::endpoint::Endpoint;
use super::error::OAuthError;
use super::origin::Origin;
use super::secret::{SessionKey, Token};

/// A session with somebody's PDS. Serialising shows its secrets: whoever stores it seals it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OAuthGrant {
    /// Whose.
    pub did: Did,
    /// Who granted it.
    pub issuer: Origin,
    /// Where the account lives.
    pub pds: Origin,
    /// What it may do.
    pub scope: String,
    /// Shown with every request until `expires_us`.
    pub access: Token,
    /// Good once, for the next two tokens.
    pub refresh: Option<Token>,
    /// When `access` ends, in microseconds since the epoch; `None` if the server does not say.
    pub expires_us: Option<i64>,
    /// What the tokens are bound to.
    pub key: SessionKey,
    /// As which client.
    pub client_id: String,
    /// The client's key that the session began with, if the client has keys.
    pub client_key: Option<String>,
}

/// What a token endpoint answers, as far as it is used. Nothing in it is believed yet.
#[derive(Deserialize)]
pub(super) struct TokensJson {
    access_token: Option<String>,
    refresh_token: Option<String>,
    token_type: Option<String>,
    scope: Option<String>,
    sub: Option<String>,
    expires_in: Option<i64>,
}

impl TokensJson {
    /// Checks what does not depend on who was meant: type and scope. The scope.
    pub(super) fn scope(&self) -> Result<&str, OAuthError> {
        if !self.token_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("DPoP")) {
            return Err(OAuthError::TokenType);
        }
        self.scope.as_deref().filter(|scope| has_atproto(scope)).ok_or(OAuthError::Scope)
    }

    /// The access token, which has to fit into a header.
    pub(super) fn access(&self) -> Result<Token, OAuthError> {
        let visible =
            |token: &&str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        let reason = "it has no access token";
        let token = self.access_token.as_deref().filter(visible);
        token.map(Token::new).ok_or(OAuthError::Answer { endpoint: Endpoint::Token, reason })
    }

    /// The refresh token.
    pub(super) fn refresh(&self) -> Option<Token> {
        self.refresh_token.as_deref().filter(|token| !token.is_empty()).map(Token::new)
    }

    /// The token that ends all of them when it is given back.
    pub(super) fn last(&self) -> Option<&str> {
        self.refresh_token.as_deref().or(self.access_token.as_deref())
    }

    /// Whether they say whose they are.
    pub(super) fn names_somebody(&self) -> bool {
        self.sub.is_some()
    }

    /// Whose they are.
    pub(super) fn did(&self) -> Result<Did, OAuthError> {
        let sub = self.sub.as_deref().ok_or(OAuthError::NoSub)?;
        Did::parse(sub).map_err(|_| OAuthError::NoSub)
    }

    /// When the access token ends, if it was asked for at `asked_us`.
    pub(super) fn expires_us(&self, asked_us: i64) -> Option<i64> {
        let lifetime_us = self.expires_in?.max(0).saturating_mul(1_000_000);
        Some(asked_us.saturating_add(lifetime_us))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn tokens_are_checked_before_anything_is_believed() {
        let check = |told: Value, scope: Result<&str, &str>| {
            let tokens: TokensJson = serde_json::from_value(told).unwrap();
            let told = tokens.scope().map_err(|error| error.to_string());
            assert_eq!(told.as_deref().map_err(String::as_str), scope);
        };
        let kind = "tokens refused: their type is not DPoP";
        let lacking = "tokens refused: their scope does not contain atproto";
        check(json!({ "token_type": "DPoP", "scope": "x atproto" }), Ok("x atproto"));
        check(json!({ "token_type": "Bearer", "scope": "atproto" }), Err(kind));
        check(json!({ "scope": "atproto" }), Err(kind));
        check(json!({ "token_type": "DPoP" }), Err(lacking));
        check(json!({ "token_type": "DPoP", "scope": "atprotox" }), Err(lacking));
    }

    #[test]
    fn an_expiry_is_no_surprise() {
        let check = |expires_in: Value, expected: Option<i64>| {
            let tokens: TokensJson =
                serde_json::from_value(json!({ "expires_in": expires_in })).unwrap();
            assert_eq!(tokens.expires_us(5), expected);
        };
        check(json!(60), Some(60_000_005));
        check(json!(null), None);
        check(json!(-1), Some(5));
        check(json!(i64::MAX), Some(i64::MAX));
    }
}
