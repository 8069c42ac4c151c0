//! What becomes of what other replicas say.

use std::sync::Arc;

use crate::protocol::RequestId;
use crate::server::replica::hearing::Hearing;
use crate::server::replica::principals;
use crate::server::{Live, Server};
use crate::session::{EndReason, STANDING};
use crate::store::bus::Event;

/// After how many beats it looks for what follows on streams, as well.
const FEED_BEATS: u64 = 240;

impl Server {
    /// Takes what another replica says, or what this one said itself.
    pub(super) fn heard(&self, event: Event) {
        let inner = self.inner();
        let Some(hearing) = inner.hearing() else {
            return;
        };
        let own = self.own_id();
        match event {
            Event::Here { replica, at_ms } if replica == own => hearing.beat(at_ms),
            Event::Here { replica, .. } => hearing.is_there(replica, inner.hub.now_ms().max(1)),
            Event::Gone { replica } => hearing.is_there(replica, 0),
            Event::Seen { of, change, from } => hearing.has_seen(of, change, &from),
            Event::SessionChanged {
                session,
                revision,
                from,
                to,
            } if from != own => {
                let stored = hearing.copy(&session);
                let stored = stored.as_ref().and_then(|live| live.stored());
                // Whoever told may have found what this replica wrote.
                let older = stored.filter(|stored| stored.last().1.number() != revision);
                older.inspect(|stored| stored.freshness.mark_stale());
                self.say_seen(session, revision, own, &to);
            }
            Event::PrincipalChanged {
                principal,
                variant,
                change,
                from,
                to,
            } if from != own => {
                self.principal_changed(&principal, &variant);
                self.say_seen(principals::named(&principal, &variant), change, own, &to);
            }
            Event::SessionEnded { session } => {
                if let Some(live) = hearing.copy(&session) {
                    self.let_go(&live, EndReason::Client);
                }
            }
            Event::ResourceUpdated {
                uri,
                from,
                principal,
            } if from != own => self.updated_elsewhere(&uri, principal.as_deref()),
            Event::ErrandDone { id } => inner.errands.done_elsewhere(&id),
            of_streams => self.heard_of_streams(hearing, &own, of_streams),
        }
    }

    /// Says that nothing older than a change is used here, to those who wait for this replica.
    fn say_seen(&self, of: Arc<str>, change: u64, own: Arc<str>, to: &[Arc<str>]) {
        if to.contains(&own) {
            self.say(Event::Seen {
                of,
                change,
                from: own,
            });
        }
    }

    /// Takes what is about streams, and what clients said elsewhere that a call here waits for.
    fn heard_of_streams(&self, hearing: &Hearing, own: &str, event: Event) {
        match event {
            Event::StreamOpened { session, from } if *from != *own => {
                if let Some(live) = hearing.copy(&session) {
                    live.core().streams.starve();
                    live.stored().inspect(|stored| stored.read_elsewhere(from));
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
            } if !from.starts_with(own) => {
                if let Some(live) = hearing.copy(&session) {
                    self.lay_down(&live, stream, seen, &from);
                }
            }
            Event::Answered { session, question } => {
                if let Some(live) = hearing.copy(&session) {
                    self.answered(&live, question);
                }
            }
            Event::Cancelled {
                session, request, ..
            } => {
                let id = serde_json::from_str::<RequestId>(&request).ok();
                if let Some((live, id)) = hearing.copy(&session).zip(id) {
                    live.core().calls.cancel(&id);
                }
            }
            _ => {}
        }
    }

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
    pub(super) fn look_around(&self, beats: u64) {
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
