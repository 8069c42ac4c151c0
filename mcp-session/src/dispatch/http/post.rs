//! A POST: what it carries, of which era, and who decides about it.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;

use crate::auth::{Caller, Granted};
use crate::context::Cancel;
use crate::dispatch::arrival::Arrival;
use crate::dispatch::http::named::{Refusal, named_session};
use crate::dispatch::http::saved::saved;
use crate::dispatch::http::{Decision, VERSION, no_place, unkept, version};
use crate::dispatch::in_flight::InFlight;
use crate::dispatch::observe::{Facts, Observed};
use crate::dispatch::reaction::{Answer, Reaction, Running, Upgrade};
use crate::dispatch::stream::{
    count, is_initialize, is_stateless, joined, no_batches, not_in_a_batch, opening,
    refused_session, taken,
};
use crate::dispatch::{admit, lifecycle, mirror, notice, observe, route};
use crate::protocol::{
    DecodeError, Era, Foreword, Found, Incoming, Message, Notification, Preamble, ProtocolVersion,
    Received, Request, RequestId, Response, RpcError, method, receive,
};
use crate::server::{Live, OpenError, Place, Refusal as Refused, Scope, Server, janitor};
use crate::session::{EndReason, Opening, Outbox};

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
    let decoded = receive(body, &server.limits().decode());
    let traffic = &server.inner().totals.traffic;
    traffic.heard(count(&decoded), body.len());
    let Received { incoming, foreword } = match decoded {
        Ok(received) => received,
        Err(error) => return post.error(400, error.id.as_ref(), &error.error).into(),
    };
    match incoming {
        Incoming::One(message) => post.one(message, foreword),
        Incoming::Batch(messages) => post.batch(messages),
    }
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
    fn one(self, message: Message, foreword: Option<Foreword>) -> Decision<'a> {
        match message {
            Message::Request(request) => self.request(request, foreword),
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

    fn request(self, request: Request, foreword: Option<Foreword>) -> Decision<'a> {
        let read = || Preamble::with_others(request.params.as_ref());
        let (mut meta, found) = match foreword.unwrap_or_else(read) {
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
        let client = lifecycle::negotiated(&params);
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

/// Counts what a session answers at once; what runs is counted where it ends.
fn told(live: &Live, reaction: Reaction) -> Reaction {
    if let Reaction::Answer(answer) = &reaction {
        answer.count(&live.core().traffic);
    }
    reaction
}
