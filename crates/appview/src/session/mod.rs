//! Who is signed in: browsers, programs, and what their PDSs gave to act in their name. The domain `session` is the
//! only one an AppView opens itself.
//!
//! ```text
//!  cookie ──SHA-256──▶ session ─┐
//!                               ├──▶ pds_grant (sealed) ──▶ the account's PDS
//!  token  ──SHA-256──▶ api_token┘
//! ```
//!
//! What must stay true: no secret stands in the tables as it is used; a sign-in is finished once, by the browser
//! that began it; a grant is renewed by one process at a time and kept before anything else uses it; nothing acts
//! by a grant that is gone.

mod api_tokens;
mod browsers;
mod config;
mod error;
mod grants;
mod operate;
mod scope;
mod seal;
mod sign_ins;
mod token;

use std::time::Duration;

use millrace_atproto::Did;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::config::Secret;
use millrace_runtime::rng::Rng;
use millrace_store::{Migration, Store, StoreError};

pub use api_tokens::ApiToken;
pub use browsers::Browser;
pub use config::SessionsConfig;
pub(crate) use error::SessionError;
pub use operate::{
    EndSignedIn, Ended, ListSignedIn, NobodyNamed, SIGNED_IN_PAGE_MAX, SessionPage, TokenPage,
    end_sessions, end_tokens, list_sessions, list_tokens,
};
pub use scope::{Scope, Scopes};

use seal::{NotOurs, Sealer};
use token::Digest;

/// Domain `session`.
pub const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "base",
    sql: include_str!("migrations/0001_base.sql"),
    compatible_back_to: 1,
}];

/// How a token of a program begins, so that one that got out is recognised.
pub(crate) const API_TOKEN_PREFIX: &str = "millrace_";
/// Microseconds between two notes that something was used.
const USED_EVERY_US: i64 = 3_600_000_000;
/// How long one process has a grant for itself to renew it …
const RENEWING_US: i64 = 60_000_000;
/// … and the time that the PDS has of that: what another process would begin meanwhile could be taken for a thief's.
const RENEWAL_MAX: Duration = Duration::from_secs(45);
/// Between two looks whether another process has renewed a grant.
const RENEWED_POLL: Duration = Duration::from_millis(100);
/// How long a sign-in may take at the authorization server.
const SIGN_IN_US: i64 = 15 * 60 * 1_000_000;
/// Expired rows of a kind that are removed at a time.
const EXPIRED_ROWS: i64 = 500;
/// Characters of a browser's name that are kept.
const USER_AGENT_CHARS: usize = 256;
/// Characters of a token's name.
const NAME_CHARS_MAX: usize = 100;
const DAY_US: i64 = 86_400_000_000;

/// What a PDS gave, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) plain: Vec<u8>,
    pub(crate) version: i64,
}

/// Why a grant was not renewed.
#[derive(Debug)]
pub(crate) enum NotRenewed {
    Over,
    Later(String),
}

/// Who is signed in.
pub(crate) struct Sessions {
    store: Store,
    sealer: Sealer,
    config: SessionsConfig,
    clock: SharedClock,
    rng: Rng,
}

/// A browser that has just signed in, with what it shows from now on.
pub(crate) struct SignedIn {
    pub(crate) token: Secret,
    pub(crate) browser: Browser,
    /// Grants of browsers that were signed out for this one: to be given back to the PDS.
    pub(crate) unused: Vec<Opened>,
}

/// What was removed because its time was over.
pub(crate) struct Expired {
    /// Grants that nothing acts by any more: to be given back to the PDS.
    pub(crate) unused: Vec<Opened>,
    /// There may be more.
    pub(crate) more: bool,
}

/// A token that has just been made; it is shown once.
pub(crate) struct NewToken {
    pub(crate) token: Secret,
    pub(crate) shown: ApiToken,
}

impl Sessions {
    /// A token for a browser that begins to sign in.
    pub(crate) fn new_browser(&self) -> Secret {
        token::new(&self.rng, "")
    }

    pub(crate) fn new(
        store: Store,
        secret: &Secret,
        config: SessionsConfig,
        clock: SharedClock,
        rng: Rng,
    ) -> Self {
        let sealer = Sealer::new(secret, rng.fork());
        Self { store, sealer, config, clock, rng }
    }

