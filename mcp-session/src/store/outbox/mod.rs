//! The stored outbox: logs of what a session's streams have to say, which any replica reads.

mod memory;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::random;
use crate::store::{Key, Owner, StoreError};

pub use memory::MemoryOutbox;

/// Keeps the logs of sessions: what a stream has to say to a client, in order, for whichever replica
/// the client comes to next.
///
/// This is the *stored* outbox. What one replica has still to write to a connection that it holds is
/// a queue in its memory, and is no part of this.
///
/// A log belongs to an owner, such as a session, and has a name among its owner's, such as that of a
/// stream. It comes into being with the first append and is gone when its time is over or its owner
/// is [cleared](Self::clear). Every store here keeps logs in its own engine
/// ([`Store::outbox`](crate::store::Store::outbox)); [`MemoryOutbox`] keeps those of one process.
///
/// # Numbers
///
/// The events of a log have consecutive numbers. The first of them is one more than a random number
/// below 2^52, anew for each log: a log that begins again under the same key does not answer those
/// who remember numbers of the one before. No number is 0, which stands for the beginning; all are
/// less than 2^53.
///
/// # Obligations
///
/// - Every operation is atomic. What is appended together is there as a whole or not at all, in one
///   piece and in its order, whoever else appends meanwhile.
/// - What was acknowledged is seen by every operation on the same log that begins later, on any
///   replica.
/// - Who [reads](Self::read) gets all that follows, or [`ReadError::Purged`]: never a gap, and never
///   events of another log.
/// - What a log holds is bounded by [`Keep`]: the oldest go first, when something is appended.
/// - A log whose time is over is absent. When it is removed is the engine's business, or that of
///   [`sweep`](Self::sweep).
/// - Spaces, ids and names are any text of up to 512 bytes each; an outbox that does not take longer
///   ones refuses them ([`Bound::Key`](crate::store::Bound::Key)).
/// - Events are opaque and may be secret: they are not logged.
/// - No operation takes for ever. An engine that is slow or absent is an error
///   ([`StoreError::Unavailable`]) after a bounded time.
///
/// # Allowed losses
///
/// - After `Unavailable` an append was made or was not; who appends again may append twice.
/// - A future that is dropped halfway leaves the append made or not made, never in part.
/// - What is in memory is lost with its process. An engine that goes back in time, such as one that
///   crashed and had not written its last second, may lose the last events and give their numbers
///   again.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mcp_session::store::{Keep, MemoryOutbox, Outbox, Owner, ReadError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ReadError> {
/// let outbox = MemoryOutbox::new();
/// let log = Owner::new("sessions", "ann").key("stream 1");
/// let keep = Keep::new(Duration::from_secs(300)).events(2);
///
/// let first = outbox.append(&log, vec!["a".into()], keep).await?;
/// let last = outbox.append(&log, vec!["b".into(), "c".into()], keep).await?;
/// assert_eq!(last, first + 2);
///
/// let missed = outbox.read(&log, first, 10).await?;
/// assert_eq!(missed[0].value, "b");
/// assert_eq!(missed[1].number, last);
/// // `a` is gone, so there is no reading from the beginning.
/// assert!(matches!(outbox.read(&log, 0, 10).await, Err(ReadError::Purged)));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Outbox: fmt::Debug + Send + Sync + 'static {
    /// Appends events to a log, and returns the number of the last one. Those before it have the
    /// numbers before it. What the log has more than `keep` allows is removed, oldest first.
    ///
    /// Without events nothing happens; the answer is that of [`last`](Self::last).
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] where there is no room, or the key is too long;
    /// [`StoreError::Unavailable`].
    async fn append(&self, log: &Key, events: Vec<Bytes>, keep: Keep) -> Result<u64, StoreError>;

    /// At most `limit` events that follow the one with this number, or from the beginning where it is
    /// 0. Nothing is the end; a log that does not exist has ended at 0.
    ///
    /// # Errors
    ///
    /// [`ReadError::Purged`] where something of what follows is gone, or the log has no such number:
    /// it may be another one under the same key, or none; [`ReadError::Store`].
    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError>;

    /// The number of the last event; 0 where there is no log.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn last(&self, log: &Key) -> Result<u64, StoreError>;

    /// Removes all logs of an owner. Its records in a store are another matter.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn clear(&self, owner: &Owner) -> Result<(), StoreError>;

    /// Removes logs whose time is over, at most `limit` of them, and says how many there were. A
    /// server asks for it from time to time, and again at once while it gets all it asked for.
    ///
    /// An outbox whose engine does this by itself has nothing to do here.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let _ = limit;
        Ok(0)
    }
}

/// How much of a log is kept. The newest event always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Keep {
    events: usize,
    bytes: usize,
    age: Duration,
}

impl Keep {
    /// Any number of events, none of which is older than this when another one is appended. The log
    /// itself is kept so long after its last append.
    pub fn new(age: Duration) -> Self {
        Self {
            events: usize::MAX,
            bytes: usize::MAX,
            age,
        }
    }

    /// At most so many events.
    pub fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// And at most so many bytes in all of them together.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// How many events there may be.
    pub fn max_events(self) -> usize {
        self.events
    }

    /// How many bytes they may have.
    pub fn max_bytes(self) -> usize {
        self.bytes
    }

    /// How old they may be.
    pub fn max_age(self) -> Duration {
        self.age
    }
}

/// An event of a log.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logged {
    /// Its number.
    pub number: u64,
    /// What was appended.
    pub value: Bytes,
}

impl Logged {
    /// An event with this number.
    pub fn new(number: u64, value: impl Into<Bytes>) -> Self {
        Self {
            number,
            value: value.into(),
        }
    }
}

/// Does not show the value, which may be secret.
impl fmt::Debug for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logged")
            .field("number", &self.number)
            .field("bytes", &self.value.len())
            .finish()
    }
}

/// Why a log was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Something of what follows this number is gone, or the log never had it.
    #[error("a part of the log is gone")]
    Purged,
    /// The outbox could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the numbers of a new log come after.
pub(super) fn beginning() -> u64 {
    u64::from_be_bytes(random::bytes()) >> 12
}

/// From where a log is read that begins after `base`, has lost what it had up to `trimmed`, and ends
/// with `last`.
pub(super) fn position(after: u64, base: u64, trimmed: u64, last: u64) -> Result<u64, ReadError> {
    let after = if after == 0 { base } else { after };
    if (trimmed..=last).contains(&after) {
        return Ok(after);
    }
    Err(ReadError::Purged)
}

#[async_trait]
impl<O: Outbox + ?Sized> Outbox for Arc<O> {
    async fn append(&self, log: &Key, events: Vec<Bytes>, keep: Keep) -> Result<u64, StoreError> {
        (**self).append(log, events, keep).await
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError> {
        (**self).read(log, after, limit).await
    }

    async fn last(&self, log: &Key) -> Result<u64, StoreError> {
        (**self).last(log).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        (**self).clear(owner).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        (**self).sweep(limit).await
    }
}
