//! Labels: what the labelers a reader accepts say of what is shown.
//!
//! Most of what is shown has no label at all: that is asked first, and labelers only of the rest.

use std::collections::BTreeSet;

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};

use super::names::NameIds;
use crate::apply::ids::Subject;
use crate::apply::label::ACCOUNT;
use crate::error::DataplaneError;
use crate::model::Label;
use crate::names::Names;
use crate::query::lookup;

const LABELLED: &str = "SELECT k.actor, k.collection, k.rkey
    FROM {rows:actor BIGINT, collection BIGINT, rkey BIGINT} AS k
    WHERE EXISTS (SELECT 1 FROM label AS l WHERE l.subject_actor = k.actor
        AND l.subject_collection = k.collection AND l.subject_rkey = k.rkey)";

const LABELS: &str = "SELECT l.subject_actor, l.subject_collection, l.subject_rkey, l.src,
        l.val, l.cid, l.cts, l.exp
    FROM {rows:actor BIGINT, collection BIGINT, rkey BIGINT, src BIGINT, now_us BIGINT} AS k
    CROSS JOIN label AS l
    WHERE l.subject_actor = k.actor AND l.subject_collection = k.collection
      AND l.subject_rkey = k.rkey AND l.src = k.src
      AND l.neg = 0 AND (l.exp_us IS NULL OR l.exp_us > k.now_us)";

/// A label that holds, its names still ids.
#[derive(Debug)]
pub(crate) struct LabelRow {
    pub(crate) subject: Subject,
    pub(crate) src: i64,
    pub(crate) val: String,
    pub(crate) cid: Option<String>,
    pub(crate) cts: String,
    pub(crate) exp: Option<String>,
}

impl LabelRow {
    /// Reads the columns that both questions about labels select, in this order.
    pub(crate) fn read(row: &millrace_store::Row<'_>) -> Result<Self, millrace_store::StoreError> {
        Ok(Self {
            subject: Subject::read(row, 0)?,
            src: row.get(3)?,
            val: row.get(4)?,
            cid: row.get(5)?,
            cts: row.get(6)?,
            exp: row.get(7)?,
        })
    }

    fn place(&self) -> (Subject, i64, &str) {
        (self.subject, self.src, &self.val)
    }

    pub(crate) fn present(self, names: &Names) -> Result<Label, DataplaneError> {
        let Subject { actor, collection, rkey } = self.subject;
        let uri = match collection {
            ACCOUNT => names.did(actor)?.to_string(),
            _ => names.uri(actor, collection, rkey)?,
        };
        let src = names.did(self.src)?.clone();
        let Self { cid, val, cts, exp, .. } = self;
        Ok(Label { ver: None, src, uri, cid, val, cts, exp, sig: None })
    }
}

/// The labels of an answer.
#[derive(Debug, Default)]
pub(super) struct Labels(Vec<LabelRow>);

impl Labels {
    /// What `labelers` say of `subjects`.
    pub(super) fn load(
        tx: &mut Tx,
        labelers: &[Did],
        subjects: &BTreeSet<Subject>,
    ) -> Result<Self, DataplaneError> {
        let labelers = lookup::actor_ids(tx, labelers)?;
        if labelers.is_empty() {
            return Ok(Self::default());
        }
        let key = |subject: &Subject| [subject.actor, subject.collection, subject.rkey];
        let labelled: Vec<[i64; 3]> =
            tx.query_many(LABELLED, subjects.iter().map(|it| key(it).map(Param::Int)), |row| {
                Ok([row.get(0)?, row.get(1)?, row.get(2)?])
            })?;
        let now_us = tx.now_us();
        let asked = labelled.iter().flat_map(|[actor, collection, rkey]| {
            let of = |src: &i64| [*actor, *collection, *rkey, *src, now_us].map(Param::Int);
            labelers.iter().map(of)
        });
        let mut rows = tx.query_many(LABELS, asked, LabelRow::read)?;
        rows.sort_unstable_by(|left: &LabelRow, right| left.place().cmp(&right.place()));
        Ok(Self(rows))
    }

    pub(super) fn name(&self, ids: &mut NameIds) {
        for row in &self.0 {
            ids.actor(row.src);
            ids.record(row.subject.actor, row.subject.rkey);
            ids.record(row.subject.actor, row.subject.collection);
        }
    }

    pub(super) fn present(self, names: &Names) -> Result<Vec<Label>, DataplaneError> {
        self.0.into_iter().map(|row| row.present(names)).collect()
    }
}

/// An account as a subject.
pub(super) fn account(actor: i64) -> Subject {
    Subject { actor, collection: ACCOUNT, rkey: 0 }
}
