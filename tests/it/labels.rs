//! The whole program follows labelers, one that is honest and one that lies, floods and changes its key, while
//! connections break and it is killed: what it shows is what holds, by the word of the oracle.

#![expect(clippy::print_stdout, reason = "what a run came to is what one runs it for")]

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::future::try_join_all;
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::SystemClock;
use millrace_runtime::rng::Rng;
use millrace_sim::oracle::Own;
use millrace_sim::{LabelLie, LabelSaid, Network, SimConfig};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::oracle::asking::Asker;
use crate::oracle::program::{self, Program};
use crate::oracle::report;
use crate::oracle::seed::Run;

const SEED: u64 = 14;
/// Things that people do between two lies.
const WRITES: u32 = 12;
/// Labels of a flood.
const FLOOD: usize = 600;
const HOUR_US: i64 = 3_600 * 1_000_000;
const SHOWN_WITHIN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn story_14_what_labelers_say_is_shown_as_it_holds() -> Result<()> {
    let rng = Rng::seeded(SEED);
    let config = SimConfig {
        seed: SEED,
        accounts: 16,
        labelers: 2,
        history_writes: 150,
        writes_per_s: 0.0,
        account_events_per_mille: 0,
        ..SimConfig::default()
    };
    let clock = SystemClock::shared();
    let network = Network::start(&config, clock.clone()).await?;
    let stores = program::stores();
    let starting = stores.iter().map(|store| Program::start(store, &network, rng.fork()));
    let programs = try_join_all(starting).await?;
    let mut run = Run::of(network, clock, rng, programs)?;
    let own = Own { labelers: run.network.labelers(), ..Own::default() };
    run.settle().await?;
    labels_show(&run, 1).await?;
    let viewers = run.viewers();

    lie_and_flood(&mut run).await?;
    run.settle().await?;
    labels_show(&run, 2).await?;
    // Whoever has read all of it holds to it, whatever key comes then.
    let [_, liar] = labelers(&run.network)?;
    run.network.change(|world| world.rotate_label_key(&liar, run.clock.now_us()));
    run.network.act(WRITES)?;
    say_much(&run, &liar, 20);
    run.settle().await?;
    labels_show(&run, 3).await?;
    // The marks, too, are a part of what holds.
    run.settle().await?;

    let judged = run.judge(&own, &viewers).await?;
    println!("labels: {}", judged.summary());
    report(&judged.differences);
    ensure!(judged.differences.is_empty(), "{} differences", judged.differences.len());
    // Without them the same answers are wrong: labels were there to be seen.
    let without = run.judge(&Own::default(), &viewers).await?;
    ensure!(!without.differences.is_empty(), "no answer had a label in it");
    for program in run.programs {
        program.end(true).await?;
    }
    Ok(())
}

fn labelers(network: &Network) -> Result<[Did; 2]> {
    let dids = network.labelers();
    let [honest, liar] = &dids[..] else { bail!("two labelers, not {dids:?}") };
    Ok([Did::parse(honest)?, Did::parse(liar)?])
}

/// Every lie there is, with things happening between them; connections break and programs are killed.
async fn lie_and_flood(run: &mut Run) -> Result<()> {
    let [honest, liar] = labelers(&run.network)?;
    let subject = run.network.accounts()[0].did.clone();
    for (turn, lie) in LabelLie::all(&honest).iter().enumerate() {
        run.network.act(WRITES)?;
        let now_us = run.clock.now_us();
        run.network.change(|world| {
            world.label_something(now_us);
            world.lie_by_label(&liar, lie, &subject, now_us);
        });
        match turn % 3 {
            0 => run.network.cut_connections(),
            1 => {
                for program in &mut run.programs {
                    program.kill().await?;
                }
            }
            _ => say_much(run, &liar, FLOOD / 3),
        }
    }
    let over = LabelSaid {
        subject,
        val: "over".to_owned(),
        negates: false,
        exp_us: Some(run.clock.now_us() - HOUR_US),
    };
    run.network.change(|world| world.say_label(&honest, over, run.clock.now_us()));
    Ok(())
}

/// So many labels about accounts, each with a value of its own; every third is taken back at once.
fn say_much(run: &Run, labeler: &Did, count: usize) {
    let accounts = run.network.accounts();
    let now_us = run.clock.now_us();
    run.network.change(|world| {
        for n in 0..count {
            let subject = accounts[n % accounts.len()].did.clone();
            let val = format!("flood-{}", n / accounts.len());
            let said = LabelSaid { subject, val, negates: false, exp_us: None };
            world.say_label(labeler, said.clone(), now_us);
            if n % 3 == 0 {
                world.say_label(labeler, LabelSaid { negates: true, ..said }, now_us);
            }
        }
    });
}

/// Each labeler says something of itself, and every program is waited for until it tells that.
async fn labels_show(run: &Run, mark: u32) -> Result<()> {
    let (labelers, val) = (labelers(&run.network)?, format!("mark-{mark}"));
    for labeler in &labelers {
        let (subject, val) = (labeler.to_string(), val.clone());
        let said = LabelSaid { subject, val, negates: false, exp_us: None };
        run.network.change(|world| world.say_label(labeler, said, run.clock.now_us()));
    }
    for asker in &run.askers {
        for labeler in &labelers {
            until_told(asker, labeler, &val).await?;
        }
    }
    Ok(())
}

async fn until_told(asker: &Asker, labeler: &Did, val: &str) -> Result<()> {
    let until = Instant::now() + SHOWN_WITHIN;
    let params = [("uriPatterns", labeler.to_string()), ("sources", labeler.to_string())];
    loop {
        let answer = asker.get(None, "com.atproto.label.queryLabels", &params).await?;
        let labels = answer.as_ref().ok().and_then(|answer| answer["labels"].as_array());
        if labels.is_some_and(|labels| labels.iter().any(|label| label["val"] == json!(val))) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{labeler} said {val}, and what is told is {answer:?}");
        sleep(POLL).await;
    }
}
