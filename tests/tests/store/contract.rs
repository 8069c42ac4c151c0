//! The promises of every store, each as a function of one.

use std::{sync::Arc, time::Duration};

use mcp_session::store::{Bound, Draft, Owner, Quota, Revision, Store, StoreError};
use tokio::time::advance;

type Tested = Arc<dyn Store>;

const SECOND: Duration = Duration::from_secs(1);

fn ann() -> Owner {
    Owner::new("test", "ann")
}

async fn make(store: &Tested, owner: &Owner, name: &str, draft: Draft) -> Revision {
    let key = owner.key(name);
    store.create(&key, draft, Quota::NONE).await.unwrap()
}

async fn value(store: &Tested, owner: &Owner, name: &str) -> Option<String> {
    let record = store.load(&owner.key(name)).await.unwrap()?;
    Some(String::from_utf8(record.value.to_vec()).unwrap())
}

async fn names(store: &Tested, owner: &Owner) -> Vec<String> {
    let listed = store.list(owner, None, 1_000).await.unwrap();
    listed.into_iter().map(|listed| listed.name).collect()
}

pub(super) async fn a_record_is_created_once_and_saved_at_its_revision(store: Tested) {
    let key = ann().key("one");
    assert_eq!(store.load(&key).await.unwrap(), None);
    let none = store
        .save(&key, Revision::new(0), Draft::new("x"), Quota::NONE)
        .await;
    assert!(matches!(none, Err(StoreError::Conflict)));
    let first = make(&store, &ann(), "one", Draft::new("first")).await;
    let again = store.create(&key, Draft::new("again"), Quota::NONE).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    let second = store
        .save(&key, first, Draft::new("second"), Quota::NONE)
        .await
        .unwrap();
    assert_ne!(first, second);
    let late = store
        .save(&key, first, Draft::new("late"), Quota::NONE)
        .await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    let record = store.load(&key).await.unwrap().unwrap();
    assert_eq!(
        (&*record.value, record.revision, record.ttl),
        (&b"second"[..], second, None)
    );
}

pub(super) async fn a_revision_is_never_used_again(store: Tested) {
    let key = ann().key("one");
    let mut seen = Vec::new();
    for _ in 0..3 {
        let first = make(&store, &ann(), "one", Draft::new("x")).await;
        let second = store
            .save(&key, first, Draft::new("x"), Quota::NONE)
            .await
            .unwrap();
        seen.extend([first, second]);
        store.delete(&key, None).await.unwrap();
    }
    for (at, one) in seen.iter().enumerate() {
        assert!(!seen[at + 1..].contains(one));
    }
}

pub(super) async fn what_has_expired_is_absent(store: Tested) {
    let key = ann().key("one");
    let first = make(&store, &ann(), "one", Draft::new("x").ttl(2 * SECOND)).await;
    advance(SECOND).await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().ttl, Some(SECOND));
    advance(SECOND).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    assert_eq!(store.touch(&key, SECOND).await.unwrap(), None);
    assert!(!store.delete(&key, Some(first)).await.unwrap());
    let saved = store.save(&key, first, Draft::new("y"), Quota::NONE).await;
    assert!(matches!(saved, Err(StoreError::Conflict)));
    assert!(names(&store, &ann()).await.is_empty());
    make(&store, &ann(), "one", Draft::new("new")).await;
    assert_eq!(value(&store, &ann(), "one").await.unwrap(), "new");
}

pub(super) async fn a_touch_only_extends(store: Tested) {
    let key = ann().key("one");
    let first = make(&store, &ann(), "one", Draft::new("x").ttl(10 * SECOND)).await;
    let touched = store.touch(&key, SECOND).await.unwrap().unwrap();
    assert_eq!((touched.ttl, touched.revision), (Some(10 * SECOND), first));
    advance(9 * SECOND).await;
    let touched = store.touch(&key, 5 * SECOND).await.unwrap().unwrap();
    assert_eq!(
        (touched.ttl, &*touched.value),
        (Some(5 * SECOND), &b"x"[..])
    );
    advance(4 * SECOND).await;
    assert!(store.load(&key).await.unwrap().is_some());
    advance(SECOND).await;
    assert!(store.load(&key).await.unwrap().is_none());

    make(&store, &ann(), "for ever", Draft::new("x")).await;
    let touched = store
        .touch(&ann().key("for ever"), SECOND)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(touched.ttl, None);
}

