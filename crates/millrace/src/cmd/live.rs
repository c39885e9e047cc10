//! A page that is drawn again and again on a terminal, until Ctrl-C.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crate::failure::Failure;

/// Another screen, home, no cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H\x1b[J";

/// Whether there is a terminal to draw on.
pub fn possible() -> bool {
    io::stdout().is_terminal()
}

/// Draws pages, one each `interval`, until asked to stop or a page cannot be made.
pub async fn draw(
    interval: Duration,
    mut page: impl AsyncFnMut() -> Result<String, Failure>,
) -> Result<(), Failure> {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    put(ENTER);
    let ended = loop {
        let page = async {
            ticks.tick().await;
            page().await
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break Ok(()),
            page = page => match page {
                // A terminal in raw mode would need it; in others it does no harm.
                Ok(page) => put(&format!("{HOME}{}\r\n", page.trim_end().replace('\n', "\r\n"))),
                Err(failure) => break Err(failure),
            },
        }
    };
    put(LEAVE);
    ended
}

fn put(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
