//! The outbox in Redis: a list of events for each log, and what is known of it beside it.

use std::sync::Arc;

use ::redis::{FromRedisValue, Script};
use async_trait::async_trait;
use bytes::Bytes;

use crate::store::{
    Keep, Key, Logged, Outbox, Owner, ReadError, StoreError, key,
    outbox::{beginning, position},
    redis::{base, limit, line::Lines, millis},
};

/// The digits of when it was appended, in front of each event.
const SINCE: usize = 15;

/// Logs under keys with a prefix.
#[derive(Debug)]
pub(super) struct RedisOutbox {
    lines: Arc<Lines>,
    prefix: String,
    scripts: Scripts,
}

#[derive(Debug)]
struct Scripts {
    append: Script,
    read: Script,
    last: Script,
    clear: Script,
}

impl RedisOutbox {
    pub(super) fn new(lines: Arc<Lines>, prefix: String) -> Self {
        Self {
            lines,
            prefix,
            scripts: Scripts {
                append: Script::new(include_str!("scripts/append_log.lua")),
                read: Script::new(include_str!("scripts/read_log.lua")),
                last: Script::new(include_str!("scripts/last_of_log.lua")),
                clear: Script::new(include_str!("scripts/clear_logs.lua")),
            },
        }
    }

    /// Runs a script on a log of an owner.
    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        (owner, name): (&Owner, &str),
        given: &[&[u8]],
    ) -> Result<T, StoreError> {
        let base = base(&self.prefix, owner);
        let mut invocation = script.key(format!("{base}e:{name}"));
        invocation.key(format!("{base}l:{name}"));
        invocation.key(format!("{base}o"));
        for argument in given {
            invocation.arg(*argument);
        }
        self.lines.invoke(&invocation).await
    }
}

#[async_trait]
impl Outbox for RedisOutbox {
    async fn append(&self, log: &Key, events: Vec<Bytes>, keep: Keep) -> Result<u64, StoreError> {
        if events.is_empty() {
            return self.last(log).await;
        }
        key::within_bounds(log)?;
        let mut given = vec![
            Bytes::copy_from_slice(log.name().as_bytes()),
            beginning().to_string().into(),
            limit(keep.max_events()).into(),
            limit(keep.max_bytes()).into(),
            millis(keep.max_age()).into(),
        ];
        given.extend(events);
        let given: Vec<&[u8]> = given.iter().map(|given| &given[..]).collect();
        self.run(&self.scripts.append, place(log), &given).await
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError> {
        // More than there can be.
        let most = limit.min(1 << 50).to_string();
        let given = [after.to_string(), most];
        let given = given.each_ref().map(|given| given.as_bytes());
        let found: Option<([u64; 3], Vec<Bytes>)> =
            self.run(&self.scripts.read, place(log), &given).await?;
        let Some(([base, trimmed, last], events)) = found else {
            position(after, 0, 0, 0)?;
            return Ok(Vec::new());
        };
        let after = position(after, base, trimmed, last)?;
        let logged = (after + 1..).zip(events).map(|(number, event)| {
            if event.len() < SINCE {
                return Err(StoreError::unavailable("a log was not written by this store").into());
            }
            Ok(Logged::new(number, event.slice(SINCE..)))
        });
        logged.collect()
    }

    async fn last(&self, log: &Key) -> Result<u64, StoreError> {
        self.run(&self.scripts.last, place(log), &[]).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        let base = base(&self.prefix, owner);
        let clear = &self.scripts.clear;
        let _: i64 = self.run(clear, (owner, ""), &[base.as_bytes()]).await?;
        Ok(())
    }
}

fn place(log: &Key) -> (&Owner, &str) {
    (log.owner(), log.name())
}
