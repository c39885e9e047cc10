//! When a database thread gives its memory back: when it was asked little for a while. Tasks that look
//! every second or two keep no thread from its rest; what they touch again is little.

use std::time::Duration;

use tokio::time::Instant;

/// How long a thread is watched.
const WINDOW: Duration = Duration::from_secs(10);
/// Questions within that time that are few.
const FEW: u32 = 100;

/// What one thread was asked lately.
#[derive(Debug)]
pub(crate) struct Rest {
    /// When it is judged next; none while it rests.
    until: Option<Instant>,
    asked: u32,
}

impl Rest {
    pub(crate) fn new() -> Self {
        Self { until: Some(Instant::now() + WINDOW), asked: 0 }
    }

    /// How long it may wait for a question before it is to be judged.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// It answered a question.
    pub(crate) fn worked(&mut self) {
        self.asked = self.asked.saturating_add(1);
        self.until.get_or_insert_with(|| Instant::now() + WINDOW);
    }

    /// Whether it is to give its memory back now.
    pub(crate) fn is_due(&mut self) -> bool {
        let Some(until) = self.until else { return false };
        if Instant::now() < until {
            return false;
        }
        let few = self.asked <= FEW;
        self.asked = 0;
        self.until = (!few).then(|| Instant::now() + WINDOW);
        few
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn few_questions_keep_no_thread_from_its_rest() {
        for (asked, rests) in [(0, true), (FEW, true), (FEW + 1, false)] {
            let mut rest = Rest::new();
            assert!(!rest.is_due());
            (0..asked).for_each(|_| rest.worked());
            tokio::time::advance(WINDOW).await;
            assert_eq!(rest.patience(), Some(Duration::ZERO));
            assert_eq!(rest.is_due(), rests, "{asked}");
            // Who rests waits for as long as it takes; who does not is judged again.
            assert_eq!(rest.patience().is_none(), rests, "{asked}");
            rest.worked();
            tokio::time::advance(WINDOW).await;
            assert!(rest.is_due(), "{asked}");
        }
    }
}
