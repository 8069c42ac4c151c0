//! The life of a session as a state machine that knows neither clocks nor locks.
//!
//! Every state is a type that owns what is known in it and has only the steps that are legal from
//! there, so an illegal step cannot be written. [`Lifecycle::on`] turns an event into one of those
//! steps, or into none.

use std::fmt;

use crate::session::EndReason;

/// Where a session is in its life.
///
/// ```text
/// opening ──▶ active ◀──▶ idle ──▶ parked
///    │          ▲ │        │         │ │
///    │          └─│────────│─────────┘ │     (a request wakes it)
///    └────────────┴────────┴───────────┴──▶ terminating ──▶ terminated
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// `on_open` has not finished yet.
    Opening,
    /// Something runs in it, somebody listens, or something was just heard of its client.
    Active,
    /// Nothing runs, nobody listens, and nothing was heard for some seconds.
    Idle,
    /// Idle for longer than [`Limits::idle`](crate::Limits::idle): what it does not need while it
    /// rests is freed, and the next request finds it as it was.
    Parked,
    /// It has ended: it takes no request any more, and `on_close` is about to run.
    Terminating,
    /// Nothing is left to do.
    Terminated,
}

/// After how many milliseconds something happens by itself; `u64::MAX` for never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// From the answer to `initialize` to the next thing heard.
    pub(crate) handshake: u64,
    /// Silence that makes it idle.
    pub(crate) rest: u64,
    /// Silence after which its place can go to another session.
    pub(crate) spare: u64,
    /// Silence that parks it.
    pub(crate) idle: u64,
    /// Silence that ends it.
    pub(crate) retention: u64,
    /// Age that ends it.
    pub(crate) lifetime: u64,
}

/// What happens to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LifeEvent {
    /// `on_open` is over.
    Opened,
    /// Something was heard of its client.
    Touched,
    /// Somebody looks after it; it is busy while a call runs or a stream is open.
    Looked { busy: bool },
    /// Its place is wanted, if it can spare it.
    Wanted { busy: bool },
    /// It is over.
    Ends(EndReason),
    /// All that its end entails is done.
    Closed,
}

/// A step from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) from: SessionState,
    pub(crate) to: SessionState,
}

/// The life of a session. Moments are milliseconds of its server's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    Opening(Opening),
    Active(Active),
    Idle(Idle),
    Parked(Parked),
    Terminating(Terminating),
    Terminated(Terminated),
}

/// `on_open` has not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opening {
    born: u64,
}

/// In use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Active(Times);

/// At rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Idle(Times);

/// At rest, without what it does not need for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parked(Times);

/// Over, and being cleared away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminating(EndReason);

/// Cleared away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminated(EndReason);

/// What is known of every session that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    born: u64,
    /// When something was last heard of it, or it was last seen busy.
    heard: u64,
    /// Its client has said something since it was opened.
    greeted: bool,
}

impl Opening {
    fn on(self, event: LifeEvent, now: u64, deadlines: &Deadlines) -> Lifecycle {
        match event {
            LifeEvent::Opened => Lifecycle::Active(self.opened(now)),
            LifeEvent::Ends(reason) => Lifecycle::Terminating(self.end(reason)),
            // Whoever wanted it went away before `on_open` began.
            LifeEvent::Looked { busy: false }
                if now.saturating_sub(self.born) >= deadlines.retention =>
            {
                Lifecycle::Terminating(self.end(EndReason::Idle))
            }
            LifeEvent::Looked { .. }
            | LifeEvent::Wanted { .. }
            | LifeEvent::Touched
            | LifeEvent::Closed => Lifecycle::Opening(self),
        }
    }

    fn opened(self, now: u64) -> Active {
        Active(Times {
            born: self.born,
            heard: now,
            greeted: false,
        })
    }

    #[expect(clippy::unused_self, reason = "the state that is left is used up")]
    fn end(self, reason: EndReason) -> Terminating {
        Terminating(reason)
    }
}

impl Active {
    fn heard(self, now: u64) -> Self {
        Self(self.0.heard(now))
    }

    fn rest(self) -> Idle {
        Idle(self.0)
    }

    #[expect(clippy::unused_self, reason = "the state that is left is used up")]
    fn end(self, reason: EndReason) -> Terminating {
        Terminating(reason)
    }
}

impl Idle {
    fn wake(self, now: u64) -> Active {
        Active(self.0.heard(now))
    }

    fn park(self) -> Parked {
        Parked(self.0)
    }

