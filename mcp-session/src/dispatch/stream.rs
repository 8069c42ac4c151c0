//! Messages on a byte stream: stdio, a socket, a pipe in memory.
//!
//! A stream is one client. It has one handshake session for its whole life, which `initialize`
//! brings to use; requests of the stateless era on the same stream never touch that session.

use std::sync::Arc;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::auth::{Granted, Principal};
use crate::dispatch::arrival::{Arrival, answer};
use crate::dispatch::in_flight::InFlight;
use crate::dispatch::observe::{Facts, Observed};
use crate::dispatch::reaction::{Answer, Reaction, Running, Upgrade, batched};
use crate::dispatch::{admit, lifecycle, notice, route};
use crate::error::{Refused, Result};
use crate::protocol::wire::Shape;
use crate::protocol::{
    DecodeError, Era, Foreword, Found, Incoming, Message, Notification, Preamble, ProtocolVersion,
    Received, Request, RequestId, Response, RpcError, method, receive,
};
use crate::server::{Known, Live, OpenError, Scope, Server};
use crate::session::{Client, EndReason, Opening, Outbox};

/// What a line holds.
pub(crate) type Decoded = Result<Received, DecodeError>;

const NOT_INITIALIZED: &str = "nothing was initialized: send `initialize` first, or name protocol version 2026-07-28 in `_meta`";
const INITIALIZED: &str = "this stream is initialized already";
const SESSION_REFUSED: &str = "the session of this stream was refused";

/// One byte stream, and the client at its other end.
pub(crate) struct Connection {
    server: Server,
    /// What is known of every stateless request.
    stateless: Opening,
    /// The session of the last one.
    known: Known,
    /// Everything that goes out, of all requests and both eras.
    outbox: Arc<Outbox>,
    /// The handshake session of this stream. Ids are the stream's: two requests in flight cannot
    /// share one, whatever their era, so the calls of both are here.
    live: Arc<Live>,
    /// Claimed by the first `initialize`.
    initializing: std::sync::atomic::AtomicBool,
    /// Its subscriptions are to end: the server is shutting down, or the client is gone.
    closing: CancellationToken,
}

impl Connection {
    /// Prepares a stream. Its handshake session can be edited from here on.
    pub(crate) fn new(server: &Server, principal: Option<Principal>) -> Arc<Self> {
        let outbox = Outbox::new(server.limits().transient());
        let live = server.prepare(Opening::new(Era::Handshake, principal.clone()));
        live.core().streams.adopt_standing(Arc::clone(&outbox));
        server.inner().sessions.enter_stream(&live);
        let closing = server.inner().stopping.child_token();
        let server = server.clone();
        Arc::new(Self {
            server,
            stateless: Opening::new(Era::Stateless, principal),
            known: Known::default(),
            outbox,
            live,
            initializing: false.into(),
            closing,
        })
    }

    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The stream is gone, or nothing more is wanted of it.
    pub(crate) fn end(&self, reason: EndReason) {
        self.server
            .inner()
            .sessions
            .end(self.live.core().id().as_str(), reason);
        self.live.core().calls.cancel_all();
    }

    /// No more can come from the client, or will be read of it: questions fail, and subscriptions
    /// end with their closing result.
    pub(crate) fn hang_up(&self) {
        self.live.core().questions.close();
        self.closing.cancel();
    }

    /// Decodes one message, or one batch.
    pub(crate) fn decode(&self, line: &Bytes) -> Decoded {
        let decoded = receive(line, &self.server.limits().decode());
        self.live.heard_messages(count(&decoded), line.len());
        decoded
    }

    /// Takes one message, or one batch.
    pub(crate) fn take(&self, decoded: Decoded) -> Reaction {
        let Received { incoming, foreword } = match decoded {
            Ok(received) => received,
            Err(error) => return self.refused(error.id.as_ref(), &error.error),
        };
        match incoming {
            Incoming::One(message) => self.one(message, foreword),
            Incoming::Batch(messages) => self.batch(messages),
        }
    }

    fn one(&self, message: Message, foreword: Option<Foreword>) -> Reaction {
        match message {
            Message::Request(request) => self.request(request, foreword),
            Message::Notification(notification) => {
                self.notification(notification);
                Reaction::Accepted
            }
            Message::Response(response) => {
                self.response(response);
                Reaction::Accepted
            }
        }
    }

    fn request(&self, request: Request, foreword: Option<Foreword>) -> Reaction {
        let read = || Preamble::with_others(request.params.as_ref());
        let (meta, found) = match foreword.unwrap_or_else(read) {
            Ok(read) => read,
            Err(error) => return self.refused(Some(&request.id), &error),
        };
        match admit::era(meta.protocol_version.as_deref(), None, &request.method) {
            Era::Stateless => self.stateless(request, meta, found),
            Era::Handshake if request.method == method::INITIALIZE => {
                self.initialize(&request, &meta)
            }
            Era::Handshake => self.handshake(request, meta, found),
        }
    }

