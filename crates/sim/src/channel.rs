//! A firehose: messages get their numbers and are put on a tape, as they are or as the faults want it.

use bytes::Bytes;
use millrace_atproto::frame::{AccountFrame, Frame, IdentityFrame, SyncFrame};
use millrace_atproto::syntax::Did;

use crate::committed::Committed;
use crate::faults::{ChannelFaults, Plan};
use crate::status::Status;
use crate::tape::Tape;

/// An encoded frame of a firehose.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place for cursors; the frame says the same, if it has a number at all.
    pub seq: i64,
    pub frame: Bytes,
    /// It would break every connection that meets it, so it is sent only once.
    pub once: bool,
}

/// Something that a host says, before it has a number.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub did: Did,
    pub time: String,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Commit(Committed),
    Sync {
        rev: String,
        blocks: Vec<u8>,
    },
    Identity {
        handle: Option<String>,
    },
    Account {
        status: Status,
    },
    /// No frame at all.
    Garbage(Vec<u8>),
}

impl Message {
    /// The frame with this number.
    pub(crate) fn frame(&self, seq: i64) -> Vec<u8> {
        let (did, time) = (self.did.as_str(), self.time.as_str());
        match &self.body {
            Body::Commit(committed) => committed.frame(seq, time),
            Body::Sync { rev, blocks } => SyncFrame { seq, did, rev, blocks, time }.encode(),
            Body::Identity { handle } => {
                IdentityFrame { seq, did, handle: handle.as_deref(), time }.encode()
            }
            Body::Account { status } => {
                let (active, status) = (status.is_active(), status.name());
                AccountFrame { seq, did, active, status, time }.encode()
            }
            Body::Garbage(bytes) => bytes.clone(),
        }
    }
}

/// What became of a message.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The number of the last frame that was put on the tape.
    pub seq: Option<i64>,
    /// Accounts of which a reader may have missed something.
    pub lost: Vec<Did>,
}

/// A host's firehose.
#[derive(Debug)]
pub(crate) struct Channel {
    tape: Tape<Event>,
    faults: ChannelFaults,
    held: Option<Held>,
}

/// A message that others overtake.
#[derive(Debug)]
struct Held {
    message: Message,
    /// How many pass before it.
    passing: u32,
    /// Whether messages of its own account may be among them.
    within: bool,
}

impl Channel {
    pub(crate) fn new(bytes_max: u64, faults: ChannelFaults) -> Self {
        Self { tape: Tape::new(bytes_max), faults, held: None }
    }

    pub(crate) fn tape(&self) -> &Tape<Event> {
        &self.tape
    }

    pub(crate) fn tape_mut(&mut self) -> &mut Tape<Event> {
        &mut self.tape
    }

    /// What is to become of the next message.
    pub(crate) fn plan(&mut self) -> Plan {
        self.faults.plan()
    }

    /// Sends a message, and before it the lie about it, if there is one.
    pub(crate) fn send(&mut self, message: Message, plan: &Plan, lie: Option<Message>) -> Sent {
        let mut sent = Sent::default();
        self.tape.skip_seqs(plan.skipped_seqs);
        if self.held.as_ref().is_some_and(|held| held.message.did == message.did && !held.within) {
            self.release(&mut sent);
        }
        let lied = lie.is_some();
        if let Some(lie) = lie {
            sent.lost.push(message.did.clone());
            self.push(&lie);
        }
        if plan.hold > 0 && self.held.is_none() && !lied {
            if plan.within {
                sent.lost.push(message.did.clone());
            }
            self.held = Some(Held { message, passing: plan.hold, within: plan.within });
            return sent;
        }
        if plan.drop || (lied && plan.lie_replaces) {
            sent.lost.push(message.did);
            if plan.info {
                self.push_info();
            } else {
                self.tape.take_seq();
            }
        } else {
            let seq = self.push(&message);
            if plan.repeat_number {
                self.repeat_last();
            } else if plan.repeat {
                self.push(&message);
            }
            sent.seq = Some(seq);
        }
        self.pass(&mut sent);
        sent
    }

    /// Sends what is held back.
    pub(crate) fn release(&mut self, sent: &mut Sent) {
        if let Some(held) = self.held.take() {
            sent.seq = Some(self.push(&held.message));
        }
    }

    /// Puts bytes on the tape that are whatever they are.
    pub(crate) fn emit(&mut self, frame: impl FnOnce(i64) -> Vec<u8>) -> i64 {
        let seq = self.tape.take_seq();
        let frame = Bytes::from(frame(seq));
        self.tape.push(seq, frame.len(), Event { seq, frame, once: false });
        seq
    }

    fn pass(&mut self, sent: &mut Sent) {
        let passed = self.held.as_mut().is_some_and(|held| {
            held.passing = held.passing.saturating_sub(1);
            held.passing == 0
        });
        if passed {
            self.release(sent);
        }
    }

    fn push(&mut self, message: &Message) -> i64 {
        let seq = self.tape.take_seq();
        let frame = Bytes::from(message.frame(seq));
        let once = matches!(message.body, Body::Garbage(_));
        self.tape.push(seq, frame.len(), Event { seq, frame, once });
        seq
    }

    fn repeat_last(&mut self) {
        let last = self.tape.iter().next_back().map(|(seq, event)| (seq, event.clone()));
        if let Some((seq, event)) = last {
            self.tape.push(seq, event.frame.len(), event);
        }
    }

    /// Says that something is missing.
    fn push_info(&mut self) {
        let seq = self.tape.take_seq();
        let message = Some("some events were lost");
        let frame = Bytes::from(Frame::Info { name: "OutdatedCursor", message }.encode());
        self.tape.push(seq, frame.len(), Event { seq, frame, once: false });
    }
}