    #[expect(clippy::unused_self, reason = "the state that is left is used up")]
    fn end(self, reason: EndReason) -> Terminating {
        Terminating(reason)
    }
}

impl Parked {
    fn thaw(self, now: u64) -> Active {
        Active(self.0.heard(now))
    }

    #[expect(clippy::unused_self, reason = "the state that is left is used up")]
    fn end(self, reason: EndReason) -> Terminating {
        Terminating(reason)
    }
}

impl Terminating {
    fn closed(self) -> Terminated {
        Terminated(self.0)
    }
}

impl Times {
    fn heard(self, now: u64) -> Self {
        Self {
            heard: now,
            greeted: true,
            ..self
        }
    }

    fn silence(self, now: u64) -> u64 {
        now.saturating_sub(self.heard)
    }

    /// When so much silence, or anything that ends it, comes.
    fn due(self, silence: u64, deadlines: &Deadlines) -> u64 {
        let given_up = if self.greeted {
            u64::MAX
        } else {
            deadlines.handshake
        };
        let silence = silence.min(deadlines.retention).min(given_up);
        let old = self.born.saturating_add(deadlines.lifetime);
        self.heard.saturating_add(silence).min(old)
    }

    /// Why it is over by itself, if it is.
    fn overdue(self, busy: bool, now: u64, deadlines: &Deadlines) -> Option<EndReason> {
        if now.saturating_sub(self.born) >= deadlines.lifetime {
            return Some(EndReason::Lifetime);
        }
        let silence = self.silence(now);
        let given_up = !self.greeted && silence >= deadlines.handshake;
        (!busy && (given_up || silence >= deadlines.retention)).then_some(EndReason::Idle)
    }
}

impl Lifecycle {
    /// A session that is being opened.
    pub(crate) fn new(now: u64) -> Self {
        Self::Opening(Opening { born: now })
    }

    /// Takes the step that an event leads to, and says if that led to another state.
    pub(crate) fn on(
        self,
        event: LifeEvent,
        now: u64,
        deadlines: &Deadlines,
    ) -> (Self, Option<Change>) {
        let next = match (self, event) {
            (Self::Opening(state), event) => state.on(event, now, deadlines),
            (Self::Active(state), event) => state.on(event, now, deadlines),
            (Self::Idle(state), event) => state.on(event, now, deadlines),
            (Self::Parked(state), event) => state.on(event, now, deadlines),
            (Self::Terminating(state), LifeEvent::Closed) => Self::Terminated(state.closed()),
            (unmoved, _) => unmoved,
        };
        let (from, to) = (self.state(), next.state());
        (next, (from != to).then_some(Change { from, to }))
    }

    pub(crate) fn state(&self) -> SessionState {
        match self {
            Self::Opening(_) => SessionState::Opening,
            Self::Active(_) => SessionState::Active,
            Self::Idle(_) => SessionState::Idle,
            Self::Parked(_) => SessionState::Parked,
            Self::Terminating(_) => SessionState::Terminating,
            Self::Terminated(_) => SessionState::Terminated,
        }
    }

    /// Why it is over; `None` while it is not.
    pub(crate) fn over(&self) -> Option<EndReason> {
        match self {
            Self::Terminating(Terminating(reason)) | Self::Terminated(Terminated(reason)) => {
                Some(*reason)
            }
            Self::Opening(_) | Self::Active(_) | Self::Idle(_) | Self::Parked(_) => None,
        }
    }

    /// When a look could first find something to do, if it is not busy and nothing is heard of it
    /// until then; `u64::MAX` for never.
    pub(crate) fn due(&self, deadlines: &Deadlines) -> u64 {
        match self {
            Self::Opening(state) => state.born.saturating_add(deadlines.retention),
            Self::Active(Active(times)) => times.due(deadlines.rest, deadlines),
            Self::Idle(Idle(times)) => times.due(deadlines.idle, deadlines),
            Self::Parked(Parked(times)) => times.due(deadlines.retention, deadlines),
            Self::Terminating(_) | Self::Terminated(_) => u64::MAX,
        }
    }

    /// How long nothing was heard of it, if it is open.
    pub(crate) fn silence(&self, now: u64) -> Option<u64> {
        match self {
            Self::Active(Active(times)) | Self::Idle(Idle(times)) | Self::Parked(Parked(times)) => {
                Some(times.silence(now))
            }
            Self::Opening(_) | Self::Terminating(_) | Self::Terminated(_) => None,
        }
    }
}

