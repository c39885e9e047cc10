//! Power loss under load: the process that reads the network and writes the tables is killed again
//! and again, at different points of its life. Afterwards nothing is missing and no counter is off.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};

use crate::audit;
use crate::millrace::{Engine, Millrace, Split};
use crate::traffic::Traffic;
use crate::world::World;

#[tokio::test]
async fn kill9_ten_times() -> Result<()> {
    survives(Split::Remote).await
}

#[tokio::test]
async fn kill9_ten_times_in_one_process() -> Result<()> {
    survives(Split::Local).await
}

async fn survives(split: Split) -> Result<()> {
    let mut world = World::start(&Engine::Sqlite, split).await?;
    let mut traffic = Traffic::begin(&mut world.client).await?;
    let stop = AtomicBool::new(false);
    let killing = async {
        let killed = kill_ten_times(&mut world.millrace).await;
        stop.store(true, Ordering::Relaxed);
        killed
    };
    let (killed, wrote) = tokio::join!(killing, traffic.until_told(&mut world.client, &stop));
    wrote?;
    killed?;
    world.settle().await?;
    let counted = audit::compare(&world, &traffic.people).await?;
    ensure!(
        counted.posts > 50 && counted.likes > 20 && counted.follows > 0,
        "too little was written to prove anything: {counted:?}"
    );
    eprintln!("killed ten times, then compared {counted:?}");
    world.end().await
}

async fn kill_ten_times(millrace: &mut Millrace) -> Result<()> {
    for round in 0..10 {
        match round % 3 {
            // In the middle of work: after some more events have become visible.
            0 => more_visible(millrace, 60 + 5 * round).await?,
            // When it has just said that it is ready.
            1 => millrace.ready().await?,
            // While it is starting.
            _ => {}
        }
        millrace.kill9().await?;
        millrace.launch().await?;
    }
    millrace.ready().await
}

async fn more_visible(millrace: &mut Millrace, events: i64) -> Result<()> {
    millrace.ready().await?;
    let before = millrace.source().await?["visibleSeq"].as_i64().unwrap_or(0);
    millrace
        .until(|source| source["visibleSeq"].as_i64().is_some_and(|now| now >= before + events))
        .await
}
