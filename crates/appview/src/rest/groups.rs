//! Notifications as people read them: what happens often, and says the same each time, stands together, as long as
//! it is about one thing, not two days apart, and equally read or unread; what somebody wrote stands alone.

use std::collections::{HashMap, HashSet};

use millrace_atproto::Did;
use millrace_dataplane::reason::Reason;

/// What of one subject is further apart stands apart.
const APART_US: i64 = 2 * 86_400_000_000;
/// People of a group who are named.
pub(super) const PEOPLE_MAX: usize = 20;

fn stands_together(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Like
            | Reason::Repost
            | Reason::Follow
            | Reason::LikeViaRepost
            | Reason::RepostViaRepost
            | Reason::StarterpackJoined
    )
}

/// One thing that is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct One<'a> {
    pub reason: Reason,
    pub uri: &'a str,
    pub reason_subject: Option<&'a str>,
    pub author: &'a Did,
    pub is_read: bool,
    pub at_us: i64,
}

/// What stands together.
#[derive(Debug)]
pub(super) struct Group<P> {
    pub reason: Reason,
    /// What it is about: what was liked, or what was written.
    pub subject: Option<String>,
    /// The record that it begins with.
    pub id: String,
    /// The first of the people, the newest before the others.
    pub people: Vec<P>,
    pub is_read: bool,
    pub newest_us: i64,
    known: HashSet<Did>,
}

impl<P> Group<P> {
    /// How many people did it.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// More of it may come after that time.
    pub(super) fn may_go_on(&self, last_us: i64) -> bool {
        stands_together(self.reason) && self.newest_us.saturating_sub(last_us) < APART_US
    }
}

/// The groups of a page, each where its newest one is.
#[derive(Debug)]
pub(super) struct Groups<P> {
    pub groups: Vec<Group<P>>,
    open: HashMap<(Reason, String, bool), usize>,
    max: usize,
}

impl<P> Groups<P> {
    pub(super) fn new(max: usize) -> Self {
        Self { groups: Vec::new(), open: HashMap::new(), max }
    }

    /// Puts one that is older than all before it where it belongs; `false` if that is a group that has no place any
    /// more. `person` is whoever did it, where they are named.
    pub(super) fn add<E>(
        &mut self,
        one: One<'_>,
        person: impl FnOnce() -> Result<P, E>,
    ) -> Result<bool, E> {
        let is_together = stands_together(one.reason);
        let about = if is_together { one.reason_subject.unwrap_or_default() } else { one.uri };
        let kind = (one.reason, about.to_owned(), one.is_read);
        let of_kind = self.open.get(&kind).map(|at| &mut self.groups[*at]);
        if let Some(group) = of_kind.filter(|group| group.may_go_on(one.at_us)) {
            if group.known.insert(one.author.clone()) && group.people.len() < PEOPLE_MAX {
                group.people.push(person()?);
            }
            return Ok(true);
        }
        if self.groups.len() >= self.max {
            return Ok(false);
        }
        self.open.insert(kind, self.groups.len());
        self.groups.push(Group {
            reason: one.reason,
            subject: Some(about).filter(|about| !about.is_empty()).map(str::to_owned),
            id: one.uri.to_owned(),
            people: vec![person()?],
            is_read: one.is_read,
            newest_us: one.at_us,
            known: HashSet::from([one.author.clone()]),
        });
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::convert::Infallible;

    use super::*;

    const MINUTE_US: i64 = 60_000_000;

    /// By whom, why, about what, how many minutes ago, and whether it was read.
    type Case<'a> = (&'a str, Reason, Option<&'a str>, i64, bool);

    fn grouped(max: usize, cases: &[Case<'_>]) -> (Vec<Group<String>>, usize) {
        let mut groups = Groups::new(max);
        for (n, (who, reason, subject, minutes, is_read)) in cases.iter().enumerate() {
            let author = Did::parse(&format!("did:plc:{who:z<24}")).unwrap();
            let (uri, at_us) = (format!("at://{author}/x/{n}"), -minutes * MINUTE_US);
            let (reason, is_read) = (*reason, *is_read);
            let uri = uri.as_str();
            let one =
                One { reason, uri, reason_subject: *subject, author: &author, is_read, at_us };
            let Ok(placed) = groups.add(one, || Ok::<_, Infallible>((*who).to_owned()));
            if !placed {
                return (groups.groups, n);
            }
        }
        (groups.groups, cases.len())
    }

    #[test]
    fn likes_of_one_post_stand_together_in_the_place_of_the_newest() {
        let (groups, _) = grouped(
            10,
            &[
                ("a", Reason::Like, Some("p"), 1, true),
                ("b", Reason::Reply, Some("p"), 2, true),
                ("b", Reason::Like, Some("p"), 3, true),
                ("a", Reason::Like, Some("q"), 4, true),
                ("a", Reason::Like, Some("p"), 5, true),
            ],
        );
        let shown: Vec<_> = groups
            .iter()
            .map(|group| (group.reason.word(), group.people.join(" "), group.count()))
            .collect();
        let (likes, reply, other) = (("LIKE", "a b"), ("REPLY", "b"), ("LIKE", "a"));
        let expected = [(likes, 2), (reply, 1), (other, 1)]
            .map(|((kind, people), count)| (kind, people.to_owned(), count));
        assert_eq!(shown, expected);
        assert_eq!(groups[0].subject.as_deref(), Some("p"));
        assert_eq!(groups[1].subject.as_deref(), Some(groups[1].id.as_str()));
    }

    #[test]
    fn what_is_unread_far_apart_or_written_stands_apart() {
        let count = |one: (Reason, Option<&str>, i64, bool), other: (i64, bool)| {
            let (reason, subject, minutes, is_read) = one;
            let cases = [
                ("a", reason, subject, minutes, is_read),
                ("b", reason, subject, other.0, other.1),
            ];
            grouped(10, &cases).0.len()
        };
        assert_eq!(count((Reason::Follow, None, 1, true), (2, true)), 1);
        assert_eq!(count((Reason::Follow, None, 1, false), (2, true)), 2);
        assert_eq!(count((Reason::Like, Some("p"), 1, true), (2_880, true)), 1);
        assert_eq!(count((Reason::Like, Some("p"), 1, true), (2_881, true)), 2);
        assert_eq!(count((Reason::Mention, None, 1, true), (2, true)), 2);
        assert_eq!(count((Reason::Verified, None, 1, true), (2, true)), 2);
    }

    #[test]
    fn a_full_page_takes_what_belongs_to_its_groups() {
        let likes = |who, subject, minutes| (who, Reason::Like, Some(subject), minutes, true);
        let cases =
            [likes("a", "p", 1), likes("a", "q", 2), likes("b", "p", 3), likes("a", "r", 4)];
        let (groups, placed) = grouped(2, &cases);
        assert_eq!((groups.len(), placed, groups[0].count()), (2, 3, 2));
        assert!(groups[0].may_go_on(-4 * MINUTE_US));
        assert!(!groups[0].may_go_on(-3_000 * MINUTE_US));
    }

    #[test]
    fn people_are_counted_and_some_are_named() {
        let names: Vec<String> = (0..30).map(|n| format!("p{n}")).collect();
        let cases: Vec<Case<'_>> =
            names.iter().map(|name| (name.as_str(), Reason::Follow, None, 1, true)).collect();
        let (groups, _) = grouped(1, &cases);
        assert_eq!((groups[0].count(), groups[0].people.len()), (30, PEOPLE_MAX));
        assert_eq!(groups[0].subject, None);
    }
}
