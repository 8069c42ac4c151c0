//! Who hears whom among replicas, and how long what one holds is trusted.
//!
//! Every replica says four times a second that it is there, and trusts its copies only as long as
//! it hears itself say so. Whoever saves a session waits for the replicas that hold it to say that
//! they have seen it, and for one that says nothing until it is gone: longer than that one may
//! trust its copy. So no replica answers from what was changed elsewhere before the change was
//! answered.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::Notify};

use crate::clock;
use crate::server::replica::holders::Waiting;
use crate::server::{Live, Server, ServerInner};
use crate::store::bus::{Bus, Delivery, Event, Subscription};

/// How often a replica says that it is there.
const BEAT: Duration = Duration::from_millis(250);

/// How long a copy is trusted behind the last beat that came back, in milliseconds.
const TRUST_MS: u64 = 750;

/// A replica that was not heard of for so long is gone, in milliseconds: longer than it may trust
/// its copies.
const GONE_MS: u64 = 1_750;

/// Where saying something twice is worse than saying it late, a replica is gone after so long.
const LONG_GONE_MS: u64 = 10_000;

/// How long it waits before it tries to subscribe again.
const AGAIN: Duration = Duration::from_millis(250);

/// After how many beats it looks for answers that nobody told it of.
const LOOK_BEATS: u64 = 4;

/// What a replica hears.
pub(super) struct Hearing {
    bus: Option<Arc<dyn Bus>>,
    begun: AtomicBool,
    /// It is time for a beat.
    prompt: Arc<Notify>,
    /// When it said the last beat, in milliseconds of the server's life; no two are said at one
    /// time.
    said_ms: AtomicU64,
    /// A beat came back.
    beaten: Notify,
    /// When it said the last beat that came back, in milliseconds of the server's life; 0 where
    /// none did.
    heard_ms: AtomicU64,
    /// Since when it hears without a gap.
    since_ms: AtomicU64,
    /// Something was missed since the last beat that came back.
    gap: AtomicBool,
    /// Counts the times at which it may have missed something: copies of earlier times are held
    /// by nobody's record any more.
    times: AtomicU64,
    // Held for a map operation only, never across an await.
    copies: Mutex<HashMap<Arc<str>, Copy>>,
    // Held for a map operation only, never across an await.
    pub(super) waiting: Mutex<HashMap<Seen, Arc<Waiting>>>,
    /// Who waits for streams to go on that are read here.
    // Held for a map operation only, never across an await.
    expected: Mutex<HashMap<(Arc<str>, u32), Weak<Notify>>>,
    /// When others were heard of last.
    // Held for a map operation only, never across an await.
    others: Mutex<HashMap<Arc<str>, u64>>,
}

/// What was changed, by its name on the bus and by the change's number.
pub(super) type Seen = (Arc<str>, u64);

/// A session as this replica has it.
#[derive(Default)]
struct Copy {
    /// While it is being restored; true once it was changed meanwhile.
    coming: Weak<AtomicBool>,
    here: Weak<Live>,
}

impl Copy {
    /// The session was changed; its copy, if there is one.
    fn changed(&self) -> Option<Arc<Live>> {
        let coming = self.coming.upgrade();
        coming.inspect(|changed| changed.store(true, Ordering::SeqCst));
        self.here.upgrade()
    }

    fn is_of_use(&self) -> bool {
        self.coming.strong_count() + self.here.strong_count() > 0
    }
}

