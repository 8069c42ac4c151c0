//! Messages over Streamable HTTP.
//!
//! The transport has checked what is about HTTP alone (host, origin, content type, size); here
//! begins what is about the protocol, in the order of admission that ARCHITECTURE.md lists.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, request::Parts};

use crate::auth::{Caller, Granted};
use crate::context::Cancel;
use crate::dispatch::arrival::Arrival;
use crate::dispatch::in_flight::InFlight;
use crate::dispatch::observe::{Facts, Observed};
use crate::dispatch::reaction::{Answer, Reaction, Running, Upgrade};
use crate::dispatch::stream::{
    count, is_initialize, is_stateless, joined, no_batches, not_in_a_batch, opening,
    refused_session, taken,
};
use crate::dispatch::{admit, lifecycle, mirror, notice, observe, route};
use crate::protocol::{
    DecodeError, Era, Found, Incoming, Message, Notification, Preamble, ProtocolVersion, Request,
    RequestId, Response, RpcError, decode, method,
};
use crate::server::{
    Full, Live, OpenError, Place, Refusal as Refused, Scope, Server, Unfetched, Unread, janitor,
};
use crate::session::{EndReason, EventId, Opening, Outbox, Reader, Resume, STANDING};

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// What becomes of a POST. Only `on_open` takes time, so most are decided at once.
pub(crate) enum Decision<'a> {
    Now(Reaction),
    /// `on_open` runs first.
    Opens(Pin<Box<dyn Future<Output = Reaction> + Send + 'a>>),
}

impl<T: Into<Reaction>> From<T> for Decision<'_> {
    fn from(reaction: T) -> Self {
        Self::Now(reaction.into())
    }
}

/// Takes the body of a POST.
pub(crate) fn post<'a>(
    server: &'a Server,
    caller: Option<Caller>,
    parts: Arc<Parts>,
    body: &Bytes,
) -> Decision<'a> {
    let post = Post {
        server,
        caller,
        parts,
        bytes: body.len(),
    };
    if server.inner().stopping.is_cancelled() {
        return post.unavailable("the server is shutting down").into();
    }
    let decoded = decode(body, &server.limits().decode());
    let traffic = &server.inner().totals.traffic;
    traffic.heard(count(&decoded), body.len());
    match decoded {
        Ok(Incoming::One(message)) => post.one(message),
        Ok(Incoming::Batch(messages)) => post.batch(messages),
        Err(error) => post.error(400, error.id.as_ref(), &error.error).into(),
    }
}

/// Sees to it that the session which a request names is here, and the newest there is, if it is
/// anywhere. Nothing to wait for, where sessions live in this process only.
pub(crate) async fn fetch(
    server: &Server,
    caller: Option<&Caller>,
    headers: &HeaderMap,
) -> Result<(), Answer> {
    let named = headers.get(SESSION).and_then(|id| id.to_str().ok());
    let fetching = named.and_then(|id| server.fetch(id, caller.map(Caller::principal)));
    let Some(fetching) = fetching else {
        return Ok(());
    };
    let version = ProtocolVersion::LATEST_HANDSHAKE;
    fetching.await.map_err(|unfetched| match unfetched {
        Unfetched::Full(full) => no_place(full, None, version),
        Unfetched::Unavailable(error) => {
            let error = &*error as &dyn std::error::Error;
            tracing::error!(error, "a session cannot be looked for");
            unkept("sessions cannot be reached now; try again", None, version)
        }
    })
}

/// Opens the standing stream of a session, or resumes one that was lost.
pub(crate) async fn get(
    server: &Server,
    caller: Option<&Caller>,
    headers: &HeaderMap,
) -> Result<Attached, Answer> {
    without_modern(headers)?;
    let live = named_session(server, caller, headers).map_err(|refusal| refusal.answer(None))?;
    let version = version(&live);
    if !live.core().streams.has_room(server.limits().streams) {
        let error = RpcError::internal("too many streams of this session are open");
        let answer = Answer::error(429, None, &error, version);
        return Err(Answer {
            retry_after: Some(1),
            ..answer
        });
    }
    let unknown = || {
        let error = RpcError::invalid_request(
            "the event is not known here, or something behind it is gone",
        );
        Answer::error(400, None, &error, version)
    };
    let event = match headers.get(LAST_EVENT) {
        None => None,
        Some(event) => {
            let event = event.to_str().ok().and_then(EventId::parse);
            let own = event.filter(|event| event.tag == live.core().tag());
            Some(own.ok_or_else(unknown)?)
        }
    };
    let attached = attach(server, &live, event).await;
    let attached = attached.map_err(|unread| match unread {
        Unread::Gone => unknown(),
        Unread::Unavailable(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a stream cannot be read");
            unkept("streams cannot be read now; try again", None, version)
        }
    })?;
    let (stream, seen, reader) = attached;
    server.refresh_roots(&live);
    Ok(Attached {
        live,
        stream,
        seen,
        reader,
        version,
    })
}

