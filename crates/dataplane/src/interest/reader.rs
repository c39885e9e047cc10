//! `noteReader`: an account has read here. Told at every request or once an hour, it is written once an
//! hour; how often somebody reads is nobody's business.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DataplaneError;
use crate::query::OwnCommand;

/// How old a note is before it is written anew.
pub const NOTE_EVERY_US: i64 = 3_600_000_000;

/// An account has proved who it is, and has read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoteReader {
    pub actor: Did,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Noted {}

impl OwnCommand for NoteReader {
    const NAME: &'static str = "noteReader";
    type Answer = Noted;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Noted, DataplaneError> {
        tx.execute(
            "INSERT INTO reader (did, last_us) VALUES ($1, $2)
             ON CONFLICT (did) DO UPDATE SET last_us = excluded.last_us WHERE reader.last_us <= $3",
            &[
                Param::Text(self.actor.as_str()),
                Param::Int(now_us),
                Param::Int(now_us.saturating_sub(NOTE_EVERY_US)),
            ],
        )?;
        Ok(Noted {})
    }
}
