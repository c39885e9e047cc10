//! Why there is no session, token or grant.

use millrace_store::StoreError;

use super::seal::NotOurs;

/// Why there is no session, token or grant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("too many sign-ins are under way")]
    TooMany,
    #[error("an account may have {0} tokens; remove one first")]
    TooManyTokens(u32),
    #[error("{0}")]
    Invalid(String),
    /// The sign-in is not under way here, or was finished before.
    #[error("this sign-in is not under way: it was finished before, or it took too long")]
    NotUnderWay,
    /// Somebody else's browser came back.
    #[error("this sign-in was begun in another browser")]
    OtherBrowser,
    /// The PDS takes what it gave no more, or it was given back.
    #[error("the account has to sign in again")]
    Over,
    /// It may go later.
    #[error("the account's server gives no answer now: {0}")]
    Later(String),
    #[error(transparent)]
    Unreadable(#[from] NotOurs),
    #[error(transparent)]
    Store(#[from] StoreError),
}