/// A reader of the stream that a GET names, where it is: here, in the store, or at another replica.
async fn attach(
    server: &Server,
    live: &Arc<Live>,
    event: Option<EventId>,
) -> Result<(u32, Option<u64>, Reader), Unread> {
    let answer = event.filter(|event| event.stream != STANDING);
    if answer.is_none() {
        let seen = event.map(|event| event.seen);
        if let Some((seen, reader)) = server.read_standing(live, seen).await? {
            return Ok((STANDING, Some(seen), reader));
        }
    }
    let streams = &live.core().streams;
    let Some(event) = event else {
        let standing = streams.standing(server.limits().resumable());
        return Ok((STANDING, None, standing.reader()));
    };
    match (streams.resume(event), answer) {
        (Resume::Reader(stream, reader), _) => Ok((stream, None, reader)),
        (Resume::Unknown, Some(answer)) => {
            let reader = server.resume_elsewhere(live, answer).await?;
            Ok((answer.stream, None, reader))
        }
        (Resume::Unknown, None) => Err(Unread::Gone),
    }
}

/// Ends a session.
pub(crate) async fn delete(
    server: &Server,
    caller: Option<&Caller>,
    headers: &HeaderMap,
) -> Answer {
    if let Err(answer) = without_modern(headers) {
        return answer;
    }
    match named_session(server, caller, headers) {
        Ok(live) => match server.end_stored(&live, EndReason::Client).await {
            Ok(()) => Answer::bare(204),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a session could not be ended");
                let why = "the session could not be ended now; try again";
                unkept(why, None, version(&live))
            }
        },
        Err(refusal) => refusal.answer(None),
    }
}

/// The stateless era has neither GET nor DELETE (2026-07-28, "Streamable HTTP", "Backward
/// Compatibility").
fn without_modern(headers: &HeaderMap) -> Result<(), Answer> {
    let named = headers.get(VERSION).and_then(|value| value.to_str().ok());
    match named
        .and_then(ProtocolVersion::parse)
        .map(ProtocolVersion::era)
    {
        Some(Era::Stateless) => Err(Answer::bare(405)),
        Some(Era::Handshake) | None => Ok(()),
    }
}

/// A stream of a session, and a reader on it.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) live: Arc<Live>,
    /// The stream's number, for the ids of its events.
    pub(crate) stream: u32,
    /// How many of its events the client has seen, where it is read from the store.
    pub(crate) seen: Option<u64>,
    pub(crate) reader: Reader,
    pub(crate) version: ProtocolVersion,
}

/// One POST.
struct Post<'a> {
    server: &'a Server,
    /// Who sends it; `None` where nobody asks.
    caller: Option<Caller>,
    /// Its URL and headers.
    parts: Arc<Parts>,
    /// The size of its body.
    bytes: usize,
}

