//! `getNotificationPreferences`, `putNotificationPreferences`, `putNotificationPriority`: what an
//! account wants to be told of. What it lists, it sees and is counted for it; a reason for which it
//! named nothing is listed and pushed, whoever caused it.

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::Did;
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mute::Done;
use super::{Context, OwnCommand, Question};
use crate::error::DataplaneError;
use crate::reason::Reason;

/// What an account wants for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preference {
    pub reason: Reason,
    /// Only what accounts cause that it follows.
    pub only_follows: bool,
    /// It is listed and counted.
    pub list: bool,
    /// It is pushed to the account's devices.
    pub push: bool,
}

impl Preference {
    /// What holds for who named nothing.
    fn unnamed(reason: Reason) -> Self {
        Self { reason, only_follows: false, list: true, push: true }
    }
}

/// What `actor` wants to be told of.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetNotificationPreferences {
    pub actor: Did,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationPreferences {
    /// Each reason once.
    pub preferences: Vec<Preference>,
    /// Unless it says otherwise it is told only of whom it follows.
    pub priority: bool,
}

/// Says anew what `actor` wants for some reasons; the others stay.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutNotificationPreferences {
    pub actor: Did,
    pub preferences: Vec<Preference>,
}

/// Says whether `actor`, unless it says otherwise, is told only of whom it follows.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutNotificationPriority {
    pub actor: Did,
    pub priority: bool,
}

/// What an account wants, as it is stored.
#[derive(Debug, Default)]
struct Wishes {
    named: HashMap<Reason, Preference>,
    priority: bool,
}

/// Where the tables are: those of this domain, or those of `own` beside it.
#[derive(Debug, Clone, Copy)]
enum At {
    Here,
    Beside,
}

impl At {
    fn table(self, name: &str) -> String {
        match self {
            Self::Here => name.to_owned(),
            Self::Beside => format!("own.{name}"),
        }
    }
}

impl Wishes {
    fn of(tx: &mut Tx, did: &Did) -> Result<Self, StoreError> {
        Self::read(tx, did, At::Beside)
    }

    fn read(tx: &mut Tx, did: &Did, at: At) -> Result<Self, StoreError> {
        let mut named = HashMap::new();
        let sql = format!(
            "SELECT reason, only_follows, list, push FROM {} WHERE did = $1",
            at.table("notification_preference")
        );
        tx.for_each(&sql, &[Param::from(did)], |row| {
            let reason = row.text(0)?;
            if let Some(reason) = Reason::from_name(reason) {
                let (only_follows, list, push) = (row.get(1)?, row.get(2)?, row.get(3)?);
                named.insert(reason, Preference { reason, only_follows, list, push });
            }
            Ok(())
        })?;
        let sql =
            format!("SELECT priority FROM {} WHERE did = $1", at.table("notification_priority"));
        let priority = tx.query_opt(&sql, &[Param::from(did)], |row| row.get(0))?;
        Ok(Self { named, priority: priority.unwrap_or(false) })
    }

    fn for_reason(&self, reason: Reason) -> Preference {
        self.named.get(&reason).copied().unwrap_or_else(|| Preference::unnamed(reason))
    }

    fn all(&self) -> NotificationPreferences {
        let preferences = Reason::ALL.iter().map(|reason| self.for_reason(*reason)).collect();
        NotificationPreferences { preferences, priority: self.priority }
    }
}

/// For which reasons an account is told, as codes.
pub(super) struct Wanted {
    /// Whoever caused it.
    pub of_all: Vec<i64>,
    /// Only if the account follows who caused it.
    pub of_followed: Vec<i64>,
    pub priority: bool,
}

impl Wanted {
    /// What is asked for, all reasons if none is named, as far as the account wants to be told.
    pub(super) fn of(
        tx: &mut Tx,
        actor: &Did,
        asked: &[String],
        priority: Option<bool>,
    ) -> Result<Self, StoreError> {
        let wishes = Wishes::of(tx, actor)?;
        let priority = priority.unwrap_or(wishes.priority);
        let is_asked =
            |reason: Reason| asked.is_empty() || asked.iter().any(|name| name == reason.name());
        Ok(Self::by(&wishes, priority, |wish| wish.list && is_asked(wish.reason)))
    }

    /// What the account's devices are told of.
    pub(super) fn pushed(tx: &mut Tx, actor: &Did) -> Result<Self, StoreError> {
        let wishes = Wishes::of(tx, actor)?;
        Ok(Self::by(&wishes, wishes.priority, |wish| wish.push))
    }

    fn by(wishes: &Wishes, priority: bool, is_wanted: impl Fn(&Preference) -> bool) -> Self {
        let mut wanted = Self { of_all: Vec::new(), of_followed: Vec::new(), priority };
        for reason in Reason::ALL {
            let wish = wishes.for_reason(*reason);
            if is_wanted(&wish) {
                let only_followed = priority || wish.only_follows;
                let told = if only_followed { &mut wanted.of_followed } else { &mut wanted.of_all };
                told.push(reason.code());
            }
        }
        wanted
    }

    /// Whether the reason counts, be it only of whom the account follows.
    pub(super) fn tells_of(&self, reason: Reason) -> bool {
        self.of_all.contains(&reason.code()) || self.of_followed.contains(&reason.code())
    }
}

impl Question for GetNotificationPreferences {
    const NAME: &'static str = "getNotificationPreferences";
    type Answer = NotificationPreferences;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<NotificationPreferences, DataplaneError> {
        Ok(Wishes::of(tx, &self.actor)?.all())
    }
}

impl OwnCommand for PutNotificationPreferences {
    const NAME: &'static str = "putNotificationPreferences";
    type Answer = NotificationPreferences;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<NotificationPreferences, DataplaneError> {
        if self.preferences.len() > Reason::ALL.len() {
            return Err(DataplaneError::InvalidRequest("each reason may be named once".to_owned()));
        }
        for preference in &self.preferences {
            tx.execute(
                "INSERT INTO notification_preference (did, reason, only_follows, list, push)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (did, reason) DO UPDATE SET only_follows = excluded.only_follows,
                    list = excluded.list, push = excluded.push",
                &[
                    Param::from(&self.actor),
                    Param::Text(preference.reason.name()),
                    Param::Bool(preference.only_follows),
                    Param::Bool(preference.list),
                    Param::Bool(preference.push),
                ],
            )?;
        }
        Ok(Wishes::read(tx, &self.actor, At::Here)?.all())
    }
}

impl OwnCommand for PutNotificationPriority {
    const NAME: &'static str = "putNotificationPriority";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        tx.execute(
            "INSERT INTO notification_priority (did, priority) VALUES ($1, $2)
             ON CONFLICT (did) DO UPDATE SET priority = excluded.priority",
            &[Param::from(&self.actor), Param::Bool(self.priority)],
        )?;
        Ok(Done {})
    }
}
