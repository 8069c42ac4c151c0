//! A store that fails as it is told to.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::clock;
use crate::store::{Draft, Key, Listed, Owner, Quota, Record, Revision, Store, StoreError};

/// A store in front of another one, which fails as it is told to and counts what it is asked.
///
/// For tests of what depends on a store: it shows what becomes of an effect when the engine is
/// away, slow, or does what it was asked and then says that it is not available.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use mcp_session::store::{Draft, MemoryStore, Owner, Quota, Store, StoreError};
/// use mcp_session::testing::{Fault, FaultyStore, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = Arc::new(FaultyStore::over(MemoryStore::new()));
/// let key = Owner::new("test", "ann").key("one");
/// store.next(Operation::Create, Fault::Lost);
/// let made = store.create(&key, Draft::new("x"), Quota::NONE).await;
/// assert!(matches!(made, Err(StoreError::Unavailable(_))));
/// assert!(store.load(&key).await.is_ok_and(|record| record.is_some()));
/// assert_eq!(store.asked(Operation::Create), 1);
/// # }
/// ```
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    durable: bool,
    // Held for a moment only, never across an await.
    plan: Mutex<Plan>,
}

/// What a store is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// [`Store::load`].
    Load,
    /// [`Store::create`].
    Create,
    /// [`Store::save`].
    Save,
    /// [`Store::touch`].
    Touch,
    /// [`Store::delete`].
    Delete,
    /// [`Store::clear`].
    Clear,
    /// [`Store::list`].
    List,
    /// [`Store::sweep`].
    Sweep,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is not done, and ends with [`StoreError::Unavailable`].
    Refused,
    /// It is done, and ends with [`StoreError::Unavailable`]: its answer was lost.
    Lost,
    /// It is done twice, as by a client that asks again when an answer was lost; what comes of the
    /// second time is the answer. So a create makes a record and says that there was one.
    Repeated,
    /// It is not done and ends with [`StoreError::Conflict`]: somebody was faster.
    Conflict,
    /// It is done after this long.
    Late(Duration),
    /// It is not done and never ends.
    Never,
}

#[derive(Debug, Default)]
struct Plan {
    /// What becomes of the next ones, each of one kind.
    next: VecDeque<(Operation, Fault)>,
    /// What becomes of all others.
    always: Option<Fault>,
    chance: Option<Chance>,
    asked: Vec<Operation>,
}

/// Faults now and then, the same ones whenever the seed is the same.
#[derive(Debug)]
struct Chance {
    state: u64,
    one_in: u64,
    faults: Vec<Fault>,
}

impl FaultyStore {
    /// A store that does all that this one does, until it is told to fail.
    pub fn over(inner: impl Store) -> Self {
        Self {
            inner: Arc::new(inner),
            durable: false,
            plan: Mutex::default(),
        }
    }

    /// Says that it outlives the process, whatever it is in front of: several servers over one such
    /// store in memory are replicas of each other, for a test.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// The next operation of this kind fails so; those for which this was said before come first.
    pub fn next(&self, operation: Operation, fault: Fault) {
        self.plan.lock().next.push_back((operation, fault));
    }

    /// All operations fail so from now on, or none where nothing is said. What was said of the
    /// [next](Self::next) ones goes first.
    pub fn always(&self, fault: impl Into<Option<Fault>>) {
        self.plan.lock().always = fault.into();
    }

    /// One operation of so many fails from now on, in one of these ways: at random, but the same
    /// way each time the seed is the same and operations come in the same order.
    pub fn now_and_then(&self, seed: u64, one_in: u32, faults: impl Into<Vec<Fault>>) {
        let faults = faults.into();
        self.plan.lock().chance = (!faults.is_empty()).then_some(Chance {
            // A generator of this kind must not begin at nothing.
            state: seed | 1 << 63,
            one_in: u64::from(one_in.max(1)),
            faults,
        });
    }

    /// How often this was asked for so far, with what failed.
    pub fn asked(&self, operation: Operation) -> usize {
        let plan = self.plan.lock();
        plan.asked
            .iter()
            .filter(|asked| **asked == operation)
            .count()
    }

    /// How many operations were asked for so far, with those that failed: the round trips to an
    /// engine.
    pub fn round_trips(&self) -> usize {
        self.plan.lock().asked.len()
    }

    /// Does something as the plan wants it.
    async fn perform<T, F>(
        &self,
        operation: Operation,
        mut perform: impl FnMut() -> F + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let fault = self.plan.lock().fault(operation);
        match fault {
            None => perform().await,
            Some(Fault::Refused) => Err(StoreError::unavailable("it was told to fail")),
            Some(Fault::Lost) => {
                perform().await?;
                Err(StoreError::unavailable("it was told to lose the answer"))
            }
            Some(Fault::Repeated) => {
                perform().await?;
                perform().await
            }
            Some(Fault::Conflict) => Err(StoreError::Conflict),
            Some(Fault::Late(late)) => {
                clock::sleep(late).await;
                perform().await
            }
            Some(Fault::Never) => std::future::pending().await,
        }
    }
}

impl Plan {
    fn fault(&mut self, operation: Operation) -> Option<Fault> {
        self.asked.push(operation);
        let next = self.next.iter().position(|(of, _)| *of == operation);
        if let Some(next) = next {
            return self.next.remove(next).map(|(_, fault)| fault);
        }
        self.always.or_else(|| self.chance.as_mut()?.fault())
    }
}

impl Chance {
    fn fault(&mut self) -> Option<Fault> {
        if !self.number().is_multiple_of(self.one_in) {
            return None;
        }
        let many = u64::try_from(self.faults.len()).unwrap_or(1);
        let at = usize::try_from(self.number() % many).unwrap_or(0);
        self.faults.get(at).copied()
    }

    /// The next number of a xorshift generator, without its lowest bits.
    fn number(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state >> 11
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.perform(Operation::Load, || self.inner.load(key)).await
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        let create = || self.inner.create(key, draft.clone(), quota);
        self.perform(Operation::Create, create).await
    }

    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        let save = || self.inner.save(key, expected, draft.clone(), quota);
        self.perform(Operation::Save, save).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        self.perform(Operation::Touch, || self.inner.touch(key, ttl))
            .await
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        let delete = || self.inner.delete(key, expected);
        self.perform(Operation::Delete, delete).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.perform(Operation::Clear, || self.inner.clear(owner))
            .await
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let list = || self.inner.list(owner, after, limit);
        self.perform(Operation::List, list).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.perform(Operation::Sweep, || self.inner.sweep(limit))
            .await
    }

    fn is_durable(&self) -> bool {
        self.durable || self.inner.is_durable()
    }
}
