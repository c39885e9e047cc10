//! What the operator chose to suggest, as places before everything that is counted: people, feeds, starter packs.
//! Must stay true: a place has one score however often it is looked up, so that pages go on from chosen to counted.

use foldhash::HashSet;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, Tx, dictionary};

use super::curated::{CuratedList, ITEMS_MAX};
use super::lookup;
use crate::error::DataplaneError;
use crate::ranking::Place;

/// What stands above every score that is counted; from it the position on the list is taken away.
const CHOSEN: i64 = 1 << 56;

/// The accounts on the list, as far as they were ever seen here, in its order.
pub(super) fn people(tx: &mut Tx) -> Result<Vec<Place>, DataplaneError> {
    let chosen: Vec<(Did, i64)> = subjects(tx, CuratedList::People)?
        .into_iter()
        .filter_map(|(subject, score)| Some((Did::parse(&subject).ok()?, score)))
        .collect();
    let ids = dictionary::actor_ids(tx, chosen.iter().map(|(did, _)| did))?;
    let place = |(did, score): &(Did, i64)| {
        let actor = *ids.get(did)?;
        Some(Place { score: *score, rkey: 0, actor })
    };
    Ok(chosen.iter().filter_map(place).collect())
}

/// The records on a list of feeds or starter packs, as far as their names were ever seen here, in its order.
pub(super) fn records(tx: &mut Tx, list: CuratedList) -> Result<Vec<Place>, DataplaneError> {
    let (mut uris, mut scores) = (Vec::new(), Vec::new());
    for (subject, score) in subjects(tx, list)? {
        let uri = AtUri::parse(&subject).ok().filter(|uri| uri.as_record().is_some());
        if let Some(uri) = uri {
            uris.push(uri);
            scores.push(score);
        }
    }
    let keys = lookup::record_keys(tx, &uris)?.into_iter();
    let place = |(key, score): (Option<lookup::RecordKeyIds>, i64)| {
        key.map(|key| Place { score, rkey: key.rkey, actor: key.actor })
    };
    Ok(keys.zip(scores).filter_map(place).collect())
}

/// Whose place it is: an account's, or a record's of one collection.
pub(super) fn subjects_of(places: &[Place]) -> HashSet<(i64, i64)> {
    places.iter().map(|place| (place.actor, place.rkey)).collect()
}

fn subjects(tx: &mut Tx, list: CuratedList) -> Result<Vec<(String, i64)>, DataplaneError> {
    Ok(tx.query(
        "SELECT c.subject, c.position FROM own.curated AS c
         WHERE c.list = $1 ORDER BY c.position, c.subject LIMIT $2",
        &[Param::Text(list.name()), Param::Int(ITEMS_MAX as i64)],
        |row| Ok((row.get(0)?, CHOSEN - row.get::<i64>(1)?)),
    )?)
}
