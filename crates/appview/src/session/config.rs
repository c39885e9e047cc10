//! How long people stay signed in, and how many there may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[appview.sessions]`: how long people stay signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsConfig {
    /// Days after which a browser that is not used is signed out.
    pub idle_days: u32,
    /// Days after which a browser is signed out in any case.
    pub lifetime_days: u32,
    /// Browsers that an account may be signed in with; the one longest not used is signed out for another.
    pub per_account_max: u32,
    /// Tokens for programs that an account may have.
    pub api_tokens_max: u32,
    /// Sign-ins under way at the same time; further ones are refused with 503.
    pub sign_ins_max: u32,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            idle_days: 30,
            lifetime_days: 180,
            per_account_max: 50,
            api_tokens_max: 50,
            sign_ins_max: 10_000,
        }
    }
}
