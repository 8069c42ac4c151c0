//! Making live sessions from records, and keeping copies up to date.

use std::{
    collections::{HashMap, hash_map::Entry},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::auth::Principal;
use crate::clock::{self, Instant};
use crate::server::replica::Replica;
use crate::server::replica::freshness::Freshness;
use crate::server::replica::record::{Changing, SessionRecord};
use crate::server::replica::stored::{Found, SESSIONS, Stored, record_of};
use crate::server::{Full, Live, Place, Server, janitor};
use crate::session::{EndReason, SessionId};
use crate::store::{Draft, Owner, Quota, Revision, StoreError};

/// How long an id that is in no store is remembered, so that guessing costs no round trips.
const UNKNOWN: Duration = Duration::from_secs(1);

/// How many such ids are remembered.
const UNKNOWNS: usize = 10_000;

/// Why nobody can say whether there is such a session.
#[derive(Debug, Clone)]
pub(crate) enum Unfetched {
    /// The store did not answer.
    Unavailable(Arc<StoreError>),
    /// There is a session, and no place for it here.
    Full(Full),
}

/// How a flight ends, for everybody who waits for it.
type Landed = Result<(), Unfetched>;

/// A look into the store on behalf of a request.
pub(crate) type Fetching<'a> = Pin<Box<dyn Future<Output = Landed> + Send + 'a>>;

/// The sessions that are being restored, each once, however many requests wait for it.
#[derive(Debug, Default)]
pub(super) struct Flights {
    // Held for a map operation only, never across an await.
    under_way: Mutex<HashMap<Wanted, watch::Receiver<Option<Landed>>>>,
    // Held for a map operation only, never across an await.
    unknown: Mutex<HashMap<Wanted, Instant>>,
}

/// The session that a request names, and who does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Wanted {
    session: Owner,
    principal: Option<Principal>,
}

