//! `putWebPush`, `deleteWebPush`, `getPushKey`: browsers to which an account wants its notifications pushed, and what
//! their push services know this service by. `getPushSessions`, `endPushSessions`: the sessions that these browsers
//! belong to, with which they end; whoever keeps sessions asks. `getPushDue`, `notePushed`: of these, who may be told
//! something, and how far they were told; whoever sends asks.
//!
//! What a device is told begins with the moment it comes; one that comes again goes on where it was.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mute::Done;
use super::push::DEVICES_MAX;
use super::{Context, OwnCommand, Question, lookup, page_limit};
use crate::config::NewPost;
use crate::error::DataplaneError;

/// Bytes of a push service's URL.
pub const ENDPOINT_BYTES_MAX: usize = 2_048;
/// Bytes of a key as text: base64 of 65 and of 16 bytes.
const KEY_BYTES_MAX: usize = 100;
/// Devices that are told of at once.
pub const DUE_MAX: u32 = 500;
/// Sessions that are told of, or end, at once.
pub const PUSH_SESSIONS_MAX: u32 = 500;
/// Bytes of a session's name.
const SESSION_BYTES_MAX: usize = 100;
/// Bytes of what a device is remembered to have been told.
const TOLD_BYTES_MAX: usize = 8_192;

/// A browser, as it says it itself (`PushSubscription.toJSON()`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PushSubscription {
    pub endpoint: String,
    pub keys: PushKeys,
}

/// What it is written to with: its public key and a secret, in base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PushKeys {
    pub p256dh: String,
    pub auth: String,
}

/// Notifications of `actor` are to be pushed to a browser.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutWebPush {
    pub actor: Did,
    pub subscription: PushSubscription,
    /// Browsers that the account may have; those that came last stay.
    pub devices_max: u32,
    /// The session in which the browser asks; none where a program does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// Notifications of `actor` are to be pushed to a browser no more, or to none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteWebPush {
    pub actor: Did,
    /// Without one: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// Sessions that browsers belong to, behind one of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetPushSessions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    pub limit: u32,
}

/// In their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PushSessions {
    pub session_ids: Vec<String>,
}

/// Sessions ended: the browsers that belong to them are told nothing more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndPushSessions {
    pub session_ids: Vec<String>,
}

/// What push services know this service by.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetPushKey {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PushKey {
    /// Its public key in base64url; none where nothing is pushed.
    pub key: Option<String>,
}

/// Devices that something may have happened for since they were told, behind one of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetPushDue {
    pub now_us: i64,
    /// Account and endpoint of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<(String, String)>,
    pub limit: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PushDue {
    pub devices: Vec<DueDevice>,
}

/// A device, and how far it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DueDevice {
    pub actor: Did,
    pub subscription: PushSubscription,
    /// Everything up to then was told, or is not told any more.
    pub told_us: i64,
    /// What else was told, as whoever sends wrote it.
    pub told: String,
    pub failures: u32,
}

/// How far a device was told; nothing is noted of one that is gone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotePushed {
    pub actor: Did,
    pub endpoint: String,
    pub told_us: i64,
    pub told: String,
    /// It is told nothing before.
    pub next_us: i64,
    /// Tries in a row that failed.
    pub failures: u32,
}

impl PushSubscription {
    /// Reads one from the token of a device.
    pub(super) fn of_token(token: &str) -> Option<Self> {
        let found: Self = serde_json::from_str(token).ok()?;
        found.check().is_ok().then_some(found)
    }

    /// # Errors
    /// It cannot be a browser's.
    pub fn check(&self) -> Result<(), DataplaneError> {
        let refused = |message: String| Err(DataplaneError::InvalidRequest(message));
        let Self { endpoint, keys } = self;
        let is_url = endpoint.starts_with("https://") || endpoint.starts_with("http://");
        if !is_url || endpoint.len() > ENDPOINT_BYTES_MAX || endpoint.contains('\0') {
            return refused(format!(
                "endpoint must be a URL of at most {ENDPOINT_BYTES_MAX} bytes"
            ));
        }
        for (name, key) in [("p256dh", &keys.p256dh), ("auth", &keys.auth)] {
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte);
            if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(is_base64) {
                return refused(format!("keys.{name} must be base64url of a browser's key"));
            }
        }
        Ok(())
    }
}

