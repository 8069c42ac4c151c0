//! Proves that the outbox for tests fails as it is told to, and that the contract finds outboxes
//! that do not keep it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_session::store::{
    Keep, Key, Logged, MemoryOutbox, MemoryStore, Outbox, Owner, ReadError, Store, StoreError,
};
use mcp_session::testing::{Fault, FaultyOutbox, FaultyStore, Operation, contract};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn each_fault_is_what_it_says() {
    let cases = [
        (Fault::Refused, false, 0),
        (Fault::Lost, false, 1),
        (Fault::Repeated, true, 2),
        (Fault::Late(SECOND), true, 1),
    ];
    for (fault, done, times) in cases {
        let outbox = Arc::new(FaultyOutbox::over(MemoryOutbox::new()));
        let store = FaultyStore::over(MemoryStore::new()).with_outbox(Arc::clone(&outbox));
        let through = store.outbox().unwrap();
        let log = Owner::new("test", "ann").key("one");
        outbox.next(Operation::Append, fault);
        let keep = Keep::new(100 * SECOND);
        let appended = through.append(&log, vec!["x".into()], keep).await;
        assert_eq!(appended.is_ok(), done, "{fault:?}");
        let read = through.read(&log, 0, 10).await.unwrap();
        assert_eq!(read.len(), times, "{fault:?}");
        assert_eq!(outbox.asked(Operation::Append), 1);
        outbox.next(Operation::Read, Fault::Conflict);
        let read = through.read(&log, 0, 10).await;
        assert!(matches!(read, Err(ReadError::Purged)), "{read:?}");
        outbox.always(Fault::Refused);
        assert!(through.last(&log).await.is_err());
        assert!(through.clear(log.owner()).await.is_err());
        assert!(through.sweep(1).await.is_err());
        assert!(store.alone().outbox().is_none());
    }
}

/// An outbox that breaks one promise.
#[derive(Debug)]
struct Broken(MemoryOutbox, &'static str);

#[async_trait]
impl Outbox for Broken {
    async fn append(&self, log: &Key, events: Vec<Bytes>, keep: Keep) -> Result<u64, StoreError> {
        match self.1 {
            "keeps everything" => self.0.append(log, events, Keep::new(keep.max_age())).await,
            "appends in pieces" => {
                let mut last = self.0.last(log).await?;
                for event in events {
                    tokio::task::yield_now().await;
                    last = self.0.append(log, vec![event], keep).await?;
                }
                Ok(last)
            }
            "never expires" => {
                let keep = Keep::new(1_000 * keep.max_age());
                self.0.append(log, events, keep).await
            }
            _ => self.0.append(log, events, keep).await,
        }
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<Logged>, ReadError> {
        match (self.1, self.0.read(log, after, limit).await) {
            ("hides gaps", Err(ReadError::Purged)) => {
                let last = self.0.last(log).await?;
                let after = last.saturating_sub(1).max(1);
                Ok(self.0.read(log, after, limit).await.unwrap_or_default())
            }
            ("takes its time", Ok(mut read)) => {
                read.pop();
                Ok(read)
            }
            (_, read) => read,
        }
    }

    async fn last(&self, log: &Key) -> Result<u64, StoreError> {
        self.0.last(log).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        match self.1 {
            "clears one" => self.0.clear(&Owner::new(owner.space(), "somebody")).await,
            _ => self.0.clear(owner).await,
        }
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        match self.1 {
            "sweeps for ever" => Ok(1),
            _ => self.0.sweep(limit).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_contract_finds_outboxes_that_do_not_keep_it() {
    let cases = [
        (
            "keeps everything",
            "bytes_are_bounded_and_the_oldest_go_first",
        ),
        (
            "appends in pieces",
            "of_many_who_append_at_once_each_gets_its_numbers",
        ),
        ("never expires", "an_append_prolongs_a_log"),
        ("hides gaps", "to_read_what_is_gone_is_an_error"),
        ("takes its time", "whoever_reads_meanwhile_sees_no_gap"),
        ("clears one", "a_clear_removes_all_logs_of_one_owner"),
        (
            "sweeps for ever",
            "a_sweep_removes_only_logs_whose_time_is_over",
        ),
    ];
    for (fault, promise) in cases {
        let checked = tokio::spawn(contract::outbox::check(move || async move {
            Broken(MemoryOutbox::new(), fault)
        }));
        let broken = checked.await.unwrap_err().into_panic();
        let broken = broken.downcast_ref::<String>().unwrap();
        assert!(broken.contains(promise), "{fault}: {broken}");
    }
}
