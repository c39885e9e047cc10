//! Notifications against the records they tell of. Who was told depends on what was there when, and a
//! row carries a record that is kept nowhere else, so a notification is no derived row; but of each
//! there must be the record it names, saying what it says. What a post must have been told to is seen
//! with the post, in `posts.rs`.

use foldhash::HashSet;
use millrace_atproto::cid::Cid;
use millrace_store::{Param, Row, StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond, list};
use super::{Check, Finding, Slice};
use crate::apply::ids;
use crate::collection::Collection;
use crate::gate;
use crate::names::Names;
use crate::reason::Reason;
use crate::repair::Mend;

/// A notification's key, in the order of its table.
pub(crate) type NoticeKey = [i64; 6];

const KEY: [&str; 6] = ["actor_id", "sort_at_us", "author", "rkey", "collection", "reason"];

pub(super) struct Notices;

/// A notification and the record it tells of.
struct Told {
    key: NoticeKey,
    subject: Option<ids::Subject>,
    cid: Vec<u8>,
    about: Option<About>,
    /// A post's text, where it is said to mention the recipient.
    text: Option<String>,
}

/// What is stored of the record.
struct About {
    sort_at_us: i64,
    /// A post's CID.
    cid: Option<Vec<u8>>,
    /// The first bytes of an edge's.
    cid_prefix: Option<i64>,
    /// Whom or what it points at: a post, at what it quotes.
    target: (Option<i64>, Option<i64>, Option<i64>),
    is_reply: bool,
}

fn sql() -> String {
    let [post, profile, like, follow, repost, verification] = [
        Collection::Post,
        Collection::Profile,
        Collection::Like,
        Collection::Follow,
        Collection::Repost,
        Collection::Verification,
    ]
    .map(Collection::code);
    let at = |alias: &str| {
        format!(
            "CASE WHEN {alias}.created_at_us < {alias}.indexed_at_us THEN {alias}.created_at_us ELSE {alias}.indexed_at_us END"
        )
    };
    let of = |alias: &str, code: i64| {
        format!("s.collection = {code} AND {alias}.actor_id = s.author AND {alias}.rkey = s.rkey")
    };
    format!(
        "SELECT {key}, s.subject_actor, s.subject_collection, s.subject_rkey, s.cid,
            COALESCE(p.sort_at_us, {l_at}, {r_at}, {f_at}, {v_at}, o.indexed_at_us),
            p.cid, COALESCE(l.cid_prefix, r.cid_prefix, f.cid_prefix, v.cid_prefix),
            COALESCE(p.quote_actor, l.subject_actor, r.subject_actor, f.subject_actor, v.subject_actor, o.joined_actor),
            COALESCE(l.subject_collection, r.subject_collection),
            COALESCE(p.quote_rkey, l.subject_rkey, r.subject_rkey),
            CAST(CASE WHEN p.parent_actor IS NULL THEN 0 ELSE 1 END AS BIGINT),
            CASE WHEN s.reason = {mention} THEN p.record END
         FROM (SELECT * FROM notification {beyond}) AS s
         LEFT JOIN post AS p ON {p}
         LEFT JOIN \"like\" AS l ON {l}
         LEFT JOIN repost AS r ON {r}
         LEFT JOIN follow AS f ON {f}
         LEFT JOIN verification AS v ON {v}
         LEFT JOIN profile AS o ON s.collection = {profile} AND o.actor_id = s.author
         ORDER BY {key}",
        key = list(&KEY, "s."),
        l_at = at("l"),
        r_at = at("r"),
        f_at = at("f"),
        v_at = at("v"),
        mention = Reason::Mention.code(),
        beyond = beyond(&KEY, ""),
        p = of("p", post),
        l = of("l", like),
        r = of("r", repost),
        f = of("f", follow),
        v = of("v", verification),
    )
}

fn told(row: &Row<'_>) -> Result<Told, StoreError> {
    let mut key = [0; 6];
    for (column, value) in key.iter_mut().enumerate() {
        *value = row.get(column)?;
    }
    let subject = (row.get::<Option<i64>>(6)?, row.get::<Option<i64>>(7)?, row.get(8)?);
    let about = match row.get::<Option<i64>>(10)? {
        None => None,
        Some(sort_at_us) => Some(About {
            sort_at_us,
            cid: row.get(11)?,
            cid_prefix: row.get(12)?,
            target: (row.get(13)?, row.get(14)?, row.get(15)?),
            is_reply: row.get(16)?,
        }),
    };
    let subject = match subject {
        (Some(actor), Some(collection), Some(rkey)) => {
            Some(ids::Subject { actor, collection, rkey })
        }
        _ => None,
    };
    Ok(Told { key, subject, cid: row.get(9)?, about, text: row.get(17)? })
}

