//! Where records are kept: what a session, a principal or a handle must find again.
//!
//! A [`Store`] keeps small records under keys, with a revision each, and that is all it does:
//! it knows neither sessions nor handles. [`MemoryStore`] is the default and needs nothing
//! installed. [`PostgresStore`] and [`RedisStore`] outlive the process and are shared by replicas.
//! Each of them brings the [`bus`] of its engine, on which replicas tell each other what changed, and
//! an [`Outbox`], which keeps what a session's streams have to say.
//! Whoever writes another one holds it to the [contract](crate::testing::contract).

pub mod bus;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod certificates;
mod contend;
mod error;
mod kept;
mod key;
mod memory;
mod outbox;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod scratch;
mod state;
mod table;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use bus::Bus;

pub use error::{Bound, StoreError};
pub use key::{Key, Owner};
pub use memory::MemoryStore;
pub use outbox::{Keep, Logged, MemoryOutbox, Outbox, ReadError};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresBuilder, PostgresStore};
pub use record::{Draft, Listed, Quota, Record, Revision};
#[cfg(feature = "redis")]
pub use redis::{RedisBuilder, RedisStore};
pub use state::State;

pub(crate) use contend::Contest;
pub(crate) use kept::Kept;
pub(crate) use scratch::Scratch;
pub(crate) use state::{STORE_IS_FULL, decode, encode};

/// Keeps records.
///
/// One store belongs to one service, all of its replicas included. Where an engine is shared with
/// others, the store keeps them apart, by a prefix or a schema.
///
/// # Obligations
///
/// - Every operation is atomic. Of several creates or saves of one key with one expectation, one
///   succeeds and the others get [`StoreError::Conflict`].
/// - What was acknowledged is seen by every operation on the same key that begins later, on any
///   replica.
/// - A key never gets the same revision twice, not even after it was deleted and created again.
/// - A record whose time is over is absent: it is not returned, conflicts with nothing and counts
///   for no quota. When it is removed is the store's business, but [`sweep`](Self::sweep) removes
///   what nobody asks for any more.
/// - Time is told by one clock for all replicas. That is why times to live are durations from now.
/// - A quota holds for all live records of an owner together, however many creates and saves arrive
///   at once.
/// - Spaces, ids and names are any text of up to 512 bytes each; a store that does not take longer
///   ones refuses to create them ([`Bound::Key`]).
/// - Values are opaque and may be secret, and so may the names of records be: neither is logged.
///   Owners are digests of whoever they stand for.
/// - No operation takes for ever. An engine that is slow or absent is an error
///   ([`StoreError::Unavailable`]) after a bounded time.
///
/// # Allowed losses
///
/// - After `Unavailable` the change was made or was not; whoever asked for it cannot know.
/// - A future that is dropped halfway leaves the change made or not made, never in part.
/// - A memory store loses everything with its process. A store that says it is durable loses
///   nothing that it acknowledged.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mcp_session::store::{Draft, MemoryStore, Owner, Quota, Store, StoreError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let store = MemoryStore::new();
/// let theme = Owner::new("settings", "ann").key("theme");
/// let at_most = Quota::records(10).bytes(1_000);
/// let day = Duration::from_secs(24 * 60 * 60);
///
/// let first = store.create(&theme, Draft::new("dark").ttl(day), at_most).await?;
/// let second = store.save(&theme, first, Draft::new("light"), at_most).await?;
/// assert_eq!(store.load(&theme).await?.unwrap().value, "light");
///
/// // Whoever saw the first revision only has to look again.
/// let late = store.save(&theme, first, Draft::new("blue"), at_most).await;
/// assert!(matches!(late, Err(StoreError::Conflict)));
/// assert!(store.delete(&theme, Some(second)).await?);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The record under this key; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError>;

    /// Makes a record where there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] where there is one; [`StoreError::Full`] where the owner would have
    /// more than `quota` allows, the store has no room, or the key is too long for it;
    /// [`StoreError::Unavailable`].
    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError>;

    /// Replaces a record that is still at this revision. Its time to live is extended as
    /// [`touch`](Self::touch) does where the draft has one, and left alone where it has none.
    ///
    /// A save that makes the record no larger is within every quota.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] where the record is gone or at another revision;
    /// [`StoreError::Full`]; [`StoreError::Unavailable`].
    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError>;

    /// Gives a record this long to live from now on, unless it has longer, or for ever, already.
    /// Returns it as it is then; `None` where there is none. Its revision stays the same.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError>;

    /// Removes a record, if it is still at the revision where one is expected. True when there was
    /// one to remove.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] where it is at another revision; [`StoreError::Unavailable`].
    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError>;

    /// Removes everything an owner has.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn clear(&self, owner: &Owner) -> Result<(), StoreError>;

    /// At most `limit` records of an owner behind the one of this name, or from the first, in the
    /// byte order of their names. An empty page is the end.
    ///
    /// Records that come and go meanwhile neither repeat nor hide others.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError>;

    /// Removes records whose time is over, at most `limit` of them, and says how many there were. A
    /// server asks for it from time to time, and again at once while it gets all it asked for.
    ///
    /// A store whose engine does this by itself has nothing to do here.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let _ = limit;
        Ok(0)
    }

    /// True where what is kept outlives the process. A server that shuts down then leaves the
    /// state of its sessions where it is.
    fn is_durable(&self) -> bool;

    /// The bus of the same engine, on which replicas tell each other what changed; the same one
    /// however often it is asked for. Without one, as here, replicas look for themselves now and
    /// then.
    fn bus(&self) -> Option<Arc<dyn Bus>> {
        None
    }

    /// The outbox of the same engine, which keeps what must reach a client on another replica; the
    /// same one however often it is asked for. Without one, as here, a stream goes on only where it
    /// began.
    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        None
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        (**self).load(key).await
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        (**self).create(key, draft, quota).await
    }

    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        (**self).save(key, expected, draft, quota).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        (**self).touch(key, ttl).await
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        (**self).delete(key, expected).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        (**self).clear(owner).await
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        (**self).list(owner, after, limit).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        (**self).sweep(limit).await
    }

    fn is_durable(&self) -> bool {
        (**self).is_durable()
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        (**self).bus()
    }

    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        (**self).outbox()
    }
}
