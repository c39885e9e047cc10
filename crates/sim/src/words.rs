//! The names and words the made-up people use.

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
