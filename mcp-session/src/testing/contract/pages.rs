//! Promises about lists, page by page.

use crate::store::{Draft, Quota, Store, StoreError};
use crate::testing::contract::trial::{Trial, done};

/// Pages follow each other in the byte order of names, and hold the records.
pub async fn pages_follow_each_other_in_order(store: impl Store) {
    let trial = Trial::of(store);
    assert!(trial.page(None, 10).await.is_empty());
    for name in ["b", "a", "ä", "d", "c", "B", "aa"] {
        trial
            .create(name, Draft::new(format!("value of {name}")))
            .await;
    }
    let mut seen: Vec<String> = Vec::new();
    loop {
        let after = seen.last().map(String::as_str);
        let page = done(trial.store.list(&trial.owner, after, 2).await);
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        for listed in page {
            assert_eq!(
                Some(&listed.record),
                trial.load(&listed.name).await.as_ref()
            );
            seen.push(listed.name);
        }
    }
    assert_eq!(seen, ["B", "a", "aa", "b", "c", "d", "ä"]);
    assert_eq!(trial.page(Some("aaa"), 1).await, ["b"]);
    assert!(trial.page(Some("ä"), 1).await.is_empty());
    assert!(trial.page(None, 0).await.is_empty());
    assert_eq!(trial.page(None, usize::MAX).await.len(), 7);
}

/// Records that come and go between two pages neither repeat nor hide others.
pub async fn what_comes_and_goes_hides_nothing_from_pages(store: impl Store) {
    const STAYING: usize = 40;
    let trial = Trial::of(store);
    let staying: Vec<_> = (0..STAYING).map(|at| format!("{at:02} stays")).collect();
    for (at, name) in staying.iter().enumerate() {
        trial.create(name, Draft::new("x")).await;
        trial
            .create(&format!("{at:02} goes"), Draft::new("x"))
            .await;
    }
    let mut seen: Vec<String> = Vec::new();
    for round in 0..4 * STAYING {
        let page = trial.page(seen.last().map(String::as_str), 3).await;
        if page.is_empty() {
            break;
        }
        seen.extend(page);
        for at in [round, round + 2, 2 * STAYING - round].map(|at| at % STAYING) {
            trial.delete(&format!("{at:02} goes")).await;
            let comes = format!("{at:02} comes");
            match trial.try_create(&comes, Draft::new("x"), Quota::NONE).await {
                Ok(_) | Err(StoreError::Conflict) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    let stayed: Vec<_> = seen
        .into_iter()
        .filter(|name| name.ends_with("stays"))
        .collect();
    assert_eq!(stayed, staying);
}
