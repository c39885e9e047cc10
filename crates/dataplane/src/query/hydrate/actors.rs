//! Accounts: profile, counters, and what they declare of themselves.

use foldhash::{HashMap, HashMapExt, HashSet};
use millrace_atproto::syntax::{Did, Handle};
use millrace_store::{Param, Row, StoreError, Tx, dictionary};

use super::counts::Counted;
use super::documents::{DocumentRow, RecordBytes};
use crate::apply::counters::ActorCounters;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::{Actor, Record};
use crate::query::lookup;

/// Accounts by id, inactive ones included.
#[derive(Debug, Default)]
pub(super) struct Actors {
    rows: Vec<(i64, ActorRow)>,
    labelers: HashSet<i64>,
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
    count: ActorCounters,
}

const ACTORS: &str = "SELECT a.actor_id, a.handle, a.active, a.status, a.indexed_at_us,
        p.cid, p.record, p.indexed_at_us
    FROM {id_list:$1} AS ids CROSS JOIN actor AS a
    LEFT JOIN profile AS p ON p.actor_id = a.actor_id
    WHERE a.actor_id = ids.id";

const LABELERS: &str = "SELECT ids.id FROM {id_list:$1} AS ids
    WHERE EXISTS (SELECT 1 FROM document AS d
        WHERE d.actor_id = ids.id AND d.collection = $2 AND d.rkey = $3)";

/// Codes of statuses and declarations follow one another, so that one look finds them all.
const DECLARATIONS: &str =
    "SELECT d.actor_id, d.collection, d.cid, d.record, d.sort_at_us, d.indexed_at_us
    FROM {id_list:$1} AS ids CROSS JOIN document AS d
    WHERE d.actor_id = ids.id AND d.collection BETWEEN $2 AND $3 AND d.rkey = $4";

impl Actors {
    /// `ids` are distinct.
    pub(super) fn load(
        tx: &mut Tx,
        counted: &mut Counted,
        ids: &[i64],
        bytes: &mut RecordBytes,
    ) -> Result<Self, DataplaneError> {
        let mut dids = dictionary::actor_dids(tx, ids)?;
        let rows: Vec<Option<(i64, ActorRow)>> = tx.query(ACTORS, &[Param::Ids(ids)], |row| {
            let id = row.get(0)?;
            dids.remove(&id).map(|did| Ok((id, actor_row(did, row)?))).transpose()
        })?;
        let mut actors = Self { rows: rows.into_iter().flatten().collect(), ..Self::default() };
        counted.read(tx, ids.iter().copied())?;
        for (id, row) in &mut actors.rows {
            row.count = counted.of(*id);
        }
        actors.read_declarations(tx)?;
        bytes.take(actors.declarations.values().map(|row| row.record.len()).sum());
        Ok(actors)
    }

    /// Of those who declare anything.
    fn read_declarations(&mut self, tx: &mut Tx) -> Result<(), DataplaneError> {
        let declaring = self.rows.iter().filter(|(_, row)| row.count.declarations > 0);
        let declaring: Vec<i64> = declaring.map(|(id, _)| *id).collect();
        if declaring.is_empty() {
            return Ok(());
        }
        // Without the key nobody has a record under it.
        let Some(own) = lookup::side_table_id(tx, "self")? else { return Ok(()) };
        let service = [Collection::Labeler.code(), own].map(Param::Int);
        self.labelers = lookup::some_of(tx, LABELERS, declaring.iter().copied(), &service)?;
        let (first, last) = (Collection::Status.code(), Collection::GermDeclaration.code());
        let params = [Param::Ids(&declaring), Param::Int(first), Param::Int(last), Param::Int(own)];
        tx.for_each(DECLARATIONS, &params, |row| {
            if let Some(collection) = Collection::from_code(row.get(1)?) {
                self.declarations.insert((row.get(0)?, collection), DocumentRow::read(row, 2)?);
            }
            Ok(())
        })?;
        Ok(())
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
                is_labeler: self.labelers.contains(&id),
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
    Ok(ActorRow {
        did,
        handle: row.get(1)?,
        active: row.get(2)?,
        status: row.get(3)?,
        indexed_at_us: row.get(4)?,
        profile: cid.zip(record).zip(indexed_at_us).map(|((cid, record), at)| (cid, record, at)),
        count: ActorCounters::default(),
    })
}

impl ActorRow {
    fn present(self) -> Result<Actor, DataplaneError> {
        let profile = self.profile.map(|(cid, record, indexed_at_us)| {
            let (cid, value) = (lookup::cid(&cid)?, lookup::raw(record)?);
            Ok::<_, DataplaneError>(Record { cid, value, indexed_at_us })
        });
        let count = self.count;
        Ok(Actor {
            did: self.did,
            handle: self.handle.as_deref().and_then(|handle| Handle::parse(handle).ok()),
            active: self.active,
            status: self.status,
            indexed_at_us: self.indexed_at_us,
            profile: profile.transpose()?,
            followers_count: count.followers,
            follows_count: count.follows,
            posts_count: count.posts,
            lists_count: count.lists,
            generators_count: count.generators,
            starter_packs_count: count.starter_packs,
            is_labeler: false,
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