    /// Keeps what a PDS gave, and signs a browser in by it.
    pub(crate) async fn sign_in(
        &self,
        did: &Did,
        kind: &'static str,
        grant: &[u8],
        user_agent: &str,
    ) -> Result<SignedIn, SessionError> {
        let now_us = self.clock.now_us();
        let token = token::new(&self.rng, "");
        let digest = made(&token);
        let grant_id = token::new_id(&self.rng);
        let browser = Browser {
            session_id: token::new_id(&self.rng),
            did: did.to_string(),
            grant_id: grant_id.clone(),
            user_agent: user_agent.chars().take(USER_AGENT_CHARS).collect(),
            created_at_us: now_us,
            used_at_us: now_us,
            expires_at_us: self.expires(now_us, now_us),
        };
        let sealed = self.sealer.seal(&grant_id, grant);
        let (did, row, most) = (did.clone(), browser.clone(), self.config.per_account_max);
        let unused = self
            .store
            .write(move |tx| {
                let new = grants::New { grant_id: &grant_id, did: &did, kind, sealed: &sealed };
                grants::insert(tx, &new)?;
                browsers::insert(tx, &digest, &row)?;
                browsers::keep_newest(tx, &did, most)?;
                grants::take_unused(tx, &did)
            })
            .await?;
        Ok(SignedIn { token, browser, unused: self.opened(unused) })
    }

    /// The browser that shows `token`.
    pub(crate) async fn browser(&self, token: &str) -> Result<Option<Browser>, SessionError> {
        let Some(digest) = token::digest(token) else { return Ok(None) };
        let found = self.store.read(move |tx| browsers::find(tx, &digest)).await?;
        let now_us = self.clock.now_us();
        if let Some(browser) = &found
            && now_us - browser.used_at_us > USED_EVERY_US
        {
            let expires_at_us = self.expires(browser.created_at_us, now_us);
            self.store.write(move |tx| browsers::used(tx, &digest, expires_at_us)).await?;
        }
        Ok(found)
    }

    /// An account's browsers, the newest first.
    pub(crate) async fn browsers(&self, did: &Did) -> Result<Vec<Browser>, SessionError> {
        let did = did.clone();
        Ok(self.store.read(move |tx| browsers::of(tx, &did)).await?)
    }

    /// Of these sessions those that are over.
    pub(crate) async fn ended(&self, session_ids: Vec<String>) -> Result<Vec<String>, StoreError> {
        let ended = self.store.read(move |tx| {
            let mut ended = Vec::new();
            for session_id in session_ids {
                if !browsers::is_there(tx, &session_id)? {
                    ended.push(session_id);
                }
            }
            Ok::<_, StoreError>(ended)
        });
        ended.await
    }

    /// Signs one of an account's browsers out; false if there is none. Told are the grants that nothing acts by
    /// any more: they are to be given back to the PDS.
    pub(crate) async fn sign_out(
        &self,
        did: &Did,
        session_id: &str,
    ) -> Result<(bool, Vec<Opened>), SessionError> {
        let (whose, session_id) = (did.clone(), session_id.to_owned());
        let (found, unused) = self
            .store
            .write(move |tx| {
                let found = browsers::remove(tx, &whose, &session_id)?;
                Ok::<_, StoreError>((found, grants::take_unused(tx, &whose)?))
            })
            .await?;
        Ok((found, self.opened(unused)))
    }

    /// Signs an account out everywhere, its programs with it.
    pub(crate) async fn sign_out_everywhere(&self, did: &Did) -> Result<Vec<Opened>, SessionError> {
        let whose = did.clone();
        let unused = self
            .store
            .write(move |tx| {
                browsers::remove_all(tx, &whose)?;
                api_tokens::remove_all(tx, &whose)?;
                grants::take_unused(tx, &whose)
            })
            .await?;
        Ok(self.opened(unused))
    }

    /// Removes what has expired, a bounded number of rows of each kind.
    pub(crate) async fn remove_expired(&self) -> Result<Expired, StoreError> {
        let (unused, more) = self
            .store
            .write(|tx| {
                let browsers = browsers::remove_expired(tx, EXPIRED_ROWS)?;
                let tokens = api_tokens::release_expired(tx, EXPIRED_ROWS)?;
                let sign_ins = sign_ins::remove_expired(tx, EXPIRED_ROWS)?;
                let full = |rows: usize| i64::try_from(rows).is_ok_and(|rows| rows >= EXPIRED_ROWS);
                let more = full(browsers.len()) || full(tokens.len()) || full(sign_ins);
                let mut unused = Vec::new();
                for did in browsers.into_iter().chain(tokens) {
                    if let Ok(did) = Did::parse(&did) {
                        unused.extend(grants::take_unused(tx, &did)?);
                    }
                }
                Ok::<_, StoreError>((unused, more))
            })
            .await?;
        Ok(Expired { unused: self.opened(unused), more })
    }

