//! What an item is worth to somebody: affinity, engagement and content, and how that fades.
//!
//! A [`Profile`] turns the three parts into a quality `q` above 0 and up to 1, and `q` with the item's time into
//! a **key** that orders items alike at every later moment: time passing never rewrites a row. Relevance, which
//! is what people are told, is the key read at a moment; it stays within 0 and 1.
//!
//! ```text
//!   halving:   key = log2 q + t/H          relevance(now) = 2^(key - now/H)        = q · 2^(-(now - t)/H)
//!   linear:    key = q + r · t/D           relevance(now) = key + r · (1 - now/D)  = q + r · (1 - (now - t)/D)
//! ```

use serde::{Deserialize, Serialize};

/// The least quality: what is followed is never worth nothing.
const QUALITY_MIN: f64 = 1.0 / 1024.0;
/// Engagement of which more counts no further: likes + 2 · replies + 3 · reposts.
const ENGAGEMENT_FULL: f64 = 1_000.0;
/// Interactions of which another one hardly counts.
const INTERACTIONS_SCALE: f64 = 5.0;

/// The parts of a score, each within 0 and 1, as they are kept in a row: in steps of a thousandth or so, so
/// that a score can be told, explained and made again from what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    affinity: u16,
    engagement: u16,
    content: u16,
    pub kind: Kind,
}

/// What an item is, as far as it is worth less for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Post,
    Reply,
    Repost,
}

/// Steps between 0 and 1.
const STEPS: u16 = 1_023;
const STEP_BITS: u32 = 10;

impl Parts {
    pub fn new(affinity: f64, engagement: f64, content: f64, kind: Kind) -> Self {
        Self {
            affinity: steps(affinity),
            engagement: steps(engagement),
            content: steps(content),
            kind,
        }
    }

    #[must_use]
    pub fn with_engagement(self, engagement: f64) -> Self {
        Self { engagement: steps(engagement), ..self }
    }

    pub fn affinity(self) -> f64 {
        share(self.affinity)
    }

    pub fn engagement(self) -> f64 {
        share(self.engagement)
    }

    pub fn content(self) -> f64 {
        share(self.content)
    }

    /// As one number: ten bits each, and the kind above them.
    pub fn pack(self) -> i64 {
        let kind = match self.kind {
            Kind::Post => 0,
            Kind::Reply => 1,
            Kind::Repost => 2,
        };
        [kind, self.affinity.into(), self.engagement.into(), self.content.into()]
            .into_iter()
            .fold(0, |packed, part: i64| packed << STEP_BITS | part)
    }

    /// The inverse of [`Self::pack`].
    pub fn unpack(packed: i64) -> Self {
        let part = |place: u32| {
            let bits = packed >> (place * STEP_BITS) & i64::from(STEPS);
            u16::try_from(bits).unwrap_or_default()
        };
        let kind = match packed >> (3 * STEP_BITS) {
            2 => Kind::Repost,
            1 => Kind::Reply,
            _ => Kind::Post,
        };
        Self { affinity: part(2), engagement: part(1), content: part(0), kind }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn steps(share: f64) -> u16 {
    // A share that is no number counts for nothing.
    (share.clamp(0.0, 1.0) * f64::from(STEPS)).round() as u16
}

fn share(steps: u16) -> f64 {
    f64::from(steps) / f64::from(STEPS)
}

/// How close an account is to a viewer, within 0 and 1.
pub fn affinity(follows: bool, mutual: bool, interactions: f64) -> f64 {
    let known = 1.0 - (-interactions.max(0.0) / INTERACTIONS_SCALE).exp();
    (0.5 * f64::from(u8::from(follows)) + 0.2 * f64::from(u8::from(mutual)) + 0.3 * known)
        .clamp(0.0, 1.0)
}

/// How much people did with a post, within 0 and 1.
#[expect(clippy::cast_precision_loss, reason = "a score is rough")]
pub fn engagement(likes: i64, replies: i64, shares: i64) -> f64 {
    let weight = likes.max(0) as f64 + 2.0 * replies.max(0) as f64 + 3.0 * shares.max(0) as f64;
    (weight.ln_1p() / ENGAGEMENT_FULL.ln_1p()).min(1.0)
}

/// How well a post suits a viewer by its language and its tags, within 0 and 1.
pub fn content(language_matches: bool, tag_matches: bool) -> f64 {
    0.5 + 0.2 * f64::from(u8::from(language_matches)) + 0.2 * f64::from(u8::from(tag_matches))
}

/// What each part weighs. Together with a linear profile's share for being new they are at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    pub affinity: f64,
    pub engagement: f64,
    pub content: f64,
}

/// How worth fades with time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fading {
    /// Half of it after so long, for ever.
    Halving { half_us: f64 },
    /// A share of the score falls to nothing over so long; older items are left out.
    Linear { share: f64, over_us: f64 },
}

