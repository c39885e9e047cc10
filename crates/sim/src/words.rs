//! The names and words the made-up people use.

use millrace_runtime::rng::Rng;

/// One of them.
pub(crate) fn pick(rng: &Rng, words: &[&'static str]) -> &'static str {
    let at = usize::try_from(rng.below(words.len() as u64)).unwrap_or(0);
    words.get(at).copied().unwrap_or_default()
}

pub(crate) const NAMES: &[&str] = &[
    "alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi", "ivan", "judy", "kai",
    "lena", "mallory", "nina", "olaf", "peggy", "quinn", "rosa", "sybil", "trent", "uma", "victor",
    "walter", "xenia", "yusuf", "zoe", "aiko", "bruno", "chen", "dalia", "emeka", "farah", "goran",
    "hana", "imani", "jonas", "kofi", "leila", "mateo", "noor",
];

pub(crate) const OPENERS: &[&str] = &[
    "Today I learned that",
    "Nobody told me that",
    "It turns out that",
    "Hot take:",
    "Reminder:",
    "I keep thinking that",
    "Breaking:",
    "After all these years,",
    "今日は",
    "Heute denke ich,",
    "Hoy creo que",
    "Unpopular opinion:",
];

pub(crate) const SUBJECTS: &[&str] = &[
    "the old mill",
    "this river",
    "my bicycle",
    "the night train",
    "a good log",
    "every cache",
    "the cat",
    "fresh bread",
    "the second cup of coffee",
    "東京の雨",
    "the library",
    "my neighbour's garden",
    "the index",
    "a quiet morning",
];

pub(crate) const ENDINGS: &[&str] = &[
    "needs more water.",
    "is better than people think.",
    "never sleeps.",
    "deserves a proper name.",
    "was right all along.",
    "has no owner.",
    "is worth the walk.",
    "could use a lock.",
    "は美しい。",
    "makes me happy.",
    "must be rebuilt.",
];

pub(crate) const REPLIES: &[&str] = &[
    "Agreed.",
    "Not so sure about that.",
    "Tell me more!",
    "This.",
    "I had the same thought.",
    "Source?",
    "Ha!",
    "そうですね",
    "You made my day.",
    "That explains a lot.",
];

pub(crate) const ABOUT: &[&str] = &[
    "Writes about water and wheels.",
    "Mostly here for the cats.",
    "Counts things for a living.",
    "Opinions are cached.",
    "Bakes, bikes, and debugs.",
    "Somewhere between two stations.",
    "日本語もどうぞ。",
];

pub(crate) const TAGS: &[&str] =
    &["mill", "water", "wheels", "cats", "東京", "Gärten", "log", "🌊", "photography", "bread"];

pub(crate) const SELF_LABELS: &[&str] =
    &["porn", "nudity", "sexual", "graphic-media", "!no-unauthenticated"];

pub(crate) const LISTS: &[&str] = &[
    "Millers",
    "Good people",
    "Loud people",
    "Cats of the river",
    "水車の人々",
    "Bakers 🍞",
    "Readers",
    "To be watched",
];

pub(crate) const DISPLAY_NAMES: &[&str] =
    &["The Miller", "water & wheels", "水車 🌊", "Ärgerlich", "𝔊𝔬𝔱𝔥𝔦𝔠", "👩‍🌾 Farah", "-", "عائشة"];

/// Texts with their language.
pub(crate) const OTHER_SCRIPTS: &[(&str, &str)] = &[
    ("ja", "今日は水車小屋まで歩きました。川の音がとてもきれいでした。"),
    ("zh", "今天的天气很好,我在河边看到了一座老磨坊。"),
    ("ko", "오늘은 물레방아를 보러 갔다. 날씨가 정말 좋았다!"),
    ("ar", "الطاحونة القديمة لا تنام أبداً"),
    ("ru", "Старая мельница никогда не спит."),
    ("th", "กังหันน้ำเก่าไม่เคยหลับ"),
    ("en", "🌊🌊🌊 👩‍🌾👨‍👩‍👧‍👦 🏳️‍🌈 wheels go round 🎡"),
    ("hi", "पुरानी चक्की कभी नहीं सोती"),
];
