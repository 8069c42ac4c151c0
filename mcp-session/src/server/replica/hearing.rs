//! What replicas tell each other of the sessions they hold: who hears whom, and who waits for whom.
//!
//! Every replica says twice a second that it is there, and trusts its copies only as long as it
//! hears itself say so. Whoever saves a session waits for the replicas that hold it to say that
//! they have seen it, and for one that says nothing as long as that one may trust its copy: so no
//! replica answers from what was changed elsewhere before the change was answered.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock;
use crate::protocol::RequestId;
use crate::server::replica::stored::Stored;
use crate::server::{Live, Server, ServerInner};
use crate::session::{EndReason, STANDING};
use crate::store::bus::{Bus, Delivery, Event, Subscription};
use crate::store::{Draft, Key, Owner, Quota, Revision, StoreError};

/// How often a replica says that it is there.
const BEAT: Duration = Duration::from_millis(500);

/// How long a copy is trusted behind the last beat that came back, in milliseconds.
const TRUST_MS: u64 = 1_500;

/// How long a replica that says nothing is waited for: longer than it may trust its copies.
const PATIENCE: Duration = Duration::from_millis(2_000);

/// How often within that time it is told again.
const TELLINGS: u32 = 4;

/// A replica that was not heard of for so long is gone, in milliseconds.
const GONE_MS: u64 = 5_000;

/// How long it waits before it tries to subscribe again.
const AGAIN: Duration = Duration::from_millis(250);

/// After how many beats it looks for answers that nobody told it of.
const LOOK_BEATS: u64 = 2;

/// After how many beats it looks for what follows on streams, as well.
const FEED_BEATS: u64 = 20;

/// The names of the records that say who holds a copy begin so.
const HOLDERS: &str = "holder/";

/// What a replica hears.
pub(super) struct Hearing {
    bus: Option<Arc<dyn Bus>>,
    begun: AtomicBool,
    /// When it said the last beat that came back, in milliseconds of the server's life; 0 where
    /// none did.
    heard_ms: AtomicU64,
    /// Counts the times at which it may have missed something: copies of earlier times are held
    /// by nobody's record any more.
    pub(super) times: AtomicU64,
    // Held for a map operation only, never across an await.
    copies: Mutex<HashMap<Arc<str>, Copy>>,
    // Held for a map operation only, never across an await.
    waiting: Mutex<HashMap<(Arc<str>, u64), Arc<Waiting>>>,
    /// Who waits for streams to go on that are read here.
    // Held for a map operation only, never across an await.
    expected: Mutex<HashMap<(Arc<str>, u32), Weak<Notify>>>,
    /// When others were heard of last.
    // Held for a map operation only, never across an await.
    others: Mutex<HashMap<Arc<str>, u64>>,
}

/// A session as this replica has it.
enum Copy {
    /// It is being restored; true once it was changed meanwhile.
    Coming(Arc<AtomicBool>),
    Here(Weak<Live>),
}

/// The replicas that have not seen a change yet.
struct Waiting {
    // Held for a set operation only.
    missing: Mutex<HashSet<Arc<str>>>,
    seen: Notify,
}

impl Hearing {
    pub(super) fn new(bus: Option<Arc<dyn Bus>>) -> Self {
        Self {
            bus,
            begun: AtomicBool::new(false),
            heard_ms: AtomicU64::new(0),
            times: AtomicU64::new(1),
            copies: Mutex::default(),
            waiting: Mutex::default(),
            expected: Mutex::default(),
            others: Mutex::default(),
        }
    }

    pub(super) fn bus(&self) -> Option<&Arc<dyn Bus>> {
        self.bus.as_ref()
    }

    /// True while nothing that others say can have been missed.
    pub(super) fn hears(&self, now_ms: u64) -> bool {
        let heard = self.heard_ms.load(Ordering::SeqCst);
        heard > 0 && now_ms.saturating_sub(heard) < TRUST_MS
    }

