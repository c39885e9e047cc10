//! What somebody who signed in may ask of their PDS: a [`Grant`] of either kind (OAuth, or an app
//! password), and [`PdsSession`], which asks with it.
//!
//! ```text
//! Grant ─▶ PdsSession ─▶ Call { method, query, body, proxied to } ─▶ answer
//!                              └▶ SessionError::Expired: the caller renews the grant, under its lock, and asks again
//! ```
//! What must stay true: a session asks its own PDS and nobody else (no redirect is followed); no error and
//! no `Debug` holds a token.

mod call;
mod error;
mod grant;
mod password;
mod pds;

pub use call::Call;
pub use error::SessionError;
pub use grant::Grant;
pub use password::{AppPasswords, PasswordGrant, SessionInfo, SignIn};
pub use pds::PdsSession;
