//! How the made-up network misbehaves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[sim.faults]`: how the simulated network misbehaves. Shares are of events, requests or connections, from
/// 0 (never) to 1. Whatever goes wrong, a reader that checks and asks again can still learn the truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FaultConfig {
    /// How far the clocks of PDSs are off at most, seconds. Readers refuse revisions from five minutes
    /// ahead on.
    pub clock_skew_max_s: u32,
    /// Frames that come twice.
    pub duplicated: f64,
    /// Frames that later ones of other accounts overtake.
    pub reordered: f64,
    /// Frames that later ones of the same account may overtake as well.
    pub reordered_within: f64,
    /// Frames that never come.
    pub dropped: f64,
    /// Frames that never come, and an `#info` says so.
    pub dropped_with_info: f64,
    /// Commits beside or instead of which a false one comes.
    pub lies: f64,
    /// Frames before which sequence numbers are left out.
    pub seq_jumps: f64,
    /// Writes before which the relay loses all its frames and counts from 1 again; none in the history.
    pub relay_resets: f64,
    /// Writes with a record whose bytes cannot be decoded.
    pub undecodable_records: f64,
    /// Requests to a PDS whose answer comes late.
    pub slow_answers: f64,
    /// Requests for a repository whose answer is cut short, though it looks whole.
    pub truncated_repos: f64,
    /// Requests to a PDS that are answered 429.
    pub rate_limited: f64,
    /// Requests to a PDS that are answered 500.
    pub server_errors: f64,
    /// Requests to a PDS in the midst of whose answer the connection breaks.
    pub broken_answers: f64,
    /// Streams that are open and say nothing.
    pub zombies: f64,
    /// Frames after which a stream breaks off.
    pub hang_ups: f64,
    /// Streams of Jetstream that begin up to an hour before what the cursor asks for.
    pub jetstream_jumps_back: f64,
    /// How late a late answer is, milliseconds.
    pub answer_delay_ms: u64,
    /// What a 429 asks to wait, seconds.
    pub retry_after_s: u64,
    /// After so many faults in a row of one host for one account, or of one stream, it goes well.
    pub in_a_row_max: u32,
}

impl Default for FaultConfig {
    fn default() -> Self {
        Self {
            clock_skew_max_s: 0,
            duplicated: 0.0,
            reordered: 0.0,
            reordered_within: 0.0,
            dropped: 0.0,
            dropped_with_info: 0.0,
            lies: 0.0,
            seq_jumps: 0.0,
            relay_resets: 0.0,
            undecodable_records: 0.0,
            slow_answers: 0.0,
            truncated_repos: 0.0,
            rate_limited: 0.0,
            server_errors: 0.0,
            broken_answers: 0.0,
            zombies: 0.0,
            hang_ups: 0.0,
            jetstream_jumps_back: 0.0,
            answer_delay_ms: 200,
            retry_after_s: 1,
            in_a_row_max: 2,
        }
    }
}

impl FaultConfig {
    /// All of it, at rates at which a test still ends soon. Neither resets of the relay nor silent streams:
    /// what they ask of a reader takes patience, so a test asks for them by name.
    pub fn storm() -> Self {
        Self {
            clock_skew_max_s: 90,
            duplicated: 0.03,
            reordered: 0.03,
            reordered_within: 0.01,
            dropped: 0.01,
            dropped_with_info: 0.005,
            lies: 0.03,
            seq_jumps: 0.01,
            undecodable_records: 0.01,
            slow_answers: 0.05,
            truncated_repos: 0.05,
            rate_limited: 0.05,
            server_errors: 0.05,
            broken_answers: 0.05,
            hang_ups: 0.002,
            jetstream_jumps_back: 0.2,
            answer_delay_ms: 20,
            ..Self::default()
        }
    }
}
