//! Which partition a key belongs to: `murmur2(key) with the sign bit cleared, modulo partitions`.
//!
//! This is what Kafka's own producers do with a key, so a log moved to Kafka, or written to by a foreign
//! producer, keeps every key where it was. It must never change: the order of a key's items depends on it.

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;

/// The partition of `key` among `partitions` (at least one).
#[must_use]
pub(crate) fn of_key(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

fn murmur2(key: &[u8]) -> u32 {
    // The algorithm is defined on the length modulo 2³².
    #[expect(clippy::cast_possible_truncation, reason = "wrapping is part of the algorithm")]
    let mut hash = SEED ^ (key.len() as u32);
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    for (shift, byte) in rest.iter().enumerate().rev() {
        hash ^= u32::from(*byte) << (8 * shift);
    }
    if !rest.is_empty() {
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::{murmur2, of_key};

    #[test]
    fn hashes_as_kafka_does() {
        // Expected values: Kafka's own unit test of its hash.
        let check = |key: &[u8], expected: i32| assert_eq!(murmur2(key).cast_signed(), expected);
        check(b"21", -973_932_308);
        check(b"foobar", -790_332_482);
        check(b"a-little-bit-long-string", -985_981_536);
        check(b"a-little-bit-longer-string", -1_486_304_829);
        check(b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971);
        check(b"abc", 479_470_107);
    }

    #[test]
    fn partitions_are_in_range_and_all_used() {
        let mut used = [0_u32; 7];
        for n in 0..700 {
            let partition = of_key(format!("did:plc:{n}").as_bytes(), 7);
            used[partition as usize] += 1;
        }
        assert!(used.iter().all(|count| (50..200).contains(count)), "{used:?}");
        assert_eq!(of_key(b"anything", 1), 0);
    }
}