impl Server {
    /// What a request that names this session must wait for: nothing, where a copy is here and
    /// known to be the newest, and where sessions live in this process only.
    pub(crate) fn fetch<'a>(
        &'a self,
        id: &str,
        principal: Option<&Principal>,
    ) -> Option<Fetching<'a>> {
        let replica = self.inner().replica.as_ref()?;
        if let Some(live) = self.inner().sessions.find(id) {
            let stored = live.stored()?;
            self.keep_alive(&live, stored);
            if self.is_fresh(stored) {
                return None;
            }
            return Some(Box::pin(async move { self.look_again(live).await }));
        }
        let wanted = Wanted {
            session: Owner::secret(SESSIONS, id),
            principal: principal.cloned(),
        };
        if replica.ending.lock().contains_key(&wanted.session)
            || replica.flights.knows_none(&wanted)
        {
            return None;
        }
        let id = SessionId::from(id);
        Some(Box::pin(async move {
            self.restore(id.clone(), wanted).await?;
            // Whoever restored it may have looked before this was asked.
            let live = self.inner().sessions.find(id.as_str());
            let stale = live.filter(|live| live.stored().is_some_and(|it| !self.is_fresh(it)));
            match stale {
                Some(live) => self.look_again(live).await,
                None => Ok(()),
            }
        }))
    }

    async fn look_again(&self, live: Arc<Live>) -> Landed {
        let Some(stored) = live.stored() else {
            return Ok(());
        };
        match live.refresh(stored, self).await {
            Ok(Found::Living) => {}
            Ok(Found::Gone) => self.let_go(&live, EndReason::Client),
            Err(error) => return Err(Unfetched::Unavailable(Arc::new(error))),
        }
        Ok(())
    }

    /// Extends the life of a record whose session is in use, from time to time and in a task.
    pub(crate) fn keep_alive(&self, live: &Arc<Live>, stored: &Stored) {
        let (inner, order) = (self.inner(), Ordering::Relaxed);
        let now = inner.hub.now_ms();
        let due = stored.due_ms.load(order);
        let next = now.saturating_add(inner.touch_pause_ms());
        if now < due
            || stored
                .due_ms
                .compare_exchange(due, next, order, order)
                .is_err()
        {
            return;
        }
        let (server, live) = (self.clone(), Arc::clone(live));
        inner.tasks.spawn(async move {
            if let Err(error) = server.touch(&live).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the record of a session in use may expire");
            }
        });
    }

    /// Extends the life of all that a session has in the store.
    async fn touch(&self, live: &Live) -> Result<(), StoreError> {
        const PAGE: usize = 100;
        let Some(stored) = live.stored() else {
            return Ok(());
        };
        let (store, ttl) = (self.inner().store(), self.inner().record_ttl());
        if store.touch(&stored.key(), ttl).await?.is_none() {
            // It is gone: whoever uses it next sees that.
            stored.freshness.mark_stale();
            return Ok(());
        }
        let state = &live.owner_of_state();
        let mut after = None;
        loop {
            let page = store.list(state, after.as_deref(), PAGE).await?;
            for value in &page {
                store.touch(&state.key(&*value.name), ttl).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.name.clone()),
                _ => return Ok(()),
            }
        }
    }

    /// Restores a session, or waits for whoever is at it.
    async fn restore(&self, id: SessionId, wanted: Wanted) -> Landed {
        let Some(replica) = &self.inner().replica else {
            return Ok(());
        };
        let mut landed = match replica.flights.under_way.lock().entry(wanted.clone()) {
            Entry::Occupied(flight) => flight.get().clone(),
            Entry::Vacant(place) => {
                let (say, hear) = watch::channel(None);
                place.insert(hear.clone());
                let server = self.clone();
                // A task of its own: whoever was first may give up.
                self.inner().tasks.spawn(async move {
                    let flight = Flight { server, wanted };
                    let landed = flight.fly(id).await;
                    drop(flight);
                    say.send_replace(Some(landed));
                });
                hear
            }
        };
        match landed.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
            // Its runtime is gone.
            Err(_) => Err(Unfetched::Unavailable(Arc::new(StoreError::unavailable(
                "the server is going away",
            )))),
        }
    }

    /// Makes the record of a session that was just opened here.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be kept; the session is then nobody's but this process's.
    pub(crate) async fn store_session(&self, live: &Arc<Live>) -> Result<(), StoreError> {
        let inner = self.inner();
        if inner.replica.is_none() {
            return Ok(());
        }
        let Some(record) = SessionRecord::of(live, self.own_id(), clock::unix_ms()) else {
            return Ok(());
        };
        let owner = Owner::secret(SESSIONS, live.core().id().as_str());
        self.begin_hearing().await;
        let times = inner.times();
        let draft = Draft::new(record.encode()).ttl(inner.record_ttl());
        let key = record_of(&owner);
        let created = inner.store().create(&key, draft, Quota::NONE);
        // Nobody else has it yet, so that it does not matter which comes first.
        let (revision, held) = tokio::join!(created, self.hold(&owner));
        let revision = revision?;
        held?;
        let seen = record.changing.clone();
        let stored = Stored::new(owner, record, revision, seen, Freshness::held_since(times));
        stored.due_ms.store(self.next_touch(), Ordering::Relaxed);
        if let Some(replica) = &inner.replica {
            replica.hearing.here(&stored.session(), live);
        }
        live.set_stored(stored);
        // What changed since the record was put together.
        live.changed(None, &[]);
        Ok(())
    }

    fn next_touch(&self) -> u64 {
        let inner = self.inner();
        inner.hub.now_ms().saturating_add(inner.touch_pause_ms())
    }
}

impl Live {
    /// How long its state lives behind its last use, where it is one copy of a stored session.
    pub(crate) fn ttl_of_state(&self) -> Option<Duration> {
        self.stored()?;
        Some(self.server()?.inner().record_ttl())
    }
}

impl Flights {
    /// True when there was no such session a moment ago.
    fn knows_none(&self, wanted: &Wanted) -> bool {
        let unknown = self.unknown.lock();
        let since = unknown.get(wanted);
        since.is_some_and(|since| clock::now().duration_since(*since) < UNKNOWN)
    }

    fn remember_none(&self, wanted: &Wanted) {
        let mut unknown = self.unknown.lock();
        if unknown.len() >= UNKNOWNS {
            let now = clock::now();
            unknown.retain(|_, since| now.duration_since(*since) < UNKNOWN);
        }
        if unknown.len() < UNKNOWNS {
            unknown.insert(wanted.clone(), clock::now());
        }
    }
}

/// The one who restores a session. However it ends, another can begin.
struct Flight {
    server: Server,
    wanted: Wanted,
}

