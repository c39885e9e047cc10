//! `identity_task`: when each account's handle is to be looked at next. A request that comes while
//! the account is being looked at survives the end of that look: `requested_us` tells them apart.

use millrace_atproto::{Did, Handle};
use millrace_store::{Param, StoreError, Tx};

use super::accounts::{count, did};

/// A task that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) did: Did,
    pub(crate) requested_us: i64,
    pub(crate) due_us: i64,
    /// Somebody asked for it, as opposed to the schedule.
    pub(crate) hinted: bool,
    /// What was known of its document when it was asked for is not to be used.
    pub(crate) doubted: bool,
    pub(crate) attempts: u32,
    /// Whether an identity was ever announced in the log; if so, this one:
    pub(crate) announced: bool,
    pub(crate) handle: Option<String>,
    pub(crate) pds: Option<String>,
}

impl Task {
    /// Whether this is another host than was announced, or the first that is: its lane may know one that the
    /// account had before.
    pub(crate) fn may_have_moved_to(&self, pds: &str) -> bool {
        self.pds.as_deref() != Some(pds)
    }
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) did: Did,
    /// As it was when the task was taken.
    pub(crate) requested_us: i64,
    pub(crate) due_us: i64,
    pub(crate) attempts: u32,
    pub(crate) announced: bool,
    /// The handle is its own now, and was not before: if anybody else has it, all are looked at again.
    pub(crate) taken: bool,
    pub(crate) handle: Option<String>,
    pub(crate) pds: Option<String>,
    pub(crate) error: Option<String>,
}

/// When an account is to be looked at, and whether what is known of it may be used then.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(crate) due_us: i64,
    pub(crate) doubted: bool,
}

/// Asks for accounts to be looked at. A doubt stays until a look that began after it.
pub(crate) fn request(tx: &mut Tx, dids: &[(Did, Wanted)]) -> Result<(), StoreError> {
    let rows = dids.iter().map(|(did, wanted)| -> [Param<'_>; 6] {
        let (at_us, doubted) = (wanted.due_us, i64::from(wanted.doubted));
        [did.into(), at_us.into(), at_us.into(), 0_i64.into(), 0_i64.into(), doubted.into()]
    });
    tx.execute_many(
        "INSERT INTO identity_task (did, due_us, requested_us, attempts, announced, doubted) \
         {values:TEXT KEY,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT} \
         ON CONFLICT (did) DO UPDATE SET due_us = excluded.due_us, requested_us = excluded.requested_us, \
             attempts = excluded.attempts, \
             doubted = CASE WHEN excluded.doubted = 1 THEN 1 ELSE identity_task.doubted END",
        rows,
    )?;
    Ok(())
}

/// Tasks that are due, the longest due first.
pub(crate) fn due(tx: &mut Tx, now_us: i64, limit: u32) -> Result<Vec<Task>, StoreError> {
    tx.query(
        "SELECT did, requested_us, attempts, announced, handle, pds, due_us, doubted FROM identity_task \
         WHERE due_us <= $1 ORDER BY due_us, did LIMIT $2",
        &[now_us.into(), limit.into()],
        |row| {
            let (requested_us, due_us) = (row.get(1)?, row.get(6)?);
            Ok(Task {
                did: did(row, 0)?,
                requested_us,
                due_us,
                hinted: requested_us == due_us,
                doubted: row.get(7)?,
                attempts: count(row.get(2)?),
                announced: row.get(3)?,
                handle: row.get(4)?,
                pds: row.get(5)?,
            })
        },
    )
}

/// Keeps outcomes; a task that was requested again meanwhile stays due, and a look that found nothing out takes
/// no doubt away.
pub(crate) fn settle(tx: &mut Tx, outcomes: &[Outcome]) -> Result<(), StoreError> {
    for outcome in outcomes {
        tx.execute(
            "UPDATE identity_task SET \
                 due_us = CASE WHEN requested_us = $2 THEN $3 ELSE due_us END, \
                 attempts = CASE WHEN requested_us = $2 THEN $4 ELSE attempts END, \
                 doubted = CASE WHEN requested_us = $2 AND CAST($8 AS TEXT) IS NULL THEN 0 ELSE doubted END, \
                 announced = $5, handle = $6, pds = $7, error = $8 \
             WHERE did = $1",
            &[
                (&outcome.did).into(),
                outcome.requested_us.into(),
                outcome.due_us.into(),
                outcome.attempts.into(),
                outcome.announced.into(),
                outcome.handle.as_deref().into(),
                outcome.pds.as_deref().into(),
                outcome.error.as_deref().into(),
            ],
        )?;
        if outcome.taken {
            doubt_all_who_have(tx, outcome)?;
        }
    }
    Ok(())
}

/// Asks for everybody to be looked at who has a handle that is said to be somebody else's.
pub(crate) fn doubt_all_who_lost(
    tx: &mut Tx,
    said: &[(Did, (Handle, i64))],
) -> Result<(), StoreError> {
    for (did, (handle, due_us)) in said {
        doubt_others(tx, did, handle.as_str(), *due_us)?;
    }
    Ok(())
}

