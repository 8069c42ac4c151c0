//! Whether a request is still wanted.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use tokio_util::sync::CancellationToken;

/// Cancels one request. The token that says so to whoever waits is made for the first who does:
/// most requests are answered before anybody waits.
#[derive(Debug, Default)]
pub(crate) struct Cancel {
    /// Set before the token is cancelled, and looked at when one was made, each as one step: of
    /// the two that meet, one sees the other.
    cancelled: AtomicBool,
    token: OnceLock<CancellationToken>,
}

impl Cancel {
    pub(crate) fn cancel(&self) {
        self.cancelled.swap(true, Ordering::AcqRel);
        self.token.get().inspect(|token| token.cancel());
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        match self.token.get() {
            Some(token) => token.is_cancelled(),
            None => self.cancelled.load(Ordering::Acquire),
        }
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        let token = self.token.get_or_init(CancellationToken::new);
        if self.cancelled.fetch_or(false, Ordering::AcqRel) {
            token.cancel();
        }
        token
    }
}

/// Cancelled with this token, and the other way round.
impl From<CancellationToken> for Cancel {
    fn from(token: CancellationToken) -> Self {
        Self {
            cancelled: false.into(),
            token: token.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_hears_of_it_whenever_it_began() {
        let cancel = Cancel::default();
        assert!(!cancel.is_cancelled());
        let early = cancel.token().clone();
        assert!(!early.is_cancelled() && !cancel.is_cancelled());
        cancel.cancel();
        assert!(early.is_cancelled() && cancel.is_cancelled());

        let cancel = Cancel::default();
        cancel.cancel();
        assert!(cancel.is_cancelled() && cancel.token().is_cancelled());

        let given = CancellationToken::new();
        let cancel = Cancel::from(given.clone());
        given.cancel();
        assert!(cancel.is_cancelled());
    }
}
