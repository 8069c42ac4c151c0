//! Driving a request that runs: a plain answer if that is all there is, an event stream if not.
//!
//! The handler is polled inside the request's own future, so that most calls cost no task and no
//! queue. When it speaks before it answers, or is silent for long, it moves on into a task and
//! the response becomes a stream that only reads: a handler polled by the response's body would
//! stand still, holding its locks, whenever the client stops reading.

use std::{pin::Pin, sync::Arc, task::Poll, time::Duration};

use http::Response;
use tokio::{runtime::Handle, task::AbortHandle};

use crate::clock::{self, Instant, Sleep};
use crate::dispatch::{Answer, Running, Upgrade};
use crate::protocol::{Era, ProtocolVersion};
use crate::server::{Live, Server};
use crate::session::{EndReason, Kind, Outbox, Reader};
use crate::transport::http::stream::{Call, EventStream, Ids};
use crate::transport::http::{HttpBody, reply};

/// Runs a request until it is clear what the response is.
pub(super) async fn drive(
    server: &Server,
    running: Running,
    expires: Option<Instant>,
) -> Response<HttpBody> {
    let Running {
        future,
        outlet,
        live,
        version,
        upgrade,
    } = running;
    let mut reader = outlet.reader();
    if upgrade == Upgrade::Passive {
        let stream = EventStream::new(server, live, reader).with_waiting(future);
        return reply::stream(stream.until(expires));
    }
    let runtime = Handle::try_current().ok();
    let call = Some(future);
    let server = server.clone();
    let mut driven = Driven {
        server,
        call,
        outlet,
        live,
        version,
        upgrade,
        runtime,
        expires,
    };
    let silence = driven.server.limits().silence;
    match driven.advance(&mut reader, silence).await {
        Some(Some(answer)) if upgrade == Upgrade::Never || !driven.outlet.has_unread() => {
            if let Some(frame) = &answer.frame {
                driven.live.told(frame.len());
            }
            driven.live.failed(answer.errors);
            reply::answer(answer)
        }
        Some(answer) => {
            let spoke = answer.is_some() || driven.outlet.has_unread();
            conclude(&driven.outlet, &driven.live, answer);
            // A request that was cancelled leaves nothing to come back for.
            driven.stream(
                reader,
                if spoke { Resumable::Yes } else { Resumable::No },
                None,
            )
        }
        None => {
            let resumable = driven.resumable();
            let task = driven.hand_over();
            driven.stream(reader, resumable, task)
        }
    }
}

/// A request in the hands of its HTTP connection. Dropping it is losing that connection.
struct Driven {
    server: Server,
    /// `None` once it is finished or in the hands of a task.
    call: Option<Call>,
    outlet: Arc<Outbox>,
    live: Arc<Live>,
    version: ProtocolVersion,
    upgrade: Upgrade,
    runtime: Option<Handle>,
    /// When the caller's credential expires.
    expires: Option<Instant>,
}

/// Whether a client can come back to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resumable {
    Yes,
    No,
}

impl Driven {
    /// Polls the call until it is finished (with its answer), or speaks or is silent for so long
    /// (`None`).
    async fn advance(&mut self, reader: &mut Reader, silence: Duration) -> Option<Option<Answer>> {
        let upgrades = self.upgrade == Upgrade::OnSpeech;
        let Some(call) = &mut self.call else {
            return Some(None);
        };
        // Made when the call is first pending: most calls never are.
        let mut silent: Option<Pin<Box<Sleep>>> = None;
        let polled = std::future::poll_fn(|cx| {
            if let Poll::Ready(answer) = call.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            if !upgrades {
                return Poll::Pending;
            }
            // After the poll: what was said during it is there, what is said later wakes the task.
            if reader.poll_unread(cx) {
                return Poll::Ready(None);
            }
            let timer = silent.get_or_insert_with(|| Box::pin(clock::timer(silence)));
            timer.as_mut().poll(cx).map(|()| None)
        })
        .await;
        if polled.is_some() {
            self.call = None;
        }
        polled
    }

