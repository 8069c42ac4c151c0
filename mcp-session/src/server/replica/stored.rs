//! A live session that is one copy of a stored one: what it knows of its record, and how it becomes
//! what others wrote there.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use crate::catalog::StoredPatch;
use crate::server::replica::freshness::Freshness;
use crate::server::replica::outgoing::Feed;
use crate::server::replica::record::{Changing, Listening, SessionRecord};
use crate::server::replica::saving::Saves;
use crate::server::{Live, Server};
use crate::store::{Key, Owner, Revision, StoreError};

/// What the records of a session are.
pub(super) const SESSIONS: &str = "session";

/// The name of a session's own record among its records.
const RECORD: &str = "record";

/// What a live session knows of its record.
pub(crate) struct Stored {
    owner: Owner,
    // Held to look and to set, never across an await.
    book: Mutex<Book>,
    /// One at a time reads or writes the record.
    turn: tokio::sync::Mutex<()>,
    /// What was changed here, on its way into the record.
    pub(super) saves: Saves,
    /// A task lays down what is said on its standing stream.
    laying: AtomicBool,
    // Held to copy or replace a pointer.
    feed: Mutex<Option<Arc<Feed>>>,
    // Held to copy or replace it.
    listening: Mutex<Listening>,
    /// How many more streams may be asked for that another replica may have.
    asking: AtomicUsize,
    pub(super) freshness: Freshness,
    /// When its record is to live on for longer, in milliseconds of the server's life.
    pub(super) due_ms: AtomicU64,
    /// This replica wrote that it is over: it does what the end entails.
    pub(super) ended_here: AtomicBool,
    /// This process lets go of it: it lives on, or ended elsewhere.
    left: AtomicBool,
}

struct Book {
    /// The record as it was last read or written here.
    record: Arc<SessionRecord>,
    revision: Revision,
    /// How this copy was then. It lacks what the record says and nobody can make here: that is no
    /// change of this copy's.
    seen: Changing,
    /// A revision of which other replicas were not told yet.
    untold: Option<Revision>,
}

/// What there is of a session in the store.
pub(super) enum Found {
    /// It goes on.
    Living,
    /// It is over, or was never there.
    Gone,
}

impl Stored {
    pub(super) fn new(
        owner: Owner,
        record: SessionRecord,
        revision: Revision,
        seen: Changing,
        freshness: Freshness,
    ) -> Self {
        let listening = Mutex::new(record.changing.listening.clone());
        let book = Book {
            record: Arc::new(record),
            revision,
            seen,
            untold: None,
        };
        Self {
            owner,
            book: Mutex::new(book),
            turn: tokio::sync::Mutex::default(),
            saves: Saves::default(),
            laying: AtomicBool::new(false),
            feed: Mutex::default(),
            listening,
            asking: AtomicUsize::new(0),
            freshness,
            due_ms: AtomicU64::new(0),
            ended_here: AtomicBool::new(false),
            left: AtomicBool::new(false),
        }
    }

    /// True when a task lays down what is said already; from here on one does.
    pub(super) fn begins_to_lay(&self) -> bool {
        self.laying.swap(true, Ordering::SeqCst)
    }

    pub(super) fn stops_laying(&self) {
        self.laying.store(false, Ordering::SeqCst);
    }

    /// What its client reads of the standing stream, if it reads that here.
    pub(super) fn feed(&self) -> Option<Arc<Feed>> {
        self.feed.lock().clone()
    }

    pub(super) fn set_feed(&self, feed: Option<Arc<Feed>>) {
        *self.feed.lock() = feed;
    }

    /// Where its client reads the standing stream.
    pub(super) fn listening(&self) -> Listening {
        self.listening.lock().clone()
    }

    pub(super) fn set_listening(&self, listening: Listening) {
        *self.listening.lock() = listening;
    }

    /// Where it reads the stream, as the store says, unless it is not as before any more.
    fn learn_listening(&self, before: &Listening, listening: &Listening) {
        let mut known = self.listening.lock();
        if *known == *before {
            known.clone_from(listening);
        }
    }

    /// True while its client reads the standing stream, here or elsewhere.
    pub(crate) fn is_listened_to(&self) -> bool {
        self.listening.lock().now
    }

    /// Its client reads the standing stream at this replica from here on, as that one says.
    pub(super) fn read_elsewhere(&self, replica: Arc<str>) {
        let listening = Listening {
            at: Some(replica),
            now: true,
        };
        // As if it were in the record: that is on its way.
        self.book.lock().seen.listening.clone_from(&listening);
        self.set_listening(listening);
        self.set_feed(None);
        self.freshness.mark_stale();
    }

    /// True at the replica where it was opened.
    pub(super) fn is_home(&self, replica: &str) -> bool {
        *self.book.lock().record.origin.home == *replica
    }

