//! `putLimitedPost`, `deleteLimitedPost`, `getLimitedPosts`: posts for who follows their author, or for their author
//! alone. They exist here only, are named by a collection of our own, and no `app.bsky.*` method knows of them.

use millrace_atproto::syntax::{AtUri, Did, Nsid, RecordKey};
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::home_items::HomeItem;
use super::mute::Done;
use super::post_intent::IntendPost;
use super::{Context, OwnCommand, Question, lookup};
use crate::apply::change::{Change, Op, tell_own};
use crate::error::DataplaneError;
use crate::written;

/// The collection in their URIs and in what is told of them. No repository has it.
pub const LIMITED_POST: &str = "millrace.v1.post";
/// Posts of one account.
pub const LIMITED_POSTS_MAX: i64 = 20_000;
/// Bytes of a text; characters are counted by who writes it.
pub const CONTENT_BYTES_MAX: usize = 3_000;
/// Posts asked for at once.
pub const ASKED_MAX: usize = 100;

/// Who may see one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Limit {
    /// Its author and who follows them.
    Followers,
    /// Its author.
    Private,
}

impl Limit {
    fn name(self) -> &'static str {
        match self {
            Self::Followers => "FOLLOWERS",
            Self::Private => "PRIVATE",
        }
    }

    fn of(name: &str) -> Self {
        if name == "FOLLOWERS" { Self::Followers } else { Self::Private }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitedPost {
    pub actor: Did,
    pub rkey: RecordKey,
    pub visibility: Limit,
    pub content: String,
    /// Languages it is written in.
    pub langs: Vec<String>,
    pub created_at_us: i64,
    pub updated_at_us: i64,
}

impl LimitedPost {
    pub fn uri(&self) -> AtUri {
        uri(&self.actor, &self.rkey)
    }
}

/// The URI of such a post.
pub fn uri(actor: &Did, rkey: &RecordKey) -> AtUri {
    let collection = Nsid::parse(LIMITED_POST).expect("invariant: the collection's name");
    AtUri::record(actor.clone(), collection, rkey.clone())
}

/// Writes one, or another text or limit in its place.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutLimitedPost {
    pub actor: Did,
    pub rkey: RecordKey,
    pub visibility: Limit,
    pub content: String,
    #[serde(default)]
    pub langs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The public post that this one takes the place of: its record is to go from the PDS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdraws: Option<Withdraw>,
}

