//! Running the calls of a stream: what arrives together begins together.
//!
//! Most handlers are done when they are first polled, so a task for each of them would cost more
//! than they do. What one read brings is shared among a few tasks, at most one for each thread of
//! the runtime, so that a handler which keeps its thread holds up no others while there are
//! threads. What is not done at once goes on in a task of its own.

use std::{collections::VecDeque, future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::TaskTracker;

use crate::dispatch::stream::Connection;
use crate::dispatch::{Answer, Running};
use crate::server::Contained;
use crate::session::Kind;

/// The calls of one stream.
pub(super) struct Calls {
    /// Taken, and not begun.
    fresh: VecDeque<Call>,
    begun: Begun,
    /// How many threads the runtime has.
    threads: usize,
}

/// What the tasks of a stream have in common.
#[derive(Clone)]
struct Begun {
    connection: Arc<Connection>,
    // Held to take the next one, never across an await. Where it is not empty there is a task
    // that looks at it again.
    waiting: Arc<Mutex<VecDeque<Call>>>,
    tasks: TaskTracker,
}

/// One request, and its place among those in flight.
struct Call {
    future: Contained<Option<Answer>>,
    place: Option<OwnedSemaphorePermit>,
}

impl Calls {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        let runtime = Handle::try_current().ok();
        let threads = runtime.map_or(1, |runtime| runtime.metrics().num_workers());
        Self {
            fresh: VecDeque::new(),
            begun: Begun {
                connection: Arc::clone(connection),
                waiting: Arc::default(),
                tasks: TaskTracker::new(),
            },
            threads,
        }
    }

    /// The tasks they run in.
    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.begun.tasks
    }

    /// Takes a call, which begins with the next [`begin`](Self::begin).
    pub(super) fn take(&mut self, running: Running, place: Option<OwnedSemaphorePermit>) {
        let future = Contained::new(running.future);
        self.fresh.push_back(Call { future, place });
    }

    /// Begins what was taken.
    pub(super) fn begin(&mut self) {
        let count = self.fresh.len();
        let tasks = &self.begun.tasks;
        if count > 1 {
            self.begun.waiting.lock().append(&mut self.fresh);
            for _ in 0..count.min(self.threads) {
                tasks.spawn(self.begun.clone().advance_all());
            }
        } else if let Some(call) = self.fresh.pop_front() {
            tasks.spawn(call.finish(Arc::clone(&self.begun.connection)));
        }
    }
}

impl Begun {
    /// Polls what waits, one after the other, until nothing does.
    async fn advance_all(self) {
        loop {
            let next = self.waiting.lock().pop_front();
            let Some(call) = next else { return };
            if let Some(call) = call.advance(&self.connection).await {
                self.tasks.spawn(call.finish(Arc::clone(&self.connection)));
            }
            // Other tasks get their turns, too.
            tokio::task::coop::consume_budget().await;
        }
    }
}

impl Call {
    /// Polls it once; gives it back where that was not enough.
    async fn advance(mut self, connection: &Connection) -> Option<Self> {
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut self.future).poll(cx))).await;
        let Poll::Ready(answer) = polled else {
            return Some(self);
        };
        answered(connection, answer.flatten(), self.place);
        None
    }

    /// Runs it to its end.
    async fn finish(self, connection: Arc<Connection>) {
        let answer = self.future.await;
        answered(&connection, answer.flatten(), self.place);
    }
}

/// Queues an answer, if there is one: a cancelled request gets none.
pub(super) fn answered(
    connection: &Connection,
    answer: Option<Answer>,
    place: Option<OwnedSemaphorePermit>,
) {
    let Some(answer) = answer else { return };
    connection.live().failed(answer.errors);
    if let Some(frame) = answer.frame {
        connection.outbox().push(Kind::Response(place), frame);
    }
}