/// Which of two looks at one handle saw what holds cannot be told from which was saved last.
fn doubt_all_who_have(tx: &mut Tx, outcome: &Outcome) -> Result<(), StoreError> {
    let (did, now_us) = (&outcome.did, tx.now_us());
    let Some(handle) = &outcome.handle else { return Ok(()) };
    if doubt_others(tx, did, handle, now_us)? > 0 {
        tx.execute(
            "UPDATE identity_task SET due_us = $2, doubted = 1 WHERE did = $1",
            &[did.into(), now_us.into()],
        )?;
    }
    Ok(())
}

/// Has everybody but `did` looked at who has a handle; how many they are. A look that is under way began before
/// and does not do, and who is due in doubt already is not put off by hearing it again.
fn doubt_others(tx: &mut Tx, did: &Did, handle: &str, due_us: i64) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE identity_task SET requested_us = $3, doubted = 1, \
             due_us = CASE WHEN doubted = 1 AND due_us < $3 THEN due_us ELSE $3 END \
         WHERE handle = $2 AND did <> $1",
        &[did.into(), handle.into(), due_us.into()],
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use millrace_runtime::clock::SystemClock;
    use millrace_runtime::metrics::Registry;
    use millrace_store::{Domain, Store, StoreConfig};

    use super::*;
    use crate::MIGRATIONS;

    fn found(name: &str, handle: &str) -> Outcome {
        Outcome {
            did: Did::parse(&format!("did:web:{name}.test")).unwrap(),
            requested_us: 1,
            due_us: i64::MAX,
            attempts: 0,
            announced: true,
            taken: true,
            handle: Some(handle.to_owned()),
            pds: None,
            error: None,
        }
    }

    /// Who is to be looked at once more after these looks, in doubt.
    async fn doubted(before: bool, looks: Vec<Outcome>) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let (config, registry) = (StoreConfig::in_dir(dir.path()), Registry::new());
        let clock = SystemClock::shared();
        let store = Store::open(&config, Domain::Ingest, MIGRATIONS, &[], &clock, &registry);
        let store = store.await.unwrap();
        let wanted = looks.iter().map(|look| look.did.clone());
        let wanted = wanted.map(|did| (did, Wanted { due_us: 1, doubted: before }));
        let wanted: Vec<(Did, Wanted)> = wanted.collect();
        let due: Result<Vec<Task>, StoreError> = store
            .write(move |tx| {
                request(tx, &wanted)?;
                settle(tx, &looks)?;
                let now_us = tx.now_us();
                due(tx, now_us, 10)
            })
            .await;
        let due = due.unwrap().into_iter().filter(|task| task.doubted);
        due.map(|task| task.did.to_string()).collect()
    }

    #[tokio::test]
    async fn story_09_two_looks_that_found_one_handle_are_taken_again() {
        let one = || found("alice", "one.test");
        assert_eq!(doubted(false, vec![one(), found("bob", "other.test")]).await, [""; 0]);
        let both = ["did:web:alice.test", "did:web:bob.test"];
        assert_eq!(doubted(false, vec![one(), found("bob", "one.test")]).await, both);
        assert_eq!(doubted(false, vec![found("bob", "one.test"), one()]).await, both);
    }

    #[tokio::test]
    async fn story_09_a_handle_said_to_be_somebody_elses_is_looked_at_after_the_look_under_way() {
        let dir = tempfile::tempdir().unwrap();
        let (config, registry) = (StoreConfig::in_dir(dir.path()), Registry::new());
        let clock = SystemClock::shared();
        let store = Store::open(&config, Domain::Ingest, MIGRATIONS, &[], &clock, &registry);
        let store = store.await.unwrap();
        let alice = found("alice", "one.test");
        let bob = Did::parse("did:web:bob.test").unwrap();
        let due: Result<Vec<Task>, StoreError> = store
            .write(move |tx| {
                let wanted = Wanted { due_us: 1, doubted: true };
                request(tx, &[(alice.did.clone(), wanted)])?;
                settle(
                    tx,
                    &[Outcome {
                        taken: false,
                        due_us: 1,
                        error: Some("none".to_owned()),
                        ..alice.clone()
                    }],
                )?;
                // She is being looked at, in doubt, when somebody is said to have her handle.
                let handle = Handle::parse("one.test").unwrap();
                doubt_all_who_lost(tx, &[(bob, (handle, 5))])?;
                settle(tx, &[Outcome { taken: false, ..alice }])?;
                due(tx, 1, 10)
            })
            .await;
        let due: Vec<(String, bool)> =
            due.unwrap().into_iter().map(|task| (task.did.to_string(), task.doubted)).collect();
        assert_eq!(due, [("did:web:alice.test".to_owned(), true)]);
    }

    #[tokio::test]
    async fn story_09_a_doubt_outlives_a_look_that_failed() {
        let failed = Outcome {
            due_us: 2,
            taken: false,
            error: Some("the directory does not answer".to_owned()),
            ..found("alice", "one.test")
        };
        assert_eq!(doubted(true, vec![failed]).await, ["did:web:alice.test"]);
        let looked = Outcome { due_us: 2, ..found("alice", "one.test") };
        assert_eq!(doubted(true, vec![looked]).await, [""; 0]);
    }
}