    /// What is changed from here on concerns this session, which is on its way.
    pub(super) fn coming(&self, session: &Arc<str>) -> Arc<AtomicBool> {
        let changed = Arc::new(AtomicBool::new(false));
        let copy = Copy::Coming(Arc::clone(&changed));
        self.copies.lock().insert(Arc::clone(session), copy);
        changed
    }

    /// It is here.
    pub(super) fn here(&self, session: &Arc<str>, live: &Arc<Live>) {
        let copy = Copy::Here(Arc::downgrade(live));
        self.copies.lock().insert(Arc::clone(session), copy);
    }

    /// It is not on its way any more.
    pub(super) fn failed(&self, session: &str) {
        self.copies.lock().remove(session);
    }

    /// This copy of it is not held here any more.
    pub(super) fn left(&self, session: &str, live: &Arc<Live>) {
        let mut copies = self.copies.lock();
        let own = copies.get(session).is_some_and(|copy| match copy {
            Copy::Coming(_) => false,
            Copy::Here(own) => std::ptr::eq(own.as_ptr(), Arc::as_ptr(live)),
        });
        if own {
            copies.remove(session);
        }
    }

    /// The copy of this session.
    pub(super) fn copy(&self, session: &str) -> Option<Arc<Live>> {
        match self.copies.lock().get(session)? {
            Copy::Coming(changed) => {
                changed.store(true, Ordering::SeqCst);
                None
            }
            Copy::Here(live) => live.upgrade(),
        }
    }

    fn copies(&self) -> Vec<Arc<Live>> {
        let mut copies = self.copies.lock();
        copies.retain(|_, copy| match copy {
            Copy::Coming(changed) => {
                changed.store(true, Ordering::SeqCst);
                true
            }
            Copy::Here(live) => live.strong_count() > 0,
        });
        let here = |copy: &Copy| match copy {
            Copy::Coming(_) => None,
            Copy::Here(live) => live.upgrade(),
        };
        copies.values().filter_map(here).collect()
    }

