//! `registerPush`, `unregisterPush`: devices to which an account wants its notifications pushed.
//!
//! A device that comes again is the same one; the platform may give it another token at any time, so
//! of too many those go that have not come for longest. Others of the account lose nothing by that,
//! for a device comes again whenever its app is opened. One that is a browser is told what is new ([`web_push`]); the
//! others are kept for whoever delivers to their platforms, which nobody does here.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OwnCommand;
use super::mute::Done;
use super::web_push::{self, By, PushSubscription};
use crate::error::DataplaneError;

/// Devices of one account, whatever is asked for.
pub const DEVICES_MAX: u32 = 100;
/// Bytes of a token: those of browsers are small documents.
pub const TOKEN_BYTES_MAX: usize = 4_096;
/// Bytes of an app's name.
pub const APP_BYTES_MAX: usize = 256;

/// What delivers to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Ios,
    Android,
    Web,
}

impl Platform {
    fn name(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Web => "web",
        }
    }
}

/// An app on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Device {
    pub platform: Platform,
    pub app_id: String,
    /// What the platform knows it by.
    pub token: String,
}

/// Notifications of `actor` are to be pushed to a device.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterPush {
    pub actor: Did,
    pub device: Device,
    #[serde(default)]
    pub age_restricted: bool,
    /// Devices that the account may have; those that came last stay.
    pub devices_max: u32,
}

/// Notifications of `actor` are to be pushed to a device no more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnregisterPush {
    pub actor: Did,
    pub device: Device,
}

impl Device {
    fn check(&self) -> Result<(), DataplaneError> {
        for (what, text, bytes_max) in
            [("app's name", &self.app_id, APP_BYTES_MAX), ("token", &self.token, TOKEN_BYTES_MAX)]
        {
            if text.is_empty() || text.len() > bytes_max {
                return Err(DataplaneError::InvalidRequest(format!(
                    "the {what} of a device has from 1 to {bytes_max} bytes, not {}",
                    text.len()
                )));
            }
        }
        Ok(())
    }

    fn params<'a>(&'a self, actor: &'a Did) -> [Param<'a>; 4] {
        [
            Param::from(actor),
            Param::Text(self.platform.name()),
            Param::Text(&self.app_id),
            Param::Text(&self.token),
        ]
    }
}

impl OwnCommand for RegisterPush {
    const NAME: &'static str = "registerPush";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        self.device.check()?;
        if !(1..=DEVICES_MAX).contains(&self.devices_max) {
            return Err(DataplaneError::InvalidRequest(format!(
                "an account may have from 1 to {DEVICES_MAX} devices, not {}",
                self.devices_max
            )));
        }
        let device = self.device.params(&self.actor);
        let told = [Param::Bool(self.age_restricted), Param::Int(now_us)];
        tx.execute(
            "INSERT INTO push_device (did, platform, app_id, token, age_restricted, updated_at_us)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (did, platform, app_id, token) DO UPDATE SET
                age_restricted = excluded.age_restricted, updated_at_us = excluded.updated_at_us",
            &[&device[..], &told[..]].concat(),
        )?;
        if self.device.platform == Platform::Web
            && let Some(browser) = PushSubscription::of_token(&self.device.token)
        {
            let by = By { device_token: Some(&self.device.token), ..By::default() };
            web_push::put(tx, &self.actor, &browser, by, self.devices_max, now_us)?;
        }
        // Of those that came at the same moment the new one stays.
        let devices_max = Param::Int(i64::from(self.devices_max) - 1);
        tx.execute(
            "DELETE FROM push_device WHERE did = $1
               AND NOT (platform = $2 AND app_id = $3 AND token = $4)
               AND (platform, app_id, token) NOT IN (SELECT d.platform, d.app_id, d.token
                 FROM push_device AS d
                 WHERE d.did = $1 AND NOT (d.platform = $2 AND d.app_id = $3 AND d.token = $4)
                 ORDER BY d.updated_at_us DESC, d.platform, d.app_id, d.token LIMIT $5)",
            &[&device[..], &[devices_max]].concat(),
        )?;
        Ok(Done {})
    }
}

impl OwnCommand for UnregisterPush {
    const NAME: &'static str = "unregisterPush";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        self.device.check()?;
        tx.execute(
            "DELETE FROM web_push WHERE did = $1 AND device_token = $2",
            &[Param::from(&self.actor), Param::Text(&self.device.token)],
        )?;
        tx.execute(
            "DELETE FROM push_device WHERE did = $1 AND platform = $2 AND app_id = $3 AND token = $4",
            &self.device.params(&self.actor),
        )?;
        Ok(Done {})
    }
}
