//! Keys: their rules, their layers, and the one buffer that holds all keys of a tree.

use ring::digest;

use super::{KEY_BYTES_MAX, MstError};

/// Dead bytes below this are not worth a clean-up.
const DEAD_BYTES_MIN: usize = 64 * 1024;

/// The layer a key belongs to: leading zero bits of its SHA-256, halved. 0 to 128.
pub fn layer(key: &str) -> u8 {
    let hash = digest::digest(&digest::SHA256, key.as_bytes());
    let mut bits = 0;
    for byte in hash.as_ref() {
        bits += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    (bits / 2) as u8
}

/// Whether a tree may hold `key`: not empty, ASCII, at most [`KEY_BYTES_MAX`] bytes.
pub fn check_key(key: &str) -> Result<(), MstError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.is_ascii() {
        Err(MstError::Key)
    } else {
        Ok(())
    }
}

/// A key's place in [`Keys`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    start: u32,
    length: u16,
}

/// All keys of a tree, one behind the other; ASCII only.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    text: String,
    dead_bytes: usize,
}

impl Keys {
    pub(super) fn get(&self, key: Key) -> &str {
        let start = key.start as usize;
        self.text
            .get(start..start + usize::from(key.length))
            .expect("invariant: a key lies inside the buffer of its tree")
    }

    pub(super) fn push(&mut self, key: &str) -> Key {
        let start = self.end();
        self.text.push_str(key);
        self.since(start)
    }

    /// Adds the key that shares `prefix` bytes with `previous` and goes on with `suffix`.
    /// `None`: the shared part would be longer than `previous`.
    pub(super) fn push_compressed(
        &mut self,
        previous: Key,
        prefix: usize,
        suffix: &str,
    ) -> Option<Key> {
        if prefix > usize::from(previous.length) {
            return None;
        }
        let (start, from) = (self.end(), previous.start as usize);
        self.text.extend_from_within(from..from + prefix);
        self.text.push_str(suffix);
        Some(self.since(start))
    }

    /// A key is used no more.
    pub(super) fn release(&mut self, key: Key) {
        self.dead_bytes += usize::from(key.length);
    }

    /// Whether most of the buffer is dead, so that the tree should move its keys to a new one.
    pub(super) fn wants_compaction(&self) -> bool {
        self.dead_bytes > DEAD_BYTES_MIN && self.dead_bytes > self.text.len() / 2
    }

    fn end(&self) -> u32 {
        u32::try_from(self.text.len()).expect("invariant: a tree's keys stay below 4 GiB")
    }

    fn since(&self, start: u32) -> Key {
        let length = self.text.len() - start as usize;
        Key {
            start,
            length: u16::try_from(length).expect("invariant: keys are checked to be short"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_they_were_put() {
        let mut keys = Keys::default();
        let first = keys.push("app.bsky.feed.like/3k");
        let second = keys.push_compressed(first, 19, "3l").map(|key| keys.get(key).to_owned());
        assert_eq!(keys.get(first), "app.bsky.feed.like/3k");
        assert_eq!(second.as_deref(), Some("app.bsky.feed.like/3l"));
        assert!(keys.push_compressed(first, 22, "x").is_none());
    }

    #[test]
    fn only_short_ascii_may_be_a_key() {
        for (key, expected) in [
            ("a/b".to_owned(), Ok(())),
            ("k".repeat(KEY_BYTES_MAX), Ok(())),
            ("k".repeat(KEY_BYTES_MAX + 1), Err(MstError::Key)),
            (String::new(), Err(MstError::Key)),
            ("é".to_owned(), Err(MstError::Key)),
        ] {
            assert_eq!(check_key(&key), expected, "{key}");
        }
    }
}
