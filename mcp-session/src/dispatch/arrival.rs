//! A request on its way to its method, and how one is run.

use std::{pin::Pin, sync::Arc, task::Poll, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::auth::Granted;
use crate::catalog::Families;
use crate::clock;
use crate::context::{CallParts, Cancel, Context, Needs, Subject};
use crate::dispatch::failure::Failure;
use crate::dispatch::in_flight::InFlight;
use crate::dispatch::reaction::Answer;
use crate::dispatch::rounds;
use crate::error::ToolError;
use crate::peer::rounds::{Driver, Progress};
use crate::protocol::wire::Shape;
use crate::protocol::{
    Era, Found, Frame, Payload, Preamble, ProtocolVersion, Raw, Request, RequestId, RpcError, code,
};
use crate::server::{
    Abandoned, Asking, Blueprint, Contained, Fact, Fault, Kept, Live, Run, Scope, Server,
};
use crate::session::{Capability, Client, Opening, Outbox};

/// A request that was admitted, and everything its method may need.
pub(crate) struct Arrival<'a> {
    pub(crate) server: &'a Server,
    pub(crate) live: Arc<Live>,
    pub(crate) request: Request,
    pub(crate) meta: Preamble,
    /// Parameters that were found on the way to `_meta`.
    pub(crate) found: Found,
    pub(crate) client: Arc<Client>,
    pub(crate) outlet: Arc<Outbox>,
    pub(crate) cancel: Cancel,
    /// Ends what stays open by itself, with its closing result.
    pub(crate) closing: &'a CancellationToken,
    /// Its place among all that are at work, and its id.
    pub(crate) guard: InFlight,
    /// Ends the session with the request, where it lives no longer.
    pub(crate) scope: Option<Scope>,
    /// What the caller may do.
    pub(crate) granted: Granted,
    /// What is known of this request, where its session serves others as well.
    pub(crate) opening: Option<Opening>,
    /// The request's headers mirror the body: it came over stateless HTTP.
    pub(crate) mirrored: bool,
}

/// What a method that takes time makes of a request.
pub(crate) enum Work {
    /// The result is known after all.
    Done(Payload),
    /// A handler runs.
    Runs(Pin<Box<dyn Future<Output = Option<Answer>> + Send>>),
    /// The request stays open, and waits for something else to speak.
    Waits(Pin<Box<dyn Future<Output = Option<Answer>> + Send>>),
}