    /// Notified when a stream of this session grows.
    pub(super) fn expect(&self, session: &Arc<str>, stream: u32) -> Arc<Notify> {
        let mut expected = self.expected.lock();
        expected.retain(|_, grown| grown.strong_count() > 0);
        let key = (Arc::clone(session), stream);
        let known = expected.get(&key).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let grown = Arc::default();
            expected.insert(key, Arc::downgrade(&grown));
            grown
        })
    }

    fn grew(&self, session: &Arc<str>, stream: u32) {
        let key = (Arc::clone(session), stream);
        let grown = self.expected.lock().get(&key).and_then(Weak::upgrade);
        grown.inspect(|grown| grown.notify_waiters());
    }

    /// A beat of its own came back, which was sent at this time.
    fn beat(&self, at_ms: u64) {
        let before = self.heard_ms.fetch_max(at_ms, Ordering::SeqCst);
        if at_ms.saturating_sub(before) >= TRUST_MS {
            self.times.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Something may have been missed.
    fn missed(&self) {
        self.times.fetch_add(1, Ordering::SeqCst);
        for live in self.copies() {
            live.stored().inspect(|stored| stored.mark_stale());
        }
    }

    fn is_gone(&self, replica: &str, now_ms: u64) -> bool {
        let others = self.others.lock();
        let heard = others.get(replica);
        heard.is_some_and(|heard| now_ms.saturating_sub(*heard) > GONE_MS)
    }

    fn forget_gone(&self, now_ms: u64) {
        let mut others = self.others.lock();
        // Remembered for a while, so that nobody waits for it.
        others.retain(|_, heard| now_ms.saturating_sub(*heard) < 100 * GONE_MS);
    }
}

impl Waiting {
    /// Waits until nobody is missing. Cancel safe.
    async fn all(&self) {
        loop {
            let mut seen = std::pin::pin!(self.seen.notified());
            // Registered before the look, so that nothing in between is missed.
            seen.as_mut().enable();
            if self.missing.lock().is_empty() {
                return;
            }
            seen.await;
        }
    }
}

impl ServerInner {
    fn hearing(&self) -> Option<&Hearing> {
        self.replica.as_ref().map(|replica| &replica.hearing)
    }
}

impl Server {
    /// Begins to hear what other replicas say, with the first session that they could say
    /// something of.
    pub(super) fn begin_hearing(&self) {
        let Some(hearing) = self.inner().hearing() else {
            return;
        };
        if hearing.begun.load(Ordering::Relaxed) {
            return;
        }
        let Some(bus) = hearing.bus.clone() else {
            return;
        };
        if hearing.begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let (server, drained) = (Arc::downgrade(self.inner()), self.inner().drained.clone());
        let replica = Arc::clone(&self.own_id());
        self.inner().tasks.spawn(async move {
            let work = async {
                tokio::join!(hear(&server, &*bus), beat(&server, &*bus, &replica));
            };
            tokio::select! {
                biased;
                () = drained.cancelled() => {}
                () = work => {}
            }
            let gone = Event::Gone { replica };
            clock::within(AGAIN, bus.publish(&gone)).await;
        });
    }

    pub(super) fn own_id(&self) -> Arc<str> {
        let replica = self.inner().replica.as_ref();
        replica.map_or_else(|| "".into(), |replica| Arc::clone(&replica.id))
    }

    /// True when a replica was heard of once, and is not any more.
    pub(super) fn is_gone(&self, replica: &str) -> bool {
        let now_ms = self.inner().hub.now_ms();
        let hearing = self.inner().hearing();
        hearing.is_some_and(|hearing| hearing.is_gone(replica, now_ms))
    }

    /// True while this replica would hear of it if another one changed a session.
    pub(super) fn hears(&self) -> bool {
        let now_ms = self.inner().hub.now_ms();
        self.inner()
            .hearing()
            .is_some_and(|hearing| hearing.hears(now_ms))
    }

    /// Writes down that this replica holds a copy, so that it is told of changes: before it looks
    /// at the record. False where nobody tells anybody.
    pub(super) async fn hold(&self, owner: &Owner) -> Result<bool, StoreError> {
        if self.inner().hearing().and_then(Hearing::bus).is_none() {
            return Ok(false);
        }
        let (store, key) = (self.inner().store(), self.holder(owner));
        let ttl = self.inner().record_ttl();
        let draft = Draft::new(Vec::new()).ttl(ttl);
        match store.create(&key, draft, Quota::NONE).await {
            Ok(_) | Err(StoreError::Conflict) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The record that says that this replica holds a copy.
    pub(super) fn holder(&self, owner: &Owner) -> Key {
        owner.key(format!("{HOLDERS}{}", self.own_id()))
    }

    /// Sees to it that no other replica uses an older copy of a session that was saved here.
    ///
    /// # Errors
    ///
    /// When nobody could be told.
    pub(super) async fn tell(&self, stored: &Stored) -> Result<(), StoreError> {
        let Some(revision) = stored.untold() else {
            return Ok(());
        };
        self.tell_holders(stored, revision).await?;
        stored.told();
        Ok(())
    }

    async fn tell_holders(&self, stored: &Stored, revision: Revision) -> Result<(), StoreError> {
        let inner = self.inner();
        let Some(hearing) = inner.hearing() else {
            return Ok(());
        };
        let Some(bus) = hearing.bus() else {
            return Ok(());
        };
        let mut holders = self.holders(stored.owner()).await?;
        let now_ms = inner.hub.now_ms();
        let (gone, here) = holders
            .drain(..)
            .partition(|holder: &Arc<str>| hearing.is_gone(holder, now_ms));
        let mut absent: Vec<Arc<str>> = gone;
        let to: Vec<Arc<str>> = here;
        if !to.is_empty() {
            let event = Event::SessionChanged {
                session: stored.session(),
                revision: revision.number(),
                from: self.own_id(),
                to: to.clone(),
            };
            absent.extend(self.wait_for(hearing, bus, &event, to).await?);
        }
        for holder in absent {
            let key = stored.owner().key(format!("{HOLDERS}{holder}"));
            inner.store().delete(&key, None).await?;
        }
        Ok(())
    }

    /// Tells of a change, and waits until all have seen it; gives those who did not.
    async fn wait_for(
        &self,
        hearing: &Hearing,
        bus: &Arc<dyn Bus>,
        event: &Event,
        to: Vec<Arc<str>>,
    ) -> Result<HashSet<Arc<str>>, StoreError> {
        let Event::SessionChanged {
            session, revision, ..
        } = event
        else {
            return Ok(HashSet::new());
        };
        let waiting = Arc::new(Waiting {
            missing: Mutex::new(to.into_iter().collect()),
            seen: Notify::new(),
        });
        let key = (Arc::clone(session), *revision);
        let registered = Arc::clone(&waiting);
        hearing.waiting.lock().insert(key.clone(), registered);
        let told = async {
            let mut failed = None;
            for _ in 0..TELLINGS {
                failed = bus.publish(event).await.err();
                if clock::within(PATIENCE / TELLINGS, waiting.all())
                    .await
                    .is_some()
                {
                    return None;
                }
            }
            failed
        };
        let failed = told.await;
        hearing.waiting.lock().remove(&key);
        match failed {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut *waiting.missing.lock())),
        }
    }

    /// The other replicas that hold a session, or held it once.
    async fn holders(&self, owner: &Owner) -> Result<Vec<Arc<str>>, StoreError> {
        const PAGE: usize = 100;
        let own = self.own_id();
        let mut holders = Vec::new();
        let mut after = HOLDERS.to_owned();
        loop {
            let page = self.inner().store().list(owner, Some(&after), PAGE).await?;
            let full = page.len() == PAGE;
            for listed in page {
                let Some(holder) = listed.name.strip_prefix(HOLDERS) else {
                    return Ok(holders);
                };
                if *holder != *own {
                    holders.push(holder.into());
                }
                after.clone_from(&listed.name);
            }
            if !full {
                return Ok(holders);
            }
        }
    }

    /// Takes what another replica says, or what this one said itself.
    fn heard(&self, event: Event) {
        let inner = self.inner();
        let Some(hearing) = inner.hearing() else {
            return;
        };
        let own = self.own_id();
        match event {
            Event::Here { replica, at_ms } if replica == own => hearing.beat(at_ms),
            Event::Here { replica, .. } => {
                let now_ms = inner.hub.now_ms();
                hearing.others.lock().insert(replica, now_ms);
            }
            Event::Gone { replica } => {
                hearing.others.lock().insert(replica, 0);
            }
            Event::SessionChanged {
                session,
                revision,
                from,
                to,
            } if from != own => {
                if let Some(live) = hearing.copy(&session)
                    && let Some(stored) = live.stored()
                {
                    stored.mark_stale();
                }
                if to.contains(&own) {
                    let seen = Event::Seen {
                        session,
                        revision,
                        from: own,
                    };
                    self.say(seen);
                }
            }
            Event::Seen {
                session,
                revision,
                from,
            } => {
                let waiting = hearing.waiting.lock().get(&(session, revision)).cloned();
                if let Some(waiting) = waiting {
                    waiting.missing.lock().remove(&from);
                    waiting.seen.notify_waiters();
                }
            }
            Event::SessionEnded { session } => {
                if let Some(live) = hearing.copy(&session) {
                    self.let_go(&live, EndReason::Client);
                }
            }
            Event::StreamOpened { session, from } if from != own => {
                if let Some(live) = hearing.copy(&session) {
                    live.core().streams.starve();
                    live.stored().inspect(|stored| {
                        stored.set_feed(None);
                        stored.mark_stale();
                    });
                }
            }
            Event::OutboxGrew { session, stream } => {
                hearing.grew(&session, stream);
                if stream == STANDING
                    && let Some(live) = hearing.copy(&session)
                {
                    self.feed_soon(&live);
                }
            }
            Event::StreamWanted {
                session,
                stream,
                seen,
                from,
            } if !from.starts_with(&*own) => {
                if let Some(live) = hearing.copy(&session) {
                    self.lay_down(&live, stream, seen, &from);
                }
            }
            Event::Answered { session, question } => {
                if let Some(live) = hearing.copy(&session) {
                    self.answered(&live, question);
                }
            }
            other => self.heard_elsewhere(hearing, &own, other),
        }
    }

    /// Takes what clients said at another replica.
    fn heard_elsewhere(&self, hearing: &Hearing, own: &Arc<str>, event: Event) {
        match event {
            Event::Cancelled {
                session, request, ..
            } => {
                let id = serde_json::from_str::<RequestId>(&request).ok();
                if let Some((live, id)) = hearing.copy(&session).zip(id) {
                    live.core().calls.cancel(&id);
                }
            }
            Event::ResourceUpdated {
                uri,
                from,
                principal,
            } if from != *own => self.updated_elsewhere(&uri, principal.as_deref()),
            Event::ErrandDone { id } => self.inner().errands.done_elsewhere(&id),
            _ => {}
        }
    }

    /// Tells other replicas something, in a task.
    pub(super) fn say(&self, event: Event) {
        let Some(bus) = self.inner().hearing().and_then(Hearing::bus).cloned() else {
            return;
        };
        self.inner().hub.spawn(async move {
            if let Err(error) = bus.publish(&event).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "other replicas are told something later");
            }
        });
    }
}