    /// Takes out grants that nothing acts by any more, of a bounded number of accounts.
    pub(crate) async fn take_unused(&self) -> Result<Expired, StoreError> {
        let whose = self.store.read(|tx| grants::of_unused(tx, EXPIRED_ROWS)).await?;
        let more = i64::try_from(whose.len()).is_ok_and(|rows| rows >= EXPIRED_ROWS);
        if whose.is_empty() {
            return Ok(Expired { unused: Vec::new(), more });
        }
        let unused = self.store.write(move |tx| {
            let mut unused = Vec::new();
            for did in whose.iter().filter_map(|did| Did::parse(did).ok()) {
                unused.extend(grants::take_unused(tx, &did)?);
            }
            Ok::<_, StoreError>(unused)
        });
        Ok(Expired { unused: self.opened(unused.await?), more })
    }

    /// The tables.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Keeps what is needed to finish the sign-in of that state, for the browser that shows `browser`.
    pub(crate) async fn begin(
        &self,
        state: Digest,
        browser: &Secret,
        pending: &[u8],
    ) -> Result<(), SessionError> {
        let sealed = self.sealer.seal(SIGN_IN_PLACE, pending);
        let begun = sign_ins::Begun { browser: made(browser), sealed };
        let expires_at_us = self.clock.now_us() + SIGN_IN_US;
        let most = i64::from(self.config.sign_ins_max);
        let kept = self
            .store
            .write(move |tx| sign_ins::insert(tx, &state, &begun, expires_at_us, most))
            .await?;
        if kept { Ok(()) } else { Err(SessionError::TooMany) }
    }

    /// Takes a sign-in out, once, for the browser that began it.
    pub(crate) async fn finish(
        &self,
        state: Digest,
        browser: &str,
    ) -> Result<Vec<u8>, SessionError> {
        let begun = self.store.write(move |tx| sign_ins::take(tx, &state)).await?;
        let begun = begun.ok_or(SessionError::NotUnderWay)?;
        if token::digest(browser) != Some(begun.browser) {
            return Err(SessionError::OtherBrowser);
        }
        Ok(self.sealer.open(SIGN_IN_PLACE, &begun.sealed)?)
    }

    /// What the PDS gave, as it is now.
    pub(crate) async fn grant(&self, grant_id: &str) -> Result<Opened, SessionError> {
        let kept = self.kept(grant_id).await?;
        Ok(Opened { plain: self.sealer.open(grant_id, &kept.sealed)?, version: kept.version })
    }

    /// Renews a grant of which `seen` does no longer: by `ask`, unless somebody else does already.
    pub(crate) async fn renew<F>(
        &self,
        grant_id: &str,
        seen: i64,
        ask: impl FnOnce(Vec<u8>) -> F,
    ) -> Result<Opened, SessionError>
    where
        F: Future<Output = Result<Vec<u8>, NotRenewed>>,
    {
        while !self.take(grant_id, seen).await? {
            let kept = self.kept(grant_id).await?;
            if kept.version != seen {
                let plain = self.sealer.open(grant_id, &kept.sealed)?;
                return Ok(Opened { plain, version: kept.version });
            }
            tokio::time::sleep(RENEWED_POLL).await;
        }
        let held = self.grant(grant_id).await?;
        let id = grant_id.to_owned();
        let asked = tokio::time::timeout(RENEWAL_MAX, ask(held.plain)).await;
        let late = || Err(NotRenewed::Later("it takes too long".to_owned()));
        match asked.unwrap_or_else(|_| late()) {
            Ok(plain) => {
                let sealed = self.sealer.seal(grant_id, &plain);
                let renewed =
                    self.store.write(move |tx| grants::renew(tx, &id, seen, &sealed)).await?;
                if renewed {
                    Ok(Opened { plain, version: seen + 1 })
                } else {
                    Err(SessionError::Over)
                }
            }
            Err(NotRenewed::Over) => {
                self.store.write(move |tx| grants::remove(tx, &id)).await?;
                Err(SessionError::Over)
            }
            Err(NotRenewed::Later(reason)) => {
                self.store.write(move |tx| grants::release(tx, &id, seen)).await?;
                Err(SessionError::Later(reason))
            }
        }
    }