impl Active {
    fn on(self, event: LifeEvent, now: u64, deadlines: &Deadlines) -> Lifecycle {
        let silence = self.0.silence(now);
        match event {
            LifeEvent::Touched => Lifecycle::Active(self.heard(now)),
            LifeEvent::Ends(reason) => Lifecycle::Terminating(self.end(reason)),
            LifeEvent::Looked { busy } => match self.0.overdue(busy, now, deadlines) {
                Some(reason) => Lifecycle::Terminating(self.end(reason)),
                None if busy => Lifecycle::Active(self.heard(now)),
                None if silence >= deadlines.rest => Lifecycle::Idle(self.rest()),
                None => Lifecycle::Active(self),
            },
            LifeEvent::Wanted { busy: false } if silence >= deadlines.spare => {
                Lifecycle::Terminating(self.end(EndReason::Evicted))
            }
            LifeEvent::Wanted { .. } | LifeEvent::Opened | LifeEvent::Closed => {
                Lifecycle::Active(self)
            }
        }
    }
}

impl Idle {
    fn on(self, event: LifeEvent, now: u64, deadlines: &Deadlines) -> Lifecycle {
        match event {
            LifeEvent::Touched => Lifecycle::Active(self.wake(now)),
            LifeEvent::Ends(reason) => Lifecycle::Terminating(self.end(reason)),
            LifeEvent::Looked { busy } => match self.0.overdue(busy, now, deadlines) {
                Some(reason) => Lifecycle::Terminating(self.end(reason)),
                None if busy => Lifecycle::Active(self.wake(now)),
                None if self.0.silence(now) >= deadlines.idle => Lifecycle::Parked(self.park()),
                None => Lifecycle::Idle(self),
            },
            LifeEvent::Wanted { busy: false } => {
                Lifecycle::Terminating(self.end(EndReason::Evicted))
            }
            LifeEvent::Wanted { .. } | LifeEvent::Opened | LifeEvent::Closed => {
                Lifecycle::Idle(self)
            }
        }
    }
}

impl Parked {
    fn on(self, event: LifeEvent, now: u64, deadlines: &Deadlines) -> Lifecycle {
        match event {
            LifeEvent::Touched => Lifecycle::Active(self.thaw(now)),
            LifeEvent::Ends(reason) => Lifecycle::Terminating(self.end(reason)),
            LifeEvent::Looked { busy } => match self.0.overdue(busy, now, deadlines) {
                Some(reason) => Lifecycle::Terminating(self.end(reason)),
                None if busy => Lifecycle::Active(self.thaw(now)),
                None => Lifecycle::Parked(self),
            },
            LifeEvent::Wanted { busy: false } => {
                Lifecycle::Terminating(self.end(EndReason::Evicted))
            }
            LifeEvent::Wanted { .. } | LifeEvent::Opened | LifeEvent::Closed => {
                Lifecycle::Parked(self)
            }
        }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "opening",
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Parked => "parked",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, Strategy, prop, prop_oneof, proptest};

    use super::*;

    const DEADLINES: Deadlines = Deadlines {
        handshake: 60,
        rest: 10,
        spare: 7,
        idle: 100,
        retention: 400,
        lifetime: 1_000,
    };

    /// What a session is told, in the words of its documentation.
    #[derive(Debug)]
    struct Model {
        state: SessionState,
        reason: Option<EndReason>,
        born: u64,
        last: u64,
        greeted: bool,
    }

    impl Model {
        fn end(&mut self, reason: EndReason) {
            (self.state, self.reason) = (SessionState::Terminating, Some(reason));
        }

        fn on(&mut self, event: LifeEvent, now: u64) {
            let silence = now - self.last;
            let open = self.reason.is_none() && self.state != SessionState::Opening;
            let wakes = match event {
                LifeEvent::Touched => open,
                LifeEvent::Looked { busy } => {
                    if open && now - self.born >= DEADLINES.lifetime {
                        return self.end(EndReason::Lifetime);
                    }
                    open && busy
                }
                _ => false,
            };
            if wakes {
                (self.state, self.last, self.greeted) = (SessionState::Active, now, true);
                return;
            }
            match event {
                LifeEvent::Opened if self.state == SessionState::Opening => {
                    (self.state, self.last) = (SessionState::Active, now);
                }
                LifeEvent::Ends(reason) if self.reason.is_none() => self.end(reason),
                LifeEvent::Closed if self.state == SessionState::Terminating => {
                    self.state = SessionState::Terminated;
                }
                LifeEvent::Looked { busy: false }
                    if self.state == SessionState::Opening
                        && now - self.born >= DEADLINES.retention =>
                {
                    self.end(EndReason::Idle);
                }
                LifeEvent::Wanted { busy: false }
                    if open
                        && (self.state != SessionState::Active || silence >= DEADLINES.spare) =>
                {
                    self.end(EndReason::Evicted);
                }
                LifeEvent::Looked { busy: false } if open => {
                    if silence >= DEADLINES.retention
                        || (!self.greeted && silence >= DEADLINES.handshake)
                    {
                        self.end(EndReason::Idle);
                    } else if self.state == SessionState::Active && silence >= DEADLINES.rest {
                        self.state = SessionState::Idle;
                    } else if self.state == SessionState::Idle && silence >= DEADLINES.idle {
                        self.state = SessionState::Parked;
                    }
                }
                _ => {}
            }
        }
    }

