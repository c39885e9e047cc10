//! Posts of every kind for whoever looks at the dashboard: each embed, what stands where one is not shown,
//! labels, gates, a status and a verification.

use anyhow::{Context, Result};
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::Did;
use millrace_sim::World;
use millrace_sim::records::{
    self, AllowRule, Blob, Draft, Embed, External, Generator, Image, Labeler, Postgate, Ref, Reply,
    StarterPack, Threadgate,
};
use serde_json::{Map, Value, json};

const POST: &str = "app.bsky.feed.post";

/// Everything of `author`, who is verified by `other` and blocks `blocked`: record keys by what they show.
pub fn write(world: &mut World, [author, other, blocked]: [&Did; 3], now_us: i64) -> Result<Value> {
    let handle = world.account(author).context("the author")?.identity.handle.as_str().to_owned();
    let mut hall = Hall { world, author, now_us, shown: Map::new(), feed: None };
    let at = format_ms_us(now_us);
    hall.put("app.bsky.actor.profile/self", records::profile("Painter", "of mills", now_us))?;
    hall.put("app.bsky.actor.status/self", records::status(&at, Some(60), Some(&card())))?;
    let verification = records::verification(author, &handle, "Painter", &at);
    hall.world.create_record(other, "app.bsky.graph.verification", now_us, verification)?;

    let plain = hall.post("plain", "a mill by the river", None)?;
    hall.post(
        "images",
        "two pictures",
        Some(Embed::Images(vec![picture("an old mill"), picture("")])),
    )?;
    hall.post("gallery", "a wall of them", Some(Embed::Gallery(vec![picture("one"); 3])))?;
    hall.post("video", "it turns", Some(video()))?;
    hall.post("external", "read this", Some(Embed::External(card())))?;
    hall.post("quote", "as I said", Some(Embed::Record(plain.clone())))?;
    let media = Box::new(Embed::Images(vec![picture("beside it")]));
    hall.post("both", "said and seen", Some(Embed::RecordWithMedia(plain.clone(), media)))?;
    hall.warned()?;
    hall.named(&at)?;
    hall.absent(other, blocked, &at)?;
    hall.gated(other, &plain, &at)?;

    let mut words = Draft::new("for ", now_us);
    words.mention(&handle, author);
    words.text.push_str(" see ");
    words.link("the mill", "https://mill.example/");
    words.text.push(' ');
    words.tag("wheels");
    hall.written("words", &words)?;
    let feed = hall.feed.take().context("the feed")?;
    Ok(json!({ "did": author.as_str(), "handle": handle, "feed": feed, "rkeys": hall.shown }))
}

struct Hall<'a> {
    world: &'a mut World,
    author: &'a Did,
    now_us: i64,
    shown: Map<String, Value>,
    /// URI of the feed generator.
    feed: Option<String>,
}

