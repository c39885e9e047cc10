//! Accounts whose DID and id one connection has read: both are for ever, so that whoever asks again need not
//! look. Bounded in bytes; when it is full it begins anew.

use foldhash::HashMap;
use millrace_atproto::Did;

/// Bytes of pairs one connection remembers.
const BYTES_MAX: usize = 4 << 20;
/// What a pair costs beside its text, which is there twice.
const PAIR_BYTES: usize = 128;

#[derive(Debug, Default)]
pub(crate) struct Known {
    ids: HashMap<Did, i64>,
    dids: HashMap<i64, Did>,
    bytes: usize,
}

impl Known {
    pub(super) fn id(&self, did: &Did) -> Option<i64> {
        self.ids.get(did).copied()
    }

    pub(super) fn did(&self, id: i64) -> Option<&Did> {
        self.dids.get(&id)
    }

    /// A pair that is committed.
    pub(super) fn learn(&mut self, id: i64, did: Did) {
        self.bytes += 2 * did.as_str().len() + PAIR_BYTES;
        if self.bytes > BYTES_MAX {
            *self = Self::default();
        }
        self.ids.insert(did.clone(), id);
        self.dids.insert(id, did);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn it_never_holds_more_than_its_bytes() {
        let mut known = Known::default();
        let did = |id: i64| Did::parse(&format!("did:plc:{id:024}")).unwrap();
        for id in 0..100_000 {
            known.learn(id, did(id));
            assert!(known.bytes <= BYTES_MAX);
        }
        assert!(known.ids.len() < 40_000, "{}", known.ids.len());
        assert_eq!(known.id(&did(99_999)), Some(99_999));
        assert_eq!(known.did(99_999), Some(&did(99_999)));
        assert_eq!(known.id(&did(1)), None);
    }
}
