//! People who never stop: posts, replies, likes, follows, and changes of mind, in a fixed order.
//! What they leave behind is on the PDS, which is all that the audit asks.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::client::{Account, Client, Written};

const PEOPLE: [&str; 4] = ["ann", "ben", "cid", "dot"];
/// How many records of a kind are remembered for liking, answering and deleting.
const REMEMBERED_MAX: usize = 40;

/// Their accounts, and what they wrote last.
pub struct Traffic {
    pub people: Vec<Account>,
    steps: usize,
    posts: VecDeque<(usize, Written)>,
    likes: VecDeque<(usize, Written)>,
    follows: VecDeque<(usize, Written)>,
}

impl Traffic {
    pub async fn begin(client: &mut Client) -> Result<Self> {
        let mut people = Vec::new();
        for name in PEOPLE {
            people.push(client.create_account(name).await?);
        }
        // A ring of follows that stays; those across it come and go.
        for (follower, followed) in people.iter().zip(people.iter().cycle().skip(1)) {
            client.follow(follower, followed).await?;
        }
        Ok(Self {
            people,
            steps: 0,
            posts: VecDeque::new(),
            likes: VecDeque::new(),
            follows: VecDeque::new(),
        })
    }

    /// Goes on until told to stop.
    pub async fn until_told(&mut self, client: &mut Client, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            self.step(client).await?;
        }
        Ok(())
    }

    pub async fn steps(&mut self, client: &mut Client, count: usize) -> Result<()> {
        for _ in 0..count {
            self.step(client).await?;
        }
        Ok(())
    }

    async fn step(&mut self, client: &mut Client) -> Result<()> {
        let step = self.steps;
        self.steps += 1;
        let who = step % self.people.len();
        let by = &self.people[who];
        match step % 11 {
            0 | 3 => {
                remember(&mut self.posts, who, client.post(by, &format!("step {step}")).await?)
            }
            1 | 4 | 6 => {
                let (_, post) = self.posts.get(step % self.posts.len()).context("a post")?;
                remember(&mut self.likes, who, client.like(by, post).await?);
            }
            2 | 7 => {
                let (_, parent) = self.posts.back().context("a post")?;
                let reply = client.reply(by, &format!("re: step {step}"), parent, parent).await?;
                remember(&mut self.posts, who, reply);
            }
            5 => {
                let whom = &self.people[(who + 2) % PEOPLE.len()];
                let followed = self.follows.iter().any(|(follower, _)| *follower == who);
                if followed {
                    forget(&mut self.follows, &self.people, client, Some(who)).await?;
                } else {
                    remember(&mut self.follows, who, client.follow(by, whom).await?);
                }
            }
            8 => forget(&mut self.likes, &self.people, client, None).await?,
            9 if self.posts.len() > REMEMBERED_MAX / 2 => {
                forget(&mut self.posts, &self.people, client, None).await?;
            }
            _ => {
                let text =
                    format!("step {step}, mentioning @{}.test", PEOPLE[(who + 1) % PEOPLE.len()]);
                remember(&mut self.posts, who, client.post(by, &text).await?);
            }
        }
        Ok(())
    }
}

fn remember(records: &mut VecDeque<(usize, Written)>, who: usize, record: Written) {
    records.push_back((who, record));
    if records.len() > REMEMBERED_MAX {
        records.pop_front();
    }
}

/// Deletes the oldest remembered record, or the oldest of `whose`.
async fn forget(
    records: &mut VecDeque<(usize, Written)>,
    people: &[Account],
    client: &mut Client,
    whose: Option<usize>,
) -> Result<()> {
    let at = records.iter().position(|(who, _)| whose.is_none_or(|wanted| wanted == *who));
    match at.and_then(|at| records.remove(at)) {
        Some((who, record)) => client.delete(&people[who], &record).await,
        None => Ok(()),
    }
}