/// How parts become a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    pub weights: Weights,
    pub fading: Fading,
}

const HOUR_US: f64 = 3_600_000_000.0;

impl Profile {
    /// Ours.
    pub const HALVING: Self = Self {
        weights: Weights { affinity: 0.50, engagement: 0.35, content: 0.15 },
        fading: Fading::Halving { half_us: 6.0 * HOUR_US },
    };
    /// That of the system this came from.
    pub const ORIGIN: Self = Self {
        weights: Weights { affinity: 0.40, engagement: 0.35, content: 0.20 },
        fading: Fading::Linear { share: 0.05, over_us: 168.0 * HOUR_US },
    };

    /// What the parts are worth before time counts: above 0, at most 1.
    pub fn quality(&self, parts: Parts) -> f64 {
        let Weights { affinity, engagement, content } = self.weights;
        let worth = affinity * parts.affinity()
            + engagement * parts.engagement()
            + content * parts.content();
        let times = match parts.kind {
            Kind::Post => 1.0,
            Kind::Reply => 0.75,
            Kind::Repost => 0.85,
        };
        (worth * times).clamp(QUALITY_MIN, 1.0)
    }

    /// What orders items, the greatest first, now and at any later time.
    #[expect(clippy::cast_precision_loss, reason = "microseconds since the epoch fit")]
    pub fn key(&self, parts: Parts, at_us: i64) -> f64 {
        let quality = self.quality(parts);
        match self.fading {
            Fading::Halving { half_us } => quality.log2() + at_us as f64 / half_us,
            Fading::Linear { share, over_us } => quality + share * (at_us as f64 / over_us),
        }
    }

    /// What a key is worth at a moment, within 0 and 1.
    #[expect(clippy::cast_precision_loss, reason = "microseconds since the epoch fit")]
    pub fn relevance(&self, key: f64, now_us: i64) -> f64 {
        let now = now_us as f64;
        let relevance = match self.fading {
            Fading::Halving { half_us } => (key - now / half_us).exp2(),
            Fading::Linear { share, over_us } => key + share * (1.0 - now / over_us),
        };
        relevance.clamp(0.0, 1.0)
    }

    /// Whether two scores of one item differ enough to be written again.
    pub fn differs(&self, old: Parts, new: Parts) -> bool {
        (self.quality(new).log2() - self.quality(old).log2()).abs() >= 0.1
    }

    /// Items older than this are not made better or worse any more.
    #[expect(clippy::cast_possible_truncation, reason = "a time in microseconds")]
    pub fn settles_after_us(&self) -> i64 {
        match self.fading {
            Fading::Halving { half_us } => (3.0 * half_us) as i64,
            Fading::Linear { over_us, .. } => over_us as i64,
        }
    }