impl Hall<'_> {
    fn put(&mut self, path: &str, record: Vec<u8>) -> Result<Ref> {
        Ok(self.world.put_record(self.author, path.to_owned(), self.now_us, record)?)
    }

    fn create(&mut self, collection: &str, record: Vec<u8>) -> Result<Ref> {
        Ok(self.world.create_record(self.author, collection, self.now_us, record)?)
    }

    fn written(&mut self, name: &str, draft: &Draft) -> Result<Ref> {
        let made = self.create(POST, draft.encode())?;
        self.shown.insert(name.to_owned(), made.rkey().into());
        Ok(made)
    }

    fn post(&mut self, name: &str, text: &str, embed: Option<Embed>) -> Result<Ref> {
        let mut draft = Draft::new(text, self.now_us);
        draft.embed = embed;
        self.written(name, &draft)
    }

    /// Pictures of which their author warns.
    fn warned(&mut self) -> Result<()> {
        let mut draft = Draft::new("be warned", self.now_us);
        draft.embed = Some(Embed::Images(vec![picture("not for everybody")]));
        draft.labels = vec!["porn".to_owned()];
        self.written("warned", &draft).map(drop)
    }

    /// What has a name of its own.
    fn named(&mut self, at: &str) -> Result<()> {
        let list = records::list("curate", "Millers", Some("who grind"), at);
        let list = self.create("app.bsky.graph.list", list)?;
        let feed = Generator {
            did: self.author.clone(),
            display_name: "Mills".to_owned(),
            description: Some("nothing else".to_owned()),
            avatar: None,
            accepts_interactions: false,
            is_video: false,
            labels: Vec::new(),
            created_at: at.to_owned(),
        };
        let feed = self.create("app.bsky.feed.generator", feed.encode())?;
        self.feed = Some(feed.uri.clone());
        let pack = StarterPack {
            name: "Begin here".to_owned(),
            list: list.uri.clone(),
            created_at: at.to_owned(),
            ..StarterPack::default()
        };
        let pack = self.create("app.bsky.graph.starterpack", pack.encode())?;
        let labeler = Labeler { created_at: at.to_owned(), ..Labeler::default() };
        let labeler = self.put("app.bsky.labeler.service/self", labeler.encode())?;
        for (name, record) in [("list", list), ("feed", feed), ("pack", pack), ("labeler", labeler)]
        {
            self.post(name, "look at that", Some(Embed::Record(record)))?;
        }
        Ok(())
    }

    /// What is not shown, and why.
    fn absent(&mut self, other: &Did, blocked: &Did, at: &str) -> Result<()> {
        let nothing = Ref {
            uri: format!("at://{other}/{POST}/3zzzzzzzzzzzz"),
            cid: Cid::of_dag_cbor(b"nothing"),
        };
        self.post("gone", "it was there", Some(Embed::Record(nothing)))?;
        let post = records::post("whom nobody hears", self.now_us, None, None, None);
        let post = self.world.create_record(blocked, POST, self.now_us, post)?;
        self.create("app.bsky.graph.block", records::block(blocked, at))?;
        self.post("blocked", "I do not listen", Some(Embed::Record(post)))?;
        let post = records::post("do not quote me", self.now_us, None, None, None);
        let post = self.world.create_record(other, POST, self.now_us, post)?;
        let quote = self.post("detached", "I quote you", Some(Embed::Record(post.clone())))?;
        let gate = Postgate {
            post: post.uri.clone(),
            detached: vec![quote.uri],
            created_at: at.to_owned(),
            ..Postgate::default()
        };
        let path = format!("app.bsky.feed.postgate/{}", post.rkey());
        self.world.put_record(other, path, self.now_us, gate.encode())?;
        Ok(())
    }

    /// A thread in which only some may answer and nobody may quote, with a reply that its author hides.
    fn gated(&mut self, other: &Did, plain: &Ref, at: &str) -> Result<()> {
        let mut draft = Draft::new("I decide who answers, ", self.now_us);
        draft.mention("somebody", other);
        let root = self.written("gated", &draft)?;
        let reply = Reply { root: root.clone(), parent: root.clone() };
        let answer = records::post("an unwelcome word", self.now_us, Some(&reply), None, None);
        let answer = self.world.create_record(other, POST, self.now_us, answer)?;
        let gate = Threadgate {
            post: root.uri.clone(),
            allow: Some(vec![AllowRule::Mention, AllowRule::Follower]),
            hidden_replies: vec![answer.uri],
            created_at: at.to_owned(),
        };
        self.put(&format!("app.bsky.feed.threadgate/{}", root.rkey()), gate.encode())?;
        for (post, disabled) in [(&root, true), (plain, false)] {
            let gate = Postgate {
                post: post.uri.clone(),
                disabled,
                created_at: at.to_owned(),
                ..Postgate::default()
            };
            self.put(&format!("app.bsky.feed.postgate/{}", post.rkey()), gate.encode())?;
        }
        Ok(())
    }
}

/// Nothing is behind its CID.
fn blob(mime_type: &'static str, name: &str) -> Blob {
    Blob { cid: Cid::of_raw(name.as_bytes()), mime_type, size_bytes: 1_000 }
}

fn picture(alt: &str) -> Image {
    Image { blob: blob("image/jpeg", alt), alt: alt.to_owned(), aspect_ratio: Some((4, 3)) }
}

fn video() -> Embed {
    Embed::Video {
        video: blob("video/mp4", "a wheel"),
        alt: Some("a wheel turns".to_owned()),
        captions: None,
        aspect_ratio: None,
    }
}

fn card() -> External {
    External {
        uri: "https://mill.example/live".to_owned(),
        title: "The mill, live".to_owned(),
        description: "water over a wheel".to_owned(),
        thumb: Some(blob("image/jpeg", "the mill")),
    }
}
