//! The streams of one handshake session over HTTP, and how a client resumes one.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::session::{Outbox, OutboxLimits, Reader};

/// How many finished answers are kept for clients that resume.
const KEPT: usize = 64;

/// The streams of one session: the standing one, for what concerns no request, and one for every
/// answer that became an event stream.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    // Held for a table operation only, never across an await.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    standing: Option<Arc<Outbox>>,
    /// What a client reads of the standing stream, where that is in the store: then `standing` is
    /// what is on its way there.
    fed: Option<Arc<Outbox>>,
    answers: Vec<(u32, Arc<Outbox>)>,
    opened: u32,
    /// The session is over: what is opened from here on ends with what it holds.
    ended: bool,
}

/// Names one event of one stream of one session. Opaque to clients; it carries a tag of its
/// session, so that it means nothing in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) tag: u64,
    pub(crate) stream: u32,
    /// How many events of the stream a client has seen with this one: where it goes on.
    pub(crate) seen: u64,
}

/// What became of a wish to resume.
#[derive(Debug)]
pub(crate) enum Resume {
    /// Read on; the stream's number is for the ids of what follows.
    Reader(u32, Reader),
    /// The stream or the event is not known, or something behind it is gone.
    Unknown,
}

/// The number of the standing stream.
pub(crate) const STANDING: u32 = 0;

impl Streams {
    /// The standing stream, made at first use.
    pub(crate) fn standing(&self, limits: OutboxLimits) -> Arc<Outbox> {
        let mut table = self.table.lock();
        let ended = table.ended;
        let standing = table.standing.get_or_insert_with(|| Outbox::new(limits));
        if ended {
            // Whoever found the session just before its end must not wait on it for ever.
            standing.end();
        }
        Arc::clone(standing)
    }

    /// Numbers streams from here on, so that no other process of this session gives out the same.
    #[cfg(feature = "http")]
    pub(crate) fn begin_at(&self, number: u32) {
        self.table.lock().opened = number;
    }

    /// From here on this is what a client reads of the standing stream; whoever read before is let
    /// go of.
    #[cfg(feature = "http")]
    pub(crate) fn feed(&self, outbox: &Arc<Outbox>) {
        let mut table = self.table.lock();
        if table.ended {
            outbox.end();
        }
        let before = table.fed.replace(Arc::clone(outbox));
        drop(table);
        before.inspect(|before| before.end());
    }

    /// The standing stream is read elsewhere from here on.
    #[cfg(feature = "http")]
    pub(crate) fn starve(&self) {
        let fed = self.table.lock().fed.take();
        fed.inspect(|fed| fed.end());
    }

    /// Keeps a stream that was begun elsewhere, under the number it has there.
    #[cfg(feature = "http")]
    pub(crate) fn adopt(&self, number: u32, outbox: Arc<Outbox>) {
        let mut table = self.table.lock();
        if table.ended {
            outbox.end();
        }
        table.answers.retain(|(known, _)| *known != number);
        table.answers.push((number, outbox));
    }

    /// Makes an existing queue the standing stream: over a byte stream there is only one.
    pub(crate) fn adopt_standing(&self, outbox: Arc<Outbox>) {
        self.table.lock().standing = Some(outbox);
    }

    /// The standing stream if it was ever used.
    pub(crate) fn standing_if_open(&self) -> Option<Arc<Outbox>> {
        self.table.lock().standing.clone()
    }

    /// Keeps the stream of an answer, so that a client can resume it; gives its number.
    pub(crate) fn keep(&self, outbox: Arc<Outbox>) -> u32 {
        let mut table = self.table.lock();
        table.answers.retain(|(_, answer)| !answer.is_spent());
        if table.answers.len() >= KEPT {
            // The oldest finished answer that nobody is reading goes first, then the oldest that
            // nobody is reading; one being read is never taken from its reader.
            let alone = |(_, answer): &(u32, Arc<Outbox>)| !answer.is_connected();
            let finished = |kept: &(u32, Arc<Outbox>)| alone(kept) && kept.1.is_ended();
            let oldest = table.answers.iter().position(finished);
            let oldest = oldest.or_else(|| table.answers.iter().position(alone));
            oldest.map(|index| table.answers.remove(index));
        }
        if table.ended {
            outbox.end();
        }
        table.opened += 1;
        let stream = table.opened;
        table.answers.push((stream, outbox));
        stream
    }

