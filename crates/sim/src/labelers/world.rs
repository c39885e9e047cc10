//! Labelers as a part of the world: who they are, what they say, and how they live.

use millrace_atproto::crypto::Curve;
use millrace_atproto::syntax::Did;

use super::{LabelLie, LabelSaid, LabelTruth, Stream};
use crate::World;
use crate::identity::drawn_key;
use crate::records::{Labeler, Profile};
use crate::repo::RepoError;

const SERVICE: &str = "app.bsky.labeler.service/self";
const PROFILE: &str = "app.bsky.actor.profile/self";
const POSTS: &str = "app.bsky.feed.post/";
/// What honest labelers say; none of it hides anything.
const VALUES: [&str; 4] = ["damp", "spam", "rude", "graphic-media"];
/// Of so many things an honest labeler says, one takes back, and one has an end.
const TAKES_BACK: u64 = 5;
const ENDS: u64 = 7;
/// Of so many things that people do, one has a labeler say something.
const LABELLED: u64 = 8;
const HOUR_US: i64 = 3_600 * 1_000_000;

impl World {
    /// Another account, that is a labeler with a stream of its own. Its declaration names `VALUES`.
    pub fn create_labeler(&mut self, now_us: i64) -> Result<Did, RepoError> {
        let did = self.create_account(now_us);
        let stream = Stream::new(did.clone(), self.relay_bytes_max());
        self.labelers.push(stream);
        self.make_labeler(&did, now_us);
        let created_at = millrace_atproto::datetime::format_ms_us(now_us);
        let profile = Profile {
            display_name: Some("Labels of the simulation".to_owned()),
            created_at: Some(created_at.clone()),
            ..Profile::default()
        };
        self.put_record(&did, PROFILE.to_owned(), now_us, profile.encode())?;
        let label_values = VALUES.map(str::to_owned).to_vec();
        let policies = Labeler { label_values, subject_types: None, created_at };
        self.put_record(&did, SERVICE.to_owned(), now_us, policies.encode())?;
        Ok(did)
    }

    /// The labelers with streams, in the order they were created.
    pub fn labelers(&self) -> impl ExactSizeIterator<Item = &Did> {
        self.labelers.iter().map(|stream| &stream.did)
    }

    /// A labeler says something, signed.
    pub fn say_label(&mut self, labeler: &Did, said: LabelSaid, now_us: i64) {
        self.with_stream(labeler, |stream, key| stream.say(said, key, now_us));
    }

    /// A labeler does something wrong. What holds stays the same.
    pub fn lie_by_label(&mut self, labeler: &Did, lie: &LabelLie, subject: &str, now_us: i64) {
        self.with_stream(labeler, |stream, key| stream.lie(lie, subject, key, now_us));
    }

    /// A labeler signs with another key from now on. What it said before stays as it was signed: it holds for those
    /// who have read it.
    pub fn rotate_label_key(&mut self, labeler: &Did, now_us: i64) {
        let key = drawn_key(Curve::K256, &self.rng);
        if let Some(account) = self.accounts.get_mut(labeler) {
            account.identity.label_key = Some(key);
        }
        self.emit_identity(labeler, now_us);
    }

    /// The number of what a labeler said last.
    pub fn last_label_seq(&self, labeler: &Did) -> i64 {
        let stream = self.labelers.iter().find(|stream| stream.did == *labeler);
        stream.map_or(0, |stream| stream.tape.last_seq())
    }

    /// What holds of what labelers said, but for what has an end.
    pub fn label_truths(&self) -> Vec<LabelTruth> {
        self.labelers.iter().flat_map(Stream::truths).collect()
    }

    /// After some of the things people do a labeler has something to say.
    pub(crate) fn maybe_label(&mut self, now_us: i64) {
        if !self.labelers.is_empty() && self.labels_rng.below(LABELLED) == 0 {
            self.label_something(now_us);
        }
    }

    /// An honest labeler says something of somebody or of one of their posts, or takes back.
    pub fn label_something(&mut self, now_us: i64) {
        let Some(labeler) = pick(&self.labels_rng, &self.labelers).map(|it| it.did.clone()) else {
            return;
        };
        let holding: Vec<LabelTruth> =
            self.label_truths().into_iter().filter(|label| label.src == labeler).collect();
        let takes_back = self.labels_rng.below(TAKES_BACK) == 0;
        let said = match pick(&self.labels_rng, &holding).filter(|_| takes_back) {
            Some(LabelTruth { subject, val, .. }) => LabelSaid {
                subject: subject.clone(),
                val: val.clone(),
                negates: true,
                exp_us: None,
            },
            None => {
                let Some(subject) = self.something() else { return };
                let val = pick(&self.labels_rng, &VALUES).copied().unwrap_or_default().to_owned();
                let ends = self.labels_rng.below(ENDS) == 0;
                let exp_us = ends.then(|| now_us + HOUR_US);
                LabelSaid { subject, val, negates: false, exp_us }
            }
        };
        self.say_label(&labeler, said, now_us);
    }

    /// An account, or one of its posts.
    fn something(&self) -> Option<String> {
        let did = pick(&self.labels_rng, &self.order)?;
        let paths = self.account(did)?.repo.records().keys();
        let posts: Vec<&String> = paths.filter(|path| path.starts_with(POSTS)).collect();
        match pick(&self.labels_rng, &posts).filter(|_| self.labels_rng.below(3) > 0) {
            Some(path) => Some(format!("at://{did}/{path}")),
            None => Some(did.to_string()),
        }
    }

    fn with_stream(
        &mut self,
        labeler: &Did,
        act: impl FnOnce(&mut Stream, &millrace_atproto::crypto::SigningKey),
    ) {
        let account = self.accounts.get(labeler);
        let Some(key) = account.and_then(|account| account.identity.label_key.clone()) else {
            return;
        };
        if let Some(stream) = self.labelers.iter_mut().find(|stream| stream.did == *labeler) {
            act(stream, &key);
        }
    }
}

fn pick<'a, T>(rng: &millrace_runtime::rng::Rng, of: &'a [T]) -> Option<&'a T> {
    match of.len() as u64 {
        0 => None,
        len => of.get(usize::try_from(rng.below(len)).unwrap_or(0)),
    }
}
