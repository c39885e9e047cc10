//! One seed: a network, a program on each store, phases of life, and the judgement.

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::{SharedClock, SystemClock};
use millrace_runtime::rng::Rng;
use millrace_sim::oracle::{Model, Moment, Own};
use millrace_sim::{FaultConfig, Mix, Network, SimConfig, Status};

use super::asking::{Asker, Viewer};
use super::judging::{self, Judgement, Wrong};
use super::program::Program;
use super::settling;
use super::telling;
use crate::rebuild::succeeds;

const ACCOUNTS: u32 = 32;
/// Writes before anybody looks, and in each phase.
const HISTORY_WRITES: u32 = 160;
const PHASES: u32 = 3;
const PHASE_WRITES: u64 = 110;
/// After this phase the tables are made anew; nobody may see a difference.
const REBUILT_AFTER: u32 = 2;
/// Acts between two looks at whether a program is to be killed.
const STEPS: u64 = 4;
/// Of a thousand acts, how many happen to accounts.
const ACCOUNT_EVENTS_PER_MILLE: u32 = 30;
/// Accounts that ask, besides nobody in particular.
const VIEWERS: usize = 4;
const PAGE_LIMITS: [u32; 4] = [100, 50, 13, 5];

/// What all programs said.
pub struct Judged {
    pub answers: usize,
    pub differences: Vec<Wrong>,
    pub posts: usize,
    pub records: usize,
    kills: u32,
    unsure: usize,
}

impl Judged {
    /// Together with what others said.
    pub fn with(mut self, other: Self) -> Self {
        self.answers += other.answers;
        self.differences.extend(other.differences);
        self.posts += other.posts;
        self.records += other.records;
        self.kills += other.kills;
        self.unsure += other.unsure;
        self
    }

    pub fn summary(&self) -> String {
        let Self { answers, differences, posts, records, kills, unsure } = self;
        format!(
            "{records} records, {posts} posts ({unsure} judged meanwhile), {kills} kills, \
             {answers} answers, {} differences",
            differences.len()
        )
    }
}

/// A network, what it went through, and who follows it.
pub struct Run {
    pub network: Network,
    pub clock: SharedClock,
    pub rng: Rng,
    pub programs: Vec<Program>,
    pub askers: Vec<Asker>,
    moments: Vec<Moment>,
    kills: u32,
}

