//! What happens when a live session goes from one state to the next.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use crate::protocol::Era;
#[cfg(feature = "http")]
use crate::server::hooks;
use crate::server::hooks::Fact;
use crate::server::principal::Shared;
#[cfg(feature = "http")]
use crate::server::replica::Stored;
use crate::server::{Live, SessionEvent};
use crate::session::{Change, Deadlines, EndReason, LifeEvent, SessionState};

/// A session never takes more steps at one look than it has states.
const STEPS: usize = 4;

/// What came of a step.
#[derive(Clone, Copy)]
struct Taken {
    change: Option<Change>,
    /// Why the session is over, if it is.
    over: Option<EndReason>,
}

impl Live {
    /// `on_open` is over, and nobody refused: from here on the scope decides what can be edited.
    pub(crate) fn opened(self: &Arc<Self>) {
        self.begin_telling();
        self.stop_opening();
        self.step(|_| LifeEvent::Opened);
    }

    /// It goes on in this process, as `on_resume` makes it; whoever watches is told that.
    #[cfg(feature = "http")]
    pub(crate) async fn resume(self: &Arc<Self>) {
        if self.hooks().on_resume.is_some() {
            hooks::run(self, Fact::Resumed).await;
        }
        self.stop_opening();
        // Opened it was elsewhere: nobody is told of that.
        self.step(|_| LifeEvent::Opened);
        self.begin_telling();
        let session = || self.core().id().clone();
        let restored = || SessionEvent::Restored { session: session() };
        self.hub().events.publish(restored);
    }

    /// Something was heard of its client.
    ///
    /// # Errors
    ///
    /// Why it ended, where it has: whoever found it just before must look again.
    pub(crate) fn touch(self: &Arc<Self>) -> Result<(), EndReason> {
        self.heard();
        self.step(|_| LifeEvent::Touched).over.map_or(Ok(()), Err)
    }

    /// Looks after it: a session that rests is parked, and one whose time is over ends, after
    /// `forget` has seen to it that nobody finds it any more.
    pub(crate) fn look(self: &Arc<Self>, forget: impl FnOnce()) {
        for _ in 0..STEPS {
            let taken = self.step(|live| LifeEvent::Looked {
                busy: live.is_busy(),
            });
            if let Some(reason) = taken.ends() {
                forget();
                return self.close(reason);
            }
            if taken.change.is_none() {
                break;
            }
        }
        let busy = self.is_busy();
        #[cfg(feature = "http")]
        if let (true, Some(stored), Some(server)) = (busy, self.stored(), self.server()) {
            // A client that only listens uses it as well.
            server.keep_alive(self, stored);
        }
        if self.rests_until_due(busy) {
            self.core().calls.shrink();
            if let Some(server) = self.server() {
                self.trim(server.limits());
            }
            self.core().streams.shrink();
            if !self.core().streams.are_settled() {
                self.stir();
            }
        }
    }

    /// Says when it is to be looked after again; true when it rests until then.
    fn rests_until_due(&self, busy: bool) -> bool {
        let life = self.life().lock();
        // Under the lock, so that a step which brings it forward comes before or after. What is
        // busy is looked at every time: its silence begins when it was last seen so.
        self.leave_until(if busy { 0 } else { life.due(self.deadlines()) });
        matches!(life.state(), SessionState::Idle | SessionState::Parked)
    }

    /// Ends it if it can be spared, after `forget` as for [`look`](Self::look); true when it did.
    pub(crate) fn evict(self: &Arc<Self>, forget: impl FnOnce()) -> bool {
        let taken = self.step(|live| LifeEvent::Wanted {
            busy: live.is_busy(),
        });
        let reason = taken.ends();
        if let Some(reason) = reason {
            forget();
            self.close(reason);
        }
        reason.is_some()
    }

    /// How long nothing was heard of it; `None` while it cannot be spared.
    pub(crate) fn rests_for(&self) -> Option<u64> {
        let silence = self.life().lock().silence(self.hub().now_ms());
        silence.filter(|silence| *silence >= self.deadlines().spare && !self.is_busy())
    }

