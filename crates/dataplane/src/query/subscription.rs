//! `putActivitySubscription`, `listActivitySubscriptions`: of whose posts an account wants to be told.
//! Whether the other lets it is looked at when it is told, not here.
//!
//! What is asked for anew counts from then on, what was asked for already from when it was.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeName;
use super::mute::Done;
use super::{Context, OwnCommand, Question, lookup, page_limit};
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Accounts one account may be subscribed to.
pub const SUBSCRIPTIONS_MAX: i64 = 1_000;

/// Says anew of which posts of `subject` the actor is told; of none ends the subscription.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutActivitySubscription {
    pub actor: Did,
    pub subject: Did,
    /// Posts that begin threads.
    pub post: bool,
    pub reply: bool,
}

/// Whom `actor` is subscribed to, the latest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListActivitySubscriptions {
    pub actor: Did,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionPage {
    pub subjects: Vec<Did>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

const PUT: &str = "INSERT INTO activity_subscription AS s
        (did, subject, created_at_us, posts_since_us, replies_since_us) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (did, subject) DO UPDATE SET
        posts_since_us = CASE WHEN excluded.posts_since_us IS NULL THEN NULL
            ELSE COALESCE(s.posts_since_us, excluded.posts_since_us) END,
        replies_since_us = CASE WHEN excluded.replies_since_us IS NULL THEN NULL
            ELSE COALESCE(s.replies_since_us, excluded.replies_since_us) END";

impl OwnCommand for PutActivitySubscription {
    const NAME: &'static str = "putActivitySubscription";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        if self.actor == self.subject {
            let reason = "nobody can be subscribed to their own posts".to_owned();
            return Err(DataplaneError::InvalidRequest(reason));
        }
        let [actor, subject] = [Param::from(&self.actor), Param::from(&self.subject)];
        if !self.post && !self.reply {
            tx.execute(
                "DELETE FROM activity_subscription WHERE did = $1 AND subject = $2",
                &[actor, subject],
            )?;
            return Ok(Done {});
        }
        let since = |wanted: bool| Param::from(wanted.then_some(now_us));
        let (posts, replies) = (since(self.post), since(self.reply));
        tx.execute(PUT, &[actor, subject, Param::Int(now_us), posts, replies])?;
        let sql = "SELECT count(*) FROM activity_subscription WHERE did = $1";
        let rows: i64 = tx.query_one(sql, &[actor], |row| row.get(0))?;
        if rows > SUBSCRIPTIONS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "an account may be subscribed to at most {SUBSCRIPTIONS_MAX} others"
            )));
        }
        Ok(Done {})
    }
}

const SUBSCRIPTIONS: &str = "SELECT s.created_at_us, s.subject FROM own.activity_subscription AS s
    WHERE s.did = $1 AND (s.created_at_us, s.subject) < ($2, $3)
    ORDER BY s.created_at_us DESC, s.subject DESC LIMIT $4";

impl Question for ListActivitySubscriptions {
    const NAME: &'static str = "listActivitySubscriptions";
    type Answer = SubscriptionPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<SubscriptionPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeName::parse(self.cursor.as_deref())?;
        let mut rows: Vec<(i64, String)> =
            before.rows(tx, SUBSCRIPTIONS, &self.actor, limit, |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let cursor = TimeName::next(&mut rows, limit, Clone::clone);
        let subjects = rows.iter().map(|(_, subject)| lookup::did(subject));
        Ok(SubscriptionPage { subjects: subjects.collect::<Result<_, _>>()?, cursor })
    }
}