    /// Makes a token for a program that acts for `did`, by the grant of the browser that asks for it.
    pub(crate) async fn new_api_token(
        &self,
        browser: &Browser,
        name: &str,
        scopes: Scopes,
        expires_at_us: Option<i64>,
    ) -> Result<NewToken, SessionError> {
        let name = checked_name(name)?;
        if scopes.is_empty() {
            return Err(SessionError::Invalid("a token needs a scope".to_owned()));
        }
        let now_us = self.clock.now_us();
        if expires_at_us.is_some_and(|expires_at_us| expires_at_us <= now_us) {
            return Err(SessionError::Invalid("the token would be over already".to_owned()));
        }
        let token = token::new(&self.rng, API_TOKEN_PREFIX);
        let digest = made(&token);
        let shown = ApiToken {
            token_id: token::new_id(&self.rng),
            did: browser.did.clone(),
            grant_id: scopes.contains(Scope::Post).then(|| browser.grant_id.clone()),
            name,
            scopes,
            created_at_us: now_us,
            used_at_us: None,
            expires_at_us,
        };
        let (row, most) = (shown.clone(), self.config.api_tokens_max);
        let made =
            self.store.write(move |tx| api_tokens::insert_below(tx, &digest, &row, most)).await?;
        if made { Ok(NewToken { token, shown }) } else { Err(SessionError::TooManyTokens(most)) }
    }

    /// The token that a program shows.
    pub(crate) async fn api_token(&self, token: &str) -> Result<Option<ApiToken>, SessionError> {
        let Some(digest) = token::digest(token) else { return Ok(None) };
        let found = self.store.read(move |tx| api_tokens::find(tx, &digest)).await?;
        let now_us = self.clock.now_us();
        let is_old = |token: &ApiToken| now_us - token.used_at_us.unwrap_or(0) > USED_EVERY_US;
        if found.as_ref().is_some_and(is_old) {
            self.store.write(move |tx| api_tokens::used(tx, &digest)).await?;
        }
        Ok(found)
    }

    /// An account's tokens, the newest first.
    pub(crate) async fn api_tokens(&self, did: &Did) -> Result<Vec<ApiToken>, SessionError> {
        let did = did.clone();
        Ok(self.store.read(move |tx| api_tokens::of(tx, &did)).await?)
    }

    /// Removes one of an account's tokens; false if there is none.
    pub(crate) async fn remove_api_token(
        &self,
        did: &Did,
        token_id: &str,
    ) -> Result<(bool, Vec<Opened>), SessionError> {
        let (whose, token_id) = (did.clone(), token_id.to_owned());
        let (found, unused) = self
            .store
            .write(move |tx| {
                let found = api_tokens::remove(tx, &whose, &token_id)?;
                Ok::<_, StoreError>((found, grants::take_unused(tx, &whose)?))
            })
            .await?;
        Ok((found, self.opened(unused)))
    }

    async fn kept(&self, grant_id: &str) -> Result<grants::Kept, SessionError> {
        let grant_id = grant_id.to_owned();
        let kept = self.store.read(move |tx| grants::find(tx, &grant_id)).await?;
        kept.ok_or(SessionError::Over)
    }

    async fn take(&self, grant_id: &str, version: i64) -> Result<bool, SessionError> {
        let (grant_id, until_us) = (grant_id.to_owned(), self.clock.now_us() + RENEWING_US);
        Ok(self.store.write(move |tx| grants::take(tx, &grant_id, version, until_us)).await?)
    }

    /// Those that can be opened: what cannot be was another secret's, and is gone.
    fn opened(&self, sealed: Vec<(String, Vec<u8>)>) -> Vec<Opened> {
        let opened = sealed.into_iter().map(|(grant_id, sealed)| {
            let plain = self.sealer.open(&grant_id, &sealed)?;
            Ok::<_, NotOurs>(Opened { plain, version: 0 })
        });
        opened.filter_map(Result::ok).collect()
    }

    fn expires(&self, created_at_us: i64, now_us: i64) -> i64 {
        let idle = now_us.saturating_add(i64::from(self.config.idle_days) * DAY_US);
        let most = created_at_us.saturating_add(i64::from(self.config.lifetime_days) * DAY_US);
        idle.min(most)
    }
}

/// The place that sealed sign-ins are bound to.
const SIGN_IN_PLACE: &str = "sign-in";

fn made(token: &Secret) -> Digest {
    token::digest(token.expose()).expect("invariant: what is made here is looked up")
}

fn checked_name(name: &str) -> Result<String, SessionError> {
    let name = name.trim();
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        let reason = format!("a token's name has 1 to {NAME_CHARS_MAX} characters");
        return Err(SessionError::Invalid(reason));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