impl Flight {
    async fn fly(&self, id: SessionId) -> Landed {
        let inner = self.server.inner();
        let Some(replica) = &inner.replica else {
            return Ok(());
        };
        if inner.sessions.find(id.as_str()).is_some() {
            // Another flight was just before this one.
            return Ok(());
        }
        self.server.begin_hearing().await;
        let session: Arc<str> = self.wanted.session.id().into();
        let times = inner.times();
        let coming = Coming::new(replica, &session);
        let found = self.find(&id).await;
        let found = found.map_err(|error| Unfetched::Unavailable(Arc::new(error)))?;
        let Some((record, revision)) = found else {
            replica.flights.remember_none(&self.wanted);
            return Ok(());
        };
        let place = match Place::reserve(inner, self.wanted.principal.as_ref()) {
            Ok(place) => place,
            Err(full) => return Err(Unfetched::Full(full)),
        };
        janitor::ensure(inner);
        let live = self.live(&id, &record);
        let stored = &record.changing;
        let new = Changing::of(&live);
        live.adopt(&new, stored);
        let seen = Changing {
            // Nobody else has it, and can have changed it.
            changes: live.lay(&stored.changes, &new.changes).unwrap_or_default(),
            ..stored.clone()
        };
        let owner = self.wanted.session.clone();
        let stored = Stored::new(owner, record, revision, seen, Freshness::held_since(times));
        stored
            .due_ms
            .store(self.server.next_touch(), Ordering::Relaxed);
        stored.set_untold(revision);
        live.set_stored(stored);
        live.resume().await;
        replica.hearing.here(&session, &live);
        // Whoever wrote what was found may be gone, and others may hold what was before.
        if let Some(stored) = live.stored()
            && let Err(error) = self.server.tell_in_turn(stored).await
        {
            replica.hearing.left(&session, &live);
            return Err(Unfetched::Unavailable(Arc::new(error)));
        }
        if coming.is_changed() {
            live.stored()
                .inspect(|stored| stored.freshness.mark_stale());
        }
        place.enter(&live);
        Ok(())
    }

    /// The session as it is before anything that it changed.
    fn live(&self, id: &SessionId, record: &SessionRecord) -> Arc<Live> {
        let (inner, origin) = (self.server.inner(), &record.origin);
        let variant = inner.variants.member(&origin.variant);
        let variant = variant.unwrap_or_else(|_| {
            let variant = &origin.variant;
            tracing::warn!(
                variant,
                "a session's variant is gone; it gets the default one"
            );
            inner.variants.default_member()
        });
        inner.hub.settle();
        let opening = record.opening(self.wanted.principal.clone());
        let live = Live::restored(opening, variant, inner, id.clone());
        live.core().introduce(record.client());
        // Whoever comes back has said so before, or says so now and is asked for nothing more.
        live.core().initialized();
        live
    }

    /// The record of the session, if there is one for whoever wants it; from here on this replica
    /// is told when it changes.
    async fn find(&self, id: &SessionId) -> Result<Option<(SessionRecord, Revision)>, StoreError> {
        let (inner, owner) = (self.server.inner(), &self.wanted.session);
        let key = record_of(owner);
        // Touched, so that it is seen to be in use from here on.
        let mut found = inner.store().touch(&key, inner.record_ttl()).await?;
        if found.is_some() && self.server.hold(owner).await? {
            // It may have changed just before others knew whom to tell.
            found = inner.store().load(&key).await?;
        }
        let Some(found) = found else {
            return Ok(None);
        };
        let record = SessionRecord::decode(&found.value).map_err(|error| {
            let session = id.tag();
            let told = &error as &dyn std::error::Error;
            tracing::error!(%session, error = told, "the record of a session is not understood");
            StoreError::unavailable(error)
        })?;
        // Another principal's session is one that does not exist.
        let own = record.ended.is_none() && record.is_of(self.wanted.principal.as_ref());
        Ok(own.then_some((record, found.revision)))
    }
}

/// A session is on its way.
struct Coming<'a> {
    replica: &'a Replica,
    session: &'a Arc<str>,
    /// True once it was changed meanwhile; there until this is dropped.
    changed: Option<Arc<AtomicBool>>,
}

impl<'a> Coming<'a> {
    fn new(replica: &'a Replica, session: &'a Arc<str>) -> Self {
        let changed = Some(replica.hearing.coming(session));
        Self {
            replica,
            session,
            changed,
        }
    }

    fn is_changed(&self) -> bool {
        let changed = self.changed.as_ref();
        changed.is_some_and(|changed| changed.load(Ordering::SeqCst))
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.changed = None;
        self.replica.hearing.landed(self.session);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(replica) = &self.server.inner().replica {
            replica.flights.under_way.lock().remove(&self.wanted);
        }
    }
}