pub(super) async fn a_save_extends_where_it_is_asked_to(store: Tested) {
    let key = ann().key("one");
    let first = make(&store, &ann(), "one", Draft::new("x").ttl(3 * SECOND)).await;
    advance(SECOND).await;
    let second = store
        .save(&key, first, Draft::new("y"), Quota::NONE)
        .await
        .unwrap();
    assert_eq!(
        store.load(&key).await.unwrap().unwrap().ttl,
        Some(2 * SECOND)
    );
    let longer = Draft::new("y").ttl(8 * SECOND);
    let third = store.save(&key, second, longer, Quota::NONE).await.unwrap();
    assert_eq!(
        store.load(&key).await.unwrap().unwrap().ttl,
        Some(8 * SECOND)
    );
    let shorter = Draft::new("y").ttl(SECOND);
    store.save(&key, third, shorter, Quota::NONE).await.unwrap();
    assert_eq!(
        store.load(&key).await.unwrap().unwrap().ttl,
        Some(8 * SECOND)
    );
}

pub(super) async fn a_delete_can_expect_a_revision(store: Tested) {
    let key = ann().key("one");
    assert!(!store.delete(&key, None).await.unwrap());
    let first = make(&store, &ann(), "one", Draft::new("x")).await;
    let second = store
        .save(&key, first, Draft::new("y"), Quota::NONE)
        .await
        .unwrap();
    let late = store.delete(&key, Some(first)).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    assert!(store.delete(&key, Some(second)).await.unwrap());
    assert!(!store.delete(&key, Some(second)).await.unwrap());
}

pub(super) async fn quotas_count_what_is_alive_only(store: Tested) {
    let two = Quota::records(2);
    for name in ["a", "b"] {
        let draft = Draft::new("x").ttl(SECOND);
        store.create(&ann().key(name), draft, two).await.unwrap();
    }
    let third = store.create(&ann().key("c"), Draft::new("x"), two).await;
    assert!(matches!(third, Err(StoreError::Full(Bound::Records))));
    // What is there already conflicts, however full it is.
    let again = store.create(&ann().key("a"), Draft::new("x"), two).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    advance(SECOND).await;
    store
        .create(&ann().key("c"), Draft::new("1234"), two)
        .await
        .unwrap();

    // Names count as well: `c` and `1234` are five bytes.
    let bytes = Quota::NONE.bytes(10);
    let large = store
        .create(&ann().key("d"), Draft::new("12345"), bytes)
        .await;
    assert!(matches!(large, Err(StoreError::Full(Bound::Bytes))));
    store
        .create(&ann().key("d"), Draft::new("1234"), bytes)
        .await
        .unwrap();
}

pub(super) async fn a_save_that_does_not_grow_is_within_every_quota(store: Tested) {
    let key = ann().key("one");
    let first = make(&store, &ann(), "one", Draft::new("1234")).await;
    let tight = Quota::records(0).bytes(1);
    let second = store
        .save(&key, first, Draft::new("4321"), tight)
        .await
        .unwrap();
    let larger = store.save(&key, second, Draft::new("12345"), tight).await;
    assert!(matches!(larger, Err(StoreError::Full(Bound::Bytes))));
    assert_eq!(value(&store, &ann(), "one").await.unwrap(), "4321");
    let roomy = Quota::NONE.bytes(8);
    store
        .save(&key, second, Draft::new("12345"), roomy)
        .await
        .unwrap();
}

pub(super) async fn owners_and_spaces_are_apart(store: Tested) {
    let (bob, other) = (Owner::new("test", "bob"), Owner::new("other", "ann"));
    for owner in [ann(), bob.clone(), other.clone()] {
        make(
            &store,
            &owner,
            "one",
            Draft::new(owner.space().to_owned() + owner.id()),
        )
        .await;
    }
    assert_eq!(value(&store, &bob, "one").await.unwrap(), "testbob");
    store.clear(&ann()).await.unwrap();
    assert_eq!(value(&store, &ann(), "one").await, None);
    assert_eq!(value(&store, &bob, "one").await.unwrap(), "testbob");
    assert_eq!(value(&store, &other, "one").await.unwrap(), "otherann");
}

