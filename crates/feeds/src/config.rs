//! The `[feeds]` part of the configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::PostEvents;
use crate::score::{Fading, Profile, Weights};

/// `[feeds]`: homes that are made beforehand, and how they are ranked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeedsConfig {
    /// Whether homes are made beforehand. Without it they are read by pull.
    pub enabled: bool,
    /// Whose homes are made: accounts that have read here within so many days.
    pub reader_days: u32,
    /// Lines of one home; the oldest go.
    pub rows_per_user_max: u32,
    /// An account with more followers among those who read here is looked up when a home is read, instead of being
    /// written into each of them; a fifth more or less before that changes.
    pub push_followers_max: u32,
    /// What ranks: `halving`, with the weights and the half-life below, or `origin` (0.40, 0.35, 0.20, and 0.05 for
    /// being new, over 168 hours).
    pub profile: ProfileName,
    /// Weight of how close an account is to the reader.
    pub weight_affinity: f64,
    /// Weight of what people did with a post.
    pub weight_engagement: f64,
    /// Weight of how a post suits the reader.
    pub weight_content: f64,
    /// An item is worth half after so many minutes.
    pub half_life_minutes: u32,
    /// How long after something was done with a post it is scored again.
    pub rescore_after_ms: u64,
    /// How long the order of a home that was served is kept for its next pages.
    pub session_minutes: u32,
    /// How long the first page of a home is served again as it was.
    pub page_seconds: u32,
    /// Bytes of orders that are kept.
    pub session_cache_bytes: u64,
    /// While the facts of the last so many milliseconds are not in homes yet, homes are read by pull.
    pub lag_ms_max: u64,
    /// Whose posts `post.created.v1` and `post.updated.v1` tell of, for consumers outside: `followed` (of accounts
    /// that somebody who reads here follows, and of who reads here), `all`, or `off`. On a whole network `all` looks
    /// up and writes every post once more.
    pub post_events: PostEvents,
    /// Most facts' payloads applied in one transaction.
    pub batch_entries_max: u32,
    /// Most bytes of facts applied in one transaction.
    pub batch_bytes_max: u64,
}

/// The two ways to rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProfileName {
    #[default]
    Halving,
    Origin,
}

impl Default for FeedsConfig {
    fn default() -> Self {
        let Weights { affinity, engagement, content } = Profile::HALVING.weights;
        Self {
            enabled: true,
            reader_days: 30,
            rows_per_user_max: 1_000,
            push_followers_max: 10_000,
            profile: ProfileName::Halving,
            weight_affinity: affinity,
            weight_engagement: engagement,
            weight_content: content,
            half_life_minutes: 360,
            rescore_after_ms: 5_000,
            session_minutes: 10,
            page_seconds: 15,
            session_cache_bytes: 64 << 20,
            lag_ms_max: 30_000,
            post_events: PostEvents::Followed,
            batch_entries_max: 2_000,
            batch_bytes_max: 4 << 20,
        }
    }
}

impl FeedsConfig {
    /// What is wrong with it, setting and reason.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let weights = [
            ("feeds.weight_affinity", self.weight_affinity),
            ("feeds.weight_engagement", self.weight_engagement),
            ("feeds.weight_content", self.weight_content),
        ];
        let mut faults = Vec::new();
        for (name, weight) in weights {
            if !(0.0..=1.0).contains(&weight) {
                faults.push((name, format!("a weight is from 0 to 1, not {weight}")));
            }
        }
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        if faults.is_empty() && !(f64::EPSILON..=1.0 + 1e-9).contains(&sum) {
            faults.push((
                "feeds.weight_affinity",
                format!("the weights add up to {sum}, not to at most 1"),
            ));
        }
        let least = [
            ("feeds.half_life_minutes", u64::from(self.half_life_minutes), 1),
            ("feeds.rows_per_user_max", self.rows_per_user_max.into(), 100),
            ("feeds.reader_days", self.reader_days.into(), 1),
            ("feeds.session_minutes", self.session_minutes.into(), 1),
            ("feeds.batch_entries_max", self.batch_entries_max.into(), 1),
        ];
        for (name, value, least) in least {
            if value < least {
                faults.push((name, format!("at least {least}, not {value}")));
            }
        }
        if self.rows_per_user_max > 10_000 {
            let max = self.rows_per_user_max;
            faults.push(("feeds.rows_per_user_max", format!("at most 10000, not {max}")));
        }
        faults
    }

    /// How long after something was done with a post its lines are scored again.
    pub(crate) fn rescore_after_us(&self) -> i64 {
        i64::try_from(self.rescore_after_ms).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
    }

    pub fn profile(&self) -> Profile {
        match self.profile {
            ProfileName::Origin => Profile::ORIGIN,
            ProfileName::Halving => Profile {
                weights: Weights {
                    affinity: self.weight_affinity,
                    engagement: self.weight_engagement,
                    content: self.weight_content,
                },
                fading: Fading::Halving { half_us: f64::from(self.half_life_minutes) * 60e6 },
            },
        }
    }

    /// A number that is another one whenever scores are made differently.
    pub fn score_version(&self) -> i64 {
        let profile = self.profile();
        let Weights { affinity, engagement, content } = profile.weights;
        let (kind, first, second) = match profile.fading {
            Fading::Halving { half_us } => (1.0, half_us, 0.0),
            Fading::Linear { share, over_us } => (2.0, share, over_us),
        };
        // FNV-1a over what makes a score, without the sign.
        let hash = [affinity, engagement, content, kind, first, second]
            .iter()
            .flat_map(|value: &f64| value.to_bits().to_be_bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        i64::from(u32::try_from(hash >> 33).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_right_and_what_is_wrong_is_named() {
        assert!(FeedsConfig::default().faults().is_empty());
        let wrong =
            FeedsConfig { weight_affinity: 0.9, half_life_minutes: 0, ..FeedsConfig::default() };
        let names: Vec<&str> = wrong.faults().iter().map(|fault| fault.0).collect();
        assert_eq!(names, ["feeds.weight_affinity", "feeds.half_life_minutes"]);
        let wrong = FeedsConfig { weight_content: f64::NAN, ..FeedsConfig::default() };
        assert_eq!(wrong.faults()[0].0, "feeds.weight_content");
    }

    #[test]
    fn another_way_to_score_has_another_version() {
        let default = FeedsConfig::default();
        assert_eq!(default.score_version(), FeedsConfig::default().score_version());
        let slower = FeedsConfig { half_life_minutes: 361, ..FeedsConfig::default() };
        assert_ne!(default.score_version(), slower.score_version());
        let origin = FeedsConfig { profile: ProfileName::Origin, ..FeedsConfig::default() };
        assert_ne!(default.score_version(), origin.score_version());
    }
}