impl Arrival<'_> {
    pub(crate) fn version(&self) -> ProtocolVersion {
        self.client.version()
    }

    pub(crate) fn blueprint(&self) -> &Blueprint {
        self.live.blueprint()
    }

    pub(crate) fn families(&self) -> Families {
        self.live.families()
    }

    /// What was known of this request, or of the one that opened its session.
    pub(crate) fn opening(&self) -> &Opening {
        self.opening
            .as_ref()
            .unwrap_or_else(|| self.live.core().opening())
    }

    /// For whom results are shaped.
    pub(crate) fn shape(&self) -> Shape {
        let version = self.version();
        let stateless = version.era() == Era::Stateless;
        let info =
            (stateless && self.server.inner().identify).then(|| self.blueprint().info_json.clone());
        Shape::new(version, info)
    }

    /// The parameters, as one method reads them.
    pub(crate) fn params<T>(
        &self,
        read: impl FnOnce(Option<&Raw>) -> Result<T, RpcError>,
    ) -> Result<T, RpcError> {
        read(self.request.params.as_ref())
    }

    /// Refuses a client that did not declare what a handler needs.
    pub(crate) fn check_needs(&self, needs: &Needs) -> Result<(), Capability> {
        let missing = needs
            .capabilities()
            .iter()
            .find(|needed| !self.client.can(**needed));
        missing.map_or(Ok(()), |missing| Err(*missing))
    }

    /// Refuses a caller whose credential does not allow what an entry is guarded by.
    pub(crate) fn check_scopes(&self, needs: &Needs) -> Result<(), Failure> {
        if self.granted.covers(needs.scopes()) {
            return Ok(());
        }
        Err(Failure::forbidden(needs.scopes().clone()))
    }

    /// Refuses a principal that calls faster than it may.
    pub(crate) fn check_pace(&self) -> Result<(), Failure> {
        let server = self.server.inner();
        let (limit, principal) = (server.limits.calls_per_second, self.live.core().principal());
        let (Some(limit), Some(principal)) = (limit, principal) else {
            return Ok(());
        };
        if server.paces.call(principal, limit, server.hub.now_ms()) {
            return Ok(());
        }
        let why = format!("you call too fast: at most {limit} calls per second");
        Err(Failure::busy(why))
    }

    /// Refuses a call of a tool that is called more often than it may be.
    pub(crate) fn check_tool_pace(&self, name: &str, needs: &Needs) -> Result<(), Failure> {
        let server = self.server.inner();
        let limit = needs.pace().or(server.limits.calls_per_tool);
        let paced = |limit| server.paces.call_tool(name, limit, server.hub.now_ms());
        match limit {
            Some(limit) if !paced(limit) => {
                let why = format!("`{name}` is called too often: at most {limit} times per second");
                Err(Failure::busy(why))
            }
            _ => Ok(()),
        }
    }

    /// The context a handler of this request gets.
    pub(crate) fn context(&mut self) -> Context {
        self.context_of(None, None, None)
    }

    /// The context of a request whose result may ask, where there is a subject.
    pub(super) fn context_of(
        &mut self,
        subject: Option<Subject>,
        input_responses: Option<Raw>,
        request_state: Option<String>,
    ) -> Context {
        Context::new(CallParts {
            host: self.live.clone(),
            id: self.request.id.clone(),
            method: self.request.method.clone(),
            client: Arc::clone(&self.client),
            meta: std::mem::take(&mut self.meta),
            outlet: Arc::clone(&self.outlet),
            cancel: std::mem::take(&mut self.cancel),
            subject,
            input_responses,
            request_state,
            patience: self.server.limits().answer,
            granted: self.granted.clone(),
            opening: self.opening.take(),
        })
    }

    /// Runs a handler, and makes an answer of what it returns with `finish`.
    ///
    /// The handler is dropped when the request is cancelled; it then gets no answer. What it
    /// throws stays inside. One that cannot move without answers of its client is put aside, and
    /// the result asks for them.
    pub(crate) fn run<T: Send + 'static>(
        self,
        how: How,
        ctx: Context,
        start: impl FnOnce(Context) -> Starting<T> + Send + 'static,
        finish: impl FnOnce(Option<Result<T, ToolError>>, &Context, &Shape) -> Result<Payload, RpcError>
        + Send
        + 'static,
    ) -> Work {
        let shape = self.shape();
        let (id, guard) = (self.request.id, self.guard);
        let (live, method) = (self.live, self.request.method);
        let inner = self.server.inner();
        let (running, drained) = (inner.tasks.token(), inner.drained.clone());
        let limit = how.limit.or(inner.limits.request);
        let begun = ctx.call().begun_exchange().filter(|_| how.park.is_some());
        let parked = begun.and_then(|exchange| inner.parked.claim(exchange));
        let (handler, parked) = match parked {
            None => (Contained::starting(|| start(ctx.clone())), None),
            Some(parked) => (Contained::over(), Some((parked, start))),
        };
        // Dropping the future halfway tells tasks that the handler spawned; finishing does not.
        let kept = Kept {
            abandoned: Abandoned::of(&ctx),
            scope: self.scope,
        };
        let mut run = Run {
            handler,
            asking: Asking::of(&ctx),
            returned: None,
            ctx,
            kept,
            earlier: Vec::new(),
        };
        Work::Runs(Box::pin(async move {
            if let Some((parked, start)) = parked {
                match parked.take().await {
                    Some(parked) => run.go_on(parked),
                    None => run.handler = Contained::starting(|| start(run.ctx.clone())),
                }
            }
            let outcome = unless_stopped(&drained, limit, &mut run).await;
            run.ctx.now().answered();
            let returned = match outcome {
                Ok(returned) => returned,
                Err(Stop::Cancelled) => return None,
                Err(Stop::Asks) => {
                    let asking = rounds::suspend(run, how.park, &shape);
                    drop((guard, running));
                    return Some(answer(&id, asking, &shape));
                }
                Err(Stop::Overdue(limit)) => {
                    let failed = finish(Some(Err(overdue(limit))), &run.ctx, &shape);
                    return Some(answer(&id, failed, &shape));
                }
            };
            if returned.is_none() {
                live.tell_hooks(Fact::Failed(Fault::panic(&*method)));
            }
            let answer = answer(&id, finish(returned, &run.ctx, &shape), &shape);
            drop(guard);
            run.done();
            drop(running);
            Some(answer)
        }))
    }
}

