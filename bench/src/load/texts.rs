//! What is said: words whose frequencies fall off as those of a language do, so that some are in most posts and
//! many in a few.

use millrace_runtime::rng::Rng;

const SYLLABLES: [&str; 32] = [
    "ba", "ne", "ri", "to", "lu", "ka", "se", "mi", "do", "fu", "ga", "he", "ji", "ko", "pu", "la",
    "me", "vi", "no", "su", "ta", "we", "zi", "po", "ru", "cha", "shen", "lor", "min", "tar",
    "vel", "rok",
];
const WORDS: u64 = 30_000;
const WORDS_MIN: u64 = 8;
const WORDS_SPAN: u64 = 22;

/// A language.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts;

impl Texts {
    /// The word of that rank; 0 is the most frequent.
    pub fn word(self, rank: u64) -> String {
        let mut word = String::new();
        let mut rest = rank + 32;
        while rest > 0 {
            word.push_str(SYLLABLES[usize::try_from(rest % 32).unwrap_or(0)]);
            rest /= 32;
        }
        word
    }

    /// A rank as often as its word occurs.
    pub fn rank(self, rng: &Rng) -> u64 {
        let part = unit(rng);
        ((WORDS as f64) * part.powi(4)) as u64
    }

    pub fn sentence(self, rng: &Rng) -> String {
        let words = WORDS_MIN + rng.below(WORDS_SPAN);
        let words: Vec<String> = (0..words).map(|_| self.word(self.rank(rng))).collect();
        words.join(" ")
    }
}

/// From 0 to 1, evenly.
pub fn unit(rng: &Rng) -> f64 {
    rng.below(1 << 53) as f64 / (1_u64 << 53) as f64
}