/// By what a browser came: a device of an app, or a session.
#[derive(Clone, Copy, Default)]
pub(super) struct By<'a> {
    pub(super) device_token: Option<&'a str>,
    pub(super) session_id: Option<&'a str>,
}

/// Puts a browser in; of too many those go that have not come for longest.
pub(super) fn put(
    tx: &mut Tx,
    actor: &Did,
    subscription: &PushSubscription,
    by: By<'_>,
    devices_max: u32,
    now_us: i64,
) -> Result<(), StoreError> {
    let PushSubscription { endpoint, keys } = subscription;
    tx.execute(
        "INSERT INTO web_push (did, endpoint, p256dh, auth, device_token, session_id, updated_at_us, told_us, told,
            next_us, failures)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, '', 0, 0)
         ON CONFLICT (did, endpoint) DO UPDATE SET p256dh = excluded.p256dh, auth = excluded.auth,
            device_token = COALESCE(excluded.device_token, web_push.device_token),
            session_id = COALESCE(excluded.session_id, web_push.session_id), updated_at_us = excluded.updated_at_us",
        &[
            Param::from(actor),
            Param::Text(endpoint),
            Param::Text(&keys.p256dh),
            Param::Text(&keys.auth),
            Param::from(by.device_token),
            Param::from(by.session_id),
            Param::Int(now_us),
        ],
    )?;
    tx.execute(
        "DELETE FROM web_push WHERE did = $1 AND endpoint <> $2 AND endpoint NOT IN (SELECT w.endpoint
            FROM web_push AS w WHERE w.did = $1 AND w.endpoint <> $2
            ORDER BY w.updated_at_us DESC, w.endpoint LIMIT $3)",
        &[Param::from(actor), Param::Text(endpoint), Param::Int(i64::from(devices_max) - 1)],
    )?;
    Ok(())
}

impl OwnCommand for PutWebPush {
    const NAME: &'static str = "putWebPush";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        self.subscription.check()?;
        if !(1..=DEVICES_MAX).contains(&self.devices_max) {
            return Err(DataplaneError::InvalidRequest(format!(
                "an account may have from 1 to {DEVICES_MAX} browsers, not {}",
                self.devices_max
            )));
        }
        self.session_id.iter().try_for_each(|id| check_session(id))?;
        let by = By { session_id: self.session_id.as_deref(), ..By::default() };
        put(tx, &self.actor, &self.subscription, by, self.devices_max, now_us)?;
        Ok(Done {})
    }
}

impl OwnCommand for DeleteWebPush {
    const NAME: &'static str = "deleteWebPush";
    type Answer = Done;

    /// The devices that they were registered as go too.
    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        let params = [Param::from(&self.actor), Param::from(self.endpoint.as_deref())];
        tx.execute(
            "DELETE FROM push_device WHERE did = $1 AND platform = 'web' AND token IN
                (SELECT w.device_token FROM web_push AS w WHERE w.did = $1 AND w.endpoint = coalesce($2, w.endpoint))",
            &params,
        )?;
        tx.execute(
            "DELETE FROM web_push WHERE did = $1 AND endpoint = coalesce($2, endpoint)",
            &params,
        )?;
        Ok(Done {})
    }
}

impl Question for GetPushSessions {
    const NAME: &'static str = "getPushSessions";
    type Answer = PushSessions;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<PushSessions, DataplaneError> {
        let limit = page_limit(self.limit, PUSH_SESSIONS_MAX)?;
        let after = self.after.unwrap_or_default();
        let session_ids = tx.query(
            "SELECT DISTINCT session_id FROM own.web_push WHERE session_id > $1 ORDER BY session_id LIMIT $2",
            &[Param::Text(&after), Param::Int(limit)],
            |row| row.get(0),
        )?;
        Ok(PushSessions { session_ids })
    }
}

impl OwnCommand for EndPushSessions {
    const NAME: &'static str = "endPushSessions";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        let count = u32::try_from(self.session_ids.len()).unwrap_or(u32::MAX);
        if count > PUSH_SESSIONS_MAX {
            let message = format!("at most {PUSH_SESSIONS_MAX} sessions end at once, not {count}");
            return Err(DataplaneError::InvalidRequest(message));
        }
        for session_id in &self.session_ids {
            check_session(session_id)?;
            tx.execute("DELETE FROM web_push WHERE session_id = $1", &[Param::Text(session_id)])?;
        }
        Ok(Done {})
    }
}