    /// Ends it: what runs is cancelled, its streams are closed, its hooks run, and what belongs
    /// to it is let go of. False when it had ended already.
    pub(crate) fn end(self: &Arc<Self>, reason: EndReason) -> bool {
        let taken = self.step(|_| LifeEvent::Ends(reason));
        let reason = taken.ends();
        reason.inspect(|reason| self.close(*reason));
        reason.is_some()
    }

    /// Waits until nothing is left to do for it, after its end. Cancel safe.
    pub(crate) async fn gone(&self) {
        loop {
            let woken = self.core().ended.news();
            // Registered before the look, so that it is not missed.
            if self.life().lock().state() == SessionState::Terminated {
                return;
            }
            woken.await;
        }
    }

    /// All that its end entails is done: its tables are freed.
    pub(crate) fn cleared(self: &Arc<Self>) {
        if catch_unwind(AssertUnwindSafe(|| self.forget_changes())).is_err() {
            tracing::error!("an entry of a session panicked while it was being dropped");
        }
        self.forget_state();
        let taken = self.step(|_| LifeEvent::Closed);
        self.core().ended.cleared();
        if taken.change.is_some()
            && self.is_watched()
            && self.has_begun()
            && let Some(reason) = self.core().end_reason()
        {
            let session = self.core().id().clone();
            #[cfg(feature = "http")]
            let lives_on = self.stored().is_some_and(Stored::lives_on);
            #[cfg(not(feature = "http"))]
            let lives_on = false;
            self.hub().events.publish(|| {
                if lives_on {
                    SessionEvent::LetGo { session, reason }
                } else {
                    SessionEvent::Ended { session, reason }
                }
            });
        }
    }

    /// A call runs in it, or somebody listens to it.
    fn is_busy(&self) -> bool {
        let used = self.principals().is_some_and(Shared::is_used);
        used || self.core().calls.len() > 0 || self.core().streams.is_connected()
    }

    /// The sessions of single requests are nobody's to watch: only their end is told.
    fn is_watched(&self) -> bool {
        self.core().era() == Era::Handshake || self.principals().is_some()
    }

    fn deadlines(&self) -> &Deadlines {
        #[cfg(feature = "http")]
        if self.stored().is_some() {
            return &self.hub().deadlines_of_stored;
        }
        match self.principals() {
            Some(_) => &self.hub().deadlines_of_principals,
            None => &self.hub().deadlines,
        }
    }

    /// Waits until nothing runs in it any more, after its end. Cancel safe.
    pub(crate) async fn left_alone(&self) {
        self.core().calls.gone().await;
        if let Some(shared) = self.principals() {
            loop {
                let woken = self.core().ended.news();
                // Registered before the look, so that the last one to go is not missed.
                if !shared.is_used() {
                    return;
                }
                woken.await;
            }
        }
    }

    /// Takes one step. What the event says is looked up under the lock, so that a call which
    /// begins meanwhile either counts or finds the session over; and what is told of it is queued
    /// there, so that it is told in order.
    fn step(self: &Arc<Self>, event: impl FnOnce(&Self) -> LifeEvent) -> Taken {
        let now = self.hub().now_ms();
        let mut life = self.life().lock();
        let (next, change) = life.on(event(self), now, self.deadlines());
        *life = next;
        if change.is_some() {
            self.stir();
        }
        let over = life.over();
        if let Some(change) = change
            && self.is_watched()
            && self.has_begun()
        {
            self.publish(change);
            for fact in Fact::of(change) {
                self.queue_fact(fact);
            }
            drop(life);
            self.tell_queued();
        }
        Taken { change, over }
    }

    /// Tells whoever watches the server.
    fn publish(&self, change: Change) {
        let (events, id) = (&self.hub().events, || self.core().id().clone());
        if change.from == SessionState::Opening && change.to == SessionState::Active {
            events.publish(|| SessionEvent::Opened {
                session: id(),
                principal: self.core().principal().cloned(),
            });
        }
        let Change { from, to } = change;
        if !matches!(to, SessionState::Terminating | SessionState::Terminated) {
            let session = id();
            events.publish(|| SessionEvent::StateChanged { session, from, to });
        }
    }

