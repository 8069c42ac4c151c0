//! Property test: an outbox does what plain lists with deadlines do. Those in engines are held to it
//! as well, without the steps that wait.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use mcp_session::store::{Keep, Outbox, Owner, ReadError};
use proptest::prelude::*;
use tokio::time::advance;

/// One step of a random history. Seconds stand for ages.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Append(usize, Vec<u8>, Bounds),
    /// Reads after a number that somebody may remember: the place in the list of all there were.
    Read(usize, usize, usize),
    Clear,
    Wait(u64),
    Sweep,
}

/// Events, bytes and seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds(usize, usize, u64);

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0_usize..2;
    // How large each event is.
    let events = proptest::collection::vec(0_u8..5, 0..4);
    let bounds = (0_usize..6, 0_usize..12, 1_u64..6).prop_map(|(n, b, s)| Bounds(n, b, s));
    let step = prop_oneof![
        6 => (name.clone(), events, bounds).prop_map(|(n, e, b)| Step::Append(n, e, b)),
        6 => (name, any::<usize>(), 0_usize..6).prop_map(|(n, a, l)| Step::Read(n, a, l)),
        1 => Just(Step::Clear),
        2 => (1_u64..4).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
    ];
    proptest::collection::vec(step, 1..60)
}

#[derive(Debug, Default)]
struct Model {
    now: u64,
    /// False where time is real, and seconds stand for more of it than a test takes.
    waits: bool,
    logs: BTreeMap<&'static str, Log>,
    /// Every number there ever was, and 0.
    known: Vec<u64>,
}

#[derive(Debug)]
struct Log {
    base: u64,
    last: u64,
    /// Number, size, and when it was appended.
    events: Vec<(u64, usize, u64)>,
    until: u64,
}

impl Model {
    fn expire(&mut self) {
        let now = self.now;
        self.logs.retain(|_, log| log.until > now);
    }

    fn append(&mut self, name: &'static str, sizes: &[u8], bounds: Bounds, last: u64) {
        let Bounds(most, bytes, age) = bounds;
        let now = self.now;
        let base = last - sizes.len() as u64;
        let log = self.logs.entry(name).or_insert(Log {
            base,
            last: base,
            events: Vec::new(),
            until: 0,
        });
        assert_eq!(log.last, base, "numbers are consecutive");
        log.last = last;
        log.until = now + age;
        for (number, size) in (base + 1..).zip(sizes) {
            log.events.push((number, usize::from(*size), now));
            self.known.push(number);
        }
        while log.events.len() > 1
            && (log.events.len() > most
                || log.events.iter().map(|(_, size, _)| size).sum::<usize>() > bytes
                || log.events[0].2 + age <= now)
        {
            log.events.remove(0);
        }
    }

    /// The numbers and sizes of what follows; `None` where it is gone.
    fn read(&self, name: &str, after: u64, limit: usize) -> Option<Vec<(u64, usize)>> {
        let Some(log) = self.logs.get(name) else {
            return (after == 0).then(Vec::new);
        };
        let after = if after == 0 { log.base } else { after };
        let first = log
            .events
            .first()
            .map_or(log.last + 1, |(number, _, _)| *number);
        if after + 1 < first || after > log.last {
            return None;
        }
        let following = log.events.iter().filter(|(number, _, _)| *number > after);
        let following = following.map(|(number, size, _)| (*number, *size));
        Some(following.take(limit).collect())
    }
}

async fn take(outbox: &dyn Outbox, owner: &Owner, model: &mut Model, step: Step) {
    let name = |at: usize| ["a", "b"][at];
    match step {
        Step::Append(at, sizes, bounds) => {
            let Bounds(most, bytes, age) = bounds;
            let second = if model.waits { 1 } else { 1_000 };
            let keep = Keep::new(Duration::from_secs(age * second))
                .events(most)
                .bytes(bytes);
            let events = sizes
                .iter()
                .map(|size| Bytes::from(vec![0; usize::from(*size)]));
            let key = owner.key(name(at));
            let last = outbox.append(&key, events.collect(), keep).await.unwrap();
            if sizes.is_empty() {
                assert_eq!(last, model.logs.get(name(at)).map_or(0, |log| log.last));
            } else {
                model.append(name(at), &sizes, bounds, last);
            }
        }
        Step::Read(at, known, limit) => {
            let after = *model
                .known
                .get(known % (model.known.len() + 1))
                .unwrap_or(&0);
            let expected = model.read(name(at), after, limit);
            let read = match outbox.read(&owner.key(name(at)), after, limit).await {
                Ok(read) => Some(read),
                Err(ReadError::Purged) => None,
                Err(error) => panic!("{error}"),
            };
            let read = read.map(|read| {
                let read = read
                    .into_iter()
                    .map(|logged| (logged.number, logged.value.len()));
                read.collect::<Vec<_>>()
            });
            assert_eq!(read, expected, "after {after}");
        }
        Step::Clear => {
            outbox.clear(owner).await.unwrap();
            model.logs.clear();
        }
        Step::Wait(_) if !model.waits => {}
        Step::Wait(seconds) => {
            model.now += seconds;
            advance(Duration::from_secs(seconds)).await;
        }
        Step::Sweep => drop(outbox.sweep(1).await.unwrap()),
    }
}

/// Takes all steps, and compares what the outbox does with what lists do.
pub(crate) async fn compare(outbox: &dyn Outbox, owner: &Owner, steps: Vec<Step>, waits: bool) {
    let mut model = Model {
        waits,
        ..Model::default()
    };
    for step in steps {
        model.expire();
        take(outbox, owner, &mut model, step).await;
        model.expire();
        for name in ["a", "b"] {
            let last = outbox.last(&owner.key(name)).await.unwrap();
            assert_eq!(last, model.logs.get(name).map_or(0, |log| log.last));
        }
    }
}