impl<'a> Post<'a> {
    fn one(self, message: Message) -> Decision<'a> {
        match message {
            Message::Request(request) => self.request(request),
            Message::Notification(notification) => self.notification(notification).into(),
            Message::Response(response) => self.response(response),
        }
    }

    fn response(self, response: Response) -> Decision<'a> {
        if self.era(None, "") == Era::Stateless {
            let error = RpcError::invalid_request("a stateless client sends no responses");
            return self.error(400, None, &error).into();
        }
        let live = match self.session() {
            Ok(live) => live,
            Err(refusal) => return refusal.answer(None).into(),
        };
        self.heard(&live, 1);
        let Some((id, outcome)) = notice::answered(&live, response) else {
            return Reaction::Accepted.into();
        };
        if live.stored().is_none() {
            return Reaction::Accepted.into();
        }
        // Perhaps another replica waits for it.
        let server = self.server;
        Decision::Opens(Box::pin(async move {
            match server.pass_on(&live, &id, outcome).await {
                Ok(()) => Reaction::Accepted,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "an answer could not be passed on");
                    let why = "answers cannot be passed on now; send it again";
                    unkept(why, None, version(&live)).into()
                }
            }
        }))
    }

    fn request(self, request: Request) -> Decision<'a> {
        let (mut meta, found) = match Preamble::with_others(request.params.as_ref()) {
            Ok(read) => read,
            Err(error) => return self.error(400, Some(&request.id), &error).into(),
        };
        observe::adopt_trace(&mut meta, &self.parts.headers);
        match self.era(meta.protocol_version.as_deref(), &request.method) {
            Era::Stateless => self.stateless(request, meta, found),
            Era::Handshake if request.method == method::INITIALIZE => {
                self.initialize(&request, &meta).into()
            }
            Era::Handshake => match self.session() {
                Ok(live) => {
                    self.heard(&live, 1);
                    let id = request.id.clone();
                    let reaction = told(&live, self.handshake(&live, request, (meta, found), None));
                    saved(live, Some(id), reaction)
                }
                Err(refusal) => refusal.answer(Some(&request.id)).into(),
            },
        }
    }

    fn stateless(self, request: Request, meta: Preamble, found: Found) -> Decision<'a> {
        let server = self.server;
        let id = request.id.clone();
        let refused = |status, error: &RpcError| -> Reaction {
            Answer::error(status, Some(&id), error, ProtocolVersion::LATEST).into()
        };
        let client = match admit::client(&meta, Some(self.version_header())) {
            Ok(client) => client,
            Err(error) => return refused(400, &error).into(),
        };
        if self.parts.headers.get_all(VERSION).iter().count() > 1 {
            // Whatever is between client and server may have gone by the other one.
            let error =
                RpcError::header_mismatch("the `MCP-Protocol-Version` header is there twice");
            return refused(400, &error).into();
        }
        if let Err(error) = mirror::check_standard(&self.parts.headers, &request.method, &found) {
            return refused(400, &error).into();
        }
        let guard = match InFlight::reserve(server, &request, ProtocolVersion::LATEST) {
            Ok(guard) => guard,
            Err(answer) => return answer.into(),
        };
        let granted = granted(self.caller.as_ref());
        let opening = self.opening(Era::Stateless).over_http(self.parts);
        let opening = match &*request.method {
            method::SUBSCRIPTIONS_LISTEN => opening.detach(),
            _ => opening,
        };
        let (live, scope) = match server.enter(&opening) {
            Ok(entered) => entered,
            Err(error) => return not_opened(&error, &id).into(),
        };
        let arrival = Arrival {
            server,
            live: Arc::clone(&live),
            request,
            meta,
            found,
            client,
            outlet: Outbox::new(server.limits().transient()),
            cancel: cancel(&live),
            closing: &server.inner().stopping,
            guard,
            scope: Some(scope),
            granted,
            opening: live.principals().map(|_| opening),
            mirrored: true,
        };
        if let Some(error) = route::unknown(&arrival) {
            return refused(404, &error).into();
        }
        if !live.is_open() && live.opens_at_once() {
            live.opened();
        }
        if server.is_ready(&live) {
            return route::route(arrival).into();
        }
        Decision::Opens(Box::pin(async move {
            match server.open(&live).await {
                Ok(()) => route::route(arrival),
                Err(error) => not_opened(&error, &id),
            }
        }))
    }

    fn initialize(self, request: &Request, meta: &Preamble) -> Reaction {
        let params = match lifecycle::introduction(request) {
            Ok(params) => params,
            Err(error) => return self.error(400, Some(&request.id), &error),
        };
        if self.session().is_ok() {
            let error = RpcError::invalid_request("this session is initialized already");
            return self.error(400, Some(&request.id), &error);
        }
        let (server, limits, bytes) = (self.server, self.server.limits(), self.bytes);
        let inner = server.inner();
        let guard = match InFlight::reserve(server, request, ProtocolVersion::LATEST_HANDSHAKE) {
            Ok(guard) => guard,
            Err(answer) => return answer.into(),
        };
        let place = match Place::reserve(inner, self.caller.as_ref().map(Caller::principal)) {
            Ok(place) => place,
            Err(full) => return no_place(full, None, ProtocolVersion::LATEST_HANDSHAKE).into(),
        };
        janitor::ensure(inner);
        let client = lifecycle::negotiated(params);
        let version = client.version();
        let opened = self.opening(Era::Handshake).over_http(self.parts).detach();
        let live = match server.try_prepare(opened) {
            Ok(live) => live,
            Err(error) => {
                let principal = self.caller.as_ref().map(Caller::principal);
                inner.refused(principal, Refused::Hook);
                let error = refused_session(&error);
                return Answer::error(200, Some(&request.id), &error, version).into();
            }
        };
        live.core().traffic.heard(1, bytes);
        let Some(own) = live.begin(&request.id) else {
            return Answer::error(400, Some(&request.id), &taken(), version).into();
        };
        let guard = guard.with_id(own);
        let observed = Observed::begin(&Facts {
            method: Some(method::INITIALIZE),
            id: &request.id,
            params: None,
            meta,
            live: &live,
            version,
        });
        let scope = Scope::new(&live, EndReason::Transport);
        let (entering, server) = (Arc::clone(&live), server.clone());
        let (id, named) = (request.id.clone(), request.id.clone());
        let future = async move {
            let answer = opening(server.clone(), Arc::clone(&entering), client, id, guard).await?;
            if entering.is_open() {
                if let Err(error) = server.store_session(&entering).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "a session could not be stored");
                    let why = "sessions cannot be kept now; try again";
                    return Some(unkept(why, Some(&named), version));
                }
                place.enter(&entering);
                scope.keep();
                let opened = Some(entering.core().id().clone());
                return Some(Answer { opened, ..answer });
            }
            let inner = server.inner();
            inner.refused(entering.core().principal(), Refused::Hook);
            Some(answer)
        };
        let outlet = Outbox::new(limits.transient());
        let upgrade = Upgrade::Never;
        Reaction::Running(Running {
            future: observed.around(Box::pin(future)),
            outlet,
            live,
            version,
            upgrade,
        })
    }

    fn notification(self, notification: Notification) -> Reaction {
        let meta = match Preamble::of(notification.params.as_ref()) {
            Ok(meta) => meta,
            Err(error) => return self.error(400, None, &error),
        };
        match self.era(meta.protocol_version.as_deref(), &notification.method) {
            Era::Handshake => match self.session() {
                Ok(live) => {
                    self.heard(&live, 1);
                    notice::handshake(self.server, &live, notification);
                    Reaction::Accepted
                }
                Err(refusal) => refusal.answer(None).into(),
            },
            Era::Stateless => {
                // A cancellation is accepted and ignored: ids are the sender's own, and closing
                // the answer's stream is the way to cancel (2026-07-28, "Cancellation").
                if &*notification.method != method::CANCELLED {
                    let opening = self.opening(Era::Stateless);
                    let opening = opening.over_http(self.parts);
                    notice::stateless(self.server, &opening, notification);
                }
                Reaction::Accepted
            }
        }
    }

    fn batch(self, messages: Vec<Result<Message, DecodeError>>) -> Decision<'a> {
        let live = match self.session() {
            Ok(live) if version(&live).has_batches() => live,
            _ => return self.error(400, None, &no_batches()).into(),
        };
        if messages.iter().any(is_initialize) {
            let error = RpcError::invalid_request("`initialize` cannot be part of a batch");
            return self.error(400, None, &error).into();
        }
        self.heard(&live, messages.len());
        let version = version(&live);
        let outlet = Outbox::new(self.server.limits().resumable());
        let reactions: Vec<_> = messages
            .into_iter()
            .map(|message| match message {
                Ok(message) if is_stateless(&message) => not_in_a_batch(&message, version),
                Ok(Message::Request(request)) => {
                    match Preamble::with_others(request.params.as_ref()) {
                        Ok(read) => self.handshake(&live, request, read, Some(&outlet)),
                        Err(error) => Answer::error(200, Some(&request.id), &error, version).into(),
                    }
                }
                Ok(Message::Notification(notification)) => {
                    notice::handshake(self.server, &live, notification);
                    Reaction::Accepted
                }
                Ok(Message::Response(response)) => {
                    if let Some((id, outcome)) = notice::answered(&live, response) {
                        self.server.pass_on_soon(&live, id, outcome);
                    }
                    Reaction::Accepted
                }
                Err(error) => Answer::error(200, error.id.as_ref(), &error.error, version).into(),
            })
            .collect();
        let joined = joined(reactions, outlet, Arc::clone(&live), version);
        let reaction = told(&live, joined);
        saved(live, None, reaction)
    }

    /// Routes a request of a handshake session.
    fn handshake(
        &self,
        live: &Arc<Live>,
        request: Request,
        (meta, found): (Preamble, Found),
        shared: Option<&Arc<Outbox>>,
    ) -> Reaction {
        let server = self.server;
        let version = version(live);
        let Some(client) = live.core().client().cloned() else {
            let error = RpcError::invalid_request("this session is not initialized yet");
            return Answer::error(400, Some(&request.id), &error, version).into();
        };
        if live.core().calls.len() >= server.limits().in_flight {
            let error = RpcError::internal("too many requests are in flight in this session");
            let answer = Answer::error(429, Some(&request.id), &error, version);
            return Answer {
                retry_after: Some(1),
                ..answer
            }
            .into();
        }
        let guard = match InFlight::reserve(server, &request, version) {
            Ok(guard) => guard,
            Err(answer) => return answer.into(),
        };
        let Some(id) = live.begin(&request.id) else {
            return Answer::error(400, Some(&request.id), &taken(), version).into();
        };
        let outlet = shared.map_or_else(|| Outbox::new(server.limits().resumable()), Arc::clone);
        route::route(Arrival {
            server,
            live: Arc::clone(live),
            request,
            meta,
            found,
            client,
            outlet,
            cancel: id.token().clone().into(),
            closing: &server.inner().stopping,
            guard: guard.with_id(id),
            scope: None,
            granted: granted(self.caller.as_ref()),
            opening: None,
            mirrored: false,
        })
    }

    /// Counts what a session's client said.
    fn heard(&self, live: &Live, messages: usize) {
        live.core().traffic.heard(messages, self.bytes);
    }

    /// The session that the headers name, if it is the caller's.
    fn session(&self) -> Result<Arc<Live>, Refusal> {
        named_session(self.server, self.caller.as_ref(), &self.parts.headers)
    }

    fn opening(&self, era: Era) -> Opening {
        Opening::new(
            era,
            self.caller
                .as_ref()
                .map(|caller| caller.principal().clone()),
        )
    }

    fn era(&self, in_meta: Option<&str>, method: &str) -> Era {
        admit::era(in_meta, self.version_header(), method)
    }

    fn version_header(&self) -> Option<&str> {
        self.parts.headers.get(VERSION)?.to_str().ok()
    }

    fn error(&self, status: u16, id: Option<&RequestId>, error: &RpcError) -> Reaction {
        let named = self.version_header().and_then(ProtocolVersion::parse);
        let version = named.unwrap_or(ProtocolVersion::LATEST_HANDSHAKE);
        Answer::error(status, id, error, version).into()
    }

    fn unavailable(&self, why: &'static str) -> Reaction {
        let error = RpcError::internal(why);
        match self.error(503, None, &error) {
            Reaction::Answer(answer) => Answer {
                retry_after: Some(5),
                ..answer
            }
            .into(),
            other => other,
        }
    }
}

