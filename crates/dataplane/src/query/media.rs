//! `keepMedia`, `getMedia`: blobs that an account uploaded to its PDS by way of this place, and may name in a post. A
//! blob that no post names is forgotten after an hour, as its PDS does.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mute::Done;
use super::{Context, OwnCommand, Question};
use crate::error::DataplaneError;

/// Blobs that one account may have waiting.
pub const MEDIA_MAX: i64 = 200;
/// How long one waits to be named.
pub const KEPT_US: i64 = 3_600_000_000;
/// Blobs asked for at once.
pub const ASKED_MAX: usize = 20;

/// A blob at its author's PDS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Media {
    pub cid: String,
    pub mime_type: String,
    pub bytes: i64,
    /// Pixels.
    pub width: i64,
    pub height: i64,
    /// What it shows, for who cannot see it.
    pub alt: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeepMedia {
    pub actor: Did,
    pub media: Media,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetMedia {
    pub actor: Did,
    /// At most [`ASKED_MAX`].
    pub cids: Vec<String>,
    /// Only what was uploaded after then.
    pub after_us: i64,
}

/// Those of the account that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MediaFound {
    pub media: Vec<Media>,
}

impl OwnCommand for KeepMedia {
    const NAME: &'static str = "keepMedia";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        tx.execute(
            "DELETE FROM media WHERE created_at_us < $1",
            &[Param::Int(now_us.saturating_sub(KEPT_US))],
        )?;
        let sql = "SELECT count(*) FROM media WHERE did = $1";
        let rows: i64 = tx.query_one(sql, &[Param::from(&self.actor)], |row| row.get(0))?;
        if rows >= MEDIA_MAX {
            let message = format!("at most {MEDIA_MAX} media may wait for a post");
            return Err(DataplaneError::InvalidRequest(message));
        }
        let Media { cid, mime_type, bytes, width, height, alt } = &self.media;
        tx.execute(
            "INSERT INTO media (did, cid, mime_type, bytes, width, height, alt, created_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (did, cid) DO UPDATE SET alt = excluded.alt, created_at_us = excluded.created_at_us",
            &[
                Param::from(&self.actor),
                Param::Text(cid),
                Param::Text(mime_type),
                Param::Int(*bytes),
                Param::Int(*width),
                Param::Int(*height),
                Param::Text(alt),
                Param::Int(now_us),
            ],
        )?;
        Ok(Done {})
    }
}

impl Question for GetMedia {
    const NAME: &'static str = "getMedia";
    type Answer = MediaFound;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<MediaFound, DataplaneError> {
        if self.cids.len() > ASKED_MAX {
            let message = format!("at most {ASKED_MAX} media, not {}", self.cids.len());
            return Err(DataplaneError::InvalidRequest(message));
        }
        let mut media = Vec::with_capacity(self.cids.len());
        for cid in &self.cids {
            let params = [Param::from(&self.actor), Param::Text(cid), Param::Int(self.after_us)];
            media.extend(tx.query_opt(
                "SELECT cid, mime_type, bytes, width, height, alt FROM own.media
                 WHERE did = $1 AND cid = $2 AND created_at_us > $3",
                &params,
                media_row,
            )?);
        }
        Ok(MediaFound { media })
    }
}

fn media_row(row: &Row<'_>) -> Result<Media, StoreError> {
    Ok(Media {
        cid: row.get(0)?,
        mime_type: row.get(1)?,
        bytes: row.get(2)?,
        width: row.get(3)?,
        height: row.get(4)?,
        alt: row.get(5)?,
    })
}
