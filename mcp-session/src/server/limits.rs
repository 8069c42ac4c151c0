//! Every limit in one place.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::catalog::PageLimits;
use crate::error::{Error, Result};
use crate::protocol::DecodeLimits;
use crate::session::{Deadlines, OutboxLimits, Replay};

/// How much a server takes on, and how long it waits. Every limit has a default that suits a
/// server on the open internet.
///
/// # What a client costs that does not read
///
/// It holds up nobody, and what is kept for it is bounded, however much is said. Each message
/// costs its text and up to 256 bytes:
///
/// - on the standing stream of a session, and on each `subscriptions/listen`: one notice for each
///   list and for each resource that was subscribed to ([`subscriptions`](Self::subscriptions));
/// - on the stream of a call: log and progress messages up to [`notices`](Self::notices) and
///   [`notice_bytes`](Self::notice_bytes), whichever is reached first, and the answer;
/// - in a handshake session also what was read and can be resumed: [`replay`](Self::replay) for
///   each stream, and [`session_replay`](Self::session_replay) for all of them.
///
/// What the operating system buffers for a connection comes on top.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mcp_session::server::Limits;
///
/// let limits = Limits::default().sessions(50_000).idle(Duration::from_secs(30 * 60));
/// # let _ = limits;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Limits {
    pub(crate) sessions: usize,
    pub(crate) per_principal: usize,
    pub(crate) openings: Option<u32>,
    pub(crate) at_capacity: AtCapacity,
    pub(crate) handshake: Duration,
    pub(crate) idle: Duration,
    pub(crate) retention: Duration,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) hook: Duration,
    pub(crate) in_flight: usize,
    pub(crate) state_bytes: usize,
    pub(crate) state_retention: Duration,
    pub(crate) scratch_bytes: usize,
    pub(crate) in_flight_total: usize,
    pub(crate) calls_per_second: Option<u32>,
    pub(crate) calls_per_tool: Option<u32>,
    pub(crate) message_bytes: usize,
    pub(crate) nesting: usize,
    pub(crate) batch: usize,
    pub(crate) page_entries: usize,
    pub(crate) page_bytes: usize,
    pub(crate) notices: usize,
    pub(crate) notice_bytes: usize,
    pub(crate) stall: Duration,
    pub(crate) window: Duration,
    pub(crate) replay_events: usize,
    pub(crate) replay_bytes: usize,
    pub(crate) replay_age: Duration,
    pub(crate) session_replay_events: usize,
    pub(crate) session_replay_bytes: usize,
    pub(crate) streams: usize,
    pub(crate) subscriptions: usize,
    pub(crate) listens: usize,
    pub(crate) listens_per_principal: usize,
    pub(crate) notifications: usize,
    pub(crate) request: Option<Duration>,
    pub(crate) answer: Duration,
    pub(crate) detached: Duration,
    pub(crate) silence: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) exchange: Duration,
    pub(crate) request_state_bytes: usize,
    pub(crate) parked: usize,
    pub(crate) drain: Duration,
}

/// What happens to a client that wants a session when there are as many as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtCapacity {
    /// The session that rested longest ends, with
    /// [`EndReason::Evicted`](crate::EndReason::Evicted), and makes room. One in which a call runs
    /// or a stream is open is never taken, nor a handshake session that was just heard of; where
    /// all are like that, the client is refused.
    EvictIdle,
    /// The client is refused: with 503 where the server is full, with 429 where its principal has
    /// too many, and with `Retry-After`.
    Refuse,
}

