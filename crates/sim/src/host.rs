//! A PDS: its firehose, its clock, and who has moved away from it.

use std::collections::BTreeMap;

use millrace_atproto::syntax::Did;

use crate::channel::Channel;
use crate::status::Status;

/// A PDS of the network.
#[derive(Debug)]
pub(crate) struct Host {
    pub channel: Channel,
    /// How far its clock is ahead.
    pub skew_us: i64,
    /// Accounts that were here, and what it says about them now.
    pub moved: BTreeMap<Did, Status>,
    /// The newest revision it gave out, as a time.
    pub last_rev_us: i64,
}

impl Host {
    pub(crate) fn new(channel: Channel, skew_us: i64) -> Self {
        Self { channel, skew_us, moved: BTreeMap::new(), last_rev_us: 0 }
    }

    /// What its clock shows.
    pub(crate) fn now_us(&self, now_us: i64) -> i64 {
        now_us.saturating_add(self.skew_us)
    }
}
