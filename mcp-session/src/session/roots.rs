//! What is known of the client's roots, and when to ask again.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::protocol::Root;

/// The cached roots of a handshake session.
///
/// A client says that its roots changed, not how; so the server asks, one question at a time. A
/// change announced while a question is out makes its answer stale, and one more is asked.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    /// Made when there is something to know: most clients have no roots.
    book: OnceLock<Box<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    // Held for a field access only, never across an await.
    state: Mutex<State>,
    /// A question was answered or failed.
    heard: Notify,
}

#[derive(Debug, Default)]
struct State {
    known: Option<Arc<[Root]>>,
    stale: bool,
    asking: bool,
}

/// A set of roots that differs from the one before.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) old: Option<Arc<[Root]>>,
    pub(crate) new: Arc<[Root]>,
}

impl Roots {
    /// What is known; `None` before the first answer.
    pub(crate) fn known(&self) -> Option<Arc<[Root]>> {
        self.book.get()?.state.lock().known.clone()
    }

    /// The client says that what is known is out of date, or nothing is known yet.
    pub(crate) fn mark_stale(&self) {
        self.book().state.lock().stale = true;
    }

    /// True when it is up to the caller to ask now: something is stale and nobody asks.
    pub(crate) fn begin(&self) -> bool {
        let Some(book) = self.book.get() else {
            return false;
        };
        let mut state = book.state.lock();
        if !state.stale || state.asking {
            return false;
        }
        state.asking = true;
        state.stale = false;
        true
    }

    /// True when it is up to the caller to ask because nothing is known and nobody asks.
    pub(crate) fn begin_first(&self) -> bool {
        let mut state = self.book().state.lock();
        if state.known.is_some() || state.asking {
            return false;
        }
        state.asking = true;
        state.stale = false;
        true
    }

    /// Waits for the answer to a question that is out; `None` when it fails, or none is out. Cancel
    /// safe.
    pub(crate) async fn joined(&self) -> Option<Arc<[Root]>> {
        let book = self.book.get()?;
        loop {
            let heard = book.heard.notified();
            // Looked at after the registration, so that nothing in between is missed.
            if let Some(outcome) = book.outcome() {
                return outcome;
            }
            heard.await;
        }
    }

    /// Takes the answer; gives the difference if the set differs. Nobody else asks before
    /// [`settled`](Self::settled), so that differences are dealt with one after the other.
    pub(crate) fn answered(&self, new: Arc<[Root]>) -> Option<Difference> {
        let book = self.book();
        let difference = book.state.lock().learn(new);
        book.heard.notify_waiters();
        difference
    }

    /// Takes what a client told another process, without a question of this one's.
    #[cfg(feature = "http")]
    pub(crate) fn learn_elsewhere(&self, roots: Arc<[Root]>) {
        let book = self.book();
        book.state.lock().known = Some(roots);
        book.heard.notify_waiters();
    }

    /// The answer was dealt with: the next question may be asked.
    pub(crate) fn settled(&self) {
        self.book().state.lock().asking = false;
    }

    /// The question failed: what is known stays, and the next occasion asks again. True when
    /// that is now, because a change was announced meanwhile.
    pub(crate) fn failed(&self) -> bool {
        let book = self.book();
        let mut state = book.state.lock();
        state.asking = false;
        let announced = std::mem::replace(&mut state.stale, true);
        drop(state);
        book.heard.notify_waiters();
        announced
    }

    fn book(&self) -> &Book {
        self.book.get_or_init(Box::default)
    }
}

impl Book {
    /// What became of the question that was out; `None` while it is.
    fn outcome(&self) -> Option<Option<Arc<[Root]>>> {
        let state = self.state.lock();
        (state.known.is_some() || !state.asking).then(|| state.known.clone())
    }
}

impl State {
    fn learn(&mut self, new: Arc<[Root]>) -> Option<Difference> {
        if self
            .known
            .as_deref()
            .is_some_and(|known| same_set(known, &new))
        {
            return None;
        }
        let old = self.known.replace(Arc::clone(&new));
        Some(Difference { old, new })
    }
}

/// Roots are a set: their order says nothing.
fn same_set(a: &[Root], b: &[Root]) -> bool {
    // By hash: a client may name a hundred thousand, and comparing each with each would take
    // minutes.
    a.len() == b.len() && set(a) == set(b)
}

fn set(roots: &[Root]) -> HashSet<(&str, Option<&str>, Option<String>)> {
    let parts = |root: &'_ Root| {
        let meta = root.meta.as_ref();
        meta.and_then(|meta| serde_json::to_string(meta).ok())
    };
    roots
        .iter()
        .map(|root| (&*root.uri, root.name.as_deref(), parts(root)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(count: usize, salt: &str) -> Arc<[Root]> {
        let root = |number| Root::new(format!("file:///{number}{salt}"));
        (0..count).map(root).collect()
    }

    #[test]
    fn a_set_is_the_same_in_any_order_and_however_large() {
        let known = Roots::default();
        known.mark_stale();
        assert!(known.begin() && !known.begin());
        assert!(known.answered(roots(100_000, "")).is_some());
        let mut turned = roots(100_000, "").to_vec();
        turned.reverse();
        assert!(known.answered(turned.into()).is_none());
        assert!(known.answered(roots(100_000, "x")).is_some());
    }

    #[test]
    fn nobody_asks_before_the_last_change_was_told() {
        let known = Roots::default();
        known.mark_stale();
        assert!(known.begin());
        known.answered(roots(1, ""));
        known.mark_stale();
        assert!(!known.begin(), "the change is being told");
        known.settled();
        assert!(known.begin());
    }
}