fn check_session(session_id: &str) -> Result<(), DataplaneError> {
    match (1..=SESSION_BYTES_MAX).contains(&session_id.len()) && !session_id.contains('\0') {
        true => Ok(()),
        false => Err(DataplaneError::InvalidRequest(format!(
            "a session has a name of 1 to {SESSION_BYTES_MAX} bytes"
        ))),
    }
}

impl Question for GetPushKey {
    const NAME: &'static str = "getPushKey";
    type Answer = PushKey;

    fn answer(self, _: &mut Tx, cx: &Context) -> Result<PushKey, DataplaneError> {
        Ok(PushKey { key: cx.push_key.clone() })
    }
}

/// Something stands there that is newer than what was told: a row, or posts of whom the account is subscribed to or
/// follows. Whether it is for the account's devices is looked at then.
const DUE: &str = "SELECT w.did, w.endpoint, w.p256dh, w.auth, w.told_us, w.told, w.failures
    FROM own.web_push AS w CROSS JOIN dictionary.actor AS d
    WHERE (w.did, w.endpoint) > ($1, $2) AND w.next_us <= $3 AND d.did = w.did
      AND (EXISTS (SELECT 1 FROM notification AS n WHERE n.actor_id = d.id AND n.sort_at_us > w.told_us)
        OR EXISTS (SELECT 1 FROM own.activity_subscription AS s CROSS JOIN dictionary.actor AS e
            CROSS JOIN feed_head AS h
            WHERE s.did = w.did AND e.did = s.subject AND h.actor_id = e.id AND h.sort_at_us > w.told_us)
        OR ($4 = 1 AND EXISTS (SELECT 1 FROM follow AS f CROSS JOIN feed_head AS h
            WHERE f.actor_id = d.id AND h.actor_id = f.subject_actor AND h.sort_at_us > w.told_us)))
    ORDER BY w.did, w.endpoint LIMIT $5";

impl Question for GetPushDue {
    const NAME: &'static str = "getPushDue";
    type Answer = PushDue;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<PushDue, DataplaneError> {
        let limit = page_limit(self.limit, DUE_MAX)?;
        let (did, endpoint) = self.after.unwrap_or_default();
        let params = [
            Param::Text(&did),
            Param::Text(&endpoint),
            Param::Int(self.now_us),
            Param::Int(i64::from(cx.new_post == NewPost::Followers)),
            Param::Int(limit),
        ];
        let found = tx.query(DUE, &params, |row| Ok((row.get::<String>(0)?, due(row)?)))?;
        let devices = found.into_iter().map(|(actor, due)| {
            let DueRow { subscription, told_us, told, failures } = due;
            Ok(DueDevice { actor: lookup::did(&actor)?, subscription, told_us, told, failures })
        });
        Ok(PushDue { devices: devices.collect::<Result<_, DataplaneError>>()? })
    }
}

/// A device without whose it is.
struct DueRow {
    subscription: PushSubscription,
    told_us: i64,
    told: String,
    failures: u32,
}

fn due(row: &Row<'_>) -> Result<DueRow, StoreError> {
    Ok(DueRow {
        subscription: PushSubscription {
            endpoint: row.get(1)?,
            keys: PushKeys { p256dh: row.get(2)?, auth: row.get(3)? },
        },
        told_us: row.get(4)?,
        told: row.get(5)?,
        failures: u32::try_from(row.get::<i64>(6)?).unwrap_or_default(),
    })
}

impl OwnCommand for NotePushed {
    const NAME: &'static str = "notePushed";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        if self.told.len() > TOLD_BYTES_MAX || self.told.contains('\0') {
            let message = format!("told must have at most {TOLD_BYTES_MAX} bytes");
            return Err(DataplaneError::InvalidRequest(message));
        }
        tx.execute(
            "UPDATE web_push SET told_us = $3, told = $4, next_us = $5, failures = $6
             WHERE did = $1 AND endpoint = $2",
            &[
                Param::from(&self.actor),
                Param::Text(&self.endpoint),
                Param::Int(self.told_us),
                Param::Text(&self.told),
                Param::Int(self.next_us),
                Param::Int(i64::from(self.failures)),
            ],
        )?;
        Ok(Done {})
    }
}
