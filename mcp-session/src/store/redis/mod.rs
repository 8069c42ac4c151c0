//! The store in Redis or Valkey.

mod builder;
mod bus;
mod line;
mod outbox;
mod scripts;

use std::{fmt, sync::Arc, time::Duration};

use ::redis::{ErrorKind, FromRedisValue, RedisError, Script};
use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;
use crate::random;
use crate::store::{
    Bound, Draft, Key, Listed, Outbox, Owner, Quota, Record, Revision, Store, StoreError, bus::Bus,
    key,
};

use bus::RedisBus;
use line::{Line, Lines};
use outbox::RedisOutbox;
use scripts::Scripts;

pub use builder::RedisBuilder;

/// Longer times are as good as for ever.
const LONGEST: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);

/// The bytes of a revision, in front of each value.
const REVISION: usize = 8;

/// Keeps records in Redis, 6 or newer, or in Valkey.
///
/// Every record is a key of its own, which the engine removes when its time is over; what is known
/// of an owner besides, for lists and quotas, is forgotten with the owner's last record. Every
/// operation is one script and one round trip. The store speaks to one engine, or to a proxy in front
/// of several: all keys of one owner have one hash tag, and so one place. Time is that of the engine. Revisions are random, so that none comes again after a crash
/// that takes the engine back in time.
///
/// What was acknowledged is as durable as the engine makes it. For sessions that outlive it, set
/// `appendonly yes` and the `appendfsync` that you trust; replicas may be behind when one of them
/// takes over. Set `maxmemory-policy noeviction`: an engine that makes room by itself takes records
/// that were promised. One that is full refuses what is new ([`StoreError::Full`]).
///
/// # The bus
///
/// Replicas tell each other what changed ([`Store::bus`]) by a stream of the last 4,000 events or so,
/// which is forgotten when nothing happens for an hour. A server that listens reads it on one more
/// connection of its own; it asks every few seconds whether the engine is still there, and connects
/// again where it is not.
///
/// # The URL
///
/// `redis://user:password@host:6379/0`, or `rediss://` for TLS with a certificate for this host that
/// the system trusts, or that is signed by [`root_certificates`](RedisBuilder::root_certificates).
/// `valkey://` and `valkeys://` are the same. TLS installs a provider of cryptography for the
/// process, *ring*, unless the process has chosen one.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use mcp_session::{Server, Template, store::RedisStore};
///
/// # async fn run() -> mcp_session::Result<()> {
/// let store = RedisStore::builder("rediss://shop:secret@cache.internal:6379")
///     .prefix("shop:")
///     .timeout(Duration::from_secs(2))
///     .connect()
///     .await?;
/// let template = Template::builder("shop", "1.0.0").build()?;
/// let server = Server::builder(template).store(store).build()?;
/// # Ok(())
/// # }
/// ```
pub struct RedisStore {
    lines: Arc<Lines>,
    scripts: Scripts,
    bus: Arc<RedisBus>,
    outbox: Arc<RedisOutbox>,
    prefix: String,
}

impl RedisStore {
    /// Connects to the engine at a URL.
    ///
    /// # Errors
    ///
    /// As [`RedisBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// A store that is still to be set up.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder::new(url.into())
    }

    /// Runs a script on what an owner has, and waits for the answer as long as it may take.
    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        (owner, name): (&Owner, &str),
        given: &[&[u8]],
    ) -> Result<T, StoreError> {
        let base = base(&self.prefix, owner);
        let records = format!("{base}r:");
        let mut invocation = script.key(format!("{records}{name}"));
        for table in ["n", "d", "s"] {
            invocation.key(format!("{base}{table}"));
        }
        invocation.arg(name).arg(records);
        for argument in given {
            invocation.arg(*argument);
        }
        self.lines.invoke(&invocation).await
    }
}

/// What the keys of an owner begin with. The lengths keep any two owners apart.
fn base(prefix: &str, owner: &Owner) -> String {
    let (space, id) = (owner.space(), owner.id());
    format!("{prefix}{{{}:{space}:{}:{id}}}", space.len(), id.len())
}

