//! Profiles, statuses, declarations and publications.

use super::scene::{Done, POST, PROFILE, PUBLICATION, STARTER_PACK, STATUS, Scene};
use crate::records::{self, Profile};
use crate::words;

const DECLARATIONS: [&str; 3] = [
    "app.bsky.notification.declaration",
    "chat.bsky.actor.declaration",
    "com.germnetwork.declaration",
];

impl Scene<'_> {
    pub(super) fn update_profile(&mut self) -> Done {
        let profile = self.profile();
        let who = self.someone();
        self.put(&who, PROFILE, "self", profile.encode()).map(|_| ())
    }

    pub(super) fn pin_post(&mut self) -> Done {
        let (who, post) = self.own_post()?;
        let profile = Profile { pinned_post: Some(post), ..self.profile() };
        self.put(&who, PROFILE, "self", profile.encode()).map(|_| ())
    }

    pub(super) fn status(&mut self) -> Done {
        let minutes = match self.rng.below(3) {
            0 => None,
            1 => Some(1),
            _ => Some(240),
        };
        let card = self.once_in(2).then(|| self.external());
        let record = records::status(&self.stamp(), minutes, card.as_ref());
        let who = self.someone();
        self.put(&who, STATUS, "self", record).map(|_| ())
    }

    pub(super) fn declare_notifications(&mut self) -> Done {
        let allow = self.pick(&["followers", "mutuals", "none"]);
        self.declare(DECLARATIONS[0], records::notification_declaration(allow))
    }

    pub(super) fn declare_chat(&mut self) -> Done {
        let allow = self.pick(&["all", "following", "none"]);
        self.declare(DECLARATIONS[1], records::chat_declaration(allow))
    }

    pub(super) fn declare_germ(&mut self) -> Done {
        let show = self.pick(&["none", "usersIFollow", "everyone"]);
        self.declare(DECLARATIONS[2], records::germ_declaration(show))
    }

    pub(super) fn publication(&mut self) -> Done {
        let who = self.someone();
        let name = words::pick(self.rng, words::SUBJECTS);
        let url = format!("https://{}.sim.test", words::pick(self.rng, words::NAMES));
        self.create(&who, PUBLICATION, records::publication(&url, name)).map(|_| ())
    }

    pub(super) fn undeclare(&mut self) -> Done {
        self.delete_one(self.pick(&DECLARATIONS), Self::declare_chat)
    }

    fn declare(&mut self, collection: &str, record: Vec<u8>) -> Done {
        let who = self.someone();
        self.put(&who, collection, "self", record).map(|_| ())
    }

    fn profile(&self) -> Profile {
        let text = |words| Some(self.pick(words).to_owned());
        let pack = self.standing(STARTER_PACK).filter(|_| self.once_in(2));
        Profile {
            display_name: if self.once_in(8) { None } else { text(words::DISPLAY_NAMES) },
            description: text(words::ABOUT),
            pronouns: if self.once_in(3) {
                text(&["she/her", "he/him", "they/them"])
            } else {
                None
            },
            website: self.once_in(3).then(|| "https://mill.sim.test".to_owned()),
            avatar: self.once_in(2).then(|| self.blob("image/jpeg")),
            banner: self.once_in(3).then(|| self.blob("image/png")),
            labels: if self.once_in(5) {
                vec!["!no-unauthenticated".to_owned()]
            } else {
                Vec::new()
            },
            joined_via_starter_pack: pack,
            pinned_post: self.standing(POST).filter(|_| self.once_in(5)),
            created_at: Some(self.stamp()),
        }
    }
}
