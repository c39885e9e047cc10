//! The words of a text.
//!
//! NFKC, lower case, accents of Latin and Greek folded. Scripts that put no spaces between words
//! (Chinese, Japanese, Korean, Thai …) become overlapping pairs of characters, and the last one
//! alone: "東京都" is 東京, 京都, 都. A query for one character is then a prefix, one for more is
//! the pairs in a row.

use millrace_store::full_text::Phrase;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Characters of a text that are looked at.
const CHARS_MAX: usize = 20_000;

/// A run of characters of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Run {
    /// A word between spaces and punctuation.
    Word(String),
    /// A run of a script without spaces.
    Unspaced(Vec<char>),
}

/// The tokens of a text, in its order.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in runs(text) {
        run.tokens(&mut words);
    }
    words
}

/// What is asked for by a text: its tokens in a row. `None` when it has no word.
pub(crate) fn phrase(text: &str) -> Option<Phrase> {
    let mut runs = runs(text);
    let last = runs.pop()?;
    let mut tokens = Vec::new();
    for run in runs {
        run.tokens(&mut tokens);
    }
    let prefix = matches!(&last, Run::Unspaced(chars) if chars.len() == 1);
    match last {
        Run::Unspaced(chars) if chars.len() > 1 => tokens.extend(pairs(&chars)),
        last => last.tokens(&mut tokens),
    }
    Some(Phrase { tokens, prefix })
}

impl Run {
    fn tokens(self, tokens: &mut Vec<String>) {
        match self {
            Self::Word(word) => tokens.push(word),
            Self::Unspaced(chars) => {
                tokens.extend(pairs(&chars));
                tokens.extend(chars.last().map(char::to_string));
            }
        }
    }
}

fn pairs(chars: &[char]) -> impl Iterator<Item = String> {
    chars.windows(2).map(|pair| pair.iter().collect())
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut word = String::new();
    let mut unspaced = Vec::new();
    for c in text.chars().take(CHARS_MAX).nfkc().flat_map(char::to_lowercase) {
        if is_unspaced(c) {
            end_word(&mut word, &mut runs);
            unspaced.push(c);
            continue;
        }
        end_unspaced(&mut unspaced, &mut runs);
        if c.is_alphanumeric() {
            fold(c, &mut word);
        } else if !is_joiner(c) {
            end_word(&mut word, &mut runs);
        }
    }
    end_word(&mut word, &mut runs);
    end_unspaced(&mut unspaced, &mut runs);
    runs
}

fn end_word(word: &mut String, runs: &mut Vec<Run>) {
    if !word.is_empty() {
        runs.push(Run::Word(std::mem::take(word)));
    }
}

fn end_unspaced(chars: &mut Vec<char>, runs: &mut Vec<Run>) {
    if !chars.is_empty() {
        runs.push(Run::Unspaced(std::mem::take(chars)));
    }
}

/// Adds a character without its accents.
fn fold(c: char, word: &mut String) {
    match u32::from(c) {
        0x80..0x400 | 0x1E00..0x2000 => decompose_canonical(c, |part| {
            if !is_combining_mark(part) {
                word.push(part);
            }
        }),
        _ => word.push(c),
    }
}

/// Stands within a word and is no letter: marks of scripts that need them, and hidden joiners.
fn is_joiner(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{200c}' | '\u{200d}' | '\u{ad}')
}

/// Whether the script writes words without spaces between them, or long compounds.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..0x0E80            // Thai
        | 0x0E80..0x0F00          // Lao
        | 0x1000..0x10A0          // Myanmar
        | 0x1780..0x1800          // Khmer
        | 0x3040..0x3100          // Hiragana, Katakana
        | 0x31F0..0x3200
        | 0x3400..0x4DC0          // Han
        | 0x4E00..0xA000
        | 0xAC00..0xD7B0          // Hangul
        | 0xF900..0xFB00
        | 0x2_0000..0x3_2000)
        && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text), expected, "{text}");
    }

    #[test]
    fn words_of_many_scripts() {
        check("The Mill's wheel, again!", &["the", "mill", "s", "wheel", "again"]);
        check("ÄRGER Ångström naïve ΆΛΦΑ", &["arger", "angstrom", "naive", "αλφα"]);
        check("ｆｕｌｌ ﬁnal ②", &["full", "final", "2"]);
        check("東京都", &["東京", "京都", "都"]);
        check("東", &["東"]);
        check("ガギ", &["ガギ", "ギ"]);
        check("물레방아", &["물레", "레방", "방아", "아"]);
        check("rust東京rust", &["rust", "東京", "京", "rust"]);
        check("Йод ёлка", &["йод", "ёлка"]);
        check("हिन्दी", &["हिनदी"]);
        check("🦀 … \u{0} \u{e000}x", &["x"]);
        check("", &[]);
    }

    #[test]
    fn what_is_asked_is_found_in_what_was_written() {
        let holds = |text: &str, asked: &str| {
            let (words, phrase) = (words(text), phrase(asked).expect("a word"));
            words.windows(phrase.tokens.len()).any(|row| {
                let (last, before) = row.split_last().expect("a phrase has tokens");
                let (asked, asked_before) = phrase.tokens.split_last().expect("so it has");
                before == asked_before
                    && (last == asked || (phrase.prefix && last.starts_with(asked.as_str())))
            })
        };
        for (text, asked, expected) in [
            ("東京都に行く", "京都", true),
            ("東京都に行く", "都", true),
            ("東京都に行く", "く", true),
            ("東京都に行く", "東都", false),
            ("go to 東京 now", "to 東京", true),
            ("go to 東京 now", "東京 now", true),
            ("the mill wheel", "mill wheel", true),
            ("the mill wheel", "the wheel", false),
        ] {
            assert_eq!(holds(text, asked), expected, "{asked} in {text}");
        }
        assert_eq!(phrase("!?"), None);
    }
}