    fn stateless(&self, request: Request, meta: Preamble, found: Found) -> Reaction {
        let latest = ProtocolVersion::LATEST;
        let client = match admit::client(&meta, None) {
            Ok(client) => client,
            Err(error) => return Answer::error(400, Some(&request.id), &error, latest).into(),
        };
        let guard = match InFlight::reserve(&self.server, &request, latest) {
            Ok(guard) => guard,
            Err(answer) => return answer.into(),
        };
        let entered = self.server.enter_again(&self.stateless, Some(&self.known));
        let (live, scope) = match entered {
            Ok(entered) => entered,
            Err(error) => {
                let error = refused_session(&error);
                return Answer::error(200, Some(&request.id), &error, latest).into();
            }
        };
        let Some(id) = self.live.begin_within(&request.id, live.cancellation()) else {
            return Answer::error(400, Some(&request.id), &taken(), latest).into();
        };
        let admitted = Admitted {
            request,
            meta,
            found,
            client,
            cancel: id.token().clone(),
            guard: guard.with_id(id),
            scope: Some(scope),
        };
        if !live.is_open() && live.opens_at_once() {
            live.opened();
        }
        if self.server.is_ready(&live) {
            return self.route(live, admitted);
        }
        self.route_when_open(live, admitted)
    }

    /// Runs `on_open` first; the request's id is taken meanwhile, so that it can be cancelled.
    fn route_when_open(&self, live: Arc<Live>, admitted: Admitted) -> Reaction {
        let (server, outlet) = (self.server.clone(), Arc::clone(&self.outbox));
        let closing = self.closing.clone();
        let version = admitted.client.version();
        let opened = Arc::clone(&live);
        let future = async move {
            let id = admitted.request.id.clone();
            let cancel = admitted.cancel.clone();
            let opening = tokio::select! {
                biased;
                opening = server.open(&opened) => opening,
                () = cancel.cancelled() => {
                    // Unless its session was refused, or ended meanwhile: that is the answer.
                    opened.core().end_reason()?;
                    server.open(&opened).await
                }
            };
            if let Err(error) = opening {
                return Some(Answer::error(
                    200,
                    Some(&id),
                    &refused_session(&error),
                    version,
                ));
            }
            match route::route(admitted.arrive(&server, &closing, opened, outlet)) {
                Reaction::Accepted => None,
                Reaction::Answer(answer) => Some(answer),
                Reaction::Running(running) => running.future.await,
            }
        };
        let outlet = Arc::clone(&self.outbox);
        let upgrade = Upgrade::OnSpeech;
        Reaction::Running(Running {
            future: Box::pin(future),
            outlet,
            live,
            version,
            upgrade,
        })
    }

    fn handshake(&self, request: Request, meta: Preamble, found: Found) -> Reaction {
        // A session that `on_open` refused serves nothing, though its client is known.
        let client = self.live.core().client().filter(|_| self.live.is_open());
        let Some(client) = client.cloned() else {
            return self.before_initialize(request, meta);
        };
        let guard = match InFlight::reserve(&self.server, &request, client.version()) {
            Ok(guard) => guard,
            Err(answer) => return answer.into(),
        };
        let Some(id) = self.live.begin(&request.id) else {
            return Answer::error(400, Some(&request.id), &taken(), client.version()).into();
        };
        self.route(
            Arc::clone(&self.live),
            Admitted {
                request,
                meta,
                found,
                client,
                cancel: id.token().clone(),
                guard: guard.with_id(id),
                scope: None,
            },
        )
    }

    /// Before `initialize` only `ping` has an answer (2025-11-25, "Lifecycle", "Initialization").
    fn before_initialize(&self, request: Request, meta: Preamble) -> Reaction {
        let client = admit::unknown_client();
        let guard = match InFlight::reserve(&self.server, &request, client.version()) {
            Ok(guard) => guard,
            Err(answer) => return answer.into(),
        };
        let Some(own) = self.live.begin(&request.id) else {
            return self.refused(Some(&request.id), &taken());
        };
        let id = request.id.clone();
        let is_ping = &*request.method == method::PING;
        let outlet = Arc::clone(&self.outbox);
        let admitted = Admitted {
            request,
            meta,
            found: Found::default(),
            client,
            cancel: own.token().clone(),
            guard: guard.with_id(own),
            scope: None,
        };
        let arrival = admitted.arrive(&self.server, &self.closing, Arc::clone(&self.live), outlet);
        if is_ping {
            return route::route(arrival);
        }
        let error = route::unknown(&arrival).unwrap_or_else(|| {
            RpcError::invalid_request(match self.live.core().client() {
                Some(_) => SESSION_REFUSED,
                None => NOT_INITIALIZED,
            })
        });
        self.refused(Some(&id), &error)
    }

