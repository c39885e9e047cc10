//! Faults, drawn from the seed: what becomes of a message on its way, lies about commits, hosts that
//! answer late, wrongly or not at all. Of each there is one switch in [`FaultConfig`].

mod config;
mod lie;
mod serving;

use millrace_runtime::rng::Rng;

pub use config::FaultConfig;
pub use lie::FORGED_TEXT;
pub(crate) use lie::{Forge, Lie};
pub(crate) use serving::{Mishap, ServingFaults};

/// Messages that may pass one that is held back.
const PASSING_MAX: u64 = 6;
/// Numbers that are left out at once.
const SKIPPED_SEQS_MAX: u64 = 1_000;
/// Shares are drawn in millionths.
const SHARE_STEPS: f64 = 1_000_000.0;

/// Whether something of this share happens now. Draws once, whatever the share.
pub(crate) fn chance(rng: &Rng, share: f64) -> bool {
    // Saturates: nothing below 0, always from 1 on.
    rng.below(SHARE_STEPS as u64) < (share * SHARE_STEPS) as u64
}

/// The faults of one firehose.
#[derive(Debug)]
pub(crate) struct ChannelFaults {
    config: FaultConfig,
    rng: Rng,
}

/// What is to become of a message. Without faults it is sent.
#[derive(Debug, Default, Clone)]
pub(crate) struct Plan {
    pub drop: bool,
    /// With `drop`: an `#info` says so.
    pub info: bool,
    /// Sent again under a new number.
    pub repeat: bool,
    /// Sent again under the same number.
    pub repeat_number: bool,
    /// How many messages pass before it is sent.
    pub hold: u32,
    /// With `hold`: messages of the same account as well.
    pub within: bool,
    pub lie: Option<Lie>,
    /// The lie comes instead of the message, not before it.
    pub lie_replaces: bool,
    pub skipped_seqs: i64,
}

impl ChannelFaults {
    pub(crate) fn new(config: FaultConfig, rng: Rng) -> Self {
        Self { config, rng }
    }

    pub(crate) fn plan(&mut self) -> Plan {
        let (config, rng) = (&self.config, &self.rng);
        let dropped_with_info = chance(rng, config.dropped_with_info);
        let drop = chance(rng, config.dropped) || dropped_with_info;
        let repeat = chance(rng, config.duplicated);
        let repeat_number = rng.below(2) == 0 && repeat;
        let within = chance(rng, config.reordered_within);
        let held = chance(rng, config.reordered) || within;
        let passing = 1 + rng.below(PASSING_MAX);
        let lie = chance(rng, config.lies);
        let kind = Lie::drawn(rng);
        let lie_replaces = rng.below(2) == 0;
        let jump = chance(rng, config.seq_jumps);
        let skipped = 1 + rng.below(SKIPPED_SEQS_MAX);
        Plan {
            drop,
            info: dropped_with_info,
            repeat: repeat && !repeat_number,
            repeat_number,
            hold: if held { u32::try_from(passing).unwrap_or(1) } else { 0 },
            within,
            lie: lie.then_some(kind),
            lie_replaces,
            skipped_seqs: if jump { i64::try_from(skipped).unwrap_or(1) } else { 0 },
        }
    }
}
