//! Every record of a made-up network, asked for one by one: the answer is the record as its repository holds
//! it. What Millrace does not keep whole it asks the account's PDS for, and believes only with a proof.

use anyhow::{Context, Result, ensure};
use millrace_atproto::cbor;
use millrace_atproto::lexicon::Record;
use millrace_atproto::syntax::Nsid;
use millrace_runtime::clock::SystemClock;
use millrace_runtime::rng::Rng;
use millrace_sim::{Mix, Network, SimConfig};
use serde_json::{Value, json};

use crate::oracle::asking::Asker;
use crate::oracle::program::Program;
use crate::oracle::settling;

const ACCOUNTS: u32 = 12;
const WRITES: u32 = 150;
const NSID: &str = "com.atproto.repo.getRecord";

/// A record, and what must be answered.
struct Known {
    params: [(&'static str, String); 3],
    answer: Value,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_record_is_given_as_its_repository_holds_it() -> Result<()> {
    let config = SimConfig {
        accounts: ACCOUNTS,
        history_writes: WRITES,
        mix: Mix::Rich,
        writes_per_s: 0.0,
        ..SimConfig::default()
    };
    let clock = SystemClock::shared();
    let network = Network::start(&config, clock.clone()).await?;
    let mut program = Program::start("sqlite", &network, Rng::seeded(1)).await?;
    let asker = Asker::new(&program.millrace, clock.clone(), 50)?;
    settling::settle(&mut program, &asker, &network, &clock).await?;
    let known = records(&network)?;
    ensure!(known.len() > 100, "only {} records", known.len());
    for Known { params, answer } in &known {
        let given = asker.get(None, NSID, params).await?;
        let given = given.ok().with_context(|| format!("{params:?} is refused"))?;
        ensure!(given == *answer, "{params:?} is {given} and not {answer}");
    }
    ensure!(network.proofs_asked() > 0, "everything was kept whole");
    program.end(true).await
}

/// What anybody may ask for: records of accounts that are shown, of the kinds that are indexed.
fn records(network: &Network) -> Result<Vec<Known>> {
    network.look(|world| {
        let mut known = Vec::new();
        for account in world.accounts().filter(|account| account.status.is_active()) {
            let did = &account.identity.did;
            for (path, (cid, bytes)) in account.repo.records() {
                let (collection, rkey) = path.split_once('/').context("a path")?;
                let value = cbor::decode(bytes)?;
                let parsed = Record::parse(&Nsid::parse(collection)?, &value);
                if !matches!(parsed, Ok(Some(_))) {
                    continue;
                }
                let value: Value = serde_json::from_str(&cbor::to_json(&value))?;
                known.push(Known {
                    params: [
                        ("repo", did.to_string()),
                        ("collection", collection.to_owned()),
                        ("rkey", rkey.to_owned()),
                    ],
                    answer: json!({
                        "uri": format!("at://{did}/{path}"), "cid": cid.to_string(), "value": value,
                    }),
                });
            }
        }
        Ok(known)
    })
}
