//! Which question is asked next: first come, first served within a DID method, so many at once; what
//! failed for the moment comes back after a pause that doubles.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use millrace_atproto::Did;
use tokio::time::Instant;

use super::Ask;

/// A question and its history.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) ask: Ask,
    pub(super) attempt: u32,
    /// When it was first asked.
    pub(super) since: Instant,
    /// Whether its lane was told that it takes longer.
    pub(super) told: bool,
}

/// Questions waiting, and how many are under way.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: HashMap<&'static str, Line>,
    delayed: BTreeMap<(Instant, u64), Job>,
    next_id: u64,
    at_once_max: usize,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Job>,
    under_way: usize,
}

impl Queue {
    pub(super) fn new(at_once_max: usize) -> Self {
        Self { at_once_max, ..Self::default() }
    }

    /// The line a question stands in: a dead `did:web` host must not keep `did:plc` waiting.
    pub(super) fn line(ask: &Ask) -> &'static str {
        match (ask, ask.did().method()) {
            (Ask::Status { .. }, _) => "status",
            (Ask::Identity { .. }, "plc") => "plc",
            (Ask::Identity { .. }, _) => "web",
        }
    }

    pub(super) fn push(&mut self, job: Job) {
        self.lines.entry(Self::line(&job.ask)).or_default().waiting.push_back(job);
    }

    /// Asks again at `due`.
    pub(super) fn delay(&mut self, job: Job, due: Instant) {
        self.next_id += 1;
        self.delayed.insert((due, self.next_id), job);
    }

    /// The next question that may be asked now.
    pub(super) fn next(&mut self) -> Option<Job> {
        let at_once_max = self.at_once_max;
        self.lines.values_mut().find_map(|line| {
            if line.under_way >= at_once_max {
                return None;
            }
            let job = line.waiting.pop_front()?;
            line.under_way += 1;
            Some(job)
        })
    }

    /// A question was answered, or failed.
    pub(super) fn finished(&mut self, line: &'static str) {
        if let Some(line) = self.lines.get_mut(line) {
            line.under_way = line.under_way.saturating_sub(1);
        }
    }

    /// Moves what is due to its line; `now = None` moves everything of `line`, whose other end has
    /// answered again.
    pub(super) fn wake(&mut self, now: Instant, answered: Option<&'static str>) {
        // During an outage many are delayed, and one is due at almost any moment: only those due are
        // looked at.
        while let Some(first) = self.delayed.first_entry().filter(|first| first.key().0 <= now) {
            let job = first.remove();
            self.push(job);
        }
        if let Some(line) = answered {
            let of_line: Vec<Job> = self
                .delayed
                .extract_if(.., |_, job| Self::line(&job.ask) == line)
                .map(|(_, job)| job)
                .collect();
            of_line.into_iter().for_each(|job| self.push(job));
        }
    }

    /// When the next delayed question is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.keys().next().map(|(at, _)| *at)
    }

    /// Those whose question has stood in line for longer than `age`; each is named once.
    pub(super) fn overdue(&mut self, now: Instant, age: Duration) -> Vec<Did> {
        self.lines
            .values_mut()
            .flat_map(|line| &mut line.waiting)
            .filter(|job| !job.told && now.saturating_duration_since(job.since) >= age)
            .map(|job| {
                job.told = true;
                job.ask.did().clone()
            })
            .collect()
    }

    /// Questions not answered yet and not under way.
    pub(super) fn len(&self) -> usize {
        self.delayed.len() + self.lines.values().map(|line| line.waiting.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(did: &str, now: Instant) -> Job {
        let did = Did::parse(did).expect("a DID");
        Job {
            ask: Ask::Identity { did, anew: false, pause: Duration::ZERO },
            attempt: 0,
            since: now,
            told: false,
        }
    }

    #[test]
    fn a_full_line_does_not_keep_the_others_waiting() {
        let now = Instant::now();
        let mut queue = Queue::new(2);
        for n in 0..5 {
            queue.push(job(&format!("did:web:dead{n}.test"), now));
        }
        queue.push(job("did:plc:a", now));
        let asked: Vec<&str> =
            std::iter::from_fn(|| queue.next()).map(|job| Queue::line(&job.ask)).collect();
        assert_eq!(asked.iter().filter(|line| **line == "web").count(), 2);
        assert_eq!(asked.iter().filter(|line| **line == "plc").count(), 1);
        queue.finished("web");
        assert_eq!(queue.next().map(|job| Queue::line(&job.ask)), Some("web"));
        assert!(queue.next().is_none());
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn those_who_wait_long_are_named_once() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut queue = Queue::new(1);
        queue.push(job("did:plc:a", now));
        queue.push(job("did:plc:b", now + 5 * second));
        assert!(queue.overdue(now + second, 2 * second).is_empty());
        let named = queue.overdue(now + 3 * second, 2 * second);
        assert_eq!(named.iter().map(Did::as_str).collect::<Vec<_>>(), ["did:plc:a"]);
        assert!(queue.overdue(now + 4 * second, 2 * second).is_empty());
    }

    #[test]
    fn what_failed_comes_back_when_due_or_when_its_line_answers_again() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut queue = Queue::new(8);
        queue.delay(job("did:plc:late", now), now + 60 * second);
        queue.delay(job("did:plc:soon", now), now + second);
        assert_eq!(queue.next_due(), Some(now + second));
        queue.wake(now + second, None);
        assert_eq!(
            queue.next().map(|job| job.ask.did().as_str().to_owned()),
            Some("did:plc:soon".to_owned())
        );
        assert!(queue.next().is_none());
        queue.wake(now + second, Some("web"));
        assert!(queue.next().is_none());
        queue.wake(now + second, Some("plc"));
        assert!(queue.next().is_some());
    }
}