    /// A place among those who ask other replicas for a stream, of so many.
    pub(super) fn asks(&self, most: usize) -> Option<Asking<'_>> {
        let order = Ordering::SeqCst;
        let more = |asking| (asking < most).then_some(asking + 1);
        self.asking.fetch_update(order, order, more).ok()?;
        Some(Asking(&self.asking))
    }

    /// Its name on the bus.
    pub(super) fn session(&self) -> Arc<str> {
        self.owner.id().into()
    }

    /// Whose records its are.
    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(super) fn key(&self) -> Key {
        record_of(&self.owner)
    }

    /// The record as it was last seen.
    pub(super) fn last(&self) -> (Arc<SessionRecord>, Revision) {
        let book = self.book.lock();
        (Arc::clone(&book.record), book.revision)
    }

    pub(super) fn set_last(&self, record: SessionRecord, revision: Revision) {
        let mut book = self.book.lock();
        (book.record, book.revision) = (Arc::new(record), revision);
    }

    /// Other replicas may not know of this revision.
    pub(super) fn set_untold(&self, revision: Revision) {
        self.book.lock().untold = Some(revision);
    }

    /// What was just written here.
    pub(super) fn set_written(&self, record: SessionRecord, revision: Revision) {
        self.set_last(record, revision);
        self.set_untold(revision);
    }

    /// The revision that other replicas have to be told of.
    pub(super) fn untold(&self) -> Option<Revision> {
        self.book.lock().untold
    }

    pub(super) fn told(&self) {
        self.book.lock().untold = None;
    }

    pub(super) fn seen(&self) -> Changing {
        self.book.lock().seen.clone()
    }

    pub(super) fn set_seen(&self, seen: Changing) {
        self.book.lock().seen = seen;
    }

    /// What the end of this copy entails is nothing to the session.
    pub(super) fn mark_left(&self) {
        self.left.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    /// True when what ended is this copy, and not the session.
    pub(crate) fn lives_on(&self) -> bool {
        self.is_left() && !self.ended_here.load(Ordering::SeqCst)
    }

    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}

/// The record of a session, among what its owner has.
pub(super) fn record_of(owner: &Owner) -> Key {
    owner.key(RECORD)
}

impl Live {
    /// Looks at the record again, if another replica may have changed it.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        stored: &Stored,
        server: &Server,
    ) -> Result<Found, StoreError> {
        let _turn = stored.turn().await;
        if server.is_fresh(stored) {
            return Ok(Found::Living);
        }
        self.reload(stored, server).await
    }

    /// Takes over what others wrote, under what was changed here and is not saved.
    pub(super) async fn reload(
        self: &Arc<Self>,
        stored: &Stored,
        server: &Server,
    ) -> Result<Found, StoreError> {
        // Before the look: what is changed behind it is looked at once more.
        let times = server.inner().times();
        let look = stored.freshness.look(times);
        if !stored.freshness.is_held_since(times) {
            server.hold(&stored.owner).await?;
        }
        let found = self.take_over(stored, server).await;
        match &found {
            // Not before: whoever finds the copy fresh uses it at once.
            Ok(Found::Living) => stored.freshness.looked(look),
            Ok(Found::Gone) => {}
            Err(_) => stored.freshness.mark_stale(),
        }
        found
    }

    /// Becomes what is stored now.
    async fn take_over(
        self: &Arc<Self>,
        stored: &Stored,
        server: &Server,
    ) -> Result<Found, StoreError> {
        let Some(loaded) = server.inner().store().load(&stored.key()).await? else {
            return Ok(Found::Gone);
        };
        let (known, revision) = stored.last();
        if loaded.revision == revision {
            // Nobody may have been told of it when it was found.
            server.tell(stored).await?;
            return Ok(Found::Living);
        }
        let theirs = SessionRecord::decode(&loaded.value).map_err(StoreError::unavailable)?;
        if theirs.ended.is_some() {
            return Ok(Found::Gone);
        }
        let changes = self.become_like(stored, &known.changing, &theirs.changing);
        stored.set_seen(Changing {
            changes,
            ..theirs.changing.clone()
        });
        stored.set_last(theirs, loaded.revision);
        // Whoever wrote it may be gone before all others knew of it: then it is this replica's part
        // to tell them, before it answers from it.
        stored.set_untold(loaded.revision);
        server.tell(stored).await?;
        Ok(Found::Living)
    }

    /// Takes over what `theirs` changed since `known`, under what was changed here and is not
    /// saved; gives what others then know of what it is offered.
    fn become_like(&self, stored: &Stored, known: &Changing, theirs: &Changing) -> StoredPatch {
        let news = theirs.changes.changes_since(&known.changes);
        loop {
            let (mut seen, mine) = (stored.seen(), Changing::of(self));
            let own = mine.changes.changes_since(&seen.changes);
            let mut laid = news.clone();
            if !laid.is_empty() {
                // Over what is new, what was changed here and is not saved.
                laid.apply(own.clone());
            }
            // A handler may edit it meanwhile: that is a change of its own, and what is laid here
            // must not be laid over it.
            let Some(changes) = self.lay(&laid, &mine.changes) else {
                continue;
            };
            self.adopt(&mine, &theirs.merged(&seen, &mine));
            if own.is_empty() {
                return changes;
            }
            seen.changes.apply(news);
            return seen.changes;
        }
    }

    /// Becomes what is stored, where that differs from what was here. What it is offered is
    /// [laid](Self::lay).
    pub(super) fn adopt(&self, mine: &Changing, stored: &Changing) {
        let core = self.core();
        if stored.log_level != mine.log_level {
            core.learn_log_level(mine.log_level, stored.log_level);
        }
        for uri in stored.subscriptions.difference(&mine.subscriptions) {
            core.subscribe(uri);
        }
        for uri in mine.subscriptions.difference(&stored.subscriptions) {
            core.unsubscribe(uri);
        }
        if stored.roots != mine.roots
            && let Some(roots) = &stored.roots
        {
            core.roots.learn_elsewhere(Arc::clone(roots));
        }
        if stored.listening != mine.listening
            && let Some(own) = self.stored()
        {
            own.learn_listening(&mine.listening, &stored.listening);
        }
    }
}

/// Somebody asks other replicas for a stream.
pub(super) struct Asking<'a>(&'a AtomicUsize);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("owner", &self.owner)
            .field("stale", &self.freshness.is_stale())
            .finish_non_exhaustive()
    }
}