/// The answer to a client for whose session there is no place.
fn no_place(full: Full, id: Option<&RequestId>, version: ProtocolVersion) -> Answer {
    let (status, seconds) = match full {
        Full::Server => (503, 5),
        Full::Principal => (429, 5),
        Full::TooFast => (429, 1),
    };
    Answer {
        retry_after: Some(seconds),
        ..Answer::error(status, id, &RpcError::internal(full.why()), version)
    }
}

/// The answer to a stateless request whose session could not be opened.
fn not_opened(error: &OpenError, id: &RequestId) -> Reaction {
    let version = ProtocolVersion::LATEST;
    let answer = |status| Answer::error(status, Some(id), &refused_session(error), version);
    let answer = match error {
        OpenError::Full(full) => no_place(*full, Some(id), version),
        OpenError::Ended => Answer {
            retry_after: Some(1),
            ..answer(503)
        },
        OpenError::Unavailable(_) => Answer {
            retry_after: Some(5),
            ..answer(503)
        },
        OpenError::Refused(_) | OpenError::Panicked | OpenError::TimedOut => answer(200),
    };
    answer.into()
}

/// Why a request has no session.
struct Refusal {
    status: u16,
    error: RpcError,
    version: ProtocolVersion,
}

impl Refusal {
    fn answer(&self, id: Option<&RequestId>) -> Answer {
        Answer::error(self.status, id, &self.error, self.version)
    }
}

