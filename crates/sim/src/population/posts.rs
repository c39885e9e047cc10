//! Posts of all kinds, replies in trees, circles and nowhere, and what becomes of them.

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::Did;

use super::scene::{Done, GENERATOR, LABELER, LIST, POST, STARTER_PACK, Scene};
use crate::records::{Blob, Draft, Embed, External, Image, Ref, Reply};
use crate::repo::{RepoError, Write};
use crate::words;

impl Scene<'_> {
    pub(super) fn post(&mut self) -> Done {
        let draft = self.draft();
        self.publish(draft)
    }

    pub(super) fn post_tagged(&mut self) -> Done {
        let mut draft = self.draft();
        for _ in 0..self.some(2) {
            draft.text.push(' ');
            draft.tag(self.pick(words::TAGS));
        }
        if self.once_in(2) {
            draft.tags = vec![self.pick(words::TAGS).to_owned()];
        }
        self.publish(draft)
    }

    pub(super) fn post_linked(&mut self) -> Done {
        let mut draft = self.draft();
        draft.text.push(' ');
        draft.link("mill.sim.test/…", "https://mill.sim.test/about?wheel=1");
        self.publish(draft)
    }

    pub(super) fn post_mentioning(&mut self) -> Done {
        let whom = self.anybody();
        let handle = self.world.account(&whom).map(|account| account.identity.handle.to_string());
        let mut draft = Draft::new("", self.now_us);
        draft.created_at = self.stamp();
        draft.mention(handle.as_deref().unwrap_or("nobody.sim.test"), &whom);
        draft.text = format!("{} {}", draft.text, self.sentence());
        self.publish(draft)
    }

    pub(super) fn post_in_other_scripts(&mut self) -> Done {
        let (lang, text) = words::OTHER_SCRIPTS[self.index(words::OTHER_SCRIPTS.len())];
        let mut draft = Draft::new(text, self.now_us);
        draft.langs = vec![lang.to_owned()];
        self.publish(draft)
    }

    pub(super) fn post_labelled(&mut self) -> Done {
        let mut draft = self.draft();
        draft.labels = vec![self.pick(words::SELF_LABELS).to_owned()];
        self.publish(draft)
    }

    pub(super) fn post_with_images(&mut self) -> Done {
        let mut draft = self.draft();
        draft.embed = Some(Embed::Images(self.images(4)));
        self.publish(draft)
    }

    pub(super) fn post_with_gallery(&mut self) -> Done {
        let mut draft = self.draft();
        let images = self.images(7).into_iter();
        let shaped = |image| Image { aspect_ratio: Some((4, 3)), ..image };
        draft.embed = Some(Embed::Gallery(images.map(shaped).collect()));
        self.publish(draft)
    }

    pub(super) fn post_with_video(&mut self) -> Done {
        let mut draft = self.draft();
        let captions = self
            .once_in(2)
            .then(|| ("en".to_owned(), Blob { size_bytes: 900, ..self.blob("text/vtt") }));
        draft.embed = Some(Embed::Video {
            video: self.blob("video/mp4"),
            alt: self.once_in(2).then(|| "water over a wheel".to_owned()),
            captions,
            aspect_ratio: Some((16, 9)),
        });
        self.publish(draft)
    }

    pub(super) fn post_with_external(&mut self) -> Done {
        let mut draft = self.draft();
        draft.embed = Some(Embed::External(self.external()));
        self.publish(draft)
    }

    pub(super) fn quote(&mut self) -> Done {
        let Some(quoted) = self.standing(POST) else { return self.post() };
        let mut draft = self.draft();
        draft.embed = Some(Embed::Record(quoted));
        self.publish(draft)
    }

    pub(super) fn quote_with_media(&mut self) -> Done {
        let Some(quoted) = self.standing(POST) else { return self.post() };
        let media = match self.rng.below(3) {
            0 => Embed::External(self.external()),
            _ => Embed::Images(self.images(2)),
        };
        let mut draft = self.draft();
        draft.embed = Some(Embed::RecordWithMedia(quoted, Box::new(media)));
        self.publish(draft)
    }

    /// A post with a list, a feed, a starter pack or a labeler in it.
    pub(super) fn quote_other(&mut self) -> Done {
        let of = [GENERATOR, LIST, STARTER_PACK, LABELER];
        let from = self.index(of.len());
        let mut found =
            of.iter().cycle().skip(from).take(of.len()).find_map(|of| self.standing(of));
        if found.is_none() {
            found = Some(self.make_list("curate")?.1);
        }
        let mut draft = self.draft();
        draft.embed = found.map(Embed::Record);
        self.publish(draft)
    }

    pub(super) fn reply(&mut self) -> Done {
        let Some(parent) = self.standing(POST) else { return self.post() };
        let root = self.root_of(&parent);
        self.answer(root, parent)
    }

    /// To a post that was deleted.
    pub(super) fn reply_to_gone(&mut self) -> Done {
        let gone = self.memory.gone();
        let Some(parent) = gone.get(self.index(gone.len())).cloned() else {
            return self.reply();
        };
        self.answer(parent.clone(), parent)
    }

    /// To a post that never was.
    pub(super) fn reply_to_nothing(&mut self) -> Done {
        let nothing = self.nothing();
        self.answer(nothing.clone(), nothing)
    }

    /// The root is another thread's.
    pub(super) fn reply_with_wrong_root(&mut self) -> Done {
        let (Some(parent), Some(other)) = (self.standing(POST), self.standing(POST)) else {
            return self.post();
        };
        self.answer(other, parent)
    }

    /// Two posts that answer each other. No record can hold the CID of one that holds its own, so one of
    /// the two names a CID that is not the other's.
    pub(super) fn reply_in_circle(&mut self) -> Done {
        let who = self.someone();
        let [first, second] = [self.new_path(POST), self.new_path(POST)];
        let at = |path: &String, cid| Ref { uri: format!("at://{who}/{path}"), cid };
        let unknown = at(&second, self.nothing().cid);
        let text = format_ms_us(self.now_us);
        let mut draft = Draft::new("Which came first?", self.now_us);
        draft.created_at = text;
        draft.reply = Some(Reply { root: unknown.clone(), parent: unknown });
        let record = draft.encode();
        let answered = at(&first, Cid::of_dag_cbor(&record));
        self.commit(&who, &[Write::Put { path: first, record }])?;
        draft.text = "That one did.".to_owned();
        draft.reply = Some(Reply { root: answered.clone(), parent: answered });
        self.commit(&who, &[Write::Put { path: second, record: draft.encode() }])
    }

    pub(super) fn update_post(&mut self) -> Done {
        let (who, post) = self.own_post()?;
        let mut draft = self.draft();
        draft.text = format!("{} (edited)", draft.text);
        self.replace(&who, &post, draft.encode())
    }

    /// A post is deleted, and another comes to stand at its place.
    pub(super) fn recreate_post(&mut self) -> Done {
        let (who, post) = self.own_post()?;
        self.delete(&who, &post)?;
        let mut draft = self.draft();
        draft.text = format!("{} (again)", draft.text);
        self.put(&who, POST, post.rkey(), draft.encode()).map(|_| ())
    }

    /// A post of one's own, made if need be.
    pub(super) fn own_post(&mut self) -> Result<(Did, Ref), RepoError> {
        if let Some(own) = self.standing_own(POST) {
            return Ok(own);
        }
        let (who, draft) = (self.someone(), self.draft());
        let post = self.create(&who, POST, draft.encode())?;
        Ok((who, post))
    }

    /// A reference to a post that never was, of somebody who is.
    pub(super) fn nothing(&mut self) -> Ref {
        let (who, rkey) = (self.anybody(), self.world.tid(self.now_us));
        Ref { uri: format!("at://{who}/{POST}/{rkey}"), cid: Cid::of_dag_cbor(b"nothing") }
    }

    pub(super) fn external(&self) -> External {
        External {
            uri: format!("https://mill.sim.test/{}", self.rng.below(1_000)),
            title: self.sentence(),
            description: self.pick(words::ABOUT).to_owned(),
            thumb: self.once_in(2).then(|| self.blob("image/jpeg")),
        }
    }

    pub(super) fn blob(&self, mime_type: &'static str) -> Blob {
        Blob::drawn(mime_type, self.rng)
    }

    fn draft(&self) -> Draft {
        let mut draft = Draft::new(self.sentence(), self.now_us);
        draft.created_at = self.stamp();
        draft.langs = match self.rng.below(6) {
            0 => Vec::new(),
            1 => vec!["en".to_owned(), "ja".to_owned()],
            2 => vec!["pt-BR".to_owned()],
            _ => vec!["en".to_owned()],
        };
        draft
    }

    fn publish(&mut self, draft: Draft) -> Done {
        let who = self.someone();
        self.create(&who, POST, draft.encode()).map(|_| ())
    }

    fn answer(&mut self, root: Ref, parent: Ref) -> Done {
        let mut draft = Draft::new(self.pick(words::REPLIES), self.now_us);
        draft.created_at = self.stamp();
        draft.reply = Some(Reply { root, parent });
        self.publish(draft)
    }

    fn images(&self, most: u64) -> Vec<Image> {
        let image = |at: u64| Image {
            blob: self.blob(if at.is_multiple_of(2) { "image/jpeg" } else { "image/png" }),
            alt: if self.once_in(3) {
                String::new()
            } else {
                self.pick(words::SUBJECTS).to_owned()
            },
            aspect_ratio: self.once_in(2).then_some((1_200, 800)),
        };
        (0..self.some(most)).map(image).collect()
    }

    /// The first post of the thread, as a client finds it: the root of the post that is answered.
    fn root_of(&self, post: &Ref) -> Ref {
        let uri = self.text_in(post, &["reply", "root", "uri"]);
        let cid = self.text_in(post, &["reply", "root", "cid"]);
        let cid = cid.and_then(|cid| Cid::parse(&cid).ok());
        uri.zip(cid).map_or_else(|| post.clone(), |(uri, cid)| Ref { uri, cid })
    }
}
