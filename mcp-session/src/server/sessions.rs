//! Live sessions for operators: one, all, in pages, by principal, and whether they are sound.

use std::{collections::BTreeMap, sync::Arc};

use crate::auth::Principal;
use crate::server::registry::Registry;
use crate::server::{Live, ServerInner, Session};
use crate::session::{EndReason, SessionId};

/// A session one of whose invariants does not hold: a defect of this crate, to report. Found by
/// [`Sessions::validate`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Unhealthy {
    /// The session.
    pub session: Session,
    /// What is wrong with it.
    pub problem: String,
}

/// The live sessions of a server: handshake sessions, those on byte streams included, and those of
/// principals in the stateless era.
///
/// Made by [`Server::sessions`](crate::Server::sessions).
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a> {
    registry: &'a Registry,
}

impl<'a> Sessions<'a> {
    pub(crate) fn new(server: &'a ServerInner) -> Self {
        Self {
            registry: &server.sessions,
        }
    }

    /// The session of this id.
    pub fn get(&self, id: &SessionId) -> Option<Session> {
        self.registry.find(id.as_str()).map(Session::new)
    }

    /// Ends the session of this id: what runs in it is cancelled, its streams are closed, its
    /// client gets 404 from here on, or, in the stateless era, a new session with the next request.
    /// False when there is none.
    pub fn end(&self, id: &SessionId) -> bool {
        self.registry.end(id.as_str(), EndReason::Revoked)
    }

    /// As [`end`](Self::end), for another reason than [`EndReason::Revoked`].
    pub fn end_as(&self, id: &SessionId, reason: EndReason) -> bool {
        self.registry.end(id.as_str(), reason)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.registry.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in no particular order.
    pub fn list(&self) -> Vec<Session> {
        let mut sessions = Vec::new();
        self.registry
            .for_each(|live| sessions.push(Session::new(Arc::clone(live))));
        sessions
    }
}

impl Sessions<'_> {
    /// At most `limit` sessions behind the one of this id, or from the first, in the order of
    /// their ids. The last one's id leads to the next page; an empty page is the end.
    ///
    /// Sessions that open and end meanwhile neither repeat nor hide others. Each page looks at
    /// every session once and holds no lock while it does.
    ///
    /// # Examples
    ///
    /// ```
    /// # let template = mcp_session::Template::builder("weather", "1.0.0").build()?;
    /// # let server = mcp_session::Server::new(template);
    /// let mut after = None;
    /// loop {
    ///     let page = server.sessions().page(after.as_ref(), 100);
    ///     let Some(last) = page.last() else { break };
    ///     after = Some(last.id().clone());
    ///     for session in page {
    ///         println!("{session:?}: {:?}", session.stats());
    ///     }
    /// }
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn page(&self, after: Option<&SessionId>, limit: usize) -> Vec<Session> {
        let after = after.map(SessionId::as_str);
        let mut page: BTreeMap<String, Session> = BTreeMap::new();
        self.registry.for_each(|live| {
            let id = live.core().id().as_str();
            if after.is_some_and(|after| id <= after) {
                return;
            }
            let full = page.len() >= limit;
            if full && page.last_key_value().is_none_or(|(last, _)| id >= &**last) {
                return;
            }
            page.insert(id.to_owned(), Session::new(Arc::clone(live)));
            if full {
                page.pop_last();
            }
        });
        page.into_values().collect()
    }

    /// The sessions of a principal in both eras, in no particular order.
    pub fn of(&self, principal: &Principal) -> Vec<Session> {
        let mut sessions = Vec::new();
        self.registry.for_each(|live| {
            if live.core().principal() == Some(principal) {
                sessions.push(Session::new(Arc::clone(live)));
            }
        });
        sessions
    }

    /// Ends all sessions of a principal, as [`end`](Self::end) does: what to do when its access is
    /// taken away. Says how many there were.
    ///
    /// Take the credential away first, or its client opens the next session.
    pub fn end_all(&self, principal: &Principal) -> usize {
        let end = |session: &Session| {
            let id = session.id().as_str();
            self.registry.end(id, EndReason::Revoked)
        };
        self.of(principal)
            .iter()
            .filter(|session| end(session))
            .count()
    }

    /// Checks what must be true of every live session, and names those of which it is not. None
    /// is what to expect.
    pub fn validate(&self) -> Vec<Unhealthy> {
        let mut found = Vec::new();
        self.registry.for_each(|live| {
            for problem in problems(live) {
                let session = Session::new(Arc::clone(live));
                found.push(Unhealthy { session, problem });
            }
        });
        // A session that ended since it was looked up is not among the living.
        found.retain(|unhealthy| self.get(unhealthy.session.id()).is_some());
        found
    }
}

fn problems(live: &Arc<Live>) -> Vec<String> {
    let core = live.core();
    let mut problems = Vec::new();
    if let Some(reason) = core.end_reason() {
        problems.push(format!("it has ended ({reason}) and is still found"));
    }
    let Some(server) = live.server() else {
        return problems;
    };
    if live.principals().is_some()
        && let Some(principal) = core.principal()
    {
        let shared = server.inner().sessions.principals();
        let shared = shared.find(principal, live.variant().name());
        if !shared.is_some_and(|shared| Arc::ptr_eq(&shared, live)) {
            problems.push("its principal's requests do not find it".to_owned());
        }
    }
    let limits = server.limits();
    let in_flight = core.calls.len();
    if live.is_over_http() && in_flight > limits.in_flight {
        problems.push(format!("{in_flight} requests are in flight"));
    }
    let subscriptions = core.subscription_count();
    if subscriptions > limits.subscriptions {
        problems.push(format!("it has {subscriptions} subscriptions"));
    }
    if live.is_over_http() && core.client().is_none() {
        problems.push("it is found and was never introduced to its client".to_owned());
    }
    problems.extend(core.streams.problems());
    problems.extend(live.with_view(|catalog, overlay| overlay.problems(catalog)));
    problems
}
