//! Taking messages from a byte stream, no faster than they are answered.

use std::{io, pin::pin, sync::Arc, time::Duration};

use tokio::io::AsyncRead;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::clock;
use crate::dispatch::stream::{Connection, Decoded};
use crate::dispatch::{Answer, Reaction, Running, Upgrade};
use crate::protocol::{DecodeError, DecodeErrorKind, RpcError};
use crate::transport::duplex::calls::{Calls, answered};
use crate::transport::duplex::lines::{Line, Lines};
use crate::transport::duplex::pending::{Arrived, Pending};

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client has closed its end.
    EndOfInput,
    /// The stream broke.
    Broken(io::Error),
    /// The server is shutting down.
    Shutdown,
}

/// How many requests may always wait, however few places there are.
const FEW: usize = 16;

/// How long no place may become free before reading goes on regardless.
const STALLED: Duration = Duration::from_secs(1);

/// Reads messages and sees to it that each is answered.
///
/// There are as many places as requests may be in flight. A request keeps its place until its
/// answer has been taken from the queue by the writer, so a client that sends and never reads
/// is not read any further. Requests without a place wait; what needs no answer never does, for
/// the calls in flight may be waiting for just that: an answer to a question, or a cancellation.
///
/// When many requests wait, reading pauses. Should no place become free then, the calls in flight
/// may need something that was sent behind all those requests, so reading goes on until what
/// waits is as large as the largest message.
pub(super) struct Intake<R> {
    connection: Arc<Connection>,
    lines: Lines<R>,
    places: Arc<Semaphore>,
    /// How many places there are.
    in_flight: usize,
    /// No request needs more places than there are.
    all_places: u32,
    calls: Calls,
    pending: Pending,
    /// No place became free for long.
    stalled: bool,
    opening: Option<Opening>,
}

/// `initialize` while it runs. Everything behind it waits, for it opens the session that the rest
/// is about, and `on_open` runs before the first list.
struct Opening {
    running: Running,
    place: Option<OwnedSemaphorePermit>,
}

impl<R: AsyncRead + Unpin> Intake<R> {
    pub(super) fn new(connection: &Arc<Connection>, reader: R) -> Self {
        let limits = connection.server().limits();
        let in_flight = limits.in_flight.min(Semaphore::MAX_PERMITS);
        Self {
            connection: Arc::clone(connection),
            lines: Lines::new(reader, limits.message_bytes),
            places: Arc::new(Semaphore::new(in_flight)),
            in_flight,
            all_places: u32::try_from(in_flight).unwrap_or(u32::MAX),
            calls: Calls::new(connection),
            pending: Pending::new(in_flight.max(FEW), limits.message_bytes),
            stalled: false,
            opening: None,
        }
    }

    /// Reads and takes messages until there are no more.
    pub(super) async fn run(&mut self) -> Stop {
        let server = self.connection.server().clone();
        let mut stopping = pin!(server.inner().stopping.cancelled());
        loop {
            while self.may_read()
                && let Some(line) = self.lines.ready()
            {
                self.arrived(line);
            }
            self.calls.begin();
            let weight = self.pending.weight().filter(|_| self.opening.is_none());
            tokio::select! {
                biased;
                () = &mut stopping => return Stop::Shutdown,
                answer = opened(&mut self.opening) => self.opened(answer),
                place = place(&self.places, weight, self.all_places) => self.admit(place),
                () = clock::sleep(STALLED), if !self.may_read() && !self.stalled => {
                    self.stalled = true;
                }
                filled = self.lines.fill(), if self.may_read() => match filled {
                    Ok(true) => {}
                    Ok(false) => {
                        if let Some(line) = self.lines.last() {
                            self.arrived(line);
                        }
                        return Stop::EndOfInput;
                    }
                    Err(error) => return Stop::Broken(error),
                },
            }
        }
    }

    /// Answers everything that was read. Nothing more is read.
    pub(super) async fn drain(&mut self) {
        loop {
            self.calls.begin();
            if self.opening.is_none() && self.pending.is_empty() {
                break;
            }
            let weight = self.pending.weight().filter(|_| self.opening.is_none());
            tokio::select! {
                biased;
                answer = opened(&mut self.opening) => self.opened(answer),
                place = place(&self.places, weight, self.all_places) => self.admit(place),
            }
        }
        self.calls.tasks().close();
        self.calls.tasks().wait().await;
    }

    /// True while a request that was read has no answer, or one that the writer has not taken:
    /// until then it keeps its place.
    pub(super) fn owes(&self) -> bool {
        let taken = self.places.available_permits() < self.in_flight;
        taken || self.opening.is_some() || !self.pending.is_empty()
    }

    /// The tasks of the calls in flight.
    pub(super) fn tasks(&self) -> TaskTracker {
        self.calls.tasks().clone()
    }

    fn arrived(&mut self, line: Line) {
        let (decoded, bytes) = match line {
            Line::Text(text) => (self.connection.decode(&text), text.len()),
            Line::TooLong => (Err(self.too_long()), 0),
        };
        let arrived = Arrived::new(decoded, bytes);
        if let Some(id) = arrived.cancels() {
            self.pending.cancel(&id);
            self.take(arrived.decoded, None);
        } else if self.opening.is_some() {
            self.pending.push(arrived);
        } else if arrived.weight == 0 {
            self.take(arrived.decoded, None);
        } else if let Some(place) = self.free_place(arrived.weight) {
            self.take(arrived.decoded, Some(place));
        } else {
            self.pending.push(arrived);
        }
    }

    /// A place, unless somebody waits for one already.
    fn free_place(&self, weight: u32) -> Option<OwnedSemaphorePermit> {
        if !self.pending.is_empty() {
            return None;
        }
        let weight = weight.min(self.all_places);
        Arc::clone(&self.places).try_acquire_many_owned(weight).ok()
    }

    fn may_read(&self) -> bool {
        let many = self.pending.is_many() && !self.stalled;
        !many && !self.pending.is_large()
    }

    fn admit(&mut self, place: OwnedSemaphorePermit) {
        self.stalled = false;
        if let Some(arrived) = self.pending.pop() {
            self.take(arrived.decoded, Some(place));
        }
    }

    fn take(&mut self, decoded: Decoded, place: Option<OwnedSemaphorePermit>) {
        match self.connection.take(decoded) {
            Reaction::Accepted => {}
            Reaction::Answer(answer) => answered(&self.connection, Some(answer), place),
            Reaction::Running(running) if running.upgrade == Upgrade::Never => {
                self.opening = Some(Opening { running, place });
            }
            Reaction::Running(running) => self.calls.take(running, place),
        }
    }

    fn opened(&mut self, answer: Option<Answer>) {
        let place = self.opening.take().and_then(|opening| opening.place);
        answered(&self.connection, answer, place);
    }

    fn too_long(&self) -> DecodeError {
        let limit = self.connection.server().limits().message_bytes;
        let message = format!("too large: a message has at most {limit} bytes");
        DecodeError {
            id: None,
            error: RpcError::invalid_request(message),
            kind: DecodeErrorKind::TooLarge,
        }
    }
}

/// Runs the `initialize` that is running; pending where there is none.
async fn opened(opening: &mut Option<Opening>) -> Option<Answer> {
    match opening {
        Some(opening) => opening.running.future.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Waits for as many places; pending where nobody needs one.
async fn place(places: &Arc<Semaphore>, weight: Option<u32>, all: u32) -> OwnedSemaphorePermit {
    let Some(weight) = weight else {
        return std::future::pending().await;
    };
    let place = Arc::clone(places).acquire_many_owned(weight.min(all)).await;
    place.expect("the semaphore is never closed")
}
