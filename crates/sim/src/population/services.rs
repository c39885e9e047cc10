//! Feed generators and labelers.

use millrace_atproto::syntax::Did;

use super::scene::{Done, GENERATOR, LABELER, Scene};
use crate::feeds;
use crate::records::{Generator, Labeler};
use crate::service::ServiceKind;
use crate::words;

impl Scene<'_> {
    /// The feeds that the network serves, good ones and hostile ones, all of the first person.
    pub(super) fn publish_served_feeds(&mut self) -> Done {
        let Some(who) = self.people.first().cloned() else { return Ok(()) };
        for (kind, rkeys) in [
            (ServiceKind::GoodFeeds, feeds::GOOD_RKEYS.as_slice()),
            (ServiceKind::HostileFeeds, feeds::HOSTILE_RKEYS.as_slice()),
        ] {
            let Some(did) = self.service(kind) else { continue };
            for rkey in rkeys {
                let generator =
                    Generator { display_name: (*rkey).to_owned(), ..self.feed(did.clone()) };
                // Not remembered: nobody takes a served feed away.
                let path = format!("{GENERATOR}/{rkey}");
                self.world.put_record(&who, path, self.now_us, generator.encode())?;
            }
        }
        Ok(())
    }

    /// A feed of one's own, put together by the good service.
    pub(super) fn generator(&mut self) -> Done {
        let Some(did) = self.service(ServiceKind::GoodFeeds) else { return Ok(()) };
        let (who, rkey) = (self.someone(), self.world.tid(self.now_us).to_string());
        let generator = self.feed(did);
        self.put(&who, GENERATOR, &rkey, generator.encode()).map(|_| ())
    }

    pub(super) fn update_generator(&mut self) -> Done {
        let Some((who, generator)) = self.own(GENERATOR, Self::generator)? else { return Ok(()) };
        let Some(did) = self.service(ServiceKind::GoodFeeds) else { return Ok(()) };
        let renewed = self.feed(did);
        self.replace(&who, &generator, renewed.encode())
    }

    pub(super) fn labeler(&mut self) -> Done {
        let who = self.someone();
        self.world.make_labeler(&who, self.now_us);
        let policies = self.policies();
        self.put(&who, LABELER, "self", policies.encode()).map(|_| ())
    }

    pub(super) fn update_labeler(&mut self) -> Done {
        let Some((who, labeler)) = self.own(LABELER, Self::labeler)? else { return Ok(()) };
        let policies = self.policies();
        self.replace(&who, &labeler, policies.encode())
    }

    fn service(&self, kind: ServiceKind) -> Option<Did> {
        let services = self.world.services();
        services.iter().find(|service| service.kind == kind).map(|service| service.did.clone())
    }

    fn feed(&self, did: Did) -> Generator {
        Generator {
            did,
            display_name: self.pick(words::LISTS).to_owned(),
            description: self.once_in(2).then(|| self.sentence()),
            avatar: self.once_in(3).then(|| self.blob("image/png")),
            accepts_interactions: self.once_in(2),
            is_video: self.once_in(5),
            labels: Vec::new(),
            created_at: self.stamp(),
        }
    }

    fn policies(&self) -> Labeler {
        Labeler {
            label_values: vec!["damp".to_owned(), "spam".to_owned(), "!warn".to_owned()],
            subject_types: self.once_in(2).then(|| vec!["account".to_owned(), "record".to_owned()]),
            created_at: self.stamp(),
        }
    }
}