    fn resumable(&self) -> Resumable {
        match self.version.era() {
            Era::Handshake => Resumable::Yes,
            // 2026-07-28, "Streamable HTTP", "Receiving Messages": no stream can be resumed.
            Era::Stateless => Resumable::No,
        }
    }

    /// The response that reads what is said from here on.
    fn stream(
        &self,
        reader: Reader,
        resumable: Resumable,
        task: Option<AbortHandle>,
    ) -> Response<HttpBody> {
        let stream = EventStream::new(&self.server, Arc::clone(&self.live), reader);
        let mut stream = stream.until(self.expires);
        if resumable == Resumable::Yes && self.resumable() == Resumable::Yes {
            let core = self.live.core();
            let number = core.streams.keep(Arc::clone(&self.outlet));
            self.live.trim(self.server.limits());
            stream = stream.with_ids(Ids {
                tag: core.tag(),
                stream: number,
            });
            if self.version.has_priming_event() {
                stream = stream.primed(0);
            }
        }
        if let (Era::Stateless, Some(task)) = (self.version.era(), task) {
            stream = stream.owning(task);
        }
        reply::stream(stream)
    }

    /// Moves what is left of the call into a task of the server's.
    fn hand_over(&mut self) -> Option<AbortHandle> {
        let (call, runtime) = (self.call.take()?, self.runtime.as_ref()?);
        let task = Task {
            outlet: Arc::clone(&self.outlet),
            live: Arc::clone(&self.live),
            alone: match self.version.era() {
                Era::Handshake => Some(self.server.limits().detached),
                Era::Stateless => None,
            },
        };
        let tasks = &self.server.inner().tasks;
        Some(tasks.spawn_on(task.run(call), runtime).abort_handle())
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        if self.call.is_none() {
            return;
        }
        match (self.version.era(), self.upgrade) {
            // 2026-07-28, "Streamable HTTP", "Cancellation": a lost connection cancels.
            (Era::Stateless, _) => self.call = None,
            // The session that was being opened has a name nobody will ever know.
            (Era::Handshake, Upgrade::Never) => {
                self.call = None;
                self.live.end(EndReason::Transport);
            }
            // 2025-11-25, "Transports": a lost connection does not cancel.
            (Era::Handshake, _) => {
                self.hand_over();
            }
        }
    }
}

/// A call on its own, which its client may be listening to or not.
struct Task {
    outlet: Arc<Outbox>,
    live: Arc<Live>,
    /// How long it may run on while nobody listens.
    alone: Option<Duration>,
}

impl Task {
    async fn run(self, mut call: Call) {
        let answer = match self.alone {
            None => call.await,
            Some(patience) => tokio::select! {
                biased;
                answer = &mut call => answer,
                () = abandoned(&self.outlet, patience) => {
                    tracing::info!("a call is dropped: its client did not come back for it");
                    None
                }
            },
        };
        conclude(&self.outlet, &self.live, answer);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // However it came to an end, nothing follows, and the session was in use until now.
        self.outlet.end();
        self.live.touch().ok();
    }
}

/// Says the last word on a request.
fn conclude(outlet: &Outbox, live: &Live, answer: Option<Answer>) {
    if let Some(answer) = answer {
        live.failed(answer.errors);
        if let Some(frame) = answer.frame {
            // Nothing may follow the answer.
            outlet.release();
            outlet.push(Kind::Response(None), frame);
        }
    }
    outlet.end();
}

/// Completes when nobody has read for so long.
async fn abandoned(outlet: &Outbox, patience: Duration) {
    loop {
        let now = clock::now();
        let due = outlet.alone_since().unwrap_or(now) + patience;
        if due <= now {
            return;
        }
        clock::sleep(due.duration_since(now)).await;
        // Somebody may have come, or come and gone, in the meantime.
    }
}
