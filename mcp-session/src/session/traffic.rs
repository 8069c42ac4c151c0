//! How much was said, in both directions.

use std::sync::atomic::{AtomicU64, Ordering};

/// How much went in and out, since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Messages that came from the client, each member of a batch included.
    pub messages_in: u64,
    /// Messages that went to the client; a batch of answers counts as one. What a client that
    /// resumes reads again counts again.
    pub messages_out: u64,
    /// JSON-RPC errors among the answers. A tool's own `isError` is none.
    pub errors: u64,
    /// The size of what came in, as JSON text.
    pub bytes_in: u64,
    /// The size of what went out, as JSON text.
    pub bytes_out: u64,
}

/// What [`Traffic`] is read from. Each counter is right; together they are of no one moment.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    messages_in: AtomicU64,
    messages_out: AtomicU64,
    errors: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl Counters {
    /// Messages came in.
    pub(crate) fn heard(&self, messages: usize, bytes: usize) {
        add(&self.messages_in, messages);
        add(&self.bytes_in, bytes);
    }

    /// A message went out.
    pub(crate) fn told(&self, bytes: usize) {
        add(&self.messages_out, 1);
        add(&self.bytes_out, bytes);
    }

    /// So many requests were answered with errors.
    pub(crate) fn failed(&self, errors: usize) {
        if errors > 0 {
            add(&self.errors, errors);
        }
    }

    pub(crate) fn read(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            messages_in: read(&self.messages_in),
            messages_out: read(&self.messages_out),
            errors: read(&self.errors),
            bytes_in: read(&self.bytes_in),
            bytes_out: read(&self.bytes_out),
        }
    }
}

fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(u64::try_from(number).unwrap_or(u64::MAX), Ordering::Relaxed);
}
