//! Who is asking. A caller is nobody, an account (by a service token of its PDS, or because it signed in here) or the
//! operator (by the admin token or password). Credentials that are given must be right: a broken token on a
//! method that needs none is refused, never taken for nobody.

mod operator;
mod replay;
mod service;
mod signed;

use std::sync::Arc;

use http::{HeaderMap, header};
use millrace_atproto::Did;
use millrace_atproto::jwt::TokenError;
use millrace_net::ResolveError;

pub(crate) use operator::Operator;
pub(crate) use service::ServiceTokens;
pub(crate) use signed::{Actor, Signed, is_api_token};

use crate::routes::{Access, Verb};
use crate::session::SessionError;

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    Anonymous,
    Account(Did),
    Operator,
}

/// Why a caller is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum AuthError {
    /// The route needs credentials and there are none.
    #[error("Authentication Required")]
    Missing,
    /// There is a `Bearer` without a token.
    #[error("missing jwt")]
    MissingToken,
    /// Another scheme than this route takes, several headers, or bytes that are no text.
    #[error("the Authorization header is not one that is understood here")]
    Scheme,
    /// Not the operator.
    #[error("Authentication Required")]
    NotOperator,
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token may be good, but not from whom it is.
    #[error("Untrusted issuer")]
    UntrustedIssuer,
    /// The token was used before.
    #[error("the token was used before")]
    Replayed,
    /// The issuer's DID document says nothing usable.
    #[error("identity unknown")]
    UnknownIdentity,
    /// Nobody is signed in with this cookie or token any more.
    #[error("nobody is signed in by this any more")]
    SignedOut,
    /// A page of another site had a browser send it.
    #[error("only a page of this service may ask this")]
    OtherSite,
    /// A program may not do this with its token.
    #[error("the token lacks the scope {scope:?}")]
    Scope { scope: &'static str },
    /// Who is signed in cannot be read now: not the caller's fault.
    #[error("who is signed in cannot be looked up now")]
    Sessions(#[source] Arc<SessionError>),
    /// The issuer's document cannot be fetched now: not the caller's fault.
    #[error("the issuer's identity cannot be looked up now")]
    Unreachable(#[source] Arc<ResolveError>),
}

impl AuthError {
    /// The error name the network's services use.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Missing => "AuthMissing",
            Self::MissingToken => "MissingJwt",
            Self::Scheme
            | Self::NotOperator
            | Self::UnknownIdentity
            | Self::Unreachable(_)
            | Self::Sessions(_) => "AuthenticationRequired",
            Self::SignedOut => "ExpiredToken",
            Self::OtherSite => "Forbidden",
            Self::Scope { .. } => "InsufficientScope",
            Self::Token(error) => error.code(),
            Self::UntrustedIssuer => "UntrustedIss",
            Self::Replayed => "BadJwt",
        }
    }

    /// Who asks is known, and may not.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::OtherSite | Self::Scope { .. })
    }

    /// The caller may be right, but it cannot be found out now.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Sessions(_))
    }
}

/// Finds out who a request is from.
pub(crate) struct Authenticator {
    pub(crate) tokens: ServiceTokens,
    pub(crate) signed: Signed,
    pub(crate) operator: Operator,
}

/// The one Authorization header, taken apart.
pub(crate) enum Credentials<'a> {
    Bearer(&'a str),
    Basic(&'a str),
}

impl Authenticator {
    /// The session of the account's browser that asks; none where a program does.
    pub(crate) async fn session_id(
        &self,
        headers: &HeaderMap,
        whose: &Did,
    ) -> Result<Option<String>, AuthError> {
        let browser = self.signed.browser(headers).await?;
        Ok(browser
            .filter(|browser| browser.did == whose.as_str())
            .map(|browser| browser.session_id))
    }

    /// The caller of the XRPC method `nsid`.
    pub(crate) async fn caller(
        &self,
        (access, verb): (Access, Verb),
        nsid: &str,
        headers: &HeaderMap,
    ) -> Result<Caller, AuthError> {
        if access == Access::Anyone {
            return Ok(Caller::Anonymous);
        }
        match (credentials(headers)?, access) {
            (None, Access::Optional | Access::OptionalForFeed | Access::Anyone) => {
                let did = self.signed.by_cookie(headers).await?;
                Ok(did.map_or(Caller::Anonymous, Caller::Account))
            }
            (None, Access::Person) => {
                Ok(Caller::Account(self.signed.signed_in_did(headers).await?))
            }
            (None, Access::User) => {
                let did = self.signed.by_cookie(headers).await?;
                did.map(Caller::Account).ok_or(AuthError::Missing)
            }
            (None, Access::Moderation | Access::Operator | Access::SignedIn | Access::Acting) => {
                Err(AuthError::Missing)
            }
            (
                Some(Credentials::Bearer(token)),
                Access::Optional | Access::OptionalForFeed | Access::User | Access::Person,
            ) if is_api_token(token) => {
                self.signed.by_token(token, verb).await.map(Caller::Account)
            }
            (
                Some(Credentials::Basic(basic)),
                Access::Optional | Access::OptionalForFeed | Access::Moderation | Access::Operator,
            ) => self.operator.by_password(basic),
            (Some(Credentials::Bearer(token)), Access::Optional | Access::User) => {
                self.tokens.issuer(token, nsid).await.map(Caller::Account)
            }
            (Some(Credentials::Bearer(token)), Access::OptionalForFeed) => {
                self.tokens.issuer_for_feed(token, nsid).await.map(Caller::Account)
            }
            (Some(Credentials::Bearer(token)), Access::Moderation) => {
                match self.operator.by_token(token) {
                    Ok(operator) => Ok(operator),
                    Err(_) => self.tokens.moderation(token, nsid).await.map(Caller::Account),
                }
            }
            (Some(Credentials::Bearer(token)), Access::Operator) => self.operator.by_token(token),
            (Some(_), _) => Err(AuthError::Scheme),
        }
    }

    /// Lets only the operator through, on routes beside XRPC.
    pub(crate) fn operator(&self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        match credentials(headers)? {
            None => Err(AuthError::Missing),
            Some(Credentials::Basic(basic)) => self.operator.by_password(basic),
            Some(Credentials::Bearer(token)) => self.operator.by_token(token),
        }
    }
}

pub(crate) fn credentials(headers: &HeaderMap) -> Result<Option<Credentials<'_>>, AuthError> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(AuthError::Scheme);
    }
    let line = line.to_str().map_err(|_| AuthError::Scheme)?;
    let (scheme, value) = line.split_once(' ').unwrap_or((line, ""));
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        if value.is_empty() {
            Err(AuthError::MissingToken)
        } else {
            Ok(Some(Credentials::Bearer(value)))
        }
    } else if scheme.eq_ignore_ascii_case("basic") {
        Ok(Some(Credentials::Basic(value)))
    } else {
        Err(AuthError::Scheme)
    }
}
