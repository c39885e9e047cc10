//! Where the new tables go on reading the log. Mostly where the old ones stand; but a log that was
//! replaced, or that has removed what was not applied yet, has no such place: then it is read from its
//! beginning, which does no harm, and what it lacks is fetched from the network.

use millrace_log::{Log, LogError, Topic};
use millrace_store::{Param, Store, StoreError};

use super::RebuildError;
use crate::worker::NAME;

const TOPIC: Topic = Topic::NetworkEntries;

/// An offset that the log does not have, and the one taken instead.
struct Moved {
    partition: u32,
    from: i64,
    to: i64,
}

/// Gives the tables of `fresh` offsets that the log has; whether it had to.
pub(super) async fn settle(fresh: &Store, log: &Log) -> Result<bool, RebuildError> {
    let offsets: Vec<(u32, i64)> = fresh
        .read(|tx| {
            tx.query(
                "SELECT partition, next_offset FROM projection_offset WHERE projection = $1 AND topic = $2",
                &[Param::Text(NAME), Param::Text(TOPIC.name())],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
        .map_err(|error: StoreError| error)?;
    let mut moved = Vec::new();
    for (partition, from) in offsets {
        if let Some(to) = other_place(log, partition, from).await? {
            tracing::warn!(partition, from, to, "the log does not have the tables' place in it");
            moved.push(Moved { partition, from, to });
        }
    }
    if moved.is_empty() {
        return Ok(false);
    }
    let written: Result<(), StoreError> = fresh
        .write(move |tx| {
            for Moved { partition, from, to } in moved {
                let whose = [
                    Param::Text(NAME),
                    Param::Text(TOPIC.name()),
                    Param::Int(i64::from(partition)),
                ];
                tx.execute(
                    "UPDATE projection_offset SET next_offset = $4
                     WHERE projection = $1 AND topic = $2 AND partition = $3",
                    &[whose[0], whose[1], whose[2], Param::Int(to)],
                )?;
                // Entries parked under the old log's numbers come before all of the new one's.
                tx.execute(
                    "UPDATE parked SET log_offset = log_offset - $4
                     WHERE projection = $1 AND topic = $2 AND partition = $3 AND log_offset >= 0",
                    &[whose[0], whose[1], whose[2], Param::Int(from.saturating_add(1))],
                )?;
            }
            Ok(())
        })
        .await;
    written?;
    Ok(true)
}

async fn other_place(log: &Log, partition: u32, offset: i64) -> Result<Option<i64>, LogError> {
    if partition >= log.partitions(TOPIC) {
        return Ok(None);
    }
    let oldest = log.oldest(TOPIC, partition).await?;
    let tail = log.tail(TOPIC, partition).await?;
    Ok((!(oldest..=tail).contains(&offset)).then_some(oldest))
}