impl Hearing {
    pub(super) fn new(bus: Option<Arc<dyn Bus>>) -> Self {
        Self {
            bus,
            begun: AtomicBool::new(false),
            prompt: Arc::default(),
            said_ms: AtomicU64::new(0),
            beaten: Notify::new(),
            heard_ms: AtomicU64::new(0),
            since_ms: AtomicU64::new(0),
            gap: AtomicBool::new(true),
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
    fn hears(&self, now_ms: u64) -> bool {
        let heard = self.heard_ms.load(Ordering::SeqCst);
        heard > 0 && now_ms.saturating_sub(heard) < TRUST_MS
    }

    /// What is changed from here on concerns this session, which is on its way for as long as
    /// somebody keeps this.
    pub(super) fn coming(&self, session: &Arc<str>) -> Arc<AtomicBool> {
        let mut copies = self.copies.lock();
        let copy = copies.entry(Arc::clone(session)).or_default();
        copy.coming.upgrade().unwrap_or_else(|| {
            let changed = Arc::default();
            copy.coming = Arc::downgrade(&changed);
            changed
        })
    }

    /// It is here.
    pub(super) fn here(&self, session: &Arc<str>, live: &Arc<Live>) {
        let mut copies = self.copies.lock();
        copies.entry(Arc::clone(session)).or_default().here = Arc::downgrade(live);
    }

    /// It is not on its way any more, for one of those who wanted it.
    pub(super) fn landed(&self, session: &str) {
        let mut copies = self.copies.lock();
        if copies.get(session).is_some_and(|copy| !copy.is_of_use()) {
            copies.remove(session);
        }
    }

    /// This copy of it is not held here any more.
    pub(super) fn left(&self, session: &str, live: &Arc<Live>) {
        let mut copies = self.copies.lock();
        let Some(copy) = copies.get_mut(session) else {
            return;
        };
        if std::ptr::eq(copy.here.as_ptr(), Arc::as_ptr(live)) {
            copy.here = Weak::new();
        }
        if !copy.is_of_use() {
            copies.remove(session);
        }
    }

    /// The copy of this session, which was changed, or something of it.
    pub(super) fn copy(&self, session: &str) -> Option<Arc<Live>> {
        self.copies.lock().get(session)?.changed()
    }

    /// All copies; any of them may have been changed.
    pub(super) fn copies(&self) -> Vec<Arc<Live>> {
        let mut copies = self.copies.lock();
        copies.retain(|_, copy| copy.is_of_use());
        copies.values().filter_map(Copy::changed).collect()
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

    pub(super) fn grew(&self, session: &Arc<str>, stream: u32) {
        let key = (Arc::clone(session), stream);
        let grown = self.expected.lock().get(&key).and_then(Weak::upgrade);
        grown.inspect(|grown| grown.notify_waiters());
    }

    /// The next beat is said at this time, or just after the one before; when.
    fn says(&self, now_ms: u64) -> u64 {
        let at_ms = now_ms.max(self.said() + 1);
        self.said_ms.store(at_ms, Ordering::SeqCst);
        at_ms
    }

    /// A beat of its own came back, which was sent at this time.
    pub(super) fn beat(&self, at_ms: u64) {
        let before = self.heard_ms.load(Ordering::SeqCst);
        let missed = self.gap.swap(false, Ordering::SeqCst);
        if missed || before == 0 || at_ms.saturating_sub(before) >= TRUST_MS {
            // It knows nothing of what others said in between.
            self.since_ms.store(at_ms, Ordering::SeqCst);
        }
        if before == 0 || at_ms.saturating_sub(before) >= TRUST_MS {
            // Before anything is trusted again: others may have taken this replica for gone, or
            // have not heard of it yet, and do not wait for it. From this beat on they do.
            self.times.fetch_add(1, Ordering::SeqCst);
        }
        self.heard_ms.fetch_max(at_ms, Ordering::SeqCst);
        self.beaten.notify_waiters();
    }

    /// Another replica is there.
    pub(super) fn is_there(&self, replica: Arc<str>, now_ms: u64) {
        self.others.lock().insert(replica, now_ms);
    }

    /// A replica uses no older copy of a session any more.
    pub(super) fn has_seen(&self, session: Arc<str>, revision: u64, replica: &str) {
        let waiting = self.waiting.lock().get(&(session, revision)).cloned();
        waiting.inspect(|waiting| waiting.has_seen(replica));
    }

    /// Copies are held anew, each when it is used next.
    fn begin_anew(&self) {
        self.times.fetch_add(1, Ordering::SeqCst);
    }

    /// Something may have been missed.
    fn missed(&self) {
        self.gap.store(true, Ordering::SeqCst);
        self.times.fetch_add(1, Ordering::SeqCst);
        for live in self.copies() {
            live.stored()
                .inspect(|stored| stored.freshness.mark_stale());
        }
    }

    /// True when a replica says nothing any more, as far as this one has heard all there is: up
    /// to the last beat of its own that came back, events come in order.
    pub(super) fn is_gone(&self, replica: &str) -> bool {
        self.is_silent(replica, GONE_MS)
    }

    /// The last beat so far, for [`has_heard_since`](Self::has_heard_since).
    pub(super) fn said(&self) -> u64 {
        self.said_ms.load(Ordering::SeqCst)
    }

    /// True when a beat behind this one came back, and so all that others said before was heard.
    pub(super) fn has_heard_since(&self, beat_ms: u64) -> bool {
        self.heard_ms.load(Ordering::SeqCst) > beat_ms
    }

    /// Waits until a beat behind this one comes back. Cancel safe.
    async fn heard_since(&self, beat_ms: u64) {
        loop {
            let mut beaten = std::pin::pin!(self.beaten.notified());
            // Registered before the look, so that nothing in between is missed.
            beaten.as_mut().enable();
            if self.has_heard_since(beat_ms) {
                return;
            }
            beaten.await;
        }
    }

    /// Waits, for so long at most, until all is heard that was said before the beat behind this one.
    pub(super) async fn catch_up(&self, beat_ms: u64, patience: Duration) {
        self.prompt.notify_one();
        clock::within(patience, self.heard_since(beat_ms)).await;
    }

    fn is_silent(&self, replica: &str, for_ms: u64) -> bool {
        if self.gap.load(Ordering::SeqCst) {
            return false;
        }
        let now_ms = self.heard_ms.load(Ordering::SeqCst);
        let others = self.others.lock();
        let since_ms = self.since_ms.load(Ordering::SeqCst);
        match others.get(replica) {
            // It said so.
            Some(0) => true,
            // What it said while nobody listened here, nobody heard.
            Some(heard) => now_ms.saturating_sub(since_ms.max(*heard)) > for_ms,
            None => now_ms.saturating_sub(since_ms) > for_ms,
        }
    }

    fn forget_gone(&self, now_ms: u64) {
        let mut others = self.others.lock();
        // Remembered for a while, so that nobody waits for it.
        others.retain(|_, heard| now_ms.saturating_sub(*heard) < 100 * GONE_MS);
    }
}

impl ServerInner {
    pub(super) fn hearing(&self) -> Option<&Hearing> {
        self.replica.as_ref().map(|replica| &replica.hearing)
    }

    /// At which of the times of its hearing this replica is.
    pub(super) fn times(&self) -> u64 {
        let hearing = self.hearing();
        hearing.map_or(0, |hearing| hearing.times.load(Ordering::SeqCst))
    }

    /// True while this replica would hear of it if another one changed something.
    pub(super) fn hears(&self) -> bool {
        let now_ms = self.hub.now_ms();
        self.hearing().is_some_and(|hearing| hearing.hears(now_ms))
    }
}

impl Server {
    /// Begins to hear what other replicas say, with the first session that they could say
    /// something of, and waits for a moment until it hears.
    pub(super) async fn begin_hearing(&self) {
        let Some(hearing) = self.inner().hearing() else {
            return;
        };
        self.start_hearing();
        if hearing.bus.is_some() {
            clock::within(BEAT, hearing.heard_since(0)).await;
        }
    }

    /// As [`begin_hearing`](Self::begin_hearing), without waiting.
    pub(super) fn start_hearing(&self) {
        let Some(hearing) = self.inner().hearing() else {
            return;
        };
        if hearing.begun.load(Ordering::Relaxed) {
            return;
        }
        let Some(bus) = hearing.bus.clone() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if hearing.begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let (server, drained) = (Arc::downgrade(self.inner()), self.inner().drained.clone());
        let (replica, prompt) = (self.own_id(), Arc::clone(&hearing.prompt));
        let ears = Ears(Weak::clone(&server));
        let hearing = async move {
            let _ears = ears;
            let work = async {
                tokio::join!(
                    hear(&server, &*bus, &prompt),
                    beat(&server, &*bus, &replica, &prompt),
                );
            };
            tokio::select! {
                biased;
                () = drained.cancelled() => {}
                () = work => {}
            }
            let gone = Event::Gone { replica };
            clock::within(AGAIN, bus.publish(&gone)).await;
        };
        self.inner().tasks.spawn_on(hearing, &runtime);
    }

    pub(super) fn own_id(&self) -> Arc<str> {
        let replica = self.inner().replica.as_ref();
        replica.map_or_else(|| "".into(), |replica| Arc::clone(&replica.id))
    }

    /// True when a replica was heard of once, and is not any more.
    pub(super) fn is_gone(&self, replica: &str) -> bool {
        let hearing = self.inner().hearing();
        hearing.is_some_and(|hearing| hearing.is_gone(replica))
    }

    /// True when a replica was not heard of for so long that it will not come back.
    pub(super) fn is_long_gone(&self, replica: &str) -> bool {
        let hearing = self.inner().hearing();
        hearing.is_some_and(|hearing| hearing.is_silent(replica, LONG_GONE_MS))
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

/// While this is there, a replica hears: its runtime may go, and the next session comes in another.
struct Ears(Weak<ServerInner>);

impl Drop for Ears {
    fn drop(&mut self) {
        let server = self.0.upgrade();
        if let Some(hearing) = server.as_ref().and_then(|server| server.hearing()) {
            hearing.missed();
            hearing.heard_ms.store(0, Ordering::SeqCst);
            hearing.begun.store(false, Ordering::SeqCst);
        }
    }
}

/// Hears for as long as the server is there.
async fn hear(server: &Weak<ServerInner>, bus: &dyn Bus, prompt: &Notify) {
    loop {
        match bus.subscribe().await {
            Ok(subscription) => {
                // It is time to say that this replica is there.
                prompt.notify_one();
                listen(server, subscription).await;
            }
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
async fn beat(server: &Weak<ServerInner>, bus: &dyn Bus, replica: &Arc<str>, prompt: &Notify) {
    let mut renewed = 0;
    for beats in 1_u64.. {
        let Some(inner) = server.upgrade() else {
            return;
        };
        let mut at_ms = inner.hub.now_ms();
        let renewals = at_ms / inner.renewal_ms();
        if let Some(hearing) = inner.hearing() {
            at_ms = hearing.says(at_ms);
            hearing.forget_gone(at_ms);
            if renewals > renewed {
                // What says who holds what expires unless it is written again.
                hearing.begin_anew();
            }
        }
        renewed = renewals;
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
        clock::within(BEAT, prompt.notified()).await;
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hearing")
            .field("begun", &self.begun)
            .finish_non_exhaustive()
    }
}