    /// Goes on after an event.
    pub(crate) fn resume(&self, event: EventId) -> Resume {
        let table = self.table.lock();
        let outbox = if event.stream == STANDING {
            table.standing.as_ref()
        } else {
            table
                .answers
                .iter()
                .find(|(stream, _)| *stream == event.stream)
                .map(|(_, out)| out)
        };
        match outbox.and_then(|outbox| outbox.reader_after(event.seen)) {
            Some(reader) => Resume::Reader(event.stream, reader),
            None => Resume::Unknown,
        }
    }

    /// Lets go of what is too old to come back for, and, where all streams together keep more than
    /// this, of what was read, oldest streams first. What is still to be read of an answer that is
    /// not finished, or of the standing stream, is kept.
    pub(crate) fn trim(&self, events: usize, bytes: usize) {
        let mut table = self.table.lock();
        table.answers.retain(|(_, answer)| !answer.is_spent());
        table.standing.iter().for_each(|standing| standing.trim());
        let (mut all_events, mut all_bytes) = table.held();
        let mut fits = |before: (usize, usize), after: (usize, usize)| {
            // Saturating, because streams are written to meanwhile.
            all_events = all_events.saturating_sub(before.0.saturating_sub(after.0));
            all_bytes = all_bytes.saturating_sub(before.1.saturating_sub(after.1));
            all_events <= events && all_bytes <= bytes
        };
        if fits((0, 0), (0, 0)) {
            return;
        }
        let mut full = true;
        table.answers.retain(|(_, answer)| {
            if !full {
                return true;
            }
            let before = answer.held();
            if answer.is_ended() && !answer.is_connected() {
                full = !fits(before, (0, 0));
                return false;
            }
            answer.shed();
            full = !fits(before, answer.held());
            true
        });
        if let (true, Some(standing)) = (full, &table.standing) {
            standing.shed();
        }
    }

    /// True when nothing of what they keep becomes too old by itself.
    pub(crate) fn are_settled(&self) -> bool {
        let table = self.table.lock();
        table.answers.is_empty() && !table.standing.iter().any(|standing| standing.keeps())
    }

    /// True when one more may read: so many may, and readers that were taken over from go first.
    pub(crate) fn has_room(&self, limit: usize) -> bool {
        let table = self.table.lock();
        let readers = || table.all().map(|outbox| outbox.readers()).sum::<usize>();
        if readers() >= limit {
            table.all().for_each(|outbox| outbox.let_go_of_ghosts());
        }
        readers() < limit
    }

    /// True while somebody reads one of them.
    pub(crate) fn is_connected(&self) -> bool {
        let table = self.table.lock();
        let answers = table.answers.iter().map(|(_, answer)| answer);
        // Where it is fed from the store, whoever reads what is on its way there is no client.
        let standing = match &table.fed {
            None => &table.standing,
            fed => fed,
        };
        standing
            .iter()
            .chain(answers)
            .any(|outbox| outbox.is_connected())
    }

    /// Lets go of room that is not needed.
    pub(crate) fn shrink(&self) {
        let mut table = self.table.lock();
        table.answers.shrink_to_fit();
        table.all().for_each(|outbox| outbox.shrink());
    }

    /// How many messages wait to be read on all of them.
    pub(crate) fn unread(&self) -> usize {
        let table = self.table.lock();
        let answers = table.answers.iter().map(|(_, answer)| answer);
        let all = table.standing.iter().chain(answers);
        all.map(|outbox| outbox.unread()).sum()
    }

    /// What is wrong with them; nothing is what to expect.
    pub(crate) fn problems(&self) -> Vec<String> {
        let table = self.table.lock();
        let answers = table
            .answers
            .iter()
            .map(|(stream, answer)| (*stream, answer));
        let standing = table.standing.iter().map(|outbox| (STANDING, outbox));
        standing
            .chain(answers)
            .filter(|(_, outbox)| !outbox.is_sound())
            .map(|(stream, _)| format!("the books of stream {stream} are wrong"))
            .collect()
    }

    /// Ends all of them.
    pub(crate) fn end(&self) {
        let mut table = self.table.lock();
        table.ended = true;
        table.all().for_each(|outbox| outbox.end());
    }
}

impl Table {
    fn all(&self) -> impl Iterator<Item = &Arc<Outbox>> {
        let answers = self.answers.iter().map(|(_, answer)| answer);
        self.standing.iter().chain(&self.fed).chain(answers)
    }

    /// How many events all of them hold, and of how many bytes.
    fn held(&self) -> (usize, usize) {
        let held = self.all().map(|outbox| outbox.held());
        held.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }
}

impl EventId {
    /// Reads an id this server gave out; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let tag = u64::from_str_radix(parts.next().filter(|part| part.len() == 16)?, 16).ok()?;
        let stream = parts.next()?.parse().ok()?;
        let seen = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { tag, stream, seen })
    }
}