    /// Does what the step to its end entails, in this order: nothing is admitted any more, calls
    /// are cancelled, streams end, hooks run, tables are freed.
    fn close(self: &Arc<Self>, reason: EndReason) {
        self.core().end(reason);
        self.principals().inspect(|shared| shared.end());
        if self.is_watched() {
            let (age, _) = self.times();
            self.totals(|totals| totals.ended(reason, Duration::from_millis(age)));
        }
        if self.is_watched() && self.has_begun() {
            let session = self.core().id().tag();
            tracing::info!(%session, %reason, "session ended");
        }
        #[cfg(feature = "http")]
        if self.closes_stored(reason) {
            return;
        }
        self.conclude(reason);
    }

    /// The end is final: its hook runs, and then its tables are freed.
    pub(super) fn conclude(self: &Arc<Self>, reason: EndReason) {
        if !(self.has_begun() && self.tell_hooks(Fact::Closed(reason))) {
            self.cleared();
        }
    }
}

impl Taken {
    /// Why the session ends, if this was the step to its end.
    fn ends(self) -> Option<EndReason> {
        let ends = |change: Change| change.to == SessionState::Terminating;
        self.over.filter(|_| self.change.is_some_and(ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Frame, RequestId};
    use crate::server::{Limits, Server, Template, Variant};
    use crate::session::{About, Opening};

    fn live(server: &Server) -> Arc<Live> {
        let opening = Opening::new(Era::Handshake, None);
        let variant = server.inner().variants.member(Variant::DEFAULT);
        let live = Live::new(opening, variant.unwrap(), server.inner());
        live.opened();
        live.touch().unwrap();
        live
    }

    /// Looks after it as the janitor does; true when that is to be done again at once.
    fn is_due_after_a_look(live: &Arc<Live>) -> bool {
        assert!(is_due(live), "nobody looks");
        live.look(|| ());
        is_due(live)
    }

    fn is_due(live: &Live) -> bool {
        live.is_due(live.hub().now_ms())
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_at_rest_is_passed_by_until_there_may_be_something_to_do() {
        let server = Server::new(Template::builder("resting", "1").build().unwrap());
        let (live, limits) = (live(&server), Limits::default());
        let state = || live.life().lock().state();
        assert!(!is_due_after_a_look(&live), "it was just used");
        tokio::time::advance(limits.look()).await;
        assert!(!is_due_after_a_look(&live) && state() == SessionState::Idle);
        tokio::time::advance(limits.look()).await;
        assert!(!is_due(&live), "nothing has changed");

        live.touch().unwrap();
        assert!(!is_due_after_a_look(&live) && state() == SessionState::Active);
        live.touch().unwrap();
        assert!(!is_due(&live), "it comes to rest later than it would have");
        let call = live.begin(&RequestId::from(1)).unwrap();
        tokio::time::advance(limits.look()).await;
        assert!(is_due_after_a_look(&live), "its silence has not begun");
        drop(call);
        assert!(!is_due_after_a_look(&live));

        tokio::time::advance(Duration::from_millis(live.deadlines().idle)).await;
        assert!(!is_due_after_a_look(&live) && state() == SessionState::Parked);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_queued_for_a_session_at_rest_is_looked_at_until_it_is_settled() {
        let server = Server::new(Template::builder("told", "1").build().unwrap());
        let (live, limits) = (live(&server), Limits::default());
        tokio::time::advance(limits.look()).await;
        assert!(!is_due_after_a_look(&live));
        live.tell(About::Tools.into(), Frame::bare_notification("x"));
        assert!(!is_due_after_a_look(&live), "what is unread waits");

        let standing = live.core().streams.standing_if_open().unwrap();
        standing.reader().try_next().unwrap();
        live.tell(About::Tools.into(), Frame::bare_notification("x"));
        assert!(is_due_after_a_look(&live), "what was read grows old");
        tokio::time::advance(limits.resumable().replay.unwrap().age).await;
        tokio::time::advance(limits.look()).await;
        assert!(!is_due_after_a_look(&live));
    }
}
