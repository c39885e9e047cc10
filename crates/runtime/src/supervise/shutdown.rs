//! The request to stop, as tasks see it.

use tokio_util::sync::CancellationToken;

/// Cancelled once, when the process (or the part of it that holds this token) should finish.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// A token nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns when the token is cancelled; at once if it was.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// Whether the token is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Asks every holder to finish.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// A token that is cancelled with this one, or alone.
    pub fn child(&self) -> Self {
        Self { token: self.token.child_token() }
    }

    /// `work`'s result, or `None` when the token is cancelled first; `work` is then dropped.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.token.run_until_cancelled(work).await
    }
}
