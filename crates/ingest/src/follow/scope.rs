//! Events of accounts that are not followed: counted and passed by the cursor, with nothing of them
//! looked at but whose they are.

use millrace_atproto::Did;

use super::{End, Follow};
use crate::append::Item;
use crate::lane::EVENT_FRAME_BYTES;
use crate::source::{Head, Kind, Source};
use crate::tables::scope::OUT_OF_SCOPE;

impl<S: Source> Follow<S> {
    /// Whether the event is not taken. What is not about records is for the lane to say, which knows
    /// whether anything of the account is kept.
    pub(super) fn is_out_of_scope(&self, head: &Head) -> bool {
        matches!(head.kind, Kind::Commit | Kind::Sync)
            && !self.deps.scope.includes(&head.did)
            && head.fault.is_none()
            && Did::validate(&head.did).is_ok()
    }

    /// Passes over it. `Some` ends the connection.
    pub(super) async fn pass_over(&mut self, head: &Head, now_us: i64) -> Option<End> {
        // Its bytes are let go at once, but the cursor may wait for others, and so may we.
        if let Err(end) = self.room(EVENT_FRAME_BYTES).await {
            return Some(end);
        }
        self.broken.good();
        self.fruitless = 0;
        self.too_old = false;
        let did = Did::parse(&head.did).ok();
        let reason = match self.state.begin(head.seq, did.as_ref(), head.time_us, now_us) {
            Some(ticket) => {
                self.state.passed_over();
                self.state.judged(head.seq);
                let item = Item { tickets: vec![ticket], ..Item::default() };
                if self.deps.items.send(item).await.is_err() {
                    return Some(End::Run);
                }
                OUT_OF_SCOPE
            }
            None => "repeated",
        };
        self.show(head, now_us);
        self.deps.metrics.skipped.with(&[&self.state.name, reason]).inc();
        None
    }
}
