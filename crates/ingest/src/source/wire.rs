//! The three kinds of messages a source may send, as their reader needs them: which event, whose, where
//! in the stream; and what a position in each stream means.

use millrace_atproto::Datetime;
use millrace_atproto::frame::{Frame, FrameError};
use millrace_atproto::jetstream::{self, Body, JetstreamError};

use crate::config::{SEQ_MAX, SourceKind};

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Frames of `subscribeRepos`.
    Firehose,
    /// `/subscribe` of a Jetstream.
    JetstreamV1,
    /// `subscribeEvents` of a Jetstream.
    JetstreamV2,
}

/// What a message is.
#[derive(Debug)]
pub(crate) enum Read {
    Event(Head),
    Info {
        name: String,
        message: Option<String>,
    },
    Error {
        error: String,
        message: Option<String>,
    },
    /// Nothing to do.
    Unknown,
}

/// What a reader needs of an event.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) did: String,
    pub(crate) time_us: Option<i64>,
    pub(crate) kind: Kind,
    /// The revision of a commit that comes in several messages.
    pub(crate) rev: Option<String>,
    /// Why it is no event after all, though it has a number.
    pub(crate) fault: Option<String>,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit,
    Sync,
    Identity,
    Account,
    Other,
}

impl Head {
    /// A message without a number.
    pub(crate) fn unnumbered() -> Self {
        Self::faulty(0, None, None)
    }

    fn faulty(seq: i64, did: Option<String>, fault: Option<String>) -> Self {
        let did = did.unwrap_or_default();
        Self { seq, did, time_us: None, kind: Kind::Other, rev: None, fault }
    }
}

impl SourceKind {
    /// How its messages are written.
    pub(crate) const fn wire(self) -> Wire {
        match self {
            Self::Relay | Self::Pds => Wire::Firehose,
            Self::JetstreamV1 => Wire::JetstreamV1,
            Self::JetstreamV2 => Wire::JetstreamV2,
        }
    }
}

impl Wire {
    /// Whether positions ascend from event to event. Where they do not, they are times: several events
    /// may have the same, and what is read twice is known by its revision only.
    pub(crate) const fn ascends(self) -> bool {
        !matches!(self, Self::JetstreamV1)
    }

    /// What a message is.
    ///
    /// # Errors
    /// It is no message of this wire: the connection cannot be believed.
    pub(crate) fn read(self, message: &[u8]) -> Result<Read, String> {
        let read = match self {
            Self::Firehose => firehose(message),
            Self::JetstreamV1 => of_jetstream(jetstream::Message::parse_v1(message)),
            Self::JetstreamV2 => of_jetstream(jetstream::Message::parse_v2(message)),
        };
        match read? {
            Read::Event(head) if !(1..=SEQ_MAX).contains(&head.seq) => {
                Err(format!("sequence number {}", head.seq))
            }
            read => Ok(read),
        }
    }
}

fn firehose(message: &[u8]) -> Result<Read, String> {
    let (kind, seq, did, time) = match Frame::parse(message) {
        Ok(Frame::Commit(frame)) => (Kind::Commit, frame.seq, frame.repo, frame.time),
        Ok(Frame::Sync(frame)) => (Kind::Sync, frame.seq, frame.did, frame.time),
        Ok(Frame::Identity(frame)) => (Kind::Identity, frame.seq, frame.did, frame.time),
        Ok(Frame::Account(frame)) => (Kind::Account, frame.seq, frame.did, frame.time),
        Ok(Frame::Info { name, message }) => {
            return Ok(Read::Info { name: name.to_owned(), message: message.map(str::to_owned) });
        }
        Ok(Frame::Error { error, message }) => {
            return Ok(Read::Error {
                error: error.to_owned(),
                message: message.map(str::to_owned),
            });
        }
        Ok(Frame::Unknown { .. }) => return Ok(Read::Unknown),
        // Its payload alone is bad: it has a number, so that it can be passed.
        Err(FrameError::Payload { kind, seq: Some(seq), did, cause }) => {
            return Ok(Read::Event(Head::faulty(seq, did, Some(format!("{kind}: {cause}")))));
        }
        Err(error) => return Err(error.to_string()),
    };
    let time_us = Datetime::parse(time).ok().and_then(|time| time.epoch_us());
    Ok(Read::Event(Head { seq, did: did.to_owned(), time_us, kind, rev: None, fault: None }))
}

fn of_jetstream(read: Result<jetstream::Message<'_>, JetstreamError>) -> Result<Read, String> {
    Ok(match read {
        Ok(jetstream::Message::Event(event)) => {
            let (kind, rev) = match &event.body {
                Body::Commit(commit) => (Kind::Commit, Some(commit.rev.clone().into_owned())),
                Body::Identity => (Kind::Identity, None),
                Body::Account(_) => (Kind::Account, None),
                Body::Sync(_) => (Kind::Sync, None),
            };
            let did = event.did.into_owned();
            let (seq, time_us) = (event.position, event.time_us);
            Read::Event(Head { seq, did, time_us, kind, rev, fault: None })
        }
        Ok(jetstream::Message::Info { name, message }) => Read::Info {
            name: name.into_owned(),
            message: message.map(std::borrow::Cow::into_owned),
        },
        Ok(jetstream::Message::Error { error, message }) => Read::Error {
            error: error.into_owned(),
            message: message.map(std::borrow::Cow::into_owned),
        },
        Ok(jetstream::Message::Unknown) => Read::Unknown,
        Err(JetstreamError::Field { position, did, cause }) => {
            Read::Event(Head::faulty(position, did, Some(cause)))
        }
        Err(error) => return Err(error.to_string()),
    })
}