    fn initialize(&self, request: &Request, meta: &Preamble) -> Reaction {
        let params = match lifecycle::introduction(request) {
            Ok(params) => params,
            Err(error) => return self.refused(Some(&request.id), &error),
        };
        let version = ProtocolVersion::LATEST_HANDSHAKE;
        let guard = match InFlight::reserve(&self.server, request, version) {
            Ok(guard) => guard,
            Err(answer) => return answer.into(),
        };
        let Some(id) = self.live.begin(&request.id) else {
            return self.refused(Some(&request.id), &taken());
        };
        let guard = guard.with_id(id);
        if self
            .initializing
            .swap(true, std::sync::atomic::Ordering::AcqRel)
        {
            let refused = !self.live.is_open();
            let error = if refused {
                SESSION_REFUSED
            } else {
                INITIALIZED
            };
            return self.refused(Some(&request.id), &RpcError::invalid_request(error));
        }
        let client = lifecycle::negotiated(&params);
        let version = client.version();
        let (server, live) = (self.server.clone(), Arc::clone(&self.live));
        let observed = Observed::begin(&Facts {
            method: Some(method::INITIALIZE),
            id: &request.id,
            params: None,
            meta,
            live: &live,
            version,
        });
        let future = opening(server, Arc::clone(&live), client, request.id.clone(), guard);
        let future = observed.around(Box::pin(future));
        let outlet = Arc::clone(&self.outbox);
        let upgrade = Upgrade::Never;
        Reaction::Running(Running {
            future,
            outlet,
            live,
            version,
            upgrade,
        })
    }

    fn route(&self, live: Arc<Live>, admitted: Admitted) -> Reaction {
        route::route(admitted.arrive(&self.server, &self.closing, live, Arc::clone(&self.outbox)))
    }

    fn notification(&self, notification: Notification) {
        // Ids are the stream's, so a cancellation needs no era.
        if &*notification.method == method::CANCELLED {
            notice::cancelled(&self.live.core().calls, &notification);
            return;
        }
        let meta = Preamble::of(notification.params.as_ref()).unwrap_or_default();
        let era = admit::era(meta.protocol_version.as_deref(), None, &notification.method);
        if era == Era::Handshake && self.live.is_open() {
            return notice::handshake(&self.server, &self.live, notification);
        }
        // In the stateless era notifications name no revision.
        notice::stateless(&self.server, &self.stateless, notification);
    }

    fn response(&self, response: Response) {
        notice::answered(&self.live, response);
    }

    fn batch(&self, messages: Vec<Result<Message, DecodeError>>) -> Reaction {
        let version = self.live.core().client().map(|client| client.version());
        let Some(version) = version.filter(|version| version.has_batches()) else {
            return self.refused(None, &no_batches());
        };
        if messages.iter().any(is_initialize) {
            let error = RpcError::invalid_request("`initialize` cannot be part of a batch");
            return self.refused(None, &error);
        }
        let reactions: Vec<_> = messages
            .into_iter()
            .map(|message| match message {
                Ok(message) if is_stateless(&message) => not_in_a_batch(&message, version),
                Ok(message) => self.one(message, None),
                Err(error) => self.refused(error.id.as_ref(), &error.error),
            })
            .collect();
        joined(
            reactions,
            Arc::clone(&self.outbox),
            Arc::clone(&self.live),
            version,
        )
    }

    fn refused(&self, id: Option<&RequestId>, error: &RpcError) -> Reaction {
        let spoken = self.live.core().client().map(|client| client.version());
        let version = spoken.unwrap_or(ProtocolVersion::LATEST_HANDSHAKE);
        Answer::error(400, id, error, version).into()
    }
}

/// How many messages were sent at once.
pub(crate) fn count(decoded: &Decoded) -> usize {
    match decoded {
        Ok(Received {
            incoming: Incoming::Batch(messages),
            ..
        }) => messages.len(),
        Ok(_) | Err(_) => 1,
    }
}

/// A request that was admitted, and what it holds.
struct Admitted {
    request: Request,
    meta: Preamble,
    found: Found,
    client: Arc<Client>,
    cancel: CancellationToken,
    guard: InFlight,
    scope: Option<Scope>,
}

