//! Who vouches for accounts, of those whose word is asked for. An issuer counts once for each
//! account, with the latest of their words and the place of their first.

use foldhash::{HashMap, HashMapExt, HashSet};
use millrace_store::{Param, StoreError, Tx};

use super::names::NameIds;
use crate::collection::Collection;
use crate::model::Verification;
use crate::names::Names;

const SQL: &str = "SELECT v.subject_actor, v.actor_id, v.rkey, r.handle, r.display_name,
        CASE WHEN r.created_at_us < r.indexed_at_us THEN r.created_at_us ELSE r.indexed_at_us END AS sort_at_us
    FROM {id_list:$1} AS ids CROSS JOIN {id_list:$2} AS issuers
    CROSS JOIN verification_by_subject AS v CROSS JOIN verification AS r
    WHERE v.subject_actor = ids.id AND v.actor_id = issuers.id
      AND r.actor_id = v.actor_id AND r.rkey = v.rkey AND r.handle <> ''
    ORDER BY sort_at_us, v.actor_id, v.rkey";

#[derive(Debug, Default)]
pub(super) struct Verifications {
    trusted: HashSet<i64>,
    by_subject: HashMap<i64, Vec<Row>>,
}

#[derive(Debug)]
struct Row {
    issuer: i64,
    rkey: i64,
    handle: String,
    display_name: String,
    sort_at_us: i64,
}

impl Verifications {
    /// The words of `trusted` issuers about `subjects`.
    pub(super) fn load(tx: &mut Tx, trusted: &[i64], subjects: &[i64]) -> Result<Self, StoreError> {
        let mut found =
            Self { trusted: trusted.iter().copied().collect(), by_subject: HashMap::new() };
        if trusted.is_empty() {
            return Ok(found);
        }
        tx.for_each(SQL, &[Param::Ids(subjects), Param::Ids(trusted)], |row| {
            let rows = found.by_subject.entry(row.get(0)?).or_default();
            let word = Row {
                issuer: row.get(1)?,
                rkey: row.get(2)?,
                handle: row.get(3)?,
                display_name: row.get(4)?,
                sort_at_us: row.get(5)?,
            };
            match rows.iter_mut().find(|known| known.issuer == word.issuer) {
                Some(known) => *known = word,
                None => rows.push(word),
            }
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn is_trusted(&self, id: i64) -> bool {
        self.trusted.contains(&id)
    }

    /// Those who vouch for anybody.
    pub(super) fn issuers(&self) -> impl Iterator<Item = i64> {
        self.by_subject.values().flatten().map(|row| row.issuer)
    }

    pub(super) fn name(&self, ids: &mut NameIds) {
        self.by_subject.values().flatten().for_each(|row| ids.record(row.issuer, row.rkey));
    }

    pub(super) fn present(
        &self,
        subject: i64,
        names: &Names,
    ) -> Result<Vec<Verification>, StoreError> {
        let rows = self.by_subject.get(&subject).into_iter().flatten();
        rows.map(|row| {
            Ok(Verification {
                uri: names.uri(row.issuer, Collection::Verification.code(), row.rkey)?,
                issuer: names.did(row.issuer)?.clone(),
                handle: row.handle.clone(),
                display_name: row.display_name.clone(),
                created_at_us: row.sort_at_us,
            })
        })
        .collect()
    }
}
