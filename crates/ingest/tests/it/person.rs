//! Somebody with a key, a repository and a DID document, whose frames a test can bend.

use millrace_atproto::car::{CarLimits, CarSlice, CarWriter};
use millrace_atproto::commit::Commit;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::frame::{AccountFrame, CommitFrame, Frame, IdentityFrame};
use millrace_atproto::{Cid, Did, Tid};
use millrace_runtime::clock::{Clock as _, SystemClock};
use millrace_sim::records;
use millrace_sim::repo::{Repo, Write};
use serde_json::json;

use crate::stage::{self, Stage};

pub const TIME: &str = "2026-01-02T03:04:05.678Z";

pub struct Person {
    pub did: Did,
    pub handle: String,
    pub key: SigningKey,
    pub repo: Repo,
    rev_us: i64,
}

impl Person {
    /// With an empty repository, known to the stage's PLC directory and PDS, not yet announced.
    pub fn new(stage: &Stage, name: &str) -> Self {
        let mut seed = [7; 32];
        for (byte, letter) in seed.iter_mut().zip(name.bytes()) {
            *byte = letter;
        }
        let key = SigningKey::from_bytes(Curve::K256, &seed).unwrap();
        let did = Did::parse(&format!("did:plc:{name}")).unwrap();
        let rev_us = SystemClock.now_us() - 3_600_000_000;
        let repo = Repo::new(&did, &key, Tid::from_time(rev_us, 0));
        let person = Self { handle: format!("{name}.test"), did, key, repo, rev_us };
        person.publish(stage);
        person
    }

    /// Tells PLC directory, PDS and handle resolver how things are.
    pub fn publish(&self, stage: &Stage) {
        let document = self.document(&stage.origin());
        let car = self.repo.car();
        stage.set(|play| {
            play.documents.insert(self.did.to_string(), (200, document));
            play.repos.insert(self.did.to_string(), stage::Repo::Car(car));
            play.statuses
                .insert(self.did.to_string(), json!({"did": self.did.as_str(), "active": true}));
            play.handles.insert(self.handle.clone(), self.did.to_string());
        });
    }

    pub fn document(&self, pds: &str) -> serde_json::Value {
        json!({
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": self.did.as_str(),
            "alsoKnownAs": [format!("at://{}", self.handle)],
            "verificationMethod": [{
                "id": format!("{}#atproto", self.did),
                "type": "Multikey",
                "controller": self.did.as_str(),
                "publicKeyMultibase": self.key.public().to_multibase(),
            }],
            "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds}],
        })
    }

    pub fn rotate_key(&mut self, byte: u8) {
        self.key = SigningKey::from_bytes(Curve::K256, &[byte; 32]).unwrap();
    }

    pub fn next_rev(&mut self) -> Tid {
        self.rev_us += 1_000;
        Tid::from_time(self.rev_us, 0)
    }

    /// Commits a post; the frame, given its number. Nothing is sent.
    pub fn post(&mut self, text: &str) -> impl FnOnce(i64) -> Vec<u8> + use<> {
        let rkey = self.next_rev();
        let path = format!("app.bsky.feed.post/{rkey}");
        let record = records::post(text, self.rev_us, None, None, None);
        self.write(vec![Write::Put { path, record }])
    }

    pub fn write(&mut self, writes: Vec<Write>) -> impl FnOnce(i64) -> Vec<u8> + use<> {
        let rev = self.next_rev();
        let key = self.key.clone();
        let committed = self.repo.apply(&key, rev, &writes).unwrap();
        move |seq| committed.frame(seq, TIME)
    }

    /// The same frame with some field changed.
    pub fn bent(
        frame: impl FnOnce(i64) -> Vec<u8>,
        bend: impl FnOnce(&mut CommitFrame<'_>),
    ) -> impl FnOnce(i64) -> Vec<u8> {
        move |seq| {
            let bytes = frame(seq);
            let Frame::Commit(mut commit) = Frame::parse(&bytes).unwrap() else {
                panic!("no commit")
            };
            bend(&mut commit);
            Frame::Commit(commit).encode()
        }
    }

    /// The same frame with another signature, under the CID that the commit then has.
    pub fn resigned(
        frame: impl FnOnce(i64) -> Vec<u8>,
        change: impl FnOnce(&mut [u8]),
    ) -> impl FnOnce(i64) -> Vec<u8> {
        move |seq| {
            let bytes = frame(seq);
            let Frame::Commit(mut event) = Frame::parse(&bytes).unwrap() else {
                panic!("no commit")
            };
            let car = CarSlice::parse(event.blocks, &CarLimits::COMMIT).unwrap();
            let mut block = car.get(&event.commit).unwrap().to_vec();
            let sig = Commit::parse(&block).unwrap().sig;
            let at = block.windows(64).position(|window| window == sig).unwrap();
            change(&mut block[at..at + 64]);
            let cid = Cid::of_dag_cbor(&block);
            let mut writer = CarWriter::new(&cid);
            writer.block(&cid, &block);
            for (other, block) in car.blocks() {
                if *other != event.commit {
                    writer.block(other, block);
                }
            }
            let blocks = writer.finish();
            event.commit = cid;
            event.blocks = &blocks;
            Frame::Commit(event).encode()
        }
    }

    /// The same frame with one block left out.
    pub fn without_block(frame: &[u8], left_out: &Cid) -> Vec<u8> {
        let Frame::Commit(mut event) = Frame::parse(frame).unwrap() else { panic!("no commit") };
        let car = CarSlice::parse(event.blocks, &CarLimits::COMMIT).unwrap();
        let mut writer = CarWriter::new(&car.root());
        for (cid, block) in car.blocks().iter().filter(|(cid, _)| cid != left_out) {
            writer.block(cid, block);
        }
        let blocks = writer.finish();
        event.blocks = &blocks;
        Frame::Commit(event).encode()
    }

    pub fn status(
        &self,
        active: bool,
        status: Option<&str>,
        time: &str,
    ) -> impl FnOnce(i64) -> Vec<u8> + use<> {
        let (did, status, time) = (self.did.clone(), status.map(str::to_owned), time.to_owned());
        move |seq| {
            AccountFrame { seq, did: did.as_str(), active, status: status.as_deref(), time: &time }
                .encode()
        }
    }

    pub fn identity(&self) -> impl FnOnce(i64) -> Vec<u8> + use<> {
        self.identity_saying(None)
    }

    /// As most hosts say it: with the handle.
    pub fn identity_with_handle(&self) -> impl FnOnce(i64) -> Vec<u8> + use<> {
        self.identity_saying(Some(self.handle.clone()))
    }

    fn identity_saying(&self, handle: Option<String>) -> impl FnOnce(i64) -> Vec<u8> + use<> {
        let did = self.did.clone();
        move |seq| {
            let handle = handle.as_deref();
            IdentityFrame { seq, did: did.as_str(), handle, time: TIME }.encode()
        }
    }

    pub fn sync(&self) -> impl FnOnce(i64) -> Vec<u8> + use<> {
        let repo = self.repo.clone();
        move |seq| repo.sync_frame(seq, TIME)
    }
}
