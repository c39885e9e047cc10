//! What is told: by an account's PDS, by the relay, by Jetstream. PDS and relay may spoil it; what readers
//! may have missed is remembered, so that [`World::close_gaps`] can make up for it.

use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::frame::Action;
use millrace_atproto::syntax::Did;

use super::World;
use crate::channel::{Body, Message, Sent};
use crate::faults::{Forge, Plan};
use crate::jetstream::{JetEvent, JetKind, record_json};
use crate::repo::{Committed, Repo};
use crate::status::Status;

/// What readers may have missed of an account.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Touched {
    repo: bool,
    account: bool,
    pub(super) identity: bool,
}

impl World {
    /// Says once more, and truly, all that readers may have missed: of an account whose commits were
    /// spoilt the next one or its state, of others handle and status. After it a reader that follows and
    /// asks as it should knows what is true.
    pub fn close_gaps(&mut self, now_us: i64) {
        self.release_held();
        let touched = std::mem::take(&mut self.touched);
        let faults = std::mem::take(&mut self.faults);
        for (at, (did, touched)) in touched.into_iter().enumerate() {
            if touched.identity {
                self.send_plainly(&did, self.identity_body(&did), now_us);
            }
            if touched.account {
                self.send_plainly(&did, self.account_body(&did), now_us);
            }
            // Of an inactive account nobody can fetch anything: that is made up for once it is back.
            if touched.repo && !self.show_repo(&did, at % 2 == 0, now_us) {
                self.touched.entry(did).or_default().repo = true;
            }
        }
        self.faults = faults;
    }

    /// Announces all accounts as they are, as a host does that wants to be read again from the start.
    pub fn announce_all(&mut self, now_us: i64) {
        for did in self.order.clone() {
            let all = Touched { repo: true, account: true, identity: true };
            self.touched.insert(did, all);
        }
        self.close_gaps(now_us);
    }

    /// The relay has lost its frames and counts from 1 again.
    pub fn reset_relay(&mut self) {
        for did in &self.order {
            let all = Touched { repo: true, account: true, identity: true };
            self.touched.insert(did.clone(), all);
        }
        self.relay.tape_mut().reset();
    }

    /// How often that has happened.
    pub fn relay_resets(&self) -> u64 {
        self.relay.tape().epoch()
    }

    /// Emits a frame of the caller's own making on the relay. Nothing else hears of it.
    pub fn emit(&mut self, frame: impl FnOnce(i64) -> Vec<u8>) -> i64 {
        self.relay.emit(frame)
    }

    /// Announces the repository as it is, without what changed.
    pub fn emit_sync(&mut self, did: &Did, now_us: i64) {
        if let Some(body) = self.sync_body(did) {
            self.send(did, body, now_us);
        }
    }

    pub(crate) fn emit_identity(&mut self, did: &Did, now_us: i64) {
        self.send(did, self.identity_body(did), now_us);
    }

    pub(super) fn emit_account(&mut self, did: &Did, now_us: i64) {
        self.send(did, self.account_body(did), now_us);
    }

    /// What is to become of the next message, on the PDS's firehose and on the relay's.
    pub(super) fn plans(&mut self, host: usize) -> [Plan; 2] {
        let at_host = self.hosts.get_mut(host).map(|host| host.channel.plan());
        [at_host.unwrap_or_default(), self.relay.plan()]
    }

    pub(super) fn send_commit(
        &mut self,
        committed: Committed,
        before: Option<Repo>,
        host: usize,
        plans: [Plan; 2],
        now_us: i64,
    ) {
        let lies = plans.each_ref().map(|plan| {
            let (lie, before) = (plan.lie?, before.as_ref()?);
            let account = self.account(&committed.did)?;
            let other = self.order.iter().find(|did| **did != committed.did)?;
            let (key, rng) = (&account.identity.key, &self.spoilt);
            Some(Forge { before, good: &committed, key, other, rng }.tell(lie))
        });
        let did = committed.did.clone();
        self.deliver(&did, host, Body::Commit(committed), lies, &plans, now_us);
    }

    /// Sends a message of one host, which need not be where the account is.
    pub(super) fn send_from(&mut self, did: &Did, host: usize, body: Body, now_us: i64) {
        let plans = self.plans(host);
        self.deliver(did, host, body, [None, None], &plans, now_us);
    }

    /// Says plainly who an account is, what its status is, and what it has.
    pub(super) fn show_account(&mut self, did: &Did, now_us: i64) {
        self.send_plainly(did, self.identity_body(did), now_us);
        self.send_plainly(did, self.account_body(did), now_us);
        if let Some(body) = self.sync_body(did) {
            self.send_plainly(did, body, now_us);
        }
    }

    /// Resets the relay, if that is to happen now.
    pub(crate) fn maybe_reset_relay(&mut self) {
        if self.is_faulty(|faults| faults.relay_resets) {
            self.reset_relay();
        }
    }

    fn send(&mut self, did: &Did, body: Body, now_us: i64) {
        let host = self.account(did).map_or(0, |account| account.host);
        let plans = self.plans(host);
        self.deliver(did, host, body, [None, None], &plans, now_us);
    }

