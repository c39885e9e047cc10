//! What is asked, drawn from a seed: who asks, about what, and how much at a time.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use millrace_atproto::syntax::Did;
use millrace_runtime::rng::Rng;

use crate::load::{Post, Texts};
use crate::people::{CLASSES, People};

/// Posts that questions are about; many more than questions.
const POSTS_KNOWN: usize = 20_000;

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The home timeline of viewers of a class.
    Timeline(usize),
    AuthorFeed,
    Thread,
    Profile,
    Search,
}

impl Kind {
    /// How it is called in figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeline(0) => "timeline_50",
            Self::Timeline(1) => "timeline_200",
            Self::Timeline(_) => "timeline_2000",
            Self::AuthorFeed => "author_feed",
            Self::Thread => "thread",
            Self::Profile => "profile",
            Self::Search => "search",
        }
    }

    pub const ALL: [Self; 7] = [
        Self::Timeline(0),
        Self::Timeline(1),
        Self::Timeline(2),
        Self::AuthorFeed,
        Self::Thread,
        Self::Profile,
        Self::Search,
    ];

    pub fn is_timeline(self) -> bool {
        matches!(self, Self::Timeline(_))
    }
}

impl ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// A question, ready to be asked of any AppView.
#[derive(Clone, Debug)]
pub struct Question {
    pub method: &'static str,
    pub params: String,
    pub viewer: Option<Did>,
    /// What of the answer must hold something.
    pub list: &'static str,
}

/// Who may ask and what may be asked about.
pub struct Subjects {
    rng: Rng,
    /// Viewers by class.
    viewers: Vec<Vec<Did>>,
    authors: Vec<Did>,
    posts: Vec<String>,
    texts: Texts,
}

impl Subjects {
    /// Of the large store.
    pub fn of_people(people: &People, posts: &[Post], seed: u64) -> Self {
        let viewers = (0..CLASSES.len())
            .map(|class| people.viewers(class).map(|at| people.did(at).clone()).collect());
        let rng = Rng::seeded(seed);
        let uri = |post: &Post| {
            format!("at://{}/app.bsky.feed.post/{}", people.did(post.author), post.rkey)
        };
        let mut some = Vec::with_capacity(POSTS_KNOWN);
        while let (true, Some(post)) = (some.len() < POSTS_KNOWN, pick(&rng, posts)) {
            // Every third is the beginning of the thread it is in, and long threads have more of them.
            let root = posts.get(post.root as usize).filter(|_| some.len() % 3 == 0);
            some.push(uri(root.unwrap_or(post)));
        }
        let authors = people.dids.clone();
        Self { rng, viewers: viewers.collect(), authors, posts: some, texts: Texts }
    }

    /// Of the frames: everybody views, everybody is viewed.
    pub fn of_accounts(accounts: Vec<Did>, posts: Vec<String>, seed: u64) -> Self {
        let viewers = vec![accounts.clone(); CLASSES.len()];
        Self { rng: Rng::seeded(seed), viewers, authors: accounts, posts, texts: Texts }
    }

    /// So many questions of a kind.
    pub fn draw(&self, kind: Kind, count: usize) -> Vec<Question> {
        (0..count).map(|_| self.question(kind)).collect()
    }

    /// All kinds in turns.
    pub fn mixed(&self, count: usize) -> Vec<Question> {
        (0..count).map(|at| self.question(Kind::ALL[at % Kind::ALL.len()])).collect()
    }

    fn question(&self, kind: Kind) -> Question {
        let limit = 30 + self.rng.below(40);
        let viewer = |class: usize| pick(&self.rng, &self.viewers[class]).cloned();
        let anyone = || viewer(usize::try_from(self.rng.below(3)).unwrap_or(0));
        let (method, params, viewer, list) = match kind {
            Kind::Timeline(class) => {
                ("app.bsky.feed.getTimeline", format!("limit={limit}"), viewer(class), "feed")
            }
            Kind::AuthorFeed => {
                let params = format!("actor={}&limit={limit}", self.author());
                ("app.bsky.feed.getAuthorFeed", params, anyone(), "")
            }
            Kind::Thread => {
                let post = pick(&self.rng, &self.posts).cloned().unwrap_or_default();
                let params = format!("uri={}&depth={}", escaped(&post), 6 + self.rng.below(5));
                ("app.bsky.feed.getPostThread", params, anyone(), "thread")
            }
            Kind::Profile => {
                let params = format!("actor={}", self.author());
                ("app.bsky.actor.getProfile", params, anyone(), "")
            }
            Kind::Search => {
                let sort = if self.rng.below(2) == 0 { "top" } else { "latest" };
                let words = self.words();
                // Two words may never have met.
                let list = if words.contains('%') { "" } else { "posts" };
                let params = format!("q={words}&sort={sort}&limit=25");
                ("app.bsky.feed.searchPosts", params, anyone(), list)
            }
        };
        Question { method, params, viewer, list }
    }

    /// Some author, the busier the likelier.
    fn author(&self) -> &str {
        let part = self.rng.below(1 << 20) as f64 / f64::from(1 << 20);
        let at = (self.authors.len() as f64 * part * part) as usize;
        self.authors.get(at).map_or("", |did| did.as_str())
    }

    /// A word, or two, as frequent as words are in what is written: from those in most posts to those in few.
    fn words(&self) -> String {
        match self.rng.below(3) {
            0 => self.texts.word(self.rng.below(20)),
            1 => self.texts.word(20 + self.rng.below(2_000)),
            _ => {
                let words = [self.texts.rank(&self.rng) % 400, self.rng.below(40)];
                words.map(|rank| self.texts.word(rank)).join("%20")
            }
        }
    }
}

fn pick<'a, T>(rng: &Rng, of: &'a [T]) -> Option<&'a T> {
    of.get(usize::try_from(rng.below(of.len() as u64)).unwrap_or(0))
}

fn escaped(uri: &str) -> String {
    uri.replace(':', "%3A").replace('/', "%2F")
}
