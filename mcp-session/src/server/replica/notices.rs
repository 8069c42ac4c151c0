//! Notices to many sessions, which some replica or other holds.

use std::sync::Arc;

use crate::auth::Principal;
use crate::server::{Live, Server, ServerInner, Session};
use crate::store::Owner;
use crate::store::bus::{Event, short};

/// What a principal is called on the bus.
const PRINCIPALS: &str = "principal";

impl Live {
    /// True where it is this replica's part to tell it what many are told: where its client read the
    /// standing stream last, or, where it never did, where it was opened.
    pub(crate) fn is_told_here(&self) -> bool {
        let (Some(stored), Some(server)) = (self.stored(), self.server()) else {
            return true;
        };
        let own = server.own_id();
        match stored.listening().at {
            Some(at) if at == own => true,
            Some(at) if !server.is_long_gone(&at) => false,
            _ => stored.is_home(&own),
        }
    }
}

impl ServerInner {
    /// Tells other replicas that a resource has changed.
    pub(crate) fn tell_replicas(self: &Arc<Self>, uri: &str, only: Option<&Principal>) {
        if self.replica.is_none() {
            return;
        }
        let server = Server::from_inner(Arc::clone(self));
        server.start_hearing();
        server.say(Event::ResourceUpdated {
            uri: uri.into(),
            from: server.own_id(),
            principal: only.map(named),
        });
    }
}

impl Server {
    /// Says that an errand was done whose client was asked by another replica.
    pub(crate) fn errand_done_here(&self, id: &str) {
        if self.inner().replica.is_some() {
            self.say(Event::ErrandDone { id: id.into() });
        }
    }

    /// Tells the clients that are told things here of a resource that changed, as another replica
    /// says.
    pub(super) fn updated_elsewhere(&self, uri: &str, principal: Option<&str>) {
        let concerns = |other: Option<&Principal>| {
            principal.is_none_or(|named_so| other.is_some_and(|other| *named(other) == *named_so))
        };
        let inner = self.inner();
        inner.sessions.for_each(|live| {
            if live.core().subscription_count() == 0
                || !live.is_told_here()
                || !concerns(live.core().principal())
            {
                return;
            }
            for own in live
                .core()
                .subscriptions()
                .iter()
                .filter(|own| short(own) == uri)
            {
                Session::new(Arc::clone(live)).resource_updated(own);
            }
        });
        inner
            .listeners
            .resource_updated_elsewhere(|own| short(own) == uri, concerns);
    }
}

fn named(principal: &Principal) -> Arc<str> {
    Owner::principal(PRINCIPALS, principal).id().into()
}