/// The session that the headers name. An unknown id is 404 whatever else is wrong, so that a
/// client learns that it must begin anew.
fn named_session(
    server: &Server,
    caller: Option<&Caller>,
    headers: &HeaderMap,
) -> Result<Arc<Live>, Refusal> {
    let header = headers.get(VERSION);
    let named = header
        .and_then(|value| value.to_str().ok())
        .and_then(ProtocolVersion::parse);
    let refuse = |status, message: &'static str| Refusal {
        status,
        error: RpcError::invalid_request(message),
        version: named.unwrap_or(ProtocolVersion::LATEST_HANDSHAKE),
    };
    let Some(id) = headers.get(SESSION) else {
        return Err(refuse(
            400,
            "the `Mcp-Session-Id` header is missing: send `initialize` first, or follow protocol version 2026-07-28",
        ));
    };
    let found = id
        .to_str()
        .ok()
        .and_then(|id| server.inner().sessions.find(id));
    // Another principal's session is one that does not exist.
    let principal = caller.map(Caller::principal);
    let found = found.filter(|live| live.is_over_http() && live.core().principal() == principal);
    // One that ended just now is gone as well; any other is in use from here on.
    let found = found.filter(|live| live.touch().is_ok());
    let live =
        found.ok_or_else(|| refuse(404, "there is no such session: send `initialize` again"))?;
    if header.is_some() && named.is_none_or(|version| version.era() == Era::Stateless) {
        return Err(refuse(
            400,
            "the `MCP-Protocol-Version` header names no revision that has sessions here",
        ));
    }
    Ok(live)
}

