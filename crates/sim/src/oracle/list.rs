//! Lists in an order of time, newest first, as far as the times are known.
//!
//! The place of an item is the interval in which its sort time can lie: a point, unless its record
//! says that it was made after it was indexed. A list is right when it has every item once and some
//! times within the intervals explain its order. Equal times are ordered by record key, where that
//! is a TID; where not, any order is right.

use std::collections::BTreeMap;

use serde_json::Value;

use super::said::{Difference, Said, shown};

/// Where an item may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub first_us: i64,
    pub last_us: i64,
    /// The record key, if it is a TID: they sort as their texts do.
    pub tid: Option<[u8; 13]>,
}

impl Place {
    /// Of a record made at `created_us` and indexed between two moments.
    pub fn of(created_us: Option<i64>, indexed_us: (i64, i64), rkey: &str) -> Self {
        let sort = |indexed_us: i64| created_us.map_or(indexed_us, |us| us.min(indexed_us));
        let tid = <[u8; 13]>::try_from(rkey.as_bytes()).ok().filter(is_tid);
        Self { first_us: sort(indexed_us.0), last_us: sort(indexed_us.1), tid }
    }

    /// Whether an item here may stand before one there.
    fn may_precede(&self, next: &Self) -> bool {
        let known = self.first_us == self.last_us && next.first_us == next.last_us;
        if known && self.first_us == next.first_us {
            return self.tid.zip(next.tid).is_none_or(|(tid, next)| tid >= next);
        }
        self.last_us >= next.first_us
    }
}

/// The text at a JSON pointer.
fn text_at(view: &Value, pointer: &str) -> String {
    view.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The key of views that have a URI.
pub(super) fn by_uri(view: &Value) -> String {
    text_at(view, "/uri")
}

/// The key of accounts.
pub(super) fn by_did(view: &Value) -> String {
    text_at(view, "/did")
}

fn is_tid(rkey: &[u8; 13]) -> bool {
    let digit = |byte: &u8| matches!(byte, b'2'..=b'7' | b'a'..=b'z');
    (b'2'..=b'j').contains(&rkey[0]) && rkey.iter().all(digit)
}

/// The name of a view among those of its list.
pub type Key = fn(&Value) -> String;

/// Views, each known by its key.
#[derive(Debug, Clone)]
pub struct List {
    pub key: Key,
    pub order: Order,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    NewestFirst,
    /// The first item stands first whatever its time; the others newest first.
    PinnedThenNewest,
    /// The protocol promises none.
    Any,
}

/// An expected item of a list.
#[derive(Debug, Clone)]
pub struct Item {
    pub key: String,
    pub place: Place,
    /// Whether it must be there; what the order of indexing decides may or may not be.
    pub sure: bool,
    pub said: Said,
}

impl List {
    pub fn newest(key: Key, items: Vec<Item>) -> Self {
        Self { key, order: Order::NewestFirst, items }
    }

    pub fn unordered(key: Key, items: Vec<Item>) -> Self {
        Self { key, order: Order::Any, items }
    }

    pub(super) fn check_at(&self, at: &str, found: &[Value]) -> Result<(), Difference> {
        let expected: BTreeMap<&str, &Item> =
            self.items.iter().map(|item| (item.key.as_str(), item)).collect();
        let mut places: Vec<(&str, Place)> = Vec::with_capacity(found.len());
        for (index, view) in found.iter().enumerate() {
            let at = format!("{at}/{index}");
            let key = (self.key)(view);
            let Some(item) = expected.get(key.as_str()) else {
                return Err(Difference::new(&at, format!("no item {key}"), shown(view)));
            };
            if places.iter().any(|(known, _)| *known == key) {
                return Err(Difference::new(&at, format!("{key} once"), "it stands here again"));
            }
            places.push((&item.key, item.place));
        }
        self.nothing_is_missing(at, &places)?;
        self.is_in_order(at, &places)?;
        for (index, view) in found.iter().enumerate() {
            expected[places[index].0].said.check_at(&format!("{at}/{index}"), view)?;
        }
        Ok(())
    }

    fn nothing_is_missing(&self, at: &str, found: &[(&str, Place)]) -> Result<(), Difference> {
        let missing = self
            .items
            .iter()
            .find(|item| item.sure && found.iter().all(|(key, _)| *key != item.key));
        match missing {
            Some(item) => {
                let keys: Vec<&str> = found.iter().map(|(key, _)| *key).collect();
                Err(Difference::new(at, format!("an item {}", item.key), format!("only {keys:?}")))
            }
            None => Ok(()),
        }
    }

    fn is_in_order(&self, at: &str, found: &[(&str, Place)]) -> Result<(), Difference> {
        let ordered = match self.order {
            Order::Any => return Ok(()),
            Order::NewestFirst => found,
            Order::PinnedThenNewest => {
                let pinned = self.items.first().map(|item| item.key.as_str());
                if found.first().map(|first| first.0) != pinned {
                    return Err(Difference::new(
                        at,
                        format!("{pinned:?} first"),
                        format!("{:?}", found.first()),
                    ));
                }
                &found[1..]
            }
        };
        for (index, (key, place)) in ordered.iter().enumerate() {
            let later = ordered[index + 1..].iter().find(|(_, next)| !place.may_precede(next));
            if let Some((next, _)) = later {
                return Err(Difference::new(at, format!("{next} before {key}"), "after it"));
            }
        }
        Ok(())
    }
}
