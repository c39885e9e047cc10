//! Millrace and the reference AppView, one after the other: the same frames from the same relay, then the same
//! questions. The frames are far fewer than elsewhere, which is to the reference's advantage: it takes as long for
//! each, and its tables stay small.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use millrace_atproto::crypto::SigningKey;
use millrace_atproto::frame::{Action, Frame};
use millrace_atproto::syntax::Did;

use super::{Bench, MB, database};
use crate::frames::Frames;
use crate::ingest;
use crate::people::Tokens;
use crate::process;
use crate::program::{Program, SERVICE_DID, Settings};
use crate::reads::{Kind, Question, Service, Subjects};
use crate::reference::Reference;
use crate::relay::Relay;

/// What both are asked, and how the figures are called.
const ASKED: [(Kind, &str); 4] = [
    (Kind::Timeline(0), "timeline"),
    (Kind::AuthorFeed, "author_feed"),
    (Kind::Thread, "thread"),
    (Kind::Profile, "profile"),
];
/// Time for both to put away what they were told, before their memory is looked at.
const REST: std::time::Duration = std::time::Duration::from_secs(10);

/// The questions of one round, by kind.
type Asked = Vec<(Kind, Vec<Question>)>;
type Keys = Arc<HashMap<Did, SigningKey>>;

impl Bench {
    pub(super) async fn beside_reference(&mut self) -> Result<()> {
        let place = self.options.place.clone();
        let server = place.postgres_url.context("the reference AppView needs PostgreSQL")?;
        let keys = self.frames.header.recipe.signing_keys()?;
        let keys: Keys = Arc::new(keys.into_iter().collect());
        let until = self.frames.before + self.sizes.reference_frames;
        let questions = self.questions(until)?;

        self.say("the reference AppView");
        let relay = Relay::start(Arc::clone(&self.frames)).await?;
        let database = database(&server, "reference").await?;
        let dir = self.dir("reference");
        let mut reference =
            Reference::start(&place.node, &place.root, &dir, &relay, &database.url()).await?;
        reference.take(&relay, &self.frames, self.frames.before).await?;
        ingest::written_out().await?;
        let events = self.sizes.reference_frames as f64;
        let seconds = reference.take(&relay, &self.frames, until).await?;
        self.results.add("ingest_reference_eps", "events/s", vec![events / seconds]);
        let service = Service::new(&reference.url, tokens(&reference.did, &keys))?;
        self.ask_all(&service, &questions, "reference").await?;
        tokio::time::sleep(REST).await;
        let servers = place.postgres_pid.map_or(0, process::family_pss);
        let total = (reference.memory() + servers) as f64 / MB;
        self.results.add("total_rss_reference_mb", "MB", vec![total]);
        reference.end().await?;
        tokio::task::spawn_blocking(move || database.drop_if_there()).await??;

        self.say("Millrace on the same frames");
        let relay = Relay::start(Arc::clone(&self.frames)).await?;
        for verify in [false, true] {
            for round in 1..=self.options.rounds {
                let is_last = verify && round == self.options.rounds;
                self.same_frames(&relay, verify, until, is_last.then_some((&questions, &keys)))
                    .await?;
            }
        }
        self.ratios();
        Ok(())
    }

    /// One round of Millrace on the frames that the reference took, asked the same where there are questions.
    async fn same_frames(
        &mut self,
        relay: &Relay,
        verify: bool,
        until: usize,
        asked: Option<(&Vec<Asked>, &Keys)>,
    ) -> Result<()> {
        let settings = Settings { verify, ..self.settings("beside", relay) };
        ingest::emptied(&settings.dir)?;
        relay.allow(0);
        let mut program = Program::start(&self.options.place.program, &settings).await?;
        ingest::introduce(&mut program, relay, &self.frames).await?;
        let from = self.frames.before;
        let round = ingest::round(&mut program, relay, &self.frames, from, until).await?;
        let name = if verify { "verified" } else { "unverified" };
        self.results.round(&format!("ingest_{name}_same_eps"), "events/s", round.events_per_s);
        if let Some((questions, keys)) = asked {
            let service = Service::new(&program.url, tokens(SERVICE_DID, keys))?;
            self.ask_all(&service, questions, "same").await?;
            tokio::time::sleep(REST).await;
            let total = process::family_pss(program.pid()) as f64 / MB;
            self.results.add("total_rss_same_mb", "MB", vec![total]);
        }
        program.end().await?;
        Ok(std::fs::remove_dir_all(&settings.dir)?)
    }

