//! Lists, who is on them, who blocks them, and starter packs.

use millrace_atproto::syntax::Did;

use super::scene::{Done, GENERATOR, LIST, LIST_BLOCK, LIST_ITEM, STARTER_PACK, Scene};
use crate::records::{self, Ref, StarterPack};
use crate::repo::RepoError;
use crate::words;

impl Scene<'_> {
    pub(super) fn list(&mut self, purpose: &str) -> Done {
        self.make_list(purpose).map(|_| ())
    }

    pub(super) fn update_list(&mut self) -> Done {
        let (who, list) = self.own_list()?;
        let purpose = self.purpose_of(&list);
        let name = format!("{} (new)", self.pick(words::LISTS));
        let record = records::list(&purpose, &name, Some(&self.sentence()), &self.stamp());
        self.replace(&who, &list, record)
    }

    pub(super) fn list_item(&mut self) -> Done {
        let (who, list) = self.own_list()?;
        self.put_on(&who, &list)
    }

    /// On somebody else's list, where it does not count.
    pub(super) fn list_item_on_foreign(&mut self) -> Done {
        let (owner, list) = self.own_list()?;
        let who = self.somebody_else(&owner);
        if self.can_write(&who) { self.put_on(&who, &list) } else { Ok(()) }
    }

    pub(super) fn list_block(&mut self) -> Done {
        let list = match self.a_list_for("mod") {
            Some(list) => list,
            None => self.make_list("mod")?.1,
        };
        let who = self.someone();
        let record = records::list_block(&list.uri, &self.stamp());
        self.create(&who, LIST_BLOCK, record).map(|_| ())
    }

    /// With a list of its own, as the official client makes one.
    pub(super) fn starter_pack(&mut self) -> Done {
        let (who, list) = self.make_list("reference")?;
        for _ in 0..self.some(3) {
            self.put_on(&who, &list)?;
        }
        let pack = self.pack(&list);
        self.create(&who, STARTER_PACK, pack.encode()).map(|_| ())
    }

    pub(super) fn update_starter_pack(&mut self) -> Done {
        let Some((who, pack)) = self.own(STARTER_PACK, Self::starter_pack)? else { return Ok(()) };
        let Some(list) = self.text_in(&pack, &["list"]) else { return Ok(()) };
        let renewed = self.pack(&Ref { uri: list, cid: pack.cid });
        self.replace(&who, &pack, renewed.encode())
    }

    /// A list for which gates and blocks can be set.
    pub(super) fn a_list_for(&self, purpose: &str) -> Option<Ref> {
        let drawn = (0..8).filter_map(|_| self.standing(LIST));
        drawn.into_iter().find(|list| self.purpose_of(list) == purpose)
    }

    pub(super) fn make_list(&mut self, purpose: &str) -> Result<(Did, Ref), RepoError> {
        let who = self.someone();
        let about = self.once_in(2).then(|| self.sentence());
        let name = self.pick(words::LISTS);
        let record = records::list(purpose, name, about.as_deref(), &self.stamp());
        let list = self.create(&who, LIST, record)?;
        Ok((who, list))
    }

    fn own_list(&mut self) -> Result<(Did, Ref), RepoError> {
        match self.standing_own(LIST) {
            Some(own) => Ok(own),
            None => self.make_list("curate"),
        }
    }

    fn put_on(&mut self, who: &Did, list: &Ref) -> Done {
        let whom = self.anybody();
        let record = records::list_item(&list.uri, &whom, &self.stamp());
        self.create(who, LIST_ITEM, record).map(|_| ())
    }

    fn pack(&self, list: &Ref) -> StarterPack {
        let feed = self.standing(GENERATOR);
        StarterPack {
            name: self.pick(words::LISTS).to_owned(),
            description: self.once_in(2).then(|| self.sentence()),
            list: list.uri.clone(),
            feeds: feed.into_iter().map(|feed| feed.uri).collect(),
            created_at: self.stamp(),
        }
    }

    /// The word before `list`.
    fn purpose_of(&self, list: &Ref) -> String {
        let purpose = self.text_in(list, &["purpose"]).unwrap_or_default();
        let word = purpose.rsplit('#').next().unwrap_or_default();
        word.strip_suffix("list").unwrap_or("curate").to_owned()
    }
}