/// Runs a seed on these stores.
pub async fn run(seed: u64, stores: &[&'static str]) -> Result<Judged> {
    let mut run = Run::start(seed, stores).await?;
    run.settle().await.context("after the history")?;
    let viewers = run.viewers();
    let mut own = Own::default();
    for phase in 1..=PHASES {
        if phase == PHASES {
            own = telling::drawn(&run.model(&own), &run.still_there(&viewers), &run.rng);
            let viewers = run.still_there(&viewers);
            for asker in &run.askers {
                telling::tell(asker, &viewers, &own).await?;
            }
        }
        run.live().await.with_context(|| format!("in phase {phase}"))?;
        run.settle().await.with_context(|| format!("after phase {phase}"))?;
        if phase == REBUILT_AFTER {
            run.rebuild().await?;
        }
    }
    let judged = run.judge(&own, &viewers).await?;
    for program in run.programs {
        program.end(judged.differences.is_empty()).await?;
    }
    Ok(judged)
}

impl Run {
    async fn start(seed: u64, stores: &[&'static str]) -> Result<Self> {
        let rng = Rng::seeded(seed ^ 0x0_AC1E);
        let config = SimConfig {
            seed,
            accounts: ACCOUNTS,
            mix: Mix::Rich,
            history_writes: HISTORY_WRITES,
            writes_per_s: 0.0,
            account_events_per_mille: ACCOUNT_EVENTS_PER_MILLE,
            faults: FaultConfig { answer_delay_ms: 5, retry_after_s: 0, ..FaultConfig::storm() },
            ..SimConfig::default()
        };
        let clock = SystemClock::shared();
        let network = Network::start(&config, clock.clone()).await?;
        let starting = stores.iter().map(|store| Program::start(store, &network, rng.fork()));
        let programs = try_join_all(starting).await?;
        Self::of(network, clock, rng, programs)
    }

    /// Programs, running or not, and the network that they follow.
    pub fn of(
        network: Network,
        clock: SharedClock,
        rng: Rng,
        programs: Vec<Program>,
    ) -> Result<Self> {
        Self::with_pages(network, clock, rng, programs, &PAGE_LIMITS)
    }

    /// The same; a page has one of these limits. A method that has one page shows no more than that.
    pub fn with_pages(
        network: Network,
        clock: SharedClock,
        rng: Rng,
        programs: Vec<Program>,
        page_limits: &[u32],
    ) -> Result<Self> {
        let askers = programs.iter().map(|program| {
            let at = rng.below(page_limits.len() as u64);
            let limit = page_limits[usize::try_from(at).unwrap_or(0)];
            Asker::new(&program.millrace, clock.clone(), limit)
        });
        let askers = askers.collect::<Result<_>>()?;
        let (moments, kills) = (Vec::new(), 0);
        Ok(Self { network, clock, rng, programs, askers, moments, kills })
    }

    fn model(&self, own: &Own) -> Model {
        Model::new(&self.moments, own.clone())
    }

    /// People act, and programs are killed meanwhile.
    async fn live(&mut self) -> Result<()> {
        for _ in 0..STEPS {
            let acts = 1 + self.rng.below(2 * PHASE_WRITES / STEPS);
            self.network.act(u32::try_from(acts).unwrap_or(1))?;
            for program in &mut self.programs {
                if self.rng.below(STEPS) == 0 {
                    self.kills += 1;
                    program.kill().await?;
                }
            }
        }
        Ok(())
    }

    /// The network falls quiet; when all can be read, that is a moment.
    pub async fn settle(&mut self) -> Result<()> {
        self.network.close_gaps();
        self.tell_of_hidden().await?;
        self.each_settles().await?;
        let truth = self.network.truth();
        self.moments.push(Moment::of(&truth, self.moments.last(), self.clock.now_us()));
        Ok(())
    }

    /// Audits what is there, makes it anew, and audits that.
    async fn rebuild(&self) -> Result<()> {
        for program in &self.programs {
            for command in [&["audit"][..], &["rebuild", "dataplane", "--yes"], &["audit"]] {
                succeeds(program, command).await.context(program.store)?;
            }
        }
        Ok(())
    }

    async fn each_settles(&mut self) -> Result<()> {
        let (network, clock) = (&self.network, &self.clock);
        let settling = self.programs.iter_mut().zip(&self.askers);
        let settling =
            settling.map(|(program, asker)| settling::settle(program, asker, network, clock));
        try_join_all(settling).await?;
        Ok(())
    }

    /// What nobody can ask for, because its account is hidden, is shown for a moment where somebody missed
    /// some of it: what an account did before it left counts.
    async fn tell_of_hidden(&mut self) -> Result<()> {
        self.each_settles().await?;
        let mut missed: Vec<Did> = Vec::new();
        for asker in &self.askers {
            missed.extend(settling::missed_of_hidden(asker, &self.network).await?);
        }
        missed.sort_unstable();
        missed.dedup();
        if missed.is_empty() {
            return Ok(());
        }
        let status = |did: &Did| {
            let status = |world: &millrace_sim::World| world.account(did).map(|known| known.status);
            self.network.look(status).unwrap_or(Status::Active)
        };
        let before: Vec<Status> = missed.iter().map(status).collect();
        self.all_stand(missed.iter().map(|did| (did, Status::Active)));
        self.each_settles().await?;
        self.all_stand(missed.iter().zip(before));
        Ok(())
    }

    fn all_stand<'d>(&self, standings: impl Iterator<Item = (&'d Did, Status)>) {
        let now_us = self.clock.now_us();
        for (did, status) in standings {
            self.network.change(|world| {
                world.set_status(did, status, now_us);
                world.emit_sync(did, now_us);
            });
        }
        self.network.close_gaps();
    }

    /// Those who have most to do with blocks, and some others.
    pub fn viewers(&self) -> Vec<Viewer> {
        let model = self.model(&Own::default());
        let mut dids = model.those_with_blocks();
        let others = model.shown_accounts();
        while dids.len() < VIEWERS && dids.len() < others.len() {
            let at = usize::try_from(self.rng.below(others.len() as u64)).unwrap_or(0);
            if !dids.contains(&others[at]) {
                dids.push(others[at]);
            }
        }
        dids.truncate(VIEWERS);
        self.network.look(|world| {
            let viewers = dids.iter().filter_map(|did| {
                let account = world.account(&Did::parse(did).ok()?)?;
                let identity = &account.identity;
                Some(Viewer { did: identity.did.clone(), key: identity.key.clone() })
            });
            viewers.collect()
        })
    }

    pub async fn judge(&mut self, own: &Own, viewers: &[Viewer]) -> Result<Judged> {
        let viewers = self.still_there(viewers);
        let mut judged = Judged {
            answers: 0,
            differences: Vec::new(),
            posts: 0,
            records: 0,
            kills: self.kills,
            unsure: self.model(own).unsure().len(),
        };
        if let Some(last) = self.moments.last() {
            let records = || last.accounts.values().flat_map(|account| account.records.keys());
            judged.records = records().count();
            judged.posts = records().filter(|path| path.starts_with("app.bsky.feed.post/")).count();
        }
        let judging = self.programs.iter().zip(&self.askers).map(|(program, asker)| {
            judging::judge(program.store, asker, &self.moments, own, &viewers, &program.rng)
        });
        for Judgement { answers, differences } in try_join_all(judging).await? {
            judged.answers += answers;
            judged.differences.extend(differences);
        }
        Ok(judged)
    }

    /// Viewers with the keys they have now, without those who left.
    fn still_there(&self, viewers: &[Viewer]) -> Vec<Viewer> {
        self.network.look(|world| {
            let found = viewers.iter().filter_map(|viewer| {
                let account = world.account(&viewer.did)?;
                let identity = &account.identity;
                let viewer = Viewer { did: identity.did.clone(), key: identity.key.clone() };
                account.status.is_active().then_some(viewer)
            });
            found.collect()
        })
    }
}