/// A handler that was started.
pub(crate) type Starting<T> = Pin<Box<dyn Future<Output = Result<T, ToolError>> + Send>>;

/// How a handler is run.
#[derive(Clone, Copy, Default)]
pub(crate) struct How {
    /// How long it may take, where it has a limit of its own.
    pub(crate) limit: Option<Duration>,
    /// How long it is kept alive while its client answers.
    pub(crate) park: Option<Duration>,
}

impl How {
    /// As an entry wants it.
    pub(crate) fn of(needs: &Needs) -> Self {
        Self {
            limit: needs.time(),
            park: needs.parks(),
        }
    }
}

/// Why a handler did not come to its end.
enum Stop {
    Cancelled,
    /// It cannot move without answers of its client.
    Asks,
    /// It took longer than this.
    Overdue(Duration),
}

/// What a handler has done that takes longer than this.
fn overdue(limit: Duration) -> ToolError {
    ToolError::new(format!("it took longer than {limit:?}, and was stopped"))
}

/// What a handler returns, unless it is cancelled before, takes too long, or asks.
///
/// Most handlers return at once, so the wait for what may stop one begins when one does not.
async fn unless_stopped<T: Send + 'static>(
    drained: &CancellationToken,
    limit: Option<Duration>,
    run: &mut Run<T>,
) -> Result<Option<Result<T, ToolError>>, Stop> {
    if let Some(returned) = run.returned.take() {
        return Ok(returned);
    }
    let Run { handler, ctx, .. } = run;
    let cancel = &ctx.now().parts.cancel;
    let may_ask = ctx.now().parts.subject.is_some();
    let mut driver = Driver::default();
    // Apart from what most handlers need, for that is allocated with every call.
    let mut stopped: Option<Pin<Box<dyn Future<Output = Stop> + Send + '_>>> = None;
    std::future::poll_fn(|cx| {
        if cancel.is_cancelled() {
            return Poll::Ready(Err(Stop::Cancelled));
        }
        let progress = if may_ask {
            driver.poll(handler, || ctx.call().exchange(), cx)
        } else {
            match Pin::new(&mut *handler).poll(cx) {
                Poll::Ready(returned) => Progress::Done(returned),
                Poll::Pending => Progress::Waits,
            }
        };
        match progress {
            Progress::Done(returned) => return Poll::Ready(Ok(returned)),
            Progress::Asks => return Poll::Ready(Err(Stop::Asks)),
            Progress::Waits => {}
        }
        let stopped =
            stopped.get_or_insert_with(|| Box::pin(stopped_by(cancel.token(), drained, limit)));
        stopped.as_mut().poll(cx).map(Err)
    })
    .await
}

/// Waits for what stops a handler.
async fn stopped_by(
    cancel: &CancellationToken,
    drained: &CancellationToken,
    limit: Option<Duration>,
) -> Stop {
    let cancelled = async {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = drained.cancelled() => {}
        }
    };
    let Some(limit) = limit else {
        cancelled.await;
        return Stop::Cancelled;
    };
    match clock::within(limit, cancelled).await {
        Some(()) => Stop::Cancelled,
        None => Stop::Overdue(limit),
    }
}

/// The answer to a request, as its method has it.
pub(crate) fn answer(id: &RequestId, result: Result<Payload, RpcError>, shape: &Shape) -> Answer {
    match result {
        Ok(payload) => Answer::new(200, Frame::result(id, payload)),
        // The stateless era asks in results (2026-07-28, "Elicitation"): it has no such error.
        Err(error)
            if error.code == code::URL_ELICITATION_REQUIRED
                && shape.version.era() == Era::Stateless =>
        {
            tracing::error!("a handler returned error -32042 to a stateless client");
            let error = RpcError::internal("this needs a visit to a URL, asked for in another way");
            Answer::failed(id, &error, shape.version)
        }
        Err(error) => Answer::failed(id, &error, shape.version),
    }
}
