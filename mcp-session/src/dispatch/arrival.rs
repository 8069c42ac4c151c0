//! A request on its way to its method, and how one is run.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::auth::Granted;
use crate::catalog::Families;
use crate::clock;
use crate::context::{CallParts, Context, Needs};
use crate::dispatch::failure::Failure;
use crate::dispatch::in_flight::InFlight;
use crate::dispatch::reaction::Answer;
use crate::error::ToolError;
use crate::protocol::wire::Shape;
use crate::protocol::{
    Era, Frame, Payload, ProtocolVersion, Raw, Request, RequestId, RequestMeta, RpcError,
};
use crate::server::{Blueprint, Contained, Fact, Fault, Live, Scope, Server};
use crate::session::{Capability, Client, Opening, Outbox};

/// A request that was admitted, and everything its method may need.
pub(crate) struct Arrival<'a> {
    pub(crate) server: &'a Server,
    pub(crate) live: Arc<Live>,
    pub(crate) request: Request,
    pub(crate) meta: RequestMeta,
    pub(crate) client: Arc<Client>,
    pub(crate) outlet: Arc<Outbox>,
    pub(crate) cancel: CancellationToken,
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
    pub(crate) fn context(
        &mut self,
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
            cancel: self.cancel.clone(),
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
    /// throws stays inside.
    pub(crate) fn run<T: Send + 'static>(
        self,
        ctx: Context,
        start: impl FnOnce(Context) -> Pin<Box<dyn Future<Output = Result<T, ToolError>> + Send>>,
        finish: impl FnOnce(Option<Result<T, ToolError>>, &Shape) -> Result<Payload, RpcError>
        + Send
        + 'static,
    ) -> Work {
        let limit = self.server.limits().request;
        self.run_within(limit, ctx, start, finish)
    }

    /// As [`run`](Self::run), for so long at most; a handler that takes longer has failed.
    pub(crate) fn run_within<T: Send + 'static>(
        self,
        limit: Option<Duration>,
        ctx: Context,
        start: impl FnOnce(Context) -> Pin<Box<dyn Future<Output = Result<T, ToolError>> + Send>>,
        finish: impl FnOnce(Option<Result<T, ToolError>>, &Shape) -> Result<Payload, RpcError>
        + Send
        + 'static,
    ) -> Work {
        let shape = self.shape();
        let (id, guard) = (self.request.id, self.guard);
        let (live, method) = (self.live, self.request.method);
        let running = self.server.inner().tasks.token();
        let handler = Contained::starting(|| start(ctx.clone()));
        let (scope, drained) = (self.scope, self.server.inner().drained.clone());
        // Dropping the future halfway tells tasks that the handler spawned; finishing does not.
        let abandoned = self.cancel.drop_guard();
        Work::Runs(Box::pin(async move {
            let cancel = &ctx.call().parts.cancel;
            let outcome = unless_stopped([cancel, &drained], limit, handler).await;
            ctx.call().answered();
            let timed_out = matches!(outcome, Err(Stop::Overdue(_)));
            let returned = match outcome {
                Ok(returned) => Some(returned),
                Err(Stop::Cancelled) => None,
                Err(Stop::Overdue(limit)) => Some(Some(Err(overdue(limit)))),
            };
            if matches!(returned, Some(None)) {
                live.tell_hooks(Fact::Failed(Fault::panic(&*method)));
            }
            let answer = returned.map(|returned| answer(&id, finish(returned, &shape), &shape));
            if !timed_out {
                abandoned.disarm();
            }
            drop((guard, scope, running));
            answer
        }))
    }
}

/// Why a handler did not come to its end.
enum Stop {
    Cancelled,
    /// It took longer than this.
    Overdue(Duration),
}

/// What a handler has done that takes longer than this.
fn overdue(limit: Duration) -> ToolError {
    ToolError::new(format!("it took longer than {limit:?}, and was stopped"))
}

/// What `handler` returns, unless one of the tokens is cancelled before, or it takes too long.
///
/// Most handlers return at once, so the wait for what may stop one begins when one does not.
async fn unless_stopped<F: Future + Unpin>(
    [cancel, drained]: [&CancellationToken; 2],
    limit: Option<Duration>,
    mut handler: F,
) -> Result<F::Output, Stop> {
    let mut stopped = pin!(None);
    std::future::poll_fn(|cx| {
        if cancel.is_cancelled() {
            return Poll::Ready(Err(Stop::Cancelled));
        }
        if let Poll::Ready(returned) = Pin::new(&mut handler).poll(cx) {
            return Poll::Ready(Ok(returned));
        }
        if stopped.is_none() {
            stopped.set(Some(async {
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
            }));
        }
        let stopped = stopped.as_mut().as_pin_mut();
        stopped.map_or(Poll::Pending, |stopped| stopped.poll(cx).map(Err))
    })
    .await
}

/// The answer to a request, as its method has it.
pub(crate) fn answer(id: &RequestId, result: Result<Payload, RpcError>, shape: &Shape) -> Answer {
    match result {
        Ok(payload) => Answer::new(200, Frame::result(id, payload)),
        Err(error) => Answer::failed(id, &error, shape.version),
    }
}
