//! `muteActor`, `muteActorList`, `muteThread` and their undoing: what an account does not want to
//! see. Accounts, lists and threads are named by DID and record key and need not be known here.
//!
//! Muting what is muted already changes no more than its scope; undoing what was not done changes
//! nothing. Each kind has a bound by account, which is a refusal and never a loss.

use millrace_atproto::syntax::{AtUri, Did, RecordKey};
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OwnCommand;
use crate::apply::change::{Change, Op, tell_own};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Accounts one account may mute.
pub const ACTOR_MUTES_MAX: i64 = 20_000;
/// Lists one account may mute.
pub const LIST_MUTES_MAX: i64 = 1_000;
/// Threads one account may mute.
pub const THREAD_MUTES_MAX: i64 = 20_000;

/// Mutes an account, or only what it reposts, or only its quotes. Says anew what of it is muted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MuteActor {
    pub actor: Did,
    pub subject: Did,
    #[serde(default)]
    pub only_reposts: bool,
    #[serde(default)]
    pub only_quoteposts: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnmuteActor {
    pub actor: Did,
    pub subject: Did,
}

/// Mutes whoever is on a list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MuteActorList {
    pub actor: Did,
    pub list: AtUri,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnmuteActorList {
    pub actor: Did,
    pub list: AtUri,
}

/// Mutes the thread that begins with the post `root`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MuteThread {
    pub actor: Did,
    pub root: AtUri,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnmuteThread {
    pub actor: Did,
    pub root: AtUri,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// A table of mutes: whose they are is `did`, what they are of is its other key columns.
struct Table {
    name: &'static str,
    subject: &'static [&'static str],
    rows_max: i64,
    /// What is muted, for people.
    of: &'static str,
}

const ACTORS: Table =
    Table { name: "actor_mute", subject: &["subject"], rows_max: ACTOR_MUTES_MAX, of: "accounts" };
const LISTS: Table = Table {
    name: "list_mute",
    subject: &["list_did", "list_rkey"],
    rows_max: LIST_MUTES_MAX,
    of: "lists",
};
const THREADS: Table = Table {
    name: "thread_mute",
    subject: &["root_did", "root_rkey"],
    rows_max: THREAD_MUTES_MAX,
    of: "threads",
};

impl Table {
    /// Adds a mute unless it is there or there are too many.
    fn add(
        &self,
        tx: &mut Tx,
        did: &Did,
        subject: &[&str],
        now_us: i64,
    ) -> Result<(), DataplaneError> {
        let Self { name, rows_max, of, .. } = self;
        let sql = format!("SELECT 1 FROM {name} WHERE {}", self.key());
        let known = tx.query_opt(&sql, &params(did, subject), |row| row.get::<i64>(0))?;
        if known.is_some() {
            return Ok(());
        }
        let sql = format!("SELECT count(*) FROM {name} WHERE did = $1");
        let rows: i64 = tx.query_one(&sql, &params(did, &[]), |row| row.get(0))?;
        if rows >= *rows_max {
            return Err(DataplaneError::InvalidRequest(format!(
                "an account may mute at most {rows_max} {of}"
            )));
        }
        let columns = self.subject.join(", ");
        let places: Vec<String> = (2..subject.len() + 3).map(|place| format!("${place}")).collect();
        let sql = format!(
            "INSERT INTO {name} (did, {columns}, created_at_us) VALUES ($1, {})",
            places.join(", ")
        );
        let mut values = params(did, subject);
        values.push(Param::Int(now_us));
        tx.execute(&sql, &values)?;
        Ok(())
    }

    fn remove(&self, tx: &mut Tx, did: &Did, subject: &[&str]) -> Result<(), DataplaneError> {
        let sql = format!("DELETE FROM {} WHERE {}", self.name, self.key());
        tx.execute(&sql, &params(did, subject))?;
        Ok(())
    }

    /// `did = $1 AND a = $2 …`
    fn key(&self) -> String {
        let columns = self.subject.iter().zip(2..);
        let columns = columns.map(|(column, place)| format!(" AND {column} = ${place}"));
        format!("did = $1{}", columns.collect::<String>())
    }
}