/// A public post that is to go, and by what its author's PDS is asked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Withdraw {
    pub rkey: RecordKey,
    pub grant_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitedPostPut {
    /// As it stands now; under another key than was asked for where the same was said before.
    pub post: LimitedPost,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteLimitedPost {
    pub actor: Did,
    pub rkey: RecordKey,
}

/// Those of the posts that `viewer` may see.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetLimitedPosts {
    pub viewer: Did,
    /// At most [`ASKED_MAX`].
    pub uris: Vec<AtUri>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitedPosts {
    pub posts: Vec<LimitedPost>,
}

const COLUMNS: &str = "did, rkey, visibility, content, langs, created_at_us, updated_at_us";

fn post(row: &Row<'_>) -> Result<LimitedPost, StoreError> {
    Ok(LimitedPost {
        actor: row.get(0)?,
        rkey: row.get(1)?,
        visibility: Limit::of(row.text(2)?),
        content: row.get(3)?,
        langs: serde_json::from_str(row.text(4)?).unwrap_or_default(),
        created_at_us: row.get(5)?,
        updated_at_us: row.get(6)?,
    })
}

impl OwnCommand for PutLimitedPost {
    const NAME: &'static str = "putLimitedPost";
    type Answer = LimitedPostPut;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<LimitedPostPut, DataplaneError> {
        let refused = |message: String| Err(DataplaneError::InvalidRequest(message));
        if self.content.len() > CONTENT_BYTES_MAX {
            return refused(format!("content may have at most {CONTENT_BYTES_MAX} bytes"));
        }
        if let Some(key) = &self.idempotency_key {
            let sql = format!(
                "SELECT {COLUMNS} FROM limited_post WHERE did = $1 AND idempotency_key = $2"
            );
            let params = [Param::from(&self.actor), Param::Text(key)];
            if let Some(post) = tx.query_opt(&sql, &params, post)? {
                return Ok(LimitedPostPut { post });
            }
        }
        let sql = "SELECT count(*) FROM limited_post WHERE did = $1";
        let rows: i64 = tx.query_one(sql, &[Param::from(&self.actor)], |row| row.get(0))?;
        if rows >= LIMITED_POSTS_MAX {
            return refused(format!("an account has at most {LIMITED_POSTS_MAX} such posts"));
        }
        let was = limit(tx, &self.actor, &self.rkey)?;
        let langs = serde_json::to_string(&self.langs).expect("invariant: texts are JSON");
        let sql = format!(
            "INSERT INTO limited_post (did, rkey, visibility, content, langs, idempotency_key, created_at_us, updated_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
             ON CONFLICT (did, rkey) DO UPDATE SET visibility = excluded.visibility, content = excluded.content,
                langs = excluded.langs, updated_at_us = excluded.updated_at_us
             RETURNING {COLUMNS}"
        );
        let params = [
            Param::from(&self.actor),
            Param::from(&self.rkey),
            Param::Text(self.visibility.name()),
            Param::Text(&self.content),
            Param::Text(&langs),
            Param::from(self.idempotency_key.as_deref()),
            Param::Int(now_us),
        ];
        let put = tx.query_one(&sql, &params, post)?;
        if let Some(Withdraw { rkey, grant_id }) = self.withdraws {
            let (actor, record, idempotency_key) = (self.actor.clone(), None, None);
            let lease_us = 0;
            let go = IntendPost {
                actor,
                rkey,
                record,
                grant_id,
                idempotency_key,
                lease_us,
                replaces: None,
            };
            if go.apply(tx, now_us)?.intent.is_none() {
                return refused("too many posts wait for this account's PDS".to_owned());
            }
        }
        // In other homes than before: out of those it is in, and into these.
        if was.is_some_and(|was| was != self.visibility) {
            tell(tx, &self.actor, &self.rkey, Op::Removed)?;
        }
        if was != Some(self.visibility) {
            tell(tx, &self.actor, &self.rkey, Op::Inserted)?;
        }
        Ok(LimitedPostPut { post: put })
    }
}

impl OwnCommand for DeleteLimitedPost {
    const NAME: &'static str = "deleteLimitedPost";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        remove(tx, &self.actor, &self.rkey)?;
        Ok(Done {})
    }
}

pub(super) fn remove(tx: &mut Tx, actor: &Did, rkey: &RecordKey) -> Result<(), StoreError> {
    let removed = tx.execute(
        "DELETE FROM limited_post WHERE did = $1 AND rkey = $2",
        &[Param::from(actor), Param::from(rkey)],
    )?;
    if removed > 0 {
        tell(tx, actor, rkey, Op::Removed)?;
    }
    Ok(())
}

fn limit(tx: &mut Tx, actor: &Did, rkey: &RecordKey) -> Result<Option<Limit>, StoreError> {
    let sql = "SELECT visibility FROM limited_post WHERE did = $1 AND rkey = $2";
    tx.query_opt(sql, &[Param::from(actor), Param::from(rkey)], |row| Ok(Limit::of(row.text(0)?)))
}

/// Homes are told of it.
fn tell(tx: &mut Tx, actor: &Did, rkey: &RecordKey, op: Op) -> Result<(), StoreError> {
    tell_own(tx, actor, &[Change::of(op, LIMITED_POST.to_owned(), rkey.to_string())])
}

/// What homes are told before everything of an account is taken away.
pub(crate) fn all_gone(tx: &mut Tx, did: &str) -> Result<Vec<Change>, StoreError> {
    let gone = |row: &Row<'_>| Ok(Change::of(Op::Removed, LIMITED_POST.to_owned(), row.get(0)?));
    tx.query("SELECT rkey FROM limited_post WHERE did = $1", &[Param::Text(did)], gone)
}