#[cfg(feature = "http")]
impl EventId {
    /// The longest that an id can be.
    pub(crate) const LONGEST: usize = 16 + 1 + 10 + 1 + 20;

    /// Writes the id behind what is there: every event of every stream has one.
    pub(crate) fn write(self, to: &mut Vec<u8>) {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let digit = |shift: u32| DIGITS[(self.tag >> shift & 0xf) as usize];
        to.extend((0..16).rev().map(|place| digit(4 * place)));
        to.push(b'.');
        to.extend_from_slice(itoa::Buffer::new().format(self.stream).as_bytes());
        to.push(b'.');
        to.extend_from_slice(itoa::Buffer::new().format(self.seen).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "http")]
    #[test]
    fn an_event_id_reads_back_and_nothing_else_does() {
        let id = EventId {
            tag: 0xfeed,
            stream: 3,
            seen: 41,
        };
        let largest = EventId {
            tag: u64::MAX,
            stream: u32::MAX,
            seen: u64::MAX,
        };
        for (id, text) in [
            (id, "000000000000feed.3.41"),
            (largest, "ffffffffffffffff.4294967295.18446744073709551615"),
        ] {
            let mut written = Vec::new();
            id.write(&mut written);
            assert_eq!(written, text.as_bytes());
            assert!(written.len() <= EventId::LONGEST);
            assert_eq!(EventId::parse(text), Some(id));
        }
        for bad in [
            "",
            "1.2.3",
            "feed.3.41",
            "000000000000feed.3",
            "000000000000feed.3.41.0",
            "x.y.z",
        ] {
            assert_eq!(EventId::parse(bad), None, "{bad}");
        }
    }

    fn limits() -> OutboxLimits {
        let replay = crate::session::Replay {
            events: 9,
            bytes: 999,
            age: std::time::Duration::from_secs(300),
            stall: std::time::Duration::from_secs(5),
        };
        OutboxLimits {
            notices: 9,
            notice_bytes: 999,
            window: std::time::Duration::ZERO,
            replay: Some(replay),
        }
    }

    #[test]
    fn a_stream_that_is_opened_after_the_end_is_over() {
        let streams = Streams::default();
        streams.end();
        assert!(streams.standing(limits()).is_ended());
        let answer = Outbox::new(limits());
        streams.keep(Arc::clone(&answer));
        assert!(answer.is_ended());
    }

    #[test]
    fn a_finished_answer_makes_room_before_one_that_is_still_written() {
        use crate::protocol::Frame;
        use crate::session::Kind;
        let streams = Streams::default();
        let said = || {
            let outbox = Outbox::new(limits());
            outbox.push(Kind::Notice, Frame::bare_notification("x"));
            outbox.reader().try_next().unwrap();
            outbox
        };
        let running = streams.keep(said());
        for _ in 0..KEPT {
            let finished = said();
            finished.end();
            streams.keep(finished);
        }
        let event = EventId {
            tag: 0,
            stream: running,
            seen: 0,
        };
        assert!(matches!(streams.resume(event), Resume::Reader(..)));
    }

    #[test]
    fn all_streams_together_keep_so_much_and_what_is_unread() {
        use crate::protocol::Frame;
        use crate::session::Kind;
        let streams = Streams::default();
        let say =
            |outbox: &Arc<Outbox>| outbox.push(Kind::Response(None), Frame::bare_notification("x"));
        let mut readers = Vec::new();
        let mut answer = |finished: bool| {
            let outbox = Outbox::new(limits());
            let mut reader = outbox.reader();
            for _ in 0..3 {
                say(&outbox);
                reader.try_next().unwrap();
            }
            say(&outbox);
            if finished {
                outbox.end();
            } else {
                readers.push(reader);
            }
            streams.keep(Arc::clone(&outbox));
            outbox
        };
        let (_gone, running, _late) = (answer(true), answer(false), answer(true));
        streams.trim(12, usize::MAX);
        assert_eq!(streams.table.lock().held().0, 12, "it fits");
        streams.trim(5, usize::MAX);
        assert_eq!(streams.table.lock().held().0, 5);
        assert_eq!(running.held().0, 1, "what is unread stays");
        streams.trim(0, usize::MAX);
        assert_eq!(streams.table.lock().held().0, 1);
    }

    #[test]
    fn a_reader_that_was_taken_over_from_makes_room() {
        let streams = Streams::default();
        let standing = streams.standing(limits());
        let _ghost = standing.reader();
        let _active = standing.reader();
        assert!(streams.has_room(2), "the ghost goes");
        assert!(!streams.has_room(1), "who reads does not");
    }
}
