//! What accounts tell the program itself: whom, which lists and which threads they mute. It stands in no
//! repository, so it must outlive every kill.

use anyhow::Result;
use millrace_runtime::rng::Rng;
use millrace_sim::oracle::{Model, Own};
use serde_json::json;

use super::asking::{Asker, Viewer};

/// Accounts that each viewer mutes.
const MUTES: u64 = 2;

/// Draws what the viewers will mute of what there is.
pub fn drawn(model: &Model, viewers: &[Viewer], rng: &Rng) -> Own {
    let mut own = Own::default();
    let accounts = model.shown_accounts();
    let (lists, threads) = (model.moderation_lists(), model.threads());
    for viewer in viewers {
        let by = viewer.did.to_string();
        for _ in 0..MUTES {
            let muted = pick(rng, &accounts).filter(|muted| **muted != by);
            let mute = muted.map(|muted| (by.clone(), (*muted).to_owned()));
            own.mutes.extend(mute.filter(|mute| !own.mutes.contains(mute)));
        }
        own.list_mutes.extend(pick(rng, &lists).map(|list| (by.clone(), (*list).to_owned())));
        own.thread_mutes.extend(pick(rng, &threads).map(|root| (by.clone(), (*root).to_owned())));
    }
    own
}

/// Tells one program all of it, in order.
pub async fn tell(asker: &Asker, viewers: &[Viewer], own: &Own) -> Result<()> {
    for viewer in viewers {
        let by = |told: &&(String, String)| told.0 == viewer.did.as_str();
        for (_, actor) in own.mutes.iter().filter(by) {
            asker.tell(viewer, "app.bsky.graph.muteActor", json!({"actor": actor})).await?;
        }
        for (_, list) in own.list_mutes.iter().filter(by) {
            asker.tell(viewer, "app.bsky.graph.muteActorList", json!({"list": list})).await?;
        }
        for (_, root) in own.thread_mutes.iter().filter(by) {
            asker.tell(viewer, "app.bsky.graph.muteThread", json!({"root": root})).await?;
        }
    }
    Ok(())
}

fn pick<'a, T>(rng: &Rng, of: &'a [T]) -> Option<&'a T> {
    of.get(usize::try_from(rng.below(of.len() as u64)).unwrap_or(0))
}