    /// Items older than this are left out, where the key is only good for so long.
    #[expect(clippy::cast_possible_truncation, reason = "a time in microseconds")]
    pub fn ends_after_us(&self) -> Option<i64> {
        match self.fading {
            Fading::Halving { .. } => None,
            Fading::Linear { over_us, .. } => Some(over_us as i64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_US: i64 = 86_400_000_000;
    const NOW_US: i64 = 1_800_000_000_000_000;

    fn parts() -> impl Strategy<Value = Parts> {
        let kind = prop_oneof![Just(Kind::Post), Just(Kind::Reply), Just(Kind::Repost)];
        (0.0..=1.0, 0..5_000_i64, 0..500_i64, 0..500_i64, 0.0..=1.0, kind).prop_map(
            |(affinity, likes, replies, shares, content, kind)| {
                Parts::new(affinity, engagement(likes, replies, shares), content, kind)
            },
        )
    }

    fn profiles() -> impl Strategy<Value = Profile> {
        prop_oneof![Just(Profile::HALVING), Just(Profile::ORIGIN)]
    }

    proptest! {
        // The third reference model: keys order as relevance does, at every later moment; F1.
        #[test]
        fn keys_order_alike_at_every_later_time(
            profile in profiles(),
            items in prop::collection::vec((parts(), 0..7 * DAY_US), 2..60),
            later in 0..3_i64,
        ) {
            let now_us = NOW_US + 7 * DAY_US + later * DAY_US;
            let keys: Vec<f64> = items.iter().map(|(parts, at)| profile.key(*parts, NOW_US + at)).collect();
            let direct = |(parts, at): &(Parts, i64)| {
                let (quality, age) = (profile.quality(*parts), (now_us - NOW_US - at) as f64);
                match profile.fading {
                    Fading::Halving { half_us } => quality * (-age / half_us).exp2(),
                    Fading::Linear { share, over_us } => quality + share * (1.0 - age / over_us),
                }
            };
            for (item, key) in items.iter().zip(&keys) {
                let told = profile.relevance(*key, now_us);
                prop_assert!((0.0..=1.0).contains(&told));
                prop_assert!((told - direct(item).clamp(0.0, 1.0)).abs() < 1e-9);
            }
            let mut by_key: Vec<usize> = (0..items.len()).collect();
            by_key.sort_by(|left, right| keys[*right].total_cmp(&keys[*left]));
            for pair in by_key.windows(2) {
                prop_assert!(direct(&items[pair[0]]) >= direct(&items[pair[1]]) - 1e-9);
            }
        }

        #[test]
        fn quality_is_above_nothing_and_at_most_one(profile in profiles(), parts in parts()) {
            let quality = profile.quality(parts);
            prop_assert!(quality > 0.0 && quality <= 1.0);
        }

        #[test]
        fn parts_come_back_as_they_were_packed(parts in parts()) {
            prop_assert_eq!(Parts::unpack(parts.pack()), parts);
        }

        #[test]
        fn no_number_makes_a_score_of_none(affinity in any::<f64>(), interactions in any::<f64>(), at in any::<i64>()) {
            let parts = Parts::new(affinity, super::affinity(true, false, interactions), f64::NAN, Kind::Post);
            let key = Profile::HALVING.key(parts, at);
            prop_assert!(!key.is_nan());
            prop_assert!((0.0..=1.0).contains(&Profile::HALVING.relevance(key, NOW_US)));
        }
    }

    #[test]
    fn engagement_grows_and_ends() {
        assert!(engagement(0, 0, 0).abs() < 1e-12);
        assert!(engagement(10, 0, 0) < engagement(0, 10, 0));
        assert!(engagement(0, 10, 0) < engagement(0, 0, 10));
        assert!((engagement(1_000, 0, 0) - 1.0).abs() < 1e-12);
        assert!((engagement(i64::MAX, i64::MAX, 7) - 1.0).abs() < 1e-12);
        assert!(engagement(-5, -5, -5).abs() < 1e-12);
    }

    #[test]
    fn who_is_closer_counts_more() {
        let check = |follows, mutual, interactions, expected: f64| {
            let found = affinity(follows, mutual, interactions);
            assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
        };
        check(false, false, 0.0, 0.0);
        check(true, false, 0.0, 0.5);
        check(true, true, 0.0, 0.7);
        check(true, true, 5.0, 0.7 + 0.3 * 0.632);
        check(true, true, 1e9, 1.0);
        check(true, true, -3.0, 0.7);
    }

    #[test]
    fn a_small_change_is_not_written() {
        let profile = Profile::HALVING;
        let parts = Parts::new(0.5, 0.0, 0.5, Kind::Post);
        assert!(!profile.differs(parts, parts.with_engagement(engagement(0, 0, 0))));
        assert!(!profile.differs(parts, parts.with_engagement(0.06)));
        assert!(profile.differs(parts, parts.with_engagement(engagement(3, 0, 0))));
    }
}
