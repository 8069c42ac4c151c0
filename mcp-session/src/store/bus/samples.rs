//! Events for tests of buses.

use std::sync::Arc;

use crate::store::bus::Event;

/// One event of each kind, with these texts in it.
pub(crate) fn one_of_each(text: &str) -> Vec<Event> {
    let shared = || Arc::<str>::from(text);
    let cancelled = |reason: Option<&str>| Event::Cancelled {
        session: shared(),
        request: text.to_owned(),
        reason: reason.map(str::to_owned),
    };
    vec![
        Event::SessionChanged {
            session: shared(),
            revision: u64::MAX,
            from: shared(),
            to: vec!["r2".into(); 9],
        },
        Event::Seen {
            of: shared(),
            change: u64::MAX,
            from: shared(),
        },
        Event::Here {
            replica: shared(),
            at_ms: u64::MAX,
        },
        Event::Gone { replica: shared() },
        Event::StreamOpened {
            session: shared(),
            from: shared(),
        },
        Event::StreamWanted {
            session: shared(),
            stream: u32::MAX,
            seen: u64::MAX,
            from: shared(),
        },
        Event::SessionEnded { session: shared() },
        Event::OutboxGrew {
            session: shared(),
            stream: u32::MAX,
        },
        Event::Answered {
            session: shared(),
            question: i64::MIN,
        },
        cancelled(None),
        cancelled(Some(text)),
        Event::PrincipalChanged {
            principal: shared(),
            variant: shared(),
            change: u64::MAX,
            from: shared(),
            to: vec!["r2".into(); 9],
        },
        Event::ResourceUpdated {
            uri: shared(),
            from: shared(),
            principal: Some(shared()),
        },
        Event::ErrandDone { id: shared() },
    ]
}
