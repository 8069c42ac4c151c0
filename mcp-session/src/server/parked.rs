//! Handlers that are kept alive while their clients answer (stateless era).

use std::{any::Any, collections::HashMap, pin::pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::clock;
use crate::context::Context;
use crate::error::ToolError;
use crate::peer::exchange::{Exchange, ExchangeId};
use crate::server::{Contained, Scope, Server};

/// A handler half way, and what must live as long as it does.
pub(crate) struct Run<T> {
    pub(crate) handler: Contained<Result<T, ToolError>>,
    /// Dropped after the handler.
    pub(crate) asking: Asking,
    /// What the handler returned while nobody was there to take it: `Some(None)` when it panicked.
    pub(crate) returned: Option<Option<Result<T, ToolError>>>,
    /// The context that the handler holds.
    pub(crate) ctx: Context,
    /// What lives as long as the handler does, of the request that is being answered now.
    pub(crate) kept: Kept,
    /// The same of requests that were answered with questions.
    pub(crate) earlier: Vec<Kept>,
}

/// Tells tasks that a handler left behind, when it is gone, that no answer comes any more.
pub(crate) struct Asking(Context);

impl Asking {
    pub(crate) fn of(ctx: &Context) -> Self {
        Self(ctx.clone())
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.call().over();
    }
}

/// Tells tasks that a handler spawned, when it is dropped half way, that their request is no longer
/// wanted.
#[must_use = "dropping it cancels the request"]
pub(crate) struct Abandoned(Option<Context>);

impl Abandoned {
    pub(crate) fn of(ctx: &Context) -> Self {
        Self(Some(ctx.clone()))
    }

    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some(ctx) = &self.0 {
            ctx.call().parts.cancel.cancel();
        }
    }
}

/// What a request holds for as long as its handler lives.
pub(crate) struct Kept {
    pub(crate) abandoned: Abandoned,
    /// Ends the session that was opened for the request, where it lives no longer.
    pub(crate) scope: Option<Scope>,
}

impl<T: Send + 'static> Run<T> {
    /// Goes on with a run that was parked, on behalf of the request that this one was made for.
    pub(crate) fn go_on(&mut self, parked: Self) {
        let own = std::mem::replace(&mut self.ctx, parked.ctx);
        self.handler = parked.handler;
        self.asking = parked.asking;
        self.returned = parked.returned;
        self.earlier = parked.earlier;
        self.earlier.push(parked.kept);
        self.ctx.call().succeed(Arc::clone(own.call()));
        if let Some(brought) = own.call().begun_exchange() {
            self.ctx.call().exchange().adopt(brought.memory());
        }
    }

    /// The handler is done: what it spawned may go on.
    pub(crate) fn done(self) {
        let holds = self.earlier.into_iter().chain([self.kept]);
        for Kept { abandoned, scope } in holds {
            abandoned.disarm();
            drop(scope);
        }
    }
}

/// The way to a run: whoever asks first gets it.
type Claim = oneshot::Sender<Box<dyn Any + Send>>;

/// How many rounds a run may be parked for: it holds on to something of each.
const ROUNDS: usize = 64;

/// A run on its way from where it was parked.
pub(crate) struct Claimed(oneshot::Receiver<Box<dyn Any + Send>>);

/// All handlers that wait for a retry, each in a task of its own that goes on with what it does
/// besides waiting.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    // Held for a table operation only, never across an await.
    table: Mutex<HashMap<ExchangeId, Place>>,
}

/// Where a run is parked.
#[derive(Debug)]
struct Place {
    exchange: Arc<Exchange>,
    claim: oneshot::Sender<Claim>,
}

impl Parked {
    /// Keeps a run for so long; gives it back where there is no room, or the server is stopping.
    pub(crate) fn keep<T: Send + 'static>(
        server: &Server,
        run: Run<T>,
        time: Duration,
    ) -> Result<(), Run<T>> {
        let inner = server.inner();
        let exchange = Arc::clone(run.ctx.call().exchange());
        let id = exchange.id();
        let mut table = inner.parked.table.lock();
        let full = table.len() >= inner.limits.parked || run.earlier.len() >= ROUNDS;
        if full || inner.stopping.is_cancelled() {
            return Err(run);
        }
        let (claim, claimed) = oneshot::channel();
        let place = Place {
            exchange: Arc::clone(&exchange),
            claim,
        };
        // A run that is parked twice under one name came here by two retries of one round; the
        // newer one stays.
        let replaced = table.insert(id, place);
        drop(table);
        drop(replaced);
        let stopping = inner.stopping.clone();
        let server = Arc::downgrade(inner);
        inner.tasks.spawn(async move {
            {
                let mut resting = pin!(rest(run, claimed));
                tokio::select! {
                    () = &mut resting => {}
                    () = clock::sleep(time) => exchange.suspend(),
                    () = stopping.cancelled() => exchange.suspend(),
                }
            }
            if let Some(server) = server.upgrade() {
                server.parked.forget_stale(id);
            }
        });
        Ok(())
    }

    /// The run of this exchange, if it is here and has not gone past what this retry knows.
    pub(crate) fn claim(&self, brought: &Exchange) -> Option<Claimed> {
        let (id, known) = (brought.id(), brought.memory());
        let mut table = self.table.lock();
        if !table.get(&id)?.exchange.agrees(&known) {
            return None;
        }
        let place = table.remove(&id)?;
        drop(table);
        let (claim, claimed) = oneshot::channel();
        place.claim.send(claim).ok()?;
        Some(Claimed(claimed))
    }

    /// Forgets the run of this exchange if its task is over.
    fn forget_stale(&self, id: ExchangeId) {
        let mut table = self.table.lock();
        if table.get(&id).is_some_and(|place| place.claim.is_closed()) {
            table.remove(&id);
        }
    }
}

impl Claimed {
    /// The run; `None` when its time was up just then.
    pub(crate) async fn take<T: Send + 'static>(self) -> Option<Run<T>> {
        let run = self.0.await.ok()?;
        run.downcast().ok().map(|run| *run)
    }
}

/// Goes on with a handler until somebody claims it.
async fn rest<T: Send + 'static>(mut run: Run<T>, mut claimed: oneshot::Receiver<Claim>) {
    loop {
        tokio::select! {
            biased;
            claim = &mut claimed => {
                match claim {
                    // Whoever asked may be gone: then the run is, too.
                    Ok(claim) => drop(claim.send(Box::new(run))),
                    Err(_) => run.ctx.call().exchange().suspend(),
                }
                return;
            }
            returned = &mut run.handler, if run.returned.is_none() => run.returned = Some(returned),
        }
    }
}