    /// How long nothing happens.
    #[derive(Debug, Clone, Copy)]
    enum Pause {
        For(u64),
        UntilSilent(u64),
        UntilOld(u64),
    }

    impl Pause {
        fn end(self, now: u64, model: &Model) -> u64 {
            match self {
                Self::For(time) => now + time,
                Self::UntilSilent(silence) => now.max(model.last + silence),
                Self::UntilOld(age) => now.max(model.born + age),
            }
        }
    }

    fn events() -> impl Strategy<Value = Vec<(Pause, LifeEvent)>> {
        let reasons = prop_oneof![
            proptest::strategy::Just(EndReason::Client),
            proptest::strategy::Just(EndReason::Revoked),
        ];
        let event = prop_oneof![
            2 => proptest::strategy::Just(LifeEvent::Opened),
            6 => proptest::strategy::Just(LifeEvent::Touched),
            9 => prop::bool::weighted(0.2).prop_map(|busy| LifeEvent::Looked { busy }),
            1 => prop::bool::ANY.prop_map(|busy| LifeEvent::Wanted { busy }),
            1 => reasons.prop_map(LifeEvent::Ends),
            1 => proptest::strategy::Just(LifeEvent::Closed),
        ];
        // Often just before a deadline, or at it.
        let deadline = prop::sample::select(&[10_u64, 60, 100, 400]);
        let until = move |early: u64| deadline.clone().prop_map(move |silence| silence - early);
        let pause = prop_oneof![
            4 => (0_u64..15).prop_map(Pause::For),
            2 => (0_u64..600).prop_map(Pause::For),
            3 => until(1).prop_map(Pause::UntilSilent),
            6 => until(0).prop_map(Pause::UntilSilent),
            1 => (999_u64..1_001).prop_map(Pause::UntilOld),
        ];
        prop::collection::vec((pause, event), 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_life_goes_as_the_model_says_and_ends_once(events in events()) {
            let mut life = Lifecycle::new(5);
            let mut model = Model {
                state: SessionState::Opening,
                reason: None,
                born: 5,
                last: 5,
                greeted: false,
            };
            let (mut now, mut ends) = (5, 0);
            for (pause, event) in events {
                now = pause.end(now, &model);
                let before = life.state();
                let (next, change) = life.on(event, now, &DEADLINES);
                model.on(event, now);
                life = next;
                assert_eq!((life.state(), life.over()), (model.state, model.reason));
                assert_eq!(change.is_some(), before != life.state());
                let looked = |now| life.on(LifeEvent::Looked { busy: false }, now, &DEADLINES).1;
                let due = life.due(&DEADLINES);
                assert_eq!(looked(due - 1), None, "too early");
                assert_eq!(looked(due).is_some(), life.over().is_none(), "when it is due");
                ends += usize::from(change.is_some_and(|to| to.to == SessionState::Terminating));
            }
            assert_eq!(ends, usize::from(life.over().is_some()));
        }
    }

    #[test]
    fn silence_leads_from_active_over_idle_and_parked_to_the_end() {
        let look = LifeEvent::Looked { busy: false };
        let (mut life, _) = Lifecycle::new(0).on(LifeEvent::Opened, 0, &DEADLINES);
        (life, _) = life.on(LifeEvent::Touched, 0, &DEADLINES);
        let mut seen = Vec::new();
        for now in [5, 10, 99, 100, 399, 400] {
            (life, _) = life.on(look, now, &DEADLINES);
            seen.push(life.state());
        }
        use SessionState::{Active, Idle, Parked, Terminating};
        assert_eq!(seen, [Active, Idle, Idle, Parked, Parked, Terminating]);
        assert_eq!(life.over(), Some(EndReason::Idle));
    }
}