    fn send_plainly(&mut self, did: &Did, body: Body, now_us: i64) {
        let host = self.account(did).map_or(0, |account| account.host);
        self.deliver(did, host, body, [None, None], &Default::default(), now_us);
    }

    /// One message on the PDS's firehose, the relay's, and Jetstream unless it is a commit, of which that
    /// has been told already.
    fn deliver(
        &mut self,
        did: &Did,
        host: usize,
        body: Body,
        lies: [Option<Body>; 2],
        plans: &[Plan; 2],
        now_us: i64,
    ) {
        let host_now_us = self.hosts.get(host).map_or(now_us, |host| host.now_us(now_us));
        let time = format_ms_us(host_now_us);
        let message = |body| Message { did: did.clone(), time: time.clone(), body };
        let [host_lie, relay_lie] = lies.map(|lie| lie.map(message));
        let [host_plan, relay_plan] = plans;
        let mut lost = Vec::new();
        if let Some(host) = self.hosts.get_mut(host) {
            lost.extend(host.channel.send(message(body.clone()), host_plan, host_lie).lost);
        }
        let sent = self.relay.send(message(body.clone()), relay_plan, relay_lie);
        lost.extend(sent.lost);
        for did in lost {
            self.touch(&did, &body);
        }
        let seq = sent.seq.unwrap_or(0);
        let kind = match body {
            Body::Commit(_) | Body::Garbage(_) => return,
            Body::Sync { rev, blocks } => JetKind::Sync { seq, time, rev, blocks },
            Body::Identity { handle } => JetKind::Identity { seq, time, handle },
            Body::Account { status } => JetKind::Account { seq, time, status },
        };
        self.tell(did, now_us, kind);
    }

    fn touch(&mut self, did: &Did, body: &Body) {
        let touched = self.touched.entry(did.clone()).or_default();
        match body {
            Body::Commit(_) | Body::Sync { .. } | Body::Garbage(_) => touched.repo = true,
            Body::Identity { .. } => touched.identity = true,
            Body::Account { .. } => touched.account = true,
        }
    }

    fn release_held(&mut self) {
        let mut sent = Sent::default();
        for host in &mut self.hosts {
            host.channel.release(&mut sent);
        }
        self.relay.release(&mut sent);
    }

    /// Makes a reader that is out of step with a repository notice; false if there is no way to.
    fn show_repo(&mut self, did: &Did, by_commit: bool, now_us: i64) -> bool {
        if !self.account(did).is_some_and(|account| account.status.is_active()) {
            return false;
        }
        let committed = if by_commit { self.commit_nothing(did, now_us) } else { None };
        if let Some(body) = committed.map(Body::Commit).or_else(|| self.sync_body(did)) {
            self.send_plainly(did, body, now_us);
        }
        true
    }

    /// A commit that changes nothing.
    fn commit_nothing(&mut self, did: &Did, now_us: i64) -> Option<Committed> {
        let account = self.account(did)?;
        let (host, before) = (account.host, account.repo.rev());
        let rev = self.rev(host, now_us, Some(before));
        let account = self.accounts.get_mut(did)?;
        account.repo.apply(&account.identity.key, rev, &[]).ok()
    }

    fn identity_body(&self, did: &Did) -> Body {
        Body::Identity {
            handle: self.account(did).map(|account| account.identity.handle.to_string()),
        }
    }

    fn account_body(&self, did: &Did) -> Body {
        Body::Account {
            status: self.account(did).map_or(Status::Deleted, |account| account.status),
        }
    }

    fn sync_body(&self, did: &Did) -> Option<Body> {
        let (rev, blocks) = self.account(did)?.repo.sync_blocks();
        Some(Body::Sync { rev, blocks })
    }

    /// Tells Jetstream of a commit: each operation is an event; a record that is none is left out.
    pub(super) fn tell_commit(&mut self, committed: &Committed, now_us: i64) {
        let did = &committed.did;
        for op in &committed.ops {
            let Some((collection, rkey)) = op.path.split_once('/') else { continue };
            let record = match op.action {
                Action::Delete => None,
                Action::Create | Action::Update => {
                    let found =
                        self.account(did).and_then(|account| account.repo.records().get(&op.path));
                    match found.and_then(|(cid, record)| Some((*cid, record_json(record)?))) {
                        Some(record) => Some(record),
                        None => continue,
                    }
                }
            };
            let kind = JetKind::Commit {
                rev: committed.rev.to_string(),
                action: op.action,
                collection: collection.to_owned(),
                rkey: rkey.to_owned(),
                record,
            };
            self.tell(did, now_us, kind);
        }
    }

    fn tell(&mut self, did: &Did, now_us: i64, kind: JetKind) {
        self.last_jetstream_us = now_us.max(self.last_jetstream_us + 1);
        let (seq, time_us) = (self.jetstream.take_seq(), self.last_jetstream_us);
        let event = JetEvent { seq, time_us, did: did.to_string(), kind };
        self.jetstream.push(seq, event.bytes(), event);
    }
}