    /// The same for both, in as many rounds as everything is taken.
    fn questions(&self, until: usize) -> Result<Vec<Asked>> {
        let posts = posts(&self.frames, until)?;
        // Who wrote something, in the order of the file: their timelines and feeds are not empty.
        let wrote = |did: &str| posts.iter().any(|uri| uri.contains(did));
        let accounts = self.frames.header.accounts.iter().filter(|it| wrote(&it.did));
        let accounts: Vec<Did> =
            accounts.map(|it| Ok(Did::parse(&it.did)?)).collect::<Result<_>>()?;
        let count = self.sizes.reference_reads;
        let rounds = (0..=self.options.rounds).map(|round| {
            let subjects = Subjects::of_accounts(accounts.clone(), posts.clone(), round as u64);
            ASKED.iter().map(|(kind, _)| (*kind, subjects.draw(*kind, count))).collect()
        });
        Ok(rounds.collect())
    }

    /// The first round warms up.
    async fn ask_all(&mut self, service: &Service, rounds: &[Asked], who: &str) -> Result<()> {
        for (round, kinds) in rounds.iter().enumerate() {
            for (kind, questions) in kinds {
                let times = service.ask(questions, 1).await?;
                let name = ASKED.iter().find(|(it, _)| it == kind).map_or("", |(_, name)| name);
                if round > 0 {
                    for percent in [50.0, 99.0] {
                        let name = format!("{name}_{who}_p{percent}_ms");
                        self.results.round(&name, "ms", times.percentile(percent));
                    }
                }
            }
        }
        Ok(())
    }

    fn ratios(&mut self) {
        let pairs = [
            ("ingest_verified_vs_reference", "ingest_verified_same_eps", "ingest_reference_eps"),
            (
                "ingest_unverified_vs_reference",
                "ingest_unverified_same_eps",
                "ingest_reference_eps",
            ),
            ("timeline_vs_reference", "timeline_reference_p50_ms", "timeline_same_p50_ms"),
            ("author_feed_vs_reference", "author_feed_reference_p50_ms", "author_feed_same_p50_ms"),
            ("thread_vs_reference", "thread_reference_p50_ms", "thread_same_p50_ms"),
            ("memory_vs_reference", "total_rss_same_mb", "total_rss_reference_mb"),
        ];
        for (name, over, under) in pairs {
            if let (Some(over), Some(under)) = (self.results.get(over), self.results.get(under)) {
                self.results.add(name, "×", vec![over / under]);
            }
        }
    }
}

fn tokens(audience: &str, keys: &Keys) -> Tokens {
    let keys = Arc::clone(keys);
    Tokens::new(audience, move |did| keys.get(did).cloned())
}

/// URIs of posts in the frames up to there; none of them is deleted, because the network of the frames only
/// deletes likes and follows.
fn posts(frames: &Frames, until: usize) -> Result<Vec<String>> {
    let mut posts = Vec::new();
    for recorded in &frames.frames[..until] {
        let Frame::Commit(commit) = Frame::parse(&recorded.frame)? else { continue };
        for op in &commit.ops {
            if op.path.starts_with("app.bsky.feed.post/") && op.action == Some(Action::Create) {
                posts.push(format!("at://{}/{}", commit.repo, op.path));
            }
        }
    }
    Ok(posts)
}
