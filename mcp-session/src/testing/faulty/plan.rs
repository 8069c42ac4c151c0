//! What is to fail, and how.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;

use crate::clock;
use crate::store::StoreError;

/// What a store, a bus or an outbox is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// [`Store::load`](crate::store::Store::load).
    Load,
    /// [`Store::create`](crate::store::Store::create).
    Create,
    /// [`Store::save`](crate::store::Store::save).
    Save,
    /// [`Store::touch`](crate::store::Store::touch).
    Touch,
    /// [`Store::delete`](crate::store::Store::delete).
    Delete,
    /// [`Store::clear`](crate::store::Store::clear).
    Clear,
    /// [`Store::list`](crate::store::Store::list).
    List,
    /// [`Store::sweep`](crate::store::Store::sweep).
    Sweep,
    /// [`Bus::publish`](crate::bus::Bus::publish).
    Publish,
    /// [`Bus::subscribe`](crate::bus::Bus::subscribe).
    Subscribe,
    /// That one subscription hears one event.
    Deliver,
    /// [`Outbox::append`](crate::store::Outbox::append).
    Append,
    /// [`Outbox::read`](crate::store::Outbox::read).
    Read,
    /// [`Outbox::last`](crate::store::Outbox::last).
    Last,
    /// [`Outbox::clear`](crate::store::Outbox::clear).
    ClearLogs,
    /// [`Outbox::sweep`](crate::store::Outbox::sweep).
    SweepLogs,
}

/// How an operation fails. What becomes of an event that should be heard is said at
/// [`FaultyBus`](super::FaultyBus).
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
    /// It is not done and ends with [`StoreError::Conflict`]: somebody was faster. A read of an outbox
    /// ends with [`ReadError::Purged`](crate::store::ReadError::Purged).
    Conflict,
    /// It is done after this long.
    Late(Duration),
    /// It is not done and never ends.
    Never,
}

#[derive(Debug, Default)]
pub(super) struct Plan {
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

impl Plan {
    pub(super) fn next(&mut self, operation: Operation, fault: Fault) {
        self.next.push_back((operation, fault));
    }

    pub(super) fn always(&mut self, fault: Option<Fault>) {
        self.always = fault;
    }

    pub(super) fn now_and_then(&mut self, seed: u64, one_in: u32, faults: Vec<Fault>) {
        self.chance = (!faults.is_empty()).then_some(Chance {
            // A generator of this kind must not begin at nothing.
            state: seed | 1 << 63,
            one_in: u64::from(one_in.max(1)),
            faults,
        });
    }

    pub(super) fn asked(&self) -> &[Operation] {
        &self.asked
    }

    pub(super) fn fault(&mut self, operation: Operation) -> Option<Fault> {
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

/// What whoever fails as it is told to can be told.
macro_rules! told_to_fail {
    ($faulty:ty) => {
        impl $faulty {
            /// The next operation of this kind fails so; those for which this was said before come
            /// first.
            pub fn next(&self, operation: Operation, fault: Fault) {
                self.plan.lock().next(operation, fault);
            }

            /// All operations fail so from now on, or none where nothing is said. What was said of
            /// the [next](Self::next) ones goes first.
            pub fn always(&self, fault: impl Into<Option<Fault>>) {
                self.plan.lock().always(fault.into());
            }

            /// One operation of so many fails from now on, in one of these ways: at random, but the
            /// same way each time the seed is the same and operations come in the same order.
            pub fn now_and_then(&self, seed: u64, one_in: u32, faults: impl Into<Vec<Fault>>) {
                self.plan.lock().now_and_then(seed, one_in, faults.into());
            }

            /// How often this was asked for so far, with what failed.
            pub fn asked(&self, operation: Operation) -> usize {
                let plan = self.plan.lock();
                let asked = plan.asked().iter();
                asked.filter(|asked| **asked == operation).count()
            }
        }
    };
}

/// Does something as the plan wants it.
pub(super) async fn perform<T, E, F>(
    plan: &Mutex<Plan>,
    operation: Operation,
    mut perform: impl FnMut() -> F + Send,
) -> Result<T, E>
where
    T: Send,
    E: From<StoreError> + Send,
    F: Future<Output = Result<T, E>> + Send,
{
    let fault = plan.lock().fault(operation);
    match fault {
        None => perform().await,
        Some(Fault::Refused) => Err(StoreError::unavailable("it was told to fail").into()),
        Some(Fault::Lost) => {
            perform().await?;
            Err(StoreError::unavailable("it was told to lose the answer").into())
        }
        Some(Fault::Repeated) => {
            perform().await?;
            perform().await
        }
        Some(Fault::Conflict) => Err(StoreError::Conflict.into()),
        Some(Fault::Late(late)) => {
            clock::sleep(late).await;
            perform().await
        }
        Some(Fault::Never) => std::future::pending().await,
    }
}

pub(super) use told_to_fail;
