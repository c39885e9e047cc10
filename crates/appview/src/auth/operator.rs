//! The operator: whoever holds the admin token of the data folder, or the admin password.
//! Secrets are compared by their digests, so that the time taken tells nothing about them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millrace_atproto::crypto::sha256;
use millrace_runtime::config::Secret;

use super::{AuthError, Caller};

/// Bytes of a secret that are looked at.
const SECRET_BYTES_MAX: usize = 1_024;
const ADMIN: &str = "admin";

/// Digests of what the operator may present; a secret that is not set lets nobody in.
pub(crate) struct Operator {
    password: Option<[u8; 32]>,
    token: Option<[u8; 32]>,
}

impl Operator {
    pub(crate) fn new(password: &Secret, token: Option<&Secret>) -> Self {
        let digest =
            |secret: &Secret| (!secret.is_empty()).then(|| sha256(secret.expose().as_bytes()));
        Self { password: digest(password), token: token.and_then(digest) }
    }

    /// `admin:<password>` in base64.
    pub(super) fn by_password(&self, basic: &str) -> Result<Caller, AuthError> {
        if basic.len() > 2 * SECRET_BYTES_MAX {
            return Err(AuthError::NotOperator);
        }
        let decoded = STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded.as_deref().and_then(|text| text.split_once(':')) {
            Some((ADMIN, password)) => is(self.password, password),
            _ => Err(AuthError::NotOperator),
        }
    }

    pub(super) fn by_token(&self, token: &str) -> Result<Caller, AuthError> {
        is(self.token, token)
    }
}

fn is(expected: Option<[u8; 32]>, given: &str) -> Result<Caller, AuthError> {
    if given.len() <= SECRET_BYTES_MAX && expected == Some(sha256(given.as_bytes())) {
        Ok(Caller::Operator)
    } else {
        Err(AuthError::NotOperator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator() -> Operator {
        Operator::new(&Secret::from("pass:word"), Some(&Secret::from("token")))
    }

    #[test]
    fn the_password_may_contain_a_colon() {
        assert!(operator().by_password(&STANDARD.encode("admin:pass:word")).is_ok());
    }

    #[test]
    fn everybody_else_is_refused() {
        for wrong in ["admin:pass", "root:pass:word", "admin:", "admin", ":", ""] {
            assert!(operator().by_password(&STANDARD.encode(wrong)).is_err(), "{wrong}");
        }
        assert!(operator().by_password("not base64!").is_err());
        assert!(operator().by_token("pass:word").is_err());
        assert!(operator().by_token("token").is_ok());
    }

    #[test]
    fn an_unset_secret_lets_nobody_in() {
        let nobody = Operator::new(&Secret::default(), Some(&Secret::default()));
        assert!(nobody.by_password(&STANDARD.encode("admin:")).is_err());
        assert!(nobody.by_token("").is_err());
        let none = Operator::new(&Secret::default(), None);
        assert!(none.by_token("").is_err());
    }
}
