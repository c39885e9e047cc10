//! The id of a post's document: its time in milliseconds, then 20 bits that tell apart posts of the
//! same millisecond. Ids grow with time, so the latest matches are the highest ids.
//!
//! ```text
//!   63            20 19        0
//!  ┌────────────────┬───────────┐
//!  │ sort_at, ms    │ scattered │   0 ≤ ms < 2^43 (the year 2248)
//!  └────────────────┴───────────┘
//! ```

const LOW_BITS: u32 = 20;
const LOW: i64 = (1 << LOW_BITS) - 1;
const MS_MAX: i64 = (1 << 43) - 1;

/// The id a post tries at its `attempt`-th time; where one is taken, the next is elsewhere within
/// the same millisecond.
pub(crate) fn candidate(sort_at_us: i64, actor: i64, rkey: i64, attempt: u32) -> i64 {
    first_at(sort_at_us) | (scatter(actor, rkey, attempt) & LOW)
}

/// The lowest id of the millisecond a time lies in.
pub(crate) fn first_at(time_us: i64) -> i64 {
    time_us.div_euclid(1_000).clamp(0, MS_MAX) << LOW_BITS
}

/// Well-mixed bits of a key (the finaliser of SplitMix64).
fn scatter(actor: i64, rkey: i64, attempt: u32) -> i64 {
    let mut bits = (actor as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(rkey as u64)
        .wrapping_add(u64::from(attempt) << 48);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_with_time() {
        let times = [i64::MIN, -1, 0, 999, 1_000, 1_767_225_600_000_000, i64::MAX];
        let firsts: Vec<i64> = times.iter().map(|time_us| first_at(*time_us)).collect();
        assert!(firsts.is_sorted(), "{firsts:?}");
        assert!(firsts.iter().all(|id| *id >= 0));
        let id = candidate(1_767_225_600_000_000, 7, 9, 0);
        assert!((first_at(1_767_225_600_000_000)..first_at(1_767_225_600_001_000)).contains(&id));
    }

    #[test]
    fn attempts_and_keys_differ() {
        let ids: std::collections::BTreeSet<i64> =
            (0..100).flat_map(|key| (0..3).map(move |n| candidate(5, key, key, n))).collect();
        assert!(ids.len() > 295, "{}", ids.len());
    }
}
