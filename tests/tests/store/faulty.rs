//! Proves that the store for tests fails as it is told to, and that the contract finds stores that
//! do not keep it.

use std::{pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_session::store::{
    Draft, Key, Listed, MemoryStore, Owner, Quota, Record, Revision, Store, StoreError,
};
use mcp_session::testing::{Fault, FaultyStore, Operation, contract};
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

fn one() -> Key {
    Owner::new("test", "ann").key("one")
}

async fn create(store: &FaultyStore) -> Result<Revision, StoreError> {
    store.create(&one(), Draft::new("x"), Quota::NONE).await
}

async fn is_there(store: &FaultyStore) -> bool {
    store.load(&one()).await.unwrap().is_some()
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_what_it_says() {
    let cases = [
        (Fault::Refused, "unavailable", false),
        (Fault::Lost, "unavailable", true),
        (Fault::Repeated, "conflict", true),
        (Fault::Conflict, "conflict", false),
        (Fault::Late(SECOND), "done", true),
    ];
    for (fault, outcome, there) in cases {
        let store = FaultyStore::over(MemoryStore::new());
        store.next(Operation::Create, fault);
        let found = match create(&store).await {
            Ok(_) => "done",
            Err(StoreError::Conflict) => "conflict",
            Err(StoreError::Unavailable(_)) => "unavailable",
            Err(error) => panic!("{error}"),
        };
        assert_eq!(
            (found, is_there(&store).await),
            (outcome, there),
            "{fault:?}"
        );
        store.delete(&one(), None).await.unwrap();
        create(&store).await.unwrap();
        assert_eq!(store.asked(Operation::Create), 2);
        assert_eq!(store.round_trips(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_ends_and_what_is_late_take_their_time() {
    let store = FaultyStore::over(MemoryStore::new());
    store.always(Fault::Never);
    let never = timeout(1_000 * SECOND, create(&store)).await;
    assert!(never.is_err());
    store.always(Fault::Late(SECOND));
    let mut late = pin!(create(&store));
    assert!(timeout(SECOND - MOMENT, &mut late).await.is_err());
    timeout(2 * MOMENT, &mut late).await.unwrap().unwrap();
    store.always(None);
    assert!(is_there(&store).await);
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let history = async |seed| {
        let store = FaultyStore::over(MemoryStore::new());
        store.now_and_then(seed, 4, [Fault::Refused, Fault::Conflict]);
        let mut history = Vec::new();
        for at in 0..400 {
            let key = Owner::new("test", "ann").key(at.to_string());
            let made = store.create(&key, Draft::new("x"), Quota::NONE).await;
            history.push(made.map_err(|error| error.to_string()).map(drop));
        }
        history
    };
    let first = history(1).await;
    let failed = first.iter().filter(|made| made.is_err()).count();
    assert!((50..150).contains(&failed), "{failed}");
    assert_eq!(first, history(1).await);
    assert_ne!(first, history(2).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_without_faults_keeps_the_contract_and_a_refusing_one_gives_up() {
    contract::check(|| async { FaultyStore::over(MemoryStore::new()) }).await;
    let store = FaultyStore::over(MemoryStore::new());
    store.always(Fault::Refused);
    contract::gives_up_in_time(&store, SECOND).await;
}

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    /// Creates replace what is there.
    CreateReplaces,
    /// Saves do not look at the revision.
    SaveForgets,
    /// Quotas are not looked at.
    NoQuotas,
    /// Nothing expires.
    NoExpiry,
    /// Short pages begin with the first record.
    ListsFromTheFirst,
    /// Quotas are looked at first, and the record is made later.
    QuotaThenRecord,
}

/// A store that breaks one promise.
#[derive(Debug)]
struct WrongStore(MemoryStore, Wrong);

#[async_trait]
impl Store for WrongStore {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.0.load(key).await
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        match self.1 {
            Wrong::CreateReplaces => drop(self.0.delete(key, None).await),
            Wrong::NoQuotas => return self.0.create(key, draft, Quota::NONE).await,
            Wrong::NoExpiry => {
                let draft = Draft::new(draft.value().clone());
                return self.0.create(key, draft, quota).await;
            }
            Wrong::QuotaThenRecord => {
                let probe = key.owner().key(format!("{} probe", key.name()));
                self.0
                    .create(&probe, draft.clone(), Quota::records(quota.max_records()))
                    .await?;
                self.0.delete(&probe, None).await?;
                tokio::task::yield_now().await;
                return self.0.create(key, draft, Quota::NONE).await;
            }
            _ => {}
        }
        self.0.create(key, draft, quota).await
    }

    async fn save(
        &self,
        key: &Key,
        mut expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        if self.1 == Wrong::SaveForgets
            && let Some(record) = self.0.load(key).await?
        {
            expected = record.revision;
        }
        self.0.save(key, expected, draft, quota).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        self.0.touch(key, ttl).await
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        self.0.delete(key, expected).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.0.clear(owner).await
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let after = after.filter(|_| self.1 != Wrong::ListsFromTheFirst || limit > 3);
        self.0.list(owner, after, limit).await
    }

    fn is_durable(&self) -> bool {
        false
    }
}

/// The promises that a broken store breaks, of those that end.
async fn broken_by(wrong: Wrong) -> Vec<&'static str> {
    let store = || Arc::new(WrongStore(MemoryStore::new(), wrong));
    let mut broken = Vec::new();
    macro_rules! run {
        ($($promise:ident)*) => {$(
            let kept = timeout(1_000 * SECOND, contract::$promise(store()));
            if tokio::spawn(kept).await.is_err() {
                broken.push(stringify!($promise));
            }
        )*};
    }
    run! {
        a_record_is_created_once_and_saved_at_its_revision
        what_has_expired_is_absent
        quotas_are_of_one_owner
        a_quota_holds_for_all_who_come_at_once
        what_comes_and_goes_hides_nothing_from_pages
        of_many_who_create_at_once_one_succeeds
        concurrent_saves_lose_nothing
    }
    broken
}

#[tokio::test(start_paused = true)]
async fn the_contract_finds_who_breaks_it() {
    let cases: [(Wrong, &[&str]); 6] = [
        (
            Wrong::CreateReplaces,
            &[
                "a_record_is_created_once_and_saved_at_its_revision",
                "of_many_who_create_at_once_one_succeeds",
            ],
        ),
        (
            Wrong::SaveForgets,
            &[
                "a_record_is_created_once_and_saved_at_its_revision",
                "concurrent_saves_lose_nothing",
            ],
        ),
        (
            Wrong::NoQuotas,
            &[
                "quotas_are_of_one_owner",
                "a_quota_holds_for_all_who_come_at_once",
            ],
        ),
        (Wrong::NoExpiry, &["what_has_expired_is_absent"]),
        (
            Wrong::ListsFromTheFirst,
            &["what_comes_and_goes_hides_nothing_from_pages"],
        ),
        (
            Wrong::QuotaThenRecord,
            &["a_quota_holds_for_all_who_come_at_once"],
        ),
    ];
    for (wrong, expected) in cases {
        assert_eq!(broken_by(wrong).await, expected, "{wrong:?}");
    }
}