fn params<'a>(did: &'a Did, subject: &[&'a str]) -> Vec<Param<'a>> {
    [did.as_str()].into_iter().chain(subject.iter().copied()).map(Param::Text).collect()
}

/// Whose record of a collection a URI names, and under which key.
pub(super) fn record(
    uri: &AtUri,
    collection: Collection,
) -> Result<(&Did, &RecordKey), DataplaneError> {
    match uri.as_record() {
        Some((did, found, rkey)) if found.as_str() == collection.nsid() => Ok((did, rkey)),
        _ => Err(DataplaneError::InvalidRequest(format!(
            "not the URI of a record of {} by DID: {uri}",
            collection.nsid()
        ))),
    }
}

/// What a fact says of a mute instead of a record's collection.
pub const ACTOR_MUTE: &str = "own.actor_mute";

/// Homes are told whom an account mutes, or no longer.
fn tell(tx: &mut Tx, actor: &Did, subject: &Did, op: Op) -> Result<(), DataplaneError> {
    Ok(tell_own(tx, actor, &[change(op, subject.to_string())])?)
}

fn change(op: Op, subject: String) -> Change {
    Change { subject: Some(subject), ..Change::of(op, ACTOR_MUTE.to_owned(), String::new()) }
}

/// What homes are told before everything of an account is taken away.
pub(crate) fn all_gone(tx: &mut Tx, did: &str) -> Result<Vec<Change>, StoreError> {
    let sql = "SELECT subject FROM actor_mute WHERE did = $1";
    tx.query(sql, &[Param::Text(did)], |row| Ok(change(Op::Removed, row.get(0)?)))
}

impl OwnCommand for MuteActor {
    const NAME: &'static str = "muteActor";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        if self.actor == self.subject {
            return Err(DataplaneError::InvalidRequest("nobody can mute themselves".to_owned()));
        }
        ACTORS.add(tx, &self.actor, &[self.subject.as_str()], now_us)?;
        tx.execute(
            "UPDATE actor_mute SET only_reposts = $3, only_quoteposts = $4 WHERE did = $1 AND subject = $2",
            &[
                Param::Text(self.actor.as_str()),
                Param::Text(self.subject.as_str()),
                Param::Bool(self.only_reposts),
                Param::Bool(self.only_quoteposts),
            ],
        )?;
        tell(tx, &self.actor, &self.subject, Op::Inserted)?;
        Ok(Done {})
    }
}

impl OwnCommand for UnmuteActor {
    const NAME: &'static str = "unmuteActor";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        ACTORS.remove(tx, &self.actor, &[self.subject.as_str()])?;
        tell(tx, &self.actor, &self.subject, Op::Removed)?;
        Ok(Done {})
    }
}

impl OwnCommand for MuteActorList {
    const NAME: &'static str = "muteActorList";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        let (did, rkey) = record(&self.list, Collection::List)?;
        LISTS.add(tx, &self.actor, &[did.as_str(), rkey.as_str()], now_us)?;
        Ok(Done {})
    }
}

impl OwnCommand for UnmuteActorList {
    const NAME: &'static str = "unmuteActorList";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        let (did, rkey) = record(&self.list, Collection::List)?;
        LISTS.remove(tx, &self.actor, &[did.as_str(), rkey.as_str()])?;
        Ok(Done {})
    }
}

impl OwnCommand for MuteThread {
    const NAME: &'static str = "muteThread";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        let (did, rkey) = record(&self.root, Collection::Post)?;
        THREADS.add(tx, &self.actor, &[did.as_str(), rkey.as_str()], now_us)?;
        Ok(Done {})
    }
}

impl OwnCommand for UnmuteThread {
    const NAME: &'static str = "unmuteThread";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        let (did, rkey) = record(&self.root, Collection::Post)?;
        THREADS.remove(tx, &self.actor, &[did.as_str(), rkey.as_str()])?;
        Ok(Done {})
    }
}
