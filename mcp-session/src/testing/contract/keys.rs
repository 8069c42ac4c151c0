//! Promises about keys: what names may be, and that no two keys are one.

use crate::store::{Bound, Draft, Owner, Quota, Store, StoreError};
use crate::testing::contract::trial::{Trial, assert_conflict, done};

/// A space, an id and a name are any text of up to this many bytes each.
const LONGEST: usize = 512;

/// Names are any text.
pub async fn names_are_any_text(store: impl Store) {
    let trial = Trial::of(store);
    let long = "ä".repeat(LONGEST / 2);
    let mut names = [
        "",
        " ",
        "\0",
        "a\0b",
        "a",
        "A",
        "ä",
        "a\u{308}",
        "🦀",
        "\u{10ffff}",
        "\n",
        "\\x00",
        "%",
        "_",
        "'; drop table records; --",
        "{a}",
        "}",
        ":",
        "*",
        "[",
        "(",
        "+",
        "-",
        "inf",
        &long,
    ];
    for name in names {
        trial.create(name, Draft::new(name.to_owned())).await;
    }
    for name in names {
        assert_conflict(trial.try_create(name, Draft::new("x"), Quota::NONE).await);
        let value = trial.value(name).await;
        assert_eq!(value.as_deref(), Some(name.as_bytes()), "{name:?}");
    }
    names.sort_unstable();
    assert_eq!(trial.names().await, names);
    for name in names {
        let first = trial.page(Some(name), 1).await;
        let at = names.binary_search(&name).map_or(0, |at| at + 1);
        assert_eq!(first.first().map(String::as_str), names.get(at).copied());
        assert!(trial.delete(name).await, "{name:?}");
    }
    assert!(trial.names().await.is_empty());
}

/// A key that is longer than every store takes is kept as any other, or refused for what it is;
/// and what was refused is not there.
pub async fn a_key_that_is_too_long_is_refused_or_kept(store: impl Store) {
    let trial = Trial::of(store);
    for length in [LONGEST + 1, 4 * LONGEST, 100_000] {
        let name = "x".repeat(length);
        let made = match trial.try_create(&name, Draft::new("x"), Quota::NONE).await {
            Ok(_) => true,
            Err(StoreError::Full(Bound::Key)) => false,
            Err(error) => panic!("a long name was refused as: {error}"),
        };
        assert_eq!(trial.load(&name).await.is_some(), made);
        assert_eq!(trial.delete(&name).await, made);
    }
    assert!(trial.page(Some(&"x".repeat(100_000)), 10).await.is_empty());
}

/// Records of different owners, and those of one owner in different spaces, never meet.
pub async fn owners_and_spaces_are_apart(store: impl Store) {
    let trial = Trial::of(store);
    let id = trial.owner.id();
    // Spellings that would be the same if parts were only put one behind the other.
    let spelt = [
        ("a", format!("b{id}"), "c"),
        ("ab", id.to_owned(), "c"),
        ("a", format!("b{id}c"), ""),
        ("", format!("ab{id}"), "c"),
        ("a:b", id.to_owned(), "c"),
        ("a", format!("b:{id}"), "c"),
        ("a", format!("{{b}}{id}"), "}c"),
        ("a", format!("{{b}}{id}}}"), "c"),
        ("a\0", id.to_owned(), "c"),
        ("a", format!("\0{id}"), "c"),
    ];
    let keys = spelt.map(|(space, id, name)| Owner::new(space, id).key(name));
    for (at, key) in keys.iter().enumerate() {
        let draft = Draft::new(at.to_string());
        done(trial.store.create(key, draft, Quota::records(1)).await);
    }
    for (at, key) in keys.iter().enumerate() {
        let record = done(trial.store.load(key).await);
        assert_eq!(record.expect("it was created").value, at.to_string());
        let listed = done(trial.store.list(key.owner(), None, 10).await);
        assert_eq!(listed.len(), 1, "{key:?}");
        assert_eq!(listed[0].name, key.name());
    }
    for (at, key) in keys.iter().enumerate() {
        done(trial.store.clear(key.owner()).await);
        for (other, key) in keys.iter().enumerate() {
            let there = done(trial.store.load(key).await).is_some();
            assert_eq!(there, other > at, "{key:?}");
        }
    }
}
