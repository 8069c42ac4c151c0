//! The live sessions of principals, by principal and variant.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::auth::Principal;
use crate::protocol::Era;
use crate::server::open::{OpenError, Scope};
use crate::server::principal::Shared;
use crate::server::variant::Member;
use crate::server::{Live, Place, ServerInner, janitor};
use crate::session::Opening;
use crate::shards::Shards;
use crate::store;

/// Whose session it is, and of which variant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    principal: Principal,
    variant: Arc<str>,
}

/// Which live session a principal's requests share. The registry has them as well, by their ids,
/// and looks after them.
#[derive(Debug, Default)]
pub(crate) struct Principals {
    // Held for a map operation only, never across an await; sessions are ended outside.
    shards: Shards<Key, Arc<Live>>,
    /// Those that show what a store keeps, by the records of that. Locked under the other.
    stored: Shards<store::Key, Arc<Live>>,
}

/// The session that a byte stream's last request entered: its next one need not search for it.
#[derive(Debug, Default)]
// Held to look or to replace, never across an await.
pub(crate) struct Known(Mutex<Weak<Live>>);

impl Key {
    pub(crate) fn new(principal: &Principal, variant: &Arc<str>) -> Self {
        Self {
            principal: principal.clone(),
            variant: Arc::clone(variant),
        }
    }

    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(super) fn variant(&self) -> &Arc<str> {
        &self.variant
    }
}

impl ServerInner {
    /// The session of this principal, in use from here on: the one there is, or a new one.
    pub(crate) fn enter(
        self: &Arc<Self>,
        principal: &Principal,
        variant: &Arc<Member>,
    ) -> Result<(Arc<Live>, Scope), OpenError> {
        let key = Key::new(principal, variant.name());
        let principals = self.sessions.principals();
        loop {
            // In use before the lock is let go, so that nobody takes it for idle.
            let found = principals.shards.of(&key).read().get(&key).map(in_use);
            let (live, scope) = match found {
                Some(found) => found,
                None => self.open_for(&key, variant)?,
            };
            if live.admits() {
                return Ok((live, scope));
            }
            // Its end was decided just before: whoever ends it may not have come to this yet.
            principals.forget(&live);
        }
    }

    /// A new session of this principal, unless another request of its was faster.
    fn open_for(
        self: &Arc<Self>,
        key: &Key,
        variant: &Arc<Member>,
    ) -> Result<(Arc<Live>, Scope), OpenError> {
        let place = Place::reserve(self, Some(&key.principal)).map_err(OpenError::Full)?;
        janitor::ensure(self);
        let mut sessions = self.sessions.principals().shards.of(key).write();
        if let Some(live) = sessions.get(key) {
            return Ok(in_use(live));
        }
        // Read under the lock: an edit looks for the session after it has kept its changes. What
        // a store keeps is read before the session opens.
        let durable = self.records.load(key);
        let record = self.record_of(key);
        let opening = Opening::new(Era::Stateless, Some(key.principal.clone()));
        let live = Live::shared(opening, variant, self, durable, Shared::new(record.clone()));
        sessions.insert(key.clone(), Arc::clone(&live));
        if let Some(record) = record {
            let mut stored = self.sessions.principals().stored.of(&record).write();
            stored.insert(record, Arc::clone(&live));
        }
        let entered = in_use(&live);
        drop(sessions);
        place.enter(&live);
        if live.opens_at_once() {
            live.opened();
        }
        Ok(entered)
    }
}

impl Principals {
    /// The live session of this principal, if there is one.
    pub(crate) fn find(&self, principal: &Principal, variant: &Arc<str>) -> Option<Arc<Live>> {
        let key = Key::new(principal, variant);
        self.shards.of(&key).read().get(&key).cloned()
    }

    /// The live session that shows what is in this record, if there is one.
    pub(crate) fn showing(&self, record: &store::Key) -> Option<Arc<Live>> {
        self.stored.of(record).read().get(record).cloned()
    }

    /// Brings the sessions of a variant to its newest revision. One that is called meanwhile
    /// brings itself.
    pub(crate) fn renew(&self, variant: &Arc<Member>) {
        for shard in self.shards.iter() {
            let of_variant = |live: &&Arc<Live>| Arc::ptr_eq(live.variant(), variant);
            let sessions = shard.read();
            let sessions: Vec<_> = sessions.values().filter(of_variant).cloned().collect();
            sessions.iter().for_each(|live| live.renew(None));
        }
    }

    /// No further request finds this session.
    pub(crate) fn forget(&self, live: &Arc<Live>) {
        let Some(principal) = live.core().principal() else {
            return;
        };
        let key = Key::new(principal, live.variant().name());
        let mut sessions = self.shards.of(&key).write();
        if !sessions.get(&key).is_some_and(|own| Arc::ptr_eq(own, live)) {
            return;
        }
        sessions.remove(&key);
        Shards::shrink(&mut sessions);
        if let Some(recalled) = live.principals().and_then(Shared::recalled) {
            let mut stored = self.stored.of(&recalled.record).write();
            stored.remove(&recalled.record);
            Shards::shrink(&mut stored);
        }
    }
}

impl Known {
    /// The session that was entered last, in use from here on, if it is still there and of this
    /// variant: as a request finds it that came just before its end.
    pub(crate) fn enter(&self, variant: &Arc<Member>) -> Option<(Arc<Live>, Scope)> {
        let live = self.0.lock().upgrade()?;
        if !Arc::ptr_eq(live.variant(), variant) {
            return None;
        }
        // In use before it is looked at, so that nobody takes it for idle.
        let scope = Scope::shared(&live);
        live.admits().then_some((live, scope))
    }

    /// Remembers the session that was entered.
    pub(crate) fn remember(&self, live: &Arc<Live>) {
        *self.0.lock() = Arc::downgrade(live);
    }
}

impl Live {
    /// Notes one more request, and brings the session to the newest revision; false when it has
    /// ended.
    fn admits(self: &Arc<Self>) -> bool {
        let lives = self.touch().is_ok();
        if lives && !self.is_current() {
            self.renew(None);
        }
        lives
    }
}

fn in_use(live: &Arc<Live>) -> (Arc<Live>, Scope) {
    (Arc::clone(live), Scope::shared(live))
}