/// The longest time between two looks after the sessions.
const LOOK: Duration = Duration::from_secs(10);

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 100_000,
            per_principal: 1_000,
            openings: None,
            at_capacity: AtCapacity::EvictIdle,
            handshake: Duration::from_secs(60),
            idle: Duration::from_secs(10 * 60),
            retention: Duration::from_secs(24 * 60 * 60),
            lifetime: None,
            hook: Duration::from_secs(5),
            in_flight: 256,
            state_bytes: 64 * 1024,
            state_retention: Duration::from_secs(30 * 24 * 60 * 60),
            scratch_bytes: 8 * 1024,
            in_flight_total: 10_000,
            calls_per_second: None,
            calls_per_tool: None,
            message_bytes: 4 * 1024 * 1024,
            nesting: 64,
            batch: 50,
            page_entries: 1_000,
            page_bytes: 4 * 1024 * 1024,
            notices: 256,
            notice_bytes: 1024 * 1024,
            stall: Duration::from_secs(5),
            window: Duration::from_millis(100),
            replay_events: 256,
            replay_bytes: 1024 * 1024,
            replay_age: Duration::from_secs(5 * 60),
            session_replay_events: 1_024,
            session_replay_bytes: 4 * 1024 * 1024,
            streams: 512,
            subscriptions: 1_000,
            listens: 100_000,
            listens_per_principal: 256,
            notifications: 1_024,
            request: None,
            answer: Duration::from_secs(5 * 60),
            detached: Duration::from_secs(5 * 60),
            silence: Duration::from_secs(1),
            keep_alive: Duration::from_secs(15),
            exchange: Duration::from_secs(10 * 60),
            request_state_bytes: 64 * 1024,
            parked: 1_000,
            drain: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// Sessions at one time; 100,000 unless set: handshake sessions over HTTP, and sessions of
    /// principals in the stateless era, both together. What happens to a client that wants one
    /// more, [`at_capacity`](Self::at_capacity) says.
    pub fn sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions;
        self
    }

    /// Sessions that one principal may have at one time, of those that
    /// [`sessions`](Self::sessions) counts; 1,000 unless set. In the stateless era it has one per
    /// variant. Beyond the limit its own session that rested longest makes room, or the client is
    /// refused with 429, as [`at_capacity`](Self::at_capacity) says. Anonymous callers count as
    /// nobody's.
    pub fn per_principal(mut self, sessions: usize) -> Self {
        self.per_principal = sessions;
        self
    }

    /// Sessions that may be opened per second, of those that [`sessions`](Self::sessions) counts,
    /// with bursts of one second's worth; any number unless set. Beyond it a client that wants one
    /// is refused with 429 and `Retry-After`.
    pub fn openings_per_second(mut self, openings: u32) -> Self {
        self.openings = Some(openings.max(1));
        self
    }

    /// What happens to a client that wants a session when there are as many sessions as there may be;
    /// [`AtCapacity::EvictIdle`] unless set.
    pub fn at_capacity(mut self, policy: AtCapacity) -> Self {
        self.at_capacity = policy;
        self
    }

    /// How long `on_open` may take, and then how long a client over HTTP may take to say
    /// anything after its `initialize` was answered, before the session ends; one minute unless
    /// set.
    pub fn handshake(mut self, handshake: Duration) -> Self {
        self.handshake = handshake;
        self
    }

    /// How long a handshake session over HTTP may stay silent, without a request, a running call
    /// or an open stream, before it is *parked*: what it does not need while it rests is freed,
    /// and the next request finds it as it was. Ten minutes unless set.
    ///
    /// A principal's session in the stateless era ends after the same time, with
    /// [`EndReason::Idle`](crate::EndReason::Idle): its durable changes stay, and the next request
    /// opens it anew.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// How long a handshake session over HTTP may stay silent, in the same sense, before it ends
    /// and its client gets 404; 24 hours unless set. A principal's session is put away before, by
    /// [`idle`](Self::idle).
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// How long a handshake session over HTTP, or a principal's, may live, however busy it is; for
    /// ever unless set.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// How long each run of `on_close` and of the other hooks that watch a session may take
    /// before it is dropped; five seconds unless set. `on_open` has
    /// [`handshake`](Self::handshake).
    pub fn hook(mut self, hook: Duration) -> Self {
        self.hook = hook;
        self
    }

    /// Requests in flight on one byte stream or in one handshake session; 256 unless set. A byte
    /// stream is not read further while so many are unanswered; over HTTP a further one is refused
    /// with 429.
    pub fn in_flight(mut self, requests: usize) -> Self {
        self.in_flight = requests.max(1);
        self
    }

    /// How many bytes the [state](crate::store::State) of one session or one principal may have,
    /// with its names; 64 KiB unless set. There may be 1,000 values in it. What a durable store keeps
    /// of a principal's [edits](crate::server::PrincipalScope::edit) may have as many bytes again.
    pub fn state_bytes(mut self, bytes: usize) -> Self {
        self.state_bytes = bytes;
        self
    }

    /// How long the state of a principal is kept after it was used last; 30 days unless set. What
    /// is only read counts as used when half of the time is over.
    pub fn state_retention(mut self, retention: Duration) -> Self {
        self.state_retention = retention;
        self
    }

    /// How many bytes the state of one exchange may have as JSON
    /// ([`Context::scratch`](crate::Context::scratch)); 8 KiB unless set.
    pub fn scratch_bytes(mut self, bytes: usize) -> Self {
        self.scratch_bytes = bytes;
        self
    }

    /// Requests in flight in all, of both eras and over every transport; 10,000 unless set. A
    /// further one gets an error, over HTTP with 503 and `Retry-After`. `ping` is always answered,
    /// and open `subscriptions/listen` requests are not counted: they work at nothing, and have a
    /// [limit of their own](Self::listens).
    pub fn in_flight_total(mut self, requests: usize) -> Self {
        self.in_flight_total = requests.max(1);
        self
    }

    /// Calls that one principal may make per second, with bursts of one second's worth; any number
    /// unless set. A call is a request that runs a function of yours: `tools/call`,
    /// `prompts/get`, `resources/read`, `completion/complete`, a method of an extension. A further
    /// one gets an error, over HTTP with 429 and `Retry-After`.
    ///
    /// A principal has one such allowance, however many sessions, connections and eras it uses.
    /// Anonymous callers cannot be told apart, so this does not hold them back;
    /// [`calls_per_tool`](Self::calls_per_tool) and [`in_flight_total`](Self::in_flight_total) do.
    pub fn calls_per_second(mut self, calls: u32) -> Self {
        self.calls_per_second = Some(calls.max(1));
        self
    }

    /// Calls of one tool per second, by all callers together, the anonymous among them, with
    /// bursts of one second's worth; any number unless set. Tools of the same name count as one,
    /// whichever session or variant they are in. A further call gets an error, over HTTP with 429
    /// and `Retry-After`.
    /// [`ToolBuilder::calls_per_second`](crate::catalog::ToolBuilder::calls_per_second) sets it
    /// for one tool.
    pub fn calls_per_tool(mut self, calls: u32) -> Self {
        self.calls_per_tool = Some(calls.max(1));
        self
    }

    /// The size of one incoming message in bytes; 4 MiB unless set.
    pub fn message_bytes(mut self, bytes: usize) -> Self {
        self.message_bytes = bytes;
        self
    }

    /// How deep an incoming message may nest arrays and objects; 64 unless set.
    pub fn nesting(mut self, depth: usize) -> Self {
        self.nesting = depth;
        self
    }

    /// The messages in one batch (2025-03-26 only); 50 unless set.
    pub fn batch(mut self, messages: usize) -> Self {
        self.batch = messages;
        self
    }

    /// The entries on one page of a list; 1,000 unless set.
    pub fn page_entries(mut self, entries: usize) -> Self {
        self.page_entries = entries.max(1);
        self
    }

    /// The size in bytes that ends a page of a list; 4 MiB unless set. A page holds at least one
    /// entry.
    pub fn page_bytes(mut self, bytes: usize) -> Self {
        self.page_bytes = bytes;
        self
    }

    /// Log and progress messages that wait for one reader; 256 unless set. Further log messages
    /// are dropped and progress reports coalesce; answers never are, and changes of lists and
    /// resources coalesce always.
    ///
    /// A reader that takes nothing meanwhile is left behind: see [`stall`](Self::stall).
    pub fn notices(mut self, notices: usize) -> Self {
        self.notices = notices;
        self
    }

    /// The bytes of the log and progress messages that wait for one reader; 1 MiB unless set. The
    /// message that reaches it is the last one that is taken, so what waits is at most this and
    /// one message.
    pub fn notice_bytes(mut self, bytes: usize) -> Self {
        self.notice_bytes = bytes;
        self
    }

    /// How long the reader of a stream may take nothing while as many log and progress messages
    /// wait as may ([`notices`](Self::notices), [`notice_bytes`](Self::notice_bytes)); five seconds
    /// unless set. Then its stream ends, unfinished, and what waits is kept for the client that
    /// resumes it. Zero ends it as soon as one message more finds no room, also in the middle of a
    /// burst.
    ///
    /// This is about streams that can be resumed: those of handshake sessions over HTTP.
    pub fn stall(mut self, stall: Duration) -> Self {
        self.stall = stall;
        self
    }

    /// The time in which one stream announces a change of the same list at most twice: the first
    /// change at once, whatever follows it together at the end; 100 milliseconds unless set. Zero
    /// announces each change whose predecessor was read.
    pub fn coalesce(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// What is kept of one stream for a client that resumes it (handshake era over HTTP): 256
    /// events, 1 MiB and five minutes unless set. What was not read yet is kept beside it.
    pub fn replay(mut self, events: usize, bytes: usize, age: Duration) -> Self {
        (self.replay_events, self.replay_bytes, self.replay_age) = (events, bytes, age);
        self
    }

    /// What is kept of all streams of one session together for a client that resumes them: 1,024
    /// events and 4 MiB unless set. The oldest streams make room; what was not read yet of a call
    /// that is running is kept regardless.
    pub fn session_replay(mut self, events: usize, bytes: usize) -> Self {
        (self.session_replay_events, self.session_replay_bytes) = (events, bytes);
        self
    }

    /// Event streams that are open in one handshake session over HTTP; 512 unless set. Streams
    /// that a newer one took over from make room; a further GET is then refused with 429.
    pub fn streams(mut self, streams: usize) -> Self {
        self.streams = streams.max(1);
        self
    }

    /// Resources one session, or one `subscriptions/listen`, may subscribe to; 1,000 unless set.
    pub fn subscriptions(mut self, resources: usize) -> Self {
        self.subscriptions = resources;
        self
    }

    /// `subscriptions/listen` streams open at one time; 100,000 unless set. A further one is
    /// refused, over HTTP with 429 and `Retry-After`.
    pub fn listens(mut self, streams: usize) -> Self {
        self.listens = streams;
        self
    }

    /// `subscriptions/listen` streams of one principal at one time; 256 unless set. Anonymous
    /// callers cannot be told apart, and share [`listens`](Self::listens).
    pub fn listens_per_principal(mut self, streams: usize) -> Self {
        self.listens_per_principal = streams;
        self
    }

    /// Notifications of extensions whose handlers are at work; 1,024 unless set. What arrives
    /// beyond it is dropped, as a notification may be.
    pub fn notifications(mut self, notifications: usize) -> Self {
        self.notifications = notifications.min(Semaphore::MAX_PERMITS);
        self
    }

    /// How long the function behind one request may take; as long as it likes unless set. One that
    /// takes longer is stopped, and the request has failed: a tool's client gets a failed result,
    /// any other an error. [`ToolBuilder::timeout`](crate::catalog::ToolBuilder::timeout) sets it
    /// for one tool. `subscriptions/listen` is not meant.
    pub fn request(mut self, request: Duration) -> Self {
        self.request = Some(request);
        self
    }

    /// How long a question to the client waits for its answer; five minutes unless set.
    pub fn answer(mut self, answer: Duration) -> Self {
        self.answer = answer;
        self
    }

    /// How long a client of the stateless era may take to call again with the answers it was asked
    /// for; ten minutes unless set. Later its `requestState` is refused, and it has to begin anew.
    pub fn exchange(mut self, exchange: Duration) -> Self {
        self.exchange = exchange;
        self
    }

    /// How long a `requestState` may be in bytes; 64 KiB unless set. It carries the answers and the
    /// results of [`Context::once`](crate::Context::once) from round to round: a handler whose
    /// answers do not fit fails with an error that says so, and a longer state is refused unread.
    pub fn request_state_bytes(mut self, bytes: usize) -> Self {
        self.request_state_bytes = bytes;
        self
    }

    /// Handlers that are kept alive while their clients answer (see
    /// [`ToolBuilder::park`](crate::catalog::ToolBuilder::park)); 1,000 unless set. A further one is
    /// run again instead.
    pub fn parked(mut self, handlers: usize) -> Self {
        self.parked = handlers;
        self
    }

    /// How long a call of the handshake era may run on after its client's connection is lost;
    /// five minutes unless set.
    pub fn detached(mut self, detached: Duration) -> Self {
        self.detached = detached;
        self
    }

    /// How long a call over HTTP may stay silent before its answer becomes an event stream, whose
    /// comments keep proxies from cutting it; one second unless set.
    pub fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// The interval of the comments that keep an event stream open; 15 seconds unless set.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = interval;
        self
    }

    /// How long calls in flight may take after the end of input or the start of a shutdown without
    /// a deadline; five seconds unless set. See
    /// [`Server::shutdown_within`](crate::Server::shutdown_within).
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    pub(crate) fn deadlines(&self) -> Deadlines {
        Deadlines {
            handshake: millis(self.handshake),
            rest: millis(self.look()),
            spare: millis(self.look()),
            idle: millis(self.idle),
            retention: millis(self.retention),
            lifetime: self.lifetime.map_or(u64::MAX, millis),
        }
    }

    /// A principal's session is not parked but put away: what it would keep for the next request,
    /// that one makes anew from what is durable. For the same reason it can be spared as soon as
    /// nothing uses it.
    pub(crate) fn deadlines_of_principals(&self) -> Deadlines {
        Deadlines {
            spare: 0,
            retention: millis(self.idle.min(self.retention)),
            ..self.deadlines()
        }
    }

    /// Of a session that is stored it is known to an eighth of its retention when some process used
    /// it last, and none is ended too early.
    #[cfg(feature = "http")]
    pub(crate) fn deadlines_of_stored(&self) -> Deadlines {
        let deadlines = self.deadlines();
        let retention = deadlines.retention;
        let retention = retention.saturating_add(retention / 8);
        Deadlines {
            // Its client may have gone to another process after its handshake.
            handshake: retention,
            retention,
            ..deadlines
        }
    }

    pub(crate) fn exchange_ms(&self) -> u64 {
        millis(self.exchange)
    }

    /// How often somebody looks after the sessions: often enough that no deadline is missed by
    /// more than a quarter, but not all the time.
    pub(crate) fn look(&self) -> Duration {
        let deadlines = [self.handshake, self.idle, self.retention];
        let shortest = deadlines.into_iter().chain(self.lifetime).min();
        let look = shortest.map_or(LOOK, |shortest| shortest / 4);
        look.clamp(Duration::from_millis(100), LOOK)
    }

    /// Finds limits under which nothing could ever work.
    pub(crate) fn check(&self) -> Result<()> {
        let fails = [
            (
                self.message_bytes == 0,
                "`message_bytes` is 0: no message could arrive",
            ),
            (self.nesting == 0, "`nesting` is 0: no message could arrive"),
            (
                self.idle.is_zero(),
                "`idle` is zero: no session could outlive its opening",
            ),
            (
                self.retention.is_zero()
                    || self.lifetime.is_some_and(|lifetime| lifetime.is_zero()),
                "`retention` or `lifetime` is zero: no session could outlive its opening",
            ),
            (
                self.keep_alive.is_zero(),
                "`keep_alive` is zero: streams would carry nothing but comments",
            ),
        ];
        match fails.into_iter().find(|(fails, _)| *fails) {
            Some((_, why)) => Err(Error::configuration(why)),
            None => Ok(()),
        }
    }

    pub(crate) fn decode(&self) -> DecodeLimits {
        DecodeLimits {
            max_bytes: self.message_bytes,
            max_depth: self.nesting,
            max_batch: self.batch,
        }
    }

    pub(crate) fn page(&self) -> PageLimits {
        PageLimits {
            entries: self.page_entries,
            bytes: self.page_bytes,
        }
    }

    /// A queue that forgets what was read.
    pub(crate) fn transient(&self) -> OutboxLimits {
        OutboxLimits {
            notices: self.notices,
            notice_bytes: self.notice_bytes,
            window: self.window,
            replay: None,
        }
    }

    /// A queue that a client may resume.
    pub(crate) fn resumable(&self) -> OutboxLimits {
        let replay = Replay {
            events: self.replay_events,
            bytes: self.replay_bytes,
            age: self.replay_age,
            stall: self.stall,
        };
        OutboxLimits {
            notices: self.notices,
            notice_bytes: self.notice_bytes,
            window: self.window,
            replay: Some(replay),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
