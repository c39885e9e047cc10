//! Sessions for app passwords: `com.atproto.server.createSession`, `refreshSession`, `deleteSession` and
//! `getSession`. Older than OAuth and bound to no key; for programs, and where a PDS has nothing else.

use ::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millrace_atproto::Did;
use serde::{Deserialize, Serialize};

use super::pds::{answered, authorization, method};
use super::{Call, PdsSession, SessionError};
use crate::http::Response;
use crate::oauth::{OAuthClient, OAuthError, Origin, Token};

/// A session given for an app password. Serialising shows its secrets: whoever stores it seals it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasswordGrant {
    /// Whose.
    pub did: Did,
    /// Where the account lives.
    pub pds: Origin,
    /// Shown with every request until `expires_us`.
    pub access: Token,
    /// For the next two tokens.
    pub refresh: Token,
    /// When `access` ends, in microseconds since the epoch, if it says so.
    pub expires_us: Option<i64>,
}

/// Who signs in.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// A handle or DID; where a server is named, also what that server takes (an address for mail).
    pub identifier: &'a str,
    /// The app password.
    pub password: &'a Token,
    /// The code that the server sent, if it asked for one.
    pub code: Option<&'a Token>,
    /// The URL of the PDS or entryway to ask, instead of the one the identifier leads to.
    pub server: Option<&'a str>,
}

/// `com.atproto.server.getSession`, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionInfo {
    /// Whose session it is.
    pub did: Did,
    /// The handle, as the PDS says.
    pub handle: String,
    /// Whether the account is active; a PDS that does not say so has it so.
    #[serde(default = "active_unless_said")]
    pub active: bool,
}

fn active_unless_said() -> bool {
    true
}

/// Signs people in with app passwords. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppPasswords {
    client: OAuthClient,
}

impl AppPasswords {
    /// Over the connections and the resolver of `client`.
    pub fn new(client: &OAuthClient) -> Self {
        Self { client: client.clone() }
    }

    /// Signs somebody in.
    ///
    /// # Errors
    /// They are unknown, their server refuses, or it answers for somebody else.
    pub async fn sign_in(&self, sign_in: SignIn<'_>) -> Result<PasswordGrant, SessionError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Input<'a> {
            identifier: &'a str,
            password: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            auth_factor_token: Option<&'a str>,
        }
        let (expected, at) = self.whom(sign_in).await?;
        let call = Call::procedure(method("com.atproto.server.createSession")?).json(&Input {
            identifier: sign_in.identifier.trim().trim_start_matches('@'),
            password: sign_in.password.expose(),
            auth_factor_token: sign_in.code.map(Token::expose),
        })?;
        let answer = self.ask(&call, &at, None).await.map_err(refused)?;
        let grant = granted(&answer, &at)?;
        match self.confirm(&grant, expected.as_ref()).await {
            Ok(pds) => Ok(PasswordGrant { pds, ..grant }),
            Err(error) => {
                // Of no use to us, and maybe to somebody else: if it cannot be ended, it ends by itself.
                let _ = self.sign_out(&grant).await;
                Err(error)
            }
        }
    }

    /// New tokens. The caller holds a lock of this session that every process respects, and stores the
    /// answer before anything else uses it: a server may take a second use of a token for a thief's.
    ///
    /// # Errors
    /// [`SessionError::is_over`] says whether the person has to sign in again.
    pub async fn refresh(&self, grant: &PasswordGrant) -> Result<PasswordGrant, SessionError> {
        let call = Call::procedure(method("com.atproto.server.refreshSession")?);
        let answer = self.ask(&call, &grant.pds, Some(&grant.refresh)).await.map_err(over)?;
        let renewed = granted(&answer, &grant.pds)?;
        if renewed.did == grant.did { Ok(renewed) } else { Err(SessionError::OtherAccount) }
    }

    /// Ends a session. The caller forgets the grant whatever the answer.
    ///
    /// # Errors
    /// The PDS could not be told: the tokens end by themselves.
    pub async fn sign_out(&self, grant: &PasswordGrant) -> Result<(), SessionError> {
        let call = Call::procedure(method("com.atproto.server.deleteSession")?);
        self.ask(&call, &grant.pds, Some(&grant.refresh)).await.map(drop)
    }

    /// Who is meant, if they are named, and who is asked.
    async fn whom(&self, sign_in: SignIn<'_>) -> Result<(Option<Did>, Origin), SessionError> {
        let discovery = self.client.discovery();
        if let Some(server) = sign_in.server {
            let at = Origin::of(server.trim(), discovery.guard()).map_err(OAuthError::Server);
            return Ok((None, at.map_err(Box::new)?));
        }
        let name = sign_in.identifier.trim().trim_start_matches('@');
        let did = discovery.account(name).await.map_err(Box::new)?;
        let pds = discovery.pds_of(&did).await.map_err(Box::new)?;
        Ok((Some(did), pds))
    }

