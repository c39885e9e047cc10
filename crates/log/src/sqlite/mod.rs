//! skeleton
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;

use crate::tails::Tails;
use crate::{Append, Appended, Item, LogConfig, LogError, Removed, Retention, Topic};

pub(crate) struct SqliteLog {
    tails: Tails,
}
#[expect(clippy::unimplemented, reason = "skeleton")]
impl SqliteLog {
    pub(crate) fn open(_: &LogConfig, _: SharedClock, _: &Registry) -> Result<Self, LogError> {
        unimplemented!()
    }
    pub(crate) fn tails(&self) -> &Tails {
        &self.tails
    }
    pub(crate) async fn append(&self, _: Topic, _: Vec<Append>) -> Result<Appended, LogError> {
        unimplemented!()
    }
    pub(crate) async fn read(
        &self,
        _: Topic,
        _: u32,
        _: i64,
        _: usize,
    ) -> Result<Vec<Item>, LogError> {
        unimplemented!()
    }
    pub(crate) async fn retain(&self, _: Topic, _: &Retention) -> Result<Removed, LogError> {
        unimplemented!()
    }
    pub(crate) async fn close(&self) {
        unimplemented!()
    }
}