#[async_trait]
impl Store for RedisStore {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let found = self.run(&self.scripts.load, place(key), &[]).await?;
        found_record(found)
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        key::within_bounds(key)?;
        let (revision, packed) = packed(draft.value());
        let given = [
            packed,
            draft.time_to_live().map_or_else(Vec::new, millis),
            limit(quota.max_records()),
            limit(quota.max_bytes()),
        ];
        let given = given.each_ref().map(Vec::as_slice);
        let made = self.run(&self.scripts.create, place(key), &given).await?;
        outcome(made, revision)
    }

    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        let (revision, packed) = packed(draft.value());
        let given = [
            expected.number().to_be_bytes().to_vec(),
            packed,
            draft.time_to_live().map_or_else(Vec::new, millis),
            limit(quota.max_bytes()),
        ];
        let given = given.each_ref().map(Vec::as_slice);
        let saved = self.run(&self.scripts.save, place(key), &given).await?;
        outcome(saved, revision)
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        let touch = &self.scripts.touch;
        let found = self.run(touch, place(key), &[&millis(ttl)]).await?;
        found_record(found)
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        let expected = expected.map(|expected| expected.number().to_be_bytes());
        let expected = expected.as_ref().map_or(&[][..], |expected| expected);
        let delete = &self.scripts.delete;
        match self.run(delete, place(key), &[expected]).await? {
            1 => Ok(true),
            0 => Ok(false),
            _ => Err(StoreError::Conflict),
        }
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        let _: i64 = self.run(&self.scripts.clear, (owner, ""), &[]).await?;
        Ok(())
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        // More than there can be.
        let limit = limit.min(1 << 50).to_string();
        let given = [from.as_bytes(), limit.as_bytes()];
        let found: Vec<(Vec<u8>, Bytes, i64)> =
            self.run(&self.scripts.list, (owner, ""), &given).await?;
        let listed = found.into_iter().map(|(name, value, left)| {
            let name = String::from_utf8(name);
            let name = name.map_err(|_| StoreError::unavailable("a name is no text"))?;
            Ok(Listed::new(name, unpacked(&value, left)?))
        });
        listed.collect()
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        Some(Arc::clone(&self.bus) as Arc<dyn Bus>)
    }

    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        Some(Arc::clone(&self.outbox) as Arc<dyn Outbox>)
    }
}

fn place(key: &Key) -> (&Owner, &str) {
    (key.owner(), key.name())
}

/// A value with a new revision in front.
fn packed(value: &Bytes) -> (Revision, Vec<u8>) {
    let revision: [u8; REVISION] = random::bytes();
    let packed = [&revision, &value[..]].concat();
    (Revision::new(u64::from_be_bytes(revision)), packed)
}

fn unpacked(packed: &Bytes, left: i64) -> Result<Record, StoreError> {
    let Some((revision, _)) = packed.split_first_chunk::<REVISION>() else {
        return Err(StoreError::unavailable(
            "a record was not written by this store",
        ));
    };
    let revision = Revision::new(u64::from_be_bytes(*revision));
    let left = u64::try_from(left).ok().map(Duration::from_millis);
    Ok(Record::new(packed.slice(REVISION..), revision, left))
}

fn found_record((packed, left): (Option<Bytes>, i64)) -> Result<Option<Record>, StoreError> {
    packed.map(|packed| unpacked(&packed, left)).transpose()
}

/// A time to live in milliseconds; what is shorter than one is one, and nothing is nothing.
fn millis(ttl: Duration) -> Vec<u8> {
    let millis = ttl.min(LONGEST).as_nanos().div_ceil(1_000_000);
    millis.to_string().into_bytes()
}

/// A bound, or nothing where there is none. Scripts count as precisely as this.
fn limit(limit: usize) -> Vec<u8> {
    if limit >= 1 << 50 {
        return Vec::new();
    }
    limit.to_string().into_bytes()
}

/// What the scripts that write return.
fn outcome(number: i64, revision: Revision) -> Result<Revision, StoreError> {
    match number {
        1 => Ok(revision),
        -1 => Err(StoreError::Full(Bound::Records)),
        -2 => Err(StoreError::Full(Bound::Bytes)),
        _ => Err(StoreError::Conflict),
    }
}

/// What the engine said instead of doing what it was asked to.
fn refused(error: RedisError) -> StoreError {
    let full = matches!(error.kind(), ErrorKind::Extension | ErrorKind::Server(_))
        && (error.code() == Some("OOM") || error.to_string().contains("OOM command not allowed"));
    if full {
        return StoreError::Full(Bound::Store);
    }
    StoreError::unavailable(error)
}

/// Shows nothing of the URL, which has a password in it.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_without_memory_is_full_and_one_that_is_busy_is_not() {
        let said = |text: &[u8]| {
            let value = ::redis::parse_redis_value(text);
            let error = value.and_then(::redis::Value::extract_error).unwrap_err();
            refused(error)
        };
        let full = said(b"-OOM command not allowed when used memory > 'maxmemory'. script: x\r\n");
        assert!(matches!(full, StoreError::Full(Bound::Store)), "{full:?}");
        let older = b"-ERR Error running script (call to f_x): @user_script:1: -OOM command not \
                      allowed when used memory > 'maxmemory'.\r\n";
        assert!(matches!(said(older), StoreError::Full(Bound::Store)));
        for other in [
            &b"-BUSY Redis is busy\r\n"[..],
            b"-READONLY no\r\n",
            b"-LOADING x\r\n",
        ] {
            assert!(matches!(said(other), StoreError::Unavailable(_)));
        }
    }

    #[test]
    fn times_are_whole_milliseconds_and_never_less_than_was_asked_for() {
        let cases = [
            (Duration::ZERO, "0"),
            (Duration::from_nanos(1), "1"),
            (Duration::from_micros(1_500), "2"),
            (Duration::from_secs(1), "1000"),
            (Duration::MAX, "31536000000000"),
        ];
        for (ttl, expected) in cases {
            assert_eq!(millis(ttl), expected.as_bytes());
        }
    }
}
