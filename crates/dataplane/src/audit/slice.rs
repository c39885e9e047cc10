//! Going through a check slice by slice: the next rows, fewer of them when they take too long, some of
//! them left out where a sample is enough.

use millrace_store::{Store, StoreError};

use super::naming::named;
use super::{AuditOptions, Check, Looked};

/// Where a check stands.
pub(crate) struct Walk {
    check: &'static dyn Check,
    after: Vec<i64>,
    limit: i64,
    limit_max: i64,
    /// Of a hundred slices so many are judged.
    sample_percent: u64,
    told_since_us: i64,
    slices: u64,
    done: bool,
    /// Rows that took too long even alone.
    pub(crate) skipped: u64,
}

impl Walk {
    pub(crate) fn new(check: &'static dyn Check, options: &AuditOptions) -> Self {
        let limit_max = i64::from(options.slice_rows_max.max(1)).min(check.rows_max());
        Self {
            check,
            after: vec![i64::MIN; check.width()],
            limit: limit_max,
            limit_max,
            sample_percent: u64::from(options.sample_percent.clamp(1, 100)),
            told_since_us: options.told_since_us,
            slices: 0,
            done: false,
            skipped: 0,
        }
    }

    /// The next slice; `None` at the end of the table.
    pub(crate) async fn next(&mut self, store: &Store) -> Result<Option<Looked>, StoreError> {
        while !self.done {
            let (check, after, limit) = (self.check, self.after.clone(), self.limit);
            let (judged, since_us) = (self.is_sampled(), self.told_since_us);
            let looked = store
                .read(move |tx| {
                    let slice = check.look_since(tx, &after, limit, since_us)?;
                    let findings = if judged { slice.findings } else { Vec::new() };
                    let named = named(tx, &findings)?;
                    Ok::<_, StoreError>(Looked {
                        rows: if judged { slice.rows } else { 0 },
                        last: slice.last,
                        findings,
                        named,
                    })
                })
                .await;
            match looked {
                Ok(looked) => {
                    self.slices += 1;
                    self.limit = (self.limit * 2).min(self.limit_max);
                    match &looked.last {
                        Some(last) => self.after.clone_from(last),
                        None => self.done = true,
                    }
                    if !self.done {
                        return Ok(Some(looked));
                    }
                }
                // Half as many may be quick enough.
                Err(StoreError::Timeout { .. }) if self.limit > 1 => self.limit /= 2,
                Err(StoreError::Timeout { .. }) => {
                    // One row cannot be judged in the time of a read. What comes next is not known
                    // without it, so the rest of this table is left for another time.
                    self.skipped += 1;
                    self.done = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Spreads the sample evenly.
    fn is_sampled(&self) -> bool {
        let before = self.slices * self.sample_percent / 100;
        (self.slices + 1) * self.sample_percent / 100 > before
    }
}