impl Told {
    /// Why it cannot have been told, if it cannot.
    fn fault(&self, names: &Names) -> Option<&'static str> {
        let [recipient, sort_at_us, author, _, collection, reason] = self.key;
        let Some(reason) = Reason::from_code(reason) else { return Some("an unknown reason") };
        if !reasons(collection).contains(&reason) {
            return Some("a reason that its record cannot be");
        }
        // That somebody is no longer vouched for is told when the record is gone.
        if reason == Reason::Unverified {
            return None;
        }
        let Some(about) = &self.about else { return Some("one of a record that is not there") };
        if reason == Reason::StarterpackJoined {
            return None;
        }
        if recipient == author && reason != Reason::Verified {
            return Some("one of somebody's own doing");
        }
        if sort_at_us != about.sort_at_us {
            return Some("one with another time than its record");
        }
        let is_of = about.cid.as_ref().is_none_or(|cid| *cid == self.cid)
            && about.cid_prefix.is_none_or(|prefix| Some(prefix) == prefix_of(&self.cid));
        if !is_of {
            return Some("one of another version of its record");
        }
        (!self.concerns(about, reason, names)).then_some("one that does not concern its recipient")
    }

    fn concerns(&self, about: &About, reason: Reason, names: &Names) -> bool {
        let recipient = self.key[0];
        let (actor, collection, rkey) = about.target;
        let subject_is_own = self.subject.is_some_and(|subject| subject.actor == recipient);
        match reason {
            Reason::Like | Reason::Repost => {
                actor == Some(recipient)
                    && self.subject.is_some_and(|subject| {
                        (Some(subject.actor), Some(subject.collection), Some(subject.rkey))
                            == (actor, collection, rkey)
                    })
            }
            Reason::LikeViaRepost | Reason::RepostViaRepost => subject_is_own,
            Reason::Follow | Reason::Verified => actor == Some(recipient),
            Reason::Quote => {
                actor == Some(recipient)
                    && self.subject.is_some_and(|subject| Some(subject.rkey) == rkey)
            }
            Reason::Reply => about.is_reply && subject_is_own,
            Reason::Mention => {
                let mentioned = self.text.as_deref().map(gate::mentioned).unwrap_or_default();
                names.did(recipient).is_ok_and(|did| mentioned.contains(did))
            }
            Reason::StarterpackJoined | Reason::Unverified => true,
            // Such a one is found when it is asked for, never stored.
            Reason::SubscribedPost => false,
        }
    }
}

/// What a record of a collection may be told of as.
fn reasons(collection: i64) -> &'static [Reason] {
    match Collection::from_code(collection) {
        Some(Collection::Post) => &[Reason::Mention, Reason::Quote, Reason::Reply],
        Some(Collection::Like) => &[Reason::Like, Reason::LikeViaRepost],
        Some(Collection::Repost) => &[Reason::Repost, Reason::RepostViaRepost],
        Some(Collection::Follow) => &[Reason::Follow],
        Some(Collection::Verification) => &[Reason::Verified, Reason::Unverified],
        Some(Collection::Profile) => &[Reason::StarterpackJoined],
        _ => &[],
    }
}

fn prefix_of(cid: &[u8]) -> Option<i64> {
    Cid::from_bytes(cid).ok().map(|cid| cid.prefix_i64())
}

impl Check for Notices {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn table(&self) -> &'static str {
        "notification"
    }

    fn width(&self) -> usize {
        KEY.len()
    }

    fn rows_max(&self) -> i64 {
        500
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let told = tx.query(&sql(), &params(after, limit), told)?;
        let mentioned: HashSet<i64> =
            told.iter().filter(|it| it.text.is_some()).map(|it| it.key[0]).collect();
        let names = Names::of(tx, mentioned, [])?;
        let mut slice = Slice { rows: told.len() as u64, ..Slice::default() };
        for it in told {
            let [_, _, actor, rkey, collection, _] = it.key;
            if let Some(fault) = it.fault(&names) {
                slice.findings.push(Finding {
                    check: "notifications",
                    subject: Subject::Record { actor, collection, rkey },
                    expected: "no such notification".to_owned(),
                    found: fault.to_owned(),
                    mend: Mend::Notice(it.key),
                });
            }
            slice.last = Some(it.key.to_vec());
        }
        Ok(slice)
    }
}

/// Removes notifications.
pub(crate) fn remove(tx: &mut Tx, keys: &[NoticeKey]) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM notification WHERE ({}) IN (SELECT {} FROM {{rows:{}}} AS k)",
        list(&KEY, ""),
        list(&KEY, "k."),
        super::naming::typed(&KEY)
    );
    tx.execute_many(&sql, keys.iter().map(|key| key.map(Param::Int)))?;
    Ok(())
}
