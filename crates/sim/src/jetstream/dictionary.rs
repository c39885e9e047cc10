//! The zstd dictionary of the second wire: trained once in a process, on events of a small world of its
//! own, so that every network serves the same one.

use std::sync::OnceLock;

use zstd::bulk::Compressor;
use zstd::dict::from_samples;

use crate::{SimConfig, history};

/// As large as the one that is served outside.
const DICTIONARY_BYTES_MAX: usize = 65_536;
const LEVEL: i32 = 1;
/// Where a dictionary has its number: after four bytes of magic, little-endian.
const ID_AT: std::ops::Range<usize> = 4..8;

/// A dictionary and its number.
#[derive(Debug)]
pub struct Dictionary {
    id: u32,
    bytes: Vec<u8>,
}

impl Dictionary {
    /// The one that is served; the first caller waits until it is trained.
    pub fn current() -> &'static Self {
        static CURRENT: OnceLock<Dictionary> = OnceLock::new();
        CURRENT.get_or_init(Self::train)
    }

    /// The number that frames and readers name it by.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// As it is served.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn train() -> Self {
        let config = SimConfig {
            seed: 112_640,
            accounts: 20,
            history_writes: 1_200,
            ..SimConfig::default()
        };
        let (world, _) =
            history(&config, 1_767_225_600_000_000).expect("invariant: a small world can be made");
        let samples: Vec<String> = world.jetstream().iter().map(|(_, event)| event.v2()).collect();
        let bytes = from_samples(&samples, DICTIONARY_BYTES_MAX)
            .expect("invariant: there are enough samples for a dictionary");
        let id = bytes.get(ID_AT).and_then(|id| id.try_into().ok()).map_or(0, u32::from_le_bytes);
        Self { id, bytes }
    }

    /// One frame.
    pub(super) fn compress(&self, message: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::with_dictionary(LEVEL, &self.bytes)
            .expect("invariant: the dictionary is one");
        compressor.compress(message).expect("invariant: the buffer is large enough")
    }
}