pub(super) async fn pages_follow_each_other_in_order(store: Tested) {
    for name in ["b", "a", "ä", "d", "c", "B"] {
        make(&store, &ann(), name, Draft::new(name)).await;
    }
    let mut seen: Vec<String> = Vec::new();
    loop {
        let page = store
            .list(&ann(), seen.last().map(String::as_str), 2)
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        seen.extend(page.into_iter().map(|listed| listed.name));
        // What comes and goes meanwhile neither repeats nor hides others.
        store.delete(&ann().key("a"), None).await.unwrap();
        let early = store
            .create(&ann().key("A"), Draft::new("x"), Quota::NONE)
            .await;
        early
            .map(drop)
            .or_else(|error| match error {
                StoreError::Conflict => Ok(()),
                error => Err(error),
            })
            .unwrap();
    }
    assert_eq!(seen, ["B", "a", "b", "c", "d", "ä"]);
}

pub(super) async fn a_sweep_removes_what_nobody_asks_for(store: Tested) {
    for at in 0..10 {
        let owner = Owner::new("test", at.to_string());
        make(&store, &owner, "one", Draft::new("x").ttl(SECOND)).await;
        make(&store, &owner, "two", Draft::new("x").ttl(3 * SECOND)).await;
    }
    assert_eq!(store.sweep(100).await.unwrap(), 0);
    advance(2 * SECOND).await;
    assert_eq!(store.sweep(7).await.unwrap(), 7);
    assert_eq!(store.sweep(7).await.unwrap(), 3);
    assert!(
        value(&store, &Owner::new("test", "3"), "two")
            .await
            .is_some()
    );
}

/// Runs one task for each number, at the same time.
async fn at_once<F: Future<Output: Send + 'static> + Send + 'static>(
    many: usize,
    task: impl Fn(usize) -> F,
) -> Vec<F::Output> {
    let tasks: Vec<_> = (0..many).map(|at| tokio::spawn(task(at))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

pub(super) async fn of_many_who_create_at_once_one_succeeds(store: Tested) {
    for round in 0..50 {
        let created = at_once(16, |_| {
            let store = Arc::clone(&store);
            let key = ann().key(round.to_string());
            async move {
                store
                    .create(&key, Draft::new("x"), Quota::NONE)
                    .await
                    .is_ok()
            }
        });
        let created = created.await.into_iter().filter(|created| *created).count();
        assert_eq!(created, 1);
    }
}

pub(super) async fn concurrent_saves_lose_nothing(store: Tested) {
    let key = ann().key("count");
    make(&store, &ann(), "count", Draft::new("0")).await;
    let adding = at_once(16, |_| {
        let (store, key) = (Arc::clone(&store), key.clone());
        async move {
            for _ in 0..50 {
                loop {
                    let record = store.load(&key).await.unwrap().unwrap();
                    let count: u64 = std::str::from_utf8(&record.value).unwrap().parse().unwrap();
                    let draft = Draft::new((count + 1).to_string());
                    match store.save(&key, record.revision, draft, Quota::NONE).await {
                        Ok(_) => break,
                        Err(StoreError::Conflict) => tokio::task::yield_now().await,
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
    });
    adding.await;
    assert_eq!(value(&store, &ann(), "count").await.unwrap(), "800");
}

pub(super) async fn a_quota_holds_for_all_who_come_at_once(store: Tested) {
    for round in 0..20 {
        let owner = Owner::new("test", round.to_string());
        let quota = Quota::records(5).bytes(1_000);
        let outcomes = at_once(32, |at| {
            let (store, key) = (Arc::clone(&store), owner.key(at.to_string()));
            async move { store.create(&key, Draft::new("x"), quota).await }
        });
        let outcomes = outcomes.await;
        let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(made, 5);
        let full = |outcome: &&Result<Revision, StoreError>| {
            matches!(outcome, Err(StoreError::Full(Bound::Records)))
        };
        assert_eq!(outcomes.iter().filter(full).count(), 27);
        assert_eq!(names(&store, &owner).await.len(), 5);
    }
}
