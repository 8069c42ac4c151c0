//! Live sessions for operators: in pages, by principal, and whether they are sound.

use std::{collections::BTreeMap, sync::Arc};

use crate::auth::Principal;
use crate::server::{Live, Session, Sessions};
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

    /// The sessions of a principal, in no particular order.
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
