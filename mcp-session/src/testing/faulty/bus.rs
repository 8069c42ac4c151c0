//! A bus that fails as it is told to.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::{self, Instant};
use crate::store::{
    StoreError,
    bus::{Bus, Delivery, Event, Subscription},
};
use crate::testing::faulty::{
    Fault, Operation,
    plan::{Plan, perform, told_to_fail},
};

/// A bus in front of another one, which fails as it is told to and counts what it is asked.
///
/// What becomes of an event that should be heard ([`Operation::Deliver`]):
///
/// - [`Repeated`](Fault::Repeated): it is heard twice;
/// - [`Late`](Fault::Late): it is heard after this long, and what comes behind it as well;
/// - [`Lost`](Fault::Lost): [`Lagged`](Delivery::Lagged) is heard in its place;
/// - with all others it is not heard, and nobody is told.
///
/// # Examples
///
/// ```
/// use mcp_session::bus::{Bus, Delivery, Event, MemoryBus};
/// use mcp_session::testing::{Fault, FaultyBus, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_session::store::StoreError> {
/// let bus = FaultyBus::over(MemoryBus::new());
/// let mut subscription = bus.subscribe().await?;
/// let done = Event::ErrandDone { id: "e1".into() };
/// bus.next(Operation::Deliver, Fault::Repeated);
/// bus.publish(&done).await?;
/// assert_eq!(subscription.next().await, Delivery::Event(done.clone()));
/// assert_eq!(subscription.next().await, Delivery::Event(done));
///
/// bus.cut_off();
/// assert_eq!(subscription.next().await, Delivery::CutOff);
/// bus.restore();
/// assert_eq!(subscription.next().await, Delivery::Lagged);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FaultyBus {
    inner: Arc<dyn Bus>,
    // Held for a moment only, never across an await.
    plan: Arc<Mutex<Plan>>,
    /// How often the line was cut, mended or disturbed: odd numbers while it is cut.
    line: watch::Sender<u64>,
}

told_to_fail!(FaultyBus);

impl FaultyBus {
    /// A bus that does all that this one does, until it is told to fail.
    pub fn over(inner: impl Bus) -> Self {
        Self {
            inner: Arc::new(inner),
            plan: Arc::default(),
            line: watch::Sender::new(0),
        }
    }

    /// All subscriptions are [cut off](Delivery::CutOff) from now on, and miss what is published.
    /// Publishing goes on as before.
    pub fn cut_off(&self) {
        self.line.send_modify(|line| *line |= 1);
    }

    /// They hear again, and are told that they have [lagged](Delivery::Lagged).
    pub fn restore(&self) {
        self.line.send_modify(|line| *line += *line & 1);
    }

    /// All subscriptions have lost what they have not read yet, and are told so.
    pub fn lag(&self) {
        self.line.send_modify(|line| *line += 2);
    }
}

#[async_trait]
impl Bus for FaultyBus {
    async fn publish(&self, event: &Event) -> Result<(), StoreError> {
        let publish = || self.inner.publish(event);
        perform(&self.plan, Operation::Publish, publish).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        let subscribe = || self.inner.subscribe();
        let inner = perform(&self.plan, Operation::Subscribe, subscribe).await?;
        let line = self.line.subscribe();
        let seen = *line.borrow() & !1;
        Ok(Box::new(Disturbed {
            inner,
            plan: Arc::clone(&self.plan),
            line,
            seen,
            waiting: VecDeque::new(),
        }))
    }
}

/// A subscription of a bus that fails.
#[derive(Debug)]
struct Disturbed {
    inner: Box<dyn Subscription>,
    plan: Arc<Mutex<Plan>>,
    line: watch::Receiver<u64>,
    /// The state of the line that the reader knows.
    seen: u64,
    /// What is heard next, and when.
    waiting: VecDeque<(Instant, Delivery)>,
}

#[async_trait]
impl Subscription for Disturbed {
    async fn next(&mut self) -> Delivery {
        loop {
            if let Some(disturbed) = self.disturbed() {
                return disturbed;
            }
            let due = self.waiting.front().map(|(due, _)| *due);
            if due.is_some_and(|due| due <= clock::now())
                && let Some((_, delivery)) = self.waiting.pop_front()
            {
                return delivery;
            }
            tokio::select! {
                // A bus that is gone disturbs nobody any more.
                Ok(()) = self.line.changed() => {}
                () = wait(due) => {}
                delivery = self.inner.next(), if due.is_none() => self.heard(delivery),
            }
        }
    }
}

impl Disturbed {
    /// What became of the line since the reader knew it.
    fn disturbed(&mut self) -> Option<Delivery> {
        let line = *self.line.borrow_and_update();
        if line == self.seen {
            return None;
        }
        self.seen = line;
        self.waiting.clear();
        let cut = line & 1 == 1;
        Some(if cut {
            Delivery::CutOff
        } else {
            Delivery::Lagged
        })
    }

    fn heard(&mut self, delivery: Delivery) {
        if self.seen & 1 == 1 {
            return;
        }
        let now = clock::now();
        if !matches!(delivery, Delivery::Event(_)) {
            self.waiting.push_back((now, delivery));
            return;
        }
        match self.plan.lock().fault(Operation::Deliver) {
            None => self.waiting.push_back((now, delivery)),
            Some(Fault::Repeated) => {
                self.waiting.push_back((now, delivery.clone()));
                self.waiting.push_back((now, delivery));
            }
            Some(Fault::Late(late)) => self.waiting.push_back((now + late, delivery)),
            Some(Fault::Lost) => self.waiting.push_back((now, Delivery::Lagged)),
            Some(Fault::Refused | Fault::Conflict | Fault::Never) => {}
        }
    }
}

/// Until this moment, or for ever.
async fn wait(due: Option<Instant>) {
    match due {
        Some(due) => clock::timer_until(due).await,
        None => std::future::pending().await,
    }
}