/// Cancels a stateless request: with the session, where that is its principal's.
fn cancel(live: &Live) -> Cancel {
    let shared = live.principals();
    shared.map_or_else(Cancel::default, |shared| shared.cancellation().into())
}

/// What a caller over HTTP may do: nothing that is guarded, where nobody asks who it is.
fn granted(caller: Option<&Caller>) -> Granted {
    Granted::Scopes(
        caller
            .map(|caller| caller.granted().clone())
            .unwrap_or_default(),
    )
}

/// Holds an answer back until what its request changed is in the store: its client may go to
/// another replica next.
fn saved<'a>(live: Arc<Live>, id: Option<RequestId>, reaction: Reaction) -> Decision<'a> {
    let Some(stored) = live.stored() else {
        return reaction.into();
    };
    match reaction {
        Reaction::Running(running) => {
            let (future, version) = (running.future, running.version);
            let future = async move {
                let answer = future.await?;
                Some(once_saved(&live, id.as_ref(), version, answer).await)
            };
            let future = Box::pin(future);
            Reaction::Running(Running { future, ..running }).into()
        }
        Reaction::Answer(answer) if stored.is_unsaved() => Decision::Opens(Box::pin(async move {
            let version = version(&live);
            once_saved(&live, id.as_ref(), version, answer).await.into()
        })),
        decided => decided.into(),
    }
}

async fn once_saved(
    live: &Arc<Live>,
    id: Option<&RequestId>,
    version: ProtocolVersion,
    answer: Answer,
) -> Answer {
    match live.saved().await {
        Ok(()) => answer,
        Err(_) => unkept(
            "what this request changed could not be kept; it may have to be made again",
            id,
            version,
        ),
    }
}

/// The answer where the store does not answer.
fn unkept(why: &'static str, id: Option<&RequestId>, version: ProtocolVersion) -> Answer {
    Answer {
        retry_after: Some(1),
        ..Answer::error(503, id, &RpcError::internal(why), version)
    }
}

/// Counts what a session answers at once; what runs is counted where it ends.
fn told(live: &Live, reaction: Reaction) -> Reaction {
    if let Reaction::Answer(answer) = &reaction {
        answer.count(&live.core().traffic);
    }
    reaction
}

fn version(live: &Live) -> ProtocolVersion {
    live.core()
        .client()
        .map_or(ProtocolVersion::LATEST_HANDSHAKE, |client| client.version())
}
