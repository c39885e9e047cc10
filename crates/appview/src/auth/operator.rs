//! The operator: whoever holds the admin token of the data folder, or the admin password. A secret
//! that is not set lets nobody in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millrace_runtime::config::Secret;

use super::{AuthError, Caller};

/// Bytes of credentials that are looked at.
const CREDENTIALS_BYTES_MAX: usize = 2_048;
const ADMIN: &str = "admin";

/// What the operator may present.
pub(crate) struct Operator {
    password: Secret,
    token: Secret,
}

impl Operator {
    pub(crate) fn new(password: Secret, token: Option<Secret>) -> Self {
        Self { password, token: token.unwrap_or_default() }
    }

    /// `admin:<password>` in base64.
    pub(super) fn by_password(&self, basic: &str) -> Result<Caller, AuthError> {
        if basic.len() > CREDENTIALS_BYTES_MAX {
            return Err(AuthError::NotOperator);
        }
        let decoded = STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded.as_deref().and_then(|text| text.split_once(':')) {
            Some((ADMIN, password)) => is(&self.password, password),
            _ => Err(AuthError::NotOperator),
        }
    }

    pub(super) fn by_token(&self, token: &str) -> Result<Caller, AuthError> {
        is(&self.token, token)
    }
}

fn is(secret: &Secret, given: &str) -> Result<Caller, AuthError> {
    if secret.matches(given) { Ok(Caller::Operator) } else { Err(AuthError::NotOperator) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator() -> Operator {
        Operator::new(Secret::from("pass:word"), Some(Secret::from("token")))
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
        assert!(operator().by_password(&"A".repeat(CREDENTIALS_BYTES_MAX + 1)).is_err());
        assert!(operator().by_token("pass:word").is_err());
        assert!(operator().by_token("token").is_ok());
    }

    #[test]
    fn an_unset_secret_lets_nobody_in() {
        let nobody = Operator::new(Secret::default(), Some(Secret::default()));
        assert!(nobody.by_password(&STANDARD.encode("admin:")).is_err());
        assert!(nobody.by_token("").is_err());
        assert!(Operator::new(Secret::default(), None).by_token("").is_err());
    }
}