impl Server {
    fn feed_soon(&self, live: &Arc<Live>) {
        let feeds = live.stored().is_some_and(|stored| stored.feed().is_some());
        if feeds {
            let (server, live) = (self.clone(), Arc::clone(live));
            self.inner()
                .tasks
                .spawn(async move { live.feed(&server).await });
        }
    }

    /// Looks at what nobody may have told it of: answers, and streams that are read here.
    fn look_around(&self, beats: u64) {
        let Some(hearing) = self.inner().hearing() else {
            return;
        };
        for live in hearing.copies() {
            self.look_for_answers(&live);
            if beats.is_multiple_of(FEED_BEATS) {
                self.feed_soon(&live);
            }
        }
    }
}

/// Hears for as long as the server is there.
async fn hear(server: &Weak<ServerInner>, bus: &dyn Bus) {
    loop {
        match bus.subscribe().await {
            Ok(subscription) => listen(server, subscription).await,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "other replicas cannot be heard");
            }
        }
        if server.strong_count() == 0 {
            return;
        }
        clock::sleep(AGAIN).await;
    }
}

async fn listen(server: &Weak<ServerInner>, mut subscription: Box<dyn Subscription>) {
    // What was said before nobody here has heard.
    let mut delivery = Delivery::Lagged;
    loop {
        let Some(inner) = server.upgrade() else {
            return;
        };
        let server = Server::from_inner(inner);
        match delivery {
            Delivery::Event(event) => server.heard(event),
            Delivery::Lagged | Delivery::CutOff => {
                if let Some(hearing) = server.inner().hearing() {
                    hearing.missed();
                }
            }
        }
        drop(server);
        delivery = subscription.next().await;
    }
}

/// Says that it is there for as long as the server is.
async fn beat(server: &Weak<ServerInner>, bus: &dyn Bus, replica: &Arc<str>) {
    for beats in 1_u64.. {
        let Some(inner) = server.upgrade() else {
            return;
        };
        let at_ms = inner.hub.now_ms().max(1);
        inner
            .hearing()
            .inspect(|hearing| hearing.forget_gone(at_ms));
        if beats.is_multiple_of(LOOK_BEATS) {
            Server::from_inner(inner).look_around(beats);
        } else {
            drop(inner);
        }
        let here = Event::Here {
            replica: Arc::clone(replica),
            at_ms,
        };
        if let Err(error) = bus.publish(&here).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "other replicas do not hear this one");
        }
        clock::sleep(BEAT).await;
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hearing")
            .field("begun", &self.begun)
            .finish_non_exhaustive()
    }
}
