//! How fast something may happen: buckets that fill up over time, and whose calls they bound.

use std::{borrow::Borrow, hash::Hash};

use crate::auth::Principal;
use crate::shards::Shards;

/// What one takes from a bucket, in the thousandths in which it fills up.
const ONE: u64 = 1_000;

/// After so long a bucket is full again, whatever its size.
const FULL_MS: u64 = 1_000;

/// How many more may come now; as many as may come in a second, at most.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    /// What was taken and has not come back yet.
    drawn: u64,
    /// When it was last looked at.
    at_ms: u64,
}

/// How fast each principal calls, and how fast each tool is called.
#[derive(Debug, Default)]
pub(crate) struct Paces {
    // Held for a map operation only, never across an await.
    principals: Shards<Principal, Bucket>,
    tools: Shards<Box<str>, Bucket>,
}

impl Bucket {
    /// Takes one, where there is one.
    pub(crate) fn take(&mut self, per_second: u32, now_ms: u64) -> bool {
        let rate = u64::from(per_second);
        let back = now_ms.saturating_sub(self.at_ms).saturating_mul(rate);
        self.drawn = self.drawn.saturating_sub(back);
        self.at_ms = now_ms;
        let may = self.drawn + ONE <= rate * ONE;
        if may {
            self.drawn += ONE;
        }
        may
    }

    /// True when it says as much as a new one.
    fn is_full(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.at_ms) >= FULL_MS
    }
}

impl Paces {
    /// Counts a call of this principal's, unless it makes too many.
    pub(crate) fn call(&self, principal: &Principal, per_second: u32, now_ms: u64) -> bool {
        take(&self.principals, principal, per_second, now_ms)
    }

    /// Counts a call of the tool of this name, unless it is called too often.
    pub(crate) fn call_tool(&self, name: &str, per_second: u32, now_ms: u64) -> bool {
        take(&self.tools, name, per_second, now_ms)
    }
}

/// Takes one from the bucket of this key. Full ones make room for new ones, so that there are never
/// more than a few times as many as were drawn from within one second.
fn take<K, Q>(buckets: &Shards<K, Bucket>, key: &Q, per_second: u32, now_ms: u64) -> bool
where
    K: Eq + Hash + Borrow<Q>,
    Q: Eq + Hash + ToOwned + ?Sized,
    Q::Owned: Into<K>,
{
    let mut part = buckets.of(key).write();
    if let Some(bucket) = part.get_mut(key) {
        return bucket.take(per_second, now_ms);
    }
    if part.len() == part.capacity() {
        part.retain(|_, bucket| !bucket.is_full(now_ms));
        Shards::shrink(&mut part);
        let twice = part.len();
        // So that the next look through them all is that many calls away.
        part.reserve(twice);
    }
    let mut bucket = Bucket::default();
    let may = bucket.take(per_second, now_ms);
    part.insert(key.to_owned().into(), bucket);
    may
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_a_seconds_worth_at_once_and_then_what_comes_back() {
        let mut bucket = Bucket::default();
        let taken = |bucket: &mut Bucket, now| (0..9).filter(|_| bucket.take(3, now)).count();
        assert_eq!(taken(&mut bucket, 5), 3);
        assert_eq!(taken(&mut bucket, 338), 0);
        assert_eq!(taken(&mut bucket, 339), 1, "a third of a second later");
        assert_eq!(
            taken(&mut bucket, 10_000),
            3,
            "and never more than it holds"
        );
    }

    #[test]
    fn what_was_not_drawn_from_lately_is_forgotten() {
        let paces = Paces::default();
        let held = || {
            paces
                .tools
                .iter()
                .map(|part| part.read().len())
                .sum::<usize>()
        };
        for number in 0..200_000_u64 {
            assert!(paces.call_tool(&format!("tool{number}"), 1, number));
        }
        assert!(held() < 8_000, "{} of 1,000 per second", held());
        assert!(!paces.call_tool("tool199999", 1, 200_000));
    }
}
