//! Promises about logs and what is in them.

use bytes::Bytes;

use crate::store::{Bound, Outbox, Owner, StoreError};
use crate::testing::contract::{
    outbox::trial::{Trial, all, assert_follows},
    trial::done,
};

/// Events have consecutive numbers in the order in which they were appended, and are read in it, in
/// pages of any size.
pub async fn events_follow_each_other_in_order(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    assert_eq!(trial.read("one", 0).await, Some(vec![]));
    assert_eq!(trial.last("one").await, 0);
    let first = trial.append("one", &["a"], all()).await;
    assert!(first > 0, "the number 0 is that of the beginning");
    let third = trial.append("one", &["b", "c"], all()).await;
    let last = trial.append("one", &["d", "e", "f"], all()).await;
    assert_eq!((third, last), (first + 2, first + 5));
    assert!(last < 1 << 53, "{last} is too large to be told precisely");
    assert_eq!(trial.last("one").await, last);

    let everything = ["a", "b", "c", "d", "e", "f"];
    for (at, after) in (0..).zip([0, first, first + 1, third, first + 3, first + 4, last]) {
        let rest = everything[at..].to_vec();
        let read = trial.read("one", after).await.expect("nothing is gone");
        assert_eq!(read, rest);
        for limit in [0, 1, 2, 5, 6, 7, usize::MAX] {
            let page = trial.logged("one", after, limit).await;
            let page = page.expect("nothing is gone");
            assert_eq!(page.len(), rest.len().min(limit));
            assert_follows(&page, if after == 0 { first - 1 } else { after });
        }
    }
    // To be read is to be left where it is.
    assert_eq!(trial.read("one", 0).await.map(|read| read.len()), Some(6));
}

/// Events are any bytes, none and many.
pub async fn events_are_any_bytes(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let events = [
        Bytes::new(),
        Bytes::from_static(b"\0"),
        Bytes::from_static(b"0"),
        Bytes::from_static(b"\xff\xfe"),
        Bytes::from_static(b"\r\n$-1\r\n"),
        Bytes::from(every),
        Bytes::from(vec![b'x'; 1_000_000]),
        Bytes::new(),
    ];
    let key = trial.key("one");
    for event in &events {
        done(trial.outbox.append(&key, vec![event.clone()], all()).await);
    }
    done(trial.outbox.append(&key, events.to_vec(), all()).await);
    let logged = trial.logged("one", 0, usize::MAX).await;
    let logged = logged.expect("nothing is gone");
    let read: Vec<_> = logged.into_iter().map(|logged| logged.value).collect();
    assert!(
        read == [events.clone(), events].concat(),
        "what was read is not what was appended"
    );
}

/// To append nothing changes nothing, and makes no log.
pub async fn an_append_of_nothing_changes_nothing(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    assert_eq!(trial.append("one", &[], all()).await, 0);
    assert_eq!(trial.last("one").await, 0);
    let last = trial.append("one", &["a", "b"], all()).await;
    assert_eq!(trial.append("one", &[], all().events(1)).await, last);
    let read = trial.read("one", 0).await.expect("nothing is gone");
    assert_eq!(read, ["a", "b"]);
}

/// Logs of different names, owners and spaces never meet, and names are any text.
pub async fn logs_are_apart(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let id = trial.owner.id();
    // Spellings that would be the same if parts were only put one behind the other.
    let long = "\u{e4}".repeat(256);
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
        ("a", id.to_owned(), ""),
        ("a", id.to_owned(), "\0"),
        ("a", id.to_owned(), "l:"),
        ("a", id.to_owned(), ":l"),
        ("a", id.to_owned(), "*"),
        ("a", id.to_owned(), "'; drop table logs; --"),
        ("a", id.to_owned(), &long),
    ];
    let keys = spelt.map(|(space, id, name)| Owner::new(space, id).key(name));
    for (at, key) in keys.iter().enumerate() {
        let event = Bytes::from(at.to_string());
        done(trial.outbox.append(key, vec![event], all()).await);
    }
    for (at, key) in keys.iter().enumerate() {
        let read = trial.outbox.read(key, 0, 10).await;
        let read = read.expect("nothing is gone");
        assert_eq!(read.len(), 1, "{key:?}");
        assert_eq!(read[0].value, at.to_string(), "{key:?}");
    }
    for key in &keys {
        done(trial.outbox.clear(key.owner()).await);
        assert_eq!(done(trial.outbox.last(key).await), 0, "{key:?}");
    }
}

/// A log with a longer name than every outbox takes is kept as any other, or refused for what it is.
pub async fn a_log_with_too_long_a_name_is_refused_or_kept(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    for length in [513, 2_048, 100_000] {
        let key = trial.key(&"x".repeat(length));
        let appended = trial.outbox.append(&key, vec!["a".into()], all()).await;
        let made = match appended {
            Ok(_) => true,
            Err(StoreError::Full(Bound::Key)) => false,
            Err(error) => panic!("a long name was refused as: {error}"),
        };
        assert_eq!(done(trial.outbox.last(&key).await) > 0, made);
    }
}

/// A clear removes every log of one owner and no other, and what begins again has other numbers.
pub async fn a_clear_removes_all_logs_of_one_owner(outbox: impl Outbox) {
    let trial = Trial::of(outbox);
    let other = trial.another();
    let names = ["", "a", "b", "\0", "{c}"];
    let mut lasts = Vec::new();
    for name in names {
        lasts.push(trial.append(name, &["1", "2", "3"], all()).await);
        other.append(name, &["other"], all()).await;
    }
    trial.clear().await;
    for (name, last) in names.iter().zip(&lasts) {
        assert_eq!(trial.last(name).await, 0);
        assert_eq!(trial.read(name, 0).await, Some(vec![]));
        assert_eq!(trial.read(name, *last).await, None, "there is no such log");
        let kept = other.read(name, 0).await.expect("it is another's");
        assert_eq!(kept, ["other"]);
    }
    for (name, last) in names.iter().zip(&lasts) {
        let again = trial.append(name, &["4", "5"], all()).await;
        for known in last - 2..=*last {
            assert_eq!(trial.read(name, known).await, None, "{known}");
        }
        let read = trial.read(name, again - 1).await.expect("it is there");
        assert_eq!(read, ["5"]);
    }
    // Twice is as good as once.
    trial.clear().await;
    trial.clear().await;
    assert_eq!(trial.last("a").await, 0);
}
