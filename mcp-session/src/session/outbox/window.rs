//! Notices that wait because the same was said just before.

use std::time::Duration;

use crate::clock::Instant;
use crate::protocol::{Frame, RequestId};
use crate::session::NoticeKey;

/// What was announced lately, and what waits for its window to end.
///
/// Both are bounded by how many keys there are: three lists, for each subscription.
#[derive(Debug, Default)]
pub(super) struct Windows {
    told: Vec<(NoticeKey, Instant)>,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    key: NoticeKey,
    frame: Frame,
    due: Instant,
}

impl Windows {
    /// Gives the notice back if it is to be told now; keeps it, instead of one that says the same,
    /// if that was told less than a window ago.
    pub(super) fn admit(
        &mut self,
        key: &NoticeKey,
        frame: Frame,
        now: Instant,
        window: Duration,
    ) -> Option<Frame> {
        if let Some(waiting) = self.waiting.iter_mut().find(|one| one.key == *key) {
            waiting.frame = frame;
            return None;
        }
        self.told.retain(|(_, at)| now < *at + window);
        if let Some((_, at)) = self.told.iter().find(|(told, _)| told == key) {
            let (key, due) = (key.clone(), *at + window);
            self.waiting.push(Waiting { key, frame, due });
            return None;
        }
        self.told.push((key.clone(), now));
        Some(frame)
    }

    /// When the next one is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.iter().map(|one| one.due).min()
    }

    /// Takes what is due by then; each begins a window of its own.
    pub(super) fn release(&mut self, by: Instant) -> Vec<(NoticeKey, Frame)> {
        let due: Vec<_> = self.waiting.extract_if(.., |one| one.due <= by).collect();
        for one in &due {
            self.told.retain(|(told, _)| *told != one.key);
            self.told.push((one.key.clone(), by));
        }
        due.into_iter().map(|one| (one.key, one.frame)).collect()
    }

    /// Takes everything, due or not.
    pub(super) fn release_all(&mut self, now: Instant) -> Vec<(NoticeKey, Frame)> {
        for one in &mut self.waiting {
            one.due = now;
        }
        self.release(now)
    }

    /// Lets go of what belongs to a subscription that has ended.
    pub(super) fn forget(&mut self, subscription: &RequestId) {
        let ended = |key: &NoticeKey| key.subscription.as_ref() == Some(subscription);
        self.told.retain(|(key, _)| !ended(key));
        self.waiting.retain(|one| !ended(&one.key));
    }
}