impl Admitted {
    fn arrive<'a>(
        self,
        server: &'a Server,
        closing: &'a CancellationToken,
        live: Arc<Live>,
        outlet: Arc<Outbox>,
    ) -> Arrival<'a> {
        Arrival {
            server,
            live,
            request: self.request,
            meta: self.meta,
            found: self.found,
            client: self.client,
            outlet,
            cancel: self.cancel.into(),
            closing,
            guard: self.guard,
            scope: self.scope,
            // The local user, or whoever was let in to this stream as a whole.
            granted: Granted::Everything,
            opening: None,
            mirrored: false,
        }
    }
}

/// Opens a handshake session for the client that introduced itself.
///
/// A client may not cancel this request (2025-11-25, "Cancellation"), so only the end of the
/// session stops it: otherwise it would be there without what `on_open` does to it.
pub(crate) async fn opening(
    server: Server,
    live: Arc<Live>,
    client: Arc<Client>,
    id: RequestId,
    guard: InFlight,
) -> Option<Answer> {
    let version = client.version();
    live.core().introduce(client);
    let opened = tokio::select! {
        biased;
        _ = live.core().done() => return None,
        opened = server.open(&live) => opened,
    };
    drop(guard);
    let shape = Shape::new(version, None);
    Some(match opened {
        Ok(()) => answer(&id, Ok(lifecycle::initialized(&live, version)), &shape),
        Err(error) => answer(&id, Err(refused_session(&error)), &shape),
    })
}

/// What a client is told whose session was refused: the reason, where `on_open` gave one for it.
pub(crate) fn refused_session(error: &OpenError) -> RpcError {
    match error {
        OpenError::Refused(reason) => {
            tracing::info!(
                reason = &**reason as &dyn std::error::Error,
                "`on_open` refused"
            );
            match Refused::find(&**reason) {
                Some(reason) => RpcError::internal(format!("the session was refused: {reason}")),
                None => RpcError::internal("the session was refused"),
            }
        }
        OpenError::Full(full) => RpcError::internal(full.why()),
        OpenError::Unavailable(error) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "what is kept of a principal could not be had"
            );
            RpcError::internal("what is kept of you cannot be reached now: try again")
        }
        OpenError::Ended => RpcError::internal("the session ended before it was open: try again"),
        OpenError::Panicked => {
            tracing::error!("`select` or `on_open` panicked");
            RpcError::internal("the session could not be opened")
        }
        OpenError::TimedOut => {
            tracing::error!("`on_open` took too long");
            RpcError::internal("the session could not be opened in time")
        }
    }
}

/// The reactions to a batch as one.
pub(crate) fn joined(
    reactions: Vec<Reaction>,
    outlet: Arc<Outbox>,
    live: Arc<Live>,
    version: ProtocolVersion,
) -> Reaction {
    let mut known = Vec::new();
    let mut running = Vec::new();
    for reaction in reactions {
        match reaction {
            Reaction::Accepted => {}
            Reaction::Answer(answer) => known.push(answer),
            Reaction::Running(one) => running.push(one.future),
        }
    }
    if running.is_empty() {
        return match batched(known) {
            Some(answer) => answer.into(),
            None => Reaction::Accepted,
        };
    }
    let future = Box::pin(async move {
        let answered = futures_util::future::join_all(running).await;
        batched(known.into_iter().chain(answered.into_iter().flatten()))
    });
    Reaction::Running(Running {
        future,
        outlet,
        live,
        version,
        upgrade: Upgrade::OnSpeech,
    })
}

pub(crate) fn is_initialize<E>(message: &Result<Message, E>) -> bool {
    matches!(message, Ok(Message::Request(request)) if &*request.method == method::INITIALIZE)
}

pub(crate) fn no_batches() -> RpcError {
    RpcError::invalid_request("one message at a time: only protocol version 2025-03-26 has batches")
}

/// True for what names a revision of the stateless era, which has no batches (2026-07-28, "Base
/// Protocol").
pub(crate) fn is_stateless(message: &Message) -> bool {
    let (params, method) = match message {
        Message::Request(request) => (request.params.as_ref(), &request.method),
        Message::Notification(notification) => (notification.params.as_ref(), &notification.method),
        Message::Response(_) => return false,
    };
    let meta = Preamble::of(params).unwrap_or_default();
    admit::era(meta.protocol_version.as_deref(), None, method) == Era::Stateless
}

/// Refuses a member of a batch that belongs to the era without batches.
pub(crate) fn not_in_a_batch(message: &Message, version: ProtocolVersion) -> Reaction {
    let Message::Request(request) = message else {
        return Reaction::Accepted;
    };
    let error = RpcError::invalid_request(
        "a request of protocol version 2026-07-28 cannot be part of a batch",
    );
    Answer::error(400, Some(&request.id), &error, version).into()
}

pub(crate) fn taken() -> RpcError {
    RpcError::invalid_request("a request with this id is still in flight")
}
