//! Accounts: profile, counters, and what they declare of themselves.

use std::collections::HashMap;

use millrace_atproto::syntax::{Did, Handle};
use millrace_store::{Param, Row, StoreError, Tx, dictionary};

use super::documents::{DocumentRow, RecordBytes};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::{Actor, Record};
use crate::query::lookup;

/// Accounts by id, inactive ones included.
#[derive(Debug, Default)]
pub(super) struct Actors {
    rows: Vec<(i64, ActorRow)>,
    declarations: HashMap<(i64, Collection), DocumentRow>,
}

#[derive(Debug)]
struct ActorRow {
    did: Did,
    handle: Option<String>,
    active: bool,
    status: Option<String>,
    indexed_at_us: i64,
    profile: Option<(Vec<u8>, String, i64)>,
    /// Followers, follows, posts, lists, generators, starter packs.
    counts: [i64; 6],
    is_labeler: bool,
}

const ACTORS: &str = "SELECT a.actor_id, a.handle, a.active, a.status, a.indexed_at_us,
        p.cid, p.record, p.indexed_at_us,
        c.followers, c.follows, c.posts, c.lists, c.generators, c.starter_packs,
        CASE WHEN EXISTS (SELECT 1 FROM document AS l
            WHERE l.actor_id = a.actor_id AND l.collection = $2 AND l.rkey = $3) THEN 1 ELSE 0 END
    FROM {id_list:$1} AS ids CROSS JOIN actor AS a
    LEFT JOIN profile AS p ON p.actor_id = a.actor_id
    LEFT JOIN actor_count AS c ON c.actor_id = a.actor_id
    WHERE a.actor_id = ids.id";

/// Codes of statuses and declarations follow one another, so that one look finds them all.
const DECLARATIONS: &str =
    "SELECT d.actor_id, d.collection, d.cid, d.record, d.sort_at_us, d.indexed_at_us
    FROM {id_list:$1} AS ids CROSS JOIN document AS d
    WHERE d.actor_id = ids.id AND d.collection BETWEEN $2 AND $3 AND d.rkey = $4";

impl Actors {
    /// `ids` are distinct.
    pub(super) fn load(
        tx: &mut Tx,
        ids: &[i64],
        bytes: &mut RecordBytes,
    ) -> Result<Self, DataplaneError> {
        // Without the key nobody has a record under it.
        let own = lookup::side_table_id(tx, "self")?.unwrap_or(i64::MIN);
        let labeler = Collection::Labeler.code();
        let params = [Param::Ids(ids), Param::Int(labeler), Param::Int(own)];
        let mut dids = dictionary::actor_dids(tx, ids)?;
        let rows: Vec<Option<(i64, ActorRow)>> = tx.query(ACTORS, &params, |row| {
            let id = row.get(0)?;
            dids.remove(&id).map(|did| Ok((id, actor_row(did, row)?))).transpose()
        })?;
        let rows = rows.into_iter().flatten().collect();
        let (first, last) = (Collection::Status.code(), Collection::GermDeclaration.code());
        let params = [Param::Ids(ids), Param::Int(first), Param::Int(last), Param::Int(own)];
        let mut declarations = HashMap::new();
        tx.for_each(DECLARATIONS, &params, |row| {
            if let Some(collection) = Collection::from_code(row.get(1)?) {
                declarations.insert((row.get(0)?, collection), DocumentRow::read(row, 2)?);
            }
            Ok(())
        })?;
        bytes.take(declarations.values().map(|row| row.record.len()).sum());
        Ok(Self { rows, declarations })
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        self.rows.iter().map(|(id, _)| *id)
    }

    /// Without what the viewer and others are to them.
    pub(super) fn present(mut self) -> Result<HashMap<i64, Actor>, DataplaneError> {
        let mut actors = HashMap::with_capacity(self.rows.len());
        for (id, row) in std::mem::take(&mut self.rows) {
            let mut record = |collection| {
                let row = self.declarations.remove(&(id, collection));
                row.map(DocumentRow::into_record).transpose()
            };
            let status_record = record(Collection::Status)?;
            let notification_declaration = record(Collection::NotificationDeclaration)?;
            let chat_declaration = record(Collection::ChatDeclaration)?;
            let germ_declaration = record(Collection::GermDeclaration)?;
            let actor = Actor {
                status_record,
                notification_declaration: notification_declaration.map(|record| record.value),
                chat_declaration: chat_declaration.map(|record| record.value),
                germ_declaration,
                ..row.present()?
            };
            actors.insert(id, actor);
        }
        Ok(actors)
    }
}

fn actor_row(did: Did, row: &Row<'_>) -> Result<ActorRow, StoreError> {
    let cid: Option<Vec<u8>> = row.get(5)?;
    let record: Option<String> = row.get(6)?;
    let indexed_at_us: Option<i64> = row.get(7)?;
    let mut counts = [0; 6];
    for (column, count) in (8..).zip(&mut counts) {
        *count = row.get::<Option<i64>>(column)?.unwrap_or(0);
    }
    Ok(ActorRow {
        did,
        handle: row.get(1)?,
        active: row.get(2)?,
        status: row.get(3)?,
        indexed_at_us: row.get(4)?,
        profile: cid.zip(record).zip(indexed_at_us).map(|((cid, record), at)| (cid, record, at)),
        counts,
        is_labeler: row.get(14)?,
    })
}

impl ActorRow {
    fn present(self) -> Result<Actor, DataplaneError> {
        let profile = self.profile.map(|(cid, record, indexed_at_us)| {
            let (cid, value) = (lookup::cid(&cid)?, lookup::raw(record)?);
            Ok::<_, DataplaneError>(Record { cid, value, indexed_at_us })
        });
        let [followers, follows, posts, lists, generators, starter_packs] = self.counts;
        Ok(Actor {
            did: self.did,
            handle: self.handle.as_deref().and_then(|handle| Handle::parse(handle).ok()),
            active: self.active,
            status: self.status,
            indexed_at_us: self.indexed_at_us,
            profile: profile.transpose()?,
            followers_count: followers,
            follows_count: follows,
            posts_count: posts,
            lists_count: lists,
            generators_count: generators,
            starter_packs_count: starter_packs,
            is_labeler: self.is_labeler,
            status_record: None,
            notification_declaration: None,
            chat_declaration: None,
            germ_declaration: None,
            trusted_verifier: false,
            verifications: Vec::new(),
            joined_via: None,
            viewer: None,
        })
    }
}