    /// Makes sure that the session is of whom was meant, by what the account's own PDS says; that PDS.
    /// An entryway is not the PDS: then the PDS is asked whose token it is.
    async fn confirm(
        &self,
        grant: &PasswordGrant,
        expected: Option<&Did>,
    ) -> Result<Origin, SessionError> {
        if expected.is_some_and(|expected| *expected != grant.did) {
            return Err(SessionError::OtherAccount);
        }
        let pds = self.client.discovery().pds_of(&grant.did).await.map_err(Box::new)?;
        if pds != grant.pds {
            let there = PasswordGrant { pds: pds.clone(), ..grant.clone() };
            let info = PdsSession::new(&self.client, &there.into()).info().await;
            if info.map_err(|_| SessionError::OtherAccount)?.did != grant.did {
                return Err(SessionError::OtherAccount);
            }
        }
        Ok(pds)
    }

    async fn ask(
        &self,
        call: &Call,
        at: &Origin,
        bearer: Option<&Token>,
    ) -> Result<Response, SessionError> {
        let mut request = call.request(at);
        if let Some(token) = bearer {
            request = request.header(AUTHORIZATION, authorization("Bearer", token)?);
        }
        let dpop = self.client.dpop();
        answered(dpop.http().send(request, call.limits).await, dpop.now_us())
    }
}

impl PdsSession {
    /// `com.atproto.server.getSession`: whose session the PDS takes this for.
    ///
    /// # Errors
    /// As [`PdsSession::json`].
    pub async fn info(&self) -> Result<SessionInfo, SessionError> {
        self.json(&Call::query(method("com.atproto.server.getSession")?)).await
    }
}

/// The grant of an answer of `at`. Nothing in it is believed yet.
fn granted(answer: &Response, at: &Origin) -> Result<PasswordGrant, SessionError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        did: Did,
        access_jwt: Token,
        refresh_jwt: Token,
    }
    // The reason of a parser may quote what it read, which may be a token.
    let answer: Answer = serde_json::from_slice(&answer.body)
        .map_err(|_| SessionError::Invalid("the answer is not a session".to_owned()))?;
    let expires_us = expires_us(answer.access_jwt.expose());
    Ok(PasswordGrant {
        did: answer.did,
        pds: at.clone(),
        access: answer.access_jwt,
        refresh: answer.refresh_jwt,
        expires_us,
    })
}

/// What the refusal of a name and password means.
fn refused(error: SessionError) -> SessionError {
    match error {
        SessionError::Xrpc { error, .. } if error == "AuthFactorTokenRequired" => {
            SessionError::CodeNeeded
        }
        SessionError::Xrpc { status: 401, .. } => SessionError::WrongPassword,
        error => error,
    }
}

/// What the refusal of a refresh token means.
fn over(error: SessionError) -> SessionError {
    match error {
        SessionError::Expired => SessionError::Over("its refresh token has ended".to_owned()),
        SessionError::Xrpc { status, error, message }
            if status == 401 || matches!(error.as_str(), "InvalidToken" | "AuthMissing") =>
        {
            SessionError::Over(message)
        }
        error => error,
    }
}

/// When a token says it ends. It is the server's own and nothing is decided by it but when to renew.
fn expires_us(token: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    claims.exp.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_say_when_it_ends() {
        let check = |claims: &str, expected: Option<i64>| {
            let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
            assert_eq!(expires_us(&token), expected, "{claims}");
        };
        check(r#"{"exp":1704067200}"#, Some(1_704_067_200_000_000));
        check(r#"{"exp":9223372036854775807}"#, None);
        check(r#"{"exp":"soon"}"#, None);
        check("{}", None);
        assert_eq!(expires_us("opaque"), None);
        assert_eq!(expires_us("a.%%%.c"), None);
    }

    #[test]
    fn refusals_say_what_to_do() {
        let xrpc = |status, error: &str| SessionError::Xrpc {
            status,
            error: error.to_owned(),
            message: "words".to_owned(),
        };
        let at_sign_in = |error| refused(error).to_string();
        assert_eq!(at_sign_in(xrpc(401, "AuthFactorTokenRequired")), "a sign-in code is needed");
        assert_eq!(at_sign_in(xrpc(401, "AuthenticationRequired")), "name or password are wrong");
        assert_eq!(at_sign_in(xrpc(400, "InvalidToken")), "status 400: InvalidToken: words");

        assert!(over(SessionError::Expired).is_over());
        assert!(over(xrpc(400, "InvalidToken")).is_over());
        assert!(over(xrpc(401, "AuthenticationRequired")).is_over());
        assert!(!over(xrpc(500, "InternalServerError")).is_over());
        assert!(!over(SessionError::RateLimited { retry_after: None }).is_over());
    }
}
