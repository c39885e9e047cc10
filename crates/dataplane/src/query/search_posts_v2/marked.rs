//! What posts are found by besides words, as the tokens that stand for it.

use millrace_atproto::syntax::AtIdentifier;
use millrace_store::Tx;

use super::{Marked, Rows};
use crate::error::DataplaneError;
use crate::query::lookup;
use crate::search::marks;

/// Of one kind, how many were named and the tokens of those that are known.
pub(super) struct Kind {
    pub(super) given: usize,
    pub(super) marks: Vec<String>,
}

impl Marked {
    pub(super) fn sizes(&self) -> [usize; 6] {
        let Self { authors, mentions, domains, urls, tags, languages } = self;
        [authors.len(), mentions.len(), domains.len(), urls.len(), tags.len(), languages.len()]
    }

    pub(super) fn marks(&self, tx: &mut Tx) -> Result<Vec<Kind>, DataplaneError> {
        let texts = |texts: &[String], mark: fn(&str) -> String| Kind {
            given: texts.len(),
            marks: texts.iter().map(|text| mark(text)).collect(),
        };
        Ok(vec![
            accounts(tx, &self.authors, marks::author)?,
            accounts(tx, &self.mentions, marks::mention)?,
            texts(&self.domains, marks::domain),
            texts(&self.urls, marks::url),
            texts(&self.tags, marks::tag),
            texts(&self.languages, marks::language),
        ])
    }
}

impl Rows {
    pub(super) fn sizes(&self) -> [usize; 2] {
        [self.quotes.len(), self.not_quotes.len()]
    }
}

fn accounts(
    tx: &mut Tx,
    accounts: &[AtIdentifier],
    mark: fn(i64) -> String,
) -> Result<Kind, DataplaneError> {
    let mut known = Kind { given: accounts.len(), marks: Vec::new() };
    for account in accounts {
        known.marks.extend(lookup::known_actor(tx, account)?.map(mark));
    }
    Ok(known)
}