impl Question for GetLimitedPosts {
    const NAME: &'static str = "getLimitedPosts";
    type Answer = LimitedPosts;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<LimitedPosts, DataplaneError> {
        if self.uris.len() > ASKED_MAX {
            let message = format!("at most {ASKED_MAX} posts, not {}", self.uris.len());
            return Err(DataplaneError::InvalidRequest(message));
        }
        let viewer = lookup::actor_id(tx, &self.viewer)?;
        let mut posts = Vec::with_capacity(self.uris.len());
        for post in named(tx, &self.uris)? {
            if may_see(tx, (&self.viewer, viewer), &post)? {
                posts.push(post);
            }
        }
        Ok(LimitedPosts { posts })
    }
}

/// Those of these posts that are there, whoever may see them.
pub(super) fn named(tx: &mut Tx, uris: &[AtUri]) -> Result<Vec<LimitedPost>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM own.limited_post WHERE did = $1 AND rkey = $2");
    let mut posts = Vec::new();
    for uri in uris {
        let Some((did, collection, rkey)) = uri.as_record() else { continue };
        if collection.as_str() == LIMITED_POST {
            posts.extend(tx.query_opt(&sql, &[Param::from(did), Param::from(rkey)], post)?);
        }
    }
    Ok(posts)
}

/// The newest of an account, for who follows it or for itself.
pub(super) fn newest(
    tx: &mut Tx,
    author: &Did,
    is_own: bool,
    limit: i64,
) -> Result<Vec<LimitedPost>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM own.limited_post WHERE did = $1 AND (visibility = $2 OR $3 = 1)
         ORDER BY created_at_us DESC LIMIT $4"
    );
    let params = [
        Param::from(author),
        Param::Text(Limit::Followers.name()),
        Param::Bool(is_own),
        Param::Int(limit),
    ];
    tx.query(&sql, &params, post)
}

/// Those whom an account follows who have written any.
pub(super) fn followed_authors(
    tx: &mut Tx,
    actor: i64,
    limit: i64,
) -> Result<Vec<Did>, StoreError> {
    tx.query(
        "SELECT d.did FROM (SELECT subject_actor FROM follow WHERE actor_id = $1 ORDER BY rkey DESC LIMIT $2) AS f
         CROSS JOIN dictionary.actor AS d WHERE d.id = f.subject_actor
           AND EXISTS (SELECT 1 FROM own.limited_post AS p WHERE p.did = d.did)",
        &[actor, limit].map(Param::Int),
        |row| row.get(0),
    )
}

/// Whether an account may see a post: its own, and those for the followers of whom it follows, unless a block stands
/// between them.
fn may_see(
    tx: &mut Tx,
    (viewer, viewer_id): (&Did, Option<i64>),
    post: &LimitedPost,
) -> Result<bool, DataplaneError> {
    if post.actor == *viewer {
        return Ok(true);
    }
    let author_id = lookup::actor_id(tx, &post.actor)?;
    let Some((viewer, author)) = viewer_id.zip(author_id) else { return Ok(false) };
    if post.visibility == Limit::Private {
        return Ok(false);
    }
    let sees: bool = tx.query_one(
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM follow_by_subject AS f
                WHERE f.subject_actor = $2 AND f.actor_id = $1)
            AND NOT EXISTS (SELECT 1 FROM block AS b WHERE b.actor_id = $1 AND b.subject_actor = $2)
            AND NOT EXISTS (SELECT 1 FROM block AS b WHERE b.actor_id = $2 AND b.subject_actor = $1)
         THEN 1 ELSE 0 END AS BIGINT)",
        &[viewer, author].map(Param::Int),
        |row| row.get(0),
    )?;
    Ok(sees)
}

/// As a line of a home.
pub(super) fn home_item(post: &LimitedPost) -> HomeItem {
    HomeItem {
        post: post.uri().to_string(),
        repost: None,
        sort_at_us: post.created_at_us,
        is_reply: false,
        is_private: post.visibility == Limit::Private,
        languages: written::languages(&post.langs),
        tags: Vec::new(),
        likes: 0,
        replies: 0,
        reposts: 0,
        quotes: 0,
    }
}
